"""Every layer's chain rule against central differences, its laws, and textbook values.

The comparison is fed gradients that are slightly wrong: it must notice.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput
from solver.networks.combine import branches, residual, sequence
from solver.networks.layers import layer
from solver.networks.notation import read_net
from solver.networks.pointwise import ACTIVATIONS
from solver.numeric import backward_norms
from solver.numeric.backward import PULLS, backward, pulled
from solver.numeric.backward_leaves import BACKS
from solver.numeric.forward import forward, random_weights
from solver.numeric.leaves import RUNS

from .test_layers import CLASSES, EXAMPLES, IMAGE, WIDE, case, conv, up

NONE = {"custom"}  # an operation known by name and output shape only
NUMBER = (2, 7, 11)

MORE = [
    conv(WIDE, kernel=(2, 5), stride=(5, 3), padding=(1, 2)),  # what no window reads
    conv((2, 6, 11, 13), groups=3, out_channels=9, padding=2, padding_mode="circular"),
    conv((2, 3, 7, 11, 13), dims=3, kernel=2, padding=1, padding_mode="replicate"),
    conv((2, 3, 11), dims=1, kernel=4, padding="same", dilation=3),
    conv((2, 2, 3, 4), kernel=(3, 4), padding=(5, 3)),
    up((2, 3, 5, 7), stride=2, dilation=3, output_padding=2),
    up((2, 6, 5, 7), groups=2, out_channels=4, kernel=(1, 4), stride=(3, 1), padding=1),
    case("pool", WIDE, kernel=3, stride=2, padding=1, ceil_mode=True, mode="avg"),
    case("pool", WIDE, kernel=3, stride=(2, 5), padding=1, ceil_mode=True),
    case("pool", (2, 3, 13, 14), kernel=4, stride=3, padding=2, ceil_mode=True,
         mode="avg", count_include_pad=False),
    case("pool", (2, 3, 5, 7, 11), kernel=3, stride=2, mode="avg", dims=3),
    case("pool", IMAGE, kernel=3, mode="lp", norm_type=6),
    case("pool", IMAGE, kernel=3, mode="lp", norm_type=1),
    case("adaptive-pool", IMAGE, output=(5, 17), mode="max"),
    case("batch-norm", (5, 3)),
    case("group-norm", (2, 6, 11), groups=2),
    case("layer-norm", (2, 7, 5, 3), shape=(5, 3)),
    case("local-response-norm", (2, 7, 3, 5), size=4),
    case("local-response-norm", (2, 7, 11), size=1),
    case("dropout", NUMBER, p=0.7),
    case("dropout", IMAGE, p=0.3, channels=True),
    case("pad", IMAGE, padding=(-1, 2, 3, -4)),
    case("interpolate", IMAGE, size=(7, 5), mode="area"),
    case("interpolate", (2, 3, 1), size=7, mode="linear", align_corners=True),
    *(case("activation", NUMBER, function=f) for f in ACTIVATIONS),
    *(case("activation", IMAGE, function=f) for f in ("softmax", "log-softmax", "softmin")),
]  # fmt: skip
CASES = [p for p in [*EXAMPLES, *MORE] if type(p.values[0]) in {*BACKS, *PULLS}]


def inputs_of(one, shapes, seed=1):
    """Seeded inputs; indices where it looks rows up."""
    random = np.random.default_rng(seed)
    if isinstance(one, layer["embedding"]):
        return [random.integers(0, CLASSES, s) for s in shapes]
    return [random.normal(size=s) for s in shapes]


def like(y, random):
    """A gradient of the output's shape, nested where there are several."""
    if isinstance(y, tuple):
        return tuple(like(part, random) for part in y)
    return random.normal(size=y.shape)


def product(y, g):
    """⟨y, g⟩, the sum over all outputs."""
    return sum(map(product, y, g)) if isinstance(y, tuple) else (y * g).sum()


