"""Whole networks forward, each in processes of its own: times and peak memory.

    python -m tests.bench_convolution_networks ours|torch|error NETWORK BATCH THREADS CALLS

prints one line of JSON. Ours is prepared by `Runner`; PyTorch's is the same tree of layers,
each called as torch.nn.functional has it, in place where torchvision does so.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from solver.networks import combine, conv, dense, norm, pointwise, pool, reshape
from solver.networks.combine import join
from solver.networks.net import network
from solver.numeric.forward import random_weights, tensors

STATUS = Path("/proc/self/status")
WHOLE = (("vgg16", 1), ("vgg16", 8), ("resnet18", 1))


# -- the parent ----------------------------------------------------------------------


def whole(
    name: str, batch: int, threads: int, calls: int, turns: int, torch: bool
) -> Any:
    """Both sides in turns of fresh processes: medians of the calls, the largest peaks."""
    sides = ("torch", "ours") if torch else ("ours",)
    found: dict[str, list[Any]] = {side: [] for side in sides}
    for _ in range(turns):
        for side in sides:
            found[side].append(child(side, name, batch, threads, calls))
    report: dict[str, Any] = {"network": name, "batch": batch}
    for side, runs in found.items():
        lacking = next((run["lacking"] for run in runs if "lacking" in run), None)
        if lacking:
            report[side] = {"lacking": lacking}
            continue
        ms = statistics.median(t for run in runs for t in run["ms"])
        peaks = {key: max(run[key] for run in runs) for key in ("peak", "start")}
        report[side] = {"ms": ms, **peaks}
    if all("ms" in report[side] for side in sides) and torch:
        report["ratio"] = report["ours"]["ms"] / report["torch"]["ms"]
        if batch == 1:
            report["error"] = child("error", name, 1, threads, 1)["error"]
    return report


def child(side: str, name: str, batch: int, threads: int, calls: int) -> Any:
    """What a process of its own says."""
    words = [side, name, *map(str, (batch, threads, calls))]
    command = [sys.executable, "-m", "tests.bench_convolution_networks", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(
            f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr}"
        )
    return json.loads(done.stdout.splitlines()[-1])


# -- the children --------------------------------------------------------------------


def prepared(
    net: Any, shape: Any, threads: int, weights: Any = None
) -> Callable[[Any], Any]:
    """Our network, ready to run."""
    from solver.running.runner import Runner

    return Runner(net.layer, shape, weights, threads=threads)


def drawn(
    net: Any, shape: Any, weights: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """PyTorch's tensors: those that are given, else random and no larger on the way."""
    import torch

    if weights is not None:
        return {name: torch.from_numpy(w) for name, w in weights.items()}
    torch.manual_seed(0)
    found = {}
    for name, sizes in tensors(net.layer, shape).items():
        t = torch.empty(sizes)
        if name.endswith("variance"):
            t.uniform_(0.5, 1.5)
        else:
            t.normal_(0, max(t[0].numel(), 1) ** -0.5)
        found[name] = t
    return found


def flow(layer: Any, path: str, w: Mapping[str, Any], x: Any) -> Any:
    """PyTorch's pass through a tree of layers."""
    if isinstance(layer, combine.Sequential):
        for name, one in layer.layers:
            x = flow(one, join(path, name), w, x)
        return x
    if isinstance(layer, combine.Branches):
        ends = [flow(one, join(path, name), w, x) for name, one in layer.branches]
        if not isinstance(layer.merge, combine.Add):
            raise TypeError(f"{type(layer.merge).__name__} merges no branches here")
        return sum(ends[1:], ends[0])
    return leaf(layer, lambda name: w.get(join(path, name)), x)


def leaf(layer: Any, own: Callable[[str], Any], x: Any) -> Any:
    """PyTorch's call of one layer."""
    import torch.nn.functional as F

    if isinstance(layer, conv.Conv):
        how = layer.stride, layer.padding, layer.dilation, layer.groups
        return F.conv2d(x, own("weight"), own("bias"), *how)
    if isinstance(layer, norm.BatchNorm):
        return F.batch_norm(x, own("mean"), own("variance"), own("gamma"), own("beta"))
    if isinstance(layer, dense.Linear):
        return F.linear(x, own("weight"), own("bias"))
    if isinstance(layer, pointwise.Activation) and layer.function == "relu":
        return F.relu(x, inplace=True)
    if isinstance(layer, pointwise.Activation) and layer.function == "softmax":
        return F.softmax(x, -1)
    if isinstance(layer, pool.Pool) and layer.mode == "max":
        return F.max_pool2d(x, layer.kernel, layer.stride, layer.padding)
    if isinstance(layer, pool.AdaptivePool) and layer.mode == "avg":
        return F.adaptive_avg_pool2d(x, layer.output)
    if isinstance(layer, reshape.Flatten):
        return x.flatten(1)
    if isinstance(layer, pointwise.Dropout):
        return x
    raise TypeError(f"there is no call of PyTorch's for {type(layer).__name__} here")


def timed(
    side: str, net: Any, x: np.ndarray, threads: int, calls: int
) -> dict[str, Any]:
    """Milliseconds of each call but the first, and megabytes at the start and at most."""
    if side == "torch":
        import torch

        torch.set_num_threads(threads)
        start = megabytes()
        run, given = (
            partial(flow, net.layer, "", drawn(net, x.shape)),
            torch.from_numpy(x),
        )
        with torch.no_grad():
            ms = clocked(lambda: run(given), calls)
    else:
        try:
            import solver.running.runner  # noqa: F401 (so that the start is after imports)
        except ImportError:
            return {"lacking": "solver.running.runner is not there"}
        start = megabytes()
        run = prepared(net, x.shape, threads)
        ms = clocked(lambda: run(x), calls)
    return {"ms": ms, "start": start, "peak": megabytes()}


def clocked(run: Callable[[], Any], calls: int) -> list[float]:
    """Milliseconds of each of so many calls, the first thrown away."""
    run()
    found = []
    for _ in range(calls):
        begun = time.perf_counter()
        run()
        found.append(1e3 * (time.perf_counter() - begun))
    return found


def megabytes() -> float:
    """The most that this program has held.

    Linux counts the process before exec into ru_maxrss: that would be the whole bench.
    """
    if STATUS.exists():
        (line,) = (
            one for one in STATUS.read_text().splitlines() if one.startswith("VmHWM")
        )
        return int(line.split()[1]) / 2**10
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 2**20


def error(net: Any, x: np.ndarray, threads: int) -> float:
    """Our output against PyTorch's in float64, on the same weights."""
    import torch

    weights = random_weights(net.layer, x.shape)
    singles = {name: w.astype(np.float32) for name, w in weights.items()}
    weights = {name: w.astype(np.float64) for name, w in singles.items()}
    found = np.asarray(prepared(net, x.shape, threads, singles)(x), np.float64)
    with torch.no_grad():
        given = torch.from_numpy(x.astype(np.float64))
        true = flow(net.layer, "", drawn(net, x.shape, weights), given).numpy()
    return float(np.abs(found - true).max() / np.abs(true).max())


def main() -> None:
    """One side, once."""
    side, name, *numbers = sys.argv[1:]
    batch, threads, calls = map(int, numbers)
    net = network[name]()
    x = np.random.default_rng(1).standard_normal((batch, *net.input), np.float32)
    if side == "error":
        print(json.dumps({"error": error(net, x, threads)}))
    else:
        print(json.dumps(timed(side, net, x, threads, calls)))


if __name__ == "__main__":
    main()
