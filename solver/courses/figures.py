"""Figures of a course's report: the bar of its marks, and the histogram of its points.

Each says its numbers in words (title and desc), never by colour alone: every mark has
its own pattern. A bar's lengths are percentages, so that it fits a telephone and its
letters keep their size. The patterns stand once in a page: `patterns()`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from solver.figures.plot import columns, rounded
from solver.figures.svg import image, svg

WORDS = {
    "right": "right",
    "partly": "partly right",
    "wrong": "wrong",
    "undecided": "left to a person",
    "invalid": "could not be read",
    "missing": "not answered",
}
# what is drawn over each mark's colour, in a square of 8 by 8
PATTERNS = {
    "partly": '<path d="M-2 2 2-2M0 8 8 0M6 10 10 6"/>',
    "wrong": '<path d="M0 0 8 8M8 0 0 8"/>',
    "undecided": '<circle cx="2" cy="2" r="1.2"/><circle cx="6" cy="6" r="1.2"/>',
    "invalid": '<path d="M2 0V8M6 0V8"/>',
}
HEIGHT = 24  # of a bar, in pixels
NARROW = 3.0  # per cent of a bar that one digit needs on a telephone
BINS = 12


def patterns() -> str:
    """The patterns that all bars of a page are filled with."""
    found = "".join(
        f'<pattern id="p-{mark}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect width="8" height="8" class="m-{mark}"/>{drawn}</pattern>'
        for mark, drawn in PATTERNS.items()
    )
    return (
        '<svg class="patterns" width="0" height="0" aria-hidden="true">'
        f"<defs>{found}</defs></svg>"
    )


def percent(part: float, whole: float) -> str:
    """12.5 %, as an attribute's value; nothing of nothing is nothing."""
    return f"{round(100 * part / whole, 3) if whole else 0:g}%"


def filling(mark: str) -> str:
    """The attributes that fill a mark's piece."""
    if mark in PATTERNS:
        return f'fill="url(#p-{mark})"'
    return f'class="m-{mark}"'


def counted(counts: Mapping[str, int]) -> str:
    """12 right, 3 wrong: in words, marks that nobody has left out."""
    said = [f"{counts[mark]:,} {word}" for mark, word in WORDS.items() if counts.get(mark)]
    return ", ".join(said) or "nobody"


def bar(counts: Mapping[str, int], id: str, name: str) -> str:
    """One bar: the share of each mark among all, its number in it where there is room."""
    whole = sum(counts.values())
    pieces, start = [], 0
    for mark in WORDS:
        count = counts.get(mark, 0)
        if not count:
            continue
        pieces.append(
            f'<rect x="{percent(start, whole)}" width="{percent(count, whole)}" '
            f'height="{HEIGHT}" {filling(mark)}/>'
        )
        if 100 * count / whole >= NARROW * (len(f"{count:,}") + 1):
            middle = percent(start + count / 2, whole)
            pieces.append(f'<text x="{middle}" y="17">{count:,}</text>')
        start += count
    return image("".join(pieces), 0, HEIGHT, name, counted(counts), kind="bar", id=id)


def swatch(mark: str) -> str:
    """A piece of a mark's pattern, for the legend."""
    return (
        f'<svg class="swatch" width="20" height="14" aria-hidden="true">'
        f'<rect width="20" height="14" {filling(mark)}/></svg>'
    )


def edges(top: float) -> list[float]:
    """Where the bins of a histogram from 0 to `top` begin and end: round numbers."""
    if top <= 0:
        return [0, 1]
    step = rounded(top / BINS)
    return [round(i * step, 6) for i in range(math.ceil(top / step - 1e-9) + 1)]


def binned(values: Sequence[float], ends: Sequence[float]) -> list[int]:
    """How many values lie in each bin; a bin holds its lower end, the last both."""
    found = [0] * (len(ends) - 1)
    step = ends[1] - ends[0]
    for v in values:
        found[min(max(int(v / step + 1e-9), 0), len(found) - 1)] += 1
    return found


def histogram(counts: Sequence[int], ends: Sequence[float], name: str) -> str:
    """Columns, each with its count above and the bounds of its bin below."""
    last = len(counts) - 1
    said = "; ".join(
        f"{a:g} to {'' if i == last else 'less than '}{b:g}: {n:,}"
        for i, (a, b, n) in enumerate(zip(ends, ends[1:], counts))
    )
    return svg(columns(counts=counts, ends=ends, title=name, desc=said))
