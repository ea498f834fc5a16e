"""What every rendering shows of an answer, already in the form asked for, and escaped.

A View holds strings only: text, LaTeX or MathML by `form`. Templates and the terminal
lay it out; nothing behind this point looks at values or trees.
"""

from __future__ import annotations

from dataclasses import dataclass

from solver.core import Answer, Step
from solver.expressions.formula import GLOSSARY
from solver.expressions.nodes import Add, Expr, Num, Sym, letters
from solver.values import NAMES, Listing, Record, Table, expression, show, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONG = 8  # a sum of more terms is shown by its first and last


@dataclass(frozen=True)
class Line:
    """One step: its label, the members of its chain `a = b = c`, and how deep it lies."""

    label: str
    chain: tuple[str, ...]
    depth: int = 0
    width: int = 0  # of the chain as plain text, to know where to break it


@dataclass(frozen=True)
class View:
    """An answer as strings in one form."""

    value: str
    name: str
    lines: tuple[Line, ...]
    where: tuple[tuple[str, str], ...]
    condition: str
    conventions: tuple[str, ...]
    checks: tuple[str, ...]
    table: tuple[tuple[str, ...], ...] = ()
    columns: tuple[str, ...] = ()
    totals: int = 0
    entries: tuple[tuple[str, str], ...] = ()
    plain: str = ""


def view(answer: Answer, form: str = "text") -> View:
    """The view of an answer in "text", "latex" or "mathml"."""
    escape = escaper(form)
    lines: list[Line] = []
    for step in answer.steps:
        lines += shown_step(step, form, escape, 0)
    value: Any = answer.value
    cells: tuple[tuple[str, ...], ...] = ()
    if isinstance(value, Table):
        cells = tuple(tuple(cell(c, form, escape) for c in row) for row in value)
    entries: tuple[tuple[str, str], ...] = ()
    if isinstance(value, Record):
        entries = tuple((escape(label(k)), show(v, form)) for k, v in value.items())
    return View(
        value=show(value, form),
        name=escape(NAMES.get(answer.name, answer.name)),
        lines=tuple(lines),
        where=tuple((expression(s, form), escape(GLOSSARY[s.name])) for s in met(answer)),
        condition=escape(answer.condition),
        conventions=tuple(map(escape, answer.conventions)),
        checks=tuple(escape(c.how) for c in answer.checks),
        table=cells,
        columns=tuple(escape(label(c)) for c in value.columns) if isinstance(value, Table) else (),
        totals=value.totals if isinstance(value, Table) else 0,
        entries=entries,
        plain=show(value, "text"),
    )


def cell(c: Any, form: str, escape: Any) -> str:
    """A table's cell; counts in groups of three from the thousands on, so that they align."""
    if isinstance(c, str):
        return str(escape(c))
    if isinstance(c, int) and form == "text":
        return f"{c:,}"
    return show(c, form)


def label(name: str) -> str:
    """An entry's name as people read it: valid_loss becomes valid loss."""
    return NAMES.get(name, name).replace("_", " ")


def escaper(form: str) -> Any:
    """The escaping of plain words in this form."""
    from solver import escape

    return {"text": escape.terminal, "latex": escape.tex, "mathml": escape.html}[form]


def shown_step(step: Step, form: str, escape: Any, depth: int) -> list[Line]:
    """A step and, below it, its substeps."""
    members: list[Any] = []
    for part in (step.of, step.formula, step.before, step.after):
        if part is not None and not any(part is m or same_text(part, m) for m in members[-1:]):
            members.append(part)
    chain = tuple(member(m, form) for m in members)
    width = sum(len(member(m, "text")) + 3 for m in members)
    found = [Line(escape(step.rule), chain, depth, width)]
    for sub in step.substeps:
        found += shown_step(sub, form, escape, depth + 1)
    return found


def same_text(a: Any, b: Any) -> bool:
    """Whether two members of a chain would read the same: then one of them is enough."""
    if isinstance(a, (Expr, int)) and isinstance(b, (Expr, int)):
        return str(a) == str(b)
    return False


def member(m: Any, form: str) -> str:
    """One member of a chain; a long sum by its first terms and its last."""
    if isinstance(m, Add) and (len(m.args) > LONG or all(isinstance(a, Num) for a in m.args)):
        dots = {"text": "…", "latex": r"\cdots", "mathml": "<mo>⋯</mo>"}[form]
        plus_ = {"text": " + ", "latex": " + ", "mathml": "<mo>+</mo>"}[form]
        ends = [*m.args[:3], None, m.args[-1]] if len(m.args) > LONG else m.args
        if not any(isinstance(e, Num) and e.value < 0 for e in ends):
            return plus_.join(dots if e is None else member(e, form) for e in ends)
    if isinstance(m, Num):
        return show(m.value, form)
    if isinstance(m, str):
        return words(m, form)
    if isinstance(m, Listing) and all(isinstance(x, str) for x in m):
        return words(", ".join(m), form)
    return show(m, form)


def met(answer: Answer) -> list[Sym]:
    """The letters that stand in the answer and its steps and that the glossary explains."""
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
    order = list(GLOSSARY)
    known = [s for s in found.values() if s.name in GLOSSARY and not s.name.endswith("_out")]
    known += [s for s in found.values() if s.name == "C_out"]
    return sorted(known, key=lambda s: order.index(s.name))


