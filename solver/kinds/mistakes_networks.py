"""What students get wrong about the layers inside a network, as wrong solvers.

The slips of a single layer's shape and count, made at the layer that is asked about with
all before it right, or made at every layer on the way; see mistakes_shapes.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps

from solver.expressions.formula import Formula, settle
from solver.expressions.nodes import times
from solver.kinds import mistake
from solver.kinds import mistakes_counts as counts
from solver.kinds.mistakes_shapes import SIZES, entry, resized
from solver.kinds.nets import pick, run, without_batch
from solver.networks.layers import Row
from solver.values import Listing, Shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Sizes = tuple[Any, ...]
    Slip = Callable[[Row, Sizes], "Sizes | None"]  # a row, what it is given -> its output

ASKING = ("shape net", "count layer")
WINDOWS = ("Conv", "Pool")


def sort(row: Row) -> str:
    """What a row's layer is: Conv, Pool, Flatten, …"""
    return type(row.layer).__name__


def about(given: dict[str, Any]) -> tuple[list[Row], int]:
    """The rows of a network, and where the one asked about stands."""
    rows = run(given["net"], given.get("input"), given.get("batch"))
    name = given.get("layer", "")
    return rows, rows.index(pick(rows, [name])[-1]) if name else len(rows) - 1


def answer(right: Any, given: dict[str, Any], sizes: Sizes | None) -> Any:
    """A wrong shape as the value, or as the one entry, that is asked for."""
    if sizes is None:
        return None
    shape = without_batch(sizes, given.get("batch"))
    return shape if isinstance(right, Shape) else entry(right, shape=shape)


def here(name: str, doc: str, slip: Slip) -> None:
    """Register a slip at the layer asked about, what comes before it being right."""

    def wrong(right: Any, **given: Any) -> Any:
        rows, at = about(given)
        return answer(right, given, slip(rows[at], rows[at].inputs[0]))

    wrong.__name__, wrong.__doc__ = name, doc
    mistake(*ASKING)(wrong)


def all_along(name: str, doc: str, slip: Slip) -> None:
    """Register a slip at every layer up to the one asked about, or to each of several."""

    def wrong(right: Any, **given: Any) -> Any:
        rows, at = about(given)
        found = slipped(rows[: at + 1], slip)
        if not found or found[-1] == slip(rows[at], rows[at].inputs[0]):
            return None  # the same as at this layer alone
        return answer(right, given, found[-1])

    def traced(right: Any, **given: Any) -> Any:
        rows = run(given["net"], given.get("input"))
        chosen = [rows.index(pick(rows, [n])[-1]) for n in given.get("layers", ())]
        places = chosen or list(range(len(rows)))
        found = slipped(rows[: max(places) + 1], slip)
        return Listing(without_batch(found[i], None) for i in places) if found else None

    for function in (wrong, traced):
        function.__name__, function.__doc__ = name, doc
    mistake(*ASKING)(wrong)
    mistake("shape trace")(traced)


def slipped(rows: Sequence[Row], slip: Slip) -> list[Sizes]:
    """The output of each row when all make the slip that can; [] if none can, or if the
    network parts into several paths."""
    found: list[Sizes] = []
    sizes, before, made = rows[0].inputs[0], rows[0].inputs[0], False
    for row in rows:
        if row.inputs != (before,):
            return []
        wrong = slip(row, sizes)
        made = made or wrong is not None
        sizes = row.layer.out(sizes) if wrong is None else wrong
        before = row.out
        found.append(sizes)
    return found if made else []


# -- sizes --------------------------------------------------------------------------------


def by_formula(formula: Formula, needs: str) -> Slip:
    """A wrong size formula, at convolutions and poolings that round down."""

    def slip(row: Row, sizes: Sizes) -> Sizes | None:
        one: Any = row.layer
        if sort(row) not in WINDOWS or getattr(one, "ceil_mode", False):
            return None
        if needs == "padding" and all(p == 0 for _, _, p, _ in one.axes()):
            return None
        found = resized(one, sizes, formula)
        return found if all(not isinstance(n, int) or n > 0 for n in found) else None

    return slip


for name_, formula_, doc_, needs_ in SIZES:
    if needs_ != "ceil_mode":
        here(name_, doc_, by_formula(formula_, needs_))
        if name_ != "floor_forgotten":  # half a size goes into no further layer
            all_along(name_, doc_, by_formula(formula_, needs_))


def with_channels(row: Row, sizes: Sizes, channels: Any) -> Sizes:
    """The row's output with another number of channels."""
    return (row.out[0], channels, *row.out[2:])


here(
    "channels_from_input",
    "These are the input's channels: the output has one channel for each filter.",
    lambda row, sizes: with_channels(row, sizes, sizes[1]) if sort(row) == "Conv" else None,
)
here(
    "channels_multiplied",
    "The channels are multiplied: each filter reads all input channels and gives one output.",
    lambda row, sizes: with_channels(row, sizes, settle(times(sizes[1], row.out[1])))
    if sort(row) == "Conv"
    else None,
)


def halved(row: Row, sizes: Sizes) -> Sizes | None:
    """As many channels fewer as the sides are."""
    if sort(row) != "Pool":
        return None
    stride = row.layer.axes()[0][1]  # type: ignore[attr-defined]
    if not isinstance(sizes[1], int) or not isinstance(stride, int) or sizes[1] % stride:
        return None
    return with_channels(row, sizes, sizes[1] // stride)


here(
    "pooling_halves_channels",
    "Pooling works inside each channel: the number of channels stays the same.",
    halved,
)
here(
    "flatten_ignores_channels",
    "The channels are lost in flattening: c maps of h by w give c·h·w values.",
    lambda row, sizes: (sizes[0], settle(times(*sizes[2:])))
    if sort(row) == "Flatten" and len(sizes) == 4
    else None,
)


# -- weights, biases left out -------------------------------------------------------------


def of_weights(wrong: Callable[..., Any]) -> None:
    """Register a slip in counting parameters for weights, alone or beside other facts."""

    @wraps(wrong)
    def alone(**given: Any) -> Any:
        return wrong(**given, bias=False)

    @wraps(wrong)
    def beside(right: Any, **given: Any) -> Any:
        rows, at = about(given)
        chosen = {"net": given["net"], "input": given.get("input")}
        found = wrong(**chosen, layer=(rows[at].name,), bias=False)
        return None if found is None else entry(right, weights=found)

    mistake("count weights")(alone)
    mistake("count layer")(beside)


for count in (
    counts.input_channels_forgotten,
    counts.connections_instead_of_parameters,
    counts.grouped_conv_counted_full,
    counts.pooling_has_parameters,
    counts.flatten_ignores_channels,
):
    of_weights(count)


@mistake("count layer")
def bias_included_despite_instruction(right: Any, **given: Any) -> Any:
    """The biases are counted among the weights, which was not asked for here."""
    rows, at = about(given)
    chosen = {"net": given["net"], "input": given.get("input")}
    return entry(right, weights=counts.params(**chosen, layer=(rows[at].name,)).value)
