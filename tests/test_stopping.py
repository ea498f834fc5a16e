"""Early stopping on curves: patience, Prechelt's generalisation loss, marked epochs.

L. Prechelt, "Early Stopping — But When?", 1998, section 2.1; Keras, EarlyStopping.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.core import BadInput, Problem
from solver.kinds import mistakes, solve
from solver.kinds import stopping as kinds
from solver.training.stopping import GeneralisationLoss, Patience, best, waits
from solver.values import Record, same, show

CURVE = [1.0, 0.8, 0.9, 0.7, 0.88, 0.95, 0.6, 0.7, 0.79, 1.2, 1.6]
ACCURACY = [0.9563, 0.9758, 0.9733, 0.9838, 0.9845, 0.9846, 0.9858, 0.9805, 0.9877, 0.9844]
MARKED = [0.9, 0.6, 0.75, 0.8, 0.55, 0.42, 0.4, 0.46, 0.62, 0.85, 1.05, 1.2]
MARKS = {"A": 2, "B": 4, "C": 6, "D": 7, "E": 9, "F": 11}

VALUES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("patience", {"values": ACCURACY, "patience": 5, "larger": True},
     {"stopped": False, "max_wait": 1, "best_epoch": 9}),
    ("patience", {"values": [5, 6, 4], "patience": 3, "losses": [3, 1, 1]},
     {"stopped": False, "max_wait": 1, "best_epoch": 3, "best_loss_epoch": 2}),
    ("patience", {"values": [1, 0.8, 0.9, 0.85, 0.7], "patience": 2},
     {"stopped": True, "stop_epoch": 4, "max_wait": 2, "best_epoch": 2}),
    ("patience", {"values": [1, 0.8, 0.8, 0.8], "patience": 2},  # equal is no improvement
     {"stopped": True, "stop_epoch": 4, "max_wait": 2, "best_epoch": 2}),
    ("patience", {"values": [1, 0.95, 0.9, 0.85], "patience": 2, "delta": 0.1},
     {"stopped": True, "stop_epoch": 3, "max_wait": 2, "best_epoch": 3}),
    ("patience", {"values": [3], "patience": 1},
     {"stopped": False, "max_wait": 0, "best_epoch": 1}),
    ("loss", {"values": CURVE, "thresholds": [28, 150]},
     {"stop28": 6, "stop150": 11, "argmin": 7}),
    ("loss", {"values": [1, 1.05], "thresholds": [5]},  # reached, not exceeded
     {"stop5": False, "argmin": 1}),
    ("ratio", {"thresholds": [28, 150]},
     {"ratio_28": Fraction(32, 25), "ratio_150": Fraction(5, 2), "printed_at_best": 99,
      "printed_28_stops_first_epoch": True}),
    ("ratio", {"thresholds": [120]},
     {"ratio_120": Fraction(11, 5), "printed_at_best": 99,
      "printed_120_stops_first_epoch": False}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "asked", "value"), VALUES)
def test_values(kind: str, asked: dict[str, Any], value: dict[str, Any]) -> None:
    answer = solve(f"stopping {kind}", **asked)
    assert dict(answer.value) == value
    assert all(c.ok for c in answer.checks)


@pytest.mark.parametrize(
    ("asked", "letter"),
    [
        ({"thresholds": [28]}, "B"),
        ({"thresholds": [150]}, "F"),
        ({"thresholds": [28, 150], "of": "overfitting"}, "F"),
        ({"of": "lowest"}, "D"),
    ],
)
def test_marked_epochs(asked: dict[str, Any], letter: str) -> None:
    answer = solve("stopping mark", values=MARKED, marks=MARKS, **asked)
    assert show(answer.value) == letter
    (picture,) = answer.pictures
    assert picture.stated and len(picture.asked["series"]) == 1  # no threshold on the sheet


def test_marks_are_read_from_text() -> None:
    asked = {"values": "1 0.8 0.9 0.7 0.95", "marks": "A: 2, B: 5", "thresholds": 28}
    assert show(solve("stopping mark", **asked).value) == "B"


curves = st.lists(st.integers(1, 9), min_size=1, max_size=12)


@given(curves, st.integers(1, 4))
def test_training_and_the_kind_stop_in_the_same_epoch(curve: list[int], patience: int) -> None:
    value = solve("stopping patience", values=curve, patience=patience).value
    rule = Patience(patience)
    stops = [t for t in range(1, len(curve) + 1) if rule(curve[:t])]
    assert value.get("stop_epoch") == (stops[0] if stops else None)


@given(curves, st.integers(1, 200))
def test_the_loss_stops_as_in_training(curve: list[int], limit: int) -> None:
    found = solve("stopping loss", values=curve, thresholds=[limit]).value[f"stop{limit}"]
    rule = GeneralisationLoss(limit)
    stops = [t for t in range(1, len(curve) + 1) if rule([Fraction(v) for v in curve[:t]])]
    assert found == (stops[0] if stops else False)


@given(curves)
def test_without_delta_a_wait_is_the_age_of_the_best(curve: list[int]) -> None:
    assert waits(curve) == [t - best(curve[: t + 1]) for t in range(len(curve))]
    assert waits(curve) == waits([-v for v in curve], larger=True)


# -- checks ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "ok"),
    [({}, True), ({"stop_epoch": 5}, False), ({"max_wait": 1}, False),
     ({"best_epoch": 1}, False), ({"stopped": False}, False)],
)  # fmt: skip
def test_the_gaps_catch_a_wrong_epoch(changed: dict[str, Any], ok: bool) -> None:
    curve = [Fraction(v) for v in (10, 8, 9, 9, 7)]
    value = Record({"stopped": True, "stop_epoch": 4, "max_wait": 2, "best_epoch": 2} | changed)
    assert kinds.by_records(curve, False, 0, 2, value).ok is ok


def test_a_loss_that_is_not_the_lowest_is_caught() -> None:
    assert kinds.lowest([3, 1, 1], 2).ok
    assert not kinds.lowest([3, 1, 1], 1).ok and not kinds.lowest([3, 1, 1], 3).ok


@pytest.mark.parametrize(
    ("changed", "ok"), [({}, True), ({"stop28": 5}, False), ({"argmin": 6}, False)]
)
def test_pairs_catch_a_wrong_stop(changed: dict[str, Any], ok: bool) -> None:
    value = Record({"stop28": 6, "argmin": 7} | changed)
    curve = [Fraction(str(v)) for v in CURVE]
    assert kinds.by_ratio(curve, [Fraction(28)], value).ok is ok


@pytest.mark.parametrize(("edge", "ok"), [("32/25", True), ("1281/1000", False), ("0.28", False)])
def test_curves_catch_a_wrong_ratio(edge: str, ok: bool) -> None:
    value = Record(ratio_28=Fraction(edge), printed_at_best=99)
    assert kinds.on_curves([Fraction(28)], value).ok is ok


# -- mistakes ----------------------------------------------------------------------------

PATIENCE = {"values": [1, 0.8, 0.9, 0.85, 0.7], "patience": 2}
LOSS = {"values": CURVE, "thresholds": [28, 150]}
MISTAKES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("smaller_for_larger", "patience", {"values": ACCURACY, "patience": 5, "larger": True},
     {"stopped": True, "max_wait": 5, "best_epoch": 1}),
    ("epochs_from_zero", "patience", PATIENCE, {"stop_epoch": 3, "best_epoch": 1}),
    ("best_counts_as_waiting", "patience", PATIENCE, {"max_wait": 3}),
    ("stops_behind_the_patience", "patience", PATIENCE, {"stop_epoch": 5}),
    ("any_fall_counts", "patience", PATIENCE, {"max_wait": 1}),
    ("bracket_left_out", "loss", LOSS, {"stop28": 1, "stop150": 10}),
    ("against_the_overall_lowest", "loss", LOSS, {"stop28": 1}),
    ("against_the_first", "loss", LOSS, {"stop28": 11, "stop150": False}),
    ("first_rise", "loss", LOSS, {"stop28": 3, "stop150": 3}),
    ("points_for_per_cent", "loss", {"values": [2, 2.5, 2.9], "thresholds": [28]},
     {"stop28": 2}),
    ("stop_from_zero", "loss", LOSS, {"stop28": 5, "stop150": 10, "argmin": 6}),
    ("one_not_added", "ratio", {"thresholds": [28, 150]},
     {"ratio_28": Fraction(7, 25), "ratio_150": Fraction(3, 2)}),
    ("intended_form", "ratio", {"thresholds": [28, 150]}, {"printed_at_best": 0}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "asked", "wrong"), MISTAKES)
def test_mistakes(name: str, kind: str, asked: dict[str, Any], wrong: dict[str, Any]) -> None:
    found = mistakes(Problem(f"stopping {kind}", asked))
    mine = [m for m in found if name in m.name.split(" or ")]
    assert mine, [m.name for m in found]
    assert dict(mine[0].value) == wrong
    assert same(mine[0].value, solve(f"stopping {kind}", **asked).value) is False


@pytest.mark.parametrize(
    ("name", "asked", "letter"),
    [
        ("mark_of_the_lowest", {"thresholds": [28]}, "D"),
        ("mark_before_the_stop", {"thresholds": [28]}, "A"),
        ("mark_on_a_bump", {"thresholds": [28, 150], "of": "overfitting"}, "B"),
    ],
)
def test_mistakes_about_marks(name: str, asked: dict[str, Any], letter: str) -> None:
    problem = Problem("stopping mark", {"values": MARKED, "marks": MARKS, **asked})
    mine = [m for m in mistakes(problem) if name in m.name.split(" or ")]
    assert [show(m.value) for m in mine] == [letter]


def test_the_first_rise_is_a_mistake_where_it_is_marked() -> None:
    given_ = {"values": MARKED, "marks": {"A": 3, "B": 4}, "thresholds": [28]}
    names = [m.name for m in mistakes(Problem("stopping mark", given_))]
    assert "mark_against_the_first_rise" in names


# -- refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "asked", "said"),
    [
        ("patience", {"values": [1, 2], "patience": 0}, "1 or more"),
        ("patience", {"values": [1, 2], "patience": 1, "delta": -1}, "0 or more"),
        ("patience", {"values": [1, 2], "patience": 1, "losses": [1]}, "one of both"),
        ("loss", {"values": [1, 0], "thresholds": [5]}, "above 0"),
        ("loss", {"values": [1, 2], "thresholds": [-5]}, "above 0"),
        ("ratio", {"thresholds": [5, 5]}, "differ"),
        ("loss", {"values": [1, 0.8, 0.9, 2], "thresholds": [12.5, 12.5000001]}, "differ"),
        ("mark", {"values": MARKED, "marks": MARKS}, "thresholds"),
        ("mark", {"values": MARKED, "marks": {"A": 1, "B": 99}, "thresholds": [5]}, "behind"),
        ("mark", {"values": MARKED, "marks": {"A": 1, "B": 3}, "thresholds": [28]}, "no mark"),
        ("mark", {"values": MARKED, "marks": MARKS, "of": "highest"}, "lowest"),
        ("mark", {"values": MARKED, "marks": "A B", "thresholds": [28]}, "A: 2"),
    ],
)
def test_what_cannot_be_asked_is_refused(kind: str, asked: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        solve(f"stopping {kind}", **asked)
