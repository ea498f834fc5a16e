"""Weights before the first step, and how much memory a training takes.

Biases and β start at 0, γ and running variances at 1, running means at 0; products by
the rule that is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod, sqrt
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.networks import conv as convolution
from solver.networks.layers import Row
from solver.numeric.forward import Tensor, listed, unfit
from solver.numeric.memory import afford
from solver.numeric.plain import Array
from solver.registry import unknown

CONSTANT = {"gamma": 1, "beta": 0, "mean": 0, "variance": 1, "slope": 0.25}
TABLES = ("positions", "token")  # learned inputs: normal, of standard deviation 0.02


def he(fan_in: int, fan_out: int) -> float:
    """σ = √(2/fan_in) (arXiv:1502.01852): for ReLU, which halves the variance."""
    return sqrt(2 / fan_in)


def glorot(fan_in: int, fan_out: int) -> float:
    """σ = √(2/(fan_in + fan_out)) (Glorot and Bengio 2010): for tanh and the like."""
    return sqrt(2 / (fan_in + fan_out))


def zero(fan_in: int, fan_out: int) -> float:
    """σ = 0: all units of a layer stay equal, which is what it shows."""
    return 0.0


INITIAL = {"he": he, "glorot": glorot, "zero": zero}


def tensors(rows: list[Row]) -> Iterator[tuple[Tensor, tuple[int, ...]]]:
    """Each tensor, once, and its shape; sizes that are letters are refused."""
    seen: set[str] = set()
    for tensor in listed(rows):
        shape: Any = tensor.shape
        if not all(isinstance(n, int) for n in shape):
            raise unfit(tensor.name, shape, None)
        if tensor.name not in seen:
            seen.add(tensor.name)
            yield tensor, tuple(shape)


def learned(rows: list[Row]) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight that has a gradient: not those of side heads."""
    main = [row for row in rows if not row.beside]
    return {t.name: shape for t, shape in tensors(main) if t.learned}


def initial(
    rows: list[Row], how: str, random: np.random.Generator, dtype: Any = np.float32
) -> dict[str, Array]:
    """Every tensor of the network before training: normal values of the rule's σ."""
    if how not in INITIAL:
        raise unknown("initialisation", how, list(INITIAL))
    found: dict[str, Array] = {}
    for (whole, name, row, *_), shape in tensors(rows):
        if name == "patterns":
            raise BadInput(
                f"{whole} is a fixed table of patterns, which is not learned: end the "
                "network with linear instead of rbf"
            )
        if name in CONSTANT or "bias" in name:
            found[whole] = np.full(shape, CONSTANT.get(name, 0), dtype)
            continue
        sigma = 0.02 if name in TABLES else INITIAL[how](*fans(row, shape))
        drawn = random.standard_normal(shape)
        found[whole] = (
            (sigma * drawn).astype(dtype) if sigma else np.zeros(shape, dtype)
        )
    return found


def fans(row: Row, shape: tuple[int, ...]) -> tuple[int, int]:
    """(weighted inputs that an output reads, outputs that an input reaches)."""
    if len(shape) < 2:  # a coefficient a channel: the layer knows what it reads
        fan = max(int(row.layer.fan_in(*row.inputs)), 1)
        return fan, 1
    first, second, *kernel = shape
    into, out = second * prod(kernel), first * prod(kernel)
    if isinstance(row.layer, convolution.ConvTranspose):  # C_in first
        into, out = out, into
    return max(into, 1), max(out, 1)


# -- memory --------------------------------------------------------------------------


def estimate(rows: list[Row], states: int, itemsize: int) -> int:
    """Bytes that training takes at least.

    The weights, their gradients, the best weights so far, the optimiser's `states` arrays
    of the same size, and every layer's output on a batch twice: forward and backward.
    """
    weights = sum(prod(shape) for _, shape in tensors(rows))
    values = prod(rows[0].inputs[0]) + sum(prod(row.out) for row in rows)
    return itemsize * (weights * (3 + states) + 2 * values)


def affordable(rows: list[Row], states: int, itemsize: int, batch: int) -> int:
    """The estimate; refused if it is more than there is."""
    needed = estimate(rows, states, itemsize)
    instead = f"take a smaller network, or a batch smaller than {batch}"
    afford(needed, "training would take about", instead)
    return needed
