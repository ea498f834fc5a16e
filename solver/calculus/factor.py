"""One factoring pass at the end: B·X + Bᵀ·X as (B + Bᵀ)·X, kept only if it is shorter."""

from __future__ import annotations

from solver.expressions import matrix as m
from solver.expressions.matrix import Dot, T, add, dims, dot, had, is_scalar, mul
from solver.expressions.nodes import Add, Expr, Mul, Num
from solver.expressions.rebuild import rebuild


def weight(e: Expr) -> int:
    """How long a tree is: names, numbers and operators of its text."""
    if isinstance(e, (m.Var, Num, m.Eye, m.Comm)):
        return 1
    if isinstance(e, (m.Ones, m.Zero)):
        return 2
    if isinstance(e, T):
        return 1 + weight(e.args[0])
    if isinstance(e, m.Fn):
        return 1 + weight(e.arg)
    parts = [weight(a) for a in e.args if isinstance(a, Expr)]
    if isinstance(e, Mul) and e.args[0] == Num(-1):
        return 1 + sum(parts[1:]) + len(parts) - 2
    return sum(parts) + len(parts) - 1


def factored(e: Expr) -> Expr:
    """The tree with common factors of its sums taken out, at every level, where shorter."""
    args = tuple(factored(a) if isinstance(a, Expr) else a for a in e.args)
    if args != e.args:
        rebuilt = rebuild(e, args)
        e = rebuilt if weight(rebuilt) <= weight(e) else e
    if not isinstance(e, Add):
        return e
    best: Expr = e
    while isinstance(best, Add):
        tried = min(candidates(best), key=weight, default=best)
        if weight(tried) >= weight(best):
            break
        best = tried
    return best


def chain(term: Expr) -> tuple[list[Expr], list[Expr]]:
    """(scalar factors, factors of the product) of a term."""
    scalars, body = m.parts(term)
    if is_scalar(term):
        return [term], []
    return list(scalars), list(body.args) if isinstance(body, Dot) else [body]


def candidates(e: Add) -> list[Expr]:
    """The sum with one pair of terms, or all terms, sharing a factor on either side."""
    found: list[Expr] = []
    terms = e.args
    if is_scalar(e):
        return [scalar_pair(e, i, j) for i in range(len(terms)) for j in range(i + 1, len(terms))
                if common_scalars(terms[i], terms[j])]  # fmt: skip
    for i in range(len(terms)):
        for j in range(i + 1, len(terms)):
            joined = joined_pair(terms[i], terms[j])
            for one in joined:
                rest = [t for k, t in enumerate(terms) if k not in (i, j)]
                found.append(add(*rest[:i], one, *rest[i:]) if rest else one)
    return found


def common_scalars(a: Expr, b: Expr) -> list[Expr]:
    """Scalar factors, not numbers, that both terms have."""
    fa = a.args if isinstance(a, Mul) else (a,)
    fb = b.args if isinstance(b, Mul) else (b,)
    return [f for f in fa if f in fb and not isinstance(f, Num)]


def scalar_pair(e: Add, i: int, j: int) -> Expr:
    shared = common_scalars(e.args[i], e.args[j])
    inverse = [m.power(f, Num(-1)) for f in shared]
    inside = add(mul(*inverse, e.args[i]), mul(*inverse, e.args[j]))
    one = mul(*shared, inside)
    rest = [t for k, t in enumerate(e.args) if k not in (i, j)]
    return add(*rest[:i], one, *rest[i:]) if rest else one


def joined_pair(a: Expr, b: Expr) -> list[Expr]:
    """a + b with the longest common left or right factors, and common scalars, taken out."""
    sa, ca = chain(a)
    sb, cb = chain(b)
    shared = [f for f in sa if f in sb]
    ra, rb = [f for f in sa if f not in shared], [f for f in sb if f not in shared]
    if -1 in [f.value for f in ra + rb if isinstance(f, Num)] and any(
        isinstance(f, Num) and f.value != -1 for f in ra + rb
    ):
        pass
    found = []
    left = 0
    while left < min(len(ca), len(cb)) - 1 and ca[left] == cb[left]:
        left += 1
    right = 0
    while right < min(len(ca), len(cb)) - 1 and ca[-1 - right] == cb[-1 - right]:
        right += 1
    for n, side in ((left, "left"), (right, "right")):
        if not n:
            continue
        if side == "left":
            out, ia, ib = ca[:n], ca[n:], cb[n:]
            found.append(dot(*shared, *out, add(dot(*ra, *ia), dot(*rb, *ib))))
        else:
            out, ia, ib = ca[-n:], ca[:-n], cb[:-n]
            found.append(dot(*shared, add(dot(*ra, *ia), dot(*rb, *ib)), *out))
    # one term is a prefix of the other: A·B + A = A·(B + I)
    if shared and not found:
        found.append(
            mul(*shared, add(mul(*ra, m.parts(a)[1]), mul(*rb, m.parts(b)[1])))
        )
    # numbers of different sign or size in front of equal shapes: 2A − 2B = 2(A − B)
    na, nb = m.split(a)[0], m.split(b)[0]
    if na == -nb and na not in (1, -1):
        found.append(
            mul(
                Num(na),
                add(
                    mul(
                        Num(1 / na if isinstance(na, float) else m.Fraction(1) / na), a
                    ),
                    mul(Num(m.Fraction(1) / na), b),
                ),
            )
        )
    both_had = isinstance(m.parts(a)[1], m.Had) or isinstance(m.parts(b)[1], m.Had)
    if both_had:
        fa = (
            m.parts(a)[1].args if isinstance(m.parts(a)[1], m.Had) else (m.parts(a)[1],)
        )
        fb = (
            m.parts(b)[1].args if isinstance(m.parts(b)[1], m.Had) else (m.parts(b)[1],)
        )
        common = [f for f in fa if f in fb]
        if common:
            ones = m.Ones(*dims(a))
            rest_a = had(*(f for f in fa if f not in common), ones)
            rest_b = had(*(f for f in fb if f not in common), ones)
            inside = add(mul(*ra, rest_a), mul(*rb, rest_b))
            found.append(mul(*shared, had(*common, inside)))
    return found
