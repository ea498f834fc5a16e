"""What students get wrong about counts, as wrong solvers; see mistakes_shapes.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from solver.expressions.formula import settle
from solver.expressions.nodes import Expr, plus, times, tree
from solver.kinds import mistake
from solver.kinds.count import connections, macs, param_tree, params
from solver.kinds.count_tables import UNITS, memory
from solver.kinds.nets import pick, run
from solver.networks.layers import Layer, Row
from solver.values import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Given = Mapping[str, Any]

PerRow = Callable[[Row], "Expr | int | None"]


def rows_of(given: Given) -> list[Row]:
    """The layers that a count is about."""
    every = run(given["net"], given.get("input"), given.get("batch"))
    return pick(every, given.get("layer", ()))


def right_params(row: Row, given: Given, bias: bool | None = None) -> Any:
    """A row's parameters as the question counts them, its biases counted or not."""
    bias = given.get("bias", True) if bias is None else bias
    norm, stats = given.get("norm", True), given.get("stats", False)
    return settle(param_tree(row.layer, row.inputs, bias, norm, stats))


def recounted(given: Given, each: PerRow) -> Any:
    """The parameters where `each` counts a row wrong, or right where it says None; None if
    no row lets the mistake be made."""
    rows = rows_of(given)
    wrong = [each(row) for row in rows]
    if all(w is None for w in wrong):
        return None
    counted = (right_params(r, given) if w is None else w for r, w in zip(rows, wrong))
    return settle(plus(*counted))


def is_conv(one: Layer) -> bool:
    """Whether a layer is a plain convolution."""
    return type(one).__name__ == "Conv"


def has_bias(row: Row, given: Given) -> bool:
    """Whether a row has biases that count."""
    return given.get("bias", True) and any("bias" in k for k in row.layer.weights(*row.inputs))


@mistake("count params")
def bias_omitted(**given: Any) -> Any:
    """The biases are missing: each filter or unit has one, and here they count."""
    return params(**{**given, "bias": False}).value


@mistake("count params", "count weights")
def bias_included_despite_instruction(**given: Any) -> Any:
    """The biases are counted, which was not asked for here."""
    return params(**{**given, "bias": True}).value


@mistake("count params")
def one_bias_per_layer(**given: Any) -> Any:
    """One bias for the whole layer is counted: there is one for each filter or unit."""
    return recounted(
        given,
        lambda row: right_params(row, given, bias=False) + 1 if has_bias(row, given) else None,
    )


@mistake("count params")
def input_channels_forgotten(**given: Any) -> Any:
    """The input channels are forgotten: every filter has a kernel for each of them."""

    def each(row: Row) -> Any:
        if not is_conv(row.layer):
            return None
        filters, _, *kernel = row.layer.weights(*row.inputs)["weight"]
        return plus(times(filters, *kernel), filters if has_bias(row, given) else 0)

    return recounted(given, each)


@mistake("count params")
def bias_per_input_channel(**given: Any) -> Any:
    """A bias is counted for each input channel as well: a filter has just one."""

    def each(row: Row) -> Any:
        if not is_conv(row.layer) or not has_bias(row, given):
            return None
        filters, channels, *kernel = row.layer.weights(*row.inputs)["weight"]
        return times(filters, channels, plus(times(*kernel), 1))

    return recounted(given, each)


@mistake("count params")
def bias_per_output_value(**given: Any) -> Any:
    """A bias is counted for each output value: all positions of a map share one."""

    def each(row: Row) -> Any:
        if not is_conv(row.layer) or not has_bias(row, given):
            return None
        return plus(right_params(row, given, bias=False), times(*row.out))

    return recounted(given, each)


@mistake("count params")
def connections_instead_of_parameters(**given: Any) -> Any:
    """These are the connections: all positions of a map share the same weights."""
    if not any(len(row.out) > 2 for row in rows_of(given)):
        return None  # a dense layer's weights are its connections
    taken = {k: v for k, v in given.items() if k not in ("norm", "stats")}
    return connections(**taken).value


@mistake("count params")
def grouped_conv_counted_full(**given: Any) -> Any:
    """The groups are ignored: each filter reads only the channels of its own group."""

    def each(row: Row) -> Any:
        if not is_conv(row.layer):
            return None
        filters, channels, *kernel = row.layer.weights(*row.inputs)["weight"]
        groups = row.layer.groups  # type: ignore[attr-defined]
        return plus(
            times(filters, channels, groups, *kernel), filters if has_bias(row, given) else 0
        )

    return recounted(given, each)


