"""The short notation: `3x32x32: conv 6 k5, relu, maxpool 2, flatten, linear 10`.

Layers are separated by commas. `[a | b]` runs paths side by side and concatenates them,
`add[a | b]` adds them (an empty path is the input itself), `aside[a]` is counted but goes
nowhere, `(a, b)*3` repeats, `name=` names a layer. Layers without a name are called after
their kind and numbered: conv1, relu1, pool1, conv2. Errors carry a caret.
"""

from __future__ import annotations

import re
from dataclasses import replace

from solver.aliases import ALIASES
from solver.core import BadInput
from solver.given import Param, fields_of, read, shape
from solver.networks.combine import (
    Aside,
    Branches,
    Named,
    Sequential,
    branches,
    residual,
)
from solver.networks.layers import AXES, Layer, layer
from solver.networks.net import Net, network
from solver.networks.pointwise import ACTIVATIONS
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST, MOST, DEEPEST = 400_000, 5_000, 30

# word -> (layer, the field that a bare value fills, values it fixes, the name it numbers)
WORDS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "conv": ("conv", "out_channels", {}, "conv"),
    "deconv": ("conv-transpose", "out_channels", {}, "deconv"),
    "pool": ("pool", "kernel", {"mode": "max"}, "pool"),
    "maxpool": ("pool", "kernel", {"mode": "max"}, "pool"),
    "avgpool": ("pool", "kernel", {"mode": "avg"}, "pool"),
    "lppool": ("pool", "kernel", {"mode": "lp"}, "pool"),
    "gap": ("adaptive-pool", "output", {"mode": "avg"}, "gap"),
    "adaptiveavgpool": ("adaptive-pool", "output", {"mode": "avg"}, "pool"),
    "adaptivemaxpool": ("adaptive-pool", "output", {"mode": "max"}, "pool"),
    "linear": ("linear", "out_features", {}, "fc"),
    "embedding": ("embedding", "num_embeddings", {}, "embedding"),
    "bn": ("batch-norm", "features", {}, "bn"),
    "ln": ("layer-norm", "shape", {}, "ln"),
    "rmsnorm": ("rms-norm", "shape", {}, "norm"),
    "gn": ("group-norm", "groups", {}, "gn"),
    "instancenorm": ("instance-norm", "features", {}, "norm"),
    "lrn": ("local-response-norm", "size", {}, "lrn"),
    "dropout": ("dropout", "p", {}, "dropout"),
    "identity": ("identity", "", {}, "identity"),
    "flatten": ("flatten", "start_dim", {}, "flatten"),
    "pad": ("pad", "padding", {}, "pad"),
    "unfold": ("unfold", "kernel", {}, "unfold"),
    "pixelshuffle": ("pixel-shuffle", "factor", {}, "shuffle"),
    "pixelunshuffle": ("pixel-unshuffle", "factor", {}, "unshuffle"),
    "upsample": ("interpolate", "scale", {}, "upsample"),
    "attention": ("attention", "heads", {}, "attention"),
    "tokens": ("tokens", "", {}, "tokens"),
    "classtoken": ("class-token", "", {}, "classtoken"),
    "positions": ("positions", "", {}, "positions"),
    "select": ("select", "index", {}, "select"),
    "custom": ("custom", "name", {}, "custom"),
    "subsample": ("subsample", "kernel", {}, "subsample"),
    "rbf": ("rbf", "classes", {}, "rbf"),
}
OTHER = {
    "convolution": "conv",
    "convtranspose": "deconv",
    "fc": "linear",
    "dense": "linear",
    "batchnorm": "bn",
    "layernorm": "ln",
    "groupnorm": "gn",
    "averagepool": "avgpool",
    "meanpool": "avgpool",
    "max": "maxpool",
    "avg": "avgpool",
    "globalavgpool": "gap",
    "upsampling": "upsample",
}
FLAGS: dict[str, tuple[str, Any]] = {
    "same": ("padding", "same"),
    "valid": ("padding", "valid"),
    "ceil": ("ceil_mode", True),
    "nobias": ("bias", False),
    "noaffine": ("affine", False),
}
TOKEN = re.compile(r"[\[\]|(),*]|=|[^\s\[\]|(),*=]+")


def read_net(raw: Any) -> Net:
    """A network from its name, the short notation, or PyTorch's printed module.

    `vgg16`, `vgg16(classes=10)`, `vgg16 @ 3x32x32`, `3x32x32: conv 6 k5, relu`,
    `Sequential(…)` as printed. Raises BadInput.
    """
    if isinstance(raw, Net):
        return raw
    if not isinstance(raw, str):
        raise BadInput(f"expected a network's name or notation, not {raw!r:.60}")
    text = raw.strip()
    if len(text) > LONGEST:
        raise BadInput(f"the network has {len(text):,} characters; at most {LONGEST:,}")
    named = re.fullmatch(r"([\w.+-]+)(?:\s*\(([^()\n]*)\))?(?:\s*@([^:@]+))?", text)
    if named and known(named[1]) in network:
        return bundled(known(named[1]), named[2] or "", named[3] or "")
    if re.match(r"[A-Z_]\w*\s*\(", text):
        from solver.networks.printed import read_printed

        return read_printed(text)
    if named and (named[2] is not None or named[3]):
        raise unknown("network", named[1], network.names())
    if named and _word(named[1]) is None:
        raise unknown("network", named[1], network.names())
    return Notation(text).net()


