r"""The filled-in hand-out read back: \begin{answer}[value]{part} … \end{answer}, \student{…}.

LaTeX is looked at, never run. Students break it: each answer that can be read is read,
and a sentence says what is wrong with the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from solver.core import BadInput
from solver.courses.naming import from_latex, readable
from solver.courses.parts import Parts, Said

LONGEST_VERB = 2_000  # characters between the signs of \verb
FOREIGN = 5  # boxes of unknown parts from which on it may be another set's hand-out

TOKEN = re.compile(
    r"(?P<verb>\\verb(?![A-Za-z])\*?)"
    r"|\\begin\s{0,9}\{(?P<raw>verbatim\*?|lstlisting)\}"
    r"|(?P<open>\\begin\s{0,9}\{\s{0,9}answer\s{0,9}\})"
    r"|(?P<close>\\end\s{0,9}\{\s{0,9}answer\s{0,9}\})"
    r"|\\(?P<named>student|variant)\s{0,9}(?=\{)"
    r"|(?P<on>\\(?:(?:need|place|part)(?![A-Za-z])|label\{lastpage\}|end\s{0,9}\{document\}))"
    r"|(?P<comment>%[^\n]*)"
    r"|\\.",
    re.S,
)
HEAD = re.compile(
    r"\s{0,20}(?:\[(?P<value>[^\]\n]{0,200})\])?\s{0,20}\{(?P<part>[^{}\n]{0,200})\}"
)


class NoBoxes(BadInput):
    """A LaTeX file that is not the hand-out: beside one it may belong to it."""


@dataclass
class Box:
    """One place of the hand-out, with what was written into it."""

    part: str
    value: str
    text: str
    closed: bool


@dataclass
class Handout:
    """What a LaTeX file holds before it is held against a set."""

    student: str = ""
    variant: str = ""
    boxes: list[Box] = field(default_factory=list)
    unread: Said = field(default_factory=Said)


def looks_like_handout(text: str) -> bool:
    """Whether a text is LaTeX rather than TOML or JSON."""
    found = re.search(r"\\begin\s*\{(?:answer|document)\}|\\documentclass", text)
    return found is not None


def read_handout(text: str, parts: Parts) -> tuple[Handout, dict[str, str]]:
    """The hand-out and its answers by part, as `pset check` reads them.

    Named boxes of one part become `name value; name value`. A box that is still empty is
    no answer. A box that is never closed is read up to where the hand-out goes on, and
    that is said; of a box that is there twice the first is read. Raises BadInput where
    nothing of the hand-out is found.
    """
    found = scan(text)
    if not found.boxes:
        raise NoBoxes(
            r"there is no \begin{answer}{part} in this file: it is not the hand-out; "
            "fill in the .tex that `pset sheet SET --format tex` makes"
        )
    strange = [b for b in found.boxes if b.part not in parts]
    if len(strange) >= FOREIGN and 2 * len(strange) > len(found.boxes):
        found.unread = Said()
        found.unread(
            f"this is the hand-out of another set: of its {len(found.boxes)} boxes "
            f"{len(strange)} are of parts that {parts.name} does not have, such as "
            f"{readable(strange[0].part, 40)}; nothing was read"
        )
        return found, {}
    gathered: dict[str, dict[str, str]] = {}
    times: dict[tuple[str, str], int] = {}
    for box in found.boxes:
        if not box.closed:
            found.unread(
                rf"the box {place(box)} is never closed: \end{{answer}} is missing; its "
                "answer is read up to where the hand-out goes on"
            )
        count = times[box.part, box.value] = times.get((box.part, box.value), 0) + 1
        if not box.text:
            continue
        if box.part not in parts:
            if found.unread.room():
                found.unread(f"{parts.unknown(box.part)}; it says {cut(box.text)}")
            continue
        name = box.value and parts.named(box.part, box.value, count)
        if name is None:
            found.unread(
                f"the part {box.part} has no value {readable(box.value, 40)!r}; its box "
                f"says {cut(box.text)}"
            )
            continue
        own = gathered.setdefault(box.part, {})
        if name not in own:
            own[name] = box.text
        elif own[name] != box.text:
            found.unread(
                f"the box {place(box)} is there twice: the first is read, which says "
                f"{cut(own[name])}; the other says {cut(box.text)}"
            )
    return found, {part: parts.joined(part, own) for part, own in gathered.items()}


def place(box: Box) -> str:
    """A box as its student finds it."""
    value = f"[{readable(box.value, 40)}]" if box.value else ""
    return f"{value}{{{readable(box.part, 40)}}}"


def cut(text: str) -> str:
    """The start of what was written, for a message."""
    return f"“{readable(text, 60)}”"


# -- one walk through the text ------------------------------------------------------------


def scan(text: str) -> Handout:
    """The boxes and the name: one walk from token to token, in linear time."""
    found = Handout()
    box: Box | None = None
    written: list[str] = []
    names = 0
    done = 0  # the text up to here has been taken or passed over
    for kind, start, end, inside in tokens(text):
        if box is not None:
            written.append(text[done:start])
        done = end
        if kind == "close" or kind in ("open", "goes on") and box is not None:
            if box is not None:
                box.text, box.closed = "".join(written).strip(), kind == "close"
                found.boxes.append(box)
                box, written = None, []
            elif kind == "close":
                found.unread(
                    r"an \end{answer} closes no box: its \begin{answer} is missing"
                )
        if kind == "open":
            m = HEAD.match(text, end)
            if m is None:
                if found.unread.room():
                    line = (text[start:end] + text[end : end + 60]).split("\n")[0]
                    found.unread(
                        f"a box is named in a way that cannot be read: {readable(line, 60)}"
                    )
                continue
            box = Box(m["part"].strip(), (m["value"] or "").strip(), "", False)
            done = m.end()
        elif kind == "variant" and not found.variant or kind == "student" and names < 9:
            argument, done = braces(text, end)
            if kind == "variant":
                found.variant = readable(from_latex(argument or ""), 120)
                continue
            names += 1  # a name is looked for in the first few only
            found.student = found.student or from_latex(
                text[end + 1 : done] if argument is None else argument
            )
            if argument is None:
                found.unread(
                    r"the braces of \student{…} do not match: the name is read to the "
                    "end of its line"
                )
        elif box is not None:
            written.append(inside)
    if box is not None:
        box.text = ("".join(written) + text[done:]).strip()
        found.boxes.append(box)
    return found


def tokens(text: str) -> Iterator[tuple[str, int, int, str]]:
    """Each token: what it is, where it starts and ends, and what it stands for in an answer.

    Comments stand for nothing, \\verb|…| for what is between its signs; `goes on` is where
    the hand-out does. What is between tokens is text. Definitions in the preamble are passed
    over: they name the same commands.
    """
    never: set[str] = set()  # endings that do not come any more: not looked for again
    at = beginning(text)
    while m := TOKEN.search(text, at):
        token, start, at, kind = m[0], m.start(), m.end(), m.lastgroup
        if kind == "raw":
            ending = f"\\end{{{m['raw']}}}"
            stop = -1 if ending in never else text.find(ending, at)
            if stop < 0:
                never.add(ending)
                yield "text", start, at, token
                continue
            yield "text", start, stop + len(ending), text[at:stop]
            at = stop + len(ending)
        elif kind == "verb":
            line = text[at : at + LONGEST_VERB].split("\n", 1)[0]
            stop = line.find(line[0], 1) if line and not line[0].isalnum() else -1
            inside = line[1:stop] if stop > 0 else token
            at += stop + 1 if stop > 0 else 0
            yield "text", start, at, inside
        elif kind == "comment":
            # A line that is a comment only goes with its end; else the end is a space.
            if begins_line(text, start) and text[at : at + 1] == "\n":
                at += 1
            yield "text", start, at, ""
        elif kind == "named":
            yield m["named"], start, at, ""
        elif kind in ("open", "close"):
            yield kind, start, at, ""
        elif kind == "on" and begins_line(text, start):  # else it is a student's own
            yield "goes on", start, at, token
        else:
            yield "text", start, at, token


def begins_line(text: str, at: int) -> bool:
    """Whether there is only space before this place in its line."""
    before = text[max(0, at - 80) : at]
    return not before.rpartition("\n")[2].strip() and ("\n" in before or at <= 80)


def beginning(text: str) -> int:
    """Where the document begins; at the start of a text that has no preamble."""
    m = re.search(r"^[ \t]*\\begin\s*\{\s*document\s*\}", text, re.M)
    return m.end() if m else 0


def braces(text: str, at: int) -> tuple[str | None, int]:
    """What is between the braces that open here, and where they end; None where they
    do not close within a paragraph: then the end of the line."""
    depth = 0
    for m in re.compile(r"\\.|[{}]|\n[ \t]*\n", re.S).finditer(text, at, at + 1_000):
        if m[0][0] == "\n":
            break
        if m[0] in "{}":
            depth += 1 if m[0] == "{" else -1
            if depth == 0:
                return text[at + 1 : m.start()], m.end()
    stop = text.find("\n", at, at + 1_000)
    return None, stop if stop >= 0 else min(len(text), at + 1_000)
