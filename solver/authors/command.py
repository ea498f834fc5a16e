"""`pset key`, `sheet`, `guide` and `lint`: what they do, and what they print."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from solver.core import BadInput
from solver.telling import rewrite, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from solver.authors.cases import Finding
    from solver.sets import ProblemSet

FOUND = 3  # the exit code of lint where something is wrong
MANY = 999  # variants at a time


def key(
    sets: Sequence[str], format: str, out: str | None, variant: str, student: str
) -> int:
    """Print or write the answer key of each set."""
    return documents("key", sets, format, out, variant, student)


def guide(
    sets: Sequence[str], format: str, out: str | None, variant: str, student: str
) -> int:
    """Print or write the marking guide of each set."""
    return documents("guide", sets, format, out, variant, student)


def sheet(
    sets: Sequence[str],
    format: str,
    out: str | None,
    variant: str,
    student: str,
    variants: int | None = None,
) -> int:
    """Print or write the hand-out of each set; or so many variants of it, with their keys."""
    if variants is None:
        return documents("sheet", sets, format, out, variant, student)
    if variant or student:
        raise BadInput(
            "--variants N writes variants 1 to N: leave --variant and --student out"
        )
    if not 1 <= variants <= MANY:
        raise BadInput(f"there are from 1 to {MANY} variants, not {variants}")
    if out is None:
        raise BadInput("several hand-outs are written into a folder: add --out DIR")
    from solver.sets import load_set

    wanted = chosen(format, out)
    for name in sets:
        whole = load_set(name)
        if not whole.varied:
            raise BadInput("no part of it has [problem.variants]").at(whole.path)
        fewest = min(len(v.parameters.numbered) for v in whole.varied.values())
        if fewest < variants:
            say(
                f"some parts of {whole.name} have {fewest} variants only, which begin anew"
            )
        for number in range(1, variants + 1):
            own = whole.under(str(number))
            for what in ("sheet", "key"):
                printed(own, what, wanted, out)
    return 0


def documents(
    what: str,
    sets: Iterable[str],
    format: str,
    out: str | None,
    variant: str,
    student: str,
) -> int:
    """Print a document of each set, or write it into a folder and say where."""
    from solver.sets import load_set
    from solver.varied import label

    wanted, under = chosen(format, out), label(variant, student)
    for name in sets:
        printed(load_set(name).under(under), what, wanted, out)
    return 0


def printed(
    whole: ProblemSet, what: str, formats: Sequence[str], out: str | None
) -> None:
    """One document on the terminal, or in files whose names are printed."""
    from solver.documents import document, write_documents

    if out is None:
        print(document(whole, what, formats[0]).rstrip("\n"))
        return
    for path in write_documents(whole, what, formats, Path(out)):
        print(path)


def chosen(format: str, out: str | None) -> list[str]:
    """The formats in a list with commas; files are written where there are several."""
    from solver.documents import ENDINGS
    from solver.registry import unknown

    formats = [f.strip() for f in format.split(",")]
    for one in formats:
        if one not in ENDINGS:
            raise unknown("format", one, list(ENDINGS))
    if out is None and (len(formats) > 1 or "pdf" in formats):
        raise BadInput(
            "a PDF, or several formats, are written into a folder: add --out DIR"
        )
    return formats


def lint(sets: Sequence[str], json: bool = False) -> int:
    """Print what is wrong in each set, a line each; 3 if anything is, else 0."""
    from solver.authors.cases import findings
    from solver.escape import terminal
    from solver.render import dump
    from solver.sets import set_path

    found, lines, count = [], 0, Count(sys.stderr)
    for name in sets:
        of_part = groupby(
            findings(set_path(name), name, count), lambda one: one.problem
        )
        for _, each in of_part:
            told = list(each)
            found += told
            for line in () if json else once(told):
                lines += 1
                count.clear()
                print(terminal(line), flush=True)
    count.clear()
    if json:
        print(dump([one.data() for one in found]))
    else:
        of = f"{len(sets)} set{'s' * (len(sets) != 1)}, {count.seen:,} parts and variants"
        print(f"{of}: {f'{lines:,} found' if found else 'nothing found'}")
    return FOUND if found else 0


def once(found: Iterable[Finding]) -> list[str]:
    """A line for each finding of a part; what other variants have as well, but for its
    numbers, is counted in the first one's line."""
    alike: dict[tuple[str, str], list[Finding]] = {}
    for one in found:
        kind = re.sub(r"\d[\d,.]*", "#", one.says)
        alike.setdefault((one.check, kind), []).append(one)
    lines = []
    for first, *rest in alike.values():
        own = [one for one in rest if one.variant == first.variant]
        more = len({one.variant for one in rest} - {first.variant})
        also = f", and so in {more} more variant{'s' * (more != 1)}" if more else ""
        lines += [first.line(also), *map(str, own)]
    return lines


class Count:
    """How many parts and variants were looked at: one line rewritten on a terminal."""

    def __init__(self, stream: TextIO):
        self.stream, self.live, self.seen, self.at = stream, stream.isatty(), 0, 0.0

    def __call__(self, done: int, total: int) -> None:
        self.seen += 1
        if self.live and time.monotonic() - self.at > 0.1:
            self.at = time.monotonic()
            rewrite(self.stream, f"{done:,}/{total:,} parts and variants")

    def clear(self) -> None:
        """Take the line away, before something else is printed."""
        if self.live:
            rewrite(self.stream)
