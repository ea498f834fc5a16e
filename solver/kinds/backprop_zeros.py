"""`backprop zero-init`: what gradient descent can move when every parameter starts at 0.

The gradients are taken with zeros put in; what is 0 whatever the data are stays 0, and so
on with the moved parameters as letters, until no more can move: an induction over steps.
"""

from __future__ import annotations

from collections.abc import Mapping

from solver.calculus.backward import Reached, backward
from solver.calculus.equations import Equations
from solver.calculus.rules import kinked
from solver.core import Answer, BadInput, Check, Step
from solver.expressions import matrix as m
from solver.expressions.matrix import Var, is_scalar, is_zero
from solver.expressions.nodes import Expr, Num
from solver.expressions.rebuild import put, rebuild
from solver.kinds import kind
from solver.kinds.backprop import asked, network
from solver.values import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Text = str
    Where = Any
    Size = Any

ROUNDS, RATE, DESCENT = 20, 0.3, 50
# functions of zeros: a number in every entry
AT_ZERO: dict[str, Any] = {
    "relu": 0, "tanh": 0, "sin": 0, "abs": 0, "sign": 0, "step": 0, "arctan": 0,
    "sinh": 0, "sigmoid": 0.5, "exp": 1, "cos": 1, "cosh": 1,
}  # fmt: skip


@kind("backprop zero-init", '"2: linear 3, relu, linear 1, sigmoid"')
def zero_init(
    net: Text,
    *,
    where: Where = None,
    vectors: str = "",
    loss: str = "",
    batch: Size | None = None,
    steps: int | None = None,
) -> Answer:
    """Which parameters ever move, or move within some steps, from an all-zero start."""
    whole = network(net, where, vectors, loss, batch)
    if not is_scalar(whole.last.var):
        raise BadInput("descent needs a loss: give --loss, or end the equations in one")
    if steps is not None and steps < 1:
        raise BadInput(f"steps are counted from 1, not {steps}")
    params = asked(whole, None)
    found = backward(whole, frozenset(p.name for p in params))
    slopes = {r.var: r for r in found if r.var in params}
    moved, shown = induction(whole, slopes)
    last = max(moved.values(), default=0)
    until = steps or last
    value = Record({p.name: moved.get(p, until + 1) <= until for p in params})
    lines = [at_start(whole, params), *shown]
    still = [p.name for p in params if p not in moved]
    if still:
        lines.append(
            Step("so by induction", None, f"{', '.join(still)} stay 0 at every step")
        )
    names = "at some step" if steps is None else f"within {steps} step{'s' * (steps > 1)}"
    notes = [f"yes: it moves {names}; no: its gradient stays 0, whatever the data are"]
    kinks = kinked(*(e.rhs for e in whole.lines))
    if kinks:
        notes.append(f"where the argument of {kinks} is 0 the derivative is taken as 0")
    check, twins = descended(whole, slopes, moved)
    if twins:
        notes.append(f"hidden units stay copies of one another: {twins}")
    return Answer(value, tuple(lines), (check,), "moves", conventions=tuple(notes))


def at_start(whole: Equations, params: list[Var]) -> Step:
    """The forward pass with every parameter 0."""
    values: dict[Expr, Expr] = {p: m.zero(m.dims(p)) for p in params}
    lines = []
    for e in whole.lines[:-1]:
        values[e.var] = folded(put(e.rhs, values))
        lines.append(Step("at 0", None, values[e.var], e.var, e.rhs))
    return Step("forward, every parameter 0", substeps=tuple(lines))


def induction(
    whole: Equations, slopes: Mapping[Var, Reached]
) -> tuple[dict[Var, int], list[Step]]:
    """(the step at which each parameter that moves first does, the lines that show it)."""
    moved: dict[Var, int] = {}
    shown: list[Step] = []
    for round_ in range(1, ROUNDS):
        still = [p for p in slopes if p not in moved]
        zeros: dict[Expr, Expr] = {p: m.zero(m.dims(p)) for p in still}
        lines: list[Step] = []
        fresh: list[Var] = []
        for p in still:
            r = slopes[p]
            left = zeroed(whole, r.value, zeros)
            lines.append(Step("0" if is_zero(left) else "not 0", None, left, r.adjoint, r.value))
            fresh += [] if is_zero(left) else [p]
        if lines:
            when = "at the start" if not moved else f"once {', '.join(p.name for p in moved)} moved"
            shown.append(Step(f"gradients {when}", substeps=tuple(lines)))
        if not fresh:
            break
        moved |= dict.fromkeys(fresh, round_)
    return moved, shown


def zeroed(whole: Equations, e: Expr, zeros: Mapping[Expr, Expr]) -> Expr:
    """A gradient with the names that are constants at these zeros put in."""
    values = dict(zeros)
    for line in whole.lines:
        left = folded(put(line.rhs, values))
        if not m.names(left):
            values[line.var] = left
    return folded(put(e, values))


def folded(e: Expr) -> Expr:
    """The tree with functions of zeros worked out."""
    args = tuple(folded(a) if isinstance(a, Expr) else a for a in e.args)
    if args != e.args:
        e = rebuild(e, args)
    if not isinstance(e, m.Fn):
        return e
    if is_zero(e.arg) and e.name in AT_ZERO:
        return constant(Num(AT_ZERO[e.name]), e)
    if e.name in ("softmax", "rowsoftmax") and is_zero(e.arg):
        rows, cols = m.dims(e)
        return constant(m.power(m.size(rows if e.name == "softmax" else cols), Num(-1)), e)
    if e.name == "step" and (is_zero(e.arg) or isinstance(e.arg, m.Ones)):
        return m.zero(m.dims(e)) if is_zero(e.arg) else constant(Num(1), e)
    return e


def constant(number: Expr, like: Expr) -> Expr:
    """A number in every entry."""
    if is_scalar(like):
        return number
    return m.zero(m.dims(like)) if number == Num(0) else m.mul(number, m.Ones(*m.dims(like)))


# -- proof --------------------------------------------------------------------------------


def descended(
    whole: Equations, slopes: Mapping[Var, Reached], moved: Mapping[Var, int]
) -> tuple[Check, str]:
    """(whether plain descent from zero moves just these, at these steps; the parameters
    whose units stay equal)."""
    from solver.numeric.descent import descend

    formulas = {p: whole.inlined(r.value) for p, r in slopes.items()}
    path, last = descend(whole.inlined(whole.last.var), formulas, DESCENT, RATE)
    ok = all(path.get(p.name) == moved.get(p) for p in slopes)
    how = f"{DESCENT} steps of gradient descent from zero in NumPy, on seeded data"
    equal = [p.name for p in moved if p.name in last and hidden(whole, p, slopes)]
    twins = [n for n in equal if last[n]]
    return Check(how, ok), ", ".join(twins)


def hidden(whole: Equations, p: Var, slopes: Mapping[Var, Reached]) -> bool:
    """Whether a parameter feeds a line that a later parameter reads: a hidden layer's."""
    first = next(i for i, e in enumerate(whole.lines) if p.name in m.names(e.rhs))
    return any(
        q.name in m.names(e.rhs) for e in whole.lines[first + 1 :] for q in slopes
    )
