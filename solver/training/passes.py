"""A network on a batch: forward, the loss, back, and what of it is no number.

The only place that calls the numeric backend's passes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.networks.combine import join
from solver.networks.layers import Layer, Row
from solver.networks.norm import BatchNorm
from solver.numeric.backward import BACKS, Back, pulled
from solver.numeric.fast.losses import cross_entropy, mse
from solver.numeric.forward import forward
from solver.numeric.leaves import Seen
from solver.numeric.outputs import finite, kind_of
from solver.numeric.plain import Array
from solver.numeric.plain_layers import running
from solver.registry import unknown

Weights = dict[str, Array]
Loss = Callable[[Array, Array], tuple[Any, Array]]


def trainable(rows: list[Row]) -> None:
    """Refuse a network with a layer through which no gradient goes."""
    for row in rows:
        if type(row.layer) not in BACKS:
            kind = type(row.layer).__name__
            raise BadInput(f"there is no backward pass of {kind}").at(row.name)


def ahead(layer: Layer, x: Array, weights: Weights) -> Array:
    """The output in inference: batch norm by the running averages, no dropout."""
    return forward(layer, x, weights=weights, fast=True)


def through(
    layer: Layer, x: Array, weights: Weights, seed: int, seen: Seen | None = None
) -> tuple[Array, Back]:
    """The output in training, and the way back."""
    return pulled(
        layer, x, weights=weights, training=True, seed=seed, fast=True, seen=seen
    )


def squared(y: Array, labels: Array) -> tuple[Any, Array]:
    """The mean squared error against a 1 at each sample's class, and ∂L/∂y."""
    return mse(y, np.eye(y.shape[1], dtype=y.dtype)[labels])


LOSSES: dict[str, Loss] = {"cross-entropy": cross_entropy, "mse": squared}


def lost(name: str, y: Array, labels: Array) -> tuple[float, Array]:
    """The mean loss of a batch and ∂L/∂y in y's type."""
    if name not in LOSSES:
        raise unknown("loss", name, list(LOSSES))
    found, slope = LOSSES[name](y, labels)
    return float(found), slope


class Watch:
    """What the layers of a training pass did: the first output that is no number, and
    what each batch norm saw, by which its running averages move on."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.normed: list[tuple[str, Array]] = []
        self.wrong = ""

    def __call__(
        self, layer: Layer, path: str, inputs: tuple[Array, ...], y: Any
    ) -> None:
        if isinstance(layer, BatchNorm) and layer.track:
            self.normed.append((path, inputs[0]))
        if not self.wrong and isinstance(y, np.ndarray) and not finite(y):
            said = f"{kind_of(y)} first appears in the output of {path}"
            self.wrong = said + blamed(path, self.weights)

    def averages(self) -> Weights:
        """The running means and variances after this batch (PyTorch's momentum of 0.1)."""
        found: Weights = {}
        for path, x in self.normed:
            names = join(path, "mean"), join(path, "variance")
            mean, variance = (found.get(n, self.weights[n]) for n in names)
            for name, new in zip(names, running(x, mean, variance)):
                found[name] = new.astype(self.weights[name].dtype, copy=False)
        return found


# -- what is no number ---------------------------------------------------------------


def blamed(path: str, weights: Weights) -> str:
    """Which tensor of this layer is no number itself; "" where none is."""
    for name, w in weights.items():
        owner, _, own = name.rpartition(".")
        if owner == path and not finite(w):
            return f", whose {own} holds {kind_of(w)}"
    return ""


def first_wrong(arrays: Mapping[str, Array], what: str) -> str:
    """That one of these is no number, the first in their order; "" where none is.

    Gradients come as the network hands them back, the last layer's first.
    """
    for name, x in arrays.items():
        if not finite(x):
            return f"{kind_of(x)} first appears in the {what} {name}"
    return ""


def refused(said: str, epoch: int, step: int) -> BadInput:
    """The error that names what, where and when."""
    return BadInput(
        f"{said}, in epoch {epoch}, step {step}: try a smaller learning rate (--alpha), "
        "clip the gradient (--clip 1), or scale the data"
    )
