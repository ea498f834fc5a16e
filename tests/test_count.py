"""Counts: published values, laws, letters against numbers, refusals, wrong counts."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput, CheckFailed
from solver.expressions.formula import at_numbers
from solver.expressions.nodes import Expr, Num
from solver.kinds import solve
from solver.networks.conv import Conv, ConvTranspose
from solver.networks.dense import Linear
from solver.networks.norm import BatchNorm, LayerNorm
from solver.networks.notation import read_net
from solver.networks.sequence import Recurrent
from tests.lettered import holds, refused


def count(kind: str, net: str, value: Any, source: str, **given_: Any) -> Any:
    return pytest.param(f"count {kind}", {"net": net, **given_}, value, id=f"{kind}, {source}")


PARAMETERS = [
    count("params", "lenet5", 156, "LeNet-5 C1, LeCun 1998", layer="C1"),
    count("params", "lenet5", 12, "LeNet-5 S2, LeCun 1998", layer="S2"),
    count("params", "lenet5", 1_516, "LeNet-5 C3, LeCun 1998", layer="C3"),
    count("params", "lenet5", 32, "LeNet-5 S4, LeCun 1998", layer="S4"),
    count("params", "lenet5", 48_120, "LeNet-5 C5, LeCun 1998", layer="C5"),
    count("params", "lenet5", 10_164, "LeNet-5 F6, LeCun 1998", layer="F6"),
    count("params", "lenet5", 60_000, "LeNet-5, 60,000 trainable, LeCun 1998"),
    count("params", "lenet5-modern", 61_706, "LeNet-5 as taught today"),
    count("params", "alexnet", 34_944, "AlexNet conv1, CS231n notes", layer="conv1"),
    count("weights", "alexnet", 34_848, "AlexNet conv1, CS231n notes", layer="conv1"),
    count("biases", "alexnet", 96, "AlexNet conv1, CS231n notes", layer="conv1"),
    count("params", "alexnet-torchvision", 61_100_840, "AlexNet, torchvision"),
    count("params", "vgg16", 138_357_544, "VGG-16, torchvision"),
    count("params", "vgg19", 143_667_240, "VGG-19, torchvision"),
    count("params", "vgg16-bn", 138_365_992, "VGG-16 with batch norm, torchvision"),
    count("weights", "vgg16", 1_728, "VGG-16 conv1_1, CS231n notes", layer="conv1_1"),
    count("weights", "vgg16", 2_359_296, "VGG-16 conv5_3, CS231n notes", layer="conv5_3"),
    count("weights", "vgg16", 102_760_448, "VGG-16 fc1, CS231n notes", layer="fc1"),
    count("weights", "vgg16", 16_777_216, "VGG-16 fc2, CS231n notes", layer="fc2"),
    count("weights", "vgg16", 4_096_000, "VGG-16 fc3, CS231n notes", layer="fc3"),
    count("params", "resnet18", 11_689_512, "ResNet-18, torchvision"),
    count("params", "resnet34", 21_797_672, "ResNet-34, torchvision"),
    count("params", "resnet50", 25_557_032, "ResNet-50, torchvision"),
    count("params", "resnet101", 44_549_160, "ResNet-101, torchvision"),
    count("params", "resnet152", 60_192_808, "ResNet-152, torchvision"),
    count("params", "googlenet", 6_998_552, "GoogLeNet with biases, Szegedy 2015"),
    count("params", "squeezenet1.0", 1_248_424, "SqueezeNet 1.0, torchvision"),
    count("params", "squeezenet1.1", 1_235_496, "SqueezeNet 1.1, torchvision"),
    count("params", "mobilenet-v2", 3_504_872, "MobileNet v2, torchvision"),
    count("params", "densenet121", 7_978_856, "DenseNet-121, torchvision"),
    count("params", "inception-v3", 23_834_568, "Inception v3, torchvision"),
    count("params", "vit-b-16", 86_567_656, "ViT-B/16, torchvision"),
    count("params", "3x32x32: conv 6 k5, relu, maxpool 2, conv 16 k5, relu, maxpool 2, flatten, "
          "linear 120, relu, linear 84, relu, linear 10", 62_006, "PyTorch CIFAR-10 tutorial"),
    count("params", "1x28x28: conv 32 k3, relu, maxpool 2, conv 64 k3, relu, maxpool 2, flatten, "
          "dropout, linear 10, softmax", 34_826, "Keras simple MNIST convnet"),
    count("params", "784: linear 128, relu, dropout 0.2, linear 10", 101_770,
          "TensorFlow quickstart"),
    count("params", "3x32x32: conv 8 k5", 608, "misconceptions.md, one_bias_per_layer"),
    count("params", "3x32x32: conv 8 k5 nobias", 600, "without biases"),
    count("params", "3x32x32: conv 8 k5", 600, "biases left out", bias=False),
    count("params", "64x14x14: conv 64 k3 g=64 nobias", 576,
          "misconceptions.md, grouped_conv_counted_full"),
    count("params", "64x14x14: conv 128 k3 p1, bn", 128 * 577 + 256, "γ and β"),
    count("params", "64x14x14: conv 128 k3 p1, bn", 128 * 577 + 512, "running statistics",
          stats=True),
    count("params", "64x14x14: conv 128 k3 p1, bn", 128 * 577, "without γ and β", norm=False),
    count("params", "512x7x7: gap, maxpool 1, relu, dropout, flatten", 0, "nothing is learned"),
    count("params", "8x5x7: prelu", 1, "PyTorch PReLU docs, one slope"),
]  # fmt: skip

WORK = [
    count("macs", "vgg16", 15_470_264_320, "VGG-16, torchvision"),
    count("macs", "alexnet-torchvision", 714_188_480, "AlexNet, torchvision"),
    count("macs", "resnet50", 4_089_184_256, "ResNet-50 v1.5, torchvision"),
    count("macs", "resnet50-v1", 3_857_973_248, "ResNet-50 v1, He 2016: 3.8 G"),
    count("macs", "resnet18", 1_814_073_344, "ResNet-18, torchvision"),
    count("macs", "mobilenet-v1", 568_740_352, "MobileNet v1, Howard 2017: 569 M"),
    count("macs", "3x224x224: conv 64 k3 p1", 86_704_128, "VGG conv1_1, 86.7 M"),
    count("macs", "3x227x227: conv 96 k11 s4", 105_415_200, "AlexNet conv1, Krizhevsky 2012"),
    count("macs", "512x14x14: conv 512 k3 p1 g=512", 903_168, "depthwise, Howard 2017"),
    count("macs", "512x14x14: conv 512 k1", 51_380_224, "pointwise, Howard 2017"),
    count("macs", "256x28x28: [conv 128 k1 | conv 192 k3 p1 | conv 96 k5 p2 | maxpool 3 s1 p1]",
          854_196_224, "CS231n lecture 9, naive Inception: 854 M"),
    count("macs", "256x28x28: [conv 128 k1 | conv 64 k1, conv 192 k3 p1 | conv 64 k1, "
          "conv 96 k5 p2 | maxpool 3 s1 p1, conv 64 k1]", 271_351_808,
          "CS231n lecture 9, Inception with bottlenecks"),
    count("macs", "3x32x32: conv 6 k5 p2", 460_800, "padding zeros counted"),
    count("macs", "3x32x32: conv 6 k5 p2", 426_888, "padding zeros left out", zeros=False),
    count("macs", "3x10x10: deconv 6 k5 s2", 45_000, "transposed by scatter"),
    count("macs", "3x10x10: deconv 6 k5 s2", 238_050, "transposed by gather", gather=True),
    count("flops", "3x224x224: conv 64 k3 p1", 173_408_256, "VGG conv1_1"),
    count("flops", "3x224x224: conv 64 k3 p1", 173_408_256 + 64 * 224**2, "with biases",
          include="bias"),
    count("flops", "3x8x8: relu", 192, "activations counted", include="activation"),
    count("flops", "3x8x8: maxpool 2", 3 * 16 * 3, "comparisons of pooling", include="pooling"),
    count("connections", "lenet5", 122_304, "LeNet-5 C1, LeCun 1998", layer="C1"),
    count("connections", "lenet5", 5_880, "LeNet-5 S2, LeCun 1998", layer="S2"),
    count("connections", "lenet5", 151_600, "LeNet-5 C3, LeCun 1998", layer="C3"),
    count("connections", "lenet5", 2_000, "LeNet-5 S4, LeCun 1998", layer="S4"),
    count("connections", "lenet5", 48_120, "LeNet-5 C5, LeCun 1998", layer="C5"),
    count("connections", "lenet5", 10_164, "LeNet-5 F6, LeCun 1998", layer="F6"),
    count("connections", "alexnet", 105_705_600, "AlexNet conv1 unshared, CS231n notes",
          layer="conv1"),
    count("activations", "alexnet", 290_400, "AlexNet conv1, CS231n notes", layer="conv1"),
    count("activations", "vgg16", 3_211_264, "VGG-16 conv1_1, CS231n notes: 3.2 M",
          layer="conv1_1"),
    count("activations", "3x8x8: conv 5 k3, relu, flatten, linear 7", 5 * 36 + 7, "in place"),
    count("activations", "3x8x8: conv 5 k3, relu, flatten, linear 7", 3 * 64 + 5 * 36 + 7,
          "with the image", image=True),
    count("activations", "3x8x8: conv 5 k3, relu, flatten, linear 7", 3 * 5 * 36 + 7,
          "nothing in place", inplace=True),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "given_", "value"), [*PARAMETERS, *WORK])
def test_published(kind: str, given_: dict[str, Any], value: int) -> None:
    answer = solve(kind, **given_)
    assert answer.value == value
    assert answer.checks


OPERATIONS = [
    ("conv", {"input": "3x32x32", "kernel": 5, "out_channels": 6},
     {"shape": (6, 28, 28), "params": 456, "macs": 352_800, "connections": 357_504}, "LeNet-like"),
    ("linear", {"input": "20", "out_features": 30}, {"params": 630, "macs": 600}, "PyTorch Linear"),
    ("bilinear", {"input": "20 30", "out_features": 40}, {"params": 24_040, "macs": 24_000},
     "PyTorch Bilinear docs"),
    ("embedding", {"input": "4", "num_embeddings": 10, "embedding_dim": 3},
     {"params": 30, "macs": 0}, "PyTorch Embedding docs"),
    ("rnn", {"input": "5x3x10", "hidden": 20, "layers": 2}, {"params": 1_480}, "PyTorch RNN docs"),
    ("gru", {"input": "5x3x10", "hidden": 20, "layers": 2}, {"params": 4_440}, "PyTorch GRU docs"),
    ("lstm", {"input": "5x3x10", "hidden": 20, "layers": 2}, {"params": 5_920},
     "PyTorch LSTM docs"),
    ("attention", {"input": "7x512", "embed_dim": 512, "heads": 8}, {"params": 1_050_624},
     "Transformer, Vaswani 2017: 4·512² and biases"),
    ("batch_norm2d", {"input": "20x100x35x45"}, {"params": 200, "buffers": 200, "macs": 0},
     "PyTorch BatchNorm2d docs"),
    ("layer-norm", {"input": "20x5x10", "shape": 10}, {"params": 20}, "PyTorch LayerNorm docs"),
    ("max_pool2d", {"input": "64x112x112", "kernel": 2},
     {"params": 0, "macs": 0, "activations": 200_704}, "pooling learns nothing"),
    ("conv_transpose2d", {"input": "16x12x12", "kernel": 3, "stride": 2, "out_channels": 33},
     {"params": 33 * 145, "macs": 33 * 16 * 9 * 144}, "PyTorch ConvTranspose2d"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "given_", "values"), [o[:3] for o in OPERATIONS],
    ids=[f"{o[0]}, {o[3]}" for o in OPERATIONS],
)  # fmt: skip
def test_one_operation(layer: str, given_: Any, values: dict[str, Any]) -> None:
    found = solve(f"count {layer}", **given_).value
    assert {name: found[name] for name in values} == values


def test_memory() -> None:
    """VGG-16's parameters take 528 MB in float32, as torchvision's file does."""
    found = solve("count memory", net="vgg16", unit="MiB").value
    assert found["params"] == Fraction(138_357_544 * 4, 2**20)
    assert found["total"] == found["params"] + found["activations"]
    half = solve("count memory", net="vgg16", unit="MiB", dtype="float16").value
    assert half["total"] * 2 == found["total"]
    assert solve("count memory", net="vgg16", unit="B").value["params"] == 553_430_176


def test_facts_about_one_layer() -> None:
    asked = "shape,params,weights,biases,macs,flops,activations,connections"
    found = solve("count layer", net="lenet5", layer="C1", ask=asked).value
    assert list(found) == asked.split(",")
    assert tuple(found.values())[1:] == (156, 150, 6, 117_600, 235_200, 4_704, 122_304)


def test_compare() -> None:
    """One 5×5 against two 3×3, as VGG argues: 25C² against 18C²."""
    nets = "CxHxW: conv C k5 nobias; CxHxW: conv C k3 nobias, conv C k3 nobias"
    found = solve("count compare", nets=nets).value
    assert (found["most"], found["fewest"], found["same_for_all"]) == (1, 2, True)
    nets = nets.replace("C", "64").replace("xHxW", "x28x28").replace("64onv", "conv")
    found = solve("count compare", nets=nets).value
    assert (found["difference"], found["ratio"]) == (7 * 64**2, Fraction(25, 18))


def test_a_table_adds_up() -> None:
    table = solve("count table", net="lenet5-modern").value
    rows, total = table[:-1], dict(zip(table.columns, table[-1]))
    for name in ("params", "macs"):
        assert total[name] == sum(dict(zip(table.columns, row))[name] for row in rows)
    assert total["params"] == 61_706


# -- letters ------------------------------------------------------------------------------

LETTERED = [
    ("count params", "CxHxW: conv C k3 nobias, conv C k3 nobias, conv C k3 nobias", "27C²",
     "VGG: three 3×3, Simonyan and Zisserman 2015"),
    ("count params", "CxHxW: conv C k7 p3 nobias", "49C²", "VGG: one 7×7"),
    ("count params", "CxHxW: conv K k3", "9K·C + K", "one convolution"),
    ("count params", "CxHxW: conv C k3 g=C, conv K k1", "K·C + K + 10C",
     "MobileNet: depthwise separable"),
    ("count params", "12xHxW: conv 24 k3 g=g", "2592/g + 24", "groups"),
    ("count params", "n: linear m", "m·n + m", "a dense layer"),
    ("count params", "CxHxW: bn", "2C", "batch norm"),
    ("count macs", "CxHxW: conv C k3 p1", "9C²·H·W", "one convolution"),
    ("count macs", "CxHxW: conv K k1", "K·C·H·W", "pointwise"),
    ("count activations", "CxHxW: conv K k3 p1", "K·H·W", "one map a filter"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "net", "shown"), [c[:3] for c in LETTERED], ids=[c[3] for c in LETTERED]
)
def test_in_letters(kind: str, net: str, shown: str) -> None:
    assert str(solve(kind, net=net).value) == shown


NETS = [
    "CxHxW: conv 5 k3, relu, maxpool 2, conv 7 k3 s2 p1, flatten, linear 11",
    "CxHxW: maxpool 3 s2 ceil, [conv 5 k3 p1 | conv 7 k1 | avgpool 3 s1 p1]",
    "CxHxW: conv C k3 p1, bn, residual[conv C k3 p1, relu], gap, flatten, linear K",
    "CxHxW: conv C k3 g=C, conv K k1, bn",
    "CxHxW: deconv 5 k4 s2 p1, conv 7 k5 nobias",
    "CxHxW: [maxpool 2 | conv 5 k2 s2], conv K k2",
]
KINDS = ["count params", "count macs", "count flops", "count activations", "count connections"]


def at(net: str, env: dict[str, int]) -> str:
    """The network with numbers for its letters."""
    head, _, body = net.partition(":")
    for name, n in env.items():
        head = head.replace(name, str(n))
        body = body.replace(f"conv {name} ", f"conv {n} ").replace(f"g={name}", f"g={n}")
        body = body.replace(f"linear {name}", f"linear {n}")
    return f"{head}:{body}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("net", NETS)
def test_letters_agree_with_numbers(kind: str, net: str) -> None:
    """The answer in letters at numbers is the answer to the numbers; else it is refused."""
    answer = solve(kind, net=net)
    for h in range(1, 16, 2):
        env = {"C": 6, "H": h, "W": 17 - h, "K": 7}
        try:
            found = solve(kind, net=at(net, env)).value
        except BadInput:
            assert not holds(answer.condition, env)
        else:
            assert holds(answer.condition, env)
            assert at_numbers(answer.value, env) == found


@pytest.mark.parametrize("kind", ["count macs", "count flops", "count activations"])
@pytest.mark.parametrize("net", NETS)
def test_a_batch_multiplies_the_work(kind: str, net: str) -> None:
    numbers = at(net, {"C": 6, "H": 13, "W": 17, "K": 7})
    one = solve(kind, net=numbers).value
    assert solve(kind, net=numbers, batch=5).value == 5 * one
    lettered = solve(kind, net=numbers, batch="N").value
    assert at_numbers(lettered, {"N": 5}) == 5 * one


# -- laws ---------------------------------------------------------------------------------

LAYERS = ["conv 5 k3 p1", "conv 7 k2 s2", "relu", "bn", "maxpool 3 s2 p1", "conv 6 k1 nobias",
          "[conv 2 k1 | conv 3 k3 p1]", "residual[relu]", "deconv 3 k2 s2", "prelu"]  # fmt: skip


@given(st.lists(st.sampled_from(LAYERS), min_size=1, max_size=6), st.sampled_from(KINDS))
@settings(max_examples=80)
def test_counts_add_up_over_layers(layers: list[str], kind: str) -> None:
    net = read_net("3x37x41: " + ", ".join(layers))
    whole = solve(kind, net=net, **({"inplace": True} if "activations" in kind else {})).value
    every = [r.name for r in net.rows() if r.name]
    each = [solve(kind, net=net, layer=[name]).value for name in every]
    leaves = [v for n, v in zip(every, each) if not any(m.startswith(n + ".") for m in every)]
    merges = [r for r in net.rows() if any(m.startswith(r.name + ".") for m in every)]
    if "activations" in kind:  # a merge's own output counts besides its branches'
        leaves += [prod_of(r.out) for r in merges]
    assert whole == sum(leaves)


def prod_of(shape: Any) -> int:
    found = 1
    for n in shape:
        found *= n
    return found


@given(st.lists(st.sampled_from(LAYERS), min_size=2, max_size=5), st.data())
@settings(max_examples=40)
def test_a_range_is_the_sum_of_its_layers(layers: list[str], data: Any) -> None:
    net = read_net("3x37x41: " + ", ".join(f"l{i}={one}" for i, one in enumerate(layers)))
    cut = data.draw(st.integers(0, len(layers) - 2))
    parts = [f"l0..l{cut}", f"l{cut + 1}..l{len(layers) - 1}"]
    for kind in ("count params", "count macs"):
        assert sum(solve(kind, net=net, layer=[p]).value for p in parts) == (
            solve(kind, net=net).value
        )


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(5, 13))
def test_a_convolution_counted_by_hand(c: int, k: int, size: int, n: int) -> None:
    """Weights one by one, and multiply-adds position by position."""
    net = f"{c}x{n}x{n + 4}: conv {k} k{size}"
    weights = [(o, i, a, b) for o in range(k) for i in range(c) for a in range(size)
               for b in range(size)]  # fmt: skip
    positions = [(y, x) for y in range(n - size + 1) for x in range(n + 4 - size + 1)]
    assert solve("count params", net=net).value == len(weights) + k
    assert solve("count macs", net=net).value == len(weights) * len(positions)
    assert solve("count connections", net=net).value == (len(weights) + k) * len(positions)


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 3), st.integers(0, 4),
       st.integers(1, 3), st.integers(5, 12))  # fmt: skip
def test_products_off_the_padding_by_hand(
    c: int, k: int, s: int, p: int, d: int, n: int
) -> None:
    try:
        found = solve("count macs", net=f"{c}x{n}x{n + 1}: conv 2 k{k} s{s} p{p} d{d}", zeros=False)
    except BadInput:
        return
    met = []
    for size in (n, n + 1):
        starts = range(-p, size + p - d * (k - 1), s)
        met.append(sum(0 <= i + j * d < size for i in starts for j in range(k)))
    assert found.value == 2 * c * met[0] * met[1]


@given(st.sampled_from(LAYERS), st.sampled_from(LAYERS))
def test_flops_are_twice_the_multiply_adds(a: str, b: str) -> None:
    net = f"3x37x41: {a}, {b}"
    assert solve("count flops", net=net).value == 2 * solve("count macs", net=net).value


@given(st.sampled_from(LAYERS))
def test_weights_and_biases_are_the_parameters(layer: str) -> None:
    net = f"3x37x41: {layer}"
    parts = (solve(f"count {kind}", net=net).value for kind in ("weights", "biases"))
    assert sum(parts) == solve("count params", net=net).value


def test_an_unknown_operation_makes_the_total_a_lower_bound() -> None:
    answer = solve("count macs", net="3x8x8: conv 5 k3, custom swish, flatten, linear 7")
    assert answer.value == 5 * 27 * 36 + 7 * 180
    assert any("custom1" in note for note in answer.conventions)


# -- refusals -----------------------------------------------------------------------------

REFUSED = [
    ("count params", {}, "count params needs net"),
    ("count params", {"net": "vgg17"}, "did you mean vgg1"),
    ("count params", {"net": "vgg16", "layer": "fc9"}, "did you mean fc"),
    ("count params", {"net": "vgg16", "layers": "fc1"}, "did you mean layer"),
    ("count params", {"net": "vgg16", "input": "3x5x5"}, "does not fit"),
    ("count params", {"net": "vgg16", "bias": "perhaps"}, "true or false"),
    ("count macs", {"net": "3xHxW: conv 5 k3 p1", "zeros": False}, "needs numbers"),
    ("count conv", {"kernel": 3, "zeros": False}, "needs numbers"),
    ("count macs", {"net": "vgg16", "batch": "two"}, "is no letter"),
    ("count macs", {"net": "vgg16", "batch": 10**30}, "too large"),
    ("count flops", {"net": "vgg16", "include": "biases"}, "did you mean bias"),
    ("count memory", {"net": "vgg16", "unit": "MBit"}, "did you mean MB or MiB"),
    ("count memory", {"net": "vgg16", "dtype": "float"}, "did you mean float"),
    ("count compare", {"nets": "vgg16"}, "at least two networks"),
    ("count compare", {"nets": "vgg16; vgg19", "of": "parameters"}, "did you mean params"),
    ("count compare", {"nets": "CxHxW: conv 9 k3; CxHxW: conv C k3"}, "depends on the letters"),
    ("count layer", {"net": "lenet5", "ask": "colour"}, "no fact about a layer is called"),
    ("count layer", {"net": "lenet5", "ask": ""}, "ask for some of shape, params"),
    ("count parms", {"net": "lenet5"}, "did you mean count params"),
    ("count params", {"net": "CxHxW: [conv 2 k1 | conv 5 k3]"}, "never"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "given_", "words"), REFUSED, ids=[f"{r[0]} {r[1]}" for r in REFUSED]
)
def test_refused(kind: str, given_: dict[str, Any], words: str) -> None:
    refused(lambda: solve(kind, **given_), words, seconds=2)


# -- a wrong count is caught --------------------------------------------------------------


def more(layer: type, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The layer states one more than there is."""
    right = getattr(layer, method)

    def wrong(self: Any, *args: Any) -> Any:
        found = right(self, *args)
        if isinstance(found, dict):
            name, *_ = found
            first, *rest = found[name]
            return {**found, name: (first + 1, *rest)}
        if isinstance(found, tuple):
            return (*found[:-1], found[-1] + 1)
        return found + (Num(1) if isinstance(found, Expr) else 1)

    monkeypatch.setattr(layer, method, wrong)


