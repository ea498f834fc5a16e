"""Marking a pile of submissions: each different answer once, however many gave it.

`take_in` puts submissions into the store, `mark` has what is not marked yet marked by
workers or a cluster and keeps each verdict as it comes. Both can be killed at any moment
and be called again: what was kept stays, and the end is the same.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path

from solver.core import BadInput, Mistake, Problem, Verdict
from solver.courses.records import Submission
from solver.courses.store import ANSWERS, MARK, POINTS, Made, Store, Task
from solver.grading import grade_part, is_code
from solver.kinds import find, mistakes
from solver.sets import ProblemSet, bundled, kinds_in, load_set, solve_part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CHUNK = 150  # answers that a worker is handed at a time; fewer where there are few
# of a problem: no verdict depends on them
PRINTED = ("title", "prompt", "note", "demonstrations")
APART = (
    "name", "title", "problems", "course", "intro", "path", "networks", "conventions",
    "varied", "variant",
)  # fmt: skip
# of a set: printed only, or put into its problems' given when it is read
NO_PART = ("authors", "courses", "documents.py", "pdf.py", "help.py", "batch.py", "question.py")
# files of ours that no verdict depends on
OURS = Path(__file__).parent.parent
ENCODE = json.JSONEncoder(separators=(",", ":")).encode
SHORT, RECENT = 200, 4_000  # characters of an answer whose task is remembered; how many


# -- what a verdict depends on ------------------------------------------------------------


def digest(data: Any) -> str:
    """A short hash of plain data, the same on every machine."""
    return sha256(ENCODE(data).encode()).hexdigest()[:32]


@lru_cache(maxsize=1)
def program() -> str:
    """The version of the program: its number, its checker's files, and its libraries."""
    from importlib.metadata import version

    from solver import __version__

    files = {
        str(path.relative_to(OURS)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(OURS.rglob("*.py"))
        if path.relative_to(OURS).parts[0] not in NO_PART
    }
    libraries = {name: version(name) for name in ("sympy", "numpy")}
    return digest([__version__, sorted(files.items()), sorted(libraries.items())])


def fingerprints(whole: ProblemSet) -> dict[str, str]:
    """By part, a hash of all that its verdicts depend on: not its prompt or title.

    Fields that are added to problems and sets later count until they are named above.
    """
    kinds = kinds_in([p.given for p in whole.problems]) | {p.kind for p in whole.problems}
    # these conventions stand in the given of the problems that they are about
    given = {"order"} | {p.name for kind in kinds for p in find(kind).params}
    course = {k: v for k, v in whole.conventions.items() if k not in given}
    course |= {f.name: getattr(whole, f.name) for f in fields(whole) if f.name not in APART}
    found = {}
    for problem in whole.problems:
        own = {f.name: getattr(problem, f.name) for f in fields(problem)}
        own["order"] = problem.order or whole.order
        dependent = [[k, canonical(own[k])] for k in sorted(own) if k not in PRINTED]
        nets = [canonical(v) for v in borrowed(problem.given)]
        # what a student found there is read as an answer to that part
        earlier = [whole[part] for part in problem.follows]
        read_as = [[p.kind, canonical(p.given), p.order or whole.order] for p in earlier]
        shared = [[k, canonical(course[k])] for k in sorted(course)]
        found[problem.id] = digest([dependent, shared, nets, read_as])
    return found


class Variants(dict[str, tuple[ProblemSet, dict[str, str]]]):
    """A set and its fingerprints under each label, as they are asked for."""

    def __init__(self, whole: ProblemSet):
        super().__init__()
        self.whole = whole

    def __missing__(self, label: str) -> tuple[ProblemSet, dict[str, str]]:
        own = self.whole.under(label) if label and self.whole.varied else self.whole
        self[label] = own, fingerprints(own)
        return self[label]

    def number(self, part: str, label: str) -> str:
        """The number of a part's variant under a label; nothing for the set's own."""
        one = self.whole.varied.get(part)
        number = one.number(label, self.whole.name) if one and label else 0
        return str(number) if number else ""


def borrowed(given: Any) -> Iterator[Any]:
    """The networks of bundled sets that something given names: s0/cifar."""
    if isinstance(given, Mapping):
        for value in given.values():
            yield from borrowed(value)
    elif isinstance(given, (list, tuple)):
        for value in given:
            yield from borrowed(value)
    elif isinstance(given, str) and given.count("/") == 1:
        owner, _, own = given.partition("/")
        if owner in bundled():
            yield load_set(owner).networks.get(own)


def canonical(value: Any) -> Any:
    """Plain data that is the same for the same value, types told apart.

    The order of named values stays: unnamed entries of an answer are read by it.
    """
    if isinstance(value, Mistake):
        return ["mistake", value.name, canonical(value.value), value.feedback]
    if isinstance(value, Mapping):
        return ["named", [[str(k), canonical(v)] for k, v in value.items()]]
    if isinstance(value, (list, tuple)):
        kind = "list" if type(value) in (list, tuple) else type(value).__name__
        return [kind, getattr(value, "order", ""), [canonical(v) for v in value]]
    if value is None or isinstance(value, (bool, str)):
        return value
    return [type(value).__name__, str(value)]


def normal(text: str) -> str:
    """An answer as a person would call it the same: spaces and composed letters aside.

    Lines are kept, for they may be a matrix's rows.
    """
    lines = (" ".join(line.split()) for line in text.splitlines())
    return unicodedata.normalize("NFC", "\n".join(line for line in lines if line))


# -- submissions in -----------------------------------------------------------------------


def take_in(store: Store, submissions: Iterable[Submission]) -> int:
    """Put these submissions in the place of those before; how many students there are.

    All or nothing: until the last is read, the store is as it was. When the key or the
    program is another than last time, the marks so far become those to compare with.
    Raises BadInput if nothing could be read of any of them.
    """
    known = Variants(store.whole)
    _, prints = known[""]
    may_vary = [[id, canonical(v.entry)] for id, v in store.whole.varied.items()]
    state = digest([sorted(prints.items()), program(), *may_vary])
    db = store.db
    with db:
        db.execute("BEGIN IMMEDIATE")
        if store.noted("state") not in ("", state):
            remember(store)
        store.note("state", state)
        for table in ("submissions", "answers", "parts"):
            db.execute(f"DELETE FROM {table}")
        db.executemany("INSERT INTO parts VALUES (?, ?)", enumerate(prints))
        count = answers = 0
        complaint = ""
        recent: dict[tuple[str, str, str], int] = {}  # the tasks of common answers
        for one in submissions:
            count += 1
            unread, found = put(store, one, known, count, recent)
            answers += found
            complaint = complaint or next(iter(unread), "")
        if not answers:
            raise BadInput(
                f"none of the {count} submissions has an answer that could be read"
                + (f"; the first: {complaint}" if complaint else "")
                if count
                else "there is no submission here"
            )
        db.execute(
            """DELETE FROM tasks WHERE mark IS NULL
            AND NOT EXISTS (SELECT 1 FROM answers a WHERE a.task = tasks.id)"""
        )
    return count


def put(
    store: Store, one: Submission, known: Variants, id: int,
    recent: dict[tuple[str, str, str], int],
) -> tuple[list[str], int]:  # fmt: skip
    """Put one submission in; what could not be read of it, and how many answers it has."""
    db, variant = store.db, clean(one.variant)
    whole, prints = known[variant]
    answers = {clean(part): clean(text) for part, text in one.answers.items()}
    unread = [clean(said) for said in one.unread]
    unread += [f"There is no part {part} in this set." for part in answers if part not in prints]
    db.execute(
        "INSERT INTO submissions VALUES (?, ?, ?, ?, ?, ?)",
        (id, clean(one.student), clean(one.source), variant, clean(one.email),
         json.dumps(unread)),
    )  # fmt: skip
    rows = []
    for at, problem in enumerate(whole.problems):
        if problem.id in answers:
            text = answers[problem.id]
            earlier = {p: answers[p] for p in problem.follows if p in answers}
            about = (prints[problem.id], known.number(problem.id, variant), text)
            task = None if earlier else recent.get(about)
            if task is None:
                task = task_of(store, *about, earlier, whole.variant)
                if len(text) <= SHORT and not earlier:
                    recent[about] = task
            rows.append((id, at, task))
    if len(recent) > RECENT:
        recent.clear()
    db.executemany("INSERT INTO answers VALUES (?, ?, ?)", rows)
    return unread, len(rows)


def task_of(
    store: Store, problem: str, number: str, text: str, earlier: dict[str, str],
    label: str = "",
) -> int:  # fmt: skip
    """The task under whose key this answer falls, which is new if nobody gave it before.

    number: that of the part's variant; label: one under which the set has it.
    A decision's key is the same but for the program, and for spaces in what was written.
    """
    key = digest([problem, number, text, earlier, program()])
    task = store.one("SELECT id FROM tasks WHERE key = ?", key)
    if task is None:
        settled = {part: normal(said) for part, said in earlier.items()}
        task = store.db.execute(
            """INSERT INTO tasks (key, problem, variant, text, earlier, said, decision)
            VALUES (?, ?, ?, ?, ?, ?, ?)""",
            (key, problem, label, text, ENCODE(earlier), digest([number, text]),
             digest([problem, number, normal(text), settled])),
        ).lastrowid  # fmt: skip
    return int(task)


def clean(text: str) -> str:
    """Text that can be written as UTF-8: half a character becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def remember(store: Store) -> None:
    """Let the marks so far be those that the next ones are compared with."""
    store.db.execute(
        f"""DELETE FROM earlier WHERE (student, part, said) IN
        (SELECT s.student, p.part, t.said FROM {ANSWERS} WHERE {MARK} IS NOT NULL)"""
    )
    store.db.execute(
        f"""INSERT OR IGNORE INTO earlier SELECT s.student, p.part, t.said, {MARK}, {POINTS}
        FROM {ANSWERS} WHERE {MARK} IS NOT NULL"""
    )


# -- marking ------------------------------------------------------------------------------

Marker = Callable[[Iterable[list[Task]]], Iterator[list[Made]]]


def mark(
    store: Store,
    marker: Marker,
    *,
    timeout: float,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
    run_code: bool = False,
) -> int:
    """Have every answer that is not marked yet marked, and kept at once; how many were.

    What ran out of time is tried again if there is more time now, and code that is undecided
    if it may be run now. A marker is a function from chunks of answers to verdicts: local
    workers, or a cluster.
    """
    if run_code:
        unrun(store)
    with store.db:
        store.db.execute("UPDATE tasks SET mark = NULL WHERE allowed < ?", (timeout,))
    todo, done = store.waiting(), 0
    if not todo:
        return 0
    size = max(8, min(CHUNK, todo // (4 * jobs)))
    verdicts = marker(store.chunks(size))
    if progress:
        progress(0, todo)
    for made in verdicts:
        store.keep(made)
        done += len(made)
        if progress:
            progress(done, todo)
    return done


def unrun(store: Store) -> None:
    """Have the undecided answers to parts that ask for code marked again."""
    known = Variants(store.whole)
    open_ = "FROM tasks WHERE mark = 'undecided'"
    asked = []
    for (variant,) in store.db.execute(f"SELECT DISTINCT variant {open_}").fetchall():
        own, prints = known[variant]
        asked += [prints[p.id] for p in own.problems if is_code(solve_part(own, p).value)]
    with store.db:
        store.db.executemany(
            "UPDATE tasks SET mark = NULL WHERE mark = 'undecided' AND problem = ?",
            [(one,) for one in asked],
        )


graders: dict[tuple[str, bool], Callable[[Task], Verdict]] = {}  # by their set's path


def labels(store: Store) -> list[str]:
    """The variants of the set that answers wait for."""
    found = store.db.execute("SELECT DISTINCT variant FROM tasks WHERE mark IS NULL")
    return sorted(label for (label,) in found)


def worked_out(
    whole: ProblemSet, labels: Iterable[str] = (), run_code: bool = False
) -> Callable[[Task], Verdict]:
    """The function that marks a task of this set, all its answers known beforehand, and
    those of its variants under these labels: each different one is solved once.

    Processes forked from here on have them too; others find the set by its path. Raises
    BadInput or CheckFailed for a part that has no answer.
    """
    met: set[Problem] = set()
    for label in ("", *labels):
        own = whole.under(label) if label else whole
        for problem in set(own.problems) - met:
            met.add(problem)
            solve_part(own, problem)
            try:
                mistakes(problem)
            except BadInput as e:
                raise e.at(f"{whole.path or whole.name}: problem {problem.id}") from None
    graders[whole.path, run_code] = grader(whole, run_code)
    return partial(grade_task, whole.path, run_code=run_code)


def grade_task(path: str, task: Task, run_code: bool = False) -> Verdict:
    """The verdict on a task of the set in a file."""
    if (path, run_code) not in graders:
        worked_out(load_set(path), run_code=run_code)
    return graders[path, run_code](task)


def grader(whole: ProblemSet, run_code: bool = False) -> Callable[[Task], Verdict]:
    """The function that marks a task of this set; run_code: students' functions are run."""
    known = Variants(whole)

    def grade(task: Task) -> Verdict:
        own, prints = known[task.variant]
        part = next(part for part, one in prints.items() if one == task.problem)
        return grade_part(own, own[part], task.text, task.earlier, run_code)

    return grade
