"""MobileNet v1 and v2: depthwise convolutions, with a multiplier for every width."""

from __future__ import annotations

from solver.core import BadInput
from solver.networks.combine import Named, residual, sequence
from solver.networks.conv import Conv
from solver.networks.dense import Linear
from solver.networks.layers import Layer, Size
from solver.networks.net import Net, network
from solver.networks.norm import BatchNorm
from solver.networks.pointwise import Activation, Dropout
from solver.networks.pool import AdaptivePool
from solver.networks.reshape import Flatten

RELU, RELU6 = Activation("relu"), Activation("relu6")
# v1: (channels, stride) of each depthwise separable convolution
V1 = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)
# v2: (expansion t, channels c, repeats n, first stride s), table 2
V2 = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def positive(width: float) -> float:
    """The width multiplier, if it is one."""
    if not 0 < width <= 100:
        raise BadInput(f"the width multiplier is a number such as 0.5, not {width}")
    return width


def separable(number: int, before: int, channels: int, stride: int) -> list[Named]:
    """3×3 depthwise and 1×1 pointwise convolution, each with batch norm and ReLU."""
    depthwise = Conv(before, 3, stride=stride, padding=1, groups=before, bias=False)
    pointwise = Conv(channels, 1, bias=False)
    found: list[Named] = []
    for kind, one in (("depthwise", depthwise), ("pointwise", pointwise)):
        name = f"conv{number}_{kind}"
        found += [(name, one), (f"{name}_bn", BatchNorm()), (f"{name}_relu", RELU)]
    return found


@network("mobilenet-v1")
def mobilenet_v1(*, classes: Size = 1000, width: float = 1.0) -> Net:
    """MobileNet v1 of arXiv:1704.04861 table 1; `width` is its multiplier α.

    4,231,976 parameters, 568,740,352 multiply-adds.
    """
    positive(width)
    before = max(1, int(32 * width))
    found: list[Named] = [
        ("conv0", Conv(before, 3, stride=2, padding=1, bias=False)),
        ("conv0_bn", BatchNorm()),
        ("conv0_relu", RELU),
    ]
    for i, (wide, stride) in enumerate(V1, 1):
        channels = max(1, int(wide * width))
        found += separable(i, before, channels, stride)
        before = channels
    layers = sequence(
        *found,
        ("avgpool", AdaptivePool(1)),
        ("flatten", Flatten()),
        ("fc", Linear(classes)),
        ("softmax", Activation("softmax")),
    )
    return Net("mobilenet-v1", layers, (3, 224, 224), "arXiv:1704.04861 table 1")


def eights(channels: float) -> int:
    """Rounded to a multiple of 8, never down by more than a tenth (as torchvision)."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near


def conv(channels: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> Layer:
    """Convolution, batch norm, ReLU6."""
    pad = kernel // 2
    one = Conv(channels, kernel, stride, pad, groups=groups, bias=False)
    return sequence(one, BatchNorm(), RELU6)


def inverted(before: int, channels: int, stride: int, expansion: int) -> Layer:
    """Expand, depthwise, and a linear 1×1; the input is added where the sizes agree."""
    wide = expansion * before
    layers = [conv(wide)] if expansion > 1 else []
    layers += [
        conv(wide, 3, stride, groups=wide),
        Conv(channels, 1, bias=False),
        BatchNorm(),
    ]
    path = sequence(("conv", sequence(*layers)))
    if stride == 1 and before == channels:
        return residual(("", path), ("shortcut", sequence()))
    return path


@network("mobilenet-v2")
def mobilenet_v2(*, classes: Size = 1000, width: float = 1.0) -> Net:
    """MobileNet v2 of arXiv:1801.04381 table 2, as in torchvision; `width` multiplies.

    3,504,872 parameters, 300,774,272 multiply-adds. Widths become multiples of 8.
    """
    positive(width)
    before = eights(32 * width)
    found = [conv(before, 3, 2)]
    for expansion, wide, repeats, first in V2:
        channels = eights(wide * width)
        for i in range(repeats):
            found.append(inverted(before, channels, 1 if i else first, expansion))
            before = channels
    found.append(conv(eights(1280 * max(1.0, width))))
    layers = sequence(
        ("features", sequence(*found)),
        ("avgpool", AdaptivePool(1)),
        ("flatten", Flatten()),
        ("classifier", sequence(Dropout(0.2), Linear(classes))),
    )
    source = "arXiv:1801.04381 table 2, torchvision"
    return Net("mobilenet-v2", layers, (3, 224, 224), source)
