"""Backpropagation: `backprop net`, a network as equations or as layers, worked backward.

The forward table, the backward table and every parameter's gradient in matrix form; each
∂L/∂· is proved by central differences through all the lines behind it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from solver.calculus.backward import Reached, backward
from solver.calculus.equations import PROBABILITIES, Equations, read, told_labels
from solver.calculus.equations import probabilities as labels
from solver.calculus.letters import DATA, MASK
from solver.calculus.rules import kinked
from solver.core import Answer, BadInput, Check, CheckFailed, Picture, Step, every
from solver.expressions import matrix as m
from solver.expressions.matrix import Var, dims, is_scalar
from solver.expressions.nodes import Add, Expr, walk
from solver.expressions.rebuild import small
from solver.expressions.typed import Adjoint
from solver.given import net as read_net
from solver.kinds import kind
from solver.networks.layers import show_shape
from solver.values import Gradients

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Text = str
    Where = Any
    Names = tuple[str, ...]
    Size = Any

HOW = "central differences through all lines, at seeded points, the sizes all different"
LARGE, MOST = 8, 1000  # sizes tried as they are; entries of a variable then
EXAMPLE = "\"z = x*W + b; p = softmax(z); L = -sum(y.*log(p))\""


@kind("backprop net", EXAMPLE)
def net(
    net: Text,
    *,
    wrt: Names | None = None,
    where: Where = None,
    vectors: str = "",
    upstream: str = "G",
    loss: str = "",
    batch: Size | None = None,
) -> Answer:
    """Forward and backward table of a network, with every parameter's gradient."""
    if not is_equations(net) and len((layers := read_net(net, "net")).input) > 1:
        from solver.kinds.backprop_images import by_images

        return by_images(layers, loss, batch)
    whole = network(net, where, vectors, loss, batch)
    wanted = asked(whole, wrt)
    given = upstream_of(whole, upstream)
    found = backward(whole, frozenset(v.name for v in wanted), given)
    by_name = {r.var.name: r for r in found}
    for v in wanted:
        if v.name not in by_name:
            raise BadInput(f"{whole.last.var.name} does not depend on {v.name}")
    steps = (forward_table(whole), *backward_table(whole, found, wanted, given))
    checks = [proof(whole, r, given) for r in found]
    second = [v.name for v in wanted if by_entries(whole, by_name[v.name], given)]
    if second:
        checks.append(Check(f"SymPy entry by entry, for {', '.join(second)}", True))
    loss_ = whole.last.var
    values = Gradients({v.name: by_name[v.name].value for v in wanted})
    values.loss = loss_.name if is_scalar(loss_) else "L"
    alone = wrt is not None and len(wanted) == 1
    value = values[wanted[0].name] if alone else values
    return Answer(value, steps, every(checks), "gradient" if alone else "gradients",
                  conventions=tuple(conventions(whole, found, wrt)),
                  pictures=drawn_graph(whole, found))  # fmt: skip


def drawn_graph(whole: Equations, found: Sequence[Reached]) -> tuple[Picture, ...]:
    """The picture of the computation graph with what comes back; as asked, without it."""
    known = {v.name: v for v in (*whole.leaves, *(e.var for e in whole.lines))}
    lines = tuple((e.var, e.rhs, read_by(e.rhs, known)) for e in whole.lines)
    asked_ = {"lines": lines, "title": "The computation graph"}
    back = {r.var.name: (r.adjoint, r.value) for r in found}
    title = "The computation graph; beside the arrows what comes back along them"
    return (Picture("graph", {**asked_, "gradients": back, "title": title}, asked_),)


def read_by(e: Expr, known: dict[str, Var]) -> tuple[Var, ...]:
    """What an expression reads, in the order in which it is written."""
    names = dict.fromkeys(n.name for n in walk(e) if isinstance(n, Var))
    return tuple(known[n] for n in names if n in known)


