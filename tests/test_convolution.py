"""Every convolution algorithm against the definition, whether it would be chosen or not.

The definition is computed in float64. The comparison is fed values that are slightly
wrong, and algorithms with one number of theirs changed: it must notice.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from solver.numeric import plain
from solver.numeric.backward_windows import correlation
from solver.numeric.convolution import (
    columns,
    depthwise,
    rules,
    scatter,
    strips,
    weights,
    winograd,
)
from solver.numeric.convolution.finish import NOTHING, Finish
from solver.numeric.convolution.operator import Convolution
from solver.numeric.convolution.rules import RULES, choose, choose_weight, named
from solver.numeric.convolution.scatter import Scatter
from solver.numeric.convolution.small import ToeplitzInput
from solver.numeric.convolution.transposed import Transposed
from solver.numeric.convolution.weights import ColumnsWeight, WinogradWeight
from solver.numeric.workspace import Workspace, channels_last

# Largest error in float32, relative to the largest value: what the modules state.
BOUNDS = {"F(2,3)": 2e-6, "F(4,3)": 8e-6, "F(4,5)": 3e-5, "fourier": 1e-6}
PRODUCT = 2e-6  # of sums of products as they are


def case(id, x, weight, **how):
    return pytest.param(x, weight, how, id=id)


CASES = [
    case("1d", (2, 3, 29), (5, 3, 7), stride=3, padding=5, dilation=2),
    case("1d one channel, one map, one image", (1, 1, 13), (1, 1, 4), stride=2),
    case("1d same, even", (2, 3, 13), (5, 3, 4), padding="same", dilation=3),
    case("1d groups", (3, 6, 17), (4, 3, 5), padding=2, groups=2),
    case("1d batch inside", (17, 2, 11), (3, 2, 3), stride=2, padding=1),
    case("2d", (2, 3, 11, 13), (5, 3, 3, 5), padding=(1, 2)),
    case("2d strides", (1, 3, 31, 29), (7, 3, 7, 5), stride=(2, 3), padding=(3, 1)),
    case("2d same, even", (2, 3, 11, 13), (5, 3, 4, 2), padding="same", dilation=(1, 3)),
    case("2d batch inside", (20, 3, 13, 11), (5, 3, 3, 2), stride=2, padding=1),
    case("2d batch inside, two lots", (67, 2, 5, 7), (3, 2, 3, 3), padding=1),
    case("2d batch inside, far", (17, 2, 11, 13), (3, 2, 2, 3), stride=(3, 2), dilation=4),
    case("2d groups", (2, 6, 11, 7), (9, 2, 3, 2), stride=(1, 2), groups=3),
    case("2d groups of points", (2, 6, 5, 7), (4, 3, 1, 1), groups=2),
    case("depthwise", (2, 5, 13, 11), (5, 1, 3, 5), padding=(1, 2), groups=5),
    case("depthwise, three maps", (2, 5, 13, 11), (15, 1, 3, 3), stride=2, dilation=2, groups=5),
    case("depthwise 1d", (17, 3, 19), (3, 1, 4), padding="same", groups=3),
    case("depthwise 3d", (2, 3, 5, 7, 11), (6, 1, 3, 2, 1), stride=(1, 2, 3), groups=3),
    case("points", (2, 5, 7, 11), (3, 5, 1, 1)),
    case("points, strides", (2, 5, 7, 11), (3, 5, 1, 1), stride=(3, 2)),
    case("points, padded", (2, 5, 7, 11), (3, 5, 1, 1), stride=2, padding=(1, 3)),
    case("kernel over all", (3, 2, 3, 5), (7, 2, 3, 5)),
    case("kernel wider than the input", (1, 2, 3, 5), (3, 2, 5, 7), padding=(2, 3)),
    case("stride wider than the kernel", (2, 3, 17, 13), (5, 3, 2, 1), stride=(5, 3)),
    case("one row", (2, 3, 1, 13), (5, 3, 1, 4), padding=(0, 3)),
    case("one column", (2, 3, 13, 1), (5, 3, 4, 1), stride=(3, 1)),
    case("one value", (1, 1, 1, 1), (3, 1, 3, 3), padding=1),
    case("far apart", (1, 2, 41, 37), (3, 2, 3, 2), dilation=(13, 17)),
    case("taps that only meet padding", (2, 3, 3, 3), (3, 3, 3, 3), stride=3, dilation=5, padding=4),
    case("taps that only meet padding, strides", (2, 3, 17), (5, 3, 6), stride=7, dilation=11, padding=29),
    case("3×3", (2, 17, 13, 11), (19, 17, 3, 3), padding=1),
    case("3×3 batch", (20, 16, 7, 5), (17, 16, 3, 3), padding=1),
    case("3×3 padding wider than a tile", (1, 17, 11, 41), (16, 17, 3, 3), padding=(10, 7)),
    case("3×3 of two channels", (2, 2, 7, 5), (3, 2, 3, 3)),
    case("5×5", (2, 17, 11, 13), (19, 17, 5, 5), padding=2),
    case("5×5 uneven", (1, 16, 13, 17), (17, 16, 5, 5), padding=(1, 3)),
    case("13×11", (2, 2, 29, 31), (3, 2, 13, 11), padding=(6, 5)),
    case("12×12 same", (1, 3, 23, 19), (5, 3, 12, 12), padding="same"),
    case("3d", (2, 3, 5, 7, 11), (5, 3, 3, 2, 1), stride=(1, 2, 3), padding=(1, 0, 0)),
    case("3d groups", (2, 4, 5, 7, 3), (6, 2, 2, 3, 2), padding=1, dilation=(2, 1, 1), groups=2),
    case("batch inside", (17, 3, 9, 6), (4, 3, 3, 2)),
    case("3d batch inside", (17, 2, 3, 5, 7), (3, 2, 2, 2, 3), padding="same"),
]  # fmt: skip


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def first(x):
    """As NumPy makes it."""
    return np.ascontiguousarray(x)


def last(x):
    """Channels last in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


