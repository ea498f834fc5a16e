"""Marking by variant: what a hand-out records, --variant, --by-name, and pset check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli import main
from solver.courses import marking
from solver.courses.records import Submission
from solver.courses.store import Store, open_store
from solver.courses.variants import labelled
from solver.sets import ProblemSet, load_set, solve_part
from solver.values import show
from tests.test_marking import Counting
from tests.test_variants import SET

PLAIN = """
[[problem]]
id = "2"
title = "Twice three"
kind = "eval"
prompt = "Twice three?"
given = { expr = "2*3" }
"""


@pytest.fixture
def whole(tmp_path: Path) -> ProblemSet:
    path = tmp_path / "conv.toml"
    path.write_text(SET.replace("follows = {}", 'title = "Count"') + PLAIN, encoding="utf-8")
    return load_set(path)


@pytest.fixture
def store(whole: ProblemSet, tmp_path: Path) -> Store:
    return open_store(tmp_path / "marks", whole)


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(words))
    return int(end.value.code or 0)


def marks(store: Store) -> dict[str, dict[str, str]]:
    return {s.student: {k: r.verdict.mark for k, r in s.results.items()} for s in store.students()}


def key(whole: ProblemSet, label: str, part: str = "1a") -> str:
    own = whole.under(label)
    return show(solve_part(own, own[part]).value)


def mark(store: Store, pile: list[Submission], **options: object) -> Counting:
    marker = Counting(marking.grader(store.whole))
    marking.take_in(store, labelled(store.whole, pile, **options))  # type: ignore[arg-type]
    marking.worked_out(store.whole, marking.labels(store))
    marking.mark(store, marker, timeout=5)
    return marker


def test_each_is_marked_against_its_own(store: Store) -> None:
    whole = store.whole
    labels = ["", "1", "2", "for Ada"]
    keys = {label: key(whole, label) for label in labels}
    assert len(set(keys.values())) > 2
    pile = [
        Submission(f"{a or 'own'} {b or 'own'}", {"1a": keys[b], "1b": key(whole, b, "1b")}, "f", a)
        for a in labels for b in labels
    ]  # fmt: skip
    mark(store, pile)
    found = marks(store)
    for a in labels:
        for b in labels:
            wanted = "right" if keys[a] == keys[b] else "wrong"
            assert found[f"{a or 'own'} {b or 'own'}"]["1a"] == wanted, (a, b)


def test_what_does_not_vary_is_marked_once(store: Store) -> None:
    pile = [Submission(f"s{i}", {"2": "6"}, "f", f"for s{i}") for i in range(20)]
    assert mark(store, pile).asked == ["6"]
    assert {m["2"] for m in marks(store).values()} == {"right"}


def test_two_labels_of_the_same_variant_are_one_task(store: Store) -> None:
    own = store.whole.varied["1a"]
    count = len(own.parameters.numbered)
    pile = [Submission("a", {"1a": "7"}, "f", "1"), Submission("b", {"1a": "7"}, "f", str(count + 1)),
            Submission("c", {"1a": "7"}, "f", "2")]  # fmt: skip
    assert mark(store, pile).asked == ["7", "7"]


def test_by_name_and_by_number(store: Store) -> None:
    whole = store.whole
    pile = [Submission("Ada", {"1a": key(whole, "for Ada")}, "f", "9")]
    mark(store, pile, by_name=True)
    assert marks(store)["Ada"]["1a"] == "right"
    (ada,) = store.students()
    assert "its hand-out says variant 9; it is marked as variant for Ada" in ada.unread[0]
    mark(store, [Submission("Ada", {"1a": key(whole, "2")}, "f")], variant="2")
    assert marks(store)["Ada"]["1a"] == "right"


def test_what_is_no_variant_is_said(store: Store) -> None:
    mark(store, [Submission("Ada", {"1a": key(store.whole, "")}, "f", "B")])
    (ada,) = store.students()
    assert marks(store)["Ada"]["1a"] == "right"
    assert "'B' is neither a number" in ada.unread[0]


def test_only_what_a_change_touches_is_marked_again(store: Store, tmp_path: Path) -> None:
    pile = [Submission("Ada", {"1a": "7", "1b": "8", "2": "6"}, "f", "1")]
    assert mark(store, pile).asked == ["7", "8", "6"]
    path = Path(store.whole.path)
    path.write_text(path.read_text().replace("out_channels = 4", "out_channels = 5"))
    again = open_store(tmp_path / "marks", load_set(path))
    assert mark(again, pile).asked == ["7"]
    path.write_text(path.read_text().replace("28, 32]", "28, 32, 36, 40, 44]"))
    again = open_store(tmp_path / "marks", load_set(path))
    assert mark(again, [Submission("Ada", {"2": "6"}, "f", "1")]).asked == []


def test_sheets_and_marks_from_the_command_line(
    whole: ProblemSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run("sheet", whole.path, "--variants", "3", "--format", "tex,json", "--out", str(out)) == 0
    assert sorted(p.name for p in out.iterdir()) == sorted(
        f"conv-{what}-0{n}.{end}" for what in ("sheet", "key") for n in (1, 2, 3) for end in ("tex", "json")
    )
    text = (out / "conv-sheet-02.tex").read_text()
    assert r"\variant{2}" in text and "variant 2" in text
    for name, answer in (("Ada", key(whole, "2")), ("Ben", key(whole, "3"))):
        filled = text.replace(r"\student{}", rf"\student{{{name}}}", 1)
        filled = re.sub(r"(?<=\\begin\{answer\}\{1a\}\n)", answer.replace("×", "x"), filled)
        (tmp_path / f"{name}.tex").write_text(filled)
    files = [str(tmp_path / f"{name}.tex") for name in ("Ada", "Ben")]
    assert run("grade", whole.path, *files, "--out", str(tmp_path / "m"), "--jobs", "1") == 0
    rows = (tmp_path / "m" / "marks.csv").read_text().splitlines()
    assert rows[1].startswith("Ada,,1,") and rows[2].startswith("Ben,,0,")
    capsys.readouterr()
    assert run("sheet", whole.path, "--student", "Zoë O'Neill", "--format", "tex") == 0
    said = capsys.readouterr().out
    assert r"\variant{for Zoë O'Neill}" in said and r"\student{Zoë O'Neill}" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sheet", "--variants", "2"], "add --out DIR"),
        (["sheet", "--variants", "0", "--out", "x"], "from 1 to"),
        (["sheet", "--variants", "2", "--variant", "1", "--out", "x"], "leave --variant"),
        (["key", "--variant", "B"], "neither a number"),
        (["key", "--variant", "1", "--student", "Ada"], "not both"),
    ],
)
def test_usage(
    whole: ProblemSet, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words[0], whole.path, *words[1:]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("label", ["", "1", "5", "for Ada"])
def test_check(whole: ProblemSet, label: str) -> None:
    own = {"": [], "for Ada": ["--student", "ada"]}.get(label, ["--variant", label])
    assert run("check", whole.path, "1a", key(whole, label), *own) == 0
    other = "2" if key(whole, "2") != key(whole, label) else "3"
    assert run("check", *own, whole.path, "1a", key(whole, other)) == 3


def test_a_submission_without_a_variant_among_others_is_told(
    whole: ProblemSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pile = tmp_path / "pile"
    pile.mkdir()

    def told(name: str, recorded: str) -> bool:
        text = f'student = "{name}"\n{recorded}\n[answers]\n2 = "6"\n'
        (pile / f"{name}.toml").write_text(text)
        assert run("grade", str(whole.path), str(pile), "--out", str(tmp_path / name)) == 0
        out = capsys.readouterr().out
        return "submission records no variant and is marked as the set itself" in out

    assert not told("Ada", "")  # the set itself was handed out
    assert told("Bob", "variant = 2")
    assert not told("Ada", "variant = 1")
