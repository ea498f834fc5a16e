"""The steps of a network that runs: each takes arrays, says what ran, gives memory back."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from solver.networks import combine
from solver.networks.layers import Layer
from solver.numeric.convolution import threads as sharing
from solver.numeric.convolution.operator import Settled
from solver.numeric.convolution.task import split
from solver.numeric.forward import step
from solver.numeric.leaves import Held, Seeded
from solver.numeric.workspace import Array, Workspace, rows_first, spaces

Tell = Callable[[list[str], Array], None]  # the leaves that have run, and their output
SHARED_FROM = 1_000_000  # multiply-adds of a product that is worth sharing out


class Values:
    """Arrays for layers' outputs; one that is given back is used again."""

    def __init__(self) -> None:
        self.free: list[Array] = []
        self.taken: dict[int, Array] = {}

    def take(self, shape: Any, dtype: Any) -> Array:
        """An array with its channels last, in the smallest buffer that is free and fits."""
        size = prod(shape) * np.dtype(dtype).itemsize
        fitting = [b for b in self.free if b.nbytes >= size]
        if fitting:
            buffer = min(fitting, key=lambda b: b.nbytes)
            self.free = [b for b in self.free if b is not buffer]
        else:
            self.free.clear()  # too small, all of them
            buffer = np.empty(size, np.uint8)
        self.taken[id(buffer)] = buffer
        array = buffer[:size].view(dtype)
        if len(shape) < 3:
            return array.reshape(shape)
        return rows_first(array.reshape(shape[0], *shape[2:], shape[1]))

    def give(self, array: Array, *still: Array) -> None:
        """The array is done with, unless one of `still` is a view of it."""
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        if id(owner) in self.taken and not any(np.may_share_memory(owner, s) for s in still):
            self.free.append(self.taken.pop(id(owner)))


class Run:
    """One pass: whom to tell, and the memory."""

    def __init__(self, values: Values, tell: Tell | None, threads: int | None) -> None:
        self.values, self.tell, self.threads = values, tell, threads

    def said(self, names: list[str], y: Array) -> Array:
        """y, told of."""
        if self.tell is not None:
            self.tell(names, y)
        return y


# -- steps ---------------------------------------------------------------------------


class Convolve:
    """A convolution, and what was folded into it."""

    def __init__(self, names: list[str], settled: Settled) -> None:
        self.names, self.settled = names, settled

    def __call__(self, run: Run, x: Array) -> Array:
        y = run.values.take(self.settled.plan.shape, x.dtype)
        return run.said(self.names, self.settled(x, y))


class Product:
    """A linear layer on the last axis, and a ReLU; its outputs shared out among threads."""

    def __init__(self, names: list[str], weight: Array, bias: Array | None, relu: bool):
        self.names, self.weight, self.bias, self.relu = names, weight, bias, relu

    def __call__(self, run: Run, x: Array) -> Array:
        rows = x.reshape(-1, x.shape[-1])
        y = np.empty((*x.shape[:-1], len(self.weight)), x.dtype)
        into = y.reshape(len(rows), -1)

        def job(some: slice) -> Callable[[Workspace], None]:
            return lambda work: self.part(rows, into[:, some], some)

        macs = rows.size * len(self.weight)
        count = sharing.counted(run.threads)
        parts = count if count and macs > SHARED_FROM else 1
        jobs = [job(some) for some in split(len(self.weight), parts)]
        sharing.run(jobs, spaces(), count, parts)
        return run.said(self.names, y)

    def part(self, rows: Array, into: Array, some: slice) -> None:
        """Some of the outputs."""
        np.matmul(rows, self.weight[some].T, out=into)
        if self.bias is not None:
            into += self.bias[some]
        if self.relu:
            np.maximum(into, 0, out=into)


class Leaf:
    """Any other layer, by its fast run or its plain definition."""

    def __init__(self, name: str, layer: Layer, held: Held) -> None:
        self.name, self.layer, self.held = name, layer, held

    def __call__(self, run: Run, *inputs: Array) -> Array:
        return run.said([self.name], step(self.layer, self.held, *inputs))


class Chain:
    """Steps one after the other; what only the next one reads is given back."""

    def __init__(self, steps: list[Any]) -> None:
        self.steps = steps

    def __call__(self, run: Run, *inputs: Array) -> Array:
        flow = inputs
        for one in self.steps:
            y = one(run, *flow)
            if flow is not inputs:
                run.values.give(flow[0], *inputs, *(y if isinstance(y, tuple) else (y,)))
            flow = (y,)
        return flow[0]


class Fork:
    """Branches on the same inputs, and the layer that merges them."""

    def __init__(self, names: list[str], branches: list[Any], merge: Any, relu: bool):
        self.names, self.branches, self.merge, self.relu = names, branches, merge, relu

    def __call__(self, run: Run, *inputs: Array) -> Array:
        ends = [branch(run, *inputs) for branch in self.branches]
        y = self.merged(run, ends)
        for end in ends:
            run.values.give(end, y, *inputs)
        return run.said(self.names, y)

    def merged(self, run: Run, ends: list[Array]) -> Array:
        """Their sum, or one behind the other along the channels; else the layer's own way."""
        shapes = {e.shape for e in ends}
        if isinstance(self.merge, combine.Add) and len(shapes) == 1:
            y = run.values.take(ends[0].shape, ends[0].dtype)
            np.add(ends[0], ends[1] if len(ends) > 1 else 0, out=y)
            for end in ends[2:]:
                np.add(y, end, out=y)
        elif isinstance(self.merge, combine.Concat) and self.merge.dim == 1:
            channels = sum(e.shape[1] for e in ends)
            shape = (len(ends[0]), channels, *ends[0].shape[2:])
            y = run.values.take(shape, ends[0].dtype)
            np.concatenate(ends, axis=1, out=y)
        else:
            held = Held({}, Seeded(0), fast=True)
            y = step(self.merge, held, *ends)
        if self.relu:
            np.maximum(y, 0, out=y)
        return y