def holds(one, shapes, training, spoil=None, h=1e-6, rtol=1e-5):
    """Whether every gradient is the central difference of Σ g y, along seeded directions.

    Each direction moves one tensor, all its entries or just one. `spoil` changes the
    gradients first: what it does to them must be noticed.
    """
    inputs, weights = inputs_of(one, shapes), random_weights(one, *shapes)
    how = {"training": training, "seed": 5}
    random = np.random.default_rng(3)
    g = like(forward(one, *inputs, weights=weights, **how), random)
    of_inputs, of_weights = backward(one, *inputs, weights=weights, gradient=g, **how)
    tensors = {**weights, **dict(enumerate(inputs))}
    found = {**of_weights, **dict(enumerate(of_inputs))}
    found = {name: gradient for name, gradient in found.items() if gradient is not None}
    assert {n: f.shape for n, f in found.items()} == {n: tensors[n].shape for n in found}
    if spoil:
        found = spoil(found)

    def loss(at):
        x = [at[i] for i in range(len(inputs))]
        w = {name: at[name] for name in weights}
        return product(forward(one, *x, weights=w, **how), g)

    for name, gradient in found.items():
        size = gradient.size
        steps = [random.normal(size=gradient.shape) for _ in range(3)]
        steps += [np.eye(1, size, random.integers(size)).reshape(gradient.shape)
                  for _ in range(7 if size else 0)]  # fmt: skip
        for v in steps:
            up_, down = ({**tensors, name: tensors[name] + k * h * v} for k in (1, -1))
            wanted, got = (loss(up_) - loss(down)) / (2 * h), (gradient * v).sum()
            if abs(wanted - got) > rtol * max(abs(wanted), abs(got)) + 1e-7:
                return False
    return True


def test_every_layer_that_runs_forward_runs_backward():
    without = set(RUNS) - set(BACKS) - set(PULLS)
    assert without == {layer[name] for name in NONE}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("one, shapes", CASES)
def test_gradients_are_the_central_differences(one, shapes, training):
    assert holds(one, shapes, training)


# -- the comparison must notice ------------------------------------------------------


def scaled(found):
    """Every gradient off by 0.1 %."""
    return {name: 1.001 * g for name, g in found.items()}


def transposed(found):
    """The weight's gradient for its transpose, read in the same shape."""
    return {n: g.T.reshape(g.shape) if n == "weight" else g for n, g in found.items()}


SPOILT = [
    (conv(IMAGE, stride=2, padding=1), scaled),
    (conv(IMAGE), transposed),
    (up(IMAGE, stride=2), scaled),
    (up((2, 3, 5, 7)), transposed),
    (case("linear", (2, 7), out_features=5), scaled),
    (case("linear", (2, 7), out_features=5), transposed),
    (case("bilinear", (2, 3), (2, 5), out_features=7), transposed),
    (case("pool", IMAGE, kernel=3, stride=2), scaled),
    (case("local-response-norm", (2, 7, 5, 3)), scaled),
    (case("activation", NUMBER, function="softmax"), scaled),
]


@pytest.mark.parametrize("case_, spoil", SPOILT, ids=lambda p: getattr(p, "id", None) or getattr(p, "__name__", None))
def test_a_wrong_gradient_is_noticed(case_, spoil):
    assert holds(*case_.values, training=True)
    assert not holds(*case_.values, training=True, spoil=spoil)


def without(path):
    """The three paths of batch norm's gradient by its input, one of them left out."""

    def of_standard(gradient, x, over, eps=1e-5):
        m = x[tuple(slice(None) if i in over else 0 for i in range(x.ndim))].size
        apart, root = x - x.mean(over, keepdims=True), np.sqrt(x.var(over, keepdims=True) + eps)
        of_variance = -(gradient * apart).sum(over, keepdims=True) / 2 / root**3
        of_mean = -gradient.sum(over, keepdims=True) / root
        paths = {"itself": gradient / root, "variance": of_variance * 2 * apart / m, "mean": of_mean / m}
        return sum(part for name, part in paths.items() if name != path)

    return of_standard


@pytest.mark.parametrize("name", ["batch-norm", "group-norm", "layer-norm", "instance-norm"])
def test_a_missing_path_through_the_statistics_is_noticed(name, monkeypatch):
    one = layer["group-norm"](1) if name == "group-norm" else layer[name]()
    for path in ("nothing", "itself", "variance", "mean"):
        monkeypatch.setattr(backward_norms, "of_standard", without(path))
        assert holds(one, [(2, 3, 5, 7)], training=True) == (path == "nothing"), path


