"""One convolution measured: time and error of ours and PyTorch's, forward and gradients.

A weight is prepared once, before the clock runs. Ours writes its output into an array that
it is given, where it takes one; PyTorch makes a new one, for it takes none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from solver.numeric.convolution.operator import Convolution
from solver.numeric.convolution.rules import choose
from tests.bench_blocks import Pace, blocks
from tests.bench_convolution_layers import TOY, Case

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    torch = None

WAYS = ("forward", "by input", "by weight")
MASKS = {"by input": [True, False, False], "by weight": [False, True, False]}
MOST = 2_000_000_000  # multiply-adds of the reference; of more only the first image is held
Call = Callable[[], Any]


@dataclass
class Way:
    """Milliseconds of one way through a convolution, its error and PyTorch's."""

    ms: float
    exact_ms: float | None = None
    torch_ms: float | None = None
    error: float = 0.0
    torch_error: float | None = None
    error64: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours to PyTorch's."""
        return self.ms / self.torch_ms if self.torch_ms else None

    @property
    def exact_ratio(self) -> float | None:
        """The exact mode's to PyTorch's."""
        return (
            self.exact_ms / self.torch_ms if self.torch_ms and self.exact_ms else None
        )


@dataclass
class Measured:
    """A convolution, the rules that were chosen for its forward pass, and its times."""

    case: Case
    rule: str
    exact_rule: str
    ways: dict[str, Way] = field(default_factory=dict)

    def gflops(self, way: str) -> float:
        """10⁹ FLOP a second of ours, two a multiply-add."""
        return 2 * self.case.macs / self.ways[way].ms / 1e6

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        found: dict[str, Any] = {**asdict(self.case), "macs": self.case.macs}
        found |= {"rule": self.rule, "exact rule": self.exact_rule}
        for name, way in self.ways.items():
            more = {
                "ratio": way.ratio,
                "exact_ratio": way.exact_ratio,
                "gflops": self.gflops(name),
            }
            found[name] = asdict(way) | more
        return found


def measure(
    case: Case, threads: int, pace: Pace, references: dict[Case, Any]
) -> Measured:
    """Every way through one convolution; references are kept for other numbers of threads."""
    arrays = case.arrays()
    rule, exact_rule = (
        choose(task_of(case, arrays[0]), exact)[0] for exact in (False, True)
    )
    mine = ours(case, threads, arrays)
    exact = (
        ours(case, threads, arrays, exact=True)["forward"]
        if rule != exact_rule
        else None
    )
    theirs = torchs(case, arrays) if torch is not None else {}
    errors = errors_of(case, mine, theirs, references)
    found = Measured(case, rule, exact_rule)
    for way in WAYS:
        sides: dict[str, Call] = {"torch": theirs[way]} if theirs else {}
        sides["ours"] = mine[way]
        if way == "forward" and exact is not None:
            sides["exact"] = exact
        ms = {name: 1e3 * seconds for name, seconds in blocks(sides, pace).items()}
        exact_ms = ms.get("exact", ms["ours"]) if way == "forward" else None
        found.ways[way] = Way(ms["ours"], exact_ms, ms.get("torch"), *errors[way])
    return found


def task_of(case: Case, x: np.ndarray) -> Any:
    """What the rules choose by."""
    like = np.broadcast_to(x.dtype.type(0), case.weight)
    return Convolution(like, **case.how).geometry.task(x, case.maps)


def ours(case: Case, threads: int, arrays: Any, exact: bool = False) -> dict[str, Call]:
    """Our calls. The toy's is for its overhead: nothing is asked for but the output."""
    x, w, g = arrays
    small = case.network == TOY
    one = Convolution(w, **case.how, exact=exact, threads=None if small else threads)
    out = None if small else np.empty(case.out, x.dtype)
    sides = case.input[2:]
    return {
        "forward": (lambda: one(x)) if small else (lambda: one(x, out)),
        "by input": lambda: one.by_input(g, sides),
        "by weight": lambda: one.by_weight(x, g),
    }


def torchs(case: Case, arrays: Any) -> dict[str, Call]:
    """PyTorch's calls."""
    x, w, g = map(torch.from_numpy, arrays)
    how: Any = case.how
    back = torch.ops.aten.convolution_backward
    geometry = (None, case.stride, case.padding, (1, 1), False, (0, 0), case.groups)
    by_input, by_weight = MASKS["by input"], MASKS["by weight"]
    return {
        "forward": lambda: F.conv2d(x, w, **how),
        "by input": lambda: back(g, x, w, *geometry, by_input)[0],
        "by weight": lambda: back(g, x, w, *geometry, by_weight)[1],
    }


# -- errors --------------------------------------------------------------------------


def reference_name() -> str:
    """By what the errors are found."""
    return "PyTorch in float64" if torch is not None else "the exact mode in float64"


def seen(case: Case) -> int:
    """How many images of the batch the reference computes."""
    return case.input[0] if case.macs <= MOST else 1


def part_of(case: Case, images: int) -> Case:
    """The convolution of the first images only."""
    shapes = {"input": (images, *case.input[1:]), "out": (images, *case.out[1:])}
    return replace(case, **shapes)


def reference(case: Case) -> dict[str, tuple[np.ndarray, float | None]]:
    """Each way in float64, and the error of our float64 against it.

    Without PyTorch our own float64 is the reference, and has no error to tell of.
    """
    arrays = case.arrays(np.float64)
    mine = {way: run() for way, run in ours(case, 1, arrays, exact=True).items()}
    if torch is None:
        return {way: (found, None) for way, found in mine.items()}
    true = {way: run().numpy() for way, run in torchs(case, arrays).items()}
    return {way: (true[way], off(mine[way], true[way])) for way in WAYS}


def errors_of(
    case: Case,
    mine: dict[str, Call],
    theirs: dict[str, Call],
    references: dict[Case, Any],
) -> dict[str, tuple[float, float | None, float | None]]:
    """(error, PyTorch's error, float64's error) of each way, as timed.

    The gradient by the weight sums over the images: where only some are seen, those alone
    are given to it.
    """
    n = seen(case)
    part = part_of(case, n)
    if part not in references:
        references[part] = reference(part)
    found = {}
    for way in WAYS:
        true, error64 = references[part][way]
        errors = []
        for side in (mine, theirs):
            if not side:
                errors.append(None)
            elif way == "by weight" and n < case.input[0]:
                arrays = case.arrays()
                arrays[2][n:] = 0
                side = torchs(case, arrays) if side is theirs else ours(case, 1, arrays)
                errors.append(off(side[way](), true))
            else:
                errors.append(off(side[way]()[: len(true)], true))
        found[way] = (*errors, error64)
    return found


def off(found: Any, true: np.ndarray) -> float:
    """The largest |found − true| by the largest |true|."""
    return float(
        np.abs(np.asarray(found, np.float64) - true).max() / np.abs(true).max()
    )
