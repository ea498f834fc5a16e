"""Nearest neighbours: distances, who is near, and the vote. Ties are said, never broken
in silence: distances are compared exactly, as powers of themselves in fractions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import dist, fsum, isqrt

from solver.answers.forms import state_key
from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Add, Call, Expr, Num, Pow, evaluate
from solver.kinds import kind
from solver.kinds.named_points import alongside, named, num, whole
from solver.kinds.named_points import point as read_point
from solver.registry import unknown
from solver.telling import listed
from solver.values import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.kinds.named_points import Point

METRICS = {
    "euclidean": "Euclidean distance: the root of the sum of the squared differences",
    "manhattan": "Manhattan distance: the sum of the absolute differences",
    "maximum": "maximum distance: the largest absolute difference",
}
TIES = ("refuse", "first", "nearest")


def measure(metric: str, a: Point, b: Point) -> Fraction:
    """What distances are compared by, exactly: the distance, or its square if Euclidean."""
    gaps = [abs(x - y) for x, y in zip(a, b)]
    if metric == "euclidean":
        return sum((g * g for g in gaps), Fraction(0))
    return sum(gaps, Fraction(0)) if metric == "manhattan" else max(gaps)


def distance_of(metric: str, measured: Fraction) -> Any:
    """The distance itself: exact where it is a fraction, else a decimal number."""
    if metric != "euclidean":
        return whole(measured)
    top, below = isqrt(measured.numerator), isqrt(measured.denominator)
    if top * top == measured.numerator and below * below == measured.denominator:
        return whole(Fraction(top, below))
    return float(evaluate(Call("sqrt", num(measured))))


def worked(metric: str, a: Point, b: Point) -> Expr:
    """√((0 − 0)² + (3 − 0)²), as it is written down."""
    gaps = [num(x) - num(y) for x, y in zip(a, b)]
    if metric == "euclidean":
        terms: list[Expr] = [Pow(g, Num(2)) for g in gaps]
    else:
        terms = [Call("abs", g) for g in gaps]
    inside = terms[0] if len(terms) == 1 else Add(*terms)
    if metric == "euclidean":
        return Call("sqrt", inside)
    return inside if metric == "manhattan" or len(terms) == 1 else Call("max", *terms)


def lines(metric: str, name: str, a: Point, b: Point) -> Step:
    """One distance, worked; a root that does not come out is shown as one as well."""
    measured = measure(metric, a, b)
    value = distance_of(metric, measured)
    label, column = name or "distance", "distance" if name else ""
    if metric == "euclidean":
        root = Call("sqrt", num(measured))
        return Step(label, root, value, None, worked(metric, a, b), column=column)
    return Step(label, worked(metric, a, b), value, column=column)


def known_metric(metric: str) -> None:
    if metric not in METRICS:
        raise unknown("metric", metric, list(METRICS))


@kind("knn distance", "--point '0 1 3' --query '0 0 0'")
def distance(*, point: Any, query: Any, metric: str = "euclidean") -> Answer:
    """The distance of two points, exact where it comes out."""
    known_metric(metric)
    a = read_point(point)
    b = alongside(query, {"": a}, "the query")
    value = distance_of(metric, measure(metric, a, b))
    return Answer(
        value, (lines(metric, "", a, b),), (otherwise(metric, a, b, value),), "distance",
        conventions=(METRICS[metric],),
    )  # fmt: skip


def otherwise(metric: str, a: Point, b: Point, value: Any) -> Check:
    """The same distance by another identity."""
    if abs(float(evaluate(worked(metric, a, b))) - value) > 1e-9 * max(1, value):
        return Check("the line as it is written", False)
    if metric == "euclidean":  # ‖a − b‖² = ‖a‖² + ‖b‖² − 2a·b, exact
        square = sum(x * x for x in a) + sum(y * y for y in b)
        square -= 2 * sum(x * y for x, y in zip(a, b))
        ok = abs(Fraction(value) ** 2 - square) <= Fraction(1, 10**12) * max(square, 1)
        return Check("‖a‖² + ‖b‖² − 2a·b, in fractions", ok and value >= 0)
    ends = [max(x, y) - min(x, y) for x, y in zip(a, b)]
    total = sum(ends) if metric == "manhattan" else sorted(ends)[-1]
    return Check("larger minus smaller in each coordinate", total == value)


# -- the vote ------------------------------------------------------------------------


@kind("knn predict", "--points '0 3; 2 0; -1 1' --labels Red,Red,Green --query '0 0' --k 1")
def predict(
    *,
    points: Any,
    labels: Any,
    query: Any,
    k: int,
    metric: str = "euclidean",
    ties: str = "refuse",
) -> Answer:
    """What the k nearest neighbours vote for, and who they are.

    ties: "refuse" where the answer depends on how a tie is broken; "first" takes the point,
    or the label of the point, that comes first; "nearest" the label of the nearest point
    among those that tie in the vote.
    """
    known_metric(metric)
    if ties not in TIES:
        raise unknown("way to break ties", ties, list(TIES))
    data = named(points)
    classes = labels_of(labels, data)
    at = alongside(query, data, "the query")
    if not 1 <= k <= len(data):
        raise BadInput(f"k is from 1 to the {len(data)} points, not {k}")
    far = {name: measure(metric, p, at) for name, p in data.items()}
    near, said = nearest(far, k, ties)
    label, votes, more = vote(near, far, classes, ties)
    shows = [lines(metric, name, data[name], at) for name in data]
    chosen = ", ".join(f"{n} ({classes[n]})" for n in near)
    steps = (
        *shows,
        Step(from_near_to_far(far)),
        Step(f"the nearest {k}: {chosen}" if k > 1 else f"the nearest: {chosen}"),
        Step("votes: " + ", ".join(f"{c} {n}" for c, n in votes.items())),
        *(Step(s) for s in (*said, *more)),
    )
    apart = floating(metric, data, at)
    options = list(dict.fromkeys(classes.values()))
    value = Record(
        label=state_key("choice", label, {"options": tuple(options)}),
        neighbours=state_key("choice", ", ".join(near), {"options": tuple(data)}),
    )
    return Answer(
        value, steps,
        (agreed(metric, far, apart), elected(apart, k, near, classes, label, ties)),
        "prediction",
        conventions=(METRICS[metric], "each of the k nearest has one vote"),
    )  # fmt: skip


def from_near_to_far(far: Mapping[str, Fraction]) -> str:
    return "from near to far: " + ", ".join(sorted(far, key=lambda name: far[name]))


def labels_of(raw: Any, points: Mapping[str, Any]) -> dict[str, str]:
    """The label of each point, in their order."""
    if isinstance(raw, Mapping):
        raw = [raw.get(name, "") for name in points]
    given = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(given, (list, tuple)) or len(given) != len(points):
        many = len(given) if isinstance(given, (list, tuple)) else 1
        raise BadInput(f"there are {len(points)} points, and {many} labels: give one for each")
    found = [str(one).strip() for one in given]
    if not all(0 < len(one) <= 40 for one in found):
        raise BadInput("a label is a word such as Red")
    return dict(zip(points, found))


def nearest(
    far: Mapping[str, Fraction], k: int, ties: str
) -> tuple[list[str], list[str]]:
    """The k nearest, and what is to be said where the k-th place is tied."""
    order = sorted(far, key=lambda name: far[name])  # stable: the first of equal ones first
    edge = far[order[k - 1]]
    sure = [n for n in order if far[n] < edge]
    level = [n for n in order if far[n] == edge]
    free = k - len(sure)
    if len(level) == free:
        return order[:k], []
    has = "has" if free == 1 else "have"
    said = f"{listed(level)} are equally far, and {free} of them {has} a place"
    if ties == "refuse":
        raise BadInput(
            f"{said}: which one is taken is no matter of distance. Take another k, or say "
            "--ties first"
        )
    return [*sure, *level[:free]], [f"{said}: the first in the order given is taken"]


def vote(
    near: Sequence[str], far: Mapping[str, Fraction], classes: Mapping[str, str], ties: str
) -> tuple[str, Counter[str], list[str]]:
    """The label with most votes, the votes, and what is to be said of a tie."""
    votes = Counter(classes[n] for n in near)
    most = max(votes.values())
    first = [label for label in votes if votes[label] == most]
    if len(first) == 1:
        return first[0], votes, []
    said = f"{listed(first)} have {most} {'vote' if most == 1 else 'votes'} each"
    if ties == "refuse":
        raise BadInput(f"{said}: take another k, or say --ties nearest or --ties first")
    if ties == "nearest":
        least = min(far[n] for n in near if classes[n] in first)
        closest = {classes[n] for n in near if far[n] == least and classes[n] in first}
        if len(closest) > 1:
            raise BadInput(f"{said}, and their nearest points are equally far: say --ties first")
        return closest.pop(), votes, [f"{said}: the label of the nearest of them is taken"]
    order = [classes[n] for n in far if n in near and classes[n] in first]
    return order[0], votes, [f"{said}: the one that comes first in the order given is taken"]


def elected(
    apart: Mapping[str, float], k: int, near: Sequence[str], classes: Mapping[str, str],
    label: str, ties: str,
) -> Check:  # fmt: skip
    """Nobody outside is nearer than anybody inside, and no label has more of their votes."""
    counts = {c: sum(classes[n] == c for n in near) for c in classes.values()}
    strict = [c for c in counts if counts[c] >= counts[label]] == [label]
    won = strict or (ties != "refuse" and counts[label] == max(counts.values()))
    ok = surrounds(apart, near) and len(set(near)) == k and won
    return Check("nobody outside is nearer, no label has as many votes", ok)


def agreed(metric: str, far: Mapping[str, Fraction], apart: Mapping[str, float]) -> Check:
    """The distances that are shown are those in floats."""
    ok = all(
        abs(float(distance_of(metric, d)) - apart[n]) <= 1e-12 * max(apart[n], 1e-9)
        for n, d in far.items()
    )
    return Check("all distances again, in floats", ok)


def surrounds(apart: Mapping[str, float], near: Sequence[str]) -> bool:
    """Whether all others are at least as far as the farthest of these, but for rounding."""
    edge = max(apart[n] for n in near)
    return all(d >= edge * (1 - 1e-12) for n, d in apart.items() if n not in near)


def floating(metric: str, data: Mapping[str, Point], at: Point) -> dict[str, float]:
    """The distances again, in floats, each by the library's function for it."""
    found = {}
    for name, p in data.items():
        a, b = [float(x) for x in p], [float(x) for x in at]
        gaps = [abs(x - y) for x, y in zip(a, b)]
        found[name] = dist(a, b) if metric == "euclidean" else (
            fsum(gaps) if metric == "manhattan" else sorted(gaps)[-1])  # fmt: skip
    return found


