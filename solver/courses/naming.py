"""Students' names: hostile text made readable, and made safe as the name of a file.

`readable` keeps a name as people write it, without what cannot be seen; `student_of`
takes off what a platform puts around a name; `safe_name` is for paths of our own.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

LONGEST_NAME = 100  # characters that are kept of a student's name
LONGEST_FILE = 80  # characters of a file's name made from it
LONGEST_TEXT = 300  # characters of a path or a sentence in a message

# Control characters, those that turn the direction of reading, halves of characters.
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")
DEVICES = re.compile(r"(?i)(?:con|prn|aux|nul|conin\$|conout\$|com\d|lpt\d)(?:\..*)?")
PLAIN = re.compile(r"[A-Za-z0-9]+(?:(?:\. |[ .-])[A-Za-z0-9]+)*\Z")
HASHED = re.compile(r"-[0-9a-f]{12}\Z")

# What platforms put around a student's name when submissions are downloaded.
DECORATED = tuple(
    re.compile(pattern, re.S)
    for pattern in (
        # Moodle: Ada Lovelace_12345_assignsubmission_file_ (a folder, or before a file)
        r"(.+?)_\d+_assignsubmission_[a-z]+(?:_.*)?\Z",
        # Canvas: lovelaceada_LATE_123_456_homework.tex
        r"([^_\s]+?)(?:_LATE)?_\d+_\d+_.+\Z",
        # Blackboard: Homework 1_ada7_attempt_2024-01-31-12-00-00_homework.tex
        r".+_([^_]+)_attempt_\d{4}(?:-\d\d){5}(?:_.*|\.[^.]*)?\Z",
    )
)
ENDING = r"(?i)(?:\.(?:tex|toml|json|txt|tar|synctex)){0,2}\.[a-z0-9]{1,8}\Z"
STUDENT_FOLDER = re.compile(r".+_\d+_assignsubmission_[a-z]+_?\Z", re.S)


def readable(text: str, longest: int = LONGEST_NAME) -> str:
    """Text from outside on one line, without what cannot be seen, and bounded.

    Nothing else is changed: a name may hold slashes and quotes, and whoever makes a
    path, HTML or CSV of it has to guard that by themselves.
    """
    text = unicodedata.normalize("NFC", text[: 20 * longest])
    seen = [
        " " if c.isspace() or unicodedata.category(c) in ("Zl", "Zp") else c
        for c in text
        if c.isspace() or unicodedata.category(c) not in UNSEEN
    ]
    line = " ".join("".join(seen).split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def student_of(name: str, folder: bool = False) -> str:
    """The student in a file's or folder's name, without a platform's decorations."""
    name = name[-LONGEST_TEXT:]
    for pattern in DECORATED:
        if m := pattern.match(name):
            return readable(m[1])
    bare = name if folder else re.sub(ENDING, "", name)
    return readable(bare) or readable(name) or "unnamed"


def safe_name(student: str) -> str:
    """A file's name for a student, safe on every system and different for each name.

    Letters and digits in ASCII with dots, dashes and underscores (for spaces) between
    them; at most 80 characters, never empty, never a device of Windows (CON). Where
    more than a space had to be replaced, a hash of the whole name stands behind it, so
    that no two students share a file. Names that differ only in capitals are kept apart
    by `read_submissions`.
    """
    plain = PLAIN.match(student) and len(student) <= LONGEST_FILE
    if plain and not DEVICES.fullmatch(student) and not HASHED.search(student):
        return student.replace(" ", "_")
    ascii_ = unicodedata.normalize("NFKD", student[:1000]).encode("ascii", "ignore")
    stem = re.sub(r"[^A-Za-z0-9]+", "_", ascii_.decode()).strip("_")[:60].strip("_")
    if not stem or DEVICES.fullmatch(stem):
        stem = f"student_{stem}".rstrip("_")
    mark = sha256(student.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{stem}-{mark}"


class Roll:
    """The names that have been read, so that no two submissions share one.

    Names are the same if they differ in capitals only: a file system may not tell them
    apart, and neither may a platform. Only a hash of each is kept: a name is small, but
    there may be a hundred thousand.
    """

    def __init__(self) -> None:
        self.seen: dict[int, int] = {}

    def name(self, student: str) -> tuple[str, int]:
        """The name, or the name with a number behind it; and which of that name it is."""
        first = hash(student.casefold())
        count = self.seen.get(first, 0) + 1
        found = student
        while count > 1:
            found = f"{student} ({count})"
            if hash(found.casefold()) not in self.seen:
                break
            count += 1
        self.seen[first] = count
        self.seen.setdefault(hash(found.casefold()), 1)
        return found, count


# -- names as LaTeX writes them -----------------------------------------------------------

ACCENTS = {
    "'": "\u0301", "`": "\u0300", '"': "\u0308", "^": "\u0302", "~": "\u0303",
    "=": "\u0304", ".": "\u0307", "c": "\u0327", "v": "\u030c", "u": "\u0306",
    "H": "\u030b", "r": "\u030a", "k": "\u0328",
}  # fmt: skip
SPECIAL = {
    "ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ",
    "OE": "Œ", "aa": "å", "AA": "Å", "i": "i", "j": "j", "dh": "ð", "th": "þ",
}  # fmt: skip
LETTER = r"(?:\\[ij](?![A-Za-z])|[A-Za-z])"
MARKED = re.compile(
    rf"""\\(?:(?P<sign>['`"^~=.])|(?P<letter>[cvuHrk])(?=\s|\{{))\s*"""
    rf"(?:\{{\s*(?P<braced>{LETTER})\s*\}}|(?P<bare>{LETTER}))"
)


def from_latex(text: str) -> str:
    r"""A name between the braces of \student{}, its accents read and its braces dropped."""

    def accent(m: re.Match[str]) -> str:
        made = (m["braced"] or m["bare"]).lstrip("\\") + ACCENTS[
            m["sign"] or m["letter"]
        ]
        return unicodedata.normalize("NFC", made)

    text = MARKED.sub(accent, re.sub(r"(?<!\\)%[^\n]*", " ", text))
    names = "|".join(sorted(SPECIAL, key=len, reverse=True))
    text = re.sub(
        rf"\\({names})(?![A-Za-z])\s*(?:\{{\}})?", lambda m: SPECIAL[m[1]], text
    )
    text = re.sub(r"\\[A-Za-z]+\*?", " ", text)
    text = re.sub(r"\\(.)", r"\1", text, flags=re.S)
    return readable(re.sub(r"[{}]", "", text).replace("~", " "))
