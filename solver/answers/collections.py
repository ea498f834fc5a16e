"""Answers that are sets, intervals and lists."""

from __future__ import annotations

from collections.abc import Mapping

from solver.answers.agreement import Finding
from solver.answers.given import Given, answer_tree, key_tree, labels
from solver.answers.items import in_order, listed, same_any
from solver.answers.regions import NotReal, choices, is_set, same_items, same_set
from solver.answers.related import about, lettered, related
from solver.answers.stated import Stated
from solver.core import BadInput
from solver.expressions.nodes import Call, Expr, Sym
from solver.expressions.written import (
    Grid,
    Group,
    Index,
    Logic,
    Relation,
    SetOp,
)
from solver.reading.names import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def state_set(text: str, spec: Mapping[str, Any]) -> tuple[Expr, dict[str, Any]]:
    e = key_tree(text, spec)
    return (as_set(e), {})


def as_set(e: Expr) -> Expr:
    """±1, x = 1 or x = −1, and a bare list as the set that they are."""
    if isinstance(e, Group) and e.fences in ("", "{}"):
        plain = len({bare(x) != x for x in e.items}) < 2  # all are x = …, or none
        return Group(
            "{}",
            *[x for item in e.items for x in choices(bare(item) if plain else item)],
        )
    if isinstance(e, Group) and e.fences == "()" and len(e.items) == 1:
        return as_set(e.items[0])
    if isinstance(e, Logic):
        named = any(isinstance(x, (Relation, Logic)) for x in e.args[1:])
        if e.args[0] == "or" or e.args[0] == "and" and not named:  # −1 and 1
            return Group("{}", *map(bare, e.args[1:]))
    if is_set(e) or isinstance(e, (SetOp, Group)):
        return e
    return Group("{}", *choices(bare(e)))


def bare(e: Expr) -> Expr:
    """x = 1 as 1, where x is a letter."""
    if (
        isinstance(e, Relation)
        and e.signs == ("=",)
        and isinstance(e.members[0], (Sym, Index))
    ):
        return e.members[1] if not lettered(e.members[1]) else e
    return e


def read_set(stated: Stated, text: str) -> Given:
    e = answer_tree(stated, text)
    if isinstance(e, Relation) and e.signs == ("∈",):
        e = e.members[1]
    return Given(as_set(e))


def same_sets(stated: Stated, value: Expr) -> Finding:
    key = stated.value
    try:
        return same_set(key, value, stated.kinds, stated.dims)
    except NotReal:
        pass
    a, b = members(key), members(value)
    if a is None or b is None:
        return Finding(False if is_set(value) else None)
    return same_items(a, b, lambda x, y: same_any(stated, x, y))


def members(e: Expr) -> list[Expr] | None:
    """The members of a set written out."""
    if isinstance(e, Group) and e.fences == "{}":
        return list(e.items)
    return None


def state_interval(text: str, spec: Mapping[str, Any]) -> tuple[Expr, dict[str, Any]]:
    e = key_tree(text, spec)
    if isinstance(e, (Relation, Logic)):
        return e, about(e)
    if not is_set(e) and not (isinstance(e, Group) and e.fences == "()"):
        raise BadInput("the key is no interval: write [0, 1) or 0 <= x < 1")
    subject = spec.get("variable")
    return e, {"subject": Sym(canonical(subject), "real")} if subject else {}


def same_interval(stated: Stated, value: Expr) -> Finding:
    key = stated.value
    logical = [isinstance(x, (Relation, Logic)) for x in (key, value)]
    if not any(logical):
        if isinstance(value, Group) and value.fences == "":
            return Finding(False)
        if not is_set(value):
            return Finding(False, "An interval is asked for.")
        try:
            return same_set(key, value, stated.kinds, stated.dims)
        except NotReal:
            return Finding(False)
    subject = stated.settings.get("subject")
    if subject is None:
        other = value if logical[1] else key
        subject = about(other).get("subject")
    if subject is None:
        return Finding(None, "It is not said which letter lies between these bounds.")
    sides = [
        x if log else Relation(("∈",), subject, x)
        for x, log in zip((key, value), logical)
    ]
    if any(
        isinstance(x, Relation) and x.signs == ("∈",) and not is_set(x.members[1])
        for x in sides
    ):
        return Finding(False, "An interval is asked for.")
    return related(stated, *sides)


def read_interval(stated: Stated, text: str) -> Given:
    """An interval; between its ends stands a comma, or a semicolon. Raises BadInput."""
    e = bounded(answer_tree(stated, text))
    fenced = isinstance(e, Group) and e.fences != "{}" and len(e.fences) == 2
    if isinstance(e, Group) and fenced and len(e.items) > 2:
        raise BadInput(
            f"an interval has two ends, and here are {len(e.items)}: write decimals with a "
            "point, or a semicolon between the ends",
            text=text,
            offset=0,
        )
    return Given(e)


def bounded(e: Expr) -> Expr:
    """[0; 1], which reads as a column of two, as the interval that is asked for."""
    if isinstance(e, Grid):
        return Group("[]", *e.args[1:]) if e.args[0] == 1 and len(e.args) == 3 else e
    if isinstance(e, SetOp):
        return e.with_args((e.args[0], *(bounded(a) for a in e.args[1:])))
    return e


def read_plain(stated: Stated, text: str) -> Given:
    return Given(answer_tree(stated, text))


def state_list(text: str, spec: Mapping[str, Any]) -> tuple[Expr, dict[str, Any]]:
    e = key_tree(text, spec)
    return Group("", *listed(e)), {}


def read_list(stated: Stated, text: str) -> Given:
    e = answer_tree(stated, text)
    if isinstance(e, Relation) and len(e.members) == 2 and labels(stated, e.members[0]):
        e = e.members[1]
    if isinstance(e, Call) and len(e.args) == 2 and isinstance(e.args[1], Expr):
        inner = e.args[1]
        items = spread_items(inner)
        if items:  # sin of a list is the list of sines
            return Given(Group("", *[Call(e.args[0], x) for x in items]))
    return Given(Group("", *listed(e)))


def spread_items(e: Expr) -> list[Expr]:
    """The items of a list times a number: [1/8, 1/6]·π."""
    from solver.expressions.nodes import Mul

    if isinstance(e, (Group, Grid)):
        return listed(e)
    if isinstance(e, Mul):
        lists = [a for a in e.args if isinstance(a, (Group, Grid))]
        if len(lists) == 1:
            rest = [a for a in e.args if a is not lists[0]]
            return [Mul(x, *rest) for x in listed(lists[0])]
    return []


def same_list(stated: Stated, value: Expr) -> Finding:
    key, got = listed(stated.value), listed(value)
    if len(key) > 1 and all(isinstance(x, Group) and x.fences == "()" for x in key):
        return same_items(
            key, got, lambda x, y: same_any(stated, x, y)
        )  # solutions: a set
    if len(key) != len(got):
        return Finding(False)
    return in_order(stated, key, got)
