"""PDF from LaTeX by pdflatex, in safe mode: no shell, no files outside, bounded in time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from solver.core import BadInput, CheckFailed

GET_TEX = (
    "pdflatex is not installed, so no PDF is made; on Debian: "
    "apt-get install texlive-latex-recommended texlive-pictures lmodern"
)
SECONDS, BYTES, CPU = 120, 200_000_000, 100


def available() -> bool:
    """Whether pdflatex can be called."""
    return shutil.which("pdflatex") is not None


def compile_pdf(source: str, name: str) -> bytes:
    """The PDF of a LaTeX source. BadInput without pdflatex, CheckFailed if it stops.

    Runs twice where the document asks for it (references, page counts).
    """
    if not available():
        raise BadInput(GET_TEX)
    with tempfile.TemporaryDirectory(prefix="pset-") as folder:
        place = Path(folder)
        (place / f"{name}.tex").write_text(source, encoding="utf-8")
        for _ in range(3):
            log = run(place, name)
            if "Rerun to get" not in log and "Rerun LaTeX" not in log:
                break
        return (place / f"{name}.pdf").read_bytes()


def run(place: Path, name: str) -> str:
    """One pass; what it printed. CheckFailed with TeX's first error line."""
    safe = {
        "openin_any": "p",
        "openout_any": "p",
        "shell_escape": "f",
        "TEXMFOUTPUT": str(place),
    }
    try:
        done = subprocess.run(
            ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error",
             f"{name}.tex"],
            cwd=place,
            env={**os.environ, **safe, "max_print_line": "1000"},
            capture_output=True,
            timeout=SECONDS,
            preexec_fn=limits if os.name == "posix" else None,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CheckFailed(
            f"pdflatex did not end within {SECONDS} s on {name}.tex"
        ) from None
    log = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        errors = re.findall(r"^(?:! .*|l\.\d+ .*)$", log, re.M)
        raise CheckFailed(
            f"pdflatex stopped on {name}.tex: {' '.join(errors[:3]) or log[-300:]}"
        )
    return log


def limits() -> None:
    """Hard limits of the child: processor time and file size."""
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))
    resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES, BYTES))


def warnings(log: str) -> list[str]:
    """The lines of a TeX log that a reader would see on paper: overfull, missing, undefined."""
    latex = r"LaTeX Warning: (?!Label|There were|Reference).*"
    wanted = rf"^(?:Overfull .*|Missing character.*|{latex})$"
    return re.findall(wanted, log, re.M)
