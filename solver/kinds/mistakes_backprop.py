"""What students get wrong in backpropagation, as wrong solvers.

Each takes `backprop net`'s arguments and `right`, one gradient or several by name, and
gives what the mistake leads to; its first line speaks to the student.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from solver.calculus.backward import backward
from solver.expressions import matrix as m
from solver.expressions.matrix import Var, is_scalar, transpose
from solver.expressions.nodes import Expr, Mul, Num, Pow, walk
from solver.expressions.rebuild import put
from solver.expressions.typed import ELEMENTWISE, Fn, HPow, Ones, names
from solver.kinds import mistake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.calculus.equations import Equations

NET = "backprop net"
ACTIVATIONS = {"sigmoid", "tanh", "relu", "softplus", "sin", "arctan", "step"} & set(
    ELEMENTWISE
)


def each(right: Any, change: Callable[[Expr], Expr | None]) -> Any:
    """One gradient changed, or each of several; None where nothing changes."""
    if isinstance(right, dict):
        done = {k: change(v) or v for k, v in right.items()}
        return None if done == right else type(right)(done)
    return change(right)


def everywhere(e: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The tree with a change made at every node, from the leaves."""
    from solver.expressions.rebuild import rebuild

    args = tuple(everywhere(a, change) if isinstance(a, Expr) else a for a in e.args)
    return change(e if args == e.args else rebuild(e, args))


@mistake(NET)
def bce_minus_sign_assumed(right: Any, **given: Any) -> Any:
    """The sign is turned: take the loss with the sign with which it is written."""
    return turned(right) if without_minus(given) else None


@mistake(NET)
def sign_flipped(right: Any, **given: Any) -> Any:
    """The sign is turned: follow the minus signs through the chain once more."""
    return None if without_minus(given) else turned(right)


def turned(right: Any) -> Any:
    return each(right, lambda e: m.mul(Num(-1), e))


def without_minus(given: Mapping[str, Any]) -> bool:
    """Whether the loss is a sum of logarithms as it stands, with no minus in front."""
    end = equations(given).last.rhs
    parts = end.args if isinstance(end, Mul) else (end,)
    minus = any(isinstance(p, Num) and p.args[0] < 0 for p in parts)
    return not minus and any(isinstance(n, Fn) and n.name == "log" for n in walk(end))


def equations(given: Mapping[str, Any]) -> Equations:
    """The network's equations, as `backprop net` reads what is given."""
    from solver.kinds.backprop import network

    return network(
        given["net"], given.get("where"), given.get("vectors", ""), given.get("loss", ""),
        given.get("batch"),
    )  # fmt: skip


@mistake(NET, "grad")
def transposed(right: Any) -> Any:
    """This is the transpose: a gradient has the shape of its variable."""
    if not isinstance(right, (Expr, dict)):
        return None
    return each(right, transpose)


@mistake("jacobian")
def jacobian_layout_transposed(right: Any) -> Any:
    """This is the transpose: look up in which layout the derivative is asked for."""
    return transpose(right) if isinstance(right, Expr) else None


@mistake("grad")
def trace_kept_around_gradient(right: Any, expr: str, where: Any = None) -> Any:
    """This is a number: the trace is differentiated away, and the gradient is a matrix."""
    from solver.kinds.asked import asked

    written = asked(expr, where, scalar=True).written
    traced = any(isinstance(n, Fn) and n.name == "tr" for n in walk(written))
    return m.fn("tr", right) if traced and not is_scalar(right) else None


@mistake("grad")
def factor_two_dropped(right: Any) -> Any:
    """A factor 2 is missing: the variable stands twice in the product."""
    two = isinstance(right, Mul) and right.args[0] == Num(2)
    return m.mul(*right.args[1:]) if two else None


