"""Pooling, forward and backward: maximum with positions, average, LP, adaptive.

One axis after the other: the maximum (or sum) of k strided slices along an axis, then of
the result along the next, is the window's, for 2k operations instead of k². Examples
and channels go through in blocks that fit the cache. A kernel is a tuple, one size a
side (then C×sides is taken too), or one number for all sides behind N×C.

A maximum of NaN and anything is NaN, as in PyTorch. Its position is the first of the
largest values, row by row, or the first NaN; −1 for a window that lies in padding whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import inf, prod
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.numeric.fast.arrays import Workspace, blocks, channels_last, result
from solver.numeric.fast.spans import (
    Group,
    Line,
    at,
    cells,
    counts,
    line,
    shares,
    widths,
)
from solver.numeric.plain import Array, Sides, axes, sides_of, spread
from solver.registry import unknown

Lines = Sequence[Line]


def lines_of(x: Array, kernel: Sides, *rest: Any) -> tuple[Line, ...]:
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
) -> tuple[Line, ...]:
    """The windows along sides of these sizes."""
    kernel = spread(kernel, len(sides))
    stride = kernel if stride is None else stride
    ks, ss, ps, ds = axes(kernel, stride, padding, dilation)
    found = tuple(line(*five, ceil_mode) for five in zip(sides, ks, ss, ps, ds))
    for n, k, one in zip(sides, ks, found):
        if not one.count:
            raise BadInput(f"kernel {k} does not fit: the input is {n} wide")
    return found


def adaptive_lines(x: Array, output: Any) -> list[Line]:
    """The cells along each side; None keeps the side."""
    dims = sides_of(x, output)
    outputs = spread(output, dims)
    sides = x.shape[x.ndim - dims :]
    return [cells(n, n if o is None else o) for n, o in zip(sides, outputs)]


def pooled(x: Array, lines: Lines) -> tuple[int, ...]:
    """The output's shape."""
    return (*x.shape[: x.ndim - len(lines)], *(one.count for one in lines))


# -- reducing and spreading along the axes -------------------------------------------


def runs_flat(x: Array, axis: int, group: Group, passes: int) -> bool:
    """Whether every place of x in memory order, then a choice, beats strided slices.

    Strided steps along the last axis cost about 1 ns a value, contiguous ones 0.1; short
    rows cost 20 ns each time. So it is worth computing s values to keep one.
    """
    if x.size < 4096 or not x.flags.c_contiguous or len(group.taps) < 2:
        return False
    inner = prod(x.shape[axis + 1 :])
    if inner == 1:
        return group.taps[0].step > 1 or x.shape[axis] < 256
    return inner < 64 and group.taps[0].step <= 2 and passes > 2


def shifts(x: Array, axis: int, one: Line) -> list[Array]:
    """What each tap reads, of every place of x at once, in memory order.

    Where a window would run over the end of its row it reads the next: nobody asks there.
    """
    flat, step = x.reshape(-1), one.dilation * prod(x.shape[axis + 1 :])
    span = flat.size - (one.kernel - 1) * step
    return [flat[a * step : a * step + span] for a in range(one.kernel)]


def along(
    x: Array, axis: int, one: Line, join: np.ufunc, nothing: float, y: Array, work: Workspace
) -> None:
    """Each window along one axis joined by `join` (maximum, add) into y."""
    for group in one.groups:
        part = y[at(axis, group.outputs)]
        if group.within is not None:
            join.reduce(x[at(axis, group.within)], axis=axis, keepdims=True, out=part)
        elif not group.taps:
            part[...] = nothing
        elif runs_flat(x, axis, group, len(group.taps)):
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


# -- maximum -------------------------------------------------------------------------


def max_pool(
    x: Array,
    kernel: Sides,
    stride: Sides | None = None,
    padding: Sides = 0,
    dilation: Sides = 1,
    ceil_mode: bool = False,
    out: Array | None = None,
    indices: bool = False,
    workspace: Workspace | None = None,
) -> Any:
    """The largest of each window; with `indices` also where it is, in the flat sides."""
    lines = lines_of(x, kernel, stride, padding, dilation, ceil_mode)
    return largest(x, lines, out, indices, workspace)


def largest(
    x: Array,
    lines: Lines,
    out: Array | None = None,
    indices: bool = False,
    workspace: Workspace | None = None,
) -> Any:
    """The largest of each window along these lines, and where it is if asked."""
    y, work = result(x, pooled(x, lines), out), workspace or Workspace()
    if not indices:
        reduced(x, lines, np.maximum, -inf, y, work)
        return y
    places = np.empty_like(y, dtype=np.intp)
    for block in blocks(x, x.ndim - len(lines)):
        taps = winners(x[block], lines, y[block], work)
        if np.isnan(y[block].max(initial=-inf)):  # there: the first NaN
            nans, unclear = np.isnan(x[block]).astype(x.dtype), np.isnan(y[block])
            first = winners(nans, lines, np.empty_like(y[block]), work)
            np.copyto(taps, first, where=unclear)
        positions(taps, lines, places[block])
    return y, places


