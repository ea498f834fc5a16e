"""What students get wrong about counts, as wrong solvers; see mistakes.py."""

from __future__ import annotations

from collections.abc import Callable

from solver.expressions.formula import settle
from solver.expressions.nodes import Expr, Num, plus, times
from solver.kinds import mistake
from solver.kinds.count import param_tree, params
from solver.kinds.count_tables import UNITS, memory
from solver.kinds.nets import pick, run
from solver.networks.layers import Layer, Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.networks.net import Net

PerRow = Callable[[Row], "Expr | int | None"]


def counted(net: Net, names: Any, input: Any, each: PerRow) -> Any:
    """The total of a wrong count; None if no row lets the mistake be made."""
    values = [each(row) for row in pick(run(net, input), names or ())]
    if all(v is None for v in values):
        return None
    return settle(plus(*(v for v in values if v is not None)))


def is_conv(one: Layer) -> bool:
    """Whether a layer is a plain convolution."""
    return type(one).__name__ == "Conv"


def right_params(row: Row, bias: bool = True) -> Any:
    """A row's parameters as they are."""
    return settle(param_tree(row.layer, row.inputs, bias, True, False))


@mistake("count params")
def bias_omitted(net: Net, layer: Any = (), input: Any = None, bias: bool = True) -> Any:
    """The biases are missing: each filter or unit has one, and here they count."""
    return params(net, layer=layer, input=input, bias=False).value if bias else None


@mistake("count params", "count weights")
def bias_included_despite_instruction(
    net: Net, layer: Any = (), input: Any = None, bias: bool = False
) -> Any:
    """The biases are counted, which was not asked for here."""
    return None if bias else params(net, layer=layer, input=input).value


@mistake("count params")
def one_bias_per_layer(net: Net, layer: Any = (), input: Any = None, bias: bool = True) -> Any:
    """One bias for the whole layer is counted: there is one for each filter or unit."""

    def each(row: Row) -> Any:
        plain = right_params(row, bias=False)
        return plain + 1 if any("bias" in k for k in row.layer.weights(*row.inputs)) else plain

    return counted(net, layer, input, each) if bias else None


@mistake("count params")
def input_channels_forgotten(
    net: Net, layer: Any = (), input: Any = None, bias: bool = True
) -> Any:
    """The input channels are forgotten: every filter has a kernel for each of them."""

    def each(row: Row) -> Any:
        weights = row.layer.weights(*row.inputs)
        if not is_conv(row.layer):
            return right_params(row, bias)
        filters, _, *kernel = weights["weight"]
        one = 1 if bias and "bias" in weights else 0
        return plus(times(filters, *kernel), filters * one)

    rows = pick(run(net, input), layer or ())
    return counted(net, layer, input, each) if any(is_conv(r.layer) for r in rows) else None


@mistake("count params")
def bias_per_input_channel(net: Net, layer: Any = (), input: Any = None, bias: bool = True) -> Any:
    """A bias is counted for each input channel as well: a filter has just one."""

    def each(row: Row) -> Any:
        weights = row.layer.weights(*row.inputs)
        if not is_conv(row.layer) or "bias" not in weights:
            return right_params(row)
        filters, channels, *kernel = weights["weight"]
        return times(filters, channels, plus(times(*kernel), 1))

    rows = pick(run(net, input), layer or ())
    return counted(net, layer, input, each) if bias and any(map(is_conv, (r.layer for r in rows))) else None


@mistake("count params")
def bias_per_output_value(net: Net, layer: Any = (), input: Any = None, bias: bool = True) -> Any:
    """A bias is counted for each output value: all positions of a map share one."""

    def each(row: Row) -> Any:
        weights = row.layer.weights(*row.inputs)
        if not is_conv(row.layer) or "bias" not in weights:
            return right_params(row)
        return plus(right_params(row, bias=False), times(*row.out))

    return counted(net, layer, input, each) if bias else None


@mistake("count params")
def connections_instead_of_parameters(
    net: Net, layer: Any = (), input: Any = None, bias: bool = True
) -> Any:
    """These are the connections: all positions of a map share the same weights."""
    if not any(len(r.out) > 2 for r in pick(run(net, input), layer or ())):
        return None  # a dense layer's weights are its connections
    return counted(net, layer, input, lambda r: settle(
        r.layer.connections(r.inputs, r.out) if bias else r.layer.macs(r.inputs, r.out) or Num(0)))  # fmt: skip


