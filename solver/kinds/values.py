"""Several questions answered together: one named value each, from any kind."""

from __future__ import annotations

from collections.abc import Mapping

from solver.core import Answer, BadInput, Check, Picture, Problem, Step, every
from solver.given import Param
from solver.kinds import Kind, solve
from solver.values import NAMES, Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 60


def resolve(name: str) -> Kind | None:
    """The kind `values`, which has no second word."""
    return None if name else VALUES


def several(*, parts: Mapping[str, Any]) -> Answer:
    """Several named values, each answered by its own kind.

    Entries of one answer are taken from it together: it is worked out, and shown, once.
    """
    if not parts or len(parts) > MOST:
        raise BadInput(f"values takes 1 to {MOST} named parts, not {len(parts)}")
    found, checks, notes = Record(), list[Check](), dict[str, list[str]]()
    steps: list[Step] = []
    conditions: dict[str, None] = {}
    pictures: list[Picture] = []
    solved: dict[str, Answer] = {}
    for name, spec in parts.items():
        before = len(solved)
        answer, value = one(name, spec, solved)
        found[name] = value
        title = NAMES.get(name, name).replace("_", " ")
        fresh = len(solved) > before or "entry" not in spec
        steps.append(Step(title, None, value, substeps=answer.steps if fresh else ()))
        checks += answer.checks
        pictures += answer.pictures
        conditions |= dict.fromkeys([answer.condition] if answer.condition else [])
        for note in answer.conventions:
            notes.setdefault(note, []).append(title)
    said = tuple(
        note if len(names) == len(parts) or not contradicted(note, notes)
        else f"{', '.join(names)}: {note}"
        for note, names in notes.items()
    )  # fmt: skip
    return Answer(found, tuple(steps), every(checks), "values",
                  " and ".join(conditions), said, pictures=tuple(pictures))  # fmt: skip


def contradicted(note: str, notes: Mapping[str, Any]) -> bool:
    """Whether another part follows the opposite convention."""
    words = set(note.split()) - {"not"}
    return any(other != note and set(other.split()) - {"not"} == words for other in notes)


def one(name: str, spec: Any, solved: dict[str, Answer]) -> tuple[Answer, Any]:
    """One part's answer, and its value, or the entry of it that is asked for.

    A list of parts is answered by the list of their values. `solved`: the answers so far,
    by what was asked.
    """
    if isinstance(spec, (list, tuple)):
        each = [one(f"{name} {i + 1}", s, solved) for i, s in enumerate(spec)]
        joined = Answer(
            None,
            tuple(answer.steps[0] if len(answer.steps) == 1
                  else Step(f"value {i + 1}", None, value, substeps=answer.steps)
                  for i, (answer, value) in enumerate(each)),
            tuple(c for answer, _ in each for c in answer.checks),
            condition=" and ".join(dict.fromkeys(a.condition for a, _ in each if a.condition)),
            conventions=tuple(dict.fromkeys(n for a, _ in each for n in a.conventions)),
            pictures=tuple(p for a, _ in each for p in a.pictures),
        )
        return joined, Listing(value for _, value in each)
    if not isinstance(spec, Mapping) or "kind" not in spec:
        raise BadInput(f"{name} needs a kind: {{ kind = \"shape net\", net = … }}")
    given = {k: v for k, v in spec.items() if k not in ("kind", "entry")}
    asked = repr((spec["kind"], sorted(given.items())))
    try:
        if asked not in solved:
            solved[asked] = solve(Problem(spec["kind"], given))
        answer = solved[asked]
        if "entry" not in spec:
            return answer, answer.value
        if isinstance(spec["entry"], int) and isinstance(answer.value, tuple):
            if not -len(answer.value) <= spec["entry"] < len(answer.value):
                raise BadInput(f"there is no entry {spec['entry']}: {len(answer.value)} from 0")
            return answer, answer.value[spec["entry"]]
        if not isinstance(answer.value, Mapping) or spec["entry"] not in answer.value:
            known = ", ".join(answer.value) if isinstance(answer.value, Mapping) else "none"
            raise BadInput(f"{spec['kind']} has no entry {spec['entry']!r} (there are: {known})")
        return answer, answer.value[spec["entry"]]
    except BadInput as e:
        raise e.at(name) from None


VALUES = Kind("values", several.__doc__ or "", (Param("parts", "Table"),), several)
