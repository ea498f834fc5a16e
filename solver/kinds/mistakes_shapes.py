"""What students get wrong about shapes, counts and fields, as wrong solvers.

Each takes the arguments of its kind, returns the value that the mistake gives (None where
it cannot be made), and says in its first line what the answer suggests and what is true.
"""

from __future__ import annotations

from collections.abc import Mapping

from solver.expressions.formula import Formula, settle
from solver.expressions.nodes import Expr, times, tree
from solver.kinds import mistake
from solver.kinds.nets import pick, run, without_batch
from solver.kinds.run import conv as run_conv
from solver.kinds.run import pool as run_pool
from solver.kinds.shape import build
from solver.networks.layers import Layer, layer
from solver.values import Record, Shape, same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.networks.net import Net


def entry(right: Mapping[str, Any], **wrong: Any) -> Record | None:
    """The wrong entries of an answer of several; None if one is right, or not asked for."""
    if any(k not in right or same(v, right[k]) is not False for k, v in wrong.items()):
        return None
    return Record(wrong)


# -- sizes of windows ---------------------------------------------------------------------


def sized(name: str, formula: Formula, given: Mapping[str, Any]) -> Shape:
    """The shape that a wrong size formula gives."""
    one, (input,) = build(name, layer[name], given)
    return Shape(resized(one, input, formula), "CHW" if len(input) == 3 else "")


def resized(one: Layer, input: tuple[Any, ...], formula: Formula) -> tuple[Any, ...]:
    """The sizes behind a convolution or pooling by a wrong size formula."""
    lead, sides = input[: -one.dims], input[-one.dims :]  # type: ignore[attr-defined]
    found = []
    for n, axis in zip(sides, one.axes()):  # type: ignore[attr-defined]
        k, s, p, d = axis
        if type(one).__name__ == "Conv":  # which counts both sides together
            p = settle(tree(p) / 2)
        found.append(formula.at(n=n, k=k, s=s, p=p, d=d).value)
    channels = getattr(one, "out_channels", input[-one.dims - 1])  # type: ignore[attr-defined]
    return (*lead[:-1], channels, *found)


# name, formula, feedback, what must be given: for layers of networks as well
SIZES: list[tuple[str, Formula, str, str]] = []


