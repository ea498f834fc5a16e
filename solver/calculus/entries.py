"""Typed trees written out: every column and matrix as its entries, at small sizes.

`Written(size)` turns a typed tree into rows of scalar trees of expressions.nodes, in which
A is a₁₁, a₁₂, …: inverses and determinants by cofactors, norms and softmax by their sums.
Bounded by the nodes of one entry, so that the same question always ends the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any

from solver.expressions import matrix as m
from solver.expressions.nodes import Add, Call, Expr, Mul, Num, Pow, Sym

Rows = tuple[tuple[Expr, ...], ...]
ZERO, ONE, MINUS = Num(0), Num(1), Num(-1)
LARGEST = 3  # the largest inverse or determinant that is written out
POSITIVE = {"posdef", "det-positive"}  # whose determinant needs no bars
MOST = 20_000  # different nodes of all entries together


class TooLarge(Exception):
    """The expression is too long to be written out: there is no second proof."""


class Written:
    """Rows of scalar trees of typed trees, at one choice of sizes.

    size: a number for each dimension's name; heaviest: most nodes of one entry;
    used: all names in use, so that X's entries are x₁₁ only where no x is there; apart: a
    symmetric variable whose equal entries are letters of their own all the same.
    """

    def __init__(
        self,
        size: Mapping[str, int],
        heaviest: int,
        used: Iterable[str] = (),
        apart: str = "",
    ):
        self.size, self.heaviest, self.used = size, heaviest, frozenset(used)
        self.apart = apart
        self.known: dict[Expr, Rows] = {}
        self.weights: dict[Expr, int] = {}

    def dim(self, d: Any) -> int:
        """A dimension's number; a product's is the product."""
        return d if isinstance(d, int) else prod(self.size[p] for p in str(d).split("·"))

    def dims(self, e: Expr) -> tuple[int, int]:
        rows, cols = m.dims(e)
        return self.dim(rows), self.dim(cols)

    # -- scalar trees, weighed ------------------------------------------------------------

    def weigh(self, e: Expr) -> Expr:
        """The tree itself, if it is not too long."""
        if e not in self.weights:
            below = (self.weights.get(a, 1) for a in e.args if isinstance(a, Expr))
            self.weights[e] = 1 + sum(below)
        if self.weights[e] > self.heaviest or len(self.weights) > MOST:
            raise TooLarge
        return e

    def weight(self, e: Expr) -> int:
        return self.weights.get(e, 1)

    def plus(self, *terms: Expr) -> Expr:
        kept: list[Expr] = []
        for t in terms:
            kept += t.args if isinstance(t, Add) else () if t == ZERO else (t,)
        if not kept:
            return ZERO
        return kept[0] if len(kept) == 1 else self.weigh(Add(*kept))

    def times(self, *factors: Expr) -> Expr:
        """A product: numbers in front, equal letters as a power."""
        number: Any = 1
        many: dict[Expr, int] = {}
        stack = list(reversed(factors))
        while stack:
            f = stack.pop()
            if isinstance(f, Num):
                number = number * exact(f.value)
            elif isinstance(f, Mul):
                stack += reversed(f.args)
            else:
                many[f] = many.get(f, 0) + 1
        if number == 0:
            return ZERO
        kept = [f if n == 1 else self.raised(f, Num(n)) for f, n in many.items()]
        if number != 1 or not kept:
            kept.insert(0, Num(plain(number)))
        return kept[0] if len(kept) == 1 else self.weigh(Mul(*kept))

    def raised(self, base: Expr, exponent: Expr) -> Expr:
        """A power; the even powers of a root are the powers of what is under it."""
        k = exact(exponent.value) if isinstance(exponent, Num) else None
        if k == 1:
            return base
        if k == 0:
            return ONE
        if k is not None and isinstance(base, Call) and base.name == "sqrt" and k % 2 == 0:
            return self.raised(base.args[1], Num(plain(Fraction(k) / 2)))
        if isinstance(base, Num) and k is not None and k == int(k) and abs(k) < 64:
            if base.value or k > 0:
                return Num(plain(Fraction(exact(base.value)) ** int(k)))
        if k is not None:
            exponent = Num(plain(Fraction(k)))
        return self.weigh(Pow(base, exponent))

    def over(self, above: Expr, below: Expr) -> Expr:
        return self.times(above, self.raised(below, MINUS))

    def call(self, name: str, x: Expr) -> Expr:
        """An elementwise function of one entry, those of SymPy's that it is made of."""
        if name == "softplus":
            return self.call("log", self.plus(ONE, self.call("exp", x)))
        if name == "relu":
            return self.weigh(Call("max", ZERO, x))
        if x == ZERO and name in ("exp", "cos", "cosh"):
            return ONE
        return self.weigh(Call(name, x))

    # -- rows -----------------------------------------------------------------------------

    def rows(self, e: Expr) -> Rows:
        """The entries of a typed tree; a scalar is one row of one."""
        if e not in self.known:
            self.known[e] = self.write(e)
        return self.known[e]

    def scalar(self, e: Expr) -> Expr:
        return self.rows(e)[0][0]

    def column(self, e: Expr) -> list[Expr]:
        """All entries, column after column."""
        return [x for column in zip(*self.rows(e)) for x in column]

    def each(self, e: Expr, function: Any) -> Rows:
        return tuple(tuple(map(function, row)) for row in self.rows(e))

    def letter(self, v: m.Var, i: int, j: int) -> Expr:
        """One entry of a variable: a_12 of A, x_2 of x, c itself."""
        if "dimension" in v.flags:
            return Num(self.size[v.name])
        kind = "positive" if v.flags & {"positive", "prob", "rowprob", "colprob"} else "real"
        if m.is_scalar(v):
            return Sym(v.name, kind)
        rows, cols = self.dims(v)
        if max(rows, cols) > 9:
            raise TooLarge
        small = v.name[0].lower() + v.name[1:]
        name = v.name if small in self.used else small
        if v.flags & {"symmetric", "posdef"} and i > j and v.name != self.apart:
            i, j = j, i
        whole = f"{name}_{i + 1}" + (f"{j + 1}" if v.args[2] != 1 else "")
        while whole in self.used:  # z_1 is a letter of its own, beside z
            whole += "_"
        return Sym(whole, kind)

    def write(self, e: Expr) -> Rows:
        if isinstance(e, Num):
            return ((Num(plain(exact(e.value))),),)
        if isinstance(e, (m.Var, m.Ones, m.Zero, m.Eye, m.Comm)):
            return self.leaf(e)
        if isinstance(e, m.Fn):
            return self.function(e)
        if isinstance(e, m.T):
            return tuple(zip(*self.rows(e.args[0])))
        if isinstance(e, Pow):
            return ((self.raised(self.scalar(e.args[0]), self.scalar(e.args[1])),),)
        if isinstance(e, m.HPow):
            k = self.scalar(e.args[1])
            return self.each(e.args[0], lambda x: self.raised(x, k))
        if isinstance(e, Mul):
            *scalars, last = e.args
            front = [self.scalar(s) for s in scalars]
            return self.each(last, lambda x: self.times(*front, x))
        parts = [self.rows(a) for a in e.args]
        if isinstance(e, m.Dot):
            found = parts[0]
            for part in parts[1:]:
                found = self.dot(found, part)
            return found
        if isinstance(e, (Add, m.Had)):
            join = self.plus if isinstance(e, Add) else self.times
            return tuple(tuple(join(*xs) for xs in zip(*rows)) for rows in zip(*parts))
        if isinstance(e, m.Kron):
            a, b = parts
            return tuple(
                tuple(self.times(x, y) for x in above for y in below)
                for above in a for below in b
            )  # fmt: skip
        raise TooLarge

    def leaf(self, e: Expr) -> Rows:
        rows, cols = self.dims(e)
        if rows * cols > self.heaviest:
            raise TooLarge

        def entry(i: int, j: int) -> Expr:
            if isinstance(e, m.Var):
                return self.letter(e, i, j)
            if isinstance(e, m.Comm):  # vec X to vec Xᵀ: row (i, j) takes (j, i)
                a, b = map(self.dim, e.args)
                return Num(int(i % b * a + i // b == j))
            if isinstance(e, m.Eye):
                return Num(int(i == j))
            return Num(int(isinstance(e, m.Ones)))

        return tuple(tuple(entry(i, j) for j in range(cols)) for i in range(rows))

    def dot(self, a: Rows, b: Rows) -> Rows:
        columns = list(zip(*b))
        return tuple(
            tuple(self.plus(*(self.times(x, y) for x, y in zip(row, c))) for c in columns)
            for row in a
        )

    # -- functions ------------------------------------------------------------------------

    def function(self, e: m.Fn) -> Rows:
        name, arg = e.name, e.arg
        if name in m.ELEMENTWISE:
            return self.each(arg, lambda x: self.call(name, x))
        rows, cells = self.rows(arg), self.column(arg)
        if name in m.TO_SCALAR:
            if name == "logdet" and isinstance(arg, m.Var) and arg.flags & POSITIVE:
                return ((self.call("log", self.determinant(rows)),),)
            return ((self.to_scalar(name, rows, cells),),)
        if name == "vec":
            return tuple((x,) for x in cells)
        if name == "diag":
            if m.dims(arg)[1] != 1:
                return tuple((row[i],) for i, row in enumerate(rows))
            return tuple(
                tuple(row[0] if i == j else ZERO for j in range(len(rows)))
                for i, row in enumerate(rows)
            )
        if name == "inv":
            return self.inverse(rows)
        if name == "softmax":
            return tuple(zip(*(self.shares(tuple(zip(*rows))[0]),)))
        if name == "rowsoftmax":
            return tuple(map(self.shares, rows))
        if name == "rowlogsumexp":
            return tuple((self.log_sum(row),) for row in rows)
        raise TooLarge

    def to_scalar(self, name: str, rows: Rows, cells: Sequence[Expr]) -> Expr:
        if name == "sum":
            return self.plus(*cells)
        if name == "tr":
            return self.plus(*(row[i] for i, row in enumerate(rows)))
        if name == "norm1":
            return self.plus(*(self.call("abs", x) for x in cells))
        if name == "norm2":
            squares = self.plus(*(self.raised(x, Num(2)) for x in cells))
            return self.call("sqrt", squares)
        if name == "logsumexp":
            return self.log_sum(cells)
        found = self.determinant(rows)
        return found if name == "det" else self.call("log", self.call("abs", found))

    def log_sum(self, row: Sequence[Expr]) -> Expr:
        return self.call("log", self.plus(*(self.call("exp", x) for x in row)))

    def shares(self, row: Sequence[Expr]) -> tuple[Expr, ...]:
        """softmax of a row."""
        powers = [self.call("exp", x) for x in row]
        total = self.plus(*powers)
        return tuple(self.over(p, total) for p in powers)

    def determinant(self, rows: Rows) -> Expr:
        """By the first row's cofactors."""
        if len(rows) > LARGEST:
            raise TooLarge
        if len(rows) == 1:
            return rows[0][0]
        return self.plus(*(
            self.times(Num((-1) ** j), x, self.determinant(without(rows, 0, j)))
            for j, x in enumerate(rows[0])
        ))  # fmt: skip

    def inverse(self, rows: Rows) -> Rows:
        """The adjugate over the determinant."""
        det, n = self.determinant(rows), len(rows)
        return tuple(
            tuple(
                self.over(
                    self.times(Num((-1) ** (i + j)), self.determinant(without(rows, j, i))),
                    det,
                )
                for j in range(n)
            )
            for i in range(n)
        )


def without(rows: Rows, i: int, j: int) -> Rows:
    """A matrix without row i and column j."""
    return tuple(r[:j] + r[j + 1 :] for k, r in enumerate(rows) if k != i)


def exact(x: Any) -> Any:
    """A float as the decimal that it prints as: 0.5 is 1/2."""
    return Fraction(repr(x)) if isinstance(x, float) else x


def plain(x: Any) -> Any:
    return x.numerator if isinstance(x, Fraction) and x.denominator == 1 else x
