"""The rules of the reverse sweep: one small named lemma for each operation.

A rule takes a node and its cotangent (∂f/∂node, of the node's dims) and says what reaches
each child. Its docstring's first line is the lemma that a worked step quotes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from solver.core import BadInput
from solver.expressions import matrix as m
from solver.expressions.matrix import (
    add,
    dims,
    dot,
    fn,
    had,
    hpow,
    is_scalar,
    mul,
    power,
    transpose,
)
from solver.expressions.nodes import Expr, Num

Reaching = Iterator[tuple[Expr, Expr]]
RULES: dict[Any, Callable[[Any, Expr], Reaching]] = {}
HALF, ONE, TWO, MINUS = Num(0.5), Num(1), Num(2), Num(-1)


def rule(*keys: Any) -> Callable[[Any], Any]:
    """Register a rule for node types or function names."""

    def register(function: Any) -> Any:
        for key in keys:
            RULES[key] = function
        return function

    return register


def rule_for(e: Expr) -> Callable[[Any, Expr], Reaching]:
    """The rule of a node; BadInput names an operation that has none."""
    if is_squared_norm(e):
        return squared_norm
    key = e.name if isinstance(e, m.Fn) else type(e)
    if key not in RULES:
        raise BadInput(
            f"there is no rule for the derivative of {key if isinstance(key, str) else e}"
        )
    return RULES[key]


def lemma(e: Expr) -> str:
    """The lemma of a node's rule."""
    return (rule_for(e).__doc__ or "").split("\n")[0]


@rule(m.Add)
def sum_(e: m.Add, g: Expr) -> Reaching:
    """d(A + B) = dA + dB"""
    for term in e.args:
        yield term, g


@rule(m.Mul)
def scalar_product(e: m.Mul, g: Expr) -> Reaching:
    """d(s·A) = ds·A + s·dA"""
    for i, f in enumerate(e.args):
        rest = [x for j, x in enumerate(e.args) if j != i]
        if isinstance(f, Num):
            continue
        if is_scalar(f) and not is_scalar(e):
            yield f, mul(*rest[:-1], inner(rest[-1], g))
        else:
            yield f, mul(*rest, g)


def inner(a: Expr, b: Expr) -> Expr:
    """⟨A, B⟩ = tr(AᵀB), as short as it can be written."""
    if is_scalar(a):
        return mul(a, b)
    if dims(a)[1] == 1:
        return dot(transpose(a), b)
    return fn("tr", dot(transpose(a), b))


@rule(m.Pow)
def scalar_power(e: Any, g: Expr) -> Reaching:
    """d(xᵃ) = a·xᵃ⁻¹ dx, and xᵃ·ln x da"""
    base, a = e.args
    if not isinstance(base, Num):
        yield base, mul(g, a, power(base, add(a, MINUS)))
    if not isinstance(a, Num):
        yield a, mul(g, e, fn("log", base))


def is_squared_norm(e: Expr) -> bool:
    """Whether a node is ‖X‖², whose two rules nobody writes apart."""
    if not isinstance(e, m.Pow) or e.args[1] != TWO:
        return False
    return isinstance(e.args[0], m.Fn) and e.args[0].name == "norm2"


def squared_norm(e: Any, g: Expr) -> Reaching:
    """d‖X‖² = 2⟨X, dX⟩"""
    inside = e.args[0].arg
    yield inside, mul(TWO, g, inside)


@rule(m.Dot)
def product(e: m.Dot, g: Expr) -> Reaching:
    """d(A·X·B) = A·dX·B, so ∂f/∂X = Aᵀ·G·Bᵀ"""
    for i, f in enumerate(e.args):
        before, after = e.args[:i], e.args[i + 1 :]
        left = [transpose(x) for x in reversed(before)]
        right = [transpose(x) for x in reversed(after)]
        if is_scalar(g):
            yield f, mul(g, dot(*left, *right)) if left or right else g
        else:
            yield f, dot(*left, g, *right)


@rule(m.T)
def transposed(e: m.T, g: Expr) -> Reaching:
    """d(Xᵀ) = (dX)ᵀ"""
    yield e.args[0], transpose(g)


@rule(m.Had)
def hadamard(e: m.Had, g: Expr) -> Reaching:
    """d(A ⊙ B) = dA ⊙ B + A ⊙ dB"""
    for i, f in enumerate(e.args):
        yield f, had(g, *(x for j, x in enumerate(e.args) if j != i))


