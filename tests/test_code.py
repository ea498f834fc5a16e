"""Students' functions: what reading shows, what goes to a child and comes back, verdicts.

The texts in the table are this file's own, run in this process in place of a sandbox; what
runs students' code is in test_code_sandbox.py.
"""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from solver.code import child, wire
from solver.code.judging import compared, explained, judged
from solver.code.reading import Reading, bare, read
from solver.code.tasks import agree, met, observed, task
from solver.code.value import Code
from solver.code.wire import BadReply, Failed, Other, Returned, replies, reply
from solver.core import BadInput, CheckFailed, Problem
from solver.grading import grade_part
from solver.kinds import mistakes, solve
from solver.sets import load_set, solve_part
from solver.values import show

ARGUMENTS = ("Z", "gamma", "beta", "eps", "cache_dict", "beta_avg", "mode")
BATCH_NORM = """
import numpy as np

def forward_batchnorm(Z, gamma, beta, eps, cache_dict, beta_avg, mode):
    if mode == "train":
        mu, var = np.mean(Z, axis=0), np.var(Z, axis=0)
        cache_dict["mean"] = beta_avg * cache_dict["mean"] + (1 - beta_avg) * mu
        cache_dict["var"] = beta_avg * cache_dict["var"] + (1 - beta_avg) * var
    else:
        mu, var = cache_dict["mean"], cache_dict["var"]
    return gamma * (Z - mu) / np.sqrt(var + eps) + beta
"""


def here(source: str, function: str, calls: Any, by_name: bool = False, names: Any = None) -> Any:
    """A text of this file's, run in this process and through the bytes of the protocol."""
    module: dict[str, Any] = {"np": np}
    lines = []
    try:
        exec(compile(source, "/answer.py", "exec"), module)
    except Exception as e:
        return [Failed(type(e).__name__, 0, str(e))] * len(calls)
    space = type("Module", (), {})()
    space.__dict__ = module
    for call in calls:
        encoded = {k: child.encoded(v) for k, v in call.items()}
        asked = {"function": function, "by_name": by_name, "names": names or {}}
        with np.errstate(all="ignore"):
            lines.append(json.dumps(child.called(space, asked, encoded, "/answer.py")))
    return replies("".join(f"{line}\n" for line in lines).encode(), len(calls))


@pytest.fixture(scope="module")
def part() -> tuple[Problem, Code]:
    whole = load_set("s4")
    return whole["11.2.code"], solve_part(whole, whole["11.2.code"]).value


def changed(*pairs: tuple[str, str], text: str = BATCH_NORM) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


