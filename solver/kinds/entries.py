"""Arrays of numbers or letters, entry by entry, and sums of their products written out.

What the kinds that work a layer backward by hand share: x₁₁, x₁₂, … as letters with or
without numbers behind them, one worked line an entry, and the proof by SymPy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from random import Random

from solver.core import CheckFailed, Step
from solver.expressions.nodes import (
    Add,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Sym,
    evaluate,
    letters,
    plus,
    tidy,
    times,
    tree,
)
from solver.expressions.points import near
from solver.expressions.series import Partial
from solver.kinds.stepping import shown
from solver.values import Listing, Matrix, same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Index = tuple[int, ...]
    Factor = tuple["Entries", Index]

L = Sym("L", "real")
WRITTEN, TERMS, SPELLED = 64, 50, 4  # entries, and terms of one, written out; in letters
UPSTREAM = "g = ∂L/∂y is given by the layer above: L = Σ g·y over all entries of y"


@dataclass(frozen=True, eq=False, repr=False)
class Entries:
    """An array by its index from 0; without values its entries are letters.

    The axes before the last two are channels or filters: those of size 1 are not named,
    and of a single row only the column is.
    """

    name: str
    shape: Index
    values: Mapping[Index, Any] | None = None
    row: bool = False
    letters: dict[Index, Sym] = field(default_factory=dict)

    def sym(self, index: Index) -> Sym:
        """The letter of one entry: x_12, of several channels x_2_12."""
        if index not in self.letters:
            places = [i + 1 for i, n in zip(index[:-2], self.shape) if n > 1]
            last = index[-2:]
            if self.row:
                last = (max(last),)
            joint = "" if all(n < 10 for n in self.shape[-2:]) else "_"
            names = [*map(str, places), joint.join(str(i + 1) for i in last)]
            self.letters[index] = Sym("_".join([self.name, *names]), "real")
        return self.letters[index]

    def __getitem__(self, index: Index) -> Any:
        return self.sym(index) if self.values is None else self.values[index]

    def __iter__(self) -> Iterator[Index]:
        return product(*map(range, self.shape))

    def __len__(self) -> int:
        return prod(self.shape)

    def filled(self, values: Mapping[Index, Any]) -> Entries:
        """The same letters with these values."""
        return Entries(self.name, self.shape, values, self.row, self.letters)

    def matrices(self) -> Any:
        """The values as a matrix; of several channels a listing of them."""
        return nested(self, self.shape, ())

    def tuples(self) -> Any:
        """The values as nested lists."""
        return lists(self, self.shape, ())


def nested(entries: Any, shape: Index, at: Index) -> Any:
    if len(shape) == 2:
        rows, columns = map(range, shape)
        return Matrix(tuple(entries[at + (i, j)] for j in columns) for i in rows)
    if shape[0] == 1:
        return nested(entries, shape[1:], (*at, 0))
    return Listing(nested(entries, shape[1:], (*at, i)) for i in range(shape[0]))


def lists(entries: Any, shape: Index, at: Index) -> Any:
    if not shape:
        return entries[at]
    return [lists(entries, shape[1:], (*at, i)) for i in range(shape[0])]


# -- one entry, worked -----------------------------------------------------------------


def put(*factors: Any) -> Expr:
    """A product with its numbers multiplied and put first: −2·g_11, 0, g_12."""
    number: Any = 1
    others = []
    for f in factors:
        if isinstance(f, Expr):
            others.append(f)
        else:
            number = number * f
    if not others or not number:
        return Num(number)
    body = times(*others) if abs(number) == 1 else Mul(shown(abs(number)), *others)
    return Neg(body) if number < 0 else body


def added(terms: Sequence[Expr]) -> Any:
    """A sum without its zeros, its numbers added up and put last."""
    others = [t for t in terms if not isinstance(t, Num)]
    constant = sum(t.value for t in terms if isinstance(t, Num))
    if not others:
        return constant
    return plus(*others, *([shown(constant)] if constant else []))


def known(e: Any) -> bool:
    return not isinstance(e, Expr)


def total(
    of: Any,
    terms: Sequence[Sequence[Factor]],
    rule: str = "",
    spell: bool = True,
    over: int = 1,
    extra: Any = None,
) -> tuple[Any, Step]:
    """Σ of products: its exact value and its line, in letters, with numbers, and worked.

    `over` divides the whole; `extra` is one more term, a number or a letter.
    """
    spelled = [times(*(e.sym(i) for e, i in t)) for t in terms]
    found = [[e[i] for e, i in t] for t in terms]
    if extra is not None:
        spelled.append(extra[0])
        found.append([extra[1]])
    formula = divided(plus(*spelled), over) if spelled else None
    if not all(known(v) for t in found for v in t):
        value = divided(added([put(*t) for t in found]), over)
        plain = formula if all(isinstance(v, Sym) for t in found for v in t) else None
        if plain is not None:
            return plain, Step(rule, None, plain, of)
        return value, Step(rule, None, value, of, formula if spell else None)
    value = exact(sum(prod(t) for t in found), over)
    before: Any = divided(plus(*(times(*map(shown, t)) for t in found)), over)
    if not found or len(found) == 1 == len(found[0]) and over == 1:
        before = None
    elif linked(before, value) is None:  # decimals that cancel leave a rest: fractions
        before = divided(plus(*(times(*map(Num, t)) for t in found)), over)
    if before is None and formula is None:
        return 0, Step(rule, None, 0, of)
    return value, Step(rule, before, value, of, formula if spell or before is None else None)


def exact(number: Any, over: int = 1) -> Any:
    """number/over, an int where it comes out even."""
    if isinstance(number, float):
        rounded = number / over
        return int(rounded) if rounded.is_integer() and abs(rounded) < 10**9 else rounded
    from fractions import Fraction

    found = Fraction(number) / over
    return found.numerator if found.denominator == 1 else found


def divided(e: Any, over: int) -> Any:
    if over == 1:
        return e
    return e / Num(over) if isinstance(e, Expr) else exact(e, over)


def partial(sym: Expr) -> Expr:
    """∂L/∂x_12, to the left of a line."""
    return Partial(L, sym)


def worked(title: str, steps: Sequence[Step], most: int = WRITTEN) -> Step:
    """Lines under their title; too many are counted."""
    if len(steps) <= most and not any(long(s) for s in steps):
        return Step(title, substeps=tuple(steps))
    return Step(f"{title} ({len(steps)} entries, not written out)")


def long(step: Step) -> bool:
    parts = (step.formula, step.before, step.after)
    return any(isinstance(p, Add) and len(p.args) > TERMS for p in parts)


# -- proof -----------------------------------------------------------------------------


def seeded(*arrays: Entries, count: int = 3, seed: int = 11) -> list[dict[str, Any]]:
    """Values for the letters of all arrays: those given, else seeded whole numbers."""
    random = Random(seed)
    if all(a.values is not None for a in arrays):
        count = 1
    found: list[dict[str, Any]] = []
    for _ in range(count):
        env = {}
        for a in arrays:
            for i in a:
                drawn = random.choice((-1, 1)) * random.randint(2, 97)
                env[a.sym(i).name] = drawn if a.values is None else a.values[i]
        found.append(env)
    return found


def derived(
    loss: Sequence[Expr], found: Mapping[Sym, Any], points: Sequence[Mapping[str, Any]]
) -> bool:
    """Whether each value is SymPy's derivative of the loss, a sum of these terms, by its
    letter, at the points; terms without the letter are left out."""
    from solver.expressions.algebra import derivative

    holding: dict[Sym, list[Expr]] = {sym: [] for sym in found}
    for term in loss:
        for sym in letters(term):
            if sym in holding:
                holding[sym].append(term)
    for sym, value in found.items():
        slope = derivative(plus(*holding[sym]), sym)
        if not all(alike(evaluate(slope, p), evaluate(value, p)) for p in points):
            return False
    return True


def alike(a: Any, b: Any) -> bool:
    """Equal; to rounding where one of them is a decimal."""
    if isinstance(a, float) or isinstance(b, float):
        return near(float(a), float(b), 1e-9)
    return bool(a == b)


def at(value: Any, point: Mapping[str, Any]) -> Any:
    """Nested values with numbers put for their letters."""
    if isinstance(value, (tuple, list)):
        return [at(v, point) for v in value]
    return evaluate(value, point)


def all_alike(a: Any, b: Any, tolerance: float = 1e-9) -> bool:
    """Whether nested values are equal, entry by entry; decimals to rounding."""
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(all_alike(x, y, tolerance) for x, y in zip(a, b))
    if not isinstance(a, float) and not isinstance(b, float):
        return bool(a == b)
    return near(float(a), float(b), tolerance)


# -- formulas --------------------------------------------------------------------------


def replaced(e: Any, nodes: Mapping[Expr, Any]) -> Any:
    """The tree with these parts of it (letters, σ², ∂L/∂μ) replaced by trees."""
    if not isinstance(e, Expr):
        return e
    if e in nodes:
        return nodes[e]
    if isinstance(e, (Num, Sym, Partial)):
        return e
    return e.with_args(tuple(replaced(a, nodes) for a in e.args))


def filled(
    of: Any, formula: Expr, nodes: Mapping[Expr, Any], rule: str = "", spell: bool = True
) -> tuple[Any, Step]:
    """A formula worked: its exact value and the line `of = formula = numbers = value`.

    Parts that are not among the nodes stay letters; then the value is a tree.
    """
    exactly = replaced(formula, {k: tree(v) for k, v in nodes.items()})
    if letters(exactly):
        value = tidy(replaced(formula, {k: tree(v) if isinstance(v, Expr) else shown(v)
                                        for k, v in nodes.items()}))  # fmt: skip
        return value, Step(rule, None, value, of, formula if spell else None)
    value = exact(settled(exactly))
    before = linked(replaced(formula, {k: shown(v) for k, v in nodes.items()}), value)
    spell = spell or before is None
    return value, Step(rule, before, value, of, formula if spell else None)


def settled(e: Expr) -> Any:
    """The tree's value; a sum of decimals that cancel to rounding is 0."""
    if isinstance(e, Add):
        terms = [settled(a) for a in e.args]
        found = sum(terms)
        cancelled = isinstance(found, float) and abs(found) <= 1e-13 * sum(map(abs, terms))
        return 0 if cancelled else found
    if isinstance(e, (Mul, Neg, Div)):
        return evaluate(e.with_args(tuple(Num(settled(a)) for a in e.args)))
    return evaluate(e)


def linked(before: Expr, value: Any) -> Expr | None:
    """The tree, if it has this value; None where they agree to rounding only, as decimals
    that cancel do. Raises CheckFailed."""
    if same(before, value) is True:
        return before
    if near(float(evaluate(before)), float(value), 1e-9):
        return None
    raise CheckFailed(f"{before} is not {value}")
