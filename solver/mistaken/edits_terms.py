"""Edits of signs, factors, terms, brackets and of the size formula."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from solver.expressions.nodes import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Sym, walk
from solver.expressions.written import (
    Branches,
    Grid,
    Indicator,
    Norm,
    Product,
    Relation,
    Sigma,
)
from solver.mistaken.changing import (
    Edit,
    all_at_once,
    everywhere,
    exchanged,
    letters_of,
    negated,
    product_of,
    sum_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    pass


def formulas(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    """The size formula ⌊(n + 2p − k)/s⌋ + 1."""
    if not any(isinstance(n, Call) and n.args[0] == "floor" for n in walk(key)):
        return

    def change(e: Expr) -> Iterator[Edit]:
        if isinstance(e, Call) and e.args[0] == "floor":
            yield "floor_forgotten", e.args[1]
            yield "ceil_instead_of_floor", Call("ceil", e.args[1])
        if isinstance(e, Add):
            for i, t in enumerate(e.args):
                rest = [*e.args[:i], *e.args[i + 1 :]]
                if t == Num(1) and any(
                    isinstance(n, Call) for r in rest for n in walk(r)
                ):
                    yield "conv_size_without_plus_one", sum_of(rest)
        if isinstance(e, Mul) and e.args[0] == Num(2) and len(e.args) == 2:
            yield "padding_counted_once", e.args[1]
        if isinstance(e, Div) and isinstance(e.args[1], Sym):
            yield "stride_ignored", e.args[0]

    yield from everywhere(key, change)


def signs(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    yield "sign_flipped", negated(key)

    def change(e: Expr) -> Iterator[Edit]:
        if isinstance(e, Add):
            for i, t in enumerate(e.args):
                yield "one_sign_flipped", Add(*e.args[:i], negated(t), *e.args[i + 1 :])
            for a, b in combinations(range(len(e.args)), 2):
                if len(e.args) > 2:
                    both = [
                        negated(t) if i in (a, b) else t for i, t in enumerate(e.args)
                    ]
                    yield "one_sign_flipped", Add(*both)
        elif isinstance(e, Neg):
            yield "one_sign_flipped", e.args[0]
        elif isinstance(e, Pow):
            yield "one_sign_flipped", Pow(e.args[0], negated(e.args[1]))
        elif isinstance(e, Call) and len(e.args) == 2:
            yield "one_sign_flipped", Call(e.args[0], negated(e.args[1]))
        elif isinstance(e, Mul):
            yield "one_sign_flipped", negated(e)
        elif isinstance(e, Grid):
            for i in range(1, len(e.args)):
                yield (
                    "one_sign_flipped",
                    Grid(*e.args[:i], negated(e.args[i]), *e.args[i + 1 :]),
                )
        elif isinstance(e, Relation):
            for i in range(1, len(e.args)):
                yield (
                    "one_sign_flipped",
                    Relation(*e.args[:i], negated(e.args[i]), *e.args[i + 1 :]),
                )

    yield from everywhere(key, change)
    for letter in letters_of(key):  # of one letter everywhere
        yield "one_sign_flipped", exchanged(key, {letter: Neg(letter)})
    exponentials = [n for n in walk(key) if is_exponential(n)]
    if len(exponentials) > 1:
        yield "one_sign_flipped", all_at_once(key, negated_exponential)


def is_exponential(e: Expr) -> bool:
    return (
        isinstance(e, Pow)
        and e.args[0] == Sym("e", "real")
        or (isinstance(e, Call) and e.args[0] == "exp")
    )


def negated_exponential(e: Expr) -> Expr | None:
    if not is_exponential(e):
        return None
    return e.with_args((*e.args[:-1], negated(e.args[-1])))


def factors(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    def named(f: Expr) -> str:
        if f == Num(2):
            return "factor_two_dropped"
        if isinstance(f, Div) and f.args[0] == Num(1):
            if f.args[1] == Num(2):
                return "one_half_dropped"
            if isinstance(f.args[1], Sym):
                return "one_over_n_dropped"
        if isinstance(f, Num) and f.value * 2 == 1:
            return "one_half_dropped"
        if (
            isinstance(f, (Indicator, Branches))
            and not indexed(f)
            or is_local_derivative(f)
        ):
            return "chain_factor_missing"
        return "factor_dropped"

    def change(e: Expr) -> Iterator[Edit]:
        if isinstance(e, (Mul, Product)):
            parts = list(e.args) if isinstance(e, Mul) else list(e.args[1:])
            for i, f in enumerate(parts):
                rest = product_of([*parts[:i], *parts[i + 1 :]])
                yield named(f), rest
                if named(f) != "factor_dropped":
                    yield "factor_dropped", rest
        elif isinstance(e, Div):
            a, b = e.args
            if b == Num(2):
                yield "one_half_dropped", a
            elif isinstance(b, Sym):
                yield "one_over_n_dropped", a
            yield "factor_dropped", a
            if isinstance(a, Add):  # one term of a fraction keeps its denominator alone
                pass
        elif isinstance(e, (Indicator, Branches)):
            yield named(e), Num(1)

    yield from everywhere(key, change)
    half = Div(Num(1), Num(2))
    for extra in (Num(2), half, *[Div(Num(1), Sym(s, "real")) for s in (*sizes, "n", "m", "N")],
                  Num(3), Num(4)):  # fmt: skip
        if isinstance(extra, Div) and extra.args[1] != Num(2):
            yield "factor_added", Mul(extra, key)
        else:
            yield "factor_added", Mul(extra, key)


def indexed(e: Expr) -> bool:
    """Whether a condition is about indices: δ_ij is no local derivative."""
    return all(isinstance(s, Sym) and len(s.args[0]) == 1 for s in letters_of(e))


def is_local_derivative(e: Expr) -> bool:
    """1 − f(z), 1 − f(z)², f′(z): the factor that a chain rule leaves."""
    if isinstance(e, Call) and e.args[0].endswith("'"):
        return True
    squashing = ("sigmoid", "tanh")
    if (
        isinstance(e, Add)
        and len(e.args) == 2
        and e.args[0] == Num(1)
        and isinstance(e.args[1], Neg)
    ):
        return any(
            isinstance(n, Call) and n.args[0] in squashing for n in walk(e.args[1])
        )
    return False


def terms(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    def change(e: Expr) -> Iterator[Edit]:
        if isinstance(e, Add):
            for i in range(len(e.args)):
                yield "term_dropped", sum_of([*e.args[:i], *e.args[i + 1 :]])
        elif isinstance(e, Branches):
            pairs = e.pairs()
            for i in range(len(pairs)):
                new = [(Num(0) if j == i else v, c) for j, (v, c) in enumerate(pairs)]
                yield (
                    "term_dropped",
                    Branches(*[x for p in new for x in p if x is not None]),
                )

    yield from everywhere(key, change)
    opened = expanded(key)  # x(a + b) without one of its terms
    if isinstance(opened, Add) and opened != key:
        for i in range(len(opened.args)):
            yield "term_dropped", sum_of([*opened.args[:i], *opened.args[i + 1 :]])
            yield (
                "one_sign_flipped",
                Add(*opened.args[:i], negated(opened.args[i]), *opened.args[i + 1 :]),
            )


def expanded(e: Expr) -> Expr:
    """A product with one sum in it, multiplied out."""
    if isinstance(e, Mul):
        for i, f in enumerate(e.args):
            if isinstance(f, Add):
                around = (e.args[:i], e.args[i + 1 :])
                return Add(*[
                    Neg(product_of([*around[0], t.args[0], *around[1]])) if isinstance(t, Neg)
                    else product_of([*around[0], t, *around[1]]) for t in f.args
                ])  # fmt: skip
    if isinstance(e, Div) and isinstance(e.args[0], Add):
        return Add(*[Neg(Div(t.args[0], e.args[1])) if isinstance(t, Neg) else Div(t, e.args[1])
                     for t in e.args[0].args])  # fmt: skip
    return e


def brackets(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    def change(e: Expr) -> Iterator[Edit]:
        if isinstance(e, Pow):
            base, n = e.args
            if isinstance(base, Call) and len(base.args) == 2:
                yield "bracket_misplaced", Call(base.args[0], Pow(base.args[1], n))
            if isinstance(base, Mul):
                yield "bracket_misplaced", Mul(*base.args[:-1], Pow(base.args[-1], n))
            if isinstance(base, Add):
                last = base.args[-1]
                new = (
                    Neg(Pow(last.args[0], n)) if isinstance(last, Neg) else Pow(last, n)
                )
                yield "bracket_misplaced", Add(*base.args[:-1], new)
            if isinstance(base, Neg):
                yield "bracket_misplaced", Neg(Pow(base.args[0], n))
        if isinstance(e, Call) and len(e.args) == 2 and isinstance(e.args[1], Pow):
            yield (
                "bracket_misplaced",
                Pow(Call(e.args[0], e.args[1].args[0]), e.args[1].args[1]),
            )
        if isinstance(e, Call) and len(e.args) == 2 and isinstance(e.args[1], Add):
            inside = e.args[1]
            yield (
                "bracket_misplaced",
                Add(Call(e.args[0], sum_of(list(inside.args[:-1]))), inside.args[-1]),
            )
        if isinstance(e, Mul):
            for i, f in enumerate(e.args):
                rest = [*e.args[:i], *e.args[i + 1 :]]
                if isinstance(f, Pow) and f.args[0] != Sym("e", "real"):
                    yield (
                        "bracket_misplaced",
                        Pow(product_of([*rest, f.args[0]]), f.args[1]),
                    )
                if isinstance(f, Sigma) and isinstance(f.args[1], Pow):
                    power = f.args[1]
                    plain = Sigma(f.args[0], power.args[0], *f.args[2:])
                    yield (
                        "bracket_misplaced",
                        Pow(product_of([*rest, plain]), power.args[1]),
                    )
                if isinstance(f, Add) and rest:
                    yield (
                        "bracket_misplaced",
                        Add(product_of([*rest, f.args[0]]), *f.args[1:]),
                    )
        if isinstance(e, Sigma) and isinstance(e.args[1], Pow):
            plain = Sigma(e.args[0], e.args[1].args[0], *e.args[2:])
            yield "bracket_misplaced", Pow(plain, e.args[1].args[1])
        if isinstance(e, Div):
            a, b = e.args
            if isinstance(b, Add):
                yield "bracket_misplaced", Add(Div(a, b.args[0]), *b.args[1:])
                yield (
                    "bracket_misplaced",
                    Add(Div(a, sum_of(list(b.args[:-1]))), b.args[-1]),
                )
            if isinstance(a, Add):
                last = a.args[-1]
                over = (
                    Neg(Div(last.args[0], b)) if isinstance(last, Neg) else Div(last, b)
                )
                yield "bracket_misplaced", Add(*a.args[:-1], over)
            if isinstance(b, Mul):
                yield "bracket_misplaced", Mul(Div(a, b.args[0]), *b.args[1:])
        if isinstance(e, Add):
            for i, t in enumerate(e.args):
                bare = t.args[0] if isinstance(t, Neg) else t
                rest = [*e.args[:i], *e.args[i + 1 :]]
                if isinstance(bare, Pow) and rest:
                    inner = Neg(bare.args[0]) if isinstance(t, Neg) else bare.args[0]
                    yield "bracket_misplaced", Pow(sum_of([*rest, inner]), bare.args[1])
                if isinstance(bare, Div) and rest:
                    top = Neg(bare.args[0]) if isinstance(t, Neg) else bare.args[0]
                    yield "bracket_misplaced", Div(sum_of([*rest, top]), bare.args[1])
                    yield (
                        "bracket_misplaced",
                        Div(bare.args[0], sum_of([bare.args[1], *rest])),
                    )

    yield from everywhere(key, change)


def splits(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    def change(e: Expr) -> Iterator[Edit]:
        if isinstance(e, Call) and len(e.args) == 2:
            name, a = e.args
            if isinstance(a, Mul):
                yield "function_split", Mul(*[Call(name, f) for f in a.args])
            if isinstance(a, Add):
                apart = [
                    Neg(Call(name, t.args[0])) if isinstance(t, Neg) else Call(name, t)
                    for t in a.args
                ]
                yield "function_split", Add(*apart)
                yield "function_split", Mul(*[Call(name, t) for t in a.args])
        if isinstance(e, Pow) and isinstance(e.args[0], Add):
            yield "function_split", Add(*[
                Neg(Pow(t.args[0], e.args[1])) if isinstance(t, Neg) else Pow(t, e.args[1])
                for t in e.args[0].args
            ])  # fmt: skip
        if isinstance(e, Norm) and isinstance(e.args[0], Add):
            yield "function_split", Add(*[Norm(t, e.args[1]) for t in e.args[0].args])

    yield from everywhere(key, change)