TABLE = [
    ("right", BATCH_NORM, "right", "", ""),
    ("in a fence", f"```python\n{BATCH_NORM}```", "right", "", ""),
    ("in LaTeX", f"\\begin{{verbatim}}\n{BATCH_NORM}\\end{{verbatim}}", "right", "", ""),
    ("float32", changed(("np.mean(Z,", "np.mean(Z.astype(np.float32),")), "right", "", ""),
    ("arguments in another order", changed(("(Z, gamma, beta,", "(gamma, Z, beta,")), "right", "", ""),
    ("another name", changed(("def forward_batchnorm", "def bn")), "right", "", "bn"),
    ("ε outside", changed(("np.sqrt(var + eps)", "(np.sqrt(var) + eps)")), "right", "", "usually"),
    ("unbiased average", changed(("(1 - beta_avg) * var", "(1 - beta_avg) * np.var(Z, axis=0, ddof=1)")),
     "right", "", "frameworks"),
    ("result with the cache", changed((") + beta", ") + beta, cache_dict")), "right", "", ""),
    ("X for Z, as in print", changed(("np.mean(Z", "np.mean(X"), ("np.var(Z", "np.var(X"), ("(Z - mu)", "(X - mu)")),
     "partly", "undefined_name", "NameError on line 5: name 'X' is not defined. With Z"),
    ("X in training only", changed(("np.mean(Z", "np.mean(X")), "partly", "", "Right: inference."),
    ("axis 1", changed(("np.mean(Z, axis=0), np.var(Z, axis=0)", "np.mean(Z, axis=1), np.var(Z, axis=1)")),
     "partly", "wrong_axis", "ValueError on line 6"),
    ("axis 1, kept", changed(("np.mean(Z, axis=0), np.var(Z, axis=0)",
                              "np.mean(Z, axis=1, keepdims=True), np.var(Z, axis=1, keepdims=True)")),
     "partly", "wrong_axis_kept", "layer norm"),
    ("no axis", changed((", axis=0", "")), "partly", "no_axis", ""),
    ("unbiased", changed(("np.var(Z, axis=0)", "np.var(Z, axis=0, ddof=1)")), "partly", "unbiased", "m − 1"),
    ("mode ignored", changed(('mode == "train"', "True")), "partly", "mode_ignored_throughout", "mode"),
    ("modes swapped", changed(("==", "!=")), "wrong", "modes_swapped", "swapped"),
    ("averages missing", changed(('        cache_dict["mean"] = beta_avg * cache_dict["mean"] + (1 - beta_avg) * mu\n', ""),
                                 ('        cache_dict["var"] = beta_avg * cache_dict["var"] + (1 - beta_avg) * var\n', "")),
     "partly", "averages_missing", ""),
    ("weights swapped", changed(('beta_avg * cache_dict', '(1 - beta_avg) * cache_dict'), ("+ (1 - beta_avg) *", "+ beta_avg *")),
     "partly", "weights_swapped", "old value"),
    ("overwritten", changed(('beta_avg * cache_dict["mean"] + (1 - beta_avg) * mu', "mu"),
                            ('beta_avg * cache_dict["var"] + (1 - beta_avg) * var', "var")),
     "partly", "averages_replaced", ""),
    ("no root", changed(("np.sqrt(var + eps)", "(var + eps)")), "partly", "deviation_for_variance", ""),
    ("no γ", changed(("gamma * (Z", "(Z")), "partly", "not_scaled", ""),
    ("no β", changed((") + beta", ")")), "partly", "not_shifted", ""),
    ("nothing returned", changed(("return gamma", "y = gamma")), "partly", "", "returns nothing"),
    ("nothing at all", BATCH_NORM.partition("mode):")[0] + "mode):\n    pass\n", "wrong", "averages_missing",
     "The function returns nothing."),
    ("another key", changed(('["mean"]', '["mu"]')), "wrong", "", "KeyError on line 6"),
    ("transposed", changed((") + beta", ") + beta).T"), ("return gamma", "return (gamma")),
     "partly", "", "has the shape (5, 7), not (7, 5)"),
    ("an import", "import torch\n" + BATCH_NORM, "undecided", "", "torch is imported"),
    ("a list of words", changed(("return gamma", 'return ["a"] or gamma')), "partly", "", "no array"),
    ("too few arguments", changed((", beta_avg, mode)", ", mode)")), "wrong", "", "TypeError"),
    ("no Python", "def forward_batchnorm(Z:\n  return", "invalid", "", "line 1"),
    ("prose", "It raises a NameError.", "invalid", "", "could not be read"),
    ("nothing", "  \n", "invalid", "", "there is no code"),
    ("no function", "x = 1", "invalid", "", "no function forward_batchnorm"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "mark", "mistake", "said"), [t[1:] for t in TABLE], ids=[t[0] for t in TABLE])
def test_verdicts(part: Any, text: str, mark: str, mistake: str, said: str) -> None:
    problem, right = part
    verdict = judged(problem, right, text, here)
    assert (verdict.mark, mistake in verdict.mistake, said in verdict.feedback) == (mark, True, True), verdict
    assert (verdict.points == problem.points) == (mark == "right")
    assert "Traceback" not in verdict.feedback
    unrun = judged(problem, right, text)
    assert unrun.mark == ("invalid" if mark == "invalid" else "undecided") and not unrun.points


def test_reading_alone_says_what_it_can(part: Any) -> None:
    text = changed(("np.mean(Z", "np.mean(X"), (") + beta", ")"))
    verdict = grade_part(load_set("s4"), part[0], text)
    assert verdict.mark == "undecided"
    for said in ("--run-code", "Line 5: X is not defined", "The argument beta is not used."):
        assert said in verdict.feedback


