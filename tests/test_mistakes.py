"""Every mistake about shapes, counts, fields and work by hand, each on an example.

The wrong values are those of the misconception's own arithmetic, written out; where
misconceptions.md gives an example, its numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver import kinds
from solver.core import BadInput, Mistake, Problem
from solver.kinds import mistakes, solve
from solver.values import same

MODULES = ("solver.kinds.mistakes_shapes", "solver.kinds.mistakes_counts")


def sized(input: str, **given_: Any) -> dict[str, Any]:
    return {"input": input, **given_}


CONV5 = "3x32x32: conv 8 k5"
C1 = "lenet5"
CHAIN = {"kernels": "3,3,3", "strides": "2,1,1"}
NET = "3x37x41: conv 8 k3 s2, conv 8 k3"
PLAIN = "3x32x32: conv 8 k5, relu, maxpool 2, flatten, linear 10"

# name, kind, given, right, wrong
EXAMPLES: list[tuple[str, str, dict[str, Any], Any, Any]] = [
    # misconceptions.md: 32, k5 -> 28, 27
    ("conv_size_without_plus_one", "shape conv", sized("3x32x32", kernel=5, out_channels=8),
     (8, 28, 28), (8, 27, 27)),
    ("conv_size_without_plus_one", "shape pool", sized("8x28x30", kernel=2),
     (8, 14, 15), (8, 13, 14)),
    # 224, k7 s2 p3 -> 112, 113
    ("ceil_instead_of_floor", "shape conv",
     sized("3x224x224", kernel=7, stride=2, padding=3, out_channels=64),
     (64, 112, 112), (64, 113, 113)),
    ("ceil_instead_of_floor", "shape pool", sized("8x13x15", kernel=2), (8, 6, 7), (8, 7, 8)),
    ("floor_instead_of_ceil", "shape pool", sized("8x13x15", kernel=2, ceil_mode=True),
     (8, 7, 8), (8, 6, 7)),
    # 28, k3 p1 -> 28, 27
    ("padding_counted_once", "shape conv",
     sized("3x28x28", kernel=3, padding=1, out_channels=8), (8, 28, 28), (8, 27, 27)),
    ("padding_counted_once", "shape pool", sized("8x28x30", kernel=3, stride=1, padding=1),
     (8, 28, 30), (8, 27, 29)),
    ("padding_ignored", "shape conv", sized("3x32x32", kernel=5, padding=2, out_channels=8),
     (8, 32, 32), (8, 28, 28)),
    ("padding_ignored", "shape pool", sized("8x28x30", kernel=3, stride=1, padding=1),
     (8, 28, 30), (8, 26, 28)),
    ("dilation_ignored", "shape conv", sized("3x32x34", kernel=3, dilation=2, out_channels=8),
     (8, 28, 30), (8, 30, 32)),
    ("dilation_ignored", "shape pool", sized("8x32x34", kernel=3, stride=1, dilation=2),
     (8, 28, 30), (8, 30, 32)),
    ("stride_ignored", "shape conv", sized("3x32x34", kernel=5, stride=2, out_channels=8),
     (8, 14, 15), (8, 28, 30)),
    ("stride_ignored", "shape pool", sized("8x28x30", kernel=2), (8, 14, 15), (8, 27, 29)),
    ("two_p_read_as_two_minus_p", "shape conv",
     sized("3x32x34", kernel=5, padding=2, out_channels=8), (8, 32, 34), (8, 28, 30)),
    ("two_p_read_as_two_minus_p", "shape pool", sized("8x28x30", kernel=5, stride=1, padding=2),
     (8, 28, 30), (8, 24, 26)),
    # 32, k5 s2 -> 14, 14.5
    ("floor_forgotten", "shape conv", sized("3x32x34", kernel=5, stride=2, out_channels=8),
     (8, 14, 15), (8, Fraction(29, 2), Fraction(31, 2))),
    ("floor_forgotten", "shape pool", sized("8x13x15", kernel=2), (8, 6, 7),
     (8, Fraction(13, 2), Fraction(15, 2))),
    ("channels_from_input", "shape conv", sized("3x32x32", kernel=5, out_channels=8),
     (8, 28, 28), (3, 28, 28)),
    ("channels_multiplied", "shape conv", sized("3x32x32", kernel=5, out_channels=8),
     (8, 28, 28), (24, 28, 28)),
    ("pooling_halves_channels", "shape pool", sized("64x56x58", kernel=2), (64, 28, 29),
     (32, 28, 29)),
    # 672, 256
    ("concat_as_max_or_sum_same_depth", "shape net", {"net": "inception-naive"},
     (672, 32, 32), (256, 32, 32)),
    # (8, 8, 3), 192
    ("reduced_to_scalar", "shape conv", sized("1x8x8", kernel=1, out_channels=3), (3, 8, 8),
     (192,)),
    ("reduced_to_scalar", "shape pool", sized("3x16x16", kernel=2), (3, 8, 8), (192,)),
    # 64, 65
    ("off_by_one", "shape net", {"net": "3x66x66: conv 5 k3"}, (5, 64, 64), (5, 65, 65)),
    ("off_by_one", "shape net", {"net": "3x62x62: deconv 5 k3"}, (5, 64, 64), (5, 63, 63)),
    ("off_by_one", "count params", {"net": "63: linear 1"}, 64, 65),
    ("off_by_one", "count macs", {"net": "8: linear 8"}, 64, 65),
    ("off_by_one", "count activations", {"net": "784: linear 64"}, 64, 63),
    ("off_by_one", "field stack", {"kernels": "3,3,3"}, {"rf": 7}, {"rf": 8}),
    ("off_by_one", "fit same", {"kernel": 8}, {"total": 7}, {"total": 6}),
    ("off_by_one", "update count", {"samples": 100, "batch": 10}, 10, 11),
    # 608, 601
    ("one_bias_per_layer", "count params", {"net": CONV5}, 608, 601),
    # 608, 208
    ("input_channels_forgotten", "count params", {"net": CONV5}, 608, 208),
    # 608, 624
    ("bias_per_input_channel", "count params", {"net": CONV5}, 608, 624),
    ("bias_omitted", "count params", {"net": CONV5}, 608, 600),
    ("bias_included_despite_instruction", "count params", {"net": CONV5, "bias": False},
     600, 608),
    ("bias_included_despite_instruction", "count weights", {"net": CONV5}, 600, 608),
    ("bias_per_output_value", "count params", {"net": CONV5}, 608, 600 + 8 * 28 * 28),
    # 156, 122304
    ("connections_instead_of_parameters", "count params", {"net": C1, "layer": "C1"},
     156, 122_304),
    # 576, 36864
    ("grouped_conv_counted_full", "count params",
     {"net": "64x14x14: conv 64 k3 g=64 nobias"}, 576, 36_864),
    ("pooling_has_parameters", "count params", {"net": PLAIN}, 608 + 15_690, 608 + 32 + 15_690),
    # 660, 720
    ("bn_running_stats_as_trainable", "count params", {"net": "19: linear 30, bn"}, 660, 720),
    ("norms_forgotten", "count params", {"net": "19: linear 30, bn"}, 660, 600),
    # 25152, 3200
    ("flatten_ignores_channels", "count params",
     {"net": "8x7x7: flatten, linear 64", "layer": "fc1"}, 25_152, 3_200),
    ("flops_macs_factor_two", "count macs", {"net": CONV5}, 470_400, 940_800),
    ("flops_macs_factor_two", "count flops", {"net": CONV5}, 940_800, 470_400),
    ("macs_with_input_size", "count macs", {"net": "3x32x32: conv 8 k5 s2 p2"},
     600 * 256, 600 * 1024),
    ("macs_with_input_size", "count macs", {"net": "3x32x32: conv 8 k5 s2 p2", "batch": 7},
     7 * 600 * 256, 7 * 600 * 1024),
    ("macs_are_parameters", "count macs", {"net": CONV5}, 470_400, 600),
    ("activations_without_channels", "count activations", {"net": CONV5}, 6_272, 784),
    ("activations_without_channels", "count activations", {"net": CONV5, "batch": 7},
     7 * 6_272, 7 * 784),
    # 400 bytes, 100: one byte a value
    ("unit_confused", "count memory", {"net": "99: linear 1", "unit": "B"},
     {"params": 400}, {"params": 100}),
    ("unit_confused", "count memory", {"net": "99: linear 1", "unit": "B"},
     {"params": 400}, {"params": 200}),
    ("unit_confused", "count memory", {"net": "99: linear 1", "unit": "B"},
     {"params": 400}, {"params": 3_200}),
    ("unit_confused", "count memory", {"net": "624999: linear 1", "unit": "MB"},
     {"params": Fraction(5, 2)}, {"params": Fraction(2_500_000, 2**20)}),
    # 7, 9 and 7, 5
    ("rf_sum_of_kernels", "field stack", {"kernels": "3,3,3"}, {"rf": 7}, {"rf": 9}),
    ("rf_ignores_stride", "field stack", {"kernels": "3,3", "strides": "2,1"}, {"rf": 7},
     {"rf": 5}),
    ("rf_is_the_last_kernel", "field stack", CHAIN, {"rf": 11}, {"rf": 3}),
    ("rf_sum_of_kernels", "field net", {"net": "3x37x41: (conv 3 k3)*3"}, {"rf": 7}, {"rf": 9}),
    ("rf_ignores_stride", "field net", {"net": NET}, {"rf": 7}, {"rf": 5}),
    ("rf_is_the_last_kernel", "field net", {"net": NET}, {"rf": 7}, {"rf": 3}),
    ("true_convolution_flip", "run conv", sized("1 2 3; 4 5 6; 7 8 9", kernel="1 2; 3 4"),
     ((37, 47), (67, 77)), ((23, 33), (53, 63))),
    ("true_convolution_flip", "run conv",
     sized("1 2 3; 4 5 6; 7 8 9", kernel="1 2; 3 4", flip=True),
     ((23, 33), (53, 63)), ((37, 47), (67, 77))),
    ("kernel_transposed", "run conv", sized("1 2 3; 4 5 6; 7 8 9", kernel="1 2; 3 4"),
     ((37, 47), (67, 77)), ((35, 45), (65, 75))),
    ("max_and_average_swapped", "run pool", sized("1 2; 3 4", kernel=2), ((4,),),
     ((Fraction(5, 2),),)),
    ("max_and_average_swapped", "run pool", sized("1 2; 3 4", kernel=2, mode="avg"),
     ((Fraction(5, 2),),), ((4,),)),
]  # fmt: skip
IDS = [f"{e[0]} in {e[1]} {i}" for i, e in enumerate(EXAMPLES)]


def agrees(found: Any, wanted: Any) -> bool:
    """Equal, or in the entries that are wanted."""
    if isinstance(wanted, Mapping):
        return all(same(found[k], v) is True for k, v in wanted.items())
    return same(found, wanted) is True


def called(one: Mistake, name: str) -> bool:
    """Whether a mistake has this name, also where two that cannot be told apart are one."""
    return name in one.name.split(" or ")


@pytest.mark.parametrize(("name", "kind", "given_", "right", "wrong"), EXAMPLES, ids=IDS)
def test_the_wrong_value(
    name: str, kind: str, given_: dict[str, Any], right: Any, wrong: Any
) -> None:
    problem = Problem(kind, given_)
    value = solve(problem).value
    assert agrees(value, right)
    met = [one for one in mistakes(problem) if called(one, name)]
    assert any(agrees(one.value, wrong) for one in met)
    for one in met:
        assert same(one.value, value) is False
        assert one.feedback


def registered() -> list[tuple[str, str]]:
    """(kind or family, name) of all mistakes of these modules."""
    for module in MODULES:
        kinds.load(module)
    return [
        (kind, name)
        for kind, all_ in kinds._mistakes.items()
        for name, _, function in all_
        if function.__module__ in MODULES
    ]


@pytest.mark.parametrize(("kind", "name"), registered(), ids=lambda x: str(x))
def test_no_mistake_is_without_an_example(kind: str, name: str) -> None:
    family = kind.removesuffix("*")
    assert any(
        e[0] == name and (e[1] == kind or kind.endswith("*") and e[1].startswith(family))
        for e in EXAMPLES
    )


@pytest.mark.parametrize(("kind", "name"), registered(), ids=lambda x: str(x))
def test_feedback_is_in_the_students_terms(kind: str, name: str) -> None:
    """A sentence that says what is there, and why it is not so; nothing of the code's."""
    (said, *_) = [f for n, f, _ in kinds._mistakes[kind] if n == name]
    assert re.match(r"[A-Z].{25,}\.$", said)
    assert "_" not in re.sub(r"\$[^$]*\$", "", said)


