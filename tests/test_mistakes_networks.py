"""Mistakes about layers inside a network, about values of expressions, and slips by one.

The wrong values are worked out by hand from the misconception's own arithmetic.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput, Problem
from solver.grading import grade
from solver.kinds import mistakes, solve
from solver.values import same

NET = "3x33x37: conv 6 k3 s2, relu, maxpool 2, conv 8 k3 p1 nobias, flatten, linear 11"
# 3x33x37 -> 6x16x18 -> 6x8x9 -> 8x8x9 -> 576 -> 11

# kind, what is given, the answer, the mistake (one of those with its value)
REPORTED: list[tuple[str, dict[str, Any], str, str]] = [
    # at this layer alone, all before it right
    ("shape net", {"net": NET, "layer": "pool1"}, "6 x 7 x 8", "conv_size_without_plus_one"),
    ("shape net", {"net": NET, "layer": "conv2"}, "8 x 7 x 8", "padding_counted_once"),
    ("shape net", {"net": NET, "layer": "conv2"}, "8 x 6 x 7", "padding_ignored"),
    ("shape net", {"net": NET, "layer": "conv1"}, "6 x 31 x 35", "stride_ignored"),
    ("shape net", {"net": NET, "layer": "conv2"}, "6 x 8 x 9", "channels_from_input"),
    ("shape net", {"net": NET, "layer": "conv2"}, "48 x 8 x 9", "channels_multiplied"),
    ("shape net", {"net": NET, "layer": "pool1"}, "3 x 8 x 9", "pooling_halves_channels"),
    ("shape net", {"net": NET, "layer": "flatten1"}, "72", "flatten_ignores_channels"),
    # at every layer on the way: 33 -> 15 -> 6 -> 5 and 37 -> 17 -> 7 -> 6, times 8
    ("shape net", {"net": NET, "layer": "flatten1"}, "240", "conv_size_without_plus_one"),
    ("shape net", {"net": NET, "layer": "pool1"}, "6 x 6 x 7", "conv_size_without_plus_one"),
    ("shape net", {"net": "2x14x17: maxpool 3 s2, maxpool 2", "layer": "pool2"}, "2 x 4 x 4",
     "ceil_instead_of_floor"),
    ("shape trace", {"net": NET, "layers": "conv1,pool1,conv2"},
     "6x16x18; 6x8x9; 8x6x7", "padding_ignored"),
    # one fact of several
    ("count layer", {"net": NET, "layer": "conv2", "ask": "shape,weights"},
     "shape 8 x 6 x 7; weights 432", "padding_ignored"),
    ("count layer", {"net": NET, "layer": "conv2", "ask": "shape,weights"},
     "shape 8 x 8 x 9; weights 72", "input_channels_forgotten"),
    ("count layer", {"net": NET, "layer": "conv1", "ask": "shape,weights"},
     "shape 6 x 16 x 18; weights 168", "bias_included_despite_instruction"),
    ("count weights", {"net": NET, "layer": "conv1"}, "54", "input_channels_forgotten"),
    ("count weights", {"net": NET, "layer": "conv1"}, "46656",
     "connections_instead_of_parameters"),
    ("count weights", {"net": NET, "layer": "fc1"}, "792", "flatten_ignores_channels"),
    ("count weights", {"net": NET, "layer": "pool1"}, "24", "pooling_has_parameters"),
    ("count weights", {"net": "6x5x5: conv 4 k3 g=2"}, "216", "grouped_conv_counted_full"),
    # expressions at numbers
    ("eval", {"expr": "norm2(a - b)", "point": "a = (0, 1, 3), b = (0, 0, 0)"}, "10",
     "squared_distance_reported"),
    ("eval", {"expr": "sqrt(a'*a)", "point": "a = (0, 1, 3)"}, "10",
     "squared_distance_reported"),
    ("eval", {"expr": "sigmoid(w*x)", "point": "w = 2, x = 1"}, "7.389", "odds_as_probability"),
    ("eval", {"expr": "-log(p)", "point": "p = 0.2"}, "0.699", "log_base_ten"),
    ("eval", {"expr": "-log(p)", "point": "p = 0.2"}, "2.3219", "log_base_two"),
    # slips by one
    ("update count", {"samples": 50_000, "batch": 128}, "392", "off_by_one"),
    ("update count", {"samples": 50_000, "batch": 128}, "390", "batches_floor_instead_of_ceil"),
    ("field stack", {"kernels": "3,5,7"}, "rf 12; valid loss 12; even layers 0; "
     "symmetric padding sum 6", "off_by_one"),
    ("fit same", {"kernel": 8}, "total 8; before 3; after 4", "off_by_one"),
]  # fmt: skip
IDS = [f"{r[3]} in {r[0]} {i}" for i, r in enumerate(REPORTED)]


@pytest.mark.parametrize(("kind", "given_", "text", "name"), REPORTED, ids=IDS)
def test_the_mistake_is_reported(
    kind: str, given_: dict[str, Any], text: str, name: str
) -> None:
    verdict = grade(Problem(kind, given_), text)
    assert verdict.mark in ("wrong", "partly")
    assert name in verdict.mistake.split(" or ")
    assert verdict.feedback


@pytest.mark.parametrize(("kind", "given_"), [r[:2] for r in REPORTED], ids=IDS)
def test_no_mistake_is_right_and_none_is_named_twice(
    kind: str, given_: dict[str, Any]
) -> None:
    right = solve(kind, **given_).value
    for one in mistakes(Problem(kind, given_)):
        assert same(one.value, right) is False
        if isinstance(one.value, dict) and len(one.value) < len(right):
            assert all(same(v, right[k]) is False for k, v in one.value.items())
        names = one.name.split(" or ")
        assert len(set(names)) == len(names)


def test_paths_that_part_are_not_followed() -> None:
    """What a slip does to a sum of two paths, nobody can say."""
    given_ = {"net": "4x9x9: residual[conv 4 k3 p1], conv 4 k3", "layer": "conv2"}
    found = {m.name: m.value for m in mistakes(Problem("shape net", given_))}
    assert found["conv_size_without_plus_one"] == (4, 6, 6)
    assert mistakes(Problem("shape trace", {"net": given_["net"]})) == []


NETS = ["3x32x32: conv 8 k5, maxpool 2, bn, flatten, linear 10", "CxHxW: conv K kk, maxpool 2",
        "lenet5", "784: linear 10", "3x37x41: deconv 6 k3 s2, conv 4 k3", "3x100: conv 5 k3, gap",
        "3x32x32: maxpool 3 s2 ceil, conv 4 k3 d2 same", "2x7x9x11: conv 3 k3, maxpool 2"]  # fmt: skip


@given(st.sampled_from(["shape net", "shape trace", "count layer", "count weights"]),
       st.sampled_from(NETS))  # fmt: skip
@settings(max_examples=32, deadline=None)
def test_mistakes_of_any_network(kind: str, net: str) -> None:
    try:
        right = solve(kind, net=net).value
    except BadInput:
        return
    for one in mistakes(Problem(kind, {"net": net})):
        assert same(one.value, right) is False
