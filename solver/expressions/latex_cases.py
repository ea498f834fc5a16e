"""Conditions in an expression: 𝟙[a > 0], and cases of two branches, as step functions."""

from __future__ import annotations

import re

from solver.expressions.latex_lexer import CLOSERS, Lexer
from solver.expressions.unify import Node

WORDED = r"\\(?:text|textrm|mathrm|mbox)\s*\{\s*"
IF = re.compile(rf"[\s,~]*(?:{WORDED}(?:if|for|when|where)?\s*\}}|(?:if|for|when)\b)?[\s~]*")
OTHERWISE = re.compile(rf"[\s,~]*(?:{WORDED}(?:otherwise|else)[\s.,]*\}}|(?:otherwise|else)\b)")
END = re.compile(r"\s*(?:\\\\)?\s*\\end\s*\{cases\}")
TURNED = {"<": ">=", ">": "<=", "<=": ">", ">=": "<"}


class Conditions(Lexer):
    """What holds or not; sums are the reader's."""

    def sum(self) -> Node:
        raise NotImplementedError

    def close(self, opened: str, at: int) -> None:
        raise NotImplementedError

    def indicator(self, at: int) -> Node:
        """1 where a comparison holds, else 0."""
        self.take("_")
        start = self.look()[2]
        opened = self.take(*CLOSERS)
        self.fences.append(opened)
        left, sign, right = self.comparison()
        self.close(opened, start)
        self.fences.pop()
        return self.holds(left, sign, right, at)

    def comparison(self) -> tuple[Node, str, Node]:
        left = self.sum()
        sign = self.take("<", ">", "<=", ">=")
        if not sign:
            raise self.error("expected <, >, ≤ or ≥ here")
        return left, sign, self.sum()

    def holds(self, left: Node, sign: str, right: Node, at: int) -> Node:
        """The step function that is 1 where the comparison holds."""
        big, small = (left, right) if sign in (">", "<=") else (right, left)
        zero = small.op == "number" and small.args[0] == 0
        inside = big if zero else self.make("-", [big, small], at)
        node = self.make("step", [inside], at)
        if len(sign) == 2:  # a ≥ b is not (b > a)
            node = self.make("-", [self.make("matrix", [1], at), node], at)
        return node

    def read_cases(self, at: int) -> Node:
        """{ u if a > b, v otherwise }: v + 𝟙[a > b]·(u − v)."""
        self.fences.append("{{")
        first = self.sum()
        left, sign, right = self.condition()
        self.take(",")
        if not self.take("\\\\"):
            raise self.error("expected a second branch, behind \\\\")
        second, start = self.sum(), self.look()[2]
        if not self.take("&"):
            raise self.error("expected & and the condition of this branch")
        rest = OTHERWISE.match(self.text, self.at, self.end)
        if rest:
            self.at = rest.end()
        else:
            self.at = IF.match(self.text, self.at).end()  # type: ignore[union-attr]
            other = self.comparison()
            opposite = same(other[0], left) and same(other[2], right)
            turned = same(other[0], right) and same(other[2], left)
            strict = {other[1].rstrip("="), sign.rstrip("=")}
            if not (opposite and len(strict) == 2 or turned and len(strict) == 1):
                raise self.error(
                    "the second condition is not the opposite of the first: write otherwise",
                    start,
                )
        end = END.match(self.text, self.at, self.end)
        if not end:
            raise self.error("cases of two branches are read, closed by \\end{cases}")
        self.at = end.end()
        self.fences.pop()
        holds = self.holds(left, sign, right, at)
        if nothing(second):
            return self.make(".*", [holds, first], at)
        if nothing(first):
            other_ = self.holds(left, TURNED[sign], right, at)
            return self.make(".*", [other_, second], at)
        apart = self.make("-", [first, second], at)
        return self.make("+", [second, self.make(".*", [holds, apart], at)], at)

    def condition(self) -> tuple[Node, str, Node]:
        """& if a > b, behind a branch."""
        if not self.take("&"):
            raise self.error("expected & and the condition of this branch")
        self.at = IF.match(self.text, self.at).end()  # type: ignore[union-attr]
        return self.comparison()


def nothing(node: Node) -> bool:
    return node.op == "number" and node.args[0] == 0


def same(a: object, b: object) -> bool:
    """Whether two untyped trees read the same."""
    if isinstance(a, Node) and isinstance(b, Node):
        pairs = zip(a.args, b.args)
        return a.op == b.op and len(a.args) == len(b.args) and all(same(*p) for p in pairs)
    return a == b
