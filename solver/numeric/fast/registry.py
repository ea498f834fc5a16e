"""Which layers run fast: by class, as `leaves.RUNS` and `backward.PULLS` are.

FAST_RUNS has (layer, held, *inputs) -> y. FAST_PULLS has (layer, held, *inputs) -> (y,
the function from ∂L/∂y to the gradients), with what the way back needs kept from the
forward pass. A layer, or a type of number, that is not here goes to its plain definition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from solver.networks import dense
from solver.networks.combine import join
from solver.networks.layers import Layer
from solver.numeric.fast.arrays import floats
from solver.numeric.leaves import Held, Run
from solver.numeric.plain import Array

FAST_RUNS: dict[type[Layer], Run] = {}
FAST_PULLS: dict[type[Layer], Run] = {}
LOOKS_UP: set[type[Layer]] = {dense.Embedding}  # its inputs are indices


def fast_runs(*kinds: type[Layer]) -> Callable[[Run], Run]:
    """Registers how layers of these classes run fast."""

    def register(run: Run) -> Run:
        FAST_RUNS.update(dict.fromkeys(kinds, run))
        return run

    return register


def fast_pulls(*kinds: type[Layer]) -> Callable[[Run], Run]:
    """Registers how these run and go back: (y, ∂L/∂y to (∂L/∂x's, ∂L/∂w by local name)).

    ∂L/∂y is brought to y's type, and the weights' names get their path.
    """

    def register(pull: Run) -> Run:
        def pulled(one: Any, held: Held, *inputs: Array) -> Any:
            y, way = pull(one, held, *inputs)

            def back(gradient: Any) -> Any:
                of_inputs, found = way(np.asarray(gradient, y.dtype))
                return of_inputs, {join(held.path, n): g for n, g in found.items()}

            return y, back

        FAST_PULLS.update(dict.fromkeys(kinds, pulled))
        return pull

    return register


def same_floats(
    kind: type[Layer], held: Held, names: Iterable[str], inputs: Any
) -> bool:
    """Whether inputs and tensors are all float32, or all float64."""
    tensors = [held[name] for name in names]
    return floats(*tensors) if kind in LOOKS_UP else floats(*inputs, *tensors)


def as_type(y: Any, kind: Any) -> Any:
    """Floating-point arrays brought to this type: what a plain definition gave, nested."""
    if isinstance(y, tuple):
        return tuple(as_type(part, kind) for part in y)
    if y is None or y.dtype.kind != "f":
        return y
    return y.astype(kind, copy=False)
