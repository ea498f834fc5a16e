"""Update rules of the optimisers: SGD, momentum, Nesterov; see also update_adaptive.

Each is a Rule of update_rules and, apart from it, a plain run in floats that it is held
against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from solver.core import Answer, Check, Step
from solver.expressions.nodes import (
    Expr,
    Mul,
    Neg,
    Num,
    Sym,
    evaluate,
    plus,
    subs,
    times,
    tree,
)
from solver.expressions.parse import named
from solver.expressions.points import near, points
from solver.kinds import kind, update_rules
from solver.kinds.stepping import CONVENTIONS, answered, formula, powers, shown
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Real = Any
    Reals = Any


@kind("update sgd", "--w '1 -2' --grads '0.5 4' --alpha 0.01")
def sgd(
    *,
    w: Reals | None = None,
    grads: Reals | None = None,
    alpha: Real | None = None,
    decay: Real | None = None,
    gradient: Real | None = None,
    weight: str = "w",
    trace: str = "",
) -> Answer:
    """Gradient descent, w − α g: in letters, with a gradient put in, or on numbers."""
    if gradient is not None:
        return with_gradient(alpha, gradient, weight)
    more: list[Step] = []
    if decay is not None:
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
    rule = update_rules.sgd(decay is not None)

    def plain(x: float, gs: Sequence[float], c: Mapping[str, float]) -> float:
        keep = 1 - c["alpha"] * c.get(
            "lambda", 0
        )  # the sum over all steps, written out
        left = x * keep ** len(gs)
        return left - sum(c["alpha"] * g * keep**k for k, g in enumerate(reversed(gs)))

    fixed = {"alpha": alpha, "lambda": decay}
    return answered(rule, w, grads, fixed, plain, more, trace)


def with_gradient(alpha: Any, gradient: Any, weight: str) -> Answer:
    """The step with a gradient given as an expression, its signs worked out."""
    w, g = Sym(named(weight, "g", "alpha"), "real"), tree(gradient)
    rate = formula("alpha") if alpha is None else shown(alpha)
    put = w - Mul(rate, g)
    found = put
    if isinstance(g, Neg):
        factors = g.args[0].args if isinstance(g.args[0], Mul) else (g.args[0],)
        found = w + Mul(rate, *factors)
    elif isinstance(g, Mul):
        found = w - Mul(rate, *g.args)
    rule = "two minus signs give plus" if isinstance(g, Neg) else "the gradient put in"
    new = Sym(f"{w.name}_new", "real")
    steps = (
        Step("the gradient", None, g, Sym("g", "real")),
        Step("descent", None, w - Mul(rate, formula("g")), new),
        Step(rule, put, found),
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
    decay: Real | None = None,
    convention: str = "pytorch",
    trace: str = "",
) -> Answer:
    """Momentum: the velocity remembers past gradients (PyTorch's form or another)."""
    return heavy_ball(w, grads, (alpha, mu, decay), convention, trace, nesterov=False)


@kind("update nesterov", "--w 1 --grads '0.5 0.4' --alpha 0.1 --mu 0.9")
def nesterov(
    *,
    w: Reals | None = None,
    grads: Reals | None = None,
    alpha: Real | None = None,
    mu: Real | None = None,
    decay: Real | None = None,
    convention: str = "pytorch",
    trace: str = "",
) -> Answer:
    """Nesterov's momentum: the step looks ahead along the velocity."""
    return heavy_ball(w, grads, (alpha, mu, decay), convention, trace, nesterov=True)


def heavy_ball(
    w: Any,
    grads: Any,
    constants: tuple[Any, Any, Any],
    convention: str,
    trace: str,
    nesterov: bool,
) -> Answer:
    """Both momentum rules in either form."""
    alpha, mu, decay = constants
    if convention not in CONVENTIONS:
        raise unknown("convention", convention, list(CONVENTIONS))
    torch = convention == "pytorch"
    rule = update_rules.heavy_ball(nesterov, decay is not None, torch)

    def plain(start: float, gs: Sequence[float], c: Mapping[str, float]) -> float:
        x, met = start, list[float]()
        for slope in gs:
            met.append(slope + c.get("lambda", 0) * x)
            total = 0.0  # each gradient's share in all later steps, a geometric sum
            for s, g in enumerate(met):
                shares = sum(c["mu"] ** k for k in range(len(met) - s))
                total += g * (1 + c["mu"] * shares if nesterov and torch else shares)
            x = start - c["alpha"] * total
        return x

    fixed = {"alpha": alpha, "mu": mu, "lambda": decay}
    more = [] if decay is not None else unrolled(rule.lines[0][2], fixed, torch)
    return answered(rule, w, grads, fixed, plain, more, trace)


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
