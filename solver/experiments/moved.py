"""Test images moved or turned: what a network sees that it was not trained on.

Each look is a function from images N×C×H×W to as many of the same shape; what comes in
from outside is the smallest value of the images, the background.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from solver.core import BadInput
from solver.numeric.plain import Array
from solver.training.data import Data


@dataclass(frozen=True)
class Look:
    """A way to show the test images, and its name in tables."""

    name: str
    change: Callable[[Array], Array]

    def __call__(self, data: Data) -> Data:
        return replace(data, images=np.ascontiguousarray(self.change(data.images)))


def up(images: Array, rows: int) -> Array:
    """Moved up: the upper rows leave the image, background comes in from below."""
    height = images.shape[2]
    if not 0 <= rows < height:
        raise BadInput(
            f"images {height} high are moved by 0 to {height - 1} rows, not {rows}"
        )
    moved = np.full_like(images, images.min())
    moved[:, :, : height - rows] = images[:, :, rows:]
    return moved


def turned(images: Array, degrees: int) -> Array:
    """Turned counterclockwise by a multiple of 90°, which moves pixels and mixes none."""
    if degrees % 90:
        raise BadInput(f"images are turned by multiples of 90°, not {degrees}°")
    height, width = images.shape[2:]
    if height != width and degrees % 180:
        raise BadInput(
            f"an image of {height}×{width} turned by {degrees}° has another shape"
        )
    return np.rot90(images, degrees // 90, axes=(2, 3))


AS_IT_IS = Look("as it is", lambda images: images)


def upward(height: int) -> Look:
    """Up by a seventh of the height: 4 pixels of 28."""
    rows = max(1, round(height / 7))
    return Look(f"up by {rows}", lambda images: up(images, rows))


def quarter_turns() -> tuple[Look, ...]:
    """Turned by 90°, 180° and 270°."""
    return tuple(turn(degrees) for degrees in (90, 180, 270))


def turn(degrees: int) -> Look:
    return Look(f"turned {degrees}°", lambda images: turned(images, degrees))
