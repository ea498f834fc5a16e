"""Expressions as they are: `eval`, the value at a point; `simplify`, the short form."""

from __future__ import annotations

from solver.core import Answer, BadInput, Check, Step
from solver.expressions import matrix as m
from solver.expressions.nodes import Add, Expr, walk
from solver.kinds import kind
from solver.kinds.asked import asked, placed, read_point, shape_of_value
from solver.kinds.proofs import short, valued

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Text = str
    Where = Any

EXACT = "NumPy, against exact numbers"
RAW = "NumPy at seeded points, the text as written against the short form"
PARTS = 8  # intermediate values that are shown
NAMED = {m.Dot: "product", Add: "sum", m.Had: "product by entries", m.HPow: "power by entries"}


@kind("eval", '"norm2(A*x - b)^2" --point "A = 1 2; 3 4, x = (1, 1), b = (0, 1)"')
def eval_(expr: Text, *, point: Where = None, where: Where = None) -> Answer:
    """The value of an expression at numbers: exact where its functions are."""
    values = read_point(point) if point else {}
    known = {name: shape_of_value(value) for name, value in values.items()}
    question = asked(expr, where, known=known)
    e = question.tree
    rows, size = placed((question.written, e), values)
    value, ok = valued(e, rows, size)
    steps = []
    for part in parts(e):
        here, agrees = valued(part, rows, size)
        ok = ok and agrees
        steps.append(Step(name_of_part(part), None, here, part))
    steps.append(Step("the value", None, value, question.written))
    checks = [Check(EXACT, ok)]
    if question.written != e:
        whole, agrees = valued(question.written, rows, size)
        checks.append(Check("the text as written, nothing simplified", agrees and
                            near(whole, value)))  # fmt: skip
    return Answer(value, tuple(steps), tuple(checks), "value")


def parts(e: Expr) -> list[Expr]:
    """The parts whose values a person would write down on the way, inner ones first."""
    found: dict[Expr, None] = {}

    def visit(node: Expr) -> None:
        for a in node.args:
            if isinstance(a, Expr):
                visit(a)
        named = type(node) in NAMED or isinstance(node, (m.Fn, m.Kron))
        if node != e and named and any(isinstance(n, m.Var) for n in walk(node)):
            found[node] = None

    visit(e)
    return list(found)[:PARTS]


def name_of_part(e: Expr) -> str:
    if isinstance(e, m.Fn):
        return {"inv": "inverse", "det": "determinant", "tr": "trace"}.get(e.name, e.name)
    return NAMED.get(type(e), "")


def near(a: Any, b: Any) -> bool:
    """Whether two values, exact or not, are the same number or numbers."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(near(x, y) for x, y in zip(a, b))
    if isinstance(a, float) or isinstance(b, float):
        return bool(abs(a - b) <= 1e-9 * max(1, abs(a), abs(b)))
    return bool(a == b)


@kind("simplify", '"inv(A*B)*A*x" --where "A: n x n, B: n x n, x: n"')
def simplify(expr: Text, *, where: Where = None) -> Answer:
    """The short form of an expression: of matrices in the textbook's, of scalars by SymPy."""
    from solver.numeric.prove import agree

    question = asked(expr, where)
    before, found = question.written, short(question.tree)
    same = agree(before, found)
    if same is None:
        raise BadInput(
            "the expression has no value at any of the points tried, so nothing is proved"
        )
    if looks(before) == looks(found):
        steps = (Step("nothing to simplify", None, found),)
    else:
        steps = (Step("simplified", before, found),)
    check = Check(RAW, same)
    return Answer(found, steps, (check,), "expression", conventions=question.said())


def looks(e: Expr) -> str:
    """How a tree prints, which is what makes two forms different to a reader."""
    from solver.expressions.typeset import unicode

    return unicode(e)
