"""What a normalisation does: where ε stands, how weights scale, which moments stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import exp, factorial, pi, sqrt

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Call, Div, Expr, Mul, Num, Pow, Sym, evaluate, plus
from solver.kinds import kind
from solver.kinds.backprop_norms import EPSILON, MU, SIGMA, VARIANCE
from solver.kinds.named_points import num, whole
from solver.kinds.run_features import flat, ratio, rooted
from solver.kinds.run_norms import number
from solver.registry import unknown
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Real = Any
    Reals = Any

X = Sym("x", "real")
FORMS = {  # where ε stands, and the formula
    "standard": ("ε inside the root", Div(X - MU, Call("sqrt", VARIANCE + EPSILON))),
    "sigma_plus_eps": ("ε added to σ", Div(X - MU, SIGMA + EPSILON)),
    "literal": ("ε behind the quotient", Div(X - MU, SIGMA) + EPSILON),
}


@kind("run epsilon", "--x 1 --mean 3 --var 8/3 --epsilon 1/3")
def epsilon_forms(*, x: Real, mean: Real, var: Real, epsilon: Real) -> Answer:
    """One value normalised by three formulas that differ in where ε stands.

    (x − μ)/√(σ² + ε), (x − μ)/(σ + ε) and (x − μ)/σ + ε; and whether the last is
    undefined at variance 0, which ε is there to prevent.
    """
    for name, given in (("x", x), ("mean", mean), ("var", var), ("epsilon", epsilon)):
        if isinstance(given, Expr) and not isinstance(given, Num):
            raise BadInput(f"{name} is a number here, not {given}")
    x, mean, var, epsilon = (exact(v) for v in (x, mean, var, epsilon))
    if var <= 0 or epsilon <= 0:
        raise BadInput("to compare the forms, give a variance and an epsilon above 0")
    away, sigma = x - mean, rooted(var)
    value = Record(
        standard=ratio(away, rooted(var + epsilon)),
        sigma_plus_eps=ratio(away, sigma + epsilon),
        literal=ratio(away, sigma) + epsilon,
    )
    m, v, e, s = num(mean), num(var), num(epsilon), number(sigma)
    worked = {
        "standard": Div(num(x) - m, Call("sqrt", v + e)),
        "sigma_plus_eps": Div(num(x) - m, s + e),
        "literal": Div(num(x) - m, s) + e,
    }
    steps = [Step("standard deviation", Call("sqrt", v), sigma, SIGMA)]
    steps += [
        Step(said, worked[name], value[name], None, formula)
        for name, (said, formula) in FORMS.items()
    ]
    undefined = [name for name in FORMS if not survives(name, epsilon)]
    value["literal_undefined_at_zero"] = "literal" in undefined
    steps.append(
        Step("at σ = 0 the denominators are √ε, ε and 0: the third form is 0/0 there")
    )
    return Answer(
        value, tuple(steps), (solved_back(value, away, var, epsilon),), "forms",
        conventions=("batch norm is defined with ε inside the root",),
    )  # fmt: skip


def exact(v: Any) -> Fraction:
    return Fraction(v.value if isinstance(v, Num) else v)


def survives(name: str, epsilon: Any) -> bool:
    """Whether a form has a value where the variance is 0, by carrying it out there."""
    try:
        evaluate(
            FORMS[name][1],
            {"x": 1.0, "mu_B": 1.0, "sigma_B": 0.0, "epsilon": float(epsilon)},
        )
    except ArithmeticError:
        return False
    return True


def solved_back(value: Any, away: Any, var: Any, epsilon: Any) -> Check:
    """Each form solved for σ²: the variance comes out again."""
    found = []
    for name, y in value.items():
        if name == "literal_undefined_at_zero":
            continue
        z = float(y) - (float(epsilon) if name == "literal" else 0)
        if not z:
            return Check("each form solved for σ²", away == 0)
        below = float(away) / z
        found.append({
            "standard": below * below - float(epsilon),
            "sigma_plus_eps": (below - float(epsilon)) ** 2,
            "literal": below * below,
        }[name])  # fmt: skip
    ok = all(abs(v - float(var)) <= 1e-9 * (float(var) + float(epsilon)) for v in found)
    return Check("each form solved for σ²", ok)


# -- the scale of the weights ------------------------------------------------------------


@kind("run batch-norm-scale", "--scales '1 0.1 0.001' --epsilon 0.00001")
def scale(
    *, scales: Reals | None = None, var: Real = 1, epsilon: Real | None = None
) -> Answer:
    """The standard deviation that batch norm leaves when the weights are multiplied by a.

    The variance of what is normalised is then a²·var: a√var/√(a²·var + ε), with γ = 1.
    """
    a = Sym("a", "positive")
    if isinstance(var, Expr) or var <= 0:
        raise BadInput("var is a number above 0")
    if isinstance(epsilon, Expr):
        raise BadInput(f"epsilon is a number, 0 or more, not {epsilon}")
    root = rooted(var)
    lead = a if root == 1 else Mul(a, number(root))
    square = Pow(a, Num(2)) if var == 1 else Mul(Pow(a, Num(2)), num(Fraction(var)))
    e = EPSILON if epsilon is None else num(Fraction(epsilon))
    law = Div(lead, Call("sqrt", square + e))
    steps = [Step("variance before batch norm", None, square, VARIANCE),
             Step("divided by the root", None, law, Sym("sigma_out", "positive"))]  # fmt: skip
    if scales is None:
        small = Fraction(1, 8) if epsilon is None else Fraction(epsilon)
        seeded = [Fraction(1), Fraction(1, 2), Fraction(1, 50)]
        laws = [evaluate(law, {"a": float(s), "epsilon": float(small)}) for s in seeded]
        check = measured(seeded, var, small, laws)
        return Answer(law, tuple(steps), (check,), "standard deviation")
    if epsilon is None or epsilon < 0:
        raise BadInput("with scales, give epsilon as well: 0 or more")
    each = flat(scales)
    if any(isinstance(s, Expr) or s <= 0 for s in each) or len(each) > 40:
        raise BadInput("scales are up to 40 numbers above 0")
    found = []
    for s in each:
        inside = Fraction(s) ** 2 * Fraction(var) + Fraction(epsilon)
        top = Mul(num(Fraction(s)), number(root)) if root != 1 else num(Fraction(s))
        spread = Pow(num(Fraction(s)), Num(2))
        before = Div(top, Call("sqrt", (spread if var == 1 else Mul(spread, num(Fraction(var))))
                               + num(Fraction(epsilon))))  # fmt: skip
        out = rooted(Fraction(s) ** 2 * Fraction(var) / inside)
        found.append(float(out) if isinstance(out, float) else whole(out))
        steps.append(Step(f"a = {num(Fraction(s))}", before, found[-1]))
    steps.append(
        Step("while a²·σ² is far above ε the scale of the weights does not matter")
    )
    value = Listing(found) if len(found) > 1 else found[0]
    return Answer(value, tuple(steps), (measured(each, var, epsilon, found),),
                  "standard deviation",
                  conventions=("ε stands inside the root; γ = 1",))  # fmt: skip


def measured(scales: Sequence[Any], var: Any, epsilon: Any, found: Any) -> Check:
    """A batch of two, ±√var times a, normalised in floats; its spread measured."""
    ok = True
    for i, s in enumerate(scales):
        batch = [float(s) * sqrt(var), -float(s) * sqrt(var)]
        spread = sum(b * b for b in batch) / 2
        hats = [b / sqrt(spread + float(epsilon)) for b in batch]
        after = sqrt(sum(h * h for h in hats) / 2)
        ok = ok and abs(after - float(found[i])) <= 1e-9 * after
    return Check("the spread of a batch of two, normalised in floats", ok)


# -- moments -----------------------------------------------------------------------------


def bell(x: float) -> float:
    return exp(-x * x / 2) / sqrt(2 * pi)


# name: E[X], E[X²], E[X³], the density, and between which bounds it counts
DISTRIBUTIONS: dict[
    str, tuple[tuple[Any, ...], Callable[[float], float], float, float]
] = {
    "exponential": (tuple(factorial(k) for k in (1, 2, 3)), lambda x: exp(-x), 0, 60),
    "uniform": (tuple(Fraction(1, k + 1) for k in (1, 2, 3)), lambda x: 1, 0, 1),
    "normal": ((0, 1, 0), bell, -12, 12),
    "triangular": (tuple(Fraction(2, k + 2) for k in (1, 2, 3)), lambda x: 2 * x, 0, 1),
}


@kind("run standardise", "--distribution exponential")
def standardise(*, distribution: str = "", x: Reals | None = None) -> Answer:
    """Mean, variance and skewness after subtracting μ and dividing by σ: the shape stays.

    Of numbers, each counted once, or of a distribution: exponential (rate 1), uniform on
    [0, 1], normal, triangular (density 2x on [0, 1]).
    """
    if bool(distribution) == (x is not None):
        raise BadInput("give a distribution (exponential, uniform, …) or numbers x")
    if x is not None:
        values = [Fraction(v) for v in flat(x)]
        if not 2 <= len(values) <= 400 or len(set(values)) == 1:
            raise BadInput("give 2 to 400 numbers that are not all equal")
        moments: tuple[Any, ...] = tuple(
            sum(v**k for v in values) / len(values) for k in (1, 2, 3)
        )
    else:
        if distribution not in DISTRIBUTIONS:
            raise unknown("distribution", distribution, list(DISTRIBUTIONS))
        moments = DISTRIBUTIONS[distribution][0]
    first, second, third = (Fraction(m) for m in moments)
    var = second - first**2
    central = third - 3 * first * second + 2 * first**3
    cube = rooted(var) ** 3
    skew = ratio(central, cube)
    value = Record(mean=0, var=1, skew=skew)
    m1, m2, m3 = (num(m) for m in (first, second, third))
    steps = (
        *(Step(f"E[X{p}]", None, whole(m)) for p, m in zip(("", "²", "³"), map(Fraction, moments))),
        Step("variance of X", m2 - Pow(m1, Num(2)), whole(var), VARIANCE),
        Step("third central moment", plus(m3, -Mul(Num(3), m1, m2), Mul(Num(2), Pow(m1, Num(3)))),
             whole(central)),
        Step("mean of (X − μ)/σ", Div(m1 - m1, number(rooted(var))), 0),
        Step("its variance", Div(num(var), num(var)), 1),
        Step("its skewness: that of X, for σ³ is divided out",
             Div(num(central), Pow(number(rooted(var)), Num(3))), skew),
    )  # fmt: skip
    sums = moments_of(distribution, x, first, var)
    ok = all(abs(s - float(v)) <= 1e-6 for s, v in zip(sums, value.values()))
    how = (
        "the standardised numbers, in floats"
        if x is not None
        else "integrals over the density"
    )
    return Answer(value, steps, (Check(how, ok),), "moments",
                  conventions=("skewness: the third central moment over σ³",))  # fmt: skip


def moments_of(distribution: str, x: Any, mean: Any, var: Any) -> list[float]:
    """Mean, variance and third moment of the standardised: summed, or by Simpson's rule."""
    m, s = float(mean), sqrt(var)
    if x is not None:
        z = [(float(v) - m) / s for v in flat(x)]
        return [sum(v**k for v in z) / len(z) for k in (1, 2, 3)]
    _, density, low, high = DISTRIBUTIONS[distribution]
    parts = 4000
    h = (high - low) / parts
    found = [0.0, 0.0, 0.0]
    for i in range(parts + 1):
        at = low + i * h
        weight = (1 if i in (0, parts) else 4 if i % 2 else 2) * h / 3 * density(at)
        for k in range(3):
            found[k] += weight * ((at - m) / s) ** (k + 1)
    return found
