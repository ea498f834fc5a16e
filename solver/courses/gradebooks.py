"""Filling a grade book that a teacher exported from Canvas or Moodle.

Every cell stays as the platform wrote it but for the grade, and Moodle's feedback. A
student is found by email, then by an identifier, then by name; where two could be meant,
neither is filled. Whoever was not found is said.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from solver.core import BadInput
from solver.courses.exports import cell
from solver.courses.feedback import summary_text
from solver.courses.tally import tidy, total
from solver.disk import write
from solver.sets import ProblemSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from solver.courses.records import Marked
    from solver.courses.tally import Course

IGNORED = re.compile(r"\b(?:Current|Final|Override|Unposted) (?:\w+ )?(?:Score|Points|Grade)\b")
FIRST = ("first name", "vorname", "prénom", "nombre")
LAST = ("surname", "last name", "nachname", "nom de famille", "apellido(s)")
WHOLE = ("student", "full name", "vollständiger name", "nom complet", "nombre completo")
GRADE = ("grade", "bewertung", "note", "calificación", "punkte")
FEEDBACK = ("feedback", "kommentar", "comment", "comentario", "rückmeldung")
EXCUSED, TESTER = "EX", "Student, Test"  # as Canvas calls them


class Book:
    """An exported CSV as rows, which knows how it was written."""

    def __init__(self, exported: str):
        self.mark = "\ufeff" if exported.startswith("\ufeff") else ""
        text = exported.removeprefix("\ufeff")
        first = text.partition("\n")[0]
        self.end = "\r\n" if first.endswith("\r") else "\n"
        self.comma = max(",;\t", key=first.count)
        try:
            self.rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=self.comma))
        except csv.Error as e:
            raise BadInput(f"the grade book is no CSV: {e}") from None
        if not self.rows or len(self.rows[0]) < 2:
            raise BadInput("the grade book has no columns: expected an exported CSV")
        self.head = [h.strip() for h in self.rows[0]]
        self.claims: dict[int, list[str]] = {}
        numbers = (c for row in self.rows[1:] for c in row)
        comma = self.comma == ";" and any(re.fullmatch(r"\d+,\d+", c) for c in numbers)
        self.decimal = "," if comma else "."

    def text(self) -> str:
        """The CSV again, as it was written."""
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=self.comma, lineterminator=self.end).writerows(self.rows)
        return self.mark + out.getvalue()

    def put(self, row: int, column: int, value: str) -> None:
        """Set a cell, in a row that may be shorter than the head."""
        line = self.rows[row]
        line += [""] * (column + 1 - len(line))
        line[column] = value

    def column(self, names: Sequence[str]) -> int | None:
        """The first column with one of these names, or one that begins with it."""
        low = [h.casefold() for h in self.head]
        exact = [i for i, h in enumerate(low) if h in names]
        begun = [i for i, h in enumerate(low) if h.startswith(tuple(names))]
        return next(iter(exact + begun), None)


class Register:
    """Who stands in which row of a book, by what each may be called."""

    def __init__(self, book: Book, rows: Sequence[int], informing: Sequence[int]):
        self.ways: dict[str, set[int]] = {}
        self.names: dict[tuple[str, ...], set[int]] = {}
        first, last, whole = (book.column(n) for n in (FIRST, LAST, WHOLE))
        if whole not in informing:
            whole = None
        apart = [i for i in (first, last) if i is not None and i in informing]
        for row in rows:
            cells = book.rows[row]
            for i in informing:
                if i < len(cells) and i not in apart and cells[i].strip():
                    self.ways.setdefault(identity(cells[i]), set()).add(row)
            for columns in ([whole] if whole is not None else [], apart):
                said = " ".join(cells[i] for i in columns if i < len(cells))
                if key := words(said):
                    self.names.setdefault(key, set()).add(row)

    def find(self, marked: Marked) -> set[int]:
        """The rows that may be this student's: by email, by the login in it, as the file
        names the student, by the words of the name."""
        login = marked.email.partition("@")[0]
        for key in (marked.email, login, marked.student):
            if key.strip() and (found := self.ways.get(identity(key))):
                return found
        return self.names.get(words(marked.student), set())


def identity(text: str) -> str:
    """What identifies someone: capitals count but in an email, for Ada is not ada."""
    text = " ".join(unicodedata.normalize("NFKC", text).split())
    return text.casefold() if "@" in text else text


def plain(text: str) -> str:
    """A name to compare by: no case, no doubled spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def words(name: str) -> tuple[str, ...]:
    """A name's words in the order of the alphabet: Doe, Jane is Jane Doe."""
    return tuple(sorted(re.findall(r"[^\W_]+", plain(name))))


def enter(
    book: Book, store: Course, register: Register, column: int, said: list[str],
    feedback: int | None = None,
) -> None:  # fmt: skip
    """Write each student's grade into the row that is surely theirs."""
    kept: dict[int, dict[int, str]] = {}
    open_ = 0
    for marked in store.students():
        rows = register.find(marked)
        if len(rows) != 1:
            why = "no row" if not rows else f"{len(rows)} rows"
            said.append(f"{marked.student}: {why} of the grade book could be theirs")
            continue
        (row,) = rows
        claims = book.claims.setdefault(row, [])
        claims.append(marked.student)
        if len(claims) > 1:
            for i, value in kept.get(row, {}).items():
                book.put(row, i, value)
            continue
        before = book.rows[row] + [""] * len(book.head)
        if before[column].strip().upper() == EXCUSED:
            said.append(f"{marked.student}: is excused (EX), which was left as it is")
            continue
        kept[row] = {i: before[i] for i in (column, feedback) if i is not None}
        points = tidy(total(store.whole, marked))
        book.put(row, column, str(points).replace(".", book.decimal))
        if feedback is not None:
            book.put(row, feedback, str(cell(summary_text(store.whole, marked))))
        open_ += any(r.verdict.mark == "undecided" for r in marked.results.values())
    for _, claims in sorted(book.claims.items()):
        if len(claims) > 1:
            said.append(f"{' and '.join(claims)}: the same row, so it was not filled")
    if open_:
        said.append(f"{open_} of those filled have answers left to a person: not final")


