"""Edits of a tree: every tree that differs from the key by one mistake, with its name.

Each function takes the key and yields (name, wrong tree). They change structure, never
values, so that they serve for numbers, letters and matrices alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from solver.expressions.nodes import Expr
from solver.mistaken.changing import Edit
from solver.mistaken.edits_functions import (
    complements,
    derivatives,
    inequalities,
    logs,
    norms,
    operations,
)
from solver.mistaken.edits_matrices import grids, indices, matrices, swapped
from solver.mistaken.edits_terms import (
    brackets,
    factors,
    formulas,
    signs,
    splits,
    terms,
)

MOST = 700


def edits(key: Expr, sizes: tuple[str, ...] = ()) -> Iterator[Edit]:
    """All of them, those that say most first; at most MOST."""
    count = 0
    for maker in MAKERS:
        for found in maker(key, sizes):
            if found[1] != key:
                yield found
                count += 1
                if count >= MOST:
                    return


MAKERS: list[Callable[[Expr, tuple[str, ...]], Iterator[Edit]]] = [
    formulas, signs, matrices, grids, factors, terms, operations, derivatives, logs, norms,
    indices, inequalities, complements, swapped, splits, brackets,
]  # fmt: skip
