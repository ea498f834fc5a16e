"""Dims found by unification, and typed trees built from untyped nodes.

The grammar makes untyped nodes; what the text leaves open (vector(1), eye) follows from
the rest. Errors name both sides and point at the operator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from solver.core import BadInput
from solver.expressions import matrix as m
from solver.expressions.nodes import Add, Expr, Mul, Num, Pow

FUNCTIONS = {
    *m.ELEMENTWISE,
    *m.TO_SCALAR,
    *m.SAME,
    "diag",
    "vec",
    "kron",
    "rowlogsumexp",
}


class Node:
    """An untyped node: what it is, its children, where it stands; dims are unified in."""

    def __init__(self, op: str, args: Sequence[Any], at: int):
        self.op, self.args, self.at = op, list(args), at
        self.rows: Any = Unknown()
        self.cols: Any = Unknown()


HEAVIEST, TALLEST, LAYERS = 500, 150, 4
HIGHEST = 1000  # exponent of a number: 9^9^9 has 369 million digits


class Bounded:
    """What every reader of this language keeps to: trees bounded in size and depth."""

    text: str

    def __init__(self) -> None:
        self.weights: dict[int, tuple[int, int, Node]] = {}

    def make(self, op: str, args: list[Any], at: int) -> Node:
        """A node, if its tree is not too heavy: a power counts as all its factors."""
        below = [self.weights[id(a)] for a in args if isinstance(a, Node)]
        size = 1 + sum(b[0] for b in below)
        deep = 1 + max([b[1] for b in below], default=0)
        if op == "^":
            exponent = args[1].args[0] if args[1].op == "neg" else args[1]
            if exponent.op == "number":
                size *= max(1, int(min(20, exponent.args[0])))
        if op == "log" and args[0].op in ("softmax", "rowsoftmax"):
            size *= 4  # it becomes z − logsumexp(z)·1: what stands inside, twice
        if size > HEAVIEST or deep > TALLEST:
            raise BadInput("the expression is too long to be read", text=self.text, offset=at)
        node = Node(op, args, at)
        self.weights[id(node)] = (size, deep, node)
        return node


class Unknown:
    """A dim not known yet; `is_` points at what it turned out to be."""

    __slots__ = ("is_",)

    def __init__(self) -> None:
        self.is_: Any = None


def find(d: Any) -> Any:
    """What a dim is by now."""
    while isinstance(d, Unknown) and d.is_ is not None:
        d = d.is_
    return d


class Typing:
    """Unification of dims over the untyped nodes, with errors that name both sides."""

    def __init__(self, text: str, dims: Mapping[str, Any]):
        self.text, self.dims, self.last = text, dims, False

    def check(self, node: Node) -> None:
        """Twice: the second pass knows what the first found out further right, and takes
        what is still open for a matrix rather than for a scalar."""
        self.visit(node)
        self.last = True
        self.visit(node)

    def fail(self, node: Node, message: str) -> BadInput:
        return BadInput(message, text=self.text, offset=node.at)

    def same(self, a: Any, b: Any) -> bool:
        a, b = find(a), find(b)
        if a is b or (
            not isinstance(a, Unknown) and not isinstance(b, Unknown) and a == b
        ):
            return True
        if isinstance(a, Unknown):
            a.is_ = b
            return True
        if isinstance(b, Unknown):
            b.is_ = a
            return True
        return False

    def scalar(self, node: Node) -> bool:
        return find(node.rows) == 1 and find(node.cols) == 1

    def unsure(self, node: Node) -> bool:
        return isinstance(find(node.rows), Unknown) and isinstance(
            find(node.cols), Unknown
        )

    def set(self, node: Node, rows: Any, cols: Any) -> None:
        if not (self.same(node.rows, rows) and self.same(node.cols, cols)):
            raise self.fail(
                node,
                f"this is {self.told(node)}, where {told(rows, cols)} is needed",
            )

    def open_matrix(self, node: Node) -> bool:
        """Whether a node is a letter that is taken for a matrix, being a capital."""
        shape = self.dims[node.args[0]] if node.op == "var" else ()
        return len(shape) == 2 and any(isinstance(d, Unknown) for d in shape)

    def told(self, node: Node) -> str:
        return told(node.rows, node.cols)

    def visit(self, node: Node) -> None:
        for a in node.args:
            if isinstance(a, Node):
                self.visit(a)
        op = node.op
        if op in ("number", "size"):
            self.set(node, 1, 1)
        elif op == "var":
            shape = tuple(self.dims[node.args[0]])
            self.set(node, *((1, 1), (*shape, 1), shape)[len(shape)][:2])
        elif op == "vector":
            self.set(node, node.rows, 1)
        elif op == "eye":
            self.set(node, node.rows, node.rows)
            if node.args:
                self.set(node, node.args[0], node.args[0])
        elif op in ("+", "-"):
            a, b = node.args
            if not (self.same(a.rows, b.rows) and self.same(a.cols, b.cols)):
                raise self.fail(
                    node,
                    f"{self.told(a)} and {self.told(b)} cannot be added"
                    + (
                        "; write c*vector(1) for a column of c"
                        if self.scalar(a) or self.scalar(b)
                        else ""
                    ),
                )
            self.set(node, a.rows, a.cols)
        elif op == "neg":
            self.set(node, node.args[0].rows, node.args[0].cols)
        elif op == "'":
            self.set(node, node.args[0].cols, node.args[0].rows)
        elif op == "*":
            self.product(node)
        elif op == "/":
            a, b = node.args
            if not (self.same(b.rows, 1) and self.same(b.cols, 1)):
                way = "use ./ or inv"
                if self.open_matrix(b):
                    way = f"declare it, {b.args[0]}: scalar, or as a size, X: {b.args[0]} x d"
                raise self.fail(node, f"only a scalar divides, not {self.told(b)}: {way}")
            self.set(node, a.rows, a.cols)
        elif op in (".*", "./"):
            a, b = node.args
            if not (self.same(a.rows, b.rows) and self.same(a.cols, b.cols)):
                way = (
                    "; a scalar multiplies with *"
                    if self.scalar(a) or self.scalar(b)
                    else ""
                )
                raise self.fail(
                    node,
                    f"{self.told(a)} and {self.told(b)} cannot be multiplied elementwise{way}",
                )
            self.set(node, a.rows, a.cols)
        elif op in ("^", ".^"):
            a, b = node.args
            if not (self.same(b.rows, 1) and self.same(b.cols, 1)):
                raise self.fail(node, f"an exponent is a scalar, not {self.told(b)}")
            if op == "^" and not self.scalar(a) and not self.same(a.rows, a.cols):
                raise self.fail(
                    node,
                    f"only a square matrix has powers, not {self.told(a)}: use .^",
                )
            self.set(node, a.rows, a.cols)
        elif op != "matrix":
            self.function(node)

    def product(self, node: Node) -> None:
        a, b = node.args
        if self.scalar(a):
            self.set(node, b.rows, b.cols)
        elif self.scalar(b):
            self.set(node, a.rows, a.cols)
        elif not self.last and (self.unsure(a) or self.unsure(b)):
            pass
        else:
            if not self.same(a.cols, b.rows):
                raise self.fail(
                    node,
                    f"{side(a, 'the left side')} is {self.told(a)}, "
                    f"{side(b, 'the right side')} {self.told(b)}: "
                    f"a product needs {shown(a.cols)} = {shown(b.rows)}",
                )
            self.set(node, a.rows, b.cols)

    def function(self, node: Node) -> None:
        op, a = node.op, node.args[0]
        if op in ("tr", "det", "logdet", "inv"):
            if not self.same(a.rows, a.cols):
                raise self.fail(
                    node, f"{op} takes a square matrix, not {self.told(a)}"
                )
        if op in ("softmax", "logsumexp") and not self.same(a.cols, 1):
            raise self.fail(
                node, f"{op} takes a column, not {self.told(a)}: use row{op}"
            )
        if op in m.TO_SCALAR:
            self.set(node, 1, 1)
        elif op == "diag":
            if not self.last and isinstance(find(a.cols), Unknown):
                return
            if find(a.cols) == 1:
                self.set(node, a.rows, a.rows)
            else:
                if not self.same(a.rows, a.cols):
                    raise self.fail(
                        node,
                        f"diag takes a column or a square matrix, not {self.told(a)}",
                    )
                self.set(node, a.rows, 1)
        elif op == "vec":
            rows, cols = find(a.rows), find(a.cols)
            if not isinstance(rows, Unknown) and not isinstance(cols, Unknown):
                self.set(node, m.times_dims(rows, cols), 1)
        elif op == "rowlogsumexp":
            self.set(node, a.rows, 1)
        elif op == "kron":
            b = node.args[1]
            found = [find(d) for d in (a.rows, b.rows, a.cols, b.cols)]
            if not any(isinstance(d, Unknown) for d in found):
                self.set(
                    node,
                    m.times_dims(found[0], found[1]),
                    m.times_dims(found[2], found[3]),
                )
        else:
            self.set(node, a.rows, a.cols)


def side(node: Node, else_: str) -> str:
    """A variable's name, or where it stands."""
    return str(node.args[0]) if node.op == "var" else else_


