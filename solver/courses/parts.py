"""A set's parts as submissions name them: ids, and the names of what each asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from solver.courses.naming import readable
from solver.registry import unknown
from solver.sets import ProblemSet, solve_part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


FEW = 20  # sentences about one submission


class Said:
    """Sentences about one submission; after the first few the others are counted."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self.more = 0

    def __call__(self, sentence: str) -> None:
        if self.room():
            self.first.append(sentence)

    def room(self) -> bool:
        """Whether one more is kept; it is counted as said if not."""
        if len(self.first) < FEW:
            return True
        self.more += 1
        return False

    def all(self) -> tuple[str, ...]:
        """The sentences."""
        more = (f"and {self.more:,} more of the kind",) if self.more else ()
        return (*self.first, *more)


class Parts:
    """The parts of one set; a part is solved only when its values' names are asked for."""

    def __init__(self, whole: ProblemSet) -> None:
        self.whole, self.name = whole, whole.name
        self.ids = {p.id: p for p in whole.problems}
        self.values: dict[str, Mapping[str, Any]] = {}

    def __contains__(self, id: object) -> bool:
        return id in self.ids

    def ends(self, id: str, table: Mapping[str, Any]) -> bool:
        """Whether a table under this id is its answer, not tables of ids that go on."""
        if id not in self.ids:
            return not table
        longer = tuple(f"{id}.{k}" for k in table)
        return not any(
            p == x or p.startswith(f"{x}.") for p in self.ids for x in longer
        )

    def unknown(self, id: str) -> str:
        """The sentence for a part that the set does not have."""
        said = unknown(f"part of {self.name}", readable(id, 60), list(self.ids))
        return said.message

    def asked(self, id: str) -> Mapping[str, Any]:
        """The values that a part asks for, by name; none where it asks for one."""
        from solver.values import Record

        if id not in self.values:
            value = solve_part(self.whole, self.ids[id]).value
            self.values[id] = value if isinstance(value, Record) else {}
        return self.values[id]

    def named(self, id: str, written: str, count: int = 1) -> str | None:
        """The name behind the one that the hand-out writes (see `key` in documents).

        Two names may be written the same: the count-th such box is the count-th of them.
        """
        from solver.documents import key

        names = [n for n in self.asked(id) if key(n) == written]
        if not names:
            folded = written.casefold()
            names = [n for n in self.asked(id) if key(n).casefold() == folded]
        return names[min(count, len(names)) - 1] if names else None

    def joined(self, id: str, boxes: Mapping[str, str]) -> str:
        """The values of one part as one answer; a box without a name as it was written.

        Values are separated by semicolons, so that those inside one, and its lines, are
        written otherwise: rows as [[…], […]], a list with commas.
        """
        if list(boxes) == [""]:
            return boxes[""]
        from solver.grading.arrays import is_array
        from solver.grading.reading import named
        from solver.grading.symbols import symbolic
        from solver.values import Gradients

        found = []
        asked = self.asked(id)
        for name, text in boxes.items():
            expected = asked.get(name)
            text = in_rows(text) if name and is_array(expected) else in_a_line(text)
            if name and not named(text, {name: expected}):
                lettered = symbolic(expected) or isinstance(asked, Gradients)
                text = f"{name}{' =' if lettered else ''} {text}"
            found.append(text)
        return "; ".join(found)


def in_a_line(text: str) -> str:
    """A value on one line, without a semicolon that would end it (\\; is a space)."""
    text = " ".join(text.split())
    text = re.sub(r"(?: ?(?<!\\);)+\Z", "", text)
    return re.sub(r" ?(?<!\\); ?", ", ", text)


def in_rows(text: str) -> str:
    """A matrix without semicolons and lines: its rows in brackets, several behind |."""
    text = text.strip().strip("$").strip()
    text = re.sub(r"\\(?:begin|end)\s*\{[bpvBV]?matrix\}", " ", text)
    text = re.sub(r"\\\\(?:\[[^\]]*\])?", ";", text).replace("&", " , ").strip(" ;\n")
    if re.fullmatch(r"\[[^\[\]]*\]", text) and re.search(r"[;\n]", text):
        text = text[1:-1]
    if text.startswith("["):
        return in_a_line(text)
    found = []
    for one in text.split("|"):
        rows = [" ".join(r.split()) for r in re.split(r"[;\n]+", one) if r.strip()]
        rows = [re.sub(r" ?, ?", ", ", r) for r in rows]
        several = f"[{', '.join(f'[{r}]' for r in rows)}]"
        found.append(several if len(rows) > 1 else "".join(rows))
    return " | ".join(found)