def winners(x: Array, lines: Lines, y: Array, work: Workspace) -> Array:
    """The largest of each window into y, and the number of its tap, row by row.

    The last side first, so that a later row wins only if it is larger: of equal values
    the first. A tap's number is above those before it: the maximum keeps the newest.
    """
    lead = x.ndim - len(lines)
    kind = np.min_scalar_type(prod(one.kernel for one in lines))
    before = np.zeros((1,) * x.ndim, kind)  # which tap won along the sides so far
    each = 1  # of how many
    for axis in range(x.ndim - 1, lead - 1, -1):
        one = lines[axis - lead]
        shape = (*x.shape[:axis], one.count, *x.shape[axis + 1 :])
        target = y if axis == lead else work.like(x, shape, ("won", axis))
        number = np.empty_like(target, dtype=kind)
        before = np.broadcast_to(before, x.shape) if each == 1 else before
        for group in one.groups:
            here = at(axis, group.outputs)
            values, won = target[here], number[here]
            if not group.taps:
                single(x, before, axis, group, each, values, won)
            elif each > 1 and not before.flags.c_contiguous or not runs_flat(x, axis, group, 9):
                places = [at(axis, tap) for tap in group.taps]
                race([x[i] for i in places], [before[i] for i in places], each, values, won)
            else:
                every, at_ = work.like(x, x.shape, "flat"), np.empty(x.shape, kind)
                taps, span = shifts(x, axis, one), slice(x.size - (one.kernel - 1))
                olds = shifts(before, axis, one) if each > 1 else [kind.type(0)] * len(taps)
                n = len(taps[0])
                race(taps, olds, each, every.reshape(-1)[:n], at_.reshape(-1)[:n])
                chosen = at(axis, group.taps[0])
                values[...], won[...] = every[chosen], at_[chosen]
        x, before, each = target, number, each * one.kernel
    return before


def race(
    taps: Sequence[Array], olds: Sequence[Any], each: int, y: Array, won: Array
) -> None:
    """The taps one after the other, each against the best so far: into y, its number into won."""
    y[...], won[...] = taps[0], olds[0]
    for a, (tap, old) in enumerate(zip(taps[1:], olds[1:]), 1):
        larger = (tap > y).view(np.uint8)
        np.maximum(y, tap, out=y)
        np.maximum(won, larger * (old + won.dtype.type(a * each)), out=won)


def single(
    x: Array, before: Array, axis: int, group: Group, each: int, y: Array, won: Array
) -> None:
    """One window: its taps are an axis of the array already."""
    if group.within is None:
        y[...], won[...] = -inf, 0
        return
    read = x[at(axis, group.within)]
    best = np.expand_dims(read.argmax(axis), axis)
    y[...] = np.take_along_axis(read, best, axis)
    old = np.take_along_axis(before[at(axis, group.within)], best, axis)
    won[...] = (best + group.first) * each + old


def positions(taps: Array, lines: Lines, places: Array) -> None:
    """From the taps' numbers to positions in the flat sides; −1 where there is none."""
    steps = [prod(one.n for one in lines[i + 1 :]) for i in range(len(lines))]
    offsets = np.zeros((), np.intp)
    starts = np.zeros((), np.intp)
    for one, step in zip(lines, steps):
        along_axis = np.arange(one.kernel) * (one.dilation * step)
        offsets = offsets[..., None] + along_axis
        starts = starts[..., None] + np.array(one.starts, np.intp) * step
    np.add(offsets.reshape(-1)[taps], starts, out=places)
    lead = places.ndim - len(lines)
    for axis, one in enumerate(lines, lead):
        for group in one.groups:
            if not group.reads:
                places[at(axis, group.outputs)] = -1


