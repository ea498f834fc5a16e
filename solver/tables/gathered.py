"""How the steps that are cells of a table are gathered, so that none is written twice.

Inside an answer the counts of the same layers stand side by side, and a count that needs
only rows which are there already is their sum. Of a table whose rows an earlier part of
the document has worked out, that part is named. Trees in, trees out: nothing is shown here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher

from solver.core import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LEAST = 3  # so many rows make a table, or are left to where they were worked out
ROOM = 76  # characters of text that columns side by side may take


@dataclass
class Told:
    """What was worked out before: where each cell was, and the tables row by row."""

    cells: dict[tuple[Any, ...], str] = field(default_factory=dict)
    tables: list[tuple[str, Gathering]] = field(default_factory=list)
    passages: dict[Any, str] = field(default_factory=dict)

    def instead(self, step: Step, here: str) -> Step:
        """The step, or where its lines, if they are many, stand word by word."""
        if len(step.substeps) < LEAST:
            return step
        lines = [(s.rule, s.of, s.formula, s.before, s.after) for s in walked([step])]
        try:
            where = self.passages.setdefault(tuple(lines), here)
        except TypeError:  # a value that is no key, such as a record
            return step
        return step if where == here else Step(f"{step.rule}: {where}")

    def tell(self, where: str, steps: Iterable[Step]) -> None:
        """These cells are worked out there, if they were not before."""
        for s in steps:
            self.cells.setdefault((s.rule, *cell(s)), where)

    def found(self, table: Gathering) -> list[str]:
        """Where each row of a table was worked out before; "" if nowhere.

        A row under another name counts only in a long run of such: the same network, as
        somebody else wrote it down.
        """
        places: list[str] = []
        for cells in table.rows.values():
            found = {self.cells.get((s.rule, *cell(s)), "") for s in cells.values()}
            places.append(found.pop() if len(found) == 1 else "")
        names, rows = list(table.rows), table.calculations()
        for where, other in self.tables:
            match = SequenceMatcher(None, rows, other.calculations(), False)
            i, j, many = match.find_longest_match()
            if many * 2 < len(rows) or many < 2 * LEAST or all(places[i : i + many]):
                continue
            theirs = list(other.rows)[j : j + many]
            if theirs != names[i : i + many]:
                said = f"as {theirs[0]} … {theirs[-1]} {where.removeprefix('as ')}"
                places[i : i + many] = [said] * many
        return places


@dataclass(frozen=True)
class Row:
    """A row: what it is of, and its cells, None where a column has nothing of it.

    `where` names the place at which the rows were worked out that this one sums up.
    """

    label: str
    cells: tuple[Step | None, ...]
    where: str = ""


@dataclass(frozen=True)
class Listed:
    """A table: what heads its columns, and its rows."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass
