"""Derivatives of scalars, columns and matrices: `grad`, `jacobian`, `hessian`.

Derived by one sweep, in the textbook's form; proved by central differences at seeded
points of rectangular sizes. A derivative that no rule gives is refused by name.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from solver.calculus.factor import weight
from solver.calculus.forward import by_scalar, hessian, jacobian, vec_jacobian
from solver.calculus.rules import kinked
from solver.calculus.sweep import Line, gradient
from solver.core import Answer, BadInput, Check, CheckFailed, Step
from solver.expressions import matrix as m
from solver.expressions.matrix import Var, dims, is_scalar, transpose
from solver.expressions.nodes import Add, Expr, Mul, Num, walk
from solver.expressions.rebuild import put
from solver.expressions.typed import Partial
from solver.kinds import kind
from solver.kinds.asked import Asked, asked
from solver.kinds.proofs import at_point, by_entries, short
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Text = str
    Where = Any

TIED = {"symmetric", "posdef"}
CONVENTIONS = ("frechet", "cookbook", "unconstrained")
WORKED, TWICE = 6000, 3000  # see `affordable`
LAYOUTS = ("numerator", "denominator")
DIFFERENCES = "central differences at seeded points, the sizes all different"


def affordable(f: Expr, x: Var, most: int) -> None:
    """Refuse what would take long: the size of an expression times its ways to x."""
    edges = sum(len(n.args) for n in set(walk(f)) if x.name in m.names(n))
    if edges * weight(f) > most:
        raise BadInput(
            f"the expression is too long for its derivative by {x.name} to be worked step by step"
        )


def worth(lines: list[Line]) -> list[Line]:
    """The lines that a teacher would write: not the first ∂f/∂f = 1, not what a sum or a
    number in front hands on unchanged, and ∂f/∂x at once where ∂f/∂(xᵀ) comes before."""
    kept: list[Line] = []
    turned: dict[Expr, str] = {}
    for line in lines[1:]:
        if kept and line.cotangent == kept[-1].cotangent and isinstance(line.node, Mul | Add):
            continue
        if isinstance(line.node, m.Fn) and line.node.name in ("step", "sign"):
            continue  # flat on both sides: nothing comes through
        if isinstance(line.node, m.T):
            turned[line.node.args[0]] = line.lemma
            continue
        kept.append(replace(line, lemma=turned.get(line.node, line.lemma)))
    return kept


def sweep_steps(f: Expr, x: Var, lines: list[Line], result: Expr) -> tuple[Step, ...]:
    """A step for each line of the sweep, proved by itself, and the last in short form; a
    line that differences cannot reach is left out."""
    steps = []
    for line in worth(lines):
        node = line.node
        held = isinstance(node, Var) or cotangent_holds(f, line)
        if held is False:
            raise CheckFailed(f"the step for {node} does not hold")
        if held is None:
            continue
        after = result if node == x else line.cotangent
        before = line.cotangent if node == x and line.cotangent != result else None
        steps.append(Step(line.lemma or "itself", before, after, Partial(node)))
    return tuple(steps)


def cotangent_holds(f: Expr, line: Line) -> bool | None:
    """Whether ∂f/∂node is the line's cotangent, the node taken for a variable of its own;
    None: cannot say."""
    from solver.numeric.prove import part_holds

    fresh = Var("u_", *dims(line.node))
    swapped = put(f, {line.node: fresh})
    if "u_" not in m.names(swapped):
        return None
    return part_holds(swapped, fresh, line.node, line.cotangent)


def unslanted(f: Expr) -> tuple[str, ...]:
    """Where the derivative does not exist, in words."""
    at = kinked(f)
    return (f"the derivative does not exist where an argument of {at} is 0",) if at else ()


@kind("grad", "\"tr(A'*A)\" --wrt A")
def grad(
    expr: Text,
    *,
    wrt: str,
    where: Where = None,
    convention: str = "frechet",
    point: Where = None,
    entries: bool = False,
) -> Answer:
    """Gradient of a scalar by a scalar, column or matrix, in the variable's own shape."""
    from solver.numeric.prove import equal, gradient_holds

    if convention not in CONVENTIONS:
        raise unknown("convention", convention, list(CONVENTIONS))
    question = asked(expr, where, scalar=True)
    f, x = question.tree, question.variable(wrt)
    affordable(f, x, WORKED)
    raw, lines = gradient(f, x)
    turned, notes = raw, ["the gradient has the shape of its variable", *question.said(x.name)]
    found = short(raw)
    steps = list(sweep_steps(f, x, lines, found))
    checks = [faithful(question), Check(DIFFERENCES, gradient_holds(f, x, raw))]
    tied = bool(x.flags & TIED)
    if tied:
        turned, note = {
            "frechet": (m.mul(Num(Fraction(1, 2)), m.add(raw, transpose(raw))),
                        "X symmetric: (G + Gᵀ)/2, the gradient among symmetric matrices"),
            "cookbook": (
                m.add(raw, transpose(raw), m.mul(Num(-1), m.fn("diag", m.fn("diag", raw)))),
                "X symmetric: G + Gᵀ − diag(diag G), both equal entries moved together"),
            "unconstrained": (raw, "the symmetry is not used for the derivative"),
        }[convention]  # fmt: skip
        notes.append(note.replace("X", x.name, 1))
        if short(turned) != found:
            found = short(turned)
            steps.append(Step(note.split(": ")[-1], None, found, Partial(x)))
    checks.append(Check(DIFFERENCES, equal(turned, found)))
    proof = by_entries(f, x, found, "gradient", entries, convention if tied else "")
    there = at_point(question, x, found, "gradient", point)
    return Answer(
        found,
        (*steps, *proof[1], *there[1]),
        (*checks, *proof[0], *there[0]),
        "gradient",
        conventions=(*notes, *unslanted(f)),
    )


