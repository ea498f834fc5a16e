"""Products and lookups, forward and backward: linear, embedding, local response norm."""

from __future__ import annotations

import numpy as np

from solver.core import BadInput
from solver.numeric.fast.arrays import result
from solver.numeric.plain import Array

ROUNDS = 16  # how often a row may come until adding in rounds no longer pays


def rows(x: Array) -> Array:
    """All axes but the last as one: a row for each example, one product for all."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


def linear(
    x: Array, weight: Array, bias: Array | None = None, out: Array | None = None
) -> Array:
    """y = x Wᵀ + b, on the last axis."""
    if out is not None:
        out = result(x, (*x.shape[:-1], len(weight)), out)
    flat = rows(x)
    direct = out is not None and out.flags.c_contiguous
    into = rows(out) if out is not None and direct else None
    y = np.matmul(flat, weight.T, out=into)
    if bias is not None:
        y += bias
    if out is None:
        return y if x.ndim == 2 else y.reshape(*x.shape[:-1], len(weight))
    if not direct:
        out[...] = y.reshape(out.shape)
    return out


def linear_back(
    gradient: Array, x: Array, weight: Array, bias: bool = True
) -> tuple[Array, dict[str, Array]]:
    """∂L/∂x = G W, ∂L/∂W = Gᵀ X, ∂L/∂b = the sum of G's rows (a product with ones)."""
    g = rows(gradient)
    of_weights = {"weight": g.T @ rows(x)}
    if bias:
        of_weights["bias"] = np.ones(len(g), g.dtype) @ g
    return (g @ weight).reshape(x.shape), of_weights


def embedding(x: Array, weight: Array, out: Array | None = None) -> Array:
    """Each index replaced by its row of the weight."""
    if x.size and (x.min() < 0 or x.max() >= len(weight)):
        raise BadInput(
            f"indices go from {x.min()} to {x.max()}, the table's rows from 0 to "
            f"{len(weight) - 1}"
        )
    if out is not None:
        out = result(weight, (*x.shape, weight.shape[1]), out)
    return np.take(weight, x, axis=0, out=out)


def embedding_back(gradient: Array, x: Array, count: int) -> Array:
    """A row gets the sum of ∂L/∂y wherever it was looked up.

    Sorted by row. In rounds, the first of each row, then the second, …: in a round no row
    comes twice, so it is one indexed addition. Where a row comes too often for that, the
    gradients of each row, which lie together, are added by `reduceat`.
    """
    g, flat = rows(gradient), x.reshape(-1)
    found = np.zeros((count, g.shape[1]), g.dtype)
    if not flat.size:
        return found
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[starts, flat.size])
    if lengths.max() > ROUNDS:
        found[ordered[starts]] = np.add.reduceat(g[order], starts, axis=0)
        return found
    for i in range(lengths.max()):
        some = starts[lengths > i] + i
        found[ordered[some]] += g[order[some]]
    return found


# -- local response norm -------------------------------------------------------------


def near(x: Array, before: int, behind: int) -> Array:
    """Σ over the channels c − before … c + behind, the outer ones left out."""
    y, channels = x.copy(order="K"), x.shape[1]
    for i in range(1, min(before, channels - 1) + 1):
        y[:, i:] += x[:, :-i]
    for i in range(1, min(behind, channels - 1) + 1):
        y[:, :-i] += x[:, i:]
    return y


def to_minus(d: Array, beta: float) -> Array:
    """d^−β; for the usual 3/4 by square roots, which are faster."""
    if beta != 0.75:
        return d**-beta
    root = np.sqrt(d)
    return 1 / (root * np.sqrt(root))


def local_response_norm(
    x: Array,
    size: int = 5,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1,
    out: Array | None = None,
) -> tuple[Array, tuple[Array, Array]]:
    """x/(k + α/n · Σ x²)^β over n neighbouring channels; and what goes to the way back."""
    y = result(x, x.shape, out)
    d = near(x * x, size // 2, (size - 1) // 2)
    d *= alpha / size
    d += k
    power = to_minus(d, beta)
    np.multiply(x, power, out=y)
    return y, (d, power)


def local_response_norm_back(
    gradient: Array,
    x: Array,
    saved: tuple[Array, Array],
    size: int = 5,
    alpha: float = 1e-4,
    beta: float = 0.75,
) -> Array:
    """g/D^β − 2 (α β/n) x Σ g x/D^(β+1), over the c that read x: neighbours mirrored."""
    d, power = saved
    each = gradient * x
    each *= power
    each /= d
    through = near(each, (size - 1) // 2, size // 2)
    through *= x
    through *= -2 * alpha * beta / size
    through += gradient * power
    return through
