"""The plain grammar of matrices: `tr(A'*A)`, `X'*(sigmoid(X*w) - y)`, to typed trees.

`'` or `^T` transposes, `*` multiplies, `.* ./ .^` work elementwise. Dims are declared,
`{"A": ("m", "n")}`, and what the text leaves open (vector(1), eye) is unified while
reading. Built for text from outside: bounded, nothing evaluated, errors with a caret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from solver.core import BadInput
from solver.expressions import matrix as m
from solver.expressions.nodes import Expr
from solver.expressions.unify import (
    FUNCTIONS,
    Bounded,
    Node,
    Typing,
    Unknown,
    build,
    find,
)

LONGEST, DEEPEST, DIGITS = 5000, 80, 40
TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>\.\*|\./|\.\^|\^T\b|[-+*/^(),'′ᵀ]))"
)


def read(
    text: str,
    dims: Mapping[str, Sequence[Any]],
    flags: Mapping[str, Sequence[str]] | None = None,
    shape: m.Dims | None = None,
) -> Expr:
    """The typed tree of an expression whose variables have these dims.

    dims: () a scalar, ("n",) a column, ("m", "n") a matrix; shape: what the whole is,
    where the text alone leaves it open. Raises BadInput with a caret.
    """
    reader = Reader(text, dims, flags or {})
    return build(typed_node(reader, shape), reader)


def typed_node(reader: Any, shape: m.Dims | None) -> Node:
    """A reader's whole text as a node whose dims are unified."""
    node: Node = reader.whole()
    if shape is not None:
        node.rows.is_, node.cols.is_ = shape
    reader.typing(reader.text, reader.dims).check(node)
    return node


NAMES, TRIED = "mnpqkrst", 40_000  # characters read while trying what letters are


def infer(
    text: str,
    known: Mapping[str, Sequence[Any]] | None = None,
    shape: m.Dims | None = None,
    reader: Any = None,
) -> dict[str, tuple[Any, ...]]:
    """Dims for the variables of a text that are not declared, as far as they follow.

    A capital is a matrix. A small letter is a column, or a scalar where a column cannot
    be: of all readings that type, the one with the fewest scalars. BadInput if there is
    none, or if there are too many letters to try. reader: this grammar's, or LaTeX's.
    """
    from itertools import combinations

    reader = reader or Reader
    known = dict(known or {})
    open_ = reader.undeclared(text, known)
    small = [w for w in open_ if open_[w] is None and w[0].islower()]
    if len(small) > 10 or len(text) * 2 ** len(small) > TRIED:
        raise BadInput(
            f"{len(open_)} letters are undeclared, too many to guess: declare them with --where, "
            f"as in {small[0]}: n"
        )
    first: BadInput | None = None
    for count in range(len(small) + 1):
        for scalars in combinations(small, count):
            dims: dict[str, Any] = dict(known)
            for w, fixed in open_.items():
                column = (Unknown(),) if w in small else (Unknown(), Unknown())
                dims[w] = () if w in scalars else column if fixed is None else fixed
                if isinstance(fixed, int):  # entries in a sum: one index, or two
                    dims[w] = tuple(Unknown() for _ in range(fixed))
            try:
                typed_node(reader(text, dims, {}), shape)
                done = settled(dims)
                flat = [
                    w
                    for w in open_
                    if w[0].isupper() and open_[w] is None and len(done[w]) < 2
                    or 1 in done[w]
                ]
                if flat:
                    raise BadInput(
                        f"{flat[0]} would have to be a scalar, column or row here: declare it, "
                        f"{flat[0]}: scalar, or {flat[0]}: n, or as a size, X: {flat[0]} x d",
                        text=text,
                    )
            except BadInput as e:
                first = first or e
                continue
            return done
    raise first or BadInput("there is nothing to read")


