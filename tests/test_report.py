"""Reports of a course: every number is the data's, every word of a student is harmless."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from solver import pdf
from solver.core import Mistake, Problem, Verdict
from solver.courses import figures
from solver.courses.feedback import feedback, tex_lines, tex_words
from solver.courses.naming import safe_name
from solver.courses.records import Marked, Result
from solver.courses.report import LISTED, write_reports
from solver.courses.tally import Frequent, Tally, total
from solver.grading import grade_part
from solver.sets import ProblemSet, load_set
from tests.course import Double, many, marked, small_set

ROOT = Path(__file__).parent.parent
RIGHT = ("6", Verdict("right", 2, "", "", "6"))
HALF = ("7", Verdict("partly", 0.5, "", "Not right: weights.", "7"))
FLIPPED = (
    "8",
    Verdict("wrong", 0, "kernel_flipped", "It is $3\\times3$, not turned.", "8"),
)
WRONG = ("9", Verdict("wrong", 0, "", "", "9"))
OPEN = (
    "C^C^C",
    Verdict("undecided", 0, "", "A person has to decide this.", "C^{C^{C}}"),
)
BAD = (
    "((( $",
    Verdict(
        "invalid", 0, "", "The answer could not be read: it ends\n  ((( $\n       ^", ""
    ),
)

ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</pre></main><h1>A+</h1>",
    "&lt;b&gt; &amp; &#60;",
    r"\input{/etc/passwd} \immediate\write18{touch pwned} \end{document}",
    r"} { % # & _ ^^41 ^^M ~ `` '' -- --- ?` !` << >> $x$ $$ |",
    "∂L/∂W = σ(z) 𝟙 ŷ 😀 y\u0302 x\u0302 é 李 ᵀ ½ 𝟏 𝛼 \u202e abc ﬁ ﷽ α\u0302",
    "x" * 5000,
    "∂" * 1500 + " " + "\\" * 1500,
    "  two\n\n\tif x:\r\n  y = 1  z\n" + "line\n" * 60,
    "{{ 7*7 }} << 7*7 >> <% for %> <# c #>",
    "\x00\x07\x1b[31m\ud800 \x85",
]


def course() -> Double:
    """Six students with every mark there is."""
    students = (
        marked("Ada", "ada@x.org", p1a=RIGHT, p1b=RIGHT, p2=RIGHT),
        marked("Ben", p1a=FLIPPED, p1b=OPEN, p2=HALF),
        marked("Cid", p1a=FLIPPED, p1b=OPEN),
        marked(
            "Dan",
            p1a=("8.0", FLIPPED[1]),
            p1b=BAD,
            unread=("No hand-out in notes.docx.",),
        ),
        marked("Eve", p1a=WRONG, p2=WRONG),
        marked("Fay"),
    )
    return Double(small_set(), lambda: students, (("Ada", "1a", "wrong", "right"),))


def hostile_set() -> ProblemSet:
    """One part for each attack."""
    problems = tuple(
        Problem("grad", {}, f"p{i}", f"T {text[:60]!r}", "What?", 1)
        for i, text in enumerate(ATTACKS)
    )
    return ProblemSet("hostile", ATTACKS[0] + r" \x{", problems, course=ATTACKS[5][:30])


def hostile_student(name: str = ATTACKS[1]) -> Marked:
    """A student who tries everything, and whom every verdict quotes."""
    marks = ("right", "partly", "wrong", "undecided", "invalid")
    results = {}
    for i, text in enumerate(ATTACKS):
        said = (
            f"The answer could not be read: {text}\n  {text[:80]}\n  ^"
            if i % 5 == 4
            else text
        )
        results[f"p{i}"] = Result(
            f"p{i}",
            text,
            Verdict(marks[i % 5], 0.5, text[:50], said, text),
            "k",
            i == 2,
            "wrong",
        )
    return Marked(name, ATTACKS[2], results, ATTACKS[4], ATTACKS[1], tuple(ATTACKS))


def parsed(page: str) -> ElementTree.Element:
    """The page as a tree: it is well-formed but for HTML's own empty elements."""
    page = page.removeprefix("<!DOCTYPE html>").strip()
    page = re.sub(r"<(meta|br|img|link)\b([^>]*)>", r"<\1\2/>", page)
    page = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    return ElementTree.fromstring(page.replace("&nbsp;", " "))


