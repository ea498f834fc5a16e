"""Gradient checks of networks: backpropagation beside central differences, by tensor.

The comparison itself is in solver/numeric/differences.py; it is run a second time on a
gradient that is wrong by 0.1 %, which it must find.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import evaluate
from solver.kinds import kind
from solver.kinds.nets import run as rows_of
from solver.kinds.nets import short
from solver.kinds.sampling import letters_of
from solver.networks.layers import Row, show_shape
from solver.values import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.networks.net import Net
    from solver.numeric.differences import Compared, Entry, Tensor

COLUMNS = ("tensor", "entry", "shape", "backprop", "difference", "relative", "verdict")
ENTRIES, LEAST = 20, 2  # compared of each tensor: as many as time allows
LIMIT = 5e7  # units of work, see `work`: 3 to 10 seconds
ALONG = 40  # forward passes besides those of the entries
LARGEST = 2 * 10**7  # parameters
NAMED = 5  # entries named in a line
KINK = "a kink (relu, max pooling) lies between x − h and x + h, passed over"
ZERO = "0 beside 0, passed over: a gradient that is missing would look the same"
SMALL = "too small beside the rounding to be judged, passed over"


@kind("gradcheck net", '"1x8x8: conv 4 k3, relu, maxpool 2, flatten, linear 5"')
def net(
    net: Net,
    *,
    loss: str = "cross-entropy",
    batch: int = 2,
    seed: int = 1,
    h: float = 1e-5,
    training: bool = False,
) -> Answer:
    """Backpropagation held against central differences, tensor by tensor."""
    from solver.numeric.differences import CLOSE, check

    if not 1e-8 <= h <= 1e-3:
        raise BadInput(f"h is between 1e-8 and 1e-3, not {h:g}: a larger step bends, a smaller "
                       "one drowns in rounding")  # fmt: skip
    if not 1 <= batch <= 64 or not 0 <= seed < 2**32:
        raise BadInput("the batch is 1 to 64 and the seed 0 to 4294967295")
    if letters_of(net.input) or letters_of(net.layer):
        raise BadInput(f"a gradient check needs numbers, not {show_shape(net.input)}: "
                       "give all sizes")  # fmt: skip
    rows = rows_of(net, None, batch)
    many = affordable(net, rows, batch)
    classes, avoid = vocabulary(rows)
    found = check(net.layer, (batch, *net.input), loss=loss, entries=many, h=h, seed=seed,
                  training=training, classes=classes, avoid=avoid)  # fmt: skip
    tensors = in_order(found.tensors, rows)
    value = Table((row(t) for t in tensors), COLUMNS)
    steps = (
        Step(f"{loss} on an output of {show_shape(found.output)}", None, found.loss),
        Step(f"difference: (L(x + h) − L(x − h))/2h for each entry x, h = {h:g}"),
        Step(counted(tensors)),
        *(Step(line) for line in passed_over(tensors)),
        *(Step(f"{t.name} differs{apart(t)}") for t in tensors if t.verdict == "differs"),
    )  # fmt: skip
    notes = (
        f"relative is |a − b|/max(|a|, |b|), where it is largest; up to {CLOSE:g} agrees",
        f"weights, input and target are random, seed {seed}, in double precision",
        *mode(rows, training),
        *(() if not classes else ("the input is indices, which have no gradient",)),
        *(() if len(tensors) == len(set(names(rows))) + (not classes)
          else ("side paths have a loss of their own, and no gradient here",)),
        rounding(found, h),
    )  # fmt: skip
    return Answer(value, steps, checks(found), "gradients", conventions=notes)


def mode(rows: Sequence[Row], training: bool) -> tuple[str, ...]:
    """What training changes, for networks in which it does."""
    met = {type(r.layer).__name__ for r in rows}
    if not met & {"BatchNorm", "Dropout"}:
        return ()
    if training:
        return ("in training: batch norm takes the batch's statistics, dropout drops by the seed",)
    return ("as at inference: batch norm takes the stored statistics, nothing is dropped",)


def affordable(net: Net, rows: Sequence[Row], batch: int) -> int:
    """How many entries of each tensor can be compared, four forward passes each."""
    parameters = sum(prod(s) for r in rows for s in r.layer.weights(*r.inputs).values())
    each = work(rows)
    count = len(set(names(rows))) + 1
    for many in range(ENTRIES, LEAST - 1, -1):
        if (4 * many * count + ALONG) * each <= LIMIT and parameters <= LARGEST:
            return many
    of_batch = ", or --batch 1" if batch > 1 else ""
    raise BadInput(
        f"{short(net)} is too large for a gradient check: {count - 1} tensors of "
        f"{parameters:,} parameters, and {4 * LEAST * count + ALONG} forward passes or "
        f"more; take fewer layers or a smaller input (… @ 3x8x8){of_batch}"
    )


def work(rows: Sequence[Row]) -> float:
    """A forward pass of the plain definitions, in units of a value passed on (measured)."""
    total = 0.0
    for r in rows:
        macs = r.layer.macs(r.inputs, r.out)
        products = 0 if macs is None else int(evaluate(macs))
        reused = r.layer.window(*r.inputs) is not None  # weights read once take longer
        total += values(r.out) + products / (150 if reused else 10) + 300
    return total


def values(shape: Any) -> int:
    """How many values a shape holds, of several outputs together."""
    if any(isinstance(n, tuple) for n in shape):
        return sum(map(values, shape))
    return int(prod(shape))


def names(rows: Sequence[Row]) -> list[str]:
    """The learned tensors, in the network's order."""
    return [f"{r.name}.{n}" if r.name else n for r in rows for n in r.layer.weights(*r.inputs)]


