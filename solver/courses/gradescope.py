"""Gradescope's submission_metadata.yml: who handed in which folder of an export.

Not a YAML reader: the lines of this one shape, of which nothing but names, ids and
addresses is taken. Results of a student's own making stand deeper and are passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from solver.core import BadInput
from solver.courses.naming import readable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

METADATA = "submission_metadata.yml"
LONGEST_LINE = 10_000
LONGEST_FILE = 1_000_000_000

TOP = re.compile(r"""(['"]?)([\w.-]{1,200})\1:\s*(?:\{\}\s*)?\Z""")
FIELD = re.compile(r"(?:- )?\s*:?(name|sid|email):(?: +(.*))?\Z")
ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")


@dataclass
class Person:
    """One of those who handed a submission in."""

    name: str = ""
    sid: str = ""
    email: str = ""


def read_metadata(stream: BinaryIO) -> dict[str, list[Person]]:
    """The submitters of each folder or file, by its name. Raises BadInput.

    The shape: a folder's name in the first column, one level in `:submitters:`, under it
    a list whose entries have `:name:`, `:sid:` and `:email:`.
    """
    found: dict[str, list[Person]] = {}
    people: list[Person] | None = None
    level, listing, size = -1, -1, 0  # columns of a folder's keys, and of its list
    key = ""  # the field whose value may go on in the next line
    for raw in iter(lambda: stream.readline(LONGEST_LINE), b""):
        size += len(raw)
        if size > LONGEST_FILE:
            raise BadInput("it is larger than any list of submitters")
        line = raw.decode("utf-8", "replace").lstrip("\ufeff").rstrip("\r\n")
        text = line.lstrip(" ")
        if not text or text[0] == "#" or line.startswith("---"):
            continue
        indent = len(line) - len(text)
        if indent == 0:
            m = TOP.match(line)
            if m is None and not found:
                raise BadInput(
                    f"expected a folder's name and a colon, not {readable(line, 60)!r}"
                )
            people = found.setdefault(m[2], []) if m else None
            level, listing, key = -1, -1, ""
            continue
        if people is None:
            continue
        if level < 0:
            level = indent
        if indent == level and not text.startswith("- "):
            listing = level if re.match(r":?submitters:\s*\Z", text) else -1
            key = ""
            continue
        if listing < 0:
            continue
        if text.startswith("- "):
            if not people or indent <= listing + 2:
                people.append(Person())
        m = FIELD.match(text)
        if m and people:
            key = m[1]
            setattr(people[-1], key, readable(scalar(m[2] or "")))
        elif key and people and not re.match(r"(?:- )?:?\w+:(?: |\Z)", text):
            # A long value goes on in the next line.
            before = getattr(people[-1], key)
            setattr(people[-1], key, readable(f"{before} {scalar(text)}"))
        else:
            key = ""
    if not found:
        raise BadInput("it names no submission")
    return found


def scalar(text: str) -> str:
    """A value as YAML writes it on a line: plain, 'quoted' or "escaped"."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        return ESCAPE.sub(escape, text[1:-1])
    text = re.sub(r"\s#.*\Z", "", text)
    return "" if text in ("~", "null", "Null", "NULL") else text


def escape(m: re.Match[str]) -> str:
    """One escape of a double-quoted value."""
    digits = m[1] or m[2] or m[3]
    if digits:
        number = int(digits, 16)
        return chr(number) if number < 0x110000 else ""
    return {"n": " ", "t": " ", "r": " "}.get(m[4], m[4])
