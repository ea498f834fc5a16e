"""`make bench`: whole processes, interleaved, medians as ratios to bare Python and to SymPy.

    python -m tests.bench [--runs N] [--json FILE] [--corpora DIR]

With a folder that holds gradients.jsonl, derivation alone is timed beside SymPy's diff.

Exits with 1 if a ratio is above its bound, unless the machine is too noisy to tell: the
bound is held against the median of the ratios of neighbouring runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
PASS = [sys.executable, "-c", "pass"]
SYMPY = [sys.executable, "-c", "import sympy"]

# name, command, what it is held against, the bound
CASES: list[tuple[str, list[str], list[str], float]] = [
    ("shape conv, numbers", ["shape", "conv", "--in", "3x32x32", "--k", "5", "--out-channels", "6"], PASS, 4.0),
    ("shape conv, letters", ["shape", "conv", "--k", "3", "--p", "p", "--s", "s"], SYMPY, 1.4),
    ("count vgg16", ["count", "vgg16"], PASS, 6.0),
    ("count resnet152", ["count", "resnet152"], PASS, 12.0),
    ("count macs resnet50", ["count", "macs", "resnet50"], PASS, 12.0),
    ("field inception-v3", ["field", "inception-v3"], PASS, 12.0),
]
MEGABYTES = 60


def once(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak megabytes of one whole process."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command} ended with {child.returncode}")
    scale = 1 if sys.platform == "darwin" else 1024
    return time.perf_counter() - start, usage.ru_maxrss * scale / 2**20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--corpora", type=Path)
    options = parser.parse_args()
    print(f"{'':22} {'ms':>7} {'ratio':>6} {'bound':>6} {'MB':>6}")
    report: dict[str, dict[str, float]] = {}
    slow = []
    for name, words, base, bound in CASES:
        command = [str(BIN / "pset"), *words]
        once(command), once(base)
        pairs = [(once(command), once(base)) for _ in range(max(7, options.runs))]
        ratio = statistics.median(a[0] / b[0] for a, b in pairs)
        ms = statistics.median(a[0] for a, _ in pairs) * 1000
        megabytes = max(a[1] for a, _ in pairs)
        limit = MEGABYTES if base is PASS else float("inf")
        if ratio > bound or megabytes > limit:
            slow.append(name)
        report[name] = {"ms": ms, "ratio": ratio, "bound": bound, "MB": megabytes}
        print(f"{name:22} {ms:7.1f} {ratio:6.2f} {bound:6.1f} {megabytes:6.1f}")
    if options.corpora and (options.corpora / "gradients.jsonl").exists():
        from tests.bench_gradients import report as gradients

        report["gradients"] = found = gradients(options.corpora / "gradients.jsonl")
        if found["ratio"] > found["bound"]:
            slow.append("gradients")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    for name in slow:
        print(f"above its bound: {name}", file=sys.stderr)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
