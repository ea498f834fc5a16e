"""Large kernels by the Fourier transform: a product a frequency.

Largest error relative to the largest output, float32: 1e-6 (measured, 3e-7). A value that
is not finite spreads to all of its image. Stride and dilation are 1, groups is 1. The sides
are padded to lengths with small prime factors.
"""

from __future__ import annotations

import numpy as np

from solver.numeric.convolution.finish import Finish
from solver.numeric.convolution.task import Array, Task
from solver.numeric.plain import last
from solver.numeric.workspace import Job, Workspace


def smooth(n: int) -> int:
    """The least length from n on with no prime factor above 5."""
    while True:
        rest = n
        for p in (2, 3, 5):
            while rest % p == 0:
                rest //= p
        if rest == 1:
            return n
        n += 1


class Fourier:
    """Cross-correlation is a product with the conjugate of the kernel's transform."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.axes = tuple(range(-len(task.kernel), 0))
        # the windows that fit whole are not touched by what comes around from the end
        self.lengths = tuple(
            smooth(n + b + a) for n, b, a in zip(task.sides, task.before, task.after)
        )
        self.complex = np.result_type(task.dtype, np.complex64)

    def transform(self, x: Array) -> Array:
        """The transform over the sides, zeros behind them."""
        return np.fft.rfftn(x, self.lengths, self.axes).astype(self.complex, copy=False)

    def prepare(self, weight: Array) -> Array:
        """frequencies×C×maps, conjugate."""
        found = np.conj(self.transform(weight)).reshape(*weight.shape[:2], -1)
        return np.ascontiguousarray(found.transpose(2, 1, 0))

    def jobs(
        self, x: Array, held: Array, out: Array, finish: Finish, parts: int
    ) -> list[Job]:
        """An image each."""
        return [
            self.job(x[i : i + 1], held, out[i : i + 1], finish) for i in range(len(x))
        ]

    def job(self, x: Array, held: Array, out: Array, finish: Finish) -> Job:
        """Images to frequencies, a product at each, and back."""
        task = self.task

        def run(work: Workspace) -> None:
            around = [(0, 0), (0, 0), *zip(task.before, task.after)]
            seen = self.transform(np.pad(x, around) if task.padded else x)
            frequencies = seen.shape[2:]
            rows = np.ascontiguousarray(
                seen.reshape(*x.shape[:2], -1).transpose(2, 0, 1)
            )
            products = np.matmul(rows, held).transpose(1, 2, 0)
            maps = products.reshape(len(x), -1, *frequencies)
            found = np.fft.irfftn(maps, self.lengths, self.axes)
            out[...] = found[last(slice(o) for o in task.out)]
            finish.batch(out)

        return run
