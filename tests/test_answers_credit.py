"""What an answer earns: follow-through, other inputs, totals, decimal commas, either layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from solver.core import Problem
from solver.grading import grade, grade_part
from solver.kinds import solve
from solver.sets import ProblemSet, load_set
from tests.answering import judged

SET = """
title = "Two parts"
[[problem]]
id = "size"
kind = "shape conv"
given = { input = [1, 28, 28], kernel = 5, out_channels = 6 }
[[problem]]
id = "kernel"
kind = "answer integer"
given = { key = "5" }
[[problem]]
id = "next"
points = 4
follow_credit = 0.75
follows = { kernel = "kernel" }
kind = "shape conv"
given = { input = [3, 32, 32], kernel = 5, out_channels = 6 }
"""


@pytest.fixture
def two(tmp_path: Path) -> ProblemSet:
    path = tmp_path / "two.toml"
    path.write_text(SET)
    return load_set(path)


# 32 − k + 1: 28 with the right kernel, 30 with the student's own 3 (arithmetic of sizes,
# Dumoulin & Visin 2016, relationship 1).
@pytest.mark.parametrize(
    ("earlier", "text", "mark", "points"),
    [
        ({"kernel": "5"}, "6x28x28", "right", 4),
        ({"kernel": "3"}, "6x28x28", "right", 4),
        ({"kernel": "3"}, "6x30x30", "partly", 3),
        ({"kernel": "3"}, "6x29x29", "wrong", 0),
        ({"kernel": "5"}, "6x30x30", "wrong", 0),
        ({"kernel": "no idea"}, "6x30x30", "wrong", 0),
        ({"kernel": "10^9"}, "6x30x30", "wrong", 0),
        ({}, "6x30x30", "wrong", 0),
    ],
)
def test_a_later_part_follows_the_students_own_answer(
    two: ProblemSet, earlier: dict[str, str], text: str, mark: str, points: float
) -> None:
    verdict = grade_part(two, two["next"], text, earlier)
    assert (verdict.mark, verdict.points) == (mark, points)
    if mark == "partly":
        assert "given your own answer to kernel" in verdict.feedback


def test_inputs_other_than_those_given(two: ProblemSet) -> None:
    verdict = grade(two["size"], "6x26x26")  # kernel 3, or padding 1: 28 − 3 + 1
    assert verdict.mark == "wrong" and "here it is" in verdict.feedback
    assert "other_inputs" in verdict.mistake or "forgot" in verdict.mistake
    assert grade(two["size"], "6x24x24").mark == "right"
    assert "other_inputs" not in grade(two["size"], "6x23x23").mistake


def test_right_rows_with_a_wrong_total() -> None:
    problem = Problem("count memory", {"net": "lenet5-modern", "unit": "B"}, points=3)
    rows = solve(problem).value
    assert rows["total"] == sum(v for k, v in rows.items() if k != "total")
    said = "; ".join(f"{k} {v}" for k, v in rows.items())
    assert grade(problem, said).mark == "right"
    verdict = grade(problem, said.replace(str(rows["total"]), str(rows["total"] + 10)))
    assert (verdict.mark, verdict.mistake) == ("partly", "total_wrong")
    assert 0 < verdict.points < 3


@pytest.mark.parametrize(
    ("comma", "text", "mark"),
    [(True, "0,5", "right"), (True, "0.5", "right"), (False, "0,5", "right"), (True, "5", "wrong"),
     (True, "1.234,5", "wrong"), (True, "0,57", "wrong")],
)  # fmt: skip
def test_decimal_commas(comma: bool, text: str, mark: str) -> None:
    assert judged("number", "0.5", text, **({"comma": True} if comma else {})).mark == mark


def test_thousands_with_points_where_decimals_have_commas() -> None:
    assert judged("number", "1234.5", "1.234,5", comma=True).mark == "right"
    assert judged("number", "1234", "1.234", comma=True).mark == "right"


@pytest.mark.parametrize("either", [True, False])
def test_layout_is_part_of_the_answer(either: bool) -> None:
    given = {"where": "A: m x n", "either_layout": either}
    assert judged("expression", "A", "A", **given).mark == "right"
    turned = judged("expression", "A", "A^T", **given)
    assert turned.mark == ("right" if either else "wrong")
    if not either:
        assert turned.mistake == "jacobian_layout_transposed" or "transpose" in turned.mistake


def test_a_right_end_behind_a_false_link_earns_the_share_of_its_problem() -> None:
    problem = Problem("answer number", {"key": "12"}, points=4, credit=0.25)
    verdict = grade(problem, "3*3 = 12")
    assert (verdict.mark, verdict.points) == ("partly", 1)
    assert "9" in verdict.feedback or "3·3" in verdict.feedback
    assert grade(replace(problem, credit=0), "3*3 = 12").points == 0
    assert grade(problem, "3*4 = 12").mark == "right"


@pytest.mark.parametrize("text", ["2x + 0/0", "2x + 0*(1/0)", "2x + 0*log(0)"])
def test_a_number_without_a_value_is_seen_where_trees_simplify(text: str) -> None:
    whole = load_set("s0")
    verdict = grade_part(whole, whole["1.1a"], text)
    assert verdict.mark == "invalid" and "has no value" in verdict.feedback
    assert grade_part(whole, whole["1.1a"], "2x + 0/3").mark == "right"


@pytest.mark.parametrize(
    ("text", "mark"), [("416520", "right"), ("416520 MACs", "right"), ("833040 FLOPs", "right"),
                       ("416520 FLOPs", "wrong"), ("833040 MACs", "wrong"), ("833040", "wrong")]
)  # fmt: skip
def test_a_count_is_in_what_it_counts(text: str, mark: str) -> None:
    # LeNet-5 as commonly modernised: 117600 + 240000 + 48000 + 10080 + 840 multiply-adds,
    # each of them two FLOPs
    assert grade(Problem("count macs", {"net": "lenet5-modern"}), text).mark == mark
