"""What passes through a layer without weights, and what through batch norm of one sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import prod

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import (
    Call,
    Div,
    Mul,
    Num,
    Pow,
    Sym,
    evaluate,
    letters,
    tree,
)
from solver.kinds import kind
from solver.kinds.backprop_norms import BETA, EPSILON, GAMMA, MU, VARIANCE
from solver.kinds.entries import partial
from solver.kinds.named_points import whole
from solver.networks.layers import Layer, Shape
from solver.networks.net import Net
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST, DRAWS = 64, 4  # entries of an input; inputs that are tried
Z, G = Sym("z", "real"), Sym("delta", "real")  # the one value; ∂L/∂y


@kind("backprop local", '"1x2x2: maxpool 2"')
def local(net: Net, *, input: Shape | None = None) -> Answer:
    """The values that a layer's local derivatives ∂y/∂x take, where it has no weights.

    Every output by every input, at seeded inputs that meet no kink: a layer whose values
    are 0 and 1 only passes the gradient of the layer above on, or stops it.
    """
    shape = input or net.input
    if not shape or letters([tree(n) for n in shape]) or prod(shape) > MOST:
        raise BadInput(
            f"give the layer an input of 1 to {MOST} numbers: 1x2x2: maxpool 2"
        )
    rows = net.rows(shape)
    weights = [row.name for row in rows if row.layer.weights(*row.inputs)]
    if weights:
        raise BadInput(f"{weights[0]} has weights: its derivatives depend on them")
    found: set[Fraction] = set()
    differences: set[Fraction] = set()
    for seed in range(DRAWS):
        back, moved = jacobians(net.layer, shape, seed)
        found |= {Fraction(v).limit_denominator(1000) for v in back}
        differences |= {Fraction(v).limit_denominator(1000) for v in moved}
    value = Listing(whole(v) for v in sorted(found))
    kinds = {type(row.layer).__name__ for row in rows if row.layer is not None}
    said = {
        (0, 1): "the gradient of the layer above is passed on where it is 1, and stopped where 0",
        (0,): "nothing passes", (1,): "everything passes as it is",
    }.get(tuple(value), "the gradient of the layer above is multiplied by these")  # fmt: skip
    steps = (
        Step("no weights, so no gradient by any"),
        *(Step("the largest of a window moves with it, by 1; the others do not move it, 0")
          for name in kinds if name == "Pool" and value == (0, 1)),
        Step("values of ∂y/∂x", None, value),
        Step(said),
    )  # fmt: skip
    check = Check("central differences at seeded inputs", differences == found)
    return Answer(value, steps, (check,), "local derivatives",
                  conventions=("no input is at a kink, where no derivative exists",))  # fmt: skip


def jacobians(
    layer: Layer, shape: Sequence[int], seed: int
) -> tuple[list[float], list[float]]:
    """All ∂y/∂x at one seeded input: by the backward pass, and by central differences."""
    from random import Random

    from solver.numeric import slopes

    random = Random(seed)
    order = list(
        range(prod(shape))
    )  # apart from each other and from 0: no ties, no kinks
    random.shuffle(order)
    flat = [(i - len(order) // 2 + 0.5) / 4 for i in order]
    x = [nested(flat, tuple(shape))]
    out = [1, *layer.out(tuple(shape))]
    back, moved = [], []
    for k in range(prod(out)):
        g = nested([float(i == k) for i in range(prod(out))], tuple(out))
        back += leaves(slopes.backs(layer, {"x": x}, g, exact=False)["x"])
        moved += leaves(
            slopes.slopes(slopes.layer(layer), {"x": x}, g, exact=False)["x"]
        )
    return back, moved


def nested(flat: Sequence[float], shape: tuple[int, ...]) -> Any:
    """Numbers in a row, as nested lists of this shape."""
    if len(shape) == 1:
        return list(flat)
    each = len(flat) // shape[0]
    return [nested(flat[i * each : (i + 1) * each], shape[1:]) for i in range(shape[0])]


def leaves(lists: Any) -> list[float]:
    return (
        [v for one in lists for v in leaves(one)]
        if isinstance(lists, list)
        else [lists]
    )


# -- batch norm of one sample ------------------------------------------------------------


@kind("backprop batch-of-one", "")
def batch_of_one() -> Answer:
    """Batch norm in training on a batch of one: its output, and which gradients vanish.

    z is the one value, δ the gradient of the loss by the output, ε above 0.
    """
    root = Call("sqrt", Num(0) + EPSILON)
    hat = Div(Z - Z, root)
    through = G - G - Mul(Num(0), Mul(G, Num(0)))  # N·δ − Σ δ − x̂·Σ δ·x̂
    value = Record(output=BETA, z=0, gamma=0, beta=G)
    steps = (
        Step("the mean is the value itself", None, Z, MU),
        Step("so the variance", Pow(Z - Z, Num(2)), 0, VARIANCE),
        Step("normalised: nothing of z is left", hat, 0, Sym("xhat", "real")),
        Step("the output", Mul(GAMMA, Num(0)) + BETA, BETA),
        Step("by β, which is added", None, G, partial(BETA)),
        Step("by γ, which multiplies x̂", Mul(G, Num(0)), 0, partial(GAMMA)),
        Step("by z: γ·(N·δ − Σ δ − x̂·Σ δ·x̂)/(N·r) with N = 1 and x̂ = 0",
             Div(Mul(GAMMA, through), root), 0, partial(Z)),
        Step("whatever z is, the output is β: nothing passes, and only β learns"),
    )  # fmt: skip
    return Answer(value, steps, at_numbers(value), "batch of one", conventions=(
        "δ is the gradient of the loss by the output", "training: the batch's own statistics",
        "ε is above 0, else 0/0"))  # fmt: skip


def at_numbers(value: Record) -> tuple[Check, ...]:
    """NumPy's batch norm of single values, its backward formula and its differences."""
    from solver.numeric.slopes import (
        batch_norm,
        batch_norm_backs,
        batch_norm_of,
        slopes,
    )

    epsilon, out, back, moved = 0.125, True, True, True
    for z, gamma, beta, g in ((3.0, 2.0, -1.0, 0.5), (-7.0, 0.5, 4.0, -3.0)):
        env = {"z": z, "gamma": gamma, "beta": beta, "delta": g}
        wanted = {k: float(evaluate(tree(v), env)) for k, v in value.items()}
        tensors = {"x": [[z]], "gamma": [gamma], "beta": [beta]}
        y = batch_norm_of(tensors, epsilon)[0][0]
        out = out and abs(y - wanted["output"]) <= 1e-9
        back = back and near(batch_norm_backs(tensors, [[g]], epsilon), wanted)
        differences = slopes(batch_norm(epsilon), tensors, [[g]], exact=False)
        moved = moved and near(differences, wanted)
    return (Check("NumPy's batch norm of single values", out),
            Check("its backward formula", back), Check("central differences", moved))  # fmt: skip


def near(found: Mapping[str, Any], wanted: Mapping[str, float]) -> bool:
    """Whether the gradients by z, γ and β are these, to the rounding of differences."""
    got = {"z": found["x"][0][0], "gamma": found["gamma"][0], "beta": found["beta"][0]}
    return all(abs(got[k] - wanted[k]) <= 1e-6 for k in got)
