"""Layers that cut, paste and resize images: unfold, fold, pixel shuffle, interpolation.

They have no weights, and no multiply-adds are counted for them. Their outputs do not
step evenly over the input's pixels, so most have no receptive field of one size.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from solver.core import BadInput
from solver.expressions.formula import Formula, Work, rename, settle
from solver.expressions.nodes import Call, Expr, Mul, Size, Sym, tidy, times, tree
from solver.networks.conv import SIZE
from solver.networks.layers import (
    AXES,
    Layer,
    Shape,
    Sides,
    layer,
    per_axis,
    positive,
    show_shape,
    split,
    starts,
)
from solver.networks.needs import Need, fit
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Scale = float | Expr | tuple[float | Expr, ...]  # one factor for all sides, or one each
Axes = list[tuple[Size, Size, Size, Size]]  # an axis: kernel, stride, padding, dilation

LETTERS = {"kernel": "k", "stride": "s", "padding": "p", "dilation": "d", "factor": "f"}
VALUES, PLANES = Formula("C*k_H*k_W"), Formula("C/(k_H*k_W)")

# How many sizes each interpolation takes, N and C included.
WHOLE = dict.fromkeys(("nearest", "nearest-exact", "area"), (3, 4, 5))
MODES = WHOLE | {"linear": (3,), "bilinear": (4,), "bicubic": (4,), "trilinear": (5,)}


class Rearranging(Layer):
    """What these layers share: new sizes behind leading axes, and no single field."""

    LETTERS = LETTERS

    def out(self, *inputs: Shape) -> Shape:
        return (*inputs[0][:-3], *(work.value for _, work in self.sides(*inputs)))

    def window(self, *inputs: Shape) -> Axes | None:
        return None


def exactly(x: Any, dims: int, what: str) -> tuple[Any, ...]:
    """One size an axis; PyTorch refuses a sequence of one here, other than in conv."""
    if isinstance(x, (tuple, list)) and len(x) == 1 < dims:
        raise BadInput(f"{what} has 1 entry: give a plain number, or {dims} entries")
    return per_axis(x, dims, what)


def even(part: Size, whole: Size, work: Work) -> Need:
    """That a division comes out even."""
    words = "{} must be a whole number, not {}"
    return Need(part, "divides", whole, words, work.formula, work.tree)


def axes_of(one: Unfold | Fold) -> Axes:
    """The windows along the two axes, else BadInput."""
    names = ("kernel", "stride", "padding", "dilation")
    found = [exactly(getattr(one, name), 2, name) for name in names]
    for name, sizes in zip(names, found):
        positive(name, *sizes, least=0 if name == "padding" else 1)
    return list(zip(*found))


def positions(sides: Shape, axes: Axes) -> Work:
    """How many windows fit on the two axes together, as one worked line."""
    # One letter serves both axes where they agree; else they are told apart: k_H, k_W.
    differ = [letter for letter, u, v in zip("kspd", *axes) if u != v]
    formulas, works = [], []
    for axis, n, (k, s, p, d) in zip("HW", sides, axes):
        works.append(SIZE.at(n=n, k=k, s=s, p=p, d=d))
        names = {letter: f"{letter}_{axis}" for letter in differ}
        formulas.append(rename(works[-1].formula, n=axis, **names))
    filled = times(*(w.tree for w in works))
    return Work(times(*formulas), filled, settle(filled))


def fitting(sides: Shape, axes: Axes) -> Iterator[Need]:
    """That a window fits along each of the two axes."""
    for axis, n, (k, _, p, d) in zip("HW", sides, axes):
        yield fit(n, k, 2 * p, d, axis)


def counted(sides: Shape, axes: Axes) -> int:
    """The same number by listing where windows start (numbers only)."""
    each = [starts(n, k, p, s, d) for n, (k, s, p, d) in zip(sides, axes)]
    return prod(map(len, each))


@layer("unfold")
@dataclass(frozen=True, eq=False, repr=False)
class Unfold(Rearranging):
    """Unfold (im2col): each window of the image becomes a column, N×(C·kernel)×L."""

    kernel: Sides
    dilation: Sides = 1
    padding: Sides = 0
    stride: Sides = 1

    def sides(self, *inputs: Shape) -> list[tuple[str, Work]]:
        (_, channels, sides), axes = split(inputs[0], 2, "unfold"), axes_of(self)
        positive("channels", channels)
        self.admit(*inputs)
        values = VALUES.at(C=channels, k_H=axes[0][0], k_W=axes[1][0])
        return [("C", values), ("L", positions(sides, axes))]

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        yield from fitting(split(inputs[0], 2, "unfold")[2], axes_of(self))

    def recount(self, *inputs: Shape) -> Shape:
        (batch, channels, sides), axes = split(inputs[0], 2, "unfold"), axes_of(self)
        taps = [range(0, d * (k - 1) + 1, d) for k, _, _, d in axes]
        return (*batch, prod(map(len, taps)) * channels, counted(sides, axes))

    def how(self) -> str:
        return "counting the taps of a window and the window positions"


@layer("fold")
@dataclass(frozen=True, eq=False, repr=False)
class Fold(Rearranging):
    """Fold (col2im): columns become windows of an image again, overlaps added up."""

    output: Sides
    kernel: Sides
    dilation: Sides = 1
    padding: Sides = 0
    stride: Sides = 1

    def fits(self, input: Shape) -> tuple[Work, Shape]:
        """(channels, output sides) if the input has one column a window."""
        if len(input) not in (2, 3):
            raise BadInput(f"fold takes (N×)(C·k²)×L, not {show_shape(input)}")
        axes, output = axes_of(self), exactly(self.output, 2, "output")
        positive("output", *output)
        positive("the batch", *input[:-2], least=0)
        positive("columns and their values", *input[-2:])
        self.admit(input)
        return PLANES.at(C=input[-2], k_H=axes[0][0], k_W=axes[1][0]), output

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        (input,), axes, output = inputs, axes_of(self), exactly(self.output, 2, "output")
        (k_H, *_), (k_W, *_) = axes
        yield even(k_H * k_W, input[-2], PLANES.at(C=input[-2], k_H=k_H, k_W=k_W))
        for need in fitting(output, axes):  # the windows are the output's here
            need.words = need.words.replace("input", "output")
            yield need
        held = positions(output, axes)
        words = "{} holds {} = {left} windows, one a column, but {} has {right}: change the output"
        yield Need(held.value, "=", input[-1], words, output, held.tree, input)

    def sides(self, *inputs: Shape) -> list[tuple[str, Work]]:
        return [("C", self.fits(inputs[0])[0])]

    def out(self, *inputs: Shape) -> Shape:
        planes, output = self.fits(inputs[0])
        return (*inputs[0][:-2], planes.value, *output)

    def recount(self, *inputs: Shape) -> Shape:
        *batch, values, columns = inputs[0]
        axes, output = axes_of(self), exactly(self.output, 2, "output")
        planes = range(0, values, axes[0][0] * axes[1][0])
        held = counted(output, axes)
        return (*batch, len(planes), *output) if held == columns else ()

    def how(self) -> str:
        return "counting the window positions in the output, one a column"


@layer("pixel-shuffle")
@dataclass(frozen=True, eq=False, repr=False)
class PixelShuffle(Rearranging):
    """Pixel shuffle: f² channels become f×f pixels, C×H×W to (C/f²)×fH×fW."""

    factor: Size

    FORMULAS = Formula("C/f^2"), Formula("f*n")  # of the channels, of a side

    def sides(self, *inputs: Shape) -> list[tuple[str, Work]]:
        (input,), (planes, side) = inputs, self.FORMULAS
        if len(input) < 3:
            raise BadInput(f"pixel shuffle takes (…×)C×H×W, not {show_shape(input)}")
        positive("every size of the input", *input, least=0)  # empty is fine in PyTorch
        positive("factor", self.factor)
        self.admit(input)
        works = [side.at(n=n, f=self.factor) for n in input[-2:]]
        return list(zip("CHW", [planes.at(C=input[-3], f=self.factor), *works]))

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        f, channels = self.factor, inputs[0][-3]
        yield even(f * f, channels, self.FORMULAS[0].at(C=channels, f=f))

    def recount(self, *inputs: Shape) -> Shape:
        f: Any = self.factor
        *lead, channels, h, w = inputs[0]
        grids = len(range(f))  # along a side: one from each pixel a < f, at a, a + f, …
        sides = [grids * len(range(0, f * n, f)) for n in (h, w)]
        return (*lead, len(range(0, channels, f * f)), *sides)

    def how(self) -> str:
        return "counting the pixels of the grids that interleave"


@layer("pixel-unshuffle")
@dataclass(frozen=True, eq=False, repr=False)
class PixelUnshuffle(PixelShuffle):
    """Pixel unshuffle: f×f pixels become f² channels, C×H×W to (f²C)×(H/f)×(W/f)."""

    FORMULAS = Formula("C*f^2"), Formula("n/f")

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        for n in inputs[0][-2:]:
            yield even(self.factor, n, self.FORMULAS[1].at(n=n, f=self.factor))

    def recount(self, *inputs: Shape) -> Shape:
        f: Any = self.factor
        *lead, channels, h, w = inputs[0]
        sides = [len(range(0, n, f)) for n in (h, w)]
        return (*lead, channels * len(range(f)) ** 2, *sides)

    def how(self) -> str:
        return "counting every f-th pixel, once from each of the first f×f"

    def window(self, *inputs: Shape) -> Axes:
        return [(self.factor, self.factor, 0, 1)] * 2


@layer("interpolate")
@dataclass(frozen=True, eq=False, repr=False)
class Interpolate(Rearranging):
    """Interpolation (upsampling): the sides become `size`, or grow by `scale`."""

    size: Sides | None = None
    scale: Scale | None = None
    mode: str = "nearest"
    align_corners: bool | None = None
    recompute: bool | None = None

    def fits(self, input: Shape) -> Shape:
        """The input's sides, if PyTorch takes it in this mode."""
        mode, rank, size = self.mode, len(input), self.size
        if mode not in MODES:
            raise unknown("interpolation", mode, list(MODES))
        if rank not in MODES[mode]:
            takes = " or ".join("N×C×" + "×".join(AXES[r - 2]) for r in MODES[mode])
            fine = ", ".join(m for m, ranks in MODES.items() if rank in ranks) or "none"
            raise BadInput(
                f"{mode} interpolation takes {takes}, not the {rank} sizes "
                f"{show_shape(input)}; modes for {rank} sizes: {fine}"
            )
        if self.align_corners is not None and mode in WHOLE:
            raise BadInput(f"{mode} interpolation has no align_corners: leave it out")
        if (size is None) == (self.scale is None):
            raise BadInput("give the output's size or a scale, one of the two")
        if size is not None and self.recompute:
            raise BadInput("recompute needs a scale, not a size: leave one of them out")
        positive("the batch", input[0], least=0)
        # area is adaptive pooling, which takes and gives empty axes
        positive("channels", input[1], least=int(mode != "area"))
        positive("each side of the input", *input[2:])
        return input[2:]

    def sides(self, *inputs: Shape) -> list[tuple[str, Work]]:
        sides = self.fits(inputs[0])
        if self.scale is None:
            return []
        scales = exactly(self.scale, len(sides), "scale")
        return [(a, scaled(n, f)) for a, n, f in zip(AXES[len(sides)], sides, scales)]

    def out(self, *inputs: Shape) -> Shape:
        self.fits(inputs[0])
        self.admit(*inputs)
        return (*inputs[0][:2], *(need.left for need in self.requires(*inputs)))

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        works = self.sides(*inputs)
        wanted = [w.value for _, w in works] or exactly(self.size, len(inputs[0]) - 2, "size")
        words = "each output side, {}," if works else "each output side"
        words += " must be {right} or more, not {left}"
        for size in wanted:
            told = tuple(w.tree for _, w in works)
            yield Need(size, "≥", int(self.mode != "area"), words, told)

    def recount(self, *inputs: Shape) -> Shape:
        sides: Any = self.fits(inputs[0])
        if self.size is not None:  # pixels of n/o, counted up to the end, n
            wanted = exactly(self.size, len(sides), "size")
            new = [len(range(0, n * o, n)) for n, o in zip(sides, wanted)]
        else:
            scales = exactly(self.scale, len(sides), "scale")
            ends = range(1, 2**62)  # of the first pixel, the second, … up to f·n
            new = [bisect_right(ends, n * f) for n, f in zip(sides, scales)]
        return (*inputs[0][:2], *new)

    def how(self) -> str:
        return "counting the new pixels that lie inside the input"


def scaled(n: Size, scale: Any) -> Work:
    """⌊f·n⌋, the product in floating point as PyTorch computes it (0.7·10 is 7)."""
    f = settle(scale)
    if not isinstance(f, Expr):
        if not 0 <= f < float("inf"):
            raise BadInput(f"scale must be a positive number, not {f}")
        f = int(f) if f == int(f) else float(f)
    factor = Sym("f", "size" if isinstance(f, int) else "positive")
    filled = tidy(Call("floor", Mul(tree(f), tree(n))))
    return Work(tidy(Call("floor", Mul(factor, Sym("n")))), filled, settle(filled))
