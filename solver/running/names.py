"""What tensors of other programs are called here: PyTorch's γ is a norm's `weight`.

Nothing is renamed in silence: a network's error says which name is expected for which.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from solver.networks.combine import join

HERE = {
    "weight": ("gamma", "slope"),
    "bias": ("beta",),
    "running_mean": ("mean",),
    "running_var": ("variance",),
}
UNUSED = "num_batches_tracked"  # PyTorch's count of batches, by which nothing is computed
SHOWN = 4  # pairs in an error: all of a batch norm


def hint(tensors: Mapping[str, Any], stated: Mapping[str, Any]) -> str:
    """The names that are expected for the given ones; "" where that cannot be told."""
    spare = [n for n in tensors if n.rpartition(".")[2] == UNUSED]
    given = [n for n in tensors if n not in spare]
    names, order = by_name(given, stated), ""
    if None in names.values():
        names, order = in_order(given, tensors, stated), ", in the same order"
    pairs = [f"{a} is {b}" for a, b in names.items() if a != b]
    said = ", ".join(pairs[:SHOWN])
    if len(pairs) > SHOWN:
        said += f" and {len(pairs) - SHOWN} more{order}"
    parts = [f"here {said}"] if pairs else []
    if spare:
        parts.append(f"leave {UNUSED} out")
    return "; ".join(parts)


def by_name(given: list[str], stated: Mapping[str, Any]) -> dict[str, str | None]:
    """Each name, with what its layer calls this tensor here; None for other layers."""
    found: dict[str, str | None] = {}
    for name in given:
        path, _, own = name.rpartition(".")
        names = (name, *(join(path, here) for here in HERE.get(own, ())))
        found[name] = next((n for n in names if n in stated), None)
    return found


def in_order(
    given: list[str], tensors: Mapping[str, Any], stated: Mapping[str, Any]
) -> dict[str, str | None]:
    """The same for other names of layers, where all shapes agree one after the other."""
    if len(given) != len(stated):
        return {}
    for name, shape in zip(given, stated.values()):
        if getattr(tensors.get(name), "shape", None) != tuple(shape):
            return {}
    return dict(zip(given, stated))
