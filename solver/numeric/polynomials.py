"""Polynomial least squares: leave-one-out errors two ways, bias and variance two ways.

Columns of powers are made orthonormal (QR), so that degrees up to 15 keep their digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from solver.numeric.plain import Array

Function = Callable[[Array], Array]


def drawn(
    function: Function, samples: int, noise: float, seed: int, skip: int = 0
) -> tuple[Array, Array]:
    """(x, y) of so many samples, one after the other: x ~ N(0, 1), then its noise.

    NumPy's legacy generator (RandomState), whose numbers never change; `skip` normal
    numbers are thrown away before.
    """
    random = np.random.RandomState(seed)
    random.randn(skip)
    both = random.randn(samples, 2)
    return both[:, 0], function(both[:, 0]) + np.sqrt(noise) * both[:, 1]


def basis(x: Array, degree: int) -> Array:
    """Orthonormal columns that span the polynomials of this degree at x: N×(degree + 1)."""
    return np.linalg.qr(np.vander(x, degree + 1, increasing=True))[0]


def left_out(x: Array, y: Array, degree: int) -> Array:
    """The N errors of points left out, in closed form: residual/(1 − leverage)."""
    q = basis(x, degree)
    residual = y - q @ (q.T @ y)
    return residual / (1 - (q * q).sum(axis=1))


def refitted(
    x: Array, y: Array, degree: int, order: Sequence[int] | None = None
) -> Array:
    """The same by N fits, each to all points but one; in any order of leaving out."""
    found = np.zeros(len(x))
    for i in range(len(x)) if order is None else order:
        kept = np.arange(len(x)) != i
        fit = np.polynomial.Polynomial.fit(x[kept], y[kept], degree)
        found[i] = y[i] - fit(x[i])
    return found


def folded(x: Array, y: Array, degree: int, folds: int, seed: int) -> float:
    """The mean squared error of cross-validation with shuffled folds."""
    order = np.random.default_rng(seed).permutation(len(x))
    errors = np.zeros(len(x))
    for part in np.array_split(order, folds):
        kept = np.setdiff1d(order, part)
        fit = np.polynomial.Polynomial.fit(x[kept], y[kept], degree)
        errors[part] = y[part] - fit(x[part])
    return float((errors**2).mean())


def redrawn(
    function: Function, samples: int, noise: float, degrees: Sequence[int], sets: int,
    seed: int,
) -> Array:  # fmt: skip
    """The leave-one-out mean squared errors of many data sets: sets × degrees."""
    random = np.random.default_rng(seed)
    found = np.empty((sets, len(degrees)))
    for i in range(sets):
        x, noisy = random.normal(size=(2, samples))
        y = function(x) + np.sqrt(noise) * noisy
        for j, degree in enumerate(degrees):
            found[i, j] = (left_out(x, y, degree) ** 2).mean()
    return found


# -- bias and variance ---------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Curves:
    """Five errors by the polynomial's degree, means over the points of a fixed design."""

    degrees: tuple[int, ...]
    bias2: Array
    variance: Array
    train: Array
    test: Array
    noise: float

    def named(self) -> dict[str, Array]:
        """The curves by the names that they are labelled with."""
        level = np.full(len(self.degrees), self.noise)
        return {
            "test error": self.test, "training error": self.train,
            "squared bias": self.bias2, "variance": self.variance,
            "irreducible error": level,
        }  # fmt: skip


def decomposed(x: Array, f: Array, noise: float, degrees: Sequence[int]) -> Curves:
    """The expectations, exact: with the hat matrix H of p parameters, bias² = ‖(I − H)f‖²/n,
    variance = σ²p/n, training error = bias² + σ²(n − p)/n, test error (new noise at the
    same points) = bias² + variance + σ²."""
    n = len(x)
    bias2, p = np.empty(len(degrees)), np.array([d + 1 for d in degrees])
    for j, degree in enumerate(degrees):
        q = basis(x, degree)
        bias2[j] = ((f - q @ (q.T @ f)) ** 2).sum() / n
    variance = noise * p / n
    return Curves(
        tuple(degrees), bias2, variance, bias2 + noise * (n - p) / n,
        bias2 + variance + noise, noise,
    )  # fmt: skip


def simulated(
    x: Array, f: Array, noise: float, degrees: Sequence[int], sets: int, seed: int
) -> tuple[Curves, Array]:
    """The same from data drawn so many times, and the standard errors of the test error."""
    random = np.random.default_rng(seed)
    y, new = f + np.sqrt(noise) * random.normal(size=(2, sets, len(x)))
    rows = []
    for degree in degrees:
        q = basis(x, degree)
        fits = (y @ q) @ q.T
        mean = fits.mean(axis=0)
        spread = ((fits - mean) ** 2).sum() / (sets - 1) / len(x)
        away = ((mean - f) ** 2).mean() - spread / sets  # the mean's own variance
        tests = ((new - fits) ** 2).mean(axis=1)
        train = ((y - fits) ** 2).mean()
        rows.append(
            (away, spread, train, tests.mean(), tests.std(ddof=1) / np.sqrt(sets))
        )
    away, spread, train, test, error = np.array(rows).T
    return Curves(tuple(degrees), away, spread, train, test, noise), error


# -- small things that a caller without NumPy asks for -------------------------------


def floats(values: Sequence[object]) -> Array:
    return np.array([float(v) for v in values])  # type: ignore[arg-type]


def evenly(n: int) -> Array:
    """i/(n − 1) for i = 0 … n − 1."""
    return np.arange(n) / (n - 1)


def on_arrays(
    function: Callable[[float], float], coefficients: Sequence[float] | None = None
) -> Function:
    """A function of numbers on arrays; a polynomial by its coefficients, which is faster."""
    if coefficients is not None:
        return np.polynomial.Polynomial(coefficients)
    return np.vectorize(function, otypes=[float])


def shuffled(n: int, seed: int) -> list[int]:
    return [int(i) for i in np.random.default_rng(seed).permutation(n)]


def spacing(x: Array) -> int:
    """How many different values there are when one of them is left out."""
    return len(np.unique(x)) - 1 if len(np.unique(x)) == len(x) else len(np.unique(x))


def winners(errors: Array) -> Array:
    """The share of rows in which each column is the smallest."""
    return np.bincount(errors.argmin(axis=1), minlength=errors.shape[1]) / len(errors)


def population(function: Function, degree: int) -> float:
    """The mean squared error of the best polynomial for x ~ N(0, 1), without noise: by
    Gauss–Hermite quadrature, exact for polynomials up to degree 59."""
    x, w = np.polynomial.hermite_e.hermegauss(60)
    w = np.sqrt(w / w.sum())
    q = np.linalg.qr(w[:, None] * np.vander(x, degree + 1, increasing=True))[0]
    f = w * function(x)
    return float(((f - q @ (q.T @ f)) ** 2).sum())


def best(values: Array) -> int:
    return int(values.argmin())


def falls(values: Array) -> bool:
    """Never rises, but for rounding."""
    return bool((np.diff(values) <= 1e-9 * abs(values).max()).all())


def rises(values: Array) -> bool:
    """Rises at every step."""
    return bool((np.diff(values) > 1e-9 * abs(values).max()).all())


def even(values: Array) -> bool:
    """Whether all steps are equal, but for rounding."""
    steps = np.diff(values)
    return bool((abs(steps - steps[0]) <= 1e-9 * abs(values).max()).all())


def residuals(x: Array, y: Array, degree: int) -> Array:
    """y minus the fit to all points."""
    q = basis(x, degree)
    return y - q @ (q.T @ y)