@rule(m.HPow)
def entry_power(e: m.HPow, g: Expr) -> Reaching:
    """d(Xᵃ) = a·Xᵃ⁻¹ ⊙ dX, entry by entry"""
    base, a = e.args
    yield base, mul(a, had(g, hpow(base, add(a, MINUS))))
    if not isinstance(a, Num):
        yield a, inner(had(e, fn("log", base)), g)


@rule("tr")
def trace(e: m.Fn, g: Expr) -> Reaching:
    """d tr(X) = tr(dX)"""
    yield e.arg, mul(g, m.Eye(dims(e.arg)[0]))


@rule("det")
def determinant(e: m.Fn, g: Expr) -> Reaching:
    """d det X = det(X)·tr(X⁻¹ dX)"""
    yield e.arg, mul(g, e, transpose(fn("inv", e.arg)))


@rule("logdet")
def log_determinant(e: m.Fn, g: Expr) -> Reaching:
    """d ln|det X| = tr(X⁻¹ dX)"""
    yield e.arg, mul(g, transpose(fn("inv", e.arg)))


@rule("inv")
def inverse(e: m.Fn, g: Expr) -> Reaching:
    """d(X⁻¹) = −X⁻¹ (dX) X⁻¹"""
    t = transpose(e)
    yield e.arg, mul(MINUS, dot(t, g, t))


@rule("sum")
def total(e: m.Fn, g: Expr) -> Reaching:
    """d ΣX = Σ dX"""
    yield e.arg, mul(g, m.Ones(*dims(e.arg)))


@rule("norm2")
def two_norm(e: m.Fn, g: Expr) -> Reaching:
    """d‖X‖ = ⟨X, dX⟩/‖X‖"""
    yield e.arg, mul(g, power(e, MINUS), e.arg)


@rule("norm1")
def one_norm(e: m.Fn, g: Expr) -> Reaching:
    """d‖X‖₁ = ⟨sign X, dX⟩"""
    yield e.arg, mul(g, fn("sign", e.arg))


@rule("logsumexp")
def log_sum_exp(e: m.Fn, g: Expr) -> Reaching:
    """d ln Σ eˣ = ⟨softmax x, dx⟩"""
    yield e.arg, mul(g, fn("softmax", e.arg))


@rule("softmax")
def softmax(e: m.Fn, g: Expr) -> Reaching:
    """d s = s ⊙ dx − s·(sᵀ dx), with s = softmax x"""
    yield e.arg, add(had(e, g), mul(MINUS, dot(transpose(e), g), e))


@rule("rowsoftmax")
def row_softmax(e: m.Fn, g: Expr) -> Reaching:
    """each row's softmax: d S = S ⊙ (dX − (S ⊙ dX)·1·1ᵀ)"""
    ones = m.Ones(dims(e)[1], 1)
    yield e.arg, had(e, add(g, mul(MINUS, dot(had(e, g), ones, transpose(ones)))))


@rule("rowlogsumexp")
def row_log_sum_exp(e: m.Fn, g: Expr) -> Reaching:
    """each row's ln Σ eˣ has the row's softmax as its gradient"""
    soft = fn("rowsoftmax", e.arg)
    if isinstance(m.parts(g)[1], m.Ones):
        yield e.arg, mul(*m.parts(g)[0], soft)
    else:
        yield e.arg, dot(fn("diag", g), soft)


@rule("diag")
def diagonal(e: m.Fn, g: Expr) -> Reaching:
    """diag is linear; its adjoint is diag"""
    yield e.arg, fn("diag", g)


@rule(m.Kron)
def kronecker(e: m.Kron, g: Expr) -> Reaching:
    """d(A ⊗ B) = dA ⊗ B + A ⊗ dB"""
    raise BadInput("the gradient through a Kronecker product is known only inside tr")
    yield


