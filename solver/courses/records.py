"""What passes between the rooms of a course: submissions in, results and marks out.

`submissions` reads files into Submission; `marking` makes each answer a Result, kept by
`store`; reports and exports read Marked students back. Plain data, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from solver.core import Verdict


@dataclass(frozen=True)
class Submission:
    """One student's answers to a set, as they were written."""

    student: str  # as the file names them, else the file's or folder's own name
    answers: Mapping[str, str]  # by part id, verbatim; a part without an answer is left out
    source: str  # the file or archive member it came from, for messages
    variant: str = ""
    email: str = ""  # where the platform gives it; for its grade files
    unread: tuple[str, ...] = ()  # what could not be read of it, a sentence each


@dataclass(frozen=True)
class Result:
    """One answer with its verdict.

    `key` is the hash of all that the verdict depends on. `decided` says that a person
    gave it; `before` is the mark that an earlier run gave the same answer, if another.
    """

    part: str
    text: str
    verdict: Verdict
    key: str
    decided: bool = False
    before: str = ""


@dataclass(frozen=True)
class Marked:
    """A student with the results of every part that was answered, in the set's order."""

    student: str
    source: str
    results: Mapping[str, Result] = field(default_factory=dict)
    variant: str = ""
    email: str = ""
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Undecided answers to one part that are the same: a person decides them once."""

    id: str  # short and stable: what `pset decide` is given
    part: str
    text: str  # the answer as the first of them wrote it
    verdict: Verdict
    students: tuple[str, ...]
