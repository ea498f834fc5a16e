"""Whether two trees as people write them are equal: structure, floats, fifty digits.

Floats at seeded points filter; what agrees there is held against fifty digits, far from
ordinary points as well. Every branch and every term of an answer has to have been seen
to matter: a kink that no point crossed, or a term too small to be felt, leaves the answer
to a person. What has no value where the key has one is counted.
"""

from __future__ import annotations

from functools import lru_cache

from solver.expressions.arrays import Array, ShapeError
from solver.expressions.compiled import value
from solver.expressions.fields import FLOATS, Field, TooLarge, Undefined
from solver.expressions.nodes import Call, Expr, Num, Pow, Sym, walk
from solver.expressions.worlds import Letters, World
from solver.expressions.written import (
    Branches,
    Group,
    Index,
    Indicator,
    Logic,
    Relation,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

POINTS, ENOUGH = 28, 6
SHARE = 2  # an answer without a value at a third of the points is for a person
FAR = (1e-3, 37.0, 1e3)
CLOSE, EXACT, ROUNDING = 1e-12, 1e-45, 1e-30
MORE, MOST, CALLS = "more", "most", 12
LEAST = 1e-120  # 1 − σ(1000) is 0 to any digits
NO_CASE = "It has no value where the right answer has one: a case is missing."
HIDDEN = "It agrees at the points tried, but {}: a person has to decide this."


class Finding:
    """same: True, False or None for "cannot say"; why, in words; where they differ."""

    __slots__ = ("same", "why", "at")

    def __init__(self, same: bool | None, why: str = "", at: Any = None):
        self.same, self.why, self.at = same, why, at


class Probe:
    """A key with its values in the seeded worlds, kept for all answers to come."""

    def __init__(self, key: Expr, letters: Letters):
        self.key, self.letters = key, letters
        self.known: dict[Any, Any] = {}
        self.watched: set[Expr] = set(walk(key))

    def of_key(self, w: World, id: Any) -> Any:
        """The key's value in a world, or the error that it raised."""
        if id not in self.known:
            self.known[id] = attempted(self.key, w)
        return self.known[id]

    def pair(self, given: Expr, id: Any, seen: Any = None) -> tuple[Any, Any]:
        """(the key's value, the answer's) in the world of this id."""
        w = self.world(id)
        right = self.of_key(w, id)
        w = self.world(id)
        w.seen = seen
        return right, attempted(given, w)

    def world(self, id: Any) -> World:
        seed, scale, only, digits = id
        return World(
            self.letters,
            seed,
            field(digits),
            "",
            None,
            scale,
            only,
        )


def fifty_digits() -> Field:
    return field(True)


def field(digits: bool | str) -> Field:
    """Floats, fifty digits (True), or MORE of them."""
    if not digits:
        return FLOATS
    from solver.numeric import digits as kept

    named = {MORE: kept.MORE, MOST: kept.MOST}
    return kept.FIFTY if isinstance(digits, bool) else named[digits]


def attempted(e: Expr, w: World) -> Any:
    """The value, or the error instead of it."""
    try:
        return value(e, w)
    except (Undefined, ShapeError, TooLarge) as error:
        return error
    except (ArithmeticError, TypeError, ValueError, MemoryError) as error:
        return Undefined(str(error))


@lru_cache(maxsize=512)
def probe(key: Expr, signature: Any) -> Probe:
    """The probe of a key under what is declared and how its letters are used."""
    return Probe(key, signature.letters)


class Signature:
    """Letters as a key of a cache: two answers that use letters alike share a probe."""

    def __init__(self, letters: Letters):
        self.letters = letters
        self.what = (
            tuple(sorted(letters.kinds.items())), tuple(sorted(letters.dims.items())),
            frozenset(letters.indices), frozenset(letters.bounds), frozenset(letters.labels),
            letters.imaginary,
        )  # fmt: skip

    def __hash__(self) -> int:
        return hash(self.what)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Signature) and self.what == other.what


