"""Proof by numbers: what holds in letters is tried at seeded numbers and counted there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from math import gcd

from solver.core import BadInput, CheckFailed
from solver.expressions.formula import at_numbers
from solver.expressions.nodes import Add, Expr, Mul, Num, Sym, evaluate, letters, walk
from solver.networks.needs import SIGNS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Relation = tuple[Any, str, Any]

# Small ranges for hyper-parameters; channels in dozens, so that groups divide them.
RANGES = {"k": (1, 7), "s": (1, 4), "p": (0, 3), "d": (1, 3), "g": (1, 4), "q": (0, 1)}
ENOUGH, TRIES, VAIN = 6, 600, 240


def letters_of(thing: Any) -> tuple[Sym, ...]:
    """The letters in a layer, network, shape or tree."""
    if isinstance(thing, (int, str)) or thing is None:
        return ()
    if isinstance(thing, (tuple, list)):
        found = [s for x in thing for s in letters_of(x)]
        return tuple(dict.fromkeys(found)) if found else ()
    if is_dataclass(thing) and not isinstance(thing, type):
        return letters_of_layer(thing)  # type: ignore[arg-type]
    return letters(thing)


@lru_cache(maxsize=4096)
def letters_of_layer(one: Any) -> tuple[Sym, ...]:
    """The letters in a layer's or network's fields; it never changes."""
    return letters_of([getattr(one, f.name) for f in fields(one)])


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
            n = random.randint(low if sym.kind == "count" else max(low, 1), high)
            if head == "C":
                n = 12 * random.randint(1, 9)
            elif head == "N":
                n = random.randint(1, 5)
            elif head not in RANGES and i % 3:
                n = random.randint(1, 40)
            env[sym.name] = n if head in RANGES else n * many
        yield env


def nudged(env: dict[str, int], relations: Sequence[Relation]) -> dict[str, int]:
    """The numbers moved towards what relations ask: W = 2H, 4 divides H − 1, H ≥ 3."""
    env = dict(env)
    for left, sign, right in relations:
        a, b = (max(int(evaluate(x, env)), 0) for x in (left, right))
        if sign == "=" and isinstance(left, Sym):
            env[left.name] = b
        elif sign == "=" and isinstance(right, Num) and plain(left):
            for sym in letters(left):  # C·H·W = 384: each takes what it can, the last the rest
                rest = b * env[sym.name] // max(int(evaluate(left, env)), 1)
                last = sym == letters(left)[-1]
                env[sym.name] = max(rest if last else gcd(env[sym.name], b), 1)
        elif sign == "divides" and isinstance(right, Num):
            env |= {s.name: gcd(a, b) for s in letters(left)[:1]}
        elif sign == "divides" and a:
            some = letters(right)[:1] if isinstance(right, Add) else letters(right)
            moved = a - b % a if isinstance(right, Add) else (a - 1) * b if b % a else 0
            env |= {s.name: env[s.name] + moved for s in some[:1]}
        elif sign in "≥>" and isinstance(left, Sym):
            env[left.name] = max(a, b + (sign == ">"))
        elif sign == "≤" and isinstance(left, Sym):
            env[left.name] = min(a, b)
    return env


def plain(e: Any) -> bool:
    """Whether this is a product of letters and numbers."""
    return isinstance(e, Mul) and all(isinstance(f, (Sym, Num)) for f in e.args)


def meets(env: dict[str, int], relations: Sequence[Relation]) -> bool:
    """Whether the relations hold at these numbers."""
    try:
        pairs = [(evaluate(a, env), sign, evaluate(b, env)) for a, sign, b in relations]
        return all(SIGNS[sign](a, b) for a, sign, b in pairs)
    except ZeroDivisionError:
        return False


def holds_at_numbers(
    value: Any, things: Any, count: Callable[..., Any], relations: Sequence[Relation] = ()
) -> bool:
    """Whether value, with numbers put for its letters, equals what count(things) finds.

    Only numbers that meet the relations are tried, and there a layer or network (the first
    of the things) must take them: else the condition says too little. Numbers that count
    refuses besides are passed over. BadInput if none is left, CheckFailed if too few are
    left to say anything.
    """
    names = letters_of((value, things))
    if not names:
        return bool(at_numbers(value, {}) == count(*things))
    runs = hasattr(things[0], "rows") or hasattr(things[0], "out")
    met, refused = 0, None
    apart: Relation | None = None  # the relation that no numbers were found for
    for i, env in enumerate(choices(names, sorted(numbers_of(things)))):
        if i == VAIN and not met and refused:
            raise BadInput(f"this fits at none of {VAIN} numbers tried; the last time: {refused}")
        if i == VAIN and not met and apart:
            raise BadInput("none of {} numbers tried meets {} {} {}: give numbers for some of the "
                           "letters".format(VAIN, *apart))  # fmt: skip
        env = nudged(nudged(env, relations), relations)
        if not meets(env, relations):
            apart = next(r for r in reversed(relations) if not meets(env, [r]))
            continue
        put = numbered(things, env)
        if runs and not accepts(put):
            return False
        try:
            counted = count(*put)
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
    if met < 3 and apart:
        raise BadInput("with these letters too few numbers fit to prove an answer: give numbers; "
                       "too few meet {} {} {}".format(*apart))  # fmt: skip
    if met < 3:
        raise CheckFailed(f"no numbers were found at which {value} could be counted")
    return True


def accepts(things: Any) -> bool:
    """Whether the layer or network that comes first takes the rest."""
    first, *rest = things
    try:
        first.rows(*rest) if hasattr(first, "rows") else first.out(*rest)
    except BadInput:
        return False
    return True
