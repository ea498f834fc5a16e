"""Losses as negative log-likelihoods, derived from their model with every step.

Likelihood, its logarithm, the loss, and the loss's derivative by the prediction or by
the score in front of it. Each line's link is checked; a derivative is SymPy's, and is
held against central differences; a model is held against its normalisation.
"""

from __future__ import annotations

from math import exp as e_to
from math import log as ln

from solver.core import Answer, BadInput, Step
from solver.expressions.nodes import Call, Div, Expr, Mul, Neg, Sym, subs
from solver.expressions.parse import named
from solver.expressions.points import near
from solver.expressions.series import Partial, Series, written
from solver.kinds import kind
from solver.kinds.deriving import (
    LOG,
    LOGP,
    MODEL,
    NLL,
    ONE,
    Derivation,
    L,
    P,
    Y,
    Z,
    by,
    classes_of,
    entry,
    exp,
    log,
    minimised,
    over_samples,
    reduced,
    sigmoid,
    slope_over,
    subs_series,
    sums_to_one,
    wanted,
)
from solver.kinds.loss_batches import slopes as batch_slopes
from solver.kinds.loss_batches import whole
from solver.kinds.loss_numbers import binary, several

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.expressions.nodes import Size

    Reals = Any


@kind("loss bernoulli", "--wrt z")
def bernoulli(
    *,
    of: str = "loss",
    wrt: str = "",
    reduction: str = "none",
    y: Reals | None = None,
    yhat: Reals | None = None,
    z: Reals | None = None,
) -> Answer:
    """Bernoulli model: likelihood, its log, binary cross-entropy, its derivative.

    On numbers with labels y and predictions yhat, or scores z.
    """
    of, letter, reduction = wanted(of), by(wrt, P, Z), reduced(reduction)
    if on_numbers(of, letter, y, yhat, z):
        return binary(y, yhat, z, reduction)
    d = Derivation()
    d.note("labels are 0 and 1; ŷ = P(y = 1)")
    model = P**Y * (ONE - P) ** (ONE - Y)
    cases = (
        Step("y = 1", subs(model, {"y": 1}), P),
        Step("y = 0", subs(model, {"y": 0}), ONE - P),
    )
    d.line("model: both cases in one expression", model, of=MODEL, below=cases)
    d.check("adding up the model over y = 0, 1", sums_to_one(model, Y, (0, 1)))
    value: Expr = model
    if of != "likelihood":
        d.note(LOG)
        value = d.line(
            "logarithm: factors become terms, exponents factors",
            Y * log(P) + (ONE - Y) * log(ONE - P),
            log(model),
            LOGP,
        )
    likelihood = value
    if of == "loss":
        value = d.line(NLL, Neg(Y * log(P)) - (ONE - Y) * log(ONE - P), Neg(value), L)
        d.check(
            "the expected loss, which is least at ŷ = P(y = 1)", least_at_share(value)
        )
    return slopes(
        d,
        of,
        value,
        letter,
        reduction,
        {
            "yhat": bernoulli_slope(of, likelihood),
            "z": (sigmoid(Z) - Y) if of == "loss" else (Y - sigmoid(Z)),
        },
    )


def on_numbers(of: str, letter: Sym | None, *given: Any) -> bool:
    """Whether the loss of given numbers is asked for: labels with their predictions."""
    if all(x is None for x in given):
        return False
    if given[0] is None:
        raise BadInput("on numbers, give the labels y as well")
    if of != "loss" or letter is not None:
        raise BadInput("on numbers the loss itself is worked out: leave out of and wrt")
    return True


def least_at_share(loss: Expr) -> bool:
    """Whether the expected loss is least at q, if labels are 1 with probability q."""
    q = Sym("q", "probability")
    return minimised(subs(loss, {"y": q}), lambda env: env["q"], P)


def bernoulli_slope(of: str, value: Expr) -> Expr:
    """∂/∂ŷ in closed form."""
    if of == "likelihood":
        return value * Div(Y - P, P * (ONE - P))
    return Div(P - Y if of == "loss" else Y - P, P * (ONE - P))


def slopes(
    d: Derivation,
    of: str,
    value: Expr,
    letter: Sym | None,
    reduction: str,
    closed: dict[str, Expr],
) -> Answer:
    """The rest of a Bernoulli answer: samples, and the derivative that is asked for."""
    name = {"loss": L, "log-likelihood": LOGP}.get(of, MODEL)
    if letter is not None and of == "likelihood":
        raise BadInput(
            "the likelihood is not differentiated here: take of = log-likelihood"
        )
    whole = over_samples(d, reduction, value)
    if letter is None:
        return d.answer(whole, of)
    first = d.slope(value, P, closed["yhat"], name=name)
    if letter.name == "yhat":
        found = slope_over(d, reduction, value, P, first, whole)
        return d.answer(found, "derivative")
    put = {"yhat": sigmoid(Z)}
    d.line("the prediction", sigmoid(Z), of=P)
    local = sigmoid(Z) * (ONE - sigmoid(Z))
    d.slope(sigmoid(Z), Z, local, "its own derivative", P)
    chain = Mul(subs(closed["yhat"], put), local)
    found = d.line(
        "chain rule, the denominator cancels", closed["z"], chain, Partial(name, Z)
    )
    d.differences(subs(value, put), Z, found)
    whole_z = subs_series(whole, put)
    return d.answer(
        slope_over(d, reduction, subs(value, put), Z, found, whole_z), "derivative"
    )


