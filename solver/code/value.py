"""The value type of a question that asks for a function: shown as a listing of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from solver.core import Mistake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.code.tasks import Task

SPACE = {"latex": r"\ ", "mathml": "\u00a0"}


@dataclass(frozen=True, eq=False, repr=False)
class Code:
    """A function to write, under the name and with the arguments that its author wants."""

    task: Task
    name: str
    arguments: tuple[str, ...]

    def source(self) -> str:
        """Our version, with these names."""
        return renamed(self.task, self.name, self.arguments)

    def shown(self, form: str) -> str:
        """The listing as text, a LaTeX array or a MathML table."""
        return listing(self.source(), form)

    def mistakes(self) -> list[Mistake]:
        """The mistaken versions that are told apart."""
        return [Mistake(one.name, one, one.says) for one in self.task.mistakes]

    def calls(self) -> list[dict[str, Any]]:
        """The arguments of each call, by the names that the author gave them."""
        return [
            dict(zip(self.arguments, call.arguments.values()))
            for call in self.task.calls
        ]


@dataclass(frozen=True)
class Source:
    """Lines of a program that are shown as they are written."""

    text: str

    def shown(self, form: str) -> str:
        return listing(self.text, form)


def renamed(task: Task, name: str, arguments: Sequence[str]) -> str:
    """The source of a task's function, its own names replaced by these."""
    import re

    new: Mapping[str, str] = dict(zip(task.arguments, arguments))
    old = re.match(r"(?:.*\n)*?def (\w+)\(", task.source)
    assert old
    pattern = re.compile(r"(?<![\w.\"'])(" + "|".join([old[1], *new]) + r")(?![\w\"'])")
    return pattern.sub(lambda m: {**new, old[1]: name}[m[1]], task.source)


def listing(source: str, form: str) -> str:
    """Lines of code in a form; indentation kept."""
    lines = source.rstrip("\n").split("\n")
    if form == "text":
        return "\n".join(lines)
    if form == "latex":
        rows = r" \\ ".join(
            rf"\text{{\ttfamily\small {typed(line, form)}}}" for line in lines
        )
        return rf"\begin{{array}}[t]{{l}} {rows} \end{{array}}"
    rows = "".join(
        '<mtr><mtd columnalign="left" style="text-align: left">'
        f'<mtext mathvariant="monospace" style="font-family: monospace">{typed(line, form)}'
        "</mtext></mtd></mtr>"
        for line in lines
    )
    return f"<mtable>{rows}</mtable>"


def typed(line: str, form: str) -> str:
    """One line, escaped, its spaces kept."""
    from solver.escape import html, tex

    if form == "latex":
        pieces = [tex(piece) for piece in line.split(" ")]
        return "".join(f"{piece}{SPACE[form] if i < len(pieces) - 1 else ''}"
                       for i, piece in enumerate(pieces)).replace(r"\ ", "~")  # fmt: skip
    return html(line).replace(" ", SPACE[form]) or SPACE[form]
