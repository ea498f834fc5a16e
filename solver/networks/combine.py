"""Composition: a network is a layer. Sequential, Concat and Add (residual), and side paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from solver.core import BadInput
from solver.expressions.formula import settle
from solver.expressions.nodes import Expr, Num, Size, times, tree
from solver.networks.dense import broadcast
from solver.networks.layers import (
    Field,
    Layer,
    Row,
    Shape,
    Signal,
    layer,
    show_shape,
)
from solver.networks.needs import Need, aligned

Named = tuple[str, Layer]


class Network(Layer):
    """What composites share: a layer's answers, taken from running the leaves."""

    def run(self, signals: Sequence[Signal], path: str, rows: list[Row]) -> Signal:
        raise TypeError("a composite says how it runs")

    def leaves(self, *inputs: Shape) -> list[Row]:
        """Every leaf as it ran on these inputs."""
        rows: list[Row] = []
        self.run([Signal(s) for s in inputs], "", rows)
        return rows

    def out(self, *inputs: Shape) -> Shape:
        return self.run([Signal(s) for s in inputs], "", []).shape

    def recount(self, *inputs: Shape) -> Shape:
        rows: list[Row] = []
        end = self.run([Signal(s) for s in inputs], "", rows).shape
        for row in rows:
            if row.layer.recount(*row.inputs) != row.out:
                return ()
        return end

    def how(self) -> str:
        return "counting layer by layer"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        rows = self.leaves(*inputs)
        return {
            f"{row.name}.{name}": shape
            for row in rows
            for name, shape in row.layer.weights(*row.inputs).items()
        }

    def buffers(self, *inputs: Shape) -> dict[str, Shape]:
        return {
            f"{row.name}.{name}": shape
            for row in self.leaves(*inputs)
            for name, shape in row.layer.buffers(*row.inputs).items()
        }

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> Expr | None:
        found = [row.layer.macs(row.inputs, row.out) for row in self.leaves(*inputs)]
        known = [m for m in found if m is not None]
        return None if len(known) < len(found) else sum(known, Num(0))

    def tally(self, *inputs: Shape) -> int:
        return sum(row.layer.tally(*row.inputs) for row in self.leaves(*inputs))


def join(path: str, name: str) -> str:
    """conv1 inside block2 is block2.conv1."""
    return f"{path}.{name}" if path and name else path or name


@layer("sequential")
@dataclass(frozen=True, eq=False, repr=False)
class Sequential(Network):
    """Layers one after the other."""

    layers: tuple[Named, ...]

    def run(self, signals: Sequence[Signal], path: str, rows: list[Row]) -> Signal:
        flow = list(signals)
        for name, one in self.layers:
            flow = [one.run(flow, join(path, name), rows)]
        if len(flow) != 1:
            raise BadInput(f"an empty sequence passes one input on, not {len(flow)}")
        return flow[0]


@dataclass(frozen=True, eq=False, repr=False)
class Branches(Network):
    """Layers side by side on the same input, their outputs merged by a last layer."""

    branches: tuple[Named, ...]
    merge: Layer

    def run(self, signals: Sequence[Signal], path: str, rows: list[Row]) -> Signal:
        ends = [one.run(signals, join(path, name), rows) for name, one in self.branches]
        name = path or type(self.merge).__name__.lower()
        shape = self.merge.run(ends, name, rows).shape
        field = merged([e.field for e in ends])
        rows[-1] = Row(rows[-1].name, self.merge, rows[-1].inputs, shape, field)
        return Signal(shape, field)


