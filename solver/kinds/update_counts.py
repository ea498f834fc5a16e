"""Updates counted, how far momentum lengthens them, and the perceptron's update."""

from __future__ import annotations

from math import exp as e_to

from solver.core import Answer, BadInput, Check, Picture, Step
from solver.expressions.formula import settle
from solver.expressions.nodes import (
    Call,
    Expr,
    Num,
    Sym,
    divide,
    evaluate,
    plus,
    subs,
    times,
    tree,
)
from solver.expressions.points import near
from solver.kinds import kind
from solver.kinds.stepping import formula, shown
from solver.networks.layers import positive
from solver.registry import unknown
from solver.values import Listing, Matrix, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Real = Any
    Reals = Any
    Integers = tuple[int, ...]


@kind("update count", "--samples 10000 --batch 5 --best 10 --epochs 13")
def count(
    *,
    samples: int,
    batch: Integers,
    epochs: int | None = None,
    best: int | None = None,
    every: int | None = None,
    drop_last: bool = False,
) -> Answer:
    """Updates in an epoch, to the best epoch, in the whole run: one for each batch.

    every: counts the values that are recorded instead, one after so many batches.
    """
    positive("samples", samples, *batch)
    for name, given in (("epochs", epochs), ("best", best), ("every", every)):
        if given is not None:
            positive(name, given)
    if best is not None and epochs is not None and best > epochs:
        raise BadInput(f"the best epoch {best} lies behind the last, {epochs}")
    whole = "floor" if drop_last else "ceil"
    n, b = Sym("n", "integer"), Sym("B", "integer")
    steps, each, ok = [], [], True
    for size in batch:
        ratio = Call(whole, tree(samples) / size)
        label = "updates per epoch" + (f", batch size {size}" if len(batch) > 1 else "")
        each.append(settle(ratio))
        steps.append(Step(label, ratio, each[-1], None, Call(whole, n / b)))
        end = samples - size + 1 if drop_last else samples
        ok = ok and each[-1] == len(range(0, end, size))
    notes = [
        "one update for each batch",
        "the last, smaller batch is dropped"
        if drop_last
        else "the last batch counts, even if it is smaller",
    ]
    if every is not None:
        ok = ok and all(len(range(every, per + 1, every)) == per // every for per in each)
        for i, per in enumerate(each):
            ratio = Call("floor", tree(per) / every)
            each[i] = settle(ratio)
            steps.append(
                Step("values recorded per epoch", ratio, each[i], None, formula_every())
            )
        notes.append(
            "recording starts anew in each epoch, what is left over is not recorded"
        )
    counted = "values" if every is not None else "updates"
    check = Check("listing where each batch starts", ok)
    if epochs is None and best is None:
        value: Any = each[0] if len(each) == 1 else Listing(each)
        return Answer(value, tuple(steps), (check,), counted, conventions=tuple(notes))
    found = Record()
    for name, label, many in (
        ("to_best", "to the best epoch", best),
        ("whole_run", "whole run", epochs),
    ):
        if many is None:
            continue
        totals = [many * per for per in each]
        steps += [
            Step(label, times(many, per), total) for per, total in zip(each, totals)
        ]
        found[name] = totals[0] if len(totals) == 1 else Listing(totals)
    value = found if len(found) > 1 else next(iter(found.values()))
    return Answer(value, tuple(steps), (check,), counted, conventions=tuple(notes))


def formula_every() -> Expr:
    """⌊u/k⌋: u updates, one in k recorded."""
    return Call("floor", Sym("u", "integer") / Sym("k", "integer"))


@kind("update limit", "--mu 0.9")
def limit(*, mu: Real | None = None) -> Answer:
    """The factor 1/(1 − μ) by which momentum lengthens steps, in the long run."""
    if mu is not None and not isinstance(mu, Expr) and not 0 <= mu <= 0.9999:
        raise BadInput(
            f"μ is from 0 to 0.9999, not {float(mu):g}: from 1 on nothing settles"
        )
    m, g = Sym("mu", "probability"), Sym("g", "real")
    put = {} if mu is None else {"mu": shown(mu)}
    factor = Num(1) / (Num(1) - m)
    found = (
        subs(factor, put) if mu is None or isinstance(mu, Expr) else divide(1, 1 - mu)
    )
    steps = (
        Step("settled, a step changes the velocity no more", None, m * V + g, V),
        Step("solved for v", None, g / (Num(1) - m), V),
        Step(
            "against g without momentum",
            None if not put or isinstance(mu, Expr) else subs(factor, put),
            found,
            None,
            factor,
        ),
    )
    ok = all(near(settled(m_), 1 / (1 - m_), 1e-6) for m_ in tried(mu))
    return Answer(
        found,
        steps,
        (Check("carrying the velocity on until it stays", ok),),
        "factor",
        conventions=(
            "PyTorch's form, v ← μ·v + g; the gradient stays the same from step to step",
        ),
    )


V = Sym("v", "real")


def tried(mu: Any) -> list[float]:
    """The momentum that is given, or several where it is a letter."""
    return [0.1, 0.5, 0.9] if mu is None or isinstance(mu, Expr) else [float(mu)]


def settled(mu: float) -> float:
    """The velocity under gradients 1, once it changes no more."""
    v, last = 1.0, 0.0
    for _ in range(10**6):
        if abs(v - last) <= 1e-13 * v:
            break
        v, last = mu * v + 1, v
    return v


FADED = 700  # exponents beyond which nothing of the rate is left in floats
FORMS = {"time": "1/(1 + decay*t)", "exponential": "exp(-decay*t)"}


@kind("update schedule", "--decay 0.01 --t 200")
def schedule(
    *, decay: Real | None = None, t: int | None = None, form: str = "time"
) -> Answer:
    """The share of the learning rate that a decaying schedule leaves after t updates."""
    if form not in FORMS:
        raise unknown("form of the schedule", form, list(FORMS))
    if t is not None:
        positive("t", t)
    share = subs(formula(FORMS[form]), {"decay": Sym("lambda", "positive")})
    first = Sym("alpha_0", "positive")
    steps = [
        Step(f"{form}-based decay", None, first * share, Sym("alpha_t", "positive"))
    ]
    notes = ("λ is the decay, no penalty here; t counts updates",)
    if decay is None or t is None or isinstance(decay, Expr):
        put = {"lambda": decay} if decay is not None else {}
        put |= {"t": t} if t is not None else {}
        found = subs(share, {k: shown(v) for k, v in put.items()})
        check = Check(
            "the factors of single steps multiplied, at numbers", shrinks(form, 0.03, 7)
        )
        return Answer(found, tuple(steps), (check,), "share", conventions=notes)
    if not 0 <= decay <= 10 or t > 10**6:
        raise BadInput("the decay is a number from 0 to 10, t at most 1,000,000")
    if form == "exponential" and decay * t > FADED:
        raise BadInput(
            f"exp(−{float(decay * t):g}) is 0 to all digits: decay·t is at most {FADED}"
        )
    worked = subs(share, {"lambda": shown(decay), "t": t})
    exact = divide(1, 1 + decay * t) if form == "time" else evaluate(worked)
    steps.append(Step("share that is left", worked, exact, None, share))
    check = Check(
        "the factors of all single steps multiplied",
        shrinks(form, float(decay), t, float(exact)),
    )
    picture = Picture("plot", decaying(form, float(decay), t))
    return Answer(exact, tuple(steps), (check,), "share", conventions=notes, pictures=(picture,))


def decaying(form: str, decay: float, t: int) -> dict[str, Any]:
    """The share of the rate that is left, update by update, as a plot's data."""
    at = sorted({round(t * i / 100) for i in range(101)})
    left = [1 / (1 + decay * s) if form == "time" else e_to(-decay * s) for s in at]
    return {
        "series": ({"name": f"λ = {decay:g}", "x": at, "y": left},),
        "x": "updates",
        "y": "share of the learning rate that is left",
        "low": 0.0,
        "title": "The learning rate, update by update",
    }


def shrinks(form: str, decay: float, t: int, found: float | None = None) -> bool:
    """Whether the factors of all single steps multiply to the share."""
    share = 1.0
    for s in range(min(t, 10**6)):
        time = (1 + decay * s) / (1 + decay * (s + 1))
        share *= time if form == "time" else e_to(-decay)
    whole = 1 / (1 + decay * t) if form == "time" else e_to(-decay * t)
    wanted = whole if found is None else found
    return abs(share - wanted) <= 1e-7 * abs(wanted)  # however small the share


@kind("update perceptron", "--weights '0 0; 0 0; 0 0' --x '1 2' --y 3")
def perceptron(
    *,
    weights: Reals | None = None,
    x: Reals | None = None,
    y: int | None = None,
    alpha: Real = 1,
    kernel: bool = False,
) -> Answer:
    """Multiclass perceptron: a wrong sample is taken from the predicted class's weights
    and given to the true class's."""
    if weights is not None:
        return on_numbers(weights, x, y, alpha)
    if kernel:
        return kernelised()
    rate = tree(alpha)
    value = Record(predicted=settle(0 - rate), true_class=settle(rate), other=0)
    w = {name: Sym(f"w_{name}", "real") for name in ("yhat", "y", "c")}
    move = Sym("x", "real") if alpha == 1 else times(rate, Sym("x", "real"))
    steps = (
        Step("predict: ŷ is the class with the highest score"),
        Step("if ŷ = y, nothing changes"),
        Step("predicted class", None, w["yhat"] - move, Sym("w_yhat_new", "real")),
        Step("true class", None, w["y"] + move, Sym("w_y_new", "real")),
        Step("every other class", None, w["c"], Sym("w_c_new", "real")),
    )
    return Answer(
        value,
        steps,
        (Check("seeded samples: the losing scores move as they should", moves(rate)),),
        "coefficients of x",
        conventions=(
            f"descent with step size {rate} on how far the best wrong score lies above "
            "the true one",
        ),
    )


def kernelised() -> Answer:
    """The same in coefficients, w_c = Σ α_c,j φ(x_j): only sample i's change."""
    value = Record(predicted=-1, true_class=1, other=0)
    steps = (
        Step("a class's weights are a sum over the samples, each with its coefficient"),
        Step(
            "sample i goes from the predicted class to the true one: only its own change"
        ),
        Step(
            "predicted class",
            None,
            Sym("alpha_yhat", "real") - 1,
            Sym("alpha_yhat_new", "real"),
        ),
        Step(
            "true class", None, Sym("alpha_y", "real") + 1, Sym("alpha_y_new", "real")
        ),
    )
    return Answer(
        value,
        steps,
        (
            Check(
                "seeded samples: the losing scores move as they should", moves(Num(1))
            ),
        ),
        "coefficients of sample i",
        conventions=("all coefficients are 0 at the start",),
    )


def moves(rate: Expr) -> bool:
    """Whether the update is minus the difference quotient of max(0, s_ŷ − s_y)."""
    from random import Random

    random, h = Random(6), 1e-6
    step = 1.0 if not isinstance(rate, Num) else float(rate.value)
    for _ in range(20):
        w = [random.uniform(-1, 1) for _ in range(3)]
        x, y = random.uniform(0.5, 1) * random.choice((-1, 1)), random.randrange(3)
        guess = max(range(3), key=lambda k: w[k] * x)
        if guess == y:
            continue
        for c in range(3):

            def loss(
                v: float, c: int = c, w: list[float] = w, x: float = x, y: int = y
            ) -> float:
                s = [(v if k == c else w[k]) * x for k in range(3)]
                return max(0.0, max(s[k] - s[y] for k in range(3) if k != y))

            moved = -step * (loss(w[c] + h) - loss(w[c] - h)) / (2 * h)
            wanted = step * x * ((c == y) - (c == guess))
            if abs(moved - wanted) > 1e-6:
                return False
    return True


def on_numbers(weights: Any, x: Any, y: int | None, alpha: Any) -> Answer:
    """One sample: scores, prediction, and the weights after it."""
    if x is None or y is None:
        raise BadInput(
            "with weights, give the sample x and its class y as well (from 1)"
        )
    rows = [
        list(r) if isinstance(r, tuple) else [r]
        for r in (weights if isinstance(weights, tuple) else (weights,))
    ]
    flat = x[0] if isinstance(x, tuple) and isinstance(x[0], tuple) else x
    values = list(flat) if isinstance(flat, tuple) else [flat]
    if any(len(r) != len(values) for r in rows) or isinstance(alpha, Expr):
        raise BadInput(
            f"each row of weights has as many entries as x, which has {len(values)}; "
            "alpha is a number"
        )
    if not 1 <= y <= len(rows):
        raise BadInput(f"there is no class {y}: there are {len(rows)}, from 1")
    works = [plus(*(times(a, b) for a, b in zip(r, values))) for r in rows]
    scores = [settle(s) for s in works]
    steps = [
        Step(f"score of class {k}", s, v)
        for k, (s, v) in enumerate(zip(works, scores), 1)
    ]
    guess = scores.index(max(scores)) + 1
    tie = "; of equal scores the first counts" if scores.count(max(scores)) > 1 else ""
    steps.append(Step(f"prediction: class {guess}{tie}"))
    after = [list(r) for r in rows]
    if guess == y:
        steps.append(Step("right, so nothing changes"))
    for c, sign in ((guess, -1), (y, 1)) if guess != y else ():
        for i, v in enumerate(values):
            move = times(alpha, v) if alpha != 1 else tree(v)
            before = tree(rows[c - 1][i]) + (move if sign > 0 else -move)
            after[c - 1][i] = settle(before)
            steps.append(Step(f"class {c}, entry {i + 1}", before, after[c - 1][i]))
    again = [
        [a + alpha * v * ((k == y) - (k == guess)) for a, v in zip(r, values)]
        for k, r in enumerate(rows, 1)
    ]
    return Answer(
        Matrix(map(tuple, after)),
        tuple(steps),
        (Check("all weights at once, W + α (e_y − e_ŷ) xᵀ", again == after),),
        "W",
        conventions=("classes are counted from 1",),
    )
