"""Softmax worked backward by hand: its Jacobian, and the short line of cross-entropy."""

from __future__ import annotations

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import (
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Sym,
    evaluate,
    letters,
    plus,
    times,
    tree,
)
from solver.expressions.points import agree
from solver.expressions.series import Partial
from solver.kinds import kind
from solver.kinds.entries import (
    Entries,
    added,
    alike,
    all_alike,
    at,
    derived,
    exact,
    filled,
    partial,
    put,
    replaced,
    seeded,
    worked,
)
from solver.kinds.entries_given import (
    at_numbers,
    fits,
    floats,
    lists_of,
    numbers,
    show_number,
    upstream,
)
from solver.networks.pointwise import Activation
from solver.values import Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.kinds.entries import Index

    Reals = Any

MOST = 10  # classes whose Jacobian is written out
ONE = Num(1)
ENTROPY = "cross-entropy L = −Σ y·log s, log the natural logarithm"


@kind("backprop softmax", "--z '1 2 3' --gradient '1 0 0'")
def softmax(
    *,
    z: Reals | None = None,
    s: Reals | None = None,
    classes: int | None = None,
    gradient: Reals | None = None,
    y: Reals | None = None,
) -> Answer:
    """Gradient of a softmax through its Jacobian; with labels y also cross-entropy's."""
    scores, probs = vectors(z, s, classes)
    if y is not None and gradient is not None:
        raise BadInput("give the labels y or the gradient by s, not both: y makes its own")
    steps: list[Step] = []
    held: dict[Expr, Any] = {}
    if scores.values is not None:
        values = by_scores(scores, probs, steps)
        probs = probs.filled(values)
    if probs.values is not None:
        held = {probs.sym(i): probs[i] for i in probs}
    notes = []
    if y is not None:
        labels = targets(y, probs)
        g, line = of_entropy(probs, labels)
        steps.append(line)
        notes.append(ENTROPY)
    else:
        g, labels = upstream(gradient, probs), None
        notes.append("g = ∂L/∂s is given by the layer above: L = Σ g·s over all entries of s")
    if g.values is not None:
        held |= {g.sym(i): g[i] for i in g}
    steps += jacobian(probs, held)
    found, lines = through(scores, probs, g, held)
    steps.append(worked("∂L/∂z = Jᵀ·g, and J is symmetric: its rows times g", lines))
    if labels is None:
        lines, again = short(scores, probs, g, held)
        steps.append(worked("the same with s_i taken out: less the mean of g, c = Σ g·s", lines))
        found = found if probs.values is not None else again
    else:
        lines, again = at_once(scores, probs, labels)
        steps.append(worked("with cross-entropy at once: s − y, since Σ y = 1", lines))
    value = scores.filled(found if labels is None else again)
    checks = (
        Check("the Jacobian's rows times g against the short form", forms_agree(found, again)),
        *proofs(scores, probs, g, labels, value),
    )
    notes.append("entries are counted from 1")
    return Answer(value.matrices(), tuple(steps), checks, "∂L/∂z", conventions=tuple(notes))


def vectors(z: Any, s: Any, classes: int | None) -> tuple[Entries, Entries]:
    """The scores z and the probabilities s: one of them given, or letters for both."""
    given = [name for name, v in (("z", z), ("s", s), ("classes", classes)) if v is not None]
    if len(given) != 1:
        raise BadInput("give the scores --z '1 2 3', the probabilities --s '0.2 0.8', or the "
                       "number of --classes")  # fmt: skip
    if classes is not None:
        shape: tuple[int, ...] = (1, classes)
    else:
        one = numbers(given[0], z if z is not None else s)
        shape = one.shape
        if 1 not in shape:
            raise BadInput("softmax is worked for one vector: give one row of numbers")
    many = max(shape)
    if not 2 <= many <= MOST or min(shape) < 1:
        raise BadInput(f"2 to {MOST} classes are worked out, not {many}")
    scores, probs = (Entries(name, shape, row=True) for name in "zs")
    if z is not None:
        largest = max(abs(v) for v in one.values.values())  # type: ignore[union-attr]
        if largest > 300:
            raise BadInput("scores beyond 300 leave the range of e^z: subtract their maximum")
        scores = scores.filled(one.values)  # type: ignore[arg-type]
    if s is not None:
        values = one.values or {}
        if any(v <= 0 for v in values.values()):
            raise BadInput("the probabilities s of a softmax are positive: none is 0 or less")
        if sum(values.values()) != 1:
            said = show_number(sum(values.values()))
            raise BadInput(f"the probabilities s of a softmax add up to 1, these to {said}")
        probs = probs.filled(values)
    return scores, probs


