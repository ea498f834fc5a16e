"""Layers worked backward by hand: textbook values, laws, checks that can fail, mistakes."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput, Problem
from solver.expressions.parse import parse
from solver.grading import grade
from solver.kinds import (
    backprop_layers,
    backprop_norms,
    backprop_pointwise,
    backprop_pool,
    backprop_proofs,
    backprop_softmax,
    mistakes,
    solve,
)
from solver.kinds.entries import Entries
from solver.kinds.entries_given import numbers
from solver.render import render
from solver.values import Gradients, Matrix, same

NINE = "1 2 3; 4 5 6; 7 8 9"
POOLED = "1 1 2 4; 5 6 7 8; 3 2 1 0; 1 2 3 4"


def rows(*lines: Any) -> Matrix:
    return Matrix(tuple(line) for line in lines)


def tree(text: str) -> Any:
    return parse(text, "real")


def close(a: Any, b: Any, tolerance: float = 1e-6) -> bool:
    if isinstance(a, tuple):
        return len(a) == len(b) and all(close(x, y, tolerance) for x, y in zip(a, b))
    return abs(float(a) - float(b)) <= tolerance


# -- textbook values -------------------------------------------------------------------

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
NUMBERS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "Goodfellow 9.13: the window of each entry": (
        "backprop conv",
        {"x": NINE, "w": "1 0; 0 -1", "gradient": "1 2; 3 4"},
        Gradients(x=rows((1, 2, 0), (3, 3, -2), (0, -3, -4)),
                  w=rows((37, 47), (67, 77)), b=10),
    ),
    "one row, 1-d": (
        "backprop conv",
        {"x": "1 2 3 4", "w": "5 6", "gradient": "1 0 2"},
        Gradients(x=rows((5, 6, 10, 12)), w=rows((7, 10)), b=3),
    ),
    "stride 2 leaves the last column unread": (
        "backprop conv",
        {"x": "1 2 3 4 5 6", "w": "1 2 3", "gradient": "1 10", "stride": 2},
        Gradients(x=rows((1, 2, 13, 20, 30, 0)), w=rows((31, 42, 53)), b=11),
    ),
    "CS231n notes, max pooling: the winner takes it": (
        "backprop maxpool",
        {"x": POOLED, "kernel": 2, "gradient": "1 2; 3 4"},
        rows((0, 0, 0, 0), (0, 1, 0, 2), (3, 0, 0, 0), (0, 0, 0, 4)),
    ),
    "overlapping windows add up": (
        "backprop maxpool",
        {"x": "1 3 2; 4 0 1; 2 2 5", "kernel": 2, "stride": 1, "gradient": "1 2; 3 4"},
        rows((0, 2, 0), (4, 0, 0), (0, 0, 4)),
    ),
    "PyTorch: of equal values the first takes it": (
        "backprop maxpool",
        {"x": "7 7; 7 7", "kernel": 2, "gradient": 5},
        rows((5, 0), (0, 0)),
    ),
    "average pooling, 1/k² each": (
        "backprop avgpool",
        {"input": "4x4", "kernel": 2, "gradient": "1 2; 3 4"},
        rows(*[(QUARTER, QUARTER, HALF, HALF)] * 2, *[(3 * QUARTER, 3 * QUARTER, 1, 1)] * 2),
    ),
    "average pooling, padding not counted": (
        "backprop avgpool",
        {"x": "1 2 3 4 5", "kernel": 3, "stride": 2, "padding": 1, "gradient": "2 3 4",
         "count_include_pad": False},
        rows((1, 2, 1, 3, 2)),
    ),
    "batch norm with a whole root": (
        "backprop batch-norm",
        {"x": "1; 3; 1; 3", "gradient": "1 -1 0 2", "gamma": 3, "beta": 1},
        Gradients(x=rows((3 * HALF,), (-9 * HALF,), (-3 * HALF,), (9 * HALF,)), gamma=0, beta=2),
    ),
    "dropout as torch.nn.Dropout scales it": (
        "backprop dropout",
        {"mask": "1 0 1 1", "p": 0.2, "gradient": "1 2 3 4"},
        rows((Fraction(5, 4), 0, Fraction(15, 4), 5)),
    ),
    "softmax: (diag(s) − s sᵀ) g": (
        "backprop softmax",
        {"s": "0.5 0.3 0.2", "gradient": "1 2 3"},
        rows((Fraction(-7, 20), Fraction(9, 100), Fraction(13, 50))),
    ),
    "softmax with cross-entropy: s − y": (
        "backprop softmax",
        {"s": "0.5 0.3 0.2", "y": 2},
        rows((HALF, Fraction(-7, 10), Fraction(1, 5))),
    ),
    "relu at 0 as PyTorch has it": (
        "backprop activation",
        {"x": "1 -2; 0.5 0", "gradient": "1 1; 2 3"},
        rows((1, 0), (2, 0)),
    ),
    "leaky relu at 0 as PyTorch has it": (
        "backprop activation",
        {"x": "1 -2 0", "function": "leaky-relu", "slope": 0.1, "gradient": "1 1 3"},
        rows((1, Fraction(1, 10), Fraction(3, 10))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("source", NUMBERS)
def test_numbers(source: str) -> None:
    kind, given_, wanted = NUMBERS[source]
    assert same(solve(kind, **given_).value, wanted) is True


DECIMALS: dict[str, tuple[str, dict[str, Any], tuple[float, ...]]] = {
    "torch: softmax of 1 2 3, first by all": (
        "backprop softmax", {"z": "1 2 3", "gradient": "1 0 0"},
        (0.08192507, -0.02203304, -0.05989202)),
    "torch: cross_entropy of 1 2 3, class 2": (
        "backprop softmax", {"z": "1 2 3", "y": 2}, (0.09003057, -0.75527153, 0.66524096)),
    "σ′(0) = 1/4": (
        "backprop activation", {"x": "0 1", "function": "sigmoid", "gradient": "1 1"},
        (0.25, 0.19661193)),
    "tanh′(1)": (
        "backprop activation", {"x": "0 1", "function": "tanh", "gradient": "3 1"},
        (3, 0.41997434)),
}  # fmt: skip


@pytest.mark.parametrize("source", DECIMALS)
def test_decimals(source: str) -> None:
    kind, given_, wanted = DECIMALS[source]
    (row,) = solve(kind, **given_).value
    assert close(tuple(row), wanted)


LETTERS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "1-d convolution, each path one term": (
        "backprop conv", {"input": 3, "kernel": 2, "wrt": "x"},
        ("g_1*w_1", "g_1*w_2 + g_2*w_1", "g_2*w_2")),
    "1-d convolution, shared weights": (
        "backprop conv", {"input": 3, "kernel": 2, "wrt": "w"},
        ("g_1*x_1 + g_2*x_2", "g_1*x_2 + g_2*x_3")),
    "dropout": ("backprop dropout", {"input": 2}, ("g_1*m_1/(1-p)", "g_2*m_2/(1-p)")),
    "softmax": (
        "backprop softmax", {"classes": 2},
        ("s_1*(1-s_1)*g_1 - s_1*s_2*g_2", "s_2*(1-s_2)*g_2 - s_1*s_2*g_1")),
    "cross-entropy": ("backprop softmax", {"classes": 2, "y": 1}, ("s_1 - 1", "s_2")),
}  # fmt: skip


@pytest.mark.parametrize("source", LETTERS)
def test_letters(source: str) -> None:
    kind, given_, wanted = LETTERS[source]
    (row,) = solve(kind, **given_).value
    assert same(tuple(row), tuple(map(tree, wanted))) is True


def test_batch_norm_in_letters_is_the_compact_form() -> None:
    found = solve("backprop batch-norm", input=2).value
    wanted = "gamma/(2*r)*(2*g_1 - (g_1 + g_2) - xhat_1*(g_1*xhat_1 + g_2*xhat_2))"
    assert same(found["x"][0][0], tree(wanted)) is True
    assert same(found["beta"], tree("g_1 + g_2")) is True


def test_batch_norm_as_torch_has_it() -> None:
    """torch.nn.functional.batch_norm of (1, 2, 6), training, eps 1e-5, γ = 2, g = (1, 0, 2)."""
    found = solve("backprop batch-norm", x="1 2 6", gradient="1 0 2", gamma=2, epsilon="1e-5")
    xs, gs, n = [1.0, 2.0, 6.0], [1.0, 0.0, 2.0], 3

    def loss(xs: list[float]) -> float:
        mean = sum(xs) / n
        root = (sum((x - mean) ** 2 for x in xs) / n + 1e-5) ** 0.5
        return sum(g * 2 * (x - mean) / root for g, x in zip(gs, xs))

    for i in range(n):
        up, down = ([x + h * (j == i) for j, x in enumerate(xs)] for h in (1e-6, -1e-6))
        slope = (loss(up) - loss(down)) / 2e-6
        assert found.value["x"][0][i] == pytest.approx(slope, abs=1e-7)


# -- laws ------------------------------------------------------------------------------


def goodfellow(x: Any, w: Any, g: Any, s: int) -> tuple[Any, Any]:
    """Equations 9.11 and 9.13 of Goodfellow's Deep Learning, for one channel, p = 0."""
    height, width, k, many = len(x), len(x[0]), len(w), len(w[0])
    outs = list(product(range(len(g)), range(len(g[0]))))
    by_w = [[sum(g[m][n] * x[m * s + a][n * s + b] for m, n in outs) for b in range(many)]
            for a in range(k)]  # fmt: skip
    by_x = [[sum(w[a][b] * g[m][n] for m, n in outs for a in range(k) for b in range(many)
                 if m * s + a == i and n * s + b == j) for j in range(width)]
            for i in range(height)]  # fmt: skip
    return by_x, by_w


