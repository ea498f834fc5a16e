"""Where reading stands in a text, and what every room of the reader needs of it."""

from __future__ import annotations

from solver.core import BadInput
from solver.expressions.nodes import Add, Expr, Mul
from solver.reading.lexer import Lexer
from solver.reading.macros import Token
from solver.reading.names import Names

DEEPEST = 60
FENCED = {"(": ")", "[": "]", "{": "}", "{{": "}}"}
CLOSERS = (")", "]", "}", "}}", "⌋", "⌉")
RELATIONS = ("=", "<", ">", "≤", "≥", "≠", "≈", "∈", "←")


class Cursor:
    """The tokens of one text; the rules that refer to each other are declared here."""

    def __init__(self, text: str, names: Names):
        self.text, self.names = text, names
        self.lexer = Lexer(text, names)
        self.tokens = [t for t in self.lexer.tokens if t.value != "$"]
        self.i, self.depth = 0, 0
        self.fences: list[str] = []
        self.kept: dict[int, Expr] = {}  # sums and products that stand in brackets

    @property
    def now(self) -> Token:
        return self.tokens[self.i]

    def error(self, message: str, at: int | None = None) -> BadInput:
        return BadInput(
            message, text=self.text, offset=self.now.at if at is None else at
        )

    def peek(self, *signs: str) -> bool:
        return self.now.kind == "sign" and self.now.value in signs

    def take(self, *signs: str) -> str:
        if self.peek(*signs):
            self.i += 1
            return self.tokens[self.i - 1].value
        return ""

    def close(self, sign: str, at: int) -> None:
        if not self.take(sign):
            shown = self.text[at : at + 2] if self.text[at] == "\\" else self.text[at]
            raise self.error(f"{shown!r} is never closed by {sign[0]!r}", at)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"brackets or signs are nested deeper than {DEEPEST}")

    def shown(self) -> str:
        piece = self.text[self.now.at : self.now.stop]
        return repr(piece if len(piece) <= 20 else piece[:20] + "…")

    def shown_at(self, t: Token) -> str:
        return repr(self.text[t.at : t.stop][:20])

    def keep(self, e: Expr) -> Expr:
        """The tree of a bracket: what follows does not join its sum or product."""
        if isinstance(e, (Add, Mul)):
            self.kept[id(e)] = e
        return e

    def bracketed(self, e: Expr) -> bool:
        return id(e) in self.kept

    # The rules, from loose to tight, each in the room of its name.

    def disjunction(self) -> Expr:
        raise NotImplementedError

    def sum(self) -> Expr:
        raise NotImplementedError

    def term(self) -> Expr:
        raise NotImplementedError

    def product(self) -> Expr:
        raise NotImplementedError

    def factor(self) -> Expr:
        raise NotImplementedError

    def atom(self) -> Expr:
        raise NotImplementedError

    def part(self) -> Expr:
        raise NotImplementedError

    def exponent(self) -> Expr:
        raise NotImplementedError

    def group(self) -> Expr:
        raise NotImplementedError

    def starts(self) -> bool:
        raise NotImplementedError

    def times(self, a: Expr, b: Expr) -> Expr:
        raise NotImplementedError

    def postfix(self, e: Expr) -> Expr:
        raise NotImplementedError

    def power(self, e: Expr, at: int) -> Expr:
        raise NotImplementedError

    def raised(self, e: Expr, word: str, at: int) -> Expr:
        raise NotImplementedError

    def root(self, t: Token) -> Expr:
        raise NotImplementedError

    def conditional(self, e: Expr, close: str = "") -> Expr:
        raise NotImplementedError

    def holds_condition(self) -> bool:
        raise NotImplementedError

    def condition(self) -> Expr:
        raise NotImplementedError

    def function(self, t: Token) -> Expr:
        raise NotImplementedError
