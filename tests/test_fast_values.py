"""Fast norms, activations, losses, products: textbook values, laws, accuracy, memory."""

from __future__ import annotations

from math import erfc, inf, nan, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput
from solver.networks.pointwise import ACTIVATIONS
from solver.numeric import losses as plain_losses
from solver.numeric import plain, plain_layers
from solver.numeric.backward_leaves import SLOPES
from solver.numeric.fast import dense, losses, norms, pointwise
from solver.numeric.fast.normal import normal_cdf

from .test_fast_layers import CLOSE, gapped, off, turned

KINDS = list(CLOSE)
LAYS = [np.array, turned, gapped]


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# -- norms ---------------------------------------------------------------------------


@pytest.mark.parametrize("lay", LAYS)
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 11, 13), (1, 3, 7), (2, 3, 2, 3, 5)])
def test_a_mean_far_from_0_does_not_cancel(shape, lay):
    """In float32 E[x²] − E[x]² of values near 3000 has no digit left; here 3 are."""
    x = (3000 + normal(*shape)).astype(np.float32)
    wanted = plain_layers.batch_norm(x.astype(float))
    naive = x - x.mean((0, *range(2, x.ndim)), keepdims=True)
    naive /= np.sqrt(abs((x * x).mean() - x.mean() ** 2) + 1e-5)
    assert off(norms.batch_norm(lay(x))[0], wanted) < 2e-3 < off(naive, wanted)


def test_batch_norm_standardises():
    x = (5 + 3 * normal(7, 5, 11, 13)).astype(np.float32)
    for lay in LAYS:
        y, saved = norms.batch_norm(lay(x))
        assert abs(y.mean((0, 2, 3))).max() < 1e-5
        assert abs(y.std((0, 2, 3)) - 1).max() < 1e-5
        assert off(saved.mean, x.mean((0, 2, 3), dtype=float)) < 1e-6
        of_x, _ = norms.batch_norm_back(normal(*x.shape).astype(np.float32), saved)
        assert abs(of_x.sum((0, 2, 3))).max() < 1e-3  # a shift of the channel is taken off
        assert abs((of_x * y).sum((0, 2, 3))).max() < 1e-2  # and so is a scale


def test_a_folded_batch_norm_is_the_convolution_and_the_norm():
    x, w, b = normal(2, 3, 11, 13), normal(5, 3, 2, 3), normal(5)
    gamma, beta, mean, variance = normal(5), normal(5), normal(5), normal(5) ** 2
    for bias in (b, None):
        y = plain.conv(x, w, bias)
        wanted = plain_layers.batch_norm(y, gamma, beta, mean, variance)
        both = norms.folded(w, bias, gamma, beta, mean, variance)
        assert off(plain.conv(x, *both), wanted) < 1e-13
        assert off(norms.batch_norm_stored(y, gamma, beta, mean, variance), wanted) < 1e-13
    bare = norms.folded(w, b, None, None, mean, variance)
    assert off(plain.conv(x, *bare), plain_layers.batch_norm(plain.conv(x, w, b), None, None, mean, variance)) < 1e-13


