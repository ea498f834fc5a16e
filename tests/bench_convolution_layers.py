"""Which convolutions `make bench-conv` measures: the distinct ones of the bundled networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import prod

import numpy as np

from solver.networks.combine import sequence
from solver.networks.conv import Conv
from solver.networks.layers import per_axis
from solver.networks.net import Net, network

TOY = "toy"


@dataclass(frozen=True)
class Case:
    """A convolution of N×C×sides, and where it stands."""

    network: str
    name: str
    input: tuple[int, ...]
    maps: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    groups: int
    out: tuple[int, ...]

    @property
    def same(self) -> tuple[object, ...]:
        """What makes two convolutions one for the clock."""
        return (
            self.input,
            self.maps,
            self.kernel,
            self.stride,
            self.padding,
            self.groups,
        )

    @property
    def weight(self) -> tuple[int, ...]:
        """The weight's shape."""
        return (self.maps, self.input[1] // self.groups, *self.kernel)

    @property
    def macs(self) -> int:
        """Multiply-adds."""
        return prod(self.out) * prod(self.weight[1:])

    @property
    def label(self) -> str:
        """C×H×W>C_out k s, and how many groups if there are any."""
        shape = "x".join(map(str, self.input[1:]))
        text = f"{shape}>{self.maps} k{self.kernel[0]}"
        if self.stride[0] > 1:
            text += f"s{self.stride[0]}"
        return text + (f" g{self.groups}" if 1 < self.groups < self.input[1] else "")

    @property
    def how(self) -> dict[str, object]:
        """The arguments of `Convolution` and of F.conv2d."""
        return {"stride": self.stride, "padding": self.padding, "groups": self.groups}

    def arrays(
        self, dtype: type = np.float32
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Input, weight and a gradient of the output, normal and seeded.

        The first image is the same whatever the batch is.
        """
        shapes = self.input, self.weight, self.out
        x, w, g = (
            np.random.default_rng(i).standard_normal(s, np.float32)
            for i, s in enumerate(shapes)
        )
        w /= prod(self.weight[1:]) ** 0.5
        return x.astype(dtype), w.astype(dtype), g.astype(dtype)


def toy() -> Net:
    """The 3×3 kernel on 5×5 pixels that courses work by hand."""
    return Net(TOY, sequence(("conv", Conv(1, 3))), (1, 5, 5), "by hand in courses")


@dataclass(frozen=True)
class Group:
    """Networks whose convolutions stand in one table, and whether the means count them."""

    title: str
    networks: tuple[str, ...]
    batch: int = 1
    counted: bool = True
    depthwise: bool = False


GROUPS = (
    Group("VGG-16, batch 1", ("vgg16",)),
    Group("VGG-16, batch 8", ("vgg16",), batch=8),
    Group(
        "GoogLeNet 3a-5b",
        tuple(
            f"inception-{m}"
            for m in ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
        ),
    ),
    Group("ResNet-18", ("resnet18",)),
    Group("ResNet-50", ("resnet50",)),
    Group("AlexNet", ("alexnet-ungrouped",)),
    Group("LeNet-5, batch 64", ("lenet5-modern", "lenet5"), batch=64),
    Group("5x5 toy", (TOY,)),
    Group("AlexNet, two groups", ("alexnet",), counted=False),
    Group("MobileNet depthwise", ("mobilenet-v1",), counted=False, depthwise=True),
)


@cache
def cases(group: Group) -> tuple[Case, ...]:
    """The group's distinct convolutions; outside the means only those with groups."""
    found: dict[tuple[object, ...], Case] = {}
    for one in every(group):
        if group.counted or one.groups > 1:
            found.setdefault(one.same, one)
    return tuple(found.values())


def every(group: Group) -> Iterator[Case]:
    """Each convolution of the group's networks, in their order."""
    for name in group.networks:
        net = toy() if name == TOY else network[name]()
        for row in net.rows(batch=group.batch):
            conv = row.layer
            if isinstance(conv, Conv):
                sides = (
                    per_axis(n, 2, "") for n in (conv.kernel, conv.stride, conv.padding)
                )
                yield Case(
                    name,
                    row.name,
                    row.inputs[0],
                    conv.out_channels,
                    *sides,
                    conv.groups,
                    row.out,
                )