# -- classes -------------------------------------------------------------------

J, K_, CLASSES = Sym("j", "integer"), Sym("k", "integer"), Sym("K", "integer")
SHARES = {c: Sym(f"p_{c}", "probability") for c in "jk"}
LABELS = {c: Sym(f"y_{c}", "real") for c in "jk"}
SCORES = {c: Sym(f"z_{c}", "real") for c in "jk"}


def over(body: Expr, last: Any = CLASSES) -> Expr:
    return Series("sum", body, J, last)


@kind("loss categorical", "--wrt z")
def categorical(
    *,
    of: str = "loss",
    wrt: str = "",
    classes: Size | None = None,
    reduction: str = "none",
    y: Reals | None = None,
    p: Reals | None = None,
    z: Reals | None = None,
) -> Answer:
    """Categorical model: cross-entropy; --wrt z: through softmax, its derivative p − y.

    On numbers with the true class y (from 1) or its labels, and probabilities p or scores z.
    """
    of, letter, reduction = (
        wanted(of),
        by(wrt, SHARES["k"], SCORES["k"]),
        reduced(reduction),
    )
    if on_numbers(of, letter, y, p, z):
        return several(y, p, z, reduction)
    return in_letters(of, letter, classes_of(classes), reduction)


def in_letters(of: str, letter: Sym | None, many: int | None, reduction: str) -> Answer:
    """The categorical model derived, for every number of classes or a given one."""
    p, y = SHARES["j"], LABELS["j"]
    d = Derivation()
    d.note("labels are one-hot (or probabilities): they add up to 1; K classes")
    model = Series("prod", p**y, J, CLASSES)
    value: Expr = d.line("model: only the true class has exponent 1", model, of=MODEL)
    d.check("adding up the model over the one-hot labels", one_hot_sum())
    if of != "likelihood":
        d.note(LOG)
        value = d.line(
            "logarithm: factors become terms, exponents factors",
            over(y * log(p)),
            log(model),
            LOGP,
        )
    if of == "loss":
        value = d.line(NLL, Neg(over(y * log(p))), Neg(value), L)
    if letter is None:
        one = value if many is None else shown_for(d, value, many)
        return d.answer(whole(d, reduction, one) if of == "loss" else one, of)
    if of != "loss":
        raise BadInput("only the loss is differentiated here: leave out of, or wrt")
    if letter.name == "p_k":
        found: Any = Neg(Div(LABELS["k"], SHARES["k"]))
        for size in (2, 3) if many is None else (many,):
            below = entries_of(value, found, size, "p")
            d.line(f"SymPy, K = {size} written out", None, below=below)
        d.line("only one term holds it", found, of=Partial(L, letter))
        d.differences(value, letter, found)
        done = batch_slopes(d, reduction, found, letter, true_log, by_share)
        return d.answer(by_class(done, many), "derivative")
    return softmax(d, value, many, reduction)


def true_log(p: list[float], true: int) -> float:
    """The loss of one sample from its probabilities, in floats."""
    return -ln(p[true])


def softmax_loss(z: list[float], true: int) -> float:
    """The loss of one sample from its scores, in floats."""
    return ln(sum(e_to(x) for x in z)) - z[true]


def by_share(p: list[float], true: int, k: int) -> dict[str, float]:
    return {"p_k": p[k], "y_k": float(k == true)}


def by_score(z: list[float], true: int, k: int) -> dict[str, float]:
    return {"p_k": e_to(z[k]) / sum(e_to(x) for x in z), "y_k": float(k == true)}


