"""README's commands are run, and what they print is what README says."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from solver.sets import load_set, solve_set
from solver.values import show

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


SESSIONS = [
    re.findall(r"\$ (.*?)\n(.*?)(?=\n\$ |\Z)", block, re.S) for block in blocks("console")
]


@pytest.mark.parametrize("session", SESSIONS, ids=[s[0][0][:40] for s in SESSIONS])
def test_console(session: list[tuple[str, str]]) -> None:
    """A block is one session: a command may go on with what the one before it wrote."""
    if any("build/marks" in command for command, _ in session):
        shutil.rmtree(ROOT / "build" / "marks", ignore_errors=True)
    for command, output in session:
        program, *words = shlex.split(command)
        assert program == "pset"
        done = subprocess.run(
            [sys.executable, "cli.py", *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, 3)
        assert done.stdout.strip() == output.strip()


def test_there_are_examples() -> None:
    assert sum(map(len, SESSIONS)) >= 4


def test_python() -> None:
    (session,) = [b for b in blocks("python") if b.startswith(">>>")]
    test = doctest.DocTestParser().get_doctest(session, {}, "README", None, 0)
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(test)
    assert runner.tries >= 3 and not runner.failures


def test_toml(tmp_path: Path) -> None:
    solved = {}
    for i, source in enumerate(blocks("toml")):
        path = tmp_path / f"readme{i}.toml"
        path.write_text(source)
        solved |= {problem.id: answer for problem, answer in solve_set(load_set(path))}
    assert solved["2.2.1.fc1"].value == 48120
    assert show(solved["1a"].value) == "Aᵀ·(A·x − b)"
    assert solved["1c"].value == (8, 12, 12)


def test_the_options_of_the_conventions_exist() -> None:
    from solver.kinds import find, names

    known = {p.name for n in names() for p in find(n).params}
    table = README[README.index("## Conventions") : README.index("Exit codes")]
    for option in re.findall(r"--([a-z][a-z-]+)", table):
        assert option.removeprefix("no-").replace("-", "_") in known, option


def test_the_documented_commands_are_the_makefile_s() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make (\w+)", README):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_ci_calls_the_test_command() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text()
