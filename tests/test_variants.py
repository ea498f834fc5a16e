"""Variants: values and conditions read, numbers that stay, placeholders, who has which."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput
from solver.kinds import mistakes
from solver.placeholders import filled
from solver.sets import bundled, load_set, solve_part
from solver.varied import (
    MOST,
    chosen,
    label,
    label_of,
    read_condition,
    read_label,
    read_parameters,
    read_values,
)

SET = r"""
[[problem]]
id = "1a"
title = "An <n> by <n> image"
kind = "shape conv"
prompt = '''A $<k>\times<k>$ kernel on $<c>\times<n>\times<n>$, batch of <b>, $<b>$.'''
given = { input = ["<c>", "<n>", "<n>"], out_channels = 4, kernel = "<k>" }
mistakes = [ { value = [4, "<n>", "<n>"], feedback = "This needs <(k-1)/2> zeros." } ]
[problem.variants]
n = [64, 28, 32]
k = "3, 5..7 odd"
c = [3, 1]
b = [50_000, 100]
where = ["k < n", "(n - k) % 2 == 1"]

[[problem]]
id = "1b"
variants = "1a"
kind = "count params"
prompt = "And its parameters?"
given = { net = "<c>x<n>x<n>: conv 4 k<k>" }
follows = {}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "conv.toml"
    place.write_text(SET, encoding="utf-8")
    return place


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ([28, 32, 28], [28, 32]),
        ("3..7", [3, 4, 5, 6, 7]),
        ("3..9 odd", [3, 5, 7, 9]),
        ("3..9 even", [4, 6, 8]),
        ("9, 1..9 step 4", [9, 1, 5]),
        ("0.1..0.3 step 0.1", [Fraction(1, 10), Fraction(1, 5), Fraction(3, 10)]),
        ([0.5, 2.0], [Fraction(1, 2), 2]),
        ("-2..1", [-2, -1, 0, 1]),
        (["max", "avg"], ["max", "avg"]),
        ([[[1, 2], [3, 4]], [[0, 1], [1, 0]]], [[[1, 2], [3, 4]], [[0, 1], [1, 0]]]),
    ],
)
def test_values(written: object, values: list[object]) -> None:
    assert list(read_values(written)) == values


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"n": "3..7 od"}, "neither a number nor a range"),
        ({"n": "7..3"}, "goes upward"),
        ({"n": "4..4 odd"}, "is empty"),
        ({"n": "1..9999999"}, "more than 1000"),
        ({"n": 3}, "expected values"),
        ({"n": [True]}, "expected a number"),
        ({"n": [float("nan")]}, "ordinary number"),
        ({}, "nothing varies"),
        ({"floor": [1]}, "no name of a parameter"),
        ({"n": "1..999", "m": "1..999"}, "combinations"),
        ({"n": [1, 2], "where": ["m < n"]}, "m"),
        ({"n": [1, 2], "where": ["n"]}, "no condition"),
        ({"n": [1, 2], "where": ["n % 2 % 3 = 1"]}, "two %"),
        ({"n": [1, 2], "where": [3]}, "conditions are texts"),
        ({"n": [1, 2], "where": ["n > 1"]}, "first values are the set's own"),
        ({"n": [1, 2], "where": ["__import__('os') < n"]}, "no meaning"),
        ({"w": ["a", "b"], "where": ["w < 2"]}, "parameter that is a number"),
    ],
)
def test_what_cannot_vary_is_said(table: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said.replace("(", r"\(")):
        read_parameters(table, "1a")


@pytest.mark.parametrize(
    ("text", "env", "holds"),
    [
        ("k < n", {"k": 3, "n": 4}, True),
        ("k < n", {"k": 4, "n": 4}, False),
        ("3 <= k < n", {"k": 2, "n": 9}, False),
        ("k != n", {"k": 4, "n": 4}, False),
        ("(n - k) % 2 == 0", {"k": 3, "n": 9}, True),
        ("(n - k) % 2 == 0", {"k": 3, "n": 8}, False),
        ("k divides n + 1", {"k": 3, "n": 8}, True),
        ("k divides n + 1", {"k": 3, "n": 9}, False),
        ("n/k = 2", {"k": 0, "n": 9}, False),
        ("n ≥ max(k, 5)", {"k": 3, "n": 5}, True),
    ],
)
def test_conditions(text: str, env: dict[str, int], holds: bool) -> None:
    assert read_condition(text, ["k", "n"]).holds(env) is holds


