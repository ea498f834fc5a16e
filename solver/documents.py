"""Documents from one problem set: the answer key, the hand-out, the marking guide.

Each is a list of the same items, filled into a template.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from solver.core import Answer, BadInput, CheckFailed, Picture, Problem
from solver.disk import write
from solver.kinds import mistakes
from solver.order import reorder
from solver.prose import prose
from solver.registry import unknown
from solver.render import answer_json, answer_text, dump, heading, template, wrap
from solver.sets import ProblemSet, solve_part
from solver.tables.gathered import Told
from solver.values import NAMES, Record, Table, show, to_json
from solver.view import View, escaper, inline, points_text, view

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KINDS = {
    "key": "Answer key",
    "sheet": "Problem set",
    "guide": "Marking guide",
}
FORMS = {"tex": "latex", "html": "mathml", "text": "text"}
TALL = 12  # lines of room for the longest answer in a hand-out
ENDINGS = {"tex": "tex", "html": "html", "text": "txt", "json": "json", "pdf": "pdf"}
ORDER_WORDS = {
    "CHW": "Shapes are written channels × height × width.",
    "HWC": "Shapes are written height × width × channels.",
}
BOOLEANS = {
    ("bias", True): "Biases are counted as parameters.",
    ("bias", False): "Biases are not counted as parameters.",
    ("norm", False): "γ and β of batch norms are not counted as parameters.",
    ("stats", True): "Running means and variances are counted as parameters.",
}


@dataclass(frozen=True)
class Item:
    """One part of a document, every string shown and escaped.

    `key` is the id as it is, for programs; `places` are the names of what is asked for,
    raw and shown, with the lines of room that each is given in the hand-out; `room` is
    about how many lines the prompt takes, and the values where they are shown.
    """

    id: str
    title: str
    points: str
    prompt: str
    view: View
    mistakes: tuple[tuple[str, str], ...]
    note: str
    anchor: str
    key: str
    places: tuple[tuple[str, str, int], ...]
    room: int
    demonstrations: tuple[tuple[str, View], ...] = ()
    rubric: tuple[tuple[str, str], ...] = ()


def items(whole: ProblemSet, form: str, what: str = "key") -> list[Item]:
    """The parts of a set in this form; solving each, checked."""
    escape = escaper(form)
    found = []
    shown: set[Any] = set()
    told = Told()
    for p in whole.problems:
        answer = solve_part(whole, p)
        try:
            known = mistakes(p) if what != "sheet" else []
            pictures = chosen(p, answer, what, shown)
            seen = view(answer, form, pictures, what == "sheet", told, place(p))
            found.append(
                Item(
                    escape(p.id),
                    escape(p.title),
                    points_text(p.points),
                    prose(p.prompt, form),
                    seen,
                    tuple(
                        (
                            inline(reorder(m.value, whole.order), form, False),
                            prose(m.feedback, form),
                        )
                        for m in known
                    ),
                    prose(p.note, form) if p.note else "",
                    anchor(p.id),
                    p.id,
                    places(answer, escape),
                    len(p.prompt) // 90 + (lines_of(seen) if what != "sheet" else 0),
                    demonstrations(whole, p, form, told, shown) if what != "sheet" else (),
                    rubric(answer, escape),
                )
            )
        except BadInput as e:
            raise e.at(f"{whole.path or whole.name}: problem {p.id}") from None
    return found


def lines_of(view: View) -> int:
    """About how many lines the values take beyond the first three."""
    tall = sum(1 + (r"\frac" in shown) + shown.count(r"\\") for _, shown in view.answers)
    return max(tall - 3, 0)


def chosen(part: Problem, answer: Answer, what: str, shown: set[Any]) -> list[Picture]:
    """The pictures that a document shows at a part, one of a kind: the part's `figure`
    decides; without it a key shows the usual ones, each once in a document, a hand-out what
    is surely stated (never twice)."""
    if not answer.pictures or part.figure is False:
        return []
    from solver.figures import same

    found: list[Picture] = []
    for picture in answer.pictures:
        if what == "sheet":
            wanted = picture.asked is not None and (picture.stated or part.figure is True)
        else:
            wanted = part.figure is True or what == "key" and picture.usual
        alike = picture.kind != "plot" and picture.kind in [f.kind for f in found]
        again = same(picture) in shown and (what == "sheet" or part.figure is not True)
        if wanted and not again and not alike:
            shown.add(same(picture))
            found.append(picture)
    return found


def rubric(answer: Answer, escape: Any) -> tuple[tuple[str, str], ...]:
    """What a marker looks for in prose, each with its points."""
    value = answer.value
    parts = value.values() if isinstance(value, Record) else [value]
    points = (p for part in parts for p in getattr(part, "rubric", ()))
    return tuple((escape(p.says), points_text(p.points)) for p in points)


def place(part: Problem) -> str:
    """How later parts name this one where it has worked out what they need."""
    return f"as in part {part.id}"


def demonstrations(
    whole: ProblemSet, part: Problem, form: str, told: Told, shown: set[Any]
) -> tuple[tuple[str, View], ...]:
    """What is worked out to show a part's claim, each with what it says."""
    found = []
    for d in part.demonstrations:
        answer = solve_part(whole, d)
        pictures = chosen(d, answer, "key", shown)
        said = prose(d.prompt, form) if d.prompt else ""
        found.append((said, view(answer, form, pictures, False, told, place(part))))
    return tuple(found)


def anchor(id: str) -> str:
    """A part's name inside a document, in ASCII."""
    return "part-" + "".join(c if c < "\x7f" else f"u{ord(c):x}" for c in id)