# -- reading ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "undefined"),
    [
        ("return x + y", ["y"]),
        ("y = 1\n    return x + y", []),
        ("return [x for x in range(k)]", ["k"]),
        ("return (lambda a: a + b)(x)", ["b"]),
        ("def inner():\n        return x + q\n    return inner()", ["q"]),
        ("global g\n    g = x\n    return g", []),
        ("return len(np.zeros(3)) + numpy.pi", []),
        ("import math\n    return math.pi * x", []),
        ("try:\n        return x\n    except ValueError as e:\n        return e", []),
        ("return sum(h(x) for h in [abs])", []),
        ("return later(x)\ndef later(x):\n    return x", []),
    ],
)
def test_undefined_names(body: str, undefined: list[str]) -> None:
    assert list(read(f"def f(x):\n    {body}\n", "f", ("x",)).names("undefined")) == undefined


def test_unused_arguments_signature_and_order() -> None:
    assert read("def f(a, b):\n    return a", "f", ("a", "b")).names("unused") == ("b",)
    assert read("def f(a, b):\n    return [b for _ in a]", "f", ("a", "b")).names("unused") == ()
    assert read("def f(a, b):\n    def g():\n        return b\n    return a, g", "f", ("a", "b")).notes == ()
    assert read("def f(a):\n    return a", "f", ("a", "b")).names("signature") == ("f",)
    assert read("def f(a, b, c=1):\n    return a, b, c", "f", ("a", "b")).notes == ()
    assert read("def f(*a):\n    return a", "f", ("a", "b")).names("signature") == ()
    assert read("def f(b, a):\n    return a, b", "f", ("a", "b")).by_name
    assert not read("def f(p, q):\n    return p, q", "f", ("a", "b")).by_name


DEEP = [
    "def f(x):\n    return " + "(" * 500 + "x" + ")" * 500,
    "def f(x):\n    return " + "-" * 9000 + "x",
    "def f(x):\n    return " + "+".join(["x"] * 5000),
    "def f(x):\n    return " + "not " * 4000 + "x",
    "def f(x):\n    return " + "lambda: " * 2000 + "x",
    "def f(x):\n    return x" + ".y" * 5000,
    "def f(x):\n" + "".join("    " * i + "if x:\n" for i in range(1, 60)) + "    " * 60 + "pass",
    "def f(x):\n    if x: pass\n" + "    elif x: pass\n" * 300,
    "def f(x):\n" + "    x = 1\n" * 2000,
    "x" * 30_000,
    "def f(x):\n    return '\0'",
    "def f(x):\n    return '" + "a" * 50,
    "def f(x):\n\treturn x\n  return y",
    "def f(x):\n    return " + "9" * 15_000,
    "def f(x):\n    return " + "[" * 9000,
    "def f(x):\n    return f'" + "{x!r:" * 200 + "'",
    "async def f(x):\n    return x",
]


@pytest.mark.parametrize("text", DEEP, ids=lambda t: t[14:40])
def test_hostile_texts_are_refused_in_words(text: str) -> None:
    with pytest.raises(BadInput) as e:
        read(text, "f", ("x",))
    assert len(str(e.value)) < 400


def test_word_processors_and_indents() -> None:
    assert read("def f(x):\n    return x["+"‘a’"+"]", "f", ("x",)).source.count("'") == 2
    assert bare("    def f(x):\n        return x").startswith("def f")
    assert read("\ufeffdef f(x):\n    return x", "f", ("x",)).function == "f"


# -- tasks --------------------------------------------------------------------------------

GRADIENT = {"as": "gradient", "expr": "norm2(X*w - y)^2", "wrt": "w", "where": "X: n x d, w: d, y: n",
            "arguments": "X, w, y", "name": "slope"}  # fmt: skip
ASKED = {"batch norm": {"as": "batch norm"}, "convolution": {"as": "convolution"}, "gradient": GRADIENT}


def test_every_task_is_asked_here() -> None:
    assert set(task.names()) == set(ASKED)


@pytest.mark.parametrize("name", ASKED)
def test_each_mistaken_version_is_told(name: str) -> None:
    code = solve("code function", **ASKED[name]).value
    wanted = observed(code.task.backend, code.task.calls)
    problem = Problem("code function", ASKED[name], points=2)
    reading = Reading("", "f", (), False, ())
    for one in mistakes(problem):
        made = observed(one.value.function, code.task.calls)
        good = met(wanted, made, code.task.calls)
        if one.name == "transposed":
            assert all(good.values())  # a column, of which the axes of length 1 do not count
            continue
        assert not all(good.values()), one.name
        names, said, every = explained(code.task, made, good)
        assert every
        verdict = compared(problem, code.task, made, "", reading)
        assert one.name in names and one.feedback in said and verdict.mark in ("partly", "wrong")
        assert show(one.value) and one.feedback in verdict.feedback


