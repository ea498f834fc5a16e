"""`pset grade` and `pset decide`: what they do, and what they say on the terminal.

A folder's .pset/ holds its marks and a copy of the set that they are about, so that they
can be decided upon anywhere. Whoever is at work in a folder has it alone.
"""

from __future__ import annotations

import re
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from shlex import quote

from solver.core import BadInput
from solver.courses.workers import TIMEOUT, cores, marked, one_thread
from solver.disk import locked
from solver.telling import clock, rewrite, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from solver.courses.records import Group
    from solver.courses.store import Made, Store, Task
    from solver.sets import ProblemSet

    Writer = Callable[[Store, Path], Iterable[Path]]

FORMATS = ("reports", "exports")
MARKS = {
    "right": "right", "partly": "partly right", "wrong": "wrong",
    "undecided": "undecided", "invalid": "unreadable",
}  # fmt: skip
DECISIONS = ("right", "partly", "wrong")
INTERRUPTED = 130
LONG = 72  # characters of an answer in a list


# -- grade --------------------------------------------------------------------------------


def grade(
    set: str,
    submissions: Sequence[str],
    out: str,
    jobs: int | None = None,
    timeout: float = TIMEOUT,
    cluster: str = "",
    format: str = "reports",
    fill: str = "",
    variant: str = "",
    by_name: bool = False,
    run_code: bool = False,
) -> int:
    """Mark submissions to a set and write what was asked for into a folder.

    fill: a grade book that Canvas or Moodle exported, to be filled in. variant, by_name:
    what variant it is, where the hand-outs do not say it or are not to be believed.
    run_code: whether students' functions are run, in a sandbox.

    The exit code: 0, or 130 if a person interrupted it, which loses nothing.
    """
    one_thread()  # before anything loads NumPy
    from solver.courses.marking import labels, mark, take_in, worked_out
    from solver.courses.submissions import read_submissions
    from solver.courses.variants import labelled

    jobs = cores() if jobs is None else jobs
    if not 1 <= jobs <= 256:
        raise BadInput(f"there are from 1 to 256 jobs, not {jobs}")
    if not 0 < timeout <= 3600:
        raise BadInput(f"the time-out is from 0 to 3600 seconds, not {timeout:g}")
    grace = allowed_to_run(timeout, cluster) if run_code else None
    wanted, folder = chosen(f"{format},exports" if fill else format), Path(out)
    if fill and not Path(fill).is_file():
        raise BadInput("there is no such grade book").at(fill)
    for path in map(Path, submissions):
        if path.is_dir() and folder.resolve().is_relative_to(path.resolve()):
            raise BadInput(f"take a folder outside of the submissions in {path}").at(out)

    def marker(chunks: Iterable[list[Task]]) -> Iterator[list[Made]]:
        if cluster:
            from solver.courses.cluster import marked_on

            return marked_on(cluster, store.whole, chunks, timeout=timeout)
        known = worked_out(store.whole, labels(store), run_code)
        return marked(chunks, known, jobs=jobs, timeout=timeout, grace=grace)

    with at_work(folder, given_set(set)) as store:
        try:
            found = read_submissions(submissions, store.whole)
            take_in(store, labelled(store.whole, found, variant, by_name))
            store.note("formats", ",".join(wanted))
            store.note("fill", str(Path(fill).resolve()) if fill else "")
            with progress(sys.stderr) as shown:
                mark(store, marker, timeout=timeout, jobs=jobs, progress=shown, run_code=run_code)
            written = write_all(store, folder)
        except KeyboardInterrupt:
            say("interrupted: every mark so far is kept, and the same command goes on.")
            return INTERRUPTED
        summarise(store, folder, written)
    return 0


def allowed_to_run(timeout: float, cluster: str) -> float:
    """The seconds that a silent worker is given where it waits for students' functions.

    What keeps them from being run is said at once. Raises BadInput for a cluster.
    """
    if cluster:
        raise BadInput("code is run by this machine's own processes: leave out --cluster")
    from solver.code.judging import RUNS
    from solver.code.sandbox import WALL, unavailable

    if why := unavailable():
        say(f"code is read only: {why}.")
    return RUNS * WALL + 2 * timeout


def chosen(format: str) -> list[str]:
    """The formats in a list with commas, each known and once."""
    from solver.registry import unknown

    found = list(dict.fromkeys(f.strip() for f in format.split(",")))
    for one in found:
        if one not in FORMATS:
            raise unknown("format", one, list(FORMATS))
    return found


