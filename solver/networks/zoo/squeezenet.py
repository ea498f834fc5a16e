"""SqueezeNet 1.0 and 1.1: named as in the paper, padded as in torchvision."""

from __future__ import annotations

from solver.networks.combine import Named, branches, sequence
from solver.networks.conv import Conv
from solver.networks.layers import Size
from solver.networks.net import Net, network
from solver.networks.pointwise import Activation, Dropout
from solver.networks.pool import AdaptivePool, Pool
from solver.networks.reshape import Flatten

RELU = Activation("relu")
POOL = Pool(3, 2, ceil_mode=True)
# fire2 to fire9: (squeeze, expand to as many 1×1 as 3×3)
FIRES = tuple((k * 16, k * 64) for k in (1, 1, 2, 2, 3, 3, 4, 4))


def fire(number: int, squeeze: int, expand: int) -> Named:
    """1×1 squeeze, then 1×1 and 3×3 side by side."""
    small = sequence(("expand1x1", Conv(expand, 1)), ("relu_expand1x1", RELU))
    wide = Conv(expand, 3, padding=1)
    large = sequence(("expand3x3", wide), ("relu_expand3x3", RELU))
    return f"fire{number}", sequence(
        ("squeeze1x1", Conv(squeeze, 1)),
        ("relu_squeeze1x1", RELU),
        ("", branches(("", small), ("", large))),
    )


def squeezenet(name: str, first: Conv, pools: tuple[int, ...], classes: Size) -> Net:
    """The network with this first convolution, and pools after these layers."""
    found: list[Named] = [("conv1", first), ("relu1", RELU), ("maxpool1", POOL)]
    for i, widths in enumerate(FIRES, 2):
        found.append(fire(i, *widths))
        if i in pools:
            found.append((f"maxpool{i}", POOL))
    layers = sequence(
        *found,
        ("dropout", Dropout(0.5)),
        ("conv10", Conv(classes, 1)),
        ("relu10", RELU),
        ("avgpool10", AdaptivePool(1)),
        ("flatten", Flatten()),
        ("softmax", Activation("softmax")),
    )
    return Net(name, layers, (3, 224, 224), "arXiv:1602.07360 table 1, torchvision")


@network("squeezenet1.0")
def squeezenet1_0(*, classes: Size = 1000) -> Net:
    """SqueezeNet 1.0 of arXiv:1602.07360 table 1, as in torchvision.

    1,248,424 parameters, 818,924,576 multiply-adds. The table's 111×111 after conv1
    needs a 227×227 input; 224×224 gives 109×109.
    """
    return squeezenet("squeezenet1.0", Conv(96, 7, stride=2), (4, 8), classes)


@network("squeezenet1.1")
def squeezenet1_1(*, classes: Size = 1000) -> Net:
    """SqueezeNet 1.1 of the authors' repository, as in torchvision: 2.4 times cheaper.

    1,235,496 parameters, 349,151,936 multiply-adds: smaller conv1, earlier pooling.
    """
    return squeezenet("squeezenet1.1", Conv(64, 3, stride=2), (3, 5), classes)
