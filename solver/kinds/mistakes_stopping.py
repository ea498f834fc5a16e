"""Misconceptions about normalised images, early stopping and .grad."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from solver.expressions.nodes import Expr, Mul
from solver.kinds import mistake
from solver.kinds.mistakes_losses import solved
from solver.kinds.named_points import whole
from solver.kinds.run_features import flat
from solver.kinds.run_images import IMAGE, MEAN, STD, between
from solver.training.stopping import generalisation_loss
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# -- images ------------------------------------------------------------------------------


@mistake("run normalize")
def normalize_formula_inverted(**given: Any) -> Any:
    """This multiplies where it should divide: subtract the mean, then divide by the deviation."""
    return pixels(given, lambda v, m, s: v * s / m, Mul(IMAGE, STD) / MEAN)


@mistake("run normalize")
def mean_not_subtracted(**given: Any) -> Any:
    """The mean is not subtracted here."""
    return pixels(given, lambda v, m, s: v / s, IMAGE / STD)


@mistake("run normalize")
def deviation_multiplies(**given: Any) -> Any:
    """The deviation multiplies here: it divides."""
    return pixels(given, lambda v, m, s: (v - m) * s, Mul(IMAGE - MEAN, STD))


@mistake("run normalize")
def mean_subtracted_last(**given: Any) -> Any:
    """Here the mean is subtracted after dividing: subtract it first."""
    return pixels(given, lambda v, m, s: v / s - m, IMAGE / STD - MEAN)


@mistake("run normalize")
def deviation_left_out(**given: Any) -> Any:
    """The mean is subtracted, and the deviation has yet to divide."""
    return pixels(given, lambda v, m, s: v - m, IMAGE - MEAN)


def pixels(given: dict[str, Any], wrong: Callable[..., Any], formula: Expr) -> Any:
    """A wrong formula in letters, or on the numbers of one channel."""
    mean, std, x, interval, channels = map(
        given.get, ("mean", "std", "x", "interval", "channels")
    )
    if channels is not None:
        return None
    if x is None and interval is None:
        return formula if mean is std is given.get("var") else None
    if mean is None or std is None or len({*flat(mean)}) > 1 or len({*flat(std)}) > 1:
        return None
    m, s = Fraction(flat(mean)[0]), Fraction(flat(std)[0])
    found = [
        whole(wrong(Fraction(v), m, s))
        for v in flat(x if interval is None else interval)
    ]
    if interval is not None:
        return between(*found)
    return Listing(found) if len(found) > 1 else found[0]


@mistake("run normalize")
def root_taken_of_std(std: Any = None, **given: Any) -> Any:
    """Here a root was taken of the standard deviation: it is one of the variance already."""
    given.pop("right", None)
    return None if std is None else solved("run normalize", **{**given, "var": std})


@mistake("run normalize")
def variance_divides(var: Any = None, **given: Any) -> Any:
    """Here the variance divides: its root does."""
    given.pop("right", None)
    return None if var is None else solved("run normalize", **{**given, "std": var})


@mistake("run normalize")
def three_channels_for_one(
    mean: Any = None, std: Any = None, channels: Any = None
) -> Any:
    """These are as many entries as the other image has channels: one for each channel of this."""
    if channels is None or len(flat(mean)) == channels:
        return None
    return Record(mean=Listing(flat(mean)), std=Listing(flat(std)))


# -- early stopping ----------------------------------------------------------------------


@mistake("stopping patience")
def smaller_for_larger(right: Any, **given: Any) -> Any:
    """The other direction was taken for better: accuracies are to be large, losses small."""
    found = solved(
        "stopping patience", **{**given, "larger": not given.get("larger", False)}
    )
    return found if found.keys() == right.keys() else Record(
        {k: v for k, v in found.items() if k in right})  # fmt: skip


@mistake("stopping patience")
def epochs_from_zero(right: Any) -> Any:
    """Epochs are counted from 1 here."""
    return Record({k: right[k] - 1 for k in ("stop_epoch", "best_epoch") if k in right})


@mistake("stopping patience")
def best_counts_as_waiting(right: Any) -> Any:
    """The best epoch itself is no waiting: counting begins with the epoch behind it."""
    return Record(max_wait=right["max_wait"] + 1)


@mistake("stopping patience")
def stops_behind_the_patience(right: Any) -> Any:
    """It stops in the epoch in which the patience is used up, not in the one behind it."""
    return Record(stop_epoch=right["stop_epoch"] + 1) if "stop_epoch" in right else None


@mistake("stopping patience")
def any_fall_counts(right: Any, values: Any, larger: bool = False) -> Any:
    """This compares each epoch with the one before: it is the best so far that counts."""
    curve, longest, wait = flat(values), 0, 0
    for before, here in zip(curve, curve[1:]):
        wait = 0 if (here > before if larger else here < before) else wait + 1
        longest = max(longest, wait)
    return Record(max_wait=longest)


@mistake("stopping loss")
def bracket_left_out(values: Any, thresholds: Any) -> Any:
    """Without the bracket, 100·E/E_opt − 1 is 99 in the first epoch already: 1 is the ratio's."""
    curve = [Fraction(v) for v in flat(values)]
    found = Record()
    for limit in flat(thresholds):
        losses = [100 * v / min(curve[: t + 1]) - 1 for t, v in enumerate(curve)]
        found[f"stop{float(limit):g}"] = first(losses, limit)
    return found


