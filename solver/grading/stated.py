"""Verdicts on stated answers: read by their form, compared, and explained."""

from __future__ import annotations

from solver.answers.forms import broken, read_answer, same, shown
from solver.answers.stated import Stated
from solver.core import BadInput, Problem, Verdict
from solver.mistaken.feedback import said
from solver.mistaken.find import mistakes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DECIDE = "A person has to decide this."


def judged(problem: Problem, stated: Stated, text: str) -> Verdict:
    """The verdict on a text as the answer to a stated key. Raises BadInput if unreadable."""
    given = read_answer(stated, text)
    understood = shown(given)
    finding = same(stated, given.value)
    link = broken(stated, given) if finding.same is not None else None
    if finding.same:
        if link:
            why = f"The result is right, but {shown(link[1])} = {shown(link[2])} does not hold."
            return Verdict("partly", problem.points / 2, "", why, understood)
        return Verdict("right", problem.points, "", finding.why or given.remark, understood)
    if finding.same is None:
        return Verdict("undecided", 0, "", finding.why or DECIDE, understood)
    name, why = explained(problem, stated, given.value, finding.why)
    if link and not name:
        why = f"{shown(link[1])} = {shown(link[2])} does not hold. {why}".strip()
    return Verdict("wrong", 0, name, why, understood)


def explained(problem: Problem, stated: Stated, value: Any, why: str) -> tuple[str, str]:
    """(mistake, feedback) of a wrong value: the file's own first, then general ones."""
    for one in problem.mistakes:
        try:
            wrong = read_answer(stated, str(one.value)).value
        except BadInput as e:
            raise e.at(f"the mistake “{one.feedback[:40]}”") from None
        if same(stated_as(stated, wrong), value).same:
            return one.name, one.feedback
    names = mistakes_of(stated, value)
    feedback = said(names)
    return " or ".join(names), " ".join(x for x in (feedback, why) if x)


def stated_as(stated: Stated, value: Any) -> Stated:
    """The key with another value: a mistake to be compared as the key is."""
    settings = {k: v for k, v in stated.settings.items() if k not in ("whole",)}
    if isinstance(stated.value, tuple) and not isinstance(value, tuple):
        value = tuple(value.items) if hasattr(value, "items") and hasattr(value, "fences") else (value,)
    return Stated(stated.form, stated.text, value, stated.names, stated.kinds, stated.dims, settings)
