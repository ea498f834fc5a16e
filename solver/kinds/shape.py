"""Output shapes: `shape <layer>` for every layer, and `shape net` for a network.

A layer's hyper-parameters are the kind's parameters; one that is not given stays a
letter. PyTorch's names with the number of axes (conv1d, max_pool2d) are accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.formula import Work, rename
from solver.expressions.nodes import Sym, plus
from solver.given import Param, fields_of, letter
from solver.kinds import Kind, kind
from solver.kinds.conditions import conditions, stretching, written
from solver.kinds.sampling import holds_at_numbers, letters_of
from solver.networks.layers import AXES, Layer, Row, layer
from solver.registry import first_line
from solver.values import Listing, Shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.expressions.nodes import Size
    from solver.kinds.conditions import Relation
    from solver.networks.net import Net

    Names = tuple[str, ...]

# Layers that only make sense inside a network; all others are asked about by themselves.
INSIDE = (
    "identity", "tokens", "class-token", "positions", "select", "custom", "sparse-conv",
    "subsample", "rbf", "sequential", "aside",
)  # fmt: skip
OFFERED = [name for name in layer.names() if name not in INSIDE]

OTHER_NAMES: dict[str, tuple[str, dict[str, Any]]] = {
    "max-pool": ("pool", {"mode": "max"}),
    "avg-pool": ("pool", {"mode": "avg"}),
    "lp-pool": ("pool", {"mode": "lp"}),
    "adaptive-avg-pool": ("adaptive-pool", {"mode": "avg"}),
    "adaptive-max-pool": ("adaptive-pool", {"mode": "max"}),
    "relu": ("activation", {"function": "relu"}),
    "multihead-attention": ("attention", {}),
    "deconv": ("conv-transpose", {}),
    "upsample": ("interpolate", {}),
}
EXAMPLES = {
    "conv": "--in 3x224x224 --out-channels 64 --k 7 --s 2 --p 3",
    "conv-transpose": "--in 64x7x7 --out-channels 32 --k 4 --s 2 --p 1",
    "pool": "--in 64x112x112 --k 3 --s 2 --p 1",
    "adaptive-pool": "--in 512x7x9 --output 1",
    "linear": "--in 25088 --out-features 4096",
    "bilinear": "--in '8x20 8x30' --out-features 40",
    "embedding": "--in 8x12 --num-embeddings 10000 --embedding-dim 300",
    "matmul": "--in '8x3x4 8x4x5'",
    "batch-norm": "--in 64x28x28",
    "layer-norm": "--in 8x197x768",
    "rms-norm": "--in 8x128x512",
    "group-norm": "--in 64x28x28 --groups 32",
    "instance-norm": "--in 64x28x28",
    "local-response-norm": "--in 96x55x55 --size 5",
    "activation": "--in 64x28x28 --function gelu",
    "dropout": "--in 4096",
    "flatten": "--in 512x7x7",
    "unflatten": "--in 8xL --dim 1 --shape 2x3",
    "pad": "--in 3x32x32 --p 2",
    "unfold": "--in 3x32x32 --k 3 --p 1",
    "fold": "--in 27x1024 --output 32 --k 3 --p 1",
    "pixel-shuffle": "--in 36x16x16 --factor 2",
    "pixel-unshuffle": "--in 3x32x32 --factor 2",
    "interpolate": "--in 1x64x14x14 --scale 2",
    "rnn": "--in 10x8x16 --hidden 32",
    "lstm": "--in 10x8x16 --hidden 32 --layers 2",
    "gru": "--in 10x8x16 --hidden 32 --bidirectional",
    "attention": "--in 8x197x768 --heads 12",
    "concat": "--in '64x28x28 128x28x28'",
    "add": "--in '64x28x28 64x28x28'",
}
AXIS = {"C": "channels", "H": "height", "W": "width", "D": "depth", "L": "length"}


def resolve(name: str) -> Kind | None:
    """The kind `shape <name>`, or None if no layer has that name."""
    plain = name.replace("_", "-").replace(" ", "-")
    fixed: dict[str, Any] = {}
    if plain[-1:] == "d" and plain[-2:-1] in ("1", "2", "3"):
        fixed["dims"], plain = int(plain[-2]), plain[:-2]
    elif plain not in layer and plain.replace("-1d", "") in layer:
        return None
    if plain not in layer and plain in OTHER_NAMES:
        plain, more = OTHER_NAMES[plain]
        fixed |= more
    if plain not in layer or plain not in OFFERED:
        return None
    cls = layer[plain]
    params = fields_of(cls)
    if "dims" in fixed and not any(p.name == "dims" for p in params):
        del fixed["dims"]
    several = cls.INPUTS != 1
    schema = (
        Param("input", "Shapes" if several else "Shape", None),
        *(
            replace(p, default=None if p.required else p.default)
            for p in params
            if p.name not in fixed
        ),
    )

    def function(**given: Any) -> Answer:
        return of_layer(plain, cls, {**fixed, **given})

    return Kind(f"shape {name}", first_line(cls), schema, function, EXAMPLES.get(plain, ""), fixed,
                f"shape {plain}")


def of_layer(name: str, cls: Any, given: Mapping[str, Any]) -> Answer:
    """The output shape of one layer, with a worked line for each size that changes."""
    one, inputs = build(name, cls, given)
    added = unbatched(one, given, inputs)
    if added:
        inputs = tuple((1, *s) for s in inputs)
    out = one.out(*inputs)
    works = one.sides(*inputs)
    steps = [*size_steps(works), *channel_steps(one, inputs, out)]
    value: Any = shaped(out[1:] if added else out, one)
    when = conditions([Row("", one, inputs, out, None)])
    return Answer(
        value,
        tuple(steps),
        (count_again(one, inputs, out, when),),
        name="shape",
        condition=written(when),
        conventions=conventions(one, inputs, value),
    )


def build(
    name: str, cls: Any, given: Mapping[str, Any]
) -> tuple[Layer, tuple[tuple[Any, ...], ...]]:
    """The layer and its inputs, letters standing for what was not given."""
    values = dict(given)
    raw = values.pop("input", None)
    params = fields_of(cls)
    inputs: tuple[tuple[Any, ...], ...]
    inputs = () if raw is None else raw if cls.INPUTS != 1 else (raw,)
    if any(p.name == "dims" and p.default == 2 for p in params) and "dims" not in values:
        values["dims"] = dims_of(values, inputs)
    if values.get("dims", 2) not in (1, 2, 3, None):
        raise BadInput(f"dims is 1, 2 or 3, not {values['dims']}")
    for p in params:
        if p.required and p.name not in values:
            sign = cls.LETTERS.get(p.name, p.name)
            if p.type.replace(" | None", "") not in ("Size", "Sides"):
                raise BadInput(f"shape {name} needs {p.name}")
            values[p.name] = letter(sign, p.name)
    one = cls(**values)
    if not inputs:
        inputs = missing_inputs(one, name)
    if cls.INPUTS > 0 and len(inputs) != cls.INPUTS:
        raise BadInput(f"shape {name} takes {cls.INPUTS} inputs, not {len(inputs)}: "
                       "--in '64x28x28 128x28x28'")
    if not inputs:
        raise BadInput(f"shape {name} needs at least one input shape: --in 3x32x32")
    return one, inputs


def dims_of(values: Mapping[str, Any], inputs: tuple[tuple[Any, ...], ...]) -> int:
    """How many axes the windows have: from a tuple among the values, else from the input.

    C×H×W is the usual input, so three sizes mean two axes; two sizes C×L, five N×C×D×H×W.
    """
    for key in ("kernel", "stride", "padding", "dilation", "output"):
        v = values.get(key)
        if isinstance(v, tuple) and 1 < len(v) <= 3:
            return len(v)
    return {2: 1, 5: 3}.get(len(inputs[0]) if inputs else 0, 2)


def missing_inputs(one: Layer, name: str) -> tuple[tuple[Any, ...], ...]:
    """The input in letters: C×H×W for layers with windows, features for the others."""
    dims = getattr(one, "dims", None)
    channels = getattr(one, "in_channels", None)
    if dims:
        return ((channels or Sym("C_in" if hasattr(one, "out_channels") else "C"),
                 *map(Sym, AXES[dims])),)
    if name in ("linear",):
        return ((getattr(one, "in_features", None) or Sym("n_in"),),)
    if name in ("batch-norm", "group-norm", "instance-norm", "flatten", "activation", "dropout",
                "pixel-shuffle", "pixel-unshuffle", "local-response-norm", "pad"):
        return ((Sym("C"), Sym("H"), Sym("W")),)
    raise BadInput(f"shape {name} needs its input shape: --in 3x32x32")


def unbatched(one: Layer, given: Mapping[str, Any], inputs: Any) -> bool:
    """Whether the input is C×H×W for a layer that PyTorch only lets see N×C×H×W.

    Shapes are given without the batch here, so one is put before and taken away again,
    unless the number of axes was stated, which makes the rule PyTorch's own.
    """
    name = type(one).__name__
    if name == "Flatten":
        return "start_dim" not in given and len(inputs[0]) <= 3
    if name == "Concat":
        return "dim" not in given and len(inputs[0]) in (1, 3)
    if name in ("BatchNorm", "InstanceNorm"):
        return given.get("dims") is None and len(inputs[0]) in (1, 3)
    return name == "GroupNorm" and len(inputs[0]) in (1, 3)


def shaped(out: Any, one: Layer) -> Any:
    """The output as a Shape; recurrent layers return several, nested."""
    if any(isinstance(x, (tuple, list)) for x in out):
        return Listing(shaped(x, one) if isinstance(x, (tuple, list)) else x for x in out)
    dims = getattr(one, "dims", None)
    order = "C" + AXES[dims] if dims and len(out) == dims + 1 else ""
    return Shape(out, order)


def size_steps(works: list[tuple[str, Work]]) -> list[Step]:
    """A line an axis; axes whose line is the same share it."""
    groups: list[tuple[list[str], Work]] = []
    for axis, work in works:
        for axes, other in groups:
            if (other.tree, other.formula) == (work.tree, work.formula):
                axes.append(axis)
                break
        else:
            groups.append(([axis], work))
    steps = []
    for axes, work in groups:
        rule = "output " + " and ".join(AXIS[a] for a in axes)
        formula = rename(work.formula, n=axes[0])
        steps.append(Step(rule, work.tree, work.value, Sym(f"{axes[0]}_out"), formula))
    return steps


def channel_steps(one: Layer, inputs: Any, out: Any) -> list[Step]:
    """What happens to the channels, in a sentence or a line."""
    name = type(one).__name__
    if hasattr(one, "out_channels"):
        c = one.out_channels
        many = "the only filter" if c == 1 else f"each of the {c} filters"
        return [Step(f"output channels: one for {many}")]
    if name in ("Pool", "AdaptivePool"):
        return [Step("channels stay: pooling works inside each of them")]
    if name == "Flatten":
        first, last = one.axes(inputs[0])  # type: ignore[attr-defined]
        held = inputs[0][first : last + 1]
        if len(held) > 1:
            from solver.expressions.nodes import times

            return [Step("values in one vector", times(*held), out[first])]
    if name == "Concat":
        at = one.dim % len(inputs[0])  # type: ignore[attr-defined]
        where = "the channels" if at == 1 and len(inputs[0]) in (3, 4) else f"sizes along axis {at}"
        return [Step(f"{where} add up", plus(*(s[at] for s in inputs)), out[at])]
    return []


def count_again(one: Layer, inputs: Any, out: Any, when: Sequence[Relation]) -> Check:
    """The output shape reached another way: by counting."""
    has = bool(letters_of((one, inputs)))
    how = one.how() + (" at seeded numbers" if has else "")
    return Check(how, holds_at_numbers(tuple(out), (one, *inputs), _recount, when))


def _recount(one: Layer, *inputs: Any) -> Any:
    one.out(*inputs)  # refuses numbers that do not fit, which then prove nothing
    return one.recount(*inputs)


def conventions(one: Layer, inputs: Any, value: Any) -> tuple[str, ...]:
    """The conventions that this answer depends on, each in a few words."""
    found = []
    name = type(one).__name__
    if isinstance(value, Shape) and len(value) >= 2 and getattr(one, "dims", None) is not None:
        found.append("shapes are channels × " + " × ".join(AXIS[a] for a in AXES[one.dims])  # type: ignore[attr-defined]
                     + (", the batch first" if len(value) == one.dims + 2 else ""))  # type: ignore[attr-defined]
    if name in ("Conv", "Pool"):
        if getattr(one, "ceil_mode", False):
            found.append("ceil mode: the last window may hang over the edge, but starts inside")
        elif any("/" in str(w.formula) for _, w in one.sides(*inputs)):
            found.append("sizes are rounded down: a window must fit whole")
    found += stretching([Row("", one, inputs, (), None)])
    if name == "Interpolate" and len(inputs[0]) == 3:
        found.append("three sizes are N×C×L, as PyTorch reads them: an image is N×C×H×W")
    if name == "Conv" and str(getattr(one, "padding", "")) == "same":
        found.append("'same' pads d(k − 1) zeros in all; the odd one, if any, goes behind")
    return tuple(found)


@kind("shape net", "vgg16 --layer pool5")
def net(net: Net, *, layer: str = "", input: Shape | None = None, batch: Size = None) -> Answer:
    """Output shape of a network, or of one of its layers."""
    from solver.kinds.nets import net_shape

    return net_shape(net, layer, input, batch)


@kind("shape trace", "lenet5-modern --layers conv1,pool1")
def trace(net: Net, *, layers: Names = (), input: Shape | None = None) -> Answer:
    """The output shapes of several layers of a network, in order."""
    from solver.kinds.nets import traced

    return traced(net, layers, input)


