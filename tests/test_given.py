"""Reading what is given: sizes, shapes, lists and words, as text and as data."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.aliases import ALIASES
from solver.core import BadInput
from solver.expressions.nodes import Sym
from solver.expressions.show import text
from solver.given import (
    LARGEST,
    READERS,
    REQUIRED,
    Param,
    entries,
    fields_of,
    integers,
    letter,
    padding,
    read,
    read_given,
    scales,
    shape,
    shapes,
    shown,
    sides,
    signature,
    size,
    some_sides,
    truth,
    words,
)
from solver.kinds import solve
from solver.networks.layers import layer
from tests.lettered import HOSTILE, answered_or_refused, refused


def plain(value: Any) -> Any:
    """Trees as their text."""
    if isinstance(value, tuple):
        return tuple(plain(v) for v in value)
    return value if isinstance(value, (int, float, str, type(None))) else text(value)


SHAPES = [
    ("3x37x41", (3, 37, 41)),
    ("3×37×41", (3, 37, 41)),
    ("3X37X41", (3, 37, 41)),
    ("3 x 37 x 41", (3, 37, 41)),
    ("3,37,41", (3, 37, 41)),
    ("3, 37, 41", (3, 37, 41)),
    ("3 37 41", (3, 37, 41)),
    ("(3, 37, 41)", (3, 37, 41)),
    ("[3, 37, 41]", (3, 37, 41)),
    ("37", (37,)),
    ("CxHxW", ("C", "H", "W")),
    ("C×H×W", ("C", "H", "W")),
    ("C,H,W", ("C", "H", "W")),
    ("cxhxw", ("c", "h", "w")),
    ("nxm", ("n", "m")),
    ("3xHxW", (3, "H", "W")),
    ("NxCxHxW", ("N", "C", "H", "W")),
    ("C_inxHxW", ("C_in", "H", "W")),
    ("Cx2HxW", ("C", "2H", "W")),
    ("Cx2H-1xW", ("C", "2H − 1", "W")),
    ("Cx(H+2)xW", ("C", "H + 2", "W")),
    ("C×⌊H/2⌋×W", ("C", "⌊H/2⌋", "W")),
    ([3, 37, 41], (3, 37, 41)),
    ((3, 37, 41), (3, 37, 41)),
    ([3.0, 37, 41], (3, 37, 41)),
    ([3, "H", "2W"], (3, "H", "2W")),
    (37, (37,)),
    ("0x5", (0, 5)),
]


@pytest.mark.parametrize(("raw", "read_"), SHAPES, ids=[repr(s[0]) for s in SHAPES])
def test_shape(raw: Any, read_: Any) -> None:
    assert plain(shape(raw, "input")) == read_


SIDES = [
    ("3", 3),
    (3, 3),
    ("k", "k"),
    ("2k + 1", "2k + 1"),
    ("3x5", (3, 5)),
    ("3,5", (3, 5)),
    ("(3, 5)", (3, 5)),
    ("[3, 5]", (3, 5)),
    ([3, 5], (3, 5)),
    ([3], (3,)),
    ("kxk", ("k", "k")),
    ("k×k", ("k", "k")),
    ("k x 5", ("k", 5)),
    ("2×k", (2, "k")),
    ("1,-2,3,0", (1, -2, 3, 0)),
]


@pytest.mark.parametrize(("raw", "read_"), SIDES, ids=[repr(s[0]) for s in SIDES])
def test_sides(raw: Any, read_: Any) -> None:
    assert plain(sides(raw, "kernel")) == read_


OTHERS: list[tuple[Callable[..., Any], Any, Any]] = [
    (size, "n", "n"),
    (some_sides, [None, 7], (None, 7)),
    (some_sides, "3x7", (3, 7)),
    (size, " 7 ", 7),
    (size, "-7", -7),
    (size, 7.0, 7),
    (size, "2C", "2C"),
    (size, "min(H, 7)", "min(H, 7)"),
    (size, str(LARGEST), LARGEST),
    (padding, "same", "same"),
    (padding, "valid", "valid"),
    (padding, "2", 2),
    (padding, [1, 2], (1, 2)),
    (shapes, "64x28x28 128x28x28", ((64, 28, 28), (128, 28, 28))),
    (shapes, "64x28x28; 128x28x28", ((64, 28, 28), (128, 28, 28))),
    (shapes, "(64, 28, 28) (128, 28, 28)", ((64, 28, 28), (128, 28, 28))),
    (shapes, [[64, 28], [128, 28]], ((64, 28), (128, 28))),
    (shapes, [64, 28], ((64, 28),)),
    (integers, "2,5,2", (2, 5, 2)),
    (integers, "2 5 2", (2, 5, 2)),
    (integers, "2x5x2", (2, 5, 2)),
    (integers, [2, -5], (2, -5)),
    (integers, 3, (3,)),
    (words, "conv1, pool1", ("conv1", "pool1")),
    (words, ["conv1"], ("conv1",)),
    (scales, "1.5", 1.5),
    (scales, "1.5,2", (1.5, 2)),
    (scales, 2, 2),
    (scales, [2, 0.5], (2, 0.5)),
    *((truth, word, True) for word in ("true", "Yes", "on", "1", True)),
    *((truth, word, False) for word in ("false", "No", "off", "0", False)),
]


@pytest.mark.parametrize(
    ("reader", "raw", "read_"), OTHERS, ids=[f"{o[0].__name__} {o[1]!r}" for o in OTHERS]
)
def test_read(reader: Callable[..., Any], raw: Any, read_: Any) -> None:
    assert plain(reader(raw, "x")) == read_


def test_a_padding_may_be_nothing_and_a_kernel_may_not() -> None:
    assert size("a", "padding") == Sym("a", "count")
    assert size("a", "kernel") == Sym("a", "size")
    assert letter("q", "output_padding") == Sym("q", "count")


REFUSED: list[tuple[Callable[..., Any], Any, str]] = [
    (size, "", "not nothing"),
    (size, "5.5", "whole number, not '5.5'"),
    (size, 5.5, "whole number, not 5.5"),
    (size, float("nan"), "whole number, not nan"),
    (size, float("inf"), "whole number, not inf"),
    (size, True, "such as 3, n or 2n + 1, not True"),
    (size, None, "not None"),
    (size, [3], "not [3]"),
    (size, b"3", "not b'3'"),
    (size, "+-5", "whole number"),
    (size, "2^10", "whole number, not '2^10'"),
    (size, "9^9^9^9", "whole number"),
    (size, "10^10^10", "whole number"),
    (size, "n/2", "need not be: use floor(…)"),
    (size, "n^2", "need not be"),
    (size, "n^9^9^9", "need not be"),
    (size, "1/0", "whole number"),
    (size, "height", "'height' is no letter"),
    (size, "kernel_size", "'kernel_size' is no letter"),
    (size, "HW", "'HW' is no letter"),
    (size, "n" * 300, "is no letter"),
    (size, "1e3", "write the number out"),
    (size, 10**30, "too large: sizes go up to 1,000,000,000"),
    (size, str(10**30), "too large"),
    (size, -(10**30), "too large"),
    (size, 10**10_000, "a number of about 10001 digits is too large"),
    (size, "9" * 10_000, "10000 characters; at most 2000"),
    (shape, "3x-5x5", "size 2 of the shape is -5: sizes are not negative"),
    (shape, [3, -5], "size 2 of the shape is -5"),
    (shape, "3x32x32x", "an x stands between two sizes"),
    (shape, "x3x32", "an x stands between two sizes"),
    (shape, "3xx5", "an x stands between two sizes"),
    (shape, "3x1e3x5", "write the number out"),
    (shape, "3xfoox5", "is no letter"),
    (shape, "3*32*32", "whole number, not '3*32*32'"),
    (shape, "x".join("111111111"), "at most 8 axes, not 9"),
    (shape, {"a": 3}, "such as 3x32x32, not {'a': 3}"),
    (shape, True, "not True"),
    (shape, 3.5, "not 3.5"),
    (shape, [3, None], "not None"),
    (shape, [[3, 5]], "not [3, 5]"),
    (shape, "3x\x00x5", "has no meaning here"),
    (shape, "3x\u202e5x5", "has no meaning here"),
    (shape, "3x٣x5", "whole number, not '٣'"),
    (shapes, 3, "not 3"),
    (shapes, "3x5 " * 2000, "8,000 characters; at most 5,000"),
    (sides, "3x", "an x stands between two sizes"),
    (sides, ",", "not nothing"),
    (sides, [None, 7], "not None"),
    (integers, "", "such as 2,5,2"),
    (integers, "2,n", "whole number, not 'n'"),
    (integers, {}, "such as 2,5,2"),
    (truth, "perhaps", "true or false, not 'perhaps'"),
    (truth, None, "true or false"),
    (words, 3, "names separated by commas, not 3"),
    (words, [3], "names separated by commas"),
    (READERS["float"], "half", "expected a number, not 'half'"),
    (READERS["float"], "1e400", "ordinary size"),
    (READERS["float"], None, "expected a number"),
    (READERS["str"], 3, "expected text, not 3"),
    (READERS["Table"], [1], "a table of named values"),
    (READERS["Nets"], 3, "expected networks"),
]


@pytest.mark.parametrize(
    ("reader", "raw", "said"), REFUSED, ids=[f"{r[0].__name__} {shown(r[1])}" for r in REFUSED]
)
def test_refused(reader: Callable[..., Any], raw: Any, said: str) -> None:
    refused(lambda: reader(raw, "x"), said)


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("reader", ["Size", "Shape", "Shapes", "Sides", "Scale", "Integers"])
def test_hostile_text(reader: str, raw: str) -> None:
    answered_or_refused(lambda: READERS[reader](raw, "x"))


@given(st.text(max_size=50), st.sampled_from(sorted(READERS)))
def test_no_text_makes_a_reader_crash(raw: str, reader: str) -> None:
    answered_or_refused(lambda: READERS[reader](raw, "x"))


@given(st.text(alphabet="0123456789xX×,; CHWnk_()[]+-*/^.−⌊⌋", max_size=40))
@settings(max_examples=400)
def test_nearly_right_shapes_are_read_or_refused(raw: str) -> None:
    for reader in ("Shape", "Shapes", "Sides", "Integers"):
        answered_or_refused(lambda reader=reader: READERS[reader](raw, "x"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(JSON, st.sampled_from(sorted(READERS)))
@settings(max_examples=300)
def test_no_data_makes_a_reader_crash(raw: Any, reader: str) -> None:
    answered_or_refused(lambda: READERS[reader](raw, "x"))


@given(st.dictionaries(st.sampled_from(["input", "k", "stride", "p", "dilation", "dims"]), JSON))
@settings(max_examples=100)
def test_no_data_makes_a_question_crash(given_: dict[str, Any]) -> None:
    answered_or_refused(lambda: solve("shape conv", **given_), seconds=3)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8))
def test_what_is_written_is_read(sizes: list[int]) -> None:
    for between in ("x", "×", ", ", " ", " x "):
        assert list(shape(between.join(map(str, sizes)), "x")) == sizes
    assert list(shape(json.loads(json.dumps(sizes)), "x")) == sizes


# -- names --------------------------------------------------------------------------------


def conv(input: Any, *, kernel: Any, stride: Any = 1, bias: bool = True) -> None:
    """A function with annotations as kinds have them."""


conv.__annotations__ = {"input": "Shape", "kernel": "Size", "stride": "Size", "bias": "bool"}
PARAMS = signature(conv)


def test_a_signature_is_a_schema() -> None:
    assert [p.name for p in PARAMS] == ["input", "kernel", "stride", "bias"]
    assert [p.required for p in PARAMS] == [True, True, False, False]
    assert PARAMS[2].default == 1 and PARAMS[0].default is REQUIRED


def test_a_layers_fields_are_a_schema() -> None:
    fields = {p.name: p for p in fields_of(layer["conv"])}
    assert fields["kernel"].required and fields["stride"].default == 1


def test_aliases_and_dashes() -> None:
    found = read_given(PARAMS, {"in": "3x5x7", "kernel-size": "3", "s": 2, "bias": None})
    assert found == {"input": (3, 5, 7), "kernel": 3, "stride": 2}


def test_no_alias_hides_a_parameter() -> None:
    """`p` is dropout's probability, not a padding; `k` stays what it is where it is meant."""
    (p,) = [f for f in fields_of(layer["dropout"]) if f.name == "p"]
    assert "p" in ALIASES and read_given([p], {"p": "0.25"}) == {"p": 0.25}


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    refused(lambda: read_given(PARAMS, {"kernl": 3}, "shape conv"), "kernl", "mean kernel?")
    refused(lambda: read_given(PARAMS, {"zzz": 3}, "shape conv"), "there are input, kernel")


def test_one_name_twice() -> None:
    refused(lambda: read_given(PARAMS, {"kernel": 3, "k": 5}), "kernel is given twice, once as k")


def test_an_error_names_its_key() -> None:
    refused(lambda: read_given(PARAMS, {"s": "two"}), "s: 'two' is no letter")


def test_a_type_that_nothing_reads_is_named() -> None:
    with pytest.raises(BadInput, match="'Nonsense', which nothing reads"):
        read(Param("x", "Nonsense"), 3)


def test_entries_of_names_with_an_x_in_them() -> None:
    assert entries("C_max × 3") == ["C_max", "3"]


def test_what_came_is_shown_in_short() -> None:
    assert shown("a" * 100) == "'" + "a" * 44 + "…"
    assert shown([10**10_000]) == "a number of very many digits"
