"""Losses at the end of a network, each with its gradient by the network's output.

Names, targets and reductions are PyTorch's. A loss is a function of the output and its
target that gives the loss of each sample (cross-entropy) or value (the others), and the
gradient of each of these by its own inputs; `loss` adds them up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.numeric.plain import Array
from solver.numeric.plain_layers import log_softmax, sigmoid, softplus
from solver.registry import unknown

Each = tuple[
    Array, Array
]  # the losses, and ∂(each)/∂(its inputs) in the output's shape

LEAST_LOG = -100  # PyTorch cuts ln p off here, and p(1 − p) at LEAST
LEAST = 1e-12


def loss(
    name: str, y: Array, target: Any = None, reduction: str = "mean"
) -> tuple[Any, Array]:
    """The loss and ∂L/∂y.

    `reduction`: mean (of cross-entropy over the samples, of the others over all values),
    sum, or none: the losses themselves, and the gradient of each by its own inputs.
    """
    if name not in LOSSES:
        raise unknown("loss", name, list(LOSSES))
    each, slope = LOSSES[name](y, target)
    if name == "sum" or reduction == "sum":
        return each.sum(), slope
    if reduction == "mean":
        if not each.size:
            raise BadInput("there is no mean of no losses: the output is empty")
        return each.sum() / each.size, slope / each.size
    if reduction != "none":
        raise unknown("reduction", reduction, ["mean", "sum", "none"])
    return each, slope


def cross_entropy(logits: Array, target: Array) -> Each:
    """−Σ_k t_k ln softmax(z)_k; by the logits p − t.

    Logits are N×C (×sides), or C alone. The target is the class of each sample, or
    probabilities in the logits' shape.
    """
    axis = 1 if logits.ndim > 1 else 0
    t = one_hot(logits, np.asarray(target), axis)
    log_p = log_softmax(logits, axis)
    # p Σ t is p where the target's probabilities add up to 1
    slope = np.exp(log_p) * t.sum(axis=axis, keepdims=True) - t
    return -(t * log_p).sum(axis=axis), slope


def one_hot(logits: Array, target: Array, axis: int) -> Array:
    """A 1 at each sample's class; probabilities are left as they are."""
    if target.shape == logits.shape:
        return target
    samples = (*logits.shape[:axis], *logits.shape[axis + 1 :])
    classes = logits.shape[axis]
    if target.shape != samples or target.dtype.kind not in "iu":
        raise BadInput(
            f"the target is a class for each of {samples} samples, or probabilities of "
            f"the shape {logits.shape}, not {target.dtype} of the shape {target.shape}"
        )
    if target.size and not 0 <= target.min() <= target.max() < classes:
        raise BadInput(f"classes go from 0 to {classes - 1}, not to {target.max()}")
    return np.moveaxis(np.eye(classes)[target], -1, axis)


def bce_with_logits(logits: Array, target: Array) -> Each:
    """−t ln σ(z) − (1 − t) ln(1 − σ(z)); by the logit σ(z) − t."""
    t = alike(logits, target)
    return softplus(logits) - t * logits, sigmoid(logits) - t


def bce(p: Array, target: Array) -> Each:
    """−t ln p − (1 − t) ln(1 − p); by the probability (p − t)/(p (1 − p)).

    As in PyTorch ln is cut off at −100, and p (1 − p) at 10⁻¹².
    """
    t = alike(p, target)
    if p.size and not 0 <= p.min() <= p.max() <= 1:
        raise BadInput(
            "binary cross-entropy takes probabilities from 0 to 1, not "
            f"{p.min():.3g} to {p.max():.3g}: put a sigmoid last, or take bce-with-logits"
        )
    with np.errstate(divide="ignore"):
        yes, no = (np.maximum(np.log(q), LEAST_LOG) for q in (p, 1 - p))
    return -t * yes - (1 - t) * no, (p - t) / np.maximum(p * (1 - p), LEAST)


def mse(y: Array, target: Array) -> Each:
    """(y − t)²; by y 2 (y − t). No factor ½, as in PyTorch."""
    apart = y - alike(y, target)
    return apart * apart, 2 * apart


def total(y: Array, target: Any = None) -> Each:
    """Σ y, which has no target: every value's gradient is 1."""
    return y, np.ones_like(y)


def alike(y: Array, target: Any) -> Array:
    """The target, if it has the output's shape."""
    t = np.asarray(target)
    if t.shape != y.shape:
        raise BadInput(f"the target has the output's shape {y.shape}, not {t.shape}")
    return t


LOSSES: dict[str, Callable[[Array, Any], Each]] = {
    "cross-entropy": cross_entropy,
    "bce-with-logits": bce_with_logits,
    "bce": bce,
    "mse": mse,
    "sum": total,
}


def random_target(name: str, y: Array, random: np.random.Generator) -> Any:
    """A target that fits the output: classes, zeros and ones, or normal values."""
    if name == "cross-entropy":
        axis = 1 if y.ndim > 1 else 0
        samples = (*y.shape[:axis], *y.shape[axis + 1 :])
        return random.integers(0, y.shape[axis], samples)
    if name in ("bce", "bce-with-logits"):
        return random.integers(0, 2, y.shape)
    return random.normal(size=y.shape)
