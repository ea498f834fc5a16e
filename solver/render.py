"""Renderings: an answer, a sheet or verdicts as text, LaTeX, HTML or JSON.

Text and JSON need nothing but the answer; LaTeX and HTML fill the templates with a
View, whose strings are already shown and escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from solver.core import Answer, BadInput, CheckFailed, Step, Verdict
from solver.tables.shown import Grid
from solver.values import show, to_json
from solver.view import Line, View, view

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from solver.tables.gathered import Told

FORMATS = ("text", "tex", "html", "json", "numpy")
WIDTH, LABEL = 80, 22  # of a page; of a label beside its chain
MARKS = {"right": "✓", "wrong": "✗", "partly": "~", "undecided": "?", "invalid": "!"}


def render(thing: Any, format: str = "text", *, width: int = WIDTH) -> str:
    """An Answer or a Verdict as "text", "tex", "html" (a whole page) or "json"; an
    expression as "numpy", a function that runs."""
    if format not in FORMATS:
        from solver.registry import unknown

        raise unknown("format", format, list(FORMATS))
    if format == "numpy":
        return numpy_text(thing)
    if isinstance(thing, Verdict):
        return verdict_text(thing) if format == "text" else verdict_other(thing, format)
    if format == "text":
        return answer_text(thing, width)
    if format == "json":
        return dump(answer_json(thing))
    if format == "tex":
        return template("answer.tex").render(view=view(thing, "latex"))
    return template("answer.html").render(view=view(thing, "mathml"))


def dump(data: Any, indent: int | None = 2) -> str:
    """JSON text, letters of all alphabets as they are."""
    import json

    return json.dumps(data, ensure_ascii=False, indent=indent)


# -- text ------------------------------------------------------------------------------


def answer_text(
    answer: Answer, width: int = WIDTH, told: Told | None = None, here: str = ""
) -> str:
    """The value, then the steps, what the letters mean, conventions and checks; `told`
    and `here` as for a view."""
    v = view(answer, "text", told=told, here=here)
    blocks = [heading(v, width)]
    if v.table:
        blocks.append(table_text(v))
    steps = steps_text(v.lines, width)
    if steps:
        blocks.append(steps)
    notes = []
    if v.where:
        letters = ", ".join(f"{sign} = {meaning}" for sign, meaning in v.where)
        notes.append(wrap("where " + letters, width))
    if v.conventions:
        many = "Conventions" if len(v.conventions) > 1 else "Convention"
        notes.append(wrap(f"{many}: {'; '.join(v.conventions)}.", width))
    notes.append(wrap("Checked by " + "; ".join(v.checks) + ".", width))
    blocks.append("\n".join(notes))
    return "\n\n".join(b for b in blocks if b)


def numpy_text(answer: Any) -> str:
    """The expression of an answer as a NumPy function of its letters."""
    from solver.expressions.nodes import Expr, walk
    from solver.values import has_dims

    value = getattr(answer, "value", None)
    if not isinstance(value, Expr) or not (has_dims(value) or answer.name == "gradient"):
        raise BadInput("only an expression is written in NumPy: grad, jacobian, hessian, simplify")
    from solver.expressions.typed import Var, is_scalar
    from solver.expressions.typeset import numpy_source, unicode

    letters = dict.fromkeys(
        n.name for n in walk(value) if isinstance(n, Var) and "dimension" not in n.flags
    )
    columns = any(isinstance(n, Var) and not is_scalar(n) for n in walk(value))
    shown = unicode(value) + ("; a column is an (n, 1) array." if columns else "")
    return numpy_source(value, list(letters), answer.name or "expression", shown)


def heading(v: View, width: int = WIDTH) -> str:
    """The value with its name and condition; a record one entry a line."""
    condition = f"   for {v.condition}" if v.condition else ""
    if v.table:
        return f"holds for {v.condition}" if v.condition else ""
    if v.entries:
        broad = max(len(k) for k, _ in v.entries)
        lines = []
        for k, s in v.entries:
            pad = " " * (broad + 2)
            rows = f"{k.ljust(broad)}  " + s.replace("\n", "\n" + pad)
            rows = rows if "\n" in s else broken(rows, WIDTH, broad + 4)
            lines += [row.rstrip() for row in rows.split("\n")]
        return "\n".join(lines) + (f"\n{condition.strip()}" if condition else "")
    unit = f" {v.unit}" if v.unit else ""
    whole = v.value + unit + condition
    return whole if "\n" in whole else wrap(whole, width)


def steps_text(lines: Sequence[Line | Grid], width: int) -> str:
    """Short labels in a column before their chains; long ones on lines of their own."""
    chained = [ln for ln in lines if isinstance(ln, Line) and ln.chain]
    column = max((len(ln.label) for ln in chained if len(ln.label) <= LABEL), default=0)
    rows: list[str] = []
    for ln in lines:
        if isinstance(ln, Grid):
            rows += [*([""] if rows and rows[-1] else []), grid_text(ln, width), ""]
            continue
        indent = "    " * ln.depth
        if not ln.chain:
            rows.append(wrap(indent + ln.label, width))
            continue
        if len(ln.label) <= column:
            first = f"{indent}{ln.label.ljust(column)}  "
        else:
            rows.append(wrap(indent + ln.label + ":", width))
            first = indent + "    "
        rows.append(chain_text(first, ln.chain, width))
    return "\n".join(rows).rstrip("\n")


def grid_text(grid: Grid, width: int) -> str:
    """A table among the steps, its columns two apart; labels for which there is no room
    stand on lines of their own."""
    widths = [0] * len(grid.align)
    for row in (grid.head, *grid.rows):
        at = 1
        for text, span in row[1:]:
            spare = len(text) - sum(widths[at : at + span]) - 2 * (span - 1)
            widths[at + span - 1] += max(spare, 0)
            at += span
    room = width - sum(widths) - 2 * (len(widths) - 1)
    widths[0] = max((len(row[0][0]) for row in grid.rows if len(row[0][0]) <= room), default=4)
    lines = []
    for row in (grid.head, *grid.rows):
        line, at = "", 0
        for text, span in row:
            if at == 0 and len(text) > widths[0]:
                lines.append(f"{text}:")
                text = ""
            broad = sum(widths[at : at + span]) + 2 * (span - 1)
            right = span == 1 and grid.align[at] == "r"
            line += (text.rjust(broad) if right else text.ljust(broad)) + "  "
            at += span
        lines.append(line.rstrip())
    return "\n".join([lines[0], "─" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]])


def chain_text(first: str, chain: Sequence[str], width: int) -> str:
    """a = b = c on one line if it fits, else a line a member, the = aligned."""
    one = first + joined(chain)
    if len(one) <= width and "\n" not in one:
        return one
    pad = " " * len(first)
    if "\n" in chain[-1] and not any("\n" in member for member in chain[:-1]):
        start = first + joined(chain[:-1]) + (" = " if chain[:-1] else "")
        if len(start) + max(map(len, chain[-1].split("\n"))) <= width:
            return start + chain[-1].replace("\n", "\n" + " " * len(start))
    if any("\n" in member for member in chain):
        rows = []
        for member in chain:
            rows.append(member.replace("\n", "\n" + pad))
        return first + ("\n" + pad + "=\n" + pad).join(rows)
    start, *rest = chain
    if len(rest) > 1 and len(first + start) < 24:
        hang = len(first + start)
        lines = [f"{first}{start} = {rest[0]}"]
        lines += [f"{' ' * hang} = {m}" for m in rest[1:]]
    else:
        lines = [first + start] + [f"{pad}= {m}" for m in rest]
    return "\n".join(broken(x.replace("= ≈", "≈"), width, len(pad) + 4) for x in lines)


def joined(chain: Sequence[str]) -> str:
    """a = b = c, with the members that begin with ≈ keeping it."""
    return " = ".join(chain).replace("= ≈", "≈")


def broken(line: str, width: int, hang: int) -> str:
    """A line that is too long, broken at its plus signs or spaces."""
    rows = []
    while len(line) > width:
        cut = max(line.rfind(s, hang + 1, width) for s in (" + ", " − ", ", ", "; "))
        if cut <= hang:
            break
        cut += 2 if line[cut] in ",;" else 0
        rows.append(line[:cut].rstrip())
        line = " " * hang + line[cut:].lstrip()
    return "\n".join([*rows, line])


def wrap(text: str, width: int) -> str:
    """Prose wrapped at the width, continued under its first word."""
    if len(text) <= width:
        return text
    import textwrap

    indent = " " * (len(text) - len(text.lstrip()))
    return "\n".join(textwrap.wrap(text, width, subsequent_indent=indent + "  "))


def table_text(v: View) -> str:
    """Columns with aligned numbers, the totals under a rule."""
    rows = [v.columns, *v.table]
    widths = [max(len(r[i]) for r in rows) for i in range(len(v.columns))]
    words = [not any(c[:1].isdigit() for c in column) for column in zip(*v.table)]
    lines = []
    for n, row in enumerate(rows):
        pairs = enumerate(zip(row, widths))
        cells = [c.ljust(w) if i < 2 or words[i] else c.rjust(w) for i, (c, w) in pairs]
        if n == 1 or n == len(rows) - v.totals:
            lines.append("─" * (sum(widths) + 2 * len(widths) - 2))
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def verdict_text(verdict: Verdict) -> str:
    """The mark, what was understood, and what to learn."""
    lines = [f"{MARKS[verdict.mark]} {verdict.mark}"]
    if verdict.understood_as:
        lines.append(wrap(f"  understood as {verdict.understood_as}", WIDTH))
    if verdict.mark == "invalid":  # it quotes the student: no markup, the caret in its column
        from solver.escape import terminal

        first, *quoted = terminal(verdict.feedback).split("\n")
        lines += [wrap("  " + first, WIDTH), *("  " + line for line in quoted)]
    elif verdict.feedback:
        lines.append(wrap("  " + said(verdict.feedback, "text"), WIDTH))
    return "\n".join(lines)


def verdict_other(verdict: Verdict, format: str) -> str:
    """A verdict as JSON, LaTeX or HTML."""
    if format == "json":
        return dump(verdict_json(verdict))
    from solver.view import escaper, points_text

    form = "latex" if format == "tex" else "mathml"
    fields = {k: escaper(form)(str(v)) for k, v in verdict_json(verdict).items()}
    fields["points"] = points_text(verdict.points)
    fields["feedback"] = said(verdict.feedback, form)
    return template(f"verdict.{format}").render(verdict=fields)


def said(feedback: str, form: str) -> str:
    """Feedback with its mathematics. It may quote a student, so that only macros which
    the converter knows, and which therefore only set signs, get through to LaTeX."""
    from solver.prose import prose
    from solver.view import escaper

    if not feedback:
        return ""
    try:
        if form != "text":
            prose(feedback, "mathml")
        return prose(feedback, form)
    except BadInput:
        return str(escaper(form)(feedback))


# -- JSON ------------------------------------------------------------------------------


def answer_json(answer: Answer) -> dict[str, Any]:
    """The answer as plain data."""
    found: dict[str, Any] = {"name": answer.name, "value": to_json(answer.value)}
    if answer.condition:
        found["condition"] = answer.condition
    if answer.unit:
        found["unit"] = answer.unit
    if answer.lower:
        found["lower_bound"] = True
    found["steps"] = [step_json(s) for s in answer.steps]
    found["checks"] = [{"how": c.how, "ok": c.ok} for c in answer.checks]
    found["conventions"] = list(answer.conventions)
    return found


def step_json(step: Step) -> dict[str, Any]:
    """A step as plain data, trees as their text; what it lacks is left out."""
    found: dict[str, Any] = {"rule": step.rule}
    for name in ("of", "formula", "before"):
        if getattr(step, name) is not None:
            part = getattr(step, name)
            found[name] = show(part) if not isinstance(part, int) else part
    if step.after is not None:
        found["after"] = to_json(step.after)
    if step.substeps:
        found["substeps"] = [step_json(s) for s in step.substeps]
    return found


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain data."""
    return {
        "mark": verdict.mark,
        "points": verdict.points,
        "mistake": verdict.mistake,
        "feedback": verdict.feedback,
        "understood_as": verdict.understood_as,
    }


