"""The reader of stated answers: whatever is typed ends in a tree or in BadInput, quickly,
with its caret inside the text; nothing is evaluated; what is printed is read back."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from solver.answers.agreement import compare
from solver.answers.forms import read_answer, same, shown, state_key
from solver.answers.stated import FORMS, Stated
from solver.core import BadInput, Problem, Verdict
from solver.expressions import show
from solver.expressions.nodes import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Sym
from solver.grading import grade

SECONDS = 1.0  # of the processor, for one text
KEYS: dict[str, tuple[str, dict[str, Any]]] = {
    "number": ("0.864", {}),
    "integer": ("25,557,032", {}),
    "shape": ("64 x 55 x 31", {}),
    "assignments": ("p = 1, s = 2", {}),
    "choice": ("B, D", {}),
    "ranking": ("D, B, A, C", {}),
    "set": ("{-1, 1}", {}),
    "interval": ("(0, 1]", {"variable": "x"}),
    "list": ("1, 2, 3", {}),
    "equation": ("y = 2x + 1", {}),
    "inequality": ("0 < x < 2", {}),
    "expression": (r"\hat{y}_k - x^2", {"where": "x: real"}),
    "piecewise": ("max(0, x)", {}),
    "matrix": ("[[1, 2, 3], [4, x, 6]]", {}),
    "complexity": ("O(n^2 d)", {}),
    "prose": ("It is deep.", {"rubric": [{"says": "depth", "shows": ["deep"]}]}),
}
PROBLEMS = {
    f: Problem(f"answer {f}", {"key": key, **more}) for f, (key, more) in KEYS.items()
}


@contextmanager
def quickly(text: str) -> Iterator[None]:
    start = time.process_time()
    yield
    spent = time.process_time() - start
    assert spent < SECONDS, f"{spent:.1f} s for {len(text):,} characters: {text[:60]!r}"


def stated(form: str) -> Stated:
    key, more = KEYS[form]
    return state_key(
        form, key, {"known": ("x",), **more} if form == "expression" else more
    )


STATED = {form: stated(form) for form in FORMS}


def read(form: str, text: str) -> Any:
    """What is read of a text, or the error; nothing else may happen."""
    with quickly(text):
        try:
            found = read_answer(STATED[form], text)
        except BadInput as e:
            assert e.message and len(e.message) < 600
            assert -1 <= e.offset <= len(e.text or text), (e.offset, e.text)
            if e.offset >= 0 and e.text:
                assert "^" in str(e)
            return e
    return found


def verdict(form: str, text: str) -> Verdict:
    with quickly(text):
        found = grade(PROBLEMS[form], text)
    assert found.mark in ("right", "partly", "wrong", "undecided", "invalid")
    assert found.feedback or found.mark in ("right", "wrong", "undecided")
    return found


def test_every_form_has_a_key_here() -> None:
    assert KEYS.keys() == FORMS.keys()


# -- fuzz ---------------------------------------------------------------------------------

PIECES = (
    *"0123456789abcdefghijklmnopqrstuvwxyzABCDNTUXYZ",
    *"+-*/^_=<>!|,;:.()[]{}&%'~$ \n",
    *"αβσμθλΣΠ∂∇∞√½²³ⁿᵀ₀ᵢ×·−÷±≤≥≠≈∈∪∩⊙⊗‖⌊⌋⌈⌉𝟙ŷ𝑥＋（）ⅷ٣",
    r"\frac", r"\frac{", r"\sqrt", r"\sqrt[", r"\sum_{i=1}^{n}", r"\sum", r"\prod_j", r"\left(", r"\right)", r"\left.",
    r"\begin{cases}", r"\end{cases}", r"\begin{bmatrix}", r"\end{bmatrix}", r"\\", "&", r"\hat{y}", r"\hat", r"\mathbf{x}",
    r"\mathbf", r"\mathbb{1}", r"\text{if }", r"\text{", r"\log", r"\ln", r"\exp", r"\max", r"\sigma(", r"\top", r"\partial",
    r"\cdot", r"\times", r"\le", r"\in", r"\cup", r"\pm", r"\|", r"\{", r"\}", r"\,", r"\quad", r"\boxed{", r"\operatorname{tr}",
    "log ", "exp(", "max(", "min(", "relu(", "sigmoid(", "softmax(", "tr(", "det(", "inv(", "diag(", "norm(", "sum(", "abs(",
    "floor(", "1[", "if ", " else ", " or ", " and ", "not ", "x_", "W_{ij}", "^T", ".T", "@", "**", "//", "1e", "10^", "np.",
    "O(", " x ", "H=", "p = ", "True", "{-1, 1}", "(0, 1]", " approx ", "e^{", "y_hat", "xhat", "1,000", "3.2M", "%",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=24).map("".join)
BRACKETED = st.recursive(
    st.sampled_from(["x", "2", "x^2", r"\hat{y}_k", "e^x", "-1", r"\frac12", "W_{ij}"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "^", " ", "=", "<", ",", " or ", ";"]), inner).map("".join),
        inner.map(lambda s: f"({s})"), inner.map(lambda s: f"[{s}]"), inner.map(lambda s: rf"\{{{s}\}}"),
        inner.map(lambda s: rf"\sqrt{{{s}}}"), inner.map(lambda s: f"|{s}|"), inner.map(lambda s: rf"\max({s}, 0)"),
        inner.map(lambda s: rf"\sum_{{i=1}}^{{3}} {s}"), inner.map(lambda s: rf"\left({s}\right)^{{2}}"),
        st.tuples(inner, inner).map(lambda p: rf"\frac{{{p[0]}}}{{{p[1]}}}"),
        st.tuples(inner, inner).map(lambda p: f"{p[0]} if {p[1]} > 0 else 1"),
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=400)
@given(st.sampled_from(sorted(KEYS)), TEXTS)
@example("expression", r"\frac")
@example("expression", "x_")
@example("expression", "^T")
@example("number", "%")
@example("shape", "x")
@example("complexity", "O(")
def test_any_pieces_are_read_or_refused(form: str, text: str) -> None:
    found = read(form, text)
    if not isinstance(found, BadInput):
        assert shown(found) or form in ("choice", "ranking")


@settings(max_examples=400)
@given(st.sampled_from(sorted(KEYS)), st.text(max_size=40))
def test_any_characters_are_read_or_refused(form: str, text: str) -> None:
    read(form, text)


@settings(max_examples=500)
@given(st.sampled_from(sorted(KEYS)), st.one_of(BRACKETED, TEXTS))
def test_any_text_gets_a_verdict(form: str, text: str) -> None:
    found = verdict(form, text)
    if found.mark == "invalid":
        assert found.feedback.startswith("The answer could not be read: ")
    caret = found.feedback.splitlines()
    if found.mark == "invalid" and len(caret) == 3 and caret[2].strip() == "^":
        assert len(caret[2]) <= len(caret[1]) + 1


@settings(max_examples=300)
@given(BRACKETED)
def test_an_answer_is_itself(text: str) -> None:
    """What can be stated as a key is right, or undecided, as an answer to itself."""
    try:
        key = state_key("expression", text, {})
        again = read_answer(key, text)
    except BadInput:
        return
    with quickly(text):
        assert same(key, again.value).same is not False


# -- printed and read back ----------------------------------------------------------------

X = [Sym(n, "real") for n in ("x", "y", "theta", "k")]
FUNCTIONS = (
    "exp",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "abs",
    "sqrt",
    "log",
    "relu",
    "softplus",
)
LEAVES = st.one_of(st.sampled_from(X), st.integers(0, 12).map(Num))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda a: Add(*a)),
        st.lists(inner, min_size=2, max_size=3).map(lambda a: Mul(*a)),
        st.tuples(inner, inner).map(lambda p: Div(*p)),
        inner.map(Neg),
        st.tuples(inner, st.integers(0, 4).map(Num)).map(lambda p: Pow(*p)),
        st.tuples(st.sampled_from([X[0], Num(2), Sym("e", "real")]), inner).map(lambda p: Pow(*p)),
        st.tuples(st.sampled_from(FUNCTIONS), inner).map(lambda p: Call(*p)),
        st.tuples(inner, inner).map(lambda p: Call("max", *p)),
    ),
    max_leaves=9,
)  # fmt: skip


def tree(text: str) -> Expr:
    found = state_key("expression", text, {"known": ("x", "y", "theta", "k")}).value
    assert isinstance(found, Expr)
    return found


@pytest.mark.parametrize("form", ["text", "latex"])
def test_trees_are_read_back_as_they_are_printed(form: str) -> None:
    said: list[bool | None] = []

    @settings(max_examples=250)
    @given(TREES)
    def back(e: Expr) -> None:
        printed = str(getattr(show, form)(e))
        if form == "latex":  # a text without any macro is read as plain text
            printed = rf"\left({printed}\right)"
        with quickly(printed):
            found = compare(e, tree(printed)).same
        assert found is not False, printed
        said.append(found)

    back()
    assert said.count(True) > len(said) / 2


# -- hostile texts ------------------------------------------------------------------------

CODE = (
    "__import__('os').system('touch pwned')",
    'eval("open(\'pwned\', \'w\')")',
    "exec('import os; os.mkdir(\"pwned\")')",
    "open('pwned', 'w').write('x')",
    "(lambda: open('pwned', 'w'))()",
    "[open('pwned', 'w') for _ in (1,)]",
    "x.__class__.__mro__[1].__subclasses__()",
    "().__class__.__base__.__subclasses__()",
    "f'{open(\"pwned\", \"w\")}'",
    "print(1)",
    "import os",
    "os.system('touch pwned')",
    "globals()",
    "x; import os",
    "x if open('pwned', 'w') else 0",
    "Symbol('x').subs(open('pwned', 'w'))",
    "sympify('1')",
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned",
    "| touch pwned",
    "&& touch pwned",
    "x > pwned",
    "1; DROP TABLE students; --",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "{{ config }}",
    "{% import os %}",
    "${7*7}",
    "%s%s%s%n",
    r"\input{/etc/passwd}",
    r"\write18{touch pwned}",
    r"\immediate\write18{touch pwned}",
    r"\openout0=pwned",
    r"\def\x{\x\x}\x",
    r"\newcommand{\a}{\a}\a",
    r"\catcode`\@=11",
    r"\csname x\endcsname",
    r"\href{javascript:alert(1)}{x}",
    "!include pwned",
    "../../etc/passwd",
    "file:///etc/passwd",
    "\\\\server\\share",
    "9**9**9**9**9",
    "9^9^9^9",
    "10^(10^(10^10))",
    "(((2^64)!)!)!",
    "1e999999999",
    "1e400",
    "1e-999999999",
    "0.1e99999",
    "999999999!",
    "2^(2^(2^(2^(2^2))))",
    "e^(e^(e^(e^x)))",
    r"\sum_{i=1}^{10^9} i",
    r"\sum_{i=1}^{10^9} \sum_{j=1}^{10^9} i j",
    r"\prod_{i=1}^{99999} i",
    r"\sum_{i=1}^{2000}\sum_{j=1}^{2000}\sum_{k=1}^{2000} x",
    r"\binom{10^9}{10^8}",
    "binomial(10^6, 5*10^5)",
    "x^(10^9)",
    "(1 + x)^(10^7)",
    "x^x^x^x^x^x",
    "A^1000000",
    "1/3" + "0" * 390,
    "floor(10^300 x)",
    "(10^400)!",
    "max(" + "x, " * 200 + "1)",
    "{" + "1, " * 500 + "2}",
    "[[" + "1, " * 300 + "2]]",
    "x" + "_{1" * 40 + "}" * 40,
    "x" + "^{2" * 70 + "}" * 70,
    "((((((((((" * 20 + "x" + "))))))))))" * 20,
    "-" * 500 + "x",
    "√" * 200 + "x",
    "not " * 300 + "x > 0",
    "±" * 30 + "x",
    "x ± 1 ± 1 ± 1 ± 1 ± 1 ± 1 ± 1 ± 1 ± 1 ± 1 ± 1 ± 1 ± 1 ± 1",
    "{±1 ± 2 ± 3 ± 4 ± 5 ± 6 ± 7 ± 8 ± 9}",
    "x = " * 100 + "x",
    "1 = " * 200 + "1",
    " or ".join(f"x > {i}" for i in range(8)),
    ", ".join(f"a{i} = {i}" for i in range(200)),
    r"\begin{cases}" + r"x & x > 1 \\" * 100 + r"\end{cases}",
    r"\begin{bmatrix}" + r"1 & 2 \\" * 200 + r"\end{bmatrix}",
    "x if x > 0 else " * 60 + "0",
    "det(" + "[[1, 2], [3, 4]] " * 60 + ")",
    "sin(" * 50 + "x" + ")" * 50,
    "A " * 700,
    "x'''''''''''''''''''''''",
    "|" * 41 + "x" + "|" * 41,
    "‖" * 41 + "x" + "‖" * 41,
)  # fmt: skip
HIDDEN = {
    "NUL": "x\0+1",
    "escape": "\x1b[31mx",
    "backspace": "x\b\by",
    "bell": "x\a",
    "delete": "x\x7f",
    "C1": "x\x85",
    "right to left override": "x\u202e+1",
    "left to right embedding": "\u202ax",
    "pop": "x\u202c",
    "isolate": "\u2066x\u2069",
    "form feed": "x\f+1",
    "vertical tab": "x\v",
}
ODD = {
    "zero width space": "x\u200b+1",
    "zero width joiner": "x\u200d",
    "byte order mark": "\ufeffx",
    "combining marks": "x" + "\u0301" * 900,
    "Cyrillic": "х + 1",
    "private use": "\ue000",
    "Arabic digits": "٣ + ١",
    "mixed digits": "1٣",
    "Thai": "๑๒๓",
    "Roman": "Ⅷ",
    "circled": "①",
    "emoji": "🙂" * 300,
    "ligature": "ﬁ",
    "a ruled line": "─" * 400,
    "superscripts": "²³⁴" * 200,
    "subscripts": "₁₂" * 200,
    "vulgar fractions": "½¼¾",
    "angstrom": "Å",
    "dotless": "ı + İ",
    "bold": "𝐱𝐲𝐳 + 𝟙𝟚𝟛",
    "double struck": "ℝ ∖ {0}",
    "a tag": "\U000e0001x",
    "noncharacter": "\uffff",
}


@pytest.mark.parametrize("form", sorted(KEYS))
def test_hostile_texts_end_in_a_verdict(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for text in (*CODE, *HIDDEN.values(), *ODD.values()):
        found = verdict(form, text)
        assert found.mark != "right", text
    assert list(tmp_path.iterdir()) == []


WATCHED = ("exec", "compile", "open", "import", "os.system", "subprocess.Popen", "socket.connect", "os.mkdir",
           "os.remove", "ctypes.dlopen", "pty.spawn", "os.exec", "os.fork", "shutil.rmtree")  # fmt: skip
HEARD: list[tuple[str, str]] = []
LISTENING = [False]


def hear(event: str, args: tuple[Any, ...]) -> None:
    if LISTENING[0] and event in WATCHED:
        HEARD.append((event, repr(args)[:80]))


def test_nothing_is_evaluated() -> None:
    """Python itself reports what is compiled, run, opened or imported: nothing is."""
    sys.addaudithook(hear)
    for listening in (False, True):  # first let everything load
        for form in KEYS:
            for text in (*CODE[:44], KEYS[form][0]):
                LISTENING[0] = listening
                try:
                    grade(PROBLEMS[form], text)
                finally:
                    LISTENING[0] = False
    assert HEARD == []
    LISTENING[0] = True
    compile("1", "a hook that hears nothing is no hook", "eval")
    LISTENING[0] = False
    assert HEARD
    HEARD.clear()


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
def test_control_characters_are_refused_by_name(text: str) -> None:
    for form in sorted(KEYS.keys() - {"prose"}):
        found = verdict(form, text)
        assert found.mark == "invalid"
        assert "U+" in found.feedback
        assert all(c.isprintable() or c == "\n" for c in found.feedback)


REPEATED = (
    *"x1 .,;:()[]{}|+-*/^_=<>!&%$~'\"\\\n\tσ½²₂ᵀ√Σ∂∞×·−±≤∪‖⌊𝟙ŷ　",
    "x ", "1 ", "1,", "1.", "0,0", "1,000,", "1 000 ", "1'000", "12,34,", "3.2M ", "1e1", "-1", "--", "+-", "x+", "+x", "x*", "x^", "^x", "x_", "_x",
    "x=", "=x", "1=", "1 = ", "≈1 ", "x<", "<x", "x,", ", ", "()", "(x", "x)", "(1,", "[]", "[1", "[[", "]]", "{}", "{x", "|x", "||", "x!", "x'", "''",
    "\\", "\\\\", "\\{", "\\left", "\\left(", "\\right)", "\\frac", "\\frac1", "\\frac{", "\\frac{1}{", "\\sqrt{", "\\sum", "\\sum_i", "\\hat", "\\hat{x}",
    "\\mathbf{", "\\mathbf", "\\text{a}", "\\text{", "\\begin{cases}", "\\end{cases}", "\\begin{bmatrix}", "\\cdot ", "\\,", "\\quad ", "\\alpha", "\\boxed{",
    "log ", "exp(", "max(", "max(1,", "sin", "ln", "relu(", "softmax ", "if ", "else ", "x if x>0 else ", "or ", " or x", "and ", "not ", "x or ", "the ",
    "answer is ", "the answer is ", "total ", "A", "AB", "A, ", "A > ", "A=", "a", "ab ", "p = 1, ", "p=1 ", "p ", "H=1 ", "C: 1, ", "64 x ", "64x",
    "1 channels ", "torch.Size", "np.", "{1} ∪ ", "(0,", "x in ", "O(", "O(n", "n log n", "B or ", "True ", "e^", "10^", "x^2+", "W_{ij}", "x_{",
    "number of ", "amount of x ", "∂L/∂w ", "d/dx ", "{d}{d", "million ", "K", "MFLOPs ", "parameters ", "by ", "@", ".T", "**", "//", "<-", "->", "...",
    "\u0301", "é", "word ", "a.b", "a_b", "x1", "12ab", "αβ", "ABCDEFGH", "1½", "0x1", "a" * 50 + " ", "(" * 50 + ")" * 50,
)  # fmt: skip


@pytest.mark.parametrize("form", sorted(KEYS))
def test_no_piece_repeated_takes_long(form: str) -> None:
    for piece in REPEATED:
        verdict(form, piece * (300 // len(piece)))


@pytest.mark.parametrize("form", sorted(KEYS))
def test_no_long_text_takes_long(form: str) -> None:
    for piece in REPEATED if form in ("expression", "number") else REPEATED[::14]:
        found = verdict(form, piece * (100_000 // len(piece)))
        if form != "prose":
            assert found.mark == "invalid"
            assert "at most" in found.feedback or "no answer" in found.feedback


@pytest.mark.parametrize("form", sorted(KEYS))
def test_repeated_pieces_around_a_core_take_no_time(form: str) -> None:
    core = KEYS[form][0]
    for before, after in (("(", ")"), ("[", "]"), ("{", "}"), (r"\{", r"\}"), ("|", "|"), ("-", ""), ("$", "$"), (" ", " "),
                          ("", "."), ("", " or"), ("x = ", ""), ("", ","), (r"\left(", r"\right)"),
                          (r"\boxed{", "}"), (r"\text{", "}"), ("not ", ""), ("", " \\\\"), ("√", "")):  # fmt: skip
        for n in (3, 400):
            verdict(form, before * n + core + after * n)


@pytest.mark.parametrize("form", sorted(KEYS))
def test_megabytes_are_refused_at_once(form: str) -> None:
    for text in (
        "x" * 3_000_000,
        "(" * 2_000_000,
        "9" * 2_000_000,
        "\n" * 2_000_000 + "x",
        "σ" * 1_000_000,
    ):
        found = verdict(form, text)
        assert found.mark == "invalid"
        assert len(found.feedback) < 1_000


# (text, what stands under the caret)
CARETS = {
    "never closed": ("2*(x + 1", "("),
    "closed twice": ("(x + 1)) + 2", ") + 2"),
    "a word": ("x + banana", "banana"),
    "a macro": (r"x + \foo{2}", r"\foo"),
    "a sign too many": ("x + * 2", "* 2"),
    "no meaning": ("x + ?", "?"),
    "two numbers": ("3 4", "4"),
    "a letter of another script": ("x + ш", "ш"),
    "an unknown function": ("x + foo(2)", "foo"),
    "two ways": ("a/bc", "/bc"),
    "an environment": (r"x + \begin{tabular}1\end{tabular}", r"\begin"),
    "cases without an end": (r"1 + \begin{cases} x & x > 0", r"\begin"),
    "a derivative": ("x + ∂y", "∂"),
    "an empty index": ("x + y_+", "+"),
}


@pytest.mark.parametrize(("text", "there"), CARETS.values(), ids=CARETS)
def test_the_caret_stands_where_it_went_wrong(text: str, there: str) -> None:
    found = verdict("expression", text)
    assert found.mark == "invalid"
    _, line, caret = found.feedback.splitlines()
    assert line[len(caret) - 1 :].startswith(there), found.feedback
