"""Losses against textbook results; checks fed wrong values; mistakes."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest

from solver.core import BadInput, CheckFailed, Problem
from solver.expressions.nodes import Call, Mul, Neg, Num, Sym, evaluate
from solver.expressions.parse import parse
from solver.expressions.points import agree, slopes_agree
from solver.expressions.series import Case, Cases, Rel, Series, Undefined, written
from solver.expressions.show import latex, mathml, text
from solver.kinds import (
    deriving,
    loss,
    loss_batches,
    loss_logs,
    loss_margins,
    loss_numbers,
    mistakes,
    names,
    solve,
)
from solver.kinds.deriving import P, Y, Z
from solver.render import render
from solver.values import same


def tree(source: str) -> Any:
    return parse(source, "real")


# (kind, given, the value as the source prints it)
TEXTBOOK: dict[str, tuple[str, dict[str, Any], str]] = {
    "Bishop 4.89, one sample's factor": (
        "loss bernoulli",
        {"of": "likelihood"},
        "yhat^y*(1 - yhat)^(1 - y)",
    ),
    "Goodfellow 6.2.2.2, log-likelihood": (
        "loss bernoulli",
        {"of": "log-likelihood"},
        "y*log(yhat) + (1 - y)*log(1 - yhat)",
    ),
    "Bishop 4.90, cross-entropy": (
        "loss bernoulli",
        {},
        "-(y*log(yhat) + (1 - y)*log(1 - yhat))",
    ),
    "Bishop 4.91, without the input": (
        "loss bernoulli",
        {"wrt": "z"},
        "sigmoid(z) - y",
    ),
    "Bishop 4.91 with the logistic written out": (
        "loss bernoulli",
        {"wrt": "z"},
        "1/(1 + exp(-z)) - y",
    ),
    "CS231n, derivative by the probability": (
        "loss bernoulli",
        {"wrt": "yhat"},
        "(yhat - y)/(yhat*(1 - yhat))",
    ),
    "log-likelihood by the score": (
        "loss bernoulli",
        {"wrt": "z", "of": "log-likelihood"},
        "y - sigmoid(z)",
    ),
    "PyTorch BCEWithLogitsLoss, mean": (
        "loss bernoulli",
        {"wrt": "z", "reduction": "mean"},
        "(sigmoid(z_i) - y_i)/n",
    ),
    "CS231n, softmax: p_k - 1(k = y)": ("loss categorical", {"wrt": "z"}, "p_k - y_k"),
    "PyTorch CrossEntropyLoss, mean": (
        "loss categorical",
        {"wrt": "z", "reduction": "mean"},
        "(p_k - y_k)/n",
    ),
    "cross-entropy by the probability": ("loss categorical", {"wrt": "p"}, "-y_k/p_k"),
    "cross-entropy of two classes": (
        "loss categorical",
        {"classes": 2},
        "-(y_1*log(p_1) + y_2*log(p_2))",
    ),
    "Goodfellow 5.5.1, squared error": ("loss gaussian", {}, "(y - yhat)^2/2"),
    "PyTorch MSELoss, mean": (
        "loss gaussian",
        {"half": False, "wrt": "yhat", "reduction": "mean"},
        "2*(yhat_i - y_i)/n",
    ),
    "Bishop 3.10, log of one factor": (
        "loss gaussian",
        {"of": "log-likelihood"},
        "-log(sqrt(2*pi)) - log(sigma) - (y - yhat)^2/(2*sigma^2)",
    ),
    "Laplace, absolute error": ("loss laplace", {}, "abs(yhat - y)"),
    "Laplace, sign": ("loss laplace", {"wrt": "yhat"}, "sign(yhat - y)"),
    "PyTorch PoissonNLLLoss, log_input": ("loss poisson", {"wrt": "z"}, "exp(z) - y"),
    "PyTorch PoissonNLLLoss, rate": ("loss poisson", {}, "yhat - y*log(yhat)"),
    "Poisson by the rate": ("loss poisson", {"wrt": "yhat"}, "1 - y/yhat"),
    "logistic loss, ±1": ("loss logistic", {}, "log(1 + exp(-y*z))"),
    "set 2, 2.1": (
        "loss logistic",
        {"score": "yhat", "wrt": "yhat"},
        "-y*sigmoid(-y*yhat)",
    ),
    "set 2, 2.1, another form": (
        "loss logistic",
        {"score": "yhat", "wrt": "yhat"},
        "y*(sigmoid(y*yhat) - 1)",
    ),
    "CS231n, hinge": ("loss hinge", {}, "max(0, 1 - y*z)"),
    "hinge by the score": ("loss hinge", {"wrt": "z"}, "-y*step(1 - y*z)"),
    "perceptron, two classes": (
        "loss hinge",
        {"margin": 0, "wrt": "z"},
        "-y*step(-y*z)",
    ),
    "set 0, 3.3": ("loss l2", {}, "(1 - 2*alpha*lambda)*w - alpha*g"),
    "Goodfellow 7.4 (with ½)": (
        "loss l2",
        {"half": True, "alpha": "epsilon", "strength": "alpha"},
        "(1 - epsilon*alpha)*w - epsilon*g",
    ),
    "gradient of the penalty": ("loss l2", {"of": "gradient"}, "g + 2*lambda*w"),
}


@pytest.mark.parametrize("source", TEXTBOOK)
def test_textbook(source: str) -> None:
    kind, given, wanted = TEXTBOOK[source]
    assert same(solve(kind, **given).value, tree(wanted)) is True


@pytest.mark.parametrize("source", TEXTBOOK)
def test_a_little_off_is_not_the_same(source: str) -> None:
    kind, given, wanted = TEXTBOOK[source]
    off = Mul(parse("1.001", "real"), tree(wanted))
    assert same(solve(kind, **given).value, off) is False


def test_softmax_entry_by_entry() -> None:
    """The value for three classes, and SymPy's lines for two and three."""
    assert str(solve("loss categorical", wrt="z", classes=3).value[2]) == "p_3 − y_3"
    shown = " ".join(render(solve("loss categorical", wrt="z")).split())
    assert "∂L/∂z_2 = exp(z_2)/(exp(z_1) + exp(z_2)) − y_2" in shown
    assert "∂L/∂z_3 = exp(z_3)/(exp(z_1) + exp(z_2) + exp(z_3)) − y_3" in shown


