"""How a convolution is asked for: stride, padding, dilation and groups, checked once."""

from __future__ import annotations

from math import inf, prod
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.networks.layers import show_shape
from solver.numeric.convolution.task import Task
from solver.numeric.memory import afford
from solver.numeric.plain import Sides, axes, spread
from solver.numeric.workspace import LARGE, Array, Sizes, channels_last

MODES = {"reflect": "reflect", "circular": "wrap", "replicate": "edge"}


class Geometry:
    """Stride, padding, dilation and groups of a convolution, checked."""

    def __init__(
        self,
        kernel: Sizes,
        stride: Sides,
        padding: Sides | str,
        dilation: Sides,
        groups: int,
        mode: str = "zeros",
    ) -> None:
        self.kernel, self.groups, self.mode = kernel, groups, mode
        _, self.stride, self.dilation = axes(kernel, stride, dilation)
        if not isinstance(padding, str):
            self.before = self.after = spread(padding, len(kernel))
        elif padding == "same":
            whole = [d * (k - 1) for k, d in zip(kernel, self.dilation)]
            if set(self.stride) != {1}:
                raise BadInput("padding 'same' goes with stride 1")
            self.before = tuple(p // 2 for p in whole)
            self.after = tuple(p - p // 2 for p in whole)
        elif padding == "valid":
            self.before = self.after = (0,) * len(kernel)
        else:
            raise BadInput(f"padding is a size, 'same' or 'valid', not {padding!r}")
        sizes("kernel", kernel, 1)
        sizes("stride", self.stride, 1)
        sizes("dilation", self.dilation, 1)
        sizes("padding", self.before, 0)
        sizes("groups", (groups,), 1)
        if mode != "zeros" and mode not in MODES:
            raise BadInput(f"padding is zeros, {', '.join(MODES)}, not {mode!r}")

    def task(self, x: Array, maps: int, last: bool | None = None) -> Task:
        """The task for inputs like x, whose padding, if it is not zeros, is in them.

        `last` says that they will have their channels last; x itself, where it is not told.
        """
        none = (0,) * len(self.kernel)
        roomy(x.shape, self.before, self.after, x.itemsize)
        inside = self.mode != "zeros"
        return Task(
            len(x),
            x.shape[1],
            x.shape[2:],
            maps,
            self.kernel,
            self.stride,
            none if inside else self.before,
            none if inside else self.after,
            self.dilation,
            self.groups,
            x.dtype,
            channels_last(x) if last is None else last,
        )

    def surrounded(self, x: Array) -> Array:
        """x with padding that is not zeros put around it."""
        if self.mode == "zeros" or not any((*self.before, *self.after)):
            return x
        roomy(x.shape, self.before, self.after, x.itemsize)
        amounts = [(0, 0), (0, 0), *zip(self.before, self.after)]
        for n, b, a in zip(x.shape[2:], self.before, self.after):
            widest = {"reflect": n - 1, "circular": n}.get(self.mode, inf if n else 0)
            if max(b, a) > widest:
                raise BadInput(
                    f"{self.mode} padding of {max(b, a)} needs more than a side of {n}"
                )
        mode: Any = MODES[self.mode]
        return np.pad(x, amounts, mode)


def sizes(what: str, given: Sizes, least: int) -> None:
    """Refuse what is not whole, or too small."""
    if not all(isinstance(n, (int, np.integer)) for n in given):
        shown = "×".join(f"{n}" for n in given)
        raise BadInput(f"{what} must be whole numbers, {least} or more, not {shown:.60}")
    if any(n < least for n in given):
        raise BadInput(f"{what} must be {least} or more, not {show_shape(given)}")


def roomy(shape: Sizes, before: Sizes, after: Sizes, itemsize: int) -> None:
    """Refuse padding with which the input would be larger than the memory."""
    if not any((*before, *after)):
        return
    sides = (n + b + a for n, b, a in zip(shape[2:], before, after))
    whole = (*shape[:2], *sides)
    size = prod(whole) * itemsize
    if size > LARGE:
        what = f"the input with its padding, {show_shape(whole)}, takes"
        afford(size, what, "take less padding, fewer images or smaller ones")
