"""Who may import whom (house rules, section 6), read with ast; and what a query loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted([*ROOT.glob("solver/**/*.py"), ROOT / "cli.py"])

# package or module -> the outside libraries that it may import
ALLOWED = {
    "solver/expressions/algebra.py": {"sympy"},
    "solver/code": {"numpy"},
    "solver/numeric": {"numpy"},
    "solver/numeric/digits.py": {"mpmath"},
    "solver/numeric/convolution/threads.py": {"threadpoolctl"},
    "solver/courses/cluster.py": {"distributed"},
    "solver/kinds/run.py": {"numpy"},
    "solver/running": {"numpy"},
    "solver/training": {"numpy"},
    "solver/experiments": {"numpy"},
    "solver/render.py": {"jinja2"},
    "solver/prose.py": {"latex2mathml"},
    "solver/toml.py": {"tomllib", "tomli"},
    "cli.py": {"click"},
}
# package -> what of ours it may not import
FORBIDDEN = {
    "solver/core.py": ("solver.",),
    "solver/registry.py": ("solver.kinds", "solver.networks", "solver.expressions"),
    "solver/expressions": (
        "solver.networks",
        "solver.kinds",
        "solver.grading",
        "solver.numeric",
    ),
    "solver/reading": ("solver.answers", "solver.kinds", "solver.grading", "solver.numeric"),
    "solver/answers": ("solver.kinds", "solver.grading", "solver.mistaken", "solver.networks"),
    "solver/mistaken": ("solver.kinds", "solver.grading", "solver.networks"),
    "solver/networks": (
        "solver.kinds",
        "solver.grading",
        "solver.numeric",
        "solver.render",
    ),
    "solver/numeric": (
        "solver.kinds",
        "solver.grading",
        "solver.render",
        "solver.running",
        "solver.training",
    ),
    "solver/figures": (
        "solver.kinds",
        "solver.grading",
        "solver.render",
        "solver.sets",
        "solver.documents",
        "solver.courses",
    ),
    "solver/kinds": (
        "solver.courses",
        "solver.figures",
        "solver.grading",
        "solver.mistaken",
        "solver.render",
        "solver.sets",
        "solver.documents",
    ),
    "solver/grading": ("solver.courses", "solver.render"),
    "solver/code": (
        "solver.courses",
        "solver.grading",
        "solver.mistaken",
        "solver.render",
        "solver.sets",
    ),
    "solver/running": (
        "solver.courses",
        "solver.grading",
        "solver.kinds",
        "solver.mistaken",
        "solver.render",
        "solver.sets",
        "solver.training",
    ),
    "solver/training": (
        "solver.courses",
        "solver.grading",
        "solver.mistaken",
        "solver.render",
        "solver.sets",
    ),
    "solver/": ("cli",),
}


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_layers_of_the_house(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    modules = imported(path)
    allowed = set().union(*(v for k, v in ALLOWED.items() if name.startswith(k)))
    outside = (
        {m.split(".")[0] for m in modules} - set(sys.stdlib_module_names) - {"solver"}
    )
    assert outside <= allowed, f"{name} imports {outside - allowed}"
    for place, forbidden in FORBIDDEN.items():
        if name.startswith(place):
            wrong = [m for m in modules if m.startswith(forbidden)]
            assert not wrong or (
                place == "solver/core.py" and wrong == ["solver.render"]
            )


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_evaluates_text(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            assert name not in (
                "eval",
                "exec",
                "sympify",
                "parse_expr",
                "system",
                "loads_pickle",
            )
            assert not any(k.arg == "shell" for k in node.keywords)
        if isinstance(node, ast.ImportFrom):
            assert not any(a.name == "*" for a in node.names)


def test_no_file_grows_past_400_lines() -> None:
    lengths = {str(p.relative_to(ROOT)): p.read_text().count("\n") for p in FILES}
    long = {name: n for name, n in lengths.items() if n > 400}
    assert not long


HEAVY = ("sympy", "numpy", "jinja2", "click", "fractions", "typing")


@pytest.mark.parametrize(
    ("query", "heavy"),
    [
        ("shape conv --in 3x32x32 --k 5 --out-channels 6", ()),
        ("shape conv --in 3x32x32 --k 5", ()),
        ("count vgg16", ()),
        ("count params lenet5", ()),
        ("fit conv --in 64 --out 32 --k 3", ()),
        ("shape conv --k 3", ("sympy",)),
    ],
)
def test_a_query_loads_only_what_it_needs(query: str, heavy: tuple[str, ...]) -> None:
    program = (
        "import sys; sys.argv = ['pset', *sys.argv[1:]]\n"
        "import cli, io, contextlib\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    try: cli.main()\n"
        "    except SystemExit as e: assert not e.code, e.code\n"
        f"print(*[m for m in {HEAVY} if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *query.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    # contextlib and SymPy load typing and fractions themselves
    assert loaded - {"typing", "fractions"} <= {
        *heavy,
        *(("numpy", "typing") if heavy else ()),
    }
    assert set(heavy) <= loaded
