"""Mistakes about neighbours, logistic regression, similarities and fits, each on an example.

The wrong values are those of the misconception's own arithmetic, written out.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver import kinds
from solver.core import Problem
from solver.grading import grade
from solver.kinds import mistakes, solve
from solver.values import same

POINT = {"point": [0, 1, 3], "query": [1, 1, -1]}  # differences −1, 0, 4
# from the origin: A 4, B √18 = 4.24 (6 by streets), C 5, D 9
FOUR = {"points": "A: 4 0; B: 3 3; C: 0 5; D: 9 0", "query": "0 0"}
VOTERS = {**FOUR, "labels": "x,y,y,x"}
LINE = {"intercept": -2, "slopes": "1 0.5", "at": "1 4"}  # z = 1
CROSS = {"intercept": -2, "slopes": "1 0.5", "at": "X_2 = 1", "solve": "X_1"}  # 1.5
SKEW = {"sources": "A: 3 3; B: 1 0; C: -1 0.1", "image": "1 0.5"}
FIT = {"degree": 1, "x": "0 1 2 4", "y": "0 1 1 5"}

# kind, what is given, the answer, the mistake (one of those with its value)
REPORTED: list[tuple[str, dict[str, Any], str, str]] = [
    ("knn distance", POINT, "17", "squared_distance_reported"),
    ("knn distance", POINT, "5", "l1_for_l2"),
    ("knn distance", POINT, "1", "distance_as_mean_of_coordinates"),
    ("knn distance", POINT, "4", "largest_difference"),
    ("knn distance", POINT, "sqrt(5)", "root_of_the_sum"),
    ("knn predict", {**VOTERS, "k": 3}, "label x; neighbours A, B, C", "nearest_alone"),
    ("knn predict", {**VOTERS, "labels": "x,y,y,y", "k": 1}, "label y; neighbours A",
     "majority_of_all"),
    ("knn predict", {**VOTERS, "k": 1}, "label x; neighbours D", "farthest_vote"),
    ("knn predict", {**VOTERS, "points": "A: 4 0; B: 3 2; C: 0 5; D: 9 0", "k": 1},
     "label x; neighbours A", "other_metric_votes"),
    ("knn neighbours", {**FOUR, "k": 2}, "D, C", "farthest_first"),
    ("knn neighbours", {**FOUR, "k": 2}, "A, C", "other_metric"),
    ("logistic probability", LINE, "z 1; P 2.7183", "odds_as_probability"),
    ("logistic probability", LINE, "z 1; P 0.26894", "complement_reported"),
    ("logistic probability", LINE, "z 3; P 0.95257", "intercept_forgotten"),
    ("logistic probability", LINE, "z 5; P 0.99331", "intercept_turned"),
    ("logistic threshold", CROSS, "-2.5", "intercept_sign"),
    ("logistic threshold", CROSS, "2", "threshold_as_log_odds or others_forgotten"),
    ("logistic threshold", {**CROSS, "probability": "0.9"}, "2.4", "threshold_as_log_odds"),
    ("similarity cosine", {"sources": "A: 3 4; B: 0 2", "image": "4 3"}, "sims 24, 6; ties no",
     "dot_products_reported"),
    ("similarity cosine", {"sources": "A: 3 4; B: 0 2", "image": "4 3"}, "sims 4.8, 3; ties no",
     "one_length_forgotten"),
    ("similarity cosine", {"sources": "A: 3 4; B: 0 2", "image": "4 3"},
     "sims 0.0384, 0.06; ties no", "squared_lengths"),
    ("similarity pseudolabel", {**SKEW, "n": 2}, "CB", "least_similar_first"),
    ("similarity pseudolabel", {**SKEW, "n": 1, "sources": "A: 3 9; B: 1 0; C: -1 0.1"}, "A",
     "ranked_by_dot_products"),
    ("similarity pseudolabel", {**SKEW, "n": 3, "sources": "A: 0 1; B: 1 0; C: -1 0.1"}, "BCA",
     "sign_ignored"),
    ("regression loocv", FIT, "mse 0.3857142857; std 1.0", "training_error_reported"),
    ("regression repeat", {"degree": 1, "seed": 4}, "same no", "randomness_misplaced"),
    ("regression repeat", {"degree": 1, "seed": 4, "folds": 5}, "same yes",
     "randomness_misplaced"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "given_", "text", "name"), REPORTED)
def test_the_mistake_is_told(kind: str, given_: dict[str, Any], text: str, name: str) -> None:
    verdict = grade(Problem(kind, given_), text)
    assert verdict.mark in ("wrong", "partly"), verdict
    assert verdict.mistake == name, verdict
    assert verdict.feedback


def wrong(kind: str, name: str, **given_: Any) -> Any:
    found = mistakes(Problem(kind, given_))
    return next(m.value for m in found if name in m.name.split(" or "))


def test_errors_of_other_kinds() -> None:
    x, y = [0, 1, 2, 4], [0, 1, 1, 5]
    mx, my = 7 / 4, 7 / 4
    slope = sum((a - mx) * (b - my) for a, b in zip(x, y)) / sum((a - mx) ** 2 for a in x)
    trained = sum((b - my - slope * (a - mx)) ** 2 for a, b in zip(x, y)) / 4
    value = wrong("regression loocv", "training_error_reported", **FIT)["mse"]
    assert value == pytest.approx(trained)
    right = solve("regression loocv", **FIT).value
    root = wrong("regression loocv", "root_taken", **FIT)["mse"]
    assert root == pytest.approx(math.sqrt(right["mse"]))
    std = wrong("regression loocv", "deviation_of_a_sample", **FIT)["std"]
    assert std == pytest.approx(right["std"] * math.sqrt(4 / 3))
    assert wrong("regression loocv", "absolute_errors", **FIT)["mse"] < right["mse"]


def test_the_most_flexible_has_the_smallest_training_error() -> None:
    given_ = {"degrees": "1,2,3,4", "seed": 1999, "skip": 1}
    assert wrong("regression compare", "chosen_by_training_error", **given_)["degree"] == 4
    shapes: dict[str, Any] = {"degrees": "0,1,2,3,4,5", "noise": "1/4"}
    found = wrong("regression bias-variance", "most_flexible_chosen", **shapes)
    assert found["argmin_test_degree"] == 5
    assert wrong("regression bias-variance", "constant_rate_claim", **shapes)["bias2_equal_steps"]


FAMILIES = ("knn", "logistic", "similarity", "regression")


def registered() -> set[str]:
    """The names of all mistakes of these families."""
    mistakes(Problem("knn distance", POINT))
    return {name for kind, found in kinds._mistakes.items() if kind.split()[0] in FAMILIES
            for name, *_ in found}  # fmt: skip


def test_each_is_shown_here_or_in_letters() -> None:
    from tests.test_logistic import ANSWERS

    told = {n for *_, name in REPORTED for n in name.split(" or ")} | {m for _, m in ANSWERS}
    told |= {"root_taken", "deviation_of_a_sample", "absolute_errors", "most_flexible_chosen",
             "chosen_by_training_error", "constant_rate_claim"}  # fmt: skip
    assert registered() - told == set()


whole = st.integers(-4, 4)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(whole, whole), min_size=3, max_size=6, unique=True), st.data())
def test_no_mistake_has_a_value_of_the_key(points: list[Any], data: Any) -> None:
    labels = data.draw(st.lists(st.sampled_from("ab"), min_size=len(points), max_size=len(points)))
    k = data.draw(st.integers(1, len(points)))
    given_ = {"points": [list(p) for p in points], "labels": labels, "query": [0, 0], "k": k,
              "ties": "first"}  # fmt: skip
    right = solve("knn predict", **given_).value
    for one in mistakes(Problem("knn predict", given_)):
        if len(one.value) < len(right):
            assert all(same(v, right[name]) is False for name, v in one.value.items())
        assert same(one.value, right) is False
