"""What tests of stated answers share: a problem as its author states it, and a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from solver.core import Problem, Verdict
from solver.grading import grade

MARKS = ("right", "wrong", "partly", "invalid", "undecided")


@dataclass(frozen=True)
class Asked:
    """A key of one form with texts for each verdict; `source` says where it is from."""

    source: str
    form: str
    key: Any
    given: dict[str, Any] = field(default_factory=dict)
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()

    @property
    def problem(self) -> Problem:
        return Problem(f"answer {self.form}", {"key": self.key, **self.given})


def judged(form: str, key: Any, text: str, **given: Any) -> Verdict:
    """The verdict on a text, through the public path."""
    return grade(Problem(f"answer {form}", {"key": key, **given}), text)


def cases(asked: Iterable[Asked]) -> list[Any]:
    """(problem, text, mark) of every text, named by its source."""
    return [
        pytest.param(one.problem, text, mark, id=f"{one.source} | {text} | {mark}")
        for one in asked
        for mark in MARKS
        for text in getattr(one, mark)
    ]
