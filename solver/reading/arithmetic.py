"""Sums, products and letters side by side, signs, powers, and what one factor can be."""

from __future__ import annotations

import re
from fractions import Fraction

from solver.core import BadInput
from solver.expressions.nodes import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Sym
from solver.expressions.written import (
    Choice,
    Group,
    Indicator,
    Product,
    Turned,
)
from solver.reading.cursor import DEEPEST, FENCED
from solver.reading.functions import Functions
from solver.reading.lexer import Token
from solver.reading.structures import number


class Arithmetic(Functions):
    """Precedence from sums down to atoms."""

    def sum(self) -> Expr:
        self.deeper()
        e = self.term()
        while self.peek("+", "-", "±", "∓"):
            sign = self.take("+", "-", "±", "∓")
            if sign == "+" and self.peek("+"):
                raise self.error("two signs stand in a row")
            right = self.term()
            if sign in "±∓":
                e = Choice(sign, e, right)
                continue
            right = right if sign == "+" else Neg(right)
            e = (
                Add(*e.args, right)
                if isinstance(e, Add) and not self.bracketed(e)
                else Add(e, right)
            )
        self.depth -= 1
        return e

    def term(self) -> Expr:
        signs = []
        while self.peek("+", "-", "±", "∓"):
            signs.append((self.now.at, self.take("+", "-", "±", "∓")))
            if len(signs) > DEEPEST:
                raise self.error(f"more than {DEEPEST} signs in a row")
        e = self.product()
        for _, sign in reversed(signs):
            if sign == "-":
                e = Neg(e)
            elif sign in "±∓":
                e = Choice(sign, None, e)
        return e

    def product(self) -> Expr:
        e = self.beside()
        while True:
            at = self.now.at
            sign = self.take("*", "·", "/", "//", "⊙", "⊗", "⊘", "@")
            if not sign:
                return e
            if self.peek("-", "+"):  # n/-m, 2*-3
                minus = self.take("-", "+") == "-"
                right = self.factor()
                right = Neg(right) if minus else right
            else:
                right = self.factor()
            if sign in ("/", "//"):
                if self.starts() and not isinstance(right, Num):
                    raise self.error("a/bc reads two ways: write (a/b)c or a/(bc)", at)
                e = Div(e, right)
                e = Call("floor", e) if sign == "//" else e
            elif sign in ("⊙", "⊗", "⊘"):
                e = Product(sign, e, right)
            elif sign in ("·", "@") and self.is_column(e) and self.is_column(right):
                e = Call("dot", e, right)  # x · y of two columns
            else:
                e = self.times(e, right)
            while self.starts():
                e = self.times(e, self.factor())

    def is_column(self, e: Expr) -> bool:
        """Whether a tree is a letter that is declared as a vector."""
        return isinstance(e, Sym) and e.name in self.names.columns

    def times(self, a: Expr, b: Expr) -> Expr:
        return (
            Mul(*a.args, b)
            if isinstance(a, Mul) and not self.bracketed(a)
            else Mul(a, b)
        )

    def beside(self) -> Expr:
        """Factors side by side: 2x(x + 1)."""
        e = self.factor()
        while self.starts():
            if self.now.kind == "number" and isinstance(e, Num):
                raise self.error("a sign is missing between these numbers")
            e = self.times(e, self.factor())
        return e

    def starts(self) -> bool:
        """Whether another factor stands here."""
        t = self.now
        if t.spaced and self.fences[-1:] == ["[ "]:
            return False
        if t.kind == "sign":
            if t.value in ("|", "‖"):
                return self.fences[-1:] != [t.value]
            return t.value in ("(", "[", "{", "{{", "√", "Σ", "Π", "⌊", "⌈")
        if t.kind == "structure":
            return t.value in ("frac", "sqrt", "binom") or t.value.startswith("begin")
        return t.kind in ("number", "name", "function", "vulgar")

    def factor(self) -> Expr:
        e = self.postfix(self.atom())
        while True:
            at = self.now.at
            if self.now.kind == "super":
                word = self.now.value
                self.i += 1
                e = self.raised(e, word, at)
            elif self.take("^"):
                e = self.power(e, at)
            else:
                return e
            e = self.postfix(e)

    def raised(self, e: Expr, word: str, at: int) -> Expr:
        if word in ("T", "-T"):
            return Turned(e) if word == "T" else Turned(Pow(e, Num(-1)))
        if word == "n":
            return Pow(e, Sym("n", "real"))
        if not re.fullmatch(r"[-+]?\d{1,4}", word):
            raise self.error("this is no exponent", at)
        n = int(word)
        return Pow(e, Num(n) if n >= 0 else Neg(Num(-n)))

    def power(self, e: Expr, at: int) -> Expr:
        """The base with the exponent that stands here; ^T, ^{-T}, ^+ are no numbers."""
        start = self.i
        braced = bool(self.take("{"))
        minus = bool(self.take("-"))
        if self.take("⊤", "'"):
            turned = True
        elif (
            self.now.kind == "name"
            and self.now.value == "T"
            and not self.names.is_known("T")
        ):
            self.i += 1
            turned = True
        else:
            turned = False
        if turned and (not braced or self.take("}")):
            return Turned(Pow(e, Neg(Num(1)))) if minus else Turned(e)
        self.i = start
        if self.take("{"):
            self.fences.append("{")
            if self.peek("*") and self.tokens[self.i + 1].value == "}":
                raise self.error("a star is no exponent", at)
            exponent = self.disjunction()
            self.close("}", self.tokens[start].at)
            self.fences.pop()
            if self.peek("°"):
                self.i += 1
            return Pow(e, exponent)
        if self.take("°"):
            return e
        exponent = self.exponent()
        return Pow(e, exponent)

    def exponent(self) -> Expr:
        self.deeper()
        if self.peek("-", "+"):
            minus = self.take("-", "+") == "-"
            e = self.exponent()
            e = Neg(e) if minus else e
        else:
            e = self.postfix(self.atom())
            if self.peek("^"):
                at = self.now.at
                self.i += 1
                e = self.power(e, at)  # a^b^c is a^(b^c)
        self.depth -= 1
        return e

    def postfix(self, e: Expr) -> Expr:
        start = self.i
        while True:
            if self.i - start > DEEPEST:
                raise self.error(f"more than {DEEPEST} signs follow one another")
            if self.peek("!"):
                self.i += 1
                e = Call("factorial", e)
            elif self.take("ᵀ", "'"):
                e = Turned(e)
            elif self.peek("%"):
                self.i += 1
                e = Div(e, Num(100))
            elif self.peek("°"):
                self.i += 1
            else:
                return e

    def atom(self) -> Expr:
        self.deeper()
        t = self.now
        if t.kind == "end":
            raise self.error("the answer ends where a letter or a number is expected")
        self.i += 1
        e = self.leaf(t)
        self.depth -= 1
        return e

    def leaf(self, t: Token) -> Expr:
        if t.kind == "number":
            if t.value == "1" and self.peek("[", "{{", "{") and self.holds_condition():
                return Indicator(self.condition())
            if t.value.endswith(".") and self.peek("(") and not self.now.spaced:
                raise self.error(
                    "repeating decimals are not read: write a fraction", t.at
                )
            if self.now.kind == "vulgar" and not self.now.spaced and t.value.isdigit():
                self.i += 1  # 33⅓
                return Add(
                    Num(int(t.value)), Num(Fraction(self.tokens[self.i - 1].value))
                )
            try:
                return number(t.value)
            except BadInput as error:
                raise self.error(error.message, t.at) from None
        if t.kind == "vulgar":
            return Num(Fraction(t.value))
        if t.kind == "name":
            return self.named(t)
        if t.kind == "function":
            return self.function(t)
        if t.kind == "structure":
            return self.structure(t)
        if t.kind == "sign":
            if t.value in FENCED:
                self.i -= 1
                return self.group()
            if t.value in ("|", "‖"):
                return self.bars(t)
            if t.value == "⌊" or t.value == "⌈":
                self.fences.append(t.value)
                e = self.sum()
                self.fences.pop()
                self.close("⌋" if t.value == "⌊" else "⌉", t.at)
                return Call("floor" if t.value == "⌊" else "ceil", e)
            if t.value == "√":
                return Call("sqrt", self.atom())
            if t.value in ("Σ", "Π"):
                return self.series(t)
            if t.value == "∅":
                return Group("{}")
            if t.value == "∞":
                return Sym("∞", "real")
            if t.value == "∂":
                raise self.error("a derivative is no answer here: work it out", t.at)
        raise self.error(f"expected a letter or a number, not {self.shown_at(t)}", t.at)
