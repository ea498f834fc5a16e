"""Layers that are matrix products: linear, bilinear, embedding, and the bare product."""

from __future__ import annotations

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
    same,
    show_shape,
)


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
        if self.in_features is not None and not same(input[-1], self.in_features):
            hint = ""
            if len(input) > 2 and self.in_features in (count(input), count(input[1:])):
                hint = (
                    f"; flatten it first: {show_shape(input)} holds {self.in_features}"
                )
            raise BadInput(
                f"the input {show_shape(input)} has {input[-1]} features along its last axis, "
                f"the layer reads {self.in_features}{hint}"
            )
        return (*input[:-1], self.out_features)

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
        if a[:-1] != b[:-1]:
            raise BadInput(
                f"the inputs {show_shape(a)} and {show_shape(b)} differ before features"
            )
        for shape, want in ((a, self.in1_features), (b, self.in2_features)):
            if want is not None and not same(shape[-1], want):
                raise BadInput(
                    f"the input {show_shape(shape)} does not have {want} features"
                )
        positive("output features", self.out_features)
        return (*a[:-1], self.out_features)

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
        if self.padding_idx is not None and isinstance(self.num_embeddings, int):
            if not -self.num_embeddings <= self.padding_idx < self.num_embeddings:
                raise BadInput(
                    f"padding_idx {self.padding_idx} is no row of a table of "
                    f"{self.num_embeddings}: 0 to {self.num_embeddings - 1}"
                )
        return (*inputs[0], self.embedding_dim)

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
        inner, against = a[-1], b[-2] if len(b) > 1 else b[0]
        if not same(inner, against):
            raise BadInput(
                f"{show_shape(a)} times {show_shape(b)}: the inner sizes {inner} and "
                f"{against} must be equal"
            )
        lead = broadcast(a[:-2], b[:-2])
        return (
            *lead,
            *(a[-2:-1] if len(a) > 1 else ()),
            *(b[-1:] if len(b) > 1 else ()),
        )

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
    """The common shape under NumPy's rule: aligned at the end, 1 stretches."""
    found: list[Size] = []
    for i in range(max(map(len, shapes), default=0), 0, -1):
        size: Size = 1
        for shape in shapes:
            if len(shape) < i or shape[-i] == 1:
                continue
            if size == 1:
                size = shape[-i]
            elif not same(size, shape[-i]):
                listed = " and ".join(map(show_shape, shapes))
                raise BadInput(
                    f"{listed} cannot be added: sizes {size} and {shape[-i]} differ "
                    "and neither is 1"
                )
        found.append(size)
    return tuple(found)
