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
MACROS = {"≤": r"\le", "≥": r"\ge", "≠": r"\neq"}
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


class Text:
    """Unicode plain text: ⌊(32 + 2·1 − 3)/2⌋ + 1."""

    minus, plus, between, apart = "−", " + ", "·", " − "
    stacked = False  # a fraction is written on the line and needs its brackets

    def number(self, x: Any) -> str:
        if type(x) is int:
            return str(x).replace("-", "−")
        if isinstance(x, float):
            head, exponent = scientific(x)
            if exponent:
                return f"{head}·10{exponent.translate(SUPERSCRIPTS)}".replace("-", "−")
            return head.replace("-", "−")
        return f"{x.numerator}/{x.denominator}".replace("-", "−")

    def letter(self, name: str) -> str:
        return "_".join(map(glyph, name.split("_")))

    def group(self, s: str) -> str:
        return f"({s})"

    def fraction(self, a: str, b: str) -> str:
        return f"{a}/{b}"

    def power(self, a: str, b: str, exponent: Expr) -> str:
        if (
            isinstance(exponent, Num)
            and isinstance(exponent.value, int)
            and len(b) <= 4
        ):
            return a + str(exponent.value).translate(SUPERSCRIPTS)
        return f"{a}^{b}" if isinstance(exponent, Sym) else f"{a}^({b})"

    def call(self, name: str, args: list[str]) -> str:
        if name == "floor":
            return f"⌊{args[0]}⌋"
        if name == "ceil":
            return f"⌈{args[0]}⌉"
        if name == "abs":
            return f"|{args[0]}|"
        return f"{name.replace('sigmoid', 'σ')}({', '.join(args)})"

    def series(self, op: str, low: list[str], last: str, body: str) -> str:
        left_out = f"≠{low[1]}" if len(low) > 1 else ""
        return f"{SIGNS.get(op, op)}_{low[0]}{left_out} {body}"

    def relation(self, a: str, sign: str, b: str) -> str:
        return f"{a} {sign} {b}"

    def case(self, value: str, conditions: list[str]) -> str:
        return (
            f"{value} if {', '.join(conditions)}"
            if conditions
            else f"{value} otherwise"
        )

    def cases(self, each: list[str]) -> str:
        return "{" + "; ".join(each) + "}"

    def partial(self, a: str, b: str) -> str:
        return f"∂{a}/∂{b}"

    def row(self, pieces: list[str]) -> str:
        return "".join(pieces)


GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "eta", "theta", "kappa",
    "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau",
    "phi", "chi", "psi", "omega",
}  # fmt: skip


HAT = "\u0302"
SIGNS = {"sum": "Σ", "prod": "Π"}


def glyph(name: str) -> str:
    """A letter's sign: σ for sigma, ŷ for yhat, β1 for beta1."""
    import unicodedata

    plain = name.rstrip("0123456789")
    if plain in GREEK:
        return _greek(plain) + name[len(plain) :]
    if plain.endswith("hat") and len(plain) == 4:
        return unicodedata.normalize("NFC", plain[0] + HAT) + name[len(plain) :]
    return name


def decimal(x: float) -> str:
    """A float: as it is if that is short, else to six digits."""
    shown = repr(x)
    return shown if len(shown) <= 9 and "e" not in shown else f"{x:.6g}"


def scientific(x: float) -> tuple[str, str]:
    """(digits, power of ten) of a float: 7.7 and -6 for 7.7e-06; no power where it is
    written out."""
    head, _, exponent = decimal(x).partition("e")
    return head, str(int(exponent)) if exponent else ""


