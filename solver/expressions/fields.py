"""Numbers that trees are evaluated in: floats, complex where they must be; what has no value."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Undefined(ArithmeticError):
    """There is no value here: outside the domain, between cases."""


class TooLarge(ArithmeticError):
    """The value cannot be computed within reason: nothing can be said."""


class Field:
    """Arithmetic of one kind of number; this one of floats, complex where it must be."""

    exact = False
    one: Any = 1.0
    pi, e, inf = math.pi, math.e, math.inf

    def num(self, x: Any) -> Any:
        try:
            return float(x) if type(x) is not int or abs(x) > 2**53 else x
        except OverflowError:
            raise TooLarge("this number is too large") from None

    def call(self, name: str, x: Any) -> Any:
        try:
            if isinstance(x, complex):
                if name not in COMPLEX:
                    raise Undefined(f"{name} of a complex number")
                return COMPLEX[name](x)
            return REAL[name](x)
        except ValueError:
            if name in COMPLEX:
                return COMPLEX[name](complex(x))
            raise Undefined(f"{name} has no value here") from None

    def power(self, a: Any, b: Any) -> Any:
        if b == 0:
            if a == 0:
                raise Undefined("0⁰")
            return 1
        return a**b

    def real(self, x: Any) -> Any:
        """The real number of a complex one whose imaginary part is rounding."""
        if isinstance(x, complex):
            if abs(x.imag) <= 1e-11 * max(1e-300, abs(x.real)) or x.imag == 0:
                return x.real
        return x

    def magnitude(self, x: Any) -> float:
        return float(abs(x))

    def log2(self, x: Any) -> float:
        """About how many binary digits a number has before its point."""
        return math.log2(abs(x))

    def is_complex(self, x: Any) -> bool:
        return isinstance(x, complex)


def _factorial(x: Any) -> Any:
    n = round(x) if abs(x - round(x)) < 1e-9 else None
    if n is None:
        return math.gamma(x + 1)
    if n < 0:
        raise Undefined("a factorial of a negative number")
    if n > 170:
        raise TooLarge("this factorial is too large")
    return math.factorial(n)


def _atan_inverse(x: float) -> float:
    return math.atan(1 / x) if x else math.pi / 2


REAL: dict[str, Callable[[Any], Any]] = {
    **{n: getattr(math, n) for n in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "sqrt",
                                     "asin", "acos", "atan", "asinh", "acosh", "atanh",
                                     "log", "log10", "log2")},
    "cot": lambda x: 1 / math.tan(x), "sec": lambda x: 1 / math.cos(x),
    "csc": lambda x: 1 / math.sin(x), "sech": lambda x: 1 / math.cosh(x),
    "csch": lambda x: 1 / math.sinh(x), "coth": lambda x: 1 / math.tanh(x),
    "acot": _atan_inverse, "asec": lambda x: math.acos(1 / x), "acsc": lambda x: math.asin(1 / x),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "factorial": _factorial,
    "exp'": math.exp, "log'": lambda x: 1 / x, "sin'": math.cos, "cos'": lambda x: -math.sin(x),
    "tanh'": lambda x: 1 - math.tanh(x) ** 2,
    "sigmoid'": lambda x: 1 / (2 + math.exp(-x) + math.exp(x)),
    "softplus'": lambda x: 1 / (1 + math.exp(-x)),
}  # fmt: skip


COMPLEX: dict[str, Callable[[Any], Any]] = {
    **{n: getattr(cmath, n) for n in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "sqrt",
                                      "asin", "acos", "atan", "asinh", "acosh", "atanh",
                                      "log", "log10")},
    "log2": lambda x: cmath.log(x) / math.log(2),
    "cot": lambda x: 1 / cmath.tan(x), "sec": lambda x: 1 / cmath.cos(x),
    "csc": lambda x: 1 / cmath.sin(x), "sech": lambda x: 1 / cmath.cosh(x),
    "csch": lambda x: 1 / cmath.sinh(x), "coth": lambda x: 1 / cmath.tanh(x),
    "sigmoid": lambda x: 1 / (1 + cmath.exp(-x)),
}  # fmt: skip


FLOATS = Field()
