"""What lint looks at: a set, its parts, each variant of them; and the registry of checks.

A check is a generator of sentences: `@check(Case)` looks at one variant of a part,
`@check(Part)` at a part with all of them, `@check(Sheet)` at the whole set. Its name is its
function's, and the docstring's first line says what it refuses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property

from solver.core import Answer, BadInput, CheckFailed, Mistake, Problem
from solver.kinds import mistakes
from solver.sets import ProblemSet, load_set, solve_part
from solver.toml import load_toml
from solver.varied import Varied

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    Check = Callable[[Any], Iterator[str]]
    Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and where."""

    file: str
    problem: str
    variant: int  # 0: the set's own values
    check: str
    says: str

    def __str__(self) -> str:
        return self.line()

    def line(self, also: str = "") -> str:
        """It as a line; what is quoted with it follows below."""
        place = self.file + (f": {self.problem}" if self.problem else "")
        place += f", variant {self.variant}" if self.variant else ""
        head, *quoted = self.says.split("\n")
        return "\n".join([f"{place}: {head} [{self.check}]{also}", *quoted])

    def data(self) -> dict[str, Any]:
        """It as plain data."""
        return asdict(self)


checks: dict[type, dict[str, Check]] = {}


def check(of: type) -> Callable[[Check], Check]:
    """Register a check of a Case, a Part or a Sheet."""

    def register(function: Check) -> Check:
        checks.setdefault(of, {})[function.__name__.replace("_", " ")] = function
        return function

    return register


@dataclass(eq=False)
class Case:
    """One variant of a part: its problem, its answer, its mistakes."""

    whole: ProblemSet
    problem: Problem
    number: int

    @cached_property
    def answer(self) -> Answer:
        """The answer, all steps and checks verified."""
        return solve_part(self.whole, self.problem)

    @cached_property
    def mistakes(self) -> list[Mistake]:
        """What students get wrong here; BadInput where a listed one is right."""
        return mistakes(self.problem)

    @property
    def texts(self) -> Iterator[tuple[str, str]]:
        """Each text with mathematics in it that people read, by the name of its key."""
        yield "prompt", self.problem.prompt
        yield "note", self.problem.note
        for one in self.problem.mistakes:
            yield "feedback", one.feedback
        for shown in self.problem.demonstrations:
            yield "demonstration", shown.prompt


@dataclass(eq=False)
class Part:
    """A part with every variant of it that could be read, the set's own first."""

    whole: ProblemSet
    entry: Mapping[str, Any]
    problem: Problem
    varied: Varied | None
    cases: list[Case] = field(default_factory=list)


@dataclass(eq=False)
class Sheet:
    """A whole set, with what its file says."""

    whole: ProblemSet
    data: Mapping[str, Any]


def findings(path: Path, name: str, tell: Tell | None = None) -> Iterator[Finding]:
    """All that is wrong with the set in a file; tell is told (done, of how many)."""
    try:
        whole, data = load_set(path), load_toml(path)
    except BadInput as e:
        yield Finding(name, "", 0, "reads", str(e).removeprefix(f"{path}: "))
        return
    yield from looked_at(Sheet(whole, data), name, "", 0)
    count = Counter({p.id: 1 for p in whole.problems})
    count.update({id: len(v.parameters.numbered) for id, v in whole.varied.items()})
    done = 0
    for entry, problem in zip(data["problem"], whole.problems):
        part = Part(whole, entry, problem, whole.varied.get(problem.id))
        for number in range(count[problem.id]):
            try:
                own = problem if part.varied is None else part.varied.problem(number)
            except BadInput as e:
                place = f"{path}: problem {problem.id}, variant {number}: "
                said = str(e).removeprefix(place)
                yield Finding(name, problem.id, number, "reads", said)
            else:
                case = Case(whole, own, number)
                found = list(looked_at(case, name, problem.id, number))
                yield from found
                if not any(one.check == "solves" for one in found):
                    part.cases.append(case)
            done += 1
            if tell:
                tell(done, count.total())
        yield from looked_at(part, name, problem.id, 0)


def looked_at(thing: Any, file: str, problem: str, number: int) -> Iterator[Finding]:
    """What each check says of a case, a part or a sheet; none is asked of what fails."""
    from solver.authors import across, answers, texts  # noqa: F401  (they register)

    said: set[str] = set()  # what cannot be read is told once
    for name, function in checks[type(thing)].items():
        try:
            for says in function(thing):
                yield Finding(file, problem, number, name, says)
        except (BadInput, CheckFailed) as e:
            place = f"{thing.whole.path}: problem {problem}: "
            says = str(e).removeprefix(place)
            if says not in said:
                yield Finding(file, problem, number, name, says)
            said.add(says)
            if name == "solves":
                return
