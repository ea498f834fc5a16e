"""Logistic regression with given coefficients: P = 1/(1 + exp(−z)), z = β₀ + β₁X₁ + …

The log-odds z are exact where the numbers are; the probability is a number of z alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from math import log as ln

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.functions import sigmoid
from solver.expressions.nodes import Call, Expr, Neg, Num, Sym, evaluate, times
from solver.expressions.points import near, points
from solver.kinds import kind
from solver.kinds.deriving import exp
from solver.kinds.named_points import num, number, point, whole
from solver.registry import unknown
from solver.values import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Names = tuple[str, ...]

TAKEN = ("P", "z", "e", "pi", "i")  # letters that mean something else here
LARGEST = 30  # beyond −z = 30 P is no number that anybody would write
P, Z = Sym("P", "probability"), Sym("z", "real")


def model(intercept: Any, slopes: Any, names: Any) -> tuple[Fraction, dict[str, Fraction]]:
    """β₀, and the slope of each variable by its name."""
    b0, slope = number(intercept), point(slopes)
    called = tuple(names) or tuple(f"X_{i + 1}" for i in range(len(slope)))
    if len(called) != len(slope):
        raise BadInput(f"{len(slope)} slopes are given, and {len(called)} names")
    for name in called:
        if not re.fullmatch(r"[A-Za-z]\w{0,15}", name) or called.count(name) > 1:
            raise BadInput(f"{name[:20]!r} is no name of a variable, or is given twice")
        if name in TAKEN:
            raise BadInput(f"{name} means something else here: name the variable otherwise")
    return b0, dict(zip(called, slope))


def log_odds(b0: Fraction, slopes: Mapping[str, Fraction], values: Mapping[str, Any]) -> Expr:
    """β₀ + β₁X₁ + …, with values where there are some, without what is 0 times."""
    found: Expr | None = num(b0) if b0 else None
    for name, slope in slopes.items():
        if not slope:
            continue
        x = num(values[name]) if name in values else Sym(name, "real")
        size = abs(slope)
        term = x if size == 1 and name not in values else times(num(size), x)
        if found is None:
            found = term if slope >= 0 else Neg(term)
        else:
            found = found + term if slope >= 0 else found - term
    return Num(0) if found is None else found


@kind("logistic expression", "--intercept -6 --slopes '0.05 1' --names X1,X2")
def expression(*, intercept: Any, slopes: Any, names: Names = ()) -> Answer:
    """The probability as a formula of the variables."""
    b0, slope = model(intercept, slopes, names)
    z = log_odds(b0, slope, {})
    opposite = log_odds(-b0, {n: -s for n, s in slope.items()}, {})
    value = Num(1) / (Num(1) + exp(opposite))
    steps = (
        *(Step("estimate", None, num(b), Sym(f"beta_{i}", "real"))
          for i, b in enumerate((b0, *slope.values()))),
        Step("log-odds, linear in the variables", None, z, Z),
        Step("odds", None, exp(Z), P / (Num(1) - P)),
        Step("solved for P", None, value, P, Num(1) / (Num(1) + exp(-Z))),
    )  # fmt: skip
    ok = all(
        near(
            float(evaluate(value, env)), 1 - sigmoid(-float(evaluate(z, env))), 1e-9
        )
        for env in points(value, count=20)
    )  # fmt: skip
    return Answer(
        value, steps, (Check("1 − P(the other class) at seeded points", ok),), "probability"
    )


@kind("logistic probability", "--intercept -6 --slopes '0.05 1' --at '40 3.5'")
def probability(*, intercept: Any, slopes: Any, at: Any, names: Names = ()) -> Answer:
    """The log-odds z and the probability P at given values."""
    b0, slope = model(intercept, slopes, names)
    values = valued(at, slope)
    if len(values) != len(slope):
        missing = next(n for n in slope if n not in values)
        raise BadInput(f"{missing} has no value: --at gives one for each of {', '.join(slope)}")
    z = b0 + sum((s * values[n] for n, s in slope.items()), Fraction(0))
    p = sigmoid(min(float(z), LARGEST))
    if z < -LARGEST or float(f"{p:.6g}") == 1:
        raise BadInput(
            f"z = {float(z):g}: the probability is {'0' if z < 0 else '1'} to all digits that "
            "are shown: take other values"
        )
    steps = (
        Step("log-odds", log_odds(b0, slope, values), whole(z), Z,
             log_odds(b0, slope, {})),
        Step("probability", Num(1) / (Num(1) + exp(num(-z))), p, P,
             Num(1) / (Num(1) + exp(-Z))),
    )  # fmt: skip
    ok = 0 < p < 1 and abs(ln(p / (1 - p)) - float(z)) <= 1e-7 * max(1, abs(float(z)))
    found = Record(z=whole(z), P=p)
    return Answer(found, steps, (Check("ln(P/(1 − P)) gives z back", ok),), "probability")


def valued(raw: Any, slopes: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Values of the variables: in their order, or by name ("X2 = 3.5")."""
    if isinstance(raw, str) and "=" in raw:
        pairs = [p.partition("=")[::2] for p in re.split(r"[,;]", raw) if p.strip()]
        raw = {name.strip(): value.strip() for name, value in pairs}
    if isinstance(raw, Mapping):
        for name in raw:
            if name not in slopes:
                raise unknown("variable", str(name), list(slopes))
        return {str(name): number(value) for name, value in raw.items()}
    values = point(raw)
    if len(values) > len(slopes):
        raise BadInput(f"{len(values)} values for {len(slopes)} variables")
    return dict(zip(slopes, values))


