"""Whole numbers that satisfy a relation: the roots of an equation in one letter, or the
remainders that a letter may leave.

An equation between sizes with floors, such as 2⌊H/2⌋ = H, often repeats: it holds at H
exactly if it holds at H + 2. Then its remainders say all there is to say: 2 divides H.
"""

from __future__ import annotations

from math import lcm, prod

from solver.expressions.formula import settle
from solver.expressions.nodes import (
    Add,
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Sym,
    alike,
    evaluate,
    letters,
    tree,
    walk,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.expressions.nodes import Size

    Remainders = tuple[int, frozenset[int]]  # (m, those that a letter may leave by m)

LONGEST = 5040  # periods that are gone through number by number


def roots(apart: Expr) -> set[int] | None:
    """The numbers at which a polynomial in one letter is 0, of those that it may stand for.

    None if it is no polynomial.
    """
    from solver.expressions.algebra import to_sympy

    x = to_sympy(alike(apart))
    (name,) = x.free_symbols
    if not x.is_polynomial(name):
        return None
    low = 1 if name.is_positive else 0
    found = x.as_poly(name).ground_roots()  # all rational ones, so all whole ones
    return {int(r) for r in found if r.is_integer and r >= low}


def zeros(apart: Expr) -> Remainders | None:
    """The remainders of a letter for which this is 0, or None if it does not repeat."""
    for m in periods(apart):
        if step(apart, m) == 0:
            return m, remainders(apart, m, lambda n: n == 0)
    return None


def multiples(part: int, whole: Expr) -> Remainders | None:
    """The remainders of a letter for which `part` divides this, or None if unknown."""
    for m in periods(whole, part):
        more = step(whole, m)
        if more is not None and more % part == 0 or not rounded(whole):
            return m, remainders(whole, m, lambda n: n % part == 0)
    return None


def rounded(e: Expr) -> bool:
    """Whether anything is divided or rounded: else it is a polynomial of whole numbers."""
    return any(isinstance(n, (Div, Call)) for n in walk(e))


def step(e: Expr, m: int) -> Any:
    """How much a tree in one letter gains when the letter grows by m, wherever it stands.

    None if that is not always the same, or not known to be.
    """
    if isinstance(e, (Num, Sym)):
        return m if isinstance(e, Sym) else 0
    gains = [step(a, m) for a in e.args if isinstance(a, Expr)]
    if None in gains:
        return None
    if isinstance(e, (Add, Neg)):
        return sum(gains) if isinstance(e, Add) else -gains[0]
    if isinstance(e, Call) and e.name in ("floor", "ceil", "min", "max"):
        same = gains[0] % 1 == 0 if e.name in ("floor", "ceil") else len(set(gains)) == 1
        return gains[0] if same else None
    grows = [i for i, a in enumerate(e.args) if letters(a)]
    if isinstance(e, (Mul, Div)) and (grows == [0] or isinstance(e, Mul) and len(grows) == 1):
        return evaluate(type(e)(*(Num(g) if i in grows else a
                                  for i, (a, g) in enumerate(zip(e.args, gains)))))  # fmt: skip
    return 0 if not letters(e) else None


def periods(e: Expr, part: int = 1) -> list[int]:
    """After how many numbers it may repeat: the denominators together, or multiplied."""
    below = [n.args[1] for n in walk(e) if isinstance(n, Div)]
    values = [n.value for n in below if isinstance(n, Num) and isinstance(n.value, int)]
    if len(values) < len(below):
        return []
    return [m for m in {part * lcm(*values): 0, part * prod(values): 0} if m <= LONGEST]


def remainders(e: Expr, m: int, good: Any) -> frozenset[int]:
    """Which of m numbers in a row are good."""
    (name,) = letters(alike(e))
    return frozenset(n % m for n in range(m, 2 * m) if good(evaluate(e, {name.name: n})))


def together(all_of: list[Remainders]) -> Remainders | None:
    """What a letter's remainders must be if each of these is asked; None if too many."""
    m = lcm(*(m for m, _ in all_of))
    if m > LONGEST:
        return None
    kept = [r for r in range(m) if all(r % k in some for k, some in all_of)]
    for k in range(1, m + 1):  # the shortest period
        few = {r % k for r in kept}
        if m % k == 0 and len(few) * (m // k) == len(kept):
            return k, frozenset(few)
    raise AssertionError("a set of remainders repeats after its own period")


def least(m: int, remainder: int, low: int) -> int:
    """The first number from `low` on that leaves this remainder."""
    return low + (remainder - low) % m


def congruence(name: Sym, m: int, remainder: int) -> tuple[Size, str, Size]:
    """n − r, or n + (m − r) if that is nearer, is divided by m."""
    near = remainder if 2 * remainder <= m else remainder - m
    return Num(m), "divides", settle(tree(name) - near) if near else name
