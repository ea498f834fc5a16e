"""Fast pooling against the plain definition: windows, ties, NaN, positions, memory."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput
from solver.networks.layers import layer
from solver.numeric import plain
from solver.numeric.backward import backward
from solver.numeric.fast.arrays import blocks
from solver.numeric.fast.cells import adaptive_pool, lp_pool
from solver.numeric.fast.pooling import (
    average_pool,
    average_pool_back,
    max_pool,
    max_pool_back,
)
from solver.numeric.workspace import Workspace

from .test_fast_layers import gapped, off, turned


def image(rows, kind=float):
    return np.array(rows, kind)[None, None]


def integers(shape, seed=0):
    """Few different values, so that there are ties; exact in every type."""
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


# -- windows of every kind -----------------------------------------------------------

few = st.integers(1, 4)


@st.composite
def windows(draw):
    """Sides, and the kernel, stride, padding and dilation along each of them."""
    dims = draw(st.integers(1, 3))
    one = st.tuples(st.integers(1, 9), few, few, st.integers(0, 2), st.integers(1, 3))
    return [draw(one) for _ in range(dims)]


def settled(each):
    """As max pooling takes it, or None where no window fits."""
    sides, ks, ss, ps, ds = map(tuple, zip(*each))
    fits = all(n + 2 * p > d * (k - 1) for n, k, _, p, d in each)
    return (sides, ks, ss, ps, ds) if fits else None


@settings(max_examples=150, deadline=None, derandomize=True)
@given(windows(), st.booleans(), st.sampled_from([np.array, turned, gapped]))
def test_the_maximum_is_the_plain_one_and_stands_at_its_position(each, ceil, lay):
    how = settled(each)
    if how is None:
        return
    sides, *rest = how
    x = integers((2, 3, *sides))
    wanted = plain.pool(x, *rest, ceil)
    at = lay(x)
    assert off(max_pool(at, *rest, ceil), wanted) == 0
    y, places = max_pool(at, *rest, ceil, indices=True)
    assert y.dtype == np.float32 and places.dtype == np.intp
    assert off(y, wanted) == 0
    assert (places == firsts(x, wanted, *rest, ceil)).all()


def firsts(x, y, kernel, stride, padding, dilation, ceil):
    """The flat position of each window's first largest value, window by window."""
    sides, dims = x.shape[2:], len(kernel)
    numbers = np.arange(np.prod(sides)).reshape(sides)
    found = np.full(y.shape, -1)
    for place in np.ndindex(*y.shape[2:]):
        starts = [i * s - p for i, s, p in zip(place, stride, padding)]
        taps = [
            [j for j in range(a, a + d * (k - 1) + 1, d) if 0 <= j < n]
            for a, k, d, n in zip(starts, kernel, dilation, sides)
        ]
        if not all(taps):
            continue
        read = x[(..., *np.ix_(*taps))].reshape(*x.shape[:2], -1)
        found[(..., *place)] = numbers[np.ix_(*taps)].ravel()[read.argmax(axis=-1)]
    assert dims == len(sides)
    return found


@settings(max_examples=100, deadline=None, derandomize=True)
@given(windows(), st.booleans(), st.booleans(), st.sampled_from([np.array, turned, gapped]))
def test_the_average_and_its_way_back_are_adjoint(each, ceil, include, lay):
    """⟨avg(x), g⟩ = ⟨x, ∂x⟩, for it is linear; and avg is the plain one."""
    how = settled([(n, k, s, min(p, k // 2), 1) for n, k, s, p, _ in each])
    if how is None:
        return
    sides, kernel, stride, padding, _ = how
    x = integers((2, 3, *sides)).astype(float)
    rest = stride, padding, ceil, include
    y = average_pool(lay(x), kernel, *rest)
    assert off(y, plain.pool(x, kernel, stride, padding, 1, ceil, "avg", include)) < 1e-14
    g = lay(np.random.default_rng(2).normal(size=y.shape))
    of_x = average_pool_back(g, sides, kernel, *rest)
    assert abs((y * g).sum() - (x * of_x).sum()) < 1e-10
    assert of_x.shape == x.shape


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 11)), min_size=1, max_size=3),
    st.sampled_from([np.array, turned, gapped]),
)
def test_adaptive_pooling_is_the_plain_one(each, lay):
    sides, output = map(tuple, zip(*each))
    x = integers((2, 3, *sides))
    for mode in ("avg", "max"):
        found = adaptive_pool(lay(x), output, mode)
        assert off(found, plain.adaptive_pool(x.astype(float), output, mode)) < 1e-6
        assert found.dtype == x.dtype


