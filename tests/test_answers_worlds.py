"""Worlds: letters have one value in floats and fifty digits; arrays are NumPy's; the
comparison sees a coefficient that is off, and a transposed gradient."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.answers.agreement import compare, fifty_digits
from solver.answers.forms import read_answer, state_key
from solver.expressions import arrays as arr
from solver.expressions.arrays import Array, ShapeError
from solver.expressions.compiled import value
from solver.expressions.fields import TooLarge, Undefined
from solver.expressions.nodes import Expr, Sym
from solver.expressions.worlds import Letters, World

PRIMES = (2, 3, 5, 7)
DIMS = {"W": ("m", "n"), "X": ("n", "k"), "Y": ("m", "k"), "x": ("n",), "d": ("m",)}


def tree(text: str, **spec: Any) -> Expr:
    """A text as a tree, through the public path."""
    stated = state_key("expression", text, spec)
    return (
        stated.value
        if isinstance(stated.value, Expr)
        else read_answer(stated, text).value
    )


def agree(key: str, text: str, kinds: Any = None, dims: Any = None) -> bool | None:
    spec = {
        "known": tuple({**(kinds or {}), **(dims or {})}),
        "kinds": kinds or {},
        "dims": dims or {},
    }
    return compare(tree(key, **spec), tree(text, **spec), kinds or {}, dims or {}).same


def both(
    e: Expr, seed: int, kinds: Any = None, dims: Any = None, **more: Any
) -> tuple[Any, Any]:
    """A tree's value in floats and in fifty digits, in the worlds of one seed."""
    letters = Letters(kinds or {}, dims or {}, (e,))
    return value(e, World(letters, seed, **more)), value(
        e, World(letters, seed, fifty_digits(), **more)
    )


def flat(x: Any) -> list[float]:
    return [float(v) for v in x.flat()] if isinstance(x, Array) else [float(x)]


# -- one value in floats and fifty digits -------------------------------------------------

KINDS = ("real", "positive", "integer", "positive integer", "nonnegative integer",
         "probability", "nonzero", "labels 0 1", "labels -1 1")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_has_one_value_in_every_field(kind: str) -> None:
    for seed, name in product(range(28), ("x", "theta", "w_1")):
        a, b = both(Sym(name, "real"), seed, {name: kind})
        assert math.isclose(float(a), float(b), rel_tol=1e-15), (kind, seed, name)
        low = {"positive integer": 1, "nonnegative integer": 0}
        assert a >= low.get(kind, a)
        if kind == "positive":
            assert a > 0
        if kind == "probability":
            assert 0 < a < 1
        if "integer" in kind or "labels" in kind:
            assert a == int(a)
        if kind.startswith("labels"):
            assert str(int(a)) in kind.split()[1:]


@pytest.mark.parametrize("scale", [1e-3, 37.0, 1e3])
def test_a_letter_far_away_has_one_value_in_every_field(scale: float) -> None:
    for seed in range(20):
        near, _ = both(Sym("x", "real"), seed)
        a, b = both(Sym("x", "real"), seed, scale=scale)
        assert math.isclose(float(a), float(b), rel_tol=1e-14)
        if near != int(near):
            assert math.isclose(a, near * scale, rel_tol=1e-9)


def test_letters_are_drawn_by_name_alone() -> None:
    alone = Letters({}, {}, (tree("x"),))
    among = Letters({}, {}, (tree("a + b x + c^x"), tree("x")))
    for seed in range(20):
        assert World(alone, seed).letter("x") == World(among, seed).letter("x")
        first = World(among, seed)
        second = World(among, seed)
        assert [first.letter(n) for n in "abcx"] == [second.letter(n) for n in "xcba"][
            ::-1
        ]


def test_worlds_try_both_signs_and_both_sides_of_one() -> None:
    for name in ("x", "z", "alpha", "q"):
        found = [both(Sym(name, "real"), seed)[0] for seed in range(28)]
        assert min(found) < 0 < max(found)
        assert any(abs(v) < 1 for v in found) and any(abs(v) > 1 for v in found)
        assert len(set(found)) > 14


