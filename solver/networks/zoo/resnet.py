"""ResNet for ImageNet (v1.5 as torchvision, v1 as the paper) and for CIFAR-10.

v1 puts the stride of a bottleneck on its first 1×1, v1.5 on its 3×3: the same
parameters, 6 % more multiply-adds for ResNet-50. Layers are named as in torchvision.
"""

from __future__ import annotations

from solver.networks.combine import Named, Sequential, residual, sequence
from solver.networks.conv import Conv
from solver.networks.dense import Linear
from solver.networks.layers import Size
from solver.networks.net import Net, network
from solver.networks.norm import BatchNorm
from solver.networks.pointwise import Activation
from solver.networks.pool import AdaptivePool, Pool
from solver.networks.reshape import Flatten, Pad

PAPER = "arXiv:1512.03385"
RELU = Activation("relu")
# The input itself, as an empty sequence: a layer here would count its values again.
SHORTCUT = ("shortcut", sequence())

# number -> (whether blocks are bottlenecks, blocks of each stage)
IMAGENET = {
    18: (False, (2, 2, 2, 2)),
    34: (False, (3, 4, 6, 3)),
    50: (True, (3, 4, 6, 3)),
    101: (True, (3, 4, 23, 3)),
    152: (True, (3, 8, 36, 3)),
}
CIFAR = (20, 32, 44, 56, 110)


def conv(number: int, channels: int, kernel: int, stride: int = 1) -> list[Named]:
    """A convolution without bias, and its batch norm."""
    one = Conv(channels, kernel, stride=stride, padding=kernel // 2, bias=False)
    return [(f"conv{number}", one), (f"bn{number}", BatchNorm())]


def basic(width: int, stride: int) -> Sequential:
    """Two 3×3 convolutions."""
    first, second = conv(1, width, 3, stride), conv(2, width, 3)
    return sequence(*first, ("relu1", RELU), *second)


def bottleneck(width: int, first: int, second: int) -> Sequential:
    """1×1, 3×3 and a 1×1 four times as wide; the strides of the first and second."""
    return sequence(
        *conv(1, width, 1, first),
        ("relu1", RELU),
        *conv(2, width, 3, second),
        ("relu2", RELU),
        *conv(3, 4 * width, 1),
    )


def block(path: Sequential, shortcut: Named) -> Sequential:
    """relu(f(x) + shortcut(x)); the path's layers bear the block's name."""
    return sequence(("", residual(("", path), shortcut)), ("relu", RELU))


def projection(channels: int, stride: int) -> Named:
    """A shortcut where the size changes: 1×1 convolution and batch norm (option B)."""
    one = Conv(channels, 1, stride=stride, bias=False)
    return "downsample", sequence(one, BatchNorm())


def padded(channels: int) -> Named:
    """A shortcut without parameters: every other pixel, and zero maps (option A)."""
    added = (0, 0, 0, 0, 0, channels // 2)
    return "shortcut", sequence(("pick", Pool(1, 2)), ("zeros", Pad(added, dims=3)))


def stage(i: int, blocks: int, deep: bool, early: bool) -> Named:
    """Stage i of an ImageNet network; early: a bottleneck's stride on its first 1×1."""
    width, found = 32 << i, []
    for j in range(blocks):
        stride = 2 if i > 1 and j == 0 else 1
        if deep:
            path = bottleneck(width, *((stride, 1) if early else (1, stride)))
        else:
            path = basic(width, stride)
        wide = 4 * width if deep else width
        changes = j == 0 and (deep or i > 1)
        found.append(block(path, projection(wide, stride) if changes else SHORTCUT))
    return f"layer{i}", sequence(*found)


def imagenet(name: str, number: int, early: bool, classes: Size) -> Net:
    """A row of IMAGENET as a network."""
    deep, blocks = IMAGENET[number]
    layers = sequence(
        *conv(1, 64, 7, 2),
        ("relu", RELU),
        ("maxpool", Pool(3, 2, padding=1)),
        *(stage(i, n, deep, early) for i, n in enumerate(blocks, 1)),
        ("avgpool", AdaptivePool(1)),
        ("flatten", Flatten()),
        ("fc", Linear(classes)),
    )
    source = f"{PAPER} table 1" + ("" if early else ", torchvision")
    return Net(name, layers, (3, 224, 224), source)


def cifar(name: str, number: int, classes: Size) -> Net:
    """6n + 2 layers: 16, 32, 64 maps, n blocks each (section 4.2)."""
    stages = []
    for i, width in enumerate((16, 32, 64), 1):
        found = []
        for j in range((number - 2) // 6):
            changes = i > 1 and j == 0
            path = basic(width, 2 if changes else 1)
            found.append(block(path, padded(width) if changes else SHORTCUT))
        stages.append((f"layer{i}", sequence(*found)))
    layers = sequence(
        *conv(1, 16, 3),
        ("relu", RELU),
        *stages,
        ("avgpool", AdaptivePool(1)),
        ("flatten", Flatten()),
        ("fc", Linear(classes)),
    )
    return Net(name, layers, (3, 32, 32), f"{PAPER} section 4.2")


def register_imagenet(number: int, early: bool) -> None:
    """ResNet-50 as resnet50 or resnet50-v1."""
    name = f"resnet{number}-v1" if early else f"resnet{number}"

    def build(*, classes: Size = 1000) -> Net:
        return imagenet(name, number, early, classes)

    version = ""
    if IMAGENET[number][0]:
        version = " v1, stride on the 1×1" if early else " v1.5, stride on the 3×3"
    build.__doc__ = f"ResNet-{number}{version} ({PAPER} table 1"
    build.__doc__ += ")." if early else ", as in torchvision)."
    network(name)(build)


def register_cifar(number: int) -> None:
    """ResNet-20 to ResNet-110."""
    name = f"resnet{number}"

    def build(*, classes: Size = 10) -> Net:
        return cifar(name, number, classes)

    build.__doc__ = f"ResNet-{number} for CIFAR-10 ({PAPER} section 4.2)."
    network(name)(build)


for each in IMAGENET:
    register_imagenet(each, False)
    if IMAGENET[each][0]:
        register_imagenet(each, True)
for each in CIFAR:
    register_cifar(each)
