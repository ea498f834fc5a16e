"""Pooling worked backward by hand: where each window's gradient goes.

The winner of a max-pooling window takes its whole gradient; an average gives each entry
of its window the same share. Entries that several windows read add theirs up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import prod

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Call, Expr, Num, plus, times
from solver.kinds import kind
from solver.kinds.backprop_layers import MANY, PRODUCTS
from solver.kinds.backprop_proofs import PROVED
from solver.kinds.entries import (
    UPSTREAM,
    Entries,
    all_alike,
    at,
    derived,
    exact,
    partial,
    seeded,
    total,
    worked,
)
from solver.kinds.entries_given import (
    fits,
    image,
    lists_of,
    naming_of,
    numbers,
    one_axis,
    show,
    whole,
)
from solver.kinds.stepping import shown
from solver.networks.layers import Shape, Sides
from solver.networks.pool import Pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.kinds.entries import Index

    Reals = Any


@dataclass(frozen=True, eq=False, repr=False)
class Pooling:
    """A pooling layer on entries, channels × rows × columns."""

    x: Entries
    g: Entries
    layer: Pool

    @cached_property
    def windows(self) -> dict[Index, tuple[Index, ...]]:
        """The entries of x that each output reads, row by row."""
        begins = self.layer.windows(self.x.shape)
        axes = self.layer.axes()
        found = {}
        for o in self.g:
            taps = [
                [i for i in range(b[n], b[n] + k * d, d) if 0 <= i < size]
                for n, b, (k, _, _, d), size in zip(o[1:], begins, axes, self.x.shape[1:])
            ]
            found[o] = tuple((o[0], *place) for place in product(*taps))
        return found

    def count(self, o: Index) -> int:
        """By how many values the average of a window is divided."""
        if not self.layer.count_include_pad:
            return len(self.windows[o])
        many = 1
        begins = self.layer.windows(self.x.shape)
        for n, b, (k, _, p, _), size in zip(o[1:], begins, self.layer.axes(), self.x.shape[1:]):
            many *= min(b[n] + k, size + p) - b[n]
        return many


def setting(
    mode: str, x: Any, input: Any, gradient: Any, kernel: Any, stride: Any, padding: Any,
    **options: Any,
) -> Pooling:  # fmt: skip
    """What is given as entries that fit each other; letters for what is not given."""
    x_ = image("x", x, input)
    for sizes in (kernel, stride, padding, *options.values()):
        whole(*(sizes if isinstance(sizes, tuple) else (sizes,)))
    row = x_.shape[1] == 1 and (not isinstance(kernel, tuple) or kernel[0] == 1)
    if row:
        stride = stride if stride is None else one_axis(stride, 1)
        kernel, padding = one_axis(kernel, 1), one_axis(padding, 0)
        if "dilation" in options:
            options["dilation"] = one_axis(options["dilation"], 1)
    layer = Pool(kernel, stride, padding, mode=mode, **options)
    out = layer.out(x_.shape)
    many = 1
    for n in (*out, *(k for k, _, _, _ in layer.axes())):
        many *= n
    if many > PRODUCTS:
        raise BadInput(f"the windows read {many:,} values; at most {PRODUCTS:,} are worked")
    if gradient is None and prod(out) > MANY:
        raise BadInput(f"g has {prod(out):,} entries; at most {MANY} letters: give --gradient")
    why = f"the output's shape with kernel {show(kernel)}"
    g_ = (
        Entries("g", out) if gradient is None
        else fits(numbers("g", gradient, 3), out, why)
    )  # fmt: skip
    one = Pooling(replace(x_, row=row), replace(g_, row=row), layer)
    if not all(one.windows.values()):
        raise BadInput("a window lies in the padding only: give less padding")
    return one


@kind("backprop maxpool", "--x '1 3 2; 4 0 1; 2 2 5' --k 2 --s 1 --gradient '1 2; 3 4'")
def maxpool(
    *,
    x: Reals | None = None,
    input: Shape | None = None,
    gradient: Reals | None = None,
    kernel: Sides,
    stride: Sides | None = None,
    padding: Sides = 0,
    dilation: Sides = 1,
    ceil_mode: bool = False,
) -> Answer:
    """Gradient of max pooling: each window's goes whole to the entry that won it."""
    if x is None and input is not None:
        raise BadInput("who wins a window depends on the numbers: give --x '1 3; 2 4'")
    options = {"dilation": dilation, "ceil_mode": ceil_mode}
    one = setting("max", x, input, gradient, kernel, stride, padding, **options)
    y = Entries("y", one.g.shape, row=one.g.row)
    won: dict[Index, list[Index]] = {i: [] for i in one.x}
    lines, ties = [], []
    for o, places in one.windows.items():
        values = [one.x[i] for i in places]
        best = max(values)
        first = places[values.index(best)]
        won[first].append(o)
        equals = [one.x.sym(i) for i in places if one.x[i] == best]
        if len(equals) > 1:
            ties.append(f"{y.sym(o)} ({' = '.join(map(str, equals))})")
        before = Call("max", *map(shown, values)) if len(values) > 1 else None
        lines.append(Step(f"won by {one.x.sym(first)}", before, best, y.sym(o)))
    steps = [worked("forward: the greatest of each window wins it", lines)]
    found, lines = {}, []
    for place, outs in won.items():
        terms = [((one.g, o),) for o in outs]
        found[place], line = total(partial(one.x.sym(place)), terms)
        if outs:
            lines.append(line)
    title = "∂L/∂x: a window's gradient goes whole to its winner"
    if any(len(outs) > 1 for outs in won.values()):
        title += "; who wins several adds them up"
    steps.append(worked(title, lines))
    if not all(won.values()):
        steps.append(Step("every other entry won no window: its gradient is 0"))
    notes = [UPSTREAM, naming_of(one.x)]
    if ties:
        shown_ties = "; ".join(ties[:6]) + ("; …" if len(ties) > 6 else "")
        notes.insert(1, f"there is a tie at {shown_ties}: no derivative exists there, and the "
                        "first entry, row by row, takes the gradient, as in PyTorch")  # fmt: skip
    value = one.x.filled(found)
    return Answer(value.matrices(), tuple(steps), proofs(one, value, bool(ties)), "∂L/∂x",
                  conventions=tuple(notes))  # fmt: skip


