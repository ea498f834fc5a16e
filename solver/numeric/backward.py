"""Backpropagation through any layer: `backward(layer, *inputs, weights, gradient)`.

The forward pass runs once; each layer then leaves behind a function that takes ∂L/∂y to
∂L/∂x and ∂L/∂w, with its inputs in it. A network calls them in the opposite order. The
chain rule of each layer is in `backward_leaves`, `_windows`, `_norms` and `_sequences`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.networks import combine
from solver.networks.combine import join
from solver.networks.layers import Layer, show_shape
from solver.numeric import (  # noqa: F401 (they register)
    backward_norms,
    backward_sequences,
    backward_windows,
)
from solver.numeric.backward_leaves import BACKS, Gradients
from solver.numeric.forward import step, tensors
from solver.numeric.leaves import Held, Seen, Tensors
from solver.numeric.plain import Array

Back = Callable[[Any], Gradients]  # from ∂L/∂y, to ∂L/∂x by input and ∂L/∂w by name
Pull = Callable[..., tuple[Any, Back]]

PULLS: dict[type[Layer], Pull] = {}


def backward(
    layer: Layer,
    *inputs: Array,
    weights: Tensors,
    gradient: Any,
    training: bool = False,
    seed: int = 0,
) -> Gradients:
    """From ∂L/∂y, the gradients by each input, in order, and by each weight, by its name.

    `gradient` has the output's shape. Running means and variances are not learned and
    have no gradient, nor have the weights of a side path (its own loss would give it).
    An input of indices has the gradient None. Dropout drops as `forward` by that seed.
    """
    _, back = pulled(layer, *inputs, weights=weights, training=training, seed=seed)
    return back(gradient)


def pulled(
    layer: Layer,
    *inputs: Array,
    weights: Tensors,
    training: bool = False,
    seed: int = 0,
    seen: Seen | None = None,
) -> tuple[Any, Back]:
    """The output, and the function that takes ∂L/∂y to the gradients: see `backward`.

    `seen` is told each leaf as it has run: (layer, path, inputs, output).
    """
    stated = tensors(layer, *(x.shape for x in inputs))
    extra = [name for name in weights if name not in stated]
    if extra:
        known = ", ".join(stated) or "none"
        raise BadInput(f"the layer has no tensor {', '.join(extra)}; it has {known}")
    held = Held(weights, np.random.default_rng(seed), training, seen=seen)
    y, back = pull(layer, held, *inputs)

    def checked(gradient: Any) -> Gradients:
        if shapes(gradient) != shapes(y):
            raise BadInput(
                f"the gradient must be {show_shape(shapes(y))}, as the output, not "
                f"{show_shape(shapes(gradient))}"
            )
        return back(gradient)

    return y, checked


def shapes(y: Any) -> tuple[Any, ...]:
    """The output's shape; nested where it has several."""
    return tuple(map(shapes, y)) if isinstance(y, tuple) else np.shape(y)


def pull(layer: Layer, held: Held, *inputs: Array) -> tuple[Any, Back]:
    """One layer's output, and its way back. Refuses a layer that has none, by name."""
    kind = type(layer)
    if kind in PULLS:
        return PULLS[kind](layer, held, *inputs)
    if kind not in BACKS:
        raise BadInput(f"there is no backward pass of {kind.__name__}")
    before = replace(held, random=deepcopy(held.random))  # dropout draws the same again
    y = step(layer, held, *inputs)
    if held.seen is not None:
        held.seen(layer, held.path, inputs, y)

    def back(gradient: Any) -> Gradients:
        again = replace(before, random=deepcopy(before.random))
        of_inputs, of_weights = BACKS[kind](layer, again, gradient, *inputs)
        learned = layer.weights(*(x.shape for x in inputs))
        return of_inputs, {join(held.path, name): of_weights[name] for name in learned}

    return y, back


def pulls(kind: type[Layer]) -> Callable[[Pull], Pull]:
    """Registers how a network of layers runs and goes back."""

    def register(pull: Pull) -> Pull:
        PULLS[kind] = pull
        return pull

    return register


def total(parts: Iterable[dict[str, Array]]) -> dict[str, Array]:
    """Gradients by name; of a weight that is used several times, their sum."""
    found: dict[str, Array] = {}
    for part in parts:
        for name, gradient in part.items():
            found[name] = found[name] + gradient if name in found else gradient
    return found


# -- composites ----------------------------------------------------------------------


@pulls(combine.Sequential)
def sequential(one: combine.Sequential, held: Held, *inputs: Array) -> tuple[Any, Back]:
    """The chain rule: the last layer first, each handing its ∂L/∂x to the one before."""
    flow, ways = inputs, []
    for name, layer in one.layers:
        y, way = pull(layer, held.inside(name), *flow)
        flow = (y,)
        ways.append(way)

    def back(gradient: Any) -> Gradients:
        ahead: tuple[Any, ...] = (gradient,)
        found = []
        for way in reversed(ways):
            if ahead[0] is None:
                raise BadInput("there is no gradient by indices: put embeddings first")
            ahead, of_weights = way(ahead[0])
            found.append(of_weights)
        return ahead, total(found)

    return flow[0], back


@pulls(combine.Branches)
def branches(one: combine.Branches, held: Held, *inputs: Array) -> tuple[Any, Back]:
    """Every branch read the inputs: the sum of what the branches hand back."""
    ends, ways = zip(
        *(pull(layer, held.inside(name), *inputs) for name, layer in one.branches)
    )
    y, merged = pull(one.merge, held, *ends)

    def back(gradient: Any) -> Gradients:
        of_ends, of_merge = merged(gradient)
        found = [way(g) for way, g in zip(ways, of_ends)]
        of_inputs = [
            None if parts[0] is None else sum(parts)
            for parts in zip(*(of_x for of_x, _ in found))
        ]
        return tuple(of_inputs), total([of_merge, *(w for _, w in found)])

    return y, back


@pulls(combine.Aside)
def aside(one: combine.Aside, held: Held, *inputs: Array) -> tuple[Any, Back]:
    """The input passes; the head has a loss of its own, which is not this one."""
    if held.training:
        step(one.head, held, *inputs)
    return inputs[0], lambda gradient: ((gradient,), {})