def bundled(name: str, options: str, input: str) -> Net:
    """A bundled network with its options, `vgg16(classes=10) @ 3x32x32`."""
    from solver.given import read_given, signature

    build = network[name]
    given = {}
    for pair in filter(None, (p.strip() for p in options.split(","))):
        key, _, value = pair.partition("=")
        given[key.strip()] = value.strip()
    net: Net = build(**read_given(signature(build), given, name))
    return replace(net, input=shape(input, "input")) if input.strip() else net


def known(name: str) -> str:
    """A network's name as it is registered: torchvision's vgg16_bn is vgg16-bn."""
    plain = name.lower().replace("_", "-")
    return name if name in network or plain not in network else plain


def _word(word: str) -> tuple[str, str, dict[str, Any], str] | None:
    plain = re.sub(r"[-_]", "", word.lower())
    plain = re.sub(r"[123]d$", "", plain)
    plain = OTHER.get(plain, plain)
    if plain in WORDS:
        return WORDS[plain]
    for function in ACTIVATIONS:
        if plain == function.replace("-", ""):
            return ("activation", "", {"function": function}, function)
    return next((by_name(n) for n in layer.names() if plain == n.replace("-", "")), None)


def by_name(name: str) -> tuple[str, str, dict[str, Any], str] | None:
    """A layer without a word of its own, by the name that it is registered under: a bare
    value fills its first field. Those of several inputs are written with branches, and
    those that return a state besides cannot stand in a chain."""
    cls = layer[name]
    first = next((p.name for p in fields_of(cls)), "")
    return (name, first, {}, name) if cls.INPUTS == cls.OUTPUTS == 1 else None


