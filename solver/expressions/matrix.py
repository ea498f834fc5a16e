"""The constructors of typed trees: they keep the textbook's form and never expand.

Transposes are pushed to the leaves, like terms collected, scalars put in front, inverses
cancelled, diag(u)·v written u ⊙ v, flags used. Errors name the dims of both sides.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

from solver.core import BadInput
from solver.expressions.nodes import Add, Expr, Mul, Num, Pow
from solver.expressions.typed import (
    ELEMENTWISE,
    ONE,
    SAME,
    TO_SCALAR,
    ZERO,
    Comm,
    Dim,
    Dims,
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
    a_type,
    depends,
    dims,
    is_scalar,
    names,
    sizes_named,
    times_dims,
)  # fmt: skip

# -- sums and scalar products -------------------------------------------------------------


def split(e: Expr) -> tuple[Any, Expr]:
    """(number, the rest) of a term: 2·x is (2, x), 3 is (3, 1)."""
    if isinstance(e, Num):
        return e.value, ONE
    if isinstance(e, Mul) and isinstance(e.args[0], Num):
        rest = e.args[1:]
        return e.args[0].value, rest[0] if len(rest) == 1 else Mul(*rest)
    return 1, e


def scaled(number: Any, e: Expr) -> Expr:
    """number · e, e without a number of its own."""
    if number == 1:
        return e
    if e == ONE:
        return Num(_plain(number))
    if number == 0:
        return zero(dims(e))
    return Mul(Num(_plain(number)), *(e.args if isinstance(e, Mul) else (e,)))


def _plain(x: Any) -> Any:
    return x.numerator if isinstance(x, Fraction) and x.denominator == 1 else x


def zero(of: Dims) -> Expr:
    """The zero of these dims."""
    return ZERO if of == (1, 1) else Zero(*of)


def is_zero(e: Expr) -> bool:
    return isinstance(e, Zero) or e == ZERO


def add(*terms: Expr) -> Expr:
    """A sum: flattened, like terms collected, in order of first appearance."""
    shape = dims(terms[0])
    found: dict[Expr, Any] = {}
    stack = list(reversed(terms))
    while stack:
        term = stack.pop()
        if dims(term) != shape:
            raise BadInput(f"{a_type(shape)} and {a_type(dims(term))} cannot be added")
        if isinstance(term, Add):
            stack.extend(reversed(term.args))
            continue
        if isinstance(term, Mul) and isinstance(term.args[-1], Add) and len(term.args) == 2:
            if isinstance(term.args[0], Num) and term.args[0].value == -1:
                stack.extend(mul(Num(-1), t) for t in reversed(term.args[-1].args))
                continue
        number, rest = split(term)
        if is_zero(term):
            continue
        if isinstance(rest, Add) and rest not in found and neg(rest) in found:
            rest, number = neg(rest), -number
        found[rest] = found.get(rest, 0) + number
    kept = [scaled(n, e) for e, n in found.items() if n != 0]
    if not kept:
        return zero(shape)
    if split(kept[0])[0] < 0:  # softmax(z) − y, not −y + softmax(z)
        first = next((t for t in kept if split(t)[0] > 0), kept[0])
        kept.remove(first)
        kept.insert(0, first)
    return kept[0] if len(kept) == 1 else Add(*kept)


def sub(a: Expr, b: Expr) -> Expr:
    return add(a, mul(Num(-1), b))


def neg(e: Expr) -> Expr:
    return mul(Num(-1), e)


def mul(*factors: Expr) -> Expr:
    """A product of scalars and at most one other tree: numbers, powers, then that."""
    number: Any = 1
    powers: dict[Expr, Expr] = {}
    body: Expr | None = None
    stack = list(reversed(factors))
    while stack:
        f = stack.pop()
        if isinstance(f, Mul):
            stack.extend(reversed(f.args))
        elif isinstance(f, Num):
            number = number * f.value
        elif not is_scalar(f):
            if body is not None:
                raise BadInput("two matrices are multiplied as scalars")
            body = f
        else:
            base, exponent = f.args if isinstance(f, Pow) else (f, ONE)
            powers[base] = add(powers.get(base, ZERO), exponent)
    if number == 0 or (body is not None and is_zero(body)):
        return zero(dims(body)) if body is not None else ZERO
    scalars = []
    for base, exponent in sorted(signless(powers).items(), key=lambda p: key(p[0])):
        if exponent == ZERO:
            continue
        scalars.append(base if exponent == ONE else Pow(base, exponent))
    kept = [*scalars, *([body] if body is not None else [])]
    if number != 1 or not kept:
        kept.insert(0, Num(_plain(number)))
    return kept[0] if len(kept) == 1 else Mul(*kept)


@cache
def key(e: Expr) -> tuple[Any, ...]:
    from solver.expressions.plain import plain

    text = plain(e)
    return (len(text), text)


def power(base: Expr, exponent: Expr) -> Expr:
    """A scalar power."""
    if exponent == ZERO:
        return ONE
    if exponent == ONE:
        return base
    if isinstance(base, Num) and isinstance(exponent, Num) and isinstance(exponent.value, int):
        if base.value != 0 or exponent.value > 0:
            if abs(exponent.value) < 64 and abs(base.value) < 10**12:  # type: ignore[operator]
                return Num(_plain(Fraction(base.value) ** exponent.value))
    if isinstance(base, Pow) and isinstance(exponent, Num) and isinstance(exponent.value, int):
        return power(base.args[0], mul(base.args[1], exponent))
    base = unsigned(base, exponent)
    if isinstance(base, Mul) and isinstance(exponent, Num) and isinstance(exponent.value, int):
        return mul(*(power(f, exponent) for f in base.args))
    return Pow(base, exponent)


# -- matrix products ----------------------------------------------------------------------


def parts(e: Expr) -> tuple[tuple[Expr, ...], Expr]:
    """(scalar factors, what they multiply) of a matrix."""
    if isinstance(e, Mul) and not is_scalar(e):
        return e.args[:-1], e.args[-1]
    return (), e


def dot(*factors: Expr) -> Expr:
    """A matrix product: scalars in front, identities and inverses cancelled."""
    scalars: list[Expr] = []
    chain: list[Expr] = []
    for f in factors:
        if is_scalar(f):
            scalars.append(f)
            continue
        front, body = parts(f)
        scalars += front
        for g in body.args if isinstance(body, Dot) else (body,):
            if chain and dims(chain[-1])[1] != dims(g)[0]:
                a, b = dims(chain[-1]), dims(g)
                raise BadInput(
                    f"{a_type(a)} times {a_type(b)}: the inner sizes {a[1]} and {b[0]} differ"
                )
            chain.append(g)
    if not chain:
        return mul(*scalars)
    shape = dims(chain[0])[0], dims(chain[-1])[1]
    if any(is_zero(f) for f in chain):
        return zero(shape)
    if len(chain) > 1:  # 𝟏𝟏ᵀX sums first
        chain = [p for f in chain for p in ones_apart(f)]
    kept: list[Expr] = []
    for f in chain:
        if isinstance(f, Eye):
            continue
        if kept and inverse_of(kept[-1], f):
            kept.pop()
            continue
        shorter = cancelled(kept[-1], f) if kept else None
        if shorter is not None:
            kept.pop()
            f = shorter
            if isinstance(f, Dot):
                kept += f.args
                continue
        kept.append(f)
    if not kept:
        return mul(*scalars, Eye(shape[0]))
    return mul(*scalars, _chain(tuple(kept)))


def _chain(chain: tuple[Expr, ...]) -> Expr:
    """A clean chain: inner products pulled out, diag(u)·v as u ⊙ v."""
    if len(chain) == 1:
        return chain[0]
    n = len(chain)
    for i in range(n):  # a row times … times a column inside is a scalar
        if dims(chain[i])[0] != 1:
            continue
        for j in range(i, n):
            if dims(chain[j])[1] == 1 and (i, j) != (0, n - 1) and j > i:
                inner = dot(*chain[i : j + 1])
                return dot(inner, *chain[:i], *chain[j + 1 :])
    for i in range(n - 1):  # Σ of probabilities
        ones = summed_to_one(chain[i], chain[i + 1])
        if ones is not None:
            return dot(*chain[:i], ones, *chain[i + 2 :])
    if n == 2 and all(isinstance(f, Ones) for f in chain) and dims(chain[0])[1] == 1:
        return Ones(dims(chain[0])[0], dims(chain[1])[1])
    for i, f in enumerate(chain):
        if not (isinstance(f, Fn) and f.name == "diag" and dims(f)[0] == dims(f)[1]):
            continue
        if dims(f.arg)[1] != 1:
            continue
        after, before = chain[i + 1 :], chain[:i]
        if after and dims(after[-1])[1] == 1:
            return dot(*before, had(f.arg, dot(*after)))
        if before and dims(before[0])[0] == 1:
            return dot(transpose(had(transpose(dot(*before)), f.arg)), *after)
    if dims(chain[0])[0] == 1 and dims(chain[-1])[1] == 1:
        other = tuple(transpose(f) for f in reversed(chain))
        if all(not isinstance(parts(o)[1], (Dot, Add)) for o in other):
            if key(Dot(*other)) < key(Dot(*chain)):
                chain = other
    return Dot(*chain)


@cache
def transpose(e: Expr) -> Expr:
    """The transpose, pushed to the leaves."""
    if is_scalar(e):
        return e
    if isinstance(e, T):
        return e.args[0]
    if isinstance(e, Add):
        return add(*map(transpose, e.args))
    if isinstance(e, Mul):
        return mul(*e.args[:-1], transpose(e.args[-1]))
    if isinstance(e, Dot):
        return dot(*(transpose(f) for f in reversed(e.args)))
    if isinstance(e, Had):
        if dims(e)[1] == 1 or dims(e)[0] == 1:
            return T(e)
        return had(*map(transpose, e.args))
    if isinstance(e, Eye):
        return e
    if isinstance(e, (Ones, Zero)):
        return type(e)(e.args[1], e.args[0])
    if isinstance(e, Kron):
        return kron(*map(transpose, e.args))
    if isinstance(e, Var) and e.flags & {"symmetric", "posdef"}:
        return e
    if isinstance(e, Fn) and e.name == "diag" and dims(e)[1] != 1:
        return e
    if isinstance(e, Fn) and e.name == "inv" and transpose(e.arg) == e.arg:
        return e
    if isinstance(e, Fn) and e.name in ELEMENTWISE and transpose(e.arg) == e.arg:
        return e
    return T(e)


def had(*factors: Expr) -> Expr:
    """An elementwise product: scalars in front, ones dropped, powers collected."""
    scalars: list[Expr] = []
    powers: dict[Expr, Expr] = {}
    shape = next((dims(f) for f in factors if not is_scalar(f)), (1, 1))
    stack = list(reversed(factors))
    while stack:
        f = stack.pop()
        if is_scalar(f):
            scalars.append(f)
            continue
        if dims(f) != shape:
            both = f"{a_type(shape)} and {a_type(dims(f))}"
            raise BadInput(f"{both} cannot be multiplied elementwise")
        front, body = parts(f)
        scalars += front
        if isinstance(body, Had):
            stack.extend(reversed(body.args))
            continue
        if isinstance(body, Ones):
            continue
        if isinstance(body, Zero):
            return body
        base, exponent = body.args if isinstance(body, HPow) else (body, ONE)
        powers[base] = add(powers.get(base, ZERO), exponent)
    if shape == (1, 1):
        return mul(*scalars)
    # diag(u) ⊙ A is diag(u ⊙ diag(A)), the identity likewise
    for base in list(powers := signless(powers)):
        if isinstance(base, Eye) and powers[base] == ONE and len(powers) > 1:
            others = [hpow(b, x) for b, x in powers.items() if b != base]
            return mul(*scalars, fn("diag", fn("diag", had(*others))))
    kept = [hpow(b, x) for b, x in sorted(powers.items(), key=lambda p: key(p[0])) if x != ZERO]
    if not kept:
        return mul(*scalars, Ones(*shape))
    body = kept[0] if len(kept) == 1 else Had(*kept)
    return mul(*scalars, body)


def hpow(e: Expr, exponent: Expr) -> Expr:
    """An elementwise power; a scalar's is its power."""
    if is_scalar(e):
        return power(e, exponent)
    if exponent == ONE or isinstance(e, Ones):
        return e
    if exponent == ZERO:
        return Ones(*dims(e))
    if isinstance(e, HPow) and isinstance(exponent, Num):
        return hpow(e.args[0], mul(e.args[1], exponent))
    e = unsigned(e, exponent)
    scalars, body = parts(e)
    if scalars and isinstance(exponent, Num) and isinstance(exponent.value, int):
        return mul(*(power(s, exponent) for s in scalars), hpow(body, exponent))
    return HPow(e, exponent)


