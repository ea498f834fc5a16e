"""The forward pass as a formula; slopes that shrink an error; what dropout of all stops."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from solver.calculus.equations import Equations
from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Call, Expr, Num, Sym, times
from solver.given import net as read_net
from solver.kinds import kind
from solver.kinds.backprop import forward_table, network
from solver.kinds.nets import run
from solver.kinds.sampling import letters_of
from solver.networks.layers import Row, show_shape
from solver.networks.net import Net
from solver.registry import unknown
from solver.values import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Text = str
    Where = Any


@kind("backprop forward", '"a = w*x; o = relu(a); yhat = v*o"')
def forward(
    net: Text, *, of: str = "", where: Where = None, vectors: str = ""
) -> Answer:
    """The forward pass, line by line, and its result in terms of inputs and weights."""
    whole = network(net, where, vectors, "", None)
    var = whole.find(of) if of else whole.last.var
    if var in whole.leaves:
        raise BadInput(f"{var.name} is given: name a line that is computed")
    found = whole.inlined(var)
    lines = forward_table(whole).substeps
    last = next(i for i, e in enumerate(whole.lines) if e.var == var)
    steps = (
        Step("forward", substeps=lines[: last + 1]),
        Step("all lines put in", None, found, var),
    )
    check = Check(
        "line by line in NumPy, at seeded points", by_lines(whole, found, last)
    )
    notes = ["max(0, ·) is the ReLU"] if "relu" in str(found) else []
    return Answer(found, steps, (check,), var.name, conventions=tuple(notes))


def by_lines(whole: Equations, found: Expr, last: int) -> bool:
    """Whether the lines run one after the other end in the formula's values."""
    from solver.numeric.descent import same_by_lines

    lines = [(e.var.name, e.rhs) for e in whole.lines[: last + 1]]
    return same_by_lines(lines, found)


# -- slopes -------------------------------------------------------------------------------

# activation -> (its largest slope, where, the slope as the textbook writes it)
SLOPES: dict[str, tuple[Fraction, str, str]] = {
    "sigmoid": (Fraction(1, 4), "0", "1/4 - (sigmoid(z) - 1/2)^2"),
    "tanh": (Fraction(1), "0", "1 - tanh(z)^2"),
    "relu": (Fraction(1), "every z > 0", "step(z)"),
}


@kind("backprop largest-slope", "--function sigmoid --layers 3")
def largest_slope(*, function: str = "sigmoid", layers: int | None = None) -> Answer:
    """The largest slope of an activation, and by how much layers of it shrink an error."""
    from solver.kinds.stepping import formula

    if function not in SLOPES:
        raise unknown("activation", function, list(SLOPES))
    if layers is not None and not 1 <= layers <= 1000:
        raise BadInput(f"layers are 1 to 1000, not {layers}")
    top, at, text = SLOPES[function]
    z = Sym("z", "real")
    name = Sym("slope", "real")
    steps = [Step("the slope", None, formula(text), name)]
    if function == "sigmoid":
        s = Call("sigmoid", z)
        steps = [
            Step("the slope", None, s * (Num(1) - s), name),
            Step("completed to a square", s * (Num(1) - s), formula(text)),
            Step(
                "a square is 0 or more, so the slope is largest where σ(z) = 1/2, at z = 0"
            ),
        ]
    else:
        steps.append(Step(f"it is largest at {at}"))
    value: Any = top if top.denominator > 1 else int(top)
    found: Any = value
    steps.append(Step("largest slope", None, value))
    if layers is not None:
        shrunk: Any = top**layers
        shrunk = shrunk if shrunk.denominator > 1 else int(shrunk)
        steps.append(Step(
            f"the error passes {layers} activations, each a factor of at most this",
            Num(value) ** Num(layers), shrunk,
        ))  # fmt: skip
        found = Record(largest_slope=value, through_layers=shrunk)
    how = "difference quotients of the function along z"
    return Answer(
        found,
        tuple(steps),
        (Check(how, nowhere_steeper(function, top)),),
        "largest slope",
    )


def nowhere_steeper(function: str, top: Fraction) -> bool:
    """Whether difference quotients reach the slope somewhere, and exceed it nowhere."""
    from math import exp, tanh

    f = {
        "sigmoid": lambda z: 1 / (1 + exp(-z)),
        "tanh": tanh,
        "relu": lambda z: max(0.0, z),
    }
    h, of = 1e-4, f[function]
    met = [(of(k / 50 + h) - of(k / 50 - h)) / (2 * h) for k in range(-500, 501)]
    return abs(max(met) - float(top)) < 1e-6


# -- dropout of everything ----------------------------------------------------------------


@kind("backprop all-dropped", '"64: linear 32, relu, dropout 1, linear 10"')
def all_dropped(net: Text) -> Answer:
    """What a dropout with p = 1 leaves of training: its output, and the gradients before it."""
    whole = read_net(net, "net")
    rows = run(whole, None, 3)
    if letters_of([r.out for r in rows]):
        raise BadInput(
            f"this needs numbers, not {show_shape(whole.input)}: give all sizes"
        )
    drops = [i for i, r in enumerate(rows) if getattr(r.layer, "p", 0) == 1]
    drops = [i for i in drops if type(rows[i].layer).__name__ == "Dropout"]
    if not drops:
        raise BadInput("no dropout of this network has p = 1: write it as dropout 1")
    last = drops[-1]
    before = [r.name for r in rows[:last] if r.layer.weights(*r.inputs)]
    behind = [r for r in rows[last:] if r.layer.weights(*r.inputs)]
    x, g, m = (Sym(n, "real") for n in "xgm")
    steps = [
        Step("with p = 1 the mask is 0 everywhere", None, 0, m),
        Step(
            f"output of {rows[last].name}",
            None,
            times(Num(0), x),
            Sym("a", "real"),
        ),
        Step("what it sends back", None, times(g, Num(0)), Sym("g_x", "real")),
        Step(
            f"weights before it: {', '.join(before) or 'none'}; their gradients",
            None,
            0,
        ),
    ]
    if behind:
        first = behind[0].name
        steps.append(
            Step(f"{first} reads zeros: its output is its bias, whatever the image is")
        )
    check, ok = (
        "NumPy's backward pass in training, on seeded data",
        stopped(whole, rows, last),
    )
    return Answer(
        Record(output_all_zero=True, largest_gradient_before=0),
        tuple(steps),
        (Check(check, ok),),
        "dropout",
        conventions=("in training; at test time dropout passes everything on",),
    )


def stopped(net: Net, rows: Sequence[Row], last: int) -> bool:
    """Whether the network's own backward pass gives 0 before the dropout, and something
    behind it, if anything is there; and whether the dropout's output is 0."""
    from solver.numeric.dropped import zeros

    before = {r.name for r in rows[:last]}
    return zeros(net.layer, (3, *net.input), before, rows[last].name)
