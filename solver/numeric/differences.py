"""Backpropagation held against central differences, entry by entry, as a gradient check.

`check` draws weights, an input and a target from a seed, and compares. An entry is said
to agree only where the comparison could have failed: what says nothing is told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.networks.layers import Layer, show_shape
from solver.numeric import losses
from solver.numeric.backward import pulled
from solver.numeric.forward import random_weights, step
from solver.numeric.leaves import Held
from solver.numeric.plain import Array

CLOSE = 1e-4  # relative error up to which two values agree
WRONG = 1.001  # by what a gradient is made wrong, to see that this is noticed
CURVED = 1e-5  # relative change of the slope within h from which on it is a kink
SIGMAS = 8  # how many deviations of the rounding noise a difference may be off
DIRECTIONS = (1e-6, 1e-7, 1e-8)  # steps of the check along directions


@dataclass(frozen=True)
class Entry:
    """One entry's derivative, by backpropagation and by differences.

    `noise` is how far rounding may put the difference off; `kinked`, whether the slope
    changes between x − h and x + h; `limit`, the difference extrapolated to h → 0.
    """

    at: tuple[int, ...]
    backprop: float
    numeric: float
    noise: float
    kinked: bool = False
    limit: float = 0.0

    @property
    def scale(self) -> float:
        return max(abs(self.backprop), abs(self.numeric))

    @property
    def error(self) -> float:
        """|a − b|/max(|a|, |b|); of two zeros it is undefined, and not asked for."""
        return abs(self.backprop - self.numeric) / self.scale

    @property
    def verdict(self) -> str:
        """agrees or differs; or why it says nothing: zero, kink, small."""
        if self.scale <= self.noise:
            return "zero"
        if self.kinked:
            return "kink"
        if abs(self.backprop - self.numeric) > CLOSE * self.scale + self.noise:
            return "differs"
        if self.noise > CLOSE * self.scale:
            return "small"  # rounding hides whether it is off by as much as CLOSE
        return "agrees"

    @property
    def bent(self) -> bool:
        """Whether it differs by the length of the step alone: with none it would agree."""
        apart = abs(self.backprop - self.limit)
        return (
            self.verdict == "differs" and apart <= CLOSE * self.scale + 3 * self.noise
        )


@dataclass(frozen=True)
class Tensor:
    """A tensor's compared entries."""

    name: str
    shape: tuple[int, ...]
    entries: tuple[Entry, ...]

    def of(self, *verdicts: str) -> list[Entry]:
        return [e for e in self.entries if e.verdict in verdicts]

    @property
    def worst(self) -> Entry | None:
        """The entry with the largest relative error, of those that say something."""
        return max(self.of("agrees", "differs"), key=lambda e: e.error, default=None)

    @property
    def verdict(self) -> str:
        if self.of("differs"):
            return "differs"
        return "agrees" if self.of("agrees") else "says nothing"

    def spoilt(self) -> Tensor:
        """The same, the gradient wrong by 0.1 %."""
        entries = (replace(e, backprop=WRONG * e.backprop) for e in self.entries)
        return replace(self, entries=tuple(entries))


@dataclass(frozen=True)
class Compared:
    """All tensors compared, the loss, and whether the differences along directions,
    which move all entries at once, are what the gradients say."""

    loss: float
    output: tuple[int, ...]
    tensors: tuple[Tensor, ...]
    along: bool
    noise: float


def check(
    layer: Layer,
    shape: Any,
    *,
    loss: str,
    seed: int = 0,
    classes: int = 0,
    avoid: int | None = None,
    **how: Any,
) -> Compared:
    """`compare` on seeded weights, input and target.

    If `classes` is not 0 the input holds indices below it, other than `avoid`.
    """
    random = np.random.default_rng(seed)
    x: Array = random.normal(size=shape)
    if classes:
        rows = [i for i in range(classes) if i != avoid]
        if not rows:
            raise BadInput(
                "the embedding's only row is the padding's, which is not learned"
            )
        x = random.choice(rows, size=shape)
    weights = random_weights(layer, shape, seed=seed + 1)
    return compare(layer, x, weights, loss=loss, seed=seed, **how)


def compare(
    layer: Layer,
    x: Array,
    weights: Mapping[str, Array],
    target: Any = None,
    *,
    loss: str,
    entries: int,
    h: float,
    seed: int = 0,
    training: bool = False,
) -> Compared:
    """Every tensor's gradient compared on at most `entries` entries; the weights change
    meanwhile, and are put back. Without a target one is drawn that fits the output."""
    random = np.random.default_rng(seed + 2)
    y, back = pulled(layer, x, weights=weights, training=training, seed=seed)
    if isinstance(y, tuple):
        raise BadInput("the network gives several tensors: a loss takes one")
    if not y.size:
        raise BadInput(f"the output is empty: {show_shape(y.shape)}")
    if loss == "cross-entropy" and y.ndim < 2:
        shown = show_shape(y.shape)
        raise BadInput(f"cross-entropy takes N×classes, not {shown}: take another loss")
    target = losses.random_target(loss, y, random) if target is None else target
    value, slope = losses.loss(loss, y, target)
    (of_x,), of_weights = back(slope)
    gradients = of_weights if of_x is None else {**of_weights, "input": of_x}
    moved: dict[str, Array] = {**weights, "input": x}

    def evaluate() -> float:
        """The loss as the tensors now stand."""
        held = Held(moved, np.random.default_rng(seed), training)
        return float(losses.loss(loss, step(layer, held, moved["input"]), target)[0])

    if not all(np.isfinite(a).all() for a in (value, *gradients.values())):
        raise BadInput("the loss or a gradient is not finite at this seed: try another")
    sigma = rounding(evaluate, moved, list(gradients), random)
    tensors = []
    for name, gradient in gradients.items():
        found = (
            compared(evaluate, moved[name], gradient, at, float(value), h, sigma)
            for at in drawn(gradient, entries, random)
        )
        tensors.append(Tensor(name, gradient.shape, tuple(found)))
    along = directions(evaluate, moved, gradients, sigma, random)
    return Compared(float(value), y.shape, tuple(tensors), along, sigma)