class Latex(Text):
    r"""LaTeX: \left\lfloor \frac{32 + 2 \cdot 1 - 3}{2} \right\rfloor + 1."""

    minus, plus, between, apart = "-", " + ", r" \cdot ", " - "
    stacked = True

    def number(self, x: Any) -> str:
        if type(x) is int or isinstance(x, float):
            head, exponent = (repr(x), "") if type(x) is int else scientific(x)
            return rf"{head} \cdot 10^{{{exponent}}}" if exponent else head
        sign = "-" if x < 0 else ""
        return rf"{sign}\frac{{{abs(x.numerator)}}}{{{x.denominator}}}"

    def letter(self, name: str) -> str:
        head, _, tail = name.partition("_")
        plain = head.rstrip("0123456789")
        if plain in GREEK:
            head = (
                rf"\{plain}_{{{head[len(plain) :]}}}" if plain != head else "\\" + head
            )
        elif len(plain) == 4 and plain.endswith("hat"):
            head = rf"\hat{{{plain[0]}}}"
        if len(head) > 1 and head[0] != "\\":
            head = rf"\mathrm{{{head}}}"
        if not tail:
            return head
        if "hat" in tail:
            parts = [self.letter(t) for t in tail.split("_")]
            return f"{head}_{{{', '.join(parts)}}}"
        tail = tail.replace("_", ",")
        return (
            f"{head}_{{{tail}}}" if len(tail) == 1 else rf"{head}_{{\mathrm{{{tail}}}}}"
        )

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
        if name == "exp":
            return f"e^{{{args[0]}}}"
        if name == "sqrt":
            return rf"\sqrt{{{args[0]}}}"
        if name == "factorial":
            return args[0] + "!"
        if name == "step":
            return rf"\mathbf{{1}}[{args[0]} > 0]"
        sign = {"sigmoid": r"\sigma", "sign": r"\operatorname{sign}"}.get(
            name, "\\" + name
        )
        return rf"{sign}\left({', '.join(args)}\right)"

    def series(self, op: str, low: list[str], last: str, body: str) -> str:
        below = rf"{low[0]} \neq {low[1]}" if len(low) > 1 else f"{low[0]} = 1"
        above = "" if len(low) > 1 or op == "max" else f"^{{{last}}}"
        return rf"\{op}_{{{below}}}{above} {body}"

    def relation(self, a: str, sign: str, b: str) -> str:
        return f"{a} {MACROS.get(sign, sign)} {b}"

    def case(self, value: str, conditions: list[str]) -> str:
        said = (
            rf"\text{{if }} {', '.join(conditions)}"
            if conditions
            else r"\text{otherwise}"
        )
        return f"{value} & {said}"

    def cases(self, each: list[str]) -> str:
        return r"\begin{cases} " + r" \\ ".join(each) + r" \end{cases}"

    def partial(self, a: str, b: str) -> str:
        return rf"\frac{{\partial {a}}}{{\partial {b}}}"


