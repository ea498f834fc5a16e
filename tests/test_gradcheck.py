"""Gradient checks: losses, networks beside differences, printed numbers, quotients.

The ground truth of the printed numbers is the gradient-check table of a course's log.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import e, exp
from math import log as ln

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput, CheckFailed
from solver.expressions.digits import digits
from solver.expressions.nodes import Call, Num
from solver.expressions.parse import parse
from solver.kinds import solve
from solver.kinds.gradcheck_difference import SCHEMES
from solver.networks.combine import sequence
from solver.networks.layers import layer
from solver.networks.notation import read_net
from solver.numeric import backward_leaves, differences, losses
from solver.numeric.backward_leaves import BACKS
from solver.numeric.differences import CLOSE, Entry, Tensor, compare, drawn, smooth
from solver.numeric.forward import random_weights

CNN = "1x8x8: conv 4 k3, relu, maxpool 2, flatten, linear 5"
SMALL = "1x5x5: conv 2 k3, relu, flatten, linear 3"
NORMED = "2x5x5: conv 3 k3, bn, relu, dropout 0.3, flatten, linear 3"


def table(net, **given):
    """The rows by their first column."""
    value = solve("gradcheck net", net=net, **given).value
    return {row[0]: dict(zip(value.columns, row)) for row in value}


# -- losses --------------------------------------------------------------------------

LN2 = ln(2)
VALUES = [
    ("cross-entropy of equal logits: ln C", "cross-entropy", [[0, 0, 0]], [1], ln(3), [[1 / 3, -2 / 3, 1 / 3]]),
    ("cross-entropy, mean over the batch", "cross-entropy", [[0, 0], [0, 0]], [1, 0], LN2, [[0.25, -0.25], [-0.25, 0.25]]),
    ("cross-entropy of large logits", "cross-entropy", [[1000, 0]], [1], 1000, [[1, -1]]),
    ("cross-entropy with probabilities", "cross-entropy", [[0, 0]], [[0.5, 0.5]], LN2, [[0, 0]]),
    ("cross-entropy without a batch", "cross-entropy", [0, 0], 1, LN2, [0.5, -0.5]),
    ("logits, mean over all values", "bce-with-logits", [[0, 0]], [[1, 0]], LN2, [[-0.25, 0.25]]),
    ("a large logit", "bce-with-logits", [-1000], [1], 1000, [-1]),
    ("probabilities", "bce", [0.25, 0.5], [1, 0], (ln(4) + LN2) / 2, [-2, 1]),
    ("a probability of 0 is cut off at 100, as in PyTorch", "bce", [0.0], [1], 100, [-1e12]),
    ("squares, no factor ½", "mse", [[1, 2], [3, 5]], [[1, 0], [3, 4]], 5 / 4, [[0, 1], [0, 0.5]]),
    ("Σ y", "sum", [[1, 2, 3]], None, 6, [[1, 1, 1]]),
]  # fmt: skip


@pytest.mark.parametrize("name, y, target, value, slope", [v[1:] for v in VALUES], ids=[v[0] for v in VALUES])
def test_loss_values(name, y, target, value, slope):
    found, gradient = losses.loss(name, np.array(y, dtype=float), target)
    assert np.isclose(found, value) and np.allclose(gradient, slope)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(7, 3), (2, 3, 5)])
@pytest.mark.parametrize("name", list(losses.LOSSES))
def test_gradients_of_losses_are_central_differences(name, shape, reduction):
    random = np.random.default_rng(2)
    y = random.uniform(0.1, 0.9, shape)
    target = losses.random_target(name, y, random)
    _, gradient = losses.loss(name, y, target, reduction)
    h = 1e-6
    for at in np.ndindex(*shape):
        ends = []
        for sign in (1, -1):
            moved = y.copy()
            moved[at] += sign * h
            ends.append(np.sum(losses.loss(name, moved, target, reduction)[0]))
        assert np.isclose((ends[0] - ends[1]) / (2 * h), gradient[at], atol=1e-8)


def test_reductions_agree():
    y, target = np.array([[0.2, 0.7], [0.4, 0.1], [0.9, 0.3]]), [1, 0, 1]
    each, _ = losses.loss("cross-entropy", y, target, "none")
    assert each.shape == (3,)
    assert np.isclose(losses.loss("cross-entropy", y, target)[0], each.mean())
    assert np.isclose(losses.loss("cross-entropy", y, target, "sum")[0], each.sum())


BAD = [
    ("classes go from 0 to 2", "cross-entropy", np.zeros((2, 3)), [0, 3]),
    ("a class for each of", "cross-entropy", np.zeros((2, 3)), [0, 1, 2]),
    ("a class for each of", "cross-entropy", np.zeros((2, 3)), [0.0, 1.0]),
    ("from 0 to 1, not -1 to 2", "bce", np.array([-1.0, 2.0]), [0, 1]),
    ("the output's shape", "mse", np.zeros((2, 3)), np.zeros((3, 2))),
    ("no loss is called 'hinge'", "hinge", np.zeros(2), [0]),
]


@pytest.mark.parametrize("says, name, y, target", BAD)
def test_losses_refuse(says, name, y, target):
    with pytest.raises(BadInput, match=says):
        losses.loss(name, y, target)


# -- networks ------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["cross-entropy", "bce-with-logits", "mse", "sum"])
def test_every_tensor_of_a_small_network_agrees(loss):
    rows = table(CNN, loss=loss)
    assert list(rows) == ["conv1.weight", "conv1.bias", "fc1.weight", "fc1.bias", "input"]
    for row in rows.values():
        assert row["verdict"] == "agrees" and row["relative"] < CLOSE
        assert np.isclose(row["backprop"], row["difference"], rtol=CLOSE)
    assert rows["conv1.weight"]["shape"] == "4×1×3×3"


def test_probabilities_take_bce():
    rows = table("3: linear 2, sigmoid", loss="bce")
    assert {r["verdict"] for r in rows.values()} == {"agrees"}
    with pytest.raises(BadInput, match="put a sigmoid last, or take bce-with-logits"):
        table("3: linear 2", loss="bce")


def test_a_bias_before_batch_norm_says_nothing_in_training():
    """The batch's mean takes any bias away: its gradient is 0, which is no agreement."""
    rows = table(NORMED, training=True, batch=5)
    assert rows["conv1.bias"]["verdict"] == "says nothing" and rows["conv1.bias"]["relative"] == "0/0"
    assert rows["bn1.gamma"]["verdict"] == rows["conv1.weight"]["verdict"] == "agrees"
    assert table(NORMED, batch=5)["conv1.bias"]["verdict"] == "agrees"


