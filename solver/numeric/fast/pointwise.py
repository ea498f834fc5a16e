"""Activations and dropout, value by value, forward and backward, in the input's type.

An activation is a function of x, and a slope f′ as a function of x and y = f(x): where y
says it with less work, it is used. Long arrays go through in blocks that fit the cache.
At a kink the slope is PyTorch's, as in `backward_leaves`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.numeric.fast.arrays import FLOATS
from solver.numeric.fast.normal import normal_cdf, slope_of_gelu
from solver.numeric.plain import Array
from solver.numeric.plain_layers import SELU_ALPHA, SELU_SCALE
from solver.registry import unknown

BLOCK = 1 << 14  # values
Into = Callable[[Array, Array], Any]  # fills the second with its values at the first
ZEROS = {kind: np.zeros(BLOCK, kind) for kind in FLOATS}


def fill(x: Array, y: Array, run: Callable[..., Any], *others: Array) -> Array:
    """`run` of x and the others, and of what it is to fill, y.

    Block by block where all lie in memory alike, without gaps between the values.
    """
    if x.size > BLOCK and all(a.strides == x.strides for a in (y, *others)):
        into = y.ravel("K")
        if np.may_share_memory(into, y):
            flat = [a.ravel("K") for a in (x, *others, y)]
            for i in range(0, x.size, BLOCK):
                run(*(a[i : i + BLOCK] for a in flat))
            return y
    run(x, *others, y)
    return y


def put(run: Callable[[Array], Array]) -> Into:
    """A function that gives its values, as one that fills an array with them."""

    def into(x: Array, y: Array) -> None:
        y[...] = run(x)

    return into


# -- functions -----------------------------------------------------------------------


def relu(x: Array, y: Array) -> None:
    """max(x, 0): with an array of zeros, twice as fast as with the number."""
    zeros = ZEROS[x.dtype][: x.size] if x.ndim == 1 and x.size <= BLOCK else 0
    np.maximum(x, zeros, out=y)


def sigmoid(x: Array, y: Array | None = None) -> Array:
    """1/(1 + e^−x), without overflow."""
    y = np.negative(x, out=y)
    np.minimum(y, 88 if x.dtype == np.float32 else 709, out=y)
    np.exp(y, out=y)
    y += 1
    return np.reciprocal(y, out=y)


def softplus(x: Array) -> Array:
    """ln(1 + e^x) = max(x, 0) + ln(1 + e^−|x|), without overflow."""
    y = np.abs(x)
    np.negative(y, out=y)
    np.exp(y, out=y)
    np.log1p(y, out=y)
    y += np.maximum(x, 0)
    return y


def elu(x: Array, alpha: float = 1, scale: float = 1) -> Array:
    """scale · (x where positive, else α (e^x − 1))."""
    y = np.expm1(np.minimum(x, 0))
    y *= alpha * scale
    return np.add(y, np.maximum(x, 0) * scale, out=y)


def leaky(x: Array, slope: Any = 0.01) -> Array:
    """x where positive, else slope · x; as a sum, for choosing is slow."""
    y = np.minimum(x, 0)
    y *= slope
    y += np.maximum(x, 0)
    return y


def tanh_softplus(x: Array) -> tuple[Array, Array]:
    """tanh(ln(1 + e^x)) = n/(n + 2) with n = e^x (e^x + 2), and e^x; both 1 far up."""
    e = np.exp(np.minimum(x, 20))
    n = e * (e + 2)
    return n / (n + 2), e


def mish(x: Array) -> Array:
    """x tanh(softplus(x))."""
    return x * tanh_softplus(x)[0]


def hardsigmoid(x: Array) -> Array:
    """relu6(x + 3)/6."""
    y = np.clip(x + 3, 0, 6)
    y *= 1 / 6
    return y


def softshrink(x: Array) -> Array:
    """x moved by ½ towards 0, and 0 between −½ and ½."""
    return x - np.clip(x, -0.5, 0.5)


def softmax(x: Array, axis: int = -1) -> Array:
    """e^x/Σ e^x along the axis."""
    y = x - x.max(axis=axis, keepdims=True)
    np.exp(y, out=y)
    y /= y.sum(axis=axis, keepdims=True)
    return y


def log_softmax(x: Array, axis: int = -1) -> Array:
    """x − ln Σ e^x along the axis."""
    y = x - x.max(axis=axis, keepdims=True)
    y -= np.log(np.exp(y).sum(axis=axis, keepdims=True))
    return y


# -- slopes --------------------------------------------------------------------------


def mish_slope(x: Array, y: Array) -> Array:
    """t + x (1 − t²) σ, where 1 − t² = 4 (1 + e)²/(n + 2)² and σ = e/(1 + e)."""
    t, e = tanh_softplus(x)
    n = e * (e + 2) + 2
    return t + x * (4 * e * (1 + e) / (n * n))


def silu_slope(x: Array, y: Array) -> Array:
    """σ + x σ (1 − σ)."""
    s = sigmoid(x)
    return s + x * (s * (1 - s))


def elu_slope(x: Array, alpha: float = 1) -> Array:
    """1 where positive, else α e^x."""
    y = np.exp(np.minimum(x, 0))
    if alpha != 1:
        y *= alpha
        y += (x > 0) * x.dtype.type(1 - alpha)
    return y


def within(x: Array, low: float, high: float) -> Array:
    """Whether between the two, not at the ends."""
    return (low < x) & (x < high)


def hardswish_slope(x: Array, y: Array) -> Array:
    """0, (2x + 3)/6 between −3 and 3, 1 from there on."""
    y = np.clip(x, -3, 3)
    y += 1.5
    y *= 1 / 3
    y *= within(x, -3, 3)
    y += x >= 3
    return y


def steps(x: Array, below: Any) -> Array:
    """1 where positive, else `below`."""
    y = (x > 0) * x.dtype.type(1 - below)
    y += x.dtype.type(below)
    return y


Slope = Callable[[Array, Array], Array]

FUNCTIONS: dict[str, tuple[Into, Slope]] = {
    "relu": (relu, lambda x, y: x > 0),
    "relu6": (lambda x, y: np.clip(x, 0, 6, out=y), lambda x, y: within(x, 0, 6)),
    "leaky-relu": (put(leaky), lambda x, y: steps(x, 0.01)),
    "elu": (put(elu), lambda x, y: elu_slope(x)),
    "selu": (
        put(lambda x: elu(x, SELU_ALPHA, SELU_SCALE)),
        lambda x, y: SELU_SCALE * elu_slope(x, SELU_ALPHA),
    ),
    "celu": (put(elu), lambda x, y: elu_slope(x)),
    "gelu": (
        lambda x, y: np.multiply(x, normal_cdf(x), out=y),
        lambda x, y: slope_of_gelu(x),
    ),
    "silu": (lambda x, y: np.multiply(x, sigmoid(x), out=y), silu_slope),
    "mish": (put(mish), mish_slope),
    "sigmoid": (sigmoid, lambda x, y: y * (1 - y)),
    "hardsigmoid": (
        put(hardsigmoid),
        lambda x, y: within(x, -3, 3) * x.dtype.type(1 / 6),
    ),
    "hardswish": (lambda x, y: np.multiply(x, hardsigmoid(x), out=y), hardswish_slope),
    "tanh": (lambda x, y: np.tanh(x, out=y), lambda x, y: 1 - y * y),
    "hardtanh": (lambda x, y: np.clip(x, -1, 1, out=y), lambda x, y: within(x, -1, 1)),
    "softplus": (put(softplus), lambda x, y: sigmoid(x)),
    "softsign": (put(lambda x: x / (1 + abs(x))), lambda x, y: 1 / (1 + abs(x)) ** 2),
    "logsigmoid": (put(lambda x: -softplus(-x)), lambda x, y: sigmoid(-x)),
    "threshold": (
        put(lambda x: np.where(x > 0, x, x.dtype.type(0))),
        lambda x, y: x > 0,
    ),
    "tanhshrink": (put(lambda x: x - np.tanh(x)), lambda x, y: np.tanh(x) ** 2),
    "softshrink": (put(softshrink), lambda x, y: abs(x) > 0.5),
    "hardshrink": (
        put(lambda x: np.where(abs(x) > 0.5, x, x.dtype.type(0))),
        lambda x, y: abs(x) > 0.5,
    ),
}
OVER_CLASSES = ("softmax", "log-softmax", "softmin")


def axis_of(x: Array) -> int:
    """The classes: the channels of an image (N×C×H×W or more), else the last axis."""
    return 1 if x.ndim > 3 else -1


def over_classes(x: Array, function: str) -> Array:
    """Softmax and its kin along the classes."""
    axis = axis_of(x)
    if function == "log-softmax":
        return log_softmax(x, axis)
    return softmax(-x if function == "softmin" else x, axis)


def over_classes_back(gradient: Array, y: Array, function: str) -> Array:
    """By the Jacobian diag(s) − s sᵀ, of the logarithm I − 1 sᵀ."""
    axis = axis_of(y)
    if function == "log-softmax":
        return gradient - np.exp(y) * gradient.sum(axis=axis, keepdims=True)
    found = gradient * y
    found = y * (gradient - found.sum(axis=axis, keepdims=True))
    return -found if function == "softmin" else found


def run_and_slope(function: str) -> tuple[Into, Slope]:
    """An activation and its slope: those above, else the plain definitions."""
    if function in FUNCTIONS:
        return FUNCTIONS[function]
    from solver.numeric import backward_leaves, plain_layers

    if function not in plain_layers.FUNCTIONS:
        known = ["prelu", *plain_layers.FUNCTIONS]
        raise unknown("activation", function, known)
    run = put(plain_layers.FUNCTIONS[function])
    return run, lambda x, y: backward_leaves.slope(function, x)


def activation(
    x: Array, function: str, slope: Array | None = None, out: Array | None = None
) -> Array:
    """An activation by name; `slope` is prelu's. `out` may be x itself."""
    if out is None:
        out = np.empty_like(x)
    elif out.shape != x.shape or out.dtype != x.dtype:
        raise BadInput(
            f"out must be {x.dtype} of the shape {x.shape}, not {out.dtype} of {out.shape}"
        )
    elif np.may_share_memory(out, x) and out.ctypes.data != x.ctypes.data:
        x = x.copy(order="K")  # what is written would be read again
    if function in OVER_CLASSES:
        out[...] = over_classes(x, function)
        return out
    if function == "prelu":
        out[...] = leaky(x, x.dtype.type(0.25) if slope is None else slope)
        return out
    return fill(x, out, run_and_slope(function)[0])


