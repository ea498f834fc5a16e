"""Reading a shape: 64x62x62, (64, 62, 62), 62 × 62 with 64 channels, sums in brackets."""

from __future__ import annotations

import re

from solver.core import BadInput
from solver.given import size
from solver.values import Shape

DIMENSIONS = {
    "channels", "channel", "maps", "filters", "height", "width", "depth", "length",
    "pixels", "shape",
}  # fmt: skip


def shape(text: str) -> Shape:
    """64x62x62, (64, 62, 62), 62 × 62 with 64 channels; sums in brackets."""
    text = text.replace("*", "×")
    named = re.search(
        r"(?:,|and|with|;)?\s*(\d+)\s*(?:channels?|maps?|filters?)\b", text
    )
    order, first = "", []
    if named:
        text = (text[: named.start()] + " " + text[named.end() :]).strip(" ,;")
        first, order = [int(named[1])], "CHW"
    text = re.sub(r"\b(?:by|and|with)\b", "×", text)
    for word in re.findall(r"(?<![A-Za-z_])[A-Za-z]{3,}", text):
        if word.lower() not in DIMENSIONS | {"floor", "ceil"}:
            raise BadInput(f"the word {word[:30]!r} is not understood in a shape")
    text = re.sub(rf"(?i)\b(?:{'|'.join(DIMENSIONS)})\b:?", " ", text)
    if sizes := [size(t, "shape") for t in cut(text)]:
        return Shape((*first, *sizes), order)
    raise BadInput("expected a shape such as 64 x 32 x 32")


def cut(text: str) -> list[str]:
    """The sizes of a shape: cut at ×, x and commas outside brackets, else at spaces."""
    text = text.strip()
    while text[:1] and text[0] in "([" and text[-1] in ")]" and balanced(text[1:-1]):
        text = text[1:-1].strip()
    pieces, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "([⌊⌈") - (c in ")]⌋⌉")
        before, after = text[:i].rstrip()[-1:], text[i + 1 :].lstrip()[:1]
        cross = c in "×," or (
            c in "xX"
            and (before.isalnum() or before in ")⌋⌉")
            and (after.isalnum() or after in "(⌊⌈-")
        )  # fmt: skip
        if cross and depth == 0:
            pieces.append(text[start:i].strip())
            start = i + 1
    pieces.append(text[start:].strip())
    if len(pieces) == 1 and re.fullmatch(r"[\w\s]+", text):
        pieces = text.split()
    if any(not p for p in pieces) and text:
        raise BadInput("a size is missing in this shape")
    return [p for p in pieces if p]


def balanced(text: str) -> bool:
    """Whether brackets close only what they opened here."""
    depth = 0
    for c in text:
        depth += (c in "([") - (c in ")]")
        if depth < 0:
            return False
    return depth == 0
