"""The chain rule of layers over sequences: attention, and recurrence through time.

Registered and called as in `backward_leaves`; ∂L/∂y is nested as the output is, (output,
states). Gates, names and shapes are those of `plain_sequences`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import numpy as np

from solver.networks import sequence
from solver.numeric.backward_leaves import Gradients, backs, examples
from solver.numeric.leaves import Held
from solver.numeric.plain import Array
from solver.numeric.plain_layers import linear, sigmoid
from solver.numeric.plain_sequences import (
    CELLS,
    State,
    Weights,
    attend,
    beginning,
    gates,
)

# -- attention -----------------------------------------------------------------------


@backs(sequence.Attention)
def attention(one: Any, held: Held, gradient: Any, *inputs: Array) -> Gradients:
    """Y = softmax(Q Kᵀ/√d) V on each head, Q, K, V and Y projected: backward in turn.

    Of one input, which is query, key and value, the three gradients are added up.
    """
    turned = not one.batch_first and inputs[0].ndim > 2

    def turn(x: Array) -> Array:
        return np.swapaxes(x, 0, 1) if turned else x

    of_y, of_mean = gradient if one.need_weights else (gradient, None)
    given = [turn(x) for x in (inputs * 3 if len(inputs) == 1 else inputs)]
    joined, bias = held.get("in_proj_weight"), held.get("in_proj_bias")
    into = (
        [held[f"{n}_proj_weight"] for n in "qkv"]
        if joined is None
        else np.split(joined, 3)
    )
    biases = [None] * 3 if bias is None else np.split(bias, 3)

    def split(y: Array) -> Array:  # …×T×E to …×heads×T×(E/heads)
        parts = y.reshape(*y.shape[:-1], one.heads, y.shape[-1] // one.heads)
        return np.swapaxes(parts, -2, -3)

    def join(y: Array) -> Array:
        parts = np.swapaxes(y, -2, -3)
        return parts.reshape(*parts.shape[:-2], -1)

    q, k, v = map(linear, given, into, biases)
    keys = k.shape[-2]
    k, v = (longer(one, held, name, y) for name, y in (("k", k), ("v", v)))
    q, k, v = map(split, (q, k, v))
    mixed, shares = attend(q, k, v)

    of_y = turn(of_y)
    of_weights = {
        "out_proj.weight": examples(of_y).T @ examples(join(mixed)),
        "out_proj.bias": examples(of_y).sum(axis=0),
    }
    of_mixed = split(of_y @ held["out_proj.weight"])
    of_shares = of_mixed @ np.swapaxes(v, -1, -2)
    if of_mean is not None:  # the shares that are an output too, the mean of the heads'
        of_shares = of_shares + np.expand_dims(of_mean, -3) / one.heads
    inner = (of_shares * shares).sum(axis=-1, keepdims=True)
    of_scores = shares * (of_shares - inner) / sqrt(q.shape[-1])
    of_q = join(of_scores @ k)
    of_k = join(np.swapaxes(of_scores, -1, -2) @ q)
    of_v = join(np.swapaxes(shares, -1, -2) @ of_mixed)

    if one.add_bias_kv:  # the learned key and value stand behind the input's
        for name, y in (("added_k", of_k), ("added_v", of_v)):
            of_weights[name] = examples(y[..., keys, :]).sum(axis=0)[None, None]
    each = of_q, of_k[..., :keys, :], of_v[..., :keys, :]
    of_into = [examples(g).T @ examples(x) for g, x in zip(each, given)]
    of_weights |= {f"{n}_proj_weight": w for n, w in zip("qkv", of_into)}
    if joined is not None:
        of_weights["in_proj_weight"] = np.concatenate(of_into)
    of_weights["in_proj_bias"] = np.concatenate([examples(g).sum(axis=0) for g in each])
    of_given = tuple(turn(g @ w) for g, w in zip(each, into))
    if len(inputs) == 1:
        return (of_given[0] + of_given[1] + of_given[2],), of_weights
    return of_given, of_weights


def longer(one: Any, held: Held, name: str, y: Array) -> Array:
    """Keys or values with what the layer puts behind them: learned ones, then zeros."""
    row = (*y.shape[:-2], 1, y.shape[-1])
    if one.add_bias_kv:
        added = np.broadcast_to(held[f"added_{name}"][0], row)
        y = np.concatenate([y, added], axis=-2)
    return np.concatenate([y, np.zeros(row)], axis=-2) if one.add_zero_attn else y


# -- recurrence ----------------------------------------------------------------------

# A cell backward: (∂L/∂ its new state, x, old state, weights) to ∂L/∂ the input's and the
# state's part of the gates before the nonlinearity, ∂L/∂ the old state besides through
# the gates, and ∂L/∂w of weights that are not the gates'.
Parts = tuple[Array, Array, State, dict[str, Array]]
CellBack = Callable[[State, Array, State, Weights], Parts]


def rnn(gradient: State, x: Array, state: State, w: Weights) -> Parts:
    """h′ = tanh(a): ∂L/∂a = g (1 − h′²)."""
    (new,) = CELLS["rnn"](x, state, w)
    of_a = gradient[0] * (1 - new**2)
    return of_a, of_a, (np.zeros_like(state[0]),), {}


def lstm(gradient: State, x: Array, state: State, w: Weights) -> Parts:
    """c′ = f c + i g, h′ = o tanh(c′): c′ gets its own gradient, and that through h′."""
    h, c = state
    i, f, g, o = (a + b for a, b in gates(x, h, w, 4))
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    t = np.tanh(f * c + i * g)
    of_h, of_weights = gradient[0], {}
    if "weight_hr" in w:
        of_weights["weight_hr"] = examples(of_h).T @ examples(o * t)
        of_h = of_h @ w["weight_hr"]
    of_c = gradient[1] + of_h * o * (1 - t**2)
    of_gates = (
        of_c * g * i * (1 - i),
        of_c * c * f * (1 - f),
        of_c * i * (1 - g**2),
        of_h * t * o * (1 - o),
    )
    of_a = np.concatenate(of_gates, axis=-1)
    return of_a, of_a, (np.zeros_like(h), of_c * f), of_weights


def gru(gradient: State, x: Array, state: State, w: Weights) -> Parts:
    """h′ = (1 − z) n + z h, n = tanh(a + r b): b, the state's part, is met by r as well."""
    (h,), (of_h,) = state, gradient
    (r_x, r_h), (z_x, z_h), (n_x, n_h) = gates(x, h, w, 3)
    r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)
    n = np.tanh(n_x + r * n_h)
    of_n = of_h * (1 - z) * (1 - n**2)
    of_r = of_n * n_h * r * (1 - r)
    of_z = of_h * (h - n) * z * (1 - z)
    of_a = np.concatenate([of_r, of_z, of_n], axis=-1)
    of_b = np.concatenate([of_r, of_z, of_n * r], axis=-1)
    return of_a, of_b, (of_h * z,), {}


