"""Cross-entropies of given numbers: binary and categorical, of probabilities or scores.

Equal samples are worked in one line; the mean or sum stands in the last. The check goes
another way: through the scores themselves, or through the likelihood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import exp as e_to
from math import log as ln
from math import log1p, prod

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Expr, Mul, Neg, Num, evaluate, plus, times
from solver.expressions.points import near
from solver.kinds.deriving import LOG, exp, log, sigmoid
from solver.kinds.stepping import shown
from solver.values import Listing, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 200  # samples, and classes
NEAREST, FARTHEST = 1e-6, 15  # a share's distance from 0 and 1; a score's from 0


def row(raw: Any, name: str) -> tuple[Any, ...]:
    """Numbers in a row, a single one included."""
    found = alone(raw) if isinstance(raw, tuple) else (raw,)
    if not 1 <= len(found) <= MOST or any(isinstance(x, (tuple, Expr)) for x in found):
        raise BadInput(f"{name} is a row of 1 to {MOST} numbers, as in 0.9 0.2")
    return found


def alone(raw: Any) -> Any:
    """The only row of a matrix, which text such as 1 0 0 is read as."""
    single = isinstance(raw, tuple) and len(raw) == 1 and isinstance(raw[0], tuple)
    return raw[0] if single else raw


def given_one(name: str, share: Any, z: Any) -> None:
    """Refuse both of probabilities and scores, and none."""
    if (share is None) == (z is None):
        raise BadInput(
            f"with labels y, give either {name} (probabilities) or z (scores)"
        )


def shares(p: Sequence[Any], name: str) -> None:
    """Refuse what is no probability, or too near to 0 or 1 for its logarithm's digits."""
    for x in p:
        if not NEAREST <= x <= 1 - NEAREST:
            raise BadInput(
                f"{name} lies between 0 and 1, at least {NEAREST:g} off: {float(x):g}"
            )


def scores(z: Sequence[Any]) -> None:
    """Refuse scores at which the loss has lost its digits."""
    for x in z:
        if abs(x) > FARTHEST:
            raise BadInput(
                f"scores z are from −{FARTHEST} to {FARTHEST}, not {float(x):g}"
            )


def binary(y: Any, yhat: Any, z: Any, reduction: str) -> Answer:
    """Binary cross-entropy of labels 0, 1 (or between) and predictions."""
    given_one("yhat", yhat, z)
    labels, given = (
        row(y, "y"),
        row(yhat if z is None else z, "yhat" if z is None else "z"),
    )
    if len(labels) != len(given):
        raise BadInput(
            f"y has {len(labels)} entries and the predictions have {len(given)}"
        )
    if not all(0 <= t <= 1 for t in labels):
        raise BadInput("labels y are 0 and 1, or probabilities between them")
    if z is None:
        shares(given, "yhat")
    else:
        scores(given)

    def worked(pair: Any) -> Expr:
        t, x = pair
        p: Expr = shown(x) if z is None else sigmoid(shown(x))
        if t in (0, 1):
            return Neg(log(p if t else Num(1) - p))
        return Neg(Mul(shown(t), log(p))) - Mul(shown(1 - t), log(Num(1) - p))

    def label(pair: Any) -> str:
        t, x = pair
        return f"y = {show(t)}, {'ŷ' if z is None else 'z'} = {show(x)}"

    def otherwise(pair: Any) -> float:
        a, b = map(float, pair)
        if z is None:
            return -ln(b**a * (1 - b) ** (1 - a))
        return max(b, 0) + log1p(e_to(-abs(b))) - a * b

    how = "minus the log of the likelihood" if z is None else "log(1 + exp z) − y·z"
    notes = ("labels are 0 and 1", *(() if z is None else ("ŷ = σ(z)",)), LOG)
    pairs = list(zip(labels, given))
    return answered(pairs, worked, label, otherwise, how, notes, reduction)


