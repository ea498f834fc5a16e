"""How the learning rate changes: from α₀, by the epoch t = 0, 1, … of T.

Each is a frozen dataclass that is called with (α₀, t, T); the formula is its docstring.
The rate is set at the beginning of an epoch, as PyTorch's schedulers are used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

from solver.core import BadInput
from solver.registry import unknown


@dataclass(frozen=True)
class Constant:
    """α = α₀."""

    def __call__(self, alpha: float, t: float, whole: float) -> float:
        return alpha


@dataclass(frozen=True)
class Step:
    """α = α₀ · factor^⌊t/every⌋ (as in Krizhevsky 2012, divided by 10; PyTorch's StepLR)."""

    every: float = 10
    factor: float = 0.1

    def __call__(self, alpha: float, t: float, whole: float) -> float:
        return alpha * self.factor ** math.floor(t / self.every)


@dataclass(frozen=True)
class TimeBased:
    """α = α₀/(1 + k t) (Robbins and Monro 1951; CS231n, "1/t decay")."""

    k: float = 0.1

    def __call__(self, alpha: float, t: float, whole: float) -> float:
        return alpha / (1 + self.k * t)


@dataclass(frozen=True)
class Exponential:
    """α = α₀ e^(−k t) (CS231n; PyTorch's ExponentialLR with γ = e^(−k))."""

    k: float = 0.1

    def __call__(self, alpha: float, t: float, whole: float) -> float:
        return alpha * math.exp(-self.k * t)


@dataclass(frozen=True)
class Cosine:
    """α = least + (α₀ − least)(1 + cos(π t/T))/2 (arXiv:1608.03983, eq. 5, no restarts)."""

    least: float = 0

    def __call__(self, alpha: float, t: float, whole: float) -> float:
        share = (1 + math.cos(math.pi * t / whole)) / 2
        return self.least + (alpha - self.least) * share


Shape = Constant | Step | TimeBased | Exponential | Cosine
SCHEDULES: dict[str, Callable[..., Shape]] = {
    "constant": Constant,
    "step": Step,
    "time": TimeBased,
    "exponential": Exponential,
    "cosine": Cosine,
}


@dataclass(frozen=True)
class Schedule:
    """A shape after a linear warm-up: α = α₀ (t + 1)/(warm + 1) while t < warm.

    Behind it the shape begins, with the epochs that are left (arXiv:1706.02677, 2.2).
    """

    shape: Shape = Constant()
    warm: int = 0

    def __call__(self, alpha: float, t: float, whole: float) -> float:
        if t < self.warm:
            return alpha * (t + 1) / (self.warm + 1)
        return self.shape(alpha, t - self.warm, max(whole - self.warm, 1))


def read_schedule(text: str, warm: int = 0) -> Schedule:
    """`step:10,0.1`, `time:0.1`, `exponential:0.05`, `cosine`, `cosine:0.0001`."""
    name, _, rest = text.strip().partition(":")
    if name not in SCHEDULES:
        raise unknown("schedule (--schedule)", name, list(SCHEDULES))
    if warm < 0:
        raise BadInput(f"a warm-up has 0 epochs or more, not {warm}")
    make = SCHEDULES[name]
    names = [f.name for f in fields(make)]  # type: ignore[arg-type]
    given = [part.strip() for part in rest.split(",")] if rest.strip() else []
    if len(given) > len(names):
        takes = ",".join(n.upper() for n in names) or "nothing"
        raise BadInput(f"{name} takes {takes}, not {rest.strip()}")
    values = {n: number(f"{name}'s {n}", v) for n, v in zip(names, given)}
    return Schedule(make(**values), warm)


def number(what: str, text: str) -> float:
    """A finite number, not negative; above 0 where it divides."""
    try:
        found = float(text)
    except ValueError:
        raise BadInput(f"{what} is a number, not {text!r:.40}") from None
    if not math.isfinite(found) or found < 0 or (found == 0 and "every" in what):
        raise BadInput(f"{what} cannot be {text}")
    return found
