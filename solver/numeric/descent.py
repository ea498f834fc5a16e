"""Plain gradient descent on typed trees, from zero: when each parameter first moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from solver.core import CheckFailed
from solver.expressions.matrix import Var
from solver.expressions.nodes import Expr
from solver.numeric.prove import draw, sizes, variables
from solver.numeric.trees import differences, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EXACT = 1e-12  # what is 0 by structure is 0 up to the rounding of sums


def descend(
    loss: Expr, gradients: Mapping[Var, Expr], steps: int, rate: float, seed: int = 3
) -> tuple[dict[str, int], dict[str, bool]]:
    """(the step at which each parameter first moves; whether all its units are equal at
    the end) of descent from all-zero parameters on seeded data.

    The gradients are the formulas at hand; at the last step they are held against central
    differences of the loss. Raises CheckFailed if those differ.
    """
    trees = [loss, *gradients.values()]
    size = sizes(trees)
    rng = np.random.default_rng(seed)
    known = {v.name: v for v in variables(*trees)} | {p.name: p for p in gradients}
    arrays: dict[str, Any] = {n: draw(v, size, rng) for n, v in known.items()}
    for p in gradients:
        arrays[p.name] = arrays[p.name] * 0.0
    moved: dict[str, int] = {}
    for step in range(1, steps + 1):
        slopes = {p: value(g, arrays, size) for p, g in gradients.items()}
        for p, g in slopes.items():
            if p.name not in moved and np.max(np.abs(g)) > EXACT:
                moved[p.name] = step
            arrays[p.name] = arrays[p.name] - rate * g
    for p, g in gradients.items():
        found = value(g, arrays, size)
        if p.name not in moved:  # at a kink, where a difference quotient says nothing
            continue

        def at(x: Any, name: str = p.name) -> Any:
            return value(loss, {**arrays, name: x}, size)

        wanted = differences(at, arrays[p.name])
        if not np.allclose(found, wanted, rtol=1e-4, atol=1e-7):
            raise CheckFailed(f"the gradient by {p.name} does not hold after the descent")
    return moved, {p.name: units_equal(arrays[p.name]) for p in gradients}


def units_equal(x: Any) -> bool:
    """Whether all columns, or all rows, of a parameter are the same."""
    if np.ndim(x) == 0:
        return False
    by_column = np.max(np.abs(x - x[:, :1])) <= EXACT and x.shape[1] > 1
    by_row = np.max(np.abs(x - x[:1])) <= EXACT and x.shape[0] > 1
    return bool(by_column or by_row)


def one_step(
    loss: Expr, assignments: Sequence[tuple[Any, Expr]], params: Sequence[Var]
) -> bool:
    """Whether assignments run in order move each parameter by −α·∂loss/∂parameter, at
    several seeded points: where a ReLU is off nothing moves, which says nothing."""
    return all(moves(loss, assignments, params, seed) for seed in range(5, 13))


def moves(
    loss: Expr, assignments: Sequence[tuple[Any, Expr]], params: Sequence[Var], seed: int
) -> bool:
    """The same at one point."""
    trees = [loss, *(rhs for _, rhs in assignments)]
    size = sizes(trees)
    rng = np.random.default_rng(seed)
    start: dict[str, Any] = {v.name: draw(v, size, rng) for v in variables(*trees)}
    arrays = dict(start)
    for left, right in assignments:
        arrays[left.name] = value(right, arrays, size)
    for p in params:

        def at(x: Any, name: str = p.name) -> Any:
            return value(loss, {**start, name: x}, size)

        wanted = start[p.name] - start["alpha"] * differences(at, start[p.name])
        if np.shape(arrays[p.name]) != np.shape(start[p.name]):
            return False
        if not np.allclose(arrays[p.name], wanted, rtol=1e-5, atol=1e-7):
            return False
    return True


def same_by_lines(lines: Sequence[tuple[str, Expr]], found: Expr) -> bool:
    """Whether lines run one after the other end in the values of a formula, at seeded
    points."""
    trees = [found, *(rhs for _, rhs in lines)]
    names = {name for name, _ in lines}
    size = sizes(trees)
    for seed in range(5, 13):
        rng = np.random.default_rng(seed)
        leaves = [v for v in variables(*trees) if v.name not in names]
        arrays: dict[str, Any] = {v.name: draw(v, size, rng) for v in leaves}
        wanted = value(found, arrays, size)
        last: Any = None
        for name, rhs in lines:
            arrays[name] = last = value(rhs, arrays, size)
        if not np.allclose(last, wanted, rtol=1e-10, atol=1e-12):
            return False
    return True