@kind("backprop avgpool", "--in 4x4 --k 2 --gradient '1 2; 3 4'")
def avgpool(
    *,
    x: Reals | None = None,
    input: Shape | None = None,
    gradient: Reals | None = None,
    kernel: Sides,
    stride: Sides | None = None,
    padding: Sides = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Answer:
    """Gradient of average pooling: each entry of a window gets 1/k² of its gradient."""
    options = {"ceil_mode": ceil_mode, "count_include_pad": count_include_pad}
    one = setting("avg", x, input, gradient, kernel, stride, padding, **options)
    y = Entries("y", one.g.shape, row=one.g.row)
    readers: dict[Index, list[Index]] = {i: [] for i in one.x}
    lines = []
    for n, (o, places) in enumerate(one.windows.items()):
        for i in places:
            readers[i].append(o)
        terms = [((one.x, i),) for i in places]
        lines.append(total(y.sym(o), terms, spell=n == 0, over=one.count(o))[1])
    steps = [worked("forward: the mean of each window", lines)]
    found, lines = {}, []
    for place, outs in readers.items():
        found[place], line = shares(one, partial(one.x.sym(place)), outs)
        lines.append(line)
    counts = sorted({one.count(o) for o in one.g})
    part = f"1/{counts[0]} of" if len(counts) == 1 else "the same part of"
    title = f"∂L/∂x: each entry of a window gets {part} the window's gradient"
    if any(len(outs) > 1 for outs in readers.values()):
        title += "; windows that overlap add up"
    steps.append(worked(title, lines))
    notes = [UPSTREAM, naming_of(one.x)]
    if any(p for _, _, p, _ in one.layer.axes()):
        notes.insert(1, "zeros of the padding are counted in the mean" if count_include_pad
                     else "zeros of the padding are not counted in the mean")  # fmt: skip
    value = one.x.filled(found)
    return Answer(value.matrices(), tuple(steps), proofs(one, value, False), "∂L/∂x",
                  conventions=tuple(notes))  # fmt: skip


def shares(one: Pooling, of: Any, outs: Sequence[Index]) -> tuple[Any, Step]:
    """Σ g/count over the windows that read an entry, those of one count together."""
    counts = {one.count(o) for o in outs}
    if len(counts) <= 1:
        terms = [((one.g, o),) for o in outs]
        rule = "" if outs else "no window reads it"
        return total(of, terms, rule, over=counts.pop() if counts else 1)
    parts = {n: [o for o in outs if one.count(o) == n] for n in sorted(counts)}
    formula = plus(*(plus(*map(one.g.sym, part)) / n for n, part in parts.items()))
    if one.g.values is None:
        return formula, Step("", None, formula, of)
    before = plus(*(plus(*(shown(one.g[o]) for o in part)) / n for n, part in parts.items()))
    value = exact(sum(Fraction(one.g[o]) / one.count(o) for o in outs))
    return value, Step("", before, value, of, formula)


# -- proof -----------------------------------------------------------------------------


def proofs(one: Pooling, value: Entries, tied: bool) -> tuple[Check, ...]:
    """SymPy's derivatives of Σ g·y in letters, and exact differences of NumPy's y."""
    (point,) = seeded(one.x, one.g, count=1)
    broken, apart = untied(one.x, point)
    point = {**point, **broken}
    checks = []
    at_ = ", at seeded numbers" if None in (one.x.values, one.g.values) else ""
    tie = " with the ties broken in favour of the first" if tied else ""
    if sum(map(len, one.windows.values())) <= PROVED:
        loss = [times(one.g.sym(o), mean_or_max(one, o)) for o in one.g]
        slopes = {one.x.sym(i): value[i] for i in value}
        checks = [
            Check(f"SymPy's derivatives of Σ g·y by each entry{tie}",
                  derived(loss, slopes, [point])),
            Check(f"exact differences of NumPy's pooling{at_}",
                  by_differences(one, value, point, apart)),
        ]  # fmt: skip
    (given,) = seeded(one.x, one.g, count=1)
    how = f"NumPy's backward pass of the layer{at_}"
    return (*checks, Check(how, by_backward(one, value, given)))


def untied(x: Entries, point: Any) -> tuple[dict[str, Any], Any]:
    """x a little changed so that of equal entries the first is greatest, and by how much
    any two entries differ at least."""
    values = [Fraction(point[x.sym(i).name]) for i in x]
    distinct = sorted(set(values))
    gap = min((b - a for a, b in zip(distinct, distinct[1:])), default=Fraction(1))
    step = gap / (2 * len(values))
    changed = {
        x.sym(i).name: v + step * (len(values) - n)
        for n, (i, v) in enumerate(zip(x, values))
    }
    return changed, step / 2


def mean_or_max(one: Pooling, o: Index) -> Expr:
    """One output in letters."""
    places = list(map(one.x.sym, one.windows[o]))
    if one.layer.mode == "max":
        return Call("max", *places) if len(places) > 1 else places[0]
    return plus(*places) / Num(one.count(o))


def by_backward(one: Pooling, value: Entries, point: Any) -> bool:
    """NumPy's backward pass of the layer, on exact numbers."""
    from solver.numeric.slopes import backs

    x, g = (at(lists_of(e), point) for e in (one.x, one.g))
    return all_alike(at(value.tuples(), point), backs(one.layer, {"x": [x]}, [g])["x"][0], 1e-10)


def by_differences(one: Pooling, value: Entries, point: Any, apart: Any) -> bool:
    """Differences of Σ g·y, y by NumPy's plain definition on exact numbers."""
    from solver.numeric.slopes import layer, slopes

    x, g = (at(lists_of(e), point) for e in (one.x, one.g))
    got = slopes(layer(one.layer), {"x": [x]}, [g], step=apart / 2)["x"][0]
    return all_alike(at(value.tuples(), point), got, 1e-10)
