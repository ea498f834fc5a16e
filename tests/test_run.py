"""Layers worked by hand: textbook values, loops of our own, refusals, wrong entries."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from solver.core import BadInput, CheckFailed
from solver.kinds import run, solve
from tests.lettered import HOSTILE, answered_or_refused, refused


def rows(value: Any) -> list[list[Any]]:
    return [list(row) for row in value]


COUNTING = "0 1 2; 3 4 5; 6 7 8"
SQUARE = "0 1; 2 3"
EDGE = "10 10 10 0 0 0; " * 5 + "10 10 10 0 0 0"
STRIPE = "; ".join(["1 1 0 0 0 0 1 1"] * 6)
POOLED = "1 1 2 4; 5 6 7 8; 3 2 1 0; 1 2 3 4"
GRID = "0 1 2 3; 4 5 6 7; 8 9 10 11; 12 13 14 15"

CONVOLUTIONS = [
    ({"input": COUNTING, "kernel": SQUARE}, [[19, 25], [37, 43]],
     "Dive into Deep Learning 7.2, cross-correlation"),
    ({"input": f"{COUNTING} | 1 2 3; 4 5 6; 7 8 9", "kernel": f"{SQUARE} | 1 2; 3 4"},
     [[56, 72], [104, 120]], "Dive into Deep Learning 7.4, two input channels"),
    ({"input": STRIPE, "kernel": [[1, -1]]}, [[0, 1, 0, 0, 0, -1, 0]] * 6,
     "Dive into Deep Learning 7.2, edges"),
    ({"input": EDGE, "kernel": "1 0 -1; 1 0 -1; 1 0 -1"}, [[0, 30, 30, 0]] * 4,
     "deeplearning.ai, vertical edges"),
    ({"input": EDGE, "kernel": "1 0 -1; 1 0 -1; 1 0 -1", "flip": True}, [[0, -30, -30, 0]] * 4,
     "true convolution turns the sign of an edge"),
    ({"input": COUNTING, "kernel": SQUARE, "padding": 1},
     [[0, 3, 8, 4], [9, 19, 25, 10], [21, 37, 43, 16], [6, 7, 8, 0]],
     "Dive into Deep Learning 7.3, padding 1"),
    ({"input": COUNTING, "kernel": SQUARE, "padding": 1, "stride": [3, 2]}, [[0, 8], [6, 8]],
     "Dive into Deep Learning 7.3, strides 3 and 2"),
    ({"input": "1 2 3; 4 5 6; 7 8 9", "kernel": "1 0; 0 -1", "dilation": 2}, [[-8]], "dilated"),
    ({"input": COUNTING, "kernel": SQUARE, "padding": "same"},
     [[19, 25, 10], [37, 43, 16], [7, 8, 0]], "same: the odd zero goes behind"),
    ({"input": COUNTING, "kernel": SQUARE, "bias": "-20"}, [[-1, 5], [17, 23]], "with a bias"),
    ({"input": "1/2 1/3; 1 1", "kernel": "1 1; 1 1"}, [[Fraction(17, 6)]], "exact fractions"),
    ({"input": "0.1 0.2; 1 1", "kernel": "1 1; 0 0"}, [[Fraction(3, 10)]], "exact decimals"),
]  # fmt: skip

POOLINGS = [
    ({"input": POOLED, "kernel": 2}, [[6, 8], [3, 4]], "CS231n notes, 2x2 max pooling"),
    ({"input": POOLED, "kernel": 2, "mode": "avg"},
     [[Fraction(13, 4), Fraction(21, 4)], [2, 2]], "CS231n notes' matrix, averaged"),
    ({"input": COUNTING, "kernel": 2, "stride": 1}, [[4, 5], [7, 8]],
     "Dive into Deep Learning 7.5, maximum"),
    ({"input": COUNTING, "kernel": 2, "stride": 1, "mode": "avg"}, [[2, 3], [5, 6]],
     "Dive into Deep Learning 7.5, average"),
    ({"input": GRID, "kernel": 3}, [[10]], "Dive into Deep Learning 7.5, stride 3"),
    ({"input": GRID, "kernel": 3, "padding": 1, "stride": 2}, [[5, 7], [13, 15]],
     "Dive into Deep Learning 7.5, padding and stride"),
    ({"input": GRID, "kernel": [2, 3], "stride": [2, 3], "padding": [0, 1]}, [[5, 7], [13, 15]],
     "Dive into Deep Learning 7.5, 2x3 window"),
    ({"input": COUNTING, "kernel": 2, "ceil_mode": True}, [[4, 5], [7, 8]],
     "ceil mode: windows that hang over"),
    ({"input": COUNTING, "kernel": 2, "ceil_mode": True, "mode": "avg"},
     [[2, Fraction(7, 2)], [Fraction(13, 2), 8]], "ceil mode: the mean of what is there"),
    ({"input": "4 4; 4 4", "kernel": 2, "stride": 1, "padding": 1, "mode": "avg"},
     [[1, 2, 1], [2, 4, 2], [1, 2, 1]], "zeros of the padding count"),
    ({"input": "4 4; 4 4", "kernel": 2, "stride": 1, "padding": 1, "mode": "avg",
      "count_include_pad": False}, [[4, 4, 4]] * 3, "zeros of the padding do not count"),
    ({"input": "-1 -2; -3 -4", "kernel": 2, "stride": 1, "padding": 1},
     [[-1, -1, -2], [-1, -1, -2], [-3, -3, -4]], "the maximum never takes a padding zero"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given_", "value"), [c[:2] for c in CONVOLUTIONS], ids=[c[2] for c in CONVOLUTIONS]
)
def test_convolution(given_: dict[str, Any], value: Any) -> None:
    assert rows(solve("run conv", **given_).value) == value


@pytest.mark.parametrize(
    ("given_", "value"), [p[:2] for p in POOLINGS], ids=[p[2] for p in POOLINGS]
)
def test_pooling(given_: dict[str, Any], value: Any) -> None:
    assert rows(solve("run pool", **given_).value) == value


def test_several_filters_and_one_of_them() -> None:
    given_ = {"input": COUNTING, "kernel": f"{SQUARE} | 1 0; 0 0", "bias": "0,100"}
    first, second = solve("run conv", **given_).value
    assert (rows(first), rows(second)) == ([[19, 25], [37, 43]], [[100, 101], [103, 104]])
    assert rows(solve("run conv", **given_, filter=2).value) == rows(second)
    assert solve("run conv", **given_, filter=2, at="2,1").value == 103
    assert tuple(solve("run conv", **given_, at="2,1").value) == (37, 103)


def test_one_entry_and_its_line() -> None:
    answer = solve("run conv", input=COUNTING, kernel=SQUARE, at="2,1")
    assert answer.value == 37
    assert [str(s.before) for s in answer.steps if s.before] == ["3·0 + 4·1 + 6·2 + 7·3"]
    assert solve("run pool", input=COUNTING, kernel=2, stride=1, at="1,2").value == 5


def test_each_channel_is_pooled_by_itself() -> None:
    a, b = solve("run pool", input=f"{POOLED} | {GRID}", kernel=2).value
    assert (rows(a), rows(b)) == ([[6, 8], [3, 4]], [[5, 7], [13, 15]])


def test_what_pooling_cannot_see() -> None:
    inputs = "1 0; 0 0 | 0 1; 0 0 | 1 1; 1 1"
    assert solve("run distinct", inputs=inputs, kernel=2).value == 1
    assert solve("run distinct", inputs=inputs, kernel=2, mode="avg").value == 2
    change = {"input": "1 1; 1 1", "at": "1,1", "value": 0, "kernel": 2}
    assert solve("run change", **change).value == 0
    assert solve("run change", **change, mode="avg").value == Fraction(1, 4)


# -- loops of our own ---------------------------------------------------------------------

ENTRIES = st.integers(-9, 9)


@st.composite
def matrices(draw: Any, most: int = 6) -> list[list[int]]:
    width = draw(st.integers(1, most))
    some = st.lists(ENTRIES, min_size=width, max_size=width)
    return draw(st.lists(some, min_size=1, max_size=most))  # type: ignore[no-any-return]


def convolved(x: Any, w: Any, stride: int, padding: int, dilation: int) -> list[list[int]]:
    """Cross-correlation with a dictionary of pixels; what is not there is 0."""
    pixels = {(i, j): v for i, row in enumerate(x) for j, v in enumerate(row)}
    taps = [(a * dilation, b * dilation, v) for a, row in enumerate(w) for b, v in enumerate(row)]
    reach = [dilation * (len(w) - 1), dilation * (len(w[0]) - 1)]
    starts = [
        [i for i in range(-padding, n + padding - r) if (i + padding) % stride == 0]
        for n, r in zip((len(x), len(x[0])), reach)
    ]
    return [
        [sum(pixels.get((i + a, j + b), 0) * v for a, b, v in taps) for j in starts[1]]
        for i in starts[0]
    ]


@given(matrices(), matrices(3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2))
@settings(max_examples=80)
def test_convolution_by_loops(x: Any, w: Any, stride: int, padding: int, dilation: int) -> None:
    wanted = convolved(x, w, stride, padding, dilation)
    given_ = {"stride": stride, "padding": padding, "dilation": dilation}
    try:
        found = solve("run conv", input=x, kernel=w, **given_).value
    except BadInput:
        assert not wanted or not wanted[0]
        return
    assert rows(found) == wanted
    turned = [row[::-1] for row in w[::-1]]
    assert rows(solve("run conv", input=x, kernel=turned, flip=True, **given_).value) == wanted


@given(matrices(), matrices(3), st.integers(-3, 3))
@settings(max_examples=40)
def test_convolution_is_linear(x: Any, w: Any, factor: int) -> None:
    assume(len(w) <= len(x) and len(w[0]) <= len(x[0]))
    one = rows(solve("run conv", input=x, kernel=w).value)
    many = rows(solve("run conv", input=[[factor * v for v in r] for r in x], kernel=w).value)
    assert many == [[factor * v for v in r] for r in one]


@given(matrices(), st.integers(1, 3), st.integers(1, 3), st.integers(0, 1), st.booleans())
@settings(max_examples=80)
def test_pooling_by_loops(x: Any, k: int, stride: int, padding: int, ceil: bool) -> None:
    assume(2 * padding <= k)
    try:
        shape = solve("shape pool", input=[1, len(x), len(x[0])], kernel=k, stride=stride,
                      padding=padding, ceil_mode=ceil).value  # fmt: skip
    except BadInput:
        return
    given_ = {"kernel": k, "stride": stride, "padding": padding, "ceil_mode": ceil}
    most, mean = [], []
    for i in range(shape[1]):
        most.append([])
        mean.append([])
        for j in range(shape[2]):
            top, left = i * stride - padding, j * stride - padding
            seen = [x[a][b] for a in range(top, top + k) for b in range(left, left + k)
                    if 0 <= a < len(x) and 0 <= b < len(x[0])]  # fmt: skip
            most[-1].append(max(seen))
            mean[-1].append(Fraction(sum(seen), len(seen)))
    assert rows(solve("run pool", input=x, **given_).value) == most
    given_ |= {"mode": "avg", "count_include_pad": False}
    assert rows(solve("run pool", input=x, **given_).value) == mean


# -- refusals -----------------------------------------------------------------------------

REFUSED = [
    ("run conv", {"input": COUNTING}, "run conv needs kernel"),
    ("run conv", {"input": "", "kernel": SQUARE}, "not nothing"),
    ("run conv", {"input": "1 2; 3", "kernel": SQUARE}, "row 1 has entries 2, row 2 has 1"),
    ("run conv", {"input": "1 2 a; 4 5 6", "kernel": SQUARE}, "not 'a'"),
    ("run conv", {"input": "1/0 2; 3 4", "kernel": SQUARE}, "finite number, not '1/0'"),
    ("run conv", {"input": [[1, float("nan")]], "kernel": SQUARE}, "finite number"),
    ("run conv", {"input": [[1, 10**30]], "kernel": SQUARE}, "more than 18 digits"),
    ("run conv", {"input": "9" * 10_000 + " 1", "kernel": SQUARE}, "such as 3, −1"),
    ("run conv", {"input": "9^9^9^9 1; 1 1", "kernel": SQUARE}, "such as 3, −1"),
    ("run conv", {"input": "[[1, 2], [3, 4]", "kernel": SQUARE}, "never closed"),
    ("run conv", {"input": "[" * 10_000, "kernel": SQUARE}, "nested deeper"),
    ("run conv", {"input": "1 2; 3 4", "kernel": "1 0 0; 0 1 0; 0 0 1"}, "kernel 3 does not fit"),
    ("run conv", {"input": COUNTING, "kernel": f"{SQUARE} | {SQUARE}", "bias": "1"},
     "2 filters take as many biases, not 1"),
    ("run conv", {"input": f"{COUNTING} | {COUNTING}", "kernel": SQUARE},
     "the input has 2 channels, the kernel has 1"),
    ("run conv", {"input": COUNTING, "kernel": SQUARE, "filter": 2}, "there is no filter 2"),
    ("run conv", {"input": COUNTING, "kernel": SQUARE, "filter": 0}, "there is no filter 0"),
    ("run conv", {"input": COUNTING, "kernel": SQUARE, "at": "3,1"}, "there is no position 3×1"),
    ("run conv", {"input": COUNTING, "kernel": SQUARE, "at": "0,1"}, "counted from 1"),
    ("run conv", {"input": COUNTING, "kernel": SQUARE, "stride": 0}, "stride must be 1 or more"),
    ("run conv", {"input": COUNTING, "kernel": SQUARE, "stride": "s"}, "numbers only"),
    ("run conv", {"input": COUNTING, "kernel": SQUARE, "padding": "p"}, "numbers only"),
    ("run conv", {"input": COUNTING, "kernel": SQUARE, "padding": 10**9}, "too many to work"),
    ("run conv", {"input": COUNTING, "kernel": SQUARE, "strides": 2}, "did you mean stride"),
    ("run pool", {"input": COUNTING, "kernel": 4}, "kernel 4 does not fit"),
    ("run pool", {"input": COUNTING, "kernel": "k"}, "numbers only"),
    ("run pool", {"input": COUNTING, "kernel": 2, "mode": "lp"}, "works max and avg by hand"),
    ("run pool", {"input": COUNTING, "kernel": 2, "mode": "min"}, "not 'min'"),
    ("run pool", {"input": COUNTING, "kernel": 3, "padding": 2}, "at most half the kernel"),
    ("run pool", {"input": COUNTING, "kernel": 1000, "padding": 500}, "too many to work by hand"),
    ("run change", {"input": "1 1; 1 1", "at": "3,1", "value": 0, "kernel": 2},
     "there is no position 3×1"),
    ("run change", {"input": "1 1; 1 1 | 2 2; 2 2", "at": "1,1", "value": 0, "kernel": 2},
     "one matrix changes in one entry"),
    ("run convolution", {}, "did you mean run conv"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "given_", "words"), REFUSED, ids=[f"{r[0]} {str(r[1])[:70]}" for r in REFUSED]
)
def test_refused(kind: str, given_: dict[str, Any], words: str) -> None:
    refused(lambda: solve(kind, **given_), words)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text(text: str) -> None:
    answered_or_refused(lambda: solve("run conv", input=text, kernel=SQUARE))
    answered_or_refused(lambda: solve("run pool", input=COUNTING, kernel=text))


@given(st.text(alphabet="0123456789 ;,|[]/.-−+e", max_size=30))
@settings(max_examples=200)
def test_nearly_right_matrices_are_read_or_refused(text: str) -> None:
    answered_or_refused(lambda: solve("run pool", input=text, kernel=1))


# -- wrong entries are caught -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "given_"),
    [
        ("window_sum", "run conv", {"input": COUNTING, "kernel": SQUARE}),
        ("window_sum", "run conv", {"input": COUNTING, "kernel": SQUARE, "at": "2,2"}),
        ("pooled", "run pool", {"input": COUNTING, "kernel": 2}),
        ("pooled", "run pool", {"input": COUNTING, "kernel": 2, "mode": "avg", "at": "1,1"}),
        ("pooled", "run distinct", {"inputs": f"{COUNTING} | {COUNTING}", "kernel": 2}),
        ("pooled", "run change", {"input": "1 1; 1 1", "at": "1,1", "value": 0, "kernel": 2}),
    ],
)
def test_an_entry_off_by_one_is_caught(
    name: str, kind: str, given_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = getattr(run, name)
    assert solve(kind, **given_)
    monkeypatch.setattr(run, name, lambda *a: right(*a) + 1)
    with pytest.raises(CheckFailed):
        solve(kind, **given_)


def test_only_the_second_matrix_wrong_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = run.pooled
    calls: list[int] = []

    def wrong(*args: Any) -> Any:
        calls.append(1)
        return right(*args) + (len(calls) > 1)

    monkeypatch.setattr(run, "pooled", wrong)
    with pytest.raises(CheckFailed):
        solve("run distinct", inputs="1 0; 0 0 | 0 1; 0 0", kernel=2)


def test_a_kernel_that_is_not_turned_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The definition is given the turned kernel, the windows the plain one."""
    right = run.plain_conv

    def wrong(image: Any, filters: Any, *rest: Any) -> Any:
        return right(image, tuple(tuple(run.flipped(c) for c in f) for f in filters), *rest)

    monkeypatch.setattr(run, "plain_conv", wrong)
    with pytest.raises(CheckFailed):
        solve("run conv", input=COUNTING, kernel=SQUARE, flip=True)
