"""What the commands for whole courses are given on the command line, and their help."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GRADE = r"""Mark SUBMISSIONS to a SET: files, folders or archives of any number of students.

Each different answer is checked once; what was checked is kept in DIR, so that the same
command goes on where it was stopped, and after a change of the key checks again only what
the change touches. SET is a bundled set's name or a TOML file.

Where the set has variants, each submission is marked as the one that its hand-out records.

--format reports writes each student's feedback, a table of marks and the staff's report;
exports writes the grade files of other platforms, and --fill fills in one of theirs. Where
--cluster names a Dask scheduler, its workers do the checking, with the same pset installed.

Example: pset grade s0 submissions.zip --out marks
"""
DECIDE = r"""Decide what no program can: answers that are the same are decided once.

Without a GROUP it lists them; with one it shows it in full. MARK is right, partly, wrong,
or undo. A decision is kept for later runs until the problem itself changes; the reports
are written anew at once.

Example: pset decide marks 3f2a9c01d4 partly --points 1.5 --note "Name the axis."
"""

# command -> its help; then each argument and option, as click takes them
COMMANDS: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "grade": (
        GRADE,
        {
            "set": {},
            "submissions": {"nargs": -1, "required": True, "metavar": "SUBMISSIONS..."},
            "--out": {"metavar": "DIR", "required": True,
                      "help": "the folder of the marks and of all that is written"},
            "--jobs": {"type": int, "metavar": "N",
                       "help": "processes; one for each core unless given"},
            "--timeout": {"type": float, "default": 5.0, "metavar": "SECONDS",
                          "help": "for one answer, 5 unless given; then it is undecided"},
            "--cluster": {"default": "", "metavar": "ADDRESS",
                          "help": "a Dask scheduler's: tcp://10.0.0.1:8786"},
            "--variant": {"default": "", "metavar": "N",
                          "help": "all are variant N, whatever their hand-outs record"},
            "--by-name": {"is_flag": True,
                          "help": "each is the variant of its student's name"},
            "--format": {"default": "reports",
                         "help": "reports, exports, or both with a comma"},
            "--run-code": {"is_flag": True,
                           "help": "run students' functions, in a sandbox (bubblewrap)"},
            "--fill": {"default": "", "metavar": "FILE",
                       "help": "a grade book that Canvas or Moodle exported, to be filled in"},
        },
    ),
    "decide": (
        DECIDE,
        {
            "out": {"metavar": "DIR"},
            "group": {"required": False},
            "mark": {"required": False},
            "--points": {"type": float, "metavar": "P",
                         "help": "in place of all, half or none of the part's"},
            "--note": {"default": "", "metavar": "TEXT", "help": "to the students"},
        },
    ),
}  # fmt: skip
