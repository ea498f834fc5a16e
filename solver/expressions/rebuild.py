"""Typed trees with parts put for others: built again by the constructors, so that they keep
the textbook's form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from solver.expressions import matrix as m
from solver.expressions.matrix import add, dot, had, mul
from solver.expressions.nodes import Add, Expr, Mul, walk


def rebuild(e: Expr, args: tuple[object, ...]) -> Expr:
    """The node with other children, by the constructors."""
    build = {Add: add, Mul: mul, m.Dot: dot, m.Had: had}.get(type(e))
    if build:
        return build(*args)  # type: ignore[arg-type]
    if isinstance(e, m.Fn):
        return m.fn(e.name, args[1])  # type: ignore[arg-type]
    if isinstance(e, m.T):
        return m.transpose(args[0])
    if isinstance(e, m.HPow):
        return m.hpow(*args)  # type: ignore[arg-type]
    return type(e)(*args)


def put(e: Expr, values: Mapping[Expr, Expr]) -> Expr:
    """The tree with subtrees put for others, by the constructors."""
    if e in values:
        return values[e]
    args = tuple(put(a, values) if isinstance(a, Expr) else a for a in e.args)
    return e if args == e.args else rebuild(e, args)


def small(e: Any, largest: int) -> Any:
    """The tree with letters for sizes above `largest`, so that it can be tried at small
    ones. A number that came from a size, as a mean's 1/500, stays."""

    def size(d: Any) -> Any:
        return f"n{d}" if isinstance(d, int) and d > largest else d

    leaves = [n for n in walk(e) if isinstance(n, (m.Var, m.Ones, m.Zero, m.Eye))]
    named = {n: type(n)(*map(size, n.args)) for n in leaves}
    return put(e, {old: new for old, new in named.items() if old != new})