def probe_for(key: Expr, given: Expr, kinds: Any, dims: Any) -> Probe:
    letters = Letters(kinds, dims, (key, given))
    names = {n.args[0] for t in (key, given) for n in walk(t) if isinstance(n, Sym)}
    met = names | {
        n.base for t in (key, given) for n in walk(t) if isinstance(n, Index)
    }
    letters.indices &= names
    letters.labels &= met
    return probe(key, Signature(letters))


def compare(key: Expr, given: Expr, kinds: Any = None, dims: Any = None) -> Finding:
    """Whether an answer has the key's values wherever the key has any."""
    if key == given:
        return Finding(True)
    return probed(probe_for(key, given, kinds, dims), given)


def close(a: Any, b: Any, rel: float) -> bool:
    """Whether two numbers, or arrays of one size, agree."""
    if isinstance(a, Array) or isinstance(b, Array):
        if not (isinstance(a, Array) and isinstance(b, Array)) or a.dims != b.dims:
            return False
        x, y = a.flat(), b.flat()
        whole = max(map(abs, (*x, *y)))  # an entry may cancel to nothing
        return all(
            p == q or whole - whole == 0 and abs(p - q) <= rel * whole
            for p, q in zip(x, y)
        )
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if a == b:
        return True
    try:
        whole = max(abs(a), abs(b))  # where it is infinite, only the same is
        return bool(whole - whole == 0 and abs(a - b) <= rel * whole)
    except (OverflowError, TypeError):
        return False


def probed(p: Probe, given: Expr) -> Finding:
    """The comparison itself."""
    met = missing = large = 0
    seen: dict[Expr, set[Any]] = {}
    for seed in range(POINTS):
        right, got = p.pair(given, (seed, 1, "", False), seen)
        if isinstance(got, ShapeError) and not isinstance(right, Exception):
            return Finding(False, f"The sizes do not fit: {got}.", seed)
        if isinstance(right, TooLarge) or isinstance(got, TooLarge):
            large += 1
            if large > 6 and not met:
                break
            continue
        if isinstance(right, Exception):
            continue
        if isinstance(got, Exception):
            missing += 1
            if cased(given):
                return Finding(False, NO_CASE, seed)
            continue
        if not close(right, got, CLOSE):
            if unlike(right, got):
                return Finding(False, unlike(right, got), seed)
            finding = precisely(p, given, (seed, 1, "", True))
            if finding is not True:
                return Finding(finding, "", seed)
        met += 1
        if met >= ENOUGH and seed >= 7:
            break
    if not met and large:
        met, missing, finding_ = largely(p, given)
        if finding_ is False:
            return Finding(False)
    if not met:
        if missing > 3 and not large:
            return Finding(False, "It has no value where the right answer has one.")
        return Finding(None, "It cannot be computed at the points tried.")
    if precisely(p, given, (0, 1, "", True)) is False:
        return Finding(False, "", 0)
    for i, scale in enumerate(() if constant(p.key) and constant(given) else FAR):
        id = (40 + i, scale, "", True)
        if precisely(p, given, id, seen) is False:
            return Finding(False, "", None)
        if cased(given) and lacking(p, given, id):
            return Finding(False, NO_CASE)
    if SHARE * missing > met:
        return Finding(
            None, HIDDEN.format("it has a value on a part of the domain only")
        )
    from solver.answers.kinks import settled

    return settled(p, given, seen)


def cased(e: Expr) -> bool:
    """Whether a tree is by cases or conditions, which have to cover everything."""
    return any(isinstance(n, (Branches, Indicator)) for n in walk(e))


def lacking(p: Probe, given: Expr, id: Any) -> bool:
    """Whether the key has a value in a world and the answer has none."""
    right, got = p.pair(given, id)
    return isinstance(got, Undefined) and not isinstance(right, Exception)


def unlike(right: Any, got: Any) -> str:
    """What is said where a column stands for a number, or sizes differ."""
    if isinstance(right, Array) and isinstance(got, Array) and right.dims != got.dims:
        if right.dims == got.dims[::-1]:
            return (
                f"It is {got.told()}, and {right.told()} is asked for: the transpose."
            )
        return f"It is {got.told()}, and {right.told()} is asked for."
    if isinstance(right, Array) != isinstance(got, Array):
        what = [
            f"a matrix ({x.told()})" if isinstance(x, Array) else "a number"
            for x in (got, right)
        ]
        return f"It is {what[0]}, and {what[1]} is asked for."
    return ""


