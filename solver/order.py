"""The order of an image's sizes: C×H×W inside, as the course writes it outside."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

from solver.core import Answer, Picture, Step
from solver.values import Listing, Options, Record, Shape, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def ordered(answer: Answer, order: str) -> Answer:
    """The answer with C×H×W shapes written in this order."""
    if order == "CHW":
        return answer
    said = tuple(
        c.replace("channels × height × width", "height × width × channels")
        for c in answer.conventions
    )
    steps = tuple(_step(s, order) for s in answer.steps)
    return replace(
        answer,
        value=reorder(answer.value, order),
        steps=steps,
        conventions=said,
        pictures=tuple(_picture(p, order) for p in answer.pictures),
    )


def _picture(picture: Picture, order: str) -> Picture:
    """A picture that writes shapes says their order."""
    if "order" not in picture.given:
        return picture
    asked = picture.asked and {**picture.asked, "order": order}
    return replace(picture, given={**picture.given, "order": order}, asked=asked)


def _step(step: Step, order: str) -> Step:
    return replace(
        step,
        after=reorder(step.after, order),
        substeps=tuple(_step(s, order) for s in step.substeps),
    )


def reorder(value: Any, order: str) -> Any:
    """C×H×W as H×W×C, inside lists and records too."""
    if isinstance(value, Shape):
        if value.order == "CHW" and order == "HWC":
            return Shape((*value[1:], value[0]), "HWC")
        return value
    if isinstance(value, Record):
        same_type = copy(value)  # gradients stay gradients, of their loss
        same_type.update({k: reorder(v, order) for k, v in value.items()})
        return same_type
    if isinstance(value, Options):
        return Options((reorder(v, order) for v in value), value.usual)
    if isinstance(value, Table):
        return Table(
            (tuple(reorder(c, order) for c in row) for row in value),
            value.columns,
            value.totals,
        )
    if isinstance(value, Listing):
        return Listing(reorder(v, order) for v in value)
    return value
