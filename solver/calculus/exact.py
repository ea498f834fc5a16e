"""Derivatives proved entry by entry: written out, differentiated by SymPy, compared.

A second route beside the differences of numeric.prove: no rule of ours, no truncation.
The two sides are compared at points with rational coordinates, where rational functions
have exact values. Bounded by counting nodes: what is too long is not proved, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from random import Random
from typing import Any

from solver.calculus.entries import Rows, TooLarge, Written
from solver.calculus.scalars import terms
from solver.expressions import matrix as m
from solver.expressions.functions import ANALYTIC
from solver.expressions.nodes import (
    Add,
    Call,
    Expr,
    Mul,
    Num,
    Pow,
    Sym,
    divide,
    power,
    walk,
)

POINTS, TRIES, CLOSE = 2, 8, 1e-9
QUICK, PATIENT = 8_000, 60_000  # nodes to be differentiated: always, and on request
MULTIPLIED = 400  # nodes that are multiplied out, to see two sides cancel
MATHS = ("sin", "cos", "tan", "sinh", "cosh")


class Undefined(ArithmeticError):
    """There is no value here: at a kink, outside the domain."""


@dataclass(frozen=True, eq=False)
class Proof:
    """What SymPy derived: f's entries and the derivative's, and the closed form's."""

    ok: bool
    everywhere: bool  # whether it is proved for all values, not only at points
    size: Mapping[str, int]
    written: Written
    f: Rows
    letters: Rows
    found: Rows
    closed: Rows
    plain: bool  # whether an entry of `found` is ∂f/∂ that letter alone

    @property
    def how(self) -> str:
        """What was done, as an answer's check says it."""
        sizes = ", ".join(f"{d} = {n}" for d, n in self.size.items())
        several = len(self.letters) * len(self.letters[0]) > 1
        entries = "SymPy entry by entry" if several else "SymPy's derivative"
        values = "for all values" if self.everywhere else "at rational points"
        return entries + (f" at {sizes}," if sizes else "") + " " + values


def by_entries(
    f: Expr,
    x: m.Var,
    closed: Expr,
    kind: str,
    budget: int,
    convention: str = "",
    small: bool = False,
) -> Proof | None:
    """SymPy's derivative of f by x, entry by entry, and whether it is the closed form.

    kind: "gradient" (of x's dims), "jacobian" (∂vec f/∂vec x), "scalar" (f's dims) or
    "hessian" (∂²f/∂vec x²); small: at the smallest sizes, for the eye. None where it is
    longer than the budget, in nodes, or where f has a value at none of the points.
    """
    for size in assignments([f, x, closed], small):
        try:
            proof = attempt(f, x, closed, kind, budget, convention, size)
        except (TooLarge, TypeError):
            continue
        if proof is not None:
            return proof
    return None


def assignments(trees: Sequence[Expr], small: bool = False) -> Iterator[dict[str, int]]:
    """Small sizes, all different, for the dimensions that the trees name."""
    names: dict[str, None] = {}
    for n in (n for e in trees for n in walk(e)):
        for d in m.sizes_named(n):
            names.update((part, None) for part in d.split("·"))
    if len(names) == 1:
        choices: Any = [(2,), (3,)] if small else [(3,), (2,)]
    else:
        choices = permutations(range(2, 2 + len(names)))
    for i, choice in enumerate(choices):
        if i < 12:
            yield dict(zip(names, choice))


def attempt(
    f: Expr, x: m.Var, closed: Expr, kind: str, budget: int, convention: str,
    size: Mapping[str, int],
) -> Proof | None:  # fmt: skip
    """The proof at one choice of sizes. TooLarge; None where there is no value."""
    from solver.expressions.algebra import slopes

    tied = kind == "gradient" and convention in ("frechet", "cookbook")
    used = m.names(f) | {x.name}
    w = Written(size, budget, used, "" if tied else x.name)
    rows, letters, wanted = w.rows(f), w.rows(x), w.rows(closed)
    cells = w.column(f)
    many = len(cells) * len(w.column(x)) * (len(w.column(x)) if kind == "hessian" else 1)
    if many > 400 or many * max(map(w.weight, cells)) > budget:
        raise TooLarge
    at = list(valued(w, [f, x, closed], [*cells, *w.column(closed)]))
    if not at:
        return None
    if kind == "gradient":
        found: Rows = tuple(tuple(slopes(cells[0], row)) for row in letters)
        if convention == "frechet":
            half = Num(Fraction(1, 2))
            found = tuple(
                tuple(d if i == j else w.times(half, d) for j, d in enumerate(row))
                for i, row in enumerate(found)
            )
    elif kind == "scalar":
        found = tuple(tuple(slopes(c, letters[0])[0] for c in row) for row in rows)
    elif kind == "hessian":
        first = slopes(cells[0], w.column(x))
        found = tuple(tuple(slopes(d, w.column(x))) for d in first)
    else:
        found = tuple(tuple(slopes(c, w.column(x))) for c in cells)
    ok = agree(found, wanted, at)
    if ok is None:
        return None
    everywhere = ok and identical([f, x, closed], found, wanted)
    return Proof(ok, everywhere, size, w, rows, letters, found, wanted, not tied)


def identical(trees: Sequence[Expr], found: Rows, wanted: Rows) -> bool:
    """Whether the two sides are equal for all values, where that is quick to see."""
    from solver.expressions.algebra import cancels

    bound = {"onehot", "prob", "rowprob", "colprob", "sign"}  # equal for such values only
    if any(isinstance(n, m.Var) and n.flags & bound for e in trees for n in walk(e)):
        return False
    pairs = [p for rows in zip(found, wanted) for p in zip(*rows)]
    nodes = [sum(1 for _ in walk(e)) for pair in pairs for e in pair]
    many = sum(nodes) > MULTIPLIED or any(terms(e) > MULTIPLIED for p in pairs for e in p)
    if many or any(kinked(a) for a, _ in pairs):
        return False
    return all(a == b or cancels(a, b) for a, b in pairs)


