"""Misconceptions about neighbours, logistic regression, similarities and polynomial fits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import exp, sqrt

from solver.answers.forms import state_key
from solver.core import BadInput
from solver.expressions.nodes import Call, Num
from solver.kinds import mistake
from solver.kinds.knn import distance_of, measure, predict
from solver.kinds.logistic import log_odds, model, valued
from solver.kinds.mistakes_losses import solved
from solver.kinds.named_points import named, number, point, whole
from solver.kinds.regression import data_of
from solver.kinds.similarity import dot, exact, read
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# -- distances -----------------------------------------------------------------------


@mistake("knn distance")
def squared_distance_reported(point: Any, query: Any, metric: str = "euclidean") -> Any:
    """This is the square of the distance: the root is missing."""
    if metric != "euclidean":
        return None
    return whole(measure(metric, *both(point, query)))


def both(one: Any, other: Any) -> tuple[Any, Any]:
    return point(one), point(other)


@mistake("knn distance")
def l1_for_l2(point: Any, query: Any, metric: str = "euclidean") -> Any:
    """The differences are added up as they are: square them, add, take the root."""
    if metric != "euclidean":
        return None
    return whole(measure("manhattan", *both(point, query)))


@mistake("knn distance")
def distance_as_mean_of_coordinates(
    point: Any, query: Any, metric: str = "euclidean"
) -> Any:
    """This is the mean of the differences, no distance."""
    a, b = both(point, query)
    return whole(sum((x - y for x, y in zip(a, b)), Fraction(0)) / len(a))


@mistake("knn distance")
def largest_difference(point: Any, query: Any, metric: str = "euclidean") -> Any:
    """This is the largest difference of a coordinate: all of them count."""
    if metric == "maximum":
        return None
    return whole(measure("maximum", *both(point, query)))


@mistake("knn distance")
def root_of_the_sum(point: Any, query: Any, metric: str = "euclidean") -> Any:
    """The root is taken of the sum of the differences: square each of them first."""
    if metric != "euclidean":
        return None
    return distance_of("euclidean", measure("manhattan", *both(point, query)))


@mistake("knn predict")
def majority_of_all(
    points: Any, labels: Any, query: Any, k: int, metric: str = "euclidean", ties: str = "refuse"
) -> Any:
    """This is the majority of all points: only the nearest vote."""
    return elected(points, labels, query, None, metric, ties)


@mistake("knn predict")
def nearest_alone(
    points: Any, labels: Any, query: Any, k: int, metric: str = "euclidean", ties: str = "refuse"
) -> Any:
    """This is the label of the nearest point: all k of them vote."""
    return elected(points, labels, query, 1, metric, ties) if k > 1 else None


def elected(points: Any, labels: Any, query: Any, k: int | None, metric: str, ties: str) -> Any:
    """The label that so many neighbours elect; all of them for None."""
    k = len(named(points)) if k is None else k
    try:
        found = predict(points=points, labels=labels, query=query, k=k, metric=metric, ties=ties)
    except BadInput:  # a tie, which nobody can have reached
        return None
    return Record(label=found.value["label"])


@mistake("knn predict")
def other_metric_votes(
    points: Any, labels: Any, query: Any, k: int, metric: str = "euclidean", ties: str = "refuse"
) -> Any:
    """These are the nearest by the sums of absolute differences, which is another distance."""
    if metric != "euclidean":
        return None
    return solved("knn predict", points=points, labels=labels, query=query, k=k,
                  metric="manhattan", ties=ties)  # fmt: skip


@mistake("knn predict")
def farthest_vote(points: Any, labels: Any, query: Any, k: int, metric: str = "euclidean") -> Any:
    """These are the farthest points: the nearest vote."""
    data = named(points)
    at = point(query)
    far = sorted(data, key=lambda n: measure(metric, data[n], at), reverse=True)
    return Record(neighbours=state_key("choice", ", ".join(far[:k]), {"options": tuple(data)}))


@mistake("knn neighbours")
def farthest_first(points: Any, query: Any, k: int, metric: str = "euclidean") -> Any:
    """These are the farthest points: the nearest are asked for."""
    data = named(points)
    at = point(query)
    far = sorted(data, key=lambda n: measure(metric, data[n], at), reverse=True)
    return options(far[:k], data)


@mistake("knn neighbours")
def other_metric(points: Any, query: Any, k: int, metric: str = "euclidean") -> Any:
    """These are the nearest by the sums of absolute differences, which is another distance."""
    if metric != "euclidean":
        return None
    return solved("knn neighbours", points=points, query=query, k=k, metric="manhattan")


def options(names: Sequence[str], known: Iterable[str]) -> Any:
    """Names in order, as `knn neighbours` and `similarity pseudolabel` answer."""
    form = "ranking" if len(names) > 1 else "choice"
    return state_key(form, " > ".join(names), {"options": tuple(known)})


# -- logistic regression -------------------------------------------------------------


@mistake("logistic probability")
def odds_as_probability(intercept: Any, slopes: Any, at: Any, names: Any = ()) -> Any:
    """These are the odds exp(z): the probability is odds/(1 + odds)."""
    return Record(P=exp(float(scored(intercept, slopes, at, names))))


@mistake("logistic probability")
def complement_reported(intercept: Any, slopes: Any, at: Any, names: Any = ()) -> Any:
    """This is the probability of the other class, 1 − P: mind the sign of z."""
    return Record(P=1 / (1 + exp(float(scored(intercept, slopes, at, names)))))


@mistake("logistic probability")
def intercept_forgotten(intercept: Any, slopes: Any, at: Any, names: Any = ()) -> Any:
    """The intercept β₀ is missing from z."""
    z = scored(intercept, slopes, at, names) - number(intercept)
    return Record(z=whole(z), P=1 / (1 + exp(-float(z)))) if abs(z) < 30 else Record(z=whole(z))


@mistake("logistic probability")
def intercept_turned(intercept: Any, slopes: Any, at: Any, names: Any = ()) -> Any:
    """The sign of the intercept is turned."""
    z = scored(intercept, slopes, at, names) - 2 * number(intercept)
    return Record(z=whole(z), P=1 / (1 + exp(-float(z)))) if abs(z) < 30 else Record(z=whole(z))


def scored(intercept: Any, slopes: Any, at: Any, names: Any) -> Fraction:
    """z = β₀ + Σ β x."""
    b0, slope = model(intercept, slopes, names)
    values = valued(at, slope)
    return b0 + sum((s * values[n] for n, s in slope.items()), Fraction(0))


@mistake("logistic expression")
def odds_as_formula(intercept: Any, slopes: Any, names: Any = ()) -> Any:
    """These are the odds exp(z): the probability is odds/(1 + odds)."""
    return Call("exp", log_odds(*model(intercept, slopes, names), {}))


@mistake("logistic expression")
def other_class(intercept: Any, slopes: Any, names: Any = ()) -> Any:
    """This is the probability of the other class: the sign of the log-odds is turned."""
    z = log_odds(*model(intercept, slopes, names), {})
    return Num(1) / (Num(1) + Call("exp", z))


@mistake("logistic expression")
def linear_as_probability(intercept: Any, slopes: Any, names: Any = ()) -> Any:
    """These are the log-odds, which are linear; the probability is 1/(1 + exp(−z))."""
    return log_odds(*model(intercept, slopes, names), {})


@mistake("logistic expression")
def turned_intercept(intercept: Any, slopes: Any, names: Any = ()) -> Any:
    """The sign of the intercept is turned."""
    return solved("logistic expression", intercept=-number(intercept), slopes=slopes, names=names)


@mistake("logistic threshold")
def intercept_sign(
    intercept: Any, slopes: Any, solve: str, at: Any = None, names: Any = (),
    probability: Any = "1/2",
) -> Any:  # fmt: skip
    """The sign of the intercept is turned: it changes sides once."""
    return solved("logistic threshold", intercept=-number(intercept), slopes=slopes, solve=solve,
                  at=at, names=names, probability=probability)  # fmt: skip


@mistake("logistic threshold")
def threshold_as_log_odds(
    intercept: Any, slopes: Any, solve: str, at: Any = None, names: Any = (),
    probability: Any = "1/2",
) -> Any:  # fmt: skip
    """The log-odds are set equal to the probability: at P they are ln(P/(1 − P))."""
    b0, slope = model(intercept, slopes, names)
    values = valued(at if at is not None else {}, slope)
    rest = b0 + sum((slope[n] * v for n, v in values.items()), Fraction(0))
    return whole((number(probability) - rest) / slope[solve])


@mistake("logistic threshold")
def others_forgotten(
    intercept: Any, slopes: Any, solve: str, at: Any = None, names: Any = (),
    probability: Any = "1/2",
) -> Any:  # fmt: skip
    """The other variables count as well: put their values in before solving."""
    b0, slope = model(intercept, slopes, names)
    if number(probability) != Fraction(1, 2) or len(slope) < 2:
        return None
    return whole(-b0 / slope[solve])


# -- similarities --------------------------------------------------------------------


@mistake("similarity cosine")
def dot_products_reported(sources: Any, image: Any) -> Any:
    """These are the dot products: divide by both lengths."""
    vectors, at = read(sources, image)
    return Record(sims=Listing(whole(dot(v, at)) for v in vectors.values()))


@mistake("similarity cosine")
def one_length_forgotten(sources: Any, image: Any) -> Any:
    """The dot products are divided by the sources' lengths only: the image has one as well."""
    vectors, at = read(sources, image)
    return Record(
        sims=Listing(float(dot(v, at)) / sqrt(float(dot(v, v))) for v in vectors.values())
    )


