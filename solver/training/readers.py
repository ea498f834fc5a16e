"""Image sets that the user has: MNIST and Fashion-MNIST (idx files), CIFAR-10 (binary).

A file is read whole, checked against its own header and length, and refused if it does
not keep to them. One that is well-formed but not the published file is read, and the
data's note says so. Pickled files are never loaded: loading them runs what is in them.
"""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.numeric.memory import afford
from solver.numeric.plain import Array
from solver.registry import unknown
from solver.training.data import Data, digits

IDX_TYPES = {
    0x08: ">u1",
    0x09: ">i1",
    0x0B: ">i2",
    0x0C: ">i4",
    0x0D: ">f4",
    0x0E: ">f8",
}
DENSEST = 1032  # bytes that a byte compressed by gzip can unfold to, at most
PARTS = {"train": "train", "test": "t10k"}

# file -> MD5 of the published .gz, and of what is in it
MNIST = {
    "train-images-idx3-ubyte": (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
    "train-labels-idx1-ubyte": (
        "d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
    "t10k-images-idx3-ubyte": (
        "9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
    "t10k-labels-idx1-ubyte": (
        "ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
}  # fmt: skip
FASHION = {
    "train-images-idx3-ubyte": (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
    "train-labels-idx1-ubyte": (
        "25c81989df183df01b3e8a0aad5dffbe", "9018921c3c673c538a1fc5bad174d6f9"),
    "t10k-images-idx3-ubyte": (
        "bef4ecab320f06d8554ea6380940ec79", "8181f5470baa50b63fa0f6fddb340f0a"),
    "t10k-labels-idx1-ubyte": (
        "bb300cfdad3c16e7a12a480ee83cd310", "15d484375f8d13e6eb1aabb0c3f46965"),
}  # fmt: skip
CLOTHES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
THINGS = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
CIFAR_FILES = {
    "train": [f"data_batch_{i}.bin" for i in range(1, 6)],
    "test": ["test_batch.bin"],
}
RECORD, IN_A_FILE = 1 + 3 * 32 * 32, 10_000  # bytes: the label and its pixels; images


def content(path: Path, ends: Callable[[bytes], int]) -> tuple[bytes, bytes]:
    """(the file's bytes, what is in it): the same unless the file is compressed.

    `ends` says of the first bytes where the content ends at the latest. A compressed file
    is unfolded one byte further and no more, however much there is.
    """
    try:
        raw = path.read_bytes()
    except OSError as e:
        raise BadInput(f"cannot be read: {e.strerror}").at(str(path)) from None
    if raw[:2] != b"\x1f\x8b":
        return raw, raw
    try:
        with gzip.open(path) as file:
            head = file.read(HEAD)
            most = min(ends(head), DENSEST * len(raw))
            afford(most, "what it unfolds to would take", "take a smaller file")
            inside = head + file.read(max(most - len(head), 0) + 1)
    except (EOFError, OSError, zlib.error) as e:
        raise BadInput(f"the compressed file is damaged: {e}").at(str(path)) from None
    except BadInput as e:
        raise e.at(str(path)) from None
    return raw, inside


# -- idx -----------------------------------------------------------------------------


def read_idx(path: str | Path) -> Array:
    """The array in an idx file (LeCun's format), compressed by gzip or not.

    Two zero bytes, the type, the number of axes; each size in four bytes, the most
    significant first; then the values. Raises BadInput where the file breaks off or goes on.
    """
    place = Path(path)
    try:
        return of_idx(content(place, end_of_idx)[1])
    except BadInput as e:
        raise e if e.where else e.at(str(place)) from None


AXES = 8  # of an idx file that can be meant
HEAD = 4 + 4 * AXES  # bytes in which a header ends


def end_of_idx(head: bytes) -> int:
    """Where an idx file ends, by its header."""
    shape, dtype, start = header(head)
    return start + prod(shape) * dtype.itemsize  # Python's ints do not overflow


def header(data: bytes) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """(sizes, type, the byte at which the values begin) of an idx file."""
    if len(data) < 4:
        raise BadInput(f"an idx file begins with 4 bytes; here are {len(data)}")
    zero, type_, dims = struct.unpack(">HBB", data[:4])
    if zero != 0 or type_ not in IDX_TYPES:
        raise BadInput(
            f"this is no idx file: it begins with {data[:4].hex(' ')}, not with 00 00, a "
            "type from 08 to 0e, and the number of axes"
        )
    start = 4 + 4 * dims
    if dims > AXES:
        raise BadInput(f"the header announces {dims} axes; images have at most {AXES}")
    if not dims or len(data) < start:
        raise BadInput(
            f"the header announces {dims} axes, {start} bytes; the file has {len(data)}"
        )
    shape = struct.unpack(f">{dims}I", data[4:start])
    return shape, np.dtype(IDX_TYPES[type_]), start


def of_idx(data: bytes) -> Array:
    """The array that these bytes of an idx file hold."""
    shape, dtype, start = header(data)
    needed = end_of_idx(data)
    if len(data) != needed:
        sizes = "×".join(map(str, shape))
        ends = f"{sizes} values of {dtype.itemsize} bytes end at byte {needed:,}"
        if len(data) < needed:
            ends += f", the file at {len(data):,}"
        what = "breaks off" if len(data) < needed else "goes on"
        raise BadInput(f"the file {what}: {ends}")
    found = np.frombuffer(data, dtype, offset=start).reshape(shape)
    return found.astype(dtype.newbyteorder("="))


def from_idx(
    folder: str | Path,
    part: str,
    name: str,
    published: dict[str, tuple[str, str]],
    classes: tuple[str, ...],
    source: str,
) -> Data:
    """One part of a set that is kept as MNIST is, two files a part."""
    if part not in PARTS:
        raise unknown("part", part, list(PARTS))
    arrays, other = [], []
    for ending in ("images-idx3-ubyte", "labels-idx1-ubyte"):
        file = f"{PARTS[part]}-{ending}"
        path = found_file(Path(folder), file)
        raw, data = content(path, end_of_idx)
        sums = {hashlib.md5(b, usedforsecurity=False).hexdigest() for b in (raw, data)}
        if not sums & set(published[file]):
            other.append(path.name)
        try:
            arrays.append(of_idx(data))
        except BadInput as e:
            raise e.at(str(path)) from None
    images, labels = arrays
    if images.ndim != 3 or labels.ndim != 1 or images.dtype != np.uint8:
        raise BadInput(
            f"images are N×H×W bytes and labels N, not {images.ndim} axes of "
            f"{images.dtype} and {labels.ndim} axes"
        ).at(str(folder))
    note = f"not the published files: {', '.join(other)}" if other else ""
    try:
        return Data(images[:, None], whole(labels), classes, name, source, 255, note)
    except BadInput as e:
        raise e.at(str(folder)) from None


def whole(labels: Array) -> Array:
    """Bytes as integers that can be counted with; others as they are, to be refused."""
    return labels.astype(np.int64) if labels.dtype.kind in "iu" else labels


def found_file(folder: Path, name: str) -> Path:
    """The file of this name, compressed or not, also as torchvision unpacks it."""
    if not folder.is_dir():
        raise BadInput("there is no such folder").at(str(folder))
    dotted = name.replace("-idx", ".idx")  # as some archives spell it
    names = [f"{n}{end}" for n in (name, dotted) for end in ("", ".gz")]
    for place in (folder, folder / "raw"):
        for one in names:
            if (place / one).is_file():
                return place / one
    raise BadInput(f"there is neither {name} nor {name}.gz in it").at(str(folder))


def mnist(folder: str | Path, part: str = "train") -> Data:
    """MNIST (LeCun, Cortes, Burges): 60,000 and 10,000 handwritten digits of 28×28."""
    source = "MNIST (Y. LeCun, C. Cortes, C. Burges)"
    return from_idx(folder, part, "mnist", MNIST, tuple("0123456789"), source)


def fashion_mnist(folder: str | Path, part: str = "train") -> Data:
    """Fashion-MNIST (arXiv:1708.07747): clothes, in MNIST's sizes and files."""
    source = "Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747)"
    return from_idx(folder, part, "fashion-mnist", FASHION, CLOTHES, source)


# -- CIFAR-10 ------------------------------------------------------------------------


def cifar10(folder: str | Path, part: str = "train") -> Data:
    """CIFAR-10's binary version (Krizhevsky 2009): 50,000 and 10,000 images of 3×32×32.

    The authors publish a checksum of the archive only, not of the files in it: lengths
    and labels are what can be checked here.
    """
    if part not in CIFAR_FILES:
        raise unknown("part", part, list(CIFAR_FILES))
    place = binary_folder(Path(folder))
    images, labels, notes = [], [], []
    for name in CIFAR_FILES[part]:
        path = place / name
        _, data = content(path, lambda head: RECORD * IN_A_FILE)
        if not data or len(data) % RECORD:
            raise BadInput(
                f"each image has {RECORD:,} bytes, and {len(data):,} is no multiple of "
                "that: the file is damaged, or not of CIFAR-10's binary version"
            ).at(str(path))
        records = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
        if records[:, 0].max() >= len(THINGS):
            first = int(np.argmax(records[:, 0] >= len(THINGS)))
            raise BadInput(
                f"the label of image {first} is {records[first, 0]}; 10 classes go from "
                "0 to 9"
            ).at(str(path))
        if len(records) != IN_A_FILE:
            notes.append(f"{name} has {len(records):,} images, the published 10,000")
        images.append(records[:, 1:].reshape(-1, 3, 32, 32))
        labels.append(records[:, 0].astype(np.int64))
    return Data(
        np.concatenate(images),
        np.concatenate(labels),
        THINGS,
        "cifar10",
        "CIFAR-10 (A. Krizhevsky, 2009), binary version",
        255,
        "; ".join(notes),
    )


def binary_folder(folder: Path) -> Path:
    """Where the binary files are; the Python version is named, and refused."""
    if not folder.is_dir():
        raise BadInput("there is no such folder").at(str(folder))
    for place in (folder, folder / "cifar-10-batches-bin"):
        if any(place.glob("*_batch*.bin")):
            return place
    for place in (folder, folder / "cifar-10-batches-py"):
        if (place / "data_batch_1").exists():
            raise BadInput(
                "this is CIFAR-10's Python version, pickled files, which are never loaded: "
                "take the binary version (cifar-10-binary.tar.gz, data_batch_1.bin …)"
            ).at(str(place))
    raise BadInput(
        "there is no data_batch_1.bin in it: unpack cifar-10-binary.tar.gz"
    ).at(str(folder))


# -- by name -------------------------------------------------------------------------

READERS = {"mnist": mnist, "fashion": fashion_mnist, "cifar10": cifar10}


def named(text: str) -> tuple[Data, Data | None]:
    """(training images, test images where the set has its own) of digits, mnist:DIR, …"""
    name, colon, folder = text.partition(":")
    if name == "digits":
        if colon:
            raise BadInput(
                f"digits are shipped with pset and are in no folder: write digits, not "
                f"{text:.60}"
            )
        return digits(), None
    if name not in READERS:
        raise unknown("data set (--data)", name, ["digits", *READERS])
    if not folder:
        raise BadInput(f"{name} needs the folder of its files: {name}:DIR")
    read = READERS[name]
    return read(folder, "train"), read(folder, "test")
