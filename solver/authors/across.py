"""Checks that compare: a part's variants with each other, a set's parts with its networks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction

from solver.authors.cases import Case, Part, Sheet, check
from solver.expressions.nodes import letters
from solver.expressions.parse import parse
from solver.placeholders import PLACE, PROSE
from solver.values import same, show, to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\{,\}\d+)*(?:\.\d+)?")
FACTOR = re.compile(r"\d+(?=[A-Za-z])")  # 2h in a formula is no 2
GROUPED = re.compile(r"(?<=\d)(?:,|\{,\})(?=\d{3}(?!\d))")


def strings(data: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in data, with the key that it stands under."""
    if isinstance(data, dict):
        for k, v in data.items():
            yield from strings(v, k)
    elif isinstance(data, list):
        for v in data:
            yield from strings(v, key)
    elif isinstance(data, str):
        yield key, data


def numbers(*data: Any) -> set[Fraction]:
    """Every number in data and its texts."""
    found: set[Fraction] = set()
    for one in data:
        if isinstance(one, dict):
            found |= numbers(*one.values())
        elif isinstance(one, (list, tuple)):
            found |= numbers(*one)
        elif isinstance(one, str):
            texts = (m[0].rstrip(",") for m in NUMBER.finditer(GROUPED.sub("", one)))
            found |= {Fraction(t) for text in texts for t in text.split(",") if t}
        elif isinstance(one, (int, float)) and abs(one) < 1e18:
            found.add(Fraction(repr(one) if isinstance(one, float) else one))
    return found


def used(entry: Any) -> tuple[set[str], set[str]]:
    """The names in placeholders: in what people read, and in what programs do."""
    read, done = set[str](), set[str]()
    for key, text in strings({k: v for k, v in entry.items() if k != "variants"}):
        for m in PLACE.finditer(text):
            try:
                own = {s.name for s in letters(parse(m[1], "count"))}
            except ValueError:
                own = {m[1].strip()}
            (read if key in PROSE else done).update(own | {m[1].strip()})
    return read, done


@check(Part)
def parameters_are_used(part: Part) -> Iterator[str]:
    """A parameter that changes nothing, or that the question does not tell."""
    if part.varied is None:
        return
    read, done = used(part.entry)
    asked = used({"prompt": part.entry.get("prompt", "")})[0]
    shared = isinstance(part.entry["variants"], str)
    for name in part.varied.parameters.values:
        if name not in read | done:
            if not shared:
                yield f"the parameter {name} is used nowhere: write <{name}>"
        elif name not in asked and name in done:
            yield f"the parameter {name} is not told in the prompt: write <{name}>"


@check(Part)
def variants_differ(part: Part) -> Iterator[str]:
    """No variants, two that ask the same, or all with the same answer."""
    if part.varied is None:
        return
    if not part.varied.parameters.numbered:
        yield "it has no variant besides the set's own: the conditions leave none"
    seen: dict[str, int] = {}
    again = []
    for case in part.cases:
        asked = repr((case.problem.prompt, case.problem.given))
        if asked in seen:
            again.append(f"variants {seen[asked]} and {case.number}")
        seen.setdefault(asked, case.number)
    if again and not isinstance(
        part.entry["variants"], str
    ):  # another part's may vary more
        more = f", and {len(again) - 1} more pairs" if len(again) > 1 else ""
        yield f"{again[0]} ask the same{more}"
    found = [case.answer.value for case in part.cases]
    if len(found) > 1 and alike(found):
        yield f"every variant has the answer {show(found[0])}: vary what it depends on"


@check(Part)
def mistakes_vary(part: Part) -> Iterator[str]:
    """A listed mistake that stays the same number while the answer varies."""
    if part.varied is None:
        return
    for i, one in enumerate(part.problem.mistakes):
        values = [c.problem.mistakes[i].value for c in part.cases]
        right = [about(c.answer.value, one.value) for c in part.cases]
        if numbers(to_json(one.value)) and alike(values) and not alike(right):
            said = "is the same in every variant: write it with <…>"
            yield f"the mistake {show(one.value)} {said}"


def about(right: Any, wrong: Any) -> Any:
    """The answer, or those of its named values that a mistake is about."""
    if isinstance(right, Mapping) and isinstance(wrong, Mapping):
        return [v for k, v in right.items() if k in wrong]
    return right


def alike(values: list[Any]) -> bool:
    """Whether these are all the same."""
    return all(same(values[0], v) is True for v in values[1:])


@check(Part)
def no_other_variants_numbers(part: Part) -> Iterator[str]:
    """A text with a number of the set's own values that this variant does not have."""
    if part.varied is None or not part.cases or part.cases[0].number:
        return
    own, *others = part.cases
    told = {k: v for k, v in part.entry.items() if k in ("title", "prompt", "note")}
    texts = [*told.items(), *strings(part.entry.get("mistakes", []))]
    bare = [(k, FACTOR.sub(" ", PLACE.sub(" ", t))) for k, t in texts if k in PROSE]
    fixed = {(k, n) for k, t in bare for n in numbers(t)}
    left: dict[tuple[str, Fraction], int] = {}
    for case in others:
        gone = known(own) - known(case)
        lost = numbers(own.problem.given) - numbers(case.problem.given)
        for key, n in fixed:
            if n in (lost if key == "prompt" else gone):
                left.setdefault((key, n), case.number)
    for (key, n), number in sorted(left.items()):
        yield f"{key}: {n} is the set's own number; variant {number} has none such"


def known(case: Case) -> set[Fraction]:
    """The numbers of a variant: asked, given and answered, right or wrong."""
    values = [to_json(m.value) for m in case.problem.mistakes]
    return numbers(
        case.problem.prompt, case.problem.given, to_json(case.answer.value), values
    )


@check(Sheet)
def networks_are_used(sheet: Sheet) -> Iterator[str]:
    """A network of the set that no part of it names."""
    named = {text for _, text in strings(sheet.data["problem"])}
    for name in sheet.whole.networks:
        if name not in named:
            yield f"the network {name} is used by no part"