def merged(fields: list[tuple[Field, ...] | None]) -> tuple[Field, ...] | None:
    """The field of a sum or concatenation: from the first input any path sees to the last.

    The paths must step alike; if they do not, the output has no single field (None).
    """
    known = [f for f in fields if f is not None]
    if len(known) < len(fields) or not known:
        return None
    axes = []
    for parts in zip(*known):
        jumps = {f.jump for f in parts}
        if len(jumps) != 1:
            return None
        starts, ends = [f.start for f in parts], [f.end for f in parts]
        if not all(isinstance(x, int) for x in starts + ends):
            from solver.expressions.nodes import Call

            low: Size = settle(Call("min", *map(tree, starts)))
            high: Size = settle(Call("max", *map(tree, ends)))
        else:
            low, high = min(starts), max(ends)
        axes.append(Field(low, high, parts[0].jump))
    return tuple(axes)


@layer("concat")
@dataclass(frozen=True, eq=False, repr=False)
class Concat(Layer):
    """Concatenation: sizes add up along one axis (channels, unless given)."""

    dim: int = 1

    INPUTS = -1

    def out(self, *inputs: Shape) -> Shape:
        first = inputs[0]
        if any(len(s) != len(first) for s in inputs):
            raise BadInput(
                "only shapes with the same number of axes can be concatenated, not "
                + " and ".join(map(show_shape, inputs))
            )
        if not -len(first) <= self.dim < len(first):
            raise BadInput(f"there is no axis {self.dim} in {show_shape(first)}")
        self.admit(*inputs)
        at = self.dim % len(first)
        joined = settle(sum((tree(s[at]) for s in inputs[1:]), tree(first[at])))
        return (*first[:at], joined, *first[at + 1 :])

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        first, *others = inputs
        at = self.dim % len(first)
        words = "{} and {} cannot be concatenated along axis {}: "
        words += "they differ along axis {}, {left} and {right}"
        for other in others:
            for i, (a, b) in enumerate(zip(first, other)):
                if i != at:
                    yield Need(a, "=", b, words, first, other, at, i)

    def recount(self, *inputs: Shape) -> Shape:
        at = self.dim % len(inputs[0])
        slices = [range(s[at]) for s in inputs]
        return (*inputs[0][:at], sum(map(len, slices)), *inputs[0][at + 1 :])

    def how(self) -> str:
        return "counting the slices of each input"


@layer("add")
@dataclass(frozen=True, eq=False, repr=False)
class Add(Layer):
    """Elementwise sum; sizes must agree, or be 1 (broadcasting)."""

    INPUTS = -1

    def out(self, *inputs: Shape) -> Shape:
        self.admit(*inputs)
        return broadcast(*inputs)

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        yield from aligned(*inputs)

    def recount(self, *inputs: Shape) -> Shape:
        rank = max(map(len, inputs))
        padded = [(1,) * (rank - len(s)) + s for s in inputs]
        return tuple(next((n for n in sizes if n != 1), 1) for sizes in zip(*padded))

    def how(self) -> str:
        return "every size from the input that has it"

    def extra(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        return times(len(inputs) - 1, *out)


@layer("aside")
@dataclass(frozen=True, eq=False, repr=False)
class Aside(Network):
    """A side path that is counted, whose output goes nowhere: an auxiliary classifier."""

    head: Layer

    def run(self, signals: Sequence[Signal], path: str, rows: list[Row]) -> Signal:
        own: list[Row] = []
        self.head.run(signals, path, own)
        rows += [replace(row, beside=True) for row in own]
        return signals[0]


def sequence(*layers: Layer | Named) -> Sequential:
    """Sequential of layers; those without a name are numbered from 0, as PyTorch does."""
    return Sequential(
        tuple(x if isinstance(x, tuple) else (str(i), x) for i, x in enumerate(layers))
    )


def branches(*paths: Layer | Named, merge: Layer | None = None) -> Branches:
    """Paths side by side, concatenated along the channels unless merged otherwise."""
    named = tuple(
        p if isinstance(p, tuple) else (f"branch{i + 1}", p)
        for i, p in enumerate(paths)
    )
    return Branches(named, merge or Concat())


def residual(*paths: Layer | Named) -> Branches:
    """x + f(x) + …: paths side by side, added up."""
    return branches(*paths, merge=Add())
