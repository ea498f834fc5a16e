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
from solver.networks import combine, pointwise
from solver.networks.combine import join
from solver.networks.layers import Layer, show_shape
from solver.numeric import (  # noqa: F401 (they register)
    backward_norms,
    backward_sequences,
    backward_windows,
)
from solver.numeric.backward_leaves import BACKS, Gradients
from solver.numeric.fast.arrays import floats
from solver.numeric.fast.registry import FAST_PULLS, as_type, same_floats
from solver.numeric.forward import check, held_for, step
from solver.numeric.leaves import Held, Seen, Tensors
from solver.numeric.outputs import shapes
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
    fast: bool = False,
) -> Gradients:
    """From ∂L/∂y, the gradients by each input, in order, and by each weight, by its name.

    `gradient` has the output's shape. Running means and variances are not learned and
    have no gradient, nor have the weights of a side path (its own loss would give it).
    An input of indices has the gradient None. Dropout drops as `forward` by that seed.
    `fast` as in `forward`; gradients then have the inputs' type.
    """
    how: Any = {"weights": weights, "training": training, "seed": seed, "fast": fast}
    _, back = pulled(layer, *inputs, **how)
    return back(gradient)


def pulled(
    layer: Layer,
    *inputs: Array,
    weights: Tensors,
    training: bool = False,
    seed: int = 0,
    fast: bool = False,
    seen: Seen | None = None,
) -> tuple[Any, Back]:
    """The output, and the function that takes ∂L/∂y to the gradients: see `backward`.

    `seen` is told each leaf as it has run: (layer, path, inputs, output).
    """
    held = held_for(layer, inputs, weights, training, seed, fast, seen)
    y, back = pull(layer, held, *inputs)

    def checked(gradient: Any) -> Gradients:
        if shapes(gradient) != shapes(y):
            raise BadInput(
                f"the gradient must be {show_shape(shapes(y))}, as the output, not "
                f"{show_shape(shapes(gradient))}"
            )
        return back(like(y, gradient) if fast else gradient)

    return y, checked


def like(y: Any, gradient: Any) -> Any:
    """The gradient in the type of y, if that is one that runs fast; nested as y is."""
    if isinstance(y, tuple):
        return tuple(map(like, y, gradient))
    return np.asarray(gradient, y.dtype) if floats(y) else gradient


def pull(layer: Layer, held: Held, *inputs: Array) -> tuple[Any, Back]:
    """One layer's output, and its way back. Refuses a layer that has none, by name."""
    kind = type(layer)
    if kind in PULLS:
        return PULLS[kind](layer, held, *inputs)
    if kind not in BACKS and not (held.fast and kind in FAST_PULLS):
        raise BadInput(
            f"there is no backward pass of {kind.__name__}: solver/numeric/backward_leaves.py "
            "registers them, with @backs"
        )
    if any(isinstance(x, tuple) for x in inputs):
        raise BadInput(f"{kind.__name__} takes one array, but is given output and states")
    needs = check(layer, held, *(x.shape for x in inputs))
    fast = held.fast and same_floats(kind, held, needs.every, inputs)
    if fast and kind in FAST_PULLS:
        y, way = FAST_PULLS[kind](layer, held, *inputs)
        held.tell(layer, inputs, y)
        return y, way
    before = held
    if kind is pointwise.Dropout:  # it draws the same again
        before = replace(held, random=deepcopy(held.random))
    y = step(layer, held, *inputs)
    held.tell(layer, inputs, y)

    def back(gradient: Any) -> Gradients:
        again = before
        if kind is pointwise.Dropout:
            again = replace(before, random=deepcopy(before.random))
        of_inputs, found = BACKS[kind](layer, again, gradient, *inputs)
        if fast:
            of_inputs = as_type(of_inputs, inputs[0].dtype)
            found = {n: as_type(g, inputs[0].dtype) for n, g in found.items()}
        return of_inputs, {join(held.path, n): found[n] for n in needs.learned}

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
