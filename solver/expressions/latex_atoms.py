"""What one factor can be: a number, a name, a bracket, a fraction, a function, Σ."""

from __future__ import annotations

import re
from fractions import Fraction

from solver.expressions import matrix as m
from solver.expressions.grammar import DIGITS
from solver.expressions.latex_cases import Conditions
from solver.expressions.latex_lexer import CLOSERS, OPENS, STARTS
from solver.expressions.loose import entries, has_entry
from solver.expressions.unify import Node

PLUS = re.compile(r"\s*_\s*(?:\{\s*\+\s*\}|\+)")


class Atoms(Conditions):
    """The factors; sums, products and powers of them are the reader's."""

    def sum(self) -> Node:
        raise NotImplementedError

    def product(self) -> Node:
        raise NotImplementedError

    def raised(self) -> Node:
        raise NotImplementedError

    def starts(self) -> bool:
        kind, value, _, _ = self.look()
        if kind == "sign" and value in ("|", "‖") and self.fences[-1] == value:
            return False
        return kind in STARTS or kind == "entry" or kind == "sign" and value in OPENS

    def whole_number(self, digits: str, at: int) -> Node:
        found = self.make("number", [Fraction(digits.lstrip("-+"))], at)
        return self.make("neg", [found], at) if digits[0] == "-" else found

    def power(self, node: Node, exponent: Node, at: int) -> Node:
        if node.op == "euler":
            return self.make("exp", [exponent], at)
        return self.make("^", [node, exponent], at)

    def euler(self, node: Node) -> Node:
        """e itself, where it has no exponent."""
        if node.op != "euler":
            return node
        return self.make("exp", [self.whole_number("1", node.at)], node.at)

    def close(self, opened: str, at: int) -> None:
        if not self.take(CLOSERS[opened]):
            raise self.error(
                f"{opened[0]!r} is never closed by {CLOSERS[opened][0]!r}", at
            )

    def group(self) -> Node:
        """What stands in brackets."""
        at = self.look()[2]
        opened = self.take(*CLOSERS)
        if not opened:
            raise self.error("expected a bracket here")
        self.fences.append(opened)
        node = self.sum()
        self.close(opened, at)
        self.fences.pop()
        plus = PLUS.match(self.text, self.at, self.end) if opened != "{" else None
        if plus:  # [z]_+
            self.at = plus.end()
            return self.make("relu", [node], at)
        return node

    def atom(self) -> Node:
        self.deeper()
        node = self.leaf(*self.look())
        self.deeper(-1)
        return node

    def leaf(self, kind: str, value: str, at: int, stop: int) -> Node:
        if kind == "end":
            raise self.error("the expression ends where a letter or number is expected")
        if kind == "sign" and value in CLOSERS:
            return self.group()
        self.at = stop
        if kind == "number":
            return self.number(value, at)
        if kind == "name":
            return self.make(*self.names[value][:1], [self.names[value][1]], at)
        if kind == "entry":
            return self.entry(value, at)
        if kind in ("ones", "eye", "zero", "euler", "pi"):
            return self.constant(kind, at)
        if kind == "function":
            return self.function(value, at)
        if kind == "macro":
            return getattr(self, "read_" + value)(at)
        if kind == "sign" and value in ("|", "‖"):
            return self.fence(value, at)
        if kind == "sign" and value in ("√", "∑"):
            return self.read_sqrt(at) if value == "√" else self.read_sum(at)
        if value == "½":
            return self.make("number", [Fraction(1, 2)], at)
        shown = self.text[at:stop]
        raise self.error(f"expected a letter, a number or '(', not {shown!r}", at)

    def number(self, word: str, at: int) -> Node:
        power = word.lower().partition("e")[2]
        if len(word) > DIGITS or len(power) > 3 or abs(int(power or 0)) > 50:
            raise self.error(f"this number is too long: at most {DIGITS} digits", at)
        if (
            word == "1"
            and self.text[self.at : self.at + 1] == "["
            and self.indicates(self.at)
        ):
            return self.indicator(at)
        return self.make("number", [Fraction(word)], at)

    def constant(self, kind: str, at: int) -> Node:
        if kind == "ones" and self.indicates(self.at):
            return self.indicator(at)
        if kind == "pi":
            return self.make("arccos", [self.whole_number("-1", at)], at)
        if kind in ("ones", "zero"):
            return self.make("matrix", [int(kind == "ones"), "bold"], at)
        return self.make(kind, [], at)

    def entry(self, name: str, at: int) -> Node:
        """x_i or A_{ij} behind the Σ that runs over it."""
        start = self.at
        whole, self.at = self.subscript(name, self.at)
        index = whole[len(name) + 1 :].replace("_", "")
        self.found_entry(name, index)
        shape = self.dims.get(self.names[name][1], ())
        if not self.index or {*index} != {*self.index} or len(index) != len(self.index):
            raise self.error(
                f"{self.text[at : self.at]} is not declared, and no sum runs over it",
                at,
            )
        if len(shape) != len(index):
            raise self.error(
                f"{name} has {len(shape)} indices, not {len(index)}", start
            )
        node = self.make("var", [self.names[name][1]], at)
        if index != self.index:
            node = self.make("'", [node], at)
        return self.make("entry", [node], at)

    def fence(self, bar: str, at: int) -> Node:
        self.fences.append(bar)
        node = self.sum()
        if not self.take(bar):
            raise self.error(f"{bar!r} is never closed by {bar!r}", at)
        self.fences.pop()
        if bar == "|":
            return self.make("bars", [node], at)
        squared = re.compile(r"\s*\^\s*(?:2|\{\s*2\s*\})(?=\s*_)").match(
            self.text, self.at, self.end
        )
        self.at = squared.end() if squared else self.at
        start = self.at
        low, self.at = self.subscript("", self.at)
        which = low[1:]
        if which not in ("", "1", "2", "F"):
            raise self.error(f"the norm {which!r} is not read: 1, 2 or F", start)
        node = self.make(f"norm {which}", [node], at)
        return self.power(node, self.whole_number("2", at), at) if squared else node

    # -- functions --------------------------------------------------------------------

    def function(self, name: str, at: int) -> Node:
        """tanh(x), \\tanh^2 x, σ'(z): a power or a prime may come first."""
        exponent, prime = None, False
        kind, value, start, stop = self.look()
        if kind == "super" and value.isdigit():
            exponent, self.at = value, stop
        elif kind == "sign" and value == "^":
            exponent, self.at = self.argument(stop)
            exponent = exponent.strip()
            if not re.fullmatch(r"[0-9]{1,2}", exponent):
                raise self.error(
                    f"{name} to this power: write ({name}(…))^{{…}}, or arc{name}",
                    start,
                )
        elif kind == "sign" and value == "'":
            prime, self.at = True, stop
        elif kind == "sign" and value == "_":
            raise self.error(
                f"{name} with an index is not read; ln is to the base e", start
            )
        kind, value, start, _ = self.look()
        if kind == "sign" and value in CLOSERS:
            arg = self.group()
        else:
            arg = self.bare(name, at)
        node = self.primed(name, arg, at) if prime else self.applied(name, arg, at)
        if exponent is None:
            return node
        entrywise = name in m.ELEMENTWISE or name == "sech"
        return self.make(
            ".^" if entrywise else "^", [node, self.whole_number(exponent, at)], at
        )

    def bare(self, name: str, at: int) -> Node:
        """An argument without brackets: one factor, if no more can belong to it."""
        fenced = self.look()[1] in ("|", "‖", "frac", "sqrt")
        negative = self.look()[2], self.take("-")
        arg = self.raised()
        arg = self.make("neg", [arg], negative[0]) if negative[1] else arg
        after = self.look()
        more = (
            self.starts() and after[0] not in ("function", "macro") or after[1] == "/"
        )
        if more and not fenced:
            raise self.error(f"{name} of how much? write {name}(…)", at)
        return arg

    def applied(self, name: str, arg: Node, at: int) -> Node:
        if name == "sech":
            one = self.make("matrix", [1], at)
            return self.make("./", [one, self.make("cosh", [arg], at)], at)
        if name == "log" and arg.op == "bars" and arg.args[0].op == "det":
            return self.make("logdet", [arg.args[0].args[0]], at)
        return self.make(name, [arg], at)

    def primed(self, name: str, arg: Node, at: int) -> Node:
        """σ' = σ(1 − σ) and the like, by entries."""
        known = {"relu": "step", "softplus": "sigmoid", "exp": "exp", "sin": "cos"}
        if name in known:
            return self.make(known[name], [arg], at)
        if name not in ("sigmoid", "tanh"):
            raise self.error(f"the derivative {name}' is not read: write it out", at)
        one, f = self.make("matrix", [1], at), self.make(name, [arg], at)
        if name == "tanh":
            return self.make(
                "-", [one, self.make(".^", [f, self.whole_number("2", at)], at)], at
            )
        again = self.make(name, [arg], at)
        return self.make(".*", [f, self.make("-", [one, again], at)], at)

    def read_frac(self, at: int) -> Node:
        above, below = self.fraction_part(), self.fraction_part()
        return self.make("/", [above, below], at)

    def fraction_part(self) -> Node:
        kind, value, at, _ = self.look()
        if kind == "number":  # \\frac12
            self.at = at + 1
            return (
                self.number(value[0], at)
                if value[0] != "."
                else self.leaf("end", "", at, at)
            )
        return self.euler(self.atom())

    def read_sqrt(self, at: int) -> Node:
        if self.text[at] == "\\" and self.look()[1] == "[":
            raise self.error("only square roots are read: write x^{1/3}")
        return self.make("sqrt", [self.euler(self.atom())], at)

    def read_max(self, at: int) -> Node:
        a, b = self.pair("max")
        for zero, other in ((a, b), (b, a)):
            if zero.op == "number" and zero.args[0] == 0:
                return self.make("relu", [other], at)
        raise self.error("of max only max(0, z) is read", at)

    def read_kron(self, at: int) -> Node:
        return self.make("kron", list(self.pair("kron")), at)

    def pair(self, name: str) -> tuple[Node, Node]:
        at = self.look()[2]
        opened = self.take("(", "[", "{{")
        if not opened:
            raise self.error(f"{name} takes two arguments in brackets")
        self.fences.append(opened)
        a = self.sum()
        if not self.take(","):
            raise self.error(f"{name} takes two arguments: a comma is missing")
        b = self.sum()
        self.close(opened, at)
        self.fences.pop()
        return a, b

    def read_eye(self, at: int) -> Node:
        return self.make("eye", [], at)

    def read_vector(self, at: int) -> Node:
        return self.filled("vector", at)

    def read_matrix(self, at: int) -> Node:
        return self.filled("matrix", at)

    def filled(self, what: str, at: int) -> Node:
        found = re.compile(r"\s*\(\s*([01])\s*\)").match(self.text, self.at, self.end)
        if not found:
            raise self.error(f"{what} takes 1 or 0: {what}(1)", at)
        self.at = found.end()
        return self.make(what, [int(found[1])], at)

    def read_sum(self, at: int) -> Node:
        """Σ over the entries of columns, or of matrices with both indices."""
        whole, self.at = self.subscript("", self.at)
        found = re.fullmatch(r"_([a-z])(?:_?([a-z])|=1)?", whole)
        if not found:
            raise self.error("Σ needs its index: \\sum_i x_i, or \\sum_{i=1}^{n}", at)
        outer, self.index = self.index, found[1] + (found[2] or "")
        if outer:
            raise self.error("a sum inside a sum is not read: use matrix products", at)
        upper, start = "", self.at
        kind, value, _, stop = self.look()
        if kind == "sign" and value == "^":
            start = self.skip(stop)
            upper, self.at = self.argument(stop)
            upper = upper.strip()
            known = [n for k, n in self.names.values() if k == "size"]
            known += [d for s in self.dims.values() for d in s]
            if upper not in known and self.open is None:
                raise self.error(
                    f"the sum runs to {upper}, which is no declared size", start
                )
        body = self.product()
        self.index = outer
        if not has_entry(body):
            raise self.error(f"nothing behind this Σ has the index {found[1]}", at)
        if upper:
            self.runs_to(body, upper, start)
        try:
            node, _ = entries(body)
        except ValueError as e:
            raise self.error(
                f"{e} of a single entry is not read: sum only by entries", at
            ) from None
        self.weights[id(node)] = (
            2 * self.weights[id(body)][0],
            2 * self.weights[id(body)][1],
            node,
        )
        return self.make("sum", [node], at)

    def runs_to(self, node: Node, upper: str, at: int) -> None:
        if node.op == "entry":
            name = plain_name(node.args[0])
            if self.open and isinstance(self.open.get(name), int):
                self.open[name], self.dims[name] = (upper,), (upper,)  # type: ignore[index]
            shape = self.dims[name]
            if len(shape) != 1 or shape[0] != upper:
                raise self.error(
                    f"the sum runs to {upper}, the entries to {shape[0]}",
                    at,
                )
        for a in node.args:
            if isinstance(a, Node):
                self.runs_to(a, upper, at)


def plain_name(node: Node) -> str:
    """The name of a variable, transposed or not."""
    return node.args[0] if node.op == "var" else plain_name(node.args[0])


def ones(node: Node) -> Node:
    """A 1 beside a factor, or transposed, is a column of ones."""
    if (
        node.op == "number"
        and node.args[0] == 1
        or node.op == "matrix"
        and node.args[0] == 1
    ):
        if len(node.args) == 1 and node.op == "matrix":
            return node
        node.op, node.args = "vector", [1]
    return node
