"""Norms, forward and backward: batch, layer, group, instance, RMS.

All but RMS are one thing: an A×C×B array standardised over A and B, each of the C by its
own mean and variance. Batch norm has N×C×(all sides), or (N and sides)×C×1 where channels
lie last in memory; the others have 1×(all that is normalised apart)×(the rest). The mean
is taken off first and the variance is the mean of the squares of what remains: E[x²] − μ²
would cancel in float32. Sums are products with ones, which are faster than adding.

A forward pass for training gives (y, saved); `saved` goes to its way back.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from solver.numeric.fast.arrays import result
from solver.numeric.plain import Array
from solver.numeric.workspace import channels_last

EPS = 1e-5
RUN = 512


class Saved(NamedTuple):
    """What the way back needs: the input as A×C×B, and its C means and 1/√(σ² + ε)."""

    x: Array
    mean: Array
    inverse: Array


# -- the core: A×C×B over A and B ----------------------------------------------------


def runs(x: Array) -> tuple[Array, Array]:
    """A×C×1 as parts×RUN×C, and what is left over: short float32 sums stay accurate."""
    a, c, _ = x.shape
    whole = a - a % RUN
    return x[:whole, :, 0].reshape(a // RUN, RUN, c), x[whole:, :, 0]


def sums(x: Array) -> Array:
    """Σ over A and B of A×C×B."""
    a, _, b = x.shape
    if b == 1:
        parts, rest = runs(x)
        total = np.ones(len(rest), x.dtype) @ rest
        return (
            total + (np.ones(RUN, x.dtype) @ parts).sum(axis=0) if len(parts) else total
        )
    over_b = x @ np.ones(b, x.dtype)
    return over_b[0] if a == 1 else over_b.sum(axis=0)


def dots(x: Array, y: Array) -> Array:
    """Σ x y over A and B of A×C×B."""
    a, _, b = x.shape
    if b == 1:
        (parts, rest), (others, last) = runs(x), runs(y)
        total = np.einsum("ac,ac->c", rest, last)
        return (
            total + np.einsum("kac,kac->kc", parts, others).sum(axis=0)
            if len(parts)
            else total
        )
    over_b = np.matmul(x[:, :, None, :], y[:, :, :, None])[:, :, 0, 0]
    return over_b[0] if a == 1 else over_b.sum(axis=0)


def up(values: Array) -> Array:
    """C numbers, lined up with A×C×B."""
    return values[:, None]


def parts(x: Array) -> list[slice]:
    """Cuts of the C that fit the cache; none where channels lie last."""
    a, c, b = x.shape
    step = c if b == 1 else max(1, (1 << 18) // max(a * b, 1))
    return [slice(i, i + step) for i in range(0, c, step)]


def rows_of(x: Array) -> list[slice]:
    """Cuts of the A that fit the cache, where channels lie last."""
    a, c, b = x.shape
    step = max(RUN, (1 << 16) // max(c, 1)) if b == 1 else max(a, 1)
    return [slice(i, i + step) for i in range(0, a, step)]


def standardised(
    x: Array, gamma: Array | None, beta: Array | None, eps: float, y: Array
) -> tuple[Array, Array]:
    """γ (x − μ)/√(σ² + ε) + β into y, one γ and β for each of the C; μ and 1/√(σ² + ε)."""
    a, c, b = x.shape
    count = a * b
    mean, inverse = np.empty(c, x.dtype), np.empty(c, x.dtype)
    for some in parts(x):
        here, whole = x[:, some], y[:, some]
        mean[some] = middle = sums(here) / count
        square = np.zeros_like(middle)
        for rows in rows_of(x):
            d = np.subtract(here[rows], up(middle), out=whole[rows])
            square += dots(d, d)
        inverse[some] = 1 / np.sqrt(square / count + eps)
        scale = inverse[some] if gamma is None else inverse[some] * gamma[some]
        for rows in rows_of(x):
            d = whole[rows]
            d *= up(scale)
            if beta is not None:
                d += up(beta[some])
    return mean, inverse


def standardised_back(
    g: Array, saved: Saved, gamma: Array | None, of_x: Array
) -> tuple[Array, Array]:
    """∂L/∂x into of_x; Σ g x̂ and Σ g for each of the C, which are ∂L/∂γ and ∂L/∂β.

    ∂L/∂x = γ/√(σ² + ε) · (g − mean of g − x̂ · mean of g x̂): arXiv:1502.03167, section 3,
    its three paths added up.
    """
    x, mean, inverse = saved
    a, c, b = x.shape
    count = a * b
    of_gamma, of_beta = np.empty(c, x.dtype), np.empty(c, x.dtype)
    for some in parts(x):
        here, whole = g[:, some], of_x[:, some]
        of_beta[some] = total = sums(here)
        along = np.zeros_like(total)
        for rows in rows_of(x):
            d = np.subtract(x[rows, some], up(mean[some]), out=whole[rows])
            along += dots(here[rows], d)
        of_gamma[some] = along * inverse[some]
        back = along * inverse[some] ** 2 / -count
        scale = inverse[some] if gamma is None else inverse[some] * gamma[some]
        for rows in rows_of(x):
            d = whole[rows]
            d *= up(back)
            d += here[rows]
            d -= up(total / count)
            d *= up(scale)
    return of_gamma, of_beta


# -- batch norm ----------------------------------------------------------------------


def by_channel(x: Array, last: bool) -> Array:
    """N×C×sides as A×C×B, without a copy if memory allows: see above."""
    n, c = x.shape[:2]
    if last:
        return np.moveaxis(x, 1, -1).reshape(x.size // max(c, 1), c, 1)
    return x.reshape(n, c, prod(x.shape[2:]))


def back_again(y: Array, shape: tuple[int, ...], last: bool) -> Array:
    """A×C×B as N×C×sides, a view."""
    if last:
        return np.moveaxis(y.reshape(shape[0], *shape[2:], shape[1]), -1, 1)
    return y.reshape(shape)


def lies_last(x: Array) -> bool:
    """Whether to take x as (N and sides)×C×1."""
    return channels_last(x) or prod(x.shape[2:]) == 1


def filled(x: Array, y: Array, out: Array | None) -> Array:
    """y, or `out` with y's values if it is given."""
    if out is None:
        return y
    result(x, x.shape, out)[...] = y
    return out


