"""Schedules, early stopping, and the update rules on arrays against the kinds' numbers."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput
from solver.expressions.nodes import evaluate
from solver.kinds import solve
from solver.training.optimisers import RULES, optimiser
from solver.training.schedules import read_schedule
from solver.training.stopping import (
    GeneralisationLoss,
    Patience,
    generalisation_loss,
    read_stop,
)

# -- schedules -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "t", "whole", "value"),
    [
        pytest.param(
            "step:30,0.1", 29, 90, 0.1, id="ResNet, arXiv:1512.03385: before 30"
        ),
        pytest.param("step:30,0.1", 60, 90, 0.001, id="ResNet: divided by 10 twice"),
        pytest.param("step:5,0.5", 5, 20, 0.05, id="CS231n: halved every 5 epochs"),
        pytest.param("time:0.5", 2, 9, 0.05, id="CS231n, 1/t decay: 0.1/(1 + 0.5·2)"),
        pytest.param("exponential:0.5", 2, 9, 0.1 / math.e, id="CS231n: 0.1 e^(−1)"),
        pytest.param("cosine", 0, 8, 0.1, id="SGDR eq. 5: begins at the largest"),
        pytest.param("cosine", 4, 8, 0.05, id="SGDR eq. 5: half way, the mean"),
        pytest.param(
            "cosine", 2, 8, 0.1 * (2 + math.sqrt(2)) / 4, id="SGDR: a quarter"
        ),
        pytest.param("cosine:0.02", 8, 8, 0.02, id="SGDR eq. 5: ends at the least"),
        pytest.param("constant", 7, 9, 0.1, id="constant"),
    ],
)
def test_schedules(text: str, t: int, whole: int, value: float) -> None:
    assert read_schedule(text)(0.1, t, whole) == pytest.approx(value, rel=1e-12)
    assert read_schedule(text)(0.1, t, whole) != pytest.approx(value * 1.001, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "form"), [("time:0.3", "time"), ("exponential:0.3", "exponential")]
)
def test_schedules_agree_with_the_kind(text: str, form: str) -> None:
    for t in (1, 2, 7):
        factor = evaluate(solve("update schedule", decay="3/10", t=t, form=form).value)
        assert float(factor) == pytest.approx(read_schedule(text)(1, t, 9), rel=1e-6)


def test_a_warm_up_comes_first() -> None:
    made = read_schedule("cosine", warm=4)
    rates = [made(0.1, t, 12) for t in range(12)]
    assert rates[:5] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1])
    assert rates[8] == pytest.approx(0.05) and rates == sorted(rates[:5]) + rates[5:]
    assert rates[4:] == sorted(rates[4:], reverse=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cosin", "did you mean cosine"),
        ("step:0,0.1", "every cannot be 0"),
        ("step:a", "every is a number"),
        ("time:1,2", "takes K"),
        ("exponential:nan", "cannot be nan"),
        ("constant:1", "takes nothing"),
    ],
)
def test_schedules_are_read_or_refused(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read_schedule(text)


# -- early stopping ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("losses", "value"),
    [
        pytest.param([1.0, 0.5, 0.525], 5, id="Prechelt 1998: 100 (0.525/0.5 − 1)"),
        pytest.param([1.0, 0.5, 0.4], 0, id="a new lowest has none"),
        pytest.param([0.5, 1.0], 100, id="twice the lowest"),
        pytest.param([0.0, 0.1], math.inf, id="above a perfect fit"),
        pytest.param([0.1, 0.0], 0, id="at a perfect fit"),
    ],
)
def test_generalisation_loss(losses: list[float], value: float) -> None:
    assert generalisation_loss(losses) == pytest.approx(value)


LOSSES = [1.0, 0.6, 0.5, 0.52, 0.51, 0.49, 0.55, 0.56, 0.58]


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("patience:2", 5),
        ("patience:3", 9),
        ("gl:3", 4),
        ("gl:5", 7),
        ("gl:15", 9),
        ("gl:20", None),
    ],
)
def test_when_training_ends(text: str, epoch: int | None) -> None:
    rule = read_stop(text)
    ends = [t for t in range(1, len(LOSSES) + 1) if rule(LOSSES[:t])]
    assert (ends[0] if ends else None) == epoch


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=12), st.integers(1, 5))
def test_a_lower_loss_never_stops(losses: list[float], patience: int) -> None:
    better = [*losses, min(losses) * 0.99]
    assert not Patience(patience)(better) and not GeneralisationLoss(0.1)(better)


@pytest.mark.parametrize(
    "text", ["patience:0", "patience:x", "gl:-1", "gl:nan", "gl:x", "stop"]
)
def test_rules_to_stop_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_stop(text)


# -- update rules --------------------------------------------------------------------

START = ["1", "-2", "1/2"]
GRADS = [["1/2", "4", "-1/3"], ["2/5", "-1", "1/7"], ["-1/4", "1/9", "3"]]
WORKED: list[tuple[str, float, str, dict[str, Any]]] = [
    ("sgd", 0, "update sgd", {}),
    ("sgd", 0.1, "update sgd", {"decay": "1/10"}),
    ("momentum", 0, "update momentum", {"mu": "9/10"}),
    ("momentum", 0.1, "update momentum", {"mu": "9/10", "decay": "1/10"}),
    ("nesterov", 0, "update nesterov", {"mu": "9/10"}),
    ("nesterov", 0.1, "update nesterov", {"mu": "9/10", "decay": "1/10"}),
    ("rmsprop", 0, "update rmsprop", {}),
    ("adam", 0, "update adam", {}),
    ("adam", 0.1, "update adam", {"decay": "1/10"}),
    ("adamw", 0.1, "update adamw", {"decay": "1/10"}),
    ("adamw", 0, "update adamw", {"decay": "0"}),
]


def on_arrays(name: str, decay: float, dtype: Any) -> Any:
    rule = optimiser(name, decay=decay)
    w = np.array([float(Fraction(x)) for x in START], dtype)
    state = rule.start({"w": w})["w"]
    for t, row in enumerate(GRADS, 1):
        g = np.array([float(Fraction(x)) for x in row], dtype)
        before = w.copy(), g.copy()
        new = rule.step(w, g, state, t, 0.01)
        assert (w == before[0]).all() and (
            g == before[1]
        ).all()  # nothing given is changed
        w = new
    return w


@pytest.mark.parametrize(
    ("name", "decay", "kind", "given"), WORKED, ids=lambda x: str(x)
)
def test_a_rule_on_arrays_is_the_kinds_own(
    name: str, decay: float, kind: str, given: dict[str, Any]
) -> None:
    grads = "; ".join(" ".join(row) for row in GRADS)
    answer = solve(kind, w=" ".join(START), grads=grads, alpha="1/100", **given)
    wanted = [float(x) for x in answer.value]
    found = on_arrays(name, decay, np.float64)
    assert found == pytest.approx(wanted, rel=1e-12)
    assert found * (1 + 1e-6) != pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("decay", [0, 0.1])
def test_single_precision_stays(name: str, decay: float) -> None:
    found = on_arrays(name, decay, np.float32)
    assert found.dtype == np.float32
    assert found == pytest.approx(on_arrays(name, decay, np.float64), rel=1e-5)


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(["sgd", "momentum", "nesterov", "rmsprop", "adam"]),
    st.integers(0, 99),
)
def test_coupled_decay_is_a_larger_gradient(name: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    plain, decayed = optimiser(name), optimiser(name, decay=0.3)
    w = v = random.normal(size=(2, 3))
    states = [r.start({"w": w})["w"] for r in (plain, decayed)]
    for t in (1, 2, 3):
        g = random.normal(size=(2, 3))
        w = plain.step(w, g + 0.3 * w, states[0], t, 0.1)
        v = decayed.step(v, g, states[1], t, 0.1)
    assert np.allclose(w, v, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "constants", "message"),
    [
        ("adm", {}, "did you mean adam"),
        ("sgd", {"mu": 0.9}, "no constant of sgd is called 'mu'"),
        ("adam", {"beta1": 1.0}, "from 0 to below 1"),
        ("adam", {"epsilon": -1.0}, "0 or more"),
    ],
)
def test_rules_are_refused(
    name: str, constants: dict[str, float], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        optimiser(name, constants)


def test_constants_are_taken() -> None:
    assert optimiser("momentum").constants == {"mu": 0.9}
    assert optimiser("momentum", {"mu": 0.5}).constants == {"mu": 0.5}
    assert optimiser("adamw").constants["lambda"] == 0.01
