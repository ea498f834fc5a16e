"""The expression language: parsed, printed, evaluated, tidied, settled, compared."""

from __future__ import annotations

from fractions import Fraction
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput
from solver.expressions.formula import GLOSSARY, Formula, same_size, settle
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
    is_whole,
    letters,
    plus,
    subs,
    tidy,
    times,
    walk,
)
from solver.expressions.parse import parse
from solver.expressions.show import latex, mathml, text
from solver.networks.conv import SIZE
from tests.lettered import (
    HOSTILE,
    LETTERS,
    answered_or_refused,
    refused,
    trees,
    value_at,
)

H, W = Sym("H"), Sym("W")
ENVS = [
    {name: n * p for name, p in zip(LETTERS, (1, 2, 3, 5, 7))} for n in (1, 2, 7, 13, 101)
]


# -- reading ------------------------------------------------------------------------------

AT = {"H": 37, "W": 41, "n": 10, "p": 1, "k": 3, "C": 5, "s": 2}
READ = [
    ("1 + 2*3", 7, "product before sum"),
    ("(1 + 2)*3", 9, "brackets"),
    ("2^3^2", 512, "powers from the right"),
    ("-2^2", -4, "the sign after the power"),
    ("(-2)^2", 4, "the sign before the power"),
    ("2^-1", Fraction(1, 2), "a negative exponent"),
    ("10 - 3 - 4", 3, "differences from the left"),
    ("10 - (3 - 4)", 11, "a difference in brackets"),
    ("12/4/3", 1, "fractions from the left"),
    ("12/(4/3)", 9, "a fraction in brackets"),
    ("2*3/4*5", Fraction(15, 2), "products and fractions from the left"),
    ("--3", 3, "two signs"),
    ("3 - -2", 5, "a sign behind a sign"),
    ("+3", 3, "a plus sign"),
    (".5", Fraction(1, 2), "no digit before the point"),
    ("0.1", Fraction(1, 10), "a decimal is exact"),
    ("2n", 20, "a number before a letter"),
    ("2 n", 20, "and a space between"),
    ("2(n + 1)", 22, "a number before a bracket"),
    ("(n - 1)(n + 1)", 99, "two brackets"),
    ("2n^2", 200, "the power before the product"),
    ("3C²", 75, "superscript"),
    ("n²³", 10**23, "superscript of two digits"),
    ("n**2", 100, "Python's power"),
    ("2·n", 20, "middle dot"),
    ("2×n", 20, "times sign"),
    ("n − 1", 9, "minus sign"),
    ("floor(7/2)", 3, "floor"),
    ("⌊7/2⌋", 3, "floor brackets"),
    ("⌈7/2⌉", 4, "ceiling brackets"),
    ("floor(-7/2)", -4, "floor goes down below zero"),
    ("ceil(-7/2)", -3, "ceiling goes up below zero"),
    ("|2 - n|", 8, "absolute value"),
    ("abs(2 - n)", 8, "abs"),
    ("min(n, 3, 7)", 3, "min of three"),
    ("max(n, 3)", 10, "max"),
    ("2⌊n/3⌋", 6, "a number before a floor"),
    ("floor((H + 2*p - k)/s) + 1", 19, "Dumoulin & Visin 2016, relationship 6"),
    ("⌊(H + 2p − k)/s⌋ + 1", 19, "the same as a textbook writes it"),
]


@pytest.mark.parametrize(("source", "value"), [r[:2] for r in READ], ids=[r[2] for r in READ])
def test_read(source: str, value: Any) -> None:
    tree = parse(source)
    assert evaluate(tree, AT) == value
    assert evaluate(parse(text(tree)), AT) == value


REFUSED = [
    ("", "ends where a number or a letter is expected", 0),
    ("2 +", "ends where", 3),
    ("2 3", "did not expect '3'", 2),
    ("2n 3", "did not expect '3'", 3),
    ("(2", "'(' is never closed by ')'", 0),
    ("2)", "did not expect ')'", 1),
    ("⌊2⌉", "'⌊' is never closed by '⌋'", 0),
    ("|2", "'|' is never closed", 0),
    ("*2", "expected a number, a letter or a bracket, not '*'", 0),
    ("n(3)", "no function is called 'n'", 0),
    ("sin(3)", "no function is called 'sin' (known: floor", 0),
    ("floor 3", "floor(…)", 6),
    ("floor(2, 3)", "floor takes 1 argument, not 2", 5),
    ("2 % 3", "'%' has no meaning here", 2),
    ("n!", "'!' has no meaning here", 1),
    ("1e3", "write the number out", 0),
    ("2E-3", "write the number out", 0),
    ("n^" * 70 + "n", "nested deeper than 60", 120),
    ("(" * 61 + "1" + ")" * 61, "nested deeper than 60", 60),
    ("1" + "/1" * 61, "more than 60 divisions", 122),
    ("n¹²³⁴⁵", "at most 4 digits", 1),
    ("9" * 41, "41 digits; at most 40", 0),
    ("1" * 2001, "2001 characters; at most 2000", -1),
]


