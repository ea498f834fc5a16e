"""LP pooling and adaptive pooling, forward and backward, made of `pooling`'s passes."""

from __future__ import annotations

from math import inf, prod
from typing import Any

import numpy as np

from solver.numeric.fast.arrays import result
from solver.numeric.fast.passes import Lines, lines_of, pooled, reduced, spread_out
from solver.numeric.fast.pooling import averages, averages_back, largest, max_pool_back
from solver.numeric.fast.spans import cells, shares, widths
from solver.numeric.plain import Array, Sides, sides_of, spread
from solver.numeric.workspace import spaces
from solver.registry import unknown

# -- LP ------------------------------------------------------------------------------


def power(x: Array, p: float) -> Array:
    """xᵖ, of the usual p without logarithms."""
    if p == 0:
        return np.ones_like(x)
    if p in (1, 2):
        return x.copy(order="K") if p == 1 else x * x
    return np.power(x, p)


def lp_pool(
    x: Array,
    kernel: Sides,
    stride: Sides | None = None,
    ceil_mode: bool = False,
    norm_type: float = 2,
    out: Array | None = None,
) -> Array:
    """(Σ xᵖ)^(1/p) of each window; the maximum for p = ∞."""
    lines = lines_of(x, kernel, stride, 0, 1, ceil_mode)
    if norm_type == inf:
        return largest(x, lines, out)
    y = result(x, pooled(x, lines), out)
    with np.errstate(invalid="ignore"):
        reduced(power(x, norm_type), lines, np.add, 0, y, spaces()[0])
        if norm_type == 2:
            return np.sqrt(y, out=y)
        return y if norm_type == 1 else np.power(y, 1 / norm_type, out=y)


def lp_pool_back(
    gradient: Array,
    x: Array,
    y: Array,
    kernel: Sides,
    stride: Sides | None = None,
    ceil_mode: bool = False,
    norm_type: float = 2,
) -> Array:
    """∂L/∂x = x^(p−1) · Σ g/y^(p−1) over the windows; 0 from a window whose y is 0."""
    p = norm_type
    lines = lines_of(x, kernel, stride, 0, 1, ceil_mode)
    if p == inf:
        _, places = largest(x, lines, indices=True)
        overlapping = any(one.overlapping for one in lines)
        return max_pool_back(gradient, places, x.shape[-len(lines) :], overlapping)
    with np.errstate(invalid="ignore", divide="ignore"):
        each = gradient / power(y, p - 1)
        if p > 1:
            each[y == 0] = 0
        of_x = np.empty_like(x)
        spread_out(each, lines, of_x, spaces()[0])
        of_x *= power(x, p - 1)
    return of_x


# -- adaptive ------------------------------------------------------------------------


def lines_to(x: Array, output: Any) -> Lines:
    """The cells along each side; None keeps the side."""
    dims = sides_of(x, output)
    sides = x.shape[x.ndim - dims :]
    outputs = spread(output, dims)
    return tuple(cells(n, n if o is None else o) for n, o in zip(sides, outputs))


def cell_shares(lines: Lines, x: Array) -> Any:
    """1/(how many values a cell reads)."""
    return shares([widths(one) for one in lines], x.dtype)


def adaptive_pool(
    x: Array,
    output: Any,
    mode: str = "avg",
    out: Array | None = None,
    indices: bool = False,
) -> Any:
    """Pools to a given output: the average or maximum of each cell.

    With `indices` also where the maximum is, in the flat sides.
    """
    lines = lines_to(x, output)
    if mode == "max":
        return largest(x, lines, out, indices)
    if mode != "avg":
        raise unknown("adaptive pooling", mode, ["avg", "max"])
    return averages(x, lines, cell_shares(lines, x), out)


def adaptive_pool_back(gradient: Array, x: Array, output: Any) -> Array:
    """∂L/∂x of the average (of the maximum: `pooling.max_pool_back`)."""
    lines = lines_to(x, output)
    if not prod(gradient.shape):
        return np.zeros_like(x)
    return averages_back(gradient, lines, cell_shares(lines, gradient))
