"""What PyTorch prints, as data: the arguments of layers, and the flow inside blocks.

LAYERS gives each leaf's arguments in PyTorch's order, FLOWS each known class's forward,
which no print shows, and `forward` reads it. Another class is another line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from solver.core import BadInput
from solver.expressions.nodes import Expr
from solver.networks.layers import Layer, Shape
from solver.networks.pointwise import Activation
from solver.networks.pool import AdaptivePool, Pool
from solver.networks.printed_text import Module
from solver.networks.reshape import Flatten
from solver.networks.sequence import GRU, LSTM, RNN, Recurrent
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# -- leaves ----------------------------------------------------------------------------

# Arguments in PyTorch's order. `eps*`: neither shapes nor counts depend on it;
# `value=0`: only this value can be read.
CONV = "in_channels out_channels kernel_size stride padding {}groups bias {}"
CONVOLUTION = CONV.format("dilation ", "padding_mode")
TRANSPOSED = CONV.format("output_padding ", "dilation padding_mode*")
MAX = "kernel_size stride padding dilation return_indices=False ceil_mode"
AVERAGE = "kernel_size stride padding ceil_mode count_include_pad divisor_override"
ADAPTIVE = "output_size return_indices=False"
TRACKED = "num_features eps* momentum* affine track_running_stats"
STEPPING = (
    "input_size hidden_size num_layers bias batch_first* dropout* bidirectional "
    "proj_size nonlinearity*"
)
WINDOWS = "kernel_size dilation padding stride"
RESIZED = "size scale_factor mode"

# class -> (layer, fields it fixes, arguments)
LAYERS: dict[str, tuple[str, dict[str, Any], str]] = {
    "Linear": ("linear", {}, "in_features out_features bias"),
    "NonDynamicallyQuantizableLinear": ("linear", {}, "in_features out_features bias"),
    "_LinearWithBias": ("linear", {}, "in_features out_features bias"),
    "Embedding": (
        "embedding",
        {},
        "num_embeddings embedding_dim padding_idx max_norm* norm_type* "
        "scale_grad_by_freq* sparse*",
    ),
    "SyncBatchNorm": ("batch-norm", {}, TRACKED),
    "LayerNorm": ("layer-norm", {}, "normalized_shape eps* elementwise_affine bias"),
    "RMSNorm": ("rms-norm", {}, "normalized_shape eps* elementwise_affine"),
    "GroupNorm": ("group-norm", {}, "num_groups num_channels eps* affine"),
    "LocalResponseNorm": ("local-response-norm", {}, "size alpha* beta* k*"),
    "Flatten": ("flatten", {}, "start_dim end_dim"),
    "Unflatten": ("unflatten", {}, "dim unflattened_size"),
    "Identity": ("identity", {}, ""),
    "PixelShuffle": ("pixel-shuffle", {}, "upscale_factor"),
    "PixelUnshuffle": ("pixel-unshuffle", {}, "downscale_factor"),
    "Upsample": ("interpolate", {}, f"{RESIZED} align_corners recompute_scale_factor"),
    "UpsamplingNearest2d": ("interpolate", {}, RESIZED),
    "UpsamplingBilinear2d": ("interpolate", {"align_corners": True}, RESIZED),
    "Unfold": ("unfold", {}, WINDOWS),
    "Fold": ("fold", {}, f"output_size {WINDOWS}"),
    # A sequence is N×T×features here, whatever its batch_first: no count depends on it.
    **{c: (c.lower(), {"batch_first": True}, STEPPING) for c in ("RNN", "LSTM", "GRU")},
    "Dropout": ("dropout", {}, "p inplace*"),
    "AlphaDropout": ("dropout", {}, "p inplace*"),
    "FeatureAlphaDropout": ("dropout", {"channels": True}, "p inplace*"),
}
for d in (1, 2, 3):
    dims = {"dims": d}
    LAYERS |= {
        f"Conv{d}d": ("conv", dims, CONVOLUTION),
        f"ConvTranspose{d}d": ("conv-transpose", dims, TRANSPOSED),
        f"MaxPool{d}d": ("pool", dims | {"mode": "max"}, MAX),
        f"AvgPool{d}d": ("pool", dims | {"mode": "avg"}, AVERAGE),
        f"LPPool{d}d": (
            "pool",
            dims | {"mode": "lp"},
            "norm_type kernel_size stride ceil_mode",
        ),
        f"AdaptiveAvgPool{d}d": ("adaptive-pool", dims | {"mode": "avg"}, ADAPTIVE),
        f"AdaptiveMaxPool{d}d": ("adaptive-pool", dims | {"mode": "max"}, ADAPTIVE),
        f"BatchNorm{d}d": ("batch-norm", dims, TRACKED),
        f"InstanceNorm{d}d": ("instance-norm", dims, f"{TRACKED}=False"),
        f"Dropout{d}d": ("dropout", {"channels": True}, "p inplace*"),
        f"ZeroPad{d}d": ("pad", dims, "padding"),
        f"ConstantPad{d}d": ("pad", dims, "padding value=0"),
    }

# The values that are computed with, of arguments that are marked *. Another one is kept
# beside the layer (`unheld`): it can be counted, and is refused where it would be run.
# `dim` is looked at there, since only the input says which axis that is.
COMPUTED: dict[str, Any] = {
    "eps": 1e-5, "momentum": 0.1, "negative_slope": 0.01, "approximate": "none",
    "min_val": -1, "max_val": 1, "lambd": 0.5, "value": 0, "alpha": 1, "beta": 1,
    "threshold": 20, "k": 1, "nonlinearity": "tanh", "dropout": 0, "padding_mode": "zeros",
    "max_norm": "None", "dim": None,
}  # fmt: skip
COMPUTED_BY: dict[str, dict[str, Any]] = {
    "LocalResponseNorm": {"alpha": 1e-4, "beta": 0.75},
    "Threshold": {"threshold": 0},
    "RMSNorm": {"eps": "None"},
}

FUNCTIONS = {
    "LeakyReLU": ("leaky-relu", "negative_slope* inplace*"),
    "PReLU": ("prelu", "num_parameters=1 init*"),
    "GELU": ("gelu", "approximate*"),
    "Hardtanh": ("hardtanh", "min_val* max_val* inplace*"),
    "Softplus": ("softplus", "beta* threshold*"),
    "Threshold": ("threshold", "threshold* value* inplace*"),
    "Softmax2d": ("softmax", ""),
    "LogSoftmax": ("log-softmax", "dim*"),
    **{name: (name.lower(), "dim*") for name in ("Softmax", "Softmin")},
    **{name: (name.lower(), "alpha* inplace*") for name in ("ELU", "CELU")},
    **{name: (name.lower(), "lambd*") for name in ("Softshrink", "Hardshrink")},
}
for name in ["ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Hardsigmoid", "Hardswish"]:
    FUNCTIONS[name] = (name.lower(), "inplace*")
for name in ["Sigmoid", "Tanh", "Softsign", "LogSigmoid", "Tanhshrink"]:
    FUNCTIONS[name] = (name.lower(), "")
LAYERS |= {
    name: ("activation", {"function": function}, arguments)
    for name, (function, arguments) in FUNCTIONS.items()
}

# -- blocks ----------------------------------------------------------------------------

# Classes whose children run one after the other: nn.Sequential and what inherits from
# it; where named, the children must all be of that class.
UNITS = "Conv2dNormActivation Conv3dNormActivation ConvNormActivation ConvBNActivation"
RUN_IN_ORDER = ["Sequential", *UNITS.split(), "ConvBNReLU", "_Transition"]
SEQUENCES = dict.fromkeys(RUN_IN_ORDER, "") | {"_DenseBlock": "_DenseLayer"}

# What a forward calls without holding it as a child, so that no print shows it: the
# name that its row bears, and the layer.
CALLS: dict[str, tuple[str, Layer]] = {
    "F.relu": ("relu", Activation("relu")),
    "F.flatten": ("flatten", Flatten()),
    "F.avgpool": ("avgpool", AdaptivePool(1)),
    "F.avgpool4": ("avgpool", AdaptivePool(4)),
    "F.avg3": ("avgpool", Pool(3, 1, padding=1, mode="avg")),
    "F.avg5": ("avgpool", Pool(5, 3, mode="avg")),
    "F.max3": ("maxpool", Pool(3, 2)),
}

# The forward of each class, as in torchvision and torch.nn. `aux1?` may be missing;
# add[a | b] and cat[a | b] run side by side on the same input, an empty path being the
# input itself; skip[a] adds the input where the convolutions of a keep its shape;
# aside[a] goes nowhere; each[a] runs a ModuleList; `or`: another class of that name.
ATTEND, DENSE = "add[self_attn dropout1 |] norm1", "dropout linear2 dropout2"
FLOWS: dict[str, str] = {
    "AlexNet": "features avgpool? F.flatten classifier",
    "VGG": "features avgpool? F.flatten classifier",
    "ResNet": "conv1 bn1 relu maxpool layer1 layer2 layer3 layer4 avgpool F.flatten fc",
    "BasicBlock": "add[conv1 bn1 relu conv2 bn2 | downsample?] relu",
    "Bottleneck": "add[conv1 bn1 relu conv2 bn2 relu conv3 bn3 | downsample?] relu",
    "SqueezeNet": "features classifier F.flatten",
    "Fire": "squeeze squeeze_activation "
    "cat[expand1x1 expand1x1_activation | expand3x3 expand3x3_activation]",
    "DenseNet": "features F.relu F.avgpool F.flatten classifier",
    "_DenseLayer": "cat[| norm1 relu1 conv1 norm2 relu2 conv2]",
    "MobileNetV2": "features F.avgpool F.flatten classifier",
    "InvertedResidual": "skip[conv]",
    "GoogLeNet": "conv1 maxpool1 conv2 conv3 maxpool2 inception3a inception3b maxpool3 "
    "inception4a aside[aux1?] inception4b inception4c inception4d aside[aux2?] "
    "inception4e maxpool4 inception5a inception5b avgpool F.flatten dropout fc",
    "Inception": "cat[branch1 | branch2 | branch3 | branch4]",
    "BasicConv2d": "conv bn F.relu",
    "InceptionAux": "F.avgpool4 conv F.flatten fc1 F.relu dropout? fc2 or "
    "F.avg5 conv0 conv1 F.avgpool F.flatten fc",  # GoogLeNet's or Inception3's
    "Inception3": "Conv2d_1a_3x3 Conv2d_2a_3x3 Conv2d_2b_3x3 maxpool1 Conv2d_3b_1x1 "
    "Conv2d_4a_3x3 maxpool2 Mixed_5b Mixed_5c Mixed_5d Mixed_6a Mixed_6b Mixed_6c "
    "Mixed_6d Mixed_6e aside[AuxLogits?] Mixed_7a Mixed_7b Mixed_7c avgpool dropout "
    "F.flatten fc",
    "InceptionA": "cat[branch1x1 | branch5x5_1 branch5x5_2 | "
    "branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3 | F.avg3 branch_pool]",
    "InceptionB": "cat[branch3x3 | branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3 | "
    "F.max3]",
    "InceptionC": "cat[branch1x1 | branch7x7_1 branch7x7_2 branch7x7_3 | "
    "branch7x7dbl_1 branch7x7dbl_2 branch7x7dbl_3 branch7x7dbl_4 branch7x7dbl_5 | "
    "F.avg3 branch_pool]",
    "InceptionD": "cat[branch3x3_1 branch3x3_2 | "
    "branch7x7x3_1 branch7x7x3_2 branch7x7x3_3 branch7x7x3_4 | F.max3]",
    "InceptionE": "cat[branch1x1 | branch3x3_1 cat[branch3x3_2a | branch3x3_2b] | "
    "branch3x3dbl_1 branch3x3dbl_2 cat[branch3x3dbl_3a | branch3x3dbl_3b] | "
    "F.avg3 branch_pool]",
    "TransformerEncoder": "each[layers] norm?",
    "TransformerEncoderLayer": f"{ATTEND} add[linear1 F.relu {DENSE} |] norm2 or "
    f"{ATTEND} add[linear1 activation {DENSE} |] norm2",  # if given as a module
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "OptimizedModule": "_orig_mod",  # what torch.compile returns
}
INPUTS = {  # the side of the images that a class is made for
    **dict.fromkeys(("AlexNet", "VGG", "ResNet", "SqueezeNet"), 224),
    **dict.fromkeys(("DenseNet", "MobileNetV2", "GoogLeNet"), 224),
    "Inception3": 299,
}


class Passing(Recurrent):
    """A recurrent layer in a network: its output goes on, its last state is dropped."""

    def out(self, *inputs: Shape) -> Any:
        return super().out(*inputs)[0]

    def recount(self, *inputs: Shape) -> Any:
        return super().recount(*inputs)[0]

    def connections(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        raise BadInput("a recurrent layer has weights for every step: ask for its macs")


CELLS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
PASSING = {kind: type(c.__name__, (Passing, c), {}) for kind, c in CELLS.items()}

# -- reading a forward -----------------------------------------------------------------

STEPS = re.compile(r"\w+\[|[|\]]|F\.\w+|\w+\??")


def forward(cls: str, children: set[str]) -> list[Any] | None:
    """The steps of a class's forward: a child's name, a call, or (how, paths of steps).

    None if no version of the class has these children.
    """
    for flow in FLOWS[cls].split(" or "):
        needed, known = names_in(flow)
        if needed <= children <= known:
            return parsed(iter(STEPS.findall(flow)), children)[0]
    return None


def names_in(flow: str) -> tuple[set[str], set[str]]:
    """The children that a forward needs, and all that it knows."""
    names = {w for w in STEPS.findall(flow) if w[-1] not in "[|]" and w not in CALLS}
    return {w for w in names if w[-1] != "?"}, {w.rstrip("?") for w in names}


def parsed(words: Iterator[str], children: set[str]) -> tuple[list[Any], str]:
    """Steps up to a path's end, and what ended it; missing children are left out."""
    found: list[Any] = []
    for word in words:
        if word in "|]":
            return found, word
        if word.endswith("["):
            paths, end = [], "|"
            while end == "|":
                steps, end = parsed(words, children)
                paths.append(steps)
            found.append((word[:-1], paths))
        elif word in CALLS or word.rstrip("?") in children:
            found.append(word.rstrip("?"))
    return found, ""


