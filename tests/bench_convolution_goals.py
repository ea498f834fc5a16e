"""What `make bench-conv` holds its numbers against, and whether they are met."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any

from tests.bench_convolution_calls import WAYS, Measured
from tests.bench_convolution_layers import TOY, Group

FORWARD = {1: 0.6, 2: 0.8}  # geometric mean of all layers, by threads
SLOWEST, BACK, SMALL, APART = 2.0, 0.8, 1.0, 4.0
NETWORKS = {("vgg16", 1): 0.65, ("vgg16", 8): 0.45}  # at two threads
ERROR, ERROR64 = 1e-4, 1e-12


@dataclass(frozen=True)
class Goal:
    """A number that was found, and the most that it should be; either may be lacking."""

    what: str
    value: float | None
    bound: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether it is; None where there is nothing to hold against each other."""
        if self.value is None or self.bound is None:
            return None
        return self.value <= self.bound

    def line(self) -> str:
        """As it is printed; more digits where two would hide by how much it is missed."""
        said = {True: "met", False: "missed", None: ""}[self.met]
        if self.value is None:
            return f"{self.what:56}{'-':>8}"
        bound = "" if self.bound is None else f"≤ {self.bound:g}"
        value = (
            f"{self.value:.2f}"
            if self.value >= 0.01 or not self.value
            else f"{self.value:.0e}"
        )
        if self.met is False and float(value) <= (self.bound or 0):
            value = f"{self.value:.4g}"
        return f"{self.what:56}{value:>8}{bound:>10}  {said}".rstrip()


def geometric(ratios: Sequence[float | None]) -> float | None:
    """The geometric mean; None if there is none, or one is lacking."""
    known = [r for r in ratios if r is not None]
    if not known or len(known) < len(ratios):
        return None
    return exp(sum(map(log, known)) / len(known))


def goals(
    found: dict[Group, list[Measured]], networks: list[Any], threads: int
) -> list[Goal]:
    """Every number of the summary."""
    return [
        *layer_goals(found, threads),
        *network_goals(networks, threads),
        *errors(found),
    ]


def layer_goals(found: dict[Group, list[Measured]], threads: int) -> Iterator[Goal]:
    """Means, the slowest, the toy, and what stands beside the means."""
    counted = [one for group, each in found.items() if group.counted for one in each]
    if counted:
        of = f"geometric mean of {len(counted)} layers"
        ratios = {
            way: geometric([one.ways[way].ratio for one in counted]) for way in WAYS
        }
        yield Goal(f"forward, {of}", ratios["forward"], FORWARD.get(threads))
        exact = geometric([one.ways["forward"].exact_ratio for one in counted])
        yield Goal(f"forward in the exact mode, {of}", exact)
        for way in WAYS[1:]:
            yield Goal(f"gradient {way}, {of}", ratios[way], BACK)
        for way in WAYS:
            yield slowest(counted, way, SLOWEST if way == "forward" else None)
    for one in counted:
        if one.case.network == TOY:
            yield Goal("the toy, forward", one.ways["forward"].ratio, SMALL)
    for group, each in found.items():
        if not group.counted:
            ratio = geometric([one.ways["forward"].ratio for one in each])
            yield Goal(
                f"{group.title}, forward, geometric mean",
                ratio,
                APART if group.depthwise else None,
            )
            if group.depthwise:
                yield slowest(each, "forward", APART, "depthwise, largest")


def slowest(
    each: list[Measured], way: str, bound: float | None, what: str = ""
) -> Goal:
    """The largest ratio, and whose it is."""
    what = what or f"largest {way}"
    known = [(r, one) for one in each if (r := one.ways[way].ratio) is not None]
    if not known:
        return Goal(what, None, bound)
    ratio, one = max(known, key=lambda pair: pair[0])
    return Goal(f"{what}: {one.case.network} {one.case.label}", ratio, bound)


def network_goals(networks: list[Any], threads: int) -> Iterator[Goal]:
    """Whole networks' time, and peak memory."""
    for one in networks:
        name, batch = one["network"], one["batch"]
        bound = NETWORKS.get((name, batch)) if threads == 2 else None
        yield Goal(f"{name} whole, batch {batch}", one.get("ratio"), bound)
        peaks = [one.get(side, {}).get("peak") for side in ("ours", "torch")]
        memory = peaks[0] / peaks[1] if all(peaks) else None
        yield Goal(f"{name} whole, batch {batch}, peak memory", memory)


def errors(found: dict[Group, list[Measured]]) -> Iterator[Goal]:
    """The largest relative errors of all layers, forward and gradients."""
    ways = [way for each in found.values() for one in each for way in one.ways.values()]
    if ways:
        yield Goal("largest error, float32", max(way.error for way in ways), ERROR)
        doubles = [way.error64 for way in ways if way.error64 is not None]
        yield Goal("largest error, float64", max(doubles, default=None), ERROR64)
        theirs = [way.torch_error for way in ways if way.torch_error is not None]
        yield Goal("largest error of PyTorch's, float32", max(theirs, default=None))
