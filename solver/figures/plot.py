"""Plots: labelled lines over one axis, and columns. Lines are told apart by their dash and
by the label at their end, never by colour alone; axes go from round to round numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from solver.core import BadInput
from solver.figures import figure
from solver.figures.drawing import (
    SMALL,
    TEXT,
    Circle,
    Figure,
    Line,
    Mark,
    Point,
    Rect,
    Text,
    moved,
    number,
    wide,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Series = Mapping[str, Any]

# how the lines after one another are drawn: tone, dash, width
LOOKS = (
    ("accent", "", 2.0), ("ink", "dashed", 1.6), ("quiet", "dotted", 2.0),
    ("ink", "dashdot", 1.6), ("accent", "dashed", 1.2), ("quiet", "", 1.2),
)  # fmt: skip
TOP, BOTTOM, EDGE = 34, 44, 14  # above the axes for their name, below, on the right
APART = 15  # between two labels


@dataclass(frozen=True)
class Axes:
    """A coordinate system: its corner and size in the figure, its ranges of numbers."""

    left: float
    top: float
    width: float
    height: float
    xs: tuple[float, float]
    ys: tuple[float, float]
    log: bool = False

    def x(self, value: float) -> float:
        low, high = self.xs
        return self.left + self.width * (
            (value - low) / (high - low) if high > low else 0.5
        )

    def y(self, value: float) -> float:
        low, high = map(self.scale, self.ys)
        return self.top + self.height * (high - self.scale(value)) / (high - low)

    def scale(self, value: float) -> float:
        """The value, or its logarithm."""
        return math.log10(value) if self.log else value


@figure("plot")
def plot(
    *,
    series: Sequence[Series],
    x: str = "",
    y: str = "",
    title: str = "",
    desc: str = "",
    size: tuple[float, float] = (560, 250),
    log: bool = False,
    low: float | None = None,
    high: float | None = None,
    at: Sequence[tuple[float, str]] = (),
    last: bool = False,
) -> Figure:
    """Lines over one axis: series = [{name, y, x}], x counted from 1 where it is missing.

    `at` draws lines down at values of x, named; `low` and `high` are held by the axis of y;
    `log` makes it logarithmic; `last` writes a line's last value beside its name. What is
    no finite number (or not positive, where logarithmic) is left out of a line.
    """
    lines = [points(s, log) for s in series]
    known = [p for line in lines for p in line] or [(0.0, 1.0)]
    values = [v for _, v in known]
    held = [v for v in (low, high) if v is not None]
    ends = (min(values + held), max(values + held))
    marks = decades(*ends) if log else ticks(*ends)
    labels = [label(s, line, last) for s, line in zip(series, lines)]
    right = 1.12 * max([wide(words) for words in labels if words], default=0) + 10
    left = max(wide(number(t), SMALL) for t in marks) + 14
    span = (min(p[0] for p in known), max(p[0] for p in known))
    width, height = size
    broad = width - left - max(right, EDGE)
    begins = [broad * (v - span[0]) / ((span[1] - span[0]) or 1) for v, _ in at]
    above = APART if y and any(b < wide(y) + 10 for b in begins) else 0
    axes = Axes(left, TOP + above, broad, height - TOP - above - BOTTOM, span,
                (marks[0], marks[-1]), log)  # fmt: skip
    found = [*frame(axes, marks, x, y, above), *downs(axes, at)]
    heights = spread([axes.y(line[-1][1]) if line else axes.top for line in lines],
                     axes.top, axes.top + axes.height)  # fmt: skip
    for i, (words, line, height_) in enumerate(zip(labels, lines, heights)):
        found += curve(axes, line, words, height_, i)
    return Figure(width, height, tuple(found), title, desc)


def points(one: Series, log: bool) -> list[Point]:
    """A series as points, those that can be drawn."""
    ys = [float(v) for v in one["y"]]
    xs = [float(v) for v in one.get("x") or range(1, len(ys) + 1)]
    if len(xs) != len(ys):
        raise BadInput(f"{one.get('name', 'a series')} has {len(xs)} x and {len(ys)} y")
    return [(a, b) for a, b in zip(xs, ys)
            if math.isfinite(a) and math.isfinite(b) and (b > 0 or not log)]  # fmt: skip


def label(one: Series, line: Sequence[Point], last: bool) -> str:
    """What stands at a line's end."""
    name = str(one.get("name", ""))
    return f"{name} {line[-1][1]:.3f}".strip() if last and line else name


def frame(
    axes: Axes, marks: Sequence[float], x: str, y: str, above: float
) -> Iterator[Mark]:
    """Grid, numbers and names of both axes, that of y so far `above` what stands there."""
    right, foot = axes.left + axes.width, axes.top + axes.height
    for t in marks:
        at = axes.y(t)
        tone = "quiet" if t == marks[0] else "faint"
        yield Line(((axes.left, at), (right, at)), tone)
        yield Text(axes.left - 8, at, number(float(t)), SMALL, "quiet", "end")
    for v in along(*axes.xs):
        at = axes.x(v)
        yield Line(((at, foot), (at, foot + 4)), "quiet")
        yield Text(at, foot + 14, number(float(v)), SMALL, "quiet")
    if y:
        yield Text(axes.left, axes.top - 20 - above, y, TEXT, "ink", "start")
    if x:
        yield Text(axes.left + axes.width / 2, foot + 33, x, TEXT)