def test_large_images_go_through_in_blocks():
    """Longer than a block, with windows that overlap, in each memory order."""
    x = integers((3, 5, 211, 223))
    assert len(list(blocks(x, 2))) > 1
    wanted = x[:, :, :-2:2], x[:, :, 1:-1:2], x[:, :, 2::2]
    rows = np.maximum(np.maximum(*wanted[:2]), wanted[2])
    whole = np.maximum(np.maximum(rows[..., :-2:2], rows[..., 1:-1:2]), rows[..., 2::2])
    for lay in (np.array, turned, gapped):
        y, places = max_pool(lay(x), 3, 2, indices=True)
        assert (max_pool(lay(x), 3, 2) == whole).all() and (y == whole).all()
        flat = x.reshape(3, 5, -1)
        picked = np.take_along_axis(flat, places.reshape(3, 5, -1), -1)
        assert (picked.reshape(y.shape) == y).all()
        g = integers(y.shape, 1)
        of_x = max_pool_back(lay(g), places, x.shape[2:])
        assert of_x.sum() == g.sum() and (of_x * x).sum() == (g * y).sum()
        total = average_pool(lay(x), 3, 2, divisor=1)
        sums = plain.windows(x, (3, 3), 2).sum(axis=(-2, -1))
        assert (total == sums).all()
        back = average_pool_back(lay(g), x.shape[2:], 3, 2, divisor=1)
        assert (back * x).sum(dtype=float) == (g * total).sum(dtype=float)


# -- textbook values, ties, NaN ------------------------------------------------------

BY_HAND = [
    ("d2l.ai 7.5", [[0, 1, 2], [3, 4, 5], [6, 7, 8]], (2, 1), [[4, 5], [7, 8]], [[4, 5], [7, 8]]),
    ("the first of equal values", [[5, 5], [5, 5]], (2,), [[5]], [[0]]),
    ("the first, row by row", [[1, 5], [5, 0]], (2,), [[5]], [[1]]),
    ("the first row, if both hold it", [[0, 5], [5, 5]], (2,), [[5]], [[1]]),
    ("all −∞", [[-inf, -inf], [-inf, -inf]], (2,), [[-inf]], [[0]]),
    ("−∞ behind padding", [[-inf, 1], [1, 1]], (2, 2, 1), [[-inf, 1], [1, 1]], [[0, 1], [2, 3]]),
    ("∞ wins", [[1, inf], [3, inf]], (2,), [[inf]], [[1]]),
    ("NaN wins over ∞", [[inf, 1], [nan, 2]], (2,), [[nan]], [[2]]),
    ("the first NaN", [[inf, nan], [nan, 2]], (2,), [[nan]], [[1]]),
    ("NaN in one window only", [[nan, 1, 7]], ((1, 2), 1), [[nan, 7]], [[0, 2]]),
]  # fmt: skip


@pytest.mark.parametrize("x, how, y, places", [c[1:] for c in BY_HAND], ids=[c[0] for c in BY_HAND])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_maximum_by_hand(x, how, y, places, kind):
    for lay in (np.array, turned, gapped):
        found, at = max_pool(lay(image(x, kind)), *how, indices=True)
        assert np.array_equal(found[0, 0], y, equal_nan=True) and found.dtype == kind
        assert at[0, 0].tolist() == places
        alone = max_pool(lay(image(x, kind)), *how)
        assert np.array_equal(alone[0, 0], y, equal_nan=True)


def test_a_window_in_the_padding_has_no_position():
    x = np.ones((1, 1, 1))
    y, places = max_pool(x, 2, 1, 2, 3, True, indices=True)
    assert y.tolist() == plain.pool(x, (2,), 1, 2, 3, True).tolist()
    assert (places[y == -inf] == -1).all() and (y == -inf).any()
    of_x = max_pool_back(np.ones_like(y), places, (1,))
    assert of_x.tolist() == [[[(y > -inf).sum()]]]


def test_averages_with_infinities_and_nan_stay_where_they_are():
    """A value reaches the windows that read it, and no others (no product with zeros)."""
    x = np.zeros((1, 1, 64, 96), np.float32)  # long enough for the passes in memory order
    x[0, 0, 3, 95], x[0, 0, 4, 0], x[0, 0, 9, 9] = inf, -inf, nan
    y = average_pool(x, 3, 2, 1)
    with np.errstate(invalid="ignore"):
        assert off(y, plain.pool(x.astype(float), 3, 2, 1, mode="avg")) == 0
    assert np.isfinite(y).sum() == y.size - 7  # in 2, 1 and 4 windows
    assert off(max_pool(x, 3, 2, 1), plain.pool(x, 3, 2, 1)) == 0


