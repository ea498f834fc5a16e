"""What is asked of an expression: its typed tree, its variables, a point to take it at.

An expression is read as plain text or as LaTeX; what is not declared is found out, and
said. The tree is held against the text as it was written, with nothing simplified.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from solver.calculus.declare import declared
from solver.core import BadInput
from solver.expressions import matrix as m
from solver.expressions.grammar import infer, typed_node
from solver.expressions.latex_reader import reader_for
from solver.expressions.matrix import Var, a_type
from solver.expressions.nodes import Expr
from solver.expressions.typed import full
from solver.expressions.typeset_forms import key
from solver.expressions.unify import as_written, build
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 400  # entries of a variable, of which each is moved for the differences


@dataclass(frozen=True, eq=False)
class Asked:
    """A typed tree, the same as it was written, and what is known of its letters."""

    tree: Expr
    written: Expr
    dims: Mapping[str, Any]
    flags: Mapping[str, Any]
    known: Mapping[str, Any]  # what was declared; the rest was found out

    def variable(self, name: str) -> Var:
        """The variable of this name, however it is spelt: yhat, ŷ, \\hat{y}."""
        found = name if name in self.dims else key(name)
        if found not in self.dims:
            raise unknown("variable of the expression", name, list(self.dims))
        rows, cols = full(self.dims[found])
        return Var(found, rows, cols, self.flags.get(found, ()))

    def said(self, wrt: str = "") -> tuple[str, ...]:
        """What was assumed of letters that were not declared."""
        assumed = [
            f"{name} is {a_type(full(self.dims[name]))}"
            for name in self.dims
            if name not in self.known and (name == wrt or name in m.names(self.tree))
        ]
        return (f"not declared, so read as: {', '.join(assumed)}",) if assumed else ()

    def faithful(self) -> bool:
        """Whether the tree has the values of the text as it was written."""
        from solver.numeric.prove import equal

        return self.written == self.tree or equal(self.written, self.tree)


def asked(
    expr: str, where: Any, scalar: bool | None = None, known: Mapping[str, Any] | None = None
) -> Asked:
    """The expression with its letters. scalar: whether it is meant to be one.

    known: dims that follow from elsewhere, such as a point's values.
    """
    dims, flags = declared(where)
    dims = {**(known or {}), **dims}
    shape = (1, 1) if scalar else None
    reader = reader_for(expr, dims)
    if isinstance(where, Mapping):  # a table declares all; a text the letters in doubt
        whole: Mapping[str, Any] = dims
    else:
        try:
            whole = infer(expr, dims, shape, reader)
        except BadInput:
            if shape is None:
                raise
            whole = infer(expr, dims, None, reader)  # types, but is no scalar: said later
    one = reader(expr, whole, flags)
    node = typed_node(one, None)
    tree = build(node, one)
    for v in (v for v in whole if all(isinstance(d, int) for d in whole[v])):
        size = 1
        for d in whole[v]:
            size *= d
        if size > MOST:
            raise BadInput(
                f"{v} has {size:,} entries, too many to try; at most {MOST}: write its sizes "
                "as letters, n x d"
            )
    return Asked(tree, as_written(node, one), whole, flags, dims)


# -- a point ------------------------------------------------------------------------------


def read_point(raw: Any) -> dict[str, Any]:
    """Values by name: x = (1, 2), A = [[1, 2], [3, 4]]; or A = 1 2; 3 4; or a table.

    A value is an exact number, a tuple of them, or a tuple of rows. Raises BadInput.
    """
    if isinstance(raw, str) and raw.strip().startswith("{"):
        raw = from_json(raw)
    if isinstance(raw, Mapping):
        pairs = [(str(k), v) for k, v in raw.items()]
    elif isinstance(raw, str):
        if len(raw) > 20_000:
            raise BadInput(f"the point has {len(raw):,} characters; at most 20,000")
        pieces = re.split(r"[;,\n]\s*(?=[^\W\d]\w*\s*[:=])", raw.strip().rstrip(";,"))
        pairs = []
        for piece in pieces:
            name, sign, value = re.match(r"([^:=]*)([:=]?)(.*)", piece, re.S).groups()  # type: ignore[union-attr]
            if not sign or not name.strip():
                raise BadInput("a point gives each letter its value: x = (1, 2), c = 3")
            pairs.append((name.strip(), value))
    else:
        raise BadInput("a point gives each letter its value: x = (1, 2), c = 3")
    found: dict[str, Any] = {}
    for name, value in pairs:
        if key(name) in found:
            raise BadInput(f"{name[:30]} is given twice")
        try:
            found[key(name)] = numbers(value)
        except BadInput as e:
            raise e.at(name[:30]) from None
    return found


def from_json(raw: str) -> Any:
    import json

    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as e:
        raise BadInput(f"the point begins with {{ but is no JSON: {e}") from None


def numbers(raw: Any) -> Any:
    """A number, a tuple of numbers, or a tuple of rows, all exact."""
    from solver.numeric.text import reals, shape_of

    if isinstance(raw, str):
        raw = raw.strip().replace("(", "[").replace(")", "]")
        if not raw:
            raise BadInput("expected a value, not nothing")
        if re.fullmatch(r"\[\s*[^\[\],;\s]+\s*\]", raw):  # (3): a column of one
            raw = raw.strip("[] ")
    found = reals(raw)
    if isinstance(raw, str) and isinstance(found, tuple) and not re.search(r"[\[;|\n]", raw):
        found = found[0]  # x = 1 2 3 is a column
    if isinstance(found, Expr):
        raise BadInput(f"expected a number, not {raw!r:.40}")
    if len(shape_of(found)) > 2:
        raise BadInput("a value is a number, a column or a matrix")
    return found


def shape_of_value(value: Any) -> tuple[int, ...]:
    """The dims that a value shows of its letter: () a number, (n,) a column."""
    from solver.numeric.text import shape_of

    dims = list(shape_of(value))
    while dims and dims[-1] == 1:
        dims.pop()
    return tuple(dims)


def shaped(name: str, value: Any, dims: Any) -> tuple[tuple[Any, ...], ...]:
    """A value as rows, of a variable with these dims."""
    if not isinstance(value, tuple):
        rows: Any = ((value,),)
    elif not isinstance(value[0], tuple):
        rows = (value,) if dims[0] == 1 and dims[1] != 1 else tuple((x,) for x in value)
    elif dims[1] == 1 and len(value) == 1:  # a column written as one row
        rows = tuple((x,) for x in value[0])
    else:
        rows = value
    if len(dims) == 2 and (dims[1] == 1) != (len(rows[0]) == 1) or dims == (1, 1) != (
        len(rows), len(rows[0])
    ):  # fmt: skip
        got = f"{len(rows)}×{len(rows[0])}"
        raise BadInput(f"{name} is {a_type(dims)}; the point gives it {got} numbers")
    return rows


def placed(
    trees: tuple[Expr, ...], point: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, int]]:
    """(rows by variable, number by dimension) of a point at which trees are taken."""
    from solver.numeric.prove import variables

    met = variables(*trees)
    missing = [v.name for v in met if v.name not in point]
    if missing:
        raise BadInput(f"the point gives no value to {', '.join(missing)}")
    rows: dict[str, Any] = {}
    size: dict[str, int] = {}
    for v in met:
        rows[v.name] = shaped(v.name, point[v.name], m.dims(v))
        for d, n in zip(m.dims(v), (len(rows[v.name]), len(rows[v.name][0]))):
            if size.setdefault(d, n) != n if isinstance(d, str) else d != n:
                had = size.get(d, d)
                raise BadInput(f"{v.name} is {a_type(m.dims(v))}: {d} is {had}, not {n}")
        keeps(v, rows[v.name])
    return rows, size


def keeps(v: Var, rows: Any) -> None:
    """Refuse numbers that do not have the variable's declared properties."""
    cells = [x for row in rows for x in row]
    turned = tuple(zip(*rows))
    broken = {
        "symmetric": rows != turned,
        "posdef": rows != turned,
        "positive": min(cells) <= 0,
        "onehot": sorted(cells) != [0] * (len(cells) - 1) + [1] and len(turned) == 1,
        "prob": min(cells) < 0 or sum(cells) != 1,
        "rowprob": any(sum(row) != 1 for row in rows),
        "colprob": any(sum(column) != 1 for column in turned),
        "sign": any(abs(x) != 1 for x in cells),
    }
    for flag, wrong in broken.items():
        if flag in v.flags and wrong:
            raise BadInput(f"{v.name} is declared {flag}, but its value is not")
