"""The tokens of mathematics as students type it: LaTeX, Unicode, plain text, Python.

Hostile until read: length, tokens and digits are bounded, control characters refused,
macros are an allow-list. A word that nobody knows is an error with a caret.
"""

from __future__ import annotations

import re
import unicodedata

from solver.expressions.typeset_forms import ACCENTS, GREEK
from solver.reading.macros import SPACES, Macros, Token, guard
from solver.reading.names import Names, canonical
from solver.reading.spellings import (
    DOWN,
    FUNCTIONS,
    LONG,
    SIGNS,
    UP,
    VULGAR,
)

DIGITS, LONGEST_WORD = 400, 60
NUMBER = re.compile(
    r"\d+(?:\.(?!\.)\d*)?(?:[eE][+-]?\d+(?![\w.]))?|\.\d+(?:[eE][+-]?\d+(?![\w.]))?"
)
METHODS = re.compile(r"\.(?:(dot|matmul|mm)(?=\()|(?:t|transpose)\(\))")
WORD = re.compile(r"[^\W\d_][^\W_]*")
MODULES = re.compile(r"\b(?:np|numpy|math|torch|sp|tf|jnp|F|linalg)\.(?=[A-Za-z])")


def dressed_plain(c: str) -> str:
    """The plain character of a full-width or mathematical one: x for 𝑥, + for ＋; else nothing."""
    if not (0xFF01 <= ord(c) <= 0xFF5E or 0x1D400 <= ord(c) <= 0x1D7FF):
        return ""
    folded = unicodedata.normalize("NFKC", c)
    return folded if folded.isascii() else ""


