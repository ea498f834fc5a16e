"""What `make bench-conv` measures and says: its layers, its means, its goals, its turns."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from solver.networks.net import network
from tests.bench_blocks import Pace, blocks
from tests.bench_convolution import without_settings
from tests.bench_convolution_calls import Measured, Way, measure, off
from tests.bench_convolution_goals import Goal, geometric, layer_goals
from tests.bench_convolution_layers import GROUPS, Group, cases, every

BY_TITLE = {group.title: group for group in GROUPS}


def found(title: str, label: str):
    """The cases of a table with this label."""
    return [one for one in cases(BY_TITLE[title]) if one.label == label]


# -- layers --------------------------------------------------------------------------

KNOWN = [  # multiply-adds: C_out · OH · OW · C_in/groups · k²
    pytest.param(
        "VGG-16, batch 1",
        "64x224x224>64 k3",
        1_849_688_064,
        id="vgg conv1_2, 224²·64·64·9",
    ),
    pytest.param(
        "VGG-16, batch 8", "64x224x224>64 k3", 8 * 1_849_688_064, id="eight images"
    ),
    pytest.param(
        "GoogLeNet 3a-5b",
        "96x28x28>128 k3",
        86_704_128,
        id="inception 3a 3×3, 28²·128·96·9",
    ),
    pytest.param(
        "GoogLeNet 3a-5b",
        "16x28x28>32 k5",
        10_035_200,
        id="inception 3a 5×5, 28²·32·16·25",
    ),
    pytest.param(
        "ResNet-18", "3x224x224>64 k7s2", 118_013_952, id="resnet conv1, 112²·64·3·49"
    ),
    pytest.param(
        "ResNet-50",
        "1024x14x14>2048 k1s2",
        102_760_448,
        id="resnet50 layer4 downsample, 7²·2048·1024",
    ),
    pytest.param(
        "AlexNet", "3x227x227>96 k11s4", 105_415_200, id="alexnet conv1, 55²·96·363"
    ),
    pytest.param(
        "AlexNet",
        "96x27x27>256 k5",
        447_897_600,
        id="alexnet conv2 ungrouped, 27²·256·96·25",
    ),
    pytest.param(
        "AlexNet, two groups",
        "96x27x27>256 k5 g2",
        223_948_800,
        id="alexnet conv2, half of it",
    ),
    pytest.param(
        "LeNet-5, batch 64", "1x32x32>6 k5", 64 * 117_600, id="lenet C1, 28²·6·25"
    ),
    pytest.param(
        "LeNet-5, batch 64", "16x5x5>120 k5", 64 * 48_000, id="lenet C5, 120·400"
    ),
    pytest.param("5x5 toy", "1x5x5>1 k3", 81, id="3×3 on 5×5: nine windows of nine"),
    pytest.param(
        "MobileNet depthwise",
        "32x112x112>32 k3",
        3_612_672,
        id="mobilenet conv1 depthwise, 112²·32·9",
    ),
]


@pytest.mark.parametrize(("title", "label", "macs"), KNOWN)
def test_known_layers(title, label, macs):
    (one,) = found(title, label)
    assert one.macs == macs


@pytest.mark.parametrize(
    ("title", "many"),
    [
        ("VGG-16, batch 1", 9),
        ("ResNet-18", 11),
        ("ResNet-50", 23),
        ("AlexNet", 5),
        ("LeNet-5, batch 64", 3),
    ],
)
def test_each_shape_stands_once(title, many):
    each = cases(BY_TITLE[title])
    assert len(each) == len({one.same for one in each}) == many


def test_every_multiply_add_of_a_network_is_there():
    net = network["vgg16"]()
    convs = [row for row in net.rows(batch=1) if row.name.startswith("conv")]
    assert [one.name for one in every(BY_TITLE["VGG-16, batch 1"])] == [
        row.name for row in convs
    ]
    assert sum(one.macs for one in every(BY_TITLE["VGG-16, batch 1"])) == 15_346_630_656


def test_depthwise_and_groups_stay_outside_the_means():
    for group in GROUPS:
        assert {one.groups > 1 for one in cases(group)} == {not group.counted}


def test_the_first_image_is_the_same_whatever_the_batch_is():
    one, eight = (
        found(f"VGG-16, batch {n}", "512x14x14>512 k3")[0].arrays() for n in (1, 8)
    )
    for i in (0, 2):
        assert np.array_equal(one[i][0], eight[i][0])
    assert np.array_equal(one[1], eight[1])


# -- times ---------------------------------------------------------------------------

BRIEF = Pace(blocks=3, seconds=0, least=2, most=2, pause=0)


def test_blocks_take_turns():
    called = []

    def side(name):
        def run():
            called.append(name)
            time.sleep(0.0003)  # longer than a sample: each is one call

        return run

    blocks({"a": side("a"), "b": side("b")}, BRIEF)
    turns = [n for i, n in enumerate(called) if i == 0 or called[i - 1] != n]
    assert turns == ["a", "b"] * 3
    assert (
        called.count("a") == called.count("b") == 3 * (1 + 2) + 1
    )  # one to see how long


def test_the_first_call_of_a_block_is_thrown_away():
    calls = iter(
        [0.03, 0.002] + [0.002, 0.002, 0.03] * 3
    )  # its samples, then the next block's
    times = blocks({"a": lambda: time.sleep(next(calls))}, BRIEF)
    assert 0.002 <= times["a"] < 0.02


def test_short_calls_are_timed_together():
    rounds, inner = Pace(seconds=0.02, most=30).calls(2e-6)
    assert (rounds, inner) == (30, 100)
    assert Pace(seconds=0.02, least=1).calls(0.2) == (1, 1)


# -- errors --------------------------------------------------------------------------


def test_error_is_the_largest_difference_by_the_largest_value():
    assert off([1.0, -4.0, 2.0], np.array([1.0, -4.0, 2.004])) == pytest.approx(0.001)


@pytest.mark.parametrize("title", ["5x5 toy", "LeNet-5, batch 64"])
def test_small_layers_are_measured_and_right(title):
    case = cases(BY_TITLE[title])[-1]
    one = measure(case, 1, BRIEF, {})
    for way in one.ways.values():
        assert way.ms > 0
        assert 0 <= way.error < 1e-5
        assert way.error64 is None or way.error64 < 1e-12
    assert one.plain()["forward"]["gflops"] == pytest.approx(one.gflops("forward"))


def test_peak_memory_is_the_program_s_own():
    """Not that of the process that started it, which is larger here."""
    held = np.ones(50_000_000)
    code = "from tests.bench_convolution_networks import megabytes; print(megabytes())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 10 < float(said.stdout) < held.nbytes / 2**20


# -- means and goals -----------------------------------------------------------------


def test_geometric_mean():
    assert geometric([0.25, 1.0]) == pytest.approx(0.5)
    assert geometric([0.5, 0.5, 4.0]) == pytest.approx(1.0)
    assert geometric([0.5, None]) is None
    assert geometric([]) is None


@pytest.mark.parametrize(
    ("value", "met", "shown"),
    [
        (0.6, True, "0.60"),
        (0.6001, False, "0.6001"),
        (0.62, False, "0.62"),
        (0.31, True, "0.31"),
    ],
)
def test_goal_says_whether_it_is_met(value, met, shown):
    goal = Goal("forward", value, 0.6)
    assert goal.met is met
    assert goal.line().split() == [
        "forward",
        shown,
        "≤",
        "0.6",
        "met" if met else "missed",
    ]


def test_without_a_number_nothing_is_met():
    assert Goal("forward", None, 0.6).met is None
    assert "met" not in Goal("forward", None, 0.6).line()
    assert "met" not in Goal("forward", 0.7).line()


def timed(group: Group, index: int, ratio: float) -> Measured:
    """A case that is this many times as slow as PyTorch, every way."""
    way = Way(ms=ratio, exact_ms=2 * ratio, torch_ms=1.0)
    ways = dict.fromkeys(("forward", "by input", "by weight"), way)
    return Measured(cases(group)[index], "", "", ways)


def test_means_leave_out_what_stands_beside():
    vgg, deep = BY_TITLE["VGG-16, batch 1"], BY_TITLE["MobileNet depthwise"]
    reached = layer_goals(
        {vgg: [timed(vgg, 0, 0.5), timed(vgg, 1, 2.02)], deep: [timed(deep, 0, 5.0)]}, 1
    )
    said = {goal.what: goal for goal in reached}
    mean = said["forward, geometric mean of 2 layers"]
    assert mean.value == pytest.approx(1.01**0.5)
    assert mean.bound == 0.6
    assert said[
        "forward in the exact mode, geometric mean of 2 layers"
    ].value == pytest.approx(2 * 1.01**0.5)
    slowest = said["largest forward: vgg16 64x224x224>64 k3"]
    assert (slowest.value, slowest.met) == (2.02, False)
    assert said["MobileNet depthwise, forward, geometric mean"].met is False


# -- the environment -----------------------------------------------------------------


def test_settings_of_blas_are_taken_out(monkeypatch):
    begun = []
    monkeypatch.setattr("os.execve", lambda *how: begun.append(how))
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    without_settings()
    ((_, _, environment),) = begun
    assert "OPENBLAS_CORETYPE" not in environment
    assert "OMP_NUM_THREADS" not in environment
    assert "OPENBLAS_CORETYPE=Haswell" in environment["PSET_BENCH_TAKEN_OUT"]


def test_a_clean_environment_stays(monkeypatch):
    for name in (
        "OPENBLAS_CORETYPE",
        "OPENBLAS_NUM_THREADS",
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.execve", lambda *how: pytest.fail("begun again"))
    assert without_settings() == ""
