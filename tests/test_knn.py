"""Nearest neighbours: textbook values, distances held against the library's, ties said."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput, CheckFailed
from solver.kinds import knn, solve
from solver.render import render

ISL = {"obs1": [0, 3, 0], "obs2": [2, 0, 0], "obs3": [0, 1, 3], "obs4": [0, 1, 2],
       "obs5": [-1, 0, 1], "obs6": [1, 1, 1]}  # fmt: skip
LABELS = "Red,Red,Red,Green,Green,Red"
ORIGIN = [0, 0, 0]


def said(answer: Any) -> str:
    return " / ".join(str(s.rule) for s in answer.steps if s.before is None)


@pytest.mark.parametrize(
    ("point", "metric", "wanted"),
    [
        pytest.param(ISL["obs1"], "euclidean", 3, id="ISL 2.4 exercise 7, obs1"),
        pytest.param(ISL["obs3"], "euclidean", math.sqrt(10), id="ISL 2.4 exercise 7, obs3"),
        pytest.param(ISL["obs4"], "euclidean", math.sqrt(5), id="ISL 2.4 exercise 7, obs4"),
        pytest.param(ISL["obs5"], "euclidean", math.sqrt(2), id="ISL 2.4 exercise 7, obs5"),
        pytest.param([-3, 4, 0], "euclidean", 5, id="3-4-5 triangle"),
        pytest.param([-3, 4, 0], "manhattan", 7, id="the same by streets"),
        pytest.param([-3, 4, 0], "maximum", 4, id="the same by the king's moves"),
        pytest.param(["1/3", 0, 0], "euclidean", Fraction(1, 3), id="an exact fraction"),
        pytest.param(["0.3", "0.4", 0], "euclidean", Fraction(1, 2), id="decimals are exact"),
        pytest.param([0, 0, 0], "euclidean", 0, id="the point itself"),
    ],
)
def test_distances(point: Any, metric: str, wanted: Any) -> None:
    found = solve("knn distance", point=point, query=ORIGIN, metric=metric).value
    assert found == pytest.approx(wanted, rel=1e-15)
    assert isinstance(found, float) == isinstance(wanted, float)  # exact where it comes out


ROOTS = "sqrt((0 − 0)² + (1 − 0)² + (3 − 0)²) = sqrt(10) = 3.16228"


def test_a_root_stands_before_its_decimals() -> None:
    answer = solve("knn distance", point="0 1 3", query="0 0 0")
    assert ROOTS in render(answer, "text")
    assert r"\sqrt{10}" in render(answer, "tex") and "<msqrt>" in render(answer, "html")


numbers = st.fractions(min_value=-50, max_value=50, max_denominator=20)


def spread(rows: list[list[Fraction]]) -> list[list[str]]:
    return [[str(x) for x in row] for row in rows]


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 4).flatmap(lambda n: st.tuples(*[st.lists(numbers, min_size=n, max_size=n)] * 3)))
def test_a_metric_is_one(three: tuple[list[Fraction], ...]) -> None:
    a, b, c = spread(list(three))
    for metric in knn.METRICS:
        def far(p: Any, q: Any, metric: str = metric) -> float:
            return float(solve("knn distance", point=p, query=q, metric=metric).value)

        assert far(a, b) == far(b, a) >= 0
        assert far(a, a) == 0
        assert far(a, c) <= far(a, b) + far(b, c) + 1e-9
    whole = [[float(x) for x in row] for row in three]
    plain = solve("knn distance", point=a, query=b).value
    assert float(plain) == pytest.approx(math.dist(whole[0], whole[1]), abs=1e-12)


@pytest.mark.parametrize(
    ("k", "label", "who"),
    [
        pytest.param(1, "Green", "obs5", id="ISL 2.4 exercise 7b"),
        pytest.param(3, "Red", "obs5, obs6, obs2", id="ISL 2.4 exercise 7c"),
        pytest.param(6, "Red", "obs5, obs6, obs2, obs4, obs1, obs3", id="all of them"),
    ],
)
def test_the_vote(k: int, label: str, who: str) -> None:
    answer = solve("knn predict", points=ISL, labels=LABELS, query=ORIGIN, k=k)
    assert answer.value["label"].text == label
    assert answer.value["neighbours"].text == who
    ranked = solve("knn neighbours", points=ISL, query=ORIGIN, k=k).value.text
    assert ranked == who.replace(", ", " > ")


TIED = {"points": "A: 0 1; B: 1 0; C: 5 5", "labels": "x,y,x", "query": "0 0"}


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({**TIED, "k": 1}, "A and B are equally far, and 1 of them has a place"),
        ({**TIED, "k": 2}, "x and y have 1 vote each"),
        ({**TIED, "k": 2, "ties": "nearest"}, "their nearest points are equally far"),
    ],
)
def test_a_tie_is_not_broken_in_silence(given_: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        solve("knn predict", **given_)


@pytest.mark.parametrize(
    ("given_", "label", "rule"),
    [
        ({**TIED, "k": 1, "ties": "first"}, "x", "the first in the order given is taken"),
        ({**TIED, "k": 2, "ties": "first"}, "x", "the one that comes first in the order given"),
        ({**TIED, "points": "A: 0 2; B: 1 0; C: 5 5", "k": 2, "ties": "nearest"}, "y",
         "the label of the nearest of them is taken"),
    ],
)
def test_a_tie_names_its_rule(given_: dict[str, Any], label: str, rule: str) -> None:
    answer = solve("knn predict", **given_)
    assert answer.value["label"].text == label
    assert rule in said(answer)


def test_no_tie_where_there_is_none() -> None:
    # √2 from both sides: exact squares tell them apart from a distance 10⁻¹⁵ off
    near = {"A": ["1", "1"], "B": ["1", "1.0000000000000001"]}
    answer = solve("knn neighbours", points=near, query=["0", "0"], k=1)
    assert answer.value.text == "A"
    with pytest.raises(BadInput, match="A and B are equally far"):
        solve("knn neighbours", points={**near, "B": ["-1", "1"]}, query=["0", "0"], k=1)


rows = st.lists(st.tuples(st.integers(-6, 6), st.integers(-6, 6)), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(rows, st.data())
def test_first_is_what_a_stable_sort_gives(points: list[tuple[int, int]], data: Any) -> None:
    k = data.draw(st.integers(1, len(points)))
    classes = data.draw(st.lists(st.sampled_from("ab"), min_size=len(points), max_size=len(points)))
    order = sorted(range(len(points)), key=lambda i: math.hypot(*points[i]))
    kept = [(classes[i], i) for i in sorted(order[:k])]
    votes = Counter(c for c, _ in kept)
    first = next(c for c, _ in kept if votes[c] == max(votes.values()))
    given_ = {"points": [list(p) for p in points], "labels": classes, "query": [0, 0], "k": k}
    assert solve("knn predict", **given_, ties="first").value["label"].text == first
    try:  # without a rule: the same, or a tie that is named
        assert solve("knn predict", **given_).value["label"].text == first
    except BadInput as e:
        assert "equally far" in str(e) or "each" in str(e)


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"points": "1 2; 3", "labels": "a,b", "query": "0 0", "k": 1}, "obs2 has 1 coord"),
        ({"points": "1 2; 3 4", "labels": "a,b", "query": "0", "k": 1}, "the query has 1 coord"),
        ({"points": "1 2; 3 4", "labels": "a", "query": "0 0", "k": 1}, "2 points, and 1 labels"),
        ({"points": "1 2; 3 4", "labels": "a,b", "query": "0 0", "k": 3}, "k is from 1 to the 2"),
        ({"points": "1 2; 3 x", "labels": "a,b", "query": "0 0", "k": 1}, "not 'x'"),
        ({"points": "A: 1; A: 2", "labels": "a,b", "query": "0", "k": 1}, "given twice"),
        ({"points": "1; 2", "labels": "a,b", "query": "0", "k": 1, "metric": "euclid"},
         "did you mean euclidean"),
        ({"points": "1; 2", "labels": "a,b", "query": "0", "k": 1, "ties": "random"},
         "no way to break ties"),
        ({"points": [[float("nan")], [1]], "labels": "a,b", "query": "0", "k": 1}, "not 'nan'"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(given_: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        solve("knn predict", **given_)


def test_a_distance_slightly_wrong_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = knn.distance_of
    monkeypatch.setattr(knn, "distance_of", lambda m, d: right(m, d) * 1.0000001)
    for metric in knn.METRICS:
        with pytest.raises(CheckFailed):
            solve("knn distance", point="0 1 3", query="1 -1 0", metric=metric)


def test_a_wrong_order_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = knn.measure  # a coordinate is lost
    monkeypatch.setattr(knn, "measure", lambda m, a, b: right(m, a[:2], b[:2]))
    with pytest.raises(CheckFailed):
        solve("knn predict", points=ISL, labels=LABELS, query=ORIGIN, k=3, ties="first")
    with pytest.raises(CheckFailed):
        solve("knn neighbours", points=ISL, query=ORIGIN, k=3, ties="first")


def test_an_order_by_other_squares_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knn, "agreed", lambda *a: knn.Check("not asked", True))
    right = knn.measure
    monkeypatch.setattr(knn, "measure", lambda m, a, b: right("manhattan", a, b))
    with pytest.raises(CheckFailed, match="nearer"):
        solve("knn neighbours", points={"A": [3, 3], "B": [5, 0]}, query=[0, 0], k=1)


def test_a_lost_vote_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knn, "vote", lambda *a: ("Green", Counter({"Green": 3}), []))
    with pytest.raises(CheckFailed):
        solve("knn predict", points=ISL, labels=LABELS, query=ORIGIN, k=3)