lists = st.lists(st.integers(0, 40), min_size=1, max_size=7, unique=True)


@settings(deadline=None, max_examples=80)
@given(n=lists, k=lists)
def test_numbering(n: list[int], k: list[int]) -> None:
    table = {"n": n, "k": k, "where": ["n + k >= 0", "n - k != 1 - 40"]}
    if n[0] - k[0] == -39:
        return
    found = read_parameters(table, "1a")
    own = [tuple(v.items()) for v in found.numbered]
    admissible = {(a, b) for a in n for b in k if a - b != -39} - {(n[0], k[0])}
    assert len(set(own)) == len(own) == min(len(admissible), MOST)
    assert {tuple(v.values()) for v in found.numbered} <= admissible
    assert found.at(0) == {"n": n[0], "k": k[0]}
    # the order of the lists does not matter, nor do other values: what is there keeps its order
    turned = {"n": [n[0], *n[:0:-1]], "k": [k[0], *k[:0:-1]], "where": table["where"]}
    assert read_parameters(turned, "1a").numbered == found.numbered
    more = read_parameters({**table, "n": [*n, 99]}, "1a").numbered
    assert [v for v in more if v["n"] != 99] == list(found.numbered)


def test_numbers_are_those_of_every_process(path: Path) -> None:
    code = (
        "import sys; from solver.sets import load_set; w = load_set(sys.argv[1])\n"
        "print(w.varied['1a'].parameters.numbered, w.under('for Ada')['1a'].prompt)"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parent.parent)},
        ).stdout
        for seed in ("0", "7")
    }  # fmt: skip
    assert len(said) == 1
    whole = load_set(path)
    # these numbers are in hand-outs by now: they never change
    first = whole.varied["1a"].parameters.numbered[0]
    assert first == {"n": 64, "k": 5, "c": 1, "b": 50000}
    assert whole.varied["1a"].number("for Ada", "conv") == 18


@given(st.text("abcdeé ", min_size=1).filter(str.strip), st.integers(1, 100))
def test_a_student_has_one_variant(name: str, count: int) -> None:
    own = chosen(label_of(name), "s0", "1a", count)
    assert 1 <= own <= count
    turned = " ".join(reversed(name.upper().split()))
    assert chosen(label_of(f" {turned} "), "s0", "1a", count) == own


def test_students_are_spread() -> None:
    found = [chosen(label_of(f"Student {i}"), "s0", "1a", 10) for i in range(1000)]
    assert set(found) == set(range(1, 11))
    assert all(60 < found.count(n) < 140 for n in range(1, 11))
    others = [chosen(label_of(f"Student {i}"), "s0", "1b", 10) for i in range(1000)]
    assert sum(a == b for a, b in zip(found, others)) < 160


def test_numbers_begin_anew() -> None:
    assert [chosen(str(n), "s0", "1a", 3) for n in range(1, 8)] == [1, 2, 3, 1, 2, 3, 1]
    assert chosen("", "s0", "1a", 3) == chosen("5", "s0", "1a", 0) == 0


@pytest.mark.parametrize(
    ("text", "is_read"),
    [("", ""), ("0", ""), ("007", "7"), (" for  Ada B ", "for Ada B")],
)
def test_labels(text: str, is_read: str) -> None:
    assert read_label(text) == is_read


@pytest.mark.parametrize("text", ["B", "-1", "for", "3.5", "v-3", "1" * 12])
def test_no_labels(text: str) -> None:
    with pytest.raises(BadInput, match="neither a number"):
        read_label(text)
    with pytest.raises(BadInput, match="not both"):
        label("3", "Ada")


