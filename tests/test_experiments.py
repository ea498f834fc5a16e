"""Experiments: the looks, the runs and what is said of them; each sentence in both ways."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from solver.core import BadInput
from solver.experiments import command
from solver.experiments.findings import findings, shown
from solver.experiments.moved import turned, up, upward
from solver.experiments.study import STUDIES, Arm, Seen, Study, measured
from solver.kinds import solve
from solver.networks.notation import read_net
from solver.training.command import parts
from solver.training.data import split

IMAGE = np.arange(1, 13).reshape(1, 1, 3, 4)


def test_up_lets_the_background_in_from_below() -> None:
    assert up(IMAGE, 1)[0, 0].tolist() == [[5, 6, 7, 8], [9, 10, 11, 12], [1, 1, 1, 1]]
    assert (up(IMAGE, 0) == IMAGE).all()
    with pytest.raises(BadInput, match="0 to 2 rows"):
        up(IMAGE, 3)
    assert [upward(h).name for h in (8, 28, 32)] == ["up by 1", "up by 4", "up by 5"]


def test_turns_are_counterclockwise_and_four_are_none() -> None:
    square = IMAGE[:, :, :, :3]
    assert turned(square, 90)[0, 0].tolist() == [[3, 7, 11], [2, 6, 10], [1, 5, 9]]
    assert (turned(turned(square, 90), 270) == square).all()
    assert turned(IMAGE, 180)[0, 0, 0].tolist() == [12, 11, 10, 9]
    with pytest.raises(BadInput, match="another shape"):
        turned(IMAGE, 90)
    with pytest.raises(BadInput, match="multiples"):
        turned(square, 45)


@pytest.mark.parametrize("name", STUDIES.names())
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32)], ids=str)
def test_every_arm_fits_the_images(name: str, shape: tuple[int, ...]) -> None:
    study = STUDIES[name](shape, 10)
    assert study.question.endswith("?") and study.arms
    assert len({arm.name for arm in study.arms}) == len(study.arms)
    for arm in study.arms:
        net = read_net(arm.text(shape))
        assert net.layer.out((1, *shape)) == (1, 10), arm


def test_a_budget_is_spent_to_the_same_extent() -> None:
    for shape in ((1, 8, 8), (1, 28, 28)):
        arms = STUDIES["parameter-budget"](shape, 10).arms
        counts = [solve("count params", net=arm.text(shape)).value for arm in arms]
        assert max(counts) <= 1.1 * min(counts), counts


def seen(arm: str, seed: int, accuracy: float = 0.9, **others: Any) -> Seen:
    base = Seen(arm, seed, 100, 5, 3, 5, 50, 30, 1.0, 0.5, (accuracy,), {"training accuracy": (1.0,)})
    return replace(base, **others)


TWO = Study("Which?", "arm", (Arm("a", "linear 10"), Arm("b", "linear 10")))
DIGITS = tuple("0123456789")


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ([0.9, 0.91, 0.92], [0.8, 0.81, 0.89], "every run of all others"),
        ([0.9, 0.91, 0.92], [0.8, 0.81, 0.9], "tell it apart from none"),
        ([0.9, 0.91], [0.1, 0.2], "nothing is claimed"),
    ],
)
def test_arms_are_told_apart_only_if_all_runs_are(a: list[float], b: list[float], said: str) -> None:
    runs = [seen(arm, i, x) for arm, values in (("a", a), ("b", b)) for i, x in enumerate(values)]
    assert said in findings(TWO, runs, DIGITS, 359)[0]


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ([30, 40, 50], [29, 39, 49], "falls from a to b at every step"),
        ([30, 40, 50], [31, 41, 51], "rises from a to b at every step"),
        ([30, 40, 50], [29, 39, 51], "neither rises nor falls"),
    ],
)
def test_a_trend_holds_with_every_seed(a: list[int], b: list[int], said: str) -> None:
    study = replace(TWO, compares=(), trends=("updates_to_best",))
    runs = [
        seen(arm, i, updates_to_best=n)
        for arm, values in (("a", a), ("b", b))
        for i, n in enumerate(values)
    ]
    assert said in findings(study, runs, DIGITS, 359)[0]


def test_a_trend_that_is_broken_in_between() -> None:
    arms = (*TWO.arms, Arm("c", "linear 10"))
    study = replace(TWO, arms=arms, compares=(), trends=("loss",))
    runs = [seen(arm, i, loss=x) for arm, x in (("a", 3), ("b", 1), ("c", 2)) for i in range(3)]
    assert "lower for c than for a" in findings(study, runs, DIGITS, 359)[0]


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (0.5, 0.4, "it is a that keeps the most"),
        (0.4, 0.4, "these runs do not tell"),
        (0.1, 0.05, "no better than chance"),
    ],
)
def test_what_a_look_costs(a: float, b: float, said: str) -> None:
    study = replace(TWO, compares=(), looks=(upward(8), upward(8)))
    runs = [seen(arm, i, accuracies=(0.9, x)) for arm, x in (("a", a), ("b", b)) for i in range(3)]
    [found] = findings(study, runs, DIGITS, 359)
    assert said in found
    assert ("keeps the most" in found) == (a > 0.2), "nothing is said of chance's order"


def test_hard_classes_and_arms_that_had_not_ended() -> None:
    study = replace(TWO, arms=(Arm("a", "linear 3", {"stop": object()}),), by_class=True)
    runs = [seen("a", i, 0.8, classes=(0.9, 0.7, 0.8), best_epoch=5) for i in range(3)]
    hard, late = findings(study, runs, ("cat", "dog", "cow"), 30)
    assert "class dog (70.0 %)" in hard and "in every run: dog." in hard
    assert late.endswith("may be in it: a.")
    assert len(findings(study, [replace(r, best_epoch=4) for r in runs], ("cat", "dog", "cow"), 30)) == 1


def test_numbers_as_they_are_written() -> None:
    assert [shown(m, v) for m, v in (("accuracy", 0.975), ("seconds", 1.234), ("loss", 0.01234),
            ("updates", 6906))] == ["97.5 %", "1.23 s", "0.0123", "6,906"]  # fmt: skip


@pytest.fixture(scope="module")
def few() -> Any:
    learnt, held, test = parts("digits", 0.2)
    return split(learnt, 0.1)[1], split(held, 0.3)[1], split(test, 0.3)[1]


def test_a_run_is_the_same_again_and_counts_its_updates(few: Any) -> None:
    study = replace(STUDIES["early-stopping"]((1, 8, 8), 10), by_class=True)
    arm = replace(study.arms[-1], plan={**study.arms[-1].plan, "epochs": 3})
    one, two = (measured(study, arm, 1, few) for _ in range(2))
    assert replace(one, seconds=0) == replace(two, seconds=0)
    assert one.updates == 3 * -(-len(few[0]) // 5) and len(one.history["test accuracy"]) == 3
    counts = few[2].counts()
    whole = sum(c * n for c, n in zip(one.classes, counts)) / sum(counts)
    assert whole == pytest.approx(one.accuracy)
    assert measured(study, arm, 2, few).history != one.history


def asked(folder: Path, **given: Any) -> int:
    plain = {"name": "hidden-units", "data": "digits", "seeds": 1, "epochs": 1, "images": 60}
    return command.experiment(**{**plain, "out": str(folder), **given})


def test_the_command_goes_on_and_writes_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def stopped(study: Any, arm: Arm, seed: int, data: Any) -> Seen:
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(arm.name)
        return measured(study, arm, seed, data)

    monkeypatch.setattr(command, "measured", stopped)
    assert asked(tmp_path) == command.INTERRUPTED
    assert "after 2 of 3 runs: the same command goes on" in capsys.readouterr().err
    calls.clear()
    assert asked(tmp_path) == 0 and len(calls) == 1
    out = capsys.readouterr().out
    assert "With 1 seed nothing is claimed" in out and max(map(len, out.splitlines()[:-4])) <= 80
    held = json.loads((tmp_path / "runs.json").read_text())
    assert [r["arm"] for r in held["runs"]] == ["96", "60-36", "48-28-20"]
    assert (tmp_path / "table.csv").read_text().count("\n") == 4
    assert "nothing is claimed" in (tmp_path / "report.html").read_text()
    with pytest.raises(BadInput, match="another experiment, other data or settings"):
        asked(tmp_path, epochs=2)
    whole = (tmp_path / "runs.json").read_text()
    for text, said in (
        ("[1]", "no runs of an experiment"),
        ("[" * 100_000, "no runs of an experiment"),
        (whole[:-20], "no runs of an experiment"),
        (whole.replace('"seed": 0', '"seed": null'), "not as they were written"),
        (whole.replace('"history": {', '"history": {"x": [], '), "not as they were written"),
    ):
        assert text != whole
        (tmp_path / "runs.json").write_text(text)
        with pytest.raises(BadInput, match=said):
            asked(tmp_path)
    (tmp_path / "runs.json").write_text(whole)
    calls.clear()
    assert asked(tmp_path) == 0 and not calls


def test_one_experiment_at_a_time_and_no_training_in_vain(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What cannot be written is refused before anything is trained."""
    monkeypatch.setattr(command, "measured", None)
    (tmp_path / "file").write_text("")
    given: dict[str, Any] = {"name": "momentum", "data": "digits", "seeds": 1, "epochs": 1}
    with pytest.raises(BadInput):
        command.experiment(**given, images=100, out=str(tmp_path / "file"))
    script = (
        "import sys, time; from pathlib import Path; from solver.disk import alone\n"
        "with alone(Path(sys.argv[1]), 'training.lock'): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout and other.stdout.readline() == "held\n"
        try:
            with pytest.raises(BadInput, match="is at work in this folder"):
                command.experiment(**given, images=100, out=str(tmp_path))
        finally:
            other.kill()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "momentun"}, "did you mean momentum"),
        ({"seeds": 0}, "seeds are from 1"),
        ({"epochs": 0}, "epochs are 1 or more"),
        ({"images": 5000}, "1,151 images to train on, not 5000"),
    ],
)
def test_what_cannot_be_run(given: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=said):
        asked(tmp_path, **given)
    assert not list(tmp_path.iterdir())
