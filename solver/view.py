"""What every rendering shows of an answer, already in the form asked for, and escaped.

A View holds strings only: text, LaTeX or MathML by `form`. Templates and the terminal
lay it out; nothing behind this point looks at values or trees.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from solver.core import Answer, BadInput, Picture, Step
from solver.expressions.formula import GLOSSARY, REAL, meaning
from solver.expressions.nodes import Add, Expr, Num, Sym, letters
from solver.tables.gathered import Listed, listed
from solver.tables.shown import Grid, cell, side, tabled, too_wide
from solver.values import (
    NAMES,
    Listing,
    Record,
    Table,
    entry_name,
    expression,
    show,
    words,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.layout import Block
    from solver.tables.gathered import Told

# a pattern, compiled where it is first used: the terminal needs none
SIZES = (
    r"(\b[A-Za-z] = \d+\b|\b[A-Za-z]_(?:in|out)\b|\b[a-z]_(?:[ij]|\d+(?:_\d+)*)\b"
    r"|\b[A-Za-z]\b(?= [−+·=≥≤])|(?<=[−+·=≥≤] )[A-Za-z]\b)"
)
WHOLE = re.compile(r"(?<![\d.,])\d{5,}(?![\d.])")
EQUALS = {"latex": " = ", "mathml": "<mo>=</mo>"}
WINDOW = 50  # terms of one window worked by hand, which are all written out
LONG = 8  # a sum of more terms is shown by its first and last
COUNTED = (
    "parameters",
    "multiply-adds",
    "FLOPs",
    "weights",
    "biases",
    "activations",
    "connections",
)


@dataclass(frozen=True, eq=False, repr=False)
class Line:
    """One step: its label, the members of its chain `a = b = c`, and how deep it lies.

    `broad` is the label's width as plain text; `said` marks the members that are words.
    """

    label: str
    chain: tuple[str, ...]
    depth: int = 0
    broad: int = 0
    said: tuple[bool, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class View:
    """An answer as strings in one form.

    For the templates, `answers` are the value's named parts (one without a name, unless
    the value is a record), `steps` the lines laid out in blocks; both are marked up as
    text with mathematics in it. A table's cells are, too; `align` is l or r for each
    column, and a `wide` table does not fit the page as a table. `figures` are drawings
    with their captions, and how many lines of text they take.
    """

    value: str
    name: str
    lines: tuple[Line | Grid, ...]
    where: tuple[tuple[str, str], ...]
    condition: str
    conventions: tuple[str, ...]
    checks: tuple[str, ...]
    table: tuple[tuple[str, ...], ...] = ()
    columns: tuple[str, ...] = ()
    totals: int = 0
    entries: tuple[tuple[str, str], ...] = ()
    plain: str = ""
    unit: str = ""
    align: str = ""
    wide: bool = False
    answers: tuple[tuple[str, str], ...] = ()
    steps: tuple[Block, ...] = ()
    figures: tuple[tuple[str, str, int], ...] = ()


def view(
    answer: Answer,
    form: str = "text",
    pictures: Sequence[Picture] | None = None,
    handout: bool = False,
    told: Told | None = None,
    here: str = "",
) -> View:
    """The view of an answer in "text", "latex" or "mathml", with these pictures (all that
    it has, unless given), drawn as they are asked for in a hand-out. What `told` holds was
    worked out before; what is worked out `here` is put in."""
    escape = escaper(form)
    lines: list[Line | Grid] = []
    shown: set[Any] = set()
    steps = listed(answer.steps, told, here)
    for i, step in enumerate(steps):
        if isinstance(step, Listed):
            alone = all(isinstance(s, Step) and s.rule == "total" for s in steps[i + 1 :])
            lines += tabled(step, form, escape, shown, alone)
        else:
            lines += shown_step(step, form, escape, 0, shown)
    value: Any = answer.value
    table = value if isinstance(value, Table) else Table(())
    entries: tuple[tuple[str, str], ...] = ()
    if isinstance(value, Record):
        entries = tuple(
            (escape(entry_name(value, k)), stated(answer, show(v, form)))
            for k, v in value.items()
        )
    cells = tuple(tuple(cell(c, form, escape) for c in row) for row in table)
    name = NAMES.get(answer.name, answer.name)
    return View(
        value=stated(answer, show(value, form))
        if form == "text"
        else show(value, form),
        name=escape(name),
        lines=tuple(lines),
        where=tuple((expression(s, form), escape(meaning(s))) for s in met(answer)),
        condition=condition(answer.condition, form),
        conventions=tuple(spelt(c, form) for c in answer.conventions),
        checks=tuple(dict.fromkeys(escape(c.how) for c in answer.checks)),
        table=cells,
        columns=tuple(escape(label(c)) for c in table.columns),
        totals=table.totals,
        entries=entries,
        plain=show(value, "text"),
        unit=escape(name) if name in COUNTED and not isinstance(value, Record) else "",
        align="".join(map(side, zip(*table))),
        wide=form == "latex" and too_wide(cells),
        answers=answers(answer, form),
        steps=laid_out(lines, form),
        figures=drawings(answer.pictures if pictures is None else pictures, form, handout),
    )


def drawings(
    pictures: Sequence[Picture], form: str, handout: bool
) -> tuple[tuple[str, str, int], ...]:
    """The pictures drawn, with their captions and how many lines of text they take; the
    terminal has none."""
    if form == "text" or not pictures:
        return ()
    from solver.figures import drawn, together

    escape = escaper(form)
    found = [drawn(p, form, handout) for p in together(pictures)]
    return tuple((source, escape(title), lines) for source, title, lines in filter(None, found))


def stated(answer: Answer, shown: str) -> str:
    """A value with its unit, and "at least" where something could not be counted."""
    unit = f" {answer.unit}" if answer.unit else ""
    return ("at least " if answer.lower else "") + shown + unit


def answers(answer: Answer, form: str) -> tuple[tuple[str, str], ...]:
    """The parts of a value with their names, marked up so that they can be broken."""
    value = answer.value
    if form == "text" or isinstance(value, Table):
        return ()
    if isinstance(value, Record):
        escape = escaper(form)
        return tuple(
            (escape(entry_name(value, k)), stated(answer, inline(v, form)))
            for k, v in value.items()
        )
    return (("", stated(answer, inline(value, form))),)


def inline(value: Any, form: str, display: bool = True) -> str:
    """A value as text with mathematics in it, broken over lines where it is long."""
    from solver.layout import math, pieces

    if said := getattr(value, "words", ""):
        from solver.prose import prose

        return prose(said, form)
    if form == "text" or isinstance(value, str):
        return str(escaper(form)(show(value)))
    whole = show(value, form).replace(r"\colon\ ", r"{:}~")
    return math(pieces(whole, form), form, display)


def laid_out(lines: list[Line | Grid], form: str) -> tuple[Block, ...]:
    """The lines in blocks, for a page; the terminal lays them out itself."""
    if form == "text":
        return ()
    from solver.layout import blocks

    return tuple(blocks(lines, form))


def condition(text: str, form: str) -> str:
    """`H + 2p, W + 2p ≥ 3` as mathematics, or as it is if it is words."""
    escape = escaper(form)
    if form == "text" or not text:
        return str(escape(text))
    from solver.expressions.parse import parse
    from solver.layout import SIGNS, math

    clauses = []
    for clause in text.split(" and "):
        sign = next((s for s in (*SIGNS[form], "divides") if f" {s} " in clause), None)
        if sign is None:
            return str(escape(text))
        lefts, _, right = clause.partition(f" {sign} ")
        try:
            sides = [expression(parse(e), form)
                     for side in (lefts, right) for e in side.split(", ")]  # fmt: skip
        except BadInput:
            return str(escape(text))
        if sign == "divides":  # one divisor, several sizes
            one, *many = (math([e], form) for e in sides)
            clauses += [f"{one} divides {', '.join(many)}", "and"]
            continue
        *first, last, bound = sides
        clauses += [math([one], form) + "," for one in first]
        clauses.append(math([last + SIGNS[form][sign] + bound], form))
        clauses.append("and")
    return " ".join(clauses[:-1])


def points_text(points: float) -> str:
    """2 points, 1 point, 0.5 points."""
    shown = f"{points:g}"
    return f"{shown} point" if points == 1 else f"{shown} points"


def label(name: str) -> str:
    """An entry's name as people read it: valid_loss becomes valid loss, v_1 v₁."""
    if re.fullmatch(r"[A-Za-z]_\d", name):
        return name[0] + "₀₁₂₃₄₅₆₇₈₉"[int(name[2])]
    return NAMES.get(name, name).replace("_", " ")


