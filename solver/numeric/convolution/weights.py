"""The gradient by the weight: ∂L/∂w[o, c, a] = Σ g[o, i] · x[c, s·i + d·a − p].

Each algorithm shares the work out as sums over examples and positions: a job adds up its
share, and the shares are added at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product
from math import prod
from typing import Any

import numpy as np

from solver.numeric.convolution.columns import Columns, windows
from solver.numeric.convolution.task import Array, Task, flat, padded, split
from solver.numeric.convolution.winograd import BUDGET, Winograd
from solver.numeric.plain import last
from solver.numeric.workspace import Job, Workspace, rows_last

Run = Callable[[list[Job]], None]  # carries jobs out, by however many threads


def summed(parts: list[Array]) -> Array:
    """Their sum, in the first of them."""
    for part in parts[1:]:
        np.add(parts[0], part, out=parts[0])
    return parts[0]


def multiply(maps: Array, seen: Array, out: Array, work: Workspace) -> None:
    """out = maps seenᵀ, of maps×positions and C×positions, the larger one first: BLAS is
    faster so.

    What is turned around for it is turned back; where positions are few, that costs more.
    """
    if len(maps) < min(seen.shape):
        other = work.array("other", out.shape[::-1], out.dtype)
        np.matmul(seen, maps.T, out=other)
        np.copyto(out, other.T)
    else:
        np.matmul(maps, seen.T, out=out)


class PointwiseWeight:
    """maps×positions by positions×C, an image at a time."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def of(self, x: Array, g: Array, run: Run, parts: int) -> Array:
        """The images shared out; of one image the maps."""
        task = self.task
        read = x
        if set(task.stride) != {1}:
            read = x[last(slice(None, None, s) for s in task.stride)]
        if len(x) == 1 or task.last:
            found = np.empty((task.maps, task.channels), task.dtype)
            maps, seen = flat(g, task.last), flat(read, task.last)
            if task.last:
                maps = maps.reshape(-1, task.maps).T
                seen = seen.reshape(-1, task.channels).T
            else:
                maps, seen = maps[0], seen[0]
            run(
                [
                    partial(multiply, maps[some], seen, found[some])
                    for some in split(task.maps, parts)
                ]
            )
            return found.reshape(task.maps, -1, *task.kernel)
        shares = split(len(x), parts)
        sums = [np.empty((task.maps, task.channels), task.dtype) for _ in shares]
        run([self.images(read[some], g[some], s) for some, s in zip(shares, sums)])
        return summed(sums).reshape(task.maps, -1, *task.kernel)

    def images(self, read: Array, g: Array, total: Array) -> Job:
        """The sum over some images."""

        def add(work: Workspace) -> None:
            each = total
            for maps, seen in zip(flat(g, False), flat(read, False)):
                multiply(maps, seen, each, work)
                if each is not total:
                    np.add(total, each, out=total)
                each = work.array("each", total.shape, total.dtype)

        return add


class TinyWeight:
    """maps×positions by positions×(C·kernel), all examples at once; nothing is padded."""

    def __init__(self, task: Task) -> None:
        self.task = task
        places = np.arange(task.channels * prod(task.sides))
        read = windows(places.reshape(1, task.channels, *task.sides), task)
        dims = len(task.kernel)
        order = (*range(2, 2 + dims), 1, *range(2 + dims, 2 + 2 * dims))
        self.read = read.transpose(0, *order).reshape(prod(task.out), -1)

    def of(self, x: Array, g: Array, run: Run, parts: int) -> Array:
        """One product: what an output reads is looked up by its place."""
        task = self.task
        columns = x.reshape(len(x), -1).take(self.read, axis=1)
        maps = g.swapaxes(0, 1).reshape(task.maps, -1)
        found = maps @ columns.reshape(-1, self.read.shape[1])
        return found.reshape(task.maps, task.channels, *task.kernel)


