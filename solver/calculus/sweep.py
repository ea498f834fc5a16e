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
    """One line of a sweep: ∂f/∂node = cotangent, reached last by the lemma, and before
    that by those of the trail, from where the sweep began."""

    node: Expr
    cotangent: Expr
    lemma: str
    trail: tuple[str, ...] = ()


def order(e: Expr, wanted: frozenset[str]) -> list[Expr]:
    """The nodes that depend on any of these, each after all nodes that use it."""
    found: dict[Expr, None] = {}
    stack: list[tuple[Expr, bool]] = [(e, False)]
    while stack:
        node, done = stack.pop()
        if done:
            found[node] = None
            continue
        if node in found or not names(node) & wanted:
            continue
        stack.append((node, True))
        stack.extend((a, False) for a in node.args if isinstance(a, Expr))
    return list(reversed(found))


def sweep(e: Expr, seed: Expr, wanted: frozenset[str]) -> list[Line]:
    """What reaches each node that depends on the wanted variables, from `seed` at e.

    seed is ∂f/∂e, of e's dims; the lines come in the order of the sweep, a variable's
    when all that use it are done.
    """
    reached: dict[Expr, Expr] = {e: seed}
    lines: list[Line] = []
    through: dict[Expr, tuple[str, ...]] = {}
    for node in order(e, wanted):
        g = reached.get(node)
        if g is None:
            continue
        trail = through.get(node, ())
        lines.append(Line(node, g, trail[-1] if trail else "", trail))
        if isinstance(node, Var):
            continue
        for child, part in rule_for(node)(node, g):
            if not names(child) & wanted or m.is_zero(part):
                continue
            reached[child] = add(reached[child], part) if child in reached else part
            through[child] = (*trail, lemma(node))
    return lines


def gradient(f: Expr, x: Var) -> tuple[Expr, list[Line]]:
    """(∂f/∂x, of x's dims; the lines of the sweep) of a scalar function."""
    if not is_scalar(f):
        raise BadInput(
            f"a gradient is of a scalar; this is {m.a_type(dims(f))}: ask for its Jacobian"
        )
    lines = sweep(f, Num(1), frozenset([x.name]))
    found = next((line for line in lines if line.node == x), None)
    if found is None:
        return m.zero(dims(x)), lines
    rest = [line for line in lines if line is not found]
    return found.cotangent, [*rest, found]
