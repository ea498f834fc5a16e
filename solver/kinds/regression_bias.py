"""Bias and variance of polynomial fits: five curves by the degree, exact and simulated."""

from __future__ import annotations

from collections.abc import Sequence

from solver.core import Answer, BadInput, Check, Picture, Step
from solver.expressions.nodes import Num, plus
from solver.kinds import kind
from solver.kinds.regression import MOST, degrees_of, function_of, variance
from solver.values import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.numeric.polynomials import Curves

    Integers = tuple[int, ...]


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
        *(cell for d, b, v, t, seen in zip(found.degrees, found.bias2, found.variance,
                                           found.test, found.train)
          for cell in (
              Step(f"degree {d}", plus(Num(float(b)), Num(float(v)), level), float(t),
                   column="test error"),
              Step(f"degree {d}", None, round(float(seen), 6), column="training error"),
          )),
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
        "at": [(lowest, f"smallest test error: degree {lowest}")], "low": 0.0, "size": (640, 380),
        "title": "Five errors over the flexibility of the fit",
    }, usual=len(c.degrees) > 3)  # fmt: skip


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
