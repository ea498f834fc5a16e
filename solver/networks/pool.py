"""Pooling: maximum, average and LP windows, and adaptive pooling, 1d to 3d.

Pooling works inside each channel and has no parameters. The stride is the kernel unless
given. With ceil_mode the last window may hang over the edge, but must start inside the
input or the padding before it, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from solver.core import BadInput
from solver.expressions.formula import Formula, Work, settle
from solver.expressions.nodes import Expr, Size, times
from solver.networks.conv import SIZE
from solver.networks.layers import (
    AXES,
    Layer,
    Shape,
    Sides,
    layer,
    per_axis,
    positive,
    split,
    starts,
)
from solver.networks.needs import Need, fit, reach

UP = Formula("ceil((n + 2*p - d*(k - 1) - 1)/s) + 1")
CEIL = Formula("min(ceil((n + 2*p - d*(k - 1) - 1)/s) + 1, ceil((n + p)/s))")
MODES = ("max", "avg", "lp")
CELLS = 100_000  # along a side of adaptive pooling, which are counted one by one


@layer("pool")
@dataclass(frozen=True, eq=False, repr=False)
class Pool(Layer):
    """Pooling over windows: max, avg or lp (the p-norm) inside each channel."""

    kernel: Sides
    stride: Sides | None = None
    padding: Sides = 0
    dilation: Sides = 1
    ceil_mode: bool = False
    mode: str = "max"
    count_include_pad: bool = True
    norm_type: Size = 2
    divisor_override: int | None = None
    dims: int = 2

    KIND = "pooling"
    LETTERS = {"kernel": "k", "stride": "s", "padding": "p", "dilation": "d"}

    def axes(self) -> list[tuple[Size, Size, Size, Size]]:
        """(kernel, stride, padding, dilation) of each axis."""
        if self.mode not in MODES:
            raise BadInput(f"pooling is one of {', '.join(MODES)}, not {self.mode!r}")
        ks = per_axis(self.kernel, self.dims, "kernel")
        ss = ks if self.stride is None else per_axis(self.stride, self.dims, "stride")
        ps = per_axis(self.padding, self.dims, "padding")
        ds = per_axis(self.dilation, self.dims, "dilation")
        positive("kernel", *ks)
        positive("stride", *ss)
        positive("dilation", *ds)
        positive("padding", *ps, least=0)
        if self.divisor_override is not None and (
            self.mode != "avg" or self.divisor_override == 0
        ):
            raise BadInput("divisor_override is for average pooling, and never 0")
        if self.mode == "lp" and any(p != 0 for p in ps):
            raise BadInput("LP pooling takes no padding")
        if self.mode != "max" and any(d != 1 for d in ds):
            raise BadInput(f"only max pooling can be dilated, not {self.mode} pooling")
        return list(zip(ks, ss, ps, ds))

    def fits(self, input: Shape) -> tuple[Shape, Size, Shape]:
        """The parts of an input that this layer takes, else BadInput with the numbers."""
        parts = split(input, self.dims, f"{self.mode} pooling")
        self.axes()
        self.admit(input)
        return parts

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        _, _, sides = split(inputs[0], self.dims, f"{self.mode} pooling")
        for n, (k, s, p, d), axis in zip(sides, self.axes(), AXES[self.dims]):
            if p != 0:
                most = "{} for a kernel of {right}, at most {}"
                words = f"pooling padding is at most half the kernel: {most}"
                yield Need(2 * p, "≤", reach(k, d), words, p, reach(k, d) // 2)
            if self.mode == "avg" and self.dims == 3:
                yield fit(n, k, 0, d, axis)  # PyTorch wants it inside the bare input here
            if not self.ceil_mode:
                yield fit(n, k, 2 * p, d, axis)
            else:
                found = self.formula(k, s, p, d).at(n=n, k=k, s=s, p=p, d=d)
                words = "kernel {} does not fit: the input is {} along {}"
                yield Need(found.value, "≥", 1, words, k, n, axis)

    def sides(self, *inputs: Shape) -> list[tuple[str, Work]]:
        _, _, sides = self.fits(inputs[0])
        works = [
            self.formula(k, s, p, d).at(n=n, k=k, s=s, p=p, d=d)
            for n, (k, s, p, d) in zip(sides, self.axes())
        ]
        return list(zip(AXES[self.dims], works))

    def formula(self, k: Size, s: Size, p: Size, d: Size) -> Formula:
        """The size formula: rounded down, or up with the rule about the last window."""
        if not self.ceil_mode:
            return SIZE
        if all(isinstance(x, int) for x in (k, s, p, d)) and s + p <= d * (k - 1) + 1:
            return UP  # windows overlap so far that the last one always starts inside
        return CEIL

    def out(self, *inputs: Shape) -> Shape:
        batch, channels, _ = self.fits(inputs[0])
        return (*batch, channels, *(w.value for _, w in self.sides(*inputs)))

    def windows(self, *inputs: Shape) -> list[range]:
        """Where each window starts, an axis each (numbers only)."""
        _, _, sides = self.fits(inputs[0])
        found = []
        for n, (k, s, p, d) in zip(sides, self.axes()):
            reach = d * (k - 1) + 1
            if not self.ceil_mode:
                found.append(starts(n, k, p, s, d))
                continue
            # A window counts if it starts before the input ends and the one before it
            # has not reached the end of the padding yet.
            found.append(range(-p, min(n, n + p + s - reach), s))
        return found

    def recount(self, *inputs: Shape) -> Shape:
        batch, channels, _ = self.fits(inputs[0])
        return (*batch, channels, *map(len, self.windows(*inputs)))

    def how(self) -> str:
        return "counting the window positions"

    def extra(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        # max: one comparison less than values read; average and LP: additions and a division
        kernel = times(*(k for k, _, _, _ in self.axes()))
        each = kernel - 1 if self.mode == "max" else kernel
        return times(*out, settle(each))

    def window(self, *inputs: Shape) -> list[tuple[Size, Size, Size, Size]]:
        return self.axes()


@layer("adaptive-pool")
@dataclass(frozen=True, eq=False, repr=False)
class AdaptivePool(Layer):
    """Pooling to a given output size; output 1 is global pooling."""

    output: Sides | tuple[Size | None, ...] | None = 1
    mode: str = "avg"
    dims: int = 2

    KIND = "pooling"
    LETTERS = {"output": "o"}

    def out(self, *inputs: Shape) -> Shape:
        (input,) = inputs
        wanted = per_axis(self.output, self.dims, "output size")  # type: ignore[arg-type]
        if self.mode not in MODES[:2]:
            raise BadInput(f"adaptive pooling is max or avg, not {self.mode!r}")
        if len(input) == self.dims and self.mode == "avg" and set(wanted) == {1}:
            # PyTorch takes the plain mean here and asks for no channel axis
            positive("each side of the input", *input)
            return wanted
        batch, channels, sides = split(
            input, self.dims, f"adaptive {self.mode} pooling"
        )
        positive("output size", *(o for o in wanted if o is not None), least=0)
        return (
            *batch,
            channels,
            *(n if o is None else o for o, n in zip(wanted, sides)),
        )

    def recount(self, *inputs: Shape) -> Shape:
        out, (input,) = self.out(*inputs), inputs
        sides = list(zip(input[-self.dims :], out[-self.dims :]))
        if max(o for _, o in sides) > CELLS:
            raise BadInput(f"an output has at most {CELLS:,} cells along a side")
        counted = [
            sum(1 for i in range(o) if (i * n) // o < -(-(i + 1) * n // o))
            for n, o in sides
        ]
        return (*out[: -self.dims], *counted)

    def how(self) -> str:
        return "counting the cells that each get at least one input"

    def extra(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        return times(*inputs[0])

    def window(self, *inputs: Shape) -> list[tuple[Size, Size, Size, Size]] | None:
        out, (input,) = self.out(*inputs), inputs
        found: list[tuple[Size, Size, Size, Size]] = []
        for n, o in zip(input[-self.dims :], out[-self.dims :]):
            if isinstance(n, int) and isinstance(o, int) and o and n % o == 0:
                found.append((n // o, n // o, 0, 1))
            elif o == 1:
                found.append((n, n, 0, 1))
            else:
                return None
        return found
