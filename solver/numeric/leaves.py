"""How each layer runs on arrays: its hyper-parameters handed to the plain definition.

A registry keyed by the layer's class; each entry takes the layer, the tensors held for
it, and its inputs. Layers with windows are in `leaves_windows`; `forward` runs them all and
the networks made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.networks import (
    classic,
    combine,
    dense,
    norm,
    pointwise,
    reshape,
    sequence,
)
from solver.networks.combine import join
from solver.networks.layers import Layer
from solver.numeric import plain, plain_layers, plain_sequences
from solver.numeric.plain import Array
from solver.numeric.plain_layers import Draws

Tensors = Mapping[str, Array]
Run = Callable[..., Any]
Seen = Callable[[Layer, str, tuple[Array, ...], Any], None]

RUNS: dict[type[Layer], Run] = {}


def runs(*kinds: type[Layer]) -> Callable[[Run], Run]:
    """Registers how layers of these classes run: (layer, tensors held, *inputs)."""

    def register(run: Run) -> Run:
        RUNS.update(dict.fromkeys(kinds, run))
        return run

    return register


class Seeded:
    """A seed's generator, made at the first draw: making it costs more than a layer."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.made: np.random.Generator | None = None

    def random(self, size: Any) -> Any:
        """The generator's next numbers."""
        if self.made is None:
            self.made = np.random.default_rng(self.seed)
        return self.made.random(size)


@dataclass(frozen=True)
class Held:
    """The tensors of the layer at `path`, by the names that the layer gives them.

    `fast` asks for the layers of `solver.numeric.fast` instead of the plain definitions.
    `seen` is told each leaf on the way to a gradient: the layer, its path, inputs, output.
    """

    tensors: Tensors
    random: Draws
    training: bool = False
    path: str = ""
    fast: bool = False
    seen: Seen | None = None

    def __getitem__(self, name: str) -> Array:
        return self.tensors[join(self.path, name)]

    def get(self, name: str) -> Array | None:
        """The tensor, or None where the layer has none."""
        return self[name] if join(self.path, name) in self.tensors else None

    def tell(self, layer: Layer, inputs: tuple[Any, ...], y: Any) -> None:
        """Says that this leaf has run, to whom it concerns."""
        if self.seen is not None:
            self.seen(layer, self.path, inputs, y)

    def inside(self, name: str) -> Held:
        """Those of a layer inside this network."""
        path = join(self.path, name)
        return Held(self.tensors, self.random, self.training, path, self.fast, self.seen)


# -- merging -------------------------------------------------------------------------


@runs(combine.Concat)
def concat(one: Any, held: Held, *inputs: Array) -> Array:
    return plain_layers.concat(*inputs, dim=one.dim)


@runs(combine.Add)
def add(one: Any, held: Held, *inputs: Array) -> Array:
    return plain_layers.add(*inputs)


# -- products ------------------------------------------------------------------------


@runs(dense.Linear)
def linear(one: Any, held: Held, x: Array) -> Array:
    return plain_layers.linear(x, held["weight"], held.get("bias"))


@runs(dense.Bilinear)
def bilinear(one: Any, held: Held, a: Array, b: Array) -> Array:
    return plain_layers.bilinear(a, b, held["weight"], held.get("bias"))


@runs(dense.Embedding)
def embedding(one: Any, held: Held, x: Array) -> Array:
    table = held["weight"]
    if x.size and (x.min() < 0 or x.max() >= len(table)):
        raise BadInput(
            f"indices go from {x.min()} to {x.max()}, the table's rows from 0 to "
            f"{len(table) - 1}"
        )
    return plain_layers.embedding(x, table)


@runs(dense.Matmul)
def matmul(one: Any, held: Held, a: Array, b: Array) -> Array:
    return plain_layers.matmul(a, b)


@runs(classic.RBF)
def rbf(one: Any, held: Held, x: Array) -> Array:
    return plain_layers.rbf(x, held["patterns"])


# -- norms ---------------------------------------------------------------------------


@runs(norm.BatchNorm)
def batch_norm(one: Any, held: Held, x: Array) -> Array:
    mean, variance = (held.get(name) for name in ("mean", "variance"))
    if held.training:
        mean = variance = None
    gamma, beta = held.get("gamma"), held.get("beta")
    return plain_layers.batch_norm(x, gamma, beta, mean, variance)


@runs(norm.InstanceNorm)
def instance_norm(one: Any, held: Held, x: Array) -> Array:
    return plain_layers.instance_norm(x, held.get("gamma"), held.get("beta"))


