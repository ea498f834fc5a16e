"""Mathematics as people write it, LaTeX, Unicode or plain, to typed trees.

One reader for all three: \\frac{1}{n}X^T(Xw - y), (1/n)·Xᵀ(Xw − y), X'*(X*w - y)/n. It
knows an allow-list of macros, is bounded, evaluates nothing, and puts the caret under
the character of the text as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from solver.core import BadInput
from solver.expressions import grammar
from solver.expressions import matrix as m
from solver.expressions.grammar import typed_node
from solver.expressions.latex_atoms import Atoms, ones
from solver.expressions.latex_lexer import DEEPEST, TURNS, WORDS
from solver.expressions.loose import Loose, constant, spread
from solver.expressions.nodes import Expr
from solver.expressions.unify import Node, build


def looks_like_latex(text: str) -> bool:
    """Whether a text has LaTeX's marks: a macro, or braces behind ^ or _."""
    return bool(re.search(r"\\[A-Za-z|,;{}]|[\^_]\s*\{|\$", text))


def read_any(
    text: str,
    dims: Mapping[str, Sequence[Any]],
    flags: Mapping[str, Sequence[str]] | None = None,
    shape: m.Dims | None = None,
) -> Expr:
    """The typed tree of a text in LaTeX, Unicode or the plain grammar.

    dims: () a scalar, ("n",) a column, ("m", "n") a matrix; letters that stand together
    are multiplied. shape: what the whole is. Raises BadInput with a caret.
    """
    try:
        reader = Reader(text, dims, flags or {})
        reader.wanted = shape
        return build(typed_node(reader, shape), reader)
    except (RecursionError, ArithmeticError) as e:
        raise BadInput("the expression is too long or too deep to be read") from e


def reader_for(text: str, dims: Mapping[str, Sequence[Any]] | None = None) -> Any:
    """The class that reads a text: LaTeX and Unicode by this one, all else by the plain
    grammar, in which letters that stand together are one name; but x'Ax and 2 x^T A y,
    which it does not know, by this one."""
    if not text.isascii() or looks_like_latex(text):
        return Reader
    dims = dims or {}
    glued = re.search(r"\^(T\w+)", text)  # x^TQx
    if glued and glued[1] not in dims and not any(d[0] == "T" for d in dims):
        return Reader
    try:
        scalars = dict.fromkeys(grammar.Reader.undeclared(text, dims), ())
        grammar.Reader(text, {**dims, **scalars}, {}).whole()
    except BadInput:
        words = re.findall(r"[A-Za-z]+", text)
        if all(len(w) <= 3 or w in WORDS or w in dims for w in words):
            try:
                Reader.undeclared(text, dims)
                return Reader
            except (BadInput, RecursionError):
                pass
    return grammar.Reader


