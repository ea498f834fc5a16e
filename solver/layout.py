"""How an answer's lines are laid out on a page, in LaTeX or MathML.

Long mathematics comes in pieces between which a line may be broken: before a
relation, a plus or a times, after a comma. Lines with short labels form blocks aligned
at their last relation; the others are sentences. Strings in, strings out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from solver.tables.shown import Grid
    from solver.view import Line

WIDTH = 81  # characters of plain text that a page is sure to hold
LABEL, CHUNK = 24, 28  # longest label beside a chain; widest piece left whole
OUTLIER = 20  # a formula this much wider than the lines below it stands above them
FRACTION = {
    "latex": re.compile(
        r"\\frac\{((?:[^{}]|\{[^{}]*\})*)\}\{((?:[^{}]|\{[^{}]*\})*)\}"
    ),
    "mathml": re.compile(
        r"<mfrac>((?:(?!</?mfrac|</mrow><mrow>).)*)</mrow><mrow>((?:(?!</?mfrac).)*)</mfrac>"
    ),
}
SET = {  # how wide the rest is set: a sign takes three digits, a macro's letter one
    form: [(re.compile(pattern), instead) for pattern, instead in patterns]
    for form, patterns in {
        "latex": [
            (r"\\(?:begin|end)\{\w+\}|\\(?:left|right|text|mathrm)\b", ""),
            (r"\\\\", "\n"),
            (r"(?:^|\{\}| )[-+=] |\\(?:times|approx|cdots|quad|ge)\b|&", "000"),
            (r"\\[a-zA-Z]+|\\.", "0"),
            (r"[A-Z]", "00"),
            (r"[{}^_ ]", ""),
        ],
        "mathml": [
            (r"</mtr>", "\n"),
            (r"<mo[^>]*>[+−=×≈]</mo>|</mtd>", "000"),
            (r"<[^>]*>", ""),
        ],
    }.items()
}
FLAT = re.compile(
    r"<mo>\(</mo>((?:(?!<mo>[()]</mo>|<mfrac|<mtable|<mo>[⌊⌈]).)*)<mo>\)</mo>"
)
OPENING, CLOSING = "([{⌊⌈", ")]}⌋⌉"
RELATIONS = "=≈≤≥≠→⇒"
EQUALS = {"latex": "= ", "mathml": '<mo form="infix">=</mo>'}
ABOUT = {"latex": r"\approx ", "mathml": "<mo>≈</mo>"}
SIGNS = {
    "latex": {
        "≥": r" \ge ", "≤": r" \le ", "≠": r" \ne ", ">": " > ", "<": " < ", "=": " = ",
    },
    "mathml": {
        "≥": "<mo>≥</mo>", "≤": "<mo>≤</mo>", "≠": "<mo>≠</mo>",
        ">": "<mo>&gt;</mo>", "<": "<mo>&lt;</mo>", "=": "<mo>=</mo>",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One row of a block: what stands before the column of relations, and the rest."""

    label: str
    depth: int
    left: str
    right: str


@dataclass(frozen=True)
class Block:
    """Aligned rows, or a sentence: its words and the mathematics that follows them.

    `head` marks a sentence that heads the lines below it. A table stands by itself.
    """

    rows: tuple[Row, ...] = ()
    label: str = ""
    text: str = ""
    depth: int = 0
    head: bool = False
    aligned: bool = False
    grid: Grid | None = None


def blocks(lines: Sequence[Line | Grid], form: str) -> Iterator[Block]:
    """The lines of an answer, those that can be aligned together."""
    from solver.tables.shown import Grid
    from solver.view import Line

    waiting: list[Line] = []
    for line, after in pairwise([*lines, None]):
        assert line is not None
        if isinstance(line, Grid):
            yield from together(waiting, form)
            waiting = []
            yield Block(grid=line)
            continue
        heads = isinstance(after, Line) and after.depth > line.depth
        if fits(line, form) and not (heads and len(line.chain) == 1):
            waiting.append(line)
            continue
        if (
            waiting
            and line.depth > 0
            and line.chain
            and not heads
            and tucked(line, form)
        ):
            waiting.append(line)
            continue
        yield from together(waiting, form)
        waiting = []
        text = "" if not line.chain else spoken(line, form)
        yield Block(label=line.label, text=text, depth=line.depth, head=heads)
    yield from together(waiting, form)


