"""What students get wrong about update rules and their counts, as wrong solvers."""

from __future__ import annotations

from solver.expressions.nodes import Expr, Neg, Sym, tree
from solver.kinds import mistake
from solver.kinds.mistakes_losses import solved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@mistake("update sgd")
def gradient_ascent(**given: Any) -> Any:
    """The step goes along the gradient: descent subtracts it."""
    given.pop("right", None)
    alpha = given.get("alpha")
    if isinstance(alpha, Expr) or alpha is None:
        return (
            solved(
                "update sgd",
                **{**given, "alpha": Neg(tree(alpha or Sym("alpha", "real")))},
            )
            if given.get("grads") is None
            else None
        )
    return solved("update sgd", **{**given, "alpha": -alpha})


@mistake("update sgd", "update momentum", "update nesterov")
def learning_rate_forgotten(
    right: Any,
    w: Any = None,
    grads: Any = None,
    alpha: Any = None,
    mu: Any = None,
    convention: str = "",
) -> Any:
    """The learning rate is missing: the gradient is multiplied by it."""
    if grads is None or alpha is None or isinstance(alpha, Expr):
        return None
    if not convention:
        return solved("update sgd", w=w, grads=grads, alpha=1)
    return None


@mistake("update momentum", "update nesterov")
def velocity_forgotten(w: Any = None, grads: Any = None, alpha: Any = None) -> Any:
    """The velocity is not carried on: this is plain gradient descent."""
    return (
        None if grads is None else solved("update sgd", w=w, grads=grads, alpha=alpha)
    )


@mistake("update nesterov")
def not_looked_ahead(
    w: Any = None,
    grads: Any = None,
    alpha: Any = None,
    mu: Any = None,
    convention: str = "pytorch",
) -> Any:
    """This is plain momentum: Nesterov's step looks ahead along the velocity."""
    return solved(
        "update momentum", w=w, grads=grads, alpha=alpha, mu=mu, convention=convention
    )


@mistake("update adam")
def correction_forgotten(**given: Any) -> Any:
    """The means start at 0 and are too small at first: divide them by 1 − β^t."""
    given.pop("right", None)
    return (
        solved("update adam", **{**given, "correction": False})
        if given.get("correction", True)
        else None
    )


@mistake("update rmsprop")
def mean_not_kept(
    w: Any = None,
    grads: Any = None,
    alpha: Any = None,
    beta: Any = None,
    epsilon: Any = None,
    inside: bool = False,
) -> Any:
    """Only the last squared gradient counts here: the mean keeps the earlier ones."""
    if grads is None:
        return None
    return solved(
        "update rmsprop",
        w=w,
        grads=grads,
        alpha=alpha,
        beta=0,
        epsilon=epsilon,
        inside=inside,
    )


@mistake("update count")
def batches_floor_instead_of_ceil(
    samples: int,
    batch: Any,
    epochs: Any = None,
    best: Any = None,
    drop_last: bool = False,
) -> Any:
    """The last, smaller batch is an update as well (dropped where that is said)."""
    return solved(
        "update count",
        samples=samples,
        batch=batch,
        epochs=epochs,
        best=best,
        drop_last=not drop_last,
    )


@mistake("update count")
def batch_size_ignored(
    samples: int, batch: Any, epochs: Any = None, best: Any = None
) -> Any:
    """An update is made for each batch, not for each sample."""
    return solved(
        "update count",
        samples=samples,
        batch=(1,) * len(batch),
        epochs=epochs,
        best=best,
    )


@mistake("update count")
def run_for_best(samples: int, batch: Any, epochs: Any = None, best: Any = None) -> Any:
    """These are the updates of one epoch: multiply by the epochs."""
    if epochs is None and best is None:
        return None
    found = solved("update count", samples=samples, batch=batch)
    return found if epochs is None or best is None else None


@mistake("update perceptron")
def perceptron_signs_exchanged(right: Any, weights: Any = None) -> Any:
    """The signs are exchanged: the true class gains the sample, not the predicted."""
    if weights is not None:
        return None
    return type(right)(
        {**right, "predicted": right["true_class"], "true_class": right["predicted"]}
    )
