"""The chain rule of the norms: batch, layer, RMS, group, instance, local response.

Registered and called as in `backward_leaves`. ε is the forward pass's default.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from solver.networks import norm
from solver.numeric.backward_leaves import Gradients, backs, unstretched
from solver.numeric.leaves import Held
from solver.numeric.plain import Array
from solver.numeric.plain_layers import a_channel, standard

EPS = 1e-5


def of_standard(
    gradient: Array, x: Array, over: tuple[int, ...], eps: float = EPS
) -> Array:
    """∂L/∂x of x̂ = (x − μ)/√(σ² + ε), from ∂L/∂x̂; arXiv:1502.03167, section 3.

    x reaches x̂ on three paths: by itself, through the mean μ, and through the variance
    σ² of the m values that share them.
    """
    m = x[tuple(slice(None) if i in over else 0 for i in range(x.ndim))].size
    apart = x - x.mean(over, keepdims=True)
    root = np.sqrt(x.var(over, keepdims=True) + eps)
    of_variance = (gradient * apart).sum(over, keepdims=True) * (-1 / 2) * root**-3
    of_mean = -gradient.sum(over, keepdims=True) / root  # Σ(x − μ) is 0
    return gradient / root + of_variance * 2 * apart / m + of_mean / m


def of_affine(gradient: Array, y: Array) -> dict[str, Array]:
    """γ x̂ + β, one of each a channel: ∂L/∂γ = Σ g x̂, ∂L/∂β = Σ g."""
    over = (0, *range(2, y.ndim))
    return {"gamma": (gradient * y).sum(over), "beta": gradient.sum(over)}


def by_gamma(gradient: Array, gamma: Array | None) -> Array:
    """∂L/∂x̂ of γ x̂ + β, one γ a channel."""
    return gradient if gamma is None else gradient * a_channel(gamma, gradient)


@backs(norm.BatchNorm)
def batch_norm(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """In training through the batch's mean and variance as well; else these are constants."""
    mean, variance = held.get("mean"), held.get("variance")
    inner = by_gamma(gradient, held.get("gamma"))
    if held.training or mean is None or variance is None:
        over = (0, *range(2, x.ndim))
        y = standard(x, over, EPS)
        return (of_standard(inner, x, over),), of_affine(gradient, y)
    root = np.sqrt(a_channel(variance, x) + EPS)
    return (inner / root,), of_affine(gradient, (x - a_channel(mean, x)) / root)


@backs(norm.InstanceNorm)
def instance_norm(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """As batch norm in training, over the sides of each channel of each example."""
    over = tuple(range(2, x.ndim))
    inner = by_gamma(gradient, held.get("gamma"))
    return (of_standard(inner, x, over),), of_affine(gradient, standard(x, over, EPS))


@backs(norm.GroupNorm)
def group_norm(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """As batch norm in training, over neighbouring channels and the sides."""
    n, channels, *sides = x.shape
    apart = (n, one.groups, channels // one.groups, *sides)
    over = tuple(range(2, len(apart)))
    inner = by_gamma(gradient, held.get("gamma")).reshape(apart)
    of_x = of_standard(inner, x.reshape(apart), over).reshape(x.shape)
    y = standard(x.reshape(apart), over, EPS).reshape(x.shape)
    return (of_x,), of_affine(gradient, y)


@backs(norm.LayerNorm)
def layer_norm(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """As batch norm in training, over the last axes; γ and β have their shape."""
    shape, gamma = one.normalised(x.shape), held.get("gamma")
    over = tuple(range(-len(shape), 0))
    inner = gradient if gamma is None else gradient * gamma
    of_gamma = unstretched(gradient * standard(x, over, EPS), shape)
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    of_weights = {"gamma": of_gamma, "beta": unstretched(gradient, shape)}
    return (of_standard(inner, x, axes),), of_weights


@backs(norm.RMSNorm)
def rms_norm(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """x/r with r = √(mean of x² + ε): by itself, and through r, ∂r/∂x_j = x_j/(m r)."""
    shape, gamma = one.normalised(x.shape), held.get("gamma")
    over = tuple(range(-len(shape), 0))
    eps = float(np.finfo(np.result_type(x, np.float32)).eps)
    r = np.sqrt((x * x).mean(over, keepdims=True) + eps)
    inner = gradient if gamma is None else gradient * gamma
    of_x = inner / r - x * (inner * x).mean(over, keepdims=True) / r**3
    of_weights = {
        "gamma": unstretched(gradient * x / r, shape),
        "beta": unstretched(gradient, shape),
    }
    return (of_x,), of_weights


@backs(norm.LocalResponseNorm)
def local_response_norm(one: Any, held: Held, gradient: Array, x: Array) -> Gradients:
    """y_c = x_c/D_c^β, D_c = k + α/n Σ x_j² over neighbours j: by itself, and through D.

    ∂L/∂x_j = g_j/D_j^β − 2 (α β/n) x_j Σ g_c x_c/D_c^(β+1), over the c that j is near.
    """
    alpha, beta, k, size = 1e-4, 0.75, 1, one.size
    channels = x.shape[1]
    near = np.zeros((channels, channels), int)  # near[c, j]: c reads j
    for c in range(channels):
        near[c, max(0, c - size // 2) : c + (size - 1) // 2 + 1] = 1
    total = np.moveaxis(np.tensordot(near, x * x, ([1], [1])), 0, 1)
    d = k + alpha / size * total
    each = gradient * x / d ** (beta + 1)
    through = np.moveaxis(np.tensordot(near, each, ([0], [1])), 0, 1)
    return (gradient / d**beta - 2 * alpha * beta / size * x * through,), {}
