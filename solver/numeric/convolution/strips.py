"""Groups of few channels in 2d: the width cut into strips, a strip's rows times a band.

Along the width a convolution is a band of a matrix: the m outputs of a strip's row read
n = s (m − 1) + d (k − 1) + 1 columns, and n×m of the band hold the k weights of a row of the
kernel. The zeros are multiplied as well, and BLAS does that faster than a loop of ufuncs
takes one tap after the other. Where a strip's rows lie one behind the other, all that an
output row reads is one piece of memory: nothing is copied for each row of the kernel. The
pieces of neighbouring rows overlap, which no matrix may: every q-th row makes one.

Error: that of one matrix product over C/groups·kernel terms, beside them products with zero.
A value that is not finite spreads to its strip.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from solver.numeric.convolution.finish import Finish
from solver.numeric.convolution.task import Array, Task, split
from solver.numeric.workspace import Job, Workspace

WIDE = 16  # outputs in a strip's row, at most (measured: 14 to 16 for strides 1 and 2)
TALL = 32  # output rows from which several products of fewer rows beat copying them
BUDGET = 4 << 20  # bytes of the strips of a block


class Strips:
    """y = x T of each group: what a strip's row reads, by its m outputs of each map."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.channels = task.channels // task.groups
        self.maps = task.maps // task.groups
        (high, wide), (down, along) = task.out, task.stride
        self.count = -(-wide // WIDE)
        self.m = -(-wide // self.count)
        self.n = (self.m - 1) * along + task.reach[1]
        self.high = (high - 1) * down + task.kernel[0]  # the rows that are read
        self.apart = -(-task.kernel[0] // down)  # q: rows this far apart do not overlap
        self.fan = task.kernel[0] * self.channels * self.n
        read = self.channels * self.high * self.n
        self.each = self.count * task.dtype.itemsize * read  # bytes

    @property
    def growth(self) -> float:
        """The prepared weight's size by the weight's."""
        return self.n * self.m / self.task.kernel[1]

    def prepare(self, weight: Array) -> Array:
        """T, groups×1×1×(kernel rows·channels·n)×(maps·m): the weights along diagonals."""
        task, m = self.task, self.m
        rows, columns = task.kernel
        held = weight.reshape(task.groups, self.maps, self.channels, rows, columns)
        band = np.zeros(
            (task.groups, rows, self.channels, self.n, self.maps, m), task.dtype
        )
        for tap in range(columns):
            for j in range(m):
                at = j * task.stride[1] + tap * task.dilation[1]
                band[..., at, :, j] = held[..., tap].transpose(0, 3, 2, 1)
        return band.reshape(task.groups, 1, 1, self.fan, -1)

    def jobs(
        self, x: Array, held: Array, out: Array, finish: Finish, parts: int
    ) -> list[Job]:
        """Some of the groups, of some of the images, each: what stays in cache."""
        groups = self.task.groups
        lots = split(groups, max(parts, -(-groups * self.each // BUDGET)))
        images = max(1, BUDGET * len(lots) // (groups * self.each))
        return [
            self.job(x[i : i + images], held, out[i : i + images], finish, some)
            for some in lots
            for i in range(0, len(x), images)
        ]

    def job(
        self, x: Array, held: Array, out: Array, finish: Finish, some: slice
    ) -> Job:
        """These groups of all these images."""
        maps = slice(some.start * self.maps, some.stop * self.maps)

        def run(work: Workspace) -> None:
            target = out[:, maps]
            strips = self.gathered(x, some, work)
            direct = self.maps == 1 and self.task.out[1] == self.count * self.m
            if direct and target.strides[-1] == target.itemsize:
                self.products(strips, held[some], self.cut(target), work)
            else:
                shape = (*strips.shape[:3], self.task.out[0], self.maps * self.m)
                found = work.array("found", shape, x.dtype)
                self.products(strips, held[some], found, work)
                self.scatter(found, target)
            if finish.needed:
                finish.part(maps).batch(target)

        return run

    def gathered(self, x: Array, some: slice, work: Workspace) -> Array:
        """Their channels in strips, padded: groups×N×strips×rows×channels×n."""
        task, c = self.task, self.channels
        groups = some.stop - some.start
        shape = (groups, len(x), self.count, self.high, c, self.n)
        strips = work.array("strips", shape, x.dtype)
        seen = x[:, some.start * c : some.stop * c]
        seen = seen.reshape(len(x), groups, c, *task.sides).transpose(1, 0, 3, 2, 4)
        left = task.before[1]
        top = min(task.before[0], self.high)  # a stride may pass all but the padding
        bottom = max(top, min(task.before[0] + task.sides[0], self.high))
        for i in range(self.count):
            strip = strips[:, :, i]
            at = i * self.m * task.stride[1] - left  # the column it begins with
            first = min(max(0, -at), self.n)
            last = max(first, min(self.n, task.sides[1] - at))
            if last - first < self.n:
                strip[...] = 0  # all of it: single columns are slow to reach
            else:
                strip[:, :, :top] = 0
                strip[:, :, bottom:] = 0
            inside = seen[:, :, : bottom - top, :, at + first : at + last]
            strip[:, :, top:bottom, :, first:last] = inside
        return strips

    def products(
        self, strips: Array, held: Array, found: Array, work: Workspace
    ) -> None:
        """Into groups×N×strips×out×(maps·m): of few rows all at once, copied."""
        *far, row, _, each = strips.strides
        down = self.task.stride[0]
        step = self.apart if found.shape[3] >= TALL else 1
        for first in range(min(step, found.shape[3])):
            into = found[:, :, :, first::step]
            read = as_strided(
                strips[:, :, :, first * down :],
                (*into.shape[:4], self.fan),
                (*far, step * down * row, each),
            )
            if step < self.apart:
                rows = work.array("rows", read.shape, read.dtype)
                np.copyto(rows, read)
                read = rows
            np.matmul(read, held, out=into)

    def cut(self, y: Array) -> Array:
        """N×groups×out as groups×N×strips×rows×m: a view; there is a map a group."""
        whole = y[..., : y.shape[-1] // self.m * self.m]
        return whole.reshape(*y.shape[:3], -1, self.m).transpose(1, 0, 3, 2, 4)

    def scatter(self, found: Array, out: Array) -> None:
        """groups×N×strips×rows×(maps·m) to their places; what is beyond the end is left out."""
        whole = out.shape[-1] // self.m
        for k in range(self.maps):
            maps = out[:, k :: self.maps]
            part = found[..., k * self.m : (k + 1) * self.m]
            self.cut(maps)[...] = part[:, :, :whole]
            rest = maps[..., whole * self.m :]
            if rest.shape[-1]:
                rest[...] = part[:, :, whole, :, : rest.shape[-1]].transpose(1, 0, 2, 3)