@pytest.mark.parametrize("p", [1, 2, 3, 6, 0.5, inf])
def test_lp_pooling(p):
    x = abs(np.random.default_rng(0).normal(size=(2, 3, 11, 13)))
    for kind, close in ((np.float64, 1e-12), (np.float32, 1e-5)):
        y = lp_pool(x.astype(kind), 3, 2, True, p)
        assert y.dtype == kind
        assert off(y, plain.pool(x, 3, 2, ceil_mode=True, mode="lp", norm_type=p)) < close


def test_lp_pooling_of_zeros_has_the_gradient_0():
    one, x = layer["pool"](2, mode="lp"), np.zeros((1, 2, 2))
    how = {"weights": {}, "gradient": np.ones((1, 1, 1)), "fast": True}
    assert (backward(one, x, **how)[0][0] == 0).all()


def test_infinite_gradients_reach_the_winners_only():
    x = image([[1, 2], [4, 3]])
    y, places = max_pool(x, 2, indices=True)
    for overlapping in (True, False):
        of_x = max_pool_back(np.full_like(y, inf), places, (2, 2), overlapping)
        assert of_x.tolist() == [[[[0, 0], [inf, 0]]]]


# -- memory --------------------------------------------------------------------------


def test_out_is_filled_and_returned():
    x = integers((2, 3, 11, 13))
    wide = np.empty((2, 3, 5, 12), np.float32)
    for out in (np.empty((2, 3, 5, 6), np.float32), wide[..., ::2]):
        assert max_pool(x, 2, out=out) is out
        assert (out == plain.pool(x, 2)).all()
        assert average_pool(x, 2, out=out) is out
        assert (out == plain.pool(x, 2, mode="avg")).all()
        assert adaptive_pool(x, (5, 6), out=out) is out
    y, places = max_pool(x, 2, indices=True)
    out = np.empty_like(x)
    assert max_pool_back(y, places, (11, 13), False, out) is out
    assert average_pool_back(y, (11, 13), 2, out=out) is out
    assert off(out, average_pool_back(y, (11, 13), 2)) == 0


def test_an_out_that_does_not_do_is_refused():
    x = integers((2, 3, 8, 8))
    for out, says in (
        (np.empty((2, 3, 4, 5), np.float32), "out must be 2×3×4×4 of float32, not 2×3×4×5"),
        (np.empty((2, 3, 4, 4)), "not 2×3×4×4 of float64"),
        (x[:, :, :4, :4], "shares memory"),
    ):
        for run in (max_pool, average_pool):
            with pytest.raises(BadInput, match=says):
                run(x, 2, out=out)


def test_a_workspace_is_used_again():
    work, x = Workspace(), integers((2, 3, 11, 13))
    first = max_pool(x, 3, 2, workspace=work)
    kept = {name: id(a) for name, a in work.buffers.items()}
    assert kept and (max_pool(x + 1, 3, 2, workspace=work) == first + 1).all()
    assert {name: id(a) for name, a in work.buffers.items()} == kept
    assert (first == plain.pool(x, 3, 2)).all()  # what was given out is not scratch


def test_a_workspace_holds_no_more_than_the_largest_call():
    work, held = Workspace(), set()
    for n in range(40, 8, -1):
        x = integers((2, 3, n, n))
        assert (max_pool(x, 3, 2, workspace=work) == plain.pool(x, 3, 2)).all()
        held.add(work.nbytes)
    assert len(held) == 1 and held != {0}
    work.clear()
    assert work.nbytes == 0


def test_channels_last_in_channels_last_out():
    x = turned(integers((2, 3, 11, 13)))
    y, places = max_pool(x, 3, 2, indices=True)
    results = y, average_pool(x, 3, 2), max_pool_back(y, places, (11, 13))
    results += (average_pool_back(y, (11, 13), 3, 2),)
    for found in results:
        assert np.moveaxis(found, 1, -1).flags.c_contiguous


REFUSED = [
    ("kernel 9 does not fit: the input is 8 wide", {"kernel": 9}),
    ("at least 1", {"kernel": 2, "stride": 0}),
    ("at least 1", {"kernel": 2, "padding": -1}),
]


@pytest.mark.parametrize("says, how", REFUSED)
def test_impossible_windows_are_refused(says, how):
    for run in (max_pool, average_pool):
        with pytest.raises(BadInput, match=says):
            run(integers((2, 3, 8, 8)), **how)
    with pytest.raises(BadInput, match="adaptive pooling"):
        adaptive_pool(integers((2, 3, 8, 8)), 2, "mean")
