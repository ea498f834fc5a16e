"""Small columns and matrices as values, over any numbers: floats, complex, fifty digits.

A 1×1 result is a number. What does not fit raises ShapeError, which names both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ShapeError(ArithmeticError):
    """Two sizes that do not fit."""


class Array:
    """Rows of numbers; immutable."""

    __slots__ = ("rows",)

    def __init__(self, rows: Sequence[Sequence[Any]]):
        self.rows = tuple(tuple(r) for r in rows)

    @property
    def dims(self) -> tuple[int, int]:
        return len(self.rows), len(self.rows[0])

    def map(self, f: Callable[[Any], Any]) -> Array:
        return Array([[f(x) for x in r] for r in self.rows])

    def flat(self) -> list[Any]:
        return [x for r in self.rows for x in r]

    def told(self) -> str:
        return "{}×{}".format(*self.dims)


class Identity(Array):
    """c·I, as large as what stands next to it."""

    __slots__ = ()

    def __init__(self, factor: Any):
        super().__init__([[factor]])

    def map(self, f: Callable[[Any], Any]) -> Array:
        return Identity(f(self.rows[0][0]))

    def told(self) -> str:
        return "the identity"


def lower(a: Array) -> Any:
    """The number of a 1×1 array, else the array."""
    return a.rows[0][0] if a.dims == (1, 1) and not isinstance(a, Identity) else a


def turned(a: Any) -> Any:
    if isinstance(a, Identity):
        return a
    return Array(list(zip(*a.rows))) if isinstance(a, Array) else a


def entrywise(f: Callable[[Any, Any], Any], a: Any, b: Any, word: str) -> Any:
    """f of two arrays of one size, or of an array and a number."""
    if isinstance(a, Array) and isinstance(b, Array):
        if a.dims != b.dims:
            raise ShapeError(f"{a.told()} and {b.told()} cannot be {word}")
        return Array([[f(x, y) for x, y in zip(r, s)] for r, s in zip(a.rows, b.rows)])
    if isinstance(a, Array):
        return a.map(lambda x: f(x, b))
    if isinstance(b, Array):
        return b.map(lambda x: f(a, x))
    return f(a, b)


def add(a: Any, b: Any) -> Any:
    if not isinstance(a, Array) and not isinstance(b, Array):
        return a + b
    if isinstance(a, Identity) or isinstance(b, Identity):
        a, b = sized(a, b), sized(b, a)
    # A number is added to each entry: textbooks write 1 − σ(z) of a column.
    return entrywise(lambda x, y: x + y, a, b, "added")


def sized(a: Any, b: Any) -> Any:
    """An identity in the size of what it is added to."""
    if not isinstance(a, Identity) or isinstance(b, Identity):
        return a
    if not isinstance(b, Array) or b.dims[0] != b.dims[1]:
        raise ShapeError("the identity is added to square matrices only")
    c = a.rows[0][0]
    return eye(b.dims[0], c)


def multiply(a: Any, b: Any) -> Any:
    """The product of matrices; a number multiplies each entry."""
    if isinstance(b, Identity) and not isinstance(a, Identity):
        a, b = b, a  # it commutes with everything
    if isinstance(a, Identity):
        c = a.rows[0][0]
        return b.map(lambda v: c * v) if isinstance(b, Array) else Identity(c * b)
    if not isinstance(a, Array) or not isinstance(b, Array):
        return entrywise(lambda x, y: x * y, a, b, "multiplied")
    inner, other = a.dims[1], b.dims[0]
    if inner != other:
        raise ShapeError(
            f"{a.told()} times {b.told()}: a product needs {inner} = {other}"
        )
    columns = list(zip(*b.rows))
    return lower(
        Array([[sum(x * y for x, y in zip(r, c)) for c in columns] for r in a.rows])
    )


def dot(a: Any, b: Any) -> Any:
    """NumPy's dot: of two columns their inner product, else the product of matrices."""
    columns = isinstance(a, Array) and isinstance(b, Array) and a.dims[1] == b.dims[1] == 1
    return multiply(turned(a), b) if columns else multiply(a, b)


def divide(a: Any, b: Any, one: Any) -> Any:
    if isinstance(b, Array):
        raise ShapeError(f"only a number divides, not {b.told()}")
    return entrywise(lambda x, y: x * one / y, a, b, "divided")


def outer(a: Any, b: Any) -> Any:
    """a ⊗ b of two columns: a·bᵀ."""
    if not (isinstance(a, Array) and isinstance(b, Array)):
        return multiply(a, b)
    if a.dims[1] != 1 or b.dims[1] != 1:
        raise ShapeError(f"⊗ is read between columns, not {a.told()} and {b.told()}")
    return multiply(a, turned(b))


def eye(n: int, one: Any) -> Array:
    return Array([[one if i == j else 0 * one for j in range(n)] for i in range(n)])


def power(a: Array, n: Any, one: Any) -> Any:
    """A whole power of a square matrix, its inverse included."""
    rows, cols = a.dims
    if rows != cols:
        raise ShapeError(f"only a square matrix has powers, not {a.told()}")
    if isinstance(a, Identity):
        return a.map(lambda c: c * one if n == 1 else one * c**n)
    k = int(n.real if isinstance(n, complex) else n)
    if k != n or abs(k) > 20:
        raise ShapeError("a matrix has whole powers from -20 to 20")
    base = inverse(a, one) if k < 0 else a
    out: Any = eye(rows, one)
    for _ in range(abs(k)):
        out = multiply(out, base)
    return out


def eliminated(a: Array, one: Any) -> tuple[list[list[Any]], Any]:
    """[A | I] brought to [I | A⁻¹], and the determinant. Raises ZeroDivisionError."""
    n = len(a.rows)
    left = [[x * one for x in r] + list(e) for r, e in zip(a.rows, eye(n, one).rows)]
    det = one
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(left[r][i]))
        if abs(left[pivot][i]) < 1e-12:
            return left, 0 * one
        if pivot != i:
            left[i], left[pivot] = left[pivot], left[i]
            det = -det
        det = det * left[i][i]
        left[i] = [x / left[i][i] for x in left[i]]
        for r in range(n):
            if r != i and left[r][i] != 0:
                f = left[r][i]
                left[r] = [x - f * y for x, y in zip(left[r], left[i])]
    return left, det


def inverse(a: Array, one: Any) -> Array:
    n, m = a.dims
    if n != m:
        raise ShapeError(f"only a square matrix has an inverse, not {a.told()}")
    left, det = eliminated(a, one)
    if det == 0:
        raise ZeroDivisionError("a singular matrix has no inverse")
    return Array([r[n:] for r in left])


def determinant(a: Any, one: Any) -> Any:
    if not isinstance(a, Array):
        return abs(a)
    n, m = a.dims
    if n != m:
        raise ShapeError(f"only a square matrix has a determinant, not {a.told()}")
    if n > 12:
        raise OverflowError("this determinant is too large")
    return eliminated(a, one)[1]


def trace(a: Any) -> Any:
    """The sum down the diagonal; students write it of rectangular matrices too."""
    if not isinstance(a, Array):
        return a
    return sum(a.rows[i][i] for i in range(min(a.dims)))


def diagonal(a: Any) -> Any:
    """The matrix with a column on its diagonal; the diagonal of a matrix as a column."""
    if not isinstance(a, Array):
        return a
    n, m = a.dims
    if m == 1:
        return Array([[a.rows[i][0] if i == j else 0 * a.rows[i][0] for j in range(n)]
                      for i in range(n)])  # fmt: skip
    return Array([[a.rows[i][i]] for i in range(min(n, m))])
