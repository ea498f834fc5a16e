"""Matrix trees in NumPy: their value at given arrays, and derivatives by differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from solver.expressions import matrix as m
from solver.expressions.nodes import Add, Expr, Mul, Num, Pow

Array = Any


def softmax(x: Array) -> Array:
    e = np.exp(x - x.real.max())
    return e / e.sum()


def rowsoftmax(x: Array) -> Array:
    e = np.exp(x - x.real.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def logsumexp(x: Array) -> Array:
    top = x.real.max()
    return top + np.log(np.exp(x - top).sum())


def rowlogsumexp(x: Array) -> Array:
    top = x.real.max(axis=1, keepdims=True)
    return top + np.log(np.exp(x - top).sum(axis=1, keepdims=True))


def regular(x: Array) -> Array:
    """x itself; LinAlgError if it is so near to singular that its inverse says nothing."""
    if np.linalg.cond(x) > 1e8:
        raise np.linalg.LinAlgError("singular")
    return x


def diag(x: Array) -> Array:
    return np.diag(x[:, 0]) if x.shape[1] == 1 else np.diag(x)[:, None]


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "abs": np.abs, "sign": np.sign,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "tanh": np.tanh, "sinh": np.sinh,
    "cosh": np.cosh, "arctan": np.arctan, "arcsin": np.arcsin, "arccos": np.arccos,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "step": lambda x: (x > 0) * 1.0,
    "softplus": lambda x: np.logaddexp(0, x),
    "tr": np.trace, "det": lambda x: np.linalg.det(regular(x)),
    "logdet": lambda x: np.linalg.slogdet(regular(x))[1],
    "sum": np.sum, "norm1": lambda x: np.abs(x).sum(), "norm2": lambda x: np.sqrt((x * x).sum()),
    "inv": lambda x: np.linalg.inv(regular(x)), "diag": diag, "vec": lambda x: x.T.reshape(-1, 1),
    "softmax": softmax, "rowsoftmax": rowsoftmax, "logsumexp": logsumexp,
    "rowlogsumexp": rowlogsumexp,
}  # fmt: skip


def value(e: Expr, arrays: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
    """The value of a tree: a float for a scalar, else an array of two axes."""

    def dim(d: Any) -> int:
        if isinstance(d, int):
            return d
        product = 1
        for part in str(d).split("·"):
            product *= sizes[part]
        return product

    known: dict[Expr, Array] = {}

    def at(e: Expr) -> Array:
        if e not in known:
            known[e] = compute(e)
        return known[e]

    def compute(e: Expr) -> Array:
        if isinstance(e, Num):
            return float(e.value)
        if isinstance(e, m.Var):
            return float(sizes[e.name]) if "dimension" in e.flags else arrays[e.name]
        if isinstance(e, m.Ones):
            return np.ones(tuple(map(dim, e.args)))
        if isinstance(e, m.Zero):
            return np.zeros(tuple(map(dim, e.args)))
        if isinstance(e, m.Eye):
            return np.eye(dim(e.args[0]))
        if isinstance(e, m.T):
            return at(e.args[0]).T
        if isinstance(e, m.Comm):
            return commutation(dim(e.args[0]), dim(e.args[1]))
        args = [at(a) for a in e.args if isinstance(a, Expr)]
        if isinstance(e, Add):
            return sum(args[1:], args[0])
        if isinstance(e, (Mul, m.Had)):
            out = args[0]
            for a in args[1:]:
                out = out * a
            return out
        if isinstance(e, (Pow, m.HPow)):  # NumPy's: nan below 0, where Python's is complex
            base = np.float64(args[0]) if isinstance(args[0], float) else args[0]
            return base ** args[1]
        if isinstance(e, m.Dot):
            out = args[0]
            for a in args[1:]:
                out = out @ a
            return out[0, 0] if m.is_scalar(e) else out
        if isinstance(e, m.Kron):
            return np.kron(*args)
        return FUNCTIONS[e.name](args[0])  # type: ignore[attr-defined]

    return at(e)


def commutation(rows: int, cols: int) -> Array:
    """K with K·vec(X) = vec(Xᵀ), X of rows × cols."""
    k = np.zeros((rows * cols, rows * cols))
    for i in range(rows):
        for j in range(cols):
            k[i * cols + j, j * rows + i] = 1
    return k


def differences(f: Callable[[Array], float], x: Array, h: float = 1e-5) -> Array:
    """∂f/∂x by central differences, entry by entry."""
    if np.ndim(x) == 0:
        return (f(x + h) - f(x - h)) / (2 * h)
    out = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[i] = h
        out[i] = (f(x + step) - f(x - step)) / (2 * h)
    return out
