"""What is known of functions' values: tr of a product, log of a softmax, inverses.

Imported by matrix.py, at its end; use `matrix.fn`.
"""

from __future__ import annotations

from solver.expressions import matrix as m
from solver.expressions.nodes import Add, Expr, Num, Pow
from solver.expressions.typed import (
    ONE,
    ZERO,
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
)  # fmt: skip

POSITIVE = {"positive", "probability", "prob", "rowprob", "colprob", "dimension"}


def fn(name: str, e: Expr) -> Expr:
    """A function's value, with what is known of it used."""
    scalars, body = m.parts(e)
    if isinstance(e, Zero) and name in ("diag", "vec", "sum", "tr", "norm1", "norm2"):
        return m.zero(dims(Fn(name, e)))
    if name == "abs" and (even(e) or isinstance(e, Fn) and e.name in ("abs", "norm2")):
        return e
    if name == "tr":
        if isinstance(e, Add):
            return m.add(*(fn("tr", t) for t in e.args))
        if scalars:
            return m.mul(*scalars, fn("tr", body))
        if isinstance(e, Kron):
            return m.mul(fn("tr", e.args[0]), fn("tr", e.args[1]))
        if isinstance(e, Dot):
            for i, f in enumerate(e.args):
                if dims(f)[0] == 1:  # tr(a b') = b' a
                    return m.dot(*e.args[i:], *e.args[:i])
            turns = [e.args[i:] + e.args[:i] for i in range(len(e.args))]
            best = min(turns, key=lambda t: m.key(Dot(*t)))
            return Fn("tr", Dot(*best))
        if isinstance(e, T):
            return fn("tr", e.args[0])
        if isinstance(e, Eye):
            return m.size(e.args[0])
    if name in ("norm2", "norm1") and is_scalar(e):
        return fn("abs", e)
    if name in ("sum", "tr", "norm1", "norm2") and isinstance(e, T):
        return fn(name, e.args[0])
    if name == "sum":
        if is_scalar(e):
            return e
        if scalars:
            return m.mul(*scalars, fn("sum", body))
        if isinstance(e, Ones):
            return m.mul(m.size(e.args[0]), m.size(e.args[1]))
        if isinstance(e, Fn) and e.name == "diag" and dims(e)[1] == 1:
            return fn("tr", e.arg)
        if isinstance(e, Fn) and e.name == "softmax":
            return ONE
    if name == "inv":
        if is_scalar(e):
            return m.power(e, Num(-1))
        if scalars:
            return m.mul(*(m.power(s, Num(-1)) for s in scalars), fn("inv", body))
        if isinstance(e, Eye):
            return e
        if isinstance(e, Fn) and e.name == "inv":
            return e.arg
        if isinstance(e, T):
            return m.transpose(fn("inv", e.args[0]))
    if name in ("det", "logdet", "tr") and is_scalar(e):
        return {"det": e, "tr": e}.get(name) or Fn("log", Fn("abs", e))
    if name == "logdet" and isinstance(e, Fn) and e.name == "inv":
        return m.neg(fn("logdet", e.arg))
    if name == "log" and is_scalar(e) and isinstance(e, Fn) and e.name == "det":
        return fn("logdet", e.arg)
    if name == "diag":
        if is_scalar(e):
            return e
        if isinstance(e, Fn) and e.name == "diag":
            if dims(e)[1] != 1:
                return e.arg
        if isinstance(e, Add) and dims(e)[1] != 1:
            return m.add(*(fn("diag", t) for t in e.args))
        if scalars:
            return m.mul(*scalars, fn("diag", body))
        if isinstance(e, Eye):
            return Ones(e.args[0], 1)
        if isinstance(e, Ones) and dims(e)[1] == 1:
            return Eye(e.args[0])
        if isinstance(e, Dot) and len(e.args) == 2 and dims(e.args[0])[1] == 1:
            return m.had(e.args[0], m.transpose(e.args[1]))
    if name == "vec" and dims(e)[1] == 1:
        return e
    if name == "exp" and e == ZERO:
        return ONE
    if name in ("log",) and e == ONE:
        return ZERO
    if name == "log" and isinstance(e, Fn) and e.name == "exp":
        return e.arg
    if name == "log" and isinstance(e, Ones):
        return m.zero(dims(e))
    if name == "log" and isinstance(e, Fn) and e.name == "softmax":
        return m.sub(e.arg, m.mul(fn("logsumexp", e.arg), Ones(*dims(e))))
    if name == "log" and isinstance(e, Fn) and e.name == "rowsoftmax":
        ones = Ones(1, dims(e)[1])
        return m.sub(e.arg, m.dot(fn("rowlogsumexp", e.arg), ones))
    if name == "log" and isinstance(e, (Had, HPow)) and all(map(positive, e.args)):
        if isinstance(e, Had):
            return m.add(*(fn("log", f) for f in e.args))
        return m.mul(e.args[1], fn("log", e.args[0]))
    if name == "log" and isinstance(e, Add) and len(e.args) == 2:
        one = ONE if is_scalar(e) else Ones(*dims(e))
        for a, b in (e.args, e.args[::-1]):
            if a == one and isinstance(b, Fn) and b.name == "exp":
                return fn("softplus", b.arg)
    if name == "sqrt" and isinstance(e, Num):
        return Fn(name, e)
    return Fn(name, e)


