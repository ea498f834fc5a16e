"""The form of `typeset` that writes NumPy.

Columns are (n, 1) arrays, scalars floats, and sizes are the names of the dims.
"""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from typing import Any

from solver.expressions import matrix as m
from solver.expressions.nodes import Expr
from solver.expressions.typeset_forms import POWERED, Unicode, key

# name -> NumPy; {x} stands once, so that nothing is computed twice
NUMPY = {
    **{f: f"np.{f}({{x}})" for f in [*POWERED, "exp", "log", "sqrt", "abs", "sign"]},
    **{f: f"np.{f}({{x}})" for f in ["arctan", "arcsin", "arccos"]},
    "sigmoid": "(1 / (1 + np.exp(-({x}))))",
    "relu": "np.maximum({x}, 0)",
    "step": "np.where({x} > 0, 1.0, 0.0)",
    "softplus": "np.logaddexp(0, {x})",
    "tr": "np.trace({x})",
    "det": "np.linalg.det({x})",
    "logdet": "np.linalg.slogdet({x})[1]",
    "sum": "np.sum({x})",
    "inv": "np.linalg.inv({x})",
    "vec": "{x}.reshape(-1, 1, order='F')",
    "norm1": "np.abs({x}).sum()",
    "norm2": "np.linalg.norm({x})",
    "logsumexp": "np.logaddexp.reduce({x}, axis=None)",
    "rowlogsumexp": "np.logaddexp.reduce({x}, axis=1, keepdims=True)",
    "softmax": "(lambda e: e / e.sum())((lambda z: np.exp(z - z.max()))({x}))",
    "rowsoftmax": "(lambda e: e / e.sum(axis=1, keepdims=True))"
    "((lambda z: np.exp(z - z.max(axis=1, keepdims=True)))({x}))",
}
HELPERS = {
    "softmax": """def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()""",
    "rowsoftmax": """def rowsoftmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)""",
}


class Numpy(Unicode):
    """NumPy: a matrix product is @, one that comes to a scalar takes .item()."""

    minus, plus, apart, entries, below = "-", " + ", " - ", " * ", " / "
    turned = ".T"

    def __init__(self, e: Expr, helpers: bool = False):
        super().__init__(e)
        self.helpers: set[str] | None = set() if helpers else None

    def letter(self, name: str, dims: m.Dims) -> str:
        return python_name(name)

    def number(self, x: Any) -> str:
        return str(x) if x.denominator == 1 else repr(float(x))

    def fraction(self, a: str, b: str) -> str:
        return f"{a} / {b}"

    def power(self, base: str, exponent: Expr, shown: str, entries: bool) -> str:
        return f"{base} ** {shown if shown.isalnum() else self.group(shown)}"

    def product(self, pieces: Sequence[str]) -> str:
        return " * ".join(pieces)

    def matrices(self, pieces: Sequence[str]) -> str:
        return " @ ".join(pieces)

    def size(self, d: m.Dim) -> str:
        return " * ".join(python_name(p) for p in str(d).split("·"))

    def ones(self, rows: m.Dim, cols: m.Dim) -> str:
        return f"np.ones(({self.size(rows)}, {self.size(cols)}))"

    def constant(self, e: Expr) -> str:
        if isinstance(e, m.Comm):
            a, b = map(self.size, e.args)
            turned = f"np.arange({a} * {b}).reshape({b}, {a}).T.ravel()"
            return f"np.eye({a} * {b})[{turned}]"
        rows, cols = map(self.size, m.dims(e))
        return (
            f"np.zeros(({rows}, {cols}))"
            if isinstance(e, m.Zero)
            else f"np.eye({rows})"
        )

    def scalar(self, s: str) -> str:
        return f"({s}).item()"

    def fence(self, name: str, s: str, matrix: bool) -> str:
        return NUMPY[name].format(x=s)

    def call(self, name: str, s: str, arg: Expr) -> str:
        if name == "diag":
            column = m.dims(arg)[1] == 1
            return f"np.diagflat({s})" if column else f"np.diag({s})[:, None]"
        if self.helpers is not None and name in HELPERS:
            self.helpers.add(name)
            return f"{name}({s})"
        if name == "vec" and not s.isidentifier():
            s = self.group(s)
        return NUMPY[name].format(x=s)

    def powered(self, name: str, k: int, s: str) -> str:
        return f"np.{name}({s}) ** {k}"


def python_name(name: str) -> str:
    """The name as a Python identifier, which shadows nothing that the code calls."""
    found = key(name)
    taken = keyword.iskeyword(found) or found in ("np", *HELPERS)
    return found + "_" if taken else found
