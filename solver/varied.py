"""Parts that come in variants: what may vary, which combinations, and who has which.

    [problem.variants]
    n = [64, 28, 32]                    # listed; the first value is the set's own
    k = "3, 5..9 odd"                   # or a range: odd, even, step 5, step 0.1
    where = ["k < n", "(n - k) % 2 == 0"]

`<n>` stands for the value in prompt, title, given and mistakes, `<n-1>` for an expression
of the expression language; nothing is ever executed. Variant 0 has the first values;
the others are numbered from 1 in an order that depends on their values alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from hashlib import sha256
from itertools import product
from math import prod

from solver.core import BadInput, Problem
from solver.expressions.nodes import FUNCTIONS, Expr, evaluate, letters
from solver.expressions.parse import parse
from solver.placeholders import filled, plain
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 100  # variants of a part: the first so many of its combinations
TRIED = 20_000  # combinations that are looked at
NAME = re.compile(r"[A-Za-z]\w{0,20}")
WORD = re.compile(r"[A-Za-z][\w -]{0,40}")
NUMBER = re.compile(r"[-−]?\d{1,12}(?:\.\d{1,12})?")
RANGE = re.compile(
    rf"(?P<first>{NUMBER.pattern})\s*\.\.\s*(?P<last>{NUMBER.pattern})"
    rf"(?:\s+(?P<only>odd|even)|\s+step\s+(?P<step>{NUMBER.pattern}))?"
)
RELATION = re.compile(r"\s*(<=|>=|==|!=|≤|≥|≠|<|>|=|\bdivides\b)\s*")
HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "divides": lambda a, b: b % a == 0,
}
SAME = {"≤": "<=", "≥": ">=", "≠": "!=", "==": "="}


# -- what may vary ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Parameters:
    """What varies in a part, with its values, and what must hold between them."""

    id: str  # the part that states them: others may share them
    values: Mapping[str, tuple[Any, ...]]
    where: tuple[Condition, ...] = ()

    @property
    def base(self) -> dict[str, Any]:
        """The set's own values: the first of each."""
        return {name: values[0] for name, values in self.values.items()}

    @cached_property
    def numbered(self) -> tuple[dict[str, Any], ...]:
        """The values of variants 1, 2, …: every admissible combination but the set's own,
        in the order of a hash of part and values, which no new value shuffles."""
        found = []
        for each in product(*self.values.values()):
            env = dict(zip(self.values, each))
            if env != self.base and all(one.holds(env) for one in self.where):
                found.append(env)
        return tuple(sorted(found, key=self.order)[:MOST])

    def order(self, env: Mapping[str, Any]) -> str:
        """What the variants are sorted by."""
        return digest(self.id, *(f"{k}={env[k]}" for k in sorted(env)))

    def at(self, number: int) -> dict[str, Any]:
        """The values of a variant; 0 is the set's own."""
        if not 0 <= number <= len(self.numbered):
            raise BadInput(
                f"there are {len(self.numbered)} variants of {self.id}, not {number}"
            )
        return self.numbered[number - 1] if number else self.base


@dataclass(frozen=True, eq=False)
class Condition:
    """A relation between parameters: k < n, (n - k) % 2 == 0, s divides n - k."""

    text: str
    sides: tuple[tuple[Expr, Expr | None], ...]
    signs: tuple[str, ...]

    def holds(self, env: Mapping[str, Any]) -> bool:
        """Whether it holds between these values; what has no value does not."""
        try:
            found = [value(side, env) for side in self.sides]
            return all(
                HOLDS[sign](a, b) for sign, a, b in zip(self.signs, found, found[1:])
            )
        except (ArithmeticError, TypeError):
            return False


def value(side: tuple[Expr, Expr | None], env: Mapping[str, Any]) -> Any:
    """One side of a condition: an expression, or its rest by another."""
    whole, by = side
    found = evaluate(whole, env)
    return found if by is None else found % evaluate(by, env)


