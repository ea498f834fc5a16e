"""Numbers of fifty digits: where floats agree, these decide. The only door to mpmath."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath

from solver.expressions.fields import Field, TooLarge, Undefined

DIGITS = 50
mp = mpmath.MPContext()
mp.dps = DIGITS


class Digits(Field):
    """Real and complex numbers of fifty digits."""

    exact = True
    one = mp.mpf(1)
    pi, e, inf = +mp.pi, mp.exp(1), mp.inf

    def num(self, x: Any) -> Any:
        if isinstance(x, Fraction):
            return mp.mpf(x.numerator) / x.denominator
        return mp.mpf(x) if not isinstance(x, int) or abs(x) > 2**53 else x

    def call(self, name: str, x: Any) -> Any:
        if name == "factorial":
            if isinstance(x, int) or x == int(x):
                if x < 0:
                    raise Undefined("a factorial of a negative number")
                if x > 5000:
                    raise TooLarge("this factorial is too large")
            return mp.factorial(x)
        if isinstance(x, int):
            x = mp.mpf(x)
        return FUNCTIONS[name](x)

    def power(self, a: Any, b: Any) -> Any:
        if b == 0:
            if a == 0:
                raise Undefined("0⁰")
            return 1
        if isinstance(a, int):
            a = mp.mpf(a)
        return a**b

    def real(self, x: Any) -> Any:
        if isinstance(x, mp.mpc):
            if abs(x.imag) <= mp.mpf(10) ** -35 * max(abs(x.real), mp.mpf(10) ** -300):
                return x.real
        return x

    def magnitude(self, x: Any) -> float:
        return float(abs(x))

    def log2(self, x: Any) -> float:
        return float(mp.mag(x))

    def is_complex(self, x: Any) -> bool:
        return isinstance(x, (complex, mp.mpc))


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    **{n: getattr(mp, n) for n in (
        "sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "sqrt", "asin", "acos", "atan",
        "asinh", "acosh", "atanh", "log", "log10", "cot", "sec", "csc", "sech", "csch", "coth",
        "acot", "asec", "acsc",
    )},
    "log2": lambda x: mp.log(x) / mp.log(2),
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log(1 + mp.exp(x)),
    "exp'": mp.exp, "log'": lambda x: 1 / x, "sin'": mp.cos, "cos'": lambda x: -mp.sin(x),
    "tanh'": lambda x: 1 - mp.tanh(x) ** 2,
    "sigmoid'": lambda x: 1 / (2 + mp.exp(-x) + mp.exp(x)),
    "softplus'": lambda x: 1 / (1 + mp.exp(-x)),
}  # fmt: skip
FIFTY = Digits()