def write_all(store: Store, folder: Path) -> Counter[Path]:
    """Write the files that were chosen: how many of each folder's, files of `folder` alone."""
    from solver.courses.exports import write_exports
    from solver.courses.report import write_reports

    written: Counter[Path] = Counter()
    book = Path(store.noted("fill") or "")
    fill = book if book.is_file() else None  # it may be gone by the time of a decision
    exports: Writer = partial(write_exports, fill=fill)
    writers: dict[str, Writer] = {"reports": write_reports, "exports": exports}
    for format in store.noted("formats").split(","):
        for path in writers[format](store, folder):
            written[path if path.parent == folder else path.parent] += 1
    for place in {folder, *(p for p in written if p.is_dir())}:
        tidied(place)
    return written


def tidied(folder: Path) -> None:
    """Remove what a killed run of ours was writing beside a file that is there now."""
    for path in folder.iterdir():
        beside = re.fullmatch(r"\.(.+)\.\d+", path.name)
        if beside and path.with_name(beside[1]).exists():
            path.unlink(missing_ok=True)


def summarise(store: Store, folder: Path, written: Counter[Path]) -> None:
    """A few lines about a whole course."""
    tally = store.tally()
    counts = [f"{tally[k]:,} {word}" for k, word in MARKS.items() if tally.get(k)]
    answers = many(sum(tally.values()), "answer")
    print(f"{many(store.count(), 'student')}, {answers}: {', '.join(counts)}")
    torn = store.one("SELECT COUNT(*) FROM submissions WHERE unread != '[]'")
    if torn:
        print(f"something of {many(torn, 'student')} could not be read: see the report")
    count = "SELECT COUNT(*) FROM submissions WHERE variant"
    none = store.one(f"{count} = ''")
    if none and store.one(f"{count} != ''"):
        are = "records no variant and is" if none == 1 else "record no variant and are"
        print(f"{many(none, 'submission')} {are} marked as the set itself")
    changed = sum(1 for _ in store.changed())
    if changed:
        print(f"{many(changed, 'mark')} other than before: see the report")
    if tally.get("undecided"):
        groups = sum(1 for _ in store.groups())
        print(f"{many(groups, 'group')} to be decided: pset decide {quote(str(folder))}")
    for path, n in written.items():
        print(f"{path}/ ({many(n, 'file')})" if path.is_dir() else path)


