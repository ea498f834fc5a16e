"""Losses of numbers: squared error, absolute error, and counts, each from its noise.

The constants that are dropped on the way from the likelihood to the loss are named.
"""

from __future__ import annotations

from solver.core import Answer, BadInput
from solver.expressions.nodes import Call, Div, Expr, Mul, Neg, Num, Sym, subs
from solver.expressions.series import Case, Cases, Partial, Rel
from solver.kinds import kind
from solver.kinds.deriving import (
    DROPPED,
    HALF,
    LOG,
    LOGP,
    MODEL,
    NLL,
    ONE,
    RATE,
    TWO,
    YHAT,
    Derivation,
    L,
    Y,
    Z,
    by,
    exp,
    integral,
    log,
    minimised,
    over_samples,
    reduced,
    slope_over,
    slope_where,
    subs_series,
    sums_to_one,
    wanted,
)


@kind("loss gaussian", "--wrt yhat")
def gaussian(
    *, of: str = "loss", wrt: str = "", half: bool = True, reduction: str = "none"
) -> Answer:
    """Gaussian noise of fixed variance: the squared error, and which constants drop."""
    of, letter, reduction = wanted(of), by(wrt, YHAT), reduced(reduction)
    d = Derivation()
    spread, pi = Sym("sigma", "positive"), Sym("pi", "positive")
    square, variance = (Y - YHAT) ** TWO, spread**TWO
    root = Call("sqrt", Mul(TWO, pi, variance))
    model = Mul(Div(ONE, root), exp(Neg(Div(square, Mul(TWO, variance)))))
    d.note("y is Gaussian around ŷ, its variance σ² the same for all samples")
    value: Expr = d.line("model", model, of=MODEL)
    d.check("integrating the model over y", integral(model, Y))
    constant = Mul(HALF, log(Mul(TWO, pi, variance)))
    if of != "likelihood":
        d.note(LOG)
        value = d.line(
            "logarithm",
            Neg(Div(square, Mul(TWO, variance))) - constant,
            log(model),
            LOGP,
        )
    if of != "loss":
        if letter is not None:
            raise BadInput("only the loss is differentiated here: leave out of, or wrt")
        return d.answer(value, of)
    d.line(NLL, Div(square, Mul(TWO, variance)) + constant, Neg(value), Neg(LOGP))
    d.line(
        "½ log(2πσ²) does not depend on ŷ, the factor 1/σ² only scales: drop both",
        None,
        None,
    )
    d.note(DROPPED + ": ½ log(2πσ²) and 1/σ²" + ("" if half else ", and ½"))
    value = d.line("squared error", Div(square, TWO) if half else square, of=L)
    d.check("the least loss is at ŷ = y", minimised(value, lambda env: env["y"], YHAT))
    whole = over_samples(d, reduction, value)
    if letter is None:
        return d.answer(whole, of)
    d.note("with the ½" if half else "without the ½: its derivative has a factor 2")
    found = d.slope(value, YHAT, YHAT - Y if half else Mul(TWO, YHAT - Y))
    return d.answer(slope_over(d, reduction, value, YHAT, found, whole), "derivative")


@kind("loss laplace", "--wrt yhat")
def laplace(*, of: str = "loss", wrt: str = "", reduction: str = "none") -> Answer:
    """Laplace noise: the absolute error, whose derivative has a kink at ŷ = y."""
    of, letter, reduction = wanted(of), by(wrt, YHAT), reduced(reduction)
    d = Derivation()
    b = Sym("b", "positive")
    gap = Call("abs", Y - YHAT)
    model = Mul(Div(ONE, Mul(TWO, b)), exp(Neg(Div(gap, b))))
    d.note("y is Laplace distributed around ŷ, its scale b the same for all samples")
    value: Expr = d.line("model", model, of=MODEL)
    d.check("integrating the model over y", integral(model, Y))
    if of != "likelihood":
        d.note(LOG)
        value = d.line(
            "logarithm", Neg(Div(gap, b)) - log(Mul(TWO, b)), log(model), LOGP
        )
    if of != "loss":
        if letter is not None:
            raise BadInput("only the loss is differentiated here: leave out of, or wrt")
        return d.answer(value, of)
    d.line(NLL, Div(gap, b) + log(Mul(TWO, b)), Neg(value), Neg(LOGP))
    d.line("log(2b) does not depend on ŷ, the factor 1/b only scales: drop both", None)
    d.note(DROPPED + ": log(2b) and 1/b")
    value = d.line("absolute error", gap, of=L)
    d.check("the least loss is at ŷ = y", minimised(value, lambda env: env["y"], YHAT))
    whole = over_samples(d, reduction, value)
    if letter is None:
        return d.answer(whole, of)
    d.line(
        "on either side of ŷ = y",
        None,
        below=(
            slope_where(YHAT - Y, YHAT, "ŷ > y"),
            slope_where(Y - YHAT, YHAT, "ŷ < y"),
        ),
    )
    found = Cases(Case(ONE, Rel(YHAT, ">", Y)), Case(Num(-1), Rel(YHAT, "<", Y)))
    d.line("together: sign(ŷ − y)", found, of=Partial(L, YHAT))
    d.note(
        "at ŷ = y there is no derivative, any number from −1 to 1 is a subgradient; "
        "PyTorch takes 0"
    )
    d.differences(gap, YHAT, found, "central differences on both sides of the kink")
    return d.answer(slope_over(d, reduction, value, YHAT, found, whole), "derivative")


@kind("loss poisson", "--wrt z")
def poisson(*, of: str = "loss", wrt: str = "", reduction: str = "none") -> Answer:
    """Poisson counts with rate ŷ (or ŷ = exp(z)): the loss ŷ − y log ŷ."""
    of, letter, reduction = wanted(of), by(wrt, RATE, Z), reduced(reduction)
    d = Derivation()
    y = Sym("y", "count")
    missed = Call("factorial", y)
    model = Div(RATE**y * exp(Neg(RATE)), missed)
    d.note("y is a count, Poisson distributed with mean ŷ")
    value: Expr = d.line("model", model, of=MODEL)
    d.check(
        "adding up the model over y = 0, 1, …, 80", sums_to_one(model, y, range(80))
    )
    if of != "likelihood":
        d.note(LOG)
        value = d.line(
            "logarithm", y * log(RATE) - RATE - log(missed), log(model), LOGP
        )
    if of != "loss":
        if letter is not None:
            raise BadInput("only the loss is differentiated here: leave out of, or wrt")
        return d.answer(value, of)
    d.line(NLL, RATE - y * log(RATE) + log(missed), Neg(value), Neg(LOGP))
    d.note(DROPPED + ": log(y!)")
    value = d.line("log(y!) does not depend on ŷ: drop it", RATE - y * log(RATE), of=L)
    positive = subs(value, {"y": Sym("q", "positive")})
    d.check(
        "the least loss is at ŷ = y", minimised(positive, lambda env: env["q"], RATE)
    )
    whole = over_samples(d, reduction, value)
    if letter is None:
        return d.answer(whole, of)
    found = d.slope(value, RATE, ONE - Div(y, RATE))
    if letter.name == "yhat":
        return d.answer(
            slope_over(d, reduction, value, RATE, found, whole), "derivative"
        )
    put = {"yhat": exp(Z)}
    in_z = d.line(
        "the rate is positive: ŷ = exp(z)", exp(Z) - y * Z, subs(value, put), L
    )
    found = d.slope(in_z, Z, exp(Z) - y)
    return d.answer(
        slope_over(d, reduction, in_z, Z, found, subs_series(whole, put)), "derivative"
    )
