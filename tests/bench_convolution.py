"""`make bench-conv`: our convolutions beside PyTorch's, layer by layer and as networks.

    python -m tests.bench_convolution [--json FILE] [--threads 1,2] [--only TEXT] [--quick]

Medians of blocks that take turns, as many threads on both sides, NumPy's BLAS as it was
installed: settings of it in the environment are taken out first. Without PyTorch our own
times alone are printed. Ratios are ours to PyTorch's: below 1 ours is faster. Exits with 0
whatever is met: on a busy machine a ratio says little.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from tests import bench_layers
from tests.bench_blocks import Pace, blocks
from tests.bench_convolution_calls import WAYS, Measured, measure, reference_name, torch
from tests.bench_convolution_goals import Goal, geometric, goals
from tests.bench_convolution_layers import GROUPS, Group, cases
from tests.bench_convolution_networks import WHOLE, whole

SETTINGS = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
)
TAKEN = "PSET_BENCH_TAKEN_OUT"  # what the process before this one took out
INSTALL = f"{sys.executable} -m pip install '.[torch]'"
QUICK = Pace(blocks=2, seconds=0.01, most=10)
Found = dict[Group, list[Measured]]


# -- the machine ---------------------------------------------------------------------


def without_settings() -> str:
    """Begin again without what sets BLAS or threads; what was taken out, as it was set.

    They are read when NumPy is loaded: the new process has loaded nothing yet, and takes
    over from this one.
    """
    given = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    if given:
        said = " ".join(f"{name}={value}" for name, value in given.items())
        clean = {name: value for name, value in os.environ.items() if name not in given}
        words = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, words, clean | {TAKEN: said})
    return os.environ.pop(TAKEN, "")


def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [
        line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
    ]
    return names[0] if names else platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    found: dict[str, Any] = {"processor": processor(), "processors": os.cpu_count()}
    found |= {"python": platform.python_version(), "numpy": np.__version__}
    keys = ("internal_api", "version", "architecture", "threading_layer")
    blas = [one for one in threadpool_info() if one["user_api"] == "blas"]
    found["blas"] = [{key: one.get(key) for key in keys} for one in blas]
    found["torch"] = None
    if torch is not None:
        kernels = torch.backends.cpu.get_cpu_capability()
        found["torch"] = {"version": torch.__version__, "kernels": kernels}
    return found


def introduce(where: dict[str, Any], taken: str) -> None:
    """The machine, and how it is measured."""
    print(
        f"{where['processor']}, {where['processors']} processors; Python {where['python']}"
    )
    for one in where["blas"]:
        print(f"NumPy {where['numpy']}: {one['internal_api']} {one['version']}, "
              f"{one['architecture']} kernels, {one['threading_layer']}")  # fmt: skip
    if taken:
        print(f"taken out of the environment: {taken}")
    if where["torch"]:
        print(
            f"PyTorch {where['torch']['version']}, {where['torch']['kernels']} kernels"
        )
    else:
        print(f"PyTorch is not there ({INSTALL}): our own times, without ratios")
    print(f"errors: largest difference / largest value of {reference_name()}")
    print("ours writes forward into an array it is given, PyTorch into a new one")


# -- layers --------------------------------------------------------------------------


def number(value: float | None, width: int, places: int = 2) -> str:
    """A number in its column; a dash where there is none."""
    return f"{'-':>{width}}" if value is None else f"{value:{width}.{places}f}"


def headed(group: Group, threads: int) -> None:
    """The heads of a table."""
    ways = "".join(f"|{way:^18}" for way in WAYS[1:])
    print(f"\n{group.title + f', {threads} thr.':30}|{'forward':^24}{ways}|")
    way = f"|{'ms':>7}{'GF/s':>5}{'ratio':>6}"
    print(f"{'':21}{'rule':9}{way}{'exact':>6}" + way * 2 + f"|{'error':>6}")


def line(one: Measured) -> str:
    """A convolution's line."""
    text = f"{one.case.label:21}{one.rule:9}"
    for name, way in one.ways.items():
        text += f"|{number(way.ms, 7, 3 if way.ms < 100 else 1)}"
        text += f"{one.gflops(name):5.0f}{number(way.ratio, 6)}"
        if name == "forward":
            text += number(way.exact_ratio, 6)
    return text + f"|{max(way.error for way in one.ways.values()):6.0e}"


def means(all_of: list[Measured]) -> str:
    """The geometric means of a table's ratios."""
    text = f"{'geometric mean':30}"
    for name in WAYS:
        ratio = geometric([one.ways[name].ratio for one in all_of])
        text += f"|{'':12}{number(ratio, 6)}"
        if name == "forward":
            text += number(geometric([one.ways[name].exact_ratio for one in all_of]), 6)
    return text + "|"