def even(e: Expr) -> bool:
    """Whether this is an even power: never negative, and its own absolute value."""
    k = getattr(e.args[1], "value", 1) if isinstance(e, (Pow, HPow)) else 1
    return isinstance(k, int) and k % 2 == 0


def unsigned(base: Expr, exponent: Expr) -> Expr:
    """|x| as x, where it stands to an even power."""
    whole = getattr(exponent, "value", None)
    if isinstance(base, Fn) and base.name == "abs" and isinstance(whole, int) and not whole % 2:
        return base.arg
    return base


def signless(powers: dict[Expr, Expr]) -> dict[Expr, Expr]:
    """Factors with |x|² = x² and |x|·sign x = x, by their exponents."""
    found: dict[Expr, Expr] = {}
    for base, k in powers.items():
        inside = base.arg if isinstance(base, Fn) and base.name == "abs" else None
        whole = getattr(k, "value", None)
        if inside is None or not isinstance(whole, int):
            found[base] = m.add(found.get(base, ZERO), k)
        elif whole % 2 == 0:
            found[inside] = m.add(found.get(inside, ZERO), k)
        elif powers.get(sign := Fn("sign", inside)) == ONE:
            found[inside] = m.add(found.get(inside, ZERO), k)
            found[sign] = m.add(found.get(sign, ZERO), Num(-1))
        else:
            found[base] = m.add(found.get(base, ZERO), k)
    return found


def positive(e: Expr) -> bool:
    """Whether every entry is known to be positive."""
    if isinstance(e, Var):
        return bool(e.flags & POSITIVE)
    if isinstance(e, Num):
        return True  # an exponent: any will do
    if isinstance(e, Fn):
        return e.name in ("exp", "softmax", "rowsoftmax", "sigmoid", "softplus", "cosh")
    return isinstance(e, (Ones, Had, HPow)) and all(
        positive(a) for a in e.args if isinstance(a, Expr)
    )


def summed_to_one(a: Expr, b: Expr) -> Expr | None:
    """The ones that a·b is, where one is ones and the other holds probabilities."""
    for probabilities, ones, turned in ((a, b, False), (b, a, True)):
        wanted = dims(ones)[0] == 1 if turned else dims(ones)[1] == 1
        if not isinstance(ones, Ones) or not wanted:
            continue
        rows = m.transpose(probabilities) if turned else probabilities
        if not rows_sum_to_one(rows):
            continue
        count = dims(rows)[0]
        return ONE if count == 1 else Ones(1, count) if turned else Ones(count, 1)
    return None


def ones_apart(e: Expr) -> list[Expr]:
    """A matrix of ones as 𝟏·𝟏ᵀ; other trees as they are."""
    if isinstance(e, Ones) and 1 not in e.args:
        return [Ones(e.args[0], 1), Ones(1, e.args[1])]
    return [e]


def rows_sum_to_one(e: Expr) -> bool:
    """Whether each row of a matrix, or a row, holds probabilities."""
    turned = isinstance(e, T)
    inner = e.args[0] if turned else e
    if isinstance(inner, Var):
        flags = {"colprob"} if turned else {"rowprob", "onehot"}
        if dims(e)[0] == 1:  # a row, or a column transposed
            flags = {"onehot", "prob", "rowprob", "colprob"}
        return bool(inner.flags & flags)
    return isinstance(inner, Fn) and inner.name == ("softmax" if turned else "rowsoftmax")


def cancelled(a: Expr, b: Expr) -> Expr | None:
    """Q·(P·Q)⁻¹ = P⁻¹ and (P·Q)⁻¹·P = Q⁻¹, for square P and Q; None if neither."""
    for x, y, first in ((a, b, False), (b, a, True)):  # y is the inverse
        turned = isinstance(y, T)
        inner = y.args[0] if turned else y
        if not (isinstance(inner, Fn) and inner.name == "inv"):
            continue
        chain = m.transpose(inner.arg) if turned else inner.arg
        if not isinstance(chain, Dot) or any(
            dims(f)[0] != dims(f)[1] for f in chain.args
        ):
            continue
        if not first and chain.args[-1] == x:  # Q · inv(… Q)
            return fn("inv", m.dot(*chain.args[:-1]))
        if first and chain.args[0] == x:  # inv(P …) · P
            return fn("inv", m.dot(*chain.args[1:]))
    return None


def inverse_of(a: Expr, b: Expr) -> bool:
    """Whether a·b is the identity."""
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Fn) and x.name == "inv" and x.arg == y:
            return True
        if isinstance(x, T) and isinstance(x.args[0], Fn) and x.args[0].name == "inv":
            if m.transpose(x.args[0].arg) == y:
                return True
    return False
