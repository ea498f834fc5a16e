"""Text read as an expression of the same sort as another: the answer that is expected.

Its letters are the other's (o1 is o_1, \\hat y is ŷ), with their dims and flags; LaTeX,
Unicode and the plain grammar are read alike, by our own bounded parsers.
"""

from __future__ import annotations

import re

from solver.core import BadInput
from solver.expressions.nodes import Expr, letters, walk
from solver.expressions.parse import parse
from solver.expressions.points import is_real

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

# The unit step, as H(a) or Θ(a) where no letter has this name, or as (a > 0).
STEPS = re.compile(r"(?<![\\A-Za-z])(?:H|Θ|\\Theta|\\mathrm\{H\})\s*(?=\(|\\left\()")
POSITIVE = re.compile(r"\(\s*([A-Za-z]\w*)\s*>=?\s*0(?:\.0)?\s*\)")
# NumPy's sums over the rows: sum(G, axis=0), G.sum(0).
COLUMNS = re.compile(
    r"(?:np\.)?sum\(\s*([^(),]+?)\s*,\s*(?:axis\s*=\s*|dim\s*=\s*)?0\s*\)"
    r"|\b([A-Za-z]\w*)\.sum\(\s*(?:axis\s*=\s*|dim\s*=\s*)?0\s*\)"
)


def read_like(
    right: Expr, text: str, more: Mapping[str, Expr] | None = None, shaped: bool = True
) -> Expr:
    """The tree of a text, read in the letters of another tree. Raises BadInput.

    more: letters besides its own that may be used, each with an expression of its dims.
    shaped: whether the text has the other's dims; else it has its own.
    """
    if any(n.TYPED for n in walk(right)):
        return typed(right, text, more or {}, shaped)
    if not is_real(right):
        return parse(text)
    names = {s.name: () for s in letters(right)} | dict.fromkeys(more or (), ())
    try:
        return scalar(text, names)
    except BadInput as e:
        try:
            return parse(text.replace("{", "(").replace("}", ")"), "real")
        except BadInput:
            raise e from None


def typed(right: Expr, text: str, more: Mapping[str, Expr], shaped: bool) -> Expr:
    """The same for columns and matrices, which have the right answer's dims."""
    from solver.expressions import matrix as m
    from solver.expressions.latex_reader import read_any
    from solver.expressions.typed import as_declared

    dims: dict[str, Sequence[Any]] = {}
    flags: dict[str, Sequence[str]] = {}
    for e in (right, *more.values()):
        for v in walk(e):
            if isinstance(v, m.Var) and "dimension" not in v.flags:
                dims[v.name] = as_declared(m.dims(v))
                flags[v.name] = sorted(v.flags)
    for name, e in more.items():
        dims.setdefault(name, as_declared(m.dims(e)))
    shape = m.dims(right) if shaped else None
    return read_any(steps(text, dims), dims, flags, shape)


def scalar(text: str, names: Mapping[str, Sequence[Any]]) -> Expr:
    """The same for real letters: read with them all scalars, kept as a plain tree."""
    from solver.expressions.latex_reader import read_any
    from solver.expressions.plain import plain

    return parse(plain(read_any(steps(text, names), names, {}, (1, 1))), "real")


def steps(text: str, names: Mapping[str, Any] | set[str]) -> str:
    """H(a) and (a > 0) as step(a), a sum over rows as a product with ones."""
    text = POSITIVE.sub(r" step(\1)", text)
    text = COLUMNS.sub(lambda m: f"(vector(1)'*({m[1] or m[2]}))", text)
    return text if "H" in names else STEPS.sub(" step", text)
