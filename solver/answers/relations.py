"""Answers that are equations and inequalities in real variables."""

from __future__ import annotations

from collections.abc import Mapping

from solver.answers.agreement import Finding, compare
from solver.answers.given import Given, answer_tree, key_tree
from solver.answers.items import in_order
from solver.answers.regions import is_set
from solver.answers.related import about, related
from solver.answers.stated import Stated
from solver.core import BadInput
from solver.expressions.nodes import (
    Expr,
    Sym,
    walk,
)
from solver.expressions.written import (
    Choice,
    Group,
    Index,
    Logic,
    Relation,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def state_relation(text: str, spec: Mapping[str, Any]) -> tuple[Expr, dict[str, Any]]:
    e = key_tree(text, spec)
    if isinstance(e, Group) and not e.fences:
        return e, {}
    if not isinstance(e, (Relation, Logic)):
        raise BadInput("the key is no equation or inequality: choose another form")
    settled = about(e)
    if isinstance(e, Relation) and len(e.members) == 2 and update(e):
        return Relation(("←",), *e.members), {**settled, "subject": e.members[0]}
    return e, settled


def update(e: Relation) -> bool:
    """Whether a relation gives a letter a new value: w ← w − ηg, or w = w − ηg."""
    left, right = e.members
    if not isinstance(left, (Sym, Index)):
        return False
    return (
        e.signs == ("←",) or e.signs == ("=",) and any(n == left for n in walk(right))
    )


def read_relation(stated: Stated, text: str) -> Given:
    e = answer_tree(stated, text)
    subject = stated.settings.get("subject")
    if (
        subject is not None
        and isinstance(e, Relation)
        and len(e.members) > 2
        and (e.members[0] == subject and all(s in "=≈" for s in e.signs))
    ):
        return Given(
            Relation(("=",), subject, e.members[-1]), e.members[1:], e.signs[1:]
        )
    return Given(e)


def same_equation(stated: Stated, value: Expr) -> Finding:
    """The same solutions; the right side alone where the left is a letter."""
    key, subject = stated.value, stated.settings.get("subject")
    if isinstance(key, Relation) and key.signs == ("←",):
        return same_update(stated, key, value)
    if isinstance(value, Relation) and "←" in value.signs:
        return Finding(
            None, "It is written as a definition: a person has to decide this."
        )
    if isinstance(key, Group) or isinstance(value, Group) and not value.fences:
        return same_values(stated, value)
    if isinstance(value, (Relation, Logic)) or any(
        isinstance(n, Choice) for n in walk(value)
    ):
        if not isinstance(value, (Relation, Logic)) and subject is not None:
            value = Relation(("=",), subject, value)
        if solved(key, subject) and solved(value, subject):
            return compare(key.args[2], value.args[2], stated.kinds, stated.dims)
        return related(stated, key, value)
    if subject is None or is_set(value) or isinstance(value, Group):
        return Finding(False, "An equation is asked for.")
    if isinstance(key, Relation) and key.members[0] == subject and key.signs == ("=",):
        return compare(key.members[1], value, stated.kinds, stated.dims)
    return Finding(False, "An equation is asked for.")


def solved(e: Expr, subject: Any) -> bool:
    """Whether an equation says what its subject is: y = … without y on the right."""
    return (
        isinstance(e, Relation)
        and e.signs == ("=",)
        and e.members[0] == subject
        and not any(n == subject for n in walk(e.members[1]))
    )


def same_update(stated: Stated, key: Relation, value: Expr) -> Finding:
    """The new values, of the same letter."""
    if (
        isinstance(value, Relation)
        and len(value.members) == 2
        and value.signs[0] in "←="
    ):
        if value.members[0] != key.members[0]:
            return Finding(None, "It gives another letter its value.")
        value = value.members[1]
    if isinstance(value, (Relation, Logic, Group)):
        return Finding(False, "A new value is asked for.")
    return compare(key.members[1], value, stated.kinds, stated.dims)


def same_values(stated: Stated, value: Expr) -> Finding:
    """Several equations that give letters their values, in order or by name."""
    key = stated.value
    a, b = named_values(key), named_values(value)
    if a is None or b is None or len(a) != len(b):
        return Finding(False if a is not None and b is not None else None)
    if (
        all(n for n, _ in a)
        and all(n for n, _ in b)
        and len({n for n, _ in a}) == len(a)
    ):
        theirs = dict(b)
        if set(theirs) != {n for n, _ in a}:
            return Finding(False)
        return in_order(stated, [v for _, v in a], [theirs[n] for n, _ in a])
    return in_order(stated, [v for _, v in a], [v for _, v in b])


def named_values(e: Expr) -> list[tuple[Any, Expr]] | None:
    """(letter or nothing, value) of x = 1, y = 2, or of 1, 2."""
    items = list(e.items) if isinstance(e, Group) else [e]
    found: list[tuple[Any, Expr]] = []
    for x in items:
        if isinstance(x, Relation):
            if x.signs != ("=",):
                return None
            found.append((x.members[0], x.members[1]))
        else:
            found.append((None, x))
    return found


def same_inequality(stated: Stated, value: Expr) -> Finding:
    subject, key = stated.settings.get("subject"), stated.value
    if subject is None and isinstance(key, Relation) and len(key.members) == 3:
        subject = key.members[1]  # 0 < η < 2/L is about η
    if isinstance(value, Group) and value.fences == "()" and len(value.items) == 2:
        value = Relation(("∈",), subject, value) if subject is not None else value
    if is_set(value) and subject is not None:
        value = Relation(("∈",), subject, value)
    if not isinstance(value, (Relation, Logic)):
        return Finding(False, "An inequality is asked for.")
    return related(stated, stated.value, value)
