"""Items of lists, sets and matrices compared one by one, whatever they are."""

from __future__ import annotations

from solver.answers.agreement import Finding, compare
from solver.answers.regions import same_items
from solver.answers.related import related
from solver.answers.stated import Stated
from solver.expressions.nodes import Expr
from solver.expressions.written import (
    Grid,
    Group,
    Logic,
    Relation,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    pass


def listed(e: Expr) -> list[Expr]:
    if isinstance(e, Grid) and e.args[0] == len(e.args) - 1:
        return list(e.args[1:])
    if isinstance(e, Group):
        return list(e.items)
    return [e]


def in_order(stated: Stated, key: list[Expr], given: list[Expr]) -> Finding:
    """Whether values agree one by one; where they do not."""
    found = [same_any(stated, a, b).same for a, b in zip(key, given)]
    if len(key) != len(given) or False in found:
        at = [i + 1 for i, f in enumerate(found) if f is False]
        return Finding(False, "", at)
    return Finding(None if None in found else True)


def same_any(stated: Stated, a: Expr, b: Expr) -> Finding:
    """Two items of a list or set, whatever they are."""
    logical = (Relation, Logic)
    if isinstance(a, logical) or isinstance(b, logical):
        if not (isinstance(a, logical) and isinstance(b, logical)):
            return Finding(False)
        return related(stated, a, b)
    if isinstance(a, (Group, Grid)) and isinstance(b, (Group, Grid)):
        if isinstance(a, Group) and a.fences == "{}":
            if not (isinstance(b, Group) and b.fences == "{}"):
                return Finding(False)
            return same_items(
                list(a.items), list(b.items), lambda x, y: same_any(stated, x, y)
            )
        x, y = listed(a), listed(b)
        if len(x) != len(y):
            return Finding(False)
        return in_order(stated, x, y)
    if isinstance(a, Group) or isinstance(b, Group):
        return Finding(False)
    return compare(a, b, stated.kinds, stated.dims)
