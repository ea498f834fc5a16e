"""`pset train`: what it does, writes, and says on the terminal."""

from __future__ import annotations

import csv
import io
import json
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from math import sqrt
from pathlib import Path
from typing import Any, TextIO

from solver import given as read
from solver.core import BadInput
from solver.disk import alone, write
from solver.networks.layers import show_shape
from solver.question import stdin_for
from solver.telling import clock, rewrite, say
from solver.training import checkpoints
from solver.training.curves import curves, percent
from solver.training.data import Data, split
from solver.training.fitting import (
    Epoch,
    Plan,
    Run,
    Task,
    begin,
    evaluated,
    go_on,
    prepared,
)
from solver.training.readers import named
from solver.training.schedules import read_schedule
from solver.training.stopping import read_stop

INTERRUPTED = 130
TEST = 0.2  # of a set that has no test part of its own
PARTS_SEED = 0  # the parts are the same whatever the seed, so that runs can be compared
WIDTH = 80
EVERY = 30.0  # seconds between two checkpoints within an epoch
CONSTANTS = ("mu", "beta", "beta1", "beta2", "epsilon")


def train(
    net: str,
    data: str,
    out: str,
    resume: bool,
    validation: float,
    schedule: str,
    warmup: int,
    stop: str,
    init: str,
    **given: Any,
) -> int:
    """Train, write what was asked for, and say how well it went.

    The exit code: 0, or 130 if a person interrupted it.
    """
    constants = {k: v for k in CONSTANTS if (v := given.pop(k)) is not None}
    plan = Plan(
        schedule=read_schedule(schedule, warmup),
        stop=read_stop(stop) if stop else None,
        initial=init,
        constants=constants,
        **given,
    )
    if resume:
        resumable(out)
    learnt, held, test = parts(data, validation)
    task = prepared(read.net(stdin_for(net), "net"), learnt, held, plan)
    if not len(test) or test.shape != learnt.shape:
        raise BadInput(
            f"{test.name}: the test part is {len(test)} images of "
            f"{show_shape(test.shape)}, and those to train on are "
            f"{show_shape(learnt.shape)}"
        )
    with folder_of(out) as folder:
        run = started(task, folder, resume)
        for words in dict.fromkeys(filter(None, (learnt.note, test.note))):
            say(textwrap.fill(f"note: {words}", WIDTH, subsequent_indent="  "))
        try:
            with progress(task, run, sys.stderr) as tell:
                go_on(task, run, keeping(task, folder, tell))
        except KeyboardInterrupt:
            say(interrupted(run, folder))
            return INTERRUPTED
        result = judged(task, run, test)
        print(told(task, run, result))
        if folder is not None:
            for path in written(folder, task, run, net, result):
                print(path)
    return 0


def parts(data: str, validation: float) -> tuple[Data, Data, Data]:
    """(to train on, to validate on, to judge by)."""
    whole, test = named(data)
    if test is None:
        whole, test = split(whole, TEST, PARTS_SEED)
    learnt, held = split(whole, validation, PARTS_SEED)
    return learnt, held, test


def resumable(out: str) -> None:
    """Refuse to go on where there is nothing: no folder is made for it."""
    if not out:
        raise BadInput("to resume, say where the checkpoint is: --out DIR")
    if not (Path(out) / "checkpoint.npz").exists():
        raise BadInput(
            "there is no checkpoint to resume: leave --resume out to train anew"
        ).at(out)


def started(task: Task, folder: Path | None, resume: bool) -> Run:
    """A new run, or the one that the folder's checkpoint holds."""
    if folder is None:
        return begin(task)
    place = folder / "checkpoint.npz"
    if resume:
        return checkpoints.load(place, task)
    if place.exists():
        raise BadInput(
            "the folder holds a training already: add --resume to go on with it, or take "
            "another folder"
        ).at(str(folder))
    return begin(task)


def interrupted(run: Run, folder: Path | None) -> str:
    """What a person who pressed Ctrl-C has, and how it goes on."""
    if folder is None or not (folder / "checkpoint.npz").exists():
        return f"interrupted after {run.epoch} epochs: nothing is kept"
    return (
        f"interrupted in epoch {run.epoch + 1}: the same command with --resume goes on"
    )


# -- the result ----------------------------------------------------------------------


def judged(task: Task, run: Run, test: Data) -> dict[str, Any]:
    """The best weights on the images that were held out all along."""
    loss, accuracy = evaluated(task, run.best, test)
    n = len(test)
    low, high = interval(round(accuracy * n), n)
    return {
        "images": n, "right": round(accuracy * n), "loss": loss, "accuracy": accuracy,
        "low": low, "high": high,
    }  # fmt: skip


