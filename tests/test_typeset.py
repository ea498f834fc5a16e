"""Printers of matrix trees: what a textbook sets, and what is printed reads back."""

from __future__ import annotations

import inspect
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from solver.expressions import matrix as m
from solver.expressions.grammar import read
from solver.expressions.latex_reader import read_any
from solver.expressions.nodes import Expr
from solver.expressions.typeset import (
    latex,
    mathml,
    numpy_code,
    numpy_source,
    unicode,
)
from solver.numeric.trees import value

SIZES = {"m": 2, "n": 3, "k": 5, "p": 7, "n·n": 9}
DIMS: dict[str, tuple[str, ...]] = {
    "x": ("n",), "z": ("n",), "w": ("n",), "y": ("m",), "yhat": ("m",), "b": ("m",),
    "u": ("k",), "delta": ("k",), "x_1": ("n",), "A": ("m", "n"), "X": ("m", "n"),
    "B": ("n", "n"), "C": ("n", "n"), "S": ("n", "n"), "W": ("k", "n"), "P": ("p", "k"),
    "Y": ("m", "p"), "W_hh": ("k", "k"), "a": (), "c": (), "t": (), "sigma": (),
    "beta_1": (), "d_k": (), "lambda": (), "loss": (),
}  # fmt: skip
FLAGS = {"S": ("symmetric", "posdef")}

# the last three columns: LaTeX, Unicode, NumPy, where a textbook's form is claimed
SET = [
    ("A'*(A*x - b)",
     r"\mathbf{A}^{\top} (\mathbf{A} \mathbf{x} - \mathbf{b})",
     "Aᵀ(Ax − b)", "A.T @ (A @ x - b)"),
    ("inv(A*A')*A*x",
     r"(\mathbf{A} \mathbf{A}^{\top})^{-1} \mathbf{A} \mathbf{x}",
     "(AAᵀ)⁻¹Ax", "np.linalg.inv(A @ A.T) @ A @ x"),
    ("inv(B)'*x", r"\mathbf{B}^{-\top} \mathbf{x}", "B⁻ᵀx", "np.linalg.inv(B).T @ x"),
    ("0.5*norm2(A*x - b)^2",
     r"\frac{1}{2} \lVert \mathbf{A} \mathbf{x} - \mathbf{b} \rVert_2^{2}",
     "‖Ax − b‖²/2", "np.linalg.norm(A @ x - b) ** 2 / 2"),
    ("x/norm2(x)", r"\frac{\mathbf{x}}{\lVert \mathbf{x} \rVert_2}", "x/‖x‖",
     "x / np.linalg.norm(x)"),
    ("logdet(B)", r"\ln\lvert\det \mathbf{B}\rvert", "ln|det(B)|",
     "np.linalg.slogdet(B)[1]"),
    ("x'*B*x", r"\mathbf{x}^{\top} \mathbf{B} \mathbf{x}", "xᵀBx",
     "(x.T @ B @ x).item()"),
    ("x.^2", r"\mathbf{x}^{\odot 2}", "x^⊙2", "x ** 2"),
    ("vector(1) - tanh(z).^2", r"\mathbf{1} - \tanh^{2}(\mathbf{z})", "1 − tanh²(z)",
     "np.ones((n, 1)) - np.tanh(z) ** 2"),
    ("y./yhat", r"\mathbf{y} \oslash \hat{\mathbf{y}}", "y ⊘ ŷ", "y / yhat"),
    ("delta*x'", r"\boldsymbol{\delta} \mathbf{x}^{\top}", "δxᵀ", "delta @ x.T"),
    ("(W'*delta).*x",
     r"\mathbf{x} \odot (\mathbf{W}^{\top} \boldsymbol{\delta})",
     "x ⊙ (Wᵀδ)", "x * (W.T @ delta)"),
    ("beta_1*x", r"\beta_{1} \mathbf{x}", "β₁x", "beta_1 * x"),
    ("lambda*norm2(w)^2", r"\lambda \lVert \mathbf{w} \rVert_2^{2}", "λ‖w‖²",
     "lambda_ * np.linalg.norm(w) ** 2"),
    ("W_hh*u", r"\mathbf{W}_{\mathrm{hh}} \mathbf{u}", "W_hh·u", "W_hh @ u"),
    ("loss^2", r"\mathrm{loss}^{2}", "loss²", "loss ** 2"),
    ("tr(B)^2", r"\operatorname{tr}(\mathbf{B})^{2}", "tr(B)²", "np.trace(B) ** 2"),
    ("kron(B, A)", r"\mathbf{B} \otimes \mathbf{A}", "B ⊗ A", "np.kron(B, A)"),
    ("B^3*x", r"\mathbf{B}^{3} \mathbf{x}", "B³x", "B @ B @ B @ x"),
    ("0.9*x + 0.1*z", r"0.9 \mathbf{x} + 0.1 \mathbf{z}", "0.9x + 0.1z",
     "0.9 * x + 0.1 * z"),
    ("exp(-a)/c", r"\frac{e^{-a}}{c}", "exp(−a)/c", "np.exp(-a) / c"),
]  # fmt: skip

