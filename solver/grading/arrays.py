"""Reading and comparing matrices: rounded entries, entries in letters, gradients by name.

"1 2; 3 4", "[[1, 2], [3, 4]]" or one row a line; matrices of channels are separated by |.
Gradients are named: "x: 1 2; 3 4; w: 5 6; b: 7", or ∂L/∂x, dL/dx, dx.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from solver.answers.amounts import Amount, constant_value
from solver.answers.forms import read_answer
from solver.core import BadInput
from solver.expressions.nodes import Expr, Sym
from solver.grading.computed import as_stated
from solver.grading.symbols import read_members, symbolic
from solver.numeric.text import from_text, shape_of
from solver.values import Gradients, Listing, Matrix, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def is_array(expected: Any) -> bool:
    """Whether values of this kind are read here."""
    stacked = isinstance(expected, Listing) and expected and isinstance(expected[0], Matrix)
    return isinstance(expected, (Matrix, Gradients)) or bool(stacked)


def read_arrays(text: str, expected: Any, unit: str) -> Any:
    """A matrix, several, or gradients by name. Raises BadInput."""
    if isinstance(expected, Gradients):
        return gradients(text, expected, unit)
    if isinstance(expected, Listing):
        parts = [p for p in re.split(r"\||\n\s*\n", text) if p.strip()]
        if len(parts) != len(expected):
            raise BadInput(f"expected {len(expected)} matrices separated by |, not {len(parts)}")
        return Listing(matrix(p, e) for p, e in zip(parts, expected))
    return matrix(text, expected)


def matrix(text: str, expected: Matrix) -> Matrix:
    """Rows of entries, each read as the entry that is expected at its place."""
    text = text.strip()
    if text[:1] == "(" and text[-1:] == ")" and "(" not in text[1:]:
        text = text[1:-1]
    if re.fullmatch(r"\[[^\[\]]*;[^\[\]]*\]", text):  # [1 2; 3 4]
        text = text[1:-1]
    if any(isinstance(x, Expr) for row in expected for x in row):
        raw = in_letters(text)
    elif len(expected) == len(expected[0]) == 1 and not text.startswith("["):
        raw = [[text]]
    else:
        raw = from_text(text)
    raw = raw if isinstance(raw[0], list) else [raw]
    if any(isinstance(x, list) for row in raw for x in row):
        raise BadInput("expected one matrix, not a stack of them")
    shape_of(tuple(tuple(0 for _ in row) for row in raw))
    flat = [x for row in expected for x in row]
    places = iter(flat + [flat[0]] * sum(map(len, raw)))
    return Matrix(tuple(entry(x.strip(), next(places)) for x in row) for row in raw)


def entry(text: str, expected: Any) -> Any:
    """One entry: in letters, or a number, with the slack of the digits that it shows."""
    from solver.grading.reading import Rounded

    if symbolic(expected):
        return read_members(expected, text, {})[-1]
    key = as_stated(expected)
    assert key is not None, "an entry is a number or a size"
    found = read_answer(key, text).value
    if not isinstance(found, Amount):
        return found
    value = constant_value(found.value)
    if isinstance(value, Fraction) and value.denominator == 1:
        value = value.numerator
    if value is None:
        raise BadInput(f"expected a number, not {text[:30]!r}")
    if not isinstance(value, (int, Fraction)):
        value = float(value)
    return Rounded(value, found.slack) if found.slack else value


def in_letters(text: str) -> list[list[str]]:
    """Entries in letters, separated by commas, or by spaces where nothing else is."""
    text = re.sub(r"(?<=[A-Za-z])([₀-₉]+)", lambda m: "_" + m[1].translate(LOWERED), text)
    text = re.sub(r"(_\d+)(?=[A-Za-z])", r"\1*", text)
    text = re.sub(r"^\[\s*\[|\]\s*\]$", "", text)
    rows = [r for r in re.split(r"[;\n]+|\]\s*,?\s*\[", text.strip("[]")) if r.strip()]
    if not rows:
        raise BadInput("expected a matrix, not nothing")
    found = []
    for row in rows:
        spaced = "," not in row and not re.search(r"\s[-+*/·]|[-+*/·]\s", row)
        found.append(row.split() if spaced else row.split(","))
    return found


def gradients(text: str, expected: Gradients, unit: str) -> Gradients:
    """Each gradient behind its name."""
    from solver.grading.reading import read

    names = {key: key for key in expected} | {show(Sym(k, "real")): k for k in expected}
    known = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    label = re.compile(rf"(?:^|(?<=[;\n,]))\s*(?:∂L\s*/\s*∂|dL\s*/\s*d|d_?)?({known})\s*[:=]")
    marks = list(label.finditer(text))
    if not marks and len(expected) == 1:
        (key,) = expected
        return Gradients({key: read(expected[key], text, unit)})
    if not marks or text[: marks[0].start()].strip():
        wanted = "; ".join(f"{k}: …" for k in expected)
        raise BadInput(f"name each gradient, as in {wanted}")
    found = Gradients()
    for mark, after in zip(marks, [*marks[1:], None]):
        key = names[mark[1]]
        if key in found:
            raise BadInput(f"{key} is given twice")
        piece = text[mark.end() : after.start() if after else len(text)]
        found[key] = read(expected[key], piece.strip().rstrip(";,").strip(), unit)
    return found


def compared(right: Matrix, given: Matrix, same: Callable[[Any, Any], Any]) -> bool | None:
    """Whether two matrices agree, entry by entry; a row may stand for a column."""
    a, b = ([len(m), len(m[0])] for m in (right, given))
    if a != b and not (a == b[::-1] and 1 in a):
        return False
    ours, theirs = ([x for row in m for x in row] for m in (right, given))
    scale = max((abs(x) for x in ours if not isinstance(x, Expr)), default=0)
    found = [near(x, y, scale) or same(x, y) for x, y in zip(ours, theirs)]
    return False if False in found else None if None in found else True


def near(right: Any, given: Any, scale: Any) -> bool:
    """Whether an entry was rounded to its digits; two of the greatest entry's are enough."""
    if isinstance(right, (Expr, int)) or not hasattr(given, "slack"):
        return False
    return bool(abs(right - given.value) <= given.slack <= scale / 100)


def in_a_line(given: Matrix, shown: Callable[[Any], str]) -> str:
    """A matrix as 1 2; 3 4."""
    gap = ", " if any(isinstance(x, Expr) for row in given for x in row) else " "
    return "; ".join(gap.join(shown(x).removeprefix("about ") for x in row) for row in given)
