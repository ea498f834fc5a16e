"""Several questions answered together: one named value each, from any kind."""

from __future__ import annotations

from collections.abc import Mapping

from solver.core import Answer, BadInput, Check, Problem, Step
from solver.given import Param
from solver.kinds import Kind, solve
from solver.values import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 60


def resolve(name: str) -> Kind | None:
    """The kind `values`, which has no second word."""
    return None if name else VALUES


def several(*, parts: Mapping[str, Any]) -> Answer:
    """Several named values, each answered by its own kind."""
    if not parts or len(parts) > MOST:
        raise BadInput(f"values takes 1 to {MOST} named parts, not {len(parts)}")
    found, checks, notes = Record(), dict[str, Check](), dict[str, None]()
    steps: list[Step] = []
    for name, spec in parts.items():
        answer, value = one(name, spec)
        found[name] = value
        steps.append(Step(name.replace("_", " "), None, value, substeps=answer.steps))
        for c in answer.checks:
            checks[c.how] = Check(c.how, c.ok and (c.how not in checks or checks[c.how].ok))
        notes.update(dict.fromkeys(answer.conventions))
    return Answer(found, tuple(steps), tuple(checks.values()), "values", conventions=tuple(notes))


def one(name: str, spec: Any) -> tuple[Answer, Any]:
    """One part's answer, and its value, or the entry of it that is asked for."""
    if not isinstance(spec, Mapping) or "kind" not in spec:
        raise BadInput(f"{name} needs a kind: {{ kind = \"shape net\", net = … }}")
    given = {k: v for k, v in spec.items() if k not in ("kind", "entry")}
    try:
        answer = solve(Problem(spec["kind"], given))
        if "entry" not in spec:
            return answer, answer.value
        if not isinstance(answer.value, Mapping) or spec["entry"] not in answer.value:
            known = ", ".join(answer.value) if isinstance(answer.value, Mapping) else "none"
            raise BadInput(f"{spec['kind']} has no entry {spec['entry']!r} (there are: {known})")
        return answer, answer.value[spec["entry"]]
    except BadInput as e:
        raise e.at(name) from None


VALUES = Kind("values", several.__doc__ or "", (Param("parts", "Table"),), several)
