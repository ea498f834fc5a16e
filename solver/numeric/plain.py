"""Layers with windows as the textbook defines them: convolution, pooling, unfold, fold.

Arrays are C×sides with any axes before (the batch), 1d to 3d. Written to be read: the
reference that faster code is held against. Arrays of Python's ints and Fractions (dtype
object) stay exact in everything here but LP pooling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import product
from math import inf, prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from solver.core import BadInput
from solver.networks.layers import per_axis
from solver.registry import unknown

Array = NDArray[Any]
Sides = int | tuple[int, ...]  # one for all axes, or one an axis
Spans = list[list[slice]]  # an axis: what each of its windows reads

# Which of n values stands at position i, before the first (i < 0) and behind the last.
SOURCE: dict[str, Callable[[int, int], int]] = {
    "zeros": lambda i, n: i if 0 <= i < n else n,  # a zero is put behind the values
    "reflect": lambda i, n: n - 1 - abs(n - 1 - abs(i)),  # 3 2 | 1 2 3 | 2 1
    "circular": lambda i, n: i % n,  # 2 3 | 1 2 3 | 1 2
    "replicate": lambda i, n: min(max(i, 0), n - 1),  # 1 1 | 1 2 3 | 3 3
}


def pad(x: Array, amounts: Sequence[tuple[int, int]], mode: str = "zeros") -> Array:
    """The last axes made longer by (before, after) each; negative amounts cut."""
    if mode not in SOURCE:
        raise unknown("padding mode", mode, list(SOURCE))
    for axis, (before, after) in enumerate(amounts, x.ndim - len(amounts)):
        n = x.shape[axis]
        sources = [SOURCE[mode](i, n) for i in range(-before, n + after)]
        zero = np.zeros((*x.shape[:axis], 1, *x.shape[axis + 1 :]), x.dtype)
        x = np.concatenate([x, zero], axis).take(sources, axis)
    return x


def windows(x: Array, kernel: Sides, stride: Sides = 1, dilation: Sides = 1) -> Array:
    """What each window reads: …×sides to …×positions×kernel (a view)."""
    ks, ss, ds = axes(kernel, stride, dilation)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(ks, ds))
    every = sliding_window_view(x, reach, axis=tuple(range(-len(ks), 0)))
    return every[last(slice(None, None, step) for step in (*ss, *ds))]


def last(indices: Iterable[slice | int]) -> Any:
    """The index that picks these along the last axes."""
    return (..., *indices)


def axes(kernel: Sides, *others: Any) -> list[tuple[int, ...]]:
    """One size an axis of each; the kernel, given for every axis, says how many."""
    ks = kernel if isinstance(kernel, tuple) else (kernel,)
    return [ks, *(spread(x, len(ks)) for x in others)]


def spread(x: Any, dims: int) -> Any:
    """One size an axis: 3 is (3, 3)."""
    return per_axis(x, dims, "a size")


def sides_of(x: Array, given: Any) -> int:
    """How many sides x has: as many as are given, or all behind N×C."""
    return len(given) if isinstance(given, tuple) else x.ndim - 2


# -- convolution ---------------------------------------------------------------------


def conv(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Sides = 1,
    padding: Sides | str = 0,
    dilation: Sides = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> Array:
    """Cross-correlation, y[o, i] = b[o] + Σ_c Σ_a w[o, c, a] · x[c, s·i + d·a − p].

    The weight is C_out×(C_in/groups)×kernel. "same" padding, d·(k − 1) in all, puts the
    smaller half first.
    """
    dims = weight.ndim - 2
    kernel = weight.shape[2:]
    (ds,) = axes(kernel, dilation)[1:]
    if padding == "same":
        whole = [d * (k - 1) for k, d in zip(kernel, ds)]
        amounts = [(p // 2, p - p // 2) for p in whole]
    elif isinstance(padding, str):
        if padding != "valid":
            raise BadInput(f"padding is a size, 'same' or 'valid', not {padding!r}")
        amounts = [(0, 0)] * dims
    else:
        amounts = [(p, p) for p in axes(kernel, padding)[1]]
    read = windows(pad(x, amounts, padding_mode), kernel, stride, dilation)

    channels = -2 * dims - 1  # of `read`: …×C×positions×kernel
    over = [channels, *range(-dims, 0)], [1, *range(2, dims + 2)]
    maps = [
        np.moveaxis(np.tensordot(part, filters, over), -1, -dims - 1)
        for part, filters in zip(
            np.split(read, groups, axis=channels), np.split(weight, groups)
        )
    ]
    return with_bias(np.concatenate(maps, axis=-dims - 1), bias, dims)


def conv_transpose(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Sides = 1,
    padding: Sides = 0,
    output_padding: Sides = 0,
    groups: int = 1,
    dilation: Sides = 1,
) -> Array:
    """Scatters: each x[c, i] adds x[c, i] · w[c, o, a] to y[o, s·i + d·a − p].

    The weight is C_in×(C_out/groups)×kernel. The padding is cut from both ends, output
    padding is added to the second one.
    """
    dims = weight.ndim - 2
    kernel, ss, ps, qs, ds = axes(
        weight.shape[2:], stride, padding, output_padding, dilation
    )
    sides = x.shape[-dims:]
    whole = [
        (n - 1) * s + d * (k - 1) + 1 + q
        for n, k, s, d, q in zip(sides, kernel, ss, ds, qs)
    ]
    maps = []
    for part, filters in zip(
        np.split(x, groups, axis=-dims - 1), np.split(weight, groups)
    ):
        lead = (*x.shape[: -dims - 1], filters.shape[1])
        y = np.zeros((*lead, *whole), np.result_type(x, weight))
        for tap in np.ndindex(*kernel):
            places = zip(tap, sides, ss, ds)
            met = [slice(d * a, d * a + s * (n - 1) + 1, s) for a, n, s, d in places]
            added = np.tensordot(part, filters[last(tap)], ([-dims - 1], [0]))
            y[last(met)] += np.moveaxis(added, -1, -dims - 1)
        maps.append(y)
    kept = [slice(p, n - p) for n, p in zip(whole, ps)]
    y = np.concatenate(maps, axis=-dims - 1)[last(kept)]
    return with_bias(y, bias, dims)


def with_bias(y: Array, bias: Array | None, dims: int) -> Array:
    """y with one number a channel added, if there is a bias."""
    return y if bias is None else y + bias.reshape(-1, *(1,) * dims)


def sparse_conv(
    x: Array, rows: Sequence[Sequence[int]], weights: Sequence[Array], biases: Any
) -> Array:
    """LeNet-5's C3: map i reads the input maps rows[i] only, through weights[i]."""
    maps = [
        conv(x[..., list(row), :, :], w[None], None if b is None else np.asarray([b]))
        for row, w, b in zip(rows, weights, biases)
    ]
    return np.concatenate(maps, axis=-3)


