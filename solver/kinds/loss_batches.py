"""The mean or sum of class losses over a batch, and its derivative by one sample's letters.

The samples' losses are added up; only one of them holds a sample's scores. Checked by
central differences of the whole, at seeded samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from solver.expressions.nodes import Div, Expr, Mul, Num, Sym, evaluate
from solver.expressions.points import near
from solver.expressions.series import Partial, Series
from solver.kinds.deriving import INDEX, Derivation, N, over_n, sampled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Loss = Callable[[list[float], int], float]
    Letters = Callable[[list[float], int, int], Mapping[str, Any]]

J = Sym("J", "real")
HOW = "central differences of the whole batch, at seeded samples"


def whole(d: Derivation, reduction: str, loss: Expr) -> Expr:
    """The loss of a batch: L_i added up, or their mean; one sample's loss for none."""
    if reduction == "none":
        return loss
    d.note(f"the {reduction} over the n samples; L_i is the loss of sample i")
    total = Series("sum", Sym("L_i", "real"), INDEX, N)
    found = Mul(Div(Num(1), N), total) if reduction == "mean" else total
    return d.line(f"{reduction} over n samples", found, of=J)


def slopes(
    d: Derivation, reduction: str, found: Expr, wrt: Sym, loss: Loss, letters: Letters
) -> Expr:
    """The derivative of the whole by the letters of one sample, from its own."""
    if reduction == "none":
        return found
    done = over_n(found) if reduction == "mean" else found
    d.note(f"the {reduction} over the n samples; the letters are those of one of them")
    d.line(
        "only one term of the sum holds this sample's letters",
        done,
        of=Partial(J, wrt),
    )
    d.check(HOW, batch_agrees(done, reduction, loss, letters))
    return done


def over_weights(
    d: Derivation, reduction: str, found: Expr, wrt: Sym, fixed: Sym, loss: Loss
) -> Expr:
    """The derivative by weights that every sample shares: the samples' own, added up."""
    if reduction == "none":
        return found
    total = Series("sum", sampled(found, fixed), INDEX, N)
    done = Mul(Div(Num(1), N), total) if reduction == "mean" else total
    d.note(f"the {reduction} over the n samples")
    d.line("every sample's term holds the weights", done, of=Partial(J, wrt))
    d.check(HOW, weights_agree(done, reduction, loss))
    return done


def weights_agree(found: Expr, reduction: str, loss: Loss) -> bool:
    """Whether the derivative by a class's weight is that of the batch, at seeded samples."""
    random, h = Random(13), 1e-6
    for _ in range(20):
        n, c = random.randint(2, 4), random.randrange(3)
        batch = [(random.uniform(-2, 2), random.randrange(3)) for _ in range(n)]
        w = [random.uniform(-1, 1) for _ in range(3)]

        def total(step: float, batch: Any = batch, w: Any = w, c: int = c) -> float:
            moved = [v + step * (k == c) for k, v in enumerate(w)]
            added = sum(loss([v * x for v in moved], y) for x, y in batch)
            return added / len(batch) if reduction == "mean" else added

        env: dict[str, Any] = {"n": n, "c": c + 1}
        for i, (x, y) in enumerate(batch, 1):
            s = [v * x for v in w]
            rival = max((j for j in range(3) if j != y), key=lambda j: s[j])
            env |= {f"x_{i}": x, f"y_{i}": y + 1, f"yhat_{i}": rival + 1}
            env[f"L_{i}"] = loss(s, y)
        wanted = (total(h) - total(-h)) / (2 * h)
        if not near(evaluate(found, env), wanted, 1e-5):
            return False
    return True


def batch_agrees(found: Expr, reduction: str, loss: Loss, letters: Letters) -> bool:
    """Whether the derivative is that of the batch, at seeded samples of three classes."""
    random, h = Random(12), 1e-6
    for _ in range(12):
        n = random.randint(2, 4)
        batch = [
            ([random.uniform(0.2, 2) for _ in range(3)], random.randrange(3))
            for _ in range(n)
        ]
        i, c = random.randrange(n), random.randrange(3)

        def total(step: float, batch: Any = batch, i: int = i, c: int = c) -> float:
            moved = [
                [v + step * (k == c and j == i) for k, v in enumerate(s)]
                for j, (s, _) in enumerate(batch)
            ]
            added = sum(loss(s, y) for s, (_, y) in zip(moved, batch))
            return added / len(batch) if reduction == "mean" else added

        wanted = (total(h) - total(-h)) / (2 * h)
        if not near(evaluate(found, {**letters(*batch[i], c), "n": n}), wanted, 1e-5):
            return False
    return True
