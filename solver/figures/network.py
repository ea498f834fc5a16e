"""Networks as diagrams: a block a layer with the shapes on the arrows between them, paths
side by side as branches that meet again. Activations and norms stand in their layer's block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from solver.figures import figure
from solver.figures.blocks import Block, Fork, blocks, folded, size, told, written
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
from solver.networks.layers import Shape
from solver.networks.net import Net

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LEAST, MOST = 3, 26  # blocks of a diagram that is worth drawing, and that a page holds
HIGH, PAD, GAP, APART = 44, 9, 22, 16  # of a block, inside it, arrows, between branches


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
            x + broad_ / 2, y - tall / 2 - 9, f"{one.times} times", SMALL, "accent"
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
