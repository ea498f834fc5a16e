"""Figures: a description becomes a Figure, a Figure becomes SVG or TikZ.

`drawing` is the language (a Figure with its marks), `svg` and `tikz` its two writers. A
kind of figure is a function from plain data to a Figure, `@figure("plot")`; an Answer
names it with its data in `Picture`, and nothing is drawn until a document asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from solver.core import Picture
from solver.registry import Registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.figures.drawing import Figure

LINE = 13.6  # points from one line of a page's text to the next
HOME = "solver.figures."
WHERE = {
    "plot": HOME + "plot",
    "columns": HOME + "plot",
    "network": HOME + "network",
    "units": HOME + "units",
    "window": HOME + "window",
    "field": HOME + "field",
    "graph": HOME + "graph",
}
figure = Registry("figure", WHERE)


def together(pictures: Sequence[Picture]) -> list[Picture]:
    """Each picture once; plots over the same axes as one, their lines side by side."""
    found: dict[Any, Picture] = {}
    for p in pictures:
        axes = (p.kind, *(repr(v) for k, v in p.given.items() if k != "series"))
        if p.kind == "plot" and axes in found:
            lines = (*found[axes].given["series"], *p.given["series"])
            found[axes] = replace(p, given={**p.given, "series": lines})
        else:
            found.setdefault(axes if p.kind == "plot" else same(p), p)
    return list(found.values())


def same(picture: Picture) -> tuple[str, ...]:
    """What two pictures have in common that show the same: their kind and what is asked."""
    data = picture.given if picture.asked is None else picture.asked
    names = (
        getattr(v, "name", None) or repr(v) for k, v in data.items() if k != "order"
    )
    return (picture.kind, *names)


def drawn(
    picture: Picture, form: str, asked: bool = False
) -> tuple[str, str, int] | None:
    """A picture as SVG ("mathml") or TikZ ("latex"), with its caption and the lines of
    text that it takes the place of; `asked` draws the hand-out's. None where there is too
    little or too much to be looked at."""
    data = picture.asked if asked and picture.asked is not None else picture.given
    made: Figure | None = figure[picture.kind](**data)
    if made is None:
        return None
    caption = str(data.get("title", ""))
    if form == "latex":
        from solver.figures.tikz import UNIT, tikz

        return tikz(made), caption, ceil(made.height * UNIT / LINE)
    from solver.figures.svg import svg

    return svg(made), caption, 0
