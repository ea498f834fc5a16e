"""Counts of a layer or a network: parameters, multiply-adds, FLOPs, activations, memory.

Every count is worked layer by layer and reached a second way. Which conventions it
follows (biases, norms, statistics, padding zeros, units) are options, and named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.formula import settle
from solver.expressions.nodes import Expr, Mul, Num, Size, plus, tidy, times
from solver.kinds import Kind, kind
from solver.kinds.conditions import conditions, written
from solver.kinds.nets import asked, diagram, pick, remarks, run, short, work
from solver.kinds.sampling import holds_at_numbers, letters_of
from solver.kinds.shape import OFFERED  # noqa: F401 - read by kinds.names
from solver.networks.layers import Layer, Row, Shape, total
from solver.networks.net import Net
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Names = tuple[str, ...]
    Nets = tuple[Net, ...]

NORMS = ("gamma", "beta")


def resolve(name: str) -> Kind | None:
    """`count <layer>`: the counts of one operation by itself."""
    from solver.kinds.one import resolve

    return resolve(name)



def kept(weights: dict[str, Shape], bias: bool, norm: bool) -> dict[str, Shape]:
    """The tensors that a convention counts."""
    return {
        name: shape
        for name, shape in weights.items()
        if (bias or "bias" not in name) and (norm or name.split(".")[-1] not in NORMS)
    }


def param_tree(layer: Layer, inputs: Any, bias: bool, norm: bool, stats: bool) -> Expr:
    """Σ Π over the tensors counted."""
    shapes = kept(layer.weights(*inputs), bias, norm)
    if stats:
        shapes = shapes | layer.buffers(*inputs)
    return total(shapes)


def params_again(rows: Sequence[Row], bias: bool, norm: bool, stats: bool) -> int:
    """Parameters by the other route: each weight is used once an output position.

    Weights = multiply-adds ÷ positions, where the layer multiplies; a bias, γ, β, mean and
    variance for each channel; the remaining tensors (tables) value by value.
    """
    found = 0
    for row in rows:
        rest = kept(row.layer.weights(*row.inputs), bias, norm)
        if stats:
            rest = rest | row.layer.buffers(*row.inputs)
        if row.layer.fan_in(*row.inputs) and "weight" in rest:
            positions, channels = sharing(row)
            if positions:
                found += row.layer.tally(*row.inputs) // positions + channels * ("bias" in rest)
                rest = {k: v for k, v in rest.items() if k not in ("weight", "bias")}
        if row.layer.KIND == "norm" and rest:
            axes = getattr(row.layer, "normalised", lambda input: input[1:2])
            found += prod(axes(row.inputs[0])) * len(rest)
            continue
        found += sum(prod(shape) for shape in rest.values())
    return found


def sharing(row: Row) -> tuple[int, int]:
    """At how many positions a row's weights are used, and how many output channels it has."""
    axis = -row.layer.dims - 1 if hasattr(row.layer, "dims") else -1
    out = row.layer.recount(*row.inputs)
    over = row.inputs[0] if type(row.layer).__name__ == "ConvTranspose" else out
    return prod(over) // (over[axis] or 1), out[axis]


def answered(
    net: Net,
    input: Shape | None,
    batch: Any,
    layer: Names,
    tree_of: Any,
    again: Any,
    how: str,
    name: str,
    conventions: Sequence[str],
    column: str = "",
) -> Answer:
    """The shared shape of every count: rows, lines, total, and the other route.

    `column` heads the table of the layers, if `name` does not say enough.
    """
    rows = run(net, input, batch)
    chosen = pick(rows, layer)
    stated = name == "activations"  # an unknown layer's output is stated, nothing else is
    steps, value, missing = work(chosen, tree_of, lambda row: stated or row.layer.KNOWN,
                                 column or name)
    names = {id(r): i for i, r in enumerate(rows)}
    places = [names[id(r)] for r in chosen]

    def recount(net: Net, input: Any, batch: Any) -> int:
        found = net.rows(input, batch)
        return int(again([found[i] for i in places]))

    things = asked(net, input, batch)
    when = conditions(rows)
    has = " at seeded numbers" if letters_of(things) else ""
    check = Check(how + has, holds_at_numbers(value, things, recount, when))
    notes = [*conventions, *remarks(chosen)]
    if missing:
        notes.insert(0, "at least this many: nothing is known of " + ", ".join(missing))
    if not steps:
        what = ", ".join(layer) if layer else short(net)
        steps = [Step(f"{what}: none", None, value)]
    return Answer(
        value, tuple(steps), (check,), name, written(when), tuple(notes), lower=bool(missing),
        pictures=diagram(net, input),
    )  # fmt: skip


