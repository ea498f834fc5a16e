"""`pset run NET`: what it says, what it reads and writes, what it refuses."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import cli
from solver.core import BadInput, CheckFailed
from solver.networks.net import network
from solver.networks.notation import read_net
from solver.numeric import memory
from solver.numeric.convolution.threads import blas
from solver.numeric.forward import forward, random_weights
from solver.running import command

from .test_running import close, images

NET = "1x8x8: conv 4 k3 p1, relu, maxpool 2, flatten, linear 10"


def said(*words: str) -> str:
    done = CliRunner().invoke(cli.build(), ["run", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def how(**more: Any) -> dict[str, Any]:
    names = ("input", "weights", "batch", "threads", "out")
    return {**dict.fromkeys(names), "seed": 0, "exact": False, **more}


def test_the_table_tells_each_layer_and_the_largest_outputs():
    text = said(NET, "--batch", "2", "--top", "1")
    assert "on 2×1×8×8: every shape is as predicted" in text
    for line in ("conv1 + relu1  2×4×8×8", "pool1          2×4×4×4", "fc1            2×10"):
        assert line in text
    assert text.count("image ") == 2 and max(map(len, text.splitlines())) <= 80


def test_of_distances_the_smallest_are_shown():
    """LeNet-5's outputs are squared distances to each digit's pattern (LeCun 1998)."""
    found = json.loads(said("lenet5", "--format", "json", "--top", "3"))
    y = np.array(found["output"][0])
    assert found["smallest"] == [np.argsort(y)[:3].tolist()] and "largest" not in found
    told = said("lenet5", "--top", "1").split("\n\n")[-1]
    assert told.startswith("smallest outputs (they are distances), counted from 0:\n")
    assert told.split()[-2:] == [f"{y.argmin()}:", f"{y.min():.4g}"]


def test_files_in_and_out(tmp_path):
    net = read_net(NET)
    x, weights = images(3, 1, 8, 8), random_weights(net.layer, (3, 1, 8, 8), seed=9)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "w.npz", **weights)
    wanted = forward(net.layer, x, weights=weights)
    out = str(tmp_path / "y.npy")
    files = "--input", str(tmp_path / "x.npy"), "--weights", str(tmp_path / "w.npz")
    found = json.loads(said(NET, *files, "--out", out, "--format", "json"))
    assert close(np.array(found["output"]), wanted, 1e-5)
    assert close(np.load(out), wanted, 1e-5)
    assert found["largest"] == np.argsort(-wanted)[:, :5].tolist()
    assert [line["shape"] for line in found["layers"]][0] == [3, 4, 8, 8]
    np.save(tmp_path / "one.npy", (x[0] * 10).astype(np.int8))  # no batch, whole numbers
    one = command.passed(net, "float64", **how(input=str(tmp_path / "one.npy")))
    assert one.output.shape == (1, 10)


def test_an_output_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    out = tmp_path / "y.npy"
    out.write_text("old")

    def half(file, *what, **how):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", half)
    with pytest.raises(BadInput, match="y.npy: cannot be written: No space left"):
        command.passed(read_net(NET), "float32", **how(out=str(out)))
    assert out.read_text() == "old" and list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.full((1, 8, 8), np.nan), "holds NaN"),
        (np.full((1, 8, 8), np.inf), "holds infinity"),
        (np.full((1, 8, 8), 1e300), "too large for float32: try --dtype float64"),
        (np.zeros((1, 1, 7)), "kernel 3"),
        (np.array([[["a"]]]), "numbers are wanted"),
        (np.zeros((2, 8, 8)), "has 2 along its first axis, and .* takes 1×8×8"),
        (np.zeros((0, 1, 8, 8)), "there is nothing in it"),
        (np.zeros((8, 8)), "is 8×8, and .* takes 1×8×8, or a batch of them"),
    ],
)
def test_inputs_that_cannot_be(array, says, tmp_path):
    np.save(tmp_path / "x.npy", array)
    wide = read_net("1x8x8: conv 4 k3, flatten, linear 10")
    with pytest.raises(BadInput, match=says):
        command.passed(wide, "float32", **how(input=str(tmp_path / "x.npy")))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a whole"),
        (b"garbage", "pickled objects are never loaded"),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, ", "not a whole"),
        (b"PK\x03\x04 no archive", "not a whole"),
    ],
)
def test_files_that_are_damaged(content, says, tmp_path):
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=says):
        command.passed(read_net(NET), "float32", **how(input=str(path)))
    with pytest.raises(BadInput, match=says):
        command.passed(read_net(NET), "float32", **how(weights=str(path)))


def test_a_truncated_archive_names_the_file(tmp_path):
    net = read_net(NET)
    np.savez(tmp_path / "w.npz", **random_weights(net.layer, (1, 1, 8, 8)))
    whole = (tmp_path / "w.npz").read_bytes()
    (tmp_path / "w.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match="w.npz is not a whole"):
        command.passed(net, "float32", **how(weights=str(tmp_path / "w.npz")))


NORMED = "1x8x8: conv 4 k3, bn, prelu, flatten, linear 10"
TORCH = {"gamma": "weight", "beta": "bias", "mean": "running_mean", "slope": "weight"}


def as_torch(name: str) -> str:
    path, _, own = name.rpartition(".")
    return f"{path}.{({**TORCH, 'variance': 'running_var'}).get(own, own)}"


@pytest.mark.parametrize(
    ("renamed", "says"),
    [
        (as_torch, "here bn1.weight is bn1.gamma, bn1.bias is bn1.beta, "
         "bn1.running_mean is bn1.mean, bn1.running_var is bn1.variance and 1 more$"),
        (lambda n: "net." + as_torch(n), "here net.conv1.weight is conv1.weight, .*, "
         "net.bn1.weight is bn1.gamma, .* and 5 more, in the same order$"),
        (lambda n: n.replace("slope", "weight"), "; here prelu1.weight is prelu1.slope$"),
        (lambda n: n.replace("fc1", "fc"), "; here fc.weight is fc1.weight, fc.bias is"),
        (lambda n: n.replace("fc1.bias", "fc1.b"), "fc1.b; here fc1.b is fc1.bias$"),
    ],
)  # fmt: skip
def test_names_of_pytorch_s_tensors_are_answered_with_ours(renamed, says, tmp_path):
    net = read_net(NORMED)
    weights = random_weights(net.layer, (1, 1, 8, 8))
    np.savez(tmp_path / "w.npz", **{renamed(n): w for n, w in weights.items()})
    with pytest.raises(BadInput, match=says):
        command.passed(net, "float32", **how(weights=str(tmp_path / "w.npz")))
    np.savez(tmp_path / "w.npz", **weights, **{"bn1.num_batches_tracked": np.array(3)})
    with pytest.raises(BadInput, match="; leave num_batches_tracked out$"):
        command.passed(net, "float32", **how(weights=str(tmp_path / "w.npz")))
    del weights["fc1.bias"]  # one is missing and one is too many: nothing can be told
    np.savez(tmp_path / "w.npz", **weights, other=np.zeros(9))
    with pytest.raises(BadInput, match="no tensor other; it has conv1.weight, conv1.bias"):
        command.passed(net, "float32", **how(weights=str(tmp_path / "w.npz")))


@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_the_layer_where_it_first_appears_is_named(value, name, tmp_path):
    net = read_net("1x8x8: conv 4 k3 p1, relu, conv 5 k3, flatten, linear 10")
    weights = random_weights(net.layer, (1, 1, 8, 8))
    weights["conv2.bias"][2] = value
    np.savez(tmp_path / "w.npz", **weights)
    with pytest.raises(BadInput, match=f"{name} first appears in the output of conv2:"):
        command.passed(net, "float32", **how(weights=str(tmp_path / "w.npz")))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("conv1.weight", 1e300, "conv1.weight holds numbers too large for float32: try"),
        ("conv1.weight", 3e38, "first appears in the output of conv1"),
        ("fc1.weight", 3e38, "infinity first appears in the output of fc1:"),
        ("bn1.variance", -0.5, "bn1.variance is -0.5 at channel 2, counted from 0: a var"),
    ],
)
def test_one_error_is_said_and_no_warning(name, value, says, tmp_path):
    net = read_net("1x8x8: conv 4 k3, bn, relu, flatten, linear 10")
    weights = random_weights(net.layer, (1, 1, 8, 8))
    weights[name] = weights[name].astype(float)
    weights[name][2:] = value
    np.savez(tmp_path / "w.npz", **weights)
    given = how(weights=str(tmp_path / "w.npz"))
    with warnings.catch_warnings(), pytest.raises(BadInput, match=says):
        warnings.simplefilter("error")
        command.passed(net, "float32", **given)


def test_a_shape_that_was_not_predicted_is_our_fault():
    with pytest.raises(CheckFailed, match="conv1 gave 2×4, and 2×5 was predicted"):
        command.checked(["conv1"], np.zeros((2, 4)), {"conv1": (2, 5)})


def test_what_does_not_fit_into_memory_is_refused_beforehand(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 2 << 20)
    # 1.5 · 138,357,544 weights and twice 64·224·224 values, of 4 bytes each
    with pytest.raises(BadInput, match="would take about 816 MiB, and 2 MiB are free"):
        command.passed(network["vgg16"](), "float32", **how())
    with pytest.raises(BadInput, match="takes 57.4 MiB, and 2 MiB are free"):
        command.passed(network["vgg16"](), "float32", **how(batch=50))


def test_what_is_free_may_be_taken_and_no_byte_more(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1024)
    memory.afford(1024, "it takes", "take less")
    with pytest.raises(BadInput, match="it takes 1 KiB, and 1 KiB are free: take less"):
        memory.afford(1025, "it takes", "take less")
    monkeypatch.setattr(memory, "available", lambda: None)  # the system does not say
    memory.afford(1 << 80, "it takes", "take less")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("lenet5", "--dtype", "int8"), "no type of number is called 'int8'"),
        (("lenet5", "--format", "tex"), "no format is called 'tex'"),
        (("lenet5", "--threads", "0"), "threads is a whole number from 1"),
        (("lenet5", "--batch", "0"), "the batch is 1 or more, not 0"),
        (("lenet5", "--input", "none.npy"), "there is no file none.npy"),
        (("lenet5", "--input", "none.npy", "--batch", "2"), "a file has its own"),
        (("CxHxW: conv 8 k3",), "has letters: give an array with --input"),
        (("lenet6",), "no network is called 'lenet6'"),
        (("lenet5", "--seed", "-1"), "a seed is 0 or more, not -1"),
        (("lenet5", "--top", "-1"), "--top is 0 or more, not -1"),
        (("5: embedding 10 embedding_dim=4, flatten, linear 2",), "looks up indices"),
    ],
)
def test_arguments_that_are_refused(words, says):
    with pytest.raises(BadInput, match=says):
        CliRunner().invoke(cli.build(), ["run", *words], catch_exceptions=False)


@pytest.mark.parametrize(
    "words",
    [
        ("--seed", "3", NET, "--top", "2"),
        ("--seed=3", "--top", "2", NET),
        (NET, "--top", "2", "--seed", "3"),
    ],
)
def test_options_stand_before_or_behind_the_network(words):
    wanted = said(NET, "--seed", "3", "--top", "2").split("\n\n")[-1]
    assert said(*words).split("\n\n")[-1] == wanted
    assert said(NET, "--top", "2").split("\n\n")[-1] != wanted


def test_help_of_the_family_shows_the_network_s_options(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    whole, own = said("--help"), said("--seed", "1", "--help")
    for one in (whole, own):
        assert all(f"--{name} " in one for name in ("weights", "exact", "top", "format"))
        assert max(map(len, one.splitlines())) <= 80
    assert whole.startswith("Usage: pset run NET [OPTIONS] | COMMAND") and "\n  pool " in whole
    assert own.startswith("Usage: pset run NET [OPTIONS]\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--foo", "lenet5"), "No such option '--foo'"),
        (("--seed", "1"), "Missing argument 'NET'"),
        (("lenet5", "--top", "x"), "'x' is not a valid integer"),
    ],
)
def test_errors_of_usage_say_how_a_network_is_run(words, says):
    done = CliRunner().invoke(cli.build(), ["run", *words])
    assert done.exit_code == 2 and says in done.output
    assert "run NET [OPTIONS]\n" in done.output


def printed(second: str) -> str:
    first = "Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1))"
    return f"Sequential(\n  (0): {first}\n  (1): {second}\n)"


TRACKED = "affine=True, track_running_stats=True"


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (f"BatchNorm2d(4, eps=1e-05, momentum=0.01, {TRACKED})", ""),
        (f"BatchNorm2d(4, eps=0.1, momentum=0.1, {TRACKED})", "eps = 0.1"),
        ("LeakyReLU(negative_slope=0.01)", ""),
        ("LeakyReLU(negative_slope=0.3)", "negative_slope = 0.3"),
        ("Softmax(dim=1)", ""),
        ("Softmax(dim=-3)", ""),
        ("Softmax(dim=-1)", "dim = -1"),
        ("GELU(approximate='none')", ""),
        ("GELU(approximate='tanh')", "approximate = tanh"),
        ("Threshold(threshold=0.0, value=0.0)", ""),
        ("Threshold(threshold=0.0, value=-7)", "value = -7"),
        ("Hardtanh(min_val=-1.0, max_val=1.0)", ""),
        ("Hardtanh(min_val=-1.0, max_val=2.0)", "max_val = 2.0"),
        ("ELU(alpha=2.0)", "alpha = 2.0"),
        ("Softplus(beta=3.0, threshold=20.0)", "beta = 3.0"),
        ("LocalResponseNorm(5, alpha=0.0001, beta=0.75, k=1.0)", ""),
        ("LocalResponseNorm(5, alpha=0.0001, beta=0.75, k=2)", "k = 2"),
    ],
)
def test_printed_values_that_are_not_computed_with_are_refused(layer, says, tmp_path):
    """They were left out, since no count depends on them: the output would be wrong."""
    np.save(tmp_path / "x.npy", images(1, 8, 8))
    words = [printed(layer), "--input", str(tmp_path / "x.npy")]
    if not says:
        assert "every shape is as predicted" in said(*words)
        return
    with pytest.raises(BadInput, match=f"1: .* with {says} can be counted, and not run"):
        said(*words)


def test_a_print_is_read_from_standard_input():
    done = CliRunner().invoke(cli.build(), ["run", "-"], input=printed("ReLU()"))
    assert "has letters: give an array with --input" in str(done.exception)


def test_the_output_does_not_overwrite_the_input(tmp_path):
    path = str(tmp_path / "x.npy")
    np.save(path, images(1, 8, 8))
    with pytest.raises(BadInput, match="is the input: give another name"):
        said(NET, "--input", path, "--out", path)


def test_blas_has_as_many_threads_as_before():
    before = [one.get_num_threads() for one in blas().lib_controllers]
    said("lenet5-modern", "--threads", "2")
    assert [one.get_num_threads() for one in blas().lib_controllers] == before


def test_kinds_of_the_family_run_are_still_questions():
    text = said("conv", "--in", "1 2; 3 4", "--kernel", "1 0; 0 1")
    assert text.splitlines()[0] == "[5]"
