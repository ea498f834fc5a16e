"""What a layer gave: its shape, and whether all of it are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from solver.numeric.plain import Array


def shapes(y: Any) -> tuple[Any, ...]:
    """The output's shape; nested where it has several."""
    return tuple(map(shapes, y)) if isinstance(y, tuple) else np.shape(y)


def finite(x: Array) -> bool:
    """Whether every value is a number: neither NaN nor infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        # a sum is the quicker look; it may overflow where no value does
        return bool(np.isfinite(x.sum()) or np.isfinite(x).all())


def kind_of(x: Array) -> str:
    """NaN, or infinity where there is no NaN."""
    return "NaN" if np.isnan(x).any() else "infinity"
