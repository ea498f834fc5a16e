"""Convolution layers, fast: the core's algorithms, forward and backward.

Each run makes the weight's transforms anew, since the weight may have been written to;
`running.Runner` and `Convolution` keep them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from solver.networks import conv
from solver.numeric.backward_windows import of_maps, unpad
from solver.numeric.convolution import operator
from solver.numeric.convolution.operator import Convolution
from solver.numeric.fast.registry import fast_pulls, fast_runs
from solver.numeric.leaves import Held
from solver.numeric.plain import Array, axes, last


def of_layer(
    one: conv.Conv,
    weight: Array,
    bias: Array | None,
    padding: Any = None,
    **how: Any,
) -> Convolution:
    """The layer's convolution, with this weight."""
    own: dict[str, Any] = {n: getattr(one, n) for n in ("stride", "dilation", "groups")}
    if padding is None:
        own["padding"] = 0 if one.padding is None else one.padding
        own["padding_mode"] = one.padding_mode
    else:
        own["padding"] = padding
    return Convolution(weight, bias, **own, **how)


def batched(x: Array, dims: int) -> Array:
    """With a batch of one where there is none."""
    return x if x.ndim == dims + 2 else x[None]


@fast_runs(conv.Conv)
def run(one: conv.Conv, held: Held, x: Array) -> Array:
    """Cross-correlation."""
    y = of_layer(one, held["weight"], held.get("bias"))(batched(x, one.dims))
    return y.reshape(y.shape[-x.ndim :])


@fast_pulls(conv.Conv)
def pull(one: conv.Conv, held: Held, x: Array) -> Any:
    """Padding that is not zeros is put around x first, and its gradient taken off last."""
    amounts: list[tuple[int, int]] = []
    inner = batched(x, one.dims)
    if one.padding_mode != "zeros":
        core = of_layer(one, held["weight"], held.get("bias"))
        amounts = [*zip(core.geometry.before, core.geometry.after)]
        inner = core.geometry.surrounded(inner)
    core = of_layer(one, held["weight"], held.get("bias"), 0 if amounts else None)
    y = core(inner)

    def back(gradient: Array) -> Any:
        g = batched(gradient, one.dims)
        of_x = core.by_input(g, inner.shape[2:])
        if amounts:
            of_x = unpad(of_x, amounts, one.padding_mode)
        found = {"weight": core.by_weight(inner, g)}
        if held.get("bias") is not None:
            found["bias"] = of_maps(g, one.dims)
        return (of_x.reshape(x.shape),), found

    return y.reshape(y.shape[-x.ndim :]), back


@fast_runs(conv.ConvTranspose)
def run_transposed(one: conv.ConvTranspose, held: Held, x: Array) -> Array:
    """The gradient by the input of the convolution with the same weight."""
    y = operator.conv_transpose(
        batched(x, one.dims), held["weight"], held.get("bias"), **sizes(one)
    )
    return y.reshape(y.shape[-x.ndim :])


def sizes(one: conv.ConvTranspose) -> dict[str, Any]:
    """The layer's sizes, as `conv_transpose` takes them."""
    names = "stride", "padding", "output_padding", "groups", "dilation"
    return {name: getattr(one, name) for name in names}


@fast_pulls(conv.ConvTranspose)
def pull_transposed(one: conv.ConvTranspose, held: Held, x: Array) -> Any:
    """Backward it is the convolution itself."""
    weight = held["weight"]
    y = run_transposed(one, held, x)
    kernel, stride, padding, dilation = axes(
        weight.shape[2:], one.stride, one.padding, one.dilation
    )
    core = Convolution(weight, stride=stride, dilation=dilation, groups=one.groups)

    def back(gradient: Array) -> Any:
        g, inner = batched(gradient, one.dims), batched(x, one.dims)
        # as far as the inputs were scattered, what the padding cut off filled with zeros
        whole = [
            (n - 1) * s + d * (k - 1) + 1
            for n, s, d, k in zip(inner.shape[2:], stride, dilation, kernel)
        ]
        met = np.zeros((*g.shape[:2], *whole), g.dtype)
        sides = zip(g.shape[2:], whole, padding)
        kept = [slice(p, min(p + n, w)) for n, w, p in sides]
        met[last(kept)] = g[last(slice(k.stop - k.start) for k in kept)]
        found = {"weight": core.by_weight(met, np.ascontiguousarray(inner))}
        if held.get("bias") is not None:
            found["bias"] = of_maps(g, one.dims)
        return (core(met).reshape(x.shape),), found

    return y, back
