"""Layers that work on each value by itself: activations, dropout, the identity."""

from __future__ import annotations

from dataclasses import dataclass

from solver.core import BadInput
from solver.expressions.nodes import Expr, times
from solver.networks.layers import Layer, Shape, layer

ACTIVATIONS = [
    "relu",
    "relu6",
    "leaky-relu",
    "prelu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "silu",
    "mish",
    "sigmoid",
    "hardsigmoid",
    "hardswish",
    "tanh",
    "hardtanh",
    "softplus",
    "softsign",
    "softmax",
    "log-softmax",
    "softmin",
    "logsigmoid",
    "threshold",
    "tanhshrink",
    "softshrink",
    "hardshrink",
]


@layer("activation")
@dataclass(frozen=True, eq=False, repr=False)
class Activation(Layer):
    """An activation function: relu, sigmoid, tanh, softmax, gelu, …; the shape stays."""

    function: str = "relu"

    KIND = "activation"

    def out(self, *inputs: Shape) -> Shape:
        if self.function not in ACTIVATIONS:
            from solver.registry import unknown

            raise unknown("activation", self.function, ACTIVATIONS)
        return inputs[0]

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"slope": (1,)} if self.function == "prelu" else {}

    def extra(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        return times(*out)


@layer("dropout")
@dataclass(frozen=True, eq=False, repr=False)
class Dropout(Layer):
    """Dropout: each value is zeroed with probability p while training."""

    p: float = 0.5
    channels: bool = False

    def out(self, *inputs: Shape) -> Shape:
        if not 0 <= self.p <= 1:
            raise BadInput(f"a dropout probability is between 0 and 1, not {self.p}")
        return inputs[0]


@layer("identity")
@dataclass(frozen=True, eq=False, repr=False)
class Identity(Layer):
    """Nothing: its output is its input."""