class MathML(Text):
    """Presentation MathML, which browsers draw without help."""

    plus, between, apart = "<mo>+</mo>", "<mo>·</mo>", "<mo>−</mo>"
    minus = '<mo form="prefix">−</mo>'
    stacked = True

    def number(self, x: Any) -> str:
        if type(x) is int or isinstance(x, float):
            sign, digits = (self.minus, -x) if x < 0 else ("", x)
            head, exponent = scientific(digits) if isinstance(x, float) else (digits, "")
            if not exponent:
                return f"{sign}<mn>{head}</mn>"
            power = self.power("<mn>10</mn>", self.number(int(exponent)), Num(1))
            return f"{sign}<mn>{head}</mn>{self.between}{power}"
        sign = self.minus if x < 0 else ""
        return sign + self.fraction(
            f"<mn>{abs(x.numerator)}</mn>", f"<mn>{x.denominator}</mn>"
        )

    def letter(self, name: str) -> str:
        head, _, tail = name.partition("_")
        plain = head.rstrip("0123456789")
        italic = f"<mi>{_greek(head)}</mi>"
        if plain != head and plain in GREEK:
            italic = (
                f"<msub><mi>{_greek(plain)}</mi><mn>{head[len(plain) :]}</mn></msub>"
            )
        elif len(plain) == 4 and plain.endswith("hat"):
            italic = f"<mover><mi>{plain[0]}</mi><mo>^</mo></mover>"
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
            left, right = tuple(fences[name])
            return f"<mrow><mo>{left}</mo>{args[0]}<mo>{right}</mo></mrow>"
        inside = "<mo>,</mo>".join(args)
        if name == "exp":
            return f"<msup><mi>e</mi><mrow>{inside}</mrow></msup>"
        if name == "sqrt":
            return f"<msqrt>{inside}</msqrt>"
        if name == "factorial":
            return f"<mrow>{inside}<mo>!</mo></mrow>"
        if name == "step":
            return f"<mrow><mn>𝟙</mn><mo>[</mo>{inside}<mo>&gt;</mo><mn>0</mn><mo>]</mo></mrow>"
        name = {"sigmoid": "σ"}.get(name, name)
        return f"<mrow><mi>{name}</mi><mo>(</mo>{inside}<mo>)</mo></mrow>"

    def series(self, op: str, low: list[str], last: str, body: str) -> str:
        sign = f"<mo>{SIGNS.get(op, op)}</mo>"
        if len(low) > 1:
            under = f"<mrow>{low[0]}<mo>≠</mo>{low[1]}</mrow>"
        else:
            under = f"<mrow>{low[0]}<mo>=</mo><mn>1</mn></mrow>"
        if len(low) > 1 or op == "max":
            return f"<mrow><munder>{sign}{under}</munder>{body}</mrow>"
        return f"<mrow><munderover>{sign}{under}<mrow>{last}</mrow></munderover>{body}</mrow>"

    def relation(self, a: str, sign: str, b: str) -> str:
        return f"{a}<mo>{ {'<': '&lt;', '>': '&gt;'}.get(sign, sign) }</mo>{b}"

    def case(self, value: str, conditions: list[str]) -> str:
        said = "<mtext>otherwise</mtext>"
        if conditions:
            said = f"<mtext>if&#160;</mtext>{'<mo>,</mo>'.join(conditions)}"
        return f"<mtr><mtd>{value}</mtd><mtd>{said}</mtd></mtr>"

    def cases(self, each: list[str]) -> str:
        return f"<mrow><mo>{{</mo><mtable>{''.join(each)}</mtable></mrow>"

    def partial(self, a: str, b: str) -> str:
        return self.fraction(f"<mo>∂</mo>{a}", f"<mo>∂</mo>{b}")


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
        if isinstance(e.value, float) and e.value > 0 and scientific(e.value)[1]:
            tightness = PRODUCT
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
        return form.fraction(
            show(e.args[0], PRODUCT), show(e.args[1], FRACTION)
        ), PRODUCT
    if isinstance(e, Pow):
        base, exponent = e.args
        return form.power(show(base, ATOM), show(exponent, SUM), exponent), POWER
    if isinstance(e, Call):
        return form.call(e.name.removeprefix("call "), [show(a, SUM) for a in e.args[1:]]), ATOM
    if hasattr(e, "layout"):
        return e.layout(form, show)
    raise TypeError(f"cannot print {type(e).__name__}")


def _negative(e: Expr) -> bool:
    return isinstance(e, Neg) or isinstance(e, Num) and e.value < 0


def _product(e: Mul, form: Text, show: Any) -> str:
    """Factors side by side; a number before a letter or a bracket needs no sign: 2p."""
    pieces: list[str] = []
    for i, factor in enumerate(e.args):
        before = e.args[i - 1] if i else None
        last = hasattr(factor, "series") and i == len(e.args) - 1
        s = show(factor, PRODUCT if last else FRACTION)
        if last and before is not None:
            pieces.append(" ")
        elif before is not None:
            simple = isinstance(before, Num) and i == 1 and type(before.value) is int
            simple = simple and before.value >= 0
            follows = isinstance(factor, (Sym, Add))
            follows = (
                follows or isinstance(factor, Pow) and isinstance(factor.args[0], Sym)
            )
            if not (simple and follows):
                pieces.append(form.between)
        pieces.append(s)
    return form.row(pieces)
