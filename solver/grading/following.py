"""Follow-through: a later part that is right given the student's own earlier answer.

A part says which given of it is the answer to which earlier part: `follows = { "3.2i" =
"input" }`. It is solved again with the student's value there, and compared once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

from solver.answers.amounts import Amount, constant_value
from solver.answers.given import Given
from solver.core import BadInput, CheckFailed, Problem, Verdict
from solver.expressions.nodes import Expr, Num
from solver.expressions.written import Group
from solver.grading.computed import unit_of
from solver.grading.matching import last
from solver.grading.reading import read
from solver.kinds import find, solve
from solver.sets import ProblemSet, solve_part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def followed(
    whole: ProblemSet,
    problem: Problem,
    text: str,
    earlier: Mapping[str, str],
    verdict: Verdict,
    compare: Callable[..., Verdict],
) -> Verdict:
    """The verdict with the student's own earlier answers put in, if it is better."""
    own: dict[str, Any] = {}
    for part, name in problem.follows.items():
        if part in earlier:
            value = own_value(whole, whole[part], earlier[part])
            if value is not None:
                own[name] = value
    if not own:
        return verdict
    again = replace(problem, given={**problem.given, **own}, follows={})
    order = problem.order or whole.order
    try:
        find(again.kind).read(again.given)
        found = compare(again, solve(again), text, order)
    except (BadInput, CheckFailed):
        return verdict  # what the student found cannot be gone on with
    if found.mark != "right":
        return verdict
    points = round(problem.points * problem.follow_credit, 2)
    where = " and ".join(p for p in problem.follows if p in earlier)
    said = f"Right, given your own answer to {where}."
    mark = "right" if points == problem.points else "partly"
    return Verdict(mark, points, verdict.mistake, said, verdict.understood_as)


def own_value(whole: ProblemSet, part: Problem, text: str) -> Any:
    """What a student found earlier, as a problem is given it; None if it is right or
    cannot be read."""
    answer = solve_part(whole, part)
    try:
        given = last(read(answer.value, text, unit_of(answer)))
    except BadInput:
        return None
    value = plain(given.value if isinstance(given, Given) else given)
    return None if value is None or value == plain(answer.value) else value


def plain(value: Any) -> Any:
    """Numbers and sizes as a file would give them; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, Num):
        return plain(value.value)
    if isinstance(value, Amount):
        value = constant_value(value.value)
    if isinstance(value, (Fraction, float)):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, Group):
        return listed(value.items)
    if isinstance(value, (tuple, list)):
        return listed(value)
    if isinstance(value, Expr):
        return str(value)
    return None


def listed(items: Any) -> Any:
    found = [plain(x) for x in items]
    return None if None in found else found