class Lexer(Macros):
    """Tokens of one text, made as they are asked for; positions are the text's own."""

    def __init__(self, text: str, names: Names):
        guard(text)
        self.text, self.names = text, names
        self.latex = bool(re.search(r"\\[A-Za-z{|]", text))
        self.tokens: list[Token] = []
        self.fill()

    def fill(self) -> None:
        text, at = self.text, 0
        while at < len(text):
            space = SPACES.match(text, at)
            if space:
                at = space.end()
                continue
            at = self.one(at)
        self.put("end", "", len(text), len(text))

    def one(self, at: int) -> int:
        """Put the token at a place; where it ends."""
        text, c = self.text, self.text[at]
        if c == "\\":
            return self.macro(at)
        number = NUMBER.match(text, at) if c.isascii() else None
        if number:
            if len(number[0]) > DIGITS:
                raise self.error("this number has too many digits", at)
            self.put("number", number[0], at, number.end())
            return number.end()
        if c in UP:
            stop = at
            while stop < len(text) and text[stop] in UP:
                stop += 1
            raised = "".join(UP[x] for x in text[at:stop])
            self.put("super", raised, at, stop)
            return stop
        if c in DOWN:
            stop = at
            while stop < len(text) and text[stop] in DOWN:
                stop += 1
            self.put("down", "".join(DOWN[x] for x in text[at:stop]), at, stop)
            return stop
        if c in VULGAR:
            self.put("vulgar", VULGAR[c], at, at + 1)
            return at + 1
        for n in (3, 2):
            piece = text[at : at + n]
            if piece in LONG:
                if piece == "||" and self.odd_bars(at):
                    continue
                if piece == "<-" and re.match(r"\s*[\d.]", text[at + 2 :]):
                    continue  # x<-1 compares
                if LONG[piece] == "bad":
                    raise self.error("^^ has no meaning here", at)
                self.put("sign", LONG[piece], at, at + n)
                return at + n
        method = METHODS.match(text, at)
        if method:  # A.dot(x), A.t(), x.sum()
            self.put("sign", "@" if method[1] else "ᵀ", at, method.end())
            return method.end()
        if text.startswith(".T", at) and not text[at + 2 : at + 3].isalnum():
            self.put("sign", "ᵀ", at, at + 2)
            return at + 2
        if c in "𝟏𝟙":
            self.put("name", "𝟙", at, at + 1)
            return at + 1
        if c in "ΣΠ" and text[at + 1 : at + 2] == "_":
            self.put("sign", c, at, at + 1)
            return at + 1
        if c in SIGNS:
            self.put("sign", SIGNS[c], at, at + 1)
            return at + 1
        if c == "#" or c in '"`?@':
            raise self.error(f"{c!r} has no meaning in an answer", at)
        return self.word(at)

    def odd_bars(self, at: int) -> bool:
        """Whether || ends one absolute value inside another rather than opens a norm."""
        return self.text.count("|", 0, at) % 2 == 1 and "||" not in self.text[:at]

    def word(self, at: int) -> int:
        text = self.text
        module = MODULES.match(text, at)
        if module:
            return module.end()
        accented = unicodedata.normalize("NFD", text[at : at + 2])
        if accented[1:2] in ACCENTS.values() and len(accented) >= 2:
            width = 2 if text[at + 1 : at + 2] in ACCENTS.values() else 1
            name = canonical(text[at : at + width])
            self.put("name", self.names.aliases.get(name, name), at, at + width)
            return at + width
        found = WORD.match(text, at)
        if not found:
            folded = dressed_plain(text[at])
            if folded:
                return self.folded(at, folded)
            raise self.error(f"{text[at]!r} has no meaning in an answer", at)
        word = found[0]
        if not word.isascii():
            greek = re.match(r"[^\W\d_]", word)
            folded = dressed_plain(text[at])
            if folded:
                return self.folded(at, folded)
            if canonical(word[0]) not in GREEK and not word[0].isascii():
                raise self.error(f"the letter {word[0]!r} is not read in an answer", at)
            if greek and not word[0].isascii():
                stop = at + 1
                digits = re.compile(r"\d+").match(text, stop)
                if digits:
                    stop = digits.end()
                self.greek(text[at:stop], at, stop)
                return stop
            word = re.match(r"[A-Za-z0-9]+", word)[0]  # type: ignore[index]
        return self.ascii_word(word, at)

    def folded(self, at: int, folded: str) -> int:
        """A full-width or styled character as its plain one."""
        if NUMBER.fullmatch(folded):
            stop = at
            digits = ""
            while stop < len(self.text):
                d = unicodedata.normalize("NFKC", self.text[stop])
                point = d == "." and "." not in digits
                if not (d.isascii() and d.isdigit() or point):
                    break
                digits, stop = digits + d, stop + 1
            self.put("number", digits, at, stop)
            return stop
        if folded in LONG or folded in SIGNS:
            self.put("sign", LONG.get(folded) or SIGNS[folded], at, at + 1)
        elif len(folded) == 1 and folded.isalpha():
            self.put("name", self.names.name(folded), at, at + 1)
        else:
            raise self.error(f"{self.text[at]!r} has no meaning in an answer", at)
        return at + 1

    def greek(self, word: str, at: int, stop: int) -> None:
        name = canonical(word)
        if name in self.names.functions:
            self.put("function", self.names.functions[name], at, stop)
        else:
            self.put("name", self.names.aliases.get(name, name), at, stop)

    def ascii_word(self, word: str, at: int) -> int:
        """A run of letters and digits, with what is joined to it by underscores if that
        whole is a known name."""
        text, stop = self.text, at + len(word)
        if len(word) > LONGEST_WORD:
            raise self.error(
                f"the word {word[:30]!r}… is not understood in this answer", at
            )
        if (
            word == "U"
            and re.search(r"[)\]}]\s*$", text[:at])
            and (re.match(r"\s*(?:\\left|\\)?\s*[(\[{]", text[stop:]))
        ):
            self.put("sign", "∪", at, stop)
            return stop
        if (
            word[0] == "T"
            and self.tokens
            and self.tokens[-1].value == "^"
            and (not self.names.is_known("T") and word not in FUNCTIONS)
        ):  # A^TAx
            self.put("sign", "⊤", at, at + 1)
            return at + 1
        whole = re.compile(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+").match(text, at)
        if whole and self.names.is_known(whole[0]):
            self.put("name", self.names.name(whole[0]), at, whole.end())
            return whole.end()
        if whole and re.fullmatch(r"[A-Za-z]+_(?:hat|bar|tilde)", whole[0]):
            self.put("name", self.names.name(whole[0]), at, whole.end())
            return whole.end()
        letters = re.match(r"[A-Za-z]+", word)[0]  # type: ignore[index]
        after = text[stop : stop + 1]
        if word != letters and not self.names.is_known(word):
            if letters + "" in FUNCTIONS and word in FUNCTIONS:
                letters = word
            elif not re.fullmatch(r"[A-Za-z]\d+", word) or self.names.is_known(letters):
                if not (len(letters) == 1 or letters in GREEK):
                    word, stop = letters, at + len(letters)
        pieces = self.names.split(word)
        if pieces is None and after == "(" and not self.names.strict:
            pieces = (("name", canonical(word)),)
        if pieces is None:
            from solver.registry import unknown

            options = [k for k in self.names.known if len(k) > 2] + ["or", "and"]
            if after == "(":
                options = list(FUNCTIONS)
            raise self.error(
                unknown("function" if after == "(" else "name", word, options).message
                if after == "("
                else f"the word {word[:40]!r} is not understood in this answer",
                at,
            )
        for kind, value in pieces:
            if kind == "said":
                kind = "sign"
            self.put(kind, value, at, stop)
        return stop
