"""Images with their labels: the digits that are shipped, splitting, and scaling.

Images are N×C×H×W in the type in which they were stored (a byte a pixel); a batch becomes
floating point only when it is taken, by the scale found on the training part.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.networks.layers import show_shape
from solver.numeric.plain import Array

DIGITS_SHA256 = "b2dab7b501728c22e9119ad76740b2e17c77a231e42d1e592380d90886f1a05e"
DIGITS_SOURCE = (
    "UCI Machine Learning Repository, Optical Recognition of Handwritten Digits, the test "
    "part (E. Alpaydin and C. Kaynak, 1998), CC BY 4.0"
)
EXACT = {np.dtype(np.float32): 2**24, np.dtype(np.float64): 2**53}  # whole numbers kept
CHUNK = 1000  # images summed at a time


@dataclass(frozen=True, eq=False, repr=False)
class Data:
    """Images, the class of each, the classes' names, and where all of it is from.

    `largest` is the value of a full pixel; `note` says what the reader should know: that a
    file is not the published one.
    """

    images: Array
    labels: Array
    classes: tuple[str, ...]
    name: str
    source: str = ""
    largest: float = 255
    note: str = ""

    def __post_init__(self) -> None:
        checked(self)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image."""
        return self.images.shape[1:]

    def __getitem__(self, which: Any) -> Data:
        """Some of the images, by indices."""
        return replace(self, images=self.images[which], labels=self.labels[which])

    def counts(self) -> list[int]:
        """How many images each class has."""
        return np.bincount(self.labels, minlength=len(self.classes)).tolist()


def checked(data: Data) -> None:
    """Refuse images and labels that do not belong together, and values that are none."""
    images, labels, many = data.images, data.labels, len(data.classes)
    if images.ndim < 2 or labels.ndim != 1 or len(images) != len(labels):
        raise BadInput(
            f"{data.name}: images are N×C×H×W and labels N, not "
            f"{show_shape(images.shape)} and {show_shape(labels.shape)}"
        )
    if labels.dtype.kind not in "iu":
        raise BadInput(f"{data.name}: labels are whole numbers, not {labels.dtype}")
    if images.dtype.kind not in "iuf":
        raise BadInput(f"{data.name}: images are numbers, not {images.dtype}")
    outside = np.flatnonzero((labels < 0) | (labels >= many))
    if len(outside):
        first = outside[0]
        raise BadInput(
            f"{data.name}: the label of image {first} is {labels[first]}; "
            f"{many} classes go from 0 to {many - 1}"
        )
    if images.dtype.kind == "f":
        wrong = ~np.isfinite(images).reshape(len(images), -1).all(axis=1)
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            kind = "NaN" if np.isnan(images[first]).any() else "infinity"
            raise BadInput(f"{data.name}: image {first} holds {kind}")


# -- the digits ----------------------------------------------------------------------


def digits() -> Data:
    """1,797 handwritten digits of 8×8 pixels from 0 to 16, shipped with the package."""
    raw = (files("solver.training") / "digits.npz").read_bytes()
    return read_digits(raw)


def read_digits(raw: bytes) -> Data:
    """The digits from the bytes of their file, if these are the bytes shipped."""
    found = hashlib.sha256(raw).hexdigest()
    if found != DIGITS_SHA256:
        raise BadInput(
            f"digits.npz is damaged: its SHA-256 is {found[:12]}…, not "
            f"{DIGITS_SHA256[:12]}…; install pset again"
        )
    with np.load(io.BytesIO(raw), allow_pickle=False) as held:
        images, labels = held["images"], held["labels"]
    return Data(
        images[:, None],
        labels.astype(np.int64),
        tuple("0123456789"),
        "digits",
        DIGITS_SOURCE,
        16,
    )


# -- splitting -----------------------------------------------------------------------


def split(
    data: Data, fraction: float, seed: int = 0, stratified: bool = True
) -> tuple[Data, Data]:
    """(the rest, a part of ⌊N·fraction⌋ images), both shuffled by the seed.

    Stratified: of each class the part has the same share, up to one image.
    """
    n = len(data)
    if not 0 < fraction < 1:
        raise BadInput(f"a part is a fraction between 0 and 1, not {fraction:g}")
    size = int(n * fraction + 1e-9)
    if not 0 < size < n:
        raise BadInput(f"{fraction:g} of {n} images leaves one of the parts empty")
    random = np.random.default_rng(seed)
    order = random.permutation(n)
    if stratified:
        order = order[np.argsort(data.labels[order], kind="stable")]
        # every place at which the count of images times the fraction passes a whole number
        whole = np.arange(n + 1) * size // n
        chosen = whole[1:] > whole[:-1]
    else:
        chosen = np.arange(n) < size
    rest, part = order[~chosen], order[chosen]
    return data[random.permutation(rest)], data[random.permutation(part)]


# -- scaling -------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Scale:
    """(x − shift)/by, one of each for all pixels or for each channel."""

    shift: Array
    by: Array

    def __call__(self, images: Array, dtype: Any = np.float32) -> Array:
        """The images in floating point, scaled; refuses what the type cannot hold."""
        fits(images, np.dtype(dtype))
        x = images.astype(dtype)
        x -= self.shift.astype(dtype)
        x /= self.by.astype(dtype)
        return x

    def plain(self) -> dict[str, list[float]]:
        """Its numbers, one for all pixels or one a channel: what new images need."""
        return {"shift": self.shift.ravel().tolist(), "by": self.by.ravel().tolist()}


def fits(images: Array, dtype: np.dtype[Any]) -> None:
    """Refuse values that would overflow, or lose their last digits, in this type."""
    if not images.size or images.dtype.itemsize < 4 or images.dtype == dtype:
        return
    low, high = images.min(), images.max()
    worst = (
        low if -int(low) > int(high) else high
    )  # −int: the least int64 has no negative
    if images.dtype.kind == "f":
        most = float(np.finfo(dtype).max)
        if abs(float(worst)) > most:
            raise BadInput(
                f"pixels reach {worst:.3g}; {dtype} ends at {most:.3g}: scale them first"
            )
    elif abs(int(worst)) > EXACT[dtype]:
        raise BadInput(
            f"pixels reach {worst}, and {dtype} holds whole numbers exactly up to "
            f"{EXACT[dtype]:,}: scale them first"
        )


def unit(data: Data) -> Scale:
    """From 0 to 1: divided by the largest value that a pixel can have."""
    return Scale(np.asarray(0.0), np.asarray(float(data.largest)))


def standard(data: Data) -> Scale:
    """By the mean and the standard deviation of each channel, of the training part.

    A channel that does not vary is only shifted.
    """
    over = (0, *range(2, data.images.ndim))
    channels = data.images.shape[1]
    total, square = np.zeros(channels), np.zeros(channels)
    for at in range(0, len(data), CHUNK):
        x = data.images[at : at + CHUNK].astype(np.float64)
        total += x.sum(axis=over)
        square += (x * x).sum(axis=over)
    count = data.images.size / channels
    mean = total / count
    spread = np.sqrt(np.maximum(square / count - mean * mean, 0))
    each = (-1, *(1,) * (data.images.ndim - 2))
    return Scale(mean.reshape(each), np.where(spread > 0, spread, 1).reshape(each))


SCALES = {"unit": unit, "standard": standard}