def test_a_part_in_variants(path: Path) -> None:
    whole = load_set(path)
    own = whole["1a"]
    assert own.prompt == (
        r"A $3\times3$ kernel on $3\times64\times64$, batch of 50,000, $50{,}000$."
    )
    assert own.given["input"] == [3, 64, 64] and own.title == "An 64 by 64 image"
    assert own.mistakes[0].feedback == "This needs 1 zeros."
    for number in range(1, len(whole.varied["1a"].parameters.numbered) + 1):
        one = whole.under(str(number))
        env = whole.varied["1a"].parameters.at(number)
        side = env["n"] - env["k"] + 1
        assert solve_part(one, one["1a"]).value == (4, side, side)
        assert solve_part(one, one["1b"]).value == 4 * (env["c"] * env["k"] ** 2 + 1)
        assert mistakes(one["1a"])[0].value == (4, env["n"], env["n"])
    assert whole.under("2")["1a"] is whole.under("2")["1a"]  # read, and solved, once


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"given": {"x": "<n>"}}, {"given": {"x": 7}}),
        ({"given": {"x": "<n-1>"}}, {"given": {"x": 6}}),
        ({"given": {"x": "<n/2>"}}, {"given": {"x": 3.5}}),
        ({"given": {"x": "<n/3>"}}, {"given": {"x": "7/3"}}),
        ({"given": {"x": "a<n>x<n>"}}, {"given": {"x": "a7x7"}}),
        ({"given": {"x": "<M>"}}, {"given": {"x": [[1, 2], [3, 4]]}}),
        ({"given": {"x": "<big>"}}, {"given": {"x": 12345}}),
        ({"given": {"x": "k<big>"}}, {"given": {"x": "k12345"}}),
        ({"prompt": "<big>, $<big>$, `<big>`"}, {"prompt": "12,345, $12{,}345$, `12345`"}),
        ({"prompt": "<M> $<M>$"}, {"prompt": r"1 2; 3 4 $\begin{bmatrix}1&2\\3&4\end{bmatrix}$"}),
        ({"prompt": r"$<n/3>$ <r> <word> $\$ <n>$"}, {"prompt": r"$\tfrac{7}{3}$ 0.1 max $\$ 7$"}),
        ({"prompt": "$a<b$ and $c>d$"}, {"prompt": "$a<b$ and $c>d$"}),
        ({"id": "<n>", "points": 2}, {"id": "<n>", "points": 2}),
        ({"mistakes": [{"value": {"a": "<2^n>"}}]}, {"mistakes": [{"value": {"a": 128}}]}),
    ],
)  # fmt: skip
def test_placeholders(data: dict[str, object], found: dict[str, object]) -> None:
    env = {
        "n": 7, "big": 12345, "r": Fraction(1, 10), "word": "max", "M": [[1, 2], [3, 4]]
    }  # fmt: skip
    assert filled(data, env) == found


@pytest.mark.parametrize("text", ["<m>", "<n+m>", "$a<b, c>d$", "<n/0>", "<img src=x>"])
def test_what_is_no_placeholder(text: str) -> None:
    with pytest.raises(BadInput, match="prompt: "):
        filled({"prompt": text}, {"n": 7})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('variants = "1a"', 'variants = "9"', "earlier part with variants"),
        ('variants = "1a"', "variants = 3", "expected a table"),
        ('"k < n"', '"k > n"', "problem 1a: variants: where: the first values"),
        ("k<k>", "k<q>", "problem 1b: given: "),
    ],
)
def test_errors_name_their_place(path: Path, old: str, new: str, said: str) -> None:
    path.write_text(SET.replace(old, new), encoding="utf-8")
    with pytest.raises(BadInput, match=said):
        load_set(path)


def test_the_bundled_sets_have_variants() -> None:
    for name in bundled():
        varied = load_set(name).varied
        assert len(varied) >= 2, name
        assert all(len(v.parameters.numbered) >= 20 for v in varied.values()), name
