"""Batch norm worked backward by hand: the three paths of x, and the compact form.

x reaches y by itself, through the mean and through the variance of the batch; the three
are added up and held against the compact form, which SymPy proves to be the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import (
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Sym,
    letters,
    plus,
    tree,
)
from solver.expressions.points import agree
from solver.kinds import kind
from solver.kinds.entries import (
    UPSTREAM,
    Entries,
    added,
    alike,
    all_alike,
    at,
    derived,
    filled,
    partial,
    put,
    replaced,
    seeded,
    worked,
)
from solver.kinds.entries_given import (
    at_numbers,
    floats,
    lists_of,
    numbers,
    show_number,
    upstream,
    whole,
)
from solver.networks.layers import Shape
from solver.values import Gradients

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.kinds.entries import Index

    Reals = Any
    Real = Any

MOST, LETTERS, PROVED = 32, 6, 4  # values of a batch: in all, as letters, by SymPy
# The batch's own letters, as arXiv:1502.03167 (Ioffe and Szegedy) writes them, and r.
MU, SIGMA, ROOT = Sym("mu_B", "real"), Sym("sigma_B", "positive"), Sym("r", "positive")
VARIANCE, TWO = Pow(SIGMA, Num(2)), Num(2)
GAMMA, BETA, EPSILON = Sym("gamma", "real"), Sym("beta", "real"), Sym("epsilon", "positive")


@dataclass(eq=False, repr=False)
class Pass:
    """The worked lines of both passes and the values that they found, by their letters."""

    x: Entries
    g: Entries
    held: dict[Expr, Any]
    notes: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hats = Entries("xhat", self.x.shape, row=True)
        self.n = Num(len(self.x))

    def line(self, of: Expr, formula: Expr, rule: str = "", spell: bool = True) -> Step:
        """The line of one value, which is kept under its letter."""
        value, line = filled(of, formula, self.held, rule, spell)
        if not letters(tree(value)):
            self.held[of] = value
        return line

    def add(self, title: str, *lines: Step) -> None:
        self.steps.append(worked(title, lines))

    def apart(self, i: Index) -> Expr:
        return self.x.sym(i) - MU


@kind("backprop batch-norm", "--x '1 2 6' --gradient '1 0 2' --gamma 2")
def batch_norm(
    *,
    x: Reals | None = None,
    input: Shape | None = None,
    gradient: Reals | None = None,
    gamma: Real | None = None,
    beta: Real | None = None,
    epsilon: Real | None = None,
) -> Answer:
    """Gradients of batch norm by x, γ and β for one feature: forward and backward worked."""
    work = prepared(x, input, gradient, gamma, beta, epsilon)
    forward(work)
    found = backward(work)
    value = Gradients(
        x=work.x.filled(found["x"]).matrices(), gamma=found["gamma"], beta=found["beta"]
    )
    checks = proofs(work, found)
    return Answer(value, tuple(work.steps), checks, "gradients", conventions=tuple(work.notes))


def prepared(
    x: Any = None, input: Any = None, gradient: Any = None, gamma: Any = None,
    beta: Any = None, epsilon: Any = None,
) -> Pass:  # fmt: skip
    """What is given, by its letters; γ = 1, β = 0 and ε = 0 stand in beside numbers."""
    x_ = batch(x, input)
    g = upstream(gradient, x_)
    lettered = x_.values is None
    held: dict[Expr, Any] = {}
    notes = [UPSTREAM, "the variance divides by N, as batch norm does in training"]
    for sym, given, usual in ((GAMMA, gamma, 1), (BETA, beta, 0), (EPSILON, epsilon, 0)):
        if given is not None and isinstance(given, Expr):
            raise BadInput(f"{sym.name} is a number, not {given}")
        if given is not None or not lettered:
            held[sym] = usual if given is None else given
            if given is None:
                more = "; PyTorch adds 10⁻⁵" if sym == EPSILON else ""
                notes.append(f"{sym} = {usual} where it is not given{more}")
    if held.get(EPSILON, 0) < 0:
        raise BadInput(f"epsilon is 0 or more, not {show_number(held[EPSILON])}")
    for e in (x_, g):
        if e.values is not None:
            held |= {e.sym(i): e[i] for i in e}
    notes.append("entries are counted from 1")
    return Pass(x_, g, held, notes)


def batch(x: Any, input: Any) -> Entries:
    """The batch of one feature: numbers, or as many letters."""
    if (x is None) == (input is None):
        raise BadInput("give the batch's numbers (--x '1 2 6') or how many (--in 3)")
    if x is not None:
        found = numbers("x", x)
        if 1 not in found.shape:
            raise BadInput("batch norm is worked for one feature: give its batch as one row; "
                           "each feature is normalised by itself")  # fmt: skip
    else:
        whole(*input)
        if len(input) != 1:
            raise BadInput("batch norm is worked for one feature: give the batch's size, --in 3")
        found = Entries("x", (1, input[0]), row=True)
    most = LETTERS if x is None else MOST
    if not 2 <= len(found) <= most:
        raise BadInput(f"2 to {most} values of a batch are worked out, not {len(found)}")
    if found.values is not None and len(set(found.values.values())) == 1:
        raise BadInput("all values of the batch are equal: their variance is 0, and with it "
                       "every gradient by x; give values that differ")  # fmt: skip
    return Entries(found.name, found.shape, found.values, True)


def forward(work: Pass) -> None:
    """μ, σ², x̂ and y, as in algorithm 1 of arXiv:1502.03167."""
    x, y = work.x, Entries("y", work.x.shape, row=True)
    mean = Div(plus(*map(x.sym, x)), work.n)
    spread = Div(plus(*(Pow(work.apart(i), TWO) for i in x)), work.n)
    work.add("forward: mean, variance and its root",
             work.line(MU, mean), work.line(VARIANCE, spread),
             work.line(ROOT, Call("sqrt", VARIANCE + EPSILON)))  # fmt: skip
    hats = [
        work.line(work.hats.sym(i), Div(work.apart(i), ROOT), spell=i == next(iter(x)))
        for i in x
    ]
    scaled = [
        work.line(y.sym(i), Mul(GAMMA, work.hats.sym(i)) + BETA, spell=i == next(iter(x)))
        for i in x
    ]
    work.add("normalised", *hats)
    work.add("scaled and shifted", *scaled)


def backward(work: Pass) -> dict[str, Any]:
    """∂L/∂β and ∂L/∂γ, the three paths to x, and the compact form."""
    x, g, hats = work.x, work.g, work.hats
    first = next(iter(x))
    by_beta, by_gamma = partial(BETA), partial(GAMMA)
    sums = {
        by_beta: plus(*map(g.sym, g)),
        by_gamma: plus(*(Mul(g.sym(i), hats.sym(i)) for i in x)),
    }
    work.add("β is added to, and γ multiplies, each of the batch: their paths add up",
             *(work.line(of, formula) for of, formula in sums.items()))  # fmt: skip
    inner = {i: partial(hats.sym(i)) for i in x}
    lines = [work.line(inner[i], Mul(GAMMA, g.sym(i)), spell=i == first) for i in x]
    work.add("by each normalised value: γ is multiplied by it, so γ·g", *lines)
    by_variance, by_mean = partial(VARIANCE), partial(MU)
    through = plus(*(Mul(inner[i], work.apart(i)) for i in x))
    work.add(
        "all normalised values depend on σ² and on μ; σ² depends on μ too, but Σ (x − μ) = 0",
        work.line(by_variance, Neg(Div(through, Mul(TWO, Pow(ROOT, Num(3)))))),
        work.line(by_mean, Neg(Div(plus(*inner.values()), ROOT))),
    )
    lines, paths = [], {}
    for i in x:
        formula = plus(
            Div(inner[i], ROOT),
            Div(Mul(by_variance, TWO, work.apart(i)), work.n),
            Div(by_mean, work.n),
        )
        paths[i], line = filled(partial(x.sym(i)), formula, work.held, spell=i == first)
        lines.append(line)
    work.add("three paths to x: by itself, through σ², through μ", *lines)
    lines, compact = [], {}
    for i in x:
        formula = compact_form(work, i, by_beta, by_gamma)
        compact[i], line = filled(partial(x.sym(i)), formula, work.held, spell=i == first)
        lines.append(line)
    work.add("the same in compact form, with the sums ∂L/∂β and ∂L/∂γ", *lines)
    if any(letters(tree(v)) for v in compact.values()):
        compact = {
            i: filled(None, compact_form(work, i, sums[by_beta], sums[by_gamma]), work.held)[0]
            for i in x
        }
        paths = compact
    totals = [filled(None, formula, work.held)[0] for formula in sums.values()]
    if work.x.values is not None and g.values is None:
        compact = {
            i: by_units(work, compact_form(work, i, sums[by_beta], sums[by_gamma])) for i in x
        }
        totals = [by_units(work, formula) for formula in sums.values()]
        work.add("with the numbers, for any g",
                 *(Step("", None, v, partial(x.sym(i))) for i, v in compact.items()))  # fmt: skip
    return {"x": compact, "paths": paths, "beta": totals[0], "gamma": totals[1]}


def by_units(work: Pass, formula: Expr) -> Any:
    """A formula linear in g with a number for each g: its values where one g is 1."""
    terms = []
    for j in work.g:
        units = {work.g.sym(k): int(k == j) for k in work.g}
        terms.append(put(filled(None, formula, work.held | units)[0], work.g.sym(j)))
    return added(terms)


def compact_form(work: Pass, i: Index, total: Expr, product: Expr) -> Expr:
    """γ·(N·g_i − Σ g − x̂_i·Σ g·x̂)/(N·r), the sums as given."""
    inside = Mul(work.n, work.g.sym(i)) - total - Mul(work.hats.sym(i), product)
    return Div(Mul(GAMMA, inside), Mul(work.n, ROOT))


# -- proof -----------------------------------------------------------------------------


def proofs(work: Pass, found: dict[str, Any]) -> tuple[Check, ...]:
    """The compact form against the paths, in letters and here; SymPy's derivatives of
    Σ g·y; NumPy's backward formula and central differences of its forward pass."""
    x, g = work.x, work.g
    small = len(x) <= PROVED
    points = drawn(work)
    one = points[0]
    mine = {
        "x": [v for row in at(x.filled(found["x"]).tuples(), one) for v in row],
        "gamma": [at(found["gamma"], one)], "beta": [at(found["beta"], one)],
    }  # fmt: skip
    exactly, differences = by_numpy(work, one)
    lettered = at_numbers(x, g)
    checks = [
        Check("SymPy: the compact form is the sum of the three paths", compact_proved()),
        Check("the three paths against the compact form",
              all(alike(found["paths"][i], found["x"][i]) or agree(
                  tree(found["paths"][i]), tree(found["x"][i])) for i in x)),
        Check("SymPy's derivatives of Σ g·y by each entry",
              not small or by_sympy(work, found, points)),
        Check(f"NumPy's backward pass{lettered}",
              all(all_alike(mine[k], exactly[k]) for k in mine)),
        Check(f"central differences{lettered}",
              all(all_alike(mine[k], differences[k], 1e-5) for k in mine)),
    ]  # fmt: skip
    return tuple(c for c in checks if small or not c.how.startswith("SymPy's"))


