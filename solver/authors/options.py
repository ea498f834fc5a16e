"""What the commands for authors of problem sets are given, and their help."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KEY = """The answer key of problem sets, each part worked and checked.

SET is a bundled set's name (s0 … s4) or a TOML file.

Example: pset key s0 --format tex,html,pdf --out keys
"""
SHEET = """The hand-out: the problems with a place for each answer.

--variants 20 writes twenty of it, each with other numbers, and their keys; which it is
stands in each hand-out, and `pset grade` marks by it.

Example: pset sheet s0 --format pdf --out sheets --variants 20
"""
GUIDE = """The marking guide: answers, points and the known mistakes.

Example: pset guide s0 --format html --out guides
"""
LINT = """Look for what is wrong in problem sets: every part, in every variant of it.

Each part has to solve, its checks to pass, its key to be marked right, its mistakes to be
mistakes and to be told apart, and its texts to fit. A line for each finding: file,
problem, variant, and in how many more variants it is so. The exit code is 0 if there are
none, and 3 if there are.

Example: pset lint problems/s0.toml
"""

SETS: dict[str, Any] = {"nargs": -1, "required": True, "metavar": "SET..."}
DOCUMENT: dict[str, dict[str, Any]] = {
    "sets": SETS,
    "--format": {"default": "text", "metavar": "FORMAT",
                 "help": "text, tex, html, json or pdf; several with commas (with --out)"},
    "--out": {"metavar": "DIR", "help": "write files into this folder"},
    "--variant": {"default": "", "metavar": "N", "help": "of variant N of the set"},
    "--student": {"default": "", "metavar": "NAME", "help": "of this student's own variant"},
}  # fmt: skip

# command -> its help; then each argument and option, as click takes them
COMMANDS: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "key": (KEY, DOCUMENT),
    "sheet": (
        SHEET,
        {
            **DOCUMENT,
            "--variants": {"type": int, "metavar": "N",
                           "help": "variants 1 to N, each with its key (with --out)"},
        },
    ),
    "guide": (GUIDE, DOCUMENT),
    "lint": (
        LINT,
        {
            "sets": SETS,
            "--json": {"is_flag": True, "help": "the findings as JSON"},
        },
    ),
}  # fmt: skip
