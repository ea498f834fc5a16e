"""Networks with convolutions worked backward, layer by layer: what each hands down, and
the gradient of each weight, with shapes. For `backprop net`; proved in numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from solver.core import Answer, BadInput, Check, Step
from solver.kinds.gradcheck import affordable
from solver.kinds.nets import run as rows_of
from solver.kinds.sampling import letters_of
from solver.networks.combine import Add, Concat, Sequential
from solver.networks.conv import Conv, ConvTranspose
from solver.networks.dense import Linear
from solver.networks.layers import Layer, Row, show_shape
from solver.networks.norm import BatchNorm
from solver.networks.pointwise import Activation, Dropout, Identity
from solver.networks.pool import AdaptivePool, Pool
from solver.networks.reshape import Flatten, Pad
from solver.values import Shape, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.networks.net import Net

COLUMNS = ("parameter", "shape", "gradient")
LOSSES = {"cross-entropy": "p − y", "mse": "2(ŷ − y)/number of outputs", "sum": "1 everywhere"}
SLOPES = {
    "relu": "δ where z > 0, else 0",
    "sigmoid": "δ·a·(1 − a)",
    "tanh": "δ·(1 − a²)",
    "softplus": "δ·σ(z)",
    "softmax": "a ⊙ (δ − Σ δ⊙a)",
    "leaky-relu": "δ where z > 0, else 0.01·δ",
}
ENTRIES = 6  # compared of each tensor


def down(row: Row) -> str:
    """What a layer hands to its input, δ being what it was handed itself."""
    one: Any = row.layer
    if isinstance(one, Activation):
        return SLOPES.get(one.function, f"δ ⊙ {one.function}′(z)")
    if isinstance(one, Conv):
        strides = one.stride if isinstance(one.stride, tuple) else (one.stride,)
        strided = any(s != 1 for s in strides)
        spread = ", s − 1 zeros put between the entries of δ" if strided else ""
        return f"full convolution of δ with W (W turned by 180°){spread}"
    if isinstance(one, Pool):
        return {
            "max": "δ to the largest value of each window, added where windows overlap",
            "avg": "δ/(window's size) to each value of the window",
        }.get(one.mode, f"δ by the derivative of the window's {one.mode} norm")
    if isinstance(one, AdaptivePool):
        return "δ to the largest value" if one.mode == "max" else "δ/(how many) to each value"
    if type(one) not in DOWN:
        raise BadInput(f"the way back through {row.name}, a {type(one).__name__}, is not told in "
                       "words; pset gradcheck net checks it in numbers")  # fmt: skip
    return DOWN[type(one)]


DOWN: dict[type[Layer], str] = {
    Linear: "δW",
    ConvTranspose: "correlation of δ with W",
    Flatten: "δ in the shape of the maps",
    Pad: "δ without the entries of the padding",
    Dropout: "δ ⊙ mask/(1 − p), by the mask of the forward pass",
    Identity: "δ",
    BatchNorm: "γ/σ·δ, as at inference; in training see pset backprop batch-norm",
    Concat: "δ cut into the paths' channels",
    Add: "δ to each path",
}
BY_WEIGHT: dict[type[Layer], dict[str, str]] = {
    Linear: {"weight": "δᵀx, added over the batch", "bias": "Σ δ over the batch"},
    Activation: {"slope": "Σ δ·z where z < 0, over positions and the batch"},
    Conv: {
        "weight": "correlation of x with δ, added over the batch",
        "bias": "Σ δ over positions and the batch",
    },
    ConvTranspose: {
        "weight": "correlation of δ with x, added over the batch",
        "bias": "Σ δ over positions and the batch",
    },
    BatchNorm: {
        "gamma": "Σ δ·x̂ over positions and the batch",
        "beta": "Σ δ over positions and the batch",
    },
}


def by_images(net: Net, loss: str, batch: Any) -> Answer:
    """Forward table, backward table and weight gradients of a network of images."""
    loss = loss or "cross-entropy"
    if loss not in LOSSES:
        raise BadInput(f"the loss of such a network is {', '.join(LOSSES)}, not {loss!r}")
    if letters_of((net.input, net.layer)):
        raise BadInput("its sizes are numbers here; for one layer in letters: pset backprop conv")
    net = without_softmax(net) if loss == "cross-entropy" else net
    rows = rows_of(net, None, batch or 1)
    forward = [Step("input", None, Shape(net.input))]
    forward += [Step(r.name, None, Shape(r.out[1:])) for r in rows]
    top = Step(f"{loss} at the output", None, LOSSES[loss])
    backward = [Step(r.name, None, down(r)) for r in reversed(rows)]
    weights = list(gradients(rows))
    if not weights:
        raise BadInput("the network has no parameter")
    total = sum(prod(shape) for _, shape, _ in weights)
    steps = (
        Step("forward, the shapes of one sample", substeps=tuple(forward)),
        Step("backward, what each layer hands down", substeps=(top, *backward)),
        Step("gradients have their parameters' shapes", None, f"{total:,} numbers"),
    )
    mean = ", its mean over the batch: δ holds the 1/N"
    notes = [
        f"the loss is {loss}" + mean * (loss != "sum"),
        "δ is ∂L/∂(output) of a layer, x its input, z what an activation reads, a its value",
        "convolution as in networks: cross-correlation, the kernel not turned",
    ]
    if any(isinstance(r.layer, Activation) and r.layer.function == "relu" for r in rows):
        notes.append("relu′(0) = 0")
    table = Table(((n, show_shape(s), text) for n, s, text in weights), COLUMNS)
    return Answer(table, steps, (proof(net, rows, loss),), "gradients", conventions=tuple(notes))


def without_softmax(net: Net) -> Net:
    """The network up to its scores: softmax and cross-entropy are taken together."""
    layers = net.layer.layers if isinstance(net.layer, Sequential) else ()
    last = layers[-1][1] if layers else None
    if isinstance(last, Activation) and last.function in ("softmax", "log-softmax"):
        return replace(net, layer=Sequential(layers[:-1]))
    return net


def gradients(rows: Sequence[Row]) -> list[tuple[str, Any, str]]:
    """(name, shape, how it is found) of each parameter."""
    found = []
    for r in rows:
        for name, shape in r.layer.weights(*r.inputs).items():
            found.append((f"{r.name}.{name}", shape, BY_WEIGHT[type(r.layer)][name]))
    return found


def proof(net: Net, rows: Sequence[Row], loss: str) -> Check:
    """The backward pass in NumPy against central differences of the loss."""
    from solver.numeric.differences import check

    many = min(affordable(net, rows, 1), ENTRIES)
    found = check(net.layer, (2, *net.input), loss=loss, entries=many, h=1e-5, seed=1,
                  training=False)  # fmt: skip
    differ = [t.name for t in found.tensors if t.verdict == "differs"]
    silent = [t.name for t in found.tensors if t.verdict == "says nothing"]
    said = sum(len(t.of("agrees")) for t in found.tensors)
    how = f"the backward pass in NumPy against central differences, {said} entries"
    how += f"; nothing is said of {', '.join(silent)}" if silent else ""
    return Check(how, not differ and found.along and said > 0)
