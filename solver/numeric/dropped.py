"""A training pass through dropout with p = 1: what comes out of it, and what is sent back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from solver.networks.layers import Layer
from solver.numeric.backward import pulled
from solver.numeric.forward import random_weights
from solver.numeric.plain import Array


def zeros(
    layer: Layer,
    shape: tuple[int, ...],
    before: Collection[str],
    name: str,
    seed: int = 2,
) -> bool:
    """Whether in training the output of the dropout called `name` is 0, and so is each
    gradient by the weights of the layers `before` it; and whether without dropout it is not."""
    random = np.random.default_rng(seed)
    x = random.standard_normal(shape)
    weights = random_weights(layer, shape, seed=seed)

    def largest(training: bool) -> tuple[float, float]:
        outputs: dict[str, Array] = {}

        def seen(one: Layer, path: str, inputs: Any, y: Array) -> None:
            outputs[path] = y

        y, back = pulled(
            layer, x, weights=weights, training=training, seed=seed, seen=seen
        )
        _, of = back(random.standard_normal(np.shape(y)))
        met = [
            np.max(np.abs(g)) for w, g in of.items() if w.rpartition(".")[0] in before
        ]
        return float(np.max(np.abs(outputs[name]))), float(max(met, default=0))

    return largest(True) == (0, 0) and (not before or min(largest(False)) > 0)
