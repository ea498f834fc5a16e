"""Layers without windows as the textbook defines them: products, norms, activations.

Arrays are N×C×sides for the norms, anything for what works value by value. Where
courses differ in a constant (ε, slopes), the default is PyTorch's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import erf, prod, sqrt
from typing import Any, Protocol

import numpy as np

from solver.numeric.plain import Array
from solver.registry import unknown

# -- products ------------------------------------------------------------------------


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """y = x Wᵀ + b, on the last axis."""
    y: Array = x @ weight.T
    return y if bias is None else y + bias


def bilinear(a: Array, b: Array, weight: Array, bias: Array | None = None) -> Array:
    """y_k = aᵀ W_k b + bias_k, on the last axes."""
    y = np.stack([((a @ w) * b).sum(axis=-1) for w in weight], axis=-1)
    return y if bias is None else y + bias


def embedding(x: Array, weight: Array) -> Array:
    """Each index replaced by its row of the weight."""
    return weight[x]


def rbf(x: Array, patterns: Array) -> Array:
    """Squared distance to each pattern, y_i = Σ_j (x_j − w_ij)² (LeNet-5's output)."""
    apart = x[..., None, :] - patterns
    return (apart * apart).sum(axis=-1)


def matmul(a: Array, b: Array) -> Array:
    """The matrix product, leading axes broadcast."""
    return np.asarray(a @ b)


def add(*inputs: Array) -> Array:
    """The sum, entry by entry, sizes of 1 stretched."""
    return reduce(np.add, inputs)


def concat(*inputs: Array, dim: int = 1) -> Array:
    """The inputs one behind the other along an axis."""
    return np.concatenate(inputs, axis=dim)


# -- norms ---------------------------------------------------------------------------


def standard(x: Array, over: tuple[int, ...], eps: float) -> Array:
    """(x − μ)/√(σ² + ε), the mean and (biased) variance over these axes."""
    mean, variance = x.mean(over, keepdims=True), x.var(over, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps)


def a_channel(values: Array, x: Array) -> Array:
    """One number a channel, lined up with axis 1 of x."""
    return values.reshape(-1, *(1,) * (x.ndim - 2))


def scaled(x: Array, gamma: Array | None, beta: Array | None) -> Array:
    """γ x + β, one of each a channel; missing ones are left out."""
    if gamma is not None:
        x = x * a_channel(gamma, x)
    return x if beta is None else x + a_channel(beta, x)


def batch_norm(
    x: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    mean: Array | None = None,
    variance: Array | None = None,
    eps: float = 1e-5,
) -> Array:
    """γ (x − μ)/√(σ² + ε) + β for each channel.

    μ and σ² are the batch's own (training), or those given (inference).
    """
    if mean is None or variance is None:
        mean, variance = batch_statistics(x)
    y = (x - a_channel(mean, x)) / np.sqrt(a_channel(variance, x) + eps)
    return scaled(y, gamma, beta)


def batch_statistics(x: Array) -> tuple[Array, Array]:
    """Each channel's mean and (biased) variance over the batch and the sides."""
    over = (0, *range(2, x.ndim))
    return x.mean(over), x.var(over)


def running(
    x: Array, mean: Array, variance: Array, momentum: float = 0.1
) -> tuple[Array, Array]:
    """The stored mean and variance after training on x: (1 − m)·old + m·new.

    The new variance is the unbiased one, divided by the number of values less 1.
    """
    new, biased = batch_statistics(x)
    values = x.size // x.shape[1]
    unbiased = biased * values / (values - 1)
    old = 1 - momentum
    return old * mean + momentum * new, old * variance + momentum * unbiased


def layer_norm(
    x: Array,
    dims: int = 1,
    gamma: Array | None = None,
    beta: Array | None = None,
    eps: float = 1e-5,
) -> Array:
    """Over the last `dims` axes of each example; γ and β have their shape."""
    y = standard(x, tuple(range(-dims, 0)), eps)
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


def rms_norm(
    x: Array,
    dims: int = 1,
    gamma: Array | None = None,
    beta: Array | None = None,
    eps: float | None = None,
) -> Array:
    """x/√(mean of x² + ε) over the last `dims` axes, times γ; nothing is centred.

    ε is the type's precision unless given, as in PyTorch.
    """
    eps = float(np.finfo(np.result_type(x, np.float32)).eps) if eps is None else eps
    square = (x * x).mean(tuple(range(-dims, 0)), keepdims=True)
    y: Array = x / np.sqrt(square + eps)
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


def group_norm(
    x: Array,
    groups: int,
    gamma: Array | None = None,
    beta: Array | None = None,
    eps: float = 1e-5,
) -> Array:
    """Over C/groups neighbouring channels and the sides of each example."""
    n, channels, *sides = x.shape
    parts = x.reshape(n, groups, channels // groups, *sides)
    y = standard(parts, tuple(range(2, parts.ndim)), eps)
    return scaled(y.reshape(x.shape), gamma, beta)


def instance_norm(
    x: Array, gamma: Array | None = None, beta: Array | None = None, eps: float = 1e-5
) -> Array:
    """Over the sides of each channel of each example."""
    return scaled(standard(x, tuple(range(2, x.ndim)), eps), gamma, beta)


def local_response_norm(
    x: Array, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1
) -> Array:
    """x/(k + α/n · Σ x²)^β, the sum over n neighbouring channels.

    PyTorch's form and constants; the paper's α is not divided by n, and its k is 2. Of
    an even n the channel before counts, not the one behind.
    """
    channels = x.shape[1]
    total = [
        (x[:, max(0, i - size // 2) : i + (size - 1) // 2 + 1] ** 2).sum(axis=1)
        for i in range(channels)
    ]
    return x / (k + alpha / size * np.stack(total, axis=1)) ** beta


# -- activations ---------------------------------------------------------------------


def sigmoid(x: Array) -> Array:
    """1/(1 + e^−x), without overflow."""
    return np.exp(-softplus(-x))


def softplus(x: Array) -> Array:
    """ln(1 + e^x), without overflow."""
    return np.logaddexp(0, x)


def log_softmax(x: Array, axis: int = -1) -> Array:
    """x − ln Σ e^x along the axis."""
    less = x - x.max(axis=axis, keepdims=True)
    return less - np.log(np.exp(less).sum(axis=axis, keepdims=True))


def softmax(x: Array, axis: int = -1) -> Array:
    """e^x/Σ e^x along the axis."""
    return np.exp(log_softmax(x, axis))


def elu(x: Array, alpha: float = 1) -> Array:
    """x where positive, else α (e^x − 1)."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def leaky_relu(x: Array, slope: float | Array = 0.01) -> Array:
    """x where positive, else slope · x."""
    return np.where(x > 0, x, slope * x)


def threshold(x: Array, at: float = 0, value: float = 0) -> Array:
    """x where above `at`, else `value`."""
    return np.where(x > at, x, value)


def normal_cdf(x: Array) -> Array:
    """Φ(x), the probability that a standard normal value is below x."""
    return np.vectorize(lambda t: (1 + erf(t / sqrt(2))) / 2, otypes=[float])(x)


def hardsigmoid(x: Array) -> Array:
    """relu6(x + 3)/6."""
    return np.clip(x + 3, 0, 6) / 6


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # arXiv:1706.02515

FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky-relu": leaky_relu,
    "elu": elu,
    "selu": lambda x: SELU_SCALE * elu(x, SELU_ALPHA),
    "celu": elu,  # the same at α = 1
    "gelu": lambda x: x * normal_cdf(x),
    "silu": lambda x: x * sigmoid(x),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "sigmoid": sigmoid,
    "hardsigmoid": hardsigmoid,
    "hardswish": lambda x: x * hardsigmoid(x),
    "tanh": np.tanh,
    "hardtanh": lambda x: np.clip(x, -1, 1),
    "softplus": softplus,
    "softsign": lambda x: x / (1 + abs(x)),
    "softmax": softmax,
    "log-softmax": log_softmax,
    "softmin": lambda x: softmax(-x),
    "logsigmoid": lambda x: -softplus(-x),
    "threshold": threshold,
    "tanhshrink": lambda x: x - np.tanh(x),
    "softshrink": lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0),
    "hardshrink": lambda x: np.where(abs(x) > 0.5, x, 0),
}
OVER_CLASSES = ("softmax", "log-softmax", "softmin")


def activation(x: Array, function: str, slope: Array | None = None) -> Array:
    """An activation by name; `slope` is prelu's.

    The softmaxes work along the channels of an image (N×C×H×W or more), else along the
    last axis.
    """
    if function == "prelu":
        return leaky_relu(x, 0.25 if slope is None else slope)
    if function not in FUNCTIONS:
        raise unknown("activation", function, ["prelu", *FUNCTIONS])
    if function in OVER_CLASSES and x.ndim > 3:
        return np.moveaxis(FUNCTIONS[function](np.moveaxis(x, 1, -1)), -1, 1)
    return FUNCTIONS[function](x)


class Draws(Protocol):
    """What dropout draws from: a generator, or one that is made when it is needed."""

    def random(self, size: Any) -> Any:
        """Numbers from 0 to 1, in an array of this shape."""


def dropout(x: Array, p: float, random: Draws, whole: bool) -> Array:
    """Training only: each value (`whole`: each channel) is 0 with probability p.

    The others are divided by 1 − p, so that the expectation stays.
    """
    shape = (*x.shape[:2], *(1,) * (x.ndim - 2)) if whole else x.shape
    kept = random.random(shape) >= p
    return np.where(kept, x / (1 - p), 0) if p < 1 else np.zeros_like(x)


# -- shapes --------------------------------------------------------------------------


def flatten(x: Array, first: int = 1, last: int = -1) -> Array:
    """Axes first to last become one."""
    first, last = first % x.ndim, last % x.ndim
    held = prod(x.shape[first : last + 1])
    return x.reshape(*x.shape[:first], held, *x.shape[last + 1 :])


def unflatten(x: Array, dim: int, sizes: Sequence[int]) -> Array:
    """One axis becomes several, these."""
    at = dim % x.ndim
    return x.reshape(*x.shape[:at], *sizes, *x.shape[at + 1 :])


def tokens(x: Array) -> Array:
    """N×C×sides to N×(all positions)×C."""
    n, channels, *sides = x.shape
    return np.moveaxis(x, 1, -1).reshape(n, prod(sides), channels)


def class_token(x: Array, token: Array) -> Array:
    """A learned token put before the others of N×T×D."""
    first = np.broadcast_to(token, (x.shape[0], 1, x.shape[2]))
    return np.concatenate([first, x], axis=1)
