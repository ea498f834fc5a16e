"""The derivative of a scalar function: one reverse sweep with matrix-valued cotangents.

Never goes to indices. Each node is met once, after all that depend on it; what reaches it
is summed; its rule sends it on to its children.
"""

from __future__ import annotations

from dataclasses import dataclass

from solver.calculus.rules import lemma, rule_for
from solver.core import BadInput
from solver.expressions import matrix as m
from solver.expressions.matrix import Var, add, dims, is_scalar, names
from solver.expressions.nodes import Expr, Num


@dataclass(frozen=True)
class Line:
    """One line of a sweep: ∂f/∂node = cotangent, reached by the lemma of `through`."""

    node: Expr
    cotangent: Expr
    lemma: str


def order(e: Expr, name: str) -> list[Expr]:
    """The nodes that depend on a variable, each after all nodes that use it."""
    found: dict[Expr, None] = {}
    stack: list[tuple[Expr, bool]] = [(e, False)]
    while stack:
        node, done = stack.pop()
        if done:
            found[node] = None
            continue
        if node in found or name not in names(node):
            continue
        stack.append((node, True))
        stack.extend((a, False) for a in node.args if isinstance(a, Expr))
    return list(reversed(found))


def gradient(f: Expr, x: Var) -> tuple[Expr, list[Line]]:
    """(∂f/∂x, of x's dims; the lines of the sweep) of a scalar function."""
    if not is_scalar(f):
        raise BadInput(
            f"a gradient is of a scalar; this is a {m.name_of(dims(f))}: ask for its Jacobian"
        )
    reached: dict[Expr, Expr] = {f: Num(1)}
    lines: list[Line] = []
    through: dict[Expr, str] = {}
    for node in order(f, x.name):
        g = reached.get(node)
        if g is None or node == x:
            continue
        lines.append(Line(node, g, through.get(node, "")))
        if isinstance(node, Var):
            continue
        for child, part in rule_for(node)(node, g):
            if x.name not in names(child):
                continue
            reached[child] = add(reached[child], part) if child in reached else part
            through[child] = lemma(node)
    found = reached.get(x, m.zero(dims(x)))
    if not m.is_zero(found) or x in reached:
        lines.append(Line(x, found, through.get(x, "")))
    return found, lines
