"""Reading a student's text as a value of the expected answer's type.

The text is hostile until read here: nothing is evaluated but arithmetic on our own trees,
and lengths are bounded. A word that is no name or unit known here is never passed over
("not 64x62x62" is no shape): what cannot be read is a BadInput, which is not charged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from solver.core import BadInput
from solver.expressions.formula import settle
from solver.expressions.nodes import Expr, letters
from solver.expressions.parse import parse
from solver.expressions.series import Cases
from solver.grading.arrays import is_array, read_arrays
from solver.grading.cases import read_cases
from solver.grading.shapes import balanced, shape
from solver.grading.symbols import after_label, read_members, symbolic
from solver.values import NAMES, Listing, Matrix, Numeric, Options, Record, Shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST, LONGEST_SUM = 20_000, 2_000
SUFFIXES = {"k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "thousand": 10**3,
            "million": 10**6, "billion": 10**9}  # fmt: skip
BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "bytes": 1, "kib": 2**10,
         "mib": 2**20, "gib": 2**30}  # fmt: skip
UNITS = {
    "parameters", "parameter", "params", "weights", "weight", "biases", "bias", "macs",
    "mac", "flops", "flop", "multiply-adds", "multiplications", "operations",
    "connections", "activations", "activation", "values", "neurons", "units", "pixels",
    "channels", "filters", "in", "total", "points",
}  # fmt: skip


@dataclass(frozen=True)
class Rounded:
    """A number given to some digits only: it stands for all within `slack` of it."""

    value: Any
    slack: Any


@dataclass(frozen=True)
class Chain:
    """a = b = c as a student wrote it: the last member answers, each link is checked."""

    members: tuple[Any, ...]


def read(expected: Any, text: str, unit: str = "", known: Any = None) -> Any:
    """The student's value, of the expected one's type and in its unit. Raises BadInput.

    known: the letters of the solution, which an answer in letters may use.
    """
    if len(text) > LONGEST:
        raise BadInput(f"the answer has {len(text):,} characters; at most {LONGEST:,}")
    no_controls(text)
    if symbolic(expected):
        members = read_members(expected, text, known or {})
        return Chain(tuple(members)) if len(members) > 1 else members[0]
    if isinstance(expected, Cases):
        return read_cases(expected, text)
    if isinstance(expected, Mapping) and any(map(symbolic, expected.values())):
        return record(text.strip(), expected, unit, known)
    text = plain(text)
    if not text:
        raise BadInput("there is no answer")
    if isinstance(expected, bool):
        return yes_or_no(text)
    if isinstance(expected, (int, Expr, Numeric)):
        return quantity(text, expected, unit)
    if isinstance(expected, Shape):
        return shape(text)
    if is_array(expected):
        return read_arrays(text, expected, unit)
    if isinstance(expected, Options):
        return several(text, expected[0] if expected else Record())
    if isinstance(expected, Mapping):
        return record(text, expected, unit)
    if isinstance(expected, (Listing, tuple, list)):
        return listing(text, expected, unit)
    raise BadInput(f"answers of this type are not read yet: {type(expected).__name__}")


# -- LaTeX and Unicode to plain text ------------------------------------------------------

LATEX: dict[str, Any] = {
    r"\\begin\{[bp]?matrix\}(.*?)\\end\{[bp]?matrix\}": lambda m: rows(m[1]),
    r"\\(?:boxed|text|mathrm|mathbf)\s*\{([^{}]*)\}": r" \1 ",
    r"\\(?:d|t)?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}": r"((\1)/(\2))",
    r"\\times|\\cdot": "*",
    r"\\left(?![a-z])|\\right(?![a-z])|\\[,;!: ()\[\]]|\\quad|\$": " ",
    r"\\lfloor": "⌊",
    r"\\rfloor": "⌋",
    r"\\lceil": "⌈",
    r"\\rceil": "⌉",
    r"\{,\}": ",",
    r"(?<=\d)_(?=\d{3})": "",
    r"torch\.Size|tensor(?=\s*\()": "",
}


def rows(body: str) -> str:
    """The body of a LaTeX matrix as 1 2; 3 4."""
    cut = [r for r in re.split(r"\\\\", body) if r.strip()]
    return "; ".join(" ".join(r.split("&")) for r in cut)


def no_controls(text: str) -> None:
    """Refuse control characters, and those that turn the direction of reading."""
    for c in text:
        control = (ord(c) < 32 and c not in "\n\r\t") or 127 <= ord(c) < 160
        if control or "\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069":
            raise BadInput(f"the answer holds the control character U+{ord(c):04X}")


def plain(text: str) -> str:
    """Simple LaTeX as plain text."""
    for pattern, replacement in LATEX.items():
        text = re.sub(pattern, replacement, text, flags=re.S)
    return text.replace("−", "-").strip().rstrip(".,;").strip()


def yes_or_no(text: str) -> bool:
    """Yes, no, true, false."""
    word = text.lower().strip(" .!")
    if word not in ("yes", "true", "y", "ja", "no", "false", "n", "nein"):
        raise BadInput(f"expected yes or no, not {text[:40]!r}")
    return word[0] in "tyj"


# -- numbers and expressions --------------------------------------------------------------

NUMBER = re.compile(
    r"(?P<digits>[+-]?(?:\d{1,3}(?:[, ]\d{2,3})*[, ]\d{3}|\d+)(?:\.\d*)?|[+-]?\.\d+)"
    r"(?:\s*(?:[eE]|\*\s*10\s*\^)\s*\{?(?P<power>[+-]?\d{1,2})\}?)?"
    r"\s*(?P<suffix>[kKmMgGbB](?![a-zA-Z])|thousand|million|billion)?"
    r"\s*(?P<percent>%)?\s*(?P<unit>[a-zA-Z][a-zA-Z -]*)?$"
)


def quantity(text: str, expected: Any, unit: str) -> Any:
    """A number, arithmetic, or an expression in letters; a chain of equals."""
    if len(text) > LONGEST_SUM:
        raise BadInput(
            f"the answer has {len(text):,} characters; at most {LONGEST_SUM:,}"
        )
    labelled = re.match(r"\s*([A-Za-z][\w #-]*?)\s*:\s*(?=\S)", text)
    if labelled and not isinstance(expected, Expr):
        known_words(labelled[1], UNITS)
        text = text[labelled.end() :]
    members = [m for m in re.split(r"(?<![<>=])=(?!=)", text) if m.strip()]
    if len(members) > 1 and re.fullmatch(r"\s*[A-Za-z][\w #]*\s*", members[0]):
        members = members[1:]  # params = 456
    if len(members) > 1:
        return Chain(tuple(one_quantity(m.strip(), expected, unit) for m in members))
    return one_quantity((members or [text])[-1].strip(), expected, unit)


def one_quantity(text: str, expected: Any, unit: str) -> Any:
    """One member: grouped digits, suffixes and units first, else an expression."""
    wants_letters = isinstance(expected, Expr)
    if symbolic(expected):
        return read_members(expected, text, {})[-1]
    m = NUMBER.match(text)
    if m and not (wants_letters and (m["unit"] or m["suffix"])):
        return number(m, unit)
    if words := re.search(r"\s((?:[A-Za-z-]{3,}\s*)+)$", text):
        known_words(words[1], UNITS)
        text = text[: words.start()]
    text = text.replace("{", "(").replace("}", ")")
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    if wants_letters:
        text = products(text, {s.name for s in letters(expected)})
    tree = parse(text)
    if letters(tree) and not wants_letters:
        names = ", ".join(s.name for s in letters(tree))
        raise BadInput(f"expected a number, not an expression in {names}")
    if letters(tree):
        return tree  # as written: it is compared at numbers, never expanded
    try:
        value = settle(tree)
    except (ArithmeticError, ValueError, TypeError) as e:
        raise BadInput(f"the answer cannot be computed: {e}") from None
    if isinstance(value, complex):
        raise BadInput("the answer is no real number")
    return value


def products(text: str, known: set[str]) -> str:
    """Letters side by side as a product: 40HWC² is 40·H·W·C², C(40C + 2) is C·(…)."""

    def spread(m: re.Match[str]) -> str:
        word = m[0]
        if word in known or not all(c in known for c in word):
            return word
        return "*".join(word)

    text = re.sub(r"[A-Za-z][A-Za-z_0-9]*", spread, text)
    return re.sub(
        r"(?<![A-Za-z_])([A-Za-z])\s*\(",
        lambda m: f"{m[1]}*(" if m[1] in known else m[0],
        text,
    )


def known_words(text: str, known: set[str]) -> None:
    """Refuse a text that holds a word which could change its meaning."""
    for word in re.findall(r"[A-Za-z-]+", text):
        if word.lower() not in known:
            raise BadInput(f"the word {word[:30]!r} is not understood in this answer")


def number(m: re.Match[str], unit: str) -> Any:
    """The number of a match in the expected unit, exact if all its digits are shown."""
    from fractions import Fraction

    digits = re.sub(r"[, ]", "", m["digits"]).rstrip(".")
    value = Fraction(digits)
    suffix, named = (m["suffix"] or "").lower(), m["unit"] or ""
    if suffix and unit.lower() in BYTES:  # 553433088 B is bytes here, not billions
        if suffix != "b" or named:
            raise BadInput(
                "write the unit of memory out: MB (10⁶ bytes) or MiB (2²⁰ bytes)"
            )
        suffix, named = "", "b"
    scale = Fraction(10) ** int(m["power"] or 0) * SUFFIXES.get(suffix, 1)
    if m["percent"]:
        scale /= 100
    scale *= unit_scale(named, unit)
    decimals = len(digits.partition(".")[2])
    exact = value * scale
    shown = exact.numerator if exact.denominator == 1 else exact
    if decimals or (scale != 1 and not m["percent"]):
        return Rounded(shown, scale / 2 / Fraction(10) ** decimals)
    return shown


def unit_scale(given: str, unit: str) -> Any:
    """What a number in the given unit is multiplied by to be in the expected one."""
    from fractions import Fraction

    word = given.strip().lower()
    if word in BYTES and unit.lower() in BYTES:
        return Fraction(BYTES[word], BYTES[unit.lower()])
    if word and word not in UNITS:
        prefix, base = word[0], word[1:]
        if prefix in SUFFIXES and base in UNITS:
            return SUFFIXES[prefix]
        known_words(word, UNITS)
    return 1


# -- several values -----------------------------------------------------------------------

SHAPES = r"[(\[][^()\[\]]*[)\]]|\w+(?:\s*(?:[x×*]|by)\s*\w+)*"


def listing(text: str, expected: Any, unit: str) -> Listing:
    """Values in a row, separated by ; or new lines, numbers also by commas or spaces."""
    first = expected[0] if expected else 0
    text = text.strip()
    if isinstance(first, (int, Numeric)) and text[:1] in ("(", "[") and text[-1:] in (")", "]"):
        text = text[1:-1] if balanced(text[1:-1]) else text
    if isinstance(first, Shape):
        return Listing(shape(p) for p in re.findall(SHAPES, text))
    gap = r"[;\n]+" if isinstance(first, (Matrix, tuple)) else r"[;\n]+|,\s+|\s+"
    return Listing(read(first, p, unit) for p in re.split(gap, text) if p.strip())


def record(text: str, expected: Mapping[str, Any], unit: str, known: Any = None) -> Record:
    """name value; name value: each entry by its name, or all of them in order."""
    pieces = [p.strip() for p in re.split(r"(?<!\\)[;\n]+", text) if p.strip()]
    if len(pieces) == 1 and len(expected) > 1:
        commas = [p.strip() for p in re.split(r",\s+", text) if p.strip()]
        pieces = commas if len(commas) == len(expected) else pieces
    found = Record()
    unnamed = []
    for piece in pieces:
        key = named(piece, expected)
        if key is None:
            unnamed.append(piece)
            continue
        if key[0] in found:
            raise BadInput(f"{key[0]} is given twice")
        found[key[0]] = read(expected[key[0]], key[1], unit, known)
    left = [k for k in expected if k not in found]
    if len(unnamed) > len(left):
        names = "; ".join(f"{k} …" for k in expected)
        raise BadInput(
            f"{len(pieces)} values for {len(expected)}: name them, as in {names}"
        )
    for key_, piece in zip(left, unnamed):
        found[key_] = read(expected[key_], piece, unit, known)
    return found


def named(piece: str, expected: Mapping[str, Any]) -> tuple[str, str] | None:
    """The entry that a piece names at its start, and the rest of it."""
    for key in sorted(expected, key=len, reverse=True):
        if symbolic(expected[key]) and (rest := after_label(piece, key)):
            return key, rest
        if symbolic(expected[key]):
            continue
        for word in dict.fromkeys((key, key.replace("_", " "), NAMES.get(key, key))):
            name = re.escape(word)
            m = re.match(rf"\s*{name}(?:\s*[:=]\s*|\s+)(.+)$", piece, re.I | re.S)
            if m:
                return key, m[1].strip()
    return None


LETTERS = {"padding": "p", "stride": "s", "kernel": "k", "dilation": "d"}
JOINING = {"and", "with", "a", "an", "the", "of", "size", "is"}


def several(text: str, expected: Any) -> Options:
    """p = 1, s = 2; padding 3, stride 4: combinations, separated by ; or new lines."""
    found: dict[Any, None] = {}
    if text.lower().strip(" .") in ("none", "no", "∅", "{}"):
        return Options(())
    for piece in filter(None, (p.strip() for p in re.split(r"[;\n]+|\bor\b", text))):
        words = [w.lower() for w in re.findall(r"[A-Za-z]+", piece)]
        names = [LETTERS.get(w, w) for w in words if w not in JOINING]
        numbers = [int(n) for n in re.findall(r"\d{1,9}", piece)]
        if not isinstance(expected, Mapping):
            found[Listing(numbers)] = None
            continue
        if names and (set(names) - set(LETTERS.values()) or len(names) != len(numbers)):
            known_words(" ".join(words), {*LETTERS, *LETTERS.values(), *JOINING})
            raise BadInput(f"expected one value for each name, not {piece[:40]!r}")
        if expected and len(numbers) != len(expected):
            wanted = ", ".join(f"{k} = …" for k in expected)
            raise BadInput(f"expected {wanted}, not {piece[:40]!r}")
        if names and re.search(r"\d\s*$", piece) is None:
            raise BadInput(
                f"write each name before its value, as in {', '.join(expected)} …"
            )
        found[tuple(sorted(zip(names or expected, numbers)))] = None
    return Options(one if isinstance(one, Listing) else Record(one) for one in found)
