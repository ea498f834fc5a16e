"""Layers that are matrix products: linear, bilinear, embedding, and the bare product."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from solver.core import BadInput
from solver.expressions.formula import settle
from solver.expressions.nodes import Expr, Size, times
from solver.networks.layers import (
    Layer,
    Shape,
    count,
    factors,
    layer,
    lead,
    positive,
    show_shape,
)
from solver.networks.needs import Need, aligned


@layer("linear")
@dataclass(frozen=True, eq=False, repr=False)
class Linear(Layer):
    """Fully connected layer: every output reads every input feature."""

    out_features: Size
    in_features: Size | None = None
    bias: bool = True

    KIND = "product"
    LETTERS = {"out_features": "n_out", "in_features": "n_in"}

    def out(self, *inputs: Shape) -> Shape:
        (input,) = inputs
        if not input:
            raise BadInput("a linear layer takes …×features, not a single number")
        positive("output features", self.out_features, least=0)
        positive("every size of the input", *input, least=0)
        self.admit(input)
        return (*input[:-1], self.out_features)

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        (input,) = inputs
        if self.in_features is None:
            return
        words = "the input {} has {left} features along its last axis, the layer reads {right}"
        if len(input) > 2 and self.in_features in (count(input), count(input[1:])):
            words += "; flatten it first: {} holds {right}"
        yield Need(input[-1], "=", self.in_features, words, input, input)

    def recount(self, *inputs: Shape) -> Shape:
        rows, columns = self.weights(*inputs)["weight"]
        if self.out(*inputs)[:-1] != inputs[0][:-1] or columns != inputs[0][-1]:
            return ()
        return (*inputs[0][:-1], rows)

    def how(self) -> str:
        return "one output a row of the weight matrix"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        w = {"weight": (self.out_features, inputs[0][-1])}
        return w | ({"bias": (self.out_features,)} if self.bias else {})

    def fan_in(self, *inputs: Shape) -> Size:
        return inputs[0][-1]

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        (input,) = inputs
        return factors(*lead(input[:-1]), input[-1], self.out_features)

    def window(self, *inputs: Shape) -> None:
        return None


DIFFER = "the inputs {} and {} differ before features"


@layer("bilinear")
@dataclass(frozen=True, eq=False, repr=False)
class Bilinear(Layer):
    """y_k = x₁ᵀ A_k x₂ + b_k: every output reads every pair of features."""

    out_features: Size
    in1_features: Size | None = None
    in2_features: Size | None = None
    bias: bool = True

    KIND = "product"
    INPUTS = 2
    LETTERS = {"out_features": "n_out"}

    def out(self, *inputs: Shape) -> Shape:
        a, b = inputs
        if not a or not b:
            raise BadInput("a bilinear layer takes …×features, not single numbers")
        if len(a) != len(b):
            raise BadInput(DIFFER.format(show_shape(a), show_shape(b)))
        self.admit(a, b)
        positive("output features", self.out_features)
        return (*a[:-1], self.out_features)

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        for m, n in zip(*(shape[:-1] for shape in inputs)):
            yield Need(m, "=", n, DIFFER, *inputs)
        for shape, want in zip(inputs, (self.in1_features, self.in2_features)):
            if want is not None:
                words = "the input {} does not have {right} features"
                yield Need(shape[-1], "=", want, words, shape)

    def recount(self, *inputs: Shape) -> Shape:
        return (*inputs[1][:-1], self.weights(*inputs)["weight"][0])

    def how(self) -> str:
        return "one output a slice of the weight"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        a, b = inputs
        w = {"weight": (self.out_features, a[-1], b[-1])}
        return w | ({"bias": (self.out_features,)} if self.bias else {})

    def fan_in(self, *inputs: Shape) -> Size:
        return settle(times(inputs[0][-1], inputs[1][-1]))

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        return factors(*lead(out[:-1]), self.out_features, inputs[0][-1], inputs[1][-1])

    def window(self, *inputs: Shape) -> None:
        return None


@layer("embedding")
@dataclass(frozen=True, eq=False, repr=False)
class Embedding(Layer):
    """A table of vectors: each index is replaced by its row; nothing is multiplied."""

    num_embeddings: Size
    embedding_dim: Size
    padding_idx: int | None = None

    LETTERS = {"num_embeddings": "V", "embedding_dim": "E"}

    def out(self, *inputs: Shape) -> Shape:
        positive("the table's sizes", self.num_embeddings, self.embedding_dim)
        self.admit(*inputs)
        return (*inputs[0], self.embedding_dim)

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        rows, i = self.num_embeddings, self.padding_idx
        if i is not None:
            words = "padding_idx {} is no row of a table of {left}: 0 to {}"
            yield Need(rows, ">", max(i, -i - 1), words, i, rows - 1)

    def recount(self, *inputs: Shape) -> Shape:
        self.out(*inputs)
        return (*inputs[0], self.weights(*inputs)["weight"][-1])

    def how(self) -> str:
        return "one row of the table an index"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"weight": (self.num_embeddings, self.embedding_dim)}


@layer("matmul")
@dataclass(frozen=True, eq=False, repr=False)
class Matmul(Layer):
    """The matrix product of two inputs, leading axes broadcast as in PyTorch."""

    KIND = "product"
    INPUTS = 2

    def out(self, *inputs: Shape) -> Shape:
        a, b = inputs
        if not a or not b:
            raise BadInput(
                "a matrix product takes vectors or matrices, not single numbers"
            )
        self.admit(a, b)
        lead = broadcast(a[:-2], b[:-2])
        return (
            *lead,
            *(a[-2:-1] if len(a) > 1 else ()),
            *(b[-1:] if len(b) > 1 else ()),
        )

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        a, b = inputs
        words = "{} times {}: the inner sizes {left} and {right} must be equal"
        yield Need(a[-1], "=", b[-2] if len(b) > 1 else b[0], words, a, b)
        yield from aligned(a[:-2], b[:-2])

    def recount(self, *inputs: Shape) -> Shape:
        a, b = inputs
        kept = [*a[-2:-1]] if len(a) > 1 else []
        kept += [b[-1]] if len(b) > 1 else []
        lead: list[Size] = []
        for i in range(max(len(a[:-2]), len(b[:-2])), 0, -1):
            sizes = [s[-i] for s in (a[:-2], b[:-2]) if len(s) >= i]
            lead.append(0 if 0 in sizes else max(sizes))
        return (*lead, *kept)

    def how(self) -> str:
        return "rows of the first, columns of the second"

    def fan_in(self, *inputs: Shape) -> Size:
        return inputs[0][-1]

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        return factors(*out, inputs[0][-1])

    def window(self, *inputs: Shape) -> None:
        return None


def broadcast(*shapes: Shape) -> Shape:
    """The common shape of shapes that are `aligned`: 1 stretches."""
    found: list[Size] = []
    for i in range(max(map(len, shapes), default=0), 0, -1):
        sizes = [s[-i] for s in shapes if len(s) >= i and s[-i] != 1]
        found.append((*sizes, 1)[0])
    return tuple(found)
