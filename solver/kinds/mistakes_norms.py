"""Misconceptions about batch norm, what it does to scales and shapes, and its averages."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from solver.expressions.nodes import Num
from solver.kinds import mistake
from solver.kinds.mistakes_losses import solved
from solver.kinds.named_points import whole
from solver.kinds.run_features import (
    Feature,
    column,
    flat,
    plain,
    ratio,
    rooted,
    samples,
    spread_for_average,
    statistics_of,
)
from solver.kinds.run_norms import MODES, weight_of_new
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# -- batch norm --------------------------------------------------------------------------


def otherwise(given: dict[str, Any], normalise: Callable[..., Any]) -> Any:
    """normalised and out where each value is normalised by `normalise(x, feature)`."""
    ask = given.get("ask", ("out",))
    given = {k: v for k, v in given.items() if k != "right"}
    if not {"normalised", "out"} & set(ask) or given.get("after") is not None:
        return None
    training = MODES.get(given.get("mode", "train")) == "training"
    per = {k: given.get(k) for k in ("gamma", "beta", "running_mean", "running_var")}
    rows, form = samples(given["x"], per)
    many = len(rows[0])
    sides = [column(k, per[k], many, usual) for k, usual in
             (("gamma", 1), ("beta", 0), ("running_mean", 0), ("running_var", 1))]  # fmt: skip
    hats, outs = [], []
    for j, (gamma, beta, mean, var) in enumerate(zip(*sides)):
        x = tuple(row[j] for row in rows)
        by = statistics_of(x) if training else (mean, var)
        f = Feature(x, gamma, beta, given.get("epsilon", 0), *by)
        hats.append([plain(normalise(v, f)) for v in x])
        outs.append([plain(gamma * h + beta) for h in hats[-1]])
    found = {"normalised": form(hats), "out": form(outs)}
    return picked(found, ask)


def picked(found: dict[str, Any], ask: Any) -> Any:
    """What was asked for, of what the mistake concerns."""
    found = {k: v for k, v in found.items() if k in ask}
    return Record(found) if len(ask) > 1 else found.get(ask[0])


@mistake("run batch-norm")
def unbiased_batch_variance(**given: Any) -> Any:
    """The batch's variance is divided by N − 1 here: in normalising it is divided by N."""
    if MODES.get(given.get("mode", "train")) != "training":
        return None
    ask = given.get("ask", ("out",))
    found = otherwise(given, lambda v, f: ratio(v - f.mean, rooted(
        spread_for_average(f, True) + f.epsilon)))  # fmt: skip
    per = {k: given.get(k) for k in ("gamma", "beta")}
    rows, form = samples(given["x"], per)
    if "var" not in ask or len(rows) < 2:
        return found
    spreads = [
        whole(Fraction(statistics_of(x)[1]) * len(x) / (len(x) - 1)) for x in zip(*rows)
    ]
    spread = form(spreads)
    return spread if len(ask) == 1 else Record({**(found or {}), "var": spread})


@mistake("run batch-norm")
def epsilon_added_to_sigma(**given: Any) -> Any:
    """Here ε is added to σ: batch norm adds it to the variance, inside the root."""
    return otherwise(given, lambda v, f: ratio(v - f.mean, rooted(f.var) + f.epsilon))


@mistake("run batch-norm")
def epsilon_behind(**given: Any) -> Any:
    """Here ε is added behind the quotient: it belongs inside the root, below."""
    return otherwise(given, lambda v, f: ratio(v - f.mean, rooted(f.var)) + f.epsilon)


@mistake("run batch-norm")
def divided_by_variance(**given: Any) -> Any:
    """Here it is divided by the variance: the root of it, σ, divides."""
    return otherwise(given, lambda v, f: ratio(v - f.mean, Fraction(f.var + f.epsilon)))


@mistake("run batch-norm")
def only_centred(**given: Any) -> Any:
    """Here only the mean is subtracted: divide by √(σ² + ε) as well."""
    return otherwise(given, lambda v, f: v - f.mean)


@mistake("run batch-norm")
def not_scaled(**given: Any) -> Any:
    """These are the normalised values: γ multiplies them, and β is added."""
    if given.get("ask", ("out",)) != ("out",):
        return None
    given = {k: v for k, v in given.items() if k not in ("right", "gamma", "beta")}
    return solved("run batch-norm", **{**given, "ask": ("normalised",)})


@mistake("run batch-norm")
def scale_and_shift_exchanged(**given: Any) -> Any:
    """γ and β are exchanged: γ multiplies, β is added."""
    given.pop("right", None)
    gamma, beta = given.get("gamma"), given.get("beta")
    if gamma is None or beta is None:
        return None
    return solved("run batch-norm", **{**given, "gamma": beta, "beta": gamma})


