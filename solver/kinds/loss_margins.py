"""Losses of margins and the penalty: hinge, multiclass hinge, perceptron, weight decay.

These are piecewise: each piece is differentiated by SymPy, the cases carry their
conditions, and differences are taken on both sides of every kink.
"""

from __future__ import annotations

from random import Random

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Call, Expr, Mul, Neg, Num, Sym, evaluate
from solver.expressions.parse import named
from solver.expressions.points import near
from solver.expressions.series import Case, Cases, Partial, Rel, Series
from solver.kinds import kind
from solver.kinds.deriving import (
    Derivation,
    L,
    Y,
    by,
    over_samples,
    reduced,
    slope_over,
    slope_where,
)
from solver.kinds.loss_batches import over_weights, slopes, whole
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ONE, TWO, ZERO = Num(1), Num(2), Num(0)
J, C, K = Sym("j", "integer"), Sym("c", "integer"), Sym("K", "integer")
TRUE, RIVAL = Sym("y", "integer"), Sym("yhat", "integer")
BOTH = "central differences on both sides of the kink"


def hinged(x: Expr) -> Expr:
    return Call("max", ZERO, x)


@kind("loss hinge", "--wrt z")
def hinge(
    *, wrt: str = "", score: str = "z", margin: int = 1, reduction: str = "none"
) -> Answer:
    """Hinge loss for labels −1, +1: max(0, 1 − y z); margin 0 is the perceptron's."""
    z = Sym(named(score, "y", "L", "J"), "real")
    letter, reduction = by(wrt, z), reduced(reduction)
    if margin < 0:
        raise BadInput(f"the margin is 0 or more, not {margin}")
    d = Derivation()
    d.note(f"labels are −1 and +1; {z} is the score, y·{z} the margin")
    product, edge = Mul(Y, z), Num(margin)
    inside = edge - product if margin else Neg(product)
    loss = d.line(f"no loss once y·{z} has reached {margin}", hinged(inside), of=L)
    pieces = Cases(
        Case(inside, Rel(product, "<", edge)), Case(ZERO, Rel(product, "≥", edge))
    )
    d.line("piece by piece", pieces, loss, L)
    d.check(
        "the same loss as the margin that is missing, at seeded points",
        missing_margin(loss, z, margin),
    )
    whole = over_samples(d, reduction, loss)
    if letter is None:
        return d.answer(whole, "loss")
    d.line(
        "each piece by itself",
        None,
        below=(
            slope_where(inside, z, f"y·{z} < {margin}"),
            slope_where(ZERO, z, f"y·{z} > {margin}"),
        ),
    )
    found = Cases(
        Case(Neg(Y), Rel(product, "<", edge)), Case(ZERO, Rel(product, ">", edge))
    )
    d.line("together", found, of=Partial(L, z))
    d.note(
        f"at y·{z} = {margin} there is no derivative: a kink; subgradients lie between "
        "−y and 0, and 0 is the usual choice"
    )
    d.differences(loss, z, found, BOTH)
    return d.answer(slope_over(d, reduction, loss, z, found, whole), "derivative")


def missing_margin(loss: Expr, z: Sym, margin: int) -> bool:
    """Whether the loss is how far y z falls short of the margin, label by label."""
    random = Random(3)
    for _ in range(40):
        label, score = random.choice((-1, 1)), random.uniform(-3, 3)
        short = margin - (score if label > 0 else -score)
        if not near(
            evaluate(loss, {"y": label, z.name: score}), short if short > 0 else 0
        ):
            return False
    return True


# -- several classes -----------------------------------------------------------


def scores(letter: str) -> dict[str, Expr]:
    """s_j, s_y, s_c, …: the scores of the classes."""
    return {i: Sym(f"{letter}_{i}", "real") for i in ("j", "y", "c", "yhat")}


