"""`pset run NET`: a network on an input, each layer's shape held against the predicted one."""

from __future__ import annotations

import json
import os
import time
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from solver import given as read
from solver.core import BadInput, CheckFailed
from solver.disk import replaced
from solver.networks.dense import Embedding
from solver.networks.layers import Row, show_shape
from solver.networks.net import Net
from solver.numeric.convolution.threads import counted
from solver.numeric.forward import listed, rows_of
from solver.numeric.memory import afford
from solver.numeric.outputs import finite, kind_of, shapes
from solver.numeric.workspace import Array
from solver.question import stdin_for
from solver.registry import unknown
from solver.running.files import loaded, opened, stream, tensors_of
from solver.running.runner import Runner

FORMATS = ("text", "json")
TYPES = ("float32", "float64")


def run(net: str, format: str, dtype: str, top: int, **how: Any) -> int:
    """Run, check, and print."""
    if format not in FORMATS:
        raise unknown("format", format, list(FORMATS))
    if dtype not in TYPES:
        raise unknown("type of number", dtype, list(TYPES))
    if top < 0:
        raise BadInput(f"--top is 0 or more, not {top}")
    if how["seed"] < 0:
        raise BadInput(f"a seed is 0 or more, not {how['seed']}")
    whole = read.net(stdin_for(net), "net")
    found = passed(whole, dtype, **how)
    print(json.dumps(found.plain(top)) if format == "json" else found.text(top))
    return 0


class Found:
    """What a run gave: the leaves with their seconds, the output, and what it took."""

    def __init__(self, net: Net, rows: list[Row], notes: list[str]) -> None:
        self.net, self.rows, self.notes = net, rows, notes
        self.lines: list[tuple[list[str], tuple[int, ...], float]] = []
        self.output: Any = None
        self.built = self.ran = 0.0

    def text(self, top: int) -> str:
        """A table of the layers, and the outputs that say most."""
        first = self.rows[0].inputs[0]
        shown = [
            (together(names), show_shape(shape), f"{1000 * seconds:.2f}")
            for names, shape, seconds in self.lines
        ]
        wide = [max(map(len, column)) for column in zip(*shown)]
        name = "the network" if any(c in self.net.name for c in ":(") else self.net.name
        lines = [f"{name} on {show_shape(first)}: every shape is as predicted", ""]
        lines.append(f"{'layer':{wide[0]}}  {'output':{wide[1]}}  {'ms':>{wide[2]}}")
        lines += [f"{a:{wide[0]}}  {b:{wide[1]}}  {c:>{wide[2]}}" for a, b, c in shown]
        lines += ["", f"{1000 * self.ran:.1f} ms, after {self.built:.2f} s of preparation"]
        lines += self.notes
        return "\n".join([*lines, *self.foremost(top)])

    @property
    def end(self) -> str:
        """Which outputs say most: the largest, but of distances the smallest."""
        last = [row for row in self.rows if not row.beside][-1]
        return "smallest" if last.layer.DISTANCES else "largest"

    def best(self, row: Array, top: int) -> Array:
        """Where the outputs are that say most, counted from 0."""
        return np.argsort(row if self.end == "smallest" else -row, kind="stable")[:top]

    def foremost(self, top: int) -> list[str]:
        """Those of each example's output, where it is a row of numbers."""
        y = self.output
        if not isinstance(y, np.ndarray) or y.ndim != 2 or top < 1:
            return []
        of = " (they are distances)" if self.end == "smallest" else ""
        lines = ["", f"{self.end} outputs{of}, counted from 0:"]
        for i, row in enumerate(y[:10]):
            values = ", ".join(f"{j}: {row[j]:.4g}" for j in self.best(row, top))
            lines.append(f"  {values}" if len(y) == 1 else f"  image {i}: {values}")
        return lines + ([f"  … and {len(y) - 10} images more"] if len(y) > 10 else [])

    def plain(self, top: int) -> dict[str, Any]:
        """The same for programs."""
        y = self.output
        row = isinstance(y, np.ndarray) and y.ndim == 2
        return {
            "network": self.net.name,
            "input": list(self.rows[0].inputs[0]),
            "layers": [
                {"names": names, "shape": list(shape), "seconds": seconds}
                for names, shape, seconds in self.lines
            ],
            "seconds": self.ran,
            "notes": self.notes,
            "output": y.tolist() if row else None,
            self.end: [self.best(r, top).tolist() for r in y] if row else [],
        }


def together(names: list[str]) -> str:
    """conv1, bn1, relu: layers that ran as one."""
    return " + ".join([names[0], *(n.rpartition(".")[2] for n in names[1:])])


