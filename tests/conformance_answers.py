"""Students' answers against measured verdicts: answers, peers' answers, hostile texts.

Each row becomes a problem of an `answer …` kind, as a problem file would state it, and is
graded through the public interface. "wrong" is a wrong answer marked right.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from solver.core import BadInput, CheckFailed, Problem, Verdict
from solver.grading import grade

Row = dict[str, Any]
KINDS = {
    "expr": "expression", "matexpr": "expression", "bigo": "complexity", "string": "ranking",
    "tuple": "list", "complex": "expression", "tolerance": "number", "logic": "inequality",
}  # fmt: skip
MEANINGS = {"logistic sigmoid": "sigmoid"}


def problem_of(row: Row) -> Problem:
    """The problem that a row's key and context declare."""
    form = KINDS.get(row["kind"], row["kind"])
    given: dict[str, Any] = {"key": row["key"]}
    where = {**dict.fromkeys(row.get("assume", {}), "")}
    for name, what in {**row.get("vars", {}), **row.get("assume", {})}.items():
        where[name] = f"{where.get(name, '')} {what}".strip()
    if where:
        given["where"] = where
    if row.get("alias"):
        given["alias"] = row["alias"]
    functions = {f.lstrip("\\"): MEANINGS[m] for f, m in row.get("functions", {}).items() if m in MEANINGS}
    if functions:
        given["functions"] = functions
    tol = {k: v for k, v in (row.get("tol") or {}).items() if k in ("abs", "rel")}
    if tol:
        given["tol"] = {k: float(v) for k, v in tol.items()}
    if row.get("layout"):
        given["order"] = row["layout"]
    if row.get("variable"):
        given["variable"] = row["variable"]
    return Problem(f"answer {form}", given)


def verdict_of(row: Row) -> Verdict | None:
    """The verdict; None where the key itself cannot be stated here."""
    if set(row.get("tol") or {}) - {"abs", "rel"} or row["kind"] in ("text", "other"):
        return None  # significant figures as one platform counts them; words
    try:
        problem = problem_of(row)
    except (BadInput, KeyError):
        return None
    try:
        return grade(problem, row["answer"])
    except (BadInput, CheckFailed):
        return None


class Found:
    """What was found on one row."""

    def __init__(self, row: Row):
        self.row = row
        self.error = ""
        start = time.perf_counter()
        try:
            self.verdict = verdict_of(row)
        except Exception as e:  # a crash is our fault, and is counted as one
            self.verdict, self.error = None, f"{type(e).__name__}: {e}"
        self.ms = (time.perf_counter() - start) * 1000

    @property
    def mark(self) -> str:
        return self.verdict.mark if self.verdict else "unstated"

    @property
    def outcome(self) -> str:
        """right, wrong (accepted wrongly), refused (a right one rejected), undecided."""
        if self.error:
            return "refused"
        if self.mark in ("undecided", "unstated"):
            return "undecided"
        accepted = self.mark == "right"
        if accepted == bool(self.row["equivalent"]):
            return "right"
        return "wrong" if accepted else "refused"

    def named(self) -> bool:
        """Whether the mistake that the row names is among those reported."""
        name = self.verdict.mistake if self.verdict else ""
        return self.row["mistake"] in name.split(" or ")


