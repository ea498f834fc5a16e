"""Networks by name: what a bundled network is, and where each is defined."""

from __future__ import annotations

from dataclasses import dataclass

from solver.networks.layers import Field, Layer, Row, Shape, Signal, Size, layer  # noqa: F401
from solver.registry import Registry

ZOO = "solver.networks.zoo."
FAMILIES = {
    "lenet": "lenet5 lenet5-modern",
    "alexnet": "alexnet alexnet-ungrouped alexnet-torchvision",
    "vgg": "vgg11 vgg11-bn vgg13 vgg13-bn vgg16-c vgg16 vgg16-bn vgg19 vgg19-bn",
    "googlenet": (
        "googlenet inception-naive inception-reduced inception-3a inception-3b "
        "inception-4a inception-4b inception-4c inception-4d inception-4e inception-5a "
        "inception-5b"
    ),
    "inception3": "inception-v3",
    "resnet": (
        "resnet18 resnet34 resnet50 resnet50-v1 resnet101 resnet101-v1 resnet152 "
        "resnet152-v1 resnet20 resnet32 resnet44 resnet56 resnet110"
    ),
    "squeezenet": "squeezenet1.0 squeezenet1.1",
    "mobilenet": "mobilenet-v1 mobilenet-v2",
    "densenet": "densenet121 densenet161 densenet169 densenet201",
    "vit": "vit-b-16 vit-b-32 vit-l-16 vit-l-32",
}
WHERE = {name: ZOO + file for file, of in FAMILIES.items() for name in of.split()}
network = Registry("network", WHERE)


@dataclass(frozen=True, eq=False, repr=False)
class Net:
    """A network with the input it is meant for (C×H×W, without the batch) and its source."""

    name: str
    layer: Layer
    input: Shape
    source: str = ""

    def rows(self, input: Shape | None = None, batch: Size = 1) -> list[Row]:
        """Every layer as it runs on this input, shapes with the batch first."""
        shape = (batch, *(input or self.input))
        sides = len(shape) - 2
        rows: list[Row] = []
        field = tuple(Field() for _ in range(sides)) if sides > 0 else None
        self.layer.run([Signal(shape, field)], "", rows)
        return rows
