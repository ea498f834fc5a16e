"""Matrices whose rows are too wide for a line, as text and as LaTeX, an entry a line."""

from __future__ import annotations

from collections.abc import Sequence

PAGE = {"text": 76, "latex": 110}  # characters of plain text that a line has room for


def width(rows: Sequence[Sequence[str]]) -> int:
    """How wide the rows of a matrix are as plain text."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return sum(widths) + 2 * len(widths)


def otherwise(
    rows: Sequence[Sequence[str]], plain: Sequence[Sequence[str]], letters: bool, form: str
) -> str:
    """A matrix whose rows are too wide for a line, set another way; else nothing."""
    if width(plain) <= PAGE[form]:
        return ""
    if letters:
        return listed_rows(rows, form)
    return wrapped(rows[0]) if form == "text" and len(rows) == 1 else ""


def listed_rows(rows: Sequence[Sequence[str]], form: str) -> str:
    """A matrix whose rows are too wide, an entry a line."""
    if form == "latex":
        lines = r" \\ ".join(
            rf"\text{{row {i}:}} & " + r", \\ & ".join(row) for i, row in enumerate(rows, 1)
        )
        return rf"\begin{{array}}[t]{{ll}} {lines} \end{{array}}"
    cut = [[in_lines(entry, PAGE[form] - 16) for entry in row] for row in rows]
    if len(rows) == 1:
        return "[" + ",\n".join(cut[0]).replace("\n", "\n ") + "]"
    labels = [f"row {i}  " for i in range(1, len(rows) + 1)]
    return "\n".join(
        label + ",\n".join(row).replace("\n", "\n" + " " * len(label))
        for label, row in zip(labels, cut)
    )


def wrapped(cells: Sequence[str]) -> str:
    """One row of numbers that is too wide, in columns over several lines."""
    broad = max(map(len, cells))
    many = max(1, PAGE["text"] // (broad + 2))
    lines = [cells[i : i + many] for i in range(0, len(cells), many)]
    return "[" + "\n ".join("  ".join(c.rjust(broad) for c in line) for line in lines) + "]"


def in_lines(entry: str, width: int) -> str:
    """A long entry broken before its signs."""
    lines = []
    while len(entry) > width:
        at = max(entry.rfind(sign, 4, width) for sign in (" + ", " − "))
        if at < 0:
            break
        lines.append(entry[:at])
        entry = " " * 4 + entry[at + 1 :]
    return "\n".join([*lines, entry])
