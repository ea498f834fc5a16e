"""The words of mathematics as people write it: LaTeX, Unicode and plain text alike.

A word is read where it stands, for LaTeX's \\frac12 has no fixed words. Letters that
run together are split into declared names, longest first; macros are an allow-list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from solver.core import BadInput
from solver.expressions.grammar import LONGEST
from solver.expressions.typeset_forms import ACCENTS, GREEK, key, spelled
from solver.expressions.unify import FUNCTIONS, Bounded

DEEPEST = 40
SPACE = re.compile(
    r"(?:\s|~|\\[,;:! ]|\\(?:left|right|[bB]ig+[lr]?|q?quad|displaystyle|textstyle"
    r"|limits|nolimits|rm)(?![A-Za-z]))*"
)
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+(?![A-Za-z0-9]))?|\.[0-9]+")
WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")
OPENED = r"\s*(?:\\left\s*)?(?:[(\[]|\\[{(\[]|\\lbrack)"
SQUASHED = re.compile(r"(?:'|′|’|\\prime|\^\s*\{?\s*\\prime|\{)?" + OPENED + "|['′’]")
POWERED = re.compile(r"(?:\^\s*(?:\d+|\{\s*\d+\s*\})|[⁰¹²³⁴⁵⁶⁷⁸⁹]+)" + OPENED)
CALLED = re.compile(r"(?:σ|sigma)\s*" + OPENED)
COMPARISON = re.compile(r"[<>≤≥]|\\[gl](?:eq?|t)(?![a-z])")
FONTS = {
    "mathbf", "boldsymbol", "bm", "mathrm", "mathit", "mathsf", "mathcal", "mathbb",
    "text", "textbf", "textrm", "textit", "operatorname", "vec",
}  # fmt: skip
OVER = {
    **{a: a for a in ACCENTS},
    "widehat": "hat",
    "overline": "bar",
    "widetilde": "tilde",
}
ALIASES = {
    "ln": "log", "trace": "tr", "Tr": "tr", "ReLU": "relu", "sgn": "sign",
    "lse": "logsumexp", "LSE": "logsumexp", "Diag": "diag", "sigma": "sigmoid",
    "sech": "sech",
}  # fmt: skip
WORDS = {**{f: f for f in FUNCTIONS if f != "kron"}, **ALIASES}
MACRO_SIGNS = {
    "cdot": "*", "times": "*", "odot": ".*", "circ": ".*", "oslash": "./",
    "otimes": "kron", "div": "/", "lVert": "‖", "rVert": "‖", "Vert": "‖",
    "lvert": "|", "rvert": "|",
    "vert": "|", "le": "<=", "leq": "<=", "ge": ">=", "geq": ">=", "gt": ">", "lt": "<",
    "lbrace": "{{", "rbrace": "}}", "lbrack": "[", "rbrack": "]", "prime": "'",
}  # fmt: skip
SIGNS = {
    "\\|": "‖", "\\{": "{{", "\\}": "}}", "||": "‖", "**": "^", ".*": ".*", "./": "./",
    ".^": ".^", ".T": "'", "<=": "<=", ">=": ">=", "·": "*", "×": "*", "⋅": "*",
    "@": "*", "⊙": ".*", "∘": ".*", "⊘": "./", "⊗": "kron", "−": "-", "–": "-",
    "′": "'", "’": "'",
    "∥": "‖", "≤": "<=", "≥": ">=", "√": "√", "∑": "∑", "½": "½", "⊤": "'",
    "&": "&", "\\\\": "\\\\",
    **{c: c for c in "+-*/^()[]{}|‖,'_<>=ᵀ"},
}  # fmt: skip
CLOSERS = {"(": ")", "[": "]", "{": "}", "{{": "}}"}
UP = {**dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")), "⁻": "-", "ᵀ": "T", "⁺": "+"}
DOWN = {**dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789")), **dict(zip("ᵢⱼₖₙₘₜ", "ijknmt"))}
TURNS = {"T", r"\top", r"\mathsf{T}", r"\mathsfT", r"\mathrm{T}", r"\mathrmT", "⊤",
         r"\intercal", r"\prime", r"\text{T}", r"\mathsf{\top}"}  # fmt: skip
STARTS = {"name", "number", "function", "macro", "ones", "eye", "zero", "euler", "pi"}
OPENS = {"(", "[", "{", "{{", "‖", "|", "√", "½", "∑"}


class Lexer(Bounded):
    """One text, where reading stands, and what is declared."""

    def __init__(self, text: str, dims: Mapping[str, Any], flags: Mapping[str, Any]):
        if len(text) > LONGEST:
            raise BadInput(
                f"the expression has {len(text):,} characters; at most {LONGEST:,}"
            )
        super().__init__()
        self.open: dict[str, Any] | None = None  # what is found out: see `discovered`
        self.text, self.dims, self.flags = text, dims, flags
        self.at, self.depth, self.index, self.fences = 0, 0, "", [""]
        self.end = len(text.rstrip().rstrip("$").rstrip())
        self.names: dict[str, tuple[str, str]] = {}
        for kind, found in (
            ("var", dims),
            ("size", [d for s in dims.values() for d in s if isinstance(d, str)]),
        ):
            for name in found:
                self.names.setdefault(name, (kind, name))
            for name in found:
                self.names.setdefault(key(name), (kind, name))
        self.longest = max(map(len, self.names), default=0)
        self.cached: tuple[int, tuple[str, str, int, int]] = (-1, ("", "", 0, 0))
        while self.end and re.match(r"\s*\$", text[self.at :]):
            self.at = text.index("$", self.at) + 1

    def error(self, message: str, at: int | None = None) -> BadInput:
        message = message if len(message) < 200 else message[:199] + "…"
        return BadInput(
            message, text=self.text, offset=self.look()[2] if at is None else at
        )

    def skip(self, at: int) -> int:
        return SPACE.match(self.text, at, self.end).end()  # type: ignore[union-attr]

    def look(self) -> tuple[str, str, int, int]:
        """(kind, value, start, stop) of what comes next; nothing is taken."""
        if self.cached[0] != self.at:
            self.cached = (self.at, self.token(self.skip(self.at)))
        return self.cached[1]

    def token(self, at: int) -> tuple[str, str, int, int]:
        text = self.text
        if at >= self.end:
            return "end", "", at, at
        for n in (2, 1):
            if n == 2 and text.startswith("||", at) and self.fences[-1] == "|":
                continue  # the ends of two bars
            sign = SIGNS.get(text[at : at + n])
            if sign and at + n <= self.end:
                return "sign", sign, at, at + n
        c = text[at]
        if c in UP:
            stop = at
            while stop < self.end and text[stop] in UP:
                stop += 1
            return "super", "".join(UP[x] for x in text[at:stop]), at, stop
        found = NUMBER.match(text, at, self.end)
        if found:
            return "number", found[0], at, found.end()
        if c == "\\":
            return self.macro(at)
        if c in "𝟏𝟙":
            return "ones", "1", at, at + 1
        if c == "𝟎":
            return "zero", "0", at, at + 1
        unit = self.letters(at)
        if unit:
            return unit
        raise self.error(f"{c!r} has no meaning here", at)

    def macro(self, at: int) -> tuple[str, str, int, int]:
        found = re.compile(r"\\([A-Za-z]+)\*?").match(self.text, at, self.end)
        if not found:
            raise self.error(f"{self.text[at : at + 2]!r} has no meaning here", at)
        word, stop = found[1], found.end()
        if word in MACRO_SIGNS:
            return "sign", MACRO_SIGNS[word], at, stop
        if word in ("frac", "dfrac", "tfrac", "sqrt", "sum", "max"):
            return "macro", word[-4:] if word.endswith("frac") else word, at, stop
        cases = re.compile(r"\\(begin|end)\s*\{cases\}").match(self.text, at, self.end)
        if cases:
            first = cases[1] == "begin"
            return ("macro" if first else "sign"), "cases", at, cases.end()
        if word == "vec" and self.text[self.skip(stop) : self.skip(stop) + 1] == "(":
            return "function", "vec", at, stop
        if word in FONTS or word in OVER or word in GREEK:
            unit = self.unit(at, False)
            if unit:
                return self.named(*unit, at, word)
            if word in FONTS:  # \mathbf{Ax}: the font says nothing
                return self.token(self.skip(stop))
        if word in WORDS and word != "sigma":
            return "function", WORDS[word], at, stop
        raise self.error(f"the macro \\{word} is not read here", at)

    def unit(self, at: int, braced: bool) -> tuple[str, int] | None:
        """(name, stop) of one letter with its font and accent: \\hat{\\mathbf{y}}."""
        at = self.skip(at)
        found = re.compile(r"\\([A-Za-z]+)\*?").match(self.text, at, self.end)
        if found and found[1] in GREEK:
            return found[1], found.end()
        if found and (found[1] in FONTS or found[1] in OVER):
            inner_at = self.skip(found.end())
            if self.text[inner_at : inner_at + 1] == "{":
                inner = self.unit(inner_at + 1, True)
                stop = self.skip(inner[1]) if inner else 0
                if not inner or self.text[stop : stop + 1] != "}":
                    return None
                inner = inner[0], stop + 1
            else:
                inner = self.unit(inner_at, False)
            if inner and found[1] in OVER:
                base, accent, tail = spelled(inner[0])
                tail = f"_{tail}" if tail else ""
                inner = (base + OVER[found[1]] + tail, inner[1]) if not accent else None
            return inner
        if not found and at < self.end:
            word = re.compile(r"[A-Za-z]\w*|[01](?![0-9])").match(
                self.text, at, self.end
            )
            if word and braced:
                return word[0], word.end()
            c = self.text[at]
            if c.isalpha() or c in "01":
                name = key(c)
                return (name, at + 1) if name.isalnum() else None
        return None

    def named(
        self, name: str, stop: int, at: int, font: str
    ) -> tuple[str, str, int, int]:
        """What a unit in a font or a Greek letter is, its subscript read."""
        full, end = self.subscript(name, stop)
        if any(n in self.names for n in (full, key(full), name, key(name))):
            return self.scripted(name, at, stop)
        if name in ("1", "0"):
            return ("ones" if name == "1" else "zero"), name, at, stop
        if name == "I" and font != "mathit":
            ones = font == "mathbb" and self.indicates(stop)
            return ("ones" if ones else "eye"), "I", at, stop
        if name in WORDS and (name != "sigma" or self.squashes(stop)):
            return "function", WORDS[name], at, stop
        if name in ("pi", "e"):
            return ("pi" if name == "pi" else "euler"), name, at, stop
        if name in ("max", "sum"):
            return ("macro" if name == "max" else "function"), name, at, stop
        if font in FONTS and len(name) > 1 and name not in GREEK and not spelled(name)[1]:
            inside = self.text.find("{", at) + 1
            if inside and WORD.match(self.text, inside):
                return self.token(inside - 1)
        if font != "mathbb" and self.discovered(name, stop):  # 𝔼 is no matrix
            return self.scripted(key(name), at, stop)
        raise self.unknown(full, at)

    def unknown(self, name: str, at: int) -> BadInput:
        from solver.registry import unknown

        known = [
            *self.dims,
            *sorted({n for k, n in self.names.values() if k == "size"}),
        ]
        return self.error(unknown("variable", name, known).message, at)

    def letters(self, at: int) -> tuple[str, str, int, int] | None:
        """A word: a declared name, the longest first, else a function, e or I."""
        found = WORD.match(self.text, at, self.end)
        if not found:
            c = unicodedata.normalize("NFD", self.text[at : at + 2])
            accented = c[1:2] in ACCENTS.values()
            width = 1
            if accented and len(unicodedata.normalize("NFD", self.text[at])) == 1:
                width = 2
            name = key(self.text[at : at + width])
            if not (name and self.text[at].isalpha()):
                return None
            return self.named(name, at + width, at, "")
        if self.text[at + 1 : at + 2] in ACCENTS.values():
            return self.named(key(self.text[at : at + 2]), at + 2, at, "")
        word = found[0]
        if word in self.names:
            return self.scripted(word, at, found.end())
        plain = re.match(r"norm[12]|[A-Za-z]+", word)[0]  # type: ignore[index]
        after = self.text[self.skip(at + len(plain)) :][:1]
        letter = plain == "sigma" and not self.squashes(at + len(plain))
        if plain in WORDS and not letter or plain in ("max", "kron", "vector", "matrix", "eye"):
            if (after and after in "({[^|'²³√\\‖") or not self.declared(plain):
                kind = "function" if plain in WORDS else "macro"
                return kind, WORDS.get(plain, plain), at, at + len(plain)
        for n in range(min(len(word), self.longest + 2), 0, -1):
            if word[:n].endswith("_"):
                continue
            full, _ = self.subscript(word[:n], at + n)
            for name in (word[:n], key(word[:n]), full, key(full)):
                if name in self.names:
                    return self.scripted(word[:n], at, at + n)
        if word[0] == "e" and re.match(r"\s*(\^|\*\*|[⁻⁰¹²³])", self.text[at + 1 :]):
            return "euler", "e", at, at + 1
        if word[0] == "I":
            return ("ones" if self.indicates(at + 1) else "eye"), "I", at, at + 1
        if plain == "pi":
            return "pi", "pi", at, at + 2
        base = plain if plain in GREEK or spelled(plain)[1] else plain[0]
        digits = re.compile(r"\d*").match(self.text, at + len(base))
        stop = digits.end() if digits else at + len(base)
        called = after == "(" and len(plain) > 1 and base != plain
        if not called and self.discovered(self.text[at:stop], stop):
            return self.scripted(self.text[at:stop], at, stop)
        raise self.unknown(plain if "_" not in word else word, at)

    def discovered(self, name: str, stop: int) -> bool:
        """While letters are being found out: take this one, with its subscript, for a
        variable; one that a sum runs over without its index."""
        if self.open is None:
            return False
        full, _ = self.subscript(name, stop)
        low = full[len(name) + 1 :].replace("_", "")
        whole = key(name if self.index and {*low} == {*self.index} else full)
        if not whole or len(self.open) > 60:
            return False
        self.open.setdefault(whole, () if whole == "sigma" else None)
        self.dims.setdefault(whole, ())  # type: ignore[attr-defined]
        for spelling in (whole, name if whole == key(name) else full):
            self.names.setdefault(spelling, ("var", whole))
        self.longest = max(self.longest, len(whole), len(name))
        return True

    def squashes(self, at: int) -> bool:
        """Whether σ is the sigmoid here: a bracket or a prime follows; else it is a letter.
        Before a letter it could be either; before ²( it is what it is elsewhere."""
        after = self.text[self.skip(at) : self.end]
        if SQUASHED.match(after):
            return True
        if POWERED.match(after):
            if CALLED.search(self.text):
                return True
            raise self.ambiguous("(σ(z))^2 or σ^2·(z)", at)
        if after[:1].isalpha() or after[:1] == "{" or self.unit(at, False):
            raise self.ambiguous("σ(z), or σ·z with σ declared", at)
        return False

    def ambiguous(self, way: str, at: int) -> BadInput:
        return self.error(f"σ is the sigmoid or a letter here: write {way}", at)

    def found_entry(self, name: str, index: str) -> None:
        """A letter that is being found out has as many axes as it has indices."""
        whole = self.names[name][1]
        if self.open is not None and whole in self.open and not self.dims[whole]:
            self.open[whole] = len(index)
            self.dims[whole] = ("?",) * len(index)  # type: ignore[index]

    def declared(self, word: str) -> bool:
        return all(c in self.names for c in word)

    def scripted(self, name: str, at: int, stop: int) -> tuple[str, str, int, int]:
        full, end = self.subscript(name, stop)
        found = next((f for f in (full, key(full)) if f in self.names), "")
        if found:
            self.no_call(found, end)
            return "name", found, at, end
        name = name if name in self.names else key(name)
        return "entry", name, at, stop

    def no_call(self, name: str, stop: int) -> None:
        """A declared letter that names a function too is not put before a bracket."""
        after = self.text[self.skip(stop) : self.skip(stop) + 1]
        if key(name) in WORDS and after and after in "([":
            function = WORDS[key(name)]
            raise self.error(
                f"{name} is a variable here: write {function}(…), or {name}·(…)", stop
            )

    def subscript(self, name: str, at: int) -> tuple[str, int]:
        """(name with its subscript, stop); the name itself if none follows."""
        down = re.compile("[" + "".join(DOWN) + "]+").match(self.text, at, self.end)
        if down:
            return f"{name}_{''.join(DOWN[c] for c in down[0])}", down.end()
        found = re.compile(r"\s*_\s*").match(self.text, at, self.end)
        if not found:
            return name, at
        inside, stop = self.argument(found.end())
        inside = re.sub(r"\\(?:mathrm|text|mathbf|mathit)\b|[{}\s\\]", "", inside)
        return f"{name}_{inside.replace(',', '_')}", stop

    def argument(self, at: int) -> tuple[str, int]:
        """(text, stop) of a script: a group in braces, a macro or one character."""
        at = self.skip(at)
        if self.text[at : at + 1] == "{":
            depth = 0
            for i in range(at, self.end):
                depth += {"{": 1, "}": -1}.get(self.text[i], 0)
                if not depth:
                    return self.text[at + 1 : i], i + 1
            raise self.error("'{' is never closed by '}'", at)
        found = re.compile(
            r"\\(?:math|text)[a-z]+\s*(?:\{[^{}]{0,9}\}|[A-Z](?![A-Za-z]))|\\[A-Za-z]+|[0-9]+|."
        ).match(self.text, at, self.end)
        return (found[0], found.end()) if found else ("", at)

    def indicates(self, at: int) -> bool:
        """Whether a bracket with a comparison follows: 𝟙[a > 0]."""
        at, depth = self.skip(at), 0
        at += self.text[at : at + 1] == "_"
        if self.text[at : at + 1] not in ("[", "(", "{", "\\"):
            return False
        for i in range(at, self.end):
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(
                self.text[i], 0
            )
            if depth and COMPARISON.match(self.text, i):
                return True
            if not depth and i > at:
                return False
        return False

    def take(self, *signs: str) -> str:
        kind, value, _, stop = self.look()
        if kind == "sign" and value in signs:
            self.at = stop
            return value
        return ""

    def deeper(self, by: int = 1) -> None:
        self.depth += by
        if self.depth > DEEPEST:
            raise self.error(f"brackets or signs are nested deeper than {DEEPEST}")