FORMULAS = {
    "softmax": r"\frac{e^{z_k}}{\sum_{j=1}^{4} e^{z_j}}",
    "a logistic": "1/(1 + e^(-w x - b))",
    "entropy": r"-\sum_{i=1}^{5} p_i^2 \log(p_i^2)",
    "a norm": r"\sqrt{x^2 + y^2 + 1}",
    "Adam": r"\frac{m/(1-\beta^2)}{\sqrt{v^2/(1-\gamma^4)}+10^{-8}}",
    "gelu, roughly": r"\frac{x}{2}(1+\tanh(\sqrt{2/\pi}(x+0.044715x^3)))",
    "softplus": "log(1 + e^x)",
    "a factorial": r"\frac{x^5}{5!}",
    "roots and powers": "(x^2 + 1)^(1/3) + (y^2 + 2)^(-0.7)",
    "kinks": "max(x, y, 0) + |x - y| + relu(-x)",
    "cases": "x^2 if x > y else y^3",
}


@pytest.mark.parametrize("text", FORMULAS.values(), ids=FORMULAS)
def test_a_formula_has_one_value_in_floats_and_fifty_digits(text: str) -> None:
    e = tree(text)
    met = 0
    for seed in range(16):
        try:
            a, b = both(e, seed)
        except (Undefined, TooLarge):
            continue
        met += 1
        assert math.isclose(float(a), float(b), rel_tol=1e-9, abs_tol=1e-12)
    assert met > 4


def test_fifty_digits_are_fifty() -> None:
    from mpmath import mp

    with mp.workdps(60):
        for text, wanted in (("pi", mp.pi), ("e", mp.e), ("sqrt(2)", mp.sqrt(2)), ("log(10)", mp.log(10)),
                             ("sigmoid(1)", 1 / (1 + mp.exp(-1))), ("tanh(1/3)", mp.tanh(mp.mpf(1) / 3)),
                             ("(1/3)^(1/7)", mp.root(mp.mpf(1) / 3, 7))):  # fmt: skip
            _, found = both(tree(text), 0)
            assert abs(mp.mpf(found) - wanted) < mp.mpf(10) ** -48, text


# -- arrays -------------------------------------------------------------------------------


def random_rows(r: Random, rows: int, cols: int) -> list[list[float]]:
    return [[r.uniform(-2, 2) for _ in range(cols)] for _ in range(rows)]


def numpy_of(x: Any) -> Any:
    return np.array(x.rows) if isinstance(x, Array) else np.array([[x]])


@pytest.mark.parametrize(
    ("m", "k", "n"), [p for p in product(PRIMES, repeat=3) if len(set(p)) == 3]
)
def test_products_are_numpys(m: int, k: int, n: int) -> None:
    r = Random(m * 100 + k * 10 + n)
    a, b = random_rows(r, m, k), random_rows(r, k, n)
    found = arr.multiply(Array(a), Array(b))
    assert found.dims == (m, n)
    assert np.allclose(numpy_of(found), np.array(a) @ np.array(b), rtol=1e-13)
    turned = arr.turned(found)
    assert turned.dims == (n, m)
    assert np.array_equal(numpy_of(turned), numpy_of(found).T)
    with pytest.raises(ShapeError, match="×"):
        arr.multiply(Array(b), Array(a))
    with pytest.raises(ShapeError):
        arr.add(Array(a), Array(b))


@pytest.mark.parametrize("n", [*PRIMES, 11])
@pytest.mark.parametrize("exact", [False, True], ids=["floats", "fifty digits"])
def test_inverse_determinant_trace_and_diagonal_are_numpys(n: int, exact: bool) -> None:
    rows = random_rows(Random(n), n, n)
    one = fifty_digits().one if exact else 1.0
    a, wanted = Array(rows).map(lambda v: v * one), np.array(rows)
    assert np.allclose(
        numpy_of(arr.inverse(a, one)).astype(float), np.linalg.inv(wanted), rtol=1e-8
    )
    assert np.isclose(float(arr.determinant(a, one)), np.linalg.det(wanted), rtol=1e-9)
    assert np.isclose(float(arr.trace(a)), np.trace(wanted))
    assert np.allclose(numpy_of(arr.diagonal(a)).astype(float)[:, 0], np.diag(wanted))
    column = Array([[v] for v in a.rows[0]])
    assert np.allclose(numpy_of(arr.diagonal(column)).astype(float), np.diag(wanted[0]))
    assert np.allclose(
        numpy_of(arr.power(a, 3, one)).astype(float), np.linalg.matrix_power(wanted, 3)
    )
    assert np.allclose(
        numpy_of(arr.power(a, -2, one)).astype(float),
        np.linalg.matrix_power(wanted, -2),
        rtol=1e-6,
    )
    assert np.array_equal(numpy_of(arr.power(a, 0, one)).astype(float), np.eye(n))


