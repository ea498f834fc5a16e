"""Answers that are trees: expressions, cases, matrices, equations, inequalities, sets, lists.

A key and an answer are read by the same reader; the student's knows the key's letters and
refuses words that nobody declared. A chain a = b = c is answered by its last member.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from solver.answers.agreement import Finding, compare, differing_entries, probe_for
from solver.answers.amounts import is_label, members_of, undressed
from solver.answers.regions import (
    NotReal,
    choices,
    is_set,
    same_items,
    same_relation,
    same_set,
)
from solver.answers.stated import Stated
from solver.core import BadInput
from solver.expressions.nodes import Add, Call, Div, Expr, Pow, Sym, walk
from solver.expressions.tokens import Names, canonical
from solver.expressions.tolerant import read_written
from solver.expressions.written import Choice, Grid, Group, Index, Logic, Relation, SetOp, Sigma

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CONSTANTS = ("e", "pi", "i", "∞")


@dataclass(frozen=True, eq=False)
class Given:
    """What a student gave: the value, and the members of the chain that led to it."""

    value: Any
    chain: tuple[Any, ...] = ()  # all members, the value last; empty where there is none
    signs: tuple[str, ...] = ()
    remark: str = ""
    key: Stated | None = None  # the key by whose form it was read


def names_for(spec: Mapping[str, Any], strict: bool) -> Names:
    """The names that a key declares, for its own text or for a student's."""
    return Names(
        spec.get("known", ()), spec.get("alias", {}), spec.get("functions", {}), strict,
        spec.get("calls", ()),
    )  # fmt: skip


def learned(tree: Expr, spec: Mapping[str, Any]) -> dict[str, Any]:
    """What is declared, with the letters and functions that the key itself uses."""
    letters = {n.args[0] for n in walk(tree) if isinstance(n, Sym) and n.args[1] != "name"}
    letters |= {n.base for n in walk(tree) if isinstance(n, Index)}
    letters |= {n.args[2] for n in walk(tree) if isinstance(n, Sigma)}
    calls = {n.args[0][5:] for n in walk(tree) if isinstance(n, Call) and n.args[0][:5] == "call "}
    known = dict.fromkeys([*spec.get("known", ()), *sorted(letters - set(CONSTANTS))])
    return {**spec, "known": tuple(known), "calls": tuple(sorted(calls))}


def key_tree(text: str, spec: Mapping[str, Any]) -> Expr:
    """The author's key."""
    return read_written(text, names_for(spec, False))


def answer_tree(stated: Stated, text: str) -> Expr:
    """A student's text as a tree; a label or a sentence in front taken off."""
    names = names_for(stated.names, True)
    text = undressed(text)
    try:
        return read_written(text, names)
    except BadInput as first:
        members, signs = members_of(text)
        if len(members) < len(re.split(r"(?<![<>=:!~\\])[=≈](?!=)", text)) and members[0]:
            rest = members[0] + "".join(f" {s} {m}" for s, m in zip(signs, members[1:]))
            try:
                return read_written(rest, names)
            except BadInput:
                raise first from None
        raise


def chained(stated: Stated, e: Expr, text: str) -> Given:
    """An expression, or the chain that ends in it. Raises BadInput for what is no answer."""
    if isinstance(e, Logic):
        raise BadInput("one answer is asked for, not alternatives", text=text, offset=0)
    if isinstance(e, Group) and not e.fences:
        raise BadInput("one answer is asked for, not several", text=text, offset=0)
    if not isinstance(e, Relation):
        return Given(e)
    if any(s not in ("=", "≈") for s in e.signs):
        raise BadInput("an expression is asked for, not a relation", text=text, offset=0)
    members, signs = list(e.members), list(e.signs)
    if len(members) > 1 and (members[0] == Group("") or labels(stated, members[0])):
        members, signs = members[1:], signs[1:]
    if len(members) == 1:
        return Given(members[0])
    return Given(members[-1], tuple(members), tuple(signs))


def labels(stated: Stated, e: Expr) -> bool:
    """Whether a member only names the answer: L = …, f(x) = …"""
    if isinstance(e, Call):
        return e.args[0].startswith("call ")
    if not isinstance(e, (Sym, Index)):
        return False
    if e == stated.settings.get("subject"):
        return True
    used = {n.args[0] for n in walk(stated.value) if isinstance(n, (Sym, Index))}
    return e.args[0] not in used


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
        raise BadInput("± leaves two answers open: one is asked for", text=text, offset=0)
    return chained(stated, e, text)


