"""Convolutions as they are called: what is chosen, the laws, padding, output, errors.

Whole numbers are convolved without rounding, so that laws hold to the last digit.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from solver.core import BadInput
from solver.numeric import memory, plain
from solver.numeric.backward_windows import correlation
from solver.numeric.convolution import columns
from solver.numeric.convolution.fourier import Fourier
from solver.numeric.convolution.operator import (
    Convolution,
    by_input,
    by_weight,
    conv,
    conv_transpose,
)
from solver.numeric.convolution.rules import (
    RULES,
    choose,
    choose_input,
    choose_weight,
    named,
    rules,
)
from solver.numeric.convolution.small import Toeplitz, ToeplitzInput
from solver.numeric.convolution.weights import WinogradWeight
from solver.numeric.convolution.winograd import Winograd
from solver.numeric.workspace import channels_last

from .test_convolution import (
    BOUNDS,
    CASES,
    LAYOUTS,
    PRODUCT,
    bound,
    by,
    case,
    last,
    near,
    normal,
    numbers,
    run,
    task_of,
)

# -- what is chosen ------------------------------------------------------------------


def shapes(x, weight, how, dtype=np.float32):
    """The task of a case, of which no number is needed."""
    return task_of(*(np.broadcast_to(dtype(0), s) for s in (x, weight)), how)


KNOWN = [
    ("VGG conv1_1", (1, 3, 224, 224), (64, 3, 3, 3), {"padding": 1}, "columns"),
    ("VGG conv1_2", (1, 64, 224, 224), (64, 64, 3, 3), {"padding": 1}, "F(4,3)"),
    ("VGG conv5_1", (1, 512, 14, 14), (512, 512, 3, 3), {"padding": 1}, "F(2,3)"),
    ("VGG conv5_1, batch 8", (8, 512, 14, 14), (512, 512, 3, 3), {"padding": 1}, "F(4,3)"),
    ("GoogLeNet 1×1", (1, 192, 28, 28), (64, 192, 1, 1), {}, "pointwise"),
    ("GoogLeNet 5×5", (1, 16, 28, 28), (32, 16, 5, 5), {"padding": 2}, "F(4,5)"),
    ("AlexNet conv1", (1, 3, 227, 227), (96, 3, 11, 11), {"stride": 4}, "columns"),
    ("ResNet conv1", (1, 3, 224, 224), (64, 3, 7, 7), {"stride": 2, "padding": 3}, "columns"),
    ("ResNet shortcut", (1, 256, 56, 56), (512, 256, 1, 1), {"stride": 2}, "pointwise"),
    ("LeNet C1", (1, 1, 32, 32), (6, 1, 5, 5), {}, "columns"),
    ("LeNet C5", (1, 16, 5, 5), (120, 16, 5, 5), {}, "toeplitz"),
    ("toy", (1, 1, 5, 5), (1, 1, 3, 3), {}, "toeplitz"),
    ("toy, reflected", (1, 1, 5, 5), (1, 1, 3, 3), {"padding": 1, "padding_mode": "reflect"}, "toeplitz"),
    ("MobileNet depthwise", (1, 32, 112, 112), (32, 1, 3, 3), {"padding": 1, "groups": 32}, "strips"),
    ("DeepLab depthwise", (1, 32, 56, 56), (32, 1, 3, 3), {"padding": 2, "dilation": 2, "groups": 32}, "depthwise"),
    ("ResNeXt", (1, 128, 56, 56), (128, 4, 3, 3), {"padding": 1, "groups": 32}, "grouped"),
    ("31×31", (1, 4, 64, 64), (4, 4, 31, 31), {"padding": 15}, "fourier"),
    ("WaveNet", (1, 32, 1000), (32, 32, 2), {"dilation": 64}, "columns"),
    ("C3D", (1, 3, 16, 112, 112), (64, 3, 3, 3, 3), {"padding": 1}, "columns"),
]  # fmt: skip


@pytest.mark.parametrize(
    "x, weight, how, name", [pytest.param(*k[1:], id=k[0]) for k in KNOWN]
)
def test_well_known_layers_get_their_algorithm(x, weight, how, name):
    assert choose(shapes(x, weight, how))[0] == name
    exact = {"F(2,3)", "F(4,3)", "F(4,5)", "fourier"}
    without = "columns" if name in exact else name
    assert choose(shapes(x, weight, how, np.float64))[0] == without
    instead = dict.fromkeys(exact | {"toeplitz"}, "columns") | {"strips": "depthwise"}
    strict = instead.get(name, name)
    assert choose(shapes(x, weight, how), exact=True)[0] == strict


def test_the_readme_tells_the_table_of_rules():
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    table = readme[readme.index("| rule | for |") :].split("\n\n")[0].splitlines()[2:]
    told = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    tasks = {k[-1]: k[1:4] for k in KNOWN}
    for rule, (name, _, double, strict, error) in zip(RULES, told, strict=True):
        single = shapes(*tasks[rule.name])
        task = shapes(*tasks[rule.name], np.float64)
        used = rule in rules(task, False) and rule.fits(task)
        assert (name, double) == (rule.name, "yes" if used else "no")
        assert strict == ("yes" if rule in rules(single, True) else "no"), name
        most = f"≤ {BOUNDS.get(name, PRODUCT):.0e}".replace("e-0", "e-")
        assert error == ("its rule's" if name == "grouped" else most)


def within(algorithm):
    """An algorithm, and those that it calls."""
    yield algorithm
    inner = [getattr(algorithm, "inner", None), *getattr(algorithm, "parts", [])]
    for one in inner:
        one = one[-1] if isinstance(one, tuple) else one
        if hasattr(one, "task"):
            yield from within(one)


@pytest.mark.parametrize(
    "x, weight, how", [*CASES, *(pytest.param(*k[1:4], id=k[0]) for k in KNOWN)]
)
def test_exact_convolutions_get_exact_algorithms(x, weight, how):
    rough = Winograd, WinogradWeight, Fourier
    spreading = Toeplitz, ToeplitzInput
    for dtype, exact, refused in (
        (np.float64, False, rough),
        (np.float64, True, rough + spreading),
        (np.float32, True, rough + spreading),
    ):
        task = shapes(x, weight, how, dtype)
        for chosen in (
            choose(task, exact)[1],
            *(f(task, exact) for f in (choose_input, choose_weight)),
        ):
            assert not any(isinstance(one, refused) for one in within(chosen))


def test_the_search_for_inexact_algorithms_finds_them():
    x, weight, how = (1, 64, 28, 28), (64, 32, 3, 3), {"padding": 1, "groups": 2}
    task = shapes(x, weight, how)
    for chosen in choose(task)[1], choose_input(task), choose_weight(task):
        found = [*within(chosen)]
        assert any(isinstance(one, (Winograd, WinogradWeight)) for one in found)


# -- laws ----------------------------------------------------------------------------


@st.composite
def tasks(draw):
    """Whole numbers x, w and g, and how they are convolved."""
    dims = draw(st.integers(1, 3))
    groups = draw(st.sampled_from((1, 1, 2, 3)))
    channels, maps = (groups * draw(st.integers(1, 3)) for _ in range(2))
    most = (13, 7, 4)[dims - 1]
    sizes = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(dims))  # noqa: E731
    kernel, stride, dilation = sizes(1, 4), sizes(1, 3), sizes(1, 3)
    padding = sizes(0, most // 2)
    least = (d * (k - 1) + 1 - 2 * p for k, d, p in zip(kernel, dilation, padding))
    sides = tuple(max(1, n) + draw(st.integers(0, most)) for n in least)
    batch = draw(st.sampled_from((1, 2, 3, 17)))
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    random = np.random.default_rng(draw(st.integers(0, 99)))
    dtype = draw(st.sampled_from((np.float32, np.float64)))
    whole = lambda *shape: random.integers(-4, 5, shape).astype(dtype)  # noqa: E731
    x = whole(batch, channels, *sides)
    w = whole(maps, channels // groups, *kernel)
    g = whole(*plain.conv(x, w, **how).shape)
    lays = [draw(st.sampled_from(LAYOUTS)) for _ in range(3)]
    return *(lay(a) for lay, a in zip(lays, (x, w, g))), how


@given(tasks())
@settings(max_examples=100)
def test_a_convolution_is_the_definition(task):
    x, w, g, how = task
    y = plain.conv(x, w, **how)
    assert np.array_equal(conv(x, w, **how), y)
    assert np.array_equal(conv(x, w, **how, exact=True, relu=True), np.maximum(y, 0))


@given(tasks())
@settings(max_examples=100)
def test_a_convolution_and_its_gradients_are_adjoint(task):
    x, w, g, how = task
    core = Convolution(w, **how)
    product = (core(x) * g).sum()
    assert (x * core.by_input(g, x.shape[2:])).sum() == product
    assert (w * core.by_weight(x, g)).sum() == product
    assert np.array_equal(
        by_input(g, w, x.shape[2:], **how), core.by_input(g, x.shape[2:])
    )
    assert np.array_equal(by_weight(x, g, w.shape[2:], **how), core.by_weight(x, g))


@given(tasks(), st.integers(-3, 3), st.integers(-3, 3))
@settings(max_examples=50)
def test_a_convolution_is_linear(task, a, b):
    x, w, g, how = task
    z, v = x[::-1, ..., ::-1] + 1, w[..., ::-1] - 2
    found = conv(a * x + b * z, w, **how)
    assert np.array_equal(found, a * conv(x, w, **how) + b * conv(z, w, **how))
    found = conv(x, a * w + b * v, **how)
    assert np.array_equal(found, a * conv(x, w, **how) + b * conv(x, v, **how))
    sides = x.shape[2:]
    found = by_input(a * g, w, sides, **how)
    assert np.array_equal(found, a * by_input(g, w, sides, **how))


@given(tasks(), st.data())
@settings(max_examples=100)
def test_a_transposed_convolution_is_the_definition(task, data):
    _, w, g, how = task
    more = tuple(data.draw(st.integers(0, s + 1)) for s in how["stride"])
    reach = zip(
        g.shape[2:], w.shape[2:], how["stride"], how["dilation"], how["padding"], more
    )
    sides = [(n - 1) * s + d * (k - 1) + 1 + q - 2 * p for n, k, s, d, p, q in reach]
    assume(min(sides) > 0)
    how = {**how, "output_padding": more}
    got = conv_transpose(g, w, **how)
    assert np.array_equal(got, plain.conv_transpose(g, w, **how))


@pytest.mark.parametrize(
    "x, weight, how",
    [
        case("1d", (2, 3, 7), (3, 5, 4), stride=3, output_padding=2),
        case("2d", (2, 3, 5, 7), (3, 2, 3, 4), stride=(2, 3), padding=(1, 2)),
        case("2d output padding", (2, 3, 5, 7), (3, 2, 3, 3), stride=2, padding=1, output_padding=1),
        case("wider than the stride", (2, 3, 5, 7), (3, 2, 3, 3), dilation=3, output_padding=(2, 1)),
        case("wider than stride and padding", (1, 3, 5, 7), (3, 2, 2, 3), padding=1, output_padding=2),
        case("groups", (3, 6, 5, 7), (6, 2, 3, 2), stride=2, groups=3),
        case("depthwise", (2, 5, 7, 3), (5, 1, 4, 4), stride=2, padding=1, groups=5),
        case("DCGAN", (1, 16, 5, 7), (16, 17, 4, 4), stride=2, padding=1),
        case("batch inside", (17, 3, 5, 7), (3, 2, 3, 3), stride=2),
        case("3d", (2, 3, 3, 2, 5), (3, 2, 2, 3, 1), stride=(2, 1, 3), output_padding=(1, 0, 2)),
    ],
)  # fmt: skip
def test_the_transposed_convolution_is_the_definition(x, weight, how):
    maps = weight[1] * how.get("groups", 1)
    for dtype in (np.float32, np.float64):
        x_, w, bias = (normal(*s).astype(dtype) for s in (x, weight, (maps,)))
        exact = (a.astype(float) for a in (x_, w, bias))
        want = plain.conv_transpose(*exact, **how)
        for lay in LAYOUTS:
            near(conv_transpose(lay(x_), lay(w), bias, **how), want, bound(dtype))


# -- padding -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["zeros", "reflect", "circular", "replicate"])
@pytest.mark.parametrize(
    "x, weight, how",
    [
        case("tiny", (1, 1, 5, 7), (2, 1, 3, 3), padding=1),
        case("1d same, even", (2, 3, 13), (5, 3, 4), padding="same", dilation=3),
        case(
            "2d", (2, 6, 11, 13), (4, 3, 3, 5), padding=(3, 2), stride=(1, 2), groups=2
        ),
        case("as wide as can be", (2, 3, 5, 7), (2, 3, 3, 3), padding=(4, 6)),
        case("3×3", (2, 16, 11, 13), (17, 16, 3, 3), padding=1),
        case("3d", (2, 3, 3, 5, 7), (2, 3, 2, 3, 3), padding=(1, 2, 0)),
    ],
)
def test_padding_modes(x, weight, how, mode):
    x, w, bias = normal(*x), normal(*weight), normal(weight[0])
    how = {**how, "padding_mode": mode}
    want = plain.conv(x, w, bias, **how)
    g = normal(*want.shape)
    core = Convolution(w, bias, **how)
    one = core.geometry
    around = plain.pad(x, [*zip(one.before, one.after)], mode)
    of_w = correlation(around, g, one.kernel, one.stride, one.dilation, one.groups)
    for lay in LAYOUTS:
        near(core(lay(x)), want, 1e-12)
        near(core(lay(x), lay(np.empty_like(want))), want, 1e-12)
        near(core.by_weight(lay(x), g), of_w, 1e-12)
        short = Convolution(*(a.astype(np.float32) for a in (w, bias)), **how)
        near(short(lay(x.astype(np.float32))), want, BOUNDS["F(4,3)"])


# -- out -----------------------------------------------------------------------------


@pytest.mark.parametrize("x, weight, how", CASES)
def test_the_output_is_written_where_it_is_asked_for(x, weight, how):
    x, w, bias, g, y, of_x, _ = numbers(x, weight, how)
    core = Convolution(w, bias, **how)
    for lay in LAYOUTS:
        for given_, call, want in (
            (x, core, y),
            (g, lambda g, out: core.by_input(g, x.shape[2:], out), of_x),
        ):
            out = lay(np.full(want.shape, np.nan))
            for inputs in given_, last(given_):
                assert call(inputs, out=out) is out
                near(out, want, 1e-12)


def test_the_output_lies_as_the_input():
    w = normal(4, 3, 3, 3)
    for lay in LAYOUTS:
        x = lay(normal(2, 3, 7, 11))
        assert channels_last(conv(x, w)) == channels_last(x)
        assert channels_last(by_input(lay(normal(2, 4, 5, 9)), w)) == channels_last(x)


def test_an_output_may_interleave_with_the_input_but_not_overlap():
    both = normal(2, 7, 5, 11)  # as DenseNet appends to its maps
    x, out, w = both[:, :3], both[:, 3:], normal(4, 3, 3, 3)
    want = plain.conv(x, w, padding=1)
    near(conv(x, w, padding=1, out=out), want, 1e-12)
    for out in both[:, 2:6], both[:, :4], both[::-1, :4]:
        with pytest.raises(BadInput, match="shares memory"):
            conv(x, w, padding=1, out=out)


@pytest.mark.parametrize(
    "out",
    [np.empty((2, 4, 5, 10)), np.empty((2, 4, 5)), np.empty((2, 4, 5, 9), np.float32)],
    ids=["shape", "axes", "type"],
)
def test_an_output_that_does_not_fit_is_refused(out):
    with pytest.raises(BadInput, match="out must be 2×4×5×9 of float64, not"):
        conv(normal(2, 3, 7, 11), normal(4, 3, 3, 3), out=out)


def test_an_output_beyond_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1 << 30)
    weight = np.broadcast_to(np.float32(0), (1 << 14, 1, 1, 1))
    with pytest.raises(BadInput, match="1×16384×129×129 takes 1.02 GiB, and 1 GiB are"):
        conv(np.zeros((1, 1, 129, 129), np.float32), weight)


def test_one_convolution_meets_several_shapes():
    core = Convolution(normal(4, 3, 3, 3), padding=1)
    for shape in [(2, 3, 7, 11), (1, 3, 7, 11), (2, 3, 40, 41), (17, 3, 5, 7)] * 2:
        x = normal(*shape)
        near(core(x), plain.conv(x, core.weight, padding=1), 1e-12)
        near(core(last(x)), plain.conv(x, core.weight, padding=1), 1e-12)
    assert len(core.plans) == 8


# -- error bounds --------------------------------------------------------------------


@pytest.mark.parametrize(
    "x, weight",
    [
        pytest.param((1, 64, 28, 28), (32, 64, 3, 3), id="VGG conv1_2, a part"),
        pytest.param((1, 256, 14, 14), (32, 256, 3, 3), id="VGG conv3_2, a part"),
        pytest.param((1, 512, 14, 14), (16, 512, 3, 3), id="VGG conv5_1, a part"),
        pytest.param((1, 16, 28, 28), (32, 16, 5, 5), id="GoogLeNet 3a"),
        pytest.param((1, 48, 7, 7), (128, 48, 5, 5), id="GoogLeNet 5b"),
        pytest.param((1, 16, 17, 17), (8, 16, 13, 13), id="13×13"),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_the_stated_errors_hold_for_the_sizes_of_networks(x, weight, seed):
    x_, w = (normal(*s, seed=seed).astype(np.float32) for s in (x, weight))
    if seed:
        x_ = np.maximum(x_, 0)  # as behind a ReLU
    how = {"padding": weight[-1] // 2}
    core = Convolution(w.astype(float), **how)
    want = core(x_.astype(float))
    task = task_of(x_, w, how)
    names = [r.name for r in RULES if r.fits(task) and r.name != "toeplitz"]
    for name in names if weight[-1] > 5 else [n for n in names if n != "fourier"]:
        near(by(named(task, name), x_, w, want), want, bound(np.float32, name))
    if weight[-1] <= 5:
        g = normal(*want.shape, seed=9).astype(np.float32)
        of_w = core.by_weight(x_.astype(float), g.astype(float))
        got = WinogradWeight(task, 4).of(x_, g, run, 1)
        near(got, of_w, BOUNDS[f"F(4,{weight[-1]})"])


def test_algorithms_are_asked_for_by_name():
    task = task_of(np.empty((1, 3, 5, 5)), np.empty((2, 3, 2, 2)), {})
    assert isinstance(named(task, "columns"), columns.Columns)
    with pytest.raises(BadInput, match="no convolution algorithm.*columns"):
        named(task, "colums")
    with pytest.raises(BadInput, match="pointwise does not compute"):
        named(task, "pointwise")