# -- pooling -------------------------------------------------------------------------


def pool(
    x: Array,
    kernel: Sides,
    stride: Sides | None = None,
    padding: Sides = 0,
    dilation: Sides = 1,
    ceil_mode: bool = False,
    mode: str = "max",
    count_include_pad: bool = True,
    norm_type: float = 2,
) -> Array:
    """The maximum, average or p-norm of each window, inside each channel.

    The maximum takes padding as −∞. The average divides by the values in the input and,
    unless told otherwise, in the padding, but never by what hangs over its end in
    ceil_mode. LP is (Σ xᵖ)^(1/p) over what is inside. One number as the kernel goes for
    every side of N×C×sides; a tuple, one an axis, takes C×sides too.
    """
    kernel = spread(kernel, sides_of(x, kernel))
    stride = kernel if stride is None else stride
    ks, ss, ps, ds = axes(kernel, stride, padding, dilation)
    inside: Spans = []
    counts = []  # an axis: by how many values the average of each window divides
    for n, k, s, p, d in zip(x.shape[-len(ks) :], ks, ss, ps, ds):
        reach = d * (k - 1) + 1
        starts = window_starts(n, reach, s, p, ceil_mode)
        taps = [range(start, start + reach, d) for start in starts]
        within = [[i for i in tap if 0 <= i < n] for tap in taps]
        inside.append([slice(t[0], t[-1] + 1, d) if t else slice(0) for t in within])
        end = n + p if count_include_pad else n
        first = -p if count_include_pad else 0
        counts.append([sum(first <= i < end for i in tap) for tap in taps])
    sizes = iter(product(*counts))
    reduce: dict[str, Callable[[Array], Array]] = {
        "max": lambda w: largest(w, len(ks)),
        "avg": lambda w: average(w, len(ks), prod(next(sizes))),
        "lp": lambda w: norm(w, len(ks), norm_type),
    }
    if mode not in reduce:
        raise unknown("pooling", mode, list(reduce))
    return each(x, inside, reduce[mode])


def window_starts(
    n: int, reach: int, stride: int, padding: int, ceil: bool = False
) -> list[int]:
    """Where windows start along n inputs with padding on both ends.

    Without ceil a window must end inside the padding. With it the last one may hang
    over, if it starts before the input's end and the one before left something over.
    """
    end = n + padding
    if not ceil:
        return list(range(-padding, end - reach + 1, stride))
    return [i for i in range(-padding, n, stride) if i - stride + reach < end]


