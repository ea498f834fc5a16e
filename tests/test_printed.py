"""PyTorch's printed modules, read as networks: torchvision's counts, and refusals.

PyTorch is not needed: `printed` puts modules together as torch.nn.Module.__repr__ does,
and the models below print what torchvision's do.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import solver
from solver.aliases import ALIASES
from solver.core import BadInput
from solver.given import fields_of
from solver.networks.layers import layer
from solver.networks.printed import read_printed
from solver.networks.printed_blocks import FLOWS, INPUTS, LAYERS, names_in

# -- printing as PyTorch does ----------------------------------------------------------


def printed(cls, *children, extra=()):
    """torch.nn.Module.__repr__ of a class with these (name, text) children."""
    lines = [*extra]
    for name, text in children:
        first, *rest = text.split("\n")
        lines.append("\n".join([f"({name}): {first}", *("  " + line for line in rest)]))
    if not lines:
        return f"{cls}()"
    return f"{cls}(\n  " + "\n  ".join(lines) + "\n)"


def sequential(*texts, cls="Sequential"):
    return printed(cls, *((str(i), text) for i, text in enumerate(texts)))


def named(cls, **children):
    return printed(cls, *((k, v) for k, v in children.items() if v is not None))


def pair(x):
    return x if isinstance(x, tuple) else (x, x)


def conv(i, o, k, s=1, p=0, groups=1, bias=False):
    text = f"Conv2d({i}, {o}, kernel_size={pair(k)}, stride={pair(s)}"
    text += f", padding={pair(p)}" if pair(p) != (0, 0) else ""
    text += f", groups={groups}" if groups != 1 else ""
    return text + (")" if bias else ", bias=False)")


def bn(c, eps="1e-05"):
    rest = f"eps={eps}, momentum=0.1, affine=True, track_running_stats=True"
    return f"BatchNorm2d({c}, {rest})"


def linear(i, o, cls="Linear"):
    return f"{cls}(in_features={i}, out_features={o}, bias=True)"


def maxpool(k, s, p=0, ceil=False):
    sizes = f"kernel_size={k}, stride={s}, padding={p}, dilation=1"
    return f"MaxPool2d({sizes}, ceil_mode={ceil})"


RELU, DROPOUT = "ReLU(inplace=True)", "Dropout(p=0.5, inplace=False)"
FLATTEN = "Flatten(start_dim=1, end_dim=-1)"
GLOBAL = "AdaptiveAvgPool2d(output_size=(1, 1))"


def resnet(blocks, deep, groups=1, base=64, channels=3, head=None):
    wide, before, stages = 4 if deep else 1, 64, {}
    for i, n in enumerate(blocks):
        found = []
        for j in range(n):
            stride, out = 2 if i and not j else 1, (64 << i) * wide
            mid = (64 << i) * base // 64 * groups if deep else 64 << i
            side = conv(before, out, 1, stride) if stride > 1 or before != out else ""
            down = sequential(side, bn(out)) if side else None
            if deep:
                one = {
                    "conv1": conv(before, mid, 1),
                    "bn1": bn(mid),
                    "conv2": conv(mid, mid, 3, stride, 1, groups),
                    "bn2": bn(mid),
                    "conv3": conv(mid, out, 1),
                    "bn3": bn(out),
                    "relu": RELU,
                    "downsample": down,
                }
            else:
                one = {
                    "conv1": conv(before, out, 3, stride, 1),
                    "bn1": bn(out),
                    "relu": RELU,
                    "conv2": conv(out, out, 3, 1, 1),
                    "bn2": bn(out),
                    "downsample": down,
                }
            found.append(named("Bottleneck" if deep else "BasicBlock", **one))
            before = out
        stages[f"layer{i + 1}"] = sequential(*found)
    return named(
        "ResNet",
        conv1=conv(channels, 64, 7, 2, 3),
        bn1=bn(64),
        relu=RELU,
        maxpool=maxpool(3, 2, 1),
        **stages,
        avgpool=GLOBAL,
        fc=head or linear(before, 1000),
    )


def vgg(kernels, norm=False, classes=1000, side=7):
    features, before = [], 3
    for wide, n in zip((64, 128, 256, 512, 512), kernels):
        for _ in range(n):
            features += [conv(before, wide, 3, 1, 1, bias=True)]
            features += [bn(wide)] * norm + [RELU]
            before = wide
        features.append(maxpool(2, 2))
    hidden = [
        linear(512 * side**2, 4096),
        RELU,
        DROPOUT,
        linear(4096, 4096),
        RELU,
        DROPOUT,
    ]
    return named(
        "VGG",
        features=sequential(*features),
        avgpool=f"AdaptiveAvgPool2d(output_size=({side}, {side}))",
        classifier=sequential(*hidden, linear(4096, classes)),
    )


def alexnet():
    features = [
        *(conv(3, 64, 11, 4, 2, bias=True), RELU, maxpool(3, 2)),
        *(conv(64, 192, 5, 1, 2, bias=True), RELU, maxpool(3, 2)),
        *(conv(192, 384, 3, 1, 1, bias=True), RELU),
        *(conv(384, 256, 3, 1, 1, bias=True), RELU),
        *(conv(256, 256, 3, 1, 1, bias=True), RELU, maxpool(3, 2)),
    ]
    head = [DROPOUT, linear(9216, 4096), RELU, DROPOUT, linear(4096, 4096), RELU]
    return named(
        "AlexNet",
        features=sequential(*features),
        avgpool="AdaptiveAvgPool2d(output_size=(6, 6))",
        classifier=sequential(*head, linear(4096, 1000)),
    )


def fire(before, squeeze, expand):
    return named(
        "Fire",
        squeeze=conv(before, squeeze, 1, bias=True),
        squeeze_activation=RELU,
        expand1x1=conv(squeeze, expand, 1, bias=True),
        expand1x1_activation=RELU,
        expand3x3=conv(squeeze, expand, 3, 1, 1, bias=True),
        expand3x3_activation=RELU,
    )


def squeezenet(first, pools):
    wide = int(first.split(", ")[1])
    features, before = [first, RELU, maxpool(3, 2, ceil=True)], wide
    for i, k in enumerate((1, 1, 2, 2, 3, 3, 4, 4), 2):
        features.append(fire(before, 16 * k, 64 * k))
        before = 128 * k
        if i in pools:
            features.append(maxpool(3, 2, ceil=True))
    head = sequential(DROPOUT, conv(512, 1000, 1, bias=True), RELU, GLOBAL)
    return named("SqueezeNet", features=sequential(*features), classifier=head)


def densenet(growth, channels, blocks):
    found = {
        "conv0": conv(3, channels, 7, 2, 3),
        "norm0": bn(channels),
        "relu0": RELU,
        "pool0": maxpool(3, 2, 1),
    }
    for i, n in enumerate(blocks, 1):
        if i > 1:
            channels //= 2
            found[f"transition{i - 1}"] = named(
                "_Transition",
                norm=bn(2 * channels),
                relu=RELU,
                conv=conv(2 * channels, channels, 1),
                pool="AvgPool2d(kernel_size=2, stride=2, padding=0)",
            )
        layers = {}
        for j in range(1, n + 1):
            layers[f"denselayer{j}"] = named(
                "_DenseLayer",
                norm1=bn(channels),
                relu1=RELU,
                conv1=conv(channels, 4 * growth, 1),
                norm2=bn(4 * growth),
                relu2=RELU,
                conv2=conv(4 * growth, growth, 3, 1, 1),
            )
            channels += growth
        found[f"denseblock{i}"] = named("_DenseBlock", **layers)
    features = named("Sequential", **found, norm5=bn(channels))
    return named("DenseNet", features=features, classifier=linear(channels, 1000))


def mobilenet(activated="Conv2dNormActivation"):
    def unit(i, o, k=1, s=1, groups=1):
        parts = conv(i, o, k, s, k // 2, groups), bn(o), "ReLU6(inplace=True)"
        return sequential(*parts, cls=activated)

    features, before = [unit(3, 32, 3, 2)], 32
    table = "1 16 1 1, 6 24 2 2, 6 32 3 2, 6 64 4 2, 6 96 3 1, 6 160 3 2, 6 320 1 1"
    for t, c, n, s in (map(int, row.split()) for row in table.split(", ")):
        for i in range(n):
            mid = before * t
            parts = [unit(before, mid)] if t != 1 else []
            parts += [unit(mid, mid, 3, 1 if i else s, mid), conv(mid, c, 1), bn(c)]
            features.append(named("InvertedResidual", conv=sequential(*parts)))
            before = c
    features.append(unit(320, 1280))
    head = sequential("Dropout(p=0.2, inplace=False)", linear(1280, 1000))
    return named("MobileNetV2", features=sequential(*features), classifier=head)


def unit(i, o, k=1, s=1, p=0):
    return named("BasicConv2d", conv=conv(i, o, k, s, p), bn=bn(o, "0.001"))


def inception(i, c1, r3, c3, r5, c5, proj):
    return named(
        "Inception",
        branch1=unit(i, c1),
        branch2=sequential(unit(i, r3), unit(r3, c3, 3, 1, 1)),
        branch3=sequential(unit(i, r5), unit(r5, c5, 3, 1, 1)),
        branch4=sequential(maxpool(3, 1, 1, True), unit(i, proj)),
    )


def googlenet(aux):
    def head(i):
        fc = {"fc1": linear(2048, 1024), "fc2": linear(1024, 1000), "dropout": DROPOUT}
        return named("InceptionAux", conv=unit(i, 128), **fc)

    return named(
        "GoogLeNet",
        conv1=unit(3, 64, 7, 2, 3),
        maxpool1=maxpool(3, 2, ceil=True),
        conv2=unit(64, 64),
        conv3=unit(64, 192, 3, 1, 1),
        maxpool2=maxpool(3, 2, ceil=True),
        inception3a=inception(192, 64, 96, 128, 16, 32, 32),
        inception3b=inception(256, 128, 128, 192, 32, 96, 64),
        maxpool3=maxpool(3, 2, ceil=True),
        inception4a=inception(480, 192, 96, 208, 16, 48, 64),
        inception4b=inception(512, 160, 112, 224, 24, 64, 64),
        inception4c=inception(512, 128, 128, 256, 24, 64, 64),
        inception4d=inception(512, 112, 144, 288, 32, 64, 64),
        inception4e=inception(528, 256, 160, 320, 32, 128, 128),
        maxpool4=maxpool(2, 2, ceil=True),
        inception5a=inception(832, 256, 160, 320, 32, 128, 128),
        inception5b=inception(832, 384, 192, 384, 48, 128, 128),
        aux1=head(512) if aux else "None",  # as in a pretrained one
        aux2=head(528) if aux else "None",
        avgpool=GLOBAL,
        dropout=DROPOUT,
        fc=linear(1024, 1000),
    )


def inception3(aux):
    def chain(stem, *rows, first=1):
        return {f"{stem}_{i}": unit(*row) for i, row in enumerate(rows, first)}

    def double(i):
        return chain("branch3x3dbl", (i, 64), (64, 96, 3, 1, 1), (96, 96, 3, 1, 1))

    def a(i, pool):
        five = chain("branch5x5", (i, 48), (48, 64, 5, 1, 2))
        last = {"branch_pool": unit(i, pool)}
        return named("InceptionA", branch1x1=unit(i, 64), **five, **double(i), **last)

    def c(k):
        wide, tall = ((1, 7), 1, (0, 3)), ((7, 1), 1, (3, 0))
        seven = chain("branch7x7", (768, k), (k, k, *wide), (k, 192, *tall))
        rows = (768, k), (k, k, *tall), (k, k, *wide), (k, k, *tall), (k, 192, *wide)
        last = {"branch_pool": unit(768, 192)}
        first = {"branch1x1": unit(768, 192)}
        return named(
            "InceptionC", **first, **seven, **chain("branch7x7dbl", *rows), **last
        )

    def e(i):
        wide, tall = ((1, 3), 1, (0, 1)), ((3, 1), 1, (1, 0))
        return named(
            "InceptionE",
            branch1x1=unit(i, 320),
            branch3x3_1=unit(i, 384),
            branch3x3_2a=unit(384, 384, *wide),
            branch3x3_2b=unit(384, 384, *tall),
            branch3x3dbl_1=unit(i, 448),
            branch3x3dbl_2=unit(448, 384, 3, 1, 1),
            branch3x3dbl_3a=unit(384, 384, *wide),
            branch3x3dbl_3b=unit(384, 384, *tall),
            branch_pool=unit(i, 192),
        )

    halved = chain("branch3x3dbl", (288, 64), (64, 96, 3, 1, 1), (96, 96, 3, 2))
    seven = (192, 192, (1, 7), 1, (0, 3)), (192, 192, (7, 1), 1, (3, 0))
    d = chain("branch3x3", (768, 192), (192, 320, 3, 2))
    d |= chain("branch7x7x3", (768, 192), *seven, (192, 192, 3, 2))
    head = {
        "conv0": unit(768, 128),
        "conv1": unit(128, 768, 5),
        "fc": linear(768, 1000),
    }
    return named(
        "Inception3",
        Conv2d_1a_3x3=unit(3, 32, 3, 2),
        Conv2d_2a_3x3=unit(32, 32, 3),
        Conv2d_2b_3x3=unit(32, 64, 3, 1, 1),
        maxpool1=maxpool(3, 2),
        Conv2d_3b_1x1=unit(64, 80),
        Conv2d_4a_3x3=unit(80, 192, 3),
        maxpool2=maxpool(3, 2),
        Mixed_5b=a(192, 32),
        Mixed_5c=a(256, 64),
        Mixed_5d=a(288, 64),
        Mixed_6a=named("InceptionB", branch3x3=unit(288, 384, 3, 2), **halved),
        Mixed_6b=c(128),
        Mixed_6c=c(160),
        Mixed_6d=c(160),
        Mixed_6e=c(192),
        AuxLogits=named("InceptionAux", **head) if aux else None,
        Mixed_7a=named("InceptionD", **d),
        Mixed_7b=e(1280),
        Mixed_7c=e(2048),
        avgpool=GLOBAL,
        dropout=DROPOUT,
        fc=linear(2048, 1000),
    )


def encoder_layer(wide, hidden):
    norm = f"LayerNorm(({wide},), eps=1e-05, elementwise_affine=True)"
    drop = "Dropout(p=0.1, inplace=False)"
    out = linear(wide, wide, "NonDynamicallyQuantizableLinear")
    return named(
        "TransformerEncoderLayer",
        self_attn=named("MultiheadAttention", out_proj=out),
        linear1=linear(wide, hidden),
        dropout=drop,
        linear2=linear(hidden, wide),
        norm1=norm,
        norm2=norm,
        dropout1=drop,
        dropout2=drop,
    )


def repeated(n, text):
    """nn.ModuleList of equal modules, which it prints once."""
    return printed("ModuleList", (f"0-{n - 1}", f"{n} x {text}"))


# -- torchvision's networks ------------------------------------------------------------

TORCHVISION = "torchvision.models"
# name -> (print, parameters, the bundled network with the same multiply-adds)
MODELS = {
    "resnet18": (resnet((2, 2, 2, 2), False), 11_689_512, "resnet18"),
    "resnet34": (resnet((3, 4, 6, 3), False), 21_797_672, "resnet34"),
    "resnet50": (resnet((3, 4, 6, 3), True), 25_557_032, "resnet50"),
    "resnet152": (resnet((3, 8, 36, 3), True), 60_192_808, "resnet152"),
    "resnext50_32x4d": (resnet((3, 4, 6, 3), True, 32, 4), 25_028_904, None),
    "wide_resnet50_2": (resnet((3, 4, 6, 3), True, 1, 128), 68_883_240, None),
    "vgg16": (vgg((2, 2, 3, 3, 3)), 138_357_544, "vgg16"),
    "vgg16_bn": (vgg((2, 2, 3, 3, 3), True), 138_365_992, "vgg16-bn"),
    "vgg11": (vgg((1, 1, 2, 2, 2)), 132_863_336, "vgg11"),
    "alexnet": (alexnet(), 61_100_840, "alexnet-torchvision"),
    "squeezenet1_0": (
        squeezenet(conv(3, 96, 7, 2, bias=True), (4, 8)),
        1_248_424,
        "squeezenet1.0",
    ),
    "squeezenet1_1": (
        squeezenet(conv(3, 64, 3, 2, bias=True), (3, 5)),
        1_235_496,
        "squeezenet1.1",
    ),
    "densenet121": (densenet(32, 64, (6, 12, 24, 16)), 7_978_856, "densenet121"),
    "densenet161": (densenet(48, 96, (6, 12, 36, 24)), 28_681_000, "densenet161"),
    "mobilenet_v2": (mobilenet(), 3_504_872, "mobilenet-v2"),
    "mobilenet_v2 until 0.8": (mobilenet("ConvBNReLU"), 3_504_872, "mobilenet-v2"),
    "googlenet": (googlenet(True), 13_004_888, None),
    "googlenet pretrained": (googlenet(False), 6_624_904, None),
    "inception_v3": (inception3(True), 27_161_264, "inception-v3(aux=true)"),
    "inception_v3 no aux": (inception3(False), 23_834_568, "inception-v3"),
}


@pytest.mark.parametrize("name", MODELS, ids=[f"{TORCHVISION}: {n}" for n in MODELS])
def test_torchvision(name):
    text, params, twin = MODELS[name]
    net = read_printed(text)
    side = INPUTS[text.partition("(")[0]]
    assert net.input == (3, side, side)
    assert solver.solve("count params", net=net).value == params
    if twin:
        macs = solver.solve("count macs", net=twin).value
        assert solver.solve("count macs", net=net).value == macs


# -- layers and short networks ---------------------------------------------------------

LENET = """Sequential(
  (c1): Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))
  (a1): Tanh()
  (s2): AvgPool2d(kernel_size=2, stride=2, padding=0)
  (c3): Conv2d(6, 16, kernel_size=(5, 5), stride=(1, 1))
  (a3): Tanh()
  (s4): AvgPool2d(kernel_size=2, stride=2, padding=0)
  (flat): Flatten(start_dim=1, end_dim=-1)
  (head): Sequential(
    (0): Linear(in_features=400, out_features=120, bias=True)
    (1): Tanh()
    (2): Linear(in_features=120, out_features=84, bias=True)
    (3): Tanh()
    (4): Linear(in_features=84, out_features=10, bias=True)
  )
)"""
PARAMETERS = [  # print, parameters; counted by hand from PyTorch's definitions
    (LENET, 61_706),
    ("Conv2d(3, 64, kernel_size=(7, 7), stride=(2, 2), padding=(3, 3), bias=False)",
     9408),
    ("Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=same)", 224),
    ("Conv1d(5, 7, kernel_size=(3,), stride=(1,), padding='same')", 112),
    ("Conv2d(32, 32, kernel_size=(3, 3), stride=(1, 1), groups=32)", 320),
    ("Conv2d(4, 6, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), "
     "padding_mode=reflect)", 222),
    ("Conv3d(1, 2, kernel_size=(3, 5, 7), stride=(1, 1, 1), dilation=(1, 2, 1))", 212),
    ("ConvTranspose2d(16, 33, kernel_size=(3, 5), stride=(2, 1), padding=(4, 2), "
     "output_padding=(1, 0))", 7953),
    ("ConvTranspose1d(3, 5, kernel_size=(4,), stride=(2,), bias=False)", 60),
    ("ConvTranspose3d(2, 3, kernel_size=(2, 2, 2), stride=(2, 2, 2))", 51),
    ("Linear(in_features=20, out_features=30, bias=False)", 600),
    ("Embedding(10, 3, padding_idx=0)", 30),
    ("Embedding(10, 3, max_norm=1.0, norm_type=2.0, scale_grad_by_freq=True)", 30),
    ("BatchNorm1d(100, eps=1e-05, momentum=None, affine=True, "
     "track_running_stats=False)", 200),
    ("BatchNorm2d(100, eps=1e-05, momentum=0.1, affine=False, "
     "track_running_stats=True)", 0),
    ("BatchNorm3d(7, eps=1e-05, momentum=0.1, affine=True, "
     "track_running_stats=True)", 14),
    ("SyncBatchNorm(7, eps=1e-05, momentum=0.1, affine=True, "
     "track_running_stats=True)", 14),
    ("InstanceNorm2d(100, eps=1e-05, momentum=0.1, affine=True, "
     "track_running_stats=False)", 200),
    ("LayerNorm((5, 10, 10), eps=1e-05, elementwise_affine=True)", 1000),
    ("LayerNorm((512,), eps=1e-05, elementwise_affine=True, bias=False)", 512),
    ("RMSNorm((768,), eps=None, elementwise_affine=True)", 768),
    ("GroupNorm(3, 6, eps=1e-05, affine=True)", 12),
    ("LocalResponseNorm(2, alpha=0.0001, beta=0.75, k=1.0)", 0),
    ("PReLU(num_parameters=1)", 1),
    ("RNN(10, 20, num_layers=2)", 1480),
    ("GRU(10, 20, bidirectional=True)", 3840),
    ("LSTM(10, 20, num_layers=2, batch_first=True, dropout=0.5)", 5920),
    ("LSTM(10, 20, proj_size=5)", 1460),
    ("Sequential(\n  (0): Embedding(100, 16)\n  (1): LSTM(16, 32, batch_first=True)\n)",
     8000),
    (named("MultiheadAttention",
           out_proj=linear(512, 512, "NonDynamicallyQuantizableLinear")), 1_050_624),
    (encoder_layer(512, 2048), 3_152_384),
    (named("TransformerEncoder", layers=repeated(6, encoder_layer(512, 2048))),
     18_914_304),
    (named("DataParallel", module=LENET), 61_706),
    (named("OptimizedModule", _orig_mod=resnet((2, 2, 2, 2), False)), 11_689_512),
    (resnet((2, 2, 2, 2), False, channels=1, head=linear(512, 10)), 11_175_370),
    (resnet((2, 2, 2, 2), False, head="Identity()"), 11_176_512),
    (vgg((1, 1, 2, 2, 2), classes=10), 128_807_306),
    (fire(96, 16, 64), 11_920),
    ("Sequential()", 0),
    ("ReLU()", 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "params"), PARAMETERS, ids=[p[0][:40] for p in PARAMETERS]
)
def test_parameters(text, params):
    assert solver.solve("count params", net=read_printed(text)).value == params


OUTPUTS = [  # print, input, output, from PyTorch's formulas
    ("MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=False)",
     (5, 11, 13), (5, 6, 7)),
    ("MaxPool2d(kernel_size=(3, 2), stride=(2, 1), padding=(0, 1), dilation=(1, 1), "
     "ceil_mode=True)", (5, 12, 13), (5, 6, 14)),
    ("MaxPool1d(kernel_size=3, stride=3, padding=0, dilation=1, ceil_mode=False)",
     (5, 11), (5, 3)),
    ("MaxPool3d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
     (5, 7, 11, 13), (5, 3, 5, 6)),
    ("AvgPool2d(kernel_size=2, stride=2, padding=0)", (5, 11, 13), (5, 5, 6)),
    ("AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))", (5, 11), (5, 5)),
    ("LPPool2d(norm_type=2, kernel_size=3, stride=None, ceil_mode=False)",
     (5, 11, 13), (5, 3, 4)),
    ("AdaptiveAvgPool2d(output_size=1)", (5, 11, 13), (5, 1, 1)),
    ("AdaptiveAvgPool2d(output_size=(None, 7))", (5, 11, 13), (5, 11, 7)),
    ("AdaptiveMaxPool3d(output_size=(2, 3, 4))", (5, 7, 11, 13), (5, 2, 3, 4)),
    ("AdaptiveAvgPool1d(output_size=3)", (5, 11), (5, 3)),
    ("Flatten(start_dim=1, end_dim=-1)", (5, 11, 13), (715,)),
    ("Flatten(start_dim=2, end_dim=3)", (5, 11, 13), (5, 143)),
    ("Unflatten(dim=1, unflattened_size=(2, 5, -1))", (130,), (2, 5, 13)),
    ("Unflatten(dim=1, unflattened_size=torch.Size([2, 5]))", (10,), (2, 5)),
    ("ZeroPad2d((1, 2, 3, 4))", (5, 11, 13), (5, 18, 16)),
    ("ConstantPad1d(padding=(1, 2), value=0)", (5, 11), (5, 14)),
    ("PixelShuffle(upscale_factor=3)", (18, 5, 7), (2, 15, 21)),
    ("PixelUnshuffle(downscale_factor=2)", (3, 4, 6), (12, 2, 3)),
    ("Upsample(scale_factor=2.0, mode='nearest')", (5, 11, 13), (5, 22, 26)),
    ("Upsample(scale_factor=(2.0, 1.5), mode='bilinear')", (5, 11, 13), (5, 22, 19)),
    ("Upsample(size=(17, 19), mode=bilinear)", (5, 11, 13), (5, 17, 19)),
    ("UpsamplingBilinear2d(scale_factor=2.0, mode='bilinear')",
     (5, 11, 13), (5, 22, 26)),
    ("Unfold(kernel_size=3, dilation=1, padding=0, stride=2)", (5, 11, 13), (45, 30)),
    ("Fold(output_size=(4, 5), kernel_size=(2, 3), dilation=1, padding=0, stride=1)",
     (18, 9), (3, 4, 5)),
    ("Softmax(dim=1)", (5, 7), (5, 7)),
    ("GELU(approximate='none')", (5, 7), (5, 7)),
    ("LeakyReLU(negative_slope=0.2, inplace=True)", (5, 7), (5, 7)),
    ("Hardtanh(min_val=-1.0, max_val=1.0)", (5, 7), (5, 7)),
    ("Softplus(beta=1.0, threshold=20.0)", (5, 7), (5, 7)),
    ("Threshold(threshold=0.1, value=20)", (5, 7), (5, 7)),
    ("Hardshrink(0.5)", (5, 7), (5, 7)),
    ("Dropout2d(p=0.5, inplace=False)", (5, 11, 13), (5, 11, 13)),
    ("Identity()", (5, 11, 13), (5, 11, 13)),
    ("Sequential(\n  (0): Sequential()\n  (1): ReLU6(inplace=True)\n)", (5, 7), (5, 7)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "before", "after"), OUTPUTS, ids=[o[0][:40] for o in OUTPUTS]
)
def test_outputs(text, before, after):
    told = read_printed(f"{text} @ {'x'.join(map(str, before))}")
    assert told.input == before
    assert told.rows()[-1].out == (1, *after)
    assert tuple(solver.solve("shape net", net=told).value) == after


@pytest.mark.parametrize("cls", LAYERS)
def test_arguments_are_fields(cls):
    """An unmarked argument sets a field; a field that has no default is among them."""
    kind, fixed, signature = LAYERS[cls]
    params = {p.name: p for p in fields_of(layer[kind])}
    plain = [w for w in signature.split() if w[-1] != "*" and "=" not in w]
    set_by = {w if w in params else ALIASES[w] for w in plain}
    assert set_by | set(fixed) <= set(params)
    assert {p.name for p in params.values() if p.required} <= set_by | set(fixed)


@pytest.mark.parametrize(
    ("cls", "flow"), [(cls, flow) for cls in FLOWS for flow in FLOWS[cls].split(" or ")]
)
def test_flows(cls, flow):
    """Every class is read with the children it knows, and refused with any other."""
    needed, known = names_in(flow)
    assert needed <= known
    assert not {w for w in known if w.startswith("F.")}
    children = {n: repeated(2, RELU) if n == "layers" else RELU for n in known}
    assert read_printed(named(cls, **children)).name == cls
    with pytest.raises(BadInput, match="it has other"):
        read_printed(named(cls, **children, other=RELU))
    for name in needed - {"activation"}:  # F.relu, without it
        with pytest.raises(BadInput, match=f"this {cls} is not the one"):
            read_printed(named(cls, **{k: v for k, v in children.items() if k != name}))


def test_names_are_the_printed_ones():
    names = [row.name for row in read_printed(MODELS["resnet18"][0]).rows()]
    assert {"layer1.0.conv1", "layer2.0.downsample.1", "layer4.1", "fc"} <= set(names)
    assert names.count("layer1.0.relu") == names.count("layer1.0.relu_1") == 1
    assert [row.name for row in read_printed("ReLU()").rows()] == ["ReLU"]
    layers = printed("Sequential", ("act", RELU), ("0-2", f"3 x {linear(3, 3)}"))
    assert [row.name for row in read_printed(layers).rows()] == ["act", "0", "1", "2"]


def test_residual_where_torchvision_has_one():
    """Ten of MobileNetV2's seventeen blocks keep their shape: n − 1 of every row."""
    rows = read_printed(mobilenet()).rows()
    assert sum(type(row.layer).__name__ == "Add" for row in rows) == 10


