"""Answers that are sizes, values by name, options, rankings, complexity classes, prose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from solver.answers.agreement import Finding
from solver.answers.amounts import undressed
from solver.answers.given import Given, names_for
from solver.answers.stated import Stated
from solver.core import BadInput
from solver.expressions.fields import TooLarge
from solver.expressions.nodes import Call, Expr, Pow, Sym, walk
from solver.expressions.written import Group, Index, Logic, Relation
from solver.reading.macros import guard
from solver.reading.reader import read_written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# -- sizes --------------------------------------------------------------------------------


# -- values by name -----------------------------------------------------------------------


# -- options and rankings -----------------------------------------------------------------

TRUTH = {"true": "true", "t": "true", "yes": "true", "y": "true", "false": "false", "f": "false",
         "no": "false", "n": "false", "wahr": "true", "falsch": "false", "ja": "true",
         "nein": "false", "correct": "true", "incorrect": "false"}  # fmt: skip
FILLER = {
    "and",
    "option",
    "options",
    "answer",
    "answers",
    "is",
    "are",
    "the",
    "choice",
    "both",
    "only",
}


def state_options(
    text: str, spec: Mapping[str, Any]
) -> tuple[tuple[str, ...], dict[str, Any]]:
    options = tuple(str(o) for o in spec.get("options", ()))
    if text.strip().lower() in ("true", "false"):
        return (text.strip().lower(),), {"options": ("true", "false")}
    if options:
        by_name = {o.casefold(): o for o in options}
        pieces = [p.strip() for p in re.split(r"[,;]", text) if p.strip()]
        unknown = [p for p in pieces if p.casefold() not in by_name]
        if unknown:
            raise BadInput(
                f"the key {unknown[0]!r} is none of the options {', '.join(options)}"
            )
        return tuple(sorted({by_name[p.casefold()] for p in pieces})), {
            "options": options
        }
    found = letters_in(text)
    if not found:
        raise BadInput("the key names no option: write A, C, or True, or give options")
    return tuple(sorted(set(found))), {"options": ()}


def letters_in(text: str) -> list[str]:
    """The letters that name options: A, C; (a) and (c); AC. Raises BadInput."""
    if re.search(r"\bor\b|\bmaybe\b|\bnot\b|\?|\bexcept\b|\bneither\b", text, re.I):
        raise BadInput(
            "one choice is asked for, without or, not and maybe", text=text, offset=0
        )
    found = []
    for word in re.findall(r"[A-Za-z]+|[^\sA-Za-z,;.&()\[\]/+$\\{}:'\"]", text):
        if (
            word.lower() in FILLER
            and len(word) > 1
            or word in ("text", "mathrm", "textbf", "boxed")
        ):
            continue
        if len(word) == 1 and word.isalpha() or word.isupper() and len(word) <= 6:
            found += list(word.upper())
        else:
            raise BadInput(
                f"{word[:30]!r} is no option", text=text, offset=max(0, text.find(word))
            )
    return found


def read_options(stated: Stated, text: str) -> Given:
    guard(text)
    options = stated.settings.get("options", ())
    if options == ("true", "false"):
        word = re.sub(r"[^a-z]", "", text.lower())
        if word not in TRUTH:
            raise BadInput("expected true or false", text=text, offset=0)
        return Given((TRUTH[word],))
    if options:
        by_name = {o.casefold(): o for o in options}
        whole = text.strip().rstrip(".").casefold()
        if whole in by_name:
            return Given((by_name[whole],))
        pieces = [
            p.strip(" .()")
            for p in re.split(r"[,;\n]|\band\b", text)
            if p.strip(" .()")
        ]
        found = [by_name.get(p.casefold()) for p in pieces]
        if None in found or not found:
            shown = ", ".join(options)
            raise BadInput(f"the options are {shown}", text=text, offset=0)
        return Given(tuple(sorted(set(found))))
    found_ = letters_in(text)
    if not found_:
        raise BadInput("no option is named", text=text, offset=0)
    return Given(tuple(sorted(set(found_))))


def same_words(stated: Stated, value: tuple[Any, ...]) -> Finding:
    return Finding(tuple(stated.value) == tuple(value))


def state_ranking(
    text: str, spec: Mapping[str, Any]
) -> tuple[tuple[str, ...], dict[str, Any]]:
    found = ranked(text)
    if not found:
        raise BadInput("the key ranks nothing: write D, B, A, C")
    return found, {"items": found}


def ranked(text: str) -> tuple[str, ...]:
    """The items in order; ties stand together: (B = D)."""
    guard(text)
    if (
        re.search(r"\.\.\.|…|\\l?dots", text)
        or ">" in text
        and re.search(r"[,;]", text)
    ):
        raise BadInput(
            "write the whole order, with one sign between the items",
            text=text,
            offset=0,
        )
    bare = re.sub(r"\\(?:text|mathrm)\s*\{([^{}]*)\}", r" \1 ", text)
    bare = re.sub(r"\\succ|\\gt|\\rightarrow|\\to|→|≻|->|\bthen\b", ">", bare)
    bare = re.sub(r"\\[,;:! ]|\\q?quad|(?<!\\)\$", " ", bare).strip(" .()[]")
    if re.search(r"\bor\b|\bmaybe\b|\bnot\b|\?", bare, re.I):
        raise BadInput(
            "one order is asked for, without or, not and maybe", text=text, offset=0
        )
    if re.fullmatch(r"[A-Z]{2,12}", bare):
        return tuple(bare)
    bare = re.sub(r"(?<![=\s])\s*=\s*", "=", bare)
    pieces = [
        p.strip(" .()[]") for p in re.split(r"[,;>\n]|\s+", bare) if p.strip(" .()[]")
    ]
    if len(pieces) > 60:
        raise BadInput("this ranking is too long", text=text, offset=0)
    turned = "<" in pieces
    pieces = [p for p in pieces if p != "<"]
    found = tuple("=".join(sorted(p.split("="))) for p in pieces)
    return found[::-1] if turned else found


def read_ranking(stated: Stated, text: str) -> Given:
    found = ranked(text)
    known = {i for item in stated.value for i in item.split("=")}
    known |= set(map(str, stated.settings.get("options") or ()))
    spelt = {k.casefold(): k for k in known}
    if len(spelt) == len(known):  # capitals tell no two apart
        found = tuple(
            "=".join(sorted(spelt.get(i.casefold(), i) for i in item.split("="))) for item in found
        )
    given = [i for item in found for i in item.split("=")]
    strangers = [g for g in given if g not in known]
    if strangers and not all(len(g) == 1 for g in strangers):
        raise BadInput(f"{strangers[0][:30]!r} is none of the items", text=text,
                       offset=max(0, text.find(strangers[0])))  # fmt: skip
    return Given(found)


# -- complexity ---------------------------------------------------------------------------

CLASS = re.compile(
    r"\s*(?:\\mathcal\s*\{?\s*O\s*\}?|\\mathrm\s*\{\s*O\s*\}|\\Theta|Θ|Theta|Ω|\\Omega|O|o)\s*"
    r"(?:\\left)?\s*\((.*?)(?:\\right)?\)\s*\.?\s*$", re.S,
)  # fmt: skip


FAR = 40  # how much faster than the others one letter grows


def class_of(text: str, spec: Mapping[str, Any], strict: bool) -> Expr:
    bare = undressed(text)
    bare = re.sub(r"(?<!\\)\$", " ", bare).strip()
    if re.match(r"\s*(?:\\Omega|Ω|o\s*\()", bare):
        raise BadInput("the answer is a bound from above, O(…)", text=text, offset=0)
    found = CLASS.match(bare)
    inside = found[1] if found else bare
    e = read_written(inside, names_for(spec, strict))
    if isinstance(e, (Group, Relation, Logic)):
        raise BadInput("expected O(…) of one expression", text=text, offset=0)
    return e


def state_class(text: str, spec: Mapping[str, Any]) -> tuple[Expr, dict[str, Any]]:
    return class_of(text, spec, False), {}


def read_class(stated: Stated, text: str) -> Given:
    return Given(class_of(text, stated.names, True))


def same_class(stated: Stated, value: Expr) -> Finding:
    """Whether the ratio of the two tends to a constant as all letters grow, on every ray."""
    from solver.answers.agreement import attempted, fifty_digits
    from solver.answers.lines import variables
    from solver.expressions.arrays import Array
    from solver.expressions.worlds import Letters, World

    key, digits = stated.value, fifty_digits()
    if key == value:
        return Finding(True)
    letters = Letters(
        dict.fromkeys(variables(key, value), "positive"), {}, (key, value)
    )
    names = variables(key, value)
    if not names:
        return Finding(not variables(key) and not variables(value) or None)
    names = sorted({*names, *(n.name for t in (key, value) for n in walk(t)
                              if isinstance(n, Sym) and n.name == "i")})  # fmt: skip
    letters.kinds.update(dict.fromkeys(names, "positive"))
    rays: list[dict[str, Any]] = [
        {n: 1 + (hash_of(n, r) % 5) for n in names} for r in range(4)
    ]
    rays += [{n: FAR if n == one else 1 for n in names} for one in names]
    rays += [{n: 1 if n == one else FAR for n in names} for one in names]
    bases = (10**150, 10**1500)
    if any(is_steep(n) for n in walk(key)):  # 2^n has no value there
        slower = Fraction(7, 10)
        rays = [
            {n: slower if n == one else Fraction(1) for n in names}
            for one in ("", *names)
        ]
        bases = (300, 3000)
    constants = []
    for ray in rays:
        ratios = []
        for base in bases:
            at = {n: digits.num(base) ** digits.num(k) for n, k in ray.items()}
            world = [World(letters, 1, digits, "positive", at) for _ in (0, 1)]
            a, b = attempted(key, world[0]), attempted(value, world[1])
            if isinstance(b, TooLarge) and not isinstance(a, Exception):
                return Finding(False, "It grows faster.")
            bad = isinstance(a, (Exception, Array, bool)) or isinstance(
                b, (Exception, Array, bool)
            )
            if bad or not a:
                return Finding(None, "It cannot be computed at large numbers.")
            ratios.append(b / a)
        if (
            not (ratios[0] > 0 and ratios[1] > 0)
            or abs(ratios[1] / ratios[0] - 1) > 0.02
        ):
            return Finding(False)
        constants.append(ratios[1])
    # A constant may differ from ray to ray, as in n + m for n + 2m, but is bounded.
    return Finding(bool(max(constants) < 20 * min(constants)))


def is_steep(n: Expr) -> bool:
    """2^n, e^n, n!"""
    if isinstance(n, Call):
        return n.args[0] in ("exp", "factorial", "sinh", "cosh")
    return isinstance(n, Pow) and any(
        isinstance(x, (Sym, Index)) for x in walk(n.args[1])
    )


def hash_of(name: str, r: int) -> int:
    return sum(ord(c) * (i + 3 + r) for i, c in enumerate(name)) + 7 * r


# -- prose --------------------------------------------------------------------------------
