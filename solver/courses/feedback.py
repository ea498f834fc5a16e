"""What one student is told: each answer as written, how it was understood, its mark, and
what puts it right; a page, a LaTeX document, or plain text for the platforms.

A student's words are only ever escaped: they reach neither TeX nor a browser as code.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from solver import escape
from solver.core import Problem, Verdict
from solver.courses.figures import WORDS
from solver.courses.records import Marked, Result
from solver.courses.tally import shown_points, total
from solver.documents import FORMS, anchor
from solver.render import MARKS, said, template
from solver.sets import ProblemSet
from solver.view import escaper, points_text

SIGNS = {**MARKS, "partly": "◐", "missing": "–"}
TEX_SIGNS = {
    "right": r"\ensuremath{\checkmark}", "partly": r"\ensuremath{\circ}",
    "wrong": r"\ensuremath{\times}", "undecided": "?", "invalid": "!", "missing": "--",
}  # fmt: skip
MARK_WORDS = {**WORDS, "invalid": "could not be read — not counted as wrong"}
NO_SLIP = (
    "No known slip leads to this answer. Go through your steps beside the answer key, "
    "and ask about the first one that differs."
)
OPEN = "A person of the course reads this answer; until then its points stay open."
RETRY = "What could not be read is never counted as wrong: show it to your teachers."
DECIDE = "A person has to decide this."  # said in other words here
LONG = 1000  # characters of what is not the answer itself
LIGATURES = tuple("-'`,!?")  # two of them in a row would be set as another sign
SEEN = 2000  # different answers that are kept ready
UNBROKEN = 24  # characters of a word that need no place to break at


@dataclass(frozen=True)
class Told:
    """One part as it is told, every string shown and escaped."""

    id: str
    anchor: str
    title: str
    points: str
    mark: str
    sign: str
    words: str
    written: str
    understood: str
    remarks: tuple[str, ...]
    quoted: str
    small: str


class Pages:
    """The feedback on one set in one format: what all its students' pages share."""

    def __init__(self, whole: ProblemSet, format: str):
        self.whole, self.format, self.form = whole, format, FORMS[format]
        self.escape = escaper(self.form)
        self.template = template(f"feedback.{format}")
        self.heads = [
            (p, self.escape(p.id), anchor(p.id), self.escape(p.title))
            for p in whole.problems
        ]
        self.seen: dict[tuple[str, str, Verdict, bool, str], Told] = {}

    def page(self, marked: Marked) -> str:
        """One student's feedback, whole."""
        escape_ = self.escape
        parts = [self.part(head, marked.results.get(head[0].id)) for head in self.heads]
        out_of = sum(p.points for p in self.whole.problems)
        counts = [
            (SIGNS[m] if self.format == "html" else TEX_SIGNS[m], m, n, escape_(WORDS[m]))
            for m in WORDS
            if (n := sum(p.mark == m for p in parts))
        ]
        return str(
            self.template.render(
                title=escape_(self.whole.title),
                course=escape_(self.whole.course),
                kind="Feedback",
                drawn=False,
                student=self.words(marked.student),
                variant=self.words(marked.variant),
                total=f"{shown_points(total(self.whole, marked))} of {points_text(out_of)}",
                counts=counts,
                open=escape_(still_open(marked)),
                unread=[self.words(u) for u in marked.unread],
                parts=parts,
            )
        )

    def part(self, head: tuple[Problem, str, str, str], result: Result | None) -> Told:
        """One part; what many students answer is made ready once."""
        if result is None or len(result.text) > LONG:
            return self.told(head, result)
        r = result
        same = (r.part, r.text, r.verdict, r.decided, r.before)
        if same not in self.seen:
            if len(self.seen) == SEEN:
                self.seen.clear()
            self.seen[same] = self.told(head, result)
        return self.seen[same]

    def told(self, head: tuple[Problem, str, str, str], result: Result | None) -> Told:
        """One part; what was not answered says so."""
        problem, id, place, title = head
        mark = result.verdict.mark if result else "missing"
        sign = (SIGNS if self.format == "html" else TEX_SIGNS)[mark]
        words = self.escape(MARK_WORDS[mark])
        earned = shown_points(result.verdict.points) if result else "0"
        if mark in ("undecided", "invalid") and earned == "0":
            earned = "–"  # none yet, which is not none
        points = self.escape(f"{earned} of {points_text(problem.points)}")
        if result is None:
            return Told(id, place, title, points, mark, sign, words, "", "", (), "", "")
        remarks, quoted = self.remarks(result)
        return Told(
            id, place, title, points, mark, sign, words,
            self.written(result.text),
            self.words(result.verdict.understood_as),
            remarks, quoted,
            self.escape(history(result)),
        )  # fmt: skip

    def remarks(self, result: Result) -> tuple[tuple[str, ...], str]:
        """What the student is told, paragraph by paragraph, and what it quotes."""
        verdict, found, quoted = result.verdict, [], ""
        if verdict.mark == "invalid":  # it quotes the student: no markup
            first, _, rest = verdict.feedback.partition("\n")
            found, quoted = [plain(first, self.form)], self.written(rest) if rest else ""
        elif verdict.feedback and verdict.feedback != DECIDE:
            found.append(marked_up(verdict.feedback, self.form))
        found += [plain(r, self.form) for r in added(result)]
        return tuple(found), quoted

    def written(self, text: str) -> str:
        """An answer verbatim."""
        return tex_lines(text) if self.format == "tex" else escape.html(text)

    def words(self, text: str) -> str:
        """Plain words that may be a student's, and of any length."""
        text = text if len(text) <= LONG else text[: LONG - 1] + "…"
        return tex_words(text) if self.format == "tex" else escape.html(text)


