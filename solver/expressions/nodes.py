"""The trees of the one expression language: numbers, letters, sums, products, functions.

A tree is kept as it was written: `Add(Num(2), Num(3))` stays a sum, so that a worked line
can show it. Nothing is evaluated while building; see `evaluate` and `tidy`. Trees are
immutable, hashable and compare by structure. They never hold SymPy objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod as _prod

from solver.expressions.functions import ANALYTIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fractions import Fraction
    from typing import Any

    Number = int | Fraction | float


class Expr:
    """A node; `args` are its children. Arithmetic on trees builds trees."""

    __slots__ = ("args", "_hash")
    args: tuple[Any, ...]
    TYPED = False  # whether the node has dims: see expressions/matrix.py

    def __init__(self, *args: Any):
        self.args = args
        self._hash = hash((type(self).__name__, args))

    def __eq__(self, other: object) -> bool:
        return (
            self is other
            or type(self) is type(other)
            and self._hash == other._hash
            and self.args == other.args
        )

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        if any(n.TYPED for n in walk(self)):
            from solver.expressions.plain import plain

            return plain(self)
        from solver.expressions.show import text

        return text(self)

    __repr__ = __str__

    def with_args(self, args: tuple[Any, ...]) -> Expr:
        """The same node with other children."""
        return type(self)(*args)

    def __add__(self, other: Size) -> Expr:
        return Add(self, tree(other))

    def __radd__(self, other: Size) -> Expr:
        return Add(tree(other), self)

    def __sub__(self, other: Size) -> Expr:
        return Add(self, Neg(tree(other)))

    def __rsub__(self, other: Size) -> Expr:
        return Add(tree(other), Neg(self))

    def __mul__(self, other: Size) -> Expr:
        return Mul(self, tree(other))

    def __rmul__(self, other: Size) -> Expr:
        return Mul(tree(other), self)

    def __truediv__(self, other: Size) -> Expr:
        return Div(self, tree(other))

    def __rtruediv__(self, other: Size) -> Expr:
        return Div(tree(other), self)

    def __floordiv__(self, other: Size) -> Expr:
        return Call("floor", Div(self, tree(other)))

    def __pow__(self, other: Size) -> Expr:
        return Pow(self, tree(other))

    def __neg__(self) -> Expr:
        return Neg(self)


class Num(Expr):
    """An exact number: an int or a Fraction; a float only where the author wrote one."""

    __slots__ = ()

    @property
    def value(self) -> Number:
        return self.args[0]


KINDS = (
    "size",
    "count",
    "integer",
    "probability",
    "positive",
    "real",
)  # what is assumed, most first


class Sym(Expr):
    """A letter, with what is assumed of it: "size" (an integer, at least 1), "count" (an
    integer, at least 0), "integer", "probability" (between 0 and 1), "positive" or "real"."""

    __slots__ = ()

    def __init__(self, name: str, kind: str = "size"):
        super().__init__(name, kind)

    @property
    def name(self) -> str:
        return self.args[0]

    @property
    def kind(self) -> str:
        return self.args[1]


class Add(Expr):
    """A sum of two or more; a difference is a sum with a Neg."""

    __slots__ = ()


class Mul(Expr):
    """A product of two or more."""

    __slots__ = ()


class Div(Expr):
    """A fraction, numerator over denominator."""

    __slots__ = ()


class Neg(Expr):
    """Minus its child."""

    __slots__ = ()


class Pow(Expr):
    """Base to the exponent."""

    __slots__ = ()


class Call(Expr):
    """A named function of its arguments: `Call("floor", x)`."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return self.args[0]


# What a shape holds: a number, or a tree with letters. Layers compute with both alike, by
# the operators above, which the type checker cannot follow: to it a size is anything.
if TYPE_CHECKING:
    Size = Any
else:
    Size = int | Expr