@pytest.mark.parametrize("kind", list(BACKS), ids=lambda k: k.__name__)
def test_every_layers_wrong_gradient_is_noticed(kind, monkeypatch):
    """0.1 % more by every input and weight is found by some example of each layer."""
    right = BACKS[kind]

    def wrong(*args):
        of_inputs, of_weights = right(*args)
        return tuple(None if g is None else 1.001 * g for g in of_inputs), scaled(of_weights)

    monkeypatch.setitem(BACKS, kind, wrong)
    mine = [p for p in CASES if type(p.values[0]) is kind]
    assert any(not holds(*p.values, training=False) for p in mine)


# -- laws ----------------------------------------------------------------------------

few, sizes = st.integers(1, 4), st.integers(1, 9)


@st.composite
def axes(draw):
    """Sides, and the kernel, stride, padding and dilation along each of them."""
    dims = draw(st.integers(1, 2))
    return [[draw(s) for s in (sizes, few, few, st.integers(0, 2), few)] for _ in range(dims)]


@settings(max_examples=120, deadline=None, derandomize=True)
@given(axes(), st.sampled_from(["conv", "conv-transpose"]), st.sampled_from([1, 3]))
def test_convolution_and_its_gradient_are_adjoint(axes, name, groups):
    """⟨conv(x), g⟩ = ⟨x, ∂x⟩ = ⟨w, ∂w⟩, as in every map linear in x and in w; exactly."""
    sides, ks, ss, ps, ds = map(tuple, zip(*axes))
    fields = {"stride": ss, "padding": ps, "dilation": ds, "groups": groups, "bias": False}
    one, shape = layer[name](2 * groups, ks, dims=len(axes), **fields), (2, 3, *sides)
    try:
        out = one.out(shape)
    except BadInput:
        return
    random = np.random.default_rng(len(axes))
    draw = lambda s: random.integers(-9, 10, s).astype(object)  # noqa: E731
    x, g = draw(shape), draw(out)
    weights = {"weight": draw(one.weights(shape)["weight"])}
    (of_x,), of_w = backward(one, x, weights=weights, gradient=g)
    product = (forward(one, x, weights=weights) * g).sum()
    assert product == (x * of_x).sum() == (weights["weight"] * of_w["weight"]).sum()


NAMES = (
    "adaptive-pool", "concat", "add", "matmul", "flatten", "unflatten", "pad", "tokens", "select",
    "unfold", "fold", "pixel-shuffle", "pixel-unshuffle", "interpolate", "identity",
)  # fmt: skip
KINDS = {layer[name] for name in NAMES}
LINEAR = [p for p in CASES if type(p.values[0]) in KINDS and vars(p.values[0]).get("mode") != "max"]


@pytest.mark.parametrize("one, shapes", LINEAR)
def test_linear_layers_and_their_gradients_are_adjoint(one, shapes):
    x = inputs_of(one, shapes)
    y = forward(one, *x, weights={})
    g = np.random.default_rng(7).normal(size=y.shape)
    of_x, _ = backward(one, *x, weights={}, gradient=g)
    inner = [(a * b).sum() for a, b in zip(x, of_x)]
    many = 1 if isinstance(one, layer["matmul"]) else len(x)  # linear in each, or in all
    assert np.isclose(sum(inner) * many / len(x), (y * g).sum())


@settings(max_examples=80, deadline=None, derandomize=True)
@given(axes(), st.booleans(), st.booleans())
def test_average_pooling_hands_on_all_of_the_gradient(axes, ceil_mode, include):
    """⟨pool(x), g⟩ = ⟨x, ∂x⟩, exactly, in fractions."""
    sides, ks, ss, ps, _ = map(tuple, zip(*axes))
    one = layer["pool"](ks, ss, ps, 1, ceil_mode, "avg", include, dims=len(axes))
    shape = (2, 3, *sides)
    try:
        out = one.out(shape)
    except BadInput:
        return
    random = np.random.default_rng(1)
    x, g = (random.integers(-9, 10, s).astype(object) * Fraction(1) for s in (shape, out))
    (of_x,), _ = backward(one, x, weights={}, gradient=g)
    assert (forward(one, x, weights={}) * g).sum() == (x * of_x).sum()


