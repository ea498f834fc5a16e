"""Losses and their gradients in one go: softmax with cross-entropy, squared error.

Targets, reductions and label weights are PyTorch's. Each gives the loss and ∂L/∂y in
y's type; with reduction "none" the losses, and the gradient of each by its own inputs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from solver.core import BadInput
from solver.numeric.losses import alike
from solver.numeric.plain import Array
from solver.registry import unknown

REDUCTIONS = ["mean", "sum", "none"]


def cross_entropy(
    logits: Array, target: Array, reduction: str = "mean", weight: Array | None = None
) -> tuple[Any, Array]:
    """−w_t ln softmax(z)_t of each sample's class t; by the logits w_t (p − one-hot of t).

    Logits are N×C (×sides), or C alone; the target is a class for each sample. `weight`
    has one number a class; the mean divides by the sum of those that were used.
    """
    if reduction not in REDUCTIONS:
        raise unknown("reduction", reduction, REDUCTIONS)
    axis = 1 if logits.ndim > 1 else 0
    samples = (*logits.shape[:axis], *logits.shape[axis + 1 :])
    target, classes = np.asarray(target), logits.shape[axis]
    if target.shape != samples or target.dtype.kind not in "iu":
        raise BadInput(
            f"the target is a class for each of {samples} samples, not {target.dtype} "
            f"of the shape {target.shape}"
        )
    if target.size and not 0 <= target.min() <= target.max() < classes:
        worst = target.min() if target.min() < 0 else target.max()
        raise BadInput(f"classes go from 0 to {classes - 1}, not to {worst}")
    if reduction == "mean" and not target.size:
        raise BadInput("there is no mean of no losses: the output is empty")

    places = np.expand_dims(target, axis)
    p = logits - logits.max(axis=axis, keepdims=True)
    each = -np.take_along_axis(p, places, axis)
    np.exp(p, out=p)
    total = p.sum(axis=axis, keepdims=True)
    each += np.log(total)
    p /= total
    picked = np.take_along_axis(p, places, axis)
    np.put_along_axis(p, places, picked - 1, axis)
    count: Any = target.size
    if weight is not None:
        used = weight.astype(logits.dtype)[places]
        each *= used
        p *= used
        count = used.sum()
    each = each.squeeze(axis)
    if reduction == "none":
        return each, p
    if reduction == "sum":
        return each.sum(), p
    p *= p.dtype.type(1 / count)
    return each.sum() / p.dtype.type(count), p


def mse(y: Array, target: Array, reduction: str = "mean") -> tuple[Any, Array]:
    """(y − t)²; by y 2 (y − t). No factor ½, as in PyTorch."""
    if reduction not in REDUCTIONS:
        raise unknown("reduction", reduction, REDUCTIONS)
    apart = np.subtract(y, alike(y, target), dtype=y.dtype)
    if reduction == "none":
        return apart * apart, 2 * apart
    flat = apart.ravel("K")
    total = flat @ flat
    if reduction == "sum":
        apart *= 2
        return total, apart
    if not y.size:
        raise BadInput("there is no mean of no losses: the output is empty")
    apart *= y.dtype.type(2 / y.size)
    return total / y.dtype.type(y.size), apart
