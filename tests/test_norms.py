"""Batch norm's forward pass, its running averages and what it does to scales and shapes;
normalised images; layers without weights, batches of one, .grad without a reset.

PyTorch's documentation: nn.BatchNorm1d (momentum, unbiased running variance),
torchvision.transforms.Normalize, torch.Tensor.backward (accumulation).
"""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver import kinds
from solver.core import BadInput, Mistake, Problem
from solver.kinds import mistakes, solve
from solver.kinds import run_epsilon as effects
from solver.kinds import run_images as images
from solver.kinds import run_norms as norms
from solver.kinds.backprop_single import near
from solver.kinds.run_features import Feature
from solver.values import Record, same, show

Z = [[1, 2], [3, 6], [5, 10]]
TWO = {"x": Z, "gamma": [2, 1], "beta": [0, 1], "epsilon": "1/3"}
ROW = {"x": [1, 2, 3, 6]}
THIRD = Fraction(1, 3)


def close(found: Any, wanted: Any) -> bool:
    """Entry by entry, to rounding."""
    if isinstance(wanted, (list, tuple)):
        return len(found) == len(wanted) and all(map(close, found, wanted))
    if isinstance(wanted, dict):
        return all(close(found[k], v) for k, v in wanted.items())
    if isinstance(wanted, (bool, str)):
        return str(found) == str(wanted)
    return abs(float(found) - float(wanted)) < 1e-9


VALUES: list[tuple[str, dict[str, Any], Any]] = [
    ("run batch-norm", TWO,
     [[-4 / sqrt(3), 1 - 4 / sqrt(11)], [0, 1], [4 / sqrt(3), 1 + 4 / sqrt(11)]]),
    ("run batch-norm", {**TWO, "keep": 0.9, "ask": ["running_mean", "running_var"]},
     {"running_mean": [0.3, 0.6], "running_var": [0.9 + 0.8 / 3, 0.9 + 3.2 / 3]}),
    ("run batch-norm",
     {**TWO, "momentum": 0.1, "unbiased": True, "ask": ["running_var"]}, [1.3, 2.5]),
    ("run batch-norm",
     {**TWO, "x": [[1, 2]], "mode": "inference", "keep": 0.9, "after": Z},
     [2 * 0.7 / sqrt(1.5), 1.4 / sqrt(2.3) + 1]),
    ("run batch-norm", {**ROW, "ask": ["mean"]}, 3),
    ("run batch-norm", {**ROW, "ask": ["var"]}, 3.5),
    ("run batch-norm", {**ROW, "ask": ["normalised"]},
     [-2 / sqrt(3.5), -1 / sqrt(3.5), 0, 3 / sqrt(3.5)]),
    ("run batch-norm",
     {**ROW, "momentum": 0.1, "unbiased": True, "ask": ["running_mean", "running_var"]},
     {"running_mean": 0.3, "running_var": 0.9 + 0.1 * 14 / 3}),
    ("run batch-norm", {"x": [7], "epsilon": 0.00001, "beta": 3}, [3]),
    ("run batch-norm", {"x": [5, 1], "mode": "eval", "running_mean": 3, "running_var": 4},
     [1, -1]),
    ("run epsilon", {"x": 1, "mean": 3, "var": "8/3", "epsilon": "1/3"},
     {"standard": -2 / sqrt(3), "sigma_plus_eps": -2 / (sqrt(8 / 3) + 1 / 3),
      "literal": -2 / sqrt(8 / 3) + 1 / 3, "literal_undefined_at_zero": True}),
    ("run batch-norm-scale", {"scales": [1, 0.1, 0.001], "epsilon": 0.00001},
     [1 / sqrt(1 + 1e-5), 0.1 / sqrt(0.01 + 1e-5), 0.001 / sqrt(1e-6 + 1e-5)]),
    ("run batch-norm-scale", {"scales": [3], "var": 4, "epsilon": 13}, 6 / 7),
    ("run standardise", {"distribution": "exponential"}, {"mean": 0, "var": 1, "skew": 2}),
    ("run standardise", {"distribution": "uniform"}, {"skew": 0}),
    ("run standardise", {"distribution": "normal"}, {"skew": 0}),
    ("run standardise", {"distribution": "triangular"}, {"skew": -2 * sqrt(2) / 5}),
    ("run standardise", {"x": [1, 2, 6]}, {"skew": 6 / (14 / 3) ** 1.5}),
    ("run normalize", {"mean": 0.4914, "std": 0.2023, "x": 1}, 0.5086 / 0.2023),
    ("run normalize", {"mean": 0.4914, "var": 0.2023, "x": 1}, 0.5086 / sqrt(0.2023)),
    ("run normalize", {"mean": [0.5, 0.25], "std": [0.5, 0.2], "x": [1, 0]}, [1, -1.25]),
    ("run normalize", {"mean": [0.5] * 3, "std": [0.2] * 3, "channels": 1},
     {"mean": [0.5], "std": [0.2]}),
    ("update accumulate", {"grads": [1, 2, -0.5]}, [1, 3, 2.5]),
    ("update accumulate", {"grads": [1, 2, -0.5], "reset": True}, [1, 2, -0.5]),
    ("update accumulate", {"passes": 3}, {"ratio": 3}),
    ("backprop local", {"net": "1x2x2: maxpool 2"}, [0, 1]),
    ("backprop local", {"net": "1x2x2: avgpool 2"}, [0.25]),
    ("backprop local", {"net": "5: relu"}, [0, 1]),
    ("backprop batch-of-one", {}, {"z": 0, "gamma": 0}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "asked", "value"), VALUES, ids=[f"{k} {g}" for k, g, _ in VALUES])
