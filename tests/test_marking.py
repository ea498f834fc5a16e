"""Marking whole courses: nothing is lost, nothing is made twice, and people decide once."""

from __future__ import annotations

import faulthandler
import io
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from solver.core import BadInput, CheckFailed, Problem, Verdict
from solver.courses import command, marking, workers
from solver.courses.records import Marked, Submission
from solver.courses.store import Made, Store, Task, open_store
from solver.courses.workers import marked
from solver.sets import ProblemSet, load_set
from tests.bench_marking import write

ROOT = Path(__file__).parent.parent
KEY = """
title = "Three questions"
[[problem]]
id = "a"
points = 2
kind = "eval"
prompt = "Twice three?"
given = { expr = "2*3" }
[[problem]]
id = "b"
points = 4
kind = "shape conv"
given = { input = [3, 32, 32], kernel = 5, out_channels = 6 }
[[problem]]
id = "c"
kind = "count params"
given = { net = "lenet5-modern" }
"""


def the_set(folder: Path, text: str = KEY) -> ProblemSet:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "three.toml"
    path.write_text(text)
    return load_set(path)


def following(whole: ProblemSet) -> ProblemSet:
    """The same, where b goes on with what was found in a."""
    parts = [replace(p, follows={"a": "kernel"}) if p.id == "b" else p for p in whole.problems]
    return replace(whole, problems=tuple(parts))


def students(**answers: dict[str, str]) -> list[Submission]:
    return [Submission(name, given, f"{name}.toml") for name, given in answers.items()]


def by_text(task: Task) -> Verdict:
    """A trivial checker: r… is right, u… undecided, else wrong."""
    mark = {"r": "right", "u": "undecided"}.get(task.text[:1], "wrong")
    return Verdict(mark, 2 if mark == "right" else 0, "", "Why not." * (mark == "undecided"), task.text)


class Counting:
    """A marker in this very process that remembers what it was asked."""

    def __init__(self, grade: workers.Grade = by_text):
        self.grade, self.asked = grade, list[str]()

    def __call__(self, chunks: Iterable[list[Task]]) -> Iterator[list[Made]]:
        for chunk in chunks:
            self.asked += [task.text for task in chunk]
            yield [Made(task.id, self.grade(task)) for task in chunk]


def marks(store: Store) -> dict[str, dict[str, str]]:
    return {s.student: {k: r.verdict.mark for k, r in s.results.items()} for s in store.students()}


def grade(store: Store, given: Iterable[Submission], timeout: float = 5) -> list[str]:
    """Take these in and mark them; the texts that had to be marked."""
    marker = Counting()
    marking.take_in(store, given)
    made = marking.mark(store, marker, timeout=timeout)
    assert made == len(marker.asked)
    return sorted(marker.asked)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = open_store(tmp_path / "out", the_set(tmp_path))
    yield found
    found.db.close()


# -- workers ------------------------------------------------------------------------------


def hostile(task: Task) -> Verdict:
    """What a checker, or an answer, may do to the process that it runs in."""
    if task.text == "loops":
        while True:
            pass
    if task.text == "swallows the time-out once":
        try:
            while True:
                time.process_time()
        except BaseException:  # noqa: B036
            while True:
                pass
    if task.text == "sleeps":
        time.sleep(1000)
    if task.text == "leaves":
        os._exit(0)
    if task.text == "crashes":
        faulthandler.disable()  # pytest's
        os.kill(os.getpid(), signal.SIGSEGV)
    if task.text == "eats":
        len(bytearray(2**34))
    if task.text == "leaks":
        kept = []
        while True:
            kept.append(bytearray(2**20))
    if task.text == "fails":
        raise KeyError("of ours")
    if task.text == "prints":
        print("something on the terminal", file=sys.stderr, flush=True)
        os.write(1, b"something on the terminal")
    return Verdict("right", 0.1 + 0.2, "", "", task.text)