@mistake("similarity cosine")
def squared_lengths(sources: Any, image: Any) -> Any:
    """It is divided by the squared lengths: take their roots."""
    vectors, at = read(sources, image)
    return Record(
        sims=Listing(float(dot(v, at) / (dot(v, v) * dot(at, at))) for v in vectors.values())
    )


@mistake("similarity pseudolabel")
def least_similar_first(sources: Any, image: Any, n: int, ties: str = "refuse") -> Any:
    """These are the least similar first: the highest cosine comes first."""
    vectors, at = read(sources, image)
    return options(sorted(vectors, key=lambda s: exact(vectors[s], at))[:n], vectors)


@mistake("similarity pseudolabel")
def ranked_by_dot_products(sources: Any, image: Any, n: int) -> Any:
    """These are ordered by the dot products: divide by the lengths first."""
    vectors, at = read(sources, image)
    return options(sorted(vectors, key=lambda s: -dot(vectors[s], at))[:n], vectors)


@mistake("similarity pseudolabel")
def sign_ignored(sources: Any, image: Any, n: int) -> Any:
    """These are ordered by the size of the cosine: its sign counts, −1 is the least similar."""
    vectors, at = read(sources, image)
    return options(sorted(vectors, key=lambda s: -abs(exact(vectors[s], at)))[:n], vectors)


