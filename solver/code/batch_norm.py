"""Batch normalisation forward: training with running averages, and inference.

`forward_batchnorm` is the version that a key prints; the backend's is the plain layer of
numeric/plain_layers. The mistaken versions change one thing each.
"""

from __future__ import annotations

import numpy as np

from solver.code.tasks import SEED, Call, Seen, Task, source_of, task, versions
from solver.numeric import plain_layers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    X: Any  # which `other_letter` reads, and nothing defines

TRAIN, AVERAGES, TEST = "the training output", "the running averages", "inference"
BATCHES = ((7, 5), (11, 3), (5, 5))  # the last for statistics over the wrong axis


def forward_batchnorm(
    Z: Any, gamma: Any, beta: Any, eps: Any, cache_dict: Any, beta_avg: Any, mode: Any
) -> Any:
    """The batch's statistics in training, which move the averages; these at inference."""
    if mode == "train":
        mean, var = Z.mean(axis=0), Z.var(axis=0)
        for name, new in (("mean", mean), ("var", var)):
            old = cache_dict[name]
            cache_dict[name] = beta_avg * old + (1 - beta_avg) * new
    else:
        mean, var = cache_dict["mean"], cache_dict["var"]
    Z_norm = (Z - mean) / np.sqrt(var + eps)
    return gamma * Z_norm + beta


NAMES = ("Z", "gamma", "beta", "eps", "cache_dict", "beta_avg", "mode")


def backend(
    Z: Any, gamma: Any, beta: Any, eps: Any, cache: Any, weight: Any, mode: Any
) -> Any:
    """The layer of the backend, its statistics by those of each column."""
    if mode != "train":
        return plain_layers.batch_norm(Z, gamma, beta, cache["mean"], cache["var"], eps)
    mean, var = plain_layers.batch_statistics(Z)
    cache["mean"] = cache["mean"] + (1 - weight) * (mean - cache["mean"])
    cache["var"] = cache["var"] + (1 - weight) * (var - cache["var"])
    return plain_layers.batch_norm(Z, gamma, beta, eps=eps)


def calls() -> tuple[Call, ...]:
    """Training and inference on batches whose sizes are different primes."""
    rng = np.random.default_rng(SEED)
    found = []
    for mode, (n, features), eps, weight in [
        *(("train", s, 0.3, w) for s, w in zip(BATCHES, (0.9, 0.7, 0.8))),
        *(("test", s, 0.2, 0.9) for s in BATCHES[:2]),
    ]:
        cache = {
            "mean": rng.normal(size=features),
            "var": rng.uniform(0.5, 2, features),
        }
        arguments = {
            "Z": rng.normal(1, 2, (n, features)),
            "gamma": rng.uniform(0.5, 2, features),
            "beta": rng.normal(size=features),
            "eps": eps, "cache_dict": cache, "beta_avg": weight, "mode": mode,
        }  # fmt: skip
        what = AVERAGES if mode == "train" else TEST
        after = [Seen(what, table="cache_dict", key=k) for k in cache]
        found.append(
            Call(arguments, (Seen(TRAIN if mode == "train" else TEST), *after))
        )
    return tuple(found)


# -- mistaken versions ----------------------------------------------------------------------


def changed(
    Z: Any, gamma: Any, beta: Any, eps: Any, cache: Any, weight: Any, mode: Any, *,
    axis: int | None = 0, keep: bool = False, ddof: int = 0, ddof_kept: int | None = None,
    training: bool | None = None, updates: bool | None = None, always: bool = False,
    outside: bool = False, scaled: bool = True, shifted: bool = True, root: bool = True,
) -> Any:  # fmt: skip
    """The forward pass with one thing otherwise; `None` stands for what is right."""
    trains = mode == "train" if training is None else training
    stored = dict(cache)
    mean = Z.mean(axis=axis, keepdims=keep)
    var = Z.var(axis=axis, keepdims=keep, ddof=ddof)
    if (mode == "train" if updates is None else updates) or always:
        kept = Z.var(
            axis=axis, keepdims=keep, ddof=ddof if ddof_kept is None else ddof_kept
        )
        cache["mean"] = weight * cache["mean"] + (1 - weight) * mean
        cache["var"] = weight * cache["var"] + (1 - weight) * kept
    if not trains:
        mean, var = stored["mean"], stored["var"]
    below = np.sqrt(var) + eps if outside else np.sqrt(var + eps) if root else var + eps
    y = (Z - mean) / below
    y = gamma * y if scaled else y
    return y + beta if shifted else y


def averages_missing(*a: Any) -> Any:
    """The running averages are not updated in training: inference knows nothing of the data."""
    return changed(*a, updates=False)


