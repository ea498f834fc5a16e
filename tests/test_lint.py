"""Lint: each check is triggered by a small set that is wrong in that way, and by no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import solver.authors.across
import solver.authors.answers
import solver.authors.texts  # noqa: F401
from cli import main
from solver.authors.cases import Case, checks, findings, looked_at
from solver.core import Answer
from solver.grading import grade
from solver.sets import load_set

GOOD = r"""
title = "Small"
[networks]
tiny = "1x8x8: conv 2 k3"

[[problem]]
id = "1a"
title = "A shape"
points = 2
kind = "shape conv"
prompt = '''A $<k>\times<k>$ kernel on $<n>\times<n>$: which shape? Six maps.'''
given = { input = [3, "<n>", "<n>"], out_channels = 6, kernel = "<k>" }
mistakes = [ { value = [6, "<n>", "<n>"], feedback = "The size <n> needs padding." } ]
[problem.variants]
n = [64, 28, 32]
k = [3, 5]

[[problem]]
id = "1b"
title = "Why"
kind = "answer prose"
prompt = "Why is a kernel shared?"
[problem.given]
key = "It looks for the same pattern everywhere."
rubric = [ { says = "the same everywhere", shows = ["same"] } ]

[[problem]]
id = "1c"
title = "Parameters"
kind = "count params"
prompt = "How many parameters has a layer of two $3\\times3$ filters on one map?"
given = { net = "tiny" }
"""
SHAPE = 'mistakes = [ { value = [6, "<n>", "<n>"], feedback = "The size <n> needs padding." } ]'

# (what is replaced, by what, the check, what it says)
WRONG = [
    ('title = "Small"', "title = 3", "reads", "expected text"),
    ('title = "Small"', "", "has a title", "no title"),
    ('id = "1a"\n', "", "reads", 'it has no id, by which it is asked for: id = "1a"'),
    ('kind = "shape conv"\n', "", "reads", "pset kinds"),
    ('"shape conv"', '"conv"', "reads", "shape conv or count conv or fit conv"),
    ('"shape conv"', '"shape conv"\nkernel = 3', "reads",
     "kernel is given to shape conv: write it below [problem.given]"),
    ("[problem.variants]\nn = [64, 28, 32]\nk = [3, 5]", "", "reads",
     "list its values below it in [problem.variants]"),
    ("k = [3, 5]", 'k = [3, 5]\nwhere = ["k < n and n > 9"]', "reads", "a text of its own"),
    ("points = 2", 'points = 2\nrounded = "yes"', "reads", "rounded is true or false"),
    ('feedback = "The', 'says = "no", feedback = "The', "reads", "no key is called 'says'"),
    ("Why is a kernel", "Why is \\alpha a kernel", "reads", "put LaTeX into"),
    ('shows = ["same"]', 'show = ["same"]', "solves", "did you mean shows?"),
    ('"1a"', '"1b"', "reads", "two problems have this id"),
    ('out_channels = 6', 'out_channels = 6, stride = "<floor(1 + 32/(n-32)/64)>"', "reads", "has no value"),
    ('kernel = "<k>"', 'kernel = "<10*k>"', "solves", "kernel 50 does not fit"),
    (SHAPE, SHAPE.replace("<n>", "<n-k+1>"), "mistakes differ", "right answer's value"),
    (SHAPE, SHAPE.replace(" ]", ', { value = [6, "<n>", "<n>"], feedback = "No padding: <n>." } ]', 1),
     "mistakes differ", "two mistakes have the value"),
    ('needs padding." }', 'needs padding." }, { value = [6, "<32*k>", "<32*k>"], feedback = "" }',
     "mistakes differ", "says nothing"),
    ('value = [6, "<n>", "<n>"]', 'value = "hello <n>"', "mistakes met", "is no answer to this"),
    ('shows = ["same"]', 'shows = ["shared"]', "solves", "the same everywhere"),
    ('rubric = [ { says = "the same everywhere", shows = ["same"] } ]', "", "rubric asks", "no point"),
    ('title = "Why"', 'title = "Why"\ndemonstration = { kind = "run pool", input = [[1, 2]], kernel = 5, says = "x" }',
     "demonstrations run", "kernel 5 does not fit"),
    ("points = 2", "points = 0", "points are sensible", "0 points"),
    ("points = 2", "points = 2.1", "points are sensible", "quarters"),
    ("points = 2", "points = 40", "points are sensible", "40 points"),
    ('title = "Why"', "", "is said", "no title"),
    ('prompt = "Why is a kernel shared?"', "", "is said", "no prompt"),
    ('title = "Why"', 'title = "Why $x$"', "is said", "a dollar"),
    ("Why is a kernel", "Why is $k a kernel", "reads in every format", "no partner"),
    ("Why is a kernel", "Why is $$ a kernel", "reads in every format", "holds no mathematics"),
    ("Why is a kernel", "Why is ${k$ a kernel", "reads in every format", "braces"),
    ("Why is a kernel", r"Why is $\\left(k$ a kernel", "reads in every format", "left"),
    ("Why is a kernel", f"Why is {'a' * 61} kernel", "fits the line", "61 letters"),
    ("Why is a kernel", f"Why is `{'a' * 61}` kernel", "fits the line", "61 characters"),
    ("Why is a kernel", "Why is $" + "x" * 90 + "$ a kernel", "fits the line", "wider than a line"),
    ("Why is a kernel", "Why is a\\u200b kernel", "nothing unseen", "U+200B"),
    ("Six maps", "It is $2 - <28-n>$", "numbers read well", "two signs"),
    ("Six maps", "It has <n-27> maps", "numbers read well", "1 maps"),
    ("Why is a kernel", "Why is <n-1> a kernel", "nothing left open", "<n-1>"),
    ("k = [3, 5]", "k = [3, 5]\nq = [1, 2]", "parameters are used", "q is used nowhere"),
    (r"A $<k>\times<k>$ kernel", "A kernel", "parameters are used", "k is not told"),
    ("n = [64, 28, 32]\nk = [3, 5]", "n = [64]\nk = [3]", "variants differ", "no variant besides"),
    ("k = [3, 5]", "k = [3, 5]\nq = [0, 1]\n" + "# <q>", "parameters are used", "used nowhere"),
    ("which shape?", "which shape? <0*q>", "variants differ", "ask the same"),
    ('[3, "<n>", "<n>"], out', '[3, "<64 + 0*n>", 64], out', "variants differ", "every variant has"),
    ('value = [6, "<n>", "<n>"]', "value = [6, 64, 64]", "mistakes vary", "same in every variant"),
    ("The size <n> needs", "The size 64 needs", "no other variants numbers", "64 is the set's own"),
    (r"on $<n>\times<n>$", r"on $64\times<n>$", "no other variants numbers", "prompt: 64"),
    ('net = "tiny"', 'net = "1x8x8: conv 2 k3"', "networks are used", "tiny is used by no part"),
]  # fmt: skip


def found(path: Path, text: str) -> list[tuple[str, str]]:
    path.write_text(text, encoding="utf-8")
    return [(one.check, one.says) for one in findings(path, "set.toml")]


def test_a_good_set_is_clean(tmp_path: Path) -> None:
    assert found(tmp_path / "set.toml", GOOD) == []


@pytest.mark.parametrize(("old", "new", "check", "said"), WRONG)
def test_each_finding(
    tmp_path: Path, old: str, new: str, check: str, said: str
) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    if "<0*q>" in new:
        text = text.replace("k = [3, 5]", "k = [3, 5]\nq = [1, 2]")
    if "<64 + 0*n>" in new:
        text = text.replace("k = [3, 5]", "k = [3]").replace('"<k>" }', "3 }")
    seen = found(tmp_path / "set.toml", text)
    assert any(one == check and said in says for one, says in seen), seen


def test_every_check_is_triggered_by_one() -> None:
    names = {name for of in checks.values() for name in of} | {"reads"}
    hard = {"key is right", "solves"}  # the program's own fault: below
    assert names - hard <= {check for _, _, check, _ in WRONG}


@pytest.mark.parametrize(
    ("answer", "check", "said"),
    [
        (Answer((6, 62, 63)), "solves", "nothing proves its answer"),
        (Answer((6, 62, 63), checks=()), "solves", "nothing"),
    ],
)
def test_an_answer_without_a_check(
    tmp_path: Path, answer: Answer, check: str, said: str
) -> None:
    path = tmp_path / "set.toml"
    path.write_text(GOOD)
    whole = load_set(path)
    case = Case(whole, whole["1a"], 0)
    case.__dict__["answer"] = answer
    seen = [(one.check, one.says) for one in looked_at(case, "f", "1a", 0)]
    assert any(one == check and said in says for one, says in seen)


def test_a_key_that_is_not_marked_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "set.toml"
    monkeypatch.setattr(
        solver.authors.answers, "typed", lambda value, right: "6 x 62 x 63"
    )
    assert any(
        one == "key is right" and "is marked wrong" in said
        for one, said in found(path, GOOD)
    )


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "set.toml"
    path.write_text(GOOD)
    with pytest.raises(SystemExit) as end:
        main(["lint", str(path)])
    assert end.value.code == 0
    assert capsys.readouterr().out == "1 set, 8 parts and variants: nothing found\n"
    path.write_text(
        GOOD.replace("points = 2", "points = 0").replace('["same"]', '["x"]')
    )
    with pytest.raises(SystemExit) as end:
        main(["lint", str(path)])
    assert end.value.code == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{path}: 1a: 0 points")
    assert lines[0].endswith("[points are sensible], and so in 5 more variants")
    assert len(lines) == 3 and lines[-1].endswith("2 found")
    with pytest.raises(SystemExit) as end:
        main(["lint", str(path), "--json"])
    data = json.loads(capsys.readouterr().out)
    assert end.value.code == 3 and len(data) == 7
    assert data[1] == {
        "file": str(path), "problem": "1a", "variant": 1, "check": "points are sensible",
        "says": "0 points: give from 0.25 to 20, in quarters",
    }  # fmt: skip


def test_a_finding_of_every_variant_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "set.toml"
    path.write_text(GOOD.replace(SHAPE, SHAPE.replace("<n>", "<n-k+1>")))
    with pytest.raises(SystemExit) as end:
        main(["lint", str(path)])
    assert end.value.code == 3
    of_mistake = [x for x in capsys.readouterr().out.splitlines() if "6 × 62 × 62" in x]
    assert len(of_mistake) == 1
    assert of_mistake[0].endswith("[mistakes differ], and so in 5 more variants")
    with pytest.raises(SystemExit):
        main(["lint", "--json", str(path)])
    told = json.loads(capsys.readouterr().out)
    assert {one["variant"] for one in told if one["check"] == "mistakes differ"} == {
        0, 1, 2, 3, 4, 5,
    }  # fmt: skip


def test_a_mistake_may_be_a_number_where_a_shape_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "set.toml"
    text = GOOD.replace('value = [6, "<n>", "<n>"]', 'value = "<n>"')
    assert found(path, text) == []
    part = load_set(path)["1a"]
    for answer, mark in (("64", "The size 64"), ("6 x 61 x 61", ""), ("{1, 2}", "")):
        verdict = grade(part, answer)
        assert verdict.mark == "wrong"
        assert mark in verdict.feedback
    assert grade(part, "6 x 62 x 62").mark == "right"
    assert grade(part, "6").feedback != grade(part, "64").feedback


def test_a_set_of_this_folder_is_named_with_its_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.toml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["lint", "mine"])
    assert end.value.code == 2
    assert "mine.toml" in capsys.readouterr().err
