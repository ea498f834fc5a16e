"""What students get wrong about losses and update rules, as wrong solvers.

Each takes its kind's arguments and `right`, and gives the value that the mistake leads
to (None where it cannot be made); its first line speaks to the student.
"""

from __future__ import annotations

from math import log as ln

from solver.expressions.nodes import (
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Sym,
    divide,
    subs,
    tidy,
    times,
    walk,
)
from solver.expressions.parse import spelt
from solver.expressions.series import Case, Cases
from solver.kinds import find, mistake
from solver.kinds.mistakes_shapes import entry
from solver.values import Listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LIKELIHOODS = tuple(
    f"loss {name}"
    for name in (
        "bernoulli",
        "categorical",
        "gaussian",
        "laplace",
        "poisson",
        "logistic",
    )
)
MARGINS = ("loss hinge", "loss multiclass-hinge", "loss perceptron")
AVERAGED = (
    *MARGINS[1:],
    "loss bernoulli",
    "loss categorical",
    "loss gaussian",
    "loss laplace",
    "loss poisson",
    "loss logistic",
    "loss hinge",
)


def solved(kind: str, **given: Any) -> Any:
    """The value that a kind gives for these arguments."""
    return find(kind).function(**given).value


def each(value: Any, change: Any) -> Any:
    """The change made to a tree, to each case of cases, to each entry of several."""
    if isinstance(value, Cases):
        return Cases(*(Case(change(c.args[0]), *c.args[1:]) for c in value.args))
    if isinstance(value, tuple):
        return tuple(each(v, change) for v in value)
    return change(value) if isinstance(value, Expr) else None


def replaced(e: Any, name: str, change: Any) -> Any:
    """The tree with each call of a function changed."""
    if not isinstance(e, Expr) or isinstance(e, (Num, Sym)):
        return e
    done = e.with_args(tuple(replaced(a, name, change) for a in e.args))
    return change(done) if isinstance(done, Call) and done.name == name else done


def numbers(right: Any) -> bool:
    """Whether a value is numbers: a loss that was worked out."""
    first = right[0] if isinstance(right, tuple) and right else right
    return isinstance(first, float)


def scaled(right: Any, by: float) -> Any:
    """Numbers multiplied, one by one."""
    return Listing(x * by for x in right) if isinstance(right, tuple) else right * by


def holds(e: Any, name: str) -> bool:
    return isinstance(e, Expr) and any(
        isinstance(n, Call) and n.name == name for n in walk(e)
    )


# -- losses --------------------------------------------------------------------


@mistake(*LIKELIHOODS, *MARGINS)
def sign_flipped(right: Any, of: str = "loss") -> Any:
    """The sign is turned: a loss is minus the log-likelihood, and is made small."""
    if numbers(right):
        return scaled(right, -1)
    return None if of == "likelihood" else each(right, lambda e: tidy(Neg(e)))


def one_over_n(kind: str) -> None:
    """Register the mean without its 1/n for a kind."""

    def one_over_n_dropped(**given: Any) -> Any:
        """The 1/n of the mean is missing: every sample counts with weight 1/n."""
        given.pop("right", None)
        if given.get("reduction") != "mean":
            return None
        return solved(kind, **{**given, "reduction": "sum"})

    mistake(kind)(one_over_n_dropped)


for averaged in AVERAGED:
    one_over_n(averaged)


@mistake(*LIKELIHOODS)
def log_base_ten(right: Any) -> Any:
    """This is the logarithm to base 10; in losses log is the natural logarithm."""
    if numbers(right):
        return scaled(right, 1 / ln(10))
    if not holds(right, "log"):
        return None
    return replaced(right, "log", lambda e: Div(e, Call("log", Num(10))))


@mistake(*LIKELIHOODS)
def log_base_two(right: Any) -> Any:
    """This is the logarithm to base 2; in losses log is the natural logarithm."""
    if numbers(right):
        return scaled(right, 1 / ln(2))
    if not holds(right, "log"):
        return None
    return replaced(right, "log", lambda e: Div(e, Call("log", Num(2))))


