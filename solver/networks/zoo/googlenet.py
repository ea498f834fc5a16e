"""GoogLeNet as in its paper, each of its Inception modules, and the two taught by hand.

Convolutions carry biases and end in a ReLU; no batch norm (torchvision's variant has
it, and 3×3 in place of 5×5). The sizes, 56 after 112, ask for pooling that rounds up.
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
from solver.networks.layers import Size
from solver.networks.net import Net, network
from solver.networks.norm import LocalResponseNorm
from solver.networks.pointwise import Activation, Dropout
from solver.networks.pool import AdaptivePool, Pool
from solver.networks.reshape import Flatten

PAPER = "arXiv:1409.4842 table 1"
RELU, SOFTMAX = Activation("relu"), Activation("softmax")
POOL = Pool(3, 2, ceil_mode=True)

# module -> (input, (1×1, 3×3 reduce, 3×3, 5×5 reduce, 5×5, pool proj))
TABLE = {
    "3a": ((192, 28, 28), (64, 96, 128, 16, 32, 32)),
    "3b": ((256, 28, 28), (128, 128, 192, 32, 96, 64)),
    "4a": ((480, 14, 14), (192, 96, 208, 16, 48, 64)),
    "4b": ((512, 14, 14), (160, 112, 224, 24, 64, 64)),
    "4c": ((512, 14, 14), (128, 128, 256, 24, 64, 64)),
    "4d": ((512, 14, 14), (112, 144, 288, 32, 64, 64)),
    "4e": ((528, 14, 14), (256, 160, 320, 32, 128, 128)),
    "5a": ((832, 7, 7), (256, 160, 320, 32, 128, 128)),
    "5b": ((832, 7, 7), (384, 192, 384, 48, 128, 128)),
}


def conv(name: str, channels: int, kernel: int, stride: int = 1) -> list[Named]:
    """A convolution that keeps the size (at stride 1), and its ReLU."""
    one = Conv(channels, kernel, stride=stride, padding=kernel // 2)
    return [(name, one), (f"relu_{name}", RELU)]


def path(*parts: list[Named]) -> tuple[str, Sequential]:
    """One branch; it has no name of its own, its layers have."""
    return "", sequence(*(named for part in parts for named in part))


def inception(c1: int, r3: int, c3: int, r5: int, c5: int, proj: int) -> Branches:
    """The module; a reduction or projection to 0 is left out, as in the naive one."""
    return branches(
        path(conv("1x1", c1, 1)),
        path(conv("3x3_reduce", r3, 1) if r3 else [], conv("3x3", c3, 3)),
        path(conv("5x5_reduce", r5, 1) if r5 else [], conv("5x5", c5, 5)),
        path(
            [("pool", Pool(3, 1, padding=1))],
            conv("pool_proj", proj, 1) if proj else [],
        ),
    )


def head(number: int, classes: Size) -> Named:
    """An auxiliary classifier: counted, but its output does not flow on."""
    layers = sequence(
        ("ave_pool", Pool(5, 3, mode="avg")),
        *conv("conv", 128, 1),
        ("flatten", Flatten()),
        ("fc", Linear(1024)),
        ("relu_fc", RELU),
        ("drop_fc", Dropout(0.7)),
        ("classifier", Linear(classes)),
        ("softmax", SOFTMAX),
    )
    return f"loss{number}", Aside(layers)


@network("googlenet")
def googlenet(*, classes: Size = 1000, aux: bool = False) -> Net:
    """GoogLeNet as in arXiv:1409.4842 table 1: biases, LRN, no batch norm.

    6,998,552 parameters, 1,582,671,872 multiply-adds; `aux` adds the two auxiliary
    classifiers, after 4a and 4d, that are dropped after training.
    """
    modules = {name: (name, inception(*widths)) for name, (_, widths) in TABLE.items()}
    layers = sequence(
        *conv("conv1", 64, 7, stride=2),
        ("pool1", POOL),
        ("norm1", LocalResponseNorm(5)),
        *conv("conv2_reduce", 64, 1),
        *conv("conv2", 192, 3),
        ("norm2", LocalResponseNorm(5)),
        ("pool2", POOL),
        modules["3a"],
        modules["3b"],
        ("pool3", POOL),
        modules["4a"],
        *([head(1, classes)] if aux else []),
        modules["4b"],
        modules["4c"],
        modules["4d"],
        *([head(2, classes)] if aux else []),
        modules["4e"],
        ("pool4", POOL),
        modules["5a"],
        modules["5b"],
        ("avgpool", AdaptivePool(1)),
        ("dropout", Dropout(0.4)),
        ("flatten", Flatten()),
        ("linear", Linear(classes)),
        ("softmax", SOFTMAX),
    )
    return Net("googlenet", layers, (3, 224, 224), PAPER)


@network("inception-naive")
def naive() -> Net:
    """Naive Inception module on 256×32×32 (arXiv:1409.4842 figure 2a).

    1×1 to 128 channels, 3×3 to 192, 5×5 to 96, and 3×3 max pooling, which passes all
    256 channels on: the output has 672.
    """
    layers = sequence(("inception", inception(128, 0, 192, 0, 96, 0)))
    return Net("inception-naive", layers, (256, 32, 32), "arXiv:1409.4842 figure 2a")


@network("inception-reduced")
def reduced() -> Net:
    """Inception module with 1×1 reductions, on 256×32×32 (arXiv:1409.4842 figure 2b).

    Reductions and projection to 64; the same 128, 192 and 96 channels as the naive one
    for a third of its multiply-adds.
    """
    layers = sequence(("inception", inception(128, 64, 192, 64, 96, 64)))
    return Net("inception-reduced", layers, (256, 32, 32), "arXiv:1409.4842 figure 2b")


def register(name: str) -> None:
    """One row of TABLE as a network of its own."""
    input, widths = TABLE[name]

    def build() -> Net:
        layers = sequence((name, inception(*widths)))
        return Net(f"inception-{name}", layers, input, PAPER)

    build.__doc__ = f"Inception module {name} of GoogLeNet, arXiv:1409.4842 table 1."
    network(f"inception-{name}")(build)


for each in TABLE:
    register(each)
