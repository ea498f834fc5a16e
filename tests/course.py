"""A course that holds still: a store's double, for reports and exports."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from solver.core import Problem, Verdict
from solver.courses.records import Group, Marked, Result
from solver.sets import ProblemSet


@dataclass
class Double:
    """What reports read of a store; the students may be made one by one."""

    whole: ProblemSet
    make: Callable[[], Iterable[Marked]]
    changes: tuple[tuple[str, str, str, str], ...] = ()
    passes: int = 0

    def students(self) -> Iterator[Marked]:
        self.passes += 1
        yield from self.make()

    def parts(self) -> list[str]:
        return [p.id for p in self.whole.problems]

    def count(self) -> int:
        return sum(1 for _ in self.make())

    def groups(self) -> Iterator[Group]:
        found: dict[tuple[str, str], list[tuple[str, Result]]] = {}
        for marked in self.make():
            for part, r in marked.results.items():
                if r.verdict.mark == "undecided":
                    found.setdefault((part, r.text), []).append((marked.student, r))
        for (part, text), who in sorted(
            found.items(), key=lambda g: (-len(g[1]), g[0])
        ):
            id = sha256(f"{part} {text}".encode(errors="replace")).hexdigest()[:10]
            yield Group(id, part, text, who[0][1].verdict, tuple(n for n, _ in who))

    def changed(self) -> Iterator[tuple[str, str, str, str]]:
        yield from self.changes


def small_set() -> ProblemSet:
    """Three parts of 2, 1 and 1.5 points."""
    problems = (
        Problem("shape conv", {}, "1a", "Shape of <b> & co", r"What is $3\times3$?", 2),
        Problem("grad", {}, "1b", "A gradient", "Find $x$.", 1),
        Problem("count params", {}, "2", "Parameters", "How many?", 1.5),
    )
    return ProblemSet("small", "Small & <fine>", problems, course="Deep learning")


def marked(
    student: str,
    email: str = "",
    unread: tuple[str, ...] = (),
    **answers: tuple[str, Verdict],
) -> Marked:
    """A student whose answers are given by part, p1a = (text, verdict)."""
    results = {
        part[1:]: Result(part[1:], text, verdict, "k")
        for part, (text, verdict) in answers.items()
    }
    return Marked(student, f"{student}.tex", results, "", email, unread)


def many(
    whole: ProblemSet, count: int, pool: dict[str, list[tuple[str, Verdict]]]
) -> Callable[[], Iterator[Marked]]:
    """So many students who answer from a pool, the first of it more often."""

    def make() -> Iterator[Marked]:
        for n in range(count):
            luck = random.Random(n)
            results = {}
            for part, choices in pool.items():
                if luck.random() < 0.06:
                    continue
                weights = [2.0 ** -min(i, 6) for i in range(len(choices))]
                text, verdict = luck.choices(choices, weights)[0]
                results[part] = Result(part, text, verdict, "k")
            name = f"Student {n:06d}"
            yield Marked(name, f"{name}.tex", results, "", f"s{n}@uni.example")

    return make