@pytest.mark.parametrize(
    ("source", "words", "offset"), REFUSED, ids=[r[0][:16] or "nothing" for r in REFUSED]
)
def test_refused_with_a_caret(source: str, words: str, offset: int) -> None:
    with pytest.raises(BadInput) as error:
        parse(source)
    assert words in error.value.message
    assert error.value.offset == offset
    if offset >= 0 and source:
        assert str(error.value).splitlines()[-1].endswith("^")


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_read_as_a_tree_or_refused(source: str) -> None:
    tree = answered_or_refused(lambda: parse(source))
    if tree is not None:
        env = {s.name: 3 for s in letters(tree)}
        found = answered_or_refused(lambda: value_at(tree, env))
        assert found is None or abs(found) < 10**10_000


@given(st.text(max_size=60))
def test_no_text_makes_the_parser_crash(source: str) -> None:
    answered_or_refused(lambda: parse(source))


@given(st.text(alphabet="0123456789nHk+-*/^().,⌊⌋⌈⌉|²− floorminax_e", max_size=40))
@settings(max_examples=400)
def test_nearly_right_text_is_read_or_refused(source: str) -> None:
    tree = answered_or_refused(lambda: parse(source))
    if tree is not None:
        again = parse(text(tree))
        env = {s.name: 3 for s in letters(tree)}
        assert value_at(again, env) == value_at(tree, env)


# -- printing -----------------------------------------------------------------------------

PRINTED = [
    ("floor((n + 2*p - k)/s) + 1", "⌊(n + 2p − k)/s⌋ + 1"),
    ("1/(2n)", "1/(2n)"),
    ("1/2*n", "(1/2)·n"),
    ("a - (b - c)", "a − (b − c)"),
    ("a - (b + c)", "a − (b + c)"),
    ("a + (b + c)", "a + (b + c)"),
    ("-(a + b)", "−(a + b)"),
    ("(-2)^2", "(−2)²"),
    ("-2^2", "−2²"),
    ("(2^3)^2", "(2³)²"),
    ("2^(n + 1)", "2^(n + 1)"),
    ("2*3*n", "2·3·n"),
    ("2*n", "2n"),
    ("2*(n + 1)", "2(n + 1)"),
    ("n*2", "n·2"),
    ("(a/b)*c", "(a/b)·c"),
    ("a/(b*c)", "a/(b·c)"),
    ("a/(b/c)", "a/(b/c)"),
    ("2 - -3", "2 − (−3)"),
    ("max(a, b + 1)", "max(a, b + 1)"),
    ("|a - b|", "|a − b|"),
]


@pytest.mark.parametrize(("source", "shown"), PRINTED, ids=[p[1] for p in PRINTED])
def test_printed(source: str, shown: str) -> None:
    found = text(parse(source))
    assert found == shown
    assert text(parse(found)) == found


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("floor((n + 2*p - k)/s) + 1", r"\left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1"),
        ("C_in*k^2", r"C_{\mathrm{in}} \cdot {k}^{2}"),
        ("k_1 + alpha", r"k_{1} + \alpha"),
    ],
)
def test_latex(source: str, shown: str) -> None:
    assert latex(parse(source)) == shown


@given(trees())
@settings(max_examples=300)
def test_what_is_printed_is_read_back(tree: Expr) -> None:
    shown = text(tree)
    again = parse(shown)
    for env in ENVS:
        assert value_at(again, env) == value_at(tree, env)
    assert text(again) == shown


@given(trees())
def test_markup_is_balanced(tree: Expr) -> None:
    source = latex(tree)
    assert source.count("{") == source.count("}")
    assert source.count(r"\left") == source.count(r"\right")
    ElementTree.fromstring(f"<math>{mathml(tree)}</math>")