# name -> derivative, entry by entry, of a scalar or of each entry of a matrix
SLOPES: dict[str, tuple[Callable[[Expr], Expr], str]] = {
    "exp": (lambda x: fn("exp", x), "(eˣ)′ = eˣ"),
    "log": (lambda x: hpow(x, MINUS), "(ln x)′ = 1/x"),
    "sqrt": (lambda x: mul(Num(0.5), hpow(fn("sqrt", x), MINUS)), "(√x)′ = 1/(2√x)"),
    "abs": (lambda x: fn("sign", x), "|x|′ = sign x, for x ≠ 0"),
    "sign": (lambda x: m.zero(dims(x)), "sign′ = 0, for x ≠ 0"),
    "sin": (lambda x: fn("cos", x), "sin′ = cos"),
    "cos": (lambda x: mul(MINUS, fn("sin", x)), "cos′ = −sin"),
    "tan": (lambda x: add(one(x), hpow(fn("tan", x), TWO)), "tan′ = 1 + tan²"),
    "tanh": (
        lambda x: add(one(x), mul(MINUS, hpow(fn("tanh", x), TWO))),
        "tanh′ = 1 − tanh²",
    ),
    "sinh": (lambda x: fn("cosh", x), "sinh′ = cosh"),
    "cosh": (lambda x: fn("sinh", x), "cosh′ = sinh"),
    "arctan": (
        lambda x: hpow(add(one(x), hpow(x, TWO)), MINUS),
        "arctan′ = 1/(1 + x²)",
    ),
    "arcsin": (lambda x: hpow(minus_square(x), Num(-0.5)), "arcsin′ = 1/√(1 − x²)"),
    "arccos": (
        lambda x: mul(MINUS, hpow(minus_square(x), Num(-0.5))),
        "arccos′ = −1/√(1 − x²)",
    ),
    "sigmoid": (
        lambda x: had(fn("sigmoid", x), add(one(x), mul(MINUS, fn("sigmoid", x)))),
        "σ′ = σ·(1 − σ)",
    ),
    "relu": (lambda x: fn("step", x), "relu′ = 1 where x > 0, else 0, for x ≠ 0"),
    "step": (lambda x: m.zero(dims(x)), "step′ = 0, for x ≠ 0"),
    "softplus": (lambda x: fn("sigmoid", x), "softplus′ = σ"),
}


def one(x: Expr) -> Expr:
    """Ones of x's dims."""
    return ONE if is_scalar(x) else m.Ones(*dims(x))


def minus_square(x: Expr) -> Expr:
    """1 − x²."""
    return add(one(x), mul(MINUS, hpow(x, TWO)))


def _elementwise(name: str) -> None:
    slope, text = SLOPES[name]

    def apply(e: m.Fn, g: Expr) -> Reaching:
        yield e.arg, had(g, slope(e.arg))

    apply.__doc__ = text
    RULES[name] = apply


for _name in SLOPES:
    _elementwise(_name)


KINKS = {"abs": "|·|", "sign": "sign", "relu": "relu", "step": "step", "norm1": "‖·‖₁",
         "norm2": "‖·‖", "sqrt": "√"}  # fmt: skip


def kinked(*trees: Expr) -> str:
    """The functions in these trees that have no derivative where an argument is 0."""
    found = {n.name for e in trees for n in kinks(e)}
    return ", ".join(KINKS[n] for n in sorted(found))


def kinks(e: Expr) -> Iterator[m.Fn]:
    """The parts that have no derivative at 0, where they may come there: not ‖x‖², √2."""
    if isinstance(e, m.Fn) and e.name in KINKS and m.names(e) and not above_zero(e.arg):
        yield e
    for a in e.args[0].args if is_squared_norm(e) else e.args:
        if isinstance(a, Expr):
            yield from kinks(a)


def above_zero(e: Expr) -> bool:
    """Whether a tree is known to be positive: 1 + ‖x‖², n, eˣ."""
    if isinstance(e, m.Add):
        return any(map(above_zero, e.args)) and all(map(not_below, e.args))
    if isinstance(e, Num):
        return bool(e.value > 0)
    return isinstance(e, m.Mul) and all(map(above_zero, e.args)) or m.positive(e)


def not_below(e: Expr) -> bool:
    """Whether a tree is known not to be negative."""
    if isinstance(e, m.Dot) and len(e.args) == 2 and is_scalar(e):
        return e.args[0] == transpose(e.args[1])
    if isinstance(e, m.Mul):
        return all(map(not_below, e.args))
    square = isinstance(e, m.Pow) and e.args[1] == TWO
    norms = isinstance(e, m.Fn) and e.name in ("norm1", "norm2", "abs")
    return square or norms or above_zero(e)
