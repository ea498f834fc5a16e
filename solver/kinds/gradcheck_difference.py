"""Difference quotients of a function beside its derivative: the error, and its order.

Numbers are exact where they are rational, else taken to 100 digits, so that what is shown
is the error of the formula and not of rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.digits import PRECISION, digits
from solver.expressions.nodes import (
    Call,
    Expr,
    Neg,
    Num,
    Sym,
    evaluate,
    letters,
    subs,
    walk,
)
from solver.expressions.parse import parse
from solver.kinds import kind
from solver.kinds.gradcheck_numbers import decimal, decimals
from solver.registry import unknown
from solver.values import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Real = Any
    Text = str

FINER = (10**3, 10**6, 10**9)  # by how much h is divided for the check
NOISE = Fraction(1, 10**60)  # less than this of a value is rounding
KINKED = ("abs", "sign", "step", "floor", "ceil", "min", "max")
At = Callable[["int | Fraction"], Expr]  # F at a number, as a tree


@dataclass(frozen=True)
class Scheme:
    """A difference quotient: its ends, in steps from x, and its error's leading term."""

    ends: tuple[int, int]
    order: int
    derivative: int  # the leading term is factor·h^order times this derivative
    factor: Fraction
    leading: str

    @property
    def big(self) -> str:
        return "O(h²)" if self.order == 2 else "O(h)"


SCHEMES = {
    "central": Scheme((1, -1), 2, 3, Fraction(1, 6), "a sixth of h² times the third derivative"),
    "forward": Scheme((1, 0), 1, 2, Fraction(1, 2), "half of h times the second derivative"),
    "backward": Scheme((0, -1), 1, 2, Fraction(-1, 2),
                       "half of −h times the second derivative"),
}  # fmt: skip


@kind("gradcheck difference", '"theta^3" --at 2 --h 0.01')
def difference(expr: Text, *, at: Real, h: Real, scheme: str = "central") -> Answer:
    """Difference quotient of a function at a number, its error and the error's order."""
    if scheme not in SCHEMES:
        raise unknown("scheme", scheme, list(SCHEMES))
    for name, x in (("at", at), ("h", h)):
        if not isinstance(x, int | Fraction):
            raise BadInput(f"expected a number, not {x}").at(name)
    if not Fraction(1, 10**12) <= h <= 1000:
        raise BadInput(f"h is a positive step such as 0.01, from 1e-12 on, not {float(h):g}")
    if abs(at) > 10**6:
        raise BadInput(f"expected a number of ordinary size, not {float(at):g}").at("at")
    f = parse(expr, "real")
    x = letter_of(f)
    way = SCHEMES[scheme]
    upper, lower = (plain(at + h * k) for k in way.ends)
    width = plain(h * (way.ends[0] - way.ends[1]))
    refuse_outside(f, x, at, upper, lower)
    refuse_kink(f, x, at, h)
    slope = high = derived(piece(f, {x.name: at}), x)
    for _ in range(way.derivative - 1):
        high = derived(high, x)

    def put(e: Expr) -> At:
        return lambda number: subs(e, {x.name: Num(number)})

    at_f = put(f)
    up, down = number(at_f(upper)), number(at_f(lower))
    quotient = (at_f(upper) - at_f(lower)) / Num(width)
    approx, exact = number(quotient), number(put(slope)(at))
    noise = NOISE * max(abs(x.value) for x in (up, down, exact))
    error = zeroed(number(quotient - put(slope)(at)), noise)
    lead = (Num(plain(h)) ** 2 if way.order == 2 else Num(plain(h))) * put(high)(at)
    lead = (lead if way.factor > 0 else Neg(lead)) / Num(way.factor.denominator)
    leading = zeroed(number(lead), noise * Fraction(h) ** way.order)
    sign = Sym("h", "real")
    there = {1: x + sign, 0: x, -1: x - sign}
    moved = [subs(f, {x.name: there[k]}) for k in way.ends]
    formula = (moved[0] - moved[1]) / (2 * sign if way.order == 2 else sign)
    worked = (Num(shown(up)) - Num(shown(down))) / Num(width) if both(up, down) else None
    steps = (
        *(Step(f"at {short(end)}", decimals(at_f(end), value.value), shown(value))
          for end, value in ((upper, up), (lower, down))),
        Step(f"{scheme} difference", decimals(worked, approx.value), shown(approx), None, formula),
        Step("derivative", decimals(put(slope)(at), exact.value), shown(exact), None, slope),
        Step("error: quotient less derivative", None, shown(error)),
        *(kink_between(f, x, lower, upper) or order_of(way, lead, leading, error)),
    )  # fmt: skip
    value = Record(approx=shown(approx), exact=shown(exact), error=shown(error))
    checks = (
        order_holds(way, at_f, put(slope)(at), leading, error, at, h, noise),
        in_floats(f, x, at, h, way, approx),
    )
    notes = ("exact" if both(approx, exact) else f"worked to {PRECISION} digits, then rounded",)
    return Answer(value, steps, checks, "difference", conventions=notes)