def added(result: Result) -> list[str]:
    """What is said of every answer with this mark."""
    v = result.verdict
    if v.mark == "invalid":
        return [RETRY]
    if v.mark == "undecided":
        return [OPEN]
    bare = v.mark == "wrong" and not v.feedback and not result.decided
    return [NO_SLIP] if bare else []


def still_open(marked: Marked) -> str:
    """What may still change the total."""
    n = sum(r.verdict.mark == "undecided" for r in marked.results.values())
    if not n:
        return ""
    return f"{n} {'answer is' if n == 1 else 'answers are'} still with a person of the course."


def history(result: Result) -> str:
    """Who gave the mark, and what it was before."""
    found = ["decided by a person"] if result.decided else []
    if result.before and result.before != result.verdict.mark:
        found.append(f"marked before as: {WORDS.get(result.before, result.before)}")
    return "; ".join(found).capitalize() + "." if found else ""


@lru_cache(maxsize=4096)
def marked_up(feedback: str, form: str) -> str:
    """Feedback with its mathematics; many students get the same."""
    if form == "latex" and "$" not in feedback and re.search(r"\S{60}", feedback):
        return tex_words(feedback)  # it quotes an answer, which has no place to break at
    return said(feedback, form)


def plain(text: str, form: str) -> str:
    """Words of ours or a student's, without markup."""
    if form == "latex":
        return tex_words(text)
    return f"<p>{escape.html(text)}</p>"


# -- a student's words in LaTeX ---------------------------------------------------------


def tex_words(text: str) -> str:
    """Any text as LaTeX sets it as it stands; words of any length can be broken."""
    words = unicodedata.normalize("NFC", text).split()
    return " ".join(tex_word(w) for w in words)


def tex_lines(text: str) -> str:
    """Any text as LaTeX sets it, its lines and spaces kept."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = []
    for line in text.expandtabs(4).split("\n"):
        pieces = re.split(r"( +)", line)
        found = "".join(
            r"\ " * len(p) if i % 2 else tex_word(p, typed=True)
            for i, p in enumerate(pieces)
        )
        lines.append(rf"\strut {found}\par")
    return "\n".join(lines)


def tex_word(word: str, typed: bool = False) -> str:
    """A word without spaces; a long one with places to break at."""
    if len(word) <= UNBROKEN:
        return short_word(word, typed)
    return r"\allowbreak{}".join(tex_sign(c, typed) for c in clusters(word))


@lru_cache(maxsize=8192)
def short_word(word: str, typed: bool) -> str:
    """A word that needs no place to break at, each of its signs on its own."""
    pieces = [tex_sign(c, typed) for c in clusters(word)]
    found = ""
    for before, piece in zip(["", *pieces], pieces):
        apart = before in LIGATURES and piece in LIGATURES
        found += "{}" + piece if apart else piece
    return found


def clusters(word: str) -> list[str]:
    """Each sign with the accents behind it."""
    return re.findall(r".[\u0300-\u036f]*", word, re.S)


def tex_sign(cluster: str, typed: bool) -> str:
    """One sign with its accents; where it is typed, straight quotes stay straight."""
    straight = {"`": r"\textasciigrave{}", "'": r"\textquotesingle{}"}
    if typed and cluster in straight:
        return straight[cluster]
    base, marks = cluster[0], cluster[1:]
    if "\U0001d400" <= base <= "\U0001d7ff":  # letters in a style, as 𝟏 for ones
        plain_ = escape.tex(unicodedata.normalize("NFKC", base))
        return plain_ if "ITALIC" in unicodedata.name(base, "") else rf"\textbf{{{plain_}}}"
    if not marks or not all(m in escape.ACCENTS for m in marks):
        return escape.tex(cluster)
    if not (base.isascii() and base.isalpha()):
        return escape.tex(base)
    for m in marks:
        base = rf"\{escape.ACCENTS[m]}{{{base}}}"
    return base


# -- plain text -------------------------------------------------------------------------


def part_text(result: Result | None) -> str:
    """What is said of one answer, in Unicode, for Gradescope."""
    if result is None:
        return "not answered"
    v = result.verdict
    lines = [f"{MARKS[v.mark]} {MARK_WORDS[v.mark]}", f"Your answer: {clean(result.text)}"]
    if v.understood_as:
        lines.append(f"Understood as: {clean(v.understood_as)}")
    if v.mark == "invalid":
        lines.append(clean(v.feedback))
    elif v.feedback and v.feedback != DECIDE:
        lines.append(clean(marked_up(v.feedback, "text")))
    lines += added(result)
    if told := history(result):
        lines.append(told)
    return "\n".join(lines)


def summary_text(whole: ProblemSet, marked: Marked) -> str:
    """All parts in short lines, none of the student's own words, for a grade book."""
    lines = []
    for p in whole.problems:
        result = marked.results.get(p.id)
        if result is None:
            lines.append(f"{p.id}: not answered")
            continue
        v = result.verdict
        line = f"{p.id}: {MARK_WORDS[v.mark]}, {shown_points(v.points)} of {points_text(p.points)}"
        if v.feedback and v.mark in ("wrong", "partly"):
            line += ". " + " ".join(clean(marked_up(v.feedback, "text")).split())
        lines.append(line)
    return "\n".join(lines)


def clean(text: str) -> str:
    """Text that a terminal, JSON and any page may hold."""
    return escape.terminal(text).encode(errors="replace").decode()


def feedback(whole: ProblemSet, marked: Marked, format: str = "html") -> str:
    """One student's feedback as "html", "tex" or "text"."""
    if format == "text":
        return summary_text(whole, marked) + "\n"
    return Pages(whole, format).page(marked)
