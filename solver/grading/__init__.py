"""Grading: an answer is read by its declared type, compared, and explained.

right if it equals the right value; else the first mistake whose value it equals; else
undecided if a comparison could not say; invalid (not charged) if it could not be read;
else wrong. A verdict always says how the answer was understood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from solver.answers.stated import Stated
from solver.core import Answer, BadInput, Mistake, Problem, Verdict
from solver.grading.arrays import compared, in_a_line
from solver.grading.doubts import on_labels
from solver.grading.reading import Chain, Rounded, read
from solver.grading.stated import judged
from solver.grading.symbols import agree, allowed, defined
from solver.kinds import mistakes, solve
from solver.kinds.fit import fits
from solver.order import ordered, reorder
from solver.sets import ProblemSet, solve_part
from solver.values import (
    NAMES,
    Gradients,
    Listing,
    Matrix,
    Options,
    Shape,
    entry_name,
    same,
    show,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def grade(problem: Problem, text: str) -> Verdict:
    """The verdict on a student's text as the answer to a problem."""
    return compare(problem, solve(problem), text)


def grade_part(whole: ProblemSet, problem: Problem, text: str) -> Verdict:
    """The verdict on an answer to a part of a set, in the order its course writes sizes."""
    return compare(
        problem, solve_part(whole, problem), text, problem.order or whole.order
    )


def compare(problem: Problem, answer: Answer, text: str, order: str = "CHW") -> Verdict:
    """The verdict on a text, the problem's answer being known."""
    right = ordered(answer, order).value
    if isinstance(right, Stated):
        try:
            return judged(problem, right, text)
        except BadInput as e:
            if e.where:
                raise  # the author's: a mistake in the file that cannot be read
            return Verdict("invalid", 0, "", f"The answer could not be read: {verbatim(e, text)}", "")
    known = defined(answer.steps)
    try:
        given = read(right, text, answer.unit, known)
    except BadInput as e:
        said = f"The answer could not be read: {verbatim(e, text)}"
        return Verdict("invalid", 0, "", said, "")
    understood = shown(given)
    links = broken_link(given, known)
    if isinstance(given, Chain):
        given = given.members[-1]
    known = allowed(known)
    found, said = matches(right, given, known)
    if found:
        if links:
            return Verdict(
                "partly",
                problem.points / 2,
                "",
                f"The result is right, but {links} does not hold.",
                understood,
            )
        return Verdict("right", problem.points, "", said, understood)
    if found is None:
        said = said or "A person has to decide this."
        return Verdict("undecided", 0, "", said, understood)
    if said := on_labels(problem.kind, right, given):
        return Verdict("undecided", 0, "", said, understood)
    made = mistakes(problem)
    for one in made:
        if isinstance(one.value, Mapping) and isinstance(right, Mapping):
            if len(one.value) < len(right):
                continue  # a mistake about one entry: see by_entries
        met, _ = matches(reorder(one.value, order), given, known)
        if met:
            return Verdict("wrong", 0, one.name, one.feedback, understood)
    if isinstance(right, Mapping) and isinstance(given, Mapping):
        return by_entries(problem, right, given, understood, made, order, known)
    if isinstance(right, Options) and isinstance(given, Options):
        return by_options(problem, right, given, understood)
    return Verdict("wrong", 0, "", "", understood)


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


def shown(given: Any) -> str:
    """How an answer was understood, as text."""
    if isinstance(given, Chain):
        return " = ".join(shown(m) for m in given.members)
    if isinstance(given, Rounded):
        return f"about {show(given.value)}"
    if isinstance(given, Mapping) and not isinstance(given, Gradients):
        return ", ".join(f"{NAMES.get(k, k)} {shown(v)}" for k, v in given.items())
    if isinstance(given, Listing) and any(isinstance(v, Rounded) for v in given):
        return ", ".join(map(shown, given))
    if isinstance(given, Gradients):
        return "; ".join(f"{entry_name(given, k)} = {shown(v)}" for k, v in given.items())
    if isinstance(given, Matrix):
        return in_a_line(given, shown)
    return show(given)


def broken_link(given: Any, known: Any = None) -> str:
    """The first link of a chain that does not hold, or nothing."""
    if not isinstance(given, Chain):
        return ""
    for a, b in zip(given.members, given.members[1:]):
        if matches(a, b, known)[0] is False:
            return f"{shown(a)} = {shown(b)}"
    return ""


