"""Typed trees: letters for scalars, columns and matrices, and what their dims are.

A tree's type is its dims (rows, columns), names or numbers; a scalar is (1, 1), and no
other tree ever is, so that a 1×1 matrix cannot be taken for one. Trees are built by the
functions of matrix.py only, which keep them in the textbook's form.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from solver.expressions.nodes import Add, Expr, Mul, Num

Dim = Any  # a name such as "n", or 1
Dims = tuple[Dim, Dim]


class Var(Expr):
    """A letter with its dims and what is known of it: symmetric, posdef, onehot, …"""

    __slots__ = ()
    TYPED = True

    def __init__(
        self, name: str, rows: Dim = 1, cols: Dim = 1, flags: Iterable[str] = ()
    ):
        super().__init__(name, rows, cols, frozenset(flags))

    name = property(lambda self: self.args[0])
    flags = property(lambda self: self.args[3])


class Adjoint(Var):
    """∂L/∂z as a letter of its own, of z's dims: what a backward step is handed."""

    __slots__ = ()

    @classmethod
    def of(cls, loss: str, v: Var) -> Adjoint:
        return cls(f"d{loss}_d{v.name}", *v.args[1:3])

    @property
    def parts(self) -> tuple[str, str]:
        """(what is differentiated, by what)."""
        loss, _, wrt = self.name[1:].partition("_d")
        return loss, wrt


class Ones(Expr):
    """A column, row or matrix of ones."""

    __slots__ = ()
    TYPED = True


class Zero(Expr):
    """A column or matrix of zeros."""

    __slots__ = ()
    TYPED = True


class Eye(Expr):
    """The identity of n rows."""

    __slots__ = ()
    TYPED = True


class T(Expr):
    """A transpose; its child is a leaf or a function's value."""

    __slots__ = ()
    TYPED = True


class Dot(Expr):
    """A matrix product, factors in order."""

    __slots__ = ()
    TYPED = True


class Had(Expr):
    """An elementwise product ⊙."""

    __slots__ = ()
    TYPED = True


class HPow(Expr):
    """An elementwise power, its exponent a scalar."""

    __slots__ = ()
    TYPED = True


class Fn(Expr):
    """A function by name: elementwise (exp X), of a matrix (inv, tr), of a column."""

    __slots__ = ()
    TYPED = True

    name = property(lambda self: self.args[0])
    arg = property(lambda self: self.args[1])


ELEMENTWISE = [
    "exp", "log", "sqrt", "abs", "sign", "sin", "cos", "tan", "tanh", "sinh", "cosh",
    "arctan", "arcsin", "arccos", "sigmoid", "relu", "step", "softplus",
]  # fmt: skip
TO_SCALAR = ["tr", "det", "logdet", "sum", "norm1", "norm2", "logsumexp"]
SAME = ("softmax", "rowsoftmax", "inv")
ONE, ZERO = Num(1), Num(0)


@cache
def dims(e: Expr) -> Dims:
    """(rows, columns); (1, 1) is a scalar."""
    if isinstance(e, Var):
        return e.args[1], e.args[2]
    if isinstance(e, (Ones, Zero)):
        return e.args
    if isinstance(e, Eye):
        return e.args[0], e.args[0]
    if isinstance(e, Comm):
        return (times_dims(*e.args),) * 2
    if isinstance(e, T):
        rows, cols = dims(e.args[0])
        return cols, rows
    if isinstance(e, Dot):
        return dims(e.args[0])[0], dims(e.args[-1])[1]
    if isinstance(e, Mul):
        return dims(e.args[-1])
    if isinstance(e, (Add, Had, HPow)):
        return dims(e.args[0])
    if isinstance(e, Kron):
        (a, b), (c, d) = map(dims, e.args)
        return times_dims(a, c), times_dims(b, d)
    if isinstance(e, Fn):
        if e.name in TO_SCALAR:
            return 1, 1
        rows, cols = dims(e.arg)
        if e.name == "diag":
            return (rows, rows) if cols == 1 else (rows, 1)
        if e.name == "vec":
            return times_dims(rows, cols), 1
        if e.name == "rowlogsumexp":
            return rows, 1
        return rows, cols
    return 1, 1


def times_dims(a: Dim, b: Dim) -> Dim:
    if a == 1 or b == 1:
        return b if a == 1 else a
    return "·".join(sorted([*str(a).split("·"), *str(b).split("·")]))


class Kron(Expr):
    """The Kronecker product of two matrices."""

    __slots__ = ()
    TYPED = True


class Comm(Expr):
    """The commutation matrix K: K·vec(X) = vec(Xᵀ) for X of rows × cols."""

    __slots__ = ()
    TYPED = True


class Partial(Expr):
    """∂f/∂X, as the left side of a step; it stands for no value."""

    __slots__ = ()
    TYPED = True


def sizes_named(e: Expr) -> list[str]:
    """The dimension names that stand in one node: a letter's dims, a unit matrix's."""
    if isinstance(e, Var):
        named = [e.name] if "dimension" in e.flags else list(e.args[1:3])
    elif isinstance(e, (Ones, Zero, Eye, Comm)):
        named = list(e.args)
    else:
        named = []
    return [d for d in named if isinstance(d, str)]


def is_scalar(e: Expr) -> bool:
    return dims(e) == (1, 1)


def a_type(d: Dims) -> str:
    """A type in words, with its article: a scalar, a column of n, an m×n matrix."""
    if d == (1, 1):
        return "a scalar"
    if d[1] == 1:
        return f"a column of {d[0]}"
    if d[0] == 1:
        return f"a row of {d[1]}"
    return f"{article(str(d[0]))} {d[0]}×{d[1]} matrix"


def full(shape: Sequence[Any]) -> Dims:
    """(rows, columns) of dims as they are declared: () a scalar, ("n",) a column."""
    rows, cols = (*shape, 1, 1)[:2]
    return rows, cols


def as_declared(d: Dims) -> tuple[Dim, ...]:
    """Dims as they are declared: () a scalar, ("n",) a column, ("m", "n") a matrix."""
    rows, cols = d
    return () if d == (1, 1) else (rows,) if cols == 1 else (rows, cols)


def article(size: str) -> str:
    """an m, an 8; a k, a 3: as the size is spoken."""
    spoken = size[0] in "aefhilmnorsxAEFHILMNORSX8" or size in ("11", "18")
    return "an" if spoken else "a"


def depends(e: Expr, name: str) -> bool:
    """Whether the variable of this name is in the tree."""
    return name in names(e)


@cache
def names(e: Expr) -> frozenset[str]:
    """The names of the variables in a tree."""
    if isinstance(e, Var):
        return frozenset([e.name])
    found: frozenset[str] = frozenset()
    for a in e.args:
        if isinstance(a, Expr):
            found |= names(a)
    return found