def test_the_sum_of_probabilities_says_nothing():
    rows = table("3: linear 2, softmax", loss="sum")
    assert {r["verdict"] for r in rows.values()} == {"says nothing"}


def test_indices_have_no_row():
    rows = table("7: embedding 11 embedding_dim=5 padding_idx=3, flatten, linear 3")
    assert "input" not in rows and rows["embedding1.weight"]["verdict"] == "agrees"


def setting(one, x, *, bias=None, **how):
    """A network compared on weights of the test's own."""
    weights = random_weights(one, x.shape)
    if bias is not None:
        weights["fc.bias"] = np.array(bias, dtype=float)
    return compare(one, x, weights, **{"loss": "sum", "entries": 100, "h": 1e-5} | how)


def verdicts(found):
    return {t.name: t.verdict for t in found.tensors}


DENSE = sequence(("fc", layer["linear"](3)), ("relu", layer["activation"]()))


def test_a_dead_relu_says_nothing():
    x = np.random.default_rng(1).normal(size=(5, 2))
    found = setting(DENSE, x, bias=[-100, -100, -100])
    assert verdicts(found) == dict.fromkeys(["fc.weight", "fc.bias", "input"], "says nothing")
    assert all(e.verdict == "zero" for t in found.tensors for e in t.entries)
    alive = setting(DENSE, x, bias=[-100, 100, -100])
    assert set(verdicts(alive).values()) == {"agrees"}
    weight = next(t for t in alive.tensors if t.name == "fc.weight")
    assert {e.at[0] for e in weight.of("agrees")} == {1}  # the dead rows are passed over


