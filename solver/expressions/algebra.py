"""The only door to SymPy: trees go in to be simplified, solved and compared, and come back.

Text never passes through here. The trees that return are in the textbook's order and
shape: `⌊(H − 1)/2⌋ + 1`, not SymPy's `floor(H/2 − 1/2) + 1`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cmp_to_key, lru_cache
from typing import Any

import sympy

from solver.core import BadInput
from solver.expressions.nodes import (
    Add,
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Size,
    Sym,
    alike,
    letters,
    plus,
    tidy,
    times,
    tree,
)

ASSUMPTIONS: dict[str, dict[str, bool]] = {
    "size": {"integer": True, "positive": True},
    "count": {"integer": True, "nonnegative": True},
    "integer": {"integer": True},
    "probability": {"positive": True},
    "positive": {"positive": True},
    "real": {"real": True},
}
CALLS = {
    "floor": sympy.floor,
    "ceil": sympy.ceiling,
    "min": sympy.Min,
    "max": sympy.Max,
    "abs": sympy.Abs,
    "exp": sympy.exp,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
    "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
    "tanh": sympy.tanh,
    "step": lambda x: sympy.Heaviside(x, 0),
    "sign": sympy.sign,
    "factorial": sympy.factorial,
}
BACK = {"floor": "floor", "ceiling": "ceil", "Min": "min", "Max": "max", "Abs": "abs"}
BACK |= {name: name for name in ("exp", "log", "tanh", "sign", "factorial")}
BACK["Heaviside"] = "step"
for _name in ("sin", "cos", "tan", "sinh", "cosh", "asin", "acos", "atan"):
    _ours = _name.replace("a", "arc", 1) if _name[0] == "a" else _name
    CALLS[_ours], BACK[_name] = getattr(sympy, _name), _ours
ALIKE: dict[Any, Any] = {Add: sympy.Add, Mul: sympy.Mul, Pow: sympy.Pow}
CIRCLES = (sympy.sin, sympy.cos, sympy.sinh, sympy.cosh)
CONSTANTS = {sympy.E: ("exp", 1), sympy.pi: ("arccos", -1)}


@lru_cache(maxsize=8192)
def to_sympy(e: Expr) -> Any:
    """The SymPy expression of a tree, its letters with their assumptions."""
    if isinstance(e, Num):
        v = e.value
        if isinstance(v, float):
            return sympy.Float(v)
        return sympy.Rational(v.numerator, v.denominator)
    if isinstance(e, Sym):
        return sympy.Symbol(e.name, **ASSUMPTIONS[e.kind])
    args = [to_sympy(a) for a in e.args if isinstance(a, Expr)]
    if type(e) in ALIKE:
        return ALIKE[type(e)](*args)
    if isinstance(e, Neg):
        return -args[0]
    if isinstance(e, Div):
        if args[1] == 0:
            raise BadInput(f"{e} divides by zero")
        return args[0] / args[1]
    if isinstance(e, Call):
        return CALLS[e.name](*args)
    raise TypeError(f"no SymPy for {type(e).__name__}")


def from_sympy(x: Any) -> Expr:
    """The tree of a SymPy expression, arranged as a textbook writes it."""
    if x.is_Integer:
        return Num(int(x))
    if x.is_Rational:
        from fractions import Fraction

        return Num(Fraction(int(x.p), int(x.q)))
    if x.is_Float:
        return Num(float(x))
    if x.is_Symbol:
        return Sym(x.name, _kind(x))
    if x in CONSTANTS:
        return Call(CONSTANTS[x][0], Num(CONSTANTS[x][1]))
    if x.is_Add:
        over = sympy.together(x)
        top, bottom = sympy.fraction(over)
        if bottom.is_Integer and bottom != 1:
            return Div(from_sympy(sympy.expand(top)), Num(int(bottom)))
        return _sum(x)
    if x.is_Mul:
        return _product(x)
    if x.is_Pow:
        base, exponent = x.as_base_exp()
        if exponent == sympy.S.Half:
            return Call("sqrt", from_sympy(base))
        if exponent.is_negative:
            return Div(Num(1), from_sympy(base**-exponent))
        return Pow(from_sympy(base), from_sympy(exponent))
    name = BACK.get(type(x).__name__)
    if name:
        args = sorted(x.args, key=sympy.default_sort_key)
        args = x.args[:1] if name == "step" else args
        if name in ("floor", "ceil"):
            args = [sympy.together(args[0])]  # ⌊(H + 2p)/k⌋, not ⌊H/k + 2p/k⌋
        return Call(name, *map(from_sympy, args))
    raise TypeError(f"no tree for SymPy's {type(x).__name__}")


def _kind(x: Any) -> str:
    if x.is_integer:
        return "size" if x.is_positive else "count" if x.is_nonnegative else "integer"
    return "positive" if x.is_positive else "real"


def _sum(x: Any) -> Expr:
    """Higher degrees first, constants last: 27C² + 5C, H + 2p − 2."""
    terms = sorted(
        x.args, key=lambda t: (not t.free_symbols, -_degree(t), _rank(t), str(t))
    )
    if terms[0].could_extract_minus_sign() and not all(
        t.could_extract_minus_sign() for t in terms
    ):  # C − 1, not −1 + C
        first = next(t for t in terms if not t.could_extract_minus_sign())
        terms.remove(first)
        terms.insert(0, first)
    minus = [t.could_extract_minus_sign() for t in terms]
    return plus(*(Neg(from_sympy(-t)) if n else from_sympy(t) for n, t in zip(minus, terms)))


def _degree(t: Any) -> int:
    try:
        whole = sympy.Poly(t, *t.free_symbols) if t.free_symbols else None
        return int(whole.total_degree()) if whole else 0
    except sympy.PolynomialError:
        return 0


def _product(x: Any) -> Expr:
    top, bottom = sympy.fraction(x, exact=x.has(sympy.exp))
    if bottom != 1:
        return Div(from_sympy(top), from_sympy(bottom))
    if x.could_extract_minus_sign():
        return Neg(from_sympy(-x))
    number, rest = x.as_coeff_Mul()
    factors = sorted(sympy.Mul.make_args(rest), key=_rank)
    trees = [from_sympy(f) for f in factors]
    return times(*([from_sympy(number)] if number != 1 else []), *trees)


def _rank(f: Any) -> tuple[bool, int, str]:
    """Batch and channels before height and width, bare letters before brackets."""
    order = "NKCDHW"
    base = f.as_base_exp()[0]
    name = str(base)
    plain = base.is_Symbol
    return (not plain, order.index(name[0]) if plain and name[0] in order else 9, name)


@lru_cache(maxsize=4096)
def simplify(e: Expr) -> Expr:
    """The shortest textbook form: like terms collected; factored only if that is shorter.

    A polynomial in one letter is always written out (27C² + 5C).
    """
    x = _merge_floors(to_sympy(alike(e)))
    candidates = [sympy.expand(x)]
    if len(x.free_symbols) > 1 or not x.is_polynomial():
        candidates.append(x)
        if not x.has(sympy.floor, sympy.ceiling, sympy.Min, sympy.Max):
            candidates += [sympy.factor(x), sympy.factor_terms(candidates[0])]
        if x.has(*CIRCLES) and sympy.count_ops(x) <= 40:  # sin² + cos² = 1
            candidates.append(sympy.trigsimp(x))
    return tidy(from_sympy(min(candidates, key=_length)))


def _length(x: Any) -> tuple[int, int]:
    return (int(sympy.count_ops(x)), len(str(x)))


def _merge_floors(x: Any) -> Any:
    """Nested floors of a fraction become one: ⌊⌊H/2⌋/2⌋ = ⌊H/4⌋ for integers."""

    def merge(inner: Any) -> Any:
        top, bottom = sympy.fraction(sympy.together(inner))
        if not bottom.is_Integer:
            return sympy.floor(inner)
        if not top.has(sympy.floor):
            return sympy.floor(top / bottom)
        # ⌊(⌊a/b⌋ + c)/d⌋ = ⌊(a + b·c)/(b·d)⌋, for integers b, c, d with b, d > 0
        found = [t for t in sympy.Add.make_args(top) if t.func is sympy.floor]
        if len(found) != 1 or (top - found[0]).has(sympy.floor):
            return sympy.floor(inner)
        a, b = sympy.fraction(sympy.together(found[0].args[0]))
        if not b.is_Integer or (top - found[0]).is_integer is not True:
            return sympy.floor(inner)
        return sympy.floor(sympy.expand(a + b * (top - found[0])) / (b * bottom))

    return x.replace(lambda n: n.func is sympy.floor, lambda n: merge(n.args[0]))


def equal(a: Expr, b: Expr) -> bool | None:
    """Whether two trees are equal for all values of their letters; None: cannot say."""
    difference = sympy.simplify(sympy.expand(to_sympy(alike(a - b))))
    if difference == 0:
        return True
    return False if difference.is_zero is False or difference.is_number else None


def derivative(e: Expr, wrt: Sym) -> Expr:
    """∂e/∂wrt as SymPy derives it, term by term as it stands."""
    x = sympy.diff(to_sympy(alike(e)), to_sympy(wrt))
    return tidy(from_sympy(x))


def slopes(e: Expr, letters_: Sequence[Expr]) -> list[Expr]:
    """∂e/∂letter for each letter: quick, the trees in SymPy's order, not for the eye."""
    return [as_is(sympy.diff(to_sympy(e), to_sympy(s))) for s in letters_]