def parameters(
    entry: Mapping[str, Any], id: str, earlier: Mapping[str, Varied]
) -> Parameters:
    """What varies in a part; or, under its id, what varies in an earlier one."""
    written = entry["variants"]
    if isinstance(written, str):
        if written not in earlier:
            raise unknown("earlier part with variants", written, list(earlier))
        return earlier[written].parameters
    if not isinstance(written, Mapping):
        raise BadInput('expected a table: n = [28, 32, 64], or an earlier part: "2a"')
    return read_parameters(written, id)


def read_parameters(table: Mapping[str, Any], id: str) -> Parameters:
    """The [problem.variants] of a part; BadInput where the first values do not fit."""
    values = {}
    for name, written in table.items():
        if name == "where":
            continue
        if not NAME.fullmatch(name) or name in FUNCTIONS:
            raise BadInput(f"{name!r} is no name of a parameter: take a letter").at(
                name
            )
        try:
            values[name] = tuple(read_values(written))
        except BadInput as e:
            raise e.at(name) from None
    if not values:
        raise BadInput("nothing varies here: n = [28, 32, 64]")
    if prod(map(len, values.values())) > TRIED:
        raise BadInput(f"these are more than {TRIED:,} combinations: list fewer values")
    written = table.get("where", [])
    lines = [written] if isinstance(written, str) else written
    if not isinstance(lines, list) or not all(isinstance(x, str) for x in lines):
        raise BadInput('conditions are texts: where = ["k < n"]').at("where")
    numbers = [
        k for k, v in values.items() if all(isinstance(x, (int, Fraction)) for x in v)
    ]
    found = Parameters(id, values, tuple(read_condition(x, numbers) for x in lines))
    for one in found.where:
        if not one.holds(found.base):
            said = ", ".join(f"{k} = {plain(v)}" for k, v in found.base.items())
            raise BadInput(
                f"the first values are the set's own, and do not meet “{one.text}”: {said}"
            ).at("where")
    return found


def read_values(written: Any) -> Iterator[Any]:
    """Each value that a parameter may take, once: numbers, ranges, words, matrices."""
    listed = written.split(",") if isinstance(written, str) else written
    if not isinstance(listed, list) or not listed:
        raise BadInput('expected values: [28, 32, 64], or a range such as "3..9 odd"')
    seen: list[Any] = []
    for one in listed:
        for found in span(one.strip()) if isinstance(one, str) else [single(one)]:
            if found not in seen:
                seen.append(found)
                yield found


def single(one: Any) -> Any:
    """A number, exactly; or rows of numbers."""
    if isinstance(one, list) and one:
        return [single(x) for x in one]
    if isinstance(one, bool) or not isinstance(one, (int, float)):
        raise BadInput(f"expected a number, a word or rows of numbers, not {one!r:.40}")
    return exact(repr(one))


def exact(text: str) -> int | Fraction:
    """A number as it is written: 0.1 is a tenth."""
    try:
        found = Fraction(text.replace("−", "-"))
    except ValueError:
        raise BadInput(f"expected an ordinary number, not {text}") from None
    return int(found) if found.denominator == 1 else found