def fits(line: Line, form: str) -> bool:
    """Whether a line has mathematics, with a label short enough to stand beside it."""
    short = line.broad + 2 * line.depth <= LABEL
    wordy = any(s and measure(m, form) > LABEL for s, m in zip(line.said, line.chain))
    return bool(line.chain) and short and not wordy


def tucked(line: Line, form: str) -> bool:
    """Whether a line below another can stand there with its long label."""
    return line.broad + chain_width(widths(line.chain, form)) + 2 <= WIDTH - LABEL


def together(lines: list[Line], form: str) -> Iterator[Block]:
    """The block of these lines: aligned at the last relation if that fits."""
    if not lines:
        return
    labelled = [line.broad + 2 * line.depth for line in lines if fits(line, form)]
    room = WIDTH - 3 - max(labelled)
    found = [widths(line.chain, form) for line in lines]
    aligned = len(labelled) == len(lines) and all(len(w) > 1 for w in found)
    aligned = aligned and not any(any(line.said) for line in lines)
    above: list[bool] = []
    if aligned:
        left = room - 3 - max(w[-1] for w in found)
        above = [formula_above(w, found, left) for w in found]
        narrow = [left_width(w, up) <= left for w, up in zip(found, above)]
        if not narrow[-1] and len(lines) > 2 and all(narrow[:-1]):
            yield from together(lines[:-1], form)  # a wide total by itself, below
            yield from together(lines[-1:], form)
            return
        aligned = all(narrow)
    rows: list[Row] = []
    for i, line in enumerate(lines):
        rows += columns(line, form, above[i]) if aligned else free(line, form, room)
    yield Block(rows=tuple(rows), aligned=aligned)


def left_width(found: Sequence[int], above: bool) -> int:
    """The width of what stands before the last relation."""
    if above:
        return max(chain_width(found[:-2]), found[-2] + 2)
    return chain_width(found[:-1])


def widths(chain: Sequence[str], form: str) -> list[int]:
    """The widths of a chain's members."""
    return [measure(m, form) for m in chain]


def chain_width(found: Sequence[int]) -> int:
    """The width of members with relations between them."""
    return sum(found) + 3 * max(len(found) - 1, 0)


def formula_above(
    line: Sequence[int], lines: Sequence[Sequence[int]], room: int
) -> bool:
    """Whether a line's formula is so much wider than the other lines, or than the page,
    that it is better set above its own numbers."""
    whole = chain_width(line[:-1])
    if len(line) < 3 or len(line) == 3 and line[0] <= 10:
        return False
    others = [chain_width(o[:-1]) for o in lines if len(o) < 3]
    return whole > room or len(others) > 1 and whole > max(*others, line[-2]) + OUTLIER


def columns(line: Line, form: str, above: bool) -> Iterator[Row]:
    """A line aligned at its last relation, its formula above if so wanted."""
    *lefts, right = line.chain
    label = line.label
    if above:
        yield Row(label, line.depth, in_row(lefts[:-1], form), "")
        lefts, label = [related(lefts[-1], form)], ""
    yield Row(
        label, line.depth, in_row(lefts, form), in_row([related(right, form)], form)
    )


def in_row(chain: Sequence[str], form: str) -> str:
    """A chain for a row: as it is inside LaTeX's alignment, else as <math>."""
    if form == "mathml":
        return math(chain_pieces(chain, form), form, True)
    return roomy(chain[0] + "".join(" " + related(m, form) for m in chain[1:]))


def related(member: str, form: str) -> str:
    """A member with the relation before it; one that begins with ≈ has its own."""
    return member if member.startswith(ABOUT[form]) else EQUALS[form] + member


