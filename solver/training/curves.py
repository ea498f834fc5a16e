"""Loss and accuracy by epoch as one SVG, which shows in light and dark.

Training and validation differ by dash and by the label at the line's end, not by colour
alone; title and desc say the numbers for those who cannot see the lines.
"""

from __future__ import annotations

from collections.abc import Sequence

from solver.figures.plot import plot, stacked
from solver.figures.svg import alone
from solver.training.fitting import Epoch

SIZE = (640, 270)


def curves(history: Sequence[Epoch], name: str, best: int = 0) -> str:
    """The SVG of a training's history; `best` is the epoch of the weights taken, if any."""
    losses = [{"name": "train", "y": [e.loss for e in history]}]
    shares = [{"name": "train", "y": [e.accuracy for e in history]}]
    if history and history[0].validation_loss is not None:
        losses.append(
            {"name": "validation", "y": [e.validation_loss or 0.0 for e in history]}
        )
        held = [e.validation_accuracy or 0.0 for e in history]
        shares.append({"name": "validation", "y": held})
    taken = [best] if 0 < best <= len(history) else []
    both = [
        plot(series=losses, y="loss", low=0.0, last=True, size=SIZE,
             at=[(e, f"best: epoch {e}") for e in taken]),
        plot(series=shares, x="epoch", y="accuracy", high=1.0, last=True, size=SIZE,
             at=[(e, "") for e in taken]),
    ]  # fmt: skip
    return alone(stacked(both, f"Loss and accuracy of {name}", said(history, best)))


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
