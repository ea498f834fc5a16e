r"""Escaping on the way out: any string becomes harmless in LaTeX, HTML or a terminal.

Authors' prose may hold mathematics between dollars; it is kept, the rest is escaped. What
pdflatex's fonts cannot set is mapped to a macro or to its code point.
"""

from __future__ import annotations

TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "×": r"\ensuremath{\times}",
    "·": r"\ensuremath{\cdot}",
    "−": r"\ensuremath{-}",
    "≥": r"\ensuremath{\ge}",
    "≤": r"\ensuremath{\le}",
    "≠": r"\ensuremath{\ne}",
    "≈": r"\ensuremath{\approx}",
    "→": r"\ensuremath{\to}",
    "∞": r"\ensuremath{\infty}",
    "⌊": r"\ensuremath{\lfloor}",
    "⌋": r"\ensuremath{\rfloor}",
    "⌈": r"\ensuremath{\lceil}",
    "⌉": r"\ensuremath{\rceil}",
    "²": r"\ensuremath{^2}",
    "³": r"\ensuremath{^3}",
    "½": r"\ensuremath{\tfrac12}",
    "σ": r"\ensuremath{\sigma}",
    "μ": r"\ensuremath{\mu}",
    "γ": r"\ensuremath{\gamma}",
    "β": r"\ensuremath{\beta}",
    "α": r"\ensuremath{\alpha}",
    "Σ": r"\ensuremath{\Sigma}",
    "∑": r"\ensuremath{\sum}",
    "…": r"\dots{}",
    "–": "--",
    "—": "---",
    "“": "``",
    "”": "''",
    "‘": "`",
    "’": "'",
    "√": r"\ensuremath{\surd}",
    "ᵀ": r"\ensuremath{^{\mathsf T}}",
    "\u00a0": "~",
    "\t": " ",
}


def tex(text: str) -> str:
    """Text that LaTeX sets as it stands, whatever it holds."""
    return "".join(map(_tex, text))


def _tex(c: str) -> str:
    if c in TEX:
        return TEX[c]
    if c == "\n" or " " <= c <= "~" or "\u00c0" <= c <= "\u017f" or c in "§°©«»¿¡":
        return c
    if ord(c) < 32 or not c.isprintable():
        return ""
    return rf"\texttt{{U+{ord(c):04X}}}"


def html(text: str) -> str:
    """Text that HTML shows as it stands, in an element or an attribute."""
    for c, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(c, entity)
    return "".join(c for c in text if c in "\n\t" or c.isprintable() or ord(c) > 159)


def terminal(text: str) -> str:
    """Text without control characters that would move a terminal's cursor or colours."""
    return "".join(c for c in text if c == "\n" or c.isprintable() or c == "\t")
