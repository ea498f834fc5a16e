"""Formulas: a tree in the textbook's letters, put to work on numbers or on other letters.

`SIZE.at(n=32, p=1, k=3, s=2)` gives a Work: the formula specialised to the case (what is
0 or 1 drops out), the same with the numbers in it, and its value. `settle` is the one
place where a tree becomes a value: arithmetic if it holds numbers only, SymPy if letters.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from solver.core import BadInput
from solver.expressions.nodes import (
    Call,
    Expr,
    Num,
    Size,
    Sym,
    evaluate,
    letters,
    subs,
    tidy,
    tree,
    walk,
)
from solver.expressions.parse import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ROUNDING = 1e-15  # of the largest number of a line, about that of a few float operations

# What the textbook's letters mean: feeds the "where …" line of every rendering.
GLOSSARY = {
    "n": "input size along the axis",
    "n_in": "inputs of the layer",
    "n_out": "outputs of the layer",
    "k": "kernel size",
    "p": "padding on each side",
    "s": "stride",
    "d": "dilation",
    "q": "output padding",
    "g": "groups",
    "N": "images in the batch",
    "C": "channels",
    "H": "height",
    "W": "width",
    "D": "depth",
    "L": "length",
    "C_in": "input channels",
    "C_out": "output channels",
    "H_out": "output height",
    "W_out": "output width",
    "D_out": "output depth",
    "L_out": "output length",
    "r": "receptive field",
    "j": "jump, the distance between neighbouring outputs in input pixels",
}

# The same for real letters, by the name before the index: z_j is a score.
REAL = {
    "y": "label",
    "yhat": "prediction",
    "z": "score",
    "s": "score of a class",
    "w": "weight",
    "x": "input",
    "g": "gradient ∂L/∂w",
    "alpha": "learning rate",
    "eta": "learning rate",
    "lambda": "strength of the penalty",
    "mu": "momentum",
    "t": "number of the step",
    "epsilon": "small number against division by 0",
}


def meaning(letter: Sym) -> str:
    """What a letter means, or nothing."""
    if letter.kind in ("size", "count"):
        return GLOSSARY.get(letter.name, "")
    return REAL.get(letter.name.partition("_")[0], "")


LONGEST = 150  # nodes of one size's tree; a minimum of minima doubles with each layer
LARGE = 10**30  # beyond it sizes and fields are no longer about images

NEUTRAL = {
    "p": 0,
    "q": 0,
    "s": 1,
    "d": 1,
    "g": 1,
}  # values at which a letter is not written


@dataclass(frozen=True, eq=False, repr=False)
class Work:
    """One worked line: `formula` in letters, `tree` with the given put in, its `value`."""

    formula: Expr
    tree: Expr
    value: Size


class Formula:
    """A named size or count, written once in letters."""

    def __init__(self, text: str):
        self.text = text  # parsed at the first use: most queries need one formula only

    def at(self, **given: Size) -> Work:
        """The formula at these values; a padding of 0 or a stride of 1 drops out of it."""
        return _at(self.text, tuple(sorted(given.items())))


@lru_cache(maxsize=4096)
def _at(text: str, given: tuple[tuple[str, Size], ...]) -> Work:
    env = dict(given)
    plain = {name: v for name, v in env.items() if NEUTRAL.get(name) == v}
    formula = tidy(subs(parse(text), plain))
    filled = subs(formula, env)
    for i, node in enumerate(walk(filled)):
        if i == LONGEST:
            raise BadInput(
                "the sizes grow too long in letters: give numbers for some of them"
            )
        if isinstance(node, Num) and node.value > LARGE:
            raise BadInput(f"the sizes grow beyond {LARGE:,}")
    return Work(formula, filled, settle(filled))


def settle(x: Any) -> Any:
    """The value of a tree: an exact number, or the simplified tree if letters remain.

    Nested shapes are settled entry by entry.
    """
    if isinstance(x, tuple):
        return tuple(settle(v) for v in x)
    if not isinstance(x, Expr) or isinstance(x, Sym):
        return x
    try:
        found = evaluate(x, {})
        return found.numerator if getattr(found, "denominator", 0) == 1 else found
    except KeyError:  # a letter has no value: SymPy's turn
        pass
    from solver.expressions.algebra import simplify

    simple = simplify(x)
    return simple.value if isinstance(simple, Num) else simple


def at_numbers(x: Any, env: Mapping[str, Any]) -> Any:
    """A size or nested shape with every letter given a number."""
    if isinstance(x, (tuple, list)):
        return tuple(at_numbers(v, env) for v in x)
    return evaluate(x, env) if isinstance(x, Expr) else x


def rename(formula: Expr, **names: str) -> Expr:
    """The formula with letters called otherwise: n becomes H on the height's line."""
    return subs(formula, {old: Sym(new) for old, new in names.items()})