def mpow(e: Expr, k: int) -> Expr:
    """A matrix power with a whole exponent."""
    if k == 0:
        return Eye(dims(e)[0])
    if k < 0:
        return mpow(fn("inv", e), -k)
    return dot(*[e] * k)


def kron(a: Expr, b: Expr) -> Expr:
    sa, a = parts(a)
    sb, b = parts(b)
    if isinstance(a, Eye) and isinstance(b, Eye):
        return mul(*sa, *sb, Eye(times_dims(a.args[0], b.args[0])))
    return mul(*sa, *sb, Kron(a, b))


def size(d: Dim) -> Expr:
    """A dimension as a scalar."""
    if isinstance(d, int):
        return Num(d)
    return mul(*(Var(p, 1, 1, ("dimension",)) for p in str(d).split("·")))


# What is known of functions' values is built from the products above, and they from it.
from solver.expressions.known import (  # noqa: E402
    cancelled,
    fn,
    inverse_of,
    ones_apart,
    positive,
    signless,
    summed_to_one,
    unsigned,
)

__all__ = [
    "ELEMENTWISE", "ONE", "SAME", "TO_SCALAR", "ZERO", "Comm", "Dim", "Dims", "Dot", "Eye",
    "Fn", "Had", "HPow", "Kron", "Ones", "T", "Var", "Zero", "add", "depends", "dims", "dot",
    "fn", "had", "hpow", "is_scalar", "is_zero", "kron", "mpow", "mul", "a_type", "names",
    "neg", "ones_apart", "parts", "positive", "power", "size", "sizes_named", "split", "sub",
    "summed_to_one", "times_dims", "transpose", "zero",
]  # fmt: skip
