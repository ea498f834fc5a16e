"""Update rules with a step for each weight: RMSprop, Adam, AdamW."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from solver.core import Answer, Step
from solver.expressions.nodes import Call, Div, Mul, Num, Pow, Sym
from solver.kinds import kind, update_rules
from solver.kinds.stepping import answered, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Real = Any
    Reals = Any


@kind("update rmsprop", "--w 1 --grads '0.5 0.4' --alpha 0.1 --beta 0.9")
def rmsprop(
    *,
    w: Reals | None = None,
    grads: Reals | None = None,
    alpha: Real | None = None,
    beta: Real | None = None,
    epsilon: Real | None = None,
    inside: bool = False,
    trace: str = "",
) -> Answer:
    """RMSprop: each step is divided by the root of the mean squared gradient."""
    rule = update_rules.rmsprop(inside)

    def plain(x: float, gs: Sequence[float], c: Mapping[str, float]) -> float:
        for t in range(1, len(gs) + 1):
            mean = sum(
                (1 - c["beta"]) * c["beta"] ** (t - s) * gs[s - 1] ** 2
                for s in range(1, t + 1)
            )
            below = (mean + c["epsilon"]) ** 0.5 if inside else mean**0.5 + c["epsilon"]
            x -= c["alpha"] * gs[t - 1] / below
        return x

    fixed = {"alpha": alpha, "beta": beta, "epsilon": epsilon}
    return answered(rule, w, grads, fixed, plain, trace=trace)


@kind("update adam", "--w 1 --grads '0.5 0.4' --alpha 0.1")
def adam(
    *,
    w: Reals | None = None,
    grads: Reals | None = None,
    alpha: Real | None = None,
    beta1: Real | None = None,
    beta2: Real | None = None,
    epsilon: Real | None = None,
    decay: Real | None = None,
    correction: bool = True,
    trace: str = "",
) -> Answer:
    """Adam: means of gradients and of their squares, corrected for their start at 0."""
    given = {"alpha": alpha, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
    return adaptive(w, grads, {**given, "lambda": decay}, correction, trace)


@kind("update adamw", "--w 1 --grads '0.5 0.4' --alpha 0.1 --decay 0.01")
def adamw(
    *,
    w: Reals | None = None,
    grads: Reals | None = None,
    alpha: Real | None = None,
    beta1: Real | None = None,
    beta2: Real | None = None,
    epsilon: Real | None = None,
    decay: Real | None = None,
    correction: bool = True,
    trace: str = "",
) -> Answer:
    """AdamW: Adam, and apart from it each step shrinks the weights by the factor 1 − αλ."""
    given = {"alpha": alpha, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
    return adaptive(w, grads, {**given, "lambda": decay}, correction, trace, True)


def adaptive(
    w: Any,
    grads: Any,
    given: Mapping[str, Any],
    correction: bool,
    trace: str,
    decoupled: bool = False,
) -> Answer:
    """Adam and AdamW: the decay λ·w in the gradient, or beside the scaled step."""
    coupled = given["lambda"] is not None and not decoupled
    rule = update_rules.adam(given["lambda"] is not None, decoupled, correction)
    more = first_step(given) if correction and not (coupled or decoupled) else []

    def plain(x: float, gs: Sequence[float], c: Mapping[str, float]) -> float:
        met: list[float] = []
        for t in range(1, len(gs) + 1):  # the means as weighted sums, not carried along
            met.append(gs[t - 1] + (c["lambda"] * x if coupled else 0))
            past = [(t - s, met[s - 1]) for s in range(1, t + 1)]
            m = sum((1 - c["beta1"]) * c["beta1"] ** k * g for k, g in past)
            v = sum((1 - c["beta2"]) * c["beta2"] ** k * g * g for k, g in past)
            if correction:
                m, v = m / (1 - c["beta1"] ** t), v / (1 - c["beta2"] ** t)
            x *= 1 - c["alpha"] * c["lambda"] if decoupled else 1
            x -= c["alpha"] * m / (v**0.5 + c["epsilon"])
        return x

    return answered(rule, w, grads, given, plain, more, trace)


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
