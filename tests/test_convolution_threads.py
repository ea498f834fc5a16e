"""Convolutions on several threads, and what is not finite."""

from __future__ import annotations

import warnings
from threading import Barrier, Event, Thread

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from solver.numeric import plain
from solver.numeric.backward_windows import correlation
from solver.numeric.convolution import operator, threads
from solver.numeric.convolution.operator import (
    Convolution,
    by_input,
    conv,
)
from solver.numeric.workspace import Workspace, release, spaces

from .test_convolution import CASES, bound, case, last, near, normal, numbers

# -- threads -------------------------------------------------------------------------


def blas():
    """How many threads BLAS uses now."""
    (count,) = {i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"}
    return count


@pytest.fixture
def shared(monkeypatch):
    """Work of any size is shared out."""
    monkeypatch.setattr(operator, "PARTS_FROM", 0)


@pytest.mark.parametrize("x, weight, how", CASES)
def test_every_number_of_threads_gives_the_same(x, weight, how, shared):
    for dtype in (np.float32, np.float64):
        x_, w, bias, g, y, of_x, of_w = numbers(x, weight, how, dtype)
        most = bound(dtype, "F(4,5)")
        for count in (1, 2, 3):
            core = Convolution(w, bias, threads=count, **how)
            for lay in np.ascontiguousarray, last:
                near(core(lay(x_)), y, most)
                near(core.by_input(lay(g), x_.shape[2:]), of_x, most)
                near(core.by_weight(lay(x_), g), of_w, most)


def test_the_context_says_how_many_and_the_argument_overrules_it(shared, monkeypatch):
    counts = []
    monkeypatch.setattr(
        threads, "run", lambda jobs, spaces, count, parts: counts.append(count)
    )
    x, w = normal(5, 3, 7, 11), normal(4, 3, 3, 3)
    conv(last(x), w)
    with threads.threads(3):
        conv(last(x), w)
        with threads.threads(2):
            conv(last(x), w)
        conv(last(x), w, threads=5)
        conv(last(x), w)
        with pytest.raises(KeyError), threads.threads(7):
            raise KeyError
        conv(last(x), w)
    conv(last(x), w)
    assert counts == [None, 3, 2, 5, 3, 3, None]


def test_blas_has_what_is_left_to_it_and_gets_back_what_it_had():
    seen = []
    with threadpool_limits(3, user_api="blas"):
        before = blas()  # fewer than asked for, where BLAS was built for fewer
        threads.run([lambda work: seen.append(blas())] * 4, spaces(), 2, 2)
        threads.run([lambda work: seen.append(blas())] * 2, spaces(), 1, 1)
        assert blas() == before
        threads.run([lambda work: seen.append(blas())], spaces(), None, 1)
        # not worth sharing out, or not to be shared: BLAS gets the threads
        threads.run([lambda work: seen.append(blas())] * 2, spaces(), 2, 1)
        threads.run([lambda work: seen.append(blas())], spaces(), 2, 2)
        assert blas() == before
    assert seen == [1] * 6 + [before] + [min(2, before)] * 3


def test_helping_threads_take_overflow_as_the_caller_does():
    together = Barrier(2, timeout=10)  # one job each

    def job(work):
        together.wait()
        assert np.isinf(np.full(3, 3e38, np.float32) * np.float32(10)).all()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(over="ignore"):
            threads.run([job, job], spaces(), 2, 2)
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            threads.run([job, job], spaces(), 2, 2)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("bad", range(5))
def test_a_job_that_raises_is_reported_when_all_threads_have_ended(count, bad):
    ended = []

    def job(i):
        def run(work):
            if i == bad:
                raise ValueError(f"job {i}")
            Event().wait(0.01)
            ended.append(i)

        return run

    with threadpool_limits(2, user_api="blas"):
        before = blas()
        with pytest.raises(ValueError, match=f"job {bad}"):
            threads.run([job(i) for i in range(5)], spaces(), count, count)
        assert blas() == before
    kept = [*ended]
    Event().wait(0.03)
    assert ended == kept
    threads.run([job(9)] * 3, spaces(), count, count)  # and works as before
    assert ended == [*kept, 9, 9, 9]


def test_blas_is_restored_by_the_last_of_several_calls():
    inside, leave = Barrier(3), [Event(), Event()]

    def hold(i):
        with threads.BlasThreads(1):
            inside.wait(5)
            leave[i].wait(5)

    with threadpool_limits(2, user_api="blas"):
        before = blas()
        calls = [Thread(target=hold, args=(i,)) for i in range(2)]
        for call in calls:
            call.start()
        inside.wait(5)
        for event, call in zip(leave, calls):
            assert blas() == 1
            event.set()
            call.join(5)
        assert blas() == before


def test_limits_set_around_a_call_of_another_thread_are_restored():
    own = blas()
    with threadpool_limits(2, user_api="blas"):
        before, seen = blas(), []
        call = Thread(
            target=threads.run, args=([lambda work: seen.append(blas())], spaces(), 1, 1)
        )
        call.start()
        call.join(5)
        assert seen == [1]
        assert blas() == before
    assert blas() == own


def test_one_convolution_serves_several_threads_at_once(shared):
    core = Convolution(normal(17, 16, 3, 3), padding=1, threads=2)
    inputs = [normal(2, 16, 7 + i, 11, seed=i) for i in range(4)]
    wanted = [plain.conv(x, core.weight, padding=1) for x in inputs]
    start, failed = Barrier(4), []

    def call(i):
        try:
            start.wait(5)
            for _ in range(25):
                near(core(inputs[i]), wanted[i], 1e-12)
                assert core.by_input(wanted[i]).shape == inputs[i].shape
        except BaseException as error:
            failed.append(error)

    with threadpool_limits(2, user_api="blas"):
        before = blas()
        calls = [Thread(target=call, args=(i,)) for i in range(4)]
        for one in calls:
            one.start()
        for one in calls:
            one.join(30)
        assert not failed
        assert not any(one.is_alive() for one in calls)
        assert blas() == before


def test_memory_is_used_again_and_given_back():
    release()
    core = Convolution(normal(17, 3, 5, 5), padding=2)
    x = normal(2, 3, 31, 37)
    core(x)
    (space,) = spaces()[:1]
    held = dict(space.buffers)
    assert space.nbytes > 0
    core(x)
    core(x[:, :, 3:, 5:])
    assert all(space.buffers[name] is held[name] for name in held)
    release()
    assert space.nbytes == 0
    one = Workspace()
    assert one.array("a", (2, 3), np.float32).base is not None
    assert one.array("a", (3, 2), np.float64).nbytes == 48 == one.nbytes


# -- what is not finite --------------------------------------------------------------


@pytest.mark.parametrize("x, weight, how", CASES)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_exact_convolutions_keep_infinities_where_they_are_read(x, weight, how):
    for dtype in (np.float32, np.float64):
        x_, w, bias, g, y, of_x, of_w = numbers(x, weight, how, dtype)
        core = Convolution(w, bias, exact=True, **how)
        x_, g = x_.copy(), g.copy()
        for a, values in (x_, (np.inf, np.nan)), (g, (-np.inf, np.nan)):
            a.reshape(-1)[[a.size // 3, a.size // 2]] = values
        want = plain.conv(x_.astype(float), w.astype(float), bias.astype(float), **how)
        marked = np.isfinite(g)
        back = np.abs(
            by_input(
                (~marked).astype(dtype), np.abs(w), x_.shape[2:], exact=True, **how
            )
        )
        for lay in np.ascontiguousarray, last:
            got = core(lay(x_))
            assert np.array_equal(np.isfinite(got), np.isfinite(want))
            whole = np.isfinite(want)
            assert (
                np.abs(got - want)[whole].max(initial=0) <= bound(dtype) * abs(y).max()
            )
            got = core.by_input(lay(g), x_.shape[2:])
            assert np.array_equal(np.isfinite(got), back == 0)
            one = core.geometry
            around = plain.pad(x_.astype(float), [*zip(one.before, one.after)])
            sizes = one.kernel, one.stride, one.dilation, one.groups
            want_w = correlation(around, g.astype(float), *sizes)
            got = core.by_weight(lay(x_), g)
            assert np.array_equal(np.isfinite(got), np.isfinite(want_w))


@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_winograd_spreads_what_is_not_finite_to_its_tiles(value):
    w, x = normal(17, 16, 3, 3).astype(np.float32), normal(2, 16, 29, 31)
    x = x.astype(np.float32)
    want = plain.conv(x.astype(float), w.astype(float), padding=1)
    x[1, 5, 7, 13] = value
    y = conv(x, w, padding=1)  # the outputs 6 to 8 by 12 to 14 read it
    tiles = np.zeros(y.shape, bool)
    tiles[1, :, 4:12, 12:16] = True
    assert not np.isfinite(y[1, :, 6:9, 12:15]).any()
    assert np.isfinite(y[~tiles]).all()
    near(np.where(tiles, 0, y), np.where(tiles, 0, want), bound(np.float32, "F(4,3)"))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_tiny_convolution_spreads_what_is_not_finite_to_its_example():
    x, w = normal(3, 2, 5, 7), normal(2, 2, 3, 3)
    x[1, 0, 0, 0] = np.inf
    y = conv(x, w)
    assert np.isfinite(y[[0, 2]]).all()
    assert not np.isfinite(y[1]).any()
    assert np.isfinite(conv(x, w, exact=True)[1]).sum() == y[1].size - 2


def test_a_relu_keeps_what_is_no_number():
    x, w = np.full((1, 1, 3), np.nan), np.ones((1, 1, 2))
    assert np.isnan(conv(x, w, relu=True, exact=True)).all()


# -- nothing -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x, weight, how",
    [
        case("no images", (0, 3, 5, 7), (4, 3, 3, 3), padding=1),
        case("no images, depthwise", (0, 3, 5, 7), (3, 1, 3, 3), groups=3),
        case("no images, reflected", (0, 3, 5, 7), (4, 3, 3, 3), padding=1, padding_mode="reflect"),
        case("no channels", (2, 0, 5, 7), (4, 0, 3, 3)),
        case("no channels in groups", (2, 0, 5, 7), (4, 0, 1, 1), groups=2),
        case("no maps", (2, 3, 5, 7), (0, 3, 3, 3)),
        case("no rows", (2, 3, 0, 7), (4, 3, 3, 3), padding=2),
    ],
)  # fmt: skip
@pytest.mark.parametrize("lay", [np.ascontiguousarray, last])
def test_sums_of_nothing_are_zero(x, weight, how, lay):
    x, w, bias = lay(normal(*x)), normal(*weight), normal(weight[0])
    core = Convolution(w, bias, **how)
    y = core(x)
    assert np.array_equal(y, np.broadcast_to(bias[:, None, None], y.shape))
    assert np.array_equal(core(x, np.full(y.shape, np.nan)), y)
    assert np.array_equal(core.by_weight(x, y), np.zeros(w.shape))
    if "padding_mode" not in how:
        assert np.array_equal(core.by_input(y, x.shape[2:]), np.zeros(x.shape))
