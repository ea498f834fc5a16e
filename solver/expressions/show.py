"""Printers: a tree as plain text that can be typed back in, as LaTeX, as MathML.

One table of layout rules serves all three: `_layout` walks the tree and hands each node
to a form, which only says how a fraction, a power or a letter looks in it.
"""

from __future__ import annotations

from solver.expressions.nodes import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Sym

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SUM, PRODUCT, FRACTION, POWER, ATOM = 1, 2, 3, 4, 5
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


class Text:
    """Unicode plain text: ⌊(32 + 2·1 − 3)/2⌋ + 1."""

    minus, plus, between, apart = "−", " + ", "·", " − "
    stacked = False  # a fraction is written on the line and needs its brackets

    def number(self, x: Any) -> str:
        if type(x) is int:
            return str(x).replace("-", "−")
        if isinstance(x, float):
            return repr(x).replace("-", "−")
        return f"{x.numerator}/{x.denominator}".replace("-", "−")

    def letter(self, name: str) -> str:
        return name

    def group(self, s: str) -> str:
        return f"({s})"

    def fraction(self, a: str, b: str) -> str:
        return f"{a}/{b}"

    def power(self, a: str, b: str, exponent: Expr) -> str:
        if isinstance(exponent, Num) and isinstance(exponent.value, int) and len(b) <= 4:
            return a + str(exponent.value).translate(SUPERSCRIPTS)
        return f"{a}^({b})"

    def call(self, name: str, args: list[str]) -> str:
        if name == "floor":
            return f"⌊{args[0]}⌋"
        if name == "ceil":
            return f"⌈{args[0]}⌉"
        if name == "abs":
            return f"|{args[0]}|"
        return f"{name}({', '.join(args)})"

    def row(self, pieces: list[str]) -> str:
        return "".join(pieces)


