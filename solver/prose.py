"""Authors' prose: words with mathematics between dollars, as LaTeX, HTML or plain text.

`$…$` is mathematics, `\\$` a dollar, `**…**` is bold, `*…*` is emphasis, `` `…` `` is
code, an empty line starts a paragraph. Everything else is escaped.
"""

from __future__ import annotations

import re
from html import unescape
from unicodedata import normalize

from solver import escape
from solver.core import BadInput

PIECES = re.compile(
    r"((?<!\\)\$(?:[^$\\]|\\.)*\$|\*\*[^*]+\*\*"
    r"|(?<![\w*])\*(?![\s*])[^*]+(?<!\s)\*(?![\w*])|`[^`]+`)",
    re.S,
)
STOP = re.compile(r"(<math(?:(?!<math).)*</math>[.,;:!?)]+)", re.S)
_ATTRIBUTES = """
display displaystyle mathvariant stretchy fence separator form accent accentunder lspace
rspace width height depth voffset columnalign rowspacing columnspacing columnlines
rowlines linethickness scriptlevel minsize maxsize largeop movablelimits symmetric
"""
LAYOUT = set(_ATTRIBUTES.split())  # what is let through of MathML's attributes
PLAIN = {
    r"\times": "×", r"\cdot": "·", r"\to": "→", r"\le": "≤", r"\ge": "≥", r"\ne": "≠",
    r"\approx": "≈", r"\ldots": "…", r"\dots": "…", r"\quad": "  ",
    r"\,": " ", r"\;": " ",
    r"\lfloor": "⌊", r"\rfloor": "⌋", r"\{": "{", r"\}": "}", r"\%": "%",
    r"\colon": ":", r"\leq": "≤", r"\geq": "≥", r"\neq": "≠", r"\lt": "<", r"\gt": ">",
    r"\partial": "∂", r"\in": "∈", r"\sim": "∼", r"\mid": " | ", r"\ell": "ℓ", r"\sum": "Σ",
    r"\leftarrow": "←", r"\odot": "⊙", r"\infty": "∞", r"\pm": "±", r"\cdots": "⋯",
    r"\lVert": "‖", r"\rVert": "‖", r"\ ": " ", r"\varphi": "φ", r"\nabla": "∇",
}  # fmt: skip
SPOKEN = re.compile(  # functions, with a space on each side where a letter stands
    r"(?P<before>[\w)}])?\\(?P<name>ln|log|exp|max|min|sin|cos|tan|tanh|sinh|cosh|arg|det)"
    r"(?![a-zA-Z])(?P<after>\s*(?=[A-Za-z0-9\\{]))?"
)
LETTER = re.compile(r"\\([A-Za-z][a-z]+)(?![a-zA-Z])\s?")  # \lambda, \Sigma
PART = r"(?:\{((?:[^{}]|\{[^{}]*\})*)\}|\s*(\w))"
STYLED = re.compile(r"\\(?:text|mathrm|mathbf|boldsymbol|mathbb|operatorname)" + PART)
ACCENT = re.compile(r"\\(hat|bar|tilde)" + PART)
TURNED = re.compile(r"\^(?:\{(?:T|\\top)\}|T(?![a-zA-Z])|\\top(?![a-zA-Z]))")
FRACTION = re.compile(r"\\[td]?frac" + PART + PART)
ROOT = re.compile(r"\\sqrt" + PART)


def prose(text: str, form: str) -> str:
    """The text in "latex", "mathml" (HTML with MathML) or "text"; BadInput if a dollar
    has no partner or the mathematics cannot be read."""
    if text.replace(r"\$", "").count("$") % 2:
        raise BadInput("a $ has no partner: mathematics stands between two")
    paragraphs = [
        _marked_up(paragraph, form) for paragraph in re.split(r"\n\s*\n", text.strip())
    ]
    if form == "mathml":
        return "".join(f"<p>{p}</p>" for p in paragraphs)
    return "\n\n".join(paragraphs)


def _marked_up(text: str, form: str) -> str:
    """Words and the marked pieces between them, which are the split's odd members."""
    found = "".join(
        (_piece if i % 2 else _words)(p, form)
        for i, p in enumerate(PIECES.split(text))
        if p
    )
    if form == "mathml":  # a full stop must not begin a line
        found = STOP.sub(r'<span style="white-space:nowrap">\1</span>', found)
    return found


def _piece(piece: str, form: str) -> str:
    if piece[0] == "$":
        return _mathematics(piece[1:-1], form)
    if piece[0] == "`":
        words, macro, element = _words(piece[1:-1], form), "texttt", "code"
    elif piece.startswith("**"):
        words, macro, element = _marked_up(piece[2:-2], form), "textbf", "strong"
    else:
        words, macro, element = _marked_up(piece[1:-1], form), "emph", "em"
    if form == "latex":
        if macro == "texttt":  # code may end a line behind its signs, too
            words = re.sub(r"([.,(=/])(?=[^\s.,()=/])", r"\1\\allowbreak{}", words)
        return rf"\{macro}{{{words}}}"
    return f"<{element}>{words}</{element}>" if form == "mathml" else words


def _words(text: str, form: str) -> str:
    text = text.replace(r"\$", "$")
    if form == "latex":
        return escape.tex(text)
    return escape.html(text) if form == "mathml" else text


