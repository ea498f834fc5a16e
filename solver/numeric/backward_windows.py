"""The chain rule of layers with windows: convolution, pooling, unfold, fold, resizing.

Registered and called as in `backward_leaves`. Arrays of ints and Fractions stay exact
through convolution, average and max pooling, unfold and fold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product
from math import inf, prod
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.expressions.formula import settle
from solver.networks import classic, pool, windows
from solver.networks import conv as convolution
from solver.numeric import plain, plain_resize
from solver.numeric.backward_leaves import Gradients, backs
from solver.numeric.leaves import Held
from solver.numeric.plain import SOURCE, Array, Sides, Spans, last, spread

# -- convolution ---------------------------------------------------------------------


@backs(convolution.Conv)
def conv(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """y[o, i] = Σ w[o, c, a] · x[c, s·i + d·a − p] + b[o], turned around.

    ∂L/∂x[c, j] is the sum of w[o, c, a] · g[o, i] over all that read it, s·i + d·a − p =
    j: the full convolution of g with w, which is the transposed convolution. ∂L/∂w is the
    correlation of x with g, and ∂L/∂b the sum of each map of g.
    """
    w, dims = held["weight"], one.dims
    ks, ss, ps, ds = zip(*one.axes())
    amounts = [(p // 2, p - p // 2) for p in ps]
    padded = plain.pad(x, amounts, one.padding_mode)
    positions = gradient.shape[-dims:]
    unread = [  # what is left behind the last window where the stride does not fit
        n - (m - 1) * s - d * (k - 1) - 1
        for n, m, k, s, d in zip(padded.shape[-dims:], positions, ks, ss, ds)
    ]
    of_padded = plain.conv_transpose(
        gradient, w, None, ss, 0, tuple(unread), one.groups, ds
    )
    of_x = unpad(of_padded, amounts, one.padding_mode)
    of_w = correlation(padded, gradient, ks, ss, ds, one.groups)
    return (of_x,), {"weight": of_w, "bias": of_maps(gradient, dims)}


@backs(convolution.ConvTranspose)
def conv_transpose(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """y[o, s·i + d·a − p] += w[c, o, a] · x[c, i] + b[o], turned around.

    ∂L/∂x is the convolution of g with w, ∂L/∂w the correlation of g with x.
    """
    w, dims = held["weight"], one.dims
    sizes = one.kernel, one.stride, one.padding, one.dilation
    ks, ss, ps, ds = (spread(size, dims) for size in sizes)
    padded = plain.pad(gradient, [(p, p) for p in ps])
    inside = last(slice(n) for n in x.shape[-dims:])  # output padding may add a window
    of_x = plain.conv(padded, w, None, ss, 0, ds, one.groups)[inside]
    of_w = correlation(padded, x, ks, ss, ds, one.groups)
    return (of_x,), {"weight": of_w, "bias": of_maps(gradient, dims)}


def correlation(
    x: Array, g: Array, kernel: Sides, stride: Sides, dilation: Sides, groups: int
) -> Array:
    """∂L/∂w[o, c, a] = Σ_i g[o, i] · x[c, s·i + d·a], summed over the examples.

    Maps of g read the channels of x of their own group only.
    """
    dims = g.ndim - 1 if isinstance(kernel, int) else len(kernel)
    read = plain.windows(x, kernel, stride, dilation)
    met = [slice(n) for n in g.shape[-dims:]]
    read = read[last([*met, *[slice(None)] * dims])]  # …×C×positions×kernel
    channel = -2 * dims - 1
    behind = range(-dims, 0)
    lead = range(g.ndim - dims - 1)
    over = [*lead, *behind], [*lead, *(i - dims for i in behind)]
    return np.concatenate(
        [
            np.tensordot(maps, part, over)
            for maps, part in zip(
                np.split(g, groups, axis=-dims - 1),
                np.split(read, groups, axis=channel),
            )
        ]
    )


def of_maps(gradient: Array, dims: int) -> Array:
    """∂L/∂b: the sum of each map, over the examples and positions."""
    channel = gradient.ndim - dims - 1
    return gradient.sum(axis=tuple(i for i in range(gradient.ndim) if i != channel))


def unpad(
    gradient: Array, amounts: Sequence[tuple[int, int]], mode: str = "zeros"
) -> Array:
    """∂L/∂x of padding: each value gets the sum over the places where it was put."""
    dims = len(amounts)
    for axis, (before, after) in enumerate(amounts, gradient.ndim - dims):
        n = gradient.shape[axis] - before - after
        sources = [SOURCE[mode](i, n) for i in range(-before, n + after)]
        placed = np.moveaxis(gradient, axis, 0)
        found = np.zeros((n + 1, *placed.shape[1:]), gradient.dtype)
        np.add.at(found, sources, placed)
        gradient = np.moveaxis(found[:n], 0, axis)  # the last held the padding zeros
    return gradient


@backs(classic.SparseConv)
def sparse_conv(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """A convolution for each map, on the input maps that it reads."""
    ks, ones = (one.kernel, one.kernel), (1, 1)
    rows = iter(one.table(x.shape[-3]))
    of_x = np.zeros(x.shape, np.result_type(x, gradient))
    of_weights: dict[str, Array] = {}
    first = 0
    for i, (maps, _) in enumerate(one.groups, 1):
        w, found = held[f"weight{i}"], []
        for j in range(maps):
            row = list(next(rows))
            g = gradient[..., first + j : first + j + 1, :, :]
            of_x[..., row, :, :] += plain.conv_transpose(g, w[j : j + 1])
            found.append(correlation(x[..., row, :, :], g, ks, ones, ones, 1)[0])
        of_weights[f"weight{i}"] = np.stack(found)
        of_weights[f"bias{i}"] = of_maps(gradient[..., first : first + maps, :, :], 2)
        first += maps
    return (of_x,), of_weights


# -- pooling -------------------------------------------------------------------------

# What each value of a window gets: (window, ∂L/∂y of its output) to the window's shape.
Share = Callable[[Array, Array], Array]


@backs(pool.Pool)
def pooling(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """Of a maximum the winner gets the gradient, of an average every value its share.

    Where several values of a window are largest, the first of them gets it all, as in
    PyTorch (row by row). LP: x^(p−1)/y^(p−1), and 0 where the whole window is 0. What
    lies in the padding gets nothing.
    """
    if one.divisor_override is not None:
        raise BadInput("there is no backward pass of pooling with divisor_override")
    axes, starts = one.axes(), one.windows(x.shape)
    inside: Spans = []
    counts = []  # an axis: by how many values the average of each window divides
    for n, (k, _, p, d), firsts in zip(x.shape[-one.dims :], axes, starts):
        taps = [range(i, i + d * (k - 1) + 1, d) for i in firsts]
        within = [[i for i in tap if 0 <= i < n] for tap in taps]
        inside.append([slice(t[0], t[-1] + 1, d) if t else slice(0) for t in within])
        low, high = (-p, n + p) if one.count_include_pad else (0, n)
        counts.append([sum(low <= i < high for i in tap) for tap in taps])
    sizes = iter(product(*counts))
    share: dict[str, Share] = {
        "max": lambda window, g: winner(window, g, one.dims),
        "avg": lambda window, g: evenly(g, prod(next(sizes))),
        "lp": lambda window, g: of_norm(window, g, one.dims, one.norm_type),
    }
    return (gathered(x, gradient, inside, share[one.mode]),), {}


@backs(pool.AdaptivePool)
def adaptive_pool(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """As pooling, over the cells that each output reads."""
    cells: Spans = []
    for n, o in zip(x.shape[-one.dims :], gradient.shape[-one.dims :]):
        cells.append([slice(i * n // o, -(-(i + 1) * n // o)) for i in range(o)])
    share: dict[str, Share] = {
        "max": lambda window, g: winner(window, g, one.dims),
        "avg": lambda window, g: evenly(g, prod(window.shape[-one.dims :])),
    }
    return (gathered(x, gradient, cells, share[one.mode]),), {}


def gathered(x: Array, gradient: Array, spans: Spans, share: Share) -> Array:
    """∂L/∂x: each value gets the sum of its shares in the windows that read it."""
    found = np.zeros(x.shape, np.result_type(x, gradient))
    behind = tuple(range(-len(spans), 0))
    places = np.ndindex(*map(len, spans))
    for place, at in zip(places, product(*spans)):
        g = np.expand_dims(gradient[last(place)], behind)
        found[last(at)] += share(x[last(at)], g)
    return found


def winner(window: Array, g: Array, dims: int) -> Array:
    """All of the gradient to the first of the largest values of each window."""
    values = window.reshape(*window.shape[:-dims], -1)
    if not values.shape[-1]:
        return window  # it lies in the padding whole
    first = np.arange(values.shape[-1]) == values.argmax(axis=-1)[..., None]
    return first.reshape(window.shape) * g


def evenly(g: Array, count: int) -> Array:
    """An equal share to each of the values; exact if the gradient is."""
    return g * Fraction(1, count) if g.dtype == object else g / count


def of_norm(window: Array, g: Array, dims: int, p: float) -> Array:
    """y = (Σ xᵖ)^(1/p): ∂y/∂x = (x/y)^(p−1); for p = ∞ the maximum's."""
    if p == inf:
        return winner(window, g, dims)
    y = plain.norm(window, dims, p)
    with np.errstate(invalid="ignore", divide="ignore"):
        return g * np.where((y == 0) & (p > 1), 0, (window / y) ** (p - 1))


