"""The tokens of mathematics as students type it: LaTeX, Unicode, plain text, Python.

Hostile until read: length, tokens and digits are bounded, control characters refused,
macros are an allow-list. A word is split into the names that are known, the longest
first; a word that nobody knows is an error with a caret, never passed over.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from solver.core import BadInput
from solver.expressions.typeset_forms import ACCENTS, GREEK, key

LONGEST, MOST_TOKENS, DIGITS = 3000, 1500, 400

# Functions by each spelling; the value is the one that trees are made of.
FUNCTIONS: dict[str, str] = {
    **{f: f for f in (
        "sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth", "sech", "csch",
        "exp", "log", "sqrt", "abs", "sign", "floor", "ceil", "max", "min", "sigmoid", "relu",
        "softplus", "softmax", "tr", "det", "inv", "diag", "transpose", "norm", "factorial",
        "binomial", "step", "vec", "dot", "outer", "round", "sum", "prod", "array",
    )},
    **{f"a{s}{f}": f"a{f}" for f in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh",
                                     "tanh") for s in ("", "rc", "r")},
    "ln": "log", "lg": "log10", "log10": "log10", "log2": "log2", "Abs": "abs", "sgn": "sign",
    "Sign": "sign", "ceiling": "ceil", "ReLU": "relu", "Relu": "relu", "RELU": "relu",
    "trace": "tr", "Tr": "tr", "Trace": "tr", "logistic": "sigmoid", "Sigmoid": "sigmoid",
    "heaviside": "step", "binom": "binomial", "choose": "binomial", "cosec": "csc",
    "Exp": "exp", "Log": "log", "Ln": "log", "Sqrt": "sqrt", "tg": "tan", "Max": "max",
    "Min": "min", "maximum": "max", "minimum": "min", "arcsec": "asec", "diagonal": "diag",
    "product": "prod", "tensor": "array", "Matrix": "array", "asarray": "array", "matrix": "array",
}  # fmt: skip
CONSTANTS = {"pi": "pi", "inf": "∞", "infty": "∞", "infinity": "∞", "oo": "∞", "Inf": "∞"}
FONTS = {
    "mathbf", "boldsymbol", "bm", "mathrm", "mathit", "mathsf", "mathcal", "mathbb", "mathds",
    "mathfrak", "textbf", "textrm", "textit", "textsf", "operatorname", "vec", "bold", "rm", "bf",
    "mathop", "text", "mbox", "textnormal", "emph", "symbf", "mathtt", "texttt",
}  # fmt: skip
OVER = {**{a: a for a in ACCENTS}, "widehat": "hat", "overline": "bar", "widetilde": "tilde"}
NOTHING = {
    "left", "right", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl",
    "biggr", "Biggl", "Biggr", "quad", "qquad", "displaystyle", "textstyle", "limits",
    "nolimits", "scriptstyle", "mathstrut", "nonumber", "notag", "hfill", "thinspace", "middle",
    "negthinspace", "medspace", "thickspace", "enspace", "hline", "cr", "rm", "it",
}  # fmt: skip
MACROS = {
    "cdot": "*", "times": "*", "odot": "⊙", "circ": "⊙", "oslash": "⊘", "otimes": "⊗",
    "div": "/", "pm": "±", "mp": "∓", "le": "≤", "leq": "≤", "leqslant": "≤", "ge": "≥",
    "geq": "≥", "geqslant": "≥", "lt": "<", "gt": ">", "ne": "≠", "neq": "≠", "approx": "≈",
    "simeq": "≈", "sim": "≈", "equiv": "=", "in": "∈", "cup": "∪", "cap": "∩",
    "setminus": "∖", "land": "and", "wedge": "and", "lor": "or", "vee": "or", "neg": "not",
    "lnot": "not", "lVert": "‖", "rVert": "‖", "Vert": "‖", "lvert": "|", "rvert": "|",
    "vert": "|", "mid": "|", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉",
    "lbrace": "{{", "rbrace": "}}", "lbrack": "[", "rbrack": "]", "prime": "'", "infty": "∞",
    "emptyset": "∅", "varnothing": "∅", "top": "⊤", "intercal": "⊤", "ast": "*", "star": "*",
    "sum": "Σ", "prod": "Π", "colon": ":", "to": "→", "rightarrow": "→", "langle": "(",
    "rangle": ")", "lparen": "(", "rparen": ")", "Longrightarrow": "→", "Rightarrow": "→",
    "implies": "→", "iff": "→", "coloneqq": "=", "gets": "=", "leftarrow": "=", "bullet": "*",
    "degree": "°", "cosec": "csc", "ldots": "…", "dots": "…", "cdots": "…",
}  # fmt: skip
STRUCTURES = {"frac": "frac", "dfrac": "frac", "tfrac": "frac", "cfrac": "frac",
              "sqrt": "sqrt", "binom": "binom", "dbinom": "binom", "tbinom": "binom",
              "boxed": "boxed", "begin": "begin", "end": "end"}  # fmt: skip
ENVIRONMENTS = {"matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix",
                "array", "cases", "aligned", "align", "equation", "gather", "split"}  # fmt: skip
SIGNS = {
    "·": "*", "×": "*", "⋅": "*", "∙": "*", "@": "@", "⊙": "⊙", "∘": "⊙", "⊗": "⊗", "⊘": "⊘",
    "−": "-", "–": "-", "—": "-", "÷": "/", "∕": "/", "⁄": "/", "±": "±", "∓": "∓", "≤": "≤",
    "⩽": "≤", "≥": "≥", "⩾": "≥", "≠": "≠", "≈": "≈", "≃": "≈", "∈": "∈", "∪": "∪", "∩": "∩",
    "∖": "∖", "∧": "and", "∨": "or", "¬": "not", "‖": "‖", "∥": "‖", "⌊": "⌊", "⌋": "⌋",
    "⌈": "⌈", "⌉": "⌉", "′": "'", "’": "'", "⊤": "⊤", "ᵀ": "ᵀ", "∞": "∞", "√": "√", "∑": "Σ",
    "∏": "Π", "∅": "∅", "→": "→", "⇒": "→", "←": "=", "≡": "=", "≔": "=", "°": "°", "…": "…",
    "【": "[", "】": "]", "，": ",", "；": ";", "∣": "|",
    **{c: c for c in "+-*/^()[]{}|,;:=<>'!%&_~$"},
}  # fmt: skip
LONG = {"**": "^", "<=": "≤", ">=": "≥", "!=": "≠", "==": "=", ":=": "=", "<-": "=", "->": "→",
        "=>": "→", "=<": "≤", "//": "//", ".*": "⊙", "./": "⊘", ".^": "^", "||": "‖", "&&": "and",
        "~=": "≈", "<>": "≠", "+-": "±", "+/-": "±", "...": "…", "&=": "=", "^^": "bad"}  # fmt: skip
UP = {**dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")), "⁻": "-", "⁺": "+", "ᵀ": "T", "ⁿ": "n"}
DOWN = {**dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789")), **dict(zip("ᵢⱼₖₙₘₜₓₚ", "ijknmtxp"))}
VULGAR = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3", "⅛": "1/8", "⅕": "1/5"}
SAID = {"and": "and", "or": "or", "not": "not", "if": "if", "for": "if", "when": "if",
        "where": "if", "otherwise": "else", "else": "else", "in": "∈", "union": "∪"}  # fmt: skip
NUMBER = re.compile(r"\d+(?:\.(?!\.)\d*)?(?:[eE][+-]?\d+(?![\w.]))?|\.\d+(?:[eE][+-]?\d+(?![\w.]))?")
WORD = re.compile(r"[^\W\d_][^\W_]*")
MACRO = re.compile(r"\\(?:([A-Za-z]+)\*?|(.))", re.S)
MODULES = re.compile(r"\b(?:np|numpy|math|torch|sp|tf|jnp|F|linalg)\.(?=[A-Za-z])")
SPACES = re.compile(r"(?:\s|\\[,;:! >])+")
SMALL_WORDS = re.compile(r"[A-Za-z]+")


class Token:
    """kind ("number", "name", "function", "sign", "structure", "word", "end"), value, where."""

    __slots__ = ("kind", "value", "at", "stop", "spaced")

    def __init__(self, kind: str, value: str, at: int, stop: int, spaced: bool = False):
        self.kind, self.value, self.at, self.stop, self.spaced = kind, value, at, stop, spaced


def guard(text: str) -> None:
    """Refuse what is no answer before anything reads it: too long, control characters."""
    if len(text) > LONGEST:
        raise BadInput(f"the answer has {len(text):,} characters; at most {LONGEST:,}")
    for i, c in enumerate(text):
        code = ord(c)
        hidden = code < 32 and c not in "\n\r\t" or 127 <= code < 160 or 0xD800 <= code < 0xE000
        if hidden or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069:
            clean = "".join(x if x.isprintable() else "?" for x in text)
            raise BadInput(
                f"the answer holds the control character U+{code:04X}", text=clean, offset=i
            )


@lru_cache(maxsize=8192)
def canonical(name: str) -> str:
    """The one spelling of a name: yhat for ŷ, \\hat{y} and y_hat; sigma for σ; x_1 for x1."""
    return key(name) or name


def dressed_plain(c: str) -> str:
    """The plain character of a full-width or mathematical one: x for 𝑥, + for ＋; else nothing."""
    if not (0xFF01 <= ord(c) <= 0xFF5E or 0x1D400 <= ord(c) <= 0x1D7FF):
        return ""
    folded = unicodedata.normalize("NFKC", c)
    return folded if folded.isascii() else ""


class Names:
    """What is known of letters: the declared, those of the key, aliases, functions.

    strict: a student's text, in which a longer word must be known; an author's may name
    new things.
    """

    def __init__(
        self,
        known: Iterable[str] = (),
        aliases: Mapping[str, str] | None = None,
        functions: Mapping[str, str] | None = None,
        strict: bool = False,
        calls: Iterable[str] = (),
    ):
        self.aliases = {canonical(a): canonical(n) for a, n in (aliases or {}).items()}
        self.known = {canonical(k) for k in known} | set(self.aliases.values())
        self.functions = {canonical(f): g for f, g in (functions or {}).items()}
        self.strict, self.calls = strict, frozenset(calls)
        self.plain = {k for k in (*self.known, *self.aliases, *self.functions)}
        self.split = lru_cache(maxsize=2048)(self._split)

    def name(self, word: str) -> str:
        """A name as the key has it."""
        found = canonical(word)
        return self.aliases.get(found, found)

    def is_known(self, word: str) -> bool:
        return canonical(word) in self.plain

    def _split(self, word: str) -> tuple[tuple[str, str], ...] | None:
        """A run of letters as (kind, value, …) pieces, or None if nobody knows it."""
        one = self.piece(word)
        if one:
            return (one,)
        best = self.pieces(word, 0, {})
        if best is not None:
            return best
        if len(word) <= 2 or word[:1] == "d" and len(word) <= 3:
            return tuple(self.piece(c) or ("name", canonical(c)) for c in word)
        if not self.strict:
            return (("name", canonical(word)),)
        return None

    def piece(self, word: str) -> tuple[str, str] | None:
        """What one whole word is."""
        if self.is_known(word):
            found = canonical(word)
            if found in self.functions:
                return "function", self.functions[found]
            return "name", self.name(word)
        if word in FUNCTIONS:
            return "function", FUNCTIONS[word]
        if word in self.calls:
            return "name", word
        if word in SAID:
            return "said", SAID[word]
        if word in CONSTANTS:
            return "name", CONSTANTS[word]
        found = canonical(word)
        if len(word) == 1 or found in GREEK or word in GREEK:
            return "name", self.aliases.get(found, found)
        if re.fullmatch(r"[A-Za-z](?:hat|bar|tilde)|[A-Za-z]\d+", word):
            return "name", self.aliases.get(found, found)
        base = re.fullmatch(r"([A-Za-z]+?)(hat|bar|tilde|\d+)", word)
        if base and base[1] in GREEK:
            return "name", self.aliases.get(found, found)
        return None

    def pieces(
        self, word: str, at: int, seen: dict[int, Any]
    ) -> tuple[tuple[str, str], ...] | None:
        """A word as known names side by side, the longest first: wx, yf, 2πσ."""
        if at == len(word):
            return ()
        if at in seen:
            return seen[at]
        seen[at] = None
        for stop in range(len(word), at, -1):
            part = word[at:stop]
            if part.isdigit() or not (self.is_known(part) or part in ("e", "pi")
                                      or len(part) > 2 and part in GREEK):  # fmt: skip
                continue
            rest = self.pieces(word, stop, seen)
            if rest is not None:
                one = self.piece(part) or ("name", part)
                seen[at] = ((one[0], one[1]), *rest)
                break
        return seen[at]


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Lexer:
    """Tokens of one text, made as they are asked for; positions are the text's own."""

    def __init__(self, text: str, names: Names):
        guard(text)
        self.text, self.names = text, names
        self.latex = bool(re.search(r"\\[A-Za-z{|]", text))
        self.tokens: list[Token] = []
        self.fill()

    def error(self, message: str, at: int) -> BadInput:
        short = message if len(message) < 200 else message[:199] + "…"
        return BadInput(short, text=self.text, offset=at)

    def put(self, kind: str, value: str, at: int, stop: int) -> None:
        if len(self.tokens) >= MOST_TOKENS:
            raise self.error("the answer is too long to be read", at)
        before = self.tokens[-1].stop if self.tokens else 0
        self.tokens.append(Token(kind, value, at, stop, before < at))

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
                if LONG[piece] == "bad":
                    raise self.error("^^ has no meaning here", at)
                self.put("sign", LONG[piece], at, at + n)
                return at + n
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
        if c == "#" or c in "\"`?@":
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
                if not (d.isascii() and d.isdigit()):
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
        if word == "U" and re.search(r"[)\]}]\s*$", text[:at]) and (
            re.match(r"\s*(?:\\left|\\)?\s*[(\[{]", text[stop:])
        ):
            self.put("sign", "∪", at, stop)
            return stop
        if word[0] == "T" and self.tokens and self.tokens[-1].value == "^" and (
            not self.names.is_known("T") and word not in FUNCTIONS
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
                if after == "(" else f"the word {word[:40]!r} is not understood in this answer",
                at,
            )
        for kind, value in pieces:
            if kind == "said":
                kind = "sign"
            self.put(kind, value, at, stop)
        return stop

    # -- macros ---------------------------------------------------------------------------

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
            self.greek(word.removeprefix("var") if word not in GREEK else word, at, stop)
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
        return any(word in t for t in tables)  # type: ignore[operator]

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
        inner = re.compile(r"\s*(?:\{([^{}]{0,120})\}|\\([A-Za-z]+)|([A-Za-z0-9]))").match(
            self.text, stop
        )
        if word in OVER:
            if inner and (inner[1] or inner[2] or inner[3]):
                bare = re.sub(
                    r"\\(?:mathbf|boldsymbol|bm|mathrm|vec)\b|[{}\\\s]", "",
                    inner[1] or inner[2] or inner[3],
                )  # fmt: skip
                nested = re.compile(r"\s*\{\s*\\(?:mathbf|boldsymbol|bm|mathrm)\s*\{(\w+)\}\s*\}")
                deep = nested.match(self.text, stop)
                if re.fullmatch(r"\w+", bare):
                    name = canonical(bare + "_" + OVER[word])
                    self.put("name", self.names.aliases.get(name, name), at, inner.end())
                    return inner.end()
            nested = re.compile(r"\s*\{\s*\\(?:mathbf|boldsymbol|bm|mathrm)\s*\{(\w+)\}\s*\}")
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
            if word in ("text", "mbox", "textnormal", "textrm", "texttt", "textbf", "textit"):
                return self.words(said, at, inner.end())
            bare = said.lstrip("\\")
            if said in ("1", "I", "1 ") and word in ("mathbb", "mathbf", "mathds", "mathrm"):
                if said == "1" or word in ("mathbb", "mathds"):
                    self.put("name", "𝟙", at, inner.end())
                    return inner.end()
            if re.fullmatch(r"[A-Za-z]{2,}", said):
                one = self.names.piece(said)
                if one:
                    self.put("sign" if one[0] == "said" else one[0], one[1], at, inner.end())
                    return inner.end()
                if word in ("mathrm", "operatorname", "mathit", "mathsf"):
                    return self.words(said, at, inner.end())
            if said in ("T", "⊤", "\\top", "\\intercal") and self.tokens and (
                self.tokens[-1].value == "^" or self.tokens[-1].value in ("{", "-")
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
