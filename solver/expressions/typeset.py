"""Printers of matrix trees: LaTeX as a textbook sets it, Unicode, MathML, NumPy.

One walk, `_layout`, orders and brackets, and hands each node to a form of
`typeset_forms`. What `latex` and `unicode` print, `latex_reader.read_any` reads back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from solver.expressions import matrix as m
from solver.expressions.nodes import Add, Expr, Mul, Num, Pow, walk
from solver.expressions.typed import Adjoint
from solver.expressions.typeset_forms import POWERED, Latex, MathML, Unicode
from solver.expressions.typeset_numpy import HELPERS, Numpy, python_name

SUM, ENTRIES, PRODUCT, FRACTION, POWER, ATOM = range(1, 7)  # how tightly it binds
FENCED = ("norm1", "norm2", "abs")


def unicode(e: Expr, names: Iterable[str] = ()) -> str:
    """One line for a terminal: Aᵀ(Ax − b). Ones are 𝟏, in a sum of entries just 1.

    names: other letters in use; where σ, e or I is one, the function is written out.
    """
    return _layout(e, Unicode(e, names))[0]


def latex(e: Expr, names: Iterable[str] = ()) -> str:
    """LaTeX, to be set in mathematics mode; bold columns and matrices."""
    return _layout(e, Latex(e, names))[0]


def mathml(e: Expr, names: Iterable[str] = ()) -> str:
    """MathML, to be put inside a <math> element."""
    return f"<mrow>{_layout(e, MathML(e, names))[0]}</mrow>"


def numpy_code(e: Expr) -> str:
    """A NumPy expression: columns are (n, 1) arrays, scalars floats, sizes ints."""
    return _layout(e, Numpy(e))[0]


def numpy_source(
    e: Expr, names: Sequence[str], function: str = "gradient", doc: str = ""
) -> str:
    """A module with one function of the arrays `names` (columns are (n, 1) arrays).

    Sizes are read off the arrays; one that no array has becomes a last argument.
    """
    form = Numpy(e, helpers=True)
    body = _layout(e, form)[0]
    found = {v.name: v for v in _leaves(e, m.Var) if "dimension" not in v.flags}
    known: dict[str, str] = {}
    for name in names:
        for axis, d in enumerate(m.dims(found[name]) if name in found else ()):
            if isinstance(d, str):
                known.setdefault(d, f"{python_name(name)}.shape[{axis}]")
    used = dict.fromkeys(p for d in _sizes(e) for p in str(d).split("·") if d != 1)
    missing = [d for d in used if d not in known]
    arguments = [*map(python_name, names), *map(form.size, missing)]
    lines = [f"    {form.size(d)} = {known[d]}" for d in used if d in known]
    helpers = "".join(f"{HELPERS[h]}\n\n\n" for h in sorted(form.helpers or ()))
    head = f"def {function}({', '.join(arguments)}):"
    head += f'\n    """{doc}"""' if doc else ""
    return "\n".join(
        ["import numpy as np\n\n", f"{helpers}{head}", *lines, f"    return {body}\n"]
    )


def _leaves(e: Expr, kind: Any) -> list[Any]:
    """The nodes of a kind in a tree, each once."""
    found: dict[Expr, None] = {}
    seen: set[Expr] = set()
    stack = [e]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, kind):
            found[node] = None
        stack.extend(a for a in reversed(node.args) if isinstance(a, Expr))
    return list(found)


def _sizes(e: Expr) -> list[m.Dim]:
    """The dims that a NumPy expression needs by name."""
    shaped = _leaves(e, (m.Ones, m.Zero, m.Eye, m.Comm))
    letters = [v.name for v in _leaves(e, m.Var) if "dimension" in v.flags]
    return [*(d for c in shaped for d in c.args), *letters]


def _layout(e: Expr, form: Unicode) -> tuple[str, int]:
    """The node in this form, and how tightly it binds (to know when to bracket it)."""

    def show(child: Expr, tight: int) -> str:
        s, binds = _layout(child, form)
        return s if binds >= tight else form.group(s)

    if isinstance(e, Num):
        return _number(_exact(e.value), form)
    if isinstance(e, Adjoint):
        return _adjoint(e, form), FRACTION if form.stacked else PRODUCT
    if isinstance(e, m.Var):
        return form.letter(e.name, m.dims(e)), ATOM
    if isinstance(e, m.Ones):
        one = e.args[1] == 1 or isinstance(form, Numpy)
        return form.ones(*e.args), ATOM if one else POWER if 1 in e.args else PRODUCT
    if isinstance(e, (m.Zero, m.Eye, m.Comm)):
        return form.constant(e), ATOM
    if isinstance(e, m.T):
        inner = e.args[0]
        if isinstance(inner, m.Fn) and inner.name == "inv" and not _numpy(form):
            return form.raised(show(inner.arg, ATOM), form.inverse_turned), POWER
        return form.raised(show(inner, ATOM), form.turned), ATOM if _numpy(
            form
        ) else POWER
    if isinstance(e, Add):
        if m.dims(e)[0] == 1 and not m.is_scalar(e):
            column = m.transpose(e)
            if _turns(column) < _turns(e):  # (Ax − b)ᵀ, not xᵀAᵀ − bᵀ; but xW + b
                turned = form.group(show(column, SUM))
                return form.raised(turned, form.turned), ATOM if _numpy(form) else POWER
        return _sum(e, form, show), SUM
    if isinstance(e, m.Dot):
        s = _dot(e, form, show)
        alone = m.is_scalar(e) and _numpy(form)
        return (form.scalar(s), ATOM) if alone else (s, PRODUCT)
    if isinstance(e, m.Had):
        return _entries(e, form, show), ENTRIES
    if isinstance(e, m.Kron):
        if _numpy(form):
            return f"np.kron({show(e.args[0], SUM)}, {show(e.args[1], SUM)})", ATOM
        return form.kron.join(show(a, FRACTION) for a in e.args), ENTRIES
    if isinstance(e, m.Fn):
        return _function(e, form, show)
    if isinstance(e, Pow) and _negative(e.args[1]) or isinstance(e, Mul):
        return _product(e, form, show)
    if isinstance(e, m.HPow) and e.args[1] == Num(-1):
        return form.one + form.below + show(e.args[0], FRACTION), ENTRIES
    if isinstance(e, (Pow, m.HPow)):
        return _power(e, form, show)
    raise TypeError(f"cannot print {type(e).__name__}")


def _turns(e: Expr) -> int:
    """How many transposes are in a tree."""
    return sum(isinstance(n, m.T) for n in walk(e))


def _adjoint(e: Adjoint, form: Unicode) -> str:
    """∂L/∂z; in NumPy its name."""
    if _numpy(form):
        return form.letter(e.name, m.dims(e))
    of, by = e.parts
    signs: dict[Any, str] = {MathML: "<mo>∂</mo>", Latex: r"\partial "}
    sign = signs.get(type(form), "∂")
    return form.fraction(sign + form.letter(of, (1, 1)), sign + form.letter(by, m.dims(e)))


def _numpy(form: Unicode) -> bool:
    return isinstance(form, Numpy)


def _exact(x: Any) -> Any:
    """A float as the decimal that it prints as: 0.5 is 1/2."""
    return Fraction(repr(x)) if isinstance(x, float) else x


def _number(x: Any, form: Unicode) -> tuple[str, int]:
    if x < 0:
        return form.minus + _number(-x, form)[0], SUM
    if _fraction(x):
        s = form.fraction(form.number(x.numerator), form.number(x.denominator))
        return s, FRACTION if form.stacked else PRODUCT
    return form.number(x), ATOM


def _fraction(x: Any) -> bool:
    """Whether a number is set as a fraction: 1/2 and 1/3, but 0.1 and 0.25·10⁻¹ not."""
    return x.denominator != 1 and (x.denominator < 10 or "/" in Unicode.number(None, x))  # type: ignore[arg-type]


def _negative(e: Expr) -> bool:
    e = e.args[0] if isinstance(e, Mul) else e
    return isinstance(e, Num) and e.value < 0


def _sum(e: Add, form: Unicode, show: Any) -> str:
    """Terms with their signs; ones beside entries are just 1."""
    entries = 1 in m.dims(e) or any(
        isinstance(m.parts(t)[1], (m.Had, m.HPow))
        or isinstance(m.parts(t)[1], m.Fn)
        and m.parts(t)[1].name in m.ELEMENTWISE  # type: ignore[attr-defined]
        for t in e.args
    )
    pieces: list[str] = []
    for term in e.args:
        minus = _negative(term)
        term = m.neg(term) if minus else term
        if minus or pieces:
            pieces.append(
                (form.apart if minus else form.plus) if pieces else form.minus
            )
        plain = isinstance(term, m.Ones) and entries and not _numpy(form)
        if plain:
            pieces.append(form.one)
        else:
            pieces.append(show(term, ENTRIES))
    return "".join(pieces)


def _dot(e: m.Dot, form: Unicode, show: Any) -> str:
    """Factors in order, equal square neighbours as a power."""
    pieces: list[str] = []
    i = 0
    while i < len(e.args):
        f, j = e.args[i], i + 1
        while j < len(e.args) and e.args[j] == f:
            j += 1
        if isinstance(form, Numpy):
            pieces += [show(f, POWER)] * (j - i)
        elif j - i > 1:
            k = Num(j - i)
            pieces.append(form.power(show(f, ATOM), k, form.number(k.value), False))
        else:
            pieces.append(show(f, FRACTION))
        i = j
    return form.matrices(pieces) if isinstance(form, Numpy) else form.product(pieces)


def _entries(e: m.Had, form: Unicode, show: Any) -> str:
    """Factors with ⊙; those to the power −1 after ⊘."""
    below = [f for f in e.args if isinstance(f, m.HPow) and f.args[1] == Num(-1)]
    above = [f for f in e.args if f not in below]
    s = form.entries.join(show(f, FRACTION) for f in above) or form.one
    return s + "".join(form.below + show(f.args[0], FRACTION) for f in below)


def _function(e: m.Fn, form: Unicode, show: Any) -> tuple[str, int]:
    name, arg = e.name, e.arg
    if name == "rowsoftmax" and m.dims(arg)[0] == 1 and not _numpy(form):
        name = "softmax"  # of the only row
    if name == "inv" and not _numpy(form):
        return form.raised(show(arg, ATOM), form.inverse), POWER
    if name in FENCED:
        return form.fence(name, show(arg, SUM), 1 not in m.dims(arg)), ATOM
    if name == "exp" and m.is_scalar(e) and form.stacked and "e" not in form.names:
        base = "<mi>e</mi>" if isinstance(form, MathML) else "e"
        return form.raised(base, show(arg, SUM)), POWER
    if name == "arccos" and arg == Num(-1) and "pi" not in form.names:
        return ("np.pi" if _numpy(form) else form.letter("pi", (1, 1))), ATOM
    logarithm = name == "logdet" and not _numpy(form)
    return form.call(name, show(arg, SUM), arg), POWER if logarithm else ATOM


def _power(e: Expr, form: Unicode, show: Any) -> tuple[str, int]:
    base: Any = e.args[0]
    exponent: Any = e.args[1]
    k = exponent.value if isinstance(exponent, Num) else None
    if isinstance(base, m.Fn) and base.name in POWERED and isinstance(k, int) and k > 1:
        s = form.powered(base.name, k, show(base.arg, SUM))
        return s, POWER
    x = _exact(k)
    if x is not None and _fraction(x) and not _numpy(form):  # in line: x^{1/2}
        sign = form.minus if x < 0 else ""
        slash = "<mo>/</mo>" if isinstance(form, MathML) else "/"
        shown = sign + slash.join(
            form.number(n) for n in (abs(x).numerator, x.denominator)
        )
    else:
        shown = show(exponent, SUM)
    s = form.power(show(base, ATOM), exponent, shown, isinstance(e, m.HPow))
    return s, POWER


def _side_by_side(pieces: list[str], form: Unicode) -> str:
    """Factors in a row; a scalar before 1 ⊘ x stands in the 1's place."""
    one = form.one + form.below
    if len(pieces) > 1 and pieces[-1].startswith(one):
        return form.product(pieces[:-1]) + pieces[-1][len(form.one) :]
    return form.product(pieces)