def max_pool_back(
    gradient: Array,
    places: Array,
    sides: tuple[int, ...],
    overlapping: bool = True,
    out: Array | None = None,
) -> Array:
    """∂L/∂x: the value at each position gets what its windows got, of positions −1 nothing.

    Windows that do not overlap share no winner: then a value is put, not added.
    """
    dims, whole = len(sides), prod(sides)
    if places.ndim == dims + 2 and channels_last(places):
        n, channels, *_ = places.shape
        places, gradient = (np.moveaxis(a, 1, -1) for a in (places, gradient))
        first = (np.arange(n) * (whole * channels)).reshape(-1, *(1,) * (dims + 1))
        flat = places * channels + np.arange(channels) + first
        x = put(flat, places, gradient, n * whole * channels, overlapping)
        x = np.moveaxis(x.reshape(n, *sides, channels), -1, 1)
    else:
        lead = places.shape[: places.ndim - dims]
        first = (np.arange(prod(lead)) * whole).reshape(*lead, *(1,) * dims)
        x = put(places + first, places, gradient, prod(lead) * whole, overlapping)
        x = x.reshape(*lead, *sides)
    if out is None:
        return x
    result(gradient, x.shape, out)[...] = x
    return out


def put(flat: Array, places: Array, values: Array, size: int, add: bool) -> Array:
    """Zeros with the values put (or added) at flat indices, where there is a place."""
    flat, values = flat.reshape(-1), values.reshape(-1)
    if places.size and places.min() < 0:
        inside = places.reshape(-1) >= 0
        flat, values = flat[inside], values[inside]
    if add:
        return np.bincount(flat, values, size).astype(values.dtype, copy=False)
    found = np.zeros(size, values.dtype)
    found[flat] = values
    return found


# -- average -------------------------------------------------------------------------


def average_shares(
    x: Array, lines: Lines, padding: Sides, count_include_pad: bool, divisor: Any
) -> Any:
    """What a window's sum is multiplied by."""
    if divisor is not None:
        return 1 / divisor
    each = []
    for one, p in zip(lines, spread(padding, len(lines))):
        p = p if count_include_pad else 0
        each.append(counts(one, -p, one.n + p))
    return shares(each, x)


def average_pool(
    x: Array,
    kernel: Sides,
    stride: Sides | None = None,
    padding: Sides = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: float | None = None,
    out: Array | None = None,
    workspace: Workspace | None = None,
) -> Array:
    """The sum of each window, divided as `plain.pool` says, or by the divisor."""
    lines = lines_of(x, kernel, stride, padding, 1, ceil_mode)
    share = average_shares(x, lines, padding, count_include_pad, divisor)
    return averages(x, lines, share, out, workspace)


def averages(
    x: Array,
    lines: Lines,
    share: Any,
    out: Array | None = None,
    workspace: Workspace | None = None,
) -> Array:
    """The sum of each window times its share."""
    y = result(x, pooled(x, lines), out)
    if x.size and all(one.whole for one in lines):
        everything(x, len(lines), y)
    else:
        reduced(x, lines, np.add, 0, y, workspace or Workspace())
    y *= share
    return y


def everything(x: Array, dims: int, y: Array) -> None:
    """The sum over all sides: a product with ones, which is faster than adding."""
    lead, size = x.shape[:-dims], prod(x.shape[-dims:])
    ones = np.ones(size, x.dtype)
    if channels_last(x) and len(lead) == 2:
        total = ones @ np.moveaxis(x, 1, -1).reshape(lead[0], size, lead[1])
    else:
        total = x.reshape(*lead, size) @ ones
    y[...] = total.reshape(y.shape)


def average_pool_back(
    gradient: Array,
    sides: tuple[int, ...],
    kernel: Sides,
    stride: Sides | None = None,
    padding: Sides = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: float | None = None,
    out: Array | None = None,
    workspace: Workspace | None = None,
) -> Array:
    """∂L/∂x: every value gets the gradient of its windows, times their share."""
    bare = np.broadcast_to(gradient.dtype.type(0), (1, 1, *sides))
    lines = lines_of(bare, spread(kernel, len(sides)), stride, padding, 1, ceil_mode)
    share = average_shares(gradient, lines, padding, count_include_pad, divisor)
    return averages_back(gradient, lines, share, out, workspace)


def averages_back(
    gradient: Array,
    lines: Lines,
    share: Any,
    out: Array | None = None,
    workspace: Workspace | None = None,
) -> Array:
    """∂L/∂x of the sum of each window times its share."""
    lead = gradient.shape[: gradient.ndim - len(lines)]
    x = result(gradient, (*lead, *(one.n for one in lines)), out)
    spread_out(gradient * share, lines, x, workspace or Workspace())
    return x


# -- adaptive ------------------------------------------------------------------------


def adaptive_pool(x: Array, output: Any, mode: str = "avg", out: Array | None = None) -> Array:
    """Pools to a given output; the maximum or average of each cell."""
    if mode not in ("avg", "max"):
        raise unknown("adaptive pooling", mode, ["avg", "max"])
    lines = adaptive_lines(x, output)
    if mode == "max":
        return largest(x, lines, out)
    return averages(x, lines, shares([widths(one) for one in lines], x), out)
