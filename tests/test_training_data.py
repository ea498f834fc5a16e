"""The digits, the readers of other image sets, splitting and scaling.

What is written in a format is read back; every byte that is taken away or changed where it
matters is noticed.
"""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput
from solver.numeric import memory
from solver.training import readers
from solver.training.data import (
    Data,
    digits,
    read_digits,
    split,
    standard,
    unit,
)
from solver.training.readers import cifar10, fashion_mnist, mnist, named, read_idx

COUNTS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def small(n: int = 30, classes: int = 3, **more: Any) -> Data:
    images = np.arange(n * 10, dtype=np.uint8).reshape(n, 1, 2, 5)
    labels = np.arange(n) % classes
    names = tuple(map(str, range(classes)))
    return Data(
        **{
            "images": images,
            "labels": labels,
            "classes": names,
            "name": "small",
            **more,
        }
    )


# -- the digits ----------------------------------------------------------------------


def test_the_digits_are_those_of_uci() -> None:
    d = digits()
    assert d.images.shape == (1797, 1, 8, 8) and d.images.dtype == np.uint8
    assert (d.images.min(), d.images.max(), d.largest) == (0, 16, 16)
    assert d.counts() == COUNTS  # of the source's description
    assert d.images[0, 0, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0] and d.labels[0] == 0
    assert "Alpaydin" in d.source and "CC BY 4.0" in d.source


def test_a_changed_byte_of_the_digits_is_noticed() -> None:
    raw = bytearray((files("solver.training") / "digits.npz").read_bytes())
    assert len(read_digits(bytes(raw))) == 1797
    raw[len(raw) // 2] ^= 1
    with pytest.raises(BadInput, match="damaged.*SHA-256"):
        read_digits(bytes(raw))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"labels": np.array([0, 1, 3] * 10)}, "label of image 2 is 3; 3 classes go from 0"),
        ({"labels": np.array([0, 1, -1] * 10)}, "label of image 2 is -1"),
        ({"labels": np.zeros(30)}, "whole numbers, not float64"),
        ({"labels": np.zeros(29, int)}, "30×1×2×5 and 29"),
        ({"images": np.full((30, 1, 2, 5), "x")}, "images are numbers"),
        ({"images": np.where(np.arange(30) == 7, np.nan, 1.0).reshape(30, 1, 1, 1)},
         "image 7 holds NaN"),
        ({"images": np.where(np.arange(30) == 9, np.inf, 1.0).reshape(30, 1, 1, 1)},
         "image 9 holds infinity"),
    ],
)  # fmt: skip
def test_data_that_is_none_is_refused(more: dict[str, Any], message: str) -> None:
    assert len(small()) == 30
    with pytest.raises(BadInput, match=message):
        small(**more)


# -- splitting and scaling -----------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(12, 200), st.integers(2, 7), st.floats(0.1, 0.9), st.integers(0, 99))
def test_a_stratified_part_has_the_share_of_each_class(
    n: int, classes: int, fraction: float, seed: int
) -> None:
    data = small(n, classes)
    rest, part = split(data, fraction, seed)
    assert len(part) == int(n * fraction + 1e-9) and len(rest) + len(part) == n
    for whole, some in zip(data.counts(), part.counts()):
        assert abs(some - whole * len(part) / n) < 1
    both = np.concatenate([rest.images, part.images]).reshape(n, -1)
    assert sorted(map(bytes, both)) == sorted(map(bytes, data.images.reshape(n, -1)))


def test_a_split_follows_its_seed() -> None:
    data = digits()
    one, again, other = (split(data, 0.2, s)[1] for s in (3, 3, 4))
    assert (one.images == again.images).all() and not (one.images == other.images).all()
    plain = split(data, 0.2, 3, stratified=False)[1]
    assert len(plain) == len(one) and plain.counts() != one.counts()


@pytest.mark.parametrize("fraction", [0, 1, -0.1, float("nan"), 0.0001])
def test_a_part_is_not_empty(fraction: float) -> None:
    with pytest.raises(BadInput):
        split(small(), fraction)


def test_scaling_is_of_the_training_part() -> None:
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (2500, 3, 4, 5), dtype=np.uint8)
    data = small(2500, images=images)
    x = standard(data)(images, np.float64)
    assert np.allclose(x.mean((0, 2, 3)), 0) and np.allclose(x.std((0, 2, 3)), 1)
    assert unit(data)(images).max() == 1 and unit(data)(images).dtype == np.float32
    flat = small(images=np.full((30, 1, 2, 5), 9, np.uint8))
    assert (standard(flat)(flat.images) == 0).all()  # no division by 0