@kind(
    "logistic threshold",
    "--intercept -6 --slopes '0.05 1' --names hours,GPA --at 'GPA = 3.5' --solve hours",
)
def threshold(
    *,
    intercept: Any,
    slopes: Any,
    solve: str,
    at: Any = None,
    names: Names = (),
    probability: Any = "1/2",
) -> Answer:
    """The value of one variable at which the probability crosses a threshold."""
    b0, slope = model(intercept, slopes, names)
    if solve not in slope:
        raise unknown("variable", solve, list(slope))
    values = valued(at if at is not None else {}, slope)
    missing = [n for n in slope if n != solve and n not in values]
    if missing or solve in values:
        told = f"{missing[0]} has no value" if missing else f"{solve} is what is looked for"
        raise BadInput(f"{told}: --at gives all variables but {solve}")
    p = number(probability)
    if not 0 < p < 1:
        raise BadInput(f"a probability lies between 0 and 1, both left out, not {p}")
    if not slope[solve]:
        raise BadInput(f"the slope of {solve} is 0: it never moves the probability")
    rest = b0 + sum((slope[n] * v for n, v in values.items()), Fraction(0))
    odds = p / (1 - p)
    even = odds == 1
    wanted: Expr = Num(0) if even else Call("log", num(odds))
    x = Sym(solve, "real")
    found: Any = whole(-rest / slope[solve])
    if not even:
        found = (ln(odds) - float(rest)) / float(slope[solve])
    top = wanted if not rest else wanted - num(rest) if rest > 0 else wanted + num(-rest)
    solved = top / num(slope[solve])
    steps = (
        Step("the log-odds there", None, wanted, Call("log", P / (Num(1) - P)),
             Call("log", num(p) / (Num(1) - num(p)))),
        Step("set equal", None, wanted, log_odds(b0, slope, values)),
        Step(f"solved for {solve}", solved, found, x),
    )  # fmt: skip
    reached = sigmoid(float(rest) + float(slope[solve]) * float(found))
    way = "above" if slope[solve] > 0 else "below"
    return Answer(
        found, steps, (Check("the probability at this value", near(reached, float(p), 1e-9)),),
        solve, conventions=(f"the probability is larger {way} this value",),
        unit=solve if len(solve) > 2 else "",  # hours, a word
    )  # fmt: skip