def free(line: Line, form: str, room: int) -> Iterator[Row]:
    """A line by itself, from the left; broken at its relations in LaTeX (a browser
    breaks it by itself), and at its terms where a member is too long."""
    long = not fits(line, form)
    if form == "mathml":
        shown = in_row(line.chain, form)
        label, shown = ("", f"{line.label}: {shown}") if long else (line.label, shown)
        yield Row(label, line.depth, "", shown)
        return
    label, row, width = (
        ("", rf"\text{{{line.label}: }}", line.broad) if long else (line.label, "", 0)
    )
    found = widths(line.chain, form)
    hang, used = rf"\phantom{{{line.chain[0]}}} ", found[0]
    if used > 10 or len(found) < 2 or long:
        hang, used = r"\quad ", 2
    for n, (member, broad) in enumerate(zip(line.chain, found)):
        shown = member if n == 0 else related(member, form)
        if n and width + broad + 3 > room:
            yield Row(label, line.depth, "", row)
            label, row, width = "", hang, used
        if width + broad + 3 <= room:
            row, width = row + (" " if row else "") + roomy(shown), width + broad + 3
            continue
        for i, piece in enumerate(pieces(shown, form, always=True)):
            if i and width + measure(piece, form) > room:
                yield Row(label, line.depth, "", row)
                label, row, width = "", hang + (r"\quad " if n else "") + "{}", used + 2
            row, width = (
                f"{row} {piece.removeprefix('{}')}",
                width + measure(piece, form),
            )
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
            found += (glue if i else "") + f"${style}{roomy(part)}$"
        else:
            part = part.replace("<mtext> ", "<mtext>\u00a0")  # or the space is lost
            glue = "<wbr>" if part.startswith("<mo") else " "
            how = ' displaystyle="true"' if display else ""
            found += (glue if i else "") + f"<math{how}>{flat(part)}</math>"
    return found


def flat(shown: str) -> str:
    """MathML whose round brackets keep their size around what is one line high."""
    before = ""
    while before != shown:
        before = shown
        shown = FLAT.sub(
            r'<mo stretchy="false">(</mo>\1<mo stretchy="false">)</mo>', shown
        )
    return shown


def roomy(shown: str) -> str:
    """LaTeX in which the fractions of a matrix are of full size."""
    if r"\begin{bmatrix}" not in shown or r"\frac" not in shown:
        return shown
    return shown.replace(r"\frac", r"\dfrac").replace(r"\\ ", r"\\[6pt] ")


# -- pieces ----------------------------------------------------------------------------


def pieces(shown: str, form: str, always: bool = False) -> list[str]:
    """Mathematics cut at its outermost semicolons, else commas; if it is long, else at
    its signs, else between its factors; and the pieces again."""
    long = always or measure(shown, form) > CHUNK
    cut = latex_pieces if form == "latex" else mathml_pieces
    for after, before in ((";", ""), (",", ""), ("", "+-−×"), ("", "·⊙("))[
        : 4 if long else 2
    ]:
        found = cut(shown, after, before)
        if len(found) > 1:
            return [
                p
                for one in found
                for p in (pieces(one, form) if measure(one, form) > CHUNK else [one])
            ]
    return [shown]


def measure(shown: str, form: str) -> int:
    """About how many digits wide this is; of a fraction and of rows, the widest."""
    before = ""
    while before != shown:
        before = shown
        shown = FRACTION[form].sub(
            lambda f: "0" * max(measure(h, form) for h in f.groups()), shown
        )
    for pattern, instead in SET[form]:
        shown = pattern.sub(instead, shown)
    return max(len(row) for row in shown.split("\n"))


def latex_pieces(shown: str, after: str, before: str) -> list[str]:
    """LaTeX cut after or before these signs where they are inside nothing."""
    found, depth, start = [""], 0, True
    for token in re.findall(r"\\[a-zA-Z]+ ?|\\.|.", shown, re.S):
        name = token.strip()
        if name in ("{", "(", r"\left", r"\begin"):
            depth += 1
        elif name in ("}", ")", r"\right", r"\end"):
            depth -= 1
        opened = depth == 1 and name == r"\left" and found[-1][-1:] == " "
        outside = (depth == 0 or opened) and not start and found[-1] != "{}"
        sign = {r"\times": "×", r"\cdot": "·", r"\odot": "⊙", r"\left": "("}.get(
            name, name if found[-1][-1:] == " " else ""
        )
        if outside and sign and sign in before:
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
    found, depth = [""], 0
    for element in elements(shown):
        operator = re.fullmatch(r"<mo[^>]*>([^<]*)</mo>", element)
        sign = operator[1] if operator else ""
        depth += (sign in OPENING) - (sign in CLOSING) if sign else 0
        outside = depth == 0 and sign != "" and found[-1] != ""
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
