"""Winograd's minimal filtering, F(m×m, r×r): tiles of outputs by interpolation.

A tile of (m + r − 1)² inputs and the kernel are taken to values at as many points, where
a convolution is a product value by value; all tiles and channels together are one matrix
product a point. Andrew Lavin and Scott Gray, arXiv:1509.09308; Shmuel Winograd, Arithmetic
Complexity of Computations (1980).

Largest error relative to the largest output, float32: 2e-6 for F(2,3), 8e-6 for F(4,3), 3e-5
for F(4,5); measured over normal values and their positive parts, 3 to 512 channels, 8e-7, 4e-6
and 1.4e-5 (a plain product: 1e-6). A value that is not finite spreads to its tile. Stride and
dilation are 1, groups is 1.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from solver.numeric.convolution.finish import Finish
from solver.numeric.convolution.task import Array, Task, split
from solver.numeric.workspace import Job, Workspace, channels_last, rows_last

# Finite points by how many values a tile has on a side (the last point is infinity). The
# halves and quarters keep the powers small: error before speed, arXiv:1803.10986.
POINTS: dict[int, tuple[str, ...]] = {
    4: ("0", "1", "-1"),
    6: ("0", "3/4", "-3/4", "3/2", "-3/2"),
    8: ("0", "1", "-1", "1/2", "-1/2", "2", "-2"),
}
BUDGET = 4 << 20  # bytes of tiles in a block: what stays in the cache between its steps
FEWEST, MOST = 64, 128  # tiles in a block
SOME = 1 << 20  # values of a weight that are transformed at a time, in float64
FAR = (
    1 << 15
)  # bytes from channel to channel from which turning rows around misses caches


@cache
def transforms(m: int, r: int) -> tuple[Array, Array, Array]:
    """(A, G, B) of y = A [(G w) ⊙ (B x)], exact before they are rounded to float64.

    With the points p_i and V their Vandermonde matrix, B is V⁻ᵀ, and A and G evaluate
    polynomials of degree m − 1 and r − 1. The rows of B and G are scaled against each
    other, so that neither has large entries.
    """
    n = m + r - 1
    points = [Fraction(p) for p in POINTS[n]]
    at = [[p**j for j in range(n)] for p in points] + [
        [Fraction(0)] * (n - 1) + [Fraction(1)]
    ]
    inverse = inverted(at)
    b = [[inverse[j][i] for j in range(n)] for i in range(n)]
    g = [row[:r] for row in at[:-1]] + [at[-1][-r:]]
    a = [[p**j for p in points] + [Fraction(int(j == m - 1))] for j in range(m)]
    for i in range(n):
        scale = max(map(abs, b[i]))
        b[i] = [x / scale for x in b[i]]
        g[i] = [x * scale for x in g[i]]
    return tuple(np.array(x, float) for x in (a, g, b))  # type: ignore[return-value]


def inverted(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    """The inverse by Gauss and Jordan, exact."""
    n = len(rows)
    full = [
        [*row, *(Fraction(int(i == j)) for j in range(n))] for i, row in enumerate(rows)
    ]
    for i in range(n):
        pivot = next(k for k in range(i, n) if full[k][i])
        full[i], full[pivot] = full[pivot], full[i]
        full[i] = [x / full[i][i] for x in full[i]]
        for k in range(n):
            if k != i and full[k][i]:
                full[k] = [x - full[k][i] * y for x, y in zip(full[k], full[i])]
    return [row[n:] for row in full]


class Winograd:
    """F(m×m, r×r) for a task whose kernel is r×r."""

    def __init__(self, task: Task, m: int) -> None:
        self.task, self.m = task, m
        r = task.kernel[0]
        self.n = n = m + r - 1
        a, g, b = transforms(m, r)
        self.into = np.kron(b, b).astype(task.dtype)
        self.back = np.kron(a, a).astype(task.dtype)
        self.weigh = np.kron(g, g)
        self.tiles = tuple(-(-o // m) for o in task.out)
        widest = max(task.channels, task.maps) * n * n * task.dtype.itemsize
        self.most = min(max(BUDGET // widest, FEWEST), MOST)

    def prepare(self, weight: Array) -> Array:
        """The kernel's values at the points: n²×C×maps."""
        maps, channels = weight.shape[:2]
        flat = weight.reshape(maps * channels, -1).T
        found = np.empty((self.n**2, channels, maps), self.task.dtype)
        turned = flat.reshape(-1, maps, channels).transpose(0, 2, 1)
        step = max(1, SOME // (maps * self.n**2))
        for at in range(0, channels, step):
            some = turned[:, at : at + step]
            values = self.weigh @ some.reshape(some.shape[0], -1)
            found[:, at : at + some.shape[1]] = values.reshape(-1, *some.shape[1:])
        return found

    def jobs(
        self, x: Array, held: Array, out: Array, finish: Finish, parts: int
    ) -> list[Job]:
        """Blocks of rows of tiles of one image, or of several whole images.

        Where there are few tiles each job takes all of them, and some of the maps: a
        product with fewer rows would be slow, tiles made twice cost less.
        """
        high, wide = self.tiles
        maps = [slice(0, self.task.maps)]
        if parts > 1 and high * wide * len(x) < FEWEST * parts:
            maps, parts = split(self.task.maps, parts), 1
        return [
            self.job(
                x[images],
                held if len(maps) == 1 else held[:, :, some],
                out[images, some],
                finish.part(some),
                rows,
            )
            for images, rows in self.blocks(len(x), parts)
            for some in maps
        ]

    def blocks(self, count: int, parts: int = 1) -> list[tuple[slice, slice]]:
        """(images, rows of tiles) that are done at once: at least so many, of `count` images."""
        high, wide = self.tiles
        most = min(self.most, -(-high * wide * count // parts))
        images = min(max(1, most // (high * wide)), count)
        rows = min(high, max(1, most // wide)) if images == 1 else high
        return [
            (slice(i, i + images), slice(t, min(t + rows, high)))
            for i in range(0, count, images)
            for t in range(0, high, rows)
        ]

    def job(
        self, x: Array, held: Array, out: Array, finish: Finish, rows: slice
    ) -> Job:
        """One block: these rows of tiles, of these images."""

        def run(work: Workspace) -> None:
            tiles = self.gathered(x, rows, work)
            points, count = self.n**2, prod(tiles.shape[2:5])
            channels, maps = held.shape[1:]
            dtype = self.task.dtype
            values = work.array("values", (points, count * channels), dtype)
            np.matmul(self.into, tiles.reshape(points, -1), out=values)
            products = work.array("products", (points, count, maps), dtype)
            np.matmul(values.reshape(points, count, channels), held, out=products)
            found = work.array("found", (self.m**2, count * maps), dtype)
            np.matmul(self.back, products.reshape(points, -1), out=found)
            if finish.needed:
                finish.last(found.reshape(self.m**2, count, maps))
            self.scatter(found, out, rows, work)

        return run

    def gathered(self, x: Array, rows: slice, work: Workspace) -> Array:
        """The block's tiles, n×n×images×rows×columns×C: padded, then cut out."""
        m, n, (high, wide) = self.m, self.n, self.task.sides
        top, left = self.task.before
        count, columns = rows.stop - rows.start, self.tiles[1]
        tall, broad = count * m + n - m, columns * m + n - m
        block = work.array("block", (len(x), tall, broad, x.shape[1]), x.dtype)
        start = rows.start * m - top
        low = min(max(start, 0), high)
        stop = max(min(start + tall, high), low)
        right = min(wide, broad - left)
        block[:, : low - start] = 0
        block[:, stop - start :] = 0
        inside = slice(low - start, stop - start)
        block[:, inside, :left] = 0
        block[:, inside, left + right :] = 0
        seen = x[:, :, low:stop, :right]
        if not self.task.last and x.strides[1] >= FAR:
            strip = work.array("strip", seen.shape, x.dtype)
            np.copyto(strip, seen)
            seen = strip
        block[:, inside, left : left + right] = rows_last(seen)
        per_image, per_row, per_column, each = block.strides
        cut = as_strided(
            block,
            (n, n, len(x), count, columns, x.shape[1]),
            (per_row, per_column, per_image, m * per_row, m * per_column, each),
        )
        tiles = work.array("tiles", cut.shape, x.dtype)
        np.copyto(tiles, cut)
        return tiles

    def scatter(self, found: Array, out: Array, rows: slice, work: Workspace) -> None:
        """Tiles m×m×images×rows×columns×maps to their places in the output."""
        m, columns, maps = self.m, self.tiles[1], out.shape[1]
        count = rows.stop - rows.start
        shape = (len(out), count * m, columns * m, maps)
        tiles = found.reshape(m, m, len(out), count, columns, maps)
        target = rows_last(out[:, :, rows.start * m : rows.stop * m])
        whole = target.shape == shape and channels_last(out)
        picture = target if whole else work.array("picture", shape, found.dtype)
        per_image, per_row, per_column, each = picture.strides
        places = as_strided(
            picture,
            tiles.shape,
            (per_row, per_column, per_image, m * per_row, m * per_column, each),
        )
        np.copyto(places, tiles)
        if not whole:
            np.copyto(target, picture[:, : target.shape[1], : target.shape[2]])