def same_expression(stated: Stated, value: Expr) -> Finding:
    if isinstance(value, Relation):
        return same_relation(stated.settings["whole"], value, stated.kinds, stated.dims)
    if isinstance(value, (Group, SetOp, Logic)):
        return Finding(False, "An expression is asked for.")
    return compare(stated.value, value, stated.kinds, stated.dims)


def read_matrix(stated: Stated, text: str) -> Given:
    e = answer_tree(stated, text)
    if isinstance(e, Relation):
        return chained(stated, e, text)
    if isinstance(e, Group) and e.items and not any(isinstance(x, (Group, Grid)) for x in e.items):
        n = len(e.items)  # a row of numbers; a column where the key is one
        upright = isinstance(stated.value, Grid) and stated.value.args[0] == 1
        return Given(Grid(1 if upright else n, *e.items))
    return Given(e)


def same_matrix(stated: Stated, value: Expr) -> Finding:
    key = stated.value
    plain = not any(isinstance(n, (Relation, Group, SetOp)) for n in walk(key))
    if plain:
        found = compare(key, value, stated.kinds, stated.dims)
        if found.same is False and not found.why:
            off = differing_entries(probe_for(key, value, stated.kinds, stated.dims), value)
            if off and len(off) <= 6:
                where = ", ".join(f"({i}, {j})" for i, j in off)
                found = Finding(False, f"Not right: the entr{'y' if len(off) == 1 else 'ies'} "
                                       f"{where} (row, column).", off)  # fmt: skip
        return found
    if not isinstance(key, Grid) or not isinstance(value, Grid) or key.args[0] != value.args[0]:
        return Finding(False if isinstance(value, (Grid, Group)) else None)
    return in_order(stated, list(key.args[1:]), list(value.args[1:]))


# -- equations and inequalities -----------------------------------------------------------


def state_relation(text: str, spec: Mapping[str, Any]) -> tuple[Expr, dict[str, Any]]:
    e = key_tree(text, spec)
    if isinstance(e, Group) and not e.fences:
        return e, {}
    if not isinstance(e, (Relation, Logic)):
        raise BadInput("the key is no equation or inequality: choose another form")
    return e, about(e)


def about(e: Expr) -> dict[str, Any]:
    """The one thing that a relation is about: x of 0 < x < 2 and of x = 3."""
    members = [m for n in walk(e) if isinstance(n, Relation) for m in n.members]
    having = list(dict.fromkeys(m for m in members if lettered(m)))
    if len(having) == 1 and a_quantity(having[0]):
        return {"subject": having[0]}
    if isinstance(e, Relation) and e.signs == ("=",) and isinstance(e.members[0], (Sym, Index)):
        return {"subject": e.members[0]}
    return {}


def a_quantity(e: Expr) -> bool:
    """Whether a relation can be about this: a letter, f(x), |z|, a ratio of lengths NO/BO."""
    if isinstance(e, (Sym, Index)):
        return True
    if isinstance(e, Call):
        return e.args[0][:5] == "call " or isinstance(e.args[1], (Sym, Index))
    return isinstance(e, Div) and not any(isinstance(n, (Add, Pow)) for n in walk(e))


def lettered(e: Expr) -> bool:
    return any(isinstance(n, Index) or isinstance(n, Sym) and n.args[0] not in CONSTANTS
               or isinstance(n, Call) and n.args[0][:5] == "call " for n in walk(e))  # fmt: skip


def read_relation(stated: Stated, text: str) -> Given:
    e = answer_tree(stated, text)
    if ":=" in text and ":=" not in stated.text:
        return Given(Group(":=", e))
    subject = stated.settings.get("subject")
    if subject is not None and isinstance(e, Relation) and len(e.members) > 2 and (
        e.members[0] == subject and all(s in "=≈" for s in e.signs)
    ):
        return Given(Relation(("=",), subject, e.members[-1]), e.members[1:], e.signs[1:])
    return Given(e)


def same_equation(stated: Stated, value: Expr) -> Finding:
    """The same solutions; the right side alone where the left is a letter."""
    key, subject = stated.value, stated.settings.get("subject")
    if isinstance(value, Group) and value.fences == ":=":
        return Finding(None, "It is written as a definition: a person has to decide this.")
    if isinstance(key, Group) or isinstance(value, Group) and not value.fences:
        return same_values(stated, value)
    if isinstance(value, (Relation, Logic)) or any(isinstance(n, Choice) for n in walk(value)):
        if not isinstance(value, (Relation, Logic)) and subject is not None:
            value = Relation(("=",), subject, value)
        return related(stated, key, value)
    if subject is None or is_set(value) or isinstance(value, Group):
        return Finding(False, "An equation is asked for.")
    if isinstance(key, Relation) and key.members[0] == subject and key.signs == ("=",):
        return compare(key.members[1], value, stated.kinds, stated.dims)
    return Finding(False, "An equation is asked for.")


