"""Answers that are values by name: p = 1, s = 2."""

from __future__ import annotations

import re
from collections.abc import Mapping

from solver.answers.agreement import Finding, compare
from solver.answers.given import Given, names_for
from solver.answers.stated import Stated
from solver.core import BadInput
from solver.expressions.nodes import Expr
from solver.expressions.written import Group, Logic, Relation
from solver.reading.macros import guard
from solver.reading.reader import read_written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def state_named(
    text: str, spec: Mapping[str, Any]
) -> tuple[dict[str, Expr], dict[str, Any]]:
    found = named(text, spec, False)
    if not found:
        raise BadInput("the key gives no value by name: p = 1, s = 2")
    return found, {}


def named(
    text: str, spec: Mapping[str, Any], strict: bool, wanted: Any = ()
) -> dict[str, Expr]:
    """Values by name: p = 1 and s = 2; padding 1, stride: 2."""
    names = names_for(spec, strict)
    guard(text)
    bare = re.sub(r"\\(?:text|mathrm)\s*\{([^{}]*)\}", r" \1 ", text)
    bare = re.sub(r"\\[,;:! ]|\\q?quad|(?<!\\)\$", " ", bare)
    pieces = [
        p.strip(" .()")
        for p in re.split(r"[,;\n]|\band\b|\bwith\b|&|\s+(?=[A-Za-z]+\s*=)", bare)
        if p.strip(" .()")
    ]
    found: dict[str, Expr] = {}
    for piece in pieces[:40]:
        m = re.fullmatch(
            r"(?:(?:a|the)\s+)?(\\?[A-Za-zα-ω][\w]*(?:\s(?!is\b|of\b)[a-z]+)?)\s*(?:[=:]|\bis\b|\bof\b|\s)\s*(.+)",
            piece, re.S,
        )  # fmt: skip
        if not m:
            raise BadInput(
                "write each value behind its name, as in " + ", ".join(f"{w} = …" for w in wanted),
                text=text, offset=max(0, text.find(piece)),
            )  # fmt: skip
        word = re.sub(r"\s+(?:size|value)$", "", m[1].strip().lstrip("\\"))
        name = names.name(word if names.is_known(word) else word.lower())
        if wanted and name not in wanted:
            name = names.name(word)
        if wanted and name not in wanted:
            raise BadInput(f"{word[:30]!r} is not asked for: {', '.join(wanted)}", text=text,
                           offset=max(0, text.find(word)))  # fmt: skip
        if name in found:
            raise BadInput(f"{name} is given twice", text=text, offset=0)
        e = read_written(m[2], names)
        if isinstance(e, (Logic, Relation)) or isinstance(e, Group) and not e.fences:
            raise BadInput(f"one value is asked for {name}", text=text, offset=0)
        found[name] = e
    return found


def read_named(stated: Stated, text: str) -> Given:
    wanted = tuple(stated.value)
    if not re.search(r"[A-Za-z]", text):
        values = [p for p in re.split(r"[,;\s]+", text.strip(" ()")) if p]
        raise BadInput(
            f"{len(values)} values without names: write " + ", ".join(f"{w} = …" for w in wanted),
            text=text, offset=0,
        )  # fmt: skip
    found = named(text, stated.names, True, wanted)
    if not found:
        raise BadInput("there is no answer")
    return Given(found)


def same_named(stated: Stated, value: Mapping[str, Expr]) -> Finding:
    key = stated.value
    each = {
        k: compare(key[k], value[k], stated.kinds, stated.dims).same
        for k in key
        if k in value
    }
    off = [k for k in key if each.get(k) is not True]
    if len(each) < len(key) or False in each.values():
        missing = [k for k in key if k not in value]
        said = (
            f"Not right: {', '.join(k for k in off if k in value)}."
            if len(off) > len(missing)
            else ""
        )
        if missing:
            said += f" Missing: {', '.join(missing)}."
        return Finding(False, said.strip(), off)
    return Finding(None if None in each.values() else True)
