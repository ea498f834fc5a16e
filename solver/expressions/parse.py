"""The parser of the plain grammar: text in, a tree out, nothing evaluated.

Built for text from outside: length, depth and the size of numbers are bounded, and every
error is a BadInput with a caret under the character where reading stopped.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from solver.core import BadInput
from solver.expressions.nodes import (
    FUNCTIONS,
    Add,
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Sym,
)

LONGEST, DEEPEST, DIGITS = 2000, 60, 40
SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹"
TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?|\.\d+)"
    r"|(?P<name>[A-Za-zα-ωŷ]\u0302?[A-Za-z0-9]*(?:_[A-Za-z0-9]+)*)"
    r"|(?P<power>⁻?[" + SUPERSCRIPT + r"]+)"
    r"|(?P<sign>\*\*|[-+*/^(),⌊⌋⌈⌉|−·×⋅]))"
)
SAME = {"−": "-", "·": "*", "×": "*", "⋅": "*", "**": "^"}
FENCES = {"⌊": ("⌋", "floor"), "⌈": ("⌉", "ceil"), "|": ("|", "abs")}

# Functions that are others: max(0, x) has relu's kink and derivative, known everywhere.
WRITTEN_OUT: dict[str, Callable[[Expr], Expr]] = {
    "relu": lambda x: Call("max", Num(0), x),
    "softplus": lambda x: Call("log", Add(Num(1), Call("exp", x))),
}


def parse(text: str, kind: str = "size") -> Expr:
    """The tree of an expression such as `floor((n + 2*p - k)/s) + 1` or `2C² + 3C`.

    Letters get the assumption `kind` (see nodes.Sym). A number may stand before a letter
    or a bracket without `*`. Raises BadInput with a caret.
    """
    return _Parser(text, kind).whole()


class _Parser:
    def __init__(self, text: str, kind: str):
        if len(text) > LONGEST:
            raise BadInput(
                f"the expression has {len(text)} characters; at most {LONGEST}"
            )
        self.text, self.kind, self.depth, self.i = text, kind, 0, 0
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        while at < len(text.rstrip()):
            m = TOKEN.match(text, at)
            if not m:
                at += len(text[at:]) - len(text[at:].lstrip())
                raise self.error(f"{text[at]!r} has no meaning here", at)
            what = m.lastgroup or ""
            word = m.group(what)
            word = (
                SAME.get(word, word)
                if word.isascii() or what != "name"
                else spelt(word)
            )
            self.tokens.append((what, word, m.start(what)))
            at = m.end()
        self.tokens.append(("end", "", len(text.rstrip())))

    def error(self, message: str, offset: int | None = None) -> BadInput:
        at = self.tokens[self.i][2] if offset is None else offset
        return BadInput(message, text=self.text, offset=at)

    def peek(self) -> str:
        return self.tokens[self.i][1]

    def take(self, word: str) -> bool:
        if self.tokens[self.i][0] == "sign" and self.tokens[self.i][1] == word:
            self.i += 1
            return True
        return False

    def whole(self) -> Expr:
        e = self.sum()
        if self.tokens[self.i][0] != "end":
            raise self.error(f"did not expect {self.peek()!r} here")
        return e

    def sum(self) -> Expr:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"brackets are nested deeper than {DEEPEST}")
        negative = self.negative()  # of the whole first term: −a/b is −(a/b)
        first = self.product()
        terms = [_minus(first) if negative else first]
        while self.peek() in ("+", "-"):
            minus = self.take("-") or not self.take("+")
            term = self.product()
            terms.append(Neg(term) if minus else term)
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Add(*terms)

    def product(self) -> Expr:
        factors, fractions = [self.signed()], 0
        while True:
            if self.take("*"):
                factors.append(self.signed())
            elif self.take("/"):
                fractions += 1
                if fractions > DEEPEST:
                    raise self.error(f"more than {DEEPEST} divisions in a row")
                factors = [Div(_times(factors), self.signed())]
            elif self.starts_factor(factors[-1]):
                factors.append(self.raised())
            else:
                return _times(factors)

    def starts_factor(self, before: Expr) -> bool:
        """Implicit product: 2p, 2(k − 1), 3C², and (a)(b); never a function's bracket."""
        what, word, _ = self.tokens[self.i]
        if what == "name" or word in ("⌊", "⌈"):
            return True
        return word == "(" and not isinstance(before, Sym)

    def signed(self) -> Expr:
        negative = self.negative()
        e = self.raised()
        return _minus(e) if negative else e

    def negative(self) -> bool:
        """Whether the signs that stand here, if any, make what follows negative."""
        minus = 0
        while self.peek() in ("+", "-"):
            minus += self.take("-") or not self.take("+")
        return minus % 2 == 1

    def raised(self) -> Expr:
        base = self.atom()
        if self.tokens[self.i][0] == "power":
            digits = self.peek().lstrip("⁻")
            if len(digits) > 4:
                raise self.error("an exponent has at most 4 digits")
            exponent = int("".join(str(SUPERSCRIPT.index(c)) for c in digits))
            exponent = -exponent if self.peek()[0] == "⁻" else exponent
            self.i += 1
            return Pow(base, Num(exponent))
        if self.take("^"):
            self.depth += 1
            if self.depth > DEEPEST:
                raise self.error(f"powers are nested deeper than {DEEPEST}")
            e = Pow(base, self.signed())
            self.depth -= 1
            return e
        return base

    def atom(self) -> Expr:
        what, word, at = self.tokens[self.i]
        self.i += 1
        if what == "number":
            if len(word) > DIGITS:
                raise self.error(
                    f"this number has {len(word)} digits; at most {DIGITS}", at
                )
            if re.match(r"[eE][-+−]?\d", self.text[at + len(word) :]):
                raise self.error("write the number out: 1000 or 10^3, not 1e3", at)
            return Num(_number(word))
        if what == "name":
            if self.peek() == "(":
                word = {"sigma": "sigmoid", "ln": "log"}.get(word, word)
            if word in FUNCTIONS:
                return self.call(word)
            if word in WRITTEN_OUT and self.peek() == "(":
                return WRITTEN_OUT[word](self.group())
            if self.peek() == "(":
                known = ", ".join((*FUNCTIONS, *WRITTEN_OUT))
                raise self.error(f"no function is called {word!r} (known: {known})", at)
            return Sym(word, self.kind)
        if what == "sign" and word in FENCES:
            close, name = FENCES[word]
            inside = self.sum()
            self.close(close, word, at)
            return Call(name, inside)
        if what == "sign" and word == "(":
            inside = self.sum()
            self.close(")", "(", at)
            return inside
        self.i -= 1
        if what == "end":
            raise self.error(
                "the expression ends where a number or a letter is expected"
            )
        raise self.error(f"expected a number, a letter or a bracket, not {word!r}")

    def group(self) -> Expr:
        """What stands in brackets: one argument."""
        at = self.tokens[self.i][2]
        self.take("(")
        inside = self.sum()
        self.close(")", "(", at)
        return inside

    def call(self, name: str) -> Expr:
        at = self.tokens[self.i][2]
        if not self.take("("):
            raise self.error(f"{name} needs its argument in brackets: {name}(…)")
        args = [self.sum()]
        while self.take(","):
            args.append(self.sum())
        self.close(")", "(", at)
        fewest, most, _ = FUNCTIONS[name]
        if not fewest <= len(args) <= most:
            raise self.error(f"{name} takes {fewest} argument, not {len(args)}", at)
        return Call(name, *args)

    def close(self, word: str, opened: str, at: int) -> None:
        if not self.take(word):
            raise self.error(f"{opened!r} is never closed by {word!r}", at)


