"""An autograder for Gradescope: a zip that holds the program and one set, and what runs in it.

`write_autograder` makes the zip; inside the container `main` reads what was handed in,
marks each part in a process with limits of its own, and always writes a results.json,
if only to say why there are no marks. The same set gives the same bytes.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from inspect import signature
from io import BytesIO
from pathlib import Path

from solver.core import BadInput, CheckFailed, Problem, Verdict
from solver.courses.exports import gradescope
from solver.courses.feedback import clean
from solver.courses.records import Marked, Result, Submission
from solver.disk import write
from solver.render import dump, folder
from solver.sets import ProblemSet, load_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.courses.store import Task

ROOT = "PSET_AUTOGRADER"  # the variable that moves /autograder elsewhere, for a test
SECONDS = 480  # for all parts; Gradescope stops the container after ten minutes
COMPUTING, EACH = 200, 20.0  # seconds for all, and at most for one, of half a processor
MEMORY = 450_000_000  # bytes of a child beyond its beginning; the container has 768 MB
EPOCH = (1980, 1, 1, 0, 0, 0)
NEEDS = (
    "sympy>=1.12", "numpy>=1.24", "click>=8.1", "jinja2>=3.1", "latex2mathml>=3.77",
    "mpmath>=1.1",
    "threadpoolctl>=3.1",
    'tomli>=2.0; python_version < "3.11"',
)  # fmt: skip
SLOW = "This took longer than the autograder may: a person has to decide it."

SETUP = """\
#!/usr/bin/env bash
# Run once by Gradescope when it builds the image: Python and the libraries of pset.
set -e
if [ -z "${PSET_AUTOGRADER:-}" ]; then
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 python3-pip
fi
needs=(@NEEDS@)
# Newer systems keep pip from their own Python unless they are told that it is meant.
python3 -m pip install --no-cache-dir "${needs[@]}" \\
  || python3 -m pip install --no-cache-dir --break-system-packages "${needs[@]}"
"""
RUN = """\
#!/usr/bin/env bash
# Run by Gradescope for each submission. Whatever happens, there is a results.json.
base="${PSET_AUTOGRADER:-/autograder}"
results="$base/results/results.json"
mkdir -p "$base/results"
rm -f "$results"
export PYTHONPATH="$base/source" PYTHONDONTWRITEBYTECODE=1 PYTHONIOENCODING=utf-8
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
timeout -k 10 570 python3 -m solver.courses.autograder "$base"
if [ ! -s "$results" ]; then
  printf '%s\\n' '@WHY@' > "$results.part" && mv "$results.part" "$results"
fi
exit 0
"""
WHY = {
    "score": 0,
    "output": "The autograder did not start, so nothing was marked. This is not about what "
    "was handed in: the staff find the reason in the output of setup.sh.",
    "output_format": "text",
    "visibility": "visible",
}


# -- the zip ----------------------------------------------------------------------------


def write_autograder(whole: ProblemSet, out: Path) -> Path:
    """Write autograder.zip for a set into a folder; Gradescope takes it as it is."""
    path = Path(out) / "autograder.zip"
    found = BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in sorted(contents(whole).items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # Unix: the rights below count
            entry.compress_type = zipfile.ZIP_DEFLATED
            rights = 0o755 if data.startswith(b"#!") else 0o644
            entry.external_attr = (0o100000 | rights) << 16
            archive.writestr(entry, data, compresslevel=9)
    write(path, found.getvalue())
    return path


def contents(whole: ProblemSet) -> dict[str, bytes]:
    """The zip's files by name: the two scripts, the set, and the program as source."""
    source = Path(whole.path)
    if not whole.path or not source.is_file():
        raise BadInput("an autograder needs the set's own file").at(whole.path or whole.name)
    plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*\.toml", source.name)
    needs = " ".join(f"'{n}'" for n in NEEDS)
    why = json.dumps(WHY).replace("'", "'\\''")
    found = {
        "setup.sh": SETUP.replace("@NEEDS@", needs).encode(),
        "run_autograder": RUN.replace("@WHY@", why).encode(),
        source.name if plain else "set.toml": source.read_bytes(),
    }
    program = Path(__file__).resolve().parent.parent
    files = {f"solver/{p.relative_to(program).as_posix()}": p for p in program.rglob("*.py")}
    files |= {f"solver/templates/{p.name}": p for p in folder("templates").iterdir()}
    files |= {f"solver/problems/{p.name}": p for p in folder("problems").glob("*.toml")}
    files["cli.py"] = program.parent / "cli.py"
    return found | {name: p.read_bytes() for name, p in files.items() if p.is_file()}


