"""The engine of the update rules: in letters, and worked step by step on numbers.

A Rule is a list of assignments in order. The same formulas give the symbolic lines and
the worked ones; the check is a plain run in floats, written down apart from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import (
    Expr,
    Num,
    Pow,
    Sym,
    evaluate,
    letters,
    subs,
    tidy,
    tree,
)
from solver.expressions.parse import parse
from solver.expressions.points import near
from solver.registry import unknown
from solver.telling import listed
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 50  # steps worked on numbers
SHOWN = 12  # of these printed, first and last
CONVENTIONS = ("pytorch", "textbook")
COUPLED = "the penalty is (λ/2)·wᵀw, PyTorch's weight_decay: its gradient is λ·w"
CORRECTED = {"mhat": "m corrected", "vhat": "v corrected"}


@dataclass(frozen=True, eq=False, repr=False)
class Rule:
    """Assignments (letter, what it is, formula) in order, and what starts at 0."""

    lines: tuple[tuple[str, str, Expr], ...]
    zero: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)


def formula(text: str) -> Expr:
    return parse(text, "real")


def answered(
    rule: Rule,
    w: Any,
    grads: Any,
    constants: Mapping[str, Any],
    plain: Callable[..., float],
    more: Sequence[Step] = (),
    trace: str = "",
) -> Answer:
    """The rule in letters, or worked on the numbers that are given.

    trace: the letter whose value after each step is wanted, instead of the last w.
    """
    traced(rule, trace)
    fixed = {k: v for k, v in constants.items() if v is not None}
    if grads is None and w is not None:
        raise BadInput("the start w needs grads as well: one gradient for each step")
    if grads is None:
        if trace:
            raise BadInput(f"to trace {trace} step by step, give w and grads")
        return symbolic(rule, fixed, plain, more)
    for name, value in fixed.items():
        if isinstance(value, Expr):
            raise BadInput(f"{name} needs a number to be worked out, not {value}")
    numbers = {**rule.defaults, **fixed}
    missing = [
        s.name
        for s in letters([f for _, _, f in rule.lines])
        if s.name not in numbers and s.name not in known_letters(rule)
    ]
    if missing:
        raise BadInput(f"to work on numbers, give {' and '.join(missing)} as well")
    start = vector(w)
    rows = gradients(grads, len(start))
    steps, history = worked(rule, start, rows, numbers)
    ok = True
    for i, x in enumerate(start):
        for t, states in enumerate(history, 1):
            run = plain(float(x), [float(r[i]) for r in rows[:t]], floats(numbers))
            ok = ok and near(float(states[i]["w"]), run, 1e-9)
    notes = (*rule.notes, *said_defaults(rule, fixed), *said_zero(rule))
    each = [alone([state[trace or "w"] for state in states]) for states in history]
    return Answer(
        Listing(each) if trace else each[-1],
        tuple(steps),
        (Check("a plain run in floating point, each step from the start", ok),),
        trace or "w",
        conventions=notes,
    )


def traced(rule: Rule, trace: str) -> None:
    """Refuse to trace what the rule does not compute."""
    computed = [name for name, _, _ in rule.lines]
    if trace and trace not in computed:
        raise unknown("letter of this rule (trace)", trace, computed)


def alone(values: Sequence[Any]) -> Any:
    """A single value by itself, several as a listing."""
    return values[0] if len(values) == 1 else Listing(values)


def known_letters(rule: Rule) -> tuple[str, ...]:
    return ("w", "g", "t", *rule.zero, *(name for name, _, _ in rule.lines))


def floats(numbers: Mapping[str, Any]) -> dict[str, float]:
    return {k: float(v) for k, v in numbers.items()}


def said_defaults(rule: Rule, fixed: Mapping[str, Any]) -> tuple[str, ...]:
    """The values taken where none was given, in words."""
    taken = [
        f"{Sym(k)} = {shown(v)}" for k, v in rule.defaults.items() if k not in fixed
    ]
    return (f"not given, so the usual values: {', '.join(taken)}",) if taken else ()


def said_zero(rule: Rule) -> tuple[str, ...]:
    names = [f"{Sym(n)} = 0" for n in rule.zero]
    return (f"before the first step {' and '.join(names)}",) if names else ()


# -- in letters ----------------------------------------------------------------


def symbolic(
    rule: Rule,
    fixed: Mapping[str, Any],
    plain: Callable[..., float],
    more: Sequence[Step],
) -> Answer:
    """The assignments in the order in which they are carried out."""
    put = {k: shown(v) for k, v in fixed.items()}
    value, steps, new = Record(), [], dict[str, Expr]()
    for name, what, right in rule.lines:
        value[name] = tidy(subs(right, put))
        fresh = Sym(f"{name}_new" if name in ("w", *rule.zero) else name, "real")
        steps.append(Step(what, None, subs(value[name], new), fresh))
        new[name] = fresh
    steps += more
    notes = list(rule.notes)
    if len(value) > 1:
        notes.append("computed in this order, new values used at once")
    check = Check(
        "a plain run in floating point, at seeded numbers", runs(rule, fixed, plain)
    )
    found = value["w"] if len(value) == 1 else value
    return Answer(
        found, tuple(steps), (check,), "update", conventions=(*notes, *said_zero(rule))
    )


def runs(rule: Rule, fixed: Mapping[str, Any], plain: Callable[..., float]) -> bool:
    """Whether the rule and the plain run agree over four seeded steps."""
    random = Random(4)
    names = {s.name for s in letters([f for _, _, f in rule.lines])}
    for _ in range(10):
        drawn = {
            n: random.uniform(0.1, 0.9) for n in names if n not in known_letters(rule)
        }
        numbers = {
            **drawn,
            **{k: v for k, v in fixed.items() if not isinstance(v, Expr)},
        }
        start, grads = random.uniform(-2, 2), [random.uniform(-2, 2) for _ in range(4)]
        state = dict.fromkeys(rule.zero, 0.0) | {"w": start}
        for t, g in enumerate(grads, 1):
            for name, _, right in rule.lines:
                state[name] = evaluate(right, {**numbers, **state, "g": g, "t": t})
        if not near(state["w"], plain(start, grads, floats(numbers)), 1e-9):
            return False
    return True


# -- on numbers ----------------------------------------------------------------


def vector(w: Any) -> tuple[Any, ...]:
    """The weights in a row; 0 if none are given."""
    flat = flattened(w)
    if not 1 <= len(flat) <= 12:
        raise BadInput(f"w has {len(flat)} entries; 1 to 12 are worked out")
    return flat


def flattened(x: Any) -> tuple[Any, ...]:
    if x is None:
        return (0,)
    if isinstance(x, tuple):
        return tuple(v for each in x for v in flattened(each))
    return (x,)


def gradients(grads: Any, size: int) -> list[tuple[Any, ...]]:
    """One gradient a step: rows of w's length, or one number a step where w is one."""
    flat = flattened(grads)
    if isinstance(grads, tuple) and any(isinstance(row, tuple) for row in grads):
        widths = [len(flattened(row)) for row in grads]
        if len(set(widths)) > 1:
            raise BadInput(
                f"the gradients have {listed([*map(str, widths)])} entries: give a row for "
                "each step, all as long as w"
            )
        width = widths[0]
    else:
        width = len(flat)
    if size == 1 and (width == len(flat) or width == 1):
        rows = [(g,) for g in flat]
    elif width == size:
        rows = [flat[i : i + size] for i in range(0, len(flat), size)]
    else:
        raise BadInput(
            f"w has {size} entries and a gradient {width}: they must agree "
            "(one row for each step: 0.5 4; 1 2)"
        )
    if len(rows) > MOST:
        raise BadInput(f"{len(rows)} steps; at most {MOST} are worked out")
    return rows