@kind("loss multiclass-hinge", "--wrt s")
def multiclass_hinge(
    *,
    wrt: str = "",
    margin: int = 1,
    variant: str = "sum",
    reduction: str = "none",
) -> Answer:
    """Multiclass hinge: over all wrong classes (sum), or the worst of them (max)."""
    reduction = reduced(reduction)
    if variant not in ("sum", "max"):
        raise unknown("variant", variant, ["sum", "max"])
    if variant == "max":
        return worst(wrt, margin, reduction)
    s = scores("s")
    x = Sym("x", "real")
    letter = by(wrt, s["c"], Sym("w_c", "real"))  # type: ignore[arg-type]
    d = Derivation()
    d.note(
        "y is the true class; each class has its score s = w·x",
        f"margin {margin}, summed over the wrong classes (Weston and Watkins)",
    )
    gap = plus_margin(s["j"] - s["y"], margin)
    loss: Expr = Series("sum", hinged(gap), J, K, TRUE)
    d.line("each wrong class that comes too near counts", loss, of=L)
    if letter is None:
        d.check("going through the classes one by one", loop_agrees(loss, margin, sum))
        return d.answer(whole(d, reduction, loss), "loss")
    if letter.name == "w_c" and reduction != "none":
        raise BadInput("over a batch this loss is derived by the scores: --wrt s")
    on = plus_margin(s["c"] - s["y"], margin)
    counted = Series("sum", Call("step", gap), J, K, TRUE)
    d.line(
        "a term is either 0, or rises with its own score and falls with the true one",
        None,
        below=(
            slope_where(gap, s["j"], "if positive"),  # type: ignore[arg-type]
            slope_where(gap, s["y"], "if positive"),  # type: ignore[arg-type]
        ),
    )
    found = Cases(
        Case(Call("step", on), Rel(C, "≠", TRUE)), Case(Neg(counted), Rel(C, "=", TRUE))
    )
    d.line("together, class by class", found, of=Partial(L, s["c"]))
    d.note(
        "step(a) is 1 for a > 0 and 0 for a < 0; where an argument is 0 is a kink",
        "no derivative exists there; 0 is the usual choice",
    )
    d.differences(loss, s["c"], found, BOTH)  # type: ignore[arg-type]
    if letter.name == "w_c":
        return d.answer(by_weights(d, found, x), "derivative")
    one = one_sample(margin, sum)
    done = slopes(
        d, reduction, found, letter, one, lambda t, y, c: at_class(t, y, c, one)
    )
    return d.answer(done, "derivative")


def one_sample(margin: int, join: Any) -> Any:
    """One sample's loss from its scores, in floats: the wrong classes summed, or the worst."""

    def loss(s: list[float], y: int) -> float:
        return float(
            join(max(0.0, v - s[y] + margin) for j, v in enumerate(s) if j != y)
        )

    return loss


def at_class(s: list[float], y: int, c: int, loss: Any) -> dict[str, Any]:
    """The letters at one sample's class c."""
    rival = max((j for j in range(len(s)) if j != y), key=lambda j: s[j])
    letters = {"c": c + 1, "y": y + 1, "yhat": rival + 1, "L": loss(s, y), "K": len(s)}
    return {**letters, **{f"s_{j}": v for j, v in enumerate(s, 1)}}


def plus_margin(gap: Expr, margin: int) -> Expr:
    """margin + gap, without a margin of 0."""
    return gap if margin == 0 else gap + margin


def by_weights(d: Derivation, found: Cases, x: Sym) -> Expr:
    """∂L/∂w_c = ∂L/∂s_c · x, since s_c = w_c·x."""
    cases = [Case(scaled(c.args[0], x), *c.args[1:]) for c in found.args]
    value: Expr = d.line(
        "a score is s = w·x, so its derivative by its weights is x",
        Cases(*cases),
        of=Partial(L, Sym("w_c", "real")),
    )
    return value


def scaled(slope: Expr, x: Expr) -> Expr:
    """slope·x as it is written."""
    if slope in (ONE, Num(-1)):
        return x if slope == ONE else Neg(x)
    if isinstance(slope, Neg):
        return Neg(Mul(slope.args[0], x))
    return slope if slope == ZERO else Mul(slope, x)