class Gathering:
    """A table while its cells are met: by row, then by column.

    Once its columns are cases of one count, named by their titles, `first` holds the
    cells of the first, as they were.
    """

    title: str = ""
    rows: dict[str, dict[str, Step]] = field(default_factory=dict)
    first: dict[str, Step] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(c for cells in self.rows.values() for c in cells))

    def against(self, run: Sequence[Step]) -> int:
        """How many of these cells say otherwise than the table's."""
        if self.first:
            known = [(self.first.get(s.rule), s) for s in run]
        else:
            known = [(self.rows.get(s.rule, {}).get(s.column), s) for s in run]
        return sum(old is not None and cell(old) != cell(s) for old, s in known)

    def takes(self, run: Sequence[Step], others: Sequence[Sequence[Step]]) -> bool:
        """Whether these cells may stand here: none says otherwise, and either they go on
        with the same columns, rows of one table somewhere, or they add a column to the
        same rows, and there is room."""
        labels, rows = {s.rule for s in run}, set(self.rows)
        if self.first or self.against(run):
            return False
        if {s.column for s in run} == set(self.columns):
            return bool(labels & rows) or any(
                labels & (there := {s.rule for s in other})
                and rows & there
                and not self.against(other)
                for other in others
            )
        shared = len(labels & rows)
        if shared * 2 <= len(rows) or shared * 2 <= len(labels):
            return False
        return width([*self.cells(), *run]) <= ROOM

    def beside(self, run: Sequence[Step], title: str) -> list[Step]:
        """These cells as a column of their own, if they count the same of the same rows
        in another case, mostly otherwise; else none."""
        labels = list(dict.fromkeys(s.rule for s in run))
        if labels != list(self.rows) or not title or title in self.columns:
            return []
        if not self.first and len(self.columns) > 1:
            return []
        named = [replace(s, column=title) for s in run]
        other = self.against(run) * 2 >= len(run) == len(labels)
        return named if other and width([*self.cells(), *named]) <= ROOM else []

    def entitle(self) -> None:
        """Head the one column by the case that it is of, as those to come."""
        if self.first or len(self.columns) > 1:
            return
        for label, cells in self.rows.items():
            self.first[label] = step = next(iter(cells.values()))
            self.rows[label] = {self.title: replace(step, column=self.title)}

    def calculations(self) -> list[tuple[Any, ...]]:
        """Row by row what is worked out, whatever the row is called."""
        return [tuple(map(cell, cells.values())) for cells in self.rows.values()]

    def cells(self) -> Iterator[Step]:
        for cells in self.rows.values():
            yield from cells.values()

    def add(self, run: Sequence[Step]) -> None:
        """Put these cells in; a run that has all rows says their order."""
        for s in run:
            self.rows.setdefault(s.rule, {}).setdefault(s.column, s)
        order = list(dict.fromkeys(s.rule for s in run))
        if len(order) == len(self.rows):
            self.rows = {label: self.rows[label] for label in order}

    def small(self) -> bool:
        """Whether lines say it as well."""
        return sum(1 for _ in self.cells()) < LEAST or len(self.rows) < 2


def cell(step: Step) -> tuple[Any, ...]:
    """What is worked out in a cell."""
    return step.column, step.before, step.after


def width(cells: Iterable[Step]) -> int:
    """About how wide a table of these cells is, in characters of text."""
    columns: dict[str, int] = {}
    label = 0
    for s in cells:
        plain = s.before is None or str(s.before) == str(s.after)
        worked = 0 if plain else len(str(s.before)) + 3
        broad = worked + len(f"{s.after:,}" if isinstance(s.after, int) else str(s.after))
        columns[s.column] = max(columns.get(s.column, 0), broad)
        label = max(label, len(s.rule))
    return label + sum(w + 2 for w in columns.values())


def listed(
    steps: Sequence[Step], told: Told | None = None, here: str = ""
) -> list[Step | Listed]:
    """The steps with their tables; `told` is what earlier parts have worked out, and gets
    what this part has, `here`."""
    runs = list(runs_of(steps))
    tables: list[Gathering] = []
    places: dict[int, Gathering] = {}
    for i, (title, run) in enumerate(runs):
        others = [later for _, later in runs[i + 1 :]]
        table = next((t for t in tables if t.takes(run, others)), None)
        cells = run
        if table is None:
            beside = ((t, t.beside(run, title)) for t in tables)
            table, cells = next((x for x in beside if x[1]), (Gathering(title), run))
        if not any(t is table for t in tables):
            tables.append(table)
        if cells is not run:
            table.entitle()
        table.add(cells)
        places.update((id(s), table) for s in run)
    places = {i: t for i, t in places.items() if not t.small()}
    counts = any(s.rule == "total" for s in walked(steps))
    above = Told()
    made: dict[int, list[Step | Listed]] = {}
    for t in tables:
        if not t.small():
            made[id(t)] = folded(t, counts, above, told or Told())
            above.tables.append(("as above", t))
        above.tell("as above", t.cells())
    if told is not None:
        told.tell(here, (s for _, run in runs for s in run))
        told.tables += [(here, t) for _, t in above.tables]
    found = list(added_up([x for step in steps for x in placed(step, places, made)]))
    if told is None:
        return found
    return [told.instead(x, here) if isinstance(x, Step) else x for x in found]


