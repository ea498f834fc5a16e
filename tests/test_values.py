"""Value types: each shown, read back, compared; as plain data for JSON."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver import values
from solver.core import BadInput
from solver.expressions.formula import settle
from solver.expressions.nodes import letters
from solver.expressions.parse import parse
from solver.grading.matching import matches
from solver.grading.reading import read
from solver.values import (
    Listing,
    Matrix,
    Options,
    Record,
    Shape,
    Table,
    same,
    show,
    to_json,
)
from tests.lettered import trees

HALF = Fraction(1, 2)
SHOWN = [
    (5, "5", "5"),
    (-5, "−5", "-5"),
    (1234, "1234", "1234"),
    (12345, "12,345", "12{,}345"),
    (138357544, "138,357,544", "138{,}357{,}544"),
    (Fraction(5, 2), "2.5", "2.5"),
    (Fraction(1, 3), "1/3", r"\frac{1}{3}"),
    (Fraction(-29, 2), "−14.5", "-14.5"),
    (Fraction(1, 1234567), "≈ 8.10001·10⁻⁷", None),
    (0.1, "0.1", "0.1"),
    (True, "yes", r"\text{yes}"),
    (False, "no", r"\text{no}"),
    (parse("27C^2 + 5C"), "27C² + 5C", "27{C}^{2} + 5C"),
    (Shape((3, 37, 41)), "3 × 37 × 41", r"3 \times 37 \times 41"),
    (Shape((64, 100352)), "64 × 100352", r"64 \times 100352"),
    (Shape((5, parse("H - 2"))), "5 × (H − 2)", r"5 \times (H - 2)"),
    (Shape(()), "a single number", r"\text{a single number}"),
    (Shape(((5, 3), (2, 3))), "(5, 3) × (2, 3)", None),
    (Listing((1, 2, 3)), "1, 2, 3", r"1,\ 2,\ 3"),
    (Listing((Shape((3, 5)), Shape((7,)))), "3 × 5, 7", None),
    (Listing((Listing((1, 2)), Listing((3, 4)))), "(1, 2), (3, 4)", None),
    (Matrix(((1, -20), (300, 4))), "[  1  −20]\n[300    4]",
     r"\begin{bmatrix} 1 & -20 \\ 300 & 4 \end{bmatrix}"),
    (Matrix(((100000, 1),)), "[100000  1]", None),
    (Record(shape=Shape((6, 28)), params=456), "shape 6 × 28, parameters 456", None),
    (Record(rf=7), "receptive field 7", None),
    (Record(a=Listing((1, 2)), b=3), "a 1, 2; b 3", None),
    (Options((Record(p=1, s=2),), 0), "p = 1, s = 2", None),
    (Options((Record(p=1), Record(p=2)), 1), "p = 1; p = 2 (the usual one)", None),
    (Options((Listing((3, 3)), Listing((5,)))), "3, 3; 5", None),
    (Options(()), "none", r"\text{none}"),
    (Table(((1, 2), (3, 4), (4, 6)), ("a", "b"), 1), "a table of 2 rows", None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text", "tex"), SHOWN, ids=[s[1] for s in SHOWN])
def test_shown(value: Any, text: str, tex: str | None) -> None:
    assert show(value) == text
    if tex is not None:
        assert show(value, "latex") == tex
    ElementTree.fromstring(f"<math>{show(value, 'mathml')}</math>")


# -- shown, read, compared ----------------------------------------------------------------

WHOLE = st.integers(-(10**12), 10**12)
SIZES = st.integers(0, 10**9)
EXACT = st.builds(Fraction, st.integers(-999, 999), st.sampled_from([1, 2, 3, 7, 8, 10, 1000]))
SHAPES = st.lists(SIZES, min_size=1, max_size=5).map(Shape)


def settled(tree: Any) -> Any:
    """A settled tree, as answers hold; 0 where it has no value."""
    try:
        return settle(tree)
    except (BadInput, ZeroDivisionError, OverflowError):
        return 0


LETTERED = trees(("H", "W", "C")).map(settled).filter(lambda t: bool(letters(t)))


def agrees(value: Any) -> bool:
    """Whether what is shown is read as the same value; a decimal to the digits shown."""
    return matches(value, read(value, show(value)))[0] is True


@given(st.one_of(WHOLE, EXACT, st.booleans(), SHAPES))
@settings(max_examples=200)
def test_numbers_and_shapes_are_read_back(value: Any) -> None:
    if isinstance(value, Fraction) and value.denominator == 1:
        value = int(value)
    assert agrees(value)


@given(LETTERED)
@settings(max_examples=60)
def test_trees_are_read_back(value: Any) -> None:
    assert agrees(value)


LETTERED_SHAPES = [
    "C × H × W", "2C × (2H − 1) × (⌊W/2⌋ + 1)", "C_out × (H − k + 2p + 1) × ⌈W/s⌉",
    "5 × H·W",
]  # fmt: skip


@pytest.mark.parametrize("text", LETTERED_SHAPES)
def test_shapes_in_letters_are_read_back(text: str) -> None:
    value = Shape(parse(size) for size in text.split(" × "))
    assert show(value) == text or show(value).replace("(", "").replace(")", "") == (
        text.replace("(", "").replace(")", "")
    )
    assert agrees(value)


ROWS = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.lists(st.integers(-(10**6), 10**6), min_size=n, max_size=n).map(tuple),
                       min_size=1, max_size=4)
)  # fmt: skip


@given(ROWS.map(Matrix))
def test_matrices_are_read_back(value: Any) -> None:
    assert agrees(value)


@given(st.one_of(
    st.lists(st.integers(0, 999), min_size=1, max_size=6).map(Listing),
    st.lists(SHAPES, min_size=1, max_size=4).map(Listing),
))  # fmt: skip
def test_listings_are_read_back(value: Any) -> None:
    assert agrees(value)


NAMES = st.sampled_from(["params", "macs", "rf", "stride", "shape", "total", "bn", "conv1"])


@given(st.dictionaries(NAMES, st.one_of(SIZES, SHAPES), min_size=1, max_size=5).map(Record))
def test_records_are_read_back(value: Any) -> None:
    assert agrees(value)


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=4))
def test_options_are_read_back(pairs: Any) -> None:
    assert agrees(Options(Record(p=p, s=s) for p, s in sorted(pairs)))


# -- comparing ----------------------------------------------------------------------------

SAME = [
    (5, 5, True),
    (5, 6, False),
    (5, Fraction(5), True),
    (HALF, 0.5, True),
    (1, True, False),
    (0, False, False),
    (True, True, True),
    (0.1 + 0.2, 0.3, True),
    (0.1, 0.1001, False),
    (float("nan"), 1.0, False),
    (1.0, "a", False),
    (parse("2H + 2"), parse("2(H + 1)"), True),
    (parse("2H"), parse("H^2"), False),
    (parse("H"), 3, False),
    (parse("H - H + 3"), 3, True),
    (parse("H"), "H", False),
    (parse("H"), Shape((parse("H"),)), False),
    (Shape((3, 37)), Shape((3, 37)), True),
    (Shape((3, 37)), (3, 37), True),
    (Shape((3, 37)), Shape((37, 3)), False),
    (Shape((3, 37)), Shape((3, 37, 41)), False),
    (Shape((3, parse("H"))), Shape((3, parse("1*H"))), True),
    (Matrix(((1, 2), (3, 4))), Matrix(((1, 3), (2, 4))), False),
    (Record(a=1, b=2), Record(b=2, a=1), True),
    (Record(a=1), Record(a=1, b=2), False),
    (Record(a=1), Record(a=2), False),
    (Listing(()), Listing(()), True),
    ("yes", "yes", True),
    (None, None, True),
    (None, 0, False),
]


@pytest.mark.parametrize(("a", "b", "found"), SAME, ids=[f"{s[0]!r}, {s[1]!r}" for s in SAME])
def test_same(a: Any, b: Any, found: bool) -> None:
    assert same(a, b) is found
    assert same(b, a) is found


@given(st.recursive(st.one_of(WHOLE, EXACT, st.booleans()),
                    lambda inner: st.lists(inner, max_size=3).map(Listing), max_leaves=6))  # fmt: skip
def test_every_value_is_itself(value: Any) -> None:
    assert same(value, value) is True
    assert same(Listing([value]), Listing([value, value])) is False


def test_what_cannot_be_said_is_neither() -> None:
    assert values._all([True, None]) is None
    assert values._all([None, False]) is False
    assert values._all([]) is True


# -- plain data ---------------------------------------------------------------------------

PLAIN = [
    (5, 5),
    (True, True),
    (HALF, 0.5),
    (Fraction(1, 3), "1/3"),
    (parse("27C^2"), "27C²"),
    (Shape((3, parse("H"))), [3, "H"]),
    (Matrix(((1, HALF),)), [[1, 0.5]]),
    (Record(a=1, b=Shape((2,))), {"a": 1, "b": [2]}),
    (Options((Record(p=1),), 0), [{"p": 1}]),
    (Table(((1, 2), (3, 4), (4, 6)), ("a", "b"), 1),
     {"columns": ["a", "b"], "rows": [[1, 2], [3, 4]], "totals": [[4, 6]]}),
    (None, None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "plain"), PLAIN, ids=[repr(p[1]) for p in PLAIN])
def test_as_plain_data(value: Any, plain: Any) -> None:
    assert to_json(value) == plain
    assert json.loads(json.dumps(to_json(value))) == plain


@given(st.integers(-(10**30), 10**30))
def test_whole_numbers_stay_exact_in_json(value: int) -> None:
    assert json.loads(json.dumps(to_json(value))) == value
