"""Trees without letters to many digits, by the standard library's decimal arithmetic.

For differences of nearly equal values, which floats would lose. Slower than `evaluate`;
never long: numbers beyond all bounds raise.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, Overflow, localcontext
from decimal import DivisionByZero as Division
from decimal import InvalidOperation as Invalid
from fractions import Fraction
from functools import reduce
from operator import mul

from solver.expressions.nodes import Add, Call, Div, Expr, Mul, Neg, Num, Pow

PRECISION = 100
SMALLEST = -5000  # the exponent below which a value is 0


def digits(e: Expr) -> Fraction:
    """The number that the tree stands for, to PRECISION digits at every operation.

    Raises ArithmeticError where it has none, TypeError for a node that is not known here.
    """
    context = Context(prec=PRECISION, traps=[Invalid, Division, Overflow])
    with localcontext(context):
        found = value(e)
    if found and found.adjusted() < SMALLEST:
        return Fraction(0)
    return Fraction(found)


def value(e: Expr) -> Decimal:
    """The same as a decimal, in the context that is set."""
    if isinstance(e, Num):
        x = Fraction(e.value)
        return Decimal(x.numerator) / Decimal(x.denominator)
    if isinstance(e, Call):
        if e.name not in CALLS:
            raise TypeError(f"{e.name} is not computed to many digits")
        return CALLS[e.name](*map(value, e.args[1:]))
    for kind, operation in OPERATIONS.items():
        if type(e) is kind:
            return operation(*map(value, e.args))
    raise TypeError(f"{type(e).__name__} is not computed to many digits")


def power(base: Decimal, exponent: Decimal) -> Decimal:
    """base^exponent; of a negative base whole exponents only, 0^0 is 1."""
    return Decimal(1) if not exponent else base**exponent


def tanh(x: Decimal) -> Decimal:
    """1 − 2/(e^2x + 1), odd."""
    return -tanh(-x) if x < 0 else 1 - 2 / ((2 * x).exp() + 1)


def whole(x: Decimal, rounding: str) -> Decimal:
    """x rounded; beyond PRECISION digits it is whole already."""
    return x if x.adjusted() >= PRECISION else x.to_integral_value(rounding)


OPERATIONS: dict[type[Expr], Callable[..., Decimal]] = {
    Add: lambda *args: sum(args, Decimal(0)),
    Mul: lambda *args: reduce(mul, args),
    Neg: lambda x: -x,
    Div: lambda a, b: a / b,
    Pow: power,
}
CALLS: dict[str, Callable[..., Decimal]] = {
    "exp": Decimal.exp,
    "log": Decimal.ln,
    "sqrt": Decimal.sqrt,
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "tanh": tanh,
    "abs": abs,
    "sign": lambda x: Decimal((x > 0) - (x < 0)),
    "step": lambda x: Decimal(int(x > 0)),
    "floor": lambda x: whole(x, ROUND_FLOOR),
    "ceil": lambda x: whole(x, ROUND_CEILING),
    "min": min,
    "max": max,
}
