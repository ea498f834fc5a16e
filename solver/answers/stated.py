"""Answers that an author states: their form, their value, and what is declared of letters.

A Stated is a value type like the others (values.py): it is shown, read and compared. What
a problem computes never comes here; this is for keys that are typed in: "answer …" kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from solver.expressions.nodes import Expr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# form -> what an author and a student write there
FORMS = {
    "number": "a number: 0.864, 86.4%, 3.2M, ln 2",
    "integer": "a whole number, exact: 122,304",
    "shape": "sizes: 64 x 62 x 62",
    "assignments": "values by name: p = 1, s = 2",
    "choice": "one or more options: A, C; True",
    "ranking": "options in order: D, B, A, C",
    "set": "a set: {-1, 1}",
    "interval": "an interval: [0, 1), 0 < x < 2",
    "list": "values in order: 1, 2, 3",
    "equation": "an equation: y = 2x + 1",
    "inequality": "inequalities: x > 2 or x < -2",
    "expression": "an expression in letters",
    "piecewise": "an expression by cases, indicators, maxima",
    "matrix": "a matrix: [[1, 2], [3, 4]]",
    "complexity": "a complexity class: O(n^2 d)",
    "prose": "words, which a person marks",
}


@dataclass(frozen=True, eq=False)
class Stated:
    """A key as its author stated it.

    `value` is what the form reads: a tree, an amount, sizes, options. `names`, `kinds` and
    `dims` declare letters; `settings` hold what a form allows: tolerance, order, options.
    """

    form: str
    text: str
    value: Any
    names: Mapping[str, Any] = field(default_factory=dict)  # known, aliases, functions
    kinds: Mapping[str, str] = field(default_factory=dict)
    dims: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The key's text, where it is words and no mathematics; else nothing."""
        return self.text if self.form == "prose" else ""

    @property
    def rubric(self) -> tuple[Point, ...]:
        """What a marker looks for, where the answer is words."""
        return tuple(self.value) if isinstance(self.value, Rubric) else ()

    def shown(self, form: str) -> str:
        """The key as text, LaTeX or MathML."""
        from solver.expressions import show
        from solver.values import words

        if isinstance(self.value, Expr):
            return str(getattr(show, form)(self.value))
        if self.words and form == "text":
            from solver.prose import prose

            return prose(self.words, "text")
        return words(self.text, form)

    def agrees(self, other: Any) -> bool | None:
        """Whether another key says the same: as an answer of its form is compared."""
        from solver.answers.forms import same

        if not isinstance(other, Stated) or other.form != self.form:
            return False
        return same(self, other.value).same


@dataclass(frozen=True)
class Point:
    """One point of a rubric: what it says, words that show it, what it is worth."""

    says: str
    shows: tuple[tuple[str, ...], ...]  # all of these, each by any of its words
    points: float = 1


class Rubric(tuple):
    """The points of an answer in prose, with the model answer."""

    model: str

    def __new__(cls, points: Any, model: str = "") -> Rubric:
        made = super().__new__(cls, points)
        made.model = model
        return made
