"""The forms of stated answers: how each states its key, reads an answer and compares.

One table: form -> (state, read, same). `state_key` makes a Stated of an author's text,
`read_answer` a Given of a student's, `same` holds them against each other, and `shown`
says how an answer was understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from solver.answers import (
    collections,
    named,
    numbers,
    prose,
    relations,
    sizes,
    trees,
    words,
)
from solver.answers.agreement import Finding, compare
from solver.answers.amounts import Amount, with_points
from solver.answers.given import Given, learned
from solver.answers.stated import FORMS, Stated
from solver.core import BadInput
from solver.expressions.nodes import Expr
from solver.expressions.written import Group
from solver.reading.macros import guard
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    State = Callable[[str, Mapping[str, Any]], tuple[Any, dict[str, Any]]]
    Read = Callable[[Stated, str], Given]
    Same = Callable[[Stated, Any], Finding]

TABLE: dict[str, tuple[State, Read, Same]] = {
    "number": (numbers.state_number, numbers.read_number, numbers.same_number),
    "integer": (numbers.state_integer, numbers.read_number, numbers.same_integer),
    "shape": (sizes.state_sizes, sizes.read_sizes, sizes.same_sizes),
    "assignments": (named.state_named, named.read_named, named.same_named),
    "choice": (words.state_options, words.read_options, words.same_words),
    "ranking": (words.state_ranking, words.read_ranking, words.same_words),
    "set": (collections.state_set, collections.read_set, collections.same_sets),
    "interval": (
        collections.state_interval,
        collections.read_interval,
        collections.same_interval,
    ),
    "list": (collections.state_list, collections.read_list, collections.same_list),
    "equation": (
        relations.state_relation,
        relations.read_relation,
        relations.same_equation,
    ),
    "inequality": (
        relations.state_relation,
        collections.read_plain,
        relations.same_inequality,
    ),
    "expression": (
        trees.state_expression,
        trees.read_expression,
        trees.same_expression,
    ),
    "piecewise": (trees.state_expression, trees.read_expression, trees.same_expression),
    "matrix": (trees.state_expression, trees.read_matrix, trees.same_matrix),
    "complexity": (words.state_class, words.read_class, words.same_class),
    "prose": (prose.state_prose, prose.read_prose, prose.same_prose),
}
assert TABLE.keys() == FORMS.keys()
SETTINGS = ("tol", "either_order", "either_layout", "rounded", "options", "comma")
SPACES = re.compile(r"[^\S\n]+|\n\s*\n\s*")
LISTS = (
    "shape",
    "list",
    "set",
    "interval",
    "choice",
    "ranking",
    "prose",
)  # commas separate


def state_key(form: str, text: str, spec: Mapping[str, Any]) -> Stated:
    """A key as its author states it. Raises BadInput with a caret.

    spec: known (declared letters), alias, functions, kinds, dims, and settings of the form.
    """
    if form not in TABLE:
        raise unknown("form of answer", form, list(TABLE))
    value, settled = TABLE[form][0](text, spec)
    names = dict(spec)
    for tree in trees_in(value):
        names = learned(tree, names)
    if isinstance(settled.get("whole"), Expr):
        names = learned(settled["whole"], names)
    settings = {k: spec[k] for k in SETTINGS if spec.get(k) not in (None, "", (), {})}
    return Stated(form, text, value, names, spec.get("kinds", {}), spec.get("dims", {}),
                  {**settings, **settled})  # fmt: skip


def trees_in(value: Any) -> list[Expr]:
    """The trees of a value, wherever they are."""
    if isinstance(value, Expr):
        return [value]
    if isinstance(value, Amount):
        return trees_in(value.value)
    if isinstance(value, Mapping):
        return [t for v in value.values() for t in trees_in(v)]
    if isinstance(value, (tuple, list)):
        return [t for v in value for t in trees_in(v)]
    return []


def read_answer(stated: Stated, text: str) -> Given:
    """A student's text by the form that is asked for. Raises BadInput."""
    if stated.form != "prose":
        guard(text)
        text = SPACES.sub(" ", text)  # long gaps cost the patterns behind this time
    if not text.strip():
        raise BadInput("there is no answer")
    apart = ";" in text and re.search(r"\d,\d", text) and not re.search(r",\s", text)
    if (
        stated.settings.get("comma")
        and stated.form not in LISTS
        or (apart and stated.form in ("list", "set", "interval", "assignments"))
    ):  # 0,5; 0,25
        text = with_points(text)
    return replace(TABLE[stated.form][1](stated, text), key=stated)


def same(stated: Stated, value: Any) -> Finding:
    """Whether a value read is the key's."""
    return TABLE[stated.form][2](stated, value)


def with_value(stated: Stated, value: Any) -> Stated:
    """The key with another value: a mistake, to be compared as the key is."""
    settings = {k: v for k, v in stated.settings.items() if k != "whole"}
    if stated.form == "shape":
        value = value.items if isinstance(value, Group) else (value,)
    return replace(stated, value=value, settings=settings)


def broken(stated: Stated, given: Given) -> tuple[Any, Any] | None:
    """The first link of a chain that does not hold: (left, right)."""
    for i, (a, b) in enumerate(zip(given.chain, given.chain[1:])):
        if isinstance(a, Amount):
            holds = numbers.linked(a, b)
        elif given.signs and given.signs[i] == "≈":
            holds = compare(a, b, stated.kinds, stated.dims).same or None
        else:
            holds = compare(a, b, stated.kinds, stated.dims).same
        if holds is False:
            return a, b
    return None


def shown(value: Any) -> str:
    """How a value was understood, as text."""
    from solver.expressions.show import text
    from solver.values import show

    if isinstance(value, Given):
        if value.key is not None and value.key.form == "shape":
            sizes = (
                value.value.items if isinstance(value.value, Group) else (value.value,)
            )
            return " × ".join(f"({s})" if " " in s else s for s in map(shown, sizes))
        if not value.chain:
            return shown(value.value)
        pieces = [shown(value.chain[0])]
        for sign, member in zip(value.signs, value.chain[1:]):
            pieces += [sign, shown(member)]
        return " ".join(pieces)
    if isinstance(value, Expr):
        return text(value)
    if isinstance(value, Amount):
        if value.said:
            return value.said
        if isinstance(value.value, Expr):
            return text(value.value)
        about = "about " if value.rounded and value.slack else ""
        unit = {"byte": " bytes", "flop": " FLOPs", "mac": " MACs"}.get(value.unit, "")
        return about + show(value.value) + unit
    if isinstance(value, Mapping):
        return ", ".join(f"{k} = {shown(v)}" for k, v in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(shown, value))
    return str(value)
