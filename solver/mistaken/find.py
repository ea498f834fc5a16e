"""Which general mistakes give a student's value: all their names, and what to say.

The edits of a key are evaluated once, at a few seeded points, and kept; an answer is
looked up among their values. Edits whose sizes do not fit are met by their structure.
"""

from __future__ import annotations

from functools import lru_cache

from solver.answers.agreement import (
    Probe,
    Signature,
    close,
    differing_entries,
    probe_for,
)
from solver.answers.stated import Stated
from solver.expressions.arrays import Array
from solver.expressions.nodes import Add, Expr, Mul, Neg
from solver.expressions.written import Grid, Relation
from solver.mistaken.edits import edits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SEEDS, FIRST = tuple(range(8)), 3  # the first tell most edits apart


class Row:
    """One edit with its values, worked out as far as they were asked for."""

    def __init__(self, probe: Probe, name: str, tree: Expr):
        self.probe, self.name, self.tree = probe, name, tree
        self.values: list[Any] = []

    def at(self, i: int) -> Any:
        while len(self.values) <= i:
            seed = SEEDS[len(self.values)]
            self.values.append(self.probe.pair(self.tree, (seed, 1, "", False))[1])
        return self.values[i]

    def alike(self, other: Row) -> bool:
        """Whether two trees have the same values wherever both have one."""
        met = 0
        for i in range(len(SEEDS)):
            a, b = self.at(i), other.at(i)
            if isinstance(a, Exception) or isinstance(b, Exception):
                if isinstance(a, Exception) != isinstance(b, Exception):
                    return False
                continue
            if not close(a, b, 1e-8) and not tiny(a, b):
                return False
            met += 1
        return met > 0

    def nowhere(self) -> bool:
        """Whether it has no value at all: sizes that do not fit."""
        return all(isinstance(self.at(i), Exception) for i in range(FIRST))


class Table:
    """The edits of one key: those with values, and those met by their structure."""

    def __init__(self, probe: Probe, sizes: tuple[str, ...]):
        self.probe = probe
        self.rows: list[Row] = []
        self.shapes: dict[Expr, list[str]] = {}
        key = Row(probe, "", probe.key)
        seen = set()
        for name, tree in edits(probe.key, sizes):
            tree = tidied(tree)
            if (name, tree) in seen:
                continue
            seen.add((name, tree))
            row = Row(probe, name, tree)
            if row.nowhere():
                self.shapes.setdefault(tree, []).append(name)
            elif not row.alike(key):  # an edit with the key's own values is no mistake
                self.rows.append(row)

    def names(self, given: Expr) -> list[str]:
        """The mistakes that give this value, each once."""
        got = Row(self.probe, "", given)
        if got.nowhere():
            return list(dict.fromkeys(self.shapes.get(tidied(given), [])))
        return list(dict.fromkeys(row.name for row in self.rows if row.alike(got)))


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
    sizes = tuple(
        dict.fromkeys(d for s in stated.dims.values() for d in s if isinstance(d, str))
    )
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
        finder: Any = by_form[stated.form]
        return list(finder(stated, value))
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