class Notation:
    """A reader of one text in the short notation."""

    def __init__(self, text: str):
        self.text = text
        head, colon, body = text.partition(":")
        self.start = len(head) + 1 if colon else 0
        self.input = shape(head, "input") if colon else ()
        self.dims = len(self.input) - 1 if 2 <= len(self.input) <= 4 else 2
        self.tokens = [
            (m.group(), m.start() + self.start)
            for m in TOKEN.finditer(text[self.start :])
        ]
        self.tokens.append(("", len(text)))
        self.i = self.depth = self.made = self.again = 0
        self.taken: set[str] = set()
        self.numbers: dict[str, int] = {}

    def net(self) -> Net:
        found = self.layers()
        if self.peek():
            raise self.error(f"did not expect {self.peek()!r} here")
        if not found:
            raise self.error("expected a layer such as conv 6 k5")
        input = self.input
        if not input:
            from solver.expressions.nodes import Sym

            input = tuple(Sym(a) for a in "C" + AXES[self.dims])
        return Net(self.text, Sequential(tuple(found)), input)

    def error(self, message: str, at: int | None = None) -> BadInput:
        offset = self.tokens[self.i][1] if at is None else at
        return BadInput(message, text=self.text, offset=offset)

    def peek(self) -> str:
        return self.tokens[self.i][0]

    def take(self, token: str) -> bool:
        if self.peek() == token:
            self.i += 1
            return True
        return False

    def layers(self) -> list[Named]:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"brackets are nested deeper than {DEEPEST}")
        found: list[Named] = []
        while self.peek() not in ("", "]", ")", "|"):
            found += self.item()
            if not self.take(","):
                break
        self.depth -= 1
        return found

    def item(self) -> list[Named]:
        name = ""
        if self.tokens[self.i + 1][0] == "=" and self.tokens[self.i + 2][0] not in (
            "",
            ",",
        ):
            name = self.called(self.peek())
            self.i += 2
        at = self.i
        if self.take("("):
            return self.repeated(at, name)
        word = self.peek().lower()
        if (
            word == "["
            or self.tokens[self.i + 1][0] == "["
            and word
            in (
                "concat",
                "add",
                "residual",
                "aside",
            )
        ):
            if not name and word != "aside":
                name = self.numbered("concat" if word in ("[", "concat") else "add")
            return [(name, self.paths(word))]
        return [self.leaf(name)]

    def repeated(self, at: int, name: str) -> list[Named]:
        """(a, b)*3: the layers again and again, each time under the next numbers."""
        found = self.layers()
        if not self.take(")"):
            raise self.error("'(' is never closed by ')'", self.tokens[at][1])
        if self.take("*"):
            times = self.peek()
            if not times.isdigit() or not 1 <= int(times[:6]) <= 500:
                raise self.error("expected how often, a number from 1 to 500")
            self.i += 1
            end = self.i
            self.again += 1
            for _ in range(int(times) - 1):
                self.i = at + 1
                found += self.layers()
            self.again -= 1
            self.i = end
        return [(name, Sequential(tuple(found)))] if name else found

    def paths(self, word: str) -> Layer:
        """[a | b]: concatenated; add[a | b] and residual[a]: added; aside[a]."""
        if word != "[":
            self.i += 1
        opened = self.tokens[self.i][1]
        self.i += 1
        found: list[Layer] = [Sequential(tuple(self.layers()))]
        while self.take("|"):
            found.append(Sequential(tuple(self.layers())))
        if not self.take("]"):
            raise self.error("'[' is never closed by ']'", opened)
        if word == "aside":
            return Aside(found[0])
        if word == "residual":
            found.append(Sequential(()))
        made = residual(*found) if word in ("add", "residual") else branches(*found)
        return Branches(tuple(("", one) for _, one in made.branches), made.merge)

    def leaf(self, name: str) -> Named:
        word, at = self.tokens[self.i]
        known = _word(word)
        if known is None:
            names = [*WORDS, *OTHER, *ACTIVATIONS]
            names += [n for n in layer.names() if n.replace("-", "") not in names]
            raise self.error(unknown("layer", word, names).message)
        self.i += 1
        self.made += 1
        if self.made > MOST:
            raise self.error(f"more than {MOST} layers")
        kind, first, fixed, stem = known
        given = dict(fixed)
        while self.peek() not in ("", ",", "]", ")", "|"):
            self.argument(kind, first, given)
        cls = layer[kind]
        params = {p.name: p for p in fields_of(cls)}
        if "dims" in params and (said := re.search(r"([123])d$", word.lower())):
            given.setdefault("dims", int(said[1]))
        elif "dims" in params and params["dims"].default == 2:
            given.setdefault("dims", self.dims)
        if given.get("dims", 2) not in (1, 2, 3):
            raise self.error(f"dims is 1, 2 or 3, not {given['dims']}", at)
        missing = [
            p.name for p in params.values() if p.required and p.name not in given
        ]
        if missing:
            raise self.error(f"{word} needs its {' and '.join(missing)}", at)
        name = name or self.numbered(stem)
        try:
            return name, cls(**given)
        except BadInput as e:
            raise self.error(e.message, at) from None

    def numbered(self, stem: str) -> str:
        """The next free name of a kind: conv1, conv2."""
        while True:
            self.numbers[stem] = self.numbers.get(stem, 0) + 1
            name = f"{stem}{self.numbers[stem]}"
            if name not in self.taken:
                self.taken.add(name)
                return name

    def called(self, name: str) -> str:
        """A name that was given, which no other layer may have; numbered when repeated."""
        if name in self.taken and self.again:
            self.numbers.setdefault(name, 1)
            return self.numbered(name)
        if name in self.taken:
            raise self.error(f"two layers are called {name!r:.40}")
        self.taken.add(name)
        return name

    def argument(self, kind: str, first: str, given: dict[str, Any]) -> None:
        """One of: 64, k3, k3x5, same, nobias, groups=4."""
        word, at = self.tokens[self.i]
        params = {p.name: p for p in fields_of(layer[kind])}
        if self.tokens[self.i + 1][0] == "=":
            name, value = (
                word if word in params else ALIASES.get(word, word),
                self.tokens[self.i + 2][0],
            )
            if value in ("(", "["):
                raise self.error(
                    "several sizes are written with x: 5x3", self.tokens[self.i + 2][1]
                )
            if not value:
                raise self.error(f"{word} needs its value: {word}=…", at)
            self.i += 3
        elif word in FLAGS:
            (name, value), self.i = FLAGS[word], self.i + 1
        elif (m := re.fullmatch(r"([kspdgq])(\d+(?:[x×]\d+)*|[a-zA-Z]\w*)", word)) and (
            ALIASES.get(m[1], m[1]) in params
        ):
            name, value, self.i = ALIASES.get(m[1], m[1]), m[2], self.i + 1
        elif (
            re.fullmatch(r"\d+[x×]\d+", word)
            and "kernel" in params
            and "kernel" not in given
        ):
            name, value, self.i = "kernel", word, self.i + 1
        elif kind == "custom" and first in given and "shape" not in given:
            name, value, self.i = "shape", word, self.i + 1
        elif first and first not in given:
            name, value, self.i = first, word, self.i + 1
        else:
            raise self.error(
                f"{word!r} is no option of {kind}: k s p d g, or one of "
                f"{', '.join(params)} with =",
                at,
            )
        if name not in params:
            raise self.error(
                unknown(f"option of {kind}", name, list(params)).message, at
            )
        if name in given and not (kind in ("pool", "adaptive-pool") and name == "mode"):
            raise self.error(f"{name} is given twice", at)
        try:
            given[name] = self.value(params[name], value)
        except BadInput as e:
            raise self.error(e.message, at) from None

    @staticmethod
    def value(param: Param, raw: Any) -> Any:
        return raw if isinstance(raw, bool) else read(param, raw)
