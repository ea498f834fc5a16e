"""Polynomial fits by least squares: their leave-one-out errors.

Data are given, or drawn as y = f(x) + noise with x ~ N(0, 1) by NumPy's RandomState, whose
numbers never change. Errors are floats; each is reached in two ways.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import zip_longest

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.compiled import value
from solver.expressions.fields import Undefined
from solver.expressions.nodes import Add, Div, Expr, Mul, Neg, Num, Pow, Sym, walk
from solver.expressions.points import near
from solver.expressions.worlds import Letters, World
from solver.kinds import kind
from solver.kinds.named_points import number, point
from solver.reading.reader import read_written
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Integers = tuple[int, ...]

MOST, HIGHEST = 500, 12  # points, degree
ROUNDING = 1e-9  # of the largest target: an error below it is none
CLOSED = "residual/(1 − leverage), from one fit to all points"
FITTED = "least squares; the mean squared error of the points left out"
E, H = Sym("e_i", "real"), Sym("h_i", "real")


def function_of(true: str) -> tuple[Expr, Callable[[Any], Any]]:
    """The function behind the data, as a tree and on arrays."""
    from solver.numeric.polynomials import on_arrays

    tree = read_written(true)
    names = {n.name for n in walk(tree) if isinstance(n, Sym)} - {"pi", "e"}
    if names - {"x"}:
        raise BadInput(f"the function is one of x, such as x - 2*x^2, not {true[:40]!r}")

    def at(x: float) -> float:
        try:
            return float(value(tree, World(Letters(trees=(tree,)), 0, fixed={"x": x})))
        except (Undefined, ArithmeticError, TypeError, ValueError):
            raise BadInput(f"{true[:40]} has no value at x = {x:.4g}") from None

    return tree, on_arrays(at, coefficients(tree))


def coefficients(e: Expr) -> list[float] | None:
    """Those of a polynomial in x, from the constant on; None if it is none, or a high one."""
    if isinstance(e, Num):
        return [float(e.value)]
    if isinstance(e, Sym):
        return [0.0, 1.0] if e.name == "x" else None
    parts = [coefficients(a) for a in e.args if isinstance(a, Expr)]
    known = [p for p in parts if p is not None]
    if len(known) < len(parts):
        return None
    if isinstance(e, Neg):
        return [-c for c in known[0]]
    if isinstance(e, Add):
        return [sum(c) for c in zip_longest(*known, fillvalue=0.0)]
    if isinstance(e, Mul):
        return reduce(convolved, known)
    if isinstance(e, Div) and len(known[1]) == 1 and known[1][0]:
        return [c / known[1][0] for c in known[0]]
    if isinstance(e, Pow) and isinstance(e.args[1], Num) and e.args[1].value in range(1, 13):
        return reduce(convolved, [known[0]] * int(e.args[1].value))
    return None


def convolved(a: Sequence[float], b: Sequence[float]) -> list[float]:
    """The coefficients of a product."""
    found = [0.0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            found[i + j] += x * y
    return found


def data_of(
    x: Any, y: Any, samples: int, true: str, noise: Any, seed: int | None, skip: int
) -> tuple[Any, Any, tuple[str, ...]]:
    """Inputs and targets, given or drawn, and how they were drawn."""
    from solver.numeric.polynomials import drawn, floats

    if (x is None) != (y is None) or (x is None) == (seed is None):
        raise BadInput("give x and y, or the seed by which they are drawn")
    if x is not None:
        given = [point(v) for v in (x, y)]
        if len(given[0]) != len(given[1]):
            raise BadInput(f"x has {len(given[0])} entries, and y {len(given[1])}")
        return floats(given[0]), floats(given[1]), ()
    assert seed is not None
    if not 0 <= seed < 2**32 or not 0 <= skip <= 10**6 or not 3 <= samples <= MOST:
        raise BadInput(f"3 to {MOST} samples, a seed from 0 to 2³² − 1, at most 10⁶ to skip")
    tree, function = function_of(true)
    xs, ys = drawn(function, samples, variance(noise), seed, skip)
    first = f"{skip} normal draws thrown away, then " if skip else ""
    told = f"RandomState({seed}): {first}{samples} times x ~ N(0, 1), then its noise"
    return xs, ys, (f"y = {tree} + noise of variance {noise}", told)


def variance(noise: Any) -> float:
    found = float(number(noise))
    if not 0 <= found <= 1e6:
        raise BadInput(f"the noise has a variance from 0 on, not {found:g}")
    return found


def degrees_of(degrees: Sequence[int], points: int) -> tuple[int, ...]:
    """The degrees, fewer parameters than points that are left when one is out."""
    for d in degrees:
        if not 0 <= d <= HIGHEST or d + 1 >= points:
            raise BadInput(
                f"a degree is from 0 to {HIGHEST}, with fewer parameters than the "
                f"{points - 1} points that are left; not {d}"
            )
    if len(set(degrees)) < len(degrees):
        raise BadInput("a degree is given twice")
    return tuple(degrees)


def errors_of(x: Any, y: Any, degree: int) -> tuple[Any, Check]:
    """The leave-one-out errors by N fits, checked by the closed form."""
    from solver.numeric.polynomials import different, largest, left_out, refitted

    if different(x) < degree + 1:
        raise BadInput(
            f"degree {degree} needs {degree + 1} different x whichever point is left out: "
            f"without one of them only {different(x)} may be left"
        )
    found, closed = refitted(x, y, degree), left_out(x, y, degree)
    rounding = ROUNDING * largest(y)
    found[abs(found) <= rounding] = 0  # the points lie on such a polynomial
    gap = largest(found - closed)
    return found, Check(CLOSED, gap <= 1e-7 * largest(closed) + rounding)


def mean_square(errors: Any) -> float:
    return float((errors**2).mean())


@kind("regression loocv", "--degree 2 --seed 1999")
def loocv(
    *,
    degree: int,
    x: Any = None,
    y: Any = None,
    samples: int = 100,
    true: str = "x - 2*x^2",
    noise: Any = 1,
    seed: int | None = None,
    skip: int = 0,
) -> Answer:
    """The leave-one-out error of one polynomial: mean and standard deviation of the squares."""
    xs, ys, told = data_of(x, y, samples, true, noise, seed, skip)
    degrees_of([degree], len(xs))
    errors, check = errors_of(xs, ys, degree)
    squares = errors**2
    found = Record(mse=float(squares.mean()), std=float(squares.std()))
    steps = (
        Step(f"{len(xs)} fits of degree {degree}, each without one point, which it then predicts"),
        Step("the first squared error", Pow(Num(float(errors[0])), Num(2)), float(squares[0]), None,
             Pow(E, Num(2))),
        Step("mean of all squared errors", None, found["mse"]),
        Step("their standard deviation", None, found["std"]),
        Step("in closed form, with residual r and leverage h", None, None, E,
             Sym("r_i", "real") / (Num(1) - H)),
    )  # fmt: skip
    return Answer(found, steps, (check,), "error", conventions=(FITTED, *told))


@kind("regression compare", "--degrees 1,2,3,4 --seed 1999")
def compare(
    *,
    degrees: Integers,
    x: Any = None,
    y: Any = None,
    samples: int = 100,
    true: str = "x - 2*x^2",
    noise: Any = 1,
    seed: int | None = None,
    skip: int = 0,
) -> Answer:
    """Polynomials of several degrees by their leave-one-out errors, and the smallest."""
    xs, ys, told = data_of(x, y, samples, true, noise, seed, skip)
    found, checks = [], []
    for degree in degrees_of(degrees, len(xs)):
        errors, check = errors_of(xs, ys, degree)
        found.append(mean_square(errors))
        checks.append(check.ok)
    order = sorted(range(len(found)), key=lambda i: found[i])
    if len(order) > 1 and near(found[order[0]], found[order[1]], 1e-9):
        raise BadInput(f"degrees {degrees[order[0]]} and {degrees[order[1]]} are equally good")
    value = Record(errors=Listing(found), degree=degrees[order[0]])
    steps = tuple(Step(f"degree {d}", None, e) for d, e in zip(degrees, found))
    return Answer(
        value, (*steps, Step(f"the smallest is that of degree {value['degree']}")),
        (Check(CLOSED, all(checks)),), "comparison", conventions=(FITTED, *told),
    )  # fmt: skip


@kind("regression repeat", "--degree 2 --seed 1999")
def repeat(
    *,
    degree: int,
    x: Any = None,
    y: Any = None,
    samples: int = 100,
    true: str = "x - 2*x^2",
    noise: Any = 1,
    seed: int | None = None,
    skip: int = 0,
    folds: int | None = None,
) -> Answer:
    """Whether cross-validation comes to the same again with other random numbers.

    The data stay; with as many folds as points there is nothing to draw.
    """
    from solver.numeric.polynomials import folded, refitted, shuffled

    xs, ys, told = data_of(x, y, samples, true, noise, seed, skip)
    parts = len(xs) if folds is None else folds
    if not 2 <= parts <= len(xs):
        raise BadInput(f"folds are from 2 to the {len(xs)} points, not {parts}")
    degrees_of([degree], len(xs) - -(-len(xs) // parts) + 1)
    if parts == len(xs):
        found = [
            mean_square(refitted(xs, ys, degree, shuffled(len(xs), s))) for s in range(3)
        ]
    else:
        found = [folded(xs, ys, degree, parts, s) for s in range(3)]
    same = all(near(e, found[0], 1e-9) for e in found)
    steps = tuple(Step(f"with random seed {s}", None, e) for s, e in enumerate(found))
    why = (
        "each point is left out once, whatever the order: nothing is drawn"
        if parts == len(xs)
        else f"which points are left out together is drawn: {parts} folds"
    )
    if same != (parts == len(xs)):
        raise BadInput("these data give the same with every split: take others")
    closed = errors_of(xs, ys, degree)[1] if same else Check("a fold's points are drawn", not same)
    return Answer(
        Record(same=same), (*steps, Step(why)), (closed,), "answer", conventions=(FITTED, *told)
    )


@kind("regression redrawn", "--degrees 1,2,3,4")
def redrawn(
    *,
    degrees: Integers,
    samples: int = 100,
    true: str = "x - 2*x^2",
    noise: Any = 1,
    datasets: int = 2000,
    seed: int = 0,
) -> Answer:
    """Leave-one-out errors over many data sets: their means, and how often each degree wins."""
    from solver.numeric.polynomials import population, winners
    from solver.numeric.polynomials import redrawn as simulated

    if not 20 <= datasets <= 20_000 or not 4 <= samples <= MOST or seed < 0:
        raise BadInput(f"20 to 20,000 data sets of 4 to {MOST} samples, a seed from 0 on")
    tree, function = function_of(true)
    degrees = degrees_of(degrees, samples)
    found = simulated(function, samples, variance(noise), degrees, datasets, seed)
    means, wins = found.mean(axis=0), winners(found)
    limits = [population(function, d) + variance(noise) for d in degrees]
    value = Record()
    for name, numbers in (("mean", means), ("p_win", wins), ("limit", limits)):
        value |= {f"{name}{d}": float(v) for d, v in zip(degrees, numbers)}
    steps = (
        *(Step(f"degree {d}", None, float(number), column=column)
          for d, *row in zip(degrees, means, wins, limits)
          for column, number in zip(("mean error", "share of wins", "limit"), row)),
        Step("limit: the error of the best polynomial of the degree, for ever more points"),
    )  # fmt: skip
    checks = (
        first_sets(found, function, samples, variance(noise), degrees, seed),
        halves_agree(found, limits),
    )
    return Answer(
        value, steps, checks, "simulation",
        conventions=(
            f"y = {tree} + noise of variance {noise}, x ~ N(0, 1), {samples} points",
            f"{datasets:,} data sets, seed {seed}: the means are known to about 1 %",
        ),
    )  # fmt: skip


def first_sets(
    found: Any, function: Any, samples: int, noise: float, degrees: Sequence[int], seed: int
) -> Check:
    """The first two data sets once more, by a fit for each point that is left out."""
    from solver.numeric.polynomials import largest, redrawn_slowly

    again = redrawn_slowly(function, samples, noise, degrees, 2, seed)
    ok = largest(found[:2] - again) <= 1e-6 * largest(again) + 1e-12
    return Check("the first data sets by a fit without each point", ok)


def halves_agree(found: Any, limits: Sequence[float]) -> Check:
    """Whether both halves have the same means, within their errors, none below its limit."""
    many = len(found)
    above = all(m >= limit * (1 - 5 / many**0.5) for m, limit in zip(found.mean(axis=0), limits))
    halves = [found[: many // 2].mean(axis=0), found[many // 2 :].mean(axis=0)]
    errors = found.std(axis=0) * 2 / many**0.5
    agree = bool((abs(halves[0] - halves[1]) <= 5 * errors + 1e-12).all())
    return Check("both halves of the data sets agree; no mean is below its limit", above and agree)
