"""Checking one answer: read by its type, compared, explained."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import Problem
from solver.grading import grade, grade_part
from solver.sets import load_set

CONV = Problem("shape conv", {"input": [3, 32, 32], "out_channels": 8, "kernel": 5}, points=2)
COUNT = Problem("count params", {"net": "3x32x32: conv 8 k5"}, points=2)
LAYER = Problem("count layer", {"net": "3x32x32: conv 6 k5"}, points=3)
LETTERS = Problem("count params", {"net": "CxHxW: conv C k2, conv C k6"})
FIT = Problem("fit conv", {"input": 64, "output": 32, "kernel": 3})
POOL = Problem("run pool", {"input": "1 1 1 0;1 1 1 0;1 1 1 0;0 0 0 0", "kernel": 2, "mode": "avg"})
RATIO = Problem("values", {"parts": {"ratio": {"kind": "count compare", "nets": "inception-naive; inception-reduced", "of": "macs", "entry": "ratio"}}})  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "answer", "mark", "mistake"),
    [
        (CONV, "8 x 28 x 28", "right", ""),
        (CONV, "(8, 28, 28)", "right", ""),
        (CONV, r"$8\times28\times28$", "right", ""),
        (CONV, "28 x 28 x 8", "right", ""),
        (CONV, "28 × 28, 8 channels", "right", ""),
        (CONV, "8x27x27", "wrong", "conv_size_without_plus_one"),
        (CONV, "3x28x28", "wrong", "channels_from_input"),
        (CONV, "8x28", "wrong", ""),
        (CONV, "I think it is smaller", "invalid", ""),
        (COUNT, "608", "right", ""),
        (COUNT, "608 parameters", "right", ""),
        (COUNT, "8*(5*5*3+1) = 608", "right", ""),
        (COUNT, "params = 608", "right", ""),
        (COUNT, "600 = 608", "partly", ""),
        (COUNT, "608 = 600", "wrong", "bias_omitted"),
        (COUNT, "600", "wrong", "bias_omitted"),
        (COUNT, "601", "wrong", "one_bias_per_layer"),
        (COUNT, "208", "wrong", "input_channels_forgotten"),
        (COUNT, "624", "wrong", "bias_per_input_channel"),
        (COUNT, "0.6K", "undecided", ""),
        (COUNT, "600 or 608", "invalid", ""),
        (COUNT, "", "invalid", ""),
        (COUNT, "9^9^9^9", "invalid", ""),
        (COUNT, "1/0", "invalid", ""),
        (COUNT, "n", "invalid", ""),
        (LETTERS, "40C^2 + 2C", "right", ""),
        (LETTERS, "2C*(20C + 1)", "right", ""),
        (LETTERS, "40C² + 2", "wrong", "one_bias_per_layer"),
        (LETTERS, "40c^2+2c", "wrong", ""),
        (FIT, "p=1, s=2", "right", ""),
        (FIT, "padding = 1, stride = 2", "right", ""),
        (FIT, "1, 2", "right", ""),
        (FIT, "p=2, s=2", "wrong", ""),
        (POOL, "[[1, 0.5], [0.5, 0.25]]", "right", ""),
        (POOL, "1 1/2; 1/2 1/4", "right", ""),
        (POOL, "1 1; 1 1", "wrong", "max_and_average_swapped"),
        (POOL, "1 2; 3", "invalid", ""),
        (LAYER, "shape 6x28x28; weights 450; params 456", "right", ""),
        (LAYER, "6x28x28; 450; 450", "partly", "bias_omitted"),
        (LAYER, "params: 456", "partly", ""),
        (LAYER, "1x1x1; 2; 3", "wrong", ""),
        (RATIO, "ratio 3.148", "right", ""),
        (RATIO, "ratio 3.2", "wrong", ""),
    ],
)  # fmt: skip
def test_verdicts(problem: Problem, answer: str, mark: str, mistake: str) -> None:
    verdict = grade(problem, answer)
    assert (verdict.mark, verdict.mistake) == (mark, mistake), verdict
    assert (verdict.points == problem.points) == (mark == "right")
    assert bool(verdict.understood_as) == (mark != "invalid")
    if mark in ("partly", "invalid", "undecided") or mistake:
        assert verdict.feedback


def test_in_a_set_either_order_is_read() -> None:
    whole = load_set("s1")
    part = whole["2.1.1"]
    for answer in ("25 x 25 x 64", "64 x 25 x 25"):
        assert grade_part(whole, part, answer).mark == "right"
    assert grade_part(whole, part, "24x24x64").mistake


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.sampled_from([CONV, COUNT, LETTERS, FIT, POOL, LAYER]))
def test_no_text_crashes_it(answer: str, problem: Problem) -> None:
    verdict = grade(problem, answer)
    assert verdict.mark in ("right", "partly", "wrong", "undecided", "invalid")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**12))
def test_a_wrong_number_is_never_right(n: int) -> None:
    for text in (str(n), f"{n:,}", f"{n} parameters"):
        assert (grade(COUNT, text).mark == "right") == (n == 608)
