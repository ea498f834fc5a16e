"""Networks that run: shapes as predicted, values as the plain definitions, tensors once."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pytest

from solver.core import BadInput
from solver.networks.combine import Aside, branches, residual, sequence
from solver.networks.conv import Conv
from solver.networks.dense import Linear
from solver.networks.net import network
from solver.networks.norm import BatchNorm
from solver.networks.pointwise import Activation
from solver.networks.pool import Pool
from solver.networks.reshape import Flatten
from solver.numeric.forward import forward, listed, random_weights, rows_of
from solver.running.runner import Runner

# Every family of the zoo, on the smallest image that its last pooling allows.
SIZES = {
    "lenet5": 32, "lenet5-modern": 32, "alexnet": 67, "alexnet-torchvision": 64,
    "vgg11-bn": 32, "inception-3a": 28, "inception-naive": 14, "resnet18": 32,
    "resnet50-v1": 33, "resnet20": 32, "squeezenet1.1": 64, "mobilenet-v1": 32,
    "mobilenet-v2": 33, "densenet121": 32,
}  # fmt: skip
RELU = ("relu", Activation("relu"))
NETS = {
    "conv, norm, relu": sequence(Conv(5, 3, padding=1), BatchNorm(), Activation("relu")),
    "norm first": sequence(BatchNorm(), Activation("relu"), Conv(5, 3, bias=False)),
    "relu first": sequence(Activation("relu"), Conv(5, 3)),
    "the shortcut is the input": sequence(
        residual(("f", sequence(Conv(3, 3, padding=1), BatchNorm())), ("x", sequence())),
        RELU,
    ),
    "both ends are the input": residual(("x", sequence()), ("y", sequence())),
    "three summands": residual(
        ("a", Conv(4, 1)), ("b", Conv(4, 1)), ("c", Conv(4, 3, padding=1))
    ),
    "concatenated": sequence(
        branches(("a", Conv(4, 1)), ("b", sequence(Pool(3, 1, 1), Conv(3, 1)))),
        RELU,
        Conv(2, 3),
    ),
    "a branch in a branch": branches(
        ("a", branches(("b", Conv(2, 1)), ("c", Conv(3, 1)))), ("d", Conv(1, 1))
    ),
    "an aside": sequence(
        Conv(4, 3), ("aside", Aside(sequence(Flatten(), Linear(3)))), Conv(2, 3)
    ),
    "linear": sequence(Flatten(), Linear(7), Activation("relu"), Linear(4)),
    "a view of the input": sequence(Flatten()),
}


def images(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def apart(found: Any, wanted: Any) -> float:
    """The largest difference, relative to the largest value."""
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def close(found: Any, wanted: Any, bound: float) -> bool:
    return found.shape == wanted.shape and apart(found, wanted) <= bound


def test_closeness_notices_a_thousandth():
    y = images(2, 3)
    assert close(y, y, 1e-4) and not close(1.001 * y, y, 1e-4)


@pytest.mark.parametrize("name", SIZES)
def test_every_layer_has_the_predicted_shape(name):
    net = network[name]()
    shape = (2, net.input[0], SIZES[name], SIZES[name] + 1)
    shape = (*shape[:3], shape[2]) if "lenet" in name or "incep" in name else shape
    zeros = {t.name: np.zeros(t.shape, np.float32) for t in listed(rows_of(net.layer, shape))}
    runner = Runner(net.layer, shape, zeros)  # drawing 60 million numbers takes longer
    told: dict[str, Any] = {}
    runner(images(*shape), lambda names, y: told.update(dict.fromkeys(names, y.shape)))
    assert told == {row.name: row.out for row in runner.rows}


@pytest.mark.parametrize("name", ["lenet5", "resnet20", "mobilenet-v2", "squeezenet1.1"])
def test_networks_of_the_zoo_give_what_the_plain_definitions_give(name):
    net = network[name]()
    shape = (1, net.input[0], SIZES[name], SIZES[name])
    x, weights = images(*shape), random_weights(net.layer, shape, seed=3)
    wanted = forward(net.layer, x, weights=weights)
    assert close(Runner(net.layer, shape, seed=3)(x), wanted, 1e-4)
    assert close(Runner(net.layer, shape, seed=3, dtype=np.float64)(x), wanted, 1e-12)


@pytest.mark.parametrize("threads", [None, 1, 2])
@pytest.mark.parametrize("name", NETS)
def test_small_networks(name, threads):
    layer, x = NETS[name], images(2, 3, 11, 13)
    weights = random_weights(layer, x.shape, seed=5)
    wanted = forward(layer, x, weights=weights)
    before = x.copy()
    for dtype, bound in ((np.float32, 1e-5), (np.float64, 1e-12)):
        runner = Runner(layer, x.shape, weights, dtype=dtype, threads=threads)
        first = runner(x)
        assert close(first, wanted, bound) and first.dtype == dtype
        again = runner(x)  # in the memory of the first run
        assert again is not first and (again == first).all()
        assert not np.may_share_memory(again, first)
    assert (x == before).all()


def test_what_was_told_of_is_what_plain_layers_give():
    """The steps' own outputs, not only the last: a wrong one could be hidden by a ReLU."""
    layer, x = NETS["a branch in a branch"], images(2, 3, 5, 7)
    runner, told = Runner(layer, x.shape, seed=2), {}
    runner(x, lambda names, y: told.update({names[-1]: y.copy()}))
    weights = random_weights(layer, x.shape, seed=2)
    b = forward(Conv(2, 1), x, weights={k[4:]: w for k, w in weights.items() if k[:4] == "a.b."})
    assert close(told["a.b"], b, 1e-5)