RELU = sequence(("relu", layer["activation"]()))
OFFSETS = [0, 1e-7, 1e-6, 2.5e-6, 10e-6 / 3, 4.44e-6, 4.6e-6, 5e-6, 7e-6, 9e-6]


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_kink_is_passed_over_wherever_it_lies(offset, sign):
    """The difference is wrong there, and backprop is not: neither agrees nor differs."""
    x = np.array([[sign * offset, 2.0, -3.0]])
    found = setting(RELU, x, loss="mse", target=np.array([[5.0, 0.0, 0.0]]))
    first, second, third = found.tensors[0].entries
    assert [first.verdict, second.verdict, third.verdict] == ["kink", "agrees", "zero"]


def test_a_kink_of_max_pooling_is_passed_over():
    x = np.array([[[1.0, 1.0 + 4e-6, 0.0, 3.0]]])
    found = setting(sequence(layer["pool"](2, dims=1)), x, loss="mse", target=np.zeros((1, 1, 2)))
    assert [e.verdict for e in found.tensors[0].entries] == ["kink", "kink", "zero", "agrees"]


def test_curvature_is_no_kink():
    x = np.linspace(-3, 3, 21)[None]
    for name in ("tanh", "gelu", "softplus", "sigmoid", "mish"):
        one = sequence(layer["activation"](name))
        found = setting(one, x, loss="mse", target=np.full(x.shape, 5.0), h=1e-3)
        assert not found.tensors[0].of("kink", "differs"), name


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.floats(0, 0.95), st.floats(0.01, 2), st.floats(-2, 2))
def test_a_kink_is_never_taken_for_curvature(share, jump, slope):
    """f(x) = slope·x + jump·relu(x − c): the differences with h, h/2 and h/4 give it away."""
    h = 1e-5
    central, gaps = [], []
    for step in (h, h / 2, h / 4):
        up, down = (slope * t + jump * max(t - share * h, 0) for t in (step, -step))
        central.append((up - down) / (2 * step))
        gaps.append((up + down) / step)
    assert not smooth(central, gaps, 1e-9)


def test_what_rounding_hides_is_not_judged():
    """An entry of 1e-9 beside a loss of 1e3: the difference is noise."""
    x = np.array([[1.0, 1.0]])
    one = sequence(("fc", layer["linear"](1, bias=False)))
    weights = {"fc.weight": np.array([[1e3, 1e-9]])}
    found = compare(one, x, weights, loss="sum", entries=9, h=1e-5)
    large, small = next(t for t in found.tensors if t.name == "input").entries
    assert large.verdict == "agrees" and small.verdict in ("zero", "small")


@pytest.mark.parametrize("wrong", [1.001, 0.999, -1, 0])
def test_a_wrong_backward_pass_is_found(wrong, monkeypatch):
    """By the entries, and by the directions: then there is no answer."""
    kind = layer["conv"]
    right = BACKS[kind]

    def spoilt(*args):
        of_inputs, of_weights = right(*args)
        return of_inputs, of_weights | {"weight": wrong * of_weights["weight"]}

    monkeypatch.setitem(BACKS, kind, spoilt)
    net = read_net(CNN)
    found = differences.check(net.layer, (2, *net.input), loss="mse", entries=20, h=1e-5, seed=1)
    assert verdicts(found) == {
        "conv1.weight": "differs", "conv1.bias": "agrees", "fc1.weight": "agrees",
        "fc1.bias": "agrees", "input": "agrees",
    }  # fmt: skip
    assert not found.along
    with pytest.raises(CheckFailed, match="along the gradient"):
        solve("gradcheck net", net=CNN, loss="mse")


def test_a_single_wrong_entry_is_found(monkeypatch):
    def spoilt(*args):
        of_inputs, of_weights = right(*args)
        of_weights["bias"] = of_weights["bias"] + np.array([0, 0, 0.01, 0, 0])
        return of_inputs, of_weights

    right = BACKS[layer["linear"]]
    monkeypatch.setitem(BACKS, layer["linear"], spoilt)
    net = read_net(CNN)
    found = differences.check(net.layer, (2, *net.input), loss="mse", entries=20, h=1e-5, seed=1)
    bias = next(t for t in found.tensors if t.name == "fc1.bias")
    assert [e.at for e in bias.of("differs")] == [(2,)] and not found.along