def same_size(a: Any, b: Any) -> bool:
    """Whether two sizes are equal: as numbers, or as trees for all values of the letters."""
    if isinstance(a, (tuple, list)) or isinstance(b, (tuple, list)):
        return (
            isinstance(a, (tuple, list))
            and isinstance(b, (tuple, list))
            and len(a) == len(b)
            and all(same_size(x, y) for x, y in zip(a, b))
        )
    if not isinstance(a, Expr) and not isinstance(b, Expr):
        return bool(a == b)
    if a == b:
        return True
    if not letters(a, b):
        left, right = evaluate(a), evaluate(b)
        if isinstance(left, float) or isinstance(right, float):
            off = abs(left - right)
            near = off <= 1e-9 * max(abs(left), abs(right))
            return bool(near or off <= ROUNDING * largest(a, b))
        return bool(left == right)
    return agree(tree(a), tree(b))


def largest(*trees: Any) -> float:
    """The largest number met on the way to the values of trees without letters: a
    difference, 0.7 − 0.1·7, is known to the rounding of what it is taken of."""
    met = [0.0]
    for node in (n for t in trees for n in walk(tree(t))):
        with suppress(ArithmeticError, ValueError, TypeError, KeyError):
            met.append(abs(float(evaluate(node))))
    return max(met)


def agree(a: Expr, b: Expr) -> bool:
    """Whether two trees take the same value at seeded numbers put for their letters."""
    from solver.expressions import points

    if points.is_real(a, b):
        return points.agree(a, b)
    met, names = 0, letters(a, b)
    tried = samples(names)
    if any(isinstance(node, Call) for tree_ in (a, b) for node in walk(tree_)):
        tried += walks(
            names
        )  # ⌊(H + 1)/7⌋ and ⌊H/7⌋ differ at every seventh number only
    for env in tried:
        try:
            if evaluate(a, env) != evaluate(b, env):
                return False
        except ZeroDivisionError:
            continue
        met += 1
    return met > 0


def walks(names: tuple[Sym, ...], upto: int = 32) -> list[dict[str, int]]:
    """Each letter going through the first numbers, the others staying; then all are large."""
    found = [
        {**env, name.name: i}
        for name, env in zip(names, samples(names, len(names), 1))
        for i in range(0 if name.kind == "count" else 1, upto)
    ]
    return [*found, {name.name: 10**6 + i for i, name in enumerate(names)}]


def samples(
    names: tuple[Sym, ...], count: int = 12, seed: int = 0
) -> list[dict[str, int]]:
    """Seeded numbers for letters: small ones first, then large and distinct."""
    from random import Random

    random = Random(seed)
    found = []
    for i in range(count):
        low, high = (1, 12) if i % 3 == 0 else (7, 99) if i % 3 == 1 else (100, 999)
        if all(n.kind == "count" for n in names):
            low = 0
        found.append({n.name: random.randint(low, high) for n in names})
    return found