GREEK = set(
    ["alpha", "beta", "gamma", "delta", "epsilon", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega"]
)


class Latex(Text):
    r"""LaTeX: \left\lfloor \frac{32 + 2 \cdot 1 - 3}{2} \right\rfloor + 1."""

    minus, plus, between, apart = "-", " + ", r" \cdot ", " - "
    stacked = True

    def number(self, x: Any) -> str:
        if type(x) is int or isinstance(x, float):
            return repr(x)
        sign = "-" if x < 0 else ""
        return rf"{sign}\frac{{{abs(x.numerator)}}}{{{x.denominator}}}"

    def letter(self, name: str) -> str:
        head, _, tail = name.partition("_")
        head = "\\" + head if head in GREEK else head
        if len(head) > 1 and head[0] != "\\":
            head = rf"\mathrm{{{head}}}"
        if not tail:
            return head
        tail = tail.replace("_", ",")
        return f"{head}_{{{tail}}}" if len(tail) == 1 else rf"{head}_{{\mathrm{{{tail}}}}}"

    def group(self, s: str) -> str:
        return rf"\left({s}\right)" if r"\frac" in s else f"({s})"

    def fraction(self, a: str, b: str) -> str:
        return rf"\frac{{{a}}}{{{b}}}"

    def power(self, a: str, b: str, exponent: Expr) -> str:
        return f"{{{a}}}^{{{b}}}"

    def call(self, name: str, args: list[str]) -> str:
        fences = {
            "floor": (r"\left\lfloor ", r" \right\rfloor"),
            "ceil": (r"\left\lceil ", r" \right\rceil"),
            "abs": (r"\left| ", r" \right|"),
        }
        if name in fences:
            return args[0].join(fences[name])
        return rf"\{name}\left({', '.join(args)}\right)"


class MathML(Text):
    """Presentation MathML, which browsers draw without help."""

    plus, between, apart = "<mo>+</mo>", "<mo>·</mo>", "<mo>−</mo>"
    minus = '<mo form="prefix">−</mo>'
    stacked = True

    def number(self, x: Any) -> str:
        if type(x) is int or isinstance(x, float):
            sign, digits = (self.minus, -x) if x < 0 else ("", x)
            return f"{sign}<mn>{digits!r}</mn>"
        sign = self.minus if x < 0 else ""
        return sign + self.fraction(f"<mn>{abs(x.numerator)}</mn>", f"<mn>{x.denominator}</mn>")

    def letter(self, name: str) -> str:
        head, _, tail = name.partition("_")
        italic = f"<mi>{_greek(head)}</mi>"
        if not tail:
            return italic
        return f"<msub>{italic}<mtext>{tail.replace('_', ',')}</mtext></msub>"

    def group(self, s: str) -> str:
        return f"<mrow><mo>(</mo>{s}<mo>)</mo></mrow>"

    def fraction(self, a: str, b: str) -> str:
        return f"<mfrac><mrow>{a}</mrow><mrow>{b}</mrow></mfrac>"

    def power(self, a: str, b: str, exponent: Expr) -> str:
        return f"<msup><mrow>{a}</mrow><mrow>{b}</mrow></msup>"

    def call(self, name: str, args: list[str]) -> str:
        fences = {"floor": "⌊⌋", "ceil": "⌈⌉", "abs": "||"}
        if name in fences:
            left, right = fences[name]
            return f"<mrow><mo>{left}</mo>{args[0]}<mo>{right}</mo></mrow>"
        inside = "<mo>,</mo>".join(args)
        return f"<mrow><mi>{name}</mi><mo>(</mo>{inside}<mo>)</mo></mrow>"


def _greek(name: str) -> str:
    if name in GREEK:
        import unicodedata

        spelt = {"lambda": "lamda"}.get(name, name)
        return unicodedata.lookup(f"GREEK SMALL LETTER {spelt.upper()}")
    return name


TEXT, LATEX, MATHML = Text(), Latex(), MathML()


def text(e: Expr) -> str:
    """Plain text; the parser reads it back as the same value."""
    return _layout(e, TEXT)[0]


def latex(e: Expr) -> str:
    """LaTeX, to be set in mathematics mode."""
    return _layout(e, LATEX)[0]


def mathml(e: Expr) -> str:
    """MathML, to be put inside a <math> element."""
    return _layout(e, MATHML)[0]


def _layout(e: Expr, form: Text) -> tuple[str, int]:
    """The node in this form, and how tightly it binds (to know when to bracket it)."""

    def show(child: Expr, tight: int) -> str:
        s, binds = _layout(child, form)
        return s if binds >= tight else form.group(s)

    if isinstance(e, Num):
        whole = type(e.value) is int or isinstance(e.value, float)
        tightness = SUM if e.value < 0 else ATOM if whole or form.stacked else PRODUCT
        return form.number(e.value), tightness
    if isinstance(e, Sym):
        return form.letter(e.name), ATOM
    if isinstance(e, Add):
        pieces = [show(e.args[0], SUM)]
        for term in e.args[1:]:
            sign, term = (form.apart, -term) if _negative(term) else (form.plus, term)
            if isinstance(term, Neg) and isinstance(term.args[0], Neg):
                term = term.args[0].args[0]
            elif isinstance(term, Neg) and isinstance(term.args[0], Num):
                term = Num(-term.args[0].value)
            pieces += [sign, show(term, PRODUCT)]
        return form.row(pieces), SUM
    if isinstance(e, Neg):
        return form.row([form.minus, show(e.args[0], PRODUCT)]), SUM
    if isinstance(e, Mul):
        return _product(e, form, show), PRODUCT
    if isinstance(e, Div):
        if form.stacked:
            return form.fraction(show(e.args[0], SUM), show(e.args[1], SUM)), FRACTION
        return form.fraction(show(e.args[0], PRODUCT), show(e.args[1], FRACTION)), PRODUCT
    if isinstance(e, Pow):
        base, exponent = e.args
        return form.power(show(base, ATOM), show(exponent, SUM), exponent), POWER
    if isinstance(e, Call):
        return form.call(e.name, [show(a, SUM) for a in e.args[1:]]), ATOM
    raise TypeError(f"cannot print {type(e).__name__}")


def _negative(e: Expr) -> bool:
    return isinstance(e, Neg) or isinstance(e, Num) and e.value < 0


def _product(e: Mul, form: Text, show: Any) -> str:
    """Factors side by side; a number before a letter or a bracket needs no sign: 2p."""
    pieces: list[str] = []
    for i, factor in enumerate(e.args):
        before = e.args[i - 1] if i else None
        s = show(factor, FRACTION)
        if before is not None:
            simple = isinstance(before, Num) and i == 1 and type(before.value) is int
            follows = isinstance(factor, Sym) or isinstance(factor, (Add, Neg))
            follows = follows or isinstance(factor, Pow) and isinstance(factor.args[0], Sym)
            if not (simple and follows):
                pieces.append(form.between)
        pieces.append(s)
    return form.row(pieces)