@kind("knn neighbours", "--points 'A: 0 3; B: 2 0; C: -1 1' --query '0 0' --k 2")
def neighbours(
    *, points: Any, query: Any, k: int, metric: str = "euclidean", ties: str = "refuse"
) -> Answer:
    """The k nearest of several points, the nearest first."""
    known_metric(metric)
    if ties not in TIES[:2]:
        raise unknown("way to break ties", ties, list(TIES[:2]))
    data = named(points)
    at = alongside(query, data, "the query")
    if not 1 <= k <= len(data):
        raise BadInput(f"k is from 1 to the {len(data)} points, not {k}")
    far = {name: measure(metric, p, at) for name, p in data.items()}
    near, said = nearest(far, k, ties)
    for one, other in zip(near, near[1:]):
        if far[one] == far[other]:
            told = f"{one} and {other} are equally far: the first in the order given comes first"
            if ties == "refuse":
                raise BadInput(f"{one} and {other} are equally far: say --ties first")
            said.append(told)
    steps = (
        *(lines(metric, name, data[name], at) for name in data),
        Step(from_near_to_far(far)), *(Step(s) for s in said),
    )  # fmt: skip
    apart = floating(metric, data, at)
    ordered = all(apart[a] <= apart[b] * (1 + 1e-12) for a, b in zip(near, near[1:]))
    ok = ordered and surrounds(apart, near)
    form = "ranking" if k > 1 else "choice"
    value = state_key(form, " > ".join(near), {"options": tuple(data)})
    check = Check("nobody outside is nearer, each is at least as near as the next", ok)
    return Answer(
        value, steps, (agreed(metric, far, apart), check), "neighbours",
        conventions=(METRICS[metric],),
    )  # fmt: skip
