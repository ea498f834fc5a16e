"""How a tree is changed: at one place, or wherever something stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from solver.expressions.nodes import Add, Expr, Mul, Neg, Num, Sym, walk
from solver.expressions.written import (
    Index,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Edit = tuple[str, Expr]
CONSTANTS = ("e", "pi", "i", "∞")


def everywhere(e: Any, change: Callable[[Expr], Iterator[Edit]]) -> Iterator[Edit]:
    """One change at one place: the whole tree for each."""
    if not isinstance(e, Expr):
        return
    yield from change(e)
    for i, a in enumerate(e.args):
        if isinstance(a, Expr):
            for name, new in everywhere(a, change):
                yield name, e.with_args((*e.args[:i], new, *e.args[i + 1 :]))


def all_at_once(e: Any, change: Callable[[Expr], Expr | None]) -> Any:
    """The change wherever it applies."""
    if not isinstance(e, Expr):
        return e
    done = e.with_args(tuple(all_at_once(a, change) for a in e.args))
    return change(done) or done


def exchanged(e: Any, table: Mapping[Expr, Expr]) -> Any:
    """The tree with each of these nodes exchanged, wherever it stands."""
    return all_at_once(e, lambda node: table.get(node))


def product_of(factors: list[Expr]) -> Expr:
    return factors[0] if len(factors) == 1 else Mul(*factors) if factors else Num(1)


def sum_of(terms: list[Expr]) -> Expr:
    return terms[0] if len(terms) == 1 else Add(*terms) if terms else Num(0)


def negated(e: Expr) -> Expr:
    if isinstance(e, Neg):
        return e.args[0]
    if isinstance(e, Num):
        return Num(-e.value)
    return Neg(e)


def one_minus(e: Expr) -> Expr:
    if (
        isinstance(e, Add)
        and len(e.args) == 2
        and e.args[0] == Num(1)
        and isinstance(e.args[1], Neg)
    ):
        return e.args[1].args[0]
    return Add(Num(1), Neg(e))


def letters_of(e: Expr) -> list[Expr]:
    found = [
        n for n in walk(e)
        if isinstance(n, Index)
        or isinstance(n, Sym) and n.args[0] not in CONSTANTS and n.args[1] != "name"
    ]  # fmt: skip
    return list(dict.fromkeys(found))