def test_a_pivot_of_zero_is_passed_over() -> None:
    a = [[0.0, 2.0, 1.0], [3.0, 0.0, 5.0], [7.0, 11.0, 0.0]]
    assert np.allclose(numpy_of(arr.inverse(Array(a), 1.0)), np.linalg.inv(np.array(a)))
    assert np.isclose(arr.determinant(Array(a), 1.0), np.linalg.det(np.array(a)))
    assert arr.determinant(Array([[1.0, 2.0], [2.0, 4.0]]), 1.0) == 0
    with pytest.raises(ZeroDivisionError):
        arr.inverse(Array([[1.0, 2.0], [2.0, 4.0]]), 1.0)


def test_what_does_not_fit_is_refused() -> None:
    wide, tall = Array([[1.0, 2.0, 3.0]]), Array([[1.0], [2.0], [3.0], [4.0], [5.0]])
    for wrong in (
        lambda: arr.multiply(wide, tall),
        lambda: arr.add(wide, tall),
        lambda: arr.divide(1.0, wide, 1.0),
        lambda: arr.inverse(wide, 1.0),
        lambda: arr.determinant(wide, 1.0),
        lambda: arr.power(wide, 2, 1.0),
        lambda: arr.outer(wide, tall),
        lambda: arr.power(Array([[1.0, 2.0], [3.0, 4.0]]), 0.5, 1.0),
    ):
        with pytest.raises(ShapeError):
            wrong()


# (text, what NumPy makes of it), sizes m = 3, n = 2 and the like are the worlds' own
WITH_NUMPY: dict[str, tuple[str, Any]] = {
    "a product": ("W X", lambda W, X, Y, x, d: W @ X),
    "a gradient": ("(W X - Y) X^T", lambda W, X, Y, x, d: (W @ X - Y) @ X.T),
    "an outer product": ("d x^T", lambda W, X, Y, x, d: d @ x.T),
    "back through a layer": ("W^T d", lambda W, X, Y, x, d: W.T @ d),
    "a quadratic form": ("d^T W x", lambda W, X, Y, x, d: d.T @ W @ x),
    "a trace": ("tr(W X Y^T)", lambda W, X, Y, x, d: np.array([[np.trace(W @ X @ Y.T)]])),
    "a determinant": ("det(W^T W + x x^T)", lambda W, X, Y, x, d: np.array([[np.linalg.det(W.T @ W + x @ x.T)]])),
    "an inverse": ("(X^T X + Y^T Y)^{-1} X^T x", lambda W, X, Y, x, d: np.linalg.solve(X.T @ X + Y.T @ Y, X.T @ x)),
    "a diagonal": ("diag(x) X", lambda W, X, Y, x, d: np.diag(x[:, 0]) @ X),
    "entry by entry": ("W X ⊙ Y", lambda W, X, Y, x, d: (W @ X) * Y),
    "a norm": ("‖W X - Y‖_F^2", lambda W, X, Y, x, d: np.array([[np.sum((W @ X - Y) ** 2)]])),
    "a number times": ("3 W/2", lambda W, X, Y, x, d: 1.5 * W),
    "tanh of a column": ("tanh(W x)", lambda W, X, Y, x, d: np.tanh(W @ x)),
    "softmax": ("softmax(x)", lambda W, X, Y, x, d: np.exp(x) / np.exp(x).sum()),
    "vec": ("vec(W)", lambda W, X, Y, x, d: W.T.reshape(-1, 1)),
}  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), WITH_NUMPY.values(), ids=WITH_NUMPY)
def test_trees_of_matrices_have_numpys_values(text: str, wanted: Any) -> None:
    e = tree(text, known=tuple(DIMS), dims=DIMS, kinds={})
    met = 0
    for seed in range(8):
        letters = Letters({}, DIMS, (e,))
        values = {n: numpy_of(World(letters, seed).letter(n)) for n in DIMS}
        try:
            found = value(e, World(letters, seed))
        except Undefined:  # a matrix that is singular
            continue
        met += 1
        assert np.allclose(numpy_of(found), wanted(**values), rtol=1e-7)
    assert met >= 4


