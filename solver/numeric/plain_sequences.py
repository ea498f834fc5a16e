"""Recurrent networks and attention as the textbook defines them, gates as in PyTorch.

Sequences are T×…×features, time first. A recurrent layer's weights are a mapping with
PyTorch's names: weight_ih, weight_hh, and bias_ih, bias_hh, weight_hr if it has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import sqrt

import numpy as np

from solver.numeric.plain import Array
from solver.numeric.plain_layers import linear, sigmoid, softmax

Weights = Mapping[str, Array]
State = tuple[Array, ...]
Cell = Callable[[Array, State, Weights], State]


def gates(x: Array, h: Array, w: Weights, n: int) -> list[tuple[Array, Array]]:
    """The input's and the state's part of n gates, before the nonlinearity."""
    of_x = linear(x, w["weight_ih"], w.get("bias_ih"))
    of_h = linear(h, w["weight_hh"], w.get("bias_hh"))
    return list(zip(np.split(of_x, n, axis=-1), np.split(of_h, n, axis=-1)))


def rnn(x: Array, state: State, w: Weights) -> State:
    """One step: h′ = tanh(W x + U h + b)."""
    ((a, b),) = gates(x, state[0], w, 1)
    return (np.tanh(a + b),)


def lstm(x: Array, state: State, w: Weights) -> State:
    """One step: c′ = f ⊙ c + i ⊙ g, h′ = o ⊙ tanh(c′), which weight_hr projects."""
    h, c = state
    i, f, g, o = (a + b for a, b in gates(x, h, w, 4))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return (linear(h, w["weight_hr"]) if "weight_hr" in w else h), c


def gru(x: Array, state: State, w: Weights) -> State:
    """One step: n = tanh(W x + b + r ⊙ (U h + b)), h′ = (1 − z) ⊙ n + z ⊙ h."""
    (h,) = state
    (r_x, r_h), (z_x, z_h), (n_x, n_h) = gates(x, h, w, 3)
    z = sigmoid(z_x + z_h)
    n = np.tanh(n_x + sigmoid(r_x + r_h) * n_h)
    return ((1 - z) * n + z * h,)


CELLS: dict[str, Cell] = {"rnn": rnn, "lstm": lstm, "gru": gru}


def recurrent(
    kind: str, x: Array, layers: Sequence[Sequence[Weights]]
) -> tuple[Array, State]:
    """The outputs of the last layer at every step, and the last states of all layers.

    A layer is the weights of one direction, or of two, the second from the end. States
    begin at 0; the directions' outputs are joined along the features.
    """
    ends: list[State] = []
    for directions in layers:
        joined = []
        for w, order in zip(directions, (range(len(x)), range(len(x))[::-1])):
            state = beginning(kind, w, x.shape[1:-1])
            outputs = {}
            for t in order:
                state = CELLS[kind](x[t], state, w)
                outputs[t] = state[0]
            joined.append(np.stack([outputs[t] for t in range(len(x))]))
            ends.append(state)
        x = np.concatenate(joined, axis=-1)
    return x, tuple(np.stack(parts) for parts in zip(*ends))


def beginning(kind: str, w: Weights, batch: tuple[int, ...]) -> State:
    """The zeros that a recurrence begins with: h, and the cell of an LSTM."""
    rows, width = w["weight_hh"].shape
    h = np.zeros((*batch, width))
    return (h, np.zeros((*batch, rows // 4))) if kind == "lstm" else (h,)


def attend(
    query: Array, key: Array, value: Array, mask: Array | None = None
) -> tuple[Array, Array]:
    """softmax(Q Kᵀ/√d + mask) V, and the softmax; on the last two axes, …×T×d."""
    scores = query @ np.swapaxes(key, -1, -2) / sqrt(query.shape[-1])
    shares = softmax(scores if mask is None else scores + mask)
    return shares @ value, shares


def attention(
    query: Array,
    key: Array,
    value: Array,
    heads: int,
    into: Sequence[Array],
    out: Array,
    biases: Sequence[Array | None] = (None, None, None, None),
    added: tuple[Array, Array] | None = None,
    zero: bool = False,
    mask: Array | None = None,
) -> tuple[Array, Array]:
    """Multi-head attention on …×T×features: the output, and the heads' mean shares.

    `into` projects query, key and value, `out` the heads' joined outputs; `biases` are
    theirs, in this order. `added` are a learned key and value put behind the others,
    `zero` puts a key and value of zeros behind those.
    """
    q, k, v = map(linear, (query, key, value), into, biases)
    one = (*k.shape[:-2], 1, k.shape[-1])
    if added is not None:
        k = np.concatenate([k, np.broadcast_to(added[0], one)], axis=-2)
        v = np.concatenate([v, np.broadcast_to(added[1], one)], axis=-2)
    if zero:
        k, v = (np.concatenate([y, np.zeros(one)], axis=-2) for y in (k, v))

    def split(y: Array) -> Array:  # …×T×E to …×heads×T×(E/heads)
        parts = y.reshape(*y.shape[:-1], heads, y.shape[-1] // heads)
        return np.swapaxes(parts, -2, -3)

    mixed, shares = attend(split(q), split(k), split(v), mask)
    together = np.swapaxes(mixed, -2, -3).reshape(q.shape)
    return linear(together, out, biases[3]), shares.mean(axis=-3)
