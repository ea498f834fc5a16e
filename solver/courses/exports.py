"""Marks for other programs: tables that spreadsheets open safely, grade books of Canvas
and Moodle, results for Gradescope.

Whatever a student wrote arrives in a cell as text: what a spreadsheet would take for a
formula gets an apostrophe in front. Numbers of ours stay numbers. Files are complete or
not there.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from solver.courses.feedback import clean, part_text, still_open, summary_text
from solver.courses.naming import safe_name
from solver.courses.records import Marked
from solver.courses.tally import shown_points, tidy, total
from solver.disk import replaced, write
from solver.render import dump
from solver.sets import ProblemSet
from solver.view import points_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol, TextIO

    from solver.courses.tally import Course

    class Writer(Protocol):
        def writerow(self, row: Iterable[Any], /) -> Any: ...


# spaces and quotes of any kind, then what a spreadsheet calculates with; ; parts cells too
FORMULA = re.compile(
    r"""^[\s"'`´‘’“”„«»\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠﹢﹣﹦﹫]|^\s*[\t\r\n]"""
)
LATER = re.compile(r""";(?=[\s"']*[=+\-@＝＋－＠])""")


def cell(value: str | float) -> str | float:
    """A cell of a table: text that no spreadsheet runs, and numbers as they are."""
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\0", "").encode(errors="replace").decode()
    text = LATER.sub(";'", text)
    return "'" + text if FORMULA.match(text) else text


@contextmanager
def completed(path: Path) -> Iterator[TextIO]:
    """A text file for writing, put in its place at the end."""
    with (
        replaced(path) as place,
        place.open("w", encoding="utf-8", errors="replace", newline="") as file,
    ):
        yield file


class Table:
    """A CSV file being written: UTF-8 with its mark, CRLF, every cell made safe."""

    def __init__(self, file: TextIO, marked: bool = True):
        if marked:  # Excel reads UTF-8 only with it
            file.write("\ufeff")
        self.rows = csv.writer(file, lineterminator="\r\n")

    def row(self, *cells: str | float) -> None:
        """One row."""
        self.rows.writerow([cell(c) for c in cells])


# -- the course's own table -------------------------------------------------------------


def marks_header(whole: ProblemSet) -> list[str]:
    """The columns of marks.csv."""
    parts = [p.id for p in whole.problems]
    return ["student", "email", *parts, "total", "out of", "undecided", "unreadable"]


def marks_row(whole: ProblemSet, marked: Marked) -> list[str | float]:
    """One student's row: empty where nothing was answered."""
    found = [marked.results.get(p.id) for p in whole.problems]
    points: list[str | float] = [tidy(r.verdict.points) if r else "" for r in found]
    marks = [r.verdict.mark for r in found if r]
    return [
        marked.student,
        marked.email,
        *points,
        tidy(total(whole, marked)),
        tidy(sum(p.points for p in whole.problems)),
        marks.count("undecided"),
        marks.count("invalid"),
    ]


# -- Gradescope -------------------------------------------------------------------------


def gradescope(whole: ProblemSet, marked: Marked, seconds: float | None = None) -> dict[str, Any]:
    """A student's results.json, as the autograder's contract has it."""
    tests = []
    for p in whole.problems:
        result = marked.results.get(p.id)
        right = result is not None and result.verdict.mark == "right"
        tests.append(
            {
                "number": p.id,
                "name": clean(p.title or p.id),
                "name_format": "text",
                "score": tidy(result.verdict.points) if result else 0,
                "max_score": tidy(p.points),
                "status": "passed" if right else "failed",
                "output": part_text(result),
                "output_format": "text",
                "visibility": "visible",
                "extra_data": {"mark": result.verdict.mark if result else "missing"},
            }
        )
    sum_ = total(whole, marked)
    out_of = points_text(sum(p.points for p in whole.problems))
    lines = [f"{clean(whole.title)}: {shown_points(sum_)} of {out_of}."]
    if said := still_open(marked):
        lines.append(said)
    lines += [clean(u) for u in marked.unread]
    found: dict[str, Any] = {"score": tidy(sum_)}
    if seconds is not None:
        found["execution_time"] = round(seconds, 2)
    return found | {
        "output": "\n".join(lines),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def write_gradescope(whole: ProblemSet, marked: Marked, path: Path) -> Path:
    """The results of one student in a file."""
    write(path, dump(gradescope(whole, marked)) + "\n")
    return path


# -- all of them ------------------------------------------------------------------------


def write_exports(store: Course, out: Path, fill: Path | None = None) -> Iterator[Path]:
    """Write the grade files of Canvas and Moodle, Gradescope's results and its autograder;
    with `fill`, also a grade book that was exported from either, filled in.

    Yields each path once it is complete.
    """
    from solver.courses.autograder import write_autograder
    from solver.courses.gradebooks import filled
    whole, out = store.whole, Path(out)
    most = tidy(sum(p.points for p in whole.problems))
    with ExitStack() as stack:
        canvas, moodle = out / "canvas.csv", out / "moodle.csv"
        book = Table(stack.enter_context(completed(canvas)), marked=False)
        grades = Table(stack.enter_context(completed(moodle)))
        information = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
        book.row(*information, whole.title)
        book.row("    Points Possible", "", "", "", "", most)
        grades.row("Student", "Email address", whole.title, f"{whole.title} (feedback)")
        for marked in store.students():
            points = tidy(total(whole, marked))
            book.row(marked.student, "", "", marked.email, "", points)
            feedback = summary_text(whole, marked)
            grades.row(marked.student, marked.email, points, feedback)
            name = f"{safe_name(marked.student)}.json"
            yield write_gradescope(whole, marked, out / "gradescope" / name)
    yield from (canvas, moodle)
    if fill is not None:
        yield from filled(store, Path(fill), out)
    yield write_autograder(whole, out)
