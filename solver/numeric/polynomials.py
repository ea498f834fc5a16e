"""Polynomial least squares: leave-one-out errors two ways, bias and variance two ways.

Columns of powers are made orthonormal (QR), so that degrees up to 15 keep their digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from solver.numeric.plain import Array

Function = Callable[[Array], Array]
NOTHING = 1e-27  # of the mean square of what is fitted: it is rounding
VALUES = 200_000  # of the powers of many data sets that are worked on at once


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
    highest, found = max(degrees), []
    at_once = max(1, VALUES // (samples * (highest + 1)))
    for start in range(0, sets, at_once):
        many = min(at_once, sets - start)
        x, noisy = random.normal(size=(many, 2, samples)).transpose(1, 0, 2)
        y = function(x) + np.sqrt(noise) * noisy
        powers = x[..., None] ** np.arange(highest + 1)
        q = np.linalg.qr(powers)[0]  # its first columns span the lower degrees
        fits = np.cumsum(q * (y[:, None, :] @ q), axis=2)
        errors = (y[..., None] - fits) / (1 - np.cumsum(q * q, axis=2))
        found.append((errors**2).mean(axis=1)[:, list(degrees)])
    return np.concatenate(found)


def redrawn_slowly(
    function: Function, samples: int, noise: float, degrees: Sequence[int], sets: int,
    seed: int,
) -> Array:  # fmt: skip
    """The same, set after set, each point left out and predicted by a fit without it."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(sets):
        x, noisy = random.normal(size=(2, samples))
        y = function(x) + np.sqrt(noise) * noisy
        rows.append([float((refitted(x, y, d) ** 2).mean()) for d in degrees])
    return np.array(rows)


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
    bias2[bias2 <= NOTHING * (f @ f) / n] = 0  # the fit can be the function itself
    variance = noise * p / n
    return Curves(
        tuple(degrees), bias2, variance, bias2 + noise * (n - p) / n,
        bias2 + variance + noise, noise,
    )  # fmt: skip


def traced(x: Array, f: Array, noise: float, degrees: Sequence[int]) -> Curves:
    """The same once more: hat matrices by SVD of Chebyshev polynomials, with whatever trace
    they have."""
    n, rows = len(x), []
    along = 2 * (x - x.min()) / (x.max() - x.min()) - 1
    for degree in degrees:
        powers = np.polynomial.chebyshev.chebvander(along, degree)
        hat = powers @ np.linalg.pinv(powers)
        rest = np.eye(n) - hat
        away, spread = ((rest @ f) ** 2).mean(), noise * (hat**2).sum() / n
        rows.append((away, spread, away + noise * (rest**2).sum() / n, away + spread + noise))
    away, spread, train, test = np.array(rows).T
    return Curves(tuple(degrees), away, spread, train, test, noise)


def gap(one: Curves, other: Curves) -> float:
    """The largest difference of two sets of curves, as a share of the largest error."""
    pairs = zip(one.named().values(), other.named().values())
    return largest(np.array([a - b for a, b in pairs])) / max(largest(one.test), 1e-300)


def simulated(
    x: Array, f: Array, noise: float, degrees: Sequence[int], sets: int, seed: int
) -> tuple[Curves, Curves]:
    """The same from data drawn so many times, and the standard errors of each curve (0 for
    the squared bias, which is what is left of the test error)."""
    random = np.random.default_rng(seed)
    y, new = f + np.sqrt(noise) * random.normal(size=(2, sets, len(x)))
    means, errors = [], []
    for degree in degrees:
        q = basis(x, degree)
        fits = (y @ q) @ q.T
        spread = ((fits - fits.mean(axis=0)) ** 2).mean(axis=1) * sets / (sets - 1)
        each = np.array([spread, ((y - fits) ** 2).mean(axis=1), ((new - fits) ** 2).mean(axis=1)])
        means.append(each.mean(axis=1))
        errors.append(each.std(axis=1, ddof=1) / np.sqrt(sets))
    spread, train, test = np.array(means).T
    found = Curves(tuple(degrees), test - spread - noise, spread, train, test, noise)
    spread, train, test = np.array(errors).T
    return found, Curves(tuple(degrees), 0 * spread, spread, train, test, 0)


def met(c: Curves, x: Array, f: Array, sets: int) -> bool:
    """Whether so many drawn data sets come to these curves, within 5 standard errors."""
    other, error = simulated(x, f, c.noise, c.degrees, sets, 0)
    rounding = 1e-9 * largest(c.test)
    return all(
        bool((abs(one - two) <= 5 * e + rounding).all())
        for one, two, e in zip(*(
            (each.variance, each.train, each.test) for each in (c, other, error)
        ))
    )  # fmt: skip


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


def different(x: Array) -> int:
    """How many different values are left at least when one of them is left out."""
    counts = np.unique(x, return_counts=True)[1]
    return len(counts) - int((counts == 1).any())


def largest(values: Array) -> float:
    return float(abs(values).max())


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
