"""eval, simplify, points, LaTeX, NumPy code; and hostile texts, refused within a second."""

from __future__ import annotations

import re
import time
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from solver.core import BadInput, CheckFailed
from solver.expressions import matrix as m
from solver.expressions.plain import plain
from solver.expressions.typeset import unicode
from solver.kinds import solve
from solver.numeric import prove
from solver.render import render

# (expression, point, value)
VALUES = [
    ("norm2(A*x - b)^2", "A = 1 2; 3 4, x = (1, 1), b = (0, 1)", 45),
    ("norm2(x)", "x = (3, 4)", 5),
    ("inv(A)*x", "A = [[1,2],[3,4]], x: [1, 2]", ((0,), (Fraction(1, 2),))),
    ("det(A)", "A = 0 2 1; 3 4 5; 1 0 7", -36),
    ("tr(A*B)", "A = 1 2 3; 4 5 6; B = 1 0; 0 1; 1 1", 15),
    ("1/3 + 1/6", "", Fraction(1, 2)),
    ("x'*x/n", '{"x": [1, 2, 3], "n": 7}', 2),
    ("c^3/(1 + c^2)", "c = 0.5", Fraction(1, 10)),
    ("relu(x).*step(x)", "x = -1 0 2", ((0,), (0,), (2,))),
    ("A'*x", "A = 1 2; 3 4; 5 6, x = 1 0 -1", ((-4,), (-4,))),
    (r"\frac{1}{2}\lVert\mathbf{x}\rVert_2^2", "x = (1, 2)", Fraction(5, 2)),
    (r"\mathbf{1}^T x", "x = (1, 2)", 3),
    (r"\sum_i x_i^2", "x = (1, 2)", 5),
    (r"\begin{cases} c^2 & c > 0 \\ 0 & \text{otherwise} \end{cases}", "c = -3", 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "point", "wanted"), VALUES, ids=[v[0] for v in VALUES])
def test_eval_is_exact(text: str, point: str, wanted: Any) -> None:
    answer = solve("eval", expr=text, point=point)
    assert answer.value == wanted
    assert not isinstance(answer.value, float)


@pytest.mark.parametrize(
    ("text", "point", "wanted"),
    [("softmax(x)", "x = 1000 1000", 0.5), ("logsumexp(x)", "x = 1000 1000", 1000.6931471805599),
     ("sigmoid(c)", "c = -800", 0.0), ("log(c)", "c = 2", 0.6931471805599453)],
)  # fmt: skip
def test_eval_of_functions(text: str, point: str, wanted: float) -> None:
    found = solve("eval", expr=text, point=point).value
    assert np.allclose(np.array(found, dtype=float), wanted, rtol=1e-12, atol=1e-300)


POINTS: list[Any] = [
    "A = 1 2; 3 4, x = (5, 6)", "A: [[1, 2], [3, 4]], x: [5, 6]", "x = 5 6; A = 1 2; 3 4",
    "A = 1, 2; 3, 4; x = 5 6", '{"A": [[1, 2], [3, 4]], "x": [5, 6]}', "A=((1,2),(3,4)), x=(5,6)",
    {"A": [[1, 2], [3, 4]], "x": [5, 6]}, {"A": "1 2; 3 4", "x": "5 6"},
    {"A": [[1, 2], [3, 4]], "x": [[5], [6]]},
]  # fmt: skip


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_every_way_to_write_a_point(point: Any) -> None:
    assert solve("eval", expr="A*x", point=point).value == ((17,), (39,))
    at = solve("grad", expr="x'*A*x", wrt="x", where="A: n x n, x: n", point=point)
    assert at.steps[-1].after == ((40,), (73,))
    assert plain(at.value) == "(A' + A)*x"


