"""The short notation and bundled names: layers, names, branches, repeats, refusals."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput
from solver.kinds import solve
from solver.networks.combine import Sequential
from solver.networks.layers import Signal, show_shape
from solver.networks.net import Net, network
from solver.networks.notation import OTHER, WORDS, read_net
from solver.networks.pointwise import ACTIVATIONS
from tests.lettered import HOSTILE, answered_or_refused, refused


def outs(source: str) -> list[str]:
    """name:shape of every layer, without the batch."""
    return [f"{r.name}:{show_shape(r.out[1:])}" for r in read_net(source).rows()]


READ = [
    ("3x32x32: conv 6 k5", ["conv1:6×28×28"]),
    ("3x32x32: conv 6 5x5", ["conv1:6×28×28"]),
    ("3x32x32: conv 6 k5x3", ["conv1:6×28×30"]),
    ("3x32x32: conv k5 6", ["conv1:6×28×28"]),
    ("3x32x32: conv 6 kernel=5 stride=2", ["conv1:6×14×14"]),
    ("3x32x32: conv 6 k = 5", ["conv1:6×28×28"]),
    ("3x32x32: conv 6 kernel_size=5", ["conv1:6×28×28"]),
    ("3x32x32: conv 6 k5 s2 p1 d2 g3", ["conv1:6×13×13"]),
    ("3x32x32: conv 6 k5 same", ["conv1:6×32×32"]),
    ("3x32x32: conv 6 k5 padding=same", ["conv1:6×32×32"]),
    ("3x32x32: conv2d 6 k5, batchnorm2d, max_pool2d 2", [
        "conv1:6×28×28", "bn1:6×28×28", "pool1:6×14×14"]),
    ("3x37: conv 6 k5, maxpool 2", ["conv1:6×33", "pool1:6×16"]),
    ("3x37: conv1d 6 k5", ["conv1:6×33"]),
    ("3x11x13x17: conv 6 k5, avgpool 2", ["conv1:6×7×9×13", "pool1:6×3×4×6"]),
    ("3x32x32: maxpool 2", ["pool1:3×16×16"]),
    ("3x32x32: maxpool 3 s2 ceil", ["pool1:3×16×16"]),
    ("3x32x32: avg 2x3", ["pool1:3×16×10"]),
    ("3x32x32: gap, flatten", ["gap1:3×1×1", "flatten1:3"]),
    ("3x32x32: gap 7", ["gap1:3×7×7"]),
    ("3x32x32: deconv 6 k4 s2 p1", ["deconv1:6×64×64"]),
    ("3x32x32: deconv 6 k3 s2 p1 q1", ["deconv1:6×64×64"]),
    ("3x32x32: upsample 2", ["upsample1:3×64×64"]),
    ("12x7x5: pixelshuffle 2", ["shuffle1:3×14×10"]),
    ("3x32x32: pad 2", ["pad1:3×36×36"]),
    ("3x32x32: pad 1x2x3x4", ["pad1:3×39×35"]),
    ("3x32x32: dropout 0.25, dropout p=0.25", ["dropout1:3×32×32", "dropout2:3×32×32"]),
    ("784: linear 128, relu, dense 10, softmax", ["fc1:128", "relu1:128", "fc2:10", "softmax1:10"]),
    ("784: FC 128, ReLU", ["fc1:128", "relu1:128"]),
    ("3x8x8: flatten, linear 10 nobias", ["flatten1:192", "fc1:10"]),
    ("3x8x8: leaky-relu, leakyrelu, leaky_relu", [
        "leaky-relu1:3×8×8", "leaky-relu2:3×8×8", "leaky-relu3:3×8×8"]),
    ("3x32x32: a=conv 6 k5, b=relu", ["a:6×28×28", "b:6×28×28"]),
    ("3x32x32: relu1=conv 6 k5, relu, relu", ["relu1:6×28×28", "relu2:6×28×28", "relu3:6×28×28"]),
    ("3x8x8: [conv 2 k1 | conv 5 k3 p1]", ["concat1.conv1:2×8×8", "concat1.conv2:5×8×8",
                                           "concat1:7×8×8"]),
    ("3x8x8: b=[conv 2 k1 | ]", ["b.conv1:2×8×8", "b:5×8×8"]),
    ("3x8x8: residual[conv 3 k3 p1]", ["add1.conv1:3×8×8", "add1:3×8×8"]),
    ("3x8x8: add[conv 3 k3 p1 | ]", ["add1.conv1:3×8×8", "add1:3×8×8"]),
    ("3x8x8: add[conv 7 k3 p1 | conv 7 k1], relu", [
        "add1.conv1:7×8×8", "add1.conv2:7×8×8", "add1:7×8×8", "relu1:7×8×8"]),
    ("3x8x8: aside[gap, flatten, linear 10], relu", [
        "gap1:3×1×1", "flatten1:3", "fc1:10", "relu1:3×8×8"]),
    ("3x16x16: (conv 3 k3, relu)*2", ["conv1:3×14×14", "relu1:3×14×14", "conv2:3×12×12",
                                      "relu2:3×12×12"]),
    ("3x16x16: (a=conv 3 k3)*3", ["a:3×14×14", "a2:3×12×12", "a3:3×10×10"]),
    ("3x16x16: b=(conv 3 k3)*2", ["b.conv1:3×14×14", "b.conv2:3×12×12"]),
    ("3x16x16: ((relu)*2, tanh)*2", ["relu1:3×16×16", "relu2:3×16×16", "tanh1:3×16×16",
                                     "relu3:3×16×16", "relu4:3×16×16", "tanh2:3×16×16"]),
    ("3x16x16: relu,", ["relu1:3×16×16"]),
    ("conv 6 k3", ["conv1:6×(H − 2)×(W − 2)"]),
    ("CxHxW: conv 2C k3 p1", ["conv1:2C×H×W"]),
    ("CxHxW: conv 2C kk p=p", ["conv1:2C×(H − k + 2p + 1)×(W − k + 2p + 1)"]),
    ("CxHxW: conv C k=2k+1 p=k", ["conv1:C×H×W"]),
    ("n: linear 2n, relu", ["fc1:2n", "relu1:2n"]),
    ("3x32x32: custom swish", ["custom1:3×32×32"]),
    ("3x32x32: custom backbone 512", ["custom1:512"]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "rows"), READ, ids=[r[0] for r in READ])
def test_read(source: str, rows: list[str]) -> None:
    assert outs(source) == rows


def test_line_breaks_and_capitals_are_fine() -> None:
    assert outs("3x32x32:\n  Conv 6 k5,\n  ReLU") == ["conv1:6×28×28", "relu1:6×28×28"]


BUNDLED = [
    ("vgg16", (3, 224, 224), "1000"),
    ("VGG16", (3, 224, 224), "1000"),
    ("vgg16_bn", (3, 224, 224), "1000"),
    ("vgg16(classes=10)", (3, 224, 224), "10"),
    ("vgg16 @ 3x32x32", (3, 32, 32), "1000"),
    ("vgg16(classes=10)@3x32x32", (3, 32, 32), "10"),
    ("lenet5-modern", (1, 32, 32), "10"),
]


@pytest.mark.parametrize(("source", "input", "end"), BUNDLED, ids=[b[0] for b in BUNDLED])
def test_bundled(source: str, input: Any, end: str) -> None:
    net = read_net(source)
    assert net.input == input
    assert show_shape(net.rows()[-1].out[1:]) == end


@pytest.mark.parametrize("name", network.names())
def test_every_bundled_network_runs_and_names_its_source(name: str) -> None:
    net = read_net(name)
    assert net.source
    rows = net.rows()
    assert len({r.name for r in rows}) == len(rows)


@pytest.mark.parametrize("word", [*WORDS, *OTHER, *ACTIVATIONS])
def test_every_word_is_a_layer(word: str) -> None:
    """Each can be written, with a value where it needs one, in capitals and with dims."""
    for source in (f"{word} 2", f"{word.upper()} 2", f"{word} 2 k3", word, f"{word} k3"):
        try:
            found = read_net(f"8x8x8: {source}")
        except BadInput as e:
            assert "no layer is called" not in str(e)
        else:
            assert isinstance(found, Net)
            break
    else:
        assert word == "embedding"
        read_net(f"7: {word} 2 embedding_dim=3")


# source, words of the error, what the caret is under
REFUSED = [
    ("", "expected a layer", ""),
    ("3x32x32:", "expected a layer", ""),
    ("3x32x32: ,", "no layer is called ','", ","),
    ("3x32x32: relu,,relu", "no layer is called ','", ",relu"),
    ("3x32x32: convv 6 k5", "did you mean conv", "convv"),
    ("3x32x32: reul", "did you mean relu", "reul"),
    ("3x32x32: conv", "needs its out_channels and kernel", "conv"),
    ("3x32x32: conv 6", "needs its kernel", "conv"),
    ("3x32x32: maxpool", "needs its kernel", "maxpool"),
    ("3x32x32: conv 6 k5 k3", "kernel is given twice", "k3"),
    ("3x32x32: conv 6 k5 stride=2 s3", "stride is given twice", "s3"),
    ("3x32x32: conv 6 5", "'5' is no option of conv", "5"),
    ("3x32x32: conv 6 k5 strid=2", "did you mean stride", "strid"),
    ("3x32x32: conv 6 k5 noaffine", "no option of conv is called 'affine'", "noaffine"),
    ("3x32x32: conv 6 k5; relu", "'k5;' is no option", "k5;"),
    ("3x32x32: conv 6 k=", "k needs its value", "k="),
    ("3x32x32: maxpool 2 mode=", "mode needs its value", "mode="),
    ("3x32x32: conv 6 k=(5,3)", "written with x: 5x3", "(5,3)"),
    ("3x32x32: conv 6 k5 dims=7", "dims is 1, 2 or 3, not 7", "conv"),
    ("3x32x32: conv 6 k99999999999999999999", "too large", "k9"),
    ("3x32x32: conv 10^30 k3", "expected a whole number", "10^30"),
    ("3x32x32: conv 9^9^9^9 k3", "expected a whole number", "9^9"),
    ("3x32x32: conv n^2 k3", "need not be", "n^2"),
    ("3x32x32: conv filters k3", "'filters' is no letter", "filters"),
    ("3x32x32: (relu", "'(' is never closed", "(relu"),
    ("3x32x32: [relu", "'[' is never closed", "[relu"),
    ("3x32x32: [relu)", "'[' is never closed", "[relu)"),
    ("3x32x32: relu)", "did not expect ')'", ")"),
    ("3x32x32: relu | relu", "did not expect '|'", "|"),
    ("3x32x32: (relu)*0", "a number from 1 to 500", "0"),
    ("3x32x32: (relu)*501", "a number from 1 to 500", "501"),
    ("3x32x32: (relu)*n", "a number from 1 to 500", "n"),
    ("3x32x32: " + "(" * 10_000, "deeper than 30", "("),
    ("3x32x32: " + "[" * 10_000, "deeper than 30", "["),
    ("3x32x32: ((relu)*100)*100", "more than 5000 layers", ")*100"),
    ("3x32x32: a=relu, a=tanh", "two layers are called 'a'", "a=tanh"),
    ("3x32x32: relu: relu", "no layer is called 'relu:'", "relu:"),
    ("3x32x32: \x00", "no layer is called", "\x00"),
    ("3x32x32: __import__('os')", "no layer is called", "__import__"),
    ("vgg17", "no network is called 'vgg17'; did you mean vgg1", None),
    ("resnet", "did you mean resnet", None),
    ("nothing-like-it(classes=3)", "no network is called", None),
    ("vgg16(foo=1)", "there are classes", None),
    ("vgg16(classes=cat)", "classes: 'cat' is no letter", None),
    ("3xfoox32: relu", "is no letter", None),
]


@pytest.mark.parametrize(("source", "words", "under"), REFUSED, ids=[r[0][:40] for r in REFUSED])
def test_refused_with_a_caret(source: str, words: str, under: str | None) -> None:
    refused(lambda: read_net(source), words)
    if under:
        with pytest.raises(BadInput) as error:
            read_net(source)
        assert source[error.value.offset :].startswith(under)


# What is read but does not fit; the error names the layer.
MISFITS = [
    ("3x32x32: conv 6 k33", "conv1: kernel 33 does not fit"),
    ("3x32x32: conv 6 k5 g2", "conv1: input channels 3 cannot be divided by groups 2"),
    ("6x32x32: conv 7 k5 g2", "conv1: output channels 7 cannot be divided by groups 2"),
    ("3x32x32: conv 6 k4 same s2", "conv1: padding 'same' needs stride 1"),
    ("3x32x32: conv 6 k5 in_channels=4", "has 3 channels, the filters read 4"),
    ("3x32x32: gn 2", "gn1: channels 3 cannot be divided by groups 2"),
    ("3x32x32: bn 4", "bn1: the input 1×3×32×32 has 3 channels, the layer normalises 4"),
    ("3x32x32: dropout 2", "between 0 and 1, not 2.0"),
    ("3x32x32: conv3d 6 k3", "conv1: a 3d layer takes C×D×H×W, not 3×32×32"),
    ("3x32x32: conv1d 6 k3", "conv1: "),
    ("3x32: conv2d 6 k3", "conv1: a 2d layer takes C×H×W, not 3×32"),
    ("3x32x32: tokens, conv 6 k3", "conv1: a 2d layer takes C×H×W, not 1024×3"),
    ("3x32x32: flatten, conv 6 k3", "conv1: "),
    ("3x32x32: pixelshuffle 2", "C/f² must be a whole number, not 3/2²"),
    ("3x32x32: [conv 2 k1 | conv 5 k3]", "cannot be concatenated"),
    ("3x32x32: add[conv 2 k1 | conv 5 k1]", "sizes 2 and 5 differ and neither is 1"),
    ("3x32x32: residual[conv 3 k3]", "cannot be added"),
    ("CxHxW: residual[conv C k3]", "never"),
    ("CxHxW: [conv 2 k1 | conv 5 k3]", "H is never H − 2"),
    ("vgg16 @ 3x16x16", "pool5: kernel 2 does not fit: the input is 1 along H"),
    ("3x32x32: (deconv 3 k2 s1000000000)*9", "grow beyond"),
    ("3x3x3: (upsample 1000000000)*500", "grow beyond"),
    ("CxHxW: (maxpool 2 s3 ceil)*20", "grow too long in letters"),
    ("1x1x1: pad -1", "pad1: each padded side must be 1 or more, not -1"),
]


@pytest.mark.parametrize(("source", "words"), MISFITS, ids=[m[0] for m in MISFITS])
def test_a_misfit_names_its_layer(source: str, words: str) -> None:
    refused(lambda: solve("shape net", net=source), words)


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text(source: str) -> None:
    answered_or_refused(lambda: read_net(source))
    answered_or_refused(lambda: read_net(f"3x32x32: {source}"))
    answered_or_refused(lambda: read_net(f"3x32x32: conv {source} k3"))
    answered_or_refused(lambda: read_net(f"{source}: relu"))


# A name followed by spaces: a regular expression that tries every way to split them hangs.
@pytest.mark.parametrize("source", ["a" + " " * 300_000 + "!", "a @" + " " * 300_000 + "@",
                                    "A" * 300_000, "a(" * 100_000])  # fmt: skip
def test_long_text_is_read_at_once(source: str) -> None:
    answered_or_refused(lambda: read_net(source), seconds=2)


@given(st.text(max_size=60))
def test_no_text_makes_the_reader_crash(source: str) -> None:
    answered_or_refused(lambda: read_net(source))
    answered_or_refused(lambda: read_net(f"3x32x32: {source}"))


PIECES = ["conv", " 6", " k3", " s2", " p1", ",", " relu", "maxpool 2", "[", "]", "|", "(", ")",
          "*2", "a=", "add", "residual", "aside", "flatten", "linear 10", "=", " same", "CxHxW:",
          "3x32x32:", " k=n", "2n", "gap", "bn", "dims=3", " g=3", "\n", "@", "."]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@settings(max_examples=500)
def test_nearly_right_text_is_read_or_refused(source: str) -> None:
    net = answered_or_refused(lambda: read_net(source))
    if net is not None:
        answered_or_refused(lambda: net.rows())


# -- composition --------------------------------------------------------------------------

LAYERS = ["conv 5 k3 p1", "conv 7 k2 s2", "relu", "bn", "maxpool 3 s2 p1", "avgpool 2 s1",
          "conv 3 k1 nobias", "residual[relu]", "[conv 2 k1 | conv 3 k3 p1]"]  # fmt: skip


@given(st.lists(st.sampled_from(LAYERS), min_size=2, max_size=6), st.data())
@settings(max_examples=60)
def test_sequential_is_associative(layers: list[str], data: Any) -> None:
    """(a, b), c is a, (b, c): the same shapes, counts and fields in the same order."""
    cut = data.draw(st.integers(1, len(layers) - 1))
    flat = read_net("3x37x41: " + ", ".join(layers))
    first, last = ", ".join(layers[:cut]), ", ".join(layers[cut:])
    grouped = [f"(({first}), {last})", f"(({first}), ({last}))", f"({first}, ({last}))"]
    named = read_net(f"3x37x41: a=({first}), b=({last})")
    wanted = [facts(row) for row in flat.rows()]
    for source in grouped:
        assert [facts(row) for row in read_net(f"3x37x41: {source}").rows()] == wanted
    assert [facts(row) for row in named.rows()] == wanted
    assert {r.name.split(".")[0] for r in named.rows()} == {"a", "b"}


def facts(row: Any) -> Any:
    layer, inputs = row.layer, row.inputs
    return (type(layer).__name__, inputs, row.out, row.field, layer.weights(*inputs),
            layer.macs(inputs, row.out))  # fmt: skip


@given(st.lists(st.sampled_from(LAYERS), min_size=1, max_size=5))
@settings(max_examples=40)
def test_a_network_is_a_layer(layers: list[str]) -> None:
    """A Sequential answers what its layers answer together."""
    net = read_net("3x37x41: " + ", ".join(layers))
    rows, input = net.rows(), (1, *net.input)
    assert isinstance(net.layer, Sequential)
    assert net.layer.out(input) == rows[-1].out == net.layer.recount(input)
    assert net.layer.run([Signal(input)], "", []).shape == rows[-1].out
    assert sum(r.layer.tally(*r.inputs) for r in rows) == net.layer.tally(input)
    many = sum(len(r.layer.weights(*r.inputs)) for r in rows)
    assert len(net.layer.weights(input)) == many


def test_a_net_is_passed_through_and_other_things_refused() -> None:
    net = read_net("3x8x8: relu")
    assert read_net(net) is net
    for raw in (3, None, [1], {"a": 1}):
        refused(lambda raw=raw: read_net(raw), "expected a network's name or notation")


def test_a_colon_and_nothing_before_it() -> None:
    refused(lambda: read_net(": frobnicate"), "no layer is called 'frobnicate'")
