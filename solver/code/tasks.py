"""Functions that can be asked for: what they have to return, and how they come out wrong.

A Task holds our own version in readable NumPy, the backend's, mistaken versions and others
that are right too. All are functions of the same arguments, called at the same seeded
calls, and what is observed of them is compared by one function, `agree`.
"""

from __future__ import annotations

import copy
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from solver.code.wire import Failed, Other, Returned
from solver.registry import Registry, first_line
from solver.values import words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Array = np.ndarray[Any, Any]
    Function = Callable[..., Any]

SEED = 4
CLOSE, SINGLE = 1e-7, 1e-4  # of the largest value; for what was computed in float32
NOTHING = 1e-14  # what is nearer to a 0 is one

task = Registry(
    "function to write",
    {
        "batch norm": "solver.code.batch_norm",
        "convolution": "solver.code.convolution",
        "gradient": "solver.code.gradient",
    },
)


@dataclass(frozen=True)
class Seen:
    """One thing that is observed of a call: a result, or an entry of a table afterwards.

    `what` names what it belongs to; `at` is the place among several results, -1 for one.
    """

    what: str
    at: int = -1
    table: str = ""
    key: str = ""


@dataclass(frozen=True, eq=False)
class Call:
    """One call: the arguments by name, in order, and what is looked at."""

    arguments: Mapping[str, Any]
    seen: tuple[Seen, ...]


@dataclass(frozen=True)
class Version:
    """Another version of a function, and what is said to who wrote it."""

    name: str
    says: str
    function: Function = field(compare=False)

    def shown(self, form: str) -> str:
        """Its name as words."""
        return words(self.name.replace("_", " "), form)


@dataclass(frozen=True, eq=False)
class Task:
    """A function to write.

    Two or more mistakes may agree with a student at all calls; the first one is told.
    """

    name: str
    reference: Function
    backend: Function
    arguments: tuple[str, ...]
    calls: tuple[Call, ...]
    source: str
    mistakes: tuple[Version, ...] = ()
    others: tuple[Version, ...] = ()  # right as well, with a remark
    printed: Mapping[str, Function] = field(default_factory=dict)

    @cached_property
    def right(self) -> list[Returned | Failed]:
        """What the backend's version does at the calls."""
        return observed(self.backend, self.calls)

    @cached_property
    def wrong(self) -> list[tuple[Version, list[Returned | Failed]]]:
        """What each mistaken version does at the calls."""
        return [(one, observed(one.function, self.calls)) for one in self.mistakes]


def versions(*functions: Function) -> tuple[Version, ...]:
    """Functions of a module as versions: the docstring's first line is what is said."""
    return tuple(Version(f.__name__, first_line(f), f) for f in functions)


def source_of(function: Function) -> str:
    """A function of ours as people read it: without its docstring and type hints."""
    import ast

    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    made = tree.body[0]
    assert isinstance(made, ast.FunctionDef)
    lines = textwrap.dedent(inspect.getsource(function)).split("\n")
    start = made.body[1 if ast.get_docstring(made) else 0].lineno - 1
    names = [a.arg for a in made.args.args]
    kept = [line.partition("  # noqa")[0] for line in lines[start:]]
    head = f"def {made.name}({', '.join(names)}):"
    return "\n".join([head, *kept]).rstrip() + "\n"


# -- what is observed ---------------------------------------------------------------------


def observed(function: Function, calls: Sequence[Call]) -> list[Returned | Failed]:
    """What a function of ours returns or raises at each call, as a child would reply."""
    found: list[Returned | Failed] = []
    for call in calls:
        arguments = copy.deepcopy(dict(call.arguments))
        try:
            with np.errstate(all="ignore"):
                value = function(*arguments.values())
        except Exception as e:
            found.append(Failed(type(e).__name__, 0, str(e)))
            continue
        tables = {k: v for k, v in arguments.items() if isinstance(v, dict)}
        found.append(Returned(value, tables))
    return found


def looked_at(found: Returned | Failed, seen: Seen) -> Any:
    """What is seen in a reply: an array, or why there is none (Failed, Other, None)."""
    if isinstance(found, Failed):
        return found
    if seen.table:
        return found.tables.get(seen.table, {}).get(seen.key)
    value = found.value
    if seen.at >= 0:
        several = tuple(value.values()) if isinstance(value, dict) else value
        if not isinstance(several, (tuple, list)) or len(several) <= seen.at:
            return Other("fewer results than are asked for")
        return several[seen.at]
    if isinstance(value, tuple) and value and isinstance(value[0], np.ndarray):
        return value[0]  # the result with something beside it, such as the cache
    return value


def agree(a: Any, b: Any) -> bool:
    """Whether two things observed are the same: arrays to rounding, failures by type.

    Axes of length 1 make no difference: (1, 5) and (5, 1) are 5 numbers.
    """
    if isinstance(a, Failed) or isinstance(b, Failed):
        return isinstance(a, Failed) and isinstance(b, Failed) and a.error == b.error
    if any(x is None or isinstance(x, (Other, str, tuple, list, dict)) for x in (a, b)):
        return False
    single = any(getattr(x, "dtype", None) == np.float32 for x in (a, b))
    first, second = (np.squeeze(np.asarray(x, dtype=float)) for x in (a, b))
    if first.shape != second.shape or not np.array_equal(
        np.isfinite(first), np.isfinite(second)
    ):
        return False
    good = np.isfinite(first)
    if not np.array_equal(first[~good], second[~good], equal_nan=True):
        return False
    size = float(np.max(np.abs(first), initial=0.0, where=good))
    off = np.max(np.abs(first - second), initial=0.0, where=good)
    return bool(off <= (SINGLE if single else CLOSE) * size + NOTHING)


def met(
    one: Sequence[Returned | Failed],
    other: Sequence[Returned | Failed],
    calls: Sequence[Call],
) -> dict[str, bool]:
    """By what is asked of a function, whether two versions agree in it at every call."""
    found: dict[str, bool] = {}
    for a, b, call in zip(one, other, calls):
        for seen in call.seen:
            same = agree(looked_at(a, seen), looked_at(b, seen))
            found[seen.what] = found.get(seen.what, True) and same
    return found
