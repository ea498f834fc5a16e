"""The gradient by the input by scattering (col2im): a product, then a sum a tap.

Every output's gradient times the weight gives what its whole window gets; each tap's
share is added at the inputs that it read. Error: a product over the maps, and as many
sums as windows that overlap.
"""

from __future__ import annotations

from math import prod

import numpy as np

from solver.numeric.convolution.columns import BUDGET, turned
from solver.numeric.convolution.finish import Finish
from solver.numeric.convolution.task import Array, Task
from solver.numeric.workspace import Job, Workspace


class Scatter:
    """From ∂L/∂y to ∂L/∂x of a task of one group."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.inner = (
            task.batch >= 16 and task.out[-1] <= 32
        )  # short rows, as in `Columns`
        self.images = min(task.batch, 64) if self.inner else 1
        row = task.fan * prod(task.out[1:]) * task.dtype.itemsize * self.images
        self.rows = min(max(1, BUDGET // max(row, 1)), task.out[0])

    def prepare(self, weight: Array) -> Array:
        """(C·kernel)×maps."""
        return np.ascontiguousarray(weight.reshape(len(weight), -1).T)

    def jobs(
        self, g: Array, held: Array, out: Array, finish: Finish, parts: int
    ) -> list[Job]:
        """Some images each: windows of one image overlap."""
        many = min(self.images, -(-len(g) // parts))
        return [
            self.job(g[i : i + many], held, out[i : i + many], finish)
            for i in range(0, len(g), many)
        ]

    def job(self, g: Array, held: Array, out: Array, finish: Finish) -> Job:
        """These images: a block of rows of g, C×kernel×rows×N, added tap by tap."""
        task = self.task
        dims = len(task.kernel)

        def run(work: Workspace) -> None:
            # N goes last, also where it is 1
            maps = turned(g, work) if self.inner else g
            maps = maps.transpose(1, *range(2, g.ndim), 0)
            whole = tuple(
                n + b + a for n, b, a in zip(task.sides, task.before, task.after)
            )
            total = work.array("total", (task.channels, *whole, len(g)), g.dtype)
            total[...] = 0
            for at in range(0, task.out[0], self.rows):
                some = maps[:, at : at + self.rows]
                shape = (task.channels, *task.kernel, *some.shape[1:])
                shares = work.array("shares", shape, g.dtype)
                np.matmul(
                    held, some.reshape(task.maps, -1), out=shares.reshape(len(held), -1)
                )
                for tap in np.ndindex(*task.kernel):
                    first = [d * a for d, a in zip(task.dilation, tap)]
                    first[0] += at * task.stride[0]
                    met = tuple(
                        slice(f, f + s * (m - 1) + 1, s)
                        for f, s, m in zip(first, task.stride, some.shape[1:])
                    )
                    places, share = (slice(None), *met), (slice(None), *tap)
                    total[places] += shares[share]
            inside = tuple(slice(b, b + n) for b, n in zip(task.before, task.sides))
            places = (slice(None), *inside)
            np.copyto(out, total[places].transpose(-1, 0, *range(1, dims + 1)))
            finish.batch(out)

        return run
