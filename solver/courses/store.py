"""The marks of a course in one SQLite file, DIR/.pset/marks.sqlite; nothing is pickled.

Each different answer is a row of `tasks`, under the hash of all that its verdict depends
on; a student's answers name their tasks. A verdict is durable as soon as it is kept; a
person's decision stands before it and outlives the run. Everything is read in a stable
order, a row at a time, so that memory stays flat however many students there are.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from solver.core import BadInput, Verdict
from solver.courses.records import Group, Marked, Result
from solver.sets import ProblemSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FOLDER = ".pset"
FILE = "marks.sqlite"
LAYOUT = 1  # of the tables below; another one is refused, not guessed at
SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE parts (place INTEGER PRIMARY KEY, part TEXT NOT NULL);
CREATE TABLE submissions (
    id INTEGER PRIMARY KEY, student TEXT NOT NULL, source TEXT NOT NULL,
    variant TEXT NOT NULL, email TEXT NOT NULL, unread TEXT NOT NULL);
CREATE INDEX submissions_by_student ON submissions (student, source);
CREATE TABLE tasks (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, problem TEXT NOT NULL,
    variant TEXT NOT NULL, text TEXT NOT NULL, earlier TEXT NOT NULL,
    said TEXT NOT NULL, decision TEXT NOT NULL,
    mark TEXT, points, mistake TEXT, feedback TEXT, understood TEXT, allowed);
CREATE INDEX tasks_to_do ON tasks (id) WHERE mark IS NULL;
CREATE INDEX tasks_by_decision ON tasks (decision);
CREATE TABLE answers (
    submission INTEGER NOT NULL, place INTEGER NOT NULL, task INTEGER NOT NULL,
    PRIMARY KEY (submission, place)) WITHOUT ROWID;
CREATE INDEX answers_by_task ON answers (task);
CREATE TABLE decisions (
    key TEXT PRIMARY KEY, part TEXT NOT NULL, text TEXT NOT NULL,
    mark TEXT NOT NULL, points, note TEXT NOT NULL);
CREATE TABLE earlier (
    student TEXT NOT NULL, part TEXT NOT NULL, said TEXT NOT NULL,
    mark TEXT NOT NULL, points,
    PRIMARY KEY (student, part, said, mark, points)) WITHOUT ROWID;
"""
# points have no type above: 2 stays 2, and 0.5 stays 0.5

MARK, POINTS = "COALESCE(d.mark, t.mark)", "COALESCE(d.points, t.points)"
ANSWERS = """submissions s CROSS JOIN answers a ON a.submission = s.id
    CROSS JOIN parts p ON p.place = a.place CROSS JOIN tasks t ON t.id = a.task
    LEFT JOIN decisions d ON d.key = t.decision"""
BY_TASK = """tasks t CROSS JOIN answers a ON a.task = t.id
    CROSS JOIN submissions s ON s.id = a.submission CROSS JOIN parts p ON p.place = a.place
    LEFT JOIN decisions d ON d.key = t.decision"""  # the same, begun at the other end
SAME = "e.student = s.student AND e.part = p.part AND e.said = t.said"
ID = 10  # characters of a decision's key that people are shown and type


class Task(NamedTuple):
    """One answer to be marked, as a worker needs it."""

    id: int
    problem: str  # the fingerprint
    variant: str
    text: str
    earlier: dict[str, str]


class Made(NamedTuple):
    """The verdict on a task; `allowed` is the seconds that it had, if they ran out."""

    task: int
    verdict: Verdict
    allowed: float | None = None


class Decided(NamedTuple):
    """A decision that stands for answers of these students, whole or in part."""

    id: str
    part: str
    text: str
    mark: str
    points: float
    note: str


