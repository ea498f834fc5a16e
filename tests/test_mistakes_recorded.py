"""Mistakes that recorded answers of students show: in gradients, losses, logs and batch norm.

Each differs from the right value of its example, is the one reported, and has the name
under which teachers record it.
"""

from __future__ import annotations

from typing import Any

import pytest

from solver.core import Problem
from solver.grading import grade
from solver.kinds import mistakes, solve
from solver.values import same

TWO_PATHS = "a1 = w*x1; a2 = w*x2; L = a1^2 + v*a2"
SCALARS = "w: scalar, x1: scalar, x2: scalar, v: scalar"
BCE = "z = x*W; p = sigmoid(z); L = {}sum(y.*log(p) + (1-y).*log(1-p))"
LOG = {"errors": 239, "samples": 10_000, "printed": "0.0028", "batch": 32}

# kind, what is given, the answer, the mark, the mistake
REPORTED: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("grad", {"expr": "tr(A*A)", "wrt": "A", "where": "A: n x n"}, "2*tr(A)", "wrong",
     "trace_kept_around_gradient"),
    ("jacobian", {"expr": "A*y", "wrt": "y", "where": "A: m x n, y: n"}, "A'", "wrong",
     "jacobian_layout_transposed"),
    ("backprop net", {"net": TWO_PATHS, "wrt": "w", "where": SCALARS}, "2*a1*x1", "wrong",
     "shared_weight_one_path"),
    ("backprop net", {"net": TWO_PATHS, "wrt": "w", "where": SCALARS}, "v*x2", "wrong",
     "shared_weight_one_path"),
    ("backprop net", {"net": TWO_PATHS, "wrt": "w,v", "where": SCALARS}, "w = v*x2; v = a2",
     "partly", "shared_weight_one_path"),
    ("backprop net", {"net": BCE.format(""), "wrt": "W"}, "x'*(p - y)", "wrong",
     "bce_minus_sign_assumed"),
    ("backprop net", {"net": BCE.format("-"), "wrt": "W"}, "x'*(y - p)", "wrong",
     "sign_flipped"),
    ("loss l2", {}, "g + 2*lambda*w", "wrong", "weight_decay_without_update_rule"),
    ("loss consistency", LOG, "lower bound 0.01657; possible as mean yes; times batch 0.0896",
     "partly", "batch_mean_loss_divided_by_n"),
    ("loss consistency", LOG, "lower bound 0.0239; possible as mean no; times batch 0.0896",
     "partly", "log_base_two"),
    ("loss consistency", LOG, "lower bound 0.007195; possible as mean no; times batch 0.0896",
     "partly", "log_base_ten"),
    ("loss accuracy", {"correct": 9761, "samples": 10_000, "threshold": "0.975"},
     "accuracy 0.0239; meets yes", "partly", "complement_reported"),
    ("backprop batch-norm", {"x": "0 0 2 2", "gradient": "1 2 3 5", "gamma": 4, "epsilon": 0},
     "x: -2.8146 0.6495 -2.3816 4.5466; gamma: 4.3301; beta: 11", "partly",
     "bn_unbiased_batch_variance"),
]  # fmt: skip
IDS = [f"{r[4]} in {r[0]} {i}" for i, r in enumerate(REPORTED)]


@pytest.mark.parametrize(("kind", "given_", "text", "mark", "name"), REPORTED, ids=IDS)
def test_the_mistake_is_reported(
    kind: str, given_: dict[str, Any], text: str, mark: str, name: str
) -> None:
    verdict = grade(Problem(kind, given_), text)
    assert (verdict.mark, verdict.mistake) == (mark, name)
    assert verdict.feedback


@pytest.mark.parametrize(("kind", "given_"), [r[:2] for r in REPORTED], ids=IDS)
def test_no_mistake_is_right(kind: str, given_: dict[str, Any]) -> None:
    right = solve(kind, **given_).value
    found = mistakes(Problem(kind, given_))
    assert found
    assert all(same(one.value, right) is False for one in found)


def test_no_shared_path_where_nothing_is_shared() -> None:
    given_ = {"net": "a = w*x; L = a^2", "wrt": "w", "where": "w: scalar, x: scalar"}
    names = {one.name for one in mistakes(Problem("backprop net", given_))}
    assert "shared_weight_one_path" not in names


def test_no_trace_is_kept_where_there_is_none() -> None:
    given_ = {"expr": "x'*A*y", "wrt": "A", "where": "A: m x n, x: m, y: n"}
    names = {one.name for one in mistakes(Problem("grad", given_))}
    assert "trace_kept_around_gradient" not in names


def test_a_mean_that_can_be_has_no_such_slip() -> None:
    found = mistakes(Problem("loss consistency", {**LOG, "printed": "0.28"}))
    assert "batch_mean_loss_divided_by_n" not in {one.name for one in found}
