"""What a course's answers add up to, in bounded memory: one pass over the students, and
a second only where more different wrong answers were given than are kept apart.

Counts are exact: `Frequent` finds which answers are common and the second pass counts them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from solver.core import Problem, Verdict
from solver.courses.figures import WORDS
from solver.courses.records import Group, Marked, Result
from solver.sets import ProblemSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Course(Protocol):
        """What reports read of a course's store."""

        @property
        def whole(self) -> ProblemSet: ...
        def students(self) -> Iterator[Marked]: ...
        def parts(self) -> list[str]: ...
        def groups(self) -> Iterator[Group]: ...
        def changed(self) -> Iterator[tuple[str, str, str, str]]: ...
        def count(self) -> int: ...


KEPT = 200  # different answers kept apart at a time
LONG = 300  # characters of an answer that are shown
COMMON = 5  # answers shown under a misconception
Key = tuple[str, bytes]  # an answer as shown, and the digest of all of it


def answer_key(result: Result) -> Key:
    """What counts as the same answer: what was understood, else what was written."""
    whole = " ".join((result.verdict.understood_as or result.text).split())
    shown = whole if len(whole) <= LONG else whole[: LONG - 1] + "…"
    return shown, blake2b(whole.encode(errors="replace"), digest_size=8).digest()


class Frequent:
    """The most frequent of many keys, at most twice `kept` of them in memory.

    Misra and Gries 1982, in batches: a key that is more than a kept-th of all is among
    those found. After `start_again` the keys found so far are counted exactly.
    """

    def __init__(self, kept: int = KEPT):
        self.kept, self.counts, self.full = kept, dict[Key, int](), False
        self.frozen = False

    def add(self, key: Key) -> None:
        """One more of this key."""
        counts = self.counts
        if key in counts:
            counts[key] += 1
        elif not self.frozen:
            counts[key] = 1
            if len(counts) > 2 * self.kept:
                self.thin_out()

    def thin_out(self) -> None:
        """Take from each what the kept-th has, and forget those that have no more."""
        self.full = True
        less = sorted(self.counts.values())[-self.kept]
        self.counts = {k: n - less for k, n in self.counts.items() if n > less}

    def start_again(self) -> None:
        """Count the keys found, and no others, in a second pass."""
        if self.full:
            self.counts, self.frozen = dict.fromkeys(self.counts, 0), True

    def most(self, n: int = COMMON) -> list[tuple[str, int]]:
        """The most frequent with their counts, ties in the order of the alphabet."""
        ranked = sorted(self.counts.items(), key=lambda kc: (-kc[1], kc[0]))
        return [(shown, count) for (shown, _), count in ranked[:n] if count]


@dataclass
class Misconception:
    """A mistake that students made: how many, what they are told, what they answered."""

    name: str
    feedback: str
    count: int = 0
    answers: Frequent = field(default_factory=lambda: Frequent(50))


@dataclass
class PartTally:
    """One part's marks, points, misconceptions, and wrong answers that have no name."""

    problem: Problem
    marks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WORDS, 0))
    earned: float = 0.0
    made: dict[str, Misconception] = field(default_factory=dict)
    wrong: Frequent = field(default_factory=Frequent)

    @property
    def answered(self) -> int:
        """How many answered it."""
        return sum(self.marks.values()) - self.marks["missing"]

    def mistake(self, verdict: Verdict) -> str:
        """What tells a misconception apart: its name, or its words in the set's file."""
        if verdict.mark not in ("wrong", "partly"):
            return ""
        if verdict.mistake:
            return verdict.mistake
        listed = any(verdict.feedback == m.feedback for m in self.problem.mistakes)
        return verdict.feedback if listed else ""

    def ranked(self) -> list[Misconception]:
        """The misconceptions, the most frequent first."""
        return sorted(self.made.values(), key=lambda m: (-m.count, m.name, m.feedback))


class Tally:
    """All that the report says of the students, but for its lists."""

    def __init__(self, whole: ProblemSet):
        self.whole = whole
        self.parts = {p.id: PartTally(p) for p in whole.problems}
        self.totals = array("d")
        self.out_of = float(sum(p.points for p in whole.problems))

    def add(self, marked: Marked) -> None:
        """Count one student."""
        for id, part in self.parts.items():
            result = marked.results.get(id)
            if result is None:
                part.marks["missing"] += 1
                continue
            part.marks[result.verdict.mark] += 1
            part.earned += result.verdict.points
            if name := part.mistake(result.verdict):
                told = result.verdict.feedback
                one = part.made.setdefault(name, Misconception(result.verdict.mistake, told))
                one.count += 1
                # the same mistake may stand among remarks on other entries: keep the barest
                one.feedback = min(one.feedback, told, key=lambda f: (len(f), f))
        self.totals.append(total(self.whole, marked))
        self.count_answers(marked)

    def count_answers(self, marked: Marked, counters: set[int] | None = None) -> None:
        """Count what was answered where it was wrong; only in these counters, if given."""
        for id_, part in self.parts.items():
            result = marked.results.get(id_)
            if result is None or result.verdict.mark not in ("wrong", "partly"):
                continue
            name = part.mistake(result.verdict)
            if not name and result.verdict.mark == "partly":
                continue
            counter = part.made[name].answers if name else part.wrong
            if counters is None or id(counter) in counters:
                counter.add(answer_key(result))

    def complete(self, students: Callable[[], Iterable[Marked]]) -> None:
        """Count again, exactly, where more answers were given than could be kept."""
        counters = [p.wrong for p in self.parts.values()]
        counters += [m.answers for p in self.parts.values() for m in p.made.values()]
        over = {id(c) for c in counters if c.full}
        if not over:
            return
        for counter in counters:
            counter.start_again()
        for marked in students():
            self.count_answers(marked, over)

    @property
    def students(self) -> int:
        return len(self.totals)

    @property
    def answers(self) -> int:
        return sum(p.answered for p in self.parts.values())

    @property
    def mean(self) -> float:
        """The students' mean total; 0 if there are none."""
        return sum(self.totals) / len(self.totals) if self.totals else 0.0

    @property
    def median(self) -> float:
        """The middle total, or the middle of the two; 0 if there are none."""
        ranked, n = sorted(self.totals), len(self.totals)
        return (ranked[(n - 1) // 2] + ranked[n // 2]) / 2 if n else 0.0


def total(whole: ProblemSet, marked: Marked) -> float:
    """A student's points, in the set's own parts."""
    found = (marked.results.get(p.id) for p in whole.problems)
    return round(sum(r.verdict.points for r in found if r is not None), 4)


def tidy(points: float) -> float | int:
    """A number as people write it: 3 for 3.0, no digits that only rounding made."""
    short = round(points, 4)
    return int(short) if short == int(short) else short


def shown_points(points: float) -> str:
    """Points in text: 3, 3.5, 1234.25."""
    return f"{points:.2f}".rstrip("0").rstrip(".")
