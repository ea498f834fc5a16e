"""How an answer's lines are laid out on a page, in LaTeX or MathML.

Long mathematics comes in pieces between which a line may be broken: before a relation, a
plus or a times, after a comma. Lines with short labels form blocks aligned at their last
relation; the others are sentences. Strings in, strings out; widths are of plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from solver.view import Line

WIDTH = 78  # characters of plain text that a page is sure to hold
LABEL, CHUNK = 24, 28  # longest label beside a chain; widest piece left whole
OUTLIER = 12  # a formula this much wider than the lines below it stands above them
EQUALS = {"latex": "= ", "mathml": '<mo form="infix">=</mo>'}
ABOUT = {"latex": r"\approx ", "mathml": "<mo>≈</mo>"}
SIGNS = {
    "latex": {"≥": r" \ge ", "≤": r" \le ", "≠": r" \ne ", ">": " > ", "<": " < ", "=": " = "},
    "mathml": {
        "≥": "<mo>≥</mo>", "≤": "<mo>≤</mo>", "≠": "<mo>≠</mo>",
        ">": "<mo>&gt;</mo>", "<": "<mo>&lt;</mo>", "=": "<mo>=</mo>",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One row of a block: what stands before the column of relations, and from it on."""

    label: str
    depth: int
    left: str
    right: str


@dataclass(frozen=True)
class Block:
    """Aligned rows, or a sentence: its words and the mathematics that follows them.

    `head` marks a sentence that heads the lines below it.
    """

    rows: tuple[Row, ...] = ()
    label: str = ""
    text: str = ""
    depth: int = 0
    head: bool = False
    aligned: bool = False


def blocks(lines: Sequence[Line], form: str) -> Iterator[Block]:
    """The lines of an answer, those that can be aligned together."""
    waiting: list[Line] = []
    for line, after in pairwise([*lines, None]):
        assert line is not None
        heads = after is not None and after.depth > line.depth
        long = line.broad + 2 * line.depth > LABEL
        wordy = any(said and w > LABEL for said, w in zip(line.said, line.widths))
        if line.chain and not (long or wordy or heads and len(line.chain) == 1):
            waiting.append(line)
            continue
        yield from together(waiting, form)
        waiting = []
        text = "" if not line.chain else spoken(line, form)
        yield Block(label=line.label, text=text, depth=line.depth, head=heads)
    yield from together(waiting, form)


def together(lines: list[Line], form: str) -> Iterator[Block]:
    """The block of these lines: aligned at the last relation if that fits."""
    if not lines:
        return
    room = WIDTH - 3 - max(line.broad + 2 * line.depth for line in lines)
    above = [formula_above(line, lines) for line in lines]
    lefts = [
        max(chain_width(line.widths[:-2]), line.widths[-2] + 2)
        if up
        else chain_width(line.widths[:-1])
        for line, up in zip(lines, above)
    ]
    aligned = (
        all(len(line.chain) > 1 and not any(line.said) for line in lines)
        and max(lefts) + 3 + max(line.widths[-1] for line in lines) <= room
    )
    rows: list[Row] = []
    for line, up in zip(lines, above):
        if aligned:
            rows += columns(line, form, up)
        else:
            rows += free(line, form, room)
    yield Block(rows=tuple(rows), aligned=aligned)


def chain_width(widths: Sequence[int]) -> int:
    """The width of members with relations between them."""
    return sum(widths) + 3 * max(len(widths) - 1, 0)


def formula_above(line: Line, lines: list[Line]) -> bool:
    """Whether a line's formula is so much wider than the other lines that it is better
    set above its own numbers."""
    if len(lines) < 3 or len(line.chain) < 3:
        return False
    others = [chain_width(o.widths[:-1]) for o in lines if len(o.chain) < 3]
    widest = max([*others, line.widths[-2]])
    return bool(others) and chain_width(line.widths[:-1]) > widest + OUTLIER


def columns(line: Line, form: str, above: bool) -> Iterator[Row]:
    """A line aligned at its last relation, its formula above if so wanted."""
    *lefts, right = line.chain
    label = line.label
    if above:
        yield Row(label, line.depth, in_row(lefts[:-1], form), "")
        lefts, label = [related(lefts[-1], form)], ""
    yield Row(label, line.depth, in_row(lefts, form), in_row([related(right, form)], form))


def in_row(chain: Sequence[str], form: str) -> str:
    """A chain for a row: as it is inside LaTeX's alignment, else as <math>."""
    if form == "mathml":
        return math(chain_pieces(chain, form), form, True)
    return chain[0] + "".join(" " + related(m, form) for m in chain[1:])


def related(member: str, form: str) -> str:
    """A member with the relation before it; one that begins with ≈ has its own."""
    return member if member.startswith(ABOUT[form]) else EQUALS[form] + member


