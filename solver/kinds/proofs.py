"""What the derivatives share: the proof entry by entry, worked out on request, and a point."""

from __future__ import annotations

from collections.abc import Mapping

from solver.calculus.scalars import shorter, typed
from solver.core import BadInput, Check, CheckFailed, Step
from solver.expressions import matrix as m
from solver.expressions.matrix import Var, dims, is_scalar
from solver.expressions.nodes import Expr, walk
from solver.expressions.typed import Partial
from solver.kinds.asked import Asked, placed, read_point
from solver.values import Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.calculus.exact import Proof

BOUND = {"onehot": "one-hot", "prob": "summing to 1", "rowprob": "with rows summing to 1",
         "colprob": "with columns summing to 1"}  # fmt: skip
ROUNDING = 1e-15  # of floats: below it a value is 0
SHOWN, WIDE, ALL = 2, 150, 6  # derivatives worked out, letters of a line, entries of a few


def by_entries(
    f: Expr, x: Var, found: Expr, kind: str, entries: bool, convention: str = ""
) -> tuple[tuple[Check, ...], tuple[Step, ...]]:
    """The second proof and, if `entries`, its working; nothing if it is too long."""
    from solver.calculus.exact import PATIENT, QUICK
    from solver.calculus.exact import by_entries as prove

    proof = prove(f, x, found, kind, PATIENT if entries else QUICK, convention)
    if proof is None:
        said = Step("written out entry by entry, the expression is too long to be derived")
        return (), (said,) if entries else ()
    if not proof.ok:
        raise CheckFailed(f"{proof.how} gives another derivative than {found}")
    if not entries:
        return (Check(proof.how, proof.ok),), ()
    small = proof
    if any(isinstance(n, m.Fn) and n.name in ("inv", "det", "logdet") for n in walk(f)):
        small = prove(f, x, found, kind, PATIENT, convention, small=True) or proof
    checks = [Check(p.how, p.ok) for p in (proof, small)]
    return tuple(checks), worked(f, x, small, kind)


def worked(f: Expr, x: Var, proof: Proof, kind: str) -> tuple[Step, ...]:
    """SymPy's derivation: the expression written out, its derivatives, put together."""
    from solver.expressions.algebra import derivative
    from solver.numeric.prove import variables

    sizes = ", ".join(f"{d} = {n}" for d, n in proof.size.items())
    steps = [Step(f"entry by entry, at {sizes}" if sizes else "by SymPy")]
    try:
        whole = tuple(tuple(map(typed, row)) for row in proof.f)
        flat = [(typed(e), e) for row in proof.letters for e in row]
        closed = tuple(tuple(map(typed, row)) for row in proof.closed)
        if long(*(e for row in (*whole, *closed) for e in row)):
            raise TypeError
        value: Any = whole[0][0] if is_scalar(f) else Matrix(whole)
        steps.append(Step("written out", None, value, f if not is_scalar(f) else Var("f")))
        if kind == "gradient" and proof.plain:
            some = flat if len(flat) <= ALL else flat[:SHOWN]
            for letter, e in some:
                slope = typed(derivative(proof.f[0][0], e))  # type: ignore[arg-type]
                if not long(slope):
                    steps.append(Step("", None, slope, Partial(letter)))
        of = Partial(x) if kind in ("gradient", "scalar") else None
        bound = [f"{v.name} {told}" for v in sorted(variables(f), key=lambda v: v.name)
                 for flag, told in BOUND.items() if flag in v.flags]  # fmt: skip
        label = ", ".join(["put together", *bound, "the closed form written out"])
        if len(closed) * len(closed[0]) > 1:
            steps.append(Step(label, None, Matrix(closed), of))
        else:
            steps.append(Step("the closed form", None, closed[0][0], of))
    except TypeError:  # an operation that our trees cannot show, or too long
        steps[1:] = [Step("the expression written out is too long to be shown")]
    return tuple(steps)


def short(e: Expr) -> Expr:
    """The short form of a derivative: factored; of scalars alone, as SymPy simplifies it."""
    from solver.calculus.factor import factored, weight

    found = factored(e)
    while weight(again := factored(found)) < weight(found):
        found = again
    return shorter(found, weight)


def long(*trees: Expr) -> bool:
    """Whether one of these does not fit two lines."""
    return any(len(str(e)) > WIDE for e in trees)


def at_point(
    question: Asked, x: Var, found: Expr, kind: str, point: Any, proved: Expr | None = None
) -> tuple[tuple[Check, ...], tuple[Step, ...]]:
    """The derivative's value at a point: exact, by NumPy, and the differences there.

    proved: what the differences give, where `found` is its transpose.
    """
    from solver.numeric.prove import holds_at

    if not point:
        return (), ()
    rows, size = placed((question.tree, x, found), read_point(point))
    refuse_kink(question.tree, x, rows, size)
    value, ok = valued(found, rows, size)
    slope = holds_at(question.tree, x, proved or found, rows, size, kind)
    how = "NumPy and exact numbers at the point"
    checks = [Check(how, ok)]
    if slope is not None:
        checks.append(Check("central differences at the point", slope))
    of = Partial(x) if kind in ("gradient", "scalar") else None
    return tuple(checks), (Step("at the point", None, value, of),)


def refuse_kink(f: Expr, x: Var, rows: Mapping[str, Any], size: Mapping[str, int]) -> None:
    """Refuse a point at which a function stands that has no derivative there."""
    from solver.calculus.rules import KINKS, kinks

    for node in kinks(f):
        if x.name not in m.names(node):
            continue
        value, _ = valued(node.arg, rows, size)
        cells = [c for row in value for c in row] if isinstance(value, tuple) else [value]
        at_zero = all if node.name == "norm2" else any
        if at_zero(abs(c) <= ROUNDING for c in cells):
            raise BadInput(
                f"no derivative at this point: an argument of {KINKS[node.name]} is 0 there, a "
                "kink; take a point beside it, or leave the point out"
            )


def valued(e: Expr, rows: Mapping[str, Any], size: Mapping[str, int]) -> tuple[Any, bool]:
    """(a tree's value at a point, whether NumPy has the same); exact where it can be."""
    from solver.calculus.entries import TooLarge
    from solver.calculus.numbers import value_at
    from solver.numeric.prove import same_at

    try:
        found = value_at(e, rows, size)
    except TooLarge:
        raise BadInput(
            "the matrices of this point are too large to be worked exactly"
        ) from None
    except ZeroDivisionError:
        raise BadInput("at this point something is divided by 0, or singular") from None
    except OverflowError as error:
        told = "a number beyond 1.8·10^308" if "range" in str(error) else str(error)
        raise BadInput(f"too large at this point to be worked out: {told}") from None
    except (ArithmeticError, ValueError) as error:
        raise BadInput(f"the expression has no value at this point: {error}") from None
    ok = same_at(e, rows, size, found)
    largest = max((abs(x) for row in found for x in row), default=0)
    found = [[0 if abs(x) <= ROUNDING * largest else x for x in row] for row in found]
    return (found[0][0] if dims(e) == (1, 1) else Matrix(map(tuple, found))), ok