def test_values(kind: str, asked: dict[str, Any], value: Any) -> None:
    answer = solve(kind, **asked)
    assert close(answer.value, value), answer.value
    assert all(c.ok for c in answer.checks)


LETTERS = [
    ("run normalize", {}, "(image − mean)/std"),
    ("run normalize", {"mean": 0.5, "std": 0.25}, "(image − 0.5)/0.25"),
    ("run normalize", {"mean": 0.5, "std": 0.5, "interval": [0, 1]}, "[−1, 1]"),
    ("run batch-norm-scale", {}, "a/sqrt(a² + ε)"),
    ("update accumulate", {"passes": 2}, "grad: g_1 + g_2, ratio: 2"),
]


@pytest.mark.parametrize(("kind", "asked", "shown"), LETTERS)
def test_in_letters(kind: str, asked: dict[str, Any], shown: str) -> None:
    value = solve(kind, **asked).value
    said = (
        ", ".join(f"{k}: {show(v)}" for k, v in value.items())
        if isinstance(value, Record) else show(value)
    )  # fmt: skip
    assert said == shown


def test_a_batch_of_one_passes_nothing_to_z() -> None:
    value = solve("backprop batch-of-one").value
    assert (show(value["output"]), show(value["beta"])) == ("β", "δ")


def test_conventions_are_said() -> None:
    said = " ".join(solve("run batch-norm", **TWO, keep=0.9, ask=["running_var"]).conventions)
    assert "0.9 is the weight of the old value" in said and "divided by N" in said


@given(
    st.lists(st.integers(-50, 50), min_size=2, max_size=7).filter(lambda x: len({*x}) > 1),
    st.fractions(0, 4, max_denominator=9),
)
@settings(max_examples=25, deadline=None)
def test_normalised_values_have_mean_zero_and_a_known_variance(x: Any, epsilon: Any) -> None:
    asked = solve("run batch-norm", x=x, epsilon=epsilon, ask=["normalised", "var"]).value
    hats, var = [float(v) for v in asked["normalised"]], float(asked["var"])
    assert abs(sum(hats)) < 1e-9
    wanted = var / (var + float(epsilon))
    assert abs(sum(h * h for h in hats) / len(hats) - wanted) < 1e-9


