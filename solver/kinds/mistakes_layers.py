"""What students get wrong when they work a layer backward, as wrong solvers.

Each takes its kind's arguments and gives the gradient that the mistake leads to (None
where it cannot be made); its first line speaks to the student.
"""

from __future__ import annotations

from solver.expressions.nodes import Call, Div, Expr, Mul, Num, Pow, Sym, plus, tree
from solver.kinds import backprop_layers, backprop_pool, find, mistake
from solver.kinds.entries import Entries, filled, put, settled, total
from solver.kinds.entries_given import numbers, upstream
from solver.values import Gradients, Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def solved(kind: str, **given: Any) -> Any:
    """The value that a kind gives for these arguments."""
    return find(kind).function(**given).value


def as_asked(right: Any, wrt: tuple[str, ...], wrong: Any) -> Any:
    """A wrong ∂L/∂x alone, or as the one entry of several; None if it was not asked for."""
    if isinstance(right, Gradients):
        return Gradients(x=wrong) if "x" in right else None
    return wrong if wrt == ("x",) else None


# -- convolution -----------------------------------------------------------------------


def conv_of(given: dict[str, Any]) -> backprop_layers.Worked:
    if given.get("w") is None and given.get("kernel") is not None:
        given["w"], given["kernel"] = backprop_layers.kernel_of(given["kernel"])
    names = ("x", "input", "w", "kernel", "bias", "gradient")
    usual = {"stride": 1, "padding": 0, "dilation": 1, "out_channels": 1}
    known: dict[str, Any] = {n: given.get(n) for n in names}
    return backprop_layers.setting(**known | {n: given.get(n, v) for n, v in usual.items()})


@mistake("backprop conv")
def kernel_not_rotated(right: Any, **given: Any) -> Any:
    """The kernel was not turned: in ∂L/∂x it is rotated by 180°, for x meets w mirrored."""
    one = conv_of(given)
    spreads = [backprop_layers.spread_gradient(one, f) for f in range(one.w.shape[0])]
    found = {
        i: total(None, list(backprop_layers.gathered(one, i, spreads, rotate=False)))[0]
        for i in one.x
    }
    return as_asked(right, tuple(given.get("wrt", ())), one.x.filled(found).matrices())


@mistake("backprop conv")
def stride_not_dilated(right: Any, **given: Any) -> Any:
    """With stride s, s − 1 zeros stand between the entries of g before ∂L/∂x is formed."""
    one = conv_of(given)
    if all(s == 1 for _, s, _, _ in one.axes):
        return None
    spreads = [
        backprop_layers.spread_gradient(one, f, dilate=False) for f in range(one.w.shape[0])
    ]
    sides = [n + d * (k - 1) - 2 * p for n, (k, _, p, d) in zip(one.g.shape[1:], one.axes)]
    if min(sides) < 1:
        return None
    whole = Entries("x", (one.x.shape[0], *sides))
    found = {
        i: total(None, list(backprop_layers.gathered(one, i, spreads)))[0] for i in whole
    }
    return as_asked(right, tuple(given.get("wrt", ())), whole.filled(found).matrices())


# -- pooling ---------------------------------------------------------------------------


@mistake("backprop maxpool")
def spread_over_the_window(**given: Any) -> Any:
    """The gradient was spread over the window: of a maximum the winner takes it whole."""
    given.pop("right", None)
    if given.pop("dilation", 1) != 1:
        return None
    return solved("backprop avgpool", **given)


@mistake("backprop maxpool")
def to_every_entry(**given: Any) -> Any:
    """Every entry of the window got the gradient: of a maximum only the winner does."""
    given.pop("right", None)
    return None if given.pop("dilation", 1) != 1 else undivided(**given)


@mistake("backprop avgpool")
def not_divided(**given: Any) -> Any:
    """The average divides by k²: each entry of a window gets 1/k² of its gradient."""
    given.pop("right", None)
    return undivided(**given)


def undivided(
    x: Any = None, input: Any = None, gradient: Any = None, kernel: Any = None,
    stride: Any = None, padding: Any = 0, **options: Any,
) -> Any:  # fmt: skip
    """Each window's gradient to each of its entries, whole."""
    one = backprop_pool.setting("avg", x, input, gradient, kernel, stride, padding, **options)
    found = {
        i: total(None, [((one.g, o),) for o, read in one.windows.items() if i in read])[0]
        for i in one.x
    }
    return one.x.filled(found).matrices()


# -- one value by itself ---------------------------------------------------------------


@mistake("backprop dropout")
def scaling_forgotten(right: Any, p: Any = None) -> Any:
    """The scaling is missing: what is kept was multiplied by 1/(1 − p), so is its gradient."""
    keep = 1 - (Sym("p", "probability") if p is None else tree(p))
    return Matrix(tuple(unscaled(v, keep) for v in row) for row in right)