def drawn(
    gradient: Array, entries: int, random: np.random.Generator
) -> list[tuple[int, ...]]:
    """Which entries are compared: all of a small tensor, else a seeded draw.

    Where backprop says 0 a gradient may be missing, but mostly there is nothing to see:
    a quarter of the draw is from there, the rest from where it is not 0.
    """
    flat = gradient.ravel()
    there, zeros = (
        random.permutation(np.flatnonzero(m)) for m in (flat != 0, flat == 0)
    )
    few = max(entries // 4, entries - len(there))
    chosen = [*zeros[:few], *there[: entries - min(few, len(zeros))]]
    return [
        tuple(map(int, np.unravel_index(i, gradient.shape))) for i in sorted(chosen)
    ]


def rounding(
    evaluate: Callable[[], float],
    moved: dict[str, Array],
    names: Sequence[str],
    random: np.random.Generator,
) -> float:
    """The deviation of the loss by rounding alone, measured.

    Along a line so short that the loss is straight on it, second differences are noise,
    √6 times as large as the noise of one value (Moré and Wild 2011, ECnoise).
    """
    line = {n: 1e-12 * random.normal(size=moved[n].shape) for n in names}
    start = dict(moved)
    found = []
    for k in range(9):
        moved |= {n: start[n] + k * line[n] for n in names}
        found.append(evaluate())
    moved |= start
    seconds = np.diff(found, 2)
    least = np.finfo(float).eps * max(abs(found[0]), 1e-3)
    return max(sqrt(float((seconds**2).mean()) / 6), float(least))


def compared(
    evaluate: Callable[[], float],
    tensor: Array,
    gradient: Array,
    at: tuple[int, ...],
    middle: float,
    h: float,
    sigma: float,
) -> Entry:
    """One entry moved by h and h/2 to both sides, and by h/4 in doubt: see `smooth`."""
    old = tensor[at]
    central: list[float] = []  # the central differences, and the gaps between one-sided
    gaps: list[float] = []

    def move(by: float) -> None:
        ends = []
        for sign in (1, -1):
            tensor[at] = old + sign * by
            ends.append(evaluate())
        tensor[at] = old
        central.append((ends[0] - ends[1]) / (2 * by))
        gaps.append((ends[0] - 2 * middle + ends[1]) / by)

    move(h)
    move(h / 2)
    noise = SIGMAS * sigma / h
    limit = CURVED * max(map(abs, central)) + 4 * noise
    kinked = False
    if abs(central[0] - central[1]) > limit or abs(2 * gaps[1] - gaps[0]) > limit:
        move(h / 4)
        kinked = not smooth(central, gaps, 16 * noise)
    # Of D(h) = f′ + c·h² + …, Richardson's extrapolation (4·D(h/2) − D(h))/3 has no h².
    extrapolated = (4 * central[1] - central[0]) / 3
    return Entry(at, float(gradient[at]), central[0], noise, kinked, extrapolated)


def smooth(central: Sequence[float], gaps: Sequence[float], noise: float) -> bool:
    """Whether there is no kink between x − h and x + h, from steps of h, h/2 and h/4.

    If there is none, what the central differences change by is h²·f‴/8, a quarter at each
    halving; and the gaps, f″·h, are halved but for h³·f⁗/16, an eighth at each halving.
    """
    turns = central[0] - central[1], central[1] - central[2]
    bends = 2 * gaps[1] - gaps[0], 2 * gaps[2] - gaps[1]
    return all(
        abs(second - first * share) <= abs(first) / 20 + noise
        for (first, second), share in ((turns, 1 / 4), (bends, 1 / 8))
    )


def directions(
    evaluate: Callable[[], float],
    moved: dict[str, Array],
    gradients: Mapping[str, Array],
    sigma: float,
    random: np.random.Generator,
) -> bool:
    """Whether the slope along the gradient is its length, and along a seeded direction
    the product with it: every entry of every tensor takes part.

    Tried with smaller and smaller steps, for a long one may cross a kink.
    """
    length = sqrt(sum(float((g * g).sum()) for g in gradients.values()))
    ways = [{n: random.normal(size=g.shape) for n, g in gradients.items()}]
    if length:
        ways.append({n: g / length for n, g in gradients.items()})
    start = dict(moved)

    def agrees(way: Mapping[str, Array], h: float) -> bool:
        ends = []
        for sign in (1, -1):
            moved.update({n: start[n] + sign * h * v for n, v in way.items()})
            ends.append(evaluate())
        moved.update(start)
        wanted = sum(float((gradients[n] * v).sum()) for n, v in way.items())
        apart = abs((ends[0] - ends[1]) / (2 * h) - wanted)
        return apart <= CLOSE * length + SIGMAS * sigma / h

    return all(any(agrees(way, h) for h in DIRECTIONS) for way in ways)
