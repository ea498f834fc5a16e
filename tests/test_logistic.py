"""Logistic regression with given coefficients: textbook values, exact crossings, refusals."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput, CheckFailed, Problem
from solver.expressions.nodes import evaluate
from solver.grading import grade
from solver.kinds import logistic, solve
from solver.render import render

ISL: dict[str, Any] = {"intercept": -6, "slopes": "0.05 1"}  # section 4.8, exercise 6
AT: dict[str, Any] = {**ISL, "names": "hours,GPA"}


@pytest.mark.parametrize(
    ("given_", "z", "p"),
    [
        pytest.param({**ISL, "at": "40 3.5"}, Fraction(-1, 2), 1 / (1 + math.exp(0.5)),
                     id="ISL 4.8 exercise 6a"),
        pytest.param({**AT, "at": "GPA = 3.5, hours = 40"}, Fraction(-1, 2), 0.3775406687981454,
                     id="the same by name"),
        pytest.param({"intercept": -10.6513, "slopes": "0.0055", "at": "1000"},
                     Fraction("-5.1513"), 0.00576, id="ISL 4.3.3: balance 1000"),
        pytest.param({"intercept": -10.6513, "slopes": "0.0055", "at": "2000"},
                     Fraction("0.3487"), 0.586, id="ISL 4.3.3: balance 2000"),
        pytest.param({"intercept": 0, "slopes": "1 -1", "at": "2 2"}, 0, 0.5, id="on the line"),
    ],
)  # fmt: skip
def test_probabilities(given_: dict[str, Any], z: Any, p: float) -> None:
    found = solve("logistic probability", **given_).value
    assert found["z"] == z and found["P"] == pytest.approx(p, rel=1e-3)
    assert found["P"] == pytest.approx(1 / (1 + math.exp(-z)), rel=1e-12)


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        pytest.param({**AT, "solve": "hours", "at": "GPA = 3.5"}, 50, id="ISL 4.8 exercise 6b"),
        pytest.param({**AT, "solve": "GPA", "at": {"hours": 50}}, Fraction(7, 2), id="and back"),
        pytest.param({**AT, "solve": "hours", "at": "GPA = 3.5", "probability": "0.9"},
                     50 + 20 * math.log(9), id="at 90 %"),
        pytest.param({"intercept": 1, "slopes": "-2", "solve": "X_1", "probability": "1/5"},
                     0.5 + math.log(4) / 2, id="falling"),
        pytest.param({"intercept": 0, "slopes": "3", "solve": "X_1"}, 0, id="through the origin"),
    ],
)  # fmt: skip
def test_crossings(given_: dict[str, Any], wanted: Any) -> None:
    found = solve("logistic threshold", **given_).value
    assert found == pytest.approx(wanted, rel=1e-12)
    assert isinstance(found, float) == isinstance(wanted, float)  # exact at an even chance


def test_the_side_is_said() -> None:
    rising = solve("logistic threshold", **AT, solve="hours", at="GPA = 3.5")
    falling = solve("logistic threshold", intercept=1, slopes="-2", solve="X_1")
    assert "larger above" in str(rising) and "larger below" in str(falling)


reals = st.fractions(min_value=-5, max_value=5, max_denominator=8)


@settings(max_examples=30, deadline=None)
@given(reals, reals.filter(bool), reals, reals, st.fractions("1/50", "49/50", max_denominator=50))
def test_the_crossing_has_the_probability(
    b0: Fraction, b1: Fraction, b2: Fraction, x2: Fraction, p: Fraction
) -> None:
    slopes = [str(b1), str(b2)]
    given_: dict[str, Any] = {"intercept": str(b0), "slopes": slopes}
    x1 = solve("logistic threshold", **given_, solve="X_1", at={"X_2": str(x2)},
               probability=str(p)).value  # fmt: skip
    z = float(b0) + float(b1) * float(x1) + float(b2) * float(x2)
    assert 1 / (1 + math.exp(-z)) == pytest.approx(float(p), rel=1e-9)
    tree = solve("logistic expression", **given_).value
    env = {"X_1": float(x1), "X_2": float(x2)}
    assert float(evaluate(tree, env)) == pytest.approx(float(p), rel=1e-9)


ANSWERS = [
    ("1/(1+exp(6-0.05*X1-X2))", "right"),
    ("e^(-6+0.05 X1 + X2)/(1+e^(-6+0.05 X1+X2))", "right"),
    ("sigmoid(-6 + X1/20 + X2)", "right"),
    (r"P = \frac{e^{-6+0.05X_1+X_2}}{1+e^{-6+0.05X_1+X_2}}", "right"),
    (r"\frac{1}{1+e^{-(\beta_0+\beta_1X_1+\beta_2X_2)}}", "right"),  # the model's own letters
    ("1/(1+exp(-(-6+0.05*X1+X2)))", "right"),
    ("exp(-6+0.05*X1+X2)", "odds_as_formula"),
    ("-6+0.05*X1+X2", "linear_as_probability"),
    ("1/(1+exp(-6+0.05*X1+X2))", "other_class"),
    ("1/(1+exp(-6-0.05*X1-X2))", "turned_intercept"),
    ("1/(1+exp(6-0.05*X1))", "term_dropped"),
]


@pytest.mark.parametrize(("text", "meant"), ANSWERS)
def test_answers_in_letters(text: str, meant: str) -> None:
    verdict = grade(Problem("logistic expression", {**ISL, "names": ["X1", "X2"]}), text)
    if meant == "right":
        assert verdict.mark == "right", verdict
    else:
        assert verdict.mark == "wrong" and verdict.mistake == meant


@pytest.mark.parametrize("form", ["text", "tex", "html"])
def test_what_is_zero_times_is_left_out(form: str) -> None:
    answer = solve("logistic expression", intercept=0, slopes="-1 0")
    assert "X_2" not in str(answer.value) and str(answer.value) == "1/(1 + exp(X_1))"
    assert render(answer, form)
    assert evaluate(solve("logistic expression", intercept=0, slopes="0").value) == 0.5


@pytest.mark.parametrize(
    ("kind", "given_", "words"),
    [
        ("threshold", {**ISL, "solve": "X_2", "at": "40", "probability": 1}, "between 0 and 1"),
        ("threshold", {**ISL, "solve": "X_2", "at": "40", "probability": "0"}, "between 0 and 1"),
        ("threshold", {"intercept": 1, "slopes": "0 1", "solve": "X_1", "at": {"X_2": 1}},
         "slope of X_1 is 0"),
        ("threshold", {**ISL, "solve": "X_2"}, "X_1 has no value"),
        ("threshold", {**ISL, "solve": "X_2", "at": "X_2 = 1, X_1 = 2"}, "X_2 is what is looked"),
        ("threshold", {**ISL, "solve": "X_3", "at": "1"}, "no variable is called"),
        ("probability", {**ISL, "at": "40"}, "X_2 has no value"),
        ("probability", {**ISL, "at": "1 2 3"}, "3 values for 2 variables"),
        ("probability", {**ISL, "at": "X_7 = 1"}, "no variable is called"),
        ("probability", {"intercept": 0, "slopes": "1000", "at": "1"}, "1 to all digits"),
        ("expression", {**ISL, "names": "a"}, "2 slopes are given, and 1 names"),
        ("expression", {**ISL, "names": "a,a"}, "given twice"),
        ("expression", {**ISL, "names": "P,q"}, "P means something else"),
        ("expression", {"intercept": "b", "slopes": "1"}, "not 'b'"),
    ],
)
def test_what_cannot_be_asked(kind: str, given_: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        solve(f"logistic {kind}", **given_)


def test_a_probability_slightly_wrong_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = logistic.sigmoid
    monkeypatch.setattr(logistic, "sigmoid", lambda z: right(z) + 1e-6)
    with pytest.raises(CheckFailed):
        solve("logistic probability", **ISL, at="40 3.5")
    with pytest.raises(CheckFailed):
        solve("logistic threshold", **AT, solve="hours", at="GPA = 3.5")
    with pytest.raises(CheckFailed):
        solve("logistic expression", **ISL)


def test_log_odds_slightly_wrong_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = logistic.log_odds
    shifted = Fraction(1001, 1000)
    monkeypatch.setattr(logistic, "log_odds", lambda b, s, v: right(b * shifted, s, v))
    with pytest.raises(CheckFailed):
        solve("logistic probability", **ISL, at="40 3.5")


@pytest.mark.parametrize("z", [-29.5, -24, -15, 14])
def test_probabilities_near_0_and_1_are_answered(z: float) -> None:
    found = solve("logistic probability", intercept=z, slopes=[0], at=[0]).value
    assert found["P"] == pytest.approx(1 / (1 + math.exp(-z)), rel=1e-12)


@pytest.mark.parametrize("z", [14.6, 24.5, 29, 1000, -31])
def test_a_probability_that_would_be_shown_as_1_is_refused(z: float) -> None:
    """Its key would be 1.0, which no probability here is, and 1 would be marked right."""
    with pytest.raises(BadInput, match="to all digits"):
        solve("logistic probability", intercept=z, slopes=[0], at=[0])
