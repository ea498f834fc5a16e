"""Grids of hyperparameters: the points of one, and how many configurations it has."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import prod

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Expr, Num, Sym, divide, plus, times, tree
from solver.kinds import kind
from solver.kinds.stepping import shown
from solver.networks.layers import positive
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Real = Any
    Integers = tuple[int, ...]

MOST, LISTED = 1000, 20_000


@kind("grid points", "--points 10 --low 0 --high 1")
def points(*, points: int, low: Real = 0, high: Real = 1) -> Answer:
    """Equally spaced values from low to high, both included."""
    if isinstance(low, Expr) or isinstance(high, Expr) or low >= high:
        raise BadInput("low and high are numbers, low the smaller one")
    if not 2 <= points <= MOST:
        raise BadInput(f"a grid with both ends has 2 to {MOST} points, not {points}")
    gap = Fraction(high - low) / (points - 1)
    found = [simple(low + i * gap) for i in range(points)]
    start, step = Sym("a", "real"), Sym("h", "real")
    steps = [
        Step(
            f"{points} points leave {points - 1} gaps, each",
            (shown(high) - shown(low)) / (points - 1),
            simple(gap),
            step,
        ),
        Step("point i, from 0", None, plus(start, times(Sym("i", "integer"), step))),
        *(
            Step(f"point {i}", plus(shown(low), times(i, shown(simple(gap)))), x)
            for i, x in enumerate(found)
            if i < 3 or i == points - 1
        ),
    ]
    return Answer(
        Listing(found),
        tuple(steps),
        (
            Check(
                "the distances between neighbours, and both ends",
                spaced(found, low, high),
            ),
        ),
        "points",
    )


def simple(x: Any) -> Any:
    """A fraction as an int where it is one."""
    return divide(x.numerator, x.denominator)


def spaced(found: list[Any], low: Any, high: Any) -> bool:
    """Whether the neighbours are equally far apart, from low to high."""
    gaps = {b - a for a, b in zip(found, found[1:])}
    return len(gaps) == 1 and (found[0], found[-1]) == (low, high)


@kind("grid size", "--options '2 3 2' --places '3 1 4'")
def size(*, options: Integers, places: Integers | None = None) -> Answer:
    """Configurations of a grid, each choice made once, or anew at each of its places."""
    places = places or (1,) * len(options)
    positive("the number of options", *options)
    positive("the number of places", *places)
    if len(options) != len(places) or len(options) > 20:
        raise BadInput(
            f"{len(options)} choices and {len(places)} numbers of places: give a number of "
            "places for each choice, at most 20"
        )
    if sum(places) * max(n.bit_length() for n in options) > 10_000:
        raise BadInput("these configurations are too many to be written down")
    shared, independent = prod(options), prod(n**k for n, k in zip(options, places))
    raised = [tree(n) if k == 1 else power_of(n, k) for n, k in zip(options, places)]
    steps = (
        Step(
            "one choice for all places: a factor for each choice",
            times(*options),
            shared,
        ),
        Step(
            "each place by itself: a factor for each place", times(*raised), independent
        ),
    )
    how = (
        "listing all configurations"
        if independent <= LISTED
        else "doubling up by place"
    )
    check = Check(how, again(options, places) == (shared, independent))
    return Answer(
        Record(shared=shared, independent=independent),
        steps,
        (check,),
        "configurations",
    )


def power_of(n: int, k: int) -> Expr:
    return Num(n) ** Num(k)


def again(options: tuple[int, ...], places: tuple[int, ...]) -> tuple[int, int]:
    """Both numbers by listing the configurations, or one place after the other."""
    every = [n for n, k in zip(options, places) for _ in range(k)]
    found = []
    for choices in (list(options), every):
        if prod(choices) <= LISTED:
            found.append(sum(1 for _ in product(*map(range, choices))))
            continue
        total = 1
        for n in choices:
            total *= n
        found.append(total)
    return found[0], found[1]
