"""The tolerant reader: what a student writes, LaTeX or plain, as a tree of what it says.

Recursive descent, from loose to tight: or, and, not; relations; unions; sums; products
and letters side by side; signs; powers; indices. It builds trees and nothing else: no
text is evaluated, depth and size are bounded, an error has its caret. What reads two
ways is refused, never guessed.
"""

from __future__ import annotations

import re
from fractions import Fraction

from solver.core import BadInput
from solver.expressions.nodes import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Sym
from solver.expressions.tokens import Lexer, Names, Token, canonical
from solver.expressions.written import (
    Branches,
    Choice,
    Grid,
    Group,
    Index,
    Indicator,
    Logic,
    Norm,
    Product,
    Relation,
    SetOp,
    Sigma,
    Turned,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEEPEST = 60
RELATIONS = ("=", "<", ">", "≤", "≥", "≠", "≈", "∈")
FENCED = {"(": ")", "[": "]", "{": "}", "{{": "}}"}
CLOSERS = (")", "]", "}", "}}", "⌋", "⌉")
CONSTANTS = ("pi", "e", "∞")
PRIMED = ("sigmoid", "tanh", "relu", "exp", "log", "sin", "cos", "softplus", "leakyrelu")


def read_written(text: str, names: Names | None = None) -> Expr:
    """The tree of an answer as it was written. Raises BadInput with a caret."""
    try:
        return Reader(text, names or Names()).whole()
    except RecursionError:
        raise BadInput("the answer is nested too deeply to be read") from None


def number(word: str) -> Expr:
    """An exact number; one in scientific notation or with decimals is a fraction."""
    if word.isdigit():
        return Num(int(word)) if len(word) < 400 else _too_long(word)
    exponent = re.search(r"[eE]([+-]?\d+)$", word)
    if exponent and abs(int(exponent[1])) > 400:
        raise BadInput("this number is too large to be read")
    value = Fraction(word)
    return Num(value.numerator if value.denominator == 1 else value)


def _too_long(word: str) -> Expr:
    raise BadInput(f"this number has {len(word):,} digits: too many")


class Reader:
    """One text and where reading stands."""

    def __init__(self, text: str, names: Names):
        self.text, self.names = text, names
        self.lexer = Lexer(text, names)
        self.tokens = [t for t in self.lexer.tokens if t.value != "$"]
        self.i, self.depth = 0, 0
        self.fences: list[str] = []

    # -- tokens ---------------------------------------------------------------------------

    @property
    def now(self) -> Token:
        return self.tokens[self.i]

    def error(self, message: str, at: int | None = None) -> BadInput:
        return BadInput(message, text=self.text, offset=self.now.at if at is None else at)

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

    # -- logic and relations --------------------------------------------------------------

    def whole(self) -> Expr:
        if self.now.kind == "end":
            raise BadInput("there is no answer")
        e = self.conditional(self.sequence())
        if self.now.kind != "end":
            raise self.error(f"did not expect {self.shown()} here")
        return e

    def conditional(self, e: Expr, close: str = "") -> Expr:
        """a if c else b; a if c; b if d; e otherwise."""

        def ends() -> bool:
            return self.now.kind == "end" or bool(close) and self.peek(close)

        if not self.peek("if", "else"):
            return e
        args: list[Expr] = []
        while True:
            if self.take("else"):
                args += [e] if ends() else []
                if not ends():
                    raise self.error("nothing follows otherwise")
                return Branches(*args)
            if not self.take("if"):
                return Branches(*args, e)
            args += [e, self.disjunction()]
            self.take(",", ";", "\\\\")
            if ends():
                return Branches(*args)
            python = self.take("else")
            e = self.disjunction()
            if python and not self.peek("if"):
                return Branches(*args, e)

    def shown(self) -> str:
        piece = self.text[self.now.at : self.now.stop]
        return repr(piece if len(piece) <= 20 else piece[:20] + "…")

    def sequence(self) -> Expr:
        """Items separated by commas or semicolons, without fences."""
        items = [self.disjunction()]
        while True:
            boxed = self.now.kind == "structure" and self.now.value == "boxed"
            if not boxed and not self.take(",", ";", "\\\\"):
                break
            if self.now.kind == "end":
                break
            self.take("and")  # 1, 2, and 3
            items.append(self.disjunction())
        return items[0] if len(items) == 1 else Group("", *items)

    def disjunction(self) -> Expr:
        self.deeper()
        parts = [self.conjunction()]
        while self.take("or"):
            parts.append(self.conjunction())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Logic("or", *parts)

    def conjunction(self) -> Expr:
        parts = [self.negation()]
        while self.take("and"):
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else Logic("and", *parts)

    def negation(self) -> Expr:
        if self.take("not"):
            self.deeper()
            found = Logic("not", self.negation())
            self.depth -= 1
            return found
        return self.relation()

    def relation(self) -> Expr:
        if self.peek("≈", "=", "≠"):  # ≈ 0.864, = 896
            at, lead = self.now.at, self.take("≈", "=", "≠")
            member = self.union()
            if lead == "≠":
                raise self.error("≠ says what the answer is not", at)
            if not self.peek(*RELATIONS):
                return Relation((lead,), Group(""), member) if lead == "≈" else member
            return self.related([member])
        return self.related([self.union()])

    def related(self, members: list[Expr]) -> Expr:
        signs = []
        while self.peek(*RELATIONS):
            signs.append(self.take(*RELATIONS))
            self.take("&")
            if self.now.kind == "end" or self.peek(*RELATIONS):
                raise self.error("nothing stands behind this sign", self.tokens[self.i - 1].at)
            members.append(self.union())
        return Relation(tuple(signs), *members) if signs else members[0]

    def union(self) -> Expr:
        e = self.sum()
        while True:
            sign = self.take("∪", "∩", "∖")
            if not sign and self.peek("&") and "&" not in self.fences:
                self.i += 1
                sign = "∩"
            if not sign and self.now.kind == "name" and self.now.value == "U" and (
                isinstance(e, (Group, SetOp))
            ):
                self.i += 1
                sign = "∪"
            if not sign:
                return e
            e = SetOp(sign, e, self.sum())

    # -- sums, products, powers -----------------------------------------------------------

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
            e = Add(*e.args, right) if isinstance(e, Add) and not self.bracketed(e) else Add(e, right)
        self.depth -= 1
        return e

    def bracketed(self, e: Expr) -> bool:
        return id(e) in self.kept

    kept: dict[int, Expr] = {}

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
            sign = self.take("*", "/", "//", "⊙", "⊗", "⊘", "@")
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
            else:
                e = self.times(e, right)
            while self.starts():
                e = self.times(e, self.factor())

    def times(self, a: Expr, b: Expr) -> Expr:
        return Mul(*a.args, b) if isinstance(a, Mul) and not self.bracketed(a) else Mul(a, b)

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
        elif self.now.kind == "name" and self.now.value == "T" and not self.names.is_known("T"):
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
        while True:
            if self.peek("!") :
                self.i += 1
                e = Call("factorial", e)
            elif self.take("ᵀ", "'"):
                e = Turned(e)
            elif self.peek("%") :
                self.i += 1
                e = Div(e, Num(100))
            elif self.peek("°"):
                self.i += 1
            else:
                return e

    # -- atoms ----------------------------------------------------------------------------

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
            if t.value == "1" and self.peek("[", "{{") and self.holds_condition():
                return Indicator(self.condition())
            try:
                return number(t.value)
            except BadInput as e:
                raise self.error(e.message, t.at) from None
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
                return Call("sqrt", self.factor_after_root())
            if t.value in ("Σ", "Π"):
                return self.series(t)
            if t.value == "∅":
                return Group("{}")
            if t.value == "∞":
                return Sym("∞", "real")
            if t.value == "∂":
                raise self.error("a derivative is no answer here: work it out", t.at)
        raise self.error(f"expected a letter or a number, not {self.shown_at(t)}", t.at)

    def shown_at(self, t: Token) -> str:
        return repr(self.text[t.at : t.stop][:20])

    def factor_after_root(self) -> Expr:
        return self.atom()

    # -- names, indices, functions --------------------------------------------------------

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
            return self.function(Token("function", self.names.functions[name], t.at, t.stop))
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
        if not self.peek("(") or not isinstance(e, Sym) or self.now.spaced:
            return False
        if name in self.names.calls:
            return True
        if self.names.is_known(name):
            return False
        return name in ("f", "g", "h", "F", "G", "H", "W", "q") or len(name) > 2

    def call_unknown(self, name: str) -> Expr:
        at = self.now.at
        self.take("(")
        self.fences.append("(")
        items = [self.sum()]
        while self.take(","):
            items.append(self.sum())
        self.fences.pop()
        self.close(")", at)
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
        while t.kind == "name" and self.now.kind == "name" and not self.now.spaced and not (
            self.lexer.latex or self.tokens[self.i + 1].value == "_"
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

    def function(self, t: Token) -> Expr:
        name = t.value
        if name == "kronecker":
            e = self.index("delta") if self.take("_") else None
            if not isinstance(e, Index) or len(e.args) != 3:
                raise self.error("δ takes two indices: δ_ij", t.at)
            return Indicator(Relation(("=",), e.args[1], e.args[2]))
        if name in ("elementwise", "scalar", "function", "indicator"):
            raise self.error("this function is not read", t.at)
        exponent: Expr | None = None
        primes, base = 0, None
        while True:
            if self.take("'"):
                primes += 1
            elif self.peek("^") and exponent is None:
                at = self.now.at
                self.i += 1
                whole = self.power(Sym("x", "real"), at)
                if isinstance(whole, Turned):
                    raise self.error(f"{name} has no transpose", at)
                exponent = whole.args[1]
            elif self.now.kind == "super" and exponent is None:
                exponent = self.raised(Sym("x", "real"), self.now.value, self.now.at).args[1]
                self.i += 1
            elif self.peek("_") and name in ("log", "max", "min", "norm") and base is None:
                self.i += 1
                base = self.base_of(name)
            elif self.now.kind == "down" and name == "log" and base is None:
                base = Num(int(self.now.value)) if self.now.value.isdigit() else None
                self.i += 1
            else:
                break
        if name == "sqrt" and self.peek("[") and self.lexer.latex:
            return self.root(t)
        args = self.arguments(name, t)
        if primes:
            if primes > 1 or name not in PRIMED:
                raise self.error(f"this derivative of {name} is not read: write it out", t.at)
            name += "'"
        e: Expr
        if name == "log" and base is not None:
            e = Div(Call("log", *args), Call("log", base)) if base != Num(10) else (
                Call("log10", *args))  # fmt: skip
        elif name == "log" and len(args) == 2:
            e = Div(Call("log", args[0]), Call("log", args[1]))
        elif name in ("sum", "prod") and len(args) == 4 and isinstance(args[1], Sym):
            e = Sigma(name, args[0], args[1].name, args[2], args[3])
        elif name == "array" and len(args) == 1:
            e = args[0]
        elif name == "transpose":
            e = Turned(args[0])
        elif name == "inv":
            e = Pow(args[0], Neg(Num(1)))
        elif name == "norm":
            e = Norm(args[0], str(base) if base is not None else "")
        elif name in ("dot", "outer"):
            if len(args) != 2:
                raise self.error(f"{name} takes two arguments", t.at)
            e = Product("⊗", *args) if name == "outer" else Mul(Turned(args[0]), args[1])
        else:
            e = Call(name, *args)
        if exponent is None:
            return e
        if isinstance(exponent, Neg) and exponent.args[0] == Num(1) and f"a{name}" in INVERSES:
            return Call(f"a{name}", *args)
        return Pow(e, exponent)

    def base_of(self, name: str) -> Expr:
        if self.peek("{"):
            at = self.now.at
            self.i += 1
            e = self.sum()
            self.close("}", at)
            return e
        return self.atom()

    def arguments(self, name: str, t: Token) -> list[Expr]:
        """What a function is applied to: in brackets, or what stands next to it."""
        several = name in ("max", "min", "binomial", "dot", "outer", "sum", "prod", "log", "round")
        if self.peek("(", "[", "{{") or self.peek("{"):
            opened = self.now
            if opened.value == "{" and not self.lexer.latex and name != "sqrt":
                pass
            self.i += 1
            self.fences.append(opened.value)
            items = [self.disjunction()]
            while self.peek(",") or several and self.peek(";"):
                self.i += 1
                items.append(self.disjunction())
            self.fences.pop()
            self.close(FENCED[opened.value], opened.at)
            if len(items) > 1 and not several:
                raise self.error(f"{name} takes one argument", t.at)
            return items
        if self.now.kind == "end":
            raise self.error(f"{name} of what?", t.at)
        if self.peek("-", "+"):
            minus = self.take("-", "+") == "-"
            inner = self.side_by_side()
            return [Neg(inner) if minus else inner]
        return [self.side_by_side()]

    def side_by_side(self) -> Expr:
        """The argument of a function without brackets: log 2n, tanh x, log σ²."""
        e = self.factor()
        while self.now.kind == "name" and not self.named_function(self.now) or (
            self.now.kind == "structure" and self.now.value == "frac" and isinstance(e, Num)
        ):
            e = self.times(e, self.factor())
        return e

    def named_function(self, t: Token) -> bool:
        return t.value in self.names.functions or t.value == "sigma"

    # -- structures -----------------------------------------------------------------------

    def structure(self, t: Token) -> Expr:
        if t.value == "frac":
            return Div(self.part(), self.part())
        if t.value == "binom":
            return Call("binomial", self.part(), self.part())
        if t.value == "sqrt":
            return self.root(t)
        if t.value == "boxed":
            return self.part()
        kind, _, name = t.value.partition(" ")
        if kind == "end":
            raise self.error("this environment was never opened", t.at)
        return self.cases(t) if name == "cases" else self.matrix(t, name)

    def part(self) -> Expr:
        """One argument of a macro: a group in braces or a single digit or letter."""
        t = self.now
        if t.kind == "number" and len(t.value) > 1 and t.value.isdigit():
            first = Token("number", t.value[0], t.at, t.at + 1)
            self.tokens[self.i] = Token("number", t.value[1:], t.at + 1, t.stop)
            return number(first.value)
        if t.value == "{" and t.kind == "sign":
            self.i += 1
            self.fences.append("{")
            e = self.disjunction()
            self.fences.pop()
            self.close("}", t.at)
            return self.keep(e)
        return self.atom()

    def keep(self, e: Expr) -> Expr:
        """The tree of a bracket: what follows does not join its sum or product."""
        if isinstance(e, (Add, Mul)):
            self.kept[id(e)] = e
        return e

    def root(self, t: Token) -> Expr:
        if self.peek("["):
            at = self.now.at
            self.i += 1
            self.fences.append("[")
            n = self.sum()
            self.fences.pop()
            self.close("]", at)
            return Pow(self.part(), Div(Num(1), n))
        return Call("sqrt", self.part())

    def matrix(self, t: Token, name: str) -> Expr:
        rows: list[list[Expr]] = [[]]
        self.fences.append("&")
        while True:
            if self.now.kind == "structure" and self.now.value == f"end {name}":
                self.i += 1
                break
            if self.now.kind == "end":
                raise self.error(f"\\begin{{{name}}} is never closed", t.at)
            if self.take("\\\\"):
                rows.append([])
                continue
            if self.take("&"):
                continue
            rows[-1].append(self.disjunction())
        self.fences.pop()
        rows = [r for r in rows if r]
        e = self.grid(rows, t)
        if name in ("vmatrix", "Vmatrix"):
            return Call("det", e)
        return e

    def grid(self, rows: list[list[Expr]], t: Token) -> Expr:
        if not rows or any(len(r) != len(rows[0]) for r in rows):
            raise self.error("the rows of this matrix are not equally long", t.at)
        return Grid(len(rows[0]), *[x for r in rows for x in r])

    def cases(self, t: Token) -> Expr:
        args: list[Expr] = []
        self.fences.append("&")
        while True:
            if self.now.kind == "structure" and self.now.value == "end cases":
                self.i += 1
                break
            if self.now.kind == "end":
                raise self.error("\\begin{cases} is never closed", t.at)
            if self.take("\\\\"):
                continue
            value = self.sum()
            self.take(",")
            self.take("&")
            self.take(",")
            self.take("if")
            if self.take("else"):
                args.append(value)
                continue
            if self.peek("\\\\") or self.now.kind == "structure":
                args.append(value)
                continue
            condition = self.disjunction()
            while self.take(","):
                if self.peek("\\\\") or self.now.kind == "structure":
                    break
                condition = Logic("and", condition, self.disjunction())
            args += [value, condition]
        self.fences.pop()
        if not args or len(args) > 40:
            raise self.error("cases have a value and a condition each", t.at)
        return Branches(*args)

    def series(self, t: Token) -> Expr:
        """Σ_{i=1}^{n} a_i, \\prod_i, with or without bounds."""
        op = "sum" if t.value == "Σ" else "prod"
        index, low, high = "", None, None
        for _ in range(2):
            if self.take("_"):
                if self.peek("{", "("):
                    opened = self.now
                    self.i += 1
                    name = self.now
                    if name.kind != "name":
                        raise self.error("this sum has no index", name.at)
                    self.i += 1
                    index = name.value
                    if self.take("="):
                        low = self.sum()
                    self.close(FENCED[opened.value], opened.at)
                else:
                    if self.now.kind != "name":
                        raise self.error("this sum has no index")
                    index = self.now.value
                    self.i += 1
                    if self.take("="):
                        low = self.exponent()
            elif self.take("^"):
                high = self.part()
            elif self.now.kind == "down":
                index = self.now.value
                self.i += 1
            elif self.now.kind == "super":
                high = number(self.now.value) if self.now.value.isdigit() else (
                    Sym(self.now.value, "real"))  # fmt: skip
                self.i += 1
        if not index:
            raise self.error("this sum has no index: \\sum_{i=1}^{n}", t.at)
        body = self.term() if op == "sum" else self.product()
        return Sigma(op, body, index, low, high)

    # -- brackets -------------------------------------------------------------------------

    def group(self) -> Expr:
        opened = self.now
        self.i += 1
        plain_brace = opened.value == "{" and self.lexer.latex
        if opened.value in ("{", "{{") and self.take(FENCED[opened.value]):
            return Group("{}")
        if opened.value == "[" and self.take("]"):
            return Group("[]")
        spaced = opened.value == "[" and self.gapped()
        self.fences.append("[ " if spaced else opened.value)
        items, rows = [self.disjunction()], [0]
        if opened.value in ("{", "{{") and self.peek("if", "else"):
            e = self.conditional(items[0], FENCED[opened.value])
            self.fences.pop()
            self.close(FENCED[opened.value], opened.at)
            return e
        while True:
            if self.take(",", ";") or spaced and self.starts_entry():
                if self.tokens[self.i - 1].value == ";" and opened.value == "[":
                    rows.append(len(items))
                items.append(self.disjunction())
                continue
            break
        self.fences.pop()
        close = self.take(*CLOSERS)
        if not close or (close in ("}", "}}")) != (opened.value in ("{", "{{")):
            raise self.error(
                f"{self.text[opened.at]!r} is never closed by {FENCED[opened.value][0]!r}",
                opened.at,
            )
        fences = opened.value[0] + close[0]
        if self.peek("_") and self.tokens[self.i + 1].value in ("+", "{"):
            plus = self.plus_part(items)
            if plus is not None:
                return plus
        if opened.value == "[" and close == "]":
            e = self.listed(items, rows, opened)
            if e is not None:
                return e
        if len(items) == 1 and opened.value != "{{" and fences in ("()", "[]", "{}"):
            if fences == "{}" and not plain_brace:
                return Group("{}", *items)
            if fences == "[]" and self.alone(opened) and not isinstance(items[0], Grid):
                return Group("[]", *items)
            return self.keep(items[0])
        if plain_brace and len(items) > 1:
            return Group("{}", *items)
        return Group(fences, *items)

    def alone(self, opened: Token) -> bool:
        """Whether a bracket is the whole answer: [5] is a list of one."""
        return opened is self.tokens[0] and self.now.kind == "end"

    def gapped(self) -> bool:
        """Whether entries are separated by spaces here: [1 2; 3 4]."""
        depth, before, gap = 0, self.tokens[self.i - 1], False
        for t in self.tokens[self.i :]:
            if t.kind == "sign" and t.value in FENCED:
                depth += 1
            elif t.kind == "sign" and t.value in CLOSERS:
                if depth == 0:
                    return gap
                depth -= 1
            if depth == 0 and t.value == ",":
                return False
            if t.spaced and t.kind in ("number", "name", "super") and before.kind in (
                "number", "name", "super"
            ):  # fmt: skip
                gap = True
            before = t
        return False

    def starts_entry(self) -> bool:
        """Whether another entry follows a space."""
        return self.now.spaced and self.now.kind in ("number", "name", "function") or (
            self.now.spaced and self.peek("-", "(")
        )

    def plus_part(self, items: list[Expr]) -> Expr | None:
        """[z]_+ = max(z, 0)."""
        i = self.i
        self.i += 1
        braced = bool(self.take("{"))
        if self.take("+") and (not braced or self.take("}")) and len(items) == 1:
            return Call("relu", items[0])
        self.i = i
        return None

    def listed(self, items: list[Expr], rows: list[int], opened: Token) -> Expr | None:
        """[[1, 2], [3, 4]] and [1 2; 3 4] as a matrix."""
        if len(rows) > 1:
            cut = [items[a:b] for a, b in zip(rows, [*rows[1:], len(items)])]
            return self.grid(cut, opened)
        inner = [list(x.items) for x in items if isinstance(x, Group) and x.fences == "[]"]
        inner += [[x] for x in () if x]
        if len(inner) == len(items) and all(inner) and len({len(r) for r in inner}) == 1:
            return self.grid(inner, opened)
        return None

    def bars(self, t: Token) -> Expr:
        self.fences.append(t.value)
        e = self.sum()
        self.fences.pop()
        self.close(t.value, t.at)
        if t.value == "|":
            return Call("abs", e)
        low = ""
        if self.take("_"):
            braced = bool(self.take("{"))
            low = self.now.value
            self.i += 1
            if braced:
                self.close("}", t.at)
        elif self.now.kind == "down":
            low = self.now.value
            self.i += 1
        if low == "" and self.peek("^") and self.tokens[self.i + 2].value == "_":
            self.i += 1
            exponent = self.part()
            self.i += 1
            low = self.now.value
            self.i += 1
            return Pow(Norm(e, low), exponent)
        if low not in ("", "1", "2", "F", "∞"):
            raise self.error("this norm is not read: 1, 2, F or ∞", t.at)
        return Norm(e, low)

    def holds_condition(self) -> bool:
        """Whether a bracket with a comparison in it follows: 𝟙[a > 0]."""
        i, depth = self.i, 0
        while self.tokens[i].kind != "end":
            v = self.tokens[i].value if self.tokens[i].kind == "sign" else ""
            if v == "_" and depth == 0:
                i += 1
                continue
            depth += v in FENCED
            if depth and v in RELATIONS:
                return True
            depth -= v in CLOSERS
            if depth <= 0:
                return False
            i += 1
        return False

    def condition(self) -> Expr:
        """What stands in the brackets of an indicator."""
        opened = self.now
        self.i += 1
        self.fences.append(opened.value)
        e = self.disjunction()
        while self.take(","):
            e = Logic("and", e, self.disjunction())
        self.fences.pop()
        self.close(FENCED[opened.value], opened.at)
        return e


INVERSES = {"asin", "acos", "atan", "asinh", "acosh", "atanh"}

