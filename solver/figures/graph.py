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

BOX, BETWEEN, LEAF, PAD = (
    26,
    34,
    28,
    12,
)  # heights of a box, of the room below it, of a leaf
R, REACH = 11, 52  # of a leaf's circle; its distance from the box
MOST = 9  # lines of a graph that a page holds
LONG = 225  # room for a gradient; a longer one is only named


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
    own = {name(v) for v, _, _ in lines}
    says = [(v, " = ", e) for v, e, _ in lines]
    broad = max(wide(s) for s in says) + 2 * PAD
    leaves: dict[str, tuple[float, float]] = {}
    places: list[float] = []
    marks: list[Mark] = []
    y = 0.0
    for _, _, reads in lines:  # a row is as high as the leaves that begin in it
        fresh = [r for r in reads if name(r) not in own and name(r) not in leaves]
        tall = max(BOX, LEAF * len(fresh))
        for i, leaf in enumerate(fresh):
            at = y + tall / 2 + LEAF * (i - (len(fresh) - 1) / 2)
            leaves[name(leaf)] = (-broad / 2 - REACH, at)
            marks += circled(leaf, *leaves[name(leaf)], found.get(name(leaf)))
        places.append(y + tall / 2)
        y += tall + BETWEEN
    row = {name(v): i for i, (v, _, _) in enumerate(lines)}
    for i, (_, _, reads) in enumerate(lines):
        for one in dict.fromkeys(map(name, reads)):
            if one in leaves:
                marks += from_leaf(leaves[one], (-broad / 2, places[i]), one in found)
            elif one in row:
                marks += between(row[one], i, places, broad, found.get(one))
    for words, at in zip(says, places):
        end = at == places[-1]
        marks.append(Rect(-broad / 2, at - BOX / 2, broad, BOX, "tint" if not end else "paper",
                          "accent", 1 if not end else 1.6, 3))  # fmt: skip
        marks.append(Text(0, at, words))
    made = fitted(marks, title or "A computation graph", desc or told(lines, found))
    return made if made.width <= PAGE + 30 and extent_fits(marks) else None


def name(v: Any) -> str:
    """What a variable is called, in the data."""
    return str(getattr(v, "name", v))


def extent_fits(marks: Sequence[Mark]) -> bool:
    """Whether no expression is wider than half a page."""
    return all(
        extent(m)[2] - extent(m)[0] <= 0.6 * PAGE for m in marks if isinstance(m, Text)
    )


def circled(leaf: Any, x: float, y: float, gradient: Gradient | None) -> Iterator[Mark]:
    """A leaf in its circle, its gradient on the left."""
    yield Circle(x, y, R, "paper", "quiet")
    yield Text(x, y, (leaf,), SMALL)
    if gradient:
        yield Text(x - R - 8, y, beside(gradient), SMALL, "accent", "end")


def beside(gradient: Gradient) -> Any:
    """∂L/∂z = what it is; only its name where that is too long."""
    name, value = gradient
    whole = (name, " = ", value)
    return whole if wide(whole, SMALL) <= LONG else (name,)


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


def between(
    a: int, b: int, places: Sequence[float], broad: float, gradient: Gradient | None
) -> Iterator[Mark]:
    """From one line down to another: the arrow forward, and back with the gradient."""
    start, end = places[a] + BOX / 2, places[b] - BOX / 2
    if b == a + 1:
        yield from arrow(
            [(-5 if gradient else 0, start), (-5 if gradient else 0, end)], "ink"
        )
        if gradient:
            yield from arrow([(5, end), (5, start)], "accent", 1, "dashed")
            yield Text(
                15, start + BETWEEN / 2, beside(gradient), SMALL, "accent", "start"
            )
        return
    out = broad / 2 + 14 + 10 * (b - a)
    right = broad / 2
    yield Path((right, places[a]), (((out, places[a]), (out, places[b]), (right + 8, places[b])),),
               "ink")  # fmt: skip
    yield from arrow([(right + 9, places[b]), (right, places[b])], "ink")


def told(lines: Sequence[Any], gradients: Mapping[str, Gradient]) -> str:
    """The graph in words."""
    forward = "; ".join(f"{plain(v)} = {plain(e)}" for v, e, _ in lines)
    back = "; ".join(f"{plain(n)} = {plain(v)}" for n, v in gradients.values())
    return f"Forward: {forward}." + (f" Backward: {back}." if back else "")
