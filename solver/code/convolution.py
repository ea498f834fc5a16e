"""Convolution of a volume by several kernels, with bias, stride and padding.

What deep learning calls a convolution is a cross-correlation: the kernel is not flipped.
The backend's version is the plain definition in numeric/plain.
"""

from __future__ import annotations

import numpy as np

from solver.code.tasks import SEED, Call, Seen, Task, source_of, task, versions
from solver.numeric import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OUTPUT = "the output"
SIZES = (  # channels in and out, height, width, kernel, stride, padding
    (2, 3, 11, 13, (3, 5), 1, 0),
    (3, 5, 7, 11, (3, 2), 1, 1),
    (2, 5, 13, 11, (5, 3), 2, 0),
    (5, 2, 13, 17, (3, 5), 3, 2),
    (3, 3, 7, 7, (3, 3), 1, 0),  # a square, on which swapped axes come to an end
)


def conv2d(x: Any, w: Any, b: Any, stride: Any, padding: Any) -> Any:
    """The window at each output position times each kernel, summed, plus its bias."""
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    C_out, C_in, k_h, k_w = w.shape
    H = (x.shape[1] - k_h) // stride + 1
    W = (x.shape[2] - k_w) // stride + 1
    y = np.zeros((C_out, H, W))
    for i in range(H):
        for j in range(W):
            rows = slice(i * stride, i * stride + k_h)
            columns = slice(j * stride, j * stride + k_w)
            window = x[:, rows, columns]
            y[:, i, j] = np.sum(window * w, axis=(1, 2, 3)) + b
    return y


def backend(x: Any, w: Any, b: Any, stride: Any, padding: Any) -> Any:
    """The plain definition, a batch of one."""
    return plain.conv(x[None], w, b, stride, padding)[0]


def calls() -> tuple[Call, ...]:
    """Images and kernels whose sizes are primes and not square."""
    rng = np.random.default_rng(SEED)
    found = []
    for channels, maps, height, width, kernel, stride, padding in SIZES:
        arguments = {
            "x": rng.normal(size=(channels, height, width)),
            "w": rng.normal(size=(maps, channels, *kernel)),
            "b": rng.normal(size=maps),
            "stride": stride,
            "padding": padding,
        }
        found.append(Call(arguments, (Seen(OUTPUT),)))
    return tuple(found)


# -- mistaken versions ----------------------------------------------------------------------


def kernel_flipped(x: Any, w: Any, b: Any, stride: Any, padding: Any) -> Any:
    """The kernel is flipped: a layer computes the cross-correlation, Σ w[a, b]·x[i + a, j + b]."""
    return backend(x, w[:, :, ::-1, ::-1], b, stride, padding)


def padding_forgotten(x: Any, w: Any, b: Any, stride: Any, padding: Any) -> Any:
    """The padding is forgotten: zeros stand around the image before the kernel moves over it."""
    return backend(x, w, b, stride, 0)


def padding_once(x: Any, w: Any, b: Any, stride: Any, padding: Any) -> Any:
    """The padding stands on one side of each axis: it belongs on both."""
    return backend(np.pad(x, ((0, 0), (0, padding), (0, padding))), w, b, stride, 0)


def padding_by_edge(x: Any, w: Any, b: Any, stride: Any, padding: Any) -> Any:
    """The padding repeats the image's edge: it is zeros."""
    around = ((0, 0), (padding, padding), (padding, padding))
    return backend(np.pad(x, around, mode="edge"), w, b, stride, 0)


def stride_forgotten(x: Any, w: Any, b: Any, stride: Any, padding: Any) -> Any:
    """The stride is forgotten: windows begin that many positions apart."""
    return backend(x, w, b, 1, padding)


def bias_forgotten(x: Any, w: Any, b: Any, stride: Any, padding: Any) -> Any:
    """The bias is forgotten: each output map has one, added everywhere."""
    return backend(x, w, 0 * b, stride, padding)


def first_channel(x: Any, w: Any, b: Any, stride: Any, padding: Any) -> Any:
    """Only the first input channel is used: the products are summed over all of them."""
    return backend(x[:1], w[:, :1], b, stride, padding)


def mean_for_sum(x: Any, w: Any, b: Any, stride: Any, padding: Any) -> Any:
    """The products are averaged: they are summed."""
    return backend(x, w / w[0].size, b, stride, padding)


def last_position_missing(x: Any, w: Any, b: Any, stride: Any, padding: Any) -> Any:
    """The last window of each axis is missing: there are ⌊(n + 2p − k)/s⌋ + 1 of them."""
    return backend(x, w, b, stride, padding)[:, :-1, :-1]


def axes_swapped(x: Any, w: Any, b: Any, stride: Any, padding: Any) -> Any:
    """The output's height and width are swapped."""
    return backend(x, w, b, stride, padding).transpose(0, 2, 1)


def kernel_transposed(x: Any, w: Any, b: Any, stride: Any, padding: Any) -> Any:
    """The kernel is transposed: its first axis runs down the image, its second to the right."""
    return backend(x, w.transpose(0, 1, 3, 2), b, stride, padding)


@task("convolution")
def convolution() -> Task:
    """Convolution of a C×H×W volume by C_out kernels, with bias, stride and padding."""
    return Task(
        "convolution",
        conv2d,
        backend,
        ("x", "w", "b", "stride", "padding"),
        calls(),
        source_of(conv2d),
        versions(
            kernel_flipped, padding_forgotten, padding_once, padding_by_edge,
            stride_forgotten, bias_forgotten, first_channel, mean_for_sum,
            last_position_missing, axes_swapped, kernel_transposed,
        ),
    )  # fmt: skip
