"""What a student gave: the text as a tree, its label taken off, the chain it ends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from solver.answers.amounts import members_of, undressed
from solver.answers.stated import Stated
from solver.core import BadInput
from solver.expressions.nodes import Call, Expr, Sym, walk
from solver.expressions.written import (
    Group,
    Index,
    Logic,
    Relation,
    Sigma,
)
from solver.reading.names import Names
from solver.reading.reader import read_written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


NAMED = re.compile(
    r"\s*(d[A-Z]\w{0,6}|[A-Za-z]\w{0,3}(?:'|′|\^\{?\\prime\}?)(?:\s*\([^()=]{0,12}\))?)\s*(?:=|:=|←)(?!=)"
)
CONDITIONS = 12
CONSTANTS = ("e", "pi", "i", "∞")


@dataclass(frozen=True, eq=False)
class Given:
    """What a student gave: the value, and the members of the chain that led to it."""

    value: Any
    chain: tuple[
        Any, ...
    ] = ()  # all members, the value last; empty where there is none
    signs: tuple[str, ...] = ()
    remark: str = ""
    key: Stated | None = None  # the key by whose form it was read


def names_for(spec: Mapping[str, Any], strict: bool) -> Names:
    """The names that a key declares, for its own text or for a student's."""
    return Names(
        spec.get("known", ()), spec.get("alias", {}), spec.get("functions", {}), strict,
        spec.get("calls", ()), [n for n, d in spec.get("dims", {}).items() if len(d) == 1],
    )  # fmt: skip


def learned(tree: Expr, spec: Mapping[str, Any]) -> dict[str, Any]:
    """What is declared, with the letters and functions that the key itself uses."""
    letters = {
        n.args[0] for n in walk(tree) if isinstance(n, Sym) and n.args[1] != "name"
    }
    letters |= {n.base for n in walk(tree) if isinstance(n, Index)}
    letters |= {n.args[2] for n in walk(tree) if isinstance(n, Sigma)}
    calls = {
        n.args[0][5:]
        for n in walk(tree)
        if isinstance(n, Call) and n.args[0][:5] == "call "
    }
    known = dict.fromkeys([*spec.get("known", ()), *sorted(letters - set(CONSTANTS))])
    return {**spec, "known": tuple(known), "calls": tuple(sorted(calls))}


def key_tree(text: str, spec: Mapping[str, Any]) -> Expr:
    """The author's key."""
    return read_written(text, names_for(spec, False))


def answer_tree(stated: Stated, text: str) -> Expr:
    """A student's text as a tree; a label or a sentence in front taken off."""
    names = names_for(stated.names, True)
    text = undressed(text)
    found = read_labelled(stated, text, names)
    if sum(isinstance(n, Relation) for n in walk(found)) > CONDITIONS:
        raise BadInput(f"more than {CONDITIONS} conditions are not read")
    return found


def read_labelled(stated: Stated, text: str, names: Names) -> Expr:
    """The tree behind the name of what was asked for: dW = …"""
    relational = stated.form in ("equation", "inequality")
    found = None if relational else NAMED.match(text)
    if found and not names.is_known(found[1]):  # dW = …, f'(x) = …, y' = …
        text = text[found.end() :]
    try:
        return read_written(text, names)
    except BadInput as first:
        if relational:  # its left side is a part of the answer
            raise
        members, signs = members_of(text)
        if (
            len(members) < len(re.split(r"(?<![<>=:!~\\])[=≈](?!=)", text))
            and members[0]
        ):
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
    if e.signs[0] == "←" and len(e.members) > 1:  # w ← …: the left side is a name
        rest = e.members[1:]
        e = Relation(e.signs[1:], *rest) if len(rest) > 1 else rest[0]
        return chained(stated, e, text)
    if any(s not in ("=", "≈") for s in e.signs):
        raise BadInput(
            "an expression is asked for, not a relation", text=text, offset=0
        )
    members, signs = list(e.members), list(e.signs)
    alone = len(members) == 2 and isinstance(members[0], (Sym, Index))
    if len(members) > 1 and (
        alone or members[0] == Group("") or labels(stated, members[0])
    ):
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
