"""Images normalised channel by channel, as transforms.Normalize(mean, std) does."""

from __future__ import annotations

from fractions import Fraction

from solver.answers.forms import state_key
from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Call, Div, Expr, Sym, evaluate
from solver.kinds import kind
from solver.kinds.named_points import num
from solver.kinds.run_features import flat, plain, ratio, rooted
from solver.kinds.run_norms import number
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Reals = Any

IMAGE, MEAN, STD, VAR = (Sym(n, "real") for n in ("image", "mean", "std", "var"))
CONVENTION = (
    "each channel by itself: its mean is subtracted, its standard deviation divides"
)


@kind("run normalize", "--mean 0.5 --std 0.5 --interval '0 1'")
def normalize(
    *,
    mean: Reals | None = None,
    std: Reals | None = None,
    var: Reals | None = None,
    x: Reals | None = None,
    interval: Reals | None = None,
    channels: int | None = None,
) -> Answer:
    """An image normalised by channel: the formula, pixels x, or what an interval becomes.

    channels: the arguments that an image of so many channels takes, from those of another.
    Instead of the standard deviations their squares may be given, var.
    """
    if std is not None and var is not None:
        raise BadInput("give std or var, not both")
    if sum(v is not None for v in (x, interval, channels)) > 1:
        raise BadInput(
            "ask for one thing: pixels x, an interval, or the arguments for channels"
        )
    means, below = exact("mean", mean), exact("std", std if var is None else var)
    if any(b <= 0 for b in below):
        raise BadInput(
            "a standard deviation is above 0, or nothing can be divided by it"
        )
    if x is None and interval is None and channels is None:
        return in_letters(means, below, var is not None)
    if not means or not below:
        raise BadInput("to work on numbers, give mean and std, one for each channel")
    many = max(len(means), len(below))
    if {len(means), len(below)} - {1, many}:
        raise BadInput(
            f"{len(means)} means and {len(below)} deviations: give as many of both"
        )
    means, below = widened(means, many), widened(below, many)
    sigmas = below if var is None else [rooted(b) for b in below]
    if channels is not None:
        return arguments(means, sigmas, channels)
    asked = exact("x", x) if interval is None else exact("interval", interval)
    if interval is not None and (len(asked) != 2 or asked[0] >= asked[1]):
        raise BadInput("an interval has a lower and an upper end: 0 1")
    each: list[Any] = []
    steps: list[Step] = []
    pixels: list[Any] = asked if interval is None else [asked]
    if interval is None and len(pixels) not in (1, many) and many > 1:
        raise BadInput(
            f"a pixel of {many} channels has as many numbers, not {len(pixels)}"
        )
    columns = many if interval is not None or many > 1 else len(pixels)
    pixels = pixels * columns if len(pixels) == 1 else pixels
    for c in range(columns):
        k = c if many > 1 else 0
        said = f"channel {c + 1}" if many > 1 else ""
        labels = ["lower end", "upper end"] if interval is not None else ["pixel"]
        under = number(sigmas[k]) if var is None else Call("sqrt", num(below[k]))
        law = Div(IMAGE - MEAN, STD if var is None else Call("sqrt", VAR))
        ends = pixels[c] if interval is not None else (pixels[c],)
        found = [ratio(v - means[k], sigmas[k]) for v in ends]
        for v, y, end in zip(ends, found, labels):
            label = ", ".join(filter(None, (said, end)))
            steps.append(Step(label, Div(num(v) - num(means[k]), under), y, None, law))
        each.append(Listing(found) if interval is not None else found[0])
    value: Any = each[0] if len(each) == 1 else Listing(each)
    if interval is not None:
        ends_of = [between(*e) for e in each]
        alike = all(e == each[0] for e in each)
        value = ends_of[0] if alike else Record(
            {f"channel_{c}": e for c, e in enumerate(ends_of, 1)})  # fmt: skip
    return Answer(value, tuple(steps), (undone(pixels, means, sigmas, each),), "normalised",
                  conventions=(CONVENTION,))  # fmt: skip


def exact(name: str, raw: Any) -> list[Fraction]:
    """The numbers given, as fractions."""
    found = [] if raw is None else list(flat(raw))
    if any(isinstance(v, Expr) for v in found) or len(found) > 64:
        raise BadInput(f"{name} is a number for each channel, at most 64")
    return [Fraction(v) for v in found]


def between(low: Any, high: Any) -> Any:
    """An interval with both its ends; roots to six digits."""
    low, high = (f"{v:.6g}" if isinstance(v, float) else v for v in (low, high))
    return state_key("interval", f"[{low}, {high}]", {})


def widened(values: list[Any], many: int) -> list[Any]:
    return values * many if len(values) == 1 else values


def in_letters(means: list[Any], below: list[Any], squares: bool) -> Answer:
    """(image − mean)/std, with the numbers put in that are the same in all channels."""
    for given in (means, below):
        if len(set(given)) > 1:
            raise BadInput("in letters there is one channel: give one mean and one std")
    centre = num(means[0]) if means else MEAN
    under = num(below[0]) if below else VAR if squares else STD
    formula = Div(IMAGE - centre, Call("sqrt", under) if squares else under)
    ok = True
    for image in (-0.5, 0.25, 2.0):
        env = {"image": image, "mean": 0.3, "std": 0.7, "var": 0.49}
        m = float(means[0]) if means else 0.3
        s = float(below[0]) ** (0.5 if squares else 1) if below else 0.7
        ok = ok and abs(float(evaluate(formula, env)) * s + m - image) < 1e-9
    steps = (Step("the mean subtracted, then divided by the standard deviation", None, formula,
                  Sym("out", "real")),)  # fmt: skip
    check = Check("undoing it at numbers: times std, plus mean", ok)
    return Answer(formula, steps, (check,), "formula", conventions=(CONVENTION,))


def undone(pixels: Any, means: Any, sigmas: Any, each: Any) -> Check:
    """Times std, plus mean: the pixels again."""
    ok = True
    for c, (before, after) in enumerate(zip(pixels, each)):
        k = c if len(means) > 1 else 0
        ins = before if isinstance(before, list) else [before]
        outs = after if isinstance(after, tuple) else [after]
        for v, y in zip(ins, outs):
            back = float(y) * float(sigmas[k]) + float(means[k])
            ok = ok and abs(back - float(v)) <= 1e-9 * max(1.0, abs(float(v)))
    return Check("undoing it: times std, plus mean", ok)


def arguments(means: list[Any], sigmas: list[Any], channels: int) -> Answer:
    """One mean and one deviation for each channel of another image."""
    if not 1 <= channels <= 64:
        raise BadInput(f"an image has 1 to 64 channels here, not {channels}")
    if len({*means}) > 1 or len({*sigmas}) > 1:
        raise BadInput(
            "the channels differ, so what another image's are is not said by these"
        )
    value = Record(
        mean=Listing([plain(means[0])] * channels),
        std=Listing([plain(sigmas[0])] * channels),
    )
    steps = (
        Step(f"Normalize takes one entry a channel: here {channels}"),
        Step("means", None, value["mean"]),
        Step("standard deviations", None, value["std"]),
    )
    image = [Fraction(c + 1, 4) for c in range(channels)]
    by = list(zip(image, value["mean"], value["std"]))
    whole = [ratio(v - Fraction(m), s) for v, m, s in by]
    ok = len(whole) == channels and undone(image, value["mean"], value["std"], whole).ok
    check = Check("a seeded pixel of all channels, normalised by them and back", ok)
    return Answer(value, steps, (check,), "arguments", conventions=(CONVENTION,))
