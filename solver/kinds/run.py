"""Layers worked by hand: convolution and pooling of given matrices, window by window.

Every entry is a sum of products written out; the check runs the plain NumPy definition
on the same numbers, exactly (ints and fractions, never rounded).
"""

from __future__ import annotations

from math import prod

from solver.core import Answer, BadInput, Check, Picture, Step
from solver.expressions.formula import settle
from solver.expressions.nodes import Call, Expr, Mul, Num, plus, times
from solver.kinds import kind
from solver.kinds.sampling import letters_of
from solver.networks.conv import Conv
from solver.networks.layers import Layer, Shape, Sides, show_shape
from solver.networks.pool import Pool
from solver.numeric.text import shape_of
from solver.values import Listing, Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Array = tuple[Any, ...]
    Integers = tuple[int, ...]

LINES, MOST = 60, 4000  # worked lines shown; windows computed


@kind("run conv", "--in '1 2 3; 4 5 6; 7 8 9' --kernel '1 0; 0 -1'")
def conv(
    *,
    input: Array,
    kernel: Array,
    stride: Sides = 1,
    padding: Sides | str = 0,
    dilation: Sides = 1,
    bias: Integers = (),
    flip: bool = False,
    filter: int | None = None,
    at: Integers = (),
) -> Answer:
    """Convolution of a matrix by hand: cross-correlation, or flipped, each window shown."""
    image = channels(input, "input")
    filters = stack_of(kernel, len(image))
    if filter is not None:
        if not 1 <= filter <= len(filters):
            raise BadInput(f"there is no filter {filter}: there are {len(filters)}, from 1")
    offsets = bias or (0,) * len(filters)
    if len(offsets) != len(filters):
        raise BadInput(f"{len(filters)} filters take as many biases, not {len(offsets)}")
    k = shape_of(filters[0][0])
    layer = Conv(len(filters), k, stride, padding, dilation)
    shape = (len(image), *shape_of(image[0]))
    _, rows, columns = whole(layer, shape)
    spot = place(at, rows, columns)
    used = tuple(tuple(flipped(c) for c in f) for f in filters) if flip else filters
    begins = layer.windows(shape)
    dilations = [d for _, _, _, d in layer.axes()]
    steps: list[Step] = []
    results = []
    chosen = [filter - 1] if filter else range(len(filters))
    for f in chosen:
        out = []
        for i, top in enumerate(begins[0]):
            line = []
            for j, left in enumerate(begins[1]):
                if spot and (i + 1, j + 1) != spot:
                    continue
                e = window_sum(image, used[f], top, left, dilations, offsets[f])
                line.append(settle(e))
                steps.append(Step(label(i, j, f, len(filters)), e, line[-1]))
            if line:
                out.append(tuple(line))
        results.append(Matrix(out))
    value: Any = results[0] if len(results) == 1 else Listing(results)
    if spot:
        value = results[0][0][0] if len(results) == 1 else Listing(r[0][0] for r in results)
    check = plain_conv(image, used, layer, offsets, chosen, results, spot)
    notes = (
        "true convolution: the kernel is turned by 180° first" if flip
        else "cross-correlation, as deep learning's convolution: the kernel is not flipped",
        "rows and columns are counted from 1",
    )
    pictures: tuple[Picture, ...] = ()
    if len(image) == len(filters) == 1:
        pictures = window_of(image[0], layer, results[0], spot, used[0][0], sign="∗",
                             dilation=tuple(dilations))
    return Answer(value, clipped(steps), (check,), "output", conventions=notes,
                  pictures=pictures)


def window_of(
    image: Any, layer: Any, out: Matrix, spot: tuple[int, int] | None, kernel: Any = (),
    **more: Any,
) -> tuple[Picture, ...]:  # fmt: skip
    """The picture of one window: the one asked for, or the first."""
    i, j = (spot[0] - 1, spot[1] - 1) if spot else (0, 0)
    begins = layer.windows((1, *shape_of(image)))
    (kh, *_), (kw, *_) = layer.axes()
    asked = {**more, "input": image, "kernel": kernel,
             "title": "The input" + (" and the kernel" if kernel else "")}
    given = {**asked, "output": out, "extent": (kh, kw), "at": (begins[0][i], begins[1][j]),
             "entry": (0, 0) if spot else (i, j), "padding": tuple(-b[0] for b in begins),
             "title": f"The window that gives row {i + 1}, column {j + 1} of the output"}
    return (Picture("window", given, asked, stated=bool(kernel)),)


def channels(array: Array, what: str) -> tuple[Any, ...]:
    """An image as a stack of channels: a single matrix is one channel."""
    shape = shape_of(array)
    if len(shape) == 2:
        return (array,)
    if len(shape) == 3:
        return array
    raise BadInput(f"the {what} is a matrix or a stack of channels, not {show_shape(shape)}")


