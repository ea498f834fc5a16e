"""Which variant of a set each submission answers: what it records, or what the staff says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from solver.core import BadInput
from solver.courses.records import Submission
from solver.sets import ProblemSet
from solver.varied import label_of, read_label

EITHER = "either by --variant or by name: one of the two says which variant it is"


def labelled(
    whole: ProblemSet,
    submissions: Iterable[Submission],
    variant: str = "",
    by_name: bool = False,
) -> Iterator[Submission]:
    """Each submission under the label of its variant: the one that is given here, its
    student's own, or the one that its hand-out records; else the set's own.

    What it records otherwise is said, and so is what is no variant. A set without
    variants has none to tell apart.
    """
    if variant and by_name:
        raise BadInput(EITHER)
    wanted = read_label(variant)
    for one in submissions:
        if not whole.varied:
            yield one
            continue
        label = label_of(one.student) if by_name else wanted
        said = ""
        try:
            recorded = read_label(one.variant)
        except BadInput as e:
            recorded, said = "", f"{e.message}; it is marked as {called(label)}"
        if not (variant or by_name):
            label = recorded
        elif recorded and recorded != label:
            said = (
                f"its hand-out says {called(recorded)}; it is marked as {called(label)}"
            )
        unread = (*one.unread, said) if said else one.unread
        yield replace(one, variant=label, unread=unread)


def called(label: str) -> str:
    """A label as a sentence names it."""
    return f"variant {label}" if label else "the set without variants"