def test_the_check_on_the_comparison_can_fail(monkeypatch):
    monkeypatch.setattr(differences, "CLOSE", 0.01)  # so lax that 0.1 % is let through
    with pytest.raises(CheckFailed, match="made wrong by 0.1 %"):
        solve("gradcheck net", net=SMALL)


def test_the_activations_slope_is_used(monkeypatch):
    monkeypatch.setitem(backward_leaves.SLOPES, "relu", lambda x: (x > 0.5).astype(int))
    with pytest.raises(CheckFailed):
        solve("gradcheck net", net=SMALL)


ENTRIES = [
    ("agree", 1.0, 1.00001, 1e-10, "agrees"),
    ("off by 0.1 %", 1.001, 1.0, 1e-10, "differs"),
    ("of opposite sign", 1.0, -1.0, 1e-10, "differs"),
    ("one is 0", 0.0, 1e-3, 1e-10, "differs"),
    ("two zeros", 0.0, 0.0, 1e-10, "zero"),
    ("0 beside rounding", 0.0, 1e-11, 1e-10, "zero"),
    ("too small to be told from 0.1 % more", 1e-8, 1.001e-8, 1e-10, "small"),
    ("small, but apart", 1e-8, 3e-8, 1e-10, "differs"),
]


@pytest.mark.parametrize("a, b, noise, wanted", [t[1:] for t in ENTRIES], ids=[t[0] for t in ENTRIES])
def test_verdict_of_an_entry(a, b, noise, wanted):
    entry = Entry((0,), a, b, noise)
    assert entry.verdict == replace(entry, backprop=b, numeric=a).verdict == wanted
    assert replace(entry, kinked=True).verdict == ("zero" if wanted == "zero" else "kink")


def test_verdict_of_a_tensor():
    zero, good, bad = Entry((0,), 0, 0, 1e-9), Entry((1,), 1, 1, 1e-9), Entry((2,), 1, 1.001, 1e-9)
    for entries, wanted in [((zero,), "says nothing"), ((zero, good), "agrees"), ((good, bad), "differs"), ((), "says nothing")]:
        assert Tensor("w", (3,), entries).verdict == wanted
    assert Tensor("w", (3,), (good, bad)).worst == bad
    assert Tensor("w", (3,), (good, zero)).spoilt().verdict == "differs"


def test_entries_are_drawn_where_there_is_something_to_see():
    random = np.random.default_rng(1)
    gradient = np.zeros((100, 7))
    gradient[31] = 1
    at = drawn(gradient, 20, random)
    assert len(at) == len(set(at)) == 20 and sum(i == 31 for i, _ in at) == 7
    assert len(drawn(np.ones((3, 2)), 20, random)) == 6
    at = drawn(np.arange(700).reshape(100, 7) % 2, 20, random)
    assert sum((7 * i + j) % 2 for i, j in at) == 15
    assert drawn(np.zeros((0, 3)), 20, random) == []


def test_the_seed_gives_the_same_answer_again():
    one, again, other = (solve("gradcheck net", net=SMALL, seed=s).value for s in (1, 1, 2))
    assert one == again != other


TOO_LARGE = ["vgg16", "resnet50", "resnet20", "vgg16 @ 3x32x32"]


@pytest.mark.parametrize("name", TOO_LARGE)
def test_large_networks_are_refused_with_a_way_out(name):
    with pytest.raises(BadInput, match="too large for a gradient check: .* parameters"):
        solve("gradcheck net", net=name)


