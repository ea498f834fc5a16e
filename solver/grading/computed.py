"""Computed values as keys of a form: a count is an integer, a size formula an expression.

So that what a problem computes is read, compared and explained as a stated key is. What
has a reader of its own (columns and matrices, cases, options, records) is left alone.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from solver.answers.amounts import Amount
from solver.answers.stated import Stated
from solver.core import Answer
from solver.expressions.nodes import Expr, Num, Sym, letters, tree, walk
from solver.expressions.series import Cases, Series
from solver.grading.symbols import symbolic
from solver.values import Numeric, Shape, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KINDS = {"size": "positive integer", "count": "nonnegative integer", "integer": "integer",
         "probability": "probability", "positive": "positive", "real": "real"}  # fmt: skip
UNITS = {"flops": "flop", "macs": "mac"}
MEMORY = {"bytes": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20,
          "gib": 2**30}  # fmt: skip


def unit_of(answer: Answer) -> str:
    """The unit of an answer; counts of operations have the name of what they count."""
    return answer.unit or (answer.name if answer.name in UNITS else "")


def as_stated(value: Any, unit: str = "", order: str = "") -> Stated | None:
    """The key that a computed value is; None where it has another reader."""
    try:
        return kept(value, unit, order, type(value).__name__)
    except TypeError:  # a value that cannot be remembered: a record, a list
        return None


@lru_cache(maxsize=2048)
def kept(value: Any, unit: str, order: str, kind: str) -> Stated | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, Numeric)):
        return number(value, unit)
    if isinstance(value, Shape):
        return sizes(value, order)
    if isinstance(value, Expr) and not symbolic(value) and not special(value):
        found = declared(value)
        return Stated(
            "expression",
            show(value),
            bare(value),
            {"known": tuple(found)},
            found,
            {},
            {},
        )
    return None


def bare(e: Any) -> Any:
    """The tree as people write it: what is assumed of a letter stands beside it."""
    if isinstance(e, Sym):
        return Sym(e.name, "real")
    if not isinstance(e, Expr) or isinstance(e, Num):
        return e
    return e.with_args(tuple(map(bare, e.args)))


def written_key(value: Expr, known: Any) -> Stated | None:
    """A key of columns and matrices as people write it, for texts that its own reader
    refuses: sizes that do not fit, a trace of a rectangular matrix."""
    from solver.mistaken.typed import as_written

    found = as_written(value)
    if found is None:
        return None
    dims, kinds = dict(found.dims), dict(found.kinds)
    for e in (known or {}).values():
        other = as_written(e) if isinstance(e, Expr) else None
        if other is not None:
            dims.update(other.dims)
            kinds.update(other.kinds)
    names = {"known": tuple(dict.fromkeys([*dims, *kinds, *letters_in(found.tree)]))}
    tied = any(getattr(n, "flags", None) for n in walk(value))
    settings = {"tied": True} if tied else {}
    return Stated("expression", show(value), found.tree, names, kinds, dims, settings)


def letters_in(e: Expr) -> list[str]:
    return [n.name for n in walk(e) if isinstance(n, Sym)]


def special(e: Expr) -> bool:
    return any(isinstance(n, (Series, Cases)) or n.TYPED for n in walk(e))


def declared(*trees: Any) -> dict[str, str]:
    """What is assumed of the letters of sizes."""
    return {s.name: KINDS[s.kind] for s in letters(*trees)}


def number(value: Any, unit: str) -> Stated:
    """A number in its unit; one of memory is kept in bytes."""
    factor = MEMORY.get(unit.lower(), 1)
    exact = Fraction(str(value)) if isinstance(value, float) else Fraction(value)
    whole = isinstance(value, int) and factor == 1
    dimension = "byte" if unit.lower() in MEMORY else UNITS.get(unit.lower(), "")
    amount = Amount(exact * factor, Fraction(0), dimension, text=show(value))
    settings: dict[str, Any] = {"scale": factor, "unit": unit}
    if isinstance(value, float):  # computed in floats: equal to rounding
        settings["close"] = 1e-9
    return Stated(
        "integer" if whole else "number", show(value), amount, {}, {}, {}, settings
    )


def sizes(value: Shape, order: str) -> Stated:
    trees = tuple(
        bare(tree(x)) if not isinstance(x, (tuple, list)) else x for x in value
    )
    found = declared(*value)
    settings = {
        "order": (value.order or order) if len(value) == 3 else "",
        "either_order": True,
    }
    return Stated(
        "shape", show(value), trees, {"known": tuple(found)}, found, {}, settings
    )
