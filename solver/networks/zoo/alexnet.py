"""AlexNet: as in the paper, without its split in two, and as in torchvision."""

from __future__ import annotations

from solver.networks.combine import Named, sequence
from solver.networks.conv import Conv
from solver.networks.dense import Linear
from solver.networks.layers import Size
from solver.networks.net import Net, network
from solver.networks.norm import LocalResponseNorm
from solver.networks.pointwise import Activation, Dropout
from solver.networks.pool import AdaptivePool, Pool
from solver.networks.reshape import Flatten

PAPER = "Krizhevsky, Sutskever, Hinton, NIPS 2012, section 3"
RELU, POOL = Activation("relu"), Pool(3, 2)


def paper(name: str, groups: int, classes: Size) -> Net:
    """The paper's network; groups is 2 where a GPU reads its own half of the maps."""
    layers = sequence(
        ("conv1", Conv(96, 11, stride=4)),
        ("relu1", RELU),
        ("norm1", LocalResponseNorm(5)),
        ("pool1", POOL),
        ("conv2", Conv(256, 5, padding=2, groups=groups)),
        ("relu2", RELU),
        ("norm2", LocalResponseNorm(5)),
        ("pool2", POOL),
        ("conv3", Conv(384, 3, padding=1)),
        ("relu3", RELU),
        ("conv4", Conv(384, 3, padding=1, groups=groups)),
        ("relu4", RELU),
        ("conv5", Conv(256, 3, padding=1, groups=groups)),
        ("relu5", RELU),
        ("pool5", POOL),
        ("flatten", Flatten()),
        *dense("6", 4096),
        *dense("7", 4096),
        ("fc8", Linear(classes)),
        ("softmax", Activation("softmax")),
    )
    # The paper says 224, but (224 − 11)/4 + 1 is no whole number; 227 gives its 55.
    return Net(name, layers, (3, 227, 227), PAPER)


def dense(number: str, width: int) -> list[Named]:
    """A fully connected layer with its ReLU and dropout."""
    named = (("fc", Linear(width)), ("relu", RELU), ("drop", Dropout(0.5)))
    return [(kind + number, layer) for kind, layer in named]


@network("alexnet")
def alexnet(*, classes: Size = 1000) -> Net:
    """AlexNet as in Krizhevsky et al. 2012: conv2, conv4 and conv5 in two groups.

    60,965,224 parameters, 724,406,816 multiply-adds on 3×227×227.
    """
    return paper("alexnet", 2, classes)


@network("alexnet-ungrouped")
def alexnet_ungrouped(*, classes: Size = 1000) -> Net:
    """AlexNet (Krizhevsky et al. 2012) on one GPU: every filter reads every map.

    62,378,344 parameters, 1,135,256,096 multiply-adds on 3×227×227.
    """
    return paper("alexnet-ungrouped", 1, classes)


@network("alexnet-torchvision")
def alexnet_torchvision(*, classes: Size = 1000) -> Net:
    """AlexNet as in torchvision: 64-192-384-256-256 channels of arXiv:1404.5997.

    61,100,840 parameters, 714,188,480 multiply-adds.
    """
    features = (
        Conv(64, 11, stride=4, padding=2),
        RELU,
        POOL,
        Conv(192, 5, padding=2),
        RELU,
        POOL,
        Conv(384, 3, padding=1),
        RELU,
        Conv(256, 3, padding=1),
        RELU,
        Conv(256, 3, padding=1),
        RELU,
        POOL,
    )
    classifier = (
        Dropout(0.5),
        Linear(4096),
        RELU,
        Dropout(0.5),
        Linear(4096),
        RELU,
        Linear(classes),
    )
    layers = sequence(
        ("features", sequence(*features)),
        ("avgpool", AdaptivePool(6)),
        ("flatten", Flatten()),
        ("classifier", sequence(*classifier)),
    )
    source = "torchvision.models.alexnet"
    return Net("alexnet-torchvision", layers, (3, 224, 224), source)
