"""Groups, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from solver.numeric.convolution.finish import Finish
from solver.numeric.convolution.task import Array, Task
from solver.numeric.workspace import Job


class Grouped:
    """Each group of channels with its own maps, by the algorithm for one group."""

    def __init__(self, task: Task, choose: Callable[[Task], Any]) -> None:
        self.task = task
        self.part = replace(
            task,
            channels=task.channels // task.groups,
            maps=task.maps // task.groups,
            groups=1,
        )
        self.inner = choose(self.part)

    def prepare(self, weight: Array) -> list[Any]:
        """What the inner algorithm makes of each group's weight."""
        return [self.inner.prepare(w) for w in np.split(weight, self.task.groups)]

    def jobs(
        self, x: Array, held: list[Any], out: Array, finish: Finish, parts: int
    ) -> list[Job]:
        """Those of every group."""
        found: list[Job] = []
        c, m = self.part.channels, self.part.maps
        for i, one in enumerate(held):
            maps = slice(i * m, (i + 1) * m)
            read = x[:, i * c : (i + 1) * c]
            found += self.inner.jobs(read, one, out[:, maps], finish.part(maps), parts)
        return found
