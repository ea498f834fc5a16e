"""What students get wrong about update rules and their counts, as wrong solvers."""

from __future__ import annotations

from fractions import Fraction

from solver.expressions.nodes import Expr, Neg, Sym, tree
from solver.kinds import mistake
from solver.kinds.mistakes_losses import solved
from solver.values import Listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@mistake("update sgd")
def gradient_ascent(**given: Any) -> Any:
    """The step goes along the gradient: descent subtracts it."""
    given.pop("right", None)
    alpha, gradient = given.get("alpha"), given.get("gradient")
    if gradient is not None:
        g = tree(gradient)
        turned = g.args[0] if isinstance(g, Neg) else Neg(g)
        return solved("update sgd", **{**given, "gradient": turned})
    if isinstance(alpha, Expr) or alpha is None:
        up = Neg(tree(Sym("alpha", "real") if alpha is None else alpha))
        given["alpha"] = up
        return None if given.get("grads") is not None else solved("update sgd", **given)
    return solved("update sgd", **{**given, "alpha": -alpha})


@mistake("update sgd")
def learning_rate_forgotten(
    w: Any = None,
    grads: Any = None,
    alpha: Any = None,
    decay: Any = None,
    trace: str = "",
) -> Any:
    """The learning rate is missing: the gradient is multiplied by it."""
    if grads is None or alpha is None or isinstance(alpha, Expr):
        return None
    return solved("update sgd", w=w, grads=grads, alpha=1, decay=decay, trace=trace)


@mistake("update momentum", "update nesterov")
def velocity_forgotten(
    w: Any = None, grads: Any = None, alpha: Any = None, trace: str = ""
) -> Any:
    """The velocity is not carried on: this is plain gradient descent."""
    if grads is None or trace == "v":
        return None
    return solved("update sgd", w=w, grads=grads, alpha=alpha, trace=trace)


@mistake("update momentum", "update nesterov")
def decay_forgotten(**given: Any) -> Any:
    """The weight decay is missing: λ·w belongs to the gradient."""
    given.pop("right", None)
    if given.pop("decay", None) is None:
        return None
    return solved("update momentum", **given)


@mistake("update nesterov")
def not_looked_ahead(**given: Any) -> Any:
    """This is plain momentum: Nesterov's step looks ahead along the velocity."""
    given.pop("right", None)
    return solved("update momentum", **given)


@mistake("update adamw")
def decay_in_the_gradient(**given: Any) -> Any:
    """Here the decay went through the means, as in Adam: AdamW keeps it apart."""
    given.pop("right", None)
    given.setdefault("decay", Fraction(1, 100))
    return solved("update adam", **given)


@mistake("update momentum")
def velocity_scaled_twice(
    w: Any = None, grads: Any = None, alpha: Any = None, mu: Any = None, trace: str = ""
) -> Any:
    """The new gradient is weighted by 1 − μ: that is an average, not this velocity."""
    if trace != "v" or not isinstance(grads, tuple) or mu is None:
        return None
    v, found = 0, []
    for g in grads:
        if isinstance(g, (Expr, tuple)):
            return None
        v = mu * v + (1 - mu) * g
        found.append(v)
    return Listing(found)


@mistake("update adam")
def correction_forgotten(**given: Any) -> Any:
    """The means start at 0 and are too small at first: divide them by 1 − β^t."""
    return uncorrected("update adam", given)


@mistake("update adamw")
def correction_left_out(**given: Any) -> Any:
    """The means start at 0 and are too small at first: divide them by 1 − β^t."""
    return uncorrected("update adamw", given)


def uncorrected(kind: str, given: dict[str, Any]) -> Any:
    given.pop("right", None)
    if not given.get("correction", True):
        return None
    return solved(kind, **{**given, "correction": False})


@mistake("update rmsprop")
def mean_not_kept(**given: Any) -> Any:
    """Only the last squared gradient counts here: the mean keeps the earlier ones."""
    given.pop("right", None)
    if given.get("grads") is None:
        return None
    return solved("update rmsprop", **{**given, "beta": 0})


@mistake("update count")
def batches_floor_instead_of_ceil(
    samples: int,
    batch: Any,
    epochs: Any = None,
    best: Any = None,
    every: Any = None,
    drop_last: bool = False,
) -> Any:
    """The last, smaller batch is an update as well (dropped where that is said)."""
    return solved(
        "update count",
        samples=samples,
        batch=batch,
        epochs=epochs,
        best=best,
        every=every,
        drop_last=not drop_last,
    )


@mistake("update count")
def batch_size_ignored(
    samples: int, batch: Any, epochs: Any = None, best: Any = None, every: Any = None
) -> Any:
    """An update is made for each batch, not for each sample."""
    return solved(
        "update count",
        samples=samples,
        batch=(1,) * len(batch),
        epochs=epochs,
        best=best,
        every=every,
    )


@mistake("update count")
def one_epoch_only(
    samples: int, batch: Any, epochs: Any = None, best: Any = None, every: Any = None
) -> Any:
    """This is the count of one epoch: multiply by the epochs."""
    if epochs is None and best is None:
        return None
    found = solved("update count", samples=samples, batch=batch, every=every)
    return found if epochs is None or best is None else None


@mistake("update count")
def counted_through(
    samples: int, batch: Any, epochs: Any = None, best: Any = None, every: Any = None
) -> Any:
    """The counting starts anew in each epoch: what is left over at its end is lost."""
    many = epochs if best is None else best
    if every is None or many is None or len(batch) > 1 or None not in (epochs, best):
        return None
    return solved("update count", samples=samples, batch=batch, epochs=many) // every


@mistake("update perceptron")
def perceptron_signs_exchanged(right: Any, weights: Any = None) -> Any:
    """The signs are exchanged: the true class gains the sample, not the predicted."""
    if weights is not None:
        return None
    return type(right)(
        {**right, "predicted": right["true_class"], "true_class": right["predicted"]}
    )


@mistake("update limit")
def factor_upside_down(mu: Any = None) -> Any:
    """It is the other way round: the sum 1 + μ + μ² + … is 1/(1 − μ)."""
    return None if mu is None or isinstance(mu, Expr) else 1 - mu


@mistake("update schedule")
def other_form(decay: Any = None, t: Any = None, form: str = "time") -> Any:
    """This is the other schedule: 1/(1 + λt) is time-based, exp(−λt) exponential."""
    other = "exponential" if form == "time" else "time"
    return solved("update schedule", decay=decay, t=t, form=other)
