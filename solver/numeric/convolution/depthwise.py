"""Depthwise convolution: each map reads one channel, so there is no product to make.

A multiplication and an addition a tap, over blocks of channels that stay in cache. The
rows are taken with their padding as one line, so that a step of the loop is long: what
it computes across the ends of rows is left out. Error: a sum of as many terms as taps.
"""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np

from solver.numeric.convolution.columns import windows
from solver.numeric.convolution.finish import Finish
from solver.numeric.convolution.task import Array, Task, padded, split
from solver.numeric.plain import last
from solver.numeric.workspace import Job, Workspace, rows_last

BUDGET = 1 << 20  # bytes of a block of one image


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
        """An image, and some of its channels (channels last: of its rows) each."""
        if self.task.last and self.many == 1:
            lots = parts if len(x) < parts else 1
            return [
                self.by_rows(x[i : i + 1], held, out[i : i + 1], finish, rows)
                for i in range(len(x))
                for rows in split(self.task.out[0], lots)
            ]
        whole = zip(self.task.sides, self.task.before, self.task.after)
        plane = prod(n + b + a for n, b, a in whole) * x.itemsize
        some = max(1, min(BUDGET // plane, -(-x.shape[1] // parts)))
        return [
            self.by_channels(
                x, held, out, finish, i, slice(at, min(at + some, x.shape[1]))
            )
            for i in range(len(x))
            for at in range(0, x.shape[1], some)
        ]

    def by_channels(
        self, x: Array, held: Array, out: Array, finish: Finish, image: int, some: slice
    ) -> Job:
        """Some channels of an image, each plane a line."""
        task = self.task

        def run(work: Workspace) -> None:
            planes = padded(x[image : image + 1, some], task, work)[0]
            lines, sides = remainders(planes, task, work)
            steps = [prod(sides[i + 1 :]) for i in range(len(sides))]
            reach = sum((o - 1) * n for o, n in zip(task.out, steps)) + 1  # of a line
            whole = work.array("total", (len(planes), *sides), x.dtype)
            total = whole.reshape(len(planes), -1)[:, :reach]
            term = work.array("term", whole.shape, x.dtype).reshape(len(planes), -1)
            for k in range(self.many):
                for i, tap in enumerate(product(*map(range, task.kernel))):
                    far = [a * d for a, d in zip(tap, task.dilation)]
                    line = lines[tuple(f % s for f, s in zip(far, task.stride))]
                    at = sum(f // s * n for f, s, n in zip(far, task.stride, steps))
                    weight = held[some, k, i, None]
                    into = term[:, :reach] if i else total
                    np.multiply(line[:, at : at + reach], weight, out=into)
                    if i:
                        np.add(total, into, out=total)
                first = some.start * self.many + k
                maps = slice(
                    first, first + (len(planes) - 1) * self.many + 1, self.many
                )
                target = out[image, maps]
                np.copyto(target, whole[last(slice(o) for o in task.out)])
                if finish.needed:
                    finish.part(maps).first(target)

        return run

    def by_rows(
        self, x: Array, held: Array, out: Array, finish: Finish, rows: slice
    ) -> Job:
        """Some rows of an image, channels last: each tap a row of weights."""
        task = self.task
        row = prod(task.out[1:]) * x.shape[1] * x.itemsize
        high = max(1, BUDGET // row)

        def run(work: Workspace) -> None:
            read = windows(padded(x, task, work), task)
            for at in range(rows.start, rows.stop, high):
                some = slice(at, min(at + high, rows.stop))
                target = rows_last(out[:, :, some])
                term = work.array("term", target.shape, x.dtype)
                for i, tap in enumerate(product(*map(range, task.kernel))):
                    seen = rows_last(read[last(tap)][:, :, some])
                    np.multiply(seen, held[i], out=term if i else target)
                    if i:
                        np.add(target, term, out=target)
                finish.last(target)

        return run


def remainders(
    planes: Array, task: Task, work: Workspace
) -> tuple[dict[tuple[int, ...], Array], tuple[int, ...]]:
    """Each plane as one line (C×positions) and its sides; with a stride, by the remainder
    of a position's division by it, so that what a tap reads lies side by side.
    """
    if set(task.stride) == {1}:
        sides = planes.shape[1:]
        flat = np.ascontiguousarray(planes).reshape(len(planes), -1)
        return {(0,) * len(sides): flat}, sides
    sides = tuple(-(-n // s) for n, s in zip(planes.shape[1:], task.stride))
    room = work.array(
        "remainders", (prod(task.stride), len(planes), *sides), planes.dtype
    )
    lines = {}
    for part, f in zip(room, product(*map(range, task.stride))):
        some = planes[last(slice(i, None, s) for i, s in zip(f, task.stride))]
        if some.shape != part.shape:
            part[...] = 0  # what is computed with it is left out, but may overflow
        part[last(slice(n) for n in some.shape[1:])] = some
        lines[f] = part.reshape(len(planes), -1)
    return lines, sides
