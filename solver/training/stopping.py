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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def best(losses: Sequence[float]) -> int:
    """The epoch (from 0) of the lowest loss, the first of equal ones."""
    return min(range(len(losses)), key=lambda t: losses[t])


def waits(values: Sequence[Any], larger: bool = False, delta: Any = 0) -> list[int]:
    """After each epoch, how many have passed since the best value was last improved.

    An improvement is lower (or larger) by more than delta; the first epoch is one.
    """
    found: list[int] = []
    record = 0
    for t, value in enumerate(values):
        gain = value - values[record] if larger else values[record] - value
        record = t if t == 0 or gain > delta else record
        found.append(t - record)
    return found


@dataclass(frozen=True)
class Patience:
    """Stop once the lowest validation loss is `epochs` epochs old."""

    epochs: int = 5

    def __call__(self, losses: Sequence[float]) -> bool:
        return waits(losses)[-1] >= self.epochs

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


def generalisation_loss(losses: Sequence[Any]) -> Any:
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
