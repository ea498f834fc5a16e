"""Where a network's tensors come from: a mapping, a file, or a seed; each is taken once."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod, sqrt
from typing import Any, Protocol

import numpy as np

from solver.core import BadInput
from solver.networks.layers import Shape
from solver.numeric.forward import unfit
from solver.numeric.outputs import finite
from solver.numeric.workspace import Array
from solver.running.names import hint

PART = 1 << 17  # values that are drawn at a time


class Supply(Protocol):
    """Tensors by name, each asked for once, in the order of the layers."""

    def take(self, name: str) -> Array:
        """The tensor of this name."""


class Given:
    """Those of a mapping; of an .npz file each is read when it is asked for."""

    def __init__(self, tensors: Mapping[str, Array], stated: Mapping[str, Shape], dtype: Any):
        self.tensors, self.stated, self.dtype = tensors, stated, dtype
        extra = [name for name in tensors if name not in stated]
        if extra:
            more = f" and {len(extra) - 3} more" if len(extra) > 3 else ""
            few = f"{', '.join(list(stated)[:3]) or 'none'}{' …' if len(stated) > 3 else ''}"
            raise BadInput(
                f"the network has no tensor {', '.join(extra[:3])}{more}; "
                f"{hint(tensors, stated) or f'it has {few}'}"
            )

    def take(self, name: str) -> Array:
        """The tensor, of the network's type; refused if it is missing or misshapen."""
        given = self.tensors.get(name)
        if given is None or given.shape != self.stated[name]:
            raise unfit(name, self.stated[name], given)
        if given.dtype.kind not in "fiu":
            raise BadInput(f"{name} is {given.dtype}: numbers are wanted")
        with np.errstate(over="ignore"):
            found = given.astype(self.dtype, copy=False)
        if found.dtype != given.dtype and not finite(found) and finite(given):
            raise BadInput(
                f"{name} holds numbers too large for {self.dtype}: try --dtype float64"
            )
        if name.endswith("variance") and (found < 0).any():
            where = int(np.argmax(found < 0))
            raise BadInput(
                f"{name} is {found[where]:.4g} at channel {where}, counted from 0: a "
                "variance is 0 or more"
            )
        return found


class Drawn:
    """Those of `random_weights`, drawn one after the other and rounded to the type."""

    def __init__(self, stated: Mapping[str, Shape], shared: set[str], seed: int, dtype: Any):
        self.random, self.dtype = np.random.default_rng(seed), dtype
        self.rest, self.shared = iter(stated.items()), shared
        self.waiting: dict[str, Array] = {}

    def take(self, name: str) -> Array:
        """The tensor; those before it wait, and one that several layers share stays."""
        while name not in self.waiting:
            one, shape = next(self.rest)
            self.waiting[one] = self.drawn(one, shape)
        return self.waiting[name] if name in self.shared else self.waiting.pop(name)

    def drawn(self, name: str, shape: Any) -> Array:
        """A tensor's numbers, a part at a time: float64 takes twice the memory."""
        found = np.empty(prod(shape), self.dtype)
        scale = sqrt(max(prod(shape[1:]), 1))
        for at in range(0, found.size, PART):
            part = found[at : at + PART]
            if name.endswith("variance"):
                part[...] = self.random.uniform(0.5, 1.5, part.size)
            else:
                part[...] = self.random.normal(size=part.size) / scale
        return found.reshape(shape)