def _mathematics(source: str, form: str) -> str:
    if not source.strip():
        raise BadInput("$$ holds no mathematics: write one dollar on each side of it")
    source = re.sub(r"(?<!\\)([%#])", r"\\\1", source)  # or a comment swallows the rest
    if form == "latex":
        return f"${escape.tex_mathematics(source)}$"
    if form == "mathml":
        return mathml(source)
    return _plain(source)


def _plain(source: str) -> str:
    """Mathematics as the terminal shows it, in letters and signs; what has none stays."""
    source = re.sub(r"\\(?:left|right)(?![a-zA-Z])\s?", "", TURNED.sub("ᵀ", source))
    source = SPOKEN.sub(_spoken, source)
    for macro, sign in sorted(PLAIN.items(), key=lambda m: -len(m[0])):
        ending = r"(?![a-zA-Z])" if macro[-1].isalpha() else ""
        if sign in "⌋}":
            source = re.sub(re.escape(macro) + ending, sign, source)
            continue
        # a space behind a macro only ends it, unless there is one before it, too
        source = re.sub(r"(?<=\s)" + re.escape(macro) + ending, sign, source)
        source = re.sub(re.escape(macro) + ending + r"\s?", sign, source)
    source = re.sub(
        r"\\begin\{([bp]?matrix)\}(.*?)\\end\{\1\}", rows, source, flags=re.S
    )
    source = LETTER.sub(_letter, source)
    while True:  # the innermost first
        flat = STYLED.sub(lambda m: m[1] or m[2] or "", source)
        flat = ACCENT.sub(_accented, flat)
        flat = ROOT.sub(lambda m: f"√{_closed(m[1] or m[2])}", flat)
        flat = FRACTION.sub(
            lambda m: f"{_closed(m[1] or m[2])}/{_closed(m[3] or m[4])}", flat
        )
        if flat == source:
            return source.replace("{,}", ",")
        source = flat


def _spoken(m: re.Match[str]) -> str:
    """A function by its name, apart from the letters around it."""
    before = f"{m['before']} " if m["before"] else ""
    return before + m["name"] + (" " if m["after"] is not None else "")


def _accented(m: re.Match[str]) -> str:
    r"""ŷ for \hat y."""
    from solver.expressions.typeset_forms import ACCENTS

    letter = m[2] or m[3]
    one = len(letter) == 1
    return normalize("NFC", letter + ACCENTS[m[1]]) if one else f"{m[1]}({letter})"


def _closed(part: str) -> str:
    """Part of a fraction: in brackets unless it is one word."""
    bare = re.fullmatch(r"\w+|[∂d]?\w(?:_\w|_\{\w*\})?", part.strip())
    return part.strip() if bare else f"({part})"


def _letter(m: re.Match[str]) -> str:
    """A Greek letter by its name, or the macro as it is."""
    from solver.expressions.typeset_forms import GREEK, greek

    return greek(m[1]) if m[1] in GREEK else m[0]


def rows(m: re.Match[str]) -> str:
    """A matrix on one line: [1 2; 3 4]."""
    lines = [" ".join(c.strip() for c in row.split("&")) for row in m[2].split(r"\\")]
    return "[" + "; ".join(line for line in lines if line.strip()) + "]"


def unreadable(source: str, why: object) -> BadInput:
    """The error for mathematics that does not become MathML."""
    return BadInput(f"the mathematics ${source[:60]}$ cannot be converted: {why}")


def mathml(source: str) -> str:
    """LaTeX mathematics as MathML, by the converter; BadInput if it cannot read it.

    The converter passes text on as it is: here it is escaped, and attributes that are
    not about layout are dropped.
    """
    from xml.etree import ElementTree

    from latex2mathml.converter import convert_to_element

    from solver.layout import CHUNK, RELATIONS, math, mathml_pieces, measure, pieces

    read = re.sub(r"\\(?:boldsymbol|bm)(?![a-zA-Z])", r"\\mathbf", source)
    read = re.sub(r"\d+(?:\{,\}\d{3})+", lambda n: rf"\text{{{n[0]}}}", read)
    read = read.replace("{,}", ",")
    try:
        tree = convert_to_element(read)
    except Exception as e:  # of many types; all mean the same to authors
        raise unreadable(source, e) from None
    for node in tree.iter():
        node.text = unescape(node.text) if node.text else node.text
        if node.tag == "mtext" and node.text:
            node.text = re.sub(r"\\([_%#&{}$ ])", r"\1", node.text)
        bare = node.text == "&" and r"\&" not in source
        if bare or re.search(r"\\[a-zA-Z]", node.text or ""):
            raise unreadable(source, node.text)
        for name in set(node.attrib) - LAYOUT:
            del node.attrib[name]
    whole = ElementTree.tostring(tree, encoding="unicode")
    found = re.fullmatch(r"<math[^>]*><mrow>(.*)</mrow></math>", whole, re.S)
    if found is None or measure(found[1], "mathml") <= CHUNK:
        return whole
    parts = mathml_pieces(found[1], "", RELATIONS)
    return math([p for part in parts for p in pieces(part, "mathml")], "mathml")
