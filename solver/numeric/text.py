"""Matrices as text and as lists: exact numbers in nested tuples, no array library.

"1 2; 3 4" or [[1, 2], [3, 4]] is a matrix; "1 2; 3 4 | 5 6; 7 8" or a list of matrices
stacks them (channels of an image, or several filters).
"""

from __future__ import annotations

import re

from solver.core import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ENTRIES = 20_000
NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?(/\d{1,18})?|[+-]?\.\d{1,18}")


def read_array(raw: Any) -> tuple[Any, ...]:
    """A matrix, or a stack of equal ones, of ints and Fractions. Raises BadInput."""
    if isinstance(raw, str):
        raw = from_text(raw)
    if not isinstance(raw, (list, tuple)):
        raise BadInput(f"expected a matrix such as 1 0; 0 -1, not {raw!r:.40}")
    array = exact(raw)
    shape_of(array)
    return array


def from_text(text: str) -> Any:
    """Nested lists from "1 2; 3 4" or "[[1, 2], [3, 4]]"."""
    text = text.strip().replace("−", "-")
    if len(text) > 20 * ENTRIES:
        raise BadInput(
            f"the matrix has {len(text):,} characters; at most {20 * ENTRIES:,}"
        )
    if text.startswith("["):
        return from_brackets(text)
    text = re.sub(r"[\r\n]+", ";", text)  # each line is a row
    stacked = [
        [row.replace(",", " ").split() for row in part.split(";") if row.strip()]
        for part in text.split("|")
        if part.strip()
    ]
    if not stacked:
        raise BadInput("expected a matrix such as 1 2; 3 4, not nothing")
    if len(stacked) == 1 and len(stacked[0]) == 1 and len(stacked[0][0]) == 1:
        raise BadInput(
            f"expected a matrix such as 1 0; 0 -1, not the one number {text[:20]}; "
            "a 1×1 matrix is written [[…]]"
        )
    return stacked if len(stacked) > 1 else stacked[0]


def from_brackets(text: str) -> Any:
    """Nested lists as Python and JSON write them, read without evaluating anything."""
    stack: list[list[Any]] = []
    tops: list[Any] = []
    for m in re.finditer(r"[\[\]]|[^\[\],\s]+|[,\s]+", text):
        token = m.group()
        if tops and not stack and token not in ("[", "]") and token.strip(" ,\n\t"):
            raise BadInput("nothing may follow the matrix", text=text, offset=m.start())
        if token == "[":
            stack.append([])
            if len(stack) > 5:
                raise BadInput(
                    "brackets are nested deeper than 5", text=text, offset=m.start()
                )
        elif token == "]":
            if not stack:
                raise BadInput("']' closes nothing", text=text, offset=m.start())
            done = stack.pop()
            (stack[-1] if stack else tops).append(done)
        elif token.strip(" ,\n\t"):
            if not stack:
                raise BadInput("expected '['", text=text, offset=m.start())
            stack[-1].append(token)
    if stack or not tops:
        raise BadInput("'[' is never closed by ']'", text=text, offset=len(text))
    return tops[0] if len(tops) == 1 else tops  # [1 2] and [3 4] below it: two rows


def exact(raw: Any) -> Any:
    """Entries as ints and Fractions; a decimal is exact, 0.1 is 1/10."""
    if isinstance(raw, (list, tuple)):
        return tuple(exact(x) for x in raw)
    if isinstance(raw, bool):
        raise BadInput(f"a matrix holds numbers, not {raw}")
    if isinstance(raw, int):
        if abs(raw) > 10**18:
            raise BadInput("an entry has more than 18 digits")
        return raw
    from fractions import Fraction

    text = repr(raw) if isinstance(raw, float) else str(raw)
    if not NUMBER.fullmatch(text.replace("−", "-")) and not isinstance(
        raw, (float, Fraction)
    ):
        raise BadInput(
            f"expected a number such as 3, −1, 0.5 or 1/2, not {text[:40]!r}"
        )
    try:
        value = Fraction(text.replace("−", "-"))
    except (ValueError, ZeroDivisionError):
        raise BadInput(f"expected a finite number, not {text[:40]!r}") from None
    return value.numerator if value.denominator == 1 else value


def shape_of(array: Any) -> tuple[int, ...]:
    """The sizes of nested tuples; BadInput if rows differ in length or there is none."""
    if not isinstance(array, tuple):
        return ()
    if not array:
        raise BadInput("a matrix has at least one row and one entry")
    inner = [shape_of(x) for x in array]
    for i, one in enumerate(inner):
        if one != inner[0]:
            unit = "entries" if len(inner[0]) == 1 and len(one) == 1 else "shape"
            raise BadInput(
                f"row 1 has {unit} {'×'.join(map(str, inner[0])) or 'none'}, row {i + 1} has "
                f"{'×'.join(map(str, one)) or 'none'}: they must agree"
            )
    shape = (len(array), *inner[0])
    total = 1
    for n in shape:
        total *= n
    if total > ENTRIES:
        raise BadInput(f"the matrix has {total:,} entries; at most {ENTRIES:,}")
    if len(shape) > 4:
        raise BadInput(f"a stack of matrices has at most 4 axes, not {len(shape)}")
    return shape


REAL = re.compile(
    r"[+-]?(\d{1,18}(\.\d{1,18})?|\.\d{1,18})(e[+-]?\d{1,2})?(/\d{1,18})?"
)


def real(raw: Any) -> Any:
    """An exact number (0.1 is 1/10, 1e-8 too), or an expression in real letters."""
    from fractions import Fraction

    text = repr(raw) if isinstance(raw, float) else str(raw).strip().replace("−", "-")
    if not REAL.fullmatch(text):
        if not isinstance(raw, str):
            raise BadInput(f"expected a number or an expression, not {text[:40]!r}")
        from solver.expressions.parse import parse

        return parse(text, "real")
    top, _, bottom = text.partition("/")
    if bottom and not int(bottom):
        raise BadInput(f"{text!r} divides by zero")
    value = Fraction(top) / int(bottom or 1)
    return value.numerator if value.denominator == 1 else value


def reals(raw: Any) -> Any:
    """Exact numbers: one, a row "1 -2", or rows "0.5 4; 1 2"; lists of them."""
    if isinstance(raw, str):
        alone = REAL.fullmatch(raw.strip().replace("−", "-"))
        raw = real(raw) if alone else from_text(raw)
    if holds_nothing(raw):
        raise BadInput("expected numbers such as 1 -2, not an empty list")
    return exact(raw)


def holds_nothing(raw: Any) -> bool:
    """Whether nested lists have an empty one somewhere."""
    return isinstance(raw, (list, tuple)) and (not raw or any(map(holds_nothing, raw)))
