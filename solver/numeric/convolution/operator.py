"""Convolution, fast: forward and both gradients, 1d to 3d, the algorithm chosen by shape.

`Convolution` holds a weight, prepared once for every shape of input that it meets;
`conv`, `by_input`, `by_weight` and `conv_transpose` are calls for once. Shapes and
meaning are those of `plain.conv`, on float32 or float64.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.networks.layers import show_shape
from solver.numeric.convolution import threads as sharing
from solver.numeric.convolution.finish import NOTHING, Finish
from solver.numeric.convolution.geometry import Geometry, sizes
from solver.numeric.convolution.given import array, fitting, layout, real
from solver.numeric.convolution.rules import choose, choose_input, choose_weight
from solver.numeric.convolution.small import Toeplitz
from solver.numeric.convolution.task import Array, Sizes, Task, gapless
from solver.numeric.convolution.transposed import transposed_sides
from solver.numeric.plain import Sides, axes, last, spread
from solver.numeric.workspace import (
    channels_last,
    checked,
    empty,
    rows_first,
    rows_last,
    spaces,
)

KEPT = 16  # shapes for which a weight is prepared at the same time
PASSES = 8  # multiply-adds of a product in the time of one without
PARTS_FROM = 200_000_000  # multiply-adds from which work is shared out among threads


class Plan:
    """An algorithm for one shape of input, and the weight as it wants it."""

    __slots__ = ("task", "algorithm", "held", "shape", "last", "table")

    def __init__(self, task: Task, algorithm: Any, held: Any, shape: Sizes) -> None:
        self.task, self.algorithm, self.held, self.shape = task, algorithm, held, shape
        self.last = task.last
        self.table = held if isinstance(algorithm, Toeplitz) else None


class Settled:
    """A convolution for one shape of input, which keeps its weight prepared and no other.

    `last` says whether the inputs have their channels last in memory; others are copied.
    `growth` is by how much the prepared weight may be larger than the weight.
    """

    def __init__(
        self, one: Convolution, like: Array, last: bool, growth: float
    ) -> None:
        self.plan = one.planned(like, last, growth)
        self.geometry, self.finish, self.threads = one.geometry, one.finish, one.threads

    def __call__(self, x: Array, out: Array | None = None) -> Array:
        """Forward; as `Convolution`."""
        x = self.geometry.surrounded(x)
        if self.plan.last and not gapless(rows_last(x)):
            x = rows_first(np.ascontiguousarray(rows_last(x)))
        return carried_out(self.plan, x, out, self.finish, self.threads)


class Convolution:
    """y[o, i] = b[o] + Σ_c Σ_a w[o, c, a] · x[c, s·i + d·a − p], and its gradients.

    The weight is maps×(C/groups)×kernel and is brought into the form that each algorithm
    wants when a shape of input is first met: make a new one when the weight changes.
    With `exact` nothing is used that is less accurate than the sum itself, or takes what is
    not finite to outputs that do not read it; float64 is always accurate. The output lies in
    memory as the input does, channels first or last.
    """

    def __init__(
        self,
        weight: Array,
        bias: Array | None = None,
        *,
        stride: Sides = 1,
        padding: Sides | str = 0,
        dilation: Sides = 1,
        groups: int = 1,
        padding_mode: str = "zeros",
        exact: bool = False,
        relu: bool = False,
        threads: int | None = None,
    ) -> None:
        real(weight, "the weight")
        if not 3 <= weight.ndim <= 5:
            raise BadInput(
                f"the weight is maps×channels×kernel with 1 to 3 sides, not "
                f"{show_shape(weight.shape)}"
            )
        if bias is not None:
            fitting(bias, len(weight))
        self.weight = weight
        kernel = weight.shape[2:]
        self.geometry = Geometry(
            kernel, stride, padding, dilation, groups, padding_mode
        )
        if len(weight) % groups:
            raise BadInput(f"{len(weight)} maps do not divide into {groups} groups")
        self.exact, self.threads = exact, threads
        self.bias = None if bias is None else bias.astype(weight.dtype, copy=False)
        self.finish = Finish(self.bias, relu)
        self.plans: dict[Any, Plan] = {}
        sharing.counted(threads)

    def __call__(self, x: Array, out: Array | None = None) -> Array:
        """Forward: x is N×C×sides; the output is written into `out` if it is given."""
        key = layout(x, "the input")
        plan = self.plans.get(key)
        if plan is None:
            plan = self.kept(key, self.planned(x))
        x = self.geometry.surrounded(x)
        if plan.table is not None and out is None and x.size:
            y = np.dot(x.reshape(len(x), -1), plan.table).reshape(plan.shape)
            self.finish.batch(y)
            return y
        return carried_out(plan, x, out, self.finish, self.threads)

    def kept(self, key: Any, plan: Plan) -> Plan:
        """The plan, kept for the next call; of a few shapes, each has a weight of its own."""
        if len(self.plans) >= KEPT:
            self.plans.clear()
        self.plans[key] = plan
        return plan

    def planned(self, x: Array, last: bool | None = None, growth: float = inf) -> Plan:
        """The plan for inputs like x."""
        task = self.task(x, last)
        algorithm = choose(task, self.exact, growth)[1]
        return Plan(task, algorithm, self.prepared(algorithm), task.shape)

    def task(self, x: Array, last: bool | None = None) -> Task:
        """What is to be computed on inputs like x, if it can be."""
        self.admit(x, "the input")
        channels = self.weight.shape[1] * self.geometry.groups
        if x.shape[1] != channels:
            raise BadInput(
                f"the weight reads {channels} channels, the input has {x.shape[1]}"
            )
        task = self.geometry.task(
            self.geometry.surrounded(x), len(self.weight), last=last
        )
        for n, b, a, r in zip(task.sides, task.before, task.after, task.reach):
            if n + b + a < r:
                raise BadInput(
                    f"kernel {show_shape(task.kernel)} does not fit: it reaches {r} wide, and "
                    f"the input is {n}, {n + b + a} with its padding"
                )
        return task

    def prepared(self, algorithm: Any) -> Any:
        """The weight as the algorithm wants it; None without channels or maps."""
        return algorithm.prepare(self.weight) if self.weight.size else None

    def by_input(
        self, g: Array, sides: Sides | None = None, out: Array | None = None
    ) -> Array:
        """∂L/∂x from ∂L/∂y, N×maps×sides. `sides` are x's; without, the fewest that fit."""
        of = layout(g, "the gradient")
        sides = None if sides is None else spread(sides, len(self.geometry.kernel))
        key = "input", sides, *of
        plan = self.plans.get(key)
        if plan is None:
            plan = self.kept(key, self.planned_back(g, sides))
        return carried_out(plan, g, out, NOTHING, self.threads)

    def planned_back(self, g: Array, sides: Sizes | None) -> Plan:
        """The plan for gradients like g."""
        self.admit(g, "the gradient")
        if g.shape[1] != len(self.weight):
            raise BadInput(
                f"the gradient has {g.shape[1]} maps, the convolution {len(self.weight)}"
            )
        geometry = self.geometry
        if geometry.mode != "zeros":
            raise BadInput(f"there is no fast gradient through {geometry.mode} padding")
        if sides is None:
            padding = zip(geometry.before, geometry.after)
            every = zip(
                g.shape[2:],
                geometry.kernel,
                geometry.stride,
                geometry.dilation,
                padding,
            )
            sides = tuple(
                (m - 1) * s + d * (k - 1) + 1 - b - a for m, k, s, d, (b, a) in every
            )
        sizes("sides", tuple(max(n, 0) for n in sides), 0)
        if any(n < 0 for n in sides):
            raise BadInput(
                f"a gradient of {show_shape(g.shape[2:])} does not go with padding "
                f"{show_shape(geometry.before)}: the input would be {show_shape(sides)}"
            )
        channels = self.weight.shape[1] * geometry.groups
        like = np.broadcast_to(np.empty((), g.dtype), (len(g), channels, *sides))
        task = geometry.task(like, len(self.weight))
        if task.out != g.shape[2:]:
            raise BadInput(
                f"an input of {show_shape(sides)} gives {show_shape(task.out)}, "
                f"the gradient is {show_shape(g.shape[2:])}"
            )
        task = replace(task, last=channels_last(g))
        algorithm = choose_input(task, self.exact)
        return Plan(task, algorithm, self.prepared(algorithm), like.shape)

    def by_weight(self, x: Array, g: Array) -> Array:
        """∂L/∂w from the input and ∂L/∂y, of the weight's shape."""
        key = "weight", *layout(x, "the input")
        plan = self.plans.get(key)
        if plan is None:
            task = self.task(x)
            algorithm = choose_weight(task, self.exact)
            plan = self.kept(key, Plan(task, algorithm, None, task.shape))
        self.admit(g, "the gradient")
        if g.shape != plan.shape:
            raise BadInput(
                f"the gradient must be {show_shape(plan.shape)}, as the output, not "
                f"{show_shape(g.shape)}"
            )
        if not x.size or not g.size:
            return np.zeros(self.weight.shape, x.dtype)
        count, parts = shares(plan.task, self.threads)

        def run(jobs: list[Any]) -> None:
            sharing.run(jobs, spaces(), count, parts)

        surrounded = self.geometry.surrounded(x)
        if count is None:
            return plan.algorithm.of(surrounded, g, run, parts)
        with sharing.BlasThreads(count):  # also what is done before and after the jobs
            return plan.algorithm.of(surrounded, g, run, parts)

    def admit(self, x: Array, what: str) -> None:
        """Refuse arrays of another type or number of axes."""
        real(x, what)
        if x.dtype != self.weight.dtype:
            raise BadInput(
                f"{what} is {x.dtype} and the weight {self.weight.dtype}: convert one of them"
            )
        if x.ndim != self.weight.ndim:
            raise BadInput(
                f"{what} must have {self.weight.ndim} axes, the batch first, not "
                f"{show_shape(x.shape)}"
            )


