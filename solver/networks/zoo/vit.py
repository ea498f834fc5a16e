"""Vision transformers: patches become tokens, a class token is read off at the end.

Multiply-adds include those of the attention products, Q·Kᵀ and their weights times V.
"""

from __future__ import annotations

from solver.networks.combine import Named, residual, sequence
from solver.networks.conv import Conv
from solver.networks.dense import Linear
from solver.networks.layers import Size
from solver.networks.net import Net, network
from solver.networks.norm import LayerNorm
from solver.networks.pointwise import Activation, Dropout
from solver.networks.reshape import ClassToken, Positions, Select, Tokens
from solver.networks.sequence import Attention

PAPER = "arXiv:2010.11929 table 1"
DROPOUT = Dropout(0.1)  # after every dense layer but those to Q, K and V (appendix B.1)
# The input itself, as an empty sequence: a layer here would count its values again.
SHORTCUT = ("shortcut", sequence())
# name -> (layers, width D, width of the MLP, heads)
TABLE = {"B": (12, 768, 3072, 12), "L": (24, 1024, 4096, 16)}


def encoder_layer(width: int, hidden: int, heads: int) -> tuple[Named, Named]:
    """Self-attention and an MLP, each on the normalised input and added to it."""
    attention = sequence(
        ("ln", LayerNorm()),
        ("self_attention", Attention(heads)),
        ("dropout", DROPOUT),
    )
    mlp = sequence(
        ("ln", LayerNorm()),
        ("linear_1", Linear(hidden)),
        ("gelu", Activation("gelu")),
        ("dropout_1", DROPOUT),
        ("linear_2", Linear(width)),
        ("dropout_2", DROPOUT),
    )
    return (
        ("attention", residual(("", attention), SHORTCUT)),
        ("mlp", residual(("", mlp), SHORTCUT)),
    )


def vit(name: str, size: str, patch: int, classes: Size) -> Net:
    """A row of TABLE with patches of this side."""
    depth, width, hidden, heads = TABLE[size]
    one = sequence(*encoder_layer(width, hidden, heads))
    layers = sequence(
        ("conv_proj", Conv(width, patch, stride=patch)),
        ("tokens", Tokens()),
        ("class_token", ClassToken()),
        ("pos_embedding", Positions()),
        ("dropout", DROPOUT),
        ("encoder", sequence(*((f"layer{i}", one) for i in range(depth)))),
        ("ln", LayerNorm()),
        ("class", Select(1, 0)),
        ("head", Linear(classes)),
    )
    return Net(name, layers, (3, 224, 224), f"{PAPER}, torchvision")


def register(size: str, patch: int) -> None:
    """ViT-B/16 as vit-b-16."""
    name = f"vit-{size.lower()}-{patch}"

    def build(*, classes: Size = 1000) -> Net:
        return vit(name, size, patch, classes)

    build.__doc__ = f"ViT-{size}/{patch}, patches of {patch}×{patch} ({PAPER})."
    network(name)(build)


for each in TABLE:
    register(each, 16)
    register(each, 32)
