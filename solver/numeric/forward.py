"""Runs any layer on arrays: `forward(layer, *inputs, weights)`.

Weights are one mapping from the names that `layer.weights` and `layer.buffers` state
(with the path in front inside a network: block1.conv.weight) to arrays; a missing, an
unknown or a misshapen one is refused. How each layer runs is in `leaves`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod, sqrt
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.networks import combine
from solver.networks.combine import join
from solver.networks.layers import Layer, Row, Shape, Signal, show_shape
from solver.numeric.leaves import RUNS, Held, Tensors, runs
from solver.numeric.plain import Array


def forward(
    layer: Layer,
    *inputs: Array,
    weights: Tensors,
    training: bool = False,
    seed: int = 0,
) -> Any:
    """The layer's output on these arrays; nested as its shape where it has several.

    In training batch norm uses the batch's statistics and dropout drops, by the seed.
    """
    shapes = [x.shape for x in inputs]
    stated = tensors(layer, *shapes)
    extra = [name for name in weights if name not in stated]
    if extra:
        known = ", ".join(stated) or "none"
        raise BadInput(f"the layer has no tensor {', '.join(extra)}; it has {known}")
    held = Held(weights, np.random.default_rng(seed), training)
    return step(layer, held, *inputs)


def step(layer: Layer, held: Held, *inputs: Array) -> Any:
    """One layer on its inputs; a leaf's tensors are checked before it runs."""
    if type(layer) not in RUNS:
        raise BadInput(f"there is no forward pass of {type(layer).__name__}")
    if any(isinstance(x, tuple) for x in inputs):
        name = type(layer).__name__
        raise BadInput(f"{name} takes one array, but is given output and states")
    if not isinstance(layer, combine.Network):
        check(layer, held, *(x.shape for x in inputs))
    return RUNS[type(layer)](layer, held, *inputs)


def check(layer: Layer, held: Held, *shapes: Shape) -> None:
    """Refuse inputs that the layer does not take, and tensors not as stated."""
    try:
        layer.out(*shapes)
    except BadInput as e:
        raise e.at(held.path) if held.path else e from None
    for name, shape in (layer.weights(*shapes) | layer.buffers(*shapes)).items():
        given, whole = held.get(name), join(held.path, name)
        if not all(isinstance(n, int) for n in shape):
            raise BadInput(f"{whole} is {show_shape(shape)}: put in numbers")
        if given is None:
            raise BadInput(f"{whole} is missing: an array of {show_shape(shape)}")
        if given.shape != shape:
            raise BadInput(
                f"{whole} must be {show_shape(shape)}, not {show_shape(given.shape)}"
            )


def tensors(layer: Layer, *shapes: Shape) -> dict[str, Shape]:
    """Every tensor, learned or stored, that the layer needs for these inputs."""
    return dict(listed(layer, *shapes))


def listed(layer: Layer, *shapes: Shape) -> Iterator[tuple[str, Shape]]:
    """Name and shape of each tensor, leaf after leaf; a name may come twice."""
    rows: list[Row] = []
    layer.run([Signal(s) for s in shapes], "", rows)
    for row in rows:
        yield from (
            (join(row.name, name), shape)
            for of in (row.layer.weights, row.layer.buffers)
            for name, shape in of(*row.inputs).items()
        )


def random_weights(layer: Layer, *shapes: Shape, seed: int = 0) -> dict[str, Array]:
    """Seeded arrays for exactly the tensors that the layer states.

    Normal, divided by the root of the inputs that each output reads, so that values
    neither grow nor fade in a deep network; variances are positive.
    """
    random = np.random.default_rng(seed)
    found = {}
    for name, shape in tensors(layer, *shapes).items():
        sizes: Any = shape
        if name.endswith("variance"):
            found[name] = random.uniform(0.5, 1.5, sizes)
        else:
            found[name] = random.normal(size=sizes) / sqrt(max(prod(sizes[1:]), 1))
    return found


# -- composites ----------------------------------------------------------------------


@runs(combine.Sequential)
def sequential(one: combine.Sequential, held: Held, *inputs: Array) -> Any:
    """Each layer on what the one before gave."""
    flow = inputs
    for name, layer in one.layers:
        flow = (step(layer, held.inside(name), *flow),)
    return flow[0]


@runs(combine.Branches)
def branches(one: combine.Branches, held: Held, *inputs: Array) -> Any:
    """Every branch on the same inputs, the merging layer on their ends."""
    ends = [step(layer, held.inside(name), *inputs) for name, layer in one.branches]
    return step(one.merge, held, *ends)


@runs(combine.Aside)
def aside(one: combine.Aside, held: Held, *inputs: Array) -> Any:
    """The input passes; the head runs in training only, as its loss would need it."""
    if held.training:
        step(one.head, held, *inputs)
    return inputs[0]
