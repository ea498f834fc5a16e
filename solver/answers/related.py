"""What relations are about, and two of them compared with a name for that."""

from __future__ import annotations

from solver.answers.agreement import Finding
from solver.answers.given import CONSTANTS
from solver.answers.regions import NotReal
from solver.answers.stated import Stated
from solver.answers.statements import same_relation
from solver.expressions.nodes import Add, Call, Div, Expr, Pow, Sym, walk
from solver.expressions.written import (
    Index,
    Relation,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def about(e: Expr) -> dict[str, Any]:
    """The one thing that a relation is about: x of 0 < x < 2 and of x = 3."""
    members = [m for n in walk(e) if isinstance(n, Relation) for m in n.members]
    having = list(dict.fromkeys(m for m in members if lettered(m)))
    if len(having) == 1 and a_quantity(having[0]):
        return {"subject": having[0]}
    if (
        isinstance(e, Relation)
        and e.signs == ("=",)
        and isinstance(e.members[0], (Sym, Index))
    ):
        return {"subject": e.members[0]}
    return {}


def a_quantity(e: Expr) -> bool:
    """Whether a relation can be about this: a letter, f(x), |z|, a ratio of lengths NO/BO."""
    if isinstance(e, (Sym, Index)):
        return True
    if isinstance(e, Call):
        return e.args[0][:5] == "call " or isinstance(e.args[1], (Sym, Index))
    return isinstance(e, Div) and not any(isinstance(n, (Add, Pow)) for n in walk(e))


def lettered(e: Expr) -> bool:
    return any(isinstance(n, Index) or isinstance(n, Sym) and n.args[0] not in CONSTANTS
               or isinstance(n, Call) and n.args[0][:5] == "call " for n in walk(e))  # fmt: skip


def related(stated: Stated, key: Expr, value: Expr) -> Finding:
    """Relations compared, what stands for the subject being a letter of its own."""
    subject = stated.settings.get("subject")
    named = isinstance(subject, Call) and subject.args[0][:5] == "call "
    if isinstance(subject, (Call, Index)) and (named or isinstance(subject, Index)):
        letter = Sym("subject", "real")
        key, value = replaced(key, subject, letter), replaced(value, subject, letter)
        if named:
            value = replaced_calls(value, letter)
    try:
        return same_relation(key, value, stated.kinds, stated.dims)
    except NotReal:
        return Finding(None, "It cannot be decided at the points tried.")


def replaced(e: Any, old: Expr, new: Expr) -> Any:
    if e == old:
        return new
    if not isinstance(e, Expr):
        return e
    return e.with_args(tuple(replaced(a, old, new) for a in e.args))


def replaced_calls(e: Any, new: Expr) -> Any:
    if isinstance(e, Call) and e.args[0][:5] == "call ":
        return new
    if not isinstance(e, Expr):
        return e
    return e.with_args(tuple(replaced_calls(a, new) for a in e.args))
