"""The layers of LeNet-5 (LeCun et al. 1998) that later networks dropped.

A convolution whose maps read some of the inputs only, subsampling with a trainable
coefficient, and the Euclidean radial basis functions that gave the ten scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from solver.core import BadInput
from solver.expressions.formula import Work, settle
from solver.expressions.nodes import Expr, Size, plus, tidy, times
from solver.networks.conv import SIZE
from solver.networks.layers import (
    Layer,
    Shape,
    factors,
    layer,
    positive,
    show_shape,
    split,
    starts,
)
from solver.networks.needs import Need, fit

# The name by which solver.given reads pairs: 6x3 6x4 3x4 1x6.
Shapes = tuple[tuple[int, int], ...]


def windows(sides: Shape, kernel: Size, stride: Size) -> list[tuple[str, Work]]:
    """The output sizes of a square window without padding, each with its axis."""
    works = (SIZE.at(n=n, k=kernel, s=stride, p=0, d=1) for n in sides)
    return list(zip("HW", works))


@layer("sparse-conv")
@dataclass(frozen=True, eq=False, repr=False)
class SparseConv(Layer):
    """Convolution whose maps each read some of the input maps only (LeNet-5's C3).

    groups: (maps, inputs that each of them reads), … ; C3 is (6,3) (6,4) (3,4) (1,6).
    """

    groups: Shapes
    kernel: Size = 5
    bias: bool = True

    KIND = "product"
    LETTERS = {"kernel": "k"}

    def fits(self, input: Shape) -> tuple[Shape, Size, Shape]:
        """The parts of an input that this layer takes, else BadInput."""
        batch, channels, sides = split(input, 2, "sparse convolution")
        positive("kernel", self.kernel)
        if not self.groups:
            raise BadInput(
                "a sparse convolution needs groups: (maps, inputs each reads), …"
            )
        for group in self.groups:
            if len(group) != 2 or not all(isinstance(n, int) for n in group):
                raise BadInput(
                    "a group is two numbers, maps and inputs each reads, not "
                    f"{show_shape(group)}"
                )
            positive("maps and the inputs they read", *group)
        self.admit(input)
        return batch, channels, sides

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        _, channels, sides = split(inputs[0], 2, "sparse convolution")
        words = "a map cannot read {right} inputs: {} has {left}"
        for _, read in self.groups:
            yield Need(channels, "≥", read, words, inputs[0])
        for n, axis in zip(sides, "HW"):
            yield fit(n, self.kernel, 0, 1, axis)

    def sides(self, *inputs: Shape) -> list[tuple[str, Work]]:
        return windows(self.fits(inputs[0])[2], self.kernel, 1)

    def out(self, *inputs: Shape) -> Shape:
        batch, _, _ = self.fits(inputs[0])
        maps = sum(n for n, _ in self.groups)
        return (*batch, maps, *(w.value for _, w in self.sides(*inputs)))

    def table(self, channels: int) -> list[tuple[int, ...]]:
        """Which inputs each map reads, as in table I of the paper.

        Neighbours, going around; a second group that reads as many takes them in two
        halves, half the inputs apart.
        """
        rows, met = [], set()
        for maps, reads in self.groups:
            half = reads // 2 if reads in met else reads
            skip = channels // 2 - half
            met.add(reads)
            for i in range(maps):
                taken = (i + j + (skip if j >= half else 0) for j in range(reads))
                rows.append(tuple(sorted(t % channels for t in taken)))
        return rows

    def recount(self, *inputs: Shape) -> Shape:
        batch, channels, sides = self.fits(inputs[0])
        k = self.kernel
        counted = [len(starts(n, k, 0, 1, 1)) for n in sides]
        return (*batch, len(self.table(channels)), *counted)

    def how(self) -> str:
        return "counting the rows of the connection table and the window positions"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        found: dict[str, Shape] = {}
        for i, (maps, reads) in enumerate(self.groups, 1):
            found[f"weight{i}"] = (maps, reads, self.kernel, self.kernel)
            if self.bias:
                found[f"bias{i}"] = (maps,)
        return found

    def fan_in(self, *inputs: Shape) -> Size:
        """The most weighted inputs that an output reads (C3: 6·5² = 150)."""
        most, k = max(reads for _, reads in self.groups), self.kernel
        return settle(times(most, k, k))

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        batch, k, sides = out[:-3], self.kernel, out[-2:]
        return plus(*(factors(*batch, n, r, k, k, *sides) for n, r in self.groups))

    def tally(self, *inputs: Shape) -> int:
        _, channels, _ = self.fits(inputs[0])
        batch, (_, height, width) = inputs[0][:-3], self.recount(*inputs)[-3:]
        marks = sum(map(len, self.table(channels)))
        k = self.kernel
        return prod((*batch, marks, k, k, height, width))

    def connections(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        """Weights and bias that each output uses, over all outputs (C3: 151,600)."""
        k, one = self.kernel, 1 if self.bias else 0
        each = plus(*(n * (factors(r, k, k) + one) for n, r in self.groups))
        return tidy(times(*out[:-3], each, *out[-2:]))

    def window(self, *inputs: Shape) -> list[tuple[Size, Size, Size, Size]]:
        return [(self.kernel, 1, 0, 1)] * 2


@layer("subsample")
@dataclass(frozen=True, eq=False, repr=False)
class Subsample(Layer):
    """Trainable subsampling (LeNet-5): a window's sum, by a coefficient, plus a bias.

    One coefficient and one bias a map; windows do not overlap. Each of the k·k inputs
    counts as one multiply-add, as in a convolution whose k·k weights are all equal
    (adding up first would take a single multiplication); with the bias, (k·k + 1)
    connections an output, as LeCun counts them.
    """

    kernel: Size = 2
    bias: bool = True

    KIND = "product"
    LETTERS = {"kernel": "k"}

    def sides(self, *inputs: Shape) -> list[tuple[str, Work]]:
        positive("kernel", self.kernel)
        _, _, sides = split(inputs[0], 2, "subsampling")
        self.admit(*inputs)
        return windows(sides, self.kernel, self.kernel)

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        for n, axis in zip(inputs[0][-2:], "HW"):
            yield fit(n, self.kernel, 0, 1, axis)

    def out(self, *inputs: Shape) -> Shape:
        batch, channels, _ = split(inputs[0], 2, "subsampling")
        return (*batch, channels, *(w.value for _, w in self.sides(*inputs)))

    def recount(self, *inputs: Shape) -> Shape:
        batch, channels, sides = split(inputs[0], 2, "subsampling")
        k = self.kernel
        counted = [len(starts(n, k, 0, k, 1)) for n in sides]
        return (*batch, channels, *counted)

    def how(self) -> str:
        return "counting the window positions"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        channels = inputs[0][-3]
        names = ("coefficient", "bias") if self.bias else ("coefficient",)
        return dict.fromkeys(names, (channels,))

    def fan_in(self, *inputs: Shape) -> Size:
        return settle(times(self.kernel, self.kernel))

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        return factors(*out, self.kernel, self.kernel)

    def window(self, *inputs: Shape) -> list[tuple[Size, Size, Size, Size]]:
        return [(self.kernel, self.kernel, 0, 1)] * 2


@layer("rbf")
@dataclass(frozen=True, eq=False, repr=False)
class RBF(Layer):
    """Radial basis functions (LeNet-5): squared distances to one fixed pattern a class.

    The patterns (in LeNet-5 digits of 7×12 pixels) are set by hand, not learned. A
    difference, squared and added, counts as one multiply-add.
    """

    classes: Size = 10

    KIND = "product"
    LETTERS = {"classes": "K"}
    DISTANCES = True

    def out(self, *inputs: Shape) -> Shape:
        (input,) = inputs
        if not input:
            raise BadInput("RBF units take …×features, not a single number")
        positive("classes", self.classes)
        positive("every size of the input", *input, least=0)
        return (*input[:-1], self.classes)

    def recount(self, *inputs: Shape) -> Shape:
        patterns, features = self.buffers(*inputs)["patterns"]
        return (*inputs[0][:-1], patterns) if features == inputs[0][-1] else ()

    def how(self) -> str:
        return "one output a pattern"

    def buffers(self, *inputs: Shape) -> dict[str, Shape]:
        return {"patterns": (self.classes, inputs[0][-1])}

    def fan_in(self, *inputs: Shape) -> Size:
        return inputs[0][-1]

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        return factors(*inputs[0], self.classes)

    def window(self, *inputs: Shape) -> None:
        return None