def test_a_matrix_gradient_that_is_transposed_is_told() -> None:
    given = {"as": "gradient", "expr": "norm2(X*W - Y)^2", "wrt": "W", "where": "X: n x d, W: d x k, Y: n x k",
             "arguments": "X, W, Y"}  # fmt: skip
    problem, code = Problem("code function", given), solve("code function", **given).value
    table = {
        "2*X.T @ (X@W - Y)": "", "X.T @ (X@W - Y)": "half", "2*X.T @ (Y - X@W)": "sign",
        "(2*X.T @ (X@W - Y)).T": "transposed", "2*X.T @ (X@W - Y)/len(X)": "averaged",
    }  # fmt: skip
    for body, name in table.items():
        verdict = judged(problem, code, f"def gradient(X, W, Y):\n    return {body}", here)
        assert (verdict.mark, verdict.mistake) == ("wrong" if name else "right", name)


CONV = """def conv2d(x, w, b, stride, padding):
    C, H, W = x.shape
    F, _, kh, kw = w.shape
    p = np.zeros((C, H + 2*padding, W + 2*padding))
    p[:, padding:padding + H, padding:padding + W] = x
    Ho, Wo = (H + 2*padding - kh)//stride + 1, (W + 2*padding - kw)//stride + 1
    y = np.zeros((F, Ho, Wo))
    for f in range(F):
        for i in range(Ho):
            for j in range(Wo):
                y[f, i, j] = (p[:, i*stride:i*stride + kh, j*stride:j*stride + kw] * w[f]).sum() + b[f]
    return y
"""


@pytest.mark.parametrize(
    ("pairs", "mistake"),
    [
        ([], ""),
        ([("* w[f])", "* w[f][:, ::-1, ::-1])")], "kernel_flipped"),
        ([("    C, H", "    padding = 0\n    C, H")], "padding_forgotten"),
        ([(" + b[f]", "")], "bias_forgotten"),
        ([(").sum()", ").mean()")], "mean_for_sum"),
        ([("//stride + 1", "//stride")], "last_position_missing"),
    ],
)  # fmt: skip
def test_convolutions(pairs: list[tuple[str, str]], mistake: str) -> None:
    text = CONV
    for old, new in pairs:
        text = text.replace(old, new)
    problem = Problem("code function", ASKED["convolution"])
    verdict = judged(problem, solve(problem).value, text, here)
    assert (verdict.mark, verdict.mistake) == ("wrong" if mistake else "right", mistake), verdict


def test_the_check_fails_for_a_reference_that_is_slightly_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    from solver.kinds import code

    made = task["batch norm"]()
    off = replace(made, reference=lambda *a: 1.001 * made.reference(*a))
    monkeypatch.setattr(code, "built", lambda *a: off)
    with pytest.raises(CheckFailed):
        solve("code function", **{"as": "batch norm"})


def test_the_printed_version() -> None:
    value = solve("code printed", **{"as": "batch norm", "version": "other letter"}).value
    assert value == {"as_printed_raises": "NameError", "fixed_matches_reference": True}
    for given in ({"as": "batch norms"}, {"as": "batch norm", "arguments": "a, b"}, {"as": "gradient"},
                  {"as": "batch norm", "name": "1x"}, {**GRADIENT, "arguments": "X, w"},
                  {**GRADIENT, "arguments": "X, w, w"}, {**GRADIENT, "where": ["X"]}, {"as": "convolution", "wrt": "x"}):  # fmt: skip
        with pytest.raises(BadInput):
            solve("code function", **given)


def test_the_listing_is_the_reference_and_is_renamed() -> None:
    given = {"as": "convolution", "name": "conv", "arguments": "img, k, bias, s, pad"}
    source = solve("code function", **given).value.source()
    assert ast.parse(source).body[0].name == "conv"  # type: ignore[attr-defined]
    found = read(source, "conv", ("img", "k", "bias", "s", "pad"))
    assert found.notes == ()
    code = solve("code function", **given).value
    assert judged(Problem("code function", given), code, source, here).mark == "right"
    for form in ("text", "latex", "mathml"):
        assert "conv" in code.shown(form)


# -- what comes back ----------------------------------------------------------------------

