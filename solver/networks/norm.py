"""Normalisation layers: batch, layer, RMS, group, instance and local response.

γ and β are learned and counted as "norm" weights; running means and variances are stored,
not learned (Keras counts them as parameters, PyTorch does not).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from solver.core import BadInput
from solver.expressions.nodes import Expr, Size, times
from solver.networks.layers import (
    Layer,
    Shape,
    Sides,
    divides,
    layer,
    positive,
    same,
    show_shape,
)


class Norm(Layer):
    """What the norms share: the shape stays, and each value is scaled and shifted."""

    KIND = "norm"

    def extra(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        # (x − μ)/σ folded with γ and β: one multiplication and one addition a value
        return times(2, *out)


def channels_of(input: Shape, dims: int | None, name: str) -> Size:
    """The channel axis of N×C×…; dims, where given, fixes how many axes must follow."""
    ranks = {1: (2, 3), 2: (4,), 3: (5,)}.get(dims or 0, (2, 3, 4, 5))
    if len(input) not in ranks:
        wanted = " or ".join(map(str, ranks))
        raise BadInput(
            f"{name} takes N×C×…, {wanted} sizes with the batch, not {len(input)}: "
            f"{show_shape(input)}"
        )
    return input[1]


def affine(on: bool, channels: Size) -> dict[str, Shape]:
    """γ and β, one each a channel."""
    return {"gamma": (channels,), "beta": (channels,)} if on else {}


@layer("batch-norm")
@dataclass(frozen=True, eq=False, repr=False)
class BatchNorm(Norm):
    """Batch normalisation: each channel by its mean and variance over the batch."""

    features: Size | None = None
    affine: bool = True
    track: bool = True
    dims: int | None = None

    LETTERS = {"features": "C"}

    def out(self, *inputs: Shape) -> Shape:
        channels = channels_of(inputs[0], self.dims, "batch norm")
        if self.features is not None and not same(channels, self.features):
            raise BadInput(
                f"the input {show_shape(inputs[0])} has {channels} channels, "
                f"the layer normalises {self.features}"
            )
        return inputs[0]

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return affine(self.affine, channels_of(inputs[0], self.dims, "batch norm"))

    def buffers(self, *inputs: Shape) -> dict[str, Shape]:
        channels = channels_of(inputs[0], self.dims, "batch norm")
        if not self.track:
            return {}
        return {"mean": (channels,), "variance": (channels,)}


@layer("instance-norm")
@dataclass(frozen=True, eq=False, repr=False)
class InstanceNorm(Norm):
    """Instance normalisation: each channel of each image by itself."""

    features: Size | None = None
    affine: bool = False
    dims: int | None = None

    LETTERS = {"features": "C"}

    def out(self, *inputs: Shape) -> Shape:
        (input,) = inputs
        channels = channels_of(input, self.dims, "instance norm")
        if (
            self.features is not None
            and self.affine
            and not same(channels, self.features)
        ):
            raise BadInput(f"the input has {channels} channels, not {self.features}")
        sides = [n for n in input[2:] if isinstance(n, int)]
        if len(sides) == len(input[2:]) and prod(sides) <= 1:
            raise BadInput(
                f"instance norm needs more than one value a channel to have a variance: "
                f"{show_shape(input)} has {prod(sides)}"
            )
        return input

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return affine(self.affine, channels_of(inputs[0], self.dims, "instance norm"))


@layer("group-norm")
@dataclass(frozen=True, eq=False, repr=False)
class GroupNorm(Norm):
    """Group normalisation: channels in groups, each image by itself."""

    groups: Size
    features: Size | None = None
    affine: bool = True

    LETTERS = {"groups": "g", "features": "C"}

    def out(self, *inputs: Shape) -> Shape:
        channels = channels_of(inputs[0], None, "group norm")
        positive("groups", self.groups)
        if self.features is not None:
            divides(self.groups, self.features, "groups", "channels")
            if not same(channels, self.features):
                raise BadInput(
                    f"the input has {channels} channels, not {self.features}"
                )
        divides(self.groups, channels, "groups", "channels")
        return inputs[0]

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return affine(self.affine, channels_of(inputs[0], None, "group norm"))


@layer("layer-norm")
@dataclass(frozen=True, eq=False, repr=False)
class LayerNorm(Norm):
    """Layer normalisation over the last axes (the last one unless given)."""

    shape: Sides | None = None
    affine: bool = True
    bias: bool = True

    def normalised(self, input: Shape) -> Shape:
        """The axes it normalises, which must be the input's last ones."""
        if self.shape is None:
            return input[-1:]
        wanted = self.shape if isinstance(self.shape, tuple) else (self.shape,)
        tail = input[len(input) - len(wanted) :] if len(wanted) <= len(input) else ()
        if len(tail) != len(wanted) or not all(map(same, tail, wanted)):
            raise BadInput(
                f"the input {show_shape(input)} does not end in the normalised shape "
                f"{show_shape(wanted)}"
            )
        return wanted

    def out(self, *inputs: Shape) -> Shape:
        self.normalised(inputs[0])
        return inputs[0]

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        if not self.affine:
            return {}
        tail = self.normalised(inputs[0])
        return {"gamma": tail} | ({"beta": tail} if self.bias else {})


@layer("rms-norm")
@dataclass(frozen=True, eq=False, repr=False)
class RMSNorm(LayerNorm):
    """RMS normalisation: divided by the root mean square; γ only."""

    bias: bool = False


@layer("local-response-norm")
@dataclass(frozen=True, eq=False, repr=False)
class LocalResponseNorm(Norm):
    """Local response normalisation across neighbouring channels (AlexNet); no weights."""

    size: Size = 5

    LETTERS = {"size": "n"}

    def out(self, *inputs: Shape) -> Shape:
        positive("the number of neighbouring channels", self.size)
        if len(inputs[0]) < 3:
            raise BadInput(
                "local response norm takes C×H×W or N×C×sides, not "
                f"{show_shape(inputs[0])}"
            )
        return inputs[0]

    def extra(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        return times(2, self.size, *out)
