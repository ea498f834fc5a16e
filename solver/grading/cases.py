"""Answers by cases: `x if c = yhat and L > 0; −x if c = y; 0 otherwise`, or LaTeX's cases.

They are compared case by case of their letters: all small values of indices, a loss that
is 0 and one that is not, seeded values of everything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from random import Random

from solver.core import BadInput
from solver.expressions.like import scalar
from solver.expressions.nodes import Expr, Sym, evaluate, letters
from solver.expressions.points import near
from solver.expressions.series import Case, Cases, Rel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST, MOST = 2000, 12
ELSE = re.compile(r"(?:,?\s*(?:if|for|when)?\s*(?:otherwise|else|in all other cases|sonst)\s*)$")
IF = re.compile(r"\s+(?:if|for|when|where|wenn)\s+|\s*&\s*(?:if|for|when)?\s*")
SIGNS = {
    "==": "=", "!=": "≠", r"\neq": "≠", r"\ne": "≠", "<=": "≤", ">=": "≥", r"\leq": "≤",
    r"\geq": "≥", r"\le": "≤", r"\ge": "≥", r"\gt": ">", r"\lt": "<",
}  # fmt: skip
DRESS = re.compile(
    r"\\(?:begin|end)\{cases\}|\\left\\?\{|\\right\.|\$|\\quad|\\[,;:!](?= |\w|$)"
)
RELATION = re.compile(r"\s*([=≠<>≤≥])\s*")


def read_cases(expected: Cases, text: str) -> Cases:
    """The cases of a text, in the letters of the right ones. Raises BadInput."""
    if len(text) > LONGEST:
        raise BadInput(f"the answer has {len(text):,} characters; at most {LONGEST:,}")
    if re.search(r"\[[^\]]*[=<>≤≥≠]", text):
        raise BadInput("write [c = y] as a case: x if c = y; 0 otherwise")
    text = DRESS.sub(" ", text).strip()
    if text[:1] == "{" and text.count("{") - text.count("}") in (0, 1):  # as the key prints it
        text = text[1:].removesuffix("}")
    text = re.sub(r"\\(?:text|mathrm|textrm|mbox)\s*\{([^{}]*)\}", r" \1 ", text)
    for word, sign in SIGNS.items():
        text = re.sub(re.escape(word) + r"(?![A-Za-z])", f" {sign} ", text)
    pieces = [p.strip().strip(",.").strip() for p in re.split(r"\\\\(?:\[\w+\])?|[;\n]+", text)]
    pieces = [p for p in pieces if p]
    if not 1 <= len(pieces) <= MOST:
        raise BadInput(f"expected cases such as x if c = y; 0 otherwise, 1 to {MOST} of them")
    names = {s.name: () for s in letters(expected)}
    return Cases(*(one(p, names) for p in pieces))


def one(piece: str, names: Any) -> Case:
    """`value if condition and condition`, `value otherwise`, or a value alone."""
    last = ELSE.search(piece)
    if last:
        return Case(scalar(piece[: last.start()].strip(" ,&"), names))
    value, *said = IF.split(piece, maxsplit=1)
    if not said:
        return Case(scalar(value, names))
    conditions = re.split(r"\s*(?:,|\band\b|\\land|\\wedge|∧|&&)\s*", said[0])
    return Case(scalar(value, names), *(relation(c, names) for c in conditions if c.strip()))


def relation(text: str, names: Any) -> Rel:
    """`left sign right`."""
    parts = RELATION.split(text.strip())
    if len(parts) != 3:
        raise BadInput(f"expected a condition such as c = y or L > 0, not {text[:40]!r}")
    return Rel(scalar(parts[0], names), parts[1], scalar(parts[2], names))


def same_cases(right: Cases, given: Expr) -> bool:
    """Whether an answer has the right value in every case that can be met."""
    for env in situations(right):
        try:
            wanted = evaluate(right, env)
        except ArithmeticError:
            continue  # between the cases, at a kink
        try:
            if not near(evaluate(given, env), wanted):
                return False
        except (ArithmeticError, KeyError, ValueError, TypeError):
            return False
    return True


def situations(right: Cases) -> Iterator[dict[str, Any]]:
    """Values of the letters: every combination of indices, a loss and none."""
    random = Random(9)
    found = letters(right)
    indices = [s for s in found if s.kind == "integer"]
    for values in product((1, 2, 3), repeat=len(indices)):
        env: dict[str, Any] = {s.name: v for s, v in zip(indices, values)}
        if "y" in env and env.get("yhat") == env["y"]:
            continue  # ŷ is a wrong class
        for loss in (0, 0.7):
            for _ in range(8):
                yield {**env, **{s.name: drawn(s, loss, random) for s in found if s not in indices}}


def drawn(s: Sym, loss: float, random: Random) -> float:
    return loss if s.name == "L" else random.choice((-1, 1)) * random.uniform(0.2, 2)