def chained(kind: str, link: str) -> None:
    """Register a chain rule without the prediction's own derivative by the score."""

    def chain_factor_missing(
        wrt: str = "", of: str = "loss", reduction: str = "none"
    ) -> Any:
        """The prediction's own derivative by the score is missing in the chain."""
        if spelt(wrt.strip()) != "z" or reduction != "none":
            return None
        inner = solved(kind, of=of, wrt="yhat")
        return subs(inner, {"yhat": Call(link, Sym("z", "real"))})

    mistake(kind)(chain_factor_missing)


chained("loss bernoulli", "sigmoid")
chained("loss poisson", "exp")


@mistake("loss logistic")
def chain_factor_missing(right: Any, wrt: str = "", score: str = "z") -> Any:
    """The inner derivative is missing: u = −y z has the derivative −y by z."""
    if not wrt:
        return None
    margin = Mul(Sym("y", "real"), Sym(spelt(score), "real"))
    return Call("sigmoid", Neg(margin))


@mistake("loss logistic")
def sign_in_sigmoid(right: Any, wrt: str = "", score: str = "z") -> Any:
    """The sign inside σ is turned: exp(u)/(1 + exp(u)) = σ(u) with u = −y z."""
    if not wrt:
        return None
    y, z = Sym("y", "real"), Sym(spelt(score), "real")
    return Neg(Mul(y, Call("sigmoid", Mul(y, z))))


@mistake("loss bernoulli")
def term_dropped(
    right: Any, of: str = "loss", wrt: str = "", reduction: str = "none"
) -> Any:
    """The term of the label 0 is missing: (1 − y) log(1 − ŷ)."""
    if numbers(right):
        return None
    if of == "likelihood" or wrt or reduction != "none":
        return None
    first = Mul(Sym("y", "real"), Call("log", Sym("yhat", "probability")))
    return Neg(first) if of == "loss" else first


@mistake("loss bernoulli", "loss poisson")
def parts_swapped(
    right: Any, of: str = "loss", wrt: str = "", reduction: str = "none"
) -> Any:
    """Label and prediction are exchanged: the logarithm is of the prediction ŷ."""
    if wrt or reduction != "none" or not isinstance(right, Expr):
        return None
    y, yhat = Sym("y", "probability"), Sym("yhat", "probability")
    return subs(right, {"y": yhat, "yhat": y})


@mistake("loss bernoulli")
def odds_as_probability(right: Any, wrt: str = "") -> Any:
    """exp(z) are the odds; the probability is σ(z) = exp(z)/(1 + exp(z))."""
    if not holds(right, "sigmoid"):
        return None
    return replaced(right, "sigmoid", lambda e: Call("exp", e.args[1]))


@mistake("loss categorical")
def softmax_not_differentiated(
    right: Any, wrt: str = "", classes: Any = None, reduction: str = "none"
) -> Any:
    """This is the derivative by p_k; by the score, softmax has a derivative besides."""
    if not spelt(wrt.strip()).startswith("z"):
        return None
    return solved("loss categorical", wrt="p", classes=classes, reduction=reduction)


@mistake("loss gaussian")
def factor_two_dropped(right: Any, half: bool = True, wrt: str = "") -> Any:
    """The factor 2 is missing: the derivative of the square is 2(ŷ − y)."""
    return Div(right, Num(2)) if wrt and not half else None


@mistake("loss gaussian")
def one_half_dropped(right: Any, half: bool = True, of: str = "loss") -> Any:
    """The factor ½ is missing, or the 2 of the square was not cancelled with it."""
    return Mul(Num(2), right) if half and of == "loss" else None


@mistake("loss gaussian")
def l1_for_l2(
    right: Any, of: str = "loss", wrt: str = "", reduction: str = "none"
) -> Any:
    """Absolute values stand for squares: Gaussian noise gives the squared error."""
    if of != "loss" or wrt or reduction != "none":
        return None
    return solved("loss laplace")