def test_numbers_of_set_4() -> None:
    """s4.9.1.loss: ln 10 for ten equal classes, ln 2 for a logit of 0."""
    ten = solve("loss categorical").value
    env = {"K": 10, **{f"p_{j}": 0.1 for j in range(1, 11)}}
    env |= {f"y_{j}": int(j == 4) for j in range(1, 11)}
    assert evaluate(ten, env) == pytest.approx(2.302585, abs=1e-6)
    two = solve("loss bernoulli").value
    assert evaluate(two, {"y": 1, "yhat": 0.5}) == pytest.approx(math.log(2))


ON_NUMBERS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "set 4, 9.1: ten equal classes, ln 10": (
        "loss categorical",
        {"y": 1, "z": [0] * 10},
        2.302585092994046,
    ),
    "set 4, 9.1: logits 0, ln 2": (
        "loss bernoulli",
        {"y": [1, 0, 0], "z": [0, 0, 0], "reduction": "mean"},
        0.6931471805599453,
    ),
    "set 4, 9.1: probabilities as logits": (
        "loss bernoulli",
        {"y": [1] + [0] * 9, "z": [1] + [0] * 9, "reduction": "mean"},
        0.655158631,
    ),
    "PyTorch BCELoss by hand": (
        "loss bernoulli",
        {"y": "1 0", "yhat": "0.9 0.2", "reduction": "sum"},
        -math.log(0.9) - math.log(0.8),
    ),
    "PyTorch CrossEntropyLoss by hand": (
        "loss categorical",
        {"y": "1 3", "p": "0.5 0.25 0.25; 0.1 0.2 0.7", "reduction": "mean"},
        -(math.log(0.5) + math.log(0.7)) / 2,
    ),
    "CS231n, softmax: scores 1, −2, 0": (
        "loss categorical",
        {"y": 1, "z": "1 -2 0"},
        -math.log(math.e / (math.e + math.e**-2 + 1)),
    ),
    "soft labels": (
        "loss categorical",
        {"y": "0.5 0.5", "p": "0.2 0.8"},
        -(math.log(0.2) + math.log(0.8)) / 2,
    ),
}


@pytest.mark.parametrize("source", ON_NUMBERS)
def test_on_numbers(source: str) -> None:
    kind, given, wanted = ON_NUMBERS[source]
    found = solve(kind, **given).value
    assert found == pytest.approx(wanted, rel=1e-8)
    assert found != pytest.approx(wanted * 1.001, rel=1e-8)
    assert all(same(m.value, found) is False for m in mistakes(Problem(kind, given)))


