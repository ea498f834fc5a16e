"""The passes of pooling along one axis after the other, and back.

Joining (by maximum, by sum) k strided slices along an axis, then those of the result
along the next, joins each window: 2k operations instead of k². Examples and channels go
through in blocks that fit the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.numeric.fast.arrays import blocks
from solver.numeric.fast.spans import Group, Line, at, line
from solver.numeric.plain import Array, Sides, axes, spread
from solver.numeric.workspace import Workspace

Lines = tuple[Line, ...]

# ns a value of an operation on strided slices, measured.
STEP: dict[Any, float] = {np.add: 0.4, np.maximum: 1.0}


def lines_of(x: Array, kernel: Sides, *rest: Any) -> Lines:
    """The windows along each side; `rest` is stride, padding, dilation, ceil_mode."""
    dims = len(kernel) if isinstance(kernel, tuple) else x.ndim - 2
    return planned(x.shape[x.ndim - dims :], kernel, *rest)


@lru_cache(1024)
def planned(
    sides: tuple[int, ...],
    kernel: Sides,
    stride: Sides | None,
    padding: Sides = 0,
    dilation: Sides = 1,
    ceil_mode: bool = False,
) -> Lines:
    """The windows along sides of these sizes."""
    kernel = spread(kernel, len(sides))
    stride = kernel if stride is None else stride
    ks, ss, ps, ds = axes(kernel, stride, padding, dilation)
    found = tuple(line(*five, ceil_mode) for five in zip(sides, ks, ss, ps, ds))
    for n, k, one in zip(sides, ks, found):
        if not one.count:
            raise BadInput(f"kernel {k} does not fit: the input is {n} wide")
    return found


def pooled(x: Array, lines: Lines) -> tuple[int, ...]:
    """The output's shape."""
    return (*x.shape[: x.ndim - len(lines)], *(one.count for one in lines))


# -- reducing and spreading along the axes -------------------------------------------


def runs_flat(x: Array, axis: int, group: Group, passes: int, step: float) -> bool:
    """Whether every place of x in memory order, then a choice, beats strided slices.

    A strided step along the last axis costs `step` ns a value, a contiguous one 0.1, the
    choice 0.4; short rows cost 20 ns each time. So it may pay to compute s values for one.
    """
    if x.size < 4096 or not x.flags.c_contiguous or len(group.taps) < 2:
        return False
    inner, stride = prod(x.shape[axis + 1 :]), group.taps[0].step
    if inner == 1:
        turns = len(group.taps) - 1
        return turns * step > turns * 0.1 * stride + 0.4
    return inner < 64 and stride <= 2 and passes > 2


def shifts(x: Array, axis: int, one: Line) -> list[Array]:
    """What each tap reads, of every place of x at once, in memory order.

    Where a window would run over the end of its row it reads the next: nobody asks there.
    """
    flat, step = x.reshape(-1), one.dilation * prod(x.shape[axis + 1 :])
    span = flat.size - (one.kernel - 1) * step
    return [flat[a * step : a * step + span] for a in range(one.kernel)]


def along(
    x: Array,
    axis: int,
    one: Line,
    join: np.ufunc,
    nothing: float,
    y: Array,
    work: Workspace,
) -> None:
    """Each window along one axis joined by `join` (maximum, add) into y."""
    for group in one.groups:
        part = y[at(axis, group.outputs)]
        if group.within is not None:
            join.reduce(x[at(axis, group.within)], axis=axis, keepdims=True, out=part)
        elif not group.taps:
            part[...] = nothing
        elif runs_flat(x, axis, group, len(group.taps), STEP[join]):
            taps, every = shifts(x, axis, one), work.like(x, x.shape, "flat")
            with np.errstate(all="ignore"):  # ∞ − ∞ where nobody asks
                joined(taps, join, every.reshape(-1)[: len(taps[0])])
            part[...] = every[at(axis, group.taps[0])]
        else:
            joined([x[at(axis, tap)] for tap in group.taps], join, part)


def joined(taps: Sequence[Array], join: np.ufunc, y: Array) -> None:
    """All taps joined into y."""
    if len(taps) == 1:
        y[...] = taps[0]
        return
    join(taps[0], taps[1], out=y)
    for tap in taps[2:]:
        join(y, tap, out=y)


def reduced(
    x: Array, lines: Lines, join: np.ufunc, nothing: float, y: Array, work: Workspace
) -> None:
    """`join` over the windows into y, block by block, the first side first."""
    lead, end = x.ndim - len(lines), x.ndim - 1
    for block in blocks(x, lead):
        flow, last = x[block], y[block]
        for axis, one in enumerate(lines, lead):
            shape = (*flow.shape[:axis], one.count, *flow.shape[axis + 1 :])
            target = last if axis == end else work.like(flow, shape, axis)
            along(flow, axis, one, join, nothing, target, work)
            flow = target


def scattered(g: Array, axis: int, one: Line, x: Array) -> None:
    """The way back of a sum along one axis: each value gets the g of its windows."""
    x[...] = 0
    for group in one.groups:
        part = g[at(axis, group.outputs)]
        for place in group.reads:
            met = x[at(axis, place)]
            if one.overlapping:
                met += part
            else:
                met[...] = part


def spread_out(g: Array, lines: Lines, x: Array, work: Workspace) -> None:
    """The way back of sums into x, block by block, the last side (least data) first."""
    lead = x.ndim - len(lines)
    for block in blocks(x, lead):
        flow, end = g[block], x[block]
        for axis in range(x.ndim - 1, lead - 1, -1):
            one = lines[axis - lead]
            shape = (*flow.shape[:axis], one.n, *flow.shape[axis + 1 :])
            target = end if axis == lead else work.like(flow, shape, axis)
            scattered(flow, axis, one, target)
            flow = target
