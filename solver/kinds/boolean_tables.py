"""Boolean functions as truth tables, and the networks that build them.

A network computes a function if its output is at least 1 where the function is true and
exactly 0 where it is false. Inputs are in counting order: 00, 01, 10, 11.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from solver.core import BadInput
from solver.expressions.nodes import Add, Call, Expr, Neg, Num, Sym, times
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 4  # inputs
Bits = tuple[int, ...]

# name -> whether it is true on these bits
FUNCTIONS: dict[str, Callable[[Bits], bool]] = {
    "or": any,
    "and": all,
    "xor": lambda bits: sum(bits) % 2 == 1,
    "nor": lambda bits: not any(bits),
    "nand": lambda bits: not all(bits),
    "xnor": lambda bits: sum(bits) % 2 == 0,
    "majority": lambda bits: 2 * sum(bits) > len(bits),
}


@dataclass(frozen=True)
class Table:
    """A Boolean function: whether it is true, input by input."""

    true: tuple[bool, ...]

    @property
    def inputs(self) -> int:
        return len(self.true).bit_length() - 1

    def rows(self) -> Iterator[tuple[Bits, bool]]:
        """Each input with what the function is there."""
        return zip(product((0, 1), repeat=self.inputs), self.true)

    def where(self, true: bool) -> list[Bits]:
        return [bits for bits, t in self.rows() if t is true]

    def condition(self, bits: Bits) -> str:
        """f(1, 0) ≥ 1, or f(0, 0) = 0."""
        wanted = dict(self.rows())[bits]
        return f"{called(bits)} {'≥ 1' if wanted else '= 0'}"

    def meets(self, outputs: Sequence[Any]) -> bool:
        """Whether these outputs are those of a network that computes the function."""
        return all(y >= 1 if t else y == 0 for y, t in zip(outputs, self.true))


def called(bits: Bits) -> str:
    return f"f({', '.join(map(str, bits))})"


def named(name: str, inputs: int) -> Table:
    """The function of this name: or, and, xor, …"""
    if name.lower() not in FUNCTIONS:
        raise unknown("Boolean function", name, list(FUNCTIONS))
    bounded(inputs)
    holds = FUNCTIONS[name.lower()]
    return Table(tuple(bool(holds(b)) for b in product((0, 1), repeat=inputs)))


def bounded(inputs: int) -> None:
    if not 1 <= inputs <= MOST:
        raise BadInput(f"the function has 1 to {MOST} inputs here, not {inputs}")


def asked(function: str, table: str, inputs: int) -> Table:
    """The function that is named, or whose table is given: 0 1 1 0. Raises BadInput."""
    if bool(function) == bool(table):
        raise BadInput(
            "give the function's name, as --function xor, or its values in the order "
            "00, 01, 10, 11, as --table '0 1 1 0'"
        )
    if function:
        return named(function.strip(), inputs)
    bits = re.sub(r"[\s,;]", "", table)
    if not re.fullmatch("[01]+", bits):
        raise BadInput(f"a table is made of 0 and 1, as 0 1 1 0, not {table[:40]!r}")
    if len(bits) not in [2**n for n in range(1, MOST + 1)]:
        raise BadInput(
            f"a table of n inputs has 2ⁿ values, n from 1 to {MOST}, not {len(bits)}"
        )
    return Table(tuple(b == "1" for b in bits))


# -- networks with one hidden layer -------------------------------------------------------


@dataclass(frozen=True)
class Unit:
    """A ReLU unit: max(0, w·x + b)."""

    w: tuple[Any, ...]
    b: Any

    def tree(self) -> Expr:
        return Call("max", Num(0), affine(self.w, letters(len(self.w)), self.b))


@dataclass(frozen=True)
class Built:
    """v·h + c over hidden units; `idea` says how it was found."""

    units: tuple[Unit, ...]
    v: tuple[Any, ...]
    c: Any
    idea: str

    def tree(self) -> Expr:
        return affine(self.v, [u.tree() for u in self.units], self.c)


def letters(n: int) -> list[Expr]:
    """x_1, …, x_n."""
    return [Sym(f"x_{i}", "real") for i in range(1, n + 1)]


def affine(weights: Sequence[Any], of: Sequence[Expr], bias: Any) -> Expr:
    """w·x + b as people write it: no zeros, no factor 1."""
    terms: list[Expr] = []
    for w, x in zip(weights, of):
        if w:
            term = x if abs(w) == 1 else times(abs(w), x)
            terms.append(term if w > 0 else Neg(term))
    if bias or not terms:
        terms.append(Num(bias) if bias >= 0 else Neg(Num(-bias)))
    return terms[0] if len(terms) == 1 else Add(*terms)


def by_sum(t: Table) -> Built | None:
    """Of a function of the number of ones: kinks at 0, 1, 2, …, by second differences."""
    by_count: dict[int, bool] = {}
    if any(by_count.setdefault(sum(bits), true) != true for bits, true in t.rows()):
        return None
    wanted = [int(by_count[s]) for s in range(t.inputs + 1)]
    slopes = [b - a for a, b in zip(wanted, wanted[1:])]
    turns = [b - a for a, b in zip([0, *slopes], slopes)]
    kinks = [(k, turn) for k, turn in enumerate(turns) if turn]
    return Built(
        tuple(Unit((1,) * t.inputs, -k) for k, _ in kinks),
        tuple(turn for _, turn in kinks),
        wanted[0],
        "it depends on the sum of the inputs alone: a unit turns the slope at each number "
        "of ones where it has to turn",
    )


def by_cases(t: Table) -> Built:
    """A unit for each term of a cover: a term fixes some inputs, and the unit is 1 there."""
    terms = cover(t)
    return Built(
        tuple(
            Unit(
                tuple({0: -1, 1: 1, None: 0}[bit] for bit in term),
                1 - sum(bit == 1 for bit in term),
            )
            for term in terms
        ),
        (1,) * len(terms),
        0,
        "a unit for each case in which it is true, 1 there and 0 where it is false",
    )


Term = tuple["int | None", ...]


def cover(t: Table) -> list[Term]:
    """Few terms that are true together exactly where the function is: the widest first."""
    false = t.where(False)
    terms: list[Term] = [
        term
        for term in product((None, 0, 1), repeat=t.inputs)
        if not any(matches(term, bits) for bits in false)
    ]
    left, chosen = set(t.where(True)), list[Term]()
    while left:
        best = max(terms, key=lambda term: sum(matches(term, bits) for bits in left))
        chosen.append(best)
        left = {bits for bits in left if not matches(best, bits)}
    return chosen


def matches(term: Term, bits: Bits) -> bool:
    return all(fixed in (None, bit) for fixed, bit in zip(term, bits))