def targets(y: Any, like: Entries) -> Entries:
    """The labels as probabilities: a class counted from 1, or a row that adds up to 1."""
    if isinstance(y, Expr):
        raise BadInput("y is the true class, counted from 1, or a row such as 0 1 0")
    if not isinstance(y, tuple):
        if y not in range(1, len(like) + 1):
            raise BadInput(f"the true class is 1 to {len(like)}, not {show_number(y)}")
        values = {i: int(n == y) for n, i in enumerate(like, 1)}
    else:
        values = dict(fits(numbers("y", y), like.shape, "as the softmax").values or {})
        if sum(values.values()) != 1 or any(v < 0 for v in values.values()):
            raise BadInput("the labels y are not negative and add up to 1")
    return Entries("y", like.shape, values, True)


# -- lines -----------------------------------------------------------------------------


def by_scores(z: Entries, s: Entries, steps: list[Step]) -> dict[Index, Any]:
    """s_i = exp(z_i)/Σ exp(z): the sum once, then each."""
    total = Sym("S", "positive")
    held: dict[Expr, Any] = {z.sym(i): z[i] for i in z}
    formula = plus(*(Call("exp", z.sym(i)) for i in z))
    held[total], line = filled(total, formula, held)
    lines, values = [line], {}
    for i in z:
        values[i], line = filled(s.sym(i), Div(Call("exp", z.sym(i)), total), held)
        lines.append(line)
    steps.append(worked("forward: s = softmax(z)", lines))
    return values


def of_entropy(s: Entries, y: Entries) -> tuple[Entries, Step]:
    """g_i = ∂L/∂s_i = −y_i/s_i."""
    lines, values = [], {}
    g = Entries("g", s.shape, row=True)
    for i in s:
        held: dict[Expr, Any] = {y.sym(i): y[i]}
        if s.values is not None:
            held[s.sym(i)] = s[i]
        of, formula = Partial(Sym("L", "real"), s.sym(i)), Neg(Div(y.sym(i), s.sym(i)))
        if y[i] == 0:
            values[i], line = 0, Step("", None, 0, of, formula)
        else:
            values[i], line = filled(of, formula, held)
        lines.append(line)
    return g.filled(values), worked("∂L/∂s = g, by cross-entropy: −y/s", lines)


def jacobian(s: Entries, held: dict[Expr, Any]) -> list[Step]:
    """∂s_i/∂z_j = s_i(1 − s_i) on the diagonal, −s_i·s_j beside it."""
    places = list(s)
    rows, lines = [], []
    for n, i in enumerate(places):
        row = []
        for m, j in enumerate(places):
            a, b = s.sym(i), s.sym(j)
            formula: Expr = Mul(a, ONE - a) if i == j else Neg(Mul(a, b))
            of = Partial(a, Sym(b.name.replace("s", "z"), "real"))
            entry, line = filled(of, formula, held)
            row.append(entry)
            if n == 0 and m < 2:
                lines.append(line)
        rows.append(tuple(row))
    return [
        worked("the Jacobian: s(1 − s) on the diagonal, minus the products beside it", lines),
        Step("J = diag(s) − s·sᵀ, all entries", None, Matrix(rows)),
    ]


def through(
    z: Entries, s: Entries, g: Entries, held: dict[Expr, Any]
) -> tuple[dict[Index, Any], list[Step]]:
    """∂L/∂z_i: row i of the Jacobian times g."""
    found, lines = {}, []
    for i in z:
        terms: list[Expr] = []
        short_: list[Expr] = []
        for j in z:
            a, b = s.sym(i), s.sym(j)
            if g.values is not None and g[j] == 0:
                continue
            entry = Mul(a, ONE - a) if i == j else Neg(Mul(a, b))
            terms.append(Mul(a, ONE - a, g.sym(j)) if i == j else Neg(Mul(a, b, g.sym(j))))
            if s.values is not None and g.values is None:
                short_.append(put(exact(evaluate(replaced(entry, held_trees(held)))), g.sym(j)))
        of, formula = partial(z.sym(i)), plus(*terms)
        if short_:
            found[i] = added(short_)
            line = Step("", None, found[i], of, formula)
        else:
            found[i], line = filled(of, formula, held)
        lines.append(line)
    return found, lines