@kind("count params", "vgg16")
def params(
    net: Net,
    *,
    layer: Names = (),
    input: Shape | None = None,
    bias: bool = True,
    norm: bool = True,
    stats: bool = False,
) -> Answer:
    """Learned parameters, layer by layer and in total."""
    notes = ["biases are counted" if bias else "biases are not counted"]
    rows = run(net, input)
    if any(r.layer.KIND == "norm" and r.layer.weights(*r.inputs) for r in rows) or not norm:
        notes.append("γ and β of the norms are counted" if norm else "γ and β are not counted")
        notes.append(
            "running means and variances are counted"
            if stats
            else "running means and variances are not parameters"
        )
    return answered(
        net,
        input,
        None,
        layer,
        lambda one, inputs, out: param_tree(one, inputs, bias, norm, stats),
        lambda rows: params_again(rows, bias, norm, stats),
        "multiply-adds per output position, and the rest value by value",
        "params",
        notes,
        "with statistics" if stats else "" if bias else "without biases",
    )


@kind("count weights", "lenet5-modern")
def weights(net: Net, *, layer: Names = (), input: Shape | None = None) -> Answer:
    """Weights without biases."""
    answer = params(net, layer=layer, input=input, bias=False)
    return replace(answer, name="weights", conventions=())


@kind("count biases", "lenet5-modern")
def biases(net: Net, *, layer: Names = (), input: Shape | None = None) -> Answer:
    """Biases alone: one for each output channel or unit that has one."""

    def only(one: Layer, inputs: Any, out: Any) -> Expr:
        return total({k: v for k, v in one.weights(*inputs).items() if "bias" in k})

    def again(rows: Sequence[Row]) -> int:
        return params_again(rows, True, True, False) - params_again(rows, False, True, False)

    how = "parameters with biases less those without"
    return answered(net, input, None, layer, only, again, how, "biases", ())


@kind("count macs", "resnet50")
def macs(
    net: Net,
    *,
    layer: Names = (),
    input: Shape | None = None,
    batch: Size | None = None,
    zeros: bool = True,
    gather: bool = False,
) -> Answer:
    """Multiply-adds: one multiplication with its addition counts once."""
    rows = run(net, input, batch)
    if not zeros:
        numbers_only((net, input, batch))
    notes = ["one multiply-add (MAC) is one multiplication and its addition",
             "biases, norms, activations and pooling are not counted"]
    transposed = any(type(r.layer).__name__ == "ConvTranspose" for r in rows)
    if transposed:
        notes.append("transposed convolutions by gather: over the output, zeros counted" if gather
                     else "transposed convolutions by scatter: each input value, each tap once")
    if not zeros:
        notes.append("products with padding zeros are not counted")

    def tree_of(one: Layer, inputs: Any, out: Any) -> Expr | None:
        return macs_tree(one, inputs, out, zeros, gather)

    def again(rows: Sequence[Row]) -> int:
        found = 0
        for r in rows:
            if not zeros and pads_zeros(r.layer):
                found += inside_again(r)
            elif gather and hasattr(r.layer, "gathered"):
                tally, positions = r.layer.tally(*r.inputs), prod(r.inputs[0][2:])
                found += tally // positions * prod(r.layer.recount(*r.inputs)[2:])
            else:
                found += r.layer.tally(*r.inputs)
        return found

    how = "outputs, recounted, times the inputs that each reads"
    return answered(net, input, batch, layer, tree_of, again, how, "macs", notes)


def numbers_only(things: Any) -> None:
    """Refuse letters where products with padding zeros are left out."""
    if letters_of(things):
        raise BadInput("products with padding zeros are listed one by one, which needs numbers")


def pads_zeros(one: Layer) -> bool:
    """Whether a layer multiplies by zeros that were padded."""
    return hasattr(one, "inside") and one.padding_mode == "zeros"  # type: ignore[attr-defined]


def macs_tree(one: Layer, inputs: Any, out: Any, zeros: bool, gather: bool) -> Expr | None:
    """A layer's multiply-adds under these conventions; None if they cannot be counted."""
    if not zeros and pads_zeros(one):
        return None if letters_of(inputs) else Num(one.inside(*inputs))  # type: ignore[attr-defined]
    if gather and hasattr(one, "gathered"):
        return one.gathered(inputs, out)
    return one.macs(inputs, out)


