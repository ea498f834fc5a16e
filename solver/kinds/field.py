"""Receptive fields: how many input positions an output depends on, with stride and offset."""

from __future__ import annotations

from dataclasses import replace

from solver.core import Answer, BadInput, Check, Picture, Step
from solver.expressions.formula import LARGE, settle
from solver.expressions.nodes import Sym, plus, times, tree
from solver.expressions.parse import parse
from solver.kinds import kind
from solver.kinds.conditions import condition_text
from solver.kinds.nets import pick, run, short
from solver.networks.combine import Aside, Branches, Sequential, join
from solver.networks.layers import AXES, Layer, Row, Shape, positive
from solver.networks.net import Net
from solver.values import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    Integers = tuple[int, ...]

NAMED = {"D": "depth", "H": "height", "W": "width", "L": "length"}
GROWTH = parse("r + (k - 1)*d*j")
PLAIN = parse("r + (k - 1)*j")


@kind("field net", "vgg16 --layer pool5")
def net(net: Net, *, layer: str = "", input: Shape | None = None) -> Answer:
    """Receptive field of one unit, with the stride and where the first one is centred."""
    rows = run(net, input)
    end = pick(rows, [layer])[-1] if layer else last_local(rows)
    if end.field is None:
        raise BadInput(
            f"{end.name} of {short(net)} sees the whole input (or its paths step "
            f"differently); the last layer with a field of its own is {last_local(rows).name}"
        )
    upto = rows[: rows.index(end) + 1]
    axes = range(len(end.field))
    if len(set(end.field)) == 1:
        axes = range(1)
    found = Record()
    for i in axes:
        suffix = "" if len(axes) == 1 else f"_{AXES[len(end.field)][i].lower()}"
        field = end.field[i]
        found[f"rf{suffix}"] = field.size
        found[f"stride{suffix}"] = field.jump
        found[f"padding{suffix}"] = settle(0 - tree(field.start))
        found[f"centre{suffix}"] = field.centre
    steps: list[Step] = []
    for i in axes:
        sign = f"{NAMED[AXES[len(end.field)][i]]}, " if len(axes) > 1 else ""
        steps += [replace(s, rule=sign + s.rule) for s in growth(upto, i)]
    whole = [r.name for r in upto if type(r.layer).__name__ in ("GroupNorm", "InstanceNorm")]
    return Answer(
        found,
        tuple(steps),
        (seen_backwards(net, end, rows),),
        "field",
        condition_text(upto),
        conventions=(
            *([f"of {end.name}, the last layer that sees a window only"]
              if not layer and end is not rows[-1] else []),
            *(["the statistics of group and instance norms, which read the whole map, are "
               "left aside"] if whole else []),
            "the field counts input positions, padding included; padding is how far the "
            "first unit's field reaches over the edge",
            "centre is where the first unit's field is centred; 0.5 lies between two pixels",
        ),
        pictures=drawn_field(upto),
    )


def drawn_field(rows: list[Row]) -> tuple[Picture, ...]:
    """The picture of the windows along the last axis, where layers follow one another."""
    windows = [(r.name, w[-1]) for r in rows if (w := r.layer.window(*r.inputs))]
    told = [(name, k, s) for name, (k, s, _, d) in windows if (k, s) != (1, 1)]
    plain = all(d == 1 and isinstance(k * s, int) for _, (k, s, _, d) in windows)
    if not told or not plain or any(len(r.inputs) > 1 for r in rows):
        return ()
    names, kernels, strides = zip(*told)
    given = {"names": names, "kernels": kernels, "strides": strides,
             "title": "What one unit sees, along one axis"}  # fmt: skip
    return (Picture("field", given),)


def last_local(rows: list[Row]) -> Row:
    """The last layer whose units see a window only."""
    local = [r for r in rows if r.field is not None]
    if not local:
        raise BadInput("no layer of this network has a receptive field")
    seen = [r for r in local if r.layer.window(*r.inputs)]  # not the flatten behind a pooling
    return seen[-1] if seen and seen[-1].field == local[-1].field else local[-1]


def growth(rows: list[Row], axis: int) -> list[Step]:
    """A line for each layer with a window: r + (k − 1)·j, and the jump after it."""
    steps = []
    field: tuple[object, object] = (1, 1)
    for row in rows:
        window = row.layer.window(*row.inputs)
        if not window or row.field is None:
            if row.field is not None and row.field[axis].size != field[0]:
                steps.append(Step(f"{row.name}: the paths together", None, row.field[axis].size))
                field = (row.field[axis].size, row.field[axis].jump)
            continue
        k, s, _, d = window[axis]
        after = row.field[axis]
        before = settle(tree(after.size) - tree(k - 1) * d * ratio_of(after.jump, s))
        jump = ratio_of(after.jump, s)
        if k == 1 and s == 1:
            continue
        grown = [before, times(k - 1, jump)] if d == 1 else [before, times(k - 1, d, jump)]
        formula = PLAIN if d == 1 else GROWTH
        shown = () if s == 1 else (Step("jump", times(jump, s), after.jump, Sym("j_out")),)
        steps.append(Step(row.name, plus(*grown), after.size, Sym("r_out"), formula, shown))
        field = (after.size, after.jump)
    return steps


