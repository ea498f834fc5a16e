"""`make conformance`: the public interface against measured cases that lie elsewhere.

It runs on whichever of the known files are in the folders named, prints a table with the
first failures, and writes JSON. "wrong" is a false statement made with confidence.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solver.core import BadInput
from solver.kinds import solve

Case = tuple[str, str, float, str]  # id, outcome, milliseconds, what went wrong


@dataclass
class Tally:
    """What was found in one file."""

    cases: int = 0
    right: int = 0
    wrong: int = 0
    refused: int = 0
    undecided: int = 0
    times: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, case: Case) -> None:
        id, outcome, ms, why = case
        self.cases += 1
        setattr(self, outcome, getattr(self, outcome) + 1)
        self.times.append(ms)
        if outcome != "right":
            self.failures.append(f"{outcome:9} {id}: {why}")

    def as_json(self) -> dict[str, Any]:
        ordered = sorted(self.times) or [0.0]
        return {
            "cases": self.cases,
            "right": self.right,
            "wrong": self.wrong,
            "refused": self.refused,
            "undecided": self.undecided,
            "median_ms": round(statistics.median(ordered), 3),
            "p99_ms": round(
                ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 3
            ),
            "failures": self.failures[:50],
        }


def timed(id: str, examine: Callable[[], str]) -> Case:
    """The case of one examination, which returns "" or what is wrong."""
    start = time.perf_counter()
    try:
        why = examine()
        outcome = "wrong" if why else "right"
    except BadInput as e:
        outcome, why = "refused", str(e)
    except Exception as e:  # a crash is no false statement, but it is a failure
        outcome, why = "refused", f"{type(e).__name__}: {e}"
    return id, outcome, (time.perf_counter() - start) * 1000, why


# -- shapes.jsonl -------------------------------------------------------------------------


def shapes(path: Path) -> Iterator[Case]:
    """Every operation: shape, parameters and multiply-adds, or the refusal."""
    for line in path.read_text().splitlines():
        row = json.loads(line)
        if row["verdict"] == "invalid":
            yield timed(row["id"], lambda row=row: refusal(row))
        else:
            yield timed(row["id"], lambda row=row: operation(row))


def given(row: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A row's arguments as PyTorch names them; its defaults where ours differ."""
    found = {"input": row["input_shape"], **row["args"], **more}
    if row["op"] == "multihead_attention":
        found.setdefault("need_weights", True)
        found.setdefault("batch_first", False)
    return found


def refusal(row: dict[str, Any]) -> str:
    try:
        got = solve(f"shape {row['op']}", **given(row)).value
    except BadInput:
        return ""
    return f"answered {got} where PyTorch refuses: {row['reason']}"


def operation(row: dict[str, Any]) -> str:
    kind = f"count {row['op']}"
    counts = solve(kind, **given(row)).value
    wrong = differs("shape", counts["shape"], row["output_shape"])
    wrong += differs("params", counts["params"], row.get("params"))
    wrong += differs("macs", counts.get("macs", 0), row.get("macs"))
    for on in (True, False):
        key = f"params_bias_{'on' if on else 'off'}"
        if key in row:
            wrong += differs(
                key,
                solve(kind, **given(row, **toggle(row, on))).value["params"],
                row[key],
            )
    if "macs_excluding_zero_padding" in row:
        inside = solve(kind, **given(row, zeros=False)).value["macs"]
        wrong += differs("macs inside", inside, row["macs_excluding_zero_padding"])
    if "macs_gather_form_output_size" in row:
        gathered = solve(kind, **given(row, gather=True)).value["macs"]
        wrong += differs("macs gathered", gathered, row["macs_gather_form_output_size"])
    if "buffers" in row:  # PyTorch stores the number of batches seen as well
        wrong += differs("buffers", counts.get("buffers", -1) + 1, row["buffers"])
    for n, out in row.get("sweep_dim0", []):
        wrong += swept(row, n, out)
    return wrong