def loop_agrees(loss: Expr, margin: int, join: Any) -> bool:
    """Whether the loss is what a plain loop over the classes gives."""
    random = Random(11)
    for _ in range(40):
        many = random.randint(2, 5)
        s = [random.uniform(-2, 2) for _ in range(many)]
        y = random.randrange(many)
        terms = [max(0.0, s[j] - s[y] + margin) for j in range(many) if j != y]
        env = {"K": many, "y": y + 1, **{f"s_{j + 1}": v for j, v in enumerate(s)}}
        if not near(evaluate(loss, env), join(terms)):
            return False
    return True


@kind("loss perceptron", "--wrt w")
def perceptron(*, wrt: str = "", reduction: str = "none") -> Answer:
    """Multiclass perceptron loss, and its gradient by each class's weights in cases."""
    return worst(wrt, 0, reduced(reduction))


def worst(wrt: str, margin: int, reduction: str) -> Answer:
    """max{0, max over wrong classes of s_j − s_y (+ margin)} and its derivative."""
    s, x = scores("s"), Sym("x", "real")
    letter = by(wrt, s["c"], Sym("w_c", "real"))  # type: ignore[arg-type]
    d = Derivation()
    d.note("y is the true class; each class has its score s = w·x")
    if margin:
        d.note(
            f"margin {margin}, only the worst wrong class counts (Crammer and Singer)"
        )
    rival = Series("max", s["j"] - s["y"], J, K, TRUE)
    loss = d.line(
        "the best wrong class against the true one",
        hinged(plus_margin(rival, margin)),
        of=L,
    )
    d.check("going through the classes one by one", loop_agrees(loss, margin, max))
    if letter is None:
        return d.answer(whole(d, reduction, loss), "loss")
    d.note(
        "ŷ is the wrong class with the highest score",
        "no ties; at L = 0 with a tie there is a kink, and the derivative 0 is chosen",
    )
    piece = plus_margin(s["yhat"] - s["y"], margin)
    positive = Rel(L, ">", ZERO)
    d.line(
        "if L > 0, two scores matter",
        None,
        below=(
            Step("L > 0", None, piece, L),
            slope_where(piece, s["yhat"], "the rival"),  # type: ignore[arg-type]
            slope_where(piece, s["y"], "the true class"),  # type: ignore[arg-type]
        ),
    )
    d.line(
        "if L = 0, no score matters nearby", ZERO, of=Partial(L, s["c"]), before=None
    )
    found = Cases(
        Case(ONE, Rel(C, "=", RIVAL), positive),
        Case(Num(-1), Rel(C, "=", TRUE), positive),
        Case(ZERO),
    )
    d.line("together, class by class", found, of=Partial(L, s["c"]))
    value: Expr = found
    if letter.name == "w_c":
        value = by_weights(d, found, x)
    d.check(
        BOTH + ", weight by weight", weights_agree(value, margin, letter.name == "w_c")
    )
    one = one_sample(margin, max)
    if letter.name == "w_c":
        done = over_weights(d, reduction, value, letter, C, one)
        return d.answer(done, "derivative")
    done = slopes(
        d, reduction, value, letter, one, lambda t, y, c: at_class(t, y, c, one)
    )
    return d.answer(done, "derivative")


