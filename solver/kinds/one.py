"""Counts of one operation by itself: `count conv --in 3x32x32 --k 5`, every layer alike.

The operation is given as `shape <layer>` takes it, PyTorch's names and letters included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.formula import settle
from solver.expressions.nodes import Num, times
from solver.given import Param
from solver.kinds import Kind
from solver.kinds.conditions import conditions, written
from solver.kinds.count import (
    inside_again,
    macs_tree,
    numbers_only,
    pads_zeros,
    param_tree,
    params_again,
    trim,
)
from solver.kinds.nets import in_letters, says
from solver.kinds.sampling import holds_at_numbers, letters_of
from solver.kinds.shape import (
    build,
    conventions,
    count_again,
    shaped,
    size_steps,
    unbatched,
)
from solver.kinds.shape import resolve as shape_of
from solver.networks.layers import Layer, Row, layer
from solver.values import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.kinds.conditions import Relation

OPTIONS = (Param("zeros", "bool", True), Param("gather", "bool", False))


def resolve(name: str) -> Kind | None:
    """The kind `count <layer>`, with the schema of `shape <layer>` and count's options."""
    shape = shape_of(name)
    if shape is None:
        return None
    plain = shape.root.partition(" ")[2]

    def function(**given: Any) -> Answer:
        return counted(plain, {**shape.fixed, **given})

    return replace(
        shape,
        name=f"count {name}",
        params=(*shape.params, *OPTIONS),
        function=function,
        root=f"count {plain}",
    )


def counted(name: str, given: Mapping[str, Any]) -> Answer:
    """Output shape, parameters, multiply-adds and connections of one operation."""
    own = {k: v for k, v in given.items() if k not in ("zeros", "gather")}
    zeros, gather = given.get("zeros", True), given.get("gather", False)
    one, inputs = build(name, layer[name], own)
    if not zeros:
        numbers_only((one, inputs))
    added = unbatched(one, own, inputs)
    if added:
        inputs = tuple((1, *s) for s in inputs)
    out = one.out(*inputs)
    row = Row(name, one, inputs, out, None)
    value, steps = Record(), size_steps(one.sides(*inputs))
    value["shape"] = shaped(out[1:] if added else out, one)
    when = conditions([row])
    checks = [count_again(one, inputs, out, when)]
    trees: dict[str, Any] = {"params": param_tree(one, inputs, True, True, False)}
    if one.buffers(*inputs):
        trees["buffers"] = param_tree(one, inputs, True, True, True) - trees["params"]
    products = macs_tree(one, inputs, out, zeros, gather)
    if products is not None:
        trees["macs"] = products
    flat = all(not isinstance(n, tuple) for n in out)
    if flat:
        trees["activations"] = times(*trim(out)) if out else Num(1)
    if one.fan_in(*inputs) != 0 and flat:
        try:
            trees["connections"] = one.connections(inputs, out)
        except BadInput:  # attention's depend on the values that it is given
            trees.pop("connections", None)
    lettered = in_letters(row)
    for what, tree in trees.items():
        value[what] = settle(tree)
        sign = formula(what, lettered)
        if sign is not None and not says(sign, lettered, row, value[what]):  # type: ignore[arg-type]
            sign = None
        steps.append(Step(what, tree, value[what], None, sign))
    if value["params"] != 0 or value.get("macs", 0) != 0:
        checks.append(again(one, inputs, value, zeros, gather, when))
    notes = conventions(one, inputs, value["shape"])
    return Answer(value, tuple(steps), tuple(checks), "counts", written(when),
                  (*notes, "1 multiply-add (MAC) = 2 FLOPs"))  # fmt: skip


def formula(what: str, lettered: Any) -> Any:
    """The count in the textbook's letters, for parameters and multiply-adds."""
    if lettered is None or what not in ("params", "macs"):
        return None
    one, inputs, out = lettered
    tree = param_tree(one, inputs, True, True, False) if what == "params" else one.macs(inputs, out)
    return None if tree == Num(0) else tree


def again(
    one: Layer,
    inputs: Any,
    value: Mapping[str, Any],
    zeros: bool,
    gather: bool,
    when: Sequence[Relation],
) -> Check:
    """Parameters and multiply-adds by the other route."""

    def recount(one: Layer, *inputs: Any) -> Any:
        out = one.out(*inputs)
        row = Row("", one, inputs, out, None)
        macs = one.tally(*inputs)
        if not zeros and pads_zeros(one):
            macs = inside_again(row)
        elif gather and hasattr(one, "gathered"):
            positions = _positions(one, inputs[0])
            macs = macs // positions * _positions(one, out) if positions else 0
        return (params_again([row], True, True, False), macs)

    has = " at seeded numbers" if letters_of((one, inputs)) else ""
    wanted = (value["params"], value.get("macs", 0))
    how = "outputs, recounted, times the inputs that each reads"
    return Check(how + has, holds_at_numbers(wanted, (one, *inputs), recount, when))


def _positions(one: Any, shape: Any) -> int:
    found = 1
    for n in shape[-one.dims :]:
        found *= n
    return found