def _product(e: Expr, form: Unicode, show: Any) -> tuple[str, int]:
    """Number, scalars, matrix; negative powers and whole denominators below a line."""
    factors = list(e.args) if isinstance(e, Mul) else [e]
    number: Any = 1
    first = factors[0]
    if isinstance(first, Num):
        number, factors = _exact(first.value), factors[1:]
    sign, number = (form.minus if number < 0 else ""), abs(number)
    body = factors.pop() if not m.is_scalar(e) else None
    above: list[Expr] = []
    below: list[Expr] = []
    for f in factors:
        if isinstance(f, Pow) and _negative(f.args[1]):
            below.append(m.power(f.args[0], m.neg(f.args[1])))
        else:
            above.append(f)
    top, bottom = (
        (number.numerator, number.denominator) if _fraction(number) else (number, 1)
    )
    # in front of a fraction: ½ xᵀAx, unless there is a fraction anyway: xᵀAx/(2n)
    apart = form.stacked and bottom != 1 and not below and (above or body is not None)
    over: list[Expr] = [Num(top)] if top != 1 and not apart else []
    under: list[Expr] = [Num(bottom)] if bottom != 1 and not apart else []
    front = [form.fraction(form.number(top), form.number(bottom))] if apart else []
    over, under = [*over, *above], [*under, *below]

    def product(parts: Sequence[Expr], alone: int, last: int = FRACTION) -> str:
        if len(parts) == 1:
            return str(show(parts[0], alone))
        shown = [show(p, FRACTION) for p in parts[:-1]] + [show(parts[-1], last)]
        return _side_by_side(shown, form)

    if form.stacked:
        if under and not over and isinstance(body, (m.Var, m.Fn)):
            over, body = [body], None
        if under:
            front.append(
                form.fraction(
                    product(over, SUM) if over else form.number(1), product(under, SUM)
                )
            )
        elif over:
            front.append(
                product(over, FRACTION if body is not None or front else PRODUCT)
            )
        if body is not None:
            front.append(show(body, ENTRIES if front else PRODUCT))
        s = _side_by_side(front, form)
        loose = isinstance(body, (m.Had, m.Kron))
        single = len(front) == 1 and under and not sign
        return (
            sign + s,
            SUM if sign else FRACTION if single else ENTRIES if loose else PRODUCT,
        )
    over += [body] if body is not None else []
    s = (
        product(over, PRODUCT, ENTRIES if body is not None else FRACTION)
        if over
        else form.number(1)
    )
    if under:
        low = product(under, POWER)
        s = form.fraction(s, low if len(under) == 1 else form.group(low))
    loose = isinstance(body, (m.Had, m.Kron))
    return sign + s, SUM if sign else ENTRIES if loose else PRODUCT