def matrices(height: int, width: int) -> Any:
    row = st.lists(st.integers(-9, 9), min_size=width, max_size=width)
    return st.lists(row, min_size=height, max_size=height)


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_convolution_is_goodfellows(data: Any) -> None:
    stride = data.draw(st.integers(1, 3))
    k, m = data.draw(st.sampled_from([(1, 2), (2, 3), (3, 2), (2, 2)]))
    height, width = data.draw(st.sampled_from([(3, 5), (5, 3), (5, 4)]))
    x, w = data.draw(matrices(height, width)), data.draw(matrices(k, m))
    g = data.draw(matrices((height - k) // stride + 1, (width - m) // stride + 1))
    found = solve("backprop conv", x=x, w=w, gradient=g, stride=stride).value
    by_x, by_w = goodfellow(x, w, g, stride)
    assert [list(r) for r in found["x"]] == by_x
    assert [list(r) for r in found["w"]] == by_w
    assert found["b"] == sum(map(sum, g))


@settings(max_examples=10, deadline=None)
@given(matrices(3, 5), st.integers(1, 2), st.integers(0, 1))
def test_pooling_passes_on_the_whole_gradient(x: Any, stride: int, padding: int) -> None:
    """Σ ∂L/∂x is Σ g of max pooling; an average loses what its padding takes."""
    given_ = {"x": x, "kernel": 2, "stride": stride, "padding": padding}
    steps = solve("run pool", input=x, kernel=2, stride=stride, padding=padding).value
    g = [[i * 3 + j + 1 for j in range(len(steps[0]))] for i in range(len(steps))]
    total = sum(map(sum, g))
    assert sum(map(sum, solve("backprop maxpool", gradient=g, **given_).value)) == total
    spread = solve("backprop avgpool", gradient=g, count_include_pad=False, **given_).value
    assert sum(map(sum, spread)) == total


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(-20, 20), min_size=3, max_size=5, unique=True))
def test_batch_norm_gradients_add_up_to_nothing(x: list[int]) -> None:
    """A shift of the batch changes nothing, nor does stretching it: Σ dx = 0 = Σ x dx."""
    g = [(3 * i * i + 1) % 7 for i in range(len(x))]
    (row,) = solve("backprop batch-norm", x=[x], gradient=[g]).value["x"]
    assert abs(sum(map(float, row))) < 1e-9
    assert abs(sum(float(v) * u for v, u in zip(row, x))) < 1e-8


