"""When an answer in letters holds: what its layers require of the letters, put shortly.

A layer refuses numbers that do not fit and takes letters at their word; here the word is
written down. A relation is (left, sign, right): (H, "≥", 3), (C, "=", 64), (g, "divides", C).
What always holds is left out; what never does is a BadInput.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from solver.core import BadInput
from solver.expressions.formula import settle
from solver.expressions.nodes import (
    Add,
    Expr,
    Neg,
    Num,
    Sym,
    alike,
    letters,
    plus,
    tree,
)
from solver.kinds.sampling import letters_of
from solver.networks.layers import Layer, Row
from solver.networks.needs import aligned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.expressions.whole import Remainders
    from solver.networks.needs import Need

    Relation = tuple[Any, str, Any]


def condition_text(rows: Sequence[Row]) -> str:
    """When these layers fit: "H, W ≥ 3 and C = 64"; nothing if they always do."""
    return written(conditions(rows))


def written(relations: Sequence[Relation]) -> str:
    """Relations in a line, those that share a side and a sign together."""
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


def conditions(rows: Sequence[Row]) -> list[Relation]:
    """What must hold of the letters for these layers to fit; BadInput if it never does."""
    rows = [row for row in rows if letters_of((row.layer, row.inputs))]
    if not rows:
        return []
    found = Conditions()
    for row in rows:
        try:
            found.add(row)
        except BadInput as e:
            raise e.at(row.name) if row.name else e from None
    return found.relations()


def stretching(rows: Sequence[Row]) -> tuple[str, ...]:
    """What is left aside where letters must be equal, or 1: a size of 1 is stretched."""
    for row in rows:
        name = type(row.layer).__name__
        lead = {"Add": row.inputs, "Matmul": [s[:-2] for s in row.inputs]}.get(name, ())
        if any(need.left != need.right for need in aligned(*lead)):
            return ("sizes in letters that must be equal are not 1, which would stretch",)
    return ()


class Conditions:
    """The relations of several layers, as they are met, by the letter that they bind.

    `sizes` must be at least 1, `values` is the only one that a letter may have,
    `remainders` what it leaves, and `others` are relations that stay as they are.
    """

    def __init__(self) -> None:
        self.sizes: dict[Any, None] = {}
        self.values: dict[Sym, int] = {}
        self.remainders: dict[Sym, dict[Relation, Remainders]] = {}
        self.others: dict[Relation, None] = {}
        self.met: set[Any] = set()  # needs and outputs: those are as large as is required

    def add(self, row: Row) -> None:
        """What one layer asks: sizes of at least 1, and what it requires besides."""
        for size in (*sized(row.inputs), *own(row.layer)):
            if size not in self.met:
                self.positive(size, f"{size} is never 1 or more")
        self.met.update(sized(row.out))
        for need in row.layer.requires(*row.inputs):
            key = need.left, need.sign, need.right
            plain = need.left == need.right and need.sign not in "<>"
            plain = plain or need.left == 1 and need.sign == "divides"
            if letters(need.left, need.right) and key not in self.met and not plain:
                self.met.add(key)
                FORMS[need.sign](self, need)

    def positive(self, size: Expr, words: Any) -> None:
        """A size that must be at least 1."""
        from solver.expressions.algebra import above, nonnegative

        self.sizes[size] = None
        if any(above(-x - 1).is_nonnegative for x in nonnegative(size)):
            raise BadInput(str(words))

    def order(self, need: Need) -> None:
        """a ≥ b is a size too, a − b + 1 ≥ 1; and so on."""
        a, b = tree(need.left), tree(need.right)
        high, low = (a, b) if need.sign in "≥>" else (b, a)
        self.positive(high - low + (0 if need.sign in "<>" else 1), need)

    def equal(self, need: Need) -> None:
        """a = b: the letter's value, its remainders, or as it stands."""
        from solver.expressions.algebra import above, to_sympy
        from solver.expressions.whole import roots, zeros

        a, b = need.left, need.right
        apart = settle(tree(a) - b)
        if apart == 0:
            return
        sign = above(to_sympy(alike(tree(apart))))
        if sign.is_positive or sign.is_negative:
            raise BadInput(f"{need}; {a} is never {b}")
        names = letters(apart)
        if len(names) == 1:
            numbers, rest = roots(apart), zeros(apart)
            if numbers == set() or rest and not rest[1]:
                raise BadInput(f"{need}; {a} is never {b}")
            if numbers and len(numbers) == 1:
                self.value(names[0], *numbers)
                return
            if rest:
                self.remain(names[0], equation(a, b, apart), rest)
                return
        self.others[equation(a, b, apart)] = None

    def value(self, name: Sym, number: int) -> None:
        """A letter's only value."""
        if self.values.setdefault(name, number) != number:
            raise BadInput(f"{name} cannot be both {self.values[name]} and {number}")

    def divide(self, need: Need) -> None:
        """a divides b: the letter's remainders, or as it stands, common factors gone."""
        from solver.expressions.algebra import from_sympy, to_sympy
        from solver.expressions.whole import multiples

        ratio = to_sympy(alike(tree(need.right) / need.left))
        if ratio.is_integer:
            return
        names = letters(need.left, need.right)
        whole, part = map(from_sympy, ratio.as_numer_denom())
        relation = (part, "divides", whole)
        if len(names) == 1 and isinstance(part, Num):
            rest = multiples(int(part.value), whole)
            if rest and not rest[1]:
                raise BadInput(str(need))
            if rest:
                self.remain(names[0], relation, rest)
                return
        self.others[relation] = None

    def remain(self, name: Sym, relation: Relation, rest: Remainders) -> None:
        """What a letter leaves by some number."""
        self.remainders.setdefault(name, {})[relation] = rest

    def relations(self) -> list[Relation]:
        """All of it: bounds, values, divisors, and the rest."""
        if not (self.sizes or self.values or self.remainders or self.others):
            return []  # SymPy is not loaded where no letter is bound
        from solver.expressions.algebra import condition
        from solver.expressions.whole import congruence, least, together

        bounds = [strictly(*r) for r in weightiest(condition(list(self.sizes)))]
        known: list[Relation] = [(name, "=", Num(n)) for name, n in self.values.items()]
        first: dict[Sym, int] = {}
        for name, asked in self.remainders.items():
            if name in self.values:
                continue
            found = together(list(asked.values()))
            if found and not found[1]:
                raise BadInput(f"no {name} fits everywhere: {written(list(asked))}")
            if found and len(found[1]) == 1:
                m, (remainder,) = found
                known.append(congruence(name, m, remainder))
                first[name] = least(m, remainder, int(name.kind == "size"))
            else:
                known += asked
        first |= self.values
        for name, n in self.values.items():
            for relation, (m, some) in self.remainders.get(name, {}).items():
                if n % m not in some:
                    raise BadInput(f"{name} = {n} does not fit: {written([relation])}")
        for left, sign, right in bounds:
            if sign == "≤" and isinstance(right, Num):
                low = max([1, *(r.value for a, s, r in bounds if (a, s) == (left, "≥"))])
                low = max(low, first.get(left, 1)) if left.kind == "size" else 0
                if right.value < low:
                    both = f"{left} ≥ {low} and {left} ≤ {right}"
                    raise BadInput(f"no {left} fits everywhere: {both}")
        return [*(b for b in bounds if not implied(b, self.values, first)), *known, *self.others]