def span(text: str) -> list[Any]:
    """The values in a text: one number, a range, or a word."""
    if NUMBER.fullmatch(text):
        return [exact(text)]
    if WORD.fullmatch(text):
        return [text]
    m = RANGE.fullmatch(text)
    if not m:
        raise BadInput(
            f"{text!r} is neither a number nor a range such as 3..9, 3..9 odd or "
            "0.1..0.5 step 0.1"
        )
    first, last = exact(m["first"]), exact(m["last"])
    step = exact(m["step"]) if m["step"] else 1
    if step <= 0 or last < first:
        raise BadInput(f"the range {text!r} is empty: it goes upward")
    if (last - first) / step > 1000:
        raise BadInput(f"the range {text!r} has more than 1000 values")
    found = [first + i * step for i in range(int((last - first) // step) + 1)]
    rest = {"odd": 1, "even": 0}.get(m["only"] or "")
    found = [x for x in found if rest is None or x % 2 == rest]
    if not found:
        raise BadInput(f"the range {text!r} is empty")
    return found


def read_condition(text: str, names: Sequence[str]) -> Condition:
    """A condition on numbers; BadInput with the nearest names for an unknown letter."""
    sides, signs = [], []
    for i, piece in enumerate(RELATION.split(text)):
        if i % 2:
            signs.append(SAME.get(piece, piece))
            continue
        whole, rest, by = piece.partition("%")
        if "%" in by:
            raise BadInput(f"{piece.strip()!r} has two %: write two conditions").at(
                "where"
            )
        try:
            one = (
                parse(whole.strip(), "count"),
                parse(by.strip(), "count") if rest else None,
            )
        except BadInput as e:
            raise e.at("where") from None
        if re.search(r"\b(and|or|not)\b", piece):
            raise BadInput(
                f"{text!r} is more than one condition: write each as a text of its own, "
                'all have to hold: where = ["k < n", "(n - k) % 2 == 0"]'
            ).at("where")
        for letter in letters(*(x for x in one if x is not None)):
            if letter.name not in names:
                raise unknown(
                    "parameter that is a number", letter.name, list(names)
                ).at("where")
        sides.append(one)
    if not signs:
        raise BadInput(
            f"{text!r} is no condition: k < n, (n - k) % 2 == 0, s divides n"
        ).at("where")
    return Condition(text, tuple(sides), tuple(signs))


# -- who has which ------------------------------------------------------------------------


def digest(*words: str) -> str:
    """A hash that is the same on every machine, for ever."""
    return sha256("\x1f".join(words).encode()).hexdigest()


def label_of(student: str) -> str:
    """The label of a student's own variants."""
    return f"for {' '.join(student.split())}"


def label(variant: str = "", student: str = "") -> str:
    """The label of the variant of this number, or of this student's own: not of both."""
    if variant and student.strip():
        raise BadInput(
            "a variant is asked for by its number or by a student's name: not both"
        )
    return label_of(student) if student.strip() else read_label(variant)


def read_label(text: str) -> str:
    """What names variants: "" the set's own, "7" the seventh of each part, "for Ada"
    those of a student. BadInput for anything else."""
    text = " ".join(text.split())
    if re.fullmatch(r"[0-9]{1,9}", text):
        return str(int(text)) if int(text) else ""
    if not text or re.fullmatch(r"for \S.*", text):
        return text
    raise BadInput(
        f"the variant {text[:40]!r} is neither a number nor “for” and a name"
    )


def chosen(label: str, name: str, id: str, count: int) -> int:
    """The number, from 1 to count, of the variant of a part under this label.

    A number beyond the last begins anew. A student's is a hash of set, part and name, in
    which neither capitals nor the order of the names matter.
    """
    if not label or not count:
        return 0
    if label.isdigit():
        return (int(label) - 1) % count + 1
    words = sorted(re.findall(r"\w+", label.removeprefix("for ").casefold()))
    return int(digest(name, id, *words)[:16], 16) % count + 1


# -- a part -----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Varied:
    """A part of a set that has variants; each is read once."""

    entry: Mapping[str, Any]
    parameters: Parameters
    place: str  # file and problem, for errors
    make: Callable[..., Problem]
    made: dict[int, Problem] = field(default_factory=dict)

    def number(self, label: str, name: str) -> int:
        """The number of this part's variant under a label, in the set of this name."""
        own = self.parameters
        return chosen(label, name, own.id, len(own.numbered)) if label else 0

    def problem(self, number: int) -> Problem:
        """The part as a variant has it. BadInput names part and variant."""
        if number not in self.made:
            place = f"{self.place}, variant {number}" if number else self.place
            try:
                entry = filled(self.entry, self.parameters.at(number))
            except BadInput as e:
                raise e.at(place) from None
            self.made[number] = self.make(entry, where=place)
        return self.made[number]
