"""The update rules on arrays: the trees of `kinds.update_rules`, turned once into functions.

The same assignments that the kinds work out on numbers are carried out here on whole
weights. Constants stay Python's floats, so that float32 stays float32.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.expressions.nodes import (
    Add,
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Sym,
    letters,
)
from solver.kinds import update_rules
from solver.kinds.stepping import Rule
from solver.numeric.plain import Array
from solver.registry import unknown

Env = Mapping[str, Any]
Function = Callable[[Env], Any]
States = dict[str, dict[str, Array]]  # weight -> letter (v, m) -> array

# name -> the rule, with or without decay, and the learning rate where none is given
RULES: dict[str, tuple[Callable[[bool], Rule], float]] = {
    "sgd": (lambda decay: update_rules.sgd(decay), 0.1),
    "momentum": (lambda decay: update_rules.heavy_ball(False, decay), 0.01),
    "nesterov": (lambda decay: update_rules.heavy_ball(True, decay), 0.01),
    "rmsprop": (lambda decay: update_rules.rmsprop(False, decay), 0.001),
    "adam": (lambda decay: update_rules.adam(decay), 0.001),
    "adamw": (lambda decay: update_rules.adam(decay, True), 0.001),
}
OF_STEP = ("w", "g", "t", "alpha")  # letters whose value the training gives


@dataclass(frozen=True, eq=False, repr=False)
class Optimiser:
    """A rule with its constants, its lines as functions."""

    name: str
    zero: tuple[str, ...]
    lines: tuple[tuple[str, Function], ...]
    constants: Mapping[str, float] = field(default_factory=dict)

    def start(self, weights: Mapping[str, Array]) -> States:
        """What the rule remembers, 0 before the first step."""
        return {
            name: {letter: np.zeros_like(w) for letter in self.zero}
            for name, w in weights.items()
        }

    def step(
        self, w: Array, g: Array, state: dict[str, Array], t: int, alpha: float
    ) -> Array:
        """The weight after step t (from 1), a new array; `state` is carried on in place."""
        env: dict[str, Any] = {**self.constants, **state}
        env |= {"w": w, "g": g, "t": t, "alpha": alpha}
        for name, line in self.lines:
            env[name] = line(env)
        for letter in self.zero:
            state[letter] = env[letter]
        return env["w"]


def optimiser(
    name: str, constants: Mapping[str, float] | None = None, decay: float | None = None
) -> Optimiser:
    """The rule of this name; constants and decay not given have the rule's usual values:
    no decay, but for AdamW."""
    if name not in RULES:
        raise unknown("update rule", name, list(RULES))
    rule = RULES[name][0](bool(decay))
    computed = [letter for letter, _, _ in rule.lines]
    free = [
        s.name
        for s in letters([f for _, _, f in rule.lines])
        if s.name not in (*OF_STEP, *rule.zero, *computed)
    ]
    known = {k: float(v) for k, v in rule.defaults.items() if k in free}
    if decay is not None and "lambda" in free:
        known["lambda"] = decay
    for key, value in (constants or {}).items():
        if key not in free:
            others = [n for n in free if n != "lambda"]
            raise unknown(f"constant of {name}", key, others)
        known[key] = admitted(key, float(value))
    lines = tuple((letter, compiled(tree)[0]) for letter, _, tree in rule.lines)
    return Optimiser(name, rule.zero, lines, known)


def admitted(letter: str, value: float) -> float:
    """Shares are from 0 to below 1, ε is above 0."""
    share = letter in ("mu", "beta", "beta1", "beta2")
    if not math.isfinite(value) or value < 0 or (share and value >= 1):
        raise BadInput(
            f"{letter} is from 0 to below 1, not {value:g}"
            if share
            else f"{letter} is a number of 0 or more, not {value:g}"
        )
    return value


# -- trees as functions --------------------------------------------------------------


def compiled(e: Expr) -> tuple[Function, bool]:
    """(the tree as a function of its letters' values, whether its array is a new one).

    A new array is nobody else's: the next operation may write into it.
    """
    if isinstance(e, Num):
        return partial(constant, plain_number(e.value)), False
    if isinstance(e, Sym):
        return operator.itemgetter(e.name), False
    if isinstance(e, Call) and e.name == "sqrt":
        return partial(rooted, compiled(e.args[1])[0]), True
    if isinstance(e, Neg):
        return partial(negated, compiled(e.args[0])[0]), True
    if type(e) in FOLDED:
        return FOLDED[type(e)](e)
    raise TypeError(f"an update rule has no {type(e).__name__}")


def constant(value: Any, env: Env) -> Any:
    return value


def plain_number(x: Any) -> int | float:
    """An int, or a float: a Fraction would turn arrays into arrays of objects."""
    return x if isinstance(x, int) else float(x)


def rooted(inner: Function, env: Env) -> Any:
    x = inner(env)
    return np.sqrt(x) if isinstance(x, np.ndarray) else math.sqrt(x)


def negated(inner: Function, env: Env) -> Any:
    return -inner(env)


def two(apply: Callable[[Any, Any], Any], a: Function, b: Function, env: Env) -> Any:
    """Both sides, then the operation: on a new left side it is done in place."""
    return apply(a(env), b(env))


def summed(e: Expr) -> tuple[Function, bool]:
    """a + b + …; a difference where a term is negated."""
    found, new = compiled(e.args[0])
    for term in e.args[1:]:
        less = isinstance(term, Neg)
        apply = (
            (operator.isub if new else operator.sub)
            if less
            else (operator.iadd if new else operator.add)
        )
        right = compiled(term.args[0] if less else term)[0]
        found, new = partial(two, apply, found, right), True
    return found, new


def multiplied(e: Expr) -> tuple[Function, bool]:
    """a·b·…"""
    found, new = compiled(e.args[0])
    for factor in e.args[1:]:
        apply = operator.imul if new else operator.mul
        found, new = partial(two, apply, found, compiled(factor)[0]), True
    return found, new


def divided(e: Expr) -> tuple[Function, bool]:
    """a/b."""
    (a, new), (b, _) = map(compiled, e.args)
    return partial(two, operator.itruediv if new else operator.truediv, a, b), True


def raised(e: Expr) -> tuple[Function, bool]:
    """a^b."""
    (a, _), (b, _) = map(compiled, e.args)
    return partial(two, operator.pow, a, b), True


FOLDED: dict[type[Expr], Callable[[Expr], tuple[Function, bool]]] = {
    Add: summed,
    Mul: multiplied,
    Div: divided,
    Pow: raised,
}