def compact_proved(n: int = 3) -> bool:
    """Whether SymPy finds both forms equal in letters, x − μ being r·x̂, for n values."""
    from solver.expressions.algebra import proved

    work = Pass(Entries("x", (1, n), row=True), Entries("g", (1, n), row=True), {})
    hats, g = work.hats, work.g
    total = plus(*map(g.sym, g))
    product = plus(*(Mul(g.sym(i), hats.sym(i)) for i in hats))
    moved = plus(*(Mul(GAMMA, g.sym(i), ROOT, hats.sym(i)) for i in hats))
    by_variance = Neg(Div(moved, Mul(TWO, Pow(ROOT, Num(3)))))
    by_mean = Neg(Div(Mul(GAMMA, total), ROOT))
    return all(
        proved(
            plus(
                Div(Mul(GAMMA, g.sym(i)), ROOT),
                Div(Mul(by_variance, TWO, ROOT, hats.sym(i)), work.n),
                Div(by_mean, work.n),
            ),
            compact_form(work, i, total, product),
        )
        for i in hats
    )


def drawn(work: Pass) -> list[dict[str, Any]]:
    """Numbers for all letters; those of the batch (μ, r, x̂) follow from x, which is
    counted from its first value, for no gradient depends on where it begins."""
    from fractions import Fraction

    found = []
    for n, point in enumerate(seeded(work.x, work.g, count=2)):
        point = {k: v if work.x.values or k[0] != "x" else v / 8 for k, v in point.items()}
        usual = {GAMMA: Fraction(2 * n + 3, 2), BETA: Fraction(-3, 4), EPSILON: Fraction(1, 8)}
        point |= {sym.name: work.held.get(sym, v) for sym, v in usual.items()}
        names = [work.x.sym(i).name for i in work.x]
        xs = [Fraction(point[name]) - Fraction(point[names[0]]) for name in names]
        mean = sum(xs) / len(xs)
        variance = sum((v - mean) ** 2 for v in xs) / len(xs)
        root = float(variance + Fraction(point["epsilon"])) ** 0.5
        point |= dict(zip(names, xs)) | {"r": root}
        point |= {
            work.hats.sym(i).name: float(v - mean) / root for i, v in zip(work.x, xs)
        }
        found.append(point)
    return found


