"""The gradient by the input, which is the transposed convolution: convolutions again.

Input j gets w[a]·g[i] from every output i that read it, s·i + d·a − p = j. The inputs
with the same remainder of division by s are read with the same taps, so each remainder is
a convolution of g with stride 1, by those taps turned around: s·s of them, or one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import gcd
from typing import Any

from solver.numeric.convolution.finish import Finish
from solver.numeric.convolution.task import Array, Sizes, Task
from solver.numeric.plain import last
from solver.numeric.workspace import Job, Workspace


@dataclass(frozen=True)
class Axis:
    """One remainder f on one axis: the taps a0, a0 + q, …, and how they lie over g."""

    remainder: int
    first: int
    step: int
    taps: int
    spread: int  # the dilation in steps of g
    before: int  # padding in front of g; negative where g is cut
    out: int  # how many inputs have this remainder


def axis(n: int, k: int, s: int, d: int, p: int) -> list[Axis]:
    """The remainders of an axis of n inputs, read by k taps."""
    found = []
    q = s // gcd(s, d)
    for f in range(min(s, n)):
        first = next((a for a in range(min(q, k)) if (d * a - f - p) % s == 0), None)
        count = -(-(n - f) // s)
        if first is None:
            found.append(Axis(f, 0, q, 0, 1, 0, count))
            continue
        taps = -(-(k - first) // q)
        spread = d * q // s
        # i = t + (f + p − d·a0)/s − spread·u for the u-th tap; turned around, u counts down
        offset = (f + p - d * first) // s
        found.append(
            Axis(f, first, q, taps, spread, spread * (taps - 1) - offset, count)
        )
    return found


class Transposed:
    """From ∂L/∂y to ∂L/∂x of a task, as an algorithm on ∂L/∂y."""

    def __init__(self, task: Task, choose: Callable[[Task], Any]) -> None:
        self.task = task
        sizes = zip(task.sides, task.kernel, task.stride, task.dilation, task.before)
        self.parts = [
            self.part(found, choose) for found in product(*(axis(*s) for s in sizes))
        ]

    def part(self, axes: tuple[Axis, ...], choose: Callable[[Task], Any]) -> Any:
        """(the inputs' places, the taps, where g is cut, the algorithm) of a remainder."""
        task = self.task
        places = tuple(slice(a.remainder, None, s) for a, s in zip(axes, task.stride))
        if not all(a.taps for a in axes):
            return places, None, None, None
        taps = tuple(slice(a.first, None, a.step) for a in axes)
        cuts, sides, before, after = [], [], [], []
        for a, m in zip(axes, task.out):
            need = a.out - 1 + a.spread * (a.taps - 1) + 1  # how much padded g is read
            behind = need - a.before - m
            cuts.append(slice(max(-a.before, 0), m - max(-behind, 0)))
            sides.append(cuts[-1].stop - cuts[-1].start)
            if (
                min(cuts[-1].stop, sides[-1]) <= 0
            ):  # these inputs' taps read padding only
                return places, None, None, None
            before.append(max(a.before, 0))
            after.append(need - sides[-1] - before[-1])
        inner = replace(
            task,
            channels=task.maps,
            maps=task.channels,
            sides=tuple(sides),
            kernel=tuple(a.taps for a in axes),
            stride=(1,) * len(axes),
            before=tuple(before),
            after=tuple(after),
            dilation=tuple(a.spread for a in axes),
        )
        return places, taps, tuple(cuts), choose(inner)

    def prepare(self, weight: Array) -> list[Any]:
        """Each remainder's taps turned around, with inputs and maps exchanged."""
        task, kernel = self.task, weight.shape[2:]
        groups = task.groups
        each = weight.reshape(groups, len(weight) // groups, -1, *kernel).swapaxes(1, 2)
        whole = each.reshape(task.channels, len(weight) // groups, *kernel)
        back = (..., *(slice(None, None, -1) for _ in kernel))
        return [
            None if inner is None else inner.prepare(whole[last(taps)][back])
            for _, taps, _, inner in self.parts
        ]

    def jobs(
        self, g: Array, held: list[Any], out: Array, finish: Finish, parts: int
    ) -> list[Job]:
        """Those of every remainder, into its places."""
        found: list[Job] = []
        for (places, _, cuts, inner), one in zip(self.parts, held):
            target = out[last(places)]
            if inner is None:
                found.append(partial(self.empty, target, finish))
            else:
                found += inner.jobs(g[last(cuts)], one, target, finish, parts)
        return found

    def empty(self, target: Array, finish: Finish, work: Workspace) -> None:
        """No output read these inputs."""
        target[...] = 0
        finish.batch(target)


def transposed_sides(
    sides: Sizes,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    more: Sizes,
    dilation: Sizes,
) -> Sizes:
    """The output of a transposed convolution: (n − 1)·s − 2p + d (k − 1) + 1 + more."""
    every = zip(sides, kernel, stride, padding, more, dilation)
    return tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + 1 + q for n, k, s, p, q, d in every
    )