def related(stated: Stated, key: Expr, value: Expr) -> Finding:
    """Relations compared, what stands for the subject being a letter of its own."""
    subject = stated.settings.get("subject")
    named = isinstance(subject, Call) and subject.args[0][:5] == "call "
    if named or isinstance(subject, Index):
        letter = Sym("subject", "real")
        key, value = replaced(key, subject, letter), replaced(value, subject, letter)
        if named:
            value = replaced_calls(value, letter)
    try:
        return same_relation(key, value, stated.kinds, stated.dims)
    except NotReal:
        return Finding(None, "It cannot be decided at the points tried.")


def replaced(e: Any, old: Expr, new: Expr) -> Any:
    if e == old:
        return new
    if not isinstance(e, Expr):
        return e
    return e.with_args(tuple(replaced(a, old, new) for a in e.args))


def replaced_calls(e: Any, new: Expr) -> Any:
    if isinstance(e, Call) and e.args[0][:5] == "call ":
        return new
    if not isinstance(e, Expr):
        return e
    return e.with_args(tuple(replaced_calls(a, new) for a in e.args))


def same_values(stated: Stated, value: Expr) -> Finding:
    """Several equations that give letters their values, in order or by name."""
    key = stated.value
    a, b = named_values(key), named_values(value)
    if a is None or b is None or len(a) != len(b):
        return Finding(False if a is not None and b is not None else None)
    if all(n for n, _ in a) and all(n for n, _ in b) and len({n for n, _ in a}) == len(a):
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
    subject = stated.settings.get("subject")
    if is_set(value) and subject is not None:
        value = Relation(("∈",), subject, value)
    if not isinstance(value, (Relation, Logic)):
        return Finding(False, "An inequality is asked for.")
    return related(stated, stated.value, value)


# -- sets, intervals, lists ---------------------------------------------------------------


def state_set(text: str, spec: Mapping[str, Any]) -> tuple[Expr, dict[str, Any]]:
    e = key_tree(text, spec)
    return (as_set(e), {})


def as_set(e: Expr) -> Expr:
    """±1, x = 1 or x = −1, and a bare list as the set that they are."""
    if isinstance(e, Group) and e.fences in ("", "{}"):
        plain = len({bare(x) != x for x in e.items}) < 2  # all are x = …, or none
        return Group("{}", *[x for item in e.items for x in choices(bare(item) if plain else item)])
    if isinstance(e, Group) and e.fences == "()" and len(e.items) == 1:
        return as_set(e.items[0])
    if isinstance(e, Logic) and e.args[0] == "or":
        return Group("{}", *map(bare, e.args[1:]))
    if is_set(e) or isinstance(e, (SetOp, Group)):
        return e
    return Group("{}", *choices(bare(e)))


def bare(e: Expr) -> Expr:
    """x = 1 as 1, where x is a letter."""
    if isinstance(e, Relation) and e.signs == ("=",) and isinstance(e.members[0], (Sym, Index)):
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
    sides = [x if log else Relation(("∈",), subject, x) for x, log in zip((key, value), logical)]
    if any(isinstance(x, Relation) and x.signs == ("∈",) and not is_set(x.members[1]) for x in sides):
        return Finding(False, "An interval is asked for.")
    return related(stated, *sides)


def read_plain(stated: Stated, text: str) -> Given:
    return Given(answer_tree(stated, text))


def state_list(text: str, spec: Mapping[str, Any]) -> tuple[Expr, dict[str, Any]]:
    e = key_tree(text, spec)
    return Group("", *listed(e)), {}


def listed(e: Expr) -> list[Expr]:
    if isinstance(e, Grid) and e.args[0] == len(e.args) - 1:
        return list(e.args[1:])
    if isinstance(e, Group):
        return list(e.items)
    return [e]


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
        return same_items(key, got, lambda x, y: same_any(stated, x, y))  # solutions: a set
    if len(key) != len(got):
        return Finding(False)
    return in_order(stated, key, got)


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
            return same_items(list(a.items), list(b.items), lambda x, y: same_any(stated, x, y))
        x, y = listed(a), listed(b)
        if len(x) != len(y):
            return Finding(False)
        return in_order(stated, x, y)
    if isinstance(a, Group) or isinstance(b, Group):
        return Finding(False)
    return compare(a, b, stated.kinds, stated.dims)


__all__ = ["Given", "is_label"]
