"""Gradients as NumPy functions: any that `grad` derives, held against differences there.

Columns are (n, 1) arrays. The mistaken versions are changes of the right gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from solver.code.tasks import Call, Seen, Task, Version, task
from solver.core import BadInput
from solver.expressions.typed import Var
from solver.expressions.typeset import numpy_source
from solver.numeric.trees import value
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GRADIENT = "the gradient"
POINTS = 3


@task("gradient")
def gradient(
    expr: str,
    wrt: str,
    where: Any = None,
    arguments: Sequence[str] = (),
    name: str = "gradient",
) -> Task:
    """The gradient of an expression by one of its variables."""
    from solver.kinds import solve
    from solver.kinds.asked import asked
    from solver.numeric.prove import points, variables

    question = asked(expr, where, scalar=True)
    x = question.variable(wrt)
    found = solve("grad", expr=expr, wrt=wrt, where=where).value
    there = [v.name for v in variables(question.tree)]
    wanted = tuple(arguments) or tuple(there)
    for one in wanted:
        if one not in there:
            raise unknown("variable of the expression", one, there).at("arguments")
    if missing := [v for v in there if v not in wanted]:
        raise BadInput(f"{' and '.join(missing)} is no argument of the function").at(
            "arguments"
        )

    drawn = [
        (arrays, sizes) for arrays, sizes in points([question.tree, x])
        if finite(value(found, arrays, sizes))
    ]  # fmt: skip
    calls = [
        Call({n: np.asarray(arrays[n]) if np.ndim(arrays[n]) else arrays[n] for n in wanted},
             (Seen(GRADIENT),))
        for arrays, _ in islice(drawn, POINTS)
    ]  # fmt: skip

    def right(*given: Any) -> Any:
        arrays = dict(zip(wanted, given))
        return value(found, arrays, read_off(variables(question.tree), arrays))

    source = numpy_source(found, list(wanted), name).removeprefix(
        "import numpy as np\n\n\n"
    )
    return Task(
        "gradient",
        right,
        right,
        wanted,
        tuple(calls),
        source,
        changes(right, wanted, x),
    )


def finite(found: Any) -> bool:
    return bool(np.all(np.isfinite(np.asarray(found, dtype=float))))


def read_off(variables: Sequence[Var], arrays: dict[str, Any]) -> dict[str, int]:
    """The sizes named in the variables' dims, as these arrays have them."""
    return {
        d: n
        for v in variables
        for d, n in zip(v.args[1:3], np.shape(arrays[v.name]))
        if isinstance(d, str)
    }


def changes(right: Any, wanted: Sequence[str], x: Var) -> tuple[Version, ...]:
    """The right gradient with a slip."""

    def rows(*given: Any) -> int:
        """How many examples: the rows of the largest array that is not x."""
        others = [g for n, g in zip(wanted, given) if n != x.name and np.ndim(g)]
        return max((len(g) for g in others), default=1)

    return (
        Version("sign", "The sign is turned.", lambda *a: -right(*a)),
        Version("half", "It is half of the gradient: a factor of 2 is missing, such as that of "
                "the derivative of a square.", lambda *a: right(*a) / 2),
        Version("double", "It is twice the gradient: a factor of ½ is missing, or one of 2 is "
                "too much.", lambda *a: 2 * right(*a)),
        Version("averaged", "It is divided by the number of rows: the sum is asked for, not the "
                "mean.", lambda *a: right(*a) / rows(*a)),
        Version("summed", "It is multiplied by the number of rows: the mean is asked for, not "
                "the sum.", lambda *a: right(*a) * rows(*a)),
        Version("transposed", "It is transposed: the gradient has the shape of its variable.",
                lambda *a: np.transpose(right(*a))),
        Version("negative_half", "The sign is turned, and a factor of 2 is missing.",
                lambda *a: -right(*a) / 2),
    )  # fmt: skip
