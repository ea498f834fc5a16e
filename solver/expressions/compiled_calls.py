"""Functions in compiled trees: of analysis, with kinks, of matrices, and unknown ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from solver.expressions import arrays as arr
from solver.expressions.arrays import Array, ShapeError
from solver.expressions.fields import TooLarge, Undefined
from solver.expressions.nodes import Call, Expr
from solver.expressions.worlds import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Compiled = Callable[["World"], Any]


KINKED = (
    "abs",
    "sign",
    "step",
    "relu",
    "max",
    "min",
    "floor",
    "ceil",
    "relu'",
    "round",
)


FLAT = ("tanh", "sigmoid", "atan", "tanh'", "sigmoid'")  # constant far from 0


def call(e: Call, args: list[Compiled]) -> Compiled:
    """A named function of compiled arguments, as a function of a world."""
    name, me = e.args[0], e
    if name.startswith("call "):
        return _unknown(name[5:], args)
    if name in ("max", "min"):

        def extreme(w: World) -> Any:
            values = [a(w) for a in args]
            if len(values) == 1 and isinstance(values[0], Array):
                values = values[0].flat()
            pick = max if name == "max" else min
            if any(isinstance(v, Array) for v in values):
                out = values[0]
                for v in values[1:]:
                    out = arr.entrywise(pick, out, v, "compared")
                return out
            if any(w.field.is_complex(w.field.real(v)) for v in values):
                raise Undefined("complex numbers have no order")
            found = pick(values)
            w.watch(me, values.index(found))
            return found

        return extreme
    if name in ("tr", "det", "diag", "vec", "softmax", "binomial", "sum", "dot"):
        return lambda w: SPECIAL[name](w, *[a(w) for a in args])
    (a,) = args[:1]
    if name in KINKED:

        def kinked(w: World) -> Any:
            return mapped(lambda v: kink(w, name, v, me), a(w))

        return kinked

    def plain(w: World) -> Any:
        def one(v: Any) -> Any:
            if w.seen is not None and name in FLAT:
                w.watch(me, "felt" if w.field.magnitude(v) < 15 else "flat")
            v = w.field.real(v)
            if (
                name == "exp"
                and not w.field.is_complex(v)
                and v > (1e6 if w.field.exact else 700)
            ):
                raise TooLarge("this power of e is too large")
            if type(v) is int and name != "factorial":
                v = v * w.field.one
            return real_only(w, w.field.call(name, v))

        return mapped(one, a(w))

    return plain


def mapped(f: Callable[[Any], Any], x: Any) -> Any:
    return x.map(f) if isinstance(x, Array) else f(x)


def kink(w: World, name: str, v: Any, me: Expr) -> Any:
    """A function with a kink or a jump, its side noted."""
    v = w.field.real(v)
    if name == "abs":
        if not w.field.is_complex(v):
            w.watch(me, v > 0)
        return abs(v)
    if w.field.is_complex(v):
        raise Undefined(f"{name} is of real numbers")
    if name in ("floor", "ceil", "round"):
        nearest = round(v) if abs(v) < 1e15 else v
        if abs(v - nearest) < (1e-30 if w.field.exact else 1e-12) * max(1, abs(v)):
            v = nearest
        found = (
            math.floor(v)
            if name == "floor"
            else math.ceil(v)
            if name == "ceil"
            else round(v)
        )
        w.watch(me, found)
        return found
    w.watch(me, v > 0)
    if name == "sign":
        return 0 if v == 0 else 1 if v > 0 else -1
    if name in ("step", "relu'"):
        return 1 if v > 0 else 0
    return v if v > 0 else 0 * v


def _unknown(name: str, args: list[Compiled]) -> Compiled:
    """A function that nobody declared: smooth, fixed by its name."""
    r = Random(f"function {name}")
    a, b, c = (round(r.uniform(0.3, 1.4), 3) for _ in range(3))

    def at(w: World) -> Any:
        total: Any = w.field.num(b)
        for i, arg in enumerate(args):
            v = arg(w)
            if isinstance(v, Array):
                raise ShapeError("this function is of numbers")
            total = total + w.field.num(a + 0.37 * i) * v
        return w.field.call("sin", total * w.field.one) + w.field.num(c) * total

    return at


def _vec(w: World, x: Any) -> Any:
    return Array([[v] for c in zip(*x.rows) for v in c]) if isinstance(x, Array) else x


def _softmax(w: World, x: Any) -> Any:
    if not isinstance(x, Array):
        raise ShapeError("softmax is of a column")
    up = x.map(lambda v: w.field.call("exp", v * w.field.one))
    total = sum(up.flat())
    return up.map(lambda v: v / total)


def _binomial(w: World, n: Any, k: Any = None) -> Any:
    if k is None or isinstance(n, Array) or isinstance(k, Array):
        raise Undefined("a binomial has two numbers")
    if n == int(n) and k == int(k) and k >= 0:
        if abs(n) > 500:
            raise TooLarge("this binomial is too large")
        return math.comb(int(n), int(k)) if n >= 0 else Undefined
    f = lambda x: w.field.call("factorial", x * w.field.one)  # noqa: E731
    return f(n) / (f(k) * f(n - k))


SPECIAL: dict[str, Callable[..., Any]] = {
    "tr": lambda w, x: arr.trace(x),
    "det": lambda w, x: arr.determinant(x, w.field.one),
    "diag": lambda w, x: arr.diagonal(x),
    "vec": _vec,
    "softmax": _softmax,
    "binomial": _binomial,
    "dot": lambda w, x, y: arr.dot(x, y),
    "sum": lambda w, x: sum(x.flat()) if isinstance(x, Array) else x,
}


def real_only(w: World, x: Any) -> Any:
    """The value, if it is real or i is meant: the root of −2 is no number else."""
    if w.field.is_complex(x) and not w.letters.imaginary:
        raise Undefined("no real number")
    return x
