"""Brackets: groups, sets, intervals, lists, matrices in brackets, bars, conditions."""

from __future__ import annotations

from solver.expressions.nodes import (
    Call,
    Expr,
    Pow,
    Sym,
)
from solver.expressions.written import (
    Grid,
    Group,
    Indicator,
    Logic,
    Norm,
    Relation,
)
from solver.reading.cursor import CLOSERS, FENCED, RELATIONS, Cursor
from solver.reading.lexer import Token


class Brackets(Cursor):
    """What stands between two fences."""

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
            matrix = self.listed(items, rows, opened)
            if matrix is not None:
                return matrix
        if len(items) == 1 and opened.value != "{{" and fences in ("()", "[]", "{}"):
            if fences == "{}" and not plain_brace and not self.peek("^", "_"):
                return Group("{}", *items)
            inside = self.fences[-1:] in (["["], ["[ "])  # [[1], [2]]
            if (
                fences == "[]"
                and isinstance(items[0], Relation)
                and not self.alone(opened)
            ):
                return Indicator(items[0])  # Iverson's bracket
            if fences == "[]" and (inside or self.alone(opened)):
                if not isinstance(items[0], Grid):
                    return Group("[]", *items)
            return self.keep(items[0])
        if len(items) == 1 and fences == "[]" and isinstance(items[0], Group):
            return Group(fences, *items)
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
            if t.spaced and depth == 1 and t.value == "[" and before.value == "]":
                gap = True  # NumPy prints [[1 2] [3 4]]
            before = t
        return False

    def starts_entry(self) -> bool:
        """Whether another entry follows a space."""
        return self.now.spaced and (
            self.now.kind in ("number", "name", "function") or self.peek("-", "(", "[")
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
        inner = [
            list(x.items) for x in items if isinstance(x, Group) and x.fences == "[]"
        ]
        if (
            len(inner) == len(items)
            and all(inner)
            and len({len(r) for r in inner}) == 1
        ):
            return self.grid(inner, opened)
        return None

    def grid(self, rows: list[list[Expr]], t: Token) -> Expr:
        if not rows or any(len(r) != len(rows[0]) for r in rows):
            raise self.error("the rows of this matrix are not equally long", t.at)
        return Grid(len(rows[0]), *[x for r in rows for x in r])

    def bars(self, t: Token) -> Expr:
        self.fences.append(t.value)
        e = self.sum()
        self.fences.pop()
        self.close(t.value, t.at)
        if t.value == "|":
            column = isinstance(e, Sym) and e.name in self.names.columns
            return Norm(e, "") if column else Call("abs", e)
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
        if self.peek("{", "{{") and self.holds_condition():  # 𝟙_{\{z > 0\}}
            e = self.condition()
        else:
            e = self.disjunction()
        while self.take(","):
            e = Logic("and", e, self.disjunction())
        self.fences.pop()
        self.close(FENCED[opened.value], opened.at)
        return e