def ratio_of(jump: object, stride: object) -> int:
    """The jump before a layer of this stride."""
    return settle(tree(jump) / stride)


def seen_backwards(net: Net, end: Row, rows: list[Row]) -> Check:
    """The field again, from the output back to the input, for the first two units."""
    by_name = {r.name: r for r in rows}
    how = "following the first two units back to the input"
    good = True
    assert end.field is not None
    for i, field in enumerate(end.field):
        spans = [back(net.layer, (u, u), "", end.name, by_name, i)[0] for u in (0, 1)]
        if any(not isinstance(x, int) for span in spans for x in span):
            raise BadInput("a receptive field in letters is not supported for this network")
        (a, b), (c, _) = spans
        good = good and (a, b, c - a) == (field.start, field.end, field.jump)
    return Check(how, good)


def back(
    layer: Layer, span: tuple[int, int], path: str, end: str, rows: dict[str, Row], axis: int
) -> tuple[tuple[int, int], bool]:
    """The input span that an output span of this layer sees, and whether `end` was met.

    Layers behind `end` are passed over: the walk starts there.
    """
    if isinstance(layer, Sequential):
        met = False
        inside = any(holds(one, join(path, name), end) for name, one in layer.layers)
        started = not inside
        for name, one in reversed(layer.layers):
            here = join(path, name)
            if not started and not holds(one, here, end):
                continue
            started = True
            span, found = back(one, span, here, end, rows, axis)
            met = met or found
        return span, met
    if isinstance(layer, Branches):
        for name, one in layer.branches:
            if path != end and holds(one, join(path, name), end):
                return back(one, span, join(path, name), end, rows, axis)
        spans = [back(one, span, join(path, n), end, rows, axis)[0] for n, one in layer.branches]
        return (min(s[0] for s in spans), max(s[1] for s in spans)), path == end
    if isinstance(layer, Aside):
        return (back(layer.head, span, path, end, rows, axis) if holds(layer.head, path, end)
                else (span, False))
    row = rows[path]
    window = row.layer.window(*row.inputs)
    if window:
        k, s, p, d = window[axis]
        span = (span[0] * s - p, span[1] * s - p + (k - 1) * d)
    return span, path == end


def holds(layer: Layer, path: str, end: str) -> bool:
    """Whether the layer called `end` is this one or inside it."""
    if path == end:
        return True
    if isinstance(layer, Sequential):
        return any(holds(one, join(path, name), end) for name, one in layer.layers)
    if isinstance(layer, Branches):
        return any(holds(one, join(path, name), end) for name, one in layer.branches)
    return isinstance(layer, Aside) and holds(layer.head, path, end)


@kind("field stack", "--kernels 3,3,3")
def stack(*, kernels: Integers, strides: Integers = (1,)) -> Answer:
    """Receptive field of a stack of convolutions, and the size it costs without padding."""
    positive("kernel", *kernels)
    positive("stride", *strides)
    if len(strides) == 1:
        strides = strides * len(kernels)
    if len(strides) != len(kernels):
        raise BadInput(f"{len(kernels)} kernels need as many strides, not {len(strides)}")
    if len(kernels) > 1000:
        raise BadInput(f"a stack has at most 1000 layers, not {len(kernels)}")
    jumps = [1]
    for s in strides:
        jumps.append(jumps[-1] * s)
    terms = [times(k - 1, j) if j > 1 else tree(k - 1) for k, j in zip(kernels, jumps)]
    grown = settle(plus(1, *terms))
    found = Record(rf=grown)
    steps = [Step("receptive field", plus(1, *terms), grown, Sym("r"))]
    if jumps[-1] > 1:
        found["stride"] = jumps[-1]
        steps.append(Step("stride", times(*strides), jumps[-1]))
    else:
        lost = plus(*(tree(k - 1) for k in kernels))
        found["valid_loss"] = settle(lost)
        found["even_layers"] = sum(k % 2 == 0 for k in kernels)
        steps += [
            Step("along each axis the size shrinks without padding by", lost, found["valid_loss"]),
            Step("so the size is kept if the padding, both sides together, adds up to "
                 f"{found['valid_loss']}"),
            Step("layers with an even kernel (their padding cannot be the same on both sides)",
                 None, found["even_layers"]),
        ]
        if found["valid_loss"] % 2 == 0:
            found["symmetric_padding_sum"] = found["valid_loss"] // 2
            steps.append(Step("with the same padding on both sides, over all layers",
                              tree(found["valid_loss"]) / 2, found["symmetric_padding_sum"]))
    if grown > LARGE:
        raise BadInput(f"the field grows beyond {LARGE:,}: give fewer layers or strides")
    low = high = 0
    for k, s in zip(reversed(kernels), reversed(strides)):
        low, high = low * s, high * s + k - 1
    check = Check("following one unit back to the input", high - low + 1 == grown)
    given = {"kernels": kernels, "strides": strides,
             "title": "What one unit sees, along one axis"}  # fmt: skip
    return Answer(found, tuple(steps), (check,), "field", pictures=(Picture("field", given),))
