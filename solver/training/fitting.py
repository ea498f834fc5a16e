"""The loop: mini-batches in a seeded order, each a step of the update rule.

`fit` trains a network; `begin` and `go_on` are its two halves, so that a run read from a
checkpoint goes on where it was. All that is random follows from the seed: the weights at
first, the order of each epoch, and what dropout drops at each step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from solver.core import BadInput
from solver.networks.layers import Layer, Row, show_shape
from solver.networks.net import Net
from solver.networks.norm import BatchNorm
from solver.networks.pointwise import Activation
from solver.numeric.convolution.threads import BlasThreads
from solver.numeric.forward import rows_of
from solver.numeric.plain import Array
from solver.registry import unknown
from solver.training import stopping
from solver.training.data import SCALES, Data, Scale
from solver.training.optimisers import RULES, Optimiser, States, optimiser
from solver.training.passes import (
    LOSSES,
    Watch,
    Weights,
    ahead,
    first_wrong,
    lost,
    refused,
    through,
    trainable,
)
from solver.training.schedules import Schedule
from solver.training.stopping import Stop
from solver.training.weights import INITIAL, affordable, initial, learned, tensors

DTYPES = {"float32": np.float32, "float64": np.float64}


@dataclass(frozen=True)
class Plan:
    """How to train: what, besides data and network, the numbers depend on."""

    epochs: int = 20
    batch: int = 32
    rule: str = "adam"
    alpha: float | None = None
    constants: Mapping[str, float] = field(default_factory=dict)
    decay: float | None = None  # the rule's usual one: 0, of AdamW 0.01
    schedule: Schedule = Schedule()
    stop: Stop | None = None
    loss: str = "cross-entropy"
    initial: str = "he"
    scale: str = "unit"
    clip: float | None = None
    seed: int = 0
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for what, given, known in (
            ("update rule (--rule)", self.rule, RULES),
            ("loss (--loss)", self.loss, LOSSES),
            ("way to start (--init)", self.initial, INITIAL),
            ("scale (--scale)", self.scale, SCALES),
            ("type of number (--dtype)", self.dtype, DTYPES),
        ):
            if given not in known:
                raise unknown(what, given, list(known))
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} is 1 or more, not {getattr(self, name)}")
        if self.seed < 0:
            raise BadInput(f"a seed is 0 or more, not {self.seed}")
        for name in ("alpha", "clip"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise BadInput(f"{name} is a number above 0, not {value:g}")
        if self.decay is not None and not 0 <= self.decay < math.inf:
            raise BadInput(f"decay is a number of 0 or more, not {self.decay:g}")

    @property
    def rate(self) -> float:
        """The learning rate α₀: the rule's usual one unless given."""
        return RULES[self.rule][1] if self.alpha is None else self.alpha


@dataclass(frozen=True)
class Epoch:
    """What is noted of an epoch; the training part's numbers are means over its batches,
    taken while the weights moved and dropout dropped."""

    epoch: int
    rate: float
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float


@dataclass(eq=False, repr=False)
class Run:
    """Where a training is: all that it needs to go on."""

    weights: Weights
    states: States
    random: dict[str, Any]  # the generator's state before this epoch's order is drawn
    best: Weights = field(default_factory=dict)
    best_epoch: int = 0  # from 1; 0 before the first epoch has ended
    history: list[Epoch] = field(default_factory=list)
    step: int = 0  # updates made
    at: int = 0  # of them in this epoch
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])  # loss, right, s
    stopped: str = ""

    @property
    def epoch(self) -> int:
        """Epochs that have ended."""
        return len(self.history)