# -- the list of a problem ----------------------------------------------------------------

PROBLEMS = list({(e[1], str(e[2])): (e[1], e[2]) for e in EXAMPLES}.values())


@pytest.mark.parametrize(("kind", "given_"), PROBLEMS, ids=[f"{p[0]} {p[1]}" for p in PROBLEMS])
def test_no_mistake_is_right_and_no_value_is_there_twice(kind: str, given_: Any) -> None:
    problem = Problem(kind, given_)
    right, found = solve(problem).value, mistakes(problem)
    values = [one.value for one in found]
    assert all(same(v, right) is False for v in values)
    for i, v in enumerate(values):
        assert all(same(v, w) is not True for w in values[i + 1 :])


def test_two_that_give_the_same_value_are_named_together() -> None:
    given_ = sized("3x28x28", kernel=3, padding=1, out_channels=8)
    (one,) = [m for m in mistakes(Problem("shape conv", given_))
              if called(m, "padding_counted_once")]  # fmt: skip
    assert called(one, "conv_size_without_plus_one") and " Or: " in one.feedback


def test_a_slip_stands_back_where_a_misconception_explains_more() -> None:
    given_ = {"net": "784: linear 1"}
    found = [m.name for m in mistakes(Problem("count params", given_)) if m.value == 784]
    assert found == ["bias_omitted"]


