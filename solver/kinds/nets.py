"""What the kinds about networks share: picking layers, working a count line by line.

A count is the sum, over the chosen layers, of a tree that the layer states; the check
takes the other route (`recount`, `tally`, `fan_in`) through the same layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace

from solver.core import Answer, BadInput, Check, Picture, Step
from solver.expressions.formula import LARGE, NEUTRAL, settle
from solver.expressions.nodes import Expr, Num, Sym, evaluate, letters, plus
from solver.kinds.sampling import holds_at_numbers, letters_of
from solver.networks.layers import AXES, Layer, Row, Shape, show_shape
from solver.networks.net import Net
from solver.registry import unknown
from solver.values import Listing
from solver.values import Shape as ShapeValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def pick(rows: Sequence[Row], wanted: Sequence[str]) -> list[Row]:
    """The rows of these layers: a name, a block's name, or a range `conv1..pool2`."""
    if not wanted:
        return list(rows)
    names = [r.name for r in rows]
    chosen: dict[int, None] = {}
    for name in wanted:
        if ".." in name:
            first, _, last = name.partition("..")
            start, end = _places(names, first)[0], _places(names, last)[-1]
            chosen.update((i, None) for i in range(start, end + 1))
        else:
            chosen.update((i, None) for i in _places(names, name))
    return [rows[i] for i in chosen]


def _places(names: list[str], name: str) -> list[int]:
    """Where a layer stands: its full name, a block's, or the end of just one name."""
    exact = [i for i, n in enumerate(names) if n == name or n.startswith(name + ".")]
    if exact:
        return exact
    tail = [i for i, n in enumerate(names) if n.endswith("." + name) or f".{name}." in n]
    if not tail:
        raise unknown("layer of this network", name, names)
    if len({names[i].split(f".{name}")[0] for i in tail}) > 1:
        listed = ", ".join(names[i] for i in tail[:4])
        raise BadInput(f"{name!r} could be {listed}: give the whole name")
    return tail


def run(net: Net, input: Shape | None, batch: Any = None) -> list[Row]:
    """The network's rows on this input; what does not fit names the network's layer."""
    if input is not None and len(input) != len(net.input):
        raise BadInput(
            f"{short(net)} takes {len(net.input)} sizes without the batch, such as "
            f"{show_shape(net.input)}, not {show_shape(input)}"
        )
    rows = net.rows(input, 1 if batch is None else batch)
    for row in rows:  # alone, a layer also takes C×H×W; here the batch always stands first
        dims = getattr(row.layer, "dims", None)
        if dims and row.layer.KIND in ("product", "pooling") and len(row.inputs[0]) != dims + 2:
            wanted, got = "×".join(("C", *AXES[dims])), show_shape(row.inputs[0][1:])
            raise BadInput(f"a {dims}d layer takes {wanted}, not {got}").at(row.name)
        seen = [end for f in row.field or () for end in (f.end, f.jump)]
        if any(isinstance(n, int) and n > LARGE for n in (*row.out, *seen)):
            raise BadInput(f"the sizes grow beyond {LARGE:,}").at(row.name)
    return rows


def asked(net: Net, input: Shape | None, batch: Any) -> tuple[Net, Shape, Any]:
    """What a recount is given: the network on this input, and the batch."""
    shape = net.input if input is None else input
    return replace(net, input=shape), shape, 1 if batch is None else batch


def remarks(rows: Sequence[Row]) -> tuple[str, ...]:
    """What looks like a slip of the author, though PyTorch runs it so: said, not refused."""
    from solver.kinds.conditions import stretching

    found = [*stretching(rows)]
    for row in rows:
        if type(row.layer).__name__ == "Linear" and len(row.inputs[0]) == 4:
            shape = row.inputs[0][1:]
            found.append(
                f"{row.name} reads the last axis of {show_shape(shape)} only, as in PyTorch: "
                "flatten before it if it should read all values"
            )
    return tuple(found)


def short(net: Net) -> str:
    """A network's name, or its notation cut to a readable length."""
    return net.name if len(net.name) <= 48 else net.name[:45] + "…"


def without_batch(shape: Shape, batch: Any) -> ShapeValue:
    """The shape as people write it: the batch only if it was asked for."""
    sizes = shape[1:] if batch is None and shape[:1] == (1,) else shape
    return ShapeValue(sizes, "CHW" if len(sizes) == 3 else "")


