"""Layers that rearrange values or add a few: flatten, unflatten, pad, tokens, selection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from solver.core import BadInput
from solver.expressions.formula import settle
from solver.expressions.nodes import Expr, Size, times, tree
from solver.networks.layers import (
    Layer,
    Shape,
    Sides,
    count,
    layer,
    show_shape,
)
from solver.networks.needs import Need


def axis(i: int, rank: int) -> int:
    """The axis number from 0, negative ones counted from the end."""
    if not -rank <= i < rank:
        raise BadInput(
            f"there is no axis {i}: the input has {rank}, from {-rank} to {rank - 1}"
            if rank
            else f"there is no axis {i}: the input is a single number"
        )
    return i % rank


@layer("flatten")
@dataclass(frozen=True, eq=False, repr=False)
class Flatten(Layer):
    """Flatten: neighbouring axes become one (everything but the batch, unless given)."""

    start_dim: int = 1
    end_dim: int = -1

    def axes(self, input: Shape) -> tuple[int, int]:
        """The first and last axis that become one."""
        first, last = axis(self.start_dim, len(input)), axis(self.end_dim, len(input))
        if first > last:
            raise BadInput(
                f"start_dim {self.start_dim} comes after end_dim {self.end_dim}"
            )
        return first, last

    def out(self, *inputs: Shape) -> Shape:
        (input,) = inputs
        first, last = self.axes(input)
        return (*input[:first], count(input[first : last + 1]), *input[last + 1 :])

    def recount(self, *inputs: Shape) -> Shape:
        (input,) = inputs
        first, last = self.axes(input)
        others = prod(input[:first] + input[last + 1 :])
        held = prod(input) // others if others else count(input[first : last + 1])
        return (*input[:first], held, *input[last + 1 :])

    def how(self) -> str:
        return "the number of values stays the same"


@layer("unflatten")
@dataclass(frozen=True, eq=False, repr=False)
class Unflatten(Layer):
    """Unflatten: one axis becomes several; one size may be −1."""

    dim: int
    shape: Sides

    MISSES = "{} does not multiply up to the {right} of axis {}"

    def parts(self, input: Shape) -> tuple[int, Shape]:
        """The axis, and the sizes it splits into."""
        at = axis(self.dim, len(input))
        sizes = self.shape if isinstance(self.shape, tuple) else (self.shape,)
        known = tuple(s for s in sizes if s != -1)
        if len(known) == len(sizes):
            return at, sizes
        if len(known) < len(sizes) - 1 or 0 in known:
            raise BadInput(self.MISSES.format(show_shape(sizes), at, right=input[at]))
        missing = settle(tree(input[at]) / count(known))
        return at, tuple(missing if s == -1 else s for s in sizes)

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        at = axis(self.dim, len(inputs[0]))
        sizes = self.shape if isinstance(self.shape, tuple) else (self.shape,)
        known = tuple(s for s in sizes if s != -1)
        sign = "=" if len(known) == len(sizes) else "divides"
        yield Need(count(known), sign, inputs[0][at], self.MISSES, sizes, at)

    def out(self, *inputs: Shape) -> Shape:
        (input,) = inputs
        at, sizes = self.parts(input)
        self.admit(input)
        return (*input[:at], *sizes, *input[at + 1 :])

    def recount(self, *inputs: Shape) -> Shape:
        out = self.out(*inputs)
        return out if prod(out) == prod(inputs[0]) else ()

    def how(self) -> str:
        return "the number of values stays the same"


@layer("pad")
@dataclass(frozen=True, eq=False, repr=False)
class Pad(Layer):
    """Zero padding: (left, right, top, bottom) as in PyTorch, or one size for all sides."""

    padding: Sides
    dims: int = 2

    SIGNED = True  # what is negative is cut off

    def amounts(self) -> list[tuple[Size, Size]]:
        """(before, after) of each axis, first axis first."""
        p = self.padding
        if not isinstance(p, tuple):
            return [(p, p)] * self.dims
        if len(p) != 2 * self.dims:
            raise BadInput(f"padding takes 1 or {2 * self.dims} sizes, not {len(p)}")
        return [(p[i], p[i + 1]) for i in range(len(p) - 2, -1, -2)]

    def out(self, *inputs: Shape) -> Shape:
        (input,) = inputs
        if len(input) < self.dims:
            raise BadInput(f"{show_shape(input)} has no {self.dims} axes to pad")
        lead, sides = input[: -self.dims], input[-self.dims :]
        grown = tuple(
            settle(tree(n) + a + b) for n, (a, b) in zip(sides, self.amounts())
        )
        self.admit(input)
        return (*lead, *grown)

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        for n, (a, b) in zip(inputs[0][-self.dims :], self.amounts()):
            words = "each padded side must be 1 or more, not {left}"
            yield Need(settle(tree(n) + a + b), "≥", 1, words)

    def recount(self, *inputs: Shape) -> Shape:
        (input,) = inputs
        sides = zip(input[-self.dims :], self.amounts())
        return (*input[: -self.dims], *(len(range(-a, n + b)) for n, (a, b) in sides))

    def how(self) -> str:
        return "counting the positions from the first zero to the last"

    def window(self, *inputs: Shape) -> list[tuple[Size, Size, Size, Size]]:
        axes = max(
            len(inputs[0]) - 2, 0
        )  # the channels may be padded too: they are no window
        before = [0] * axes + [before for before, _ in self.amounts()]
        return [(1, 1, p, 1) for p in before[len(before) - axes :]]


@layer("tokens")
@dataclass(frozen=True, eq=False, repr=False)
class Tokens(Layer):
    """N×C×H×W to N×(H·W)×C: each position becomes a token (vision transformer)."""

    def out(self, *inputs: Shape) -> Shape:
        (input,) = inputs
        if len(input) < 3:
            raise BadInput(f"tokens need N×C×sides, not {show_shape(input)}")
        return (input[0], count(input[2:]), input[1])

    def recount(self, *inputs: Shape) -> Shape:
        n, c, *sides = inputs[0]
        return (n, len(range(prod(sides))), c)

    def how(self) -> str:
        return "the number of values stays the same"


@layer("class-token")
@dataclass(frozen=True, eq=False, repr=False)
class ClassToken(Layer):
    """One learned token put before the others."""

    def out(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) != 3:
            raise BadInput(f"tokens are N×tokens×dim, not {show_shape(inputs[0])}")
        n, tokens, dim = inputs[0]
        return (n, settle(tree(tokens) + 1), dim)

    def recount(self, *inputs: Shape) -> Shape:
        n, tokens, dim = inputs[0]
        return (n, len(range(-1, tokens)), dim)

    def how(self) -> str:
        return "listing the tokens"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"token": (inputs[0][-1],)}

    def window(self, *inputs: Shape) -> None:
        return None


@layer("positions")
@dataclass(frozen=True, eq=False, repr=False)
class Positions(Layer):
    """A learned position embedding, added to every token."""

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return {"positions": inputs[0][1:]}

    def extra(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        return times(*out)


@layer("select")
@dataclass(frozen=True, eq=False, repr=False)
class Select(Layer):
    """One index of one axis, which disappears: the class token of a transformer."""

    dim: int = 1
    index: int = 0

    def out(self, *inputs: Shape) -> Shape:
        (input,) = inputs
        at = axis(self.dim, len(input))
        self.admit(input)
        return (*input[:at], *input[at + 1 :])

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        size, i = inputs[0][axis(self.dim, len(inputs[0]))], self.index
        words = "there is no index {} along an axis of {left}"
        yield Need(size, ">", max(i, -i - 1), words, i)

    def recount(self, *inputs: Shape) -> Shape:
        return tuple(
            s for i, s in enumerate(inputs[0]) if i != self.dim % len(inputs[0])
        )

    def how(self) -> str:
        return "the other axes stay"

    def window(self, *inputs: Shape) -> None:
        return None


@layer("custom")
@dataclass(frozen=True, eq=False, repr=False)
class Custom(Layer):
    """An operation known only by its name and output shape; it cannot be counted."""

    KNOWN = False

    name: str
    shape: Sides | None = None

    def out(self, *inputs: Shape) -> Shape:
        if self.shape is None:
            return inputs[0]
        sizes = self.shape if isinstance(self.shape, tuple) else (self.shape,)
        return (*inputs[0][:1], *sizes)

    def recount(self, *inputs: Shape) -> Shape:
        return self.out(*inputs)  # stated by the author: there is nothing to count

    def how(self) -> str:
        return "nothing: its output is stated, not derived"

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> None:
        return None

    def window(self, *inputs: Shape) -> None:
        return None
