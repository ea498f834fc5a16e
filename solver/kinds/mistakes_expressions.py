"""What students get wrong about the values of expressions, as wrong solvers.

Each takes `eval`'s arguments, changes the expression as the mistake does, and gives its
value at the same point (None where the mistake cannot be made).
"""

from __future__ import annotations

from collections.abc import Callable

from solver.expressions import matrix as m
from solver.expressions.nodes import Expr, Num, Pow, walk
from solver.expressions.typed import Fn
from solver.kinds import mistake
from solver.kinds.asked import asked, placed, read_point, shape_of_value
from solver.kinds.mistakes_backprop import everywhere
from solver.kinds.proofs import valued

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Given = dict[str, Any]


def changed(given: Given, change: Callable[[Expr], Expr | None]) -> Any:
    """The value of the expression as `change` has it; None where it has nothing to change."""
    point = given.get("point")
    values = read_point(point) if point else {}
    known = {name: shape_of_value(value) for name, value in values.items()}
    tree = asked(given["expr"], given.get("where"), known=known).tree
    wrong = change(tree)
    if wrong is None or wrong == tree:
        return None
    rows, size = placed((tree, wrong), values)
    return valued(wrong, rows, size)[0]


def calls(tree: Expr, name: str, put: Callable[[Expr], Expr]) -> Expr | None:
    """The tree with another thing put for each call of a function; None if there is none."""
    if not any(isinstance(n, Fn) and n.name == name for n in walk(tree)):
        return None
    return everywhere(tree, lambda n: put(n) if isinstance(n, Fn) and n.name == name else n)


@mistake("eval")
def squared_distance_reported(**given: Any) -> Any:
    """The root is missing: a distance is the root of the sum of the squares."""

    def unrooted(tree: Expr) -> Expr | None:
        if isinstance(tree, Fn) and tree.name == "norm2":
            return m.fn("sum", m.had(tree.arg, tree.arg))
        root = isinstance(tree, Pow) and tree.args[1] == Num(1) / Num(2)
        if root or isinstance(tree, Fn) and tree.name == "sqrt":
            inside: Expr = tree.args[0] if root else tree.args[1]
            return inside
        return None

    return changed(given, unrooted)


@mistake("eval")
def odds_as_probability(**given: Any) -> Any:
    """exp(z) are the odds; the probability is σ(z) = exp(z)/(1 + exp(z))."""
    return changed(given, lambda t: calls(t, "sigmoid", lambda n: m.fn("exp", n.args[1])))


def in_base(name: str, base: int) -> None:
    """Register logarithms to another base."""

    def wrong(**given: Any) -> Any:
        log = m.fn("log", Num(base))
        return changed(given, lambda t: calls(t, "log", lambda n: m.mul(n, m.hpow(log, Num(-1)))))

    wrong.__name__ = name
    wrong.__doc__ = f"This is the logarithm to base {base}; log is the natural logarithm here."
    mistake("eval")(wrong)


in_base("log_base_ten", 10)
in_base("log_base_two", 2)