def matches(right: Any, given: Any, known: Any = None) -> tuple[bool | None, str]:
    """Whether the given value is the right one (None: cannot say), and a remark.

    known: the letters of the solution, for answers in letters.
    """
    if isinstance(right, Rounded):
        right = right.value
    if isinstance(given, Chain):
        if broken_link(given, known):
            return False, ""
        given = given.members[-1]
    if isinstance(given, Rounded):
        return rounded(right, given)
    if isinstance(right, Shape) and isinstance(given, Shape):
        return shapes(right, given)
    if isinstance(right, Options) and isinstance(given, Options):
        wanted, got = list(right), list(given)
        return len(wanted) == len(got) and all(g in wanted for g in got) and all(
            w in got for w in wanted), ""  # fmt: skip
    if isinstance(right, Listing) and isinstance(given, Listing):
        each = [matches(a, b, known)[0] for a, b in zip(right, given)]
        if len(right) != len(given) or False in each:
            return False, ""
        return (None if None in each else True), ""
    if isinstance(right, Matrix) and isinstance(given, Matrix):
        return compared(right, given, lambda a, b: matches(a, b, known)[0]), ""
    if isinstance(right, Mapping) and isinstance(given, Mapping):
        found = [matches(right[k], given[k], known)[0] for k in right if k in given]
        if len(found) < len(right) or False in found:
            return False, ""
        return (None if None in found else True), ""
    try:
        return agree(right, given, known or {})
    except (ArithmeticError, ValueError, TypeError, KeyError):  # C^C^C at any number is too large
        return None, ""


def rounded(right: Any, given: Rounded) -> tuple[bool | None, str]:
    """A rounded number: an exact count stays exact, a fraction is right to its digits."""
    if not isinstance(right, int) and right == given.value:
        return True, ""
    try:
        near = abs(right - given.value) <= given.slack
    except TypeError:
        return False, ""
    if isinstance(right, int):
        if right == given.value:
            return True, ""
        said = "Rounded; the exact number was asked for."
        return (None, said) if near else (False, "")
    if isinstance(right, float):
        near = near or abs(right - float(given.value)) <= 1e-9 * abs(right)
    return bool(near and given.slack <= abs(right) / 100), ""


def shapes(right: Shape, given: Shape) -> tuple[bool | None, str]:
    """Shapes are the same in either order of the channels, which is then said."""
    plain = same(tuple(right), tuple(given))
    if not plain and len(given) == len(right) + 1 and str(given[0]) in ("1", "N"):
        if same(tuple(right), tuple(given[1:])):
            return True, "Read with a batch in front."
    if plain or len(right) != 3 or len(given) != 3:
        return plain, ""
    order = right.order or "CHW"
    turned = (given[-1], *given[:-1]) if order == "CHW" else (*given[1:], given[0])
    if same(tuple(right), turned):
        other = "H×W×C" if order == "CHW" else "C×H×W"
        return True, f"Read as {other}; this course writes {'×'.join(order)}."
    return False, ""


def by_entries(
    problem: Problem,
    right: Mapping[str, Any],
    given: Mapping[str, Any],
    understood: str,
    mistaken: Sequence[Mistake],
    order: str,
    known: Any = None,
) -> Verdict:
    """Which of several values are right: partial credit, the others named and explained."""
    found = {k: matches(right[k], given[k], known)[0] for k in right if k in given}
    good = [k for k in right if found.get(k)]
    names = [
        NAMES.get(k, k).replace("_", " ")
        for k in right
        if k in given and not found.get(k)
    ]
    open_ = [k for k in right if found.get(k, False) is None]
    said = f"Not right: {', '.join(names)}." if names else ""
    missing = [NAMES.get(k, k) for k in right if k not in given]
    if missing:
        said += f" Missing: {', '.join(missing)}."
    made = []
    for one in mistaken:
        if isinstance(one.value, Mapping) and len(one.value) < len(right):
            entries = one.value.items()
            if all(found.get(k) is False for k, _ in entries) and all(
                matches(reorder(wrong, order), given[k], known)[0]
                for k, wrong in entries
            ):
                made.append(one)
                names_ = ", ".join(
                    str(NAMES.get(k, k)).replace("_", " ") for k, _ in entries
                )
                said += f" {names_}: {one.feedback}"
                found.update(dict.fromkeys(one.value, None))
    name = made[0].name if made else ""
    if open_ and len(good) + len(open_) == len(right):
        return Verdict("undecided", 0, "", said, understood)
    if good:
        part = round(problem.points * len(good) / len(right), 2)
        return Verdict("partly", part, name, said, understood)
    return Verdict("wrong", 0, name, said, understood)


def by_options(
    problem: Problem, right: Options, given: Options, understood: str
) -> Verdict:
    """Some of the combinations asked for."""
    good = [g for g in given if g in right]
    bad = [g for g in given if g not in right]
    if bad and all(fits(problem, g) for g in bad):
        said = (
            "This fits too, but outside what the key searched: a person has to decide."
        )
        return Verdict("undecided", 0, "", said, understood)
    bad = [g for g in bad if not fits(problem, g)]
    if bad or not good:
        said = "; ".join(", ".join(f"{k} = {v}" for k, v in b.items()) for b in bad
                         if isinstance(b, Mapping))  # fmt: skip
        return Verdict(
            "wrong", 0, "", f"This does not fit: {said}." if said else "", understood
        )
    part = round(problem.points * len(good) / len(right), 2)
    said = f"Right, and there are {len(right) - len(good)} more."
    return Verdict("partly", part, "", said, understood)
