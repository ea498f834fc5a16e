"""PyTorch's printed module, pasted, as a network: what `print(model)` shows.

Layers of torch.nn, nn.Sequential, and classes whose forward is known (printed_blocks:
torchvision's ResNet, VGG, AlexNet, SqueezeNet, DenseNet, MobileNetV2, GoogLeNet,
Inception3 and their blocks, transformer encoders) are read. The calls that no print
shows are put in by the class: flatten before a classifier, F.relu, pooling,
concatenations, sums. Any other class is refused by name: no print shows its forward.

What the print leaves out is PyTorch's default: ceil_mode of AvgPool, LayerNorm's bias
in older versions; heads and kdim of attention, norm_first and batch_first, on which no
count depends (query, key and value are the same input, a sequence is N×T×features).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from solver.aliases import ALIASES
from solver.core import BadInput
from solver.expressions.nodes import Sym
from solver.given import fields_of
from solver.networks import printed_blocks as blocks
from solver.networks.combine import Add, Aside, Branches, Concat, Sequential, join
from solver.networks.conv import Conv
from solver.networks.dense import Embedding, Linear
from solver.networks.layers import AXES, Layer, Row, Shape, Signal, count, layer
from solver.networks.net import Net
from solver.networks.norm import BatchNorm, LayerNorm
from solver.networks.printed_text import MOST, Module, Text, argument
from solver.networks.reshape import Flatten, Unflatten
from solver.networks.sequence import Attention, Recurrent
from solver.networks.windows import Fold, PixelShuffle, Unfold
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Leaves = Mapping[str, Layer]
WIDEST = 4096  # the largest side that is tried where a linear layer fixes it


def read_printed(text: str) -> Net:
    """The network that PyTorch's printed module shows; raises BadInput with a caret.

    The input may follow: `Sequential(…) @ 3x32x32`. Else its channels are those that
    the first layer states, and its sides letters; but the class's own where it has some
    (ResNet: 224), and where a linear layer fixes them, those of the smallest square
    that gives it enough features; `source` says so.
    """
    root, told = Text(text).whole()
    builder = Builder(text)
    found = builder.layer(root, "")
    if not isinstance(found, Sequential):
        found = Sequential(((root.cls, found),))
    input, source = told, "printed by PyTorch"
    if not input:
        input, note = supposed(found, builder.leaves, usual_side(root))
        source += note
    return Net(root.cls, found, input, source)


class Builder:
    """Printed modules as layers; `leaves` holds each by name, in the order of flow."""

    def __init__(self, text: str):
        self.text = text
        self.leaves: dict[str, Layer] = {}
        self.found: dict[str, Layer] = {}

    def error(self, message: str, path: str, at: int) -> BadInput:
        return BadInput(message, text=self.text, offset=at, where=path)

    def layer(self, node: Module, path: str) -> Layer:
        """The layer or block that a module is; the same one if it runs again."""
        if path not in self.found:
            self.found[path] = self.made(node, path)
        if len(self.found) > MOST:
            raise self.error(f"more than {MOST:,} modules", path, node.at)
        return self.found[path]

    def made(self, node: Module, path: str) -> Layer:
        """The layer or block of a module."""
        if node.cls == "MultiheadAttention" or (
            node.cls in blocks.LAYERS and not node.children
        ):
            self.leaves[path] = self.leaf(node, path)
            return self.leaves[path]
        if node.cls in blocks.SEQUENCES and not node.arguments:
            return self.sequence(node, path)
        children = {name for name, one in node.children if one}
        known = node.cls in blocks.FLOWS and not node.arguments
        steps = blocks.forward(node.cls, children) if known else None
        if steps is None:
            raise self.error(blocks.refusal(node), path, node.at)
        return self.flow(steps, node, path, Counter())

    def follows(self, node: Module, path: str) -> None:
        """Refuse what comes after a recurrent layer."""
        last = next(reversed(self.leaves.values()), None)
        if isinstance(last, Recurrent):
            why = "gives its output and its state, so that nothing can follow it here"
            raise self.error(f"{type(last).__name__} {why}", path, node.at)

    def sequence(self, node: Module, path: str) -> Sequential:
        """Children one after the other."""
        only, found = blocks.SEQUENCES.get(node.cls), []
        for name, one in node.children:
            here = join(path, name)
            if one is None or only and one.cls != only:
                shown = one.cls if one else "None"
                raise self.error(f"{node.cls} cannot run {shown}", here, node.at)
            if one.cls == "MultiheadAttention":
                why = f"reads query, key and value, but {node.cls} passes one input on"
                raise self.error(f"{one.cls} {why}", here, one.at)
            self.follows(one, here)
            found.append((name, self.layer(one, here)))
        return Sequential(tuple(found))

    def flow(
        self, steps: Sequence[Any], node: Module, path: str, seen: Counter[str]
    ) -> Sequential:
        """The steps of a forward: children, calls, and paths side by side.

        A child that runs twice bears _1 the second time, as in torch.fx.
        """
        children, found = dict(node.children), list[tuple[str, Layer]]()
        for step in steps:
            self.follows(node, path)
            if isinstance(step, tuple):
                found.append(self.joined(step, node, path, seen))
                continue
            name, one = blocks.CALLS.get(step, (step, None))
            child = children.get(name)
            if one is None and child:
                one = self.layer(child, join(path, name))
            if one is not None:
                found.append((f"{name}_{seen[name]}" if seen[name] else name, one))
            seen[name] += 1
        return Sequential(tuple(found))

    def joined(
        self, step: Any, node: Module, path: str, seen: Counter[str]
    ) -> tuple[str, Layer]:
        """Paths side by side: added, concatenated, or going nowhere."""
        how, paths = step
        if how == "each":
            ((name,),) = paths
            listed = dict(node.children)[name]
            if listed is None or listed.cls != "ModuleList":
                raise self.error(f"expected a ModuleList ({name})", path, node.at)
            return name, self.sequence(listed, join(path, name))
        ends = [("", self.flow(steps, node, path, seen)) for steps in paths]
        self.follows(node, path)
        if how == "aside":
            return "", Aside(ends[0][1]) if paths[0] else ends[0][1]
        if how == "skip":
            if not keeps_shape(ends[0][1]):
                return ends[0]
            ends.append(("", Sequential(())))
        return "", Branches(tuple(ends), Concat() if how == "cat" else Add())

    def attention(self, node: Module, path: str) -> Attention:
        """Self-attention as wide as its out_proj; heads are not printed: 1 stands."""
        out = dict(node.children).get("out_proj")
        one = self.leaf(out, path) if out and out.cls.endswith("Linear") else None
        if not isinstance(one, Linear) or len(node.children) > 1 or node.arguments:
            needs = "needs its child (out_proj), a linear layer, and no other"
            raise self.error(f"{node.cls} {needs}", path, node.at)
        found = Attention(1, embed_dim=one.in_features, bias=one.bias)
        object.__setattr__(found, "unheld", {"heads": "which is not printed"})
        return found

    def leaf(self, node: Module, path: str) -> Layer:
        """A layer of torch.nn from its arguments."""
        if node.cls == "MultiheadAttention":
            return self.attention(node, path)
        kind, fixed, signature = blocks.LAYERS[node.cls]
        marks = {re.split("[*=]", mark)[0]: mark for mark in signature.split()}
        names = list(marks)
        params = {p.name: p for p in fields_of(layer[kind])}
        fields = {n: n if n in params else ALIASES.get(n, n) for n in names}
        given, seen = dict(fixed), set[str]()
        unheld: dict[str, Any] = {}
        for place, one in enumerate(node.arguments):
            name = one.name or (names[place] if place < len(names) else "")
            try:
                if not name:
                    raise BadInput(f"{node.cls} takes at most {len(names)} arguments")
                if name not in marks:
                    raise unknown(f"argument of {node.cls}", name, names)
                if name in seen:
                    raise BadInput(f"{name} is given twice")
                seen.add(name)
                only = marks[name].partition("=")[2]
                if only and str(one.value) not in (only, f"{only}.0"):
                    raise BadInput(f"{node.cls} is read with {marks[name]} only")
                if marks[name] == name:
                    given[fields[name]] = argument(params[fields[name]], one.value)
                elif marks[name].endswith("*") and other(node.cls, name, one.value):
                    unheld[name] = one.value
            except BadInput as e:
                raise self.error(e.message, path, one.at) from None
        required = {p.name for p in params.values() if p.required}
        lacking = [n for n in names if fields[n] in required - given.keys()]
        if lacking:
            raise self.error(f"{node.cls} needs {' and '.join(lacking)}", path, node.at)
        made: Layer = (blocks.PASSING.get(kind) or layer[kind])(**given)
        if unheld:
            object.__setattr__(made, "unheld", unheld)
        return made


def other(cls: str, name: str, value: Any) -> bool:
    """Whether a printed value is another than what the layer computes with."""
    computed = {**blocks.COMPUTED, **blocks.COMPUTED_BY.get(cls, {})}
    if name not in computed:
        return False
    try:
        return float(str(value)) != float(str(computed[name]))
    except ValueError:
        return str(value).strip("'\"") != str(computed[name])


def keeps_shape(path: Layer) -> bool:
    """Whether the convolutions of a path have stride 1 and end in as many channels."""
    found = convolutions(path)
    strides = {c.stride for c in found}
    alike = bool(found) and found[0].in_channels == found[-1].out_channels
    return alike and strides <= {1, (1,), (1, 1), (1, 1, 1)}


def convolutions(one: Layer) -> list[Conv]:
    """The convolutions of a layer or a sequence, in order."""
    if isinstance(one, Sequential):
        return [c for _, part in one.layers for c in convolutions(part)]
    return [one] if isinstance(one, Conv) else []


# -- the input, which is not in the print ----------------------------------------------


def supposed(net: Layer, leaves: Leaves, usual: int) -> tuple[Shape, str]:
    """The input as far as the layers tell it, and how its sides were found."""
    channels, *sides = input = stated(list(leaves.values()))
    if not isinstance(channels, int) or not any(isinstance(n, Sym) for n in sides):
        return input, ""

    def tried(side: int) -> int:
        return fit(net, leaves, (channels, *[side] * len(sides)))

    if usual and tried(usual) == 0:
        return (channels, *[usual] * len(sides)), ""
    if tried(WIDEST) != 1:
        return input, ""
    low, high = 1, WIDEST
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if tried(middle) < 0 else (low, middle)
    note = "; the smallest square that gives its linear layers enough features"
    return (channels, *[low] * len(sides)), note


def stated(leaves: Sequence[Layer]) -> Shape:
    """The input without the batch as the first layers state it, the rest in letters."""
    dims, several = 0, any("kernel" in vars(one) for one in leaves)
    for one in leaves:
        held = vars(one)
        dims = dims or held.get("dims") or 0
        channels = held.get("in_channels") or held.get("features")
        steps = held.get("input_size") or held.get("embed_dim")
        if isinstance(one, Embedding):
            return (Sym("T"),)
        if steps:
            return (Sym("T"), steps)
        if channels and isinstance(one, BatchNorm) and dims == 1 and not several:
            return (channels,)
        if channels:
            return (channels, *map(Sym, AXES[dims or 2]))
        if not dims and isinstance(one, Linear) and one.in_features is not None:
            return (one.in_features,)
        if not dims and isinstance(one, (LayerNorm, Unflatten)):
            shape = one.shape if isinstance(one.shape, tuple) else (one.shape,)
            if shape and all(isinstance(n, int) and n > 0 for n in shape):
                return shape if isinstance(one, LayerNorm) else (count(shape),)
        if isinstance(one, Fold):
            return (Sym("C"), Sym("L"))
        if isinstance(one, (Linear, LayerNorm, Unfold, PixelShuffle)):
            break
        if dims and isinstance(one, (Flatten, Unflatten)):
            break
    return (Sym("C"), *map(Sym, AXES[dims or 2]))


def usual_side(root: Module) -> int:
    """The side of the images that the class, maybe wrapped, is made for; else 0."""
    node: Module | None = root
    while node and node.cls not in blocks.INPUTS:
        node = node.children[0][1] if node.children else None
    return blocks.INPUTS[node.cls] if node else 0


def fit(net: Layer, leaves: Leaves, input: Shape) -> int:
    """0 if the input runs through, 1 if a layer meets more features than it reads."""
    rows: list[Row] = []
    try:
        net.run([Signal((1, *input))], "", rows)
    except BadInput as e:
        one = leaves.get(e.where)
        wanted = getattr(one, "in_features", None) or getattr(one, "shape", None) or ()
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        got = rows[-1].out[-len(wanted) :] if rows else ()
        return 1 if wanted and count(got) > count(wanted) else -1
    return 0
