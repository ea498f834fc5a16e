"""Every layer run fast gives what its plain definition gives, forward and backward.

Results are compared with the plain ones on the same numbers in float64, and keep their
type. The comparison is fed values that are slightly wrong: it must notice.
"""

from __future__ import annotations

import gc
import inspect
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest

from solver.core import BadInput
from solver.networks import pointwise
from solver.networks.combine import Network, branches, residual, sequence
from solver.networks.layers import layer
from solver.numeric import backward_leaves, plain_layers
from solver.numeric import forward as forwards
from solver.numeric.backward import PULLS, backward, pulled
from solver.numeric.backward_leaves import BACKS
from solver.numeric.fast.registry import FAST_PULLS, FAST_RUNS
from solver.numeric.forward import forward, random_weights, tensors
from solver.numeric.leaves import RUNS

from .test_backward import CASES, inputs_of, like
from .test_layers import CLASSES, EXAMPLES, IMAGE, SMALL

CLOSE = {np.float64: 1e-12, np.float32: 2e-5}  # of the largest value, or of 1


def off(found, wanted):
    """The largest difference, in units of the largest value wanted (or of 1)."""
    if isinstance(wanted, tuple):
        assert len(found) == len(wanted)
        return max(map(off, found, wanted), default=0)
    if wanted is None:
        assert found is None
        return 0
    wanted = np.asarray(wanted)
    assert found.shape == wanted.shape
    assert np.array_equal(np.isfinite(found), np.isfinite(wanted))
    ends = ~np.isfinite(wanted)
    assert np.array_equal(found[ends], wanted[ends], equal_nan=True)
    apart, size = abs(found[~ends] - wanted[~ends]), abs(wanted[~ends])
    return apart.max(initial=0) / size.max(initial=1)


def all_of_type(found, kind):
    if isinstance(found, tuple):
        return all(all_of_type(part, kind) for part in found)
    return found is None or found.dtype == kind


def turned(x):
    """The same array, its channels last in memory."""
    if np.ndim(x) < 3:
        return np.asfortranarray(x) if np.ndim(x) else np.asarray(x)
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


def gapped(x):
    """The same array, with gaps between its values in memory."""
    x = np.asarray(x)
    wide = np.full(tuple(2 * n for n in x.shape), 7, x.dtype)
    view = wide[(..., *(slice(None, None, 2) for _ in x.shape))]
    view[...] = x
    return view


def typed(x, kind):
    x = np.asarray(x)
    return x if x.dtype.kind in "iu" else x.astype(kind)


LAID = {"as it is": np.asarray, "channels last": turned, "with gaps": gapped}


def heeds(kind):
    """Whether a layer says that it runs otherwise in training; networks may hold one."""
    tables = RUNS, BACKS, FAST_RUNS, FAST_PULLS
    said = (inspect.getsource(t[kind]) for t in tables if kind in t)
    return issubclass(kind, Network) or any("training" in text for text in said)


def modes(cases):
    """Each case in inference, and in training as well where that is something else."""
    return [
        pytest.param(*each.values, training, id=f"{each.id}{'-training' * training}")
        for each in cases
        for training in ((False, True) if heeds(type(each.values[0])) else (False,))
    ]


@pytest.mark.parametrize("one, shapes", [e for e in EXAMPLES if not heeds(type(e.values[0]))])
def test_what_does_not_heed_training_is_the_same_in_it(one, shapes):
    """So that the other tests need not be run in both."""
    inputs = [typed(x, np.float32) for x in inputs_of(one, shapes)]
    weights = {n: w.astype(np.float32) for n, w in random_weights(one, *shapes).items()}
    found = []
    for training in (False, True):
        how = {"weights": weights, "training": training, "seed": 5, "fast": True}
        y, back = pulled(one, *inputs, **how)
        found.append((y, *back(like(y, np.random.default_rng(3)))))
    assert [each[2].keys() for each in found] == [found[0][2].keys()] * 2
    flat = [(y, of_inputs, tuple(w.values())) for y, of_inputs, w in found]
    assert off(*flat) == 0


