"""Networks as diagrams: a block a layer with the shapes on the arrows between them, paths
side by side as branches that meet again. Activations and norms stand in their layer's block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from solver.figures import figure
from solver.figures.drawing import (
    PAGE,
    SMALL,
    TEXT,
    Circle,
    Figure,
    Line,
    Mark,
    Rect,
    Text,
    arrow,
    fitted,
    wide,
)
from solver.networks.combine import Aside, Branches, Network, Sequential, join
from solver.networks.layers import Layer, Row, Shape, show_shape
from solver.networks.net import Net

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LEAST, MOST = 3, 26  # blocks of a diagram that is worth drawing, and that a page holds
HIGH, PAD, GAP, APART = 44, 9, 22, 16  # of a block, inside it, arrows, between branches
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


@figure("network")
def network(
    *,
    net: Net,
    shapes: bool = True,
    order: str = "CHW",
    title: str = "",
    desc: str = "",
) -> Figure | None:
    """The diagram of a network; None where it is too small or too large to be looked at.

    `shapes` writes the output sizes on the arrows, an image's in this order.
    """
    if len(net.input) == 1:
        from solver.figures.units import dense

        return dense(net, title, desc)
    try:
        rows = {r.name: r for r in net.rows()}
    except ValueError:
        return None
    chain = tuple(folded(blocks(net.layer, "", rows)))
    if not LEAST <= size(chain) <= MOST:
        return None
    marks = tuple(wrapped(chain, net.input, order if shapes else ""))
    made = fitted(
        marks,
        title or "A network",
        desc or told(chain, net.input, order if shapes else ""),
    )
    return made if made.width <= PAGE + 8 else None


# -- from layers to blocks ----------------------------------------------------------------


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


# -- from blocks to marks -----------------------------------------------------------------


def written(shape: Shape, order: str) -> str:
    """A shape on an arrow, without the batch; "" for no order."""
    if not order:
        return ""
    sizes = shape[1:]
    if order == "HWC" and len(sizes) == 3:
        sizes = (*sizes[1:], sizes[0])
    return show_shape(sizes)


def lines(block: Block) -> list[str]:
    """What stands in a block, line by line."""
    return [block.name, block.does, *([" ".join(block.after)] if block.after else [])]


def broad(one: Any, order: str) -> float:
    """How wide a block or a fork is drawn."""
    if isinstance(one, Fork):
        return max(run(p, order) for p in one.paths) + 3 * GAP + merge_wide(one)
    return (
        max(wide(t, TEXT if i == 0 else SMALL) for i, t in enumerate(lines(one)))
        + 2 * PAD
    )


def merge_wide(one: Fork) -> float:
    """The width of what merges the paths: a plus sign, or a word."""
    return 20.0 if one.merge == "add" else wide(one.merge, SMALL) + 2 * PAD


def link(out: Shape, order: str) -> float:
    """The length of an arrow, with room for the shape on it."""
    return max(GAP, wide(written(out, order), SMALL) + 14) if order else GAP


def run(chain: Sequence[Any], order: str) -> float:
    """How wide a chain is: its blocks with the arrows between them."""
    return sum(broad(o, order) for o in chain) + sum(
        link(o.out, order) for o in chain[:-1]
    )


def high(one: Any) -> float:
    """How high a block, fork or chain is drawn."""
    if isinstance(one, Fork):
        return sum(map(chain_high, one.paths)) + APART * (len(one.paths) - 1)
    return HIGH + 14 * bool(one.after)


def chain_high(chain: Sequence[Any]) -> float:
    """The height of a chain: of its highest block."""
    return max(map(high, chain), default=14)


def wrapped(chain: Sequence[Any], input: Shape, order: str) -> Iterator[Mark]:
    """A chain in rows that fit the page, each going on at the left of the next."""
    first = written((1, *input), order) or "input"
    x = wide(first, SMALL) + 6
    rows: list[list[Any]] = [[]]
    used = x
    for one in chain:
        need = broad(one, order) + link(one.out, order)
        if rows[-1] and used + need > PAGE - 16:
            rows.append([])
            used = 16
        rows[-1].append(one)
        used += need
    y = 0.0
    yield Text(0, chain_high(rows[0]) / 2, first, SMALL, "quiet", "start")
    for n, row in enumerate(rows):
        tall = max(map(above, row))
        middle = y + tall / 2
        if n:
            x = 16
        yield from into(row[0], x, x + GAP, middle)
        x += GAP
        for one in row:
            yield from placed(one, x, middle, order)
            x += broad(one, order)
            shown = written(one.out, order)
            if one is chain[-1]:
                yield Line(((x, middle), (x + 8, middle)), "quiet")
                yield Text(x + 12, middle, shown or "output", SMALL, "quiet", "start")
            elif one is not row[-1]:
                long = link(one.out, order)
                yield from into(row[row.index(one) + 1], x, x + long, middle)
                if shown:
                    yield Text(x + long / 2 - 2, middle - 10, shown, SMALL, "quiet")
                x += long
        if row is not rows[-1]:
            below = y + tall + 15
            target = y + tall + 30 + max(map(above, rows[n + 1])) / 2
            yield Line(((x, middle), (x + 8, middle), (x + 8, below), (16, below), (16, target)),
                       "quiet")  # fmt: skip
            if shown:
                yield Text(x + 4, below - 10, shown, SMALL, "quiet", "end")
        y += tall + 30


def into(one: Any, x0: float, x1: float, y: float) -> Iterator[Mark]:
    """The arrow into a block; a fork's has its heads where its paths begin."""
    if isinstance(one, Fork):
        yield Line(((x0, y), (x1, y)), "quiet")
    else:
        yield from arrow([(x0, y), (x1, y)], "quiet")


