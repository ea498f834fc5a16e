"""When an answer in letters holds: sizes of at least 1, paths that agree, groups that divide.

A layer refuses numbers that do not fit and takes letters at their word; here the word is
written down. A relation is (left, sign, right): (H, "≥", 3), (C, "=", 64), (g, "divides", C).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from solver.core import BadInput
from solver.expressions.formula import samples, settle
from solver.expressions.nodes import Call, Div, Sym, alike, evaluate, letters, tree
from solver.kinds.sampling import letters_of
from solver.networks.layers import Layer, Row, Shape, show_shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Relation = tuple[Any, str, Any]

# The field that states a size of the input, and the axis where that size is.
STATED = {"in_features": -1, "features": 1, "in_channels": 1}


def condition_text(rows: Sequence[Row]) -> str:
    """When these layers fit: "H, W ≥ 3 and C = 64"; nothing if they always do."""
    rows = [row for row in rows if letters_of((row.layer, row.inputs))]
    sizes: dict[Any, None] = {}
    stack: list[Any] = [(*row.inputs, row.out) for row in rows]
    while stack:
        x = stack.pop(0)
        if isinstance(x, (tuple, list)):
            stack = [*x, *stack]
        elif not isinstance(x, Sym) and letters(x):
            sizes[x] = None
    relations: list[Relation] = []
    if sizes:
        from solver.expressions.algebra import condition

        relations += condition(list(sizes))
    relations += [(e.args[1], "divides", e.args[0]) for e in sizes if isinstance(e, Div)]
    for row in rows:
        relations += agreements(row) if row.layer.INPUTS < 0 else needs(row.layer, row.inputs[0])
    clauses: dict[tuple[str, str], dict[str, None]] = {}
    for left, sign, right in relations:
        if sign == "divides":  # one divisor of several sizes, the other way round
            clauses.setdefault((sign, str(left)), {})[str(right)] = None
        else:
            clauses.setdefault((sign, str(right)), {})[str(left)] = None
    return " and ".join(
        f"{one} divides {', '.join(many)}"
        if sign == "divides"
        else f"{', '.join(many)} {sign} {one}"
        for (sign, one), many in clauses.items()
    )


def equal(a: Any, b: Any, what: str) -> Iterator[Relation]:
    """(a, "=", b), nothing if that is always so, BadInput if it never is (H and H − 2)."""
    if not letters(a, b):
        return
    apart = tree(a) - b
    values = {evaluate(apart, env) for env in samples(letters(apart))}
    if 0 not in values and (len(values) == 1 or never_zero(apart)):
        raise BadInput(f"{what} do not fit together: {a} is never {b}")
    if values != {0}:
        yield (b, "=", a) if isinstance(a, int) else (a, "=", b)


def equalities(rows: Sequence[Row]) -> list[tuple[Any, Any]]:
    """The pairs of sizes that paths must agree in: an answer in letters is about those."""
    merges = (row for row in rows if row.layer.INPUTS < 0)
    return [(a, b) for row in merges for a, _, b in agreements(row)]


def never_zero(apart: Any) -> bool:
    """Whether a difference of sizes is positive, or negative, whatever its letters are."""
    from solver.expressions.algebra import above, to_sympy

    sign = above(to_sympy(alike(apart)))
    return bool(sign.is_positive or sign.is_negative)


def agreements(row: Row) -> list[Relation]:
    """In what the sizes of paths that are concatenated or added must agree."""
    found: list[Relation] = []
    first, *others = row.inputs
    along = getattr(row.layer, "dim", None)
    for other in others:
        what = f"{row.name}: {show_shape(first)} and {show_shape(other)}".removeprefix(": ")
        for i in range(-min(len(first), len(other)), 0):  # aligned at the end
            a, b = first[i], other[i]
            stretched = along is None and 1 in (a, b)
            if not stretched and (along is None or i != along % len(first) - len(first)):
                found += equal(a, b, what)
    return found


def needs(one: Layer, input: Shape) -> Iterator[Relation]:
    """What a layer's own numbers and letters must keep to, besides fitting the input."""
    for name, axis in STATED.items():
        stated = getattr(one, name, None)
        if stated is not None and -len(input) <= axis < len(input):
            at = -one.dims - 1 if name == "in_channels" else axis  # type: ignore[attr-defined]
            yield from equal(input[at], stated, f"the input and {name}")
    groups = getattr(one, "groups", 1)
    if groups != 1 and not isinstance(groups, tuple):
        at = -one.dims - 1 if hasattr(one, "dims") else 1
        for whole in (input[at], getattr(one, "out_channels", groups)):
            if whole != groups and letters(whole, groups):
                yield groups, "divides", whole
    name = type(one).__name__
    if name == "Pool":
        for k, _, p, d in one.axes():  # type: ignore[attr-defined]
            reach = settle(tree(d) * (tree(k) - 1) + 1)
            if p != 0 and letters(p, reach):
                yield settle(2 * tree(p)), "≤", reach
    if name == "Fold":
        from solver.networks.windows import axes_of, exactly, positions

        held = positions(exactly(one.output, 2, "output"), axes_of(one))  # type: ignore[attr-defined,arg-type]
        yield from equal(input[-1], held.value, "the columns and the windows of the output")
    if name == "ConvTranspose":
        for _, s, _, d, q in one.axes():  # type: ignore[attr-defined]
            if q != 0 and letters(q, s, d):
                yield q, "<", s if d == 1 else settle(Call("max", tree(s), tree(d)))
