"""Value types: what an answer's value can be, each with show, read and same.

`show(value, form)` prints it (form: "text", "latex", "mathml"); `to_json` gives plain
data. Reading a student's text and comparing are in solver.grading, by the same types.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from solver.expressions.nodes import Expr, Num, tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Shape(tuple):
    """Sizes in order; `order` says what the axes are, where that is known: "CHW", "HWC"."""

    order: str

    def __new__(cls, sizes: Iterable[Any], order: str = "") -> Shape:
        made = super().__new__(cls, sizes)
        made.order = order
        return made


class Record(dict):
    """Named values, in order: {"shape": …, "params": 456}."""


class Gradients(Record):
    """The gradients of a loss by each named variable, in its shape: {"x": ∂L/∂x, …}."""

    loss = "L"


class Program(tuple):
    """Lines of an algorithm: (depth, parts), the parts words and trees, joined by a space;
    (left, "←", right) is an assignment, ("#", words) a remark."""


class Options(tuple):
    """Records that all answer the question; `usual` is the index of the one people take."""

    usual: int | None

    def __new__(cls, records: Iterable[Any], usual: int | None = None) -> Options:
        made = super().__new__(cls, records)
        made.usual = usual
        return made


class Listing(tuple):
    """Several values of one type, in order: shapes, counts, a row of numbers."""


class Matrix(tuple):
    """Rows of numbers."""


class Table(tuple):
    """Rows under named columns; the last `totals` rows are sums."""

    columns: tuple[str, ...]
    totals: int

    def __new__(
        cls, rows: Iterable[Any], columns: Sequence[str] = (), totals: int = 0
    ) -> Table:
        made = super().__new__(cls, rows)
        made.columns = tuple(columns)
        made.totals = totals
        return made


# The names of a record's entries, as people read them.
NAMES = {
    "shapes_hwc": "shapes",
    "shape_hwc": "shape",
    "params": "parameters",
    "macs": "multiply-adds",
    "flops": "FLOPs",
    "rf": "receptive field",
}
BRACKETS = {
    "text": ("(", ")"),
    "latex": ("(", ")"),
    "mathml": ("<mo>(</mo>", "<mo>)</mo>"),
}


def has_dims(e: Any) -> bool:
    """Whether a tree is of columns and matrices; asked without loading what they need."""
    from solver.expressions.nodes import walk

    return any(n.TYPED for n in walk(e))


def show(value: Any, form: str = "text") -> str:
    """A value as plain text, LaTeX (mathematics mode) or MathML."""
    for type_, shower in SHOWERS:
        if isinstance(value, type_):
            return shower(value, form)
    shown = getattr(value, "shown", None)  # of a key that its author stated
    return str(shown(form)) if shown else words(str(value), form)


def typed(e: Expr, form: str) -> str:
    """A tree of columns and matrices; ∂f/∂X on the left of a step."""
    from solver.expressions import typeset
    from solver.expressions.typed import Partial, Var

    printer = {
        "text": typeset.unicode,
        "latex": typeset.latex,
        "mathml": typeset.mathml,
    }[form]
    if not isinstance(e, Partial):
        return printer(e)
    inside = printer(e.args[0])
    if not isinstance(e.args[0], Var) and len(inside) > 1:
        left, right = ("<mo>(</mo>", "<mo>)</mo>") if form == "mathml" else "()"
        inside = left + inside + right
    if form == "latex":
        return rf"\frac{{\partial f}}{{\partial {inside}}}"
    if form == "mathml":
        return (
            "<mfrac><mrow><mi>∂</mi><mi>f</mi></mrow>"
            f"<mrow><mi>∂</mi>{inside}</mrow></mfrac>"
        )
    return f"∂f/∂{inside}"


def expression(e: Expr, form: str) -> str:
    if has_dims(e):
        return typed(e, form)
    from solver.expressions import show as printers

    return getattr(printers, form)(e)


def integer(n: int, form: str) -> str:
    """Five digits and more in groups of three."""
    sign, digits = ("-" if n < 0 else ""), str(abs(n))
    if len(digits) > 4:
        comma = {"text": ",", "latex": "{,}", "mathml": ","}[form]
        digits = f"{abs(n):,}".replace(",", comma)
    if form == "mathml":
        return ('<mo form="prefix">−</mo>' if sign else "") + f"<mn>{digits}</mn>"
    return (sign.replace("-", "−") if form == "text" else sign) + digits


def number(x: Any, form: str) -> str:
    """A fraction as a decimal where that is exact and short, else as a fraction; a float
    to six digits."""
    if isinstance(x, float):
        return expression(Num(float(f"{x:.6g}")), form)
    if x.denominator == 1:
        return integer(x.numerator, form)
    denominator = x.denominator
    while denominator % 2 == 0:
        denominator //= 2
    while denominator % 5 == 0:
        denominator //= 5
    if denominator == 1 and len(repr(float(x))) <= 9:
        return expression(Num(float(x)), form)
    if x.denominator <= 64 and abs(x.numerator) <= 1000:
        return expression(Num(x), form)
    about = {"text": "≈ ", "latex": r"\approx ", "mathml": "<mo>≈</mo>"}[form]
    return about + expression(Num(float(f"{float(x):.6g}")), form)


def words(text: str, form: str) -> str:
    """Words inside a formula."""
    if form == "latex":
        from solver.escape import tex

        return rf"\text{{{tex(text)}}}"
    if form == "mathml":
        from solver.escape import html

        return f"<mtext>{html(text)}</mtext>"
    return text


def shape(value: Shape, form: str) -> str:
    times = {"text": " × ", "latex": r" \times ", "mathml": "<mo>×</mo>"}[form]
    if not value:
        return words("a single number", form)
    return times.join(_factor(x, form) for x in value)


def _factor(x: Any, form: str) -> str:
    """One size of a shape: no digit groups, sums in brackets."""
    if isinstance(x, (tuple, list)):
        return show(x, form).join(BRACKETS[form])
    from solver.expressions.nodes import Add, Neg

    shown = expression(tree(x), form)
    if not isinstance(x, (Add, Neg)):
        return shown
    if form == "latex" and r"\frac" in shown:
        return rf"\left({shown}\right)"
    return shown.join(BRACKETS[form])


def entry_name(value: Mapping[str, Any], name: str) -> str:
    """An entry's name as people read it; of gradients ∂L/∂x, with the letter's sign."""
    if isinstance(value, Gradients):
        from solver.expressions.nodes import Sym

        loss, letter = (expression(Sym(n, "real"), "text") for n in (value.loss, name))
        return f"∂{loss}/∂{letter}"
    return NAMES.get(name, name).replace("_", " ")


def record(value: Mapping[str, Any], form: str) -> str:
    if form == "text":
        listed = any(isinstance(v, (Listing, Options)) for v in value.values())
        return ("; " if listed else ", ").join(
            f"{entry_name(value, k)} {show(v, form)}" for k, v in value.items()
        )
    gap = {"latex": r",\quad ", "mathml": '<mo>,</mo><mspace width="1em"/>'}[form]
    equals = {"latex": r"\colon\ ", "mathml": "<mo>:</mo>"}[form]
    return gap.join(
        words(entry_name(value, k), form) + equals + show(v, form)
        for k, v in value.items()
    )


def listing(value: Sequence[Any], form: str) -> str:
    gap = {"text": ", ", "latex": r",\ ", "mathml": "<mo>,</mo>"}[form]
    if form == "text" and any(isinstance(v, (Matrix, Listing)) and v for v in value):
        shown = [show(v) for v in value]
        if any("\n" in s for s in shown):
            return "\n\n".join(shown)
    return gap.join(
        show(v, form).join(BRACKETS[form]) if isinstance(v, Listing) else show(v, form)
        for v in value
    )


def options(value: Options, form: str) -> str:
    gap = {"text": "; ", "latex": r";\quad ",
           "mathml": '<mo>;</mo><mspace width="1em"/>'}[form]  # fmt: skip
    equals = {"text": " = ", "latex": " = ", "mathml": "<mo>=</mo>"}[form]
    shown = []
    for i, one in enumerate(value):
        if isinstance(one, Mapping):
            from solver.expressions.nodes import Sym

            pairs = [
                expression(Sym(k), form) + equals + show(v, form)
                for k, v in one.items()
            ]
            comma = {"text": ", ", "latex": r",\ ", "mathml": "<mo>,</mo>"}[form]
            text = comma.join(pairs)
        else:
            text = show(one, form)
        if i == value.usual and len(value) > 1:
            text += words(" (the usual one)", form)
        shown.append(text)
    return gap.join(shown) if shown else words("none", form)


def matrix(value: Matrix, form: str) -> str:
    # No digit groups: a comma would stand between two entries.
    rows = [
        [expression(tree(x), form) if isinstance(x, int) else show(x, form) for x in row]
        for row in value
    ]
    if form != "mathml":
        from solver.matrices import otherwise

        letters = any(isinstance(x, Expr) for row in value for x in row)
        plain = rows if form == "text" else [[show(x) for x in row] for row in value]
        if wide := otherwise(rows, plain, letters, form):
            return wide
    if form == "text":
        widths = [max(map(len, column)) for column in zip(*rows)]
        return "\n".join(
            "[" + "  ".join(c.rjust(w) for c, w in zip(row, widths)) + "]"
            for row in rows
        )
    if form == "latex":
        body = r" \\ ".join(" & ".join(row) for row in rows)
        return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"
    cells = "".join(
        "<mtr>" + "".join(f"<mtd>{c}</mtd>" for c in row) + "</mtr>" for row in rows
    )
    return f"<mrow><mo>[</mo><mtable>{cells}</mtable><mo>]</mo></mrow>"


def program(value: Program, form: str) -> str:
    from solver.programs import listing

    return listing(value, form)


def truth(value: bool, form: str) -> str:
    return words("yes" if value else "no", form)


def table(value: Table, form: str) -> str:
    return words(f"a table of {len(value) - value.totals} rows", form)


def _number_types() -> tuple[type, ...]:
    import sys

    fractions = sys.modules.get("fractions")  # no Fraction exists before it is loaded
    return (float, fractions.Fraction) if fractions else (float,)


class _Numbers(type):
    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, _number_types())


class Numeric(metaclass=_Numbers):
    """Stands for float and Fraction without loading fractions."""


SHOWERS: list[tuple[type, Any]] = [
    (bool, truth),
    (int, integer),
    (Numeric, number),
    (Expr, expression),
    (Shape, shape),
    (Options, options),
    (Matrix, matrix),
    (Table, table),
    (Program, program),
    (Mapping, record),
    (tuple, listing),
    (list, listing),
]


def to_json(value: Any) -> Any:
    """Plain data: trees as their text, fractions as decimals where exact, else as text."""
    if isinstance(value, (bool, int, float, str)) or value is None:
        return value
    if isinstance(value, Expr):
        return str(value)
    if isinstance(value, Numeric):
        decimal = float(value)  # type: ignore[arg-type]
        return decimal if decimal == value else str(value)
    if isinstance(value, Table):
        return {
            "columns": list(value.columns),
            "rows": [to_json(list(r)) for r in value[: len(value) - value.totals]],
            "totals": [to_json(list(r)) for r in value[len(value) - value.totals :]],
        }
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    return show(value) if hasattr(value, "shown") else [to_json(v) for v in value]


def same(a: Any, b: Any) -> bool | None:
    """Whether two values are equal: True, False, or None for "cannot say".

    Numbers exactly, trees for all values of their letters, everything else entry by entry.
    """
    if isinstance(a, Expr) or isinstance(b, Expr):
        from solver.expressions.formula import same_size

        numbers = (Expr, int, Numeric)
        if not (isinstance(a, numbers) and isinstance(b, numbers)):
            return False
        if has_dims(tree(a)) or has_dims(tree(b)):
            from solver.numeric.prove import equal

            return equal(tree(a), tree(b))
        return same_size(a, b)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and _all(same(a[k], b[k]) for k in a)
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and _all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    if hasattr(a, "agrees"):  # a key, which its form compares
        return a.agrees(b)
    if isinstance(a, float) or isinstance(b, float):
        try:
            return abs(a - b) <= 1e-9 * max(abs(a), abs(b))
        except TypeError:
            return False
    return bool(a == b)


def _all(found: Iterable[bool | None]) -> bool | None:
    undecided = False
    for one in found:
        if one is False:
            return False
        undecided = undecided or one is None
    return None if undecided else True
