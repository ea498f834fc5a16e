"""What comes out of marking a course: each student's feedback, the table of marks, and the
report that the staff read, as a page and as data.

The students are read once, and once more if very many different answers were wrong; what
is listed is never held in memory as a whole. Every file is complete or not there, and the
same marks give the same bytes.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile

from solver.core import BadInput, CheckFailed
from solver.courses import figures
from solver.courses.exports import Table, completed, marks_header, marks_row
from solver.courses.feedback import DECIDE as DECIDED
from solver.courses.feedback import Pages, clean, marked_up
from solver.courses.figures import WORDS
from solver.courses.naming import safe_name
from solver.courses.records import Group, Marked
from solver.courses.tally import (
    LONG,
    Misconception,
    PartTally,
    Tally,
    shown_points,
    tidy,
)
from solver.disk import write
from solver.documents import anchor
from solver.escape import html
from solver.kinds import mistakes
from solver.prose import prose
from solver.render import template
from solver.view import points_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.courses.tally import Course

LISTED = 100  # of a list on the page; all of it is in report.json
NAMED = 12  # students named under a group
RANKED = 10  # misconceptions, and answers without a name, of a part
DECIDE = "pset decide {folder} {group} right|partly|wrong"


def write_reports(store: Course, out: Path) -> Iterator[Path]:
    """Write feedback/*.html and *.tex, marks.csv, report.json and report.html into a
    folder; yields each path once it is complete."""
    out, whole = Path(out), store.whole
    tally, pages = Tally(whole), {f: Pages(whole, f) for f in ("html", "tex")}
    with TemporaryFile("w+", encoding="utf-8") as unread:
        with completed(out / "marks.csv") as file:
            table = Table(file)
            table.row(*marks_header(whole))
            for marked in store.students():
                tally.add(marked)
                table.row(*marks_row(whole, marked))
                for one in unreadable(marked):
                    unread.write(json.dumps(one) + "\n")
                name = safe_name(marked.student)
                for ending, page in pages.items():
                    path = out / "feedback" / f"{name}.{ending}"
                    write(path, page.page(marked).encode(errors="replace"))
                    yield path
        yield out / "marks.csv"
        tally.complete(store.students)

        def lines() -> Iterator[dict[str, str]]:
            unread.seek(0)
            return map(json.loads, unread)

        folder = str(out)
        lists: Lists = {
            "undecided": lambda: (group_facts(g, folder) for g in store.groups()),
            "unreadable": lines,
            "changed": lambda: (change_facts(c) for c in store.changed()),
        }
        with completed(out / "report.json") as file:
            for piece in as_json(tally, lists):
                file.write(piece)
        yield out / "report.json"
        page_ = as_html(tally, lists)
    write(out / "report.html", page_.encode(errors="replace"))
    yield out / "report.html"


# -- the facts --------------------------------------------------------------------------

if TYPE_CHECKING:
    Lists = dict[str, Callable[[], Iterable[dict[str, Any]]]]


def unreadable(marked: Marked) -> Iterator[dict[str, str]]:
    """What of a student's could not be read, and why."""
    about = {"student": marked.student, "source": marked.source}
    for why in marked.unread:
        yield {**about, "part": "", "why": why}
    for id, result in marked.results.items():
        if result.verdict.mark == "invalid":
            yield {**about, "part": id, "why": result.verdict.feedback}


def group_facts(group: Group, folder: str) -> dict[str, Any]:
    """A group of undecided answers, with the command that decides it."""
    command = DECIDE.format(folder=shlex.quote(folder), group=shlex.quote(group.id))
    return {
        "group": group.id,
        "part": group.part,
        "answer": group.text,
        "understood_as": group.verdict.understood_as,
        "feedback": group.verdict.feedback,
        "count": len(group.students),
        "students": list(group.students),
        "command": command,
    }


def change_facts(change: tuple[str, str, str, str]) -> dict[str, str]:
    """A mark that is another than before."""
    return dict(zip(("student", "part", "before", "now"), change))


def summary(tally: Tally) -> dict[str, Any]:
    """The numbers about all students."""
    ends = figures.edges(tally.out_of)
    counts = figures.binned(tally.totals, ends)
    return {
        "set": tally.whole.name,
        "title": tally.whole.title,
        "students": tally.students,
        "answers": tally.answers,
        "out_of": tidy(tally.out_of),
        "mean": round(tally.mean, 4),
        "median": tidy(tally.median),
        "histogram": [
            {"from": a, "to": b, "count": n} for a, b, n in zip(ends, ends[1:], counts)
        ],
    }


def part_facts(part: PartTally, students: int) -> dict[str, Any]:
    """The numbers about one part."""
    return {
        "id": part.problem.id,
        "title": part.problem.title,
        "points": tidy(part.problem.points),
        "mean": round(part.earned / students, 4) if students else 0,
        "answered": part.answered,
        "marks": dict(part.marks),
        "misconceptions": [
            {
                "name": m.name,
                "feedback": bare(part, m),
                "count": m.count,
                "share": round(m.count / part.answered, 4),
                "answers": counted(m.answers.most()),
            }
            for m in part.ranked()
        ],
        "wrong_answers": counted(part.wrong.most(RANKED)),
    }


def bare(part: PartTally, m: Misconception) -> str:
    """What a mistake's students are told, without remarks on the answer's other values."""
    if "Not right: " not in m.feedback:
        return m.feedback
    try:
        known = [one.feedback for one in mistakes(part.problem) if one.name == m.name]
    except (BadInput, CheckFailed):  # the set was changed since it was marked
        return m.feedback
    return max((f for f in known if f in m.feedback), key=len, default=m.feedback)


def counted(answers: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    """Answers with how many gave them."""
    return [{"answer": shown, "count": count} for shown, count in answers]


def as_json(tally: Tally, lists: Lists) -> Iterator[str]:
    """The report as data, in pieces: its lists may be longer than memory."""
    head = summary(tally)
    head["parts"] = [part_facts(p, tally.students) for p in tally.parts.values()]
    whole = json.dumps(head, ensure_ascii=False, indent=2)
    yield whole.removesuffix("\n}")
    for name, items in lists.items():
        yield f',\n  "{name}": ['
        for i, one in enumerate(items()):
            yield (",\n    " if i else "\n    ") + json.dumps(one, ensure_ascii=False)
        yield "\n  ]"
    yield "\n}\n"


# -- the page ---------------------------------------------------------------------------


def as_html(tally: Tally, lists: Lists) -> str:
    """The report as a page."""
    whole, facts = tally.whole, summary(tally)
    ends = [0.0, *(b["to"] for b in facts["histogram"])]
    columns = [b["count"] for b in facts["histogram"]]
    undecided, unread, changed = (Shortened(lists[n]()) for n in lists)
    left = sum(p.marks["undecided"] for p in tally.parts.values())
    return str(
        template("report.html").render(
            title=html(whole.title),
            course=html(whole.course),
            patterns=figures.patterns(),
            out_of=points_text(tally.out_of),
            facts=[
                ("students", f"{tally.students:,}"),
                ("answers", f"{tally.answers:,}"),
                ("mean", shown_points(tally.mean)),
                ("median", shown_points(tally.median)),
            ],
            lists=[
                ("totals", "Points of each student", f"{tally.students:,}"),
                ("glance", "The parts at a glance", f"{len(tally.parts)}"),
                ("decide", "Left to a person", in_groups(left, undecided.count)),
                ("unread", "Could not be read", f"{unread.count:,}"),
                ("changed", "Changed since the last run", f"{changed.count:,}"),
            ],
            histogram=figures.histogram(columns, ends, "Students by their points"),
            legend=[(figures.swatch(m), html(w)) for m, w in WORDS.items()],
            parts=[part_shown(p, tally.students, i) for i, p in enumerate(tally.parts.values())],
            groups=[group_shown(g) for g in undecided.first],
            more_groups=undecided.more,
            unread=[unread_shown(u) for u in unread.first],
            more_unread=unread.more,
            changed=[
                (
                    html(c["student"]),
                    html(c["part"]),
                    html(WORDS.get(c["before"], c["before"])),
                    html(WORDS.get(c["now"], c["now"])),
                )
                for c in changed.first
            ],
            more_changed=changed.more,
        )
    )


class Shortened:
    """The first of a list, how many there are, and a sentence about the rest."""

    def __init__(self, items: Iterable[dict[str, Any]]):
        rest = iter(items)
        self.first = list(islice(rest, LISTED))
        self.count = len(self.first) + sum(1 for _ in rest)
        more = self.count - len(self.first)
        self.more = f"And {more:,} more, all in report.json." if more else ""


def in_groups(answers: int, groups: int) -> str:
    """12 answers in 3 groups."""
    if not answers and not groups:
        return "0"
    return f"{number(answers, 'answer')} in {number(groups, 'group')}"


def number(n: int, noun: str) -> str:
    """1 student, 1,200 students."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def group_shown(group: dict[str, Any]) -> dict[str, str]:
    """A group for the page."""
    names = ", ".join(group["students"][:NAMED])
    more = group["count"] - NAMED
    said, understood = group["feedback"], group["understood_as"]
    return {
        "id": html(group["group"]),
        "part": html(group["part"]),
        "count": number(group["count"], "student"),
        "text": html(shortened(group["answer"], 10 * LONG)),
        "understood": html(shortened("" if understood == group["answer"] else understood)),
        "feedback": "" if said == DECIDED else marked_up(said, "mathml"),
        "students": html(shortened(names, 4 * LONG) + (f" and {more:,} more" if more > 0 else "")),
        "command": html(group["command"]),
    }


def unread_shown(one: dict[str, str]) -> dict[str, str]:
    """What could not be read, for the page."""
    why, _, quoted = one["why"].removeprefix("The answer could not be read: ").partition("\n")
    why = why[:1].upper() + why[1:]
    return {
        "student": html(one["student"]),
        "part": html(one["part"]),
        "why": html(shortened(why)),
        "quoted": html(quoted),
        "source": html(one["source"]),
    }


def shortened(text: str, most: int = LONG) -> str:
    """The beginning of what is too long for the page."""
    return text if len(text) <= most else text[: most - 1] + "…"


def part_shown(part: PartTally, students: int, place: int) -> dict[str, Any]:
    """A part for the page."""
    problem, marks = part.problem, part.marks
    mean = part.earned / students if students else 0.0
    share = f"{100 * mean / problem.points:.0f} %" if problem.points else "–"
    name = f"Marks of part {problem.id}"
    return {
        "id": html(problem.id),
        "anchor": anchor(problem.id),
        "title": html(problem.title),
        "prompt": prose(problem.prompt, "mathml"),
        "mean": f"{shown_points(mean)} of {points_text(problem.points)} on average",
        "share": share,
        "bar": figures.bar(marks, f"b{place}", name),
        "small_bar": figures.bar(marks, f"g{place}", name),
        "counts": html(figures.counted(marks).capitalize()) + ".",
        "misconceptions": [misconception_shown(m, part) for m in part.ranked()[:RANKED]],
        "wrong": [(html(clean(a)), f"{n:,}×") for a, n in part.wrong.most(RANKED)],
    }


def misconception_shown(m: Misconception, part: PartTally) -> dict[str, Any]:
    """A misconception for the page."""
    name = m.name.replace("_", " ") or "a known wrong value"
    share = 100 * m.count / part.answered
    return {
        "name": html(name[:1].upper() + name[1:]),
        "feedback": marked_up(bare(part, m), "mathml"),
        "count": f"{number(m.count, 'student')}, {share:.0f} % of the answers",
        "answers": [(html(clean(a)), f"{n:,}×") for a, n in m.answers.most()],
    }