def test_a_problems_own_mistake_comes_first() -> None:
    own = Mistake("mine", 601, "Mine.")
    found = mistakes(Problem("count params", {"net": CONV5}, mistakes=(own,)))
    assert found[0].name == "mine or one_bias_per_layer"
    assert mistakes(Problem("count params", {"net": CONV5}, mistakes=(Mistake("", 7, "x"),)))[
        0
    ] == Mistake("", 7, "x")


def test_what_was_left_out_on_purpose_stays_out() -> None:
    """The question's own conventions hold in its mistakes too."""
    given_ = {"net": "64x14x14: conv 128 k3 p1, bn", "norm": False}
    values = {m.name: m.value for m in mistakes(Problem("count params", given_))}
    assert values["one_bias_per_layer"] == 128 * 576 + 1


def test_no_explanation_that_cannot_be() -> None:
    """Without padding nobody reads 2p as 2 − p; rounding up is right in ceil mode."""
    names = [m.name for m in mistakes(Problem("shape conv", sized("3x32x32", kernel=5)))]
    assert not any("two_p" in n or "padding" in n or "stride" in n for n in names)
    given_ = sized("8x13x15", kernel=2, ceil_mode=True)
    names = [m.name for m in mistakes(Problem("shape pool", given_))]
    assert not any("padding" in n or "dilation" in n for n in names)


