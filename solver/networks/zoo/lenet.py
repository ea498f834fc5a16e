"""LeNet-5: the network of 1998, and what is called LeNet-5 in courses today."""

from __future__ import annotations

from solver.networks.classic import RBF, SparseConv, Subsample
from solver.networks.combine import sequence
from solver.networks.conv import Conv
from solver.networks.dense import Linear
from solver.networks.layers import Size
from solver.networks.net import Net, network
from solver.networks.pointwise import Activation
from solver.networks.pool import Pool
from solver.networks.reshape import Flatten

PAPER = "LeCun et al. 1998, Proc. IEEE 86(11), section II.B"
C3 = ((6, 3), (6, 4), (3, 4), (1, 6))  # table I: (maps, inputs that each reads)
TANH, RELU = Activation("tanh"), Activation("relu")


@network("lenet5")
def lenet5() -> Net:
    """LeNet-5 as in LeCun et al. 1998: sparse C3, trainable subsampling, RBF output.

    60,000 parameters, 340,908 connections. Layers up to F6 end in a scaled tanh.
    """
    layers = sequence(
        ("C1", Conv(6, 5)),
        ("tanh1", TANH),
        ("S2", Subsample(2)),
        ("tanh2", TANH),
        ("C3", SparseConv(C3, 5)),
        ("tanh3", TANH),
        ("S4", Subsample(2)),
        ("tanh4", TANH),
        ("C5", Conv(120, 5)),
        ("tanh5", TANH),
        ("flatten", Flatten()),
        ("F6", Linear(84)),
        ("tanh6", TANH),
        ("output", RBF(10)),
    )
    return Net("lenet5", layers, (1, 32, 32), PAPER)


@network("lenet5-modern")
def lenet5_modern(*, classes: Size = 10) -> Net:
    """LeNet-5 as taught today (after LeCun et al. 1998): dense C3, max pooling, ReLU.

    61,706 parameters: 44 fewer in the pools, 900 more in C3, 850 more in the output.
    """
    layers = sequence(
        ("conv1", Conv(6, 5)),
        ("relu1", RELU),
        ("pool1", Pool(2)),
        ("conv2", Conv(16, 5)),
        ("relu2", RELU),
        ("pool2", Pool(2)),
        ("flatten", Flatten()),
        ("fc1", Linear(120)),
        ("relu3", RELU),
        ("fc2", Linear(84)),
        ("relu4", RELU),
        ("fc3", Linear(classes)),
    )
    return Net("lenet5-modern", layers, (1, 32, 32), f"after {PAPER}")
