"""Documents: the three of every set, escaped, complete, compiled; files whole or untouched."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from solver import pdf
from solver.core import BadInput
from solver.disk import write
from solver.documents import document, write_documents
from solver.prose import prose
from solver.sets import bundled, load_set

SETS = sorted(bundled())
HOSTILE = r"""
title = 'Set & <b>50%</b> #1_x ^ ~ \input{/etc/passwd} $x$ 中文 Ωμέγα'
[[problem]]
id = "1"
title = 'T <script>alert(1)</script> \write18{rm} & % # _ {'
kind = "shape conv"
points = 1
prompt = '''50 % of $3\times3$ <img src=x onerror=alert(1)> & \input{x} _ # ~ ^ 漢字 ½ ∫ “q”'''
given = { input = [3, 8, 8], kernel = 3 }
mistakes = [ { value = [1, 2, 3], feedback = 'not <i>this</i> & \relax 100 %' } ]
"""


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    path = tmp_path / "hostile.toml"
    path.write_text(HOSTILE, encoding="utf-8")
    return path


@pytest.mark.parametrize("what", ["key", "sheet", "guide"])
@pytest.mark.parametrize("name", SETS)
def test_html(name: str, what: str) -> None:
    whole = load_set(name)
    page = document(whole, what, "html")
    assert page.startswith("<!DOCTYPE html>") and page.rstrip().endswith("</html>")
    assert not re.search(r"<script|https?://(?!www\.w3\.org)|\bsrc=|@import|url\(", page)
    for problem in whole.problems:
        assert problem.title[:12] in page.replace("&amp;", "&")
    assert page.count("<math") == page.count("</math>") > 0
    from xml.etree import ElementTree

    for piece in re.findall(r"<math.*?</math>", page, re.S):
        ElementTree.fromstring(re.sub(r"&(?!amp;|lt;|gt;|quot;|#)", "&amp;", piece))


@pytest.mark.parametrize("name", SETS)
def test_the_sheet_gives_nothing_away(name: str) -> None:
    whole = load_set(name)
    sheet = json.loads(document(whole, "sheet", "json"))
    assert all(set(p) == {"id", "title", "points", "prompt"} for p in sheet["problems"])
    secret = re.findall(r"\d{1,3}(?:,\d{3}){2,}", document(whole, "key", "text"))
    said = " ".join(p.prompt for p in whole.problems) + whole.intro
    for form in ("tex", "html", "text"):
        text = document(whole, "sheet", form)
        assert "Checked by" not in text and "checked by" not in text.lower()
        for digits in secret:
            if digits not in said.replace("{,}", ","):
                assert digits not in text.replace("{,}", ","), digits


def test_hostile_text_is_harmless(hostile: Path) -> None:
    whole = load_set(hostile)
    for what in ("key", "sheet", "guide"):
        page = document(whole, what, "html")
        assert "<script" not in page and "<img" not in page and "<b>" not in page
        source = document(whole, what, "tex")
        assert r"\input{/etc" not in source and r"\write18" not in source


@pytest.mark.skipif(not pdf.available(), reason="pdflatex is not installed")
@pytest.mark.parametrize("what", ["key", "sheet", "guide"])
@pytest.mark.parametrize("name", [*SETS, "hostile"])
def test_the_latex_compiles_without_a_warning(
    name: str, what: str, hostile: Path, tmp_path: Path
) -> None:
    whole = load_set(hostile if name == "hostile" else name)
    source = document(whole, what, "tex")
    (tmp_path / "it.tex").write_text(source, encoding="utf-8")
    pdf.run(tmp_path, "it")
    log = pdf.run(tmp_path, "it")
    assert pdf.warnings(log) == []
    assert (tmp_path / "it.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.skipif(not pdf.available(), reason="pdflatex is not installed")
@pytest.mark.parametrize(
    "body",
    [
        r"\immediate\write18{touch pwned}",
        r"\input{/etc/passwd}",
        r"\newwrite\f\immediate\openout\f=/tmp/pwned-by-tex\relax",
        r"\def\x{\x\x}\x",
    ],
)
def test_tex_runs_in_safe_mode(body: str, tmp_path: Path) -> None:
    (tmp_path / "it.tex").write_text(rf"\documentclass{{article}}\begin{{document}}{body}\end{{document}}")
    try:
        pdf.run(tmp_path, "it")
    except Exception as e:
        assert "pdflatex" in str(e)
    assert not (tmp_path / "pwned").exists() and not Path("/tmp/pwned-by-tex").exists()
    if "passwd" in body and (tmp_path / "it.pdf").exists():
        assert b"root" not in (tmp_path / "it.log").read_bytes().split(b"passwd")[-1][:200]


def test_without_pdflatex_one_line_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    with pytest.raises(BadInput, match="apt-get install texlive-latex-recommended"):
        pdf.compile_pdf("x", "x")


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key.txt"
    write(path, "old")

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(BadInput, match="No space left"):
        write(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        list(write_documents(load_set("s2"), "key", ["text"], tmp_path / "file" / "below"))


@pytest.mark.parametrize(
    ("text", "form", "shown"),
    [
        ("a $3\\times3$ kernel", "text", "a 3×3 kernel"),
        ("a $3\\times3$ kernel", "latex", "a $3\\times3$ kernel"),
        ("50 % & **bold** `x_1`", "latex", r"50 \% \& \textbf{bold} \texttt{x\_1}"),
        ("<b> & **bold**", "mathml", "<p>&lt;b&gt; &amp; <strong>bold</strong></p>"),
        ("one\n\ntwo", "mathml", "<p>one</p><p>two</p>"),
    ],
)
def test_prose(text: str, form: str, shown: str) -> None:
    assert prose(text, form) == shown


def test_prose_wants_its_dollars_in_pairs() -> None:
    with pytest.raises(BadInput, match="no partner"):
        prose("costs 5 $", "latex")


SHOWN = """
title = "Shown"
[[problem]]
id = "1"
kind = "answer prose"
prompt = "Does a shift inside a window change the maximum?"
given = { key = "It stays the same.", rubric = [ { says = "the same", shows = ["same"] } ] }
demonstration = { kind = "run pool", says = 'Moved by one: $x$.', input = [[0, 7], [0, 0]], kernel = 2 }
"""


@pytest.mark.parametrize("format", ["tex", "html", "text", "json"])
def test_a_demonstration_is_worked_out_in_the_key_and_nowhere_given_away(
    format: str, tmp_path: Path
) -> None:
    path = tmp_path / "shown.toml"
    path.write_text(SHOWN)
    whole = load_set(path)
    key, sheet = document(whole, "key", format), document(whole, "sheet", format)
    assert "Moved by one" in key and "7" in key
    assert "Moved by one" not in sheet and "emonstration" not in sheet.replace(".demonstration", "")
    path.write_text(SHOWN.replace("kernel = 2", "kernal = 2"))
    with pytest.raises(BadInput, match="problem 1: demonstration"):
        load_set(path)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (r"f(w) = \log(1 + e^{-y w^T x})", "f(w) = log(1 + e^{-y wᵀ x})"),
        (r"\lambda \mathbf w^{\top}\mathbf w", "λwᵀw"),
        (r"\frac{z-\mu}{\sqrt{\sigma^2+\epsilon}}", "(z-μ)/(√(σ^2+ε))"),
        (r"\frac{\partial\ell}{\partial w_{ij}}", "∂ℓ/∂w_{ij}"),
        (r"\left(\tfrac12 x\right)", "(1/2 x)"),
        (r"y\ln\hat y, \hat y\in\mathbb R", "y ln ŷ, ŷ∈R"),
        (r"\max_{j\ne y} 50{,}000", "max_{j≠y} 50,000"),
        (r"\Sigma, \foo x", r"Σ, \foo x"),
    ],
)
def test_mathematics_on_the_terminal(source: str, shown: str) -> None:
    assert prose(f"So ${source}$.", "text") == f"So {shown}."


def test_the_guide_says_what_to_look_for_in_prose(tmp_path: Path) -> None:
    path = tmp_path / "set.toml"
    path.write_text(
        """title = "One"
[[problem]]
id = "1"
title = "Why"
kind = "answer prose"
prompt = "Why?"
[problem.given]
key = 'It keeps $\\frac12$ of the values, so that whatever comes behind has half of the work to do.'
rubric = [ { says = "keeps half & more", shows = ["keeps"], points = 1.5 }, { says = "work" } ]
""",
        encoding="utf-8",
    )
    whole = load_set(path)
    text = document(whole, "guide", "text")
    assert "☐ keeps half & more (1.5 points)" in text and "☐ work (1 point)" in text
    assert "keeps 1/2 of" in text
    for shown in (text, document(whole, "key", "text")):
        assert max(map(len, shown.splitlines())) <= 80
    assert r"keeps half \& more & 1.5 points" in document(whole, "guide", "tex")
    assert "<td>keeps half &amp; more</td><td>1.5 points</td>" in document(whole, "guide", "html")
    for form in ("text", "tex", "html"):
        assert "keeps half" not in document(whole, "sheet", form)