@pytest.mark.parametrize("kind", CLOSE, ids=["float64", "float32"])
@pytest.mark.parametrize("one, shapes, training", modes(EXAMPLES))
def test_forward_is_the_plain_one(one, shapes, training, kind):
    inputs = [typed(x, kind) for x in inputs_of(one, shapes)]
    weights = {n: w.astype(kind) for n, w in random_weights(one, *shapes).items()}
    exact = {n: w.astype(float) for n, w in weights.items()}
    how = {"training": training, "seed": 5}
    wanted = forward(one, *(typed(x, float) for x in inputs), weights=exact, **how)
    for lay in LAID.values():
        found = forward(one, *map(lay, inputs), weights=weights, fast=True, **how)
        assert off(found, wanted) < CLOSE[kind]
        assert all_of_type(found, kind)


@pytest.mark.parametrize("kind", CLOSE, ids=["float64", "float32"])
@pytest.mark.parametrize("one, shapes, training", modes(CASES))
def test_backward_is_the_plain_one(one, shapes, training, kind):
    inputs = [typed(x, kind) for x in inputs_of(one, shapes)]
    weights = {n: w.astype(kind) for n, w in random_weights(one, *shapes).items()}
    exact = {n: w.astype(float) for n, w in weights.items()}
    how = {"training": training, "seed": 5}
    y = forward(one, *inputs, weights=weights, **how)
    g = like(y, np.random.default_rng(3))
    plain = [typed(x, float) for x in inputs]
    wanted = backward(one, *plain, weights=exact, gradient=g, **how)
    for lay in LAID.values():
        at = [lay(x) for x in inputs]
        gradient = g if isinstance(g, tuple) else lay(g)
        y, back = pulled(one, *at, weights=weights, fast=True, **how)
        for _ in range(2 if lay is np.asarray else 1):  # the same whenever it is asked
            of_inputs, of_weights = back(gradient)
            assert off(of_inputs, wanted[0]) < CLOSE[kind]
            assert of_weights.keys() == wanted[1].keys()
            for name, found in of_weights.items():
                assert off(found, wanted[1][name]) < 5 * CLOSE[kind], name
            assert all_of_type(of_inputs, kind)
            assert all_of_type(tuple(of_weights.values()), kind)


def test_the_comparison_notices():
    x = np.linspace(-3, 5, 77).reshape(7, 11)
    assert off(x, x) == 0 and off((x, None), (x, None)) == 0
    assert off(1.001 * x, x) > 49 * CLOSE[np.float32]
    assert off((x, 1.001 * x), (x, x)) > 49 * CLOSE[np.float32]
    for wrong in (x.T, np.where(x > 4, np.nan, x), x[:, :3]):
        with pytest.raises(AssertionError):
            off(wrong, x)


@pytest.mark.parametrize("kind", list(FAST_RUNS), ids=lambda k: k.__name__)
def test_a_wrong_fast_layer_is_noticed(kind, monkeypatch):
    """0.1 % more out of each fast layer, or into its way back, is found by its examples."""
    right, way = FAST_RUNS[kind], FAST_PULLS[kind]

    def wrong(*args):
        return (right(*args) * 1.001).astype(np.float32)

    def wrongly(*args):
        y, back = way(*args)
        return y, lambda g: back(1.001 * g)

    monkeypatch.setitem(FAST_RUNS, kind, wrong)
    monkeypatch.setitem(FAST_PULLS, kind, wrongly)
    for test, cases in (
        (test_forward_is_the_plain_one, EXAMPLES),
        (test_backward_is_the_plain_one, CASES),
    ):
        mine = [p.values for p in cases if type(p.values[0]) is kind]
        assert any(notices(test, *values, True, np.float32) for values in mine)


def notices(test, *given):
    """Whether a test fails."""
    try:
        test(*given)
    except AssertionError:
        return True
    return False