def activation_back(
    gradient: Array, x: Array, y: Array, function: str, out: Array | None = None
) -> Array:
    """∂L/∂x = g ⊙ f′(x) (prelu has `prelu_back`)."""
    out = np.empty_like(x) if out is None else out
    if function in OVER_CLASSES:
        out[...] = over_classes_back(gradient, y, function)
        return out
    slope = run_and_slope(function)[1]

    def times(g: Array, x: Array, y: Array, of_x: Array) -> None:
        np.multiply(g, slope(x, y), out=of_x)

    return fill(gradient, out, times, x, y)


def prelu_back(gradient: Array, x: Array, slope: Array) -> tuple[Array, Array]:
    """∂L/∂x, and by the slope, which all values share, Σ g x over those not positive."""
    below = np.minimum(x, 0)
    below *= gradient
    of_slope = np.asarray(below.sum(), x.dtype).reshape(slope.shape)
    return gradient * steps(x, slope.reshape(-1)[0]), of_slope


# -- dropout -------------------------------------------------------------------------


def dropout(
    x: Array, p: float, random: Any, whole: bool = False, out: Array | None = None
) -> tuple[Array, Array]:
    """Each value (`whole`: each channel) is 0 with probability p, the others ÷ (1 − p).

    It draws what `plain_layers.dropout` draws. Also which were kept, for the way back.
    """
    shape = (*x.shape[:2], *(1,) * (x.ndim - 2)) if whole else x.shape
    kept = random.random(shape) >= p
    return dropped(x, kept, p, out), kept


def dropped(x: Array, kept: Array, p: float, out: Array | None = None) -> Array:
    """x/(1 − p) where kept, else 0: the way back as well, of ∂L/∂y."""
    out = np.empty_like(x) if out is None else out
    if p >= 1:
        out[...] = 0
        return out
    with np.errstate(invalid="ignore"):
        np.multiply(x, kept * x.dtype.type(1 / (1 - p)), out=out)
    lost = np.isnan(out)
    if lost.any():  # ∞ times 0
        out[lost & ~kept] = 0
    return out