LONG = "It took longer than 1 s to check: a person has to decide this."
ENDED = "Checking it ended the checking process: a person has to decide this."
MEMORY = "Checking it took too much memory: a person has to decide this."
HARM = {
    "loops": LONG,
    "swallows the time-out once": LONG,
    "sleeps": LONG,
    "leaves": ENDED,
    "crashes": ENDED,
    "eats": MEMORY,
    "leaks": MEMORY,
    "fails": "Checking it failed (KeyError): a person has to decide this.",
}


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_answer_loses_another_or_is_wrong(jobs: int, capfd: pytest.CaptureFixture[str]) -> None:
    texts = [f"fine {i}" for i in range(300)] + list(HARM) + ["prints"]
    random.Random(jobs).shuffle(texts)
    tasks = [Task(i, "", "", text, {}) for i, text in enumerate(texts)]
    chunks = [tasks[i : i + 100] for i in range(0, len(tasks), 100)]
    made = [
        one
        for some in marked(chunks, hostile, jobs=jobs, timeout=1, grace=2, memory=2**26)
        for one in some
    ]
    assert sorted(m.task for m in made) == list(range(len(texts)))  # each once
    for one in made:
        text, v = texts[one.task], one.verdict
        if text in HARM:
            assert (v.mark, v.points, v.feedback) == ("undecided", 0, HARM[text])
            assert one.allowed == (1 if HARM[text] == LONG else None)
        else:
            assert (v.mark, v.points, v.understood_as) == ("right", 0.1 + 0.2, text)
    assert "terminal" not in "".join(capfd.readouterr())


def test_what_ends_a_process_is_tried_once_more_alone(tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    def grade(task: Task) -> Verdict:
        with ran.open("a") as file:
            file.write(task.text + "\n")
        if task.text == "always" or (task.text == "once" and ran.read_text().count("once") == 1):
            os._exit(9)
        return Verdict("right")

    tasks = [Task(i, "", "", text, {}) for i, text in enumerate(["x", "once", "y", "always", "z"])]
    made = {m.task: m.verdict.mark for some in marked([tasks], grade, jobs=1) for m in some}
    assert made == {0: "right", 1: "right", 2: "right", 3: "undecided", 4: "right"}
    counts = [ran.read_text().split().count(t.text) for t in tasks]
    assert counts == [1, 2, 1, 2, 1]


def test_a_time_out_that_gets_lost_comes_again() -> None:
    def grade(task: Task) -> Verdict:
        if task.text:
            hostile(task)
        return Verdict("right", 0, "", "", str(os.getpid()))

    texts = ["", "swallows the time-out once", ""]
    tasks = [Task(i, "", "", text, {}) for i, text in enumerate(texts)]
    made = [m for some in marked([tasks], grade, jobs=1, timeout=0.2) for m in some]
    assert [m.verdict.mark for m in made] == ["right", "undecided", "right"]
    assert made[0].verdict.understood_as == made[2].verdict.understood_as  # the same process


def test_a_worker_that_grows_makes_room(tmp_path: Path) -> None:
    kept = []

    def grade(task: Task) -> Verdict:
        with (tmp_path / str(os.getpid())).open("a") as file:
            file.write(".")
        kept.append(bytearray(2**21))
        return Verdict("right")

    tasks = [Task(i, "", "", "", {}) for i in range(100)]
    chunks = [tasks[i : i + 10] for i in range(0, 100, 10)]
    made = [m for some in marked(chunks, grade, jobs=1, memory=2**26) for m in some]
    assert [m.verdict.mark for m in made] == ["right"] * 100
    ran = [len(path.read_text()) for path in tmp_path.iterdir()]
    assert sum(ran) == 100  # before its memory was too little, so that no answer ran twice
    assert len(ran) > 1 or not workers.size()


def test_verdicts_come_as_they_are_made(tmp_path: Path) -> None:
    go = tmp_path / "go"

    def grade(task: Task) -> Verdict:
        while task.id and not go.exists():
            time.sleep(0.01)
        return Verdict("right")

    stream = marked([[Task(0, "", "", "", {}), Task(1, "", "", "", {})]], grade, jobs=1)
    assert [m.task for m in next(stream)] == [0]  # the second has not been made yet
    go.touch()
    assert [m.task for some in stream for m in some] == [1]


def test_workers_end_when_they_are_not_wanted(tmp_path: Path) -> None:
    def grade(task: Task) -> Verdict:
        (tmp_path / f"{os.getpid()}").touch()
        return Verdict("right")

    stream = marked(([Task(i, "", "", "", {})] for i in range(10**9)), grade, jobs=2)
    for _ in range(20):
        next(stream)
    stream.close()  # type: ignore[attr-defined]
    pids = [int(p.name) for p in tmp_path.iterdir()]
    assert 1 <= len(pids) <= 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_workers_that_cannot_start_are_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "limit", lambda memory: os._exit(7))
    with pytest.raises(CheckFailed, match="do not start"):
        list(marked([[Task(0, "", "", "", {})]], by_text, jobs=2))


def test_where_there_is_no_fork() -> None:
    tasks = [Task(i, "", "", text, {}) for i, text in enumerate(["right", "loops", "leaves", "x"])]
    made = {
        m.task: m.verdict.mark
        for some in marked([tasks], hostile, jobs=1, timeout=0.3, grace=20, method="spawn")
        for m in some
    }
    assert made == {0: "right", 1: "undecided", 2: "undecided", 3: "right"}


