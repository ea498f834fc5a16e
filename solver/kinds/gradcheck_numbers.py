"""Gradient checks read off a log: two printed numbers compared, to what they show."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from random import Random

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Call, Expr, Num, evaluate, walk
from solver.kinds import kind
from solver.values import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Real = Any

PRINTED = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})(e[+-]?\d{1,3})?", re.ASCII)
TOLERANCE = Fraction(1, 1000)  # a gradient that is off by 0.1 % is wrong
DRAWS = 200


@kind("gradcheck values", "--backprop 0.129579 --numeric 0.129581 --decimals 6")
def values(
    *, backprop: Any, numeric: Any, decimals: int | None = None, tolerance: Real = TOLERANCE
) -> Answer:
    """Two numbers of a log compared: differences, and what their rounding hides."""
    a, of_a = printed(backprop, decimals, "backprop")
    b, of_b = printed(numeric, decimals, "numeric")
    if not isinstance(tolerance, int | Fraction) or not 0 < tolerance < 1:
        raise BadInput("the tolerance is a number between 0 and 1, such as 0.001")
    hidden = (Fraction(1, 10**of_a) + Fraction(1, 10**of_b)) / 2  # half a unit of each
    apart, largest = abs(a - b), max(abs(a), abs(b))
    units = f"half a unit of the last place each, {brief(hidden)} together"
    steps = [Step("difference", worked(Call("abs", Num(a) - Num(b)), apart), number(apart)),
             Step(f"rounding hides {units}")]  # fmt: skip
    value = Record(abs_diff=number(apart))
    if not largest:
        steps.append(Step("relative difference: 0/0, undefined; another entry has to be compared"))
        value |= Record(relative_defined=False, verdict="says nothing")
        return Answer(value, tuple(steps), (as_integers(a, b, apart, of_a, of_b),), "gradcheck")
    relative, bound = apart / largest, (apart + hidden) / largest
    least = max(apart - hidden, Fraction(0)) / largest
    verdict = "differs" if least > tolerance else "agrees" if bound <= tolerance else "says nothing"
    steps += [
        Step("relative", worked(Num(apart) / Num(largest), relative), number(relative)),
        Step("at most", worked((Num(apart) + Num(hidden)) / Num(largest), bound), float(bound)),
        Step(reason(verdict, least, bound, tolerance)),
    ]
    value |= Record(relative_diff=number(relative), relative_bound=float(bound),
                    relative_defined=True, verdict=verdict)  # fmt: skip
    notes = ("relative to the larger of the two as printed",
             f"it agrees if the relative difference is at most {brief(tolerance)} for sure, "
             "and differs if it is more for sure")  # fmt: skip
    check = within(a, b, of_a, of_b, least, bound)
    return Answer(value, tuple(steps), (as_integers(a, b, apart, of_a, of_b), check), "gradcheck",
                  conventions=notes)  # fmt: skip


@kind("gradcheck ratio", "--a 117.085383 --b 117.085383")
def ratio(*, a: Any, b: Any) -> Answer:
    """The magnitudes of two printed norms compared, and whether the digits are the same."""
    (x, of_a), (y, of_b) = printed(a, None, "a"), printed(b, None, "b")
    if not x or not y:
        raise BadInput("a norm that is 0 has no magnitude to compare")
    identical = x == y
    found = x / y
    same_order = Fraction(1, 10) < abs(found) < 10
    steps = [Step("ratio a/b", worked(Num(x) / Num(y), found), number(found)),
             Step("of the same order of magnitude: the ratio is between 1/10 and 10" if same_order
                  else "not of the same order of magnitude: the ratio is not between 1/10 and 10")]
    if identical:
        digits = len(re.sub(r"\D", "", str(a).lower().split("e")[0]).lstrip("0"))
        steps.append(Step(f"all {digits} digits are the same: of gradients of two different "
                          "batches this is not to be expected; was one printed twice?"))
    value = Record(ratio=number(found), identical_digits=identical, same_magnitude=same_order)
    back = Check("multiplying back, in units of the last place",
                 found * Fraction(round(y * 10**of_b), 10**of_b) * 10**of_a == round(x * 10**of_a))
    return Answer(value, tuple(steps), (back,), "gradcheck")  # fmt: skip


def printed(raw: Any, decimals: int | None, name: str) -> tuple[Fraction, int]:
    """A number as a log prints it, exactly, and how many decimals it shows.

    A number that comes without its text (0.0 for 0.000000) does not show its last zeros:
    then `decimals` says how many there are.
    """
    text = str(raw).strip().replace("−", "-").lower()
    if isinstance(raw, bool) or not PRINTED.fullmatch(text):
        raise BadInput(f"expected a number as printed, such as 0.129579, not {str(raw)[:40]!r}").at(
            name
        )
    exact = Decimal(text)
    shown = -int(exact.as_tuple().exponent)
    if abs(exact.adjusted()) > 300 or shown > 300:
        raise BadInput("the exponent is beyond what a log prints").at(name)
    if decimals is None:
        return Fraction(exact), max(shown, 0)
    if not 0 <= decimals <= 30:
        raise BadInput(f"decimals are 0 to 30, not {decimals}")
    if Fraction(exact) * 10**decimals % 1:
        raise BadInput(f"{text} has more than the {decimals} decimals given").at(name)
    return Fraction(exact), decimals


def reason(verdict: str, least: Fraction, bound: Fraction, tolerance: Any) -> str:
    """The verdict, in words."""
    if verdict == "agrees":
        return "agrees, within what rounding hides"
    if verdict == "differs":
        return f"differs: by at least {float(least):.6g}, relatively, whatever rounding hides"
    return (f"says nothing: rounding alone hides up to {float(bound):.2g}, more than "
            f"{brief(tolerance)}; print more digits, or compare a larger entry")  # fmt: skip


def as_integers(a: Fraction, b: Fraction, apart: Fraction, of_a: int, of_b: int) -> Check:
    """The difference again, counted in units of the last place."""
    places = max(of_a, of_b)
    units = abs(round(a * 10**places) - round(b * 10**places))
    return Check("counting units of the last place", Fraction(units, 10**places) == apart)


def within(
    a: Fraction, b: Fraction, of_a: int, of_b: int, least: Fraction, bound: Fraction
) -> Check:
    """Numbers that print like these, drawn by a seed: their differences keep the bounds.

    Relative to the printed values, as the bounds are; the extremes are among them.
    """
    random, largest, found = Random(3), max(abs(a), abs(b)), []
    for i in range(DRAWS):
        ends = [-1, 1]
        x, y = (random.uniform(-1, 1) if i > 3 else ends[i >> j & 1] for j in (0, 1))
        one = a + Fraction(x) / (2 * 10**of_a)
        other = b + Fraction(y) / (2 * 10**of_b)
        found.append(abs(one - other) / largest)
    keeps = all(least <= r <= bound for r in found) and max(found) == bound
    return Check("numbers that would be printed so, drawn by a seed, and the extremes", keeps)


def worked(e: Expr, value: Any) -> Expr | None:
    """The tree of a step with decimals, if they are short enough to be shown whole."""
    found = decimals(e, value)
    whole = found and all(not isinstance(n, Num) or isinstance(n.value, int | float)
                          for n in walk(found))  # fmt: skip
    return found if whole else None


def decimal(x: Any) -> float | None:
    """A fraction as a decimal, where that is exact and short."""
    near_by = float(x)
    return near_by if len(repr(near_by)) <= 9 and Fraction(repr(near_by)) == x else None


def decimals(e: Expr | None, value: Any) -> Expr | None:
    """The tree with decimals for its fractions if in floats it has the same value yet, else
    as it is if it has; None if cancellation takes that from it."""

    def turned(e: Any) -> Any:
        if isinstance(e, Num):
            x = number(e.value) if isinstance(e.value, Fraction) else e.value
            close = decimal(x) if isinstance(x, Fraction) else None
            return Num(x if close is None else close)
        return e.with_args(tuple(map(turned, e.args))) if isinstance(e, Expr) else e

    for found in (turned(e), e):
        try:
            if abs(evaluate(found) - float(value)) <= 1e-10 * abs(float(value)):
                return found
        except (ArithmeticError, ValueError, TypeError):
            continue
    return None


def number(x: Fraction) -> Any:
    """A fraction as it is shown: a whole number as such, a short decimal exactly."""
    return x.numerator if x.denominator == 1 else x


def brief(x: Any) -> str:
    """0.000001 as people read it."""
    return f"{float(x):g}"
