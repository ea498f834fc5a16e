"""Matrix calculus: textbook gradients, every rule against differences, and the checks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.calculus import rules
from solver.calculus.factor import factored, weight
from solver.calculus.forward import jacobian
from solver.calculus.sweep import gradient
from solver.core import BadInput, CheckFailed
from solver.expressions import matrix as m
from solver.expressions.grammar import infer, read
from solver.expressions.nodes import Num
from solver.expressions.plain import plain
from solver.kinds import solve
from solver.numeric.prove import equal, gradient_holds, jacobian_holds

# (source, expression, variable, declarations, gradient in the plain grammar)
TEXTBOOK = [
    ("Matrix Cookbook 69", "x'*a", "x", "x: n, a: n", "a"),
    ("Matrix Cookbook 70", "a'*X*b", "X", "X: m x n, a: m, b: n", "a*b'"),
    ("Matrix Cookbook 71", "a'*X'*b", "X", "X: m x n, a: n, b: m", "b*a'"),
    ("Matrix Cookbook 81", "x'*B*x", "x", "B: n x n, x: n", "(B + B')*x"),
    ("Matrix Cookbook 84", "(x - A*s)'*W*(x - A*s)", "s",
     "W: m x m symmetric, A: m x n, x: m, s: n", "-2*A'*W*(x - A*s)"),
    ("Matrix Cookbook 88", "(x - A*s)'*W*(x - A*s)", "A",
     "W: m x m symmetric, A: m x n, x: m, s: n", "-2*W*(x - A*s)*s'"),
    ("Matrix Cookbook 100", "tr(X*A)", "X", "X: m x n, A: n x m", "A'"),
    ("Matrix Cookbook 106", "tr(X^2)", "X", "X: n x n", "2*X'"),
    ("Matrix Cookbook 108", "tr(X'*B*X)", "X", "X: m x n, B: m x m", "B*X + B'*X"),
    ("Matrix Cookbook 57", "logdet(X)", "X", "X: n x n det-positive", "inv(X)'"),
    ("Matrix Cookbook 49", "det(X)", "X", "X: n x n det-positive", "det(X)*inv(X)'"),
    ("Matrix Cookbook 61", "a'*inv(X)*b", "X", "X: n x n invertible, a: n, b: n",
     "-inv(X)'*a*b'*inv(X)'"),
    ("Matrix Cookbook 129", "norm2(x - a)", "x", "x: n, a: n", "(x - a)/norm2(x - a)"),
    ("Matrix Cookbook 131", "norm2(x)^2", "x", "x: n", "2*x"),
    ("least squares", "norm2(A*x - b)^2", "x", "A: m x n, x: n, b: m", "2*A'*(A*x - b)"),
    ("ridge", "norm2(A*x - b)^2 + c*norm2(x)^2", "x", "A: m x n, x: n, b: m, c: scalar",
     "2*A'*(A*x - b) + 2*c*x"),
    ("softmax with cross-entropy", "-y'*log(softmax(z))", "z", "y: n onehot, z: n",
     "softmax(z) - y"),
    ("logistic regression", "sum(softplus(X*w)) - y'*(X*w)", "w", "X: m x n, w: n, y: m",
     "X'*(sigmoid(X*w) - y)"),
    ("Rayleigh quotient", "(x'*A*x)/(x'*x)", "x", "x: n, A: n x n symmetric",
     "2*(A*x - ((x'*A*x)/(x'*x))*x)/(x'*x)"),
    ("two-layer network", "0.5*norm2(P*tanh(W*x + b) - y)^2", "W",
     "P: k x h, W: h x n, x: n, b: h, y: k",
     "((P'*(P*tanh(W*x + b) - y)).*(vector(1) - tanh(W*x + b).^2))*x'"),
    ("a shared weight", "a'*tanh(W*tanh(W*x))", "W", "a: n, W: n x n, x: n",
     "(a.*(vector(1) - tanh(W*tanh(W*x)).^2))*tanh(W*x)'"
     " + ((W'*(a.*(vector(1) - tanh(W*tanh(W*x)).^2))).*(vector(1) - tanh(W*x).^2))*x'"),
    ("log-det of a sum", "logdet(A + X*B*X')", "X",
     "A: m x m posdef, B: n x n posdef, X: m x n", "2*inv(A + X*B*X')*X*B"),
]  # fmt: skip


def parsed(text: str, declarations: str, shape: Any = None) -> tuple[Any, dict[str, Any]]:
    from solver.calculus.declare import declared

    dims, flags = declared(declarations)
    return read(text, dims, flags, shape), dims


@pytest.mark.parametrize(
    ("source", "text", "wrt", "where", "wanted"), TEXTBOOK, ids=[t[0] for t in TEXTBOOK]
)
def test_textbook(source: str, text: str, wrt: str, where: str, wanted: str) -> None:
    answer = solve("grad", expr=text, wrt=wrt, where=where, convention="unconstrained")
    _, dims = parsed(text, where)
    shape = (*dims[wrt], 1, 1)[:2]
    expected, _ = parsed(wanted, where, shape)
    assert equal(answer.value, expected)
    assert m.dims(answer.value) == shape
    assert weight(answer.value) <= 1.5 * weight(expected)
    assert parsed(plain(answer.value), where, shape)[0] == answer.value


ELEMENTS = [(n, f"sum({n}({'0.3*' if n.startswith('arc') else ''}x))") for n in rules.SLOPES]


@pytest.mark.parametrize(("name", "text"), ELEMENTS, ids=[e[0] for e in ELEMENTS])
def test_every_elementwise_rule(name: str, text: str) -> None:
    flags = {"x": ("positive",)} if name in ("log", "sqrt") else {}
    f = read(text, {"x": ("n",)}, flags)
    x = m.Var("x", "n", 1, flags.get("x", ()))
    found = gradient(f, x)[0]
    assert gradient_holds(f, x, found)
    assert m.is_zero(found) or not gradient_holds(f, x, m.mul(Num(1.001), found))


NODES = {
    "tr": "tr(X*A)", "det": "det(X)", "logdet": "logdet(X)", "inv": "tr(inv(X)*A)",
    "sum": "sum(X)", "norm2": "norm2(X)", "norm1": "norm1(X)",
    "logsumexp": "logsumexp(X*b)", "softmax": "a'*softmax(X*b)",
    "rowsoftmax": "tr(A*rowsoftmax(X))", "rowlogsumexp": "a'*rowlogsumexp(X)",
    "diag": "a'*diag(X)",
}  # fmt: skip


def test_every_rule_has_an_example() -> None:
    functions = {k for k in rules.RULES if isinstance(k, str)}
    assert functions == set(NODES) | set(rules.SLOPES)


@pytest.mark.parametrize("name", NODES)
def test_every_matrix_rule(name: str) -> None:
    dims = {"X": ("n", "n"), "A": ("n", "n"), "a": ("n",), "b": ("n",)}
    flags = {"X": ("invertible",)}
    f, x = read(NODES[name], dims, flags), m.Var("X", "n", "n", ("invertible",))
    found = gradient(f, x)[0]
    assert gradient_holds(f, x, found) and gradient_holds(f, x, factored(found))
    assert not gradient_holds(f, x, m.mul(Num(1.001), found))
    if not equal(found, m.transpose(found)):
        assert not gradient_holds(f, x, m.transpose(found))


@pytest.mark.parametrize("key", list(NODES), ids=str)
def test_a_rule_wrong_by_a_tenth_of_a_percent_is_caught(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = rules.RULES[key]

    def wrong(e: Any, g: Any) -> Any:
        for child, part in right(e, g):
            yield child, m.mul(Num(1.001), part)

    wrong.__doc__ = right.__doc__
    monkeypatch.setitem(rules.RULES, key, wrong)
    where = "X: n x n invertible, A: n x n, a: n, b: n"
    with pytest.raises(CheckFailed):
        solve("grad", expr=NODES[key], wrt="X", where=where)


JACOBIANS = [
    ("A*x", "x", "A"),
    ("softmax(A*x)", "x", "(diag(softmax(A*x)) - softmax(A*x)*softmax(A*x)')*A"),
    ("relu(A*x + b)", "x", "diag(step(A*x + b))*A"),
    ("x/norm2(x)", "x", "(eye - x*x'/norm2(x)^2)/norm2(x)"),
    ("x.*(S*x)", "x", "diag(S*x) + diag(x)*S"),
]


@pytest.mark.parametrize(("text", "wrt", "wanted"), JACOBIANS)
def test_jacobians_in_both_layouts(text: str, wrt: str, wanted: str) -> None:
    where = "A: m x n, x: n, b: m, S: n x n"
    answer = solve("jacobian", expr=text, wrt=wrt, where=where)
    expected, _ = parsed(wanted, where, m.dims(answer.value))
    assert equal(answer.value, expected)
    other = solve("jacobian", expr=text, wrt=wrt, where=where, layout="denominator").value
    assert equal(other, m.transpose(expected))
    assert "denominator" in " ".join(
        solve("jacobian", expr=text, wrt=wrt, where=where, layout="denominator").conventions
    )


def test_a_transposed_jacobian_is_caught() -> None:
    z, x = read("A*x", {"A": ("m", "n"), "x": ("n",)}), m.Var("x", "n", 1)
    found = jacobian(z, x)
    assert jacobian_holds(z, x, found)
    assert not jacobian_holds(z, x, m.transpose(found))


@pytest.mark.parametrize(
    ("text", "wrt", "where", "wanted"),
    [
        ("x'*B*x", "x", "x: n, B: n x n", "B + B'"),
        ("logsumexp(x)", "x", "x: n", "diag(softmax(x)) - softmax(x)*softmax(x)'"),
        ("norm2(A*x - b)^2", "x", "A: m x n, x: n, b: m", "2*A'*A"),
    ],
)
def test_hessians(text: str, wrt: str, where: str, wanted: str) -> None:
    answer = solve("hessian", expr=text, wrt=wrt, where=where)
    assert equal(answer.value, parsed(wanted, where, m.dims(answer.value))[0])


def test_vec_and_kronecker() -> None:
    where = "A: p x m, X: m x n, B: n x q"
    answer = solve("jacobian", expr="A*X*B", wrt="X", where=where)
    assert plain(answer.value) == "kron(B', A)"
    turned = solve("jacobian", expr="X'", wrt="X", where=where)
    assert isinstance(turned.value, m.Comm)


@pytest.mark.parametrize(
    ("convention", "wanted"),
    [("frechet", "(A + A')/2"), ("cookbook", "A + A' - diag(diag(A))"), ("unconstrained", "A'")],
)
def test_symmetric_variables_name_their_convention(convention: str, wanted: str) -> None:
    where = "A: n x n, X: n x n symmetric"
    answer = solve("grad", expr="tr(A*X)", wrt="X", where=where, convention=convention)
    assert equal(answer.value, parsed(wanted, where, ("n", "n"))[0])
    assert "symmetr" in " ".join(answer.conventions)


def test_kinks_are_said() -> None:
    answer = solve("grad", expr="norm1(x) + sum(relu(x))", wrt="x", where="x: n")
    assert "does not exist where" in " ".join(answer.conventions)


def test_what_was_assumed_is_said() -> None:
    answer = solve("grad", expr="c*x'*A*x", wrt="x")
    said = " ".join(answer.conventions)
    assert "x is a column of" in said and "c is a scalar" in said and "A is a" in said


@pytest.mark.parametrize(
    ("text", "wrt", "where", "said"),
    [
        ("A*B", "A", "A: m x n, B: k x p", "n = k"),
        ("x + c", "x", "x: n, c: scalar", "cannot be added"),
        ("tr(A)", "A", "A: m x n", "square"),
        ("foo(x)", "x", "x: n", "no function is called 'foo'"),
        ("x'*(y", "x", "x: n, y: n", "never closed"),
        ("A*x", "x", "A: m x n, x: n", "ask for its Jacobian"),
        ("x'*x", "z", "x: n", "no variable of the expression is called 'z'"),
        ("sum(x)" + "+sum(x)" * 2000, "x", "x: n", "at most 5,000"),
        ("(" * 200 + "x" + ")" * 200, "x", "x: n", "nested deeper"),
        ("__import__('os')", "x", "x: n", "function"),
        ("diag(diag(x).*A')", "x", "A: n x n, x: n", "is not known"),
    ],
)
def test_refusals(text: str, wrt: str, where: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        kind = "jacobian" if text.startswith("diag") else "grad"
        solve(kind, expr=text, wrt=wrt, where=where)
    assert said in str(caught.value)


@given(st.text(alphabet="xyAB'*+-.^/()123 sumtrdie", max_size=40))
def test_no_text_crashes_the_grammar(text: str) -> None:
    dims = {"x": ("n",), "y": ("n",), "A": ("n", "n"), "B": ("m", "n")}
    try:
        tree = read(text, dims)
    except BadInput:
        return
    assert read(plain(tree), dims, {}, m.dims(tree)) == tree


LEAVES = {"x": ("n",), "y": ("n",), "A": ("n", "n"), "B": ("n", "n"), "c": ()}
COLUMNS = st.recursive(
    st.sampled_from(["x", "y", "vector(1)"]),
    lambda s: st.one_of(
        st.tuples(s, s).map(lambda t: f"({t[0]} + {t[1]})"),
        st.tuples(s, s).map(lambda t: f"({t[0]} - {t[1]})"),
        st.tuples(s, s).map(lambda t: f"({t[0]}).*({t[1]})"),
        s.map(lambda t: f"(A*({t}))"),
        s.map(lambda t: f"(B'*({t}))"),
        s.map(lambda t: f"tanh({t})"),
        s.map(lambda t: f"softmax({t})"),
        st.tuples(s, s).map(lambda t: f"(({t[0]})'*({t[1]}))*x"),
    ),
    max_leaves=6,
)


@given(COLUMNS, COLUMNS, st.sampled_from(["x", "A"]))
def test_random_functions_are_right_or_refused(a: str, b: str, wrt: str) -> None:
    """Every derivative is proved before it is given; its text reads back as itself."""
    where = {name: list(dims) for name, dims in LEAVES.items()}
    text = f"({a})'*({b}) + c*x'*A*x"
    try:
        answer = solve("grad", expr=text, wrt=wrt, where=where)
    except BadInput:  # the size of a vector(1) is open, or nothing depends on the variable
        return
    shown = plain(answer.value)
    assert read(shown, LEAVES, {}, m.dims(answer.value)) == answer.value


def test_inference_prefers_columns() -> None:
    assert infer("norm2(A*x - b)^2") == {"A": ("m", "n"), "x": ("n",), "b": ("m",)}
    assert infer("c*x'*x", shape=(1, 1)) == {"c": (), "x": ("m",)}
    with pytest.raises(BadInput):
        infer("+".join(f"tr(x{i}*A)" for i in range(12)))


def test_zero_is_never_silent() -> None:
    answer = solve("grad", expr="tr(B*A) + c", wrt="A", where="A: m x n, B: n x m, c: scalar")
    assert plain(answer.value) == "B'"
    assert answer.checks


EXTREMES = [
    ("sum(max(x, y))", "x", "step(x - y)"),
    ("sum(max(x, y))", "y", "vector(1) - step(x - y)"),
    ("sum(min(x, y))", "x", "vector(1) - step(x - y)"),
    ("sum(max(0, A*x))", "x", "A'*step(A*x)"),
    ("sum(min(0, x))", "x", "step(-x)"),
]


@pytest.mark.parametrize("case", EXTREMES, ids=lambda c: f"{c[0]} by {c[1]}")
def test_max_and_min_entry_by_entry(case):
    from solver.expressions.grammar import read
    from solver.kinds import solve
    from solver.numeric.prove import equal

    text, wrt, wanted = case
    dims = {"x": ("n",), "y": ("n",), "A": ("n", "n")}
    value = solve("grad", expr=text, wrt=wrt, where=dims).value
    assert equal(value, read(wanted, dims, {}, ("n", 1)))


def test_max_of_one_thing_is_refused():
    from solver.core import BadInput
    from solver.kinds import solve

    with pytest.raises(BadInput, match="two arguments"):
        solve("grad", expr="max(x)", wrt="x")
