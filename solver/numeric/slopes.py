"""Gradients of Σ g⊙y: by the layers' backward pass, and by central differences.

Nested lists in and out, for what knows no arrays. Ints and Fractions stay exact where
the layer is made of sums, products and maxima: then so are the differences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from solver.networks.layers import Layer
from solver.numeric import plain_layers
from solver.numeric.backward import backward
from solver.numeric.backward_norms import of_affine, of_standard
from solver.numeric.forward import forward

STEP = 1e-5
Run = Callable[..., Any]


def slopes(
    run: Run, tensors: Mapping[str, Any], gradient: Any, exact: bool = True, step: Any = None
) -> dict[str, Any]:
    """∂(Σ g⊙y)/∂t for each tensor t, y = run(**tensors), as nested lists.

    `exact` keeps Fractions; `step` is the distance of the two points, on either side.
    """
    kind: Any = object if exact else float
    step = step or (Fraction(1, 1000) if exact else STEP)
    arrays = {name: np.array(values, dtype=kind) for name, values in tensors.items()}
    g = np.array(gradient, dtype=kind)
    found = {}
    for name, array in arrays.items():
        slope = np.empty(array.shape, dtype=kind)
        for i in np.ndindex(array.shape):
            here, reached = array[i], []
            for side in (step, -step):
                array[i] = here + side
                reached.append((run(**arrays) * g).sum())
            array[i] = here
            slope[i] = (reached[0] - reached[1]) / (2 * step)
        found[name] = slope.tolist()
    return found


def layer(one: Layer) -> Run:
    """The layer's forward pass as a function of its input x and its weights by name."""

    def run(x: Any, **weights: Any) -> Any:
        return forward(one, x, weights=weights)

    return run


def backs(
    one: Layer, tensors: Mapping[str, Any], gradient: Any, training: bool = False,
    exact: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """∂(Σ g⊙y)/∂t for the input x and the weights by name, by the layer's backward pass."""
    kind: Any = object if exact else float
    arrays = {name: np.array(values, dtype=kind) for name, values in tensors.items()}
    x, g = arrays.pop("x"), np.array(gradient, dtype=kind)
    (of_x,), of_weights = backward(one, x, weights=arrays, gradient=g, training=training)
    found = {"x": of_x, **{n: v for n, v in of_weights.items() if n in arrays}}
    return {name: np.asarray(values).tolist() for name, values in found.items()}


def batch_norm(epsilon: float) -> Run:
    """Batch norm of a batch of one feature, N×1, with the batch's own statistics."""

    def run(x: Any, gamma: Any, beta: Any) -> Any:
        return plain_layers.batch_norm(x, gamma, beta, eps=epsilon)

    return run


def batch_norm_of(tensors: Mapping[str, Any], epsilon: float) -> Any:
    """The output itself, as nested lists."""
    arrays = {name: np.array(values, dtype=float) for name, values in tensors.items()}
    return batch_norm(epsilon)(**arrays).tolist()


def batch_norm_backs(
    tensors: Mapping[str, Any], gradient: Any, epsilon: float
) -> dict[str, Any]:
    """The same for batch norm of a batch of one feature, by the formula of its three paths."""
    x, g = (np.array(values, dtype=float) for values in (tensors["x"], gradient))
    gamma = np.array(tensors["gamma"], dtype=float)
    hats = plain_layers.batch_norm(x, eps=epsilon)
    of_x = of_standard(g * gamma, x, (0,), epsilon)
    found = {"x": of_x, **of_affine(g, hats)}
    return {name: values.tolist() for name, values in found.items()}
