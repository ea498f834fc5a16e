"""Answers that are numbers: exact, rounded to their digits, with suffixes and units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from solver.answers.agreement import Finding, compare, constant
from solver.answers.amounts import (
    AMOUNT,
    FREE,
    Amount,
    constant_value,
    members_of,
    plain,
    read_amount,
    with_points,
)
from solver.answers.given import Given, names_for
from solver.answers.stated import Stated
from solver.core import BadInput
from solver.expressions.nodes import Expr, Mul, Num
from solver.expressions.written import Choice, Grid, Group, Logic, Relation, SetOp
from solver.values import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST = 600
SHOWN = Fraction(1, 2 * 10**6)  # of a number: half of the sixth digit, the last that is shown
RELATED = re.compile(
    r"[<>≤≥≠]|\\(?:leq?|geq?|neq?|lt|gt|pm|mp|in|to)(?![A-Za-z])|±|\bor\b|\bnot\b"
)

# a number, and behind a space a bracket in which it may be said again
AGAIN = re.compile(r"(.*[\d)}%])\s+\(\s*(?:=|≈|~|about|i\.e\.,?)?\s*([^()]+)\)\s*\.?")


def state_number(text: str, spec: Mapping[str, Any]) -> tuple[Amount, dict[str, Any]]:
    found = read_amount(text, names_for(spec, False), spec.get("unit") or FREE)
    number(found, text)
    if spec.get("unit") and not found.unit:
        found = replace(found, unit=spec["unit"])
    return found, {}


def state_integer(text: str, spec: Mapping[str, Any]) -> tuple[Amount, dict[str, Any]]:
    found, settled = state_number(text, spec)
    n = number(found, text)
    if abs(n - round(float(n.real if hasattr(n, "real") else n))) > 1e-12:
        raise BadInput("the key is no whole number: choose the form number")
    return found, settled


def number(a: Amount, text: str) -> Any:
    """The value of an amount without letters. Raises BadInput."""
    v = constant_value(a.value)
    if v is None:
        raise BadInput("a number is asked for", text=text, offset=0)
    return v


def read_number(stated: Stated, text: str) -> Given:
    """One number, or the chain that ends in it."""
    if len(text) > LONGEST:
        raise BadInput(
            f"this is too long for a number: at most {LONGEST} characters are read"
        )
    members, signs = members_of(text)
    if not any(m for m in members):
        raise BadInput("there is no answer")
    if any(not m for m in members):
        raise BadInput("nothing stands on one side of this sign", text=text, offset=0)
    if RELATED.search(plain(text)):
        raise BadInput(
            "one number is asked for, not a relation or alternatives",
            text=text,
            offset=0,
        )
    if len(members) > 20:
        raise BadInput(f"the chain has {len(members)} members; at most 20 are read")
    members = [once(m, stated) for m in members]
    found = [one(m, stated) for m in members]
    if len(found) > 1:
        literal = [bool(AMOUNT.fullmatch(plain(m))) for m in members]
        if all(literal) and len({re.sub(r"\s", "", m) for m in members}) == 1:
            raise BadInput(
                "this says the same number twice: write it once", text=text, offset=0
            )
        for a, b, both in zip(found, found[1:], zip(literal, literal[1:])):
            if all(both) and not linked(a, b):
                raise BadInput("these numbers contradict each other: one answer is asked for",
                               text=text, offset=0)  # fmt: skip
    return Given(found[-1], tuple(found) if len(found) > 1 else (), tuple(signs))


def once(text: str, stated: Stated) -> str:
    """A number without its own value said again in brackets: 9761/10000 (97.61 %)."""
    said = AGAIN.fullmatch(text)
    try:
        if said and linked(one(said[1], stated), one(said[2], stated)):
            return said[1]
    except BadInput:
        pass
    return text


def one(text: str, stated: Stated) -> Amount:
    found = read_amount(text, names_for(stated.names, True), stated.value.unit)
    if isinstance(found.value, (Group, Relation, Logic, SetOp, Grid, Choice)):
        raise BadInput("one number is asked for", text=text, offset=0)
    if isinstance(found.value, Expr) and constant(found.value):
        number(found, text)
    scale, unit = stated.settings.get("scale", 1), stated.settings.get("unit", "")
    if scale == 1 or found.unit:
        return found
    bare = found.value  # a number without a unit is in the one that is asked for
    scaled = Mul(bare, Num(scale)) if isinstance(bare, Expr) else bare * scale
    shown = text.strip() if isinstance(bare, Expr) else show(bare)
    about = "about " if found.slack else ""
    return replace(
        found, value=scaled, slack=found.slack * scale, said=f"{about}{shown} {unit}"
    )


def linked(a: Amount, b: Amount) -> bool | None:
    """Whether a = b (or ≈) holds, rounding allowed."""
    try:
        x, y = constant_value(a.value), constant_value(b.value)
    except BadInput:
        return None
    if x is None or y is None:
        if isinstance(a.value, Expr) or isinstance(b.value, Expr):
            sides = [v if isinstance(v, Expr) else Num(v) for v in (a.value, b.value)]
            return compare(*sides).same
        return None
    return near(x, y, max(a.slack, b.slack))


def near(x: Any, y: Any, slack: Any) -> bool:
    """Whether two numbers are equal, or within the slack of the digits shown."""
    if x == y:
        return True
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        return abs(x - y) <= slack
    x, y = precise(x), precise(y)
    gap = abs(x - y)
    if gap - gap != 0:  # infinite
        return False
    return bool(
        gap <= 1e-40 * max(abs(x), abs(y)) or gap <= precise(slack) * (1 + 1e-12)
    )


def precise(x: Any) -> Any:
    from solver.answers.agreement import fifty_digits

    return (
        fifty_digits().num(x) * fifty_digits().one
        if isinstance(x, (int, Fraction))
        else x
    )


def same_number(stated: Stated, value: Amount, exact: bool = False) -> Finding:
    """Equal; within the tolerance; or right to the digits that are shown, if these say the
    number to 1 %, or are all that a key would show: 2·10⁻⁸ of 1.99999996·10⁻⁸."""
    key = stated.value
    right = constant_value(key.value)
    got = (
        constant_value(value.value)
        if not isinstance(value.value, Expr) or constant(value.value)
        else None
    )
    if got is None:
        target = (
            key.value
            if isinstance(key.value, Expr)
            else Num(
                right.numerator
                if isinstance(right, Fraction) and right.denominator == 1
                else right
            )
        )
        found = compare(target, value.value, stated.kinds, stated.dims)
        return (
            found
            if found.same is not False
            else Finding(False, "A number is asked for.")
        )
    if value.unit and key.unit != value.unit and (key.unit or value.unit == "byte"):
        return Finding(False, "It is in another unit.")
    tolerance = stated.settings.get("tol") or {}
    if tolerance:
        room = Fraction(0)
        if "abs" in tolerance:
            room = max(room, Fraction(str(tolerance["abs"])))
        gap = abs(precise(right) - precise(got))
        if "rel" in tolerance:
            bound = precise(Fraction(str(tolerance["rel"]))) * abs(precise(right))
            if gap <= bound * (1 + 1e-12):
                return Finding(True)
        return Finding(bool(gap <= precise(room) * (1 + 1e-12)))
    rel = stated.settings.get("close", 0)  # a key that was computed in floats
    if near(
        right,
        got,
        abs(right) * Fraction(rel).limit_denominator(10**12) if rel else Fraction(0),
    ):
        return Finding(True)
    if near(right, got, value.slack) and value.slack:
        if exact:
            if not value.rounded:
                return Finding(False)
            if not stated.settings.get("rounded"):
                return Finding(None, "Rounded; the exact number was asked for.")
            close = abs(precise(right) - precise(got)) <= abs(precise(right)) / 100
            return Finding(close or None, "" if close else "Rounded by more than 1 %.")
        off, size = abs(precise(right) - precise(got)), abs(precise(right))
        if precise(value.slack) <= size / 100 or off <= size * SHOWN:
            return Finding(True)
        return Finding(False, "Too few digits are shown.")
    comma = re.fullmatch(r"\s*[-−]?\d{1,3},\d{3}\s*", value.text)
    if comma and near(
        right, Fraction(with_points(value.text).replace("−", "-")), Fraction(1, 2000)
    ):
        return Finding(
            None, "Read with a decimal comma it is right: a person has to decide this."
        )
    if not exact and key.slack and near(right, got, key.slack):
        return Finding(None, "It agrees to the digits of the key, which shows no more.")
    return Finding(False)


def same_integer(stated: Stated, value: Amount) -> Finding:
    return same_number(stated, value, True)