# -- the store ----------------------------------------------------------------------------


def test_equal_answers_are_marked_once(store: Store) -> None:
    pile = students(
        eva={"b": "w 1", "a": "r"}, ada={"a": "r", "c": "u"}, ben={"a": "r", "b": "w 1"}
    )
    assert grade(store, pile) == ["r", "u", "w 1"]
    assert store.count() == 3 and store.parts() == ["a", "b", "c"]
    assert list(marks(store).items()) == [
        ("ada", {"a": "right", "c": "undecided"}),
        ("ben", {"a": "right", "b": "wrong"}),
        ("eva", {"a": "right", "b": "wrong"}),
    ]
    assert list(next(iter(store.students())).results) == ["a", "c"]  # in the set's order
    assert store.tally() == {"right": 3, "undecided": 1, "wrong": 2}
    assert grade(store, pile) == []


def test_equal_texts_of_other_questions_are_not_equal(store: Store) -> None:
    pile = [Submission("ada", {"a": "r", "b": "r"}, "1"),
            Submission("ben", {"a": "r"}, "2", variant="B")]  # fmt: skip
    assert grade(store, pile) == ["r", "r"]  # a set without variants has no variant B


def test_answers_that_follow_from_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store = replace(store, whole=following(store.whole))
    seen = []

    def graded(whole: ProblemSet, problem: Problem, text: str, earlier: dict[str, str] = {}, run_code: bool = False) -> Verdict:  # noqa: B006, E501
        seen.append((problem.id, text, dict(earlier)))
        return Verdict("undecided")

    monkeypatch.setattr(marking, "grade_part", graded)
    pile = students(
        ada={"a": "1", "b": "2", "c": "3"}, ben={"a": "1 ", "b": "2", "c": "3"},
        cem={"b": "2", "c": "3"}, dan={"a": "1", "b": "2", "c": "3"},
    )  # fmt: skip
    marking.take_in(store, pile)
    marking.mark(store, Counting(marking.grader(store.whole)), timeout=5)
    assert sorted(seen, key=str) == [
        ("a", "1 ", {}), ("a", "1", {}), ("b", "2", {"a": "1 "}), ("b", "2", {"a": "1"}),
        ("b", "2", {}), ("c", "3", {}),
    ]  # fmt: skip
    groups = [(g.part, g.students) for g in store.groups()]
    assert groups[0] == ("c", ("ada", "ben", "cem", "dan"))
    assert ("b", ("ada", "ben", "dan")) in groups and ("b", ("cem",)) in groups


def test_an_own_earlier_answer_is_gone_on_with(tmp_path: Path) -> None:
    whole = following(the_set(tmp_path, KEY.replace("2*3", "2+3")))
    pile = students(
        ada={"a": "3", "b": "6x30x30"}, ben={"a": "5", "b": "6x30x30"}, cem={"b": "6x30x30"}
    )
    with closing((store := open_store(tmp_path / "out", whole)).db):
        marking.take_in(store, pile)
        known = marking.worked_out(whole)
        assert marking.mark(store, lambda c: marked(c, known, jobs=1), timeout=5) == 5
        assert {k: v["b"] for k, v in marks(store).items()} == {
            "ada": "right", "ben": "wrong", "cem": "wrong"
        }  # fmt: skip


def test_what_cannot_be_kept_as_it_is(store: Store) -> None:
    odd = Submission("a\ud800da", {"a": "r \ud800\0", "z": "r"}, "x", unread=("Torn.",))
    assert grade(store, [odd]) == ["r ?\0"]
    (found,) = store.students()
    assert found.student == "a?da"
    assert found.unread == ("Torn.", "There is no part z in this set.")


def test_only_what_a_change_touches_is_marked_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pile = students(
        ada={"a": "r 1", "b": "w 1", "c": "w 3"}, ben={"a": "r 2", "b": "w 1", "c": "r"}
    )
    everything = ["r", "r 1", "r 2", "w 1", "w 3"]

    def again(text: str) -> list[str]:
        with closing(open_store(tmp_path / "out", the_set(tmp_path, text)).db) as db:
            return grade(Store(the_set(tmp_path, text), db), pile)

    assert again(KEY) == everything
    assert again(KEY.replace("Twice three?", "Three times two?")) == []
    assert again(KEY.replace("points = 4", "points = 5")) == ["w 1"]
    assert again(KEY.replace("kernel = 5", "kernel = 3")) == ["w 1"]
    wrong = 'mistakes = [{ value = 5, feedback = "Plus." }]'
    assert again(KEY.replace('"2*3" }', f'"2*3" }}\n{wrong}')) == ["r 1", "r 2"]
    assert again(KEY + "[conventions]\nnorm = false\n") == ["r", "w 3"]
    assert again(KEY + '[conventions]\norder = "HWC"\n') == everything
    assert again(KEY) == []  # all of it is still known
    monkeypatch.setattr(marking, "program", lambda: "another checker")
    assert again(KEY) == everything


