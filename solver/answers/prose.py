"""Answers in prose: what of a rubric is found, with the passage; a person marks it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from solver.answers.agreement import Finding
from solver.answers.given import Given
from solver.answers.stated import Point, Rubric, Stated
from solver.core import BadInput
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def state_prose(text: str, spec: Mapping[str, Any]) -> tuple[Rubric, dict[str, Any]]:
    """The rubric: [[points]] with what they say and the words that show it."""
    points = []
    for i, p in enumerate(spec.get("rubric", ())):
        if not isinstance(p, Mapping) or not isinstance(p.get("says"), str):
            raise BadInput(
                'a point of a rubric has what it says: { says = "…", shows = ["…"] }'
            ).at(f"rubric {i + 1}")
        for key in p:
            if key not in ("says", "shows", "points"):
                known = ["says", "shows", "points"]
                raise unknown("key of a rubric's point", str(key), known).at(
                    f"rubric {i + 1}"
                )
        shows = p.get("shows", [])
        if not isinstance(shows, list):
            raise BadInput("shows is a list of words, or of lists of alternatives").at(
                f"rubric {i + 1}"
            )
        groups = tuple(
            tuple(map(str, g)) if isinstance(g, list) else (str(g),) for g in shows
        )
        worth = p.get("points", 1)
        if isinstance(worth, bool) or not isinstance(worth, (int, float)) or worth < 0:
            raise BadInput("the points of a rubric are numbers").at(f"rubric {i + 1}")
        points.append(Point(p["says"], groups, worth))
    return Rubric(points, text), {}


def read_prose(stated: Stated, text: str) -> Given:
    if not text.strip():
        raise BadInput("there is no answer")
    if len(text) > 20_000:
        raise BadInput(f"the answer has {len(text):,} characters; at most 20,000")
    return Given(text)


def same_prose(stated: Stated, value: str) -> Finding:
    """Never decided here: what was found of the rubric, each with the passage."""
    lines = []
    for point in stated.value:
        found = passage(point, value)
        lines.append(f"{'found' if found else 'not found'}: {point.says}" + (
            f" — “{found}”" if found else ""))  # fmt: skip
    head = "A person marks prose. "
    return Finding(
        None,
        head
        + "; ".join(lines)
        + ("." if lines else "What it says is the marker's to judge."),
    )


def passage(point: Point, text: str) -> str:
    """The sentence that has each of a point's words, in one of their forms; or nothing."""
    if not point.shows:
        return ""
    sentences = [s.strip() for s in re.split(r"(?<=[.!?;])\s+|\n+", text) if s.strip()]
    windows = sentences + [f"{a} {b}" for a, b in zip(sentences, sentences[1:])]
    for window in windows:
        low = window.casefold()
        if all(any(w.casefold() in low for w in group) for group in point.shows):
            return window if len(window) <= 160 else window[:157] + "…"
    return ""