@mistake("count params")
def pooling_has_parameters(**given: Any) -> Any:
    """Weights are counted for pooling: it takes a maximum or a mean, and learns nothing."""

    def each(row: Row) -> Any:
        if type(row.layer).__name__ != "Pool":
            return None
        kernel = (k for k, _, _, _ in row.layer.axes())  # type: ignore[attr-defined]
        return times(row.out[1], *kernel)

    return recounted(given, each)


@mistake("count params")
def bn_running_stats_as_trainable(**given: Any) -> Any:
    """The running means and variances are counted: they are stored, not learned."""
    return params(**{**given, "stats": True}).value


@mistake("count params")
def norms_forgotten(**given: Any) -> Any:
    """The norms are forgotten: each channel learns a scale γ and a shift β."""
    return params(**{**given, "norm": False}).value


@mistake("count params")
def flatten_ignores_channels(**given: Any) -> Any:
    """The channels are lost in flattening: c maps of h by w give c·h·w inputs."""
    rows = run(given["net"], given.get("input"))
    inputs: dict[str, Any] = {}
    for before, row in zip(rows, rows[1:]):
        names = type(before.layer).__name__, type(row.layer).__name__
        if names == ("Flatten", "Linear") and len(before.inputs[0]) == 4:
            inputs[row.name] = times(*before.inputs[0][2:])

    def each(row: Row) -> Any:
        if row.name not in inputs:
            return None
        units = row.out[-1]
        return plus(times(inputs[row.name], units), units if has_bias(row, given) else 0)

    return recounted(given, each)


def other_unit(kind: str, doc: str) -> None:
    """Register multiply-adds for FLOPs, or FLOPs for multiply-adds."""

    def flops_macs_factor_two(**given: Any) -> Any:
        found = macs(**{k: v for k, v in given.items() if k != "include"}).value
        return settle(times(2, found)) if kind == "count macs" else found

    flops_macs_factor_two.__doc__ = doc
    mistake(kind)(flops_macs_factor_two)


other_unit("count macs", "These are FLOPs: here a multiplication with its addition counts once.")
other_unit(
    "count flops",
    "These are multiply-adds: here the multiplication and the addition count one each.",
)


@mistake("count macs")
def macs_with_input_size(**given: Any) -> Any:
    """The input's size is used: a product is made for each output position."""

    def each(row: Row) -> Any:
        if not is_conv(row.layer):
            return row.layer.macs(row.inputs, row.out)
        batch, _, *sides = row.inputs[0]
        return times(batch, *row.layer.weights(*row.inputs)["weight"], *sides)

    counted = [each(row) for row in rows_of(given)]
    return settle(plus(*(c for c in counted if c is not None)))


@mistake("count macs")
def macs_are_parameters(**given: Any) -> Any:
    """These are the weights: each is used once for every output position."""
    taken = {k: v for k, v in given.items() if k in ("net", "layer", "input")}
    return params(**taken, bias=False, norm=False).value


@mistake("count activations")
def activations_without_channels(**given: Any) -> Any:
    """The channels are missing: every one of them is a whole map of values."""
    rows = rows_of(given)
    if len(rows) != 1 or len(rows[0].out) != 4:
        return None
    batch, _, *sides = rows[0].out
    return settle(times(batch, *sides))


@mistake("count memory")
def unit_confused(**given: Any) -> Any:
    """The unit is confused: 1 MiB is 1,048,576 bytes, 1 MB is 1,000,000."""
    swapped = {"MB": "MiB", "KiB": "kB", "GB": "GiB"}
    other = (swapped | {v: k for k, v in swapped.items()}).get(given.get("unit", "MiB"))
    return memory(**{**given, "unit": other}).value if other in UNITS else None


def other_size(doc: str, dtype: str = "", by: int = 1) -> None:
    """Register memory with another number of bytes a value, or in bits."""

    def unit_confused(**given: Any) -> Any:
        return scaled(memory(**{**given, **({"dtype": dtype} if dtype else {})}).value, by)

    unit_confused.__doc__ = doc
    mistake("count memory")(unit_confused)


other_size("These are bits: a byte has 8 of them.", by=8)
other_size("One byte a value is counted: the numbers of this type take more.", "int8")
other_size(
    "Two bytes a value are counted: that is half precision, which was not asked for.", "float16"
)


def scaled(sizes: Record, by: int) -> Record:
    """Every entry of a record, so many times as large."""
    return Record({k: settle(tree(v) * by) for k, v in sizes.items()})
