"""Mistakes as a problem's file lists them: a value in plain data, and what to say."""

from __future__ import annotations

from collections.abc import Mapping

from solver.core import BadInput, Mistake
from solver.values import Matrix, Record, Shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def read_mistake(entry: Any, order: str, where: str) -> Mistake:
    """A mistake listed in the file: the value that it gives, and what to say.

    Shapes stand in the course's order, as a student would write them.
    """
    if not isinstance(entry, Mapping) or not {"value", "feedback"} <= set(entry):
        raise BadInput("a mistake has a value and its feedback").at("mistakes")
    value = as_value(entry["value"], order)
    return Mistake(str(entry.get("name", "")), value, str(entry["feedback"]).strip())


def as_value(data: Any, order: str) -> Any:
    """A value from plain data: numbers as a shape, rows of numbers as a matrix."""
    if isinstance(data, Mapping):
        return Record({k: as_value(v, order) for k, v in data.items()})
    if isinstance(data, list) and data and all(isinstance(x, list) for x in data):
        return Matrix(tuple(row) for row in data)
    if isinstance(data, list) and all(isinstance(x, int) for x in data):
        if len(data) == 3:
            return Shape((data[-1], *data[:-1]) if order == "HWC" else data, "CHW")
        return Shape(data)
    if isinstance(data, (int, float, str)) and data == data:
        return data
    raise BadInput(
        f"expected a number, a shape or rows of numbers, not {data!s:.40}"
    ).at("value")
