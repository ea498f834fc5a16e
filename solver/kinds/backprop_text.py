"""The equations of a network given as layers: `2: linear 5, tanh, linear 3, softmax`.

z1 = x·W1 + b1, a1 = tanh(z1), …, in rows or columns, for one sample or a batch; what
comes out is text of the kind `backprop net`, which a user could have typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from solver.core import BadInput
from solver.given import net as read
from solver.networks.combine import Network, Sequential
from solver.networks.dense import Linear
from solver.networks.layers import Layer
from solver.networks.pointwise import Activation, Dropout, Identity
from solver.networks.reshape import Flatten
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# activation -> its value at z, in the plain grammar
FUNCTIONS: dict[str, str] = {
    **{f: f"{f}({{z}})" for f in ("relu", "sigmoid", "tanh", "softplus", "softmax")},
    "silu": "{z}.*sigmoid({z})",
    "leaky-relu": "relu({z}) - 0.01*relu(-{z})",
    "logsigmoid": "-softplus(-{z})",
}
LOSSES = {
    "cross-entropy": "-sum({y}.*log({p}))",
    "bce": "-sum({y}.*log({p}) + (1 - {y}).*log(1 - {p}))",
    "squared": "norm2({p} - {y})^2/2",
    "mse": "norm2({p} - {y})^2/{k}",
    "sum": "sum({p})",
}
ENDS = {"cross-entropy": "softmax", "bce": "sigmoid"}  # what a loss reads
USUAL = {"softmax": "cross-entropy", "sigmoid": "bce"}


@dataclass
class Writing:
    """The lines and declarations of one network, in the making."""

    rows: bool
    batch: Any
    lines: list[str] = field(default_factory=list)
    sizes: dict[str, list[Any]] = field(default_factory=dict)
    layers: int = 0
    function: str = ""  # the last activation

    def letter(self, small: str) -> str:
        """x, or X for a batch."""
        return small[0].upper() + small[1:] if self.batch else small

    def samples(self, features: Any) -> list[Any]:
        """The dims of one sample's values, or a batch's."""
        size = self.batch or 1
        return [size, features] if self.rows else [features, size]

    def declare(self, name: str, dims: list[Any], *flags: str) -> str:
        self.sizes[name] = [*dims, *flags]
        return name

    def line(self, name: str, text: str) -> str:
        self.lines.append(f"{name} = {text}")
        return name


STEPS: dict[type, Callable[[Writing, Any, str, Any, Any], str]] = {}


def writes(kind: type) -> Callable[[Any], Any]:
    """Register how a layer is written: (writing, layer, its input's name, sizes in, out)."""

    def register(function: Any) -> Any:
        STEPS[kind] = function
        return function

    return register


@writes(Linear)
def linear(w: Writing, one: Linear, x: str, features: Any, out: Any) -> str:
    """z = x W + b in rows, W x + b in columns."""
    w.layers += 1
    dims = [features, out] if w.rows else [out, features]
    weight = w.declare(f"W{w.layers}", dims)
    text = f"{x}*{weight}" if w.rows else f"{weight}*{x}"
    if one.bias:
        text += " + " + w.declare(f"b{w.layers}", [1, out] if w.rows else [out, 1])
    w.function = ""
    return w.line(w.letter(f"z{w.layers}"), text)


@writes(Activation)
def activation(w: Writing, one: Activation, x: str, features: Any, out: Any) -> str:
    """a = f(z)."""
    if one.function not in FUNCTIONS:
        raise unknown("activation that can be worked backward", one.function, list(FUNCTIONS))
    w.function = one.function
    return w.line(w.letter(f"a{w.layers}"), FUNCTIONS[one.function].format(z=x))


@writes(Dropout)
def dropout(w: Writing, one: Dropout, x: str, features: Any, out: Any) -> str:
    """d = m ⊙ a/(1 − p), with the mask m given."""
    if not 0 <= one.p < 1:
        raise BadInput(f"dropout with p = {one.p} lets nothing through")
    mask = w.declare(w.letter(f"m{w.layers}"), w.samples(features))
    return w.line(w.letter(f"d{w.layers}"), f"{mask}.*{x}/(1 - {one.p})")


@writes(Identity)
@writes(Flatten)
def same(w: Writing, one: Layer, x: str, features: Any, out: Any) -> str:
    """What a vector passes unchanged."""
    return x


def equations_of(
    text: str, loss: str, vectors: str, batch: Any
) -> tuple[str, dict[str, list[Any]], str]:
    """(the equations, what they declare, rows or columns). BadInput names a layer that
    has no equation."""
    net = read(text, "net")
    if len(net.input) != 1:
        raise BadInput(
            "a network of vectors is worked in equations: its input is one size, as in "
            '"4: linear 5, relu, linear 3". Layers on images: pset backprop conv'
        )
    w = Writing(vectors != "columns", size(batch) if batch else None)
    shape: Any = (1, net.input[0])
    x = w.declare(w.letter("x"), w.samples(size(shape[-1])))
    for name, one in flat(net.layer):
        if type(one) not in STEPS:
            raise BadInput(
                f"{name} is a {type(one).__name__}: write the network as equations"
            )
        before, shape = shape, one.out(shape)
        x = STEPS[type(one)](w, one, x, size(before[-1]), size(shape[-1]))
    if not w.lines:
        raise BadInput("the network has no layer to be worked")
    end(w, x, size(shape[-1]), loss)
    return "; ".join(w.lines), w.sizes, "rows" if w.rows else "columns"


def end(w: Writing, x: str, out: Any, loss: str) -> None:
    """The output under its usual name, and the loss; none leaves a gradient from above."""
    loss = loss or USUAL.get(w.function, "")
    if not loss:
        return
    if loss not in LOSSES:
        raise unknown("loss", loss, list(LOSSES))
    wants = ENDS.get(loss, w.function)
    p = w.letter("p" if loss == "cross-entropy" else "yhat")
    if w.function == wants and w.function:
        w.lines[-1] = f"{p} = {w.lines[-1].partition(' = ')[2]}"
    elif loss in ENDS and w.function in ENDS.values():
        raise BadInput(f"{loss} reads a {wants}, but the network ends in {w.function}")
    elif loss in ENDS:
        w.line(p, f"{wants}({x})")
    else:
        p = x
    flags = ["rowprob" if w.rows else "colprob"] if loss == "cross-entropy" else []
    y = w.letter("y")
    if loss != "sum":
        w.declare(y, w.samples(out), *flags)
    text = LOSSES[loss].format(y=y, p=p, k=out)
    w.line("L", f"{text}/{w.batch}" if w.batch and loss != "sum" else text)


def flat(one: Layer, path: str = "") -> Iterator[tuple[str, Layer]]:
    """The leaves of layers one after the other; branches are refused."""
    if isinstance(one, Sequential):
        for name, layer in one.layers:
            yield from flat(layer, name)
    elif isinstance(one, Network):
        raise BadInput("paths side by side are written as equations: s = a + x*W")
    else:
        yield path or type(one).__name__.lower(), one


def size(n: Any) -> Any:
    """A number, or a letter's name; BadInput for anything else."""
    from solver.expressions.nodes import Sym

    if isinstance(n, int):
        return n
    if isinstance(n, Sym):
        return n.name.replace("_", "")
    raise BadInput(f"the size {n} is no number or letter")
