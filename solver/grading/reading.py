"""Reading a student's text as a value of the expected answer's type.

The text is hostile until read here: nothing is evaluated but arithmetic on our own trees,
and lengths are bounded. A word that is no name or unit known here is never passed over
("not 64x62x62" is no shape): what cannot be read is a BadInput, which is not charged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from solver.answers.forms import read_answer
from solver.answers.stated import Stated
from solver.core import BadInput
from solver.expressions.nodes import Sym, walk
from solver.expressions.series import Cases
from solver.expressions.typeset_forms import GREEK
from solver.expressions.written import Index
from solver.grading.arrays import is_array, read_arrays
from solver.grading.cases import read_cases
from solver.grading.computed import as_stated, written_key
from solver.grading.symbols import after_label, read_members, symbolic
from solver.properties import Property
from solver.values import NAMES, Listing, Matrix, Numeric, Options, Record, Shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST = 20_000


@dataclass(frozen=True)
class Rounded:
    """An entry given to some digits only: it stands for all within `slack` of it."""

    value: Any
    slack: Any


@dataclass(frozen=True)
class Chain:
    """a = b = c as a student wrote it: the last member answers, each link is checked."""

    members: tuple[Any, ...]


def read(
    expected: Any, text: str, unit: str = "", known: Any = None,
    allows: Mapping[str, Any] | None = None,
) -> Any:  # fmt: skip
    """The student's value, of the expected one's type and in its unit. Raises BadInput.

    known: the letters of the solution, which an answer in letters may use. allows: how far
    off numbers may be.
    """
    if len(text) > LONGEST:
        raise BadInput(f"the answer has {len(text):,} characters; at most {LONGEST:,}")
    no_controls(text)
    if isinstance(expected, Property):
        return expected.read(text)
    stated = expected if isinstance(expected, Stated) else as_stated(expected, unit)
    if stated and allows:
        stated = replace(stated, settings={**stated.settings, **allows})
    if stated:
        return read_answer(stated, text)
    if symbolic(expected):
        try:
            members = read_members(expected, text, known or {})
        except BadInput:
            given = read_as_written(expected, text, known)
            if given is None:
                raise
            return given
        return Chain(tuple(members)) if len(members) > 1 else members[0]
    if isinstance(expected, Cases):
        return read_cases(expected, text)
    if isinstance(expected, Mapping) and any(map(symbolic, expected.values())):
        return record(text.strip(), expected, unit, known, allows)
    text = plain(text)
    if not text:
        raise BadInput("there is no answer")
    if isinstance(expected, bool):
        return yes_or_no(text)
    if is_array(expected):
        return read_arrays(text, expected, unit)
    if isinstance(expected, Options):
        return several(text, expected[0] if expected else Record())
    if isinstance(expected, Mapping):
        return record(text, expected, unit, None, allows)
    if isinstance(expected, (Listing, tuple, list)):
        return listing(text, expected, unit)
    raise BadInput(f"answers of this type are not read yet: {type(expected).__name__}")


def read_as_written(expected: Any, text: str, known: Any) -> Any:
    """The text by the tolerant reader, if it is in letters that the solution has."""
    key = written_key(expected, known)
    try:
        given = read_answer(key, text) if key else None
    except BadInput:
        return None
    if key is None or given is None:
        return None
    met = {n.args[0] for n in walk(given.value) if isinstance(n, (Sym, Index))}
    return given if met <= {*key.names["known"], "e", "pi"} else None


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
    r"(?:torch\.Size|tensor|(?:transforms\.)?Normalize)(?=\s*\()": "",
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


# -- several values -----------------------------------------------------------------------

SHAPES = r"[(\[][^()\[\]]*[)\]]|\w+(?:\s*(?:[x×*]|by)\s*\w+)*"


def listing(text: str, expected: Any, unit: str) -> Listing:
    """Values in a row, separated by ; or new lines, numbers also by commas or spaces."""
    first = expected[0] if expected else 0
    text = text.strip()
    if isinstance(first, (int, Numeric)) and text[:1] in tuple("([{") and text[-1:] in tuple(")]}"):
        text = text[1:-1]
    if re.fullmatch(r"[01]+", text) and len(text) == len(expected) > 1:
        text = " ".join(text)  # 0110: bits are written without a gap
    if isinstance(first, Shape):
        return Listing(read(first, p, unit) for p in re.findall(SHAPES, text))
    if isinstance(first, (int, float, Numeric)):  # A: −0.5, B: 0.5
        text = re.sub(r"(?<![^\s,;])[^\W\d]\w{0,15}\s*[:=]\s*(?=[-+−.\d])", "", text)
    gap = r"[;\n]+" if isinstance(first, (Matrix, tuple)) else r"[;\n]+|,\s+|\s+"
    pieces = [p for p in re.split(gap, text) if p.strip()]
    if isinstance(first, (int, float, Numeric)) and len(pieces) != len(expected):
        apart = [p for p in re.split(r"[;,\s]+", text) if p]  # 1,2 is 1.2 only if one is asked
        pieces = apart if len(apart) == len(expected) else pieces
    return Listing(read(first, p, unit) for p in pieces)


def record(
    text: str, expected: Mapping[str, Any], unit: str, known: Any = None, allows: Any = None
) -> Record:
    """name value; name value: each entry by its name, or all of them in order."""
    pieces = [p.strip() for p in re.split(r"(?<!\\)[;\n]+", text) if p.strip()]
    if len(pieces) == 1 and len(expected) > 1:
        commas = [p.strip() for p in re.split(r",\s+", text) if p.strip()]
        pieces = commas if len(commas) == len(expected) else pieces
        pieces = apart if len(apart := groups(text)) == len(expected) else pieces
    pieces = by_names(text, expected) or pieces
    said = all_named(pieces, expected)
    found = Record()
    unnamed = []
    for piece in [p for whole in pieces for p in opened(whole, expected)]:
        key = said.get(piece) or named(piece, expected)
        if key is None:
            unnamed.append(piece)
            continue
        if key[0] in found:
            raise BadInput(f"{key[0]} is given twice")
        found[key[0]] = read(expected[key[0]], key[1], unit, known, allows)
    left = [k for k in expected if k not in found]
    if len(unnamed) == 1 < len(left):  # which of them is meant?
        left = [k for k in left if reads(expected[k], unnamed[0], unit, known)]
    if len(unnamed) > len(left) or len(unnamed) == 1 < len(left):
        names = "; ".join(f"{k} …" for k in expected)
        values = "1 value" if len(pieces) == 1 else f"{len(pieces)} values"
        raise BadInput(f"{values} for {len(expected)}: name them, as in {names}")
    for key_, piece in zip(left, unnamed):
        found[key_] = read(expected[key_], piece, unit, known, allows)
    return found


def by_names(text: str, expected: Mapping[str, Any]) -> list[str]:
    """z=-0.5,P=0.38: the pieces before which a comma, "and" or a space and a name with its
    sign stand, if all entries are named so, each once; else nothing."""
    names = {w for key in expected for w in (key, key.replace("_", " "), NAMES.get(key, key))}
    any_name = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    cut = rf"(?:\s*[;,\n]|\s+and\b)\s*(?=(?:{any_name})(?:\s*[:=]|\s))|\s+(?=(?:{any_name})\s*[:=])"
    pieces = [p.strip() for p in re.split(cut, text, flags=re.I) if p.strip()]
    keys = [found[0] for p in pieces if (found := named(p, expected))]
    return pieces if len(keys) == len(pieces) and sorted(keys) == sorted(expected) else []


def all_named(pieces: list[str], expected: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """output β; z 0; gamma 0: the entry and the rest of each piece, if each begins with the
    name of another entry and one of these is a word, which is no factor as a letter is."""
    if not any(re.fullmatch(r"[a-z]{3,}(?:_[a-z]+)*", k) and k not in GREEK for k in expected):
        return {}
    found: dict[str, tuple[str, str]] = {}
    for piece in pieces:
        for key in expected:
            name = re.escape(key).replace("_", "[_ ]")
            m = re.match(rf"{name}(?:\s*[:=]\s*|\s+)(.+)$", piece, re.I | re.S)
            if m:
                found[piece] = (key, m[1].strip())
    return found if sorted(key for key, _ in found.values()) == sorted(expected) else {}


def opened(piece: str, expected: Mapping[str, Any]) -> list[str]:
    """A value with another one in brackets behind it, which says its name: 6.81 (std 13.8)."""
    bracket = re.fullmatch(r"(.*\S)\s*[(\[](.+)[)\]]\s*\.?", piece, re.S)
    if bracket and named(bracket[2], expected):
        return [bracket[1], bracket[2]]
    return [piece]


def groups(text: str) -> list[str]:
    """(0.5,), (0.5,), or both in brackets again: what stands in brackets, if all does."""
    whole = re.fullmatch(r"\s*[(\[]\s*([(\[].*[)\]])[\s,]*[)\]]\s*", text, re.S)
    text = whole[1] if whole else text
    group = r"[(\[][^()\[\]]*[)\]]"
    return [] if re.sub(rf"{group}|[\s,]", "", text) else re.findall(group, text)


def reads(expected: Any, text: str, unit: str, known: Any) -> bool:
    """Whether a text can be meant for this value."""
    try:
        read(expected, text, unit, known)
    except BadInput:
        return False
    return True


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
        if strangers := re.sub(r"[\w\s=:,;.()\[\]&$−-]|\\(?:text|quad)", "", piece):
            raise BadInput(f"{strangers[:1]!r} has no meaning in this answer")
        words = [w.lower() for w in re.findall(r"[A-Za-z]+", piece)]
        names = [LETTERS.get(w, w) for w in words if w not in JOINING]
        numbers = [int(n) for n in re.findall(r"\d{1,9}", piece)]
        if not isinstance(expected, Mapping):
            found[Listing(numbers)] = None
            continue
        if names and (set(names) - set(LETTERS.values()) or len(names) != len(numbers)):
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
