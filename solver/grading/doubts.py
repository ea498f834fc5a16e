"""Doubts about an answer in letters that agrees with the right one at ordinary points.

Points are a sample: a ReLU far away, a tiny coefficient or a huge power can hide between
them. What the key does not have and points cannot settle, a person has to decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

from solver.answers.agreement import attempted, constant
from solver.core import BadInput
from solver.expressions.fields import Undefined
from solver.expressions.nodes import (
    Call,
    Div,
    Expr,
    Num,
    Pow,
    Sym,
    evaluate,
    subs,
    tree,
    walk,
)
from solver.expressions.points import SCALES, near, points
from solver.expressions.typed import Fn, HPow, Var
from solver.expressions.worlds import Letters, World
from solver.reading.names import Names
from solver.reading.reader import read_written
from solver.values import has_dims, same, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

POWER, EXTREME = 20, 10**6
KINKED = ("relu", "abs", "step", "sign")
DECIDE = "It agrees at the points tried, but {}: a person has to decide this."
# The values of a label y, where a kind is about one.
LABELS: dict[str, tuple[int, ...]] = {"loss bernoulli": (0, 1), "loss logistic": (-1, 1)}


def settled(right: Expr, given: Expr) -> tuple[bool | None, str]:
    """Whether agreement at ordinary points says that two trees are equal, and a remark."""
    if right == given:
        return True, ""
    if has_dims(right) or has_dims(given):
        from solver.numeric.probes import (
            differ_at_zero,
            differ_far,
            differ_slightly,
            differ_somewhere,
        )

        if differ_slightly(right, given):
            return False, ""
        kinked = any(next(kinks(e), None) is not None for e in (right, given))
        if kinked and differ_somewhere(right, given):
            return False, ""
        far = differ_far(right, given)
    else:
        far = scalars_far(right, given)
    strange = [k for k in kinks(given) if not any(alike(k, r) for r in kinks(right))]
    extreme = set(extremes(given)) - set(extremes(right))
    if far:
        if strange or extreme:
            return False, ""
        return None, DECIDE.format("not where its letters are tiny or large")
    if strange:
        return None, DECIDE.format("it has a kink or a case that the key does not have")
    if extreme:
        return None, DECIDE.format("it has numbers that points cannot settle")
    for name in dict.fromkeys(k.args[0] for k in kinks(right) if letter(k)):
        zero = differ_at_zero if has_dims(right) else scalar_at_zero
        if zero(right, given, name):
            return True, f"Only at {name} = 0 exactly it differs: the sheet takes 0 there."
    return True, ""


def letter(e: Any) -> bool:
    """Whether a tree is a letter alone."""
    return isinstance(e, (Sym, Var))


def kinks(e: Expr) -> Iterator[Expr]:
    """What is 0 at the kinks and jumps of a tree."""
    for n in walk(e):
        if isinstance(n, (Fn, Call)) and n.args[0] in KINKED:
            yield bare(n.args[1])
        elif isinstance(n, Call) and n.name in ("max", "min"):
            for a, b in combinations(n.args[1:], 2):
                yield tree(a) if b == Num(0) else tree(b) if a == Num(0) else tree(a) - tree(b)


def bare(e: Any) -> Any:
    """relu(U) is positive where U is."""
    return e.args[1] if isinstance(e, Fn) and e.args[0] == "relu" else e


def alike(a: Expr, b: Expr) -> bool:
    """Whether two trees are 0 together: the same, or one the other's negative."""
    if has_dims(a) or has_dims(b):
        from solver.expressions import matrix as m

        return bool(same(a, b) or same(m.neg(a), b))
    return bool(same(a, b) or same(-a, b))


def extremes(e: Expr) -> Iterator[Any]:
    """The numbers of a tree that are huge, tiny or many digits long; powers above 20."""
    for n in walk(e):
        if isinstance(n, Num):
            v = Fraction(n.args[0])
            if max(abs(v.numerator), v.denominator) >= EXTREME:
                yield v
        elif isinstance(n, (Pow, HPow)):
            power: Any = n.args[1].args[0] if isinstance(n.args[1], Num) else n.args[1]
            if isinstance(power, (int, float, Fraction)) and not -POWER <= power <= POWER:
                yield ("power", power)


def scalars_far(a: Expr, b: Expr) -> bool:
    """Whether two real trees differ where their real letters are tiny or large."""
    real = {n.name for e in (a, b) for n in walk(e) if isinstance(n, Sym) and n.kind == "real"}
    kept = {n.name for e in (a, b) for n in walk(e) if isinstance(n, Sym) and n.kind != "real"}
    for scale in SCALES:
        for env in points(a, b, count=6):
            moved = {k: v * scale if k in real - kept else v for k, v in env.items()}
            try:
                x, y = evaluate(a, moved), evaluate(b, moved)
            except (ArithmeticError, ValueError, TypeError, KeyError):
                continue
            if abs(x - y) > 1e-6 * max(abs(x), abs(y)) + 1e-9 * max(1, scale) ** 2:
                return True
    return False


def scalar_at_zero(a: Expr, b: Expr, name: str) -> bool:
    """Whether two real trees differ where a letter is 0, or the second has no value."""
    for env in points(a, b, count=6):
        try:
            wanted = evaluate(a, {**env, name: 0})
        except (ArithmeticError, ValueError, TypeError, KeyError):
            continue
        try:
            if not near(evaluate(b, {**env, name: 0}), wanted):
                return True
        except (ArithmeticError, ValueError, TypeError, KeyError):
            return True
    return False


def on_labels(kind: str, right: Any, given: Any) -> str:
    """That an answer agrees for all labels, though not for every number y; or nothing."""
    values = LABELS.get(kind)
    if values is None or not isinstance(right, Expr) or not isinstance(given, Expr):
        return ""
    if not all(same(subs(right, {"y": Num(v)}), subs(given, {"y": Num(v)})) for v in values):
        return ""
    low = values[0]
    first, last = (str(v).replace("-", "−").rjust(2, "+" if v and low else " ").strip()
                   for v in values)  # fmt: skip
    return f"It agrees for the labels {first} and {last}, but is not the same expression."


def without_value(text: str) -> str:
    """A number in a text that is none, 0/0 or log 0: a tree that is simplified while it is
    read no longer shows it."""
    try:
        e = read_written(text, Names())
    except BadInput:
        return ""
    for n in walk(e):
        if isinstance(n, (Div, Pow, Call)) and constant(n):
            if isinstance(attempted(n, World(Letters(trees=(n,)), 0)), Undefined):
                return show(n)
    return ""