def test_a_wrong_number_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = loss_numbers.evaluate
    monkeypatch.setattr(loss_numbers, "evaluate", lambda e: true(e) * 1.001)
    with pytest.raises(CheckFailed):
        solve("loss bernoulli", y=1, z=2)


def test_what_a_log_says() -> None:
    """s3.2.C: 239 errors of 10,000 cannot have a mean loss of 0.0028."""
    asked: dict[str, Any] = {"errors": 239, "samples": 10_000, "batch": 32}
    found = solve("loss consistency", printed=0.0028, **asked).value
    assert found["lower_bound"] == pytest.approx(0.016566, abs=1e-6)
    assert found["possible_as_mean"] is False
    assert float(found["times_batch"]) == pytest.approx(0.0896)
    possible = solve("loss consistency", printed=0.0166, **asked).value
    assert possible["possible_as_mean"] is True
    assert loss_logs.wrong_cost_log_two()
    assert solve("loss accuracy", correct=9761, samples=10_000).value == Fraction("0.9761")
    assert solve("loss accuracy", accuracy=0.7893, samples=10_000).value == 7893
    met = solve("loss accuracy", correct=975, samples=1000, threshold=0.975).value
    assert met["meets"] is True


def test_multiclass_hinge_by_hand() -> None:
    """CS231n, linear classification: scores 13, −7, 11, class 1, margin 10: 8."""
    found = solve("loss multiclass-hinge", margin=10).value
    assert evaluate(found, {"K": 3, "y": 1, "s_1": 13, "s_2": -7, "s_3": 11}) == 8


PERCEPTRON = [  # class c, predicted ŷ, true y, loss, coefficient of x: set 2, 1.1
    (1, 1, 2, 0.7, 1),
    (2, 1, 2, 0.7, -1),
    (3, 1, 2, 0.7, 0),
    (1, 1, 2, 0, 0),
    (2, 1, 2, 0, 0),
]


@pytest.mark.parametrize(("c", "yhat", "y", "value", "wanted"), PERCEPTRON)
def test_perceptron_cases(c: int, yhat: int, y: int, value: float, wanted: int) -> None:
    found = solve("loss perceptron", wrt="w").value
    assert (
        evaluate(found, {"c": c, "yhat": yhat, "y": y, "L": value, "x": 2.5})
        == wanted * 2.5
    )


# -- checks that can fail ------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "wrt", "wrong"),
    [
        (-(Y * Call("log", P)), P, "-y/yhat*1.001"),
        (Call("log", 1 + Call("exp", -Z)), Z, "sigmoid(-z)"),
        (Call("max", Num(0), 1 - Y * Z), Z, "-y"),
        (Call("abs", Y - Sym("yhat", "real")), Sym("yhat", "real"), "1"),
    ],
)
def test_a_wrong_slope_is_caught(source: Any, wrt: Sym, wrong: str) -> None:
    assert not slopes_agree(source, wrt, tree(wrong))


def test_a_wrong_derivative_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        loss, "bernoulli_slope", lambda of, value: (Y - P) / (P * (1 - P))
    )
    with pytest.raises(CheckFailed):
        solve("loss bernoulli", wrt="z")


def test_a_wrong_model_is_caught() -> None:
    wrong = P**Y * (1 - P) ** Y
    assert not deriving.sums_to_one(wrong, Y, (0, 1))
    spread = Sym("sigma", "positive")
    assert not deriving.integral(
        Call("exp", Neg((Y - Z) ** Num(2) / (2 * spread ** Num(2)))), Y
    )
    assert not deriving.minimised(
        (Y - Sym("yhat", "real")) ** Num(2),
        lambda env: env["y"] + 0.1,
        Sym("yhat", "real"),
    )


def test_wrong_cases_of_the_perceptron_are_caught() -> None:
    right = solve("loss perceptron", wrt="s").value
    assert loss_margins.weights_agree(right, 0, False)
    cases = [Case(Neg(c.args[0]), *c.args[1:]) for c in right.args]
    assert not loss_margins.weights_agree(Cases(*cases), 0, False)
    assert not loss_margins.weights_agree(Cases(Case(Num(0))), 0, False)