def in_order(tensors: Sequence[Tensor], rows: Sequence[Row]) -> list[Tensor]:
    """The tensors as the network states them, the input last."""
    order = {name: i for i, name in enumerate([*dict.fromkeys(names(rows)), "input"])}
    return sorted(tensors, key=lambda t: order[t.name])


def vocabulary(rows: Sequence[Row]) -> tuple[int, int | None]:
    """Of a network that begins with an embedding: how many indices, and the padding's."""
    first: Any = rows[0].layer if rows else None
    if type(first).__name__ != "Embedding":
        return 0, None
    padding = first.padding_idx
    return first.num_embeddings, None if padding is None else padding % first.num_embeddings


def row(t: Tensor) -> tuple[Any, ...]:
    """The tensor's worst entry; of one that says nothing, its first."""
    shown = t.worst or (t.entries[0] if t.entries else None)
    shape = show_shape(t.shape)
    if shown is None:
        return t.name, "", shape, "", "", "", t.verdict
    if t.worst:
        relative: Any = float(f"{shown.error:.2g}")
    else:
        relative = {"zero": "0/0", "kink": "kink", "small": "small"}[shown.verdict]
    return (t.name, place(shown), shape, shown.backprop or 0, shown.numeric or 0, relative,
            t.verdict)  # fmt: skip


def place(e: Entry) -> str:
    """The entry's index, counted from 0."""
    return ",".join(map(str, e.at))


def counted(tensors: Sequence[Tensor]) -> str:
    """How many entries were compared, and how many of them say something."""
    total = sum(prod(t.shape) for t in tensors)
    drawn = sum(len(t.entries) for t in tensors)
    said = sum(len(t.of("agrees", "differs")) for t in tensors)
    most = max((len(t.entries) for t in tensors), default=0)
    which = "all" if drawn == total else f"{drawn:,} (at most {most} a tensor, by the seed)"
    return f"entries compared: {which} of {total:,}; {said:,} of them say something"


def passed_over(tensors: Sequence[Tensor]) -> list[str]:
    """What was passed over, and why: kinks by entry, the others by tensor."""
    kinks = [f"{t.name}[{place(e)}]" for t in tensors for e in t.of("kink")]
    if len(kinks) > NAMED:
        kinks[NAMED:] = [f"and {len(kinks) - NAMED:,} more"]
    found = [f"{KINK}: {', '.join(kinks)}"] if kinks else []
    for why, said in (("zero", ZERO), ("small", SMALL)):
        parts = [f"{len(t.of(why))} of {len(t.entries)} of {t.name}"
                 for t in tensors if t.of(why)]  # fmt: skip
        if parts:
            found.append(f"{said}: {', '.join(parts)}")
    return found


def apart(t: Tensor) -> str:
    """Whether the step or the gradient is at fault."""
    if all(e.bent for e in t.of("differs")):
        return " because h is too large: extrapolated to h → 0, the differences agree"
    return ", and extrapolated to h → 0 as well"


def rounding(found: Compared, h: float) -> str:
    """How exact a difference is."""
    from solver.numeric.differences import SIGMAS

    noise = SIGMAS * found.noise / h
    return f"rounding, measured, moves a difference by up to {noise:.1g}; below it counts as 0"


def checks(found: Compared) -> tuple[Check, ...]:
    """The gradients along directions, and the comparison fed a wrong gradient."""
    agreeing = [t for t in found.tensors if t.verdict == "agrees"]
    along = Check("differences along the gradient and a random direction, all entries at once",
                  found.along)  # fmt: skip
    if not agreeing:
        return (along,)
    noticed = all(t.spoilt().verdict == "differs" for t in agreeing)
    return along, Check("the same comparison finds each gradient made wrong by 0.1 %", noticed)
