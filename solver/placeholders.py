r"""Placeholders: `<n>` in a problem's texts stands for a value, `<n-1>` for an expression.

A text that is one placeholder becomes the number itself; in what people read, numbers are
written as people write them. Less-than signs that are none are `\lt` in mathematics.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from solver.core import BadInput
from solver.expressions.nodes import evaluate, letters
from solver.expressions.parse import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PLACE = re.compile(r"<([^<>$\n]{1,80})>")
PROSE = ("prompt", "title", "note", "feedback", "name", "says")  # what people read
FIXED = ("id", "kind", "variants", "follows", "points", "conventions")


def filled(entry: Mapping[str, Any], env: Mapping[str, Any]) -> dict[str, Any]:
    """A [[problem]] with its placeholders filled in, and nothing said of variants."""
    found = {k: v if k in FIXED else placed(v, env, k) for k, v in entry.items()}
    found.pop("variants", None)
    return found


def put(data: Any, env: Mapping[str, Any], key: str = "") -> Any:
    """Data with the placeholders in its texts filled in; one by itself becomes a number."""
    if isinstance(data, Mapping):
        return {k: placed(v, env, k) for k, v in data.items()}
    if isinstance(data, list):
        return [put(v, env, key) for v in data]
    if not isinstance(data, str):
        return data
    if key in PROSE:
        return PLACE.sub(lambda m: spoken(find(m[1], env), data[: m.start()]), data)
    whole = PLACE.fullmatch(data.strip())
    if whole:
        return given(find(whole[1], env))
    return PLACE.sub(lambda m: plain(find(m[1], env)), data)


def placed(data: Any, env: Mapping[str, Any], key: str) -> Any:
    """What stands under a key, filled in; an error names the key."""
    try:
        return put(data, env, key)
    except BadInput as e:
        raise e.at(key) from None


def find(text: str, env: Mapping[str, Any]) -> Any:
    """The value of what stands between < and >."""
    if text.strip() in env:
        return env[text.strip()]
    numbers = {k: v for k, v in env.items() if isinstance(v, (int, Fraction))}
    try:
        tree = parse(text, "count")
        strange = [s.name for s in letters(tree) if s.name not in numbers]
        if not strange:
            return evaluate(tree, numbers)
    except BadInput:
        strange = [text]
    except ArithmeticError as e:
        raise BadInput(f"<{text}> has no value: {e}") from None
    raise BadInput(
        f"<{text}> is no placeholder: {strange[0]!r} is none of {', '.join(env)}; a "
        r"less-than sign that is none is \lt in mathematics"
    )


def given(found: Any) -> Any:
    """A value as TOML would have it."""
    if isinstance(found, list):
        return [given(x) for x in found]
    if isinstance(found, Fraction):
        return float(found) if decimal(found) else str(found)
    return found


def plain(found: Any) -> str:
    """A value inside a text that a program reads: 32, 0.5, 7/3."""
    if isinstance(found, list):
        rows = found if isinstance(found[0], list) else [found]
        return "; ".join(" ".join(map(plain, row)) for row in rows)
    if isinstance(found, Fraction) and decimal(found):
        text = f"{float(found):.15f}".rstrip("0")
        return text if Fraction(text) == found else str(found)
    return f"{found:.6g}" if isinstance(found, float) else str(found)


def decimal(found: Fraction) -> bool:
    """Whether few decimals write it whole."""
    return 10**12 % found.denominator == 0


def spoken(found: Any, before: str) -> str:
    """A value inside a text for people: 50,000, in mathematics 50{,}000 or a matrix."""
    if before.count("`") % 2:
        return plain(found)
    mathematics = before.replace(r"\$", "").count("$") % 2 == 1
    if isinstance(found, list):
        rows = found if isinstance(found[0], list) else [found]
        lines = r"\\".join("&".join(map(plain, row)) for row in rows)
        return (
            rf"\begin{{bmatrix}}{lines}\end{{bmatrix}}" if mathematics else plain(found)
        )
    if isinstance(found, int) and abs(found) >= 10_000:
        return f"{found:,}".replace(",", "{,}" if mathematics else ",")
    if mathematics and isinstance(found, Fraction) and not decimal(found):
        sign = "-" if found < 0 else ""
        return rf"{sign}\tfrac{{{abs(found.numerator)}}}{{{found.denominator}}}"
    return plain(found)
