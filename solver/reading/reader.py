"""The tolerant reader: what a student writes, LaTeX or plain, as a tree of what it says.

Recursive descent, from loose to tight: or, and, not; relations; unions; then arithmetic
and the rooms below it. It builds trees and nothing else: no text is evaluated, depth and
size are bounded, an error has its caret. What reads two ways is refused, never guessed.
"""

from __future__ import annotations

from solver.core import BadInput
from solver.expressions.nodes import Expr
from solver.expressions.written import (
    Branches,
    Group,
    Logic,
    Relation,
    SetOp,
)
from solver.reading.arithmetic import Arithmetic
from solver.reading.cursor import RELATIONS
from solver.reading.names import Names


def read_written(text: str, names: Names | None = None) -> Expr:
    """The tree of an answer as it was written. Raises BadInput with a caret."""
    try:
        return Reader(text, names or Names()).whole()
    except RecursionError:
        raise BadInput("the answer is nested too deeply to be read") from None


class Reader(Arithmetic):
    """Logic, relations and sets, above arithmetic."""

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
                raise self.error(
                    "nothing stands behind this sign", self.tokens[self.i - 1].at
                )
            members.append(self.union())
        return Relation(tuple(signs), *members) if signs else members[0]

    def union(self) -> Expr:
        e = self.sum()
        while True:
            sign = self.take("∪", "∩", "∖")
            if not sign and self.peek("&") and "&" not in self.fences:
                self.i += 1
                sign = "∩"
            if (
                not sign
                and self.now.kind == "name"
                and self.now.value == "U"
                and (isinstance(e, (Group, SetOp)))
            ):
                self.i += 1
                sign = "∪"
            if not sign:
                return e
            e = SetOp(sign, e, self.sum())
