"""A batch by features: how samples are read, and one feature's statistics, exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from solver.core import BadInput
from solver.expressions.nodes import Expr
from solver.kinds.named_points import whole
from solver.numeric.text import shape_of
from solver.values import Listing, Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 400  # numbers of a batch


@dataclass(frozen=True, eq=False, repr=False)
class Feature:
    """One feature: its samples, its γ, β and ε, and what it is normalised by."""

    x: tuple[Any, ...]
    gamma: Any
    beta: Any
    epsilon: Any
    mean: Any
    var: Any

    @property
    def root(self) -> Any:
        """√(σ² + ε): exact where it comes out."""
        return rooted(self.var + self.epsilon)

    def hat(self, x: Any) -> Any:
        """One normalised value."""
        return ratio(x - self.mean, self.root)

    def out(self, x: Any) -> Any:
        """One value scaled and shifted."""
        return plain(self.gamma * self.hat(x) + self.beta)


def rooted(x: Any) -> Any:
    """√x: a fraction if it is one, else a float."""
    x = Fraction(x)
    top, below = math.isqrt(x.numerator), math.isqrt(x.denominator)
    exact = top * top == x.numerator and below * below == x.denominator
    return Fraction(top, below) if exact else math.sqrt(x)


def ratio(x: Any, y: Any) -> Any:
    """x/y, exact where both are; 0 stays exact."""
    if not x:
        return 0
    return plain(Fraction(x) / y) if isinstance(y, Fraction) else float(x) / y


def plain(x: Any) -> Any:
    """An int where it is one; floats stay floats."""
    return x if isinstance(x, float) else whole(Fraction(x))


def statistics_of(values: Sequence[Any]) -> tuple[Any, Any]:
    """Mean and biased variance, exactly."""
    mean = Fraction(sum(values, Fraction(0))) / len(values)
    spread = sum(((v - mean) ** 2 for v in values), Fraction(0)) / len(values)
    return whole(mean), whole(spread)


def spread_for_average(f: Feature, unbiased: bool) -> Any:
    """The batch's variance as the running average takes it."""
    if not unbiased:
        return f.var
    if len(f.x) == 1:
        raise BadInput("one sample has no unbiased variance: it would divide by 0")
    return whole(Fraction(f.var) * len(f.x) / (len(f.x) - 1))


# -- what is given -----------------------------------------------------------------------


def samples(x: Any, per: dict[str, Any]) -> tuple[list[tuple[Any, ...]], Any]:
    """The samples as rows, and how values by feature are shown: as they were given."""
    rows = [x] if not isinstance(x, tuple) else list(x)
    rows = rows if isinstance(rows[0], tuple) else [tuple(rows)]
    widths = {len(r) for r in rows}
    if len(shape_of(tuple(rows))) != 2 or len(widths) != 1:
        raise BadInput("give a batch as rows, a sample each: '1 2; 3 6; 5 10'")
    if len(rows) * len(rows[0]) > MOST:
        raise BadInput(
            f"{len(rows) * len(rows[0]):,} numbers; at most {MOST} are worked"
        )
    if len(rows) > 1:
        return rows, by_columns
    row = rows[0]
    alone = any(
        isinstance(v, tuple) and flat(v) and len(flat(v)) == len(row) > 1
        for v in per.values()
    )
    if alone:
        return rows, lambda each: Listing(
            v[0] if isinstance(v, list) else v for v in each
        )
    return [(v,) for v in row], of_one


def by_columns(each: list[Any]) -> Any:
    """Lists of the features as the rows of a matrix; one number each as a listing."""
    if not isinstance(each[0], list):
        return Listing(each)
    return Matrix(tuple(row) for row in zip(*each))


def of_one(each: list[Any]) -> Any:
    """The single feature's values."""
    return Listing(each[0]) if isinstance(each[0], list) else each[0]


def flat(raw: Any) -> tuple[Any, ...]:
    """The numbers of a row or column."""
    if not isinstance(raw, tuple):
        return (raw,)
    return tuple(v for one in raw for v in flat(one))


def column(name: str, raw: Any, many: int, usual: int) -> tuple[Any, ...]:
    """A number for each feature; one number stands for all of them."""
    found = (usual,) if raw is None else flat(raw)
    if any(isinstance(v, Expr) for v in found):
        raise BadInput(f"{name} is worked on numbers")
    if len(found) not in (1, many):
        raise BadInput(
            f"{name} has {len(found)} entries, and there are {many} features"
        )
    return found * many if len(found) == 1 else found
