"""The language of drawing: a Figure is a box with marks in it, and what it shows in words.

x goes right, y down, in units of which about 640 fill a page's width; each mark lies
inside the box. Tones, not colours: "ink", "quiet", "faint", "accent", "tint", "paper",
"none", told apart in grey as well. The writers know nothing but these marks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Point = tuple[float, float]
TONES = ("ink", "quiet", "faint", "accent", "tint", "paper", "none")
DASHES = {"": (), "dashed": (7, 4), "dotted": (1.5, 3), "dashdot": (8, 3, 1.5, 3)}
PAGE = 640  # as wide as a figure may be
TEXT, SMALL = 13, 11  # sizes of letters
HEAD = 7  # length of an arrow's head


@dataclass(frozen=True)
class Line:
    """A line through points, straight from each to the next."""

    points: tuple[Point, ...]
    tone: str = "ink"
    width: float = 1
    dash: str = ""


@dataclass(frozen=True)
class Path:
    """A closed area, or a curve from `start` through Bézier pieces (two handles, an end)."""

    start: Point
    pieces: tuple[tuple[Point, Point, Point], ...]
    tone: str = "ink"
    width: float = 1
    dash: str = ""


@dataclass(frozen=True)
class Area:
    """A filled polygon: an arrow's head, what lies below a curve."""

    points: tuple[Point, ...]
    fill: str = "ink"


@dataclass(frozen=True)
class Rect:
    """A rectangle by its upper left corner, filled and edged."""

    x: float
    y: float
    width: float
    height: float
    fill: str = "none"
    edge: str = "ink"
    line: float = 1
    radius: float = 0
    dash: str = ""


@dataclass(frozen=True)
class Circle:
    """A circle by its centre, filled and edged."""

    x: float
    y: float
    r: float
    fill: str = "paper"
    edge: str = "ink"
    line: float = 1


@dataclass(frozen=True)
class Text:
    """Words, or pieces of words and mathematics (trees), on one line.

    (x, y) is where the middle of its height stands, at its start, middle or end.
    """

    x: float
    y: float
    says: Any
    size: float = TEXT
    tone: str = "ink"
    at: str = "middle"  # start | middle | end
    bold: bool = False

    @property
    def pieces(self) -> tuple[Any, ...]:
        """What it says, piece by piece."""
        return self.says if isinstance(self.says, tuple) else (self.says,)


Mark = Line | Path | Area | Rect | Circle | Text


@dataclass(frozen=True)
class Figure:
    """A box of this size with marks, the first lying below; `title` names what is shown,
    `desc` says it to those who cannot see it."""

    width: float
    height: float
    marks: tuple[Mark, ...]
    title: str
    desc: str = ""


# -- what the kinds of figure share -------------------------------------------------------


def arrow(
    points: Sequence[Point], tone: str = "ink", width: float = 1, dash: str = ""
) -> Iterator[Mark]:
    """A line with a head at its last point."""
    (x0, y0), (x1, y1) = points[-2:]
    long = math.hypot(x1 - x0, y1 - y0) or 1
    dx, dy = (x1 - x0) / long, (y1 - y0) / long
    foot = (x1 - HEAD * dx, y1 - HEAD * dy)
    side = HEAD * 0.36
    yield Line((*points[:-1], foot), tone, width, dash)
    yield Area(
        ((x1, y1), (foot[0] - side * dy, foot[1] + side * dx),
         (foot[0] + side * dy, foot[1] - side * dx)),
        tone,
    )  # fmt: skip


def wide(says: Any, size: float = TEXT) -> float:
    """About how wide these words are set."""
    pieces = says if isinstance(says, tuple) else (says,)
    return sum(sum(map(_broad, plain(p))) for p in pieces) * size


def _broad(c: str) -> float:
    """The width of a letter, of a size of 1: by its look, on the safe side."""
    if c in "⋅·.,:;|!'ilj′()[] ":
        return 0.32
    if c in "₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ⁻ᵢⱼ":
        return 0.42
    return 0.86 if c in "mwMW∂⊙→≥≤=+−×∑∇…" else 0.7 if c.isupper() else 0.56


def plain(piece: Any) -> str:
    """A piece as plain text."""
    if isinstance(piece, str):
        return piece
    from solver.values import show

    return show(piece, "text")


def number(x: Any) -> str:
    """A number as figures write it: a true minus, few digits."""
    shown = f"{x:g}" if isinstance(x, float) else str(x)
    return shown.replace("-", "−")


def moved(mark: Mark, dx: float, dy: float) -> Mark:
    """The same mark elsewhere."""
    if isinstance(mark, (Line, Area)):
        return replace(mark, points=tuple((x + dx, y + dy) for x, y in mark.points))
    if isinstance(mark, Path):
        pieces = tuple(
            ((a[0] + dx, a[1] + dy), (b[0] + dx, b[1] + dy), (c[0] + dx, c[1] + dy))
            for a, b, c in mark.pieces
        )
        return replace(
            mark, start=(mark.start[0] + dx, mark.start[1] + dy), pieces=pieces
        )
    return replace(mark, x=mark.x + dx, y=mark.y + dy)


def extent(mark: Mark) -> tuple[float, float, float, float]:
    """The box around a mark: left, top, right, bottom."""
    if isinstance(mark, Rect):
        return mark.x, mark.y, mark.x + mark.width, mark.y + mark.height
    if isinstance(mark, Circle):
        return mark.x - mark.r, mark.y - mark.r, mark.x + mark.r, mark.y + mark.r
    if isinstance(mark, Text):
        long = wide(mark.says, mark.size)
        left = mark.x - {"start": 0, "middle": long / 2, "end": long}[mark.at]
        return left, mark.y - 0.6 * mark.size, left + long, mark.y + 0.6 * mark.size
    points = mark.points if isinstance(mark, (Line, Area)) else path_points(mark)
    xs, ys = zip(*points)
    return min(xs), min(ys), max(xs), max(ys)


def path_points(mark: Path) -> list[Point]:
    """The points that hold a curve: it lies inside their hull."""
    return [mark.start, *(p for piece in mark.pieces for p in piece)]


def fitted(
    marks: Sequence[Mark], title: str, desc: str = "", edge: float = 4
) -> Figure:
    """The figure of these marks, in the smallest box that holds them."""
    boxes = [extent(m) for m in marks]
    left, top = min(b[0] for b in boxes) - edge, min(b[1] for b in boxes) - edge
    right, low = max(b[2] for b in boxes) + edge, max(b[3] for b in boxes) + edge
    put = tuple(moved(m, -left, -top) for m in marks)
    return Figure(round(right - left, 1), round(low - top, 1), put, title, desc)
