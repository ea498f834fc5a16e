"""Activations, dropout and softmax worked backward by hand, entry by entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Call, Div, Expr, Mul, Num, Sym, plus, times, tree
from solver.kinds import kind
from solver.kinds.entries import (
    UPSTREAM,
    Entries,
    all_alike,
    at,
    derived,
    filled,
    partial,
    put,
    seeded,
    worked,
)
from solver.kinds.entries_given import (
    at_numbers,
    exactly,
    fits,
    floats,
    image,
    lists_of,
    naming_of,
    numbers,
    show_number,
    small,
    upstream,
)
from solver.networks.layers import Shape
from solver.networks.pointwise import Activation
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Reals = Any
    Real = Any

ONE, ZERO = Num(1), Num(0)
LEAK = Sym("a", "positive")


@dataclass(frozen=True, eq=False, repr=False)
class Function:
    """An activation: y in letters, the factors of its slope by y, and in words."""

    y: Callable[[Expr], Expr]
    slope: Callable[[Expr], tuple[Expr, ...]]
    said: str
    kinked: bool = False


FUNCTIONS = {
    "sigmoid": Function(
        lambda x: Call("sigmoid", x),
        lambda y: (y, ONE - y),
        "∂L/∂x = g·y(1 − y), for σ′ = σ(1 − σ)",
    ),
    "tanh": Function(
        lambda x: Call("tanh", x),
        lambda y: (ONE - y ** Num(2),),
        "∂L/∂x = g·(1 − y²), for tanh′ = 1 − tanh²",
    ),
    "relu": Function(
        lambda x: Call("max", ZERO, x),
        lambda y: (),
        "∂L/∂x = g where x > 0, else 0",
        True,
    ),
    "leaky-relu": Function(
        lambda x: plus(Call("max", ZERO, x), Mul(LEAK, Call("min", ZERO, x))),
        lambda y: (),
        "∂L/∂x = g where x > 0, else a·g",
        True,
    ),
}


@kind("backprop activation", "--x '1 -2; 0.5 0' --function sigmoid --gradient '1 1; 2 3'")
def activation(
    *,
    x: Reals,
    function: str = "relu",
    gradient: Reals | None = None,
    slope: Real | None = None,
) -> Answer:
    """Gradient of an activation, entry by entry: sigmoid, tanh, relu or leaky-relu."""
    if function not in FUNCTIONS:
        raise unknown("activation worked by hand", function, list(FUNCTIONS))
    if slope is not None and (function != "leaky-relu" or isinstance(slope, Expr)):
        raise BadInput("slope is a number, of leaky-relu only")
    f = FUNCTIONS[function]
    x_ = small(numbers("x", x), "x")
    g = upstream(gradient, x_)
    y = Entries("y", x_.shape, row=x_.row)
    leak: Any = exactly(0.01) if slope is None else slope
    lines, more, found, outs = [], [], {}, {}
    for n, i in enumerate(x_):
        held: dict[Expr, Any] = {LEAK: leak, x_.sym(i): x_[i]}
        if g.values is not None:
            held[g.sym(i)] = g[i]
        outs[i], line = filled(y.sym(i), f.y(x_.sym(i)), held, spell=n == 0)
        lines.append(line)
        of, rule = partial(x_.sym(i)), ""
        factors = f.slope(y.sym(i))
        if f.kinked:
            rule = f"{x_.sym(i)} > 0" if x_[i] > 0 else f"{x_.sym(i)} ≤ 0"
            leaky = function == "leaky-relu"
            factors = () if x_[i] > 0 else (LEAK,) if leaky else (ZERO,)
        formula = ZERO if ZERO in factors else times(g.sym(i), *factors)
        held |= {y.sym(i): outs[i]}
        if g.values is None and formula != ZERO:
            rate, _ = filled(of, times(*factors), held)
            found[i] = put(tree(rate).args[0] if isinstance(tree(rate), Num) else 1, g.sym(i))
            line = Step(rule, None, found[i], of, formula)
        else:
            found[i], line = filled(of, formula, held, rule)
        more.append(line)
    steps = (worked(f"forward: y = {function}(x)", lines), worked(f.said, more))
    notes = [UPSTREAM, naming_of(x_)]
    if f.kinked and any(x_[i] == 0 for i in x_):
        left = "a" if function == "leaky-relu" else "0"
        notes.insert(1, f"at x = 0 there is a kink; its slope is taken as {left}, as in PyTorch")
    if function == "leaky-relu":
        usual = " (PyTorch's negative_slope)" if slope is None else ""
        notes.insert(1, f"a = {show_number(leak)}{usual}")
    value = x_.filled(found)
    return Answer(value.matrices(), steps, activation_proofs(f, function, leak, g, value, x_),
                  "∂L/∂x", conventions=tuple(notes))  # fmt: skip


def activation_proofs(
    f: Function, name: str, leak: Any, g: Entries, value: Entries, x: Entries
) -> tuple[Check, ...]:
    """SymPy's derivative of Σ g·f(x) (at a kink from the left), NumPy's backward pass."""
    from solver.numeric.slopes import backs

    left = exactly(1e-9)
    (point,) = seeded(x, g, count=1)
    near_ = {s.name: -left for s in (x.sym(i) for i in x if x[i] == 0)} if f.kinked else {}
    loss = [times(g.sym(i), f.y(x.sym(i))) for i in x]
    by_sympy = derived(loss, {x.sym(i): value[i] for i in x}, [point | near_ | {"a": leak}])
    layer = Activation("prelu" if name == "leaky-relu" else name)
    slope = {"slope": [float(leak)]} if name == "leaky-relu" else {}
    tensors = {"x": [floats(at(lists_of(x), point))], **slope}
    got = backs(layer, tensors, [floats(at(lists_of(g), point))], exact=False)["x"][0]
    return (
        Check("SymPy's derivatives of Σ g·y by each entry" + ", at the kink from the left"
              * bool(near_), by_sympy),
        Check("NumPy's backward pass of the layer" + at_numbers(g),
              all_alike(at(value.tuples(), point), got)),
    )  # fmt: skip


# -- dropout ---------------------------------------------------------------------------


@kind("backprop dropout", "--x '1 2 3 4' --mask '1 0 1 1' --p 0.5 --gradient '1 2 3 4'")
def dropout(
    *,
    x: Reals | None = None,
    input: Shape | None = None,
    mask: Reals | None = None,
    p: Real | None = None,
    gradient: Reals | None = None,
) -> Answer:
    """Gradient of dropout with its mask: what was dropped gets 0, the rest g/(1 − p)."""
    if isinstance(p, Expr) and str(p) != "p":
        raise BadInput(f"p is a number from 0 to below 1, or left out, not {p}")
    rate: Any = Sym("p", "probability") if p is None or isinstance(p, Expr) else p
    if not isinstance(rate, Expr) and not 0 <= rate < 1:
        raise BadInput(f"p is the probability to drop, from 0 to below 1, not {show_number(p)}")
    given = next((v for v in (x, mask, gradient) if v is not None), None)
    if input is not None or given is None:
        like = image("x", x, input)
        like = Entries("x", like.shape[-2:], like.values and
                       {i[1:]: v for i, v in like.values.items()}, like.shape[1] == 1)  # fmt: skip
    else:
        like = small(numbers("x", given), "x")
    shape = like.shape
    x_, m, g = (
        Entries(name, shape, row=1 in shape) if raw is None
        else fits(numbers(name, raw), shape, "the input's shape")
        for name, raw in (("x", x), ("m", mask), ("g", gradient))
    )  # fmt: skip
    small(x_, "x")
    for i in m:
        if m.values is not None and m[i] not in (0, 1):
            raise BadInput(f"a mask holds 0 (dropped) and 1 (kept), not {show_number(m[i])}")
    y = Entries("y", shape, row=1 in shape)
    keep: Expr = ONE - Sym("p", "probability")
    held: dict[Expr, Any] = {Sym("p", "probability"): rate}
    for e in (x_, m, g):
        if e.values is not None:
            held |= {e.sym(i): e[i] for i in e}
    lines, more, found = [], [], {}
    for i in x_:
        lines.append(masked(y.sym(i), x_.sym(i), m.sym(i), keep, held)[1])
        found[i], line = masked(partial(x_.sym(i)), g.sym(i), m.sym(i), keep, held)
        more.append(line)
    steps = (
        worked("forward: y = x·m/(1 − p), with the mask m", lines),
        worked("∂L/∂x = g·m/(1 − p): the same mask and scaling", more),
    )
    notes = (
        UPSTREAM,
        "inverted dropout, as in PyTorch: scaled by 1/(1 − p) while training, not at test",
        "the mask is 1 where a value is kept",
        naming_of(x_),
    )
    value = x_.filled(found)
    return Answer(value.matrices(), steps, dropout_proofs(x_, m, g, rate, value), "∂L/∂x",
                  conventions=notes)  # fmt: skip


def masked(of: Any, v: Sym, m: Sym, keep: Expr, held: Any) -> tuple[Any, Step]:
    """v·m/(1 − p); where the mask is known to be 0, that is 0 whatever v is."""
    formula = Div(Mul(v, m), keep)
    if held.get(m) == 0:
        return 0, Step("dropped", None, 0, of)
    return filled(of, formula, held, "kept" if m in held else "")


def dropout_proofs(
    x: Entries, m: Entries, g: Entries, rate: Any, value: Entries
) -> tuple[Check, ...]:
    """SymPy's derivative of Σ g·x·m/(1 − p), and exact differences of it."""
    from solver.numeric.slopes import slopes

    points = []
    for n, point in enumerate(seeded(x, m, g)):
        if m.values is None:
            point |= {m.sym(i).name: (n + k) % 2 for k, i in enumerate(m)}
        points.append(point | {"p": exactly(0.1 + n / 5) if isinstance(rate, Expr) else rate})
    loss = [Div(times(g.sym(i), x.sym(i), m.sym(i)), ONE - Sym("p", "probability")) for i in x]
    slopes_ = {x.sym(i): value[i] for i in x}
    point = points[0]
    tensors = {e.name: at(lists_of(e), point) for e in (x, m)}
    kept = 1 - point["p"]
    got = slopes(lambda x, m: x * m / kept, tensors, at(lists_of(g), point))["x"]
    return (
        Check("SymPy's derivatives of Σ g·y by each entry", derived(loss, slopes_, points)),
        Check("exact differences of Σ g·y" + at_numbers(x, m, g),
              all_alike(at(value.tuples(), point), got, 1e-10)),
    )  # fmt: skip


