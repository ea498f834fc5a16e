"""Times of calls that take turns in blocks: some of one, a pause, some of the next.

BLAS's and OpenMP's idle threads spin for a while and take the other's processor, so calls
are not alternated one by one: each block begins after a pause with a call that is thrown
away.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

FEWEST, LONG = 3, 0.1  # blocks of calls that take this many seconds or more
SAMPLE = 2e-4  # seconds that are timed at once at least: short calls are repeated in it


@dataclass(frozen=True)
class Pace:
    """How long to measure: blocks of each side, seconds and calls a block, pause before it."""

    blocks: int = 3
    seconds: float = 0.03
    least: int = 1
    most: int = 30
    pause: float = 0.13  # OpenBLAS's threads wait so long by spinning

    def calls(self, once: float) -> tuple[int, int]:
        """Samples a block, and calls a sample, of something that takes this long."""
        inner = max(1, int(SAMPLE / max(once, 1e-7)))
        wanted = int(self.seconds / max(inner * once, 1e-7))
        return max(self.least, min(self.most, wanted)), inner


def blocks(sides: Mapping[str, Callable[[], object]], pace: Pace) -> dict[str, float]:
    """The median seconds of one call of each side, over its blocks."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    plans: dict[str, tuple[int, int]] = {}
    longest = 0.0
    for i in range(pace.blocks):
        if i >= FEWEST and longest > LONG:
            break
        for name, run in sides.items():
            time.sleep(pace.pause)
            run()
            if name not in plans:
                once = sample(run, 1)
                longest = max(longest, once)
                plans[name] = pace.calls(once)
            rounds, inner = plans[name]
            found[name] += [sample(run, inner) for _ in range(rounds)]
    return {name: statistics.median(times) for name, times in found.items()}


def sample(run: Callable[[], object], inner: int) -> float:
    """Seconds of one call, of so many timed at once."""
    begun = time.perf_counter()
    for _ in range(inner):
        run()
    return (time.perf_counter() - begun) / inner