def test_the_kernel_may_be_given_as_numbers_or_as_a_size() -> None:
    numbers_ = solve("backprop conv", x=NINE, w="1 0; 0 -1", gradient="1 2; 3 4").value
    for kernel in ("1 0; 0 -1", [[1, 0], [0, -1]], "[[1, 0], [0, -1]]"):
        found = solve("backprop conv", x=NINE, kernel=kernel, gradient="1 2; 3 4").value
        assert same(found, numbers_) is True
    for kernel in (2, "2", [2, 2], "2x2"):
        assert solve("backprop conv", input="3x3", kernel=kernel).value["w"][1][1] is not None


@pytest.mark.parametrize(
    ("kind", "given_"),
    [
        ("backprop conv", {"x": "0.1 1/3 2", "w": "0.1 0.7"}),
        ("backprop conv", {"input": 4, "w": "0.1 0.2 -0.3"}),
        ("backprop conv", {"x": "0.1 0.2 -0.3", "w": "1 1 1", "gradient": 0.1}),
        ("backprop avgpool", {"input": 5, "kernel": 3, "stride": 1, "gradient": "0.1 0.2 -0.3"}),
        ("backprop maxpool", {"x": "0.1 0.1 -0.3", "kernel": 2, "stride": 1}),
        ("backprop dropout", {"mask": "1 0 1", "p": 0.1}),
        ("backprop softmax", {"s": "0.1 0.7 0.2"}),
        ("backprop softmax", {"z": "1 1 1", "gradient": "1 1 1"}),
        ("backprop batch-norm", {"x": "1000000001 1000000002 1000000004", "gradient": "1 0 2"}),
    ],
)
def test_decimals_and_cancellation_do_no_harm(kind: str, given_: dict[str, Any]) -> None:
    assert all(c.ok for c in solve(kind, **given_).checks)