def test_an_entry_of_several_has_its_mistakes() -> None:
    problem = Problem("count layer", {"net": CONV5, "ask": "shape,params"})
    found = {m.name: m.value for m in mistakes(problem)}
    assert found["one_bias_per_layer"] == {"params": 601}
    parts = {"a": {"kind": "count params", "net": CONV5}, "b": {"kind": "fit same", "kernel": 3}}
    found = {m.name: m.value for m in mistakes(Problem("values", {"parts": parts}))}
    assert found["one_bias_per_layer"] == {"a": 601}


# -- in letters, and never a crash --------------------------------------------------------


def test_in_letters() -> None:
    given_ = {"kernel": "k", "padding": "p", "out_channels": "K"}
    found = {m.name: m.value for m in mistakes(Problem("shape conv", given_))}
    assert str(found["padding_ignored"][1]) == "H − k + 1"
    assert str(found["channels_from_input"][0]) == "C_in"
    found = {m.name: m.value for m in mistakes(Problem("count params", {"net": "CxHxW: conv K k3"}))}
    assert str(found["bias_omitted"]) == "9K·C"


NETS = ["3x32x32: conv 8 k5, maxpool 2, bn, flatten, linear 10", "CxHxW: conv K kk, maxpool 2",
        "lenet5", "inception-naive", "784: linear 10", "CxHxW: [conv 3 k1 | conv C k3 p1]",
        "3x37x41: deconv 6 k3 s2, conv 4 k3", "12xHxW: conv 24 k3 g=g", "3x100: conv 5 k3, gap",
        "CxHxW: residual[conv C k3 p1], gap, flatten, linear K", "3x32x32: custom foo 10"]  # fmt: skip