def precisely(p: Probe, given: Expr, id: Any, seen: Any = None) -> bool | None:
    """Whether they agree to fifty digits in one world; None if one of them has no value."""
    right, got = p.pair(given, id, seen)
    if isinstance(right, Exception) or isinstance(got, Exception):
        return None
    if close(right, got, EXACT):
        return True
    if isinstance(right, Array) != isinstance(got, Array):
        return False
    gap = apart(right, got)
    if gap is None:
        return False
    # What cancels leaves rounding, which shrinks with more digits; a difference stays.
    right, got = p.pair(given, (*id[:3], MORE))
    if isinstance(right, Exception) or isinstance(got, Exception):
        return None
    left = apart(right, got)
    far = abs(id[1]) > 1
    if far and left is not None and left > LEAST and grown(p.key) + grown(given):
        if abs(id[1]) > FAR[-1] or grown(p.key) + grown(given) > CALLS:
            return None  # cosh²x − sinh²x takes as many digits as e^x has
        left = apart(*p.pair(given, (*id[:3], MOST)))
    return left is not None and bool(
        left <= max(gap * field(True).num(ROUNDING), LEAST)
    )


def grown(e: Expr) -> int:
    """How many exponentials a tree has."""
    return sum(isinstance(n, Call) and n.args[0] in ("exp", "sinh", "cosh")
               or isinstance(n, Pow) and not isinstance(n.args[1], Num) and not constant(n)
               for n in walk(e))  # fmt: skip


def apart(a: Any, b: Any) -> Any:
    """The largest difference of two values of one size; None where there is none to say."""
    if isinstance(a, Exception) or isinstance(b, Exception):
        return None
    flat = [x.flat() if isinstance(x, Array) else [x] for x in (a, b)]
    if len(flat[0]) != len(flat[1]):
        return None
    one = field(True).one  # in one field, whichever the values are of
    gap = max(abs(x - y) * one for x, y in zip(*flat))
    return gap if gap - gap == 0 else None


def largely(p: Probe, given: Expr) -> tuple[int, int, bool | None]:
    """The points again where floats overflow: with fifty digits, which do not."""
    met = missing = 0
    for seed in range(8):
        right, got = p.pair(given, (seed, 1, "", True))
        if isinstance(right, Exception):
            continue
        if isinstance(got, Exception):
            missing += 1
        elif precisely(p, given, (seed, 1, "", True)) is False:
            return met, missing, False
        else:
            met += 1
    return met, missing, None


def constant(e: Expr) -> bool:
    """Whether a tree is a number whatever letters mean."""
    return not any(
        isinstance(n, Index)
        or isinstance(n, Sym)
        and n.name not in ("e", "pi", "i", "∞")
        for n in walk(e)
    )


def constants_of(e: Any) -> list[float]:
    """The values of the constant parts of a tree, each as large as it can be."""
    if not isinstance(e, Expr):
        return []
    if not isinstance(e, (Relation, Logic, Group)) and constant(e):
        v = attempted(e, World(Letters(trees=(e,)), 0))
        return (
            [float(v)] if isinstance(v, (int, float)) and abs(v) < float("inf") else []
        )
    return [x for a in e.args for x in constants_of(a)]


def differing_entries(p: Probe, given: Expr) -> list[tuple[int, int]]:
    """(row, column) from 1 of the entries of a matrix that differ, if sizes agree."""
    off: set[tuple[int, int]] = set()
    for seed in range(4):
        right, got = p.pair(given, (seed, 1, "", False))
        if (
            not (isinstance(right, Array) and isinstance(got, Array))
            or right.dims != got.dims
        ):
            continue
        for i, (r, s) in enumerate(zip(right.rows, got.rows)):
            off |= {
                (i + 1, j + 1)
                for j, (x, y) in enumerate(zip(r, s))
                if not close(x, y, 1e-7)
            }
    return sorted(off)
