"""Budgets, grids, single units, kernel perceptrons, forward passes: values and checks."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput, Problem
from solver.grading import grade
from solver.kinds import backprop_forward, count_units, grid, solve, update_kernel
from solver.kinds import update_unit as unit
from solver.kinds.nets import run
from solver.networks.notation import read_net
from solver.numeric.dropped import zeros
from solver.render import render
from solver.values import Record

DENSE = "784: linear 120, relu, dropout, linear 80, relu, linear 10"
CNN = "1x28x28: conv 8 k3 p1, bn, relu, maxpool 2, dropout, flatten, linear 64, relu, linear 10"
POINTS = {"x": "0 0; 0 1; 1 0; 1 1", "y": "1 2 2 1"}
MINI = "a1 = x1*w1 + x2*w2; o1 = relu(a1); yhat = o1*v1"

VALUES: list[tuple[str, dict[str, Any], Any]] = [
    ("count hidden", {"net": DENSE}, {"hidden_units": 200, "hidden_layers": 2}),
    ("count hidden", {"net": DENSE, "most": 200, "least_layers": 2},
     {"hidden_units": 200, "hidden_layers": 2, "allowed": True}),
    ("count hidden", {"net": DENSE, "most": 199},
     {"hidden_units": 200, "hidden_layers": 2, "allowed": False}),
    ("count hidden", {"net": DENSE, "least_layers": 3},
     {"hidden_units": 200, "hidden_layers": 2, "allowed": False}),
    ("count hidden", {"net": "784: linear 10"}, {"hidden_units": 0, "hidden_layers": 0}),
    ("count types", {"net": CNN, "of": "dropout,bn,relu,linear"},
     {"dropout": 1, "bn": 1, "relu": 2, "linear": 2}),
    ("count types", {"net": CNN, "of": "dropout", "at_least": 2},
     {"dropout": 1, "allowed": False}),
    ("count types", {"net": CNN, "allowed": "linear,Conv2d,relu,flatten,dropout,bn"},
     {"allowed": False}),  # the pooling
    ("grid size", {"options": "2 3 2", "places": "3 1 4"},
     {"shared": 12, "independent": 384}),
    ("grid size", {"options": "5 4"}, {"shared": 20, "independent": 20}),
    ("grid size", {"options": "10", "places": "9"},
     {"shared": 10, "independent": 10**9}),
    ("grid points", {"points": 5, "low": 1, "high": 3},
     (1, Fraction(3, 2), 2, Fraction(5, 2), 3)),
    ("update kernel-perceptron", POINTS,  # worked by hand
     {"coefficients": ((0, -1, -1, 1), (0, 1, 1, -1)), "updates": 3}),
    ("update kernel-perceptron", {**POINTS, "kernel": "polynomial", "passes": 20},
     {"predictions": (1, 2, 2, 1)}),  # XOR is separable with (x·z + 1)²
    ("update relu-unit", {"samples": 500},
     {"nonzero_updates": 12, "final_w": 0.6546545945, "final_b": -0.8179890774}),
    ("update relu-unit", {"labels": "1 -1", "alpha": "0.01", "samples": 20},
     {"dead_on_all_x": False}),
    ("backprop largest-slope", {"function": "sigmoid"}, Fraction(1, 4)),
    ("backprop largest-slope", {"function": "tanh", "layers": 3},
     {"largest_slope": 1, "through_layers": 1}),
    ("backprop largest-slope", {"layers": 3},
     {"largest_slope": Fraction(1, 4), "through_layers": Fraction(1, 64)}),
    ("backprop all-dropped", {"net": "6: linear 5, relu, dropout 1, linear 3"},
     {"output_all_zero": True, "largest_gradient_before": 0}),
    ("loss chance", {"accuracies": "0.1 0.11 0.09", "classes": 10},
     {"values": 3, "above_chance": 1}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "given_", "value"), VALUES, ids=[f"{k} {g}"[:70] for k, g, _ in VALUES]
)
def test_values(kind: str, given_: dict[str, Any], value: Any) -> None:
    found = solve(kind, **given_).value
    if not isinstance(value, dict):
        assert found == value
        return
    for name, wanted in value.items():
        close = isinstance(wanted, float)
        assert found[name] == (pytest.approx(wanted, abs=1e-9) if close else wanted)


@pytest.mark.parametrize("form", ["text", "tex", "html", "json"])
def test_renderings(form: str) -> None:
    for kind, given_, _ in VALUES:
        assert render(solve(kind, **given_), form)


def test_the_scores_of_a_kernel_perceptron_in_letters() -> None:
    assert grade(Problem("update kernel-perceptron"), "k alpha^T").mark == "right"
    assert grade(Problem("update kernel-perceptron"), "k*alpha").mark == "wrong"


def test_the_forward_pass_as_a_formula() -> None:
    asked = Problem("backprop forward", {"net": MINI, "where": dict.fromkeys(("x1", "x2", "w1", "w2", "v1"), "scalar")})  # fmt: skip
    for text in ("v1*max(0, x1*w1 + x2*w2)", "o1*v1", "yhat = relu(w1 x1 + w2 x2) v1"):
        assert grade(asked, text).mark == "right"
    assert grade(asked, "v1*(x1*w1 + x2*w2)").mark == "wrong"


MISTAKES: list[tuple[str, dict[str, Any], str, str]] = [
    ("count hidden", {"net": DENSE}, "hidden units 210; hidden layers 3",
     "output_layer_counted"),
    ("count hidden", {"net": DENSE}, "hidden units 984; hidden layers 2",
     "inputs_counted"),
    ("count hidden", {"net": DENSE}, "hidden units 200; hidden layers 5",
     "activations_counted_as_layers"),
    ("grid size", {"options": [2, 3, 2], "places": [3, 1, 4]}, "7; 384",
     "options_added"),
    ("grid size", {"options": [2, 3, 2], "places": [3, 1, 4]}, "12; 144",
     "places_multiplied"),
    ("grid size", {"options": [2, 3, 2], "places": [3, 1, 4]}, "12; 27",
     "places_added"),
    ("grid points", {"points": 5}, "0, 0.2, 0.4, 0.6, 0.8", "end_left_out"),
    ("update relu-unit", {},
     "500; 0.654655; -0.817989; yes; 0", "every_sample_of_the_first_label"),
    ("backprop largest-slope", {}, "0.5", "value_in_place_of_slope"),
    ("backprop largest-slope", {}, "1", "slope_of_relu"),
    ("boolean layers", {"function": "xor"}, "1", "one_layer_for_all"),
    ("boolean layers", {"function": "or"}, "2", "hidden_layer_always"),
    ("boolean unit", {"function": "xor"}, "yes", "contradiction_missed"),
    ("boolean unit", {"function": "or"}, "no", "weights_missed"),
    ("boolean units", {"function": "or"}, "2; 0", "a_unit_for_each_input"),
    ("boolean units", {"function": "or"}, "3; 0", "a_unit_for_each_true_input"),
    ("boolean units", {"function": "or"}, "1; 1", "hidden_unit_although_linear"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "given_", "text", "name"), MISTAKES, ids=[m[3] for m in MISTAKES]
)
def test_mistakes_are_reported(
    kind: str, given_: dict[str, Any], text: str, name: str
) -> None:
    verdict = grade(Problem(kind, given_), text)
    assert verdict.mark in ("wrong", "partly")
    assert name in verdict.mistake.split(" or ") and verdict.feedback


# -- checks that can fail -----------------------------------------------------------------


def test_a_wrong_grid_is_noticed() -> None:
    assert grid.spaced([0, Fraction(1, 2), 1], 0, 1)
    assert not grid.spaced([0, Fraction(501, 1000), 1], 0, 1)
    assert not grid.spaced([0, Fraction(1, 2), Fraction(999, 1000)], 0, 1)
    assert grid.again((2, 3, 2), (3, 1, 4)) == (12, 384) != (12, 385)


def test_a_unit_too_many_is_noticed() -> None:
    rows = [r for r in run(read_net(DENSE), None) if r.layer.KIND == "product"]
    assert count_units.by_weights(rows, 200)
    assert not count_units.by_weights(rows, 201)
    whole = run(read_net(CNN), None)
    assert count_units.tallied(whole, {"dropout": "dropout"}, {"dropout": 1})
    assert not count_units.tallied(whole, {"dropout": "dropout"}, {"dropout": 2})


def test_a_unit_that_ended_elsewhere_is_noticed() -> None:
    numbers = {"w": 1, "b": Fraction(1, 2), "alpha": Fraction(1, 10)}
    xs = [Fraction(i, 499) for i in range(500)]
    right = solve("update relu-unit").value
    assert unit.floats_agree(numbers, xs, (-1, 1), right)
    for name, value in (("final_w", 0.65531), ("final_b", -0.8188),
                        ("nonzero_updates", 13), ("dead_on_all_x", False)):  # fmt: skip
        assert not unit.floats_agree(
            numbers, xs, (-1, 1), Record({**right, name: value})
        )


def test_a_wrong_coefficient_is_noticed() -> None:
    mapped, y = [(1, 0), (0, 1), (1, 1)], (1, 2, 1)
    found = solve(
        "update kernel-perceptron", x=[list(m) for m in mapped], y=list(y)
    ).value
    alpha = [list(r) for r in found["coefficients"]]
    guesses = list(found["predictions"])
    assert update_kernel.primal(mapped, y, 1, alpha, guesses)
    alpha[0][0] += 1
    assert not update_kernel.primal(mapped, y, 1, alpha, guesses)
    alpha[0][0] -= 1
    assert not update_kernel.primal(mapped, y, 1, alpha, [3 - g for g in guesses])


def test_a_slope_off_by_a_thousandth_is_noticed() -> None:
    assert backprop_forward.nowhere_steeper("sigmoid", Fraction(1, 4))
    assert not backprop_forward.nowhere_steeper("sigmoid", Fraction(2497, 10000))
    assert not backprop_forward.nowhere_steeper("tanh", Fraction(1001, 1000))


def test_dropout_that_keeps_some_is_noticed() -> None:
    for p, stops in (("1", True), ("0.5", False)):
        net = read_net(f"6: linear 5, relu, dropout {p}, linear 3")
        assert zeros(net.layer, (3, 6), {"fc1"}, "dropout1") is stops


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_kernel_perceptron_is_the_perceptron(data: Any) -> None:
    n = data.draw(st.integers(2, 6))
    number = st.integers(-3, 3)
    x = data.draw(st.lists(st.tuples(number, number), min_size=n, max_size=n))
    y = [2, *data.draw(st.lists(st.integers(1, 3), min_size=n - 1, max_size=n - 1))]
    for kernel in ("linear", "polynomial"):  # solve raises where the primal differs
        found = solve("update kernel-perceptron", x=[list(r) for r in x], y=y,
                      kernel=kernel, passes=3).value  # fmt: skip
        assert all(sum(column) == 0 for column in zip(*found["coefficients"]))


@pytest.mark.parametrize(
    ("kind", "given_", "said"),
    [
        ("count hidden", {"net": "1x8x8: conv 4 k3"}, "no linear layer"),
        ("count hidden", {"net": "n: linear m, linear 10"}, "give all sizes"),
        ("count types", {"net": CNN}, "say which types"),
        ("count types", {"net": CNN, "of": "dropuot"}, "dropout"),
        ("grid size", {"options": "2 3", "places": "1"}, "for each choice"),
        ("grid size", {"options": "2 0"}, "options"),
        ("grid points", {"points": 1}, "2 to 1000"),
        ("grid points", {"points": 3, "low": 2, "high": 1}, "low the smaller"),
        ("update relu-unit", {"w": "a"}, "w is a number"),
        ("update relu-unit", {"samples": 1}, "2 to 100,000 samples"),
        ("update kernel-perceptron", {"x": "1 2; 3 4"}, "give both"),
        ("update kernel-perceptron", {"x": "1 2; 3 4", "y": "1"}, "2 samples and 1"),
        ("update kernel-perceptron", {**POINTS, "kernel": "rbf"}, "kernel"),
        ("update kernel-perceptron", {"x": "1 2; 3 4", "y": "1 1"}, "2 to 20"),
        ("backprop largest-slope", {"function": "gelu"}, "activation"),
        ("backprop all-dropped", {"net": "6: linear 5, dropout 0.5"}, "dropout 1"),
        ("backprop forward", {"net": MINI, "of": "x1"}, "x1 is given"),
        ("loss chance", {"accuracies": "1.2", "classes": 10}, "from 0 to 1"),
    ],
)
def test_bad_input(kind: str, given_: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        solve(kind, **given_)
