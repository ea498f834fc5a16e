"""Convolution worked backward by hand: ∂L/∂w, ∂L/∂x and ∂L/∂b, entry by entry.

The gradients are the textbook's: ∂L/∂w correlates x with g, ∂L/∂x correlates g, spread by
the stride and padded, with the kernel turned by 180°. SymPy derives the same from the
forward pass in letters, and NumPy's forward pass gives it by exact differences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

from solver.core import Answer, BadInput, Step
from solver.expressions.nodes import Sym
from solver.kinds import kind
from solver.kinds.backprop_proofs import PROVED, proofs
from solver.kinds.entries import (
    TERMS,
    UPSTREAM,
    WRITTEN,
    Entries,
    partial,
    total,
    worked,
)
from solver.kinds.entries_given import (
    fits,
    image,
    naming_of,
    numbers,
    one_axis,
    show,
    whole,
)
from solver.kinds.run import stack_of
from solver.networks.conv import Conv
from solver.networks.layers import Shape, Sides, show_shape
from solver.registry import unknown
from solver.values import Gradients, Listing, Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.kinds.entries import Index

    Reals = Any
    Names = tuple[str, ...]

PRODUCTS, MANY = 20_000, 100  # of the forward pass; letters of g
NOTES = (
    UPSTREAM,
    "cross-correlation, as deep learning's convolution: the forward kernel is not flipped",
)


@dataclass(frozen=True, eq=False, repr=False)
class Worked:
    """A convolution on entries: channels × rows × columns, filters in front of those."""

    x: Entries
    w: Entries
    b: Entries
    g: Entries
    layer: Conv

    @cached_property
    def begins(self) -> list[range]:
        return self.layer.windows(self.x.shape)

    @cached_property
    def axes(self) -> list[Any]:
        """(kernel, stride, zeros before, dilation) of each axis."""
        return [
            (k, s, -b[0], d)
            for (k, s, _, d), b in zip(self.layer.axes(), self.begins)
        ]

    def read(self, out: Index, tap: Index) -> Index | None:
        """Which entry of x a weight meets at an output; None for a zero of the padding."""
        (_, i, j), (_, c, a, b) = out, tap
        row = self.begins[0][i] + a * self.axes[0][3]
        column = self.begins[1][j] + b * self.axes[1][3]
        _, height, width = self.x.shape
        inside = 0 <= row < height and 0 <= column < width
        return (c, row, column) if inside else None

    def products(self, out: Index) -> list[Any]:
        """The products x·w of one output."""
        taps = [t for t in self.w if t[0] == out[0]]
        met = [(self.read(out, t), t) for t in taps]
        return [((self.x, i), (self.w, t)) for i, t in met if i is not None]


@kind("backprop conv", "--x '1 2 3; 4 5 6; 7 8 9' --w '1 0; 0 -1' --gradient '1 2; 3 4'")
def conv(
    *,
    x: Reals | None = None,
    input: Shape | None = None,
    w: Reals | None = None,
    kernel: Any = None,
    bias: Reals | None = None,
    gradient: Reals | None = None,
    stride: Sides = 1,
    padding: Sides | str = 0,
    dilation: Sides = 1,
    out_channels: int = 1,
    wrt: Names = (),
) -> Answer:
    """Gradients of a convolution by its input, kernel and bias, entry by entry."""
    if w is None and kernel is not None:
        w, kernel = kernel_of(kernel)
    one = setting(
        x, input, w, kernel, bias, gradient, stride, padding, dilation, out_channels
    )
    asked = wanted(wrt, ("x", "w", "b"))
    steps = forward(one)
    found: dict[str, Any] = {}
    for name, work in (("w", by_kernel), ("x", by_input), ("b", by_bias)):
        if name in asked:
            found[name], more = work(one)
            steps += more
    value = Gradients({name: found[name].matrices() for name in asked})
    if "b" in found:
        each = [found["b"][place] for place in found["b"]]
        value["b"] = each[0] if len(each) == 1 else Listing(each)
    checks = proofs(one, found)
    notes = [*NOTES, naming_of(one.x, *(["filter"] if one.w.shape[0] > 1 else []))]
    result: Any = value[asked[0]] if len(asked) == 1 else value
    name = f"∂L/∂{asked[0]}" if len(asked) == 1 else "gradients"
    return Answer(result, tuple(steps), checks, name, conventions=tuple(notes))


def kernel_of(raw: Any) -> tuple[Any, Any]:
    """(its numbers, its size), one of them None: --kernel '1 0; 0 1', or --kernel 2."""
    from solver.given import read_number, sides

    rows = isinstance(raw, str) and re.search(r"[;|\n]|\[\s*\[", raw)
    if rows or isinstance(raw, (list, tuple)) and isinstance(raw[0], (list, tuple)):
        return read_number("reals", raw), None
    return None, sides(raw, "kernel")


def wanted(asked: Names, known: Names) -> Names:
    """The gradients asked for, in the usual order; all of them if none is named."""
    for name in asked:
        if name not in known:
            raise unknown("gradient", name, list(known))
    return tuple(n for n in known if n in asked or not asked)


def setting(
    x: Any, input: Any, w: Any, kernel: Any, bias: Any, gradient: Any, stride: Any,
    padding: Any, dilation: Any, out_channels: int,
) -> Worked:  # fmt: skip
    """What is given as entries that fit each other; letters for what is not given."""
    x_ = image("x", x, input)
    depth = x_.shape[0]
    if (w is None) == (kernel is None):
        raise BadInput("give the kernel's numbers (--w '1 0; 0 -1') or its size (--k 2)")
    if w is not None:
        stack = w if isinstance(w, tuple) else ((w,),)
        stack = stack if isinstance(stack[0], tuple) else (stack,)
        w_ = numbers("w", stack_of(stack, depth), 4)
    else:
        flat = x_.shape[1] == 1 and isinstance(kernel, int)
        sides = (1, kernel) if flat else kernel if isinstance(kernel, tuple) else (kernel,) * 2
        sides = (1, *sides) if len(sides) == 1 else sides
        whole(*sides)
        if not 1 <= out_channels <= 9:
            raise BadInput(f"1 to 9 filters are worked, not {out_channels}")
        w_ = Entries("w", (out_channels, depth, *sides))
    row = x_.shape[1] == 1 and w_.shape[2] == 1
    if row:
        stride, dilation = (one_axis(v, 1) for v in (stride, dilation))
        padding = padding if isinstance(padding, str) else one_axis(padding, 0)
    layer = Conv(w_.shape[0], w_.shape[2:], stride, padding, dilation)
    for sizes in (stride, dilation, padding):
        whole(*(sizes if isinstance(sizes, tuple) else (sizes,)))
    out = layer.out(x_.shape)
    padded = [n + p for n, (_, _, p, _) in zip(x_.shape[1:], layer.axes())]
    if max(padded) > PRODUCTS:
        raise BadInput(f"the padded input is {show(tuple(padded))}: at most {PRODUCTS:,} a side")
    many = prod(out) * prod(w_.shape[1:])
    letters = None in (x_.values, w_.values)
    if many > (PRODUCTS if not letters else PROVED):
        most = PRODUCTS if not letters else PROVED
        what = " in letters" if letters else ""
        raise BadInput(f"{many:,} products are too many to work backward{what}; at most {most:,}")
    if gradient is None and prod(out) > MANY:
        raise BadInput(f"g has {prod(out):,} entries; at most {MANY} letters: give --gradient")
    why = f"the output's shape with stride {show(stride)} and padding {show(padding)}"
    g_ = (
        Entries("g", out) if gradient is None
        else fits(numbers("g", gradient, 3), out, why)
    )  # fmt: skip
    x_, w_, g_ = (replace(e, row=row) for e in (x_, w_, g_))
    return Worked(x_, w_, offsets(bias, out[0]), g_, layer)


def offsets(bias: Any, filters: int) -> Entries:
    """The biases b, or b_1, b_2, … of several filters; letters where none is given."""
    names = ["b"] if filters == 1 else [f"b_{f + 1}" for f in range(filters)]
    letters: dict[Index, Sym] = {(f, 0, 0): Sym(n, "real") for f, n in enumerate(names)}
    values: dict[Index, Any] | None = None
    if bias is not None:
        row = fits(numbers("bias", bias), (1, filters), "one for each filter")
        values = {(f, 0, 0): row[(0, f)] for f in range(filters)}
    return Entries("b", (filters, 1, 1), values, False, letters)


# -- the passes ------------------------------------------------------------------------


def forward(one: Worked) -> list[Step]:
    """y, each entry a sum of products; the bias where it is given."""
    y = Entries("y", one.g.shape, row=one.g.row)
    lines, values = [], {}
    for n, o in enumerate(y):
        b = one.b.sym((o[0], 0, 0)), one.b[(o[0], 0, 0)]
        extra = b if one.b.values is not None else None
        values[o], line = total(
            y.sym(o), one.products(o), spell=n == 0 or len(one.w) <= 4, extra=extra
        )
        lines.append(line)
    title = "forward: y, each window of x times the kernel"
    if one.b.values is None:
        title += " (plus b, which no gradient depends on)"
    return [worked(title, lines)]


def by_kernel(one: Worked) -> tuple[Entries, list[Step]]:
    """∂L/∂w: each weight meets one entry of x at each output; its paths add up."""
    lines, values = [], {}
    for n, tap in enumerate(one.w):
        outs = [o for o in one.g if o[0] == tap[0]]
        met = [(o, one.read(o, tap)) for o in outs]
        terms = [((one.g, o), (one.x, i)) for o, i in met if i is not None]
        of = partial(one.w.sym(tap))
        values[tap], line = total(of, terms, spell=n == 0 or len(terms) <= 4)
        lines.append(line)
    many = prod(one.g.shape[1:])
    paths = f"each weight is shared by {many} outputs: each is a path, and paths add up"
    if many == 1:
        paths = "each weight meets one entry of x"
    if any(p > 0 for _, _, p, _ in one.axes):
        paths += "; a zero of the padding adds nothing"
    strided = any(s > 1 for _, s, _, _ in one.axes)
    title = f"∂L/∂w, the correlation of x with g{' spread by the stride' * strided}; {paths}"
    return one.w.filled(values), [worked(title, lines)]


def spread_gradient(one: Worked, f: int, dilate: bool = True) -> dict[tuple[int, int], Index]:
    """Where g's entries stand once spread by the stride and padded: place to index.

    Zeros are not listed; s − 1 of them lie between two entries, d(k − 1) − p before.
    """
    found = {}
    for o in one.g:
        if o[0] == f:
            row, column = (
                i * (s if dilate else 1) + d * (k - 1) - p
                for i, (k, s, p, d) in zip(o[1:], one.axes)
            )
            found[(row, column)] = o
    return found


def gathered(
    one: Worked, place: Index, spreads: Any, rotate: bool = True
) -> Iterator[tuple[Any, Any]]:
    """The terms of ∂L/∂x at one place: the turned kernel laid over g, filter by filter."""
    c, i, j = place
    (kh, _, _, dh), (kw, _, _, dw) = one.axes
    for f in range(one.w.shape[0]):
        for a in range(kh):
            for b in range(kw):
                o = spreads[f].get((i + a * dh, j + b * dw))
                tap = (f, c, kh - 1 - a, kw - 1 - b) if rotate else (f, c, a, b)
                if o is not None:
                    yield (one.g, o), (one.w, tap)


def by_input(one: Worked) -> tuple[Entries, list[Step]]:
    """∂L/∂x: the full convolution, g spread and padded, with the kernel turned by 180°."""
    spreads = [spread_gradient(one, f) for f in range(one.w.shape[0])]
    lines, values = [], {}
    for n, place in enumerate(one.x):
        terms = list(gathered(one, place, spreads))
        rule = "" if terms else "no window reads it"
        of = partial(one.x.sym(place))
        values[place], line = total(of, terms, rule, spell=n == 0 or len(terms) <= 4)
        lines.append(line)
    title = "∂L/∂x, each place of the turned kernel on that g; each path is one term"
    return one.x.filled(values), [*pictures(one, spreads), worked(title, lines)]


def pictures(one: Worked, spreads: Any) -> list[Step]:
    """The turned kernel and the padded g as matrices, where they are small."""
    sizes = [n + d * (k - 1) for n, (k, _, _, d) in zip(one.x.shape[1:], one.axes)]
    if prod(sizes) > 2 * WRITTEN or len(one.w) > TERMS:
        return []
    (kh, _, _, dh), (kw, _, _, dw) = one.axes
    many = one.w.shape[0] * one.w.shape[1] > 1
    steps, turned = [], "reversed" if one.x.row else "turned by 180°"
    if any(d > 1 for _, _, _, d in one.axes):
        turned += ", zeros of the dilation between"
    for f in range(one.w.shape[0]):
        for c in range(one.w.shape[1]):
            kernel = Matrix(
                tuple(
                    0 if u % dh or v % dw else one.w[(f, c, kh - 1 - u // dh, kw - 1 - v // dw)]
                    for v in range(dw * (kw - 1) + 1)
                )
                for u in range(dh * (kh - 1) + 1)
            )
            which = f" (filter {f + 1}, channel {c + 1})" if many else ""
            steps.append(Step(f"the kernel w{which} {turned}", None, kernel))
    for f, spread in enumerate(spreads):
        padded = Matrix(
            tuple(one.g[spread[(u, v)]] if (u, v) in spread else 0 for v in range(sizes[1]))
            for u in range(sizes[0])
        )
        which = f" of filter {f + 1}" if len(spreads) > 1 else ""
        steps.append(Step(f"g{which}{spelled_padding(one)}", None, padded))
    return steps


def spelled_padding(one: Worked) -> str:
    """What was done to g, in words with the numbers."""
    said = []
    axes = one.axes[1:] if one.x.row else one.axes
    if any(s > 1 for _, s, _, _ in axes):
        each = show_shape(list(dict.fromkeys(s - 1 for _, s, _, _ in axes)))
        said.append(f" with s − 1 = {each} zeros between its entries")
    before = dict.fromkeys(d * (k - 1) - p for k, _, p, d in axes)
    formula = "d(k − 1) − p" if any(d > 1 for _, _, _, d in axes) else "k − 1 − p"
    if len(before) == 1:
        (n,) = before
        around = f"{formula} = {n}"
        if n > 0:
            said.append(f" and {around} zeros around" if said else f" with {around} zeros around")
        elif n < 0:
            said.append(f" and {-n} less at each edge ({around})" if said
                        else f" with {-n} less at each edge ({around})")  # fmt: skip
    else:
        said.append(f" and {formula} zeros around" if said else f" with {formula} zeros around")
    return "".join(said) or f" as it is: {around}, stride 1"


def by_bias(one: Worked) -> tuple[Entries, list[Step]]:
    """∂L/∂b: b is added to every output of its filter, so the gradients add up."""
    lines, values = [], {}
    for place in one.b:
        terms = [((one.g, o),) for o in one.g if o[0] == place[0]]
        values[place], line = total(partial(one.b.sym(place)), terms)
        lines.append(line)
    return one.b.filled(values), [worked("∂L/∂b: b is added to every output", lines)]