def test_batches_are_checked() -> None:
    """The derivative of one sample's loss is not that of the mean over n."""
    one = loss_margins.one_sample(0, max)
    of_one = solve("loss perceptron", wrt="s").value
    of_mean = solve("loss perceptron", wrt="s", reduction="mean").value

    def letters(s: list[float], y: int, c: int) -> dict[str, Any]:
        return loss_margins.at_class(s, y, c, one)

    assert loss_batches.batch_agrees(of_mean, "mean", one, letters)
    assert loss_batches.batch_agrees(of_one, "sum", one, letters)
    assert not loss_batches.batch_agrees(of_one, "mean", one, letters)
    weights = solve("loss perceptron", wrt="w", reduction="mean").value
    assert loss_batches.weights_agree(weights, "mean", one)
    assert not loss_batches.weights_agree(weights, "sum", one)
    assert not loss_batches.weights_agree(Mul(parse("1.001", "real"), weights), "mean", one)


def test_a_wrong_decay_is_caught() -> None:
    rate, lam = Sym("alpha", "real"), Sym("lambda", "real")
    penalty = tree("lambda*w^2")
    assert loss_margins.decays(
        tree("(1 - 2*alpha*lambda)*w - alpha*g"), penalty, rate, lam
    ).ok
    assert not loss_margins.decays(
        tree("(1 - alpha*lambda)*w - alpha*g"), penalty, rate, lam
    ).ok


# -- mistakes ------------------------------------------------------------------

MISTAKEN: list[tuple[str, dict[str, Any], set[str]]] = [
    (
        "loss bernoulli",
        {},
        {"sign_flipped", "log_base_ten", "term_dropped", "parts_swapped"},
    ),
    (
        "loss bernoulli",
        {"wrt": "z"},
        {"sign_flipped", "chain_factor_missing", "odds_as_probability"},
    ),
    ("loss bernoulli", {"wrt": "z", "reduction": "mean"}, {"one_over_n_dropped"}),
    ("loss categorical", {"wrt": "z"}, {"sign_flipped", "softmax_not_differentiated"}),
    (
        "loss gaussian",
        {"wrt": "yhat", "half": False},
        {"factor_two_dropped", "sign_flipped"},
    ),
    ("loss gaussian", {}, {"one_half_dropped", "l1_for_l2"}),
    ("loss laplace", {}, {"l2_for_l1"}),
    ("loss poisson", {"wrt": "z"}, {"chain_factor_missing"}),
    ("loss logistic", {"wrt": "z"}, {"chain_factor_missing", "sign_in_sigmoid"}),
    ("loss hinge", {"wrt": "z"}, {"kink_at_zero", "sign_flipped"}),
    ("loss perceptron", {"wrt": "w"}, {"sign_flipped"}),
    ("loss categorical", {"wrt": "z", "reduction": "mean"}, {"one_over_n_dropped"}),
    ("loss l2", {}, {"decay_factor_two", "decay_without_rate", "decay_sign"}),
]


@pytest.mark.parametrize(("kind", "given", "wanted"), MISTAKEN)
def test_mistakes_differ_and_are_found(
    kind: str, given: dict[str, Any], wanted: set[str]
) -> None:
    right = solve(kind, **given).value
    found = mistakes(Problem(kind, given))
    assert wanted <= {m.name for m in found}
    assert all(same(m.value, right) is False for m in found)


# -- the language --------------------------------------------------------------

EVERY = [(k, g) for k, g, _ in TEXTBOOK.values()] + [
    ("loss multiclass-hinge", {"wrt": "w"}),
    ("loss multiclass-hinge", {"variant": "max", "wrt": "s"}),
    ("loss perceptron", {"wrt": "w"}),
    ("loss perceptron", {"wrt": "w", "reduction": "mean"}),
    ("loss multiclass-hinge", {"wrt": "s", "reduction": "sum"}),
    ("loss categorical", {"wrt": "p", "reduction": "sum", "classes": 3}),
    ("loss categorical", {"reduction": "mean"}),
    ("loss laplace", {"wrt": "yhat", "reduction": "mean"}),
]


@pytest.mark.parametrize(("kind", "given"), EVERY)
def test_every_form_is_rendered(kind: str, given: dict[str, Any]) -> None:
    answer = solve(kind, **given)
    for line in render(answer).splitlines():
        assert len(line) <= 80, line
    source = render(answer, "tex")
    assert source.count("{") == source.count("}")
    assert "_{\\mathrm{yhat" not in source
    page = render(answer, "html")
    assert page.count("<mrow>") == page.count("</mrow>")


@pytest.mark.parametrize(
    "kind",
    [n for n in names("loss") if n not in ("loss accuracy", "loss chance", "loss consistency")],
)
def test_every_kind_names_its_conventions(kind: str) -> None:
    assert solve(kind).conventions


