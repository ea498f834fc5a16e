"""Reading a student's text as a value of the expected answer's type.

The text is hostile until read here: nothing is evaluated but arithmetic on our own trees,
lengths are bounded. What cannot be read is a BadInput, which is not charged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from solver.core import BadInput
from solver.expressions.formula import settle
from solver.expressions.nodes import Expr, letters
from solver.expressions.parse import parse
from solver.given import entries, size
from solver.numeric.text import read_array
from solver.values import NAMES, Listing, Matrix, Numeric, Options, Record, Shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST = 20_000
SUFFIXES = {"k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9}
SUFFIXES |= {"thousand": 10**3, "million": 10**6, "billion": 10**9}


@dataclass(frozen=True)
class Rounded:
    """A number given to some digits only: it stands for all within `slack` of it."""

    value: Any
    slack: Any


@dataclass(frozen=True)
class Chain:
    """a = b = c as a student wrote it: the last member answers, each link is checked."""

    members: tuple[Any, ...]


def read(expected: Any, text: str) -> Any:
    """The student's value, of the expected one's type. Raises BadInput."""
    if len(text) > LONGEST:
        raise BadInput(f"the answer has {len(text):,} characters; at most {LONGEST:,}")
    text = plain(text)
    if not text:
        raise BadInput("there is no answer")
    if isinstance(expected, bool):
        return yes_or_no(text)
    if isinstance(expected, (int, Expr, Numeric)):
        return quantity(text, expected)
    if isinstance(expected, Shape):
        return shape(text)
    if isinstance(expected, Matrix):
        return Matrix(read_array(text))
    if isinstance(expected, Options):
        return several(text, expected[0] if expected else Record())
    if isinstance(expected, Mapping):
        return record(text, expected)
    if isinstance(expected, (Listing, tuple, list)):
        first = expected[0] if expected else 0
        if isinstance(first, Shape):
            return Listing(shape(p) for p in re.findall(SHAPES, text))
        gap = (
            r"[;\n]+"
            if isinstance(first, (Shape, Matrix, tuple))
            else r"[;\n]+|,\s+|\s+"
        )
        return Listing(read(first, p) for p in re.split(gap, text) if p.strip())
    raise BadInput(f"answers of this type are not read yet: {type(expected).__name__}")


LATEX = {
    r"\\times|\\cdot": "*", r"\\left|\\right|\\[,;!: ]|\\quad": "", r"\\lfloor": "⌊",
    r"\\rfloor": "⌋", r"\\lceil": "⌈", r"\\rceil": "⌉", r"\{,\}": ",", r"\$": "",
    r"\\(?:text|mathrm|mathbf)\{([^{}]*)\}": r" \1 ", r"\\(?:d|t)?frac\{([^{}]*)\}\{([^{}]*)\}": r"((\1)/(\2))",
}  # fmt: skip


def plain(text: str) -> str:
    """Simple LaTeX as plain text; control characters are refused."""
    for c in text:
        if (
            (ord(c) < 32 and c not in "\n\r\t")
            or "\u202a" <= c <= "\u202e"
            or "\u2066" <= c <= "\u2069"
        ):
            raise BadInput(f"the answer holds the control character U+{ord(c):04X}")
    for pattern, replacement in LATEX.items():
        text = re.sub(pattern, replacement, text)
    return text.replace("−", "-").strip()


def yes_or_no(text: str) -> bool:
    """Yes, no, true, false."""
    word = text.lower().strip(" .!")
    if word in ("yes", "true", "y", "ja"):
        return True
    if word in ("no", "false", "n", "nein"):
        return False
    raise BadInput(f"expected yes or no, not {text[:40]!r}")


NUMBER = re.compile(
    r"(?P<digits>[+-]?(?:\d{1,3}(?:[, ]\d{2,3})*[, ]\d{3}|\d+)(?:\.\d+)?|[+-]?\.\d+)"
    r"(?:\s*(?:e|\*\s*10\s*\^)\s*\{?(?P<power>[+-]?\d{1,3})\}?)?"
    r"\s*(?P<suffix>[kKmMgGbB](?![a-zA-Z])|thousand|million|billion)?"
    r"\s*(?P<percent>%)?\s*(?P<unit>[a-zA-Z][a-zA-Z -]*)?\.?$"
)


def quantity(text: str, expected: Any) -> Any:
    """A number, arithmetic, or an expression in letters; a chain of equals."""
    members = [m for m in re.split(r"(?<![<>=])=(?!=)", text) if m.strip()]
    if len(members) > 1:
        if re.fullmatch(r"\s*[A-Za-z][\w #]*\s*", members[0]):  # params = 456
            members = members[1:]
        if len(members) > 1:
            return Chain(tuple(one_quantity(m.strip(), expected) for m in members))
    return one_quantity((members or [text])[-1].strip(), expected)


def one_quantity(text: str, expected: Any) -> Any:
    """One member: grouped digits and suffixes first, else an expression."""
    wants_letters = isinstance(expected, Expr)
    m = NUMBER.match(text)
    if m and not (wants_letters and (m["unit"] or m["suffix"])):
        return number(m)
    tree = parse(
        re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text.replace("{", "(").replace("}", ")"))
    )
    if letters(tree) and not wants_letters:
        raise BadInput(
            f"expected a number, not an expression in "
            f"{', '.join(s.name for s in letters(tree))}"
        )
    try:
        return settle(tree)
    except (ZeroDivisionError, OverflowError) as e:
        raise BadInput(f"the answer cannot be computed: {e}") from None


def number(m: re.Match[str]) -> Any:
    """The number of a match, exact if all its digits are shown."""
    from fractions import Fraction

    digits = re.sub(r"[, ]", "", m["digits"])
    value = Fraction(digits)
    scale = Fraction(10) ** int(m["power"] or 0) * SUFFIXES.get(
        (m["suffix"] or "").lower(), 1
    )
    if m["percent"]:
        scale /= 100
    decimals = len(digits.partition(".")[2])
    exact = value * scale
    if scale != 1 and not m["percent"] or decimals:
        return Rounded(
            exact.numerator if exact.denominator == 1 else exact,
            scale / 2 / Fraction(10) ** decimals,
        )
    return exact.numerator if exact.denominator == 1 else exact


def shape(text: str) -> Shape:
    """64x62x62, (64, 62, 62), 62 × 62 with 64 channels."""
    text = text.replace("*", "×")
    named = re.search(
        r"(?:,|and|with|;)?\s*(\d+)\s*(?:channels?|maps?|filters?)\b", text
    )
    if named:
        rest = (text[: named.start()] + " " + text[named.end() :]).strip(" ,;")
        sizes = [
            size(t, "shape") for t in entries(re.sub(r"\b(?:and|with|by)\b", " ", rest))
        ]
        return Shape((int(named[1]), *sizes), "CHW")
    text = re.sub(r"\b(?:by|and)\b", "×", text)
    if re.search(r"[A-Za-z]{3,}", text):
        text = re.sub(r"[A-Za-z]{3,}:?", " ", text)
    sizes = [size(t, "shape") for t in entries(text)]
    if not sizes:
        raise BadInput("expected a shape such as 64 x 32 x 32")
    return Shape(sizes)


SHAPES = r"[(\[][^()\[\]]*[)\]]|\w+(?:\s*(?:[x×*]|by)\s*\w+)*"


def record(text: str, expected: Mapping[str, Any]) -> Record:
    """name value; name value: each entry by its name, or all of them in order."""
    pieces = [p.strip() for p in re.split(r"[;\n]+", text) if p.strip()]
    found = Record()
    unnamed = []
    for piece in pieces:
        key = named(piece, expected)
        if key is None:
            unnamed.append(piece)
            continue
        if key[0] in found:
            raise BadInput(f"{key[0]} is given twice")
        found[key[0]] = read(expected[key[0]], key[1])
    left = [k for k in expected if k not in found]
    if len(unnamed) > len(left):
        raise BadInput(
            f"{len(pieces)} values for {len(expected)}: name them, as in "
            + "; ".join(f"{k} …" for k in expected)
        )
    for key_, piece in zip(left, unnamed):
        found[key_] = read(expected[key_], piece)
    return found


def named(piece: str, expected: Mapping[str, Any]) -> tuple[str, str] | None:
    """The entry that a piece names at its start or end, and the rest of it."""
    for key in sorted(expected, key=len, reverse=True):
        for word in dict.fromkeys((key, key.replace("_", " "), NAMES.get(key, key))):
            m = re.match(
                rf"\s*{re.escape(word)}\s*[:=]?\s+(.+)$|\s*{re.escape(word)}\s*[:=]\s*(.+)$",
                piece,
                re.I | re.S,
            )
            if m:
                return key, (m[1] or m[2]).strip()
    return None


def several(text: str, expected: Any) -> Options:
    """p = 1, s = 2; p = 3, s = 4."""
    found = []
    for piece in filter(None, (p.strip() for p in re.split(r"[;\n]+|\bor\b", text))):
        pairs = re.findall(r"([a-zA-Z]+)\s*=\s*(\d{1,9})", piece)
        if pairs:
            words = {"padding": "p", "stride": "s", "kernel": "k", "dilation": "d"}
            found.append(
                Record({words.get(k.lower(), k.lower()): int(v) for k, v in pairs})
            )
        elif isinstance(expected, Mapping):
            numbers = re.findall(r"\d{1,9}", piece)
            if len(numbers) != len(expected):
                raise BadInput(
                    f"expected {', '.join(f'{k} = …' for k in expected)}, not {piece[:40]!r}"
                )
            found.append(Record(zip(expected, map(int, numbers))))
        else:
            found.append(Listing(map(int, re.findall(r"\d{1,9}", piece))))
    return Options(found)