def softmax(d: Derivation, loss: Expr, many: int | None, reduction: str) -> Answer:
    """∂L/∂z_k = p_k − y_k for p = softmax(z), with 2 and 3 classes written out."""
    p, y, z = SHARES["j"], LABELS["j"], SCORES["j"]
    norm = Series("sum", exp(Sym("z_i", "real")), Sym("i", "integer"), CLASSES)
    share = Div(exp(z), norm)
    d.line("softmax", share, of=p)
    d.line("its logarithm", z - log(norm), log(share), Call("log", p))
    put = Neg(over(y * (z - log(norm))))
    split = over(y) * log(norm) - over(y * z)
    d.line("put in", split, put, L)
    total = log(norm) - over(y * z)
    d.line("the labels add up to 1", total, ONE * log(norm) - over(y * z), L)
    raw = Div(exp(SCORES["k"]), norm) - LABELS["k"]
    found = SHARES["k"] - LABELS["k"]
    for size in (2, 3) if many is None else (many,):
        d.line(
            f"SymPy, K = {size} written out", None, below=entries_of(total, raw, size)
        )
    d.line(
        "for every K the same: the first term is softmax again",
        raw,
        of=Partial(L, SCORES["k"]),
    )
    d.line("derivative by the score", found, of=Partial(L, SCORES["k"]))
    d.differences(
        put,
        SCORES["k"],
        raw,
        "central differences through softmax and cross-entropy together",
        tied=adding_up,
    )
    done = batch_slopes(d, reduction, found, SCORES["k"], softmax_loss, by_score)
    return d.answer(by_class(done, many), "derivative")


def by_class(e: Expr, many: int | None) -> Any:
    """The tree for each class where their number is given."""
    return e if many is None else tuple(entry(e, k) for k in range(1, many + 1))


def entries_of(total: Expr, raw: Expr, size: int, by: str = "z") -> tuple[Step, ...]:
    """∂L/∂z_k (or by p_k) entry by entry for K classes, each derived by SymPy."""
    from solver.expressions.algebra import derivative

    loss = written(total, {"K": size})
    found = []
    for k in range(1, size + 1):
        letter = Sym(f"{by}_{k}", "real" if by == "z" else "probability")
        closed = written(entry(raw, k), {"K": size})
        slope = derivative(loss, letter)
        found.append(Step(f"k = {k}", slope, closed, Partial(L, letter)))
    return tuple(found)


def adding_up(env: dict[str, Any]) -> dict[str, Any]:
    """A point at which the labels of the K classes add up to 1."""
    many = env["K"]
    rest = sum(env[f"y_{i}"] for i in range(1, many))
    return {**env, f"y_{many}": 1 - rest}


def one_hot_sum() -> bool:
    """Whether Π p_j^y_j adds up to 1 over the one-hot labels, p any probabilities."""
    from solver.expressions.nodes import evaluate

    model = Series("prod", SHARES["j"] ** LABELS["j"], J, CLASSES)
    shares = {"p_1": 0.2, "p_2": 0.5, "p_3": 0.3, "K": 3}
    found = [
        evaluate(model, {**shares, **{f"y_{j}": int(i == j) for j in (1, 2, 3)}})
        for i in (1, 2, 3)
    ]
    return near(sum(found), 1)


def shown_for(d: Derivation, value: Expr, many: int) -> Expr:
    """The tree written out for a number of classes."""
    done = written(value, {"K": many})
    return d.line(f"K = {many} written out", done, of=None)


# -- labels ±1 -----------------------------------------------------------------


@kind("loss logistic", "--wrt z")
def logistic(
    *, of: str = "loss", wrt: str = "", score: str = "z", reduction: str = "none"
) -> Answer:
    """Logistic loss for labels −1 and +1: log(1 + exp(−y z)), derivative −y σ(−y z)."""
    z = Sym(named(score, "y", "L", "J"), "real")
    of, letter, reduction = wanted(of), by(wrt, z), reduced(reduction)
    d = Derivation()
    d.note(f"labels are −1 and +1; {z} is the score before the sigmoid")
    margin = Mul(Y, z)
    cases = (
        Step("y = +1", None, sigmoid(z)),
        Step("y = −1", sigmoid(Neg(z)), ONE - sigmoid(z)),
    )
    model = sigmoid(margin)
    value: Expr = d.line(
        "model: both cases in one expression", model, of=MODEL, below=cases
    )
    d.check("adding up the model over y = −1, +1", sums_to_one(model, Y, (-1, 1)))
    if of != "likelihood":
        d.note(LOG)
        softplus = log(ONE + exp(Neg(margin)))
        value = d.line(
            f"logarithm of σ(u) = 1/(1 + exp(−u)), u = {margin}",
            Neg(softplus),
            log(model),
            LOGP,
        )
    if of != "loss":
        if letter is not None:
            raise BadInput("only the loss is differentiated here: leave out of, or wrt")
        return d.answer(value, of)
    value = d.line(NLL, softplus, Neg(value), L)
    whole = over_samples(d, reduction, value)
    if letter is None:
        return d.answer(whole, of)
    power = exp(Neg(margin))
    fraction = Div(Neg(Mul(Y, power)), ONE + power)
    d.slope(value, z, fraction, f"chain rule on log(1 + exp(u)), u = −{margin}")
    found = d.line(
        "exp(u)/(1 + exp(u)) = σ(u)",
        Neg(Mul(Y, sigmoid(Neg(margin)))),
        fraction,
        Partial(L, z),
    )
    d.differences(value, z, found)
    return d.answer(slope_over(d, reduction, value, z, found, whole), "derivative")