@pytest.mark.parametrize(
    ("kind", "given", "wanted"),
    [
        ("grad", {"expr": "tr(A'*A)", "wrt": "A", "point": "A = 1 2; 3 4"}, ((2, 4), (6, 8))),
        ("grad", {"expr": "c^2", "wrt": "c", "where": "c: scalar", "point": "c = 3"}, 6),
        ("jacobian", {"expr": "A*x", "wrt": "x", "point": "A = 1 2; 3 4, x = 1 1"},
         ((1, 2), (3, 4))),
        ("jacobian", {"expr": "A*x", "wrt": "x", "layout": "denominator",
                      "point": "A = 1 2; 3 4, x = 1 1"}, ((1, 3), (2, 4))),
        ("hessian", {"expr": "x'*A*x", "wrt": "x", "point": "A = 1 2; 3 4, x = 1 1"},
         ((2, 5), (5, 8))),
    ],
)  # fmt: skip
def test_a_derivative_at_a_point(kind: str, given: dict[str, Any], wanted: Any) -> None:
    answer = solve(kind, **given)
    assert answer.steps[-1].after == wanted
    assert any("at the point" in c.how for c in answer.checks)


def test_a_wrong_value_at_a_point_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from solver.calculus import numbers

    right = numbers.value_at
    monkeypatch.setattr(
        numbers, "value_at",
        lambda e, rows, size: [[x * 1.001 for x in row] for row in right(e, rows, size)],
    )  # fmt: skip
    with pytest.raises(CheckFailed):
        solve("eval", expr="A*x", point="A = 1 2; 3 4, x = 5 6")


def test_a_wrong_slope_at_a_point_is_caught() -> None:
    from solver.expressions.grammar import read

    f, x = read("x'*x", {"x": ("n",)}), m.Var("x", "n")
    rows, size = {"x": ((1,), (2,))}, {"n": 2}
    assert prove.holds_at(f, x, m.mul(m.Num(2), x), rows, size, "gradient")
    assert not prove.holds_at(f, x, m.mul(m.Num(2.002), x), rows, size, "gradient")


BAD_POINTS = [
    ("x = 1 2", "no value to A"), ("A = 1 2; 3 4, x = 1 2, x = 3", "given twice"),
    ("x", "each letter its value"), ("A = 1 2; 3, x = 1 2", "row"),
    ("A = a b; c d, x = 1 2", "number"), ("A = 1 2; 3 4, x = ", "not nothing"),
    ("{", "no JSON"), ("A = 1 2; 3 4, x = 1/0 2", "finite"), (7, "each letter its value"),
    ("A = 1 2; 3 4 | 5 6; 7 8, x = 1 2", "a number, a column or a matrix"),
]  # fmt: skip


