"""How each layer runs fast: its hyper-parameters handed to the functions here.

Entries of `registry`; not here, and so run by their plain definitions (in the input's
type, as everything is): merging, reshaping, bilinear and matrix products, RBF, LeNet-5's
layers, unfold, fold, pixel shuffling, resizing, recurrent layers, attention.
"""

from __future__ import annotations

from math import inf
from typing import Any

from solver.networks import dense, norm, pointwise, pool
from solver.numeric.fast import cells, norms, passes, pooling
from solver.numeric.fast import dense as products
from solver.numeric.fast import pointwise as values
from solver.numeric.fast.registry import fast_pulls, fast_runs
from solver.numeric.leaves import Held
from solver.numeric.plain import Array, spread

# -- pooling -------------------------------------------------------------------------


def settings(one: Any) -> tuple[Any, Any]:
    """Kernel and stride, a size for each side."""
    kernel = spread(one.kernel, one.dims)
    return kernel, kernel if one.stride is None else one.stride


def average_settings(one: Any) -> tuple[Any, ...]:
    """What average pooling takes, forward and back."""
    rest = one.padding, one.ceil_mode, one.count_include_pad, one.divisor_override
    return (*settings(one), *rest)


def lp_settings(one: Any) -> tuple[Any, ...]:
    """What LP pooling takes, forward and back."""
    return (*settings(one), one.ceil_mode, float(one.norm_type))


@fast_runs(pool.Pool)
def pooled(one: Any, held: Held, x: Array) -> Array:
    if one.mode == "max":
        rest = one.padding, one.dilation, one.ceil_mode
        return pooling.max_pool(x, *settings(one), *rest)
    if one.mode == "avg":
        return pooling.average_pool(x, *average_settings(one))
    return cells.lp_pool(x, *lp_settings(one))


@fast_pulls(pool.Pool)
def pooled_back(one: Any, held: Held, x: Array) -> Any:
    sides = x.shape[-one.dims :]
    if one.mode == "avg":
        how = average_settings(one)
        y = pooling.average_pool(x, *how)
        return y, lambda g: ((pooling.average_pool_back(g, sides, *how),), {})
    if one.mode == "lp" and one.norm_type != inf:
        p = lp_settings(one)
        y = cells.lp_pool(x, *p)
        return y, lambda g: ((cells.lp_pool_back(g, x, y, *p),), {})
    lines = passes.lines_of(x, *settings(one), one.padding, one.dilation, one.ceil_mode)
    return winners(x, lines)


def winners(x: Array, lines: Any) -> Any:
    """Max pooling, and its way back through the positions."""
    y, places = pooling.largest(x, lines, indices=True)
    overlapping = any(line.overlapping for line in lines)
    sides = x.shape[-len(lines) :]

    def back(g: Array) -> Any:
        return (pooling.max_pool_back(g, places, sides, overlapping),), {}

    return y, back


@fast_runs(pool.AdaptivePool)
def adaptive(one: Any, held: Held, x: Array) -> Array:
    return cells.adaptive_pool(x, spread(one.output, one.dims), one.mode)


@fast_pulls(pool.AdaptivePool)
def adaptive_back(one: Any, held: Held, x: Array) -> Any:
    output = spread(one.output, one.dims)
    if one.mode == "max":
        return winners(x, cells.lines_to(x, output))
    y = cells.adaptive_pool(x, output)
    return y, lambda g: ((cells.adaptive_pool_back(g, x, output),), {})


# -- products ------------------------------------------------------------------------


@fast_runs(dense.Linear)
def linear(one: Any, held: Held, x: Array) -> Array:
    return products.linear(x, held["weight"], held.get("bias"))


@fast_pulls(dense.Linear)
def linear_back(one: Any, held: Held, x: Array) -> Any:
    weight, bias = held["weight"], held.get("bias")

    def back(g: Array) -> Any:
        of_x, of_weights = products.linear_back(g, x, weight, bias is not None)
        return (of_x,), of_weights

    return products.linear(x, weight, bias), back


@fast_runs(dense.Embedding)
def embedding(one: Any, held: Held, x: Array) -> Array:
    return products.embedding(x, held["weight"])


@fast_pulls(dense.Embedding)
def embedding_back(one: Any, held: Held, x: Array) -> Any:
    table = held["weight"]

    def back(g: Array) -> Any:
        found = products.embedding_back(g, x, len(table))
        if one.padding_idx is not None:
            found[one.padding_idx] = 0
        return (None,), {"weight": found}

    return products.embedding(x, table), back


# -- norms ---------------------------------------------------------------------------


def affine(held: Held) -> tuple[Array | None, Array | None]:
    return held.get("gamma"), held.get("beta")