def faithful(question: Asked) -> Check:
    """The tree that is derived has the values of the text; said with the differences."""
    return Check(DIFFERENCES, question.faithful())


@kind("jacobian", '"softmax(W*x)" --wrt x')
def jacobian_(
    expr: Text,
    *,
    wrt: str,
    where: Where = None,
    layout: str = "numerator",
    point: Where = None,
    entries: bool = False,
) -> Answer:
    """Derivative of a column or matrix by a scalar, column or matrix."""
    from solver.numeric.prove import equal, jacobian_holds

    if layout not in LAYOUTS:
        raise unknown("layout", layout, list(LAYOUTS))
    question = asked(expr, where)
    z, x = question.tree, question.variable(wrt)
    affordable(z, x, WORKED)
    vec = form = False
    if is_scalar(x):
        raw, note = by_scalar(z, x), "by a scalar: entry by entry, in the shape of the function"
        form = True
    elif dims(z)[1] == 1 and dims(x)[1] == 1:
        raw = jacobian(z, x)
        note = "numerator layout: row i holds the derivatives of entry i"
    else:
        raw, vec = vec_jacobian(z, x), True
        note = "vec stacks columns: vec(dF) = K·vec(dX)"
    checks = [faithful(question), Check(DIFFERENCES, jacobian_holds(z, x, raw, vec))]
    inner = short(raw)
    kind_ = "scalar" if form else "jacobian"
    checks.append(Check(DIFFERENCES, equal(raw, inner)))
    proof = by_entries(z, x, inner, kind_, entries)
    steps = [Step("the derivative", raw if raw != inner else None, inner, Partial(x))]
    found = inner
    if layout == "denominator" and not form:
        found = short(transpose(inner))
        note = "denominator layout: column j holds the derivatives of entry j"
        if vec:
            note = "denominator layout, vec stacks columns: vec(dF) = Kᵀ·vec(dX)"
        steps.append(Step("transposed for the layout", transpose(inner), found))
    if x.flags & TIED:
        note += f"; {x.name} symmetric: for symmetric d{x.name}, all its entries in vec(d{x.name})"
    there = at_point(question, x, found, kind_, point, inner)
    return Answer(
        found,
        (*steps, *proof[1], *there[1]),
        (*checks, *proof[0], *there[0]),
        "jacobian",
        conventions=(note, *question.said(x.name), *unslanted(z)),
    )


@kind("hessian", "\"x'*A*x\" --wrt x")
def hessian_(
    expr: Text,
    *,
    wrt: str,
    where: Where = None,
    point: Where = None,
    entries: bool = False,
) -> Answer:
    """Second derivative of a scalar: the Jacobian of its gradient."""
    from solver.numeric.prove import equal, gradient_holds, jacobian_holds

    question = asked(expr, where, scalar=True)
    f, x = question.tree, question.variable(wrt)
    if x.flags & TIED:
        raise BadInput(
            f"the Hessian by a symmetric matrix has no one convention: leave out {x.name}'s "
            "property, and all its entries are moved alone"
        )
    affordable(f, x, WORKED)
    first = gradient(f, x)[0]
    slope = short(first)
    affordable(slope, x, TWICE)
    raw = hessian(f, x) if not is_scalar(x) else by_scalar(first, x)
    found = short(raw)
    vec = dims(x)[1] != 1
    steps = (
        Step("the gradient", first if first != slope else None, slope, Partial(x)),
        Step("its derivative", raw if raw != found else None, found),
    )
    notes = ("vec stacks columns: vec(dG) = H·vec(dX)",) if vec else ()
    checks = (
        faithful(question),
        Check(DIFFERENCES, gradient_holds(f, x, slope)),
        Check(DIFFERENCES, jacobian_holds(slope, x, raw, vec)),
        Check(DIFFERENCES, equal(raw, found)),
    )
    proof = by_entries(f, x, found, "hessian", entries)
    there = at_point(question, x, found, "hessian", point)
    return Answer(
        found,
        (*steps, *proof[1], *there[1]),
        (*checks, *proof[0], *there[0]),
        "hessian",
        conventions=(*notes, *question.said(x.name), *unslanted(f)),
    )
