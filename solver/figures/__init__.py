"""Figures: a description becomes a Figure, a Figure becomes SVG or TikZ.

`drawing` is the language (a Figure with its marks), `svg` and `tikz` its two writers. A
kind of figure is a function from plain data to a Figure, `@figure("plot")`; an Answer
names it with its data in `Picture`, and nothing is drawn until a document asks for it.
"""

from __future__ import annotations

from solver.core import Picture
from solver.registry import Registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from solver.figures.drawing import Figure

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


def drawn(picture: Picture, form: str, asked: bool = False) -> str:
    """A picture as SVG ("mathml") or TikZ ("latex"); `asked` draws the hand-out's, which
    does not give the answer away."""
    made: Figure = figure[picture.kind](**(picture.asked if asked else picture.given))
    if form == "latex":
        from solver.figures.tikz import tikz

        return tikz(made)
    from solver.figures.svg import svg

    return svg(made)