def toggle(row: dict[str, Any], on: bool) -> dict[str, bool]:
    """With and without biases; batch norm has its affine part to leave out."""
    name = "affine" if row["op"].startswith("batch_norm") else "bias"
    return {name: on}


def swept(row: dict[str, Any], n: int, out: int | None) -> str:
    """The output size along the first axis for an input of n; None: refused."""
    shape = list(row["input_shape"])
    axis = len(shape) - dims(row["op"])
    shape[axis] = n
    try:
        got = solve(f"shape {row['op']}", **{**given(row), "input": shape}).value[axis]
    except BadInput:
        got = None
    return "" if got == out else f" size {n} gives {got}, not {out};"


def dims(op: str) -> int:
    return int(op[-2]) if op[-1] == "d" and op[-2].isdigit() else 2


def differs(name: str, got: Any, wanted: Any) -> str:
    if wanted is None or plain(got) == plain(wanted):
        return ""
    return f" {name} is {plain(got)}, not {plain(wanted)};"


def plain(value: Any) -> Any:
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


LONG = ("failures", "unnamed", "by_kind")  # for the JSON, not for the terminal

# -- everything ---------------------------------------------------------------------------


def sources(
    corpora: Path | None, sets: Path | None, submissions: Path | None = None
) -> Iterator[tuple[str, Iterator[Case]]]:
    """(file name, its cases) for every known file there is; last what takes longest."""
    from tests.conformance_gradients import fuzz, gradients, refused
    from tests.conformance_networks import networks
    from tests.conformance_sets import parts

    known = {
        "shapes.jsonl": shapes,
        "networks.json": networks,
        "gradients_bad.jsonl": refused,
        "gradients.jsonl": gradients,
        "gradients_fuzz.jsonl": fuzz,
    }
    if sets:
        for path in sorted(sets.glob("*.yaml")):
            yield path.name, parts(path)
    if submissions:
        from tests.conformance_submissions import recorded

        for path in sorted(submissions.glob("*.yaml")):
            yield f"recorded {path.name}", recorded(path)
    for name, measure in known.items():
        if corpora and (corpora / name).exists():
            yield name, measure(corpora / name)


def reports(corpora: Path | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """(file name, report) of the files of students' answers that there are."""
    from tests.conformance_answers import answers, hostile

    known = {"answers.jsonl": answers, "answers_peer.jsonl": answers, "hostile.jsonl": hostile}
    for name, measure in known.items():
        if corpora and (corpora / name).exists():
            yield name, measure(corpora / name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=Path)
    parser.add_argument("--sets", type=Path)
    parser.add_argument("--submissions", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report: dict[str, Any] = {}
    print(
        f"{'file':20} {'cases':>6} {'right':>6} {'wrong':>6} {'refused':>8} {'median ms':>10} {'p99 ms':>8}"
    )

    def keep(name: str, found: dict[str, Any]) -> None:
        """What there is so far, so that it is there if the rest is cut short."""
        report[name] = found
        if options.json:
            text = json.dumps(report, indent=1, ensure_ascii=False)
            options.json.write_text(text + "\n")

    def tell(name: str, cases: Iterable[Case]) -> None:
        tally = Tally()
        for case in cases:
            tally.add(case)
        keep(name, found := tally.as_json())
        print(
            f"{name:20} {found['cases']:6} {found['right']:6} {found['wrong']:6} "
            f"{found['refused']:8} {found['median_ms']:10} {found['p99_ms']:8}"
        )
        for line in tally.failures[:8]:
            print("   ", line[:200])

    for name, found in reports(options.corpora):
        keep(name, found)
        print(f"{name:20} " + ", ".join(f"{k} {v}" for k, v in found.items() if k not in LONG))
        for line in found["failures"][:8]:
            print("   ", line[:200])
    for name, cases in sources(options.corpora, options.sets, options.submissions):
        tell(name, cases)
    if options.corpora:  # last, as it takes longest
        from tests.conformance_running import zoo

        tell("the zoo, run", zoo())
    if not report:
        print("no known file: give CORPORA=DIR, SETS=DIR or SUBMISSIONS=DIR", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
