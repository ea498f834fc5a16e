"""Typed trees at numbers, exactly: fractions in, and fractions out where there are any.

The same writing-out as of entries.py, each entry a number at once: the second route
beside NumPy, with no array library and no rounding but that of exp, log and their kin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from solver.calculus.entries import Rows, TooLarge, Written, exact, plain
from solver.calculus.exact import Undefined, called, root_or_power
from solver.expressions import matrix as m
from solver.expressions.nodes import Call, Expr, Num, Pow

LARGEST, DIGITS = 12, 3000  # rows of a matrix that is inverted; bits of a number


class Numbers(Written):
    """Rows of numbers of typed trees, at one point."""

    def __init__(self, rows: Mapping[str, Any], size: Mapping[str, int]):
        super().__init__(size, 10_000)
        self.at = rows

    def weigh(self, e: Expr) -> Expr:
        raise TooLarge  # nothing is left as a tree

    def letter(self, v: m.Var, i: int, j: int) -> Expr:
        if "dimension" in v.flags:
            return Num(self.size[v.name])
        return Num(exact(self.at[v.name][i][j]))

    def write(self, e: Expr) -> Rows:
        if isinstance(e, Pow) and isinstance(e.args[0], m.Fn) and e.args[0].name == "norm2":
            k = self.scalar(e.args[1])
            half = exact(k.value) / 2  # type: ignore[attr-defined]
            if half == int(half):  # ‖x‖² is exact, where ‖x‖ is not
                squares = [self.times(x, x) for x in self.column(e.args[0].arg)]
                return ((self.raised(self.plus(*squares), Num(int(half))),),)
        return super().write(e)

    def plus(self, *terms: Expr) -> Expr:
        return number(sum(t.value for t in terms))  # type: ignore[attr-defined]

    def times(self, *factors: Expr) -> Expr:
        found: Any = 1
        for f in factors:
            found = found * f.value  # type: ignore[attr-defined]
        return number(found)

    def raised(self, base: Expr, exponent: Expr) -> Expr:
        a, k = base.value, exact(exponent.value)  # type: ignore[attr-defined]
        if a == 0 and k < 0:
            raise ZeroDivisionError("division by zero")
        return number(root_or_power(a, plain(k)))

    def call(self, name: str, x: Expr) -> Expr:
        v = x.value  # type: ignore[attr-defined]
        if name == "softplus":
            return number(softplus(v))
        if name == "relu":
            return number(max(0, v))
        if name in ("abs", "step", "sign"):  # at a kink, too, they have a value
            return number({"abs": abs(v), "step": int(v > 0), "sign": (v > 0) - (v < 0)}[name])
        if name == "log" and v <= 0:
            raise Undefined(f"the logarithm of {float(v):.6g}")
        return number(called(Call(name, x), [v]))

    def log_sum(self, row: Sequence[Expr]) -> Expr:
        top = max(row, key=lambda x: x.value)  # type: ignore[attr-defined]
        rest = [self.plus(x, self.times(Num(-1), top)) for x in row]
        return self.plus(top, super().log_sum(rest))

    def shares(self, row: Sequence[Expr]) -> tuple[Expr, ...]:
        top = max(row, key=lambda x: x.value)  # type: ignore[attr-defined]
        return super().shares([self.plus(x, self.times(Num(-1), top)) for x in row])

    def determinant(self, rows: Rows) -> Expr:
        """By elimination, in fractions."""
        a = [[Fraction(x.value) for x in row] for row in rows]  # type: ignore[attr-defined]
        found = Fraction(1)
        if len(a) > LARGEST:
            raise TooLarge
        for i in range(len(a)):
            pivot = next((k for k in range(i, len(a)) if a[k][i]), None)
            if pivot is None:
                return Num(0)
            if pivot != i:
                a[i], a[pivot], found = a[pivot], a[i], -found
            found *= a[i][i]
            for k in range(i + 1, len(a)):
                ratio = a[k][i] / a[i][i]
                a[k] = [x - ratio * y for x, y in zip(a[k], a[i])]
        return number(found)


def softplus(v: Any) -> float:
    from math import exp, log1p

    return float(max(v, 0) + log1p(exp(-abs(v))))


def number(x: Any) -> Num:
    """A value as a node; numbers that grow without end are refused."""
    if isinstance(x, complex):
        raise Undefined("the value is not real")
    if isinstance(x, Fraction) and x.denominator.bit_length() > DIGITS:
        x = float(x)
    if isinstance(x, int) and x.bit_length() > DIGITS:
        raise OverflowError("a value of more than 900 digits")
    return Num(plain(x))


def value_at(e: Expr, rows: Mapping[str, Any], size: Mapping[str, int]) -> list[list[Any]]:
    """The rows of a tree's value at a point. Undefined, ZeroDivisionError or TooLarge."""
    return [[x.value for x in row] for row in Numbers(rows, size).rows(e)]  # type: ignore[attr-defined]