def interval(right: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (1927): right of n."""
    p = right / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if right == 0 else middle - half
    return low, 1.0 if right == n else middle + half


def told(task: Task, run: Run, result: dict[str, Any]) -> str:
    """The result in a few lines."""
    seconds = sum(e.seconds for e in run.history)
    epochs = "1 epoch" if run.epoch == 1 else f"{run.epoch} epochs"
    lines = [
        f"test accuracy {percent(result['accuracy'])}  (95 % interval "
        f"{percent(result['low'])} to {percent(result['high'])})",
        f"right are {result['right']:,} of {result['images']:,} images of "
        f"{task.train.name} held out",
        f"{task.parameters:,} parameters; {epochs} of {len(task.train):,} images "
        f"in {seconds:.3g} s",
        f"the weights are those of epoch {run.best_epoch}",
    ]
    if task.heads:
        lines.insert(3, f"{task.heads:,} more, of side heads, stay as they began")
    return "\n".join([*lines, run.stopped] if run.stopped else lines)


# -- the folder ----------------------------------------------------------------------


@contextmanager
def folder_of(out: str) -> Iterator[Path | None]:
    """The folder, made, and for us alone; errors of the disk are said in a line."""
    try:
        if not out:
            yield None
            return
        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder, "training.lock"):
            yield folder
    except OSError as e:
        if isinstance(e, BrokenPipeError) or e.filename is None:
            raise
        raise BadInput(f"{e.strerror}").at(str(e.filename)) from None


def written(
    folder: Path, task: Task, run: Run, net: str, result: dict[str, Any]
) -> list[Path]:
    """Weights, history and curves, each replaced whole."""
    weights, curve = folder / "weights.npz", folder / "curves.svg"
    history, table = folder / "history.json", folder / "history.csv"
    checkpoints.write_arrays(weights, run.best)
    name = f"{net if len(net) <= 60 else 'a network'} on {task.train.name}"
    write(curve, curves(run.history, name, run.best_epoch).encode(), durable=True)
    about = {
        "network": net,
        "data": {"name": task.train.name, "source": task.train.source},
        "parameters": task.parameters,
        "settings": checkpoints.settings(task),
        "scale": {"name": task.plan.scale, **task.scale.plain()},  # (x − shift)/by
        "best_epoch": run.best_epoch,
        "stopped": run.stopped,
        "test": result,
        "epochs": [asdict(e) for e in run.history],
    }
    text = json.dumps(about, indent=1, ensure_ascii=False)
    write(history, f"{text}\n".encode(), durable=True)
    write(table, as_csv(run).encode(), durable=True)
    return [weights, history, table, curve]


def as_csv(run: Run) -> str:
    """The history, a row an epoch."""
    names = [f.name for f in fields(Epoch)]
    out = io.StringIO()
    rows = csv.DictWriter(out, names, lineterminator="\n")
    rows.writeheader()
    rows.writerows(asdict(e) for e in run.history)
    return out.getvalue()


def keeping(task: Task, folder: Path | None, tell: Any) -> Any:
    """Tell of each step, and keep a checkpoint of each epoch and each half minute."""
    last = time.monotonic()

    def after(task: Task, run: Run) -> None:
        nonlocal last
        now = time.monotonic()
        if folder is not None and (run.at == 0 or now - last > EVERY):
            checkpoints.save(folder / "checkpoint.npz", task, run)
            last = now
        tell(task, run)

    return after


# -- progress ------------------------------------------------------------------------


@contextmanager
def progress(task: Task, run: Run, stream: TextIO) -> Iterator[Any]:
    """A function to tell of each step: one line rewritten on a terminal, and elsewhere a
    line at the end of each epoch."""
    live = stream.isatty()
    begun, before, last = time.monotonic(), run.step, 0.0
    whole = task.plan.epochs * task.batches

    def tell(task: Task, run: Run) -> None:
        nonlocal last
        now = time.monotonic()
        a_step = (now - begun) / max(run.step - before, 1)
        left = clock((whole - run.step) * a_step)
        said = fitting(line(task, run), f"  {left} left")
        if live and (now - last > 0.1 or run.at == 0):
            last = now
            rewrite(stream, said)
        elif not live and run.at == 0:
            print(said, file=stream, flush=True)

    try:
        yield tell
    finally:
        if live:
            rewrite(stream)


def fitting(text: str, more: str) -> str:
    """With what is added, where a line of a terminal holds both."""
    return text + more if len(text + more) <= WIDTH else text


def line(task: Task, run: Run) -> str:
    """epoch 3/20  loss 0.213  accuracy 93.1 %  validation 0.250, 92.0 %"""
    if run.at:
        seen = run.at * task.plan.batch
        place = f"epoch {run.epoch + 1}/{task.plan.epochs}  {run.at}/{task.batches}"
        accuracy = percent(run.sums[1] / seen)
        return f"{place}  loss {short(run.sums[0] / seen)}  accuracy {accuracy}"
    e = run.history[-1]
    text = f"epoch {e.epoch}/{task.plan.epochs}  loss {short(e.loss)}"
    text += f"  accuracy {percent(e.accuracy)}"
    if e.validation_loss is not None and e.validation_accuracy is not None:
        text += f"  validation {short(e.validation_loss)}, {percent(e.validation_accuracy)}"
    return text


def short(loss: float) -> str:
    """0.063, 12.346; 1.23e+04 or 6.3e-05 where that would be long or say nothing."""
    return f"{loss:.3f}" if 5e-4 <= loss < 1000 or loss == 0 else f"{loss:.3g}"
