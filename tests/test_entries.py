"""The second proof: written out entry by entry, differentiated by SymPy, compared."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from solver.calculus import exact, forward, rules
from solver.calculus.declare import declared
from solver.calculus.entries import TooLarge, Written
from solver.calculus.exact import PATIENT, by_entries, value
from solver.calculus.numbers import value_at
from solver.calculus.sweep import gradient
from solver.core import CheckFailed
from solver.expressions import matrix as m
from solver.expressions.grammar import read
from solver.expressions.nodes import Num
from solver.kinds import solve
from solver.numeric.trees import value as by_numpy

WHERE = ("A: m x n, B: n x m, C: n x n invertible, S: n x n symmetric, P: n x n posdef, x: n, "
         "u: n positive, y: m, c: scalar, h: n onehot, p: n prob, R: m x n rowprob")  # fmt: skip
SIZE = {"m": 2, "n": 3}

# every node and function, at numbers three ways: as trees, as numbers, by NumPy
WRITTEN = [
    "A*x + y", "A'*y - 2*x", "c*x'*C*x", "A.*B'", "x.^2", "x./u", "u.^0.5", "C^2*x", "tr(C*S)",
    "det(C)", "logdet(P)", "inv(C)*x", "inv(P)", "sum(A)", "norm1(A)", "norm2(A)^2", "norm2(x)",
    "logsumexp(x)", "softmax(A*x)", "rowsoftmax(A)", "rowlogsumexp(A)", "diag(x)", "diag(C)",
    "vec(A)", "kron(A, B)", "vector(1)'*x", "x*vector(1)'*S", "eye*C + C", "exp(x)", "log(u)",
    "sqrt(u)", "abs(x)", "sign(x)", "sin(x)", "cos(x)", "tan(x)", "tanh(x)", "sinh(x)", "cosh(x)",
    "arctan(x)", "arcsin(0.3*x)", "arccos(0.3*x)", "sigmoid(x)", "relu(x)", "step(x)",
    "softplus(x)", "h'*x", "p'*x", "R*x", "sum(x)/n", "u'*log(u)", "c^3/(1 + c^2)",
]  # fmt: skip


def tree(text: str, shape: Any = None, where: str = WHERE) -> Any:
    dims, flags = declared(where)
    return read(text, dims, flags, shape)


def rational(w: Written, *trees: Any) -> dict[Any, Any]:
    cells = [c for e in trees for c in w.column(e)]
    return next(exact.valued(w, trees, cells))


@pytest.mark.parametrize("text", WRITTEN)
def test_every_node_has_its_numpy_value(text: str) -> None:
    e = tree(text, ("n", "n") if text.startswith("eye") else None)
    w = Written(SIZE, 10_000)
    at = rational(w, e)
    rows = {}
    for v in (n for n in exact.walk(e) if isinstance(n, m.Var) and "dimension" not in n.flags):
        rows[v.name] = [[value(c, at) for c in row] for row in w.rows(v)]
    arrays: dict[str, Any] = {k: np.array(r, dtype=float) for k, r in rows.items()}
    arrays = {k: float(a[0, 0]) if a.shape == (1, 1) else a for k, a in arrays.items()}
    wanted = np.atleast_2d(by_numpy(e, arrays, SIZE))
    found = np.array([[float(value(c, at)) for c in row] for row in w.rows(e)])
    alone = np.array(value_at(e, rows, SIZE), dtype=float)
    assert found.shape == wanted.shape == alone.shape
    assert np.allclose(found, wanted, rtol=1e-12) and np.allclose(alone, wanted, rtol=1e-12)


def test_rational_functions_are_exact() -> None:
    rows = {"C": [[2, 1, 0], [0, 3, 1], [1, 0, 4]], "x": [[1], [Fraction(1, 3)], [2]]}
    found = value_at(tree("inv(C)*x"), rows, SIZE)
    assert all(isinstance(x, (int, Fraction)) for row in found for x in row)
    back = value_at(tree("C*x"), {**rows, "x": found}, SIZE)
    assert back == rows["x"]


def test_symmetric_entries_are_shared() -> None:
    w = Written(SIZE, 100)
    s, c = w.rows(tree("S")), w.rows(tree("C"))
    assert s[0][1] == s[1][0] and c[0][1] != c[1][0]
    assert Written(SIZE, 100, apart="S").rows(tree("S"))[1][0] != s[0][1]


def test_names_that_would_clash_keep_their_capital() -> None:
    e = tree("X*x", None, "X: m x n, x: n")
    assert str(Written(SIZE, 100, {"X", "x"}).rows(e)[0][0]).startswith("X_11·x_1")
    assert str(Written(SIZE, 100, {"X"}).rows(tree("X", None, "X: m x n"))[0][0]) == "x_11"


def test_a_letter_beside_a_column_is_none_of_its_entries() -> None:
    where = "z: n, z_1: scalar"
    answer = solve("grad", expr="logsumexp(z) - z_1", wrt="z", where=where)
    assert str(answer.value) == "softmax(z)" and len(answer.checks) >= 2


def test_it_is_bounded() -> None:
    with pytest.raises(TooLarge):
        Written({"m": 2, "n": 4}, 10_000).rows(tree("inv(C)"))
    with pytest.raises(TooLarge):
        Written(SIZE, 20).rows(tree("softmax(C*C*x)"))


PROOFS = [
    ("gradient", "norm2(A*x - y)^2", "x", "2*A'*(A*x - y)"),
    ("gradient", "norm2(A*x - y)^2", "A", "2*(A*x - y)*x'"),
    ("gradient", "x'*C*x", "x", "(C + C')*x"),
    ("gradient", "logdet(C)", "C", "inv(C)'"),
    ("gradient", "tr(inv(C)*S)", "C", "-inv(C)'*S*inv(C)'"),
    ("gradient", "-h'*log(softmax(x))", "x", "softmax(x) - h"),  # needs Σh = 1
    ("gradient", "sum(softplus(A*x)) - y'*A*x", "x", "A'*(sigmoid(A*x) - y)"),
    ("gradient", "norm1(x) + sum(relu(x))", "x", "sign(x) + step(x)"),
    ("jacobian", "softmax(A*x)", "x", "(diag(softmax(A*x)) - softmax(A*x)*softmax(A*x)')*A"),
    ("jacobian", "A*C*B", "C", "kron(B', A)"),
    ("scalar", "inv(C + c*S)", "c", "-inv(C + c*S)*S*inv(C + c*S)"),
    ("hessian", "x'*C*x", "x", "C + C'"),
    ("hessian", "logsumexp(x)", "x", "diag(softmax(x)) - softmax(x)*softmax(x)'"),
]


def wrong(e: Any) -> list[Any]:
    """Off by 0.1 %, of the other sign, transposed where that fits and is another."""
    found = [m.mul(Num(Fraction(1001, 1000)), e), m.neg(e)]
    square = m.dims(e)[0] == m.dims(e)[1] and m.transpose(e) != e
    return found + ([m.transpose(e)] if square and "softmax" not in str(e) else [])


@pytest.mark.parametrize(("kind", "text", "wrt", "closed"), PROOFS, ids=[p[1] for p in PROOFS])
def test_closed_forms_are_proved_and_wrong_ones_are_not(
    kind: str, text: str, wrt: str, closed: str
) -> None:
    f, x, g = tree(text), tree(wrt), tree(closed)
    proof = by_entries(f, x, g, kind, PATIENT)
    assert proof is not None and proof.ok
    assert "SymPy" in proof.how
    for other in wrong(g):
        if kind == "hessian" and m.transpose(g) == other:
            continue
        assert by_entries(f, x, other, kind, PATIENT).ok is False  # type: ignore[union-attr]


@pytest.mark.parametrize("convention", ["frechet", "cookbook", "unconstrained"])
def test_each_convention_is_told_from_the_others(convention: str) -> None:
    f, x = tree("tr(C*S)"), tree("S")
    values = {c: solve("grad", expr="tr(C*S)", wrt="S", where=WHERE, convention=c).value
              for c in ("frechet", "cookbook", "unconstrained")}  # fmt: skip
    for name, g in values.items():
        proof = by_entries(f, x, g, "gradient", PATIENT, convention)
        assert proof is not None and proof.ok is (name == convention)


def test_for_all_values_is_said_only_of_identities() -> None:
    said = solve("grad", expr="x'*C*x", wrt="x", where=WHERE).checks[-1].how
    assert said == "SymPy entry by entry at n = 3, for all values"
    bound = solve("grad", expr="-h'*log(softmax(x))", wrt="x", where=WHERE).checks[-1].how
    assert bound.endswith("at rational points")


def test_what_is_too_long_says_only_differences() -> None:
    text = "norm2(tanh(A*tanh(B*tanh(A*tanh(B*tanh(A*x))))))^2"
    answer = solve("grad", expr=text, wrt="A", where=WHERE)
    assert not any("SymPy" in c.how for c in answer.checks)


@pytest.mark.parametrize("kind", ["grad", "jacobian", "hessian"])
def test_a_wrong_closed_form_is_caught_by_entries_alone(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the differences silenced, SymPy still finds an error of 0.1 %."""
    from solver.kinds import derivative
    from solver.numeric import prove

    for name in ("gradient_holds", "jacobian_holds", "equal", "part_holds"):
        monkeypatch.setattr(prove, name, lambda *a: True)
    right = derivative.short
    monkeypatch.setattr(derivative, "short", lambda e: m.mul(Num(1.001), right(e)))
    monkeypatch.setattr(derivative, "sweep_steps", lambda *a: ())
    with pytest.raises(CheckFailed, match="SymPy"):
        solve(kind, expr="x'*C*x" if kind != "jacobian" else "A*x", wrt="x", where=WHERE)


