"""Two statements about letters: equal where they hold at the same places."""

from __future__ import annotations

from solver.answers.agreement import (
    HIDDEN,
    Finding,
    attempted,
    constants_of,
    fifty_digits,
)
from solver.answers.lines import along, as_logic, boundaries, variables
from solver.expressions.arrays import (
    Array,
    ShapeError,
)
from solver.expressions.fields import FLOATS
from solver.expressions.nodes import (
    Call,
    Expr,
    Sym,
    walk,
)
from solver.expressions.worlds import Letters, World
from solver.expressions.written import (
    Branches,
    Index,
    Indicator,
    Relation,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def same_relation(
    key: Expr, given: Expr, kinds: Any = None, dims: Any = None
) -> Finding:
    """Whether two statements about real letters hold at the same places."""
    key, given = as_logic(key), as_logic(given)
    if key == given:
        return Finding(True)
    doubt = strange(key, given)
    if multiples(key, given, kinds, dims):
        return doubted(Finding(True), doubt)
    letters = Letters(kinds, dims, (key, given))
    names = variables(key, given)
    if any(letters.dims.get(n) for n in names):
        return of_matrices(key, given, letters)
    infinite = all(
        any(isinstance(n, Sym) and n.name == "∞" for n in walk(t)) for t in (key, given)
    )
    if not names or any(isinstance(n, Index) for t in (key, given) for n in walk(t)):
        if not names:
            return Finding(None, "There is no letter in it to try.")
        return doubted(along(key, given, letters, names, infinite), doubt)
    if not boundaries(key) or not boundaries(given):
        return truths(key, given, letters)
    if all("integer" in letters.kinds.get(n, "") for n in names):
        return at_integers(key, given, letters, names)
    return doubted(along(key, given, letters, names, infinite), doubt)


def doubted(found: Finding, doubt: str) -> Finding:
    """Agreement along lines, unless something of the answer could hide between them."""
    return Finding(None, doubt) if found.same and doubt else found


def strange(key: Expr, given: Expr) -> str:
    """What of an answer lines cannot settle and the key does not have; or nothing."""
    mine = set(walk(key))
    numbers = [abs(x) for x in constants_of(key) if x] or [1.0]
    for x in map(abs, constants_of(given)):
        near = any(abs(x - y) <= 1e-4 * max(x, y) for y in numbers) and x not in numbers
        if x and (
            near or x > 300 * max(1.0, *numbers) or x < 1e-4 * min(1.0, *numbers)
        ):
            return HIDDEN.format("it has a number that points cannot settle")
    for n in walk(given):
        if n in mine:
            continue
        if isinstance(n, (Indicator, Branches)):
            return HIDDEN.format("it has a condition that the key does not have")
        if isinstance(n, Call) and n.args[0] in (
            "relu",
            "max",
            "min",
            "step",
            "floor",
            "ceil",
        ):
            return HIDDEN.format("it has a kink that the key does not have")
    return ""


def of_matrices(key: Expr, given: Expr, letters: Letters) -> Finding:
    """Equations of columns and matrices: the same up to a factor, or a person decides."""
    if not (isinstance(key, Relation) and isinstance(given, Relation)):
        return Finding(None, "A person has to decide this.")
    a, b = boundaries(key)[0], boundaries(given)[0]
    for seed in range(4):
        x = attempted(a, World(letters, seed))
        y = attempted(b, World(letters, seed))
        if isinstance(y, ShapeError) and not isinstance(x, Exception):
            return Finding(False, f"The sizes do not fit: {y}.")
        if isinstance(x, Exception) or isinstance(y, Exception):
            continue
        u, v = (z.flat() if isinstance(z, Array) else [z] for z in (x, y))
        i = max(range(len(u)), key=lambda k: abs(u[k]))
        if len(u) != len(v) or not u[i]:
            return Finding(None, "A person has to decide this.")
        r = v[i] / u[i]
        if r == 0 or any(
            abs(q - r * p) > 1e-9 * abs(r) * abs(u[i]) for p, q in zip(u, v)
        ):
            return Finding(None, "It is another equation; whether it has the same solutions, a "
                                 "person has to decide.")  # fmt: skip
    return Finding(True)


def at_integers(key: Expr, given: Expr, letters: Letters, names: list[str]) -> Finding:
    """Statements about whole numbers, asked at whole numbers."""
    held = 0
    for n in range(-30, 31) if len(names) == 1 else range(120):
        base = World(letters, 200 + n % 40)
        at = {
            x: n if len(names) == 1 else base.random("at", x, n).randint(-20, 20)
            for x in names
        }
        if any("positive" in letters.kinds[x] and v < 1 for x, v in at.items()) or any(
            "nonnegative" in letters.kinds[x] and v < 0 for x, v in at.items()
        ):
            continue
        a = attempted(key, World(letters, 1, FLOATS, "real", at))
        b = attempted(given, World(letters, 1, FLOATS, "real", at))
        if isinstance(a, bool) and isinstance(b, bool):
            held += 1
            if a != b:
                return Finding(False, "", at)
    return Finding(True) if held > 10 else Finding(None, "It cannot be computed.")


def multiples(key: Expr, given: Expr, kinds: Any, dims: Any) -> bool:
    """Whether two equations say the same up to a factor: 2y = 4x + 2 and y = 2x + 1."""
    if not (isinstance(key, Relation) and isinstance(given, Relation)):
        return False
    if key.signs != ("=",) or given.signs != ("=",):
        return False
    a, b = boundaries(key)[0], boundaries(given)[0]
    letters = Letters(kinds, dims, (key, given))
    ratio = None
    tried = 0
    for seed in range(6):
        x = attempted(a, World(letters, seed, fifty_digits()))
        y = attempted(b, World(letters, seed, fifty_digits()))
        if isinstance(x, (Exception, Array)) or isinstance(y, (Exception, Array)):
            continue
        if x == 0 or y == 0:
            if x != y:
                return False
            continue
        tried += 1
        if ratio is not None and abs(x / y - ratio) > 1e-25 * abs(ratio):
            return False
        ratio = x / y
    return tried >= 3


def truths(key: Expr, given: Expr, letters: Letters) -> Finding:
    """Logic of letters that are true or false."""
    met = 0
    for seed in range(40):
        a, b = (
            attempted(key, World(letters, seed)),
            attempted(given, World(letters, seed)),
        )
        if isinstance(a, bool) and isinstance(b, bool):
            met += 1
            if a != b:
                return Finding(False)
    return Finding(True) if met > 20 else Finding(None, "It cannot be computed.")
