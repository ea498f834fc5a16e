"""Problem sets: every bundled one solves; errors name file, problem and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from solver.core import BadInput, CheckFailed
from solver.kinds import mistakes
from solver.order import reorder
from solver.sets import bundled, load_set, load_toml, solve_part, solve_set
from solver.values import Record, Shape, same
from tests.conformance_expressions import expression_differs

SETS = sorted(bundled())
PARTS = [(name, p.id) for name in SETS for p in load_set(name).problems]


def test_the_five_sets_are_there() -> None:
    assert SETS == ["s0", "s1", "s2", "s3", "s4"]
    assert len(PARTS) >= 130


@pytest.mark.parametrize("name", SETS)
def test_a_set_solves(name: str) -> None:
    whole = load_set(name)
    for problem, answer in solve_set(whole):
        assert answer.checks and all(c.ok for c in answer.checks)
        assert problem.prompt and problem.title and problem.points > 0


@pytest.mark.parametrize("name", SETS)
def test_no_mistake_equals_the_key(name: str) -> None:
    whole = load_set(name)
    for problem in whole.problems:
        right = solve_part(whole, problem).value
        for one in mistakes(problem):
            wrong = reorder(one.value, problem.order or whole.order)
            assert one.feedback
            if isinstance(wrong, Record) and len(wrong) < len(right):
                assert all(same(right[k], v) is not True for k, v in wrong.items()), problem.id
            else:
                assert same(right, wrong) is not True, (problem.id, one)


GOOD = """
[[problem]]
id = "1a"
title = "A shape"
kind = "shape conv"
points = 2
prompt = '''Shape after $3\\times3$?'''
given = { input = [3, 32, 32], kernel = 3 }
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "set.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_small_set(tmp_path: Path) -> None:
    whole = load_set(write(tmp_path, GOOD))
    assert whole["1a"].points == 2 and len(solve_part(whole, whole["1a"]).value) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[problem]\n", "not valid TOML"),
        ("title = 3\n", "title: expected text"),
        ("titel = 'x'\n", "did you mean title"),
        ("[problem]\nid = '1'\n", "[[problem]]"),
        (GOOD.replace('"1a"', '"1 a"'), "the id '1 a'"),
        (GOOD + GOOD, "problem 1a: two problems have this id"),
        (GOOD.replace("shape conv", "shape cov"), "problem 1a: no kind is called 'shape cov'"),
        (GOOD.replace("kernel = 3", "kernal = 3"), "problem 1a: no option of shape conv"),
        (GOOD.replace("kernel = 3", "kernel = 'three'"), "problem 1a: kernel: 'three'"),
        (GOOD.replace("points = 2", "points = -2"), "points are a number"),
        (GOOD.replace("points = 2", "point = 2"), "did you mean points"),
        (GOOD.replace("'''Shape after", '"""a \\frac{1}{2}').replace("?'''", '"""'), "U+000C"),
        (GOOD.replace("'''Shape after", '"""a \\times b').replace("?'''", '"""'), "tab"),
        (GOOD + "mistakes = [ { value = 3 } ]\n", "feedback"),
        (GOOD + "conventions = { order = 'WHC' }\n", "CHW or HWC"),
        ("[[problem]]\nid = '1'\n[problem.values]\na = 3\n", "a part of values needs a kind"),
        ("[[problem]]\nid = '1'\n[problem.values]\na = { kind = 'fit same' }\n", "values: a: fit same needs kernel"),
        ("[[problem]]\nid = '1'\nkind = 'count params'\ngiven = { net = 'x y' }\n", "problem 1: net:"),
    ],
)  # fmt: skip
def test_errors_name_the_place(text: str, said: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(BadInput) as caught:
        load_set(path)
    assert str(path) in str(caught.value) and said in str(caught.value)


def test_what_does_not_fit_is_found_when_solving(tmp_path: Path) -> None:
    whole = load_set(write(tmp_path, GOOD.replace("kernel = 3", "kernel = 77")))
    with pytest.raises(BadInput, match="problem 1a: kernel 77 does not fit"):
        solve_set(whole)


def test_not_utf8_and_missing(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b"title = '\xe9'")
    with pytest.raises(BadInput, match="not UTF-8"):
        load_toml(path)
    with pytest.raises(BadInput, match="cannot be read"):
        load_toml(tmp_path / "none.toml")
    with pytest.raises(BadInput, match="there are s0"):
        load_set("s77")


def test_a_failed_check_names_the_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from solver.networks.conv import Conv

    whole = load_set(write(tmp_path, GOOD))
    monkeypatch.setattr(Conv, "recount", lambda self, *a: (1, 2, 3))
    with pytest.raises(CheckFailed, match="problem 1a"):
        solve_set(whole)


def test_order_of_the_course(tmp_path: Path) -> None:
    whole = load_set(write(tmp_path, "[conventions]\norder = 'HWC'\n" + GOOD.replace("kernel = 3", "kernel = 3, out_channels = 7")))
    answer = solve_part(whole, whole["1a"])
    assert answer.value == (30, 30, 7) and answer.value.order == "HWC"
    assert "height × width × channels" in " ".join(answer.conventions)
    assert reorder(Shape((3, 5)), "HWC") == (3, 5)


def test_conventions_are_defaults_that_a_part_overrides(tmp_path: Path) -> None:
    text = "[conventions]\nbias = false\n" + "".join(
        f"[[problem]]\nid = '{i}'\nkind = 'count params'\ngiven = {{ net = '3x8x8: conv 5 k3'{more} }}\n"
        for i, more in (("a", ""), ("b", ", bias = true"))
    )
    whole = load_set(write(tmp_path, text))
    assert [a.value for _, a in solve_set(whole)] == [135, 140]


# -- the comparison with the ground truth must be able to fail ----------------------------

TRUTH = [  # set, part, the expression as the ground truth writes it, and one that is wrong
    ("s0", "1.1c", "A.T @ x", "x.T @ A"),
    ("s0", "1.1d", "A.T", "A"),
    ("s0", "1.2iii", "-y*log(yhat)-(1-y)*log(1-yhat)", "y*log(yhat)+(1-y)*log(1-yhat)"),
    ("s0", "3.3", "(1-2*alpha*lam)*w - alpha*g", "(1-alpha*lam)*w - alpha*g"),
    ("s1", "1.dW2", "a1.T @ (y - yhat)", "(y - yhat).T @ a1"),
    ("s1", "1.dz1", "((y - yhat) @ W2.T) * (1 - a1**2)", "((y - yhat) @ W2.T) * (1 - a1)"),
    ("s2", "1.1", "(F > 0)*((c == yhat)*1.0 - (c == yi)*1.0)*x", "(F > 0)*(c == yhat)*x"),
    ("s2", "2.3.v", "np.array([v1 + eta*y*sigma(-y*yhat)*o1, v2 + eta*y*sigma(-y*yhat)*o2])",
     "np.array([v2 + eta*y*sigma(-y*yhat)*o2, v1 + eta*y*sigma(-y*yhat)*o1])"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "id", "right", "wrong"), TRUTH)
def test_expressions_are_compared(name: str, id: str, right: str, wrong: str) -> None:
    whole = load_set(name)
    value = solve_part(whole, whole[id]).value
    trees = list(value.values()) if isinstance(value, Record) else [value]
    assert expression_differs(trees, right) == ""
    assert expression_differs(trees, wrong)
    assert expression_differs(trees, f"1.001*({right})")


@pytest.mark.parametrize("text", ["__import__('os')", "x.__class__", "[x for x in y]", "eval('1')"])
def test_nothing_else_is_carried_out(text: str) -> None:
    whole = load_set("s0")
    value = solve_part(whole, whole["1.1a"]).value
    assert "the ground truth's" in expression_differs([value], text)


def test_gradients_keep_their_loss_in_a_course_that_writes_channels_last() -> None:
    from solver.kinds import solve
    from solver.order import reorder
    from solver.values import Gradients, show

    value = solve("backprop net", net="u = v*x + w; l = (u - y)^2").value
    assert show(value).startswith("∂l/∂v ")
    turned = reorder(value, "HWC")
    assert isinstance(turned, Gradients) and show(turned) == show(value)