@given(st.integers(1, 30), st.integers(-40, 40), st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_batch_norm_forgets_scale_and_shift(a: int, b: int, spread: int) -> None:
    x = [0, 1, 5, 5 + spread]
    moved = [a * v + b for v in x]
    found, again = (solve("run batch-norm", x=values).value for values in (x, moved))
    assert close(again, found)


# -- checks ------------------------------------------------------------------------------

F = Feature((1, 3, 5), 2, 1, THIRD, 3, Fraction(8, 3))
RIGHT = [F.out(x) for x in F.x]


@pytest.mark.parametrize(
    ("check", "ok"),
    [
        (norms.check_out([F], [RIGHT]), True),
        (norms.check_out([F], [[RIGHT[0] * 1.001, *RIGHT[1:]]]), False),
        (norms.check_out([F], [RIGHT[::-1]]), False),
        (norms.check_statistics([F]), True),
        (norms.check_statistics([Feature(F.x, 2, 1, THIRD, 3, 4)]), False),
        (norms.check_running([0], [3], Fraction(1, 10), [Fraction(3, 10)]), True),
        (norms.check_running([0], [3], Fraction(1, 10), [Fraction(27, 10)]), False),
        (effects.measured([1], 1, 1, [1 / sqrt(2)]), True),
        (effects.measured([1], 1, 1, [0.5]), False),
        (effects.solved_back({"standard": -2 / sqrt(3)}, -2, Fraction(8, 3), THIRD), True),
        (effects.solved_back({"standard": -1.1558}, -2, Fraction(8, 3), THIRD), False),
        (effects.solved_back({"literal": -0.8}, -2, Fraction(8, 3), THIRD), False),
        (images.undone([Fraction(1)], [Fraction(1, 2)], [Fraction(1, 2)], [1]), True),
        (images.undone([Fraction(1)], [Fraction(1, 2)], [Fraction(1, 2)], [1.001]), False),
    ],
)
def test_checks_fail_for_what_is_slightly_wrong(check: Any, ok: bool) -> None:
    assert check.ok is ok


def test_a_wrong_gradient_of_one_sample_is_caught() -> None:
    right = {"x": [[0.0]], "gamma": [0.0], "beta": [0.5]}
    wanted = {"z": 0.0, "gamma": 0.0, "beta": 0.5}
    assert near(right, wanted) and not near({**right, "gamma": [0.001]}, wanted)


# -- mistakes ----------------------------------------------------------------------------

SCALES = {"scales": [1, 0.1, 0.001], "epsilon": 0.00001}
RUNNING = {**TWO, "keep": 0.9, "ask": ["running_mean", "running_var"]}
TEST = {**TWO, "x": [[1, 2]], "mode": "inference", "keep": 0.9, "after": Z}
RED = {"mean": 0.4914, "std": 0.2023, "x": 1}
MISTAKES: list[tuple[str, str, dict[str, Any], Any]] = [
    ("unbiased_batch_variance", "run batch-norm", ROW,
     [(x - 3) / sqrt(14 / 3) for x in (1, 2, 3, 6)]),
    ("unbiased_batch_variance", "run batch-norm", {**ROW, "ask": ["var"]}, 14 / 3),
    ("epsilon_added_to_sigma", "run batch-norm", {**ROW, "epsilon": 1},
     [(x - 3) / (sqrt(3.5) + 1) for x in (1, 2, 3, 6)]),
    ("epsilon_behind", "run batch-norm", {**ROW, "epsilon": 1},
     [(x - 3) / sqrt(3.5) + 1 for x in (1, 2, 3, 6)]),
    ("divided_by_variance", "run batch-norm", ROW, [(x - 3) / 3.5 for x in (1, 2, 3, 6)]),
    ("only_centred", "run batch-norm", ROW, [-2, -1, 0, 3]),
    ("not_scaled", "run batch-norm", {**ROW, "gamma": 2},
     [(x - 3) / sqrt(3.5) for x in (1, 2, 3, 6)]),
    ("scale_and_shift_exchanged", "run batch-norm", {**ROW, "gamma": 2, "beta": 1},
     [(x - 3) / sqrt(3.5) + 2 for x in (1, 2, 3, 6)]),
    ("by_start_of_the_averages", "run batch-norm", TEST,
     [2 / sqrt(4 / 3), 2 / sqrt(4 / 3) + 1]),
    ("by_the_batch_at_inference", "run batch-norm", TEST, [-4 / sqrt(3), 1 - 4 / sqrt(11)]),
    ("running_weights_exchanged", "run batch-norm", RUNNING,
     {"running_mean": [2.7, 5.4], "running_var": [2.5, 9.7]}),
    ("averages_replaced", "run batch-norm", RUNNING,
     {"running_mean": [3, 6], "running_var": [8 / 3, 32 / 3]}),
    ("other_variance_in_the_average", "run batch-norm", {**TWO, "keep": 0.9,
     "ask": ["running_var"]}, [1.3, 2.5]),
    ("variance_started_at_zero", "run batch-norm", {**TWO, "keep": 0.9,
     "ask": ["running_var"]}, [0.8 / 3, 3.2 / 3]),
    ("scale_stays", "run batch-norm-scale", SCALES, [1, 0.1, 0.001]),
    ("scale_never_matters", "run batch-norm-scale", SCALES, [1, 1, 1]),
    ("scale_epsilon_outside", "run batch-norm-scale", SCALES,
     [1 / 1.00001, 0.1 / 0.10001, 0.001 / 0.00101]),
    ("becomes_normal", "run standardise", {"distribution": "exponential"}, {"skew": 0}),
    ("skewness_rescaled", "run standardise", {"distribution": "triangular"},
     {"skew": -(1 / 135) / (1 / 18) ** 3}),
    ("variance_not_rooted", "run epsilon", {"x": 1, "mean": 3, "var": "8/3",
     "epsilon": "1/3"}, {"standard": -2 / 3}),
    ("output_zero", "backprop batch-of-one", {}, {"output": "0"}),
    ("normalize_formula_inverted", "run normalize", RED, 0.2023 / 0.4914),
    ("mean_not_subtracted", "run normalize", RED, 1 / 0.2023),
    ("deviation_multiplies", "run normalize", RED, 0.5086 * 0.2023),
    ("mean_subtracted_last", "run normalize", RED, 1 / 0.2023 - 0.4914),
    ("deviation_left_out", "run normalize", RED, 0.5086),
    ("root_taken_of_std", "run normalize", RED, 0.5086 / sqrt(0.2023)),
    ("variance_divides", "run normalize", {"mean": 0.4914, "var": 0.2023, "x": 1},
     0.5086 / 0.2023),
    ("three_channels_for_one", "run normalize", {"mean": [0.5] * 3, "std": [0.2] * 3,
     "channels": 1}, {"mean": [0.5] * 3, "std": [0.2] * 3}),
    ("last_gradient_only", "update accumulate", {"grads": [1, 2, 4]}, [1, 2, 4]),
    ("last_gradient_only", "update accumulate", {"passes": 3}, {"ratio": 1}),
    ("output_by_itself", "backprop local", {"net": "1x2x2: maxpool 2"}, [1]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind", "asked", "wrong"), MISTAKES, ids=[f"{n} {k}" for n, k, _, _ in MISTAKES]
)
def test_mistakes_give_the_wrong_value(name: str, kind: str, asked: Any, wrong: Any) -> None:
    found = mistakes(Problem(kind, asked))
    right = solve(kind, **asked).value
    mine = [m for m in found if name in m.name.split(" or ")]
    assert mine, [m.name for m in found]
    assert close(mine[0].value, wrong), mine[0].value
    assert same(mine[0].value, right) is False


def test_mean_of_gradients_is_a_mistake() -> None:
    found = mistakes(Problem("update accumulate", {"passes": 2}))
    assert any(m.name == "mean_of_gradients" for m in found)


def test_a_mistake_about_a_named_entry_reaches_its_part() -> None:
    spec = {"kind": "run epsilon", "x": 1, "mean": 3, "var": "8/3", "epsilon": "1/3"}
    parts = {"usual": {**spec, "entry": "standard"}, "other": {**spec, "entry": "literal"}}
    found: list[Mistake] = mistakes(Problem("values", {"parts": parts}))
    assert [m.value for m in found if m.name == "variance_not_rooted"] == [
        {"usual": Fraction(-2, 3)}
    ]


# -- refused -----------------------------------------------------------------------------

REFUSED = [
    ("run batch-norm", {"x": [1, 2], "mode": "infer"}, "inference"),
    ("run batch-norm", {"x": [1, 2], "mode": "inference"}, "running_mean"),
    ("run batch-norm", {"x": [4, 4]}, "0/0"),
    ("run batch-norm", {"x": [1, 2], "ask": ["running_mean"]}, "momentum"),
    ("run batch-norm", {"x": [1, 2], "momentum": 0.1, "keep": 0.8}, "add up to 1"),
    ("run batch-norm", {"x": Z, "gamma": [1, 2, 3]}, "2 features"),
    ("run batch-norm", {"x": [1, 2], "epsilon": -1}, "0 or more"),
    ("run batch-norm", {"x": [[3]], "momentum": 0.1, "unbiased": True, "epsilon": 1,
                        "ask": ["running_var"]}, "divide by 0"),
    ("run batch-norm", {"x": [1, 2], "ask": ["median"]}, "fact to ask for"),
    ("run batch-norm", {**TWO, "after": Z}, "mode inference"),
    ("run epsilon", {"x": 1, "mean": 3, "var": 0, "epsilon": 1}, "above 0"),
    ("run batch-norm-scale", {"scales": [1]}, "epsilon"),
    ("run batch-norm-scale", {"scales": [1], "epsilon": "e"}, "is a number"),
    ("run batch-norm-scale", {"scales": [], "epsilon": 1}, "empty list"),
    ("run standardise", {"distribution": "cauchy"}, "exponential"),
    ("run standardise", {"x": [2, 2]}, "not all equal"),
    ("run normalize", {"mean": 0.5, "std": 0, "x": 1}, "above 0"),
    ("run normalize", {"mean": 0.5, "std": 1, "var": 1, "x": 1}, "not both"),
    ("run normalize", {"mean": [0.1, 0.2], "std": [1, 1], "channels": 1}, "differ"),
    ("run normalize", {"x": 1}, "mean and std"),
    ("backprop local", {"net": "1x3x3: conv 1 k2"}, "has weights"),
    ("update accumulate", {"passes": 13}, "grads"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "asked", "said"), REFUSED)
def test_what_cannot_be_asked_is_refused(kind: str, asked: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        solve(kind, **asked)


@pytest.mark.parametrize(
    "kind",
    ["run batch-norm", "run epsilon", "run batch-norm-scale", "run standardise",
     "run normalize", "update accumulate", "backprop local"],
)  # fmt: skip
def test_examples_are_there(kind: str) -> None:
    assert kinds.find(kind).example
