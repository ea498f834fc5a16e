"""Small dense networks with their units: a circle a unit, a line a weight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from solver.figures import figure
from solver.figures.drawing import (
    SMALL,
    TEXT,
    Circle,
    Figure,
    Line,
    Mark,
    Text,
    arrow,
    fitted,
)
from solver.networks.combine import Sequential
from solver.networks.layers import Layer
from solver.networks.net import Net

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST, SHOWN = 6, 5  # units of a layer that are all drawn; places that larger ones take
APART, ACROSS, R = 30, 110, 10
LAYERS = 7


@figure("units")
def units(
    *, sizes: Sequence[Any], names: Sequence[str] = (), title: str = "", desc: str = ""
) -> Figure | None:
    """Fully connected layers of these sizes (the input first), named below; of many units
    the first, dots, and the last."""
    if not 2 <= len(sizes) <= LAYERS:
        return None
    columns = [column(n) for n in sizes]
    tall = max(map(len, columns)) * APART
    places = [
        [
            (ACROSS * i + 20, tall / 2 + APART * (j - (len(c) - 1) / 2))
            for j in range(len(c))
        ]
        for i, c in enumerate(columns)
    ]
    marks: list[Mark] = []
    for left, right, a, b in zip(places, places[1:], columns, columns[1:]):
        marks += [
            Line((p, q), "faint" if max(len(a), len(b)) > 3 else "quiet", 0.7)
            for p, u in zip(left, a) for q, v in zip(right, b) if u and v
        ]  # fmt: skip
    for i, (line, c) in enumerate(zip(places, columns)):
        fill, edge = ("paper", "quiet") if i == 0 else ("tint", "accent")
        for (x, y), unit in zip(line, c):
            marks += [Circle(x, y, R, fill, edge)] if unit else dots(x, y)
        name = names[i] if i < len(names) else ""
        marks.append(Text(line[0][0], tall + 10, str(sizes[i]), TEXT))
        if name:
            marks.append(Text(line[0][0], tall + 26, name, SMALL, "quiet"))
    marks += (
        [*arrow([(-14, tall / 2), (6, tall / 2)], "quiet")]
        if len(columns[0]) % 2
        else []
    )
    said = " → ".join(
        f"{n} {name}".strip() for n, name in zip(sizes, [*names, *[""] * len(sizes)])
    )
    return fitted(
        marks, title or "A network", desc or f"Fully connected layers: {said}."
    )


def column(n: Any) -> list[bool]:
    """The places of a layer: True for a unit, False for the dots."""
    if isinstance(n, int) and n <= MOST:
        return [True] * n
    return [True, True, True, False, True][:SHOWN]


def dots(x: float, y: float) -> Iterator[Mark]:
    """Three dots below one another."""
    for dy in (-6, 0, 6):
        yield Circle(x, y + dy, 1.2, "ink", "none")


def dense(net: Net, title: str = "", desc: str = "") -> Figure | None:
    """A network of dense layers with its units; None for any other."""
    sizes: list[Any] = [net.input[0]]
    names = ["input"]
    for layer in leaves(net.layer):
        kind = type(layer).__name__
        if kind == "Linear":
            sizes.append(getattr(layer, "out_features", 0))
            names.append("")
        elif kind == "Activation":
            name = str(getattr(layer, "function", ""))
            names[-1] = f"{names[-1]} {'ReLU' if name == 'relu' else name}".strip()
        elif kind not in ("Dropout", "BatchNorm", "Identity", "Flatten"):
            return None
    return (
        units(sizes=sizes, names=names, title=title, desc=desc)
        if len(sizes) > 2
        else None
    )


def leaves(layer: Layer) -> Iterator[Layer]:
    """The layers of a sequence, those inside another as well."""
    if isinstance(layer, Sequential):
        for _, one in layer.layers:
            yield from leaves(one)
    else:
        yield layer