# -- values -------------------------------------------------------------------------------


@given(trees())
def test_tidying_keeps_the_value(tree: Expr) -> None:
    tidied = tidy(tree)
    for env in ENVS:
        before = value_at(tree, env)
        if before is not None:
            assert value_at(tidied, env) == before
    assert tidy(tidied) == tidied


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("n + 0", "n"),
        ("n*1*2", "n·2"),
        ("0*n", "0"),
        ("n/1", "n"),
        ("n^1", "n"),
        ("floor(n)", "n"),
        ("ceil(2n + 1)", "2n + 1"),
        ("n + 2*0 - 1*(k - 1) - 1", "n − k"),
        ("1 - (n - 2)", "3 − n"),
        ("5 - n", "5 − n"),
        ("-(-n)", "n"),
        ("n - (k - (s - 1))", "n − k + s − 1"),
        ("1/2 + n + 1/2", "1/2 + n + 1/2"),
    ],
)
def test_tidied(source: str, shown: str) -> None:
    assert text(tidy(parse(source))) == shown


@given(trees(("H", "W")))
@settings(max_examples=60)
def test_settling_keeps_the_value(tree: Expr) -> None:
    try:
        settled = settle(tree)
    except (ZeroDivisionError, OverflowError):
        return
    except BadInput as e:
        assert "zero" in str(e)
        return
    met = 0
    for env in ENVS:
        before, after = value_at(tree, env), value_at(settled, env)
        if before is not None and after is not None:
            assert after == before
            met += 1
    assert met or all(value_at(tree, env) is None for env in ENVS)


@pytest.mark.parametrize(
    ("source", "value"),
    [("6/4", Fraction(3, 2)), ("6/3", 2), ("1/2 + 1/2", 1), ("2*(3/2)", 3), ("2^10", 1024)],
)
def test_numbers_settle_to_themselves(source: str, value: Any) -> None:
    found = settle(parse(source))
    assert found == value
    assert isinstance(found, int) == (value == int(value))


def test_powers_are_bounded() -> None:
    with pytest.raises(OverflowError, match="too large"):
        evaluate(parse("9^9^9"))
    with pytest.raises(OverflowError, match="too large"):
        evaluate(parse("10^(0 - 10^10)"))
    assert evaluate(parse("2^1000")) == 2**1000


def test_a_letter_without_a_value() -> None:
    with pytest.raises(KeyError):
        evaluate(parse("H + 1"), {"W": 3})


# -- formulas -----------------------------------------------------------------------------

WORKED = [
    ({"n": 32, "k": 5, "p": 0, "s": 1, "d": 1}, "n − k + 1", "32 − 5 + 1", 28, "LeNet-5 C1"),
    (
        {"n": 227, "k": 11, "p": 0, "s": 4, "d": 1},
        "⌊(n − k)/s⌋ + 1",
        "⌊(227 − 11)/4⌋ + 1",
        55,
        "AlexNet conv1",
    ),
    (
        {"n": 224, "k": 7, "p": 3, "s": 2, "d": 1},
        "⌊(n + 2p − k)/s⌋ + 1",
        "⌊(224 + 2·3 − 7)/2⌋ + 1",
        112,
        "ResNet conv1",
    ),
    (
        {"n": 7, "k": 3, "p": 0, "s": 1, "d": 2},
        "n − d·(k − 1)",
        "7 − 2(3 − 1)",
        3,
        "Dumoulin & Visin figure 5.1",
    ),
]


@pytest.mark.parametrize(
    ("given_", "formula", "line", "value"), [w[:4] for w in WORKED], ids=[w[4] for w in WORKED]
)
def test_a_formula_drops_what_the_case_does_not_need(
    given_: dict[str, int], formula: str, line: str, value: int
) -> None:
    work = SIZE.at(**given_)
    assert (text(work.formula), text(work.tree), work.value) == (formula, line, value)
    assert evaluate(work.tree) == value


def test_a_formula_takes_letters() -> None:
    assert text(SIZE.at(n=H, k=3, p=1, s=1, d=1).value) == "H"
    assert text(SIZE.at(n=H, k=3, p=0, s=2, d=1).value) == "⌊(H − 3)/2⌋ + 1"
    assert text(Formula("2*n + 1").at(n=W + 1).value) == "2W + 3"