@pytest.mark.parametrize(
    ("images", "ok"),
    [
        (np.full((30, 1, 1, 1), 2**24, np.int64), True),
        (np.full((30, 1, 1, 1), 2**24 + 1, np.int64), False),
        (np.full((30, 1, 1, 1), -(2**63), np.int64), False),
        (np.full((30, 1, 1, 1), 2**64 - 1, np.uint64), False),
        (np.full((30, 1, 1, 1), 1e38), True),
        (np.full((30, 1, 1, 1), -1e39), False),
    ],
)
def test_what_single_precision_cannot_hold_is_refused(images: Any, ok: bool) -> None:
    data = small(images=images)
    if ok:
        unit(data)(data.images)
        return
    with pytest.raises(BadInput, match="float32"):
        unit(data)(data.images)


# -- idx -----------------------------------------------------------------------------

CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def idx(x: Any) -> bytes:
    code = CODES[x.dtype.str[1:]]
    head = struct.pack(f">HBB{x.ndim}I", 0, code, x.ndim, *x.shape)
    return head + x.astype(x.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("compressed", [False, True])
def test_an_idx_file_is_read_back(tmp_path: Path, code: str, compressed: bool) -> None:
    x = np.array([[1, 2, 3], [-4 if code != "u1" else 4, 5, 6]], code)
    data = idx(x)
    path = tmp_path / "x.idx"
    path.write_bytes(gzip.compress(data, mtime=0) if compressed else data)
    found = read_idx(path)
    assert found.dtype == x.dtype and (found == x).all()


WHOLE = idx(np.zeros((2, 3, 5), np.uint8))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            WHOLE[:-1],
            "breaks off: 2×3×5 values of 1 bytes end at byte 46, the file at 45",
        ),
        (WHOLE + b"\0", "goes on"),
        (b"\0\0", "begins with 4 bytes; here are 2"),
        (b"\0\1" + WHOLE[2:], "no idx file: it begins with 00 01 08 03"),
        (b"\0\0\7" + WHOLE[3:], "no idx file"),
        (WHOLE[:10], "announces 3 axes, 16 bytes; the file has 10"),
        (b"\0\0\10\0", "announces 0 axes"),
        (
            struct.pack(">HBB4I", 0, 8, 4, *[2**32 - 1] * 4),
            "breaks off",
        ),  # 2^128 values
        (gzip.compress(WHOLE, mtime=0)[:-6], "compressed file is damaged"),
        (gzip.compress(WHOLE, mtime=0)[:12] + b"\xff" * 30, "compressed file is damaged"),
    ],
)
def test_a_corrupt_idx_file_is_refused(
    tmp_path: Path, data: bytes, message: str
) -> None:
    path = tmp_path / "x.idx"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=message) as e:
        read_idx(path)
    assert "x.idx" in str(e.value)


def bomb(announced: int, zeros: int) -> bytes:
    """A compressed idx file that announces so many bytes and goes on with so many zeros."""
    return gzip.compress(struct.pack(">HBBI", 0, 8, 1, announced) + bytes(zeros), 9, mtime=0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (bomb(100, 20_000_000), "x.idx: the file goes on: 100 values .* at byte 108$"),
        (bomb(2**32 - 1, 10), "breaks off: .* end at byte 4,294,967,303, the file at 18"),
        (bomb(100, 100)[:-8] + bytes(8), "compressed file is damaged: CRC"),
        (gzip.compress(bytes(20_000_000), mtime=0), "this is no idx file"),
    ],
)
def test_a_file_unfolds_to_what_its_header_announces_and_no_further(
    tmp_path: Path, data: bytes, message: str
) -> None:
    path = tmp_path / "x.idx"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match=message):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_file_that_unfolds_to_more_than_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.idx").write_bytes(bomb(900_000, 1_000_000))
    monkeypatch.setattr(memory, "available", lambda: 1000)
    with pytest.raises(BadInput, match="x.idx: what it unfolds to would take 879 KiB"):
        read_idx(tmp_path / "x.idx")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing.idx: cannot be read"):
        read_idx(tmp_path / "nothing.idx")
    with pytest.raises(BadInput, match="neither train-images-idx3-ubyte nor"):
        mnist(tmp_path)
    with pytest.raises(BadInput, match="no such folder"):
        mnist(tmp_path / "x")