def test_what_is_fast_also_goes_back():
    assert set(FAST_RUNS) == set(FAST_PULLS) <= set(RUNS)
    assert set(FAST_RUNS) <= set(BACKS)
    assert not any(issubclass(kind, Network) for kind in FAST_RUNS)
    names = "pool adaptive-pool linear embedding batch-norm layer-norm rms-norm group-norm"
    names += " instance-norm local-response-norm activation dropout"
    assert {layer[name] for name in names.split()} <= set(FAST_RUNS)


# -- what stays plain ----------------------------------------------------------------


def test_other_numbers_go_to_the_plain_definition_and_stay_exact():
    one = layer["linear"](1)
    weights = {"weight": np.array([[Fraction(1, 3), 2]]), "bias": np.array([Fraction(1)])}
    y = forward(one, np.array([[1, 1]], object), weights=weights, fast=True)
    assert y.tolist() == [[Fraction(10, 3)]]
    pool = layer["pool"](2, mode="avg")
    y = forward(pool, np.array([[[1, 2], [3, 4]]], object), weights={}, fast=True)
    assert y.tolist() == [[[Fraction(5, 2)]]]
    big = np.array([[[2**60, 2**60 + 1]]])
    assert forward(layer["pool"](1), big, weights={}, fast=True).dtype == big.dtype
    half = np.ones((2, 3), np.float16)
    assert forward(layer["activation"](), half, weights={}, fast=True).dtype == half.dtype


def test_a_mixture_of_types_goes_to_the_plain_definition(monkeypatch):
    one, x = layer["linear"](5), np.ones((2, 3), np.float32)
    monkeypatch.setitem(FAST_RUNS, layer["linear"], lambda *_: pytest.fail("it ran fast"))
    weights = random_weights(one, x.shape)
    assert forward(one, x, weights=weights, fast=True).dtype == float


def test_plain_runs_do_not_touch_the_fast_ones(monkeypatch):
    for kind in FAST_RUNS:
        monkeypatch.setitem(FAST_RUNS, kind, lambda *_: pytest.fail("it ran fast"))
        monkeypatch.setitem(FAST_PULLS, kind, lambda *_: pytest.fail("it ran fast"))
    weights = random_weights(SMALL, IMAGE)
    x = np.ones(IMAGE)
    y = forward(SMALL, x, weights=weights)
    backward(SMALL, x, weights=weights, gradient=np.ones_like(y))


@pytest.mark.parametrize("training", [False, True])
def test_networks(training):
    dense = sequence(("fc", layer["linear"](7)), ("drop", layer["dropout"](0.4)))
    wide = branches(("a", layer["conv"](3, 1)), ("b", layer["pool"](3, 1, 1)))
    nets = [
        (SMALL, IMAGE),
        (residual(("body", layer["batch-norm"]()), ("short", sequence())), IMAGE),
        (wide, IMAGE),
        (sequence(("f", layer["flatten"]()), ("d", dense)), IMAGE),
    ]
    for net, shape in nets:
        test_forward_is_the_plain_one(net, [shape], training, np.float32)
        test_backward_is_the_plain_one(net, [shape], training, np.float32)


def test_several_threads_may_run_one_network():
    x = inputs_of(SMALL, [IMAGE])[0].astype(np.float32)
    weights = {n: w.astype(x.dtype) for n, w in random_weights(SMALL, IMAGE).items()}
    g = np.ones((2, 7), x.dtype)

    def trained(times):
        y, back = pulled(SMALL, times * x, weights=weights, training=True, fast=True)
        (of_x,), of_weights = back(g)
        return y, of_x, *of_weights.values()

    scales = [1, 2, 3, 5] * 5
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(trained, scales))
    for times, results in zip(scales, found):
        assert all((a == b).all() for a, b in zip(results, trained(times)))


# -- what is found once --------------------------------------------------------------