def test_every_letter_of_the_size_formula_is_explained() -> None:
    assert {s.name for s in letters(parse(SIZE.text))} <= set(GLOSSARY)


# -- comparing ----------------------------------------------------------------------------

EQUAL = [
    ("2*(H + 1)", "2H + 2"),
    ("floor((H - 3)/2) + 1", "floor((H - 1)/2)"),
    ("ceil(H/2)", "floor((H + 1)/2)"),
    ("floor(floor(H/2)/2)", "floor(H/4)"),
    ("H*W - W", "W*(H - 1)"),
    ("max(H, W)", "H + W - min(H, W)"),
]
DIFFERENT = [
    ("2*H", "H^2"),
    ("floor(H/2)", "H/2"),
    ("H", "W"),
    ("max(H - 4, 1)", "H - 4"),
    *((f"floor((H + 1)/{s})", f"floor(H/{s})") for s in (2, 3, 5, 7, 11, 13, 16)),
    *((f"ceil(H*W/{s})", f"floor(H*W/{s})") for s in (2, 3, 5, 7, 11, 13, 16)),
]


@pytest.mark.parametrize(("a", "b"), EQUAL, ids=map(" = ".join, EQUAL))
def test_equal(a: str, b: str) -> None:
    assert same_size(parse(a), parse(b)) is True


@pytest.mark.parametrize(("a", "b"), DIFFERENT, ids=map(" ≠ ".join, DIFFERENT))
def test_different_even_if_only_seldom(a: str, b: str) -> None:
    assert same_size(parse(a), parse(b)) is False
    assert same_size((parse(a), 1), (parse(a), 1, 2)) is False


def test_a_difference_is_known_to_the_rounding_of_its_terms() -> None:
    """0.7 − 0.1·7 is −1.1·10⁻¹⁶ in floats, and 0."""
    off = Num(0.7) - Num(0.1) * Num(7)
    assert same_size(off, 0) is True and same_size(off, 1e-14) is False
    assert same_size(Num(1e-20) + Num(0.0), 1.1e-20) is False


@given(trees())
@settings(max_examples=60)
def test_one_more_is_never_the_same(tree: Expr) -> None:
    if any(value_at(tree, env) is not None for env in ENVS) and letters(tree):
        assert same_size(tree, tree + 1) is False
        assert same_size(tree, tree) is True


# -- trees --------------------------------------------------------------------------------


def test_trees_are_kept_as_written() -> None:
    assert plus(2, 3) == Add(Num(2), Num(3)) != Num(5)
    assert times(2, H) == Mul(Num(2), H)
    assert (Add(H, Neg(Num(1))), Div(Num(2), H), Neg(H)) == (H - 1, 2 / H, -H)
    assert (Call("floor", Div(H, Num(2))), Pow(H, Num(2))) == (H // 2, H**2)
    assert len({H + 1, H + 1, Sym("H", "count")}) == 2


def test_letters_in_order_of_appearance() -> None:
    assert [s.name for s in letters((3, W + H), {"a": (H, Sym("C"))})] == ["W", "H", "C"]
    assert [type(n).__name__ for n in walk(2 * H + 1)] == ["Add", "Mul", "Num", "Sym", "Num"]


def test_letters_are_replaced_not_evaluated() -> None:
    assert subs((H + 1, 3), {"H": 5}) == (Add(Num(5), Num(1)), 3)


@pytest.mark.parametrize(
    ("source", "whole"),
    [("H", True), ("2H - 1", True), ("H/2", False), ("floor(H/2)", True), ("1/2", False),
     ("min(H, 3)", True), ("min(H, 1/2)", False), ("H^2", False)],
)  # fmt: skip
def test_whole(source: str, whole: bool) -> None:
    assert is_whole(parse(source)) is whole


def test_an_unknown_node_is_our_mistake() -> None:
    class Odd(Expr):
        pass

    for act in (evaluate, text):
        with pytest.raises(TypeError, match="Odd"):
            act(Odd())


def test_time_is_bounded_even_when_it_is_refused() -> None:
    refused(lambda: parse("(" * 1_000_000), "characters")


def test_small_floats_are_powers_of_ten_in_every_form() -> None:
    from solver.expressions.show import latex, mathml, text

    small = Num(7.7e-06)
    assert text(small) == "7.7·10⁻⁶" and latex(small) == r"7.7 \cdot 10^{-6}"
    assert "e-06" not in mathml(small) and "<msup>" in mathml(small)