def test_channels_and_filters() -> None:
    """∂L/∂x adds over filters, ∂L/∂w is one correlation a filter and channel."""
    x, w = "1 2 3; 4 5 6 | 0 1 2; 2 1 0", [[[[1, 2]], [[3, 4]]], [[[0, 1]], [[1, 0]]]]
    g = [[[1, 2], [3, 4]], [[1, 0], [0, 1]]]
    found = solve("backprop conv", x=x, w=w, gradient=g).value
    assert found["b"] == (10, 2)
    for f, c in product(range(2), range(2)):
        image = [[[1, 2, 3], [4, 5, 6]], [[0, 1, 2], [2, 1, 0]]][c]
        _, by_w = goodfellow(image, w[f][c], g[f], 1)
        assert [list(r) for r in found["w"][f][c]] == by_w
    by_x = [goodfellow([[0] * 3] * 2, w[f][1], g[f], 1)[0] for f in range(2)]
    assert [list(r) for r in found["x"][1]] == [
        [a + b for a, b in zip(*pair)] for pair in zip(*by_x)
    ]


# -- checks that can fail --------------------------------------------------------------


def slightly(e: Entries) -> Entries:
    """The entries with one that is not 0 off by 0.1 %."""
    place = next(i for i in e if e[i] != 0)
    return e.filled({i: e[i] * Fraction("1.001") if i == place else e[i] for i in e})


def turned(e: Entries) -> Entries:
    """The entries turned by 180°."""
    return e.filled(dict(zip(e, [e[i] for i in reversed(list(e))])))


def convolution(**more: Any) -> tuple[Any, dict[str, Entries]]:
    options = {"stride": 1, "padding": 0, "dilation": 1, "out_channels": 1} | more
    x, w = ((1, 2, 3), (4, 5, 7), (7, 8, 11)), ((1, 2), (3, 5))
    one = backprop_layers.setting(x, None, w, None, None, ((1, 2), (3, 4)), **options)
    work = {"x": backprop_layers.by_input, "w": backprop_layers.by_kernel,
            "b": backprop_layers.by_bias}  # fmt: skip
    return one, {name: f(one)[0] for name, f in work.items()}


@pytest.mark.parametrize("name", ["x", "w", "b"])
def test_each_check_of_a_convolution_can_fail(name: str) -> None:
    one, found = convolution()
    assert all(c.ok for c in backprop_layers.proofs(one, found))
    wrong = found | {name: slightly(found[name])}
    assert not any(c.ok for c in backprop_layers.proofs(one, wrong))


def test_an_unturned_kernel_is_caught() -> None:
    one, found = convolution()
    for name in ("x", "w"):
        wrong = found | {name: turned(found[name])}
        assert not any(c.ok for c in backprop_layers.proofs(one, wrong))
    spreads = [backprop_layers.spread_gradient(one, 0)]
    values = {
        i: sum(a[0][k] * b[0][j] for (a, k), (b, j) in (
            (((g,), gi), ((w,), wi)) for (g, gi), (w, wi) in
            backprop_layers.gathered(one, i, spreads, rotate=False)))
        for i in one.x
    }  # fmt: skip
    wrong = found | {"x": one.x.filled(values)}
    assert not any(c.ok for c in backprop_layers.proofs(one, wrong))


def test_the_quick_check_of_large_convolutions_can_fail() -> None:
    one, found = convolution()
    assert backprop_proofs.by_euler(one, found)
    for name in ("x", "w"):
        assert not backprop_proofs.by_euler(one, found | {name: slightly(found[name])})
        assert not backprop_proofs.by_euler(one, found | {name: turned(found[name])})


def test_letters_of_a_convolution_are_checked_too() -> None:
    options = {"stride": 1, "padding": 0, "dilation": 1, "out_channels": 1}
    one = backprop_layers.setting(None, (3, 3), None, 2, None, None, **options)
    found = {"x": backprop_layers.by_input(one)[0]}
    assert all(c.ok for c in backprop_layers.proofs(one, found))
    transposed = found["x"].filled({i: found["x"][(i[0], i[2], i[1])] for i in found["x"]})
    assert not any(c.ok for c in backprop_layers.proofs(one, {"x": transposed}))


