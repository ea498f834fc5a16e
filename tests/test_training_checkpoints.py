"""A training goes on to the same bits after a kill; other or damaged checkpoints are refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from solver.core import BadInput
from solver.networks.notation import read_net
from solver.training import checkpoints
from solver.training.checkpoints import load, save
from solver.training.data import Data, digits, split
from solver.training.fitting import Plan, Run, Task, begin, go_on, prepared
from solver.training.schedules import read_schedule

ROOT = Path(__file__).parent.parent
NET = "1x8x8: conv 4 k3, bn, relu, dropout 0.3, flatten, linear 10"
PLAN = Plan(epochs=6, alpha=0.01)


def task(net: str = NET, plan: Plan = PLAN, images: int = 300) -> Task:
    rest, held = split(digits(), 0.05)
    return prepared(read_net(net), rest[:images], held, plan)


def same(one: Run, two: Run) -> bool:
    """Bit for bit: weights, best weights, states, and all that is noted but the seconds."""
    pairs = [(one.weights, two.weights), (one.best, two.best)]
    pairs += [(one.states[n], two.states[n]) for n in one.states]
    arrays = all(
        a.keys() == b.keys() and all(a[n].tobytes() == b[n].tobytes() for n in a)
        for a, b in pairs
    )
    notes = [[replace(e, seconds=0) for e in r.history] for r in (one, two)]
    return arrays and notes[0] == notes[1] and one.step == two.step


class Enough(Exception):
    pass


def stopped_at(step: int, path: Path, whole: Task) -> None:
    """Train, and save at this step; nothing of the run is left but the file."""

    def after(task: Task, run: Run) -> None:
        if run.step == step:
            save(path, task, run)
            raise Enough

    with pytest.raises(Enough):
        go_on(whole, begin(whole), after)


@pytest.fixture(scope="module")
def uninterrupted() -> Run:
    whole = task()
    return go_on(whole, begin(whole))


@pytest.mark.parametrize("step", [1, 10, 13, 20, 59], ids=lambda s: f"after step {s}")
def test_a_run_goes_on_to_the_same_bits(
    step: int, tmp_path: Path, uninterrupted: Run
) -> None:
    place = tmp_path / "checkpoint.npz"
    stopped_at(step, place, task())
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]
    again = load(place, task())
    assert again.step == step and not same(again, uninterrupted)
    assert same(go_on(task(), again), uninterrupted)


def test_more_epochs_go_on_from_a_finished_run(
    tmp_path: Path, uninterrupted: Run
) -> None:
    short = task(plan=replace(PLAN, epochs=2))
    save(tmp_path / "c.npz", short, go_on(short, begin(short)))
    assert same(go_on(task(), load(tmp_path / "c.npz", task())), uninterrupted)


CHILD = """
import sys
from pathlib import Path
from tests.test_training_checkpoints import begin, go_on, save, task
go_on(t := task(), begin(t), lambda task, run: save(Path(sys.argv[1]), task, run))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9")
def test_a_killed_process_goes_on_to_the_same_bits(
    tmp_path: Path, uninterrupted: Run
) -> None:
    place = tmp_path / "checkpoint.npz"
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(place)], cwd=ROOT)
    try:
        until(lambda: place.exists() and step_of(place) >= 12)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    again = load(place, task())
    assert 12 <= again.step < uninterrupted.step  # it was in the middle
    assert same(go_on(task(), again), uninterrupted)


def step_of(place: Path) -> int:
    return int(checkpoints.read(place)[0]["step"])


