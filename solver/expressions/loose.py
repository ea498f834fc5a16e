"""Typing of what people write: operations whose meaning the dims decide.

|X| is a determinant or absolute values, ‖X‖₂ is refused where X is a matrix, x² of a
column is by entries, 1 − σ(z) means ones. Where two readings fit, neither is taken.
"""

from __future__ import annotations

from solver.expressions import matrix as m
from solver.expressions.unify import Node, Typing, Unknown, find

ENTRYWISE = {*m.ELEMENTWISE, "neg", "bars"}


class Loose(Typing):
    """The plain grammar's typing, after this notation's own operations are resolved."""

    shallow = False

    def visit(self, node: Node) -> None:
        if self.shallow:  # the children were met already
            return
        for a in node.args:
            if isinstance(a, Node):
                self.visit(a)
        if self.settled(node):
            self.shallow = True
            try:
                super().visit(node)
            finally:
                self.shallow = False

    def known(self, node: Node) -> bool:
        dims = find(node.rows), find(node.cols)
        return not any(isinstance(d, Unknown) for d in dims)

    def column(self, node: Node) -> bool:
        """Whether this is a column or a row, not a scalar."""
        settled = self.known(node) or self.last
        return settled and (find(node.cols) == 1) != (find(node.rows) == 1)

    def settled(self, node: Node) -> bool:
        """Whether the node is one of the plain grammar's by now, or has to wait."""
        op, args = node.op, node.args
        if op in ("+", "-"):
            return self.broadcast(node)
        if op == "^" and not (self.known(args[0]) or self.last):
            return False
        if op == "^" and self.column(args[0]):
            node.op = ".^"
        elif op == "/" and self.column(args[1]) or op == "./":
            node.op = "./"
            if self.scalar(args[0]) and not self.scalar(args[1]):
                args[0] = spread(args[0])
                self.visit(args[0])
        elif op == ".*" and any(map(self.scalar, args)):
            node.op = "*"
        elif op == "kron" and all(find(a.cols) == 1 for a in args):
            if self.known(node) and find(node.cols) != 1:
                self.outer(node)
        elif op in ("softmax", "logsumexp") and self.column(args[0]):
            if find(args[0].rows) == 1:  # a row's, by its entries
                node.op = f"row{op}"
        elif op == "bars":
            return self.bars(node)
        elif op.startswith("norm") and op not in ("norm1", "norm2"):
            return self.norm(node)
        elif op == "scalar":
            if not (self.same(args[0].rows, 1) and self.same(args[0].cols, 1)):
                kind = self.told(args[0])
                raise self.fail(
                    node, f"inside a sum over entries {kind} has no place"
                )
            self.set(node, 1, 1)
            node.op, node.args = "*", [args[0], Node("number", [1], node.at)]
            self.visit(node.args[1])
        elif op == "matrix" and len(args) > 1 and self.last:  # a bold 1 is a column
            if isinstance(find(node.cols), Unknown):
                self.same(node.cols, 1)
        return True

    def broadcast(self, node: Node) -> bool:
        """A number beside a column or matrix is that many ones: 1 − σ(z)."""
        for i in (0, 1):
            one, other = node.args[i], node.args[1 - i]
            if not (self.scalar(one) and constant(one)) or self.scalar(other):
                continue
            if not self.known(other) and not self.last:
                return False
            node.args[i] = spread(one)
            self.visit(node.args[i])
        return True

    def outer(self, node: Node) -> None:
        """δ ⊗ x of two columns, where a matrix is needed, is δxᵀ."""
        turned = Node("'", [node.args[1]], node.at)
        node.op, node.args = "*", [node.args[0], turned]
        self.visit(turned)

    def bars(self, node: Node) -> bool:
        a = node.args[0]
        if self.scalar(a) or self.column(a):
            node.op = "abs"
            return True
        if not self.known(a):
            if self.last:
                raise self.fail(node, "what stands between the bars has no known size")
            return False
        if find(a.rows) != find(a.cols):
            raise self.fail(
                node, f"|…| of {self.told(a)}: write abs(…) for its absolute values"
            )
        node.op = "det"
        return True

    def norm(self, node: Node) -> bool:
        a, which = node.args[0], node.op[5:]
        if not (self.known(a) or self.last):
            return False
        matrix = not (self.scalar(a) or self.column(a))
        if matrix and which in "12" and which:
            better = r"\|X\|_F" if which == "2" else r"\|\operatorname{vec}(X)\|_1"
            what = "spectral norm" if which == "2" else "largest column sum"
            raise self.fail(
                node,
                f"‖…‖_{which} of a matrix is its {what}, not read: write {better}",
            )
        node.op = "norm1" if which == "1" else "norm2"
        return True


def spread(node: Node) -> Node:
    """A scalar in every entry."""
    return Node("*", [node, Node("matrix", [1], node.at)], node.at)


def constant(node: Node) -> bool:
    """Whether only numbers are in the tree."""
    return node.op not in ("var", "size", "eye", "vector", "matrix", "entry") and all(
        constant(a) for a in node.args if isinstance(a, Node)
    )


def entries(node: Node) -> tuple[Node, bool]:
    """What stands behind Σ, by entries: (tree, whether it has the index in it).

    Raises ValueError naming the operation that has no meaning for a single entry.
    """
    if node.op == "entry":
        return node.args[0], True
    if not has_entry(node):
        return Node("scalar", [node], node.at), False
    found = [entries(a) for a in node.args]
    args = [a for a, _ in found]
    indexed = [i for _, i in found]
    op: str = node.op
    if op in ENTRYWISE:
        op = "abs" if op == "bars" else op
    elif op in ("+", "-", "/", "./"):
        args = [a if i else spread(a) for a, i in found]
        if op in ("/", "./"):
            op = "./" if indexed[1] else "/"
            args = args if indexed[1] else [args[0], found[1][0]]
    elif op in ("*", ".*"):
        op = ".*" if all(indexed) else "*"
    elif op in ("^", ".^") and not indexed[1]:
        op = ".^"
    else:
        raise ValueError(op)
    return Node(op, args, node.at), True


def has_entry(node: Node) -> bool:
    return node.op == "entry" or any(
        has_entry(a) for a in node.args if isinstance(a, Node)
    )
