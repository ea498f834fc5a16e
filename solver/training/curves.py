"""Loss and accuracy by epoch as one SVG, which shows in light and dark.

Training and validation differ by dash and by the label at the line's end, not by colour
alone; title and desc say the numbers for those who cannot see the lines.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from solver.escape import html
from solver.training.fitting import Epoch

WIDTH, LEFT, RIGHT = 640, 62, 118  # the right margin holds the labels
TOP, HIGH, GAP, BOTTOM = 40, 190, 58, 46  # of each panel, between them, below
APART = 15  # pixels between two labels
STYLE = """
svg{color-scheme:light dark;font:13px system-ui,sans-serif;--paper:#fff;--ink:#1a1a1a;
--soft:#5c5c5c;--grid:#e2e2e2;--train:#0b5cad;--valid:#b3420e}
@media(prefers-color-scheme:dark){svg{--paper:#16181d;--ink:#ececec;--soft:#a9adb5;
--grid:#34373e;--train:#7db8ff;--valid:#ff9d66}}
.paper{fill:var(--paper)}text{fill:var(--ink)}.soft{fill:var(--soft)}
.grid{stroke:var(--grid)}.axis{stroke:var(--soft)}.best{stroke:var(--soft);stroke-dasharray:2 3}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
.train{stroke:var(--train)}.valid{stroke:var(--valid);stroke-dasharray:7 4}
.dot{fill:var(--paper);stroke-width:2;stroke-dasharray:none}
text.train{fill:var(--train);stroke:none}text.valid{fill:var(--valid);stroke:none}
.end{text-anchor:end}.middle{text-anchor:middle}.name{font-weight:600}
"""


@dataclass(frozen=True)
class Panel:
    """A coordinate system: epochs from 1 to `last` by values from `low` to `high`."""

    top: float
    last: int
    low: float
    high: float

    def x(self, epoch: float) -> float:
        share = (epoch - 1) / (self.last - 1) if self.last > 1 else 0.5
        return LEFT + (WIDTH - LEFT - RIGHT) * share

    def y(self, value: float) -> float:
        return self.top + HIGH * (self.high - value) / (self.high - self.low)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`, most + 1 or fewer."""
    if not high > low:
        low, high = low - 0.5, high + 0.5
    least = (high - low) / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= least * 0.999999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def epochs_at(last: int) -> list[int]:
    """The epochs that the axis names: the first, round ones, the last."""
    found = [int(t) for t in ticks(0, last, 8) if 1 < t < last and t == int(t)]
    near = last // 16  # closer to the ends than this their numbers would touch
    return [
        1,
        *(t for t in found if 1 + near < t < last - near),
        *([last] if last > 1 else []),
    ]


def curves(history: Sequence[Epoch], name: str, best: int = 0) -> str:
    """The SVG of a training's history; `best` is the epoch of the weights taken, if any."""
    last = len(history)
    series = {
        "loss": [("train", [e.loss for e in history])],
        "accuracy": [("train", [e.accuracy for e in history])],
    }
    if history and history[0].validation_loss is not None:
        series["loss"].append(
            ("validation", [e.validation_loss or 0.0 for e in history])
        )
        held = [e.validation_accuracy or 0.0 for e in history]
        series["accuracy"].append(("validation", held))
    height = TOP + 2 * HIGH + GAP + BOTTOM
    inside = [panel("loss", series["loss"], TOP, last, best, 0)]
    inside.append(
        panel("accuracy", series["accuracy"], TOP + HIGH + GAP, last, best, 1)
    )
    inside.append(
        f'<text class="middle" x="{(LEFT + WIDTH - RIGHT) / 2:g}" y="{height - 8}">'
        "epoch</text>"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-labelledby="t d">'
        f'<title id="t">{html(f"Loss and accuracy of {name}")}</title>'
        f'<desc id="d">{html(said(history, best))}</desc><style>{STYLE}</style>'
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>{"".join(inside)}</svg>\n'
    )


def said(history: Sequence[Epoch], best: int) -> str:
    """The curves in words."""
    if not history:
        return "No epoch has ended."
    first, last = history[0], history[-1]
    parts = [
        f"After {last.epoch} epochs the training loss is {last.loss:.3g} (after the first "
        f"{first.loss:.3g}), the accuracy {percent(last.accuracy)}."
    ]
    if last.validation_loss is not None and last.validation_accuracy is not None:
        parts.append(
            f"On the validation part they are {last.validation_loss:.3g} and "
            f"{percent(last.validation_accuracy)}."
        )
    if 0 < best <= len(history):
        parts.append(f"The weights are those of epoch {best}.")
    return " ".join(parts)


def percent(share: float) -> str:
    """97.2 %."""
    return f"{100 * share:.1f} %"


def panel(
    name: str, series: list[tuple[str, list[float]]], top: float, last: int, best: int,
    ceiling: float,
) -> str:  # fmt: skip
    """One coordinate system with its lines; the axis goes from round to round numbers."""
    values = [v for _, line in series for v in line] or [0.0, 1.0]
    low = 0.0 if name == "loss" else min(values)
    high = ceiling or max(max(values), low + 1e-6)
    marks = ticks(low, high)
    p = Panel(top, max(last, 1), marks[0], marks[-1])
    parts = [f'<text class="name" x="{LEFT}" y="{top - 12:g}">{name}</text>']
    right = WIDTH - RIGHT
    for t in marks:
        y = p.y(t)
        kind = "axis" if t == marks[0] else "grid"
        parts.append(
            f'<line class="{kind}" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="soft end" x="{LEFT - 8}" y="{y + 4.5:.1f}">{t:g}</text>'
        )
    for e in epochs_at(max(last, 1)):
        parts.append(
            f'<line class="axis" x1="{p.x(e):.1f}" x2="{p.x(e):.1f}" '
            f'y1="{top + HIGH:g}" y2="{top + HIGH + 4:g}"/>'
            f'<text class="soft middle" x="{p.x(e):.1f}" y="{top + HIGH + 18:g}">{e}</text>'
        )
    if 0 < best <= last:
        parts.append(best_mark(p, best, name == "loss"))
    heights = spread([p.y(line[-1]) for _, line in series if line])
    for (label, line), at in zip(series, heights):
        parts.append(drawn(p, label, line, at, best))
    return f"<g>{''.join(parts)}</g>"


def best_mark(p: Panel, best: int, named: bool) -> str:
    """A line down at the epoch of the best weights, named once."""
    x = p.x(best)
    end = "end" if x > (LEFT + WIDTH - RIGHT) / 2 else ""
    label = (
        f'<text class="soft {end}" x="{x:.1f}" y="{p.top - 12:g}">best: epoch {best}</text>'
        if named
        else ""
    )
    top, foot = p.top - (6 if named else 0), p.top + HIGH
    line = f'<line class="best" x1="{x:.1f}" x2="{x:.1f}" y1="{top:g}" y2="{foot:g}"/>'
    return line + label


def drawn(p: Panel, label: str, line: list[float], at: float, best: int) -> str:
    """A line, a ring on its best epoch, its label and last value at the end."""
    kind = "train" if label == "train" else "valid"
    points = " ".join(f"{p.x(i):.1f},{p.y(v):.1f}" for i, v in enumerate(line, 1))
    found = f'<polyline class="line {kind}" points="{points}"/>'
    rings = {len(line)} if len(line) == 1 else set()
    if 0 < best <= len(line) and kind == "valid":
        rings.add(best)
    for i in rings:
        x, y = p.x(i), p.y(line[i - 1])
        found += f'<circle class="dot {kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    return found + (
        f'<text class="{kind}" x="{WIDTH - RIGHT + 8}" y="{at + 4.5:.1f}">'
        f"{label} {line[-1]:.3f}</text>"
    )


def spread(heights: list[float]) -> list[float]:
    """The labels' heights, moved apart where they would lie on each other."""
    if len(heights) < 2 or abs(heights[0] - heights[1]) >= APART:
        return heights
    a, b = heights
    middle, sign = (a + b) / 2, 1 if a <= b else -1
    return [middle - sign * APART / 2, middle + sign * APART / 2]