ORDERS = {2: "length", 3: "height × width", 4: "depth × height × width"}


def axes_named(input: Shape) -> tuple[str, ...]:
    """What the sizes of this network's shapes are, as a convention."""
    return (f"shapes are channels × {ORDERS[len(input)]}",) if len(input) in ORDERS else ()


def net_shape(net: Net, name: str, input: Shape | None, batch: Any) -> Answer:
    """The shape after one layer (the last unless named), and where it changes on the way."""
    from solver.kinds.conditions import condition_text, stretching

    rows = run(net, input, batch)
    end = rows.index(pick(rows, [name])[-1]) if name else len(rows) - 1
    upto = rows[: end + 1]
    condition = condition_text(upto)
    return Answer(
        without_batch(rows[end].out, batch),
        tuple(outputs(upto, batch)),
        (counted(net, input, batch, rows),),
        name="shape",
        condition=condition,
        conventions=(*axes_named(net.input), *stretching(upto)),
        pictures=diagram(net, input),
    )


def outputs(rows: Sequence[Row], batch: Any) -> Iterator[Step]:
    """A row of the table for each shape; layers that keep it share the row of the first.

    Beside the shape, how its sides come about, where they are all alike and change.
    """
    from solver.kinds.shape import size_steps

    runs: list[list[Row]] = []
    for row in rows:
        if runs and row.out == runs[-1][-1].out:
            runs[-1].append(row)
        else:
            runs.append([row])
    for run in runs:
        first = run[0]
        label = names_of(run, rows)
        sizes = size_steps(first.layer.sides(*first.inputs))
        if len(sizes) == 1 and sizes[0].before not in (None, sizes[0].after):
            sides = sizes[0].rule.removeprefix("output ")
            yield replace(sizes[0], rule=label, of=None, column=sides)
        yield Step(label, None, without_batch(first.out, batch), column="output")


def names_of(run: Sequence[Row], rows: Sequence[Row]) -> str:
    """A run of layers by its first and last; blocks that are in it whole by their names."""
    tops = [r.name.partition(".")[0] for r in rows]
    here = [r.name.partition(".")[0] for r in run]
    whole = {t for t in here if here.count(t) == tops.count(t)}
    names = list(dict.fromkeys(t if t in whole else r.name for t, r in zip(here, run)))
    if len(names) < 3:
        return ", ".join(names) or "output"
    block = names[0].rpartition(".")[0]
    return f"{names[0]} … {names[-1].removeprefix(f'{block}.') if block else names[-1]}"


def diagram(net: Net, input: Shape | None = None) -> tuple[Picture, ...]:
    """The picture of a network; a hand-out's without the shapes."""
    given = {"net": asked(net, input, None)[0], "order": "CHW"}
    return (Picture("network", given, {**given, "shapes": False}),)


def traced(net: Net, names: Sequence[str], input: Shape | None) -> Answer:
    """The shapes after these layers (all of them unless named)."""
    from solver.kinds.conditions import condition_text, stretching

    rows = run(net, input)
    chosen = [pick(rows, [n])[-1] for n in names] if names else rows
    condition = condition_text(rows)
    return Answer(
        Listing(without_batch(r.out, None) for r in chosen),
        tuple(outputs(rows[: max(map(rows.index, chosen)) + 1], None)),
        (counted(net, input, None, rows),),
        name="shapes",
        condition=condition,
        conventions=(*axes_named(net.input), *stretching(rows)),
        pictures=diagram(net, input),
    )


def counted(net: Net, input: Shape | None, batch: Any, found: Sequence[Row]) -> Check:
    """All shapes of a network reached by counting, layer by layer."""
    from solver.kinds.conditions import conditions

    def recount(net: Net, input: Any, batch: Any) -> Any:
        rows = net.rows(input, batch)
        return tuple(r.layer.recount(*r.inputs) for r in rows)

    things = asked(net, input, batch)
    has = " at seeded numbers" if letters_of(things) else ""
    how = "counting window positions and values, layer by layer" + has
    outs = tuple(row.out for row in found)
    return Check(how, holds_at_numbers(outs, things, recount, conditions(found)))