# -- templates -------------------------------------------------------------------------

_environments: dict[str, Any] = {}


def template(name: str) -> Any:
    """A template by file name, with delimiters that TeX's braces survive."""
    kind = name.rsplit(".", 1)[-1]
    if kind not in _environments:
        import jinja2

        from solver.figures.svg import RULES

        _environments[kind] = jinja2.Environment(
            loader=jinja2.FileSystemLoader([str(folder("templates"))]),
            undefined=jinja2.StrictUndefined,
            autoescape=False,  # every string was escaped by its View, once
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            block_start_string="<%",
            block_end_string="%>",
            variable_start_string="<<",
            variable_end_string=">>",
            comment_start_string="<#",
            comment_end_string="#>",
        )
        _environments[kind].globals["figure_rules"] = RULES
    return _environments[kind].get_template(name)


def folder(name: str) -> Path:
    """The folder of that name: beside the package's code, or in the checkout."""
    from pathlib import Path

    here = Path(__file__).resolve().parent
    for place in (here / name, here.parent / name):
        if place.is_dir():
            return place
    raise CheckFailed(f"the folder {name} was not installed")


def answer_html(answer: Answer) -> str:
    """The answer as a fragment of HTML, for a notebook."""
    return str(template("fragment.html").render(view=view(answer, "mathml")))


def fill(name: str, values: Mapping[str, Any]) -> str:
    """A template filled; a value that it needs and does not get is an error."""
    if not isinstance(values, Mapping):
        raise BadInput("a template is filled with named values")
    return str(template(name).render(**values))