def weights_swapped(*a: Any) -> Any:
    """The averages' weights are swapped: beta_avg is the old value's, 1 − beta_avg the batch's."""
    Z, gamma, beta, eps, cache, weight, mode = a
    return changed(Z, gamma, beta, eps, cache, 1 - weight, mode)


def averages_replaced(*a: Any) -> Any:
    """The running averages are overwritten: they have to keep beta_avg of the old value."""
    Z, gamma, beta, eps, cache, _, mode = a
    return changed(Z, gamma, beta, eps, cache, 0.0, mode)


def updates_at_inference(*a: Any) -> Any:
    """The running averages are updated at inference too: there they are only read."""
    return changed(*a, always=True)


def mode_ignored(*a: Any) -> Any:
    """The mode is ignored: inference takes the batch's statistics, not the running averages."""
    return changed(*a, training=True)


def mode_ignored_throughout(*a: Any) -> Any:
    """The mode is ignored: inference takes the batch's statistics, and updates the averages."""
    return changed(*a, training=True, always=True)


def modes_swapped(*a: Any) -> Any:
    """The modes are swapped: training takes the batch's statistics, inference the averages."""
    mode = "test" if a[-1] == "train" else "train"
    Z, gamma, beta, eps, cache, weight, _ = a
    return changed(Z, gamma, beta, eps, cache, weight, mode)


def averages_in_training(*a: Any) -> Any:
    """Training normalises by the running averages: it has to use the batch's own statistics."""
    return changed(*a, training=False)


def averages_read_after_update(*a: Any) -> Any:
    """Training normalises by the updated averages: it has to use the batch's own statistics."""
    changed(*a)
    return changed(*a, training=False, updates=False)


def wrong_axis(*a: Any) -> Any:
    """The statistics run over the wrong axis: each feature has one, over the batch (axis=0)."""
    return changed(*a, axis=1)


def wrong_axis_kept(*a: Any) -> Any:
    """The statistics run along each row, which is layer norm: each feature has one (axis=0)."""
    return changed(*a, axis=1, keep=True)


def no_axis(*a: Any) -> Any:
    """One mean and variance for the whole array: each feature has its own (axis=0)."""
    return changed(*a, axis=None)


def unbiased(*a: Any) -> Any:
    """The variance is divided by m − 1: the batch is normalised by its own, divided by m."""
    return changed(*a, ddof=1)


def deviation_for_variance(*a: Any) -> Any:
    """The root is missing: it is divided by √(σ² + ε), not by σ² + ε."""
    return changed(*a, root=False)


def not_scaled(*a: Any) -> Any:
    """γ is missing: the normalised values are scaled by it."""
    return changed(*a, scaled=False)


def not_shifted(*a: Any) -> Any:
    """β is missing: it is added at the end."""
    return changed(*a, shifted=False)


def bare(*a: Any) -> Any:
    """γ and β are missing: the output is γ times the normalised values, plus β."""
    return changed(*a, scaled=False, shifted=False)


def eps_missing(*a: Any) -> Any:
    """ε is missing: it is added to the variance, so that nothing is divided by 0."""
    Z, gamma, beta, _, cache, weight, mode = a
    return changed(Z, gamma, beta, 0.0, cache, weight, mode)


def eps_outside(*a: Any) -> Any:
    """ε is added to the standard deviation here; usually it stands under the root."""
    return changed(*a, outside=True)


def unbiased_average(*a: Any) -> Any:
    """The running variance is the unbiased one here, as frameworks keep it."""
    return changed(*a, ddof_kept=1)


def other_letter(
    Z: Any, gamma: Any, beta: Any, eps: Any, cache_dict: Any, beta_avg: Any, mode: Any
) -> Any:
    """The input is called Z in the signature and X inside."""
    if mode == "train":
        mu = np.mean(X, axis=0)  # noqa: F821
        var = np.var(X, axis=0)  # noqa: F821
        for name, new in (("mean", mu), ("var", var)):
            old = cache_dict[name]
            cache_dict[name] = beta_avg * old + (1 - beta_avg) * new
    else:
        mu = cache_dict["mean"]
        var = cache_dict["var"]
    return gamma * (X - mu) / np.sqrt(var + eps) + beta  # noqa: F821


@task("batch norm")
def batch_norm() -> Task:
    """Batch normalisation forward, training and inference."""
    return Task(
        "batch norm",
        forward_batchnorm,
        backend,
        NAMES,
        calls(),
        source_of(forward_batchnorm),
        versions(
            averages_missing, weights_swapped, averages_replaced, updates_at_inference,
            mode_ignored, mode_ignored_throughout, modes_swapped, averages_in_training,
            averages_read_after_update, wrong_axis, wrong_axis_kept, no_axis, unbiased,
            deviation_for_variance, not_scaled, not_shifted, bare, eps_missing,
        ),
        versions(eps_outside, unbiased_average),
        {"other letter": other_letter},
    )  # fmt: skip
