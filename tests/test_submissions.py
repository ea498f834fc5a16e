"""Piles of submissions: every format, everything that students break, and hostile files."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from solver.core import BadInput
from solver.courses import archives, streams
from solver.courses.gradescope import read_metadata
from solver.courses.naming import Roll, readable, student_of
from solver.courses.records import Submission
from solver.courses.submissions import read_submissions, safe_name
from solver.documents import document, key
from solver.grading import grade_part
from solver.sets import bundled, load_set, load_toml, solve_part
from solver.values import Record, show

S0 = load_set("s0")
SHEET = document(S0, "sheet", "tex")
ADA = bundled()["s0"].parent / "submissions" / "s0-ada.toml"
BOX = re.compile(r"(?ms)^\\begin\{answer\}(?:\[([^\]]*)\])?\{([^}]*)\}(.*?)\\end\{answer\}")
CONV = [r"\begin{answer}[%s]{2.2.1.conv1} %s \end{answer}" % pair  # noqa: UP031
        for pair in (("shape", "6 x 28 x 28"), ("weights", "450"), ("params", "456"))]  # fmt: skip


def read(*paths: str | Path, whole: Any = S0) -> list[Submission]:
    return list(read_submissions(paths, whole))


def filled(answers: dict[tuple[str, str], str], student: str = "", sheet: str = SHEET) -> str:
    """The hand-out with answers in its boxes, by part and value."""

    def fill(m: re.Match[str]) -> str:
        text = answers.get((m[2], m[1] or ""), "")
        return m[0].replace(r"\end{answer}", f"{text}\n\\end{{answer}}") if text else m[0]

    return BOX.sub(fill, sheet).replace(r"\student{}", rf"\student{{{student}}}")


def tex(body: str, student: str = "Ada") -> str:
    return (
        "\\documentclass{article}\n\\newcommand{\\student}[1]{#1}\n"
        "% \\begin{answer}[params]{2b} 456 \\end{answer}\n"
        f"\\begin{{document}}\n\\student{{{student}}}\n{body}\n\\label{{lastpage}}\n\\end{{document}}\n"
    )


def one(tmp_path: Path, name: str, content: str | bytes) -> Submission:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (found,) = read(tmp_path)
    return found


# -- the hand-out -------------------------------------------------------------------------


def test_an_untouched_sheet_has_no_answers(tmp_path: Path) -> None:
    found = one(tmp_path, "s0-sheet.tex", SHEET)
    assert found == Submission("s0-sheet", {}, str(tmp_path / "s0-sheet.tex"))


def in_words(value: Any) -> bool:
    """Whether an answer of this kind is prose or code."""
    return bool(getattr(value, "words", "")) or type(value).__name__ in ("Task", "Code")


@pytest.mark.parametrize("name", sorted(bundled()))
def test_the_right_values_in_their_boxes_are_right(name: str, tmp_path: Path) -> None:
    """Every part of every set: what is shown goes through boxes as through `pset check`."""
    whole = load_set(name)
    values: dict[tuple[str, str], str] = {}
    for p in whole.problems:
        value = solve_part(whole, p).value
        named = value.items() if isinstance(value, Record) else [("", value)]
        values |= {(p.id, key(k) if k else ""): show(v) for k, v in named}
    path = tmp_path / "ada.tex"
    path.write_text(filled(values, "Ada", document(whole, "sheet", "tex")))
    (found,) = read(path, whole=whole)
    assert found.unread == () and set(found.answers) == {p.id for p in whole.problems}
    marks = {p.id: grade_part(whole, p, found.answers[p.id]).mark for p in whole.problems}
    # The printed form of these is rounded to more than is taken for right.
    few = {"3.1.6.b1", "3.1.6.b2", "10.2b.ratio"}
    # What is written in words is left to a person, and code is not run here.
    few |= {p.id for p in whole.problems if in_words(solve_part(whole, p).value)}
    assert {id for id, mark in marks.items() if mark != "right"} <= few


@pytest.mark.parametrize(
    ("body", "answers"),
    [
        (r"\begin{answer}{3.2i} 64 x 62 x 62 \end{answer}", {"3.2i": "64 x 62 x 62"}),
        (r"\begin{answer}{3.2i}64\end{answer} tail", {"3.2i": "64"}),
        ("\\begin{answer}{3.2i}\n\\end{answer}", {}),
        ("\\begin{answer}{3.2i}\n  % nothing yet\n\\end{answer}", {}),
        ("\\begin{answer}{3.2i} 64 % = 8*8\n x 62 \\end{answer}", {"3.2i": "64 \n x 62"}),
        ("\\begin{answer}{3.2i}\n64\n% why\nx 62\n\\end{answer}", {"3.2i": "64\nx 62"}),
        (r"\begin{answer}{3.2i} 50\% \end{answer}", {"3.2i": r"50\%"}),
        ("\\begin{answer}{3.2i} 1 \\\\% a comment\n 2 \\end{answer}", {"3.2i": "1 \\\\\n 2"}),
        (r"\begin{answer}{3.2i} \verb|64 % 62| \end{answer}", {"3.2i": "64 % 62"}),
        (r"\begin{answer}{3.2i} \verb|\end{answer}| 1 \end{answer}", {"3.2i": r"\end{answer} 1"}),
        (r"\begin{answer}{3.2i} \verbose{1} \verb \end{answer}", {"3.2i": r"\verbose{1} \verb"}),
        ("\\begin{answer}{3.2i}\n\\begin{verbatim}\n1 % 2\n\\end{verbatim}\n\\end{answer}", {"3.2i": "1 % 2"}),
        (r"\begin{answer}{3.3} \begin{cases} a & b \\ c & d \end{cases} \end{answer}",
         {"3.3": r"\begin{cases} a & b \\ c & d \end{cases}"}),
        (r"\begin{answer}{3.3} $\begin{bmatrix}1&2\end{bmatrix}$ \end{answer}", {"3.3": r"$\begin{bmatrix}1&2\end{bmatrix}$"}),
        (r"\begin{answer}{3.2i} [1, 2] \end{answer}", {"3.2i": "[1, 2]"}),
        (r"\begin{answer}{3.2i}[1, 2]\end{answer}", {"3.2i": "[1, 2]"}),
        (r"\begin {answer} { 3.2i } 7 \end {answer}", {"3.2i": "7"}),
        (r"% \begin{answer}{3.2i} 7 \end{answer}", {}),
        (r"\begin{answer}{3.3} \partial L \label{eq} \end{answer}", {"3.3": r"\partial L \label{eq}"}),
        ("\\begin{answer}{3.3} é ∂L/∂w 中 \\end{answer}", {"3.3": "é ∂L/∂w 中"}),
        ("\n".join(CONV), {"2.2.1.conv1": "shape 6 x 28 x 28; weights 450; params 456"}),
        ("\n".join(CONV[::2]), {"2.2.1.conv1": "shape 6 x 28 x 28; params 456"}),
        ("\n".join(reversed(CONV)), {"2.2.1.conv1": "params 456; weights 450; shape 6 x 28 x 28"}),
        (CONV[2].replace("456", "params = 456"), {"2.2.1.conv1": "params = 456"}),
        (CONV[2].replace("456", "450 +\n 6;"), {"2.2.1.conv1": "params 450 + 6"}),
        (CONV[2].replace("params", "Params"), {"2.2.1.conv1": "params 456"}),
        (r"\begin{answer}{2.2.1.conv1} 6x28x28; 450; 456 \end{answer}", {"2.2.1.conv1": "6x28x28; 450; 456"}),
        (r"\begin{answer}[shapes]{2.2.4} 6x30x30; 6x15x15 \end{answer}", {"2.2.4": "shapes 6x30x30, 6x15x15"}),
        (r"\begin{answer}[fc1_params]{2.2.4} 94200 \end{answer}", {"2.2.4": "fc1_params 94200"}),
    ],
)  # fmt: skip
def test_boxes(body: str, answers: dict[str, str], tmp_path: Path) -> None:
    filler = r"\begin{answer}{1.1a} \end{answer}"  # so that there is a box in any case
    found = one(tmp_path, "x.tex", tex(f"{filler}\n{body}"))
    assert (found.student, dict(found.answers), found.unread) == ("Ada", answers, ())


@pytest.mark.parametrize(
    ("body", "answers", "said"),
    [
        (r"\begin{answer}{9z} 5 \end{answer}", {}, "no part of s0 is called '9z'"),
        (r"\begin{answer}{2.2.1.conv9} 5 \end{answer}", {}, "did you mean 2.2.1.conv"),
        (r"\begin{answer}[width]{2.2.1.conv1} 5 \end{answer}", {}, "no value 'width'; its box says “5”"),
        (r"\begin{answer}[x]{3.2i} 5 \end{answer}", {}, "no value 'x'"),
        (r"\begin{answer}{3.2i} 5 \end{answer} \begin{answer}{3.2i} 6 \end{answer}", {"3.2i": "5"},
         "the first is read, which says “5”; the other says “6”"),
        ("\\begin{answer}{3.2i} 5\n\n\\need{9}\n\\part{a}{3.3}{}{}\n\\begin{answer}{3.3} 6 \\end{answer}",
         {"3.2i": "5", "3.3": "6"}, "the box {3.2i} is never closed"),
        ("\\begin{answer}{3.2i} 5\n\\begin{answer}{3.3} 6 \\end{answer}", {"3.2i": "5", "3.3": "6"}, "never closed"),
        ("\\begin{answer}{3.2i} 5\n", {"3.2i": "5"}, "never closed"),
        (r"5 \end{answer} \begin{answer}{3.3} 6 \end{answer}", {"3.3": "6"}, "closes no box"),
        (r"\begin{answer} 5 \end{answer} \begin{answer}{3.3} 6 \end{answer}", {"3.3": "6"}, "cannot be read: \\begin{answer} 5"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_the_rest_is_read(
    body: str, answers: dict[str, str], said: str, tmp_path: Path
) -> None:
    good = r"\begin{answer}{1.1a} w \end{answer}"
    found = one(tmp_path, "x.tex", tex(f"{good}\n{body}"))
    assert found.answers == {"1.1a": "w", **answers}
    assert said in found.unread[0], found.unread


def test_a_box_twice_with_the_same_answer_or_an_empty_one_is_no_trouble(tmp_path: Path) -> None:
    box = "\\begin{answer}{3.2i} %s \\end{answer}\n"
    found = one(tmp_path, "x.tex", tex(box % "" + box % "5" + box % "5" + box % ""))
    assert found.answers == {"3.2i": "5"} and not found.unread


def test_names_that_are_written_the_same_go_by_their_order(tmp_path: Path) -> None:
    part = '{ kind = "count params", net = "3x8x8: conv 5 k3" }'
    (tmp_path / "own.toml").write_text(
        "[[problem]]\nid = '1'\n[problem.values]\n" + "".join(f"'{n}' = {part}\n" for n in ("a b", "a-b"))
    )
    whole = load_set(tmp_path / "own.toml")
    sheet = document(whole, "sheet", "tex")
    assert [m[1] for m in BOX.finditer(sheet)] == ["a-b", "a-b"]
    numbers = iter(["140", "141"])
    path = tmp_path / "x.tex"
    path.write_text(BOX.sub(lambda m: m[0].replace("\n\n", f" {next(numbers)} "), sheet))
    (found,) = read(path, whole=whole)
    assert found.answers == {"1": "a b 140; a-b 141"}


def test_a_matrix_in_a_box_may_be_written_as_anywhere(tmp_path: Path) -> None:
    s1 = load_set("s1")
    second = r"\begin{answer}[f2]{2.1.4.full} [[21, 78, 45], [44, 40, 31], [82, 28, 97]] \end{answer}"
    for rows in (
        "9 -10 45; -10 11 -38; -5 4 13",
        "9, -10, 45\n-10, 11, -38\n-5, 4, 13",
        "[9 -10 45; -10 11 -38; -5 4 13]",
        r"\begin{bmatrix} 9 & -10 & 45 \\ -10 & 11 & -38 \\ -5 & 4 & 13 \end{bmatrix}",
    ):
        path = tmp_path / "x.tex"
        path.write_text(tex(rf"\begin{{answer}}[f1]{{2.1.4.full}} {rows} \end{{answer}}" + second))
        (found,) = read(path, whole=s1)
        assert grade_part(s1, s1["2.1.4.full"], found.answers["2.1.4.full"]).mark == "right"
        wrong = found.answers["2.1.4.full"].replace("13", "12")
        assert grade_part(s1, s1["2.1.4.full"], wrong).mark != "right"


def test_the_handout_of_another_set_is_not_marked(tmp_path: Path) -> None:
    s1 = load_set("s1")
    boxes = {(p.id, ""): "5" for p in s1.problems}
    found = one(tmp_path, "x.tex", filled(boxes, "Ada", document(s1, "sheet", "tex")))
    assert found.answers == {} and "hand-out of another set" in found.unread[0]
    (right,) = read(tmp_path / "x.tex", whole=s1)
    assert len(right.answers) > 9


@pytest.mark.parametrize(
    ("student", "name", "said"),
    [
        ("Ada Lovelace", "Ada Lovelace", ""),
        ("{Ada} {L}ovelace", "Ada Lovelace", ""),
        ("Jos\\'e Mu\\~noz G\\\"odel", "José Muñoz Gödel", ""),
        ("Erd\\H{o}s, \\L ukasz~Bj{\\o}rn \\'{\\i} \\c{C}", "Erdős, Łukasz Bjørn í Ç", ""),
        ("\\textbf{Ada}", "Ada", ""),
        ("Ada\nLovelace", "Ada Lovelace", ""),
        ("", "x", ""),
        (" % my name\n", "x", ""),
        ("Ada {Lovelace", "Ada Lovelace", "braces"),
        ("A" * 10_000, "A" * 99 + "…", "braces"),
        ("a\u202eda\x07 \u200b", "ada", ""),
        ("../../etc/passwd", "../../etc/passwd", ""),
        ("李明", "李明", ""),
    ],
)
def test_the_students_name(student: str, name: str, said: str, tmp_path: Path) -> None:
    found = one(tmp_path, "x.tex", tex(r"\begin{answer}{3.2i} 5 \end{answer}", student))
    assert found.student == name and found.answers == {"3.2i": "5"}
    assert said in " ".join(found.unread) and bool(said) == bool(found.unread)


@pytest.mark.parametrize(
    "encode",
    [
        lambda t: t.encode("utf-8"),
        lambda t: t.encode("utf-8-sig"),
        lambda t: t.encode("latin-1"),
        lambda t: t.encode("utf-16"),
        lambda t: t.encode("utf-16-le"),
        lambda t: t.encode("utf-16-be"),
        lambda t: b"\xfe\xff" + t.encode("utf-16-be"),
        lambda t: t.replace("\n", "\r\n").encode(),
        lambda t: t.replace("\n", "\r").encode(),
    ],
    ids=["utf8", "bom", "latin1", "utf16", "utf16le", "utf16be", "utf16be-bom", "crlf", "cr"],
)
def test_encodings_and_line_endings(encode: Callable[[str], bytes], tmp_path: Path) -> None:
    texts = {
        "a.tex": tex("\\begin{answer}{3.2i}\n64 × 2²\nx\n\\end{answer}", "Zoë"),
        "b.toml": "student = 'Zoë'\n[answers]\n'3.2i' = '''\n64 × 2²\nx'''\n",
        "c.json": '{"student": "Zoë",\n"answers": {"3.2i": "64 × 2²\\nx"}}\n',
        "d.jsonl": '{"student": "Zoë", "answers": {"3.2i": "64 × 2²\\nx"}}\n',
    }
    for name, text in texts.items():
        (tmp_path / name).write_bytes(encode(text))
    found = read(tmp_path)
    assert [s.student for s in found] == ["Zoë", "Zoë (2)", "Zoë (3)", "Zoë (4)"]
    assert [s.answers["3.2i"] for s in found] == ["64 × 2²\nx"] * 4


# Arbitrary answers; what ends a box or starts a comment is no answer's own.
PLACES = [(m[2], m[1] or "") for m in BOX.finditer(SHEET)]
ANSWER = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\r\x00"), max_size=60
) | st.sampled_from(["6 x 28 x 28", r"\frac{1}{2}", "a\n\nb", r"\{x\}", "[1, 2]", "{", "}", "$x_1$; y"])  # fmt: skip


def is_answer(text: str) -> bool:
    bare = re.sub(r"\\.", "", text, flags=re.S)
    broken = re.search(r"\\(?:verb|begin|end|student|variant|need|place|part|label)", text)
    return "%" not in bare and not broken and not text.rstrip().endswith("\\")


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from([p for p in PLACES if not p[1]]), ANSWER.filter(is_answer)),
       st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))  # fmt: skip
@example({("3.2i", ""): r"50\% of \\ 3"}, "utf-8")
def test_a_filled_sheet_is_read_back(
    tmp_path: Path, answers: dict[tuple[str, str], str], encoding: str
) -> None:
    path = tmp_path / "sheet.tex"
    path.write_bytes(filled(answers, "Ada", SHEET).encode(encoding))
    (found,) = read(path)
    assert found.answers == {p: a.strip() for (p, _), a in answers.items() if a.strip()}
    assert found.student == "Ada" and found.unread == ()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from([p for p in PLACES if p[1]]),
                       st.integers(0, 10**9).map(str) | st.sampled_from(["6 x 3", "(1, 2)", "2 + 3 = 5"])))  # fmt: skip
def test_named_boxes_are_read_back(tmp_path: Path, answers: dict[tuple[str, str], str]) -> None:
    path = tmp_path / "sheet.tex"
    path.write_text(filled(answers, "Ada", SHEET))
    (found,) = read(path)
    wanted: dict[str, list[str]] = {}
    for part, value in PLACES:
        if (part, value) in answers:
            sign = " =" if value in ("formula", "grad") else ""  # entries in letters
            wanted.setdefault(part, []).append(f"{value}{sign} {answers[part, value]}")
    assert found.answers == {p: "; ".join(v) for p, v in wanted.items()}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(list("\\{}[]%|\n a3.2i") + ["\\begin{answer}", "\\end{answer}", "{3.2i}", "\\student{",
               "\\verb|", "\\begin{verbatim}", "\\end{verbatim}", "\\part", "\\end{document}"]), max_size=30).map("".join)
       | st.binary(max_size=60).map(lambda b: b.decode("latin-1")))  # fmt: skip
def test_no_file_stops_the_run(tmp_path: Path, text: str) -> None:
    for name in ("a.tex", "a.toml", "a.json", "a.jsonl", "a.txt"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = read(tmp_path)
    assert len({s.student for s in found}) == len(found) >= 5
    for s in found:
        assert s.answers.keys() <= S0_IDS and (s.answers or s.unread or s.source.endswith("tex") or "txt" in s.source)


S0_IDS = {p.id for p in S0.problems}


# -- TOML and JSON ------------------------------------------------------------------------


def test_the_bundled_submission_is_read_verbatim() -> None:
    (found,) = read(ADA)
    assert found.student == "Ada" and found.unread == ()
    assert found.answers == load_toml(ADA)["answers"] and len(found.answers) == 11


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("6 x 28 x 28", "6 x 28 x 28"),
        ("  verbatim\n", "  verbatim\n"),
        (456, "456"),
        (-0.5, "-0.5"),
        (True, "yes"),
        ([6, 28, 28], "[6, 28, 28]"),
        ([[1, 2], [3, 4]], "[[1, 2], [3, 4]]"),
        ([["1/2", "x"], [3, 4]], "[[1/2, x], [3, 4]]"),
        (["6x30x30", "6x15x15"], "6x30x30; 6x15x15"),
        ([{"p": 1, "s": 2}, {"p": 3, "s": 4}], "p = 1, s = 2; p = 3, s = 4"),
        ({"p": 1, "s": 2}, "p = 1, s = 2"),
        ("", None),
        (" \n", None),
        ([], "[]"),
    ],
)
def test_values_as_text(value: Any, text: str | None, tmp_path: Path) -> None:
    found = one(tmp_path, "x.json", json.dumps({"answers": {"3.2ii": value}}))
    assert found.answers == ({} if text is None else {"3.2ii": text}) and not found.unread


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"shape": [6, 28, 28], "weights": 450, "params": "456"}, "shape [6, 28, 28]; weights 450; params 456"),
        ({"shape": "6x28x28", "params": None}, "shape 6x28x28"),
        ({"Params": "450\n+ 6;"}, "params 450 + 6"),
        ({"shape": ""}, None),
    ],
)  # fmt: skip
def test_named_values(value: Any, text: str | None, tmp_path: Path) -> None:
    found = one(tmp_path, "x.json", json.dumps({"answers": {"2.2.1.conv1": value}}))
    assert found.answers == ({} if text is None else {"2.2.1.conv1": text})


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    digits = "1" * 9000
    text = '{"answers": {"3.2i": 0.50, "3.2ii": 1e-07, "3.3": NaN, "1.1a": ' + digits + "}}"
    found = one(tmp_path, "x.json", text)
    assert found.answers == {"3.2i": "0.50", "3.2ii": "1e-07", "3.3": "NaN", "1.1a": digits}


@pytest.mark.parametrize(
    ("text", "answers", "said"),
    [
        ("student = 'Bo'\n[answers]\n2.2.1.fc1 = '84'\n", {"2.2.1.fc1": "84"}, ""),  # no quotes around the id
        ("student = 'Bo'\n[answers.2.2.1.fc1]\nparams = 84\n", {"2.2.1.fc1": "params 84"}, ""),
        ("student = 'Bo'\n'3.2i' = '84'\n", {"3.2i": "84"}, ""),  # above [answers]
        ("student = 'Bo'\nset = 's0.toml'\n[answers]\n'3.2i' = '84'\n", {"3.2i": "84"}, ""),
        ("student = 'Bo'\nset = 's1'\n[answers]\n'3.2i' = '84'\n", {}, "a submission to 's1', not to s0"),
        ("student = 'Bo'\n[answer]\n'3.2i' = '84'\n", {}, "no part of s0 is called 'answer.3.2i'"),
        ("student = 'Bo'\nanswers = 3\n", {}, "answers: expected a table"),
        ("student = 'Bo'\n", {}, "there is no table of answers"),
        ("student = 'Bo'\n[answers]\n'zz' = '84'\n'3.2i' = '1'\n", {"3.2i": "1"}, "'zz'"),
        ("student = 'Bo'\n[answers]\n'3.3' = \"\\frac{1}{2}\"\n'3.2i' = '1'\n", {"3.2i": "1"}, "U+000C"),
        ("student = 'Bo'\n[answers]\n'3.3' = \"2\\times 3\"\n'3.2i' = '1'\n", {"3.2i": "1"}, "tab where LaTeX"),
        ("student = 'Bo'\n[answers]\n'3.3' = 1979-05-27\n", {"3.3": "1979-05-27"}, ""),
        ("student = ['Bo']\n[answers]\n'3.3' = '1'\n", {"3.3": "1"}, "student: expected text"),
    ],
)  # fmt: skip
def test_toml(text: str, answers: dict[str, str], said: str, tmp_path: Path) -> None:
    found = one(tmp_path, "Bo.toml", text)
    assert found.student == "Bo" and found.answers == answers
    assert said in " ".join(found.unread) and bool(said) == bool(found.unread), found.unread


def test_what_json_gives_twice_is_said(tmp_path: Path) -> None:
    found = one(tmp_path, "x.json", '{"answers": {"3.2i": "1", "3.2i": "2"}}')
    assert found.answers == {"3.2i": "1"} and "the other says “2”" in found.unread[0]
    found = one(tmp_path, "x.json", '{"answers": {"2.2.1.conv1": {"params": 1, "params": 2}}}')
    assert found.answers == {} and "'params' is given twice" in found.unread[0]


def test_variant_and_email(tmp_path: Path) -> None:
    found = one(tmp_path, "x.json", '{"student": "A", "variant": 7, "email": "a@x.org", "answers": {"3.2i": 1}}')
    assert (found.variant, found.email) == ("7", "a@x.org")
    (tmp_path / "x.json").unlink()
    found = one(tmp_path, "x.tex", tex(r"\variant{v-3}" + "\n" + CONV[0]))
    assert found.variant == "v-3"


def test_half_a_character_becomes_text(tmp_path: Path) -> None:
    found = one(tmp_path, "x.json", r'{"student": "A\ud800", "answers": {"3.2i": "1\udfff2"}}')
    assert found.answers == {"3.2i": "1?2"} and found.student.encode() == b"A"


VALUES = st.dictionaries(st.sampled_from(sorted(S0_IDS)), ANSWER, max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(VALUES, st.sampled_from(["json", "indented", "list", "lines", "toml"]))
def test_structured_round_trip(tmp_path: Path, answers: dict[str, str], form: str) -> None:
    bad = "".join(answers.values())
    assume(not re.search(r"[\x00-\x08\x0b-\x1f\x7f]|\t(?:ext|imes|heta|frac|anh|o\b)", bad))
    data = {"student": "Ada", "set": "s0", "answers": answers}
    if form == "toml":
        table = "".join(f"{json.dumps(k)} = {json.dumps(v)}\n" for k, v in answers.items())
        text = f"student = 'Ada'\n[answers]\n{table}"
    elif form == "list":
        text = json.dumps([data, data], indent=1)
    elif form == "lines":
        text = json.dumps(data, ensure_ascii=False) + "\n\n" + json.dumps(data) + "\n"
    else:
        text = json.dumps(data, indent=2 if form == "indented" else None)
    if form == "toml":
        assume(not re.search(r"\\ud[89a-f]", text))
    path = tmp_path / f"x.{'toml' if form == 'toml' else 'json'}"
    path.write_text(text, encoding="utf-8")
    found = read(path)
    assert [s.student for s in found] == ["Ada", "Ada (2)"][: len(found)]
    assert len(found) == (2 if form in ("list", "lines") else 1)
    for s in found:
        assert s.answers == {k: v for k, v in answers.items() if v.strip()}


def test_a_bad_line_does_not_stop_the_rest(tmp_path: Path) -> None:
    good = '{"student": "%s", "answers": {"3.2i": "1"}}'
    lines = [good % "A", "", "{oops}", good % "B", "[1]", "\xff", good % "C"]
    path = tmp_path / "all.jsonl"
    path.write_bytes("\n".join(lines).encode("latin-1"))
    found = read(path)
    assert [s.student for s in found] == ["A", "all, line 3", "B", "all, line 5", "all, line 6", "C"]
    assert [bool(s.unread) for s in found] == [False, True, False, True, True, False]
    assert found[2].source == f"{path}, line 4" and "not valid JSON" in found[1].unread[0]


def test_a_broken_list_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    path.write_text('[{"student": "A", "answers": {"3.2i": "1"}}, {"student": ]')
    found = read(path)
    assert found[0].answers == {"3.2i": "1"} and "entry 2 and all that follow" in found[1].source
    path.write_text('[{"student": "A", "answers": {"3.2i": "1"}}] [1]')
    assert "there is more" in read(path)[1].unread[0]


def test_long_lists_are_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "CHUNK", 1 << 10)
    monkeypatch.setattr(streams, "LARGEST", 20_000)
    data = [{"student": f"S{i}é", "answers": {"3.2i": "x" * (i * 37 % 5000)}} for i in range(1, 60)]
    path = tmp_path / "all.json"
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1))
    assert [(s.student, s.answers.get("3.2i", "")) for s in read(path)] == [
        (d["student"], d["answers"]["3.2i"]) for d in data  # type: ignore[index]
    ]
    path.write_text(json.dumps([*data[:2], {"answers": {"3.2i": "x" * 30_000}}]))
    assert "larger than" in read(path)[2].unread[0]


# -- standard input -----------------------------------------------------------------------


class Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


@pytest.mark.parametrize(
    ("text", "students"),
    [
        (tex(CONV[0], "Ada"), ["Ada"]),
        (CONV[0], ["standard input"]),
        ("student = 'Ada'\n[answers]\n'3.2i' = '1'\n", ["Ada"]),
        ("[answers]\n'3.2i' = '1'\n", ["standard input"]),
        ("# mine\n[answers]\n'3.3' = '''\\begin{bmatrix}'''\n", ["standard input"]),
        ('{"student": "Ada", "answers": {"3.2i": "1"}}', ["Ada"]),
        ('\n\n{"student": "Ada",\n "answers": {"3.2i": "1"}}', ["Ada"]),
        ('{"student": "Ada", "answers": {"3.2i": "1"}}\n{"student": "Bo", "answers": {"3.2i": "1"}}', ["Ada", "Bo"]),
        ('[{"student": "Ada", "answers": {"3.2i": "1"}}]', ["Ada"]),
        ('[\n{"student": "Ada", "answers": {"3.2i": "1"}}\n]', ["Ada"]),
    ],
)  # fmt: skip
def test_standard_input_is_told_apart(text: str, students: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Stdin(text.encode()))
    found = read("-")
    assert [s.student for s in found] == students
    assert all(s.answers and not s.unread for s in found)


@pytest.mark.parametrize("text", ["", "hello", "x = = 3", '{"a": ', "%PDF-1.7 x = 3"])
def test_standard_input_that_cannot_be_read(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Stdin(text.encode()))
    with pytest.raises(BadInput, match="standard input"):
        read("-")


# -- files and folders --------------------------------------------------------------------


def put(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


NAMELESS = tex(r"\begin{answer}{3.2i} 5 \end{answer}", "")
TOML = "[answers]\n'3.2i' = '5'\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x.pdf", "a PDF cannot be read back reliably: hand in the filled-in .tex"),
        ("x.PNG", "an image"),
        ("x.docx", "word processor"),
        ("x.tar.gz", "unpack it"),
        ("x.xyz", r"end in .xyz are not read: hand in"),
        ("x", "without an ending"),
        ("x.tex", r"no \begin{answer}{part} in this file"),
        ("x.toml", "not valid TOML"),
        ("x.json", "not valid JSON"),
        ("x.txt", "neither the hand-out"),
        ("x.zip", "no .zip"),
    ],
)
def test_a_single_path_that_cannot_be_read(name: str, said: str, tmp_path: Path) -> None:
    path = put(tmp_path, {name: "nothing {"}) / name
    with pytest.raises(BadInput) as caught:
        read(path)
    assert said in str(caught.value) and str(path) in str(caught.value)
    # Among others it is a submission without answers.
    put(tmp_path, {"ada.toml": TOML})
    for paths in ([path, tmp_path / "ada.toml"], [tmp_path]):
        found = {s.source: s for s in read(*paths)}
        assert len(found) == 2 and found[str(path)].answers == {}
        assert said in found[str(path)].unread[0] and found[str(path)].student == "x"


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        read_submissions([tmp_path, tmp_path / "none.tex"], S0)


def test_a_file_is_what_it_is_whatever_its_name(tmp_path: Path) -> None:
    found = one(tmp_path, "x.tex", b"%PDF-1.5\n\\begin{answer}{3.2i} 1 \\end{answer}")
    assert found.answers == {} and "a PDF cannot be read" in found.unread[0]


def test_a_folder_is_read_in_order_and_junk_is_passed_over(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "b.tex": NAMELESS, "b.pdf": "", "b.aux": "", "b.log": "", "b.synctex.gz": "", "course.sty": "",
            "a.toml": TOML, "c.pdf": "%PDF", ".hidden.toml": TOML, ".DS_Store": "", "__MACOSX/._a.toml": TOML,
            "Thumbs.db": "", "one/d.toml": TOML, "one/e.json": '{"answers": {}}', "two/deep/f.toml": TOML,
        },
    )  # fmt: skip
    found = read(tmp_path)
    assert [s.student for s in found] == ["a", "b", "c", "d", "e", "deep"]
    assert [bool(s.answers) for s in found] == [True, True, False, True, False, True]
    assert found == read(tmp_path)


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("Ada Lovelace_12345_assignsubmission_file_/x.tex", "Ada Lovelace"),
        ("Ada Lovelace_12345_assignsubmission_file/x.tex", "Ada Lovelace"),
        ("Ada_B_12345_assignsubmission_file_hw.tex", "Ada_B"),
        ("lovelaceada_123_456_hw.tex", "lovelaceada"),
        ("lovelaceada_LATE_123_456_hw-1.tex", "lovelaceada"),
        ("HW 1_ada7_attempt_2024-01-31-12-00-00_hw.tex", "ada7"),
        ("Ada Lovelace/main.tex", "Ada Lovelace"),
        ("Ada M. Lovelace/main.tex", "Ada M. Lovelace"),
        ("ada.tex", "ada"),
        ("ada.tex.txt", "ada"),
        ("J.R.R. Tolkien.tex", "J.R.R. Tolkien"),
        ("set_0_ada.tex", "set_0_ada"),
        ("deep/Ada/main.tex", "Ada"),
    ],
)
def test_the_name_that_a_platform_gives(path: str, student: str, tmp_path: Path) -> None:
    put(tmp_path, {path: NAMELESS, "zz.toml": "student = 'Z'\n" + TOML})
    assert {s.student for s in read(tmp_path)} == {student, "Z"}


def test_a_students_folder_is_one_submission(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "Ada_1_assignsubmission_file_/hw.tex": NAMELESS,
            "Ada_1_assignsubmission_file_/macros.tex": "\\newcommand{\\x}{}",
            "Ada_1_assignsubmission_file_/hw.pdf": "",
            "Ada_1_assignsubmission_file_/photo.jpg": "",
            "Bo_2_assignsubmission_file_/photo1.jpg": "",
            "Bo_2_assignsubmission_file_/photo2.jpg": "",
            "Cy/hw.tex": NAMELESS,
            "Cy/figures/plot.png": "",
        },
    )
    ada, bo, cy = read(tmp_path)
    assert (ada.student, bo.student, cy.student) == ("Ada", "Bo", "Cy")
    assert ada.answers and [u.split(":")[0] for u in ada.unread] == ["photo.jpg"]
    assert not bo.answers and [u.split(":")[0] for u in bo.unread] == ["photo1.jpg", "photo2.jpg"]
    assert cy.answers and [u.split(":")[0] for u in cy.unread] == ["plot.png"]


def test_two_submissions_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    put(tmp_path, {f"{i}.toml": f"student = '{n}'\n[answers]\n'3.2i' = '{i}'\n"
                   for i, n in enumerate(["Ada", "ADA", "Ada (2)", "Ada", "Bo"])})  # fmt: skip
    found = read(tmp_path)
    assert [s.student for s in found] == ["Ada", "ADA (2)", "Ada (2) (2)", "Ada (3)", "Bo"]
    assert [s.answers["3.2i"] for s in found] == list("01234")
    assert [bool(s.unread) for s in found] == [False, True, True, True, False]


def test_names_stay_apart_in_a_long_roll() -> None:
    roll = Roll()
    names = [roll.name(n)[0] for n in ["a", "a (3)", "a", "A", "a", "a (3)"]]
    assert len({n.casefold() for n in names}) == 6


def test_links_pipes_and_depth(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside", {"secret.toml": TOML})
    pile = put(tmp_path / "pile", {"ada.toml": TOML})
    (pile / "link.toml").symlink_to(outside / "secret.toml")
    (pile / "folder").symlink_to(outside)
    (pile / "loop").symlink_to(pile)
    os.mkfifo(pile / "pipe.toml")
    deep = pile / "/".join("d" * 40)
    deep.mkdir(parents=True)
    (deep / "x.toml").write_text(TOML)
    found = {s.student: s for s in read(pile)}
    assert [n for n, s in found.items() if s.answers] == ["ada"]
    assert "links are not followed" in found["link"].unread[0]
    assert "links are not followed" in found["folder"].unread[0]
    assert "no ordinary file" in found["pipe"].unread[0]
    assert "nested more than" in found["d"].unread[0]
    (tmp_path / "named").symlink_to(pile)  # what the user names is theirs
    assert [n.student for n in read(tmp_path / "named") if n.answers] == ["ada"]
    assert read(pile / "link.toml")[0].answers


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    put(tmp_path, {"a.toml": TOML, "b.toml": TOML})
    (tmp_path / "a.toml").chmod(0)
    assert "cannot be opened" in read(tmp_path)[0].unread[0]


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    for name in ("x.tex", "x.toml", "x.json", "x.txt"):
        found = one(tmp_path, name, NAMELESS if name.endswith("tex") else TOML if "json" not in name else "{}")
        assert "larger" not in str(found.unread)
        (tmp_path / name).write_text("{\n" + " " * streams.LARGEST)
        assert "larger than 2 MB" in read(tmp_path)[0].unread[0]
        (tmp_path / name).unlink()


# -- archives -----------------------------------------------------------------------------


def zipped(path: Path, members: dict[str, str | bytes], **how: Any) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **how) as z:
        for name, content in members.items():
            z.writestr(zipfile.ZipInfo(name) if name.endswith("/") else name, content)
    return path


def test_an_archive_is_read_as_its_folder_would_be(tmp_path: Path) -> None:
    files: dict[str, Any] = {
        "b.tex": NAMELESS, "b.pdf": "", "a.toml": TOML, "one/d.toml": TOML, "one/e.toml": TOML,
        "Ada_1_assignsubmission_file_/hw.tex": NAMELESS, "__MACOSX/x.toml": TOML, "one/.DS_Store": "",
    }  # fmt: skip
    pile = put(tmp_path / "pile", files)
    path = zipped(tmp_path / "pile.zip", {"one/": "", **files})
    said = [(s.student, s.answers, s.unread) for s in read(pile)]
    assert [(s.student, s.answers, s.unread) for s in read(path)] == said and len(said) == 5
    assert read(path)[0].source == f"{path}: a.toml"


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_no_member_leads_out_of_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "a" / "b"
    place.mkdir(parents=True)
    path = zipped(place / "x.zip", {"../../x.toml": TOML, "..\\y.toml": TOML, "/z.toml": TOML, "ok.toml": TOML})
    before = everything(tmp_path)
    monkeypatch.chdir(place)
    found = {s.student: s for s in read(path)}
    assert everything(tmp_path) == before
    assert [n for n, s in found.items() if s.answers] == ["ok", "z"]  # in order of their names
    assert "leads out of the archive" in found["x"].unread[0] and "out" in found["y"].unread[0]
    with zipfile.ZipFile(path) as z:  # the check can fail: unpacking does write
        z.extract("ok.toml", place)
    assert everything(tmp_path) != before


def test_hostile_members(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.toml")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = zipped(
        tmp_path / "x.zip",
        {
            "bomb.toml": "#" * 1_900_000,
            "large.toml": "#" * (streams.LARGEST + 1),
            "inner.zip": b"PK\3\4",
            "other.tex": b"PK\3\4",
            "/".join("d" * 30) + "/x.toml": TOML,
            "ok.toml": TOML,
            "bad\u202ename\x07.toml": TOML,
        },
    )
    with zipfile.ZipFile(path, "a") as z:
        z.writestr(link, "/etc/passwd")
        z.writestr("odd.toml", TOML, compress_type=zipfile.ZIP_BZIP2)
        with pytest.warns(UserWarning, match="Duplicate"):
            z.writestr("ok.toml", TOML.replace("5", "6"))
    found = {s.student: s for s in read(path)}
    said = {n: " ".join(s.unread) for n, s in found.items()}
    assert {n: s.answers["3.2i"] for n, s in found.items() if s.answers} == {
        "ok": "5", "ok (2)": "6", "badname": "5"}  # fmt: skip
    assert "almost nothing" in said["bomb"] and "larger than 2 MB" in said["large"]
    assert "archive inside an archive" in said["inner"] and "archive" in said["other"]
    assert "link" in said["link"] and "too many folders" in said["x"] and "unusual" in said["odd"]
    assert len(found) == 10


def flagged(path: Path, position: int) -> None:
    """Mark every member as encrypted, as an archive with a password has it."""
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(magic)
        while at >= 0:
            data[at + offset] |= 1 << position
            at = data.find(magic, at + 1)
    path.write_bytes(bytes(data))


def test_an_encrypted_archive_is_said(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"a.toml": TOML, "b.toml": TOML})
    assert all(s.answers for s in read(path))
    flagged(path, 0)
    assert all("it is encrypted: unpack" in s.unread[0] and not s.answers for s in read(path))


def test_a_damaged_archive_is_said(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"a.toml": TOML * 50, "b.toml": TOML})
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(bytes(data))
    a, b = read(path)
    assert not a.answers and "cannot be unpacked" in a.unread[0] and b.answers
    path.write_bytes(bytes(data[:-30]))
    with pytest.raises(BadInput, match="no .zip"):
        read(path)
    assert "no .zip" in read(tmp_path)[0].unread[0]


@pytest.mark.parametrize(
    ("name", "bound", "said"),
    [
        ("MEMBERS", 2, "3 members, more than 2"),
        ("LARGEST_INDEX", 100, "more than 50,000 members"),
        ("LARGEST_ARCHIVE", 100, "archive is larger"),
    ],
)
def test_bounds_of_an_archive(name: str, bound: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "x.zip", {f"{i}.toml": TOML for i in range(3)})
    assert len(read(path)) == 3
    monkeypatch.setattr(archives, name, bound)
    with pytest.raises(BadInput, match=said):
        read(path)


def test_the_total_of_an_archive_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "x.zip", {f"{i}.toml": TOML for i in range(5)})
    monkeypatch.setattr(archives, "LARGEST_TOTAL", 2 * len(TOML))
    found = read(path)
    assert [bool(s.answers) for s in found] == [True, True, False, False, False]
    assert "too much in all" in found[-1].unread[0]


def test_an_archive_in_a_folder_is_one_students(tmp_path: Path) -> None:
    zipped(tmp_path / "Ada_1_assignsubmission_file_hw.zip", {"hw/x.tex": NAMELESS, "hw/fig.png": ""})
    zipped(tmp_path / "Bo.zip", {"x.tex": NAMELESS})
    zipped(tmp_path / "section.zip", {"c.tex": NAMELESS, "d.tex": NAMELESS})
    (tmp_path / "Ed_5_assignsubmission_file_").mkdir()
    zipped(tmp_path / "Ed_5_assignsubmission_file_" / "z.zip", {"x.tex": NAMELESS})
    found = read(tmp_path)
    assert [s.student for s in found] == ["Ada", "Bo", "c", "d", "Ed"]
    assert all(s.answers for s in found) and "fig.png" in found[0].unread[0]


# -- Gradescope ---------------------------------------------------------------------------

METADATA = """---
submission_11:
  :submitters:
  - :name: Ada Lovelace
    :sid: '100'
    :email: ada@x.org
  :created_at: 2024-01-31 12:00:00.000000000 Z
  :score: 0.0
  :results:
    output: |
      :submitters:
      - :name: Not Ada
        :email: evil@x.org