def escaper(form: str) -> Any:
    """The escaping of plain words in this form."""
    from solver import escape

    return {"text": escape.terminal, "latex": escape.tex, "mathml": escape.html}[form]


def shown_step(
    step: Step, form: str, escape: Any, depth: int, shown: set[Any]
) -> list[Line]:
    """A step and, below it, its substeps; a formula once `shown` is not repeated."""
    of, formula = step.of, step.formula
    if of is not None or formula is not None:
        once = (of, formula, "" if formula is not None else step.rule)
        if once in shown and step.before is not None:
            of = formula = None
        shown.add(once)
        if step.before is None and not step.substeps:
            if (once, step.after) in shown:
                return []  # the same formula without numbers
            shown.add((once, step.after))
    members: list[Any] = []
    for part in (of, formula, step.before, step.after):
        if part is not None and not any(same_text(part, m) for m in members[-1:]):
            members.append(part)
    rule = NAMES.get(step.rule, step.rule).lstrip()
    depth += (len(step.rule) - len(rule)) // 4 if step.rule[:1] == " " else 0
    chain = tuple(member(m, form) for m in members)
    said = tuple(is_words(m) for m in members)
    found = [Line(rule_shown(rule, form), chain, depth, len(rule), said)]
    inner = shown if step.before is not None or depth else set()
    for sub in step.substeps:
        found += shown_step(sub, form, escape, depth + 1, inner)
    return found