REFUSED = [
    ({"net": "3xHxW: conv 5 k3"}, "needs numbers, not 3×H×W"),
    ({"net": SMALL, "h": 1}, "h is between 1e-8 and 1e-3, not 1"),
    ({"net": SMALL, "h": 0}, "h is between"),
    ({"net": SMALL, "batch": 0}, "the batch is 1 to 64"),
    ({"net": SMALL, "seed": -1}, "the seed 0 to"),
    ({"net": SMALL, "loss": "l2"}, "no loss is called 'l2'"),
    ({"net": "3x7x7: custom attend"}, "no backward pass of Custom"),
    ({"net": "5: linear 3, select 1"}, "cross-entropy takes N×classes, not 2"),
    ({"net": "5: embedding 1 embedding_dim=2 padding_idx=0, flatten"}, "only row is the padding's"),
    ({"net": "5: linear 3, embedding 11 embedding_dim=2, flatten"}, "indices"),
]


@pytest.mark.parametrize("given, says", REFUSED)
def test_refused(given, says):
    with pytest.raises(BadInput, match=says):
        solve("gradcheck net", **given)


def test_a_step_that_is_too_large_is_told_from_a_wrong_gradient():
    net = "3x5x5: conv 4 k2, prelu, lrn 3, instancenorm, flatten, linear 4"
    answer = solve("gradcheck net", net=net, loss="mse", seed=849767, h=1e-3, batch=1)
    lines = [s.rule for s in answer.steps if " differs" in s.rule]
    assert lines == ["conv1.weight differs because h is too large: extrapolated to h → 0, the differences agree"]
    assert not any(" differs" in s.rule for s in solve("gradcheck net", net=net, loss="mse", seed=849767, batch=1).steps)
    bent = Entry((0,), 1.0, 1.01, 1e-9, limit=1.0)
    assert bent.bent and bent.verdict == "differs" and not replace(bent, limit=1.001).bent


def test_the_lines_say_what_was_passed_over():
    answer = solve("gradcheck net", net=NORMED, training=True, batch=5)
    lines = "\n".join(s.rule for s in answer.steps)
    assert "3 of 3 of conv1.bias" in lines and "0 beside 0, passed over" in lines
    assert any("in training" in c for c in answer.conventions)
    assert len(answer.checks) == 2


# -- printed numbers -----------------------------------------------------------------

PRINTED = [
    ("s2.3.1.6.b1", "0.129579", "0.129579", 7.717299871e-06),
    ("s2.3.1.6.W2", "0.004011", "0.004011", 0.000249314385),
    ("s2.3.1.6.b2", "0.121975", "0.121975", 8.198401312e-06),
]


@pytest.mark.parametrize("a, b, bound", [p[1:] for p in PRINTED], ids=[p[0] for p in PRINTED])
def test_printed_values_of_the_log(a, b, bound):
    for log in ({"backprop": a, "numeric": b}, {"backprop": float(a), "numeric": float(b), "decimals": 6}):
        value = solve("gradcheck values", **log).value
        assert value["abs_diff"] == 0 and value["verdict"] == "agrees"
        assert np.isclose(value["relative_bound"], bound, rtol=1e-9)


def test_two_zeros_say_nothing():
    """s2.3.1.6.W1"""
    for log in ({"backprop": "0.000000", "numeric": "-0.000000"}, {"backprop": 0.0, "numeric": 0.0, "decimals": 6}):
        value = solve("gradcheck values", **log).value
        assert value == {"abs_diff": 0, "relative_defined": False, "verdict": "says nothing"}


VERDICTS = [
    ("0.1%, for sure", "1.001000", "1.000000", "agrees"),
    ("more than 0.1 %", "1.002000", "1.000000", "differs"),
    ("last place only", "0.129579", "0.129580", "agrees"),
    ("too few digits", "0.000003", "0.000003", "says nothing"),
    ("too few digits, apart by one", "0.000001", "0.000000", "says nothing"),
    ("opposite signs", "0.129579", "-0.129579", "differs"),
    ("one is 0", "0.129579", "0.000000", "differs"),
    ("exponents", "1.29579e-01", "1.29580e-01", "agrees"),
    ("of different decimals", "0.129579", "0.13", "says nothing"),
]


