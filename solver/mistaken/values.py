"""General mistakes about numbers, sizes, lists, sets, options and relations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import permutations

from solver.answers.agreement import attempted, compare, constant
from solver.answers.amounts import Amount, constant_value
from solver.answers.collections import members
from solver.answers.items import listed, same_any
from solver.answers.lines import (
    as_logic,
    boundaries,
    crossings,
    line_through,
    variables,
)
from solver.answers.numbers import near, precise
from solver.answers.regions import NotReal, is_set
from solver.answers.related import about
from solver.answers.stated import Stated
from solver.answers.statements import same_relation
from solver.core import BadInput
from solver.expressions.fields import FLOATS
from solver.expressions.nodes import Expr, Num, Sym, walk
from solver.expressions.worlds import Letters, World
from solver.expressions.written import Grid, Group, Logic, Relation
from solver.mistaken.edits import edits
from solver.mistaken.find import mistakes_of_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RELATIONS = 4  # statements with more are not searched for a mistake
UNITS = [Fraction(8), Fraction(4), Fraction(2), Fraction(2**10, 10**3), Fraction(2**20, 10**6),
         Fraction(2**30, 10**9)]  # fmt: skip


def of_number(stated: Stated, value: Amount) -> list[str]:
    """Of a number: signs, powers of ten, digits, factors, and what its formula allows."""
    found: list[str] = []
    key = stated.value
    right = constant_value(key.value)
    if isinstance(value.value, Expr) and not constant(value.value):
        tree = key.value if isinstance(key.value, Expr) else Num(right)
        return mistakes_of_tree(stated, tree, value.value)
    got = constant_value(value.value)
    if right is None or got is None:
        return []
    slack = value.slack
    whole = isinstance(right, Fraction) and right.denominator == 1

    def is_(x: Any) -> bool:
        return (
            near(x, got, Fraction(0))
            or bool(slack)
            and precise(slack) <= abs(precise(right)) / 50
            and near(x, got, slack)
        )

    if key.unit == "byte" and right:
        for u in UNITS:
            if is_(right * u) or is_(right / u):
                found.append("unit_confused")
    if is_(-right) and right:
        found.append("sign_flipped")
    if right:
        for k in range(1, 16):
            if is_(right * 10**k) or is_(
                right * Fraction(1, 10**k)
                if isinstance(right, Fraction)
                else right / 10**k
            ):
                found.append("power_of_ten_slip")
        if is_(right * 2) or is_(right / 2):
            found.append("flops_macs_factor_two")
            found.append("factor_added" if is_(right * 2) else "one_half_dropped")
        if is_(1 / right):
            found.append("inverted")
    if stated.form == "integer" or whole:
        if is_(right + 1) or is_(right - 1):
            found.append("off_by_one")
    if 0 < right < 1 and is_(1 - right):
        found.append("complement_reported")
    if isinstance(right, Fraction) and digits_slip(key, value):
        found.append("digit_slip")
    cut = abs(precise(right)) - abs(precise(got))
    if slack and not near(right, got, slack) and 0 < cut < 2 * precise(slack):
        found.append("truncated")
    if slack and near(right, got, slack):
        found.append("too_few_digits")
    if isinstance(key.value, Expr):
        given = value.value if isinstance(value.value, Expr) else Num(got)
        if not slack:
            found += mistakes_of_tree(stated, key.value, given)
        else:
            for name, tree in edits(key.value):
                try:
                    v = constant_value(tree)
                except BadInput:
                    continue
                if v is not None and is_real(v) and near(v, got, slack):
                    found.append(name)
    return list(dict.fromkeys(found))


def is_real(v: Any) -> bool:
    from solver.answers.agreement import fifty_digits

    return not fifty_digits().is_complex(v)


def digits_slip(key: Amount, value: Amount) -> bool:
    """Two neighbouring digits exchanged, or the last digit shown off by one."""
    if isinstance(value.value, Expr) or key.unit != value.unit and value.unit:
        return False
    if isinstance(key.value, Expr):
        return False
    a, b = shown_digits(key), shown_digits(value)
    if not a or not b or Fraction(key.value) == Fraction(value.value):
        return False
    if len(a) == len(b) and sorted(a) == sorted(b):
        off = [i for i, (x, y) in enumerate(zip(a, b)) if x != y]
        if len(off) == 2 and off[1] == off[0] + 1 and same_scale(key, value):
            return True
    if len(a) == len(b) >= 5 and sum(x != y for x, y in zip(a, b)) == 1:
        return same_scale(key, value)
    step = value.slack * 2 if value.slack else Fraction(1)
    last = abs(Fraction(value.value) - Fraction(key.value))
    return bool(value.slack) and 0 < last - step / 2 <= step


def shown_digits(a: Amount) -> str:
    return re.sub(r"\D", "", a.text.split("e")[0]).strip("0") if a.text else ""


def same_scale(a: Amount, b: Amount) -> bool:
    x, y = abs(Fraction(a.value)), abs(Fraction(b.value))
    return bool(x and y and Fraction(1, 10) < x / y < 10)


# -- sequences ----------------------------------------------------------------------------


def of_items(
    key: list[Any], got: list[Any], same: Callable[[Any, Any], bool]
) -> list[str]:
    """Of things in order: another order, one missing, one too many, some wrong."""
    found = []
    if len(got) == len(key):
        hits = sum(same(a, b) for a, b in zip(key, got))
        if len(key) <= 6 and any(
            all(same(a, b) for a, b in zip(order, got)) for order in permutations(key)
        ) or multiset(key, got, same):  # fmt: skip
            found.append("parts_swapped")
        elif 0 < hits < len(key):
            found.append("entries_wrong")
    elif len(got) < len(key) and subsequence(got, key, same):
        found.append("item_missing")
    elif len(got) > len(key) and subsequence(key, got, same):
        found.append("item_extra")
    return found


def multiset(a: list[Any], b: list[Any], same: Callable[[Any, Any], bool]) -> bool:
    left = list(b)
    for x in a:
        hit = next((i for i, y in enumerate(left) if same(x, y)), None)
        if hit is None:
            return False
        del left[hit]
    return not left


def subsequence(
    short: list[Any], long: list[Any], same: Callable[[Any, Any], bool]
) -> bool:
    it = iter(long)
    return bool(short) and all(any(same(x, y) for y in it) for x in short)


def subset(short: list[Any], long: list[Any], same: Callable[[Any, Any], bool]) -> bool:
    return all(any(same(x, y) for y in long) for x in short)


def of_sizes(stated: Stated, value: Expr) -> list[str]:
    def same(a: Any, b: Any) -> bool:
        return compare(a, b, stated.kinds, stated.dims).same is True

    key = list(stated.value)
    got = list(value.items) if isinstance(value, Group) else [value]
    found = of_items(key, got, same)
    if len(key) > 1 and len(got) == 1 and all(isinstance(k, Num) for k in key):
        product = 1
        for k in key:
            product *= k.value
        if same(Num(product), got[0]):
            found = ["reduced_to_scalar"]
    whole = [k.value for k in (*key, *got) if isinstance(k, Num)]
    if len(key) == len(got) and len(whole) == 2 * len(key):
        off = [g - k for k, g in zip(whole, whole[len(key) :])]
        if (
            any(off)
            and all(o in (0, 1) for o in off)
            or any(off)
            and all(o in (0, -1) for o in off)
        ):
            found.insert(0, "off_by_one")
    return found


def of_named(stated: Stated, value: Any) -> list[str]:
    key = stated.value

    def same(a: Any, b: Any) -> bool:
        return compare(a, b, stated.kinds, stated.dims).same is True

    if len(value) < len(key):
        return (
            ["item_missing"] if all(same(key[k], v) for k, v in value.items()) else []
        )
    found = []
    names = list(key)
    got = [value[n] for n in names]
    if multiset([key[n] for n in names], got, same):
        found.append("parts_swapped")
    elif any(same(key[n], value[n]) for n in names):
        off = [n for n in names if not same(key[n], value[n])]
        if len(off) == 1 and off[0] in ("s", "stride") and value[off[0]] == Num(1):
            found.append("stride_ignored")
        if len(off) == 1 and off[0] in ("p", "padding") and value[off[0]] == Num(0):
            found.append("padding_ignored")
        found.append("entries_wrong")
    return found


def of_options(stated: Stated, value: tuple[Any, ...]) -> list[str]:
    key = set(stated.value)
    got = set(value)
    if stated.form == "ranking":
        return of_items(list(stated.value), list(value), lambda a, b: a == b)
    if got < key:
        return ["item_missing"]
    return ["item_extra"] if got > key else []


def of_list(stated: Stated, value: Expr) -> list[str]:
    def same(a: Any, b: Any) -> bool:
        return same_any(stated, a, b).same is True

    return of_items(listed(stated.value), listed(value), same)


def of_set(stated: Stated, value: Expr) -> list[str]:
    def same(a: Any, b: Any) -> bool:
        return same_any(stated, a, b).same is True

    key = stated.value
    a, b = members(key), members(value)
    if a is None or b is None:
        return of_interval(stated, value)
    if len(b) < len(a) and subset(b, a, same):
        return ["item_missing"]
    if len(b) > len(a) and subset(a, b, same):
        return ["item_extra"]
    if len(a) == len(b) and any(any(same(x, y) for y in a) for x in b):
        return ["entries_wrong"]
    return []


def of_interval(stated: Stated, value: Expr) -> list[str]:
    """Bounds open or closed, one missing, the other side."""
    subject = stated.settings.get("subject")
    for e in (value, stated.value):
        if subject is None and isinstance(e, (Relation, Logic)):
            subject = about(e).get("subject")
    subject = subject if subject is not None else Sym("x", "real")
    sides = []
    for e in (stated.value, value):
        if not isinstance(e, (Relation, Logic)):
            if not is_set(e):
                return []
            try:
                e = as_logic(Relation(("∈",), subject, e))
            except NotReal:
                return []
        sides.append(chained(as_logic(e)))
    return of_relation_pair(stated, *sides)


def chained(e: Expr) -> Expr:
    """a < x and x < b as one chain, for edits of it."""
    if isinstance(e, Logic) and e.args[0] == "and" and len(e.args) == 3:
        p, q = e.args[1:]
        if (
            isinstance(p, Relation)
            and isinstance(q, Relation)
            and p.members[-1] == q.members[0]
        ):
            return Relation((*p.signs, *q.signs), *p.members, *q.members[1:])
    return e


def of_relation(stated: Stated, value: Expr) -> list[str]:
    if not isinstance(value, (Relation, Logic)) or isinstance(stated.value, Group):
        if isinstance(stated.value, Group) and isinstance(value, Group):
            return of_list(stated, value)
        subject = stated.settings.get("subject")
        key = stated.value
        if (
            isinstance(key, Relation)
            and key.members[0] == subject
            and isinstance(value, Expr)
        ):
            if not isinstance(value, (Group, Relation, Logic)) and key.signs == ("=",):
                return mistakes_of_tree(stated, key.members[1], value)
        return []
    return of_relation_pair(stated, stated.value, value)


def of_relation_pair(stated: Stated, key: Expr, value: Expr) -> list[str]:
    """The edits of a statement that hold where the answer does."""
    if sum(isinstance(n, Relation) for n in walk(value)) > RELATIONS:
        return []
    try:
        target = as_logic(value)
        letters = Letters(stated.kinds, stated.dims, (key, target))
    except NotReal:
        return []
    names = variables(key, target)
    if not names or any(isinstance(n, Grid) for n in walk(key)):
        return []
    places = probes(letters, names, numbers_in(key) | numbers_in(target))
    places += solutions(target, letters, names)
    wanted = [attempted(target, w()) for w in places]
    found: Counter[str] = Counter()
    confirmed = 0
    for name, tree in edits(key):
        if confirmed > 1 or found[name]:
            continue
        if any(
            attempted(tree, w()) is not v
            for w, v in zip(places, wanted)
            if isinstance(v, bool)
        ):
            continue
        try:
            confirmed += 1
            if same_relation(tree, target, stated.kinds, stated.dims).same:
                found[name] += 1
        except NotReal:
            continue
    return list(found)


def solutions(e: Expr, letters: Letters, names: list[str]) -> list[Any]:
    """Places on the boundary of a statement, where an equation holds."""
    found: list[Any] = []
    for line in range(2 if len(names) > 1 else 1):
        place = line_through(letters, names, line)
        for t in crossings(boundaries(e), place, len(names) == 1)[:6]:
            found.append(lambda p=place, t=t: p(t))
    return found


def numbers_in(e: Expr) -> set[float]:
    return {float(n.value) for n in walk(e) if isinstance(n, Num)}


def probes(letters: Letters, names: list[str], values: set[float]) -> list[Any]:
    """Places where statements are told apart quickly: simple numbers for each letter."""
    base = sorted(
        {v for n in list(values)[:4] for v in (n, n + 0.5, n - 0.5)} | {-3.2, 0.3, 7.9}
    )
    found = []
    for i, v in enumerate(base):
        for j in range(2 if len(names) > 1 else 1):
            at = {n: base[(i + (k * 3 + 1) * j + k) % len(base)] if k or j else v
                  for k, n in enumerate(names)}  # fmt: skip
            found.append(lambda at=at: World(letters, 5, FLOATS, "real", at))
    return found