def shown(d: Any) -> str:
    d = find(d)
    return "?" if isinstance(d, Unknown) else str(d)


def told(rows: Any, cols: Any) -> str:
    """A type as far as it is known, with its article; ? for a size that is open."""
    return m.a_type((shown(rows) if find(rows) != 1 else 1, shown(cols) if find(cols) != 1 else 1))


def build(node: Node, reader: Any) -> Expr:
    """The typed tree of a typed node, by the constructors; reader has text and flags."""
    rows, cols = find(node.rows), find(node.cols)
    if isinstance(rows, Unknown) or isinstance(cols, Unknown):
        raise BadInput(
            "its size does not follow from the rest", text=reader.text, offset=node.at
        )
    op = node.op
    if op == "number":
        v = node.args[0]
        return Num(v.numerator if v.denominator == 1 else v)
    if op == "size":
        return m.size(node.args[0])
    if op == "var":
        return m.Var(node.args[0], rows, cols, reader.flags.get(node.args[0], ()))
    if op in ("vector", "matrix"):
        if rows == 1 and cols == 1:
            return Num(node.args[0])
        return m.Ones(rows, cols) if node.args[0] else m.Zero(rows, cols)
    if op == "eye":
        return Num(1) if rows == 1 else m.Eye(rows)
    args = [build(a, reader) for a in node.args]
    try:
        return combine(op, args)
    except BadInput as e:
        raise BadInput(e.message, text=reader.text, offset=node.at) from None


