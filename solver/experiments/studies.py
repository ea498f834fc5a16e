"""The experiments, each a function from an image's shape and the classes to a Study.

Networks are those of the problem sets, their kernels and maps smaller on small images.
"""

from __future__ import annotations

from solver.experiments.moved import AS_IT_IS, quarter_turns, upward
from solver.experiments.study import Arm, Study, study
from solver.training.stopping import Patience

Shape = tuple[int, ...]
FAST = ("epochs", "updates", "seconds", "accuracy")


def small(shape: Shape) -> bool:
    """Whether the images are no larger than the shipped digits', or not much."""
    return shape[-1] < 20


def dense(*hidden: int, classes: int, dropout: float = 0) -> str:
    """A fully connected network with ReLU between."""
    drop = f", dropout {dropout:g}" if dropout else ""
    layers = "".join(f"linear {n}, relu{drop}, " for n in hidden)
    return f"flatten, {layers}linear {classes}"


def cnn2(shape: Shape, classes: int) -> str:
    """One convolution, pooling, and a dense layer: 64 of 7×7 on 28×28."""
    conv = "conv 16 k3" if small(shape) else "conv 64 k7"
    return f"{conv}, relu, maxpool 2, flatten, linear {classes}"


def cnn3(shape: Shape, classes: int) -> str:
    """A second convolution, of 2×2, and pooling in between."""
    first, second = ("conv 16 k3", 32) if small(shape) else ("conv 64 k7", 128)
    return (
        f"{first}, relu, maxpool 2, conv {second} k2, relu, maxpool 2, flatten, "
        f"linear {classes}"
    )


def lenet(shape: Shape, classes: int) -> str:
    """Two convolutions and three dense layers."""
    if small(shape):
        return (
            f"conv 6 k3 p1, relu, maxpool 2, conv 16 k3, relu, flatten, {head(classes)}"
        )
    return f"conv 6 k5, relu, maxpool 2, conv 16 k5, relu, maxpool 2, flatten, {head(classes)}"


def head(classes: int) -> str:
    return f"linear 120, relu, linear 84, relu, linear {classes}"


@study("batch-epochs")
def batch_epochs(shape: Shape, classes: int) -> Study:
    """Batches of 4 and 16 for 5 and 20 epochs: what do batch size and epochs change?"""
    alpha = 0.01 if small(shape) else 0.001
    arms = tuple(
        Arm(
            f"batch {batch}, {epochs} epochs", lenet(shape, classes),
            {"batch": batch, "epochs": epochs, "rule": "momentum", "alpha": alpha},
        )
        for batch in (4, 16)
        for epochs in (5, 20)
    )  # fmt: skip
    return Study(
        "What do the batch size and the number of epochs change?",
        "batch size and epochs", arms, ("accuracy", "loss"), (), ("loss", *FAST),
    )  # fmt: skip


@study("batch-size")
def batch_size(shape: Shape, classes: int) -> Study:
    """Batches of 1 to 500 and early stopping: accuracy, time and updates to the best."""
    arms = tuple(
        Arm(
            f"batch {batch}", dense(32, classes=classes),
            {"batch": batch, "epochs": 200, "rule": "sgd", "alpha": 0.05,
             "stop": Patience(3)},
        )
        for batch in (1, 5, 50, 500)
    )  # fmt: skip
    return Study(
        "Do small batches train faster, and large ones to a higher accuracy?",
        "batch size", arms, ("accuracy", "seconds"), ("best_epoch", "updates_to_best"),
        ("best_epoch", "updates_to_best", "seconds", "accuracy"), "validation loss",
    )  # fmt: skip


@study("early-stopping")
def early_stopping(shape: Shape, classes: int) -> Study:
    """Patience of 1, 3 and 5 epochs against 40 epochs: what comes after the stop?"""
    plan = {"batch": 5, "epochs": 40, "rule": "sgd", "alpha": 0.05}
    rules = [(f"patience {k}", Patience(k)) for k in (1, 3, 5)]
    arms = tuple(
        Arm(name, dense(64, classes=classes), {**plan, "stop": stop})
        for name, stop in [*rules, ("no stopping", None)]
    )
    return Study(
        "What does early stopping save, and what does too little patience cost?",
        "patience", arms, ("accuracy",), ("epochs",),
        ("epochs", "best_epoch", "training_accuracy", "accuracy"), "test accuracy", follow=True,
    )  # fmt: skip


@study("momentum")
def momentum(shape: Shape, classes: int) -> Study:
    """Momentum 0.1 to 0.9 at one learning rate: how fast does the training loss fall?"""
    arms = tuple(
        Arm(
            f"momentum {mu:g}", dense(32, classes=classes),
            {"batch": 32, "epochs": 15, "rule": "momentum", "alpha": 0.02,
             "constants": {"mu": mu}},
        )
        for mu in (0.1, 0.3, 0.5, 0.7, 0.9)
    )  # fmt: skip
    return Study(
        "Which momentum factor lowers the training loss fastest?",
        "momentum factor", arms, ("loss", "accuracy"), ("loss",), ("loss", "accuracy"),
        note="The learning rate is the same, so that a factor of μ makes steps up to "
        "1/(1 − μ) times as long.",
    )  # fmt: skip


