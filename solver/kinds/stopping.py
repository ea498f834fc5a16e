"""Early stopping on a curve of numbers: patience, and the generalisation loss.

The rules are those of solver.training.stopping, by which `pset train --stop` ends. Epochs
are counted from 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

from solver.answers.forms import state_key
from solver.core import Answer, BadInput, Check, Picture, Step
from solver.expressions.nodes import Div, Expr, Mul, Num, Sym
from solver.kinds import kind
from solver.kinds.named_points import num, whole
from solver.kinds.run_features import flat
from solver.registry import unknown
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
    *, values: Reals, patience: int, larger: bool = False, delta: Real = 0,
    losses: Reals | None = None,
) -> Answer:  # fmt: skip
    """Early stopping with patience: does it stop, when, the longest wait, the best epoch.

    Smaller values are better, or larger ones; an improvement is one by more than delta.
    What comes behind the stop does not count, for these epochs are not run. losses: those of
    the same epochs, whose lowest is wanted as well.
    """
    curve = read(values)
    if patience < 1:
        raise BadInput(f"patience is a number of epochs, 1 or more, not {patience}")
    if isinstance(delta, Expr) or delta < 0:
        raise BadInput("delta is a number, 0 or more")
    beside = [] if losses is None else read(losses)
    if losses is not None and len(beside) != len(curve):
        raise BadInput(
            f"{len(curve)} values and {len(beside)} losses: one of both an epoch"
        )
    waited = waits(curve, larger, delta)
    at = next((t for t, wait in enumerate(waited) if wait >= patience), None)
    seen = curve if at is None else curve[: at + 1]
    best = (max if larger else min)(range(len(seen)), key=lambda t: seen[t])
    value = Record(stopped=at is not None)
    if at is not None:
        value["stop_epoch"] = at + 1
    value |= {"max_wait": max(waited[: len(seen)]), "best_epoch": best + 1}
    lines = [
        cell
        for t, (x, wait) in enumerate(zip(seen, waited), 1)
        for cell in (
            Step(f"epoch {t}", None, whole(x), column="value"),
            Step(f"epoch {t}", None, wait, column="epochs without improvement"),
        )
    ]
    end = (f"epoch {at + 1}: {patience} without improvement, so it stops" if at is not None
           else f"never {patience} without improvement: it does not stop")  # fmt: skip
    steps = [
        *lines, Step(end),
        Step(f"best value, {show(whole(seen[best]))}: epoch {best + 1}"),
    ]  # fmt: skip
    checks = [by_records(curve, larger, delta, patience, value)]
    if beside:
        run = beside[: len(seen)]
        value["best_loss_epoch"] = 1 + run.index(min(run))
        steps.append(Step(f"lowest loss, {show(whole(min(run)))}: "
                          f"epoch {value['best_loss_epoch']}"))  # fmt: skip
        checks.append(lowest(run, value["best_loss_epoch"]))
    notes = ["an improvement is " + ("larger" if larger else "lower") + " than the best so far"
             + (f" by more than {show(whole(Fraction(delta)))}" if delta else ""),
             "it stops as soon as so many epochs in a row brought none (as Keras does)",
             COUNTED]  # fmt: skip
    return Answer(value, tuple(steps), tuple(checks), "early stopping",
                  conventions=tuple(notes), pictures=(drawn(seen, "validation"),))  # fmt: skip


def lowest(run: Sequence[Any], epoch: int) -> Check:
    """No loss is below that epoch's, and none before it as low."""
    here = run[epoch - 1]
    ok = all(v >= here for v in run) and all(v > here for v in run[: epoch - 1])
    return Check("no loss is lower, none before it as low", ok)


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


def drawn(
    curve: Sequence[Any],
    name: str,
    limits: Any = (),
    marks: Mapping[str, int] | None = None,
) -> Picture:
    """The curve by epoch, with the limits that stop it; asked without them."""
    at = list(range(1, len(curve) + 1))
    mine: dict[str, Any] = {"name": name, "x": at, "y": [float(v) for v in curve]}
    lines = [
        {"name": said, "x": at, "y": [float(v) for v in line]} for said, line in limits
    ]
    about: dict[str, Any] = {
        "x": "epoch", "y": "" if marks else name,  # whose place the marks' letters take
        "title": f"The {name}, epoch by epoch" if "error" in name else "The validation curve",
        "at": tuple((t, mark) for mark, t in (marks or {}).items()),
    }  # fmt: skip
    asked = {"series": ({**mine, "name": ""},), **about}
    return Picture(
        "plot", {"series": (mine, *lines), **about}, asked, stated=bool(marks)
    )


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
                          whole(Fraction(gl)), None, formula,
                          column="generalisation loss, per cent"))  # fmt: skip
    steps = lines
    for limit in limits:
        stop, said = value[f"stop{float(limit):g}"], f"{float(limit):g} %"
        steps.append(Step(f"never above {said}: no stop" if stop is False else
                          f"first above {said} in epoch {stop}"))  # fmt: skip
        if stop is not False and stop < value["argmin"]:
            steps[-1] = Step(f"{steps[-1].rule}: too early, before the lowest error")
    steps.append(Step(f"lowest validation error, {show(whole(min(curve)))}: "
                      f"epoch {value['argmin']}"))  # fmt: skip
    return Answer(
        value, tuple(steps), (by_ratio(curve, limits, value),), "early stopping",
        conventions=("it stops when the generalisation loss is above the threshold, not when "
                     "it reaches it", COUNTED),
        pictures=(drawn(curve, "validation error", raised(curve, limits)),),
    )  # fmt: skip


