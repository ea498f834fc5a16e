"""Linear inequalities solved exactly, or refuted: a·x ≥ c in rationals.

Fourier–Motzkin elimination, which keeps of each new inequality how it was added up from
the given ones. So what has no solution has its proof: multipliers, none negative, under
which the inequalities add up to 0 ≥ c with c > 0 (Farkas' lemma).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, gcd, lcm

from solver.core import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 20_000  # inequalities at once: beyond it the elimination has run away


@dataclass(frozen=True)
class AtLeast:
    """coefficients · x ≥ bound."""

    coefficients: tuple[Any, ...]
    bound: Any

    def holds(self, x: Sequence[Any]) -> bool:
        return bool(dot(self.coefficients, x) >= self.bound)


@dataclass(frozen=True)
class Sum:
    """An inequality with the shares of the given ones that it was added up from."""

    row: tuple[Fraction, ...]  # the coefficients, then the bound
    shares: tuple[Fraction, ...]


def dot(a: Iterable[Any], b: Iterable[Any]) -> Any:
    """a · b."""
    return sum(x * y for x, y in zip(a, b))


def added(given: Sequence[AtLeast], shares: Sequence[Any]) -> AtLeast:
    """The given inequalities, each times its share, added up."""
    columns = zip(*(r.coefficients for r in given))
    return AtLeast(
        tuple(dot(shares, column) for column in columns),
        dot(shares, (r.bound for r in given)),
    )


def refutes(given: Sequence[AtLeast], shares: Sequence[Any]) -> bool:
    """Whether the shares prove that no x meets all: none negative, the sum is 0 ≥ c > 0."""
    whole = added(given, shares)
    return min(shares) >= 0 and not any(whole.coefficients) and whole.bound > 0


def solved(given: Sequence[AtLeast]) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    """(a point that meets all, nothing), or (nothing, shares that refute them).

    Of the points one with small whole numbers is preferred.
    """
    unknowns = len(given[0].coefficients)
    stage = [
        Sum(
            tuple(map(Fraction, (*r.coefficients, r.bound))),
            tuple(Fraction(i == j) for j in range(len(given))),
        )
        for i, r in enumerate(given)
    ]
    stages = []
    for k in range(unknowns):
        stages.append(stage)
        stage = without(stage, k)
        false = next((s for s in stage if not any(s.row[:-1]) and s.row[-1] > 0), None)
        if false is not None:
            return (), whole(false.shares)
    point: list[Any] = [0] * unknowns
    for k in reversed(range(unknowns)):
        point[k] = between(stages[k], k, point)
    return tuple(point), ()


def without(stage: Sequence[Sum], k: int) -> list[Sum]:
    """Unknown k eliminated: each inequality that bounds it below with each above."""
    found: dict[tuple[Fraction, ...], Sum] = {}

    def keep(s: Sum) -> None:
        scale = max((abs(a) for a in s.row[:-1]), default=Fraction(0)) or Fraction(1)
        s = scaled(s, 1 / scale)
        old = found.get(s.row[:-1])
        if old is None or s.row[-1] > old.row[-1]:  # of equal sides the tighter
            found[s.row[:-1]] = s

    for s in stage:
        if s.row[k] == 0:
            keep(s)
    below = [s for s in stage if s.row[k] > 0]
    above = [s for s in stage if s.row[k] < 0]
    for a in below:
        for b in above:
            left, right = scaled(a, 1 / a.row[k]), scaled(b, -1 / b.row[k])
            keep(Sum(plus(left.row, right.row), plus(left.shares, right.shares)))
        if len(found) > MOST:
            raise BadInput("these inequalities are too many to be solved exactly")
    return list(found.values())


def scaled(s: Sum, by: Fraction) -> Sum:
    return Sum(tuple(a * by for a in s.row), tuple(a * by for a in s.shares))


def plus(a: tuple[Fraction, ...], b: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    return tuple(x + y for x, y in zip(a, b))


def between(stage: Sequence[Sum], k: int, point: Sequence[Any]) -> Any:
    """A value of unknown k where the later ones are known: 0, else a whole number, if one
    fits, closest to 0."""
    low = high = None
    for s in stage:
        if not s.row[k]:
            continue
        rest = dot(s.row[k + 1 : -1], point[k + 1 :])
        edge = (s.row[-1] - rest) / s.row[k]
        if s.row[k] > 0:
            low = edge if low is None else max(low, edge)
        else:
            high = edge if high is None else min(high, edge)
    if (low is None or low <= 0) and (high is None or high >= 0):
        return 0
    if low is not None and low > 0:
        return ceil(low) if high is None or ceil(low) <= high else (low + high) / 2
    assert high is not None
    return -ceil(-high) if low is None or -ceil(-high) >= low else (low + high) / 2


def whole(shares: Sequence[Fraction]) -> tuple[int, ...]:
    """The shares as whole numbers without a common factor."""
    by = lcm(*(s.denominator for s in shares))
    numbers = [int(s * by) for s in shares]
    return tuple(n // gcd(*numbers) for n in numbers)
