"""`pset train` as a user calls it, the files that it writes, and the curves."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cli
from solver.figures.plot import along, spread, ticks
from solver.networks.notation import read_net
from solver.training import command
from solver.training.command import as_csv, clock, interval, progress
from solver.training.curves import curves
from solver.training.data import digits
from solver.training.fitting import (
    Epoch,
    Plan,
    Run,
    Task,
    begin,
    fit,
    go_on,
    prepared,
)
from solver.training.stopping import read_stop
from tests.test_disk import held

NET = "1x8x8: conv 4 k3, relu, flatten, linear 10"


def called(*words: str) -> int:
    with pytest.raises(SystemExit) as e:
        cli.main(["train", *words])
    return int(e.value.code or 0)


def test_train_writes_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "run")
    assert called(NET, "--epochs", "3", "--lr", "0.01", "--out", out) == 0
    said = capsys.readouterr()
    assert "epoch 1/3" in said.err and "left" in said.err
    history = json.loads((tmp_path / "run/history.json").read_text())
    test = history["test"]
    share = f"{100 * test['right'] / test['images']:.1f} %"
    assert said.out.startswith(f"test accuracy {share}  (95 % interval ")
    assert f"{test['right']} of 359 images" in said.out
    assert (
        history["parameters"] == 4 * 9 + 4 + 144 * 10 + 10
        and "1,490 parameters" in said.out
    )
    assert [e["epoch"] for e in history["epochs"]] == [1, 2, 3] and test[
        "accuracy"
    ] > 0.8
    assert "CC BY 4.0" in history["data"]["source"]
    assert history["scale"] == {"name": "unit", "shift": [0.0], "by": [16.0]}

    rows = list(csv.DictReader((tmp_path / "run/history.csv").read_text().splitlines()))
    assert [float(r["loss"]) for r in rows] == [e["loss"] for e in history["epochs"]]
    with np.load(tmp_path / "run/weights.npz") as held:
        assert held["conv1.weight"].shape == (4, 1, 3, 3)
    ET.fromstring((tmp_path / "run/curves.svg").read_text())

    # the same again is refused, goes on with --resume, and gives the numbers of one run
    assert called(NET, "--epochs", "3", "--lr", "0.01", "--out", out) == 2
    assert "add --resume" in capsys.readouterr().err
    assert called(NET, "--epochs", "5", "--lr", "0.01", "--out", out, "--resume") == 0
    other = str(tmp_path / "other")
    assert called(NET, "--epochs", "5", "--lr", "0.01", "--out", other) == 0
    with np.load(f"{out}/weights.npz") as one, np.load(f"{other}/weights.npz") as two:
        assert all(np.array_equal(one[n], two[n]) for n in one.files)
    assert called(NET, "--epochs", "5", "--lr", "0.02", "--out", out, "--resume") == 2
    assert "alpha was 0.01, is 0.02" in capsys.readouterr().err


def test_an_interrupted_training_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = command.go_on

    def interrupted(task: Task, run: Run, tell: Any) -> Run:
        def after(task: Task, run: Run) -> None:
            tell(task, run)
            if run.step == 50:
                raise KeyboardInterrupt

        return real(task, run, after)

    out = str(tmp_path)
    monkeypatch.setattr(command, "go_on", interrupted)
    assert called(NET, "--epochs", "2", "--out", out) == 130
    assert (
        "interrupted in epoch 2: the same command with --resume"
        in capsys.readouterr().err
    )
    assert called(NET, "--epochs", "2") == 130
    assert "nothing is kept" in capsys.readouterr().err
    monkeypatch.setattr(command, "go_on", real)
    assert called(NET, "--epochs", "2", "--out", out, "--resume") == 0
    assert "2 epochs of 1,151 images" in capsys.readouterr().out


def test_resuming_nothing_makes_no_folder(tmp_path: Path) -> None:
    assert called(NET, "--resume", "--out", str(tmp_path / "run")) == 2
    assert not list(tmp_path.iterdir())


def test_a_folder_is_not_trained_into_twice_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = NET, "--epochs", "1", "--out", str(tmp_path)
    with held(tmp_path, "training.lock") as holder:
        assert called(*words) == 2
        assert f"process {holder.pid} is at work in this folder" in capsys.readouterr().err
        assert [p.name for p in tmp_path.iterdir()] == ["training.lock"]
        holder.kill()  # the file stays, with the number of a process that is none
    assert called(*words) == 0
    assert (tmp_path / "weights.npz").exists()
    assert not (tmp_path / "training.lock").exists()


def test_progress_is_one_line_on_a_terminal_and_plain_elsewhere() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    task = prepared(read_net(NET), digits()[:96], None, Plan(epochs=3))
    for stream in (Terminal(), io.StringIO()):
        run = begin(task)
        with progress(task, run, stream) as tell:
            go_on(task, run, tell)
        said = stream.getvalue()
        if stream.isatty():
            assert (
                "\n" not in said and said.endswith("\r\x1b[K") and "epoch 3/3" in said
            )
        else:
            assert [x.split("  ")[0] for x in said.splitlines()] == [
                f"epoch {i}/3" for i in (1, 2, 3)
            ]
            assert all(x.endswith(" left") for x in said.splitlines())


@pytest.mark.parametrize("loss", [1.5, 1.234567e7, 1.234567e-9, 0.0])
def test_no_line_is_longer_than_a_terminal(
    loss: float, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = "1x8x8: conv 4 k3, aside[flatten, linear 3000], relu, flatten, linear 10"
    task = prepared(read_net(net), digits()[:96], None, Plan(epochs=1000))
    e = Epoch(1000, 0.01, loss, 1.0, loss, 1.0, 12345.678)
    run = Run({}, {}, {}, history=[e] * 1000, best_epoch=1000)
    run.stopped = f"stopped after epoch 1000: {read_stop('patience:100')}"
    result = {"images": 10000, "right": 9990, "accuracy": 1.0, "low": 0.5, "high": 1.0}
    lines = [command.line(task, run), *command.told(task, run, result).splitlines()]
    run.at, run.sums = 1, [loss * 32, 32, 0.0]
    lines.append(command.line(task, run))
    lines += [command.fitting(x, "  1:02:03 left") for x in lines]
    assert max(map(len, lines)) <= 80
    assert any(x.endswith(" left") for x in lines)
    assert "loss " + {1.5: "1.500", 0.0: "0.000"}.get(loss, f"{loss:.3g}") in lines[0]
    note = replace(digits(), note="not the published files: " + "a-long-name, " * 9)
    monkeypatch.setattr(command, "parts", lambda *how: (note, note[:99], note[:50]))
    assert called("64: linear 10", "--epochs", "1") == 0
    assert max(map(len, "".join(capsys.readouterr()).splitlines())) <= 80


def test_side_heads_are_not_counted_as_trained() -> None:
    net = read_net("1x8x8: flatten, aside[linear 7, linear 3], linear 10")
    task, run = fit(net, digits()[:96], None, Plan(epochs=1))
    assert task.parameters == 650 and task.heads == 64 * 7 + 7 + 7 * 3 + 3
    result = {"images": 2, "right": 1, "accuracy": 0.5, "low": 0.0, "high": 1.0}
    assert "650 parameters; " in command.told(task, run, result)
    assert "479 more, of side heads, stay as they began" in command.told(task, run, result)
    moved = {n for n, w in begin(task).weights.items() if (w != run.weights[n]).any()}
    assert moved == set(task.learned) == set(run.states)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([NET, "--rule", "foo"], "no update rule (--rule) is called 'foo'"),
        ([NET, "--loss", "foo"], "no loss (--loss) is called 'foo'"),
        ([NET, "--init", "foo"], "no way to start (--init) is called 'foo'"),
        ([NET, "--scale", "foo"], "no scale (--scale) is called 'foo'"),
        ([NET, "--dtype", "foo"], "no type of number (--dtype) is called 'foo'"),
        ([NET, "--schedule", "foo"], "no schedule (--schedule) is called 'foo'"),
        ([NET, "--stop", "foo"], "no rule to stop (--stop) is called 'foo'"),
        ([NET, "--data", "foo"], "no data set (--data) is called 'foo'"),
        ([NET, "--data", "digits:x"], "are in no folder: write digits, not digits:x"),
        ([NET, "--resume"], "--out DIR"),
        ([NET, "--resume", "--out", "/nowhere/run"], "/nowhere/run: there is no checkpoint"),
        ([NET, "--data", "mnist"], "mnist:DIR"),
        ([NET, "--data", "mnist:/nowhere"], "/nowhere: there is no such folder"),
        ([NET, "--schedule", "cosin"], "did you mean cosine"),
        ([NET, "--stop", "patience:0"], "patience is a number of epochs"),
        ([NET, "--validation", "1"], "between 0 and 1"),
        (["vgg1"], "no network is called 'vgg1'"),
        (["vgg16"], "takes 3×224×224, and the images of digits are 1×8×8"),
        ([NET, "--rule", "sgd", "--mu", "0.9"], "no constant of sgd"),
    ],
)
def test_bad_input_is_said_in_a_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(*words) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and message in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        pytest.param(81, 263, 0.2553, 0.3662, id="Newcombe 1998, table I, method 3"),
        pytest.param(15, 148, 0.0624, 0.1605, id="Newcombe 1998, table I, method 3"),
        pytest.param(0, 20, 0, 0.1611, id="Newcombe 1998, table I, method 3"),
        pytest.param(1, 29, 0.0061, 0.1718, id="Newcombe 1998, table I, method 3"),
        pytest.param(20, 20, 0.8389, 1, id="the mirror image"),
    ],
)
def test_wilson(right: int, n: int, low: float, high: float) -> None:
    assert interval(right, n) == pytest.approx((low, high), abs=5e-5)


def test_clock() -> None:
    assert [clock(s) for s in (3.4, 123, 3723)] == ["3 s", "2:03", "1:02:03"]


# -- curves --------------------------------------------------------------------------


def history(n: int, held: bool = True) -> list[Epoch]:
    return [
        Epoch(i, 0.01, 2 / i, 1 - 0.5 / i, 2.2 / i if held else None,
              0.9 - 0.5 / i if held else None, 1.0)
        for i in range(1, n + 1)
    ]  # fmt: skip


@pytest.mark.parametrize("n", [1, 2, 3, 17, 100, 1000])
@pytest.mark.parametrize("held", [True, False])
def test_curves_show_every_epoch_inside_the_picture(n: int, held: bool) -> None:
    svg = curves(history(n, held), "a & b < c", best=n)
    root = ET.fromstring(svg)
    name = "{http://www.w3.org/2000/svg}"
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    lines = list(root.iter(f"{name}polyline"))
    assert len(lines) == (0 if n < 3 else 4 if held else 2)
    for line in lines:
        points = [
            tuple(map(float, p.split(","))) for p in line.get("points", "").split()
        ]
        assert len(points) == n
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
    texts = ["".join(t.itertext()) for t in root.iter(f"{name}text")]
    assert f"train {2 / n:.3f}" in texts and f"best: epoch {n}" in texts
    assert (
        texts.count("1") >= 2 and texts.count(str(n)) >= 2
    )  # both axes name their ends
    assert (f"validation {2.2 / n:.3f}" in texts) == held
    title = root.find(f"{name}title")
    assert title is not None and title.text == "Loss and accuracy of a & b < c"
    said = root.find(f"{name}desc")
    assert (
        said is not None
        and f"After {n} epochs the training loss is {2 / n:.3g}" in (said.text or "")
    )


def test_train_and_validation_differ_by_more_than_colour() -> None:
    svg = curves(history(5), "x")
    lines = [e for e in ET.fromstring(svg).iter() if e.tag.endswith("polyline")]
    assert [bool(e.get("stroke-dasharray")) for e in lines] == [False, True] * 2
    assert "prefers-color-scheme:dark" in svg


@settings(max_examples=100)
@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_and_hold_the_values(low: float, width: float) -> None:
    found = ticks(low, low + width)
    tolerance = 1e-6 * width + 1e-9
    assert found[0] <= low + tolerance and found[-1] >= low + width - tolerance
    assert 2 <= len(found) <= 8


@given(st.integers(1, 5000))
def test_the_axis_of_epochs_names_its_ends_and_no_two_touch(n: int) -> None:
    found = along(1, n)
    assert found == sorted(set(found)) and found[0] == 1 and found[-1] == n
    assert all(b - a >= max(1, (n - 1) / 16 - 1) for a, b in zip(found, found[1:]))


def test_labels_do_not_lie_on_each_other() -> None:
    assert spread([100, 103]) == [94, 109] and spread([103, 100]) == [109, 94]
    five = spread([100, 101, 102, 300, 103], 0, 400)
    assert five[:3] == [79, 94, 109] and five[3:] == [300, 124]
    assert spread([5, 2, 0], 0, 100) == [30, 15, 0]
    assert spread([100, 120]) == [100, 120]


def test_csv_has_empty_cells_where_nothing_was_held_out() -> None:
    run = Run({}, {}, {}, history=history(1, held=False))
    assert as_csv(run).splitlines()[1] == "1,0.01,2.0,0.5,,,1.0"