def order_of(way: Scheme, lead: Expr, leading: Exactly, error: Exactly) -> list[Step]:
    """The leading term of the error, worked, and the order that it gives."""
    less = "" if leading.value or not error.value else "smaller than "
    return [
        Step(f"its leading term, {way.leading}", decimals(lead, leading.value), shown(leading)),
        Step(f"the error is {less}{way.big}"),
    ]


def derived(f: Expr, x: Sym) -> Expr:
    """F′, by SymPy."""
    from solver.expressions.algebra import derivative

    try:
        return derivative(f, x)
    except TypeError:
        raise BadInput(f"the derivative of {f} is none that can be written here") from None


def plain(x: Any) -> int | Fraction:
    """A whole number as an int."""
    return x.numerator if x.denominator == 1 else x


def refuse_outside(f: Expr, x: Sym, *places: Any) -> None:
    """Refuse places where the function has no real value, or one beyond floating point
    (whose differences would say nothing)."""
    for place in places:
        where = f"at {x} = {float(place):g}"
        try:
            parts = [evaluate(n, {x.name: float(place)}) for n in walk(f)]
            if any(isinstance(v, complex) for v in parts):
                raise ValueError
        except OverflowError:
            raise BadInput(f"{f} is too large {where}") from None
        except (ArithmeticError, ValueError, TypeError):
            raise BadInput(f"{f} has no (real) value {where}") from None


def letter_of(f: Expr) -> Sym:
    """The function's one letter."""
    found = letters(f)
    if len(found) != 1:
        listed = " and ".join(map(str, found)) or "no letter"
        raise BadInput(f"the function has {listed}: write it in one letter, such as theta^3, "
                       "with numbers for all others")  # fmt: skip
    return found[0]


@dataclass(frozen=True)
class Exactly:
    """A number, and whether it is exact (else it is computed to many digits)."""

    value: Fraction
    exact: bool


def number(e: Expr) -> Exactly:
    """The number that a tree without letters stands for. BadInput where it has none."""
    try:
        plain = evaluate(e)
        if isinstance(plain, int | Fraction):
            return Exactly(Fraction(plain), True)
    except (ArithmeticError, ValueError, TypeError):
        pass
    try:
        return Exactly(digits(e), False)
    except (ArithmeticError, ValueError, TypeError):
        pass
    raise BadInput(f"{e} has no (real) value")


def zeroed(x: Exactly, noise: Fraction) -> Exactly:
    """0 for what rounding to many digits has left."""
    return x if x.exact or abs(x.value) > noise else Exactly(Fraction(0), True)


def shown(x: Exactly) -> Any:
    """An exact number as such, any other as a float."""
    return plain(x.value) if x.exact else float(x.value)


def both(*numbers: Exactly) -> bool:
    return all(x.exact for x in numbers)


def short(x: Any) -> str:
    """A number as a label has it."""
    exact = decimal(x)
    return str(x if exact is None or isinstance(x, int) else exact).replace("-", "−")


def quotient_at(way: Scheme, at_f: At, at: Any, h: Any) -> Expr:
    """The quotient with another step."""
    first, second = way.ends
    return (at_f(at + h * first) - at_f(at + h * second)) / Num(h * (first - second))


def kinked(f: Expr) -> list[Call]:
    """The parts of a function that have kinks or jumps."""
    return [n for n in walk(f) if isinstance(n, Call) and n.name in KINKED]


def branch(node: Call, env: dict[str, Any]) -> Any:
    """Which piece of |·|, max and their kin holds there; None at the kink itself."""
    args = [evaluate(a, env) for a in node.args[1:]]
    if node.name in ("min", "max"):
        best = min(args) if node.name == "min" else max(args)
        return args.index(best) if args.count(best) == 1 else None
    if node.name in ("floor", "ceil"):
        return evaluate(node, env) if args[0] % 1 else None
    return (args[0] > 0) - (args[0] < 0) or None


