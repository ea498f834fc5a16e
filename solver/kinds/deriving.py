"""What the kinds of `loss` share: the steps of a derivation, and its proofs.

A Derivation gathers steps and checks: each line's two sides are compared when the
answer is verified; a derivative is SymPy's, held against central differences besides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import (
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Sym,
    evaluate,
    subs,
    walk,
)
from solver.expressions.points import near, points, slopes_agree
from solver.expressions.series import Cases, Partial, Series, indexed
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Y, YHAT = Sym("y", "real"), Sym("yhat", "real")
P, RATE = Sym("yhat", "probability"), Sym("yhat", "positive")
Z, L = Sym("z", "real"), Sym("L", "real")
INDEX, N = Sym("i", "integer"), Sym("n", "integer")
LOG = "log is the natural logarithm, to base e"
ONE, TWO, HALF = Num(1), Num(2), Num(Fraction(1, 2))
NLL = "maximising log p is minimising −log p"
MODEL, LOGP = Sym("p", "real"), Call("log", Sym("p", "real"))
DROPPED = (
    "constants that do not depend on the prediction, and positive factors, are dropped"
)
REDUCTIONS = ("none", "mean", "sum")
WANTED = ("likelihood", "log-likelihood", "loss")
DIFFERENCES = "central differences at seeded points"


@dataclass
class Derivation:
    """The steps and checks of one answer, in the making."""

    steps: list[Step] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def line(
        self,
        rule: str,
        after: Any,
        before: Any = None,
        of: Any = None,
        formula: Any = None,
        below: Sequence[Step] = (),
    ) -> Any:
        """Add the line `of = formula = before = after`; gives its last member."""
        self.steps.append(Step(rule, before, after, of, formula, tuple(below)))
        return after

    def note(self, *said: str) -> None:
        """Name conventions, each once."""
        self.notes += [s for s in said if s not in self.notes]

    def check(self, how: str, ok: bool) -> None:
        self.checks.append(Check(how, ok))

    def slope(
        self,
        loss: Expr,
        wrt: Sym,
        closed: Expr,
        rule: str = "",
        name: Expr = L,
        how: str = DIFFERENCES,
        tied: Any = None,
    ) -> Expr:
        """Add ∂loss/∂wrt: SymPy's derivative, the closed form, and the differences.

        Series are not differentiated as they stand: see `Derivation.differences`.
        """
        from solver.expressions.algebra import derivative

        raw = derivative(loss, wrt)
        self.line(rule or f"derivative by {wrt}", closed, raw, Partial(name, wrt))
        self.differences(loss, wrt, closed, how, tied)
        return closed

    def differences(
        self,
        loss: Expr,
        wrt: Sym,
        closed: Expr,
        how: str = DIFFERENCES,
        tied: Any = None,
    ) -> None:
        """Check a derivative by central differences."""
        self.check(how, slopes_agree(loss, wrt, closed, tied))

    def answer(self, value: Any, name: str = "") -> Answer:
        return Answer(
            value,
            tuple(self.steps),
            tuple(self.checks),
            name,
            conventions=tuple(self.notes),
        )


def wanted(of: str, known: Sequence[str] = WANTED) -> str:
    """Which line of the derivation answers."""
    name = of.strip().lower().replace("_", "-").replace(" ", "-")
    if name not in known:
        raise unknown("thing to derive (of)", of, list(known))
    return name


def reduced(reduction: str) -> str:
    """none, mean or sum, as PyTorch calls them."""
    if reduction not in REDUCTIONS:
        raise unknown("reduction", reduction, list(REDUCTIONS))
    return reduction


def by(wrt: str, *offered: Sym) -> Sym | None:
    """The letter to differentiate by, None if none is wanted."""
    from solver.expressions.parse import spelt

    name = spelt(wrt.strip())
    for letter in offered:
        if name in (letter.name, letter.name.partition("_")[0]):
            return letter
    if name:
        raise unknown("letter of this loss (wrt)", wrt, [s.name for s in offered])
    return None


def sampled(e: Expr, *fixed: Sym) -> Expr:
    """A sample's tree with the index i on its letters: y becomes y_i."""
    names = {n.name: Sym(f"{n.name}_i", n.kind) for n in walk(e) if isinstance(n, Sym)}
    for letter in fixed:
        names.pop(letter.name, None)
    return subs(e, names)


