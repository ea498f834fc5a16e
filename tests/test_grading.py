"""Checking one answer: read by its type, compared, explained."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import Problem
from solver.grading import grade, grade_part
from solver.render import render
from solver.sets import load_set

CONV = Problem("shape conv", {"input": [3, 32, 32], "out_channels": 8, "kernel": 5}, points=2)
COUNT = Problem("count params", {"net": "3x32x32: conv 8 k5"}, points=2)
LAYER = Problem("count layer", {"net": "3x32x32: conv 6 k5"}, points=3)
LETTERS = Problem("count params", {"net": "CxHxW: conv C k2, conv C k6"})
FIT = Problem("fit conv", {"input": 64, "output": 32, "kernel": 3})
POOL = Problem("run pool", {"input": "1 1 1 0;1 1 1 0;1 1 1 0;0 0 0 0", "kernel": 2, "mode": "avg"})
RATIO = Problem("values", {"parts": {"ratio": {"kind": "count compare", "nets": "inception-naive; inception-reduced", "of": "macs", "entry": "ratio"}}})  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "answer", "mark", "mistake"),
    [
        (CONV, "8 x 28 x 28", "right", ""),
        (CONV, "(8, 28, 28)", "right", ""),
        (CONV, r"$8\times28\times28$", "right", ""),
        (CONV, "28 x 28 x 8", "right", ""),
        (CONV, "28 × 28, 8 channels", "right", ""),
        (CONV, "8x27x27", "wrong", "conv_size_without_plus_one"),
        (CONV, "3x28x28", "wrong", "channels_from_input"),
        (CONV, "8x28", "wrong", "item_missing"),
        (CONV, "I think it is smaller", "invalid", ""),
        (COUNT, "608", "right", ""),
        (COUNT, "608 parameters", "right", ""),
        (COUNT, "8*(5*5*3+1) = 608", "right", ""),
        (COUNT, "params = 608", "right", ""),
        (COUNT, "600 = 608", "invalid", ""),
        (COUNT, "8*76 (608)", "right", ""),
        (COUNT, "608 (600)", "wrong", ""),
        (COUNT, "the filters hold 8*76 each = 608", "undecided", ""),
        (COUNT, "the filters hold 8*75 each = 600", "wrong", "bias_omitted"),
        (COUNT, "the filters hold 8*75 each = 777", "invalid", ""),
        (COUNT, "608 = 600", "invalid", ""),
        (COUNT, "8*75 = 608", "partly", ""),
        (COUNT, "8*(75 + 1) = 600", "wrong", "bias_omitted"),
        (COUNT, "600", "wrong", "bias_omitted"),
        (COUNT, "601", "wrong", "one_bias_per_layer"),
        (COUNT, "208", "wrong", "input_channels_forgotten"),
        (COUNT, "624", "wrong", "bias_per_input_channel"),
        (COUNT, "0.6K", "undecided", ""),
        (COUNT, "600 or 608", "invalid", ""),
        (COUNT, "", "invalid", ""),
        (COUNT, "9^9^9^9", "invalid", ""),
        (COUNT, "1/0", "invalid", ""),
        (COUNT, "n", "wrong", ""),
        (LETTERS, "40C^2 + 2C", "right", ""),
        (LETTERS, "2C*(20C + 1)", "right", ""),
        (LETTERS, "40C² + 2", "wrong", "one_bias_per_layer"),
        (LETTERS, "40c^2+2c", "wrong", ""),
        (FIT, "p=1, s=2", "right", ""),
        (FIT, "padding = 1, stride = 2", "right", ""),
        (FIT, "1, 2", "right", ""),
        (FIT, "p=2, s=2", "wrong", ""),
        (POOL, "[[1, 0.5], [0.5, 0.25]]", "right", ""),
        (POOL, "1 1/2; 1/2 1/4", "right", ""),
        (POOL, "1 1; 1 1", "wrong", "max_and_average_swapped"),
        (POOL, "1 2; 3", "invalid", ""),
        (LAYER, "shape 6x28x28; weights 450; params 456", "right", ""),
        (LAYER, "6x28x28; 450; 450", "partly", "bias_omitted"),
        (LAYER, "params: 456", "partly", ""),
        (LAYER, "1x1x1; 2; 3", "wrong", ""),
        (RATIO, "ratio 3.148", "right", ""),
        (RATIO, "ratio 3.2", "wrong", "digit_slip"),
    ],
)  # fmt: skip
def test_verdicts(problem: Problem, answer: str, mark: str, mistake: str) -> None:
    verdict = grade(problem, answer)
    assert (verdict.mark, verdict.mistake) == (mark, mistake), verdict
    assert (verdict.points == problem.points) == (mark == "right")
    assert bool(verdict.understood_as) == (mark != "invalid")
    if mark in ("partly", "invalid", "undecided") or mistake:
        assert verdict.feedback


def test_in_a_set_either_order_is_read() -> None:
    whole = load_set("s1")
    part = whole["2.1.1"]
    for answer in ("25 x 25 x 64", "64 x 25 x 25"):
        assert grade_part(whole, part, answer).mark == "right"
    assert grade_part(whole, part, "24x24x64").mistake


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.sampled_from([CONV, COUNT, LETTERS, FIT, POOL, LAYER]))
def test_no_text_crashes_it(answer: str, problem: Problem) -> None:
    verdict = grade(problem, answer)
    assert verdict.mark in ("right", "partly", "wrong", "undecided", "invalid")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**12))
def test_a_wrong_number_is_never_right(n: int) -> None:
    for text in (str(n), f"{n:,}", f"{n} parameters"):
        assert (grade(COUNT, text).mark == "right") == (n == 608)


# -- answers in letters -------------------------------------------------------------------

SYMBOLS = [
    ("s0", "1.1a", "2x", "right", ""),
    ("s0", "1.1a", r"\frac{dz}{d\mathbf{x}} = 2\mathbf{x}", "right", ""),
    ("s0", "1.1a", "x", "wrong", "factor_two_dropped"),
    ("s0", "1.1a", "2x^T", "wrong", "transposed"),
    ("s0", "1.1c", "A^T x", "right", ""),
    ("s0", "1.1c", "A*y", "wrong", ""),
    ("s0", "1.1c", "x'A", "wrong", "transposed"),
    ("s0", "1.1d", r"\mathbf{A}^{T}", "right", ""),
    ("s0", "1.1d", "A", "wrong", "jacobian_layout_transposed"),
    ("s0", "1.2i", r"p(y\mid x) = \hat{y}^{\,y}(1-\hat{y})^{1-y}", "right", ""),
    ("s0", "1.2ii", r"y\log\hat{y} + (1-y)\log(1-\hat{y})", "right", ""),
    ("s0", "1.2ii", "log p(y|x) = y ln(yhat) + (1-y) ln(1-yhat)", "right", ""),
    ("s0", "1.2iii", "-[y log yhat + (1-y) log(1-yhat)]", "right", ""),
    ("s0", "1.2iii", "y*log(yhat) + (1-y)*log(1-yhat)", "wrong", "sign_flipped"),
    ("s0", "1.2iii", "-y log(yhat)", "wrong", "term_dropped"),
    ("s0", "1.2iii", "L = -log p(y|x) = -y log(yhat) - (1-y) log(1-yhat)", "right", ""),
    ("s0", "1.2iii", "L = log p(y|x) = -y log(yhat) - (1-y) log(1-yhat)", "partly", ""),
    ("s0", "1.2iii", "L", "wrong", ""),
    ("s0", "1.2iii", "-log p(y|x)", "invalid", ""),
    ("s0", "1.2i", "p", "wrong", ""),
    ("s0", "3.3", "w_new", "wrong", ""),
    ("s0", "1.2iii", "-1.001*(y*log(yhat) + (1-y)*log(1-yhat))", "wrong", ""),
    ("s0", "3.3", r"w \leftarrow (1-2\alpha\lambda)w - \alpha g", "right", ""),
    ("s0", "3.3", "w - alpha*(g + 2*lambda*w)", "right", ""),
    ("s0", "3.3", "(1 - alpha lambda) w - alpha g", "wrong", "decay_factor_two"),
    ("s1", "1.dW2", "a1' * (y - yhat)", "right", ""),
    ("s1", "1.dW2", "a1.T @ (y - yhat)", "right", ""),
    ("s1", "1.dW2", r"\mathbf{a}_1^{T}(\mathbf{y}-\hat{\mathbf{y}})", "right", ""),
    ("s1", "1.dW2", "a1' * (y - sigmoid(z2))", "right", ""),
    ("s1", "1.dW2", "a1' (yhat - y)", "wrong", "bce_minus_sign_assumed"),
    ("s1", "1.dW2", "(y - yhat)' a1", "wrong", "transposed"),
    ("s1", "1.dW2", "1.001 a1' (y - yhat)", "wrong", ""),
    ("s1", "1.dW2", "dL/dW2 = a1' dL/dz2 = a1'(y - yhat)", "right", ""),
    ("s1", "1.dW2", "dL/dW2 = x' dL/dz2 = a1'(y - yhat)", "partly", ""),
    ("s1", "1.dW2", "dL/dW2", "invalid", ""),
    ("s1", "1.dW2", "kron(W1, kron(W2, kron(W1, W2)))", "invalid", ""),
    ("s1", "1.dW2", "__import__('os')", "invalid", ""),
    ("s1", "1.dz2", r"(y-\hat y)\odot\hat y\odot(1-\hat y)", "wrong", "sigmoid differentiated twice"),
    ("s1", "1.dz1", "((y-yhat)*W2') .* (1 - a1)", "wrong", "tanh_not_squared"),
    ("s1", "1.dz1", "(y-yhat)*W2'", "wrong", "chain_factor_missing"),
    ("s1", "1.dz1", "(y-yhat) @ W2.T * (1 - a1**2)", "right", ""),
    ("s1", "1.dW1", r"\mathbf{x}^{T}\Big(\big[(\mathbf{y}-\hat{\mathbf{y}})W_2^{T}\big]\odot(1-\tanh^2(z_1))\Big)", "right", ""),
    ("s2", "2.1.dyhat", r"-y\,\sigma(-y\hat y)", "right", ""),
    ("s2", "2.1.dyhat", r"\frac{-y e^{-y\hat y}}{1+e^{-y\hat y}}", "right", ""),
    ("s2", "2.1.dyhat", "-sigma(-y yhat)", "wrong", "factor_dropped"),
    ("s2", "2.1.dyhat", "-y sigma(y yhat)", "wrong", "sign_in_sigmoid"),
    ("s2", "1.1", "x if c = yhat and L > 0; -x if c = y and L > 0; 0 otherwise", "right", ""),
    ("s2", "1.1", r"\begin{cases}x & c=\hat y, L>0\\ -x & c=y, L>0\\ 0 & \text{otherwise}\end{cases}", "right", ""),
    ("s2", "1.1", "-x if c = y and L > 0; x if c = yhat and L > 0; 0 if L = 0; 0 otherwise", "right", ""),
    ("s2", "1.1", "-x if c = yhat and L > 0; x if c = y and L > 0; 0 otherwise", "wrong", "sign_flipped"),
    ("s2", "1.1", "x if c = yhat; -x if c = y; 0 otherwise", "wrong", ""),
    ("s2", "1.1", "x if c = yhat and L > 0; -x if c = y and L > 0", "wrong", ""),
    ("s2", "1.1", "x if __import__('os'); 0", "invalid", ""),
    ("s2", "2.1.v1", r"\frac{\partial\ell}{\partial v_1} = -y\,\sigma(-y\hat y)\,o_1", "right", ""),
    ("s2", "2.1.v1", "(sigma(y yhat) - 1) y o1", "right", ""),
    ("s2", "2.2.w1", r"-y\,\sigma(-y\hat y)\left(v_1H(a_1)x_1+v_2H(a_2)x_2\right)", "right", ""),
    ("s2", "2.2.w1", "-y*sigma(-y*yhat)*(v1*(a1>0)*x1 + v2*(a2>0)*x2)", "right", ""),
    ("s2", "2.2.w1", "-y sigma(-y yhat) v1 H(a1) x1", "wrong", "shared_weight_one_path"),
    ("s2", "2.2.w1", "-y*sigma(-y*yhat)*(v1*x1 + v2*x2)", "wrong", "chain_factor_missing"),
    ("s2", "2.3.delta", "a1 = -y sigma(-y yhat) v1 H(a1); a2 = -y sigma(-y yhat) v2", "partly", "factor_dropped"),
    ("s2", "3.1.1", "dW = X^T G; db = sum(G, axis=0); dX = G W^T", "right", ""),
    ("s2", "3.1.1", r"\frac{\partial F}{\partial W}=X^{T}G; \frac{\partial F}{\partial b}=\mathbf 1^{T}G; \frac{\partial F}{\partial X}=GW^{T}", "right", ""),
    ("s2", "3.1.1", "dW = X^T G; db = G; dX = G W^T", "wrong", "bias_not_summed"),
    ("s2", "3.1.2", "G*(U>0)", "right", ""),
    ("s2", "3.1.2", "G .* relu(U)", "wrong", "ReLU in place of its derivative"),
    ("s2", "3.1.4", "A=(P-T)/N; W2=H'(P-T)/N; b2=1'(P-T)/N; W1=X'(((P-T)W2').*step(U))/N; b1=1'(((P-T)W2').*step(U))/N", "right", ""),
    ("s2", "3.1.4", "A=P-T; W2=H'(P-T); b2=1'(P-T); W1=X'(((P-T)W2').*step(U)); b1=1'(((P-T)W2').*step(U))", "wrong", "one_over_n_dropped"),
    ("s2", "3.1.3", "(0.995, -2.04)", "right", ""),
    ("s3", "1.A.zero-init-relu", "no; no; no; yes", "right", ""),
    ("s2", "2.3.v", "v_1 + eta y sigma(-y yhat) o_1; v_2 + eta y sigma(-y yhat) o_2", "right", ""),
    ("s2", "2.3.v", "v_1 = v_1 - eta y sigma(-y yhat) o_1; v_2 + eta y sigma(-y yhat) o_2", "partly", "gradient_ascent"),
    ("s2", "2.3.w", "w1 + eta y sigma(-y yhat)(v1 H(a1) x1 + v2 H(a2) x2); w2 + eta y sigma(-y yhat)(v1 H(a1) x2 + v2 H(a2) x3)", "right", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "id", "answer", "mark", "mistake"), SYMBOLS)
def test_symbols(name: str, id: str, answer: str, mark: str, mistake: str) -> None:
    whole = load_set(name)
    verdict = grade_part(whole, whole[id], answer)
    assert (verdict.mark, verdict.mistake) == (mark, mistake), verdict


# -- answers that agree only where one looks ----------------------------------------------

OTHERWISE_WRITTEN = [
    ("s1", "1.dz1", "((y-yhat)*W2')*diag(1-a1.^2)", "right"),
    ("s1", "1.dz1", "((y-yhat)*W2')*diag(1-a1)", "wrong"),
    ("s2", "3.1.1", "dW = X'*G; db = ones(N)'*G; dX = G*W'", "right"),
    ("s2", "3.1.1", "dW = X'*G; db = 2*ones(N)'*G; dX = G*W'", "partly"),
    ("s2", "3.1.4", "A=(P-T)/N; W2=H^T(P-T)/N; b2=ones(N)'(P-T)/N; W1=X^{T}(((P-T)W2^T).*step(U))/N; b1=1'(((P-T)W2').*step(U))/N", "right"),
    ("s2", "3.1.4", "A=(P-T)/N; W2=H^T(P+T)/N; b2=1'(P-T)/N; W1=X'(((P-T)W2').*step(U))/N; b1=1'(((P-T)W2').*step(U))/N", "partly"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "id", "answer", "mark"), OTHERWISE_WRITTEN)
def test_other_ways_to_write_it(name: str, id: str, answer: str, mark: str) -> None:
    whole = load_set(name)
    verdict = grade_part(whole, whole[id], answer)
    assert verdict.mark == mark, verdict


GAMING = [
    ("s0", "1.1a", "2x + relu(x - 10)", "wrong"),
    ("s0", "1.1a", "2x + relu(x - 1000)", "wrong"),
    ("s0", "1.1a", "2x + x^900/10^900", "undecided"),
    ("s0", "1.1a", "2.0000001x", "wrong"),
    ("s0", "1.1a", "2x + 1e-12*x", "wrong"),
    ("s0", "1.1a", "2x + sqrt((x-5000).^2) + x - 5000", "undecided"),
    ("s0", "1.1a", "2.0 x", "right"),
    ("s0", "1.1a", "x + x", "right"),
    ("s0", "1.1a", "6x/3", "right"),
    ("s1", "1.dz2", "y - yhat + relu(z2 - 100)", "wrong"),
    ("s1", "1.dz2", "y - 1/(1+exp(-z2))", "right"),
    ("s2", "2.1.v1", "-y*sigmoid(-y*yhat)*o1 + relu(o1-50)", "wrong"),
    ("s2", "2.1.v1", "-y*o1*exp(-y*yhat)/(1+exp(-y*yhat))", "right"),
    ("s2", "2.1.v1", "-y*o1/(1+exp(y*yhat))", "right"),
    ("s2", "3.1.2", "G.*step(U)", "right"),
    ("s2", "3.1.2", "G.*(1+sign(U))/2", "right"),
    ("s2", "3.1.2", "G.*(U>=0)", "right"),
    ("s2", "3.1.2", r"G \odot (U \ge 0)", "right"),
    ("s2", "3.1.2", "G.*Z./U", "right"),
    ("s0", "1.2i", "y*yhat + (1-y)*(1-yhat)", "undecided"),
    ("s0", "1.2i", "y*yhat + (1-y)*(1.01-yhat)", "wrong"),
    ("s2", "2.1.dyhat", "sigmoid(yhat) - (y+1)/2", "undecided"),
    ("s2", "2.1.dyhat", "sigmoid(yhat) - (y-1)/2", "wrong"),
]


@pytest.mark.parametrize(("name", "id", "answer", "mark"), GAMING)
def test_what_points_cannot_settle(name: str, id: str, answer: str, mark: str) -> None:
    whole = load_set(name)
    verdict = grade_part(whole, whole[id], answer)
    assert verdict.mark == mark, verdict
    at_zero = "U = 0" in verdict.feedback
    assert at_zero == (id == "3.1.2" and "step" not in answer), verdict
    if mark == "undecided":
        assert verdict.feedback


def test_what_could_not_be_read_is_echoed_as_it_was_written() -> None:
    whole = load_set("s1")
    text = "((y-yhat)*W2') .* (1-a1*q^2)"
    said = render(grade_part(whole, whole["1.dz1"], text), "text").split("\n")
    assert said[-2].strip() == text
    assert said[-2][said[-1].index("^")] == "q"
    assert all(len(line) <= 80 for line in said)
    long = " + ".join(["(y - yhat)/30"] * 30)
    said = render(grade_part(whole, whole["1.dz2"], f"y - yhat + 0*({long})"), "text").split("\n")
    assert all(len(line) <= 80 for line in said), said


def test_cases_are_read_as_the_key_prints_them() -> None:
    part = load_set("s2")["1.1"]
    key = "{x if c = ŷ, L > 0; −x if c = y, L > 0; 0 otherwise}"
    assert grade(part, key).mark == "right"
    assert grade(part, key.replace("−", "")).mark == "wrong"
    assert "as a case" in grade(part, "x*[c=yhat] - x*[c=y]").feedback


ACCURACY = load_set("s3")["2.C.accuracy"]
ROUNDED = load_set("s4")["10.1.conv3-64a.act"]
C3 = load_set("s4")["6.4.c3-1516"]


@pytest.mark.parametrize(
    ("problem", "answer", "mark", "said"),
    [
        (ACCURACY, "accuracy 9761/10000 (97.61 %); meets yes", "right", ""),
        (ACCURACY, "accuracy 9761/10000 (97.71 %); meets yes", "partly", "Not right: accuracy"),
        (ACCURACY, "Accuracy: 9761/10000 (97.61 %)", "partly", "Missing: meets"),
        (ACCURACY, "0.9761", "partly", "Missing: meets"),  # of the two only one is a number
        (C3, "456 + 606 + 303 + 151 = 1516", "invalid", "1 value for 7: name them"),
        (C3, "params 1516", "partly", "Missing"),
        (ROUNDED, "3.2M", "right", ""),
        (ROUNDED, "3.211M", "right", ""),
        (ROUNDED, "3.3M", "wrong", ""),
        (ROUNDED, "3M", "undecided", "more than 1 %"),
        (ROUNDED, "3,211,265", "wrong", ""),
    ],
)
def test_values_said_again_unnamed_or_rounded(
    problem: Problem, answer: str, mark: str, said: str
) -> None:
    found = grade(problem, answer)
    assert (found.mark, said in found.feedback) == (mark, True), found

SUMS = Problem("update accumulate", {"grads": [1, 233, 333]})
HALVES = Problem("update accumulate", {"grads": [0.5, 0.25, 0.5]})
TWO = Problem("update accumulate", {"grads": [1, 1]})
LOGIT = Problem("logistic probability", {"intercept": -6, "slopes": [0.05, 1], "at": [40, 3.5]})
NEAREST = Problem("knn predict", {"points": {"A": [0, 3], "B": [2, 0], "C": [-1, 0]}, "query": [0, 0],
                                  "labels": ["Red", "Red", "Green"], "k": 3})  # fmt: skip
RANKED = Problem("similarity pseudolabel", {"sources": {"A": [1, 0], "B": [0, 1], "C": [1, 1]},
                                            "image": [1, 2], "n": 3})  # fmt: skip
SCALED = Problem("run normalize", {"mean": 0.5, "std": 0.5, "interval": [0, 1]})


@pytest.mark.parametrize(
    ("problem", "answer", "mark"),
    [
        *((TWO, text, "right") for text in ("1,2", "[1,2]", "(1,2)", "1, 2", "1 2", "1;2")),
        (TWO, "1,20", "wrong"),
        (SUMS, "1,234,567", "right"),  # three are asked for, not one of seven digits
        (SUMS, "1,234, 567", "right"),
        (HALVES, "0.5,0.75,1.25", "right"),
        (HALVES, "1/2,3/4,5/4", "right"),
        (HALVES, "0,5 0,75 1,25", "right"),
        (HALVES, "0,5, 0,75, 1,25", "right"),
        (LOGIT, "z=-0.5,P=0.378", "right"),
        (LOGIT, "P=0,378 z=-0,5", "right"),
        (LOGIT, "z = -0.5 and P = 0.378", "right"),
        (LOGIT, "z=-0.5,P=0.622", "partly"),
        (NEAREST, "label Red, neighbours A, B, C", "right"),  # as a verdict says it
        (RANKED, "c, b, a", "right"),
        (RANKED, "a, b, c", "wrong"),
        (SCALED, "[-1;1]", "right"),
        (SCALED, "[-1,0; 1,0]", "right"),
        (SCALED, "[-1,0,1,0]", "invalid"),
        (SCALED, "[-1;2]", "wrong"),
    ],
)
def test_what_separates_values(problem: Problem, answer: str, mark: str) -> None:
    assert grade(problem, answer).mark == mark


def test_nothing_is_said_twice() -> None:
    assert grade(SCALED, "(-1, 1)").feedback.count("The bounds are right") == 1


LOST = Problem("backprop batch-of-one", {})
BITS = Problem("boolean network", {"net": "max(0, x1 + x2) - 2*max(0, x1 + x2 - 1)", "function": "xor"})
PASSED = Problem("backprop local", {"net": "1x2x2: maxpool 2"})
TINY = Problem("update adam", {"w": 1, "grads": 0.5, "alpha": 1})


@pytest.mark.parametrize(
    ("problem", "answer", "mark"),
    [
        (LOST, "output beta; z 0; gamma 0; beta delta", "right"),  # not output·β and β·δ
        (LOST, "output β, z 0, gamma 0, beta δ", "right"),
        (LOST, "output gamma; z 0; gamma 0; beta delta", "partly"),
        (BITS, "0110; yes", "right"),
        (BITS, "outputs = [0,1,1,0], meets = yes", "right"),
        (BITS, "0111; yes", "partly"),
        (PASSED, "{0,1}", "right"),
        (TINY, "2e-8", "right"),  # 1.99999996·10⁻⁸, which a key shows as 2·10⁻⁸
        (TINY, "3e-8", "wrong"),
        (TINY, "0", "wrong"),
    ],
)
def test_values_as_the_key_shows_them(problem: Problem, answer: str, mark: str) -> None:
    assert grade(problem, answer).mark == mark
