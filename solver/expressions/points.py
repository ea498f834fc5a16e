"""Real trees at seeded points: whether two are equal, and derivatives by differences.

Letters are drawn by what is assumed of them ("probability" between 0 and 1, "real" on
both sides of 0, …); where there are series, so are all of a family (z_1, z_2, …).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from solver.expressions.functions import ANALYTIC
from solver.expressions.nodes import Call, Expr, Sym, evaluate, letters, walk
from solver.expressions.series import Cases, Series

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ORDER = ("probability", "real", "positive", "count", "size", "integer")
TERMS, NEAR, STEP = 4, 1e-8, 1e-5
SCALES = (1e-3, 30.0, 1e3, 1e7)  # where two that agree at ordinary points may differ


def is_real(*trees: Any) -> bool:
    """Whether these trees are about real numbers, not sizes."""
    return any(
        isinstance(node, (Series, Cases))
        or isinstance(node, Sym)
        and node.kind in ("real", "probability")
        or isinstance(node, Call)
        and node.name in ANALYTIC
        for tree in trees
        if isinstance(tree, Expr)
        for node in walk(tree)
    )


def points(*trees: Any, count: int = 40, seed: int = 7) -> Iterator[dict[str, Any]]:
    """Seeded values for all letters of the trees, indices and families included."""
    random = Random(seed)
    kinds: dict[str, str] = {}
    for sym in letters(*trees):
        old = kinds.get(sym.name, sym.kind)
        kinds[sym.name] = min(old, sym.kind, key=ORDER.index)
    series = [
        n
        for t in trees
        if isinstance(t, Expr)
        for n in walk(t)
        if isinstance(n, Series)
    ]
    lasts = {s.name for n in series for s in letters(n.args[3])}
    bound = {n.args[2].name for n in series}
    for _ in range(count):
        env: dict[str, Any] = {}
        many = random.randint(2, TERMS)
        for name, kind in kinds.items():
            head, _, tail = name.rpartition("_")
            if name in lasts:
                env[name] = many
            elif name in bound or series and kind == "integer":
                env[name] = random.randint(1, many)
            elif (
                series and head and (tail in bound or len(tail) == 1 and tail.isalpha())
            ):
                for i in range(1, TERMS + 1):
                    env[f"{head}_{i}"] = draw(kind, random)
                env.setdefault(tail, random.randint(1, many))
            else:
                env[name] = draw(kind, random)
        yield env


def draw(kind: str, random: Random) -> Any:
    """A number of this kind."""
    if kind == "probability":
        return random.uniform(0.05, 0.95)
    if kind == "real":
        return random.uniform(-2.5, 2.5)
    if kind == "positive":
        return random.uniform(0.2, 3)
    return random.randint(0 if kind == "count" else 1, 5)


def near(a: Any, b: Any, tolerance: float = NEAR) -> bool:
    """Whether two numbers agree to rounding."""
    return bool(abs(a - b) <= tolerance * max(1, abs(a), abs(b)))


def agree(a: Expr, b: Expr) -> bool:
    """Whether two real trees take the same values at the seeded points."""
    met = 0
    for env in points(a, b):
        try:
            values = evaluate(a, env), evaluate(b, env)
        except (ArithmeticError, ValueError, TypeError):
            continue  # outside the domain, or at a kink
        if not near(*values):
            return False
        met += 1
    return met >= 3


def key(wrt: Sym, env: Mapping[str, Any]) -> str:
    """The name under which a letter's value stands: z_k is z_2 where k = 2."""
    head, _, tail = wrt.name.rpartition("_")
    return (
        f"{head}_{env[tail]}"
        if head and tail in env and wrt.name not in env
        else wrt.name
    )


def slopes_agree(loss: Expr, wrt: Sym, slope: Expr, tied: Any = None) -> bool:
    """Whether slope is ∂loss/∂wrt by central differences, on both sides of every kink.

    `tied` completes a point: letters bound by the others (labels adding up to 1).
    """
    met = 0
    for env in points(loss, slope, wrt):
        env = tied(env) if tied else env
        name = key(wrt, env)
        h = STEP * max(1, abs(env[name]))
        try:
            up = evaluate(loss, {**env, name: env[name] + h})
            down = evaluate(loss, {**env, name: env[name] - h})
            found = evaluate(slope, env)
        except (ArithmeticError, ValueError, TypeError):
            continue
        if not near((up - down) / (2 * h), found, 1e-6):
            return False
        met += 1
    return met >= 3