def stack_of(kernel: Array, depth: int) -> tuple[Any, ...]:
    """Filters × channels × rows × columns, from one matrix, several filters, or all four.

    Three axes are several filters on one channel, or the channels of one filter: which of
    the two the number of input channels decides.
    """
    shape = shape_of(kernel)
    if len(shape) == 2:
        filters: tuple[Any, ...] = ((kernel,),)
    elif len(shape) == 3:
        filters = tuple((one,) for one in kernel) if depth == 1 else (kernel,)
    elif len(shape) == 4:
        filters = kernel
    else:
        raise BadInput(f"a kernel is a matrix or a stack of them, not {show_shape(shape)}")
    if len(filters[0]) != depth:
        raise BadInput(
            f"the input has {depth} channels, the kernel has {len(filters[0])}: give one "
            "matrix a channel, separated by |"
        )
    return filters


def flipped(matrix: Any) -> Any:
    """The kernel turned by 180°."""
    return tuple(tuple(reversed(row)) for row in reversed(matrix))


def whole(layer: Layer, input: Shape) -> tuple[int, int, int]:
    """The output's sizes; letters and too many windows are refused."""
    if letters_of(layer):
        raise BadInput("worked by hand are numbers only: give kernel, stride and padding as such")
    filters, rows, columns = layer.out(input)
    taps = prod(axis[0] for axis in layer.axes())  # type: ignore[attr-defined]
    for what, many, most in (("windows", filters * rows * columns, MOST), ("taps", taps, MOST)):
        if many > most:
            raise BadInput(f"{many:,} {what} are too many to work by hand; at most {most:,}")
    return filters, rows, columns


def place(at: Integers, rows: int, columns: int) -> tuple[int, int] | None:
    """The one position asked for, counted from 1."""
    if not at:
        return None
    if len(at) != 2 or not (1 <= at[0] <= rows and 1 <= at[1] <= columns):
        raise BadInput(f"there is no position {show_shape(at)}: the output is "
                       f"{rows}×{columns}, rows and columns counted from 1")
    return at[0], at[1]


def window_sum(
    image: Any, kernel: Any, top: int, left: int, dilation: Any, bias: int
) -> Expr:
    """Σ input·weight over one window, as a tree; zeros of the padding written as 0."""
    terms: list[Expr] = []
    for channel, weights in zip(image, kernel):
        for a, row in enumerate(weights):
            for b, w in enumerate(row):
                i, j = top + a * dilation[0], left + b * dilation[1]
                inside = 0 <= i < len(channel) and 0 <= j < len(channel[0])
                terms.append(Mul(Num(channel[i][j] if inside else 0), Num(w)))
    return plus(*terms, *([bias] if bias else []))


def label(i: int, j: int, f: int, filters: int) -> str:
    """Which output entry a line computes."""
    return f"row {i + 1}, column {j + 1}" + (f", filter {f + 1}" if filters > 1 else "")


def clipped(steps: list[Step]) -> tuple[Step, ...]:
    """The first lines, and how many more there are."""
    if len(steps) <= LINES:
        return tuple(steps)
    return (*steps[:LINES], Step(f"and {len(steps) - LINES} more windows in the same way"))


