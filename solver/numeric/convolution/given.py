"""What a convolution is given: arrays of real numbers, in the machine's own order of bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from solver.core import BadInput
from solver.networks.layers import show_shape
from solver.numeric.workspace import Array

Layout = tuple[Any, ...]


def layout(x: Array, what: str) -> Layout:
    """Shape, strides and type, by which plans are kept; refuses what is no array."""
    array(x, what)
    return x.shape, x.strides, x.dtype


def array(x: Any, what: str) -> None:
    """Refuse lists and other things that are no array."""
    if not isinstance(x, np.ndarray):
        raise BadInput(
            f"{what} is a {type(x).__name__}: give a NumPy array, numpy.asarray(…, "
            "'float32')"
        )


def real(x: Array, what: str) -> None:
    """Refuse what is not float32 or float64."""
    array(x, what)
    if x.dtype in (np.float32, np.float64):
        return
    own = x.dtype.newbyteorder("=")
    if own in (np.float32, np.float64):
        raise BadInput(
            f"{what} is {x.dtype}, in another machine's order of bytes: convert it with "
            f".astype({str(own)!r})"
        )
    raise BadInput(
        f"{what} is {x.dtype}: the fast convolution takes float32 or float64 "
        "(the plain one takes whole numbers and fractions)"
    )


def fitting(bias: Array, maps: int) -> None:
    """Refuse a bias that is not one real number a map."""
    array(bias, "the bias")
    if bias.shape != (maps,):
        raise BadInput(
            f"the bias is one number a map, {maps}, not {show_shape(bias.shape)}"
        )
    if bias.dtype.kind not in "fiu":
        raise BadInput(f"the bias is {bias.dtype}: give real numbers")