def learned(held: Held, found: dict[str, Array]) -> dict[str, Array]:
    """The gradients by those of γ and β that the layer has."""
    return {name: g for name, g in found.items() if held.get(name) is not None}


@fast_runs(norm.BatchNorm)
def batch_norm(one: Any, held: Held, x: Array) -> Array:
    mean, variance = held.get("mean"), held.get("variance")
    if held.training or mean is None or variance is None:
        return norms.batch_norm(x, *affine(held))[0]
    return norms.batch_norm_stored(x, *affine(held), mean, variance)


@fast_pulls(norm.BatchNorm)
def batch_norm_back(one: Any, held: Held, x: Array) -> Any:
    gamma, beta = affine(held)
    mean, variance = held.get("mean"), held.get("variance")
    if held.training or mean is None or variance is None:
        y, saved = norms.batch_norm(x, gamma, beta)
        way = lambda g: norms.batch_norm_back(g, saved, gamma)  # noqa: E731
    else:
        y = norms.batch_norm_stored(x, gamma, beta, mean, variance)
        stored = x, gamma, mean, variance
        way = lambda g: norms.batch_norm_stored_back(g, *stored)  # noqa: E731
    return y, back_with(held, way)


def back_with(held: Held, way: Any) -> Any:
    """A norm's way back as the registry wants it."""

    def back(g: Array) -> Any:
        of_x, found = way(g)
        return (of_x,), learned(held, found)

    return back


@fast_runs(norm.InstanceNorm, norm.GroupNorm)
def group_norm(one: Any, held: Held, x: Array) -> Array:
    return norms.group_norm(x, groups(one, x), *affine(held))[0]


@fast_pulls(norm.InstanceNorm, norm.GroupNorm)
def group_norm_back(one: Any, held: Held, x: Array) -> Any:
    gamma, beta = affine(held)
    y, saved = norms.group_norm(x, groups(one, x), gamma, beta)
    return y, back_with(held, lambda g: norms.group_norm_back(g, saved, gamma))


def groups(one: Any, x: Array) -> int:
    """Of instance norm each channel is one."""
    return x.shape[1] if isinstance(one, norm.InstanceNorm) else one.groups


@fast_runs(norm.LayerNorm, norm.RMSNorm)
def layer_norm(one: Any, held: Held, x: Array) -> Array:
    return last_axes(one)[0](x, len(one.normalised(x.shape)), *affine(held))[0]


@fast_pulls(norm.LayerNorm, norm.RMSNorm)
def layer_norm_back(one: Any, held: Held, x: Array) -> Any:
    there, again = last_axes(one)
    (gamma, beta), dims = affine(held), len(one.normalised(x.shape))
    y, saved = there(x, dims, gamma, beta)
    return y, back_with(held, lambda g: again(g, saved, gamma, dims))


def last_axes(one: Any) -> Any:
    """The functions of layer norm, or of RMS norm."""
    if isinstance(one, norm.RMSNorm):
        return norms.rms_norm, norms.rms_norm_back
    return norms.layer_norm, norms.layer_norm_back


@fast_runs(norm.LocalResponseNorm)
def local_response_norm(one: Any, held: Held, x: Array) -> Array:
    return products.local_response_norm(x, one.size)[0]


@fast_pulls(norm.LocalResponseNorm)
def local_response_norm_back(one: Any, held: Held, x: Array) -> Any:
    y, saved = products.local_response_norm(x, one.size)
    way = products.local_response_norm_back
    return y, lambda g: ((way(g, x, saved, one.size),), {})


# -- value by value ------------------------------------------------------------------


@fast_runs(pointwise.Activation)
def activation(one: Any, held: Held, x: Array) -> Array:
    return values.activation(x, one.function, held.get("slope"))


@fast_pulls(pointwise.Activation)
def activation_back(one: Any, held: Held, x: Array) -> Any:
    slope = held.get("slope")
    y = values.activation(x, one.function, slope)

    def back(g: Array) -> Any:
        if slope is None:
            return (values.activation_back(g, x, y, one.function),), {}
        of_x, of_slope = values.prelu_back(g, x, slope)
        return (of_x,), {"slope": of_slope}

    return y, back


@fast_runs(pointwise.Dropout)
def dropout(one: Any, held: Held, x: Array) -> Array:
    if not held.training:
        return x
    return values.dropout(x, one.p, held.random, one.channels)[0]


@fast_pulls(pointwise.Dropout)
def dropout_back(one: Any, held: Held, x: Array) -> Any:
    if not held.training:
        return x, lambda g: ((g,), {})
    y, kept = values.dropout(x, one.p, held.random, one.channels)
    return y, lambda g: ((values.dropped(g, kept, one.p),), {})
