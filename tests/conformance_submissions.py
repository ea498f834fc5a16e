"""Recorded answers of real students against the verdicts that people gave them.

Each is written as a student would type it, and marked by `grade_part`. "wrong" is an
answer with a fault that is marked right; "refused" a right one that is not, or a fault
whose place is not named; a mark that a person has to give is "undecided".
"""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from solver.core import Problem, Verdict
from solver.grading import grade_part
from solver.sets import ProblemSet, bundled, load_set, solve_part
from solver.values import Listing, Options, Shape, show
from tests.conformance import Case
from tests.conformance_sets import records

# Recorded names that mean entries of ours which are called otherwise.
MEANT = {
    "parts": ("six_reading_3", "six_reading_4", "three_reading_4", "one_reading_6"),
}
# A recorded side that stands in one of the shapes of ours: (entry, which shape).
SIDE_OF = {"conv2_size": ("shapes", 2)}
# The working has the fault, and only the result is recorded, which is the right one.
ONLY_THE_RESULT = {
    "s0.1.1c": "Aᵀx is right; the lines before it are not recorded",
    "s0.2.2.4": "13 and 576 are right; the reason given in words is not recorded",
    "s0.3.2ii": "p = 1, s = 2 is right; the working that leads to it is not recorded",
}


def recorded(path: Path) -> Iterator[Case]:
    """The recorded answers to parts of the bundled set that has this file's name.

    Parts that are not in the set, and values that none of its parts asks for, are left out.
    """
    if path.stem not in bundled():
        return
    whole = load_set(path.stem)
    parts = {p.id: p for p in whole.problems}
    names = known_names(path.parents[1] / "notes" / "misconceptions.md")
    for row in records(path):
        problem = parts.get(row["id"].partition(".")[2])
        if problem is None or not {"student_value", "student_expr"} & row.keys():
            continue
        text = typed(whole, problem, row)
        raw = str(row.get("student", ""))
        if "=" in raw and row["verdict"] == "partly" and read_whole(whole, problem, raw):
            text = raw  # with the working, in which the fault is
        if text:
            yield case(whole, problem, row, text, names)


def read_whole(whole: ProblemSet, problem: Problem, raw: str) -> bool:
    """Whether all of a text is read as an answer."""
    return grade_part(whole, problem, raw).mark not in ("invalid", "undecided")


def case(
    whole: ProblemSet,
    problem: Problem,
    row: Mapping[str, Any],
    text: str,
    names: set[str],
) -> Case:
    """One recorded answer, as it is typed."""
    start = time.perf_counter()
    try:
        outcome, why = compared(row, grade_part(whole, problem, text), names)
    except Exception as e:  # a crash is no false statement, but it is a failure
        outcome, why = "refused", f"{type(e).__name__}: {e}"
    why = why and f"{text[:60]!r}: {why}"
    return row["id"], outcome, (time.perf_counter() - start) * 1000, why


def compared(
    row: Mapping[str, Any], ours: Verdict, names: set[str]
) -> tuple[str, str]:
    """(outcome, what differs) of a verdict beside the recorded one.

    names: the misconceptions that are to be called by their names.
    """
    theirs = row["verdict"]
    said = f"{ours.mark}, recorded as {theirs}: {ours.mistake or ours.feedback[:80]}"
    if row["id"] in ONLY_THE_RESULT and ours.mark in ("right", "partly"):
        return "undecided", ONLY_THE_RESULT[row["id"]]
    if ours.mark == "undecided":
        return "undecided", said
    if ours.mark == "invalid":
        return "refused", said
    if theirs == "correct":
        return ("right", "") if ours.mark == "right" else ("refused", said)
    if ours.mark == "right":
        return "wrong", said
    if theirs == "wrong" and ours.mark != "wrong":
        return "refused", said
    name = row.get("misconception", "")
    if name in names and name not in ours.mistake.split(" or "):
        return "refused", f"{ours.mistake or 'no mistake named'}, recorded as {name}"
    if not ours.mistake and not ours.feedback:
        return "refused", f"{ours.mark}, but not where"
    return "right", ""


