"""One window of a convolution or pooling: the input with the window in it, the kernel, the
output with the entry that the window gives; the numbers stand in their cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from solver.figures import figure
from solver.figures.drawing import (
    PAGE,
    SMALL,
    TEXT,
    Figure,
    Line,
    Mark,
    Rect,
    Text,
    arrow,
    fitted,
    number,
    plain,
    wide,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Rows = Sequence[Sequence[Any]]

CELL, GAP = 30, 46  # side of a cell, room between the grids
MOST = 12  # cells on a side; larger inputs are not drawn


def drawable(grids: Sequence[Rows], side: float) -> bool:
    """Whether these grids side by side fill no more than a page."""
    broad = sum(len(g[0]) for g in grids) * side + GAP * len(grids)
    return max(map(len, grids)) <= MOST and broad <= PAGE


@figure("window")
def window(
    *,
    input: Rows,
    kernel: Rows = (),
    output: Rows = (),
    extent: tuple[int, int] = (1, 1),
    at: tuple[int, int] = (0, 0),
    entry: tuple[int, int] = (0, 0),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    sign: str = "∗",
    what: str = "",
    title: str = "",
    desc: str = "",
) -> Figure | None:
    """The grids of one window: `extent` taps from row and column `at` on (negative: in the
    padding), which give the output's `entry`. Without an output only what is given is
    drawn, without the window. `what` stands over the arrow where there is no kernel. None
    where the grids are too large to be looked at."""
    side = cell_side(input, kernel, output)
    whole = input_padded(input, padding)
    grids = [g for g in (whole, kernel, output) if g]
    if not drawable(grids, side):
        return None
    high = max(map(len, grids)) * side
    taps = {(at[0] + a * dilation[0], at[1] + b * dilation[1])
            for a in range(extent[0]) for b in range(extent[1])}  # fmt: skip
    shown = taps if output else set()
    marks: list[Mark] = []
    pt, pl = padding
    x = 0.0
    inner = (pt, pl, pt + len(input), pl + len(input[0]))
    marks += grid(whole, x, (high - len(whole) * side) / 2, side, "input",
                  {(i + pt, j + pl) for i, j in shown}, inner)  # fmt: skip
    x += len(whole[0]) * side
    middle = high / 2
    if kernel:
        marks.append(Text(x + GAP / 2, middle, sign, TEXT + 5))
        x += GAP
        marks += grid(kernel, x, (high - len(kernel) * side) / 2, side, "kernel", set())
        x += len(kernel[0]) * side
    if output:
        if kernel:
            marks.append(Text(x + GAP / 2, middle, "=", TEXT + 5))
        else:
            long = max(GAP, wide(what, SMALL) + 20)
            marks += arrow_named(x + 8, x + long - 8, middle, what)
            x += long - GAP
        x += GAP
        marks += grid(
            output, x, (high - len(output) * side) / 2, side, "output", {entry}
        )
    return fitted(marks, title, desc)


def input_padded(input: Rows, padding: tuple[int, int]) -> list[list[Any]]:
    """The input with what is put around it, left empty."""
    columns = len(input[0]) + 2 * padding[1]
    inside = [[None] * padding[1] + list(row) + [None] * padding[1] for row in input]
    empty = [[None] * columns for _ in range(padding[0])]
    return [*empty, *inside, *empty]


def cell_side(*grids: Rows) -> float:
    """The side of a cell that holds the longest number of all."""
    longest = max((wide(shown(v)) for g in grids for row in g for v in row), default=0)
    return max(CELL, round(longest + 10))


def shown(value: Any) -> str:
    """A number in a cell; nothing stands for a padding's zero."""
    if value is None:
        return "0"
    return number(value) if isinstance(value, (int, float)) else plain(value)


def grid(
    rows: Rows, x: float, y: float, side: float, name: str, marked: set[tuple[int, int]],
    inner: tuple[int, int, int, int] | None = None,
) -> Iterator[Mark]:  # fmt: skip
    """A grid of numbers under its name; marked cells are tinted and framed together. What
    lies outside the inner rows and columns is padding: dotted, the inside framed."""
    wide_, high = len(rows[0]) * side, len(rows) * side
    for i, j in sorted(marked):
        yield Rect(x + j * side, y + i * side, side, side, "tint", "none")
    for i in range(1, len(rows)):
        yield Line(((x, y + i * side), (x + wide_, y + i * side)), "faint", 0.8)
    for j in range(1, len(rows[0])):
        yield Line(((x + j * side, y), (x + j * side, y + high)), "faint", 0.8)
    top, left, low, right = inner or (0, 0, len(rows), len(rows[0]))
    if (low - top, right - left) != (len(rows), len(rows[0])):
        yield Rect(x, y, wide_, high, "none", "quiet", 1, 0, "dotted")
    yield Rect(x + left * side, y + top * side, (right - left) * side, (low - top) * side,
               "none", "quiet")  # fmt: skip
    if marked:
        ups, lefts = zip(*marked)
        yield Rect(x + min(lefts) * side, y + min(ups) * side,
                   (max(lefts) - min(lefts) + 1) * side, (max(ups) - min(ups) + 1) * side,
                   "none", "accent", 2)  # fmt: skip
    for i, row in enumerate(rows):
        for j, v in enumerate(row):
            tone = "quiet" if v is None else "ink"
            yield Text(x + (j + 0.5) * side, y + (i + 0.5) * side, shown(v), TEXT, tone,
                       bold=(i, j) in marked and len(marked) == 1)  # fmt: skip
    yield Text(x + wide_ / 2, y - 13, name, SMALL, "quiet")


def arrow_named(x0: float, x1: float, y: float, name: str) -> Iterator[Mark]:
    """An arrow to the right with a word above it."""
    yield from arrow([(x0, y), (x1, y)], "quiet")
    if name:
        yield Text((x0 + x1) / 2, y - 13, name, SMALL, "quiet")
