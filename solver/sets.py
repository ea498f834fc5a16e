"""Problem sets and submissions: TOML in, problems out; errors name file, problem and key.

A set has a title, its course's [conventions], [networks] that its parts use by name, and
[[problem]] tables. In a set shapes are written channels first, whatever order it shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path

from solver.conventions import course_order, expect_conventions, kinds_in
from solver.core import Answer, BadInput, CheckFailed, Problem
from solver.kinds import Kind, find, solve
from solver.listed import read_mistake
from solver.order import ordered
from solver.registry import unknown
from solver.toml import load_toml
from solver.varied import Varied, parameters, read_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SET_KEYS = ("title", "course", "intro", "conventions", "networks", "problem")
PROBLEM_KEYS = (
    "id", "title", "prompt", "points", "kind", "given", "values", "conventions", "mistakes",
    "note", "follows", "credit", "follow_credit", "demonstration", "rounded",
    "variants",
)  # fmt: skip


@dataclass(frozen=True)
class ProblemSet:
    """A problem set as its file states it."""

    name: str
    title: str
    problems: tuple[Problem, ...]
    course: str = ""
    intro: str = ""
    conventions: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    networks: Mapping[str, Any] = field(default_factory=dict)
    varied: Mapping[str, Varied] = field(default_factory=dict)  # the parts with variants
    variant: str = ""  # the label under which this is the set: see varied.read_label

    def under(self, label: str) -> ProblemSet:
        """The set as it is for whoever has this variant: "3", or "for Ada Lovelace"."""
        label = read_label(label)
        own = {id: v.problem(v.number(label, self.name)) for id, v in self.varied.items()}
        return replace(
            self,
            problems=tuple(own.get(p.id, p) for p in self.problems),
            variant=label,
        )

    def __getitem__(self, id: str) -> Problem:
        for p in self.problems:
            if p.id == id:
                return p
        raise unknown(f"part of {self.name}", id, [p.id for p in self.problems])

    @property
    def order(self) -> str:
        """The order in which this course writes an image's sizes."""
        return str(self.conventions.get("order", "CHW"))


def bundled() -> dict[str, Path]:
    """The problem sets that come with the program, by name."""
    from solver.render import folder

    return {p.stem: p for p in sorted(folder("problems").glob("*.toml"))}


def set_network(name: str) -> Any:
    """A network of a bundled set, by the set's name and its own: s0/cifar."""
    from solver.networks.notation import read_net

    owner, _, own = name.partition("/")
    networks = load_set(owner).networks
    if own not in networks:
        raise unknown(f"network of {owner}", own, list(networks))
    return replace(read_net(networks[own]), name=name)


def set_path(name: str | Path) -> Path:
    """The file of a set, or of a bundled one by its name. Raises BadInput."""
    path = Path(name)
    if path.suffix == ".toml" or path.exists():
        return path
    known = bundled()
    if str(name) not in known:
        raise unknown("problem set", str(name), list(known))
    return known[str(name)]


def load_set(name: str | Path) -> ProblemSet:
    """A problem set from a file, or a bundled one by its name. Raises BadInput."""
    path = set_path(name)
    try:
        written = path.stat()
        return read_set(path, (written.st_mtime_ns, written.st_size))
    except OSError:
        return read_set(path, (0, 0))


@lru_cache(maxsize=16)
def read_set(path: Path, written: tuple[int, int]) -> ProblemSet:
    """The set in a file as it was at this time, of this size."""
    data = load_toml(path)
    where = str(path)
    expect(data, SET_KEYS, where)
    conventions = mapping(data, "conventions", where)
    try:
        course_order(conventions)
        expect_conventions(conventions, kinds_in(data.get("problem", [])))
    except BadInput as e:
        raise e.at(f"{where}: conventions") from None
    networks = mapping(data, "networks", where)
    entries = data.get("problem", [])
    if not isinstance(entries, list) or not all(
        isinstance(p, Mapping) for p in entries
    ):
        raise BadInput("problems are written as [[problem]] tables").at(where)
    title = text(data, "title", where)
    if not entries:
        raise BadInput("there is no [[problem]] in this set").at(where)
    problems: list[Problem] = []
    varied: dict[str, Varied] = {}
    for i, entry in enumerate(entries):
        place = f"{where}: problem {entry.get('id', i + 1)}"
        if "variants" in entry:
            make = partial(
                read_problem, where=place, conventions=conventions, networks=networks
            )
            id = str(entry.get("id", i + 1))
            try:
                varied[id] = Varied(entry, parameters(entry, id, varied), make)
            except BadInput as e:
                raise e.at(f"{place}: variants") from None
            one = varied[id].problem(0)
        else:
            one = read_problem(entry, place, conventions, networks)
        if any(one.id == other.id for other in problems):
            raise BadInput("two problems have this id").at(place)
        for part in one.follows:
            if not any(part == other.id for other in problems):
                raise BadInput(f"{part!r} is no earlier part").at(f"{place}: follows")
        problems.append(one)
    return ProblemSet(
        path.stem,
        title or path.stem,
        tuple(problems),
        text(data, "course", where),
        text(data, "intro", where),
        conventions,
        where,
        networks,
        varied,
    )


def expect(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Refuse a key that nothing reads."""
    for key in table:
        if key not in known:
            raise unknown("key", key, list(known)).at(where)


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
    expect(entry, PROBLEM_KEYS, where)
    id = text(entry, "id", where)
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,60}", id):
        raise BadInput(f"the id {id!r} is not letters, digits, dots and dashes").at(
            where
        )
    points = entry.get("points", 1)
    numeric = isinstance(points, (int, float)) and not isinstance(points, bool)
    if not numeric or not 0 <= points <= 1000:
        raise BadInput(f"points are a number from 0 to 1000, not {points!r:.40}").at(
            where
        )
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
            kind = find(text(entry, "kind", where))
            given = known_given(kind, mapping(entry, "given", where), course, networks)
            kind.read(given)
        order = course_order(course)
        listed = tuple(read_mistake(m, order, where) for m in tables(entry, "mistakes"))
        follows = read_follows(entry, kind)
        demonstrations = read_demonstrations(entry, course, networks, order)
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
        entry.get("rounded") is True,
        demonstrations,
    )


def read_demonstrations(
    entry: Mapping[str, Any],
    conventions: Mapping[str, Any],
    networks: Mapping[str, Any],
    order: str,
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
        found.append(Problem(kind.name, given, prompt=says, order=order))
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


def solve_part(whole: ProblemSet, problem: Problem) -> Answer:
    """A part's answer, sizes in the order in which the course writes them."""
    try:
        return ordered(solve(problem), problem.order or whole.order)
    except (BadInput, CheckFailed) as e:
        place = f"{whole.path or whole.name}: problem {problem.id}"
        if isinstance(e, BadInput):
            raise e.at(place) from None
        raise CheckFailed(f"{place}: {e}") from None


def solve_set(whole: ProblemSet) -> list[tuple[Problem, Answer]]:
    """Every part with its answer, in order."""
    return [(p, solve_part(whole, p)) for p in whole.problems]