def write_set(folder: Path, images: Any, labels: Any) -> None:
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        packed = gzip.compress(idx(labels), mtime=0)
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(packed)


def test_mnist_that_is_not_the_published_is_read_and_said(tmp_path: Path) -> None:
    images = np.arange(2 * 28 * 28, dtype=np.int64).reshape(2, 28, 28).astype(np.uint8)
    write_set(tmp_path, images, np.array([3, 9], np.uint8))
    found = mnist(tmp_path)
    assert found.shape == (1, 28, 28) and found.labels.tolist() == [3, 9]
    assert (found.images[:, 0] == images).all()
    assert (
        "not the published files: train-images-idx3-ubyte, train-labels" in found.note
    )
    assert fashion_mnist(tmp_path, "test").classes[9] == "ankle boot"
    train, test = named(f"mnist:{tmp_path}")
    assert test is not None and len(train) == len(test) == 2


def test_the_published_checksum_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    images, labels = np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.uint8)
    write_set(tmp_path, images, labels)
    sums = [
        hashlib.md5(idx(x), usedforsecurity=False).hexdigest() for x in (images, labels)
    ]
    table = dict(readers.MNIST)
    for name in ("images-idx3", "labels-idx1"):
        table[f"train-{name}-ubyte"] = ("", sums[name.startswith("labels")])
    monkeypatch.setattr(readers, "MNIST", table)
    assert mnist(tmp_path).note == "" and mnist(tmp_path, "test").note != ""


def test_every_published_checksum_is_one() -> None:
    sums = [
        s for t in (readers.MNIST, readers.FASHION) for pair in t.values() for s in pair
    ]
    assert len(sums) == len(set(sums)) == 16
    assert all(len(s) == 32 and set(s) <= set("0123456789abcdef") for s in sums)


def test_labels_and_images_that_do_not_fit(tmp_path: Path) -> None:
    images = np.zeros((2, 28, 28), np.uint8)
    write_set(tmp_path, images, np.array([3, 10], np.uint8))
    with pytest.raises(BadInput, match="label of image 1 is 10"):
        mnist(tmp_path)
    write_set(tmp_path, images, np.array([3], np.uint8))
    with pytest.raises(BadInput, match="2×1×28×28 and 1"):
        mnist(tmp_path)
    write_set(tmp_path, images.astype(np.float32), np.array([3, 1], np.uint8))
    with pytest.raises(BadInput, match="N×H×W bytes"):
        mnist(tmp_path)


# -- CIFAR-10 ------------------------------------------------------------------------


def test_cifar_in_binary_is_read(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    pixels = random.integers(0, 256, (5, 2, 3072), dtype=np.uint8)
    for i in range(5):
        rows = np.concatenate([np.array([[i], [9 - i]], np.uint8), pixels[i]], axis=1)
        (tmp_path / f"data_batch_{i + 1}.bin").write_bytes(rows.tobytes())
    found = cifar10(tmp_path)
    assert found.labels.tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]
    # red first, then green and blue, each row after row
    assert (found.images[3] == pixels[1, 1].reshape(3, 32, 32)).all()
    assert "data_batch_1.bin has 2 images, the published 10,000" in found.note

    place = tmp_path / "data_batch_3.bin"
    whole = place.read_bytes()
    place.write_bytes(whole[:-1])
    with pytest.raises(BadInput, match="data_batch_3.bin: each image has 3,073 bytes"):
        cifar10(tmp_path)
    place.write_bytes(bytes([10]) + whole[1:])
    with pytest.raises(BadInput, match="label of image 0 is 10"):
        cifar10(tmp_path)
    with pytest.raises(BadInput, match="test_batch.bin: cannot be read"):
        cifar10(tmp_path, "test")


def test_pickled_cifar_is_named_and_never_loaded(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x04cposix\nsystem\n")
    with pytest.raises(BadInput, match="pickled files, which are never loaded.*binary"):
        cifar10(tmp_path)
    with pytest.raises(BadInput, match="unpack cifar-10-binary.tar.gz"):
        cifar10(tmp_path.parent)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mnits:x", "no data set .--data. is called 'mnits'; did you mean mnist"),
        ("mnist", "needs the folder"),
        ("digits:x", "shipped with pset and are in no folder: write digits, not digits:x"),
    ],
)
def test_data_is_named(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        named(text)