@settings(max_examples=80, deadline=None, derandomize=True)
@given(axes(), st.booleans())
def test_max_pooling_gives_each_gradient_to_one_winner(axes, ceil_mode):
    sides, ks, ss, ps, ds = map(tuple, zip(*axes))
    one = layer["pool"](ks, ss, ps, ds, ceil_mode, dims=len(axes))
    shape = (2, 3, *sides)
    try:
        out = one.out(shape)
    except BadInput:
        return
    random = np.random.default_rng(1)
    x, g = random.integers(0, 3, shape), random.integers(1, 9, out)  # with many ties
    y = forward(one, x, weights={})
    (of_x,), _ = backward(one, x, weights={}, gradient=g)
    met = y > np.iinfo(y.dtype).min  # of a window in the padding nobody wins
    assert of_x.sum() == (g * met).sum()
    assert (of_x * x).sum() == (g * y)[met].sum()


# -- textbook values -----------------------------------------------------------------


def gradients(one, x, g, **weights):
    """By the input, as lists, and by the weights."""
    x = np.array(x, dtype=object)
    weights = {n: np.array(w, dtype=object) for n, w in weights.items()}
    (of_x,), of_w = backward(one, x, weights=weights, gradient=np.array(g, dtype=object))
    return of_x.tolist(), {n: w.tolist() for n, w in of_w.items()}


def test_convolution_by_hand():
    """x 3×3, w 2×2, all of g 1: ∂w sums the windows, ∂x counts which weights met x."""
    one = layer["conv"](1, 2)
    x, w = [[[1, 2, 3], [4, 5, 6], [7, 8, 9]]], [[[[1, 10], [100, 1000]]]]
    of_x, of_w = gradients(one, x, [[[1, 1], [1, 1]]], weight=w, bias=[0])
    assert of_x == [[[1, 11, 10], [101, 1111, 1010], [100, 1100, 1000]]]
    assert of_w == {"weight": [[[[12, 16], [24, 28]]]], "bias": [4]}


def test_the_gradient_of_convolution_is_the_full_convolution():
    """One g in the middle puts the kernel as it stands into ∂x, not flipped."""
    one = layer["conv"](1, 2, bias=False)
    of_x, _ = gradients(one, [[[0] * 3] * 3], [[[0, 0], [0, 1]]], weight=[[[[1, 2], [3, 4]]]])
    assert of_x == [[[0, 0, 0], [0, 1, 2], [0, 3, 4]]]


def test_linear_by_hand():
    """y = x Wᵀ: ∂W = Gᵀ X, ∂x = G W, ∂b the sum of G's rows."""
    of_x, of_w = gradients(
        layer["linear"](2), [[1, 2, 3]], [[10, 100]], weight=[[1, 2, 3], [4, 5, 6]], bias=[0, 0]
    )
    assert of_x == [[410, 520, 630]]
    assert of_w == {"weight": [[10, 20, 30], [100, 200, 300]], "bias": [10, 100]}


TIES = [
    ("the first of equal values", [[5, 5], [5, 5]], [[7, 0], [0, 0]]),
    ("the first, row by row", [[1, 5], [5, 0]], [[0, 7], [0, 0]]),
    ("the largest, if negative too", [[-4, -3], [-2, -9]], [[0, 0], [7, 0]]),
]


@pytest.mark.parametrize("x, wanted", [t[1:] for t in TIES], ids=[t[0] for t in TIES])
def test_max_pooling_ties(x, wanted):
    for one in (layer["pool"](2), layer["adaptive-pool"](1, "max")):
        assert gradients(one, [x], [[[7]]])[0] == [wanted]


def test_overlapping_windows_add_up():
    one = layer["pool"](2, 1, dims=1)
    assert gradients(one, [[1, 9, 1]], [[3, 4]])[0] == [[0, 7, 0]]


def test_average_pooling_divides_by_what_the_forward_pass_divides():
    x, g = [[6, 6, 6]], [[1, 1]]
    for include, wanted in ((True, Fraction(1, 2)), (False, Fraction(1))):
        one = layer["pool"](2, 2, 1, mode="avg", count_include_pad=include, dims=1)
        assert gradients(one, x, g)[0] == [[wanted, Fraction(1, 2), Fraction(1, 2)]]


