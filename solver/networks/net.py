"""Networks by name: what a bundled network is, and where each is defined."""

from __future__ import annotations

from dataclasses import dataclass

from solver.networks.layers import Layer, Row, Shape, Signal, Size, layer  # noqa: F401
from solver.networks.layers import Field
from solver.registry import Registry

ZOO = "solver.networks.zoo."
WHERE: dict[str, str] = {}
network = Registry("network", WHERE)


@dataclass(frozen=True)
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