@pytest.mark.parametrize("mode", ["max", "avg"])
def test_each_check_of_pooling_can_fail(mode: str) -> None:
    x = ((1, 3, 2), (4, 0, 1), (2, 2, 5))
    one = backprop_pool.setting(mode, x, None, ((1, 2), (3, 4)), 2, 1, 0)
    value = numbers("x", {
        "max": ((0, 2, 0), (4, 0, 0), (0, 0, 4)),
        "avg": tuple(tuple(Fraction(v, 4) for v in r) for r in ((1, 3, 2), (4, 10, 6), (3, 7, 4))),
    }[mode], 3)  # fmt: skip
    assert all(c.ok for c in backprop_pool.proofs(one, value, False))
    for wrong in (slightly(value), turned(value)):
        assert not any(c.ok for c in backprop_pool.proofs(one, wrong, False))


def test_a_tie_is_checked_for_its_first_entry() -> None:
    one = backprop_pool.setting("max", ((7, 7), (7, 7)), None, 5, 2, None, 0)
    first, second = (numbers("x", m, 3) for m in (((5, 0), (0, 0)), ((0, 5), (0, 0))))
    assert all(c.ok for c in backprop_pool.proofs(one, first, True))
    assert not any(c.ok for c in backprop_pool.proofs(one, second, True))


def test_each_check_of_softmax_can_fail() -> None:
    z, s = backprop_softmax.vectors(None, ((Fraction(1, 2), Fraction(3, 10), Fraction(1, 5)),), None)
    g = numbers("g", ((1, 2, 3),))
    right = z.filled(numbers("z", ((Fraction(-7, 20), Fraction(9, 100), Fraction(13, 50)),)).values)
    assert all(c.ok for c in backprop_softmax.proofs(z, s, g, None, right))
    assert not any(c.ok for c in backprop_softmax.proofs(z, s, g, None, slightly(right)))
    assert not any(c.ok for c in backprop_softmax.proofs(z, s, g, None, turned(right)))
    diagonal = z.filled(numbers("z", ((0.25, 0.42, 0.48),)).values)  # taken elementwise
    assert not any(c.ok for c in backprop_softmax.proofs(z, s, g, None, diagonal))


@pytest.mark.parametrize("name", ["x", "gamma", "beta"])
def test_each_check_of_batch_norm_can_fail(name: str) -> None:
    work = backprop_norms.prepared(x=((1, 2, 6),), gradient=((1, 0, 2),), gamma=2)
    backprop_norms.forward(work)
    found = backprop_norms.backward(work)
    assert all(c.ok for c in backprop_norms.proofs(work, found))
    off = {i: v * 1.001 for i, v in found["x"].items()} if name == "x" else found[name] * 1.001
    failed = [c.how for c in backprop_norms.proofs(work, found | {name: off}) if not c.ok]
    assert len(failed) == (4 if name == "x" else 3), failed
    assert backprop_norms.compact_proved()


def test_a_compact_form_without_the_mean_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    true = backprop_norms.compact_form
    zero = parse("0", "real")
    monkeypatch.setattr(backprop_norms, "compact_form", lambda w, i, t, p: true(w, i, zero, p))
    assert not backprop_norms.compact_proved()


def test_each_check_of_dropout_and_of_activations_can_fail() -> None:
    x, m, g = (numbers(n, ((1, a, 3),)) for n, a in (("x", 2), ("m", 0), ("g", 5)))
    m = m.filled({i: int(v == 1) for i, v in zip(m, (1, 0, 1))})
    right = x.filled(numbers("x", ((Fraction(5, 4), 0, Fraction(15, 4)),)).values)
    rate = Fraction(1, 5)
    assert all(c.ok for c in backprop_pointwise.dropout_proofs(x, m, g, rate, right))
    for wrong in (slightly(right), x.filled(numbers("x", ((1, 0, 3),)).values)):
        assert not any(c.ok for c in backprop_pointwise.dropout_proofs(x, m, g, rate, wrong))
    f = backprop_pointwise.FUNCTIONS["tanh"]
    x, g = numbers("x", ((0, 1),)), numbers("g", ((3, 1),))
    right = x.filled(numbers("x", ((3, 0.41997434161402614),)).values)
    leak = Fraction(1, 100)
    assert all(c.ok for c in backprop_pointwise.activation_proofs(f, "tanh", leak, g, right, x))
    off = right.filled({i: right[i] * 1.001 for i in right})
    assert not any(
        c.ok for c in backprop_pointwise.activation_proofs(f, "tanh", leak, g, off, x)
    )


# -- mistakes and grading --------------------------------------------------------------