@pytest.mark.parametrize("lay", LAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_norms_in_blocks(kind, lay):
    """Channels enough for several blocks, and a memory order for each of them."""
    x, gamma, beta = normal(3, 37, 61, 71), normal(37), normal(37)
    given = lay(x.astype(kind)), gamma.astype(kind), beta.astype(kind)
    assert len(norms.parts(norms.by_channel(x, False))) > 1
    y, saved = norms.batch_norm(*given)
    assert off(y, plain_layers.batch_norm(x, gamma, beta)) < CLOSE[kind]
    y = norms.batch_norm_stored(*given, given[1] ** 2, given[1] ** 2)
    wanted = plain_layers.batch_norm(x, gamma, beta, gamma**2, gamma**2)
    assert off(y, wanted) < 10 * CLOSE[kind]


@pytest.mark.parametrize("lay", LAYS)
def test_norms_fill_out(lay):
    x, gamma, beta = lay(normal(2, 6, 5, 7)), normal(6), normal(6)
    mean, variance = normal(6), normal(6) ** 2
    for out in (np.empty((2, 6, 5, 7)), turned(np.empty((2, 6, 5, 7))), gapped(x)):
        assert norms.batch_norm(x, gamma, beta, out=out)[0] is out
        assert off(out, plain_layers.batch_norm(x, gamma, beta)) < 1e-13
        assert norms.batch_norm_stored(x, gamma, beta, mean, variance, out=out) is out
        assert off(out, plain_layers.batch_norm(x, gamma, beta, mean, variance)) < 1e-12
        assert norms.group_norm(x, 3, gamma, beta, out=out)[0] is out
        assert off(out, plain_layers.group_norm(x, 3, gamma, beta)) < 1e-13
        assert norms.layer_norm(x, 2, out=out)[0] is out
        assert off(out, plain_layers.layer_norm(x, 2)) < 1e-13
        assert dense.local_response_norm(x, out=out)[0] is out
        assert off(out, plain_layers.local_response_norm(x)) < 1e-13
    with pytest.raises(BadInput, match="shares memory"):
        norms.batch_norm_stored(x, gamma, beta, mean, variance, out=x)


def test_channels_last_stays_channels_last():
    x = turned(normal(2, 3, 5, 7))
    y, saved = norms.batch_norm(x)
    for found in (y, norms.batch_norm_back(x, saved)[0], pointwise.activation(x, "gelu")):
        assert np.moveaxis(found, 1, -1).flags.c_contiguous


# -- the normal distribution ---------------------------------------------------------


def test_normal_cdf_to_the_last_digits():
    x = np.concatenate([np.linspace(-39, 39, 20011), [0.0, -0.0, 1e-300, inf, -inf]])
    wanted = np.array([erfc(-t / sqrt(2)) / 2 for t in x])
    found = normal_cdf(x)
    assert abs(found - wanted).max() <= 4e-16
    some = (x > -6) & (x < 6)
    assert abs(found[some] / wanted[some] - 1).max() < 1e-14  # small values as well
    single = normal_cdf(x.astype(np.float32))
    wanted = np.array([erfc(-t / sqrt(2)) / 2 for t in x.astype(np.float32)])
    assert single.dtype == np.float32 and abs(single - wanted).max() <= 3e-7
    assert np.isnan(normal_cdf(np.array([nan]))).all()


def test_the_bound_would_notice_a_shorter_polynomial(monkeypatch):
    from solver.numeric.fast import normal as module

    monkeypatch.setattr(module, "DOUBLE", module.DOUBLE[:-3])
    with pytest.raises(AssertionError):
        test_normal_cdf_to_the_last_digits()


# -- activations ---------------------------------------------------------------------

ENDS = np.array([-inf, -1e4, -745.0, -100.0, -20.0, -1e-8, 0.0, 1e-8, 20.0, 100.0, 1e4, inf])


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n in SLOPES])
@pytest.mark.parametrize("kind", KINDS)
def test_far_out(name, kind):
    """No overflow, and the plain values wherever those are finite."""
    x = ENDS.astype(kind)
    with np.errstate(invalid="ignore", over="ignore"):
        wanted = plain_layers.activation(x.astype(float), name)
        slope = SLOPES[name](x.astype(float)) * 1.0
    found = pointwise.activation(x, name) if np.isfinite(wanted).all() else None
    if found is None:
        with np.errstate(invalid="ignore"):
            found = pointwise.activation(x, name)
    some = np.isfinite(wanted)
    assert off(found[some], wanted[some]) < CLOSE[kind] and found.dtype == kind
    with np.errstate(invalid="ignore"):
        of_x = pointwise.activation_back(np.ones_like(x), x, found, name)
    some = np.isfinite(slope) & np.isfinite(x)
    assert off(of_x[some], slope[some]) < CLOSE[kind] and of_x.dtype == kind


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh", "gelu", "silu", "mish", "elu", "leaky-relu"])
def test_nan_stays_nan(name):
    x = np.array([1, nan, -1])
    assert np.isnan(pointwise.activation(x, name)).tolist() == [False, True, False]


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_long_arrays_go_through_in_blocks(name, kind):
    """In every memory order; into `out`, which may be x itself or reach into it."""
    x = normal(3, 7, 31, 37).astype(kind)
    assert x.size > pointwise.BLOCK
    slope = np.array([0.3], kind)
    wanted = plain_layers.activation(x.astype(float), name, slope.astype(float))
    for lay in LAYS:
        at = lay(x)
        y = pointwise.activation(at, name, slope)
        assert off(y, wanted) < CLOSE[kind]
        assert pointwise.activation(at, name, slope, out=at) is at
        assert (at == y).all()
    line = np.concatenate([x.ravel(), x.ravel()[:5]])
    if name not in pointwise.OVER_CLASSES:
        pointwise.activation(line[:-5], name, slope, out=line[5:])
        assert off(line[5:].reshape(x.shape), wanted) < CLOSE[kind]


def test_dropout_draws_what_the_plain_one_draws():
    for whole in (False, True):
        x = normal(5, 7, 11)
        x[0, 0, 0], x[1] = inf, -inf
        draws = [np.random.default_rng(3) for _ in range(3)]
        y, kept = pointwise.dropout(x, 0.4, draws[0], whole)
        assert off(y, plain_layers.dropout(x, 0.4, draws[1], whole)) < 1e-15
        g = normal(5, 7, 11)
        ones = plain_layers.dropout(np.ones_like(x), 0.4, draws[2], whole)
        assert off(pointwise.dropped(g, kept, 0.4), g * ones) < 1e-15
        assert draws[0].random() == draws[1].random()
        assert (pointwise.dropout(x, 1, draws[0], whole)[0] == 0).all()
    assert pointwise.dropout(x.astype(np.float32), 0.4, draws[0])[0].dtype == np.float32


