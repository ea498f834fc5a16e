"""Proof by numbers: what holds in letters is tried at seeded numbers and counted there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace

from solver.core import BadInput, CheckFailed
from solver.expressions.formula import at_numbers
from solver.expressions.nodes import Expr, Num, Sym, evaluate, letters, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Small ranges for hyper-parameters; channels in dozens, so that groups divide them.
RANGES = {"k": (1, 7), "s": (1, 4), "p": (0, 3), "d": (1, 3), "g": (1, 4), "q": (0, 1)}
ENOUGH, TRIES, VAIN = 6, 600, 240


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
        put = {f.name: numbered(getattr(thing, f.name), env) for f in fields(thing)}
        return replace(thing, **put)
    return thing


def numbers_of(thing: Any) -> set[int]:
    """The numbers that stand beside the letters in a layer, network, shape or tree."""
    if isinstance(thing, int):
        return set() if isinstance(thing, bool) or thing < 1 else {thing}
    if is_dataclass(thing) and not isinstance(thing, type):
        return numbers_of([getattr(thing, f.name) for f in fields(thing)])
    if isinstance(thing, (tuple, list)):
        return {n for x in thing for n in numbers_of(x)}
    return numbers_of([n.value for n in walk(thing) if isinstance(n, Num)]
                      if isinstance(thing, Expr) else [])  # fmt: skip


def choices(
    names: tuple[Sym, ...], beside: Sequence[int] = (), seed: int = 1
) -> Iterator[dict[str, int]]:
    """Seeded numbers for letters, of the size that such a letter usually has.

    Every other time some letters take one same number, from those beside them if there are
    any: C meets 64 where it is added to 64 channels.
    """
    from random import Random

    random = Random(seed)
    for i in range(TRIES):
        env = {}
        many = 4 ** random.randint(1, 5) if i % 8 == 6 else 1  # for networks that shrink much
        met = random.choice(beside) if beside and i % 4 else random.randint(1, 40)
        for sym in names:
            if i % 2 and random.random() < 0.5:
                env[sym.name] = met
                continue
            head = sym.name.split("_")[0]
            low, high = RANGES.get(head, (1, 300))
            n = random.randint(low, high)
            if head == "C":
                n = 12 * random.randint(1, 9)
            elif head == "N":
                n = random.randint(1, 5)
            elif head not in RANGES and i % 3:
                n = random.randint(1, 40)
            env[sym.name] = n if head in RANGES else n * many
        yield env


def holds_at_numbers(
    value: Any, things: Any, count: Callable[..., Any], equal: Sequence[Any] = ()
) -> bool:
    """Whether value, with numbers put for its letters, equals what count(things) finds.

    Numbers that count refuses with BadInput are passed over, and those at which pairs that
    must be equal are not; BadInput if none is left, CheckFailed if too few are left to say
    anything.
    """
    names = letters_of((value, things))
    if not names:
        return bool(at_numbers(value, {}) == count(*things))
    met, refused = 0, None
    for i, env in enumerate(choices(names, sorted(numbers_of(things)))):
        if i == VAIN and not met and refused:
            raise BadInput(f"this fits at none of {VAIN} numbers tried; the last time: {refused}")
        apart = [pair for pair in equal if len(set(at_numbers(pair, env))) > 1]
        if apart:
            refused = refused or BadInput(f"{apart[0][0]} and {apart[0][1]} differ")
            continue
        try:
            counted = count(*numbered(things, env))
        except ZeroDivisionError:
            continue
        except BadInput as e:
            refused = e
            continue
        if at_numbers(value, env) != counted:
            return False
        met += 1
        if met == ENOUGH:
            return True
    if met < 3 and refused:
        raise BadInput("with these letters too few numbers fit to prove an answer: give numbers; "
                       f"the last misfit: {refused}")
    if met < 3:
        raise CheckFailed(f"no numbers were found at which {value} could be counted")
    return True
