"""Which algorithm a convolution gets: one table, the first rule that fits is taken.

The bounds are measured (`make bench-conv`), none is derived: they say where one algorithm
starts to be faster than the next. Rules that cost accuracy are for float32. Where `exact`
is asked for they are left out, and those that are not local as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import inf, prod
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.numeric.convolution.columns import Columns
from solver.numeric.convolution.depthwise import Depthwise
from solver.numeric.convolution.fourier import Fourier
from solver.numeric.convolution.grouped import Grouped
from solver.numeric.convolution.pointwise import Pointwise
from solver.numeric.convolution.scatter import Scatter
from solver.numeric.convolution.small import Toeplitz, ToeplitzInput
from solver.numeric.convolution.strips import Strips
from solver.numeric.convolution.task import Task
from solver.numeric.convolution.transposed import Transposed
from solver.numeric.convolution.weights import (
    ColumnsWeight,
    DepthwiseWeight,
    GroupedWeight,
    PointwiseWeight,
    TinyWeight,
    WholeWeight,
    WinogradWeight,
)
from solver.numeric.convolution.winograd import Winograd
from solver.registry import unknown


@dataclass(frozen=True)
class Rule:
    """An algorithm, for which tasks it is taken, and whether it is as good as the definition."""

    name: str
    fits: Callable[[Task], bool]  # what it can compute
    pays: Callable[[Task], bool]  # where it is the fastest
    make: Callable[[Task, Callable[[Task], Any]], Any]
    exact: bool = True  # whether it is as accurate
    local: bool = (
        True  # whether what is not finite reaches only the outputs that read it
    )
    growth: Callable[[Task], float] = lambda t: (
        1
    )  # the prepared weight's size by the weight's


def square(task: Task, *sizes: int) -> bool:
    """Whether the kernel is k×k with one of these k, stride and dilation 1, one group."""
    k = task.kernel
    return (
        len(k) == 2
        and k[0] == k[1]
        and k[0] in sizes
        and task.unit
        and task.groups == 1
    )


def toeplitz_size(task: Task) -> int:
    """The entries of the matrix from all inputs to all outputs."""
    return task.channels * prod(task.sides) * task.maps * prod(task.out)


FEW = 3  # channels in a group up to which zeros are multiplied rather than copies made
TINY = 200_000  # entries of a matrix that is made for a convolution

RULES = (
    Rule(
        "toeplitz",
        lambda t: t.groups == 1 and not t.last,
        lambda t: toeplitz_size(t) <= TINY,
        lambda t, choose: Toeplitz(t),
        growth=lambda t: (
            1 if toeplitz_size(t) <= 1000 else toeplitz_size(t) / t.maps / t.fan
        ),
        local=False,
    ),
    Rule(
        "pointwise",
        lambda t: t.point and t.groups == 1,
        lambda t: True,
        lambda t, choose: Pointwise(t),
    ),
    Rule(
        "strips",
        lambda t: len(t.kernel) == 2 and t.dilation[0] == 1 and not t.last,
        lambda t: t.groups > 1 and t.channels // t.groups <= FEW,
        lambda t, choose: Strips(t),
        growth=lambda t: Strips(t).growth,
        local=False,
    ),
    Rule(
        "depthwise",
        lambda t: t.groups == t.channels > 1,
        lambda t: True,
        lambda t, choose: Depthwise(t),
    ),
    Rule(
        "grouped",
        lambda t: t.groups > 1,
        lambda t: True,
        lambda t, choose: Grouped(t, choose),
    ),
    Rule(
        "F(2,3)",
        lambda t: square(t, 3) and t.dtype == np.float32,
        lambda t: t.channels >= 16 and max(t.out) <= 16 and t.batch == 1,
        lambda t, choose: Winograd(t, 2),
        growth=lambda t: 16 / 9,
        local=False,
    ),
    Rule(
        "F(4,3)",
        lambda t: square(t, 3),
        lambda t: t.channels >= 12 and t.maps >= 12,
        lambda t, choose: Winograd(t, 4),
        exact=False,
        growth=lambda t: 36 / 9,
        local=False,
    ),
    Rule(
        "F(4,5)",
        lambda t: square(t, 5),
        lambda t: t.channels >= 16 and t.maps >= 16,
        lambda t, choose: Winograd(t, 4),
        exact=False,
        growth=lambda t: 64 / 25,
        local=False,
    ),
    Rule(
        "fourier",
        lambda t: t.unit and t.groups == 1,
        lambda t: min(t.kernel) >= 11,
        lambda t, choose: Fourier(t),
        exact=False,
        growth=lambda t: prod(t.sides) / prod(t.kernel),
        local=False,
    ),
    Rule(
        "columns",
        lambda t: t.groups == 1,
        lambda t: True,
        lambda t, choose: Columns(t),
    ),
)


def rules(task: Task, exact: bool) -> Iterable[Rule]:
    """Those that may be used."""
    accurate = exact or task.dtype != np.float32
    return (
        rule
        for rule in RULES
        if (rule.exact or not accurate) and (rule.local or not exact)
    )


@lru_cache(maxsize=512)
def choose(task: Task, exact: bool = False, growth: float = inf) -> tuple[str, Any]:
    """The name and the algorithm of the first rule that fits and pays.

    With `growth` only those whose prepared weight is at most so many times the weight.
    """
    rule = ruled(task, exact, growth)
    return rule.name, rule.make(task, lambda part: choose(part, exact, growth)[1])


def ruled(task: Task, exact: bool = False, growth: float = inf) -> Rule:
    """The rule by which an algorithm is chosen."""
    for rule in rules(task, exact):
        if rule.fits(task) and rule.growth(task) <= growth and rule.pays(task):
            return rule
    raise AssertionError("columns fits every task of one group")


def quick(task: Task, exact: bool) -> bool:
    """Whether gradients by Winograd's algorithm may be used, and pay."""
    wide = min(task.channels, task.maps) >= 16
    return square(task, 3, 5) and wide and task.dtype == np.float32 and not exact