@lru_cache(maxsize=8192)
def as_is(x: Any) -> Expr:
    """The tree of a SymPy expression as SymPy holds it; "dirac" is 0 but at a kink."""
    args = [as_is(a) for a in x.args]
    for kind, theirs in ALIKE.items():
        if x.func is theirs:
            return kind(*args)
    name = {"DiracDelta": "dirac"}.get(type(x).__name__) or BACK.get(type(x).__name__)
    one = name in ("step", "dirac")
    return Call(name, *args[: 1 if one else None]) if name else from_sympy(x)


def lowest_terms(e: Expr) -> tuple[Expr, Expr]:
    """A quotient of polynomials in lowest terms: written out, and in factors."""
    x = sympy.cancel(to_sympy(e))
    return tidy(from_sympy(x)), tidy(from_sympy(sympy.factor(x)))


def cancels(a: Expr, b: Expr) -> bool:
    """Whether a − b is 0 as soon as it is multiplied out: quick, and often enough."""
    return bool(sympy.expand(to_sympy(a) - to_sympy(b)) == 0)


def proved(a: Expr, b: Expr) -> bool:
    """Whether SymPy reduces a − b to 0 (False: it did not manage to)."""
    x = to_sympy(alike(a - b))
    return any(sympy.simplify(f(x)) == 0 for f in (lambda x: x, sympy.expand))


