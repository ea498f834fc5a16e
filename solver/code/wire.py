"""What goes to the child and what comes back: bytes that a hostile program may have written.

A request is ours. Of a reply nothing is believed: lines, keys, types, sizes and numbers are
checked one by one, no pickle and no header of an array is read, and its words are cut short
and cleaned before anybody sees them.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from solver.code.child import DEEP, MOST, encoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ENTRIES = 64  # of a tuple or a table
AXES = 8
WORDS = 160


class BadReply(ValueError):
    """The child wrote what no child of ours writes."""


@dataclass(frozen=True)
class Failed:
    """An exception that the student's code raised."""

    error: str
    line: int = 0
    says: str = ""

    def said(self) -> str:
        """As a sentence, with the line."""
        where = f" on line {self.line}" if self.line else ""
        return f"{self.error}{where}" + (
            f": {self.says.rstrip('.')}." if self.says else "."
        )


@dataclass(frozen=True)
class Other:
    """A value of a type that is no answer: only its name."""

    name: str


@dataclass(frozen=True, eq=False)
class Returned:
    """What a call returned, and its arguments that are tables, after it."""

    value: Any
    tables: Mapping[str, Any]


def request(
    function: str,
    calls: Sequence[Mapping[str, Any]],
    limits: Mapping[str, int],
    last_limits: Mapping[str, int],
    by_name: bool = False,
    names: Mapping[str, str] | None = None,
) -> bytes:
    """A request for these calls; `names` are put in place of undefined ones."""
    return json.dumps({
        "function": function,
        "by_name": by_name,
        "names": dict(names or {}),
        "limits": dict(limits),
        "last_limits": dict(last_limits),
        "calls": [{k: encoded(v) for k, v in call.items()} for call in calls],
    }).encode()  # fmt: skip


def replies(data: bytes, calls: int) -> list[Returned | Failed]:
    """The replies to so many calls; a failure while the code was loaded is each call's.

    Raises BadReply for anything else, or for too few.
    """
    lines = data.split(b"\n")
    if lines[-1]:
        raise BadReply("it breaks off")
    found = [reply(line) for line in lines[:-1][:calls]]
    if len(found) == 1 and isinstance(found[0], Failed):
        return found * calls
    if len(found) != calls:
        raise BadReply(f"{len(found)} replies to {calls} calls")
    return found


def reply(line: bytes) -> Returned | Failed:
    """One line of a reply."""
    try:
        data = json.loads(line.decode("ascii"))
    except (ValueError, RecursionError):
        raise BadReply("a line is no JSON") from None
    if not isinstance(data, dict):
        raise BadReply("a line is no object")
    if data.keys() == {"error", "line", "says"}:
        at = data["line"]
        if not isinstance(at, int) or not 0 <= at < 10_000:
            raise BadReply("a line number is none")
        name = clean(data["error"], 60)
        return Failed(
            name if name.isidentifier() else "an exception", at, clean(data["says"])
        )
    if data.keys() != {"value", "tables"} or not isinstance(data["tables"], dict):
        raise BadReply("a line has other names")
    tables = {clean(k): decoded(v) for k, v in list(data["tables"].items())[:ENTRIES]}
    if not all(isinstance(v, dict) for v in tables.values()):
        raise BadReply("a table is none")
    return Returned(decoded(data["value"]), tables)


def decoded(data: Any, depth: int = 0) -> Any:
    """One value: an array, a text, None, a tuple, a dict, or the Other that it is."""
    if not isinstance(data, dict) or depth > DEEP:
        raise BadReply("a value is none")
    if data.keys() == {"plain"}:
        value = data["plain"]
        if isinstance(value, (bool, int, float)):
            return number(value)
        if value is None:
            return None
        return clean(value)
    if data.keys() == {"other"}:
        return Other(clean(data["other"]))
    if data.keys() == {"several"}:
        return tuple(decoded(v, depth + 1) for v in listed(data["several"]))
    if data.keys() == {"table"}:
        pairs = [listed(p) for p in listed(data["table"])]
        if any(len(p) != 2 for p in pairs):
            raise BadReply("a table has no pairs")
        return {clean(k): decoded(v, depth + 1) for k, v in pairs}
    if data.keys() == {"shape", "single", "data"}:
        return array(data["shape"], data["single"], data["data"])
    raise BadReply("a value has other names")


def number(value: float) -> np.ndarray[Any, Any]:
    """A plain number as an array of no axes."""
    try:
        return np.asarray(float(value))
    except OverflowError:
        raise BadReply("a number is too large") from None


def array(shape: Any, single: Any, data: Any) -> np.ndarray[Any, Any]:
    """An array of numbers, its size held against its bytes before it is made."""
    sizes = listed(shape)
    if len(sizes) > AXES or not all(type(n) is int and 0 <= n <= MOST for n in sizes):
        raise BadReply("a shape is none")
    values = math.prod(sizes)
    if values > MOST or not isinstance(data, str) or len(data) > 11 * MOST:
        raise BadReply("an array is too large")
    try:
        raw = base64.b64decode(data.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise BadReply("an array has no bytes") from None
    if len(raw) != 8 * values:
        raise BadReply("an array's bytes do not fit its shape")
    made = np.frombuffer(raw, dtype="<f8").reshape(sizes)
    return made.astype(np.float32 if single is True else np.float64)


def listed(data: Any) -> list[Any]:
    """A list that is not too long."""
    if not isinstance(data, list) or len(data) > ENTRIES:
        raise BadReply("a list is none, or too long")
    return data


def clean(text: Any, most: int = WORDS) -> str:
    """Words of the child's: one line, no controls, nothing that a document would set."""
    if not isinstance(text, str):
        raise BadReply("words are none")
    shown = "".join(
        c if c.isprintable() and c not in "$\\`" else " " for c in text[: 4 * most]
    )
    shown = " ".join(shown.split())
    return shown if len(shown) <= most else shown[: most - 1] + "…"