def wrong_size(name: str, text: str, doc: str, needs: str = "") -> None:
    """Register a wrong size formula for convolution and pooling.

    `needs` is what must be given for the mistake to be made. Where pooling rounds up, so
    does the formula, unless its rounding is what is wrong: in ceil mode.
    """
    keeps = needs == "ceil_mode"
    formulas = Formula(text), Formula(text if keeps else text.replace("floor", "ceil"))
    SIZES.append((name, formulas[0], doc, needs))
    for sort in ("conv", "pool")[keeps:]:

        def wrong(sort: str = sort, **given: Any) -> Any:
            if needs and not given.get(needs):
                return None
            return sized(sort, formulas[given.get("ceil_mode", False)], given)

        wrong.__name__, wrong.__doc__ = name, doc
        mistake(f"shape {sort}")(wrong)


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
)
wrong_size(
    "floor_instead_of_ceil",
    "floor((n + 2*p - d*(k - 1) - 1)/s) + 1",
    "This is rounded down: in ceil mode the last window may hang over the edge.",
    needs="ceil_mode",
)
wrong_size(
    "padding_counted_once",
    "floor((n + p - d*(k - 1) - 1)/s) + 1",
    "The padding is counted once: it stands on both sides, so it adds $2p$.",
)
wrong_size(
    "padding_ignored",
    "floor((n - d*(k - 1) - 1)/s) + 1",
    "The padding is left out: it adds $2p$ to the input before the window slides.",
)
wrong_size(
    "dilation_ignored",
    "floor((n + 2*p - k)/s) + 1",
    "The dilation is left out: a dilated kernel reaches over $d(k - 1) + 1$ positions.",
)
wrong_size(
    "stride_ignored",
    "n + 2*p - d*(k - 1)",
    "The stride is left out: windows start every $s$ positions, so the size is divided by $s$.",
)
wrong_size(
    "two_p_read_as_two_minus_p",
    "floor((n + 2 - p - k)/s) + 1",
    "The $2p$ was read as $2 - p$: the padding is added on both sides.",
    needs="padding",
)
wrong_size(
    "floor_forgotten",
    "(n + 2*p - d*(k - 1) - 1)/s + 1",
    "A size is a whole number: the quotient is rounded down.",
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
def concat_as_max_or_sum_same_depth(
    net: Net, layer: str = "", input: Any = None, batch: Any = None
) -> Any:
    """Concatenation adds the channels of all branches: it does not keep the largest."""
    rows = run(net, input, batch)
    row = pick(rows, [layer])[-1] if layer else rows[-1]
    depths = [shape[1] for shape in row.inputs if len(shape) > 1]
    if type(row.layer).__name__ != "Concat" or not all(isinstance(d, int) for d in depths):
        return None
    return without_batch((row.out[0], max(depths), *row.out[2:]), batch)


# -- slips in any shape or count ----------------------------------------------------------


@mistake("shape *")
def reduced_to_scalar(right: Any) -> Any:
    """The sizes are multiplied into one number: a shape is its sizes, in order."""
    if not isinstance(right, Shape) or len(right) < 2:
        return None
    return Shape((settle(times(*right)),))


def off(by: int, doc: str) -> None:
    """Register a count, or all sides of a shape, off by one."""

    def off_by_one(right: Any) -> Any:
        if isinstance(right, Shape) and len(right) == 3:
            return Shape((right[0], *(settle(tree(n) + by) for n in right[1:])), right.order)
        if isinstance(right, (int, Expr)) and not isinstance(right, bool):
            return settle(tree(right) + by)
        return None

    off_by_one.__doc__ = doc
    mistake("count *", "shape *")(off_by_one)


NUMBERED = ("rf", "total")  # the entry of a field, or of a padding, that is off


def entry_off(by: int, doc: str) -> None:
    """Register a receptive field, a padding or a number of updates off by one."""

    def off_by_one(right: Any) -> Any:
        if isinstance(right, int) and not isinstance(right, bool):
            return right + by
        named = [k for k in NUMBERED if isinstance(right, Mapping) and k in right]
        return entry(right, **{named[0]: settle(tree(right[named[0]]) + by)}) if named else None

    off_by_one.__doc__ = doc
    mistake("field *", "fit *", "update *")(off_by_one)


for move, said in ((1, "This is one too many: count again, at the ends."),
                   (-1, "This is one too few: count again, at the ends.")):  # fmt: skip
    off(move, said)
    entry_off(move, said)


# -- fields -------------------------------------------------------------------------------


@mistake("field stack", "field net")
def rf_sum_of_kernels(right: Any, **given: Any) -> Any:
    """The kernels are added up: each adds only k − 1 to what was seen before."""
    return another(right, sum(k for k, _ in windows(given)))


@mistake("field stack", "field net")
def rf_ignores_stride(right: Any, **given: Any) -> Any:
    """The strides are ignored: after a stride of s each step covers s input positions."""
    found = windows(given)
    return another(right, 1 + sum(k - 1 for k, _ in found) if found else None)


@mistake("field stack", "field net")
def rf_is_the_last_kernel(right: Any, **given: Any) -> Any:
    """This is the last kernel alone: its inputs see several input positions themselves."""
    return another(right, sum(k for k, _ in windows(given)[-1:]))


def windows(given: Mapping[str, Any]) -> list[tuple[int, int]]:
    """(kernel, stride) of each layer on the way to the one asked about; [] if paths part."""
    if "kernels" in given:
        strides = given.get("strides", (1,))
        return list(zip(given["kernels"], strides * len(given["kernels"])))
    rows = run(given["net"], given.get("input"))
    layer = given.get("layer", "")
    local = [r for r in rows if r.field is not None]
    end = pick(rows, [layer])[-1] if layer else local[-1]
    upto = rows[: rows.index(end) + 1]
    if any(r.layer.INPUTS < 0 for r in upto):
        return []
    found = [r.layer.window(*r.inputs) for r in upto]
    return [(w[0][0], w[0][1]) for w in found if w]


def another(right: Any, rf: Any) -> Any:
    """Another receptive field; None if there is none, or one an axis."""
    return entry(right, rf=rf) if rf else None


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
