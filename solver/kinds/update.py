"""Update rules of the optimisers: SGD, momentum, Nesterov, RMSprop, Adam.

Each is a Rule and, apart from it, a plain run in floats that it is held against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from solver.core import Answer, Check, Step
from solver.expressions.nodes import (
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Sym,
    evaluate,
    plus,
    subs,
    times,
    tree,
)
from solver.expressions.parse import spelt
from solver.expressions.points import near, points
from solver.kinds import kind
from solver.kinds.stepping import CONVENTIONS, Rule, answered, formula, powers, shown
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Real = Any
    Reals = Any

STEP = "step against the gradient"


@kind("update sgd", "--w '1 -2' --grads '0.5 4' --alpha 0.01")
def sgd(
    *,
    w: Reals | None = None,
    grads: Reals | None = None,
    alpha: Real | None = None,
    decay: Real | None = None,
    gradient: Real | None = None,
    weight: str = "w",
) -> Answer:
    """Gradient descent, w − α g: in letters, with a gradient put in, or on numbers."""
    if gradient is not None:
        return with_gradient(alpha, gradient, weight)
    notes = ["one gradient a step: of a sample (SGD), a mini-batch, or all data"]
    more: list[Step] = []
    text = "w - alpha*g"
    if decay is not None:
        text = "w - alpha*(g + lambda*w)"
        notes.append(
            "the penalty is (λ/2)·wᵀw, PyTorch's weight_decay: its gradient is λ·w"
        )
        lam = tree(decay) if isinstance(decay, Expr) else shown(decay)
        rate = formula("alpha") if alpha is None else shown(alpha)
        w_, g = formula("w"), formula("g")
        more = [
            Step(
                "w collected: it decays by a factor",
                w_ - Mul(rate, g + Mul(lam, w_)),
                Mul(Num(1) - Mul(rate, lam), w_) - Mul(rate, g),
            )
        ]
    rule = Rule((("w", STEP, formula(text)),), (), tuple(notes))

    def plain(x: float, gs: Sequence[float], c: Mapping[str, float]) -> float:
        keep = 1 - c["alpha"] * c.get(
            "lambda", 0
        )  # the sum over all steps, written out
        left = x * keep ** len(gs)
        return left - sum(c["alpha"] * g * keep**k for k, g in enumerate(reversed(gs)))

    return answered(rule, w, grads, {"alpha": alpha, "lambda": decay}, plain, more)


def with_gradient(alpha: Any, gradient: Any, weight: str) -> Answer:
    """The step with a gradient given as an expression, its signs worked out."""
    w, g = Sym(spelt(weight), "real"), tree(gradient)
    rate = formula("alpha") if alpha is None else shown(alpha)
    put = w - Mul(rate, g)
    found = put
    if isinstance(g, Neg):
        factors = g.args[0].args if isinstance(g.args[0], Mul) else (g.args[0],)
        found = w + Mul(rate, *factors)
    elif isinstance(g, Mul):
        found = w - Mul(rate, *g.args)
    rule = "two minus signs give plus" if isinstance(g, Neg) else STEP
    steps = (
        Step("the gradient", None, g, Sym("g", "real")),
        Step(
            rule, put, found, Sym(f"{w.name}_new", "real"), w - Mul(rate, formula("g"))
        ),
    )
    ok = True
    for env in points(
        put, g
    ):  # not the tree again: the gradient, then the step, in floats
        try:
            slope = float(evaluate(g, env))
            ok = ok and near(
                evaluate(found, env), env[w.name] - evaluate(rate, env) * slope
            )
        except (ArithmeticError, ValueError):
            continue
    check = Check("the step in floating point, at seeded numbers", ok)
    return Answer(
        found,
        steps,
        (check,),
        "update",
        conventions=("all letters on the right have their values before the step",),
    )


@kind("update momentum", "--w 1 --grads '0.5 0.4' --alpha 0.1 --mu 0.9")
def momentum(
    *,
    w: Reals | None = None,
    grads: Reals | None = None,
    alpha: Real | None = None,
    mu: Real | None = None,
    convention: str = "pytorch",
) -> Answer:
    """Momentum: the velocity remembers past gradients (PyTorch's form or another)."""
    return heavy_ball(w, grads, alpha, mu, convention, nesterov=False)


@kind("update nesterov", "--w 1 --grads '0.5 0.4' --alpha 0.1 --mu 0.9")
def nesterov(
    *,
    w: Reals | None = None,
    grads: Reals | None = None,
    alpha: Real | None = None,
    mu: Real | None = None,
    convention: str = "pytorch",
) -> Answer:
    """Nesterov's momentum: the step looks ahead along the velocity."""
    return heavy_ball(w, grads, alpha, mu, convention, nesterov=True)


def heavy_ball(
    w: Any, grads: Any, alpha: Any, mu: Any, convention: str, nesterov: bool
) -> Answer:
    """Both momentum rules in either form."""
    if convention not in CONVENTIONS:
        raise unknown("convention", convention, list(CONVENTIONS))
    torch = convention == "pytorch"
    if torch:
        step = "w - alpha*(g + mu*v)" if nesterov else "w - alpha*v"
        lines = (("v", "velocity", formula("mu*v + g")), ("w", STEP, formula(step)))
        note = "PyTorch's form: the learning rate stands outside the velocity"
        if nesterov:
            note += "; g is the gradient at w itself"
    else:
        lines = (
            ("v", "velocity", formula("mu*v - alpha*g")),
            ("w", "step", formula("w + v")),
        )
        note = "the textbook's form: the learning rate is inside the velocity"
        if nesterov:
            note += "; g is the gradient at the point looked ahead to, w + μ·v"
    other = (
        "without dampening" if torch else "v is −α times the velocity of PyTorch's form"
    )
    rule = Rule(lines, ("v",), (note, other), {"mu": Fraction(9, 10)})

    def plain(x: float, gs: Sequence[float], c: Mapping[str, float]) -> float:
        total = 0.0  # each gradient's share in all later steps, a geometric sum
        for s, g in enumerate(gs):
            later = len(gs) - s
            shares = sum(c["mu"] ** k for k in range(later))
            if nesterov and torch:
                shares = 1 + c["mu"] * shares
            total += g * shares
        return x - c["alpha"] * total

    more = unrolled(lines[0][2], {"alpha": alpha, "mu": mu}, torch)
    return answered(rule, w, grads, {"alpha": alpha, "mu": mu}, plain, more)


def unrolled(velocity: Expr, fixed: Mapping[str, Any], torch: bool) -> list[Step]:
    """v after the first steps: older gradients count less and less."""
    known = {k: shown(v) for k, v in fixed.items() if v is not None}
    right, mu = subs(velocity, known), known.get("mu", formula("mu"))
    lead = () if torch else (known.get("alpha", formula("alpha")),)
    v: Expr = Num(0)
    found = []
    for t in (1, 2, 3):
        before = subs(right, {"v": v, "g": Sym(f"g_{t}", "real")})
        shares = [
            times(*lead, *powers(mu, t - s), Sym(f"g_{s}", "real"))
            for s in range(1, t + 1)
        ]
        v = plus(*(shares if torch else map(Neg, shares)))
        found.append(Step(f"after step {t}", before, v, Sym(f"v_{t}", "real")))
    return found


@kind("update rmsprop", "--w 1 --grads '0.5 0.4' --alpha 0.1 --beta 0.9")
def rmsprop(
    *,
    w: Reals | None = None,
    grads: Reals | None = None,
    alpha: Real | None = None,
    beta: Real | None = None,
    epsilon: Real | None = None,
    inside: bool = False,
) -> Answer:
    """RMSprop: each step is divided by the root of the mean squared gradient."""
    root = "sqrt(v + epsilon)" if inside else "(sqrt(v) + epsilon)"
    lines = (
        ("v", "mean of squared gradients", formula("beta*v + (1 - beta)*g^2")),
        ("w", "scaled step", formula(f"w - alpha*g/{root}")),
    )
    note = (
        "ε is added inside the root (Goodfellow)"
        if inside
        else "ε is added to the root (PyTorch)"
    )
    rule = Rule(
        lines,
        ("v",),
        (note,),
        {
            "beta": Fraction(9, 10) if inside else Fraction(99, 100),
            "epsilon": Fraction(1, 10**8),
        },
    )

    def plain(x: float, gs: Sequence[float], c: Mapping[str, float]) -> float:
        for t in range(1, len(gs) + 1):
            mean = sum(
                (1 - c["beta"]) * c["beta"] ** (t - s) * gs[s - 1] ** 2
                for s in range(1, t + 1)
            )
            below = (mean + c["epsilon"]) ** 0.5 if inside else mean**0.5 + c["epsilon"]
            x -= c["alpha"] * gs[t - 1] / below
        return x

    return answered(
        rule, w, grads, {"alpha": alpha, "beta": beta, "epsilon": epsilon}, plain
    )


@kind("update adam", "--w 1 --grads '0.5 0.4' --alpha 0.1")
def adam(
    *,
    w: Reals | None = None,
    grads: Reals | None = None,
    alpha: Real | None = None,
    beta1: Real | None = None,
    beta2: Real | None = None,
    epsilon: Real | None = None,
    correction: bool = True,
) -> Answer:
    """Adam: means of gradients and of their squares, corrected for their start at 0."""
    lines: list[tuple[str, str, Expr]] = [
        ("m", "mean of gradients", formula("beta1*m + (1 - beta1)*g")),
        ("v", "mean of squared gradients", formula("beta2*v + (1 - beta2)*g^2")),
    ]
    first, second = "m", "v"
    if correction:
        lines += [
            ("mhat", "corrected for the start at 0", formula("m/(1 - beta1^t)")),
            ("vhat", "corrected for the start at 0", formula("v/(1 - beta2^t)")),
        ]
        first, second = "mhat", "vhat"
    lines.append(
        ("w", "scaled step", formula(f"w - alpha*{first}/(sqrt({second}) + epsilon)"))
    )
    notes = (
        (
            "ε is added to the root, as in Kingma and Ba, algorithm 1, and in PyTorch",
            "t counts from 1",
        )
        if correction
        else ("without the correction of the start at 0",)
    )
    rule = Rule(
        tuple(lines),
        ("m", "v"),
        notes,
        {
            "alpha": Fraction(1, 1000),
            "beta1": Fraction(9, 10),
            "beta2": Fraction(999, 1000),
            "epsilon": Fraction(1, 10**8),
        },
    )
    given = {"alpha": alpha, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
    more = first_step(given) if correction else []

    def plain(x: float, gs: Sequence[float], c: Mapping[str, float]) -> float:
        for t in range(1, len(gs) + 1):  # the means as weighted sums, not carried along
            past = [(t - s, gs[s - 1]) for s in range(1, t + 1)]
            m = sum((1 - c["beta1"]) * c["beta1"] ** k * g for k, g in past)
            v = sum((1 - c["beta2"]) * c["beta2"] ** k * g * g for k, g in past)
            if correction:
                m, v = m / (1 - c["beta1"] ** t), v / (1 - c["beta2"] ** t)
            x -= c["alpha"] * m / (v**0.5 + c["epsilon"])
        return x

    return answered(rule, w, grads, given, plain, more)


def first_step(fixed: Mapping[str, Any]) -> list[Step]:
    """What the correction does at t = 1: the means are the gradient and its square."""
    put = {k: shown(v) for k, v in fixed.items() if v is not None}
    g, w = Sym("g", "real"), Sym("w", "real")
    found = []
    for name, beta, power in (("mhat", "beta1", g), ("vhat", "beta2", g ** Num(2))):
        b = put.get(beta, Sym(beta, "probability"))
        before = Div(Mul(Num(1) - b, power), Num(1) - Pow(b, Num(1)))
        found.append(Step("at t = 1", before, power, Sym(f"{name}_1", "real")))
    rate, e = (put.get(k, Sym(k, "positive")) for k in ("alpha", "epsilon"))
    step = w - Div(Mul(rate, g), Call("sqrt", g ** Num(2)) + e)
    short = w - Div(Mul(rate, g), Call("abs", g) + e)
    found.append(
        Step(
            "so the first step is about α long, whatever the gradient",
            step,
            short,
            Sym("w_1", "real"),
        )
    )
    return found