@pytest.mark.parametrize("a, b, verdict", [v[1:] for v in VERDICTS], ids=[v[0] for v in VERDICTS])
def test_verdicts_on_printed_values(a, b, verdict):
    first = "1.000999" if a == "1.001000" else a
    assert solve("gradcheck values", backprop=first, numeric=b).value["verdict"] == verdict
    assert solve("gradcheck values", backprop=b, numeric=first).value["verdict"] == verdict


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(-999, 999), st.integers(-999, 999), st.fractions(-1, 1), st.fractions(-1, 1))
def test_what_is_said_holds_for_all_that_prints_so(a, b, u, v):
    """Whatever the rounding hid: what agrees is within 0.1 %, what differs is not."""
    value = solve("gradcheck values", backprop=f"{a / 1000:.3f}", numeric=f"{b / 1000:.3f}").value
    x, y = (Fraction(n, 1000) + Fraction(w) / 2000 for n, w in ((a, u), (b, v)))
    if not a and not b:
        return
    relative = abs(x - y) / Fraction(max(abs(a), abs(b)), 1000)
    assert relative <= value["relative_bound"] * (1 + 1e-12)
    assert value["verdict"] != "agrees" or relative <= Fraction(1, 1000)
    assert value["verdict"] != "differs" or relative > Fraction(1, 1000)


def test_magnitudes_of_the_log():
    """s2.3.1.6.magnitude"""
    answer = solve("gradcheck ratio", a="117.085383", b="117.085383")
    assert answer.value == {"ratio": 1, "identical_digits": True, "same_magnitude": True}
    assert any("printed twice" in s.rule for s in answer.steps)
    other = solve("gradcheck ratio", a="117.085383", b="11.5").value
    assert not other["identical_digits"] and not other["same_magnitude"]


PARTS = {
    "kind": "gradcheck values", "backprop": "0.129579", "numeric": "0.129579", "entry": "relative_bound",
}  # fmt: skip


def test_a_part_of_a_set_asks_for_one_entry():
    value = solve("values", parts={"b1": PARTS, "agrees": PARTS | {"entry": "verdict"}}).value
    assert np.isclose(value["b1"], 7.717299871e-06) and value["agrees"] == "agrees"


NOT_PRINTED = [
    ({"backprop": "abc", "numeric": "1"}, "backprop: expected a number as printed"),
    ({"backprop": "1", "numeric": "nan"}, "numeric: expected a number as printed"),
    ({"backprop": "1", "numeric": "1e999"}, "beyond what a log prints"),
    ({"backprop": "0.51", "numeric": "0.5", "decimals": 1}, "more than the 1 decimals"),
    ({"backprop": "0.5", "numeric": "0.5", "decimals": -1}, "decimals are 0 to 30"),
    ({"backprop": "0.5", "numeric": "0.5", "tolerance": 2}, "between 0 and 1"),
    ({"backprop": "9" * 99, "numeric": "1"}, "expected a number as printed"),
    ({"backprop": True, "numeric": "1"}, "expected a number as printed"),
    ({"backprop": [1], "numeric": "1"}, "expected a number as printed"),
]


@pytest.mark.parametrize("given, says", NOT_PRINTED)
def test_what_no_log_prints_is_refused(given, says):
    with pytest.raises(BadInput, match=says):
        solve("gradcheck values", **given)
    with pytest.raises(BadInput):
        solve("gradcheck ratio", a="0", b="1")


# -- difference quotients ------------------------------------------------------------

QUOTIENTS = [
    ("s2.3.1.5", "theta^3", "2", "0.01", "central", "12.0001", "12"),
    ("s2.3.1.5, one-sided", "theta^3", "2", "0.01", "forward", "12.0601", "12"),
    ("backward", "theta^3", "2", "0.01", "backward", "11.9401", "12"),
    ("no error of second degree", "3x^2 - x", "-1/3", "0.5", "central", "-3", "-3"),
    ("1/x", "1/x", "2", "1", "central", "-1/3", "-1/4"),
    ("the 0 of x^5", "x^5", "0", "0.1", "central", "0.0001", "0"),
]


@pytest.mark.parametrize("f, at, h, scheme, approx, exact", [q[1:] for q in QUOTIENTS], ids=[q[0] for q in QUOTIENTS])
def test_difference_quotients_are_exact(f, at, h, scheme, approx, exact):
    value = solve("gradcheck difference", expr=f, at=at, h=h, scheme=scheme).value
    approx, exact = Fraction(approx), Fraction(exact)
    assert value == {"approx": approx, "exact": exact, "error": approx - exact}


