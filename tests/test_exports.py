"""Exports of a course: safe tables, grade books filled, Gradescope's files, run for real."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from solver.core import BadInput, Verdict
from solver.courses.autograder import (
    NEEDS,
    SECONDS,
    grader,
    merged,
    verdicts,
    write_autograder,
)
from solver.courses.exports import cell, gradescope, write_exports
from solver.courses.gradebooks import fill_canvas, fill_moodle
from solver.courses.records import Marked, Result, Submission
from solver.sets import load_set
from tests.course import Double, marked, small_set
from tests.test_report import (
    ATTACKS,
    BAD,
    FLIPPED,
    HALF,
    OPEN,
    RIGHT,
    WRONG,
    hostile_set,
    hostile_student,
)

ROOT = Path(__file__).parent.parent


def rows(text: str, comma: str = ",") -> list[list[str]]:
    return list(
        csv.reader(
            io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=comma
        )
    )


# -- cells ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "\r=1", "\tx", "\rx", " =1", "  -1",
        "'=1", '"=1', "' =1", "“=1”", "＝1", "＋1", "－1", "＠x", "\u00a0=1", "\u200b=1", "\ufeff=1", "\n=1",
        "=HYPERLINK(\"http://x\",\"y\")", "−1".replace("−", "-"), "\0=1", "\x00+1",
    ],
)  # fmt: skip
def test_a_formula_becomes_text(text: str) -> None:
    assert str(cell(text)).startswith("'")


@pytest.mark.parametrize(
    "text", ["Ada", "a=b", "x-1", "", "O'Neill", "李", "1", "a@b.org", "ŷ = 1", "(=1)"]
)
def test_other_text_stays(text: str) -> None:
    assert cell(text) == text


def test_numbers_stay_numbers() -> None:
    assert cell(-1) == -1 and cell(2.5) == 2.5


def test_a_cell_is_not_parted_into_a_formula_by_semicolons() -> None:
    assert cell("a;=1") == "a;'=1" and cell('a; "=1') == "a;' \"=1"


# -- Gradescope -------------------------------------------------------------------------

VISIBILITY = {"hidden", "after_due_date", "after_published", "visible"}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}


def is_number(x: Any) -> bool:
    return isinstance(x, (int, float)) and not isinstance(x, bool)


def check_results(data: Any) -> None:
    """What Gradescope's contract asks of a results.json."""
    assert isinstance(data, dict) and ("score" in data or "tests" in data)
    assert is_number(data["score"]) and is_number(data.get("execution_time", 0))
    assert isinstance(data.get("output", ""), str)
    for name in ("output_format", "test_output_format", "test_name_format"):
        assert data.get(name, "text") in FORMATS
    for name in ("visibility", "stdout_visibility"):
        assert data.get(name, "visible") in VISIBILITY
    known = {"score", "execution_time", "output", "output_format", "test_output_format", "test_name_format",
             "visibility", "stdout_visibility", "extra_data", "tests", "leaderboard"}  # fmt: skip
    assert set(data) <= known
    for test in data.get("tests", []):
        assert set(test) <= {"score", "max_score", "status", "name", "name_format", "number", "output",
                             "output_format", "tags", "visibility", "extra_data"}  # fmt: skip
        assert is_number(test["score"]) and is_number(test["max_score"])
        assert 0 <= test["score"] <= test["max_score"]
        assert (
            test["status"] in {"passed", "failed"} and test["visibility"] in VISIBILITY
        )
        assert test["output_format"] == test["name_format"] == "text"
        for name in ("name", "number", "output"):
            assert isinstance(test[name], str)
        assert isinstance(test.get("extra_data", {}), dict)
    if data.get("tests"):
        assert data["score"] == pytest.approx(sum(t["score"] for t in data["tests"]))


def test_results_of_a_student() -> None:
    one = marked(
        "Ben", p1a=RIGHT, p1b=OPEN, p2=HALF, unread=("No hand-out in x.docx.",)
    )
    data = gradescope(small_set(), one)
    check_results(data)
    assert data["score"] == 2.5 and "2.5 of 4.5 points" in data["output"]
    assert (
        "No hand-out in x.docx." in data["output"]
        and "still with a person" in data["output"]
    )
    assert [t["status"] for t in data["tests"]] == ["passed", "failed", "failed"]
    assert [t["number"] for t in data["tests"]] == ["1a", "1b", "2"]
    assert "left to a person" in data["tests"][1]["output"]
    assert "Understood as: 7" in data["tests"][2]["output"]