submission_12:
  :submitters:
  - :name: "Bo \\u00d6sten: \\"B\\""
    :sid: 101
    :email: bo@x.org
  - :name: 'Cy O''Neil'
    :sid:
    :email: cy@x.org
submission_13:
  :submitters:
    - :name:
      :sid: '103'
      :email: dee@x.org
14.pdf:
  :submitters:
  - :name: Ed
    :email: ed@x.org
submission_15:
  :submitters:
  - :name: Flo
    :email: flo@x.org
"""


@pytest.mark.parametrize("form", ["folder", "zip", "wrapped"])
def test_a_gradescope_export(form: str, tmp_path: Path) -> None:
    top = "assignment_1_export/" if form == "wrapped" else ""
    files: dict[str, Any] = {
        f"{top}submission_metadata.yml": METADATA,
        f"{top}submission_11/hw.tex": tex(r"\begin{answer}{3.2i} 5 \end{answer}", "A. L."),
        f"{top}submission_12/src/hw.toml": "student = 'both of us'\n" + TOML,
        f"{top}submission_13/photo.jpg": "",
        f"{top}14.pdf": "%PDF",
    }
    where = put(tmp_path / "x", files) if form == "folder" else zipped(tmp_path / "x.zip", files)
    found = read(where)
    assert {(s.student, s.email, bool(s.answers)) for s in found} == {
        ("Ada Lovelace", "ada@x.org", True),
        ('Bo Östen: "B"', "bo@x.org", True),
        ("Cy O'Neil", "cy@x.org", True),
        ("103", "dee@x.org", False),
        ("Ed", "ed@x.org", False),
        ("Flo", "flo@x.org", False),
    }
    said = {s.student: " ".join(s.unread) for s in found}
    assert said["Ada Lovelace"] == said["Cy O'Neil"] == ""
    assert "image" in said["103"] and "PDF" in said["Ed"] and "not there" in said["Flo"]


def test_metadata_that_is_something_else(tmp_path: Path) -> None:
    put(tmp_path, {"submission_metadata.yml": "- a\n- b\n", "submission_11/hw.tex": NAMELESS})
    lost, found = read(tmp_path)
    assert "expected a folder's name" in lost.unread[0] and found.student == "submission_11"


@pytest.mark.parametrize("text", ["", "---\n", "!!python/object:os.system\n", "a: b\n", "\xff\xfe"])
def test_metadata_is_never_run(text: str) -> None:
    with pytest.raises(BadInput):
        read_metadata(io.BytesIO(text.encode("latin-1")))


def test_metadata_as_a_yaml_reader_reads_it() -> None:
    yaml = pytest.importorskip("yaml")
    found = read_metadata(io.BytesIO(METADATA.encode()))
    data = yaml.safe_load(METADATA)
    assert {k: [(p.name, p.sid, p.email) for p in v] for k, v in found.items()} == {
        k: [tuple(str(p.get(f) or "") for f in (":name", ":sid", ":email")) for p in v[":submitters"]]
        for k, v in data.items()
    }


# -- names --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("student", "name"),
    [
        ("Ada", "Ada"),
        ("Ada Lovelace", "Ada_Lovelace"),
        ("Ada B. Smith", "Ada_B._Smith"),
        ("anne-marie", "anne-marie"),
    ],
)
def test_plain_names_stay(student: str, name: str) -> None:
    assert safe_name(student) == name


HOSTILE = [
    "", " ", ".", "..", "../../etc/passwd", "/etc/passwd", "C:\\x", "-rf", ".hidden", "CON", "con.txt", "NUL", "com1",
    "a\x00b", "a\nb", "\u202eadA", "x" * 10_000, "Björn", "Bjorn", "李明", "李", "Ada.", "Ada ", "a/b", "a_b", "a b", "a-b",
    "<b>", "%00", "$(id)", "`id`", "a;b", "'", '"', "Ada  L", "Bjorn-0123456789ab", "student", "\ud800", "🙂", "🙃", "lpt9.x",
]  # fmt: skip


def is_safe(name: str) -> bool:
    device = re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name)
    return bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name)) and not device and name[-1] != "."


@pytest.mark.parametrize("student", HOSTILE, ids=lambda s: ascii(s)[:20])
def test_safe_names(student: str) -> None:
    assert is_safe(safe_name(student)), safe_name(student)


def test_safe_names_differ_and_the_check_can_fail() -> None:
    names = [*HOSTILE, "x" * 9_999, "Ada_Lovelace", "Ada Lovelace", safe_name("Björn"), safe_name("")]
    assert len({safe_name(n).casefold() for n in names}) == len(names)
    assert not any(map(is_safe, ("", "CON", "nul.txt", ".a", "-a", "a/b", "ä", "a.", "x" * 81, "a b")))


@settings(max_examples=300)
@given(st.text(max_size=120), st.text(max_size=120))
def test_any_names(a: str, b: str) -> None:
    assert is_safe(safe_name(a)) and (safe_name(a) != safe_name(b) or a == b)
    shown = readable(a)
    assert len(shown) <= 100 and shown == readable(shown) and shown.isprintable()


@given(st.text(max_size=400))
def test_a_student_always_has_a_name(name: str) -> None:
    assert student_of(name) and student_of(name, folder=True)


# -- hostile text, and memory -------------------------------------------------------------

N = 300_000  # a quadratic reader would take minutes


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("opens.tex", "\\begin{answer}" * (N // 14)),
        ("same.tex", "".join(f"\\begin{{answer}}{{3.2i}}{i}\\end{{answer}}" for i in range(N // 36))),
        ("strange.tex", CONV[0] + "\\begin{answer}{zz}x\\end{answer}" * (N // 30)),
        ("verb.tex", "\\begin{answer}{3.2i}" + "\\verb|" * (N // 6)),
        ("verbatim.tex", "\\begin{answer}{3.2i}" + "\\begin{verbatim}" * 110_000),
        ("students.tex", "\\begin{answer}{3.2i}" + "\\student{" * (N // 9)),
        ("goes.tex", "\\begin{answer}{3.2i}" + "\\part" * (N // 5)),
        ("space.tex", "\\begin{answer}[params]{2.2.1.conv1} 1" + " " * N + ";" * N + "\\end{answer}"),
        ("head.tex", "\\begin{answer}" + " " * N),
        ("dots.toml", "a." * (N // 2) + "a = 1"),
        ("header.toml", "[" + "a." * (N // 2) + "a]"),
        ("nest.toml", "a = " + "[" * N),
        ("hex.toml", "[answers]\n'3.2i' = 0x" + "f" * N),
        ("keys.toml", "[answers]\n" + "".join(f"k{i} = 1\n" for i in range(N // 12))),
        ("nest.json", "[" * N),
        ("deep.json", '{"answers": {"3.2i": ' + "[" * 500 + "]" * 500 + "}}"),
        ("open.json", '{"a": ' * (N // 6)),
        ("quotes.json", '{"a": ' + '\\"' * (N // 2) + "}"),
        ("keys.json", '{"answers": {' + ",".join(f'"k{i}": 1' for i in range(N // 12)) + "}}"),
        ("twice.json", '{"answers": {' + ",".join(f'"3.2i": {i}' for i in range(N // 12)) + "}}"),
        ("zalgo.json", '{"student": "a' + "\\u0301\\u0316" * (N // 12) + '"}'),
    ],
    ids=lambda x: x if len(x) < 20 else "",
)  # fmt: skip
def test_hostile_text_is_read_in_linear_time(name: str, text: str, tmp_path: Path) -> None:
    (found,) = one_by_one(tmp_path, name, text)
    assert len(found.student) <= 120 and len(found.unread) <= 25
    assert sum(map(len, found.unread)) < 10_000
    assert found.unread or found.answers


def one_by_one(tmp_path: Path, name: str, text: str) -> list[Submission]:
    from time import process_time

    (tmp_path / name).write_text(text)
    start = process_time()
    found = read(tmp_path)
    assert process_time() - start < 5
    return found


class Made(io.RawIOBase):
    """Lines that are made when they are read."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.lines, self.rest = lines, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while len(self.rest) < len(buffer) and (line := next(self.lines, b"")):
            self.rest += line
        size = min(len(buffer), len(self.rest))
        buffer[:size] = self.rest[:size]
        self.rest = self.rest[size:]
        return size


