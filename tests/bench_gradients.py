"""Derivation alone beside SymPy's own matrix `diff`, on the same identities, in one run.

Ours is the sweep and the factoring of its result, without steps and proof; theirs is
`diff` on the same function as MatrixSymbols, where SymPy can express and derive it at
all. Both start each time with empty caches; reading the text is not timed.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sympy
from sympy.core.cache import clear_cache

from solver.calculus.factor import factored
from solver.calculus.sweep import gradient
from solver.expressions import matrix as m
from solver.expressions.grammar import read
from solver.expressions.nodes import Add, Expr, Mul, Num, Pow

warnings.filterwarnings("ignore", module="sympy")
BOUND, RUNS = 0.2, 5
SCALAR_CALLS = {
    "tr": sympy.Trace,
    "det": sympy.Determinant,
    "logdet": lambda x: sympy.log(sympy.Determinant(x)),
    "norm2": lambda x: sympy.sqrt(sympy.Trace(x.T * x)),
}
ENTRYWISE = {
    "exp": sympy.exp, "log": sympy.log, "sqrt": sympy.sqrt, "sin": sympy.sin,
    "cos": sympy.cos, "tan": sympy.tan, "tanh": sympy.tanh, "sinh": sympy.sinh,
    "cosh": sympy.cosh, "arctan": sympy.atan, "abs": sympy.Abs,
    "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)), "relu": lambda x: sympy.Max(0, x),
    "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
}  # fmt: skip


class Unsaid(Exception):
    """SymPy has no matrix expression for this."""


def spoken(e: Expr) -> Any:
    """A tree of ours in SymPy's MatrixSymbols; Unsaid where there is no such thing."""
    if isinstance(e, Num):
        return sympy.Rational(str(e.value))
    if isinstance(e, m.Var):
        rows, cols = map(size, m.dims(e))
        return sympy.Symbol(e.name) if m.is_scalar(e) else sympy.MatrixSymbol(e.name, rows, cols)
    if isinstance(e, m.Eye):
        return sympy.Identity(size(e.args[0]))
    if isinstance(e, m.Ones):
        return sympy.OneMatrix(*map(size, e.args))
    if isinstance(e, m.Fn):
        return called(e)
    if isinstance(e, (m.Kron, m.Comm, m.Zero)):
        raise Unsaid
    args = [spoken(a) for a in e.args if isinstance(a, Expr)]
    if isinstance(e, m.T):
        return args[0].T
    if isinstance(e, m.Dot):
        return sympy.MatMul(*args)
    if isinstance(e, m.Had):
        return sympy.HadamardProduct(*args)
    if isinstance(e, m.HPow):
        return sympy.HadamardPower(*args)
    if isinstance(e, Add):
        # a 1×1 product beside a number: SymPy wants both as matrices
        if any(getattr(a, "is_Matrix", False) for a in args):
            args = [a if a.is_Matrix else a * sympy.Identity(1) for a in args]
        return sum(args[1:], args[0])
    if isinstance(e, Mul):
        product = args[0]
        for a in args[1:]:
            product = product * a
        return product
    if isinstance(e, Pow):
        return args[0] ** args[1]
    raise Unsaid


def called(e: Any) -> Any:
    """A function of a matrix."""
    inside = spoken(e.arg)
    if e.name == "inv":
        return sympy.Inverse(inside)
    if e.name == "sum":
        rows, cols = map(size, m.dims(e.arg))
        return sympy.OneMatrix(1, rows) * inside * sympy.OneMatrix(cols, 1)
    if e.name in SCALAR_CALLS:
        return SCALAR_CALLS[e.name](inside)
    if e.name in ENTRYWISE:
        if getattr(inside, "is_Matrix", False):
            return inside.applyfunc(ENTRYWISE[e.name])
        return ENTRYWISE[e.name](inside)
    raise Unsaid


def size(d: Any) -> Any:
    return sympy.Symbol(d, integer=True, positive=True) if isinstance(d, str) else d


CACHES: list[Callable[[], None]] = []


def empty() -> None:
    """Forget what either has remembered."""
    if not CACHES:
        ours = [mod for name, mod in sys.modules.items() if name.startswith("solver.")]
        found = {id(f): f for mod in ours for f in vars(mod).values() if hasattr(f, "cache_clear")}
        CACHES.extend(f.cache_clear for f in found.values())
    for clear in CACHES:
        clear()
    clear_cache()


def once(work: Callable[[], Any]) -> float:
    """Milliseconds, the caches holding another derivation only."""
    empty()
    warm_up()
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def warm_up() -> None:
    """The gradient of tr(A·Bᵀ·C) by B, in both."""
    letters = dict.fromkeys("ABC", ("p", "q")) | {"C": ("p", "p")}
    f, x = read("tr(A*B'*C)", letters, {}, (1, 1)), m.Var("B", "p", "q")
    factored(gradient(f, x)[0])
    spoken(f).diff(spoken(x))


def least(work: Callable[[], Any]) -> float:
    """The least of several runs: what the machine did besides is not in it."""
    return min(once(work) for _ in range(RUNS))


def measured(path: Path) -> dict[str, float]:
    """Medians and ratios over the gradients of a file of identities."""
    ours, pairs = [], []
    for line in path.read_text().splitlines():
        row = json.loads(line)
        if row["layout"] != "gradient":
            continue
        f = read(row["expr"], row["vars"], row["flags"], (1, 1))
        dims = (*row["vars"][row["wrt"]], 1, 1)[:2]
        x = m.Var(row["wrt"], *dims, row["flags"].get(row["wrt"], ()))
        mine = least(lambda f=f, x=x: factored(gradient(f, x)[0]))
        ours.append(mine)
        try:
            their_f, their_x = spoken(f), spoken(x)
            their_f.diff(their_x)
        except Exception:  # what SymPy cannot express or derive is not compared
            continue
        theirs = least(lambda f=their_f, x=their_x: f.diff(x))
        pairs.append((mine, theirs))
    ordered = sorted(ours)
    return {
        "identities": len(ours),
        "median_ms": statistics.median(ours),
        "p99_ms": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        "compared": len(pairs),
        "sympy_median_ms": statistics.median(t for _, t in pairs),
        "ratio": statistics.median(a / b for a, b in pairs),
        "bound": BOUND,
    }


def report(path: Path) -> dict[str, float]:
    """One line with the ratio."""
    found = measured(path)
    print(
        f"gradients: {found['identities']:.0f} derived, median {found['median_ms']:.2f} ms, "
        f"p99 {found['p99_ms']:.2f} ms; SymPy's diff on {found['compared']:.0f} of them "
        f"{found['sympy_median_ms']:.2f} ms; ratio {found['ratio']:.3f}, bound {BOUND}"
    )
    return found