@runs(norm.GroupNorm)
def group_norm(one: Any, held: Held, x: Array) -> Array:
    return plain_layers.group_norm(x, one.groups, held.get("gamma"), held.get("beta"))


@runs(norm.LayerNorm)
def layer_norm(one: Any, held: Held, x: Array) -> Array:
    dims = len(one.normalised(x.shape))
    return plain_layers.layer_norm(x, dims, held.get("gamma"), held.get("beta"))


@runs(norm.RMSNorm)
def rms_norm(one: Any, held: Held, x: Array) -> Array:
    dims = len(one.normalised(x.shape))
    return plain_layers.rms_norm(x, dims, held.get("gamma"), held.get("beta"))


@runs(norm.LocalResponseNorm)
def local_response_norm(one: Any, held: Held, x: Array) -> Array:
    return plain_layers.local_response_norm(x, one.size)


# -- value by value, and shapes ------------------------------------------------------


@runs(pointwise.Activation)
def activation(one: Any, held: Held, x: Array) -> Array:
    return plain_layers.activation(x, one.function, held.get("slope"))


@runs(pointwise.Dropout)
def dropout(one: Any, held: Held, x: Array) -> Array:
    if not held.training:
        return x
    return plain_layers.dropout(x, one.p, held.random, one.channels)


@runs(pointwise.Identity)
def identity(one: Any, held: Held, x: Array) -> Array:
    return x


@runs(reshape.Flatten)
def flatten(one: Any, held: Held, x: Array) -> Array:
    return plain_layers.flatten(x, *one.axes(x.shape))


@runs(reshape.Unflatten)
def unflatten(one: Any, held: Held, x: Array) -> Array:
    return plain_layers.unflatten(x, *one.parts(x.shape))


@runs(reshape.Pad)
def pad(one: Any, held: Held, x: Array) -> Array:
    return plain.pad(x, one.amounts())


@runs(reshape.Tokens)
def tokens(one: Any, held: Held, x: Array) -> Array:
    return plain_layers.tokens(x)


@runs(reshape.ClassToken)
def class_token(one: Any, held: Held, x: Array) -> Array:
    return plain_layers.class_token(x, held["token"])


@runs(reshape.Positions)
def positions(one: Any, held: Held, x: Array) -> Array:
    return x + held["positions"]


@runs(reshape.Select)
def select(one: Any, held: Held, x: Array) -> Array:
    return x.take(one.index, one.dim)


@runs(reshape.Custom)
def custom(one: Any, held: Held, *inputs: Array) -> Array:
    raise BadInput(f"{one.name} is known by name and shape only: it cannot be run")


# -- sequences -----------------------------------------------------------------------


@runs(sequence.RNN, sequence.LSTM, sequence.GRU)
def recurrent(one: Any, held: Held, x: Array) -> Any:
    names = "weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"
    layers = []
    for i in range(one.layers):
        ends = (f"l{i}", f"l{i}_reverse")[: one.directions]
        layers.append(
            [
                {n: w for n in names if (w := held.get(f"{n}_{end}")) is not None}
                for end in ends
            ]
        )
    turned = one.batch_first and x.ndim > 2
    kind = type(one).__name__.lower()
    y, last = plain_sequences.recurrent(
        kind, np.swapaxes(x, 0, 1) if turned else x, layers
    )
    y = np.swapaxes(y, 0, 1) if turned else y
    return (y, last if one.CELL else last[0])


@runs(sequence.Attention)
def attention(one: Any, held: Held, *inputs: Array) -> Any:
    given = inputs * 3 if len(inputs) == 1 else inputs
    turned = not one.batch_first and given[0].ndim > 2
    query, key, value = (np.swapaxes(x, 0, 1) if turned else x for x in given)

    joined = held.get("in_proj_weight")
    into = (
        [held[f"{n}_proj_weight"] for n in "qkv"]
        if joined is None
        else np.split(joined, 3)
    )
    bias = held.get("in_proj_bias")
    biases: list[Array | None] = [None] * 4
    if bias is not None:
        biases = [*np.split(bias, 3), held["out_proj.bias"]]
    y, shares = plain_sequences.attention(
        query,
        key,
        value,
        one.heads,
        into,
        held["out_proj.weight"],
        biases,
        (held["added_k"][0], held["added_v"][0]) if one.add_bias_kv else None,
        one.add_zero_attn,
    )
    y = np.swapaxes(y, 0, 1) if turned else y
    return (y, shares) if one.need_weights else y
