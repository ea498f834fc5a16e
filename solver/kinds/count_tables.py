"""Counts side by side: everything layer by layer, facts about one layer, comparisons."""

from __future__ import annotations

from math import prod

from solver.core import Answer, BadInput, Check, Step, every
from solver.expressions.formula import settle
from solver.expressions.nodes import Expr, plus, times, tree
from solver.kinds import kind
from solver.kinds.conditions import condition_text, conditions
from solver.kinds.count import (
    INPLACE,
    activations,
    biases,
    connections,
    flops,
    macs,
    param_tree,
    params,
    params_again,
    weights,
)
from solver.kinds.nets import asked, diagram, pick, remarks, run, short, without_batch
from solver.kinds.sampling import holds_at_numbers, letters_of
from solver.networks.layers import Row
from solver.networks.net import Net
from solver.registry import unknown
from solver.values import Record, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.expressions.nodes import Size
    from solver.networks.layers import Shape

    Names = tuple[str, ...]
    Nets = tuple[Net, ...]


@kind("count table", "vgg16")
def table(
    net: Net,
    *,
    input: Shape | None = None,
    batch: Size | None = None,
    bias: bool = True,
    norm: bool = True,
    stats: bool = False,
) -> Answer:
    """Everything layer by layer: shape, parameters, multiply-adds, receptive field."""
    rows = run(net, input, batch)
    lines: list[tuple[Any, ...]] = []
    sums: dict[str, list[Any]] = {"params": [], "macs": [], "activations": []}
    unknown_: list[str] = []
    for r in rows:
        many = settle(param_tree(r.layer, r.inputs, bias, norm, stats))
        products = r.layer.macs(r.inputs, r.out) if r.layer.KNOWN else None
        if products is None:
            unknown_.append(r.name)
        values = settle(times(*r.out))
        field = r.field[0].size if r.field else "all"
        done = "?" if products is None else settle(products)
        shown = many if r.layer.KNOWN else "?"
        lines.append((r.name, without_batch(r.out, batch), values, shown, done, field))
        sums["params"].append(many)
        sums["macs"].append(0 if products is None else done)
        if r.layer.KIND not in INPLACE:
            sums["activations"].append(values)
    totals = {name: settle(plus(*values)) for name, values in sums.items()}
    end = ("total", "", totals["activations"], totals["params"], totals["macs"], "")
    columns = ("layer", "output", "values", "params", "macs", "field")
    checks = [table_check(net, input, batch, bias, norm, stats, totals)]
    notes = ["biases are counted" if bias else "biases are not counted",
             "one multiply-add (MAC) is one multiplication and its addition; "
             "1 MAC = 2 FLOPs",
             "the total of the values leaves out layers that work in place"]
    notes += remarks(rows)
    if unknown_:
        notes.insert(
            0, "the totals are lower bounds: nothing is known of " + ", ".join(unknown_)
        )
    source = [Step(f"{net.source}")] if net.source else []
    return Answer(
        Table((*lines, end), columns, 1),
        tuple(source),
        tuple(checks),
        "table",
        condition_text(rows),
        tuple(notes),
        lower=bool(unknown_),
        pictures=diagram(net, input),
    )


def table_check(
    net: Net, input: Any, batch: Any, bias: bool, norm: bool, stats: bool, totals: dict[str, Any]
) -> Check:
    """All three totals by the other route."""

    def recount(net: Net, input: Any, batch: Any) -> Any:
        rows = net.rows(input, batch)
        return (
            params_again(rows, bias, norm, stats),
            sum(r.layer.tally(*r.inputs) for r in rows),
            sum(
                prod(r.layer.recount(*r.inputs))
                for r in rows
                if r.layer.KIND not in INPLACE
            ),
        )

    things = asked(net, input, batch)
    has = " at seeded numbers" if letters_of(things) else ""
    value = (totals["params"], totals["macs"], totals["activations"])
    how = "outputs, recounted, times the inputs that each reads"
    when = conditions(run(net, input, batch))
    return Check(how + has, holds_at_numbers(value, things, recount, when))


UNITS = {"B": 1, "kB": 1000, "MB": 10**6, "GB": 10**9, "KiB": 1024, "MiB": 2**20, "GiB": 2**30}
BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}


@kind("count memory", "vgg16 --unit MiB")
def memory(
    net: Net,
    *,
    layer: Names = (),
    input: Shape | None = None,
    batch: Size | None = None,
    dtype: str = "float32",
    unit: str = "MiB",
) -> Answer:
    """Memory for the parameters and for the activations of one forward pass."""
    if unit not in UNITS:
        raise unknown("unit", unit, list(UNITS))
    if dtype not in BYTES:
        raise unknown("dtype", dtype, list(BYTES))
    weights = params(net, layer=layer, input=input, stats=True)
    values = activations(net, layer=layer, input=input, batch=batch, image=not layer)
    each, by = BYTES[dtype], UNITS[unit]
    found = Record()
    steps = []
    for name, part in (("params", weights), ("activations", values)):
        work_ = tree(part.value) * each / by if by > 1 else tree(part.value) * each
        found[name] = settle(work_)
        steps.append(Step(f"{name}, in {unit}", work_, found[name]))
    both = plus(weights.value, values.value)
    whole = both * each / by if by > 1 else both * each
    found["total"] = settle(whole)
    steps.append(Step(f"total, in {unit}", whole, found["total"]))
    notes = [f"{each} bytes a value ({dtype})"]
    if by > 1:
        notes.append(f"1 {unit} = {by:,} bytes")
    notes += ["all counted activations are kept; running statistics are stored"]
    return Answer(
        found,
        tuple(steps),
        weights.checks + values.checks,
        "memory",
        values.condition,
        (*notes, *values.conventions),
        unit,
        weights.lower,
        weights.pictures,
    )


