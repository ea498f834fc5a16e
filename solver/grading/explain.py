"""Why an answer is wrong: the problem's own mistakes, those of its kind, then general ones."""

from __future__ import annotations

from collections.abc import Mapping

from solver.answers.given import Given
from solver.answers.stated import Stated
from solver.core import BadInput, Problem
from solver.grading.inputs import NAME, elsewhere
from solver.grading.matching import matches
from solver.kinds import mistakes
from solver.mistaken.feedback import said
from solver.mistaken.find import mistakes_of, mistakes_of_typed
from solver.order import reorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def explained(
    problem: Problem, right: Any, value: Any, order: str, known: Any
) -> tuple[str, str]:
    """(mistake, feedback) of a wrong answer; nothing where no mistake gives its value."""
    for one in mistakes(problem):
        if isinstance(one.value, Mapping):
            continue  # about entries: see entries.py
        try:
            met, _ = matches(reorder(one.value, order), value, known)
        except BadInput as e:
            raise e.at(f"the mistake “{one.feedback[:40]}”") from None
        if met:
            return one.name, one.feedback
    name, why = general(right, value)
    if name not in ("", "entries_wrong"):  # which says least
        return name, why
    for said_, wrong in elsewhere(problem):
        if matches(reorder(wrong, order), value, known)[0]:
            return NAME, said_
    return name, why


def general(right: Any, value: Any) -> tuple[str, str]:
    """(names, feedback) of the general mistakes that give a value, and what differs."""
    if isinstance(value, Given):
        key = right if isinstance(right, Stated) else value.key
        if key is None:
            return "", ""
        from solver.answers.forms import same

        names = mistakes_of(key, value.value)
        why = same(key, value.value).why
    else:
        names, why = mistakes_of_typed(right, value), ""
    return " or ".join(names), " ".join(dict.fromkeys(x for x in (said(names), why) if x))
