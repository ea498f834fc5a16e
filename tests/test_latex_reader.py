"""LaTeX, Unicode and plain text to the same trees; what is refused, and where."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput
from solver.expressions.grammar import read
from solver.expressions.latex_reader import looks_like_latex, read_any
from solver.numeric.trees import value

SIZES = {"m": 2, "n": 3, "k": 5}
DIMS: dict[str, tuple[str, ...]] = {
    "x": ("n",), "z": ("n",), "p": ("n",), "y": ("m",), "yhat": ("m",), "delta": ("k",),
    "A": ("m", "n"), "X": ("m", "n"), "B": ("n", "n"), "C": ("n", "n"), "W": ("k", "n"),
    "Q": ("m", "n"), "K": ("m", "n"), "a": (), "b": (), "c": (), "t": (), "d_k": (),
    "mu": (), "beta_1": (), "xbar": ("n",),
}  # fmt: skip

# (as it is written, the plain grammar's text)
SAME = [
    # transposes and inverses
    (r"\mathbf{x}^T\mathbf{B}\mathbf{z}", "x'*B*z"),
    (r"x^\top Bz", "x'*B*z"),
    (r"x^{\top}Bz", "x'*B*z"),
    (r"x^{\mathsf T}Bz", "x'*B*z"),
    (r"x^\mathsf{T}Bz", "x'*B*z"),
    (r"x^{\mathrm{T}} B z", "x'*B*z"),
    (r"x^{\intercal}Bz", "x'*B*z"),
    ("x^TBz", "x'*B*z"),
    ("xᵀBz", "x'*B*z"),
    ("x'Bz", "x'*B*z"),
    ("x'*B*z", "x'*B*z"),
    ("x.T @ B @ z", "x'*B*z"),
    (r"B^{-1}x", "inv(B)*x"),
    (r"\mathbf{B}^{-\top}\mathbf{x}", "inv(B)'*x"),
    (r"B^{-T}x", "inv(B)'*x"),
    ("B⁻ᵀx", "inv(B)'*x"),
    ("(AAᵀ + I)⁻¹y", "inv(A*A' + eye)*y"),
    (r"\left(A^\top A + c\mathbf{I}\right)^{-1}A^\top y", "inv(A'*A + c*eye)*A'*y"),
    ("inv(A'*A + c*eye)*A'*y", "inv(A'*A + c*eye)*A'*y"),
    ("B^2x", "B^2*x"),
    # letters side by side, the longest declared name first
    ("QK^T", "Q*K'"),
    (r"\frac{QK^T}{\sqrt{d_k}}", "Q*K'/sqrt(d_k)"),
    ("QK^Td_k^{-1/2}", "Q*K'*d_k^(-0.5)"),
    ("2ab", "2*a*b"),
    (r"\beta_1\,a", "beta_1*a"),
    ("β₁a", "beta_1*a"),
    (r"\mu x", "mu*x"),
    (r"\mathbf{Bx}", "B*x"),
    ("Xx", "X*x"),
    (r"(x^Tz)x", "(x'*z)*x"),
    # accents
    (r"\hat{y} - y", "yhat - y"),
    (r"\hat y - y", "yhat - y"),
    (r"\hat{\mathbf{y}} - \mathbf{y}", "yhat - y"),
    (r"\mathbf{\hat{y}} - y", "yhat - y"),
    ("ŷ − y", "yhat - y"),
    ("ŷᵀŷ", "yhat'*yhat"),
    ("y\u0302 - y", "yhat - y"),
    ("y_hat - y", "yhat - y"),
    (r"\bar{x}", "xbar"),
    (r"\vec{x}", "x"),
    (r"\boldsymbol{\delta}\mathbf{x}^T", "delta*x'"),
    ("δxᵀ", "delta*x'"),
    # fractions and roots
    (r"\dfrac{a}{b}", "a/b"),
    (r"\tfrac12 a", "0.5*a"),
    (r"\frac1c x", "x/c"),
    ("½a²", "0.5*a^2"),
    (r"\sqrt{a + b}", "sqrt(a + b)"),
    ("√a", "sqrt(a)"),
    ("1/2x", "0.5*x"),
    (r"\frac{y}{\hat y}", "y./yhat"),
    (r"\frac{a}{x}", "a*x.^-1"),
    (r"\frac{1}{1 + e^{-x}}", "vector(1)./(vector(1) + exp(-x))"),
    # products
    (r"x \odot z", "x.*z"),
    (r"x \circ z", "x.*z"),
    ("x ⊙ Bz", "x.*(B*z)"),
    (r"W^T\delta \odot z", "(W'*delta).*z"),
    (r"a \cdot x", "a*x"),
    (r"a \times b", "a*b"),
    (r"B \otimes A", "kron(B, A)"),
    ("B ⊗ A", "kron(B, A)"),
    (r"y \oslash \hat{y}", "y./yhat"),
    (r"x^{\odot 2}", "x.^2"),
    ("x^2", "x.^2"),
    # norms and bars
    (r"\lVert x \rVert_2^2", "norm2(x)^2"),
    (r"\|x\|_2^2", "norm2(x)^2"),
    (r"\|x\|^2_2", "norm2(x)^2"),
    (r"\|x\|", "norm2(x)"),
    ("||x||^2", "norm2(x)^2"),
    ("‖x‖²", "norm2(x)^2"),
    (r"\left\| A \right\|_F^2", "norm2(A)^2"),
    (r"\|x\|_1", "norm1(x)"),
    ("‖x‖₁", "norm1(x)"),
    (r"\lvert B\rvert", "det(B)"),
    ("|a - b|", "abs(a - b)"),
    ("|x|", "abs(x)"),
    (r"\left|a\right| + |b|", "abs(a) + abs(b)"),
    (r"\ln\lvert\det B\rvert", "logdet(B)"),
    # functions
    (r"\operatorname{tr}(B)", "tr(B)"),
    (r"\text{tr}(BC)", "tr(B*C)"),
    (r"\mathrm{Tr}(B)", "tr(B)"),
    ("tr(BC)", "tr(B*C)"),
    (r"\mathrm{softmax}(z)", "softmax(z)"),
    (r"\operatorname{diag}(x)", "diag(x)"),
    (r"\operatorname{vec}(A)", "vec(A)"),
    (r"\sigma(z) \odot (1 - \sigma(z))", "sigmoid(z).*(vector(1) - sigmoid(z))"),
    ("σ(z) ⊙ (1 − σ(z))", "sigmoid(z).*(vector(1) - sigmoid(z))"),
    (r"\sigma'(z)", "sigmoid(z).*(vector(1) - sigmoid(z))"),
    (r"\tanh'(z)", "vector(1) - tanh(z).^2"),
    (r"\tanh^2(z)", "tanh(z).^2"),
    ("tanh²(z)", "tanh(z).^2"),
    (r"\operatorname{sech}^2 z", "vector(1)./cosh(z).^2"),
    (r"\ln a", "log(a)"),
    (r"\log \frac{a}{b}", "log(a/b)"),
    (r"\log a^2", "log(a^2)"),
    (r"\log a - \log b", "log(a) - log(b)"),
    (r"\exp(-a)", "exp(-a)"),
    (r"e^{-a^2/2}", "exp(-a^2/2)"),
    ("ae^{-a}", "a*exp(-a)"),
    ("1/(1+e^-a)", "1/(1 + exp(-a))"),
    (r"2\pi a", "2*arccos(-1)*a"),
    # indicators and hinges
    (r"\mathbb{I}[x > 0]", "step(x)"),
    (r"\mathbb{1}\{x > 0\}", "step(x)"),
    (r"\mathbf{1}\left[x > 0\right]", "step(x)"),
    (r"\mathbb{I}_{x > 0}", "step(x)"),
    ("1[0 < x]", "step(x)"),
    ("I(a > b)", "step(a - b)"),
    (r"\mathbb{1}[x \le 0]", "vector(1) - step(x)"),
    (r"\max(0, z)", "relu(z)"),
    (r"\max\{z, 0\}", "relu(z)"),
    ("max(0, 1 - ab)", "relu(1 - a*b)"),
    ("[1 - ab]_+", "relu(1 - a*b)"),
    (r"\begin{cases} a^2 & \text{if } a > 0 \\ 0 & \text{otherwise} \end{cases}",
     "a^2*step(a)"),
    (r"\begin{cases} a^2 & a > b, \\ 2a & a \le b \end{cases}",
     "a^2*step(a - b) + 2*a*(1 - step(a - b))"),
    (r"\begin{cases} a & a \ge b \\ b & b > a \end{cases}",
     "a*(1 - step(b - a)) + b*step(b - a)"),
    (r"\begin{cases} 0 & a < b \\ x & \text{else} \end{cases}", "(1 - step(b - a))*x"),
    # ones
    (r"\mathbf{1}^Tx", "vector(1)'*x"),
    ("1ᵀx", "vector(1)'*x"),
    (r"X\mathbf{1}", "X*vector(1)"),
    ("X𝟏𝟏ᵀx", "X*vector(1)*vector(1)'*x"),
    (r"(I - \frac{1}{n}\mathbf{1}\mathbf{1}^T)x", "(eye - vector(1)*vector(1)'/n)*x"),
    ("1 − x", "vector(1) - x"),
    ("x - 0.5", "x - 0.5*vector(1)"),
    # sums over entries
    (r"\sum_i x_i", "sum(x)"),
    ("∑ᵢ xᵢ", "sum(x)"),
    (r"\sum_{i=1}^{n} x_i^2", "sum(x.^2)"),
    (r"\sum_i x_iz_i + a", "x'*z + a"),
    (r"\sum_{i=1}^n (x_i - \mu)^2", "norm2(x - mu*vector(1))^2"),
    (r"-\sum_j p_j\log z_j", "-sum(p.*log(z))"),
    (r"\log\sum_j e^{z_j}", "logsumexp(z)"),
    (r"\frac1m\sum_{i=1}^m(\hat{y}_i - y_i)^2", "norm2(yhat - y)^2/m"),
    (r"\sum_{i,j} A_{ij}X_{ij}", "tr(A'*X)"),
    (r"\sum_{i} \frac{x_i}{1 + z_i}", "sum(x./(vector(1) + z))"),
    # dressing
    (r"$A^\top(Ax - y)$", "A'*(A*x - y)"),
    (r"\displaystyle A^\top \bigl( Ax - y \bigr)", "A'*(A*x - y)"),
    (r"{A}^{T}{\left[{Ax} - {y}\right]}", "A'*(A*x - y)"),
]  # fmt: skip

REFUSED = [
    (r"\foo x", "macro \\foo", 0),
    (r"x + \frac{\partial a}{b}", r"macro \partial", 10),
    (r"\begin{cases}1\end{cases}", "the condition of this branch", 14),
    (r"\begin{cases}a & a = 0 \\ b & \text{otherwise}\end{cases}", "expected <, >", 19),
    (r"\begin{cases}a & a > 0 \\ b & a < 1\end{cases}", "not the opposite", 28),
    (r"\begin{cases}a & a > 0 \\ b & a \le 0 \\ c & \text{else}\end{cases}", "two branches", 38),
    (r"\begin{matrix}a\end{matrix}", r"macro \begin", 0),
    (r"\input{/etc/passwd}", r"macro \input", 0),
    ("q", "no variable is called 'q'", 0),
    ("Ax + Bq", "no variable is called", 6),
    ("Ay", "a product needs n = m", 1),
    ("A + B", "cannot be added", 2),
    ("x + a", "cannot be added", 2),
    (r"\|A\|_2", "spectral norm", 0),
    (r"\|A\|_1", "largest column sum", 0),
    (r"\|x\|_3", "the norm '3'", 5),
    ("|A|", "absolute values", 0),
    (r"\log a b", "log of how much?", 0),
    (r"\tr BC", "tr of how much?", 0),
    (r"\log a/b", "log of how much?", 0),
    ("a/bc", "reads two ways", 3),
    ("x'Bx/x'x", "reads two ways", 7),
    ("1/x^Tx", "reads two ways", 5),
    (r"\log_2 a", "log with an index", 4),
    (r"\sin^{-1}(a)", "sin to this power", 4),
    ("x^{(2)}", "a label in brackets", 2),
    ("x_2", "x_2 is not declared", 0),
    ("x_i", "no sum runs over it", 0),
    (r"\sum_j x_i", "no sum runs over it", 7),
    (r"\sum_{i=1}^{m} x_i", "the sum runs to m, the entries to n", 11),
    (r"\sum_{i=1}^{5} x_i", "no declared size", 11),
    (r"\sum_i \sum_j A_{ij}", "", 7),
    (r"\sum_i a", "has the index i", 0),
    (r"\sum x", "needs its index", 0),
    (r"\sum_i A_i", "2 indices, not 1", 8),
    (r"\sum_i x_i B", "an n×n matrix has no place", 11),
    (r"\sum_i \operatorname{softmax}(x_i)", "softmax of a single entry", 0),
    (r"\max(a, b)", "only max(0, z)", 0),
    (r"\sqrt[3]{a}", "only square roots", 5),
    ("a 2", "a number stands before", 2),
    ("(Ax", "never closed", 0),
    (r"\frac{a}{b", "never closed", 8),
    ("a +", "the expression ends", 3),
    ("a^", "the expression ends", 2),
    ("a = b", "did not expect '='", 2),
    ("a ? b", "'?' has no meaning", 2),
    ("B^{0.5}", "whole exponent", 1),
    (r"\operatorname{foo}(a)", "'foo'", 14),
    ("((((B^20)^20)^20)^20)", "too long", -1),
    ("log(softmax(" * 30 + "x" + "))" * 30, "nested deeper", -1),
    ("(" * 3000, "nested deeper", -1),
    ("a+" * 2400 + "a", "too long", -1),
    ("x" * 5001, "at most 5,000", -1),
    ("1" * 41, "too long", 0),
    (r"e^{\top}B", "e has no transpose", 1),
]


def arrays(names: Any = DIMS) -> dict[str, Any]:
    draw = np.random.default_rng(11)
    found: dict[str, Any] = {}
    for name, shape in names.items():
        sides = tuple(SIZES[d] for d in shape)
        a = draw.uniform(0.2, 0.9, sides + (1,) * (len(sides) == 1))
        found[name] = a if sides else float(a)
    return found


@pytest.mark.parametrize(("text", "plain"), SAME, ids=[s[0] for s in SAME])
def test_the_same_as_the_plain_grammar(text: str, plain: str) -> None:
    e = read(plain, DIMS)
    found = read_any(text, DIMS)
    one, other = (value(t, arrays(), SIZES) for t in (found, e))
    assert np.shape(one) == np.shape(other) and np.allclose(one, other), found


@pytest.mark.parametrize(
    ("text", "why", "at"), REFUSED, ids=[r[0][:30] for r in REFUSED]
)
def test_refused(text: str, why: str, at: int) -> None:
    start = time.perf_counter()
    with pytest.raises(BadInput) as refusal:
        read_any(text, DIMS)
    assert time.perf_counter() - start < 1
    assert why in refusal.value.message
    assert at < 0 or refusal.value.text == text and refusal.value.offset == at


def test_the_shape_decides_what_the_text_leaves_open() -> None:
    assert str(read_any("1", DIMS, None, ("n", 1))) == str(
        read("vector(1)", DIMS, None, ("n", 1))
    )
    outer = read_any(r"\delta \otimes x", DIMS, None, ("k", "n"))
    assert outer == read("delta*x'", DIMS)
    stacked = read_any(r"\delta \otimes x", DIMS)
    assert stacked == read("kron(delta, x)", DIMS)


def test_names_as_an_author_declares_them() -> None:
    dims = {r"\hat{y}": ("n",), r"\delta": ("n",), "x_1": ("n",), "W1": ("m", "n")}
    for text in (r"\hat{y} + \delta", "yhat + delta", "ŷ + δ", r"\hat y + \delta"):
        found = read_any(text, dims)
        assert {v.args[0] for v in found.args} == {r"\hat{y}", r"\delta"}
    assert read_any("W_1x_1", dims) == read_any("W1*x1", dims)


def test_a_declared_letter_is_a_variable() -> None:
    dims: dict[str, Any] = {"e": (), "I": (), "sigma": (), "a": (), "T": ()}
    assert read_any("e^2", dims) == read("e^2", dims)
    assert read_any(r"\frac{I}{\sigma}", dims) == read("I/sigma", dims)
    for text in (r"\sigma(a)", "σ(a)", "a^T"):
        with pytest.raises(BadInput, match="is a variable here"):
            read_any(text, dims)
    assert read_any(r"\sigma \cdot (a + 1)", dims) == read("sigma*(a + 1)", dims)


@pytest.mark.parametrize("text", [r"\frac{a}{b}", "x^{2}", "$a$", r"a \, b", r"\|x\|"])
def test_looks_like_latex(text: str) -> None:
    assert looks_like_latex(text)


@pytest.mark.parametrize("text", ["A'*x", "Aᵀx", "x^2", "sum(x)/n", "x_1"])
def test_does_not_look_like_latex(text: str) -> None:
    assert not looks_like_latex(text)


MACROS = (
    "frac sqrt sum max mathbf mathbb hat top left right lVert rVert operatorname{tr} "
    "log sigma det odot otimes , { } | begin prime mathsf vec exp delta bar"
)
WORDS = [
    *"xyzABCXabc0123456789+-*/^_()[]{}|.,'<>=&%$~ ",
    *[
        "ᵀ",
        "⁻¹",
        "²",
        "‖",
        "σ",
        "⊙",
        "ŷ",
        "₁",
        "√",
        "∑",
        "½",
        "𝟏",
        "̂",
        "٣",
        "tr(",
        "softmax(",
        "_i",
        "_{ij}",
        "^{-1}",
        "^{T}",
    ],
    *["e^", "1[", "I(", "log(", "kron("],
    *["\\" + word for word in MACROS.split(" ")],
]


def only_bad_input(text: str) -> None:
    start = time.perf_counter()
    try:
        read_any(text, DIMS)
    except BadInput as refusal:
        assert -1 <= refusal.offset <= len(text)
        str(refusal)
    assert time.perf_counter() - start < 1


@settings(max_examples=400)
@given(st.lists(st.sampled_from(WORDS), max_size=60).map("".join))
def test_no_text_raises_anything_else(text: str) -> None:
    only_bad_input(text)


@settings(max_examples=200)
@given(st.text(max_size=200))
def test_no_unicode_raises_anything_else(text: str) -> None:
    only_bad_input(text)


@settings(max_examples=100)
@given(st.sampled_from(WORDS), st.sampled_from(WORDS), st.integers(1, 1200))
def test_no_repetition_takes_long(one: str, two: str, times: int) -> None:
    only_bad_input((one + two) * times)
    only_bad_input(one * times + two * times)


POWERS = [("2^3^2", 512), ("2^(3^2)", 512), ("(2^3)^2", 64), ("2^-1^2", 0.5), ("2^2^1^3", 4)]


@pytest.mark.parametrize(("text", "wanted"), POWERS, ids=[p[0] for p in POWERS])
def test_the_three_readers_agree_on_powers_of_powers(text: str, wanted: float) -> None:
    from solver.expressions import grammar, latex_reader
    from solver.expressions.nodes import evaluate
    from solver.expressions.parse import parse

    read = [grammar.read(text, {}), latex_reader.read_any(text, {}), parse(text)]
    assert [evaluate(e) for e in read] == [wanted] * 3


@pytest.mark.parametrize("text", ["A^T^2", "A'^2", "A^2^T"])
def test_transpositions_may_stand_beside_powers(text: str) -> None:
    from solver.expressions import grammar, latex_reader

    dims = {"A": ("n", "n")}
    assert grammar.read(text, dims) == latex_reader.read_any(text, dims)
    assert grammar.read(text, dims) == grammar.read("A'*A'", dims)
