"""DenseNet-121 to 201: each layer reads all before it; named as in torchvision."""

from __future__ import annotations

from solver.networks.combine import Named, branches, sequence
from solver.networks.conv import Conv
from solver.networks.dense import Linear
from solver.networks.layers import Layer, Size
from solver.networks.net import Net, network
from solver.networks.norm import BatchNorm
from solver.networks.pointwise import Activation
from solver.networks.pool import AdaptivePool, Pool
from solver.networks.reshape import Flatten

RELU = Activation("relu")
# number -> (growth rate, channels of the first convolution, layers of each block)
TABLE = {
    121: (32, 64, (6, 12, 24, 16)),
    161: (48, 96, (6, 12, 36, 24)),
    169: (32, 64, (6, 12, 32, 32)),
    201: (32, 64, (6, 12, 48, 32)),
}


def dense(growth: int) -> Layer:
    """Norm, ReLU, 1×1 to four times the growth rate; again with 3×3; concatenated."""
    path = sequence(
        ("norm1", BatchNorm()),
        ("relu1", RELU),
        ("conv1", Conv(4 * growth, 1, bias=False)),
        ("norm2", BatchNorm()),
        ("relu2", RELU),
        ("conv2", Conv(growth, 3, padding=1, bias=False)),
    )
    # The input itself, as an empty sequence: a layer here would count its values again.
    return branches(("kept", sequence()), ("", path))


def transition(channels: int) -> Layer:
    """Batch norm, ReLU, 1×1 to half the channels, 2×2 average pooling."""
    return sequence(
        ("norm", BatchNorm()),
        ("relu", RELU),
        ("conv", Conv(channels, 1, bias=False)),
        ("pool", Pool(2, mode="avg")),
    )


def densenet(number: int, classes: Size) -> Net:
    """A row of TABLE as a network."""
    growth, channels, blocks = TABLE[number]
    found: list[Named] = [
        ("conv0", Conv(channels, 7, stride=2, padding=3, bias=False)),
        ("norm0", BatchNorm()),
        ("relu0", RELU),
        ("pool0", Pool(3, 2, padding=1)),
    ]
    layer = dense(growth)
    for i, repeats in enumerate(blocks, 1):
        if i > 1:
            channels //= 2
            found.append((f"transition{i - 1}", transition(channels)))
        named = [(f"denselayer{j}", layer) for j in range(1, repeats + 1)]
        found.append((f"denseblock{i}", sequence(*named)))
        channels += repeats * growth
    found += [("norm5", BatchNorm()), ("relu5", RELU)]
    layers = sequence(
        ("features", sequence(*found)),
        ("avgpool", AdaptivePool(1)),
        ("flatten", Flatten()),
        ("classifier", Linear(classes)),
    )
    source = "arXiv:1608.06993 table 1, torchvision"
    return Net(f"densenet{number}", layers, (3, 224, 224), source)


def register(number: int) -> None:
    """A row of TABLE by name."""

    def build(*, classes: Size = 1000) -> Net:
        return densenet(number, classes)

    growth = TABLE[number][0]
    build.__doc__ = f"DenseNet-{number}, growth {growth} (arXiv:1608.06993 table 1)."
    network(f"densenet{number}")(build)


for each in TABLE:
    register(each)
