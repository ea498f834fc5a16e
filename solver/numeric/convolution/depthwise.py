"""Depthwise convolution: each map reads one channel, so there is no product to make.

A multiplication and an addition a tap, over blocks of channels that stay in cache. The
rows are taken with their padding as one line, so that a step of the loop is long: what
it computes across the ends of rows is left out. Error: a sum of as many terms as taps.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod

import numpy as np

from solver.numeric.convolution.columns import windows
from solver.numeric.convolution.finish import Finish
from solver.numeric.convolution.task import Array, Task, padded
from solver.numeric.plain import last
from solver.numeric.workspace import Workspace, rows_last

Job = Callable[[Workspace], None]

BUDGET = 1 << 17  # bytes of a block of one image


class Depthwise:
    """groups = channels; maps/channels filters on each."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.many = task.maps // task.channels

    def prepare(self, weight: Array) -> Array:
        """C×(maps a channel)×taps, or taps×C where channels are last."""
        held = weight.reshape(self.task.channels, self.many, -1)
        if self.task.last and self.many == 1:
            return np.ascontiguousarray(held[:, 0].T)
        return np.ascontiguousarray(held)

    def jobs(
        self, x: Array, held: Array, out: Array, finish: Finish, parts: int
    ) -> list[Job]:
        """An image, or a block of its channels or rows, each."""
        if self.task.last and self.many == 1:
            row = prod(self.task.out[1:]) * x.shape[1] * x.itemsize
            rows = max(1, BUDGET // row)
            return [
                self.by_rows(x[i : i + 1], held, out[i : i + 1], finish, slice(at, at + rows))
                for i in range(len(x))
                for at in range(0, self.task.out[0], rows)
            ]
        plane = prod(n + b + a for n, b, a in zip(*self.padding())) * x.itemsize
        some = max(1, min(BUDGET // plane, -(-x.shape[1] // parts)))
        return [
            self.by_channels(x, held, out, finish, i, slice(at, min(at + some, x.shape[1])))
            for i in range(len(x))
            for at in range(0, x.shape[1], some)
        ]

    def padding(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        return self.task.sides, self.task.before, self.task.after

    def by_channels(
        self, x: Array, held: Array, out: Array, finish: Finish, image: int, some: slice
    ) -> Job:
        """Some channels of an image, each plane a line."""
        task = self.task
        taps = list(product(*map(range, task.kernel)))

        def run(work: Workspace) -> None:
            planes = padded(x[image : image + 1, some], task, "padded", work)[0]
            count, sides = len(planes), planes.shape[1:]
            if not planes.flags.c_contiguous:
                planes = np.ascontiguousarray(planes)
            lines = planes.reshape(count, -1)
            steps = [prod(sides[i + 1 :]) for i in range(len(sides))]
            # the last window's start, in the line
            reach = sum((o - 1) * s * n for o, s, n in zip(task.out, task.stride, steps)) + 1
            total = work.array("total", (count, prod(sides)), x.dtype)[:, :reach]
            term = work.array("term", (count, prod(sides)), x.dtype)[:, :reach]
            for k in range(self.many):
                for i, tap in enumerate(taps):
                    at = sum(a * d * n for a, d, n in zip(tap, task.dilation, steps))
                    weight = held[some, k, i, None]
                    into = term if i else total
                    np.multiply(lines[:, at : at + reach], weight, out=into)
                    if i:
                        np.add(total, term, out=total)
                whole = work.array("total", (count, *sides), x.dtype)
                ends = zip(task.out, task.stride)
                picked = whole[last(slice(0, (o - 1) * s + 1, s) for o, s in ends)]
                first = some.start * self.many + k
                maps = slice(first, first + (count - 1) * self.many + 1, self.many)
                target = out[image, maps]
                np.copyto(target, picked)
                if finish.needed:
                    finish.part(maps).first(target)

        return run

    def by_rows(
        self, x: Array, held: Array, out: Array, finish: Finish, rows: slice
    ) -> Job:
        """Some rows of an image, channels last: each tap a row of weights."""
        task = self.task

        def run(work: Workspace) -> None:
            read = windows(padded(x, task, "padded", work), task)[:, :, rows]
            target = rows_last(out[:, :, rows])
            term = work.array("term", target.shape, x.dtype)
            for i, tap in enumerate(product(*map(range, task.kernel))):
                seen = rows_last(read[last(tap)])
                np.multiply(seen, held[i], out=term if i else target)
                if i:
                    np.add(target, term, out=target)
            finish.last(target)

        return run