ROUND = {
    "Cookbook 69: xᵀa": "x'*z",
    "Cookbook 70": "y'*A*x",
    "Cookbook 72, bilinear": "x'*B*z",
    "Cookbook 57, log determinant": "logdet(B)",
    "Cookbook 49, determinant": "det(B)*inv(B)'",
    "Cookbook 51": "2*det(A*A')*inv(A*A')*A",
    "Cookbook 61, inverse inside": "-inv(B)'*x*z'*inv(B)'",
    "Cookbook 81": "(B + B')*x",
    "Cookbook 84, weighted squares": "-2*A'*(y - A*x)",
    "Cookbook 88": "-2*S*(x - B*z)*z'",
    "Cookbook 100, trace": "tr(B'*C)",
    "Cookbook 108": "B*C + B'*C",
    "Cookbook 117": "tr(A*S*A')*B",
    "Cookbook 121": "3*(B^2)'",
    "Cookbook 124": "-(inv(B)*C*inv(B))'",
    "Cookbook 129, distance": "(x - z)/norm2(x - z)",
    "Cookbook 130": "eye/norm2(x - z) - (x - z)*(x - z)'/norm2(x - z)^3",
    "Cookbook 132, Frobenius": "2*A",
    "Cookbook 487, Kronecker": "kron(A, B + C)",
    "Cookbook 520, vec": "kron(B', A)*vec(C)",
    "ridge": "A'*(A*x - y)/m + 2*lambda*x",
    "centring": "(eye - vector(1)*vector(1)'/n)*x",
    "covariance": "A'*(eye - vector(1)*vector(1)'/m)*A/(m - 1)",
    "softmax": "diag(softmax(z)) - softmax(z)*softmax(z)'",
    "softmax of ones": "softmax(vector(1) + x)",
    "cross-entropy": "-y'*log(softmax(A*x))",
    "logistic": "sum(softplus(A*x)) - y'*A*x",
    "logistic gradient": "A'*(sigmoid(A*x) - y)",
    "sigmoid Hessian": "A'*diag(sigmoid(A*x).*(vector(1) - sigmoid(A*x)))*A",
    "tanh layer": "((P'*Y'*y).*(vector(1) - tanh(W*x).^2))*x'",
    "relu layer": "(u.*step(W*x))*x'",
    "batch": "A'*((Y*P).*step(A*W'))",
    "matrix of ones": "matrix(1) - sigmoid(A*W')",
    "ones in a product": "A*vector(1)*vector(1)'*B/n",
    "ones alone": "vector(1)",
    "many ones": "3*matrix(1)",
    "row of ones": "vector(1)'*B",
    "norm of ones": "norm2(vector(1) + x)*norm1(x)",
    "zero": "vector(0)",
    "identity": "c*eye",
    "row softmax": "rowsoftmax(A*W')*u",
    "row logsumexp": "sum(rowlogsumexp(A))",
    "scaled t": "t*logsumexp(x/t)",
    "layer norm": "(x - sum(x)/n*vector(1))/sqrt(norm2(x)^2/n - sum(x)^2/n^2 + a)",
    "attention": "rowsoftmax(A*X'/sqrt(d_k))*X",
    "cosine": "x'*z/(norm2(x)*norm2(z))",
    "Rayleigh": "2*(S*x - (x'*S*x)/(x'*x)*x)/(x'*x)",
    "Gaussian": "0.5*log(a) + 0.5*c^2/a",
    "powers of scalars": "a^c*sigma^-2*(1 + t)^0.5",
    "elementwise powers": "(x.^2 + z.^2).^-1.5",
    "elementwise root": "x./sqrt(vector(1) + x.^2)",
    "elementwise functions": "sin(x).*cos(z).^2 + arctan(x)./cosh(z)",
    "of a matrix": "exp(B) + abs(C) + sign(B)",
    "norm1 of a matrix": "norm1(A - X)",
    "absolute value twice": "abs(abs(a) - c)*abs(abs(x))",
    "accent transposed": "yhat'*y*b",
    "absolute value": "abs(a - c)*abs(x)",
    "transposed product": "(x.*z)'*B",
    "transposed function": "tanh(B)'*x",
    "fractions": "x/3 + 2*z/7 - 0.125*x",
    "large fraction": "(a + c)/(sigma*(t + 1)^2)*x",
    "two inner products": "(x'*z)*(y'*b)*x",
    "sigma and sigmoid": "sigma*sigmoid(x)",
    "many accents": "yhat*x_1'*B",
    "negative sum": "-(a + c)*x - (x'*z)*z",
    "diag of a matrix": "diag(B*C) + diag(S)",
    "a scalar over entries": "a*c*x.^-1 - z./x",
    "barrier": "A'*diag((b - A*x).^(-2))*A",
}  # fmt: skip


