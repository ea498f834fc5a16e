"""Points with names and labels, as `knn` and `similarity` are given them.

In TOML a table { A = [1, 0], B = [0, 1] } or a list of rows; on a command line
"A: 1 0; B: 0 1". Coordinates are exact fractions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

from solver.core import BadInput
from solver.expressions.nodes import Expr, Num
from solver.kinds.stepping import shown
from solver.numeric.text import exact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Point = tuple[Fraction, ...]

MOST, LONGEST = 1000, 100  # points, and coordinates of each


def number(raw: Any) -> Fraction:
    """One coordinate, exactly: 3, -0.5, 1/3."""
    if isinstance(raw, (list, tuple)):
        raise BadInput("a coordinate is one number such as 3, -0.5 or 1/3")
    return Fraction(exact(raw))


def num(x: Fraction) -> Expr:
    """A coordinate as it stands in a formula: 3, −0.5, 1/3."""
    return Num(int(x)) if x.denominator == 1 else shown(x)


def whole(x: Fraction) -> Any:
    """A fraction, as an int where it is one."""
    return int(x) if x.denominator == 1 else x


def point(raw: Any) -> Point:
    """A row of coordinates: [0, 3, 0] or "0 3 0"."""
    if isinstance(raw, str):
        raw = raw.strip().strip("()[]").replace(",", " ").split()
    if not isinstance(raw, (list, tuple)) or not 1 <= len(raw) <= LONGEST:
        raise BadInput(f"a point has 1 to {LONGEST} coordinates, as in 0 3 0")
    return tuple(map(number, raw))


def named(raw: Any, stem: str = "obs") -> dict[str, Point]:
    """Points by name; those without get obs1, obs2, … All have as many coordinates."""
    pairs: Sequence[Any]
    if isinstance(raw, str):
        pieces = [p for p in re.split(r"[;\n]", raw) if p.strip()]
        pairs = [p.partition(":")[::2] if ":" in p else ("", p) for p in pieces]
    elif isinstance(raw, Mapping):
        pairs = list(raw.items())
    elif isinstance(raw, (list, tuple)):
        pairs = [("", row) for row in raw]
    else:
        raise BadInput('points are given as "A: 1 0; B: 0 1", or as a table of rows')
    if not 1 <= len(pairs) <= MOST:
        raise BadInput(f"give 1 to {MOST} points, not {len(pairs)}")
    found: dict[str, Point] = {}
    for i, (name, row) in enumerate(pairs, 1):
        name = str(name).strip() or f"{stem}{i}"
        if not re.fullmatch(r"[^\W_][\w .-]{0,30}", name) or name in found:
            raise BadInput(f"{name[:40]!r} is no name of a point, or is given twice")
        found[name] = point(row)
        size = len(next(iter(found.values())))
        if len(found[name]) != size:
            raise BadInput(
                f"{name} has {len(found[name])} coordinates, and the points before it {size}"
            )
    return found


def alongside(raw: Any, points: Mapping[str, Point], what: str) -> Point:
    """A point with as many coordinates as the named ones."""
    found = point(raw)
    size = len(next(iter(points.values())))
    if len(found) != size:
        raise BadInput(f"{what} has {len(found)} coordinates, and the points have {size}")
    return found
