"""Sums over an index, cases with their conditions, and ∂a/∂b to the left of a line.

`Series("sum", body, j, K)` is Σ body for j = 1 … K; in body a letter such as z_j stands
for z_1, z_2, … (nodes.evaluate looks it up so). `written` writes series out for so many
terms. A Cases has a value only where one of its conditions holds: not at a kink.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from solver.expressions.nodes import (
    Call,
    Expr,
    Neg,
    Num,
    Sym,
    evaluate,
    plus,
    times,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Undefined(ArithmeticError):
    """There is no value here: between the cases, at a kink."""


class Series(Expr):
    """op ("sum", "prod", "max"), body, index, last, and an index left out (or None)."""

    __slots__ = ()
    series = True  # as the last factor of a product it needs no brackets

    def __init__(
        self, op: str, body: Expr, index: Sym, last: Expr, without: Any = None
    ):
        super().__init__(op, body, index, last, without)

    def value_at(self, env: Mapping[str, Any]) -> Any:
        """The sum, product or greatest of the terms."""
        op, body, index, last, without = self.args
        left_out = None if without is None else evaluate(without, env)
        terms = [
            evaluate(body, {**env, index.name: i})
            for i in range(1, int(evaluate(last, env)) + 1)
            if i != left_out
        ]
        if op == "max":
            return max(terms)
        return sum(terms) if op == "sum" else prod(terms)

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        """Σ_j, Π_j, max over j; a product's tightness."""
        op, body, index, last, without = self.args
        low = [show(index, 1)] + ([] if without is None else [show(without, 1)])
        inside = show(body, 2) if op == "sum" else show(body, 4)
        if op == "max":
            inside = form.group(show(body, 1))
        return form.series(op, low, show(last, 1), inside), 2


class Rel(Expr):
    """left sign right, as a condition: y·z < 1, c = ŷ."""

    __slots__ = ()

    def value_at(self, env: Mapping[str, Any]) -> bool:
        a, b = evaluate(self.args[0], env), evaluate(self.args[2], env)
        return {
            "<": a < b,
            ">": a > b,
            "=": a == b,
            "≠": a != b,
            "≤": a <= b,
            "≥": a >= b,
        }[self.args[1]]

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        return form.relation(
            show(self.args[0], 1), self.args[1], show(self.args[2], 1)
        ), 0


class Case(Expr):
    """A value, and the conditions under which it holds; none means otherwise."""

    __slots__ = ()

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        value, *conditions = self.args
        return form.case(show(value, 1), [show(c, 0) for c in conditions]), 0


class Cases(Expr):
    """Values by condition; the first that holds counts."""

    __slots__ = ()

    def value_at(self, env: Mapping[str, Any]) -> Any:
        for case in self.args:
            if all(evaluate(c, env) for c in case.args[1:]):
                return evaluate(case.args[0], env)
        raise Undefined(f"{self} has no value here")

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        return form.cases([show(c, 0) for c in self.args]), 5


class Partial(Expr):
    """∂top/∂by, to the left of an equals sign: it names a derivative, no value."""

    __slots__ = ()

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        return form.partial(show(self.args[0], 5), show(self.args[1], 5)), 5


def indexed(e: Any, at: Mapping[str, int]) -> Any:
    """The tree with indices given numbers: z_k becomes z_2, k becomes 2."""
    if isinstance(e, Sym):
        head, _, tail = e.name.rpartition("_")
        if head and tail in at:
            return Sym(f"{head}_{at[tail]}", e.kind)
        return Num(at[e.name]) if e.name in at else e
    if not isinstance(e, Expr) or isinstance(e, Num):
        return e
    return e.with_args(tuple(indexed(a, at) for a in e.args))


def written(e: Any, at: Mapping[str, int]) -> Any:
    """The tree with indices and counts given numbers, its series written out."""
    if isinstance(e, Series):
        op, body, index, last, without = e.args
        left_out = None if without is None else evaluate(without, at)
        terms = [
            written(body, {**at, index.name: i})
            for i in range(1, evaluate(last, at) + 1)
            if i != left_out
        ]
        if op == "max":
            return Call("max", *terms)
        return plus(*terms) if op == "sum" else times(*terms)
    if isinstance(e, Sym):
        return indexed(e, at)
    if not isinstance(e, Expr) or isinstance(e, Num):
        return e
    done = tuple(written(a, at) for a in e.args)
    if isinstance(e, Neg) and isinstance(done[0], Num):
        return Num(-done[0].value)
    return e.with_args(done)