def passed(
    net: Net,
    dtype: str,
    input: str | None,
    weights: str | None,
    seed: int,
    batch: int | None,
    exact: bool,
    threads: int | None,
    out: str | None,
) -> Found:
    """The network on the input; raises where a shape or a value is not as it must be."""
    notes = []
    kind = np.dtype(dtype)
    if input is not None:
        if batch is not None:
            raise BadInput("--batch is for an input that is drawn: a file has its own")
        x = array_of(input, kind)
        x = fitting(x[None] if x.ndim == len(net.input) else x, net, input)
        if out is not None and Path(out).exists() and Path(out).samefile(input):
            raise BadInput(f"--out {out} is the input: give another name")
    else:
        x = drawn(net, 1 if batch is None else batch, seed, kind)
        notes.append(f"the input is drawn: normal values, seed {seed}")
    if weights is None:
        notes.append(f"the weights are drawn, seed {seed}: the output says nothing")
    rows = rows_of(net.layer, x.shape)
    for row in rows:
        if isinstance(row.layer, Embedding):
            raise BadInput(
                f"{row.name} looks up indices: networks that begin with whole numbers "
                "are run in Python (solver.numeric.forward)"
            )
    affordable(rows, kind.itemsize)
    count = counted(threads) if threads is not None else len(processors())
    found = Found(net, rows, notes)
    start = time.perf_counter()
    with np.errstate(all="ignore"), tensors_of(weights) as tensors:
        runner = Runner(
            net.layer, x.shape, tensors, seed=seed, dtype=kind, exact=exact, threads=count
        )
    found.built = time.perf_counter() - start
    predicted = {row.name: row.out for row in rows}
    clock = [time.perf_counter()]

    def tell(names: list[str], y: Any) -> None:
        now = time.perf_counter()
        checked(names, y, predicted)
        shape = y.shape if isinstance(y, np.ndarray) else np.shape(y[0])
        found.lines.append((names, shape, now - clock[0]))
        clock[0] = time.perf_counter()

    with np.errstate(all="ignore"):  # what is no number is named, layer by layer
        found.output = runner(x, tell)
    found.ran = sum(seconds for _, _, seconds in found.lines)
    if out is not None:
        written(out, found.output)
    return found


def processors() -> set[int]:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def checked(names: list[str], y: Any, predicted: dict[str, Any]) -> None:
    """A layer's output is of the predicted shape, and numbers."""
    for name in names:
        if shapes(y) != tuple(predicted[name]):
            raise CheckFailed(
                f"{name} gave {show_shape(shapes(y))}, and "
                f"{show_shape(predicted[name])} was predicted"
            )
    for part in y if isinstance(y, tuple) else (y,):
        if isinstance(part, tuple) or finite(part):
            continue
        raise BadInput(
            f"{kind_of(part)} first appears in the output of {together(names)}: look at "
            "its weights, and at the size of the numbers that go in"
        )


# -- files ---------------------------------------------------------------------------


def drawn(net: Net, batch: int, seed: int, kind: Any) -> Array:
    """Normal values of the network's own input shape."""
    if batch < 1:
        raise BadInput(f"the batch is 1 or more, not {batch}")
    if not all(isinstance(n, int) for n in net.input):
        raise BadInput(
            f"the input {show_shape(net.input)} has letters: give an array with --input"
        )
    shape = (batch, *(int(str(n)) for n in net.input))
    what = f"an input of {show_shape(shape)} takes"
    afford(8 * prod(shape), what, "take a smaller batch")
    return np.random.default_rng(seed).standard_normal(shape).astype(kind)


def fitting(x: Array, net: Net, path: str) -> Array:
    """An input for this network: its channels, or (without sides) its features."""
    own = net.input
    if x.ndim != len(own) + 1:
        raise BadInput(
            f"{path} is {show_shape(x.shape)}, and {net.name} takes {show_shape(own)}, "
            "or a batch of them"
        )
    if not x.size:
        raise BadInput(f"{path} is {show_shape(x.shape)}: there is nothing in it")
    first = own[0]
    if isinstance(first, int) and x.shape[1] != first:
        raise BadInput(
            f"{path} has {x.shape[1]} along its first axis, and {net.name} takes "
            f"{show_shape(own)}"
        )
    return x


def array_of(path: str, kind: Any) -> Array:
    """The array in a file, as numbers of this type; pickles are never read."""
    with stream(path) as file:
        found = loaded(path, file)
        if not isinstance(found, np.ndarray):
            names = found.files
            if len(names) != 1:
                raise BadInput(
                    f"{path} holds {len(names)} arrays, and the input is one: "
                    f"{', '.join(names[:4]) or 'none'}"
                )
            found = opened(path, lambda: found[names[0]])
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiub":
        what = found.dtype if isinstance(found, np.ndarray) else type(found).__name__
        raise BadInput(f"{path} holds {what}: numbers are wanted")
    if found.dtype.kind == "f" and not finite(found):
        raise BadInput(f"{path} holds {kind_of(found)}: the input must be numbers")
    with np.errstate(over="ignore"):
        x = found.astype(kind)
    if not finite(x):
        raise BadInput(f"{path} holds numbers too large for {kind}: try --dtype float64")
    return x


def written(path: str, y: Any) -> None:
    """The output as .npy."""
    if not isinstance(y, np.ndarray):
        raise BadInput("the network has several outputs: they cannot be written as one array")
    with replaced(Path(path)) as place, place.open("wb") as file:
        np.save(file, y, allow_pickle=False)


def affordable(rows: list[Row], itemsize: int) -> None:
    """Refuse what does not fit into memory, with the estimate."""
    weights = sum(prod(map(int, t.shape)) for t in listed(rows))
    values = [prod(map(int, row.out)) for row in rows if all_numbers(row.out)]
    most = sum(sorted(values)[-2:])
    needed = itemsize * (int(1.5 * weights) + most)
    afford(needed, "the network would take about", "take a smaller batch or image")


def all_numbers(shape: Any) -> bool:
    """Whether a shape is of one tensor, in numbers."""
    return all(isinstance(n, int) for n in shape)