def spelt(word: str) -> str:
    """The name of a letter written with its sign: ŷ is yhat, α is alpha, β1 is beta1."""
    import unicodedata

    def name(c: str) -> str:
        if "α" <= c <= "ω":
            return unicodedata.name(c).split()[-1].lower().replace("lamda", "lambda")
        return "hat" if c == "\u0302" else c

    return "".join(map(name, unicodedata.normalize("NFD", word)))


def named(word: str, *taken: str) -> str:
    """The name of a letter that an author chooses, none of those that mean something else."""
    name = spelt(word.strip())
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,15}(_\w{1,8})?", name):
        raise BadInput(f"{word[:20]!r} is no letter: give one such as z, α or w_1")
    if name in taken:
        raise BadInput(f"{name} means something else here: take another letter")
    return name


def _minus(e: Expr) -> Expr:
    return Num(-e.value) if isinstance(e, Num) and e.value > 0 else Neg(e)


def _times(factors: list[Expr]) -> Expr:
    return factors[0] if len(factors) == 1 else Mul(*factors)


def _number(word: str) -> object:
    if "." not in word:
        return int(word)
    from fractions import Fraction

    exact = Fraction(word)  # a decimal is exact: 0.1 is 1/10
    return exact.numerator if exact.denominator == 1 else exact
