"""Derivatives of columns and matrices: forward, as the matrix that multiplies dx.

`jacobian(z, x)` rewrites dz as M·dx for columns; `by_scalar` keeps z's shape; `vec_jacobian`
rewrites vec(dZ) as K·vec(dX). What a rule cannot rewrite is refused by name.
"""

from __future__ import annotations

from functools import lru_cache

from solver.calculus.rules import MINUS, SLOPES
from solver.calculus.sweep import gradient
from solver.core import BadInput
from solver.expressions import matrix as m
from solver.expressions.matrix import (
    Var,
    add,
    dims,
    dot,
    fn,
    had,
    hpow,
    is_scalar,
    kron,
    mul,
    names,
    transpose,
)  # fmt: skip
from solver.expressions.nodes import Add, Expr, Mul, Num


def refuse(e: Expr, what: str) -> BadInput:
    """No rule rewrites this operation: it is named, never taken for 0."""
    name = e.name if isinstance(e, m.Fn) else type(e).__name__
    return BadInput(f"{what} through {name} of {m.a_type(dims(e))} is not known")


# -- columns by a column ------------------------------------------------------------------


@lru_cache(maxsize=4096)
def jacobian(z: Expr, x: Var) -> Expr:
    """∂z/∂x in numerator layout, J_ij = ∂z_i/∂x_j, of a column or scalar z."""
    n = dims(x)[0]
    if x.name not in names(z):
        return m.zero((dims(z)[0], n))
    if z == x:
        return m.Eye(n)
    if is_scalar(z):
        return transpose(gradient(z, x)[0])
    if dims(z)[1] != 1:
        raise refuse(z, "the Jacobian")
    if isinstance(z, Add):
        return add(*(jacobian(t, x) for t in z.args))
    if isinstance(z, Mul):
        body, found = z.args[-1], []
        for i, s in enumerate(z.args[:-1]):
            if x.name in names(s):
                rest = [f for j, f in enumerate(z.args) if j != i]
                found.append(dot(mul(*rest), jacobian(s, x)))
        found.append(mul(*z.args[:-1], jacobian(body, x)))
        return add(*found)
    if isinstance(z, m.Dot):
        return product(z, x)
    if isinstance(z, m.Had):
        return add(*(
            dot(fn("diag", had(*(f for j, f in enumerate(z.args) if j != i))), jacobian(f, x))
            for i, f in enumerate(z.args) if x.name in names(f)
        ))  # fmt: skip
    if isinstance(z, m.HPow):
        base, a = z.args
        if x.name in names(a):
            raise refuse(z, "the Jacobian")
        return dot(fn("diag", mul(a, hpow(base, add(a, MINUS)))), jacobian(base, x))
    if isinstance(z, m.Fn) and z.name in SLOPES:
        return dot(fn("diag", SLOPES[z.name][0](z.arg)), jacobian(z.arg, x))
    if isinstance(z, m.Fn) and z.name == "softmax":
        inside = add(fn("diag", z), mul(MINUS, dot(z, transpose(z))))
        return dot(inside, jacobian(z.arg, x))
    if isinstance(z, m.Fn) and z.name == "diag":
        return diagonal(z.arg, x)
    raise refuse(z, "the Jacobian")


def product(z: m.Dot, x: Var) -> Expr:
    """d(A·B·c) = A·B·dc + (dA)·(B·c) + A·(dB)·c."""
    found = []
    for i, f in enumerate(z.args):
        if x.name not in names(f):
            continue
        before, after = z.args[:i], z.args[i + 1 :]
        part = applied(f, dot(*after), x) if after else jacobian(f, x)
        found.append(dot(*before, part))
    return add(*found)