def layers(threads: int, pace: Pace, only: str, references: dict[Any, Any]) -> Found:
    """Every table, printed as it is measured."""
    found: Found = {}
    for group in GROUPS:
        chosen = [
            c for c in cases(group) if only in f"{group.title} {c.network} {c.label}"
        ]
        if not chosen:
            continue
        headed(group, threads)
        found[group] = []
        for case in chosen:
            found[group].append(measure(case, threads, pace, references))
            print(line(found[group][-1]), flush=True)
        if len(chosen) > 1:
            print(means(found[group]))
    return found


# -- pooling, norms, networks --------------------------------------------------------


def others(threads: int, pace: Pace, only: str) -> list[dict[str, Any]]:
    """Pooling and batch norm; "last" has its channels last in memory, on both sides."""
    found: list[dict[str, Any]] = []
    for label, ours, theirs in bench_layers.pooling_and_norms():
        if only not in f"pooling and batch norm {label}":
            continue
        if not found:
            print(
                f"\n{f'pooling and batch norm, {threads} thr.':44}{'ms':>9}{'ratio':>7}"
            )
        sides = {"ours": ours} if theirs is None else {"torch": theirs, "ours": ours}
        ms = {name: 1e3 * seconds for name, seconds in blocks(sides, pace).items()}
        ratio = ms["ours"] / ms["torch"] if theirs is not None else None
        found.append({"layer": label.strip(), "ms": ms, "ratio": ratio})
        print(f"{label:44}{ms['ours']:9.4f}{number(ratio, 7)}", flush=True)
    return found


def networks(threads: int, quick: bool, only: str) -> list[dict[str, Any]]:
    """Whole networks; megabytes are the process's peak, and how much of it came after imports."""
    found: list[dict[str, Any]] = []
    for name, batch in WHOLE:
        title = f"{name} batch {batch}"
        if only not in f"whole {title}":
            continue
        if not found:
            print(
                f"\n{f'whole networks, {threads} thr.':30}{'ms':>9}{'peak MB':>9}{'more':>7}"
            )
        calls, turns = 2 if quick or batch > 1 else 7, 1 if quick else 2
        report = whole(name, batch, threads, calls, turns, torch is not None)
        found.append(report)
        for side in ("torch", "ours"):
            show_whole(f"{title}, {side}", report.get(side))
        if "ratio" in report:
            said = f", error {report['error']:.0e}" if "error" in report else ""
            print(f"{'':30}{report['ratio']:9.2f}  of PyTorch's time{said}", flush=True)
    return found


def show_whole(title: str, side: dict[str, Any] | None) -> None:
    """A side's line."""
    if side is None:
        return
    if "lacking" in side:
        print(f"{title:30}  {side['lacking']}")
        return
    print(
        f"{title:30}{side['ms']:9.1f}{side['peak']:9.0f}{side['peak'] - side['start']:7.0f}"
    )


# -- together ------------------------------------------------------------------------


def summary(all_goals: list[Goal], threads: int) -> None:
    """Each number beside its goal."""
    kernels = ", ".join(
        f"{o['internal_api']} {o['architecture']}" for o in machine()["blas"]
    )
    print(
        f"\n{f'ratios to PyTorch, {threads} thr., {kernels}':56}{'found':>8}{'goal':>10}"
    )
    for goal in all_goals:
        print(goal.line())


def run(threads: int, options: argparse.Namespace, references: dict[Any, Any]) -> Any:
    """Everything with this many threads, for JSON."""
    pace = QUICK if options.quick else Pace()
    if threads == 1:
        pace = Pace(**{**vars(pace), "pause": 0})  # there are no idle threads
    if torch is not None:
        torch.set_num_threads(threads)
    quiet = torch.no_grad() if torch is not None else nullcontext()
    with threadpool_limits(threads, user_api="blas"):
        with quiet:
            found = layers(threads, pace, options.only, references)
        small = others(threads, pace, options.only)
    big = networks(threads, options.quick, options.only)
    reached = goals(found, big, threads)
    summary(reached, threads)
    tables = {
        group.title: [one.plain() for one in each] for group, each in found.items()
    }
    goals_plain = [asdict(goal) | {"met": goal.met} for goal in reached]
    return {"layers": tables, "others": small, "networks": big, "goals": goals_plain}


def main() -> int:
    """Print the tables and write the JSON."""
    taken = without_settings()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--threads", default="1,2", help="numbers of threads, 1,2 without"
    )
    parser.add_argument(
        "--only", default="", help="what holds this text: 'VGG', 'k7', 'pool'"
    )
    parser.add_argument("--quick", action="store_true", help="shorter, and noisier")
    options = parser.parse_args()
    where = machine()
    introduce(where, taken)
    references: dict[Any, Any] = {}
    report = {"machine": where, "taken out": taken, "threads": {}}
    for threads in map(int, options.threads.split(",")):
        report["threads"][threads] = run(threads, options, references)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
