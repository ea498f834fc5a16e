"""Receptive fields along one axis: layers above one another as rows of cells, one output
at the top and what it sees in each row below.
"""

from __future__ import annotations

from collections.abc import Sequence

from solver.figures import figure
from solver.figures.drawing import PAGE, SMALL, Figure, Line, Mark, Rect, Text, fitted

CELL, HIGH, BETWEEN = 22, 18, 30  # of a cell; between the rows
MOST, LAYERS = 25, 6  # cells that an input may have, and layers


@figure("field")
def field(
    *,
    kernels: Sequence[int],
    strides: Sequence[int] = (),
    names: Sequence[str] = (),
    title: str = "",
    desc: str = "",
    count: bool = True,
) -> Figure | None:
    """One unit behind these layers and the cells that it sees, down to the input; `count`
    writes how many. None where they are too many."""
    steps = list(strides) or [1] * len(kernels)
    spans = [1]  # from the output down
    for k, s in zip(reversed(kernels), reversed(steps)):
        spans.append((spans[-1] - 1) * s + k)
    if not kernels or len(kernels) > LAYERS or spans[-1] > MOST:
        return None
    margin = 2  # cells that are not seen, at each end of the input
    cell = min(CELL, (PAGE - 190) / (spans[-1] + 2 * margin))
    middle = 0.0
    marks: list[Mark] = []
    pitch = [cell]  # of each row, from the input up: a stride spreads its units
    for s in steps:
        pitch.append(pitch[-1] * s)
    rows = list(reversed(list(zip(reversed(pitch), spans))))  # the input first
    left = right = (rows[0][1] / 2 + margin) * cell
    for n, (step, seen) in enumerate(rows):
        y = (len(rows) - 1 - n) * (HIGH + BETWEEN)
        outside = margin if n == 0 else max(1, int((right - seen * step / 2) // step))
        outside = 0 if n == len(rows) - 1 else min(outside, margin)
        for i in range(-outside, seen + outside):
            x = middle + (i - (seen - 1) / 2) * step
            inside = 0 <= i < seen
            marks.append(Rect(x - cell / 2, y, cell, HIGH, "tint" if inside else "none",
                              "accent" if inside else "faint", 1.1 if inside else 0.8))  # fmt: skip
        if n + 1 < len(rows):
            marks += funnel(rows, n, y, cell, kernels[n])
        name = (
            "input"
            if n == 0
            else names[n - 1]
            if n <= len(names)
            else layer(kernels, steps, n)
        )
        marks.append(Text(-left - 14, y + HIGH / 2, name, SMALL, "quiet", "end"))
        if count:
            marks.append(Text(right + 14, y + HIGH / 2, f"sees {seen}" if n == 0 else str(seen),
                              SMALL, "accent" if n == 0 else "quiet", "start"))  # fmt: skip
    return fitted(marks, title, desc or "From the output down to the input, one unit depends on "
                  + ", ".join(map(str, spans)) + " units of each row.")  # fmt: skip


def layer(kernels: Sequence[int], steps: Sequence[int], n: int) -> str:
    """What the n-th layer is, beside its row."""
    return f"kernel {kernels[n - 1]}" + (
        f", stride {steps[n - 1]}" if steps[n - 1] > 1 else ""
    )


def funnel(
    rows: Sequence[tuple[float, int]], n: int, y: float, cell: float, k: int
) -> list[Mark]:
    """From the first and the last unit of the row above, lines to the ends of their windows."""
    step, seen = rows[n]
    above, many = rows[n + 1]
    foot = y - BETWEEN
    found: list[Mark] = []
    for i in sorted({0, many - 1}):
        x = (i - (many - 1) / 2) * above
        low = (i * round(above / step) - (seen - 1) / 2) * step
        for near, far in ((x - cell / 2, low - cell / 2),
                          (x + cell / 2, low + (k - 1) * step + cell / 2)):  # fmt: skip
            found.append(
                Line(((near, foot), (far, y)), "quiet", 0.8, "" if i == 0 else "dotted")
            )
    return found
