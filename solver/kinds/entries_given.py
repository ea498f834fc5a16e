"""What is given to a layer worked by hand: numbers or letters, in shapes that fit.

Reads inputs, kernels, masks and upstream gradients as Entries; sizes must be numbers.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import prod

from solver.core import BadInput
from solver.expressions.nodes import Expr
from solver.kinds.entries import WRITTEN, Entries
from solver.networks.layers import show_shape
from solver.numeric.text import shape_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.kinds.entries import Index

LARGEST, LETTERS = 400, 36  # entries of x: as numbers, as letters


def numbers(name: str, raw: Any, axes: int = 2) -> Entries:
    """What was given as numbers: one of them, a row, a matrix, or a stack of matrices."""
    while not isinstance(raw, tuple) or len(shape_of(raw)) < axes:
        raw = (raw,)
    shape = shape_of(raw)
    if len(shape) != axes:
        raise BadInput(f"{name} is {show_shape(shape)}: at most {axes} axes are worked here")
    values = {}
    for index in product(*map(range, shape)):
        values[index] = raw
        for i in index:
            values[index] = values[index][i]
    return Entries(name, shape, values, 1 in shape[-2:])


def fits(one: Entries, shape: Index, why: str) -> Entries:
    """The entries themselves, if they have this shape; a row for a column will do."""
    if one.shape == shape:
        return one
    if one.row and one.shape == (*shape[:-2], shape[-1], shape[-2]):
        values = {(*i[:-2], i[-1], i[-2]): one[i] for i in one}
        return Entries(one.name, shape, values, True)
    trimmed = [show_shape(s[max(len(s) - 2, 0):] if prod(s[:-2]) == 1 else s)
               for s in (shape, one.shape)]  # fmt: skip
    raise BadInput(f"{one.name} must be {trimmed[0]}, {why}, not {trimmed[1]}")


def show(sizes: Any) -> str:
    return show_shape(sizes) if isinstance(sizes, tuple) else str(sizes)


def one_axis(size: Any, other: int) -> Any:
    """A size for the one axis of a row; on the other nothing moves."""
    if isinstance(size, tuple) and len(size) == 2:
        return size
    return (other, size[0] if isinstance(size, tuple) else size)


def whole(*sizes: Any) -> None:
    for n in sizes:
        if isinstance(n, Expr):
            raise BadInput(f"entries are written out, so sizes are numbers, not {n}")


def image(name: str, raw: Any, shape: Any) -> Entries:
    """The input's numbers, or letters of the shape given."""
    if (raw is None) == (shape is None):
        raise BadInput(f"give the input's numbers (--{name} '1 2; 3 4') or its shape (--in 3x3)")
    if raw is not None:
        found = numbers(name, raw, 3)
    else:
        whole(*shape)
        if not 1 <= len(shape) <= 3 or 0 in shape:
            raise BadInput(f"the input is 5, 3x3 or 2x3x3, not {show_shape(shape)}")
        found = Entries(name, (*(1,) * (3 - len(shape)), *shape))
    most = LETTERS if raw is None else LARGEST
    if len(found) > most:
        what = "letters" if raw is None else "numbers"
        raise BadInput(f"the input has {len(found):,} entries; at most {most} {what} are worked")
    return found


def naming_of(x: Entries, *more: str) -> str:
    """How entries are counted."""
    parts = [*more, *(["channel"] if prod(x.shape[:-2]) > 1 else [])]
    place = "entries" if x.row else "rows and columns"
    if not parts:
        return f"{place} are counted from 1"
    return f"indices are {', '.join(parts)}, then {place}, counted from 1"


def exactly(x: float) -> Any:
    from fractions import Fraction

    return Fraction(repr(x))


def show_number(x: Any) -> str:
    from solver.values import show

    return show(x)


def small(entries: Entries, name: str) -> Entries:
    if len(entries) > WRITTEN:
        raise BadInput(f"{name} has {len(entries)} entries; at most {WRITTEN} are worked")
    return entries


def upstream(gradient: Any, like: Entries) -> Entries:
    """g as given, in the shape of the output; letters else."""
    if gradient is None:
        return Entries("g", like.shape, row=like.row)
    return fits(numbers("g", gradient, len(like.shape)), like.shape, "the output's shape")


def floats(values: Any) -> Any:
    return [floats(v) for v in values] if isinstance(values, list) else float(values)


def at_numbers(*arrays: Entries) -> str:
    return ", at seeded numbers" if any(a.values is None for a in arrays) else ""


def lists_of(e: Entries) -> Any:
    """The letters of an array, nested."""
    return replace(e, values=None).tuples()