CNN = "3x37x41: conv 5 k3, bn, relu, maxpool 2, flatten, linear 11"
WRONG = [
    ("count params", CNN, Conv, "weights"),
    ("count params", CNN.replace("3x37x41", "3xHxW"), Conv, "weights"),
    ("count params", CNN, Linear, "weights"),
    ("count weights", CNN, Conv, "weights"),
    ("count macs", CNN, Conv, "macs"),
    ("count macs", CNN.replace("3x37x41", "CxHxW"), Conv, "macs"),
    ("count macs", CNN, Linear, "macs"),
    ("count macs", "3x11x13: deconv 5 k3 s2", ConvTranspose, "macs"),
    ("count flops", CNN, Conv, "macs"),
    ("count connections", CNN, Conv, "connections"),
    ("count activations", CNN, Conv, "out"),
    ("count memory", CNN, Conv, "out"),
    ("count table", CNN, Conv, "macs"),
    ("count table", CNN, Conv, "out"),
    ("count layer", CNN, Conv, "weights"),
    ("count params", CNN, BatchNorm, "weights"),
    ("count params", CNN.replace("bn", "ln"), LayerNorm, "weights"),
    ("count memory", CNN, BatchNorm, "buffers"),
    ("count compare", None, Conv, "macs"),
]


