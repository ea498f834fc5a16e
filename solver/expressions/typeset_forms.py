"""The forms of `typeset`: how a letter, a transpose or a norm looks in each notation.

A form says nothing about order or brackets, which the one walk in `typeset` decides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from solver.expressions import matrix as m
from solver.expressions.nodes import Expr, Num
from solver.expressions.show import GREEK as SMALL
from solver.expressions.show import SUPERSCRIPTS

LARGE = [
    "Gamma",
    "Delta",
    "Theta",
    "Lambda",
    "Xi",
    "Pi",
    "Sigma",
    "Upsilon",
    "Phi",
    "Psi",
    "Omega",
]
GREEK = {*SMALL, *LARGE, "zeta", "iota", "upsilon", "varepsilon"}
ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
WORD = re.compile(r"[A-Za-z0-9α-ωΑ-Ω\u00c0-\u024f\u0300-\u0304₀-₉_]+")
CALLED = re.compile(
    r"(?:\\sigma|σ|(?<!\\)\b[A-Za-z]{2,}|\\mathrm\{\w+\})$"
)  # σ·(1 − σ), σ a letter
SHORT = re.compile(r"[^\W\d_][₀-₉]*$")  # a letter with its number: x, a₁₂
WORD_ENDS = re.compile(WORD.pattern + "$")
POWERED = [
    "sin",
    "cos",
    "tan",
    "tanh",
    "sinh",
    "cosh",
]  # tanh² z: the function's own power
MACROS = {*POWERED, "exp", "arctan", "arcsin", "arccos", "det"}


@lru_cache(maxsize=4096)
def spelled(name: str) -> tuple[str, str, str]:
    r"""(base, accent, subscript) of a name: yhat, y_hat and \hat{y} are (y, hat, )."""
    turned = re.sub(r"\\(hat|bar|tilde)\s*\{?\\?(\w+?)\}?(?=_|$)", r"\2_\1", name)
    found = unicodedata.normalize("NFD", turned.replace(",", "_"))
    for word, mark in ACCENTS.items():
        found = found.replace(mark, "_" + word)
    found = "".join(map(_in_letters, found))
    head, *tail = re.sub(r"\W", "", found).strip("_").split("_") or [""]
    accent = tail.pop(0) if tail and tail[0] in ACCENTS else ""
    joined = re.fullmatch(r"(\w+?)(hat|bar|tilde)", head)
    if joined and not accent and (len(joined[1]) == 1 or joined[1] in GREEK):
        head, accent = joined[1], joined[2]
    numbered = re.fullmatch(r"([A-Za-z]+)(\d+)", head)
    if numbered and not tail and (len(numbered[1]) == 1 or numbered[1] in GREEK):
        head, tail = numbered[1], [numbered[2]]
    return head, accent, "_".join(tail)


def _in_letters(c: str) -> str:
    """σ as sigma, Σ as Sigma; other characters as they are."""
    found = re.fullmatch(
        r"GREEK (SMALL|CAPITAL) LETTER (?:FINAL )?(\w+)", unicodedata.name(c, "")
    )
    if not found:
        return c
    word = found[2].lower().replace("lamda", "lambda")
    return word if found[1] == "SMALL" else word.capitalize()


def greek(word: str) -> str:
    if word not in GREEK:
        return word
    spelt = word.lower().replace("lambda", "lamda").replace("varepsilon", "epsilon")
    size = "CAPITAL" if word[0].isupper() else "SMALL"
    return unicodedata.lookup(f"GREEK {size} LETTER {spelt.upper()}")


def key(name: str) -> str:
    """The one spelling of a name, however it was declared: yhat, x_1."""
    base, accent, tail = spelled(name)
    return base + accent + ("_" + tail if tail else "")


def decimal(x: Fraction) -> str:
    """0.1, or 1/3 where no short decimal is exact."""
    short = repr(float(x))
    return short if len(short) <= 8 and Fraction(short) == x else f"{x}"


class Unicode:
    """One line for the terminal: Aᵀ(Ax − b), ‖x‖², X⁻¹, 1 − σ(z)."""

    minus, plus, apart, entries, below, kron = "−", " + ", " − ", " ⊙ ", " ⊘ ", " ⊗ "
    turned, inverse, inverse_turned = "ᵀ", "⁻¹", "⁻ᵀ"
    stacked = False  # a fraction is written on the line and needs its brackets
    ones_, zero, eye, one = "𝟏", "𝟎", "I", "1"

    def __init__(self, e: Expr, names: Iterable[str] = ()):
        self.names = {key(n) for n in (*m.names(e), *names)}

    def number(self, x: Any) -> str:
        return str(x) if x.denominator == 1 else decimal(x)

    def letter(self, name: str, dims: m.Dims) -> str:
        base, accent, tail = spelled(name)
        s = unicodedata.normalize("NFC", greek(base) + ACCENTS.get(accent, ""))
        if tail.isdigit():
            return s + "".join("₀₁₂₃₄₅₆₇₈₉"[int(d)] for d in tail)
        return f"{s}_{tail}" if tail else s

    def group(self, s: str) -> str:
        return f"({s})"

    def fraction(self, a: str, b: str) -> str:
        return f"{a}/{b}"

    def raised(self, base: str, script: str) -> str:
        return base + script

    def power(self, base: str, exponent: Expr, shown: str, entries: bool) -> str:
        if entries:
            return f"{base}^⊙{shown if shown.isdigit() else self.group(shown)}"
        if isinstance(exponent, Num) and isinstance(exponent.value, int):
            return base + str(exponent.value).translate(SUPERSCRIPTS)
        return f"{base}^{self.group(shown)}"

    def row(self, pieces: Sequence[str]) -> str:
        return "".join(pieces)

    def product(self, pieces: Sequence[str]) -> str:
        """Side by side, with a dot where two names would run into one another."""
        s = pieces[0]
        for before, after in zip(pieces, pieces[1:]):
            ends, starts = WORD_ENDS.search(before), WORD.match(after)
            if ends and starts:  # 2x and Ax, but 2·3, A·yhat and A·exp(x)
                short = bool(SHORT.match(starts[0]))
                short = short and (bool(SHORT.match(ends[0])) or ends[0].isdecimal())
                s += "" if short and ends[0] + starts[0] not in self.names else "·"
            elif after[0] == "(" and CALLED.search(before):
                s += "·"
            s += after
        return s

    def ones(self, rows: m.Dim, cols: m.Dim) -> str:
        turned = self.raised(self.ones_, self.turned)
        if 1 in (rows, cols):
            return self.ones_ if cols == 1 else turned
        return self.product([self.ones_, turned])

    def constant(self, e: Expr) -> str:
        if isinstance(e, m.Comm):
            return "K_({},{})".format(*e.args)
        return (
            self.zero if isinstance(e, m.Zero) else "eye" if "I" in self.names else "I"
        )

    def scalar(self, s: str) -> str:
        return s

    def fence(self, name: str, s: str, matrix: bool) -> str:
        if name == "abs":
            return f"abs({s})" if matrix or s[0] in "|‖" else f"|{s}|"
        if name == "norm1":
            return f"‖vec({s})‖₁" if matrix else f"‖{s}‖₁"
        return f"‖{s}‖_F" if matrix else f"‖{s}‖"

    def function(self, name: str) -> str:
        if name == "sigmoid":
            return "sigmoid" if "sigma" in self.names else "σ"
        return "ln" if name == "log" else name

    def call(self, name: str, s: str, arg: Expr) -> str:
        if name == "logdet":
            return f"ln|det({s})|"
        if name == "sqrt":
            return f"√({s})"
        return f"{self.function(name)}({s})"

    def powered(self, name: str, k: int, s: str) -> str:
        return f"{name}{str(k).translate(SUPERSCRIPTS)}({s})"


class Latex(Unicode):
    r"""LaTeX: \mathbf{A}^{\top} (\mathbf{A} \mathbf{x} - \mathbf{b})."""

    minus, apart, kron = "-", " - ", r" \otimes "
    entries, below = r" \odot ", r" \oslash "
    turned, inverse, inverse_turned = r"\top", "-1", r"-\top"
    stacked = True
    ones_, zero, one = r"\mathbf{1}", r"\mathbf{0}", r"\mathbf{1}"

    def letter(self, name: str, dims: m.Dims) -> str:
        base, accent, tail = spelled(name)
        head = "\\" + base if base in GREEK else base
        if dims != (1, 1):
            head = rf"\{'boldsymbol' if base in GREEK else 'mathbf'}{{{head}}}"
        elif len(base) > 1 and base not in GREEK:
            head = rf"\mathrm{{{head}}}"
        head = rf"\{accent}{{{head}}}" if accent else head
        if not tail:
            return head
        short = len(tail) == 1 or tail.isdigit()
        tail = tail.replace("_", ",")
        return f"{head}_{{{tail}}}" if short else rf"{head}_{{\mathrm{{{tail}}}}}"

    def group(self, s: str) -> str:
        tall = any(part in s for part in (r"\frac", r"\left", r"\sqrt"))
        return rf"\left( {s} \right)" if tall else f"({s})"

    def fraction(self, a: str, b: str) -> str:
        return rf"\frac{{{a}}}{{{b}}}"

    def raised(self, base: str, script: str) -> str:
        return f"{base}^{{{script}}}"

    def power(self, base: str, exponent: Expr, shown: str, entries: bool) -> str:
        shown = r"\mathit{T}" if shown == "T" else shown  # ^{T} is the transpose
        return self.raised(base, rf"\odot {shown}" if entries else shown)

    def product(self, pieces: Sequence[str]) -> str:
        s = before = pieces[0]
        for after in pieces[1:]:
            called = after.startswith(("(", r"\left(")) and CALLED.search(before)
            s += (r" \cdot " if called or after[0].isdigit() else " ") + after
            before = after
        return s

    def constant(self, e: Expr) -> str:
        if isinstance(e, m.Comm):
            return r"\mathbf{{K}}_{{{},{}}}".format(*e.args)
        if isinstance(e, m.Zero):
            return self.zero
        return r"\operatorname{eye}" if "I" in self.names else r"\mathbf{I}"

    def fence(self, name: str, s: str, matrix: bool) -> str:
        if name == "abs" and matrix:
            return rf"\operatorname{{abs}}{self.group(s)}"
        if name == "norm1" and matrix:
            s = rf"\operatorname{{vec}}{self.group(s)}"
        bar = "vert" if name == "abs" else "Vert"
        tall = r"\frac" in s
        left, right = (r"\left", r"\right") if tall else ("", "")
        low = (
            ""
            if name == "abs"
            else "_1"
            if name == "norm1"
            else "_F"
            if matrix
            else "_2"
        )
        return rf"{left}\l{bar} {s} {right}\r{bar}{low}"

    def function(self, name: str) -> str:
        if name in ("log", "sigmoid") and not (
            name[0] == "s" and "sigma" in self.names
        ):
            return {"log": r"\ln", "sigmoid": r"\sigma"}[name]
        return rf"\{name}" if name in MACROS else rf"\operatorname{{{name}}}"

    def call(self, name: str, s: str, arg: Expr) -> str:
        if name == "sqrt":
            return rf"\sqrt{{{s}}}"
        if name == "step":
            return rf"\mathbb{{I}}\left[ {s} > 0 \right]"
        inside = f" {s}" if isinstance(arg, m.Var) else self.group(s)
        if name == "logdet":
            return rf"\ln\lvert\det{inside}\rvert"
        return self.function(name) + self.group(s)

    def powered(self, name: str, k: int, s: str) -> str:
        return rf"\{name}^{{{k}}}{self.group(s)}"


class MathML(Latex):
    """Presentation MathML, bold by Unicode's bold letters, which browsers draw."""

    minus = '<mo form="prefix">−</mo>'
    plus, apart, kron = "<mo>+</mo>", "<mo>−</mo>", "<mo>⊗</mo>"
    entries, below = "<mo>⊙</mo>", "<mo>⊘</mo>"
    turned, inverse, inverse_turned = (
        "<mo>⊤</mo>", "<mo>−</mo><mn>1</mn>", "<mo>−</mo><mo>⊤</mo>",
    )  # fmt: skip
    ones_, zero, one = "<mn>𝟏</mn>", "<mn>𝟎</mn>", "<mn>𝟏</mn>"

    def number(self, x: Any) -> str:
        return f"<mn>{super().number(x)}</mn>"

    def letter(self, name: str, dims: m.Dims) -> str:
        base, accent, tail = spelled(name)
        head = greek(base)
        s = f"<mi>{head if dims == (1, 1) else ''.join(map(_bold, head))}</mi>"
        if accent:
            mark = {"hat": "^", "bar": "¯", "tilde": "~"}[accent]
            s = f'<mover accent="true">{s}<mo>{mark}</mo></mover>'
        if not tail:
            return s
        tag = "mn" if tail.isdigit() else "mi" if len(tail) == 1 else "mtext"
        return f"<msub>{s}<{tag}>{tail.replace('_', ',')}</{tag}></msub>"

    def group(self, s: str) -> str:
        return f"<mrow><mo>(</mo>{s}<mo>)</mo></mrow>"

    def fraction(self, a: str, b: str) -> str:
        return f"<mfrac><mrow>{a}</mrow><mrow>{b}</mrow></mfrac>"

    def raised(self, base: str, script: str) -> str:
        return f"<msup><mrow>{base}</mrow><mrow>{script}</mrow></msup>"

    def power(self, base: str, exponent: Expr, shown: str, entries: bool) -> str:
        return self.raised(base, "<mo>⊙</mo>" * entries + shown)

    def product(self, pieces: Sequence[str]) -> str:
        s = pieces[0]
        for after in pieces[1:]:
            dot = "·" if after.startswith("<mn>") and after[4].isascii() else "\u2062"
            s += f"<mo>{dot}</mo>" + after
        return s

    def constant(self, e: Expr) -> str:
        if isinstance(e, m.Comm):
            return "<msub><mi>𝐊</mi><mtext>{},{}</mtext></msub>".format(*e.args)
        return self.zero if isinstance(e, m.Zero) else "<mi>𝐈</mi>"

    def fence(self, name: str, s: str, matrix: bool) -> str:
        if matrix and name != "norm2":
            s = f"<mi>{'vec' if name == 'norm1' else name}</mi>{self.group(s)}"
        if matrix and name == "abs":
            return s
        bar = "|" if name == "abs" else "‖"
        s = f'<mrow><mo fence="true">{bar}</mo>{s}<mo fence="true">{bar}</mo></mrow>'
        low = (
            "<mn>1</mn>"
            if name == "norm1"
            else "<mi>F</mi>"
            if matrix
            else "<mn>2</mn>"
        )
        return s if name == "abs" else f"<msub>{s}{low}</msub>"

    def function(self, name: str) -> str:
        return f"<mi>{Unicode.function(self, name)}</mi>"

    def call(self, name: str, s: str, arg: Expr) -> str:
        if name == "sqrt":
            return f"<msqrt>{s}</msqrt>"
        if name == "logdet":
            s = f"<mo>|</mo><mi>det</mi>{self.group(s)}<mo>|</mo>"
            return f"<mrow><mi>ln</mi>{s}</mrow>"
        if name == "step":
            return f"<mrow><mn>𝟙</mn><mo>[</mo>{s}<mo>></mo><mn>0</mn><mo>]</mo></mrow>"
        return self.function(name) + self.group(s)

    def powered(self, name: str, k: int, s: str) -> str:
        return self.raised(f"<mi>{name}</mi>", f"<mn>{k}</mn>") + self.group(s)


def _bold(c: str) -> str:
    """A letter as Unicode's mathematical bold."""
    for first, last, start in (("A", "Z", 0x1D400), ("a", "z", 0x1D41A),
                               ("Α", "Ω", 0x1D6A8), ("α", "ω", 0x1D6C2)):  # fmt: skip
        if first <= c <= last:
            return chr(start + ord(c) - ord(first))
    return c
