"""PyTorch's printed module, pasted, as a network: what `print(model)` shows.

Layers of torch.nn, nn.Sequential and the classes whose forward is known (printed_blocks:
torchvision's ResNet, VGG, AlexNet, SqueezeNet, DenseNet, MobileNetV2, GoogLeNet, Inception3
and their blocks, transformer encoders) are read; the calls that no print shows are put in
by the class: flatten before the classifier, F.relu, pooling, concatenations, sums. Any
other class is refused by name, for its forward is not in the print.

What the print leaves out is PyTorch's default: ceil_mode of AvgPool, LayerNorm's bias in
old versions; heads and kdim of attention, norm_first and batch_first, on which no count
depends (query, key and value are the same input, a sequence is N×T×features).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod

from solver.core import BadInput
from solver.expressions.nodes import Sym
from solver.given import ALIASES, Param, fields_of, read
from solver.networks.combine import Add, Aside, Branches, Concat, Named, Sequential, join
from solver.networks.conv import Conv
from solver.networks.dense import Embedding, Linear
from solver.networks.layers import AXES, Layer, Row, Shape, Signal, layer
from solver.networks.net import Net
from solver.networks.norm import BatchNorm, LayerNorm
from solver.networks.printed_blocks import (
    CALLS,
    FLOWS,
    INPUTS,
    LAYERS,
    REASONS,
    SEQUENCES,
    forward,
    names_in,
)
from solver.networks.printed_text import MOST, Module, Text
from solver.networks.sequence import Attention, Recurrent
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WIDEST = 4096  # the largest side that is tried where a linear layer fixes it
WAY_OUT = (
    "paste an nn.Sequential of its layers, or write the short notation, such as "
    "3x32x32: conv 6 k5, relu, flatten, linear 10"
)


def read_printed(text: str) -> Net:
    """The network that PyTorch's printed module shows; raises BadInput with a caret.

    The input's channels are those that the first layer states. Its sides are letters, but
    the class's own where it has some (ResNet: 224), and where a linear layer fixes them,
    those of the smallest square that fits; `source` says so.
    """
    root = Text(text).whole()
    builder = Builder(text)
    found = builder.layer(root, "")
    leaves = builder.leaves
    for name, one in list(leaves.items())[:-1]:
        if isinstance(one, Recurrent):
            why = "gives its output and its state, so that no layer can follow it"
            raise BadInput(f"{type(one).__name__} {why}").at(name)
    if not isinstance(found, Sequential):
        found = Sequential(((root.cls, found),))
    input, source = stated(list(leaves.values())), "printed by PyTorch"
    channels, *sides = input
    if isinstance(channels, int) and sides and "T" not in map(str, sides):
        side, usual = usual_side(root), len(sides)
        if not side or fit(found, leaves, (channels, *[side] * usual)):
            side = smallest(found, leaves, channels, usual)
            source += "; the smallest square that its linear layers fit" if side else ""
        input = (channels, *[side] * usual) if side else input
    return Net(root.cls, found, input, source)


class Builder:
    """Printed modules as layers; `leaves` holds each by its name, in the order of flow."""

    def __init__(self, text: str):
        self.text, self.made = text, 0
        self.leaves: dict[str, Layer] = {}

    def error(self, message: str, path: str, at: int) -> BadInput:
        return BadInput(message, text=self.text, offset=at, where=path)

    def layer(self, node: Module, path: str) -> Layer:
        """The layer or block that a module is."""
        self.made += 1
        if self.made > MOST:
            raise self.error(f"more than {MOST:,} modules", path, node.at)
        if node.cls in LAYERS and not node.children:
            self.leaves[path] = self.leaf(node, path)
            return self.leaves[path]
        if node.cls == "MultiheadAttention":
            self.leaves[path] = self.attention(node, path)
            return self.leaves[path]
        if node.cls in SEQUENCES and not node.arguments:
            return self.sequence(node, path)
        children = {name for name, one in node.children if one}
        steps = forward(node.cls, children) if node.cls in FLOWS else None
        if steps is None or node.arguments:
            raise self.error(refusal(node), path, node.at)
        return self.flow(steps, node, path, Counter())

    def sequence(self, node: Module, path: str) -> Sequential:
        """Children one after the other."""
        only, found = SEQUENCES.get(node.cls), []
        for name, one in node.children:
            here = join(path, name)
            if one is None or only and one.cls != only:
                shown = one.cls if one else "None"
                raise self.error(f"{node.cls} cannot run {shown}", here, node.at)
            if one.cls == "MultiheadAttention":
                why = f"reads query, key and value, but {node.cls} passes one input on"
                raise self.error(f"{one.cls} {why}", here, one.at)
            found.append((name, self.layer(one, here)))
        return Sequential(tuple(found))

    def flow(
        self, steps: Sequence[Any], node: Module, path: str, seen: Counter[str]
    ) -> Sequential:
        """The steps of a forward: children, calls, and paths side by side.

        A child that runs twice bears _1 the second time, as in torch.fx.
        """
        children, found = dict(node.children), list[Named]()
        for step in steps:
            if isinstance(step, tuple):
                found.append(self.joined(step, node, path, seen))
                continue
            name, one = CALLS.get(step, (step, None))
            here = join(path, name)
            if one is None:
                child = children[name]
                assert child is not None  # forward() leaves such steps out
                one = self.leaves[here] if seen[name] else self.layer(child, here)
            found.append((f"{name}_{seen[name]}" if seen[name] else name, one))
            seen[name] += 1
        return Sequential(tuple(found))

    def joined(self, step: Any, node: Module, path: str, seen: Counter[str]) -> Named:
        """Paths side by side: added, concatenated, or going nowhere."""
        how, paths = step
        if how == "each":
            ((name,),) = paths
            listed = dict(node.children)[name]
            if listed is None or listed.cls != "ModuleList":
                raise self.error(f"expected a ModuleList ({name})", path, node.at)
            return name, self.sequence(listed, join(path, name))
        ends = [("", self.flow(steps, node, path, seen)) for steps in paths]
        if how == "aside":
            return "", Aside(ends[0][1]) if paths[0] else ends[0][1]
        if how == "skip":
            if not keeps_shape(ends[0][1]):
                return ends[0]
            ends.append(("", Sequential(())))
        return "", Branches(tuple(ends), Concat() if how == "cat" else Add())

    def attention(self, node: Module, path: str) -> Attention:
        """Self-attention, as wide as its out_proj; heads are not printed: 1 stands here."""
        out = dict(node.children).get("out_proj")
        one = self.leaf(out, path) if out and out.cls in LAYERS else None
        if not isinstance(one, Linear) or len(node.children) > 1 or node.arguments:
            needs = "needs its child (out_proj), a linear layer, and no other"
            raise self.error(f"{node.cls} {needs}", path, node.at)
        return Attention(1, embed_dim=one.in_features, bias=one.bias)

    def leaf(self, node: Module, path: str) -> Layer:
        """A layer of torch.nn from its arguments."""
        kind, fixed, signature = LAYERS[node.cls]
        marks = {re.split("[*=]", mark)[0]: mark for mark in signature.split()}
        names = list(marks)
        params = {p.name: p for p in fields_of(layer[kind])}
        fields = {n: n if n in params else ALIASES.get(n, n) for n in names}
        given, seen = dict(fixed), set[str]()
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
                if fields[name] in params and not only and not marks[name].endswith("*"):
                    given[fields[name]] = argument(params[fields[name]], one.value)
            except BadInput as e:
                raise self.error(e.message, path, one.at) from None
        lacking = [n for n in names if n not in seen and needed(params.get(fields[n]))]
        if lacking:
            raise self.error(f"{node.cls} needs {' and '.join(lacking)}", path, node.at)
        made: Layer = layer[kind](**given)
        return made


def needed(param: Param | None) -> bool:
    """Whether a layer cannot do without this parameter."""
    return param is not None and param.required


def argument(param: Param, raw: Any) -> Any:
    """A printed value as the layer's field wants it; a print holds no letters."""
    if raw is None and "None" in param.type:
        return None
    parts = raw if isinstance(raw, tuple) else (raw,)
    words = [p for p in parts if p is None or isinstance(p, str)]
    if words and param.type != "str" and words not in (["same"], ["valid"]):
        if None not in words or "None," not in param.type.replace("]", ","):
            raise BadInput(f"{param.name}: expected a number, not {words[0]}")
    return read(param, raw)


def keeps_shape(path: Layer) -> bool:
    """Whether the convolutions of a path have stride 1 and end in as many channels."""
    found = convolutions(path)
    same = bool(found) and found[0].in_channels == found[-1].out_channels
    return same and all(set(c.stride) == {1} for c in found if isinstance(c.stride, tuple))


def convolutions(one: Layer) -> list[Conv]:
    """The convolutions of a layer or a sequence, in order."""
    if isinstance(one, Sequential):
        return [c for _, part in one.layers for c in convolutions(part)]
    return [one] if isinstance(one, Conv) else []
