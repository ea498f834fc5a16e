"""Where results go: memory that is used again, outputs, the two layouts of arrays.

Channels-last memory is an N×C×sides array whose strides say N×sides×C.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solver.core import BadInput
from solver.networks.layers import show_shape
from solver.numeric.memory import afford, in_words

Array = NDArray[Any]
Sizes = tuple[int, ...]

LARGE = 1 << 30  # bytes from which it is worth looking how many are free
LESS = "take fewer images or smaller ones"


def channels_last(x: Array) -> bool:
    """Whether the values of all channels of a position lie side by side in memory.

    Where a position has one channel, or there is one position, they do either way: no.
    """
    return (
        x.ndim > 2
        and x.strides[1] == x.itemsize
        and x.shape[1] > 1
        and any(n > 1 for n in x.shape[2:])
    )


def rows_last(x: Array) -> Array:
    """N×C×sides seen as N×sides×C."""
    return x.transpose(0, *range(2, x.ndim), 1)


def rows_first(x: Array) -> Array:
    """N×sides×C seen as N×C×sides."""
    return x.transpose(0, -1, *range(1, x.ndim - 1))


def empty(shape: Sizes, dtype: Any, last: bool) -> Array:
    """An output, N×C×sides, in the layout that is asked for; its values are anything.

    What is larger than the memory is refused, with its size.
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    if size > LARGE:
        afford(size, f"an output of {show_shape(shape)} takes", LESS)
    try:
        if not last:
            return np.empty(shape, dtype)
        return rows_first(np.empty((shape[0], *shape[2:], shape[1]), dtype))
    except MemoryError:
        raise lacking(size, f"an output of {show_shape(shape)}") from None


def lacking(size: int, what: str) -> BadInput:
    """The error where the system gives no memory, whatever it says is free."""
    return BadInput(f"{what} takes {in_words(size)}, more than can be had: {LESS}")


def checked(out: Array, shape: Sizes, x: Array) -> Array:
    """`out`, if it can take a result of this shape and of x's type, and is not part of x."""
    if not isinstance(out, np.ndarray):
        raise BadInput(f"out must be a NumPy array, not a {type(out).__name__}")
    if out.shape != shape or out.dtype != x.dtype:
        raise BadInput(
            f"out must be {show_shape(shape)} of {x.dtype}, not "
            f"{show_shape(out.shape)} of {out.dtype}"
        )
    if not out.flags.writeable:
        raise BadInput("out is read-only: give an array that can be written to")
    if np.shares_memory(out, x):
        raise BadInput("out shares memory with the input: give an array of its own")
    return out


def fresh(size: int) -> Array:
    """So many bytes to work in; refused if they are not there."""
    if size > LARGE:
        afford(size, "the memory to work in would be", LESS)
    try:
        return np.empty(size, np.uint8)
    except MemoryError:
        raise lacking(size, "the memory to work in") from None


class Workspace:
    """Buffers by name, kept from call to call: fresh memory costs page faults.

    One workspace serves one thread at a time. What an earlier call left in a buffer is
    not cleared.
    """

    def __init__(self) -> None:
        self.buffers: dict[Any, Array] = {}

    def array(self, name: Any, shape: Sizes, dtype: Any) -> Array:
        """An array of this shape in the buffer of this name; its values are anything."""
        size = prod(shape) * np.dtype(dtype).itemsize
        held = self.buffers.get(name)
        if held is None or held.nbytes < size:
            held = self.buffers[name] = fresh(size)
        return held[:size].view(dtype).reshape(shape)

    def laid(self, name: Any, shape: Sizes, dtype: Any, last: bool) -> Array:
        """The same of N×C×sides, with `last` channels last in memory."""
        if not last:
            return self.array(name, shape, dtype)
        return rows_first(self.array(name, (shape[0], *shape[2:], shape[1]), dtype))

    def like(self, x: Array, shape: Sizes, name: Any = "") -> Array:
        """The same, in x's type and layout."""
        return self.laid(name, shape, x.dtype, channels_last(x))

    @property
    def nbytes(self) -> int:
        """The bytes held."""
        return sum(b.nbytes for b in self.buffers.values())

    def clear(self) -> None:
        """Gives the memory back."""
        self.buffers.clear()


Job = Callable[[Workspace], None]  # a share of some work, done in a workspace

THREAD = threading.local()


def spaces() -> list[Workspace]:
    """The calling thread's workspaces: its own first, then one for each helper."""
    if not hasattr(THREAD, "spaces"):
        THREAD.spaces = [Workspace()]
    found: list[Workspace] = THREAD.spaces
    return found


def release() -> None:
    """Gives back the memory that this thread keeps between calls."""
    for space in spaces():
        space.clear()
