"""Polynomial fits by least squares: leave-one-out errors, bias and variance.

Data are given, or drawn as y = f(x) + noise with x ~ N(0, 1) by NumPy's RandomState, whose
numbers never change. Errors are floats; each is reached in two ways.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import zip_longest

from solver.core import Answer, BadInput, Check, Picture, Step
from solver.expressions.compiled import value
from solver.expressions.fields import Undefined
from solver.expressions.nodes import Add, Div, Expr, Mul, Neg, Num, Pow, Sym, plus, walk
from solver.expressions.points import near
from solver.expressions.worlds import Letters, World
from solver.kinds import kind
from solver.kinds.named_points import number, point
from solver.reading.reader import read_written
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.numeric.polynomials import Curves

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
    xs, ys = drawn(function_of(true)[1], samples, variance(noise), seed, skip)
    first = f"{skip} normal draws thrown away, then " if skip else ""
    told = f"RandomState({seed}): {first}{samples} times x ~ N(0, 1), then its noise"
    return xs, ys, (f"y = {function_of(true)[0]} + noise of variance {noise}", told)


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
        *(Step(f"degree {d}: mean, wins, limit", None, Listing(map(float, row)))
          for d, *row in zip(degrees, means, wins, limits)),
        Step("limit: the error of the best polynomial of the degree, for ever more points"),
    )  # fmt: skip
    ok = all(m >= limit * (1 - 5 / datasets**0.5) for m, limit in zip(means, limits))
    halves = [found[: datasets // 2].mean(axis=0), found[datasets // 2 :].mean(axis=0)]
    errors = found.std(axis=0) * 2 / datasets**0.5
    agree = bool((abs(halves[0] - halves[1]) <= 5 * errors + 1e-12).all())
    return Answer(
        value, steps,
        (Check("both halves of the data sets agree; no mean is below its limit", ok and agree),),
        "simulation",
        conventions=(
            f"y = {tree} + noise of variance {noise}, x ~ N(0, 1), {samples} points",
            f"{datasets:,} data sets, seed {seed}: the means are known to about 1 %",
        ),
    )  # fmt: skip


@kind("regression bias-variance", "--degrees 0,1,2,3,4,5,6,7,8,9 --true 'sin(2*pi*x)' --noise 0.25")
def bias_variance(
    *,
    degrees: Integers,
    true: str = "sin(2*pi*x)",
    samples: int = 30,
    noise: Any = "1/4",
) -> Answer:
    """Squared bias, variance, training and test error by the degree, exact, at fixed points."""
    found = curves(degrees, true, samples, noise)
    value = shapes(found)
    level = Num(found.noise)
    steps = (
        Step("test error = squared bias + variance + irreducible error:"),
        *(Step(f"degree {d}", plus(Num(float(b)), Num(float(v)), level), float(t))
          for d, b, v, t in zip(found.degrees, found.bias2, found.variance, found.test)),
        Step("training error, from the lowest degree on", None,
             Listing(round(float(t), 4) for t in found.train)),
    )  # fmt: skip
    return Answer(
        value, steps, (as_traced(found, true, samples), as_simulated(found, true, samples)),
        "curves",
        pictures=(drawn(found),),
        conventions=(
            f"n = {samples} points i/(n − 1)",
            f"y = {function_of(true)[0]} + noise of variance {noise}",
            "bias² = ‖(I − H)f‖²/n, variance = σ²p/n, training error = bias² + σ²(n − p)/n; "
            "the test error is of new noise at the same points",
        ),
    )  # fmt: skip


def drawn(c: Curves) -> Picture:
    """The picture of the five curves, and where the test error is smallest."""
    from solver.numeric.polynomials import best

    series = [
        {"name": name, "x": list(c.degrees), "y": [float(v) for v in curve]}
        for name, curve in c.named().items()
    ]
    lowest = c.degrees[best(c.test)]
    return Picture("plot", {
        "series": series, "x": "degree of the polynomial", "y": "mean squared error",
        "at": [(lowest, f"smallest test error: degree {lowest}")], "low": 0.0,
        "title": "Five errors over the flexibility of the fit",
    })  # fmt: skip


def curves(degrees: Sequence[int], true: str, samples: int, noise: Any) -> Curves:
    """The five curves, for the lines and for a figure: `.degrees`, and `.named()` by label."""
    from solver.numeric.polynomials import decomposed, evenly

    if not 4 <= samples <= MOST:
        raise BadInput(f"4 to {MOST} points, not {samples}")
    listed = degrees_of(degrees, samples)
    if list(listed) != sorted(listed) or len(listed) < 2:
        raise BadInput("two or more degrees, from low to high")
    x = evenly(samples)
    return decomposed(x, function_of(true)[1](x), variance(noise), listed)


def shapes(c: Curves) -> Record:
    """What the curves do."""
    from solver.numeric.polynomials import best, even, falls, rises

    return Record(
        argmin_test_degree=c.degrees[best(c.test)],
        bias2_nonincreasing=falls(c.bias2),
        train_nonincreasing=falls(c.train),
        variance_increasing=rises(c.variance),
        test_above_sigma2=bool((c.test > c.noise).all()),
        bias2_equal_steps=even(c.bias2),
        variance_equal_steps=even(c.variance),
    )


def as_simulated(c: Curves, true: str, samples: int) -> Check:
    """The same curves from 2,000 drawn data sets."""
    from solver.numeric.polynomials import evenly, met

    x = evenly(samples)
    ok = met(c, x, function_of(true)[1](x), 2000)
    return Check("2,000 data sets drawn, within 5 standard errors", ok)


def as_traced(c: Curves, true: str, samples: int) -> Check:
    """The same curves from hat matrices that were made otherwise."""
    from solver.numeric.polynomials import evenly, gap, traced

    x = evenly(samples)
    other = traced(x, function_of(true)[1](x), c.noise, c.degrees)
    how = "hat matrices from Chebyshev polynomials, their traces taken"
    return Check(how, gap(c, other) <= 1e-9)
