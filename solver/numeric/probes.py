"""Two typed trees that agree at ordinary points: do they far from them, and at kinks?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import numpy as np

from solver.expressions import matrix as m
from solver.expressions.nodes import Add, Expr
from solver.expressions.points import SCALES
from solver.numeric.prove import points, variables
from solver.numeric.trees import value

TRIES, CLOSE, EXACT = 3, 1e-6, 1e-13
SIDES = 6  # points of a seed with letters on both sides of 0


def differ_far(a: Expr, b: Expr) -> bool:
    """Whether they differ where the letters free of conditions are tiny or large."""
    free = {v.name for v in variables(a, b) if not v.flags}
    for scale in SCALES:
        slack = 1e-9 * max(1.0, scale) ** 2
        for x, y in values(a, b, dict.fromkeys(free, scale)):
            if np.all(np.isfinite(x)) and np.all(np.isfinite(y)):
                if not np.allclose(x, y, rtol=CLOSE, atol=slack):
                    return True
    return False


def differ_somewhere(a: Expr, b: Expr) -> bool:
    """Whether they differ at any of many seeded points: a kink may have all of the first
    few on one side."""
    many = (islice(points([a, b], seed), SIDES) for seed in range(0, 2000, 100))
    for arrays, size in chain.from_iterable(many):
        with np.errstate(all="ignore"):
            try:
                x, y = value(a, arrays, size), value(b, arrays, size)
            except (np.linalg.LinAlgError, ZeroDivisionError, OverflowError):
                continue
        if np.all(np.isfinite(x)) and np.all(np.isfinite(y)):
            if not np.allclose(x, y, rtol=CLOSE, atol=1e-9):
                return True
    return False


def differ_slightly(a: Expr, b: Expr) -> bool:
    """Whether their difference, like terms collected, is more than rounding of its terms."""
    left = m.sub(a, b)
    terms = left.args if isinstance(left, Add) else (left,)
    for arrays, size in islice(points([a, b]), TRIES):
        with np.errstate(all="ignore"):
            try:
                whole, *each = (np.asarray(value(e, arrays, size)) for e in (a, *terms))
            except np.linalg.LinAlgError:
                continue
        off, total = np.max(np.abs(sum(each))), max(np.max(np.abs(t)) for t in each)
        if off > max(1e-9 * total, EXACT * np.max(np.abs(whole))):
            return True
    return False


def differ_at_zero(a: Expr, b: Expr, name: str) -> bool:
    """Whether they differ where a letter is 0, or the second has no value there."""
    for x, y in values(a, b, {name: 0.0}):
        if np.all(np.isfinite(x)) and not np.allclose(x, y, rtol=CLOSE, atol=1e-9):
            return True
    return False


def values(a: Expr, b: Expr, scaled: dict[str, float]) -> Iterator[tuple[Any, Any]]:
    """The values of both at a few points, some letters multiplied."""
    for arrays, size in islice(points([a, b]), TRIES):
        moved = {k: v * scaled.get(k, 1.0) for k, v in arrays.items()}
        with np.errstate(all="ignore"):
            try:
                yield value(a, moved, size), value(b, moved, size)
            except (np.linalg.LinAlgError, ZeroDivisionError, OverflowError):
                continue
