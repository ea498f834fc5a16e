"""A run on disk, to go on with the same numbers: one .npz, replaced whole or not at all.

It holds arrays and one JSON text, never pickled objects. It is on the disk before it is put
in its place, so that a kill leaves the old one or the new one.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.disk import write
from solver.numeric.plain import Array
from solver.training.fitting import Epoch, Run, Task, begin
from solver.training.schedules import Cosine

VERSION = 1
LONG = 60  # characters of a setting in an error


def save(path: Path, task: Task, run: Run) -> None:
    """Write the run's state."""
    arrays = {f"weights/{name}": w for name, w in run.weights.items()}
    arrays |= {f"best/{name}": w for name, w in run.best.items()}
    for name, state in run.states.items():
        arrays |= {f"state/{letter}/{name}": a for letter, a in state.items()}
    about = {
        "version": VERSION,
        "settings": settings(task),
        "scale": task.scale.plain(),
        "random": run.random,
        "history": [asdict(e) for e in run.history],
        "best_epoch": run.best_epoch,
        "step": run.step,
        "at": run.at,
        "sums": run.sums,
        "stopped": run.stopped,
    }
    text = json.dumps(about).encode()
    arrays["about"] = np.frombuffer(text, np.uint8)
    write_arrays(path, arrays)


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """An .npz, put in its place only when all of it is on the disk."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write(path, buffer.getvalue(), durable=True)


def settings(task: Task) -> dict[str, Any]:
    """All that the numbers depend on, in words, by what it is."""
    plan = {k: v for k, v in vars(task.plan).items() if k != "epochs"}
    found = {k: str(dict(v) if isinstance(v, Mapping) else v) for k, v in plan.items()}
    found["alpha"] = str(task.plan.rate)
    if isinstance(task.plan.schedule.shape, Cosine):  # it ends with the last epoch
        found["epochs"] = str(task.plan.epochs)
    found["network"] = "; ".join(
        f"{row.name} {row.layer!r} {row.inputs} -> {row.out}" for row in task.rows
    )
    for what, data in (("data", task.train), ("validation", task.validation)):
        found[what] = "none" if data is None else f"{data.name} {fingerprint(data)}"
    return found


@lru_cache(maxsize=4)
def fingerprint(data: Any) -> str:
    """The images and labels, in their order, as a short hash."""
    found = hashlib.sha256(repr((data.images.shape, data.images.dtype.str)).encode())
    found.update(np.ascontiguousarray(data.images).data)
    found.update(np.ascontiguousarray(data.labels).data)
    return found.hexdigest()[:16]


# -- reading -------------------------------------------------------------------------


def load(path: Path, task: Task) -> Run:
    """The run as it was saved; refused if it is damaged, or of another training."""
    try:
        about, arrays = read(path)
        same(about["settings"], settings(task))
        return restored(about, arrays, task)
    except BadInput as e:
        raise e.at(str(path)) from None
    except FileNotFoundError:
        raise BadInput("there is no checkpoint to resume").at(str(path)) from None
    except (
        OSError, ValueError, KeyError, TypeError, AttributeError, EOFError,
        zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, MemoryError,
    ) as e:  # fmt: skip
        raise BadInput(
            f"the checkpoint is damaged ({type(e).__name__}): {short(str(e))}; "
            "train anew in another folder"
        ).at(str(path)) from None


def read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """(what is said in JSON, the arrays); every byte is checked against its CRC."""
    raw = path.read_bytes()
    if raw[:2] != b"PK":
        raise ValueError("it is no .npz file")
    with np.load(io.BytesIO(raw), allow_pickle=False) as held:
        arrays = {name: held[name] for name in held.files}
    about = json.loads(arrays.pop("about").tobytes())
    if about["version"] != VERSION:
        raise BadInput(
            f"the checkpoint has format {about['version']}, this pset reads {VERSION}"
        )
    return about, arrays


def same(kept: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Refuse other settings, each named with what it was."""
    other = [k for k in {**wanted, **kept} if kept.get(k) != wanted.get(k)]
    if other:
        said = "; ".join(
            f"{k} was {short(kept.get(k, 'not set'))}, is {short(wanted.get(k, 'not set'))}"
            if k not in ("network", "data", "validation")
            else f"another {k}"
            for k in other
        )
        raise BadInput(
            f"the checkpoint is of other settings: {said}; resume with its own"
        )


def short(text: str) -> str:
    return text if len(text) <= LONG else text[: LONG - 1] + "…"


def restored(about: dict[str, Any], arrays: dict[str, Array], task: Task) -> Run:
    """The run from its parts, each array of the type and shape that the network has."""
    run = begin(task)

    def taken(name: str, like: Array) -> Array:
        if name not in arrays:
            raise ValueError(f"{name} is missing")
        found = arrays[name]
        if found.shape != like.shape or found.dtype != like.dtype:
            raise ValueError(f"{name} has another shape or type")
        return found

    run.weights = {n: taken(f"weights/{n}", w) for n, w in run.weights.items()}
    run.best = {n: taken(f"best/{n}", w) for n, w in run.best.items()}
    run.states = {
        n: {letter: taken(f"state/{letter}/{n}", a) for letter, a in state.items()}
        for n, state in run.states.items()
    }
    run.random, run.history = about["random"], [Epoch(**e) for e in about["history"]]
    np.random.default_rng().bit_generator.state = run.random  # raises if it is none
    run.best_epoch, run.step = int(about["best_epoch"]), int(about["step"])
    run.at, run.sums = int(about["at"]), [float(x) for x in about["sums"]]
    run.stopped = str(about["stopped"])
    if not (0 <= run.at < task.batches and len(run.sums) == 3):
        raise ValueError("its place in the epoch is outside of it")
    return run
