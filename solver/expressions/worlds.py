"""Worlds: seeded values for every letter, in which trees as people write them have values.

A world draws each letter from its name and seed alone, by what is assumed of it, so that
two trees meet the same values whatever else they hold. Families (z_1, z_2, …), indices,
sizes of matrices and unknown functions are drawn likewise. Trees are compiled once and
evaluated in many worlds; a world is of floats, or of fifty digits (numeric/digits).
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from random import Random

from solver.expressions import arrays as arr
from solver.expressions.arrays import Array, ShapeError
from solver.expressions.nodes import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Sym, walk
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
    Sigma,
    Turned,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Value = Any
    Compiled = Callable[["World"], Any]

MODES = ("real", "positive", "real", "unit", "integer", "real", "positive", "wide")
MANY, STEPS = 4, 20_000
SIZES = ((3, 2, 4, 5, 6), (2, 3, 5, 4, 6))
KINKED = ("abs", "sign", "step", "relu", "max", "min", "floor", "ceil", "relu'", "round")
FLAT = ("tanh", "sigmoid", "atan", "tanh'", "sigmoid'")  # constant far from 0


class Undefined(ArithmeticError):
    """There is no value here: outside the domain, between cases."""


class TooLarge(ArithmeticError):
    """The value cannot be computed within reason: nothing can be said."""


class Letters:
    """What is declared of letters: kinds ("positive integer"), dims, sizes, indices."""

    def __init__(
        self,
        kinds: Mapping[str, str] | None = None,
        dims: Mapping[str, tuple[Any, ...]] | None = None,
        trees: Iterable[Any] = (),
    ):
        self.kinds = dict(kinds or {})
        self.dims = dict(dims or {})
        self.sizes = [d for shape in self.dims.values() for d in shape if isinstance(d, str)]
        self.indices: set[str] = set()
        self.bounds: set[str] = set()
        self.labels: set[str] = set()
        self.imaginary = False
        for tree in trees:
            self.add(tree)

    def add(self, tree: Expr) -> None:
        """Learn from a tree which letters are indices and which are bounds of sums."""
        for n in walk(tree):
            if isinstance(n, Index):
                for a in n.args[1:]:
                    self.indices.update(s.name for s in walk(a) if isinstance(s, Sym)
                                        and s.kind != "name")  # fmt: skip
                    self.labels.update(s.base for s in walk(a) if isinstance(s, Index))
            elif isinstance(n, Sigma):
                self.indices.add(n.args[2])
                if isinstance(n.args[4], Sym):
                    self.bounds.add(n.args[4].name)
        names = {n.name for n in walk(tree) if isinstance(n, Sym)}
        self.imaginary = self.imaginary or "i" in names and not ("i" in self.indices)


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


class World:
    """One assignment of values; `moved` and `scale` place it far from ordinary points."""

    def __init__(
        self,
        letters: Letters,
        seed: int,
        field: Field = FLOATS,
        mode: str = "",
        fixed: Mapping[str, Any] | None = None,
        scale: float = 1,
        only: str = "",
    ):
        self.letters, self.seed, self.field = letters, seed, field
        self.scale, self.only = scale, only  # far away, all letters or only one
        self.mode = mode or MODES[seed % len(MODES)]
        self.fixed = dict(fixed or {})
        self.found: dict[Any, Any] = {}
        self.bound: dict[str, int] = {}
        self.seen: dict[Expr, set[Any]] | None = None  # the outcomes at kinks, when watched
        self.steps = 0
        order = SIZES[seed % 2]
        names = list(dict.fromkeys(letters.sizes))
        self.sizes = {n: order[i % len(order)] for i, n in enumerate(names)}

    def random(self, *what: Any) -> Random:
        return Random(f"{self.seed}:{what}")

    def size(self, d: Any) -> int:
        return d if isinstance(d, int) else self.sizes[d]

    def letter(self, name: str) -> Any:
        """The value of a letter alone."""
        if name in self.bound:
            return self.bound[name]
        if name not in self.found:
            self.found[name] = self.drawn(name)
        return self.found[name]

    def drawn(self, name: str) -> Any:
        field, known = self.field, self.letters
        if name in self.fixed:
            return field.num(self.fixed[name])
        if name in known.dims and known.dims[name]:
            rows, cols = (*map(self.size, known.dims[name]), 1)[:2]
            kind = known.kinds.get(name, "real")
            return Array([[self.draw(kind, name, i, j) for j in range(cols)] for i in range(rows)])
        if name in self.sizes:
            return self.sizes[name]
        declared = known.kinds.get(name)
        if not declared:
            if name == "e":
                return field.e
            if name == "pi":
                return field.pi
            if name == "∞":
                return field.inf
            if name in known.bounds:
                return 2 + self.random(name).randrange(3)
            if name in known.indices:
                return 1 + self.random(name).randrange(MANY - 1)
            if name == "i" and known.imaginary:
                return 1j
            if name == "I":
                raise ShapeError("I has no size here")
        return self.draw(declared or "real", name)

    def indexed(self, base: str, at: tuple[Any, ...]) -> Any:
        """The value of x_i where i has this value."""
        dims = self.letters.dims.get(base)
        if dims and len(at) == len(dims) and all(isinstance(k, int) for k in at):
            rows = self.letter(base).rows
            try:
                i, j = (*at, 1)[:2]
                if i < 1 or j < 1:
                    raise IndexError
                return rows[i - 1][j - 1]
            except IndexError:
                raise Undefined(f"{base} has no entry {at}") from None
        key = (base, at)
        if key not in self.found:
            if base in self.letters.labels:
                self.found[key] = 1 + self.random(key).randrange(MANY - 1)
            else:
                whole = f"{base}_{at[0]}" if len(at) == 1 else base
                if whole in self.fixed:
                    self.found[key] = self.field.num(self.fixed[whole])
                else:
                    kinds = self.letters.kinds
                    kind = kinds.get(whole) or kinds.get(base) or kinds.get(f"{base}_i", "real")
                    self.found[key] = self.draw(kind, base, *at)
        return self.found[key]

    def draw(self, kind: str, *what: Any) -> Any:
        """A number of this kind, from the name alone."""
        r = self.random(*what)
        scale = self.scale if not self.only or self.only == what[0] else 1
        if kind.startswith("labels"):
            values = [int(v) for v in kind.split()[1:]]
            return values[r.randrange(len(values))]
        if "integer" in kind or kind in ("size", "count"):
            low = 1 if "positive" in kind or kind == "size" else 0 if (
                "nonnegative" in kind or kind == "count") else -6  # fmt: skip
            return r.randint(low, 12) if scale <= 1 else r.randint(low, int(40 * scale))
        if kind == "probability":
            return self.field.one * r.randint(40, 960) / 1009
        if self.mode == "integer" and kind in ("real", "positive"):
            n = r.choice((1, 2, 3, 5)) if kind == "positive" or r.random() < 0.6 else -r.choice(
                (1, 2, 3, 5))  # fmt: skip
            return n
        low, high = {"unit": (0.05, 0.95), "positive": (0.2, 3)}.get(self.mode, (-2.6, 2.6))
        if self.mode == "wide":
            low, high = -9, 9
        if kind == "positive":
            low, high = max(low, 0.1), max(high, 3)
        # A fraction of whole numbers: the same number in every field.
        n = round(r.uniform(low, high) * 10_007) or 1
        return self.field.one * n / 10_007 * self.field.num(scale)

    def watch(self, node: Expr, outcome: Any) -> None:
        if self.seen is not None:
            self.seen.setdefault(node, set()).add(outcome)

    def step(self, many: int = 1) -> None:
        self.steps += many
        if self.steps > STEPS:
            raise TooLarge("this takes too many steps to be computed")


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
            size = abs(y) * abs(math.log2(abs(x))) if x and abs(x) != math.inf else 0
            if size > (1e6 if w.field.exact else 1020):
                raise TooLarge("this power is too large")
        return real_only(w, w.field.power(x, y))

    return at


def real_only(w: World, x: Any) -> Any:
    """The value, if it is real or i is meant: the root of −2 is no number else."""
    if w.field.is_complex(x) and not w.letters.imaginary:
        raise Undefined("no real number")
    return x


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
            return arr.entrywise(lambda p, q: p * w.field.one / q, x, y, "divided entry by entry")
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
                total = arr.add(total, term) if op == "sum" else arr.multiply(total, term)
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
        return all(holds(w, s, a, b) for s, a, b in zip(signs, values, values[1:]))

    return at


def holds(w: World, sign: str, a: Any, b: Any) -> bool:
    """Whether a relation holds, equality to rounding."""
    if isinstance(a, Array) or isinstance(b, Array):
        raise ShapeError("a condition is about numbers")
    a, b = w.field.real(a), w.field.real(b)
    if w.field.is_complex(a) or w.field.is_complex(b):
        if sign not in ("=", "≠", "≈"):
            raise Undefined("complex numbers have no order")
    equal = a == b or abs(a - b) <= 1e-10 * max(1, abs(a), abs(b))
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
        return lambda w: all([truth(p, w) for p in parts])
    return lambda w: any([truth(p, w) for p in parts])


def _call(e: Any) -> Compiled:
    name, args, me = e.args[0], [compiled(a) for a in e.args[1:]], e
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
    if name in ("tr", "det", "diag", "vec", "softmax", "binomial", "sum", "round"):
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
            if name == "exp" and not w.field.is_complex(v) and v > (1e6 if w.field.exact else 700):
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
        if abs(v - nearest) < 1e-9 * max(1, abs(v)):
            v = nearest
        found = math.floor(v) if name == "floor" else math.ceil(v) if name == "ceil" else round(v)
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
    if n == int(n) and k == int(k) and 0 <= k:
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
    "sum": lambda w, x: sum(x.flat()) if isinstance(x, Array) else x,
}


def _none(e: Any) -> Compiled:
    def at(w: World) -> Any:
        raise Undefined("this is no number")

    return at


COMPILERS: dict[type, Callable[[Any], Compiled]] = {
    Num: _num, Sym: _sym, Index: _index, Add: _add, Mul: _mul, Div: _div, Neg: _neg, Pow: _pow,
    Turned: _turned, Product: _product, Norm: _norm, Sigma: _sigma, Grid: _grid,
    Branches: _branches, Indicator: _indicator, Relation: _relation, Logic: _logic, Call: _call,
    Choice: _none, Group: _none,
}  # fmt: skip
