"""A Figure as a tikzpicture: for any document that loads tikz, its colours with it."""

from __future__ import annotations

from solver.escape import tex
from solver.figures.drawing import (
    DASHES,
    Area,
    Circle,
    Figure,
    Line,
    Mark,
    Path,
    Rect,
    Text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

UNIT = 0.7  # points of TeX for a unit of the figure
COLOURS = {
    "ink": "{gray}{0.1}",
    "quiet": "{gray}{0.38}",
    "faint": "{gray}{0.8}",
    "accent": "{rgb}{0.09,0.24,0.42}",
    "tint": "{rgb}{0.925,0.941,0.965}",
    "paper": "{gray}{1}",
}
SIDES = {"start": "west", "middle": "center", "end": "east"}


def tikz(figure: Figure) -> str:
    """The picture, with y downwards as in the figure; its box is the figure's."""
    used = {t for mark in figure.marks for t in tones(mark)}
    lines = [
        rf"\begin{{tikzpicture}}[x={UNIT}pt,y=-{UNIT}pt,line cap=round,line join=round,"
        "every node/.style={inner sep=0pt,outer sep=0pt}]",
        *(rf"\definecolor{{fig{t}}}{c}" for t, c in COLOURS.items() if t in used),
        rf"\useasboundingbox (0,0) rectangle {point((figure.width, figure.height))};",
        *map(written, figure.marks),
        r"\end{tikzpicture}",
    ]
    return "\n".join(lines)


def tones(mark: Mark) -> tuple[str, ...]:
    """The tones that a mark is drawn in."""
    if isinstance(mark, (Rect, Circle)):
        return mark.fill, mark.edge
    return (mark.fill,) if isinstance(mark, Area) else (mark.tone,)


def written(mark: Mark) -> str:
    """One mark as a command."""
    if isinstance(mark, Rect):
        corner = (mark.x + mark.width, mark.y + mark.height)
        how = inked(mark.edge, mark.line, mark.dash, mark.fill, mark.radius)
        return rf"\path[{how}] {point((mark.x, mark.y))} rectangle {point(corner)};"
    if isinstance(mark, Circle):
        how = inked(mark.edge, mark.line, "", mark.fill)
        return rf"\path[{how}] {point((mark.x, mark.y))} circle[radius={mark.r * UNIT:.4g}pt];"
    if isinstance(mark, Line):
        how = inked(mark.tone, mark.width, mark.dash)
        return rf"\path[{how}] {' -- '.join(map(point, mark.points))};"
    if isinstance(mark, Area):
        how = inked("none", 0, "", mark.fill)
        return rf"\path[{how}] {' -- '.join(map(point, mark.points))} -- cycle;"
    if isinstance(mark, Path):
        curve = "".join(
            f" .. controls {point(a)} and {point(b)} .. {point(c)}"
            for a, b, c in mark.pieces
        )
        return rf"\path[{inked(mark.tone, mark.width, mark.dash)}] {point(mark.start)}{curve};"
    return letters(mark)


def letters(mark: Text) -> str:
    """A node; words escaped, trees as mathematics. Its middle is that of its letters."""
    from solver.values import show

    inside = "".join(
        tex(p).replace("\n", " ") if isinstance(p, str) else f"${show(p, 'latex')}$"
        for p in mark.pieces
    )
    size = mark.size * UNIT
    font = rf"\fontsize{{{size:.3g}}}{{{size * 1.2:.3g}}}\selectfont"
    weight = r"\bfseries" if mark.bold else ""
    # letters without a depth stand as high as those with one: the baseline is the same
    return (
        rf"\node[anchor=base {SIDES[mark.at]},text=fig{mark.tone},font={font}{weight}] "
        rf"at {point((mark.x, mark.y + 0.34 * mark.size))} {{{inside}}};"
    ).replace("base center", "base")


def inked(
    edge: str, width: float, dash: str, fill: str = "none", radius: float = 0
) -> str:
    """The options of an edge and a filling."""
    found: list[Any] = [f"fill=fig{fill}"] if fill != "none" else []
    if edge != "none":
        found += [f"draw=fig{edge}", f"line width={width * 0.65:.3g}pt"]
        pattern = DASHES[dash]
        onoff = [
            f"{'off' if i % 2 else 'on'} {d * UNIT:.3g}pt"
            for i, d in enumerate(pattern)
        ]
        found += [f"dash pattern={' '.join(onoff)}"] if onoff else []
    return ",".join(
        found + ([f"rounded corners={radius * UNIT:.3g}pt"] if radius else [])
    )


def point(p: Any) -> str:
    """(x,y) to a tenth."""
    return f"({round(p[0], 1) + 0:g},{round(p[1], 1) + 0:g})"