def peak(use: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        use()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("form", "many"), [("lines", 6_000), ("list", 5_000)])
def test_memory_stays_flat(form: str, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # A name's hash is kept of each, some 150 bytes; of a text that is ten times as long nothing.
    text, bound = "x" * 1500, 1_500_000 + 150 * many

    def lines(count: int) -> Iterator[bytes]:
        yield b"[" if form == "list" else b""
        for i in range(count):
            yield json.dumps({"student": f"S{i}", "answers": {"3.2i": f"{text}{i}"}}).encode()
            yield b",\n" if form == "list" and i < count - 1 else b"\n"
        yield b"]" if form == "list" else b""

    def stream(count: int, keep: bool) -> None:
        class Input:
            buffer = io.BufferedReader(Made(filter(None, lines(count))))

        monkeypatch.setattr("sys.stdin", Input)
        seen, kept = 0, []
        for s in read_submissions(["-"], S0):
            assert s.answers["3.2i"].endswith(str(seen)) and not s.unread
            seen += 1
            if keep:
                kept.append(s)
        assert seen == count

    stream(2, False)  # what is loaded at first is not counted
    assert peak(lambda: stream(many, False)) < bound
    assert peak(lambda: stream(4_000, True)) > 1_500_000 + 150 * 4_000  # the check can fail
