"""Answers that agree only where one looks must not be right; their honest twins must be.

The dishonest ones hide a difference far away, in a term too small to be felt, behind a kink
that no point crosses or a condition that none meets, or have no value at all.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.answering import judged

SHAPES = {"where": "Q: n x d, K: m x d, W: m x n, x: n"}
LABEL = {"where": "y: 0 or 1, p: probability"}

# key, what is declared -> how it is gamed -> the answer
GAMED: dict[tuple[str, str], dict[str, str]] = {
    ("x^2", ""): {
        "relu far away": "x^2 + relu(x - 10^6)",
        "relu far away, twice": "x^2 + relu(x - 10^5) + relu(-x - 10^5)",
        "maximum far away": "max(x^2, x - 10^7)" + " + max(0, |x| - 1000000)",
        "floor far away": "x^2 + floor(|x|/10^9)",
        "cap far away": "min(x^2, 10^14)",
        "saturating beyond 10^7": "x^2 if x < 10^7 else 0",
        "one point left out": "x^2 if x != 3.7 else 0",
        "one point put in": "x^2 + 1[x = 17.25]",
        "a tiny interval": "x^2 + 1[1.2345678 < x < 1.2345679]",
        "a tiny constant": "x^2 + 1e-30",
        "a tinier constant": "x^2 + 10^{-40}",
        "a tiny term": "x^2 + 10^(-15) x",
        "a tiny multiple of itself": "x^2 + 10^(-30) x^2",
        "a tiny cubic": "x^2 + 10^{-30} x^3",
        "one in 10^22": "x^2*(1 + 10^(-22))",
        "a bump": "x^2 + e^(-10^6 (x - 1.2345)^2)",
        "a far bump": "x^2 + e^(-(x - 5000)^2)",
        "a distant tanh": "x^2 + tanh(x - 10^4) + 1",
        "a distant sigmoid": "x^2 + sigmoid(x - 10^6)",
        "a steep sigmoid": "x^2 * sigmoid(10^6 (x + 10^5))",
        "flat": "x^2 tanh(10^4 + x^2)",
        "a flat exponential": "x^2 + e^(-10^4 - x^2)",
        "no value, minus itself": "x^2 + log(-1-x^2) - log(-1-x^2)",
        "zero times an infinity": "x^2 + 0*inf",
        "infinity minus infinity": "x^2 + inf - inf",
        "infinity over infinity": "x^2 * inf/inf",
        "zero over zero": "x^2 + 0/0",
        "zero times no value": "x^2 + 0*(1/0)",
        "zero times a logarithm of 0": "x^2 + 0*log(0)",
        "0⁰": "x^2 + 0^0 - 1",
        "infinite": "x^2 + inf",
        "minus infinity": "-inf",
        "a number that it has at one point": "x^2 + (x - 1)(x - 2)(x + 1)(x + 2)(x - 3)",
        "right on one side": "x|x|",
        "another letter's relu": "x^2 + relu(y - 10^6)",
        "another letter's step": "x^2 + 1[y > 10^9]",
        "a product far away": "x^2 + relu(x y - 10^9)",
        "a relu of a square": "x^2 + relu(x^2 - 10^12)",
        "nested": "x^2 + relu(relu(x - 1000) - 10^6)",
        "a condition and another": "x^2 + 1[x > 10^4 and x < 10^4 + 1]",
        "a condition on a square": "x^2 + 1[x^2 > 10^13]",
        "rounding finely": "floor(10^20 x^2)/10^20",
        "the other letter": "X^2",
        "all digits but the last": "0.99999999999999999999 x^2",
        "a far zero of the denominator": "x^2 (x - 10^6)/(x - 10^6 - 10^(-12))",
    },
    ("x", ""): {
        "a clip far away": "max(-1000000, min(x, 1000000))",
        "a kink far away": "|x + 10^6| - 10^6",
        "a chain of kinks": "|x + 10^6| - |10^6|" + " + 0 relu(-x - 10^7)",
        "saturation": "10^9 tanh(x/10^9)",
        "a sine of little": "10^6 sin(x/10^6)",
        "the first terms of a series": "10^4 (e^(x/10^4) - 1)",
        "a softplus": "log(1 + e^x)",
        "a steep softplus": "log(1 + e^(1000x))/1000",
        "a swish": "x sigmoid(1000 x)",
        "only where it is positive": "sqrt(x^2)",
        "only where it is positive, again": "relu(x)",
        "one over infinity": "x + 1/inf",
        "x over infinity": "x + x/inf",
        "a power far away": "x + (x/10^9)^101",
        "a spike at every turn": "x + cos(x)^(10^6)",
        "a bump far away": "x + e^(-(x - 5000)^2 10^4)",
    },
    ("1", ""): {
        "flat": "tanh(100 + x^2)",
        "a sigmoid far out": "sigmoid(10^4 + x^2)",
        "less than e^-10000": "1 + e^(-10^4 - x^2)",
        "a sign": "sign(x + 10^7)",
        "an indicator": "1[x > -10^7]",
        "a ratio": "(x + 10^9)/(x + 10^9 + 10^(-9))",
        "nearly": "0.9999999999999",
        "nearly, in fifty digits": "1 - 10^(-22)",
        "infinite": "inf",
        "x over x over 0": "x/(x - x)",
    },
    (r"\sum_{i=1}^{n} i", ""): {"zero at the bounds tried": "n(n+1)/2 + (n-2)(n-3)(n-4)"},
    (r"p_i(\delta_{ij}-p_j)", ""): {
        "zero at the indices tried": r"p_i(\delta_{ij}-p_j) + (i-1)(i-2)(i-3)",
        "one at the indices tried": r"p_i(\delta_{ij}-p_j)(1 + (j-1)(j-2)(j-3))",
        "one index left out": r"p_i(\delta_{ij}-p_j) 1[i < 10]",
    },
    ("p", "p: probability"): {
        "a sine that is zero at the points tried": "p + sin(1009 pi p)",
        "a relu beyond": "p + relu(p - 0.99)",
        "a step beyond": "p 1[p < 0.995]",
    },
    ("e^x", ""): {
        "a limit": "(1 + x/10^9)^(10^9)",
        "a series": "1 + x + x^2/2 + x^3/6 + x^4/24",
        "a long series": r"\sum_{k=0}^{40} x^k/k!",
    },
    ("max(0, z)", ""): {
        "a softplus": "log(1 + e^(10^4 z))/10^4",
        "a leak too small to see": "max(10^(-12) z, z)",
        "a leak far away": "max(0, z) + min(0, z + 10^6)",
        "a root": "(z + sqrt(z^2 + 10^(-30)))/2",
        "a kink moved a little": "max(0, z - 10^(-13))",
    },
    ("-(y log p + (1 - y) log(1 - p))", LABEL["where"]): {
        "clipped": "-(y log(max(p, 10^(-12))) + (1 - y) log(1 - p))",
        "with an ε": "-(y log(p + 10^(-15)) + (1 - y) log(1 - p + 10^(-15)))",
        "beyond the probabilities seen": "-(y log p + (1 - y) log(1 - p)) + relu(p - 0.98)",
        "zero at both labels": "-(y log p + (1 - y) log(1 - p)) + y(y - 1)",
        "a case never met": "-log p if y == 1 else -log(1 - p) if p < 0.99 else 5",
    },
    ("Q K^T/sqrt(d)", SHAPES["where"]): {
        "a tiny multiple": "(1 + 10^(-20)) Q K^T/sqrt(d)",
        "a relu far away": "Q K^T/sqrt(d) + relu(d - 10^4)",
        "a tiny matrix": "(Q + 10^(-18) Q) K^T/sqrt(d)",
        "rounded": "floor(10^15 Q K^T)/(10^15 sqrt(d))",
        "the absolute value": "|Q K^T|/sqrt(d)",
    },
    ("W x", SHAPES["where"]): {
        "a relu far away": "W x + relu(x^T x - 10^9)",
        "a bias": "W x + 10^(-14)",
        "zero at the sizes tried": "W x (1 + (n - 2)(n - 3))",
        "entries kept": "W x + W x 10^(-17)",
    },
    (r"\sum_{i=1}^{n} x_i^2", "n: positive integer"): {
        "one less": r"\sum_{i=1}^{n-1} x_i^2",
        "from the second": r"\sum_{i=2}^{n} x_i^2",
        "four at most": "x_1^2 + x_2^2 + x_3^2 + x_4^2",
        "a term far away": r"\sum_{i=1}^{n} x_i^2 + relu(n - 1000)",
    },
    ("n^2", "n: positive integer"): {
        "another letter": "m^2",
        "a term far away": "n^2 + relu(n - 10^5)",
        "zero at the first twelve": "n^2 + (n-1)(n-2)(n-3)(n-4)(n-5)(n-6)(n-7)(n-8)(n-9)(n-10)(n-11)(n-12)",
        "even": "n^2 + 1[n > 12]",
    },
}  # fmt: skip

# The same answers, honestly: right, or left to a person, but never wrong.
HONEST: dict[tuple[str, str], tuple[str, ...]] = {
    ("x^2", ""): (
        "|x|^2", "x*x", "(-x)^2", "x^2 + 0", "x^4/x^2", "sqrt(x^4)", "relu(x)^2 + relu(-x)^2",
        "x|x| sign(x)", "x^2 if x > 0 else (-x)^2", "(x+1)^2 - 2x - 1", "x^2 (sin(x)^2 + cos(x)^2)", "|x||x|", "e^(log(x^2))",
        "(x - 10^6)^2 + 2*10^6 x - 10^12", "10^(-9) (10^9 x^2)", "1000000 x^2/1000000", "(x^3 + 10^(-3) x^3)/(x + 10^(-3) x)",
        "max(x, -x)^2", "x^2 1[x > 0] + x^2 1[x <= 0]",
    ),
    ("x", ""): ("relu(x) - relu(-x)", "|x| sign(x)", "max(x, 0) + min(x, 0)", "log(e^x)", "x/2 + x/2", "2x - x", "(x^2 - 1)/(x - 1) - 1",
                "(|x| + x)/2 - (|x| - x)/2"),
    ("1", ""): ("sin(x)^2 + cos(x)^2", "x/x", "sigmoid(x) + sigmoid(-x)", "1[x > 0] + 1[x <= 0]", "e^0", "cosh(x)^2 - sinh(x)^2",
                "2 - 1", "e^x e^(-x)", "tanh(x)^2 + 1/cosh(x)^2"),
    (r"\sum_{i=1}^{n} i", ""): ("n(n+1)/2", "(n^2 + n)/2", r"\sum_{k=1}^{n} k", r"\sum_{k=0}^{n-1} (k+1)"),
    (r"p_i(\delta_{ij}-p_j)", ""): (r"p_i\delta_{ij}-p_ip_j", "p_i(1 - p_i) if i = j else -p_i p_j", r"p_j(\delta_{ij}-p_i)"),
    ("p", "p: probability"): ("1 - (1 - p)", "p^2 + p(1 - p)", "e^(log p)"),
    ("e^x", ""): ("e^(x/2) e^(x/2)", "1/e^(-x)", "exp(x)", "(e^(-x))^(-1)", "cosh x + sinh x", "e^(x - 1000) e^1000"),
    ("max(0, z)", ""): ("(z + |z|)/2", "z 1[z > 0]", "-min(0, -z)", "z - min(0, z)", "relu(2z)/2", "z + relu(-z)"),
    ("-(y log p + (1 - y) log(1 - p))", LABEL["where"]): (
        "-log p if y == 1 else -log(1 - p)", "-y log(p/(1-p)) - log(1 - p)", "y log(1/p) - (1-y) log(1-p)",
        "-y^2 log p - (1-y)^2 log(1-p)"),
    ("Q K^T/sqrt(d)", SHAPES["where"]): ("(K Q^T)^T/sqrt(d)", "(Q/sqrt(d)) K^T", "d^(-1/2) Q K^T", "2 Q K^T/sqrt(4d)"),
    ("W x", SHAPES["where"]): ("(x^T W^T)^T", "W x + 0", "2 W x - W x", "W (x + x)/2"),
    (r"\sum_{i=1}^{n} x_i^2", "n: positive integer"): (
        r"\sum_{j=1}^n x_j^2", r"\sum_{i=1}^{n-1} x_i^2 + x_n^2", r"\sum_{i=1}^n |x_i|^2", r"\sum_{i=0}^{n-1} x_{i+1}^2", r"x_1^2+\sum_{i=2}^{n} x_i^2"),
    ("n^2", "n: positive integer"): ("n*n", r"\sum_{k=1}^n (2k-1)", "(n+1)^2 - 2n - 1", r"2\sum_{k=1}^n k - n"),
}  # fmt: skip


# Right, but with something that no point tries: a person may have to decide, never "wrong".
HIDDEN = (
    ("x^2", "x^2 + 0 y"),
    ("x^2", "max(x^2, -x^2)"),
    ("x^2", "max(x^2, -1)"),
    ("x^2", "x^2 sign(x^2 + 1)"),
    ("x^2", "x^2 + 0 e^(e^(x^2))"),
    ("x^2", "x^2 + 1[x^2 < -1]"),
    ("max(0, z)", "max(0, z, z/2)"),
    ("x", "x + 1[e^x < 0]"),
    ("1", "1 if x^2 >= 0 else 0"),
)

# Other forms: (form, key, given, text)
OTHERS = {
    "the next digit, far behind": ("number", "2", {}, "2.0000000000000000000000000000001"),
    "nearly a whole number": ("integer", "3", {}, "3.0000000000000001"),
    "a sum of digits": ("integer", "10^20", {}, "10^20 + 1"),
    "all but the biases": ("integer", "138357544", {}, "138344128"),
    "tiny for zero": ("number", "0", {}, "10^-40"),
    "tinier for zero": ("number", "0", {}, "1e-300"),
    "a fraction for π": ("number", "pi", {}, "355/113"),
    "an infinity": ("number", "10^6", {}, "inf"),
    "infinity over itself": ("number", "1", {}, "inf/inf"),
    "zero times infinity": ("number", "0", {}, "0*inf"),
    "both signs": ("number", "2", {}, "±2"),
    "two numbers": ("number", "2", {}, "2, 3"),
    "both by a tie": ("ranking", "A, B", {}, "A = B"),
    "every option": ("choice", "B, D", {}, "A, B, C, D"),
    "every order": ("ranking", "A, B", {}, "A, B, B, A"),
    "every number": ("set", "{-1, 1}", {}, "(-inf, inf)"),
    "no number": ("set", "{-1, 1}", {}, "{}"),
    "a small gap": ("inequality", "x > 0", {}, "x > 0 and x != 3"),
    "a small gap at any place": ("inequality", "x > 0", {}, "x > 0 and x != 3.33712"),
    "always": ("inequality", "x > 0", {}, "x > 0 or x <= 0"),
    "never": ("inequality", "x > 0", {}, "x > 0 and x < 0"),
    "0 = 0": ("equation", "y = 2x", {}, "0 = 0"),
    "y = y": ("equation", "y = 2x", {}, "y = y"),
    "times another equation": ("equation", "y = 2x", {}, "(y - 2x)(y - x) = 0"),
    "a square far smaller": ("complexity", "O(n)", {}, "O(n + n^2/10^40)"),
    "a bound that is too generous": ("complexity", "O(n)", {}, "O(n^2)"),
    "a class of nothing": ("complexity", "O(n)", {}, "O(0)"),
    "an infinite class": ("complexity", "O(n)", {}, "O(inf)"),
    "one entry off in the tenth place": ("matrix", "[[1, 2], [3, 4]]", {}, "[[1, 2], [3, 4.0000000001]]"),
    "an entry without value": ("matrix", "[[1, 2], [3, 4]]", {}, "[[1, 2], [3, 0/0]]"),
    "one value off in the tenth place": ("list", "1, 2", {}, "1, 2.0000000001"),
    "a batch and another": ("shape", "3 x 5 x 7", {}, "1 x 1 x 3 x 5 x 7"),
    "letters that are sizes": ("shape", "3 x 5 x 7", {}, "c x h x w"),
}  # fmt: skip


def texts(table: dict[tuple[str, str], Any]) -> list[Any]:
    found = []
    for (key, where), answers in table.items():
        named = answers.items() if isinstance(answers, dict) else zip(answers, answers)
        found += [pytest.param(key, where, t, id=f"{key} | {n}") for n, t in named]
    return found


def mark(key: str, where: str, text: str) -> str:
    return judged("expression", key, text, **({"where": where} if where else {})).mark


@pytest.mark.parametrize(("key", "where", "text"), texts(GAMED))
def test_what_agrees_only_where_one_looks(key: str, where: str, text: str) -> None:
    assert mark(key, where, text) in ("wrong", "undecided", "invalid")


@pytest.mark.parametrize(("key", "where", "text"), texts(HONEST))
def test_the_honest_twin_is_right(key: str, where: str, text: str) -> None:
    assert mark(key, where, text) == "right"


def test_gamed_and_honest_answers_share_their_keys() -> None:
    assert GAMED.keys() == HONEST.keys()


@pytest.mark.parametrize(("key", "text"), HIDDEN)
def test_what_nothing_tries_is_never_wrong(key: str, text: str) -> None:
    assert mark(key, "", text) in ("right", "undecided")


@pytest.mark.parametrize(
    "text", ["|p|", "relu(p)", "max(p, 0)", "min(p, 1)", "p 1[p > 0]"]
)
def test_kinks_outside_the_domain_are_never_wrong(text: str) -> None:
    assert mark("p", "p: probability", text) in ("right", "undecided")


@pytest.mark.parametrize(("form", "key", "given", "text"), OTHERS.values(), ids=OTHERS)
def test_other_forms(form: str, key: str, given: dict[str, Any], text: str) -> None:
    assert judged(form, key, text, **given).mark in ("wrong", "undecided", "invalid")
    assert judged(form, key, key, **given).mark == "right"
