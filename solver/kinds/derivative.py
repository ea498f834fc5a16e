"""Derivatives of scalars, columns and matrices: `grad`, `jacobian`, `hessian`.

Derived by one sweep, in the textbook's form; proved by central differences at seeded
points of rectangular sizes. A derivative that no rule gives is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from solver.calculus.declare import declared
from solver.calculus.factor import factored
from solver.calculus.forward import by_scalar, hessian, jacobian, vec_jacobian
from solver.calculus.sweep import Line, gradient
from solver.core import Answer, BadInput, Check, CheckFailed, Step
from solver.expressions import matrix as m
from solver.expressions.grammar import infer, read
from solver.expressions.matrix import Var, dims, is_scalar, name_of, transpose
from solver.expressions.nodes import Add, Expr, Mul, Num
from solver.expressions.typed import Partial
from solver.kinds import kind
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Text = str
    Where = Any

CONVENTIONS = ("frechet", "cookbook", "unconstrained")
LAYOUTS = ("numerator", "denominator")
KINKS = {"abs": "|·|", "sign": "sign", "relu": "relu", "step": "step", "norm1": "‖·‖₁"}
DIFFERENCES = "central differences at seeded points, the sizes all different"


def setting(
    expr: str, wrt: str, where: Any, scalar: bool
) -> tuple[Expr, Var, tuple[str, ...]]:
    """(the typed expression, the variable, what was assumed of undeclared letters)."""
    known, flags = declared(where)
    shape = (1, 1) if scalar else None
    if isinstance(where, Mapping):  # a table declares all; a text the letters in doubt
        whole = known
    else:
        try:
            whole = infer(expr, known, shape)
        except BadInput:
            if shape is None:
                raise
            whole = infer(expr, known)  # types, but is no scalar: the sweep says so
    if wrt not in whole:
        names = list(whole)
        raise unknown("variable of the expression", wrt, names)
    tree = read(expr, whole, flags)
    assumed = [
        f"{name} is a {name_of((*whole[name], 1, 1)[:2])}"
        for name in whole
        if name not in known and (name == wrt or name in m.names(tree))
    ]
    said = (f"not declared, so read as: {', '.join(assumed)}",) if assumed else ()
    rows, cols = (*whole[wrt], 1, 1)[:2]
    return tree, Var(wrt, rows, cols, flags.get(wrt, ())), said


def worth(lines: list[Line]) -> list[Line]:
    """The lines that a teacher would write: not the first ∂f/∂f = 1, and not what a sum
    or a number in front hands on unchanged."""
    kept: list[Any] = []
    for line in lines[1:]:
        if kept and line.cotangent == kept[-1].cotangent and isinstance(line.node, Mul | Add):
            continue
        kept.append(line)
    return kept


def sweep_steps(f: Expr, x: Var, lines: list[Line], result: Expr) -> tuple[Step, ...]:
    """A step for each line of the sweep, proved by itself, and the last in short form."""
    steps = []
    for line in worth(lines):
        node = line.node
        if not isinstance(node, Var) and not cotangent_holds(f, line):
            raise CheckFailed(f"the step for {node} does not hold")
        after = result if node == x else line.cotangent
        before = line.cotangent if node == x and line.cotangent != result else None
        steps.append(Step(line.lemma or "itself", before, after, Partial(node)))
    return tuple(steps)


def cotangent_holds(f: Expr, line: Line) -> bool:
    """Whether ∂f/∂node is the line's cotangent, the node taken for a variable of its own."""
    from solver.numeric.prove import part_holds

    fresh = Var("u_", *dims(line.node))
    swapped = replaced(f, line.node, fresh)
    return "u_" not in m.names(swapped) or part_holds(swapped, fresh, line.node, line.cotangent)


def replaced(e: Expr, old: Expr, new: Expr) -> Expr:
    """The tree with one subtree put for another, by the constructors."""
    from solver.calculus.factor import rebuild

    if e == old:
        return new
    args = tuple(replaced(a, old, new) if isinstance(a, Expr) else a for a in e.args)
    return e if args == e.args else rebuild(e, args)


def kinks(f: Expr) -> tuple[str, ...]:
    """Where the derivative does not exist, in words."""
    from solver.expressions.nodes import walk

    found = {n.name for n in walk(f) if isinstance(n, m.Fn) and n.name in KINKS}
    if not found:
        return ()
    names = ", ".join(KINKS[n] for n in sorted(found))
    return (f"the derivative does not exist where an argument of {names} is 0",)


