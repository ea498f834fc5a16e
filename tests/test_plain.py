"""The plain definitions against textbook values, loops by hand, and their laws."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import erf, exp, inf, log, sqrt, tanh

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput
from solver.networks.layers import layer
from solver.networks.pointwise import ACTIVATIONS
from solver.numeric import plain_layers as layers
from solver.numeric.forward import forward, random_weights
from solver.numeric.plain import (
    adaptive_pool,
    conv,
    conv_transpose,
    fold,
    pad,
    pool,
    sparse_conv,
    subsample,
    unfold,
)
from solver.numeric.plain_resize import interpolate, pixel_shuffle, pixel_unshuffle
from solver.numeric.plain_sequences import attend, attention, recurrent


def exact(rows):
    """An array of Python's own numbers."""
    return np.array(rows, dtype=object)


def image(rows):
    """One image of one channel, exact."""
    return exact(rows)[None, None]


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def same(a, b):
    assert a.shape == b.shape
    assert np.allclose(a, b, rtol=1e-12, atol=1e-12)


# -- convolution ---------------------------------------------------------------------

NINE = image([[0, 1, 2], [3, 4, 5], [6, 7, 8]])
FOUR = image([[0, 1], [2, 3]])
GUIDE = image(
    [
        [3, 3, 2, 1, 0],
        [0, 0, 1, 3, 1],
        [3, 1, 2, 2, 3],
        [2, 0, 0, 2, 2],
        [2, 0, 0, 0, 1],
    ]
)
SOBEL = image([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
RAMP = image([[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]])


@pytest.mark.parametrize(
    "x, weight, how, y",
    [
        pytest.param(NINE, FOUR, {}, [[19, 25], [37, 43]], id="d2l.ai 7.2"),
        pytest.param(
            NINE,
            FOUR,
            {"padding": 1},
            [[0, 3, 8, 4], [9, 19, 25, 10], [21, 37, 43, 16], [6, 7, 8, 0]],
            id="d2l.ai 7.3 padding 1",
        ),
        pytest.param(
            NINE,
            FOUR,
            {"padding": 1, "stride": (3, 2)},
            [[0, 8], [6, 8]],
            id="d2l.ai 7.3 strides 3 and 2",
        ),
        pytest.param(
            GUIDE,
            image([[0, 1, 2], [2, 2, 0], [0, 1, 2]]),
            {},
            [[12, 12, 17], [10, 17, 19], [9, 6, 14]],
            id="arXiv:1603.07285 figure 1.1",
        ),
        pytest.param(
            GUIDE,
            image([[0, 1, 2], [2, 2, 0], [0, 1, 2]]),
            {"padding": 1, "stride": 2},
            [[6, 17, 3], [8, 17, 13], [6, 4, 4]],
            id="arXiv:1603.07285 figure 1.2",
        ),
        pytest.param(RAMP, SOBEL, {}, [[4, 4]], id="Sobel on a step, not flipped"),
        pytest.param(
            exact([[[1, 2, 3]]]),
            exact([[[1, 10]]]),
            {"padding": "same"},
            [21, 32, 3],
            id="same with an even kernel: the odd zero last",
        ),
    ],
)
def test_convolution_by_hand(x, weight, how, y):
    found = conv(x, weight, **how)
    assert found.tolist() == [[y]]
    assert all(type(v) is int for v in found.ravel())


def test_convolution_of_two_channels_adds_up():
    x = np.concatenate([NINE, NINE + 1], axis=1)  # d2l.ai 7.4
    weight = np.concatenate([FOUR, FOUR + 1], axis=1)
    assert conv(x, weight).tolist() == [[[[56, 72], [104, 120]]]]


@pytest.mark.parametrize(
    "stride, y",
    [
        pytest.param(1, [[0, 0, 1], [0, 4, 6], [4, 12, 9]], id="d2l.ai 14.10"),
        pytest.param(
            2,
            [[0, 0, 0, 1], [0, 0, 2, 3], [0, 2, 0, 3], [4, 6, 6, 9]],
            id="d2l.ai 14.10 stride 2",
        ),
    ],
)
def test_transposed_convolution_by_hand(stride, y):
    assert conv_transpose(FOUR, FOUR, stride=stride).tolist() == [[y]]


def test_transposed_padding_cuts_both_ends_and_output_padding_grows_the_last():
    x, weight = exact([[[1, 2]]]), exact([[[1, 10, 100]]])
    assert conv_transpose(x, weight, stride=2).tolist() == [[[1, 10, 102, 20, 200]]]
    cut = conv_transpose(x, weight, stride=2, padding=1, output_padding=1)
    assert cut.tolist() == [[[10, 102, 20, 200]]]
    zeros = conv_transpose(x, weight, stride=2, output_padding=1)
    assert zeros.tolist() == [[[1, 10, 102, 20, 200, 0]]]


def by_loops(x, weight, bias, stride, padding, dilation, groups):
    """The definition, one multiplication at a time."""
    (n, _, height, width), (filters, read, kh, kw) = x.shape, weight.shape
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    rows = (height + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    columns = (width + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    y = np.empty((n, filters, rows, columns), dtype=object)
    for m, o, i, j in np.ndindex(*y.shape):
        total = bias[o]
        for c, a, b in product(range(read), range(kh), range(kw)):
            u, v = sh * i + dh * a - ph, sw * j + dw * b - pw
            if 0 <= u < height and 0 <= v < width:
                channel = o // (filters // groups) * read + c
                total += x[m, channel, u, v] * weight[o, c, a, b]
        y[m, o, i, j] = total
    return y


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("stride, dilation", [((1, 1), (1, 1)), ((2, 3), (2, 1))])
@pytest.mark.parametrize("padding", [(0, 0), (1, 2)])
def test_convolution_is_the_loops_exactly(groups, stride, dilation, padding):
    numbers = np.random.default_rng(0).integers(-9, 10, size=1000)
    thirds = iter(Fraction(int(n), 3) for n in numbers)
    x, weight, bias = (
        np.array([next(thirds) for _ in range(np.prod(s))], dtype=object).reshape(s)
        for s in [(2, 4, 5, 7), (6, 4 // groups, 2, 3), (6,)]
    )
    found = conv(x, weight, bias, stride, padding, dilation, groups)
    assert (found == by_loops(x, weight, bias, stride, padding, dilation, groups)).all()
    assert all(isinstance(v, int | Fraction) for v in found.ravel())


def test_huge_numbers_stay_exact():
    big = exact([[[10**30, 1, 0]]])
    assert conv(big, exact([[[10**30, 1]]]), padding=1).tolist() == [
        [[10**30, 10**60 + 1, 10**30, 0]]
    ]
    assert pool(big, 2, 1).tolist() == [[[10**30, 1]]]
    assert pool(big, 3, mode="avg").tolist() == [[[Fraction(10**30 + 1, 3)]]]


@pytest.mark.parametrize(
    "mode, y",
    [
        ("zeros", [0, 0, 1, 2, 3, 0, 0]),
        ("reflect", [3, 2, 1, 2, 3, 2, 1]),
        ("circular", [2, 3, 1, 2, 3, 1, 2]),
        ("replicate", [1, 1, 1, 2, 3, 3, 3]),
    ],
)
def test_padding_modes(mode, y):
    one = exact([[[1]]])
    assert pad(exact([1, 2, 3]), [(2, 2)], mode).tolist() == y
    x = exact([[[1, 2, 3]]])
    assert conv(x, one, padding=2, padding_mode=mode).tolist() == [[y]]


def test_negative_padding_cuts():
    assert pad(exact([[1, 2, 3], [4, 5, 6]]), [(-1, 1), (1, -2)]).tolist() == [
        [0, 4],
        [0, 0],
    ]


axes = st.lists(
    st.tuples(st.integers(3, 8), *[st.integers(1, 3)] * 2, st.integers(0, 2)),
    min_size=1,
    max_size=3,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(axes, st.sampled_from([1, 2]), st.integers(1, 2), st.integers(0, 99))
def test_transposed_convolution_is_the_adjoint(axes, groups, dilation, seed):
    """⟨conv(x), y⟩ = ⟨x, conv_transpose(y)⟩, exactly."""
    sides, ks, ss, ps = map(tuple, zip(*axes))
    reach = [dilation * (k - 1) + 1 for k in ks]
    if any(n + 2 * p < r for n, p, r in zip(sides, ps, reach)):
        return
    numbers = np.random.default_rng(seed)
    x = numbers.integers(-9, 10, size=(2, 4, *sides)).astype(object)
    weight = numbers.integers(-9, 10, size=(6, 4 // groups, *ks)).astype(object)
    over = [(n + 2 * p - r) % s for n, r, s, p in zip(sides, reach, ss, ps)]
    there = conv(x, weight, None, ss, ps, dilation, groups)
    y = numbers.integers(-9, 10, size=there.shape).astype(object)
    back = conv_transpose(y, weight, None, ss, ps, tuple(over), groups, dilation)
    assert (there * y).sum() == (x * back).sum()


def test_unfold_turns_convolution_into_a_product():
    x, weight = random(2, 3, 7, 11), random(5, 3, 2, 3, seed=1)
    columns = unfold(x, (2, 3), stride=2, padding=1)
    y = weight.reshape(5, -1) @ columns
    same(y.reshape(2, 5, 4, 6), conv(x, weight, stride=2, padding=1))


def test_fold_is_the_adjoint_of_unfold():
    x = random(2, 3, 7, 11)
    how = {"dilation": (2, 1), "padding": (1, 2), "stride": (2, 3)}
    columns = unfold(x, (2, 3), **how)
    y = random(*columns.shape, seed=1)
    back = fold(y, (7, 11), (2, 3), **how)
    assert np.isclose((columns * y).sum(), (x * back).sum())


def test_fold_adds_overlaps_up():
    counts = fold(unfold(np.ones((1, 1, 3, 3)), 2), (3, 3), 2)
    assert counts[0, 0].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]


# -- pooling -------------------------------------------------------------------------

TENTHS = [[17, 17, 17], [10, 12, 18], [11, 8, 13]]


@pytest.mark.parametrize(
    "x, how, y",
    [
        pytest.param(NINE, (2, 1), [[4, 5], [7, 8]], id="d2l.ai 7.5 max"),
        pytest.param(
            image([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]),
            (2, 2),
            [[6, 8], [3, 4]],
            id="cs231n max 2x2 stride 2",
        ),
        pytest.param(
            GUIDE,
            (3, 1),
            [[3, 3, 3], [3, 3, 3], [3, 2, 3]],
            id="arXiv:1603.07285 figure 1.6",
        ),
    ],
)
def test_max_pooling_by_hand(x, how, y):
    assert pool(x, *how).tolist() == [[y]]


def test_average_pooling_by_hand():
    assert pool(NINE, 2, 1, mode="avg").tolist() == [[[[2, 3], [5, 6]]]]  # d2l.ai 7.5
    found = pool(GUIDE, 3, 1, mode="avg")  # arXiv:1603.07285 figure 1.5, one decimal
    assert [[round(10 * v) for v in row] for row in found[0, 0]] == TENTHS
    assert all(isinstance(v, Fraction) for v in found.ravel())


def test_maximum_ignores_padding_even_below_zero():
    assert pool(exact([[[-1, -2]]]), 2, 1, 1).tolist() == [[[-1, -1, -2]]]
    assert pool(np.array([[[-1, -2]]]), 2, 1, 1).tolist() == [[[-1, -1, -2]]]


def test_window_wholly_in_the_padding_has_no_maximum():
    found = pool(np.ones((1, 1, 1)), 2, 1, padding=1, dilation=2)
    assert found.tolist() == [[[-inf]]]
    found = pool(np.ones((1, 1, 1), np.int8), 2, 1, padding=1, dilation=2)
    assert found.tolist() == [[[-128]]]


@pytest.mark.parametrize(
    "mode, how, y",
    [
        ("max", {}, [3, 5]),
        ("max", {"ceil_mode": True}, [3, 5, 6]),
        ("max", {"dilation": 2, "stride": 1}, [5, 6]),
        ("avg", {"ceil_mode": True}, [2, 4, Fraction(11, 2)]),
        ("avg", {"padding": 1}, [1, 3, 5]),
        ("avg", {"padding": 1, "count_include_pad": False}, [Fraction(3, 2), 3, 5]),
        (
            "avg",
            {"padding": 1, "count_include_pad": False, "ceil_mode": True},
            [Fraction(3, 2), 3, 5, 6],
        ),
        # Both windows' overhang is left out, the last one's padding is counted.
        ("avg", {"padding": 1, "ceil_mode": True}, [1, 3, 5, 3]),
    ],
)
def test_pooling_one_to_six(mode, how, y):
    how = {"stride": 2} | how
    x = exact([[[1, 2, 3, 4, 5, 6]]])
    assert pool(x, 3, mode=mode, **how).tolist() == [[y]]


def test_lp_pooling():
    x = np.array([[[3.0, 4.0, 0.0, -5.0]]])
    assert pool(x, 2, mode="lp").tolist() == [[[5, 5]]]
    assert pool(x, 2, mode="lp", norm_type=1).tolist() == [[[7, -5]]]
    assert pool(x, 2, mode="lp", norm_type=inf).tolist() == [[[4, 0]]]


@pytest.mark.parametrize("stride, padding", [(1, 0), (2, 1), ((2, 3), (1, 0))])
def test_average_pooling_is_convolution_with_a_constant_kernel(stride, padding):
    x = random(2, 3, 7, 11)
    weight = np.full((3, 1, 3, 2), 1 / 6)
    y = pool(x, (3, 2), stride, padding, mode="avg")
    same(y, conv(x, weight, None, stride, padding, groups=3))


def test_adaptive_pooling_by_hand():
    x = exact([[[1, 2, 3, 4, 5, 6, 7]]])  # cells 0-3, 2-5, 4-7
    assert adaptive_pool(x, 3).tolist() == [[[2, 4, 6]]]
    assert adaptive_pool(x, 3, "max").tolist() == [[[3, 5, 7]]]
    assert adaptive_pool(x, None).tolist() == x.tolist()
    x = random(2, 3, 6, 10)
    same(adaptive_pool(x, (3, 5)), pool(x, 2, mode="avg"))
    same(adaptive_pool(x, 1)[..., 0, 0], x.mean((2, 3)))


@pytest.mark.parametrize("mode", ["median", "lp"])
def test_unknown_pooling_is_refused(mode):
    with pytest.raises(BadInput, match="no adaptive pooling is called"):
        adaptive_pool(NINE, 1, mode)


# -- LeNet-5 -------------------------------------------------------------------------


def test_sparse_convolution_is_a_dense_one_with_zeros():
    rows = [(0, 1), (1, 2), (0, 1, 2)]
    x = random(2, 3, 7, 5)
    weights = [random(len(row), 3, 3, seed=i) for i, row in enumerate(rows)]
    dense = np.zeros((3, 3, 3, 3))
    for i, row in enumerate(rows):
        dense[i, list(row)] = weights[i]
    bias = random(3, seed=9)
    same(sparse_conv(x, rows, weights, bias), conv(x, dense, bias))


def test_lenet_c3_reads_the_maps_of_table_one():
    table = layer["sparse-conv"](((6, 3), (6, 4), (3, 4), (1, 6))).table(6)
    assert table[0] == (0, 1, 2) and table[4] == (0, 4, 5)  # LeCun et al. 1998
    assert table[6] == (0, 1, 2, 3) and table[11] == (0, 1, 2, 5)
    assert table[12:] == [(0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5)]


def test_subsampling_is_a_scaled_average():
    x = random(2, 3, 6, 10)
    a, b = random(3, seed=1), random(3, seed=2)
    average = pool(x, 2, mode="avg")
    same(subsample(x, a, b), 4 * a[:, None, None] * average + b[:, None, None])


def test_rbf_is_zero_at_its_pattern():
    patterns = exact([[1, -1, 1], [-1, 1, 1]])
    assert layers.rbf(patterns, patterns).tolist() == [[0, 8], [8, 0]]


# -- norms ---------------------------------------------------------------------------

NORMS = [
    ("batch", lambda x, eps: layers.batch_norm(x, eps=eps), (0, 2, 3)),
    ("instance", lambda x, eps: layers.instance_norm(x, eps=eps), (2, 3)),
    ("layer", lambda x, eps: layers.layer_norm(x, 2, eps=eps), (2, 3)),
    ("group", lambda x, eps: layers.group_norm(x, 1, eps=eps), (1, 2, 3)),
]


@pytest.mark.parametrize("name, norm, over", NORMS, ids=[n for n, *_ in NORMS])
def test_norm_has_mean_0_and_variance_1(name, norm, over):
    y = norm(3 + 5 * random(2, 4, 5, 7), 0)
    assert np.allclose(y.mean(over), 0) and np.allclose(y.var(over), 1)


def test_batch_norm_by_hand():
    x = np.array([[1.0, 10.0], [3.0, 50.0]])
    y = layers.batch_norm(x, np.array([2.0, 3.0]), np.array([5.0, 7.0]), eps=0)
    assert y.tolist() == [[3, 4], [7, 10]]
    assert layers.batch_norm(x, eps=3)[:, 0].tolist() == [-0.5, 0.5]  # 1/√(1 + 3)
    stored = layers.batch_norm(
        x, mean=np.array([5.0, 0.0]), variance=np.array([4.0, 25.0]), eps=0
    )
    assert stored.tolist() == [[-2, 2], [-1, 10]]


def test_running_statistics_by_hand():
    x = np.array([[1.0], [3.0]])  # mean 2, variance 1, unbiased 2
    mean, variance = layers.running(x, np.zeros(1), np.ones(1))
    assert np.allclose([mean[0], variance[0]], [0.2, 1.1])


def test_batch_norm_layer_in_training_ignores_what_is_stored():
    one, x = layer["batch-norm"](affine=False), random(5, 3)
    weights = random_weights(one, x.shape)
    same(forward(one, x, weights=weights, training=True), layers.batch_norm(x))
    stored = forward(one, x, weights=weights)
    mean, variance = weights["mean"], weights["variance"]
    same(stored, (x - mean) / np.sqrt(variance + 1e-5))


def test_group_norm_lies_between_layer_and_instance_norm():
    x, a, b = random(2, 6, 5, 7), random(6, seed=1), random(6, seed=2)
    same(layers.group_norm(x, 6, a, b), layers.instance_norm(x, a, b))
    same(layers.group_norm(x, 1), layers.layer_norm(x, 3))
    halves = [layers.layer_norm(part, 3) for part in np.split(x, 2, axis=1)]
    same(layers.group_norm(x, 2), np.concatenate(halves, axis=1))


def test_rms_norm_by_hand():
    y = layers.rms_norm(np.array([[3.0, 4.0]]), gamma=np.array([1.0, 2.0]), eps=0)
    assert np.allclose(y, np.array([[3, 8]]) / sqrt(12.5))


@pytest.mark.parametrize("size", [1, 4, 5])
def test_local_response_norm_by_loops(size):
    x = random(2, 7, 3)
    y = np.empty_like(x)
    for n, i, t in np.ndindex(*x.shape):
        near = [i - size // 2 + j for j in range(size)]
        total = sum(x[n, j, t] ** 2 for j in near if 0 <= j < 7)
        y[n, i, t] = x[n, i, t] / (2 + 0.5 / size * total) ** 0.75
    same(layers.local_response_norm(x, size, 0.5, 0.75, 2), y)


# -- activations ---------------------------------------------------------------------


def s(x):
    return 1 / (1 + exp(-x))


def elu(x, a=1.0):
    return x if x > 0 else a * (exp(x) - 1)


FORMULAS = {
    "relu": lambda x: max(0, x),
    "relu6": lambda x: min(max(0, x), 6),
    "leaky-relu": lambda x: max(x, 0.01 * x),
    "prelu": lambda x: max(x, 0.25 * x),
    "elu": elu,
    "celu": elu,
    "selu": lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772),
    "gelu": lambda x: x * (1 + erf(x / sqrt(2))) / 2,
    "silu": lambda x: x * s(x),
    "mish": lambda x: x * tanh(log(1 + exp(x))),
    "sigmoid": s,
    "hardsigmoid": lambda x: 0 if x < -3 else 1 if x > 3 else x / 6 + 0.5,
    "hardswish": lambda x: 0 if x < -3 else x if x > 3 else x * (x + 3) / 6,
    "tanh": tanh,
    "hardtanh": lambda x: -1 if x < -1 else 1 if x > 1 else x,
    "softplus": lambda x: log(1 + exp(x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "logsigmoid": lambda x: log(s(x)),
    "threshold": lambda x: max(0, x),
    "tanhshrink": lambda x: x - tanh(x),
    "softshrink": lambda x: x - 0.5 if x > 0.5 else x + 0.5 if x < -0.5 else 0,
    "hardshrink": lambda x: x if abs(x) > 0.5 else 0,
}
VALUES = {  # at 1, as PyTorch and the papers' plots have them
    "elu": 1,
    "selu": 1.0507010,
    "gelu": 0.8413447,
    "silu": 0.7310586,
    "mish": 0.8650984,
    "sigmoid": 0.7310586,
    "softplus": 1.3132617,
    "tanh": 0.7615942,
}


@pytest.mark.parametrize("function", [f for f in ACTIVATIONS if "softm" not in f])
def test_activation_is_its_formula(function):
    x = np.array([-5, -2, -1, -0.5, -0.25, 0, 0.25, 0.5, 1, 4, 7])
    y = layers.activation(x, function)
    assert np.allclose(y, [FORMULAS[function](t) for t in x], rtol=1e-12)
    assert np.isclose(y[8], VALUES.get(function, y[8]), atol=1e-7)


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_activation_does_not_overflow(function):
    far = np.array([-800.0, 800.0])  # e^800 does
    assert np.isfinite(layers.activation(far, function)).all()


def test_prelu_takes_its_slope():
    y = layers.activation(np.array([-2.0, 3.0]), "prelu", np.array([0.5]))
    assert y.tolist() == [-1, 3]


def test_softmax_by_hand():
    y = layers.softmax(np.array([1.0, 2.0, 3.0]))
    assert np.allclose(y, [0.0900305732, 0.2447284711, 0.6652409558])
    assert np.allclose(layers.activation(-np.array([1.0, 2.0, 3.0]), "softmin"), y)
    assert np.allclose(layers.log_softmax(np.array([1.0, 2.0, 3.0])), np.log(y))


def test_softmax_rows_sum_to_1():
    x = 50 * random(3, 5, 7, 11)
    assert np.allclose(layers.activation(x[:, :, 0, 0], "softmax").sum(1), 1)
    assert np.allclose(layers.activation(x[:, :, 0], "softmax").sum(2), 1)
    assert np.allclose(layers.activation(x, "softmax").sum(1), 1)  # channels of images


def test_unknown_activation_is_refused():
    with pytest.raises(BadInput, match="did you mean relu"):
        layers.activation(np.zeros(1), "rellu")


def test_dropout_keeps_the_expectation():
    random = np.random.default_rng(0)
    y = layers.dropout(np.ones((100, 100)), 0.2, random, whole=False)
    assert set(y.ravel()) == {0, 1.25} and abs(y.mean() - 1) < 0.02
    y = layers.dropout(np.ones((50, 40, 2, 3)), 0.5, random, whole=True)
    assert all(len(set(channel.ravel())) == 1 for image in y for channel in image)
    assert 0.4 < (y == 0).mean() < 0.6
    assert not layers.dropout(np.ones(5), 1, random, whole=False).any()


# -- products, shapes, resizing ------------------------------------------------------


def test_products_by_hand():
    x, weight = np.array([[1, 2]]), np.array([[1, 0], [0, 1], [1, 1]])
    assert layers.linear(x, weight, np.array([10, 20, 30])).tolist() == [[11, 22, 33]]
    pairs = np.array([[[1, 0], [0, 0]], [[0, 1], [1, 1]]])
    both = layers.bilinear(x, np.array([[3, 4]]), pairs)
    assert both.tolist() == [[3, 4 + 6 + 8]]
    assert layers.embedding(np.array([[1, 0]]), weight).tolist() == [[[0, 1], [1, 0]]]


def test_tokens_go_row_by_row():
    x = np.arange(12).reshape(1, 2, 2, 3)
    assert layers.tokens(x)[0].tolist() == [[i, i + 6] for i in range(6)]
    first = layers.class_token(layers.tokens(x), np.array([-1, -2]))
    assert first[0, :2].tolist() == [[-1, -2], [0, 6]]


def test_pixel_shuffle_by_hand():
    x = np.array([1, 2, 3, 4, 5, 6, 7, 8]).reshape(1, 8, 1, 1)
    assert pixel_shuffle(x, 2).tolist() == [[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]]
    x = random(2, 18, 5, 7)
    same(pixel_unshuffle(pixel_shuffle(x, 3), 3), x)


THIRDS = [
    [1, 4 / 3, 5 / 3, 2],
    [5 / 3, 2, 7 / 3, 8 / 3],
    [7 / 3, 8 / 3, 3, 10 / 3],
    [3, 10 / 3, 11 / 3, 4],
]
QUARTERS = [
    [1, 1.25, 1.75, 2],
    [1.5, 1.75, 2.25, 2.5],
    [2.5, 2.75, 3.25, 3.5],
    [3, 3.25, 3.75, 4],
]
TWICE = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]


@pytest.mark.parametrize(
    "mode, aligned, y",
    [
        pytest.param("nearest", None, TWICE, id="PyTorch's nn.Upsample, nearest"),
        pytest.param("nearest-exact", None, TWICE, id="nearest-exact"),
        pytest.param("area", None, TWICE, id="area"),
        pytest.param("bilinear", False, QUARTERS, id="PyTorch's nn.Upsample, bilinear"),
        pytest.param("bilinear", True, THIRDS, id="PyTorch's nn.Upsample, aligned"),
    ],
)
def test_resizing_one_to_four(mode, aligned, y):
    x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    assert np.allclose(interpolate(x, scale=2, mode=mode, align_corners=aligned), [[y]])
    assert np.allclose(interpolate(x, 4, None, mode, aligned), [[y]])


def test_bicubic_resizing_as_in_onnx():
    x = np.arange(1.0, 17).reshape(1, 1, 4, 4)  # its test resize_upsample_scales_cubic
    y = interpolate(x, scale=2, mode="bicubic")[0, 0]
    first = [0.47265625, 0.76953125, 1.24609375, 1.875]
    assert np.allclose(y[0], [*first, 2.28125, 2.91015625, 3.38671875, 3.68359375])
    assert np.allclose(y[:3, 0], [0.47265625, 1.66015625, 3.56640625])
    assert np.allclose(y + y[::-1, ::-1], 17)


def test_nearest_and_exact_differ_when_shrinking():
    x = np.arange(10.0)[None, None]
    assert interpolate(x, 3).tolist() == [[[0, 3, 6]]]
    assert interpolate(x, 3, mode="nearest-exact").tolist() == [[[1, 5, 8]]]


def test_resizing_steps_by_the_scale_unless_recomputed():
    x = np.arange(5.0)[None, None]  # 5 · 1.5 = 7.5, so 7
    given = interpolate(x, scale=1.5, mode="linear")[0, 0]
    again = interpolate(x, scale=1.5, mode="linear", recompute=True)[0, 0]
    steps = np.arange(7) + 0.5
    assert np.allclose(given, np.clip(steps / 1.5 - 0.5, 0, 4))
    assert np.allclose(again, np.clip(steps * 5 / 7 - 0.5, 0, 4))


LINEAR = [("linear", 1), ("bilinear", 2), ("trilinear", 3)]


@pytest.mark.parametrize("mode, dims", LINEAR)
def test_linear_resizing_keeps_a_plane(mode, dims):
    def plane(points):
        grid = np.meshgrid(*[np.linspace(0, n, points(n)) for n in ends], indexing="ij")
        return sum(slope * g for slope, g in enumerate(grid, 1))

    ends = (2, 4, 1)[:dims]
    x = plane(lambda n: n + 1)[None, None]
    y = interpolate(x, 7, mode=mode, align_corners=True)
    same(y[0, 0], plane(lambda n: 7))


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "nearest", "area"])
def test_resizing_to_its_own_size_changes_nothing(mode):
    x = random(2, 3, 5, 7)
    same(interpolate(x, (5, 7), mode=mode), x)


# -- sequences -----------------------------------------------------------------------


def scalars(kind, gates):
    """Weights of one unit on one feature, all different."""
    names = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
    rows = {n: random(gates, seed=i) for i, n in enumerate(names)}
    return rows, {n: r[:, None] if "weight" in n else r for n, r in rows.items()}


def stepped(rows, x, h):
    of_x = rows["weight_ih"] * x + rows["bias_ih"]
    return of_x, rows["weight_hh"] * h + rows["bias_hh"]


def test_rnn_by_hand():
    rows, weights = scalars("rnn", 1)
    h, x = 0.0, [0.5, -1.5]
    for t in x:
        a, b = stepped(rows, t, h)
        h = tanh(a[0] + b[0])
    y, (last,) = recurrent("rnn", np.array(x)[:, None], [[weights]])
    assert np.isclose(y[-1, 0], h) and np.isclose(last[0, 0], h)


def test_lstm_by_hand():
    rows, weights = scalars("lstm", 4)
    h, c, x = 0.0, 0.0, [0.5, -1.5, 1.0]
    for t in x:
        a, b = stepped(rows, t, h)
        i, f, g, o = a + b  # input, forget, cell, output: PyTorch's order
        c = s(f) * c + s(i) * tanh(g)
        h = s(o) * tanh(c)
    y, (last, cell) = recurrent("lstm", np.array(x)[:, None], [[weights]])
    assert np.allclose([y[-1, 0], last[0, 0], cell[0, 0]], [h, h, c])


def test_gru_by_hand():
    rows, weights = scalars("gru", 3)
    h, x = 0.0, [0.5, -1.5, 1.0]
    for t in x:
        a, b = stepped(rows, t, h)
        r, z = s(a[0] + b[0]), s(a[1] + b[1])
        n = tanh(a[2] + r * b[2])  # the reset gate after the product, as in PyTorch
        h = (1 - z) * n + z * h
    y, (last,) = recurrent("gru", np.array(x)[:, None], [[weights]])
    assert np.allclose([y[-1, 0], last[0, 0]], h)


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_backward_direction_is_the_forward_one_on_the_reversed_sequence(kind):
    one = layer[kind](3, bidirectional=True)
    x = random(7, 2, 5)
    weights = random_weights(one, x.shape)
    y, last = forward(one, x, weights=weights)
    swapped = {
        n.removesuffix("_reverse") if n.endswith("_reverse") else f"{n}_reverse": w
        for n, w in weights.items()
    }
    z, end = forward(one, x[::-1], weights=swapped)
    same(y, np.concatenate([z[::-1, :, 3:], z[::-1, :, :3]], axis=-1))
    h, h_end = (last[0], end[0]) if kind == "lstm" else (last, end)
    same(h, h_end[::-1])
    same(y[-1, :, :3], h[0])
    same(y[0, :, 3:], h[1])


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_batch_first_only_moves_the_axes(kind):
    x = random(7, 2, 5)
    weights = random_weights(layer[kind](3), x.shape)
    y, _ = forward(layer[kind](3), x, weights=weights)
    first = layer[kind](3, batch_first=True)
    turned, _ = forward(first, x.swapaxes(0, 1), weights=weights)
    same(turned.swapaxes(0, 1), y)
    alone, _ = forward(layer[kind](3), x[:, 1], weights=weights)
    same(alone, y[:, 1])


def test_attention_with_one_head_by_hand():
    query = np.array([[2.0, 0.0]])
    key = np.array([[1.0, 5.0], [0.0, 7.0]])
    value = np.array([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]])
    a = exp(2 / sqrt(2)) / (exp(2 / sqrt(2)) + 1)  # scores 2/√2 and 0
    y, shares = attend(query, key, value)
    assert np.allclose(shares, [[a, 1 - a]])
    assert np.allclose(y, [[5 - 4 * a, 6 - 4 * a, 7 - 4 * a]])
    hidden, _ = attend(query, key, value, np.array([[0, -inf]]))
    assert hidden.tolist() == [[1, 2, 3]]


def test_heads_attend_each_to_their_own_features():
    x, out = random(2, 5, 6), random(6, 6, seed=4)
    into = [random(6, 6, seed=i) for i in (1, 2, 3)]
    y, shares = attention(x, x, x, 3, into, out)
    q, k, v = (x @ w.T for w in into)
    heads = [attend(*(p[..., i : i + 2] for p in (q, k, v))) for i in (0, 2, 4)]
    same(y, np.concatenate([h for h, _ in heads], axis=-1) @ out.T)
    same(shares, sum(a for _, a in heads) / 3)
    assert np.allclose(shares.sum(-1), 1)


def test_added_key_and_zeros_come_last_and_share_the_attention():
    x, into = random(2, 5, 6), [np.eye(6)] * 3
    added = 9 * np.ones((1, 6)), np.ones((1, 6))
    y, shares = attention(x, x, x, 1, into, np.eye(6), added=added, zero=True)
    keys = np.concatenate([x, np.full((2, 1, 6), 9.0), np.zeros((2, 1, 6))], axis=1)
    values = np.concatenate([x, np.ones((2, 1, 6)), np.zeros((2, 1, 6))], axis=1)
    wanted, mixed = attend(x, keys, values)
    same(y, wanted)
    same(shares, mixed)