def test_auxiliary_heads_go_nowhere():
    with_, without = (read_printed(inception3(aux)).rows() for aux in (True, False))
    assert with_[-1].out == without[-1].out == (1, 1000)
    assert len(with_) > len(without)


INPUTS_FOUND = [
    (LENET, "1x28x28"),
    (conv(3, 64, 3), "3xHxW"),
    ("Conv1d(5, 7, kernel_size=(3,), stride=(1,))", "5xL"),
    ("Conv3d(5, 7, kernel_size=(3, 3, 3), stride=(1, 1, 1))", "5xDxHxW"),
    (sequential(maxpool(2, 2), conv(3, 64, 3)), "3xHxW"),
    (sequential(FLATTEN, linear(784, 10)), "784"),
    (sequential(conv(3, 8, 3), GLOBAL, FLATTEN, linear(8, 2)), "3xHxW"),
    (sequential(linear(9, 98), "Unflatten(dim=1, unflattened_size=(2, 7, 7))"), "9"),
    (sequential("Unflatten(dim=1, unflattened_size=(1, 28, 28))", conv(1, 8, 3)),
     "784"),
    (sequential("Embedding(100, 16)", linear(16, 2)), "T"),
    (sequential("Conv1d(2, 4, kernel_size=3)", FLATTEN, linear(40, 2)), "2x12"),
    ("BatchNorm1d(9)", "9"),
    ("GRU(7, 5)", "Tx7"),
    ("Dropout(p=0.5, inplace=False)", "CxHxW"),
    (MODELS["inception_v3"][0], "3x299x299"),
    (sequential(resnet((2, 2, 2, 2), False), linear(1000, 2)), "3x224x224"),
    # A VGG for CIFAR-10 under the same name: 224 does not fit its classifier.
    (named("VGG", features=sequential(conv(3, 8, 3, 1, 1), *[maxpool(2, 2)] * 5),
           classifier=linear(8, 10)), "3x32x32"),
    (f"{conv(3, 64, 3)} @ 3x17x19", "3x17x19"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "input"), INPUTS_FOUND, ids=[i[1] for i in INPUTS_FOUND]
)
def test_input(text, input):
    assert "x".join(map(str, read_printed(text).input)) == input