@pytest.mark.parametrize(("point", "said"), BAD_POINTS, ids=[str(p[0]) for p in BAD_POINTS])
def test_bad_points(point: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        solve("grad", expr="x'*A*x", wrt="x", where="A: n x n, x: n", point=point)


@pytest.mark.parametrize(
    ("text", "where", "point", "said"),
    [
        ("A*x", "A: m x n, x: n", "A = 1 2; 3 4, x = 1 2 3", "n is 2, not 3"),
        ("inv(A)*x", "A: n x n, x: n", "A = 1 2; 2 4, x = 1 2", "singular"),
        ("tr(S)", "S: n x n symmetric", "S = 1 2; 3 4", "declared symmetric"),
        ("-y'*log(p)", "y: n onehot, p: n", "y = 1 1, p = 0.5 0.5", "declared onehot"),
        ("log(c)", "c: scalar", "c = -1", "no value at this point"),
        ("1/c", "c: scalar", "c = 0", "divided by 0"),
        ("c*x", "c: scalar, x: n", "c = 1 2, x = 1 2", "c is a scalar"),
    ],
)
def test_points_that_do_not_fit(text: str, where: str, point: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        solve("eval", expr=text, where=where, point=point)


# (expression, declarations, short form in the plain grammar)
SHORT = [
    ("inv(A*B)*A*x", "A: n x n, B: n x n, x: n", "inv(B)*x"),
    ("2*A'*A*x - 2*A'*b", "A: m x n, x: n, b: m", "2*A'*(A*x - b)"),
    ("(A*B)' - B'*A'", "A: m x n, B: n x m", "matrix(0)"),
    ("diag(u)*v", "u: n, v: n", "u.*v"),
    ("log(softmax(z)) + logsumexp(z)*vector(1)", "z: n", "z"),
    ("(c^2 - 1)/(c - 1)", "c: scalar", "c + 1"),
    ("1/(1 + exp(-z))", "z: scalar", "sigmoid(z)"),
    ("exp(z)/(1 + exp(z))", "z: scalar", "sigmoid(z)"),
    ("log(1 + exp(z))", "z: scalar", "softplus(z)"),
    ("x + x - 3*x", "x: n", "-x"),
]


@pytest.mark.parametrize(("text", "where", "wanted"), SHORT, ids=[s[0] for s in SHORT])
def test_simplify(text: str, where: str, wanted: str) -> None:
    answer = solve("simplify", expr=text, where=where)
    assert plain(answer.value) == wanted
    step = answer.steps[0]
    assert step.before is not None and prove.equal(step.before, answer.value)


def test_nothing_to_simplify_is_said() -> None:
    answer = solve("simplify", expr="A*x", where="A: m x n, x: n")
    assert "nothing to simplify" in str(answer)


def test_a_constructor_that_lies_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read is held against the text as it was written, nothing simplified."""
    from solver.expressions import unify

    monkeypatch.setattr(unify.m, "sub", lambda a, b: m.add(a, m.mul(m.Num(-1.001), b)))
    for kind, given in (("simplify", {}), ("grad", {"wrt": "x"})):
        with pytest.raises(CheckFailed):
            solve(kind, expr="norm2(A*x - b)^2", where="A: m x n, x: n, b: m", **given)


# The textbook's form of derivatives of scalars: (expression, derivative by z)
SCALARS = [
    ("log(1+exp(-y*z))", "−yσ(−yz)"), ("-log(sigmoid(y*z))", "−yσ(−yz)"),
    ("1/(1+exp(-z))", "σ(z)(1 − σ(z))"), ("exp(z)/(1+exp(z))", "σ(z)(1 − σ(z))"),
    ("-y*log(sigmoid(z)) - (1-y)*log(1-sigmoid(z))", "σ(z) − y"),
    ("-y*log(1/(1+exp(-z))) - (1-y)*log(1-1/(1+exp(-z)))", "σ(z) − y"),
    ("0.5*(y-z)^2", "z − y"), ("0.5*(y-sigmoid(z))^2", "σ(z)(1 − σ(z))(σ(z) − y)"),
    ("log(z)/z", "(1 − ln(z))/z²"), ("tanh(z)", "1 − tanh²(z)"), ("z^y", "yz^(y − 1)"),
    ("relu(1-y*z)", "−y·step(1 − yz)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), SCALARS, ids=[s[0] for s in SCALARS])
def test_scalars_in_the_textbooks_form(text: str, wanted: str) -> None:
    answer = solve("grad", expr=text, wrt="z", where="y: scalar, z: scalar")
    assert unicode(answer.value) == wanted
    assert len(answer.steps) >= 1


LATEX = [
    ("grad", r"\mathbf{x}^T\mathbf{A}\mathbf{y}", "x", "A*y"),
    ("grad", r"\mathbf{x}^\top \mathbf{A} \mathbf{y}", "A", "x*y'"),
    ("grad", r"\frac12 \lVert \mathbf{X}\mathbf{w} - \mathbf{y}\rVert_2^2"
             r" + \frac\lambda2\|w\|^2", "w", "X'*(X*w - y) + lambda*w"),
    ("grad", r"\sum_{i=1}^n (y_i - \hat{y}_i)^2", r"\hat{y}", "2*(yhat - y)"),
    ("grad", r"-\sum_i y_i\log \hat{y}_i", "yhat", "-y./yhat"),
    ("grad", r"\operatorname{tr}(A^{-1}B)", "B", "inv(A)'"),
    ("grad", r"\log\det X", "X", "inv(X)'"),
    ("grad", "‖Ax − b‖²", "x", "2*A'*(A*x - b)"),
    ("jacobian", r"\sigma(Wx + b)", "x", "diag(sigmoid(W*x + b).*(vector(1) - sigmoid(W*x + b)))*W"),
    ("jacobian", r"x \odot z", "x", "diag(z)"),
    ("hessian", r"\tfrac12 x^\top A x", "x", "0.5*(A + A')"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "wrt", "wanted"), LATEX, ids=[s[1] for s in LATEX])
def test_latex_with_nothing_declared(kind: str, text: str, wrt: str, wanted: str) -> None:
    from solver.expressions.grammar import read

    answer = solve(kind, expr=text, wrt=wrt)
    leaves = {n for n in m_walk(answer.value) if isinstance(n, m.Var)}
    dims = {v.name: tuple(d for d in m.dims(v) if d != 1) for v in leaves}
    assert prove.equal(answer.value, read(wanted, dims, {}, m.dims(answer.value)))
    assert "not declared, so read as" in " ".join(answer.conventions)


def m_walk(e: Any) -> Any:
    from solver.expressions.nodes import walk

    return walk(e)


def test_an_entry_beside_its_column_is_asked_about() -> None:
    """z_1 as a letter of its own would give another gradient by z than z's first entry."""
    with pytest.raises(BadInput, match="an entry of it, or a letter of its own"):
        solve("grad", expr=r"-\log\frac{e^{z_1}}{\sum_j e^{z_j}}", wrt="z")


SIDE_BY_SIDE = [
    ("x^T A x", "x", "(A' + A)*x"), ("x'Ax", "x", "(A' + A)*x"), ("2x^T A y", "x", "2*A*y"),
    ("x^TQx + q^Tx", "x", "(Q' + Q)*x + q"), ("||Ax - b||^2", "x", "2*A'*(A*x - b)"),
    ("x^2 + 3x", "x", "2*x + 3"), ("(w'x + b)^2", "w", "2*(w'*x + b)*x"),
    (r"\mathbf{a}^T\mathbf{X}^{-1}\mathbf{b}", "X", "-inv(X)'*a*b'*inv(X)'"),
    (r"\|\mathbf{X}\boldsymbol\beta-\mathbf{y}\|^2", r"\beta", "2*X'*(X*beta - y)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt", "wanted"), SIDE_BY_SIDE, ids=[s[0] for s in SIDE_BY_SIDE])
def test_letters_side_by_side(text: str, wrt: str, wanted: str) -> None:
    assert plain(solve("grad", expr=text, wrt=wrt).value) == wanted


@pytest.mark.parametrize("text", ["fo(x)", "lgo(x)", "x'*(y", "q*x y(", "norm3(x)", r"\mathbb{E}[x^Tx]", "x'Ax/x'x"])
def test_a_slip_is_no_product_of_letters(text: str) -> None:
    with pytest.raises(BadInput):
        solve("grad", expr=text, wrt="x")


@pytest.mark.parametrize(
    ("kind", "text", "wrt"),
    [("grad", "norm2(X*w - y)^2", "w"), ("grad", "tr(A'*A)", "A"), ("grad", "sum(x)", "x"),
     ("jacobian", "softmax(W*x)", "x"), ("hessian", "logsumexp(x)", "x"),
     ("grad", "sum(softplus(X*w))", "w"), ("jacobian", "A*X*B", "X")],
)  # fmt: skip
def test_numpy_code_runs_and_agrees(kind: str, text: str, wrt: str) -> None:
    answer = solve(kind, expr=text, wrt=wrt)
    code = render(answer, "numpy")
    scope: dict[str, Any] = {}
    exec(compile(code, "<answer>", "exec"), scope)  # our own code, not text from outside
    function = scope[answer.name]
    letters = function.__code__.co_varnames[: function.__code__.co_argcount]
    arrays, size = next(iter(prove.points([answer.value])))
    given = [arrays[n] if n in arrays else size[n] for n in letters]
    from solver.numeric.trees import value

    assert np.allclose(function(*given), value(answer.value, arrays, size))


def test_only_expressions_are_written_in_numpy() -> None:
    with pytest.raises(BadInput, match="only an expression"):
        render(solve("shape conv", kernel=3), "numpy")


def nested(function: str, times: int, inside: str) -> str:
    return function * times + inside + ")" * times * function.count("(")


HOSTILE = {
    "a long sum": "+".join(["x"] * 2400), "a long product": "*".join(["c"] * 2000),
    "log softmax": nested("log(softmax(", 25, "x"),
    "log softmax 8": "sum(" + nested("log(softmax(", 8, "x") + ")",
    "powers of powers": "tr((((A^20)^20)^20)^20)", "powers of numbers": "9^9^9^9^9*c",
    "powers of scalars": "(((c^20)^20)^20)^20", "a huge power": "(c+1)^1000000",
    "signs": "-" * 3000 + "c", "pluses": "+" * 4000 + "c", "quotes": "x" + "'" * 3000,
    "towers": "c" + "^2" * 2000, "minus powers": "c^" + "-" * 3000 + "2",
    "kron": "tr(" + nested("kron(A,", 30, "A") + ")", "digits": "1" * 4000 + "*c",
    "kron of five": "tr(kron(A,kron(A,kron(A,kron(A,A)))))",
    "exponents": "1e999999*c", "inverses": "tr(" + nested("inv(", 70, "A") + ")",
    "exp exp": nested("exp(", 30, "c"), "deep": "sum(" + nested("tanh(A*", 60, "x") + ")",
    "many factors": "*".join(f"(c+{i})" for i in range(40)),
    "many logs": "*".join(f"log(c+{i})" for i in range(20)),
    "many roots": "+".join(f"sqrt(c+{i})" for i in range(12)), "A": "tr(" + "A*" * 139 + "A)",
    "fractions": "\\frac{" * 2000, "nested fractions": "\\frac1" * 900 + "c",
    "roots": "\\sqrt" * 900 + "c", "left": "\\left(" * 700, "sums": "\\sum_i" * 500 + "x_i",
    "superscripts": "²" * 4000, "hats": "\\hat" * 900 + "c", "ones": "\\mathbf{1}^T" * 300,
    "fonts": "\\mathbf{" * 500 + "x" + "}" * 500, "subscripts": "x" + "_{1" * 800 + "}" * 800,
    "cases": "\\begin{cases}" * 200, "branches": "\\begin{cases} c & c>0 \\\\" * 60,
    "indicators": "1[" * 800 + "c", "bars": "|" * 1500 + "c", "norms": "\\|" * 1500 + "c",
    "a division by zero": "1/0*c", "a power of zero": "0^-1*c", "a null": "c\0",
    "the other way": "\u202ec", "half a letter": "c\ud800",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_end_within_a_second(name: str) -> None:
    text = HOSTILE[name]
    wrt = "A" if "A" in text else "x" if "x" in text.replace("exp", "") else "c"
    given = {"expr": text, "where": "A: n x n, x: n, c: scalar"}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("grad", {"wrt": wrt}), ("jacobian", {"wrt": wrt}), ("hessian", {"wrt": wrt}),
        ("simplify", {}), ("eval", {"point": "A = 1 2; 3 4, x = 1 2, c = 3"}),
    ]  # fmt: skip
    for kind, more in asked:
        start = time.process_time()
        try:
            assert solve(kind, **given, **more).checks
        except BadInput as e:
            assert "\n" not in str(e.message) and len(e.message) < 300
        assert time.process_time() - start < 1, kind


@pytest.mark.parametrize(
    "text",
    ["+".join(f"tr(x{i}*A)" for i in range(12)), "+".join("abcdefghij"),
     "+".join(f"{a}*{a}" for a in "abcdefghij" * 40), "\\alpha\\beta\\gamma\\delta xyzwuv" * 30],
)  # fmt: skip
def test_guessing_what_letters_are_ends_within_a_second(text: str) -> None:
    start = time.process_time()
    try:
        assert solve("grad", expr=text, wrt="a").checks
    except BadInput as e:
        assert "declare" in str(e) or len(str(e)) < 500
    assert time.process_time() - start < 1


def test_sizes_that_are_too_large_are_refused() -> None:
    with pytest.raises(BadInput, match="write its sizes as letters"):
        solve("grad", expr="tr(A'*A)", wrt="A", where="A: 1000 x 1000")


# (kind, given, what the refusal says)
REFUSED = [
    ("grad", {"expr": "sum(abs(x))", "wrt": "x", "point": "x = (0, 1)"}, "kink"),
    ("grad", {"expr": "norm2(x)", "wrt": "x", "point": "x = (0, 0)"}, "kink"),
    ("grad", {"expr": "sum(relu(W*x))", "wrt": "W", "point": "W = 1 -1; 2 3, x = (1, 1)"},
     "an argument of relu is 0"),
    ("hessian", {"expr": "tr(S*S)", "wrt": "S", "where": "S: symmetric n x n"}, "symmetric"),
    ("grad", {"expr": "-sum(Y.*log(P))/N", "wrt": "P"}, "N: scalar"),
    ("eval", {"expr": "exp(10000)"}, "beyond"),
    ("eval", {"expr": "9^9^9"}, "power beyond"),
    ("eval", {"expr": "9.^9.^9"}, "power beyond"),
    ("grad", {"expr": "x^{2}^{3}", "wrt": "x"}, "two ways"),
    ("grad", {"expr": r"\sigma x^2", "wrt": "x"}, "sigmoid or a letter"),
    ("grad", {"expr": r"\sigma^2(x - m)", "wrt": "x"}, "sigmoid or a letter"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "given", "said"), REFUSED, ids=[r[1]["expr"] for r in REFUSED])
def test_refused_by_name(kind: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        solve(kind, **given)


# (kind, expression, variable, declared, derivative)
READ = [
    ("grad", "norm2(x)^2", "x", "x: scalar", "2x"),
    ("grad", "abs(x)*sign(x)", "x", "x: scalar", "1"),
    ("grad", r"\sigma^2 x", "x", None, "σ²"),
    ("grad", r"e^{-\frac{x^2}{2\sigma^2}}", "x", None, "−x·exp(−x²/(2σ²))/σ²"),
    ("grad", r"\sigma\left(z\right)", "z", None, "σ(z)(1 − σ(z))"),
    ("grad", r"\sigma{(z)}", "z", None, "σ(z)(1 − σ(z))"),
    ("grad", r"\sigma x", "x", "sigma: scalar, x: scalar", "σ"),
    ("hessian", "norm1(x)", "x", None, "𝟎"),
    ("hessian", "-sum(y.*log(softmax(W*x)))", "W", None,
     "(𝟏ᵀy)(x ⊗ I)(diag(softmax(Wx)) − softmax(Wx)softmax(Wx)ᵀ)(xᵀ ⊗ I)"),
    ("simplify", "sin(x)^2 + cos(x)^2", "", "x: scalar", "1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text", "wrt", "where", "wanted"), READ, ids=[f"{r[0]} {r[1]}" for r in READ]
)
def test_read_and_derived(kind: str, text: str, wrt: str, where: Any, wanted: str) -> None:
    given = {"wrt": wrt} if wrt else {}
    assert unicode(solve(kind, expr=text, where=where, **given).value) == wanted


@pytest.mark.parametrize("text", ["sum(rowsoftmax(X*W).^2)", "sum(rowlogsumexp(X*W))"])
def test_second_derivatives_through_rows_are_checked(text: str) -> None:
    assert all(c.ok for c in solve("hessian", expr=text, wrt="W").checks)


def test_a_symmetric_variables_convention_is_named() -> None:
    found = solve("jacobian", expr="S*x", wrt="S", where="S: symmetric n x n, x: n")
    assert any("symmetric" in c for c in found.conventions)


def test_where_a_norm_has_no_derivative_is_said() -> None:
    said = [solve("grad", expr=f, wrt="x").conventions[-1]
            for f in ("norm2(x)", "sqrt(x'*x)", "norm2(x)^2", "sqrt(1 + x'*x)")]  # fmt: skip
    assert ["does not exist" in s for s in said] == [True, True, False, False]


def test_what_a_step_derives_by_stands_in_brackets_in_every_form() -> None:
    answer = solve("grad", expr="norm2(X*w - y)^2", wrt="w", where="X: n x d, w: d, y: n")
    assert "∂f/∂(Xw − y) = 2(Xw − y)" in render(answer, "text")
    tex = render(answer, "tex")
    assert r"{\partial (\mathbf{X} \mathbf{w} - \mathbf{y})}" in tex
    assert r"{\partial \mathbf{w}}" in tex
    assert "∂(𝐗" in re.sub(r"<[^>]*>", "", render(answer, "html"))