@kind("grad", "\"tr(A'*A)\" --wrt A")
def grad(expr: Text, *, wrt: str, where: Where = None, convention: str = "frechet") -> Answer:
    """Gradient of a scalar by a scalar, column or matrix, in the variable's own shape."""
    from solver.numeric.prove import gradient_holds

    if convention not in CONVENTIONS:
        raise unknown("convention", convention, list(CONVENTIONS))
    f, x, said = setting(expr, wrt, where, scalar=True)
    raw, lines = gradient(f, x)
    found = factored(raw)
    steps = list(sweep_steps(f, x, lines, found))
    notes = ["the gradient has the shape of its variable", *said, *kinks(f)]
    if x.flags & {"symmetric", "posdef"}:
        turned, note = {
            "frechet": (m.mul(Num(Fraction(1, 2)), m.add(raw, transpose(raw))),
                        "X symmetric: (G + Gᵀ)/2, the gradient among symmetric matrices"),
            "cookbook": (
                m.add(raw, transpose(raw), m.mul(Num(-1), m.fn("diag", m.fn("diag", raw)))),
                "X symmetric: G + Gᵀ − diag(diag G), both equal entries moved together"),
            "unconstrained": (raw, "the symmetry is not used for the derivative"),
        }[convention]  # fmt: skip
        notes.append(note.replace("X", wrt, 1))
        if factored(turned) != found:
            found = factored(turned)
            steps.append(Step(note.split(": ")[-1], None, found, Partial(x)))
        raw = turned if convention != "cookbook" else raw
    check = Check(DIFFERENCES, gradient_holds(f, x, raw) and same_value(raw, found, convention))
    return Answer(found, tuple(steps), (check,), "gradient", conventions=tuple(notes))


def same_value(raw: Expr, found: Expr, convention: str) -> bool:
    """Whether the short form still is what was derived."""
    from solver.numeric.prove import equal

    return convention == "cookbook" or equal(raw, found)


@kind("jacobian", '"softmax(W*x)" --wrt x')
def jacobian_(
    expr: Text, *, wrt: str, where: Where = None, layout: str = "numerator"
) -> Answer:
    """Derivative of a column or matrix by a scalar, column or matrix."""
    from solver.numeric.prove import jacobian_holds

    if layout not in LAYOUTS:
        raise unknown("layout", layout, list(LAYOUTS))
    z, x, said = setting(expr, wrt, where, scalar=False)
    notes = [*said, *kinks(z)]
    vec = False
    if is_scalar(x):
        raw, note = by_scalar(z, x), "by a scalar: entry by entry, in the shape of the function"
    elif dims(z)[1] == 1 and dims(x)[1] == 1:
        raw = jacobian(z, x)
        note = "numerator layout: row i holds the derivatives of entry i"
    else:
        raw, vec = vec_jacobian(z, x), True
        note = "vec stacks columns: vec(dF) = K·vec(dX)"
    proved = jacobian_holds(z, x, raw, vec)
    found = factored(raw)
    check = Check(DIFFERENCES, proved and same_value(raw, found, ""))
    steps = [Step("the derivative", raw if raw != found else None, found, Partial(x))]
    if layout == "denominator" and not is_scalar(x):
        found = factored(transpose(found))
        note = "denominator layout: column j holds the derivatives of entry j"
        steps.append(Step("transposed for the layout", None, found))
    return Answer(found, tuple(steps), (check,), "jacobian", conventions=(note, *notes))


@kind("hessian", "\"x'*A*x\" --wrt x")
def hessian_(expr: Text, *, wrt: str, where: Where = None) -> Answer:
    """Second derivative of a scalar: the Jacobian of its gradient."""
    from solver.numeric.prove import gradient_holds, jacobian_holds

    f, x, said = setting(expr, wrt, where, scalar=True)
    first = gradient(f, x)[0]
    raw = hessian(f, x) if not is_scalar(x) else by_scalar(first, x)
    found = factored(raw)
    vec = dims(x)[1] != 1
    proved = gradient_holds(f, x, first) and jacobian_holds(first, x, raw, vec)
    steps = (
        Step("the gradient", None, factored(first), Partial(x)),
        Step("its derivative", raw if raw != found else None, found),
    )
    notes = ("vec stacks columns: vec(dG) = H·vec(dX)",) if vec else ()
    check = Check(DIFFERENCES, proved and same_value(raw, found, ""))
    return Answer(found, steps, (check,), "hessian", conventions=(*notes, *said, *kinks(f)))
