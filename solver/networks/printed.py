"""PyTorch's printed module, pasted, as a network: what `print(model)` shows.

Leaves of torch.nn, nn.Sequential and the classes whose forward is known (printed_blocks:
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
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from solver.core import BadInput
from solver.expressions.nodes import Sym
from solver.given import ALIASES, fields_of, read
from solver.networks.combine import Add, Aside, Branches, Concat, Named, Sequential, join
from solver.networks.conv import Conv
from solver.networks.layers import AXES, Layer, Row, Shape, Signal, layer
from solver.networks.net import Net
from solver.networks.printed_blocks import CALLS, FLOWS, INPUTS, LAYERS, REASONS, SEQUENCES
from solver.networks.sequence import Attention, Recurrent
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST, MOST, DEEPEST = 400_000, 5_000, 40  # characters, modules, brackets
WIDEST = 4096  # the largest side that is tried where the print does not say it
WAY_OUT = (
    "paste an nn.Sequential of its layers, or write the short notation, such as "
    "3x32x32: conv 6 k5, relu, flatten, linear 10"
)

NAME = re.compile(r"[A-Za-z_]\w{0,99}")
WORD = re.compile(r"[A-Za-z_][\w.]{0,99}")
NUMBER = re.compile(r"[+-]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eE][+-]?\d{1,3})?(?![\w.])")
QUOTED = re.compile(r"'[^'\n]{0,200}'|\"[^\"\n]{0,200}\"")
CHILD = re.compile(r"\(([^()\s]{1,100})\):\s*(?:(\d{1,6}) x )?")
RANGE = re.compile(r"(\d{1,6})-(\d{1,6})")
SPACE = re.compile(r"\s*")
LITERALS = {"True": True, "False": False, "None": None}
STEPS = re.compile(r"\w+\[|[|\]]|F\.\w+|\*?\w+\??")


@dataclass(frozen=True)
class Argument:
    """One argument as printed; without a name it is told by its place."""

    name: str
    value: Any
    at: int


@dataclass(frozen=True)
class Module:
    """One printed module: its class, arguments and children (None where None is printed)."""

    cls: str
    arguments: tuple[Argument, ...]
    children: tuple[tuple[str, Module | None], ...]
    at: int


def read_printed(text: str) -> Net:
    """The network that PyTorch's printed module shows; raises BadInput with a caret.

    The channels of the input are those that the first layer states. Its sides are the
    class's usual ones (224 for ResNet); else letters; else, where a linear layer fixes
    them, those of the smallest square that fits it.
    """
    if len(text) > LONGEST:
        raise BadInput(f"the print has {len(text):,} characters; at most {LONGEST:,}")
    root = Text(text).whole()
    build = Builder(text)
    found = build.layer(root, "")
    ends = [name for name, one in build.leaves.items() if isinstance(one, Recurrent)]
    if ends and ends != list(build.leaves)[-1:]:
        raise BadInput("gives its output and its state: no layer can follow it").at(ends[0])
    if not isinstance(found, (Sequential, Branches)):
        found = Sequential(((root.cls, found),))
    shape = stated(list(build.leaves.values()), usual(root))
    size = fitted(found, build.leaves, shape)
    source = "printed by PyTorch"
    if size != shape:
        side = size[-1]
        source += f"; the smallest input that its linear layers fit has sides of {side}"
    return Net(root.cls, found, size, source)


class Text:
    """A reader of one print, by hand: nothing of it is ever evaluated."""

    def __init__(self, text: str):
        self.text, self.i, self.made = text, 0, 0

    def error(self, message: str, at: int | None = None) -> BadInput:
        return BadInput(message, text=self.text, offset=self.i if at is None else at)

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What stands here, taken; spaces and line ends before it mean nothing."""
        self.i = SPACE.match(self.text, self.i).end()  # type: ignore[union-attr]
        found = pattern.match(self.text, self.i)
        self.i = found.end() if found else self.i
        return found

    def take(self, token: str) -> bool:
        return self.match(re.compile(re.escape(token))) is not None

    def whole(self) -> Module:
        """The one module that the text prints."""
        found = self.module(0)
        self.match(SPACE)
        if self.i < len(self.text):
            raise self.error(f"{found.cls} ends before this: expected nothing more")
        return found

    def module(self, depth: int) -> Module:
        """Conv2d(3, 6, …), its children in lines of their own."""
        if depth > DEEPEST:
            raise self.error(f"modules are nested deeper than {DEEPEST}")
        name = self.match(NAME)
        if not name:
            raise self.error("expected a printed module such as ReLU() or Conv2d(3, 6, …)")
        opened = self.i
        if not self.take("("):
            raise self.error(f"expected '(' after {name[0]}")
        arguments: list[Argument] = []
        children: dict[str, Module | None] = {}
        while not self.take(")"):
            if self.i >= len(self.text):
                raise self.error(f"{name[0]}( is never closed by ')'", opened)
            child = self.match(CHILD)
            if child:
                self.child(child, children, depth)
            elif children:
                raise self.error(f"expected the next child of {name[0]}, or ')'")
            else:
                arguments.append(self.argument(depth))
                if not self.take(","):
                    self.separated(name[0])
        return Module(name[0], tuple(arguments), tuple(children.items()), name.start())

    def separated(self, cls: str) -> None:
        """After an argument without a comma, the brackets close or the children begin."""
        self.match(SPACE)
        if self.i < len(self.text) and self.text[self.i] not in "()":
            raise self.error(f"expected ',' or ')' in {cls}(…)")

    def child(
        self, head: re.Match[str], children: dict[str, Module | None], depth: int
    ) -> None:
        """(conv1): Conv2d(…), (downsample): None, or (0-2): 3 x Block(…), which is three."""
        key, times = head[1], head[2]
        start = self.i
        found = None if self.take("None") else self.module(depth + 1)
        span = RANGE.fullmatch(key) if times else None
        if times and not span:
            raise self.error(f"expected numbers such as (0-2) before {times} x", head.start())
        if span and int(span[2]) - int(span[1]) + 1 != int(times):
            raise self.error(f"({key}) is not {times} modules", head.start())
        names = range(int(span[1]), int(span[2]) + 1) if span else [key]
        self.made += len(names)
        if self.made > MOST:
            raise self.error(f"more than {MOST:,} modules", start)
        for name in map(str, names):
            if name in children:
                raise self.error(f"({name}) stands here twice", head.start())
            children[name] = found

    def argument(self, depth: int) -> Argument:
        """kernel_size=(3, 3), or a bare value."""
        self.match(SPACE)
        at = self.i
        name = self.match(re.compile(r"([A-Za-z_]\w{0,99})\s*=(?!=)"))
        return Argument(name[1] if name else "", self.value(depth), at)

    def value(self, depth: int) -> Any:
        """A number, True, None, a word, a text in quotes, or several in brackets."""
        if depth > DEEPEST:
            raise self.error(f"brackets are nested deeper than {DEEPEST}")
        if number := self.match(NUMBER):
            whole = re.fullmatch(r"[+-]?\d+", number[0])
            return int(number[0]) if whole else float(number[0])
        if quoted := self.match(QUOTED):
            return quoted[0][1:-1]
        if self.take("torch.Size("):
            size = self.value(depth + 1)
            if not self.take(")"):
                raise self.error("expected ')' after the size")
            return size
        if word := self.match(WORD):
            return LITERALS.get(word[0], word[0])
        opened = self.i
        close = ")" if self.take("(") else "]" if self.take("[") else ""
        if not close:
            raise self.error("expected a value such as 3, (3, 3), True or None")
        values = []
        while not self.take(close):
            if self.i >= len(self.text):
                raise self.error(f"this bracket is never closed by {close!r}", opened)
            values.append(self.value(depth + 1))
            if not self.take(",") and self.text[self.i : self.i + 1] not in (close, ""):
                raise self.error(f"expected ',' or {close!r}")
        return tuple(values)