def by_sympy(work: Pass, found: dict[str, Any], points: list[dict[str, Any]]) -> bool:
    """Σ g·y with the mean and the variance written out in x, differentiated."""
    x = work.x
    mean = Div(plus(*map(x.sym, x)), work.n)
    spread = Div(plus(*(Pow(x.sym(i) - mean, TWO) for i in x)), work.n)
    root = Call("sqrt", spread + EPSILON)
    loss = [
        Mul(work.g.sym(i), Mul(GAMMA, Div(x.sym(i) - mean, root)) + BETA) for i in x
    ]
    values = {x.sym(i): found["x"][i] for i in x}
    values |= {GAMMA: found["gamma"], BETA: found["beta"]}
    for sym, value in values.items():
        for point in points:  # all other letters as numbers: SymPy is slow on so many roots
            rest: dict[Expr, Any] = {s: Num(point[s.name]) for s in letters(loss) if s != sym}
            terms = [replaced(term, rest) for term in loss]
            if not derived(terms, {sym: value}, [point]):
                return False
    return True


def by_numpy(work: Pass, point: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The gradients by NumPy's formula, and by central differences, at one point."""
    from solver.numeric.slopes import batch_norm as run
    from solver.numeric.slopes import batch_norm_backs, slopes

    x, g = (
        [[v] for row in floats(at(lists_of(e), point)) for v in row] for e in (work.x, work.g)
    )
    tensors = {"x": x, "gamma": [float(point["gamma"])], "beta": [float(point["beta"])]}
    epsilon = float(point["epsilon"])
    exactly = batch_norm_backs(tensors, g, epsilon)
    differences = slopes(run(epsilon), tensors, g, exact=False, step=1e-4 * point["r"])
    for got in (exactly, differences):
        got["x"] = [v for row in got["x"] for v in row]
    return exactly, differences
