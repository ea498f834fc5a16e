"""What students get wrong about shapes, counts and fields, as wrong solvers.

Each takes the arguments of its kind, returns the value that the mistake gives (None where
it cannot be made), and says in its first line what the answer suggests and what is true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from solver.expressions.formula import Formula, settle
from solver.expressions.nodes import Expr, Num, plus, times, tree
from solver.kinds import mistake
from solver.kinds.count import UNITS, memory, param_tree, params
from solver.kinds.nets import pick, run, without_batch
from solver.kinds.run import conv as run_conv
from solver.kinds.run import pool as run_pool
from solver.kinds.shape import build
from solver.networks.layers import Layer, Row, layer
from solver.values import Shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.networks.net import Net


# -- sizes of windows ---------------------------------------------------------------------


def sized(name: str, formula: Formula, given: Mapping[str, Any]) -> Shape:
    """The shape that a wrong size formula gives."""
    one, (input,) = build(name, layer[name], given)
    lead, sides = input[: -one.dims], input[-one.dims :]  # type: ignore[attr-defined]
    found = []
    for n, axis in zip(sides, one.axes()):  # type: ignore[attr-defined]
        k, s, p, d = axis
        if name == "conv":
            p = settle(tree(p) / 2)
        found.append(formula.at(n=n, k=k, s=s, p=p, d=d).value)
    channels = getattr(one, "out_channels", input[-one.dims - 1])  # type: ignore[attr-defined]
    return Shape((*lead[:-1], channels, *found), "CHW" if len(input) == 3 else "")


def wrong_size(name: str, text: str, doc: str, needs: str = "") -> None:
    """Register a wrong size formula for convolution and pooling."""
    formula = Formula(text)
    for kind, sort in (("shape conv", "conv"), ("shape pool", "pool")):

        def wrong(sort: str = sort, **given: Any) -> Any:
            if needs and given.get(needs) in (None, 0, 1) and sort == "conv":
                return None
            return sized(sort, formula, given)

        wrong.__name__, wrong.__doc__ = name, doc
        mistake(kind)(wrong)


wrong_size(
    "conv_size_without_plus_one",
    "floor((n + 2*p - d*(k - 1) - 1)/s)",
    "The + 1 is missing: the window at the start counts as well, so the size is "
    "$\\lfloor (n + 2p - k)/s \\rfloor + 1$.",
)
wrong_size(
    "ceil_instead_of_floor",
    "ceil((n + 2*p - d*(k - 1) - 1)/s) + 1",
    "This is rounded up: a window must fit whole, so the size is rounded down.",
    "stride",
)
wrong_size(
    "padding_counted_once",
    "floor((n + p - d*(k - 1) - 1)/s) + 1",
    "The padding is counted once: it stands on both sides, so it adds $2p$.",
    "padding",
)
wrong_size(
    "padding_ignored",
    "floor((n - d*(k - 1) - 1)/s) + 1",
    "The padding is left out: it adds $2p$ to the input before the window slides.",
    "padding",
)
wrong_size(
    "dilation_ignored",
    "floor((n + 2*p - k)/s) + 1",
    "The dilation is left out: a dilated kernel reaches over $d(k - 1) + 1$ positions.",
    "dilation",
)
wrong_size(
    "stride_ignored",
    "n + 2*p - d*(k - 1)",
    "The stride is left out: windows start every $s$ positions, so the size is divided by $s$.",
    "stride",
)
wrong_size(
    "two_p_read_as_two_minus_p",
    "floor((n + 2 - p - k)/s) + 1",
    "The $2p$ was read as $2 - p$: the padding is added on both sides.",
    "padding",
)
wrong_size(
    "floor_forgotten",
    "(n + 2*p - d*(k - 1) - 1)/s + 1",
    "A size is a whole number: the quotient is rounded down.",
    "stride",
)


@mistake("shape conv")
def channels_from_input(**given: Any) -> Any:
    """These are the input's channels: the output has one channel for each filter."""
    one, (input,) = build("conv", layer["conv"], given)
    right = one.out(input)
    at = len(input) - one.dims - 1  # type: ignore[attr-defined]
    return Shape((*right[:at], input[at], *right[at + 1 :]), "CHW" if len(right) == 3 else "")


@mistake("shape conv")
def channels_multiplied(**given: Any) -> Any:
    """The channels are multiplied: each filter reads all input channels and gives one output."""
    one, (input,) = build("conv", layer["conv"], given)
    right = one.out(input)
    at = len(input) - one.dims - 1  # type: ignore[attr-defined]
    many = settle(times(input[at], right[at]))
    return Shape((*right[:at], many, *right[at + 1 :]), "CHW" if len(right) == 3 else "")


@mistake("shape pool")
def pooling_halves_channels(**given: Any) -> Any:
    """Pooling works inside each channel: the number of channels stays the same."""
    one, (input,) = build("pool", layer["pool"], given)
    right = one.out(input)
    at = len(input) - one.dims - 1  # type: ignore[attr-defined]
    channels, stride = right[at], one.axes()[0][1]  # type: ignore[attr-defined]
    if not isinstance(channels, int) or not isinstance(stride, int) or channels % stride:
        return None
    return Shape((*right[:at], channels // stride, *right[at + 1 :]),
                 "CHW" if len(right) == 3 else "")  # fmt: skip


@mistake("shape net")
def concat_as_max(net: Net, layer: str = "", input: Any = None) -> Any:
    """Concatenation adds the channels of all branches: it does not keep the largest."""
    rows = run(net, input)
    row = pick(rows, [layer])[-1] if layer else rows[-1]
    if type(row.layer).__name__ != "Concat":
        return None
    depth = max(s[1] for s in row.inputs)  # type: ignore[type-var]
    return without_batch((row.out[0], depth, *row.out[2:]), None)


# -- counts -------------------------------------------------------------------------------

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


# -- fields -------------------------------------------------------------------------------


@mistake("field stack")
def rf_sum_of_kernels(kernels: Any, strides: Any = (1,)) -> Any:
    """The kernels are added up: each adds only k − 1 to what was seen before."""
    from solver.kinds.field import stack

    return type_like(stack(kernels=kernels, strides=strides).value, sum(kernels))


@mistake("field stack")
def rf_ignores_stride(kernels: Any, strides: Any = (1,)) -> Any:
    """The strides are ignored: after a stride of s each step covers s input positions."""
    from solver.kinds.field import stack

    if set(strides) == {1}:
        return None
    return type_like(stack(kernels=kernels, strides=strides).value, 1 + sum(k - 1 for k in kernels))


def type_like(right: Any, rf: int) -> Any:
    """The record with another receptive field."""
    return type(right)({**right, "rf": rf})


# -- by hand ------------------------------------------------------------------------------


@mistake("run conv")
def true_convolution_flip(**given: Any) -> Any:
    """The kernel is turned by 180°: deep learning's convolution does not turn it."""
    return run_conv(**{**given, "flip": not given.get("flip", False)}).value


@mistake("run conv")
def kernel_transposed(**given: Any) -> Any:
    """The kernel is transposed: rows of the kernel lie on rows of the image."""

    def turned(m: Any) -> Any:
        if isinstance(m[0], tuple) and isinstance(m[0][0], tuple):
            return tuple(turned(x) for x in m)
        return tuple(zip(*m))

    return run_conv(**{**given, "kernel": turned(given["kernel"])}).value


@mistake("run pool")
def max_and_average_swapped(**given: Any) -> Any:
    """Maximum and average are confused."""
    other = "avg" if given.get("mode", "max") == "max" else "max"
    return run_pool(**{**given, "mode": other}).value
