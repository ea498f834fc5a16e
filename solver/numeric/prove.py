"""Derivatives proved by numbers: central differences at seeded points, sizes all distinct."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.expressions import matrix as m
from solver.expressions.nodes import Expr, walk
from solver.numeric.trees import differences, value

# One size each for the dimensions in order of appearance; XᵀX is regular for tall X, XXᵀ
# for wide X, so that two orders are tried.
SIZES = ((3, 4, 2, 5, 6, 7, 8, 9), (4, 3, 5, 2, 7, 6, 9, 8))
POINTS, CLOSE, NOISE, STEP = 2, 2e-5, 1e-8, 1e-5


def variables(*trees: Expr) -> list[m.Var]:
    """The variables of these trees, dimensions used as scalars left out."""
    found: dict[m.Var, None] = {}
    for e in trees:
        found.update(
            (n, None)
            for n in walk(e)
            if isinstance(n, m.Var) and "dimension" not in n.flags
        )
    return list(found)


def sizes(trees: Iterable[Expr], turn: int = 0) -> dict[str, int]:
    """A size for each dimension's name, all distinct, so that a transpose cannot hide."""
    names: dict[str, None] = {}
    for n in (n for e in trees for n in walk(e)):
        for d in m.sizes_named(n):
            names.update((part, None) for part in d.split("·"))
    return {name: SIZES[turn % 2][i % len(SIZES[0])] for i, name in enumerate(names)}


def draw(v: m.Var, size: Mapping[str, int], rng: Any) -> Any:
    """A random value that has the variable's properties; away from kinks at 0."""
    rows, cols = (int(size[d] if isinstance(d, str) and d in size else d) for d in v.args[1:3])
    x = rng.uniform(0.2, 1.2, (rows, cols)) * rng.choice([-1, 1], (rows, cols))
    flags = v.flags
    if "symmetric" in flags:
        x = (x + x.T) / 2
    if "posdef" in flags:
        x = x @ x.T + rows * np.eye(rows)
    elif flags & {"det-positive", "invertible"}:
        x = x + 2 * rows * np.eye(rows)
    if "positive" in flags:
        x = np.abs(x) + 0.3
    if "probability" in flags:
        x = np.abs(x) / 1.3
    if "sign" in flags:
        x = np.sign(x)
    if "onehot" in flags:  # a column, or each row of a matrix
        many = rows if cols == 1 else cols
        picked = np.eye(many)[rng.integers(many, size=1 if cols == 1 else rows)]
        x = picked.T if cols == 1 else picked
    if "prob" in flags:
        x = np.abs(x) / np.abs(x).sum()
    if "rowprob" in flags:
        x = np.abs(x) / np.abs(x).sum(axis=1, keepdims=True)
    if "colprob" in flags:
        x = np.abs(x) / np.abs(x).sum(axis=0, keepdims=True)
    if "small" in flags:
        x = 0.1 * x
    return float(x[0, 0]) if (rows, cols) == (1, 1) else x


def points(
    trees: Iterable[Expr], seed: int = 1
) -> Iterable[tuple[dict[str, Any], dict[str, int]]]:
    """Seeded points: arrays by variable, and the sizes; square matrices made regular at
    the second try, for expressions that need them so."""
    trees = list(trees)
    names = variables(*trees)
    for i in range(12):
        size = sizes(trees, i)
        rng = np.random.default_rng(seed + i)
        arrays = {v.name: draw(v, size, rng) for v in names}
        if i >= 6:  # some functions want positive arguments
            arrays = {k: np.abs(a) if np.ndim(a) and not isinstance(a, float) else abs(a)
                      for k, a in arrays.items()}  # fmt: skip
        yield arrays, size


