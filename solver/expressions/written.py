"""What people write beyond sums and products: indices, relations, sets, matrices, cases.

Nodes of the same trees, kept as they were written and never simplified: a student's
answer is compared by its values (see expressions/worlds.py) and printed as understood.
"""

from __future__ import annotations

from solver.expressions.nodes import Add, Expr, Neg, Num

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WORDS = {"and": " and ", "or": " or "}
LATEX_SIGNS = {
    "∪": r"\cup", "∩": r"\cap", "∖": r"\setminus", "⊙": r"\odot", "⊗": r"\otimes", "±": r"\pm",
    "≤": r"\le", "≥": r"\ge", "≠": r"\neq", "≈": r"\approx", "∈": r"\in", "⊘": r"\oslash",
    "·": r"\cdot", "=": "=", "<": "<", ">": ">",
}  # fmt: skip
FENCES = {"(": r"\left(", ")": r"\right)", "[": r"\left[", "]": r"\right]",
          "{": r"\left\{", "}": r"\right\}", "‖": r"\|", "|": "|"}  # fmt: skip


def which(form: Any) -> str:
    """The name of a printing form: text, latex or mathml."""
    return str(type(form).__name__).lower()


def sign(form: Any, s: str) -> str:
    """An operator between two things, spaces included."""
    if which(form) == "latex":
        return f" {LATEX_SIGNS.get(s, s)} "
    if which(form) == "mathml":
        return f"<mo>{ {'<': '&lt;', '>': '&gt;'}.get(s, s) }</mo>"
    return f" {s} "


def fenced(form: Any, left: str, inside: str, right: str) -> str:
    if which(form) == "latex":
        return f"{FENCES[left]} {inside} {FENCES[right]}"
    if which(form) == "mathml":
        return f"<mrow><mo>{left}</mo>{inside}<mo>{right}</mo></mrow>"
    return f"{left}{inside}{right}"


def said(form: Any, word: str) -> str:
    """Words inside a formula."""
    if which(form) == "latex":
        return rf"\text{{ {word.strip()} }}"
    if which(form) == "mathml":
        return f"<mtext>&#160;{word.strip()}&#160;</mtext>"
    return f" {word.strip()} "


def script(form: Any, base: str, up: str = "", down: str = "") -> str:
    """A base with a superscript or a subscript, as it was printed."""
    if which(form) == "latex":
        return (
            "{"
            + base
            + "}"
            + (f"^{{{up}}}" if up else "")
            + (f"_{{{down}}}" if down else "")
        )
    if which(form) == "mathml":
        tag, inside = ("msup", up) if up else ("msub", down)
        return f"<{tag}><mrow>{base}</mrow><mrow>{inside}</mrow></{tag}>"
    return base + (up if up in ("ᵀ", "⁻¹") else f"^({up})" if up else "") + (
        f"_{down}" if len(down) == 1 else f"_({down})" if down else "")  # fmt: skip


class Index(Expr):
    """A letter with indices, x_i or W_{ij}: one of a family, looked up where it stands."""

    __slots__ = ()

    @property
    def base(self) -> str:
        return self.args[0]

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        inside = [show(a, 1) for a in self.args[1:]]
        short = all(isinstance(a, Num) or not a.args[1:] or len(s) == 1
                    for a, s in zip(self.args[1:], inside))  # fmt: skip
        gap = "" if short and which(form) == "latex" else form.row([","])
        return script(form, form.letter(self.base), down=gap.join(inside)), 5


class Product(Expr):
    """left sign right, of columns and matrices: ⊙, ⊗, ⊘."""

    __slots__ = ()

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        s, a, b = self.args
        return form.row([show(a, 2), sign(form, s), show(b, 3)]), 2


class Turned(Expr):
    """The transpose."""

    __slots__ = ()

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        up = {"latex": r"\top", "mathml": "<mo>⊤</mo>"}.get(which(form), "ᵀ")
        return script(form, show(self.args[0], 5), up), 4


class Norm(Expr):
    """‖x‖₁, ‖x‖₂, ‖X‖_F: the inside and which."""

    __slots__ = ()

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        inside = fenced(form, "‖", show(self.args[0], 1), "‖")
        if not self.args[1]:
            return inside, 5
        if which(form) == "text":
            return inside + {"1": "₁", "2": "₂"}.get(
                self.args[1], "_" + self.args[1]
            ), 5
        return script(form, inside, down=self.args[1]), 5