def settled(dims: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Dims with a name for each that is still open: m, n, p, q, …"""
    used = {
        find(d) for shape in dims.values() for d in shape if isinstance(find(d), str)
    }
    fresh = (n for n in NAMES if n not in used and n not in dims)
    named: dict[int, str] = {}
    done = {}
    for name, shape in dims.items():
        sizes = []
        for d in shape:
            root = find(d)
            if isinstance(root, Unknown):
                if id(root) not in named:
                    named[id(root)] = next(fresh, f"n{len(named)}")
                root = named[id(root)]
            sizes.append(root)
        while sizes and sizes[-1] == 1:
            sizes.pop()
        done[name] = tuple(sizes)
    return done


class Reader(Bounded):
    """Precedence climbing over the tokens of one text."""

    typing = Typing

    @staticmethod
    def undeclared(text: str, known: Mapping[str, Any]) -> dict[str, Any]:
        """The names of a text that are not known, each with its dims, None if open."""
        sizes = {d for shape in known.values() for d in shape if isinstance(d, str)}
        found = dict.fromkeys(w for w in re.findall(r"[A-Za-z_]\w*(?!\w|\()", text))
        taken = {*known, *sizes, *FUNCTIONS, "vector", "matrix", "eye", "I", "T"}
        return {w: None for w in found if w not in taken}

    def __init__(self, text: str, dims: Mapping[str, Any], flags: Mapping[str, Any]):
        super().__init__()
        if len(text) > LONGEST:
            raise BadInput(
                f"the expression has {len(text):,} characters; at most {LONGEST:,}"
            )
        self.text, self.dims, self.flags, self.i, self.depth = text, dims, flags, 0, 0
        self.sizes = {d for shape in dims.values() for d in shape if isinstance(d, str)}
        self.tokens: list[tuple[str, str, int]] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            found = TOKEN.match(text, at)
            if not found:
                at += len(text[at:]) - len(text[at:].lstrip())
                raise self.error(f"{text[at]!r} has no meaning here", at)
            kind = found.lastgroup or ""
            self.tokens.append((kind, found[kind], found.start(kind)))
            at = found.end()
        self.tokens.append(("end", "", end))

    def error(self, message: str, at: int | None = None) -> BadInput:
        offset = self.tokens[self.i][2] if at is None else at
        return BadInput(message, text=self.text, offset=offset)

    def peek(self) -> str:
        return self.tokens[self.i][1]

    def take(self, *words: str) -> str:
        if self.tokens[self.i][0] == "sign" and self.peek() in words:
            self.i += 1
            return self.tokens[self.i - 1][1]
        return ""

    def whole(self) -> Node:
        node = self.sum()
        if self.tokens[self.i][0] != "end":
            raise self.error(f"did not expect {self.peek()!r} here")
        return node

    def sum(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"brackets are nested deeper than {DEEPEST}")
        node = self.product()
        while True:
            at = self.tokens[self.i][2]
            sign = self.take("+", "-")
            if not sign:
                break
            right = self.product()
            node = self.make("+" if sign == "+" else "-", [node, right], at)
        self.depth -= 1
        return node

    def product(self) -> Node:
        node = self.signed()
        while True:
            at = self.tokens[self.i][2]
            sign = self.take("*", "/", ".*", "./")
            if not sign:
                return node
            node = self.make(sign, [node, self.signed()], at)

    def signed(self) -> Node:
        at = self.tokens[self.i][2]
        if self.take("-"):
            self.depth += 1
            if self.depth > DEEPEST:
                raise self.error(f"signs are nested deeper than {DEEPEST}")
            node = self.make("neg", [self.signed()], at)
            self.depth -= 1
            return node
        if self.take("+"):
            return self.signed()
        return self.raised()

    def raised(self) -> Node:
        node = self.atom()
        while True:
            at = self.tokens[self.i][2]
            sign = self.take("'", "′", "ᵀ", "^T", "^", ".^")
            if not sign:
                return node
            if sign in ("^", ".^"):
                self.depth += 1
                if self.depth > DEEPEST:
                    raise self.error(f"powers are nested deeper than {DEEPEST}")
                exponent = self.exponent()
                self.depth -= 1
                node = self.make(sign, [node, exponent], at)
            else:
                node = self.make("'", [node], at)

    def exponent(self) -> Node:
        at = self.tokens[self.i][2]
        if self.take("-"):
            return self.make("neg", [self.exponent()], at)
        node = self.atom()
        at = self.tokens[self.i][2]
        sign = self.take("^", ".^")
        if not sign:
            return node
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"powers are nested deeper than {DEEPEST}")
        node = self.make(sign, [node, self.exponent()], at)  # a^b^c is a^(b^c)
        self.depth -= 1
        return node

    def atom(self) -> Node:
        kind, word, at = self.tokens[self.i]
        self.i += 1
        if kind == "number":
            if (
                len(word) > DIGITS
                or "e" in word.lower()
                and abs(int(word.lower().split("e")[1])) > 50
            ):
                raise self.error(
                    f"this number is too long: at most {DIGITS} digits", at
                )
            return self.make("number", [Fraction(word)], at)
        if kind == "name":
            return self.name(word, at)
        if word == "(":
            node = self.sum()
            if not self.take(")"):
                raise self.error("'(' is never closed by ')'", at)
            return node
        self.i -= 1
        if kind == "end":
            raise self.error("the expression ends where a letter or number is expected")
        raise self.error(f"expected a letter, a number or '(', not {word!r}")

    def extreme(self, word: str, at: int) -> Node:
        """max(a, b) = b + relu(a − b), min(a, b) = a − relu(a − b), entry by entry."""
        a = self.sum()
        if not self.take(","):
            raise self.error(f"{word} takes two arguments, entry by entry: {word}(0, z)")
        b = self.sum()
        if not self.take(")"):
            raise self.error(f"{word}( is never closed by ')'", at)
        zero = [n.op == "number" and n.args[0] == 0 for n in (a, b)]
        if any(zero):  # max(0, z) of a column as well
            z, turn = (b if zero[0] else a), word == "min"
            inner = self.make("relu", [self.make("neg", [z], at) if turn else z], at)
            return self.make("neg", [inner], at) if turn else inner
        over = self.make("relu", [self.make("-", [a, b], at)], at)
        return self.make("+", [b, over], at) if word == "max" else self.make("-", [a, over], at)

    def name(self, word: str, at: int) -> Node:
        if word in self.dims:
            if self.peek() == "(" and word not in FUNCTIONS:
                raise self.error(f"{word} is no function: write {word}*(…)")
            return self.make("var", [word], at)
        if word in ("vector", "matrix") and self.take("("):
            inside = self.tokens[self.i]
            self.i += 1
            if inside[1] not in ("0", "1") or not self.take(")"):
                raise self.error(f"{word} takes 1 or 0: {word}(1)", inside[2])
            return self.make(word, [int(inside[1])], at)
        if word in ("eye", "I") and self.peek() != "(":
            return self.make("eye", [], at)
        if word == "eye" and self.take("("):
            kind, name, where = self.tokens[self.i]
            self.i += 1
            if kind not in ("name", "number") or not self.take(")"):
                raise self.error("eye takes one size: eye(n)", where)
            return self.make("eye", [int(name) if name.isdigit() else name], at)
        if word in ("max", "min") and self.take("("):
            return self.extreme(word, at)
        if word in FUNCTIONS and self.take("("):
            args = [self.sum()]
            while self.take(","):
                args.append(self.sum())
            if not self.take(")"):
                raise self.error(f"{word}( is never closed by ')'", at)
            if len(args) != (2 if word == "kron" else 1):
                raise self.error(
                    f"{word} takes {2 if word == 'kron' else 1} argument", at
                )
            return self.make(word, args, at)
        if word in self.sizes:
            return self.make("size", [word], at)
        from solver.registry import unknown

        what = "function" if self.peek() == "(" else "variable"
        known = (
            sorted(FUNCTIONS)
            if what == "function"
            else [*self.dims, *sorted(self.sizes)]
        )
        raise self.error(unknown(what, word, known).message, at)
