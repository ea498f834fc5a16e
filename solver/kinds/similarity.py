"""Cosine similarities, and pseudolabels: the sources in the order of their similarity.

Similarities are compared exactly, by sign and square in fractions, so that a tie is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import fsum, hypot, sqrt

from solver.answers.forms import state_key
from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Add, Call, Expr, Mul, Num, Pow
from solver.expressions.points import near
from solver.kinds import kind
from solver.kinds.knn import distance_of
from solver.kinds.named_points import alongside, named, num
from solver.registry import unknown
from solver.telling import listed
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.kinds.named_points import Point

DEFINED = "the cosine: the dot product over the product of the lengths"


def dot(a: Point, b: Point) -> Fraction:
    return sum((x * y for x, y in zip(a, b)), Fraction(0))


def read(sources: Any, image: Any) -> tuple[dict[str, Point], Point]:
    """The sources by name and the image; none of them is the zero vector."""
    vectors = named(sources, "S")
    at = alongside(image, vectors, "the image")
    for name, v in (*vectors.items(), ("the image", at)):
        if not any(v):
            raise BadInput(f"{name} is the zero vector, which has no direction")
    return vectors, at


def cosine_of(v: Point, at: Point) -> float:
    """The similarity as a number, from exact products."""
    return float(dot(v, at)) / sqrt(float(dot(v, v) * dot(at, at)))


def exact(v: Point, at: Point) -> Fraction:
    """What similarities to one image are ordered by, exactly: their sign times square."""
    product = dot(v, at)
    return product * abs(product) / dot(v, v)


def worked(v: Point, at: Point) -> Expr:
    """(−1·1 + 1·0)/(√2·√1)"""
    terms = [Mul(num(x), num(y)) for x, y in zip(v, at)]
    top = terms[0] if len(terms) == 1 else Add(*terms)
    below = Mul(Call("sqrt", num(dot(v, v))), Call("sqrt", num(dot(at, at))))
    return top / below


def lines(vectors: Mapping[str, Point], at: Point) -> tuple[Step, ...]:
    squares = [Pow(num(x), Num(2)) for x in at]
    length = Call("sqrt", squares[0] if len(squares) == 1 else Add(*squares))
    return (
        Step("length of the image", length, distance_of("euclidean", dot(at, at))),
        *(Step(n, worked(v, at), cosine_of(v, at), column="cosine") for n, v in vectors.items()),
    )


def ties_among(vectors: Mapping[str, Point], at: Point) -> list[list[str]]:
    """The names of the sources that are equally similar, group by group."""
    groups: dict[Fraction, list[str]] = {}
    for name, v in vectors.items():
        groups.setdefault(exact(v, at), []).append(name)
    return [g for g in groups.values() if len(g) > 1]


def by_distance(vectors: Mapping[str, Point], at: Point) -> Check:
    """cos = 1 − ‖a/‖a‖ − b/‖b‖‖²/2, in floats."""
    size = hypot(*map(float, at))

    def along(v: Point) -> float:
        own = hypot(*map(float, v))
        gaps = [float(x) / own - float(y) / size for x, y in zip(v, at)]
        return 1 - fsum(g * g for g in gaps) / 2

    ok = all(near(along(v), cosine_of(v, at), 1e-9) for v in vectors.values())
    return Check("the distance of the vectors on the unit sphere", ok)


@kind("similarity cosine", "--sources 'A: 1 0; B: 0 1' --image '-1 1'")
def cosine(*, sources: Any, image: Any) -> Answer:
    """The cosine similarity of an image to each source, and whether two are equal."""
    vectors, at = read(sources, image)
    tied = ties_among(vectors, at)
    value = Record(sims=Listing(cosine_of(v, at) for v in vectors.values()), ties=bool(tied))
    said = [f"equally similar: {listed(g)}" for g in tied] or ["no two are equal"]
    steps = (*lines(vectors, at), *(Step(s) for s in said))
    return Answer(
        value, steps, (by_distance(vectors, at),), "similarities", conventions=(DEFINED,)
    )


@kind("similarity pseudolabel", "--sources 'A: 1 0; B: 0 1' --image '-1 1' --n 1")
def pseudolabel(*, sources: Any, image: Any, n: int, ties: str = "refuse") -> Answer:
    """The n sources with the highest similarity, the highest first.

    ties: "refuse" where the answer depends on how a tie is broken, or "first": of equal
    ones the source that comes first.
    """
    if ties not in ("refuse", "first"):
        raise unknown("way to break ties", ties, ["refuse", "first"])
    vectors, at = read(sources, image)
    if not 1 <= n <= len(vectors):
        raise BadInput(f"n is from 1 to the {len(vectors)} sources, not {n}")
    order = sorted(vectors, key=lambda s: -exact(vectors[s], at))
    said = []
    for group in ties_among(vectors, at):
        if order.index(group[0]) < n:
            told = f"{listed(group)} are equally similar"
            if ties == "refuse":
                raise BadInput(f"{told}: their order is no matter of similarity. Say --ties first")
            said.append(f"{told}: the first in the order given comes first")
    label = order[:n]
    steps = (*lines(vectors, at), Step("from high to low: " + ", ".join(order)),
             *(Step(s) for s in said))  # fmt: skip
    values = [cosine_of(vectors[s], at) for s in order]
    sorted_ = all(a >= b - 1e-12 for a, b in zip(values, values[1:]))
    checks = (by_distance(vectors, at), Check("each is at least the next one, in floats", sorted_))
    form = "ranking" if n > 1 else "choice"
    value = state_key(form, " > ".join(label), {"options": tuple(vectors)})
    return Answer(value, steps, checks, "label", conventions=(DEFINED,))
