"""What `.grad` holds when it is not reset: backward adds to it."""

from __future__ import annotations

from fractions import Fraction

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Expr, Mul, Num, Sym, evaluate, plus, subs
from solver.kinds import kind
from solver.kinds.named_points import num, whole
from solver.kinds.run_features import flat
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Reals = Any

MOST, WRITTEN = 1000, 12
ADDS = "backward() adds to .grad, as PyTorch's does; it starts at 0"


@kind("update accumulate", "--passes 3")
def accumulate(
    *, passes: int | None = None, grads: Reals | None = None, reset: bool = False
) -> Answer:
    """What .grad holds after several backward passes without a reset, and how much too much.

    grads: the gradient of each pass, in numbers; then what .grad holds after each. Without
    them in letters, with the factor by which .grad is too large where all are equal.
    """
    if grads is not None:
        return on_numbers(grads, reset)
    many = 3 if passes is None else passes
    if not 1 <= many <= MOST:
        raise BadInput(f"backward is called 1 to {MOST} times, not {many}")
    g = [Sym(f"g_{t}", "real") for t in range(1, many + 1)]
    if many > WRITTEN:
        raise BadInput(
            f"in letters at most {WRITTEN} passes are written out; give grads"
        )
    total = g[-1] if reset else plus(*g)
    ratio = 1 if reset else many
    one = Sym("g", "real")
    value = Record(grad=total, ratio=ratio)
    steps = [Step(f"after pass {t}", None, g[t - 1] if reset else plus(*g[:t]))
             for t in range(1, many + 1)]  # fmt: skip
    equal = subs(total, {x.name: one for x in g})
    steps.append(
        Step("where all are the same g", equal, one if reset else Mul(Num(many), one))
    )
    steps.append(Step("the step is then so many times too long", None, ratio)
                 if ratio > 1 else Step("the step is by the last gradient alone"))  # fmt: skip
    ok = True
    for draw in range(3):
        numbers = [Fraction(2 * t + draw, 3) for t in range(1, many + 1)]
        held = run(numbers, reset)[-1]
        ok = ok and evaluate(total, {x.name: v for x, v in zip(g, numbers)}) == held
        ok = ok and run([Fraction(draw + 1)] * many, reset)[-1] == ratio * (draw + 1)
    return Answer(value, tuple(steps), (Check("carrying .grad along, at seeded numbers", ok),),
                  "gradients", conventions=(ADDS,))  # fmt: skip


def run(numbers: list[Any], reset: bool) -> list[Any]:
    """.grad after each backward, carried along."""
    held, found = Fraction(0), []
    for g in numbers:
        held = g if reset else held + g
        found.append(held)
    return found


def on_numbers(grads: Any, reset: bool) -> Answer:
    """The value of .grad after each of the passes."""
    each = flat(grads)
    if any(isinstance(v, Expr) for v in each) or not 1 <= len(each) <= MOST:
        raise BadInput(f"grads are 1 to {MOST} numbers, one for each pass")
    numbers = [Fraction(v) for v in each]
    sums = [numbers[t] if reset else sum(numbers[: t + 1], Fraction(0))
            for t in range(len(numbers))]  # fmt: skip
    steps = tuple(
        Step(f"after pass {t}", num(numbers[t - 1]) if reset else plus(*map(num, numbers[:t])),
             whole(sums[t - 1]))
        for t in range(1, min(len(numbers), WRITTEN) + 1)
    )  # fmt: skip
    check = Check("carrying .grad along", sums == run(numbers, reset))
    found = Listing(map(whole, sums))
    return Answer(found if len(found) > 1 else found[0], steps, (check,), "grad",
                  conventions=(ADDS,))  # fmt: skip