def test_the_order_and_the_leading_term_are_said():
    lines = {s.rule: s for s in solve("gradcheck difference", expr="theta^3", at=2, h=0.01).steps}
    assert lines["its leading term, a sixth of h² times the third derivative"].after == Fraction(1, 10_000)
    assert "the error is O(h²)" in lines
    lines = {s.rule for s in solve("gradcheck difference", expr="x^5", at=0, h=0.1).steps}
    assert "the error is smaller than O(h²)" in lines
    lines = {s.rule for s in solve("gradcheck difference", expr="x^2", at=3, h=0.1, scheme="forward").steps}
    assert "the error is O(h)" in lines


def test_functions_of_analysis():
    value = solve("gradcheck difference", expr="exp(x)", at=1, h="1e-3").value
    assert np.isclose(value["approx"], (exp(1.001) - exp(0.999)) / 0.002) and np.isclose(value["exact"], e)
    assert np.isclose(value["error"], e * 1e-6 / 6, rtol=1e-6)
    tiny = solve("gradcheck difference", expr="exp(x)", at=1, h="1e-8").value
    assert np.isclose(tiny["error"], e * 1e-16 / 6, rtol=1e-6)  # no rounding, which would be 1e-8


def test_a_kink_has_no_derivative_and_beside_it_no_order():
    with pytest.raises(BadInput, match="kink or a jump at x = 0: the slope is -1 before it and 1"):
        solve("gradcheck difference", expr="abs(x)", at=0, h="0.01")
    with pytest.raises(BadInput, match="kink or a jump at x = 2"):
        solve("gradcheck difference", expr="max(x, 2)", at=2, h="0.01")
    answer = solve("gradcheck difference", expr="abs(x)", at="0.005", h="0.01")
    assert answer.value == {"approx": Fraction(1, 2), "exact": 1, "error": Fraction(-1, 2)}
    assert any("the order does not hold" in s.rule for s in answer.steps)
    assert not any("O(h" in s.rule for s in answer.steps)
    smooth = solve("gradcheck difference", expr="max(0, x)^3", at=2, h="0.01")
    assert smooth.value["approx"] == Fraction("12.0001")


def test_a_wrong_derivative_or_order_is_noticed(monkeypatch):
    from solver.expressions import algebra

    right = algebra.derivative
    monkeypatch.setattr(algebra, "derivative", lambda f, x: right(f, x) * Fraction(1001, 1000))
    with pytest.raises(CheckFailed, match="the error with h/1000"):
        solve("gradcheck difference", expr="theta^3", at=2, h="0.01")
    monkeypatch.undo()
    wrong = replace(SCHEMES["central"], factor=Fraction(1, 5))
    monkeypatch.setitem(SCHEMES, "central", wrong)
    with pytest.raises(CheckFailed, match="the error with h/1000"):
        solve("gradcheck difference", expr="theta^3", at=2, h="0.01")


NO_QUOTIENT = [
    ("x*y", "1", "0.1", "central", "the function has x and y"),
    ("3", "1", "0.1", "central", "the function has no letter"),
    ("log(x)", "0.05", "0.1", "central", "no \\(real\\) value"),
    ("1/x", "0.1", "0.1", "central", "no \\(real\\) value"),
    ("sqrt(x)", "0", "0.1", "forward", "no \\(real\\) value"),
    ("x^2", "1", "1e-13", "central", "from 1e-12 on"),
    ("x^2", "1e9", "1", "central", "at: expected a number of ordinary size"),
    ("max(x, sqrt(x))", "-1", "0.1", "central", "no \\(real\\) value at x = -1"),
    ("(sqrt(x))^2", "-2", "0.1", "central", "no \\(real\\) value at x = -2"),
    ("x^2", "y", "0.1", "central", "at: expected a number"),
    ("x^2", "1", "0", "central", "h is a positive step"),
    ("x^2", "1", "-0.1", "central", "h is a positive step"),
    ("x^2", "1", "0.1", "sideways", "no scheme is called 'sideways'"),
    ("exp(exp(exp(x)))", "5", "0.1", "central", "too large"),
    ("x^(10^9)", "2.5", "0.1", "central", "too large"),
    ("factorial(x)", "2", "1", "central", "no \\(real\\) value"),
    ("x^", "2", "1", "central", "ends where"),
    ("__import__(x)", "2", "1", "central", "no meaning|no function"),
]