@mistake("stopping loss")
def against_the_overall_lowest(values: Any, thresholds: Any) -> Any:
    """Compared with the lowest error of all epochs: only those up to t are known at t."""
    curve = [Fraction(v) for v in flat(values)]
    losses = [100 * (v / min(curve) - 1) for v in curve]
    return Record(
        {f"stop{float(limit):g}": first(losses, limit) for limit in flat(thresholds)}
    )


@mistake("stopping loss")
def against_the_first(values: Any, thresholds: Any) -> Any:
    """Compared with the first epoch's error: it is the lowest so far that counts."""
    curve = [Fraction(v) for v in flat(values)]
    losses = [100 * (v / curve[0] - 1) for v in curve]
    return Record(
        {f"stop{float(limit):g}": first(losses, limit) for limit in flat(thresholds)}
    )


@mistake("stopping loss")
def first_rise(values: Any, thresholds: Any) -> Any:
    """This is where the error first rises at all: the threshold asks for so many per cent."""
    curve = flat(values)
    at = next((t + 2 for t in range(len(curve) - 1) if curve[t + 1] > curve[t]), False)
    return Record({f"stop{float(limit):g}": at for limit in flat(thresholds)})


@mistake("stopping loss")
def points_for_per_cent(values: Any, thresholds: Any) -> Any:
    """The rise is taken as a difference of errors: it is relative to the lowest so far."""
    curve = [Fraction(v) for v in flat(values)]
    losses = [100 * (v - min(curve[: t + 1])) for t, v in enumerate(curve)]
    return Record(
        {f"stop{float(limit):g}": first(losses, limit) for limit in flat(thresholds)}
    )


@mistake("stopping loss")
def stop_from_zero(right: Any) -> Any:
    """Epochs are counted from 1 here."""
    return Record({k: v - 1 for k, v in right.items() if v is not False})


def first(losses: list[Any], limit: Any) -> Any:
    """The first epoch above the limit."""
    return next((t for t, gl in enumerate(losses, 1) if gl > limit), False)


@mistake("stopping ratio")
def one_not_added(thresholds: Any) -> Any:
    """This is the rise alone: the ratio is 1 more."""
    return Record(
        {f"ratio_{float(v):g}": whole(Fraction(v) / 100) for v in flat(thresholds)}
    )


@mistake("stopping ratio")
def intended_form(thresholds: Any) -> Any:
    """This is the loss with its bracket: as it is printed the 1 is subtracted last."""
    return Record(printed_at_best=whole(Fraction(generalisation_loss([1]))))


# -- .grad -------------------------------------------------------------------------------


@mistake("update accumulate")
def last_gradient_only(right: Any, grads: Any = None, reset: bool = False) -> Any:
    """This is the last gradient alone, as after a reset: backward adds to what is there."""
    if grads is not None:
        return Listing(flat(grads)) if not reset and len(flat(grads)) > 1 else None
    return None if reset else Record(ratio=1)


@mistake("update accumulate")
def mean_of_gradients(right: Any, passes: Any = None, grads: Any = None) -> Any:
    """This is their mean: backward adds and does not divide."""
    if grads is not None or not isinstance(right["grad"], Expr) or right["ratio"] == 1:
        return None
    return Record(grad=right["grad"] / right["ratio"])


@mistake("backprop local")
def output_by_itself(right: Any) -> Any:
    """1 alone is the derivative of the output by itself: each input of a window has its own."""
    return Listing([1]) if len(right) > 1 else None
