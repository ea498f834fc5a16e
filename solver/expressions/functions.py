"""The functions of analysis on numbers: log, exp, sqrt and their kin; no library."""

from __future__ import annotations

from math import exp, factorial, isqrt, log, tanh
from math import sqrt as root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def sqrt(x: Any) -> Any:
    """The root, exact where it is a whole number or a fraction."""
    if isinstance(x, float) or x < 0:
        return root(x)
    top, bottom = isqrt(x.numerator), isqrt(x.denominator)
    if (top * top, bottom * bottom) != (x.numerator, x.denominator):
        return root(x)
    return top if bottom == 1 else type(x)(top, bottom)


def sigmoid(x: Any) -> float:
    """1/(1 + e^−x), for large |x| too."""
    return 1 / (1 + exp(-x)) if x > -700 else exp(x)


# name -> (fewest arguments, most, definition on numbers), as in nodes.FUNCTIONS
ANALYTIC: dict[str, tuple[int, int, Callable[..., Any]]] = {
    "exp": (1, 1, exp),
    "log": (1, 1, log),
    "sqrt": (1, 1, sqrt),
    "sigmoid": (1, 1, sigmoid),
    "tanh": (1, 1, tanh),
    "step": (1, 1, lambda x: int(x > 0)),
    "sign": (1, 1, lambda x: (x > 0) - (x < 0)),
    "factorial": (1, 1, factorial),
}