def free(line: Line, form: str, room: int) -> Iterator[Row]:
    """A line by itself, from the left; broken at its relations in LaTeX (a browser breaks
    it by itself), and at its terms where a member is too long."""
    if form == "mathml":
        yield Row(line.label, line.depth, "", in_row(line.chain, form))
        return
    start, *rest = line.chain
    hang, used = (rf"\phantom{{{start}}} ", line.widths[0])
    if used > 10 or not rest:
        hang, used = r"\quad ", 2
    label, row, width = line.label, "", 0
    for n, (member, broad) in enumerate(zip(line.chain, line.widths)):
        sign = "" if n == 0 else " "
        shown = member if n == 0 else related(member, form)
        if n and width + broad + 3 > room:
            yield Row(label, line.depth, "", row)
            label, row, width, sign = "", hang, used, ""
        if width + broad <= room:
            row, width = row + sign + shown, width + broad + 3
            continue
        for i, piece in enumerate(pieces(shown, form, always=True)):
            if i and width + measure(piece, form) > room:
                yield Row(label, line.depth, "", row)
                label, row, width = "", hang + (r"\quad " if n else ""), used + 2
            row, width = f"{row} {piece}", width + measure(piece, form) + 2
    yield Row(label, line.depth, "", row)


def spoken(line: Line, form: str) -> str:
    """A chain inside a sentence; members that are words as text."""
    said = [w for w, is_word in zip(line.chain, line.said) if is_word]
    if len(line.chain) == 1 and said:
        inside = r"\\text\{(.*)\}" if form == "latex" else "<mtext>(.*)</mtext>"
        found = re.fullmatch(inside, said[0], re.S)
        return found[1] if found else math(said, form)
    return math(chain_pieces(line.chain, form), form)


def chain_pieces(chain: Sequence[str], form: str) -> list[str]:
    """A chain's pieces: each relation begins one."""
    found = pieces(chain[0], form)
    for member in chain[1:]:
        first, *rest = pieces(member, form)
        infix = "{}" if form == "latex" else ""
        found += [infix + related(first, form), *rest]
    return found


def math(parts: Sequence[str], form: str, display: bool = False) -> str:
    """Pieces as text with mathematics in it, which may be broken between them."""
    found = ""
    for i, part in enumerate(parts):
        if form == "latex":
            glue = r"\allowbreak" if part.startswith("{}") else " "
            style = r"\displaystyle " if display else ""
            found += (glue if i else "") + f"${style}{part}$"
        else:
            glue = "<wbr>" if part.startswith("<mo") else " "
            how = ' displaystyle="true"' if display else ""
            found += (glue if i else "") + f"<math{how}>{part}</math>"
    return found


# -- pieces -------------------------------------------------------------------------------


def pieces(shown: str, form: str, always: bool = False) -> list[str]:
    """Mathematics cut at its outermost semicolons, else commas, else signs; only if it is
    long, and the pieces again if they are."""
    if measure(shown, form) <= CHUNK and not always:
        return [shown]
    cut = latex_pieces if form == "latex" else mathml_pieces
    for after, before in ((";", ""), (",", ""), ("", "+-−×")):
        found = cut(shown, after, before)
        if len(found) > 1:
            return [p for one in found for p in pieces(one, form)]
    return [shown]


def measure(shown: str, form: str) -> int:
    """About how many characters wide this is."""
    if form == "mathml":
        return len(re.sub("<[^>]*>", "", shown))
    shown = re.sub(r"\\(?:left|right|text|mathrm|begin|end|frac|quad)\b|[{}\s]", "", shown)
    return len(re.sub(r"\\[a-zA-Z]+|\\.", "x", shown))


def latex_pieces(shown: str, after: str, before: str) -> list[str]:
    """LaTeX cut after or before these signs where they are inside nothing."""
    found, depth, start = [""], 0, True
    for token in re.findall(r"\\[a-zA-Z]+ ?|\\.|.", shown, re.S):
        name = token.strip()
        if name in ("{", "(", r"\left", r"\begin"):
            depth += 1
        elif name in ("}", ")", r"\right", r"\end"):
            depth -= 1
        outside = depth == 0 and not start
        if outside and before and (name == r"\times" or name in "+-" and found[-1][-1:] == " "):
            found[-1] = found[-1].rstrip()
            found.append("{}")
        if start and name in (r"\ ", r"\quad", ""):
            continue
        found[-1] += token
        start = False
        if outside and after and name == after:
            found.append("")
            start = True
    return [p for p in found if p]


def mathml_pieces(shown: str, after: str, before: str) -> list[str]:
    """MathML cut after or before these operators where they are inside nothing."""
    found, brackets = [""], 0
    for element in elements(shown):
        sign = element[4:-5] if element.startswith("<mo>") else ""
        brackets += (sign == "(") - (sign == ")")
        outside = brackets == 0 and sign != "" and found[-1] != ""
        if outside and sign in before:
            found.append("")
            element = f'<mo form="infix">{sign}</mo>'
        if found[-1] or not element.startswith("<mspace"):
            found[-1] += element
        if outside and sign == after:
            found.append("")
    return [p for p in found if p]


def elements(shown: str) -> list[str]:
    """The outermost elements of MathML, one after the other."""
    found, depth = [""], 0
    for token in re.findall(r"<[^>]*>|[^<]+", shown):
        found[-1] += token
        if token[0] == "<" and not token.endswith("/>"):
            depth += -1 if token[1] == "/" else 1
        if depth == 0:
            found.append("")
    return found[:-1]