def over_samples(d: Derivation, reduction: str, loss: Expr, *fixed: Sym) -> Expr:
    """The loss of n samples: a line and a convention, or the sample's own loss."""
    if reduction == "none":
        d.note("of one sample")
        return loss
    total = Series("sum", sampled(loss, *fixed), INDEX, N)
    whole = Mul(Div(Num(1), N), total) if reduction == "mean" else total
    d.note(f"the {reduction} over the n samples")
    return d.line(f"{reduction} over n samples", whole, of=L)


def slope_over(
    d: Derivation,
    reduction: str,
    loss: Expr,
    wrt: Sym,
    one: Expr,
    whole: Expr,
    *fixed: Sym,
) -> Expr:
    """The derivative of the whole by one sample's letter; `one` is the sample's own."""
    if reduction == "none":
        return one
    letter = Sym(f"{wrt.name}_i", wrt.kind)
    each = sampled(one, *fixed)
    found = over_n(each) if reduction == "mean" else each
    d.line("only the term of sample i holds its letter", found, of=Partial(L, letter))
    j = Sym("j", "integer")
    renamed = whole.args[1] if isinstance(whole, Mul) else whole
    series = Series("sum", subs(renamed.args[1], shifted(renamed.args[1])), j, N)
    d.differences(
        Mul(Div(Num(1), N), series) if reduction == "mean" else series, letter, found
    )
    return found


def shifted(e: Expr) -> dict[str, Sym]:
    """Letters with index i renamed to index j, so that i is free."""
    return {
        n.name: Sym(n.name[:-1] + "j", n.kind)
        for n in walk(e)
        if isinstance(n, Sym) and n.name.endswith("_i")
    }


def over_n(e: Expr) -> Expr:
    """e/n, as it is written."""
    if isinstance(e, Div):
        return Div(e.args[0], Mul(N, e.args[1]))
    if isinstance(e, Neg):
        return Neg(over_n(e.args[0]))
    return Mul(Div(Num(1), N), e) if isinstance(e, Cases) else Div(e, N)


def integral(density: Expr, over: Sym) -> bool:
    """Whether a density integrates to 1 over a real letter, by trapezoids."""
    from math import pi

    met = 0
    for env in points(density, count=2):
        env |= {"pi": pi}
        width, steps = 30.0, 8_000
        h = 2 * width / steps
        total = sum(
            evaluate(density, {**env, over.name: k * h - width})
            for k in range(steps + 1)
        )
        met += near(total * h, 1, 3e-4)
    return met == 2


def sums_to_one(mass: Expr, over: Sym, values: Sequence[int]) -> bool:
    """Whether probabilities add up to 1 over these values of a letter."""
    return all(
        near(sum(evaluate(mass, {**env, over.name: v}) for v in values), 1, 1e-7)
        for env in points(mass, count=8)
    )


def minimised(loss: Expr, at: Callable[[dict[str, Any]], float], wrt: Sym) -> bool:
    """Whether the loss, as a function of wrt, is lower there than on both sides."""
    for env in points(loss, wrt, count=8):
        best = at(env)
        middle = evaluate(loss, {**env, wrt.name: best})
        around = [evaluate(loss, {**env, wrt.name: best + h}) for h in (-0.01, 0.01)]
        if not all(v > middle for v in around):
            return False
    return True


def classes_of(classes: Any, most: int = 6) -> int | None:
    """The number of classes, where it is given as a number to write out."""
    if classes is None or isinstance(classes, Expr):
        return None
    if not 2 <= classes <= most:
        raise BadInput(f"classes are written out for 2 to {most}, not {classes}")
    return int(classes)


def entry(e: Expr, k: int) -> Expr:
    """The tree for class k: p_k becomes p_2."""
    return indexed(e, {"k": k})


def log(x: Expr) -> Expr:
    return Call("log", x)


def exp(x: Expr) -> Expr:
    return Call("exp", x)


def sigmoid(x: Expr) -> Expr:
    return Call("sigmoid", x)


def subs_series(whole: Expr, put: dict[str, Any]) -> Expr:
    """A loss over samples with the prediction put in: ŷ_i = σ(z_i)."""
    each = {f"{k}_i": subs(v, {"z": Sym("z_i", "real")}) for k, v in put.items()}
    return subs(whole, {**put, **each})


def slope_where(piece: Expr, wrt: Sym, where: str) -> Step:
    """The derivative of one smooth piece, by SymPy."""
    from solver.expressions.algebra import derivative

    return Step(
        where, None, derivative(piece, wrt), Partial(L, wrt), Partial(piece, wrt)
    )