def batch_norm(
    x: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    eps: float = EPS,
    out: Array | None = None,
) -> tuple[Array, Saved]:
    """Training: each channel by the batch's mean and (biased) variance."""
    last = lies_last(x)
    cube = by_channel(x, last)
    y = np.empty(cube.shape, x.dtype)
    saved = Saved(cube, *standardised(cube, gamma, beta, eps, y))
    return filled(x, back_again(y, x.shape, last), out), saved


def batch_norm_back(
    gradient: Array, saved: Saved, gamma: Array | None = None
) -> tuple[Array, dict[str, Array]]:
    """∂L/∂x and ∂L/∂γ, ∂L/∂β, through the batch's mean and variance as well."""
    last = saved.x.shape[2] == 1
    g = by_channel(gradient, last)
    of_x = np.empty(g.shape, g.dtype)
    of_gamma, of_beta = standardised_back(g, saved, gamma, of_x)
    return back_again(of_x, gradient.shape, last), {"gamma": of_gamma, "beta": of_beta}


def scale_and_shift(
    gamma: Array | None, beta: Array | None, mean: Array, variance: Array, eps: float
) -> tuple[Array, Array]:
    """γ/√(σ² + ε), and β − μ times it."""
    scale = 1 / np.sqrt(variance + eps)
    scale = scale if gamma is None else scale * gamma
    shift = -mean * scale
    return scale, shift if beta is None else shift + beta


def batch_norm_stored(
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    mean: Array,
    variance: Array,
    eps: float = EPS,
    out: Array | None = None,
) -> Array:
    """Inference: one multiplication and one addition a value, by the stored statistics."""
    last = lies_last(x)
    cube, y = by_channel(x, last), result(x, x.shape, out)
    into = by_channel(y, last)
    if not np.may_share_memory(into, y):
        into = np.empty(cube.shape, x.dtype)
    scale, shift = scale_and_shift(gamma, beta, mean, variance, eps)
    for some in parts(cube):
        for rows in rows_of(cube):
            part = into[rows, some]
            np.multiply(cube[rows, some], up(scale[some]), out=part)
            part += up(shift[some])
    if not np.may_share_memory(into, y):
        y[...] = back_again(into, x.shape, last)
    return y


def batch_norm_stored_back(
    gradient: Array,
    x: Array,
    gamma: Array | None,
    mean: Array,
    variance: Array,
    eps: float = EPS,
) -> tuple[Array, dict[str, Array]]:
    """The way back of inference: mean and variance are constants."""
    last = lies_last(x)
    g, cube = by_channel(gradient, last), by_channel(x, last)
    inverse = 1 / np.sqrt(variance + eps)
    of_beta = sums(g)
    of_gamma = dots(g, cube - up(mean)) * inverse
    of_x = g * up(inverse if gamma is None else inverse * gamma)
    return back_again(of_x, gradient.shape, last), {"gamma": of_gamma, "beta": of_beta}


def folded(
    weight: Array,
    bias: Array | None,
    gamma: Array | None,
    beta: Array | None,
    mean: Array,
    variance: Array,
    eps: float = EPS,
) -> tuple[Array, Array]:
    """A convolution's weight and bias that do what it and a stored batch norm do."""
    scale, shift = scale_and_shift(gamma, beta, mean, variance, eps)
    each = scale.reshape(-1, *(1,) * (weight.ndim - 1))
    return weight * each, shift if bias is None else shift + bias * scale


# -- group, instance, layer ----------------------------------------------------------


