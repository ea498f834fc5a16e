"""Golden files, with --update; and an invariant beside each, which no update can bless."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from solver.kinds import solve
from solver.render import render

GOLDEN = Path(__file__).parent / "golden"

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "shape_conv": (
        "shape conv",
        {"input": "3x224x224", "out_channels": 64, "kernel": 7, "stride": 2, "padding": 3},
    ),
    "shape_conv_letters": ("shape conv", {"kernel": 3, "padding": "p", "stride": "s"}),
    "count_params_lenet5": ("count params", {"net": "lenet5"}),
    "count_table_lenet5": ("count table", {"net": "lenet5-modern"}),
    "count_macs_inception": ("count macs", {"net": "inception-reduced"}),
    "count_conv": ("count conv", {"input": "3x32x32", "out_channels": 6, "kernel": 5}),
    "field_vgg16": ("field net", {"net": "vgg16", "layer": "pool3"}),
    "fit_conv": ("fit conv", {"input": "32x64x64", "output": "64x32x32", "kernel": 3}),
    "fit_stack": ("fit stack", {"field": 5}),
    "run_conv": (
        "run conv",
        {"input": "5 7 6 0;9 2 6 3;2 8 3 6;0 3 2 8", "kernel": "1 -4 3;3 -4 -3;2 0 3"},
    ),
    "run_pool": ("run pool", {"input": "1 1 1 0;1 1 1 0", "kernel": 2, "mode": "avg"}),
    "loss_bernoulli": ("loss bernoulli", {"wrt": "z"}),
    "loss_consistency": (
        "loss consistency",
        {"errors": 239, "samples": 10_000, "printed": 0.0028, "batch": 32},
    ),
    "update_momentum": (
        "update momentum",
        {"w": 0, "grads": "1 1 1", "alpha": 0.1, "mu": 0.9, "trace": "v"},
    ),
    "memory": ("count memory", {"net": "lenet5-modern", "unit": "KiB"}),
}
FORMS = {"text": "txt", "tex": "tex", "json": "json"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, form: str, update: bool) -> None:
    kind, given = CASES[name]
    found = render(solve(kind, **given), form).rstrip("\n") + "\n"
    path = GOLDEN / f"{name}.{FORMS[form]}"
    if update:
        path.write_text(found, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == found, "python -m pytest --update if it is better"


def test_no_golden_file_is_left_over() -> None:
    known = {f"{name}.{ending}" for name in CASES for ending in FORMS.values()}
    assert {p.name for p in GOLDEN.iterdir()} == known


@pytest.mark.parametrize("name", CASES)
def test_text_fits_the_terminal(name: str) -> None:
    kind, given = CASES[name]
    for line in render(solve(kind, **given)).splitlines():
        assert len(line) <= 80, line


@pytest.mark.parametrize("name", CASES)
def test_tex_balances(name: str) -> None:
    kind, given = CASES[name]
    source = render(solve(kind, **given), "tex")
    plain = re.sub(r"\\[{}]", "", re.sub(r"(?m)(?<!\\)%.*$", "", source))
    assert plain.count("{") == plain.count("}")
    assert source.count(r"\left") == source.count(r"\right")
    for begin, end in ((r"\\begin\{(\w+\*?)\}", r"\\end\{(\w+\*?)\}"),):
        assert sorted(re.findall(begin, source)) == sorted(re.findall(end, source))


@pytest.mark.parametrize("name", CASES)
def test_json_loads_back(name: str) -> None:
    kind, given = CASES[name]
    data = json.loads(render(solve(kind, **given), "json"))
    assert data["checks"] and all(c["ok"] for c in data["checks"])
    assert set(data) >= {"name", "value", "steps", "checks", "conventions"}


def test_the_table_s_columns_add_up() -> None:
    value = solve("count table", net="lenet5-modern").value
    *rows, total = value
    for column in ("params", "macs"):
        i = value.columns.index(column)
        assert sum(r[i] for r in rows) == total[i]


def test_the_steps_add_up() -> None:
    for net in ("lenet5", "vgg16", "resnet18", "inception-v3"):
        answer = solve("count macs", net=net)
        *lines, total = answer.steps
        assert sum(s.after for s in lines) == total.after == answer.value