def many(n: int, noun: str) -> str:
    """3,120 answers, 1 answer."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


# -- decide -------------------------------------------------------------------------------


def decide(
    out: str, group: str | None, mark: str | None, points: float | None, note: str
) -> int:
    """List what a person has to decide, show one group, decide it, or take that back."""
    one_thread()
    folder = Path(out)
    with at_work(folder, kept_set(folder)) as store:
        if group is None:
            listed(store, folder)
            return 0
        key = store.find(group)
        if mark is None:
            shown(store.group(key))
            return 0
        said = settled(store, key, mark, points, note)
        if store.waiting():
            say("reports are not written: answers wait for marks; run pset grade again.")
        else:
            write_all(store, folder)
        print(said)
    return 0


def settled(
    store: Store, key: str, mark: str, points: float | None, note: str
) -> str:
    """Make a decision durable, or undo it; what was done, in a sentence."""
    from solver.registry import unknown
    from solver.view import points_text

    group = store.group(key)
    if mark == "undo":
        if points is not None or note:
            raise BadInput("undo takes neither points nor a note")
        if not store.undo(key):
            raise BadInput(f"group {group.id} was not decided: there is nothing to undo")
        return f"{group.id} is open again"
    if mark not in DECISIONS:
        raise unknown("mark", mark, [*DECISIONS, "undo"])
    problem = store.whole[group.part]
    most = problem.points
    shares = {"right": 1, "partly": problem.credit, "wrong": 0}
    given = most * shares[mark] if points is None else points
    if not 0 <= given <= most:
        raise BadInput(f"part {group.part} has from 0 to {points_text(most)}, not {given:g}")
    store.decide(key, mark, given, note)
    students = many(len(group.students), "student")
    return f"{group.id} is {MARKS[mark]}, {points_text(given)}: {students}"


def listed(store: Store, folder: Path) -> None:
    """Every group that is open, then those that are decided."""
    open_ = 0
    for group in store.groups():
        open_ += 1
        print(f"{group.id}  {group.part}  {many(len(group.students), 'student')}")
        print(f"    {line(group.text)}")
        print(f"    {line(group.verdict.feedback)}\n")
    if open_:
        print(f"pset decide {quote(str(folder))} GROUP right|partly|wrong")
        print("without a mark, GROUP is shown in full")
    else:
        print("nothing waits for a decision")
    for one in store.decided():
        word = f"{MARKS[one.mark]} ({one.points:g})"
        print(f"decided: {one.id}  {one.part}  {word}  {line(one.text)}")


def shown(group: Group) -> None:
    """One group in full."""
    from solver.escape import terminal
    from solver.render import wrap

    print(f"{group.id}  {group.part}  {many(len(group.students), 'student')}")
    told = (group.text, group.verdict.understood_as, group.verdict.feedback)
    for text in dict.fromkeys(told):
        for each in text.splitlines():
            print(wrap(f"    {terminal(each)}", 80))
    print(terminal(", ".join(group.students)))


def line(text: str) -> str:
    """A text on one line of a list."""
    from solver.escape import terminal

    flat = terminal(" ".join(text.split()))
    return flat if len(flat) <= LONG else flat[: LONG - 1] + "…"


# -- the folder ---------------------------------------------------------------------------


def given_set(name: str) -> Callable[[Path], ProblemSet]:
    """The set that is asked for, read from the copy that a folder keeps of it."""
    from solver.disk import write
    from solver.sets import load_set

    whole = load_set(name)

    def keep(inside: Path) -> ProblemSet:
        copy = inside / f"{whole.name}.toml"
        other = [p.stem for p in inside.glob("*.toml") if p.name != copy.name]
        if other:
            raise BadInput(
                f"the folder holds the marks of {other[0]}: take another for {whole.name}"
            ).at(str(inside.parent))
        text = Path(whole.path).read_bytes()
        if not copy.exists() or copy.read_bytes() != text:
            write(copy, text)
        return load_set(copy)

    return keep


def kept_set(folder: Path) -> Callable[[Path], ProblemSet]:
    """The set that a folder's marks are about. Raises BadInput if it has none."""
    from solver.courses.store import place
    from solver.sets import load_set

    if not place(folder).exists():
        from solver.registry import unknown

        near = [p for p in folder.parent.glob("*") if place(p).exists()]
        if near:
            raise unknown("folder of marks", str(folder), sorted(map(str, near)))
        raise BadInput(
            f"no marks are in {folder}: pset grade SET SUBMISSIONS --out DIR makes some"
        )

    def find(inside: Path) -> ProblemSet:
        kept = sorted(inside.glob("*.toml"))
        if not kept:
            raise BadInput("the copy of the set is missing; run pset grade again").at(
                str(inside)
            )
        return load_set(kept[0])

    return find


@contextmanager
def at_work(folder: Path, find: Callable[[Path], ProblemSet]) -> Iterator[Store]:
    """The store of a folder, for us alone; errors of the disk are said in a line."""
    from solver.courses.store import FOLDER, open_store

    inside = folder / FOLDER
    try:
        inside.mkdir(parents=True, exist_ok=True)
        with (inside / "lock").open("w") as lock:
            if not locked(lock):
                raise BadInput("another pset is at work in this folder").at(str(folder))
            store = open_store(folder, find(inside))
            try:
                yield store
            finally:
                with suppress(sqlite3.Error):
                    store.db.close()
    except sqlite3.Error as e:
        raise BadInput(f"the marks cannot be kept: {e}").at(str(inside)) from None
    except OSError as e:
        if isinstance(e, BrokenPipeError) or e.filename is None:
            raise
        raise BadInput(f"{e.strerror}").at(str(e.filename)) from None


# -- progress -----------------------------------------------------------------------------


@contextmanager
def progress(stream: TextIO) -> Iterator[Callable[[int, int], None]]:
    """A function to tell (done, of how many): one line rewritten on a terminal, and
    elsewhere only a line at the end."""
    live = stream.isatty()
    begun, last, at = time.monotonic(), 0.0, (0, 0)

    def tell(done: int, total: int) -> None:
        nonlocal begun, last, at
        now, at = time.monotonic(), (done, total)
        if done == 0:
            begun = now
        elif live and (now - last > 0.1 or done == total):
            last, rate = now, done / max(now - begun, 1e-3)
            left = clock((total - done) / rate)
            rewrite(stream, f"{done:,}/{total:,} answers  {rate:,.0f}/s  {left} left")

    try:
        yield tell
    finally:
        done, total = at
        if live and done:
            rewrite(stream)
        if total:
            spent = max(time.monotonic() - begun, 1e-3)
            of = "" if done == total else f" of {total:,}"
            print(f"marked {done:,}{of} different answers, {done / spent:,.0f}/s",
                  file=stream)  # fmt: skip
