"""Numbers as people write them: 138,357,544, 1,22,304, 3.2M, 1.11 billion, 86.4 %, 7.7 GFLOPs.

An amount is exact, with the slack that its digits leave and the unit that it is in. What
groups its digits wrongly, or names a unit that nobody knows, is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from solver.core import BadInput
from solver.expressions.nodes import Expr
from solver.reading.macros import guard
from solver.reading.names import Names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCALES: dict[str, int] = {
    "k": 10**3, "thousand": 10**3, "m": 10**6, "mio": 10**6, "mn": 10**6, "million": 10**6,
    "millions": 10**6, "b": 10**9, "bn": 10**9, "billion": 10**9, "billions": 10**9,
    "g": 10**9, "t": 10**12, "trillion": 10**12, "lakh": 10**5, "lakhs": 10**5, "lac": 10**5,
    "lacs": 10**5, "crore": 10**7, "crores": 10**7, "cr": 10**7, "mrd": 10**9, "hundred": 100,
    "thousands": 10**3,
}  # fmt: skip
COUNTED = {
    "parameters", "parameter", "params", "param", "weights", "weight", "biases", "bias",
    "connections", "activations", "activation", "values", "neurons", "units", "unit", "pixels",
    "hours", "hour",
    "channels", "filters", "points", "in", "total", "trainable", "learnable", "meters", "updates",
    "steps", "epochs", "images", "layers", "elements", "entries", "ms", "multiplications",
    "operations", "ops", "samples", "of", "the", "nats", "approximately", "about",
}  # fmt: skip
PREFIX = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}
BINARY = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
FREE = "*"
OPS = {"flop": 1, "flops": 1, "mac": 2, "macs": 2, "madds": 2, "multiply-adds": 2, "macc": 2,
       "maccs": 2, "multiply-accumulates": 2, "mult-adds": 2}  # fmt: skip
DIGITS = (
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?"
    r"|\d{1,3}(?:[ '\u2009\u00a0\u202f_]\d{3})+(?:[.,]\d+)?"
    r"|\d{1,3}(?:\.\d{3}){2,}(?![\d.,])|\d{1,3}(?:\.\d{3})+,\d+|0,\d+|\d+,\d{1,2}(?!\d)|\d{4,},\d+|\d+\.\d*|\.\d+|\d+"
)
TIMES = (
    r"(?:\*\s*10\s*(?:\^|\*\*)\s*\{?\s*\(?\s*(?P<power>[-+]?\d{1,3})\s*\)?\s*\}?"
    r"|[eE](?P<exp>[-+]?\d{1,9}))"
)
AMOUNT = re.compile(
    rf"(?P<sign>[-+]?)\s*\$?\s*(?P<digits>{DIGITS})\s*(?:{TIMES})?\s*(?P<percent>%|percent\b|pct\b|Prozent\b)?"
    r"\s*(?P<words>[A-Za-z][A-Za-z -]*)?\.?"
)
LATEX = [
    (re.compile(r"\\left|\\right|\\[,;:! ]|\\q?quad|~|(?<!\\)\$"), " "),
    (re.compile(r"\\(?:times|cdot)(?![a-zA-Z])|×|·"), "*"),
    (re.compile(r"(?<=\d)\s*x\s*(?=10\s*(?:\^|\*\*|[⁰¹²³⁴⁵⁶⁷⁸⁹]))"), "*"),
    (re.compile(r"\\%"), "%"),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\^?\s*\{?\s*\\circ\s*\}?|°"), ""),
    (re.compile(r"\\\$"), ""),
    (
        re.compile(
            r"\\(?:text|mathrm|mbox|textrm|textbf|operatorname)\s*\{\s*([\w -]*)\s*\}"
        ),
        r" \1 ",
    ),
]
SUPER = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
RAISED = re.compile(r"10\s*([⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
LABEL = re.compile(
    r"\s*(?:there (?:are|is)\s+|(?:so|thus|hence|therefore),?\s+)?"
    r"(?:(?:the|my|our)\s+)?(?:(?:final\s+)?(?:answer|gradient|derivative|accuracy|result|output|total|shape|value|size|number"
    r"|count|sum|loss|solution)[\w ]{0,40}?)\s*(?:is|are|=|:|will be|would be|equals)\s*:?\s*",
    re.I,
)


@dataclass(frozen=True)
class Amount:
    """An exact number, the slack its digits leave, and its unit: "", "flop" or "byte".

    `rounded` says that a suffix or unit scaled it: 122.3K stands for a range.
    """

    value: Any  # Fraction, or a tree of a constant
    slack: Fraction
    unit: str = ""
    rounded: bool = False
    percent: bool = False
    said: str = ""
    text: str = ""


def plain(text: str) -> str:
    """An answer without its dress: LaTeX's times and spaces, 10⁶, the sentence around it."""
    for pattern, replacement in LATEX:
        text = pattern.sub(replacement, text)
    text = re.sub(r"\s+", " ", text)
    text = RAISED.sub(lambda m: "10^" + m[1].translate(SUPER), text)
    text = text.replace("−", "-").replace("–", "-").replace("：", ":")
    return undressed(text.strip())