class Reader(Atoms):
    """Recursive descent, from loose to tight: sums; products with a sign; factors side
    by side; signs; powers."""

    typing = Loose
    wanted: m.Dims | None = None

    @staticmethod
    def undeclared(text: str, known: Mapping[str, Any]) -> dict[str, Any]:
        """The letters of a text that are not known; how many axes, where a Σ says it."""
        reader = Reader(text, dict(known), {})
        reader.open = {}
        reader.whole()
        for name in reader.open:
            base = name.partition("_")[0]
            if base != name and base in reader.open:
                raise BadInput(
                    f"{name} stands beside {base}: an entry of it, or a letter of its own? "
                    f"declare both, as in {name}: scalar, {base}: n",
                    text=text,
                )
        shapes = [s for s in reader.open.values() if isinstance(s, tuple)]
        sizes = {d for s in shapes for d in s}
        return {name: s for name, s in reader.open.items() if name not in sizes}

    def whole(self) -> Node:
        node = self.sum()
        kind, value, at, stop = self.look()
        if kind != "end":
            raise self.error(f"did not expect {self.text[at:stop]!r} here")
        if self.wanted not in (None, (1, 1)) and constant(node):
            return spread(node)
        return node

    def sum(self) -> Node:
        self.deeper()
        node = self.product()
        while True:
            at = self.look()[2]
            sign = self.take("+", "-")
            if not sign:
                break
            node = self.make(sign, [node, self.product()], at)
        self.deeper(-1)
        return node

    def product(self) -> Node:
        node = self.chain()
        while True:
            _, _, at, _ = self.look()
            sign = self.take("*", "/", ".*", "./", "kron")
            if not sign:
                return node
            if sign != "/":
                node = self.make(sign, [node, self.chain()], at)
                continue
            below = self.signed()
            if self.starts() and (self.plain_scalar(below) or self.column(below)):
                raise self.error("a/bc reads two ways: write (a/b)c or a/(bc)")
            node = self.make("/", [node, below], at)
            if self.starts():
                node = self.make("*", [node, self.chain()], self.look()[2])

    def column(self, node: Node) -> bool:
        """Whether this is a column or a transpose: xᵀAx/xᵀx does not mean (xᵀAx/xᵀ)x."""
        return node.op == "'" or node.op == "var" and len(self.dims[node.args[0]]) > 0

    def plain_scalar(self, node: Node) -> bool:
        """Whether a letter below a stroke is followed by another scalar letter."""
        kind, value, _, _ = self.look()
        after = kind == "name" and self.names[value]
        scalar = after and (after[0] == "size" or len(self.dims[after[1]]) == 0)
        return node.op in ("var", "size") and bool(scalar)

    def chain(self) -> Node:
        """Factors side by side; a 1 among them is a column of ones: x1ᵀ."""
        factors = [self.signed()]
        while self.starts():
            kind, value, at, _ = self.look()
            if kind == "number" and value != "1":
                raise self.error(
                    "a number stands before what it multiplies, or takes a sign"
                )
            factors.append(self.raised())
        if len(factors) == 1:
            return factors[0]
        node = ones(factors[0])
        for f in factors[1:]:
            node = self.make("*", [node, ones(f)], f.at)
        return node

    def signed(self) -> Node:
        at, minus, found = self.look()[2], 0, self.take("-", "+")
        while found:
            minus += found == "-"
            found = self.take("-", "+")
        node = self.raised()
        return self.make("neg", [node], at) if minus % 2 else node

    def raised(self) -> Node:
        node = self.atom()
        for _ in range(DEEPEST):
            after = self.script(node)
            if after is None:
                return self.euler(node)
            node = after
        raise self.error(f"more than {DEEPEST} powers in a row")

    def script(self, node: Node) -> Node | None:
        """The node with the superscript that follows, if one does."""
        kind, value, at, stop = self.look()
        if kind == "super":
            self.at = stop
            if value in ("T", "-T"):
                return self.turned(
                    self.inverted(node, at) if value == "-T" else node, at
                )
            if not re.fullmatch(r"[-+]?[0-9]{1,4}", value):
                raise self.error(f"{self.text[at:stop]!r} is no exponent", at)
            return self.power(node, self.whole_number(value, at), at)
        if kind != "sign" or value not in ("'", "ᵀ", "^", ".^"):
            return None
        self.at = stop
        if value in ("'", "ᵀ"):
            return self.turned(node, at)
        if value == ".^":
            return self.make(".^", [self.euler(node), self.exponent()], at)
        start = self.skip(stop)
        inside, end = self.argument(start)
        squeezed = re.sub(r"\s", "", inside)
        minus = squeezed[:1] in ("-", "−") and squeezed[1:] in TURNS
        if minus or squeezed in TURNS:
            if squeezed == "T" and "T" in self.names:
                raise self.error(
                    "T is a variable here: transpose with \\top or '", start
                )
            self.at = end
            return self.turned(self.inverted(node, at) if minus else node, at)
        if (
            re.match(r"\((?![^()]*[-+*/])[^()]*\)$", squeezed)
            and self.text[start] == "{"
        ):
            raise self.error(
                "a label in brackets is not read; name it x_1, or leave the brackets",
                start,
            )
        if self.text[start : start + 1] == "{":
            self.at = start + 1
            entrywise = self.take(".*")
            exponent = self.sum()
            self.close("{", start)
            if self.raises():
                raise self.error("x^{a}^{b} reads two ways: write x^{a^{b}} or (x^{a})^{b}")
        else:
            entrywise = self.take(".*")
            exponent = self.exponent()
        if entrywise:
            return self.make(".^", [self.euler(node), exponent], at)
        return self.power(node, exponent, at)

    def exponent(self) -> Node:
        at = self.look()[2]
        if self.take("-"):
            self.deeper()
            found = self.make("neg", [self.exponent()], at)
            self.deeper(-1)
            return found
        node = self.atom()
        if self.raises():  # a^b^c is a^(b^c)
            self.deeper()
            node = self.script(node) or node
            self.deeper(-1)
        return self.euler(node)

    def raises(self) -> bool:
        """Whether a power follows, not a transposition."""
        kind, value, _, stop = self.look()
        if kind == "super":
            return "T" not in value
        if kind != "sign" or value not in ("^", ".^"):
            return False
        inside = re.sub(r"\s", "", self.argument(self.skip(stop))[0])
        return inside.lstrip("-−") not in TURNS

    def turned(self, node: Node, at: int) -> Node:
        if node.op == "euler":
            raise self.error(
                "e has no transpose: a power of e needs a declared letter", at
            )
        return self.make("'", [ones(node)], at)

    def inverted(self, node: Node, at: int) -> Node:
        return self.make("^", [self.euler(node), self.whole_number("-1", at)], at)
