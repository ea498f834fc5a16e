"""Relations compared along lines through the space of their letters."""

from __future__ import annotations

import math
from fractions import Fraction

from solver.answers.agreement import (
    Finding,
    attempted,
)
from solver.answers.given import CONSTANTS
from solver.answers.regions import NotReal, choices, free_choices
from solver.expressions.arrays import (
    Array,
)
from solver.expressions.fields import FLOATS, Undefined
from solver.expressions.nodes import (
    Add,
    Call,
    Expr,
    Neg,
    Num,
    Sym,
    walk,
)
from solver.expressions.worlds import Letters, World
from solver.expressions.written import (
    Choice,
    Group,
    Logic,
    Relation,
    SetOp,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


LINES, GRID, WIDE, STOPS = 3, 24, 44, 24


def as_logic(e: Expr) -> Expr:
    """± as or, x ∈ {…} as relations, a comma between relations as and."""
    if any(isinstance(n, Choice) for n in walk(e)):
        parts = [as_logic(c) for c in free_choices(e)]
        return Logic("or", *parts)
    if (
        isinstance(e, Group)
        and not e.fences
        and all(isinstance(x, Relation) for x in e.items)
    ):
        return Logic("and", *map(as_logic, e.items))
    if isinstance(e, Logic):
        return Logic(e.args[0], *map(as_logic, e.args[1:]))
    if isinstance(e, Relation) and "∈" in e.signs:
        if len(e.members) != 2:
            raise NotReal("no membership")
        return belongs(e.members[0], e.members[1])
    return e


def belongs(subject: Expr, e: Expr) -> Expr:
    """The subject's being in a set, as relations."""
    if isinstance(e, SetOp):
        a, b = belongs(subject, e.args[1]), belongs(subject, e.args[2])
        if e.args[0] == "∖":
            return Logic("and", a, Logic("not", b))
        return Logic("or" if e.args[0] == "∪" else "and", a, b)
    if isinstance(e, Sym) and e.name == "R":
        return Relation(("=",), subject, subject)
    if not isinstance(e, Group):
        raise NotReal("no set")
    if e.fences == "{}":
        found = [
            Relation(("=",), subject, x) for item in e.items for x in choices(item)
        ]
        return (
            Logic("or", *found)
            if found
            else Logic("not", Relation(("=",), subject, subject))
        )
    if len(e.items) != 2:
        raise NotReal("no interval")
    low, high = e.items
    first = Relation(("<" if e.fences[0] == "(" else "≤",), low, subject)
    last = Relation(("<" if e.fences[1] == ")" else "≤",), subject, high)
    return Logic("and", first, last)


def boundaries(e: Expr) -> list[Expr]:
    """What is 0 where a relation of the tree may change."""
    return [
        Add(a, Neg(b))
        for n in walk(e)
        if isinstance(n, Relation)
        for a, b in zip(n.members, n.members[1:])
    ] + [
        n.args[1]
        for n in walk(e)
        if isinstance(n, Call) and n.args[0] in ("abs", "sign")
    ]


def variables(*trees: Expr) -> list[str]:
    found = {
        n.args[0]
        for t in trees
        for n in walk(t)
        if isinstance(n, Sym) and n.args[0] not in CONSTANTS
    }
    return sorted(found)


def along(
    key: Expr, given: Expr, letters: Letters, names: list[str], infinite: bool
) -> Finding:
    """Both along lines: at each place where one of them may change, and in between."""
    edges = boundaries(key) + boundaries(given)
    held = tried = 0
    for line in range(1 if len(names) == 1 else LINES):
        place = line_through(letters, names, line)
        found = crossings(edges, place, len(names) == 1)
        stops = sorted(found)
        between = [(a + b) / 2 for a, b in zip(stops, stops[1:])]
        ends = [stops[0] - 3.1, stops[-1] + 3.3] if stops else [-1.7, 0.3, 2.9]
        infinities = [math.inf, -math.inf] if infinite and len(names) == 1 else []
        positive = len(names) == 1 and "positive" in letters.kinds.get(names[0], "")
        for t in [*stops, *between, *ends, *infinities]:
            if positive and t <= 0:
                continue
            a, b = attempted(key, place(t)), attempted(given, place(t))
            if not isinstance(a, bool) or not isinstance(b, bool):
                if isinstance(a, bool) and a and isinstance(b, Undefined):
                    return Finding(False)
                continue
            tried += 1
            held += a
            if a != b:
                return Finding(False, "", round(t, 6))
    if tried < 3 or not held and only_equations(key):
        return Finding(None, "It cannot be decided at the points tried.")
    return Finding(True)


def only_equations(e: Expr) -> bool:
    return all(n.signs == ("=",) for n in walk(e) if isinstance(n, Relation))


def line_through(letters: Letters, names: list[str], line: int) -> Any:
    """t to the world where the letters stand on a line; one letter alone is t itself."""
    base = World(letters, 100 + line)
    start, way = {}, {}
    for name in names:
        r = base.random("line", name)
        if "positive" in letters.kinds.get(name, "") and len(names) > 1:
            start[name], way[name] = r.uniform(0.4, 2.5), 0.0  # it stays in its domain
            continue
        start[name] = 0.0 if len(names) == 1 else r.uniform(-2, 2)
        way[name] = 1.0 if len(names) == 1 else r.uniform(0.3, 1.5) * r.choice((1, -1))

    here = World(letters, 100 + line, FLOATS, "real")

    def place(t: float) -> World:
        here.steps = 0
        here.found.update({n: start[n] + t * way[n] for n in names})
        return here

    return place


def crossings(edges: list[Expr], place: Any, alone: bool) -> list[float]:
    """Where the edges are 0 along a line."""
    many = WIDE if alone else GRID  # to ±11 for one letter, ±6 along other lines
    grid = [(-1) ** s * (i / 4 + 0.0173) for i in range(many) for s in (0, 1)]
    for n in {n for e in edges for n in walk(e) if isinstance(n, Num)}:
        grid += [float(n.value) * 1.01 + 0.013, float(n.value) * 0.99 - 0.017,
                 -float(n.value) * 1.01 - 0.013]  # fmt: skip
    if alone:
        grid += [s * 10 ** (k / 2) * 1.37 for k in range(3, 14) for s in (1, -1)]
        grid += [s * 10 ** (-k / 2) * 1.13 for k in range(2, 10) for s in (1, -1)]
    grid.sort()
    found: list[float] = []
    for edge in dict.fromkeys(edges):

        def f(t: float, edge: Expr = edge) -> float | None:
            v = attempted(edge, place(t))
            return (
                None if isinstance(v, (Exception, Array, complex, bool)) else float(v)
            )

        values = [(t, f(t)) for t in grid]
        for (a, x), (b, y), after in zip(values, values[1:], [*values[2:], (0, None)]):
            if x in (math.inf, -math.inf) or y in (math.inf, -math.inf):
                continue
            if x is None or y is None:
                if (x is None) != (y is None):
                    found.append(edge_of_domain(f, a, b, x is not None))
                continue
            if x == 0:
                found.append(a)
            elif x * y < 0:
                found.append(root(f, a, b))
            z = after[1]
            if z is not None and x * z > 0 and abs(y) < abs(x) and abs(y) <= abs(z):
                low = lowest(f, a, after[0])
                if low is not None:
                    found.append(low)
    if len(found) > STOPS:  # flat stretches: some of them stand for all
        found = sorted(found)[:: len(found) // STOPS + 1]
    return merged_points([snapped(t, edges, place) for t in found])


def edge_of_domain(f: Any, a: float, b: float, left: bool) -> float:
    """Where values begin or end between two places; the last place that has one."""
    for _ in range(44):
        m = (a + b) / 2
        if (f(m) is not None) == left:
            a = m
        else:
            b = m
    return a if left else b


def root(f: Any, a: float, b: float) -> float:
    """A zero between two places of opposite sign."""
    x = f(a)
    for _ in range(80):
        m = (a + b) / 2
        y = f(m)
        if y is None or y == 0 or m in (a, b):
            return m
        if x * y < 0:
            b = m
        else:
            a, x = m, y
    return (a + b) / 2


def lowest(f: Any, a: float, b: float) -> float | None:
    """A double zero between two places, where |f| dips to nothing."""
    g = 0.6180339887
    for _ in range(80):
        c, d = b - g * (b - a), a + g * (b - a)
        x, y = f(c), f(d)
        if x is None or y is None:
            return None
        if abs(x) < abs(y):
            b = d
        else:
            a = c
    m = (a + b) / 2
    v = f(m)
    nearest = Fraction(m).limit_denominator(1000)
    w = f(float(nearest))
    if w == 0:
        return float(nearest)
    return m if v is not None and abs(v) < 1e-12 else None


def snapped(t: float, edges: list[Expr], place: Any) -> float:
    """The simple fraction that a zero is, where it is one."""
    near = float(Fraction(t).limit_denominator(720))
    if abs(near - t) > 1e-6 * max(1, abs(t)):
        return t
    for edge in edges:
        v = attempted(edge, place(near))
        if not isinstance(v, (Exception, Array, complex, bool)) and abs(v) < 1e-12:
            return near
    return t


def merged_points(points: list[float]) -> list[float]:
    found: list[float] = []
    for p in sorted(points):
        if not found or p - found[-1] > 1e-8 * max(1, abs(p)):
            found.append(p)
    return found
