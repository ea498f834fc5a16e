"""Edits of products, transposes, indices, letters and matrices."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

from solver.expressions.nodes import Call, Div, Expr, Mul, Neg, Num, Pow, Sym, walk
from solver.expressions.written import (
    Branches,
    Grid,
    Index,
    Logic,
    Product,
    Relation,
    Sigma,
    Turned,
)
from solver.mistaken.changing import (
    Edit,
    all_at_once,
    everywhere,
    exchanged,
    letters_of,
    product_of,
    sum_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    pass


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
        yield (
            "transpose_dropped",
            all_at_once(key, lambda e: e.args[0] if isinstance(e, Turned) else None),
        )
    if turns:
        for bare in list(
            everywhere(key, drop)
        ):  # (AB)ᵀ taken for BA: dropped, order kept
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
    if (
        isinstance(e, Pow)
        and isinstance(e.args[0], Mul)
        and e.args[1] in (Num(-1), Neg(Num(1)))
    ):
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
        yield (
            "wrong_product",
            product_of([*around[0], Product("⊙", *plain), *around[1]]),
        )
        yield "wrong_product", product_of([*around[0], Product("⊙", a, b), *around[1]])


def indices(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    bound = {n.args[2] for n in walk(key) if isinstance(n, Sigma)}
    used = [a for n in walk(key) if isinstance(n, Index) for a in n.args[1:]]
    letters = dict.fromkeys(
        s.args[0] for a in used for s in walk(a) if isinstance(s, Sym)
    )
    letters |= dict.fromkeys([*sorted(bound), *("i", "j", "k")])

    def others(a: Expr) -> list[Expr]:
        if isinstance(a, Num):
            near = int(a.value)
            return [Num(n) for n in range(max(0, near - 1), near + 3) if n != near]
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
            yield "wrong_index", exchanged(key, {whole: new})


def swapped(key: Expr, sizes: tuple[str, ...]) -> Iterator[Edit]:
    letters = letters_of(key)
    for a, b in combinations(letters[:8], 2):
        yield "parts_swapped", exchanged(key, {a: b, b: a})
    bases = list(dict.fromkeys(base_of(x) for x in letters))
    for p, q in combinations(bases[:6], 2):
        other = {x: rebased(x, {p: q, q: p}) for x in letters}
        yield "parts_swapped", exchanged(key, other)
    constants = list(dict.fromkeys(n for n in walk(key) if isinstance(n, Num)))
    for m, n in combinations(constants[:6], 2):
        yield "parts_swapped", exchanged(key, {m: n, n: m})

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


def rebased(e: Expr, swap: dict[str, str]) -> Expr:
    """A letter with its base exchanged, the index kept: p_1 and q_1."""
    base, line, tail = str(e.args[0]).partition("_")
    return e.with_args((swap.get(base, base) + line + tail, *e.args[1:]))


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