def test_a_network_is_inferred_once_for_each_shape(monkeypatch):
    net = sequence(("fc", layer["linear"](3)), ("relu", layer["activation"]()))
    calls = []
    inner = forwards.listed
    monkeypatch.setattr(forwards, "listed", lambda *a: calls.append(a) or inner(*a))
    weights = random_weights(net, (2, 5))
    for rows in (2, 2, 7, 2, 7):
        assert forward(net, np.ones((rows, 5)), weights=weights).shape == (rows, 3)
    assert len(calls) == 2
    found = tensors(net, (2, 5))
    found.clear()  # a caller's copy
    assert tensors(net, (2, 5))


def test_what_is_kept_is_bounded_and_goes_with_its_layer():
    net = sequence(layer["activation"]())
    before = len(forwards.WHOLE)
    for rows in range(1, 3 * forwards.KEPT):
        forward(net, np.ones((rows, 2)), weights={})
    assert len(forwards.WHOLE[net]) <= forwards.KEPT
    del net
    gc.collect()
    assert len(forwards.WHOLE) <= before


def test_refusals_are_repeated():
    one, x = layer["linear"](5), np.ones((2, 3), np.float32)
    weights = {n: w.astype(x.dtype) for n, w in random_weights(one, x.shape).items()}
    for _ in range(2):
        for run in (forward, lambda *a, **k: backward(*a, gradient=np.ones((2, 5)), **k)):
            with pytest.raises(BadInput, match="no tensor surplus; it has weight, bias"):
                run(one, x, weights=weights | {"surplus": x}, fast=True)
            with pytest.raises(BadInput, match="bias is missing"):
                run(one, x, weights={"weight": weights["weight"]}, fast=True)
            with pytest.raises(BadInput, match="weight must be 5×3, not 3"):
                run(one, x, weights=weights | {"weight": x[0]}, fast=True)
    table = random_weights(layer["embedding"](CLASSES, 2), (1,))
    with pytest.raises(BadInput, match="rows from 0 to 10"):
        forward(layer["embedding"](CLASSES, 2), np.array([11]), weights=table, fast=True)
    with pytest.raises(BadInput, match="no backward pass of Custom"):
        pulled(layer["custom"]("attend"), x, weights={}, fast=True)
    assert not set(PULLS) & set(FAST_PULLS)


@pytest.mark.parametrize("fast", [False, True])
def test_the_padding_row_of_an_embedding_is_not_learned(fast):
    one, x = layer["embedding"](5, 2, padding_idx=3), np.array([0, 3, 0])
    how = {"weights": {"weight": np.ones((5, 2))}, "gradient": np.ones((3, 2))}
    of_x, of_w = backward(one, x, fast=fast, **how)
    assert of_x == (None,)
    assert of_w["weight"].tolist() == [[2, 2], [0, 0], [0, 0], [0, 0], [0, 0]]


def test_an_activation_without_a_fast_version_goes_by_its_definition(monkeypatch):
    monkeypatch.setattr(pointwise, "ACTIVATIONS", [*pointwise.ACTIVATIONS, "cube"])
    one, shape = pointwise.Activation("cube"), (2, 3, 5)
    x = np.random.default_rng(1).normal(size=shape)
    with pytest.raises(BadInput, match="no activation is called 'cube'"):
        forward(one, x, weights={}, fast=True)
    monkeypatch.setitem(plain_layers.FUNCTIONS, "cube", lambda x: x**3)
    assert off(forward(one, x, weights={}, fast=True), x**3) < 1e-12
    for fast in (False, True):
        with pytest.raises(BadInput, match="no derivative of cube: it is a line of SLOPES"):
            pulled(one, x, weights={}, fast=fast)[1](x)
    monkeypatch.setitem(backward_leaves.SLOPES, "cube", lambda x: 3 * x**2)
    for fast in (False, True):
        of_inputs, of_weights = pulled(one, x, weights={}, fast=fast)[1](x)
        assert off(of_inputs, (3 * x**3,)) < 1e-12 and not of_weights