QUESTIONS = ["params", "macs", "flops", "activations", "memory", "table"]
ASKED = {
    "lenet": LENET,
    "encoder": named("TransformerEncoder", layers=repeated(2, encoder_layer(8, 16))),
    "recurrent": sequential("Embedding(10, 3)", "LSTM(3, 4)"),
    "resnet": MODELS["resnet18"][0],
    "fire": fire(96, 16, 64),
}


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("what", QUESTIONS)
def test_every_count(name, what):
    """Each answer's own check holds, in letters too."""
    assert solver.solve(f"count {what}", net=read_printed(ASKED[name])).checks


def test_recurrent():
    net = read_printed("LSTM(10, 20, num_layers=2, bidirectional=True)")
    assert str(solver.solve("count macs", net=net).value) == "14400T"  # 4800T + 9600T
    assert net.rows((7, 10))[-1].out == (1, 7, 40)
    with pytest.raises(BadInput, match="ask for its macs"):
        solver.solve("count connections", net=net)


def test_input_given_wins():
    text = sequential(
        conv(3, 8, 3), "Flatten(start_dim=1, end_dim=-1)", linear(1320, 2)
    )
    with pytest.raises(BadInput, match="the layer reads 1320"):
        solver.solve("count params", net=read_printed(text))
    assert (
        solver.solve("count params", net=read_printed(text), input="3x13x17").value
        == 2858
    )


