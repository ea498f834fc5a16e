"""Times the fast layers, beside PyTorch where it can be imported, on one thread.

    python -m tests.bench_layers

Medians of blocks in turns, in ms; the ratio is ours / PyTorch's, below 1 we are faster.
PyTorch runs N×C×H×W as it comes. "last" is the same array with channels last in memory
(ours and PyTorch's). Run it with BLAS on one thread (OPENBLAS_NUM_THREADS=1).
"""

from __future__ import annotations

import numpy as np

from solver.networks.combine import sequence
from solver.networks.layers import layer
from solver.numeric.backward import pulled
from solver.numeric.fast import cells, dense, losses, norms, pointwise, pooling
from solver.numeric.forward import forward, random_weights
from tests.bench_blocks import Pace, blocks

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    torch = None

PACE = Pace(blocks=3, seconds=0.01, most=10, pause=0)
WINDOWS = (  # N×C×H×W, kernel, stride, padding
    ((1, 64, 112, 112), 2, 2, 0),
    ((1, 64, 112, 112), 3, 2, 1),
    ((8, 64, 56, 56), 2, 2, 0),
    ((1, 512, 14, 14), 2, 2, 0),
    ((1, 192, 28, 28), 3, 1, 1),
    ((2, 3, 8, 8), 2, 2, 0),
)
MAPS = ((8, 64, 56, 56), (1, 256, 14, 14))


def laid(x, last):
    if not last:
        return x
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


def there_and_back(run, *tensors):
    """PyTorch's forward and backward pass of a function."""
    leaves = [t.clone().requires_grad_() for t in tensors]
    g = torch.ones_like(run(*leaves))

    def both():
        return torch.autograd.grad(run(*leaves), leaves, g)

    return both


def pools(shape, kernel, stride, padding, last):
    x = laid(np.random.default_rng(0).random(shape, np.float32), last)
    out, places = pooling.max_pool(x, kernel, stride, padding, indices=True)
    g, sides = np.ones_like(out), shape[2:]
    how = kernel, stride, padding

    def max_both():
        _, at = pooling.max_pool(x, *how, indices=True)
        return pooling.max_pool_back(g, at, sides, kernel > stride)

    def average_both():
        pooling.average_pool(x, *how)
        return pooling.average_pool_back(g, sides, *how)

    yield "max pool", lambda: pooling.max_pool(x, *how), lambda t: F.max_pool2d(t, *how)
    yield "  and back", max_both, lambda t: F.max_pool2d(t, *how), "back"
    yield (
        "average pool",
        lambda: pooling.average_pool(x, *how),
        lambda t: F.avg_pool2d(t, *how),
    )
    yield "  and back", average_both, lambda t: F.avg_pool2d(t, *how), "back"


def norms_of(shape, last):
    x = laid(np.random.default_rng(0).random(shape, np.float32), last)
    c = shape[1]
    gamma, beta, mean, variance = np.random.default_rng(1).random((4, c), np.float32)
    values = (
        [torch.from_numpy(a) for a in (mean, variance, gamma, beta)] if torch else []
    )
    g = np.ones_like(x)

    def stored(t):
        return F.batch_norm(t, values[0], values[1], values[2], values[3])

    def trained(t):
        return F.batch_norm(t, None, None, values[2], values[3], True)

    def train_both():
        _, saved = norms.batch_norm(x, gamma, beta)
        return norms.batch_norm_back(g, saved, gamma)

    yield (
        "global average",
        lambda: cells.adaptive_pool(x, 1),
        lambda t: F.adaptive_avg_pool2d(t, 1),
    )
    yield (
        "batch norm eval",
        lambda: norms.batch_norm_stored(x, gamma, beta, mean, variance),
        stored,
    )
    yield "batch norm train", lambda: norms.batch_norm(x, gamma, beta), trained
    yield "  and back", train_both, trained, "back"


def activations(shape, last):
    x = laid(np.random.default_rng(0).random(shape, np.float32), last)
    g = np.ones_like(x)

    def relu_both():
        y = pointwise.activation(x, "relu")
        return pointwise.activation_back(g, x, y, "relu")

    for name, run in (
        ("relu", F.relu),
        ("gelu", F.gelu),
        ("silu", F.silu),
        ("sigmoid", torch.sigmoid if torch else None),
    ):
        yield name, lambda name=name: pointwise.activation(x, name), run
    yield "relu and back", relu_both, F.relu if torch else None, "back"