def above(one: Any) -> float:
    """The height of one in a row, with room for how often it comes."""
    return high(one) + 24 * (one.times > 1)


def placed(one: Any, x: float, y: float, order: str) -> Iterator[Mark]:
    """A block or a fork, its middle line at y."""
    broad_, tall = broad(one, order), high(one)
    if one.times > 1:
        yield Text(
            x + broad_ / 2, y + tall / 2 + 9, f"{one.times} times", SMALL, "accent"
        )
    if isinstance(one, Fork):
        yield from forked(one, x, y, order)
        return
    yield Rect(x, y - tall / 2, broad_, tall, "tint", "accent", 1, 3)
    said = lines(one)
    for i, words in enumerate(said):
        at = y + 15 * (i - (len(said) - 1) / 2)
        yield Text(x + broad_ / 2, at, words, SMALL if i else TEXT, "quiet" if i else "ink",
                   bold=i == 0)  # fmt: skip


def forked(one: Fork, x: float, y: float, order: str) -> Iterator[Mark]:
    """The paths of a fork below one another, and what merges them."""
    inner = max(run(p, order) for p in one.paths)
    end = x + inner + 2 * GAP
    top = y - high(one) / 2
    yield Line(((x, y), (x + 6, y)), "quiet")
    for path in one.paths:
        middle = top + chain_high(path) / 2
        at = x + GAP + (inner - run(path, order)) / 2
        start = [(x + 6, y), (x + 6, middle), (at, middle)]
        if not path:  # the input itself
            yield Line(((x + 6, y), (x + 6, middle), (end - 8, middle)), "quiet")
        else:
            yield from arrow(start, "quiet")
        for i, block in enumerate(path):
            yield from placed(block, at, middle, order)
            at += broad(block, order)
            if i < len(path) - 1:
                long = link(block.out, order)
                yield from arrow([(at, middle), (at + long, middle)], "quiet")
                if order:
                    yield Text(at + long / 2 - 2, middle - 10, written(block.out, order), SMALL,
                               "quiet")  # fmt: skip
                at += long
            else:
                yield Line(((at, middle), (end - 8, middle)), "quiet")
        yield Line(((end - 8, middle), (end - 8, y)), "quiet")
        top += chain_high(path) + APART
    yield from arrow([(end - 8, y), (end + GAP - 8, y)], "quiet")
    yield from merging(one, end + GAP - 8, y)


def merging(one: Fork, x: float, y: float) -> Iterator[Mark]:
    """A circle with a plus, or a block with a word; and what follows in the same place."""
    broad_ = merge_wide(one)
    if one.merge == "add":
        yield Circle(x + 9, y, 9, "paper", "accent", 1.2)
        yield Line(((x + 4, y), (x + 14, y)), "accent", 1.2)
        yield Line(((x + 9, y - 5), (x + 9, y + 5)), "accent", 1.2)
        yield Line(((x + 18, y), (x + 28, y)), "quiet")
    else:
        yield Rect(x, y - 13, broad_, 26, "tint", "accent", 1, 3)
        yield Text(x + broad_ / 2, y, one.merge, SMALL)
        yield Line(((x + broad_, y), (x + broad_ + 8, y)), "quiet")
    if one.after:
        yield Text(x + broad_ / 2, y + 22, " ".join(one.after), SMALL, "quiet")


# -- in words -----------------------------------------------------------------------------


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