ASKED = ["shape", "params", "weights", "biases", "macs", "flops", "activations", "connections"]


@kind("count layer", "'3x32x32: conv 6 k5' --ask shape,params,weights")
def describe(
    net: Net,
    *,
    layer: str = "",
    ask: Names = ("shape", "weights", "params"),
    input: Shape | None = None,
) -> Answer:
    """Several facts about one layer: its output shape, weights, parameters, …"""
    found = Record()
    steps: list[Step] = []
    checks: list[Check] = []
    notes: dict[str, None] = {}
    rows = run(net, input)
    name, lower = layer or rows[-1].name, False
    if not ask:
        raise BadInput(f"ask for some of {', '.join(ASKED)}")
    for what in ask:
        if what not in ASKED:
            raise unknown("fact about a layer", what, ASKED)
        if what == "shape":
            row = pick(rows, [name])[-1]
            part = layer_shape(row)
        else:
            part = KINDS[what](net, layer=(name,), input=input)
        found[what] = part.value
        steps += [Step(what if len(part.steps) == 1 and what != "shape" else s.rule, s.before,
                       s.after, s.of, s.formula) for s in part.steps]  # fmt: skip
        checks += part.checks
        notes.update(dict.fromkeys(part.conventions))
        lower = lower or part.lower
    return Answer(
        found,
        tuple(steps),
        every(checks),
        "layer",
        condition_text(rows),
        tuple(notes),
        lower=lower,
        pictures=diagram(net, input),
    )


def layer_shape(row: Row) -> Answer:
    """The shape kind's answer for a layer inside a network."""
    from solver.kinds.shape import channel_steps, count_again, size_steps

    one, inputs, out = row.layer, row.inputs, row.out
    steps = [*size_steps(one.sides(*inputs)), *channel_steps(one, inputs, out)]
    value = without_batch(out, None)
    return Answer(value, tuple(steps), (count_again(one, inputs, out, conditions([row])),), "shape")


KINDS = {"params": params, "weights": weights, "biases": biases, "macs": macs, "flops": flops,
         "activations": activations, "connections": connections}


@kind("count compare", "'inception-naive; inception-reduced' --of macs")
def compare(nets: Nets, *, of: str = "params", bias: bool = True, layer: Names = ()) -> Answer:
    """Which of several networks has most and fewest, by how much, and by which factor."""
    if of not in KINDS:
        raise unknown("count", of, list(KINDS))
    if len(nets) < 2:
        raise BadInput("give at least two networks to compare, separated by ;")
    options = {"bias": bias} if of in ("params", "connections") else {}
    parts = [KINDS[of](net, layer=layer, **options) for net in nets]
    for net, part in zip(nets, parts):
        if part.lower:
            raise BadInput(
                f"{short(net)} has a layer that cannot be counted, so it cannot be compared"
            )
    steps = [Step(f"network {i + 1}" if ":" in net.name else net.name, None, part.value)
             for i, (net, part) in enumerate(zip(nets, parts))]
    values = [p.value for p in parts]
    if any(isinstance(v, Expr) for v in values):
        found, more = compare_letters(values)
    else:
        most, fewest = max(values), min(values)
        found = Record(most=values.index(most) + 1, fewest=values.index(fewest) + 1,
                       difference=most - fewest)
        more = [Step("difference", tree(most) - fewest, most - fewest)]
        if fewest:
            found["ratio"] = settle(tree(most) / fewest)
            more.append(Step("ratio", tree(most) / fewest, found["ratio"]))
    checks = every(c for p in parts for c in p.checks)
    notes = dict.fromkeys(n for p in parts for n in p.conventions)
    when = " and ".join(dict.fromkeys(p.condition for p in parts if p.condition))
    return Answer(found, (*steps, *more), checks, of, when, tuple(notes))


def compare_letters(values: list[Any]) -> tuple[Record, list[Step]]:
    """Most and fewest for every value of the letters (at least 1), or a refusal."""
    from solver.expressions.algebra import order

    ranked = order(values)
    if ranked is None:
        raise BadInput("which is larger depends on the letters: give numbers")
    return (Record(most=ranked[-1] + 1, fewest=ranked[0] + 1, same_for_all=True),
            [Step("the order holds for all values of the letters from 1 on")])


