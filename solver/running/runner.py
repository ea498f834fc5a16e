"""Networks that run: inference on float32 or float64, prepared once for an input's shape.

A `Runner` takes each tensor once, in the form in which it will be used: batch norm folded
into the convolution before it, ReLU done while the block is in cache, transforms made.
It keeps nothing else, so that a network takes little more memory than its weights. Inside
images have their channels last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from math import inf, prod
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.networks import combine, conv, dense, norm, pointwise
from solver.networks.combine import join
from solver.networks.layers import Layer, Row, show_shape
from solver.numeric.convolution import threads as sharing
from solver.numeric.convolution.operator import Settled, shares
from solver.numeric.convolution.rules import ruled
from solver.numeric.convolution.task import Task
from solver.numeric.fast.convolutions import of_layer
from solver.numeric.fast.norms import folded
from solver.numeric.forward import as_printed, listed, rows_of
from solver.numeric.leaves import Held, Seeded
from solver.numeric.workspace import Array
from solver.running.steps import (
    Chain,
    Convolve,
    Fork,
    Leaf,
    Product,
    Run,
    Tell,
    Values,
)
from solver.running.supply import Drawn, Given, Supply

SPARE = 0.35  # of the weights' size: what their prepared forms may take beyond it


class Runner:
    """A network ready to run on inputs of one shape, the batch first.

    Without weights they are drawn by the seed, as `random_weights` draws them.
    """

    def __init__(
        self,
        layer: Layer,
        shape: tuple[int, ...],
        weights: Mapping[str, Array] | None = None,
        *,
        seed: int = 0,
        dtype: Any = np.float32,
        exact: bool = False,
        threads: int | None = None,
    ) -> None:
        self.shape, self.dtype, self.threads = tuple(shape), np.dtype(dtype), threads
        self.rows = rows_of(layer, self.shape)
        times = Counter(t.name for t in listed(self.rows))
        shared = {name for name, n in times.items() if n > 1}
        stated = {t.name: t.shape for t in listed(self.rows)}
        self.exact = exact
        self.growth = self.allowed()
        self.supply: Supply = (
            Drawn(stated, shared, seed, self.dtype)
            if weights is None
            else Given(weights, stated, self.dtype)
        )
        self.at = iter(self.rows)
        self.values = Values()
        sharing.blas()  # looked for here, not in the first run
        self.tasks: list[Task] = []  # of the convolutions
        self.first = True  # nothing has been built yet: the input's channels come first
        self.whole = Chain(self.chain([("", layer)], ""))
        del self.supply, self.at

    def __call__(self, x: Array, tell: Tell | None = None) -> Any:
        """The output; `tell` is told the names of leaves that have run, and their output."""
        if x.shape != self.shape:
            raise BadInput(
                f"the network was prepared for {show_shape(self.shape)}, not "
                f"{show_shape(x.shape)}"
            )
        if self.reads_numbers(x):
            x = x.astype(self.dtype, copy=False)
        run = Run(self.values, tell, self.threads)
        with sharing.BlasThreads(1) if self.shared_out() else nullcontext():
            y = self.whole(run, x)
        if isinstance(y, np.ndarray):
            kept = y.copy()  # the next run writes over it
            self.values.give(y)
            return kept
        return y

    def shared_out(self) -> bool:
        """Whether our threads do most of the work: then BLAS keeps to one throughout.

        Its threads wait for more by spinning for some 25 ms, and would take the
        processors from ours (VGG-16 at batch 1 on two: 178 ms with them, 130 without).
        """
        ours = (t.macs for t in self.tasks if shares(t, self.threads)[1] > 1)
        return 2 * sum(ours) > sum(t.macs for t in self.tasks)

    def reads_numbers(self, x: Array) -> bool:
        """Whether the input is numbers, not indices of an embedding."""
        return x.dtype.kind == "f" or not isinstance(self.rows[0].layer, dense.Embedding)

    # -- how much larger the prepared weights may be

    def allowed(self) -> dict[str, float]:
        """By convolution, the growth of its weight that the memory allows.

        Where a weight is used at more positions more is saved: those come first.
        """
        spare = SPARE * sum(prod(map(int, t.shape)) for t in listed(self.rows))
        found: dict[str, float] = {}
        convs = [r for r in self.rows if isinstance(r.layer, conv.Conv)]
        for row in sorted(convs, key=lambda r: -prod(map(int, r.out[2:]))):
            assert isinstance(row.layer, conv.Conv)
            weight: Any = row.layer.weights(*row.inputs)["weight"]
            size = prod(weight)
            for limit in (inf, 2.0, 1.0):
                empty = np.broadcast_to(self.dtype.type(0), weight)
                one = of_layer(row.layer, empty, None)
                like: Any = np.broadcast_to(self.dtype.type(0), row.inputs[0])
                task = one.geometry.task(like, weight[0], last=True)
                growth = ruled(task, self.exact, limit).growth(task)
                if (growth - 1) * size <= spare:
                    break
            found[row.name] = limit
            spare -= (growth - 1) * size
        return found

    # -- steps

    def chain(self, layers: list[tuple[str, Layer]], path: str) -> list[Any]:
        """The steps of layers that follow one another."""
        flat = list(flattened(layers, path))
        steps: list[Any] = []
        while flat:
            name, one = flat.pop(0)
            if isinstance(one, combine.Branches):
                steps.append(self.fork(name, one, flat))
            elif isinstance(one, combine.Aside):
                self.skipped(one)
            elif isinstance(one, conv.Conv):
                steps.append(self.convolution(name, one, flat))
            elif type(one) is dense.Linear:
                steps.append(self.product(name, one, flat))
            else:
                steps.append(self.leaf(name, one))
            self.first = False
        return steps

    def fork(self, path: str, one: combine.Branches, flat: list[Any]) -> Fork:
        """Every branch, then the merging layer."""
        first = self.first
        branches = []
        for name, branch in one.branches:
            self.first = first
            branches.append(Chain(self.chain([(name, branch)], path)))
        row = next(self.at)
        names = [row.name]
        relu = is_relu(flat)
        if relu:
            names.append(self.follows(flat))
        return Fork(names, branches, one.merge, relu)

    def skipped(self, one: combine.Aside) -> None:
        """A side path is for training: its tensors are passed over."""
        for _ in range(leaves(one)):
            self.tensors(next(self.at))

    def convolution(self, name: str, one: conv.Conv, flat: list[Any]) -> Convolve:
        """With the batch norm and the ReLU behind it."""
        row = next(self.at)
        names, held = [name], self.tensors(row)
        weight, bias = held.pop("weight"), held.get("bias")  # held once, not twice
        if flat and foldable(flat[0][1]):
            names.append(flat.pop(0)[0])
            stored = self.tensors(next(self.at))
            weight, bias = folded(
                weight,
                bias,
                stored.get("gamma"),
                stored.get("beta"),
                stored["mean"],
                stored["variance"],
            )
        relu = is_relu(flat)
        if relu:
            names.append(self.follows(flat))
        core = of_layer(one, weight, bias, exact=self.exact, relu=relu, threads=self.threads)
        like = np.broadcast_to(self.dtype.type(0), row.inputs[0])
        settled = Settled(core, like, not self.first, self.growth[row.name])
        self.tasks.append(settled.plan.task)
        return Convolve(names, settled)

    def product(self, name: str, one: dense.Linear, flat: list[Any]) -> Product:
        """With the ReLU behind it."""
        names, held = [name], self.tensors(next(self.at))
        relu = is_relu(flat)
        if relu:
            names.append(self.follows(flat))
        return Product(names, held["weight"], held.get("bias"), relu)

    def leaf(self, name: str, one: Layer) -> Leaf:
        """Any other layer, with its tensors."""
        row = next(self.at)
        held = {join(name, own): t for own, t in self.tensors(row).items()}
        return Leaf(name, one, Held(held, Seeded(0), path=name, fast=True))

    def tensors(self, row: Row) -> dict[str, Array]:
        """A leaf's tensors, by its own names."""
        try:
            as_printed(row.layer, False, *row.inputs)
        except BadInput as e:
            raise e.at(row.name) from None
        return {t.own: self.supply.take(t.name) for t in listed([row])}

    def follows(self, flat: list[Any]) -> str:
        """The name of the layer that comes next, which is done with the one before."""
        next(self.at)
        name: str = flat.pop(0)[0]
        return name


def flattened(layers: Any, path: str) -> Iterator[tuple[str, Layer]]:
    """Layers with their paths, sequences inside sequences laid out."""
    for name, one in layers:
        if isinstance(one, combine.Sequential):
            yield from flattened(one.layers, join(path, name))
        else:
            yield join(path, name), one


def leaves(one: Layer) -> int:
    """How many leaves run in a layer."""
    if isinstance(one, combine.Sequential):
        return sum(leaves(inner) for _, inner in one.layers)
    if isinstance(one, combine.Branches):
        return sum(leaves(inner) for _, inner in one.branches) + 1
    return leaves(one.head) if isinstance(one, combine.Aside) else 1


def is_relu(flat: list[tuple[str, Layer]]) -> bool:
    """Whether a ReLU comes next."""
    if not flat:
        return False
    one = flat[0][1]
    return isinstance(one, pointwise.Activation) and one.function == "relu"


def foldable(one: Layer) -> bool:
    """Whether a layer is a batch norm by stored averages."""
    return isinstance(one, norm.BatchNorm) and one.track
