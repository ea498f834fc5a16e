"""Edits of functions, powers, derivatives, complements and relations."""

from __future__ import annotations

from collections.abc import Iterator

from solver.answers.given import CONSTANTS
from solver.expressions.nodes import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Sym, walk
from solver.expressions.written import (
    Branches,
    Grid,
    Index,
    Indicator,
    Logic,
    Norm,
    Relation,
)
from solver.mistaken.changing import (
    Edit,
    all_at_once,
    everywhere,
    letters_of,
    negated,
    one_minus,
    product_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


TURN = {"<": ">", ">": "<", "≤": "≥", "≥": "≤", "=": "="}


STRICT = {"<": "≤", ">": "≥", "≤": "<", "≥": ">"}


def operations(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    def dropped(e: Expr) -> Expr | None:
        if isinstance(e, Pow):
            return e.args[1] if e.args[0] == Sym("e", "real") else e.args[0]
        if (
            isinstance(e, Call)
            and len(e.args) == 2
            and e.args[0] not in ("tr", "det", "diag")
        ):
            return e.args[1]
        return None

    def change(e: Expr) -> Iterator[Edit]:
        new = dropped(e)
        if new is not None:
            yield "operation_dropped", new
        if isinstance(e, Call) and e.args[0] in ("tr", "det", "diag"):
            yield "operation_dropped", e.args[1]

    yield from everywhere(key, change)
    if not isinstance(key, (Grid, Relation, Logic)):
        # A square, in another form of the key.
        yield "operation_dropped", Call("sqrt", key)
    kinds = {(type(n), n.args[0] if isinstance(n, Call) else None)
             for n in walk(key) if dropped(n) is not None}  # fmt: skip
    for kind, name in sorted(kinds, key=str):

        def all_of_it(e: Expr, kind: Any = kind, name: Any = name) -> Expr | None:
            same = type(e) is kind and (name is None or e.args[0] == name)
            return dropped(e) if same else None

        yield "operation_dropped", all_at_once(key, all_of_it)


def derivatives(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    def change(e: Expr) -> Iterator[Edit]:
        inner = squashed(e)
        if inner is not None:
            f, rest, name = inner
            yield "derivative_not_taken", product_of([*rest, f])
            square = Pow(f, Num(2))
            if name == "sigmoid":
                yield (
                    "sigmoid_tanh_derivative_swapped",
                    product_of([*rest, Add(Num(1), Neg(square))]),
                )
            else:
                yield (
                    "sigmoid_tanh_derivative_swapped",
                    product_of([*rest, f, Add(Num(1), Neg(f))]),
                )
        if isinstance(e, Mul):
            for x in e.args:
                others = [f for f in e.args if f is not x]
                if isinstance(x, (Sym, Index)) and Num(2) in others:
                    others.remove(Num(2))
                    yield "derivative_not_taken", product_of([*others, Pow(x, Num(2))])
            if Num(2) in e.args and len(e.args) >= 2:
                rest = list(e.args)
                rest.remove(Num(2))
                whole = product_of(rest)
                yield "derivative_not_taken", Pow(whole, Num(2))
        if isinstance(e, Call) and e.args[0].endswith("'"):
            yield "derivative_not_taken", Call(e.args[0][:-1], *e.args[1:])
        if isinstance(e, Call) and e.args[0] == "cos":
            yield "derivative_not_taken", Call("sin", *e.args[1:])

    yield from everywhere(key, change)
    for n in walk(key):
        if isinstance(n, (Indicator, Branches)):
            for about in letters_of(conditions_of(n)):
                yield "derivative_not_taken", Mul(about, key)
            break
    if isinstance(key, Grid) or letters_of(key) == []:
        return
    for x in letters_of(key)[:3]:  # n·xⁿ⁻¹ for xⁿ
        found = integrated(key, x)
        if found is not None:
            yield "derivative_not_taken", found


def integrated(e: Expr, x: Expr) -> Expr | None:
    """The antiderivative of c, x, x^n by x."""
    if not any(n == x for n in walk(e)):
        return Mul(e, x)
    if e == x:
        return Div(Pow(x, Num(2)), Num(2))
    if isinstance(e, Pow) and e.args[0] == x and isinstance(e.args[1], Num):
        n = e.args[1].value + 1
        return Div(Pow(x, Num(n)), Num(n)) if n else None
    if isinstance(e, Mul):
        inside = [f for f in e.args if any(n == x for n in walk(f))]
        if len(inside) == 1:
            part = integrated(inside[0], x)
            return (
                None
                if part is None
                else Mul(*[part if f is inside[0] else f for f in e.args])
            )
    if isinstance(e, (Add, Neg)):
        parts = [integrated(a, x) for a in e.args]
        return None if None in parts else e.with_args(tuple(parts))
    return None


def conditions_of(e: Expr) -> Expr:
    if isinstance(e, Indicator):
        return e.args[0]
    found = [c for _, c in e.pairs() if c is not None]  # type: ignore[attr-defined]
    return found[0] if found else e


def squashed(e: Expr) -> tuple[Expr, list[Expr], str] | None:
    """(f, other factors, name) of f(1 − f) with f = σ(z), and of 1 − tanh² z."""

    def is_call(x: Any, name: str) -> bool:
        return isinstance(x, Call) and x.args[0] == name

    if isinstance(e, Mul):
        for f in e.args:
            if is_call(f, "sigmoid"):
                rest = [x for x in e.args if x is not f]
                for x in rest:
                    if x == Add(Num(1), Neg(f)):
                        return f, [y for y in rest if y is not x], "sigmoid"
    if (
        isinstance(e, Add)
        and len(e.args) == 2
        and e.args[0] == Num(1)
        and isinstance(e.args[1], Neg)
    ):
        square = e.args[1].args[0]
        if (
            isinstance(square, Pow)
            and square.args[1] == Num(2)
            and is_call(square.args[0], "tanh")
        ):
            return square.args[0], [], "tanh"
    return None


def logs(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    if any(isinstance(n, Call) and n.args[0] == "log" for n in walk(key)):
        for name, base in (("log_base_ten", "log10"), ("log_base_two", "log2")):

            def to_base(e: Expr, base: str = base) -> Expr | None:
                log = isinstance(e, Call) and e.args[0] == "log"
                return Call(base, *e.args[1:]) if log else None

            yield name, all_at_once(key, to_base)


def norms(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    def change(e: Expr) -> Iterator[Edit]:
        if isinstance(e, Pow) and e.args[1] == Num(2):
            yield "l1_for_l2", Call("abs", e.args[0])
            if isinstance(e.args[0], Norm):
                yield "l1_for_l2", Pow(Norm(e.args[0].args[0], "1"), Num(2))
                yield "l1_for_l2", Norm(e.args[0].args[0], "1")
        if isinstance(e, Norm):
            yield "l1_for_l2", Norm(e.args[0], "1")

    yield from everywhere(key, change)


def complements(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    if not isinstance(key, (Grid, Relation, Logic)):
        yield "complement_reported", one_minus(key)

    def change(e: Expr) -> Iterator[Edit]:
        if isinstance(e, Add) and len(e.args) == 2 and e.args[0] == Num(1):
            yield "complement_reported", negated(e.args[1])
        if (
            isinstance(e, (Sym, Index))
            and e.args[0] not in CONSTANTS
            and e.args[-1] != "name"
        ):
            yield "complement_reported", one_minus(e)

    yield from everywhere(key, change)


def inequalities(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    def change(e: Expr) -> Iterator[Edit]:
        if isinstance(e, Relation):
            yield (
                "inequality_reversed",
                Relation(tuple(TURN.get(s, s) for s in e.signs), *e.members),
            )
            for i, s in enumerate(e.signs):
                if s in STRICT:
                    new = (*e.signs[:i], STRICT[s], *e.signs[i + 1 :])
                    yield "endpoint_open_closed", Relation(new, *e.members)
                if len(e.signs) > 1 and s in TURN:
                    a, b = e.members[i], e.members[i + 1]
                    yield "inequality_reversed", Relation((TURN[s],), a, b)
                    yield "item_missing", Relation((s,), a, b)
            yield (
                "endpoint_open_closed",
                Relation(tuple(STRICT.get(s, s) for s in e.signs), *e.members),
            )

    yield from everywhere(key, change)