def kinked(e: Expr) -> bool:
    return any(isinstance(n, Call) and n.name == "dirac" for n in walk(e))


def valued(
    w: Written, trees: Sequence[Expr], cells: Sequence[Expr]
) -> Iterator[dict[Expr, Any]]:
    """The values of these entries at rational points: only where all of them have one."""
    names = {n for e in trees for n in walk(e) if isinstance(n, m.Var)}
    for turn in range(TRIES):
        random = Random(17 + turn)
        known: dict[Expr, Any] = {}
        for v in sorted(names, key=lambda v: v.name):
            if "dimension" in v.flags:
                continue
            for row, numbers in zip(w.rows(v), draw(v, w, random, turn >= TRIES // 2)):
                known.update(zip(row, numbers))
        try:
            for c in cells:
                value(c, known)
        except (ArithmeticError, ValueError):
            continue
        yield known


def draw(v: m.Var, w: Written, random: Random, positive: bool) -> list[list[Any]]:
    """Rational entries that have the variable's properties."""
    rows, cols = w.dims(v)
    sign = [1] if positive or "positive" in v.flags else [-1, 1]

    def number() -> Fraction:
        return Fraction(random.randint(3, 12) * random.choice(sign), 10)

    a: Any = [[number() for _ in range(cols)] for _ in range(rows)]
    if v.flags & {"symmetric", "posdef"}:
        a = [[a[min(i, j)][max(i, j)] for j in range(cols)] for i in range(rows)]
    if v.flags & {"posdef", "det-positive", "invertible"}:
        for i in range(rows):
            a[i][i] = abs(a[i][i]) + 2 * rows
    if "sign" in v.flags:
        a = [[1 if x > 0 else -1 for x in row] for row in a]
    if "onehot" in v.flags:  # a column, or each row of a matrix
        many = rows if cols == 1 else cols
        hot = [random.randrange(many) for _ in range(rows)]
        a = [[int((j if cols > 1 else i) == hot[i if cols > 1 else 0]) for j in range(cols)]
             for i in range(rows)]  # fmt: skip
    if "prob" in v.flags:
        total = sum(abs(x) for row in a for x in row)
        a = [[abs(x) / total for x in row] for row in a]
    if "rowprob" in v.flags:
        a = [[abs(x) / sum(map(abs, row)) for x in row] for row in a]
    if "colprob" in v.flags:
        total = [sum(abs(x) for x in column) for column in zip(*a)]
        a = [[abs(x) / t for x, t in zip(row, total)] for row in a]
    if "small" in v.flags:
        a = [[Fraction(x) / 10 for x in row] for row in a]
    return a


def agree(found: Rows, wanted: Rows, at: Sequence[dict[Expr, Any]]) -> bool | None:
    """Whether the two derivatives have the same values; None if they have none."""
    if [len(r) for r in found] != [len(r) for r in wanted]:
        return False
    met = 0
    for known in at:
        try:
            one = [value(c, known) for row in found for c in row]
            other = [value(c, known) for row in wanted for c in row]
        except (ArithmeticError, ValueError):
            continue
        largest = max((abs(x) for x in (*one, *other)), default=0)
        for a, b in zip(one, other):
            if isinstance(a, float) or isinstance(b, float):
                if not abs(a - b) <= CLOSE * largest + 1e-12:
                    return False
            elif a != b:
                return False
        met += 1
        if met == POINTS:
            break
    return True if met else None


def value(e: Expr, known: dict[Expr, Any]) -> Any:
    """The number that an entry stands for; each node once. Undefined at a kink."""
    if e in known:
        return known[e]
    if isinstance(e, Num):
        return e.value
    if isinstance(e, Sym):
        raise Undefined(f"{e} has no value")
    args = [value(a, known) for a in e.args if isinstance(a, Expr)]
    if isinstance(e, Add):
        found = sum(args)
    elif isinstance(e, Mul):
        found = math.prod(args)
    elif isinstance(e, Pow):
        found = root_or_power(*args)
    else:
        found = called(e, args)
    if isinstance(found, complex) or isinstance(found, float) and not math.isfinite(found):
        raise Undefined(str(e))
    known[e] = found
    return found


def root_or_power(base: Any, exponent: Any) -> Any:
    """base^exponent, exact where it can be: squares of fractions have exact roots."""
    if isinstance(exponent, Fraction) and exponent.denominator == 2:
        root = ANALYTIC["sqrt"][2](base)
        return root_or_power(root, exponent.numerator)
    if isinstance(exponent, int) and exponent < 0 and not isinstance(base, float):
        return divide(1, power(base, -exponent))
    return power(base, exponent)


def called(e: Expr, args: Sequence[Any]) -> Any:
    """A function's value; a kink has none."""
    assert isinstance(e, Call)
    name = e.name
    if name in ("step", "sign", "dirac", "abs") and args[0] == 0:
        raise Undefined(name)
    if name == "dirac":
        return 0
    if name in ("abs", "max", "min"):
        return {"abs": abs, "max": max, "min": min}[name](*args)  # type: ignore[operator]
    if name in MATHS:
        return getattr(math, name)(args[0])
    if name.startswith("arc"):
        return getattr(math, "a" + name[3:])(args[0])
    return ANALYTIC[name][2](*args)