def nonnegative(size: Size) -> list[Any]:
    """What must be ≥ 0 for this size to be ≥ 1, as SymPy expressions."""
    return _for_one(to_sympy(alike(tree(size))))


def _for_one(x: Any) -> list[Any]:
    """What must be ≥ 0 for x ≥ 1, x being a whole number whatever its letters are.

    Strides are positive, so ⌊a/s⌋ + c ≥ 0 exactly when a + c·s ≥ 0, and ⌈a/s⌉ + c ≥ 0 when
    a + (c + 1)·s ≥ 1. A fraction comes out even, so that its numerator decides.
    """
    top, bottom = sympy.fraction(sympy.together(x))
    found = []
    for factor in sympy.Mul.make_args(
        sympy.factor_terms(top if bottom.is_positive else x)
    ):
        if factor.func is sympy.Min:
            found += [need for arg in factor.args for need in _for_one(arg)]
            continue
        rest = sympy.expand(factor - 1)
        rounded = [t for t in sympy.Add.make_args(rest) if t.func in ROUNDED]
        if len(rounded) == 1:
            c = sympy.expand(rest - rounded[0])
            a, s = sympy.fraction(sympy.together(rounded[0].args[0]))
            if s.is_positive and a.is_integer and c.is_integer:
                up = rounded[0].func is sympy.ceiling
                found += _for_one(sympy.expand(a + s * (c + 1) if up else a + s * c + 1))
                continue
        if not above(rest).is_nonnegative:
            found.append(rest)
    return found


