"""Windows as columns (im2col), a block of output rows at a time, and one matrix product.

The exact algorithm for every kernel, stride, dilation and number of sides: its error is
that of one matrix product over C·kernel terms, in float32 2e-6 of the largest output for 512
channels (measured, 1e-6). A block's columns stay in cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from solver.numeric.convolution.finish import Finish
from solver.numeric.convolution.task import Array, Task, gapless, padded, split
from solver.numeric.workspace import Job, Workspace, rows_last

BUDGET = 2 << 20  # bytes of columns in a block


class Columns:
    """The windows of some output rows as a matrix, times the weight.

    A batch of small images is turned around first, so that the same place of all images
    lies side by side: short rows are slow to copy.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.fan = task.fan
        self.inner = not task.last and task.batch >= 16 and task.out[-1] <= 16
        self.images = min(task.batch, 64) if self.inner else 1
        widest = max(self.fan, task.maps) * task.dtype.itemsize
        row = widest * prod(task.out[1:]) * self.images
        self.rows = min(max(1, BUDGET // max(row, 1)), task.out[0])
        if not self.inner and self.rows == task.out[0]:
            self.images = max(1, min(task.batch, BUDGET // max(row * self.rows, 1)))

    def prepare(self, weight: Array) -> Array:
        """maps×(C·kernel), or (kernel·C)×maps where channels are last."""
        if self.task.last:
            turned = weight.transpose(*range(2, weight.ndim), 1, 0)
            return np.ascontiguousarray(turned.reshape(self.fan, -1))
        return np.ascontiguousarray(weight.reshape(len(weight), -1))

    def jobs(
        self, x: Array, held: Array, out: Array, finish: Finish, parts: int
    ) -> list[Job]:
        """Images, and where there are too few of them ranges of their rows."""
        ends = [*range(0, len(x), self.images), len(x)]
        lots = min(parts, self.task.out[0]) if len(ends) <= parts else 1
        return [
            self.job(x[i:j], held, out[i:j], finish, rows.start, rows.stop)
            for i, j in zip(ends, ends[1:])
            for rows in split(self.task.out[0], lots)
        ]

    def job(
        self, x: Array, held: Array, out: Array, finish: Finish, first: int, stop: int
    ) -> Job:
        """Output rows first to stop of these images."""

        def run(work: Workspace) -> None:
            blocks = self.blocks(x, first, stop, work)
            product = self.by_rows if self.task.last else self.by_maps
            for rows, columns in blocks:
                product(columns, held, out[:, :, rows], finish, work)

        return run

    def blocks(
        self, x: Array, first: int, stop: int, work: Workspace
    ) -> Iterator[tuple[slice, Array]]:
        """Output rows, and their columns as a matrix: (C·kernel)×positions, the images'
        places behind or in front of those of the sides; channels last, positions×(kernel·C).
        """
        task = self.task
        image = turned(x, work) if self.inner else x
        image = padded(image, task, work, self.inner)
        if task.last:
            read = windows(image, task)
        else:
            taps = apart(image, task, work, self.inner)
        for at in range(first, stop, self.rows):
            rows = slice(at, min(at + self.rows, stop))
            if task.last:
                cut = np.moveaxis(read[:, :, rows], 1, -1)
                columns = work.array("columns", cut.shape, cut.dtype)
                np.copyto(columns, cut)
                yield rows, columns.reshape(-1, self.fan)
            else:
                some = [t[:, :, rows] for t in taps]
                yield rows, columns_of(some, work, self.inner).reshape(self.fan, -1)

    def by_maps(
        self, columns: Array, held: Array, out: Array, finish: Finish, work: Workspace
    ) -> None:
        """maps×(C·kernel) by (C·kernel)×positions."""
        direct = len(out) == 1 and gapless(out[0, 0])
        rows = rows_last(out)
        if not direct and len(out) == 1 and gapless(rows):  # channels last all the same
            turned_ = rows.reshape(-1, len(held))
            np.matmul(columns.T, held.T, out=turned_)
            finish.last(turned_)
            return
        if direct:
            product = out[0].reshape(len(held), -1)
        else:
            product = work.array("room", (len(held), columns.shape[1]), out.dtype)
        np.matmul(held, columns, out=product)
        finish.first(product)
        if not direct:
            np.copyto(self.maps_first(out), product.reshape(self.maps_first(out).shape))

    def maps_first(self, y: Array) -> Array:
        """N×maps×out with its axes in the order of the product's: a view."""
        if self.inner:
            return y.transpose(1, *range(2, y.ndim), 0)
        return y.swapaxes(0, 1)

    def by_rows(
        self, columns: Array, held: Array, out: Array, finish: Finish, work: Workspace
    ) -> None:
        """positions×(kernel·C) by (kernel·C)×maps, all images of the block at once."""
        target = rows_last(out)
        direct = gapless(target)
        found = target if direct else work.array("room", target.shape, out.dtype)
        product = found.reshape(-1, out.shape[1])
        np.matmul(columns, held, out=product)
        finish.last(product)
        if not direct:
            target[...] = found


def turned(x: Array, work: Workspace) -> Array:
    """x with the same place of all images side by side in memory."""
    room = work.array("turned", (*x.shape[1:], len(x)), x.dtype)
    np.copyto(room, x.transpose(*range(1, x.ndim), 0))
    return room.transpose(-1, *range(x.ndim - 1))


def apart(x: Array, task: Task, work: Workspace, inner: bool) -> list[Array]:
    """For each tap of the last axis what the outputs read: N×C×out×(the other taps).

    With a stride s along that axis the image is taken apart into its s remainders first,
    so that what is read of each lies side by side.
    """
    s = task.stride[-1]
    if s == 1:
        parts = [x]
    else:
        width = -(-x.shape[-1] // s)
        if inner:
            room = work.array("apart", (s, *x.shape[1:-1], width, len(x)), x.dtype)
            parts = [one.transpose(-1, *range(x.ndim - 1)) for one in room]
        else:
            parts = list(work.array("apart", (s, *x.shape[:-1], width), x.dtype))
        for f, part in enumerate(parts):
            some = x[..., f::s]
            part[..., : some.shape[-1]] = some
    found = []
    for tap in range(task.kernel[-1]):
        at = tap * task.dilation[-1]
        part = parts[at % s][..., at // s :]
        steps = part.strides[2:-1]
        shape = (*part.shape[:2], *task.out, *task.kernel[:-1])
        strides = (
            *part.strides[:2],
            *(n * k for n, k in zip(task.stride, steps)),
            part.strides[-1],
            *(n * k for n, k in zip(task.dilation, steps)),
        )
        found.append(as_strided(part, shape, strides))
    return found


def columns_of(taps: list[Array], work: Workspace, inner: bool) -> Array:
    """C×kernel×N×positions from what `apart` gives; with `inner` N comes last."""
    one = taps[0]
    dims = (one.ndim - 1) // 2
    sides = range(2, 2 + dims)
    order = (1, *range(2 + dims, one.ndim), *((*sides, 0) if inner else (0, *sides)))
    behind = dims + 1
    shape = one.transpose(order).shape
    columns = work.array(
        "columns", (*shape[:-behind], len(taps), *shape[-behind:]), one.dtype
    )
    for part, tap in zip(np.moveaxis(columns, -behind - 1, 0), taps):
        np.copyto(part, tap.transpose(order))
    return columns


def windows(x: Array, task: Task) -> Array:
    """What each output reads, N×C×out×kernel: a view."""
    steps, taps = x.strides[2:], x.strides[2:]
    return as_strided(
        x,
        (*x.shape[:2], *task.out, *task.kernel),
        (
            *x.strides[:2],
            *(s * n for s, n in zip(task.stride, steps)),
            *(d * n for d, n in zip(task.dilation, taps)),
        ),
    )
