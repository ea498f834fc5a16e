"""Tables among the steps as strings, cell by cell, each with the columns that it spans."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from solver.core import Step
from solver.expressions.nodes import Expr, letters
from solver.tables.gathered import Listed, Row
from solver.values import NAMES, Numeric, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.view import Line

    Cells = tuple[tuple[str, int], ...]


BRACED = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
FRACTION = re.compile(rf"\\frac{BRACED}{BRACED}")


@dataclass(frozen=True, eq=False, repr=False)
class Grid:
    """A table's rows, the head first; `align` is l or r for each column."""

    head: Cells
    rows: tuple[Cells, ...]
    align: str


def tabled(
    table: Listed, form: str, escape: Any, shown: set[Any], alone: bool
) -> list[Line | Grid]:
    """A table, for a page; the terminal shows one of a single count in lines, if it is
    `alone` with its total."""
    if form != "text" or len(table.columns) > 1 or not alone:
        return [gridded(table, form, escape, shown)]
    from solver.view import shown_step

    found: list[Line | Grid] = []
    for row in table.rows:
        where = f", {row.where}" if row.where else ""
        for cell in row.cells:
            step = replace(cell or Step(""), rule=row.label + where)
            found += shown_step(step, form, escape, 0, shown)
    return found


def gridded(table: Listed, form: str, escape: Any, shown: set[Any]) -> Grid:
    """The table: what is counted in two columns, how it comes about and what it is, or in
    one where nothing is worked. A formula in letters stands above the first row that
    follows it, unless it was `shown` before."""
    worked = [
        any(is_worked(row.cells[i]) for row in table.rows) for i in range(len(table.columns))
    ]
    spans = [2 if w else 1 for w in worked]
    head: list[tuple[str, int]] = [("", 1)]
    head += [(escape(NAMES.get(c, c)), n) for c, n in zip(table.columns, spans)]
    rows: list[Cells] = []
    for row in table.rows:
        formulas = [formula(cell, form, shown) for cell in row.cells]
        if any(formulas):
            rows.append((("", 1), *zip(formulas, spans)))
        rows.append(row_shown(row, spans, form, escape))
    align = "l" + "".join("lr" if w else left_or_right(table, i) for i, w in enumerate(worked))
    return Grid(tuple(head), tuple(rows), align)


def is_worked(cell: Step | None) -> bool:
    """Whether a cell shows how its value comes about: 64·3·7² is, 64 is not."""
    if cell is None or cell.before is None:
        return False
    return str(cell.before) != str(cell.after)


def left_or_right(table: Listed, i: int) -> str:
    """Counts are set to the right, shapes to the left."""
    cells = [row.cells[i] for row in table.rows]
    return "l" if any(isinstance(c.after, tuple) for c in cells if c) else "r"


def formula(cell: Step | None, form: str, shown: set[Any]) -> str:
    """A cell's formula in letters, where it is met first."""
    if cell is None or cell.formula in shown or not letters(cell.formula):
        return ""
    shown.add(cell.formula)
    return mathematics(cell.formula, form)


def row_shown(row: Row, spans: list[int], form: str, escape: Any) -> Cells:
    """A row's label and cells; one that sums others up says where those are."""
    cells: list[tuple[str, int]] = [(escape(row.label), 1)]
    for i, (cell, span) in enumerate(zip(row.cells, spans)):
        how = row.where if i == 0 else ""
        if span == 2:
            if cell is not None and is_worked(cell):
                how = mathematics(cell.before, form)
                if cell.formula is not None and not letters(cell.formula):
                    how = f"{mathematics(cell.formula, form)} = {how}"
            cells.append((how, 1))
        cells.append((mathematics(cell.after, form) if cell else "" if span == 2 else how, 1))
    return tuple(cells)


def mathematics(part: Any, form: str) -> str:
    """A tree or a value in a cell."""
    from solver.layout import math
    from solver.view import member

    said = member(part, form) if isinstance(part, Expr) else show(part, form)
    if form == "text":
        return said
    return math([slashed(said) if form == "latex" else said], form)


def slashed(shown: str) -> str:
    """LaTeX with its fractions on one line, as a table's rows want them."""
    def closed(part: str, signs: tuple[str, ...]) -> str:
        return f"({part})" if any(sign in part for sign in signs) else part

    before = ""
    while before != shown:
        before = shown
        shown = FRACTION.sub(
            lambda f: f"{closed(f[1], (' + ', ' - '))}/"
            + closed(f[2], (" + ", " - ", r"\cdot", "/")),
            shown,
        )
    return shown


# -- a value that is a table ----------------------------------------------------------


def cell(c: Any, form: str, escape: Any) -> str:
    """A table's cell as text; counts in groups of three from the thousands on, so that
    they align."""
    if isinstance(c, str):
        return str(escape(c))
    if isinstance(c, int) and not isinstance(c, bool):
        return str(escape(f"{c:,}".replace("-", "−")))
    if form == "text":
        return show(c, form)
    from solver.view import inline

    return inline(c, form)


def too_wide(cells: tuple[tuple[str, ...], ...]) -> bool:
    """Whether a table of these cells is wider than the page."""
    from solver.layout import WIDTH, measure

    widths = [max(measure(c, "latex") for c in column) for column in zip(*cells)]
    return sum(widths) + 2 * len(widths) > WIDTH + 8


def side(column: tuple[Any, ...]) -> str:
    """Columns that hold numbers are set to the right, all others to the left."""
    numbers = sum(isinstance(c, (int, Numeric)) for c in column)
    return "r" if numbers * 2 >= len(column) else "l"