@dataclass(frozen=True, eq=False, repr=False)
class Task:
    """A network with the data that it is to learn, checked against each other."""

    layer: Layer
    shape: tuple[int, ...]  # of one image, as the network takes it
    rows: list[Row]
    train: Data
    validation: Data | None
    plan: Plan
    scale: Scale
    rule: Optimiser
    memory: int
    learned: dict[str, tuple[int, ...]]

    @property
    def batches(self) -> int:
        """In an epoch; the last may be smaller."""
        return -(-len(self.train) // self.plan.batch)

    @property
    def parameters(self) -> int:
        """Numbers that are trained."""
        return sum(map(prod, self.learned.values()))

    @property
    def heads(self) -> int:
        """Parameters of side heads, which have no loss here and stay as they began."""
        every = {t.name: prod(shape) for t, shape in tensors(self.rows) if t.learned}
        return sum(every.values()) - self.parameters

    def batch(self, data: Data, which: Any) -> tuple[Array, Array]:
        """Some images, scaled and in the network's shape, and their labels."""
        x = self.scale(data.images[which], DTYPES[self.plan.dtype])
        return x.reshape(len(x), *self.shape), data.labels[which]


Tell = Callable[[Task, Run], None]


def fit(
    net: Net,
    train: Data,
    validation: Data | None = None,
    plan: Plan | None = None,
    tell: Tell | None = None,
) -> tuple[Task, Run]:
    """Train a network on images; the run's `best` are the weights to take.

    They are those of the epoch with the lowest validation loss, or the last where there
    is no validation part. `tell` is called after each step and at the end of each epoch.
    """
    task = prepared(net, train, validation, plan or Plan())
    run = begin(task)
    go_on(task, run, tell)
    return task, run


# -- before the first step -----------------------------------------------------------


def prepared(net: Net, train: Data, validation: Data | None, plan: Plan) -> Task:
    """Everything checked that can be, and the memory counted, before a number moves."""
    if not len(train):
        raise BadInput(f"{train.name}: there are no images to train on")
    if plan.stop is not None and validation is None:
        raise BadInput("to stop early, a validation part is needed")
    if validation is not None and validation.shape != train.shape:
        raise BadInput(
            f"the validation images are {show_shape(validation.shape)}, those to train on "
            f"{show_shape(train.shape)}"
        )
    shape = taken(net, train)
    batch = min(plan.batch, len(train))
    rows = rows_of(net.layer, (batch, *shape))
    trainable(rows)
    ends(rows, batch, train, plan)
    single(rows, batch, len(train))
    rule = optimiser(plan.rule, plan.constants, plan.decay)
    itemsize = np.dtype(DTYPES[plan.dtype]).itemsize
    return Task(
        net.layer,
        shape,
        rows,
        train,
        validation,
        plan,
        SCALES[plan.scale](train),
        rule,
        affordable(rows, len(rule.zero), itemsize, plan.batch),
        learned(rows),
    )


def taken(net: Net, data: Data) -> tuple[int, ...]:
    """The shape in which the network takes an image: the data's, or its values in a row."""
    wanted, given = net.input, data.shape
    if len(wanted) == 1 and wanted[0] == prod(given):
        return (prod(given),)
    fits = len(wanted) == len(given) and all(
        w == g or not isinstance(w, int) for w, g in zip(wanted, given)
    )
    if not fits:
        shape = "x".join(map(str, given))
        raise BadInput(
            f"the network takes {show_shape(wanted)}, and the images of {data.name} are "
            f"{show_shape(given)}: write NET @ {shape}, or the layers behind {shape}:"
        )
    return tuple(given)


def ends(rows: list[Row], batch: int, data: Data, plan: Plan) -> None:
    """Refuse an output that is not one number a class, and a softmax before the loss's."""
    end = [row for row in rows if not row.beside][-1]
    out, last = end.out, end.layer
    many = len(data.classes)
    if out != (batch, many):
        raise BadInput(
            f"the network's output for {batch} images is {show_shape(out)}, and "
            f"{data.name} has {many} classes: {batch}×{many} is needed; end it with "
            f"flatten, linear {many}"
        )
    over = ("softmax", "softmin")
    softmax = isinstance(last, Activation) and last.function in over
    if softmax and plan.loss == "cross-entropy":
        raise BadInput(
            f"the network ends in {end.name}, and cross-entropy here takes the "
            "softmax itself: leave the last layer out (the predictions stay the same), or "
            "take --loss mse"
        )


def single(rows: list[Row], batch: int, images: int) -> None:
    """Refuse a batch that leaves batch norm a single value, which has no variance."""
    least = images % batch or batch
    for row in rows:
        if isinstance(row.layer, BatchNorm) and least * prod(row.inputs[0][2:]) == 1:
            raise BadInput(
                f"the last batch of {images} images in batches of {batch} is a single "
                f"one, of which {row.name} cannot take a variance: change --batch"
            )


def begin(task: Task) -> Run:
    """The run before its first step: weights drawn by the seed."""
    random = np.random.default_rng(task.plan.seed)
    dtype = DTYPES[task.plan.dtype]
    weights = initial(task.rows, task.plan.initial, random, dtype)
    states = task.rule.start({name: weights[name] for name in task.learned})
    return Run(weights, states, dict(random.bit_generator.state), dict(weights))


# -- the loop ------------------------------------------------------------------------


def go_on(task: Task, run: Run, tell: Tell | None = None) -> Run:
    """Train until the plan's last epoch, or until its rule stops it.

    BLAS gets one thread: small products are slower with more, and the sums of a batch
    do not depend on how many there are.
    """
    random = np.random.default_rng()
    # what is no number is looked for, and named
    with BlasThreads(1), np.errstate(all="ignore"):
        while run.epoch < task.plan.epochs and not run.stopped:
            random.bit_generator.state = run.random
            order = random.permutation(len(task.train))
            while run.at < task.batches:
                begun = time.perf_counter()
                start = run.at * task.plan.batch
                advance(task, run, order[start : start + task.plan.batch])
                run.sums[2] += time.perf_counter() - begun
                if tell is not None and run.at < task.batches:
                    tell(task, run)
            run.random = dict(random.bit_generator.state)
            close(task, run)
            if tell is not None:
                tell(task, run)
    return run


def rate(task: Task, run: Run) -> float:
    """The learning rate of the epoch that the run is in."""
    return task.plan.schedule(task.plan.rate, run.epoch, task.plan.epochs)


def advance(task: Task, run: Run, which: Array) -> None:
    """One step: forward and back on a batch, then every weight by the rule."""
    x, labels = task.batch(task.train, which)
    run.step += 1
    seed = step_seed(task.plan.seed, run.step)
    watch = Watch(run.weights)
    y, back = through(task.layer, x, run.weights, seed, watch)
    found, slope = lost(task.plan.loss, y, labels)
    said = watch.wrong or ("" if math.isfinite(found) else "the loss is no number")
    if not said:
        _, gradients = back(slope)
        said = first_wrong(gradients, "gradient of")
    if said:
        raise refused(said, run.epoch + 1, run.at + 1)
    gradients = clipped(gradients, task.plan.clip)
    alpha = rate(task, run)
    new = watch.averages()
    for name, g in gradients.items():
        w = run.weights[name]
        g = g.astype(w.dtype, copy=False)
        new[name] = task.rule.step(w, g, run.states[name], run.step, alpha)
    run.weights = {**run.weights, **new}
    run.at += 1
    run.sums[0] += found * len(labels)
    run.sums[1] += int((y.argmax(axis=1) == labels).sum())


def step_seed(seed: int, step: int) -> int:
    """What dropout draws from at this step."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0])


def clipped(gradients: Weights, most: float | None) -> Weights:
    """All gradients shrunk alike where their common norm is above `most`
    (arXiv:1211.5063)."""
    if most is None:
        return gradients
    norm = math.sqrt(
        sum(float((g.astype(np.float64) ** 2).sum()) for g in gradients.values())
    )
    if norm <= most:
        return gradients
    return {name: g * (most / norm) for name, g in gradients.items()}


def close(task: Task, run: Run) -> None:
    """The end of an epoch: what it came to, whether it is the best, whether to stop."""
    n = len(task.train)
    begun = time.perf_counter()
    held, right_held = None, None
    said = first_wrong(run.weights, "weights")
    if not said and task.validation is not None:
        held, right_held = evaluated(task, run.weights, task.validation)
        said = "" if math.isfinite(held) else "the validation loss is no number"
    if said:
        raise refused(said, run.epoch + 1, run.at)
    seconds = run.sums[2] + time.perf_counter() - begun
    alpha, (total, right, _) = rate(task, run), run.sums
    run.history.append(
        Epoch(run.epoch + 1, alpha, total / n, right / n, held, right_held, seconds)
    )
    run.at, run.sums = 0, [0.0, 0.0, 0.0]
    losses = [e.validation_loss for e in run.history if e.validation_loss is not None]
    if not losses or stopping.best(losses) == len(losses) - 1:
        run.best, run.best_epoch = dict(run.weights), run.epoch
    if task.plan.stop is not None and task.plan.stop(losses):
        run.stopped = f"stopped after epoch {run.epoch}: {task.plan.stop}"


def evaluated(task: Task, weights: Weights, data: Data) -> tuple[float, float]:
    """(mean loss, accuracy) of these weights, in inference."""
    if not len(data):
        raise BadInput(f"{data.name}: there are no images to evaluate on")
    total, right = 0.0, 0
    with np.errstate(all="ignore"):
        for at in range(0, len(data), task.plan.batch):
            x, labels = task.batch(data, slice(at, at + task.plan.batch))
            y = ahead(task.layer, x, weights)
            total += lost(task.plan.loss, y, labels)[0] * len(labels)
            right += int((y.argmax(axis=1) == labels).sum())
    return total / len(data), right / len(data)