def as_written(node: Node, reader: Any) -> Expr:
    """The typed tree with nothing simplified, to be held against the one that is built."""
    rows, cols = find(node.rows), find(node.cols)
    if not any(isinstance(a, Node) for a in node.args):
        return build(node, reader)
    op, args = node.op, [as_written(a, reader) for a in node.args]
    a = args[0]
    if op in ("+", "-"):
        return Add(a, args[1] if op == "+" else Mul(Num(-1), args[1]))
    if op == "neg":
        return Num(-a.value) if isinstance(a, Num) else Mul(Num(-1), a)
    if op == "'":
        return a if (rows, cols) == (1, 1) else m.T(a)
    if op == "*":
        front, back = (args[1], a) if m.is_scalar(args[1]) else args
        return Mul(front, back) if m.is_scalar(front) else m.Dot(a, args[1])
    if op == "/" and isinstance(a, Num) and isinstance(args[1], Num) and args[1].value:
        return combine(op, args)
    if op == "/":
        return Mul(Pow(args[1], Num(-1)), a)
    if op in (".*", "./") and m.is_scalar(a):
        return Mul(a, args[1] if op == ".*" else Pow(args[1], Num(-1)))
    if op in (".*", "./"):
        return m.Had(a, args[1] if op == ".*" else m.HPow(args[1], Num(-1)))
    if op in ("^", ".^") and m.is_scalar(a):
        return Pow(a, args[1])
    if op == ".^":
        return m.HPow(a, args[1])
    if op == "^":
        k = args[1].value  # type: ignore[attr-defined]
        base = m.Fn("inv", a) if k < 0 else a
        return m.Dot(*[base] * abs(k)) if k else m.Eye(rows)
    if op == "kron":
        return m.Kron(*args)
    if m.is_scalar(a) and op not in m.ELEMENTWISE:  # tr, det, diag, … of a number
        return combine(op, args)
    return m.Fn(op, a)


def combine(op: str, args: list[Expr]) -> Expr:
    """One operator on typed trees."""
    a = args[0]
    if op == "+":
        return m.add(*args)
    if op == "-":
        return m.sub(*args)
    if op == "neg":
        return m.neg(a)
    if op == "'":
        return m.transpose(a)
    if op == "*":
        return m.dot(*args)
    if op == "/":
        return m.mul(m.power(args[1], Num(-1)), a)
    if op == ".*":
        return m.had(*args)
    if op == "./":
        return m.had(a, m.hpow(args[1], Num(-1)))
    if op == ".^" and not m.is_scalar(a):
        return m.hpow(a, args[1])
    if op in ("^", ".^"):
        k = args[1]
        if m.is_scalar(a):
            high = getattr(k, "value", 0)
            if abs(high) > HIGHEST and not m.names(a):
                raise BadInput(f"a number to a power beyond {HIGHEST:,} is too large")
            return m.power(a, k)
        if not isinstance(k, Num) or not isinstance(k.value, int) or abs(k.value) > 20:
            raise BadInput(
                "a matrix power has a whole exponent from -20 to 20; use .^ for entries"
            )
        return m.mpow(a, k.value)
    if op == "kron":
        found = m.kron(*args)
        if any(str(d).count("·") >= LAYERS for d in m.dims(found)):
            raise BadInput(f"more than {LAYERS} Kronecker products make it too large")
        return found
    return m.fn(op, a)
