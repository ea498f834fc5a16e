"""Every network of the zoo, run at its own size: each layer's array has the predicted shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from solver.networks.net import network
from solver.running.runner import Runner
from tests.conformance import Case, timed


def zoo() -> Iterator[Case]:
    """One case a network, on normal values and weights that are drawn."""
    for name in network.names():
        yield timed(name, lambda n=name: differences(n))


def differences(name: str) -> str:
    """Which layer's shape is not the predicted one, or is not reached; "" for none."""
    net = network[name]()
    runner = Runner(net.layer, (1, *net.input), threads=2)
    predicted = {row.name: row.out for row in runner.rows}
    found: dict[str, Any] = {}
    x = np.random.default_rng(0).standard_normal(runner.shape)
    y = runner(x, lambda names, out: found.update(dict.fromkeys(names, out.shape)))
    if not np.isfinite(y).all():
        return "the output is not finite"
    wrong = {n: (found.get(n), s) for n, s in predicted.items() if found.get(n) != s}
    return "; ".join(f"{n}: {f} instead of {s}" for n, (f, s) in wrong.items())
