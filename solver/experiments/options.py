"""What `pset experiment` is given on the command line, and its help."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EXPERIMENT = r"""Run an experiment of the problem sets, and say what its numbers support.

NAME is one of those that `pset experiment` lists. Each arm is trained with several seeds
on the shipped digits, or on files that you have (mnist:DIR, fashion:DIR, cifar10:DIR); a
difference is claimed only where every run shows it. The same seeds give the same numbers.

With --out the folder gets report.html, table.csv, runs.json and figure.svg; after an
interruption the same command goes on.

Example: pset experiment momentum --out momentum
"""

COMMANDS: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "experiment": (
        EXPERIMENT,
        {
            "name": {"metavar": "NAME", "required": False, "default": ""},
            "--data": {"default": "digits", "metavar": "DATA",
                       "help": "digits, mnist:DIR, fashion:DIR or cifar10:DIR [digits]"},
            "--seeds": {"type": int, "default": 5, "metavar": "N",
                        "help": "runs of each arm [5]"},
            "--epochs": {"type": int, "default": None, "metavar": "N",
                         "help": "instead of the experiment's own number, in every arm"},
            "--images": {"type": int, "default": None, "metavar": "N",
                         "help": "train on so many only, of each class the same share"},
            "--out": {"default": "", "metavar": "DIR",
                      "help": "write report, table, runs and figure here"},
        },
    ),
}  # fmt: skip