def test_tensors_of_a_name_are_shared():
    same = ("same", Conv(3, 3, padding=1))
    layer, x = sequence(same, same), images(1, 3, 7, 5)
    weights = random_weights(layer, x.shape, seed=4)
    assert list(weights) == ["same.weight", "same.bias"]
    wanted = forward(layer, x, weights=weights)
    assert close(Runner(layer, x.shape, weights)(x), wanted, 1e-5)
    drawn = Runner(layer, x.shape, seed=4)(x)
    assert close(drawn, wanted, 1e-5)


def test_prepared_weights_keep_to_the_memory():
    """4 times the weights of F(4,3) only while a third of all weights allows it."""
    net = network["resnet18"]()
    runner = Runner(net.layer, (1, *net.input), seed=0)
    held = sum(
        one.settled.plan.held.nbytes for one in steps(runner.whole) if hasattr(one, "settled")
    )
    raw = 4 * sum(prod(t.shape) for t in listed(runner.rows))
    assert 0.9 * raw < held < 1.4 * raw
    assert runner.growth["layer1.0.conv1"] > 4 > runner.growth["layer4.1.conv2"]


def steps(one: Any) -> list[Any]:
    """All steps, those of branches too."""
    inner = getattr(one, "steps", None) or getattr(one, "branches", None) or []
    return [one, *(s for each in inner for s in steps(each))]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: w.pop("0.bias"), "0.bias is missing: an array of 5"),
        (lambda w: w.update(x=w["0.bias"]), "no tensor x; it has 0.weight, 0.bias"),
        (lambda w: w.update({"0.bias": np.ones(4)}), "0.bias must be 5, not 4"),
        (lambda w: w.update({"0.bias": np.array(["a"] * 5)}), "0.bias is <U1: numbers"),
    ],
)
def test_tensors_that_do_not_fit(change, says):
    layer = sequence(Conv(5, 3), Linear(2))
    weights = random_weights(layer, (1, 3, 5, 5))
    change(weights)
    with pytest.raises(BadInput, match=says.replace("(", r"\(")):
        Runner(layer, (1, 3, 5, 5), weights)


def test_an_input_of_another_shape():
    with pytest.raises(BadInput, match="prepared for 1×3×5×5, not 2×3×5×5"):
        Runner(Conv(5, 3), (1, 3, 5, 5))(images(2, 3, 5, 5))
