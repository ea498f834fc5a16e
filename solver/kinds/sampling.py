"""Proof by numbers: what holds in letters is tried at seeded numbers and counted there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace

from solver.core import BadInput, CheckFailed
from solver.expressions.formula import at_numbers
from solver.expressions.nodes import Expr, Sym, evaluate, letters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Small ranges for hyper-parameters; channels in dozens, so that groups divide them.
RANGES = {"k": (1, 7), "s": (1, 4), "p": (0, 3), "d": (1, 3), "g": (1, 4), "q": (0, 1)}
ENOUGH, TRIES = 6, 600


def letters_of(thing: Any) -> tuple[Sym, ...]:
    """The letters in a layer, network, shape or tree."""
    if is_dataclass(thing) and not isinstance(thing, type):
        return letters_of([getattr(thing, f.name) for f in fields(thing)])
    if isinstance(thing, (tuple, list)):
        found = [s for x in thing for s in letters_of(x)]
        return tuple(dict.fromkeys(found))
    return letters(thing)


def numbered(thing: Any, env: dict[str, int]) -> Any:
    """A layer, network or shape with each letter given its number."""
    if isinstance(thing, Expr):
        return evaluate(thing, env)
    if isinstance(thing, (tuple, list)):
        return tuple(numbered(x, env) for x in thing)
    if is_dataclass(thing) and not isinstance(thing, type):
        return replace(thing, **{f.name: numbered(getattr(thing, f.name), env) for f in fields(thing)})  # type: ignore[type-var]
    return thing


def choices(names: tuple[Sym, ...], seed: int = 1) -> Iterator[dict[str, int]]:
    """Seeded numbers for letters, of the size that such a letter usually has."""
    from random import Random

    random = Random(seed)
    for i in range(TRIES):
        env = {}
        for sym in names:
            head = sym.name.split("_")[0]
            low, high = RANGES.get(head, (1, 300))
            n = random.randint(low, high)
            if head == "C":
                n = 12 * random.randint(1, 9)
            elif head == "N":
                n = random.randint(1, 5)
            elif head not in RANGES and i % 2:
                n = random.randint(1, 40)
            env[sym.name] = n
        yield env


def holds_at_numbers(
    value: Any, things: Any, count: Callable[..., Any], enough: int = ENOUGH
) -> bool:
    """Whether value, with numbers put for its letters, equals what count(things) finds.

    Numbers that count refuses with BadInput are passed over; raises CheckFailed if too
    few are accepted to say anything.
    """
    names = letters_of((value, things))
    if not names:
        return bool(at_numbers(value, {}) == count(*things))
    met = 0
    for env in choices(names):
        try:
            counted = count(*numbered(things, env))
        except (BadInput, ZeroDivisionError):
            continue
        if at_numbers(value, env) != counted:
            return False
        met += 1
        if met == enough:
            return True
    if met < 3:
        raise CheckFailed(f"no numbers were found at which {value} could be counted")
    return True
