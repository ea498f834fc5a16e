"""Tiny convolutions as one product, by the matrix that maps all inputs to all outputs.

A convolution is linear: its matrix (Toeplitz, a band a map) is made from the weight once.
Error: that of one matrix product, most of whose terms are products with zero. A value that
is not finite spreads to all of its example.
"""

from __future__ import annotations

from math import prod

import numpy as np

from solver.numeric.convolution.columns import windows
from solver.numeric.convolution.finish import Finish
from solver.numeric.convolution.task import Array, Task
from solver.numeric.workspace import Job, Workspace


class Toeplitz:
    """y = x T, with all of an example's inputs in a row, and all of its outputs."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.inputs = task.channels * prod(task.sides)
        self.outputs = task.maps * prod(task.out)

    def prepare(self, weight: Array) -> Array:
        """T, inputs×outputs: each output's weights at the inputs that it reads."""
        task = self.task
        sides = tuple(n + b + a for n, b, a in zip(task.sides, task.before, task.after))
        inside = tuple(slice(b, b + n) for b, n in zip(task.before, task.sides))
        places = np.full(sides, -1)  # which input stands where; −1 in the padding
        places[inside] = np.arange(prod(task.sides)).reshape(task.sides)
        read = windows(places[None, None], task)[0, 0].reshape(prod(task.out), -1)
        found = np.zeros(
            (task.channels, prod(task.sides) + 1, task.maps, prod(task.out)), task.dtype
        )  # the last input is the padding's
        values = weight.reshape(*weight.shape[:2], -1)
        positions = np.arange(prod(task.out))
        for tap in range(values.shape[-1]):
            found[:, read[:, tap], :, positions] = values[:, :, tap].T
        return found[:, :-1].reshape(self.inputs, self.outputs)

    def jobs(
        self, x: Array, held: Array, out: Array, finish: Finish, parts: int
    ) -> list[Job]:
        """One job."""

        def run(work: Workspace) -> None:
            rows = x.reshape(len(x), -1)
            if out.flags.c_contiguous:
                np.matmul(rows, held, out=out.reshape(len(x), -1))
            else:
                out[...] = np.matmul(rows, held).reshape(out.shape)
            finish.batch(out)

        return [run]


class ToeplitzInput:
    """∂L/∂x = ∂L/∂y Tᵀ."""

    def __init__(self, task: Task) -> None:
        self.forward = Toeplitz(task)
        self.jobs = self.forward.jobs

    def prepare(self, weight: Array) -> Array:
        """Tᵀ."""
        return np.ascontiguousarray(self.forward.prepare(weight).T)
