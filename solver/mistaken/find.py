"""Which general mistakes give a student's value: all their names, and what to say.

The edits of a key are evaluated once, at a few seeded points, and kept; an answer is
looked up among their values. Edits whose sizes do not fit are met by their structure.
"""

from __future__ import annotations

from functools import lru_cache

from solver.answers.agreement import Probe, Signature, close, differing_entries, probe_for
from solver.answers.stated import Stated
from solver.expressions.arrays import Array
from solver.expressions.nodes import Add, Expr, Mul, Neg, Num
from solver.expressions.written import Grid, Relation
from solver.mistaken.edits import edits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WORLDS = ((0, 1, "", False), (1, 1, "", False), (3, 1, "", False), (4, 1, "", False))


class Table:
    """The edits of one key with their values."""

    def __init__(self, probe: Probe, sizes: tuple[str, ...]):
        self.probe, self.rows, self.shapes = probe, [], dict[Expr, list[str]]()  # type: ignore[var-annotated]
        seen = set()
        for name, tree in edits(probe.key, sizes):
            tree = tidied(tree)
            if (name, tree) in seen:
                continue
            seen.add((name, tree))
            values = [probe.pair(tree, id)[1] for id in WORLDS]
            if all(isinstance(v, Exception) for v in values):
                self.shapes.setdefault(tree, []).append(name)
            elif not self.right(values):
                self.rows.append((name, values))

    def right(self, values: list[Any]) -> bool:
        """Whether an edit has the key's own values, and so is no mistake."""
        met = 0
        for v, id in zip(values, WORLDS):
            wanted = self.probe.pair(Num(0), id)[0]
            if isinstance(v, Exception) or isinstance(wanted, Exception):
                continue
            if not close(v, wanted, 1e-9):
                return False
            met += 1
        return met > 0

    def names(self, given: Expr) -> list[str]:
        """The mistakes that give this value, each once."""
        got = [self.probe.pair(given, id)[1] for id in WORLDS]
        if all(isinstance(v, Exception) for v in got):
            return list(dict.fromkeys(self.shapes.get(tidied(given), [])))
        return list(dict.fromkeys(name for name, values in self.rows if alike(values, got)))


def alike(wrong: list[Any], got: list[Any]) -> bool:
    """Whether an answer has the values of a mistake wherever both have one."""
    met = 0
    for a, b in zip(wrong, got):
        if isinstance(a, Exception) or isinstance(b, Exception):
            if isinstance(a, Exception) != isinstance(b, Exception):
                return False
            continue
        if not close(a, b, 1e-8) and not tiny(a, b):
            return False
        met += 1
    return met > 0


def tiny(a: Any, b: Any) -> bool:
    if isinstance(a, (Array, bool)) or isinstance(b, (Array, bool)):
        return False
    return bool(abs(a) < 1e-12 and abs(b) < 1e-12)


def tidied(e: Any) -> Any:
    """A tree with nested products and sums opened and signs in front, to be met by structure."""
    if not isinstance(e, Expr):
        return e
    args = [tidied(a) for a in e.args]
    if isinstance(e, Mul):
        flat: list[Any] = []
        minus = False
        for a in args:
            if isinstance(a, Neg):
                minus, a = not minus, a.args[0]
            flat += a.args if isinstance(a, Mul) else (a,)
        whole = Mul(*flat) if len(flat) > 1 else flat[0]
        return Neg(whole) if minus else whole
    if isinstance(e, Add):
        flat = []
        for a in args:
            flat += a.args if isinstance(a, Add) else (a,)
        return Add(*flat)
    if isinstance(e, Neg) and isinstance(args[0], Neg):
        return args[0].args[0]
    return e.with_args(tuple(args))


@lru_cache(maxsize=256)
def table(key: Expr, signature: Signature, sizes: tuple[str, ...]) -> Table:
    return Table(Probe(key, signature.letters), sizes)


def mistakes_of_tree(stated: Stated, key: Expr, given: Expr) -> list[str]:
    """The names of the edits of a key that an answer equals."""
    p = probe_for(key, given, stated.kinds, stated.dims)
    sizes = tuple(dict.fromkeys(d for s in stated.dims.values() for d in s if isinstance(d, str)))
    return table(key, Signature(p.letters), sizes).names(given)


def mistakes_of(stated: Stated, value: Any) -> list[str]:
    """The names of the general mistakes that give a student's value; none if it has no name."""
    from solver.mistaken import values as v

    by_form = {
        "number": v.of_number, "integer": v.of_number, "shape": v.of_sizes,
        "assignments": v.of_named, "choice": v.of_options, "ranking": v.of_options,
        "set": v.of_set, "interval": v.of_interval, "list": v.of_list,
        "equation": v.of_relation, "inequality": v.of_relation,
    }  # fmt: skip
    if stated.form in by_form:
        return by_form[stated.form](stated, value)
    if stated.form == "prose" or not isinstance(value, Expr):
        return []
    if isinstance(value, Relation) and "whole" in stated.settings:
        return v.of_relation_pair(stated, stated.settings["whole"], value)
    if stated.form == "matrix":
        return of_matrix(stated, value)
    return mistakes_of_tree(stated, stated.value, value)


def of_matrix(stated: Stated, value: Expr) -> list[str]:
    """A matrix of another size, with wrong entries, or an edit of the whole."""
    found = mistakes_of_tree(stated, stated.value, value)
    key = stated.value
    if isinstance(key, Grid) and isinstance(value, Grid):
        rows, cols = [(len(g.args) - 1) // g.args[0] for g in (key, value)], (
            key.args[0], value.args[0])  # fmt: skip
        if rows[0] != rows[1] or cols[0] != cols[1]:
            if (rows[1], cols[1]) != (cols[0], rows[0]):
                smaller = rows[1] <= rows[0] and cols[1] <= cols[0]
                found.append("item_missing" if smaller else "item_extra")
        elif not found or found == ["entries_wrong"]:
            p = probe_for(key, value, stated.kinds, stated.dims)
            off = differing_entries(p, value)
            if off and len(off) < rows[0] * cols[0]:
                found.append("entries_wrong")
    return list(dict.fromkeys(found))


def mistakes_of_typed(right: Any, given: Any) -> list[str]:
    """The same for what the calculus computed: columns, matrices, losses in letters."""
    if not isinstance(right, Expr) or not isinstance(given, Expr):
        return []
    from solver.mistaken.typed import as_written

    pair = as_written(right), as_written(given)
    if pair[0] is None or pair[1] is None:
        return []
    key, value = pair[0], pair[1]
    dims = {**key.dims, **value.dims}
    kinds = {**key.kinds, **value.kinds}
    stated = Stated("expression", "", key.tree, {}, kinds, dims, {})
    return mistakes_of_tree(stated, key.tree, value.tree)