def above(x: Any) -> Any:
    """x with 1 + y for each positive letter, y ≥ 0: its coefficients then show its sign."""
    letters_ = [s for s in x.free_symbols if s.is_positive]
    counts = {s: sympy.Symbol(s.name, integer=True, nonnegative=True) for s in letters_}
    return sympy.expand(x.subs({s: 1 + y for s, y in counts.items()}))


ROUNDED, SEARCHED = (sympy.floor, sympy.ceiling), 4096


def least(x: Any) -> Any:
    """The least value of x's only letter from which on x ≥ 0, or None if that is not so.

    Linear: solved. Otherwise (two floors in one size) tried number by number.
    """
    (name,) = x.free_symbols
    if linear(x):
        slope = x.coeff(name, 1)
        return sympy.ceiling(-x.coeff(name, 0) / slope) if slope > 0 else None
    low = 0 if name.is_nonnegative and not name.is_positive else 1

    def holds(n: int) -> bool:
        value = x.subs(name, n)
        return bool(value.is_real and value >= 0)  # H/(H − 3) has no value at 3

    tried = [n for n in range(low, 65) if holds(n)]
    if not tried or tried != list(range(tried[0], 65)):
        high = next((n for n in range(65, SEARCHED) if holds(n)), None)
        return high if not tried else None
    return tried[0]


def linear(x: Any) -> bool:
    """Whether x is a·H + b in its only letter."""
    (name,) = x.free_symbols
    return bool(x.is_polynomial(name) and sympy.degree(x, name) == 1)


def condition(sizes: list[Size]) -> list[tuple[Expr, str, Expr]]:
    """When all these sizes are at least 1: relations (left, "≥" or "≤", right), tidied.

    A letter alone is solved for (H ≥ 3, k ≤ 5); where several are tied together the terms
    are put on the side where they are positive (H + 2p ≥ k).
    """
    relations: dict[tuple[Expr, str, Expr], None] = {}
    bounds: dict[Any, Any] = {}
    most: dict[Any, Any] = {}
    for x in dict.fromkeys(
        x for size in sizes if letters(size) for x in nonnegative(size)
    ):
        if len(x.free_symbols) == 1:
            (name,) = x.free_symbols
            bound = least(x)
            if bound is not None:
                bounds[name] = max(bounds.get(name, bound), bound)
                continue
            if linear(x):
                bound = sympy.floor(-x.coeff(name, 0) / x.coeff(name, 1))
                most[name] = min(most.get(name, bound), bound)
                continue
        left = [t for t in sympy.Add.make_args(x) if not t.could_extract_minus_sign()]
        right = [-t for t in sympy.Add.make_args(x) if t.could_extract_minus_sign()]
        low, high = (from_sympy(sympy.Add(*terms)) for terms in (left, right))
        relations[(low, "≥", high)] = None
    solved = [
        (from_sympy(name), "≥", Num(int(bound)))
        for name, bound in sorted(bounds.items(), key=lambda b: _rank(b[0]))
        if not (name.is_positive and bound <= 1)
        and not (name.is_nonnegative and bound <= 0)
    ]
    limits = sorted(most.items(), key=lambda b: _rank(b[0]))
    solved += [(from_sympy(name), "≤", Num(int(bound))) for name, bound in limits]
    return solved + list(relations)


def order(sizes: list[Any]) -> list[int] | None:
    """The indices of these sizes from least to greatest, if that order holds for all
    letters from 1 on; None if it depends on them."""
    class Depends(Exception):
        pass

    def compare(i: int, j: int) -> int:
        difference = sympy.expand(to_sympy(alike(tree(sizes[i]) - sizes[j])))
        shifted = above(difference)
        if difference == 0:
            return 0
        if shifted.is_nonnegative:
            return 1
        if shifted.is_nonpositive:
            return -1
        raise Depends

    try:
        return sorted(range(len(sizes)), key=cmp_to_key(compare))
    except Depends:
        return None