def test_sizes_of_letters_are_distinct() -> None:
    for seed in range(8):
        world = World(Letters({}, DIMS, ()), seed)
        sizes = [world.size(s) for s in ("m", "n", "k")]
        assert len(set(sizes)) == 3
        assert world.letter("W").dims == (sizes[0], sizes[1])
        assert world.letter("x").dims == (sizes[1], 1)


# -- a comparison that can fail -----------------------------------------------------------

# Keys with one coefficient @ in them, 1 where the key is right.
COEFFICIENTS: dict[str, tuple[str, dict[str, str], dict[str, tuple[str, ...]]]] = {
    "a square": ("@ x^2", {}, {}),
    "one term of three": ("x^2 + @ y + 3", {}, {}),
    "the constant": ("x^2 + y + @", {}, {}),
    "a logistic slope": ("@ e^z/(1 + e^z)^2", {}, {}),
    "inside an exponential": ("e^(@ z)/(1 + e^z)", {}, {}),
    "a logarithm": ("-y log p - @ (1 - y) log(1 - p)", {"y": "labels 0 1", "p": "probability"}, {}),
    "softmax": (r"\frac{e^{z_k}}{\sum_{j=1}^{K} @ e^{z_j}} - y_k", {}, {}),
    "a root": ("m/(sqrt(@ v) + c)", {"v": "positive", "c": "positive"}, {}),
    "relu": ("max(0, @ z)", {}, {}),
    "cases": ("z if z > 0 else @ z/100", {}, {}),
    "an exponent": ("(x^2 + 1)^(@)", {}, {}),
    "a gradient": ("(@ W X - Y) X^T", {}, DIMS),
    "a gradient's second factor": ("(W X - Y) (@ X)^T", {}, DIMS),
    "an outer product": ("@ d x^T", {}, DIMS),
    "a quadratic form": ("d^T W x + @ x^T x", {}, DIMS),
    "an inverse": ("(W^T W + @ x x^T)^{-1} x", {}, {**DIMS, "W": ("m", "m"), "x": ("m",)}),
    "a trace": ("tr(@ W X Y^T)", {}, DIMS),
    "a bare number": ("@", {}, {}),
    "a number": ("log(10) + @ sqrt(2)", {}, {}),
    "a count": ("(k^2 c + @) d", dict.fromkeys("kcd", "positive integer"), {}),
}  # fmt: skip
OFF = {
    "0.1 %": ("1.001", "0.999"),
    "1e-12": ("1.000000000001", "(1 - 10^(-12))"),
    "1e-20": ("1.00000000000000000001", "(1 + 10^(-20))"),
}


@pytest.mark.parametrize("off", OFF)
@pytest.mark.parametrize(
    ("key", "kinds", "dims"), COEFFICIENTS.values(), ids=COEFFICIENTS
)
def test_one_coefficient_off_is_seen(
    key: str, kinds: dict[str, str], dims: dict[str, tuple[str, ...]], off: str
) -> None:
    right = key.replace("@", "1")
    assert agree(right, key.replace("@", "(3/3)"), kinds, dims) is True
    for wrong in OFF[off]:
        assert agree(right, key.replace("@", wrong), kinds, dims) is False


# Gradients that are square, so that sizes alone cannot tell.
SQUARE = {
    "W": ("n", "n"),
    "A": ("n", "n"),
    "B": ("n", "n"),
    "x": ("n",),
    "d": ("n",),
    "y": ("n",),
}
GRADIENTS = {
    "of dᵀWx": "d x^T",
    "of ½‖Wx − y‖²": "(W x - y) x^T",
    "of xᵀAᵀAx by A": "2 A x x^T",
    "of tr(AB) by A": "B^T",
    "of log det A": "A^{-T}",
    "of tr(A⁻¹B)": "-(A^{-1} B A^{-1})^T",
    "of a layer with tanh": "((1 - tanh(W x)^2) ⊙ d) x^T",
    "a Jacobian, Wx": "W",
    "a Jacobian, diag(x)W": "diag(x) W",
    "a product": "A B",
    "a sandwich": "A B A^T",
}


