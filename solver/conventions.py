"""A course's conventions, as a set states them: which there are, and which of them it uses."""

from __future__ import annotations

from collections.abc import Mapping

from solver.core import BadInput
from solver.kinds import find, names
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ORDERS = ("CHW", "HWC")


def kinds_in(data: Any) -> set[str]:
    """The names that stand as kind anywhere in these tables."""
    if isinstance(data, Mapping):
        own = {data["kind"]} if isinstance(data.get("kind"), str) else set[str]()
        return own.union(*map(kinds_in, data.values()))
    if isinstance(data, list):
        return set[str]().union(*map(kinds_in, data))
    return set()


def expect_conventions(conventions: Mapping[str, Any], used: set[str]) -> None:
    """Refuse a convention that no kind knows; those used here are looked at first."""
    known = {"order", "comma"}
    for name in used if set(conventions) - known else ():
        try:
            known |= {p.name for p in find(name).params}
        except BadInput:
            continue  # the problem that names it will say so
    if set(conventions) <= known:
        return
    known |= {p.name for n in names() for p in find(n).params}
    for key in conventions:
        if key not in known:
            raise unknown("convention", key, sorted(known))


def course_order(conventions: Mapping[str, Any]) -> str:
    """The order of an image's sizes under these conventions."""
    order = conventions.get("order", "CHW")
    if order not in ORDERS:
        raise BadInput(f"order is CHW or HWC, not {order!r}")
    return str(order)