@pytest.mark.parametrize("kind", ["grad", "jacobian", "hessian"])
@pytest.mark.parametrize("how", ["scaled", "transposed"])
def test_a_wrong_rule_is_caught_by_differences_alone(
    kind: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With SymPy silenced, a matrix product whose rule is wrong is found by differences."""
    right, product = rules.RULES[m.Dot], forward.product

    def spoilt(part: Any) -> Any:
        turned = m.dims(part)[0] == m.dims(part)[1] and how == "transposed"
        return m.transpose(part) if turned else m.mul(Num(1.001), part)

    def wrong(e: Any, g: Any) -> Any:
        for child, part in right(e, g):
            yield child, spoilt(part)

    wrong.__doc__ = right.__doc__
    monkeypatch.setattr(exact, "by_entries", lambda *a: None)
    monkeypatch.setitem(rules.RULES, m.Dot, wrong)
    monkeypatch.setattr(forward, "product", lambda z, x: spoilt(product(z, x)))
    forward.jacobian.cache_clear()
    text = "C*x" if kind == "jacobian" else "x'*C*x + norm2(C*x)^2"
    try:
        with pytest.raises(CheckFailed):
            solve(kind, expr=text, wrt="x", where=WHERE)
    finally:
        forward.jacobian.cache_clear()


def test_a_corrupted_cotangent_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line of the sweep is wrong, the result right: the step is refused by name."""
    from dataclasses import replace

    from solver.kinds import derivative

    def corrupted(f: Any, x: Any) -> Any:
        found, lines = gradient(f, x)
        inner = [i for i, line in enumerate(lines) if isinstance(line.node, m.Dot | m.Add)]
        i = inner[-1]
        spoilt = m.mul(Num(1.001), lines[i].cotangent)
        lines[i] = replace(lines[i], cotangent=spoilt)
        return found, lines

    monkeypatch.setattr(derivative, "gradient", corrupted)
    with pytest.raises(CheckFailed, match="the step for"):
        solve("grad", expr="norm2(A*x - y)^2", wrt="x", where=WHERE)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("grad", "tr(A'*A)", ["f = a₁₁² + a₂₁² + a₁₂²", "∂f/∂a₁₁ = 2a₁₁", "[2a₁₁  2a₁₂  2a₁₃]"]),
        ("jacobian", "A*vec(B*A)", ["SymPy"]),
        ("hessian", "norm2(A)^2", ["f = a₁₁²", "[2  0  0  0  0  0]"]),
    ],
)
def test_the_working_is_shown(kind: str, text: str, said: list[str]) -> None:
    if "vec" in text:
        text = "B*A"
    shown = str(solve(kind, expr=text, wrt="A", where=WHERE, entries=True))
    assert all(s in shown for s in said), shown
    assert all(len(line) <= 80 for line in shown.splitlines())
