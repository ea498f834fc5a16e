"""What a layer needs of the sizes it is given: relations, each with the words of a refusal.

A layer yields each need once (`Layer.requires`). Of numbers, one that is not met is the
BadInput; of letters, it becomes part of the condition under which an answer holds.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

from solver.expressions.nodes import Call, Size, tree
from solver.networks.layers import show_shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SIGNS: dict[str, Any] = {
    "=": operator.eq,
    "≥": operator.ge,
    "≤": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "divides": lambda part, whole: whole % part == 0,
}


class Need:
    """left sign right must hold, such as (H, "≥", 3) or (g, "divides", C).

    `words` says what is wrong if it does not; its holes are {left}, {right}, and what else
    is told. They are filled only then: trees are slow to print.
    """

    __slots__ = ("left", "sign", "right", "words", "told")

    def __init__(self, left: Size, sign: str, right: Size, words: str, *told: Any):
        self.left, self.sign, self.right = left, sign, right
        self.words, self.told = words, told

    @property
    def unmet(self) -> bool:
        """Whether it is known not to hold; where there are letters nothing is known."""
        a, b = self.left, self.right
        return isinstance(a, int) and isinstance(b, int) and not SIGNS[self.sign](a, b)

    def __str__(self) -> str:
        told = (show_shape(x) if isinstance(x, tuple) else x for x in self.told)
        return self.words.format(*told, left=self.left, right=self.right)


def divides(part: Size, whole: Size, what: str, of: str) -> Need:
    """That `part` divides `whole`, the words showing what is left over."""
    words = f"{of} {{right}} cannot be divided by {what} {{left}}"
    if isinstance(part, int) and isinstance(whole, int):
        words += ": {right} = {}·{left} + {}"
        return Need(part, "divides", whole, words, whole // part, whole % part)
    return Need(part, "divides", whole, words)


def fit(n: Size, k: Size, p: Size, d: Size, axis: str) -> Need:
    """That a kernel is no larger than the input with p zeros on both sides together."""
    words, told = "kernel {}", [k]
    if d != 1:
        words += " with dilation {} reaches over {left} and"
        told.append(d)
    words += " does not fit: the input is {} along {}"
    words += ", {right} with its padding" if p != 0 else ""
    words += "; use a smaller kernel or more padding"
    return Need(reach(k, d), "≤", n if p == 0 else n + p, words, *told, n, axis)


def reach(k: Size, d: Size) -> Size:
    """How many positions a kernel covers from its first tap to its last."""
    return k if d == 1 else d * (k - 1) + 1


def greater(a: Size, b: Size) -> Size:
    """The greater of two sizes, each at least 1."""
    if a == 1 or b == 1 or a == b:
        return b if a == 1 else a
    both = isinstance(a, int) and isinstance(b, int)
    return max(a, b) if both else Call("max", tree(a), tree(b))


def aligned(*shapes: tuple[Size, ...]) -> Iterator[Need]:
    """That shapes agree under NumPy's rule: aligned at the end, 1 stretches."""
    listed = " and ".join("{}" for _ in shapes)
    words = f"{listed} cannot be added: sizes {{left}} and {{right}} differ and neither is 1"
    for i in range(max(map(len, shapes), default=0), 0, -1):
        sizes = [s[-i] for s in shapes if len(s) >= i and s[-i] != 1]
        for other in sizes[1:]:
            yield Need(sizes[0], "=", other, words, *shapes)
