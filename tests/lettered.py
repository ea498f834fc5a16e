"""What tests about letters share: a condition read back, and random trees."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import strategies as st

from solver.core import BadInput
from solver.expressions.nodes import (
    Add,
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Sym,
    evaluate,
)
from solver.expressions.parse import parse

LETTERS = ("H", "W", "C", "n", "k_1")
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "≥": lambda a, b: a >= b,
    "≤": lambda a, b: a <= b,
    "=": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "divides": lambda a, b: b % a == 0,
}


def several(text: str) -> list[str]:
    """What commas outside brackets separate."""
    pieces, depth = [""], 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == "," and not depth:
            pieces.append("")
        else:
            pieces[-1] += c
    return pieces


def holds(condition: str, env: Mapping[str, int]) -> bool:
    """Whether the condition that an answer states is met at these numbers."""
    for clause in filter(None, condition.split(" and ")):
        (sign,) = [s for s in SIGNS if f" {s} " in clause]
        left, _, right = clause.partition(f" {sign} ")
        for a in several(left):
            for b in several(right):
                if not SIGNS[sign](evaluate(parse(a), env), evaluate(parse(b), env)):
                    return False
    return True


def numbers() -> st.SearchStrategy[Expr]:
    whole = st.integers(-12, 12)
    return st.builds(Num, whole | st.builds(Fraction, whole, st.sampled_from([2, 3, 7])))


def trees(letters: tuple[str, ...] = LETTERS) -> st.SearchStrategy[Expr]:
    """Random trees of every node; the children of sums and products are 2 or 3."""
    leaves = numbers() | st.builds(Sym, st.sampled_from(letters))

    def grown(children: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        some = st.lists(children, min_size=2, max_size=3)
        return st.one_of(
            some.map(lambda a: Add(*a)),
            some.map(lambda a: Mul(*a)),
            st.builds(Div, children, children),
            st.builds(Neg, children),
            st.builds(Pow, children, st.integers(0, 3).map(Num)),
            st.builds(lambda f, a: Call(f, a), st.sampled_from(["floor", "ceil", "abs"]), children),
            some.map(lambda a: Call("min", *a)),
            some.map(lambda a: Call("max", *a)),
        )

    return st.recursive(leaves, grown, max_leaves=9)


def value_at(tree: Any, env: Mapping[str, Any]) -> Any:
    """The number that a tree stands for; None where it divides by zero or grows too large."""
    try:
        return evaluate(tree, env)
    except (ZeroDivisionError, OverflowError):
        return None


def refused(act: Callable[[], Any], *words: str, seconds: float = 1.0) -> None:
    """`act` raises BadInput, within this time, and its message holds these words."""

    def too_long(*_: Any) -> None:
        raise TimeoutError(f"still at it after {10 * seconds:.0f} seconds")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, 10 * seconds)
    start = time.process_time()
    try:
        with pytest.raises(BadInput) as error:
            act()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.process_time() - start < seconds
    for word in words:
        assert word in str(error.value)


def answered_or_refused(act: Callable[[], Any], seconds: float = 1.0) -> Any:
    """The answer, or None for a BadInput; nothing else is raised, and it takes no longer."""
    start = time.process_time()
    try:
        found = act()
    except BadInput:
        found = None
    assert time.process_time() - start < seconds
    return found


# Text that comes from outside at its worst.
HOSTILE = {
    "import": "__import__('os').system('true')",
    "lambda": "(lambda: 1)()",
    "attribute": "().__class__.__bases__",
    "format": "{0.__class__}",
    "nul": "H\x00",
    "right-to-left": "H\u202e + 1",
    "isolate": "\u2066H",
    "zero-width": "H\u200b+1",
    "surrogate": "\udcff",
    "emoji": "🙂",
    "arabic digits": "٣",
    "full-width digits": "３",
    "10,000 brackets": "(" * 10_000,
    "10,000 closed brackets": "(" * 10_000 + "1" + ")" * 10_000,
    "10,000 minus signs": "-" * 10_000 + "1",
    "10,000 digits": "9" * 10_000,
    "a megabyte of letters": "a" * 1_000_000,
    "a megabyte of x": "x" * 1_000_000,
    "a megabyte of spaces": "3" + " " * 1_000_000 + "3",
    "a megabyte of commas": "," * 1_000_000,
    "a megabyte of newlines": "\n" * 1_000_000 + "!",
    "a megabyte of sums": "1+" * 500_000 + "1",
    "a tower of powers": "9^9^9^9",
    "ten to the ten to the ten": "10^10^10",
    "a tower of powers in a letter": "n^9^9^9^9",
    "a long tower": "^".join("9" * 50),
    "stars": "2**2**2**2**2**2",
    "superscripts": "9⁹⁹⁹⁹⁹⁹⁹⁹",
    "division by zero": "1/0",
    "division by nothing": "H/(2 - 2)",
    "floor of infinity": "floor(1/0)",
    "many divisions": "1" + "/1" * 900,
    "nan": "nan",
    "infinity": "inf",
    "exponent": "1e400",
    "hexadecimal": "0x7fffffff",
    "semicolons": ";;;;",
    "markup": "<script>alert(1)</script>",
    "tex": r"\input{/etc/passwd}",
    "null": "",
}
