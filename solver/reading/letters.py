"""Names with their indices, and functions with their arguments."""

from __future__ import annotations

from solver.expressions.nodes import Call, Expr, Mul, Num, Sym
from solver.expressions.written import (
    Index,
    Indicator,
)
from solver.reading.cursor import FENCED
from solver.reading.lexer import Token
from solver.reading.names import canonical
from solver.reading.structures import Structures

EXPECTED = ("E", "Var", "Cov", "P", "Pr")  # functionals, where they are not declared
CONSTANTS = ("pi", "e", "∞")
PRIMED = ("sigmoid", "tanh", "relu", "exp", "log", "sin", "cos", "softplus")
INVERSES = ("asin", "acos", "atan", "asinh", "acosh", "atanh")


class Named(Structures):
    """Letters, indexed letters, functions that are known and functions that are not."""

    def named(self, t: Token) -> Expr:
        name = t.value
        if name == "𝟙" or name == "I" and not self.names.is_known("I"):
            if self.peek("[", "(", "{", "{{", "_") and self.holds_condition():
                self.take("_")
                return Indicator(self.condition())
        if name in ("delta",) and not self.names.is_known("delta"):
            self.names.functions.setdefault("delta", "kronecker")
        if name == "sigma" and not self.names.is_known("sigma") and self.called():
            return self.function(Token("function", "sigmoid", t.at, t.stop))
        if name in self.names.functions:
            return self.function(
                Token("function", self.names.functions[name], t.at, t.stop)
            )
        e = self.indexed(name)
        if self.calls_unknown(name, e):
            return self.call_unknown(name)
        return e

    def called(self) -> bool:
        """Whether a bracket, or a power or prime before one, follows."""
        i = self.i
        if self.tokens[i].value == "'" or self.tokens[i].kind == "super":
            i += 1
        elif self.tokens[i].value == "^":
            i += 2
            if self.tokens[i - 1].value == "{":
                while self.tokens[i].kind != "end" and self.tokens[i - 1].value != "}":
                    i += 1
        return self.tokens[i].value in ("(", "[", "{{")

    def calls_unknown(self, name: str, e: Expr) -> bool:
        """Whether a letter before a bracket is a function that nobody declared: f(2), F(k).

        A known letter multiplies; one of the usual names of functions is one.
        """
        if not self.peek("(", "[") or not isinstance(e, Sym) or self.now.spaced:
            return False
        if self.peek("["):  # E[x²]
            expected = name in EXPECTED and not self.names.is_known(name)
            return expected or name in self.names.calls
        if name in self.names.calls:
            return True
        if self.names.is_known(name):
            return False
        if name in EXPECTED:
            return True
        return name in ("f", "g", "h", "F", "G", "H", "W", "q") or len(name) > 2

    def call_unknown(self, name: str) -> Expr:
        at, opened = self.now.at, self.take("(", "[")
        self.fences.append(opened)
        items = [self.sum()]
        while self.take(","):
            items.append(self.sum())
        self.fences.pop()
        self.close(FENCED[opened], at)
        return Call("call " + name, *items)

    def indexed(self, name: str) -> Expr:
        """A letter with the index that follows it, if one does."""
        if name in CONSTANTS and not self.names.is_known(name) and not self.peek("_"):
            return Sym(name, "real")
        base, _, tail = name.partition("_")
        if tail and not self.names.is_known(name):
            return Index(base, *self.indices_of(tail))
        if self.now.kind == "down":
            digits = self.now.value
            whole = f"{name}_{digits}"
            self.i += 1
            if self.names.is_known(whole) and canonical(whole) in self.names.known:
                return Sym(self.names.name(whole), "real")
            return Index(name, *self.indices_of(digits))
        if not self.peek("_"):
            return Sym(name, "real")
        self.i += 1
        if self.peek("("):
            at = self.now.at
            self.i += 1
            items = [self.sum()]
            while self.take(","):
                items.append(self.sum())
            self.close(")", at)
            return Index(name, *items)
        return self.index(name)

    def indices_of(self, word: str) -> list[Expr]:
        """ij as two indices, 12 as one, out as a name."""
        if word.isdigit():
            return [Num(int(word))]
        if len(word) <= 2 and word.isalpha() and word not in ("in",):
            return [Sym(c, "real") for c in word]
        return [Sym(word, "name")]

    def index(self, name: str) -> Expr:
        t = self.now
        if t.value == "{":
            self.i += 1
            if self.peek("}"):
                self.i += 1
                return Sym(name, "real")
            word = self.plain_word()
            if word:
                whole = f"{name}_{word}"
                if canonical(whole) in self.names.known:
                    return Sym(self.names.name(whole), "real")
                return Index(name, *self.indices_of(word))
            self.fences.append("{")
            items = [self.sum()]
            while self.take(","):
                items.append(self.sum())
            self.fences.pop()
            self.close("}", t.at)
            flat: list[Expr] = []
            for item in items:
                flat += item.args if isinstance(item, Mul) else (item,)
            return Index(name, *flat)
        self.i += 1
        if t.kind == "number":
            word = t.value
            if not word.isdigit():
                raise self.error("an index is a letter or a whole number", t.at)
        elif t.kind in ("name", "function", "word"):
            word = t.value
        else:
            raise self.error("an index is a letter or a whole number", t.at)
        whole = f"{name}_{word}"
        if canonical(whole) in self.names.known:
            return Sym(self.names.name(whole), "real")
        if t.kind == "name" and "_" in word:
            base, _, tail = word.partition("_")
            return Index(name, Index(base, *self.indices_of(tail)))
        while (
            t.kind == "name"
            and self.now.kind == "name"
            and not self.now.spaced
            and not (self.lexer.latex or self.tokens[self.i + 1].value == "_")
        ):
            word += self.now.value  # W_ij in plain text
            self.i += 1
        return Index(name, *self.indices_of(word))

    def plain_word(self) -> str:
        """The word in braces if letters alone stand there, and the brace that closes."""
        i, word = self.i, ""
        while self.tokens[i].kind in ("name", "number", "word", "function") and (
            "_" not in self.tokens[i].value
        ):
            word += self.tokens[i].value
            i += 1
        if self.tokens[i].value != "}" or not word or not word.isalnum():
            return ""
        pieces = self.text[self.tokens[self.i].at : self.tokens[i].at]
        if "\\" in pieces and "text" not in pieces and "rm" not in pieces:
            return ""
        self.i = i + 1
        return word
