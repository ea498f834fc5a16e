"""Typed scalars to the trees that SymPy takes, and back in the textbook's functions.

SymPy knows no σ: what it writes with eˣ comes back as σ(x), σ(x)(1 − σ(x)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

from solver.core import BadInput
from solver.expressions import matrix as m
from solver.expressions.matrix import Var
from solver.expressions.nodes import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Sym, walk
from solver.expressions.rebuild import put, rebuild

ONE, MINUS = Num(1), Num(-1)
HEAVY, TERMS, KINDS = 120, 60, 6  # what SymPy is asked: nodes, terms, functions


def scalar_only(e: Expr) -> bool:
    """Whether a typed tree is about scalars alone, some letter among them, and short."""
    nodes = list(walk(e))
    functions = {n for n in nodes if isinstance(n, m.Fn) or fractional(n)}
    few = len(nodes) <= HEAVY and len(functions) <= KINDS and terms(e) <= TERMS
    return few and all(map(m.is_scalar, nodes)) and any(isinstance(n, Var) for n in nodes)


def fractional(e: Expr) -> bool:
    return isinstance(e, Pow) and not isinstance(getattr(e.args[1], "value", None), int)


def terms(e: Expr) -> float:
    """How many terms a tree has when all its products are written out, about."""
    inner = [terms(a) for a in e.args if isinstance(a, Expr)]
    if isinstance(e, Add):
        return sum(inner)
    if isinstance(e, Mul):
        return prod(inner)
    if isinstance(e, Pow):
        k = getattr(e.args[1], "value", 1)
        many = abs(k) if isinstance(k, int) else 1
        return inner[0] if inner[0] == 1 else float(inner[0]) ** min(many, 100)
    return max(inner, default=1)


def untyped(e: Expr) -> Expr:
    """A scalar typed tree as one of expressions.nodes; TypeError if it has no such."""
    if isinstance(e, Num):
        from fractions import Fraction

        return Num(Fraction(repr(e.value))) if isinstance(e.value, float) else e
    if isinstance(e, Var):
        kind = "size" if "dimension" in e.flags else "real"
        return Sym(e.name, "positive" if "positive" in e.flags else kind)
    args = [untyped(a) for a in e.args if isinstance(a, Expr)]
    if isinstance(e, (Add, Mul, Pow)):
        return type(e)(*args)
    if isinstance(e, m.Fn):
        if e.name == "softplus":
            return Call("log", Add(ONE, Call("exp", args[0])))
        if e.name == "relu":
            return Call("max", Num(0), args[0])
        if e.name in m.ELEMENTWISE:
            return Call(e.name, args[0])
    raise TypeError(f"no scalar tree for {type(e).__name__}")


def typed(e: Expr) -> Expr:
    """A scalar tree of expressions.nodes as a typed one. TypeError if it has no such."""
    if isinstance(e, Num):
        return e
    if isinstance(e, Sym):
        flags = {"positive": ("positive",), "size": ("dimension",)}.get(e.kind, ())
        return Var(e.name, 1, 1, flags)
    args = [typed(a) for a in e.args if isinstance(a, Expr)]
    if isinstance(e, Add):
        return m.add(*args)
    if isinstance(e, Mul):
        return m.mul(*args)
    if isinstance(e, Neg):
        return m.neg(args[0])
    if isinstance(e, Div):
        return m.mul(args[0], m.power(args[1], MINUS))
    if isinstance(e, Pow):
        return m.power(*args)
    if isinstance(e, Call) and e.name == "max" and args[0] == Num(0):
        return m.fn("relu", args[1])
    if isinstance(e, Call) and e.name in m.ELEMENTWISE:
        return m.fn(e.name, args[0])
    raise TypeError(f"no typed tree for {e}")


def shorter(e: Expr, weight: Callable[[Expr], int]) -> Expr:
    """The shortest that SymPy finds of a scalar tree; the tree itself if it finds none."""
    forms = [e, *simpler(e)]
    return min(forms, key=lambda t: (weight(t), "exp(" in str(t), isinstance(t, Add)))


def simpler(e: Expr) -> Iterator[Expr]:
    """The scalar as SymPy simplifies it, and as it does with σ(u) for a letter."""
    if not scalar_only(e):
        return
    known = sigmoids(e)
    yield known
    flags = {n.name: n.flags for n in walk(e) if isinstance(n, Var)}
    inside = {n.arg for n in walk(known) if isinstance(n, m.Fn) and n.name == "sigmoid"}
    letters = {u: Var(f"sigma_{i}_", 1, 1) for i, u in enumerate(sorted(
        {min(u, m.neg(u), key=m.key) for u in inside}, key=m.key
    ))}  # fmt: skip
    env: dict[Expr, Expr] = {}
    for u, s in letters.items():
        rest = m.sub(ONE, s)
        env[m.fn("sigmoid", u)], env[m.fn("sigmoid", m.neg(u))] = s, rest
        env[m.fn("exp", u)] = m.mul(s, m.power(rest, MINUS))
        env[m.fn("exp", m.neg(u))] = m.mul(rest, m.power(s, MINUS))
    back: dict[Expr, Expr] = {s: m.fn("sigmoid", u) for u, s in letters.items()}
    for tree, env_ in ((e, {}), (known, env)) if letters else ((e, {}),):
        for found in simplified(put(tree, env_)):
            flat = put(turned(found), back) if env_ else turned(found)
            named: dict[Expr, Expr] = {
                Var(n, 1, 1, guessed): Var(n, 1, 1, f)
                for n, f in flags.items() for guessed in ((), ("positive",))
            }  # fmt: skip
            yield put(flat, named)
            for u, s in letters.items():  # 1 − σ(u) alone is σ(−u)
                alone = put(turned(found), {m.sub(ONE, s): m.fn("sigmoid", m.neg(u))})
                if s.name not in m.names(alone):
                    yield put(put(alone, back), named)


def simplified(e: Expr) -> list[Expr]:
    """The scalar through SymPy and back, in a few forms; none where there is no way."""
    from solver.expressions.algebra import lowest_terms, simplify

    try:
        x = untyped(e)
        return [typed(form) for form in (simplify(x), *lowest_terms(x))]
    except (TypeError, BadInput, ArithmeticError):
        return []


def turned(e: Expr) -> Expr:
    """−a(σ − 1) as a(1 − σ): the signs of a product's sums, as they are written."""
    if not isinstance(e, Mul):
        return m.add(*map(turned, e.args)) if isinstance(e, Add) else e
    factors, minus = list(e.args), False
    for forced in (True, False):
        for i, f in enumerate(factors):
            negative = isinstance(f, Add) and [
                t for t in f.args if m.split(t)[0] < 0 and (isinstance(t, Num) or not forced)
            ]
            owed = minus != (isinstance(factors[0], Num) and factors[0].value < 0)
            if negative and (forced or owed and f.args[0] != ONE):
                factors[i] = m.add(*map(m.neg, f.args))
                minus = not minus
    return m.mul(*([MINUS] if minus else []), *factors)


def sigmoids(e: Expr) -> Expr:
    """1/(1 + e⁻ˣ) as σ(x), everywhere in a scalar tree."""
    args = tuple(sigmoids(a) if isinstance(a, Expr) else a for a in e.args)
    e = e if args == e.args else rebuild(e, args)
    u = exponent(e)
    if u is None:
        return e
    return m.power(m.fn("sigmoid", m.neg(u)), m.neg(e.args[1]))


def exponent(f: Expr) -> Expr | None:
    """u of 1/(1 + eᵘ)ᵏ."""
    if not isinstance(f, Pow) or not isinstance(f.args[1], Num):
        return None
    base, k = f.args[0], f.args[1].value
    if not isinstance(k, int) or k >= 0 or not isinstance(base, Add) or len(base.args) != 2:
        return None
    for one, power in (base.args, base.args[::-1]):
        if one == ONE and isinstance(power, m.Fn) and power.name == "exp":
            return power.arg
    return None