KINKS = [
    ("relu", [-1, 0, 1], [0, 0, 1]),
    ("relu6", [0, 3, 6], [0, 1, 0]),
    ("leaky-relu", [-1, 0, 1], [0.01, 0.01, 1]),
    ("hardtanh", [-1, 0, 1], [0, 1, 0]),
    ("hardsigmoid", [-3, 0, 3], [0, 1 / 6, 0]),
    ("hardshrink", [-0.5, 0, 0.5, 1], [0, 0, 0, 1]),
    ("softshrink", [-0.5, 0, 0.5, -1], [0, 0, 0, 1]),
    ("threshold", [0, 1], [0, 1]),
    ("elu", [0, 1], [1, 1]),
]


@pytest.mark.parametrize("name, x, wanted", KINKS, ids=[k[0] for k in KINKS])
def test_at_a_kink_the_derivative_is_pytorchs(name, x, wanted):
    x = np.array(x, dtype=float)
    one = layer["activation"](name)
    (of_x,), _ = backward(one, x, weights={}, gradient=np.ones_like(x))
    assert np.allclose(of_x, wanted, rtol=1e-15)


def test_large_values_do_not_overflow():
    x = np.array([[-1e3, -50.0, 50.0, 1e3]])
    for name in ACTIVATIONS:
        one = layer["activation"](name)
        (of_x,), _ = backward(one, x, weights=random_weights(one, x.shape), gradient=np.ones_like(x))
        assert np.isfinite(of_x).all(), name


def test_lp_pooling_of_zeros_has_the_gradient_0():
    one = layer["pool"](2, mode="lp")
    (of_x,), _ = backward(one, np.zeros((1, 2, 2)), weights={}, gradient=np.ones((1, 1, 1)))
    assert (of_x == 0).all()


def test_dropout_drops_the_same_values():
    one, x = layer["dropout"](0.3), np.ones((5, 7))
    for seed in range(3):
        how = {"weights": {}, "training": True, "seed": seed}
        (of_x,), _ = backward(one, x, gradient=x, **how)
        assert (of_x == forward(one, x, **how)).all()
    both = sequence(layer["dropout"](0.3), layer["dropout"](0.6))
    (of_x,), _ = backward(both, x, gradient=x, **how)
    assert np.allclose(of_x, forward(both, x, **how)) and 0 < (of_x == 0).sum() < x.size


def test_the_padding_row_of_an_embedding_is_not_learned():
    one, x = layer["embedding"](5, 2, padding_idx=3), np.array([0, 3, 0])
    of_x, of_w = backward(one, x, weights={"weight": np.ones((5, 2))}, gradient=np.ones((3, 2)))
    assert of_x == (None,)
    assert of_w["weight"].tolist() == [[2, 2], [0, 0], [0, 0], [0, 0], [0, 0]]


# -- networks ------------------------------------------------------------------------


def test_a_fan_out_adds_the_gradients_up():
    """x + 2x + relu(x), at x > 0: every path hands back its part."""
    double = layer["linear"](1, bias=False)
    one = residual(("a", sequence()), ("b", double), ("c", layer["activation"]()))
    weights = {"b.weight": np.array([[2.0]])}
    (of_x,), of_w = backward(one, np.array([[3.0]]), weights=weights, gradient=np.array([[5.0]]))
    assert of_x.tolist() == [[20]] and of_w["b.weight"].tolist() == [[15]]


def test_a_weight_used_twice_gets_both_gradients():
    one = sequence(("fc", layer["linear"](1, bias=False)), ("fc", layer["linear"](1, bias=False)))
    weights = {"fc.weight": np.array([[3.0]])}  # y = w² x
    _, of_w = backward(one, np.array([[5.0]]), weights=weights, gradient=np.array([[1.0]]))
    assert of_w["fc.weight"].tolist() == [[30]]


