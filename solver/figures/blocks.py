"""The blocks of a network's diagram: a block a layer, with what works value by value behind
it; forks where paths lie side by side; equal ones after one another as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from solver.networks.combine import Aside, Branches, Network, Sequential, join
from solver.networks.layers import Layer, Row, Shape, show_shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SHORT = {"batchnorm": "BN", "layernorm": "LN", "groupnorm": "GN", "relu": "ReLU",
         "localresponsenorm": "LRN", "adaptivepool": "pool"}  # fmt: skip
JOINED = (
    "BatchNorm",
    "Activation",
    "Dropout",
    "LayerNorm",
    "LocalResponseNorm",
    "Identity",
)


@dataclass(frozen=True)
class Block:
    """A layer: its name, what it does, what follows it in the same block, its output."""

    name: str
    does: str
    after: tuple[str, ...]
    out: Shape
    times: int = 1

    def same(self, other: Any) -> bool:
        """Whether another block does the same, with the same output."""
        return (isinstance(other, Block) and (self.does, self.after, self.out)
                == (other.does, other.after, other.out))  # fmt: skip


@dataclass(frozen=True)
class Fork:
    """Chains side by side on one input, their ends merged."""

    paths: tuple[tuple[Any, ...], ...]
    merge: str
    after: tuple[str, ...]
    out: Shape
    times: int = 1

    def same(self, other: Any) -> bool:
        """Whether another fork has the same paths and output."""
        return (
            isinstance(other, Fork)
            and (self.merge, self.after, self.out)
            == (other.merge, other.after, other.out)
            and len(self.paths) == len(other.paths)
            and all(alike(a, b) for a, b in zip(self.paths, other.paths))
        )


def alike(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether two chains do the same, block by block."""
    return len(a) == len(b) and all(x.same(y) for x, y in zip(a, b))


def blocks(layer: Layer, path: str, rows: dict[str, Row]) -> Iterator[Any]:
    """A network's blocks in order; what works value by value joins the one before it."""
    waiting: Any = None
    for one in pieces(layer, path, rows):
        joins = isinstance(one, Block) and one.does == "" and waiting is not None
        if joins:
            waiting = replace(waiting, after=(*waiting.after, one.name), out=one.out)
            continue
        if waiting is not None:
            yield waiting
        waiting = one
    if waiting is not None:
        yield waiting


def pieces(layer: Layer, path: str, rows: dict[str, Row]) -> Iterator[Any]:
    """A block for each layer; one that joins its neighbour has nothing that it `does`."""
    if isinstance(layer, Sequential):
        for name, one in layer.layers:
            yield from pieces(one, join(path, name), rows)
    elif isinstance(layer, Branches):
        merge = type(layer.merge).__name__.lower()
        row = rows[path or merge]
        paths = tuple(
            tuple(folded(blocks(one, join(path, name), rows)))
            for name, one in layer.branches
        )
        yield Fork(paths, merge, (), row.out)
    elif isinstance(layer, (Aside, Network)) or path not in rows:
        return
    else:
        row, kind = rows[path], type(layer).__name__
        if kind in JOINED:
            name = getattr(layer, "function", kind.lower())
            yield Block(SHORT.get(name, name), "", (), row.out)
        else:
            yield Block(path.rpartition(".")[2], does(layer), (), row.out)


def does(layer: Layer) -> str:
    """What a layer does, in a few signs: 5×5, 16."""
    said = DOES.get(type(layer).__name__)
    return said(layer) if said else type(layer).__name__.lower()


def squared(sides: Any, dims: int) -> str:
    """3 is 3×3 in the plane."""
    return (
        show_shape(sides) if isinstance(sides, tuple) else show_shape((sides,) * dims)
    )


def conv(one: Any) -> str:
    """conv 5×5, 16, stride 2."""
    stride = "" if one.stride == 1 else f", /{show_shape((one.stride,))}"
    groups = "" if one.groups == 1 else f", {one.groups} groups"
    return f"{squared(one.kernel, one.dims)}, {one.out_channels}{stride}{groups}"


def pool(one: Any) -> str:
    """max 2×2."""
    usual = one.stride is None or one.stride == one.kernel
    stride = "" if usual else f", /{show_shape((one.stride,))}"
    return f"{one.mode} {squared(one.kernel, one.dims)}{stride}"


DOES: dict[str, Any] = {
    "Conv": conv,
    "Pool": pool,
    "AdaptivePool": lambda one: (
        f"{one.mode}, whole map" if one.output == 1 else one.mode
    ),
    "Linear": lambda one: f"{one.out_features} units",
    "Flatten": lambda one: "to a row",
}


def folded(chain: Iterator[Any]) -> Iterator[Any]:
    """Equal blocks after one another as one, with how many they are."""
    before: Any = None
    for one in chain:
        if before is not None and before.same(one):
            before = replace(before, times=before.times + one.times)
            continue
        if before is not None:
            yield before
        before = one
    if before is not None:
        yield before


def size(chain: Sequence[Any]) -> int:
    """How many blocks a chain draws."""
    return sum(
        1 + sum(map(size, one.paths)) if isinstance(one, Fork) else 1 for one in chain
    )


# -- in words ---------------------------------------------------------------------------


def written(shape: Shape, order: str) -> str:
    """A shape on an arrow, without the batch; "" for no order."""
    if not order:
        return ""
    sizes = shape[1:]
    if order == "HWC" and len(sizes) == 3:
        sizes = (*sizes[1:], sizes[0])
    return show_shape(sizes)


def told(chain: Sequence[Any], input: Shape, order: str) -> str:
    """The diagram in words."""
    first = f"Input {written((1, *input), order)}; " if order else ""
    return first + "; ".join(one_told(one, order) for one in chain) + "."


def one_told(one: Any, order: str) -> str:
    """A block or a fork in words."""
    often = f", {one.times} times" if one.times > 1 else ""
    after = "".join(f", {a}" for a in one.after)
    to = f" to {written(one.out, order)}" if order else ""
    if isinstance(one, Fork):
        paths = " | ".join(
            ", ".join(one_told(o, "") for o in p) or "the input" for p in one.paths
        )
        return f"side by side ({paths}), {one.merge}{after}{often}{to}"
    return f"{one.name} ({one.does}{after}){often}{to}"
