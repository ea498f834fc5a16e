"""Output shapes: textbook values, laws, letters against numbers, refusals, wrong formulas."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from solver.core import BadInput, CheckFailed
from solver.expressions import formula
from solver.expressions.formula import at_numbers
from solver.expressions.nodes import letters
from solver.kinds import find, names, solve
from solver.kinds.shape import OFFERED
from solver.networks.combine import Concat
from solver.networks.conv import Conv, ConvTranspose
from solver.networks.layers import show_shape
from solver.networks.pool import Pool
from solver.networks.reshape import Flatten, Pad
from solver.networks.windows import Interpolate, PixelShuffle, Unfold
from tests.lettered import holds, refused


def shown(value: Any) -> str:
    return show_shape(value).replace("×", "x")


def conv(input: str, out: str, source: str, **given_: Any) -> Any:
    return pytest.param("shape conv", {"input": input, **given_}, out, id=source)


def case(kind: str, input: str, out: str, source: str, **given_: Any) -> Any:
    return pytest.param(f"shape {kind}", {"input": input, **given_}, out, id=source)


CONVOLUTIONS = [
    conv("3x227x227", "96x55x55", "AlexNet conv1, Krizhevsky 2012",
         out_channels=96, kernel=11, stride=4),
    conv("96x27x27", "256x27x27", "AlexNet conv2, Krizhevsky 2012",
         out_channels=256, kernel=5, padding=2, groups=2),
    conv("3x224x224", "64x55x55", "AlexNet conv1, torchvision",
         out_channels=64, kernel=11, stride=4, padding=2),
    conv("1x32x32", "6x28x28", "LeNet-5 C1, LeCun 1998", out_channels=6, kernel=5),
    conv("6x14x14", "16x10x10", "LeNet-5 C3, LeCun 1998", out_channels=16, kernel=5),
    conv("16x5x5", "120x1x1", "LeNet-5 C5, LeCun 1998", out_channels=120, kernel=5),
    conv("3x7x7", "1x5x5", "CS231n notes, 7x7 and 3x3 at stride 1", out_channels=1, kernel=3),
    conv("3x7x7", "1x3x3", "CS231n notes, 7x7 and 3x3 at stride 2",
         out_channels=1, kernel=3, stride=2),
    conv("4x11x11", "2x4x4", "CS231n notes, the NumPy example", out_channels=2, kernel=5, stride=2),
    conv("3x10x10", "1x8x8", "CS231n notes, 10 and 3 at stride 1", out_channels=1, kernel=3),
    conv("3x10x10", "1x4x4", "CS231n notes, 10 and 3 at stride 2, 4.5 rounded down",
         out_channels=1, kernel=3, stride=2),
    conv("3x32x32", "10x32x32", "CS231n lecture 5, ten 5x5 with padding 2",
         out_channels=10, kernel=5, padding=2),
    conv("3x224x224", "64x224x224", "VGG conv1, Simonyan and Zisserman 2015",
         out_channels=64, kernel=3, padding=1),
    conv("3x224x224", "64x112x112", "ResNet conv1, He 2016",
         out_channels=64, kernel=7, stride=2, padding=3),
    conv("64x56x56", "128x28x28", "ResNet projection, He 2016",
         out_channels=128, kernel=1, stride=2),
    conv("3x299x299", "32x149x149", "Inception v3 first convolution, Szegedy 2016",
         out_channels=32, kernel=3, stride=2),
    conv("768x17x17", "192x17x17", "Inception v3 1x7, Szegedy 2016",
         out_channels=192, kernel="1x7", padding="0x3"),
    conv("32x112x112", "32x112x112", "MobileNet depthwise, Howard 2017",
         out_channels=32, kernel=3, padding=1, groups=32),
    conv("64x112x112", "64x56x56", "MobileNet depthwise at stride 2, Howard 2017",
         out_channels=64, kernel=3, stride=2, padding=1, groups=64),
    conv("3x224x224", "96x109x109", "SqueezeNet 1.0 conv1, Iandola 2016",
         out_channels=96, kernel=7, stride=2),
    conv("3x224x224", "768x14x14", "ViT-B/16 patches, Dosovitskiy 2021",
         out_channels=768, kernel=16, stride=16),
    conv("1x4x4", "1x2x2", "Dumoulin and Visin figure 2.1", out_channels=1, kernel=3),
    conv("1x5x5", "1x6x6", "Dumoulin and Visin figure 2.2, arbitrary padding",
         out_channels=1, kernel=4, padding=2),
    conv("1x5x5", "1x5x5", "Dumoulin and Visin figure 2.3, half padding",
         out_channels=1, kernel=3, padding=1),
    conv("1x5x5", "1x7x7", "Dumoulin and Visin figure 2.4, full padding",
         out_channels=1, kernel=3, padding=2),
    conv("1x5x5", "1x2x2", "Dumoulin and Visin figure 2.5", out_channels=1, kernel=3, stride=2),
    conv("1x5x5", "1x3x3", "Dumoulin and Visin figure 2.6",
         out_channels=1, kernel=3, stride=2, padding=1),
    conv("1x6x6", "1x3x3", "Dumoulin and Visin figure 2.7, same as 5x5",
         out_channels=1, kernel=3, stride=2, padding=1),
    conv("1x7x7", "1x3x3", "Dumoulin and Visin figure 5.1, dilated",
         out_channels=1, kernel=3, dilation=2),
    conv("20x16x50x100", "20x33x24x49", "PyTorch Conv2d docs, square kernel",
         out_channels=33, kernel=3, stride=2),
    conv("20x16x50x100", "20x33x28x100", "PyTorch Conv2d docs, non-square kernel",
         out_channels=33, kernel="3x5", stride="2x1", padding="4x2"),
    conv("20x16x50x100", "20x33x26x100", "PyTorch Conv2d docs, dilated",
         out_channels=33, kernel="3x5", stride="2x1", padding="4x2", dilation="3x1"),
    case("conv1d", "20x16x50", "20x33x24", "PyTorch Conv1d docs",
         out_channels=33, kernel=3, stride=2),
    case("conv3d", "20x16x10x50x100", "20x33x4x24x49", "PyTorch Conv3d docs, square kernel",
         out_channels=33, kernel=3, stride=2),
    case("conv3d", "20x16x10x50x100", "20x33x8x50x99", "PyTorch Conv3d docs, non-square kernel",
         out_channels=33, kernel="3x5x2", stride="2x1x1", padding="4x2x0"),
    conv("3x37x41", "7x37x41", "same, odd kernel", out_channels=7, kernel=5, padding="same"),
    conv("3x37x41", "7x37x41", "same, even kernel", out_channels=7, kernel=4, padding="same"),
    conv("3x37x41", "7x37x41", "same, dilated",
         out_channels=7, kernel="3x4", padding="same", dilation="5x3"),
    conv("3x37x41", "7x33x37", "valid", out_channels=7, kernel=5, padding="valid"),
    conv("3x37x41", "7x19x21", "stride larger than the kernel",
         out_channels=7, kernel=1, stride=2),
    conv("3x37", "7x33", "two sizes are channels and length", out_channels=7, kernel=5),
]  # fmt: skip

POOLINGS = [
    case("pool", "64x224x224", "64x112x112", "VGG pool1, Simonyan and Zisserman 2015", kernel=2),
    case("pool", "96x55x55", "96x27x27", "AlexNet pool1, Krizhevsky 2012", kernel=3, stride=2),
    case("pool", "64x112x112", "64x56x56", "ResNet pool, He 2016", kernel=3, stride=2, padding=1),
    case("pool", "64x112x112", "64x56x56", "GoogLeNet pool1, Szegedy 2015",
         kernel=3, stride=2, ceil_mode=True),
    case("pool", "96x109x109", "96x54x54", "SqueezeNet pool1, Iandola 2016",
         kernel=3, stride=2, ceil_mode=True),
    case("pool", "6x28x28", "6x14x14", "LeNet-5 S2, LeCun 1998", kernel=2),
    case("pool", "1x5x5", "1x3x3", "Dumoulin and Visin figure 1.5", kernel=3, stride=1),
    case("pool", "512x13x13", "512x6x6", "13 halves to 6, rounded down", kernel=2),
    case("max_pool2d", "20x16x50x32", "20x16x24x15", "PyTorch MaxPool2d docs", kernel=3, stride=2),
    case("max_pool2d", "20x16x50x32", "20x16x24x31", "PyTorch MaxPool2d docs, non-square window",
         kernel="3x2", stride="2x1"),
    case("avg_pool2d", "20x16x50x32", "20x16x24x31", "PyTorch AvgPool2d docs",
         kernel="3x2", stride="2x1"),
    case("max_pool1d", "20x16x50", "20x16x24", "PyTorch MaxPool1d docs", kernel=3, stride=2),
    case("max_pool3d", "20x16x50x44x31", "20x16x24x21x15", "PyTorch MaxPool3d docs",
         kernel=3, stride=2),
    case("max_pool3d", "20x16x50x44x31", "20x16x24x43x15", "PyTorch MaxPool3d docs, non-square",
         kernel="3x2x2", stride="2x1x2"),
    case("lp_pool2d", "20x16x50x32", "20x16x24x31", "PyTorch LPPool2d docs",
         kernel="3x2", stride="2x1"),
    case("adaptive_avg_pool2d", "1x64x8x9", "1x64x5x7", "PyTorch AdaptiveAvgPool2d docs",
         output="5x7"),
    case("adaptive_avg_pool2d", "1x64x10x9", "1x64x7x7", "PyTorch AdaptiveAvgPool2d docs, square",
         output=7),
    case("adaptive_avg_pool2d", "1x64x10x9", "1x64x10x7", "PyTorch AdaptiveAvgPool2d docs, None",
         output=[None, 7]),
    case("adaptive_avg_pool3d", "1x64x8x9x10", "1x64x5x7x9", "PyTorch AdaptiveAvgPool3d docs",
         output="5x7x9"),
    case("adaptive-pool", "512x7x7", "512x1x1", "global average pooling, Lin 2014"),
    case("adaptive-pool", "3x5x5", "3x7x7", "adaptive pooling may also grow", output=7),
]  # fmt: skip

# (n, kernel, stride, padding) -> size, by PyTorch's pooling_output_shape
CEIL = [
    (5, 2, 2, 0, 3, "the last window hangs over"),
    (4, 2, 2, 0, 2, "nothing is left over"),
    (2, 3, 2, 0, 1, "one window larger than the input"),
    (3, 2, 3, 0, 1, "the second would start behind the input"),
    (4, 2, 3, 0, 2, "the second starts on the last position"),
    (5, 1, 3, 0, 2, "the third would start at 6"),
    (7, 1, 3, 0, 3, "the third starts at 6, the last position"),
    (3, 2, 3, 1, 2, "the padding in front lets a second start"),
    (4, 2, 3, 1, 2, "a third would start in the padding behind"),
    (5, 3, 2, 1, 3, "with padding"),
    (6, 3, 2, 1, 4, "with padding, the last one over"),
    (7, 3, 4, 0, 2, "stride larger than kernel"),
    (8, 3, 5, 1, 2, "stride larger than kernel, padded"),
]

TRANSPOSED = [
    case("conv-transpose", "1x2x2", "1x4x4", "Dumoulin and Visin figure 4.1",
         out_channels=1, kernel=3),
    case("conv-transpose", "1x6x6", "1x5x5", "Dumoulin and Visin figure 4.2",
         out_channels=1, kernel=4, padding=2),
    case("conv-transpose", "1x5x5", "1x5x5", "Dumoulin and Visin figure 4.3",
         out_channels=1, kernel=3, padding=1),
    case("conv-transpose", "1x7x7", "1x5x5", "Dumoulin and Visin figure 4.4",
         out_channels=1, kernel=3, padding=2),
    case("conv-transpose", "1x2x2", "1x5x5", "Dumoulin and Visin figure 4.5",
         out_channels=1, kernel=3, stride=2),
    case("conv-transpose", "1x3x3", "1x5x5", "Dumoulin and Visin figure 4.6",
         out_channels=1, kernel=3, stride=2, padding=1),
    case("conv-transpose", "1x3x3", "1x6x6", "Dumoulin and Visin figure 4.7",
         out_channels=1, kernel=3, stride=2, padding=1, output_padding=1),
    case("conv_transpose2d", "20x16x50x100", "20x33x101x201", "PyTorch ConvTranspose2d docs",
         out_channels=33, kernel=3, stride=2),
    case("conv_transpose2d", "20x16x50x100", "20x33x93x100", "PyTorch ConvTranspose2d, non-square",
         out_channels=33, kernel="3x5", stride="2x1", padding="4x2"),
    case("conv_transpose2d", "1x16x6x6", "1x16x12x12", "PyTorch ConvTranspose2d, output_size 12",
         out_channels=16, kernel=3, stride=2, padding=1, output_padding=1),
    case("deconv", "512x7x7", "256x14x14", "DCGAN generator, Radford 2016",
         out_channels=256, kernel=4, stride=2, padding=1),
]  # fmt: skip

OTHERS = [
    case("linear", "128x20", "128x30", "PyTorch Linear docs", out_features=30),
    case("linear", "25088", "4096", "VGG fc1, Simonyan and Zisserman 2015", out_features=4096),
    case("flatten", "512x7x7", "25088", "VGG flattened, Simonyan and Zisserman 2015"),
    case("flatten", "32x1x5x5", "32x25", "PyTorch Flatten docs"),
    case("flatten", "32x1x5x5", "160x5", "PyTorch Flatten docs, 0 to 2", start_dim=0, end_dim=2),
    case("unflatten", "2x50", "2x2x5x5", "PyTorch Unflatten docs", dim=1, shape="2x5x5"),
    case("unflatten", "2x50", "2x2x25", "PyTorch Unflatten, one size open", dim=1, shape="2,-1"),
    case("pad", "1x1x3x3", "1x1x7x7", "PyTorch ZeroPad2d docs", padding=2),
    case("pad", "1x1x3x3", "1x1x5x5", "PyTorch ZeroPad2d docs, one each", padding="1,1,2,0"),
    case("unfold", "2x5x3x4", "2x30x4", "PyTorch Unfold docs", kernel="2x3"),
    case("fold", "1x12x12", "1x3x4x5", "PyTorch Fold docs", kernel="2x2", output="4x5"),
    case("pixel_shuffle", "1x9x4x4", "1x1x12x12", "PyTorch PixelShuffle docs", factor=3),
    case("pixel_unshuffle", "1x1x12x12", "1x9x4x4", "PyTorch PixelUnshuffle docs", factor=3),
    case("upsample", "1x1x2x2", "1x1x4x4", "PyTorch Upsample docs", scale=2),
    case("interpolate", "1x3x7x5", "1x3x18x13", "PyTorch interpolate, 2.7 rounded down",
         scale=2.7, mode="bicubic"),
    case("embedding", "2x4", "2x4x3", "PyTorch Embedding docs",
         num_embeddings=10, embedding_dim=3),
    case("bilinear", "128x20 128x30", "128x40", "PyTorch Bilinear docs", out_features=40),
    case("matmul", "10x3x4 10x4x5", "10x3x5", "PyTorch matmul docs, batched"),
    case("matmul", "10x3x4 4x5", "10x3x5", "PyTorch matmul docs, broadcast"),
    case("concat", "64x28x28 128x28x28 32x28x28 32x28x28", "256x28x28",
         "GoogLeNet 3a, Szegedy 2015"),
    case("add", "64x56x56 64x56x56", "64x56x56", "ResNet shortcut, He 2016"),
    case("add", "3x37x1 1x41", "3x37x41", "NumPy broadcasting"),
    case("batch_norm2d", "20x100x35x45", "20x100x35x45", "PyTorch BatchNorm2d docs"),
    case("group_norm", "20x6x10x10", "20x6x10x10", "PyTorch GroupNorm docs", groups=3),
    case("lstm", "5x3x10", "(5x3x20)x((2x3x20)x(2x3x20))", "PyTorch LSTM docs",
         hidden=20, layers=2),
    case("gru", "5x3x10", "(5x3x20)x(2x3x20)", "PyTorch GRU docs", hidden=20, layers=2),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "given_", "out"), [*CONVOLUTIONS, *POOLINGS, *TRANSPOSED, *OTHERS]
)
def test_textbook(kind: str, given_: dict[str, Any], out: str) -> None:
    answer = solve(kind, **given_)
    assert shown(answer.value) == out
    assert answer.condition == ""


@pytest.mark.parametrize(
    ("n", "k", "s", "p", "out"), [c[:5] for c in CEIL], ids=[f"ceil_mode: {c[5]}" for c in CEIL]
)
def test_the_last_window_of_ceil_mode(n: int, k: int, s: int, p: int, out: int) -> None:
    given_ = {"kernel": k, "stride": s, "padding": p, "ceil_mode": True}
    answer = solve("shape pool", input=[7, n, 4 * n], **given_)
    assert answer.value[1] == out
    assert "starts inside" in " ".join(answer.conventions)


# -- networks -----------------------------------------------------------------------------

NETWORKS = [
    ("lenet5", "C1 S2 C3 S4 C5 F6 output", "6x28x28 6x14x14 16x10x10 16x5x5 120x1x1 84 10",
     "LeCun 1998"),
    ("alexnet", "conv1 pool1 conv2 pool2 conv3 conv4 conv5 pool5 fc6 fc8",
     "96x55x55 96x27x27 256x27x27 256x13x13 384x13x13 384x13x13 256x13x13 256x6x6 4096 1000",
     "Krizhevsky 2012"),
    ("vgg16", "conv1_2 pool1 conv2_2 pool2 conv3_3 pool3 conv4_3 pool4 conv5_3 pool5 fc1",
     "64x224x224 64x112x112 128x112x112 128x56x56 256x56x56 256x28x28 512x28x28 512x14x14 "
     "512x14x14 512x7x7 4096", "Simonyan and Zisserman 2015, CS231n notes"),
    ("googlenet", "conv1 pool1 conv2 pool2 3a 3b pool3 4a 4e pool4 5a 5b",
     "64x112x112 64x56x56 192x56x56 192x28x28 256x28x28 480x28x28 480x14x14 512x14x14 "
     "832x14x14 832x7x7 832x7x7 1024x7x7", "Szegedy 2015 table 1"),
    ("resnet50", "conv1 maxpool layer1 layer2 layer3 layer4 avgpool fc",
     "64x112x112 64x56x56 256x56x56 512x28x28 1024x14x14 2048x7x7 2048x1x1 1000",
     "He 2016 table 1"),
    ("inception-v3", "Conv2d_1a_3x3 Conv2d_2b_3x3 Mixed_5b Mixed_5d Mixed_6a Mixed_6e Mixed_7a "
     "Mixed_7c", "32x149x149 64x147x147 256x35x35 288x35x35 768x17x17 768x17x17 1280x8x8 "
     "2048x8x8", "Szegedy 2016 table 1, torchvision"),
    ("mobilenet-v1", "conv0 conv1_depthwise conv1_pointwise conv13_pointwise",
     "32x112x112 32x112x112 64x112x112 1024x7x7", "Howard 2017 table 1"),
    ("inception-naive", "inception", "672x32x32", "CS231n lecture 9, the naive module"),
    ("vit-b-16", "tokens class_token encoder", "196x768 197x768 197x768", "Dosovitskiy 2021"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("net", "layers", "shapes"), [n[:3] for n in NETWORKS],
    ids=[f"{n[0]}, {n[3]}" for n in NETWORKS],
)  # fmt: skip
def test_networks(net: str, layers: str, shapes: str) -> None:
    found = solve("shape trace", net=net, layers=layers.replace(" ", ",")).value
    assert [shown(s) for s in found] == shapes.split()
    last = layers.split()[-1]
    assert shown(solve("shape net", net=net, layer=last).value) == shapes.split()[-1]


def test_the_batch_stands_first_if_it_is_asked_for() -> None:
    source = "3x37x41: conv 7 k5, flatten, linear 10"
    assert solve("shape net", net=source, layer="conv1").value == (7, 33, 37)
    assert solve("shape net", net=source, layer="conv1", batch=5).value == (5, 7, 33, 37)
    assert shown(solve("shape net", net=source, batch="N").value) == "Nx10"
    assert solve("shape net", net="3x37x41: flatten 0", batch=5).value == (5 * 3 * 37 * 41,)
    assert solve("shape net", net="3x37x41: flatten 0").value == (3 * 37 * 41,)


def test_another_input() -> None:
    assert solve("shape net", net="vgg16", layer="pool5", input="3x64x96").value == (512, 2, 3)
    refused(lambda: solve("shape net", net="vgg16", input="1x3x64x64"), "takes 3 sizes")


@pytest.mark.parametrize(
    ("net", "said"),
    [("3x37: conv 7 k5", "channels × length"), ("3x37x41: conv 7 k5", "channels × height × width"),
     ("3x11x13x17: conv 7 k5", "channels × depth × height × width")],
)  # fmt: skip
def test_what_the_sizes_are_is_said(net: str, said: str) -> None:
    assert any(said in note for note in solve("shape net", net=net).conventions)


def test_three_sizes_are_read_as_pytorch_reads_them_and_that_is_said() -> None:
    answer = solve("shape interpolate", input="3x5x7", scale=2)
    assert answer.value == (3, 5, 14)
    assert any("N×C×L" in note for note in answer.conventions)


# -- laws ---------------------------------------------------------------------------------

WINDOW = st.tuples(st.integers(1, 7), st.integers(1, 5), st.integers(0, 4), st.integers(1, 3))


def counted(n: int, k: int, s: int, p: int, d: int) -> int:
    """Where a window lies wholly in the padded input, tried position by position."""
    taps = [j * d for j in range(k)]
    padded = range(-p, n + p)
    starts = [i for i in padded if (i + p) % s == 0]
    return sum(all(i + t in padded for t in taps) for i in starts)


@given(st.integers(1, 40), WINDOW)
@settings(max_examples=300)
def test_the_size_is_the_number_of_windows(n: int, window: Any) -> None:
    k, s, p, d = window
    wanted = counted(n, k, s, p, d)
    given_ = {"kernel": k, "stride": s, "padding": p, "dilation": d, "out_channels": 5}
    try:
        found = solve("shape conv1d", input=[3, n], **given_).value
    except BadInput:
        assert wanted == 0
    else:
        assert found == (5, wanted) and wanted > 0


@given(st.integers(1, 40), WINDOW, st.booleans())
@settings(max_examples=300)
def test_the_windows_of_pooling(n: int, window: Any, ceil: bool) -> None:
    """A last window may hang over if it starts in the input or the padding before it."""
    k, s, p, d = window
    reach = d * (k - 1) + 1
    assume(2 * p <= reach)
    wanted = counted(n, k, s, p, d)
    if ceil:  # one more where positions are left over that no window covers
        covered = -p + (wanted - 1) * s + reach if wanted else -p
        start = -p + wanted * s
        left = covered < n + p and (wanted or reach - s < n + 2 * p)
        wanted += bool(left and start < n)
    try:
        given_ = {"kernel": k, "stride": s, "padding": p, "dilation": d, "ceil_mode": ceil}
        found = solve("shape max_pool1d", input=[3, n], **given_).value
    except BadInput:
        assert wanted == 0
    else:
        assert found == (3, wanted)


@given(st.integers(1, 40), WINDOW, st.integers(1, 9))
def test_a_larger_input_is_never_smaller_after(n: int, window: Any, more: int) -> None:
    k, s, p, d = window
    given_ = {"kernel": k, "stride": s, "padding": p, "dilation": d}
    for kind in ("shape conv1d", "shape max_pool1d", "shape conv_transpose1d"):
        try:
            small = solve(kind, input=[3, n], **given_).value[-1]
        except BadInput:
            continue
        assert solve(kind, input=[3, n + more], **given_).value[-1] >= small


@given(st.integers(1, 30), st.integers(1, 7), st.integers(1, 5), st.integers(0, 3))
def test_transposed_undoes_convolution(n: int, k: int, s: int, p: int) -> None:
    """Dumoulin and Visin, relationship 14: with what the floor lost as output padding."""
    try:
        small = solve("shape conv1d", input=[3, n], kernel=k, stride=s, padding=p).value[-1]
    except BadInput:
        return
    lost = (n + 2 * p - k) % s
    back = solve("shape conv_transpose1d", input=[5, small], kernel=k, stride=s, padding=p,
                 output_padding=lost).value[-1]  # fmt: skip
    assert back == n


@given(st.integers(1, 9), st.integers(1, 4), st.integers(2, 40))
def test_same_keeps_the_size(k: int, d: int, n: int) -> None:
    found = solve("shape conv1d", input=[3, n], kernel=k, dilation=d, padding="same").value
    assert found[-1] == n


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5))
def test_concatenation_adds_up(depths: list[int]) -> None:
    found = solve("shape concat", input=[[c, 37, 41] for c in depths]).value
    assert found == (sum(depths), 37, 41)


# -- letters ------------------------------------------------------------------------------

LETTERED = [
    ("shape conv", {"kernel": 3}, "C_outx(H − 2)x(W − 2)", "H, W ≥ 3"),
    ("shape conv", {}, "C_outx(H − k + 1)x(W − k + 1)", "H, W ≥ k"),
    ("shape conv", {"kernel": 3, "padding": 1}, "C_outxHxW", ""),
    ("shape conv", {"kernel": "2k+1", "padding": "k"}, "C_outxHxW", ""),
    ("shape conv", {"kernel": "k", "padding": "same"}, "C_outxHxW", ""),
    ("shape conv", {"kernel": 7, "stride": 2, "padding": 3},
     "C_outx(⌊(H − 1)/2⌋ + 1)x(⌊(W − 1)/2⌋ + 1)", ""),
    ("shape conv", {"kernel": 11, "stride": 4}, "C_outx(⌊(H − 11)/4⌋ + 1)x(⌊(W − 11)/4⌋ + 1)",
     "H, W ≥ 11"),
    ("shape conv", {"input": "3x37x41", "kernel": "k"}, "C_outx(38 − k)x(42 − k)", "k ≤ 37"),
    ("shape conv", {"input": "3x37x41", "kernel": "k", "stride": "k"}, "C_outx⌊37/k⌋x⌊41/k⌋",
     "k ≤ 37"),
    ("shape conv", {"input": "3x37x41", "kernel": 3, "dilation": "d"},
     "C_outx(37 − 2d)x(41 − 2d)", "d ≤ 18"),
    ("shape conv", {"kernel": 3, "padding": 1, "groups": "g", "out_channels": 64}, "64xHxW",
     "g divides C_in, 64"),
    ("shape conv", {"input": "3xHx2H", "kernel": 5}, "C_outx(H − 4)x(2H − 4)", "H ≥ 5"),
    ("shape conv", {"input": "NxCxHxW", "kernel": "3x5"}, "NxC_outx(H − 2)x(W − 4)",
     "H ≥ 3 and W ≥ 5"),
    ("shape pool", {"input": "CxHxW", "kernel": 2}, "Cx⌊H/2⌋x⌊W/2⌋", "H, W ≥ 2"),
    ("shape pool", {"input": "CxHxW", "kernel": 3, "stride": 2, "ceil_mode": True},
     "Cx(⌈(H − 3)/2⌉ + 1)x(⌈(W − 3)/2⌉ + 1)", "H, W ≥ 2"),
    ("shape pool", {"input": "CxHxW", "kernel": "k", "padding": "p"},
     "Cx⌊(H + 2p)/k⌋x⌊(W + 2p)/k⌋", "k ≥ 2p and H + 2p, W + 2p ≥ k"),
    ("shape conv-transpose", {"kernel": 4, "stride": 2, "padding": 1}, "C_outx2Hx2W", ""),
    ("shape conv-transpose", {"kernel": 3, "stride": "s", "padding": 1, "output_padding": 1},
     "C_outx(H·s − s + 2)x(W·s − s + 2)", "s ≥ 2"),
    ("shape flatten", {"input": "CxHxW"}, "C·H·W", ""),
    ("shape concat", {"input": "64xHxW CxHxW"}, "(C + 64)xHxW", ""),
    ("shape add", {"input": "CxHxW 64xHxW"}, "CxHxW", "C = 64"),
    ("shape pixel-shuffle", {"input": "CxHxW", "factor": "r"}, "C/r²xH·rxW·r", "r² divides C"),
    ("shape pixel-unshuffle", {"input": "CxHxW", "factor": 2}, "4CxH/2xW/2", "2 divides H, W"),
    ("shape group-norm", {"input": "CxHxW", "groups": 32}, "CxHxW", "32 divides C"),
    ("shape net", {"net": "CxHxW: conv C k3 p1, maxpool 2, maxpool 2"}, "Cx⌊H/4⌋x⌊W/4⌋",
     "H, W ≥ 4"),
    ("shape net", {"net": "CxHxW: residual[conv 64 k3 p1]"}, "64xHxW", "C = 64"),
    ("shape net", {"net": "CxHxW: [maxpool 2 ceil | conv 5 k2 s2]"}, "(C + 5)x⌈H/2⌉x⌈W/2⌉",
     "2 divides H, W"),
    ("shape net", {"net": "CxHxW: conv 6 k5 in_channels=3"}, "6x(H − 4)x(W − 4)",
     "H, W ≥ 5 and C = 3"),
    ("shape net", {"net": "3x(H-3)x5: gap"}, "3x1x1", "H ≥ 4"),
    ("shape net", {"net": "vgg16 @ 3xHxW", "layer": "pool5"}, "512x⌊H/32⌋x⌊W/32⌋", "H, W ≥ 32"),
    ("shape net", {"net": "lenet5 @ 1xHxW", "layer": "C5"},
     "120x(⌊H/4⌋ − 7)x(⌊W/4⌋ − 7)", "H, W ≥ 32"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "given_", "out", "condition"), LETTERED, ids=[f"{c[0]} {c[1]}" for c in LETTERED]
)
def test_in_letters(kind: str, given_: Any, out: str, condition: str) -> None:
    answer = solve(kind, **given_)
    assert (shown(answer.value), answer.condition) == (out, condition)


CHOICES = {
    "kernel": [1, 2, 3, 5, "k", "2k", "2k+1"],
    "stride": [1, 2, 3, "s"],
    "padding": [0, 1, 2, "p", "k"],
    "dilation": [1, 2, "d"],
    "input": [["C", "H", 11], [5, "2H", "W"], ["C", "H+3", "H"], [3, 13, 17]],
}
RANGES = {"k": (1, 4), "s": (1, 4), "p": (0, 3), "d": (1, 3), "g": (1, 4), "C": (1, 9)}


def numbered(given_: dict[str, Any], env: dict[str, int]) -> dict[str, Any]:
    """The same question with numbers for its letters."""
    from solver.expressions.nodes import evaluate
    from solver.expressions.parse import parse

    def at(x: Any) -> Any:
        if isinstance(x, list):
            return [at(y) for y in x]
        return evaluate(parse(x), env) if isinstance(x, str) else x

    return {k: at(v) for k, v in given_.items()}


@given(st.data(), st.sampled_from(["conv", "pool", "conv-transpose"]), st.booleans())
@settings(max_examples=60)
def test_letters_agree_with_numbers(data: Any, layer: str, ceil: bool) -> None:
    """Where the condition holds the numbers give the same; where not they are refused."""
    given_ = {name: data.draw(st.sampled_from(some)) for name, some in CHOICES.items()}
    more: dict[str, Any] = {"ceil_mode": ceil} if layer == "pool" else {"out_channels": 7}
    try:
        answer = solve(f"shape {layer}", **given_, **more)
    except BadInput:
        return
    names_ = {s.name for s in letters(answer.value)} | {"k", "s", "p", "d", "C", "H", "W"}
    for _ in range(25):
        env = {n: data.draw(st.integers(*RANGES.get(n, (1, 14)))) for n in sorted(names_)}
        try:
            found = solve(f"shape {layer}", **numbered(given_, env), **more).value
        except BadInput:
            assert not holds(answer.condition, env)
        else:
            assert holds(answer.condition, env)
            assert at_numbers(answer.value, env) == found


NETS = [
    "CxHxW: conv 5 k3, maxpool 2, conv 7 k3 s2 p1, flatten, linear 11",
    "CxHxW: maxpool 3 s2 ceil, [conv 5 k3 p1 | conv 7 k1 | avgpool 3 s1 p1]",
    "CxHxW: conv C k3 p1, residual[conv C k3 p1, relu], gap",
    "3xHxW: deconv 5 k4 s2 p1, conv 7 k5, upsample 2, maxpool 3",
    "CxHxW: [maxpool 2 | conv 5 k2 s2], conv K k2",
    "CxHxW: [maxpool 2 ceil | conv 5 k2 s2], conv 3 k1",
]


@pytest.mark.parametrize("net", NETS)
def test_a_network_in_letters_agrees_with_numbers(net: str) -> None:
    answer = solve("shape trace", net=net)
    for h in range(1, 22):
        env = {"C": 6, "H": h, "W": 23 - h, "K": 7}
        numbers = net
        for letter in ("CxHxW", "3xHxW"):
            sizes = letter.replace("C", "6").replace("H", str(h)).replace("W", str(23 - h))
            numbers = numbers.replace(letter, sizes)
        numbers = numbers.replace("conv C", "conv 6").replace("conv K", "conv 7")
        try:
            found = solve("shape trace", net=numbers).value
        except BadInput:
            assert not holds(answer.condition, env)
        else:
            assert holds(answer.condition, env)
            assert at_numbers(answer.value, env) == tuple(map(tuple, found))


@pytest.mark.parametrize(
    ("kind", "given_", "bound"),
    [
        ("shape conv", {"kernel": 3}, 3),
        ("shape conv", {"kernel": 5, "dilation": 2}, 9),
        ("shape conv", {"kernel": 11, "stride": 4}, 11),
        ("shape conv", {"kernel": 7, "padding": 2}, 3),
        ("shape pool", {"kernel": 2}, 2),
        ("shape pool", {"kernel": 5, "stride": 3, "ceil_mode": True}, 3),
        ("shape conv-transpose", {"kernel": 2, "padding": 3}, 6),
        ("shape pad", {"padding": -3}, 7),
    ],
)
def test_at_the_bound_it_fits_and_one_below_it_does_not(
    kind: str, given_: dict[str, Any], bound: int
) -> None:
    answer = solve(kind, input="CxHxW", **given_)
    assert answer.condition.endswith(f"≥ {bound}")
    assert 1 in solve(kind, input=[3, bound, 2 * bound], **given_).value
    refused(lambda: solve(kind, input=[3, bound - 1, 2 * bound], **given_))


# -- refusals -----------------------------------------------------------------------------

REFUSED = [
    ("shape conv", {"input": "3x0x5", "kernel": 3}, "each side of the input must be 1 or more"),
    ("shape conv", {"input": "3x-5x5", "kernel": 3}, "size 2 of the shape is -5"),
    ("shape conv", {"input": [3, 10**30, 5], "kernel": 3}, "too large"),
    ("shape conv", {"input": "3x37x41", "kernel": 0}, "kernel must be 1 or more, not 0"),
    ("shape conv", {"input": "3x37x41", "kernel": -1}, "kernel must be 1 or more, not -1"),
    ("shape conv", {"input": "3x37x41", "kernel": 10**30}, "too large"),
    ("shape conv", {"input": "3x37x41", "kernel": 3, "stride": 0}, "stride must be 1 or more"),
    ("shape conv", {"input": "3x37x41", "kernel": 3, "padding": -1}, "padding must be 0 or more"),
    ("shape conv", {"input": "3x37x41", "kernel": 3, "dilation": 0}, "dilation must be 1 or more"),
    ("shape conv", {"input": "3x37x41", "kernel": 3, "groups": 0}, "groups must be 1 or more"),
    ("shape conv", {"input": "3x37x41", "kernel": 3, "groups": 2},
     "input channels 3 cannot be divided by groups 2: 3 = 1·2 + 1"),
    ("shape conv", {"input": "4x37x41", "kernel": 3, "groups": 2, "out_channels": 7},
     "output channels 7 cannot be divided"),
    ("shape conv", {"input": "3x5x7", "kernel": 6}, "the input is 5 along H"),
    ("shape conv", {"input": "3x7x5", "kernel": 6}, "the input is 5 along W"),
    ("shape conv", {"input": "3x5x7", "kernel": 8, "padding": 1}, "7 with its padding"),
    ("shape conv", {"input": "3x5x7", "kernel": 3, "dilation": 3}, "reaches over 7"),
    ("shape conv", {"input": "3x37x41", "kernel": 3, "stride": 2, "padding": "same"},
     "needs stride 1"),
    ("shape conv", {"input": "3x37x41", "kernel": 3, "padding": "full"}, "no letter"),
    ("shape conv", {"input": "3x37x41", "kernel": "3x5x7"}, "a 3d convolution takes"),
    ("shape conv", {"input": "3x37x41", "kernel": [3, 5], "stride": [1, 1, 1]}, "has 3 entries"),
    ("shape conv", {"input": "37", "kernel": 3}, "3 or 4 sizes, not 1"),
    ("shape conv", {"input": "2x3x5x7x11x13", "kernel": 3}, "not 6"),
    ("shape conv", {"input": "3x37x41", "kernel": 3, "dims": 4}, "dims is 1, 2 or 3, not 4"),
    ("shape conv", {"input": "3x37x41", "kernel": "-n"}, "never 1 or more"),
    ("shape conv", {"input": "3x37x41", "kernel": "n-n"}, "never 1 or more"),
    ("shape conv", {"input": "3x37x41", "kernel": 3, "strides": 2}, "did you mean stride"),
    ("shape conv", {"input": "3x37x41", "kernel": 3, "in_channels": 4}, "the filters read 4"),
    ("shape conv1d", {"input": "3x37x41x43", "kernel": 3}, "a 1d convolution takes C×L"),
    ("shape pool", {"input": "3x5x7", "kernel": 6}, "kernel 6 does not fit"),
    ("shape pool", {"input": "3x5x7", "kernel": 3, "padding": 2}, "at most half the kernel"),
    ("shape pool", {"input": "3x5x7", "kernel": 3, "mode": "min"}, "not 'min'"),
    ("shape avg_pool2d", {"input": "3x5x7", "kernel": 3, "dilation": 2}, "only max pooling"),
    ("shape adaptive-pool", {"input": "3x5x7", "output": 10**9}, "at most 100,000 cells"),
    ("shape conv-transpose", {"input": "3x2x2", "kernel": 2, "padding": 3}, "would be -3 wide"),
    ("shape conv-transpose", {"input": "3x5x5", "kernel": 3, "output_padding": 1},
     "output padding 1 must be smaller"),
    ("shape concat", {"input": "3x5x7 3x5x8"}, "they differ along axis 3, 7 and 8"),
    ("shape concat", {"input": "3x5x7 3x5"}, "same number of axes"),
    ("shape concat", {"input": "CxHxW Cx(H+1)xW"}, "H is never H + 1"),
    ("shape add", {"input": "3x5x7 2x5x7"}, "sizes 3 and 2 differ and neither is 1"),
    ("shape add", {"input": "CxHxW Cx(H-2)xW"}, "H is never H − 2"),
    ("shape matmul", {"input": "3x4 5x6"}, "the inner sizes 4 and 5 must be equal"),
    ("shape matmul", {"input": "3x4"}, "takes 2 inputs, not 1"),
    ("shape linear", {"input": "3x37x41", "in_features": 4551, "out_features": 10},
     "flatten it first: 3×37×41 holds 4551"),
    ("shape flatten", {"input": "3x5x7", "start_dim": 5}, "there is no axis 5"),
    ("shape unflatten", {"input": "2x50", "dim": 1, "shape": "3,-1"}, "does not multiply up"),
    ("shape pixel-shuffle", {"input": "7x5x5", "factor": 2}, "must be a whole number, not 7/2²"),
    ("shape group-norm", {"input": "7x5x5", "groups": 2}, "cannot be divided by groups 2"),
    ("shape embedding", {"input": "5", "num_embeddings": 0, "embedding_dim": 3}, "1 or more"),
    ("shape interpolate", {"input": "1x3x5x5"}, "size or a scale, one of the two"),
    ("shape cov", {"kernel": 3}, "did you mean shape conv"),
    ("shape tokens", {}, "no kind is called"),
    ("shapes conv", {}, "did you mean shape"),
    ("shape net", {"net": "vgg16", "layer": "pool6"}, "did you mean pool"),
    ("shape net", {"net": "resnet18", "layer": "conv2"}, "give the whole name"),
    ("shape net", {}, "shape net needs net"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "given_", "words"), REFUSED, ids=[f"{r[0]} {r[1]}" for r in REFUSED]
)
def test_refused(kind: str, given_: dict[str, Any], words: str) -> None:
    refused(lambda: solve(kind, **given_), words)


LARGE = 10**9


@pytest.mark.parametrize(
    ("kind", "given_"),
    [
        ("shape conv", {"kernel": 3, "padding": 1}),
        ("shape pool", {"kernel": 2}),
        ("shape pool", {"kernel": 2, "stride": 3, "ceil_mode": True}),
        ("shape conv-transpose", {"kernel": 3, "stride": LARGE}),
        ("shape adaptive-pool", {"output": 7}),
        ("shape unfold", {"kernel": 3, "stride": LARGE}),
        ("shape pad", {"padding": LARGE}),
        ("shape flatten", {}),
    ],
)
def test_the_largest_sizes_are_counted_at_once(kind: str, given_: dict[str, Any]) -> None:
    assert solve(kind, input=[3, LARGE, LARGE - 1], **given_).value


# -- a wrong formula is caught ------------------------------------------------------------

WRONG = [
    ("SIZE", "floor((n + 2*p - d*(k - 1) - 1)/s) + 2", "shape conv", {}),
    ("SIZE", "floor((n + 2*p - d*(k - 1))/s) + 1", "shape conv", {}),
    ("SIZE", "floor((n + p - d*(k - 1) - 1)/s) + 1", "shape conv", {"padding": 1}),
    ("SIZE", "ceil((n + 2*p - d*(k - 1) - 1)/s) + 1", "shape conv", {"stride": 2}),
    ("SIZE", "floor((n + 2*p - k)/s) + 1", "shape conv", {"dilation": 2}),
    ("SIZE", "floor((n + 2*p - d*(k - 1) - 1)/s) + 2", "shape pool", {}),
    ("UP", "floor((n + 2*p - d*(k - 1) - 1)/s) + 1", "shape pool", {"stride": 2, "ceil_mode": 1}),
    ("CEIL", "ceil((n + 2*p - d*(k - 1) - 1)/s) + 1", "shape pool", {"stride": 7, "ceil_mode": 1}),
    ("TOTAL", "floor((n + p - d*(k - 1))/s) + 1", "shape conv", {"padding": "same"}),
    ("TRANSPOSED", "(n - 1)*s - 2*p + d*(k - 1) + q", "shape conv-transpose", {}),
    ("TRANSPOSED", "n*s - 2*p + d*(k - 1) + q + 1", "shape conv-transpose", {"stride": 2}),
]


@pytest.mark.parametrize("input", ["3x40x49", "CxHxW"])
@pytest.mark.parametrize(
    ("name", "text", "kind", "given_"), WRONG, ids=[f"{w[0]} {w[1]} {w[3]}" for w in WRONG]
)
def test_a_wrong_formula_is_caught(
    name: str, text: str, kind: str, given_: Any, input: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from solver.networks import conv as conv_
    from solver.networks import pool

    given_ = {"input": input, "kernel": 3, **given_}
    assert solve(kind, **given_)
    for module in (conv_, pool):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, formula.Formula(text))
    with pytest.raises(CheckFailed):
        solve(kind, **given_)


def off_by_one(layer: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """The layer's last output size is one too large."""
    right = layer.out  # type: ignore[attr-defined]

    def wrong(self: Any, *inputs: Any) -> Any:
        *lead, last = right(self, *inputs)
        return (*lead, last + 1)

    monkeypatch.setattr(layer, "out", wrong)