def applied(a: Expr, v: Expr, x: Var) -> Expr:
    """The Jacobian of A(x)·v by x, with v held fixed."""
    if x.name not in names(a):
        return m.zero((dims(a)[0], dims(x)[0]))
    if is_scalar(v):
        return mul(v, jacobian(a, x))
    if isinstance(a, Add):
        return add(*(applied(t, v, x) for t in a.args))
    if isinstance(a, Mul):
        body = a.args[-1]
        scalars = mul(*a.args[:-1])
        return add(
            dot(body, v, jacobian(scalars, x)), mul(scalars, applied(body, v, x))
        )
    if isinstance(a, m.Dot):
        found = []
        for i, f in enumerate(a.args):
            inner = applied(f, dot(*a.args[i + 1 :], v), x)
            found.append(dot(*a.args[:i], inner))
        return add(*found)
    if isinstance(a, m.T) and dims(a)[0] == 1:
        return dot(transpose(v), jacobian(a.args[0], x))
    if isinstance(a, m.Fn) and a.name == "diag" and dims(a.arg)[1] == 1:
        return dot(fn("diag", v), jacobian(a.arg, x))
    if isinstance(a, m.Fn) and a.name == "inv":
        return mul(MINUS, dot(a, applied(a.arg, dot(a, v), x)))
    if isinstance(a, m.T) and isinstance(a.args[0], m.Fn) and a.args[0].name == "inv":
        return mul(MINUS, dot(a, applied(transpose(a.args[0].arg), dot(a, v), x)))
    raise refuse(a, "the Jacobian")


def diagonal(a: Expr, x: Var) -> Expr:
    """The Jacobian of diag(A), the diagonal of a matrix, where A = B·diag(u)·C or so."""
    if isinstance(a, Add):
        return add(*(jacobian(fn("diag", t), x) for t in a.args))
    if isinstance(a, m.Dot):
        found = []
        for i, f in enumerate(a.args):
            if x.name not in names(f):
                continue
            if not (isinstance(f, m.Fn) and f.name == "diag" and dims(f.arg)[1] == 1):
                raise refuse(a, "the Jacobian of the diagonal")
            left, right = dot(*a.args[:i]), dot(*a.args[i + 1 :])
            found.append(dot(had(left, transpose(right)), jacobian(f.arg, x)))
        return add(*found)
    raise refuse(a, "the Jacobian of the diagonal")


# -- anything by a scalar -----------------------------------------------------------------


def by_scalar(z: Expr, t: Var) -> Expr:
    """∂Z/∂t, entry by entry, of Z's dims."""
    if t.name not in names(z):
        return m.zero(dims(z))
    if z == t:
        return Num(1)
    if is_scalar(z):
        return gradient(z, t)[0]
    if isinstance(z, Add):
        return add(*(by_scalar(a, t) for a in z.args))
    if isinstance(z, (Mul, m.Had, m.Dot)):
        build = {Mul: mul, m.Had: had, m.Dot: dot}[type(z)]
        return add(*(
            build(*z.args[:i], by_scalar(f, t), *z.args[i + 1 :])
            for i, f in enumerate(z.args) if t.name in names(f)
        ))  # fmt: skip
    if isinstance(z, m.T):
        return transpose(by_scalar(z.args[0], t))
    if isinstance(z, m.HPow) and t.name not in names(z.args[1]):
        base, a = z.args
        return mul(a, had(hpow(base, add(a, MINUS)), by_scalar(base, t)))
    if isinstance(z, m.Kron):
        a, b = z.args
        return add(kron(by_scalar(a, t), b), kron(a, by_scalar(b, t)))
    if isinstance(z, m.Fn):
        d = by_scalar(z.arg, t)
        if z.name in SLOPES:
            return had(SLOPES[z.name][0](z.arg), d)
        if z.name == "inv":
            return mul(MINUS, dot(z, d, z))
        if z.name in ("diag", "vec"):
            return fn(z.name, d)
        if z.name == "softmax":
            return add(had(z, d), mul(MINUS, dot(transpose(z), d), z))
        ones = m.Ones(dims(z.arg)[1], 1)
        if z.name == "rowsoftmax":
            return had(z, add(d, mul(MINUS, dot(had(z, d), ones, transpose(ones)))))
        if z.name == "rowlogsumexp":
            return dot(had(fn("rowsoftmax", z.arg), d), ones)
    raise refuse(z, "the derivative")


