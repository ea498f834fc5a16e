"""Inputs other than the ones given: the right method with another kernel, stride or padding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from solver.core import BadInput, CheckFailed, Problem
from solver.kinds import find, solve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FAMILIES = ("shape", "count", "field", "update")
# What a problem that does not name it means, and what people put there.
UNSAID = {"padding": (0, (1, 2)), "stride": (1, (2,)), "dilation": (1, (2,))}
NAME, MOST = "other_inputs", 24


@lru_cache(maxsize=128)
def elsewhere(problem: Problem) -> tuple[tuple[str, Any], ...]:
    """(what is said, value) for each input changed: by one, doubled, or another's value."""
    if problem.kind.split()[0] not in FAMILIES:
        return ()
    found = []
    for name, was, new in list(changes(problem))[:MOST]:
        given = {**problem.given, name: new}
        try:
            value = solve(replace(problem, given=given)).value
        except (BadInput, CheckFailed):
            continue
        found.append((f"This is the answer for {name} {new}; here it is {was}.", value))
    return tuple(found)


def changes(problem: Problem) -> Iterator[tuple[str, int, int]]:
    """(input, its value, another) for the whole numbers of a problem."""
    whole = {k: v for k, v in problem.given.items() if type(v) is int}
    for name, value in whole.items():
        others = [value - 1, value + 1, 2 * value, *whole.values()]
        for new in dict.fromkeys(others):
            if new != value and new >= 0:
                yield name, value, new
    params = {p.name for p in find(problem.kind).params}
    for name, (usual, tried) in UNSAID.items():
        if name in params and name not in problem.given:
            for new in tried:
                yield name, usual, new
