"""Answers that are trees: expressions, cases, matrices, equations, inequalities, sets, lists.

A key and an answer are read by the same reader; the student's knows the key's letters and
refuses words that nobody declared. A chain a = b = c is answered by its last member.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from solver.answers.agreement import Finding, compare, differing_entries, probe_for
from solver.answers.given import Given, answer_tree, chained, key_tree
from solver.answers.items import in_order
from solver.answers.regions import choices
from solver.answers.stated import Stated
from solver.answers.statements import same_relation
from solver.core import BadInput
from solver.expressions.nodes import (
    Call,
    Expr,
    Mul,
    Sym,
    walk,
)
from solver.expressions.written import (
    Grid,
    Group,
    Index,
    Logic,
    Relation,
    SetOp,
    Turned,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


# -- expressions, cases, matrices ---------------------------------------------------------


def state_expression(text: str, spec: Mapping[str, Any]) -> tuple[Expr, dict[str, Any]]:
    """(the key, what it settles): p = (k − 1)/2 has the subject p."""
    e = key_tree(text, spec)
    if isinstance(e, Relation) and e.signs == ("=",):
        left, right = e.members
        if isinstance(left, (Sym, Index)):
            return right, {"subject": left, "whole": e}
    if isinstance(e, (Relation, Logic, Group)) and not isinstance(e, Grid):
        raise BadInput("the key is no expression: choose another form")
    return e, {}


def read_expression(stated: Stated, text: str) -> Given:
    e = answer_tree(stated, text)
    whole = stated.settings.get("whole")
    if whole is not None and isinstance(e, Relation) and e.signs == ("=",):
        subject = stated.settings["subject"]
        if e.members[0] != subject and any(n == subject for n in walk(e)):
            return Given(e)
    if len(choices(e)) > 1:
        raise BadInput(
            "± leaves two answers open: one is asked for", text=text, offset=0
        )
    return chained(stated, e, text)


def same_expression(stated: Stated, value: Expr) -> Finding:
    if isinstance(value, Relation):
        return same_relation(stated.settings["whole"], value, stated.kinds, stated.dims)
    if isinstance(value, (Group, SetOp, Logic)):
        return Finding(False, "An expression is asked for.")
    if left_open(value) and not left_open(stated.value):
        return Finding(None, "It leaves a derivative to be worked out.")
    found = compare(stated.value, value, stated.kinds, stated.dims)
    if found.same is False and stated.settings.get("either_layout"):
        other = compare(Turned(stated.value), value, stated.kinds, stated.dims)
        if other.same:
            return Finding(True, "Read in the other layout: the transpose of the key.")
    return found


def left_open(e: Expr) -> bool:
    """Whether a tree has a derivative that is only written, σ′(z)."""
    return any(isinstance(n, Call) and n.args[0].endswith("'") for n in walk(e))


def read_matrix(stated: Stated, text: str) -> Given:
    if not re.search(r"[\[({\\]", text) and re.search(r"[;\n]", text.strip()):
        text = "[" + re.sub(r"\s*[;\n]\s*", "; ", text.strip()) + "]"  # rows as lines
    e = answer_tree(stated, text)
    if isinstance(e, Relation):
        return chained(stated, e, text)
    rows = rows_of(e)
    if rows:
        return Given(Grid(len(rows[0]), *[x for row in rows for x in row]))
    if (
        isinstance(e, Group)
        and e.items
        and not any(isinstance(x, (Group, Grid)) for x in e.items)
    ):
        n = len(e.items)  # a row of numbers; a column where the key is one
        upright = isinstance(stated.value, Grid) and stated.value.args[0] == 1
        return Given(Grid(1 if upright else n, *e.items))
    if isinstance(e, Group) and e.items and all(isinstance(x, Group) for x in e.items):
        raise BadInput("the rows of this matrix are not of one length")
    return Given(e)


def rows_of(e: Expr) -> list[list[Expr]]:
    """((1, 2), (3, 4)) and {{1, 2}, {3, 4}} as rows; none where it is no matrix."""
    items = e.args if isinstance(e, Mul) else e.items if isinstance(e, Group) else ()
    rows = [list(x.items) for x in items if isinstance(x, Group) and x.items]
    if len(rows) < len(items):
        return []
    return rows if rows and len({len(r) for r in rows}) == 1 else []


def same_matrix(stated: Stated, value: Expr) -> Finding:
    key = stated.value
    plain = not any(isinstance(n, (Relation, Group, SetOp)) for n in walk(key))
    if plain:
        found = same_expression(stated, value)
        if found.same is False and not found.why:
            off = differing_entries(
                probe_for(key, value, stated.kinds, stated.dims), value
            )
            if off and len(off) <= 6:
                where = ", ".join(f"({i}, {j})" for i, j in off)
                found = Finding(False, f"Not right: the entr{'y' if len(off) == 1 else 'ies'} "
                                       f"{where} (row, column).", off)  # fmt: skip
        return found
    if (
        not isinstance(key, Grid)
        or not isinstance(value, Grid)
        or key.args[0] != value.args[0]
    ):
        return Finding(False if isinstance(value, (Grid, Group)) else None)
    return in_order(stated, list(key.args[1:]), list(value.args[1:]))


# -- equations and inequalities -----------------------------------------------------------


# -- sets, intervals, lists ---------------------------------------------------------------
