"""Update rules against their sources, worked numbers, checks and mistakes."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import pytest

from solver.core import Answer, BadInput, CheckFailed, Problem, Step
from solver.expressions.parse import parse
from solver.kinds import mistakes, names, solve, stepping, update_counts
from solver.render import render
from solver.values import Record, same


def tree(source: str) -> Any:
    return parse(source, "real")


RULES: dict[str, tuple[str, dict[str, Any], Any]] = {
    "SGD, Goodfellow alg. 8.1": ("update sgd", {}, "w - alpha*g"),
    "SGD with PyTorch's weight_decay": (
        "update sgd",
        {"decay": "lambda"},
        "(1 - alpha*lambda)*w - alpha*g",
    ),
    "set 2, 2.3: v of the small CNN": (
        "update sgd",
        {"gradient": "-y*sigmoid(-y*yhat)*o_k", "weight": "v_k", "alpha": "eta"},
        "v_k + eta*y*sigmoid(-y*yhat)*o_k",
    ),
    "momentum, PyTorch SGD": (
        "update momentum",
        {},
        {"v": "mu*v + g", "w": "w - alpha*v"},
    ),
    "momentum, Goodfellow 8.15": (
        "update momentum",
        {"convention": "textbook"},
        {"v": "mu*v - alpha*g", "w": "w + v"},
    ),
    "Nesterov, PyTorch SGD": (
        "update nesterov",
        {},
        {"v": "mu*v + g", "w": "w - alpha*(g + mu*v)"},
    ),
    "RMSprop, PyTorch": (
        "update rmsprop",
        {},
        {"v": "beta*v + (1 - beta)*g^2", "w": "w - alpha*g/(sqrt(v) + epsilon)"},
    ),
    "RMSprop, Goodfellow alg. 8.5": (
        "update rmsprop",
        {"inside": True},
        {"v": "beta*v + (1 - beta)*g^2", "w": "w - alpha*g/sqrt(v + epsilon)"},
    ),
    "Adam, Kingma and Ba alg. 1": (
        "update adam",
        {},
        {
            "m": "beta1*m + (1 - beta1)*g",
            "v": "beta2*v + (1 - beta2)*g^2",
            "mhat": "m/(1 - beta1^t)",
            "vhat": "v/(1 - beta2^t)",
            "w": "w - alpha*mhat/(sqrt(vhat) + epsilon)",
        },
    ),
    "AdamW, Loshchilov and Hutter alg. 2": (
        "update adamw",
        {},
        {
            "m": "beta1*m + (1 - beta1)*g",
            "v": "beta2*v + (1 - beta2)*g^2",
            "mhat": "m/(1 - beta1^t)",
            "vhat": "v/(1 - beta2^t)",
            "w": "w - alpha*(mhat/(sqrt(vhat) + epsilon) + lambda*w)",
        },
    ),
    "momentum with PyTorch's weight_decay": (
        "update momentum",
        {"decay": "lambda"},
        {"v": "mu*v + g + lambda*w", "w": "w - alpha*v"},
    ),
    "time-based decay, Keras": ("update schedule", {}, "1/(1 + lambda*t)"),
    "set 2, 3.4: the long run": ("update limit", {}, "1/(1 - mu)"),
}


@pytest.mark.parametrize("source", RULES)
def test_rules(source: str) -> None:
    kind, given, wanted = RULES[source]
    right = (
        tree(wanted)
        if isinstance(wanted, str)
        else Record({k: tree(v) for k, v in wanted.items()})
    )
    assert same(solve(kind, **given).value, right) is True


NUMBERS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "set 2, 3.1.3": (
        "update sgd",
        {"w": [1.0, -2.0], "grads": [0.5, 4.0], "alpha": 0.01},
        (Fraction(199, 200), Fraction(-51, 25)),
    ),
    "two steps, decay 1/10": (
        "update sgd",
        {"w": 1, "grads": "1 1", "alpha": 0.5, "decay": 0.1},
        Fraction("-0.0725"),
    ),
    "momentum by hand": (
        "update momentum",
        {"w": 1, "grads": "0.5 0.4 0.3", "alpha": 0.1, "mu": 0.9},
        Fraction("0.7585"),
    ),
    "set 2, 3.4: the velocity, step by step": (
        "update momentum",
        {"w": 0, "grads": "1 1 1", "alpha": 0.1, "mu": 0.9, "trace": "v"},
        (1, Fraction("1.9"), Fraction("2.71")),
    ),
    "set 2, 3.4: the weight, step by step": (
        "update momentum",
        {"w": 0, "grads": "1 1 1", "alpha": 0.1, "mu": 0.9, "trace": "w"},
        (Fraction("-0.1"), Fraction("-0.29"), Fraction("-0.561")),
    ),
    "momentum with decay 1/10, by hand": (
        "update momentum",
        {"w": 1, "grads": "0.5 0.4", "alpha": 0.1, "mu": 0.9, "decay": 0.1},
        Fraction("0.8366"),
    ),
    "AdamW, epsilon 0: −α, then the decay": (
        "update adamw",
        {"w": 1, "grads": "0.5", "alpha": 0.1, "epsilon": 0, "decay": 0.1},
        Fraction("0.89"),
    ),
    "set 2, 3.4: μ = 0.7": ("update limit", {"mu": 0.7}, Fraction(10, 3)),
    "set 0, 2.4ii: values recorded": (
        "update count",
        {"samples": 50_000, "batch": 16, "epochs": 20, "every": 250},
        240,
    ),
    "set 4, 4.1: decay 0.01": (
        "update schedule",
        {"decay": 0.01, "t": 200},
        Fraction(1, 3),
    ),
    "exponential decay": (
        "update schedule",
        {"decay": 0.01, "t": 100, "form": "exponential"},
        0.36787944117144233,
    ),
    "momentum, the other form": (
        "update momentum",
        {
            "w": 1,
            "grads": "0.5 0.4 0.3",
            "alpha": 0.1,
            "mu": 0.9,
            "convention": "textbook",
        },
        Fraction("0.7585"),
    ),
    "Nesterov by hand": (
        "update nesterov",
        {"w": 1, "grads": "0.5 0.4", "alpha": 0.1, "mu": 0.9},
        Fraction("0.7885"),
    ),
    "Adam, the first step is α": (
        "update adam",
        {"w": 1, "grads": "0.5", "alpha": 0.1, "epsilon": 0},
        Fraction("0.9"),
    ),
    "RMSprop, exact root": (
        "update rmsprop",
        {"w": 1, "grads": "2", "alpha": 0.1, "beta": 0.75, "epsilon": 0},
        Fraction("0.8"),
    ),
}


@pytest.mark.parametrize("source", NUMBERS)
def test_numbers(source: str) -> None:
    kind, given, wanted = NUMBERS[source]
    assert same(solve(kind, **given).value, wanted) is True


def test_adam_as_torch_runs_it() -> None:
    """w = 1, gradients 0.5, 0.4, 0.3, lr 0.1, all else as torch.optim.Adam has it."""
    found = solve("update adam", w=1, grads="0.5 0.4 0.3", alpha=0.1).value
    m = v = 0.0
    w = 1.0
    for t, g in enumerate((0.5, 0.4, 0.3), 1):
        m, v = m + (g - m) * (1 - 0.9), v * 0.999 + (1 - 0.999) * g * g
        below = v**0.5 / (1 - 0.999**t) ** 0.5 + 1e-8
        w -= 0.1 / (1 - 0.9**t) * m / below
    assert float(found) == pytest.approx(w, abs=1e-12)


def test_worked_lines_are_exact() -> None:
    shown = render(solve("update momentum", w=1, grads="0.5 0.4", alpha=0.1, mu=0.9))
    assert "μ·v + g = 0.9·0.5 + 0.4 = 0.85" in shown
    assert "w − α·v = 0.95 − 0.1·0.85 = 0.865" in shown


COUNTS: dict[str, tuple[dict[str, Any], Any]] = {
    "set 2, 3.2.2 per epoch": (
        {"samples": 10000, "batch": [1, 5, 50, 500, 5000]},
        (10000, 2000, 200, 20, 2),
    ),
    "set 2, 3.2.2 batch 1": (
        {"samples": 10000, "batch": 1, "best": 13, "epochs": 16},
        {"to_best": 130000, "whole_run": 160000},
    ),
    "set 2, 3.2.2 batch 500": (
        {"samples": 10000, "batch": 500, "best": 39, "epochs": 42},
        {"to_best": 780, "whole_run": 840},
    ),
    "set 4, 5 epochs of 391": ({"samples": 50000, "batch": 128, "epochs": 5}, 1955),
    "set 0, batch 16, 20 epochs": (
        {"samples": 50000, "batch": 16, "epochs": 20},
        62500,
    ),
    "the last batch dropped": ({"samples": 103, "batch": 10, "drop_last": True}, 10),
    "the last batch kept": ({"samples": 103, "batch": 10}, 11),
}


@pytest.mark.parametrize("source", COUNTS)
def test_counts(source: str) -> None:
    given, wanted = COUNTS[source]
    assert same(solve("update count", **given).value, wanted) is True


def test_perceptron_of_set_2() -> None:
    found = solve("update perceptron").value
    assert found == {"predicted": -1, "true_class": 1, "other": 0}
    assert solve("update perceptron", kernel=True).value == found
    worked = solve("update perceptron", weights="0 0; 1 0; 0 0", x="1 2", y=3).value
    assert worked == ((0, 0), (0, -2), (1, 2))
    assert solve("update perceptron", weights="0 0; 1 0", x="1 2", y=2).value == (
        (0, 0),
        (1, 0),
    )


# -- checks that can fail ------------------------------------------------------


def wrong_plain(x: float, gs: Any, c: Any) -> float:
    return x - 1.001 * c["alpha"] * sum(gs)


@pytest.mark.parametrize("given", [{}, {"w": (1,), "grads": (2,), "alpha": 1}])
def test_a_rule_that_differs_from_the_plain_run_is_caught(
    given: dict[str, Any],
) -> None:
    rule = stepping.Rule((("w", "step", tree("w - alpha*g")),))
    found = stepping.answered(
        rule,
        given.get("w"),
        given.get("grads"),
        {"alpha": given.get("alpha")},
        wrong_plain,
    )
    assert not found.checks[0].ok


def test_a_small_share_is_checked_as_well() -> None:
    right = 2.061153622438558e-09
    assert update_counts.shrinks("exponential", 0.1, 200, right)
    assert not update_counts.shrinks("exponential", 0.1, 200, right * 1.001)
    assert update_counts.shrinks("time", 0.1, 200, 1 / 21)
    assert not update_counts.shrinks("time", 0.1, 200, 1 / 21 * 1.001)


def test_a_wrong_worked_line_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = stepping.kept
    monkeypatch.setattr(stepping, "kept", lambda x: true(x) * Fraction("1.001"))
    with pytest.raises(CheckFailed):
        solve("update sgd", w=1, grads=2, alpha=1)


MISTAKEN: list[tuple[str, dict[str, Any], set[str]]] = [
    (
        "update sgd",
        {"w": 1, "grads": "0.5", "alpha": 0.1},
        {"gradient_ascent", "learning_rate_forgotten"},
    ),
    ("update sgd", {}, {"gradient_ascent"}),
    (
        "update momentum",
        {"w": 1, "grads": "0.5 0.4", "alpha": 0.1},
        {"velocity_forgotten"},
    ),
    (
        "update nesterov",
        {"w": 1, "grads": "0.5 0.4", "alpha": 0.1},
        {"not_looked_ahead"},
    ),
    ("update rmsprop", {"w": 1, "grads": "0.5 0.4", "alpha": 0.1}, {"mean_not_kept"}),
    (
        "update adam",
        {"w": 1, "grads": "0.5 0.4", "alpha": 0.1},
        {"correction_forgotten"},
    ),
    (
        "update count",
        {"samples": 103, "batch": 10},
        {"batches_floor_instead_of_ceil", "batch_size_ignored"},
    ),
    ("update count", {"samples": 103, "batch": 10, "best": 4}, {"one_epoch_only"}),
    (
        "update count",
        {"samples": 50_000, "batch": 16, "epochs": 5, "every": 250},
        {"counted_through", "one_epoch_only"},
    ),
    ("update perceptron", {}, {"perceptron_signs_exchanged"}),
    ("update limit", {"mu": 0.9}, {"factor_upside_down"}),
    ("update schedule", {"decay": 0.01, "t": 200}, {"other_form"}),
    (
        "update momentum",
        {"w": 0, "grads": "1 1 1", "alpha": 0.1, "mu": 0.9, "trace": "w"},
        {"velocity_forgotten"},
    ),
    ("update adamw", {}, {"decay_in_the_gradient", "correction_left_out"}),
    ("update nesterov", {"decay": "lambda"}, {"decay_forgotten", "not_looked_ahead"}),
]


@pytest.mark.parametrize(("kind", "given", "wanted"), MISTAKEN)
def test_mistakes_differ_and_are_found(
    kind: str, given: dict[str, Any], wanted: set[str]
) -> None:
    right = solve(kind, **given).value
    found = mistakes(Problem(kind, given))
    assert wanted <= {m.name for m in found}
    assert all(same(m.value, right) is False for m in found)


# -- shape of the answers ------------------------------------------------------

EVERY = [(k, g) for k, g, _ in [*RULES.values(), *NUMBERS.values()]]


@pytest.mark.parametrize(("kind", "given"), EVERY)
def test_every_form_is_rendered(kind: str, given: dict[str, Any]) -> None:
    answer = solve(kind, **given)
    for line in render(answer).splitlines():
        assert len(line) <= 80, line
    source = render(answer, "tex")
    assert source.count("{") == source.count("}")
    assert not re.search("\u0302|U\\+0302", source)
    assert "<math" in render(answer, "html")


def links(steps: tuple[Step, ...]) -> int:
    return sum((s.before is not None) + links(s.substeps) for s in steps)


COUNTED = (
    "update count", "update perceptron", "update kernel-perceptron", "update relu-unit",
    "update limit", "update schedule", "update accumulate",
)  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    [n for n in names("update") if n not in COUNTED],
)
def test_numbers_are_worked_line_by_line(kind: str) -> None:
    answer: Answer = solve(kind, w=2, grads="1 2 3", alpha="0.1")
    assert links(answer.steps) >= 3


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("update sgd", {"w": "1 2", "grads": "1 2 3", "alpha": 0.1}, "must agree"),
        ("update sgd", {"w": 1}, "needs grads"),
        ("update sgd", {"w": 1, "grads": 2}, "give alpha"),
        ("update sgd", {"w": 1, "grads": 2, "alpha": "eta"}, "needs a number"),
        ("update sgd", {"w": 1, "grads": "1 " * 60, "alpha": 1}, "at most 50"),
        ("update momentum", {"convention": "keras"}, "convention"),
        ("update momentum", {"trace": "m"}, "there are v, w"),
        ("update momentum", {"trace": "v"}, "give w and grads"),
        ("update limit", {"mu": 1}, "nothing settles"),
        ("update schedule", {"decay": -1, "t": 3}, "from 0 to 10"),
        ("update schedule", {"form": "step"}, "form of the schedule"),
        ("update count", {"samples": 9, "batch": 1, "every": 0}, "every"),
        ("update count", {"samples": 0, "batch": 1}, "samples"),
        (
            "update count",
            {"samples": 9, "batch": 1, "best": 5, "epochs": 4},
            "behind the last",
        ),
        (
            "update perceptron",
            {"weights": "1 2; 3 4", "x": "1 2 3", "y": 1},
            "as many entries",
        ),
        (
            "update perceptron",
            {"weights": "1 2; 3 4", "x": "1 2", "y": 3},
            "no class 3",
        ),
        (
            "update rmsprop",
            {"w": 1, "grads": "0", "alpha": 1, "epsilon": 0},
            "out of arithmetic",
        ),
        ("update rmsprop", {"w": 1, "grads": "1", "alpha": 1, "beta": 2}, "a negative"),
        ("update sgd", {"w": 1, "grads": [], "alpha": 1}, "empty list"),
        ("update sgd", {"w": [1, 2], "grads": "1 2; 3", "alpha": 1}, "2 and 1 entries"),
        ("update sgd", {"gradient": "x", "weight": "3"}, "no letter"),
        ("update sgd", {"gradient": "x", "weight": "g"}, "something else"),
        (
            "update schedule",
            {"decay": 0.001, "t": 10**6, "form": "exponential"},
            "0 to all digits",
        ),
    ],
)
def test_bad_input(kind: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        solve(kind, **given)


@pytest.mark.parametrize(
    ("kind", "given", "wanted"),
    [
        ("update sgd", {"w": 0.7, "grads": 7, "alpha": 0.1}, 0),
        ("update momentum", {"w": 1, "grads": "3 4", "alpha": 0.1, "mu": 1}, 0),
        ("update adam", {"w": 1, "grads": 0.5, "alpha": 1}, 2e-8),
    ],
)
def test_a_step_that_ends_at_0_is_answered(
    kind: str, given: dict[str, Any], wanted: float
) -> None:
    assert solve(kind, **given).value == pytest.approx(wanted, rel=1e-6)


def test_updates_of_very_many_samples_are_counted_at_once() -> None:
    found = solve("update count", samples=10**9, batch=3, epochs=2).value
    assert found == 2 * -(-(10**9) // 3)
    found = solve("update count", samples=10**9, batch=3, epochs=2, drop_last=True).value
    assert found == 2 * (10**9 // 3)


def test_a_unit_at_its_kink_is_off() -> None:
    """w + b is exactly 0 after the update at x = 1, and only rounded in floats."""
    found = solve("update relu-unit", w=0.4, b=0.6, alpha=0.5, samples=31, labels=[0, 1],
                  low=-1, high=1).value  # fmt: skip
    assert found["dead_on_all_x"] is True and found["nonzero_updates"] == 31
