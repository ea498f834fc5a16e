"""The nouns: Problem, Answer, Step, Check, Mistake, Verdict, and the two errors.

An Answer in hand is never known to be wrong: `verified` evaluates every step's link and
every check, and raises CheckFailed if one does not hold. Only the standard library here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class BadInput(ValueError):
    """The user's or the author's fault: what was expected, what came, and the way out.

    `text` and `offset` put a caret under the offending character; `where` names the
    file and key. The public function that knows the place adds it with `at`.
    """

    def __init__(
        self, message: str, *, text: str = "", offset: int = -1, where: str = ""
    ):
        super().__init__(message)
        self.message, self.text, self.offset, self.where = message, text, offset, where

    def at(self, where: str) -> BadInput:
        """The same error, with the place it happened in put before what was known."""
        whole = f"{where}: {self.where}" if self.where else where
        return BadInput(self.message, text=self.text, offset=self.offset, where=whole)

    def __str__(self) -> str:
        line = f"{self.where}: {self.message}" if self.where else self.message
        if self.text and 0 <= self.offset <= len(self.text):
            start = max(0, self.offset - 60)
            piece = self.text[start : start + 76].replace("\n", " ").replace("\t", " ")
            line += f"\n  {piece}\n  {' ' * (self.offset - start)}^"
        return line


class CheckFailed(AssertionError):
    """Our fault: a check or a step does not hold, so there is no answer."""


@dataclass(frozen=True, eq=False, repr=False)
class Step:
    """One line of the solution: `of = formula = before = after`, by `rule`.

    before and after are trees or values; `of` is what is computed and `formula` the
    same in letters; both may be missing. A step without before is a remark. Steps with a
    `column`, one after the other, are the cells of a table whose rows are their rules.
    """

    rule: str
    before: Any = None
    after: Any = None
    of: Any = None
    formula: Any = None
    substeps: tuple[Step, ...] = ()
    column: str = ""


@dataclass(frozen=True)
class Check:
    """How the value was reached another way, and whether the two agreed."""

    how: str
    ok: bool


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """What a figure would show: a kind of figure and its data, drawn by who wants it.

    `asked` is the data with which it gives nothing of the answer away, for a hand-out,
    which shows it unasked if it is surely `stated` by the question. `usual` says whether a
    key shows it unless the part says otherwise.
    """

    kind: str
    given: Mapping[str, Any]
    asked: Mapping[str, Any] | None = None
    usual: bool = True
    stated: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """A value, the steps that produce it, and the checks that reached it another way.

    `name` says what the value is ("params"), `unit` in what ("MiB"), `condition` when it
    holds (H ≥ 3), and `conventions` which of the README's conventions it depends on.
    `lower` marks a total that leaves out what could not be counted: a lower bound.
    """

    value: Any
    steps: tuple[Step, ...] = ()
    checks: tuple[Check, ...] = ()
    name: str = ""
    condition: str = ""
    conventions: tuple[str, ...] = ()
    unit: str = ""
    lower: bool = False
    pictures: tuple[Picture, ...] = ()

    def _repr_html_(self) -> str:
        from solver.render import answer_html

        return answer_html(self)

    def __str__(self) -> str:
        from solver.render import answer_text

        return answer_text(self)


@dataclass(frozen=True)
class Mistake:
    """A misconception: the value a student reaches by making it, and what to say."""

    name: str
    value: Any
    feedback: str


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """A kind and what is given; the rest is what a sheet prints around it."""

    kind: str
    given: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    title: str = ""
    prompt: str = ""
    points: float = 1
    mistakes: tuple[Mistake, ...] = ()
    note: str = ""
    order: str = ""  # the order of an image's sizes here, where it is not the set's
    credit: float = 0.5  # the share for a right end behind a link that does not hold
    follows: Mapping[str, str] = field(default_factory=dict)  # earlier part -> given of this
    follow_credit: float = 1  # the share for what is right given an own earlier answer
    comma: bool = False  # whether this course writes decimals with a comma
    # what is near enough: {"rounded": True} takes 3.2M for a count, {"tol": {"abs": 0.03}}
    allows: Mapping[str, Any] = field(default_factory=dict)
    demonstrations: tuple[Problem, ...] = ()  # what the key works out to show its claim
    figure: bool | None = None  # whether documents show its pictures; None: the usual ones


@dataclass(frozen=True)
class Verdict:
    """What an answer is worth, why, and how it was understood."""

    mark: str  # right | partly | wrong | undecided | invalid
    points: float = 0
    mistake: str = ""
    feedback: str = ""
    understood_as: str = ""


def every(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Each way of checking once; it holds if it held everywhere."""
    found: dict[str, Check] = {}
    for c in checks:
        found[c.how] = Check(c.how, c.ok and found.get(c.how, c).ok)
    return tuple(found.values())


def verified(answer: Answer, same: Callable[[Any, Any], bool]) -> Answer:
    """The answer itself, if each step's two sides agree (by `same`) and each check holds.

    Raises CheckFailed naming the first that does not; an answer without any check or
    step is not accepted, for nothing would have been proved.
    """
    todo = list(answer.steps)
    while todo:
        step = todo.pop()
        todo.extend(step.substeps)
        if step.before is not None and not same(step.before, step.after):
            raise CheckFailed(
                f"step “{step.rule}” does not hold: {step.before} = {step.after}"
            )
    for check in answer.checks:
        if not check.ok:
            raise CheckFailed(f"the check “{check.how}” failed for {answer.value}")
    if not answer.checks:
        raise CheckFailed("nothing proved this answer another way")
    return answer