@dataclass(frozen=True)
class Store:
    """The marks of a set's students: read by reports, written by marking and deciding."""

    whole: ProblemSet
    db: sqlite3.Connection

    def parts(self) -> list[str]:
        """The set's part ids, in order."""
        return [p.id for p in self.whole.problems]

    def count(self) -> int:
        """How many students."""
        return int(self.one("SELECT COUNT(*) FROM submissions"))

    def students(self) -> Iterator[Marked]:
        """Every student by name, then source; answers not marked yet are left out."""
        before = f"""CASE WHEN {MARK} IN (SELECT e.mark FROM earlier e WHERE {SAME})
            THEN '' ELSE (SELECT MIN(e.mark) FROM earlier e WHERE {SAME}) END"""
        rows = self.db.execute(
            f"""SELECT s.id, s.student, s.source, s.variant, s.email, s.unread,
            p.part, t.text, t.key, {MARK}, {POINTS}, t.mistake, t.feedback, t.understood,
            d.note, {before}
            FROM submissions s LEFT JOIN answers a ON a.submission = s.id
            LEFT JOIN parts p ON p.place = a.place LEFT JOIN tasks t ON t.id = a.task
            LEFT JOIN decisions d ON d.key = t.decision
            ORDER BY s.student, s.source, s.id, a.place"""
        )
        for _, own in groupby(rows, key=lambda row: row[0]):
            each = list(own)
            _, student, source, variant, email, unread = each[0][:6]
            results = {row[6]: result(*row[6:]) for row in each if row[9] is not None}
            yield Marked(student, source, results, variant, email,
                         tuple(json.loads(unread)))  # fmt: skip

    def groups(self) -> Iterator[Group]:
        """Undecided answers that are the same: most students first, then by id."""
        rows = self.db.execute(
            f"""SELECT t.decision, COUNT(DISTINCT s.student) AS many FROM {BY_TASK}
            WHERE t.mark = 'undecided' AND d.key IS NULL
            GROUP BY t.decision ORDER BY many DESC, t.decision"""
        )
        for key, _ in rows:
            yield self.group(key)

    def group(self, key: str) -> Group:
        """The answers that one decision is about; the first student's words and verdict."""
        rows = self.db.execute(
            f"""SELECT s.student, p.part, t.text, t.mark, t.points, t.mistake, t.feedback,
            t.understood FROM {BY_TASK} WHERE t.decision = ? AND t.mark IS NOT NULL
            ORDER BY t.mark != 'undecided', s.student, s.source, s.id""",
            (key,),
        ).fetchall()
        _, part, text, *verdict = rows[0]
        names = tuple(sorted({row[0] for row in rows}))
        return Group(key[:ID], part, text, Verdict(*verdict), names)

    def changed(self) -> Iterator[tuple[str, str, str, str]]:
        """(student, part, mark before, mark now) wherever an earlier run, with another
        key or another program, gave the same student's same text another mark or points."""
        if self.one("SELECT 1 FROM earlier LIMIT 1"):
            yield from self.db.execute(
                f"""SELECT DISTINCT s.student, p.part, old.mark, {MARK} FROM {ANSWERS}
                CROSS JOIN earlier old
                ON old.student = s.student AND old.part = p.part AND old.said = t.said
                WHERE {MARK} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM earlier e
                    WHERE {SAME} AND e.mark = {MARK} AND e.points = {POINTS})
                ORDER BY s.student, p.place, old.mark"""
            )

    def tally(self) -> dict[str, int]:
        """How many answers have each mark, a person's decisions counted."""
        return dict(
            self.db.execute(
                f"SELECT {MARK}, COUNT(*) FROM {ANSWERS} "
                f"WHERE {MARK} IS NOT NULL GROUP BY {MARK}"
            ).fetchall()
        )

    # -- marking ------------------------------------------------------------------------

    def waiting(self) -> int:
        """How many different answers of these students are not marked yet."""
        return int(
            self.one(
                "SELECT COUNT(*) FROM tasks t WHERE t.mark IS NULL "
                "AND EXISTS (SELECT 1 FROM answers a WHERE a.task = t.id)"
            )
        )

    def chunks(self, size: int) -> Iterator[list[Task]]:
        """The answers that are not marked yet, so many at a time, each once."""
        last = 0
        while True:
            rows = self.db.execute(
                """SELECT t.id, t.problem, t.variant, t.text, t.earlier FROM tasks t
                WHERE t.mark IS NULL AND t.id > ?
                AND EXISTS (SELECT 1 FROM answers a WHERE a.task = t.id)
                ORDER BY t.id LIMIT ?""",
                (last, size),
            ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            yield [Task._make([*most, json.loads(earlier)]) for *most, earlier in rows]

    def keep(self, made: Iterable[Made]) -> None:
        """Make these verdicts durable; a task that has one already keeps it."""
        with self.db:
            self.db.execute("BEGIN IMMEDIATE")
            self.db.executemany(
                """UPDATE tasks SET mark = ?, points = ?, mistake = ?, feedback = ?,
                understood = ?, allowed = ? WHERE id = ? AND mark IS NULL""",
                [
                    (v.mark, v.points, v.mistake, v.feedback, v.understood_as, allowed, id)
                    for id, v, allowed in made
                ],
            )

    def one(self, query: str, *values: Any) -> Any:
        """The first column of the only row, or None."""
        row = self.db.execute(query, values).fetchone()
        return row and row[0]

    def note(self, name: str, value: str) -> None:
        """Remember a word about this folder."""
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def noted(self, name: str) -> str:
        """What was remembered under this name, or nothing."""
        return self.one("SELECT value FROM meta WHERE name = ?", name) or ""

    # -- deciding -----------------------------------------------------------------------

    def find(self, id: str) -> str:
        """The decision key that an id stands for; raises BadInput with the nearest ids."""
        if id and all(c in "0123456789abcdef" for c in id):
            found = [
                key
                for (key,) in self.db.execute(
                    f"""SELECT DISTINCT t.decision FROM {BY_TASK}
                    WHERE (t.mark = 'undecided' OR d.key IS NOT NULL)
                    AND t.decision >= ? AND t.decision < ?""",
                    (id, id + "g"),
                )
            ]
            if len(found) > 1:
                names = ", ".join(key[: ID + 6] for key in sorted(found)[:6])
                raise BadInput(f"more than one group begins with {id}: {names}")
            if found:
                return str(found[0])
        from solver.registry import unknown

        known = [group.id for group in self.groups()]
        known += [decided.id for decided in self.decided()]
        if not known:
            raise BadInput("no answer here waits for a decision, and none was decided")
        raise unknown("group", id, known)

    def decide(self, key: str, mark: str, points: float, note: str) -> None:
        """A person's mark for a group, in place of any earlier one; on the disk at once."""
        group = self.group(key)
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.execute(
            "INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?, ?)",
            (key, group.part, group.text, mark, points, note),
        )

    def undo(self, key: str) -> bool:
        """Take a decision back; False if there was none."""
        gone = self.db.execute("DELETE FROM decisions WHERE key = ?", (key,))
        return gone.rowcount > 0

    def decided(self) -> Iterator[Decided]:
        """The decisions that answers of these students rest on, by part and id."""
        rows = self.db.execute(
            f"""SELECT DISTINCT d.key, p.part, d.text, d.mark, d.points, d.note, p.place
            FROM {BY_TASK} WHERE d.key IS NOT NULL ORDER BY p.place, d.key"""
        )
        for key, part, text, mark, points, note, _ in rows:
            yield Decided(key[:ID], part, text, mark, points, note)


def result(
    part: str, text: str, key: str, mark: str, points: float, mistake: str,
    feedback: str, understood: str, note: str | None, before: str | None,
) -> Result:  # fmt: skip
    """One row of an answer as a Result; a person's note stands for the feedback."""
    decided = note is not None
    if decided:
        mistake, feedback = "", note or ""
    verdict = Verdict(mark, points, mistake, feedback, understood or "")
    return Result(part, text, verdict, key, decided, before or "")


def place(out: Path) -> Path:
    """Where the marks of a folder are kept."""
    return out / FOLDER / FILE


def open_store(out: Path, whole: ProblemSet) -> Store:
    """The marks kept in a folder, made empty where there are none. Raises BadInput."""
    path = place(out)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=30, isolation_level=None)
    except (OSError, sqlite3.Error) as e:
        raise BadInput(f"the marks cannot be opened: {e}").at(str(path)) from None
    try:
        layout = laid_out(db)
    except sqlite3.Error as e:
        db.close()
        raise BadInput(f"the marks cannot be opened: {e}").at(str(path)) from None
    if layout != LAYOUT:
        db.close()
        raise BadInput(
            "these marks were made by another version of pset: take another folder"
        ).at(str(path))
    return Store(whole, db)


def laid_out(db: sqlite3.Connection) -> int:
    """The layout of the tables, which are made where there are none."""
    db.execute("PRAGMA journal_mode = WAL")
    # The system keeps what a killed process has written; only a power cut can lose the
    # last verdicts, which are then made again.
    db.execute("PRAGMA synchronous = NORMAL")
    with db:
        db.execute("BEGIN IMMEDIATE")
        (layout,) = db.execute("PRAGMA user_version").fetchone()
        if layout == 0:
            for statement in SCHEMA.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {LAYOUT}")
            layout = LAYOUT
    return int(layout)