def inside_again(row: Row) -> int:
    """Multiply-adds off the padding, tap by tap: at how many outputs it meets the input."""
    conv, (input,) = row.layer, row.inputs
    out, found = conv.recount(input), int(conv.fan_in(input))
    for axis, (k, s, p, d) in zip(range(-conv.dims, 0), conv.axes()):  # type: ignore[attr-defined]
        before = p // 2
        met = 0
        for j in range(k):
            first = max(0, -(-(before - j * d) // s))
            last = min(out[axis] - 1, (input[axis] - 1 + before - j * d) // s)
            met += len(range(first, last + 1))
        found = found * met // k
    return found * prod(out[: -conv.dims])  # type: ignore[attr-defined]


@kind("count flops", "resnet50")
def flops(
    net: Net,
    *,
    layer: Names = (),
    input: Shape | None = None,
    batch: Size | None = None,
    include: Names = (),
) -> Answer:
    """Floating-point operations: 2 for each multiply-add, and what `include` names."""
    known = ("bias", "norm", "activation", "pooling", "other")
    for name in include:
        if name not in known:
            raise unknown("operation to include", name, list(known))

    def more(one: Layer, inputs: Any, out: Any) -> Expr:
        found: Any = Num(0)
        if "bias" in include:
            found = one.shifts(inputs, out)
        if one.KIND in include and one.KIND != "product":
            found = one.extra(inputs, out)
        return tidy(found)

    def tree_of(one: Layer, inputs: Any, out: Any) -> Expr | None:
        products = one.macs(inputs, out)
        if products is None:
            return None
        factors = products.args if isinstance(products, Mul) else (products,)
        doubled = products if products == Num(0) else times(2, *factors)
        extra = more(one, inputs, out)
        if extra == Num(0):
            return doubled
        return extra if doubled == Num(0) else plus(doubled, extra)

    def again(rows: Sequence[Row]) -> int:
        return sum(
            2 * r.layer.tally(*r.inputs) + int(settle(more(r.layer, r.inputs, r.out)))
            for r in rows
        )

    left = [n for n in known[:4] if n not in include]
    notes = ["1 multiply-add = 2 FLOPs"]
    if include:
        notes.append(f"counted besides: {', '.join(include)}")
    if left:
        notes.append(f"not counted: {', '.join(left)}")
    how = "twice the outputs, recounted, times the inputs that each reads"
    return answered(net, input, batch, layer, tree_of, again, how, "flops", notes)


INPLACE = ("norm", "activation", "other")


@kind("count activations", "vgg16")
def activations(
    net: Net,
    *,
    layer: Names = (),
    input: Shape | None = None,
    batch: Size | None = None,
    inplace: bool = False,
    image: bool = False,
) -> Answer:
    """Values that layers put out: convolutions, dense layers and pooling."""
    every = bool(layer) or inplace

    def tree_of(one: Layer, inputs: Any, out: Any) -> Expr:
        return Num(0) if one.KIND in INPLACE and not every else times(*trim(out))

    def again(rows: Sequence[Row]) -> int:
        return sum(
            prod(r.layer.recount(*r.inputs))
            for r in rows
            if every or r.layer.KIND not in INPLACE
        )

    notes = [] if every else ["norms, activations, dropout and flattening work in place"]
    how = "counting the outputs, layer by layer"
    answer = answered(net, input, batch, layer, tree_of, again, how, "activations", notes)
    if not image:
        return answer if layer else with_note(answer, "the input is not counted")
    shape = (batch or 1, *(input or net.input))
    first = Step("input", times(*trim(shape)), settle(times(*shape)), column="activations")
    value = settle(plus(answer.value, first.after))
    steps = [s for s in answer.steps if s.rule != "total"]
    both = (first, *steps, Step("total", plus(first.after, *(s.after for s in steps)), value))
    return with_note(replace(answer, value=value, steps=both), "the input is counted")


def trim(shape: Shape) -> Shape:
    """The sizes without a batch of 1, which nobody writes."""
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape


def with_note(answer: Answer, note: str) -> Answer:
    """The same answer, one more convention named."""
    return replace(answer, conventions=(*answer.conventions, note))


@kind("count connections", "lenet5 --layer C1")
def connections(
    net: Net, *, layer: Names = (), input: Shape | None = None, bias: bool = True
) -> Answer:
    """LeCun's connections: inputs that all outputs read, the bias as one more."""

    def tree_of(one: Layer, inputs: Any, out: Any) -> Expr:
        return one.connections(inputs, out) if bias else one.macs(inputs, out) or Num(0)

    def again(rows: Sequence[Row]) -> int:
        found = 0
        for r in rows:
            has = any("bias" in k for k in r.layer.weights(*r.inputs))
            found += r.layer.tally(*r.inputs)
            if bias and has:
                found += prod(r.layer.recount(*r.inputs))
        return found

    notes = ["a connection is one weight (or bias) used at one output position"]
    how = "multiply-adds, and one bias an output"
    return answered(net, input, None, layer, tree_of, again, how, "connections", notes)
