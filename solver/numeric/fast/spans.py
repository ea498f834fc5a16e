"""What the windows along one axis read, planned once for each size and setting.

Windows wholly inside the input are one group, whose k taps are strided slices; each
window that hangs over an end, and each cell of adaptive pooling, is a group of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.numeric.plain import Array, window_starts


@dataclass(frozen=True, eq=False)
class Group:
    """Neighbouring outputs: what they read tap by tap; or one, and all that it reads."""

    outputs: slice
    taps: tuple[slice, ...] = ()
    within: slice | None = None  # of one output; None too if it reads padding only
    first: int = 0  # which tap of the window `within` begins with

    @property
    def reads(self) -> tuple[slice, ...]:
        """The slices of the input that it reads."""
        return self.taps or (() if self.within is None else (self.within,))

    def each(self, one: Line) -> list[slice]:
        """What one window reads, value by value."""
        read = range(*(self.within or slice(0)).indices(one.n))
        return [slice(i, i + 1) for i in read]


@dataclass(frozen=True, eq=False)
class Line:
    """The windows along an axis of n: where each starts, and the groups of them."""

    n: int
    kernel: int
    dilation: int
    starts: tuple[int, ...]
    groups: tuple[Group, ...]
    overlapping: bool

    @property
    def count(self) -> int:
        return len(self.starts)

    @property
    def whole(self) -> bool:
        """Whether there is one window, and it reads everything."""
        return self.count == 1 and self.groups[0].within == slice(0, self.n, 1)


def alone(i: int, taps: range, n: int) -> Group:
    """The group of window i, what is outside left out."""
    inside = [a for a, j in enumerate(taps) if 0 <= j < n]
    if not inside:
        return Group(slice(i, i + 1))
    first, last = inside[0], inside[-1]
    within = slice(taps[first], taps[last] + 1, taps.step)
    return Group(slice(i, i + 1), (), within, first)


@lru_cache(1024)
def line(n: int, k: int, s: int, p: int = 0, d: int = 1, ceil: bool = False) -> Line:
    """Windows of k taps, d apart, every s places, with padding p on both ends."""
    if min(k, s, d) < 1 or p < 0:
        raise BadInput(
            f"kernel, stride and dilation are at least 1 and padding 0: got {k}, {s}, "
            f"{d} and {p}"
        )
    reach = d * (k - 1) + 1
    starts = tuple(window_starts(n, reach, s, p, ceil))
    inside = [i for i, start in enumerate(starts) if 0 <= start <= n - reach]
    groups = []
    if len(inside) > 1:
        low, high = starts[inside[0]], starts[inside[-1]] + 1
        taps = tuple(slice(low + d * a, high + d * a, s) for a in range(k))
        groups = [Group(slice(inside[0], inside[-1] + 1), taps)]
    groups += [
        alone(i, range(start, start + reach, d), n)
        for i, start in enumerate(starts)
        if not groups or not inside[0] <= i <= inside[-1]
    ]
    return Line(n, k, d, starts, tuple(groups), s < reach)


@lru_cache(1024)
def cells(n: int, o: int) -> Line:
    """Adaptive pooling: cell i of o reads from ⌊i·n/o⌋ up to ⌈(i + 1)·n/o⌉."""
    if o and n % o == 0 and n:
        return line(n, n // o, n // o)
    starts = tuple(i * n // o for i in range(o))
    ends = [-(-(i + 1) * n // o) for i in range(o)]
    groups = [alone(i, range(a, b), n) for i, (a, b) in enumerate(zip(starts, ends))]
    widest = max((b - a for a, b in zip(starts, ends)), default=1)
    return Line(n, max(widest, 1), 1, starts, tuple(groups), True)


@lru_cache(1024)
def counts(one: Line, low: int, high: int) -> tuple[int, ...]:
    """How many of each window's taps are between low and high (at least 1)."""
    reach, d = one.dilation * (one.kernel - 1) + 1, one.dilation
    return tuple(
        max(sum(low <= j < high for j in range(start, start + reach, d)), 1)
        for start in one.starts
    )


def widths(one: Line) -> tuple[int, ...]:
    """How many values each cell of adaptive pooling reads."""
    found = [1] * one.count
    for group in one.groups:
        if group.taps:
            found[group.outputs] = [one.kernel] * len(found[group.outputs])
        elif group.within is not None:
            found[group.outputs.start] = group.within.stop - group.within.start
    return tuple(found)


def shares(each: list[tuple[int, ...]], kind: Any) -> Array | float:
    """1/(how many values a window reads), one number where all read as many."""
    if all(len(set(some)) <= 1 for some in each):
        return 1 / prod(some[0] if some else 1 for some in each)
    found = np.ones((), kind)
    for some in each:
        found = found[..., None] / np.array(some, kind)
    return found


def at(axis: int, where: slice) -> tuple[slice, ...]:
    """The index that picks these along one axis, counted from the front."""
    return (*(slice(None),) * axis, where)