# -- polynomial fits -----------------------------------------------------------------


@mistake("regression loocv")
def training_error_reported(
    degree: int, x: Any = None, y: Any = None, samples: int = 100, true: str = "x - 2*x^2",
    noise: Any = 1, seed: int | None = None, skip: int = 0,
) -> Any:  # fmt: skip
    """This is the training error: each point is to be predicted by a fit without it."""
    from solver.numeric.polynomials import residuals

    xs, ys, _ = data_of(x, y, samples, true, noise, seed, skip)
    return Record(mse=float((residuals(xs, ys, degree) ** 2).mean()))


@mistake("regression loocv")
def absolute_errors(
    degree: int, x: Any = None, y: Any = None, samples: int = 100, true: str = "x - 2*x^2",
    noise: Any = 1, seed: int | None = None, skip: int = 0,
) -> Any:  # fmt: skip
    """This is the mean absolute error: the errors are squared first."""
    from solver.numeric.polynomials import left_out

    xs, ys, _ = data_of(x, y, samples, true, noise, seed, skip)
    return Record(mse=float(abs(left_out(xs, ys, degree)).mean()))


@mistake("regression loocv")
def root_taken(
    degree: int, x: Any = None, y: Any = None, samples: int = 100, true: str = "x - 2*x^2",
    noise: Any = 1, seed: int | None = None, skip: int = 0,
) -> Any:  # fmt: skip
    """This is the root of the mean squared error."""
    from solver.numeric.polynomials import left_out

    xs, ys, _ = data_of(x, y, samples, true, noise, seed, skip)
    return Record(mse=sqrt(float((left_out(xs, ys, degree) ** 2).mean())))


@mistake("regression loocv")
def deviation_of_a_sample(
    degree: int, x: Any = None, y: Any = None, samples: int = 100, true: str = "x - 2*x^2",
    noise: Any = 1, seed: int | None = None, skip: int = 0,
) -> Any:  # fmt: skip
    """The deviation is divided by n − 1: here it is that of these n errors, divided by n."""
    from solver.numeric.polynomials import left_out

    xs, ys, _ = data_of(x, y, samples, true, noise, seed, skip)
    return Record(std=float((left_out(xs, ys, degree) ** 2).std(ddof=1)))


@mistake("regression compare")
def chosen_by_training_error(
    degrees: Any, x: Any = None, y: Any = None, samples: int = 100, true: str = "x - 2*x^2",
    noise: Any = 1, seed: int | None = None, skip: int = 0,
) -> Any:  # fmt: skip
    """The training error only falls with the degree: the errors of points left out decide."""
    from solver.numeric.polynomials import residuals

    xs, ys, _ = data_of(x, y, samples, true, noise, seed, skip)
    return Record(degree=min(degrees, key=lambda d: float((residuals(xs, ys, d) ** 2).sum())))


@mistake("regression repeat")
def randomness_misplaced(right: Any) -> Any:
    """With as many parts as points nothing is drawn; with fewer, the split is."""
    return Record(same=not right["same"])


@mistake("regression bias-variance")
def most_flexible_chosen(degrees: Any) -> Any:
    """The most flexible fit has the smallest training error; its variance is the largest."""
    return Record(argmin_test_degree=max(degrees))


@mistake("regression bias-variance")
def constant_rate_claim(right: Any) -> Any:
    """The squared bias does not fall at a constant rate: compare the steps."""
    return None if right["bias2_equal_steps"] else Record(bias2_equal_steps=True)
