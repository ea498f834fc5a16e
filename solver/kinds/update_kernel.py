"""The kernel perceptron: its prediction in letters, and a run on data beside the primal.

The weights w_c = Σ_j α_c,j φ(x_j) are never formed: only kernel values are. The check
forms them, with φ written out, and runs the perceptron on them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import prod

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.matrix import Var, transpose
from solver.expressions.matrix import dot as chain
from solver.expressions.nodes import Expr
from solver.kinds import kind
from solver.registry import unknown
from solver.values import Listing, Matrix, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Reals = Any
    Integers = tuple[int, ...]
    Point = tuple[Any, ...]

MOST, PASSES, DEGREE, SHOWN = 50, 20, 4, 8
# name -> (k(x, z) of x·z and the degree, φ(x) of the same)
KERNELS: dict[str, tuple[Callable[..., Any], Callable[..., Point]]] = {
    "linear": (lambda s, d: s, lambda x, d: x),
    "polynomial": (lambda s, d: (s + 1) ** d, lambda x, d: monomials((1, *x), d)),
}


def monomials(x: Point, degree: int) -> Point:
    """All products of `degree` entries, in every order: their dot product is (x·z)ᵈ."""
    return tuple(prod(each) for each in product(x, repeat=degree))


@kind(
    "update kernel-perceptron",
    "--x '0 0; 0 1; 1 0; 1 1' --y '1 2 2 1' --kernel polynomial",
)
def kernel_perceptron(
    *,
    x: Reals | None = None,
    y: Integers | None = None,
    kernel: str = "linear",
    degree: int = 2,
    passes: int = 1,
) -> Answer:
    """Kernel perceptron: the scores in letters, or its coefficients on given samples.

    kernel: linear, x·z, or polynomial, (x·z + 1)ᵈ. A row of x is a sample, y its class,
    from 1. The samples are taken in order, `passes` times, from coefficients 0.
    """
    if x is None and y is None:
        return in_letters()
    if x is None or y is None:
        raise BadInput("give both the samples x, a row each, and their classes y")
    if kernel not in KERNELS:
        raise unknown("kernel", kernel, list(KERNELS))
    rows = [
        r if isinstance(r, tuple) else (r,)
        for r in (x if isinstance(x, tuple) else (x,))
    ]
    refuse(rows, y, passes, degree)
    of, phi = KERNELS[kernel]
    gram = [[of(dot(a, b), degree) for b in rows] for a in rows]
    alpha = [[0] * len(rows) for _ in range(max(y))]
    steps = [Step("kernel values k(x_j, x_i)", None, Matrix(map(tuple, gram)))]
    updates = 0
    for i in list(range(len(rows))) * passes:
        scores = [dot(a, gram[i]) for a in alpha]
        guess, true = scores.index(max(scores)), y[i] - 1
        if updates < SHOWN:
            steps.append(line(i, scores, guess, true))
        if guess != true:
            alpha[guess][i] -= 1
            alpha[true][i] += 1
            updates += 1
            if updates == SHOWN:
                steps.append(Step("and so on"))
    predicted = [best([dot(a, column) for a in alpha]) + 1 for column in gram]
    wrong = sum(a != b for a, b in zip(predicted, y))
    steps.append(Step("wrong in the end", None, wrong))
    value = Record(
        coefficients=Matrix(map(tuple, alpha)),
        predictions=Listing(predicted),
        updates=updates,
    )
    mapped = [phi(r, degree) for r in rows]
    check = Check(
        "the perceptron on weights w_c, with φ written out: the same updates and scores",
        primal(mapped, y, passes, alpha, predicted),
    )
    notes = (
        "a row of coefficients for each class, a column for each sample",
        "of equal scores the first class counts",
        "all coefficients are 0 at the start",
    )
    return Answer(value, tuple(steps), (check,), "coefficients", conventions=notes)


def refuse(rows: Sequence[Point], y: Sequence[int], passes: int, degree: int) -> None:
    """Refuse samples and classes that do not fit, and runs that are too long."""
    if len({len(r) for r in rows}) > 1 or any(
        isinstance(v, Expr) for r in rows for v in r
    ):
        raise BadInput("the samples are rows of numbers, all of one length")
    if len(y) != len(rows):
        raise BadInput(f"there are {len(rows)} samples and {len(y)} classes")
    if min(y) < 1 or max(y) > 20 or max(y) < 2:
        raise BadInput("classes are counted from 1, and there are 2 to 20 of them")
    if len(rows) > MOST or not 1 <= passes <= PASSES:
        raise BadInput(f"at most {MOST} samples and 1 to {PASSES} passes are worked")
    if not 1 <= degree <= DEGREE or (len(rows[0]) + 1) ** degree > 3000:
        raise BadInput(f"the degree is 1 to {DEGREE}, and the samples short")


def dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    return sum(u * v for u, v in zip(a, b))


def best(scores: Sequence[Any]) -> int:
    return list(scores).index(max(scores))


def line(i: int, scores: Sequence[Any], guess: int, true: int) -> Step:
    """One sample: its scores, and what changes."""
    said = (
        "right"
        if guess == true
        else (
            f"wrong: α of class {guess + 1} falls by 1 at sample {i + 1}, of class {true + 1} rises"
        )
    )
    return Step(f"sample {i + 1}, predicted {guess + 1}, true {true + 1}: {said}; scores",
                None, Listing(scores))  # fmt: skip


def primal(
    mapped: Sequence[Point],
    y: Sequence[int],
    passes: int,
    alpha: Sequence[Sequence[int]],
    predicted: Sequence[int],
) -> bool:
    """Whether the perceptron on the mapped samples ends with w_c = Σ_j α_c,j φ(x_j), and
    predicts the same."""
    w = [[0] * len(mapped[0]) for _ in alpha]
    for i in list(range(len(mapped))) * passes:
        guess, true = best([dot(c, mapped[i]) for c in w]), y[i] - 1
        if guess != true:
            w[guess] = [a - b for a, b in zip(w[guess], mapped[i])]
            w[true] = [a + b for a, b in zip(w[true], mapped[i])]
    dual = [[dot(a, column) for column in zip(*mapped)] for a in alpha]
    return w == dual and [best([dot(c, m) for c in w]) + 1 for m in mapped] == list(
        predicted
    )


def in_letters() -> Answer:
    """The scores of sample i from coefficients and kernel values: k αᵀ."""
    phi = Var("Phi", "n", "m")
    point = Var("phi", 1, "m")
    alpha, k = Var("alpha", "C", "n"), Var("k", 1, "n")
    weights = chain(alpha, phi)
    value = chain(k, transpose(alpha))
    steps = (
        Step("a class's weights are a sum over the samples; all of them, as rows", None,
             weights, Var("W", "C", "m")),
        Step("scores of sample i, one for each class", None,
             chain(point, transpose(Var("W", "C", "m"))), Var("s", 1, "C")),
        Step("the weights put in", chain(point, transpose(weights)),
             chain(chain(point, transpose(phi)), transpose(alpha))),
        Step("the products of φ are kernel values, k(x_j, x_i)", None,
             chain(point, transpose(phi)), k),
        Step("so the scores are", None, value, Var("s", 1, "C")),
        Step("predicted: the class with the highest score"),
    )  # fmt: skip
    return Answer(
        value,
        steps,
        (Check("sums over kernel values against the scores of the weights, on seeded samples",
               sums_agree()),),
        "scores",
        conventions=(
            "α is C×n: a row for each class, a column for each sample",
            "k is the row of k(x_1, x_i), …, k(x_n, x_i)",
        ),
    )  # fmt: skip


def sums_agree() -> bool:
    """Whether sums over kernel values are the scores by the weights, on seeded samples."""
    from random import Random

    random = Random(4)
    samples = [tuple(random.randint(-3, 3) for _ in range(3)) for _ in range(5)]
    alpha = [[random.randint(-2, 2) for _ in samples] for _ in range(4)]
    of, phi = KERNELS["polynomial"]
    for xi in samples:
        for row in alpha:
            dual = sum(a * of(dot(xj, xi), 2) for a, xj in zip(row, samples))
            w = [dot(row, column) for column in zip(*(phi(x, 2) for x in samples))]
            if dual != dot(w, phi(xi, 2)):
                return False
    return True
