"""Trees as functions of a world: compiled once, evaluated in many worlds."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from solver.expressions import arrays as arr
from solver.expressions.arrays import Array, ShapeError
from solver.expressions.compiled_calls import call, real_only
from solver.expressions.fields import TooLarge, Undefined
from solver.expressions.nodes import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Sym, walk
from solver.expressions.worlds import MANY, World
from solver.expressions.written import (
    Branches,
    Choice,
    Grid,
    Group,
    Index,
    Indicator,
    Logic,
    Norm,
    Product,
    Relation,
    SetOp,
    Sigma,
    Turned,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Compiled = Callable[["World"], Any]


def value(e: Expr, world: World) -> Any:
    """The value of a tree in a world: a number, an Array, or a truth value.

    Raises Undefined, ShapeError, TooLarge.
    """
    try:
        found = compiled(e)(world)
    except (ZeroDivisionError, ValueError) as error:
        raise Undefined(str(error)) from None
    except OverflowError as error:
        raise TooLarge(str(error)) from None
    except RecursionError:
        raise TooLarge("this is nested too deeply to be computed") from None
    return checked(found, world)


def checked(x: Any, world: World) -> Any:
    """The value if it is one: no NaN, real where no i was meant."""
    if isinstance(x, Array):
        return x.map(lambda v: checked(v, world))
    if isinstance(x, bool):
        return x
    x = world.field.real(x)
    if world.field.is_complex(x) and not world.letters.imaginary:
        raise Undefined("no real number")
    if x != x:
        raise Undefined("not a number")
    return x


@lru_cache(maxsize=20_000)
def compiled(e: Expr) -> Compiled:
    """A tree as a function of a world."""
    return COMPILERS[type(e)](e)


def _num(e: Any) -> Compiled:
    v = e.args[0]
    cache: dict[int, Any] = {}

    def at(w: World) -> Any:
        key = id(w.field)
        if key not in cache:
            cache[key] = w.field.num(v)
        return cache[key]

    return at


def _sym(e: Any) -> Compiled:
    name = e.args[0]
    if e.args[1] == "name":
        return lambda w: name
    return lambda w: w.letter(name)


def _index(e: Any) -> Compiled:
    base, subs = e.args[0], [compiled(a) for a in e.args[1:]]

    def at(w: World) -> Any:
        found = []
        for s in subs:
            v = s(w)
            if not isinstance(v, str):
                if isinstance(v, Array) or w.field.is_complex(v) or v != int(v):
                    raise Undefined("an index is a whole number")
                v = int(v)
            found.append(v)
        return w.indexed(base, tuple(found))

    return at


def _add(e: Any) -> Compiled:
    terms = [compiled(a) for a in e.args]
    me = e
    literal = [isinstance(a, Num) and a.value == 0 for a in e.args]

    def at(w: World) -> Any:
        values = [t(w) for t in terms]
        total = values[0]
        for v in values[1:]:
            total = arr.add(total, v)
        if w.seen is not None:
            sizes = [biggest(v, w) for v in values]
            whole = max(sizes)
            for i, s in enumerate(sizes):
                if whole and s > 1e-12 * whole or literal[i]:
                    w.watch(me, ("term", i))
        return total

    return at


def biggest(v: Any, w: World) -> float:
    try:
        if isinstance(v, Array):
            return max(w.field.magnitude(x) for x in v.flat())
        return w.field.magnitude(v)
    except OverflowError:
        return math.inf


def _mul(e: Any) -> Compiled:
    factors = [compiled(a) for a in e.args]

    def at(w: World) -> Any:
        total = factors[0](w)
        for f in factors[1:]:
            total = arr.multiply(total, f(w))
        return total

    return at


def _div(e: Any) -> Compiled:
    a, b = map(compiled, e.args)

    def at(w: World) -> Any:
        x, y = a(w), b(w)
        if isinstance(x, Array) or isinstance(y, Array):
            return arr.divide(x, y, w.field.one)
        if y == 0:
            raise Undefined("a division by 0")
        if type(x) is int and type(y) is int:
            return w.field.num(x) / (w.field.num(y) * w.field.one)
        return x / y

    return at


def _neg(e: Any) -> Compiled:
    a = compiled(e.args[0])

    def at(w: World) -> Any:
        x = a(w)
        return x.map(lambda v: -v) if isinstance(x, Array) else -x

    return at


def _pow(e: Any) -> Compiled:
    a, b = map(compiled, e.args)
    entries = isinstance(e.args[0], Call)  # σ(z)² of a column is entry by entry

    def at(w: World) -> Any:
        x, y = a(w), b(w)
        if isinstance(y, Array):
            raise ShapeError("an exponent is a number")
        if isinstance(x, Array):
            if entries or x.dims[1] == 1 and x.dims[0] > 1:
                if not entries:
                    raise ShapeError(f"only a square matrix has powers, not {x.told()}")
                return x.map(lambda v: w.field.power(v, y))
            return arr.lower(arr.power(x, y, w.field.one))
        if type(x) is int and type(y) is int:
            if abs(y) * max(1, abs(x).bit_length()) > 4000:
                x = w.field.num(x) * w.field.one
            elif y < 0:
                return w.field.one / w.field.num(x**-y)
        if not w.field.is_complex(y) and not w.field.is_complex(x):
            size = abs(y) * abs(w.field.log2(x)) if x and abs(x) != math.inf else 0
            if size > (1e6 if w.field.exact else 1020):
                raise TooLarge("this power is too large")
        return real_only(w, w.field.power(x, y))

    return at


def _turned(e: Any) -> Compiled:
    a = compiled(e.args[0])
    return lambda w: arr.turned(a(w))


def _product(e: Any) -> Compiled:
    sign, a, b = e.args[0], compiled(e.args[1]), compiled(e.args[2])

    def at(w: World) -> Any:
        x, y = a(w), b(w)
        if sign == "⊗":
            return arr.outer(x, y)
        if sign == "⊘":
            return arr.entrywise(
                lambda p, q: p * w.field.one / q, x, y, "divided entry by entry"
            )
        return arr.entrywise(lambda p, q: p * q, x, y, "multiplied entry by entry")

    return at


def _norm(e: Any) -> Compiled:
    a, kind = compiled(e.args[0]), e.args[1]

    def at(w: World) -> Any:
        x = a(w)
        flat = x.flat() if isinstance(x, Array) else [x]
        if isinstance(x, Array) and 1 not in x.dims and kind not in ("F", ""):
            raise ShapeError("of a matrix, write the norm as ‖X‖_F")
        if kind == "1":
            return sum(abs(v) for v in flat)
        if kind == "∞":
            return max(abs(v) for v in flat)
        return w.field.call("sqrt", sum(abs(v) ** 2 for v in flat) * w.field.one)

    return at


def _sigma(e: Any) -> Compiled:
    op, body, index = e.args[0], compiled(e.args[1]), e.args[2]
    low = compiled(e.args[3]) if isinstance(e.args[3], Expr) else None
    high = compiled(e.args[4]) if isinstance(e.args[4], Expr) else None
    bases = [n.base for n in walk(e.args[1]) if isinstance(n, Index)
             and any(isinstance(a, Sym) and a.name == index for a in n.args[1:])]  # fmt: skip

    def last(w: World) -> Any:
        if high is not None:
            return high(w)
        for base in bases:
            dims = w.letters.dims.get(base)
            if dims:
                return w.size(dims[0])
        if len(w.letters.bounds) == 1:  # as the only other sum runs
            return w.letter(*w.letters.bounds)
        return MANY

    def at(w: World) -> Any:
        first = 1 if low is None else low(w)
        stop = last(w)
        if isinstance(first, Array) or isinstance(stop, Array) or first != int(first):
            raise Undefined("a sum runs over whole numbers")
        if stop == math.inf or stop - first > 2000:
            raise TooLarge("this sum is too long to be computed")
        if stop != int(stop):
            raise Undefined("a sum runs over whole numbers")
        before = w.bound.get(index)
        total: Any = 0 if op == "sum" else w.field.one
        try:
            for i in range(int(first), int(stop) + 1):
                w.step()
                w.bound[index] = i
                term = body(w)
                total = (
                    arr.add(total, term) if op == "sum" else arr.multiply(total, term)
                )
        finally:
            if before is None:
                w.bound.pop(index, None)
            else:
                w.bound[index] = before
        return total

    return at


def _grid(e: Any) -> Compiled:
    rows = [[compiled(x) for x in r] for r in e.rows]
    return lambda w: Array([[x(w) for x in r] for r in rows])


def _branches(e: Any) -> Compiled:
    pairs = [(compiled(v), None if c is None else compiled(c)) for v, c in e.pairs()]
    me = e

    def at(w: World) -> Any:
        for i, (v, c) in enumerate(pairs):
            if c is None or c(w):
                w.watch(me, i)
                return v(w)
        raise Undefined("between the cases")

    return at


def _indicator(e: Any) -> Compiled:
    c, me = compiled(e.args[0]), e

    def at(w: World) -> Any:
        holds = c(w)
        if isinstance(holds, Array):
            raise ShapeError("a condition is about numbers")
        w.watch(me, bool(holds))
        return 1 if holds else 0

    return at


def _relation(e: Any) -> Compiled:
    signs, members = e.args[0], [compiled(m) for m in e.args[1:]]

    def at(w: World) -> Any:
        values = [m(w) for m in members]
        found = all(holds(w, s, a, b) for s, a, b in zip(signs, values, values[1:]))
        w.watch(e, found)
        return found

    return at


def holds(w: World, sign: str, a: Any, b: Any) -> bool:
    """Whether a relation holds, equality to rounding."""
    if isinstance(a, Array) or isinstance(b, Array):
        raise ShapeError("a condition is about numbers")
    a, b = w.field.real(a), w.field.real(b)
    if w.field.is_complex(a) or w.field.is_complex(b):
        if sign not in ("=", "≠", "≈"):
            raise Undefined("complex numbers have no order")
    size = max(1, abs(a), abs(b))
    equal = a == b or size - size == 0 and abs(a - b) <= 1e-10 * size
    if sign in ("=", "≈"):
        return bool(equal)
    if sign == "≠":
        return not equal
    if sign in ("≤", "≥") and equal:
        return True
    if equal:
        return False
    return bool(a < b) if sign in ("<", "≤") else bool(a > b)


def _logic(e: Any) -> Compiled:
    op, parts = e.args[0], [compiled(p) for p in e.args[1:]]

    def truth(p: Compiled, w: World) -> bool:
        v = p(w)
        if isinstance(v, bool):
            return v
        if isinstance(v, (int, float)):
            return bool(w.random("truth", str(v)).randrange(2))
        raise Undefined("no truth value")

    if op == "not":
        return lambda w: not truth(parts[0], w)
    if op == "and":
        return lambda w: all(truth(p, w) for p in parts)
    return lambda w: any(truth(p, w) for p in parts)


def _none(e: Any) -> Compiled:
    def at(w: World) -> Any:
        raise Undefined("this is no number")

    return at


def _call(e: Any) -> Compiled:
    return call(e, [compiled(a) for a in e.args[1:]])


COMPILERS: dict[type, Callable[[Any], Compiled]] = {
    Num: _num, Sym: _sym, Index: _index, Add: _add, Mul: _mul, Div: _div, Neg: _neg, Pow: _pow,
    Turned: _turned, Product: _product, Norm: _norm, Sigma: _sigma, Grid: _grid,
    Branches: _branches, Indicator: _indicator, Relation: _relation, Logic: _logic, Call: _call,
    Choice: _none, Group: _none, SetOp: _none,
}  # fmt: skip