GOOD = {"value": {"shape": [2], "single": False, "data": "AAAAAAAA8D8AAAAAAAAAQA=="}, "tables": {}}


def test_values_come_back_as_they_went() -> None:
    for value in (np.arange(6.0).reshape(2, 3), 3, 2.5, True, np.float32(2), [[1, 2], [3, 4]]):
        found = reply(json.dumps({"value": child.encoded(value), "tables": {}}).encode())
        assert isinstance(found, Returned) and agree(np.asarray(value, dtype=float), found.value)
        assert np.array_equal(child.restored(child.encoded(value)), value)
    for value in (np.array([1j]), np.array(["a"]), np.array([object()]), object(), np.zeros(60_000), {1, 2}):
        assert isinstance(wire.decoded(child.encoded(value)), Other)
    assert not agree(np.ones(3), np.ones(3) * 1.001) and not agree(np.ones(3), np.array([1, 1, np.nan]))
    assert agree(np.array([np.nan, 1]), np.array([np.nan, 1])) and not agree(np.ones(3), None)


def test_small_values_are_held_to_their_own_size() -> None:
    """The gradient of ‖w‖²/10⁹ is no 0."""
    given = {"as": "gradient", "expr": "norm2(w)^2/10^9", "wrt": "w", "where": "w: d"}
    for call, found in zip(*(lambda t: (t.calls, t.right))(solve("code function", **given).value.task)):
        assert isinstance(found, Returned) and not agree(found.value, 0 * found.value)
        assert not agree(found.value, 1.001 * found.value) and agree(found.value, 2e-9 * call.arguments["w"])
    assert agree(np.zeros(3), np.full(3, 1e-16)) and not agree(np.zeros(3), np.full(3, 1e-9))


BAD: list[Any] = [
    b"", b"\xff", b"[]", b"[" * 10_000, b'{"value": 1}', b"{}", b'{"value": {}, "tables": {}}',
    {**GOOD, "more": 1}, {**GOOD, "tables": []}, {**GOOD, "tables": {"cache_dict": {"plain": 1}}},
    {**GOOD, "tables": {"cache_dict": {"several": []}}},
    *({**GOOD, "value": {**GOOD["value"], **change}} for change in (
        {"shape": [3]}, {"shape": [10**12]}, {"shape": [10**5, 10**5]}, {"shape": [-1, -2]}, {"shape": [True] * 1},
        {"shape": "2"}, {"shape": [1] * 60 + [2]}, {"data": "no base64!"}, {"data": 3}, {"data": "A" * 10**6},
    )),
    {**GOOD, "value": {"several": [{"plain": 1}] * 100}}, {**GOOD, "value": {"table": [[1, 2, 3]]}},
    {**GOOD, "value": {"table": [[{"a": 1}, {"plain": 1}]]}}, {**GOOD, "value": {"plain": [1]}},
    {**GOOD, "value": {"several": [{"several": [{"several": [{"several": [{"plain": 1}]}]}]}]}},
    {"error": 3, "line": 1, "says": ""}, {"error": "E", "line": -1, "says": ""}, {"error": "E", "line": "1", "says": ""},
]  # fmt: skip


@pytest.mark.parametrize("line", BAD, ids=range(len(BAD)))
def test_hostile_replies_are_refused(line: Any) -> None:
    data = line if isinstance(line, bytes) else json.dumps(line).encode()
    with pytest.raises(BadReply):
        reply(data)


def test_hostile_words_are_cleaned_and_numbers_bounded() -> None:
    said = {"error": "A\n$\\b", "line": 3, "says": "x\x1b[31m$\\input{/etc/passwd}`\u202e" + "y" * 10**4}
    found = reply(json.dumps(said).encode())
    assert isinstance(found, Failed) and found.error == "an exception"
    assert len(found.says) <= 160 and not set(found.says) & set("\x1b$\\`\u202e\n")
    for number in (b"1" * 400, b"1" * 5000):
        with pytest.raises(BadReply):
            reply(b'{"value": {"plain": ' + number + b'}, "tables": {}}')
    good = json.dumps(GOOD).encode()
    for data, calls in ((good, 1), (good + b"\n", 2), (b"\n", 1)):
        with pytest.raises(BadReply):
            replies(data, calls)
    assert len(replies(good + b"\n" + good + b"\nmore\n", 2)) == 2