def test_what_is_added_to_sets_later_counts(tmp_path: Path) -> None:
    whole = the_set(tmp_path)
    prints = marking.fingerprints(whole)
    assert len(set(prints.values())) == 3
    later = marking.fingerprints(replace(whole, conventions={"later": 1}))
    assert not set(prints.values()) & set(later.values())
    assert marking.fingerprints(replace(whole, title="x", intro="y", course="z", path="p")) == prints
    linked = marking.fingerprints(following(whole))
    assert [p for p in prints if linked[p] != prints[p]] == ["b"]
    other = marking.fingerprints(following(the_set(tmp_path, KEY.replace("2*3", "3*3"))))
    assert [p for p in prints if linked[p] != other[p]] == ["a", "b"]
    borrowed = [{"parts": {"x": ["s0/cifar"]}}, {"net": "s0/nothing"}, {"net": "a/b/c"}, {"net": "s0"}]
    assert [len(list(marking.borrowed(given))) for given in borrowed] == [1, 1, 0, 0]
    assert "conv 6 k5" in next(marking.borrowed(borrowed[0]))


def test_the_marks_that_changed_are_listed(tmp_path: Path) -> None:
    pile = students(ada={"a": "6", "b": "r"}, ben={"a": "5", "b": "r"}, cem={"a": "u"})

    def run(text: str, wrong: str) -> tuple[list[tuple[str, str, str, str]], dict[str, str]]:
        def checked(task: Task) -> Verdict:
            return Verdict("wrong", 0) if task.text == wrong else by_text(task)

        store = open_store(tmp_path / "out", the_set(tmp_path, text))
        with closing(store.db):
            marking.take_in(store, pile)
            marking.mark(store, Counting(checked), timeout=5)
            before = {f"{s.student} {k}": r.before for s in store.students()
                      for k, r in s.results.items() if r.before}  # fmt: skip
            return list(store.changed()), before

    assert run(KEY, "") == ([], {})
    assert run(KEY, "") == ([], {})
    changed = KEY.replace("points = 4", "points = 5")
    said = [("ada", "b", "right", "wrong"), ("ben", "b", "right", "wrong")]
    for _ in range(2):  # the same again: the comparison stays with what was before the change
        assert run(changed, "r") == (said, {"ada b": "right", "ben b": "right"})
    pile[1] = Submission("ben", {"a": "5", "b": "r "}, "ben.toml")  # another text: no comparison
    assert run(changed, "r") == (said[:1], {"ada b": "right"})


def test_more_points_for_the_same_mark_are_a_change(tmp_path: Path) -> None:
    for points, text in ((2, KEY), (3, KEY.replace("points = 2", "points = 3"))):
        store = open_store(tmp_path / "out", the_set(tmp_path, text))
        with closing(store.db):
            marking.take_in(store, students(ada={"a": "6"}))
            marking.mark(store, Counting(lambda t, p=points: Verdict("right", p)), timeout=5)
            changed = list(store.changed())
            (ada,) = store.students()
            assert (ada.results["a"].verdict.points, ada.results["a"].before) == (points, "")
    assert changed == [("ada", "a", "right", "right")]


def test_what_ran_out_of_time_is_tried_with_more(store: Store) -> None:
    def cut(chunks: Iterable[list[Task]]) -> Iterator[list[Made]]:
        for chunk in chunks:
            yield [Made(t.id, workers.too_long(1), 1 if t.text == "r 1" else None) for t in chunk]

    marking.take_in(store, students(ada={"a": "r 1", "b": "r 2"}))
    assert marking.mark(store, cut, timeout=1) == 2
    assert grade(store, students(ada={"a": "r 1", "b": "r 2"}), timeout=1) == []
    assert grade(store, students(ada={"a": "r 1", "b": "r 2"}), timeout=2) == ["r 1"]
    assert marks(store) == {"ada": {"a": "right", "b": "undecided"}}