CONV = {"x": NINE, "w": "1 2; 0 -1", "gradient": "1 2; 3 4"}
MISTAKEN: list[tuple[str, dict[str, Any], str, str]] = [
    ("backprop conv", CONV | {"wrt": "x"}, "-1 -2 0; -1 1 2; 6 11 4", "kernel_not_rotated"),
    ("backprop conv", {"x": "1 2 3 4 5", "w": "1 2 3", "gradient": "1 10", "stride": 2,
                       "wrt": "x"}, "1 12 23 30", "stride_not_dilated"),
    ("backprop maxpool", {"x": POOLED, "kernel": 2, "gradient": "4 8; 12 16"},
     "1 1 2 2; 1 1 2 2; 3 3 4 4; 3 3 4 4", "spread_over_the_window"),
    ("backprop maxpool", {"x": POOLED, "kernel": 2, "gradient": "1 2; 3 4"},
     "1 1 2 2; 1 1 2 2; 3 3 4 4; 3 3 4 4", "to_every_entry"),
    ("backprop avgpool", {"input": "2x2", "kernel": 2, "gradient": 4}, "4 4; 4 4", "not_divided"),
    ("backprop dropout", {"mask": "1 0", "p": 0.5, "gradient": "3 4"}, "3 0", "scaling_forgotten"),
    ("backprop softmax", {"s": "0.5 0.3 0.2", "gradient": "1 2 3"}, "0.25 0.42 0.48",
     "taken_elementwise"),
    ("backprop softmax", {"s": "0.5 0.3 0.2", "y": 2}, "-0.5 0.7 -0.2",
     "labels_minus_probabilities"),
    ("backprop activation", {"x": "2 3", "function": "sigmoid", "gradient": "1 1"}, "-2 -6",
     "slope_at_the_input"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "given_", "text", "name"), MISTAKEN)
def test_mistakes_are_reported(kind: str, given_: dict[str, Any], text: str, name: str) -> None:
    problem = Problem(kind, given_)
    verdict = grade(problem, text)
    assert (verdict.mark, verdict.mistake) == ("wrong", name)
    right = solve(kind, **given_).value
    assert all(same(m.value, right) is False for m in mistakes(problem))


def test_mistakes_about_one_gradient_of_several() -> None:
    verdict = grade(Problem("backprop conv", CONV),
                    "x: -1 -2 0; -1 1 2; 6 11 4; w: 37 47; 67 77; b: 10")  # fmt: skip
    assert (verdict.mark, verdict.mistake) == ("partly", "kernel_not_rotated")
    norm = {"x": "1 3 1 3", "gradient": "1 -1 0 2", "gamma": 3}
    for text, name in (("3 -3 0 6", "statistics_as_constants"),
                       ("x: 3, -3, 0, 6", "statistics_as_constants")):  # fmt: skip
        verdict = grade(Problem("backprop batch-norm", norm), f"x: {text.removeprefix('x: ')}; "
                        "gamma: 0; beta: 2")  # fmt: skip
        assert (verdict.mark, verdict.mistake) == ("partly", name)
    met = {m.name for m in mistakes(Problem("backprop batch-norm", norm | {"gradient": "1 2 3 5"}))}
    assert met == {"statistics_as_constants", "path_through_the_variance_forgotten",
                   "bn_unbiased_batch_variance"}  # fmt: skip


READ: list[tuple[str, dict[str, Any], str, str]] = [
    ("backprop conv", CONV, "dL/dx = [[1,4,4],[3,9,6],[0,-3,-4]], dL/dw = [[37,47],[67,77]], "
     "dL/db = 10", "right"),
    ("backprop conv", CONV, "∂L/∂w: 37 47; 67 77; ∂L/∂b: 10; ∂L/∂x: 1 4 4; 3 9 6; 0 -3 -4", "right"),
    ("backprop conv", CONV, "x: 1 4 4; 3 9 6; 0 -3 -4; w: 37 47; 67 77", "partly"),
    ("backprop conv", CONV, "x: 1 4 4; 3 9 6; 0 -3 -4; x: 37 47; 67 77; b: 10", "invalid"),
    ("backprop conv", CONV, "1 4 4; 3 9 6; 0 -3 -4", "invalid"),
    ("backprop conv", CONV | {"wrt": "x"}, "1 4 4\n3 9 6\n0 -3 -4", "right"),
    ("backprop conv", CONV | {"wrt": "x"}, "1 4; 4 3; 9 6", "wrong"),
    ("backprop conv", CONV | {"wrt": "x"}, r"\begin{pmatrix}1&4&4\\3&9&6\\0&-3&-4\end{pmatrix}",
     "right"),
    ("backprop softmax", {"z": "1 2 3", "y": 2}, "[0.0900; -0.7553; 0.6652]", "right"),
    ("backprop softmax", {"z": "1 2 3", "y": 2}, "0.09, -0.755, 0.665", "right"),
    ("backprop softmax", {"z": "1 2 3", "y": 2}, "0.09, -0.745, 0.665", "wrong"),
    ("backprop softmax", {"z": "1 2 3", "y": 2}, "0 -1 1", "wrong"),
    ("backprop batch-norm", {"x": "1 2 6", "gradient": "1 0 2", "gamma": 2},
     "x: 0.529 -0.661 0.132; γ = 1.85; β = 3", "right"),
    ("backprop conv", {"input": 3, "kernel": 2, "wrt": "x"},
     "g_1*w_1, g_1*w_2 + g_2*w_1, g_2*w_2", "right"),
    ("backprop conv", {"input": 3, "kernel": 2, "wrt": "x"}, "g₁w₁, g₁w₂ + g₂w₁, g₂w₂", "right"),
    ("backprop conv", {"input": 3, "kernel": 2, "wrt": "x"},
     "g_1*w_2, g_1*w_1 + g_2*w_2, g_2*w_1", "wrong"),
    ("backprop maxpool", {"x": "7 7; 7 7", "kernel": 2, "gradient": 5}, "5 0; 0 0", "right"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "given_", "text", "mark"), READ)
