"""Functions applied: powers and primes before the bracket, arguments with and without."""

from __future__ import annotations

from solver.expressions.nodes import (
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
from solver.expressions.written import (
    Branches,
    Index,
    Indicator,
    Norm,
    Product,
    Relation,
    Sigma,
    Turned,
)
from solver.reading.cursor import FENCED
from solver.reading.letters import INVERSES, PRIMED, Named
from solver.reading.lexer import Token

SEVERAL = ("max", "min", "binomial", "dot", "outer", "sum", "prod", "log", "round")


class Functions(Named):
    """tanh²(x), σ′(z), log₂ x, max(a, b), Kronecker's δ."""

    def kronecker(self, t: Token) -> Expr:
        """δ_ij as the condition that its indices are equal; δ and δ_1 are letters."""
        delta = self.indexed("delta")
        if not isinstance(delta, Index) or len(delta.args) != 3:
            return delta  # the error signal of backpropagation
        return Indicator(Relation(("=",), delta.args[1], delta.args[2]))

    def function(self, t: Token) -> Expr:
        name = t.value
        if name == "kronecker":
            return self.kronecker(t)
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
                exponent = self.raised(
                    Sym("x", "real"), self.now.value, self.now.at
                ).args[1]
                self.i += 1
            elif (
                self.peek("_")
                and name in ("log", "max", "min", "norm")
                and base is None
            ):
                self.i += 1
                base = self.base_of()
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
                raise self.error(
                    f"this derivative of {name} is not read: write it out", t.at
                )
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
            e = Product("⊗", *args) if name == "outer" else Call("dot", *args)
        elif name == "where":
            if len(args) != 3:
                raise self.error("where takes a condition and two values", t.at)
            e = Branches(args[1], args[0], args[2])
        elif name == "log1p":
            e = Call("log", Add(Num(1), args[0]))
        elif name == "expm1":
            e = Add(Call("exp", args[0]), Neg(Num(1)))
        elif name == "sum" and len(args) == 1:
            e = Call("sum", self.entrywise(args[0]))
        else:
            e = Call(name, *args)
        if exponent is None:
            return e
        if (
            isinstance(exponent, Neg)
            and exponent.args[0] == Num(1)
            and f"a{name}" in INVERSES
        ):
            return Call(f"a{name}", *args)
        return Pow(e, exponent)

    def entrywise(self, e: Expr) -> Expr:
        """Of a sum over entries, x*y of two columns entry by entry."""
        columns = isinstance(e, Mul) and all(
            isinstance(a, Sym) and a.name in self.names.columns for a in e.args
        )
        if not columns or len(e.args) != 2:
            return e
        return Product("⊙", *e.args)

    def base_of(self) -> Expr:
        if self.peek("{"):
            at = self.now.at
            self.i += 1
            e = self.sum()
            self.close("}", at)
            return e
        return self.atom()

    def arguments(self, name: str, t: Token) -> list[Expr]:
        """What a function is applied to: in brackets, or what stands next to it."""
        several = name in SEVERAL
        if self.peek("(", "[", "{{", "{"):
            opened = self.now
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
        while (
            self.now.kind == "name"
            and not self.named_function(self.now)
            and self.now.value != "𝟙"  # ln p 𝟙[y = 1]
            or (
                self.now.kind == "structure"
                and self.now.value == "frac"
                and isinstance(e, Num)
            )
        ):
            e = self.times(e, self.factor())
        return e

    def named_function(self, t: Token) -> bool:
        return t.value in self.names.functions or t.value == "sigma"
