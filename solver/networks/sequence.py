"""Layers over sequences: RNN, LSTM, GRU and multi-head attention, as PyTorch has them.

Sequences are N×T×features with `batch_first`, else T×N×features; T×features without a
batch. An output of several tensors is a nested shape: (output, (h, c)). Multiply-adds
are those of matrix products; gates, softmax and scaling are not among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from solver.core import BadInput
from solver.expressions.formula import settle
from solver.expressions.nodes import Expr, Num, Size, plus, tidy, times, tree
from solver.networks.layers import (
    Layer,
    Shape,
    factors,
    layer,
    positive,
    show_shape,
    total,
)
from solver.networks.needs import Need, divides

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 10_000  # layers whose weights are listed; more would be a slip of the keyboard
LETTERS = {"hidden": "h", "heads": "h", "embed_dim": "E"}


def multiple(k: Size, size: Size) -> Size:
    """k·size, settled; size itself if k is 1."""
    return size if k == 1 else settle(times(k, size))


def placed(batch: Shape, length: Size, features: Size, batch_first: bool) -> Shape:
    """The shape of a sequence: N×T×features, T×N×features, or T×features."""
    return (*batch, length, features) if batch_first else (length, *batch, features)


def parts(input: Shape, batch_first: bool, name: str) -> tuple[Shape, Size, Size]:
    """(batch, length, features) of a sequence, else BadInput."""
    if len(input) not in (2, 3):
        order = "N×T" if batch_first else "T×N"
        raise BadInput(
            f"{name} takes {order}×features, or T×features without a batch, "
            f"not {show_shape(input)}"
        )
    positive("batch and features", *input, least=0)
    at = len(input) - 2 if batch_first else 0
    return input[:at] + input[at + 1 : -1], input[at], input[-1]


@dataclass(frozen=True, eq=False, repr=False)
class Recurrent(Layer):
    """What rnn, lstm and gru share: GATES blocks of weights over input and state."""

    hidden: Size
    layers: Size = 1
    bias: bool = True
    batch_first: bool = False
    bidirectional: bool = False
    proj: Size = 0
    input_size: Size | None = None

    OUTPUTS = 2

    KIND = "product"
    LETTERS = LETTERS
    GATES = 1
    CELL = False  # whether there is a second state, the cell's

    @property
    def directions(self) -> int:
        """One, or two: forward and backward."""
        return 2 if self.bidirectional else 1

    @property
    def width(self) -> Size:
        """The features of the state h: projected, if asked."""
        return self.hidden if self.proj == 0 else self.proj

    def fits(self, input: Shape) -> tuple[Shape, Size, Size]:
        """(batch, steps, features) of an input that PyTorch takes, else BadInput."""
        name = type(self).__name__
        batch, steps, features = parts(input, self.batch_first, name)
        positive("the number of steps", steps)
        positive("layers", self.layers)
        positive("proj", self.proj, least=0)
        if self.proj != 0 and not self.CELL:
            raise BadInput(f"{name} takes no proj {self.proj}: only lstm projects")
        positive("hidden", self.hidden)
        self.admit(input)
        return batch, steps, features

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        if self.proj != 0:
            least = self.proj + 1
            words = "hidden with proj {right} must be {} or more, not {left}"
            yield Need(self.hidden, ">", self.proj, words, least)
        if self.input_size is not None:
            words = "the last axis of {} is {left}, but {} reads {right} features"
            told = inputs[0], type(self).__name__
            yield Need(inputs[0][-1], "=", self.input_size, words, *told)

    def out(self, *inputs: Shape) -> Any:
        batch, steps, _ = self.fits(inputs[0])
        features = multiple(self.directions, self.width)
        output = placed(batch, steps, features, self.batch_first)
        ends = multiple(self.directions, self.layers)
        h, c = (ends, *batch, self.width), (ends, *batch, self.hidden)
        return (output, (h, c)) if self.CELL else (output, h)

    def recount(self, *inputs: Shape) -> Any:
        batch, steps, _ = self.fits(inputs[0])
        loops = [w for name, w in self.weights(*inputs).items() if "weight_hh" in name]
        (rows, width), last = loops[0], loops[-self.directions :]
        joined = sum(columns for _, columns in last)
        output = placed(batch, steps, joined, self.batch_first)
        cells = rows // self.GATES
        h, c = (len(loops), *batch, width), (len(loops), *batch, cells)
        return (output, (h, c)) if self.CELL else (output, h)

    def how(self) -> str:
        return "reading the states off the weight matrices"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        _, _, features = self.fits(inputs[0])
        if not isinstance(self.layers, int) or self.layers > MOST:
            raise BadInput(f"give layers as a number up to {MOST}, not {self.layers}")
        rows = multiple(self.GATES, self.hidden)
        found: dict[str, Shape] = {}
        for i in range(self.layers):
            for end in (f"l{i}", f"l{i}_reverse")[: self.directions]:
                found[f"weight_ih_{end}"] = (rows, features)
                found[f"weight_hh_{end}"] = (rows, self.width)
                if self.bias:  # two, as cuDNN has it, though their sum would do
                    found[f"bias_ih_{end}"] = found[f"bias_hh_{end}"] = (rows,)
                if self.proj != 0:
                    found[f"weight_hr_{end}"] = (self.proj, self.hidden)
            features = multiple(self.directions, self.width)
        return found

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        """D·N·T·G·H·(features + state) a layer; only the first reads the input's."""
        batch, steps, features = self.fits(inputs[0])
        joined = multiple(self.directions, self.width)
        terms = [self.step(1, features, *batch, steps)]
        if self.layers != 1:
            terms += [self.step(settle(self.layers - 1), joined, *batch, steps)]
        return plus(*terms)

    def step(self, layers: Size, features: Size, *often: Size) -> Expr:
        """Multiply-adds of so many layers that read these features, so often."""
        gates = [self.GATES, self.hidden, plus(features, self.width)]
        if self.proj != 0:
            gates = [plus(times(*gates), times(self.proj, self.hidden))]
        kept = [f for f in (layers, self.directions, *often, *gates) if f != 1]
        return times(*kept)

    def tally(self, *inputs: Shape) -> int:
        """Each weight of each matrix is used once a step."""
        batch, steps, _ = self.fits(inputs[0])
        matrices: Any = [s for s in self.weights(*inputs).values() if len(s) == 2]
        return sum(prod((*batch, steps, *s)) for s in matrices)

    def shifts(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        """Each bias is added once a step and sequence."""
        batch, steps, _ = self.fits(inputs[0])
        biases = {k: s for k, s in self.weights(*inputs).items() if "bias" in k}
        return times(*batch, steps, total(biases)) if biases else Num(0)

    def connections(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        """Every weight and bias, once a step and sequence."""
        batch, steps, _ = self.fits(inputs[0])
        return times(*batch, steps, total(self.weights(*inputs)))

    def window(self, *inputs: Shape) -> None:
        return None


@layer("rnn")
class RNN(Recurrent):
    """Elman recurrent network: h = tanh(W x + U h + b) at each step."""


@layer("lstm")
class LSTM(Recurrent):
    """Long short-term memory: four gates, a state h and a cell c."""

    GATES = 4
    CELL = True


@layer("gru")
class GRU(Recurrent):
    """Gated recurrent unit: three gates, one state."""

    GATES = 3


@layer("attention")
@dataclass(frozen=True, eq=False, repr=False)
class Attention(Layer):
    """Multi-head attention: each query mixes the values by how well their keys fit.

    One input is query, key and value (self-attention), else all three are given. The
    weights that it mixes with, N×L×S, are an output as well if `need_weights`.
    """

    heads: Size
    embed_dim: Size | None = None
    kdim: Size | None = None
    vdim: Size | None = None
    bias: bool = True
    batch_first: bool = True
    add_bias_kv: bool = False
    add_zero_attn: bool = False
    need_weights: bool = False

    KIND = "product"
    INPUTS = -1
    LETTERS = LETTERS

    def fits(self, *inputs: Shape) -> tuple[Shape, Size, Size, Shape]:
        """(batch, queries, keys, features of query, key and value), else BadInput."""
        if len(inputs) not in (1, 3):
            raise BadInput(f"give 1 input, or query, key and value, not {len(inputs)}")
        query, key, value = inputs * 3 if len(inputs) == 1 else inputs
        (n, queries, _), (n_k, keys, _), (n_v, _, _) = (
            parts(s, self.batch_first, "attention") for s in (query, key, value)
        )
        if not len(n) == len(n_k) == len(n_v):
            listed = " and ".join(map(show_shape, inputs))
            raise BadInput(f"query, key and value need the same batch: {listed}")
        widths = self.widths(query)
        positive("heads", self.heads)
        positive("embed_dim", widths[0])
        self.admit(*inputs)
        return n, queries, keys, widths

    def widths(self, query: Shape) -> Shape:
        """The features of query, key and value."""
        embed = query[-1] if self.embed_dim is None else self.embed_dim
        return tuple(embed if d is None else d for d in (None, self.kdim, self.vdim))

    def requires(self, *inputs: Shape) -> Iterator[Need]:
        all_three = inputs * 3 if len(inputs) == 1 else inputs
        found = [parts(s, self.batch_first, "attention") for s in all_three]
        listed = ": " + " and ".join("{}" for _ in inputs)
        for batch, _, _ in found[1:]:
            for a, b in zip(found[0][0], batch):
                words = "query, key and value need the same batch" + listed
                yield Need(a, "=", b, words, *inputs)
        words = "there are {left} keys for {right} values" + listed
        yield Need(found[1][1], "=", found[2][1], words, *inputs)
        widths = self.widths(all_three[0])
        yield divides(self.heads, widths[0], "heads", "embed_dim")
        words = "the last axis of {} is {left}, but {} is {right}: make them equal"
        for shape, width, name in zip(all_three, widths, ("embed_dim", "kdim", "vdim")):
            yield Need(shape[-1], "=", width, words, shape, name)

    def attended(self, keys: Size) -> Size:
        """S′: the keys of the input and those that are added to them."""
        added = int(self.add_bias_kv) + int(self.add_zero_attn)
        return settle(tree(keys) + added) if added else keys

    def out(self, *inputs: Shape) -> Any:
        batch, queries, keys, widths = self.fits(*inputs)
        output = placed(batch, queries, widths[0], self.batch_first)
        weights = (*batch, queries, self.attended(keys))
        return (output, weights) if self.need_weights else output

    def recount(self, *inputs: Shape) -> Any:
        batch, queries, keys, _ = self.fits(*inputs)
        rows, _ = self.weights(*inputs)["out_proj.weight"]
        output = placed(batch, queries, rows, self.batch_first)
        first = 0 - self.add_bias_kv - self.add_zero_attn  # the added come before 0
        columns = len(range(first, keys))
        return (output, (*batch, queries, columns)) if self.need_weights else output

    def how(self) -> str:
        return "a row a query, a column a key, a feature a row of the last matrix"

    def weights(self, *inputs: Shape) -> dict[str, Shape]:
        _, _, _, (e, k, v) = self.fits(*inputs)
        if e == k == v:
            found: dict[str, Shape] = {"in_proj_weight": (multiple(3, e), e)}
        else:
            found = {f"{n}_proj_weight": (e, d) for n, d in zip("qkv", (e, k, v))}
        if self.bias:
            found["in_proj_bias"] = (multiple(3, e),)
        if self.add_bias_kv:  # PyTorch's bias_k and bias_v, which bias=False keeps
            found |= {"added_k": (1, 1, e), "added_v": (1, 1, e)}
        found["out_proj.weight"] = (e, e)
        return found | ({"out_proj.bias": (e,)} if self.bias else {})

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        """Four projections, the score of every query and key, and the mixing."""
        n, queries, keys, (e, k, v) = self.fits(*inputs)
        products = [(*n, queries, e, e), (*n, keys, k, e), (*n, keys, v, e)]
        products += [(*n, queries, e, e), *[(*n, queries, self.attended(keys), e)] * 2]
        often = {shape: products.count(shape) for shape in products}
        return plus(*(tidy(times(k, factors(*shape))) for shape, k in often.items()))

    def fan_in(self, *inputs: Shape) -> Size:
        return self.fits(*inputs)[3][0]

    def tally(self, *inputs: Shape) -> int:
        """What meets one feature of one head, times features and heads."""
        sizes: Any = (self.heads, *self.fits(*inputs))
        heads, batch, queries, keys, (e, k, v) = sizes
        seen = queries * (keys + self.add_bias_kv + self.add_zero_attn)
        read = queries * e + keys * k + keys * v + 2 * seen + queries * e
        return int(prod(batch) * heads * (e // heads) * read)

    def shifts(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        """The biases of query, key, value and output: one a row and feature."""
        n, queries, keys, (e, _, _) = self.fits(*inputs)
        rows = [queries, keys, keys, queries]
        return plus(*(times(*n, r, e) for r in rows)) if self.bias else Num(0)

    def connections(self, inputs: tuple[Shape, ...], out: Shape) -> Expr:
        raise BadInput("attention's connections depend on its input: ask for its macs")

    def window(self, *inputs: Shape) -> None:
        return None