CELL_BACKS: dict[str, CellBack] = {"rnn": rnn, "lstm": lstm, "gru": gru}


@backs(sequence.RNN, sequence.LSTM, sequence.GRU)
def recurrent(one: Any, held: Held, gradient: Any, x: Array) -> Gradients:
    """Backpropagation through time, layer after layer from the last, in each direction.

    A weight, which every step uses, gets the sum over the steps.
    """
    kind = type(one).__name__.lower()
    of_y, of_ends = gradient
    ends = of_ends if one.CELL else (of_ends,)
    turned = one.batch_first and x.ndim > 2
    x, of_y = (np.swapaxes(a, 0, 1) if turned else a for a in (x, of_y))
    names = "weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"
    runs = []  # a layer: what each direction read, from which state, and its weights
    for i in range(one.layers):
        joined, directions = [], []
        for end in (f"l{i}", f"l{i}_reverse")[: one.directions]:
            w = {n: a for n in names if (a := held.get(f"{n}_{end}")) is not None}
            order = list(range(len(x)))[:: -1 if end.endswith("reverse") else 1]
            y, states = unrolled(kind, w, x, order)
            joined.append(y)
            directions.append((end, w, order, states))
        runs.append((x, directions))
        x = np.concatenate(joined, axis=-1)

    of_weights: dict[str, Array] = {}
    for i in reversed(range(one.layers)):
        x, directions = runs[i]
        of_x = np.zeros(x.shape)
        parts = np.split(of_y, len(directions), axis=-1)
        for j, (part, (end, w, order, states)) in enumerate(zip(parts, directions)):
            flow = tuple(of[i * len(directions) + j] for of in ends)
            for t in reversed(order):
                flow = (flow[0] + part[t], *flow[1:])
                of_step, flow, found = back_step(kind, flow, x[t], states[t], w)
                of_x[t] += of_step  # both directions read it
                for name, g in found.items():
                    whole = f"{name}_{end}"
                    of_weights[whole] = of_weights.get(whole, 0) + g
            # what is left in `flow` is the gradient of the zeros in the beginning
        if i:
            of_y = of_x
    return (np.swapaxes(of_x, 0, 1) if turned else of_x,), of_weights


def unrolled(
    kind: str, w: Weights, x: Array, order: Sequence[int]
) -> tuple[Array, dict[int, State]]:
    """The outputs, and the state that each step began with."""
    state, states, outputs = beginning(kind, w, x.shape[1:-1]), {}, {}
    for t in order:
        states[t] = state
        state = CELLS[kind](x[t], state, w)
        outputs[t] = state[0]
    return np.stack([outputs[t] for t in range(len(x))]), states


def back_step(
    kind: str, gradient: State, x: Array, state: State, w: Weights
) -> tuple[Array, State, dict[str, Array]]:
    """One step: ∂L/∂x, ∂L/∂ the state before, and what the weights get of this step."""
    of_a, of_b, (of_h, *rest), found = CELL_BACKS[kind](gradient, x, state, w)
    found |= {
        "weight_ih": examples(of_a).T @ examples(x),
        "weight_hh": examples(of_b).T @ examples(state[0]),
        "bias_ih": examples(of_a).sum(axis=0),
        "bias_hh": examples(of_b).sum(axis=0),
    }
    return of_a @ w["weight_ih"], (of_h + of_b @ w["weight_hh"], *rest), found