def network(net: str, where: Any, vectors: str, loss: str, batch: Any) -> Equations:
    """The equations of a network: as they stand, or made from its layers."""
    if is_equations(net):
        for name, given in (("loss", loss), ("batch", batch)):
            if given:
                raise BadInput(
                    f"{name} is for networks given as layers: write it as an equation"
                )
        return read(net, where, vectors)
    from solver.kinds.backprop_text import equations_of

    text, declared, way = equations_of(net, loss, vectors, batch)
    if where:
        raise BadInput("the sizes of a network given as layers follow from its layers")
    return read(text, declared, way)


def is_equations(text: str) -> bool:
    """Whether a text is equations, and not layers, a bundled or a printed network."""
    first = re.split(r"[;\n]", text.strip().replace(":=", "="))[0].strip()
    if "=" in first.partition(":")[0]:
        return True
    named = re.fullmatch(r"[\w.]+-[\w.-]+|\w{3,}|[\w-]+/[\w-]+", first)
    return not (":" in first or first.endswith("(") or named)


def asked(whole: Equations, wrt: Sequence[str] | None) -> list[Var]:
    """The variables whose gradients are the answer: those named, or all parameters.

    Without a loss, when the gradient comes from above, all leaves are asked for.
    """
    if wrt is not None:
        if not wrt:
            raise BadInput("wrt names nothing: leave it out for all parameters")
        return [whole.find(name) for name in dict.fromkeys(wrt)]
    ends = is_scalar(whole.last.var)
    skipped = DATA if ends else MASK
    found = [v for v in whole.leaves if not skipped.fullmatch(v.name)]
    if not found:
        raise BadInput("there is no parameter: say with --wrt what to differentiate by")
    return found


def upstream_of(whole: Equations, name: str) -> str:
    """The letter of the gradient from above, which no variable has."""
    if is_scalar(whole.last.var):
        return name
    taken = [*(v.name for v in whole.leaves), *(e.var.name for e in whole.lines)]
    if not re.fullmatch(r"[A-Za-z]\w{0,20}", name) or name in taken:
        raise BadInput(f"{name} is taken: name the gradient from above with --upstream")
    return name


# -- steps --------------------------------------------------------------------------------


def sizes_of(v: Var) -> str:
    """The shape of a variable as a label: scalar, 1×500."""
    return "scalar" if is_scalar(v) else show_shape(dims(v))


def forward_table(whole: Equations) -> Step:
    """Each line with its shape."""
    lines = tuple(Step(sizes_of(e.var), None, e.rhs, e.var) for e in whole.lines)
    leaves = ", ".join(f"{v.name}: {sizes_of(v)}" for v in whole.leaves)
    return Step("forward", None, leaves, substeps=lines)


def backward_table(
    whole: Equations, found: Sequence[Reached], wanted: Sequence[Var], upstream: str
) -> list[Step]:
    """Each ∂L/∂· by its paths, those asked for apart."""
    names = {v.name for v in wanted}
    values = {r.adjoint: r.value for r in found}
    end = whole.last.var
    inner = [
        Step("from above", None, Var(upstream, *dims(end)), Adjoint.of("L", end))
    ] if not is_scalar(end) else []
    inner += [line(r, values) for r in found if r.var.name not in names]
    asked_for = [line(r, values) for r in found if r.var.name in names]
    steps = [Step("backward", substeps=tuple(inner))] if inner else []
    return [*steps, Step("gradients", substeps=tuple(asked_for))]


def line(r: Reached, values: dict[Expr, Expr]) -> Step:
    """One line: ∂L/∂v = local form = with the adjoints put in = shortest form."""
    if not r.paths:
        return Step("flat on both sides of its kinks", None, r.value, r.adjoint)
    paths: tuple[Step, ...] = ()
    rule = re.split(r", (?=so|with|entry|else|for|and)", r.paths[0].lemma)[0]
    if len(r.paths) > 1:
        rule = f"{len(r.paths)} paths, added: {r.var.name} is used more than once"
        paths = tuple(Step(f"through {p.user.name}", None, p.local) for p in r.paths)
    if r.merged:
        rule = "taken together with the lines behind it"
    formula = added([p.local for p in r.paths])
    before = r.whole if same(r.whole, r.value) else None
    return Step(rule, before, r.value, r.adjoint, formula, paths)


