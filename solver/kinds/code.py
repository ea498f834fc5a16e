"""Functions to write in NumPy: `code function`, and `code printed`, a version with a fault.

The key is our own version, run here and held against the backend. A student's is never
run in this process: see solver/code.
"""

from __future__ import annotations

import re
from functools import lru_cache
from keyword import iskeyword
from types import FunctionType

from solver.code.reading import read
from solver.code.tasks import Task, met, observed, source_of, task
from solver.code.value import Code, Source
from solver.code.wire import Failed
from solver.core import Answer, BadInput, Check, Step
from solver.given import Param
from solver.kinds import kind
from solver.registry import unknown
from solver.values import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ABOUT = (
    Param("as", "str"),  # the function of ours that it must equal: batch norm
    Param(
        "expr", "str", ""
    ),  # of a gradient: of what, by what, and what the letters are
    Param("wrt", "str", ""),
    Param("where", "Any", None),
)
FUNCTION = (*ABOUT, Param("name", "str", ""), Param("arguments", "Any", None))
NAMED = re.compile(r"[A-Za-z_]\w{0,39}")


@lru_cache(maxsize=64)
def built(
    as_: str, expr: str, wrt: str, where: Any, arguments: tuple[str, ...], name: str
) -> Task:
    """The task of this name; of a gradient, for what is to be derived."""
    make = task[as_]
    if as_ != "gradient":
        if expr or wrt or where:
            raise BadInput(f"expr, wrt and where belong to a gradient, not to {as_}")
        return make()
    if not expr or not wrt:
        raise BadInput(
            'a gradient needs expr and wrt, as in: expr = "norm2(X*w - y)^2", wrt = "w"'
        )
    return make(expr, wrt, where, arguments, name or "gradient")


def names_of(arguments: Any) -> tuple[str, ...]:
    """The names of arguments, from a list or from text with commas."""
    given = arguments.split(",") if isinstance(arguments, str) else arguments or ()
    if not isinstance(given, (list, tuple)):
        raise BadInput('expected names such as "Z, gamma, beta"').at("arguments")
    found = tuple(str(n).strip() for n in given)
    for one in found:
        if not NAMED.fullmatch(one) or iskeyword(one):
            raise BadInput(f"{one!r:.50} is no name of an argument").at("arguments")
    if len(set(found)) < len(found):
        raise BadInput("two arguments have the same name").at("arguments")
    return found


@kind("code function", '--as "batch norm"', params=FUNCTION)
def function(
    *, name: str = "", arguments: Any = None, expr: str = "", wrt: str = "", where: Any = None,
    **about: str,
) -> Answer:  # fmt: skip
    """A function to write in NumPy: batch norm, convolution, or a gradient."""
    names = names_of(arguments)
    given = names if about["as"] == "gradient" else ()
    wanted = built(about["as"], expr, wrt, frozen(where), given, name)
    names = names or wanted.arguments
    if len(names) != len(wanted.arguments):
        ours = ", ".join(wanted.arguments)
        raise BadInput(
            f"{wanted.name} has {len(wanted.arguments)} arguments ({ours}), not {len(names)}"
        ).at("arguments")
    if name and (not NAMED.fullmatch(name) or iskeyword(name)):
        raise BadInput(f"{name!r:.50} is no name of a function").at("name")
    found = observed(wanted.reference, wanted.calls)
    good = met(found, observed(wanted.backend, wanted.calls), wanted.calls)
    how = f"the backend at {len(wanted.calls)} seeded inputs, their sizes different primes"
    if wanted.name == "gradient":
        how = "central differences, where it was derived"
    own = re.search(r"def (\w+)\(", wanted.source)
    assert own
    steps = [Step(f"also right: {one.says}") for one in wanted.others]
    return Answer(
        Code(wanted, name or own[1], names),
        tuple(steps),
        (Check(how, all(good.values())),),
        "function",
    )


def frozen(where: Any) -> Any:
    """Declarations as text, so that a task is remembered by them."""
    if isinstance(where, dict):
        return ", ".join(f"{k}: {v}" for k, v in where.items())
    if where is not None and not isinstance(where, str):
        raise BadInput('declare letters as in "X: n x d, w: d"').at("where")
    return where


@kind("code printed", '--as "batch norm" --version "other letter"',
      params=(Param("as", "str"), Param("version", "str")))  # fmt: skip
def printed(*, version: str, **about: str) -> Answer:
    """What a printed version of a function does, as it is and with its name put right."""
    wanted = built(about["as"], "", "", None, (), "")
    if version not in wanted.printed:
        raise unknown(
            f"printed version of {wanted.name}", version, list(wanted.printed)
        )
    given = wanted.printed[version]
    source = source_of(given).replace(
        f"def {given.__name__}(", f"def {wanted.reference.__name__}("
    )
    seen = read(source, wanted.reference.__name__, wanted.arguments)
    missing, spare = seen.names("undefined"), seen.names("unused")
    if len(missing) != 1 or len(spare) != 1:
        raise BadInput("this version has no undefined name that stands for an argument")
    place = wanted.arguments.index(spare[0])
    called = observed(given, wanted.calls)
    raises = {f.error for f in called if isinstance(f, Failed)}

    def fixed(*values: Any) -> Any:
        """The same code, the undefined name standing for the argument."""
        put = {**given.__globals__, missing[0]: values[place]}
        return FunctionType(given.__code__, put)(*values)

    good = met(
        observed(fixed, wanted.calls),
        observed(wanted.backend, wanted.calls),
        wanted.calls,
    )
    every = all(isinstance(f, Failed) for f in called)
    value = Record(
        as_printed_raises=raises.pop() if every and len(raises) == 1 else "nothing",
        fixed_matches_reference=all(good.values()),
    )
    failed = next((f for f in called if isinstance(f, Failed)), None)
    equal = (
        "the backend's values" if value["fixed_matches_reference"] else "other values"
    )
    steps = [
        Step("the version as it was printed",
             substeps=(Step("", None, Source(source.rstrip())),)),
        *(Step(f"read: {n.says}") for n in seen.notes),
        Step(f"called: {failed.said()}" if failed else "called: nothing is raised"),
        Step(f"with {spare[0]} in the place of {missing[0]}: {equal} at "
             f"{len(wanted.calls)} seeded inputs"),
    ]  # fmt: skip
    says = failed.says if failed else ""
    agrees = (value["as_printed_raises"] == "NameError") == (f"'{missing[0]}'" in says)
    return Answer(
        value, tuple(steps), (Check("the names that nothing defines", agrees),)
    )