def test_letters_with_signs_are_typed_back_in() -> None:
    for source in (
        "ŷ^y·(1 − ŷ)^(1 − y)",
        "σ(z) − y",
        "(1 − 2α·λ)·w − α·g",
        "β1·m + m̂/σ",
    ):
        assert text(tree(source)) == source
    assert latex(tree("ŷ_i·σ(β1)")) == r"\hat{y}_{i} \cdot \sigma\left(\beta_{1}\right)"
    assert "<mover>" in mathml(tree("ŷ"))


def test_series_are_written_out() -> None:
    j, y = Sym("j", "integer"), Sym("y", "integer")
    gap = tree("s_j") - tree("s_y")
    series = Series("sum", gap, j, Sym("K", "integer"), y)
    assert str(written(series, {"K": 3, "y": 2})) == "s_1 − s_2 + (s_3 − s_2)"
    assert evaluate(series, {"K": 3, "y": 2, "s_1": 5, "s_2": 1, "s_3": 3}) == 6
    assert agree(
        series, Series("sum", gap, j, Sym("K", "integer"))
    )  # the term j = y is 0
    assert not agree(series, Neg(series))


def test_at_a_kink_there_is_no_value() -> None:
    z = Sym("z", "real")
    cases = Cases(Case(Num(1), Rel(z, ">", Num(0))), Case(Num(-1), Rel(z, "<", Num(0))))
    assert agree(cases, Call("sign", z))
    with pytest.raises(Undefined):
        evaluate(cases, {"z": 0})


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("loss bernoulli", {"wrt": "w"}, "wrt"),
        ("loss bernoulli", {"of": "los"}, "did you mean loss"),
        ("loss bernoulli", {"reduction": "avg"}, "reduction"),
        ("loss categorical", {"classes": 40}, "2 to 6"),
        ("loss hinge", {"margin": -1}, "0 or more"),
        ("loss multiclass-hinge", {"variant": "all"}, "variant"),
        ("loss gaussian", {"of": "likelihood", "wrt": "yhat"}, "only the loss"),
        ("loss multiclass-hinge", {"wrt": "w", "reduction": "mean"}, "wrt s"),
        ("loss perceptron", {"reduction": "avg"}, "reduction"),
        ("loss bernoulli", {"z": 3}, "labels y as well"),
        ("loss bernoulli", {"y": 1, "z": 3, "yhat": 0.5}, "either yhat"),
        ("loss bernoulli", {"y": 2, "z": 3}, "labels y are 0 and 1"),
        ("loss bernoulli", {"y": 1, "yhat": 1}, "between 0 and 1"),
        ("loss bernoulli", {"y": 1, "z": 16}, "from −15 to 15"),
        ("loss bernoulli", {"y": [1, 0], "z": 1}, "2 entries"),
        ("loss bernoulli", {"y": 1, "z": 3, "wrt": "z"}, "leave out"),
        ("loss categorical", {"y": 3, "z": "1 2"}, "true class, 1 to 2"),
        ("loss categorical", {"y": "1 0 0", "z": "1 2"}, "add up to 1"),
        ("loss categorical", {"y": 1, "p": "0.5 0.6"}, "not to 1.1"),
        ("loss categorical", {"y": "1 2", "z": "1 2 3; 1 2"}, "another 2"),
        ("loss accuracy", {"samples": 9, "accuracy": 0.5}, "whole number"),
        ("loss accuracy", {"samples": 9, "correct": 10}, "0 to 9"),
        ("loss accuracy", {"samples": 9}, "either correct"),
        ("loss consistency", {"samples": 9, "errors": 10, "printed": 1}, "not 10"),
        # 1/10·ln 2 = 0.06931472 is printed as 0.0693147, which is less, and as 0.069
        ("loss consistency", {"samples": 10, "errors": 1, "printed": 0.0693147}, "rounded"),
        ("loss consistency", {"samples": 10, "errors": 1, "printed": 0.069}, "rounded"),
        ("loss l2", {"strength": ""}, "no letter"),
        ("loss l2", {"strength": "3"}, "no letter"),  # 2·3·w is not 23·w
        ("loss l2", {"strength": "alpha"}, "something else"),
        ("loss hinge", {"score": "y"}, "something else"),
        ("loss logistic", {"score": "2"}, "no letter"),
    ],
)
def test_bad_input(kind: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        solve(kind, **given)