def test_results_hold_no_latex_and_no_control_characters() -> None:
    data = gradescope(small_set(), marked("B", p1a=FLIPPED, p1b=BAD, p2=WRONG))
    assert "It is 3×3, not turned." in data["tests"][0]["output"]
    assert "not counted as wrong" in data["tests"][1]["output"]
    hostile = gradescope(hostile_set(), hostile_student())
    check_results(hostile)
    text = json.dumps(hostile, ensure_ascii=False)
    text.encode()
    assert not any(
        c < " " and c != "\n"
        for t in hostile["tests"]
        for c in t["output"].replace("\t", "")
    )


# -- all files --------------------------------------------------------------------------


def course() -> Double:
    students = (
        marked("Ada Lovelace", "ada@x.org", p1a=RIGHT, p1b=OPEN, p2=HALF),
        marked("Doe, Jane", "jane@x.org", p1a=RIGHT),
        marked("=2+5", "@x", p1a=FLIPPED, p2=BAD),
        marked("Nobody Known", "no@x.org", p1a=RIGHT, p2=HALF),
    )
    whole = load_set("s0")
    small = small_set()
    return Double(
        type(small)("s0", small.title, small.problems, path=whole.path),
        lambda: students,
    )


def test_all_exports(tmp_path: Path) -> None:
    paths = []
    for path in write_exports(course(), tmp_path):
        assert path.is_file() and path.stat().st_size
        paths.append(path)
    results = [p for p in paths if p.parent.name == "gradescope"]
    assert len(results) == 4 and {p.name for p in paths} - {p.name for p in results} == {
        "canvas.csv", "moodle.csv", "autograder.zip"}  # fmt: skip
    for path in results:
        check_results(json.loads(path.read_text()))
    head, most, *students = rows((tmp_path / "canvas.csv").read_bytes().decode())
    assert (
        "Student" in head[0]
        and "ID" in head[1]
        and "Section" in head[4]
        and len(head) == 6
    )
    assert most == ["    Points Possible", "", "", "", "", "4.5"]
    assert [s[5] for s in students] == ["2.5", "2", "0", "2.5"]
    assert (
        students[1][0] == "Doe, Jane"
        and students[2][0] == "'=2+5"
        and students[2][3] == "'@x"
    )
    data = (tmp_path / "moodle.csv").read_bytes().decode()
    assert data.startswith("\ufeff")
    head, *students = rows(data)
    assert head == [
        "Student",
        "Email address",
        "Small & <fine>",
        "Small & <fine> (feedback)",
    ]
    assert students[0][:3] == ["Ada Lovelace", "ada@x.org", "2.5"]
    assert (
        "1a: right, 2 of 2 points" in students[0][3]
        and "1b: left to a person" in students[0][3]
    )
    assert "3×3, not turned" in students[2][3]


def test_hostile_students_in_tables(tmp_path: Path) -> None:
    whole = load_set("s0")
    hostile = hostile_set()
    store = Double(type(hostile)("s0", "t", hostile.problems, path=whole.path),
                   lambda: [hostile_student(f"{a[:90]}{n}") for n, a in enumerate(ATTACKS)])  # fmt: skip
    list(write_exports(store, tmp_path))
    for name in ("canvas.csv", "moodle.csv"):
        table = rows((tmp_path / name).read_bytes().decode())
        assert {len(r) for r in table} == {len(table[0])}
        for row in table[1:]:
            assert not any(
                c.lstrip(" '\"")[:1] in tuple("=+-@") and c[:1] != "'" for c in row if c
            )
    assert {p.parent for p in tmp_path.rglob("*.json")} == {tmp_path / "gradescope"}


# -- grade books ------------------------------------------------------------------------

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Small & <fine> (123),Other (124),Current Score
    Points Possible,,,,,4.5,10,(read only)