def _floor(x: Number) -> int:
    return int(x // 1)


def _ceil(x: Number) -> int:
    return int(-(-x // 1))


# name -> (fewest arguments, most arguments, definition on numbers)
FUNCTIONS: dict[str, tuple[int, int, Callable[..., Any]]] = {
    "floor": (1, 1, _floor),
    "ceil": (1, 1, _ceil),
    "min": (1, 64, min),
    "max": (1, 64, max),
    "abs": (1, 1, abs),
    **ANALYTIC,
}


def tree(x: Size | Fraction | float) -> Expr:
    """x itself if it is a tree, else the number as one."""
    return x if isinstance(x, Expr) else Num(x)


def walk(e: Expr) -> Iterator[Expr]:
    """Every node of a tree, parents first."""
    stack = [e]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(a for a in reversed(node.args) if isinstance(a, Expr))


def letters(*sizes: Any) -> tuple[Sym, ...]:
    """The letters in these sizes or (nested) shapes, in order of appearance."""
    found: dict[Sym, None] = {}
    for x in sizes:
        if isinstance(x, Expr):
            found.update((n, None) for n in walk(x) if isinstance(n, Sym))
        elif isinstance(x, (tuple, list)):
            found.update((n, None) for n in letters(*x))
        elif isinstance(x, Mapping):
            found.update((n, None) for n in letters(*x.values()))
    return tuple(found)


def alike(e: Expr) -> Expr:
    """The tree with each letter read one way: it is one number wherever it stands.

    A padding may be 0 and a kernel may not, so a letter that is both is at least 1.
    """
    kinds: dict[str, str] = {}
    for sym in letters(e):
        old = kinds.get(sym.name, sym.kind)
        kinds[sym.name] = min(old, sym.kind, key=KINDS.index)
    return subs(e, {name: Sym(name, kind) for name, kind in kinds.items()})


def subs(e: Any, env: Mapping[str, Size]) -> Any:
    """The tree (or nested shape) with letters replaced by name; nothing is evaluated."""
    if isinstance(e, Sym):
        return tree(env[e.name]) if e.name in env else e
    if isinstance(e, (tuple, list)):
        return tuple(subs(x, env) for x in e)
    if not isinstance(e, Expr) or isinstance(e, Num):
        return e
    return e.with_args(
        tuple(subs(a, env) if isinstance(a, Expr) else a for a in e.args)
    )


def evaluate(e: Size | Fraction | float, env: Mapping[str, Any] | None = None) -> Any:
    """The exact number that a tree stands for, its letters looked up in env.

    Raises KeyError for a letter without a value, ZeroDivisionError as arithmetic does.
    """
    if not isinstance(e, Expr):
        return e
    if isinstance(e, Num):
        return e.value
    if isinstance(e, Sym):
        env = env or {}
        head, _, tail = e.name.rpartition("_")
        if e.name not in env and tail in env:  # z_k where k = 2 is z_2
            return env[f"{head}_{env[tail]}"]
        return env[e.name]
    if isinstance(e, Call):
        if isinstance(e.args[1], Div) and e.name == "floor":  # no Fraction is needed
            return evaluate(e.args[1].args[0], env) // evaluate(e.args[1].args[1], env)
        return FUNCTIONS[e.name][2](*[evaluate(a, env) for a in e.args[1:]])
    if hasattr(
        e, "value_at"
    ):  # series and cases: their letters depend on where they stand
        return e.value_at(env or {})
    args = [evaluate(a, env) for a in e.args]
    if isinstance(e, Add):
        return sum(args)
    if isinstance(e, Mul):
        return _prod(args)
    if isinstance(e, Neg):
        return -args[0]
    if isinstance(e, Div):
        return divide(*args)
    if isinstance(e, Pow):
        return power(*args)
    raise TypeError(f"cannot evaluate {type(e).__name__}")


def divide(a: Any, b: Any) -> Any:
    """a / b, exactly: an int where it comes out even, else a Fraction (floats stay)."""
    if isinstance(a, float) or isinstance(b, float):
        return a / b
    if a % b == 0:
        return a // b
    from fractions import Fraction

    return Fraction(a) / b


def power(base: Any, exponent: Any) -> Any:
    """base ** exponent, exactly; refuses results of more than about 4000 digits."""
    if isinstance(exponent, int) and not isinstance(base, float):
        if abs(exponent) * len(bin(int(abs(base)))) > 14_000:
            raise OverflowError(f"{base}^{exponent} is too large")
        if exponent < 0:
            return divide(1, base**-exponent)
    return base**exponent


def product(*sizes: Size) -> Size:
    """The product of sizes: an int if all are, else the tree of it."""
    if all(isinstance(s, int) for s in sizes):
        return _prod(sizes)
    return times(*sizes)


def times(*sizes: Size) -> Expr:
    """The tree of a product as a teacher writes it, factors in order, nothing multiplied."""
    factors = [tree(s) for s in sizes]
    return factors[0] if len(factors) == 1 else Mul(*factors) if factors else Num(1)


def plus(*sizes: Size) -> Expr:
    """The tree of a sum, terms in order, nothing added up."""
    terms = [tree(s) for s in sizes]
    return terms[0] if len(terms) == 1 else Add(*terms) if terms else Num(0)


def tidy(e: Expr) -> Expr:
    """The tree without what nobody writes: + 0, · 1, / 1, nested sums, several constants.

    Used to specialise a formula (d = 1 makes `n − d·(k − 1) − 1` into `n − k`); it
    leaves everything else as written, so it is not a simplifier.
    """
    if isinstance(e, (Num, Sym)):
        return e
    args = tuple(tidy(a) if isinstance(a, Expr) else a for a in e.args)
    if isinstance(e, Add):
        return _tidy_sum(args)
    if isinstance(e, Neg):
        (x,) = args
        if isinstance(x, Num):
            return Num(-x.value)
        return x.args[0] if isinstance(x, Neg) else Neg(x)
    if isinstance(e, Mul):
        factors: list[Expr] = []
        for a in args:
            factors += a.args if isinstance(a, Mul) else (a,)
        if any(f == Num(0) for f in factors):
            return Num(0)
        return times(*[f for f in factors if f != Num(1)])
    if isinstance(e, Div) and args[1] == Num(1):
        return args[0]
    if isinstance(e, Pow) and args[1] == Num(1):
        return args[0]
    if isinstance(e, Call) and e.name in ("floor", "ceil") and is_whole(args[1]):
        return args[1]
    return e.with_args(args)


def _tidy_sum(terms: tuple[Expr, ...]) -> Expr:
    """Flatten, push signs to the terms, add up the constants, and put them last."""
    flat: list[Expr] = []
    constant: Number = 0

    def put(term: Expr, sign: int) -> None:
        nonlocal constant
        if isinstance(term, Add):
            for t in term.args:
                put(t, sign)
        elif isinstance(term, Neg):
            put(term.args[0], -sign)
        elif isinstance(term, Num):
            constant = constant + sign * term.value
        else:
            flat.append(term if sign > 0 else Neg(term))

    for term in terms:
        put(term, 1)
    if constant > 0 and flat and isinstance(flat[0], Neg):
        flat.insert(0, Num(constant))  # 6 − k, not −k + 6
    elif constant or not flat:
        flat.append(Num(constant))
    return plus(*flat)


def is_whole(e: Expr) -> bool:
    """Whether a tree is an integer whatever its letters (sizes and counts) are."""
    if isinstance(e, Num):
        return isinstance(e.value, int)
    if isinstance(e, Sym):
        return e.kind in ("size", "count", "integer")
    if isinstance(e, Call):
        return e.name in ("floor", "ceil") or all(map(is_whole, e.args[1:]))
    return isinstance(e, (Add, Mul, Neg)) and all(map(is_whole, e.args))
