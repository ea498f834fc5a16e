"""A rule's lemma as mathematics: `d(A·X·B) = A·dX·B, so …` set in LaTeX or MathML.

Lemmas are our own docstrings, in Unicode as a terminal shows them. What is a word stays a
word; letters, operators and raised signs become mathematics.
"""

from __future__ import annotations

import re

from solver.escape import html, tex

LOOKS = re.compile(r"′|^d[ (‖]|: d |\bd[A-Zsx]\b|ˣ|[ᵀ⊙⊗]")
OPERATORS = {
    "tr", "det", "diag", "vec", "ln", "exp", "sin", "cos", "tan", "tanh", "sinh", "cosh",
    "arctan", "arcsin", "arccos", "relu", "softmax", "rowsoftmax", "sign", "step",
    "softplus",
}  # fmt: skip
RAISED = dict(zip("⁻¹²³ᵃˣ", "-123ax"))
TOKEN = re.compile(r"[A-Za-z]+(?:'s)?|[ᵀ]|[⁻¹²³ᵃˣ]+|₁|√\([^()]*\)|√\w|\d+|\s+|.")
LATEX = {
    "·": r"\cdot ", "⊙": r"\odot ", "⊗": r"\otimes ", "′": "'", "−": "-", "Σ": r"\Sigma ",
    "∂": r"\partial ", "⟨": r"\langle ", "⟩": r"\rangle ", "‖": r"\Vert ", "≠": r"\ne ",
    "σ": r"\sigma ", ">": ">", "<": "<", "|": "|", "ᵀ": r"^{\top}", "₁": "_{1}",
    ":": r"\colon",
}  # fmt: skip
IDENTIFIERS = "Σσ"


def is_lemma(text: str) -> bool:
    """Whether a rule's name is written in mathematics."""
    return bool(LOOKS.search(text))


def pieces(text: str) -> list[tuple[str, str]]:
    """(what it is, the text) of each token: word, operator, differential, letter, raised,
    root, number, space or sign."""
    found: list[tuple[str, str]] = []
    for t in TOKEN.findall(text):
        if t.isspace():
            what = "space"
        elif t in OPERATORS:
            what = "operator"
        elif re.fullmatch(r"d[A-Zasx]", t):
            what = "differential"
        elif t.isascii() and t.isalpha() and len(t) == 1:
            what = "letter"
        elif t[0].isascii() and t[0].isalpha():
            what = "word"
        elif t[0] in RAISED:
            what = "raised"
        elif t[0] == "√":
            what = "root"
        else:
            what = "number" if t.isdigit() else "sign"
        found.append((what, t))
    return found


def latex(text: str) -> str:
    """The lemma between dollars, its words as text."""
    out = ""
    tokens = pieces(text)
    for i, (what, t) in enumerate(tokens):
        after = tokens[i + 1] if i + 1 < len(tokens) else ("", "")
        if what == "word":
            out += rf"\text{{{t}}}"
        elif what == "operator":
            out += rf"\operatorname{{{t}}}"
        elif what == "differential":
            out += rf"\mathrm{{d}}{t[1]}"
        elif what == "letter":
            out += r"\mathrm{d}" if t == "d" else t
        elif what == "raised":
            out += "^{" + "".join(RAISED[c] for c in t) + "}"
        elif what == "root":
            out += rf"\sqrt{{{latex(t.strip('√()'))[1:-1]}}}"
        elif what == "space":
            near = {tokens[i - 1][0], after[0]}
            out += r"\ " if "word" in near else r"\," if near <= THIN else " "
        else:
            out += LATEX.get(t) or tex(t)
    return f"${out}$"


THIN = {"letter", "differential", "operator", "raised"}


def mathml(text: str) -> str:
    """The lemma as one <math> element."""
    found: list[str] = []
    tokens = pieces(text)
    for i, (what, t) in enumerate(tokens):
        if what == "word":
            found.append(f"<mtext>{t}</mtext>")
        elif what == "operator":
            found.append(f"<mi>{t}</mi>")
        elif what == "differential":
            found.append(f'<mrow><mi mathvariant="normal">d</mi><mi>{t[1]}</mi></mrow>')
        elif what == "letter":
            found.append('<mi mathvariant="normal">d</mi>' if t == "d" else f"<mi>{t}</mi>")
        elif what == "raised" and found:
            up = "".join(RAISED[c] for c in t).replace("-", "−")
            found.append(f"<msup>{found.pop()}<mi>{up}</mi></msup>")
        elif t in ("ᵀ", "₁") and found:
            tag, script = ("msup", "⊤") if t == "ᵀ" else ("msub", "1")
            found.append(f"<{tag}>{found.pop()}<mi>{script}</mi></{tag}>")
        elif what == "root":
            found.append(f"<msqrt>{mathml(t.strip('√()'))[6:-7]}</msqrt>")
        elif what == "space":
            after = tokens[i + 1][0] if i + 1 < len(tokens) else ""
            if "word" in (tokens[i - 1][0], after):
                found.append("<mtext>\u00a0</mtext>")
            elif {tokens[i - 1][0], after} <= THIN:
                found.append('<mspace width="0.17em"/>')
        elif what == "number":
            found.append(f"<mn>{t}</mn>")
        else:
            found.append(f"<mi>{t}</mi>" if t in IDENTIFIERS else f"<mo>{html(t)}</mo>")
    return f"<math>{''.join(found)}</math>"