def adaptive_pool(
    x: Array, output: int | None | tuple[int | None, ...], mode: str = "avg"
) -> Array:
    """Pools to a given output: cell i of o reads from ⌊i·n/o⌋ up to ⌈(i + 1)·n/o⌉."""
    dims = sides_of(x, output)
    cells: Spans = []
    for n, o in zip(x.shape[-dims:], spread(output, dims)):
        o = n if o is None else o
        cells.append([slice(i * n // o, -(-(i + 1) * n // o)) for i in range(o)])
    reduce: dict[str, Callable[[Array], Array]] = {
        "max": lambda w: largest(w, dims),
        "avg": lambda w: average(w, dims, prod(w.shape[-dims:])),
    }
    if mode not in reduce:
        raise unknown("adaptive pooling", mode, list(reduce))
    return each(x, cells, reduce[mode])


def each(x: Array, spans: Spans, reduce: Callable[[Array], Array]) -> Array:
    """`reduce` of every window, row by row; it keeps the axes, of size 1."""
    shape = (*x.shape[: -len(spans)], *map(len, spans))
    found = [reduce(x[last(at)]) for at in product(*spans)]
    return np.stack(found, -1).reshape(shape) if found else np.zeros(shape, x.dtype)


def largest(window: Array, dims: int) -> Array:
    """The maximum over the last axes; of nothing −∞, or an integer type's least."""
    over = tuple(range(-dims, 0))
    lowest = np.iinfo(window.dtype).min if window.dtype.kind in "iu" else -inf
    if 0 in window.shape[-dims:]:
        return np.full((*window.shape[:-dims], *(1,) * dims), lowest, window.dtype)
    return window.max(axis=over, keepdims=True)


def average(window: Array, dims: int, count: int) -> Array:
    """The sum over the last axes, divided by count; exact if the values are."""
    total = window.sum(axis=tuple(range(-dims, 0)), keepdims=True)
    return total * Fraction(1, count) if window.dtype == object else total / count


def norm(window: Array, dims: int, p: float) -> Array:
    """(Σ xᵖ)^(1/p) over the last axes; the maximum for p = ∞.

    An odd p takes signs along, as in PyTorch: not a number where the sum is negative.
    """
    if p == inf:
        return largest(window, dims)
    total = (window**p).sum(axis=tuple(range(-dims, 0)), keepdims=True)
    with np.errstate(invalid="ignore"):
        return total ** (1 / p)


def subsample(
    x: Array, coefficient: Array, bias: Array | None = None, kernel: int = 2
) -> Array:
    """LeNet-5's S2: the sum of each window times its map's coefficient, plus a bias."""
    total = windows(x, (kernel, kernel), kernel).sum(axis=(-2, -1))
    return with_bias(total * coefficient.reshape(-1, 1, 1), bias, 2)


# -- windows as columns --------------------------------------------------------------


def unfold(
    x: Array, kernel: Sides, dilation: Sides = 1, padding: Sides = 0, stride: Sides = 1
) -> Array:
    """im2col: N×C×H×W to N×(C·kernel)×L, a column a window, windows row by row."""
    kernel, ps = axes(spread(kernel, 2), padding)
    read = windows(pad(x, [(p, p) for p in ps]), kernel, stride, dilation)
    columns = np.moveaxis(read, (-2, -1), (-4, -3))  # …×C×kernel×positions
    *lead, c, kh, kw, h, w = columns.shape
    return columns.reshape(*lead, c * kh * kw, h * w)


def fold(
    x: Array,
    output: Sides,
    kernel: Sides,
    dilation: Sides = 1,
    padding: Sides = 0,
    stride: Sides = 1,
) -> Array:
    """col2im: each column goes back to its window of an H×W output; overlaps add up."""
    given = output, dilation, padding, stride
    kernel, sides, ds, ps, ss = axes(spread(kernel, 2), *given)
    counts = [
        len(window_starts(n, d * (k - 1) + 1, s, p))
        for n, k, d, p, s in zip(sides, kernel, ds, ps, ss)
    ]
    lead, channels = x.shape[:-2], x.shape[-2] // prod(kernel)
    columns = x.reshape(*lead, channels, *kernel, *counts)
    y = np.zeros((*lead, channels, *(n + 2 * p for n, p in zip(sides, ps))), x.dtype)
    for a, b in np.ndindex(*kernel):
        places = zip((a, b), counts, ss, ds)
        met = [slice(d * t, d * t + s * (m - 1) + 1, s) for t, m, s, d in places]
        y[last(met)] += columns[..., a, b, :, :]
    return pad(y, [(-p, -p) for p in ps])
