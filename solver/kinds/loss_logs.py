"""What a log of a training says: images that are right, and whether a mean loss can be."""

from __future__ import annotations

from fractions import Fraction
from math import log as ln
from random import Random

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Call, Num, Sym, divide, times, tree
from solver.kinds import kind
from solver.kinds.deriving import LOG
from solver.kinds.stepping import shown
from solver.networks.layers import positive
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Real = Any
    Reals = Any

E_, N_ = Sym("E", "integer"), Sym("n", "integer")


@kind("loss accuracy", "--correct 9761 --samples 10000 --threshold 0.975")
def accuracy(
    *,
    samples: int,
    correct: int | None = None,
    accuracy: Real | None = None,
    threshold: Real | None = None,
) -> Answer:
    """Accuracy from the number of right answers, or that number from the accuracy."""
    positive("samples", samples)
    if (correct is None) == (accuracy is None):
        raise BadInput("give either correct, how many are right, or accuracy")
    if accuracy is not None:
        if threshold is not None:
            raise BadInput("a threshold belongs to correct, not to accuracy")
        return right_ones(samples, share(accuracy, "accuracy"))
    if correct is None or not 0 <= correct <= samples:
        raise BadInput(f"of {samples:,} samples 0 to {samples:,} are right")
    found = divide(correct, samples)
    steps = [Step("accuracy", tree(correct) / samples, found)]
    check = Check(
        "right and wrong answers together", right_and_wrong(found, correct, samples)
    )
    if threshold is None:
        return Answer(found, tuple(steps), (check,), "accuracy")
    least = share(threshold, "threshold")
    steps.append(
        Step(f"{float(found):g} {'≥' if found >= least else '<'} {float(least):g}")
    )
    value = Record(accuracy=found, meets=bool(found >= least))
    return Answer(value, tuple(steps), (check,), "accuracy")


def share(raw: Any, name: str) -> Any:
    """A number from 0 to 1."""
    if not isinstance(raw, (int, Fraction)) or not 0 <= raw <= 1:
        raise BadInput(f"{name} is a number from 0 to 1, not {raw}")
    return raw


def right_and_wrong(found: Any, correct: int, samples: int) -> bool:
    """Whether the accuracy and the error rate add up to 1."""
    return abs(float(found) + (samples - correct) / samples - 1) < 1e-9


def right_ones(samples: int, accuracy: Any) -> Answer:
    """How many samples an accuracy stands for: a whole number, or it is no accuracy."""
    found = accuracy * samples
    if found != int(found):
        raise BadInput(
            f"{float(accuracy):g} of {samples:,} is {float(found):g}, no whole number: the "
            "accuracy is rounded, or of another number of samples"
        )
    whole = int(found)
    steps = (
        Step(
            "right answers",
            times(shown(accuracy), samples),
            whole,
        ),
    )
    check = Check("dividing by the samples again", divide(whole, samples) == accuracy)
    return Answer(whole, steps, (check,), "right answers")


@kind("loss consistency", "--errors 239 --samples 10000 --printed 0.0028 --batch 32")
def consistency(
    *, errors: int, samples: int, printed: Real, batch: int | None = None
) -> Answer:
    """Whether a printed cross-entropy can be a mean per sample, given how many are wrong."""
    positive("samples", samples)
    if not 0 <= errors <= samples:
        raise BadInput(
            f"of {samples:,} samples 0 to {samples:,} are wrong, not {errors:,}"
        )
    if not isinstance(printed, (int, Fraction)) or printed < 0:
        raise BadInput(f"a cross-entropy is a number, 0 or more, not {printed}")
    bound = errors / samples * ln(2)
    possible = bool(float(printed) >= bound)
    if not possible and float(printed + half_of_last(printed)) >= bound:
        raise BadInput(
            f"{float(printed):g} is rounded, and so may stand for the bound, {bound:.9g}: "
            "take another number of errors"
        )
    least = times(tree(errors) / samples, Call("log", Num(2)))
    sign = "≥" if possible else "<"
    steps = [
        Step(
            "wrong: another class has at least the true one's probability, so this is ≤ 1/2"
        ),
        Step(
            "the loss of a wrong sample is at least log 2, of a right one more than 0"
        ),
        Step(
            "mean over n samples, E of them wrong, at least",
            least,
            bound,
            None,
            E_ / N_ * Call("log", Num(2)),
        ),
        Step(
            f"printed {float(printed):g} {sign} {bound:.4g}: "
            + ("it can be this mean" if possible else "it cannot be this mean")
        ),
    ]
    value = Record(lower_bound=bound, possible_as_mean=possible)
    if batch is not None:
        positive("batch", batch)
        value["times_batch"] = printed * batch
        why = "if means of batches were added up, but divided by the samples"
        steps.append(
            Step(
                why,
                times(batch, shown(printed)),
                printed * batch,
            )
        )
    check = Check("the losses of seeded misclassified samples", wrong_cost_log_two())
    return Answer(value, tuple(steps), (check,), "loss", conventions=(LOG,))


def half_of_last(printed: int | Fraction) -> Fraction:
    """Half of the last decimal that a number is printed with; 0 of one that is no decimal."""
    for decimals in range(20):
        if (Fraction(printed) * 10**decimals).denominator == 1:
            return Fraction(1, 2 * 10**decimals)
    return Fraction(0)


def wrong_cost_log_two() -> bool:
    """Whether misclassified samples lose log 2 at least, and some hardly more."""
    random, least = Random(8), float("inf")
    for _ in range(400):
        parts = [random.random() ** 4 for _ in range(random.randint(2, 4))]
        true = random.randrange(len(parts))
        if max(parts) > parts[true]:
            least = min(least, -ln(parts[true] / sum(parts)))
    return ln(2) <= least < ln(2) * 1.05


@kind("loss chance", "--accuracies '0.0208 0.0501 0.1869' --classes 10")
def chance(*, accuracies: Reals, classes: int) -> Answer:
    """How many accuracies lie above chance, which is 1 in as many as there are classes."""
    positive("classes", classes)
    rows = accuracies if isinstance(accuracies, tuple) else (accuracies,)
    found = [x for r in rows for x in (r if isinstance(r, tuple) else (r,))]
    found = [share(x, "each accuracy") for x in found]
    guess = Fraction(1, classes)
    above = [x for x in found if x > guess]
    steps = (
        Step("chance, all classes equally frequent", tree(1) / classes, divide(1, classes)),
        Step("above it", None, Listing(above) if above else "none"),
        Step("how many", None, len(above)),
    )
    ranked = sorted(found, reverse=True)
    beyond = next((i for i, x in enumerate(ranked) if x * classes <= 1), len(ranked))
    check = Check("ranking them, up to the first that a guess reaches", beyond == len(above))
    return Answer(
        Record(values=len(found), above_chance=len(above)), steps, (check,), "accuracies"
    )
