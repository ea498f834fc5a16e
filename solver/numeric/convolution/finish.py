"""What is done to a block of output while it is in cache: the bias added, a ReLU."""

from __future__ import annotations

import numpy as np

from solver.numeric.convolution.task import Array

LINE = 2048  # values that are added in one go, at least


class Finish:
    """The bias, and a ReLU: added to a block of output as soon as it is computed."""

    def __init__(self, bias: Array | None = None, relu: bool = False) -> None:
        self.bias, self.relu = bias, relu
        self.needed = relu or bias is not None
        # several times in a row: short rows are slow to add to
        self.times = 1 if bias is None else max(1, LINE // max(len(bias), 1))
        self.tiled = np.empty(0) if bias is None else np.tile(bias, self.times)

    def last(self, block: Array) -> None:
        """On a block whose last axis are the maps."""
        if self.bias is not None:
            if block.flags.c_contiguous:
                rows = block.reshape(-1, len(self.bias))
                many = len(rows) // self.times * self.times
                whole, rest = rows[:many].reshape(-1, len(self.tiled)), rows[many:]
                whole += self.tiled
                rest += self.bias
            else:
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
