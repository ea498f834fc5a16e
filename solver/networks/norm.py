"""Normalisation layers: batch, layer, RMS, group, instance and local response.

γ and β are learned and counted as "norm" weights; running means and variances are stored,
not learned (Keras counts them as parameters, PyTorch does not).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from solver.core import BadInput
from solver.expressions.nodes import Expr, Size, times
from solver.networks.layers import (
    Layer,
    Shape,
    Sides,
    count,
    layer,
    positive,
    show_shape,
)
from solver.networks.needs import Need, divides


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
        channels_of(inputs[0], self.dims, "batch norm")
        self.admit(*inputs)
        return inputs[0]

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        if self.features is not None:
            words = "the input {} has {left} channels, the layer normalises {right}"
            yield Need(inputs[0][1], "=", self.features, words, inputs[0])

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
        channels_of(inputs[0], self.dims, "instance norm")
        self.admit(*inputs)
        return inputs[0]

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        (input,) = inputs
        if self.features is not None and self.affine:
            words = "the input has {left} channels, not {right}"
            yield Need(input[1], "=", self.features, words)
        words = "instance norm needs more than one value a channel to have a variance: {} has "
        yield Need(count(input[2:]), "≥", 2, words + "{left}", input)

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
        channels_of(inputs[0], None, "group norm")
        positive("groups", self.groups)
        self.admit(*inputs)
        return inputs[0]

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        channels = inputs[0][1]
        if self.features is not None:
            yield divides(self.groups, self.features, "groups", "channels")
            words = "the input has {left} channels, not {right}"
            yield Need(channels, "=", self.features, words)
        yield divides(self.groups, channels, "groups", "channels")

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        return affine(self.affine, channels_of(inputs[0], None, "group norm"))


@layer("layer-norm")
@dataclass(frozen=True, eq=False, repr=False)
class LayerNorm(Norm):
    """Layer normalisation over the last axes (the last one unless given)."""

    shape: Sides | None = None
    affine: bool = True
    bias: bool = True

    ENDS = "the input {} does not end in the normalised shape {}"

    def normalised(self, input: Shape) -> Shape:
        """The axes it normalises, which must be the input's last ones."""
        if self.shape is None:
            return input[-1:]
        return self.shape if isinstance(self.shape, tuple) else (self.shape,)

    def out(self, *inputs: Shape) -> Shape:
        wanted = self.normalised(inputs[0])
        if len(wanted) > len(inputs[0]):
            raise BadInput(self.ENDS.format(show_shape(inputs[0]), show_shape(wanted)))
        self.admit(*inputs)
        return inputs[0]

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        wanted = self.normalised(inputs[0])
        for n, m in zip(inputs[0][len(inputs[0]) - len(wanted) :], wanted):
            yield Need(n, "=", m, self.ENDS, inputs[0], wanted)

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
