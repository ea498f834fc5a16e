"""LaTeX macros as tokens: an allow-list, fonts and accents taken off, words in formulas."""

from __future__ import annotations

import re

from solver.core import BadInput
from solver.expressions.typeset_forms import GREEK
from solver.reading.names import Names, canonical
from solver.reading.spellings import (
    ENVIRONMENTS,
    FONTS,
    FUNCTIONS,
    MACROS,
    NOTHING,
    OVER,
    STRUCTURES,
)

LONGEST, MOST_TOKENS = 3000, 700
SPACES = re.compile(r"(?:\s|\\[,;:! >])+")
MACRO = re.compile(r"\\(?:([A-Za-z]+)\*?|(.))", re.S)


class Token:
    """kind ("number", "name", "function", "sign", "structure", "word", "end"), value, where."""

    __slots__ = ("kind", "value", "at", "stop", "spaced")

    def __init__(self, kind: str, value: str, at: int, stop: int, spaced: bool = False):
        self.kind, self.value, self.at, self.stop, self.spaced = (
            kind,
            value,
            at,
            stop,
            spaced,
        )


def guard(text: str) -> None:
    """Refuse what is no answer before anything reads it: too long, control characters."""
    if len(text) > LONGEST:
        raise BadInput(f"the answer has {len(text):,} characters; at most {LONGEST:,}")
    for i, c in enumerate(text):
        code = ord(c)
        hidden = (
            code < 32
            and c not in "\n\r\t"
            or 127 <= code < 160
            or 0xD800 <= code < 0xE000
        )
        if hidden or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069:
            clean = "".join(x if x.isprintable() else "?" for x in text)
            raise BadInput(
                f"the answer holds the control character U+{code:04X}",
                text=clean,
                offset=i,
            )