@mistake("count params")
def grouped_conv_counted_full(net: Net, layer: Any = (), input: Any = None, bias: bool = True) -> Any:
    """The groups are ignored: each filter reads only the channels of its own group."""

    def each(row: Row) -> Any:
        if not is_conv(row.layer):
            return right_params(row, bias)
        filters, channels, *kernel = row.layer.weights(*row.inputs)["weight"]
        groups = row.layer.groups  # type: ignore[attr-defined]
        one = filters if bias and row.layer.bias else 0  # type: ignore[attr-defined]
        return plus(times(filters, channels, groups, *kernel), one)

    return counted(net, layer, input, each)


@mistake("count params")
def bn_running_stats_as_trainable(
    net: Net, layer: Any = (), input: Any = None, bias: bool = True, stats: bool = False
) -> Any:
    """The running means and variances are counted: they are stored, not learned."""
    return None if stats else params(net, layer=layer, input=input, bias=bias, stats=True).value


@mistake("count params")
def norms_forgotten(
    net: Net, layer: Any = (), input: Any = None, bias: bool = True, norm: bool = True
) -> Any:
    """The norms are forgotten: each channel learns a scale γ and a shift β."""
    return params(net, layer=layer, input=input, bias=bias, norm=False).value if norm else None


@mistake("count params")
def flatten_ignores_channels(net: Net, layer: Any = (), input: Any = None, bias: bool = True) -> Any:
    """The channels are lost in flattening: c maps of h by w give c·h·w inputs."""
    rows = run(net, input)
    wrong: dict[int, Any] = {}
    for before, row in zip(rows, rows[1:]):
        if type(before.layer).__name__ == "Flatten" and type(row.layer).__name__ == "Linear":
            if len(before.inputs[0]) == 4:
                wrong[id(row.layer)] = times(*before.inputs[0][2:])
    if not wrong:
        return None

    def each(row: Row) -> Any:
        if id(row.layer) not in wrong:
            return right_params(row, bias)
        units = row.out[-1]
        one = units if bias and row.layer.bias else 0  # type: ignore[attr-defined]
        return plus(times(wrong[id(row.layer)], units), one)

    return settle(plus(*(each(r) for r in pick(rows, layer or ()))))


@mistake("count macs")
def macs_doubled_to_flops(net: Net, layer: Any = (), input: Any = None, batch: Any = None) -> Any:
    """These are FLOPs: here a multiplication with its addition counts once."""
    rows = pick(run(net, input, batch), layer or ())
    return settle(plus(*(times(2, r.layer.macs(r.inputs, r.out) or Num(0)) for r in rows)))


@mistake("count flops")
def flops_halved_to_macs(net: Net, layer: Any = (), input: Any = None, batch: Any = None) -> Any:
    """These are multiply-adds: here the multiplication and the addition count one each."""
    rows = pick(run(net, input, batch), layer or ())
    return settle(plus(*(r.layer.macs(r.inputs, r.out) or Num(0) for r in rows)))


@mistake("count macs")
def macs_with_input_size(net: Net, layer: Any = (), input: Any = None) -> Any:
    """The input's size is used: a product is made for each output position."""

    def each(row: Row) -> Any:
        if not is_conv(row.layer):
            return row.layer.macs(row.inputs, row.out)
        return times(*row.layer.weights(*row.inputs)["weight"], *row.inputs[0][2:])

    return counted(net, layer, input, each)


@mistake("count macs")
def macs_are_parameters(net: Net, layer: Any = (), input: Any = None) -> Any:
    """These are the weights: each is used once for every output position."""
    return params(net, layer=layer, input=input, bias=False, norm=False).value


@mistake("count activations")
def activations_without_channels(net: Net, layer: Any = (), input: Any = None) -> Any:
    """The channels are missing: every one of them is a whole map of values."""
    rows = pick(run(net, input), layer or ())
    if len(rows) != 1 or len(rows[0].out) != 4:
        return None
    return settle(times(*rows[0].out[2:]))


@mistake("count memory")
def unit_confused(
    net: Net, layer: Any = (), input: Any = None, batch: Any = None, dtype: str = "float32",
    unit: str = "MiB",
) -> Any:  # fmt: skip
    """The unit is confused: 1 MiB is 1,048,576 bytes, 1 MB is 1,000,000."""
    other = {"MB": "MiB", "MiB": "MB", "KiB": "kB", "kB": "KiB", "GB": "GiB", "GiB": "GB"}.get(unit)
    if other not in UNITS:
        return None
    return memory(net, layer=layer, input=input, batch=batch, dtype=dtype, unit=other).value