def test_nothing_readable_is_an_error_that_changes_nothing(store: Store) -> None:
    grade(store, students(ada={"a": "r"}))
    for pile, said in (
        ([], "there is no submission"),
        ([Submission("ben", {}, "b", unread=("It is empty.",))], "the first: It is empty."),
    ):
        with pytest.raises(BadInput, match=said):
            grade(store, pile)
        assert marks(store) == {"ada": {"a": "right"}}

    def broken() -> Iterator[Submission]:
        yield Submission("ben", {"a": "r"}, "b")
        raise BadInput("gone")

    with pytest.raises(BadInput, match="gone"):
        grade(store, broken())
    assert marks(store) == {"ada": {"a": "right"}}


def test_marks_of_another_layout_are_refused(tmp_path: Path) -> None:
    open_store(tmp_path, the_set(tmp_path)).db.close()
    with closing(sqlite3.connect(tmp_path / ".pset/marks.sqlite")) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(BadInput, match="another version"):
        open_store(tmp_path, the_set(tmp_path))
    (tmp_path / ".pset/marks.sqlite").write_text("no database, but long enough" * 100)
    with pytest.raises(BadInput, match="cannot be opened"):
        open_store(tmp_path, the_set(tmp_path))


def test_memory_stays_flat(tmp_path: Path) -> None:
    def peak(many: int) -> int:
        pile = (Submission(f"s{i}", {"a": f"r {i}", "b": f"u {i}", "c": "w"}, f"{i}") for i in range(many))
        store = open_store(tmp_path / str(many), the_set(tmp_path))

        def marker(chunks: Iterable[list[Task]]) -> Iterator[list[Made]]:
            return ([Made(t.id, by_text(t)) for t in chunk] for chunk in chunks)

        with closing(store.db):
            tracemalloc.start()
            marking.take_in(store, pile)
            assert marking.mark(store, marker, timeout=5) == 2 * many + 1
            assert sum(len(s.results) for s in store.students()) == 3 * many
            assert sum(1 for _ in store.groups()) == many
            found = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return found

    peak(50)  # what is loaded once
    small = peak(1000)
    assert peak(5000) < 2 * small + 400_000  # five times as many, if it grew


# -- deciding -----------------------------------------------------------------------------


def undecided(folder: Path, text: str = KEY) -> Store:
    """Five students, two groups of undecided answers; 'u  1' and 'u 1' are one."""
    pile = students(
        ada={"a": "u 1"}, ben={"a": "u  1 "}, cem={"a": "u 2"}, dan={"a": "r"}, eva={"b": "u 1"},
        fay={"b": "u 1"}, gil={"b": "u 1"},
    )  # fmt: skip
    store = open_store(folder / "out", the_set(folder, text))
    grade(store, pile)
    return store


def test_groups(tmp_path: Path) -> None:
    with closing((store := undecided(tmp_path)).db):
        found = list(store.groups())
        assert [(g.part, g.text, g.students) for g in found] == [
            ("b", "u 1", ("eva", "fay", "gil")), ("a", "u 1", ("ada", "ben")), ("a", "u 2", ("cem",)),
        ]  # fmt: skip
        assert all(g.verdict.feedback == "Why not." for g in found)
        assert len({g.id for g in found}) == 3
    with closing((store := undecided(tmp_path / "elsewhere")).db):
        assert [g.id for g in store.groups()] == [g.id for g in found]  # stable


def test_a_decision_is_kept_replaced_and_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = undecided(tmp_path)
    key = store.find(next(g.id for g in store.groups() if g.part == "a" and len(g.students) == 2))
    said = command.settled(store, key, "partly", None, "Half of it.")
    assert said == f"{key[:10]} is partly right, 1 point: 2 students"
    store.db.close()

    store = undecided(tmp_path)  # another run
    by_name = {s.student: s.results for s in store.students()}
    for name in ("ada", "ben"):
        result = by_name[name]["a"]
        assert result.decided
        assert result.verdict == Verdict("partly", 1, "", "Half of it.", result.text)
    assert not by_name["cem"]["a"].decided and not by_name["eva"]["b"].decided
    assert [g.part for g in store.groups()] == ["b", "a"]
    assert store.tally() == {"partly": 2, "undecided": 4, "right": 1}

    command.settled(store, key, "wrong", 0.5, "")
    assert marks(store)["ada"] == {"a": "wrong"} and store.tally()["wrong"] == 2
    assert [(d.mark, d.points, d.note) for d in store.decided()] == [("wrong", 0.5, "")]
    store.db.close()

    changed = KEY.replace("2*3", "3*3")  # another question: asked again
    with closing((store := undecided(tmp_path, changed)).db):
        assert marks(store)["ada"] == {"a": "undecided"} and not list(store.decided())
    monkeypatch.setattr(marking, "program", lambda: "another checker")  # the same question
    with closing((store := undecided(tmp_path)).db):
        assert marks(store)["ada"] == {"a": "wrong"}
        command.settled(store, store.find(key[:10]), "undo", None, "")
        assert marks(store)["ada"] == {"a": "undecided"}
        with pytest.raises(BadInput, match="was not decided"):
            command.settled(store, key, "undo", None, "")
    with closing((store := undecided(tmp_path)).db):
        assert marks(store)["ada"] == {"a": "undecided"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rihgt", None, ""), "did you mean right"),
        (("right", 3, ""), "from 0 to 2 points, not 3"),
        (("right", -1, ""), "from 0 to 2 points"),
        (("right", float("nan"), ""), "from 0 to 2 points"),
        (("undo", 1, ""), "neither points nor a note"),
    ],
)
def test_decisions_that_cannot_be(tmp_path: Path, words: tuple, said: str) -> None:
    with closing((store := undecided(tmp_path)).db):
        key = store.find(next(g.id for g in store.groups() if g.part == "a"))
        with pytest.raises(BadInput, match=said):
            command.settled(store, key, *words)
        assert not list(store.decided())