LAYERS = [
    (Conv, "conv", {"input": "3x37x41", "kernel": 3}),
    (Conv, "conv", {"input": "CxHxW", "kernel": 3}),
    (Pool, "pool", {"input": "3x37x41", "kernel": 3}),
    (Pool, "pool", {"input": "3x37x41", "kernel": 2, "stride": 3, "ceil_mode": True}),
    (ConvTranspose, "conv-transpose", {"input": "3x37x41", "kernel": 3}),
    (Flatten, "flatten", {"input": "3x37x41"}),
    (Pad, "pad", {"input": "3x37x41", "padding": 2}),
    (Concat, "concat", {"input": "3x37x41 5x37x41"}),
    (Unfold, "unfold", {"input": "3x37x41", "kernel": 3}),
    (PixelShuffle, "pixel-shuffle", {"input": "12x37x41", "factor": 2}),
    (Interpolate, "interpolate", {"input": "1x3x37x41", "scale": 2}),
]


@pytest.mark.parametrize(
    ("layer", "name", "given_"), LAYERS, ids=[f"{c[1]} {c[2]}" for c in LAYERS]
)
def test_an_output_off_by_one_is_caught(
    layer: type, name: str, given_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert solve(f"shape {name}", **given_)
    off_by_one(layer, monkeypatch)
    with pytest.raises(CheckFailed):
        solve(f"shape {name}", **given_)


@pytest.mark.parametrize("kind", ["shape net", "shape trace"])
@pytest.mark.parametrize("net", ["3x37x41: conv 5 k3, relu", "3xHxW: conv 5 k3, relu"])
def test_a_size_off_by_one_inside_a_network_is_caught(
    kind: str, net: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert solve(kind, net=net)
    off_by_one(Conv, monkeypatch)
    with pytest.raises(CheckFailed):
        solve(kind, net=net)


# -- every layer --------------------------------------------------------------------------


def test_every_layer_offered_has_a_kind_with_a_sentence() -> None:
    listed = names("shape")
    for name in OFFERED:
        kind = find(f"shape {name}")
        assert kind.doc.endswith(".") and f"shape {name}" in listed
        assert kind.params[0].name == "input" and not any(p.required for p in kind.params)


@pytest.mark.parametrize(
    ("alias", "name"),
    [("conv2d", "conv"), ("max_pool2d", "pool"), ("deconv", "conv-transpose"),
     ("adaptive_avg_pool2d", "adaptive-pool"), ("upsample", "interpolate"), ("relu", "activation")],
)  # fmt: skip
def test_pytorchs_names(alias: str, name: str) -> None:
    assert find(f"shape {alias}").root == f"shape {name}"