def gradient_holds(f: Expr, x: m.Var, g: Expr) -> bool:
    """Whether g is ∂f/∂x at seeded points, by central differences. BadInput if f has a
    value at none of them."""
    tied = bool(x.flags & {"symmetric", "posdef"})
    met = tried = 0
    with np.errstate(all="ignore"):
        for arrays, size in points([f, g, x]):

            def at(
                v: Any, arrays: dict[str, Any] = arrays, size: dict[str, int] = size
            ) -> Any:
                return value(f, {**arrays, x.name: v}, size)

            slope = symmetric_slope if tied else differences
            try:
                wanted = slope(at, arrays[x.name])
                found = np.asarray(value(g, arrays, size), dtype=float)
            except np.linalg.LinAlgError:
                continue
            if not np.all(np.isfinite(wanted)):
                continue
            if tied:
                found = found + found.T - np.diag(np.diag(found))
            here = at(arrays[x.name])
            if not close(found, wanted, here):
                if not close(slope(at, arrays[x.name], 2 * STEP), wanted, here):
                    continue  # too steep here for differences to say anything
                return False
            tried += 1
            met += says_something(found, wanted)
            if met == POINTS:
                return True
    return nowhere_else(tried)


def says_something(found: Any, wanted: Any) -> bool:
    """Whether an agreement says anything: two zeros, where a ReLU is off, do not."""
    return bool(np.any(found) or np.any(wanted))


def nowhere_else(tried: int) -> bool:
    """True if all points were tried and agreed, in zeros at most of them; BadInput if
    there was no value at any."""
    if not tried:
        raise BadInput(
            "the expression has no value at any of the points tried, so nothing is proved"
        )
    return True


def close(found: Any, wanted: Any, f: Any) -> bool:
    """Whether two derivatives of f agree, up to the rounding of a difference quotient."""
    if np.shape(found) != np.shape(wanted):
        return False
    largest = float(np.max(np.abs(wanted), initial=0))
    noise = NOISE * max(1e-3, float(np.max(np.abs(f))))
    return bool(np.max(np.abs(found - wanted), initial=0) <= CLOSE * largest + noise)


def part_holds(f: Expr, u: m.Var, node: Expr, g: Expr) -> bool | None:
    """Whether g is ∂f/∂u where u has the value of a node: one line of a sweep.
    None where it has a value at none of the points."""
    met = tried = 0
    with np.errstate(all="ignore"):
        for arrays, size in points([f, node, g]):
            try:
                here = value(node, arrays, size)

                def at(
                    v: Any, arrays: dict[str, Any] = arrays, size: dict[str, int] = size
                ) -> Any:
                    return value(f, {**arrays, u.name: v}, size)

                there = np.asarray(here, dtype=float) if np.ndim(here) else here
                wanted = differences(at, there)
                found = np.asarray(value(g, arrays, size), dtype=float)
            except np.linalg.LinAlgError:
                continue
            if not np.all(np.isfinite(wanted)):
                continue
            if not close(found, wanted, at(here)):
                if not close(differences(at, there, 2 * STEP), wanted, at(here)):
                    continue
                return False
            tried += 1
            met += says_something(found, wanted)
            if met == POINTS:
                return True
    return True if tried else None


def symmetric_slope(f: Callable[[Any], float], x: Any, h: float = STEP) -> Any:
    """∂f/∂x_ij for a symmetric x, both entries moved together."""
    out = np.zeros(x.shape)
    for i in range(len(x)):
        for j in range(i + 1):
            step = np.zeros(x.shape)
            step[i, j] = step[j, i] = h
            out[i, j] = out[j, i] = (f(x + step) - f(x - step)) / (2 * h)
    return out