def test_unknown_groups_and_folders(tmp_path: Path) -> None:
    with closing((store := undecided(tmp_path)).db):
        one = next(store.groups()).id
        assert store.find(one[:6])[:10] == one
        wrong = one[:-1] + ("0" if one[-1] != "0" else "1")
        with pytest.raises(BadInput, match=f"did you mean.*{one}"):
            store.find(wrong)
        for odd in ("", "%", "x' OR 1"):
            with pytest.raises(BadInput):
                store.find(odd)
    with pytest.raises(BadInput, match="did you mean .*out"):
        command.decide(str(tmp_path / "outt"), None, None, None, "")
    with pytest.raises(BadInput, match="makes some"):
        command.decide(str(tmp_path / "no" / "where"), None, None, None, "")


# -- the command --------------------------------------------------------------------------


def pset(*words: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *words],
        cwd=cwd, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


def written(folder: Path) -> dict[str, bytes]:
    """Every file that a run leaves, but what it keeps for itself."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and ".pset" not in p.parts
    }


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of 25 students, marked without interruption in whole/marks."""
    folder = tmp_path_factory.mktemp("course")
    write(load_set("s0"), 25, folder / "all.jsonl")
    (folder / "whole").mkdir()
    done = pset("grade", "s0", "../all.jsonl", "--out", "marks", cwd=folder / "whole")
    assert re.match(r"25 students, \d,\d{3} answers", done.stdout)
    # not on a terminal: one line, at the end
    assert done.stderr.startswith("marked ") and done.stderr.count("\n") == 1
    assert "\r" not in done.stderr
    assert {"report.json", "report.html", "marks.csv"} <= set(written(folder / "whole/marks"))
    return folder


