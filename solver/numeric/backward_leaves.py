"""The chain rule of each layer without windows: products, merging, value by value, shapes.

The registry is keyed by the layer's class, as `leaves.RUNS` is. Each entry takes the
layer, the tensors held for it, ∂L/∂y, and the layer's inputs; it gives ∂L/∂x for each
input and ∂L/∂w by the weight's name (a name that the layer does not have is left out
by the caller). What it needs of the forward pass it computes again from the inputs: that
is one formula more here, and nothing that the forward pass would have to hand over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.networks import classic, combine, dense, pointwise, reshape
from solver.networks.layers import Layer
from solver.numeric import plain, plain_layers
from solver.numeric.leaves import Held
from solver.numeric.plain import Array

Gradients = tuple[tuple[Array | None, ...], dict[str, Array]]
Back = Callable[..., Gradients]

BACKS: dict[type[Layer], Back] = {}


def backs(*kinds: type[Layer]) -> Callable[[Back], Back]:
    """Registers the chain rule of layers: (layer, tensors held, ∂L/∂y, *inputs)."""

    def register(back: Back) -> Back:
        BACKS.update(dict.fromkeys(kinds, back))
        return back

    return register


def unstretched(gradient: Array, shape: Sequence[int]) -> Array:
    """∂L/∂x where x was broadcast to the gradient's shape: the sum over its copies."""
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    stretched = [i for i, n in enumerate(shape) if n == 1 != gradient.shape[i]]
    return gradient.sum(axis=tuple(stretched), keepdims=True).reshape(shape)


def examples(x: Array) -> Array:
    """All axes but the last as one: a row for each example."""
    return x.reshape(-1, x.shape[-1])


# -- merging -------------------------------------------------------------------------


@backs(combine.Concat)
def concat(one: Any, held: Held, gradient: Array, *inputs: Array) -> Gradients:
    """Each input gets its own part of ∂L/∂y."""
    ends = np.cumsum([x.shape[one.dim] for x in inputs])[:-1]
    return tuple(np.split(gradient, ends, axis=one.dim)), {}


@backs(combine.Add)
def add(one: Any, held: Held, gradient: Array, *inputs: Array) -> Gradients:
    """Each summand gets all of ∂L/∂y."""
    return tuple(unstretched(gradient, x.shape) for x in inputs), {}


# -- products ------------------------------------------------------------------------


@backs(dense.Linear)
def linear(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """y = x Wᵀ + b: ∂L/∂x = G W, ∂L/∂W = Gᵀ X, ∂L/∂b = the sum of G's rows."""
    rows = examples(gradient)
    of_weights = {"weight": rows.T @ examples(x), "bias": rows.sum(axis=0)}
    return (gradient @ held["weight"],), of_weights


@backs(dense.Bilinear)
def bilinear(one: Any, held: Held, gradient: Array, a: Array, b: Array) -> Gradients:
    """y_k = aᵀ W_k b: ∂L/∂a = Σ g_k W_k b, ∂L/∂b = Σ g_k W_kᵀ a, ∂L/∂W_k = Σ g_k a bᵀ."""
    w = held["weight"]
    of_a = np.einsum("...k,kij,...j->...i", gradient, w, b)
    of_b = np.einsum("...k,kij,...i->...j", gradient, w, a)
    rows = map(examples, (gradient, a, b))
    of_weight = np.einsum("nk,ni,nj->kij", *rows)
    return (of_a, of_b), {"weight": of_weight, "bias": examples(gradient).sum(axis=0)}


@backs(dense.Embedding)
def embedding(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """A row gets the sum of ∂L/∂y wherever it was looked up; an index has no gradient.

    The row of `padding_idx` is not learned: its gradient is 0, as in PyTorch.
    """
    table = held["weight"]
    found = np.zeros(table.shape, gradient.dtype)
    np.add.at(found, x, gradient)
    if one.padding_idx is not None:
        found[one.padding_idx] = 0
    return (None,), {"weight": found}


@backs(dense.Matmul)
def matmul(one: Any, held: Held, gradient: Array, a: Array, b: Array) -> Gradients:
    """Y = A B: ∂L/∂A = G Bᵀ, ∂L/∂B = Aᵀ G; a vector is a row before B, a column behind A."""
    left = a[None] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    g = gradient[..., None, :] if a.ndim == 1 < b.ndim else gradient
    g = gradient.reshape(*gradient.shape, 1) if b.ndim == 1 < a.ndim else g
    g = gradient.reshape(1, 1) if a.ndim == b.ndim == 1 else g
    of_a = unstretched(g @ np.swapaxes(right, -1, -2), left.shape)
    of_b = unstretched(np.swapaxes(left, -1, -2) @ g, right.shape)
    return (of_a.reshape(a.shape), of_b.reshape(b.shape)), {}


@backs(classic.RBF)
def rbf(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """y_i = Σ_j (x_j − w_ij)²: ∂L/∂x_j = Σ_i 2 g_i (x_j − w_ij); the patterns are fixed."""
    apart = x[..., None, :] - held["patterns"]
    return ((2 * gradient[..., None] * apart).sum(axis=-2),), {}


# -- value by value ------------------------------------------------------------------


def sigmoid_slope(x: Array) -> Array:
    """σ′ = σ (1 − σ)."""
    return plain_layers.sigmoid(x) * plain_layers.sigmoid(-x)


def elu_slope(x: Array, alpha: float = 1) -> Array:
    """1 where positive, else α e^x."""
    return np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0)))


def gelu_slope(x: Array) -> Array:
    """(x Φ(x))′ = Φ(x) + x φ(x), with the density φ of a standard normal value."""
    density = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    return plain_layers.normal_cdf(x) + x * density