def flat():
    random = np.random.default_rng(0)
    z, t = random.random((64, 1000), np.float32), random.integers(0, 1000, 64)
    labels = torch.from_numpy(t) if torch else None
    x, w, b = (random.random(s, np.float32) for s in ((64, 512), (1000, 512), 1000))
    g, table = np.ones((64, 1000), np.float32), random.random((10000, 128), np.float32)
    rows, into = random.integers(0, 10000, 2048), np.ones((2048, 128), np.float32)

    def linear_both():
        dense.linear(x, w, b)
        return dense.linear_back(g, x, w)

    yield (
        "softmax-CE, both",
        z,
        lambda: losses.cross_entropy(z, t),
        lambda z: F.cross_entropy(z, labels),
        "back",
    )
    yield (
        "linear",
        x,
        lambda: dense.linear(x, w, b),
        lambda x: F.linear(x, torch.from_numpy(w), torch.from_numpy(b)),
    )
    yield (
        "layer norm",
        x,
        lambda: norms.layer_norm(x),
        lambda x: F.layer_norm(x, (512,)),
    )
    yield (
        "embedding, back",
        table,
        lambda: dense.embedding_back(into, rows, 10000),
        lambda w: F.embedding(torch.from_numpy(rows), w),
        "back",
    )
    yield "linear and back", x, linear_both, None


def show(label, ours, theirs):
    sides = {"ours": ours} if theirs is None else {"theirs": theirs, "ours": ours}
    ms = {name: 1e3 * seconds for name, seconds in blocks(sides, PACE).items()}
    if theirs is None:
        print(f"{label:40}{ms['ours']:10.4f}")
        return
    mine, other = ms["ours"], ms["theirs"]
    print(f"{label:40}{mine:10.4f}{other:10.4f}{mine / other:8.2f}")


def against(run, x, back):
    """PyTorch's run on the same array; None without PyTorch."""
    if torch is None or run is None:
        return None
    t = torch.from_numpy(x)
    if back:
        return there_and_back(run, t)

    def once():
        with torch.no_grad():
            return run(t)

    return once


def toy():
    """µs a call of a two-layer network, batch 8."""
    net = sequence(
        ("a", layer["linear"](32)),
        ("r", layer["activation"]()),
        ("b", layer["linear"](10)),
    )
    x, g = np.ones((8, 16), np.float32), np.ones((8, 10), np.float32)
    weights = {n: w.astype(np.float32) for n, w in random_weights(net, x.shape).items()}
    for fast in (False, True):
        runs = {
            "there": lambda fast=fast: forward(net, x, weights=weights, fast=fast),
            "back": lambda fast=fast: pulled(net, x, weights=weights, fast=fast)[1](g),
        }
        there, back = (1e3 * seconds for seconds in blocks(runs, PACE).values())
        print(
            f"MLP 16-32-10, batch 8, {'fast' if fast else 'plain'}: {1e3 * there:.0f} µs forward, {1e3 * back:.0f} µs with its gradients"
        )


def pooling_and_norms():
    """(label, ours, PyTorch's or None) of pooling and batch norm, channels first and last."""
    for last in (False, True):
        for shape, *how in WINDOWS:
            x = laid(np.random.default_rng(0).random(shape, np.float32), last)
            for name, ours, theirs, *back in pools(shape, *how, last):
                label = f"{name} {how[0]}/{how[1]} {titled(shape, last)}"
                yield label, ours, against(theirs, x, back)
        yield from of_maps(norms_of, last)


def of_maps(layers, last):
    """(label, ours, PyTorch's or None) of some layers on each of MAPS."""
    for shape in MAPS:
        x = laid(np.random.default_rng(0).random(shape, np.float32), last)
        for name, ours, theirs, *back in layers(shape, last):
            yield f"{name} {titled(shape, last)}", ours, against(theirs, x, back)


def titled(shape, last):
    """N×C×H×W, and whether channels lie last."""
    return "x".join(map(str, shape)) + (" last" if last else "")


def main():
    print(f"{'float32, one thread, ms':40}{'ours':>10}{'PyTorch':>10}{'ratio':>8}")
    if torch is not None:
        torch.set_num_threads(1)
    for one in pooling_and_norms():
        show(*one)
    for last in (False, True):
        for one in of_maps(activations, last):
            show(*one)
    for name, x, ours, theirs, *back in flat():
        show(name, ours, against(theirs, x, back))
    toy()


if __name__ == "__main__":
    main()