def scattered(x):
    """Every other value of an array whose rest is no number."""
    around = np.full([2 * n for n in x.shape], np.nan, x.dtype)
    inside = around[tuple(slice(None, None, 2) for _ in x.shape)]
    inside[...] = x
    return inside


def mirrored(x):
    """From the end of memory to its beginning."""
    back = (slice(None, None, -1),) * x.ndim
    return x[back].copy()[back]


def turned(x):
    """The sides in the other order in memory, the batch last."""
    return np.ascontiguousarray(x.T).T


LAYOUTS = [first, last, scattered, mirrored, turned]


def off(got, want):
    """The largest error, relative to the largest value."""
    assert got.shape == want.shape
    return abs(got - want).max() / abs(want).max()


def near(got, want, bound):
    error = off(got, want)
    assert error <= bound, error


def bound(dtype, name=""):
    return 1e-12 if dtype == np.float64 else BOUNDS.get(name, PRODUCT)


@cache
def asked(x, weight, how, dtype):
    """x, weight, bias and gradient; by the definition, in float64, y, ∂L/∂x and ∂L/∂w."""
    how = dict(how)
    x, weight, bias = (
        normal(*shape).astype(dtype) for shape in (x, weight, weight[:1])
    )
    exact = x.astype(float), weight.astype(float), bias.astype(float)
    y = plain.conv(*exact, **how)
    g = normal(*y.shape).astype(dtype)
    one = Convolution(weight, **how).geometry
    ks, ss, ds, groups = one.kernel, one.stride, one.dilation, one.groups
    around = plain.pad(exact[0], [*zip(one.before, one.after)])
    every = zip(around.shape[2:], g.shape[2:], ks, ss, ds)
    unread = tuple(n - (m - 1) * s - d * (k - 1) - 1 for n, m, k, s, d in every)
    back = plain.conv_transpose(
        g.astype(float), exact[1], None, ss, 0, unread, groups, ds
    )
    of_x = back[plain.last(slice(b, b + n) for b, n in zip(one.before, x.shape[2:]))]
    of_w = correlation(around, g.astype(float), ks, ss, ds, groups)
    return x, weight, bias, g, y, of_x, of_w


def numbers(x, weight, how, dtype=float):
    return asked(x, weight, tuple(how.items()), dtype)


def task_of(x, weight, how):
    """The task of inputs that lie in memory as x."""
    return Convolution(weight, **how).geometry.task(x, len(weight))


class Spoiled(Workspace):
    """In each array that a job takes are numbers that overflow where they are met: 3e38,
    or 1e306."""

    def __init__(self):
        super().__init__()
        self.met = {}

    def array(self, name, shape, dtype):
        found = super().array(name, shape, dtype)
        if self.met.get(name, 0) < found.nbytes:  # what the job has not written itself
            self.buffers[name][self.met.get(name, 0) : found.nbytes] = 127
            self.met[name] = found.nbytes
        return found


WORK = Spoiled()


def spoiled():
    """The workspace for another job."""
    WORK.met.clear()
    return WORK


def by(algorithm, x, weight, y, finish=NOTHING, parts=1, lay=first, held=None):
    """What an algorithm makes of x, in an array of the shape of y, laid out so."""
    out = lay(np.full(y.shape, np.nan, x.dtype))
    held = algorithm.prepare(weight) if held is None else held
    for job in algorithm.jobs(x, held, out, finish, parts):
        job(spoiled())
    return out


def run(jobs):
    for job in jobs:
        job(spoiled())


