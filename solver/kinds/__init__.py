"""Kinds of question. A kind is a function from what is given to an Answer.

Its signature is the schema of `given` everywhere: TOML, batch lines, the command line.
The first word of its name is its family, which is a module here and a group of commands.
`shape <layer>` and the mistakes are registered the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from solver.core import Answer, BadInput, CheckFailed, Mistake, Problem, verified
from solver.given import Param, read_given, signature
from solver.registry import Registry, first_line, load, unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# family -> what its questions are about; each is the module solver.kinds.<family>
FAMILIES = {
    "shape": "Output shapes of layers and networks.",
    "count": "Parameters, multiply-adds, FLOPs, activations, memory, connections.",
    "field": "Receptive fields, with stride and offset.",
    "fit": "Inverse questions: which padding, stride, kernel or stack gives a size.",
    "run": "Layers worked by hand on given numbers.",
    "values": "Several questions answered together.",
}


@dataclass(frozen=True)
class Kind:
    """A kind of question: its name, schema and solver."""

    name: str
    doc: str
    params: tuple[Param, ...]
    function: Callable[..., Answer]
    example: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Raw values as this kind's parameters want them; what is missing is named."""
        found = read_given(self.params, given, self.name)
        missing = [p.name for p in self.params if p.required and p.name not in found]
        if missing:
            hint = f", as in: pset {self.name} {self.example}" if self.example else ""
            raise BadInput(f"{self.name} needs {' and '.join(missing)}{hint}")
        return found


_kinds = Registry("kind")
_mistakes: dict[str, list[tuple[str, str, Callable[..., Any]]]] = {}


def kind(name: str, example: str = "", params: Sequence[Param] | None = None) -> Any:
    """Register a solver: `@kind("fit conv", "--in 64 --out 32 --k 3")`."""

    def register(function: Callable[..., Answer]) -> Callable[..., Answer]:
        schema = tuple(params) if params is not None else signature(function)
        _kinds(name)(Kind(name, first_line(function), schema, function, example))
        return function

    return register


def mistake(*names: str) -> Any:
    """Register a wrong solver for kinds ("shape conv") or a family ("count *").

    Same arguments as the kind; the docstring's first line is the feedback. It returns the
    wrong value, or None where the mistake cannot be made.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            _mistakes.setdefault(name, []).append(
                (function.__name__, first_line(function), function)
            )
        return function

    return register


def find(name: str) -> Kind:
    """The kind of this name, its family's module loaded; BadInput with the nearest names."""
    if not isinstance(name, str):
        raise BadInput(f"a kind is named by text such as 'shape conv', not {name!r:.40}")
    name = " ".join(name.split())
    family, _, rest = name.partition(" ")
    if family not in FAMILIES:
        raise unknown("kind", name, [*FAMILIES, *(n for n in names() if n not in FAMILIES)])
    module = load(f"solver.kinds.{family}")
    if name not in _kinds and hasattr(module, "resolve"):
        made = module.resolve(rest)
        if made is not None:
            return made  # type: ignore[no-any-return]
    if name not in _kinds:
        raise unknown("kind", name, names(family))
    return _kinds[name]  # type: ignore[no-any-return]


def names(family: str = "") -> list[str]:
    """The names of all kinds, or of one family's."""
    found = []
    for each in [family] if family else FAMILIES:
        module = load(f"solver.kinds.{each}")
        found += [n for n in _kinds.names() if n.split()[0] == each]
        found += [f"{each} {n}" for n in getattr(module, "OFFERED", ())]
    return list(dict.fromkeys(found))


def solve(problem: Problem | str, /, **given: Any) -> Answer:
    """The answer to a problem, every step and check of it verified.

    `solve("shape conv", input="3x32x32", kernel=3)` or `solve(Problem(…))`. Raises
    BadInput for what cannot be asked, CheckFailed if anything does not hold.
    """
    from solver.values import same

    if not isinstance(problem, Problem):
        problem = Problem(problem, given)
    found = find(problem.kind)
    try:
        return verified(found.function(**found.read(problem.given)), same_or_fail(same))
    except RecursionError:
        raise BadInput("this is nested too deeply to be answered") from None
    except (OverflowError, ZeroDivisionError) as e:
        raise BadInput(f"the numbers given lead out of arithmetic: {e}") from None


def same_or_fail(same: Callable[[Any, Any], bool | None]) -> Callable[[Any, Any], bool]:
    """A comparison in which "cannot say" counts as a failure: a step must be known to hold."""
    return lambda a, b: same(a, b) is True


def mistakes(problem: Problem) -> list[Mistake]:
    """What students get wrong here: the problem's own, then those of its kind, computed.

    A mistake whose value equals the right one, or another mistake's, is left out.
    """
    from solver.values import same

    right = solve(problem).value
    found = list(problem.mistakes)
    known = find(problem.kind)
    family = known.name.split()[0]
    given = known.read(problem.given)
    for name, feedback, function in [
        *_mistakes.get(known.name, []),
        *_mistakes.get(f"{family} *", []),
    ]:
        wanted = {p.name for p in signature(function)}
        try:
            value = function(**{k: v for k, v in given.items() if k in wanted})
        except (BadInput, TypeError, ZeroDivisionError):
            continue  # the mistake cannot be made with these inputs
        if value is not None and same(value, right) is False:
            found.append(Mistake(name, value, feedback))
    kept: list[Mistake] = []
    for one in found:
        if all(same(one.value, other.value) is not True for other in kept):
            kept.append(one)
    return kept


__all__ = ["FAMILIES", "CheckFailed", "Kind", "find", "kind", "mistake", "mistakes", "names", "solve"]