def undressed(text: str) -> str:
    """An answer without a sentence that leads to it, and the full stop behind it."""
    found = LABEL.match(text)
    if found and text[found.end() :].strip():
        text = text[found.end() :]
    text = text.strip()
    if re.search(r"\.\.\.$|…$|^\W*$", text):
        return text  # 1, 2, …: what is left out is no answer
    return text.rstrip(".;,").strip()


def with_points(text: str) -> str:
    """Decimal commas as points, where the course writes 1.234,5 for a thousand and more."""
    text = re.sub(
        r"(?<![\d.,])\d{1,3}(?:\.\d{3})+(?![\d.])",
        lambda m: m[0].replace(".", ""),
        text,
    )
    return re.sub(r"(?<=\d),(?=\d)", ".", text)


def read_amount(text: str, names: Names, unit: str = "") -> Amount:
    """One number: digits with their suffix and unit, or arithmetic. Raises BadInput."""
    guard(text)
    bare = plain(text)
    found = AMOUNT.fullmatch(bare)
    if found:
        return amount(found, unit, text)
    if re.fullmatch(r"[-+]?\d[\d,.' ]*", bare) and re.search(r"\d[,.' ]+\d", bare):
        raise BadInput(
            f"the digits of {bare[:40]!r} are grouped in no known way",
            text=text,
            offset=0,
        )
    return arithmetic(text, unit, names)


def arithmetic(text: str, asked: str, names: Names) -> Amount:
    """A sum, a fraction, ln 2: a tree without letters, with a unit behind it perhaps."""
    from solver.reading.reader import read_written

    ungrouped = re.sub(
        r"(?<![\d.,])(\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3})(?![\d,])",
        lambda m: m[0].replace(",", ""), text,
    )  # fmt: skip
    ungrouped = undressed(re.sub(r"\^?\s*\{?\s*\\circ\s*\}?", "", ungrouped))
    start = len(
        ungrouped.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ- ")
    )
    tails = [(start, ungrouped[start:].strip(" -"))]
    dressed = re.search(
        r"\\(?:text|mathrm|textbf|mbox)\s*\{([A-Za-z -]+)\}$", ungrouped
    )
    if dressed:
        tails.append((dressed.start(), dressed[1].strip()))
    unit, scale = "", Fraction(1)
    for at, words in tails:
        if at and words and known_words(words, asked):
            unit, scale, _ = of_words(words, asked, text)
            ungrouped = ungrouped[:at]
            break
    tree = read_written(ungrouped, names)
    if scale != 1:
        from solver.expressions.nodes import Mul, Num

        tree = Mul(tree, Num(scale.numerator if scale.denominator == 1 else scale))
    return Amount(tree, Fraction(0), unit, text=text)


def known_words(words: str, unit: str) -> bool:
    try:
        of_words(words, unit, words)
    except BadInput:
        return False
    return True


def amount(m: re.Match[str], unit: str, text: str) -> Amount:
    """The amount of a match."""
    digits, decimals = ungrouped(m["digits"])
    exponent = int(m["power"] or m["exp"] or 0)
    if abs(exponent) > 400:
        raise BadInput("this number is too large to be read", text=text, offset=0)
    scale = Fraction(10) ** exponent
    named, factor, scaled = of_words(m["words"] or "", unit, text)
    if m["percent"]:
        scale /= 100
    scale *= factor
    value = Fraction(digits) * scale
    if m["sign"] == "-":
        value = -value
    shown = decimals or scaled or exponent
    slack = scale / 2 / Fraction(10) ** decimals if shown else Fraction(0)
    if scaled and not decimals:  # 800K: its zeros need not be digits
        zeros = len(digits) - len(digits.rstrip("0"))
        slack *= Fraction(10) ** min(zeros, len(digits) - 1)
    return Amount(
        value, slack, named, scaled or bool(exponent), bool(m["percent"]), "", text
    )


def ungrouped(digits: str) -> tuple[str, int]:
    """(digits with a decimal point, how many decimals) of grouped digits."""
    digits = re.sub(r"[ '\u2009\u00a0\u202f_]", "", digits)
    if re.fullmatch(r"\d{1,3}(\.\d{3}){2,}", digits):
        digits = digits.replace(".", "")
    if re.fullmatch(r"\d{1,3}(\.\d{3})+,\d+", digits):
        digits = digits.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"0,\d+|\d+,\d{1,2}|\d{4,},\d+", digits):
        digits = digits.replace(",", ".")
    digits = digits.replace(",", "").rstrip(".")
    return digits, len(digits.partition(".")[2])