def until(there: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not there():
        assert time.monotonic() < end
        time.sleep(0.002)


# -- refused -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("kept") / "checkpoint.npz"
    stopped_at(13, place, task())
    return place


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"plan": replace(PLAN, alpha=0.02)}, "alpha was 0.01, is 0.02"),
        ({"plan": replace(PLAN, seed=1)}, "seed was 0, is 1"),
        ({"plan": replace(PLAN, batch=16)}, "batch was 32, is 16"),
        ({"plan": replace(PLAN, rule="sgd")}, "rule was adam, is sgd"),
        (
            {"plan": replace(PLAN, schedule=read_schedule("cosine"))},
            "schedule was .*epochs was not set",
        ),
        ({"net": NET.replace("0.3", "0.2")}, "another network"),
        ({"images": 301}, "another data"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_a_checkpoint_of_other_settings_is_refused(
    kept: Path, changed: dict[str, Any], message: str
) -> None:
    load(kept, task())
    with pytest.raises(BadInput, match=message):
        load(kept, task(**changed))


def test_every_truncation_is_refused(kept: Path, tmp_path: Path) -> None:
    raw, place = kept.read_bytes(), tmp_path / "c.npz"
    for end in [0, 1, 100, *range(500, len(raw), 1501), len(raw) - 1]:
        place.write_bytes(raw[:end])
        with pytest.raises(BadInput, match="damaged"):
            load(place, task())


def test_a_changed_byte_is_refused_or_changes_nothing(
    kept: Path, tmp_path: Path
) -> None:
    raw, place, right = kept.read_bytes(), tmp_path / "c.npz", load(kept, task())
    refused = 0
    for at in range(0, len(raw), 419):
        place.write_bytes(raw[:at] + bytes([raw[at] ^ 0x41]) + raw[at + 1 :])
        try:
            assert same(
                load(place, task()), right
            )  # a byte of the zip that nobody reads
        except BadInput:
            refused += 1
    assert refused > 0.8 * len(raw) / 419


def test_pickles_are_never_loaded(tmp_path: Path, kept: Path) -> None:
    place = tmp_path / "c.npz"
    np.savez(place, about=np.array([{"version": 1}], dtype=object))
    with pytest.raises(BadInput, match="damaged"):
        load(place, task())
    (tmp_path / "d.npz").write_bytes(b"\x80\x04cposix\nsystem\n")
    with pytest.raises(BadInput, match="damaged"):
        load(tmp_path / "d.npz", task())
    with pytest.raises(BadInput, match="no checkpoint to resume"):
        load(tmp_path / "e.npz", task())


def test_a_missing_array_is_refused(kept: Path, tmp_path: Path) -> None:
    with np.load(kept) as held:
        arrays = {n: held[n] for n in held.files}
    for name in ("weights/fc1.bias", "best/bn1.mean", "state/v/conv1.weight"):
        np.savez(tmp_path / "c.npz", **{n: a for n, a in arrays.items() if n != name})
        with pytest.raises(BadInput, match=f"{name} is missing"):
            load(tmp_path / "c.npz", task())
        np.savez(tmp_path / "c.npz", **{**arrays, name: arrays[name][:-1]})
        with pytest.raises(BadInput, match="another shape"):
            load(tmp_path / "c.npz", task())


def test_a_failed_write_leaves_the_old_file(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "c.npz"
    place.write_bytes(b"old")

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BadInput, match="c.npz: cannot be written: No space left"):
        checkpoints.write_arrays(place, {"new": np.zeros(2)})
    assert place.read_bytes() == b"old" and list(tmp_path.iterdir()) == [place]


def test_the_scale_s_numbers_are_kept(tmp_path: Path) -> None:
    whole = task(plan=replace(PLAN, scale="standard"))
    save(tmp_path / "c.npz", whole, begin(whole))
    scale = checkpoints.read(tmp_path / "c.npz")[0]["scale"]
    x = whole.train.images.astype(float)
    assert scale["shift"] == pytest.approx([x.mean()])
    assert scale["by"] == pytest.approx([x.std()])


def test_the_data_is_part_of_the_settings() -> None:
    data = digits()[:20]
    other = data.images.copy()
    other[3, 0, 2, 2] ^= 1
    changed = Data(other, data.labels, data.classes, data.name)
    assert checkpoints.fingerprint(data) == checkpoints.fingerprint(digits()[:20])
    assert checkpoints.fingerprint(data) != checkpoints.fingerprint(changed)
