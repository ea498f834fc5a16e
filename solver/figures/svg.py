"""A Figure as SVG: inside a page, whose colours it takes, or as a file of its own.

No scripts, no references outside; role, title and desc say what is shown. RULES are the
CSS of all figures of a page, with colours where the page has none.
"""

from __future__ import annotations

import re
from zlib import crc32

from solver.escape import html
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
    plain,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COLOURS = {  # tone -> the page's variable, and the colour where it has none
    "ink": ("--ink", "#1c1e21"),
    "quiet": ("--quiet", "#5b6169"),
    "faint": ("--line", "#d5d9de"),
    "accent": ("--accent", "#173d6b"),
    "tint": ("--tint", "#eff3f8"),
    "paper": ("--paper", "#fff"),
}
DARK = {"--ink": "#e4e6e9", "--quiet": "#a2a9b2", "--line": "#3a3f46", "--accent": "#9cc3f0",
        "--tint": "#1f2731", "--paper": "#16181b"}  # fmt: skip
RULES = (
    ".figure{max-width:100%;height:auto;fill:none;stroke:none;stroke-linejoin:round;"
    "stroke-linecap:round}.figure text{font-family:Charter,'Bitstream Charter',Cambria,"
    "Georgia,'DejaVu Serif',serif;dominant-baseline:central}"
    + "".join(
        f".figure .f-{t}{{fill:var({v},{c})}}.figure .e-{t}{{stroke:var({v},{c})}}"
        for t, (v, c) in COLOURS.items()
    )
)
ALONE = (
    "svg{color-scheme:light dark}@media(prefers-color-scheme:dark){svg{"
    + "".join(f"{name}:{colour};" for name, colour in DARK.items())
    + "}}"
)
LETTERS = re.compile(r"([A-Za-zα-ωΑ-Ω]+)")
UPRIGHT = ("ln", "tr", "if", "or")  # short words of mathematics, which are not slanted


def svg(figure: Figure) -> str:
    """The figure for a page in HTML."""
    return image(
        drawing(figure), figure.width, figure.height, figure.title, figure.desc
    )


def alone(figure: Figure) -> str:
    """The figure as a file: with its own colours, light and dark, and its paper."""
    inside = (
        f"<style>{RULES}{ALONE}</style>"
        + element(
            "rect", width=figure.width, height=figure.height, **{"class": "f-paper"}
        )
        + drawing(figure)
    )
    return image(inside, figure.width, figure.height, figure.title, figure.desc,
                 more=' xmlns="http://www.w3.org/2000/svg"') + "\n"  # fmt: skip


def image(
    inside: str, width: float, height: float, title: str, desc: str, *,
    more: str = "", kind: str = "figure", id: str = "",
) -> str:  # fmt: skip
    """An SVG element that says its name and its content in words; width 0 is the page's."""
    id = id or f"f{crc32((title + desc + inside).encode()):08x}"
    box = (
        f' viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
        if width
        else ' width="100%"'
    )
    told = (
        f'<title id="{id}-t">{html(title)}</title><desc id="{id}-d">{html(desc)}</desc>'
    )
    return (
        f'<svg class="{kind}" role="img"{more}{box} height="{height:g}" '
        f'aria-labelledby="{id}-t {id}-d">{told}{inside}</svg>'
    )


def drawing(figure: Figure) -> str:
    """The marks, one after the other."""
    return "".join(map(written, figure.marks))


def written(mark: Mark) -> str:
    """One mark as an element."""
    if isinstance(mark, Rect):
        return element(
            "rect",
            x=mark.x,
            y=mark.y,
            width=mark.width,
            height=mark.height,
            rx=mark.radius or None,
            **inked(mark.edge, mark.line, mark.dash, mark.fill),
        )
    if isinstance(mark, Circle):
        return element(
            "circle",
            cx=mark.x,
            cy=mark.y,
            r=mark.r,
            **inked(mark.edge, mark.line, "", mark.fill),
        )
    if isinstance(mark, Line) and len(mark.points) == 2:
        (x1, y1), (x2, y2) = mark.points
        return element(
            "line",
            x1=x1,
            y1=y1,
            x2=x2,
            y2=y2,
            **inked(mark.tone, mark.width, mark.dash),
        )
    if isinstance(mark, Line):
        return element(
            "polyline",
            points=joined(mark.points),
            **inked(mark.tone, mark.width, mark.dash),
        )
    if isinstance(mark, Area):
        return element(
            "polygon", points=joined(mark.points), **inked("none", 0, "", mark.fill)
        )
    if isinstance(mark, Path):
        curve = "".join(f"C{joined(piece)}" for piece in mark.pieces)
        return element(
            "path",
            d=f"M{joined((mark.start,))}{curve}",
            **inked(mark.tone, mark.width, mark.dash),
        )
    return letters(mark)


def letters(mark: Text) -> str:
    """A line of text; the letters of mathematics slanted, the names of functions not."""
    inside = "".join(
        html(p) if isinstance(p, str) else slanted(plain(p)) for p in mark.pieces
    )
    anchor = None if mark.at == "start" else mark.at
    return element(
        "text", inside, x=mark.x, y=mark.y,
        **{"class": f"f-{mark.tone}", "font-size": mark.size, "text-anchor": anchor,
           "font-weight": "600" if mark.bold else None},
    )  # fmt: skip


def slanted(text: str) -> str:
    """Mathematics with its letters slanted: what is longer than two is a word."""
    found = []
    for i, piece in enumerate(LETTERS.split(text)):
        words = i % 2 == 0 or len(piece) > 2 or piece in UPRIGHT
        found.append(
            html(piece) if words else f'<tspan font-style="italic">{piece}</tspan>'
        )
    return "".join(found)


def inked(edge: str, width: float, dash: str, fill: str = "none") -> dict[str, Any]:
    """The attributes of an edge and a filling."""
    classes = [f"f-{fill}"] * (fill != "none") + [f"e-{edge}"] * (edge != "none")
    return {
        "class": " ".join(classes) or None,
        "stroke-width": width if edge != "none" and width != 1 else None,
        "stroke-dasharray": " ".join(f"{d:g}" for d in DASHES[dash]) or None,
    }


def joined(points: Any) -> str:
    """x,y x,y …"""
    return " ".join(f"{short(x)},{short(y)}" for x, y in points)


def short(x: float) -> str:
    """A coordinate to a tenth."""
    return f"{round(x, 1) + 0:g}"


def element(name: str, inside: str = "", /, **attributes: Any) -> str:
    """An element with those attributes that have a value."""
    told = "".join(
        f' {k}="{short(v) if isinstance(v, (int, float)) else html(v)}"'
        for k, v in attributes.items()
        if v is not None
    )
    return f"<{name}{told}>{inside}</{name}>" if inside else f"<{name}{told}/>"