def test_answers_are_read(kind: str, given_: dict[str, Any], text: str, mark: str) -> None:
    assert grade(Problem(kind, given_), text).mark == mark


# -- what is printed, and what is refused ----------------------------------------------

EXAMPLES = [*[(k, g) for k, g, _ in [*NUMBERS.values(), *DECIMALS.values(), *LETTERS.values()]],
            ("backprop conv", {"input": "3x3", "kernel": 2}),
            ("backprop conv", {"input": "2x3x3", "kernel": 2, "out_channels": 2, "padding": 1}),
            ("backprop batch-norm", {"x": "1 2 6"}),
            ("backprop batch-norm", {"input": 4}),
            ("backprop activation", {"x": "1 -1 0", "function": "leaky-relu"})]  # fmt: skip


@pytest.mark.parametrize(("kind", "given_"), EXAMPLES)
def test_every_form_is_rendered(kind: str, given_: dict[str, Any]) -> None:
    answer = solve(kind, **given_)
    text = render(answer)
    assert "score of a class" not in text and "momentum" not in text
    for line in text.splitlines():
        assert len(line) <= 90, line
    source = render(answer, "tex")
    assert source.count("{") == source.count("}")
    assert source.count(r"\begin") == source.count(r"\end")
    assert "<math" in render(answer, "html")
    assert '"checks"' in render(answer, "json")


def test_what_a_page_shows() -> None:
    shown = render(solve("backprop conv", x=NINE, w="1 0; 0 -1", gradient="1 2; 3 4"))
    assert "∂L/∂w_11" in shown and "= g_11·x_11 + g_12·x_12 + g_21·x_21 + g_22·x_22" in shown
    assert "turned by 180°:\n    [−1  0]\n    [ 0  1]" in shown
    assert "g with k − 1 − p = 1 zeros around:\n    [0  0  0  0]\n    [0  1  2  0]" in shown
    strided = render(solve("backprop conv", x="1 2 3 4 5", w="1 2 3", gradient="1 10", stride=2))
    assert "s − 1 = 1 zeros between its entries" in strided and "[0  0  1  0  10  0  0]" in strided
    tied = render(solve("backprop maxpool", x="7 7; 7 7", kernel=2, gradient=5))
    assert "tie at y_11 (x_11 = x_12 = x_21 = x_22)" in " ".join(tied.split())


