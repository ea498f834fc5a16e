"""General mistakes in stated answers: each is named on an example, and explained."""

from __future__ import annotations

from typing import Any

import pytest

from solver.mistaken.feedback import SAID, said
from tests.answering import judged

SIGMOID = {"functions": {"sigma": "sigmoid"}}
LEAST = {"where": "W: m x n, X: n x k, Y: m x k"}
SIZE = r"\left\lfloor\frac{n+2p-k}{s}\right\rfloor+1"
WINDOW = {
    "where": "n: positive integer, p: positive integer, k: positive integer, s: positive integer"
}
LABELS = {"where": "y: 0 or 1, p: probability"}
BCE = r"-(y\log p+(1-y)\log(1-p))"

# (mistake, form, key, given, the wrong answer)
MADE: tuple[tuple[str, str, Any, dict[str, Any], str], ...] = (
    ("sign_flipped", "expression", r"\hat{y}_k-y_k", {}, "y_k - yhat_k"),
    ("sign_flipped", "expression", BCE, LABELS, "y log p + (1-y) log(1-p)"),
    ("sign_flipped", "number", "0.25", {}, "-1/4"),
    ("sign_flipped", "expression", "(WX-Y)X^T", LEAST, "(Y - WX)X^T"),
    ("one_sign_flipped", "expression", r"\sigma(z)(1-\sigma(z))", SIGMOID, "σ(z)(1+σ(z))"),
    ("one_sign_flipped", "expression", "x^2 - 3x + 2", {}, "x^2 + 3x + 2"),
    ("one_sign_flipped", "matrix", "[[1, 2, 3], [4, 5, 6]]", {}, "[[1, 2, 3], [4, -5, 6]]"),
    ("one_sign_flipped", "expression", r"e^{-z}/(1+e^{-z})^2", {}, "e^z/(1+e^{-z})^2"),
    ("factor_two_dropped", "expression", "2(w^T x - y)x", {"where": "w: n, x: n, y: real"},
     "(w^T x - y) x"),
    ("factor_two_dropped", "expression", r"2\lambda w_j", {}, "lambda w_j"),
    ("one_half_dropped", "expression", r"\frac12(a-y)^2", {}, "(a-y)^2"),
    ("one_half_dropped", "expression", "r^2/2 + c", {}, "r^2 + c"),
    ("one_half_dropped", "number", "0.35", {}, "0.175"),
    ("one_over_n_dropped", "expression", r"\frac{1}{n}\sum_{i=1}^n(p_i-y_i)x_i", {},
     r"\sum_{i=1}^n(p_i-y_i)x_i"),
    ("one_over_n_dropped", "expression", "s/m", {}, "s"),
    ("factor_dropped", "expression", "d w_k x_j", {}, "d w_k"),
    ("factor_dropped", "expression", r"\frac{QK^T}{\sqrt d}", {"where": "Q: n x d, K: m x d"}, "Q K^T"),
    ("factor_dropped", "expression", r"\gamma\frac{x-\mu}{s}+\beta", {}, r"\gamma(x-\mu)+\beta"),
    ("factor_added", "expression", "(WX-Y)X^T", LEAST, "2(WX-Y)X^T"),
    ("factor_added", "expression", r"\hat{y}_k-y_k", {}, r"\frac1n(\hat{y}_k-y_k)"),
    ("factor_added", "integer", "1152", {}, "2304"),
    ("term_dropped", "expression", "x^2 + 3x + 2", {}, "x^2 + 2"),
    ("term_dropped", "expression", BCE, LABELS, "-y log p"),
    ("term_dropped", "expression", r"\beta m + (1-\beta)g", {}, r"\beta m"),
    ("operation_dropped", "expression", r"\frac{m}{\sqrt v+\epsilon}", {"where": "v: positive, epsilon: positive"},
     r"\frac{m}{v+\epsilon}"),
    ("operation_dropped", "expression", r"\log\sum_{j=1}^K e^{z_j}", {}, r"\sum_{j=1}^K e^{z_j}"),
    ("operation_dropped", "expression", "r^2 + c", {}, "r + c"),
    ("operation_dropped", "expression", "A^{-1} x", {"where": "A: n x n, x: n"}, "A x"),
    ("derivative_not_taken", "expression", r"\sigma(z)(1-\sigma(z))", SIGMOID, "σ(z)"),
    ("derivative_not_taken", "expression", "3x^2", {}, "x^3"),
    ("derivative_not_taken", "expression", "2 w_j", {}, "w_j^2"),
    ("derivative_not_taken", "expression", r"\mathbb{1}[z>0]", {}, "z 1[z>0]"),
    ("sigmoid_tanh_derivative_swapped", "expression", r"\sigma(z)(1-\sigma(z))", SIGMOID, "1 - σ(z)^2"),
    ("sigmoid_tanh_derivative_swapped", "expression", "1-tanh(z)^2", {}, "tanh(z)(1 - tanh(z))"),
    ("bracket_misplaced", "expression", "3x^2", {}, "(3x)^2"),
    ("bracket_misplaced", "expression", "a/(1+b)", {}, "a/1 + b"),
    ("bracket_misplaced", "expression", r"\frac{m}{\sqrt v+\epsilon}", {"where": "v: positive, epsilon: positive"},
     r"\frac{m}{\sqrt v}+\epsilon"),
    ("bracket_misplaced", "expression", r"\sum_{i=1}^n r_i^2", {}, r"\left(\sum_{i=1}^n r_i\right)^2"),
    ("function_split", "expression", r"\sqrt{v+\epsilon}", {"where": "v: positive, epsilon: positive"},
     r"\sqrt v+\sqrt\epsilon"),
    ("function_split", "expression", "log(p + q)", {"where": "p: positive, q: positive"}, "log p + log q"),
    ("function_split", "expression", "tr(A B)", {"where": "A: n x n, B: n x n"}, "tr(A) tr(B)"),
    ("function_split", "expression", "(a + b)^2", {}, "a^2 + b^2"),
    ("wrong_index", "expression", r"\hat{y}_k-y_k", {}, r"\hat{y}_k - y_j"),
    ("wrong_index", "expression", r"\beta_1m_{t-1}+(1-\beta_1)g_t", {}, r"\beta_1m_t+(1-\beta_1)g_t"),
    ("wrong_index", "expression", r"\frac{e^{z_k}}{\sum_{j=1}^Ke^{z_j}}", {}, r"\frac{e^{z_j}}{\sum_{j=1}^Ke^{z_j}}"),
    ("transpose_dropped", "expression", "(WX-Y)X^T", LEAST, "(WX-Y)X"),
    ("transpose_dropped", "expression", "A^T x", {"where": "A: n x n, x: n"}, "A x"),
    ("transpose_dropped", "expression", r"W^\top\delta", {"where": "W: m x n, delta: m"}, "W δ"),
    ("wrong_product", "expression", "(WX-Y)X^T", LEAST, "X^T(WX-Y)"),
    ("wrong_product", "expression", "d x^T", {"where": "d: m, x: n"}, "x d^T"),
    ("wrong_product", "expression", "d x^T", {"where": "d: n, x: n"}, "d^T x"),
    ("wrong_product", "expression", "A B", {"where": "A: n x n, B: n x n"}, "B A"),
    ("wrong_product", "expression", "A B", {"where": "A: n x n, B: n x n"}, "A ⊙ B"),
    ("wrong_product", "expression", "(A B)^{-1}", {"where": "A: n x n, B: n x n"}, "A^{-1} B^{-1}"),
    ("jacobian_layout_transposed", "expression", "(WX-Y)X^T", LEAST, "X(WX-Y)^T"),
    ("jacobian_layout_transposed", "matrix", "[[1, 2, 3], [4, 5, 6]]", {}, "[[1,4],[2,5],[3,6]]"),
    ("log_base_ten", "expression", BCE, LABELS, "-(y log10(p) + (1-y) log10(1-p))"),
    ("log_base_ten", "number", "-ln 0.2", {}, "0.699"),
    ("log_base_two", "expression", "-p log p", {"where": "p: probability"}, "-p log_2 p"),
    ("log_base_two", "number", "ln 10", {}, "3.3219"),
    ("l1_for_l2", "expression", r"\lambda\|w\|^2", {"where": "w: n"}, "λ‖w‖₁"),
    ("l1_for_l2", "expression", r"\sum_{j=1}^n w_j^2", {}, r"\sum_{j=1}^n |w_j|"),
    ("complement_reported", "expression", "p", {"where": "p: probability"}, "1 - p"),
    ("complement_reported", "number", "0.35", {}, "0.65"),
    ("complement_reported", "expression", r"-\log p", {"where": "p: probability"}, "-log(1-p)"),
    ("chain_factor_missing", "expression", r"(a-y)\sigma(z)(1-\sigma(z))", SIGMOID, "(a-y)σ(z)"),
    ("chain_factor_missing", "expression", "v(1-tanh(z)^2)x", {}, "v x"),
    ("parts_swapped", "shape", "5 x 29 x 31", {}, "29 x 31 x 5"),
    ("parts_swapped", "ranking", "D, B, A, C", {}, "B, D, A, C"),
    ("parts_swapped", "list", "0.2, 0.5, 0.3", {}, "0.5, 0.2, 0.3"),
    ("parts_swapped", "assignments", "p = 1, s = 2", {}, "p = 2, s = 1"),
    ("parts_swapped", "expression", r"p\log\frac pq", {"where": "p: positive, q: positive"}, r"q\log\frac qp"),
    ("parts_swapped", "piecewise", "1 if z > 0 else 0.01", {}, "0.01 if z > 0 else 1"),
    ("item_missing", "shape", "64 x 55 x 55", {}, "64 x 55"),
    ("item_missing", "choice", "B, D", {}, "B"),
    ("item_missing", "set", "{-1, 1}", {}, "{1}"),
    ("item_missing", "list", "1, 2, 3", {}, "1, 3"),
    ("item_missing", "ranking", "D, B, A", {}, "D, A"),
    ("item_missing", "assignments", "p = 1, s = 2", {}, "p = 1"),
    ("item_missing", "inequality", "0 < eta < 2", {}, "eta < 2"),
    ("item_missing", "matrix", "[[1, 2, 3], [4, 5, 6]]", {}, "[[1, 2, 3]]"),
    ("item_extra", "choice", "B, D", {}, "B, C, D"),
    ("item_extra", "set", "{-1, 1}", {}, "{-1, 0, 1}"),
    ("item_extra", "list", "1, 2, 3", {}, "1, 2, 3, 4"),
    ("item_extra", "shape", "64 x 55 x 55", {}, "64 x 3 x 55 x 55"),
    ("item_extra", "matrix", "[[1, 2, 3]]", {}, "[[1, 2, 3], [4, 5, 6]]"),
    ("entries_wrong", "matrix", "[[1, 2, 3], [4, 5, 6]]", {}, "[[1, 2, 3], [4, 5, 8]]"),
    ("entries_wrong", "shape", "64 x 55 x 55", {}, "64 x 50 x 50"),
    ("entries_wrong", "list", "1, 2, 3", {}, "1, 2, 7"),
    ("entries_wrong", "set", "{-1, 1}", {}, "{-1, 2}"),
    ("entries_wrong", "assignments", "p = 1, s = 2", {}, "p = 1, s = 5"),
    ("inverted", "expression", "a/b", {}, "b/a"),
    ("inverted", "expression", r"\frac{x-\mu}{s}", {}, r"(x-\mu)s"),
    ("inverted", "number", "0.25", {}, "4"),
    ("inequality_reversed", "inequality", "z > 0", {}, "z < 0"),
    ("inequality_reversed", "inequality", "0 < eta < 2", {}, "eta > 2"),
    ("endpoint_open_closed", "inequality", "z > 0", {}, "z >= 0"),
    ("endpoint_open_closed", "interval", "(0, 1]", {"variable": "x"}, "[0, 1]"),
    ("endpoint_open_closed", "interval", "0 <= p < 1", {}, "0 <= p <= 1"),
    ("power_of_ten_slip", "number", "0.125", {}, "1.25"),
    ("power_of_ten_slip", "number", "86.4%", {}, "86.4"),
    ("power_of_ten_slip", "integer", "25,557,032", {}, "25.557032K"),
    ("digit_slip", "integer", "25,557,032", {}, "25,557,302"),
    ("digit_slip", "number", "0.6513215599", {}, "0.6514"),
    ("too_few_digits", "number", "0.6513215599", {}, "0.7"),
    ("truncated", "number", "2/3", {}, "0.666"),
    ("truncated", "number", "ln 10", {}, "2.302"),
    ("off_by_one", "integer", "64", {}, "65"),
    ("off_by_one", "shape", "64 x 55 x 55", {}, "64 x 54 x 54"),
    ("off_by_one", "integer", "4640", {}, "4639"),
    ("flops_macs_factor_two", "number", "8.2 GFLOPs", {"unit": "FLOPs"}, "4.1 GFLOPs"),
    ("unit_confused", "number", "100,000,000", {"unit": "bytes"}, "25 MB"),
    ("unit_confused", "number", "100,000,000", {"unit": "bytes"}, "100 MiB"),
    ("unit_confused", "number", "100,000,000", {"unit": "bytes"}, "100 Mbit"),
    ("reduced_to_scalar", "shape", "5 x 29 x 31", {}, "4495"),
    ("reduced_to_scalar", "matrix", "[[1, 2], [3, 5]]", {}, "6"),
    ("reduced_to_scalar", "matrix", "[[1, 2], [3, 5]]", {}, "-1"),
    ("true_convolution_flip", "matrix", "[[1, 2, 3], [4, 5, 6]]", {}, "[[6, 5, 4], [3, 2, 1]]"),
    ("floor_forgotten", "expression", SIZE, WINDOW, "(n + 2p - k)/s + 1"),
    ("ceil_instead_of_floor", "expression", SIZE, WINDOW, "ceil((n + 2p - k)/s) + 1"),
    ("padding_counted_once", "expression", SIZE, WINDOW, "floor((n + p - k)/s) + 1"),
    ("conv_size_without_plus_one", "expression", SIZE, WINDOW, "floor((n + 2p - k)/s)"),
    ("stride_ignored", "expression", SIZE, WINDOW, "n + 2p - k + 1"),
    ("stride_ignored", "assignments", "p = 1, s = 2", {}, "p = 1, s = 1"),
    ("padding_ignored", "assignments", "p = 1, s = 2", {}, "p = 0, s = 2"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("mistake", "form", "key", "given", "text"),
    MADE,
    ids=[f"{name} | {key} | {text}" for name, _, key, _, text in MADE],
)
def test_a_mistake_is_named_and_explained(
    mistake: str, form: str, key: str, given: dict[str, Any], text: str
) -> None:
    found = judged(form, key, text, **given)
    assert found.mark in ("wrong", "partly"), found
    assert mistake in found.mistake.split(" or "), found
    assert found.feedback
    right = judged(form, key, key, **given)
    assert (right.mark, right.mistake) == ("right", "")


# Explained, but so far only kinds that compute give them, with words of their own.
OF_COMPUTED_KINDS = {"bias_omitted", "shared_weight_one_path", "total_wrong"}


def test_every_mistake_that_is_explained_has_an_example() -> None:
    assert SAID.keys() - {name for name, *_ in MADE} <= OF_COMPUTED_KINDS


@pytest.mark.parametrize("name", SAID)
def test_what_is_said_of_a_mistake_is_a_sentence(name: str) -> None:
    line = said([name])
    assert line.endswith(".") and " " in line
    assert said([name, name, "no_such_mistake"]) == line


@pytest.mark.parametrize(
    ("form", "key", "given", "text"),
    [
        ("expression", r"\sigma(z)(1-\sigma(z))", SIGMOID, "17 z^5 + 3"),
        ("expression", "(WX-Y)X^T", LEAST, "W W^T W + 3 W"),
        ("number", "0.6513215599", {}, "42.17"),
        ("integer", "25,557,032", {}, "777"),
        ("matrix", "[[1, 2], [3, 4]]", {}, "[[91, 77], [65, 53]]"),
        ("inequality", "z > 0", {}, "sin z > 0.3"),
        ("choice", "B, D", {}, "A, C"),
    ],
)
def test_a_wrong_answer_without_a_name_gets_none(
    form: str, key: str, given: dict[str, Any], text: str
) -> None:
    found = judged(form, key, text, **given)
    assert (found.mark, found.mistake) == ("wrong", "")


@pytest.mark.parametrize(
    ("form", "key", "given", "text"),
    [
        ("expression", r"\hat{y}_k-y_k", {}, "-(y_k - yhat_k)"),
        ("expression", "a b", {}, "b a"),
        ("expression", "x^T A x", {"where": "A: n x n, x: n"}, "x^T A^T x"),
        ("expression", "tr(A B)", {"where": "A: m x n, B: n x m"}, "tr(B A)"),
        ("expression", "2x", {}, "x + x"),
        ("set", "{-1, 1}", {}, "{1, -1}"),
        ("choice", "B, D", {}, "D, B"),
        ("matrix", "[[1, 2], [2, 5]]", {}, "[[1, 2], [2, 5]]^T"),
        (
            "expression",
            "log(a b)",
            {"where": "a: positive, b: positive"},
            "log a + log b",
        ),
    ],
)
def test_what_looks_like_a_mistake_but_is_right(
    form: str, key: str, given: dict[str, Any], text: str
) -> None:
    found = judged(form, key, text, **given)
    assert (found.mark, found.mistake) == ("right", "")
