"""Receptive fields: published values, laws, refusals, a corrupted growth."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import CheckFailed
from solver.kinds import field as field_kinds
from solver.kinds import solve
from solver.networks import combine, layers
from tests.lettered import refused

# Araujo, Norris and Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks",
# and the table of google-research/receptive_field: field, stride, padding (None: it depends
# on the input there, whose 'SAME' pads more behind than in front).
PUBLISHED = [
    ("alexnet", "conv1", 11, 4, 0, "Araujo 2019, alexnet_v2 conv1"),
    ("alexnet", "pool1", 19, 8, 0, "Araujo 2019, alexnet_v2 pool1"),
    ("alexnet", "conv2", 51, 8, 16, "Araujo 2019, alexnet_v2 conv2"),
    ("alexnet", "conv3", 99, 16, 32, "Araujo 2019, alexnet_v2 conv3"),
    ("alexnet", "conv4", 131, 16, 48, "Araujo 2019, alexnet_v2 conv4"),
    ("alexnet", "conv5", 163, 16, 64, "Araujo 2019, alexnet_v2 conv5"),
    ("alexnet", "pool5", 195, 32, 64, "Araujo 2019, alexnet_v2 pool5"),
    ("vgg16", "conv1_1", 3, 1, 1, "Araujo 2019, vgg_16 conv1_1"),
    ("vgg16", "pool1", 6, 2, 2, "Araujo 2019, vgg_16 pool1"),
    ("vgg16", "pool2", 16, 4, 6, "Araujo 2019, vgg_16 pool2"),
    ("vgg16", "pool3", 44, 8, 18, "Araujo 2019, vgg_16 pool3"),
    ("vgg16", "pool4", 100, 16, 42, "Araujo 2019, vgg_16 pool4"),
    ("vgg16", "pool5", 212, 32, 90, "Araujo 2019, vgg_16 pool5"),
    ("inception-v3", "Mixed_7c", 1311, 32, 618, "Araujo 2019, inception_v3"),
    ("mobilenet-v1", "conv13_pointwise", 315, 32, None, "Araujo 2019, mobilenet_v1"),
    ("resnet50-v1", "layer4", 483, 32, None, "Araujo 2019, resnet_v1_50"),
    ("resnet101-v1", "layer4", 1027, 32, None, "Araujo 2019, resnet_v1_101"),
    ("resnet152-v1", "layer4", 1507, 32, None, "Araujo 2019, resnet_v1_152"),
    ("resnet50", "layer4", 427, 32, None, "ResNet-50 v1.5, the stride on the 3x3"),
    ("resnet18", "layer4", 435, 32, None, "ResNet-18"),
    ("lenet5", "S4", 16, 4, 0, "LeNet-5 S4, LeCun 1998"),
    ("lenet5", "C5", 32, 4, 0, "LeNet-5 C5 sees the whole 32x32, LeCun 1998"),
    ("3x37x41: conv 3 k3, conv 3 k3", "conv2", 5, 1, 0, "two 3x3 are a 5x5, Simonyan 2015"),
    ("3x37x41: (conv 3 k3)*3", "conv3", 7, 1, 0, "three 3x3 are a 7x7, Simonyan 2015"),
    ("3x37x41: conv 3 k3 s2, conv 3 k3", "conv2", 7, 2, 0, "misconceptions.md: 7, not 5"),
    ("1x67x71: conv 2 k3 p1, conv 2 k3 p1, conv 2 k3 p2 d2, conv 2 k3 p4 d4, conv 2 k3 p8 d8, "
     "conv 2 k3 p16 d16, conv 2 k3 p1", "conv7", 67, 1, 33, "Yu and Koltun 2016 table 1"),
    ("1x2000: conv 2 k2 d1, conv 2 k2 d2, conv 2 k2 d4, conv 2 k2 d8, conv 2 k2 d16, "
     "conv 2 k2 d32, conv 2 k2 d64, conv 2 k2 d128, conv 2 k2 d256, conv 2 k2 d512", "conv10",
     1024, 1, 0, "WaveNet, van den Oord 2016: 1024"),
    ("3x37x41: conv 3 k1", "conv1", 1, 1, 0, "1x1 sees one position"),
    ("3x37x41: relu, bn, dropout", "dropout1", 1, 1, 0, "layers that work value by value"),
    ("3x37x41: pad 2, conv 3 k3", "conv1", 3, 1, 2, "padding by itself"),
    ("3x36x36: conv 3 k3 p1, adaptiveavgpool 6, conv 3 k3", "conv2", 20, 6, 1, "even cells"),
    ("3x37x41: residual[conv 3 k3 p1, conv 3 k3 p1], conv 5 k3 s2", "conv3", 7, 2, 2,
     "residual, then stride"),
    ("3x37x41: add[conv 3 k3 p1 s2 | conv 3 k1 s2], conv 5 k3 s2", "conv3", 7, 4, 1,
     "stride inside a residual block"),
    ("3x37x41: [conv 5 k3 p1 | conv 7 k5 p2 | maxpool 3 s1 p1], maxpool 2", "pool2", 6, 2, 2,
     "the widest of the branches"),
    ("3x37x41: [conv 5 k3 p1 | conv 7 k4 same], maxpool 2", "pool1", 5, 2, 1,
     "branches that reach to different sides"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("net", "layer", "rf", "stride", "padding"),
    [p[:5] for p in PUBLISHED],
    ids=[p[5] for p in PUBLISHED],
)
def test_published(net: str, layer: str, rf: int, stride: int, padding: int | None) -> None:
    found = solve("field net", net=net, layer=layer).value
    assert (found["rf"], found["stride"]) == (rf, stride)
    if padding is not None:
        assert found["padding"] == padding
    assert found["centre"] == Fraction(found["rf"] - 1, 2) - found["padding"]


STACKS = [
    ("3,3,3", "1", 7, 1, "Simonyan 2015, three 3x3"),
    ("3,3", "1", 5, 1, "Simonyan 2015, two 3x3"),
    ("3,3", "2,1", 7, 2, "misconceptions.md, rf_ignores_stride"),
    ("3,3,3", "2,2,2", 15, 8, "three at stride 2"),
    ("11,3,5,3,3,3,3,3", "4,2,1,2,1,1,1,2", 195, 32, "AlexNet, Araujo 2019"),
    ("7", "2", 7, 2, "one layer"),
    ("1,1", "1", 1, 1, "1x1 only"),
    ("2,2,2,2", "2", 16, 16, "four poolings"),
]


@pytest.mark.parametrize(
    ("kernels", "strides", "rf", "stride"), [s[:4] for s in STACKS], ids=[s[4] for s in STACKS]
)
def test_stacks(kernels: str, strides: str, rf: int, stride: int) -> None:
    found = solve("field stack", kernels=kernels, strides=strides).value
    assert (found["rf"], found.get("stride", 1)) == (rf, stride)


def test_what_a_stack_costs_without_padding() -> None:
    found = solve("field stack", kernels="3,5,2").value
    assert found["valid_loss"] == 2 + 4 + 1
    assert found["even_layers"] == 1
    assert "symmetric_padding_sum" not in found
    assert solve("field stack", kernels="3,5").value["symmetric_padding_sum"] == 3


def test_each_axis_by_itself() -> None:
    found = solve("field net", net="3x37x41: conv 3 k3x5 s2x1, conv 5 k3").value
    assert (found["rf_h"], found["stride_h"], found["rf_w"], found["stride_w"]) == (7, 2, 7, 1)


def test_without_a_layer_it_says_which_one_it_is_about() -> None:
    answer = solve("field net", net="3x37x41: conv 5 k3, flatten, linear 10")
    assert any("of conv1" in note for note in answer.conventions)
    assert solve("field net", net="vgg16").value["rf"] == 212


# -- laws ---------------------------------------------------------------------------------

WINDOW = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(0, 2), st.integers(1, 3))


def back(units: set[int], window: Any) -> set[int]:
    """The input positions that these outputs read: tap by tap."""
    k, s, p, d = window
    return {u * s - p + j * d for u in units for j in range(k)}


def text(window: Any) -> str:
    k, s, p, d = window
    return f"conv 2 k{k} s{s} p{p} d{d}"


@given(st.lists(WINDOW, min_size=1, max_size=4))
@settings(max_examples=80)
def test_a_stack_followed_back_tap_by_tap(windows: list[Any]) -> None:
    net = "1x400x401: " + ", ".join(map(text, windows))
    found = solve("field net", net=net).value
    spans = []
    for unit in (0, 1):
        seen = {unit}
        for window in reversed(windows):
            seen = back(seen, window)
        spans.append(seen)
    first, second = spans
    assert found["padding"] == -min(first)
    assert found["rf"] == max(first) - min(first) + 1
    assert found["stride"] == min(second) - min(first)


@given(st.lists(WINDOW, min_size=1, max_size=3), st.lists(WINDOW, min_size=1, max_size=2), WINDOW)
@settings(max_examples=60)
def test_paths_side_by_side_see_what_either_sees(a: Any, b: Any, last: Any) -> None:
    """Branches that keep the size: stride 1, padding that fits; then one more layer."""
    ways = [[(2 * (k // 2) + 1, 1, d * (k // 2), d) for k, _, _, d in way] for way in (a, b)]
    inside = " | ".join(", ".join(map(text, way)) for way in ways)
    found = solve("field net", net=f"1x200x201: [{inside}], {text(last)}").value
    first: set[int] = set()
    for way in ways:
        seen = back({0}, last)
        for window in reversed(way):
            seen = back(seen, window)
        first |= seen
    assert (found["padding"], found["rf"]) == (-min(first), max(first) - min(first) + 1)
    assert found["stride"] == last[1]


@given(st.lists(st.tuples(st.integers(1, 7), st.integers(1, 3)), min_size=1, max_size=5))
def test_a_stack_is_its_network(layers_: list[tuple[int, int]]) -> None:
    kernels, strides = zip(*layers_)
    net = "1x3000x3001: " + ", ".join(f"conv 2 k{k} s{s}" for k, s in layers_)
    stack = solve("field stack", kernels=list(kernels), strides=list(strides)).value
    found = solve("field net", net=net).value
    assert (stack["rf"], stack.get("stride", 1)) == (found["rf"], found["stride"])


@given(st.lists(st.integers(2, 7), min_size=1, max_size=5))
def test_at_stride_one_order_does_not_matter(kernels: list[int]) -> None:
    one = solve("field stack", kernels=kernels).value
    assert one["rf"] == solve("field stack", kernels=sorted(kernels)).value["rf"]
    assert one["rf"] == 1 + sum(k - 1 for k in kernels)


# -- refusals -----------------------------------------------------------------------------

REFUSED = [
    ("field net", {"net": "784: linear 10"}, "no layer of this network has a receptive field"),
    ("field net", {"net": "vgg16", "layer": "fc1"}, "sees the whole input"),
    ("field net", {"net": "vgg16", "layer": "fc9"}, "did you mean fc"),
    ("field net", {"net": "3x37x41: upsample 2, conv 5 k3"}, "no layer of this network has"),
    ("field net", {"net": "3x37x41: conv 4 k3, deconv 5 k2 s2, conv 5 k3", "layer": "conv2"},
     "the last layer with a field of its own is conv1"),
    ("field net", {"net": "3x37x41: conv 4 k3, flatten 2, conv1d 5 k3", "layer": "conv2"},
     "the last layer with a field of its own"),
    ("field net", {"net": "3x37x41: conv 3 kk"}, "in letters is not supported"),
    ("field net", {"net": "3x37x41: [maxpool 2 s1 | conv 5 k3 s1]"}, "cannot be concatenated"),
    ("field net", {"net": "3x3x3: (conv 3 k3 p1 s1000000000)*9"}, "grow beyond"),
    ("field net", {}, "field net needs net"),
    ("field stack", {}, "field stack needs kernels"),
    ("field stack", {"kernels": ""}, "such as 2,5,2"),
    ("field stack", {"kernels": "0,3"}, "kernel must be 1 or more, not 0"),
    ("field stack", {"kernels": "-3"}, "kernel must be 1 or more, not -3"),
    ("field stack", {"kernels": "3,3", "strides": "0"}, "stride must be 1 or more, not 0"),
    ("field stack", {"kernels": "3,3", "strides": "1,2,1"}, "need as many strides, not 3"),
    ("field stack", {"kernels": "k,3"}, "whole number, not 'k'"),
    ("field stack", {"kernels": [3] * 1001}, "at most 1000 layers"),
    ("field stack", {"kernels": [10**9] * 9, "strides": [10**9] * 9}, "grows beyond"),
    ("field stack", {"kernels": 10**30}, "too large"),
    ("field stac", {"kernels": "3"}, "did you mean field stack"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "given_", "words"), REFUSED, ids=[f"{r[0]} {str(r[1])[:60]}" for r in REFUSED]
)
def test_refused(kind: str, given_: dict[str, Any], words: str) -> None:
    refused(lambda: solve(kind, **given_), words)


# -- a corrupted growth is caught ---------------------------------------------------------

NET = "3x37x41: conv 7 k5 p1, maxpool 2, conv 3 k3 d2"


@pytest.mark.parametrize("part", ["start", "end", "jump"])
def test_a_field_off_by_one_is_caught(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = layers.widen

    def wrong(field: Any, window: Any) -> Any:
        found = right(field, window)
        if not window or found is None:
            return found
        return tuple(
            layers.Field(**{**vars(f), part: getattr(f, part) + 1}) for f in found
        )

    assert solve("field net", net=NET)
    monkeypatch.setattr(layers, "widen", wrong)
    with pytest.raises(CheckFailed):
        solve("field net", net=NET)


def test_a_merge_that_forgets_a_path_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    net = "3x37x41: [conv 5 k3 p1 | conv 7 k5 p2], maxpool 2"
    assert solve("field net", net=net)
    monkeypatch.setattr(combine, "merged", lambda fields: fields[0])
    with pytest.raises(CheckFailed):
        solve("field net", net=net)


@pytest.mark.parametrize("formula", ["GROWTH", "PLAIN"])
def test_the_formula_shown_is_the_growth(formula: str) -> None:
    """r + (k − 1)·d·j, evaluated, is the line beneath it."""
    from solver.expressions.nodes import evaluate

    tree = getattr(field_kinds, formula)
    assert evaluate(tree, {"r": 6, "k": 3, "d": 1, "j": 2}) == 10


def test_a_wrong_stack_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels k for k − 1, in the sum only."""
    right = field_kinds.times
    monkeypatch.setattr(field_kinds, "times", lambda *a: right(*a) + 1)
    with pytest.raises(CheckFailed):
        solve("field stack", kernels="3,3", strides="2,1")