@pytest.mark.parametrize("f, at, h, scheme, says", NO_QUOTIENT)
def test_no_quotient(f, at, h, scheme, says):
    with pytest.raises(BadInput, match=says):
        solve("gradcheck difference", expr=f, at=at, h=h, scheme=scheme)


# -- many digits ---------------------------------------------------------------------

MANY = [
    ("e", "exp(1)", "2.71828182845904523536028747135266249775724709369995957496696763"),
    ("ln 2", "log(2)", "0.69314718055994530941723212145817656807550013436025525412068001"),
    ("√2", "sqrt(2)", "1.41421356237309504880168872420969807856967187537694807317667974"),
    ("2^(1/3)", "2^(1/3)", "1.25992104989487316476721060727822835057025146470150798008197511"),
    ("tanh 1", "tanh(1)", "0.76159415595576488811945828260479359041276859725793655159681050"),
    ("σ(−1)", "sigmoid(-1)", "0.26894142136999512074884075817816372563485535983494348072363409"),
    ("0^0 is 1", "(1 - 1)^0", "1"),
    ("a negative base, whole exponent", "(-2)^3", "-8"),
    ("rounding functions", "floor(5/2) - ceil(5/2) + abs(-3) + max(1, 2) - min(1, 2) + step(1) - sign(-2)", "5"),
]


@pytest.mark.parametrize("text, wanted", [m[1:] for m in MANY], ids=[m[0] for m in MANY])
def test_values_to_many_digits(text, wanted):
    assert abs(digits(parse(text, "real")) - Fraction(wanted)) < Fraction(1, 10**59)


@pytest.mark.parametrize("text", ["log(0)", "log(-1)", "sqrt(-2)", "1/(2 - 2)", "(-2)^(1/2)", "0^(-1)", "exp(10^9)"])
def test_what_has_no_value_raises(text):
    with pytest.raises(ArithmeticError):
        digits(parse(text, "real"))


def test_an_unknown_function_raises():
    with pytest.raises(TypeError):
        digits(Call("factorial", Num(3)))
    assert digits(parse("exp(-10^5)", "real")) == 0  # 10^−43430 is below all that is kept


LINES = ["log(5)*x", "sqrt(2) - 3x", "log(exp(x))", "(sqrt(x))^2", "exp(1/2)*(x + 1)"]


@pytest.mark.parametrize("text", LINES)
def test_a_line_has_no_error_however_it_is_rounded(text):
    for scheme in SCHEMES:
        for h in ("0.01", "1e-8", "1e-12"):
            value = solve("gradcheck difference", expr=text, at="1.7", h=h, scheme=scheme).value
            assert value["error"] == 0, (scheme, h)


@pytest.mark.parametrize(
    ("text", "at", "h", "said"),
    [
        ("x^2", 1, Fraction(1, 10), "which is 0 as well"),
        ("abs(x - 1)", Fraction(1005, 1000), Fraction(1, 100), "which is 0"),
        ("x^3", 2, Fraction(1, 100), "1,000,000 times smaller"),
        ("relu(x)", 1, Fraction(1, 100), "which is 0 as well"),
        ("softplus(x)", 1, Fraction(1, 100), "1,000,000 times smaller"),
    ],
)
def test_the_check_says_what_it_found(text, at, h, said):
    check = solve("gradcheck difference", expr=text, at=at, h=h).checks[0]
    assert check.ok and check.how.endswith(said)


def test_averages_divide_by_the_number_given():
    from solver.numeric.forward import forward

    pool = layer["pool"](2, mode="avg", divisor_override=1)
    assert forward(pool, np.ones((1, 2, 2)), weights={}).item() == 4