def is_canvas(book: Book) -> bool:
    """Whether the head is that of Canvas's grade book."""
    head = book.head
    sectioned = any("Section" in h for h in head)
    return len(head) > 3 and "Student" in head[0] and "ID" in head[1] and sectioned


def choice(book: Book, found: list[int], whole: ProblemSet) -> int:
    """The one column of this set: its title, its name, or the only one there is."""
    titles = {i: plain(re.sub(r"\s*\(\d+\)$", "", book.head[i])) for i in found}
    for wanted in (plain(whole.title), plain(whole.name)):
        same = [i for i, t in titles.items() if t == wanted]
        within = [i for i, t in titles.items() if wanted in t]
        if len(same or within) == 1:
            return (same or within)[0]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(book.head[i] for i in found) or "none"
    raise BadInput(
        f"the grade book has no one column for “{whole.title}”: there are {listed}; "
        "export only this assignment's, or name it as the set is"
    )


def fill_canvas(exported: str, store: Course, said: list[str] | None = None) -> str:
    """A Canvas grade book with this set's grades; `said` takes who was not found."""
    book, said = Book(exported), [] if said is None else said
    if not is_canvas(book):
        raise BadInput("no grade book of Canvas: expected Student, ID, …, Section, … as its head")
    section = next(i for i, h in enumerate(book.head) if "Section" in h)
    columns = [
        i for i in range(section + 1, len(book.head))
        if book.head[i] and not IGNORED.search(book.head[i])
    ]  # fmt: skip
    column = choice(book, columns, store.whole)
    rows = []
    for i, row in enumerate(book.rows[1:], 1):
        if row and row[0].strip() == "Points Possible":
            most = sum(p.points for p in store.whole.problems)
            there = row[column].strip() if column < len(row) else ""
            if re.fullmatch(r"[\d.]+", there) and float(there) != most:
                said.append(f"points possible are {there} in Canvas and {most:g} in this set")
        elif len(row) > section and any(row[1:section]) and row[0].strip() != TESTER:
            rows.append(i)
    enter(book, store, Register(book, rows, range(section)), column, said)
    return book.text()


def fill_moodle(exported: str, store: Course, said: list[str] | None = None) -> str:
    """A Moodle grading worksheet, or grade book, with this set's grades and feedback;
    `said` takes who was not found."""
    book, said = Book(exported), [] if said is None else said
    exact = [i for i, h in enumerate(book.head) if h.casefold() in GRADE]
    of_set = [
        i for i, h in enumerate(book.head)
        if ":" in h and not h.casefold().startswith(FEEDBACK) and "feedback" not in h.casefold()
    ]  # fmt: skip
    column = exact[0] if len(exact) == 1 else choice(book, of_set or exact, store.whole)
    rows = [i for i, row in enumerate(book.rows[1:], 1) if any(c.strip() for c in row)]
    register = Register(book, rows, informing(book, rows, column))
    enter(book, store, register, column, said, remarks(book, column))
    return book.text()


def informing(book: Book, rows: Sequence[int], column: int) -> list[int]:
    """The columns before the grade that say who someone is: names, and what nobody shares."""
    found = []
    for i in range(column):
        cells = [c for row in rows for c in book.rows[row][i : i + 1] if c.strip()]
        named = book.head[i].casefold() in (*FIRST, *LAST, *WHOLE)
        if named or len(set(cells)) == len(cells):
            found.append(i)
    return found


def remarks(book: Book, column: int) -> int | None:
    """The column for feedback: the one of the same title, or a worksheet's only one."""
    title = re.sub(r"\s*\([^()]*\)$", "", book.head[column]).casefold()
    for i, head in enumerate(book.head):
        if "feedback" in head.casefold() and head.casefold().startswith(title):
            return i
    return book.column(FEEDBACK)


def filled(store: Course, path: Path, out: Path) -> Iterator[Path]:
    """Fill an exported file: canvas-filled.csv or moodle-filled.csv, and beside it
    unmatched.txt, a line for each student who was not found."""
    try:
        exported = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput("the grade book is not UTF-8 text").at(str(path)) from None
    except OSError as e:
        raise BadInput(f"cannot be read: {e.strerror or e}").at(str(path)) from None
    said: list[str] = []
    try:
        canvas = is_canvas(Book(exported))
        text = (fill_canvas if canvas else fill_moodle)(exported, store, said)
    except BadInput as e:
        raise e.at(str(path)) from None
    whole = out / f"{'canvas' if canvas else 'moodle'}-filled.csv"
    write(whole, text.encode(errors="replace"))
    yield whole
    report = out / "unmatched.txt"
    write(report, "".join(f"{' '.join(s.split())}\n" for s in said).encode(errors="replace"))
    yield report
