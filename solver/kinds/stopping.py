"""Early stopping on a curve of numbers: patience, and the generalisation loss.

The rules are those of solver.training.stopping, by which `pset train --stop` ends. Epochs
are counted from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from solver.core import Answer, BadInput, Check, Picture, Step
from solver.expressions.nodes import Div, Expr, Mul, Num, Sym
from solver.kinds import kind
from solver.kinds.named_points import num, whole
from solver.kinds.run_features import flat
from solver.training.stopping import generalisation_loss, waits
from solver.values import Record, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Real = Any
    Reals = Any

MOST = 200
LAST, LOWEST = Sym("E_val", "positive"), Sym("E_opt", "positive")
RATIO = Div(LAST, LOWEST)
GL = Mul(Num(100), RATIO - 1)
COUNTED = "epochs are counted from 1"


@kind("stopping patience", "--values '0.9 0.95 0.94 0.93 0.96' --patience 2 --larger")
def patience(
    *, values: Reals, patience: int, larger: bool = False, delta: Real = 0
) -> Answer:
    """Early stopping with patience: does it stop, when, the longest wait, the best epoch.

    Smaller values are better, or larger ones; an improvement is one by more than delta.
    What comes behind the stop does not count, for these epochs are not run.
    """
    curve = read(values)
    if patience < 1:
        raise BadInput(f"patience is a number of epochs, 1 or more, not {patience}")
    if isinstance(delta, Expr) or delta < 0:
        raise BadInput("delta is a number, 0 or more")
    waited = waits(curve, larger, delta)
    at = next((t for t, wait in enumerate(waited) if wait >= patience), None)
    seen = curve if at is None else curve[: at + 1]
    best = (max if larger else min)(range(len(seen)), key=lambda t: seen[t])
    value = Record(stopped=at is not None)
    if at is not None:
        value["stop_epoch"] = at + 1
    value |= {"max_wait": max(waited[: len(seen)]), "best_epoch": best + 1}
    lines = []
    for t, (x, wait) in enumerate(zip(seen, waited), 1):
        said = (
            "improved"
            if not wait
            else "1 epoch without"
            if wait == 1
            else f"{wait} without"
        )
        lines.append(Step(f"epoch {t}: {show(whole(x))}, {said}"))
    end = (f"epoch {at + 1}: {patience} without improvement, so it stops" if at is not None
           else f"never {patience} without improvement: it does not stop")  # fmt: skip
    notes = ["an improvement is " + ("larger" if larger else "lower") + " than the best so far"
             + (f" by more than {show(whole(Fraction(delta)))}" if delta else ""),
             "it stops as soon as so many epochs in a row brought none (as Keras does)",
             COUNTED]  # fmt: skip
    steps = (
        Step("how long the best is not improved", substeps=tuple(lines)), Step(end),
        Step(f"best value, {show(whole(seen[best]))}: epoch {best + 1}"),
    )  # fmt: skip
    return Answer(
        value, steps, (by_records(curve, larger, delta, patience, value),), "early stopping",
        conventions=tuple(notes), pictures=(drawn(seen, "validation"),),
    )  # fmt: skip


def read(values: Any) -> list[Fraction]:
    """The curve, exactly."""
    found = flat(values)
    if any(isinstance(v, Expr) for v in found) or not 1 <= len(found) <= MOST:
        raise BadInput(f"the curve is 1 to {MOST} numbers, one an epoch")
    return [Fraction(v) for v in found]


def by_records(
    curve: Sequence[Any], larger: bool, delta: Any, patience: int, value: Record
) -> Check:
    """Jumping from each record to the next: the gaps between them are the waits."""
    signed = [v if larger else -v for v in curve]
    records = [0]
    while True:
        later = (t for t in range(records[-1] + 1, len(signed))
                 if signed[t] > signed[records[-1]] + delta)  # fmt: skip
        following = next(later, None)
        if following is None:
            break
        records.append(following)
    ends = [*records[1:], len(signed)]
    longest, stop = 0, None
    for record, end in zip(records, ends):
        if end - record > patience:
            longest, stop = patience, record + patience + 1
            break
        longest = max(longest, end - record - 1)
    seen = signed[:stop]
    ok = (
        value["stopped"] == (stop is not None) and value.get("stop_epoch", stop) == stop
    )
    ok = ok and value["max_wait"] == longest
    ok = ok and 1 + seen.index(max(seen)) == value["best_epoch"]
    return Check("the gaps between one record and the next", ok)


def drawn(curve: Sequence[Any], name: str, limits: Any = ()) -> Picture:
    """The curve by epoch, with the limits that stop it."""
    at = list(range(1, len(curve) + 1))
    series = [{"name": name, "x": at, "y": [float(v) for v in curve]}]
    series += [
        {"name": said, "x": at, "y": [float(v) for v in line]} for said, line in limits
    ]
    return Picture("plot", {"series": tuple(series), "x": "epoch", "y": name,
                            "title": "The validation curve, epoch by epoch"})  # fmt: skip


# -- generalisation loss -----------------------------------------------------------------


@kind("stopping loss", "--values '1 0.8 0.9 0.7 0.95 0.6' --thresholds '5 28'")
def loss(*, values: Reals, thresholds: Reals) -> Answer:
    """Where the generalisation loss first exceeds each threshold; the lowest loss's epoch.

    GL(t) = 100·(E_val(t)/E_opt(t) − 1) per cent, E_opt(t) the lowest value up to epoch t
    (Prechelt, 1998). A threshold that is never exceeded gets "no".
    """
    curve = read(values)
    if any(v <= 0 for v in curve):
        raise BadInput(
            "validation errors are above 0 here: the loss is a ratio of them"
        )
    limits = limits_of(thresholds)
    losses = [generalisation_loss(curve[: t + 1]) for t in range(len(curve))]
    value = Record()
    for limit in limits:
        stop = next((t for t, gl in enumerate(losses, 1) if gl > limit), None)
        value[f"stop{float(limit):g}"] = False if stop is None else stop
    value["argmin"] = 1 + curve.index(min(curve))
    lines = []
    for t, (x, gl) in enumerate(zip(curve, losses), 1):
        lowest = min(curve[:t])
        formula = GL if t == 1 else None
        lines.append(Step(f"epoch {t}", Mul(Num(100), Div(num(x), num(lowest)) - 1),
                          whole(Fraction(gl)), None, formula))  # fmt: skip
    steps = [Step("generalisation loss, per cent", substeps=tuple(lines))]
    for limit in limits:
        stop, said = value[f"stop{float(limit):g}"], f"{float(limit):g} %"
        steps.append(Step(f"never above {said}: no stop" if stop is False else
                          f"first above {said} in epoch {stop}"))  # fmt: skip
        if stop is not False and stop < value["argmin"]:
            steps[-1] = Step(f"{steps[-1].rule}: too early, before the lowest error")
    steps.append(Step(f"lowest validation error, {show(whole(min(curve)))}: "
                      f"epoch {value['argmin']}"))  # fmt: skip
    lowest_so_far = [min(curve[: t + 1]) for t in range(len(curve))]
    lines_drawn = [
        (
            f"{float(limit):g} % above the lowest",
            [v * (1 + limit / 100) for v in lowest_so_far],
        )
        for limit in limits
    ]
    return Answer(
        value, tuple(steps), (by_ratio(curve, limits, value),), "early stopping",
        conventions=("it stops when the generalisation loss is above the threshold, not when "
                     "it reaches it", COUNTED),
        pictures=(drawn(curve, "validation error", lines_drawn),),
    )  # fmt: skip


def limits_of(thresholds: Any) -> list[Fraction]:
    """The thresholds in per cent, above 0."""
    found = [Fraction(v) for v in flat(thresholds) if not isinstance(v, Expr)]
    if not found or len(found) > 8 or min(found) <= 0 or len(set(found)) < len(found):
        raise BadInput(
            "thresholds are 1 to 8 different numbers of per cent above 0: 28 150"
        )
    return found


def by_ratio(curve: Sequence[Any], limits: Sequence[Any], value: Record) -> Check:
    """Not the loss: some pair of an earlier and a later error with that ratio, first met."""
    ok = all(curve[value["argmin"] - 1] <= v for v in curve)
    ok = ok and all(
        curve[t] > curve[value["argmin"] - 1] for t in range(value["argmin"] - 1)
    )
    for limit in limits:
        met = [t + 1 for t in range(len(curve))
               if any(100 * curve[t] > (100 + limit) * curve[s] for s in range(t))]  # fmt: skip
        found = value[f"stop{float(limit):g}"]
        ok = ok and (found == met[0] if met else found is False)
    return Check("comparing each error with every earlier one", ok)


@kind("stopping ratio", "--thresholds '28 150'")
def ratio(*, thresholds: Reals) -> Answer:
    """The ratio E_val/E_opt above which the generalisation loss exceeds a threshold.

    With it, what the formula gives at the best epoch where its bracket is left out,
    100·E_val/E_opt − 1, and whether the first threshold then stops at once.
    """
    limits = limits_of(thresholds)
    value = Record()
    steps = [Step("generalisation loss", None, GL, Sym("GL", "real"))]
    for limit in limits:
        name = f"{float(limit):g}"
        value[f"ratio_{name}"] = whole(1 + limit / 100)
        steps.append(Step(f"above {name} %: the ratio is above",
                          1 + Div(num(limit), Num(100)), value[f"ratio_{name}"]))  # fmt: skip
    without = Mul(Num(100), Num(1)) - 1
    value["printed_at_best"] = 99
    steps.append(Step("without the bracket, at the best epoch", without, 99, None,
                      Mul(Num(100), RATIO) - 1))  # fmt: skip
    first = f"{float(limits[0]):g}"
    value[f"printed_{first}_stops_first_epoch"] = bool(limits[0] < 99)
    steps.append(Step(f"99 is above {first}: it would stop in the first epoch"
                      if limits[0] < 99 else f"99 is not above {first}"))  # fmt: skip
    return Answer(value, tuple(steps), (on_curves(limits, value),), "ratios",
                  conventions=("it stops when the loss is above the threshold",))  # fmt: skip


def on_curves(limits: Sequence[Any], value: Record) -> Check:
    """Two-epoch curves: of the ratio itself, which does not stop, and just above it."""
    ok = 100 * Fraction(1) / 1 - 1 == value["printed_at_best"]
    for limit in limits:
        edge = Fraction(value[f"ratio_{float(limit):g}"])
        ok = ok and generalisation_loss([Fraction(1), edge]) <= limit
        ok = (
            ok and generalisation_loss([Fraction(1), edge + Fraction(1, 10**9)]) > limit
        )
    return Check("curves whose ratio is that, and a billionth more", ok)