FORMS = {"=": Conditions.equal, "divides": Conditions.divide} | dict.fromkeys(
    ("≥", "≤", ">", "<"), Conditions.order
)


def sized(thing: Any) -> Iterator[Expr]:
    """The sizes in nested shapes that are more than a letter."""
    if isinstance(thing, (tuple, list)):
        for x in thing:
            yield from sized(x)
    elif not isinstance(thing, Sym) and letters(thing):
        yield thing


def own(one: Layer) -> Iterator[Expr]:
    """A layer's own sizes, less what they may be besides 1 and more: a padding may be 0."""
    for field in fields(one) if not one.SIGNED else ():  # type: ignore[arg-type]
        for size in sized(getattr(one, field.name)):
            yield size + 1 if "padding" in field.name or field.name == "proj" else size


def equation(a: Any, b: Any, apart: Any) -> Relation:
    """a = b, or what is left if it is shorter once terms on both sides are gone."""
    if isinstance(a, int) or isinstance(b, Sym) and not isinstance(a, Sym):
        a, b = b, a
    pairs = [(tree(a), tree(b))]
    if not isinstance(b, int) and isinstance(apart, Add):
        less = [t.args[0] for t in apart.args if isinstance(t, Neg)]
        more = [t for t in apart.args if not isinstance(t, Neg)]
        pairs += [(plus(*more), plus(*less)), (plus(*less), plus(*more))]
    left, right = min(pairs, key=lambda p: (len(f"{p[0]}{p[1]}"), len(str(p[0]))))
    return left, "=", right


def weightiest(bounds: list[Relation]) -> list[Relation]:
    """Bounds without those that follow from another: W ≥ k says that W + 2 ≥ k."""
    from solver.expressions.algebra import above, to_sympy

    over = [to_sympy(alike(left - right)) if sign == "≥" and letters(right) else None
            for left, sign, right in bounds]  # fmt: skip
    several = [(i, x) for i, x in enumerate(over) if x is not None]
    less = {i for i, x in several for j, y in several
            if i != j and above(x - y).is_nonnegative}  # fmt: skip
    return [b for i, b in enumerate(bounds) if i not in less]


def strictly(left: Expr, sign: str, right: Expr) -> Relation:
    """s ≥ q + 1 as s > q, and 2p + 6 ≥ 2d as p + 3 ≥ d."""
    from solver.expressions.algebra import from_sympy, to_sympy

    if sign == "≥" and letters(right):
        common, _ = to_sympy(alike(left - right)).primitive()
        left, right = (settle(side / from_sympy(common)) for side in (left, right))
        if isinstance(right, Add) and right.args[-1] == Num(1):
            return left, ">", settle(right - 1)
    return left, sign, right


def implied(bound: Relation, values: dict[Sym, int], first: dict[Sym, int]) -> bool:
    """Whether a letter's least value, or its only one, is within a bound anyway."""
    left, sign, right = bound
    if left not in first or not isinstance(right, Num):
        return False
    if sign == "≥" and left in values and values[left] < right.value:
        raise BadInput(f"{left} = {values[left]} does not fit: {written([bound])}")
    return first[left] >= right.value if sign == "≥" else left in values