def jacobian_holds(z: Expr, x: m.Var, j: Expr, vec: bool = False) -> bool:
    """Whether j is ∂z/∂x (of vec z by vec x, column-major) at seeded points."""
    met = tried = 0
    with np.errstate(all="ignore"):
        for arrays, size in points([z, j, x]):
            x0 = arrays[x.name]
            try:
                wanted = columns_at(z, x, arrays, size)
                found = np.asarray(value(j, arrays, size), dtype=float)
            except np.linalg.LinAlgError:
                continue
            if not vec and not np.ndim(x0):  # by a scalar: z's own shape
                wanted = wanted[:, 0].reshape(np.shape(found) or (1,), order="F")
                found = np.reshape(found, wanted.shape)
            if not np.all(np.isfinite(wanted)):
                continue
            found = (
                found.reshape(wanted.shape) if found.size == wanted.size == 1 else found
            )
            if not close(found, wanted, value(z, arrays, size)):
                coarse = columns_at(z, x, arrays, size, 2 * STEP).reshape(wanted.shape, order="F")
                if not close(coarse, wanted, value(z, arrays, size)):
                    continue
                return False
            tried += 1
            met += says_something(found, wanted)
            if met == POINTS:
                return True
    return nowhere_else(tried)


def equal(a: Expr, b: Expr) -> bool:
    """Whether two typed trees agree at seeded points, at one of them at least."""
    return agree(a, b) is True


def agree(a: Expr, b: Expr) -> bool | None:
    """Whether two typed trees agree at seeded points; None where they have no value."""
    if m.dims(a) != m.dims(b):
        return False
    met = 0
    with np.errstate(all="ignore"):
        for arrays, size in points([a, b]):
            try:
                x, y = value(a, arrays, size), value(b, arrays, size)
            except np.linalg.LinAlgError:
                continue
            if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
                continue
            if not np.allclose(x, y, rtol=1e-7, atol=1e-9):
                return False
            met += 1
    return True if met else None


def holds_at(
    f: Expr, x: m.Var, d: Expr, rows: Mapping[str, Any], size: Mapping[str, int], kind: str
) -> bool | None:
    """Whether d is the derivative of f by x at one point; None where f has no slope."""
    arrays = as_arrays(rows)
    with np.errstate(all="ignore"):
        try:
            if x.flags & {"symmetric", "posdef"} or kind == "hessian":
                return None  # said of the formula
            found = np.asarray(value(d, arrays, size), dtype=float)
            wanted = columns_at(f, x, arrays, size)
        except np.linalg.LinAlgError:
            return None
        if not np.all(np.isfinite(wanted)):
            return None
        if kind in ("gradient", "scalar"):  # in the shape of the variable, or of f
            wanted = wanted.reshape(np.shape(found), order="F")
        return close(np.reshape(found, wanted.shape), wanted, value(f, arrays, size))


def columns_at(
    f: Expr, x: m.Var, arrays: Mapping[str, Any], size: Mapping[str, int], h: float = STEP
) -> Any:
    """∂vec f/∂vec x by central differences, a column for each entry of x."""
    x0, columns = arrays[x.name], []
    for k in range(np.size(x0)):
        step: Any = np.zeros(np.size(x0))
        step[k] = h
        step = step.reshape(np.shape(x0), order="F") if np.ndim(x0) else step[0]
        high = value(f, {**arrays, x.name: x0 + step}, size)
        low = value(f, {**arrays, x.name: x0 - step}, size)
        columns.append(np.reshape((np.asarray(high) - low) / (2 * h), -1, order="F"))
    return np.stack(columns, axis=1)


def same_at(
    e: Expr, rows: Mapping[str, Any], size: Mapping[str, int], wanted: Any
) -> bool:
    """Whether NumPy's value of a tree at a point is this one."""
    with np.errstate(all="ignore"):
        try:
            found = np.atleast_2d(value(e, as_arrays(rows), size))
        except np.linalg.LinAlgError:
            return False
        exact = np.array(wanted, dtype=float)
        largest = float(np.max(np.abs(exact), initial=0))
        return found.shape == exact.shape and bool(
            np.all(np.abs(found - exact) <= 1e-7 * largest + 1e-10)
        )


def as_arrays(rows: Mapping[str, Any]) -> dict[str, Any]:
    """Rows of exact numbers as arrays; one number as a float."""
    found = {}
    for name, row in rows.items():
        a = np.array([[float(x) for x in r] for r in row])
        found[name] = float(a[0, 0]) if a.shape == (1, 1) else a
    return found