def test_old_and_flat_prints():
    """All on one line, or with a space after the class, as before PyTorch 0.4."""
    wanted = [(row.name, row.out) for row in read_printed(LENET).rows()]
    for text in (" ".join(LENET.split()), LENET.replace("Tanh()", "Tanh ()")):
        assert [(row.name, row.out) for row in read_printed(text).rows()] == wanted


# -- refusals --------------------------------------------------------------------------

NET = named("Net", conv1=conv(3, 6, 5), fc1=linear(400, 10))
SE = resnet((2, 2, 2, 2), False).replace(
    "(bn2): Batch", "(se): SEModule()\n(bn2): Batch", 1
)
REFUSED = [  # text, words of the message, what the caret points at
    (NET, "Net is a class of its own|forward is not in the print|(conv1): Conv2d|"
     "nn.Sequential|3x32x32: conv 6 k5", "Net("),
    (sequential(RELU, NET), "1: Net|(fc1): Linear", "Net("),
    (named("ResNet", conv1=conv(3, 6, 5), act=RELU), "this ResNet|no avgpool|has act",
     "ResNet("),
    (SE, "layer1.0: this BasicBlock|it has se", "BasicBlock("),
    ("MyLayer(dim=3)", "no module is called 'MyLayer'|LayerNorm|custom MyLayer",
     "MyLayer"),
    (sequential("Conv2D(3, 4)"), "'Conv2D'|did you mean Conv2d", "Conv2D("),
    ("CrossEntropyLoss()", "'CrossEntropyLoss'", "CrossEntropyLoss"),
    ("GLU(dim=-1)", "no module is called 'GLU'", "GLU"),
    ("ReflectionPad2d((1, 1, 1, 1))", "'ReflectionPad2d'|ZeroPad2d", "Reflection"),
    ("LSTMCell(10, 20)", "'LSTMCell'|LSTM", "LSTMCell"),
    ("LazyLinear(in_features=0, out_features=10, bias=True)",
     "LazyLinear has no sizes|run", "LazyLinear"),
    ("QuantizedConv2d(3, 6, kernel_size=(3, 3), stride=(1, 1), scale=1.0)",
     "QuantizedConv2d is quantized", "Quantized"),
    ("DynamicQuantizedLinear(in_features=3, out_features=2)", "quantized", "Dynamic"),
    (named("ParametrizedLinear", parametrizations="ModuleDict()"), "parametrized",
     "Parametrized"),
    (repeated(3, RELU), "ModuleList has no forward", "ModuleList"),
    (sequential(repeated(3, RELU)), "0: ModuleList has no forward", "ModuleList"),
    ("Bilinear(in1_features=20, in2_features=30, out_features=40, bias=True)",
     "two inputs|count bilinear", "Bilinear"),
    (sequential(RELU, named("MultiheadAttention", out_proj=linear(8, 8))),
     "1: MultiheadAttention|query, key and value", "MultiheadAttention("),
    (named("MultiheadAttention", out_proj=RELU), "out_proj", "Multihead"),
    (sequential("LSTM(10, 20)", linear(20, 5)), "1: LSTM|its state", "Linear"),
    (named("VGG", features="LSTM(10, 20)", classifier=RELU), "LSTM|its state", "VGG"),
    (sequential("None"), "Sequential cannot run None", "Sequential"),
    (named("_DenseBlock", denselayer1=RELU), "cannot run ReLU", "_Dense"),
    (named("ReLU", inner=RELU), "ReLU has no children|inner", "ReLU"),
    (named("TransformerEncoder", layers=sequential(encoder_layer(8, 16))), "ModuleList",
     "Transformer"),
    ("Sequential(3, 4)", "without arguments", "Sequential"),
    ("Conv2d(3, 6, kernel=(5, 5))", "Conv2d is called 'kernel'|kernel_size", "kernel="),
    ("Conv2d(3, 6, 5, 1, 0, 1, 1, True, 'zeros', 4)", "at most 9 arguments", "4)"),
    ("Conv2d(3, 6, out_channels=5)", "out_channels is given twice", "out_channels=5"),
    ("Conv2d(3, 6)", "Conv2d needs kernel_size", "Conv2d"),
    ("Conv2d(C, 6, kernel_size=(3, 3))", "numbers for in_channels, not 'C'", "C,"),
    ("Conv2d(3, 6, kernel_size=(3, k))", "expected numbers for kernel", "kernel_size"),
    ("Conv2d(3, 6, kernel_size=3, padding=full)", "numbers for padding", "padding="),
    ("Conv2d(3, 6.5, kernel_size=(3, 3))", "whole number", "6.5"),
    ("Linear(in_features=3, out_features=None)", "not None", "out_features=N"),
    ("AdaptiveAvgPool2d(output_size=(x, 1))", "expected numbers for output", "output_"),
    ("PReLU(num_parameters=64)", "num_parameters=1 only", "num_parameters"),
    ("ConstantPad2d(padding=(1, 1, 1, 1), value=3.5)", "value=0 only", "value"),
    ("InstanceNorm2d(8, track_running_stats=True)", "stats=False only", "track"),
    ("Sequential(\n  (0): ReLU()", "Sequential( is never closed by ')'", "(\n"),
    ("Conv2d(3, 6, kernel_size=(3, 3)", "Conv2d( is never closed", "(3, 6"),
    ("Conv2d(3, 6, kernel_size=(3,", "this bracket is never closed", "(3,"),
    ("Conv2d(3 6)", "expected ',' or ')'", "6)"),
    ("Conv2d((3 6))", "expected ','", "6))"),
    ("ReLU())", "ReLU ends before this", ")"),
    ("ReLU() ReLU()", "ReLU ends before this", "ReLU()"),
    ("Sequential(\n  (0): ReLU()\n  ...\n)", "expected the next child", "..."),
    ("Sequential((0): ReLU() (0): ReLU())", "(0) stands here twice", "(0): ReLU())"),
    ("Sequential((0-1): 3 x ReLU())", "(0-1) is not 3 modules", "(0-1)"),
    ("Sequential((a): 3 x ReLU())", "expected numbers such as (0-2)", "(a)"),
    ("Sequential((0-9999): 10000 x ReLU())", "more than 5,000 modules", "ReLU"),
    ("Sequential((0-99): 100 x Sequential((0-99): 100 x ReLU()))", "more than 5,000",
     "ReLU"),
    ("Sequential((0): " * 50 + "ReLU()" + ")" * 50, "nested deeper than 40", ""),
    ("ReLU(" + "(" * 50 + ")" * 51, "nested deeper than 40", ""),
    ("Hardshrink(1e999)", "too large", "1e999"),
    ("Linear(in_features=3000000000, out_features=2)", "too large", "in_features"),
    ("ReLU() @ 3xx", "", ""),
    ("Net", "expected '(' after Net", ""),
    ("", "expected a module", ""),
    ("<class 'torch'>", "expected a module", "<"),
    ("ReLU(<lambda>)", "expected a value", "<lambda>"),
    ("x" * 500_000, "at most 400,000", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words", "at"),
    REFUSED,
    ids=[f"{i} {r[1][:30]}" for i, r in enumerate(REFUSED)],
)
def test_refused(text, words, at):
    with pytest.raises(BadInput) as caught:
        read_printed(text)
    error = caught.value
    assert all(word in str(error) for word in words.split("|")), str(error)
    if at:
        assert error.text == text
        assert text[error.offset :].startswith(at), text[error.offset :][:40]


# -- any text --------------------------------------------------------------------------

VALUES = st.one_of(
    st.integers(-2, 70).map(str),
    st.sampled_from(
        ["True", "None", "1e-05", "same", "'zeros'", "(3, 3)", "(2,)", "()"]
    ),
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(-1, 9)).map(str),
)
WORDS = sorted({w.rstrip("*").partition("=")[0] for _, _, s in LAYERS.values()
                for w in s.split()})  # fmt: skip
