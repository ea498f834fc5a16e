"""Results in the input's memory order, or `out`; blocks that fit the cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from solver.numeric.plain import Array
from solver.numeric.workspace import checked

FLOATS = {np.dtype(np.float32), np.dtype(np.float64)}
# Values of a block: enough to be worth its calls, few enough to stay in the cache.
BLOCK = 1 << 18


def floats(*arrays: Any) -> bool:
    """Whether all are arrays of the same type, float32 or float64."""
    kind = getattr(arrays[0], "dtype", None)
    if kind not in FLOATS:
        return False
    for a in arrays[1:]:  # noqa: SIM110 (all() takes longer)
        if getattr(a, "dtype", None) is not kind and a.dtype != kind:
            return False
    return True


def result(x: Array, shape: tuple[int, ...], out: Array | None) -> Array:
    """An array for the result, in x's type and memory order; `out` if it fits."""
    return np.empty_like(x, shape=shape) if out is None else checked(out, shape, x)


def blocks(x: Array, lead: int) -> Iterator[tuple[slice, ...]]:
    """Indices along the first `lead` axes that cut x into parts that fit the cache.

    Channels that lie side by side in memory are not cut apart.
    """
    whole = x.size <= BLOCK or lead == 0
    if whole or (lead == 1 and abs(x.strides[0]) <= x.itemsize):
        yield ()
        return
    step = BLOCK // (x.size // len(x))
    if step or lead == 1:
        step = max(step, 1)
        yield from ((slice(i, i + step),) for i in range(0, len(x), step))
        return
    for i in range(len(x)):
        yield from ((slice(i, i + 1), *rest) for rest in blocks(x[i], lead - 1))