@study("dropout")
def dropout(shape: Shape, classes: int) -> Study:
    """Ten dropout probabilities from 0 to 1, both included."""
    arms = tuple(
        Arm(
            f"p={i / 9:.3g}",
            dense(64, classes=classes, dropout=i / 9),
            {"epochs": 5, "alpha": 0.01},
        )
        for i in range(10)
    )
    return Study(
        "Which share of the hidden units should be dropped?",
        "dropout probability", arms, ("accuracy",), ("loss",), ("loss", "accuracy"),
    )  # fmt: skip


@study("hidden-units")
def hidden_units(shape: Shape, classes: int) -> Study:
    """One budget of hidden units, spent on one, two or three layers."""
    arms = tuple(
        Arm(
            "-".join(map(str, hidden)), dense(*hidden, classes=classes, dropout=0.1),
            {"epochs": 15, "alpha": 0.005},
        )
        for hidden in ((96,), (60, 36), (48, 28, 20))
    )  # fmt: skip
    return Study(
        "Are 96 hidden units better in one layer or in several?",
        "depth", arms, ("accuracy", "parameters"), (), ("parameters", "loss", "accuracy"),
    )  # fmt: skip


@study("parameter-budget")
def parameter_budget(shape: Shape, classes: int) -> Study:
    """Three convolutional networks of about as many parameters, spent differently."""
    if small(shape):
        nets = {
            "one wide layer": f"conv 16 k3 p1, bn, relu, maxpool 2, flatten, linear {classes}",
            "two layers": f"conv 8 k3 p1, bn, relu, maxpool 2, conv 22 k3 p1, bn, relu, "
            f"maxpool 2, flatten, linear {classes}",
            "dense head": f"conv 3 k3 p1, bn, relu, maxpool 2, flatten, linear 45, relu, "
            f"linear {classes}",
        }
    else:
        nets = {
            "one wide layer": f"conv 13 k3 p1, bn, relu, maxpool 2, flatten, linear {classes}",
            "two layers": f"conv 8 k3 p1, bn, relu, maxpool 2, conv 8 k3 p1, bn, relu, "
            f"maxpool 2, flatten, linear 64, relu, linear {classes}",
            "dense head": f"conv 2 k3 p1, bn, relu, maxpool 2, flatten, linear 64, relu, "
            f"linear {classes}",
        }
    plan = {"epochs": 10, "alpha": 0.01}
    return Study(
        "What should a budget of parameters be spent on?",
        "network", tuple(Arm(name, net, plan) for name, net in nets.items()),
        ("accuracy",), (), ("parameters", "seconds", "accuracy"),
    )  # fmt: skip


@study("regularisers")
def regularisers(shape: Shape, classes: int) -> Study:
    """A small convolutional network plain, with batch norm, dropout, weight decay, all."""

    def net(norm: bool, drop: bool) -> str:
        bn, dropped = ("bn, " if norm else ""), ("dropout 0.2, " if drop else "")
        return (
            f"conv 8 k3 p1, {bn}relu, maxpool 2, {dropped}conv 8 k3 p1, {bn}relu, "
            f"maxpool 2, {dropped}flatten, linear 64, relu, linear {classes}"
        )

    arms = [
        ("plain", net(False, False), 0.0), ("batch norm", net(True, False), 0.0),
        ("dropout", net(False, True), 0.0), ("weight decay", net(False, False), 0.01),
        ("all three", net(True, True), 0.01),
    ]  # fmt: skip
    return Study(
        "Which regulariser helps a small network most in ten epochs?",
        "regulariser",
        tuple(
            Arm(name, of, {"epochs": 10, "rule": "adamw", "alpha": 0.005, "decay": decay})
            for name, of, decay in arms
        ),
        ("accuracy", "loss"), (), ("parameters", "loss", "accuracy"),
    )  # fmt: skip


@study("moved-images")
def moved_images(shape: Shape, classes: int) -> Study:
    """A dense network and two convolutional ones on test images moved up and turned."""
    plan = {"epochs": 10, "alpha": 0.005}
    hidden = 64 if small(shape) else 128
    return Study(
        "How well do they do on images that are moved up or turned?",
        "network",
        (
            Arm("dense", dense(hidden, classes=classes), plan),
            Arm("2 layers, convolution", cnn2(shape, classes), plan),
            Arm("3 layers, convolution", cnn3(shape, classes), plan),
        ),
        ("accuracy",), (), ("parameters", "accuracy"),
        looks=(AS_IT_IS, upward(shape[1]), *quarter_turns()),
    )  # fmt: skip


@study("classes")
def classes_of_images(shape: Shape, classes: int) -> Study:
    """The accuracy of each class: which are taken for others?"""
    net = f"conv 16 k3 p1, bn, relu, maxpool 2, flatten, dropout 0.2, linear {classes}"
    return Study(
        "Which classes are hard?",
        "network", (Arm("small convolutional network", net, {"epochs": 8, "alpha": 0.01}),),
        (), (), ("parameters", "accuracy"), by_class=True,
    )  # fmt: skip
