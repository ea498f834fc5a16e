"""Batch norm's forward pass on numbers: training, inference, and the running averages.

Rows are samples and columns features, each normalised by itself; means, variances and
running averages are exact fractions, and only roots are rounded.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from solver.core import Answer, BadInput, Check, Step, every
from solver.expressions.nodes import Call, Div, Expr, Mul, Num, Pow, Sym, plus
from solver.kinds import kind
from solver.kinds.backprop_norms import BETA, EPSILON, GAMMA, MU, VARIANCE
from solver.kinds.named_points import num, whole
from solver.kinds.run_features import (
    Feature,
    column,
    flat,
    samples,
    spread_for_average,
    statistics_of,
)
from solver.registry import unknown
from solver.values import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Real = Any
    Reals = Any
    Names = tuple[str, ...]

LINES = 12  # numbers of a feature that are worked line by line
MODES = {
    "train": "training",
    "inference": "inference",
    "test": "inference",
    "eval": "inference",
}
FACTS = ("mean", "var", "normalised", "out", "running_mean", "running_var")
HAT = Sym("xhat", "real")
NORMALISED = Div(Sym("x", "real") - MU, Call("sqrt", VARIANCE + EPSILON))


@kind("run batch-norm", "--x '1 2; 3 6; 5 10' --gamma '2 1' --beta '0 1' --epsilon 1/3")
def batch_norm(
    *,
    x: Reals,
    gamma: Reals | None = None,
    beta: Reals | None = None,
    epsilon: Real = 0,
    mode: str = "train",
    running_mean: Reals | None = None,
    running_var: Reals | None = None,
    momentum: Real | None = None,
    keep: Real | None = None,
    unbiased: bool = False,
    after: Reals | None = None,
    ask: Names = ("out",),
) -> Answer:
    """Batch norm's forward pass on numbers: by the batch, or by running averages.

    Rows are samples, columns features; one row is a batch of a single feature, unless γ, β
    or the running averages have an entry for each of its numbers. momentum is the weight of
    the new value in the running averages (PyTorch), keep that of the old one; after: the
    training batch that moves them before an inference.
    """
    if mode not in MODES:
        raise unknown("mode", mode, list(MODES))
    training = MODES[mode] == "training"
    for one in ask:
        if one not in FACTS:
            raise unknown("fact to ask for", one, list(FACTS))
    per = {"gamma": gamma, "beta": beta, "running_mean": running_mean,
           "running_var": running_var}  # fmt: skip
    rows, form = samples(x, per)
    many = len(rows[0])
    gammas, betas = column("gamma", gamma, many, 1), column("beta", beta, many, 0)
    means = column("running_mean", running_mean, many, 0)
    variances = column("running_var", running_var, many, 1)
    if isinstance(epsilon, Expr) or epsilon < 0:
        raise BadInput(f"epsilon is a number, 0 or more, not {epsilon}")
    if after is not None and (training or keep is momentum is None):
        raise BadInput("after is the batch behind which an inference comes: it needs mode "
                       "inference, and momentum or keep")  # fmt: skip
    if not training and after is None and (running_mean is None or running_var is None):
        raise BadInput("at inference the running averages normalise: give running_mean and "
                       "running_var")  # fmt: skip
    if any(v < 0 for v in variances):
        raise BadInput("a variance is 0 or more: running_var has a negative entry")
    weight = weight_of_new(momentum, keep)
    if weight is None and any(a.startswith("running") for a in ask):
        raise BadInput("running averages need the weight of the new value (momentum, as in "
                       "PyTorch) or of the old one (keep)")  # fmt: skip
    features, steps = [], list[Step]()
    checks: list[Check] = []
    if after is not None:
        earlier = moved(after, means, variances, weight, unbiased, many)
        means, variances = tuple(earlier.means), tuple(earlier.variances)
        steps += earlier.steps
        checks += earlier.checks
    for j in range(many):
        values = tuple(row[j] for row in rows)
        by = statistics_of(values) if training else (means[j], variances[j])
        features.append(Feature(values, gammas[j], betas[j], epsilon, *by))
    found = {
        "mean": form([f.mean for f in features]), "var": form([f.var for f in features]),
    }  # fmt: skip
    for j, f in enumerate(features):
        steps += lines_of(f, training, f" of feature {j + 1}" if many > 1 else "", ask)
    if {"normalised", "out"} & set(ask):
        found["normalised"] = form([[f.hat(v) for v in f.x] for f in features])
        outs = [[f.out(v) for v in f.x] for f in features]
        found["out"] = form(outs)
        checks.append(check_out(features, outs))
    if training:
        checks.append(check_statistics(features))
    if any(a.startswith("running") for a in ask):
        if not training:
            raise BadInput("running averages move in training only")
        new = moved(tuple(zip(*(f.x for f in features))), means, variances, weight, unbiased,
                    many)  # fmt: skip
        found |= {"running_mean": form(new.means), "running_var": form(new.variances)}
        steps += [s for s in new.steps if s.rule.startswith("running")]
        checks += new.checks
    value = found[ask[0]] if len(ask) == 1 else Record({a: found[a] for a in ask})
    return Answer(
        value, tuple(steps), every(checks),
        ask[0] if len(ask) == 1 else "batch norm",
        conventions=said(training, weight, keep, unbiased, gamma, beta, epsilon, ask, after),
    )  # fmt: skip


# -- what is given -----------------------------------------------------------------------


def weight_of_new(momentum: Any, keep: Any) -> Any:
    """The new value's weight, from the old one's or itself."""
    if momentum is not None and keep is not None and momentum + keep != 1:
        raise BadInput("momentum is the weight of the new value, keep that of the old one: "
                       "they add up to 1")  # fmt: skip
    weight = momentum if momentum is not None else None if keep is None else 1 - keep
    if weight is not None and (isinstance(weight, Expr) or not 0 <= weight <= 1):
        raise BadInput("the weight of a running average is from 0 to 1")
    return weight


@dataclass(frozen=True, eq=False, repr=False)
class Moved:
    """The running averages behind a batch, with their lines and checks."""

    means: list[Any]
    variances: list[Any]
    steps: list[Step]
    checks: list[Check]


def moved(
    batch: Any, means: Any, variances: Any, weight: Any, unbiased: bool, many: int
) -> Moved:
    """Each running average a share of the way from its old value to the batch's."""
    rows = (
        batch
        if isinstance(batch, tuple) and isinstance(batch[0], tuple)
        else (flat(batch),)
    )
    if len(rows) == 1 and many == 1:
        rows = tuple((v,) for v in rows[0])
    if any(len(r) != many for r in rows):
        raise BadInput(f"the batch has {len(rows[0])} features, and the sample {many}")
    features = []
    for j in range(many):
        values = tuple(r[j] for r in rows)
        features.append(Feature(values, 1, 0, 0, *statistics_of(values)))
    spreads = [spread_for_average(f, unbiased) for f in features]
    steps = []
    for j, f in enumerate(features):
        of = f" of feature {j + 1}" if many > 1 else ""
        steps += lines_of(f, True, of, ())
        if unbiased:
            n = Num(len(f.x))
            steps.append(Step(f"running averages take it{of} divided by N − 1",
                              Div(Mul(n, num(f.var)), n - 1), spreads[j]))  # fmt: skip
    found = []
    checks = [check_statistics(features)]
    for what, olds, news in (
        ("mean", means, [f.mean for f in features]), ("variance", variances, spreads),
    ):  # fmt: skip
        found.append([averaged(old, new, weight) for old, new in zip(olds, news)])
        checks.append(check_running(olds, news, weight, found[-1]))
        for j, (old, new) in enumerate(zip(olds, news)):
            of = f" of feature {j + 1}" if many > 1 else ""
            before = plus(Mul(num(1 - weight), num(old)), Mul(num(weight), num(new)))
            steps.append(Step(f"running {what}{of}", before, found[-1][j]))
    return Moved(found[0], found[1], steps, checks)


