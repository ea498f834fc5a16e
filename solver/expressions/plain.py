"""The plain text of matrix trees: `X'*(X*w - y)`, which the grammar reads back."""

from __future__ import annotations

from functools import cache

from solver.expressions.matrix import (
    Comm,
    Dot,
    Eye,
    Fn,
    Had,
    HPow,
    Kron,
    Ones,
    T,
    Var,
    Zero,
    dims,
    is_scalar,
)
from solver.expressions.nodes import Add, Expr, Mul, Num, Pow
from solver.expressions.typed import Partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4


def plain(e: Expr) -> str:
    """The text of a tree in the plain grammar."""
    return _show(e)[0]


def _bracket(e: Expr, tight: int) -> str:
    text, binds = _show(e)
    return text if binds >= tight else f"({text})"


@cache
def _show(e: Expr) -> tuple[str, int]:
    if isinstance(e, Num):
        v = e.value
        if isinstance(v, int):
            return str(v), ATOM if v >= 0 else SUM
        if isinstance(v, float):
            return repr(v), ATOM if v >= 0 else SUM
        decimal = float(v)
        if v == type(v)(repr(decimal)) and len(repr(decimal)) <= 8:
            return repr(decimal), ATOM if v >= 0 else SUM
        return f"{v.numerator}/{v.denominator}", PRODUCT if v >= 0 else SUM
    if isinstance(e, Var):
        return e.name, ATOM
    if isinstance(e, Ones):
        if 1 in e.args:
            return ("vector(1)", ATOM) if e.args[1] == 1 else ("vector(1)'", POWER)
        return "matrix(1)", ATOM
    if isinstance(e, Zero):
        if 1 in e.args:
            return ("vector(0)", ATOM) if e.args[1] == 1 else ("vector(0)'", POWER)
        return "matrix(0)", ATOM
    if isinstance(e, Eye):
        return "eye", ATOM
    if isinstance(e, T):
        return _bracket(e.args[0], POWER) + "'", POWER
    if isinstance(e, Fn):
        return f"{e.name}({plain(e.arg)})", ATOM
    if isinstance(e, Kron):
        # inside a Kronecker product nothing else says how large an identity is
        sides = (
            f"eye({a.args[0]})" if isinstance(a, Eye) else plain(a) for a in e.args
        )
        return f"kron({', '.join(sides)})", ATOM
    if isinstance(e, Comm):
        return f"commutation({e.args[0]}, {e.args[1]})", ATOM
    if isinstance(e, Add):
        pieces = [_bracket(e.args[0], SUM)]
        for term in e.args[1:]:
            text, _ = _show(term)
            negative = text.startswith("-")
            body = text[1:] if negative else _bracket(term, SUM)
            pieces.append((" - " if negative else " + ") + body)
        return "".join(pieces), SUM
    if isinstance(e, (Pow, HPow)):
        sign = "^" if isinstance(e, Pow) else ".^"
        base, exponent = e.args
        return f"{_bracket(base, ATOM)}{sign}{_bracket(exponent, ATOM)}", POWER
    if isinstance(e, Had):
        return _hadamard(e), PRODUCT
    if isinstance(e, Dot):
        return _dot(e), PRODUCT
    if isinstance(e, Mul):
        return _product(e)
    if isinstance(e, Partial):
        return f"∂f/∂{_bracket(e.args[0], ATOM)}", PRODUCT
    raise TypeError(f"cannot print {type(e).__name__}")


def _dot(e: Dot) -> str:
    """Factors with *, equal neighbours as a power, an elementwise product in brackets."""
    pieces: list[str] = []
    i = 0
    while i < len(e.args):
        j = i
        while j < len(e.args) and e.args[j] == e.args[i]:
            j += 1
        f = e.args[i]
        square = dims(f)[0] == dims(f)[1] and j - i > 1
        if square:
            pieces.append(f"{_bracket(f, ATOM)}^{j - i}")
        else:
            text = _bracket(f, POWER)
            pieces += [text] * (j - i)
        i = j
    return "*".join(pieces)


def _hadamard(e: Had) -> str:
    """Factors with .*, those to the power −1 below with ./"""
    above = [f for f in e.args if not _below(f)]
    if not above:
        above = [e.args[0]]
    text = ".*".join(_bracket(f, POWER) for f in above)
    for f in e.args:
        if f not in above:
            text += "./" + _bracket(f.args[0], POWER)
    return text


def _below(f: Expr) -> bool:
    return isinstance(f, HPow) and f.args[1] == Num(-1)


def _product(e: Mul) -> tuple[str, int]:
    """Number, scalars, matrix; negative powers below the line."""
    above: list[Expr] = []
    below: list[Expr] = []
    negative = False
    for f in e.args:
        if isinstance(f, Num) and f is e.args[0]:
            negative = f.value < 0
            v: Any = abs(f.value)
            if not isinstance(v, (int, float)) and not _decimal(v):
                if v.numerator != 1:
                    above.append(Num(v.numerator))
                below.append(Num(v.denominator))
            elif v != 1:
                above.append(Num(v))
            continue
        if isinstance(f, Pow) and isinstance(f.args[1], Num) and f.args[1].value < 0:
            k = -f.args[1].value
            below.append(f.args[0] if k == 1 else Pow(f.args[0], Num(k)))
            continue
        above.append(f)
    pieces = []
    for f in above:
        tight = PRODUCT if isinstance(f, (Dot, Had)) and f is above[-1] else POWER
        if isinstance(f, Had) and len(above) > 1:
            tight = PRODUCT
        if isinstance(f, Dot) and is_scalar(f) and len(above) > 1:
            tight = POWER
        pieces.append(_bracket(f, tight))
    text = "*".join(pieces) or "1"
    if len(below) == 1:
        text += "/" + _bracket(below[0], POWER)
    elif below:
        text += "/(" + "*".join(_bracket(f, POWER) for f in below) + ")"
    return ("-" + text, SUM) if negative else (text, PRODUCT)


def _decimal(v: object) -> bool:
    from fractions import Fraction

    return (
        isinstance(v, Fraction)
        and Fraction(repr(float(v))) == v
        and len(repr(float(v))) <= 8
    )
