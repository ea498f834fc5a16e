"""When training ends early: rules on the validation losses of the epochs so far.

Each is a frozen dataclass that is called with the list of them, one an epoch; L. Prechelt,
"Early Stopping — But When?", 1998.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from solver.core import BadInput
from solver.registry import unknown


def best(losses: Sequence[float]) -> int:
    """The epoch (from 0) of the lowest loss, the first of equal ones."""
    return min(range(len(losses)), key=lambda t: losses[t])


@dataclass(frozen=True)
class Patience:
    """Stop once the lowest validation loss is `epochs` epochs old."""

    epochs: int = 5

    def __call__(self, losses: Sequence[float]) -> bool:
        return len(losses) - 1 - best(losses) >= self.epochs

    def __str__(self) -> str:
        return f"patience ({self.epochs} epochs without a lower validation loss)"


@dataclass(frozen=True)
class GeneralisationLoss:
    """Stop once GL(t) = 100·(E_va(t)/E_opt(t) − 1) > alpha, E_opt the lowest so far."""

    alpha: float = 5

    def __call__(self, losses: Sequence[float]) -> bool:
        return generalisation_loss(losses) > self.alpha

    def __str__(self) -> str:
        return f"generalisation loss (above {self.alpha:g} %)"


def generalisation_loss(losses: Sequence[float]) -> float:
    """GL of the last epoch, in per cent; a loss above an optimum of 0 is infinitely worse."""
    lowest, last = min(losses), losses[-1]
    if lowest == 0:
        return 0.0 if last == 0 else math.inf
    return 100 * (last / lowest - 1)


Stop = Patience | GeneralisationLoss


def read_stop(text: str) -> Stop:
    """`patience:5` (epochs) or `gl:5` (per cent)."""
    name, _, value = text.strip().partition(":")
    if name not in ("patience", "gl"):
        raise unknown("rule to stop (--stop)", name, ["patience", "gl"])
    if name == "patience":
        if value and not (value.isdigit() and 1 <= int(value[:9]) <= 10**6):
            raise BadInput(
                f"patience is a number of epochs, 1 or more, not {value!r:.40}"
            )
        return Patience(int(value)) if value else Patience()
    try:
        alpha = float(value or 5)
    except ValueError:
        raise BadInput(f"gl is a number of per cent, not {value!r:.40}") from None
    if not (alpha > 0 and math.isfinite(alpha)):
        raise BadInput(f"gl is a number of per cent above 0, not {value}")
    return GeneralisationLoss(alpha)
