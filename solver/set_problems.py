"""One [[problem]] of a set: its table in, a Problem out; errors name the key.

The set's networks are put in by name and its conventions as defaults. In a set shapes are
written channels first, whatever order it shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from solver.core import BadInput, Mistake, Problem
from solver.kinds import Kind, find, names
from solver.registry import unknown
from solver.values import Matrix, Record, Shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PROBLEM_KEYS = (
    "id", "title", "prompt", "points", "kind", "given", "values", "conventions", "mistakes",
    "note", "follows", "credit", "follow_credit", "demonstration", "rounded", "tol",
    "figure", "variants",
)  # fmt: skip
ORDERS = ("CHW", "HWC")


def expect(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Refuse a key that nothing reads."""
    for key in table:
        if key not in known:
            raise unknown("key", key, list(known)).at(where)


def expect_own(entry: Mapping[str, Any], where: str) -> None:
    """Refuse a key of a [[problem]] that nothing reads; say so where it is one of given."""
    for key in entry:
        if key in PROBLEM_KEYS:
            continue
        kind = entry.get("kind", "")
        if isinstance(kind, str) and kind.split()[:1]:
            try:
                inside = key in [p.name for p in find(kind).params]
            except BadInput:
                inside = False  # the kind's own error is told when it is read
            if inside:
                raise BadInput(
                    f"{key} is given to {kind}: write it below [problem.given], "
                    f"or given = {{ {key} = … }}"
                ).at(where)
        raise unknown("key", key, list(PROBLEM_KEYS)).at(where)


def text(table: Mapping[str, Any], key: str, where: str) -> str:
    """A text value, or nothing."""
    value = table.get(key, "")
    if not isinstance(value, str):
        raise BadInput(f"expected text, not {value!r:.40}").at(f"{where}: {key}")
    return value.strip()


def mapping(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    """A table value, or an empty one."""
    value = table.get(key, {})
    if not isinstance(value, Mapping):
        raise BadInput("expected a table").at(f"{where}: {key}")
    return value


def tables(table: Mapping[str, Any], key: str) -> list[Any]:
    """A list of tables, or none."""
    value = table.get(key, [])
    if not isinstance(value, list):
        raise BadInput("expected [[tables]], or a list of them").at(key)
    return value


def read_problem(
    entry: Mapping[str, Any],
    where: str,
    conventions: Mapping[str, Any],
    networks: Mapping[str, Any],
) -> Problem:
    """One [[problem]]: its kind is known and its given fits the kind's schema."""
    expect_own(entry, where)
    id = text(entry, "id", where)
    if not id:
        raise BadInput('it has no id, by which it is asked for: id = "1a"').at(where)
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,60}", id):
        expected = "is not letters, digits, dots and dashes"
        raise BadInput(f"the id {id!r} {expected}").at(where)
    points = entry.get("points", 1)
    numeric = isinstance(points, (int, float)) and not isinstance(points, bool)
    if not numeric or not 0 <= points <= 1000:
        expected = "points are a number from 0 to 1000"
        raise BadInput(f"{expected}, not {points!r:.40}").at(where)
    if not isinstance(entry.get("figure", True), bool):
        raise BadInput("figure is true or false").at(f"{where}: figure")
    own = mapping(entry, "conventions", where)
    course = {**conventions, **own}
    try:
        expect_conventions(own, kinds_in([entry]))
        if "values" in entry and ("kind" in entry or "given" in entry):
            raise BadInput("give a kind with given, or [problem.values], not both")
        if "values" in entry:
            kind = find("values")
            parts = {
                name: known_part(spec, course, networks)
                for name, spec in mapping(entry, "values", where).items()
            }
            given: dict[str, Any] = {"parts": parts}
            for name, spec in parts.items():
                try:
                    check_given(spec)
                except BadInput as e:
                    raise e.at(f"values: {name}") from None
        else:
            name = text(entry, "kind", where)
            if not name:
                raise BadInput(
                    'it has no kind: kind = "shape conv" (`pset kinds` lists them), or '
                    "several in [problem.values]"
                )
            kind = find(name)
            given = known_given(kind, mapping(entry, "given", where), course, networks)
            kind.read(given)
        order = course_order(course)
        listed = tuple(read_mistake(m, order, where) for m in tables(entry, "mistakes"))
        follows = read_follows(entry, kind)
        allows = read_allowed(entry)
        demonstrations = read_demonstrations(entry, course, networks, order, id)
        shares = [share(entry, k, d) for k, d in (("credit", 0.5), ("follow_credit", 1.0))]
    except BadInput as e:
        raise e.at(where) from None
    return Problem(
        kind.name,
        given,
        id,
        text(entry, "title", where),
        text(entry, "prompt", where),
        points,
        listed,
        text(entry, "note", where),
        order,
        shares[0],
        follows,
        shares[1],
        course.get("comma") is True,
        allows,
        demonstrations,
        entry.get("figure"),
    )