@lru_cache(maxsize=512)
def choose_input(task: Task, exact: bool = False) -> Any:
    """The algorithm of the gradient by the input: scattering where there are few inputs."""
    small = toeplitz_size(task) <= TINY
    if task.groups == 1 and small and not task.last and not exact:
        return ToeplitzInput(task)
    winograd = quick(task, exact)
    if task.groups == 1 and prod(task.kernel) > 1 and not winograd:
        if task.channels < 16 or 2 * task.channels <= task.maps:
            return Scatter(task)
    return Transposed(task, lambda part: choose(part, exact)[1])


@lru_cache(maxsize=512)
def choose_weight(task: Task, exact: bool = False) -> Any:
    """The algorithm of the gradient by the weight."""
    if task.groups == task.channels > 1:
        return DepthwiseWeight(task)
    if task.groups > 1:
        return GroupedWeight(task, lambda part: choose_weight(part, exact))
    if task.point:
        return PointwiseWeight(task)
    if task.groups == 1 and not task.padded and task.macs <= TINY // 10:
        return TinyWeight(task)
    if set(task.out) == {1} and not task.padded and set(task.dilation) == {1}:
        return WholeWeight(task)
    if quick(task, exact):
        if task.batch * prod(-(-o // 4) for o in task.out) >= 40:
            return WinogradWeight(task, 4)
    return ColumnsWeight(task)


def named(task: Task, name: str) -> Any:
    """The algorithm of this name for a task, whether it pays or not."""
    found = {rule.name: rule for rule in RULES}
    if name not in found:
        raise unknown("convolution algorithm", name, list(found))
    rule = found[name]
    if not rule.fits(task):
        raise BadInput(f"{name} does not compute this convolution")
    return rule.make(task, lambda part: choose(part, rule.exact)[1])
