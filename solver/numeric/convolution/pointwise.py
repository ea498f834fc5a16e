"""Kernels of one value: a product of the weight with all positions, as they lie in memory.

Error: that of one matrix product. Any stride; groups is 1.
"""

from __future__ import annotations

import numpy as np

from solver.numeric.convolution.finish import Finish
from solver.numeric.convolution.task import Array, Task, flat, gapless, split
from solver.numeric.plain import last
from solver.numeric.workspace import Job, Workspace, rows_last


class Pointwise:
    """y = W x at every position: maps×C by C×positions, or turned around, channels last."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.thinned = set(task.stride) != {1}

    def prepare(self, weight: Array) -> Array:
        """maps×C, or C×maps where channels are last."""
        held = weight.reshape(weight.shape[:2])
        return np.ascontiguousarray(held.T if self.task.last else held)

    def jobs(
        self, x: Array, held: Array, out: Array, finish: Finish, parts: int
    ) -> list[Job]:
        """The images shared out; where there are too few, maps or (channels last) rows."""
        if len(x) >= parts:
            return [
                self.job(x[some], held, out[some], finish)
                for some in split(len(x), parts)
            ]
        if not self.task.last:
            return [
                self.job(x, held[some], out[:, some], finish.part(some))
                for some in split(len(held), parts)
            ]
        s = self.task.stride[0]
        return [
            self.job(x[:, :, r.start * s : r.stop * s], held, out[:, :, r], finish)
            for r in split(out.shape[2], parts)
        ]

    def job(self, x: Array, held: Array, out: Array, finish: Finish) -> Job:
        """Some of the images."""

        def run(work: Workspace) -> None:
            last = self.task.last
            read = self.read(x, work)
            direct = gapless(rows_last(out) if last else out)
            found = out if direct else work.laid("room", out.shape, out.dtype, last)
            if last:
                rows = flat(found, True).reshape(-1, found.shape[1])
                np.matmul(flat(read, True).reshape(-1, x.shape[1]), held, out=rows)
                finish.last(rows)
            else:
                maps = flat(found, False)
                np.matmul(held, flat(read, False), out=maps)
                finish.batch(maps)
            if not direct:
                out[...] = found

        return run

    def read(self, x: Array, work: Workspace) -> Array:
        """The positions that are read, without gaps."""
        if not self.thinned:
            return x
        some = x[last(slice(None, None, s) for s in self.task.stride)]
        kept = work.laid("read", some.shape, x.dtype, self.task.last)
        np.copyto(kept, some)
        return kept