def test_larger_inputs_are_computed_but_not_written_out() -> None:
    x = [[(3 * i + 5 * j) % 7 for j in range(17)] for i in range(13)]
    answer = solve("backprop conv", x=x, w="1 2 3; 0 1 0; 2 1 1", gradient=[[1] * 15] * 11)
    assert "221 entries, not written out" in " ".join(render(answer).split())
    assert answer.value["b"] == 165
    assert [c.how[:5] for c in answer.checks] == ["NumPy", "Euler"]


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("backprop conv", {"w": "1 2"}, "input's numbers"),
    ("backprop conv", {"x": NINE}, "kernel's numbers"),
    ("backprop conv", {"x": NINE, "w": "1 2", "kernel": 2}, "kernel's numbers"),
    ("backprop conv", {"x": NINE, "w": "1 2; 3 4", "gradient": "1 2 3"}, "must be 2×2"),
    ("backprop conv", {"x": NINE, "kernel": 4}, "kernel"),
    ("backprop conv", {"input": "HxW", "kernel": 2}, "sizes are numbers"),
    ("backprop conv", {"input": "9x9", "kernel": 2}, "at most 36 letters"),
    ("backprop conv", {"x": [[1] * 30] * 30, "w": "1 2"}, "at most 400 numbers"),
    ("backprop conv", {"x": [[1] * 20] * 20, "w": [[1] * 10] * 10, "padding": 9}, "products"),
    ("backprop conv", {"x": NINE, "w": "1 2", "wrt": "y"}, "gradient"),
    ("backprop conv", {"x": NINE, "w": "1 2", "dilation": 10**9, "padding": 5 * 10**8}, "padded"),
    ("backprop conv", {"input": 10**9, "kernel": 2}, "at most 36"),
    ("backprop conv", {"input": "3x3", "kernel": 10**6, "padding": 10**6}, "padded"),
    ("backprop maxpool", {"x": NINE, "kernel": 10**6, "padding": 5 * 10**5}, "at most"),
    ("backprop avgpool", {"input": 0, "kernel": 1}, "input is"),
    ("backprop conv", {"x": "1 2; 3 4 | 1 2; 3 4", "w": "1 2"}, "channels"),
    ("backprop conv", {"input": "3x3", "kernel": 2, "stride": 0}, "stride"),
    ("backprop maxpool", {"input": "4x4", "kernel": 2}, "depends on the numbers"),
    ("backprop maxpool", {"x": NINE, "kernel": 5}, "does not fit"),
    ("backprop avgpool", {"x": NINE, "kernel": 2, "padding": 2}, "half the kernel"),
    ("backprop batch-norm", {"x": "2 2 2"}, "variance is 0"),
    ("backprop batch-norm", {"x": NINE}, "one feature"),
    ("backprop batch-norm", {"x": "3"}, "2 to 32"),
    ("backprop batch-norm", {"x": "1 2", "gamma": "c"}, "number"),
    ("backprop batch-norm", {"x": "1 2", "epsilon": -1}, "0 or more"),
    ("backprop batch-norm", {"x": "1 2", "gradient": "1 2 3"}, "must be"),
    ("backprop dropout", {"mask": "1 2", "p": 0.5}, "0 \\(dropped\\) and 1"),
    ("backprop dropout", {"mask": "1 0", "p": 1}, "below 1"),
    ("backprop dropout", {"mask": "1 0", "p": "q"}, "p is a number"),
    ("backprop dropout", {"mask": "1 0", "x": "1 2 3"}, "must be"),
    ("backprop dropout", {}, "give the input's numbers"),
    ("backprop softmax", {}, "scores"),
    ("backprop softmax", {"s": "0.5 0.6"}, "add up to 1"),
    ("backprop softmax", {"s": "1 0"}, "positive"),
    ("backprop conv", {"x": "1 2 3", "w": "1 2", "padding": 400}, "give --gradient"),
    ("backprop softmax", {"z": "1 2", "s": "0.5 0.5"}, "scores"),
    ("backprop softmax", {"z": "1 2", "y": 3}, "true class"),
    ("backprop softmax", {"z": "1 2", "y": 1, "gradient": "1 2"}, "not both"),
    ("backprop softmax", {"z": "1 999"}, "beyond 300"),
    ("backprop softmax", {"classes": 50}, "2 to 10"),
    ("backprop activation", {"x": "1 2", "function": "gelu"}, "activation"),
    ("backprop activation", {"x": "1 2", "slope": 0.1}, "leaky-relu only"),
    ("backprop activation", {"x": [[1] * 20] * 20}, "at most 64"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "given_", "said"), REFUSED)
def test_bad_input(kind: str, given_: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said) as met:
        solve(kind, **given_)
    assert "\n" not in met.value.message


def test_a_set_is_loaded_and_graded(tmp_path: Path) -> None:
    from solver.grading import grade_part
    from solver.sets import load_set

    file = tmp_path / "scratch.toml"
    file.write_text(
        'title = "Scratch"\n[[problem]]\nid = "1a"\nkind = "backprop conv"\npoints = 3\n'
        "prompt = '''Gradients?'''\ngiven = { x = [[1, 2, 3], [4, 5, 6], [7, 8, 9]], "
        "w = [[1, 0], [0, -1]], gradient = [[1, 2], [3, 4]] }\n"
    )
    whole = load_set(file)
    verdict = grade_part(whole, whole["1a"], "x: 1 2 0; 3 3 -2; 0 -3 -4; w: 37 47; 67 77; b: 11")
    assert (verdict.mark, verdict.points) == ("partly", 2)
    assert re.search("Not right: b", verdict.feedback)


