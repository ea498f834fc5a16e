"""What has to have been seen before agreement says that two trees are equal.

Points are a sample: a ReLU far away, a term too small, a condition that is never met can
hide between them. Every branch and term of an answer has to have mattered somewhere, and
both trees are compared close to every kink of the answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from solver.answers.agreement import (
    HIDDEN,
    NO_CASE,
    Finding,
    Probe,
    attempted,
    cased,
    close,
    constant,
    lacking,
    precisely,
)
from solver.expressions.arrays import Array
from solver.expressions.compiled_calls import FLAT, KINKED
from solver.expressions.nodes import Add, Call, Expr, Mul, Neg, Num, Pow, Sym, walk
from solver.expressions.worlds import World
from solver.expressions.written import Branches, Index, Indicator, Relation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCAN = tuple(s * 10 ** (k / 2) for k in range(-6, 17) for s in (1, -1))
SCANNED = (3, 5, 8, 13)
PLACES = (
    -40.0,
    -12.0,
    -5.1,
    -2.3,
    -1.1,
    -0.4,
    -0.05,
    0.06,
    0.45,
    1.2,
    2.4,
    5.3,
    13.0,
    41.0,
)
NEAREST = (1e-6, 1e-4)


def settled(p: Probe, given: Expr, seen: dict[Expr, set[Any]]) -> Finding:
    """Agreement is enough if every branch and term of the answer has mattered somewhere."""
    if not around(p, given):
        return Finding(False)
    if not unseen(p, given, seen):
        return Finding(True)
    names = {n.args[0] for n in walk(given) if isinstance(n, (Sym, Index))}
    for seed in SCANNED:
        for only in ("", *sorted(names)[:4]):
            for scale in SCAN:
                id = (seed, scale, only, False)
                right, got = p.pair(given, id, seen)
                if isinstance(right, Exception) or isinstance(got, Exception):
                    if cased(given) and lacking(p, given, id):
                        return Finding(False, NO_CASE)
                    continue
                if not close(right, got, 1e-7):
                    if precisely(p, given, (seed, scale, only, True)) is False:
                        return Finding(False)
        if not unseen(p, given, seen):
            return Finding(True)
    return Finding(None, HIDDEN.format(unseen(p, given, seen)))


def unseen(p: Probe, given: Expr, seen: dict[Expr, set[Any]]) -> str:
    """What of an answer no point has tried, that the key does not have itself; or nothing."""
    last = last_conditions(given)
    for n in walk(given):
        if n in p.watched or n in last:
            continue
        found = seen.get(n, set())
        if isinstance(n, Indicator) and len(found) < 2:
            return "it has a condition that was always, or never, met"
        if isinstance(n, Branches) and len(found) < len(n.pairs()):
            return "it has a case that no point met"
        if isinstance(n, Relation) and len(found) < 2 and not constant(n):
            return "it has a condition that was always, or never, met"
        if isinstance(n, Mul) and Num(0) in n.args and len(n.args) > 1:
            return "it has a product with 0"
        if isinstance(n, Call) and n.args[0] in KINKED:
            wanted = len(n.args) - 1 if n.args[0] in ("max", "min") else 2
            if len(found) < wanted and not nonnegative(n):
                return "it has a kink that no point crossed"
        if isinstance(n, Call) and n.args[0] in FLAT and "felt" not in found:
            if not constant(n):
                return "it has a function that is flat at all of them"
        if isinstance(n, Add):
            terms = {i for x in found if isinstance(x, tuple) for i in x[1:]}
            if len(terms) < len(n.args):
                return "it has a term too small to be felt"
    return ""


def last_conditions(e: Expr) -> set[Expr]:
    """The inequalities of last cases, which are asked only where they hold: that a case is
    missing shows by itself."""
    found: set[Expr] = set()
    for n in walk(e):
        if isinstance(n, Branches):
            conditions = [c for _, c in n.pairs() if c is not None]
            found |= {r for c in conditions[-1:] for r in walk(c)
                      if isinstance(r, Relation) and not {*r.signs} & {"=", "≠", "≈"}}  # fmt: skip
    return found


def nonnegative(n: Expr) -> bool:
    """|x²|, max(e^x, 0) and the like, whose kink can never be met."""
    a = n.args[1]
    if n.args[0] not in ("abs", "relu", "sign", "step"):
        return constant(n)
    even = (
        isinstance(a, Pow) and isinstance(a.args[1], Num) and a.args[1].value % 2 == 0
    )
    return (
        even
        or isinstance(a, Call)
        and a.args[0] in ("exp", "sigmoid", "abs")
        or constant(a)
    )


# -- close to every kink ------------------------------------------------------------------


def arguments(e: Expr) -> Iterator[Expr]:
    """What is 0 at the kinks and jumps of a tree."""
    for n in walk(e):
        if isinstance(n, Relation):
            for a, b in zip(n.members, n.members[1:]):
                yield Add(a, Neg(b))
        elif isinstance(n, Call) and n.args[0] in ("max", "min"):
            for a, b in zip(n.args[1:], n.args[2:]):
                yield Add(a, Neg(b))
        elif isinstance(n, Call) and n.args[0] in (
            "abs",
            "sign",
            "step",
            "relu",
            "relu'",
        ):
            yield n.args[1]


def movable(e: Expr, w: World) -> list[Any]:
    """The keys in a world of the real letters of a tree, x and x_1 alike."""
    fixed = w.letters.indices | w.letters.bounds | set(w.sizes)
    found: list[Any] = []
    for n in walk(e):
        if isinstance(n, Sym) and n.name not in (*fixed, "e", "pi", "i", "∞"):
            if n.args[1] == "real" and not w.letters.dims.get(n.name):
                if "integer" not in w.letters.kinds.get(n.name, ""):
                    found.append(n.name)
        elif isinstance(n, Index) and all(isinstance(a, Num) for a in n.args[1:]):
            if not w.letters.dims.get(n.base):
                found.append((n.base, tuple(int(a.value) for a in n.args[1:])))
    return list(dict.fromkeys(found))


def around(p: Probe, given: Expr) -> bool:
    """Whether both agree on both sides of every kink that the answer has and the key has not."""
    kinks = [u for u in dict.fromkeys(arguments(given)) if not constant(u)]
    if not kinks or all(n in p.watched for n in walk(given) if is_kink(n)):
        return True
    for seed in (0, 2, 5):
        w = p.world((seed, 1, "", False))
        for u in kinks[:6]:
            for name in movable(u, w)[:4]:
                for t in roots(u, w, name):
                    for gap in NEAREST:
                        for side in (-1, 1):
                            if not agree_at(
                                p, given, w, name, t + side * gap * max(1, abs(t))
                            ):
                                return False
    return True


def is_kink(n: Expr) -> bool:
    return isinstance(n, (Relation, Indicator, Branches)) or (
        isinstance(n, Call) and n.args[0] in KINKED
    )


def roots(u: Expr, w: World, name: Any) -> list[float]:
    """Where an argument changes its sign as one letter moves and the others stand."""
    stays = dict(w.found)

    def f(t: float) -> float | None:
        w.found = {**stays, name: t}
        v = attempted(u, w)
        return None if isinstance(v, (Exception, Array, complex, bool)) else float(v)

    found = []
    values = [(t, f(t)) for t in PLACES]
    for (a, x), (b, y) in zip(values, values[1:]):
        if x is None or y is None or x * y >= 0:
            continue
        for _ in range(60):
            m = (a + b) / 2
            v = f(m)
            if v is None or v == 0:
                a = b = m
                break
            if (v > 0) == (x > 0):
                a = m
            else:
                b = m
        found.append((a + b) / 2)
    w.found = stays
    return found[:3]


def agree_at(p: Probe, given: Expr, w: World, name: Any, t: float) -> bool:
    """Whether both have the same value where one letter is t; no value of the key is no test."""
    stays = dict(w.found)
    w.found = {**stays, name: t}
    right, got = attempted(p.key, w), attempted(given, w)
    w.found = stays
    if isinstance(right, Exception):
        return True
    if isinstance(got, Exception):
        return not cased(given)
    return close(right, got, 1e-7) or bool(
        not isinstance(right, Array)
        and not isinstance(got, Array)
        and abs(right - got) < 1e-12
    )
