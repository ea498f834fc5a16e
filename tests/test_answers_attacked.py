"""Answers that an adversary found, each on the wrong side of a verdict once.

Where a text is "open", it may be wrong, invalid or undecided, but never right.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.answering import judged

RIDGE = {"where": "X: n x d, y: n, lambda: positive"}
OPEN = "not right"
# form, key, what is declared, text, mark
FOUND: list[tuple[str, str, dict[str, Any], str, str]] = [
    # a difference that points cannot see
    ("integer", "2^100", {}, "2^100 + 1", OPEN),
    ("integer", "2^100", {}, "1267650600228229401496703205376", "right"),
    ("integer", "3", {}, "3 + 10^-30", OPEN),
    ("expression", "0", {}, "sin(x) 10^(-60)", OPEN),
    ("expression", "x^2", {}, "1.0000000000000000000000000000001 x^2", OPEN),
    ("expression", "1", {}, "(1+x^2)^(10^(-40))", OPEN),
    ("expression", "x", {}, "10^20 sin(10^(-20) x)", OPEN),
    ("expression", "x^2", {}, "x^2 + 1[x > 10^5]", OPEN),
    ("expression", "x", {}, "x if -10000 < x < 10000", OPEN),
    ("expression", "x", {}, "sqrt((x+10^6)^2) - 10^6", OPEN),
    ("expression", "x", {}, "10^4 atan(tan(x/10^4))", OPEN),
    ("expression", "p", {"where": "p: probability"}, "p + sqrt((p-0.99)^2) + p - 0.99", OPEN),
    ("expression", r"\sum_{i=1}^{n} x_i", {}, "x_1 + x_2 + x_3 1[n>2] + x_4 1[n>3]", OPEN),
    ("expression", "1[x>0]", {}, "1[x>0.001]", "wrong"),
    ("piecewise", "x if x>0 else 0", {}, "x if x>0", "wrong"),
    ("piecewise", "x if x>0 else 0", {}, "x if x>=0.0001 else 0", "wrong"),
    # what cancels far away is not wrong
    ("expression", "1", {}, "cosh(x)^2 - sinh(x)^2", "right"),
    ("expression", r"\sigma(z)(1-\sigma(z))", {}, r"\frac{e^{-z}}{(1+e^{-z})^2}", "right"),
    ("expression", r"\sigma(z)(1-\sigma(z))", {}, "σ'(z)", "undecided"),
    # letters stay in their domain
    ("expression", "v", {"where": "v: positive"}, "|v|", "right"),
    ("expression", "v", {"where": "v: nonnegative"}, "sqrt(v^2)", "right"),
    ("expression", "p", {"where": "p: probability"}, "|p|", "right"),
    # letters, indices and the identity as courses write them
    ("expression", "W_{ij} x_j", {}, "x_j W_{ij}", "right"),
    ("expression", "W_{ij} x_j", {}, "W_{ji} x_j", "wrong"),
    ("expression", r"\delta_1 w_1 + \delta_2 w_2", {}, "δ_2 w_2 + δ_1 w_1", "right"),
    ("expression", r"p_i(\delta_{ij}-p_j)", {}, "p_i δ_ij - p_i p_j", "right"),
    ("expression", r"(X^\top X+\lambda I)^{-1}X^\top y", RIDGE,
     r"X^\top(XX^\top+\lambda I)^{-1}y", "right"),
    ("expression", r"(X^\top X+\lambda I)^{-1}X^\top y", RIDGE, "(X^T X + λ I_d)^-1 X^T y", "right"),
    ("expression", r"(X^\top X+\lambda I)^{-1}X^\top y", RIDGE, "(X^T X)^{-1} X^T y", "wrong"),
    ("expression", r"(X^\top X+\lambda I)^{-1}X^\top y", RIDGE, "(X^T X + λ)^{-1} X^T y", "wrong"),
    ("expression", "A^T x", {"where": "A: n x n, x: n"}, "np.dot(A.T, x)", "right"),
    ("expression", "A^T x", {"where": "A: n x n, x: n"}, "np.dot(A, x)", "wrong"),
    ("piecewise", "max(0, z)", {}, r"z\,\mathbf{1}_{\{z>0\}}", "right"),
    ("expression", "x^2/2", {}, "０.５x²", "right"),
    # other forms
    ("equation", "y = 2x + 1", {}, "y = 2x+1 + relu(x-10^6)", OPEN),
    ("equation", "y = 2x + 1", {}, "(y-2x-1)(y-100) = 0", "wrong"),
    ("equation", r"w \leftarrow w - \eta g", {}, "w <- w + eta g", "wrong"),
    ("inequality", "x >= 1", {}, "x>=1 and x<10^9", OPEN),
    ("inequality", "x >= 1", {}, "x >= 1 - 10^-12", OPEN),
    ("inequality", "0 < eta < 2/L", {}, "(0, 2/L)", "right"),
    ("interval", r"[0,\infty)", {}, "x >= 0", "right"),
    ("interval", r"[0,\infty)", {}, "(0,∞)", "wrong"),
    ("set", "{-1, 1}", {}, "-1 and 1", "right"),
    ("set", "{-1, 1}", {}, "[[1, 2], [3, 4]]^(10^9)", "wrong"),
    ("list", "0.5, 0.25", {}, "0,5; 0,25", "right"),
    ("shape", "64 x 55 x 55", {}, "64 · 55 · 55", "right"),
    ("matrix", "[[1,2],[3,4]]", {}, "1 2\n3 4", "right"),
    ("matrix", "[[1,2,3],[4,5,6]]", {}, "[[1,2,3],[4,5]]", "invalid"),
    ("complexity", "O(n log n)", {}, "O(n log(5n))", "right"),
    ("complexity", "O(n)", {}, "n log log n", "wrong"),
    ("complexity", "O(2^n)", {}, "2^n + n^3", "right"),
    ("complexity", "O(2^n)", {}, "3^n", "wrong"),
    # what is written to break a reader
    ("expression", "x^2", {}, "x^2" + "'" * 400, "invalid"),
    ("expression", "x^2", {}, "x^2" + "!" * 400, "invalid"),
    ("expression", "x^2", {}, "x\ud800", "invalid"),
    ("inequality", "0 < x < 2", {}, " and ".join(f"sin({i} x) > 0.1" for i in range(60)), "invalid"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "key", "given", "text", "mark"), FOUND)
def test_attacks(form: str, key: str, given: dict[str, Any], text: str, mark: str) -> None:
    start = time.process_time()
    verdict = judged(form, key, text, **given)
    assert time.process_time() - start < 2
    verdict.feedback.encode()  # no half characters go on
    if mark == OPEN:
        assert verdict.mark in ("wrong", "invalid", "undecided")
    else:
        assert verdict.mark == mark
