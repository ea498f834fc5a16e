"""Sets of real numbers and relations: equal where the same numbers belong to them.

A set in a world is a union of intervals with numbers for ends. Relations are compared
along lines through the space of their letters: where they change is found on the line,
and both are asked there and in between. A relation holds at its own boundary exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

from solver.answers.agreement import Finding
from solver.expressions.arrays import Array, ShapeError
from solver.expressions.compiled import value
from solver.expressions.fields import TooLarge, Undefined
from solver.expressions.nodes import (
    Add,
    Expr,
    Neg,
    Sym,
    walk,
)
from solver.expressions.worlds import Letters, World
from solver.expressions.written import Choice, Group, Logic, Relation, SetOp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Interval = tuple[float, bool, float, bool]  # from, open, to, open
CONSTANTS = ("e", "pi", "∞", "i")
MOST_CHOICES, NEAR = 5, 1e-12


class NotReal(ValueError):
    """This is no set of real numbers."""


# -- ± ------------------------------------------------------------------------------------


def choices(e: Expr) -> list[Expr]:
    """The trees that ± stands for: all upper signs, then all lower ones."""
    if not any(isinstance(n, Choice) for n in walk(e)):
        return [e]
    return [chosen(e, upper) for upper in (True, False)]


def free_choices(e: Expr) -> list[Expr]:
    """The trees of an equation in which each ± is chosen for itself: x ± a = y ± b."""
    places = [n for n in walk(e) if isinstance(n, Choice)]
    if not 1 < len(places) <= MOST_CHOICES:
        return choices(e)
    found = []
    for signs in product((True, False), repeat=len(places)):
        turn = iter(signs)
        found.append(_chosen(e, turn))
    return found


def _chosen(e: Any, turn: Iterator[bool]) -> Any:
    if not isinstance(e, Expr):
        return e
    if isinstance(e, Choice):
        upper = next(turn)
        return _signed(e, upper, [_chosen(a, turn) for a in e.args[1:]])
    return e.with_args(tuple(_chosen(a, turn) for a in e.args))


def chosen(e: Any, upper: bool) -> Any:
    if not isinstance(e, Expr):
        return e
    args = tuple(chosen(a, upper) for a in e.args)
    return (
        _signed(e, upper, list(args[1:]))
        if isinstance(e, Choice)
        else e.with_args(args)
    )


def _signed(e: Choice, upper: bool, parts: list[Any]) -> Expr:
    left, right = parts
    right = right if (e.args[0] == "±") == upper else Neg(right)
    return Add(left, right) if isinstance(left, Expr) else right


# -- sets ---------------------------------------------------------------------------------


def intervals(e: Expr, w: World) -> list[Interval]:
    """A set as disjoint intervals in order. Raises NotReal, Undefined."""
    if isinstance(e, SetOp):
        a, b = intervals(e.args[1], w), intervals(e.args[2], w)
        if e.args[0] == "∪":
            return merged(a + b)
        if e.args[0] == "∩":
            return met(a, b)
        return met(a, outside(b))
    if isinstance(e, Add) and all(
        is_set(a.args[0] if isinstance(a, Neg) else a) for a in e.args
    ):
        found = intervals(e.args[0], w)  # {1, 2} + {3}, {1, 2} − {2}
        for a in e.args[1:]:
            if isinstance(a, Neg):
                found = met(found, outside(intervals(a.args[0], w)))
            else:
                found = merged(found + intervals(a, w))
        return found
    if isinstance(e, Sym) and e.name == "R":
        return [(-math.inf, True, math.inf, True)]
    if not isinstance(e, Group) or not e.fences:
        raise NotReal("no set")
    if e.fences == "{}":
        points = [real(x, w) for item in e.items for x in choices(item)]
        return merged([(p, False, p, False) for p in points])
    if len(e.items) != 2 or e.fences[0] not in "([" or e.fences[1] not in ")]":
        raise NotReal("no interval")
    low, high = (real(x, w) for x in e.items)
    opens, ends = (
        e.fences[0] == "(" or low == -math.inf,
        e.fences[1] == ")" or high == math.inf,
    )
    if low > high or low == high and (opens or ends):
        return []
    return [(low, opens, high, ends)]


def is_set(e: Any) -> bool:
    """Whether a tree is written as a set: braces, an interval, a union."""
    if isinstance(e, SetOp) or isinstance(e, Sym) and e.name == "R":
        return True
    if isinstance(e, Add):
        return all(is_set(a.args[0] if isinstance(a, Neg) else a) for a in e.args)
    if not isinstance(e, Group) or not e.fences:
        return False
    return (
        e.fences == "{}"
        or len(e.items) == 2
        and e.fences[0] in "(["
        and e.fences[1] in ")]"
    )


def real(e: Expr, w: World) -> float:
    """One real number, infinity allowed."""
    if isinstance(e, (Group, Relation, Logic, SetOp)):
        raise NotReal("no number")
    try:
        v = value(e, w)
    except ShapeError:
        raise NotReal("no number") from None
    if isinstance(v, (Array, complex, bool)):
        raise NotReal("no real number")
    return float(v)


def merged(parts: list[Interval]) -> list[Interval]:
    """The union, touching ones joined."""
    found: list[Interval] = []
    for lo, lo_open, hi, hi_open in sorted(parts, key=lambda p: (p[0], p[1])):
        if found:
            a, a_open, b, b_open = found[-1]
            touching = abs(lo - b) <= NEAR * max(1, abs(lo)) if lo != b else True
            if lo < b and not touching or touching and not (b_open and lo_open):
                if hi > b or hi == b and not hi_open:
                    far = abs(hi - b) > NEAR * max(1, abs(hi)) if hi != b else False
                    b, b_open = (hi, hi_open) if far else (b, b_open and hi_open)
                found[-1] = (a, a_open, b, b_open)
                continue
        found.append((lo, lo_open, hi, hi_open))
    return found


def outside(parts: list[Interval]) -> list[Interval]:
    """All other real numbers."""
    found: list[Interval] = []
    at, at_open = -math.inf, True
    for lo, lo_open, hi, hi_open in parts:
        if at < lo or at == lo and not at_open and lo_open:
            found.append((at, at_open, lo, not lo_open))
        at, at_open = hi, not hi_open
    if at < math.inf:
        found.append((at, at_open, math.inf, True))
    return found


def met(a: list[Interval], b: list[Interval]) -> list[Interval]:
    """The intersection."""
    found = []
    for p in a:
        for q in b:
            lo, lo_open = max((p[0], p[1]), (q[0], q[1]))
            hi, hi_shut = min((p[2], not p[3]), (q[2], not q[3]))
            if lo < hi or lo == hi and not lo_open and hi_shut:
                found.append((lo, lo_open, hi, not hi_shut))
    return merged(found)


def same_set(key: Expr, given: Expr, kinds: Any, dims: Any) -> Finding:
    """Whether two sets of reals have the same numbers. Raises NotReal."""
    letters = Letters(kinds, dims, (key, given))
    tried = 0
    for seed in range(5):
        try:
            a = intervals(key, World(letters, seed))
            b = intervals(given, World(letters, seed))
        except (Undefined, TooLarge, ZeroDivisionError, OverflowError):
            continue
        tried += 1
        if len(a) != len(b):
            return Finding(False)
        for p, q in zip(a, b):
            if any(math.isinf(p[i]) != math.isinf(q[i]) for i in (0, 2)):
                return Finding(False)
            ends = (
                abs(p[i] - q[i]) <= NEAR * max(1, abs(p[i])) or p[i] == q[i]
                for i in (0, 2)
            )
            if not all(ends):
                return Finding(False)
            if (p[1], p[3]) != (q[1], q[3]):
                return Finding(
                    False, "The bounds are right, but not which of them belong to it."
                )
    return (
        Finding(True)
        if tried
        else Finding(None, "It cannot be computed at the points tried.")
    )


# -- relations ----------------------------------------------------------------------------


def same_items(key: list[Expr], given: list[Expr], same: Any) -> Finding:
    """Whether two sets of anything have the same members, each once."""

    def distinct(items: list[Expr]) -> list[Expr]:
        found: list[Expr] = []
        for x in items:
            if not any(same(x, y).same is True for y in found):
                found.append(x)
        return found

    a, b = distinct(key), distinct(given)
    if len(a) != len(b):
        return Finding(False)
    doubt = False
    for x in b:
        met = [same(y, x).same for y in a]
        if True not in met:
            if None not in met:
                return Finding(False)
            doubt = True
    return Finding(None if doubt else True)
