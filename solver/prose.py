"""Authors' prose: words with mathematics between dollars, as LaTeX, HTML or plain text.

`$…$` is mathematics, `\\$` a dollar, `**…**` is bold, `` `…` `` is code, an empty line
starts a paragraph. Everything else is escaped.
"""

from __future__ import annotations

import re

from solver import escape
from solver.core import BadInput

PIECES = re.compile(r"((?<!\\)\$(?:[^$\\]|\\.)*\$|\*\*[^*]+\*\*|`[^`]+`)", re.S)
PLAIN = {
    r"\times": "×", r"\cdot": "·", r"\to": "→", r"\le": "≤", r"\ge": "≥", r"\ne": "≠",
    r"\approx": "≈", r"\ldots": "…", r"\dots": "…", r"\quad": "  ", r"\,": " ", r"\;": " ",
    r"\lfloor": "⌊", r"\rfloor": "⌋", r"\{": "{", r"\}": "}", r"\%": "%", r"\colon": ":",
    r"\alpha": "α", r"\beta": "β", r"\gamma": "γ", r"\sigma": "σ", r"\mu": "μ",
}  # fmt: skip


def prose(text: str, form: str) -> str:
    """The text in "latex", "mathml" (HTML with MathML) or "text"; BadInput if a dollar
    has no partner or the mathematics cannot be read."""
    if text.replace(r"\$", "").count("$") % 2:
        raise BadInput("a $ has no partner: mathematics stands between two")
    paragraphs = [
        "".join(_piece(p, form) for p in PIECES.split(paragraph) if p)
        for paragraph in re.split(r"\n\s*\n", text.strip())
    ]
    if form == "mathml":
        return "".join(f"<p>{p}</p>" for p in paragraphs)
    return "\n\n".join(paragraphs)


def _piece(piece: str, form: str) -> str:
    if piece[0] == "$" and len(piece) > 1:
        return _mathematics(piece[1:-1], form)
    if piece.startswith("**") and len(piece) > 4:
        words = "".join(_piece(p, form) for p in PIECES.split(piece[2:-2]) if p)
        return {"latex": rf"\textbf{{{words}}}", "mathml": f"<strong>{words}</strong>"}.get(
            form, words
        )
    if piece[0] == "`" and len(piece) > 2:
        words = _words(piece[1:-1], form)
        return {"latex": rf"\texttt{{{words}}}", "mathml": f"<code>{words}</code>"}.get(
            form, words
        )
    return _words(piece, form)


def _words(text: str, form: str) -> str:
    text = text.replace(r"\$", "$")
    if form == "latex":
        return escape.tex(text)
    return escape.html(text) if form == "mathml" else text


def _mathematics(source: str, form: str) -> str:
    if not source.strip():
        raise BadInput("$$ holds no mathematics: write one dollar on each side of it")
    source = re.sub(r"(?<!\\)([%#])", r"\\\1", source)  # a comment would swallow the rest
    if form == "latex":
        return f"${escape.tex_mathematics(source)}$"
    if form == "mathml":
        return mathml(source)
    for macro, sign in sorted(PLAIN.items(), key=lambda m: -len(m[0])):
        ending = r"(?![a-zA-Z])\s?" if macro[-1].isalpha() else ""
        source = re.sub(re.escape(macro) + ending, sign, source)
    source = re.sub(r"\\begin\{([bp]?matrix)\}(.*?)\\end\{\1\}", rows, source, flags=re.S)
    source = re.sub(r"\\(?:text|mathrm|mathbf|operatorname)\{([^{}]*)\}", r"\1", source)
    return source.replace("{,}", ",")


def rows(m: re.Match[str]) -> str:
    """A matrix on one line: [1 2; 3 4]."""
    lines = [" ".join(c.strip() for c in row.split("&")) for row in m[2].split(r"\\")]
    return "[" + "; ".join(line for line in lines if line.strip()) + "]"


def mathml(source: str) -> str:
    """LaTeX mathematics as MathML, by the converter; BadInput if it cannot read it."""
    from latex2mathml.converter import convert

    try:
        return str(convert(source))
    except Exception as e:  # the converter raises many types; all mean the same to authors
        raise BadInput(f"the mathematics ${source[:60]}$ cannot be converted: {e}") from None
