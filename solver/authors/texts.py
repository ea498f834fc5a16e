"""Checks of texts: they read in every format, fit the line, and hold nothing unseen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from solver.authors.cases import Case, Sheet, check
from solver.core import BadInput
from solver.layout import WIDTH, measure, pieces
from solver.prose import prose
from solver.sets import HOLE

LONGEST = 60  # characters of one word, or of code, which no line break divides
PIECES = re.compile(r"((?<!\\)\$(?:[^$\\]|\\.)*\$|`[^`]+`)", re.S)
UNSEEN = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffd\u0080-\u009f]"
)
SIGNS = re.compile(r"[-+−]\s*[-−]\s*\d|[-+−]\s*\\tfrac\{-")
ONE = re.compile(r"(?<![\d.,×^_{+−*/=-])\b1\$? ([a-z]{2,}s)\b")
NO_PLURALS = {
    "is",
    "was",
    "has",
    "does",
    "as",
    "less",
    "gives",
    "makes",
    "times",
    "means",
}


def split(text: str) -> tuple[list[str], list[str], list[str]]:
    """A text's words, its mathematics without dollars, and its code."""
    found = PIECES.split(text)
    marked = found[1::2]
    return (
        found[::2],
        [m[1:-1] for m in marked if m[0] == "$"],
        [m[1:-1] for m in marked if m[0] == "`"],
    )


@check(Sheet)
def has_a_title(sheet: Sheet) -> Iterator[str]:
    """A set without a title, which stands above its documents."""
    if not str(sheet.data.get("title", "")).strip():
        yield 'the set has no title, with which its documents begin: title = "Week 3"'


@check(Case)
def is_said(case: Case) -> Iterator[str]:
    """A part without a title or a prompt."""
    for key in ("title", "prompt"):
        if not getattr(case.problem, key).strip():
            yield f"it has no {key}"
    if "$" in case.problem.title:
        yield "the title has a dollar: titles are words, not mathematics"


@check(Case)
def reads_in_every_format(case: Case) -> Iterator[str]:
    """Dollars without a partner, or mathematics that one of the formats cannot read."""
    for key, text in case.texts:
        for form in ("latex", "mathml", "text"):
            try:
                prose(text, form)
            except BadInput as e:
                yield f"{key}: {e}"
                break
        for formula in split(text)[1]:
            bare = re.sub(r"\\[{}\\]", "", formula)
            if bare.count("{") != bare.count("}"):
                yield f"{key}: the braces of ${formula[:50]}$ do not match"
            for name in ("left", "begin"):
                other = {"left": "right", "begin": "end"}[name]
                one, two = (
                    len(re.findall(rf"\\{x}(?![a-z])", formula)) for x in (name, other)
                )
                if one != two:
                    yield f"{key}: \\{name} and \\{other} of ${formula[:50]}$ do not match"


@check(Case)
def fits_the_line(case: Case) -> Iterator[str]:
    """A word, a piece of code or mathematics that is wider than a line."""
    texts = [*case.texts, ("title", case.problem.title)]
    for key, text in texts:
        words, mathematics, code = split(text)
        for word in (w for part in words for w in part.split()):
            if len(word) > LONGEST:
                yield f"{key}: the word {word[:30]}… has {len(word)} letters"
        for piece in (p for one in code for p in one.split()):
            if len(piece) > LONGEST:
                yield f"{key}: the code {piece[:30]}… has {len(piece)} characters"
        for formula in mathematics:
            wide = max(measure(p, "latex") for p in pieces(formula, "latex", True))
            if wide > WIDTH:
                yield f"{key}: ${formula[:40]}…$ is wider than a line, and breaks nowhere"


@check(Case)
def nothing_unseen(case: Case) -> Iterator[str]:
    """Characters that nobody sees: zero-width, turned around, soft hyphens."""
    for key, text in [*case.texts, ("title", case.problem.title)]:
        if m := UNSEEN.search(text):
            around = text[max(0, m.start() - 15) : m.start()]
            yield f"{key}: U+{ord(m[0]):04X} stands behind “{around}”, and is not seen"


@check(Case)
def numbers_read_well(case: Case) -> Iterator[str]:
    """A sign before a negative number, or one of several: `3 - -2`, `1 filters`."""
    for key, text in [*case.texts, ("title", case.problem.title)]:
        for formula in split(text)[1]:
            if m := SIGNS.search(formula):
                yield f"{key}: “{m[0]}” has two signs: put brackets around the placeholder"
        m = ONE.search(text) if case.number else None
        if m and m[1] not in NO_PLURALS:
            yield f"{key}: “1 {m[1]}”: say it so that one and many read well"


@check(Case)
def nothing_left_open(case: Case) -> Iterator[str]:
    """What looks like a placeholder in a part that has no variants."""
    for key, text in [*case.texts, ("title", case.problem.title)]:
        for word in split(text)[0]:
            if m := HOLE.search(word):
                yield f"{key}: {m[0]} is not filled in: this part has no such parameter"