def answers(path: Path) -> dict[str, Any]:
    """The report on a file of answers: verdicts, mistakes named, times."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    found = [Found(row) for row in rows]
    again = sorted(timed_again(rows))
    with_mistake = [f for f in found if f.row.get("mistake")]
    aside = [f for f in found if f.row.get("policy")]
    plain = [f for f in found if not f.row.get("policy")]
    by_kind: dict[str, list[int]] = {}
    for f in plain:
        tally = by_kind.setdefault(f.row["kind"], [0, 0])
        tally[0] += 1
        tally[1] += f.outcome == "right"
    return {
        "cases": len(found),
        "right": sum(f.outcome == "right" for f in plain),
        "counted": len(plain),
        "policy": len(aside),
        "policy_right": sum(f.outcome == "right" for f in aside),
        "wrong_accepted": sum(f.outcome == "wrong" for f in plain),
        "right_rejected": sum(f.outcome == "refused" for f in plain),
        "undecided": sum(f.outcome == "undecided" for f in plain),
        "crashed": sum(bool(f.error) for f in found),
        "mistakes": len(with_mistake),
        "mistakes_named": sum(f.named() for f in with_mistake),
        "by_kind": by_kind,
        "first_ms": percentiles([f.ms for f in found]),
        "ms": percentiles(again),
        "failures": [failure(f) for f in found if f.outcome != "right"],
        "unnamed": [unnamed(f) for f in with_mistake if not f.named()],
    }


def timed_again(rows: list[Row]) -> Iterator[float]:
    """Milliseconds of each answer with the keys already known, as in a pile of them."""
    for row in rows:
        start = time.perf_counter()
        try:
            verdict_of(row)
        except Exception:
            continue
        yield (time.perf_counter() - start) * 1000


def percentiles(times: list[float]) -> dict[str, float]:
    ordered = sorted(times) or [0.0]
    at = {"median": 0.5, "p99": 0.99, "worst": 1.0}
    return {k: round(ordered[min(len(ordered) - 1, int(len(ordered) * q))], 3) for k, q in at.items()}


def failure(f: Found) -> str:
    row = f.row
    why = f.error or (f.verdict.feedback.replace("\n", " ")[:90] if f.verdict else "")
    policy = f" [{row['policy']}]" if row.get("policy") else ""
    return (f"{f.outcome:9} {row['id']} {row['kind']}{policy} {f.mark}: {row['key'][:50]!r} / "
            f"{row['answer'][:60]!r} {why}")  # fmt: skip


def unnamed(f: Found) -> str:
    name = f.verdict.mistake if f.verdict else ""
    return f"{f.row['id']} {f.row['mistake']} not in {name!r}: {f.row['key'][:50]!r} / {f.row['answer'][:50]!r} {f.mark}"


# -- hostile texts ------------------------------------------------------------------------

LIMIT = 2.0  # seconds that one text may take
EXAMPLES = {  # a problem of each form, to which every hostile text is given
    "number": "0.5", "integer": "896", "shape": "3x4x5", "assignments": "p = 1, s = 2",
    "choice": "A", "ranking": "D, B, A", "set": "{1, 2}", "interval": "[0, 1)", "list": "1, 2",
    "equation": "y = 2x + 1", "inequality": "x > 2", "expression": "x + 1",
    "piecewise": "max(0, x)", "matrix": "[[1, 2], [3, 4]]", "complexity": "O(n^2 x)",
    "prose": "words",
}  # fmt: skip


def hostile(path: Path) -> dict[str, Any]:
    """Whether any text ran, hung or crashed, and whether a gaming row was accepted."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    before = set(Path.cwd().rglob("pwned*"))
    outcomes: dict[str, int] = {}
    failures, slowest = [], 0.0
    for row in rows:
        text = row["input"]
        if text is None:
            text = "".join(piece * times for piece, times in row["build"])
        keys = EXAMPLES
        if "key" in row:
            whole = row["key"].lstrip("-").isdigit()
            keys = {"integer" if whole else "expression": row["key"]}
        for form, key in keys.items():
            start = time.perf_counter()
            try:
                mark = grade(Problem(f"answer {form}", {"key": key}), text).mark
            except Exception as e:
                mark = "crashed"
                failures.append(f"crashed {row['id']} {form}: {type(e).__name__}: {e}"[:160])
            took = time.perf_counter() - start
            slowest = max(slowest, took)
            if took > LIMIT:
                mark = "hung"
                failures.append(f"hung {row['id']} {form}: {took:.1f} s")
            if mark == "right" and row["kind"] == "gaming":
                failures.append(f"accepted {row['id']} {form}: {text[:60]!r} for {key}")
                mark = "accepted"
            outcomes[mark] = outcomes.get(mark, 0) + 1
    ran = set(Path.cwd().rglob("pwned*")) - before
    return {
        "cases": len(rows),
        "verdicts": sum(outcomes.values()),
        "ran": len(ran),
        "hung": outcomes.get("hung", 0),
        "crashed": outcomes.get("crashed", 0),
        "gaming_accepted": outcomes.get("accepted", 0),
        "slowest_s": round(slowest, 3),
        "by_mark": dict(sorted(outcomes.items())),
        "failures": failures,
    }