def places(answer: Answer, escape: Any) -> tuple[tuple[str, str, int], ...]:
    """What a student is to fill in, and the lines of room for each."""
    value = answer.value
    if isinstance(value, Record):
        return tuple((key(k), escape(NAMES.get(k, k)), 2) for k in value)
    if isinstance(value, Table):
        return (("", "", TALL),)
    return (("", "", min(max(4, len(answer.steps) + 2), TALL)),)


def key(name: str) -> str:
    """A name that a program finds again in any format."""
    return "".join(c if c.isalnum() or c in "_.-" else "-" for c in name)


def document(whole: ProblemSet, what: str, format: str = "tex") -> str:
    """The key, sheet or guide of a set as "tex", "html", "text" or "json"."""
    if what not in KINDS:
        raise unknown("document", what, list(KINDS))
    if format == "json":
        return dump(as_json(whole, what)) + "\n"
    if format not in FORMS:
        raise unknown("format", format, [*FORMS, "json", "pdf"])
    if format == "text":
        return as_text(whole, what)
    form = FORMS[format]
    parts = items(whole, form, what)
    escape = escaper(form)
    total = sum(p.points for p in whole.problems)
    return str(
        template(f"{what}.{format}").render(
            title=escape(whole.title),
            course=escape(whole.course),
            intro=prose(whole.intro, form) if whole.intro else "",
            kind=escape(entitled(whole, what)),
            variant=escape(whole.variant),
            student=escape(whole.variant.removeprefix("for ") if named(whole) else ""),
            conventions=[escape(c) for c in conventions(whole)],
            total=points_text(total),
            items=parts,
            drawn=any(v.figures for p in parts
                      for v in (p.view, *(view for _, view in p.demonstrations))),
        )
    )


def entitled(whole: ProblemSet, what: str) -> str:
    """What a document is: "Answer key", "Problem set, variant 3", "Problem set for Ada"."""
    if not whole.variant:
        return KINDS[what]
    return f"{KINDS[what]}{' ' if named(whole) else ', variant '}{whole.variant}"


def named(whole: ProblemSet) -> bool:
    """Whether this is a student's own variant."""
    return whole.variant.startswith("for ")


def conventions(whole: ProblemSet) -> list[str]:
    """The set's conventions, a sentence each."""
    found = [ORDER_WORDS[whole.order]]
    found += [BOOLEANS[k] for k in whole.conventions.items() if k in BOOLEANS]
    found.append(
        "Convolution is cross-correlation; sizes are rounded down; rows and columns "
        "are counted from 1."
    )
    return found


def as_json(whole: ProblemSet, what: str) -> dict[str, Any]:
    """A set as plain data; the sheet's holds no answers."""
    parts = []
    for p in whole.problems:
        one: dict[str, Any] = {"id": p.id, "title": p.title, "points": p.points}
        one["prompt"] = p.prompt
        answer = solve_part(whole, p)
        if what != "sheet":
            one |= answer_json(answer)
            if p.demonstrations:
                one["demonstrations"] = [
                    {"says": d.prompt} | answer_json(solve_part(whole, d))
                    for d in p.demonstrations
                ]
            one["mistakes"] = [
                {"name": m.name, "value": to_json(m.value), "feedback": m.feedback}
                for m in mistakes(p)
            ]
        parts.append(one)
    head = {"set": whole.name, "title": whole.title, "document": what}
    head |= {"variant": whole.variant} if whole.variant else {}
    return {**head, "problems": parts}


def as_text(whole: ProblemSet, what: str) -> str:
    """A set for the terminal."""
    title = f"{whole.title} ({entitled(whole, what)})" if whole.variant else whole.title
    lines = [title, "=" * len(title), ""]
    told = Told()
    for p in whole.problems:
        lines += [f"{p.id}  {p.title}  ({points_text(p.points)})"]
        lines += [wrap(line, 80) for line in prose(p.prompt, "text").splitlines()]
        answer: Answer = solve_part(whole, p)
        if what == "key":
            lines += ["", indented(answer_text(answer, 76, told, place(p)))]
            for d in p.demonstrations:
                says = prose(d.prompt, "text") if d.prompt else ""
                lines += ["", wrap(f"    Demonstration. {says}".rstrip(), 80)]
                shown = answer_text(solve_part(whole, d), 76, told, place(p))
                lines += [indented(shown)]
        elif what == "guide":
            lines += ["", indented(heading(view(answer), 76))]
            for says, worth in rubric(answer, str):
                lines.append(wrap(f"    ☐ {says} ({worth})", 80))
            for m in mistakes(p):
                wrong = show(reorder(m.value, whole.order))
                lines.append(wrap(f"    ✗ {wrong}: {prose(m.feedback, 'text')}", 80))
        lines.append("")
    return "\n".join(lines)


def indented(text: str) -> str:
    """Each line four to the right."""
    return "\n".join("    " + line if line else "" for line in text.splitlines())


def write_documents(
    whole: ProblemSet, what: str, formats: Sequence[str], out: Path
) -> Iterable[Path]:
    """Write a document in several formats; yields each path once it is complete.

    A variant's name follows the document's: s0-sheet-03.tex, s0-sheet-for-ada.tex.
    """
    label = whole.variant.rjust(2, "0") if whole.variant.isdigit() else whole.variant
    own = f"-{key(label).lower()}" if whole.variant else ""
    source = ""
    for format in formats:
        path = out / f"{whole.name}-{what}{own}.{ENDINGS[format]}"
        if format == "pdf":
            from solver.pdf import compile_pdf

            source = source or document(whole, what, "tex")
            try:
                write(path, compile_pdf(source, path.stem))
            except CheckFailed as e:
                hint = "is the mathematics in a prompt or a feedback right?"
                raise BadInput(f"{e}; {hint}").at(whole.path or whole.name) from None
        else:
            made = document(whole, what, format)
            source = made if format == "tex" else source
            write(path, made)
        yield path