KINDS = ["shape net", "shape trace", "count params", "count weights", "count macs", "count flops",
         "count activations", "count memory", "count connections", "count table", "field net"]  # fmt: skip


@given(st.sampled_from(KINDS), st.sampled_from(NETS), st.sampled_from(["", "conv1", "pool1"]))
@settings(max_examples=60)
def test_mistakes_of_any_network(kind: str, net: str, layer: str) -> None:
    given_: dict[str, Any] = {"net": net}
    if layer and kind not in ("count table", "shape trace"):
        given_["layer"] = layer
    try:
        right = solve(kind, **given_).value
    except BadInput:
        return
    for one in mistakes(Problem(kind, given_)):
        assert same(one.value, right) is False


@given(st.sampled_from(["3x37x41", "CxHxW", "3xHx11", "2x3x17x19"]),
       st.sampled_from([2, 3, "k", "3x5"]), st.sampled_from([1, 2, "s"]),
       st.sampled_from([0, 1, "p"]), st.booleans())  # fmt: skip
@settings(max_examples=20)
def test_mistakes_of_any_window(input: str, k: Any, s: Any, p: Any, ceil: bool) -> None:
    for kind, more in (("shape conv", {}), ("shape pool", {"ceil_mode": ceil})):
        given_ = {"input": input, "kernel": k, "stride": s, "padding": p, **more}
        try:
            right = solve(kind, **given_).value
        except BadInput:
            continue
        for one in mistakes(Problem(kind, given_)):
            assert same(one.value, right) is False


def test_a_mistake_that_crashes_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what cannot be made with these inputs is passed over; a bug is not hidden."""

    def broken(**given_: Any) -> Any:
        raise KeyError("ours")

    monkeypatch.setitem(kinds._mistakes, "fit same", [("broken", "Broken.", broken)])
    with pytest.raises(KeyError):
        mistakes(Problem("fit same", {"kernel": 3}))


def test_the_verb_stays_a_verb() -> None:
    """A module of the same name would take its place once it is loaded."""
    import solver

    problem = Problem("shape conv", sized("3x32x32", kernel=5))
    assert solver.mistakes(problem) and solver.mistakes(problem)
    assert kinds.mistakes is mistakes
