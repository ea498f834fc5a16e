"""Algorithms as numbered listings: plain text, a LaTeX array, a MathML table."""

from __future__ import annotations

from collections.abc import Sequence

from solver.expressions.nodes import Expr
from solver.values import Program, show, words

Part = str | Expr
ARROW = {"text": " ← ", "latex": r" \leftarrow ", "mathml": "<mo>←</mo>"}
COMMENT = {"text": "# ", "latex": r"\triangleright\ ", "mathml": "<mo>▷</mo>"}


def listing(value: Program, form: str) -> str:
    """A numbered listing; a LaTeX array or a MathML table."""
    shown = [(depth, parts_shown(parts, form)) for depth, parts in value]
    if form == "text":
        wide = len(str(len(shown)))
        lines = (f"{i:>{wide}}  {'    ' * d}{s}" for i, (d, s) in enumerate(shown, 1))
        return "\n".join(lines)
    if form == "latex":
        rows = "".join(latex_row(i, d, s) for i, (d, s) in enumerate(shown, 1))
        return rf"\begin{{array}}[t]{{rl}} {rows}\end{{array}}"
    space = '<mspace width="1.5em"/>'
    cells = "".join(
        f'<mtr><mtd><mn>{i}</mn></mtd><mtd columnalign="left" style="text-align: left">'
        f"<mrow>{space * d}{s}</mrow></mtd></mtr>"
        for i, (d, s) in enumerate(shown, 1)
    )
    return f"<mtable>{cells}</mtable>"


def latex_row(number: int, depth: int, shown: str) -> str:
    """One row of the array; room around fractions."""
    room = r"[1.4ex]" if r"\frac" in shown else ""
    full = shown.replace(r"\frac", r"\dfrac")
    return f"{number} & " + r"\quad " * depth + full + rf" \\{room} "


def parts_shown(parts: Sequence[Part], form: str) -> str:
    """One line: words in bold where they steer, remarks behind their sign."""
    if parts[0] == "#":
        return COMMENT[form] + words(str(parts[1]), form)
    if "←" in parts:
        return show(parts[0], form) + ARROW[form] + show(parts[2], form)
    gap = {"text": " ", "latex": r"\ ", "mathml": "<mtext> </mtext>"}[form]
    return gap.join(steering(p, form) if isinstance(p, str) else show(p, form) for p in parts)


def steering(text: str, form: str) -> str:
    """Words that say what is done."""
    shown = words(text, form)
    return shown.replace(r"\text{", r"\textbf{", 1) if form == "latex" else shown
