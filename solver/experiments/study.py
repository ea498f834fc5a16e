"""What an experiment is: arms that differ in one thing, each run with several seeds.

A Study asks a question; `measured` runs one arm with one seed and returns a Seen, whose
numbers follow from the seed alone, but for the seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from solver.experiments.moved import AS_IT_IS, Look
from solver.networks.notation import read_net
from solver.numeric.convolution.threads import BlasThreads
from solver.numeric.plain import Array
from solver.registry import Registry
from solver.training.data import Data
from solver.training.fitting import (
    Epoch,
    Plan,
    Run,
    Task,
    begin,
    evaluated,
    go_on,
    prepared,
)
from solver.training.passes import ahead

Parts = tuple[Data, Data, Data]  # to train on, to validate on, to judge by


@dataclass(frozen=True)
class Arm:
    """One setting of the experiment: a network behind its input, and its training."""

    name: str
    net: str
    plan: Mapping[str, Any] = field(default_factory=dict)

    def text(self, shape: tuple[int, ...]) -> str:
        """The network in the short notation, on images of this shape."""
        return f"{'x'.join(map(str, shape))}: {self.net}"


@dataclass(frozen=True)
class Study:
    """A question, its arms, and what of each run is looked at.

    `factor` names what differs; `compares` are the measures of MEASURES that the findings
    speak of; `trends` those that are asked whether they rise or fall from arm to arm;
    `curve` is the measure by epochs that the figure shows; `looks` are the ways in which
    the test images are shown, the first as they are. `follow` asks for the test accuracy
    after every epoch as well.
    """

    question: str
    factor: str
    arms: tuple[Arm, ...]
    compares: tuple[str, ...] = ("accuracy",)
    trends: tuple[str, ...] = ()
    columns: tuple[str, ...] = ("parameters", "epochs", "accuracy")
    curve: str = "loss"
    looks: tuple[Look, ...] = (AS_IT_IS,)
    follow: bool = False
    by_class: bool = False
    note: str = ""


@dataclass(frozen=True)
class Seen:
    """What one run came to."""

    arm: str
    seed: int
    parameters: int
    epochs: int
    best_epoch: int
    planned: int  # epochs that it would have gone on
    updates: int  # in the whole run
    updates_to_best: int
    seconds: float
    loss: float  # training loss of the last epoch
    accuracies: tuple[float, ...]  # of the best weights on the test images, a look each
    history: Mapping[str, tuple[float, ...]]  # by epoch
    classes: tuple[float, ...] = ()  # accuracy of each class, where it is asked for

    @property
    def accuracy(self) -> float:
        """On the test images as they are."""
        return self.accuracies[0]

    @property
    def training_accuracy(self) -> float:
        return self.history["training accuracy"][-1]


MEASURES = {  # a Seen's number -> (at the head of a column, in a sentence)
    "parameters": ("parameters", "number of parameters"),
    "epochs": ("epochs", "number of epochs"),
    "best_epoch": ("best epoch", "best epoch"),
    "updates": ("updates", "number of updates"),
    "updates_to_best": ("updates to best", "number of updates to the best epoch"),
    "seconds": ("seconds", "time of training"),
    "loss": ("training loss", "training loss"),
    "training_accuracy": ("training accuracy", "training accuracy"),
    "accuracy": ("test accuracy", "test accuracy"),
}
Build = Callable[[tuple[int, ...], int], Study]
STUDIES = Registry(
    "experiment",
    dict.fromkeys(
        (
            "batch-epochs", "batch-size", "early-stopping", "momentum", "dropout",
            "hidden-units", "parameter-budget", "regularisers", "moved-images", "classes",
        ),
        "solver.experiments.studies",
    ),
)  # fmt: skip
study = STUDIES  # @study("momentum") def momentum(shape, classes) -> Study


def measured(whole: Study, arm: Arm, seed: int, parts: Parts) -> Seen:
    """One arm trained with one seed, and judged."""
    learnt, held, test = parts
    net = read_net(arm.text(learnt.shape))
    task = prepared(net, learnt, held, Plan(seed=seed, **arm.plan))
    run = begin(task)
    followed: list[float] = []

    def tell(task: Task, run: Run) -> None:
        if run.at == 0 and whole.follow:
            followed.append(evaluated(task, run.weights, test)[1])

    begun = time.perf_counter()
    go_on(task, run, tell)
    seconds = time.perf_counter() - begun
    with BlasThreads(1):
        seen = tuple(evaluated(task, run.best, look(test))[1] for look in whole.looks)
        each = by_class(task, run, test) if whole.by_class else ()
    return Seen(
        arm.name, seed, task.parameters, run.epoch, run.best_epoch, task.plan.epochs, run.step,
        run.best_epoch * task.batches, seconds, run.history[-1].loss, seen,
        histories(run.history, followed), each,
    )  # fmt: skip


def histories(
    epochs: list[Epoch], followed: list[float]
) -> dict[str, tuple[float, ...]]:
    """Each measure by epoch."""
    found = {
        "loss": tuple(e.loss for e in epochs),
        "training accuracy": tuple(e.accuracy for e in epochs),
        "validation loss": tuple(e.validation_loss or 0.0 for e in epochs),
        "validation accuracy": tuple(e.validation_accuracy or 0.0 for e in epochs),
    }
    return {**found, "test accuracy": tuple(followed)} if followed else found


def by_class(task: Task, run: Run, test: Data) -> tuple[float, ...]:
    """The share of each class's images that are taken for it."""
    right: Array = np.zeros(len(test.classes))
    for at in range(0, len(test), task.plan.batch):
        x, labels = task.batch(test, slice(at, at + task.plan.batch))
        hits = ahead(task.layer, x, run.best).argmax(axis=1) == labels
        right += np.bincount(labels[hits], minlength=len(right))
    return tuple(float(r / n) for r, n in zip(right, test.counts()))