def limits_of(thresholds: Any) -> list[Fraction]:
    """The thresholds in per cent, above 0."""
    found = [Fraction(v) for v in flat(thresholds) if not isinstance(v, Expr)]
    named = {f"{float(v):g}" for v in found}
    if not found or len(found) > 8 or min(found) <= 0 or len(named) < len(found):
        raise BadInput(
            "thresholds are 1 to 8 numbers of per cent above 0 that differ in their first "
            "six digits: 28 150"
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


def raised(curve: Sequence[Any], limits: Sequence[Any]) -> list[tuple[str, list[Any]]]:
    """Where the error may not go: so many per cent above the lowest up to each epoch."""
    lowest = [min(curve[: t + 1]) for t in range(len(curve))]
    return [(f"{float(limit):g} % above the lowest", [v * (1 + limit / 100) for v in lowest])
            for limit in limits]  # fmt: skip


@kind(
    "stopping mark",
    "--values '1 0.8 0.9 0.7 0.95 1.5' --marks 'A: 2, B: 4, C: 5' --thresholds 28",
)
def mark(
    *, values: Reals, marks: Any, thresholds: Reals | None = None, of: str = "stop"
) -> Answer:
    """At which of the marked epochs the generalisation loss stops; or another of them.

    of: stop, where a threshold is first exceeded; overfitting, the stop behind the lowest
    error where several thresholds stop; lowest, the lowest error itself.
    """
    curve, named = read(values), marks_of(marks)
    if of not in WANTED:
        raise unknown("mark to look for", of, list(WANTED))
    if max(named.values()) > len(curve):
        raise BadInput(f"the curve has {len(curve)} epochs; a mark is behind it")
    limits = (
        [] if of == "lowest" else limits_of(() if thresholds is None else thresholds)
    )
    found = loss(values=tuple(curve), thresholds=tuple(limits) or (1,))
    stops = [found.value[f"stop{float(limit):g}"] for limit in limits]
    if of == "stop" and len(limits) != 1:
        raise BadInput("give one threshold, by which it stops")
    lowest = found.value["argmin"]
    later = [t for t in stops if t is not False and t > lowest]
    epochs = {"stop": stops, "overfitting": later, "lowest": [lowest]}[of]
    if len(set(epochs)) != 1 or epochs[0] is False:
        raise BadInput(
            "no epoch, or several, are what is asked for: give other thresholds"
        )
    name = next((name for name, t in named.items() if t == epochs[0]), None)
    if name is None:
        raise BadInput(f"epoch {epochs[0]} is asked for, and no mark is there")
    remarks = [
        s for s in found.steps if of != "lowest" or "lowest validation" in s.rule
    ]
    steps = (*remarks, Step(f"{WANTED[of]}: epoch {epochs[0]}, marked {name}"))
    value = state_key("choice", name, {"options": tuple(named)})
    again = Fraction(curve[named[name] - 1])
    before = curve[: named[name] - 1]
    ok = all(again < v for v in before) if of == "lowest" else any(
        100 * again > (100 + limit) * v for limit in limits for v in before)  # fmt: skip
    check = Check("the marked epoch's error held against each before it", ok)
    picture = drawn(curve, "validation error", raised(curve, limits), named)
    return Answer(value, steps, (*found.checks, check), "mark",
                  conventions=found.conventions, pictures=(picture,))  # fmt: skip


WANTED = {
    "stop": "the threshold is first exceeded",
    "overfitting": "the stop behind the lowest error",
    "lowest": "the lowest validation error",
}


def marks_of(raw: Any) -> dict[str, int]:
    """Epochs by their letters: "A: 2, B: 4"."""
    if isinstance(raw, str):
        raw = dict(
            piece.partition(":")[::2] for piece in raw.replace(";", ",").split(",")
        )
    if not isinstance(raw, Mapping) or not 2 <= len(raw) <= 12:
        raise BadInput('marks are 2 to 12 epochs by their letters: "A: 2, B: 4"')
    found = {}
    for name, epoch in raw.items():
        text = str(epoch).strip()
        if not re.fullmatch(r"[A-Za-z]\w{0,3}", str(name).strip()) or not re.fullmatch(
            r"[1-9][0-9]{0,3}", text
        ):
            raise BadInput(
                f"a mark is a letter with its epoch, as in A: 2, not {name!s:.20}"
            )
        found[str(name).strip()] = int(text)
    return found


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
