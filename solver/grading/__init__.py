"""Grading: an answer is read by its declared form, compared, and explained.

right if it equals the right value; else the first mistake whose value it equals; else
undecided if a comparison could not say; invalid (not charged) if it could not be read;
else wrong. A verdict always says how the answer was understood.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

from solver.answers.amounts import with_points
from solver.answers.given import Given
from solver.core import Answer, BadInput, Problem, Verdict
from solver.expressions.nodes import Expr
from solver.grading.computed import unit_of
from solver.grading.doubts import on_labels, without_value
from solver.grading.entries import by_entries, by_options
from solver.grading.explain import explained
from solver.grading.following import followed
from solver.grading.matching import broken_link, last, matches, shown
from solver.grading.reading import read
from solver.grading.symbols import allowed, defined
from solver.kinds import solve
from solver.order import ordered
from solver.sets import ProblemSet, solve_part
from solver.values import Numeric, Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DECIDE = "A person has to decide this."


def grade(problem: Problem, text: str) -> Verdict:
    """The verdict on a student's text as the answer to a problem."""
    return compare(problem, solve(problem), text)


def grade_part(
    whole: ProblemSet,
    problem: Problem,
    text: str,
    earlier: Mapping[str, str] | None = None,
    run_code: bool = False,
) -> Verdict:
    """The verdict on an answer to a part of a set, in the order its course writes sizes.

    earlier: the student's texts of other parts. Where the part follows one of them, an
    answer that is right given the student's own value there earns its credit. run_code:
    whether a student's function is run, in a sandbox; it is only read otherwise.
    """
    order = problem.order or whole.order
    verdict = compare(problem, solve_part(whole, problem), text, order, run_code)
    if verdict.mark in ("right", "invalid") or not problem.follows or not earlier:
        return verdict
    return followed(whole, problem, text, earlier, verdict, compare)


def compare(
    problem: Problem, answer: Answer, text: str, order: str = "CHW", run_code: bool = False
) -> Verdict:
    """The verdict on a text, the problem's answer being known."""
    text = text.encode("utf-8", "replace").decode()  # half a character says nothing
    if is_code(answer.value):
        return on_code(problem, answer, text, run_code)
    right = ordered(answer, order).value
    known = defined(answer.steps)
    if problem.comma and isinstance(right, (int, Numeric, Expr)):
        text = with_points(text)
    try:
        given = read(right, text, unit_of(answer), known, problem.allows)
    except BadInput as e:
        said = f"The answer could not be read: {verbatim(e, text)}"
        unread = Verdict("invalid", 0, "", said, "")
        return by_its_end(problem, answer, text, order) or unread
    understood = shown(given)
    links = broken_link(given, known)
    value = last(given)
    known = allowed(known)
    found, said = matches(right, value, known)
    if found and not isinstance(value, Given) and (what := without_value(text)):
        return Verdict("invalid", 0, "", f"{what} has no value.", understood)
    if found:
        if links:
            why = f"The result is right, but {links} does not hold."
            return Verdict(
                "partly", problem.points * problem.credit, "", why, understood
            )
        return Verdict("right", problem.points, "", said, understood)
    if found is None:
        return Verdict("undecided", 0, "", said or DECIDE, understood)
    if labels := on_labels(problem.kind, right, value):
        return Verdict("undecided", 0, "", labels, understood)
    if isinstance(right, Mapping) and isinstance(value, Mapping):
        return by_entries(problem, right, value, understood, order, known)
    name, why = explained(problem, right, value, order, known)
    if isinstance(right, Options) and isinstance(value, Options) and not name:
        return by_options(problem, right, value, understood)
    if links and not name:
        why = f"{links} does not hold. {why}".strip()
    return Verdict("wrong", 0, name, why or said, understood)


def is_code(value: Any) -> bool:
    """Whether a function is asked for; known without loading NumPy."""
    module = sys.modules.get("solver.code.value")  # no Code exists before it is loaded
    return module is not None and isinstance(value, module.Code)


def on_code(problem: Problem, answer: Answer, text: str, run_code: bool) -> Verdict:
    """The verdict on a function, run in a sandbox if that is allowed."""
    from solver.code.judging import judged
    from solver.code.sandbox import run

    return judged(problem, answer.value, text, run if run_code else None)


def by_its_end(problem: Problem, answer: Answer, text: str, order: str) -> Verdict | None:
    """The verdict on what stands behind the last =, where all of a text cannot be read but
    its end can: a known mistake is one whatever leads to it; a right end has to be looked
    at by a person. None if the end says neither."""
    start, _, end = text.rpartition("=")
    if not re.search("[A-Za-z]", start) or not isinstance(answer.value, (int, Numeric, Expr)):
        return None
    verdict = compare(problem, answer, end, order)
    if verdict.mark == "right":
        said = "The end is right; what stands before it could not be read. " + DECIDE
        return Verdict("undecided", 0, "", said, verdict.understood_as)
    return verdict if verdict.mark == "wrong" and verdict.mistake else None


def verbatim(e: BadInput, text: str) -> BadInput:
    """The error with its caret in the text as the student wrote it, not as we rewrote it."""
    if not e.text or e.text == text:
        return e
    behind, ahead = e.text[max(0, e.offset) :], e.text[: max(0, e.offset)]
    for n in range(len(behind), 0, -1):
        if text.count(behind[:n]) == 1:
            return BadInput(e.message, text=text, offset=text.index(behind[:n]))
    for n in range(len(ahead), 0, -1):
        if text.count(ahead[-n:]) == 1:
            return BadInput(e.message, text=text, offset=text.index(ahead[-n:]) + n)
    return BadInput(e.message, text=text, offset=0)
