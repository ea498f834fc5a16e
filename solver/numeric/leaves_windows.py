"""How each layer with windows runs: convolutions, pooling, and what rearranges pixels.

Registered as in `leaves`: the layer, the tensors held for it, its input.
"""

from __future__ import annotations

from typing import Any

from solver.expressions.formula import settle
from solver.networks import classic, pool, windows
from solver.networks import conv as convolution
from solver.numeric import plain, plain_resize
from solver.numeric.leaves import Held, runs
from solver.numeric.plain import Array, spread


@runs(convolution.Conv)
def conv(one: Any, held: Held, x: Array) -> Array:
    return plain.conv(
        x,
        held["weight"],
        held.get("bias"),
        stride=one.stride,
        padding=0 if one.padding is None else one.padding,
        dilation=one.dilation,
        groups=one.groups,
        padding_mode=one.padding_mode,
    )


@runs(convolution.ConvTranspose)
def conv_transpose(one: Any, held: Held, x: Array) -> Array:
    return plain.conv_transpose(
        x,
        held["weight"],
        held.get("bias"),
        stride=one.stride,
        padding=one.padding,
        output_padding=one.output_padding,
        groups=one.groups,
        dilation=one.dilation,
    )


@runs(pool.Pool)
def pooling(one: Any, held: Held, x: Array) -> Array:
    divided = one.divisor_override is not None  # an average: the sum, by this number
    found = plain.pool(
        x,
        spread(one.kernel, one.dims),
        stride=one.stride,
        padding=one.padding,
        dilation=one.dilation,
        ceil_mode=one.ceil_mode,
        mode="lp" if divided else one.mode,
        count_include_pad=one.count_include_pad,
        norm_type=1 if divided else one.norm_type,
    )
    return found / one.divisor_override if divided else found


@runs(pool.AdaptivePool)
def adaptive_pool(one: Any, held: Held, x: Array) -> Array:
    return plain.adaptive_pool(x, spread(one.output, one.dims), one.mode)


@runs(classic.SparseConv)
def sparse_conv(one: Any, held: Held, x: Array) -> Array:
    weights: list[Array] = []
    biases: list[Array | None] = []
    for i, (maps, _) in enumerate(one.groups, 1):
        bias = held.get(f"bias{i}")
        weights += list(held[f"weight{i}"])
        biases += [None] * maps if bias is None else list(bias)
    return plain.sparse_conv(x, one.table(x.shape[-3]), weights, biases)


@runs(classic.Subsample)
def subsample(one: Any, held: Held, x: Array) -> Array:
    return plain.subsample(x, held["coefficient"], held.get("bias"), one.kernel)


@runs(windows.Unfold)
def unfold(one: Any, held: Held, x: Array) -> Array:
    return plain.unfold(x, one.kernel, one.dilation, one.padding, one.stride)


@runs(windows.Fold)
def fold(one: Any, held: Held, x: Array) -> Array:
    rest = one.dilation, one.padding, one.stride
    return plain.fold(x, one.output, one.kernel, *rest)


@runs(windows.PixelShuffle)
def pixel_shuffle(one: Any, held: Held, x: Array) -> Array:
    return plain_resize.pixel_shuffle(x, one.factor)


@runs(windows.PixelUnshuffle)
def pixel_unshuffle(one: Any, held: Held, x: Array) -> Array:
    return plain_resize.pixel_unshuffle(x, one.factor)


@runs(windows.Interpolate)
def interpolate(one: Any, held: Held, x: Array) -> Array:
    scale = one.scale
    if scale is not None:
        scale = tuple(float(settle(f)) for f in spread(scale, x.ndim - 2))
    rest = one.mode, one.align_corners, one.recompute
    return plain_resize.interpolate(x, one.size, scale, *rest)