def rule_shown(rule: str, form: str) -> str:
    """A rule's name: a lemma as mathematics, words as words."""
    if form == "text":
        return spelt(rule, form)
    from solver import lemma

    if not lemma.is_lemma(rule):
        return spelt(rule, form)
    return lemma.latex(rule) if form == "latex" else lemma.mathml(rule)


def spelt(text: str, form: str) -> str:
    """Words in which sizes stand, as in `p = 1, s = 2` or `one for each of the C_out
    filters`: letters with an index, or beside a sign, are set as mathematics."""
    escape = escaper(form)
    if form == "text":
        return str(escape(text))
    from solver.layout import math

    found = []
    for i, piece in enumerate(re.split(SIZES, text)):
        name, _, number = piece.partition(" = ")
        if i % 2 == 0:
            found.append(escape(piece))
        elif number:
            sign = EQUALS[form] + show(int(number), form)
            found.append(math([expression(Sym(name), form) + sign], form))
        else:
            found.append(math([expression(Sym(name), form)], form))
    return "".join(found)


def same_text(a: Any, b: Any) -> bool:
    """Whether two members of a chain would read the same: then one is enough."""
    if isinstance(a, (Expr, int)) and isinstance(b, (Expr, int)):
        return str(a) == str(b)
    return a is b


def is_words(m: Any) -> bool:
    """Whether a member of a chain is words, not mathematics."""
    if isinstance(m, Listing):
        return all(isinstance(x, str) for x in m)
    return isinstance(m, str)


def member(m: Any, form: str) -> str:
    """One member of a chain; a long sum by its first terms and its last."""
    worked = (
        isinstance(m, Add) and not isinstance(m.args[0], Num) and len(m.args) <= WINDOW
    )
    many = isinstance(m, Add) and len(m.args) > LONG and not worked
    if many or isinstance(m, Add) and all(isinstance(a, Num) for a in m.args):
        dots = {"text": "…", "latex": r"\cdots", "mathml": "<mo>⋯</mo>"}[form]
        plus_ = {"text": " + ", "latex": " + ", "mathml": "<mo>+</mo>"}[form]
        ends = [*m.args[:3], None, m.args[-1]] if many else m.args
        if not any(isinstance(e, Num) and e.value < 0 for e in ends):
            return plus_.join(dots if e is None else member(e, form) for e in ends)
    if isinstance(m, Num):
        return show(m.value, form)
    if is_words(m):
        return words(m if isinstance(m, str) else ", ".join(m), form)
    return grouped(show(m, form), form) if isinstance(m, Expr) else show(m, form)


def grouped(shown: str, form: str) -> str:
    """The whole numbers of an expression in groups of three, as values are shown."""
    plain = "latex" if form == "latex" else "text"
    return WHOLE.sub(lambda found: show(int(found[0]), plain), shown)


def met(answer: Answer) -> list[Sym]:
    """The letters in the answer and its steps that the glossary explains."""
    found: dict[str, Sym] = {}
    todo = list(answer.steps)
    parts: list[Any] = [answer.value]
    while todo:
        step = todo.pop(0)
        parts += [step.of, step.formula, step.before]
        todo += step.substeps
    for part in parts:
        for sym in letters(part):
            found.setdefault(sym.name, sym)
    order = [*GLOSSARY, *REAL]
    told = ("H_out", "W_out", "D_out", "L_out")  # the step's own words explain these
    known = [s for s in found.values() if s.name not in told and meaning(s)]
    known = [s for s in known if s.kind != "real" or s.name in REAL]
    return sorted(
        known,
        key=lambda s: (
            order.index(s.name.partition("_")[0])
            if s.name not in order
            else order.index(s.name)
        ),
    )
