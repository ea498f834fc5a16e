"""Answers that are shapes: 64 x 62 x 62, 62 × 62 with 64 channels, H = 62, W = 62."""

from __future__ import annotations

import re
from collections.abc import Mapping

from solver.answers.agreement import Finding, compare
from solver.answers.amounts import undressed
from solver.answers.given import Given, names_for
from solver.answers.stated import Stated
from solver.core import BadInput
from solver.expressions.nodes import Expr, Num, Sym
from solver.expressions.written import Group, Logic, Relation
from solver.reading.macros import guard
from solver.reading.reader import read_written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


AXES = {"h": "H", "height": "H", "rows": "H", "w": "W", "width": "W", "columns": "W", "c": "C",
        "channels": "C", "channel": "C", "depth": "C", "filters": "C", "maps": "C", "n": "N",
        "batch": "N", "h_out": "H", "w_out": "W", "c_out": "C", "k": "C", "d": "D"}  # fmt: skip


CHANNELS = r"(?:channels?|(?:feature )?maps?|filters?|kernels?)"


SIZE_DRESS = [
    (re.compile(r"torch\.Size|tensor\.shape|\.shape|np\.shape|shape"), " "),
    (
        re.compile(
            r"\\(?:left|right)(?![a-z])|\\[,;:! ]|\\quad|(?<!\\)\$|\\\(|\\\)|\\\[|\\\]"
        ),
        " ",
    ),
    (re.compile(r"\\times|\\cdot|×|✕|\\ast|(?<=\d)\s*·\s*(?=\d)"), "x"),
    (re.compile(r"\\(?:text|mathrm|textrm)\s*\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"\bpixels?\b|\bpx\b"), " "),
]


def state_sizes(
    text: str, spec: Mapping[str, Any]
) -> tuple[tuple[Expr, ...], dict[str, Any]]:
    sizes, axes = cut_sizes(text, spec, False)
    order = spec.get("order") or ""
    if axes and order and len(axes) == len(order):
        sizes = tuple(sizes[axes.index(a)] for a in order)
    return sizes, {"order": order or axes}


def read_sizes(stated: Stated, text: str) -> Given:
    sizes, axes = cut_sizes(text, stated.names, True)
    order = stated.settings.get("order", "")
    remark = ""
    if axes and order and sorted(axes) == sorted(order):
        sizes = tuple(sizes[axes.index(a)] for a in order)
    elif axes == "C?" and order and len(sizes) == len(order):
        sizes = (sizes[0], *sizes[1:]) if order[0] == "C" else (*sizes[1:], sizes[0])
    return Given(Group("()", *sizes) if len(sizes) != 1 else sizes[0], (), (), remark)


def cut_sizes(
    text: str, spec: Mapping[str, Any], strict: bool
) -> tuple[tuple[Expr, ...], str]:
    """(sizes, their axes as far as they are named: "HWC", "C?" or nothing)."""
    guard(text)
    if len(text) > 400:
        raise BadInput("this is too long for a shape")
    bare = undressed(text)
    for pattern, replacement in SIZE_DRESS:
        bare = pattern.sub(replacement, bare)
    bare = bare.strip().rstrip(".").strip()
    names = names_for(spec, strict)
    labelled = re.findall(r"([A-Za-z_]+)\s*[=:]\s*(\d+)", bare)
    if len(labelled) > 1 and re.fullmatch(
        r"(?:[\s,;()\[\]]|and|[A-Za-z_]+\s*[=:]\s*\d+)+", bare
    ):
        axes = "".join(AXES.get(a.lower(), "?") for a, _ in labelled)
        if "?" in axes or len(set(axes)) != len(axes):
            raise BadInput(
                "the names of these sizes are not understood: H, W, C",
                text=text,
                offset=0,
            )
        return tuple(Num(int(n)) for _, n in labelled), axes
    front = re.fullmatch(
        rf"(\d+)\s*(?:{CHANNELS}\s*(?:of|with|,|:)?\s*(?:size\s*)?|@)\s*(.+)", bare
    )
    back = re.fullmatch(
        rf"(.+?)\s*(?:,|;|and|with|x|times)?\s*(\d+)\s*{CHANNELS}", bare
    )
    axes = ""
    if front:
        bare, axes = f"{front[1]}x{front[2]}", "C?"
    elif back:
        bare, axes = f"{back[2]}x{back[1]}", "C?"
    bare = re.sub(r"\b(?:by|times)\b", "x", bare)
    while bare[:1] in ("(", "[", "{") and bare[-1:] in (")", "]", "}"):
        bare = bare[1:-1].strip()
    bare = re.sub(r"(?<=[\d)])\s*[*]\s*(?=[\d(])", "x", bare)
    pieces = pieces_of(bare)
    if not all(pieces) or not pieces:
        raise BadInput("a size is missing in this shape", text=text, offset=0)
    if len(pieces) == 1 and re.fullmatch(r"\d+(?:\s+\d+)+", bare):
        pieces = bare.split()
    if len(pieces) > 8:
        raise BadInput("a shape has at most 8 sizes", text=text, offset=0)
    found = []
    for piece in pieces:
        e = read_written(piece, names)
        if isinstance(e, (Group, Relation, Logic)):
            raise BadInput(
                f"{piece[:30]!r} is no size", text=text, offset=max(0, text.find(piece))
            )
        found.append(e)
    return tuple(found), axes


def pieces_of(text: str) -> list[str]:
    """A shape cut at x, × and commas outside brackets."""
    pieces, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "([⌊⌈{") - (c in ")]⌋⌉}")
        before, after = text[:i].rstrip()[-1:], text[i + 1 :].lstrip()[:1]
        cross = c == "," or c in "xX" and (before.isalnum() or before in ")⌋⌉]}") and (
            after.isalnum() or after in "(⌊⌈-\\")  # fmt: skip
        if (
            cross
            and depth == 0
            and not (c in "xX" and re.search(r"[A-Za-z]$", text[:i]))
        ):
            pieces.append(text[start:i].strip())
            start = i + 1
    pieces.append(text[start:].strip())
    return pieces


def same_sizes(stated: Stated, value: Expr) -> Finding:
    key = list(stated.value)
    got = list(value.items) if isinstance(value, Group) else [value]
    order = stated.settings.get("order", "")
    found = sizes_agree(stated, key, got)
    if len(got) == len(key) + 1 and got[0] in (Num(1), Sym("N", "real")):
        if sizes_agree(stated, key, got[1:]).same:
            return Finding(True, "Read with a batch in front.")
    if (
        found.same is False
        and stated.settings.get("either_order")
        and len(got) == len(key) == 3
    ):
        turned = [got[-1], *got[:-1]] if order.startswith("C") else [*got[1:], got[0]]
        other = sizes_agree(stated, key, turned)
        if other.same:
            theirs, ours = (
                ("H×W×C", "C×H×W") if order.startswith("C") else ("C×H×W", "H×W×C")
            )
            return Finding(True, f"Read as {theirs}; this course writes {ours}.")
    return found


def sizes_agree(stated: Stated, key: list[Expr], got: list[Expr]) -> Finding:
    if len(key) != len(got):
        return Finding(False)
    each = [compare(a, b, stated.kinds, stated.dims).same for a, b in zip(key, got)]
    if False in each:
        return Finding(False, "", [i + 1 for i, f in enumerate(each) if f is False])
    return Finding(None if None in each else True)
