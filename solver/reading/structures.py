"""Structures of LaTeX: fractions, roots, matrices, cases, sums with their bounds."""

from __future__ import annotations

import re
from fractions import Fraction

from solver.core import BadInput
from solver.expressions.nodes import Call, Div, Expr, Num, Pow, Sym
from solver.expressions.written import (
    Branches,
    Logic,
    Sigma,
)
from solver.reading.brackets import Brackets
from solver.reading.cursor import FENCED
from solver.reading.lexer import Token


def number(word: str) -> Expr:
    """An exact number; one in scientific notation or with decimals is a fraction."""
    if word.isdigit():
        return Num(int(word))
    exponent = re.search(r"[eE]([+-]?\d+)$", word)
    if exponent and abs(int(exponent[1])) > 400:
        raise BadInput("this number is too large to be read")
    value = Fraction(word)
    return Num(value.numerator if value.denominator == 1 else value)


class Structures(Brackets):
    """Macros and environments with arguments."""

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
