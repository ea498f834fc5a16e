"""Training: what is learned, that it repeats, what batch norm and dropout do, bad input.

The accuracies that are stated here must not be reached by a gradient or labels that are
wrong: a test that anything passes would say nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from solver.core import BadInput
from solver.networks.notation import read_net
from solver.numeric import losses, memory
from solver.numeric.backward import pulled
from solver.numeric.forward import forward, rows_of
from solver.numeric.plain_layers import batch_statistics
from solver.training import fitting, passes
from solver.training.data import Data, digits, split
from solver.training.fitting import (
    Plan,
    Run,
    Task,
    advance,
    begin,
    evaluated,
    fit,
    prepared,
)
from solver.training.passes import lost
from solver.training.schedules import read_schedule
from solver.training.stopping import Patience
from solver.training.weights import estimate, initial

TWO_LAYERS = "64: linear 64, relu, linear 10"
CNN = "1x8x8: conv 16 k3 p1, relu, maxpool 2, flatten, linear 10"
STATED = {
    TWO_LAYERS: (Plan(epochs=15, alpha=0.005), 0.96),
    CNN: (Plan(epochs=5, alpha=0.01), 0.96),
}


@pytest.fixture(scope="module")
def parts() -> tuple[Data, Data, Data]:
    rest, test = split(digits(), 0.2)
    return (*split(rest, 0.2), test)


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[n], b[n]) for n in a)


# -- what is learned -----------------------------------------------------------------


@pytest.mark.parametrize("net", STATED)
def test_the_digits_are_learned_to_the_stated_accuracy(net: str, parts: Any) -> None:
    train, validation, test = parts
    plan, stated = STATED[net]
    task, run = fit(read_net(net), train, validation, plan)
    assert evaluated(task, run.best, test)[1] >= stated
    assert run.history[0].loss > 3 * run.history[-1].loss
    assert all(w.dtype == np.float32 for w in run.best.values())


def test_the_same_seed_gives_the_same_numbers(parts: Any) -> None:
    train, validation, _ = parts
    net = "1x8x8: conv 4 k3, bn, relu, dropout 0.3, flatten, linear 10"
    runs = [
        fit(read_net(net), train[:200], validation[:50], Plan(epochs=2, seed=s))[1]
        for s in (1, 1, 2)
    ]
    assert same(runs[0].weights, runs[1].weights) and same(
        runs[0].states["fc1.bias"], runs[1].states["fc1.bias"]
    )
    assert [e.loss for e in runs[0].history] == [e.loss for e in runs[1].history]
    assert not same(runs[0].weights, runs[2].weights)


def test_shuffled_labels_do_not_reach_it(parts: Any) -> None:
    train, validation, test = parts
    random = np.random.default_rng(0)
    other = Data(
        train.images, random.permutation(train.labels), train.classes, "shuffled"
    )
    task, run = fit(read_net(TWO_LAYERS), other, validation, STATED[TWO_LAYERS][0])
    assert evaluated(task, run.best, test)[1] < 0.4


def test_a_broken_gradient_does_not_reach_it(
    parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, validation, test = parts

    def broken(*given: Any, **more: Any) -> Any:
        y, back = pulled(*given, **more)

        def turned(gradient: Any) -> Any:
            of_x, of_w = back(gradient)
            of_w["fc2.weight"] = of_w["fc2.weight"][::-1]
            return of_x, of_w

        return y, turned

    monkeypatch.setattr(passes, "pulled", broken)
    task, run = fit(read_net(TWO_LAYERS), train, validation, STATED[TWO_LAYERS][0])
    assert evaluated(task, run.best, test)[1] < STATED[TWO_LAYERS][1]


def test_one_step_by_hand() -> None:
    """w − α ∂L/∂w of a linear layer: ∂L/∂W = (p − t)ᵀ x/N (CS231n, softmax classifier)."""
    images = np.array([[[[1, 2]]], [[[3, -1]]]], float)
    data = Data(images, np.array([1, 0]), ("a", "b"), "two", largest=1)
    plan = Plan(
        epochs=1, batch=2, rule="sgd", alpha=0.5, initial="zero", dtype="float64"
    )
    task, run = fit(read_net("2: linear 2"), data, None, plan)
    x, p_less_t = images.reshape(2, 2), np.array([[0.5, -0.5], [-0.5, 0.5]])
    assert run.weights["fc1.weight"] == pytest.approx(-0.5 * p_less_t.T @ x / 2)
    assert run.history[0].loss == pytest.approx(np.log(2))


def test_every_image_is_seen_once_an_epoch(
    parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = parts[0][:70]
    seen: list[list[int]] = []
    real = fitting.advance

    def noted(task: Task, run: Run, which: Any) -> None:
        seen.append(list(which))
        real(task, run, which)

    monkeypatch.setattr(fitting, "advance", noted)
    _, run = fit(read_net("64: linear 10"), train, None, Plan(epochs=2, batch=32))
    assert [len(b) for b in seen] == [32, 32, 6] * 2 and run.step == 6
    first, second = sum(seen[:3], []), sum(seen[3:], [])
    assert sorted(first) == sorted(second) == list(range(70)) and first != second


def test_clipping_keeps_the_direction() -> None:
    g = {"a": np.array([3.0, 0.0]), "b": np.array([[4.0]])}
    found = fitting.clipped(g, 1)
    assert found["a"] == pytest.approx([0.6, 0]) and found["b"] == pytest.approx(0.8)
    assert fitting.clipped(g, 5.0) is g and fitting.clipped(g, None) is g


def test_the_best_epoch_is_kept_and_patience_ends(parts: Any) -> None:
    train, validation, _ = parts
    plan = Plan(epochs=40, alpha=0.05, stop=Patience(2))
    task, run = fit(read_net(TWO_LAYERS), train[:300], validation, plan)
    losses = [e.validation_loss for e in run.history]
    assert run.epoch == run.best_epoch + 2 < 40 and "patience" in run.stopped
    assert losses[run.best_epoch - 1] == min(x for x in losses if x is not None)
    found = evaluated(task, run.best, validation)
    assert found[0] == losses[run.best_epoch - 1] != losses[-1]


def test_the_schedule_is_followed(parts: Any) -> None:
    plan = Plan(epochs=4, alpha=0.1, rule="sgd", schedule=read_schedule("step:2,0.5"))
    _, run = fit(read_net("64: linear 10"), parts[0][:64], None, plan)
    assert [e.rate for e in run.history] == pytest.approx([0.1, 0.1, 0.05, 0.05])


def test_mean_squared_error_is_learned_too(parts: Any) -> None:
    train, validation, test = parts
    plan = Plan(epochs=8, alpha=0.005, loss="mse")
    task, run = fit(read_net(f"{TWO_LAYERS}, softmax"), train, validation, plan)
    assert evaluated(task, run.best, test)[1] > 0.9


# -- batch norm and dropout ----------------------------------------------------------


def test_batch_norm_learns_by_the_batch_and_infers_by_the_averages(parts: Any) -> None:
    train = parts[0][:64]
    net = read_net("1x8x8: conv 3 k3, bn, relu, flatten, linear 10")
    task = prepared(net, train, None, Plan(batch=64, dtype="float64"))
    run = begin(task)
    first = dict(run.weights)
    advance(task, run, np.arange(64))
    x, _ = task.batch(train, slice(0, 64))
    inside = forward(read_net("1x8x8: conv 3 k3").layer, x, weights={
        n: first[n] for n in ("conv1.weight", "conv1.bias")})  # fmt: skip
    mean, variance = batch_statistics(inside)
    n = inside.size // 3
    # PyTorch's momentum of 0.1, the new variance unbiased
    assert run.weights["bn1.mean"] == pytest.approx(0.1 * mean)
    assert run.weights["bn1.variance"] == pytest.approx(
        0.9 + 0.1 * variance * n / (n - 1)
    )
    assert run.weights["bn1.variance"] != pytest.approx(0.9 + 0.1 * variance, rel=1e-9)

    # inference does not depend on what else is in the batch, training does
    alone = forward(task.layer, x[:1], weights=run.weights)
    among = forward(task.layer, x, weights=run.weights)[:1]
    assert alone == pytest.approx(among)
    trained = forward(task.layer, x, weights=run.weights, training=True)[:1]
    assert trained != pytest.approx(among)


def test_dropout_drops_in_training_only_and_anew_each_step(parts: Any) -> None:
    net = read_net("64: dropout 0.5, linear 10")
    task = prepared(net, parts[0][:32], None, Plan(batch=32))
    run = begin(task)
    x, _ = task.batch(parts[0], slice(0, 32))
    dropped = [
        passes.through(task.layer, x, run.weights, fitting.step_seed(0, s))[0]
        for s in (1, 1, 2)
    ]
    assert np.array_equal(dropped[0], dropped[1]) and not np.array_equal(
        dropped[0], dropped[2]
    )
    plain = forward(read_net("64: linear 10").layer, x, weights=run.weights)
    assert np.array_equal(passes.ahead(task.layer, x, run.weights), plain)


def test_a_last_batch_of_one_image_is_refused_where_it_has_no_variance(
    parts: Any,
) -> None:
    net = read_net("64: linear 8, bn, linear 10")
    with pytest.raises(
        BadInput, match="single one, of which bn1 cannot take a variance"
    ):
        prepared(net, parts[0][:65], None, Plan(batch=32))
    prepared(net, parts[0][:66], None, Plan(batch=32))
    prepared(
        read_net("1x8x8: bn, flatten, linear 10"), parts[0][:65], None, Plan(batch=32)
    )


# -- initialisation ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "conv", "linear"),
    [
        pytest.param("he", 2 / 36, 2 / 2000, id="He, arXiv:1502.01852, eq. 10: 2/n"),
        pytest.param(
            "glorot", 2 / (36 + 450), 2 / 2100, id="Glorot 2010, eq. 12: 2/(n + m)"
        ),
        pytest.param("zero", 0, 0, id="zero"),
    ],
)
def test_initial_weights(how: str, conv: float, linear: float) -> None:
    net = read_net("4x8x7: conv 50 k3 p1, bn, relu, maxpool 4, flatten, linear 2000, linear 100")
    found = initial(rows_of(net.layer, (2, 4, 8, 7)), how, np.random.default_rng(1))
    assert found["conv1.weight"].var() == pytest.approx(conv, rel=0.1)
    assert found["fc2.weight"].var() == pytest.approx(linear, rel=0.02)
    for name, value in (("gamma", 1), ("beta", 0), ("mean", 0), ("variance", 1)):
        assert (found[f"bn1.{name}"] == value).all()
    assert (found["fc1.bias"] == 0).all() and found["fc1.bias"].dtype == np.float32


def test_a_deep_network_keeps_its_variance_by_he() -> None:
    layers = ", ".join(["linear 500, relu"] * 12)
    net = read_net(f"500: {layers}")
    x = np.random.default_rng(0).normal(size=(50, 500))
    w = initial(
        rows_of(net.layer, (50, 500)), "he", np.random.default_rng(1), np.float64
    )
    square = (forward(net.layer, x, weights=w) ** 2).mean()
    assert 0.2 < square < 5  # by Glorot it falls by 2 a layer, to 1/4096


# -- bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "plan", "message"),
    [
        ("lenet5-modern", {}, "takes 1×32×32, and the images of digits are 1×8×8"),
        (
            "63: linear 10",
            {},
            "takes 63, and the images of digits are 1×8×8.*NET @ 1x8x8",
        ),
        ("64: linear 9", {}, "output for 32 images is 32×9, and digits has 10 classes"),
        ("1x8x8: conv 10 k3", {}, "32×10×6×6.*flatten, linear 10"),
        ("1x8x8: conv 4 k9, flatten, linear 10", {}, "conv1: kernel 9 does not fit"),
        ("64: linear 10, softmax", {}, "ends in softmax1.*leave the last layer out"),
        ("1x8x8: flatten, rbf 10", {}, "patterns"),
        (
            "conv 4 k3, custom fft, flatten, linear 10",
            {},
            "custom1: there is no backward pass",
        ),
        (
            "1x8x8: conv c k3, flatten, linear 10",
            {},
            "conv1.weight is c×1×3×3: put in numbers",
        ),
        ("64: linear 10", {"rule": "adan"}, "did you mean adam"),
        ("64: linear 10", {"constants": {"mu": 0.5}}, "constant of adam"),
        ("64: linear 10", {"epochs": 0}, "epochs is 1 or more, not 0"),
        ("64: linear 10", {"batch": -1}, "batch is 1 or more, not -1"),
        (
            "64: linear 10",
            {"alpha": float("nan")},
            "alpha is a number above 0, not nan",
        ),
        ("64: linear 10", {"seed": -1}, "seed"),
        ("64: linear 10", {"initial": "hee"}, "did you mean he"),
        ("64: linear 10", {"stop": Patience(3)}, "validation part is needed"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    net: str, plan: Any, message: str, parts: Any
) -> None:
    with pytest.raises(BadInput, match=message):
        fit(read_net(net), parts[0][:64], None, Plan(**plan))


def test_sizes_beyond_memory_are_refused_before_anything_is_made(
    parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = read_net("64: linear 1000000000, relu, linear 10")
    with pytest.raises(BadInput, match=r"would take about 1.83 TiB, and .* are free"):
        prepared(huge, parts[0], None, Plan())

    net = read_net(TWO_LAYERS)
    rows = rows_of(net.layer, (32, 64))
    # 4 bytes of: 4,810 weights, their gradients, the best, Adam's two; outputs twice
    needed = 4 * (4810 * 5 + 2 * 32 * (64 + 64 + 64 + 10))
    assert estimate(rows, 2, 4) == needed
    monkeypatch.setattr(memory, "available", lambda: needed)
    assert prepared(net, parts[0], None, Plan()).memory == needed
    monkeypatch.setattr(memory, "available", lambda: needed - 1)
    with pytest.raises(BadInput, match="batch smaller than 32"):
        prepared(net, parts[0], None, Plan())


def test_no_number_on_the_way_is_named_with_its_layer(parts: Any) -> None:
    net = read_net("1x8x8: conv 4 k3, relu, flatten, linear 20, tanh, linear 10")
    with pytest.raises(
        BadInput, match=r"first appears in .*, in epoch 1, step 2: try a smaller"
    ):
        fit(net, parts[0][:96], None, Plan(rule="sgd", alpha=1e38))

    task = prepared(net, parts[0][:96], None, Plan())
    for name, at, message in [
        ("conv1.weight", np.nan, "NaN .* output of conv1, whose weight holds NaN"),
        ("fc1.bias", np.inf, "infinity .* output of fc1, whose bias holds infinity"),
        (
            "fc1.weight",
            3e38,
            "infinity .* output of fc1, in epoch 1",
        ),  # tanh would hide it
    ]:
        run = begin(task)
        run.weights[name] = np.full_like(run.weights[name], at)
        with np.errstate(all="ignore"), pytest.raises(BadInput, match=message):
            advance(task, run, np.arange(32))


def test_no_number_on_the_way_back_is_named(
    parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: Any, **more: Any) -> Any:
        y, back = pulled(*given, **more)

        def turned(gradient: Any) -> Any:
            of_x, of_w = back(gradient)
            return of_x, {**of_w, "fc1.bias": of_w["fc1.bias"] * np.nan}

        return y, turned

    monkeypatch.setattr(passes, "pulled", broken)
    with pytest.raises(BadInput, match="NaN first appears in the gradient of fc1.bias"):
        fit(read_net(TWO_LAYERS), parts[0][:32], None, Plan())


def test_the_loss_is_the_plain_one_in_the_outputs_type() -> None:
    y = np.array([[1.0, 2.0, 0.0], [-3.0, 0.5, 2.0]], np.float32)
    for name in passes.LOSSES:
        found, slope = lost(name, y, np.array([1, 0]))
        want, of_y = losses.loss(name, y.astype(float), np.eye(3)[[1, 0]])
        assert slope.dtype == np.float32 and found == pytest.approx(want, rel=1e-6)
        assert slope == pytest.approx(of_y, rel=1e-6)


def test_a_containers_limit_counts(tmp_path: Path) -> None:
    assert memory.container_free(tmp_path) is None
    (tmp_path / "memory.current").write_text("600\n")
    for limit, free in (("1000\n", 400), ("500\n", 0), ("max\n", None)):
        (tmp_path / "memory.max").write_text(limit)
        assert memory.container_free(tmp_path) == free
