"""What has to have been seen before agreement says that two trees are equal.

Points are a sample: a ReLU far away, a term too small, a condition that is never met can
hide between them. Every branch and term of an answer has to have mattered somewhere, and
both trees are compared close to every kink of the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import inf

from solver.answers.agreement import (
    CLOSE,
    HIDDEN,
    NO_CASE,
    Finding,
    Probe,
    attempted,
    cased,
    close,
    constant,
    constants_of,
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

# How far away the letters of an answer with kinks are looked at, and in which worlds.
SCAN = tuple(s * 10 ** (k / 2) for k in range(-6, 17) for s in (1, -1))
SCANNED = (3, 5, 8, 13)
# Between which a kink's argument may change its sign.
PLACES = (
    -40.0, -12.0, -5.1, -2.3, -1.1, -0.4, -0.05, 0.06, 0.45, 1.2, 2.4, 5.3, 13.0, 41.0,
)  # fmt: skip
TOO_FAR = "Far from ordinary points it cannot be computed: a person has to decide this."
BEYOND = 1e6  # times the numbers of the key: where a kink is not looked for
PERIODIC = ("atan", "asin", "acos", "acot")


def settled(p: Probe, given: Expr, seen: dict[Expr, set[Any]]) -> Finding:
    """Agreement is enough if every branch and term of the answer has mattered somewhere."""
    if not around(p, given):
        return Finding(False)
    if not (unseen(p, given, seen) or bent(p, given)):
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
                if not close(right, got, CLOSE):
                    found = precisely(p, given, (seed, scale, only, True))
                    if found is not True:
                        return Finding(found, "" if found is False else TOO_FAR)
        if not unseen(p, given, seen):
            return Finding(True)
    return Finding(None, HIDDEN.format(unseen(p, given, seen)))


def bent(p: Probe, given: Expr) -> bool:
    """Whether an answer can turn far away, where the key cannot."""
    return any(
        n not in p.watched
        and (is_kink(n) or isinstance(n, Call) and n.args[0] in PERIODIC)
        for n in walk(given)
    )


def unseen(p: Probe, given: Expr, seen: dict[Expr, set[Any]]) -> str:
    """What of an answer no point has tried, that the key does not have itself; or nothing."""
    last = last_conditions(given)
    largest = BEYOND * max([1.0, *constants_of(p.key)])
    for n in walk(given):
        if n in p.watched:
            continue
        if is_kink(n) and any(abs(x) > largest for x in constants_of(n)):
            return "it has a number that points cannot settle"
        if n in last:
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
            if len(found) < wanted and not one_sided(n, p.letters.kinds):
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
    """The conditions of last cases, which are asked only where they hold: that a case is
    missing shows by itself. i ≠ j is one only behind i = j."""
    found: set[Expr] = set()
    for n in walk(e):
        if isinstance(n, Branches):
            conditions = [c for _, c in n.pairs() if c is not None]
            before = {c.args[1:] for c in conditions[:-1] if isinstance(c, Relation)}
            found |= {r for c in conditions[-1:] for r in walk(c) if isinstance(r, Relation)
                      and ("≠" not in r.signs or r.args[1:] in before)}  # fmt: skip
    return found


def one_sided(n: Call, kinds: Any) -> bool:
    """Whether the kink of |x²|, max(e^x, 0) and the like is at the end of the domain."""
    if n.args[0] in ("max", "min"):
        others = [a for a in n.args[1:] if a != Num(0)]
        return constant(n) or len(others) == 1 and nonnegative(others[0], kinds)
    return constant(n) or len(n.args) == 2 and nonnegative(n.args[1], kinds)


def nonnegative(a: Any, kinds: Any) -> bool:
    """Whether a tree is never below 0, as far as its form shows."""
    if isinstance(a, Sym):
        return any(w in kinds.get(a.name, "") for w in ("positive", "nonneg", "probab"))
    if isinstance(a, Pow):
        return isinstance(a.args[1], Num) and a.args[1].value % 2 == 0
    if isinstance(a, (Add, Mul)):
        return all(nonnegative(x, kinds) for x in a.args)
    if isinstance(a, Num):
        return bool(a.value >= 0)
    return isinstance(a, Call) and a.args[0] in (
        "exp",
        "sigmoid",
        "abs",
        "sqrt",
        "relu",
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
        elif even_root(n):
            yield n.args[1 if isinstance(n, Call) else 0].args[0]


def even_root(n: Expr) -> bool:
    """√(u²), (u⁴)^(1/4): |u| in other words."""
    if isinstance(n, Call):
        inside = n.args[1] if n.args[0] == "sqrt" else None
    elif isinstance(n, Pow) and not isinstance(n.args[1], Num):
        inside = n.args[0] if constant(n.args[1]) else None
    else:
        whole = isinstance(n, Pow) and Fraction(n.args[1].value).denominator == 1
        inside = n.args[0] if isinstance(n, Pow) and not whole else None
    return (
        isinstance(inside, Pow)
        and isinstance(inside.args[1], Num)
        and inside.args[1].value % 2 == 0
    )


def movable(e: Expr, w: World) -> list[Any]:
    """The keys in a world of the letters of a tree that can move, x and x_1 alike."""
    fixed = w.letters.indices | w.letters.bounds | w.letters.labels | set(w.sizes)
    found: list[Any] = []
    for n in walk(e):
        if isinstance(n, Sym) and n.name not in (*fixed, "e", "pi", "i", "∞"):
            if n.args[1] == "real" and not w.letters.dims.get(n.name):
                found.append(n.name)
        elif isinstance(n, Index) and all(isinstance(a, Num) for a in n.args[1:]):
            if not w.letters.dims.get(n.base):
                found.append((n.base, tuple(int(a.value) for a in n.args[1:])))
    return [name for name in dict.fromkeys(found) if domain(w, name) != (0, 0)]


def domain(w: World, name: Any) -> tuple[float, float]:
    """Between what a letter can move: (0, 0) for labels and whole numbers."""
    kinds = w.letters.kinds
    if isinstance(name, tuple):
        base, at = name
        spelled = (f"{base}_{at[0]}", base, f"{base}_i")
        kind = next((kinds[k] for k in spelled if kinds.get(k)), "real")
    else:
        kind = kinds.get(name) or "real"
    known = {
        "probability": (0.0, 1.0),
        "positive": (0.0, inf),
        "nonnegative": (0.0, inf),
    }
    return known.get(kind, (-inf, inf) if kind == "real" else (0, 0))


def around(p: Probe, given: Expr) -> bool:
    """Whether both agree on both sides of every kink that the answer has and the key has not."""
    kinks = [u for u in dict.fromkeys(arguments(given)) if not constant(u)]
    if not kinks or all(n in p.watched for n in walk(given) if is_kink(n)):
        return True
    for seed in (0, 2, 5):
        w = p.world((seed, 1, "", False))
        for u in kinks[:6]:
            for name in movable(u, w)[:4]:
                low, high = domain(w, name)
                for t in roots(u, w, name):
                    for gap in (-1e-4, -1e-6, 1e-6, 1e-4):
                        at = t + gap * max(1, abs(t))
                        if low < at < high and not agree_at(p, given, w, name, at):
                            return False
    return True


def is_kink(n: Expr) -> bool:
    if isinstance(n, (Relation, Indicator, Branches)):
        return True
    return isinstance(n, Call) and n.args[0] in KINKED or even_root(n)


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