class Sigma(Expr):
    """op ("sum", "prod"), body, the index's name, from, to; None where it is not said."""

    __slots__ = ()
    series = True

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        op, body, index, low, high = self.args
        inside = show(body, 2 if op == "sum" else 3)
        first = show(low, 1) if isinstance(low, Expr) else ""
        last = show(high, 1) if isinstance(high, Expr) else ""
        letter = form.letter(index)
        if which(form) == "latex":
            below = f"{letter} = {first}" if first else letter
            return rf"\{op}_{{{below}}}" + (
                f"^{{{last}}}" if last else ""
            ) + " " + inside, 2
        mark = "Σ" if op == "sum" else "Π"
        if which(form) == "mathml":
            below = f"<mrow>{letter}<mo>=</mo>{first}</mrow>" if first else letter
            tag = "munderover" if last else "munder"
            over = f"<mrow>{last}</mrow>" if last else ""
            return (
                f"<mrow><{tag}><mo>{mark}</mo>{below}{over}</{tag}>{inside}</mrow>",
                2,
            )
        bounds = f"{letter}={first}" if first else letter
        return f"{mark}_({bounds})" + (f"^{last}" if last else "") + f" {inside}", 2


class Choice(Expr):
    """± or ∓: both signs are meant. op, left (or None), right."""

    __slots__ = ()

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        op, a, b = self.args
        left = show(a, 1) if isinstance(a, Expr) else ""
        return form.row(
            [left, sign(form, op) if left else sign(form, op).lstrip(), show(b, 2)]
        ), 1


class Relation(Expr):
    """(signs, first, second, …): a = b, 0 < x < 2, a = b = c."""

    __slots__ = ()

    @property
    def signs(self) -> tuple[str, ...]:
        return self.args[0]

    @property
    def members(self) -> tuple[Expr, ...]:
        return self.args[1:]

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        pieces = [show(self.args[1], 1)]
        for s, member in zip(self.args[0], self.args[2:]):
            pieces += [sign(form, s), show(member, 1)]
        return form.row(pieces), 0


class Logic(Expr):
    """op ("and", "or", "not") and what it joins."""

    __slots__ = ()

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        op, *parts = self.args
        if op == "not":
            return form.row([said(form, "not").lstrip(), show(parts[0], 5)]), 0
        inside = [show(p, 0 if not isinstance(p, Logic) else 5) for p in parts]
        return said(form, op).join(inside), 0


class Group(Expr):
    """(fences, item, …): (3, 5), [0, 1), {1, 2}. No fences: 1, 2, 3 as it stands."""

    __slots__ = ()

    @property
    def fences(self) -> str:
        return self.args[0]

    @property
    def items(self) -> tuple[Expr, ...]:
        return self.args[1:]

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        comma = {"mathml": "<mo>,</mo>", "latex": r",\ "}.get(which(form), ", ")
        inside = comma.join(show(a, 0) for a in self.args[1:])
        if not self.fences:
            return inside, 0
        return fenced(form, self.fences[0], inside, self.fences[1]), 5


class SetOp(Expr):
    """a ∪ b, a ∩ b, a ∖ b."""

    __slots__ = ()

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        op, a, b = self.args
        return form.row([show(a, 1), sign(form, op), show(b, 2)]), 1


class Grid(Expr):
    """A matrix: how many columns, then its entries row by row."""

    __slots__ = ()

    @property
    def rows(self) -> tuple[tuple[Expr, ...], ...]:
        n, *flat = self.args
        return tuple(tuple(flat[i : i + n]) for i in range(0, len(flat), n))

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        rows = [[show(x, 0) for x in row] for row in self.rows]
        if which(form) == "latex":
            body = r" \\ ".join(" & ".join(r) for r in rows)
            return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}", 5
        if which(form) == "mathml":
            cells = "".join(
                "<mtr>" + "".join(f"<mtd>{c}</mtd>" for c in r) + "</mtr>" for r in rows
            )
            return f"<mrow><mo>[</mo><mtable>{cells}</mtable><mo>]</mo></mrow>", 5
        return "[" + "; ".join(", ".join(r) for r in rows) + "]", 5


class Branches(Expr):
    """value, condition, value, condition, …; a last value alone holds otherwise."""

    __slots__ = ()

    def pairs(self) -> list[tuple[Expr, Expr | None]]:
        found = list(self.args)
        return [(found[i], found[i + 1] if i + 1 < len(found) else None)
                for i in range(0, len(found), 2)]  # fmt: skip

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        return form.cases(
            [
                form.case(show(v, 1), [show(c, 0)] if c is not None else [])
                for v, c in self.pairs()
            ]
        ), 5


class Indicator(Expr):
    """1 where its condition holds, else 0."""

    __slots__ = ()

    def layout(self, form: Any, show: Any) -> tuple[str, int]:
        one = {"latex": r"\mathbf{1}", "mathml": "<mn>𝟙</mn>"}.get(which(form), "𝟙")
        return one + fenced(form, "[", show(self.args[0], 0), "]"), 5


def ordered_terms(e: Expr) -> list[tuple[int, Expr]]:
    """The terms of a sum with their signs, nested sums opened; of anything else itself."""
    if isinstance(e, Add):
        return [t for a in e.args for t in ordered_terms(a)]
    if isinstance(e, Neg):
        return [(-s, t) for s, t in ordered_terms(e.args[0])]
    return [(1, e)]
