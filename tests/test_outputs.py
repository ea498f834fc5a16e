"""What a layer gave: shapes, and what is no number."""

from __future__ import annotations

import numpy as np
import pytest

from solver.numeric.outputs import finite, kind_of, shapes

LARGEST = float(np.finfo(np.float32).max)


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ([], ""),
        ([1, 2], ""),
        ([LARGEST, LARGEST], ""),  # their sum is not a float32
        ([LARGEST, np.inf], "infinity"),
        ([np.inf, -np.inf], "infinity"),
        ([-np.inf, np.nan], "NaN"),
    ],
)
def test_what_is_no_number(values: list[float], wrong: str) -> None:
    x = np.array(values, np.float32)
    assert finite(x) == (not wrong)
    assert not wrong or kind_of(x) == wrong


def test_shapes_are_nested_as_the_outputs() -> None:
    assert shapes(np.zeros((2, 3))) == (2, 3)
    nested = np.zeros((2, 3)), (np.zeros((5, 7)), np.zeros(11))
    assert shapes(nested) == ((2, 3), ((5, 7), (11,)))