def added_up(found: Sequence[Step | Listed]) -> Iterator[Step | Listed]:
    """The total of a table adds up the rows that are shown."""
    from solver.expressions.formula import settle
    from solver.expressions.nodes import plus

    above: Step | Listed | None = None
    for x in found:
        if isinstance(above, Listed) and isinstance(x, Step) and x.rule == "total":
            cells = [s for row in above.rows for s in row.cells if s is not None]
            whole = plus(*(s.after for s in cells))
            if len(above.columns) == 1 and settle(whole) == x.after:
                x = replace(x, before=whole)
        yield x
        above = x


def walked(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps and all below them."""
    for step in steps:
        yield step
        yield from walked(step.substeps)


def runs_of(steps: Sequence[Step], title: str = "") -> Iterator[tuple[str, list[Step]]]:
    """The cells that stand one after the other, in all depths, with what is above them."""
    run: list[Step] = []
    for step in steps:
        if step.column:
            run.append(step)
            continue
        if run:
            yield title, run
            run = []
        yield from runs_of(step.substeps, step.rule)
    if run:
        yield title, run


def placed(
    step: Step, places: dict[int, Gathering], made: dict[int, list[Step | Listed]]
) -> Iterator[Step | Listed]:
    """A step and the tables that it is the first to need, without their cells."""
    left = bare(step, places) if id(step) not in places else None
    first = left is not None and any(map(is_said, walked(step.substeps)))
    if left is not None and first:
        yield left
    for s in walked([step]):
        if id(s) in places:
            yield from made.pop(id(places[id(s)]), [])
    if left is not None and not first:
        if left.substeps or left.before is not None or not step.substeps:
            yield left  # or the table has shown all of it


def is_said(step: Step) -> bool:
    """Whether a step is neither a cell nor their total nor a heading of such: words, or a
    line of its own, which leads to the table."""
    if step.column or step.rule == "total" or step.substeps:
        return False
    return step.before is not None or step.after is None


def bare(step: Step, places: dict[int, Gathering]) -> Step:
    """A step without the cells that stand in a table; a total or a cell that alone is
    left says how the step's own value comes about."""
    kept = tuple(bare(s, places) for s in step.substeps if id(s) not in places)
    if len(kept) == 1 and step.before is None and kept[0].after == step.after:
        if kept[0].column or kept[0].rule == "total":
            return replace(kept[0], rule=step.rule)
    return replace(step, substeps=kept)


def folded(table: Gathering, counts: bool, *told: Told) -> list[Step | Listed]:
    """The table; rows that one place has worked out already are one row, their sum where
    they are `counts`; if all of them are, that place is named instead."""
    columns = table.columns
    rows: list[Row] = []
    waiting: list[Row] = []

    def leave() -> None:
        rows.extend([summed(waiting, counts)] if len(waiting) >= LEAST else
                    [replace(r, where="") for r in waiting])
        waiting.clear()

    places = [next(filter(None, found), "") for found in zip(*(t.found(table) for t in told))]
    for (label, cells), where in zip(table.rows.items(), places):
        row = Row(label, tuple(cells.get(c) for c in columns), where)
        if waiting and waiting[-1].where != where:
            leave()
        if where:
            waiting.append(row)
        else:
            rows.append(row)
    leave()
    if len(rows) == 1 and rows[0].where:
        return [Step(f"{rows[0].label}: {rows[0].where}")]
    return [Listed(tuple(columns), tuple(rows))]


def summed(rows: Sequence[Row], counts: bool) -> Row:
    """One row for several, with the sums of what is counted in them."""
    from solver.expressions.formula import settle
    from solver.expressions.nodes import plus

    cells: list[Step | None] = []
    for column in zip(*(r.cells for r in rows)):
        numbers = [s.after for s in column if s is not None]
        cells.append(Step("", None, settle(plus(*numbers))) if counts else None)
    label = f"{rows[0].label} … {rows[-1].label}"
    return Row(label, tuple(cells), rows[0].where)
