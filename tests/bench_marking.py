"""What marking a course costs: answers a second, time and memory by the number of students.

    python -m tests.bench_marking [--set s0] [--large] [--reports] [--json FILE]

Submissions are made as JSON lines: right answers in a few spellings, the known mistakes,
wrong numbers of which some are common and most are rare, and what nobody can read. Whole
processes are measured; memory is the largest that the system saw of the parent, and of
any of its children.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from solver.kinds import mistakes
from solver.sets import ProblemSet, load_set, solve_part
from solver.values import show

ROOT = Path(__file__).parent.parent
SIZES = (1_000, 10_000)
LARGE = 100_000
UNREADABLE = ("see attached", "the same as before??", "\\frac{1}{", "∎", "( 3, 4", "idk :(")


def submissions(whole: ProblemSet, students: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """So many students' answers, the same for the same seed."""
    rng = random.Random(seed)
    right = {p.id: show(solve_part(whole, p).value) for p in whole.problems}
    known = {p.id: [show(m.value) for m in mistakes(p)] or ["0"] for p in whole.problems}
    for i in range(students):
        answers = {}
        for part, text in right.items():
            drawn = rng.random()
            if drawn < 0.58:
                answers[part] = rng.choice((text, f" {text}", text.replace(" × ", "x")))
            elif drawn < 0.8:
                answers[part] = rng.choice(known[part])
            elif drawn < 0.93:  # of a long tail: few are common, most are rare
                answers[part] = str(min(int(rng.paretovariate(0.7)), 10**9))
            elif drawn < 0.97:
                answers[part] = rng.choice(UNREADABLE)
        yield {"student": f"student {i:06}", "answers": answers}


def write(whole: ProblemSet, students: int, path: Path) -> None:
    """The submissions as JSON lines."""
    with path.open("w", encoding="utf-8") as file:
        for one in submissions(whole, students):
            file.write(json.dumps(one, ensure_ascii=False) + "\n")


def phases(set: str, file: str, out: str, jobs: int, reports: bool) -> dict[str, float]:
    """Mark a file in this process and its workers: the seconds of each phase."""
    from solver.courses.marking import mark, take_in, worked_out
    from solver.courses.store import open_store
    from solver.courses.submissions import read_submissions
    from solver.courses.workers import marked, one_thread

    one_thread()
    whole = load_set(set)
    store = open_store(Path(out), whole)
    times = [time.perf_counter()]

    def lap() -> float:
        times.append(time.perf_counter())
        return times[-1] - times[-2]

    students = take_in(store, read_submissions([file], whole))
    found = {"students": students, "read": lap()}
    grade = worked_out(whole)
    found["solve"] = lap()
    found["different"] = mark(
        store, lambda chunks: marked(chunks, grade, jobs=jobs), timeout=5, jobs=jobs
    )
    found["mark"] = lap()
    found["answers"] = sum(store.tally().values())
    found["list"] = sum(len(s.results) for s in store.students()) and lap()
    if reports:
        from solver.courses.report import write_reports

        found["files"] = sum(1 for _ in write_reports(store, Path(out)))
        found["reports"] = lap()
    return found


def measured(set: str, file: Path, jobs: int, reports: bool) -> dict[str, float]:
    """The same in a process of its own, with its memory and its children's."""
    with tempfile.TemporaryDirectory(dir=file.parent) as out:
        words = [set, str(file), out, str(jobs), *(["reports"] if reports else [])]
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.bench_marking", "--one", *words],
            stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        parent = children = 0.0
        while child.poll() is None:
            parent = max(parent, megabytes(child.pid))
            children = max([children, *map(megabytes, offspring(child.pid))])
            time.sleep(0.05)
        assert child.stdout
        if child.returncode:
            raise SystemExit(f"marking ended with {child.returncode}")
        size = sum(p.stat().st_size for p in Path(out, ".pset").iterdir()) / 2**20
        found = json.loads(child.stdout.read())
        return {**found, "jobs": jobs, "parent MB": parent, "worker MB": children, "disk MB": size}


def megabytes(pid: int) -> float:
    """The most memory that a process has had; 0 if it is gone, or where there is no /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(peak[0]) / 1024 if peak else 0.0


def offspring(pid: int) -> list[int]:
    """The children of a process."""
    try:
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


COLUMNS = (
    ("students", "10,.0f"), ("jobs", "5.0f"), ("answers", "10,.0f"), ("different", "10,.0f"),
    ("read", "8.1f"), ("mark", "8.1f"), ("list", "8.1f"), ("reports", "8.1f"),
    ("different/s", "12,.0f"), ("answers/s", "10,.0f"), ("parent MB", "10.0f"),
    ("worker MB", "10.0f"), ("disk MB", "8.0f"),
)  # fmt: skip


def report(
    set: str = "s0", sizes: tuple[int, ...] = SIZES, reports: bool = False
) -> list[dict[str, float]]:
    """Measure and print a table: one process and two on the smallest, then two."""
    whole, found = load_set(set), []
    print("".join(f"{name:>{int(form.split('.')[0].rstrip(','))}}" for name, form in COLUMNS))
    with tempfile.TemporaryDirectory() as folder:
        for n in sizes:
            file = Path(folder, "submissions.jsonl")
            write(whole, n, file)
            for jobs in (1, 2) if n == sizes[0] else (2,):
                one = measured(set, file, jobs, reports)
                one["different/s"] = one["different"] / one["mark"]
                one["answers/s"] = one["answers"] / (one["read"] + one["solve"] + one["mark"])
                found.append(one)
                print("".join(f"{one.get(name, 0):{form}}" for name, form in COLUMNS), flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", default="s0")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--reports", action="store_true", help="write them as well")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, file, out, jobs, *rest = options.one
        print(json.dumps(phases(name, file, out, int(jobs), bool(rest))))
        return
    found = report(options.set, (*SIZES, LARGE) if options.large else SIZES, options.reports)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