Lettered = tuple[Layer, tuple[Shape, ...], Shape]


def says(formula: Expr | None, lettered: Lettered, row: Row, value: Any) -> bool:
    """Whether a formula in letters gives the value, its letters put back: if it does not,
    it is not the formula of this line (a convention changed it) and is not shown."""
    if formula is None:
        return False
    env: dict[str, Any] = {}
    pairs = list(zip([s for i in lettered[1] for s in i], [n for i in row.inputs for n in i]))
    pairs += list(zip(lettered[2], row.out))
    for f in fields(row.layer):  # type: ignore[arg-type]
        pairs.append((getattr(lettered[0], f.name), getattr(row.layer, f.name)))
    for sign, number in pairs:
        for one, n in zip(*(x if isinstance(x, tuple) else (x,) for x in (sign, number))):
            if isinstance(one, Sym):
                if env.setdefault(one.name, n) != n:
                    return False
    try:
        return bool(evaluate(formula, env) == value)
    except (KeyError, TypeError, ZeroDivisionError):
        return False


def in_letters(row: Row) -> Lettered | None:
    """The same layer with the textbook's letters for its numbers, and its shapes so too."""
    layer = row.layer
    if not layer.LETTERS or len(row.inputs) != 1:
        return None
    changed: dict[str, Any] = {}
    known = {f.name for f in fields(layer)}  # type: ignore[arg-type]
    for name, sign in layer.LETTERS.items():
        old = getattr(layer, name) if name in known else None
        if isinstance(old, int) and NEUTRAL.get(sign) != old:
            changed[name] = Sym(sign)
        elif isinstance(old, tuple) and len(set(old)) > 1:
            changed[name] = tuple(Sym(f"{sign}_{a.lower()}") for a in AXES[len(old)])
        elif isinstance(old, tuple):
            changed[name] = Sym(sign)
    if "in_channels" in changed:
        del changed["in_channels"]
    dims = getattr(layer, "dims", None) or 0
    (input,) = row.inputs
    made: Layer = replace(layer, **changed)  # type: ignore[type-var]
    channel = "C_in" if hasattr(layer, "out_channels") else "C"
    if dims and len(input) in (dims + 1, dims + 2):
        sides = tuple(Sym(a) for a in AXES[dims])
        outs = tuple(Sym(f"{a}_out") for a in AXES[dims])
        out_channels = getattr(made, "out_channels", Sym(channel))
        one = (1,) * (len(input) - dims - 1)
        return made, ((*one, Sym(channel), *sides),), (*one, out_channels, *outs)
    if hasattr(layer, "out_features"):
        return made, ((*row.inputs[0][:-1], Sym("n_in")),), (*row.out[:-1], Sym("n_out"))
    if len(input) in (2, 4):
        shape = (1, Sym("C"), *(Sym(a) for a in AXES.get(len(input) - 2, "")))
        return made, (shape,), shape
    return None


Tree = Callable[[Layer, tuple[Shape, ...], Shape], "Expr | None"]


def work(
    rows: Sequence[Row], tree: Tree, counts: Callable[[Row], bool], column: str
) -> tuple[list[Step], Any, list[str]]:
    """A row of the table for each whose tree is not 0, then the total: (steps, value,
    unknown). `column` says what is counted.

    The formula in letters stands before the first line of each form. Rows that do not
    count, or whose tree is None, are left out; their names are returned, and the total is
    a lower bound.
    """
    steps: list[Step] = []
    values: list[Any] = []
    missing: list[str] = []
    seen: set[Any] = set()
    for row in rows:
        e = tree(row.layer, row.inputs, row.out) if counts(row) else None
        if e is None:
            missing.append(row.name)
            continue
        if e == Num(0):
            continue
        value = settle(e)
        lettered = in_letters(row)
        formula = tree(*lettered) if lettered else None
        if formula is not None and (formula in seen or formula == Num(0) or letters(e)):
            formula = None
        if formula is not None and not says(formula, lettered, row, value):  # type: ignore[arg-type]
            formula = None
        if formula is not None:
            seen.add(formula)
        steps.append(Step(row.name, e, value, None, formula, column=column))
        values.append(value)
    total = settle(plus(*values))
    if len(values) > 1:
        steps.append(Step("total", plus(*values), total))
    return steps, total, missing
