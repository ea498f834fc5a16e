"""What is done to a block of output while it is in cache: the bias added, a ReLU."""

from __future__ import annotations

import numpy as np

from solver.numeric.convolution.task import Array


class Finish:
    """The bias, and a ReLU: added to a block of output as soon as it is computed."""

    def __init__(self, bias: Array | None = None, relu: bool = False) -> None:
        self.bias, self.relu = bias, relu
        self.needed = relu or bias is not None

    def last(self, block: Array) -> None:
        """On a block whose last axis are the maps."""
        if self.bias is not None:
            block += self.bias
        if self.relu:
            np.maximum(block, 0, out=block)

    def first(self, block: Array) -> None:
        """On a block whose first axis are the maps."""
        if self.bias is not None:
            block += self.bias.reshape(-1, *(1,) * (block.ndim - 1))
        if self.relu:
            np.maximum(block, 0, out=block)

    def batch(self, block: Array) -> None:
        """On N×maps×sides."""
        if self.needed:
            for one in block:
                self.first(one)

    def part(self, maps: slice) -> Finish:
        """For some of the maps."""
        return Finish(None if self.bias is None else self.bias[maps], self.relu)


NOTHING = Finish()
