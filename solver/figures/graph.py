"""Computation graphs: a box a line of the forward pass, a circle for what is given, arrows
for what reads what; beside each arrow the gradient that comes back along it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from solver.figures import figure
from solver.figures.drawing import (
    PAGE,
    SMALL,
    Circle,
    Figure,
    Mark,
    Path,
    Rect,
    Text,
    arrow,
    extent,
    fitted,
    plain,
    wide,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Gradient = tuple[Any, Any]  # ∂L/∂z, and what it is

BOX, LEAF = 26, 28  # heights of a box, of a leaf
BETWEEN, EMPTY = 32, 20  # the room below a box: with a gradient in it, and without
PAD = 12  # inside a box, on each side
R, REACH = 11, 52  # of a leaf's circle; its distance from the box
MOST = 9  # lines of a graph that a page holds
ROOMS = (225, 160, 0)  # for a gradient, tried in turn; a longer one is only named


@figure("graph")
def graph(
    *,
    lines: Sequence[tuple[Any, Any, Sequence[Any]]],
    gradients: Mapping[str, Gradient] | None = None,
    title: str = "",
    desc: str = "",
) -> Figure | None:
    """lines = [(variable, expression, what it reads)], first to last; gradients by the
    variable's name, each (∂L/∂z, its value). None where they are too many or too long."""
    found = gradients or {}
    if not 2 <= len(lines) <= MOST:
        return None
    for room in ROOMS:
        back = {n: beside(g, room) for n, g in found.items()}
        marks = tuple(drawing(lines, back))
        made = fitted(marks, title or "A computation graph", desc or told(lines, found))
        if made.width <= PAGE and extent_fits(marks):
            return made
    return None


def drawing(
    lines: Sequence[tuple[Any, Any, Sequence[Any]]], back: Mapping[str, Any]
) -> Iterator[Mark]:
    """The marks of a graph, the gradients as they are written."""
    own = {name(v) for v, _, _ in lines}
    says = [(v, " = ", e) for v, e, _ in lines]
    broad = max(wide(s) for s in says) + 2 * PAD
    leaves: dict[str, tuple[float, float]] = {}
    places: list[float] = []
    y = 0.0
    for _, _, reads in lines:  # a row is as high as the leaves that begin in it
        fresh = [r for r in reads if name(r) not in own and name(r) not in leaves]
        tall = max(BOX, LEAF * len(fresh))
        for i, leaf in enumerate(fresh):
            at = y + tall / 2 + LEAF * (i - (len(fresh) - 1) / 2)
            leaves[name(leaf)] = (-broad / 2 - REACH, at)
            yield from circled(leaf, *leaves[name(leaf)], back.get(name(leaf)))
        places.append(y + tall / 2)
        y += tall + (BETWEEN if back else EMPTY)
    row = {name(v): i for i, (v, _, _) in enumerate(lines)}
    spans = [
        i - row[n]
        for i, (_, _, rs) in enumerate(lines)
        for n in map(name, rs)
        if n in row
    ]
    past = max(
        spans, default=1
    )  # lines that an arrow passes: the gradients stand beyond it
    beyond = 15.0 if past < 2 else broad / 2 + 0.75 * bulge(past) + 10
    for i, (_, _, reads) in enumerate(lines):
        for one in dict.fromkeys(map(name, reads)):
            if one in leaves:
                yield from from_leaf(leaves[one], (-broad / 2, places[i]), one in back)
            elif one in row:
                yield from between(row[one], i, places, broad / 2, one in back)
    for one, words in back.items():
        if one in row and row[one] + 1 < len(lines):
            at = (places[row[one]] + places[row[one] + 1]) / 2
            yield Text(beyond, at, words, SMALL, "accent", "start")
    for words, at in zip(says, places):
        end = at == places[-1]
        yield Rect(-broad / 2, at - BOX / 2, broad, BOX, "paper" if end else "tint", "accent",
                   1.6 if end else 1, 3)  # fmt: skip
        yield Text(0, at, words)


def name(v: Any) -> str:
    """What a variable is called, in the data."""
    return str(getattr(v, "name", v))


def extent_fits(marks: Sequence[Mark]) -> bool:
    """Whether no expression is wider than half a page."""
    return all(
        extent(m)[2] - extent(m)[0] <= 0.6 * PAGE for m in marks if isinstance(m, Text)
    )


def circled(leaf: Any, x: float, y: float, gradient: Any) -> Iterator[Mark]:
    """A leaf in its circle, its gradient on the left."""
    yield Circle(x, y, R, "paper", "quiet")
    yield Text(x, y, (leaf,), SMALL)
    if gradient:
        yield Text(x - R - 8, y, gradient, SMALL, "accent", "end")


def beside(gradient: Gradient, room: float) -> Any:
    """∂L/∂z = what it is; only its name where that is too long."""
    name, value = gradient
    whole = (name, " = ", value)
    return whole if wide(whole, SMALL) <= room else (name,)


def from_leaf(
    start: tuple[float, float], end: tuple[float, float], back: bool
) -> Iterator[Mark]:
    """The arrow from a leaf into a box."""
    x, y = start
    tone = "accent" if back else "quiet"
    if abs(end[1] - y) <= BOX * 1.3:
        yield from arrow([(x + R, y), (end[0], end[1] + (y - end[1]) * 0.3)], tone)
        return
    middle = (x + end[0]) / 2 + 8
    yield Path(
        (x + R, y), (((middle, y), (x + R + 4, end[1]), (end[0] - 8, end[1])),), tone
    )
    yield from arrow([(end[0] - 9, end[1]), (end[0], end[1])], tone)


def bulge(past: int) -> float:
    """How far an arrow that passes lines goes to the right."""
    return 14.0 + 9 * past


def between(
    a: int, b: int, places: Sequence[float], right: float, back: bool
) -> Iterator[Mark]:
    """From one line down to another: the arrow forward, and the one back; past the lines
    between them on the right."""
    start, end = places[a] + BOX / 2, places[b] - BOX / 2
    if b > a + 1:
        out = right + bulge(b - a)
        handles = ((out, places[a]), (out, places[b]), (right + 8, places[b]))
        yield Path((right, places[a]), (handles,), "accent" if back else "ink")
        yield from arrow(
            [(right + 9, places[b]), (right, places[b])], "accent" if back else "ink"
        )
        return
    aside = 5 if back else 0
    yield from arrow([(-aside, start), (-aside, end)])
    if back:
        yield from arrow([(aside, end), (aside, start)], "accent", 1, "dashed")


def told(lines: Sequence[Any], gradients: Mapping[str, Gradient]) -> str:
    """The graph in words."""
    forward = "; ".join(f"{plain(v)} = {plain(e)}" for v, e, _ in lines)
    back = "; ".join(f"{plain(n)} = {plain(v)}" for n, v in gradients.values())
    return f"Forward: {forward}." + (f" Backward: {back}." if back else "")