def added(terms: Sequence[Expr]) -> Expr:
    """The sum of the paths as it is written down."""
    return terms[0] if len(terms) == 1 else Add(*terms)


def same(a: Expr, b: Expr) -> bool:
    """Whether two forms agree for any values of the names in them; a form that uses how
    the names hang together does not, and is proved with the whole network only."""
    from solver.numeric.prove import equal

    return equal(a, b)


# -- proof --------------------------------------------------------------------------------


def proof(whole: Equations, r: Reached, upstream: str) -> Check:
    """∂L/∂v against differences of L as a function of v, all lines behind put in."""
    from solver.numeric.prove import gradient_holds

    try:
        ok = gradient_holds(*as_function(whole, r, upstream, LARGE))
        if not ok and entries_of(r.var) <= MOST:  # a number may stand for a size: see `small`
            ok = gradient_holds(*as_function(whole, r, upstream))
        return Check(HOW, ok)
    except BadInput as e:
        raise CheckFailed(f"∂/∂{r.var.name} could not be proved: {e}") from None


def by_entries(whole: Equations, r: Reached, upstream: str) -> bool:
    """Whether SymPy, entry by entry, gives the same; False where that is too long.
    CheckFailed if it gives something else."""
    from solver.calculus.exact import QUICK
    from solver.calculus.exact import by_entries as prove

    for largest in (1, None):
        f, v, closed = as_function(whole, r, upstream, largest)
        proved = prove(f, v, closed, "gradient", QUICK)
        if proved is None or proved.ok:
            return proved is not None
    raise CheckFailed(f"SymPy gives another ∂/∂{r.var.name} than {r.value}")


def as_function(
    whole: Equations, r: Reached, upstream: str, largest: int | None = None
) -> tuple[Expr, Var, Expr]:
    """(L as a function of v, v, its derivative in the same letters); sizes above
    `largest` are letters, so that they can be small."""
    f = whole.inlined(whole.last.var, kept=r.var.name)
    if not is_scalar(f):  # L = ⟨G, last line⟩ has ∂L/∂(last line) = G
        g = Var(upstream, *dims(f))
        f = m.fn("sum", m.had(g, f))
    closed = whole.inlined(r.value, kept=r.var.name)
    if largest is None:
        return f, r.var, closed
    return small(f, largest), small(r.var, largest), small(closed, largest)


def entries_of(v: Var) -> int:
    """How many entries a variable has, letters taken for few."""
    rows, cols = (d if isinstance(d, int) else 8 for d in dims(v))
    return rows * cols


def conventions(
    whole: Equations, found: Sequence[Reached], wrt: Sequence[str] | None
) -> list[str]:
    """What the answer depends on, said."""
    notes = ["each gradient has the shape of its variable"]
    if any(not is_scalar(v) for v in whole.leaves):
        notes.append(f"vectors are {whole.vectors}")
    if wrt is None and is_scalar(whole.last.var):
        data = [v.name for v in whole.leaves if DATA.fullmatch(v.name)]
        if data:
            notes.append(f"{', '.join(data)} are data: no gradient is asked for them")
    for name, flags in dict(p for e in whole.lines for p in labels(e.rhs, whole.vectors)).items():
        if not whole.find(name).flags & PROBABILITIES:
            notes.append(f"if {name} holds labels, declare it {flags[0]}: its entries add up to 1")
    silent = [v for v in whole.leaves if v.flags & PROBABILITIES and not whole.assumed]
    notes += map(told_labels, silent)
    if whole.assumed:
        notes.append("not declared, so read as: " + ", ".join(whole.assumed))
    calls = [n for e in whole.lines for n in walk(e.rhs) if isinstance(n, m.Fn)]
    if any(n.name == "rowsoftmax" and dims(n)[0] != 1 for n in calls):
        notes.append("rowsoftmax is the softmax of each row")
    kinks = kinked(*(e.rhs for e in whole.lines))
    if kinks:
        notes.append(f"where the argument of {kinks} is 0 the derivative is taken as 0")
    return notes
