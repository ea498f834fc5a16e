"""What a layer is: its output shape, weights and multiply-adds; all counts follow from these.

A layer is one frozen dataclass, registered by name, its hyper-parameters as fields. A
network is a layer. Shapes are tuples of sizes (int, or a tree with letters), laid out as
PyTorch does: N×C×H×W, the batch N optional where PyTorch makes it so. A layer refuses
what PyTorch refuses, with BadInput.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from solver.core import BadInput
from solver.expressions.formula import Work, settle
from solver.expressions.nodes import (
    Expr,
    Num,
    Pow,
    Size,
    evaluate,
    plus,
    times,
    tree,
)
from solver.registry import Registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from solver.networks.needs import Need

Shape = tuple[Size, ...]
Sides = int | Expr | tuple[Size, ...]  # one size for every axis, or one an axis

HOME = "solver.networks."
WHERE = {
    "conv": HOME + "conv",
    "conv-transpose": HOME + "conv",
    "pool": HOME + "pool",
    "adaptive-pool": HOME + "pool",
    "linear": HOME + "dense",
    "bilinear": HOME + "dense",
    "embedding": HOME + "dense",
    "matmul": HOME + "dense",
    "batch-norm": HOME + "norm",
    "layer-norm": HOME + "norm",
    "rms-norm": HOME + "norm",
    "group-norm": HOME + "norm",
    "instance-norm": HOME + "norm",
    "local-response-norm": HOME + "norm",
    "activation": HOME + "pointwise",
    "dropout": HOME + "pointwise",
    "identity": HOME + "pointwise",
    "flatten": HOME + "reshape",
    "unflatten": HOME + "reshape",
    "pad": HOME + "reshape",
    "tokens": HOME + "reshape",
    "class-token": HOME + "reshape",
    "positions": HOME + "reshape",
    "select": HOME + "reshape",
    "custom": HOME + "reshape",
    "unfold": HOME + "windows",
    "fold": HOME + "windows",
    "pixel-shuffle": HOME + "windows",
    "pixel-unshuffle": HOME + "windows",
    "interpolate": HOME + "windows",
    "rnn": HOME + "sequence",
    "lstm": HOME + "sequence",
    "gru": HOME + "sequence",
    "attention": HOME + "sequence",
    "sparse-conv": HOME + "classic",
    "subsample": HOME + "classic",
    "rbf": HOME + "classic",
    "concat": HOME + "combine",
    "add": HOME + "combine",
    "sequential": HOME + "combine",
    "aside": HOME + "combine",
}
layer = Registry("layer", WHERE)

AXES = {1: "L", 2: "HW", 3: "DHW"}


@dataclass(frozen=True)
class Field:
    """The receptive field of one axis: what the first output sees, and the step to the next.

    start and end are input positions (negative: in the padding); jump is in input pixels.
    """

    start: Size = 0
    end: Size = 0
    jump: Size = 1

    @property
    def size(self) -> Size:
        """How many input positions one output depends on."""
        return settle(self.end - self.start + 1)

    @property
    def centre(self) -> Any:
        """Where the first output's field is centred (0.5: between two pixels)."""
        return settle(tree(self.start + self.end) / 2)


@dataclass(frozen=True, eq=False, repr=False)
class Signal:
    """What flows between layers: a shape, and each axis's receptive field (None: all)."""

    shape: Shape
    field: tuple[Field, ...] | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Row:
    """One layer of a network as it ran: its name, inputs, output and receptive field."""

    name: str
    layer: Layer
    inputs: tuple[Shape, ...]
    out: Shape
    field: tuple[Field, ...] | None
    beside: bool = False  # on a side path, whose output goes nowhere