def weights_agree(slope: Expr, margin: int, weights: bool) -> bool:
    """Whether the cases are the differences of the loss, at seeded weights."""
    random, h, met = Random(5), 1e-6, set()
    for _ in range(60):
        many, size = random.randint(2, 4), 3 if weights else 1
        x = [random.uniform(-1, 1) for _ in range(size)] if weights else [1.0]
        w = [[random.uniform(-1, 1) for _ in range(size)] for _ in range(many)]
        y = random.randrange(many)

        def loss(w: list[list[float]], x: list[float] = x, y: int = y) -> float:
            s = [sum(a * b for a, b in zip(row, x)) for row in w]
            return max(0.0, max(s[j] - s[y] for j in range(len(w)) if j != y) + margin)

        s = [sum(a * b for a, b in zip(row, x)) for row in w]
        best = max((j for j in range(many) if j != y), key=lambda j: s[j])
        for c in range(many):
            for i in range(size):
                up, down = [list(r) for r in w], [list(r) for r in w]
                up[c][i] += h
                down[c][i] -= h
                env = {
                    "c": c + 1,
                    "y": y + 1,
                    "yhat": best + 1,
                    "L": loss(w),
                    "x": x[i],
                }
                found = evaluate(slope, env)
                if not near((loss(up) - loss(down)) / (2 * h), found, 1e-5):
                    return False
                met.add((c == y, c == best, loss(w) > 0))
    return len(met) >= 3


# -- penalty -------------------------------------------------------------------


@kind("loss l2")
def l2(
    *,
    of: str = "update",
    half: bool = False,
    alpha: str = "alpha",
    strength: str = "lambda",
) -> Answer:
    """L2 penalty λ wᵀw: its gradient, and the update in which the weights decay."""
    if of not in ("loss", "gradient", "update"):
        raise unknown("thing to derive (of)", of, ["loss", "gradient", "update"])
    rate = Sym(named(alpha, "w", "g", "L", "J"), "real")
    lam = Sym(named(strength, "w", "g", "L", "J", rate.name), "real")
    w, g, data = Sym("w", "real"), Sym("g", "real"), Sym("L", "real")
    d = Derivation()
    d.note(
        "w stands for every weight (wᵀw is the sum of their squares)",
        "g = ∂L/∂w is the gradient without the penalty",
        f"the penalty is ({lam}/2)·wᵀw: the factor 2 cancels"
        if half
        else f"the penalty is {lam}·wᵀw, without ½: hence the factor 2",
        "plain gradient descent; with Adam, L2 penalty and weight decay differ",
    )
    penalty = Mul(lam / TWO, w**TWO) if half else Mul(lam, w**TWO)
    primed = Sym("J", "real")
    loss = d.line("J, the loss with its penalty", data + penalty, of=primed)
    own = Mul(lam, w) if half else Mul(TWO, lam, w)
    d.slope(penalty, w, own, "derivative of the penalty", penalty)
    gradient = d.line("gradient", g + own, of=Partial(primed, w))
    factor = ONE - (Mul(rate, lam) if half else Mul(TWO, rate, lam))
    update = Mul(factor, w) - Mul(rate, g)
    d.line("step without penalty", w - Mul(rate, g), of=Sym("w_new", "real"))
    d.line(
        "step with penalty, w collected",
        update,
        w - Mul(rate, gradient),
        Sym("w_new", "real"),
    )
    d.line(
        f"the factor {factor} lies between 0 and 1 if 0 < {Mul(rate, lam)} < "
        + ("1" if half else "1/2")
        + ": each step first shrinks every weight, then follows the gradient",
        None,
    )
    d.checks.append(decays(update, penalty, rate, lam))
    value = {"loss": loss, "gradient": gradient, "update": update}[of]
    return d.answer(value, of)


def decays(update: Expr, penalty: Expr, rate: Sym, lam: Sym) -> Check:
    """A gradient step on sample losses with the penalty, its slope by differences."""
    random, h, ok = Random(2), 1e-5, True
    for _ in range(20):
        w, c, a, strength = (random.uniform(0.1, 2) for _ in range(4))

        def total(v: float, c: float = c, strength: float = strength) -> float:
            return (v - c) ** 4 + evaluate(penalty, {"w": v, lam.name: strength})

        stepped = w - a * (total(w + h) - total(w - h)) / (2 * h)
        env = {"w": w, "g": 4 * (w - c) ** 3, rate.name: a, lam.name: strength}
        ok = ok and near(evaluate(update, env), stepped, 1e-6)
    return Check("a step on the penalised loss (w − c)⁴, by central differences", ok)