def held_trees(held: dict[Expr, Any]) -> dict[Expr, Expr]:
    return {k: tree(v) for k, v in held.items()}


def short(
    z: Entries, s: Entries, g: Entries, held: dict[Expr, Any]
) -> tuple[list[Step], dict[Index, Any]]:
    """The same as s_i·(g_i − c), c = Σ g·s."""
    dot = Sym("c", "real")
    sums = plus(*(Mul(g.sym(j), s.sym(j)) for j in s if g.values is None or g[j] != 0))
    whole, line = filled(dot, sums, held)
    lines, found = [line], {}
    for i in z:
        formula, of = Mul(s.sym(i), g.sym(i) - dot), partial(z.sym(i))
        if isinstance(whole, Expr):
            lines.append(Step("", None, formula, of))
            found[i] = filled(None, Mul(s.sym(i), g.sym(i) - sums), held)[0]
        else:
            found[i], line = filled(of, formula, held | {dot: whole})
            lines.append(line)
    return lines, found


def at_once(z: Entries, s: Entries, y: Entries) -> tuple[list[Step], dict[Index, Any]]:
    """∂L/∂z_i = s_i − y_i."""
    lines: list[Step] = []
    found: dict[Index, Any] = {}
    for i in z:
        held: dict[Expr, Any] = {y.sym(i): y[i]} | ({} if s.values is None else {s.sym(i): s[i]})
        found[i], line = filled(partial(z.sym(i)), s.sym(i) - y.sym(i), held)
        lines.append(line)
    return lines, found


def forms_agree(one: dict[Index, Any], other: dict[Index, Any]) -> bool:
    """Whether both forms have the same values, in letters at seeded points."""
    return all(
        agree(tree(one[i]), tree(other[i])) if letters((one[i], other[i]))
        else alike(one[i], other[i])
        for i in one
    )  # fmt: skip


# -- proof -----------------------------------------------------------------------------


def proofs(
    z: Entries, s: Entries, g: Entries, y: Entries | None, value: Entries
) -> tuple[Check, ...]:
    """SymPy's derivatives of Σ g·softmax(z), or of the cross-entropy, by each score; and
    NumPy's backward pass of softmax, or of log-softmax with −y."""
    from math import exp, log

    from solver.numeric.slopes import backs

    points = []
    for point in seeded(z, s, g):
        if s.values is not None:
            for i in z:
                point[z.sym(i).name] = point[z.sym(i).name] if z.values else log(s[i])
        else:
            point |= {z.sym(i).name: (point[z.sym(i).name] % 7 - 3) / 2 for i in z}
            total = sum(exp(point[z.sym(i).name]) for i in z)
            point |= {s.sym(i).name: exp(point[z.sym(i).name]) / total for i in z}
        points.append(point)
    total_ = plus(*(Call("exp", z.sym(i)) for i in z))
    if y is None:
        loss = [times(g.sym(i), Div(Call("exp", z.sym(i)), total_)) for i in z]
    else:
        loss = [Mul(Num(y[i]), Call("log", total_) - z.sym(i)) for i in z if y[i] != 0]
    by_sympy = derived(loss, {z.sym(i): value[i] for i in z}, points)
    point, (one, name) = points[0], (g, "softmax") if y is None else (y, "log-softmax")
    up = floats(at(lists_of(one) if y is None else y.tuples(), point))
    sign = 1 if y is None else -1
    row = [[sign * v for line in up for v in line]]
    x = [[v for line in floats(at(lists_of(z), point)) for v in line]]
    got = backs(Activation(name), {"x": x}, row, exact=False)["x"][0]
    mine = [v for line in at(value.tuples(), point) for v in line]
    lettered = at_numbers(*((s, g) if y is None else (s,)))
    what = "Σ g·s" if y is None else "−Σ y·log s"
    return (
        Check(f"SymPy's derivatives of {what} by each score", by_sympy),
        Check(f"NumPy's backward pass of {name}{lettered}", all_alike(mine, got, 1e-9)),
    )