class WholeWeight:
    """One output a map, which reads the whole kernel's worth: maps×N by N×(C·kernel)."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def of(self, x: Array, g: Array, run: Run, parts: int) -> Array:
        """One product."""
        read = x[last(slice(k) for k in self.task.kernel)]
        found = g.reshape(len(g), -1).T @ read.reshape(len(x), -1)
        return found.reshape(g.shape[1], x.shape[1], *self.task.kernel)


class ColumnsWeight:
    """maps×positions by positions×(C·kernel), the columns of the forward pass."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.forward = Columns(task)

    def of(self, x: Array, g: Array, run: Run, parts: int) -> Array:
        """The images shared out, or the rows where there are few images."""
        task, high = self.task, self.task.out[0]
        lots = split(len(x), parts) if len(x) >= parts else [slice(0, len(x))]
        heights = split(high, parts) if len(lots) == 1 < parts else [slice(0, high)]
        shares = list(product(lots, heights))
        shape = (task.fan, task.maps) if task.last else (task.maps, task.fan)
        sums = [np.empty(shape, task.dtype) for _ in shares]
        run([self.job(x, g, *share, total) for share, total in zip(shares, sums)])
        return self.weight(summed(sums))

    def job(self, x: Array, g: Array, some: slice, high: slice, total: Array) -> Job:
        """One share: these images, these rows of the output."""
        task, inner = self.task, self.forward

        def add(work: Workspace) -> None:
            each = total
            for i in range(some.start, some.stop, inner.images):
                images = slice(i, min(i + inner.images, some.stop))
                for rows, columns in inner.blocks(
                    x[images], high.start, high.stop, work
                ):
                    part = g[images, :, rows]
                    if task.last:
                        maps = rows_last(part).reshape(-1, task.maps)
                        np.matmul(columns.T, maps, out=each)
                    else:
                        maps = inner.maps_first(part).reshape(task.maps, -1)
                        multiply(maps, columns, each, work)
                    if each is not total:
                        np.add(total, each, out=total)
                    each = work.array("each", total.shape, total.dtype)

        return add

    def weight(self, total: Array) -> Array:
        """maps×(C·kernel), or (kernel·C)×maps, to maps×C×kernel."""
        task = self.task
        if task.last:
            turned = total.reshape(*task.kernel, task.channels, task.maps)
            return np.ascontiguousarray(
                turned.transpose(-1, -2, *range(len(task.kernel)))
            )
        return total.reshape(task.maps, task.channels, *task.kernel)


