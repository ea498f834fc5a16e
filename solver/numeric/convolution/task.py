"""What is to be convolved: the sizes of one call, from which an algorithm is chosen.

Axes are N×C×sides. The padding is told before and behind each side; the transposed
convolution's sub-kernels need it uneven, and their output shorter than all that fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from solver.numeric.workspace import Array, Sizes, Workspace, rows_last


@dataclass(frozen=True)
class Task:
    """The sizes of a convolution; `weight` is maps×(channels/groups)×kernel."""

    batch: int
    channels: int
    sides: Sizes
    maps: int
    kernel: Sizes
    stride: Sizes
    before: Sizes
    after: Sizes
    dilation: Sizes
    groups: int
    dtype: np.dtype[Any]
    last: bool = False  # channels last in memory, of the input and of the output

    @cached_property
    def reach(self) -> Sizes:
        """How far each window reaches: d (k − 1) + 1."""
        return tuple(d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel))

    @cached_property
    def out(self) -> Sizes:
        """The output's sides."""
        return tuple(
            (n + a + b - r) // s + 1
            for n, a, b, r, s in zip(
                self.sides, self.before, self.after, self.reach, self.stride
            )
        )

    @cached_property
    def shape(self) -> Sizes:
        """The output's shape."""
        return (self.batch, self.maps, *self.out)

    @cached_property
    def fan(self) -> int:
        """Inputs that each output reads: C/groups times the kernel's entries."""
        return self.channels // self.groups * prod(self.kernel)

    @cached_property
    def macs(self) -> int:
        """Multiply-adds by the definition."""
        return prod(self.shape) * self.fan

    @cached_property
    def padded(self) -> bool:
        """Whether anything is padded."""
        return any(self.before) or any(self.after)

    @cached_property
    def unit(self) -> bool:
        """Whether stride and dilation are 1."""
        return set(self.stride) | set(self.dilation) == {1}

    @cached_property
    def point(self) -> bool:
        """Whether the kernel is one value and nothing is padded: a product a position."""
        return prod(self.kernel) == 1 and not self.padded


def padded(x: Array, task: Task, work: Workspace, inner: bool = False) -> Array:
    """x with the zeros around it, in the workspace; x itself if there are none.

    It lies in memory as the task says, or with `inner` the images last.
    """
    if not task.padded:
        return x
    sides = tuple(n + b + a for n, b, a in zip(task.sides, task.before, task.after))
    if inner:
        found = work.array("padded", (x.shape[1], *sides, len(x)), x.dtype)
        found = found.transpose(-1, *range(x.ndim - 1))
    else:
        found = work.laid("padded", (*x.shape[:2], *sides), x.dtype, task.last)
    inside: tuple[Any, ...] = (slice(None), slice(None))
    for n, b in zip(task.sides, task.before):
        first, behind = (*inside, slice(b)), (*inside, slice(b + n, None))
        found[first] = 0
        found[behind] = 0
        inside = (*inside, slice(b, b + n))
    found[inside] = x
    return found


def flat(x: Array, last: bool) -> Array:
    """N×C×positions (with `last` N×positions×C) of N×C×sides; copied only if it must be."""
    if last:
        return rows_last(x).reshape(len(x), -1, x.shape[1])
    return x.reshape(*x.shape[:2], -1)


def gapless(x: Array) -> bool:
    """Whether x lies in memory as it is, without gaps."""
    return bool(x.flags.c_contiguous)


def split(count: int, parts: int) -> list[slice]:
    """0 to count in so many ranges, as even as they can be."""
    parts = max(1, min(parts, count))
    ends = [count * i // parts for i in range(parts + 1)]
    return [slice(i, j) for i, j in zip(ends, ends[1:])]
