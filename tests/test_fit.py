"""Inverse questions: textbook values, complete by brute force, refusals, wrong answers."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import CheckFailed
from solver.kinds import fit, solve
from solver.render import render
from tests.lettered import refused


def windows(n: int, k: int, s: int, p: int, d: int) -> int:
    """Positions of the window in the padded input, tried one by one."""
    return sum(i + d * (k - 1) < n + p and (i + p) % s == 0 for i in range(-p, n + p))


CASES = [
    ({"input": 64, "output": 32, "kernel": 3}, [{"p": 1, "s": 2}], "PyTorch downsampling"),
    ({"input": 32, "output": 32, "kernel": 5, "stride": 1}, [{"p": 2}],
     "CS231n notes: P = (F − 1)/2"),
    ({"input": 227, "output": 55, "kernel": 11, "padding": 0}, [{"s": 4}],
     "AlexNet conv1, Krizhevsky 2012"),
    ({"input": 224, "output": 112, "kernel": 7, "stride": 2}, [{"p": 3}], "ResNet conv1, He 2016"),
    ({"input": 32, "output": 28, "stride": 1, "padding": 0}, [{"k": 5}], "LeNet-5 C1, LeCun 1998"),
    ({"input": "3x224x224", "output": "64x112x112", "kernel": 7, "stride": 2}, [{"p": 3}],
     "channels do not matter"),
    ({"input": "64x48", "output": "32x24", "kernel": 3}, [{"p": 1, "s": 2}], "two sides"),
    ({"input": "64x48", "output": "32x25", "kernel": 3}, [], "sides that do not agree"),
    ({"input": 64, "output": 100, "kernel": 3}, [], "an output that is too large"),
    ({"input": 33, "output": 33, "kernel": 3, "stride": 1, "find": "padding,dilation"},
     [{"p": 1, "d": 1}, {"p": 2, "d": 2}], "dilation as well"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given_", "fits"), [c[:2] for c in CASES], ids=[c[2] for c in CASES]
)
def test_fits(given_: dict[str, Any], fits: list[dict[str, int]]) -> None:
    assert [dict(r) for r in solve("fit conv", **given_).value] == fits


def test_the_usual_one_is_named() -> None:
    found = solve("fit conv", input=64, output=32).value
    assert dict(found[found.usual]) == {"p": 1, "s": 2, "k": 3}
    assert solve("fit conv", input=64, output=100, kernel=3).value.usual is None


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 7))
@settings(max_examples=80)
def test_none_is_missing_and_none_too_many(n: int, m: int, k: int) -> None:
    """Over the range that the answer says it searched: paddings below the kernel, strides
    up to it, and only where none of them fits strides up to 5 beyond it."""
    found = [(r["p"], r["s"]) for r in solve("fit conv", input=n, output=m, kernel=k).value]
    for furthest in (k, k + 5):
        box = product(range(k), range(1, furthest + 1))
        wanted = sorted((p, s) for p, s in box if windows(n, k, s, p, 1) == m)
        if wanted:
            break
    assert sorted(found) == wanted


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 5),
       st.sets(st.sampled_from(["kernel", "stride", "padding", "dilation"]), min_size=1,
               max_size=3))  # fmt: skip
@settings(max_examples=60)
def test_complete_up_to_a_largest_value(n: int, m: int, most: int, find: set[str]) -> None:
    fixed = {"kernel": 3, "stride": 2, "padding": 1, "dilation": 1}
    given_ = {name: value for name, value in fixed.items() if name not in find}
    answer = solve("fit conv", input=n, output=m, max=most, find=sorted(find), **given_)
    ranges = [
        range(0 if name == "padding" else 1, most + 1) if name in find else [value]
        for name, value in fixed.items()
    ]
    wanted = {c for c in product(*ranges) if windows(n, *c) == m}
    letters = {"kernel": "k", "stride": "s", "padding": "p", "dilation": "d"}
    found = {
        tuple(r[letters[name]] if name in find else value for name, value in fixed.items())
        for r in answer.value
    }
    assert found == wanted and len(answer.value) == len(wanted)


SAME = [
    (3, 1, (2, 1, 1), "3x3"),
    (5, 1, (4, 2, 2), "5x5"),
    (4, 1, (3, 1, 2), "an even kernel"),
    (3, 2, (4, 2, 2), "DeepLab: padding = dilation for 3x3"),
    (1, 1, (0, 0, 0), "1x1"),
]


@pytest.mark.parametrize(
    ("kernel", "dilation", "values"), [s[:3] for s in SAME], ids=[s[3] for s in SAME]
)
def test_same(kernel: int, dilation: int, values: tuple[int, int, int]) -> None:
    found = solve("fit same", kernel=kernel, dilation=dilation).value
    assert tuple(found.values()) == values


@given(st.integers(1, 9), st.integers(1, 5))
def test_same_is_what_shape_does(kernel: int, dilation: int) -> None:
    total = solve("fit same", kernel=kernel, dilation=dilation).value["total"]
    if total % 2 == 0:
        found = solve("shape conv1d", input=[3, 37], kernel=kernel, dilation=dilation,
                      padding=total // 2).value  # fmt: skip
        assert found[-1] == 37


def grown(field: int, odd: bool) -> set[tuple[int, ...]]:
    """Every stack of kernels from 2 whose field is this, layer by layer."""
    if field == 1:
        return {()}
    kernels = range(3 if odd else 2, field + 1, 2 if odd else 1)
    return {(*rest, k) for k in kernels for rest in grown(field - k + 1, odd)}


@pytest.mark.parametrize("field", range(2, 9))
@pytest.mark.parametrize("odd", [False, True])
def test_every_stack(field: int, odd: bool) -> None:
    found = solve("fit stack", field=field, odd=odd).value
    assert {tuple(s) for s in found["stacks"]} == grown(field, odd)
    assert found["count"] == len(found["stacks"]) == len(grown(field, odd))
    for depth in (1, 2, 3):
        some = solve("fit stack", field=field, odd=odd, depth=depth).value
        assert some["count"] == sum(len(s) == depth for s in grown(field, odd))


def test_stacks_that_are_a_7x7() -> None:
    """Simonyan and Zisserman 2015: three 3×3 have 27C² weights, one 7×7 has 49C²."""
    answer = solve("fit stack", field=7, odd=True)
    assert answer.value["count"] == 4
    shown = render(answer, "text")
    assert "49C² + C" in shown and "27C² + 3C" in shown


REFUSED = [
    ("fit conv", {"input": 64, "output": 32, "kernel": 0}, "kernel must be 1 or more, not 0"),
    ("fit conv", {"input": 64, "output": 32, "kernel": 3, "stride": 0}, "stride must be 1"),
    ("fit conv", {"input": 64, "output": 32, "kernel": 3, "padding": -1}, "padding must be 0"),
    ("fit conv", {"input": 0, "output": 32, "kernel": 3}, "sizes must be 1 or more, not 0"),
    ("fit conv", {"input": 64, "output": -1, "kernel": 3}, "not negative"),
    ("fit conv", {"input": "n", "output": 32, "kernel": 3}, "letters are solved by shape conv"),
    ("fit conv", {"input": "64x64", "output": 32, "kernel": 3}, "differ in their axes"),
    ("fit conv", {"input": "1x3x64x64", "output": "1x6x32x32", "kernel": 3}, "a side, two sides"),
    ("fit conv", {"input": 64, "output": 32, "kernel": 3, "stride": 2, "padding": 1},
     "everything is given"),
    ("fit conv", {"input": 64, "output": 32, "find": "colour"}, "find takes kernel, padding"),
    ("fit conv", {"input": 64, "output": 32, "max": 0}, "max must be 1 or more"),
    ("fit conv", {"input": 64, "output": 32, "max": 1000}, "more than 200,000 combinations"),
    ("fit conv", {"input": 64, "output": 32, "kernel": 10**6}, "more than 200,000 combinations"),
    ("fit conv", {"input": 10**30, "output": 32, "kernel": 3}, "too large"),
    ("fit conv", {"input": 64, "kernel": 3}, "fit conv needs output"),
    ("fit conv", {"input": 64, "output": 32, "kernel": "k"}, "whole number, not 'k'"),
    ("fit same", {"kernel": 0}, "kernel must be 1 or more"),
    ("fit same", {"kernel": 3, "dilation": 0}, "dilation must be 1 or more"),
    ("fit stack", {"field": 1}, "field must be 2 or more"),
    ("fit stack", {"field": 17}, "ask for at most 16"),
    ("fit stack", {"field": 10**9}, "ask for at most 16"),
    ("fit pool", {"input": 64}, "did you mean fit"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "given_", "words"), REFUSED, ids=[f"{r[0]} {r[1]}" for r in REFUSED]
)
def test_refused(kind: str, given_: dict[str, Any], words: str) -> None:
    refused(lambda: solve(kind, **given_), words)


@given(st.integers(9, 10**8), st.integers(1, 5), st.integers(0, 4))
@settings(max_examples=30)
def test_what_fits_is_what_shape_gives(n: int, s: int, p: int) -> None:
    """Large sizes as well, which are counted at once."""
    given_: dict[str, Any] = {"kernel": 5, "padding": p, "stride": s}
    m = solve("shape conv1d", input=[3, n], **given_).value[-1]
    found = solve("fit conv", input=n, output=m, kernel=5).value
    assert {"p": p, "s": s} in map(dict, found)
    for record in found:
        given_ = {"kernel": 5, "padding": record["p"], "stride": record["s"]}
        assert solve("shape conv1d", input=[3, n], **given_).value[-1] == m


# -- wrong answers are caught -------------------------------------------------------------


@pytest.mark.parametrize("by", [-1, 1])
def test_a_size_off_by_one_is_caught(by: int, monkeypatch: pytest.MonkeyPatch) -> None:
    right = fit.size
    monkeypatch.setattr(fit, "size", lambda n, c: right(n, c) + by)
    with pytest.raises(CheckFailed):
        solve("fit conv", input=64, output=32, kernel=3)


def test_one_fit_left_out_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = fit.size
    monkeypatch.setattr(fit, "size", lambda n, c: 0 if c["kernel"] == 7 else right(n, c))
    with pytest.raises(CheckFailed):
        solve("fit conv", input=64, output=32)


def test_a_line_that_does_not_hold_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines evaluate the size formula: a wrong one is not what was counted."""
    from solver.expressions.formula import Formula

    monkeypatch.setattr(fit, "SIZE", Formula("floor((n + 2*p - d*(k - 1))/s) + 1"))
    with pytest.raises(CheckFailed):
        solve("fit conv", input=64, output=32, kernel=3)


def test_a_stack_left_out_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = fit.compositions
    monkeypatch.setattr(fit, "compositions", lambda m: right(m)[1:])
    with pytest.raises(CheckFailed):
        solve("fit stack", field=6)


def test_a_wrong_same_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = fit.starts
    monkeypatch.setattr(fit, "starts", lambda *a, **k: right(*a, **{**k, "after": 0}))
    with pytest.raises(CheckFailed):
        solve("fit same", kernel=5)
