"""Images rearranged and resized as PyTorch does: pixel shuffle and interpolation."""

from __future__ import annotations

from math import floor

import numpy as np

from solver.core import BadInput
from solver.numeric.plain import Array, Sides, adaptive_pool, spread
from solver.registry import unknown

KEYS = -0.75  # the free coefficient of cubic convolution (Keys 1981), PyTorch's choice
LINEAR = ("linear", "bilinear", "trilinear")
MODES = ("nearest", "nearest-exact", *LINEAR, "bicubic", "area")


def pixel_shuffle(x: Array, factor: int) -> Array:
    """…×(C·f²)×H×W to …×C×fH×fW: each pixel's f² channels become an f×f square."""
    *lead, channels, h, w = x.shape
    f = factor
    parts = x.reshape(*lead, channels // f**2, f, f, h, w)
    spread = np.moveaxis(parts, (-4, -3), (-3, -1))  # …×C×H×f×W×f
    return spread.reshape(*lead, channels // f**2, h * f, w * f)


def pixel_unshuffle(x: Array, factor: int) -> Array:
    """…×C×H×W to …×(C·f²)×(H/f)×(W/f): each f×f square becomes f² channels."""
    *lead, channels, h, w = x.shape
    f = factor
    squares = x.reshape(*lead, channels, h // f, f, w // f, f)
    gathered = np.moveaxis(squares, (-3, -1), (-4, -3))  # …×C×f×f×H×W
    return gathered.reshape(*lead, channels * f**2, h // f, w // f)


def interpolate(
    x: Array,
    size: Sides | None = None,
    scale: float | tuple[float, ...] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute: bool | None = None,
) -> Array:
    """The sides of N×C×sides made `size`, or ⌊scale·n⌋; one axis after the other.

    Steps from pixel to pixel are 1/scale if a scale is given (n/size if it is to be
    recomputed); the corners' centres meet if align_corners.
    """
    if mode not in MODES:
        raise unknown("interpolation", mode, list(MODES))
    dims = x.ndim - 2
    if (size is None) == (scale is None):
        raise BadInput("give either the output's size or a scale")
    scales = spread(scale, dims)
    sizes = (
        tuple(floor(n * f) for n, f in zip(x.shape[2:], scales))
        if size is None
        else spread(size, dims)
    )
    if mode == "area":
        return adaptive_pool(x, sizes)
    for axis, (o, f) in enumerate(zip(sizes, scales), 2):
        n = x.shape[axis]
        if align_corners:
            step = (n - 1) / (o - 1) if o > 1 else 0.0
        else:
            step = n / o if f is None or recompute else 1 / f
        if mode.startswith("nearest"):
            half = 0.5 if mode == "nearest-exact" else 0
            met = [min(floor((i + half) * step), n - 1) for i in range(o)]
            x = x.take(met, axis)
        else:
            mixed = mixing(n, o, step, bool(align_corners), mode)
            x = np.moveaxis(np.tensordot(x, mixed, ([axis], [1])), -1, axis)
    return x


def mixing(n: int, o: int, step: float, aligned: bool, mode: str) -> Array:
    """How much of each of n inputs goes into each of o outputs, an o×n matrix."""
    found = np.zeros((o, n))
    for i in range(o):
        at = step * i if aligned else step * (i + 0.5) - 0.5
        if mode in LINEAR:
            taps = {0: 1 - at % 1, 1: at % 1}
        else:
            taps = {j: cubic(at % 1 - j) for j in (-1, 0, 1, 2)}
        for j, share in taps.items():
            found[i, min(max(floor(at) + j, 0), n - 1)] += share
    return found


def cubic(t: float) -> float:
    """Keys' cubic convolution kernel at distance t: 1 at 0, 0 at 1, 2 and beyond."""
    t, a = abs(t), KEYS
    if t <= 1:
        return ((a + 2) * t - (a + 3)) * t * t + 1
    return (((t - 5) * t + 8) * t - 4) * a if t < 2 else 0.0