ARGUMENTS = st.one_of(VALUES, st.tuples(st.sampled_from(WORDS), VALUES).map("=".join))
LEAVES = st.tuples(
    st.sampled_from([*LAYERS, "Bilinear", "Foo"]), st.lists(ARGUMENTS, max_size=4)
)
LEAF_TEXTS = LEAVES.map(lambda leaf: f"{leaf[0]}({', '.join(leaf[1])})")
GOOD = st.sampled_from(
    [
        *(p[0] for p in PARAMETERS[1:30]),
        *(o[0] for o in OUTPUTS),
        RELU,
        GLOBAL,
        linear(6, 3),
    ]
)
CHILDREN = sorted({name for flow in FLOWS.values() for name in names_in(flow)[1]})


SHAPES = [(cls, flow) for cls in FLOWS for flow in FLOWS[cls].split(" or ")]


def nested(inner):
    """Sequences, the known classes with any children, and children of other names."""

    def filled(shape):
        children = [st.tuples(st.just(n), inner) for n in sorted(names_in(shape[1])[1])]
        return st.tuples(*children).map(lambda found: printed(shape[0], *found))

    flows = st.sampled_from(SHAPES).flatmap(filled)
    lists = st.lists(inner, max_size=4).map(lambda texts: sequential(*texts))
    pairs = st.tuples(st.sampled_from([*CHILDREN, "0", "0-1"]), inner)
    any_children = st.tuples(
        st.sampled_from(["Net", "ModuleList", *FLOWS]), st.lists(pairs)
    )
    return st.one_of(lists, flows, any_children.map(lambda x: printed(x[0], *x[1])))


PRINTS = st.recursive(st.one_of(GOOD, LEAF_TEXTS), nested, max_leaves=25)


def survives(text):
    """Read, and run on its input at numbers; only BadInput may come out."""
    try:
        net = read_printed(text)
        sizes = [n if isinstance(n, int) else 12 for n in net.input]
        net.rows(tuple(sizes))
    except BadInput as e:
        assert str(e)
        assert -1 <= e.offset <= len(e.text)


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text(text):
    survives(text)


@given(st.text("(): ,=x@'[]0139.-ReLUConv2dSequential\n", max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text_of_a_print(text):
    survives(text)


@given(PRINTS)
@settings(max_examples=500, deadline=None)
def test_any_modules(text):
    survives(text)


@given(
    st.sampled_from([LENET, *(MODELS[n][0] for n in ("resnet18", "googlenet"))]),
    st.data(),
)
@settings(max_examples=200, deadline=None)
def test_any_slip_of_the_keyboard(text, data):
    at = data.draw(st.integers(0, min(len(text), 1500)))
    gone = data.draw(st.integers(0, 4))
    survives(
        text[:at] + data.draw(st.text("(): ,=x1Rn", max_size=2)) + text[at + gone :]
    )