def written(store: Double, out: Path) -> dict[str, str]:
    """What write_reports wrote, by name; complete when it was said to be."""
    found = {}
    for path in write_reports(store, out):
        assert path.is_file() and path.stat().st_size
        found[str(path.relative_to(out))] = path.read_bytes().decode()
    assert not [p for p in out.rglob("*") if p.name.startswith(".")]
    return found


# -- files ------------------------------------------------------------------------------


def test_the_files(tmp_path: Path) -> None:
    files = written(course(), tmp_path)
    names = {
        f"feedback/{s}.{e}"
        for s in ["Ada", "Ben", "Cid", "Dan", "Eve", "Fay"]
        for e in ("html", "tex")
    }
    assert set(files) == names | {"marks.csv", "report.json", "report.html"}


def test_the_same_marks_give_the_same_bytes(tmp_path: Path) -> None:
    first = written(course(), tmp_path)
    assert written(course(), tmp_path) == first
    turned = course()
    turned.make = lambda: (
        replace(m, results=dict(reversed(m.results.items()))) for m in course().make()
    )
    again = written(turned, tmp_path)
    for name in ("marks.csv", "report.html"):
        assert again[name] == first[name]


def test_an_empty_course(tmp_path: Path) -> None:
    files = written(Double(small_set(), lambda: ()), tmp_path)
    assert json.loads(files["report.json"])["mean"] == 0
    parsed(files["report.html"])


def test_a_failure_leaves_the_old_files(tmp_path: Path) -> None:
    before = written(course(), tmp_path)

    def broken():  # type: ignore[no-untyped-def]
        yield from course().make()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        list(write_reports(Double(small_set(), broken), tmp_path))
    assert (tmp_path / "marks.csv").read_bytes().decode() == before["marks.csv"]
    assert not list(tmp_path.glob(".*"))


# -- marks.csv --------------------------------------------------------------------------


def test_the_columns_add_up(tmp_path: Path) -> None:
    data = written(course(), tmp_path)["marks.csv"]
    assert data.startswith("\ufeff") and data.count("\r\n") == data.count("\n") == 7
    rows = list(csv.DictReader(io.StringIO(data.removeprefix("\ufeff"))))
    assert list(rows[0]) == [
        "student",
        "email",
        "1a",
        "1b",
        "2",
        "total",
        "out of",
        "undecided",
        "unreadable",
    ]
    for row in rows:
        parts = [float(row[p] or 0) for p in ("1a", "1b", "2")]
        assert sum(parts) == float(row["total"]) and row["out of"] == "4.5"
    assert [r["undecided"] for r in rows] == ["0", "1", "1", "0", "0", "0"]
    assert [r["unreadable"] for r in rows] == ["0", "0", "0", "1", "0", "0"]
    assert rows[5]["1a"] == "" and rows[4]["1a"] == "0"


# -- the report -------------------------------------------------------------------------


def test_the_numbers_are_the_datas(tmp_path: Path) -> None:
    store = course()
    report = json.loads(written(store, tmp_path)["report.json"])
    students = list(store.make())
    totals = sorted(total(store.whole, m) for m in students)
    assert report["students"] == 6 and report["answers"] == sum(
        len(m.results) for m in students
    )
    assert (
        report["mean"] == round(sum(totals) / 6, 4)
        and report["median"] == (totals[2] + totals[3]) / 2
    )
    assert sum(b["count"] for b in report["histogram"]) == 6
    for part in report["parts"]:
        assert sum(part["marks"].values()) == 6
        assert part["answered"] == 6 - part["marks"]["missing"]
        earned = sum(
            m.results[part["id"]].verdict.points
            for m in students
            if part["id"] in m.results
        )
        assert part["mean"] == round(earned / 6, 4)
    first = report["parts"][0]
    assert first["marks"] == {
        "right": 1,
        "partly": 0,
        "wrong": 4,
        "undecided": 0,
        "invalid": 0,
        "missing": 1,
    }
    (slip,) = first["misconceptions"]
    assert (
        slip["name"] == "kernel_flipped" and slip["count"] == 3 and slip["share"] == 0.6
    )
    assert slip["answers"] == [{"answer": "8", "count": 3}]
    assert first["wrong_answers"] == [{"answer": "9", "count": 1}]


