"""Answers of several values: which of them are right, partial credit, the others explained."""

from __future__ import annotations

from collections.abc import Mapping

from solver.core import Problem, Verdict
from solver.grading.explain import general
from solver.grading.matching import entry, matches
from solver.kinds import mistakes
from solver.kinds.fit import fits
from solver.mistaken.feedback import SAID
from solver.order import reorder
from solver.values import NAMES, Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def by_entries(
    problem: Problem,
    right: Mapping[str, Any],
    given: Mapping[str, Any],
    understood: str,
    order: str,
    known: Any = None,
) -> Verdict:
    """Points for the entries that are right; the mistakes of the others."""
    found = {k: entry(right[k], given[k], known) for k in right if k in given}
    whole = [
        m for m in mistakes(problem)
        if isinstance(m.value, Mapping) and len(m.value) == len(right)
        and matches(reorder(m.value, order), given, known)[0]
    ]  # fmt: skip
    if whole:
        return Verdict("wrong", 0, whole[0].name, whole[0].feedback, understood)
    good = [k for k in right if found.get(k)]
    off = [k for k in right if k in given and not found.get(k)]
    open_ = [k for k in right if found.get(k, False) is None]
    said = [f"Not right: {', '.join(map(called, off))}."] if off else []
    missing = [called(k) for k in right if k not in given]
    if missing:
        said.append(f"Missing: {', '.join(missing)}.")
    names: list[str] = []
    explained: set[str] = set()
    for one in mistakes(problem):
        if not isinstance(one.value, Mapping) or len(one.value) >= len(right):
            continue
        entries = one.value.items()
        if explained & one.value.keys() or any(
            found.get(k) is not False for k, _ in entries
        ):
            continue
        if all(matches(reorder(w, order), given[k], known)[0] for k, w in entries):
            names.append(one.name)
            said.append(f"{', '.join(called(k) for k, _ in entries)}: {one.feedback}")
            explained |= one.value.keys()
    for k in off:
        if k not in explained and found[k] is False:
            name, why = general(right[k], given[k])
            if name:
                names.append(name)
                said.append(f"{called(k)}: {why}")
    if good and len(off) == 1 and "total" in off[0] and not missing and not names:
        names.append("total_wrong")
        said.append(SAID["total_wrong"])
    name = next((n for n in names if n), "")
    feedback = " ".join(said)
    if open_ and len(good) + len(open_) == len(right):
        return Verdict("undecided", 0, "", feedback, understood)
    if good:
        part = round(problem.points * len(good) / len(right), 2)
        return Verdict("partly", part, name, feedback, understood)
    return Verdict("wrong", 0, name, feedback, understood)


def called(name: str) -> str:
    """An entry as people call it."""
    return NAMES.get(name, name).replace("_", " ")


def by_options(
    problem: Problem, right: Options, given: Options, understood: str
) -> Verdict:
    """Some of the combinations asked for."""
    good = [g for g in given if g in right]
    bad = [g for g in given if g not in right]
    if bad and all(fits(problem, g) for g in bad):
        said = (
            "This fits too, but outside what the key searched: a person has to decide."
        )
        return Verdict("undecided", 0, "", said, understood)
    bad = [g for g in bad if not fits(problem, g)]
    if bad or not good:
        said = "; ".join(", ".join(f"{k} = {v}" for k, v in b.items()) for b in bad
                         if isinstance(b, Mapping))  # fmt: skip
        return Verdict(
            "wrong", 0, "", f"This does not fit: {said}." if said else "", understood
        )
    part = round(problem.points * len(good) / len(right), 2)
    said = f"Right, and there are {len(right) - len(good)} more."
    return Verdict("partly", part, "", said, understood)
