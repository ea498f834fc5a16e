"""Rules of an assignment: hidden units and layers, which layer types, how many of them."""

from __future__ import annotations

from collections.abc import Sequence

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import plus
from solver.kinds import kind
from solver.kinds.nets import run, short
from solver.kinds.sampling import letters_of
from solver.networks.layers import Row, layer, positive
from solver.networks.net import Net
from solver.networks.pointwise import ACTIVATIONS
from solver.registry import unknown
from solver.values import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Names = tuple[str, ...]

# what people call a layer -> the layer's name here
CALLED = {
    "bn": "batch-norm", "batchnorm": "batch-norm", "batchnorm2d": "batch-norm",
    "batchnorm1d": "batch-norm", "batch_norm": "batch-norm", "conv2d": "conv",
    "maxpool2d": "maxpool", "avgpool2d": "avgpool", "fc": "linear", "dense": "linear",
}  # fmt: skip


@kind(
    "count hidden",
    '"784: linear 120, relu, dropout, linear 80, relu, linear 10" --most 200',
)
def hidden(net: Net, *, most: int | None = None, least_layers: int = 0) -> Answer:
    """Hidden units and hidden layers of a fully connected network, and whether allowed."""
    rows = run(net, None)
    dense = [r for r in rows if type(r.layer).__name__ == "Linear"]
    if not dense:
        raise BadInput(f"{short(net)} has no linear layer")
    if letters_of([r.out for r in dense]):
        raise BadInput("hidden units are counted for numbers: give all sizes")
    sizes = [r.out[-1] for r in dense[:-1]]
    units = sum(sizes)
    steps = [Step(f"{r.name}, outputs", None, r.out[-1]) for r in dense[:-1]] + [
        Step(f"{dense[-1].name} is the output layer: not hidden"),
        Step("hidden units", plus(*sizes), units),
        Step("hidden layers", None, len(sizes)),
    ]
    value = Record(hidden_units=units, hidden_layers=len(sizes))
    if most is not None or least_layers:
        value["allowed"] = allowed = (most is None or units <= most) and len(
            sizes
        ) >= least_layers
        if most is not None:
            steps.append(Step(f"{units:,} {'≤' if units <= most else '>'} {most:,}"))
        if least_layers:
            sign = "≥" if len(sizes) >= least_layers else "<"
            steps.append(Step(f"{len(sizes)} {sign} {least_layers} hidden layers"))
        steps.append(Step("allowed" if allowed else "not allowed"))
    return Answer(
        value,
        tuple(steps),
        (
            Check(
                "the rows of the weight matrices but the last", by_weights(dense, units)
            ),
        ),
        "hidden units",
        conventions=("activations, dropout and the output layer have no hidden units",),
    )


def by_weights(dense: Sequence[Row], units: int) -> bool:
    """Whether the weight matrices that read hidden units have as many columns in all."""
    shapes = [r.layer.weights(*r.inputs)["weight"] for r in dense]
    return units == sum(s[0] for s in shapes[:-1]) == sum(s[1] for s in shapes[1:])


@kind(
    "count types",
    '"1x28x28: conv 8 k3, bn, relu, dropout, flatten, linear 10" --of dropout,bn',
)
def types(
    net: Net, *, of: Names = (), allowed: Names = (), at_least: int = 0
) -> Answer:
    """How many layers of some types a network has, and whether it uses allowed ones only.

    at_least: each type of `of` has to occur so often.
    """
    rows = run(net, None)
    positive("at least", at_least, least=0)
    names = [called(type_of(r)) for r in rows]
    wanted = {name: known(name) for name in of}
    permitted = [known(name) for name in allowed]
    value, steps = Record(), []
    for name, type_ in wanted.items():
        those = [r.name for r, n in zip(rows, names) if n == type_]
        value[name] = len(those)
        steps.append(Step(f"{name}: {', '.join(those) or 'none'}", None, len(those)))
    if allowed or at_least:
        strange = [
            r.name for r, n in zip(rows, names) if permitted and n not in permitted
        ]
        few = [name for name in wanted if value[name] < at_least]
        value["allowed"] = not strange and not few
        met = ", ".join(dict.fromkeys(names))
        steps.append(Step(f"types used: {met}"))
        if allowed:
            said = (
                f"not allowed: {', '.join(strange)}"
                if strange
                else "all of them allowed"
            )
            steps.append(Step(said))
        if at_least:
            steps.append(Step(
                f"too few: {', '.join(few)}" if few else f"each {at_least} at least"
            ))  # fmt: skip
    if not value:
        raise BadInput("say which types are counted, --of dropout, or --allowed")
    check = Check(
        "all types counted, together every layer", tallied(rows, wanted, value)
    )
    return Answer(value, tuple(steps), (check,), "layers")


def type_of(row: Row) -> str:
    """The registered name of a row's layer; an activation's own; how a pooling pools."""
    one: Any = row.layer
    name = next((n for n in layer.where if layer[n] is type(one)), type(one).__name__)
    if name == "activation":
        return str(one.function)
    return f"{one.mode}pool" if name == "pool" else name


def called(name: str) -> str:
    """A layer's name, however it is called: BatchNorm2d, bn, batchnorm."""
    low = name.lower()
    return CALLED.get(low, low)


def known(name: str) -> str:
    """The layer's name, refused if there is none of it."""
    found = called(name)
    names = [*layer.names(), *ACTIVATIONS, "maxpool", "avgpool", "bn"]
    if found not in names:
        raise unknown("layer", name, names)
    return found


def tallied(rows: Sequence[Row], wanted: dict[str, str], value: Any) -> bool:
    """Whether the types' counts, those not asked for as well, add up to all layers."""
    tally: dict[str, int] = {}
    for r in rows:
        name = called(type_of(r))
        tally[name] = tally.get(name, 0) + 1
    right = all(tally.get(type_, 0) == value[name] for name, type_ in wanted.items())
    return right and sum(tally.values()) == len(rows)
