"""One submission as TOML's or JSON's data: its student, and each answer as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from solver.core import BadInput
from solver.courses.naming import readable
from solver.courses.parts import Parts, Said
from solver.courses.streams import Digits, Table
from solver.toml import no_controls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KEYS = ("student", "set", "variant", "email", "answers")
DEEPEST = 16  # tables inside tables


@dataclass
class Written:
    """What one table says, before it is held against names of files."""

    student: str = ""
    variant: str = ""
    email: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    unread: Said = field(default_factory=Said)


def read_table(data: Any, parts: Parts) -> Written:
    """One submission from TOML's or JSON's data; what cannot be read of it is said."""
    found = Written()
    if not isinstance(data, Mapping):
        found.unread(
            'expected an object such as {"student": "Ada", "answers": {"1a": "…"}}'
        )
        return found
    for key in ("student", "variant", "email"):
        value = data.get(key)
        if value is not None and not isinstance(value, (str, int, float)):
            found.unread(f"{key}: expected text, not a list or table")
        elif value is not None and not isinstance(value, bool):
            setattr(found, key, readable(str(value)))
    named = data.get("set")
    if named is not None and not names_set(str(named), parts):
        found.unread(
            f"this is a submission to {readable(str(named), 60)!r}, not to {parts.name}; "
            "nothing was read"
        )
        return found
    answers = data.get("answers")
    if answers is not None and not isinstance(answers, Mapping):
        found.unread("answers: expected a table with a part's id before each answer")
        answers = None
    if answers is None and not any(key not in KEYS for key in data):
        if not found.unread.all():
            found.unread("there is no table of answers in it: [answers]")
        return found
    gather(answers or {}, parts, found)
    strange = Table([(k, v) for k, v in data.items() if k not in KEYS])
    strange.twice = getattr(data, "twice", [])
    gather(strange, parts, found)  # an answer above [answers] is an answer, too
    return found


def names_set(named: str, parts: Parts) -> bool:
    """Whether a submission's set is this one: by its name, or its file's."""
    bare = re.sub(r"\.toml\Z", "", re.split(r"[/\\]", named.strip())[-1])
    return bare.casefold() == parts.name.casefold()


def gather(
    table: Mapping[str, Any],
    parts: Parts,
    found: Written,
    before: str = "",
    deep: int = 1,
) -> None:
    """The answers of a table. TOML takes 2.1 = "…" without quotes for tables in tables:
    ids are put together again."""
    for key, value in table.items():
        id = f"{before}{key}".strip()
        if isinstance(value, Mapping) and deep < DEEPEST and not parts.ends(id, value):
            gather(value, parts, found, f"{id}.", deep + 1)
        elif id in parts:
            take(id, value, parts, found)
        elif value not in (None, "") and found.unread.room():
            found.unread(f"{parts.unknown(id)}; it says {cut(value)}")
    for key, value in getattr(table, "twice", ()):
        found.unread(
            f"{readable(before + key, 60)} is given twice: the first is read; the other "
            f"says {cut(value)}"
        )


def take(id: str, value: Any, parts: Parts, found: Written) -> None:
    """One answer as text, unless it is empty or a backslash was read away."""
    try:
        if depth(value) > DEEPEST:
            raise BadInput("it is nested too deeply")
        text = as_text(value, id, parts)
        no_controls(text, id)
    except BadInput as e:
        found.unread(
            f"the answer to {id} cannot be read: {e.message}; it says {cut(value)}"
        )
        return
    if not text.strip():
        return
    if id in found.answers:
        if found.answers[id] != text:
            found.unread(
                f"{id} is given twice: the first is read; the other says {cut(text)}"
            )
        return
    # Half of a surrogate pair is no text, and nothing could write it out again.
    found.answers[id] = text.encode("utf-8", "replace").decode()


def cut(value: Any) -> str:
    """The start of a value that is not read, for a message."""
    if isinstance(value, (Mapping, list)):
        return "a table" if isinstance(value, Mapping) else "a list"
    try:
        return f"“{readable(plain(value), 60)}”"
    except BadInput:
        return "a number of thousands of digits"


def depth(value: Any) -> int:
    """How deep lists and tables stand inside each other; no deeper than is looked at."""
    level, found = [value], 0
    while level and found <= DEEPEST:
        found += 1
        level = [
            x
            for v in level
            if isinstance(v, (Mapping, list))
            for x in (v.values() if isinstance(v, Mapping) else v)
        ]
    return found


def as_text(value: Any, id: str, parts: Parts) -> str:
    """An answer as it would be typed: text as it is, a list in brackets, a table by names."""
    if isinstance(value, Mapping):
        if not parts.asked(id):
            return plain(value)
        boxes = {str(k): text for k, v in value.items() if (text := plain(v)).strip()}
        given = {parts.named(id, k) or k: text for k, text in boxes.items()}
        if len(given) < len(boxes):
            raise BadInput("two of its values have the same name")
        if isinstance(value, Table) and value.twice:
            raise BadInput(f"{readable(value.twice[0][0], 40)!r} is given twice in it")
        return parts.joined(id, given) if given else ""
    if isinstance(value, list) and any(
        isinstance(x, Mapping) or isinstance(x, str) and not isinstance(x, Digits)
        for x in value
    ):
        return "; ".join(plain(x) for x in value)
    return plain(value)


def plain(value: Any) -> str:
    """A value as text, inside another."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} = {plain(v)}" for k, v in value.items())
    if isinstance(value, list):
        return f"[{', '.join(map(plain, value))}]"
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        try:
            return str(value)
        except ValueError:  # hexadecimal, of thousands of digits
            raise BadInput("a number in it has thousands of digits") from None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