# -- a matrix by a matrix -----------------------------------------------------------------


def vec_jacobian(z: Expr, x: Var) -> Expr:
    """K with vec(dZ) = K·vec(dX), column-major."""
    rows, cols = dims(z)
    many = m.times_dims(*dims(x))
    if x.name not in names(z):
        return m.zero((m.times_dims(rows, cols), many))
    if z == x:
        return m.Eye(many)
    if is_scalar(z):
        return transpose(fn("vec", gradient(z, x)[0]))
    if isinstance(z, Add):
        return add(*(vec_jacobian(t, x) for t in z.args))
    if isinstance(z, Mul):
        body, found = z.args[-1], []
        for i, s in enumerate(z.args[:-1]):
            if x.name in names(s):
                rest = [f for j, f in enumerate(z.args) if j != i]
                found.append(dot(fn("vec", mul(*rest)), vec_jacobian(s, x)))
        return add(*found, mul(*z.args[:-1], vec_jacobian(body, x)))
    if isinstance(z, m.Dot):
        found = []
        for i, f in enumerate(z.args):
            if x.name in names(f):
                left = dot(*z.args[:i]) if i else m.Eye(rows)
                right = dot(*z.args[i + 1 :]) if i + 1 < len(z.args) else m.Eye(cols)
                found.append(dot(kron(transpose(right), left), vec_jacobian(f, x)))
        return add(*found)
    if isinstance(z, m.T):
        inner = dims(z.args[0])
        turned = vec_jacobian(z.args[0], x)
        return turned if 1 in inner else dot(m.Comm(*inner), turned)
    if isinstance(z, m.Had):
        return add(*(
            dot(
                fn("diag", fn("vec", had(*(f for j, f in enumerate(z.args) if j != i)))),
                vec_jacobian(f, x),
            )
            for i, f in enumerate(z.args) if x.name in names(f)
        ))  # fmt: skip
    if isinstance(z, m.HPow) and x.name not in names(z.args[1]):
        base, a = z.args
        slope = mul(a, hpow(base, add(a, MINUS)))
        return dot(fn("diag", fn("vec", slope)), vec_jacobian(base, x))
    if isinstance(z, m.Fn) and z.name in SLOPES:
        slope = SLOPES[z.name][0](z.arg)
        return dot(fn("diag", fn("vec", slope)), vec_jacobian(z.arg, x))
    if isinstance(z, m.Fn) and z.name == "inv":
        return mul(MINUS, dot(kron(transpose(z), z), vec_jacobian(z.arg, x)))
    if isinstance(z, m.Fn) and z.name == "vec":
        return vec_jacobian(z.arg, x)
    if isinstance(z, m.Fn) and z.name == "softmax":
        inside = add(fn("diag", z), mul(MINUS, dot(z, transpose(z))))
        return dot(inside, vec_jacobian(z.arg, x))
    if isinstance(z, m.Fn) and z.name in ("rowsoftmax", "rowlogsumexp"):
        inner = dims(z.arg)
        soft = fn("diag", fn("vec", fn("rowsoftmax", z.arg)))
        ones = m.Ones(inner[1], 1)
        sums = dot(kron(transpose(ones), m.Eye(inner[0])), soft, vec_jacobian(z.arg, x))
        if z.name == "rowlogsumexp":
            return sums
        spread = dot(soft, kron(ones, m.Eye(inner[0])), sums)
        return add(dot(soft, vec_jacobian(z.arg, x)), mul(MINUS, spread))
    raise refuse(z, "the derivative")


def hessian(f: Expr, x: Var) -> Expr:
    """∂²f/∂x∂xᵀ of a scalar function: the Jacobian of its gradient (of vec, for a matrix)."""
    first = gradient(f, x)[0]
    if dims(x)[1] != 1:
        return vec_jacobian(first, x)
    return jacobian(first, x)
