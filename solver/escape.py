r"""Escaping on the way out: any string becomes harmless in LaTeX, HTML or a terminal.

Authors' prose may hold mathematics between dollars; it is kept, the rest is escaped.
What pdflatex's fonts cannot set is mapped to a macro or to its code point.
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
    "∗": r"\ensuremath{\ast}",
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
    "ς": r"\ensuremath{\varsigma}",
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
    "±": r"\ensuremath{\pm}",
    "∫": r"\ensuremath{\int}",
    "∂": r"\ensuremath{\partial}",
    "∇": r"\ensuremath{\nabla}",
    "∏": r"\ensuremath{\prod}",
    "∈": r"\ensuremath{\in}",
    "⊙": r"\ensuremath{\odot}",
    "∘": r"\ensuremath{\circ}",
    "∝": r"\ensuremath{\propto}",
    "≡": r"\ensuremath{\equiv}",
    "‖": r"\ensuremath{\Vert}",
    "←": r"\ensuremath{\leftarrow}",
    "⇒": r"\ensuremath{\Rightarrow}",
    "⋯": r"\ensuremath{\cdots}",
    "′": r"\ensuremath{'}",
    "•": r"\textbullet{}",
    "€": r"\texteuro{}",
    "ᵀ": r"\ensuremath{^{\mathsf T}}",
    "\u00a0": "~",
    "\t": " ",
}
_NAMES = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi
omicron pi rho sigma tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi
Pi Sigma Upsilon Phi Psi Omega
"""
GREEK = set(_NAMES.split())
RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n"))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₋₊", "0123456789-+"))
ACCENTS = dict(
    zip(
        "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c"
        "\u0323\u0327\u0328\u0331",
        "`'^~=u.\"rHvdckb",
    )
)
UNKNOWN = "ĦħĸĿŀŉŦŧſ"  # letters of Latin Extended-A that the T1 encoding lacks
JOINING = "-'`,"  # two of them in a row would be set as another character


def tex(text: str) -> str:
    """Text that LaTeX sets as it stands, whatever it holds."""
    found, before = [], ""
    for c in text:
        found.append("{}" if c == before and c in JOINING else "")
        found.append(_tex(c))
        before = c
    return "".join(found)


def tex_mathematics(source: str) -> str:
    """An author's LaTeX mathematics, with the signs of other alphabets as macros."""
    return "".join(c if c < "\x7f" else _tex(c) for c in source)


def _tex(c: str) -> str:
    if c in TEX:
        return TEX[c]
    latin = "\u00c0" <= c <= "\u017f" and c not in UNKNOWN
    if latin or c == "\n" or " " <= c <= "~" or c in "§°©«»¿¡":
        return c
    if c in RAISED:
        return rf"\ensuremath{{^{{{RAISED[c]}}}}}"
    if c in LOWERED:
        return rf"\ensuremath{{_{{{LOWERED[c]}}}}}"
    if ord(c) < 32 or not c.isprintable():
        return ""
    return _letter(c) or rf"\texttt{{\footnotesize U+{ord(c):04X}}}\allowbreak{{}}"


def _letter(c: str) -> str:
    """A Greek letter, or one with accents, from what the fonts have."""
    import unicodedata

    words = unicodedata.name(c, "").split()
    if words[:1] == ["GREEK"] and words[2:3] == ["LETTER"] and len(words) == 4:
        name = {"lamda": "lambda"}.get(words[3].lower(), words[3].lower())
        name = name.capitalize() if words[1] == "CAPITAL" else name
        if name in GREEK:
            return "o" if name == "omicron" else rf"\ensuremath{{\{name}}}"
    parts = unicodedata.normalize("NFD", c)
    base, marks = parts[0], parts[1:]
    if marks and not base.isascii():
        return _letter(base)  # Greek without its accents
    if not base.isascii() or not base.isalpha() or any(m not in ACCENTS for m in marks):
        return ""
    for m in marks:
        base = rf"\{ACCENTS[m]}{{{base}}}"
    return base


def html(text: str) -> str:
    """Text that HTML shows as it stands, in an element or an attribute."""
    for c, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(c, entity)
    return "".join(c for c in text if c in "\n\t" or c.isprintable() or ord(c) > 159)


def terminal(text: str) -> str:
    """Text without control characters, which would move a terminal's cursor."""
    return "".join(c for c in text if c == "\n" or c.isprintable() or c == "\t")