def silu_slope(x: Array) -> Array:
    """(x σ)′ = σ + x σ′."""
    return plain_layers.sigmoid(x) + x * sigmoid_slope(x)


def mish_slope(x: Array) -> Array:
    """(x t)′ = t + x (1 − t²) σ, where t = tanh(softplus(x)) and softplus′ = σ."""
    t = np.tanh(plain_layers.softplus(x))
    return t + x * (1 - t * t) * plain_layers.sigmoid(x)


def within(x: Array, low: float, high: float) -> Array:
    """1 between the two, 0 outside and at the ends."""
    return ((low < x) & (x < high)).astype(int)


# f′ of each activation. At a kink: the value that PyTorch takes, relu′(0) = 0.
SLOPES: dict[str, Callable[[Array], Array]] = {
    "relu": lambda x: (x > 0).astype(int),
    "relu6": lambda x: within(x, 0, 6),
    "leaky-relu": lambda x: np.where(x > 0, 1, 0.01),
    "elu": elu_slope,
    "selu": lambda x: plain_layers.SELU_SCALE * elu_slope(x, plain_layers.SELU_ALPHA),
    "celu": elu_slope,
    "gelu": gelu_slope,
    "silu": silu_slope,
    "mish": mish_slope,
    "sigmoid": sigmoid_slope,
    "hardsigmoid": lambda x: within(x, -3, 3) / 6,
    "hardswish": lambda x: np.where(x >= 3, 1, within(x, -3, 3) * (2 * x + 3) / 6),
    "tanh": lambda x: 1 - np.tanh(x) ** 2,
    "hardtanh": lambda x: within(x, -1, 1),
    "softplus": plain_layers.sigmoid,
    "softsign": lambda x: 1 / (1 + abs(x)) ** 2,
    "logsigmoid": lambda x: plain_layers.sigmoid(-x),
    "threshold": lambda x: (x > 0).astype(int),
    "tanhshrink": lambda x: np.tanh(x) ** 2,
    "softshrink": lambda x: (abs(x) > 0.5).astype(int),
    "hardshrink": lambda x: (abs(x) > 0.5).astype(int),
}


def of_softmax(gradient: Array, x: Array) -> Array:
    """s ⊙ (g − Σ g s): the Jacobian is diag(s) − s sᵀ."""
    s = plain_layers.softmax(x)
    return s * (gradient - (gradient * s).sum(axis=-1, keepdims=True))


def of_log_softmax(gradient: Array, x: Array) -> Array:
    """g − s Σ g: the Jacobian is I − 1 sᵀ."""
    return gradient - plain_layers.softmax(x) * gradient.sum(axis=-1, keepdims=True)


OVER_CLASSES: dict[str, Callable[[Array, Array], Array]] = {
    "softmax": of_softmax,
    "log-softmax": of_log_softmax,
    "softmin": lambda gradient, x: -of_softmax(gradient, -x),
}


@backs(pointwise.Activation)
def activation(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """∂L/∂x = g ⊙ f′(x); the softmaxes by their Jacobians, along the same axis."""
    if one.function == "prelu":
        return prelu(held["slope"], gradient, x)
    if one.function not in OVER_CLASSES:
        return (gradient * slope(one.function, x),), {}
    axis = 1 if x.ndim > 3 else -1
    g, turned = (np.moveaxis(a, axis, -1) for a in (gradient, x))
    return (np.moveaxis(OVER_CLASSES[one.function](g, turned), -1, axis),), {}


def slope(function: str, x: Array) -> Array:
    """f′(x) of an activation by name."""
    if function not in SLOPES:
        raise BadInput(
            f"there is no derivative of {function}: it is a line of SLOPES in "
            "solver/numeric/backward_leaves.py"
        )
    return SLOPES[function](x)


def prelu(slope: Array, gradient: Array, x: Array) -> Gradients:
    """The slope, which all values share, gets Σ g x over those that it multiplied."""
    below = np.where(x > 0, 0, x)
    of_slope = (gradient * below).sum().reshape(slope.shape)
    return (gradient * np.where(x > 0, 1, slope),), {"slope": of_slope}


@backs(pointwise.Dropout)
def dropout(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """The same values are dropped, the others divided by 1 − p, as in the forward pass."""
    if not held.training:
        return (gradient,), {}
    kept = plain_layers.dropout(np.ones(x.shape), one.p, held.random, one.channels)
    return (gradient * kept,), {}


@backs(pointwise.Identity)
def identity(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """∂L/∂x = ∂L/∂y."""
    return (gradient,), {}


# -- shapes --------------------------------------------------------------------------


@backs(reshape.Flatten, reshape.Unflatten)
def reshaped(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """The same values, in the input's shape."""
    return (gradient.reshape(x.shape),), {}


@backs(reshape.Pad)
def pad(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """The zeros are cut off again; what was cut off gets 0."""
    return (plain.pad(gradient, [(-a, -b) for a, b in one.amounts()]),), {}


@backs(reshape.Tokens)
def tokens(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """N×(all positions)×C back to N×C×sides."""
    n, channels, *sides = x.shape
    return (np.moveaxis(gradient.reshape(n, *sides, channels), -1, 1),), {}


@backs(reshape.ClassToken)
def class_token(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """The token stands before those of every example: it gets the sum."""
    return (gradient[:, 1:],), {"token": gradient[:, 0].sum(axis=0)}


@backs(reshape.Positions)
def positions(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """Added to every example: the positions get the sum over them."""
    return (gradient,), {"positions": gradient.sum(axis=0)}


@backs(reshape.Select)
def select(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """0 everywhere but at the index that was taken."""
    found = np.zeros(x.shape, gradient.dtype)
    np.moveaxis(found, one.dim, 0)[one.index] = gradient
    return (found,), {}
