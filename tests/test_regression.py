"""Leave-one-out errors two ways, bias and variance two ways; recorded values, laws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput, CheckFailed
from solver.figures import drawn
from solver.kinds import regression, regression_bias, solve
from solver.numeric import polynomials

ISL: dict[str, Any] = {"seed": 1999, "skip": 1}  # ISL 5.4 exercise 8, in NumPy
RECORDED = [
    (1, 6.806724503963531, 13.808798207245323),
    (2, 1.0100562390793604, 1.493097599848512),
    (3, 1.0523654834251268, 1.6273979196798125),
    (4, 1.1119174013512805, 1.8392423505177806),
]


@pytest.mark.parametrize(("degree", "mse", "std"), RECORDED)
def test_recorded_errors(degree: int, mse: float, std: float) -> None:
    found = solve("regression loocv", degree=degree, **ISL).value
    assert found["mse"] == pytest.approx(mse, rel=1e-9)
    assert found["std"] == pytest.approx(std, rel=1e-9)


@pytest.mark.parametrize(
    ("degree", "x", "y", "mse"),
    [
        pytest.param(0, "1 2 3", "1 2 6", (4 - 1) ** 2 / 3 + (3.5 - 2) ** 2 / 3 + 4.5**2 / 3,
                     id="the mean of the others"),
        pytest.param(1, "0 1 2", "0 1 1", (1 + 0.25 + 1) / 3, id="the line through two others"),
        pytest.param(3, "1 2 3 4 5 6", "1 8 27 64 125 216", 0, id="points on a cubic"),
        pytest.param(1, "1 1 4 4", "1 2 2 4", 2.5, id="inputs twice"),
    ],
)
def test_errors_by_hand(degree: int, x: str, y: str, mse: float) -> None:
    found = solve("regression loocv", degree=degree, x=x, y=y).value
    assert found["mse"] == pytest.approx(mse, rel=1e-12)


def test_the_data_are_those_of_the_generator() -> None:
    random = np.random.RandomState(1999)
    random.normal()
    pairs = [(random.normal(), random.normal()) for _ in range(100)]
    x, y, _ = regression.data_of(None, None, 100, "x - 2*x^2", 1, 1999, 1)
    assert x.tolist() == [a for a, _ in pairs]
    assert y == pytest.approx([a - 2 * a * a + e for a, e in pairs], rel=1e-14)


entries = st.lists(st.integers(-20, 20), min_size=6, max_size=9, unique=True)


@settings(max_examples=25, deadline=None)
@given(entries, st.data(), st.integers(0, 3))
def test_laws_of_leaving_out(x: list[int], data: Any, degree: int) -> None:
    y = data.draw(st.lists(st.integers(-20, 20), min_size=len(x), max_size=len(x)))
    xs, ys = np.array(x, float), np.array(y, float)
    closed = polynomials.left_out(xs, ys, degree)
    assert closed == pytest.approx(polynomials.refitted(xs, ys, degree), rel=1e-6, abs=1e-6)
    trained = polynomials.residuals(xs, ys, degree)
    assert (abs(trained) <= abs(closed) + 1e-9).all()  # a point left out is never nearer
    moved = polynomials.left_out(xs + 3, 2 * ys - 1, degree)
    assert moved == pytest.approx(2 * closed, rel=1e-6, abs=1e-6)


def test_the_best_degree() -> None:
    found = solve("regression compare", degrees="1,2,3,4", **ISL).value
    assert found["degree"] == 2
    assert list(found["errors"]) == pytest.approx([m for _, m, _ in RECORDED], rel=1e-9)
    with pytest.raises(BadInput, match="degrees 1 and 2 are equally good"):
        solve("regression compare", degrees="0,1,2", x="1 2 3 4 5", y="2 4 6 8 10")


@pytest.mark.parametrize(("folds", "same"), [(None, True), (100, True), (5, False), (2, False)])
def test_what_is_drawn_in_cross_validation(folds: int | None, same: bool) -> None:
    answer = solve("regression repeat", degree=2, folds=folds, **ISL)
    assert answer.value["same"] is same


def test_data_drawn_again_and_again() -> None:
    found = solve("regression redrawn", degrees="1,2,3,4").value
    assert found["mean2"] == pytest.approx(1.032, rel=0.02)
    assert found["mean3"] == pytest.approx(1.058, rel=0.02)
    assert found["p_win1"] == 0 and found["p_win2"] == pytest.approx(0.747, abs=0.03)
    assert found["limit1"] == pytest.approx(9)  # Var(2x²) + 1
    assert [found[f"limit{d}"] for d in (2, 3, 4)] == pytest.approx([1, 1, 1])


def test_many_data_sets_at_once_are_one_after_the_other() -> None:
    def f(x: Any) -> Any:
        return np.sin(x)

    degrees = (3, 0, 1)
    found = polynomials.redrawn(f, 12, 0.5, degrees, 40, 7)
    random = np.random.default_rng(7)
    for row in found:
        x, noisy = random.normal(size=(2, 12))
        y = f(x) + np.sqrt(0.5) * noisy
        wanted = [(polynomials.left_out(x, y, d) ** 2).mean() for d in degrees]
        assert row == pytest.approx(wanted, rel=1e-9)


SINE: dict[str, Any] = {"degrees": "0,1,2,3,4,5,6,7,8,9", "true": "sin(2*pi*x)", "noise": "1/4"}


def test_the_five_curves_of_a_sine() -> None:
    found = solve("regression bias-variance", **SINE).value
    assert found == {
        "argmin_test_degree": 3, "bias2_nonincreasing": True, "train_nonincreasing": True,
        "variance_increasing": True, "test_above_sigma2": True, "bias2_equal_steps": False,
        "variance_equal_steps": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("true", "best", "nothing"),
    [("1", 0, 0), ("2*x - 1", 1, 1), ("x^3", 2, 3), ("exp(x)", 1, None)],
)
def test_a_polynomial_is_fitted_without_bias(true: str, best: int, nothing: int | None) -> None:
    curves = regression_bias.curves((0, 1, 2, 3, 4), true, 20, "0.1")
    assert [b == 0 for b in curves.bias2] == [
        nothing is not None and d >= nothing for d in range(5)
    ]
    found = solve("regression bias-variance", degrees="0,1,2,3,4", true=true, samples=20,
                  noise="0.1").value  # fmt: skip
    assert found["argmin_test_degree"] == best and found["bias2_nonincreasing"]


def test_without_noise_nothing_varies() -> None:
    found = solve("regression bias-variance", degrees="0,1,2,3", true="exp(x)", noise=0).value
    assert found["argmin_test_degree"] == 3 and not found["variance_increasing"]


def test_the_curves_add_up_and_are_drawn() -> None:
    curves = regression_bias.curves(range(10), "sin(2*pi*x)", 30, "1/4")
    named = curves.named()
    parts = named["squared bias"] + named["variance"] + named["irreducible error"]
    assert named["test error"] == pytest.approx(parts)
    (picture,) = solve("regression bias-variance", **SINE).pictures
    assert [s["name"] for s in picture.given["series"]] == list(named)
    for form in ("mathml", "latex"):
        made = drawn(picture, form)
        assert made is not None and all(name in made[0] for name in named)


def test_the_expectation_of_a_mean_by_hand() -> None:
    # degree 0 fits the mean: bias² is the variance of f over the points
    f = [math.sin(2 * math.pi * i / 29) for i in range(30)]
    mean = sum(f) / 30
    curves = regression_bias.curves((0, 1), "sin(2*pi*x)", 30, "1/4")
    assert curves.bias2[0] == pytest.approx(sum((v - mean) ** 2 for v in f) / 30)
    assert curves.variance[0] == pytest.approx(0.25 / 30)


@pytest.mark.parametrize(
    ("kind", "given_", "words"),
    [
        ("loocv", {"degree": 2}, "give x and y, or the seed"),
        ("loocv", {"degree": 2, "x": "1 2 3 4"}, "give x and y, or the seed"),
        ("loocv", {"degree": 2, "x": "1 2 3 4", "y": "1 2 3"}, "x has 4 entries, and y 3"),
        ("loocv", {"degree": 1, "x": "1 1 1 4", "y": "1 2 2 4"}, "needs 2 different x"),
        ("loocv", {"degree": 3, "x": "1 2 3 4", "y": "1 2 2 4"}, "fewer parameters than the 3"),
        ("loocv", {"degree": 13, "seed": 1}, "from 0 to 12"),
        ("loocv", {"degree": 1, "seed": 1, "true": "log(x)"}, "has no value at x"),
        ("loocv", {"degree": 1, "seed": 1, "true": "a*x"}, "one of x"),
        ("loocv", {"degree": 1, "seed": 1, "noise": -1}, "variance from 0 on"),
        ("loocv", {"degree": 1, "seed": -1}, "a seed from 0"),
        ("compare", {"degrees": "1,1", "seed": 3}, "given twice"),
        ("repeat", {"degree": 1, "seed": 1, "folds": 1}, "folds are from 2"),
        ("redrawn", {"degrees": "1", "datasets": 10**9}, "20 to 20,000 data sets"),
        ("bias-variance", {"degrees": "2,1"}, "from low to high"),
        ("bias-variance", {"degrees": "0,29"}, "from 0 to 12"),
    ],
)
def test_what_cannot_be_asked(kind: str, given_: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        solve(f"regression {kind}", **given_)


def test_errors_slightly_wrong_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = polynomials.refitted
    monkeypatch.setattr(polynomials, "refitted", lambda *a: right(*a) * 1.001)
    for kind, more in (("loocv", {"degree": 2}), ("compare", {"degrees": "1,2"})):
        with pytest.raises(CheckFailed):
            solve(f"regression {kind}", **more, **ISL)


def test_training_errors_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polynomials, "refitted", polynomials.residuals)
    with pytest.raises(CheckFailed):
        solve("regression loocv", degree=2, **ISL)


def test_means_slightly_wrong_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = polynomials.redrawn
    monkeypatch.setattr(polynomials, "redrawn", lambda *a: 1.001 * right(*a))
    with pytest.raises(CheckFailed, match="first data sets"):
        solve("regression redrawn", degrees="1,2")


@pytest.mark.parametrize("curve", ["bias2", "variance", "train", "test"])
@pytest.mark.parametrize(("factor", "check"), [(1.001, "hat matrices"), (1.2, "data sets drawn")])
def test_a_curve_that_is_wrong_is_caught(
    curve: str, factor: float, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = polynomials.decomposed

    def wrong(*a: Any) -> Any:
        found = right(*a)
        moved = factor * getattr(found, curve)
        changed = {**vars(found), curve: moved}
        if curve == "bias2":
            changed["test"] = found.test + moved - found.bias2
        return type(found)(**changed)

    monkeypatch.setattr(polynomials, "decomposed", wrong)
    given_ = (regression_bias.curves(range(10), "sin(2*pi*x)", 30, "1/4"), "sin(2*pi*x)", 30)
    one = regression_bias.as_traced if check == "hat matrices" else regression_bias.as_simulated
    assert check in one(*given_).how and not one(*given_).ok
    with pytest.raises(CheckFailed):
        solve("regression bias-variance", **SINE)


def test_means_below_their_limits_are_caught() -> None:
    errors = np.full((400, 2), [9.5, 1.1])
    assert regression.halves_agree(errors, [9, 1]).ok
    assert not regression.halves_agree(0.7 * errors, [9, 1]).ok
    errors[:200, 1] = 2.0
    assert not regression.halves_agree(errors + 0.01 * np.arange(400)[:, None] % 2, [9, 1]).ok