def test_a_concatenation_hands_each_branch_its_channels():
    one = branches(("a", layer["conv"](3, 1)), ("b", layer["conv"](2, 1)))
    x = inputs_of(one, [IMAGE])[0]
    weights = random_weights(one, IMAGE)
    g = np.zeros(one.out(IMAGE))
    g[:, 3:] = 1
    _, of_w = backward(one, x, weights=weights, gradient=g)
    assert (of_w["a.weight"] == 0).all() and (of_w["b.weight"] != 0).all()


NETWORKS = [
    "2x7x7: conv 3 k3, bn, relu, add[conv 3 k3 p1, bn, relu | ], maxpool 2, flatten, linear 5",
    "2x7x7: [conv 3 k1 | conv 2 k3 p1, relu | maxpool 3 s1 p1], lrn 3, gap, flatten, linear 5",
    "3x8x8: conv 6 k3 p1 g3, gn 2, gelu, dropout 0.4, avgpool 2, flatten, linear 5, softmax",
    "1x5x5: conv 4 k3, prelu, upsample 2, deconv 3 k3 s2, lrn 3, flatten, linear 2",
]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("text", NETWORKS)
def test_networks(text, training):
    net = read_net(text)
    assert holds(net.layer, [(3, *net.input)], training)


@pytest.mark.parametrize("name", ["lenet5", "lenet5-modern", "inception-3a @ 192x5x5"])
def test_bundled_networks(name):
    net = read_net(name)
    assert holds(net.layer, [(1, *net.input)], training=False, rtol=1e-4)


def test_a_side_path_has_a_loss_of_its_own():
    one = sequence(("side", layer["aside"](layer["linear"](3))), ("fc", layer["linear"](2)))
    x = np.ones((2, 5))
    weights = random_weights(one, x.shape)
    (of_x,), of_w = backward(one, x, weights=weights, gradient=np.ones((2, 2)), training=True)
    assert set(of_w) == {"fc.weight", "fc.bias"}
    assert np.allclose(of_x, np.ones((2, 2)) @ weights["fc.weight"])


def test_forward_runs_once_and_gives_what_forward_gives():
    net = read_net(NETWORKS[0])
    shape = (2, *net.input)
    x, weights = inputs_of(net.layer, [shape])[0], random_weights(net.layer, shape)
    y, back = pulled(net.layer, x, weights=weights, training=True, seed=3)
    assert (y == forward(net.layer, x, weights=weights, training=True, seed=3)).all()
    once, again = back(np.ones_like(y)), back(np.ones_like(y))  # it can be asked twice
    assert all((once[1][n] == again[1][n]).all() for n in once[1])


REFUSED = [
    ("no backward pass of Custom", sequence(layer["custom"]("attend")), (2, 3), (2, 3)),
    ("gradient must be 2×5, as the output, not 5×2", layer["linear"](5), (2, 3), (5, 2)),
    ("divisor_override", layer["pool"](2, mode="avg", divisor_override=3), (1, 4, 4), (1, 2, 2)),
]


@pytest.mark.parametrize("says, one, shape, out", REFUSED, ids=[r[0] for r in REFUSED])
def test_what_cannot_be_is_refused_by_name(says, one, shape, out):
    with pytest.raises(BadInput, match=says):
        backward(one, np.ones(shape), weights=random_weights(one, shape), gradient=np.ones(out))


def test_surplus_and_missing_weights_are_refused():
    one, x = layer["linear"](5), np.ones((2, 3))
    weights = random_weights(one, x.shape)
    with pytest.raises(BadInput, match="no tensor surplus; it has weight, bias"):
        backward(one, x, weights=weights | {"surplus": x}, gradient=np.ones((2, 5)))
    with pytest.raises(BadInput, match="bias is missing"):
        backward(one, x, weights={"weight": weights["weight"]}, gradient=np.ones((2, 5)))


def test_indices_have_no_gradient_to_hand_on():
    one = sequence(layer["linear"](2), layer["embedding"](5, 3))
    x = np.zeros((2, 2))
    weights = {"0.weight": np.zeros((2, 2), int), "0.bias": np.zeros(2, int), "1.weight": np.ones((5, 3))}
    with pytest.raises(BadInput, match="no gradient by indices"):
        backward(one, x.astype(int), weights=weights, gradient=np.ones((2, 2, 3)))