# -- forward -------------------------------------------------------------------------


def fits(rule, x, weight, how):
    """Whether it can compute a case (by a matrix of a size that tests have time for)."""
    task = task_of(np.empty(x, np.float32), np.empty(weight, np.float32), how)
    quick = rule.name != "toeplitz" or rules.toeplitz_size(task) <= 5e5
    return rule.fits(task) and quick


FITTING = [
    pytest.param(rule.name, *each.values, id=f"{rule.name} {each.id}")
    for each in CASES
    for rule in RULES
    if fits(rule, *each.values)
]


@pytest.mark.parametrize("name, x, weight, how", FITTING)
def test_every_algorithm_is_the_definition(name, x, weight, how):
    for dtype in (np.float32, np.float64):
        x_, w, bias, _, y, _, _ = numbers(x, weight, how, dtype)
        for lay, parts in zip(LAYOUTS, (1, 3, 1, 2, 1)):
            task = task_of(lay(x_), w, how)
            if not [r for r in RULES if r.name == name and r.fits(task)]:
                continue  # not for this type or layout
            algorithm = named(task, name)
            for want, finish in (
                (y, Finish(bias)),
                (np.maximum(y, 0), Finish(bias, relu=True)),
            ):
                got = by(algorithm, lay(x_), w, want, finish, parts, lay)
                near(got, want, bound(dtype, name))


@pytest.mark.parametrize("x, weight, how", CASES)
def test_the_chosen_algorithm_is_the_definition(x, weight, how):
    for dtype in (np.float32, np.float64):
        x_, w, bias, _, y, _, _ = numbers(x, weight, how, dtype)
        for lay in LAYOUTS:
            core = Convolution(lay(w), bias, **how)
            near(core(lay(x_)), y, bound(dtype, choose(task_of(lay(x_), w, how))[0]))
            exact = Convolution(w, scattered(bias), exact=True, relu=True, **how)
            near(exact(lay(x_)), np.maximum(y, 0), bound(dtype))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("stride", [43, (43, 1), (1, 43)])