def test_what_a_person_has_to_do(tmp_path: Path) -> None:
    files = written(course(), tmp_path)
    report, page = json.loads(files["report.json"]), files["report.html"]
    (group,) = report["undecided"]
    assert group["students"] == ["Ben", "Cid"] and group["count"] == 2
    assert (
        group["command"]
        == f"pset decide {tmp_path} {group['group']} right|partly|wrong"
    )
    assert group["command"] in page and "C^C^C" in page and "Ben, Cid" in page
    assert [(u["student"], u["part"]) for u in report["unreadable"]] == [
        ("Dan", ""),
        ("Dan", "1b"),
    ]
    assert (
        "No hand-out in notes.docx." in page and "It ends" in page and "((( $" in page
    )
    assert report["changed"] == [
        {"student": "Ada", "part": "1a", "before": "wrong", "now": "right"}
    ]
    assert "wrong → right" in page


def test_a_folder_with_spaces_is_quoted(tmp_path: Path) -> None:
    files = written(course(), tmp_path / "my course; rm")
    assert f"pset decide '{tmp_path}/my course; rm' " in files["report.html"]


def test_the_page_stands_alone(tmp_path: Path) -> None:
    page = written(course(), tmp_path)["report.html"]
    assert page.startswith("<!DOCTYPE html>") and page.rstrip().endswith("</html>")
    assert not re.search(
        r"<script|https?://(?!www\.w3\.org)|\bsrc=|@import|url\((?!#)|javascript:", page
    )
    tree = parsed(page)
    ids = [e.get("id") for e in tree.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    for link in tree.iter("a"):
        assert link.get("href", "").removeprefix("#") in ids
    for svg in tree.iter("svg"):
        if svg.get("role") == "img":
            assert set(svg.get("aria-labelledby", "").split()) <= set(ids)
            assert svg.find("title") is not None and svg.find("desc") is not None


def test_long_lists_are_cut_on_the_page_only(tmp_path: Path) -> None:
    changes = tuple((f"S{n:04d}", "1a", "wrong", "right") for n in range(LISTED + 50))
    store = Double(small_set(), lambda: (marked(f"S{n:04d}", p1a=(f"?{n}", OPEN[1]), p1b=BAD)
                                         for n in range(LISTED + 50)), changes)  # fmt: skip
    files = written(store, tmp_path)
    report, page = json.loads(files["report.json"]), files["report.html"]
    for name in ("changed", "undecided", "unreadable"):
        assert len(report[name]) == LISTED + 50
    assert page.count("And 50 more, all in report.json.") == 3
    assert page.count('<div class="group">') == LISTED


def test_a_mistake_is_told_without_the_remarks_around_it(tmp_path: Path) -> None:
    whole, id = load_set("s0"), "2.2.1.conv1"
    text = "6x28x28; weights 450; params 450"
    v = grade_part(whole, whole[id], text)
    assert v.mark == "partly" and v.mistake and v.feedback.startswith("Not right: ")
    student = Marked("A", "a", {id: Result(id, text, v, "k")})
    report = json.loads(
        written(Double(whole, lambda: [student]), tmp_path)["report.json"]
    )
    (slip,) = next(p for p in report["parts"] if p["id"] == id)["misconceptions"]
    assert "Not right" not in slip["feedback"] and slip["feedback"] in v.feedback


def test_a_mistake_of_the_file_without_a_name() -> None:
    listed = Mistake("", 400, "This is the length of the vector.")
    whole = replace(
        small_set(), problems=(replace(small_set().problems[0], mistakes=(listed,)),)
    )
    tally = Tally(whole)
    tally.add(marked("A", p1a=("400", Verdict("wrong", 0, "", listed.feedback, "400"))))
    tally.add(
        marked(
            "B", p1a=("4", Verdict("wrong", 0, "", "This does not fit: k = 4.", "4"))
        )
    )
    (slip,) = tally.parts["1a"].ranked()
    assert slip.feedback == listed.feedback and slip.count == 1
    assert tally.parts["1a"].wrong.most() == [("4", 1)]


# -- counting in bounded memory ---------------------------------------------------------


def test_frequent_answers_are_found_and_counted_exactly() -> None:
    stream = (
        [("a", b"a")] * 300
        + [(f"{n}", b"%d" % n) for n in range(3000)]
        + [("b", b"b")] * 200
    )
    stream = [stream[(i * 7919) % len(stream)] for i in range(len(stream))]
    counter = Frequent(20)
    for key in stream:
        counter.add(key)
        assert len(counter.counts) <= 41
    assert counter.full
    counter.start_again()
    for key in stream:
        counter.add(key)
    assert counter.most(2) == [("a", 300), ("b", 200)]


def test_a_second_pass_only_where_it_is_needed(tmp_path: Path) -> None:
    few, lots = course(), course()
    written(few, tmp_path)
    assert few.passes == 1
    lots.make = lambda: (
        marked(
            f"S{n}",
            p1a=(
                w := "common" if n % 3 == 0 else f"w{n}",
                replace(WRONG[1], understood_as=w),
            ),
        )
        for n in range(900)
    )
    report = json.loads(written(lots, tmp_path / "b")["report.json"])
    assert lots.passes == 2
    assert report["parts"][0]["wrong_answers"][0] == {"answer": "common", "count": 300}


MEMORY = """
import resource, sys
from pathlib import Path
from solver.courses import report
from solver.core import Verdict
from tests.course import Double, marked, small_set
report.write = lambda path, data: None
page = report.Pages.page  # one of ten is rendered, for time; there is nothing to keep of it
report.Pages.page = lambda self, m: page(self, m) if m.student.endswith("0") else ""
count = int(sys.argv[1])
def make():
    for n in range(count):
        w = f"{n} " * 20
        yield marked(f"S{n:06d}", p1a=(w, Verdict("wrong", 0, "", "", w)),
                     p1b=(w, Verdict("wrong", 0, "slip", "No.", w)), p2=(w, Verdict("invalid", 0, "", "no\\n" + w)))
store = Double(small_set(), make)
paths = sum(1 for _ in report.write_reports(store, Path(sys.argv[2])))
assert paths == 2 * count + 3 and store.passes == 2
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="kilobytes are Linux's"
)
def test_memory_stays_flat(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        done = subprocess.run([sys.executable, "-c", MEMORY, str(count), str(tmp_path)], cwd=ROOT,
                              capture_output=True, text=True, check=True)  # fmt: skip
        return int(done.stdout)

    assert peak(20_000) - peak(1_000) < 6_000  # kilobytes: 8 bytes a student are kept


# -- feedback ---------------------------------------------------------------------------


def test_feedback_says_all_marks_in_words(tmp_path: Path) -> None:
    files = written(course(), tmp_path)
    for ending in ("html", "tex"):
        ada, ben, dan, eve, fay = (
            files[f"feedback/{n}.{ending}"] for n in ("Ada", "Ben", "Dan", "Eve", "Fay")
        )
        assert "right" in ada and "partly right" in ben and "left to a person" in ben
        dash = "—" if ending == "html" else "---"
        assert f"could not be read {dash} not counted as wrong" in dan
        assert "No known slip" in eve and "not answered" in fay
        assert "No hand-out in notes.docx." in dan
        assert "0.5 of 1.5 points" in ben and "1 answer is still with a person" in ben
    assert "✗" in files["feedback/Eve.html"] and "<math" in files["feedback/Ben.html"]
    assert r"$3\times3$" in files["feedback/Ben.tex"]


def test_every_answer_appears_verbatim() -> None:
    page = parsed(
        feedback(hostile_set(), hostile_student(), "html")
        .encode(errors="replace")
        .decode()
    )
    shown = ["".join(e.itertext()) for e in page.iter("pre")]
    for text in ATTACKS[:-1]:
        assert any(s.strip() == text.replace("\r\n", "\n").strip() for s in shown), (
            text[:40]
        )


def test_a_page_holds_no_element_of_a_students() -> None:
    page = (
        feedback(hostile_set(), hostile_student(), "html")
        .encode(errors="replace")
        .decode()
    )
    tree = parsed(page)
    known = [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "header",
        "h1",
        "p",
        "span",
        "bdi",
        "ul",
        "li",
        "div",
        "section",
        "h2",
        "a",
        "pre",
        "strong",
        "code",
        "em",
        "math",
    ]
    plain = [e for e in tree.iter() if e.tag in ("script", "img", "h1")]
    assert [e.tag for e in plain] == ["h1"]
    inside_math = {id(d) for m in tree.iter("math") for d in m.iter()}
    assert {e.tag for e in tree.iter() if id(e) not in inside_math} <= set(known)
    assert not any(name.startswith("on") for e in tree.iter() for name in e.attrib)
    assert "49" not in page.split("<main>")[1].replace("649", "")


def test_the_report_holds_no_element_of_a_students(tmp_path: Path) -> None:
    store = Double(hostile_set(), lambda: [hostile_student(a[:200]) for a in ATTACKS],
                   ((ATTACKS[0], ATTACKS[1], ATTACKS[2], "right"),))  # fmt: skip
    files = written(store, tmp_path)
    tree = parsed(files["report.html"])
    assert not [e for e in tree.iter() if e.tag in ("script", "img")]
    assert len(list(tree.iter("h1"))) == 1
    json.loads(files["report.json"])
    assert len([n for n in files if n.startswith("feedback/")]) == 2 * len(ATTACKS)
    assert {p.parent for p in tmp_path.rglob("*.html")} == {
        tmp_path,
        tmp_path / "feedback",
    }


def test_students_never_share_a_file(tmp_path: Path) -> None:
    names = [
        "a/b",
        "a_b",
        "a b",
        "../a",
        "..",
        "",
        "CON",
        "ä",
        "ae",
        "x" * 300,
        "x" * 301,
        "A b",
    ]
    store = Double(small_set(), lambda: [marked(n, p1a=RIGHT) for n in names])
    files = [
        p
        for p in write_reports(store, tmp_path)
        if p.suffix == ".html" and p.parent.name == "feedback"
    ]
    assert (
        len({p.name.casefold() for p in files}) >= len(names) - 1
    )  # "a b" and "A b": the reader's
    assert len(set(files)) == len(names) and {p.stem for p in files} == set(
        map(safe_name, names)
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a_b", r"a\_b"),
        ("--", "-{}-"),
        ("?`", r"?\textasciigrave{}"),
        ("x'", r"x\textquotesingle{}"),
        ("y\u0302", "ŷ"),
        ("x\u0302", r"\^{x}"),
        ("a  b", r"a\ \ b"),
        ("𝟏", r"\textbf{1}"),
        (r"\x{", r"\textbackslash{}x\{"),
    ],
)
def test_an_answer_in_latex(text: str, shown: str) -> None:
    assert tex_lines(text) == rf"\strut {shown}\par"


def test_no_macro_of_a_student_reaches_tex() -> None:
    macros = "textbackslash textquotesingle textasciigrave textasciicircum textasciitilde textless"
    macros += " textgreater textbar textquotedbl allowbreak texttt footnotesize strut par textbf"
    ours = rf"\\(?:(?:{'|'.join(macros.split())})(?![A-Za-z])|[{{}}$&#%_ ]|\^(?=\{{[a-z]\}}))"
    signs = r"\\ensuremath\{(?:\\(?:partial|sigma|alpha)|\^\{\\mathsf T\}|\\tfrac12)\}"
    for text in ATTACKS:
        for made in (tex_lines(text), tex_words(text)):
            bare = re.sub(ours, "", re.sub(signs, "", made))
            assert not re.search(r"[\\&#%$^_~]", bare), bare[:80]
            assert bare.count("{") == bare.count("}")


@pytest.mark.skipif(not pdf.available(), reason="pdflatex is not installed")
def test_hostile_feedback_compiles_without_a_warning(tmp_path: Path) -> None:
    source = feedback(hostile_set(), hostile_student(), "tex").encode(errors="replace")
    (tmp_path / "it.tex").write_bytes(source)
    pdf.run(tmp_path, "it")
    assert pdf.warnings(pdf.run(tmp_path, "it")) == []
    assert (tmp_path / "it.pdf").read_bytes().startswith(b"%PDF") and not (
        tmp_path / "pwned"
    ).exists()


@pytest.mark.skipif(not pdf.available(), reason="pdflatex is not installed")
def test_feedback_compiles(tmp_path: Path) -> None:
    for name, source in written(course(), tmp_path).items():
        if name.endswith(("Ben.tex", "Dan.tex", "Fay.tex")):
            assert pdf.compile_pdf(source, "it").startswith(b"%PDF")


# -- figures ----------------------------------------------------------------------------


def test_a_bar_shows_the_numbers() -> None:
    counts = {
        "right": 120,
        "partly": 1,
        "wrong": 60,
        "undecided": 0,
        "invalid": 9,
        "missing": 10,
    }
    svg = ElementTree.fromstring(figures.bar(counts, "b", "Marks <of> part 1"))
    widths = [float(r.get("width", "").rstrip("%")) for r in svg.iter("rect")]
    assert widths == [60, 0.5, 30, 4.5, 5] and svg.get("height") == "24"
    starts = [float(r.get("x", "").rstrip("%")) for r in svg.iter("rect")]
    assert starts == [0, 60, 60.5, 90.5, 95]
    assert [t.text for t in svg.iter("text")] == ["120", "60"]
    assert svg.findtext("title") == "Marks <of> part 1"
    assert (
        svg.findtext("desc")
        == "120 right, 1 partly right, 60 wrong, 9 could not be read, 10 not answered"
    )
    fills = {r.get("fill") or r.get("class") for r in svg.iter("rect")}
    assert len(fills) == 5  # each mark has its own pattern


def test_an_empty_bar() -> None:
    svg = ElementTree.fromstring(figures.bar({}, "b", "none"))
    assert svg.findtext("desc") == "nobody" and not list(svg.iter("rect"))


@pytest.mark.parametrize(
    ("top", "step"),
    [
        (40, 5),
        (10, 1),
        (4.5, 0.5),
        (0.3, 0.025),
        (100, 10),
        (37, 5),
        (1000, 100),
        (0, 1),
    ],
)
def test_bins_are_round_and_hold_everything(top: float, step: float) -> None:
    ends = figures.edges(top)
    assert ends[0] == 0 and ends[-1] >= top and ends[1] - ends[0] == pytest.approx(step)
    values = [top * i / 97 for i in range(98)]
    assert sum(figures.binned(values, ends)) == 98


def test_a_histogram_shows_the_numbers() -> None:
    ends = figures.edges(10)
    counts = figures.binned([0, 0.5, 1, 1, 9.99, 10, 10], ends)
    assert counts == [2, 2, 0, 0, 0, 0, 0, 0, 0, 3]
    svg = ElementTree.fromstring(figures.histogram(counts, ends, "Points"))
    high = [float(r.get("height", "")) for r in svg.iter("rect")]
    assert len(high) == 3 and high[0] == pytest.approx(high[2] * 2 / 3, abs=0.1)
    labels = [t.text for t in svg.iter("text")]
    assert labels[:3] == ["2", "2", "3"] and labels[3:] == [f"{e:g}" for e in ends]
    assert "9 to 10: 3" in (svg.findtext("desc") or "")


def test_many_students_of_a_real_set(tmp_path: Path) -> None:
    whole = load_set("s0")
    pool = {
        p.id: [("1", Verdict("right", p.points, "", "", "1")), WRONG, OPEN, BAD]
        for p in whole.problems
    }
    report = json.loads(
        written(Double(whole, many(whole, 60, pool)), tmp_path)["report.json"]
    )
    assert report["students"] == 60 == sum(b["count"] for b in report["histogram"])
    assert report["answers"] == sum(p["answered"] for p in report["parts"])