class Macros:
    """The tokens so far, and how a macro makes more of them."""

    text: str
    names: Names
    tokens: list[Token]

    def one(self, at: int) -> int:
        raise NotImplementedError

    def greek(self, word: str, at: int, stop: int) -> None:
        raise NotImplementedError

    def error(self, message: str, at: int) -> BadInput:
        short = message if len(message) < 200 else message[:199] + "…"
        return BadInput(short, text=self.text, offset=at)

    def put(self, kind: str, value: str, at: int, stop: int) -> None:
        if len(self.tokens) >= MOST_TOKENS:
            raise self.error("the answer is too long to be read", at)
        before = self.tokens[-1].stop if self.tokens else 0
        self.tokens.append(Token(kind, value, at, stop, before < at))

    def macro(self, at: int) -> int:
        found = MACRO.match(self.text, at)
        if not found:
            raise self.error("a lone backslash has no meaning in an answer", at)
        stop = found.end()
        if found[2] is not None:
            c = found[2]
            again = MACRO.match(self.text, at + 1) if c == "\\" else None
            if again and again[1] and len(again[1]) > 1 and self.is_macro(again[1]):
                return self.macro(at + 1)  # \\frac, escaped twice by a program
            known = {"{": "{{", "}": "}}", "|": "‖", "\\": "\\\\", "%": "%", "$": "$", "(": "",
                     ")": "", "[": "", "]": "", "&": "&", "_": "_", "\n": "", "-": ""}  # fmt: skip
            if c not in known:
                raise self.error(f"\\{c} has no meaning in an answer", at)
            if known[c]:
                self.put("sign", known[c], at, stop)
            return stop
        word = found[1]
        if word in NOTHING:
            dot = re.compile(r"\s*\.").match(self.text, stop)
            return dot.end() if dot and word in ("left", "right") else stop
        if word in STRUCTURES:
            if word in ("begin", "end"):
                return self.environment(word, at, stop)
            self.put("structure", STRUCTURES[word], at, stop)
            return stop
        if word in MACROS:
            self.put("sign", MACROS[word], at, stop)
            return stop
        if word in FONTS or word in OVER:
            return self.dressed(word, at, stop)
        if word in GREEK or word in ("varphi", "vartheta", "varrho", "varsigma"):
            self.greek(word.removeprefix("var"), at, stop)
            return stop
        if word in FUNCTIONS:
            name = self.names.functions.get(word, FUNCTIONS[word])
            self.put("function", name, at, stop)
            return stop
        if word in ("partial", "nabla", "mathrm"):
            self.put("sign", "∂" if word == "partial" else "∇", at, stop)
            return stop
        raise self.error(f"the macro \\{word} is not read in an answer", at)

    def is_macro(self, word: str) -> bool:
        tables = (MACROS, STRUCTURES, FUNCTIONS, NOTHING, FONTS, OVER, GREEK)
        return any(word in t for t in tables)

    def environment(self, word: str, at: int, stop: int) -> int:
        found = re.compile(r"\s*\{\s*([A-Za-z]+)\*?\s*\}").match(self.text, stop)
        if not found or found[1] not in ENVIRONMENTS:
            raise self.error("this environment is not read in an answer", at)
        stop = found.end()
        if word == "begin" and found[1] == "array":
            columns = re.compile(r"\s*\{[^{}]{0,60}\}").match(self.text, stop)
            stop = columns.end() if columns else stop
        if found[1] in ("aligned", "align", "equation", "gather", "split"):
            return stop
        self.put("structure", f"{word} {found[1]}", at, stop)
        return stop

    def dressed(self, word: str, at: int, stop: int) -> int:
        """\\mathbf{x}, \\hat{y}, \\text{otherwise}, \\operatorname{tr}: dress taken off."""
        inner = re.compile(
            r"\s*(?:\{([^{}]{0,120})\}|\\([A-Za-z]+)|([A-Za-z0-9]))"
        ).match(self.text, stop)
        if word in OVER:
            if inner and (inner[1] or inner[2] or inner[3]):
                bare = re.sub(
                    r"\\(?:mathbf|boldsymbol|bm|mathrm|vec)\b|[{}\\\s]", "",
                    inner[1] or inner[2] or inner[3],
                )  # fmt: skip
                nested = re.compile(
                    r"\s*\{\s*\\(?:mathbf|boldsymbol|bm|mathrm)\s*\{(\w+)\}\s*\}"
                )
                deep = nested.match(self.text, stop)
                if bare.isdigit():
                    raise self.error(
                        "repeating decimals are not read: write a fraction", at
                    )
                if re.fullmatch(r"\w+", bare):
                    name = canonical(bare + "_" + OVER[word])
                    self.put(
                        "name", self.names.aliases.get(name, name), at, inner.end()
                    )
                    return inner.end()
            nested = re.compile(
                r"\s*\{\s*\\(?:mathbf|boldsymbol|bm|mathrm)\s*\{(\w+)\}\s*\}"
            )
            deep = nested.match(self.text, stop)
            if deep:
                name = canonical(deep[1] + "_" + OVER[word])
                self.put("name", self.names.aliases.get(name, name), at, deep.end())
                return deep.end()
            if word in ("overline", "bar"):
                raise self.error(f"\\{word} stands over one letter", at)
            raise self.error(f"\\{word} stands over one letter", at)
        if inner and inner[1] is not None:
            said = inner[1].strip()
            if word in (
                "text",
                "mbox",
                "textnormal",
                "textrm",
                "texttt",
                "textbf",
                "textit",
            ):
                return self.words(said, at, inner.end())
            bare = said.lstrip("\\")
            if said in ("1", "I", "1 ") and word in (
                "mathbb",
                "mathbf",
                "mathds",
                "mathrm",
            ):
                if said == "1" or word in ("mathbb", "mathds"):
                    self.put("name", "𝟙", at, inner.end())
                    return inner.end()
            if re.fullmatch(r"[A-Za-z]{2,}", said):
                one = self.names.piece(said)
                if one:
                    self.put(
                        "sign" if one[0] == "said" else one[0], one[1], at, inner.end()
                    )
                    return inner.end()
                if word in ("mathrm", "operatorname", "mathit", "mathsf"):
                    return self.words(said, at, inner.end())
            if (
                said in ("T", "⊤", "\\top", "\\intercal")
                and self.tokens
                and (
                    self.tokens[-1].value == "^" or self.tokens[-1].value in ("{", "-")
                )
            ):
                self.put("sign", "⊤", at, inner.end())
                return inner.end()
            if not bare:
                return inner.end()
            return self.inside(inner.start(1), inner.end(1), inner.end())
        follows = re.compile(r"\s*([A-Za-z])").match(self.text, stop)
        if follows and self.tokens and self.tokens[-1].value in ("^", "{", "-"):
            if follows[1] == "T" and word in ("mathsf", "mathrm", "rm", "text"):
                self.put("sign", "⊤", at, follows.end())
                return follows.end()
        if follows and word in ("mathbb", "mathds") and follows[1] == "I":
            self.put("name", "𝟙", at, follows.end())
            return follows.end()
        return stop  # the font says nothing: \mathbf x, \mathbf{Ax}

    def inside(self, start: int, end: int, stop: int) -> int:
        """The tokens of a piece in a font, at their own places."""
        at = start
        while at < end:
            space = SPACES.match(self.text, at)
            if space:
                at = space.end()
                continue
            if re.match(r"[A-Za-z]", self.text[at]) and not re.match(
                r"[A-Za-z]{3,}", self.text[at:end]
            ):
                self.put("name", self.names.name(self.text[at]), at, at + 1)
                at += 1
                continue
            at = self.one(at)
        return stop

    def words(self, said: str, at: int, stop: int) -> int:
        """Words in a formula: and, or, if, otherwise; a unit or a name that is known."""
        lower = said.lower().strip(" .,:;")
        lower = re.sub(r"\s+", " ", lower)
        known = {"if": "if", "for": "if", "when": "if", "where": "if", "otherwise": "else",
                 "else": "else", "and": "and", "or": "or", "not": "not", "if and only if": "→",
                 "in": "∈", "": ""}  # fmt: skip
        if lower in known:
            if known[lower]:
                self.put("sign", known[lower], at, stop)
            return stop
        if said == "T" and self.tokens and self.tokens[-1].value in ("^", "{", "-"):
            self.put("sign", "⊤", at, stop)
            return stop
        one = self.names.piece(said) if re.fullmatch(r"[A-Za-z]+\d*", said) else None
        if one:
            self.put("sign" if one[0] == "said" else one[0], one[1], at, stop)
            return stop
        if re.fullmatch(r"[A-Za-z][\w ]*", said) and self.tokens and self.tokens[-1].value in (
            "_", "{"
        ):  # fmt: skip
            self.put("name", said.replace(" ", ""), at, stop)
            return stop
        self.put("word", said, at, stop)
        return stop