def averaged(old: Any, new: Any, weight: Any) -> Any:
    """(1 − m)·old + m·new."""
    return whole(Fraction((1 - weight) * old + weight * new))


# -- steps -------------------------------------------------------------------------------


def lines_of(f: Feature, training: bool, of: str, ask: Iterable[str]) -> list[Step]:
    """One feature, worked."""
    steps, n = [], Num(len(f.x))
    m, v, e = num(f.mean), num(f.var), num(f.epsilon)
    if training:
        total = plus(*map(num, f.x))
        squares = plus(*(Pow(num(x) - m, Num(2)) for x in f.x))
        steps.append(
            Step(f"mean{of}", total if len(f.x) == 1 else Div(total, n), f.mean, MU)
        )
        steps.append(
            Step(f"variance{of}, divided by N", Div(squares, n), f.var, VARIANCE)
        )
    if not {"normalised", "out"} & set(ask):
        return steps
    under = Call("sqrt", v + e)
    if f.var + f.epsilon == 0:
        raise BadInput(
            "the variance is 0, and epsilon as well: 0/0. Give an epsilon above 0"
        )
    hats = [
        Step("", Div(num(x) - m, under), f.hat(x), Sym(f"xhat_{i}", "real"),
             NORMALISED if i == 1 else None)
        for i, x in enumerate(f.x[:LINES], 1)
    ]  # fmt: skip
    steps.append(Step(f"normalised{of}", substeps=(*hats, *left_out(f))))
    if "out" not in ask:
        return steps
    outs = [
        Step("", Mul(num(f.gamma), number(f.hat(x))) + num(f.beta), f.out(x),
             Sym(f"y_{i}", "real"), Mul(GAMMA, HAT) + BETA if i == 1 else None)
        for i, x in enumerate(f.x[:LINES], 1)
    ]  # fmt: skip
    steps.append(Step(f"scaled and shifted{of}", substeps=(*outs, *left_out(f))))
    return steps