@pytest.mark.parametrize(
    ("kind", "net", "layer", "method"),
    WRONG,
    ids=[f"{w[0]} {w[2].__name__}.{w[3]} {i}" for i, w in enumerate(WRONG)],
)
def test_a_count_off_by_one_is_caught(
    kind: str, net: str | None, layer: type, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_: dict[str, Any] = {"net": net}
    if kind == "count compare":
        given_ = {"nets": f"{CNN}; 3x37x41: relu", "of": "macs"}
    if kind == "count layer":
        given_ |= {"layer": "conv1", "ask": "weights,params,biases"}
    assert solve(kind, **given_)
    more(layer, method, monkeypatch)
    with pytest.raises((CheckFailed, BadInput)):
        solve(kind, **given_)


@pytest.mark.parametrize(
    ("kind", "given_", "layer", "method"),
    [
        ("count conv", {"input": "3x37x41", "kernel": 3}, Conv, "macs"),
        ("count conv", {"input": "CxHxW", "kernel": 3}, Conv, "weights"),
        ("count conv", {"input": "3x37x41", "kernel": 3, "padding": 2, "zeros": False,
                        "out_channels": 5}, Conv, "inside"),
        ("count conv-transpose", {"input": "3x37x41", "kernel": 3, "gather": True}, ConvTranspose,
         "gathered"),
        ("count linear", {"input": "37", "out_features": 41}, Linear, "macs"),
        ("count lstm", {"input": "5x3x7", "hidden": 11}, Recurrent, "weights"),
    ],
)  # fmt: skip
def test_a_wrong_operation_is_caught(
    kind: str, given_: Any, layer: type, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert solve(kind, **given_)
    more(layer, method, monkeypatch)
    with pytest.raises((CheckFailed, BadInput)):
        solve(kind, **given_)