# -- losses --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reduction", losses.REDUCTIONS)
@pytest.mark.parametrize("shape", [(7, 5), (5,), (2, 5, 3, 7)])
def test_cross_entropy_is_the_plain_one(shape, reduction, kind):
    z = 10 * normal(*shape)
    t = plain_losses.random_target("cross-entropy", z, np.random.default_rng(1))
    each, slope = losses.cross_entropy(z.astype(kind), t, reduction)
    wanted = plain_losses.loss("cross-entropy", z, t, reduction)
    assert off(np.asarray(each), np.asarray(wanted[0])) < CLOSE[kind]
    assert off(slope, wanted[1]) < CLOSE[kind]
    assert slope.dtype == kind and np.asarray(each).dtype == kind


def test_cross_entropy_by_hand():
    """ln 2 of two equal logits; p − t by the logits; no overflow, no cancellation."""
    each, slope = losses.cross_entropy(np.zeros((1, 2)), np.array([1]))
    assert np.isclose(each, np.log(2), rtol=1e-15) and slope.tolist() == [[0.5, -0.5]]
    each, slope = losses.cross_entropy(np.array([[1e4, -1e4, 0]]), np.array([1]), "none")
    assert each.tolist() == [2e4] and slope.tolist() == [[1, -1, 0]]


def test_labels_weights_as_in_pytorch():
    """A weight w_c counts each sample of class c w_c times, in the mean as well."""
    z, t = normal(4, 3), np.array([0, 2, 2, 1])
    weight = np.array([1.0, 2.0, 3.0])
    twice = np.repeat(np.arange(4), weight[t].astype(int))
    for reduction in ("mean", "sum"):
        found, slope = losses.cross_entropy(z, t, reduction, weight)
        wanted, each = losses.cross_entropy(z[twice], t[twice], reduction)
        assert np.isclose(found, wanted, rtol=1e-14)
        assert off(slope, np.stack([each[twice == i].sum(0) for i in range(4)])) < 1e-14
    plainly = losses.cross_entropy(z, t, "mean")[0]
    assert abs(found / plainly - 1) > 1e-3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reduction", losses.REDUCTIONS)
def test_squared_error_is_the_plain_one(reduction, kind):
    y, t = normal(3, 5, 7), normal(3, 5, 7, seed=1)
    found = losses.mse(y.astype(kind), t.astype(kind), reduction)
    wanted = plain_losses.loss("mse", y, t, reduction)
    assert all(off(np.asarray(f), np.asarray(w)) < CLOSE[kind] for f, w in zip(found, wanted))
    assert all(np.asarray(f).dtype == kind for f in found)


def test_losses_refuse():
    z, t = normal(2, 3), np.array([0, 1])
    for target, says in (([0, 3], "go from 0 to 2, not to 3"), ([-1, 0], "not to -1"), ([0], "a class for each"), ([0.5, 1], "not float64")):
        with pytest.raises(BadInput, match=says):
            losses.cross_entropy(z, np.array(target))
    for run, target in ((losses.cross_entropy, t), (losses.mse, z)):
        with pytest.raises(BadInput, match="reduction"):
            run(z, target, "median")
    with pytest.raises(BadInput, match="no mean of no losses"):
        losses.cross_entropy(z[:0], t[:0])
    with pytest.raises(BadInput, match="output's shape"):
        losses.mse(z, z[:1])


# -- products and lookups ------------------------------------------------------------


def test_linear_fills_out():
    x, w, b = normal(2, 3, 7), normal(5, 7), normal(5)
    for out in (np.empty((2, 3, 5)), np.empty((2, 3, 10))[..., ::2]):
        assert dense.linear(x, w, b, out=out) is out
        assert off(out, plain_layers.linear(x, w, b)) < 1e-14
    with pytest.raises(BadInput, match="out must be"):
        dense.linear(x, w, b, out=np.empty((2, 3, 7)))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 6), max_size=40), st.sampled_from(KINDS))
def test_embedding_adds_up_where_a_row_is_looked_up(rows, kind):
    x = np.array(rows, int)
    g = normal(len(rows), 3).astype(kind)
    wanted = np.zeros((7, 3))
    np.add.at(wanted, x, g)
    found = dense.embedding_back(g, x, 7)
    assert off(found, wanted) < CLOSE[kind] and found.dtype == kind


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9, 20])
def test_local_response_norm(size):
    x = 30 * normal(2, 7, 3, 5)
    for lay in LAYS:
        y, _ = dense.local_response_norm(lay(x), size)
        assert off(y, plain_layers.local_response_norm(x, size)) < 1e-13
        y, _ = dense.local_response_norm(lay(x), size, 1e-3, 0.6, 2)
        assert off(y, plain_layers.local_response_norm(x, size, 1e-3, 0.6, 2)) < 1e-13
