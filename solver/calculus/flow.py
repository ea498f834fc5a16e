"""Which sizes the letters of equations have: all readings that type, the plausible first.

A vector beside a batch is added to each of its samples, a scalar to each entry. What is
not declared is read by its name; what nobody would mean is not taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

from solver.calculus.letters import BIAS, INPUT, LOSS, SCALAR, VECTORIAL
from solver.core import BadInput
from solver.expressions.grammar import settled
from solver.expressions.latex_reader import Reader
from solver.expressions.loose import Loose, spread
from solver.expressions.unify import Node, Unknown, find

SMALL = 8  # undeclared small letters that are tried as scalars
VECTORS = ("rows", "columns")


class Big(Unknown):
    """A size that is not known yet, but is not 1: that of a letter taken for a vector."""

    __slots__ = ()


class Flow(Loose):
    """Typing of equations: a vector beside a batch is added to each of its samples."""

    def __init__(self, text: str, dims: Mapping[str, Any], vectors: str):
        super().__init__(text, dims)
        self.rows = vectors == "rows"

    def same(self, a: Any, b: Any) -> bool:
        a, b = find(a), find(b)
        for x, y in ((a, b), (b, a)):
            if isinstance(x, Big) and x is not y:
                if isinstance(y, Unknown):
                    y.is_ = x
                    return True
                if y == 1:
                    return False
        return super().same(a, b)

    def unsure(self, node: Node) -> bool:
        """Whether it is open if this is a scalar: not where a size is known not to be 1."""
        dims = (find(node.rows), find(node.cols))
        return all(isinstance(d, Unknown) and not isinstance(d, Big) for d in dims)

    def settled(self, node: Node) -> bool:
        if node.op in ("softmax", "logsumexp") and node.args:
            arg = node.args[0]
            if not self.known_kind(arg) and not self.last:
                return False
            if find(arg.cols) != 1:
                self.sample_by_sample(node)
        return super().settled(node)

    def sample_by_sample(self, node: Node) -> None:
        """softmax of rows is of each row; of columns, of each column."""
        if self.rows or find(node.args[0].rows) == 1:
            node.op = f"row{node.op}"
            return
        turned = Node("'", node.args, node.at)
        each = Node(f"row{node.op}", [turned], node.at)
        node.op, node.args = "'", [each]
        self.visit(each)

    def known_kind(self, node: Node) -> bool:
        """Whether it is known which of a node's sizes are 1."""
        return all(
            isinstance(d, Big) or not isinstance(d, Unknown)
            for d in (find(node.rows), find(node.cols))
        )

    def broadcast(self, node: Node) -> bool:
        if not super().broadcast(node):
            return False
        if not all(map(self.known_kind, node.args)):
            return self.last
        if self.scalar(node.args[0]) != self.scalar(node.args[1]):  # a bias in every entry
            i = int(self.scalar(node.args[1]))
            node.args[i] = spread(node.args[i])
            self.visit(node.args[i])
            return True
        for i in (0, 1):
            one, other = node.args[i], node.args[1 - i]
            across = (find(one.rows), find(other.rows))
            if not self.rows:
                across = (find(one.cols), find(other.cols))
            if self.scalar(one) or across[0] != 1 or across[1] == 1:
                continue
            ones = Node("vector", [1], node.at)
            if self.rows:
                node.args[i] = Node("*", [ones, one], node.at)
            else:
                node.args[i] = Node("*", [one, Node("'", [ones], node.at)], node.at)
            self.visit(node.args[i])
        return True


def inferred(
    lines: Sequence[tuple[str, str]],
    known: Mapping[str, Any],
    open_: Sequence[str],
    vectors: str,
) -> tuple[dict[str, tuple[Any, ...]], str]:
    """Dims for all leaves, and whether vectors are rows or columns: of all readings that
    type, that with the fewest scalars, of these one that ends in a loss; where both fit, by
    the side that weights stand on."""
    scalar = not any(w[0].isupper() for w in open_) and not any(map(len, known.values()))
    if scalar and not any(VECTORIAL.search(rhs) for _, rhs in lines):
        return {**known, **dict.fromkeys(open_, ())}, vectors or "rows"
    small = [w for w in open_ if not w[0].isupper()]
    if len(small) > SMALL:
        raise BadInput(
            f"{len(small)} letters are not declared: give --where \"{small[0]}: 1 x n, …\""
        )
    first: BadInput | None = None
    layer: tuple[dict[str, tuple[Any, ...]], str] | None = None
    ways = [vectors] if vectors else sorted(VECTORS, key=lambda v: v != usual(lines))
    ends = bool(LOSS.fullmatch(lines[-1][0]))  # only a scalar will do
    for count in range(len(small) + 1):
        for way, scalars in product(ways, combinations(small, count)):
            dims: dict[str, Any] = dict(known)
            for w in open_:
                if w in scalars:
                    dims[w] = ()
                elif w in small:
                    dims[w] = (1, Big()) if way == "rows" else (Big(),)
                else:
                    dims[w] = (Big(), Big())
            try:
                end = unified(lines, dims, way)
                done = settled(dims)
                doubtful(lines, done, open_, scalars)
            except BadInput as e:
                first = first or e
                continue
            if find(end.rows) == find(end.cols) == 1:
                return done, way
            layer = layer or (done, way)
        if layer and not ends:
            return layer
    if layer:
        return layer
    raise first or BadInput("there is nothing to read")


def doubtful(
    lines: Sequence[tuple[str, str]],
    dims: Mapping[str, tuple[Any, ...]],
    open_: Sequence[str],
    scalars: Sequence[str],
) -> None:
    """Refuse a reading that nobody means: a matrix times a letter taken for a number, a
    bias that differs from sample to sample."""
    if any(INPUT.fullmatch(w) for w in scalars) and any(len(dims[w]) for w in open_):
        raise BadInput("x is no scalar beside columns and matrices: declare it")
    for w in scalars:
        beside = re.compile(rf"\b[A-Z]\w*'?\s*\*\s*{w}\b|\b{w}'?\s*\*\s*[A-Z]")
        if not SCALAR.fullmatch(w) and any(beside.search(rhs) for _, rhs in lines):
            raise BadInput(f"{w} stands beside a matrix, so it is no scalar: declare it")
    samples = {d for name, shape in dims.items() if name == "X" for d in shape}
    for w in open_:
        if BIAS.fullmatch(w) and samples & {d for d in dims[w] if d != 1}:
            raise BadInput(f"{w} would have an entry for each sample: declare it")


def usual(lines: Sequence[tuple[str, str]]) -> str:
    """columns where most products have a leaf on the left and data or a defined name on
    the right, as W*x + b; else rows, as x*W + b."""
    flow = {"x", "X", *(name for name, _ in lines)}
    votes = 0
    for _, rhs in lines:
        for left, right in re.findall(r"(\w+)\s*[* ]\s*(?=([A-Za-z]\w*))", rhs):
            votes += (right in flow and left not in flow) - (left in flow and right not in flow)
    return "columns" if votes > 0 else "rows"


def unified(lines: Sequence[tuple[str, str]], dims: dict[str, Any], vectors: str) -> Node:
    """The last line, the dims of all unified, twice: the second time knows what the first
    found."""
    found = []
    names = dict(dims)
    for name, rhs in lines:
        node, typing = Reader(rhs, names, {}).whole(), Flow(rhs, names, vectors)
        typing.visit(node)
        names[name] = (node.rows,) if find(node.cols) == 1 else (node.rows, node.cols)
        found.append((typing, node))
    for typing, node in found:
        typing.last = True
        typing.visit(node)
    return node
