"""A single ReLU unit trained sample by sample: how one label after the other kills it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Expr, Sym
from solver.expressions.written import Relation
from solver.kinds import kind
from solver.kinds.stepping import formula
from solver.values import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Real = Any
    Integers = tuple[int, ...]
    Seen = tuple[Any, Any, Any, int]  # w, b, the larger of the two gradients, label

MOST, SHOWN, DIGITS = 100_000, 4, 10**30
KINK = 1e-12  # nearer to 0 than this, an input of ReLU is not told from 0 in floats


@kind("update relu-unit", "--w 1 --b 0.5 --alpha 0.1 --samples 500 --labels '-1 1'")
def relu_unit(
    *,
    w: Real = 1,
    b: Real = Fraction(1, 2),
    alpha: Real = Fraction(1, 10),
    samples: int = 500,
    low: Real = 0,
    high: Real = 1,
    labels: Integers = (-1, 1),
) -> Answer:
    """SGD on a = max(0, w x + b) with loss (a − y)²/2, label after label: a dying ReLU.

    The inputs are `samples` equally spaced ones from low to high, taken in order with the
    first label, then again with the next.
    """
    numbers = {"w": w, "b": b, "alpha": alpha, "low": low, "high": high}
    for name, x in numbers.items():
        if isinstance(x, Expr):
            raise BadInput(f"{name} is a number, not {x}")
    if not 2 <= samples <= MOST or low >= high or alpha <= 0 or len(labels) > 10:
        raise BadInput(
            f"give 2 to {MOST:,} samples, low below high, a learning rate above 0, and at "
            "most 10 labels"
        )
    xs = [low + Fraction(i * (high - low), samples - 1) for i in range(samples)]
    path = run(w, b, alpha, xs, labels)
    moved = [step for step in path if step[2]]
    last_w, last_b = path[-1][:2]
    dead = all(last_w * x + last_b <= 0 for x in (low, high))
    later = (
        [step[2] for step in path if step[3] == labels[-1]] if len(labels) > 1 else []
    )
    value = Record(
        nonzero_updates=len(moved),
        final_w=float(last_w),
        final_b=float(last_b),
        dead_on_all_x=dead,
    )
    if later:
        value["largest_gradient_on_last_label"] = float(max(later)) if any(later) else 0
    return Answer(
        value,
        tuple(told(path, moved, labels, dead)),
        (
            Check("the same run in floats, its gradients by central differences",
                  floats_agree(numbers, xs, labels, value)),
        ),
        "unit",
        conventions=("the slope of ReLU at 0 is taken as 0", "one update for each sample"),
    )  # fmt: skip


def run(
    w: Any, b: Any, alpha: Any, xs: Sequence[Any], labels: Sequence[int]
) -> list[Seen]:
    """(w, b after the update, its gradient, label) of each sample; exact, to 30 digits."""
    path = []
    for y in labels:
        for x in xs:
            z = w * x + b
            if 0 < abs(z) < KINK:
                raise BadInput(
                    f"at x = {float(x):g} with label {y} the unit's input is 0 to all digits, "
                    "but not 0: whether it is on hangs on rounding; take other numbers"
                )
            slope = z - y if z > 0 else 0
            if slope:
                w, b = rounded(w - alpha * slope * x), rounded(b - alpha * slope)
            path.append((w, b, max(abs(slope), abs(slope * x)), y))
    return path


def rounded(x: Any) -> Fraction:
    """To 30 decimals: fractions of hundreds of updates would have thousands of digits."""
    return Fraction(round(x * DIGITS), DIGITS)


def told(
    path: Sequence[Seen], moved: Sequence[Seen], labels: Sequence[int], dead: bool
) -> list[Step]:
    """The gradients in letters, the first updates, and when the unit died."""
    z, a = Sym("z", "real"), Sym("a", "real")
    steps = [
        Step("the unit", None, formula("w*x + b"), z),
        Step("with ReLU", None, formula("max(0, z)"), a),
        Step("where z > 0, by w", None, formula("(a - y)*x"), Sym("g_w", "real")),
        Step("where z > 0, by b", None, formula("a - y"), Sym("g_b", "real")),
        Step("where z ≤ 0 both are 0: nothing moves, whatever the label"),
    ]
    if labels[0] < 0:
        steps.append(Step(f"label −{-labels[0]}: a − y > 0, so b falls with each update, and w "
                          "does where x > 0"))  # fmt: skip
    steps += [
        Step(f"after update {i}", None, Record(w=float(w), b=float(b)))
        for i, (w, b, _, _) in enumerate(moved, 1)
        if i <= SHOWN or i == len(moved)
    ]
    at = 1 + max((i for i, step in enumerate(path) if step[2]), default=-1)
    if at < len(path):
        steps.append(
            Step(f"the {len(path) - at:,} samples after sample {at:,} move nothing")
        )
    if dead:
        zero = Relation(("≤",), formula("w*x + b"), formula("0"))
        steps.append(Step("for all x between the ends", None, zero))
        steps.append(Step("the unit is dead: its gradient is 0 on every sample"))
    return steps


def floats_agree(
    numbers: dict[str, Any], xs: Sequence[Any], labels: Sequence[int], value: Record
) -> bool:
    """Whether a run along difference quotients of the loss ends where the exact one does."""
    w, b, alpha = (float(numbers[k]) for k in ("w", "b", "alpha"))
    h, moved = 1e-6, 0

    def loss(w: float, b: float, x: float, y: int) -> float:
        return (max(0.0, w * x + b) - y) ** 2 / 2

    for y in labels:
        for x in map(float, xs):
            if w * x + b <= KINK:
                continue
            by_w = (loss(w + h, b, x, y) - loss(w - h, b, x, y)) / (2 * h)
            by_b = (loss(w, b + h, x, y) - loss(w, b - h, x, y)) / (2 * h)
            moved += by_w != 0 or by_b != 0
            w, b = w - alpha * by_w, b - alpha * by_b
    near = abs(w - value["final_w"]) < 1e-5 and abs(b - value["final_b"]) < 1e-5
    dead = all(w * float(x) + b <= 1e-6 for x in (xs[0], xs[-1]))
    return near and moved == value["nonzero_updates"] and dead == value["dead_on_all_x"]