def without(right: Any, given: dict[str, Any], chosen: Callable[[int, int], bool]) -> Any:
    """The gradients when some activations are passed as if their derivative were 1."""
    from solver.kinds.backprop import upstream_of

    whole = equations(given)
    active = [
        i
        for i, line in enumerate(whole.lines)
        if isinstance(line.rhs, Fn) and line.rhs.name in ACTIVATIONS
    ]
    hit = [i for k, i in enumerate(active, 1) if chosen(k, len(active))]
    if not hit:
        return None
    lines = [
        replace(line, rhs=line.rhs.arg) if i in hit else line  # type: ignore[attr-defined]
        for i, line in enumerate(whole.lines)
    ]
    wrong = replace(whole, lines=tuple(lines))
    names = list(right) if isinstance(right, dict) else list(given["wrt"])
    found = backward(wrong, frozenset(names), upstream_of(whole, given.get("upstream", "G")))
    values = {r.var.name: r.value for r in found}
    if isinstance(right, dict):
        return type(right)({k: values[k] for k in right})
    return values[names[0]]


def link_missing(doc: str, chosen: Callable[[int, int], bool]) -> None:
    """Register a chain rule without the derivatives of the activations that are chosen."""

    def chain_factor_missing(right: Any, **given: Any) -> Any:
        return without(right, given, chosen)

    chain_factor_missing.__doc__ = doc
    mistake(NET)(chain_factor_missing)


link_missing(
    "The derivative of the activation is missing: a factor at each unit.",
    lambda k, many: k < many or many == 1,
)
link_missing(
    "The derivative of the output's activation is missing in the chain.",
    lambda k, many: k == many > 1,
)


def one_path(k: int) -> None:
    """Register the gradients of shared variables along their path of this number only."""

    def shared_weight_one_path(right: Any, **given: Any) -> Any:
        """This is one path only: what is used more than once adds up over all its uses."""
        from solver.calculus.backward import needed
        from solver.kinds.backprop import upstream_of

        whole = equations(given)
        wanted = list(right) if isinstance(right, dict) else list(given["wrt"])
        found: dict[str, Expr] = {}
        for name in wanted:
            v = whole.find(name)
            reached = needed(whole, frozenset([v.name]))
            users = [
                i
                for i, line in enumerate(whole.lines)
                if line.var.name in reached and v.name in names(line.rhs)
            ]
            if len(users) > max(1, k):
                other = Var(f"{v.name}_elsewhere", *v.args[1:])
                lines = [
                    replace(line, rhs=put(line.rhs, {v: other}))
                    if i in users and i != users[k]
                    else line
                    for i, line in enumerate(whole.lines)
                ]
                alone = replace(whole, lines=tuple(lines))
                upstream = upstream_of(whole, given.get("upstream", "G"))
                by_name = {
                    r.var.name: r.value
                    for r in backward(alone, frozenset([v.name]), upstream)
                }
                found[name] = put(by_name[v.name], {other: v})
        if not isinstance(right, dict):
            return found.get(wanted[0])
        return type(right)(found) if found else None

    mistake(NET)(shared_weight_one_path)


for path in range(3):
    one_path(path)


@mistake(NET)
def tanh_not_squared(right: Any, **given: Any) -> Any:
    """The derivative of tanh is 1 − tanh², with the square."""
    if "tanh" not in given["net"]:
        return None
    whole = equations(given)
    bent = {
        line.var.name
        for line in whole.lines
        if isinstance(line.rhs, Fn) and line.rhs.name == "tanh"
    }

    def change(e: Expr) -> Expr:
        base = e.args[0] if isinstance(e, (HPow, Pow)) else None
        squared = isinstance(base, Var) and base.name in bent and e.args[1] == Num(2)
        return base if squared and base is not None else e

    return each(right, lambda e: everywhere(e, change))


@mistake(NET)
def bias_not_summed(right: Any) -> Any:
    """A bias is added to every sample of the batch: its gradient is the sum over them."""

    def change(e: Expr) -> Expr | None:
        first = e.args[0] if isinstance(e, m.Dot) else None
        ones = isinstance(first, Ones) or (
            isinstance(first, m.T) and isinstance(first.args[0], Ones)
        )
        return m.dot(*e.args[1:]) if ones else None

    return each(right, change)


@mistake(NET)
def one_over_n_dropped(right: Any, **given: Any) -> Any:
    """The factor 1/N is missing: the loss is the mean over the samples, not their sum."""

    def change(e: Expr) -> Expr:
        counted = (
            isinstance(e, Pow)
            and isinstance(e.args[0], Var)
            and "dimension" in e.args[0].flags
            and e.args[1] == Num(-1)
        )
        return Num(1) if counted else e

    return each(right, lambda e: everywhere(e, change))