def shares(task: Task, threads: int | None) -> tuple[int | None, int]:
    """How many threads there are, and among how many the work is worth sharing out."""
    count = sharing.counted(threads)
    # without a product there are two passes over the memory for each multiply-add
    weight = PASSES if task.groups == task.channels > 1 else 1
    return count, (count if count and weight * task.macs >= PARTS_FROM else 1)


def carried_out(
    plan: Plan, x: Array, out: Array | None, finish: Finish, threads: int | None
) -> Array:
    """The plan's jobs, by as many threads as there are."""
    if out is None:
        out = empty(plan.shape, x.dtype, plan.last)
    else:
        checked(out, plan.shape, x)
    if not x.size or not out.size:  # an empty batch, or no channels: sums of nothing
        out[...] = 0
        finish.batch(out)
        return out
    count, parts = shares(plan.task, threads)
    jobs = plan.algorithm.jobs(x, plan.held, out, finish, parts)
    sharing.run(jobs, spaces(), count, parts)
    return out


def conv(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    out: Array | None = None,
    **how: Any,
) -> Array:
    """One convolution of N×C×sides; the arguments are `Convolution`'s."""
    return Convolution(weight, bias, **how)(x, out)


def by_input(g: Array, weight: Array, sides: Sides | None = None, **how: Any) -> Array:
    """∂L/∂x from ∂L/∂y; the arguments are `Convolution`'s."""
    return Convolution(weight, **how).by_input(g, sides)