def plain_conv(
    image: Any, filters: Any, layer: Conv, bias: Any, chosen: Any, results: Any, spot: Any
) -> Check:
    """The same by NumPy's plain definition, exactly."""
    import numpy as np

    from solver.numeric import plain

    x = np.array(image, dtype=object)[None]
    w = np.array(filters, dtype=object)
    axes = layer.axes()
    pad: Any = layer.padding if layer.padding == "same" else tuple(p // 2 for _, _, p, _ in axes)
    out = plain.conv(
        x,
        w,
        np.array(bias, dtype=object),
        stride=tuple(s for _, s, _, _ in axes),
        padding=pad,
        dilation=tuple(d for _, _, _, d in axes),
    )[0]
    found = [out[f].tolist() for f in chosen]
    if spot:
        found = [[[m[spot[0] - 1][spot[1] - 1]]] for m in found]
    agrees = [[list(row) for row in m] for m in results] == found
    return Check("the plain NumPy convolution, on exact numbers", agrees)


@kind("run pool", "--in '1 2 3 4; 5 6 7 8' --k 2 --mode avg")
def pool(
    *,
    input: Array,
    kernel: Sides,
    stride: Sides | None = None,
    padding: Sides = 0,
    mode: str = "max",
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    at: Integers = (),
) -> Answer:
    """Max or average pooling of a matrix by hand, each window shown."""
    image = channels(input, "input")
    layer = Pool(kernel, stride, padding, 1, ceil_mode, mode, count_include_pad)
    if mode == "lp":
        raise BadInput("run pool works max and avg by hand, not lp")
    shape = (len(image), *shape_of(image[0]))
    _, rows, columns = whole(layer, shape)
    spot = place(at, rows, columns)
    steps: list[Step] = []
    results = []
    for c, channel in enumerate(image):
        out = []
        for i, top in enumerate(layer.windows(shape)[0]):
            line = []
            for j, left in enumerate(layer.windows(shape)[1]):
                if spot and (i + 1, j + 1) != spot:
                    continue
                e = pooled(channel, layer, top, left)
                line.append(settle(e))
                where = f"row {i + 1}, column {j + 1}"
                where += f", channel {c + 1}" if len(image) > 1 else ""
                steps.append(Step(where, e, line[-1]))
            if line:
                out.append(tuple(line))
        results.append(Matrix(out))
    value: Any = results[0] if len(results) == 1 else Listing(results)
    if spot:
        value = results[0][0][0] if len(results) == 1 else Listing(r[0][0] for r in results)
    check = plain_pool(image, layer, results, spot)
    pictures: tuple[Picture, ...] = ()
    if len(image) == 1:
        word = {"max": "largest", "avg": "mean"}[mode]
        pictures = window_of(image[0], layer, results[0], spot, what=word)
    return Answer(value, clipped(steps), (check,), "output", pictures=pictures,
                  conventions=("rows and columns are counted from 1",))


def pooled(channel: Any, layer: Pool, top: int, left: int) -> Expr:
    """The largest value of one window, or its mean, as a tree."""
    (kh, _, ph, _), (kw, _, pw, _) = layer.axes()
    height, width = len(channel), len(channel[0])
    values, padded = [], 0
    for i in range(top, top + kh):
        for j in range(left, left + kw):
            if 0 <= i < height and 0 <= j < width:
                values.append(channel[i][j])
            elif -ph <= i < height + ph and -pw <= j < width + pw:
                padded += 1
    if layer.mode == "max":
        return Call("max", *map(Num, values)) if len(values) > 1 else Num(values[0])
    many = len(values) + (padded if layer.count_include_pad else 0)
    return plus(*values) / many if len(values) > 1 or many > 1 else times(values[0])


def plain_pool(image: Any, layer: Pool, results: Any, spot: Any) -> Check:
    """The same by NumPy's plain definition, exactly."""
    import numpy as np

    from solver.numeric import plain

    axes = layer.axes()
    out = plain.pool(
        np.array(image, dtype=object)[None],
        tuple(k for k, _, _, _ in axes),
        mode=layer.mode,
        stride=tuple(s for _, s, _, _ in axes),
        padding=tuple(p for _, _, p, _ in axes),
        ceil_mode=layer.ceil_mode,
        count_include_pad=layer.count_include_pad,
    )[0]
    found = out.tolist()
    if spot:
        found = [[[m[spot[0] - 1][spot[1] - 1]]] for m in found]
    agrees = [[list(row) for row in m] for m in results] == found
    return Check("the plain NumPy pooling, on exact numbers", agrees)


@kind("run distinct", "--inputs '1 0; 0 0 | 0 1; 0 0' --k 2")
def distinct(
    *, inputs: Array, kernel: Sides, stride: Sides | None = None, mode: str = "max"
) -> Answer:
    """How many different results pooling gives on several matrices: what it cannot see."""
    images = channels(inputs, "inputs")
    parts = [pool(input=m, kernel=kernel, stride=stride, mode=mode) for m in images]
    values = [p.value for p in parts]
    different = list(dict.fromkeys(values))
    steps = [Step(f"matrix {i + 1} gives", None, v) for i, v in enumerate(values)]
    counted = sum(all(v != w for w in values[:i]) for i, v in enumerate(values))
    check = Check("comparing each result with those before it", counted == len(different))
    steps.append(Step("different results", None, len(different)))
    checks = (check, *(c for part in parts for c in part.checks))
    return Answer(len(different), tuple(steps), checks, "distinct")


@kind("run change", "--in '1 1; 1 1' --at 1,1 --value 0 --k 2 --mode avg")
def change(
    *,
    input: Array,
    at: Integers,
    value: int,
    kernel: Sides,
    stride: Sides | None = None,
    mode: str = "max",
) -> Answer:
    """By how much pooling's output changes, at most, when one input entry does."""
    if len(shape_of(input)) != 2:
        raise BadInput(f"one matrix changes in one entry, not {show_shape(shape_of(input))}")
    spot = place(at, *shape_of(input))
    if spot is None:
        raise BadInput("say which entry changes: --at row,column")
    other = tuple(
        tuple(value if (i + 1, j + 1) == spot else x for j, x in enumerate(row))
        for i, row in enumerate(input)
    )
    before = pool(input=input, kernel=kernel, stride=stride, mode=mode)
    after = pool(input=other, kernel=kernel, stride=stride, mode=mode)
    differences = [
        abs(x - y) for a, b in zip(before.value, after.value) for x, y in zip(a, b)
    ]
    largest = max(differences)
    steps = (
        Step("before", None, before.value),
        Step("after", None, after.value),
        Step("largest difference of an entry", None, largest),
    )
    return Answer(largest, steps, (*before.checks, *after.checks), "change")
