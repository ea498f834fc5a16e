"""Every layer's chain rule against central differences, its laws, and textbook values.

The comparison is fed gradients that are slightly wrong: it must notice.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput
from solver.networks.combine import branches, residual, sequence
from solver.networks.layers import layer
from solver.networks.net import network
from solver.networks.notation import read_net
from solver.networks.pointwise import ACTIVATIONS
from solver.numeric import backward_leaves, backward_norms, backward_windows
from solver.numeric.backward import PULLS, backward, pulled
from solver.numeric.backward_leaves import BACKS
from solver.numeric.forward import forward, random_weights
from solver.numeric.leaves import RUNS

from .test_layers import CLASSES, EXAMPLES, IMAGE, WIDE, built, case, conv, up

NOT_YET = {"custom", "rnn", "lstm", "gru", "attention"}
NUMBER = (2, 7, 11)

MORE = [
    conv(WIDE, kernel=(2, 5), stride=(5, 3), padding=(1, 2)),  # what no window reads
    conv((2, 6, 11, 13), groups=3, out_channels=9, padding=2, padding_mode="circular"),
    conv((2, 3, 7, 11, 13), dims=3, kernel=2, padding=1, padding_mode="replicate"),
    conv((2, 3, 11), dims=1, kernel=4, padding="same", dilation=3),
    conv((2, 2, 3, 4), kernel=(3, 4), padding=(5, 3)),
    up((2, 3, 5, 7), stride=2, dilation=3, output_padding=2),
    up((2, 6, 5, 7), groups=2, out_channels=4, kernel=(1, 4), stride=(3, 1), padding=1),
    case("pool", WIDE, kernel=3, stride=2, padding=1, ceil_mode=True, mode="avg"),
    case("pool", WIDE, kernel=3, stride=(2, 5), padding=1, ceil_mode=True),
    case("pool", (2, 3, 13, 14), kernel=4, stride=3, padding=2, ceil_mode=True,
         mode="avg", count_include_pad=False),
    case("pool", (2, 3, 5, 7, 11), kernel=3, stride=2, mode="avg", dims=3),
    case("pool", IMAGE, kernel=3, mode="lp", norm_type=6),
    case("pool", IMAGE, kernel=3, mode="lp", norm_type=1),
    case("adaptive-pool", IMAGE, output=(5, 17), mode="max"),
    case("batch-norm", (5, 3)),
    case("group-norm", (2, 6, 11), groups=2),
    case("layer-norm", (2, 7, 5, 3), shape=(5, 3)),
    case("local-response-norm", (2, 7, 3, 5), size=4),
    case("local-response-norm", (2, 7, 11), size=1),
    case("dropout", NUMBER, p=0.7),
    case("dropout", IMAGE, p=0.3, channels=True),
    case("pad", IMAGE, padding=(-1, 2, 3, -4)),
    case("interpolate", IMAGE, size=(7, 5), mode="area"),
    case("interpolate", (2, 3, 1), size=7, mode="linear", align_corners=True),
    *(case("activation", NUMBER, function=f) for f in ACTIVATIONS),
    *(case("activation", IMAGE, function=f) for f in ("softmax", "log-softmax", "softmin")),
]  # fmt: skip
CASES = [p for p in [*EXAMPLES, *MORE] if type(p.values[0]) in {*BACKS, *PULLS}]


def inputs_of(one, shapes, seed=1):
    """Seeded inputs; indices where it looks rows up."""
    random = np.random.default_rng(seed)
    if isinstance(one, layer["embedding"]):
        return [random.integers(0, CLASSES, s) for s in shapes]
    return [random.normal(size=s) for s in shapes]


def holds(one, shapes, training, spoil=None, h=1e-6, rtol=1e-5):
    """Whether every gradient is the central difference of Σ g y, along seeded directions.

    Each direction moves one tensor, all its entries or just one. `spoil` changes the
    gradients first: what it does to them must be noticed.
    """
    inputs, weights = inputs_of(one, shapes), random_weights(one, *shapes)
    how = {"training": training, "seed": 5}
    random = np.random.default_rng(3)
    g = random.normal(size=forward(one, *inputs, weights=weights, **how).shape)
    of_inputs, of_weights = backward(one, *inputs, weights=weights, gradient=g, **how)
    tensors = {**weights, **dict(enumerate(inputs))}
    found = {**of_weights, **dict(enumerate(of_inputs))}
    found = {name: gradient for name, gradient in found.items() if gradient is not None}
    assert {n: f.shape for n, f in found.items()} == {n: tensors[n].shape for n in found}
    if spoil:
        found = spoil(found)

    def loss(at):
        x = [at[i] for i in range(len(inputs))]
        w = {name: at[name] for name in weights}
        return (forward(one, *x, weights=w, **how) * g).sum()

    for name, gradient in found.items():
        size = gradient.size
        steps = [random.normal(size=gradient.shape) for _ in range(3)]
        steps += [np.eye(1, size, random.integers(size)).reshape(gradient.shape)
                  for _ in range(7 if size else 0)]  # fmt: skip
        for v in steps:
            up_, down = ({**tensors, name: tensors[name] + k * h * v} for k in (1, -1))
            wanted, got = (loss(up_) - loss(down)) / (2 * h), (gradient * v).sum()
            if abs(wanted - got) > rtol * max(abs(wanted), abs(got)) + 1e-7:
                return False
    return True


def test_every_layer_that_runs_forward_runs_backward():
    without = set(RUNS) - set(BACKS) - set(PULLS)
    assert without == {layer[name] for name in NOT_YET}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("one, shapes", CASES)
def test_gradients_are_the_central_differences(one, shapes, training):
    assert holds(one, shapes, training)
