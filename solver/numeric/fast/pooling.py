"""Pooling, forward and backward: the maximum with its positions, and the average.

A kernel is a tuple, one size a side (then C×sides is taken too), or one number for all
sides behind N×C. A maximum of NaN and anything is NaN, as in PyTorch. Its position is
the first of the largest values, row by row, or the first NaN (in PyTorch the last); −1
for a window that lies in padding whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import inf, prod
from typing import Any

import numpy as np

from solver.numeric.fast.arrays import blocks, result
from solver.numeric.fast.passes import (
    Lines,
    lines_of,
    planned,
    pooled,
    reduced,
    runs_flat,
    shifts,
    spread_out,
)
from solver.numeric.fast.spans import Group, at, counts, shares
from solver.numeric.plain import Array, Sides, spread
from solver.numeric.workspace import Workspace, channels_last, spaces

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
    y, work = result(x, pooled(x, lines), out), workspace or spaces()[0]
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
    before = np.zeros_like(x, dtype=kind)  # which tap won along the sides so far
    each = 1  # of how many
    for axis in range(x.ndim - 1, lead - 1, -1):
        one = lines[axis - lead]
        shape = (*x.shape[:axis], one.count, *x.shape[axis + 1 :])
        values = y if axis == lead else work.like(x, shape, ("won", axis))
        won = np.empty_like(values, dtype=kind)
        for group in one.groups:
            here = at(axis, group.outputs)
            if group.within is None and not group.taps:
                values[here], won[here] = -inf, 0
            elif group.within is not None and len(read := group.each(one)) > 8:
                single(x, before, axis, group, each, values[here], won[here])
            elif before.flags.c_contiguous and runs_flat(x, axis, group, 9, 2):
                best, tap = work.like(x, x.shape, "flat"), np.empty_like(before)
                taps, olds = shifts(x, axis, one), shifts(before, axis, one)
                n = len(taps[0])
                race(taps, olds, each, best.reshape(-1)[:n], tap.reshape(-1)[:n])
                chosen = at(axis, group.taps[0])
                values[here], won[here] = best[chosen], tap[chosen]
            else:
                places = [at(axis, tap) for tap in group.taps or read]
                taps, olds = [x[i] for i in places], [before[i] for i in places]
                race(taps, olds, each, values[here], won[here], group.first)
        x, before, each = values, won, each * one.kernel
    return before


def race(
    taps: Sequence[Array],
    olds: Sequence[Array],
    each: int,
    y: Array,
    won: Array,
    first: int = 0,
) -> None:
    """Tap after tap against the best so far, which goes to y, and its number to won."""
    y[...] = taps[0]
    np.add(olds[0], won.dtype.type(first * each), out=won)
    for a, (tap, old) in enumerate(zip(taps[1:], olds[1:]), first + 1):
        larger = (tap > y).view(np.uint8)
        np.maximum(y, tap, out=y)
        np.maximum(won, larger * (old + won.dtype.type(a * each)), out=won)


def single(
    x: Array, before: Array, axis: int, group: Group, each: int, y: Array, won: Array
) -> None:
    """One window: its taps are an axis of the array already."""
    assert group.within is not None
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
    if places.ndim == len(lines) + 2 and channels_last(places):
        last, beside = np.moveaxis(taps, 1, -1), starts[..., None]
        np.add(offsets.reshape(-1)[last], beside, out=np.moveaxis(places, 1, -1))
    else:
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


@lru_cache(256)
def average_shares(
    lines: Lines, padding: Sides, include: bool, divisor: float | None, kind: Any
) -> Any:
    """What a window's sum is multiplied by: a number, or an array with the last axes."""
    if divisor is not None:
        return 1 / divisor
    each = []
    for one, p in zip(lines, spread(padding, len(lines))):
        p = p if include else 0
        each.append(counts(one, -p, one.n + p))
    return shares(each, kind)


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
    share = average_shares(lines, padding, count_include_pad, divisor, x.dtype)
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
        reduced(x, lines, np.add, 0, y, workspace or spaces()[0])
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
    lines = planned(tuple(sides), kernel, stride, padding, 1, ceil_mode)
    kind = gradient.dtype
    share = average_shares(lines, padding, count_include_pad, divisor, kind)
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
    spread_out(gradient * share, lines, x, workspace or spaces()[0])
    return x
