"""The two pages for authors: what they say to write is written, and their commands run."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROBLEMS = (ROOT / "problems" / "README.md").read_text()
LAYERS = (ROOT / "solver" / "networks" / "README.md").read_text()


def blocks(page: str, language: str = "") -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.S | re.M)
    return [text for named, text in found if named == language]


def commands(page: str) -> list[str]:
    return [
        line.split("  #")[0].strip()
        for block in blocks(page)
        for line in block.splitlines()
        if line.startswith("pset ")
    ]


def run(command: str, program: Path, where: Path) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command)[1:]
    return subprocess.run(
        [sys.executable, str(program), *words], cwd=where, capture_output=True, text=True, check=False
    )


# -- a problem -----------------------------------------------------------------------------


def a_set() -> tuple[str, list[str]]:
    """The set that the page's blocks make, the part as it is at the page's end; the rest of
    its blocks."""
    part, mistake, varied, *others = blocks(PROBLEMS, "toml")
    assert mistake.startswith("mistakes")
    kept = [ln for ln in part.splitlines() if not ln.startswith(("prompt", "given"))]
    parts = [o for o in others if o.startswith("[[problem]]")]
    rest = [o for o in others if o not in parts]
    return "\n\n".join(["\n".join(kept) + "\n" + varied, *parts]), rest


def test_the_problem_page(tmp_path: Path) -> None:
    part, mistake, *_ = blocks(PROBLEMS, "toml")
    (tmp_path / "mine.toml").write_text(part + mistake)
    assert run("pset lint mine.toml", ROOT / "cli.py", tmp_path).returncode == 0
    whole, (submission,) = a_set()
    (tmp_path / "mine.toml").write_text(whole)
    (tmp_path / "submissions").mkdir()
    (tmp_path / "submissions" / "ada.toml").write_text(submission)
    ran = commands(PROBLEMS)
    assert len(ran) > 9
    for command in ran:
        if "--format pdf" in command and not shutil.which("pdflatex"):
            continue
        if command.startswith("pset decide marks 3f2a"):
            waiting = run("pset decide marks", ROOT / "cli.py", tmp_path).stdout
            command = command.replace("3f2a", waiting[:4])
        command = command.replace("--variants 20 --format pdf", "--variants 20 --format tex")
        done = run(command, ROOT / "cli.py", tmp_path)
        right = 3 if " check " in command else 0
        assert done.returncode == right, (command, done.stdout, done.stderr)
        if " lint " in command:
            assert "nothing found" in done.stdout
    marks = (tmp_path / "marks" / "marks.csv").read_text().splitlines()
    assert len(marks) == 2 and marks[1].startswith("Ada Lovelace,")
    assert marks[1].endswith(",0,0")  # nothing undecided, nothing unreadable


# -- a layer -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources, with the page's layer written into them as it says."""
    home = tmp_path_factory.mktemp("checkout")
    for name in ("solver", "templates", "problems"):
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cli.py", home)
    whole, forward, backward = (
        b for b in blocks(LAYERS, "python") if "scale" in b or "Scale" in b
    )
    (home / "solver/networks/scale.py").write_text(whole)
    insert(home / "solver/networks/layers.py", '    "conv": HOME + "conv",', '"scale": HOME + "scale",')
    insert(home / "solver/kinds/shape.py", "EXAMPLES = {", '"scale": "--in 64x28x28",')
    for name, text in (("leaves", forward), ("backward_leaves", backward)):
        path = home / f"solver/numeric/{name}.py"
        source = re.sub(r"(from solver\.networks import \(?)", r"\1scale, ", path.read_text(), count=1)
        path.write_text(source + "\n\n" + text)
    return home


def insert(path: Path, behind: str, line: str) -> None:
    source = path.read_text()
    assert source.count(behind) == 1
    assert line in LAYERS
    path.write_text(source.replace(behind, f"{behind}\n    {line}"))


@pytest.mark.parametrize("command", commands(LAYERS))
def test_the_layer_page(command: str, checkout: Path) -> None:
    quick = " --epochs 1" if " train " in command else ""
    done = run(command + quick, checkout / "cli.py", checkout)
    assert done.returncode == 0, done.stderr


def test_the_layer_is_all_there(checkout: Path) -> None:
    ran = commands(LAYERS)
    assert len(ran) == 7 and all("scale" in command for command in ran)
    told = run("pset shape scale --help", checkout / "cli.py", checkout).stdout
    assert "Example: pset shape scale --in 64x28x28" in told
    counted = run(ran[2], checkout / "cli.py", checkout).stdout
    assert "factor" in counted or "scale" in counted
    near = run('pset count params "3x8x8: scael"', checkout / "cli.py", checkout)
    assert near.returncode == 2 and "scale" in near.stderr


def test_no_file_that_the_page_adds_to_is_full(checkout: Path) -> None:
    for path in (checkout / "solver").rglob("*.py"):
        assert path.read_text().count("\n") <= 400, path.name