def arrays() -> dict[str, Any]:
    draw = np.random.default_rng(7)
    found: dict[str, Any] = {}
    for name, shape in DIMS.items():
        sides = tuple(SIZES[d] for d in shape)
        sides += (1,) * (len(sides) == 1)
        a = draw.uniform(0.3, 1.2, sides)
        found[name] = a @ a.T + np.eye(len(a)) if name in FLAGS else a
        found[name] = float(a) if not sides else found[name]
    return found


def agree(one: Any, other: Any) -> bool:
    return np.shape(one) == np.shape(other) and bool(np.allclose(one, other))


def tree(text: str) -> Expr:
    shape = {"vector(1)": ("n", 1), "vector(0)": ("n", 1), "c*eye": ("n", "n")}
    shape["3*matrix(1)"] = ("m", "n")
    return read(text, DIMS, FLAGS, shape.get(text))


@pytest.mark.parametrize(("text", "tex", "line", "code"), SET, ids=[s[0] for s in SET])
def test_as_a_textbook_sets_it(text: str, tex: str, line: str, code: str) -> None:
    e = tree(text)
    assert (latex(e), unicode(e), numpy_code(e)) == (tex, line, code)


ALL = {**{s[0]: s[0] for s in SET}, **ROUND}
every = pytest.mark.parametrize("text", ALL.values(), ids=ALL)


@every
@pytest.mark.parametrize("form", [latex, unicode])
def test_what_is_printed_reads_back(text: str, form: Any) -> None:
    e = tree(text)
    again = read_any(form(e, DIMS), DIMS, FLAGS, m.dims(e))
    assert agree(value(again, arrays(), SIZES), value(e, arrays(), SIZES)), form(
        e, DIMS
    )


@every
def test_numpy_runs_and_agrees(text: str) -> None:
    e = tree(text)
    here: dict[str, Any] = {}
    source = numpy_source(e, [*DIMS])
    exec(compile(source, "gradient.py", "exec"), here)  # our own text
    given = arrays()
    known = [*inspect.signature(here["gradient"]).parameters][len(given) :]
    found = here["gradient"](*given.values(), *(SIZES[d] for d in known))
    assert agree(found, value(e, given, SIZES)), source


@every
def test_braces_balance_and_mathml_is_xml(text: str) -> None:
    e = tree(text)
    tex = latex(e)
    depth = 0
    for c in tex:
        depth += {"{": 1, "}": -1}.get(c, 0)
        assert depth >= 0
    assert depth == 0 and tex.count(r"\left") == tex.count(r"\right")
    assert "{}" not in tex.replace("_{}", "") and "  " not in tex
    ElementTree.fromstring(f"<math>{mathml(e)}</math>".replace("<mo>></mo>", ""))
    converter = pytest.importorskip("latex2mathml.converter")
    assert "<math" in converter.convert(tex)


@pytest.mark.parametrize(
    ("names", "text", "tex"),
    [
        ({"sigma": (), "x": ("n",)}, "sigmoid(x)*sigma", r"\operatorname{sigmoid}"),
        ({"e": (), "a": ()}, "exp(a)*e", r"\exp(a)"),
        ({"I": (), "x": ("n",), "B": ("n", "n")}, "(B + I*eye)*x", "{eye}"),
        ({"T": (), "a": ()}, "a^T", r"a^{\mathit{T}}"),
    ],
)
def test_a_letter_that_means_something_else(names: Any, text: str, tex: str) -> None:
    e = read(text, names) if "^T" not in text else m.power(*map(scalar, "aT"))
    assert tex in latex(e)
    given = {
        n: np.full(tuple(SIZES[d] for d in s) + (1,) * (len(s) == 1), 0.7)
        if s
        else 1.3 + len(n)
        for n, s in names.items()
    }
    again = read_any(latex(e), names, None, m.dims(e))
    assert agree(value(again, given, SIZES), value(e, given, SIZES))


def scalar(name: str) -> Expr:
    return m.Var(name)


def test_the_source_names_the_sizes_that_no_array_has() -> None:
    e = read("vector(1) - x.^2", {"x": ("n",)})
    assert "n = x.shape[0]" in numpy_source(e, ["x"])
    whole = read("sum(x)*vector(1)", {"x": ("n",)}, None, ("m", 1))
    assert "def gradient(x, m):" in numpy_source(whole, ["x"])


def test_softmax_is_written_once_as_a_function() -> None:
    e = read("softmax(softmax(x))", {"x": ("n",)})
    source = numpy_source(e, ["x"], "layer")
    assert source.count("def softmax(z):") == 1
    assert source.endswith("def layer(x):\n    return softmax(softmax(x))\n")


def test_the_commutation_matrix() -> None:
    k = m.Comm("m", "n")
    assert latex(k) == r"\mathbf{K}_{m,n}" and unicode(k) == "K_(m,n)"
    found = eval(numpy_code(k), {"np": np, "m": 2, "n": 3})  # our own text
    assert agree(found, value(k, {}, SIZES))