def test_a_stride_may_pass_all_but_the_padding(groups, stride):
    how = {"stride": stride, "padding": 12, "groups": groups}
    x, w = normal(1, 2, 20, 20), normal(2, 2 // groups, 2, 2)
    y = Convolution(w, **how)(x)
    assert y.shape == plain.conv(x, w, **how).shape and not y.any()


@pytest.mark.parametrize("x, weight, how", CASES)
def test_blocks_of_any_size_give_the_same(x, weight, how, monkeypatch):
    for module in columns, scatter, depthwise, strips, winograd, weights:
        monkeypatch.setattr(module, "BUDGET", 1 << 9)
    monkeypatch.setattr(winograd, "FEWEST", 1)
    for cached in rules.choose, rules.choose_input, rules.choose_weight:
        monkeypatch.setattr(rules, cached.__name__, cached.__wrapped__)
    x_, w, bias, g, y, of_x, of_w = numbers(x, weight, how, np.float32)
    for lay in first, last:
        task = task_of(lay(x_), w, how)
        for rule in RULES:
            if rule.fits(task) and fits(rule, x, weight, how):
                got = by(named(task, rule.name), lay(x_), w, y, Finish(bias), 2, lay)
                near(got, y, bound(np.float32, rule.name))
        if task.groups == 1:
            near(by(Scatter(task), lay(g), w, of_x), of_x, PRODUCT)
            near(ColumnsWeight(task).of(lay(x_), g, run, 3), of_w, PRODUCT)
            if rules.square(task, 3, 5):
                got = WinogradWeight(task, 4).of(lay(x_), g, run, 3)
                near(got, of_w, BOUNDS[f"F(4,{weight[-1]})"])
        near(rules.choose_weight(task, True).of(lay(x_), g, run, 3), of_w, PRODUCT)


# -- gradients -----------------------------------------------------------------------


def by_input(task):
    """Algorithms of the gradient by the input."""
    yield Transposed(task, lambda part: choose(part, True)[1])
    if task.groups == 1:
        yield Scatter(task)
        if not task.last and rules.toeplitz_size(task) < 1e6:
            yield ToeplitzInput(task)


@pytest.mark.parametrize("x, weight, how", CASES)
def test_every_gradient_by_the_input_is_the_definition(x, weight, how):
    for dtype in (np.float32, np.float64):
        x_, w, _, g, _, of_x, _ = numbers(x, weight, how, dtype)
        for lay, parts in zip(LAYOUTS, (1, 3, 1, 2, 1)):
            task = replace(task_of(x_, w, how), last=channels_last(lay(g)))
            for algorithm in by_input(task):
                got = by(algorithm, lay(g), w, of_x, parts=parts, lay=lay)
                near(got, of_x, bound(dtype))
            core = Convolution(w, **how)
            near(core.by_input(lay(g), x_.shape[2:]), of_x, bound(dtype, "F(4,5)"))


@pytest.mark.parametrize("x, weight, how", CASES)
def test_every_gradient_by_the_weight_is_the_definition(x, weight, how):
    for dtype in (np.float32, np.float64):
        x_, w, _, g, _, _, of_w = numbers(x, weight, how, dtype)
        for lay, other, parts in zip(
            LAYOUTS, LAYOUTS[1:] + LAYOUTS[:1], (1, 3, 1, 2, 1)
        ):
            task = task_of(lay(x_), w, how)
            found = [(choose_weight(task, True), PRODUCT)]
            if task.groups == 1:
                found.append((ColumnsWeight(task), PRODUCT))
            if rules.square(task, 3, 5):
                found.append((WinogradWeight(task, 4), BOUNDS[f"F(4,{weight[-1]})"]))
            for algorithm, most in found:
                got = algorithm.of(lay(x_), other(g), run, parts)
                near(got, of_w, most if dtype == np.float32 else 1e-12)
            got = Convolution(w, **how).by_weight(lay(x_), other(g))
            near(got, of_w, bound(dtype, "F(4,5)"))


# -- the comparison notices ----------------------------------------------------------


def test_the_comparison_notices_one_value_in_a_thousand():
    y = numbers(*CASES[0].values)[4]
    place = np.unravel_index(abs(y).argmax(), y.shape)
    for dtype, name in ((np.float64, ""), (np.float32, ""), (np.float32, "F(4,5)")):
        wrong = y.copy()
        near(wrong, y, bound(dtype, name))
        wrong[place] *= 1.001
        with pytest.raises(AssertionError):
            near(wrong, y, bound(dtype, name))
        with pytest.raises(AssertionError):
            near(y[:, :-1], y, bound(dtype, name))
        wrong[place] = np.nan
        with pytest.raises(AssertionError):
            near(wrong, y, bound(dtype, name))


@pytest.mark.parametrize(
    "m, r, name", [(2, 3, "F(2,3)"), (4, 3, "F(4,3)"), (4, 5, "F(4,5)")]
)
def test_one_wrong_number_in_a_transform_is_noticed(m, r, name, monkeypatch):
    x, weight, how = (1, 2, 13, 11), (3, 2, r, r), {"padding": 1}
    x_, w, _, _, _, _, _ = numbers(x, weight, how, np.float32)
    y = plain.conv(x_.astype(float), w.astype(float), **how)
    task = task_of(x_, w, how)
    near(by(named(task, name), x_, w, y), y, BOUNDS[name])
    right = winograd.transforms(m, r)
    for which, matrix in enumerate(right):
        for place in np.ndindex(matrix.shape):
            wrong = [a.copy() for a in right]
            wrong[which][place] += 0.001
            monkeypatch.setattr(winograd, "transforms", lambda m, r, w=wrong: w)
            assert off(by(named(task, name), x_, w, y), y) > 2 * BOUNDS[name], place


# where every number of the weight and of the gradient has a say
TELLING = [
    "1d",
    "2d strides",
    "2d groups",
    "depthwise",
    "points",
    "3×3",
    "5×5",
    "13×11",
    "3d",
]
EVERY = [p for p in CASES if p.id in TELLING]


def spoil(held):
    """One of the prepared numbers, the largest (of several the middle one), off by 0.1 %."""
    if isinstance(held, list):
        return [spoil(held[0]), *held[1:]]
    wrong = held.copy()
    flat = wrong.reshape(-1)
    largest = np.flatnonzero(abs(flat) == abs(flat).max())
    flat[largest[len(largest) // 2]] *= 1.001
    return wrong


@pytest.mark.parametrize(
    "name, x, weight, how", [p for p in FITTING if p.id.split(" ", 1)[1] in TELLING]
)
def test_one_wrong_number_in_the_weight_is_noticed(name, x, weight, how):
    x_, w, bias, _, y, _, _ = numbers(x, weight, how, np.float32)
    algorithm = named(task_of(x_, w, how), name)
    held = spoil(algorithm.prepare(w))
    got = by(algorithm, x_, w, y, Finish(bias), held=held)
    assert off(got, y) > 2 * bound(np.float32, name)


@pytest.mark.parametrize("x, weight, how", EVERY)
def test_one_wrong_number_in_a_gradient_is_noticed(x, weight, how):
    x_, w, _, g, _, of_x, of_w = numbers(x, weight, how)
    wrong = spoil(g)
    core = Convolution(w, **how)
    assert off(core.by_input(wrong, x_.shape[2:]), of_x) > 1e-6
    assert off(core.by_weight(x_, wrong), of_w) > 1e-6
