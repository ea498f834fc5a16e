"""Edits of a tree: every tree that differs from the key by one mistake, with its name.

Each function takes the key and yields (name, wrong tree). They change structure, never
values, so that they serve for numbers, letters and matrices alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, permutations

from solver.expressions.nodes import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Sym, walk
from solver.expressions.written import (
    Branches,
    Grid,
    Index,
    Indicator,
    Logic,
    Norm,
    Product,
    Relation,
    Sigma,
    Turned,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Edit = tuple[str, Expr]
MOST = 700
TURN = {"<": ">", ">": "<", "≤": "≥", "≥": "≤", "=": "="}
STRICT = {"<": "≤", ">": "≥", "≤": "<", "≥": ">"}
CONSTANTS = ("e", "pi", "i", "∞")


def edits(key: Expr, sizes: tuple[str, ...] = ()) -> Iterator[Edit]:
    """All of them, those that say most first; at most MOST."""
    count = 0
    for maker in MAKERS:
        for found in maker(key, sizes):
            if found[1] != key:
                yield found
                count += 1
                if count >= MOST:
                    return


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
    if isinstance(e, Add) and len(e.args) == 2 and e.args[0] == Num(1) and isinstance(e.args[1], Neg):
        return e.args[1].args[0]
    return Add(Num(1), Neg(e))


# -- the makers ---------------------------------------------------------------------------


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
                if t == Num(1) and any(isinstance(n, Call) for r in rest for n in walk(r)):
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
                    both = [negated(t) if i in (a, b) else t for i, t in enumerate(e.args)]
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
                yield "one_sign_flipped", Grid(*e.args[:i], negated(e.args[i]), *e.args[i + 1 :])
        elif isinstance(e, Relation):
            for i in range(1, len(e.args)):
                yield "one_sign_flipped", Relation(*e.args[:i], negated(e.args[i]), *e.args[i + 1 :])

    yield from everywhere(key, change)
    for letter in letters_of(key):  # of one letter everywhere
        yield "one_sign_flipped", all_at_once(key, lambda e, x=letter: Neg(e) if e == x else None)
    exponentials = [n for n in walk(key) if is_exponential(n)]
    if len(exponentials) > 1:
        yield "one_sign_flipped", all_at_once(key, negated_exponential)


def is_exponential(e: Expr) -> bool:
    return isinstance(e, Pow) and e.args[0] == Sym("e", "real") or (
        isinstance(e, Call) and e.args[0] == "exp"
    )


def negated_exponential(e: Expr) -> Expr | None:
    if not is_exponential(e):
        return None
    return e.with_args((*e.args[:-1], negated(e.args[-1])))


def letters_of(e: Expr) -> list[Expr]:
    found = [
        n for n in walk(e)
        if isinstance(n, Index) or isinstance(n, Sym) and n.args[0] not in CONSTANTS and n.args[1] != "name"
    ]  # fmt: skip
    return list(dict.fromkeys(found))


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
        if isinstance(f, (Indicator, Branches)) and not indexed(f) or is_local_derivative(f):
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
    if isinstance(e, Add) and len(e.args) == 2 and e.args[0] == Num(1) and isinstance(e.args[1], Neg):
        return any(isinstance(n, Call) and n.args[0] in squashing for n in walk(e.args[1]))
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
                yield "term_dropped", Branches(*[x for p in new for x in p if x is not None])

    yield from everywhere(key, change)
    opened = expanded(key)  # x(a + b) without one of its terms
    if isinstance(opened, Add) and opened != key:
        for i in range(len(opened.args)):
            yield "term_dropped", sum_of([*opened.args[:i], *opened.args[i + 1 :]])
            yield "one_sign_flipped", Add(
                *opened.args[:i], negated(opened.args[i]), *opened.args[i + 1 :]
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


def operations(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    def dropped(e: Expr) -> Expr | None:
        if isinstance(e, Pow):
            return e.args[1] if e.args[0] == Sym("e", "real") else e.args[0]
        if isinstance(e, Call) and len(e.args) == 2 and e.args[0] not in ("tr", "det", "diag"):
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
        yield "operation_dropped", Call("sqrt", key)  # a square, in another form of the key
    kinds = {(type(n), n.args[0] if isinstance(n, Call) else None)
             for n in walk(key) if dropped(n) is not None}  # fmt: skip
    for kind, name in sorted(kinds, key=str):
        yield "operation_dropped", all_at_once(
            key,
            lambda e, k=kind, c=name: dropped(e)
            if type(e) is k and (c is None or e.args[0] == c) else None,
        )  # fmt: skip


def derivatives(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    def change(e: Expr) -> Iterator[Edit]:
        inner = squashed(e)
        if inner is not None:
            f, rest, name = inner
            yield "derivative_not_taken", product_of([*rest, f])
            square = Pow(f, Num(2))
            if name == "sigmoid":
                yield "sigmoid_tanh_derivative_swapped", product_of([*rest, Add(Num(1), Neg(square))])
            else:
                yield "sigmoid_tanh_derivative_swapped", product_of(
                    [*rest, f, Add(Num(1), Neg(f))]
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
            return None if part is None else Mul(*[part if f is inside[0] else f for f in e.args])
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
    if isinstance(e, Add) and len(e.args) == 2 and e.args[0] == Num(1) and isinstance(e.args[1], Neg):
        square = e.args[1].args[0]
        if isinstance(square, Pow) and square.args[1] == Num(2) and is_call(square.args[0], "tanh"):
            return square.args[0], [], "tanh"
    return None


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
                new = Neg(Pow(last.args[0], n)) if isinstance(last, Neg) else Pow(last, n)
                yield "bracket_misplaced", Add(*base.args[:-1], new)
            if isinstance(base, Neg):
                yield "bracket_misplaced", Neg(Pow(base.args[0], n))
        if isinstance(e, Call) and len(e.args) == 2 and isinstance(e.args[1], Pow):
            yield "bracket_misplaced", Pow(Call(e.args[0], e.args[1].args[0]), e.args[1].args[1])
        if isinstance(e, Call) and len(e.args) == 2 and isinstance(e.args[1], Add):
            inside = e.args[1]
            yield "bracket_misplaced", Add(
                Call(e.args[0], sum_of(list(inside.args[:-1]))), inside.args[-1]
            )
        if isinstance(e, Mul):
            for i, f in enumerate(e.args):
                rest = [*e.args[:i], *e.args[i + 1 :]]
                if isinstance(f, Pow) and f.args[0] != Sym("e", "real"):
                    yield "bracket_misplaced", Pow(product_of([*rest, f.args[0]]), f.args[1])
                if isinstance(f, Sigma) and isinstance(f.args[1], Pow):
                    power = f.args[1]
                    plain = Sigma(f.args[0], power.args[0], *f.args[2:])
                    yield "bracket_misplaced", Pow(product_of([*rest, plain]), power.args[1])
                if isinstance(f, Add) and rest:
                    yield "bracket_misplaced", Add(product_of([*rest, f.args[0]]), *f.args[1:])
        if isinstance(e, Sigma) and isinstance(e.args[1], Pow):
            plain = Sigma(e.args[0], e.args[1].args[0], *e.args[2:])
            yield "bracket_misplaced", Pow(plain, e.args[1].args[1])
        if isinstance(e, Div):
            a, b = e.args
            if isinstance(b, Add):
                yield "bracket_misplaced", Add(Div(a, b.args[0]), *b.args[1:])
                yield "bracket_misplaced", Add(Div(a, sum_of(list(b.args[:-1]))), b.args[-1])
            if isinstance(a, Add):
                last = a.args[-1]
                over = Neg(Div(last.args[0], b)) if isinstance(last, Neg) else Div(last, b)
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
                    yield "bracket_misplaced", Div(bare.args[0], sum_of([bare.args[1], *rest]))

    yield from everywhere(key, change)


def splits(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    def change(e: Expr) -> Iterator[Edit]:
        if isinstance(e, Call) and len(e.args) == 2:
            name, a = e.args
            if isinstance(a, Mul):
                yield "function_split", Mul(*[Call(name, f) for f in a.args])
            if isinstance(a, Add):
                yield "function_split", Add(*[
                    Neg(Call(name, t.args[0])) if isinstance(t, Neg) else Call(name, t) for t in a.args
                ])  # fmt: skip
                yield "function_split", Mul(*[Call(name, t) for t in a.args])
        if isinstance(e, Pow) and isinstance(e.args[0], Add):
            yield "function_split", Add(*[
                Neg(Pow(t.args[0], e.args[1])) if isinstance(t, Neg) else Pow(t, e.args[1])
                for t in e.args[0].args
            ])  # fmt: skip
        if isinstance(e, Norm) and isinstance(e.args[0], Add):
            yield "function_split", Add(*[Norm(t, e.args[1]) for t in e.args[0].args])

    yield from everywhere(key, change)


def matrices(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    if isinstance(key, (Relation, Logic)):
        return
    yield "jacobian_layout_transposed", Turned(key)
    turns = [n for n in walk(key) if isinstance(n, Turned)]

    def drop(e: Expr) -> Iterator[Edit]:
        if isinstance(e, Turned):
            yield "transpose_dropped", e.args[0]

    yield from everywhere(key, drop)
    if len(turns) > 1:
        yield "transpose_dropped", all_at_once(
            key, lambda e: e.args[0] if isinstance(e, Turned) else None
        )
    if turns:
        for bare in list(everywhere(key, drop)):  # (AB)ᵀ taken for BA: dropped, order kept
            for _, again in everywhere(bare[1], reordered):
                yield "transpose_dropped", again
    yield from everywhere(key, reordered)
    yield from everywhere(key, other_factor)


def reordered(e: Expr) -> Iterator[Edit]:
    """The factors of a product in another order."""
    if isinstance(e, Mul) and 2 <= len(e.args) <= 5:
        orders = permutations(e.args) if len(e.args) <= 3 else swaps(list(e.args))
        for order in orders:
            if tuple(order) != e.args:
                yield "wrong_product", Mul(*order)
    if isinstance(e, Turned) and isinstance(e.args[0], Mul):
        inner = e.args[0].args
        yield "wrong_product", Mul(*map(Turned, inner))
    if isinstance(e, Pow) and isinstance(e.args[0], Mul) and e.args[1] in (Num(-1), Neg(Num(1))):
        yield "wrong_product", Mul(*[Pow(f, e.args[1]) for f in e.args[0].args])


def swaps(items: list[Expr]) -> Iterator[tuple[Expr, ...]]:
    for i, j in combinations(range(len(items)), 2):
        new = list(items)
        new[i], new[j] = new[j], new[i]
        yield tuple(new)


def other_factor(e: Expr) -> Iterator[Edit]:
    """A transpose on the other factor, ⊙ for the product, inner for outer."""
    if not isinstance(e, Mul):
        return
    for i, j in combinations(range(len(e.args)), 2):
        if j != i + 1:
            continue
        a, b = e.args[i], e.args[j]
        around = (e.args[:i], e.args[j + 1 :])
        plain = [x.args[0] if isinstance(x, Turned) else x for x in (a, b)]
        pairs = [(Turned(plain[0]), plain[1]), (plain[0], Turned(plain[1]))]
        for x, y in pairs:
            if (x, y) != (a, b):
                yield "wrong_product", product_of([*around[0], x, y, *around[1]])
                yield "wrong_product", product_of([*around[0], y, x, *around[1]])
        yield "wrong_product", product_of([*around[0], Product("⊙", *plain), *around[1]])
        yield "wrong_product", product_of([*around[0], Product("⊙", a, b), *around[1]])


def indices(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    bound = {n.args[2] for n in walk(key) if isinstance(n, Sigma)}
    used = [a for n in walk(key) if isinstance(n, Index) for a in n.args[1:]]
    letters = dict.fromkeys(s.args[0] for a in used for s in walk(a) if isinstance(s, Sym))
    letters |= dict.fromkeys([*sorted(bound), *("i", "j", "k")])

    def others(a: Expr) -> list[Expr]:
        if isinstance(a, Num):
            return [Num(n) for n in range(max(0, a.value - 1), a.value + 3) if n != a.value]
        found: list[Expr] = []
        if isinstance(a, Index):
            found += [Sym(a.args[0], "real"), *a.args[1:]]
            found += [Index(a.args[0], *new) for new in changed(a)]
        return found + [Sym(x, "real") for x in letters if Sym(x, "real") != a]

    def changed(e: Index) -> Iterator[tuple[Expr, ...]]:
        subs = e.args[1:]
        for i, a in enumerate(subs):
            for new in others(a):
                yield (*subs[:i], new, *subs[i + 1 :])
        if len(subs) == 2:
            yield subs[::-1]

    def change(e: Expr) -> Iterator[Edit]:
        if isinstance(e, Index):
            for new in changed(e):
                yield "wrong_index", Index(e.args[0], *new)
            yield "wrong_index", Sym(e.args[0], "real")

    yield from everywhere(key, change)
    for whole in dict.fromkeys(n for n in walk(key) if isinstance(n, Index)):
        for _, new in change(whole):
            yield "wrong_index", all_at_once(key, lambda e, w=whole, n=new: n if e == w else None)


def logs(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    if any(isinstance(n, Call) and n.args[0] == "log" for n in walk(key)):
        for name, base in (("log_base_ten", "log10"), ("log_base_two", "log2")):
            yield name, all_at_once(
                key,
                lambda e, b=base: Call(b, *e.args[1:])
                if isinstance(e, Call) and e.args[0] == "log" else None,
            )  # fmt: skip


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
        if isinstance(e, (Sym, Index)) and e.args[0] not in CONSTANTS and e.args[-1] != "name":
            yield "complement_reported", one_minus(e)

    yield from everywhere(key, change)


def swapped(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    letters = letters_of(key)
    for a, b in combinations(letters[:8], 2):
        yield "parts_swapped", all_at_once(key, lambda e, x=a, y=b: y if e == x else x if e == y else None)
    bases = list(dict.fromkeys(base_of(x) for x in letters))
    for p, q in combinations(bases[:6], 2):
        yield "parts_swapped", all_at_once(key, lambda e, s={p: q, q: p}: rebased(e, s))
    constants = list(dict.fromkeys(n for n in walk(key) if isinstance(n, Num)))
    for m, n in combinations(constants[:6], 2):
        yield "parts_swapped", all_at_once(key, lambda e, x=m, y=n: y if e == x else x if e == y else None)

    def change(e: Expr) -> Iterator[Edit]:
        if isinstance(e, Branches) and len(e.pairs()) == 2:
            (v, c), (u, d) = e.pairs()
            yield "parts_swapped", Branches(*[x for x in (u, c, v, d) if x is not None])
        if isinstance(e, Div):
            yield "inverted", Div(e.args[1], e.args[0])
            yield "inverted", Mul(e.args[0], e.args[1])
        if isinstance(e, Mul) and len(e.args) == 2:
            yield "inverted", Div(*e.args)
            yield "inverted", Div(e.args[1], e.args[0])

    yield from everywhere(key, change)
    yield "inverted", Div(Num(1), key)


def base_of(e: Expr) -> str:
    return str(e.args[0]).partition("_")[0]


def rebased(e: Expr, swap: dict[str, str]) -> Expr | None:
    """A letter with its base exchanged, the index kept: p_1 and q_1."""
    if not isinstance(e, (Sym, Index)) or e.args[-1] == "name":
        return None
    base, line, tail = str(e.args[0]).partition("_")
    return e.with_args((swap.get(base, base) + line + tail, *e.args[1:]))


def inequalities(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    def change(e: Expr) -> Iterator[Edit]:
        if isinstance(e, Relation):
            yield "inequality_reversed", Relation(
                tuple(TURN.get(s, s) for s in e.signs), *e.members
            )
            for i, s in enumerate(e.signs):
                if s in STRICT:
                    new = (*e.signs[:i], STRICT[s], *e.signs[i + 1 :])
                    yield "endpoint_open_closed", Relation(new, *e.members)
                if len(e.signs) > 1 and s in TURN:
                    a, b = e.members[i], e.members[i + 1]
                    yield "inequality_reversed", Relation((TURN[s],), a, b)
                    yield "item_missing", Relation((s,), a, b)
            yield "endpoint_open_closed", Relation(
                tuple(STRICT.get(s, s) for s in e.signs), *e.members
            )

    yield from everywhere(key, change)


def grids(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    if not isinstance(key, Grid):
        return
    rows = key.rows
    n = key.args[0]
    yield "true_convolution_flip", Grid(n, *reversed(key.args[1:]))
    if len(rows) == n:
        yield "reduced_to_scalar", Call("det", key)
        yield "reduced_to_scalar", sum_of([rows[i][i] for i in range(n)])
        yield "entries_wrong", Grid(n, *[x if i == j else Num(0) for i, r in enumerate(rows)
                                         for j, x in enumerate(r)])  # fmt: skip
    yield "reduced_to_scalar", sum_of(list(key.args[1:]))
    yield "reduced_to_scalar", product_of(list(key.args[1:]))


MAKERS: list[Callable[[Expr, tuple[str, ...]], Iterator[Edit]]] = [
    formulas, signs, matrices, grids, factors, terms, operations, derivatives, logs, norms,
    indices, inequalities, complements, swapped, splits, brackets,
]  # fmt: skip