def by_weight(x: Array, g: Array, kernel: Sides, **how: Any) -> Array:
    """∂L/∂w from the input and ∂L/∂y, for a kernel of these sides."""
    real(x, "the input")
    array(g, "the gradient")
    if x.ndim < 3 or g.ndim != x.ndim:
        raise BadInput(
            f"the input and the gradient are N×C×sides, not {show_shape(x.shape)} and "
            f"{show_shape(g.shape)}"
        )
    ks, groups = spread(kernel, x.ndim - 2), how.get("groups", 1)
    sizes("groups", (groups,), 1)
    like = np.broadcast_to(
        np.empty((), x.dtype), (g.shape[1], x.shape[1] // groups, *ks)
    )
    return Convolution(like, **how).by_weight(x, g)


def conv_transpose(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Sides = 1,
    padding: Sides = 0,
    output_padding: Sides = 0,
    dilation: Sides = 1,
    groups: int = 1,
    exact: bool = False,
    threads: int | None = None,
) -> Array:
    """The transposed convolution of N×C×sides by a weight of C×(maps/groups)×kernel."""
    array(x, "the input")
    how: dict[str, Any] = {"stride": stride, "dilation": dilation, "groups": groups}
    how |= {"exact": exact, "threads": threads}
    whole = Convolution(weight, **how)
    kernel, ss, ds = (
        getattr(whole.geometry, n) for n in ("kernel", "stride", "dilation")
    )
    _, ps, qs = axes(kernel, padding, output_padding)
    sizes("padding", ps, 0)
    sizes("output_padding", qs, 0)
    maps = weight.shape[1] * groups
    if bias is not None:
        fitting(bias, maps)
    sides = transposed_sides(x.shape[2:], kernel, ss, ps, qs, ds)
    if any(n < 0 for n in sides):
        reach = tuple(n + 2 * p for n, p in zip(sides, ps))
        raise BadInput(
            f"padding {show_shape(ps)} cuts more than the {show_shape(reach)} there is"
        )
    if all(q < s for q, s in zip(qs, ss)):
        y = Convolution(weight, padding=ps, **how).by_input(x, sides)
    else:  # more output padding than a stride: part of it is out of every window's reach
        y = empty((len(x), maps, *sides), x.dtype, False)
        y[...] = 0
        cut = whole.by_input(x)[last(slice(p, p + n) for p, n in zip(ps, sides))]
        y[last(slice(n) for n in cut.shape[2:])] = cut
    if bias is not None:
        y += bias.reshape(-1, *(1,) * len(kernel))
    return y
