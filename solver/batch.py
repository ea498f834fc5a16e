"""Batches: JSON lines in, JSON lines out; one bad line never stops the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from solver.core import BadInput, CheckFailed, Problem
from solver.kinds import solve
from solver.render import answer_json, verdict_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST = 1_000_000
KEYS = ("id", "kind", "given", "answer")


def answered(lines: Iterable[bytes]) -> Iterator[str]:
    """For each line `{"id", "kind", "given", "answer"?}` a line with the value, the steps
    and the checks, and a verdict where an answer was given; or with the error."""
    for number, raw in enumerate(lines, 1):
        if raw.strip():
            yield json.dumps(one(raw, number), ensure_ascii=False)


def one(raw: bytes, number: int) -> dict[str, Any]:
    """The record of one line; it never raises."""
    id: Any = None
    try:
        question = read(raw)
        id = question.get("id", number) if isinstance(question, dict) else None
        expect(question)
        problem = Problem(question["kind"], question.get("given", {}))
        answer = solve(problem)
        found: dict[str, Any] = {"id": id, **answer_json(answer)}
        if "answer" in question:
            from solver.grading import compare

            found["verdict"] = verdict_json(
                compare(problem, answer, str(question["answer"]))
            )
        return found
    except BadInput as e:
        error: dict[str, Any] = {"type": "BadInput", "message": e.message}
        if e.where:
            error["where"] = e.where
        if e.text:
            error |= {"text": e.text[:200], "offset": e.offset}
    except CheckFailed as e:
        error = {"type": "CheckFailed", "message": str(e)}
    except Exception as e:  # a bug of ours: said so, and the next line goes on
        error = {"type": "Internal", "message": f"{type(e).__name__}: {e}"[:300]}
    return {"id": id, "error": error, "line": number}


def read(raw: bytes) -> Any:
    """The data on a line."""
    if len(raw) > LONGEST:
        raise BadInput(f"the line has {len(raw):,} bytes; at most {LONGEST:,}")
    try:
        return json.loads(raw)
    except UnicodeDecodeError:
        raise BadInput("the line is not UTF-8") from None
    except RecursionError:
        raise BadInput("the line is nested too deeply") from None
    except ValueError as e:
        raise BadInput(f"not JSON: {e}") from None


def expect(question: Any) -> None:
    """Refuse what is not a question: an object with a kind, and given as an object."""
    if not isinstance(question, dict) or not isinstance(question.get("kind"), str):
        raise BadInput(
            'expected an object such as {"id": 1, "kind": "shape conv", "given": {}}'
        )
    for key in question:
        if key not in KEYS:
            from solver.registry import unknown

            raise unknown("key", key, list(KEYS))
    if not isinstance(question.get("given", {}), dict):
        raise BadInput("given is an object of named values")