def unscaled(v: Any, keep: Expr) -> Any:
    if not isinstance(v, Expr):
        factor = tree(keep)
        return filled(None, Mul(Num(v), factor), {})[0] if v else 0
    return v.args[0] if isinstance(v, Div) and v.args[1] == keep else Mul(keep, v)


@mistake("backprop activation")
def slope_at_the_input(
    x: Any, function: str = "relu", gradient: Any = None
) -> Any:
    """The slope y(1 − y), or 1 − y², is written in the output y, not in the input x."""
    slopes = {"sigmoid": lambda v: v * (1 - v), "tanh": lambda v: 1 - v * v}
    if function not in slopes:
        return None
    x_ = numbers("x", x)
    g = upstream(gradient, x_)
    found = {i: settled(put(slopes[function](x_[i]), g[i])) if g.values is not None
             else put(slopes[function](x_[i]), g[i]) for i in x_}  # fmt: skip
    return x_.filled(found).matrices()


# -- softmax and batch norm ------------------------------------------------------------


@mistake("backprop softmax")
def taken_elementwise(**given: Any) -> Any:
    """s(1 − s) is the diagonal only: every score moves all probabilities, −s_i·s_j."""
    from solver.kinds import backprop_softmax as b

    z, s = b.vectors(given.get("z"), given.get("s"), given.get("classes"))
    if z.values is not None:
        s = s.filled(b.by_scores(z, s, []))
    held: dict[Expr, Any] = {} if s.values is None else {s.sym(i): s[i] for i in s}
    if given.get("y") is not None:
        g, _ = b.of_entropy(s, b.targets(given["y"], s))
    else:
        g = upstream(given.get("gradient"), s)
    if g.values is not None:
        held |= {g.sym(i): g[i] for i in g}
    found = {}
    for i in s:
        rate = filled(None, Mul(s.sym(i), 1 - s.sym(i)), held)[0]
        lettered = isinstance(rate, Expr) or isinstance(g[i], Expr)
        found[i] = put(rate, g[i]) if lettered else settled(Mul(Num(rate), Num(g[i])))
    return z.filled(found).matrices()


@mistake("backprop softmax")
def labels_minus_probabilities(right: Any, y: Any = None) -> Any:
    """The sign is turned: with cross-entropy the gradient is s − y."""
    if y is None:
        return None
    return Matrix(tuple(put(-1, v) if isinstance(v, Expr) else -v for v in row) for row in right)


@mistake("backprop batch-norm")
def statistics_as_constants(right: Any, **given: Any) -> Any:
    """Mean and variance depend on every x of the batch: two more paths lead through them."""
    from solver.kinds import backprop_norms as b

    work = b.prepared(**given)
    b.forward(work)
    found = {}
    for i in work.x:
        formula = Div(Mul(b.GAMMA, work.g.sym(i)), b.ROOT)
        lettered = work.g.values is None and work.x.values is not None
        found[i] = b.by_units(work, formula) if lettered else filled(None, formula, work.held)[0]
    return Gradients(x=work.x.filled(found).matrices())


@mistake("backprop batch-norm")
def bn_unbiased_batch_variance(right: Any, **given: Any) -> Any:
    """The variance divides by N − 1 here: batch norm in training divides by N."""
    from solver.kinds import backprop_norms as b

    work = b.prepared(**given)
    if work.x.values is None or work.g.values is None:
        return None
    spread = plus(*(Pow(work.apart(i), b.TWO) for i in work.x))
    work.line(b.MU, Div(plus(*map(work.x.sym, work.x)), work.n))
    work.line(b.VARIANCE, Div(spread, Num(len(work.x) - 1)))
    work.line(b.ROOT, Call("sqrt", b.VARIANCE + b.EPSILON))
    for i in work.x:
        work.line(work.hats.sym(i), Div(work.apart(i), b.ROOT))
    found = b.backward(work)
    return Gradients(x=work.x.filled(found["x"]).matrices(), gamma=found["gamma"])


@mistake("backprop batch-norm")
def path_through_the_variance_forgotten(right: Any, **given: Any) -> Any:
    """The path through the variance is missing: −x̂·Σ g·x̂ in the compact form."""
    from solver.kinds import backprop_norms as b

    work = b.prepared(**given)
    b.forward(work)
    sums = plus(*map(work.g.sym, work.g))
    lettered = work.g.values is None and work.x.values is not None
    found = {}
    for i in work.x:
        formula = b.compact_form(work, i, sums, Num(0))
        found[i] = b.by_units(work, formula) if lettered else filled(None, formula, work.held)[0]
    return Gradients(x=work.x.filled(found).matrices())