def worked(
    rule: Rule,
    start: Sequence[Any],
    rows: Sequence[Sequence[Any]],
    numbers: Mapping[str, Any],
) -> tuple[list[Step], list[list[dict[str, Any]]]]:
    """A block of worked lines for each step, and the states after it."""
    history = []
    states = [dict.fromkeys(rule.zero, 0) | {"w": x} for x in start]
    many, steps = len(start) > 1, []
    for t, row in enumerate(rows, 1):
        lines = []
        for i, (state, g) in enumerate(zip(states, row), 1):
            for name, _, right in rule.lines:
                env = {**numbers, **state, "g": g, "t": t}
                put = {s.name: shown(env[s.name]) for s in letters(right)}
                state[name] = kept(evaluate(right, env))
                label = CORRECTED.get(name, name) + (f", entry {i}" if many else "")
                lines.append(Step(label, subs(right, put), state[name], None, right))
        history.append([dict(state) for state in states])
        if t <= SHOWN - 2 or t > len(rows) - 2:
            steps.append(Step(f"step {t}", None, substeps=tuple(lines)))
        elif t == SHOWN - 1:
            steps.append(Step(f"and so on to step {len(rows) - 2}"))
    return steps, history


def kept(x: Any) -> Any:
    """An exact number while it is short, a float from there on; a whole one an int."""
    if isinstance(x, Fraction) and x.denominator == 1:
        return x.numerator
    if isinstance(x, Fraction) and x.denominator > 10**15:
        return float(x)
    return x


def shown(x: Any) -> Expr:
    """A number as people write it: 0.5, 10⁻⁸, 1/3."""
    if isinstance(x, (Expr, int)):
        return tree(x)
    if isinstance(x, Fraction) and x.numerator == 1 and x.denominator >= 10**4:
        digits = len(str(x.denominator)) - 1
        if 10**digits == x.denominator:
            return Pow(Num(10), Num(-digits))
    if (
        isinstance(x, Fraction)
        and Fraction(repr(float(x))) != x
        and x.denominator <= 64
    ):
        return Num(x)
    return Num(float(x))


def powers(base: Expr, k: int) -> tuple[Expr, ...]:
    """base^k as a factor, none for k = 0."""
    return () if k == 0 else (base,) if k == 1 else (Pow(base, Num(k)),)