def of_words(words: str, unit: str, text: str) -> tuple[str, Fraction, bool]:
    """(unit, what it multiplies by, whether a suffix scaled) of the words behind a number."""
    named, factor, scaled = "", Fraction(1), False
    for i, word in enumerate(words.strip().rstrip(".").split()):
        lower = word.lower()
        found = unit_of(word, unit)
        if i == 0 and word == "B" and unit == "byte":
            named = "byte"
        elif found:
            named, by = found
            factor *= by
            scaled = scaled or by not in (1, Fraction(1), Fraction(1, 8), 2)
        elif lower in SCALES and (len(word) > 1 or word in "kKMBGTmbg"):
            factor *= SCALES[lower]
            scaled = True
        elif lower in COUNTED or lower.strip("-") in COUNTED:
            continue
        elif len(lower) > 2 and lower[0] in "kmgbt" and lower[1:] in COUNTED:
            factor *= SCALES[lower[0]]
            scaled = True
        else:
            raise BadInput(f"the word {word[:30]!r} is not understood in this answer",
                           text=text, offset=max(0, text.find(word)))  # fmt: skip
    return named, factor, scaled


def unit_of(word: str, unit: str) -> tuple[str, Fraction] | None:
    """(dimension, factor) of a unit of operations or memory: GMACs, MiB, bits.

    unit: the one that is asked for; FREE takes a key's own. Where none is asked for, MACs
    and FLOPs are only words behind a count.
    """
    lower = word.lower()
    prefix = next((p for p in PREFIX if p and lower[:1] == p and lower[1:] in OPS), "")
    base = lower[len(prefix) :] if lower not in OPS else lower
    if base in OPS:
        by = Fraction(PREFIX[prefix] if base != lower else 1)
        own = "flop" if OPS[base] == 1 else "mac"
        if unit in ("flop", "mac") and own != unit:
            return unit, by * (2 if unit == "flop" else Fraction(1, 2))
        return own if unit else "", by
    memory = re.fullmatch(r"([KMGTkmgt]?)(i?)(B|bytes?|Bytes?|bits?|b)", word)
    if memory and (memory[1] or len(memory[3]) > 1):
        if memory[3] == "b" and not memory[2]:
            return None
        prefix = memory[1].lower()
        scale = BINARY[prefix + "i"] if memory[2] and prefix else PREFIX[prefix]
        bits = memory[3].lower().startswith("bit")
        return "byte", Fraction(scale, 8 if bits else 1)
    return None


def members_of(text: str) -> tuple[list[str], list[str]]:
    """(members, signs) of a chain a = b ≈ c, a label in front taken off."""
    text = (
        re.sub(r"\\approx|\\simeq|≃|~=", "≈", text).replace("&=", "=").replace("&", " ")
    )
    pieces = re.split(r"(?<![<>=:!~\\])(=|≈)(?!=)", text)
    members, signs = [p.strip() for p in pieces[::2]], pieces[1::2]
    if len(members) > 1 and (not members[0] or is_label(members[0])):
        members, signs = members[1:], signs[1:]
    return members, signs


def is_label(text: str) -> bool:
    """Whether what stands left of a = names the answer: x, params, ∂L/∂w, f(x), H_out."""
    return bool(re.fullmatch(
        r"\s*(?:\\?[A-Za-zα-ωŷ]\w*(?:\s*_\s*(?:\{[^{}]*\}|\w+))?(?:\s*\([^()=]{0,20}\))?'?"
        r"|\\(?:hat|mathbf|bar|tilde|text|mathrm)\s*\{[^{}]*\}(?:_\w|_\{[^{}]*\})?"
        r"|(?:number|amount) of [\w ]{1,30}|[A-Za-z]+(?: [A-Za-z]+){1,3}"
        r"|.*(?:∂|\\partial|\\nabla|∇|\bd\w*\s*/\s*d|\{\s*d\w?\s*\}\s*\{\s*d|\{\s*d\b|\{\s*d\s*\\).*)\s*",
        text, re.S))  # fmt: skip


def constant_value(x: Any) -> Any:
    """An amount's value with fifty digits, or exact. Raises BadInput if it is none."""
    if not isinstance(x, Expr):
        return x
    from solver.answers.agreement import constant, fifty_digits
    from solver.expressions.arrays import Array
    from solver.expressions.compiled import value
    from solver.expressions.fields import TooLarge, Undefined
    from solver.expressions.worlds import Letters, World

    if not constant(x):
        return None
    try:
        found = value(x, World(Letters(trees=(x,)), 0, fifty_digits()))
    except TooLarge as e:
        raise BadInput(f"the answer cannot be computed: {e}") from None
    except (Undefined, ArithmeticError) as e:
        raise BadInput(f"the answer has no value: {e}") from None
    if isinstance(found, (Array, bool)):
        return None
    return found