def rows_norm(x: Array, rows: int, eps: float) -> tuple[Array, Saved]:
    """x̂, of an input that is `rows` equal parts in C order, each standardised alone."""
    cube = x.reshape(1, rows, x.size // max(rows, 1))
    y = np.empty(cube.shape, x.dtype)
    saved = Saved(cube, *standardised(cube, None, None, eps, y))
    return y.reshape(x.shape), saved


def rows_back(inner: Array, saved: Saved) -> Array:
    """∂L/∂x of x̂ from ∂L/∂x̂."""
    of_x = np.empty(saved.x.shape, inner.dtype)
    standardised_back(inner.reshape(saved.x.shape), saved, None, of_x)
    return of_x.reshape(inner.shape)


def hats(saved: Saved) -> Array:
    """x̂ again, as 1×rows×rest."""
    return (saved.x - up(saved.mean)) * up(saved.inverse)


def affine(y: Array, gamma: Array | None, beta: Array | None, behind: int) -> Array:
    """γ y + β in place; their sizes lie before the last `behind` axes."""
    for values, join in ((gamma, np.multiply), (beta, np.add)):
        if values is not None:
            join(y, values.reshape(*values.shape, *(1,) * behind), out=y)
    return y


def group_norm(
    x: Array,
    groups: int,
    gamma: Array | None = None,
    beta: Array | None = None,
    eps: float = EPS,
    out: Array | None = None,
) -> tuple[Array, Saved]:
    """Over C/groups neighbouring channels and the sides of each example.

    As many groups as channels make it instance norm.
    """
    y, saved = rows_norm(x, x.shape[0] * groups, eps)
    return filled(x, affine(y, gamma, beta, x.ndim - 2), out), saved


def group_norm_back(
    gradient: Array, saved: Saved, gamma: Array | None = None
) -> tuple[Array, dict[str, Array]]:
    """∂L/∂x and, one a channel, ∂L/∂γ, ∂L/∂β."""
    n, c, *sides = gradient.shape
    g = gradient.reshape(n, c, prod(sides))
    of_gamma = dots(g, hats(saved).reshape(g.shape))
    inner = g if gamma is None else g * up(gamma)
    of_x = rows_back(inner, saved).reshape(gradient.shape)
    return of_x, {"gamma": of_gamma, "beta": sums(g)}


def layer_norm(
    x: Array,
    dims: int = 1,
    gamma: Array | None = None,
    beta: Array | None = None,
    eps: float = EPS,
    out: Array | None = None,
) -> tuple[Array, Saved]:
    """Over the last `dims` axes of each example; γ and β have their shape."""
    y, saved = rows_norm(x, prod(x.shape[: x.ndim - dims]), eps)
    return filled(x, affine(y, gamma, beta, 0), out), saved


def layer_norm_back(
    gradient: Array, saved: Saved, gamma: Array | None = None, dims: int = 1
) -> tuple[Array, dict[str, Array]]:
    """∂L/∂x and, in the shape of the last axes, ∂L/∂γ, ∂L/∂β."""
    inner = gradient if gamma is None else gradient * gamma
    of_x = rows_back(inner, saved)
    return of_x, of_last_axes(gradient, hats(saved), dims)


def of_last_axes(gradient: Array, hat: Array, dims: int) -> dict[str, Array]:
    """∂L/∂γ = Σ g x̂ and ∂L/∂β = Σ g over the examples."""
    shape = gradient.shape[gradient.ndim - dims :]
    g = gradient.reshape(-1, prod(shape), 1)
    of_gamma = dots(g, hat.reshape(g.shape)).reshape(shape)
    return {"gamma": of_gamma, "beta": sums(g).reshape(shape)}


# -- RMS -----------------------------------------------------------------------------


def rms_norm(
    x: Array,
    dims: int = 1,
    gamma: Array | None = None,
    beta: Array | None = None,
    eps: float | None = None,
    out: Array | None = None,
) -> tuple[Array, Any]:
    """x/√(mean of x² + ε) over the last axes, times γ; ε is the type's precision."""
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    rows = prod(x.shape[: x.ndim - dims])
    cube = x.reshape(1, rows, x.size // max(rows, 1))
    square = dots(cube, cube) / cube.shape[2]
    saved = Saved(cube, np.zeros(rows, x.dtype), 1 / np.sqrt(square + eps))
    y = (cube * up(saved.inverse)).reshape(x.shape)
    return filled(x, affine(y, gamma, beta, 0), out), saved


def rms_norm_back(
    gradient: Array, saved: Saved, gamma: Array | None = None, dims: int = 1
) -> tuple[Array, dict[str, Array]]:
    """By itself, and through the root r: g/r − x · mean of (g x)/r³."""
    x, _, inverse = saved
    inner = (gradient if gamma is None else gradient * gamma).reshape(x.shape)
    through = dots(inner, x) / x.shape[2] * inverse**3
    of_x = inner * up(inverse) - x * up(through)
    hat = x * up(inverse)
    return of_x.reshape(gradient.shape), of_last_axes(gradient, hat, dims)