@backs(classic.Subsample)
def subsample(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """y = coefficient · (sum of the window) + bias, one of each a map."""
    k = one.kernel
    total = plain.windows(x, (k, k), k).sum(axis=(-2, -1))
    each = gradient * held["coefficient"].reshape(-1, 1, 1)
    of_x = np.zeros(x.shape, each.dtype)
    spread_out = each.repeat(k, axis=-2).repeat(k, axis=-1)
    of_x[last(slice(n) for n in spread_out.shape[-2:])] = spread_out
    of_coefficient = of_maps(gradient * total, 2)
    return (of_x,), {"coefficient": of_coefficient, "bias": of_maps(gradient, 2)}


# -- cutting, pasting, resizing ------------------------------------------------------


@backs(windows.Unfold)
def unfold(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """The columns go back to their windows, overlaps added: fold."""
    sizes = one.kernel, one.dilation, one.padding, one.stride
    return (plain.fold(gradient, x.shape[-2:], *sizes),), {}


@backs(windows.Fold)
def fold(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """Each column gets what its window of the output got: unfold."""
    sizes = one.kernel, one.dilation, one.padding, one.stride
    return (plain.unfold(gradient, *sizes),), {}


@backs(windows.PixelShuffle)
def pixel_shuffle(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """The pixels go back to their channels."""
    return (plain_resize.pixel_unshuffle(gradient, one.factor),), {}


@backs(windows.PixelUnshuffle)
def pixel_unshuffle(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """The channels go back to their pixels."""
    return (plain_resize.pixel_shuffle(gradient, one.factor),), {}


@backs(windows.Interpolate)
def interpolate(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """Linear, one axis after the other: of y = M x along an axis, Mᵀ g.

    Each axis's M is what the forward pass makes of the identity.
    """
    dims = x.ndim - 2
    sizes = spread(one.size, dims)
    scales = [f if f is None else float(settle(f)) for f in spread(one.scale, dims)]
    how = one.mode, one.align_corners, one.recompute
    for axis, (size, scale) in enumerate(zip(sizes, scales), 2):
        n = x.shape[axis]
        identity = np.eye(n)[None]
        turned = plain_resize.interpolate(identity, size, scale, *how)[0]  # n×o
        gradient = np.moveaxis(np.tensordot(gradient, turned, ([axis], [1])), -1, axis)
    return (gradient,), {}
