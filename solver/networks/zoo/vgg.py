"""VGG, configurations A to E, and A, B, D, E with batch normalisation."""

from __future__ import annotations

from solver.networks.combine import Named, sequence
from solver.networks.conv import Conv
from solver.networks.dense import Linear
from solver.networks.layers import Size
from solver.networks.net import Net, network
from solver.networks.norm import BatchNorm
from solver.networks.pointwise import Activation, Dropout
from solver.networks.pool import Pool
from solver.networks.reshape import Flatten

Kernels = tuple[tuple[int, ...], ...]

RELU = Activation("relu")
WIDTHS = (64, 128, 256, 512, 512)
# name -> (configuration of table 1, kernels of each stage)
TABLE = {
    "vgg11": ("A", ((3,), (3,), (3, 3), (3, 3), (3, 3))),
    "vgg13": ("B", ((3, 3),) * 5),
    "vgg16-c": ("C", ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1))),
    "vgg16": ("D", ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3))),
    "vgg19": ("E", ((3, 3), (3, 3), (3,) * 4, (3,) * 4, (3,) * 4)),
}


def stages(kernels: Kernels, norm: bool) -> list[Named]:
    """The convolutions, each with its (batch norm and) ReLU; a pool ends each stage."""
    found: list[Named] = []
    for i, (width, stage) in enumerate(zip(WIDTHS, kernels), 1):
        for j, kernel in enumerate(stage, 1):
            found.append((f"conv{i}_{j}", Conv(width, kernel, padding=kernel // 2)))
            if norm:
                found.append((f"bn{i}_{j}", BatchNorm()))
            found.append((f"relu{i}_{j}", RELU))
        found.append((f"pool{i}", Pool(2)))
    return found


def vgg(name: str, kernels: Kernels, norm: bool, classes: Size) -> Net:
    """The network of one configuration."""
    layers = sequence(
        *stages(kernels, norm),
        ("flatten", Flatten()),
        ("fc1", Linear(4096)),
        ("relu_fc1", RELU),
        ("dropout1", Dropout(0.5)),
        ("fc2", Linear(4096)),
        ("relu_fc2", RELU),
        ("dropout2", Dropout(0.5)),
        ("fc3", Linear(classes)),
        ("softmax", Activation("softmax")),
    )
    source = "torchvision.models.vgg" if norm else "arXiv:1409.1556 table 1"
    return Net(name, layers, (3, 224, 224), source)


def register(plain: str, norm: bool) -> None:
    """One row of TABLE as a network, with or without batch norm."""
    letter, kernels = TABLE[plain]
    name = f"{plain}-bn" if norm else plain

    def build(*, classes: Size = 1000) -> Net:
        return vgg(name, kernels, norm, classes)

    number = 3 + sum(map(len, kernels))
    build.__doc__ = f"VGG-{number}, configuration {letter} of arXiv:1409.1556 table 1"
    build.__doc__ += ", with batch norm as in torchvision." if norm else "."
    network(name)(build)


for each in TABLE:
    register(each, False)
    if each != "vgg16-c":
        register(each, True)