class Builder:
    """Printed modules as layers; `leaves` holds each leaf by its name, in order of flow."""

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
            return self.attention(node, path)
        if node.arguments or node.cls not in SEQUENCES and node.cls not in FLOWS:
            raise self.refused(node, path)
        return self.sequence(node, path) if node.cls in SEQUENCES else self.flow(node, path)

    def child(self, node: Module, path: str, name: str, only: str = "") -> Named:
        """One child by name; `only` is the class that it must have."""
        one = dict(node.children)[name]
        here = join(path, name)
        if one is None or only and one.cls != only:
            shown = "None" if one is None else one.cls
            wanted = only or "a module"
            raise self.error(f"{node.cls} needs {wanted} here, not {shown}", here, node.at)
        return name, self.layer(one, here)

    def sequence(self, node: Module, path: str) -> Sequential:
        """Children one after the other."""
        for name, one in node.children:
            if one and one.cls == "MultiheadAttention":
                why = f"reads query, key and value, but {node.cls} passes one input on"
                raise self.error(f"{one.cls} {why}", join(path, name), one.at)
        only = SEQUENCES.get(node.cls, "")
        return Sequential(
            tuple(self.child(node, path, name, only) for name, _ in node.children)
        )

    def leaf(self, node: Module, path: str) -> Layer:
        """A layer of torch.nn from its arguments."""
        kind, fixed, signature = LAYERS[node.cls]
        words = [re.split(r"[*=]", word) + [""] for word in signature.split()]
        names = [word[0] for word in words]
        marks = dict(zip(names, signature.split()))
        params = {p.name: p for p in fields_of(layer[kind])}
        given, seen = dict(fixed), set()
        for place, one in enumerate(node.arguments):
            name = one.name or (names[place] if place < len(names) else "")
            if not name:
                most = f"takes {len(names)} arguments at most"
                raise self.error(f"{node.cls} {most}", path, one.at)
            if name not in names:
                wrong = unknown(f"argument of {node.cls}", name, names)
                raise self.error(wrong.message, path, one.at)
            if name in seen:
                raise self.error(f"{name} is given twice", path, one.at)
            seen.add(name)