class Layer:
    """The defaults: a layer without weights that works on each value by itself.

    Layers are compared and printed by what is here, not by what dataclass would write for
    each of them, which would take longer than answering. KIND is the category under which
    a FLOP count may include or leave out its work: "product", "norm", "activation",
    "pooling" or "other". LETTERS names the textbook's letter of each field.
    """

    KIND: ClassVar[str] = "other"
    LETTERS: ClassVar[Mapping[str, str]] = {}
    KNOWN: ClassVar[bool] = True  # whether its weights and multiply-adds can be counted
    INPUTS: ClassVar[int] = 1  # how many shapes it takes; -1 for any number
    OUTPUTS: ClassVar[int] = 1  # how many tensors it returns; 2 for those with a state
    SIGNED: ClassVar[bool] = False  # whether its own sizes may be negative
    DISTANCES: ClassVar[bool] = False  # whether the smallest of its outputs says most
    # What a print said of it that no count depends on, and that it does not compute with.
    unheld: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        shown = (f"{k}={v!r}" for k, v in vars(self).items())
        return f"{type(self).__name__}({', '.join(shown)})"

    def out(self, *inputs: Shape) -> Shape:
        """The output shape; raises BadInput where PyTorch refuses the input."""
        return inputs[0]

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        """What the sizes must keep to; inputs with the right number of axes are assumed."""
        return iter(())

    def admit(self, *inputs: Shape) -> None:
        """Refuse numbers that do not meet what the layer requires."""
        for need in self.requires(*inputs):
            if need.unmet:
                raise BadInput(str(need))

    def sides(self, *inputs: Shape) -> list[tuple[str, Work]]:
        """The sizes that a formula gives, each with its axis: [("H", work), ...]."""
        return []

    def recount(self, *inputs: Shape) -> Shape:
        """The output shape by counting instead of by formula; on numbers only."""
        return inputs[0]

    def how(self) -> str:
        """What `recount` does, for the line that reports the check."""
        return "counting the values, which stay the same"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        """The learnable tensors by name; "bias" is what `--no-bias` leaves out."""
        return {}

    def buffers(self, *inputs: Shape) -> dict[str, Shape]:
        """What is stored but not learned: running mean and variance."""
        return {}

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> Expr | None:
        """Multiply-adds as a tree of factors; None where they cannot be counted."""
        return Num(0)

    def fan_in(self, *inputs: Shape) -> Size:
        """How many weighted inputs each output value reads (0: none)."""
        return 0

    def tally(self, *inputs: Shape) -> int:
        """Multiply-adds by the other route: outputs, recounted, times what each reads."""
        return prod(self.recount(*inputs)) * int(self.fan_in(*inputs))

    def shifts(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        """Additions of biases, as a tree: one an output, where there is a bias."""
        return (
            times(*out) if any("bias" in k for k in self.weights(*inputs)) else Num(0)
        )

    def extra(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        """Operations besides multiply-adds (of this layer's KIND), as a tree."""
        return Num(0)

    def connections(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        """LeCun's count: every output with its weighted inputs, and its bias if it has one."""
        fan = self.fan_in(*inputs)
        if fan == 0:
            return Num(0)
        bias = any("bias" in name for name in self.weights(*inputs))
        each = plus(fan, 1) if bias else tree(fan)
        return times(*(s for s in out if s != 1), each)

    def window(self, *inputs: Shape) -> list[tuple[Size, Size, Size, Size]] | None:
        """(kernel, stride, padding before, dilation) an axis; [] if pointwise, None if all."""
        return []

    def run(self, signals: Sequence[Signal], path: str, rows: list[Row]) -> Signal:
        """Send signals through, adding a Row for each leaf; composites override this."""
        shapes = tuple(s.shape for s in signals)
        try:
            for shape in shapes:
                if any(isinstance(n, tuple) for n in shape):
                    raise BadInput(
                        f"the layer before returns several tensors, {show_shape(shape)}, "
                        "and this one takes one"
                    )
            out = self.out(*shapes)
        except BadInput as e:
            raise e.at(path) if path else e from None
        field = widen(signals[0].field, self.window(*shapes))
        rows.append(Row(path, self, shapes, out, field))
        return Signal(out, field)


def widen(
    field: tuple[Field, ...] | None, window: list[tuple[Size, Size, Size, Size]] | None
) -> tuple[Field, ...] | None:
    """The field after a layer with this window; None once everything is seen."""
    if field is None or window is None:
        return None
    if not window:
        return field
    if len(window) != len(field):  # the axes before are no longer this layer's
        return None
    return tuple(
        Field(
            settle(f.start - p * f.jump),
            settle(f.end + ((k - 1) * d - p) * f.jump),
            settle(f.jump * s),
        )
        for f, (k, s, p, d) in zip(field, window)
    )


# -- helpers that layers share ------------------------------------------------------------


def number(x: Any) -> int | None:
    """x as an int, or None if it has letters."""
    return x if isinstance(x, int) else None


def per_axis(x: Sides, dims: int, what: str) -> Shape:
    """One size an axis: 3 -> (3, 3); a tuple must have exactly `dims` entries."""
    if isinstance(x, (tuple, list)):
        if len(x) == 1:
            return tuple(x) * dims
        if len(x) != dims:
            raise BadInput(
                f"{what} {show_shape(x)} has {len(x)} entries: give one, or {dims} "
                f"(one an axis of a {dims}d layer)"
            )
        return tuple(x)
    return (x,) * dims


def positive(what: str, *sizes: Size, least: int = 1) -> None:
    """Refuse numbers below `least` (letters are sizes, so at least 1 by assumption)."""
    for x in sizes:
        if isinstance(x, int) and x < least:
            raise BadInput(f"{what} must be {least} or more, not {x}")


def ratio(a: Size, b: Size) -> Size:
    """a / b, which is known to come out even."""
    return settle(tree(a) / b) if b != 1 else a


def split(input: Shape, dims: int, name: str) -> tuple[Shape, Size, Shape]:
    """(batch axes, channels, sides) of an N×C×sides or C×sides input."""
    if len(input) not in (dims + 1, dims + 2):
        axes = "×".join(AXES[dims])
        raise BadInput(
            f"a {dims}d {name} takes C×{axes} or N×C×{axes}, "
            f"{dims + 1} or {dims + 2} sizes, not {len(input)}: {show_shape(input)}"
        )
    batch = len(input) - dims - 1
    for side in input[batch + 1 :]:
        positive("each side of the input", side)
    for size in input[: batch + 1]:
        positive("batch and channels", size, least=0)
    return input[:batch], input[batch], input[batch + 1 :]


def show_shape(shape: Sequence[Any]) -> str:
    """6×28×28, as errors and tables print a shape; sums in brackets."""
    if not shape:
        return "a single number"
    return "×".join(_entry(x) for x in shape)


def _entry(x: Any) -> str:
    if isinstance(x, (tuple, list)):
        return f"({show_shape(x)})"
    s = str(x)
    return f"({s})" if " " in s and not (s[0] in "⌊⌈" and s[-1] in "⌋⌉") else s


def factors(*parts: Size | tuple[Size, ...]) -> Expr:
    """The product as a teacher writes it: equal sizes inside one group become a power.

    factors(64, 3, (3, 3)) is 64·3·3²; a batch of 1 is given as an empty group.
    """
    found: list[Expr] = []
    for part in parts:
        group = part if isinstance(part, tuple) else (part,)
        i = 0
        while i < len(group):
            j = i
            while j < len(group) and group[j] == group[i]:
                j += 1
            base = tree(group[i])
            found.append(Pow(base, Num(j - i)) if j - i > 1 else base)
            i = j
    return times(*found)


def lead(batch: Shape) -> Shape:
    """The leading axes as factors: none where they are all 1."""
    return () if all(n == 1 for n in batch) else batch


def count(shape: Shape) -> Size:
    """How many values a shape holds."""
    return settle(times(*shape)) if shape else 1


def total(shapes: Mapping[str, Shape]) -> Expr:
    """Σ Π: the number of values in these tensors, as a sum of products."""
    return plus(*(factors(*s[:2], s[2:]) for s in shapes.values()))


def starts(
    n: int, k: int, p: int, s: int, d: int, *, after: int | None = None
) -> range:
    """Where a window may start on an axis of n with p before and `after` (p) behind."""
    return range(-p, n + (p if after is None else after) - d * (k - 1), s)


def value(e: Any, env: Mapping[str, Any] | None = None) -> int:
    """A tree on numbers, as an int."""
    return int(evaluate(e, env))


Build = Callable[..., Layer]