def several(y: Any, p: Any, z: Any, reduction: str) -> Answer:
    """Categorical cross-entropy of a class (from 1) or labels, and probabilities or scores."""
    given_one("p", p, z)
    whole, y = alone(p if z is None else z), alone(y)
    rows = (
        whole if isinstance(whole, tuple) and isinstance(whole[0], tuple) else (whole,)
    )
    rows = tuple(row(r, "p" if z is None else "z") for r in rows)
    classes = len(rows[0])
    if len(rows) == 1 and isinstance(y, tuple) and not isinstance(y[0], tuple):
        y = (y,)
    targets = tuple(labels(t, classes) for t in (y if isinstance(y, tuple) else (y,)))
    if len(targets) != len(rows):
        raise BadInput(f"y has {len(targets)} labels for {len(rows)} samples")
    for r in rows:
        if len(r) != classes:
            raise BadInput(f"one sample has {classes} classes, another {len(r)}")
        if z is None:
            shares(r, "p")
            if not near(float(sum(r)), 1, 1e-6):
                raise BadInput(f"probabilities p add up to 1, not to {float(sum(r)):g}")
        else:
            scores(r)

    def worked(pair: Any) -> Expr:
        target, r = pair
        below = plus(*(many_times(exp(shown(x)), k) for x, k in Counter(r).items()))
        logs = [log(shown(x)) if z is None else log(exp(shown(x)) / below) for x in r]
        met = [(t, one) for t, one in zip(target, logs) if t]
        return Neg(plus(*(one if t == 1 else Mul(shown(t), one) for t, one in met)))

    def label(pair: Any) -> str:
        true = [str(k) for k, t in enumerate(pair[0], 1) if t]
        return f"class {true[0]}" if len(true) == 1 else "labels of several classes"

    def otherwise(pair: Any) -> float:
        target, r = [list(map(float, x)) for x in pair]
        if z is None:
            return -ln(prod(b**a for a, b in zip(target, r)))
        top = max(r)
        total = top + ln(sum(e_to(x - top) for x in r))
        return total * sum(target) - sum(a * b for a, b in zip(target, r))

    how = "minus the log of the likelihood" if z is None else "log Σ exp z − Σ y·z"
    notes = (
        "classes are counted from 1",
        *(() if z is None else ("p = softmax(z)",)),
        LOG,
    )
    pairs = list(zip(targets, rows))
    return answered(pairs, worked, label, otherwise, how, notes, reduction)


def labels(y: Any, classes: int) -> tuple[Any, ...]:
    """One-hot labels of a class, or labels as they are given."""
    if isinstance(y, tuple):
        if (
            len(y) != classes
            or any(t < 0 for t in y)
            or not near(float(sum(y)), 1, 1e-6)
        ):
            raise BadInput(f"labels y are {classes} numbers from 0 that add up to 1")
        return y
    if not isinstance(y, int) or not 1 <= y <= classes:
        raise BadInput(f"y is the true class, 1 to {classes}, or its labels, not {y}")
    return tuple(int(k == y) for k in range(1, classes + 1))


def answered(
    pairs: Sequence[Any],
    worked: Callable[[Any], Expr],
    label: Callable[[Any], str],
    otherwise: Callable[[Any], float],
    how: str,
    notes: tuple[str, ...],
    reduction: str,
) -> Answer:
    """Each sample's loss, equal ones in one line, and their mean or sum."""
    losses: dict[Any, float] = {}
    steps: list[Step] = []
    for pair, many in Counter(pairs).items():
        line = worked(pair)
        losses[pair] = float(evaluate(line))
        said = label(pair) + (f" ({many} times)" if many > 1 else "")
        steps.append(Step(said, line, losses[pair]))
    each = [losses[pair] for pair in pairs]
    again = [otherwise(pair) for pair in pairs]
    ok = all(abs(a - b) <= 1e-7 * abs(b) for a, b in zip(each, again))
    check = Check(how, ok)
    if reduction == "none" or len(each) == 1:
        value: Any = each[0] if len(each) == 1 else Listing(each)
        return Answer(value, tuple(steps), (check,), "loss", conventions=notes)
    counted = Counter(pairs).items()
    total: Expr = plus(*(many_times(Num(losses[pair]), k) for pair, k in counted))
    value = sum(each)
    if reduction == "mean":
        total, value = total / len(each), value / len(each)
    steps.append(Step(f"{reduction} of {len(each)}", total, value))
    return Answer(value, tuple(steps), (check,), "loss", conventions=notes)


def many_times(e: Expr, many: int) -> Expr:
    """many·e, or e alone."""
    return times(many, e) if many > 1 else e