def piece(e: Any, env: dict[str, Any]) -> Any:
    """The function with the piece put in that holds there, which is smooth."""
    if not isinstance(e, Expr) or isinstance(e, Num | Sym):
        return e
    args = tuple(piece(a, env) for a in e.args)
    if not isinstance(e, Call) or e.name not in KINKED:
        return e.with_args(args)
    if e.name in ("min", "max"):
        return args[1 + branch(e, env)]
    if e.name == "abs":
        return args[1] if branch(e, env) > 0 else Neg(args[1])
    return Num(evaluate(e, env))


def refuse_kink(f: Expr, x: Sym, at: Any, h: Any) -> None:
    """Refuse a point that is a kink: there is no derivative, or no order of the error."""
    for node in kinked(f):
        if branch(node, {x.name: at}) is None:
            raise BadInput(f"{node} has a kink or a jump at {x} = {float(at):g}{sides(f, x, at)}")


def sides(f: Expr, x: Sym, at: Any) -> str:
    """The slopes on both sides of a kink, in words, where the function has a value there."""
    t = 1e-7 * max(1, abs(float(at)))
    first, middle, last = (at_float(f, x, float(at) + k * t) for k in (-1, 0, 1))
    if first is None or middle is None or last is None:
        return ""
    before, behind = (float(f"{d / t:.4g}") for d in (middle - first, last - middle))
    return f": the slope is {before:g} before it and {behind:g} behind it"


def kink_between(f: Expr, x: Sym, low: Any, high: Any) -> list[Step]:
    """A line if |·|, max and their kin take another branch at one end than at the other."""
    for node in kinked(f):
        if branch(node, {x.name: low}) != branch(node, {x.name: high}):
            return [Step(f"{node} has a kink or a jump between the two ends: the order does "
                         "not hold for this h")]  # fmt: skip
    return []


def order_holds(
    way: Scheme, at_f: At, slope: Expr, leading: Exactly, error: Exactly, at: Any, h: Any,
    noise: Fraction,
) -> Check:
    """With a finer step the error is its leading term, to a hundredth.

    A thousandth of h is fine enough unless the function is very steep; then less is tried.
    """
    for finer in FINER:
        found = number(quotient_at(way, at_f, at, Fraction(h) / finer) - slope).value
        wanted = leading.value / finer**way.order
        if wanted:
            ok = abs(found - wanted) <= abs(wanted) / 100
        else:  # the order is higher here, there is no error, or h goes beyond a kink
            ok = abs(found) <= abs(error.value) / finer**way.order / 10 + noise
        if ok:
            break
    times = finer**way.order
    if abs(found) <= noise:
        told = "0 as well" if not error.value else "0"
    elif not wanted:
        told = f"at least {10 * times:,} times smaller"
    elif abs(error.value - leading.value) <= abs(leading.value) / 50:
        told = f"{times:,} times smaller"
    else:  # this h is too large for its leading term to be the error
        told = f"{times:,} times smaller than the leading term here"
    return Check(f"the error with h/{finer}, which is {told}", ok)


def in_floats(f: Expr, x: Sym, at: Any, h: Any, way: Scheme, approx: Exactly) -> Check:
    """The quotient as a program computes it, up to the rounding of such a program.

    How much that is, is measured: by what the ends change if x changes in its last place.
    """
    width = (way.ends[0] - way.ends[1]) * float(h)
    ends, noise = [], 0.0
    for k in way.ends:
        place = float(at) + k * float(h)
        ends.append(float(evaluate(f, {x.name: place})))
        around = [at_float(f, x, place * (1 + i * 2.0**-51)) for i in (-2, -1, 1, 2)]
        noise += max(abs(v - ends[-1]) for v in [*around, ends[-1]] if v is not None)
        noise += 1e-13 * largest(f, {x.name: place})
    apart = abs((ends[0] - ends[1]) / width - float(approx.value))
    ok = apart <= 4 * noise / width + 1e-9 * abs(float(approx.value))
    return Check("the quotient in floating point, up to its rounding", ok)


def at_float(f: Expr, x: Sym, place: float) -> float | None:
    """The function's value there; None outside of where it has one."""
    try:
        found = evaluate(f, {x.name: place})
    except (ArithmeticError, ValueError, TypeError):
        return None
    return None if isinstance(found, complex) else float(found)


def largest(f: Expr, env: dict[str, Any]) -> float:
    """The largest value of any part of a function, which says how far it is rounded."""
    return max(abs(float(evaluate(n, env))) for n in walk(f))