def left_out(f: Feature) -> tuple[Step, ...]:
    """What is said of the lines that are not shown."""
    more = len(f.x) - LINES
    return (Step(f"and {more} more in the same way"),) if more > 0 else ()


def number(x: Any) -> Expr:
    return Num(x) if isinstance(x, float) else num(x)


def said(
    training: bool, weight: Any, keep: Any, unbiased: bool, gamma: Any, beta: Any,
    epsilon: Any, ask: Sequence[str], after: Any,
) -> tuple[str, ...]:  # fmt: skip
    """The conventions that the answer depends on."""
    from solver.values import show

    notes = ["training: by the mean and the variance of this batch, which divides by N"
             if training else "inference: by the running averages, whatever else is in the "
             "batch"]  # fmt: skip
    if {"normalised", "out"} & set(ask):
        notes.append("ε stands inside the root")
        for name, given, usual in (("γ", gamma, 1), ("β", beta, 0)):
            if given is None and "out" in ask:
                notes.append(f"{name} = {usual} where it is not given")
        if epsilon == 0:
            notes.append("ε = 0 here; PyTorch adds 10⁻⁵")
    if after is not None or any(a.startswith("running") for a in ask):
        of = "old" if keep is not None else "new"
        part = show(whole(Fraction(keep if keep is not None else weight)))
        also = f", PyTorch's momentum being {show(whole(Fraction(weight)))}" * (
            keep is not None
        )
        notes.append(f"{part} is the weight of the {of} value{also}")
        divided = "N − 1, as in PyTorch" if unbiased else "N"
        notes.append(f"the running variance takes the batch's divided by {divided}")
    return tuple(notes)


# -- proof -------------------------------------------------------------------------------


def check_statistics(features: Sequence[Feature]) -> Check:
    """Each mean and variance by Python's statistics module."""
    ok = all(
        statistics.mean(map(Fraction, f.x)) == f.mean
        and statistics.pvariance(list(map(Fraction, f.x))) == f.var
        for f in features
    )
    return Check("Python's statistics module, in fractions", ok)


def check_out(features: Sequence[Feature], outs: Sequence[Sequence[Any]]) -> Check:
    """The outputs undone: ((y − β)/γ)²·(σ² + ε) is the squared distance from the mean."""
    ok = True
    for f, found in zip(features, outs):
        for x, y in zip(f.x, found):
            left = float(y - f.beta)
            away = float(f.gamma * (x - f.mean))
            square = left * left * float(f.var + f.epsilon)
            ok = ok and left * away >= 0
            ok = ok and abs(square - away * away) <= 1e-9 * max(away * away, 1e-12)
    return Check("undoing it: (y − β)²·(σ² + ε) = γ²·(x − μ)², and the signs agree", ok)


def check_running(olds: Any, news: Any, weight: Any, found: Any) -> Check:
    """The same written as a step towards the batch's value."""
    ok = all(old + weight * (new - old) == v for old, new, v in zip(olds, news, found))
    return Check("a step of that share from the old value to the batch's", ok)
