"""Runs any layer on arrays: `forward(layer, *inputs, weights)`.

Weights are one mapping from the names that `layer.weights` and `layer.buffers` state
(with the path in front inside a network: block1.conv.weight) to arrays; a missing, an
unknown or a misshapen one is refused. How each layer runs is in `leaves`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod, sqrt
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from solver.core import BadInput
from solver.networks import combine
from solver.networks.combine import join
from solver.networks.layers import Layer, Row, Shape, Signal, show_shape
from solver.numeric import leaves_windows  # noqa: F401 (it registers)
from solver.numeric.fast import convolutions, layers  # noqa: F401 (they register)
from solver.numeric.fast.registry import FAST_RUNS, as_type, same_floats
from solver.numeric.leaves import RUNS, Held, Seeded, Seen, Tensors, runs
from solver.numeric.plain import Array

KEPT = 64  # of one layer, for so many shapes of its inputs


def forward(
    layer: Layer,
    *inputs: Array,
    weights: Tensors,
    training: bool = False,
    seed: int = 0,
    fast: bool = False,
) -> Any:
    """The layer's output on these arrays; nested as its shape where it has several.

    In training batch norm uses the batch's statistics and dropout drops, by the seed.
    `fast` runs float32 and float64 arrays by `solver.numeric.fast`, to rounding the same.
    """
    return step(layer, held_for(layer, inputs, weights, training, seed, fast), *inputs)


def held_for(
    layer: Layer,
    inputs: Any,
    weights: Tensors,
    training: bool,
    seed: int,
    fast: bool,
    seen: Seen | None = None,
) -> Held:
    """The weights for a run of the layer; tensors that it does not have are refused."""
    stated = needed(layer, *(x.shape for x in inputs)).every
    if not weights.keys() <= stated.keys():
        extra = ", ".join(name for name in weights if name not in stated)
        known = ", ".join(stated) or "none"
        raise BadInput(f"the layer has no tensor {extra}; it has {known}")
    return Held(weights, Seeded(seed), training, fast=fast, seen=seen)


def step(layer: Layer, held: Held, *inputs: Array) -> Any:
    """One layer on its inputs; a leaf's tensors are checked before it runs."""
    kind = type(layer)
    if kind not in RUNS:
        raise BadInput(
            f"there is no forward pass of {kind.__name__}: solver/numeric/leaves.py registers "
            "them, with @runs"
        )
    if any(isinstance(x, tuple) for x in inputs):
        raise BadInput(f"{kind.__name__} takes one array, but is given output and states")
    if isinstance(layer, combine.Network):
        return RUNS[kind](layer, held, *inputs)
    needs = check(layer, held, *(x.shape for x in inputs))
    if not held.fast or not same_floats(kind, held, needs.every, inputs):
        return RUNS[kind](layer, held, *inputs)
    if kind in FAST_RUNS:
        return FAST_RUNS[kind](layer, held, *inputs)
    return as_type(RUNS[kind](layer, held, *inputs), inputs[0].dtype)


@dataclass(frozen=True)
class Needed:
    """A layer's tensors for inputs of some shapes: the learned ones, and every one."""

    learned: Mapping[str, Shape]
    every: Mapping[str, Shape]


LEAVES: WeakKeyDictionary[Layer, dict[Any, Needed]] = WeakKeyDictionary()
WHOLE: WeakKeyDictionary[Layer, dict[Any, Needed]] = WeakKeyDictionary()


def check(layer: Layer, held: Held, *shapes: Shape) -> Needed:
    """Refuse inputs that the layer does not take, and tensors not as stated."""
    kept = LEAVES.setdefault(layer, {})
    key = held.training, *shapes
    found = kept.get(key)
    if found is None:
        try:
            as_printed(layer, held.training, *shapes)
            layer.out(*shapes)
        except BadInput as e:
            raise e.at(held.path) if held.path else e from None
        learned = layer.weights(*shapes)
        found = remember(kept, key, Needed(learned, learned | layer.buffers(*shapes)))
    for name, shape in found.every.items():
        given = held.get(name)
        if given is None or given.shape != shape:
            raise unfit(join(held.path, name), shape, given)
    return found


def as_printed(layer: Layer, training: bool, *shapes: Shape) -> None:
    """Refuse a layer whose print gave a value that it does not compute with."""
    for name, value in layer.unheld.items():
        if name == "momentum" and not training:  # of the averages, which then stay
            continue
        if name == "dim":
            rank = len(shapes[0])
            if str(value).lstrip("-").isdigit() and rank:
                axis = 1 if rank > 3 else rank - 1  # as `plain_layers.activation`
                if int(str(value)) % rank == axis:
                    continue
        kind = type(layer).__name__
        raise BadInput(
            f"{kind} with {name} = {value} can be counted, and not run: other values "
            "than PyTorch's usual ones are not computed with"
        )


def unfit(name: str, shape: Shape, given: Array | None) -> BadInput:
    """What is wrong with a tensor that is not as stated."""
    if not all(isinstance(n, int) for n in shape):
        return BadInput(f"{name} is {show_shape(shape)}: put in numbers")
    if given is None:
        return BadInput(f"{name} is missing: an array of {show_shape(shape)}")
    return BadInput(
        f"{name} must be {show_shape(shape)}, not {show_shape(given.shape)}"
    )


def needed(layer: Layer, *shapes: Shape) -> Needed:
    """What the whole network needs; found once for each layer and shapes."""
    kept = WHOLE.setdefault(layer, {})
    found = kept.get(shapes)
    if found is None:
        every = {t.name: t.shape for t in listed(rows_of(layer, *shapes))}
        found = remember(kept, shapes, Needed({}, every))
    return found


def remember(kept: dict[Any, Needed], shapes: Any, found: Needed) -> Needed:
    """Kept for the next call, of a few shapes only."""
    if len(kept) >= KEPT:
        kept.clear()
    kept[shapes] = found
    return found


def tensors(layer: Layer, *shapes: Shape) -> dict[str, Shape]:
    """Every tensor, learned or stored, that the layer needs for these inputs."""
    return dict(needed(layer, *shapes).every)


def rows_of(layer: Layer, *shapes: Shape) -> list[Row]:
    """Every leaf as it runs on inputs of these shapes, the batch first."""
    rows: list[Row] = []
    layer.run([Signal(s) for s in shapes], "", rows)
    return rows


class Tensor(NamedTuple):
    """A tensor of a network: by its whole name, and by its own name in a leaf."""

    name: str
    own: str
    row: Row
    shape: Shape
    learned: bool


def listed(rows: Iterable[Row]) -> Iterator[Tensor]:
    """Each tensor, leaf after leaf, the learned ones first; a name may come twice."""
    for row in rows:
        learned = row.layer.weights(*row.inputs)
        for own, shape in (learned | row.layer.buffers(*row.inputs)).items():
            yield Tensor(join(row.name, own), own, row, shape, own in learned)


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