"Lovelace, Ada",1,S1,ada,DL A,,7,70
"Doe, Jane",2,S2,jd,DL A,3,,60
"Roe, Rick",3,S3,rr,DL A,EX,,50
"Student, Test",4,,x,DL A,,,
"""


def test_canvas_is_filled_and_nothing_else_changes() -> None:
    said: list[str] = []
    filled = rows(fill_canvas(CANVAS, course(), said))
    before = rows(CANVAS)
    assert [r[5] for r in filled] == [
        "Small & <fine> (123)",
        "4.5",
        "2.5",
        "2",
        "EX",
        "",
    ]
    for a, b in zip(before, filled):
        assert a[:5] + a[6:] == b[:5] + b[6:]
    assert [s.split(":")[0] for s in said[:2]] == ["=2+5", "Nobody Known"]
    assert said[2].startswith("1 of those filled have answers left to a person")


@pytest.mark.parametrize(
    ("student", "email", "row"),
    [
        ("x", "ada@x.org", 2), ("2", "", 3), ("S1", "", 2), ("jd", "", 3), ("Jane Doe", "", 3),
        ("doe,  JANE", "", 3), ("Ada", "", None), ("", "", None), ("Rick Roe", "", 4),
    ],
)  # fmt: skip
def test_who_is_who_in_canvas(student: str, email: str, row: int | None) -> None:
    store = Double(small_set(), lambda: [marked(student, email, p1a=RIGHT)])
    book = CANVAS.replace(",EX,", ",,")
    filled, before = rows(fill_canvas(book, store)), rows(book)
    assert [i for i, (a, b) in enumerate(zip(filled, before)) if a != b] == (
        [row] if row else []
    )


def test_two_for_one_row_fill_nothing() -> None:
    said: list[str] = []
    twice = [marked("Jane Doe", p1a=RIGHT), marked("jd", p1a=WRONG)]
    assert rows(fill_canvas(CANVAS, Double(small_set(), lambda: twice), said)) == rows(
        CANVAS
    )
    assert said == ["Jane Doe and jd: the same row, so it was not filled"]


def test_one_of_two_rows_of_a_name_is_not_guessed() -> None:
    said: list[str] = []
    book = CANVAS + '"Doe, Jane",9,S9,jd9,DL B,,,\n'
    fill_canvas(
        book, Double(small_set(), lambda: [marked("Jane Doe", p1a=RIGHT)]), said
    )
    assert said == ["Jane Doe: 2 rows of the grade book could be theirs"]


def test_other_points_possible_are_said() -> None:
    said: list[str] = []
    fill_canvas(CANVAS.replace(",4.5,", ",100,"), Double(small_set(), tuple), said)
    assert said == ["points possible are 100 in Canvas and 4.5 in this set"]


def test_a_grade_book_with_semicolons_and_commas_in_numbers() -> None:
    book = "\ufeffStudent;ID;SIS Login ID;Section;Small & <fine> (1)\r\nPoints Possible;;;;4,5\r\nAda;1;ada;A;\r\n"
    store = Double(small_set(), lambda: [marked("Ada", p1a=RIGHT, p2=HALF)])
    assert fill_canvas(book, store).endswith("Ada;1;ada;A;2,5\r\n")


@pytest.mark.parametrize(
    "book", ["", "a", "Name,Grade\n", "Student,ID,Section,A (1),B (2)\n"]
)
def test_a_book_without_its_column(book: str) -> None:
    with pytest.raises(BadInput):
        fill_canvas(book, course())


MOODLE = """\
Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last modified (grade),Feedback comments
Participant 11,Ada Lovelace,100,ada@x.org,Submitted,,4.50,Yes,-,
Participant 12,Jane Doe,101,jane@x.org,Submitted,1.00,4.50,Yes,-,old
Participant 13,Rick Roe,102,rick@x.org,No submission,,4.50,Yes,-,
"""


def test_a_worksheet_of_moodle_is_filled() -> None:
    said: list[str] = []
    filled = rows(fill_moodle(MOODLE, course(), said))
    assert [r[5] for r in filled[1:]] == ["2.5", "2", ""]
    assert (
        "1a: right" in filled[1][9]
        and "1a: right" in filled[2][9]
        and filled[3][9] == ""
    )
    for a, b in zip(rows(MOODLE), filled):
        assert a[:5] == b[:5] and a[6:9] == b[6:9]
    assert [s.split(":")[0] for s in said[:2]] == ["=2+5", "Nobody Known"]
    by_id = Double(small_set(), lambda: [marked("Participant 13", p1a=RIGHT)])
    assert rows(fill_moodle(MOODLE, by_id))[3][5] == "2"


def test_a_grade_book_of_moodle_is_filled() -> None:
    book = ("First name,Surname,ID number,Email address,Assignment: Small & <fine> (Real),"
            "Assignment: Small & <fine> (Feedback),Assignment: Other (Real)\n"
            "Ada,Lovelace,1,a@x,-,,5\nJane,Doe,2,jane@x.org,-,,6\n")  # fmt: skip
    filled = rows(fill_moodle(book, course()))
    assert [r[4] for r in filled[1:]] == ["2.5", "2"] and [
        r[6] for r in filled[1:]
    ] == ["5", "6"]
    assert "1a: right" in filled[1][5]


def test_filling_from_a_file(tmp_path: Path) -> None:
    for name, book in (("canvas", CANVAS), ("moodle", MOODLE)):
        exported = tmp_path / "book.csv"
        exported.write_text(book, encoding="utf-8")
        paths = {p.name for p in write_exports(course(), tmp_path / name, exported)}
        assert {f"{name}-filled.csv", "unmatched.txt"} <= paths
        lines = (tmp_path / name / "unmatched.txt").read_text().splitlines()
        assert any(line.startswith("Nobody Known: no row") for line in lines)
    exported.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match=r"book\.csv: the grade book is not UTF-8"):
        list(write_exports(course(), tmp_path / "x", exported))


# -- the autograder ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """/autograder as Gradescope makes it of the zip."""
    base = tmp_path_factory.mktemp("autograder")
    path = write_autograder(load_set("s0"), base / "out")
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            made = archive.extract(entry, base / "source")
            os.chmod(made, entry.external_attr >> 16 & 0o777)
    (base / "run_autograder").write_bytes(
        (base / "source" / "run_autograder").read_bytes()
    )
    (base / "run_autograder").chmod(0o755)
    return base


def run(base: Path, files: dict[str, str], path: str = "") -> Any:
    """The results of a run on what was handed in, from a folder that is not ours."""
    submission = base / "submission"
    submission.mkdir(exist_ok=True)
    for old in submission.iterdir():
        old.unlink()
    for name, text in files.items():
        (submission / name).write_text(text, encoding="utf-8")
    env = {
        "PATH": path or f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PSET_AUTOGRADER": str(base),
    }
    done = subprocess.run(
        [base / "run_autograder"], env=env, cwd=base, capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert not list((base / "results").glob(".*")) + list(
        (base / "results").glob("*.part")
    )
    data = json.loads((base / "results" / "results.json").read_text())
    check_results(data)
    return data


def test_what_the_zip_holds(tmp_path: Path) -> None:
    path = write_autograder(load_set("s0"), tmp_path)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        assert names == sorted(names) and len(names) == len(set(names))
        assert {
            "setup.sh",
            "run_autograder",
            "s0.toml",
            "cli.py",
            "solver/core.py",
        } <= set(names)
        assert not [
            n
            for n in names
            if "__pycache__" in n or n.startswith("tests") or "submissions/" in n
        ]
        for name in ("setup.sh", "run_autograder"):
            assert archive.read(name).startswith(b"#!")
            assert archive.getinfo(name).external_attr >> 16 & stat.S_IXUSR
        assert all(i.date_time == (1980, 1, 1, 0, 0, 0) for i in archive.infolist())
        for name in ("setup.sh", "run_autograder"):
            subprocess.run(["bash", "-n"], input=archive.read(name), check=True)
    assert path.stat().st_size < 5_000_000
    assert (
        write_autograder(load_set("s0"), tmp_path / "again").read_bytes()
        == path.read_bytes()
    )


def test_setup_installs_what_the_program_needs() -> None:
    wanted = (
        (ROOT / "setup.cfg").read_text().split("install_requires =")[1].split("\n\n")[0]
    )
    assert {line.strip() for line in wanted.splitlines() if line.strip()} == set(NEEDS)


def test_the_autograder_marks(container: Path) -> None:
    whole = load_set("s0")
    toml = 'student = "Ada"\n[answers]\n"1.1a" = "2x"\n"1.1b" = "A"\n"1.1c" = "((("\n"2.2.1.fc2" = "84; weights 10080; params 10164"\n'
    data = run(container, {"answers.toml": toml})
    by = {t["number"]: t for t in data["tests"]}
    assert (
        len(data["tests"]) == len(whole.problems) and 0 < data["execution_time"] < 120
    )
    assert by["1.1a"]["status"] == "passed" and by["1.1a"]["score"] == 2
    assert by["1.1b"]["score"] == 0 and by["1.1b"]["extra_data"]["mark"] == "wrong"
    assert by["1.1c"]["extra_data"]["mark"] == "invalid"
    assert by["1.1d"]["extra_data"]["mark"] == "missing"
    assert data["score"] == sum(t["score"] for t in data["tests"])


def test_the_filled_in_hand_out_is_marked(container: Path) -> None:
    from solver.documents import document

    sheet = document(load_set("s0"), "sheet", "tex")
    sheet = sheet.replace(
        "\\begin{answer}{1.1a}\n", "\\begin{answer}{1.1a}\n$2\\mathbf{x}$\n"
    )
    data = run(container, {"sheet.tex": sheet, "notes.docx": "x"})
    assert next(t for t in data["tests"] if t["number"] == "1.1a")["status"] == "passed"


@pytest.mark.parametrize(
    "files", [{}, {"a.docx": "x"}, {"a.toml": "not toml ["}, {"a.json": "\x00"}]
)
def test_nothing_to_mark_is_said(container: Path, files: dict[str, str]) -> None:
    data = run(container, files)
    assert data["score"] == 0 and "No answer could be found" in data["output"]


def test_without_python_there_is_a_result(container: Path, tmp_path: Path) -> None:
    for tool in ("bash", "env", "mkdir", "rm", "mv", "timeout"):
        found = next(p for d in ("/bin", "/usr/bin") if (p := Path(d) / tool).exists())
        (tmp_path / tool).symlink_to(found)
    data = run(container, {}, path=str(tmp_path))
    assert data["score"] == 0 and "did not start" in data["output"]


def test_a_broken_set_is_said(container: Path, tmp_path: Path) -> None:
    kept = (container / "source" / "s0.toml").read_bytes()
    try:
        (container / "source" / "s0.toml").write_text("title = 3")
        data = run(container, {"a.toml": '[answers]\n"1.1a" = "2x"\n'})
        assert (
            "Nothing was marked, which is not about what was handed in"
            in data["output"]
        )
    finally:
        (container / "source" / "s0.toml").write_bytes(kept)


def test_files_that_were_handed_in_together() -> None:
    one = merged([Submission("A", {"1": "a", "2": "b"}, "x.tex"),
                  Submission("B", {"2": "c", "3": "d"}, "y.tex", "7", "", ("z.doc is not read",))])  # fmt: skip
    assert dict(one.answers) == {"1": "a", "2": "b", "3": "d"} and one.variant == "7"
    assert one.unread == (
        "z.doc is not read",
        "Part 2 is answered twice; that in y.tex is left out.",
    )


def test_when_time_is_up_the_rest_is_left_to_a_person() -> None:
    import time

    whole = load_set("s0")
    one = Submission("A", {p.id: "1" for p in whole.problems}, "a")
    found = {p.id: v for p, v in verdicts(whole, one, time.monotonic() - SECONDS - 1)}
    assert set(found) == {p.id for p in whole.problems}
    late = [v for v in found.values() if "longer than the autograder may" in v.feedback]
    assert late and all(v.mark == "undecided" for v in late)
    assert callable(grader(whole))


def test_a_set_without_a_file_has_no_autograder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="needs the set's own file"):
        write_autograder(small_set(), tmp_path)


def test_decisions_and_changes_are_told() -> None:
    v = Verdict("right", 2, "", "Well seen.", "6")
    one = Marked("A", "a", {"1a": Result("1a", "6", v, "k", True, "undecided")})
    output = gradescope(small_set(), one)["tests"][0]["output"]
    assert (
        "Well seen." in output
        and "Decided by a person; marked before as: left to a person." in output
    )
