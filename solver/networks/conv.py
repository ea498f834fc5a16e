"""Convolution and transposed convolution, 1d to 3d, with PyTorch's rules and refusals.

Deep learning's convolution is cross-correlation: the kernel is not flipped. Weights are
C_out×(C_in/groups)×kernel (transposed: C_in×(C_out/groups)×kernel).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod

from solver.core import BadInput
from solver.expressions.formula import Formula, Work
from solver.expressions.nodes import Expr, Size, plus, times
from solver.networks.layers import (
    AXES,
    Layer,
    Shape,
    Sides,
    factors,
    layer,
    lead,
    per_axis,
    positive,
    ratio,
    show_shape,
    split,
    starts,
)
from solver.networks.needs import Need, divides, fit, greater
from solver.registry import unknown

SIZE = Formula("floor((n + 2*p - d*(k - 1) - 1)/s) + 1")
TOTAL = Formula(
    "floor((n + p - d*(k - 1) - 1)/s) + 1"
)  # p zeros on both sides together
LISTED = 10**7  # taps along an axis that are listed one by one
TRANSPOSED = Formula("(n - 1)*s - 2*p + d*(k - 1) + q + 1")


MODES = ("zeros", "reflect", "replicate", "circular")


@layer("conv")
@dataclass(frozen=True, eq=False, repr=False)
class Conv(Layer):
    """Convolution (cross-correlation) with C_out filters over all input channels."""

    out_channels: Size
    kernel: Sides
    stride: Sides = 1
    padding: Sides | str = 0
    dilation: Sides = 1
    groups: Size = 1
    bias: bool = True
    padding_mode: str = "zeros"
    in_channels: Size | None = None
    dims: int = 2

    KIND = "product"
    LETTERS = {
        "out_channels": "C_out",
        "kernel": "k",
        "stride": "s",
        "padding": "p",
        "dilation": "d",
        "groups": "g",
        "in_channels": "C_in",
    }

    @lru_cache(maxsize=2048)  # noqa: B019 - a layer never changes, and few are alive
    def axes(self) -> list[tuple[Size, Size, Size, Size]]:
        """(kernel, stride, padding in total, dilation) of each axis."""
        if not 1 <= self.dims <= 3:
            raise BadInput(f"a convolution has 1, 2 or 3 axes, not {self.dims}")
        ks = per_axis(self.kernel, self.dims, "kernel")
        ss = per_axis(self.stride, self.dims, "stride")
        ds = per_axis(self.dilation, self.dims, "dilation")
        positive("kernel", *ks)
        positive("stride", *ss)
        positive("dilation", *ds)
        positive("groups", self.groups)
        if self.padding == "same":
            if any(s != 1 for s in ss):
                raise BadInput(
                    f"padding 'same' needs stride 1, not {show_shape(ss)}: give the padding "
                    "as a number, (k − 1)/2 for an odd kernel"
                )
            ps: Shape = tuple(d * (k - 1) for k, d in zip(ks, ds))
        elif self.padding in ("valid", None):
            ps = (0,) * self.dims
        elif isinstance(self.padding, str):
            raise BadInput(
                f"padding is a number, 'same' or 'valid', not {self.padding!r}"
            )
        else:
            sides = per_axis(self.padding, self.dims, "padding")
            positive("padding", *sides, least=0)
            ps = tuple(2 * p for p in sides)
        return list(zip(ks, ss, ps, ds))

    def fits(self, input: Shape) -> tuple[Shape, Size, Shape]:
        """The parts of an input that this layer takes, else BadInput with the numbers."""
        parts = split(input, self.dims, "convolution")
        self.axes()
        positive("output channels", self.out_channels)
        if self.padding_mode not in MODES:
            raise unknown("padding mode", self.padding_mode, list(MODES))
        self.admit(input)
        return parts

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        _, channels, sides = split(inputs[0], self.dims, "convolution")
        yield from reads(self, inputs[0], channels)
        for n, (k, _, p, d), axis in zip(sides, self.axes(), AXES[self.dims]):
            yield fit(n, k, p, d, axis)
            more = p - p // 2  # of the two sides, where 'same' pads one more than the other
            if self.padding_mode == "circular":
                words = "circular padding {left} wraps around the input's {right} more than once"
                yield Need(more, "≤", n, words)
            if self.padding_mode == "reflect":
                words = "reflect padding {left} must be less than the input's {right}"
                yield Need(more, "<", n, words)

    def sides(self, *inputs: Shape) -> list[tuple[str, Work]]:
        _, _, sides = self.fits(inputs[0])
        works = []
        for n, (k, s, p, d) in zip(sides, self.axes()):
            if self.padding == "same":
                works.append(TOTAL.at(n=n, k=k, s=s, p=p, d=d))
            else:
                works.append(SIZE.at(n=n, k=k, s=s, p=half(p), d=d))
        return list(zip(AXES[self.dims], works))

    def out(self, *inputs: Shape) -> Shape:
        batch, _, _ = self.fits(inputs[0])
        return (*batch, self.out_channels, *(w.value for _, w in self.sides(*inputs)))

    def windows(self, *inputs: Shape) -> list[range]:
        """Where the window may start, an axis each (numbers only)."""
        _, _, sides = self.fits(inputs[0])
        found = []
        for n, (k, s, p, d) in zip(sides, self.axes()):
            found.append(starts(n, k, p // 2, s, d, after=p - p // 2))
        return found

    def recount(self, *inputs: Shape) -> Shape:
        batch, _, _ = self.fits(inputs[0])
        return (*batch, self.out_channels, *map(len, self.windows(*inputs)))

    def how(self) -> str:
        return "counting the window positions"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        _, channels, _ = split(inputs[0], self.dims, "convolution")
        kernel = per_axis(self.kernel, self.dims, "kernel")
        w = {"weight": (self.out_channels, ratio(channels, self.groups), *kernel)}
        return w | ({"bias": (self.out_channels,)} if self.bias else {})

    def fan_in(self, *inputs: Shape) -> Size:
        _, channels, _ = split(inputs[0], self.dims, "convolution")
        kernel = per_axis(self.kernel, self.dims, "kernel")
        return _product(ratio(channels, self.groups), *kernel)

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        batch = out[: -self.dims - 1]
        filters, channels, *kernel = self.weights(*inputs)["weight"]
        return factors(
            *lead(batch), filters, channels, tuple(kernel), out[-self.dims :]
        )

    def inside(self, *inputs: Shape) -> int:
        """Multiply-adds without those on padding zeros, by listing the taps."""
        batch, channels, sides = self.fits(inputs[0])
        taps = []
        for n, starts_, (k, _, _, d) in zip(sides, self.windows(*inputs), self.axes()):
            if len(starts_) * k > LISTED:
                raise BadInput(
                    f"{len(starts_):,} windows of {k:,} taps are too many to list"
                )
            taps.append(sum(0 <= i + j * d < n for i in starts_ for j in range(k)))
        return prod((*batch, self.out_channels, ratio(channels, self.groups), *taps))

    def window(self, *inputs: Shape) -> list[tuple[Size, Size, Size, Size]]:
        return [(k, s, half(p), d) for k, s, p, d in self.axes()]


@layer("conv-transpose")
@dataclass(frozen=True, eq=False, repr=False)
class ConvTranspose(Layer):
    """Transposed convolution: each input value scatters a kernel into the output."""

    out_channels: Size
    kernel: Sides
    stride: Sides = 1
    padding: Sides = 0
    output_padding: Sides = 0
    groups: Size = 1
    bias: bool = True
    dilation: Sides = 1
    in_channels: Size | None = None
    dims: int = 2

    KIND = "product"
    LETTERS = Conv.LETTERS | {"output_padding": "q"}

    def axes(self) -> list[tuple[Size, Size, Size, Size, Size]]:
        """(kernel, stride, padding, dilation, output padding) of each axis."""
        if isinstance(self.padding, str):
            raise BadInput(
                f"a transposed convolution takes padding as a number, not {self.padding!r}"
            )
        names = ("kernel", "stride", "padding", "dilation", "output_padding")
        found = [per_axis(getattr(self, name), self.dims, name) for name in names]
        for name, sizes in zip(names, found):
            positive(name, *sizes, least=0 if "padding" in name else 1)
        positive("groups", self.groups)
        return list(zip(*found))

    def fits(self, input: Shape) -> tuple[Shape, Size, Shape]:
        """The parts of an input that this layer takes, else BadInput with the numbers."""
        parts = split(input, self.dims, "transposed convolution")
        self.axes()
        positive("output channels", self.out_channels)
        self.admit(input)
        return parts

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        _, channels, sides = split(inputs[0], self.dims, "transposed convolution")
        yield from reads(self, inputs[0], channels)
        for n, (k, s, p, d, q) in zip(sides, self.axes()):
            if q != 0:
                words = "output padding {left} must be smaller than the stride {} "
                words += "or the dilation {}"
                yield Need(q, "<", greater(s, d), words, s, d)
            work = TRANSPOSED.at(n=n, k=k, s=s, p=p, d=d, q=q)
            words = "the output would be {left} wide ({}): use less padding or a larger kernel"
            yield Need(work.value, "≥", 1, words, work.tree)

    def sides(self, *inputs: Shape) -> list[tuple[str, Work]]:
        _, _, sides = self.fits(inputs[0])
        works = [
            TRANSPOSED.at(n=n, k=k, s=s, p=p, d=d, q=q)
            for n, (k, s, p, d, q) in zip(sides, self.axes())
        ]
        return list(zip(AXES[self.dims], works))

    def out(self, *inputs: Shape) -> Shape:
        batch, _, _ = self.fits(inputs[0])
        return (*batch, self.out_channels, *(w.value for _, w in self.sides(*inputs)))

    def recount(self, *inputs: Shape) -> Shape:
        batch, _, sides = self.fits(inputs[0])
        found = []
        for n, (k, s, p, d, q) in zip(sides, self.axes()):
            kernels, taps = range(0, n * s, s), range(0, k * d, d)
            touched = range(kernels[0] + taps[0], kernels[-1] + taps[-1] + 1 + q)
            found.append(len(touched[p : len(touched) - p]))
        return (*batch, self.out_channels, *found)

    def how(self) -> str:
        return "listing the positions that the kernels touch"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        _, channels, _ = split(inputs[0], self.dims, "transposed convolution")
        kernel = per_axis(self.kernel, self.dims, "kernel")
        w = {"weight": (channels, ratio(self.out_channels, self.groups), *kernel)}
        return w | ({"bias": (self.out_channels,)} if self.bias else {})

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        """By scatter: every input value meets every tap once."""
        (input,) = inputs
        batch = input[: -self.dims - 1]
        channels, filters, *kernel = self.weights(input)["weight"]
        return factors(
            *lead(batch), channels, filters, tuple(kernel), input[-self.dims :]
        )

    def gathered(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        """By gather: as a convolution over the output, zeros between inputs counted."""
        (input,) = inputs
        batch = input[: -self.dims - 1]
        channels, filters, *kernel = self.weights(input)["weight"]
        return factors(
            *lead(batch), channels, filters, tuple(kernel), out[-self.dims :]
        )

    def fan_in(self, *inputs: Shape) -> Size:
        """The most inputs that an output can read; at stride s only some of them do."""
        _, channels, _ = split(inputs[0], self.dims, "transposed convolution")
        kernel = per_axis(self.kernel, self.dims, "kernel")
        return _product(ratio(channels, self.groups), *kernel)

    def connections(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        """Each product of the scatter, and a bias an output."""
        products = self.macs(inputs, out)
        return plus(products, times(*lead(out))) if self.bias else products

    def window(self, *inputs: Shape) -> None:
        return None  # neighbouring outputs read different numbers of inputs

    def tally(self, *inputs: Shape) -> int:
        batch, channels, sides = self.fits(inputs[0])
        taps = [len(range(n)) * len(range(k)) for n, (k, *_) in zip(sides, self.axes())]
        return prod((*batch, channels, ratio(self.out_channels, self.groups), *taps))


def half(p: Size) -> Size:
    """The padding on the first side, of both sides' total."""
    from solver.expressions.formula import settle

    return p // 2 if isinstance(p, int) else settle(p / 2)


def reads(one: Conv | ConvTranspose, input: Shape, channels: Size) -> Iterator[Need]:
    """What both convolutions need of channels: those stated, and whole groups of them."""
    if one.in_channels is not None:
        words = "the input {} has {left} channels, the filters read {right}"
        yield Need(channels, "=", one.in_channels, words, input)
    yield divides(one.groups, channels, "groups", "input channels")
    yield divides(one.groups, one.out_channels, "groups", "output channels")


def _product(*sizes: Size) -> Size:
    from solver.expressions.formula import settle

    return settle(times(*sizes))
