"""pset: a symbolic calculator and problem-set solver for deep-learning courses.

    >>> import solver
    >>> solver.solve("shape conv", input="3x32x32", out_channels=6, kernel=5).value
    (6, 28, 28)

The verbs are loaded on first use, so that a query pays only for what it needs.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"

VERBS = {
    "solve": "solver.kinds",
    "mistakes": "solver.kinds",
    "kinds": "solver.kinds",
    "Problem": "solver.core",
    "Answer": "solver.core",
    "BadInput": "solver.core",
    "CheckFailed": "solver.core",
    "grade": "solver.grading",
    "load_set": "solver.sets",
    "solve_set": "solver.sets",
    "render": "solver.render",
    "read_net": "solver.networks.notation",
    "parse": "solver.expressions.parse",
}


def __getattr__(name: str) -> Any:
    if name not in VERBS:
        raise AttributeError(f"module 'solver' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(VERBS[name])
    return module if name == "kinds" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *VERBS])