def count(path: Path, query: str) -> int:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return int(db.execute(query).fetchone()[0])
    except sqlite3.Error:
        return 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_stopped_at_any_moment_it_goes_on(course: Path, tmp_path: Path, how: int) -> None:
    (tmp_path / "all.jsonl").symlink_to(course / "all.jsonl")
    here = tmp_path / "stopped"
    here.mkdir()
    words = ("grade", "s0", "../all.jsonl", "--out", "marks", "--jobs", "2")
    child = subprocess.Popen(
        [sys.executable, str(ROOT / "cli.py"), *words], cwd=here, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    database = here / "marks/.pset/marks.sqlite"
    until = time.monotonic() + 120
    done = "SELECT COUNT(*) FROM tasks WHERE mark IS NOT NULL"
    while count(database, done) < 30 and time.monotonic() < until:
        assert child.poll() is None, "it was too quick to be stopped"
        time.sleep(0.005)
    os.killpg(child.pid, how)
    _, said = child.communicate()
    if how == signal.SIGINT:
        assert child.returncode == 130 and "the same command goes on" in said
        assert "Traceback" not in said
    kept, everything = count(database, done), count(database, "SELECT COUNT(*) FROM tasks")
    assert 30 <= kept < everything
    assert not written(here / "marks")
    again = pset(*words, cwd=here)
    assert again.stderr.startswith(f"marked {everything - kept} different answers")
    assert written(here / "marks") == written(course / "whole/marks")


def test_two_runs_are_the_same_bytes(course: Path) -> None:
    before = written(course / "whole/marks")
    again = pset("grade", "s0", "../all.jsonl", "--out", "marks", cwd=course / "whole")
    assert "marked" not in again.stderr  # nothing was left to do
    assert written(course / "whole/marks") == before
    (course / "alone").mkdir()
    pset("grade", "s0", "../all.jsonl", "--out", "marks", "--jobs", "1", cwd=course / "alone")
    assert written(course / "alone/marks") == before


def test_numpy_is_told_before_it_loads() -> None:
    # A BLAS with threads would hang in a worker that may start none.
    program = (
        "import os; from solver.courses import command, workers\n"
        "try: command.grade('s0', ['x'], 'y', jobs=0)\n"
        "except ValueError: print({os.environ[n] for n in workers.ONE_THREAD})"
    )
    env = {k: v for k, v in os.environ.items() if k not in workers.ONE_THREAD}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "{'1'}"


def test_a_torn_write_is_cleared_away(course: Path) -> None:
    marks_ = course / "whole/marks"
    before = written(marks_)
    torn = [marks_ / ".marks.csv.12345", marks_ / "feedback" / ".student-000000.html.77"]
    torn[1] = next(marks_.glob("feedback/*.html"))
    torn[1] = torn[1].with_name(f".{torn[1].name}.77")
    for path in torn:
        path.write_text("half")
    (marks_ / ".mine.1").write_text("not ours")
    pset("grade", "s0", "../all.jsonl", "--out", "marks", cwd=course / "whole")
    assert not any(path.exists() for path in torn)
    assert (marks_ / ".mine.1").exists()
    (marks_ / ".mine.1").unlink()
    assert written(marks_) == before


def test_deciding_on_the_command_line(tmp_path: Path) -> None:
    the_set(tmp_path)
    pile = [{"student": f"s{i}", "answers": {"b": "6 x 28 x 28", "c": "61.7k"}} for i in range(3)]
    (tmp_path / "all.jsonl").write_text("\n".join(map(json.dumps, pile)))
    run = ("grade", "three.toml", "all.jsonl", "--out", "marks")
    done = pset(*run, cwd=tmp_path)
    assert "3 undecided" in done.stdout, done.stdout
    first = written(tmp_path / "marks")
    (tmp_path / "three.toml").unlink()  # the folder has all that it needs
    listing = pset("decide", "marks", cwd=tmp_path).stdout.splitlines()
    group, part, many = listing[0].split("  ")
    assert (part, many) == ("c", "3 students")
    assert listing[1].strip() == "61.7k"
    assert "s0, s1, s2" in pset("decide", "marks", group, cwd=tmp_path).stdout
    said = pset("decide", "marks", group, "right", "--note", "Well estimated.", cwd=tmp_path).stdout
    assert said == f"{group} is right, 1 point: 3 students\n"
    second = written(tmp_path / "marks")
    assert second != first and b"Well estimated." in b"".join(second.values())
    listing = pset("decide", "marks", cwd=tmp_path).stdout.splitlines()
    assert listing[0] == "nothing waits for a decision"
    assert listing[1].startswith(f"decided: {group}  c  right (1)")
    the_set(tmp_path)
    assert "3 undecided" not in pset(*run, cwd=tmp_path).stdout
    assert written(tmp_path / "marks") == second
    pset("decide", "marks", group, "undo", cwd=tmp_path)
    assert written(tmp_path / "marks") == first
    error = pset("decide", "marks", "0123456789", "right", cwd=tmp_path, code=2).stderr
    assert error.startswith("error: no group is called")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--jobs", "0"), "from 1 to 256 jobs"),
        (("--timeout", "0"), "from 0 to 3600 seconds"),
        (("--timeout", "nan"), "from 0 to 3600 seconds"),
        (("--format", "docx"), "no format is called 'docx'"),
        (("--jbos", "2"), "No such option"),
    ],
)
def test_bad_options(course: Path, words: tuple[str, ...], said: str) -> None:
    given = ("grade", "s0", "../all.jsonl", "--out", "bad", *words)
    assert said in pset(*given, cwd=course / "whole", code=2).stderr
    assert not (course / "whole/bad").exists()


def test_marks_do_not_lie_among_submissions(course: Path) -> None:
    error = pset("grade", "s0", "..", "--out", "inside", cwd=course / "whole", code=2)
    assert "outside of the submissions" in error.stderr


