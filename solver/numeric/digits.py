"""Numbers of fifty digits: where floats agree, these decide. The only door to mpmath.

What is left where fifty digits cancel is rounding if it shrinks with more of them.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath

from solver.expressions.fields import Field, TooLarge, Undefined


class Digits(Field):
    """Real and complex numbers of so many digits."""

    exact = True

    def __init__(self, digits: int):
        self.mp = mp = mpmath.MPContext()
        mp.dps = digits
        self.one = mp.mpf(1)
        self.pi, self.e, self.inf = +mp.pi, mp.exp(1), mp.inf
        self.functions = functions(mp)

    def num(self, x: Any) -> Any:
        if isinstance(x, Fraction):
            return self.mp.mpf(x.numerator) / x.denominator
        return self.mp.mpf(x) if not isinstance(x, int) or abs(x) > 2**53 else x

    def call(self, name: str, x: Any) -> Any:
        if name == "factorial":
            if isinstance(x, int) or x == int(x):
                if x < 0:
                    raise Undefined("a factorial of a negative number")
                if x > 5000:
                    raise TooLarge("this factorial is too large")
            return self.mp.factorial(x)
        if isinstance(x, int):
            x = self.mp.mpf(x)
        return self.functions[name](x)

    def power(self, a: Any, b: Any) -> Any:
        if b == 0:
            if a == 0:
                raise Undefined("0⁰")
            return 1
        if isinstance(a, int):
            a = self.mp.mpf(a)
        return a**b

    def real(self, x: Any) -> Any:
        if isinstance(x, self.mp.mpc):
            if abs(x.imag) <= self.mp.mpf(10) ** (15 - self.mp.dps) * max(
                abs(x.real), self.mp.mpf(10) ** -300
            ):
                return x.real
        return x

    def magnitude(self, x: Any) -> float:
        return float(abs(x))

    def log2(self, x: Any) -> float:
        return float(self.mp.mag(x))

    def is_complex(self, x: Any) -> bool:
        return isinstance(x, (complex, self.mp.mpc))


def functions(mp: Any) -> dict[str, Callable[[Any], Any]]:
    """The functions of one variable, by name."""
    return {
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


FIFTY = Digits(50)
MORE, MOST = Digits(130), Digits(8000)
