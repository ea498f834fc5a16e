"""`backprop algorithm`: the training loop of a network as a listing, forward to update.

The listing is data, lines of words and trees, and is proved by being run: one step of it
in NumPy against a step along central differences of the loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from solver.calculus.backward import Reached, backward
from solver.calculus.equations import Equations
from solver.calculus.factor import weight
from solver.calculus.letters import DATA
from solver.core import Answer, BadInput, Check
from solver.expressions.matrix import Var, add, is_scalar, mul, names, neg
from solver.expressions.nodes import Expr
from solver.kinds import kind
from solver.kinds.backprop import asked, network
from solver.values import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Text = str
    Where = Any
    Names = tuple[str, ...]
    Size = Any

Part = str | Expr


@kind("backprop algorithm", '"4: linear 5, relu, linear 3, softmax"')
def algorithm(
    net: Text,
    *,
    wrt: Names | None = None,
    where: Where = None,
    vectors: str = "",
    loss: str = "",
    batch: Size | None = None,
) -> Answer:
    """The training loop as an algorithm: forward, backward, gradient-descent update."""
    whole = network(net, where, vectors, loss, batch)
    if not is_scalar(whole.last.var):
        raise BadInput("training needs a loss: give --loss, or end the equations in one")
    params = asked(whole, wrt)
    found = backward(whole, frozenset(p.name for p in params))
    data = [v for v in whole.leaves if v not in params and DATA.fullmatch(v.name)]
    program = Program(lines(whole, found, params, data))
    ran = stepped(whole, program, params)
    check = Check("one step of the listing in NumPy against central differences", ran)
    notes = ["all gradients are taken before any parameter moves"]
    if any(not is_scalar(v) for v in whole.leaves):
        notes.append(f"vectors are {whole.vectors}")
    return Answer(program, (), (check,), "algorithm", conventions=tuple(notes))


def lines(
    whole: Equations, found: Sequence[Reached], params: Sequence[Var], data: Sequence[Var]
) -> Iterator[tuple[int, tuple[Part, ...]]]:
    """The listing: initialise, repeat, forward, backward, update."""
    rate = Var("alpha", 1, 1, ("positive",))
    batch = any(not is_scalar(v) and 1 not in v.args[1:3] for v in data)
    yield 0, ("initialise", *commas(params), "with small random numbers")
    yield 0, ("repeat until the loss stops falling",)
    yield 1, ("for each", "mini-batch" if batch else "sample", *commas(data))
    yield 2, ("#", "forward")
    for e in whole.lines:
        yield 2, (e.var, "←", e.rhs)
    yield 2, ("#", "backward")
    yield from ((2, (left, "←", right)) for left, right in backward_lines(found, params))
    yield 2, ("#", "update")
    adjoints = {r.var: r.adjoint for r in found}
    for p in params:
        yield 2, (p, "←", add(p, neg(mul(rate, adjoints[p]))))


def backward_lines(
    found: Sequence[Reached], params: Sequence[Var]
) -> list[tuple[Expr, Expr]]:
    """∂L/∂z from those before it, or in full where that is shorter (p − y); what no line
    needs then is left out."""
    kept: list[tuple[Expr, Expr]] = []
    met: set[str] = set()
    for r in reversed(found):
        if r.var not in params and r.adjoint.args[0] not in met:
            continue
        paths = add(*(p.local for p in r.paths))
        best = r.value if r.merged or weight(r.value) < weight(paths) else paths
        kept.append((r.adjoint, best))
        met |= names(best)
    return kept[::-1]


def commas(variables: Sequence[Var]) -> Iterator[Part]:
    """W1, b1 as parts of a line."""
    from solver.values import Listing

    if variables:
        yield Listing(variables)  # type: ignore[misc]


def stepped(whole: Equations, program: Program, params: Sequence[Var]) -> bool:
    """Whether the listing's assignments, run in order, move each parameter by −α times
    the loss's central difference."""
    from solver.numeric.descent import one_step

    assignments = [(parts[0], parts[2]) for _, parts in program if "←" in parts]
    return one_step(whole.inlined(whole.last.var), assignments, params)
