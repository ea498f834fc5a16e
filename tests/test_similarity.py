"""Cosine similarities and pseudolabels: values, laws, ties, refusals."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput, CheckFailed, Problem
from solver.grading import grade
from solver.kinds import similarity, solve

FOUR = {"A": [1, 0, 0, 0], "B": [0, 1, 0, 0], "C": [1, 0, 1, 0], "D": [0, 1, 0, 1]}
HALF = math.sqrt(2) / 2


@pytest.mark.parametrize(
    ("sources", "image", "sims", "ties"),
    [
        pytest.param(FOUR, [-1, 1, -1, 1], [-0.5, 0.5, -HALF, HALF], False, id="image X"),
        pytest.param(FOUR, [1, -1, 1, -1], [0.5, -0.5, HALF, -HALF], False, id="image Y"),
        pytest.param({"A": [1, 0], "B": [0, 1]}, [1, 1], [HALF, HALF], True, id="45 degrees twice"),
        pytest.param({"A": [5, 7], "B": [-3, 4]}, [3, -4], [-13 / (5 * math.sqrt(74)), -1.0], False,
                     id="opposite"),
        pytest.param({"A": [1, 2, 3], "B": [2, 4, 6]}, [3, 2, 1], [5 / 7, 5 / 7], True,
                     id="the length does not matter"),
    ],
)
def test_cosines(sources: Any, image: Any, sims: list[float], ties: bool) -> None:
    found = solve("similarity cosine", sources=sources, image=image).value
    assert list(found["sims"]) == pytest.approx(sims, abs=1e-12) and found["ties"] is ties


@pytest.mark.parametrize(("n", "x", "y"), [(1, "D", "C"), (2, "D > B", "C > A"),
                                           (3, "D > B > A", "C > A > B"),
                                           (4, "D > B > A > C", "C > A > B > D")])  # fmt: skip
def test_pseudolabels(n: int, x: str, y: str) -> None:
    for image, wanted in (([-1, 1, -1, 1], x), ([1, -1, 1, -1], y)):
        answer = solve("similarity pseudolabel", sources=FOUR, image=image, n=n)
        assert answer.value.text == wanted


@pytest.mark.parametrize("text", ["DBA", "D, B, A", "D > B > A", r"D \succ B \succ A"])
def test_a_label_is_read_as_people_write_it(text: str) -> None:
    asked = Problem("similarity pseudolabel", {"sources": FOUR, "image": [-1, 1, -1, 1], "n": 3})
    assert grade(asked, text).mark == "right"
    assert grade(asked, "DAB").mark == "wrong"


vectors = st.lists(st.integers(-9, 9), min_size=3, max_size=3).filter(any)


@settings(max_examples=50, deadline=None)
@given(vectors, vectors, st.integers(1, 7), st.integers(1, 7))
def test_laws_of_the_cosine(a: list[int], b: list[int], s: int, t: int) -> None:
    def cosine(v: list[int], w: list[int]) -> float:
        return float(solve("similarity cosine", sources={"A": v}, image=w).value["sims"][0])

    found = cosine(a, b)
    assert -1 - 1e-12 <= found <= 1 + 1e-12
    assert found == pytest.approx(cosine(b, a), abs=1e-12)
    assert found == pytest.approx(cosine([s * x for x in a], [t * x for x in b]), abs=1e-12)
    assert found == pytest.approx(-cosine(a, [-x for x in b]), abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(vectors, vectors, vectors)
def test_ties_are_exact(a: list[int], b: list[int], w: list[int]) -> None:
    found = solve("similarity cosine", sources={"A": a, "B": b}, image=w).value
    one, other = found["sims"]
    if found["ties"]:
        assert one == pytest.approx(other, abs=1e-12)
    else:  # small whole numbers are equal or well apart
        assert abs(one - other) > 1e-9


@pytest.mark.parametrize("n", [1, 2])
def test_a_tie_is_said(n: int) -> None:
    given_: dict[str, Any] = {"sources": "A: 1 0; B: 0 1", "image": "1 1", "n": n}
    with pytest.raises(BadInput, match="A and B are equally similar"):
        solve("similarity pseudolabel", **given_)
    answer = solve("similarity pseudolabel", **given_, ties="first")
    assert answer.value.text == "A > B"[: 1 if n == 1 else 5]
    assert "the first in the order given comes first" in str(answer)


def test_a_tie_behind_the_last_place_does_not_matter() -> None:
    found = solve("similarity pseudolabel", sources="A: 1 0; B: 0 1; C: 1 1", image="1 1", n=1)
    assert found.value.text == "C"


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"sources": "A: 1 0; B: 0 0", "image": "1 1"}, "B is the zero vector"),
        ({"sources": "A: 1 0", "image": "0 0"}, "the image is the zero vector"),
        ({"sources": "A: 1 0", "image": "1 0 0"}, "the image has 3 coordinates"),
        ({"sources": "A: 1 0; B: 1", "image": "1 0"}, "B has 1 coord"),
    ],
)
def test_what_has_no_cosine(given_: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        solve("similarity cosine", **given_)


@pytest.mark.parametrize("factor", [1.000001, -1.0])
def test_a_cosine_slightly_wrong_is_caught(
    factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = similarity.cosine_of
    monkeypatch.setattr(similarity, "cosine_of", lambda v, at: factor * right(v, at))
    with pytest.raises(CheckFailed):
        solve("similarity cosine", sources=FOUR, image=[-1, 1, -1, 1])


def test_a_wrong_order_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "exact", lambda v, at: Fraction(abs(similarity.dot(v, at))))
    with pytest.raises(CheckFailed):
        solve("similarity pseudolabel", sources={"A": [9, 9], "B": [1, 0]}, image=[3, -1], n=2,
              ties="first")  # fmt: skip