def downs(axes: Axes, at: Sequence[tuple[float, str]]) -> Iterator[Mark]:
    """Lines down at values of x, named above."""
    for v, words in at:
        x = axes.x(v)
        yield Line(
            ((x, axes.top - 8), (x, axes.top + axes.height)), "quiet", 1, "dotted"
        )
        side = "end" if x > axes.left + axes.width / 2 else "start"
        yield Text(x, axes.top - 20, words, SMALL, "quiet", side)


def curve(
    axes: Axes, line: list[Point], words: str, at: float, i: int
) -> Iterator[Mark]:
    """One line with its label; a single point as a ring."""
    tone, dash, width = LOOKS[i % len(LOOKS)]
    put = tuple((axes.x(a), axes.y(b)) for a, b in line)
    if len(put) == 1:
        yield Circle(*put[0], 4, "paper", tone, 1.6)
    if len(put) > 1:
        yield Line(put, tone, width, dash)
    if words:
        yield Text(axes.left + axes.width + 8, at, words, TEXT, tone, "start")


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`, most + 1 or fewer."""
    if not high > low:
        low, high = low - 0.5, high + 0.5
    step = rounded((high - low) / most)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [float(f"{i * step:.15g}") for i in range(first, last + 1)]


def rounded(least: float) -> float:
    """The round number (1, 2, 2.5 or 5 times a power of ten) at or above this."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= least * 0.999999)


def decades(low: float, high: float) -> list[float]:
    """Powers of ten around positive numbers; few of them, where they are many."""
    if low <= 0:
        raise BadInput(f"a logarithmic axis holds positive numbers only, not {low:g}")
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    last = max(last, first + 1)
    step = math.ceil((last - first) / 6)
    return [10.0**e for e in range(first, last + step, step)]


def along(low: float, high: float) -> list[float]:
    """The numbers that the axis of x names: its ends, and round ones between them."""
    if not high > low:
        return [low]
    near = (high - low) / 16  # closer to the ends than this their numbers would touch
    whole = low == int(low) and high == int(high)
    inner = [t for t in ticks(low, high, 8)
             if low + near < t < high - near and (t == int(t) or not whole)]  # fmt: skip
    return [low, *inner, high]


def spread(
    heights: Sequence[float], top: float = -math.inf, foot: float = math.inf
) -> list[float]:
    """The labels' heights, moved apart where they would lie on each other: as little as
    possible, each group about its middle, between top and foot where there is room."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    groups: list[tuple[float, int]] = []  # the middle, how many; from the top down

    def put(middle: float, many: int) -> float:
        half = APART * (many - 1) / 2
        return max(min(middle, foot - half), top + half)

    for i in order:
        groups.append((heights[i], 1))
        while len(groups) > 1:
            (a, n), (b, k) = groups[-2:]
            if put(b, k) - put(a, n) >= APART * (n + k) / 2:
                break
            groups[-2:] = [((a * n + b * k) / (n + k), n + k)]
    found = list(heights)
    places = iter(order)
    for middle, n in groups:
        for j in range(n):
            found[next(places)] = put(middle, n) - APART * (n - 1) / 2 + APART * j
    return found


def stacked(figures: Sequence[Figure], title: str, desc: str = "") -> Figure:
    """Figures below one another as one."""
    marks: list[Mark] = []
    height = 0.0
    for one in figures:
        marks += [moved(m, 0, height) for m in one.marks]
        height += one.height
    return Figure(max(f.width for f in figures), height, tuple(marks), title, desc)


@figure("columns")
def columns(
    *,
    counts: Sequence[float],
    ends: Sequence[float] = (),
    names: Sequence[str] = (),
    title: str = "",
    desc: str = "",
    size: tuple[float, float] = (480, 170),
) -> Figure:
    """Columns, each with its count above: of bins, whose `ends` stand below, or with names."""
    width, height = size
    wide_, foot = (width - 8) / max(len(counts), 1), height - 24
    most = max([*counts, 1])
    marks: list[Mark] = []
    for i, n in enumerate(counts):
        x, high = 4 + wide_ * i, (foot - 24) * n / most
        if n:
            marks.append(Rect(x + 0.06 * wide_, foot - max(high, 1), 0.88 * wide_,
                              max(high, 1), "tint", "accent"))  # fmt: skip
            marks.append(Text(x + wide_ / 2, foot - high - 10, shortened(n), SMALL))
        if names:
            marks.append(Text(x + wide_ / 2, foot + 13, names[i], SMALL, "quiet"))
    marks.append(Line(((4, foot), (width - 4, foot)), "ink"))
    for i, end in enumerate(ends):
        side = "start" if i == 0 else "end" if i == len(ends) - 1 else "middle"
        marks.append(
            Text(4 + wide_ * i, foot + 13, number(float(end)), SMALL, "quiet", side)
        )
    return Figure(width, height, tuple(marks), title, desc)


def shortened(count: float) -> str:
    """A count over a column: from ten thousand on in thousands."""
    return f"{count / 1000:.1f}k" if count >= 10_000 else number(count)