@pytest.mark.parametrize("text", GRADIENTS.values(), ids=GRADIENTS)
def test_a_transposed_gradient_fails_where_matrices_are_square(text: str) -> None:
    assert agree(text, text, None, SQUARE) is True
    assert agree(text, f"(({text})^T)^T", None, SQUARE) is True
    assert agree(text, f"({text})^T", None, SQUARE) is False


@pytest.mark.parametrize(
    ("key", "text", "same"),
    [
        ("A A^T", "(A A^T)^T", True),
        ("A A^T", "A^T A", False),
        ("x^T A x", "x^T A^T x", True),
        ("x^T A d", "x^T A^T d", False),
        ("x^T A d", "d^T A^T x", True),
        ("A B", "B A", False),
        ("tr(A B)", "tr(B A)", True),
        ("tr(A B W)", "tr(B A W)", False),
        ("tr(A B W)", "tr(W A B)", True),
        ("det(A B)", "det(B A)", True),
        ("(A B)^{-1}", "B^{-1} A^{-1}", True),
        ("(A B)^{-1}", "A^{-1} B^{-1}", False),
        ("(A B)^T", "B^T A^T", True),
        ("(A B)^T", "A^T B^T", False),
        ("x ⊙ d", "d ⊙ x", True),
        ("diag(x) d", "x ⊙ d", True),
        ("x d^T", "d x^T", False),
        ("x^T d", "d^T x", True),
        ("A x + A d", "A (x + d)", True),
        ("A x + A d", "(x + d) A", False),
        ("A^2", "A ⊙ A", False),
        ("tr(A^T B)", "tr(A B^T)", True),
        ("tr(A^T B)", "tr(A B)", False),
        ("‖x‖^2", "x^T x", True),
        ("‖x‖", "x^T x", False),
    ],
)
def test_laws_of_square_matrices(key: str, text: str, same: bool) -> None:
    assert agree(key, text, None, SQUARE) is same


@pytest.mark.parametrize("text", ["(W X - Y) X^T", "d x^T", "W^T d", "W X", "Y^T W"])
def test_a_transposed_gradient_fails_by_its_sizes(text: str) -> None:
    spec: dict[str, Any] = {"known": tuple(DIMS), "dims": DIMS, "kinds": {}}
    found = compare(tree(text, **spec), tree(f"({text})^T", **spec), {}, DIMS)
    assert found.same is False
    assert "×" in found.why and "transpose" in found.why


@settings(max_examples=40)
@given(
    st.lists(st.integers(-9, 9).filter(bool), min_size=3, max_size=3),
    st.integers(0, 2),
    st.sampled_from(
        [Fraction(1), Fraction(-1), Fraction(1, 1000), Fraction(1, 10**15)]
    ),
)
def test_polynomials_differ_where_a_coefficient_does(
    c: list[int], at: int, step: Fraction
) -> None:
    def text(c: list[Any]) -> str:
        return " + ".join(f"({v}) x^{i} y^{2 - i}" for i, v in enumerate(c)) + " + 1"

    off = [Fraction(v) + (step if i == at else 0) for i, v in enumerate(c)]
    assert agree(text(c), text(c[:])) is True
    assert agree(text(c), text(off)) is False
    shuffled = " + ".join(
        f"x^{i} ({v}) y^{2 - i}" for i, v in reversed(list(enumerate(c)))
    )
    assert agree(text(c), f"1 + {shuffled}") is True


def test_the_mathematics_that_cannot_be_computed_is_not_decided() -> None:
    assert agree("10^(10^10)", "10^(10^10) + 1") is not True
    assert agree("x!", "(x + 1)!/(x + 1)", {"x": "positive integer"}) in (True, None)
    assert agree("log(-1 - x^2)", "log(-2 - x^2)") is None
    assert agree(r"\sum_{i=1}^{1000000} i", "500000500000") is not False