def read_allowed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """How far off an answer may be: rounded = true, tol = 0.03 or { rel = 0.01 }."""
    if not isinstance(entry.get("rounded", True), bool):
        raise BadInput("rounded is true or false").at("rounded")
    found: dict[str, Any] = {"rounded": True} if entry.get("rounded") else {}
    if "tol" in entry:
        tol = entry["tol"] if isinstance(entry["tol"], Mapping) else {"abs": entry["tol"]}
        if not set(tol) <= {"abs", "rel"} or not all(
            isinstance(v, (int, float)) and 0 <= v < 1e9 for v in tol.values()
        ):
            raise BadInput("a tolerance is a number, or { abs = 0.01 } or { rel = 0.05 }").at("tol")
        found["tol"] = tol
    return found


def read_demonstrations(
    entry: Mapping[str, Any],
    conventions: Mapping[str, Any],
    networks: Mapping[str, Any],
    order: str,
    id: str,
) -> tuple[Problem, ...]:
    """What the key works out below its answer, to show what it claims: a table (or a list
    of them) with a kind, what is given, and what the outcome `says`."""
    written = entry.get("demonstration", [])
    found = []
    for table in [written] if isinstance(written, Mapping) else written:
        if not isinstance(table, Mapping):
            raise BadInput('a demonstration is { kind = "run pool", … }').at("demonstration")
        try:
            kind = find(text(table, "kind", "demonstration"))
            own = {k: v for k, v in table.items() if k not in ("kind", "says")}
            given = known_given(kind, own, conventions, networks)
            kind.read(given)
            says = text(table, "says", "demonstration")
        except BadInput as e:
            raise e.at("demonstration") from None
        found.append(Problem(kind.name, given, id, prompt=says, order=order))
    return tuple(found)


def read_follows(entry: Mapping[str, Any], kind: Kind) -> dict[str, str]:
    """The earlier parts that a part goes on from, each with the given of this one that is
    its answer: follows = { "3.2i" = "input" }."""
    follows = mapping(entry, "follows", "follows")
    names = [p.name for p in kind.params]
    for part, name in follows.items():
        if not isinstance(name, str) or name not in names:
            raise unknown(f"option of {kind.name}", str(name), names).at(f"follows: {part}")
    return {str(k): v for k, v in follows.items()}


def share(entry: Mapping[str, Any], key: str, default: float) -> float:
    """A share of a part's points, from 0 to 1."""
    value = entry.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise BadInput(f"a share of the points is a number from 0 to 1, not {value!r:.40}").at(key)
    return float(value)


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


def known_part(
    spec: Any, conventions: Mapping[str, Any], networks: Mapping[str, Any]
) -> Any:
    """A named part (or a list of them) with the set's networks and conventions put in."""
    if isinstance(spec, list):
        return [known_part(one, conventions, networks) for one in spec]
    if not isinstance(spec, Mapping):
        return spec
    return known_given(find(spec.get("kind", "")), spec, conventions, networks)


def check_given(spec: Any) -> None:
    """Read a named part's given against its kind, so that errors come when loading."""
    if isinstance(spec, list):
        for one in spec:
            check_given(one)
        return
    if not isinstance(spec, Mapping) or "kind" not in spec:
        raise BadInput('a part of values needs a kind: { kind = "shape net", net = … }')
    find(spec["kind"]).read(
        {k: v for k, v in spec.items() if k not in ("kind", "entry")}
    )


def known_given(
    kind: Kind,
    given: Mapping[str, Any],
    conventions: Mapping[str, Any],
    networks: Mapping[str, Any],
) -> dict[str, Any]:
    """What is given, the set's networks put in by name and its conventions as defaults."""
    found = dict(given)
    params = {p.name: p for p in kind.params}
    for key, value in found.items():
        name = params.get(key)
        if name and name.name == "net" and isinstance(value, str):
            found[key] = networks.get(value, value)
        if name and name.type == "Nets" and isinstance(value, list):
            found[key] = [
                networks.get(v, v) if isinstance(v, str) else v for v in value
            ]
    for key, value in conventions.items():
        if key in params and key not in found:
            found[key] = value
    return found


def read_mistake(entry: Any, order: str, where: str) -> Mistake:
    """A mistake listed in the file: the value that it gives, and what to say.

    Shapes stand in the course's order, as a student would write them.
    """
    if not isinstance(entry, Mapping) or not {"value", "feedback"} <= set(entry):
        raise BadInput(
            'a mistake is { value = …, feedback = "…" }: the value that it gives, and what '
            "to say"
        ).at("mistakes")
    expect(entry, ("name", "value", "feedback"), "mistakes")
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
