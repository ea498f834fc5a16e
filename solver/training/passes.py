"""A network on a batch: forward, the loss, back, and what of it is no number.

The only place that calls the numeric backend's passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.networks.combine import join
from solver.networks.layers import Layer
from solver.networks.norm import BatchNorm
from solver.numeric.backward import Back, pulled
from solver.numeric.forward import forward
from solver.numeric.leaves import Seen
from solver.numeric.losses import loss
from solver.numeric.plain import Array
from solver.numeric.plain_layers import running
from solver.registry import unknown

Weights = dict[str, Array]
LOSSES = ("cross-entropy", "mse")


def ahead(layer: Layer, x: Array, weights: Weights) -> Array:
    """The output in inference: batch norm by the running averages, no dropout."""
    return forward(layer, x, weights=weights)


def through(
    layer: Layer, x: Array, weights: Weights, seed: int, seen: Seen | None = None
) -> tuple[Array, Back]:
    """The output in training, and the way back."""
    return pulled(layer, x, weights=weights, training=True, seed=seed, seen=seen)


def lost(name: str, y: Array, labels: Array) -> tuple[float, Array]:
    """The mean loss of a batch and ∂L/∂y in y's type.

    Cross-entropy of the softmax of y, or the squared error against a 1 at the class.
    """
    if name not in LOSSES:
        raise unknown("loss", name, list(LOSSES))
    target = np.eye(y.shape[1], dtype=y.dtype)[labels]
    found, slope = loss(name, y, target)
    return float(found), slope.astype(y.dtype, copy=False)


class Averages:
    """What each batch norm saw, kept until its running averages are moved on."""

    def __init__(self) -> None:
        self.inputs: list[tuple[str, Array]] = []

    def __call__(
        self, layer: Layer, path: str, inputs: tuple[Array, ...], y: Any
    ) -> None:
        if isinstance(layer, BatchNorm) and layer.track:
            self.inputs.append((path, inputs[0]))

    def moved(self, weights: Mapping[str, Array]) -> Weights:
        """The running means and variances after this batch (PyTorch's momentum of 0.1)."""
        found: Weights = {}
        for path, x in self.inputs:
            names = join(path, "mean"), join(path, "variance")
            mean, variance = (found.get(n, weights[n]) for n in names)
            for name, new in zip(names, running(x, mean, variance)):
                found[name] = new.astype(weights[name].dtype, copy=False)
        return found


# -- what is no number ---------------------------------------------------------------


def finite(x: Array) -> bool:
    """Whether every value is a number: neither NaN nor infinite."""
    return bool(np.isfinite(x).all())


def kind_of(x: Array) -> str:
    """NaN, or infinity where there is no NaN."""
    return "NaN" if np.isnan(x).any() else "infinity"


def wrong_forward(layer: Layer, x: Array, weights: Weights, seed: int) -> str:
    """The first layer, or its weight, that is no number on the way forward; or ""."""
    found: list[str] = []

    def seen(one: Layer, path: str, inputs: tuple[Array, ...], y: Any) -> None:
        if found or not isinstance(y, np.ndarray) or finite(y):
            return
        said = f"{kind_of(y)} first appears in the output of {path}"
        found.append(said + "".join(bad_weights(path, weights)))

    through(layer, x, weights, seed, seen)
    return found[0] if found else ""


def bad_weights(path: str, weights: Weights) -> Iterator[str]:
    """That a tensor of this layer is to blame."""
    for name, w in weights.items():
        if name.rpartition(".")[0] == path and not finite(w):
            yield f", whose {name.rpartition('.')[2]} holds {kind_of(w)}"
            return


def wrong_backward(gradients: Mapping[str, Array]) -> str:
    """The gradient that is no number, the last layer's first; or ""."""
    for name, g in gradients.items():  # as the network hands them back: from its end
        if not finite(g):
            return f"{kind_of(g)} first appears in the gradient of {name}"
    return ""


def refused(said: str, epoch: int, step: int) -> BadInput:
    """The error that names what, where and when."""
    return BadInput(
        f"{said}, in epoch {epoch}, step {step}: try a smaller learning rate (--alpha), "
        "clip the gradient (--clip 1), or scale the data"
    )
