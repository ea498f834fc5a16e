"""Inception-v3, its five kinds of module (A to E) named as in torchvision.

Every convolution has batch norm instead of a bias, and a ReLU.
"""

from __future__ import annotations

from solver.networks.combine import (
    Aside,
    Branches,
    Named,
    Sequential,
    branches,
    sequence,
)
from solver.networks.conv import Conv
from solver.networks.dense import Linear
from solver.networks.layers import Sides, Size
from solver.networks.net import Net, network
from solver.networks.norm import BatchNorm
from solver.networks.pointwise import Activation, Dropout
from solver.networks.pool import AdaptivePool, Pool
from solver.networks.reshape import Flatten

RELU = Activation("relu")
MAX, AVG = Pool(3, 2), Pool(3, 1, padding=1, mode="avg")
WIDE, TALL = (1, 7), (7, 1)


def conv(
    name: str, channels: int, kernel: Sides = 1, stride: int = 1, same: bool = True
) -> Named:
    """Convolution, batch norm, ReLU; at stride 1 zeros keep the size, if same."""
    sides = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    padding = tuple(k // 2 for k in sides) if same and stride == 1 else 0
    one = Conv(channels, kernel, stride=stride, padding=padding, bias=False)
    return name, sequence(("conv", one), ("bn", BatchNorm()), ("relu", RELU))


def path(*layers: Named) -> tuple[str, Sequential]:
    """One branch; it has no name of its own, its layers have."""
    return "", sequence(*layers)


def pooled(channels: int) -> tuple[str, Sequential]:
    """The branch that pools and projects."""
    return path(("avgpool", AVG), conv("branch_pool", channels))


def a(pool: int) -> Branches:
    """1×1, 5×5 and two 3×3 in a row (figure 5)."""
    return branches(
        path(conv("branch1x1", 64)),
        path(conv("branch5x5_1", 48), conv("branch5x5_2", 64, 5)),
        path(
            conv("branch3x3dbl_1", 64),
            conv("branch3x3dbl_2", 96, 3),
            conv("branch3x3dbl_3", 96, 3),
        ),
        pooled(pool),
    )


def b() -> Branches:
    """Halves the grid: convolutions and pooling side by side (figure 10)."""
    return branches(
        path(conv("branch3x3", 384, 3, 2)),
        path(
            conv("branch3x3dbl_1", 64),
            conv("branch3x3dbl_2", 96, 3),
            conv("branch3x3dbl_3", 96, 3, 2),
        ),
        path(("maxpool", MAX)),
    )


def c(c7: int) -> Branches:
    """7×7 factorised into 1×7 and 7×1 (figure 6)."""
    return branches(
        path(conv("branch1x1", 192)),
        path(
            conv("branch7x7_1", c7),
            conv("branch7x7_2", c7, WIDE),
            conv("branch7x7_3", 192, TALL),
        ),
        path(
            conv("branch7x7dbl_1", c7),
            conv("branch7x7dbl_2", c7, TALL),
            conv("branch7x7dbl_3", c7, WIDE),
            conv("branch7x7dbl_4", c7, TALL),
            conv("branch7x7dbl_5", 192, WIDE),
        ),
        pooled(192),
    )


def d() -> Branches:
    """Halves the grid again, the 7×7 factorised."""
    return branches(
        path(conv("branch3x3_1", 192), conv("branch3x3_2", 320, 3, 2)),
        path(
            conv("branch7x7x3_1", 192),
            conv("branch7x7x3_2", 192, WIDE),
            conv("branch7x7x3_3", 192, TALL),
            conv("branch7x7x3_4", 192, 3, 2),
        ),
        path(("maxpool", MAX)),
    )


def e() -> Branches:
    """Wide: 1×3 and 3×1 side by side (figure 7)."""
    return branches(
        path(conv("branch1x1", 320)),
        path(conv("branch3x3_1", 384), split("branch3x3_2")),
        path(
            conv("branch3x3dbl_1", 448),
            conv("branch3x3dbl_2", 384, 3),
            split("branch3x3dbl_3"),
        ),
        pooled(192),
    )


def split(name: str) -> Named:
    """1×3 and 3×1 on the same input, concatenated."""
    return name, branches(conv("a", 384, (1, 3)), conv("b", 384, (3, 1)))


def head(classes: Size) -> Named:
    """The auxiliary classifier: counted, but its output does not flow on."""
    layers = sequence(
        ("avgpool1", Pool(5, 3, mode="avg")),
        conv("conv0", 128),
        conv("conv1", 768, 5, same=False),
        ("avgpool2", AdaptivePool(1)),
        ("flatten", Flatten()),
        ("fc", Linear(classes)),
    )
    return "AuxLogits", Aside(layers)


@network("inception-v3")
def inception_v3(*, classes: Size = 1000, aux: bool = False) -> Net:
    """Inception-v3 of arXiv:1512.00567, as in torchvision, on 3×299×299.

    23,834,568 parameters, 5,713,216,096 multiply-adds; `aux` adds the auxiliary
    classifier (27,161,264 parameters).
    """
    layers = sequence(
        conv("Conv2d_1a_3x3", 32, 3, 2),
        conv("Conv2d_2a_3x3", 32, 3, same=False),
        conv("Conv2d_2b_3x3", 64, 3),
        ("maxpool1", MAX),
        conv("Conv2d_3b_1x1", 80),
        conv("Conv2d_4a_3x3", 192, 3, same=False),
        ("maxpool2", MAX),
        ("Mixed_5b", a(32)),
        ("Mixed_5c", a(64)),
        ("Mixed_5d", a(64)),
        ("Mixed_6a", b()),
        ("Mixed_6b", c(128)),
        ("Mixed_6c", c(160)),
        ("Mixed_6d", c(160)),
        ("Mixed_6e", c(192)),
        *([head(classes)] if aux else []),
        ("Mixed_7a", d()),
        ("Mixed_7b", e()),
        ("Mixed_7c", e()),
        ("avgpool", AdaptivePool(1)),
        ("dropout", Dropout(0.5)),
        ("flatten", Flatten()),
        ("fc", Linear(classes)),
    )
    return Net("inception-v3", layers, (3, 299, 299), "arXiv:1512.00567, torchvision")