class WinogradWeight:
    """Sums over tiles at each point, taken back to the kernel: Gᵀ [Σ (B x)(Aᵀ g)].

    Error as of the forward pass (measured, 2e-6 for 3×3 and 1e-5 for 5×5).
    """

    def __init__(self, task: Task, m: int) -> None:
        self.task, self.m = task, m
        self.forward = Winograd(task, m)
        # more tiles where the sums are large: they are taken back once a block
        wide = task.channels * task.maps // (task.channels + task.maps)
        self.forward.most = max(self.forward.most, wide)
        self.weigh = self.forward.weigh.T.astype(task.dtype)
        each = self.forward.n**2 * task.channels * task.dtype.itemsize
        self.some = max(1, BUDGET // each)  # maps whose sums stay in cache

    def of(self, x: Array, g: Array, run: Run, parts: int) -> Array:
        """Blocks of tiles as in the forward pass, each share with a sum of its own.

        Where there are few blocks the maps are shared out instead.
        """
        task = self.task
        blocks = self.forward.blocks(len(x))
        lots, maps = [slice(None)], [slice(0, task.maps)]
        if len(blocks) < 2 * parts:
            maps = split(task.maps, parts)
        else:
            lots = split(len(blocks), parts)
        shape = (self.weigh.shape[0], task.maps, task.channels)
        sums = [np.empty(shape, task.dtype) for _ in lots]
        run(
            [
                self.job(x, g[:, some], blocks[lot], total[:, some])
                for lot, total in zip(lots, sums)
                for some in maps
            ]
        )
        total = summed(sums).reshape(*task.kernel, task.maps, task.channels)
        return np.ascontiguousarray(total.transpose(2, 3, 0, 1))

    def job(
        self, x: Array, g: Array, blocks: list[tuple[slice, slice]], total: Array
    ) -> Job:
        """The sum over these blocks: r²×maps×C.

        Sums at the points that stay in cache are kept for all blocks; others are taken
        back block by block, some maps at a time.
        """
        points, channels = self.forward.n**2, x.shape[1]
        some = split(g.shape[1], -(-g.shape[1] // self.some))
        kept = len(some) == 1

        def add(work: Workspace) -> None:
            for i, (images, rows) in enumerate(blocks):
                values = self.values(x[images], rows, work)
                spread = self.spread(g[images], rows, work)
                for m in some:
                    shape = (points, m.stop - m.start, channels)
                    sums = work.array("sums", shape, x.dtype)
                    more = work.array("more", shape, x.dtype) if kept and i else sums
                    np.matmul(spread[:, :, m].transpose(0, 2, 1), values, out=more)
                    if more is not sums:
                        np.add(sums, more, out=sums)
                    if kept and i < len(blocks) - 1:
                        continue
                    back = work.array("back", (len(total), *shape[1:]), x.dtype)
                    flat_ = sums.reshape(points, -1)
                    np.matmul(self.weigh, flat_, out=back.reshape(len(total), -1))
                    if kept or i == 0:
                        total[:, m] = back
                    else:
                        np.add(total[:, m], back, out=total[:, m])

        return add

    def values(self, x: Array, rows: slice, work: Workspace) -> Array:
        """A block's inputs at the points: n²×tiles×C."""
        inner = self.forward
        points = inner.n**2
        tiles = inner.gathered(x, rows, work)
        found = work.array("values", (points, tiles[0, 0].size), x.dtype)
        np.matmul(inner.into, tiles.reshape(points, -1), out=found)
        return found.reshape(points, -1, x.shape[1])

    def spread(self, g: Array, rows: slice, work: Workspace) -> Array:
        """A block's gradients at the points: n²×tiles×maps."""
        inner, m, maps = self.forward, self.m, g.shape[1]
        points = inner.n**2
        high, wide = rows.stop - rows.start, inner.tiles[1]
        picture = work.array("picture", (len(g), high * m, wide * m, maps), g.dtype)
        seen = rows_last(g[:, :, rows.start * m : rows.stop * m])
        picture[:, seen.shape[1] :] = 0
        picture[:, :, seen.shape[2] :] = 0
        picture[:, : seen.shape[1], : seen.shape[2]] = seen
        cut = picture.reshape(len(g), high, m, wide, m, -1).transpose(2, 4, 0, 1, 3, 5)
        parts = work.array("parts", cut.shape, g.dtype)
        np.copyto(parts, cut)
        found = work.array("products", (points, parts[0, 0].size), g.dtype)
        np.matmul(inner.back.T, parts.reshape(m * m, -1), out=found)
        return found.reshape(points, -1, maps)


class GroupedWeight:
    """Each group by itself."""

    def __init__(self, task: Task, choose: Callable[[Task], Any]) -> None:
        self.task = task
        channels, maps = task.channels // task.groups, task.maps // task.groups
        self.inner = choose(replace(task, channels=channels, maps=maps, groups=1))

    def of(self, x: Array, g: Array, run: Run, parts: int) -> Array:
        """The groups' gradients, one behind the other."""
        pairs = zip(*(np.split(a, self.task.groups, axis=1) for a in (x, g)))
        return np.concatenate([self.inner.of(*pair, run, parts) for pair in pairs])


class DepthwiseWeight:
    """A sum of products a tap: no channel meets another."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def of(self, x: Array, g: Array, run: Run, parts: int) -> Array:
        """The channels shared out."""
        task = self.task
        many = task.maps // task.channels
        found = np.empty((task.channels, many, *task.kernel), task.dtype)

        def job(some: slice) -> Job:
            def work_on(work: Workspace) -> None:
                part = replace(task, channels=some.stop - some.start)
                read = windows(padded(x[:, some], part, work), part)
                maps = g.reshape(len(g), task.channels, many, *task.out)[:, some]
                for tap in np.ndindex(*task.kernel):
                    seen = read[last(tap)]
                    for k in range(many):
                        place = (some, k, *tap)
                        found[place] = np.einsum(SUMS[seen.ndim], maps[:, :, k], seen)

            return work_on

        run([job(some) for some in split(task.channels, parts)])
        return found.reshape(task.maps, 1, *task.kernel)


SUMS = {3: "ncx,ncx->c", 4: "ncxy,ncxy->c", 5: "ncxyz,ncxyz->c"}