def known_names(notes: Path) -> set[str]:
    """The names in the tables of misconceptions.md; without it, none is compared."""
    text = notes.read_text("utf-8") if notes.exists() else ""
    rows = re.findall(r"^\| ([a-z][a-z_0-9, ]+) \|", text, re.M)
    return {name for row in rows for name in row.split(", ")}


# -- as a student types it ----------------------------------------------------------------


def typed(whole: ProblemSet, problem: Problem, row: Mapping[str, Any]) -> str:
    """The text of a recorded answer; nothing if our part asks for none of it.

    Where the whole answer was right, entries that were not recorded are our own.
    """
    right = solve_part(whole, problem)
    if "student_expr" in row:
        return as_typed(row["student_expr"])
    given = row["student_value"]
    if not isinstance(right.value, Mapping):
        return said(right.value, alone(given, right.name))
    entries = mapped(given, right.value)
    if entries and row["verdict"] == "correct":
        entries = {**right.value, **entries}
    return "; ".join(f"{k} {said(right.value[k], v)}" for k, v in entries.items())


def alone(given: Any, name: str) -> Any:
    """Of the recorded values the one that a part with one value asks for."""
    if not isinstance(given, Mapping):
        return given
    return next((given[n] for n in (name, f"{name}_hwc") if n in given), [*given.values()][0])


def mapped(given: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    """The recorded values under our entries' names, those that our part asks for."""
    if not isinstance(given, Mapping):  # values in order
        return dict(zip(right, given)) if len(given) == len(right) else {}
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name in right:
            found[name] = value
        elif name in MEANT and all(n in right for n in MEANT[name]):
            found.update(zip(MEANT[name], value))
        elif name in SIDE_OF and SIDE_OF[name][0] in right:
            entry, at = SIDE_OF[name]
            shapes = list(right[entry])
            channels, *sides = shapes[at]
            shapes[at] = [channels, *(value for _ in sides)]
            found[entry] = shapes
    return found


def said(right: Any, value: Any) -> str:
    """A value as a student types it where ours is of this type."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(right, Shape):
        return " x ".join(map(str, value))
    if isinstance(right, Options) and isinstance(value, list):
        return ", ".join(f"{k} = {v}" for k, v in zip(right[0], value))
    if isinstance(right, Listing) and isinstance(right[0], Shape):
        return ", ".join("x".join(map(str, shape)) for shape in value)
    if isinstance(value, float) and value.is_integer():
        return f"{value:g}".replace("e+0", "e").replace("e+", "e")
    return str(value) if isinstance(value, (int, float, list)) else show(value)


class Typed(ast.NodeTransformer):
    """Python's ways of writing what the plain grammar has a word for."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name, args = node.func, node.args
        if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name):
            if name.value.id == "np":
                node.func = ast.Name(name.attr)
        if isinstance(name, ast.Name) and name.id == "sum" and len(args) == 1:
            if (owner := diagonal(args[0])) is not None:
                return ast.Call(ast.Name("tr"), [owner], [])
        return node


def diagonal(node: ast.AST) -> ast.expr | None:
    """A in `A[i, i] for i in …`, or nothing."""
    entry = node.elt if isinstance(node, ast.GeneratorExp) else None
    if not isinstance(entry, ast.Subscript) or not isinstance(entry.slice, ast.Tuple):
        return None
    first, *others = (ast.dump(i) for i in entry.slice.elts)
    return entry.value if others == [first] else None


def as_typed(text: str) -> str:
    """Python's notation as the plain grammar's: ** is ^, A.T is A', A @ x is A*x."""
    tree = Typed().visit(ast.parse(text.strip(), mode="eval"))
    arrays = any(isinstance(n, ast.MatMult) for n in ast.walk(tree))
    text = ast.unparse(ast.fix_missing_locations(tree))
    if arrays:  # NumPy's * is entry by entry, but for a number in front
        text = re.sub(r"(?<!\d) (?<!\*)\*(?!\*) ", " .* ", text)
    return text.replace("**", "^").replace(" @ ", "*").replace(".T", "'").replace(" * ", "*")