# -- inside the container ---------------------------------------------------------------


def main(argv: list[str] | None = None) -> int:
    """Mark what was handed in below a folder, /autograder unless another is named, and
    write its results/results.json, whatever happens."""
    words = sys.argv[1:] if argv is None else argv
    base = Path(words[0] if words else os.environ.get(ROOT, "/autograder"))
    begun = time.monotonic()
    try:
        found = results(base, begun)
    except Exception as e:  # of ours or the author's: the student is told, not charged
        found = {**WHY, "output": f"Nothing was marked, which is not about what was handed "
                 f"in: {clean(str(e) or type(e).__name__)}"}  # fmt: skip
    write(base / "results" / "results.json", dump(found) + "\n")
    return 0


def results(base: Path, begun: float) -> dict[str, Any]:
    """The results of the submission below a folder."""
    from solver.courses.submissions import read_submissions
    from solver.courses.variants import labelled

    sets = sorted((base / "source").glob("*.toml"))
    if len(sets) != 1:
        raise BadInput(f"expected one set beside run_autograder, not {len(sets)}")
    whole = load_set(sets[0])
    one = merged(labelled(whole, read_submissions([base / "submission"], whole)))
    whole = whole.under(one.variant) if whole.varied else whole
    made = {
        p.id: Result(p.id, one.answers[p.id], verdict, "")
        for p, verdict in verdicts(whole, one, begun)
    }
    marked = Marked(one.student, one.source, made, one.variant, one.email, one.unread)
    return gradescope(whole, marked, time.monotonic() - begun)


def merged(submissions: Iterable[Submission]) -> Submission:
    """All files that were handed in as one submission: a part's first answer counts."""
    answers: dict[str, str] = {}
    unread: list[str] = []
    student = variant = ""
    for one in submissions:
        student, variant = student or one.student, variant or one.variant
        unread += one.unread
        for part, text in one.answers.items():
            if answers.setdefault(part, text) != text:
                unread.append(f"Part {part} is answered twice; that in {one.source} is left out.")
    if not answers:
        unread.append("No answer could be found in what was handed in.")
    return Submission(student, answers, "", variant, "", tuple(unread))


def verdicts(
    whole: ProblemSet, one: Submission, begun: float
) -> Iterator[tuple[Problem, Verdict]]:
    """Each answered part with its verdict; undecided where time or memory ran out."""
    from solver.courses.workers import marked

    todo = [p for p in whole.problems if p.id in one.answers]
    tasks = [task(problem, one, i) for i, problem in enumerate(todo)]
    each = max(2.0, min(EACH, COMPUTING / max(1, len(todo))))
    left = dict(enumerate(todo))
    grace = 2 * each + 5
    for chunk in marked(
        [tasks], grader(whole), jobs=1, timeout=each, grace=grace, memory=MEMORY
    ):
        for made in chunk:
            yield left.pop(made.task), made.verdict
        if time.monotonic() > begun + SECONDS:
            break
    for problem in left.values():
        yield problem, Verdict("undecided", 0, "", SLOW, "")


def task(problem: Problem, one: Submission, number: int) -> Task:
    """One answer as the marking processes take it, with those that it follows from."""
    from solver.courses.store import Task

    follows = getattr(problem, "follows", ()) or ()
    earlier = {part: one.answers[part] for part in follows if part in one.answers}
    return Task(number, problem.id, one.variant, one.answers[problem.id], earlier)


def grader(whole: ProblemSet) -> Callable[[Task], Verdict]:
    """What marks a task; all parts are solved beforehand, for the processes share that."""
    from solver.grading import grade_part
    from solver.sets import solve_part

    for problem in whole.problems:
        with suppress(BadInput, CheckFailed):  # then its answers are left to a person
            solve_part(whole, problem)
    takes_earlier = "earlier" in signature(grade_part).parameters

    def grade(task: Task) -> Verdict:
        rest: dict[str, Any] = {"earlier": task.earlier} if takes_earlier else {}
        return grade_part(whole, whole[task.problem], task.text, **rest)

    return grade


if __name__ == "__main__":
    sys.exit(main())
