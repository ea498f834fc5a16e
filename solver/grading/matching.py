"""Whether a value read from a student's text is the right one, by the type of the right one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from solver.answers import forms
from solver.answers.amounts import Amount
from solver.answers.given import Given
from solver.answers.stated import Stated
from solver.expressions.nodes import Expr, Num
from solver.expressions.written import Grid, Group, Logic, Relation, SetOp
from solver.grading.arrays import compared, in_a_line
from solver.grading.computed import as_stated
from solver.grading.reading import Chain, Rounded
from solver.grading.symbols import agree
from solver.mistaken.typed import as_written
from solver.properties import Property
from solver.values import (
    NAMES,
    Gradients,
    Listing,
    Matrix,
    Options,
    entry_name,
    has_dims,
    show,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def last(given: Any) -> Any:
    """What a chain a = b = c says in the end."""
    return given.members[-1] if isinstance(given, Chain) else given


def shown(given: Any) -> str:
    """How an answer was understood, as text."""
    if isinstance(given, Given):
        return forms.shown(given)
    if isinstance(given, Chain):
        return " = ".join(shown(m) for m in given.members)
    if isinstance(given, Rounded):
        return f"about {show(given.value)}"
    if isinstance(given, Mapping) and not isinstance(given, Gradients):
        return ", ".join(f"{NAMES.get(k, k)} {shown(v)}" for k, v in given.items())
    if isinstance(given, Listing) and any(
        isinstance(v, (Rounded, Given)) for v in given
    ):
        each = [shown(v) for v in given]
        return ", ".join(f"({s})" if ", " in s else s for s in each)
    if isinstance(given, Gradients):
        return "; ".join(
            f"{entry_name(given, k)} = {shown(v)}" for k, v in given.items()
        )
    if isinstance(given, Matrix):
        return in_a_line(given, shown)
    return show(given)


def broken_link(given: Any, known: Any = None) -> str:
    """The first link of a chain that does not hold, or nothing."""
    if isinstance(given, Given):
        link = forms.broken(given.key, given) if given.key else None
        return f"{forms.shown(link[0])} = {forms.shown(link[1])}" if link else ""
    if not isinstance(given, Chain):
        return ""
    for a, b in zip(given.members, given.members[1:]):
        if matches(a, b, known)[0] is False:
            return f"{shown(a)} = {shown(b)}"
    return ""


def key_for(right: Any, given: Given) -> Stated | None:
    """The right value, or a wrong one, as a key by which the answer can be compared."""
    if isinstance(right, Stated):
        return right
    key = given.key
    if key is None:
        return None
    if isinstance(right, str):  # a mistake's value, as its author wrote it
        return forms.with_value(key, forms.read_answer(key, right).value)
    if isinstance(right, Expr) and (has_dims(right) or key.dims):
        typed = as_written(right)
        return None if typed is None else replace(key, value=typed.tree)
    unit = str(key.settings.get("unit", ""))
    found = as_stated(right, unit, str(key.settings.get("order", "")))
    kept = {k: v for k, v in key.settings.items() if k in ("rounded", "tol")}
    return replace(found, settings={**found.settings, **kept}) if found and kept else found


def matches(right: Any, given: Any, known: Any = None) -> tuple[bool | None, str]:
    """Whether the given value is the right one (None: cannot say), and a remark.

    known: the letters of the solution, for answers in letters.
    """
    if isinstance(right, Property):
        return right.met(given)
    if isinstance(given, Given):
        key = key_for(right, given)
        if key is None or given.key is None or key.form not in (given.key.form, *ALIKE):
            return False, ""
        value = alike(key, given.value)
        if value is None:
            return False, ""  # a number where a shape was given, or the other way round
        found = forms.same(key, value)
        if found.same is False and "tied" in key.settings and not found.why:
            return None, ""  # its letters are bound by conditions that were not kept here
        return found.same, found.why or given.remark
    if isinstance(right, Rounded):
        right = right.value
    if isinstance(given, Chain):
        if broken_link(given, known):
            return False, ""
        given = given.members[-1]
    if isinstance(given, Rounded):
        return rounded(right, given), ""
    if isinstance(right, Options) and isinstance(given, Options):
        wanted, got = list(right), list(given)
        return len(wanted) == len(got) and all(g in wanted for g in got) and all(
            w in got for w in wanted), ""  # fmt: skip
    if isinstance(right, Listing) and isinstance(given, Listing):
        each = [entry(a, b, known) for a, b in zip(right, given)]
        if len(right) != len(given) or False in each:
            return False, ""
        return (None if None in each else True), ""
    if isinstance(right, Matrix) and isinstance(given, Matrix):
        return compared(right, given, lambda a, b: matches(a, b, known)[0]), ""
    if isinstance(right, Mapping) and isinstance(given, Mapping):
        found_ = [entry(right[k], given[k], known) for k in right if k in given]
        if len(found_) < len(right) or False in found_:
            return False, ""
        return (None if None in found_ else True), ""
    try:
        return agree(right, given, known or {})
    except (
        ArithmeticError,
        ValueError,
        TypeError,
        KeyError,
    ):  # C^C^C at any number is too large
        return None, ""


def alike(key: Stated, value: Any) -> Any:
    """What is given, in the form of the key: an amount as a tree or the other way round,
    where one of the two is about a count; None if it has no such form."""
    if key.form == "expression" and isinstance(value, Amount):
        value = value.value
        return value if isinstance(value, Expr) else Num(value)
    if key.form in ("number", "integer") and not isinstance(value, Amount):
        one = isinstance(value, Expr) and not isinstance(value, SEVERAL)
        return Amount(value, Fraction(0)) if one else None
    return value


SEVERAL = (Group, Grid, Relation, Logic, SetOp)  # trees that are no number
ALIKE = ("number", "integer", "expression")  # a mistake about a count may be a fraction


def entry(right: Any, given: Any, known: Any = None) -> bool | None:
    """One of several values: its chain has to hold as well."""
    return False if broken_link(given, known) else matches(right, given, known)[0]


def rounded(right: Any, given: Rounded) -> bool | None:
    """An entry of a matrix, rounded: an exact count stays exact, a fraction is right to
    its digits."""
    if right == given.value:
        return True
    try:
        near = abs(right - given.value) <= given.slack
    except TypeError:
        return False
    if isinstance(right, int):
        return None if near else False
    if isinstance(right, float):
        near = near or abs(right - float(given.value)) <= 1e-9 * abs(right)
    return bool(near and given.slack <= abs(right) / 100)
