"""What the numbers of an experiment support, in sentences.

Two arms are told apart only where every run of the one is above every run of the other;
a trend is claimed only where it holds with every seed. With five seeds and no difference
at all, chance separates two given arms in 1 of 126 experiments (2/C(10, 5)).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import median

from solver.experiments.study import MEASURES, Seen, Study
from solver.telling import listed
from solver.training.curves import percent

LEAST = 3  # seeds from which something is claimed
HIGH = ("accuracy", "training_accuracy")  # more is better; of all others, less
Runs = dict[str, list[Seen]]  # by arm, seeds in the same order in each


def runs_of(study: Study, seen: Sequence[Seen]) -> Runs:
    """The runs of each arm, by seed."""
    found = {arm.name: [s for s in seen if s.arm == arm.name] for arm in study.arms}
    return {arm: sorted(runs, key=lambda s: s.seed) for arm, runs in found.items()}


def findings(
    study: Study, seen: Sequence[Seen], classes: Sequence[str], images: int
) -> list[str]:
    """The sentences; `images` is how many test images there are."""
    runs = runs_of(study, seen)
    seeds = min(map(len, runs.values()))
    if seeds < LEAST:
        many = "1 seed" if seeds == 1 else f"{seeds} seeds"
        return [
            f"With {many} nothing is claimed: runs differ by chance. Take --seeds {LEAST} "
            "or more."
        ]
    found = [leading(m, runs) for m in study.compares if len(runs) > 1]
    found += [trend(m, runs) for m in study.trends]
    chance = 1 / len(classes)
    beyond = chance + 2 * sqrt(chance * (1 - chance) / images)
    found += [moved(look.name, i, runs, beyond) for i, look in enumerate(study.looks)][
        1:
    ]
    if study.by_class:
        found.append(hard(next(iter(runs.values())), classes))
    return [*found, *unfinished(study, runs)]


def shown(measure: str, value: float) -> str:
    """A measure's value as tables and sentences write it."""
    if measure in HIGH:
        return percent(value)
    if measure == "seconds":
        return f"{value:.3g} s"
    return f"{value:.3g}" if measure == "loss" else f"{value:,.0f}"


def spread(measure: str, runs: Sequence[Seen]) -> str:
    """97.5 % (96.9 % to 98.1 %): the median, the lowest and the highest."""
    values = [float(getattr(s, measure)) for s in runs]
    ends = (min(values), median(values), max(values))
    low, middle, high = (shown(measure, v) for v in ends)
    return middle if low == high else f"{middle} ({low} to {high})"


def leading(measure: str, runs: Runs) -> str:
    """Which arm leads, and from which others every run of it is apart."""
    sign = 1 if measure in HIGH else -1
    values = {arm: [sign * getattr(s, measure) for s in of] for arm, of in runs.items()}
    first = max(values, key=lambda arm: median(values[arm]))
    rest = [arm for arm in values if arm != first]
    apart = [arm for arm in rest if min(values[first]) > max(values[arm])]
    close = [arm for arm in rest if arm not in apart]
    word, beyond = ("highest", "above") if sign > 0 else ("lowest", "below")
    said = f"The {MEASURES[measure][1]} is {word} for {first}: {spread(measure, runs[first])}"
    if not apart:
        return f"{said}, but these runs tell it apart from none of the others."
    if not close:
        return f"{said}, in every run {beyond} every run of all others."
    is_ = "is" if len(close) == 1 else "are"
    return (
        f"{said}, in every run {beyond} every run of {listed(apart)}; {listed(close)} "
        f"{is_} not told apart from it."
    )


def trend(measure: str, runs: Runs) -> str:
    """Whether a measure rises or falls from arm to arm with every seed."""
    by_seed = [[getattr(s, measure) for s in one] for one in zip(*runs.values())]
    middles = [median(getattr(s, measure) for s in of) for of in runs.values()]
    path = " → ".join(shown(measure, m) for m in middles)
    name, n = f"The {MEASURES[measure][1]}", len(by_seed)
    start, end = next(iter(runs)), list(runs)[-1]
    falls = all(a > b for row in by_seed for a, b in zip(row, row[1:]))
    rises = all(a < b for row in by_seed for a, b in zip(row, row[1:]))
    if falls or rises:
        return (
            f"{name} {'falls' if falls else 'rises'} from {start} to {end} at every step, "
            f"with each of the {n} seeds: {path} (medians)."
        )
    below = [row[-1] < row[0] for row in by_seed]
    above = [row[-1] > row[0] for row in by_seed]
    if all(below) or all(above):
        return (
            f"{name} is {'lower' if all(below) else 'higher'} for {end} than for {start} "
            f"with each of the {n} seeds, but does not go that way at every step: {path} "
            "(medians)."
        )
    return (
        f"{name} neither rises nor falls with each of the {n} seeds: {path} (medians)."
    )


def moved(look: str, at: int, runs: Runs, beyond: float) -> str:
    """What another look at the test images costs each network; up to `beyond` an accuracy
    may be chance."""
    after = {arm: [s.accuracies[at] for s in of] for arm, of in runs.items()}
    parts = []
    for arm, of in runs.items():
        less = median(100 * (s.accuracies[0] - s.accuracies[at]) for s in of)
        near = ", no better than chance" if median(after[arm]) <= beyond else ""
        parts.append(
            f"{arm} {percent(median(after[arm]))} ({less:.0f} points less{near})"
        )
    said = f"Test images {look}: {'; '.join(parts)}."
    best = max(after, key=lambda arm: median(after[arm]))
    if len(runs) == 1 or median(after[best]) <= beyond:
        return said
    if all(min(after[best]) > max(after[arm]) for arm in after if arm != best):
        return f"{said} In every run it is {best} that keeps the most."
    return f"{said} Which of them keeps the most, these runs do not tell."


def hard(runs: Sequence[Seen], classes: Sequence[str]) -> str:
    """The classes that are recognised least and most."""
    each = [median(s.classes[i] for s in runs) for i in range(len(classes))]
    order = sorted(range(len(classes)), key=lambda i: each[i])
    low, high = order[0], order[-1]
    said = (
        f"Recognised least is class {classes[low]} ({percent(each[low])}), most "
        f"class {classes[high]} ({percent(each[high])}; medians)."
    )
    behind = [classes[i] for i in order if all(s.classes[i] < s.accuracy for s in runs)]
    if behind:
        return f"{said} Below the overall accuracy in every run: {listed(behind)}."
    return f"{said} No class is below the overall accuracy in every run."


def unfinished(study: Study, runs: Runs) -> list[str]:
    """Arms that were to be stopped at their best and ended before it: still improving."""
    waiting = {arm.name for arm in study.arms if arm.plan.get("stop") is not None}
    late = [
        arm
        for arm, of in runs.items()
        if arm in waiting and any(s.best_epoch == s.planned for s in of)
    ]
    if not late:
        return []
    return [
        f"Still improving at the last epoch, so that more may be in it: {listed(late)}."
    ]