def test_a_folder_is_one_set_s_and_one_process_s(course: Path) -> None:
    error = pset("grade", "s1", "../all.jsonl", "--out", "marks", cwd=course / "whole", code=2)
    assert "holds the marks of s0" in error.stderr
    holder = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "from solver.courses.command import at_work, kept_set\n"
        "folder = Path('marks')\n"
        "with at_work(folder, kept_set(folder)): print('mine', flush=True), sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", holder, str(ROOT)], cwd=course / "whole",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout and child.stdout.readline() == "mine\n"
    error = pset("decide", "marks", cwd=course / "whole", code=2)
    assert "another pset is at work" in error.stderr
    child.communicate("")
    pset("decide", "marks", cwd=course / "whole")


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress() -> None:
    for stream, live in ((Screen(), True), (io.StringIO(), False)):
        with command.progress(stream) as tell:
            for done in (0, 10, 2000):
                tell(done, 2000)
        said = stream.getvalue()
        assert ("10/2,000 answers" in said) == ("\r" in said) == live
        assert said.endswith("different answers, " + said.rpartition(", ")[2])
        assert said.count("\n") == 1
    with command.progress(stream := io.StringIO()):
        pass
    assert stream.getvalue() == ""
    assert [command.clock(s) for s in (3, 63, 3723)] == ["3 s", "1:03", "1:02:03"]


# -- a cluster ----------------------------------------------------------------------------


class KilledWorker(Exception):
    """Named as what Dask raises when several workers were lost over one chunk."""


def lost(about: str, chunk: str) -> str:
    raise KilledWorker


def broken(about: str, chunk: str) -> str:
    raise ImportError("pset is not here")


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_loses_workers_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    from solver.courses import cluster as there

    whole = the_set(tmp_path)
    numbers = random.Random(0).sample(range(10**6), 150)
    pile = [Submission(f"s{i}", {"a": "6" if i % 3 else str(n), "b": f"{n} x 28 x 28", "c": str(n)}, "x")
            for i, n in enumerate(numbers)]  # fmt: skip

    def results(name: str, marker: marking.Marker, pile: list[Submission] = pile) -> list[Marked]:
        with closing((store := open_store(tmp_path / name, whole)).db):
            marking.take_in(store, pile)
            todo = store.waiting()
            assert marking.mark(store, marker, timeout=5) == todo > 0
            assert store.waiting() == 0
            return list(store.students())

    known = marking.worked_out(whole)
    expected = results("local", lambda chunks: marked(chunks, known, jobs=2))
    killed = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1",
        dashboard_address="127.0.0.1:0", scheduler_kwargs={"dashboard": False}, silence_logs=50,
    ) as cluster:  # fmt: skip
        pids = [w.process.process.pid for w in cluster.workers.values()]

        def marker(chunks: Iterable[list[Task]]) -> Iterator[list[Made]]:
            for made in there.marked_on(cluster.scheduler_address, whole, chunks, timeout=5):
                if not killed:
                    os.kill(pids[0], signal.SIGKILL)
                    killed.append(pids[0])
                yield made

        assert results("cluster", marker) == expected
        assert killed
        monkeypatch.setattr(there, "mark_chunk", lost)
        assert results("lost", marker, pile[:10]) == [m for m in expected if m.student in {p.student for p in pile[:10]}]
        monkeypatch.setattr(there, "mark_chunk", broken)
        with pytest.raises(BadInput, match="ImportError: pset is not here"):
            results("broken", marker)
    with pytest.raises(BadInput, match="no Dask scheduler answers"):
        list(there.marked_on("tcp://127.0.0.1:9", whole, [], timeout=5))


def test_another_program_s_verdicts_are_refused() -> None:
    from solver.courses.cluster import verdicts

    made = [[7, "right", 1, "", "", "6", None]]
    said = {"program": marking.program(), "made": made}
    assert verdicts(json.dumps(said), "") == [Made(7, Verdict("right", 1, "", "", "6"))]
    with pytest.raises(BadInput, match="another version"):
        verdicts(json.dumps({**said, "program": "older"}), "")


def test_a_grade_book_is_filled_in(tmp_path: Path) -> None:
    book = tmp_path / "canvas.csv"
    title = load_set("s0").title
    book.write_text(f'Student,ID,SIS User ID,SIS Login ID,Section,"{title} (12)"\n'
                    "    Points Possible,,,,,40\n"
                    '"Lovelace, Ada",77,,ada@x.edu,A,\n')  # fmt: skip
    given = tmp_path / "ada.json"
    given.write_text(json.dumps({"student": "Ada Lovelace", "answers": {"1.1a": "2x"}}))
    out = tmp_path / "marks"
    command.grade("s0", [str(given)], str(out), jobs=1, fill=str(book))
    assert '"Lovelace, Ada",77,,ada@x.edu,A,2\n' in (out / "canvas-filled.csv").read_text()
    with pytest.raises(BadInput, match="no such grade book"):
        command.grade("s0", [str(given)], str(out), jobs=1, fill=str(tmp_path / "other.csv"))
