"""How a convolution worked backward is proved: four ways that share nothing with it.

SymPy derives Σ g·y, written out in letters; NumPy's forward pass gives exact differences,
its backward pass the gradients; and Euler's identity holds at any size.
"""

from __future__ import annotations

from math import prod

from solver.core import Check
from solver.expressions.nodes import Expr, evaluate, times
from solver.kinds.entries import Entries, alike, all_alike, at, derived, seeded
from solver.kinds.entries_given import lists_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from solver.kinds.backprop_layers import Worked

PROVED = 1000  # products up to which SymPy derives every entry


def proofs(one: Worked, found: dict[str, Entries]) -> tuple[Check, ...]:
    """SymPy's derivatives of Σ g·y in letters, differences of NumPy's y, and NumPy's
    backward pass of the layer."""
    small = len(one.g) * prod(one.w.shape[1:]) <= PROVED
    at_ = "" if None not in (one.x.values, one.w.values, one.g.values) else ", at seeded numbers"
    forward_, back = by_numpy(one, found, small)
    checks = [Check(f"NumPy's backward pass of the layer{at_}", back)]
    if not small:
        how = f"Euler's identity, Σ x·∂L/∂x = Σ w·∂L/∂w = Σ g·y without the bias{at_}"
        return (*checks, Check(how, by_euler(one, found)))
    return (
        Check("SymPy's derivatives of Σ g·y by each entry", by_sympy(one, found)),
        Check(f"exact differences of NumPy's convolution{at_}", forward_),
        *checks,
    )


def by_sympy(one: Worked, found: dict[str, Entries]) -> bool:
    """Σ g·y written out in letters, differentiated by each entry asked for."""
    loss: list[Expr] = []
    for o in one.g:
        y = [times(*(e.sym(i) for e, i in p)) for p in one.products(o)]
        loss += [times(one.g.sym(o), p) for p in (*y, one.b.sym((o[0], 0, 0)))]
    slopes = {e.sym(i): e[i] for e in found.values() for i in e}
    points = seeded(one.x, one.w, one.b, one.g)
    return derived(loss, slopes, points)


def by_euler(one: Worked, found: dict[str, Entries]) -> bool:
    """y without its bias is linear in x and in w: each gradient times its variable adds up
    to Σ g·y."""
    (point,) = seeded(one.x, one.w, one.b, one.g, count=1, seed=3)

    def number(e: Any) -> Any:
        return evaluate(e, point)

    whole_ = sum(
        number(one.g.sym(o)) * sum(number(one.x.sym(i)) * number(one.w.sym(t))
                                   for (_, i), (_, t) in one.products(o))
        for o in one.g
    )  # fmt: skip
    return all(
        alike(sum(number(e.sym(i)) * number(e[i]) for i in e), whole_)
        for name, e in found.items()
        if name != "b"
    )


def by_numpy(one: Worked, found: dict[str, Entries], small: bool) -> tuple[bool, bool]:
    """Differences of Σ g·y, y by NumPy's plain definition, and the layer's backward pass,
    both on exact numbers (the differences only if they are few)."""
    from solver.numeric.slopes import backs, layer, slopes

    (point,) = seeded(one.x, one.w, one.b, one.g, count=1, seed=5)
    held = {e.name: at(lists_of(e), point) for e in (one.x, one.w, one.b, one.g)}
    tensors = {"x": [held["x"]], "weight": held["w"], "bias": [r[0][0] for r in held["b"]]}

    def agree(got: Any) -> bool:
        theirs = {"x": got["x"][0], "w": got["weight"], "b": [[[v]] for v in got["bias"]]}
        return all(
            all_alike(at(e.tuples(), point), theirs[name], 1e-10) for name, e in found.items()
        )

    differences = not small or agree(slopes(layer(one.layer), tensors, [held["g"]]))
    return differences, agree(backs(one.layer, tensors, [held["g"]]))