@mistake("loss laplace")
def l2_for_l1(
    right: Any, of: str = "loss", wrt: str = "", reduction: str = "none"
) -> Any:
    """Squares stand for absolute values: Laplace noise gives the absolute error."""
    if of != "loss" or wrt or reduction != "none":
        return None
    return solved("loss gaussian", half=False)


@mistake("loss hinge")
def kink_at_zero(right: Any, wrt: str = "", score: str = "z", margin: int = 1) -> Any:
    """The kink is put at 0: the hinge asks for y z ≥ 1, not for the sign only."""
    return solved("loss hinge", wrt=wrt, score=score, margin=0) if margin else None


# -- weight decay --------------------------------------------------------------


def decayed(of: str, factor: Any, alpha: str, strength: str) -> Expr | None:
    """factor(αλ)·w − α·g, in the letters of the problem, where the update is asked for."""
    if of != "update":
        return None
    rate, lam = Sym(spelt(alpha), "real"), Sym(spelt(strength), "real")
    w, g = Sym("w", "real"), Sym("g", "real")
    return Mul(factor(rate, lam), w) - Mul(rate, g)


@mistake("loss l2")
def decay_factor_two(
    of: str = "update",
    half: bool = False,
    alpha: str = "alpha",
    strength: str = "lambda",
) -> Any:
    """The derivative of λ wᵀw is 2λ w, that of (λ/2) wᵀw is λ w: mind the 2."""
    two = 2 if half else 1
    return decayed(of, lambda a, lam: 1 - times(two, a, lam), alpha, strength)


@mistake("loss l2")
def decay_without_rate(
    of: str = "update",
    half: bool = False,
    alpha: str = "alpha",
    strength: str = "lambda",
) -> Any:
    """The learning rate multiplies the gradient of the penalty as well."""
    two = Num(1) if half else Num(2)
    return decayed(of, lambda a, lam: 1 - Mul(two, lam), alpha, strength)


@mistake("loss l2")
def decay_sign(
    of: str = "update",
    half: bool = False,
    alpha: str = "alpha",
    strength: str = "lambda",
) -> Any:
    """With this sign the weights grow: the step goes against the gradient."""
    two = Num(1) if half else Num(2)
    return decayed(of, lambda a, lam: 1 + Mul(two, a, lam), alpha, strength)


@mistake("loss l2")
def weight_decay_without_update_rule(
    of: str = "update", half: bool = False, strength: str = "lambda"
) -> Any:
    """This is the gradient of the new loss: put it into the update, and collect w there."""
    if of != "update":
        return None
    two = Num(1) if half else Num(2)
    return Sym("g", "real") + Mul(two, Sym(spelt(strength), "real"), Sym("w", "real"))


# -- what a log says -----------------------------------------------------------


def bound_in_base(name: str, base: int, doc: str) -> None:
    """Register the lower bound with the logarithm to another base."""

    def wrong(right: Any) -> Any:
        return entry(right, lower_bound=right["lower_bound"] / ln(base))

    wrong.__name__, wrong.__doc__ = name, doc
    mistake("loss consistency")(wrong)


bound_in_base(
    "log_base_two",
    2,
    "This is the error rate, as with log₂: a wrong sample costs at least ln 2, not 1.",
)
bound_in_base(
    "log_base_ten",
    10,
    "This is the logarithm to base 10; in losses log is the natural logarithm.",
)


@mistake("loss consistency")
def batch_mean_loss_divided_by_n(right: Any, batch: Any = None) -> Any:
    """The number printed is below the bound: means of batches were divided by the samples."""
    if batch is None or right["possible_as_mean"]:
        return None
    return entry(right, possible_as_mean=True)


@mistake("loss accuracy")
def complement_reported(right: Any, samples: int, correct: Any = None) -> Any:
    """This is the share of the wrong answers."""
    if correct is None:
        return None
    wrong = divide(samples - correct, samples)
    return entry(right, accuracy=wrong) if isinstance(right, dict) else wrong
