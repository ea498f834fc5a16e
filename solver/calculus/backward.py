"""Backpropagation through equations: what reaches each name, path by path, in its dims.

The lines are met from the last to the first; a name's adjoint ∂L/∂z is a letter in the
paths, and the value has the names of the forward pass in it, as a textbook writes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from solver.calculus.entrywise import shortened
from solver.calculus.equations import Equations
from solver.calculus.factor import weight
from solver.calculus.rules import RULES
from solver.calculus.sweep import gradient, sweep
from solver.expressions import matrix as m
from solver.expressions.matrix import Var, add, dims, is_scalar, names
from solver.expressions.nodes import Expr, Num
from solver.expressions.rebuild import put
from solver.expressions.typed import Adjoint


@dataclass(frozen=True)
class Path:
    """One way that the loss depends on a name: through the line of `user`, by `lemma`.

    `local` is what comes along it, with the user's adjoint as a letter.
    """

    user: Var
    local: Expr
    lemma: str


@dataclass(frozen=True)
class Reached:
    """∂L/∂var: its paths, their sum with the adjoints put in, and its shortest form.

    `merged` says that the form was found for several lines taken together (a softmax
    and its cross-entropy), not line by line.
    """

    var: Var
    adjoint: Expr
    paths: tuple[Path, ...]
    whole: Expr
    value: Expr
    merged: bool = False


def needed(net: Equations, wanted: frozenset[str]) -> frozenset[str]:
    """The names between a wanted one and the last line, both included."""
    found = set(wanted)
    for line in net.lines:
        if names(line.rhs) & found:
            found.add(line.var.name)
    read = {net.last.var.name}
    for line in reversed(net.lines):
        if line.var.name in read:
            read |= names(line.rhs)
    return frozenset(found & read)


def backward(
    net: Equations, wanted: frozenset[str], upstream: str = "G"
) -> list[Reached]:
    """What reaches each name on the way to the wanted ones, in the order of the pass.

    A last line that is no scalar is handed ∂L/∂(it) as the letter `upstream`.
    """
    on_way = needed(net, wanted)
    end = net.last.var
    loss = end.name if is_scalar(end) else "L"
    values: dict[Expr, Expr] = {}
    paths: dict[str, list[Path]] = {}
    found: list[Reached] = []
    first_user = {v: line.var for line in reversed(net.lines) for v in names(line.rhs)}
    leaves = {leaf.name: leaf for leaf in net.leaves}
    place = {line.var: i for i, line in enumerate(net.lines)}

    def reach(v: Var) -> None:
        adjoint = Adjoint.of(loss, v)
        mine = tuple(sorted(paths.get(v.name, ()), key=lambda p: place[p.user]))
        whole = add(*(put(p.local, values) for p in mine)) if mine else m.zero(dims(v))
        value = shortened(net.named(whole))
        merged = together(net, v, value) if mine else None
        values[adjoint] = value if merged is None else merged
        found.append(Reached(v, adjoint, mine, whole, values[adjoint], merged is not None))

    for line in reversed(net.lines):
        v = line.var
        if v.name not in on_way:
            continue
        if v != end:
            reach(v)
        seed: Expr = Adjoint.of(loss, v)
        if v == end:
            seed = Num(1) if is_scalar(v) else Var(upstream, *dims(v))
        inside = names(line.rhs) & on_way
        for one in sweep(line.rhs, seed, inside):
            if isinstance(one.node, Var):
                local = net.named(one.cotangent)
                path = Path(v, local, telling(one.trail))
                paths.setdefault(one.node.name, []).append(path)
        for name in sorted(inside & leaves.keys()):
            if first_user[name] == v:
                reach(leaves[name])
    return found


def telling(trail: tuple[str, ...]) -> str:
    """The lemma that a teacher would name: not that of a sum or a transpose, if another
    was used."""
    dull = {RULES[kind].__doc__ for kind in (m.Add, m.T, m.Mul)}
    told = [one for one in trail if one not in dull] or list(trail)
    return told[-1] if told else ""


def together(net: Equations, v: Var, value: Expr) -> Expr | None:
    """A shorter form than `value`, found with all lines behind v put into one another."""
    whole = net.inlined(net.last.var, kept=v.name)
    if not is_scalar(whole) or v.name not in names(whole):
        return None
    short = shortened(net.named(gradient(whole, v)[0]))
    return short if weight(short) < weight(value) else None