@mistake("run batch-norm")
def by_start_of_the_averages(**given: Any) -> Any:
    """These are the running averages from before the batch: it has moved them since."""
    given.pop("right", None)
    if given.pop("after", None) is None:
        return None
    for unused in ("momentum", "keep", "unbiased"):
        given.pop(unused, None)
    return solved("run batch-norm", **{"running_mean": 0, "running_var": 1, **given})


@mistake("run batch-norm")
def by_the_batch_at_inference(**given: Any) -> Any:
    """This is normalised by the batch's own mean and variance: inference takes the running ones."""
    given.pop("right", None)
    after = given.pop("after", None)
    if after is None or MODES.get(given.get("mode", "")) != "inference":
        return None
    means, spreads = zip(*(statistics_of(x) for x in zip(*after)))
    for unused in ("momentum", "keep", "unbiased"):
        given.pop(unused, None)
    return solved(
        "run batch-norm", **{**given, "running_mean": means, "running_var": spreads}
    )


def moved_otherwise(given: dict[str, Any], **changed: Any) -> Any:
    """The running averages, or what follows from them, with other weights."""
    given = {k: v for k, v in given.items() if k != "right"}
    ask = given.get("ask", ("out",))
    running = [a for a in ask if a.startswith("running")]
    if not running and given.get("after") is None:
        return None
    found = solved("run batch-norm", **{**given, **changed})
    if not running or len(ask) == 1:
        return found
    return Record({a: found[a] for a in running})


@mistake("run batch-norm")
def running_weights_exchanged(
    momentum: Any = None, keep: Any = None, **given: Any
) -> Any:
    """The weights are exchanged: mind which of them the old value has, and which the new."""
    weight = weight_of_new(momentum, keep)
    if weight is None:
        return None
    return moved_otherwise(given, momentum=1 - weight)


@mistake("run batch-norm")
def averages_replaced(momentum: Any = None, keep: Any = None, **given: Any) -> Any:
    """This is the batch's alone: a running average keeps most of its old value."""
    return None if momentum is keep is None else moved_otherwise(given, momentum=1)


@mistake("run batch-norm")
def other_variance_in_the_average(**given: Any) -> Any:
    """The other variance went into the average: mind whether it is divided by N or N − 1."""
    return moved_otherwise(given, unbiased=not given.get("unbiased", False))


@mistake("run batch-norm")
def variance_started_at_zero(running_var: Any = None, **given: Any) -> Any:
    """The old value's share of the running variance is missing: it starts at 1."""
    return moved_otherwise(given, running_var=0)


@mistake("run batch-norm-scale")
def scale_stays(scales: Any = None, var: Any = 1) -> Any:
    """This is the spread before batch norm: it divides by it."""
    if scales is None:
        return None
    found = [plain(Fraction(s) * rooted(var)) for s in flat(scales)]
    return Listing(found) if len(found) > 1 else found[0]


@mistake("run batch-norm-scale")
def scale_never_matters(scales: Any = None) -> Any:
    """ε is left out: where a²·σ² is as small as ε, the output shrinks with it."""
    if scales is None:
        return None
    found = [1 for _ in flat(scales)]
    return Listing(found) if len(found) > 1 else 1


@mistake("run batch-norm-scale")
def scale_epsilon_outside(scales: Any = None, var: Any = 1, epsilon: Any = None) -> Any:
    """Here ε is added to the standard deviation: it belongs inside the root."""
    if scales is None or epsilon is None:
        return None
    spread = [plain(Fraction(s) * rooted(var)) for s in flat(scales)]
    found = [ratio(s, s + epsilon) for s in spread]
    return Listing(found) if len(found) > 1 else found[0]


@mistake("run standardise")
def becomes_normal(right: Any) -> Any:
    """Subtracting and dividing moves and stretches a distribution: it becomes no normal one."""
    return Record(skew=0) if right["skew"] else None


@mistake("run standardise")
def skewness_rescaled(right: Any, distribution: str = "", x: Any = None) -> Any:
    """The skewness is divided by σ³ already: standardising does not change it."""
    from solver.kinds.run_epsilon import DISTRIBUTIONS

    if not distribution:
        return None
    first, second, third = map(Fraction, DISTRIBUTIONS[distribution][0])
    central = third - 3 * first * second + 2 * first**3
    return Record(skew=whole(central / (second - first**2) ** 3))


@mistake("run epsilon")
def variance_not_rooted(x: Any, mean: Any, var: Any, epsilon: Any) -> Any:
    """Here the variance itself divides: take the root of σ² + ε."""
    x, mean, var, epsilon = (
        Fraction(getattr(v, "value", v)) for v in (x, mean, var, epsilon)
    )
    return Record(standard=whole((x - mean) / (var + epsilon)))


@mistake("backprop batch-of-one")
def output_zero() -> Any:
    """The normalised value is 0, and β is added to it: the output is β."""
    return Record(output=Num(0))