# -- what is known not to be readable --------------------------------------------------

ORDER = "has no forward: in which order its layers run is not in the print"
QUANTIZED = "is quantized: print the model before it is"
REASONS = {
    "Lazy*": "has no sizes before its first input: run the model once, then print it",
    "Quantize*": QUANTIZED,
    "DynamicQuantized*": QUANTIZED,
    "DeQuantize": QUANTIZED,
    "Parametrized*": "is parametrized: remove the parametrizations, then print it",
    "ModuleList": ORDER,
    "ModuleDict": ORDER,
    "Bilinear": "reads two inputs, and a network here has one: ask `count bilinear "
    "--in '20 30' --out_features 40`",
}
WAY_OUT = "paste an nn.Sequential of its layers, or write the short notation, such as "
WAY_OUT += "3x32x32: conv 6 k5, relu, flatten, linear 10"


def refusal(node: Module) -> str:
    """Why a module cannot be read, and the way out."""
    cls, children = node.cls, {name for name, one in node.children if one}
    for name, why in REASONS.items():
        if cls == name or name.endswith("*") and cls.startswith(name[:-1]):
            return f"{cls} {why}"
    if node.arguments and (cls in SEQUENCES or cls in FLOWS):
        return f"{cls} is printed without arguments, this one has some"
    if cls in FLOWS:
        flows = map(names_in, FLOWS[cls].split(" or "))
        differing = [(sorted(n - children), sorted(children - k)) for n, k in flows]
        lacking, more = min(differing, key=lambda both: len(both[0]) + len(both[1]))
        differs = [f"it has no {', '.join(lacking)}"] if lacking else []
        differs += [f"it has {', '.join(more)}"] if more else []
        which = "is not the one whose forward is known here"
        return f"this {cls} {which}: {', and '.join(differs)}; {WAY_OUT}"
    if cls in LAYERS:
        return f"torch.nn's {cls} has no children, this one has {min(children)}"
    if children:
        shown = ", ".join(f"({n}): {m.cls}" for n, m in node.children[:3] if m)
        shown += ", …" if len(node.children) > 3 else ""
        which = "is a class of its own, and its forward is not in the print"
        return f"{cls} {which}: how {shown} work together is unknown; {WAY_OUT}"
    near = unknown("module", cls, [*LAYERS, *SEQUENCES, *FLOWS]).message
    near += "" if near.endswith("?") else "."
    return (
        f"{near} What it computes is not in the print: write the short notation, where "
        f"`custom {cls[:40]} 64x7x7` stands in for it"
    )
