"""ReLU networks on bits as people write them: an expression, lines, or weights.

Any network that meets a truth table is a right answer to it: Realises is that value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice, product

from solver.answers.forms import read_answer, state_key
from solver.core import BadInput
from solver.expressions.nodes import (
    Add,
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Sym,
    evaluate,
    subs,
    walk,
)
from solver.expressions.written import Index, Relation
from solver.kinds.boolean_tables import Bits, Table, Unit, affine, called, letters
from solver.numeric.text import reals
from solver.properties import Property
from solver.values import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST = 2000
LINES, NODES = 20, 1000
# a line's name: h1 = …, f(x) = …; of weights W1 = …, b = …
LINE = re.compile(r"\s*([A-Za-z]\w{0,8})\s*(?:\([^()=]{0,20}\))?\s*(?::=|=|:|←)(?!=)")
WEIGHTS = re.compile(
    r"\s*([WwVvBbCc]_?\{?\d{0,2}\}?(?:\^[T⊤])?)\s*[=:]\s*([-−+\d.,;/\s\[\]()]+)$"
)


@dataclass(frozen=True)
class Network:
    """A network as a tree in x_1, x_2, …; or, where it is none, why."""

    tree: Expr
    inputs: int
    why: str = ""

    def outputs(self) -> tuple[Any, ...]:
        """The output on each input, in counting order."""
        return tuple(evaluate(put(self.tree, bits)) for bits in inputs(self.inputs))

    def shown(self, form: str) -> str:
        return show(self.tree, form)


@dataclass(frozen=True)
class Realises(Property):
    """Any ReLU network that computes a function; `example` is one.

    layers: at most so many, the output's included.
    """

    table: Table
    example: Expr = field(compare=False)
    layers: int | None = field(default=None, compare=False)

    @property
    def outputs(self) -> tuple[Any, ...]:
        """What the example gives, input by input."""
        return Network(self.example, self.table.inputs).outputs()

    def shown(self, form: str) -> str:
        return show(self.example, form)

    def read(self, text: str) -> Network:
        return read_network(text, self.table.inputs)

    def met(self, given: Any) -> tuple[bool | None, str]:
        """Whether a network meets the table; where not, on which inputs."""
        if not isinstance(given, Network) or given.why:
            return False, getattr(given, "why", "")
        deep = depth(given.tree)
        if self.layers is not None and deep > self.layers:
            return False, f"It has {deep} layers; at most {self.layers} are asked for."
        outputs = given.outputs()
        off = [
            f"{called(bits)} = {show(y)}, which should be {'at least 1' if true else '0'}"
            for (bits, true), y in zip(self.table.rows(), outputs)
            if not (y >= 1 if true else y == 0)
        ]
        return not off, "; ".join(off) + "." * bool(off)


def inputs(n: int) -> list[Bits]:
    """All inputs of n bits, in counting order."""
    return list(product((0, 1), repeat=n))


def put(e: Expr, bits: Bits) -> Expr:
    """The tree with numbers for the inputs."""
    return subs(e, {f"x_{i}": bit for i, bit in enumerate(bits, 1)})


# -- reading ------------------------------------------------------------------------------


def read_network(text: str, n: int) -> Network:
    """A network from text: max(0, x1 + x2) − …, lines h1 = …; f = …, or weights W1 = …"""
    if len(text) > LONGEST:
        raise BadInput(f"the network has {len(text):,} characters; at most {LONGEST:,}")
    pieces = split(text)
    if not pieces:
        raise BadInput("there is no network")
    if len(pieces) > LINES:
        raise BadInput(f"a network of more than {LINES} lines is not read")
    if all(WEIGHTS.match(p) for p in pieces):
        return from_weights([weight(p) for p in pieces], n)
    known: dict[str, Expr] = {f"x_{i}": x for i, x in enumerate(letters(n), 1)}
    tree: Expr = Num(0)
    for i, piece in enumerate(pieces):
        name = LINE.match(piece)
        last = i == len(pieces) - 1
        if name is None and not last:
            raise BadInput("each line but the last names its unit: h1 = …; f = …")
        body = piece[name.end() :] if name else piece
        key = state_key("expression", " + ".join(known), {"known": tuple(known)})
        found = read_answer(key, body)
        declared(found.value, known)
        tree, why = settled(found.value, known, n)
        members = [settled(m, known, n)[0] for m in found.chain]
        if not why and any(differ(m, tree, n) for m in members):
            why = f"{' = '.join(map(str, members))} does not hold on all inputs."
        if why:
            return Network(tree, n, why)
        if name:
            known[spelt(name[1])] = tree
    return Network(tree, n)


def differ(a: Expr, b: Expr, n: int) -> bool:
    """Whether two networks differ on an input."""
    return Network(a, n).outputs() != Network(b, n).outputs()


def split(text: str) -> list[str]:
    """The lines of a network: at line ends, semicolons outside brackets, and commas or
    "and" before a name."""
    text = text.replace("$", " ")
    text = re.sub(r"\s*(?:,|\band\b)\s*(?=[A-Za-z]\w{0,3}\s*=(?!=))", "\n", text)
    pieces, deep, piece = list[str](), 0, ""
    for i, c in enumerate(text):
        deep += (c in "([{") - (c in ")]}")
        row = re.search(r"=[-−+\d./,\s]+(;[-−+\d./,\s]+)*$", piece)  # W1 = 1 1; …
        inside = deep > 0 or row and re.match(r"\s*[-−+\d.]", text[i + 1 :])
        if c == "\n" or c == ";" and not inside:
            pieces.append(piece)
            piece, deep = "", 0
        else:
            piece += c
    return [p.strip().strip(",") for p in (*pieces, piece) if p.strip()]


def spelt(name: str) -> str:
    """h1 as the reader spells it: h_1."""
    found = re.fullmatch(r"([A-Za-z]+)_?(\d+)", name)
    return f"{found[1]}_{found[2]}" if found else name


def declared(e: Any, known: Mapping[str, Expr]) -> None:
    """Refuse letters that are no inputs and no earlier lines."""
    for node in walk(e):
        if isinstance(node, (Sym, Index)) and spelt(str(node)) not in known:
            raise BadInput(f"{node} is no input and no earlier line: there are "
                           f"{', '.join(known)}")  # fmt: skip


def settled(e: Any, known: Mapping[str, Expr], n: int) -> tuple[Expr, str]:
    """(the tree in x_1, …, its units as max(0, ·); why it is no ReLU network)."""
    if isinstance(e, Relation):
        e = e.members[-1]
    try:
        found = units(e, known)
        small(found)
        degree(found)
    except BadInput as error:
        return e if isinstance(e, Expr) else Num(0), error.message
    return found, ""


def small(e: Expr) -> None:
    """Refuse a network that has grown too large: lines that double it add up."""
    if sum(1 for _ in islice(walk(e), NODES + 1)) > NODES:
        raise BadInput("this network is too large to be worked on all inputs")


def units(e: Expr, known: Mapping[str, Expr]) -> Expr:
    """The tree with earlier lines put in and ReLU written max(0, ·). Raises BadInput."""
    if isinstance(e, Num):
        return e
    if isinstance(e, (Sym, Index)):
        return known[spelt(str(e))]
    if isinstance(e, Call):
        args = [units(a, known) for a in e.args[1:]]
        if e.name.lower() in ("relu", "max"):
            rest = [a for a in args if a != Num(0)]
            if (
                len(args) - len(rest) + (e.name.lower() == "relu") == 1
                and len(rest) == 1
            ):
                return Call("max", Num(0), rest[0])
            if not rest:
                return Num(0)
        raise BadInput(f"{e} is no ReLU unit: those are max(0, w·x + b)")
    if isinstance(e, (Add, Mul, Neg, Div)):
        return e.with_args(tuple(units(a, known) for a in e.args))
    raise BadInput(f"{e} is no ReLU network: sums, numbers and max(0, ·) make one")


def degree(e: Expr) -> int:
    """0 of a number, 1 of a network. Raises BadInput for products of inputs."""
    if isinstance(e, Num):
        return 0
    if isinstance(e, Sym):
        return 1
    found = [degree(a) for a in e.args if isinstance(a, Expr)]
    whole = sum(found) if isinstance(e, (Mul, Div)) else max(found)
    if whole > 1 or isinstance(e, Div) and found[1]:
        raise BadInput(f"{e} multiplies inputs: a layer only adds them up, weighted")
    if isinstance(e, Div) and evaluate(e.args[1]) == 0:
        raise BadInput(f"{e} divides by 0")
    return whole


def depth(e: Expr) -> int:
    """Layers, an output without ReLU included: of max(0, x1) + 1 two, of max(0, x1) one."""
    return within(e) + (0 if isinstance(e, Call) else 1)


def within(e: Expr) -> int:
    """Units on the longest way from an input to the output."""
    deepest = max((within(a) for a in e.args if isinstance(a, Expr)), default=0)
    return deepest + isinstance(e, Call)


def weight(piece: str) -> tuple[str, Any]:
    """(name, numbers) of W1 = [[1, 1], [1, 1]]."""
    name, text = WEIGHTS.match(piece).groups()  # type: ignore[union-attr]
    text = text.strip().replace("(", "[").replace(")", "]")
    if re.fullmatch(r"\[[^\[\];]+\]", text):
        text = text.strip("[]")
    return name.replace("_", "").strip("{}"), reals(text)


def from_weights(given: list[tuple[str, Any]], n: int) -> Network:
    """The network of weights by name: matrices and rows are layers in order, all but the
    last with ReLU; one layer alone is a ReLU unit."""
    layers: list[tuple[tuple[tuple[Any, ...], ...], Any]]
    numbers = [(k, v) for k, v in given if k[0] in "wvWV"]
    biases = [v for k, v in given if k[0] in "bcBC"]
    if all(not isinstance(v, tuple) for _, v in numbers):  # w1 = 1, w2 = 1, b = 0
        layers = [((tuple(v for _, v in numbers),), biases[0] if biases else 0)]
    else:
        layers = [
            (rows(v), biases[i] if i < len(biases) else 0)
            for i, (_, v) in enumerate(numbers)
        ]
    values = letters(n)
    for i, (matrix, bias) in enumerate(layers):
        if any(len(row) != len(values) for row in matrix):
            raise BadInput(
                f"layer {i + 1} has {len(values)} inputs, so each unit has as many "
                "weights: a row for each unit"
            )
        b = flat(bias) if isinstance(bias, tuple) else (bias,) * len(matrix)
        if len(b) != len(matrix):
            raise BadInput(f"layer {i + 1} has {len(matrix)} units and {len(b)} biases")
        alone = len(layers) == 1
        values = [
            affine(row, values, c) if i == len(layers) - 1 and not alone
            else Call("max", Num(0), affine(row, values, c))
            for row, c in zip(matrix, b)
        ]  # fmt: skip
    if len(values) != 1:
        raise BadInput(f"the last layer has {len(values)} units; the output is one")
    return Network(values[0], n)


def rows(v: Any) -> tuple[tuple[Any, ...], ...]:
    """A matrix as it is; a row or a number as a matrix of one row."""
    if not isinstance(v, tuple):
        return ((v,),)
    if not isinstance(v[0], tuple):
        return (v,)
    return v if len(v) == 1 or len(v[0]) > 1 else (flat(v),)


def flat(v: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(x for row in v for x in (row if isinstance(row, tuple) else (row,)))


def without_relu(network: Network) -> Network:
    """The network with each unit handing on its sum, negative or not."""

    def bare(e: Expr) -> Expr:
        if isinstance(e, Call):
            return bare(e.args[2])
        args = tuple(bare(a) if isinstance(a, Expr) else a for a in e.args)
        return e if args == e.args else e.with_args(args)

    return Network(bare(network.tree), network.inputs)


# -- another way --------------------------------------------------------------------------


def piece(e: Expr, bits: Bits) -> tuple[tuple[Any, ...], Any]:
    """(slopes, constant) of the affine piece that an input lies in: a unit that is not
    active there is 0, one that is hands its sum on."""
    zero = (0,) * len(bits)
    if isinstance(e, Num):
        return zero, e.value
    if isinstance(e, Sym):
        at = int(e.name.partition("_")[2])
        return tuple(int(i == at) for i in range(1, len(bits) + 1)), 0
    if isinstance(e, Call):
        w, b = piece(e.args[2], bits)
        return (w, b) if at_input((w, b), bits) > 0 else (zero, 0)
    parts = [piece(a, bits) for a in e.args]
    if isinstance(e, Neg):
        return scaled(parts[0], -1)
    if isinstance(e, Div):
        return scaled(parts[0], 1 / reals_of(parts[1][1]))
    if isinstance(e, Mul):
        factor, network = 1, (zero, 1)
        for w, b in parts:
            if any(w):
                network = (w, b)
            else:
                factor *= b
        if network == (zero, 1):
            return zero, factor
        return scaled(network, factor)
    return tuple(map(sum, zip(*(w for w, _ in parts)))), sum(b for _, b in parts)


def scaled(one: tuple[tuple[Any, ...], Any], by: Any) -> tuple[tuple[Any, ...], Any]:
    return tuple(w * by for w in one[0]), one[1] * by


def reals_of(x: Any) -> Any:
    from fractions import Fraction

    return Fraction(x)


def at_input(one: tuple[tuple[Any, ...], Any], bits: Bits) -> Any:
    """w·x + b."""
    return sum(w * x for w, x in zip(one[0], bits)) + one[1]


def by_pieces(e: Expr, n: int) -> tuple[Any, ...]:
    """The outputs by the affine pieces."""
    return tuple(at_input(piece(e, bits), bits) for bits in inputs(n))


def unit_of(point: tuple[Any, ...]) -> Unit:
    """The unit with these weights, its bias last."""
    return Unit(point[:-1], point[-1])
