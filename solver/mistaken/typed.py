"""Typed trees of the calculus as people write them, so that general mistakes serve both."""

from __future__ import annotations

from dataclasses import dataclass, field

from solver.expressions.nodes import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Sym, walk
from solver.expressions.written import Norm, Product, Turned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FLAGS = {"positive": "positive", "probability": "probability", "prob": "probability",
         "onehot": "labels 0 1", "sign": "labels -1 1"}  # fmt: skip


class Foreign(Exception):
    """A node that has no written form here."""


@dataclass
class Written:
    """A tree with what is known of its letters."""

    tree: Expr
    dims: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


def as_written(e: Expr) -> Written | None:
    """A typed or scalar tree in the nodes that people's answers are made of; None if it
    holds what they never write (Kronecker products, commutation matrices)."""
    found = Written(e)
    try:
        found.tree = convert(e, found)
    except Foreign:
        return None
    return found


def convert(e: Expr, out: Written) -> Expr:
    from solver.expressions import matrix as m

    if isinstance(e, Num):
        v = e.value
        return Neg(Num(-v)) if v < 0 else e
    if isinstance(e, Sym):
        kind = {"probability": "probability", "positive": "positive"}.get(e.kind)
        if kind:
            out.kinds[e.name] = kind
        elif e.kind in ("size", "count", "integer"):
            out.kinds[e.name] = "positive integer"
        return Sym(e.name, "real")
    if isinstance(e, m.Var):
        name, dims = e.args[0], tuple(d for d in e.args[1:3])
        if "dimension" in e.flags:
            return Sym(name, "real")
        shape = () if dims == (1, 1) else dims[:1] if dims[1] == 1 else dims
        out.dims[name] = shape
        for flag in e.flags:
            if flag in FLAGS:
                out.kinds[name] = FLAGS[flag]
        return Sym(name, "real")
    if not e.TYPED and not any(n.TYPED for n in walk(e)) and hasattr(e, "value_at"):
        raise Foreign
    parts = [convert(a, out) for a in e.args if isinstance(a, Expr)]
    if isinstance(e, (Add, Div, Neg)):
        return type(e)(*parts)
    if isinstance(e, Mul):
        return product(parts)
    if isinstance(e, Pow):
        base, exponent = parts
        inverse = isinstance(exponent, Neg) and exponent.args[0] == Num(1)
        return Div(Num(1), base) if inverse else Pow(base, exponent)
    if isinstance(e, m.Dot):
        return Mul(*parts)
    if isinstance(e, m.T):
        return Turned(parts[0])
    if isinstance(e, m.Had):
        whole = parts[0]
        for p in parts[1:]:
            whole = Product("⊙", whole, p)
        return whole
    if isinstance(e, m.Fn):
        name = e.args[0]
        if name in ("norm1", "norm2"):
            return Norm(parts[0], name[-1])
        if name == "inv":
            return Pow(parts[0], Neg(Num(1)))
        if name in ("rowsoftmax", "rowlogsumexp", "logsumexp", "logdet"):
            raise Foreign
        return Call(
            {"arccos": "acos", "arcsin": "asin", "arctan": "atan"}.get(name, name),
            *parts,
        )
    if type(e) is Call:
        return Call(e.args[0], *parts)
    raise Foreign


def product(parts: list[Expr]) -> Expr:
    """−1 in front as a sign."""
    first, *rest = parts
    if isinstance(first, Neg) and rest:
        inner = first.args[0]
        whole = rest if inner == Num(1) else [inner, *rest]
        return Neg(whole[0] if len(whole) == 1 else Mul(*whole))
    return Mul(*parts)
