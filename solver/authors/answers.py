"""Checks of answers: a part solves, its key is right, its mistakes are wrong and met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from solver.answers.stated import Rubric, Stated
from solver.authors.cases import Case, check
from solver.grading import compare
from solver.kinds import read_mistake
from solver.order import reorder
from solver.sets import solve_part
from solver.values import Matrix, Shape, Table, same, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@check(Case)
def solves(case: Case) -> Iterator[str]:
    """A part that has no answer, or whose checks fail."""
    if not case.answer.checks:
        yield "nothing proves its answer"


@check(Case)
def demonstrations_run(case: Case) -> Iterator[str]:
    """A demonstration that has no answer, or whose checks fail."""
    for shown in case.problem.demonstrations:
        solve_part(case.whole, shown)  # BadInput, CheckFailed are told
    return iter(())


@check(Case)
def key_is_right(case: Case) -> Iterator[str]:
    """A key that is not marked right when a student types it."""
    order = case.problem.order or case.whole.order
    right = reorder(case.answer.value, order)
    if isinstance(right, (Table, Stated)):
        return  # nobody types a table; a stated key was read and compared when it was solved
    verdict = compare(case.problem, case.answer, typed(right, right), order)
    if verdict.mark in ("wrong", "partly", "invalid"):
        yield f"its key, typed, is marked {verdict.mark}: {verdict.feedback}"


@check(Case)
def mistakes_differ(case: Case) -> Iterator[str]:
    """A listed mistake with the key's value, or with another's without saying both."""
    right = case.answer.value
    listed = [read_mistake(one, right) for one in case.problem.mistakes]
    right_too = False
    for i, one in enumerate(listed):
        wrong = reorder(one.value, case.problem.order or case.whole.order)
        if equals(wrong, right):
            yield f"the mistake {show(wrong)} has the right answer's value"
            right_too = True
        for other in listed[:i]:
            if same(one.value, other.value) is True:
                yield (
                    f"two mistakes have the value {show(wrong)}: say both in one, or give "
                    "the set other values"
                )
    if right_too:
        return
    met = case.mistakes  # BadInput where one cannot be read or is right
    if any(not one.feedback.strip() for one in met):
        yield "a mistake says nothing"


def equals(wrong: Any, right: Any) -> bool:
    """Whether a mistake's value is the right one; of some of the named values, any."""
    if (
        isinstance(wrong, Mapping)
        and isinstance(right, Mapping)
        and len(wrong) < len(right)
    ):
        return any(k in right and same(right[k], v) is True for k, v in wrong.items())
    return same(right, wrong) is True


@check(Case)
def mistakes_met(case: Case) -> Iterator[str]:
    """A listed mistake that a student who makes it is not told of."""
    order = case.problem.order or case.whole.order
    right = reorder(case.answer.value, order)
    for one in case.problem.mistakes:
        value = reorder(read_mistake(one, case.answer.value).value, order)
        if equals(value, case.answer.value):
            continue  # said above
        answer = typed(value, right)
        verdict = compare(case.problem, case.answer, answer, order)
        if verdict.mark == "right":
            yield f"the mistake {answer} is marked right"
        elif verdict.mark == "undecided" and not isinstance(case.answer.value, Stated):
            yield f"the mistake {answer} cannot be told from the key: {verdict.feedback}"
        elif verdict.mark == "invalid":
            yield f"the mistake {answer} is no answer to this: {verdict.feedback}"
        elif (
            verdict.mark in ("wrong", "partly") and one.feedback not in verdict.feedback
        ):
            yield f"the mistake {answer} is explained otherwise: {verdict.feedback}"


def typed(value: Any, right: Any) -> str:
    """A value as a student would type it, where the right one is of this form."""
    if isinstance(value, Mapping) and isinstance(right, Mapping):
        return "; ".join(f"{k} = {typed(v, right.get(k))}" for k, v in value.items())
    if isinstance(value, Matrix):
        rows = (", ".join(show(x) for x in row) for row in value)
        return f"[{', '.join(f'[{row}]' for row in rows)}]"
    if isinstance(value, Shape) and not isinstance(right, Shape):
        return ", ".join(map(str, value))
    return show(value)


@check(Case)
def rubric_asks(case: Case) -> Iterator[str]:
    """A rubric that asks for nothing; the model answer shows its points, or does not solve."""
    value = case.answer.value
    rubric = value.value if isinstance(value, Stated) else value
    if isinstance(rubric, Rubric) and not list(rubric):
        yield "its rubric has no point to look for"


@check(Case)
def points_are_sensible(case: Case) -> Iterator[str]:
    """Points that no one could give: none, parts of a quarter, more than 20."""
    points = case.problem.points
    if not 0 < points <= 20 or points * 4 % 1:
        yield f"{points:g} points: give from 0.25 to 20, in quarters"
