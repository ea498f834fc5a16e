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

from solver.core import Answer, BadInput, CheckFailed, Problem
from solver.kinds import solve
from solver.order import ordered
from solver.registry import unknown
from solver.set_problems import (
    course_order,
    expect,
    expect_conventions,
    kinds_in,
    mapping,
    read_problem,
    text,
)
from solver.toml import load_toml
from solver.varied import Varied, parameters, read_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HOLE = re.compile(r"<[A-Za-z]\w*(?:\s*[-+*/]\s*\w+)*>")  # what looks like a placeholder
SET_KEYS = ("title", "course", "intro", "conventions", "networks", "problem")
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
    if str(name) not in known and Path(f"{name}.toml").exists():
        raise BadInput(
            f"no bundled problem set is called '{name}'; a file is named with its ending: "
            f"{name}.toml"
        )
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
            make = partial(read_problem, conventions=conventions, networks=networks)
            id = str(entry.get("id", i + 1))
            try:
                varied[id] = Varied(entry, parameters(entry, id, varied), place, make)
            except BadInput as e:
                raise e.at(f"{place}: variants") from None
            one = varied[id].problem(0)
        else:
            try:
                one = read_problem(entry, place, conventions, networks)
            except BadInput:
                no_placeholders(entry.get("given"), place)
                raise
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


def no_placeholders(given: Any, place: str) -> None:
    """Say why a part without variants cannot be read, where its given has <n>."""
    m = HOLE.search(str(given))
    if m:
        raise BadInput(
            f"{m[0]} stands for a value that varies, and this part has none: list its "
            "values below it in [problem.variants]"
        ).at(f"{place}: given")


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
