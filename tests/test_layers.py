"""Every layer of the registry run in NumPy: the arrays agree with what it states.

Its output shape, its tensors and, where only products are counted, its multiply-adds.
Sizes are distinct primes where the layer allows it, so that a swapped axis cannot hide.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput
from solver.expressions.nodes import evaluate
from solver.networks.combine import branches, residual, sequence
from solver.networks.layers import layer, show_shape
from solver.networks.net import network
from solver.networks.pointwise import ACTIVATIONS
from solver.numeric import plain
from solver.numeric.forward import forward, listed, random_weights, rows_of, tensors
from solver.numeric.leaves import RUNS

CLASSES = 11  # of embeddings, so that indices fit the table


def case(name, *shapes, **fields):
    """A layer by its registered name, with input shapes that it takes."""
    told = [f"{k}={v}".replace(" ", "") for k, v in fields.items()]
    label = " ".join([name, *map(show_shape, shapes), *told])
    return built(label, layer[name](**fields), *shapes)


def built(label, one, *shapes):
    return pytest.param(one, shapes, id=label.replace("×", "x"))


def conv(*shapes, **fields):
    return case("conv", *shapes, **{"out_channels": 5, "kernel": 3} | fields)


def up(*shapes, **fields):
    return case("conv-transpose", *shapes, **{"out_channels": 5, "kernel": 3} | fields)


IMAGE, WIDE = (2, 3, 11, 13), (2, 3, 13, 17)
SMALL = sequence(
    ("conv", layer["conv"](5, 3)),
    ("bn", layer["batch-norm"]()),
    ("relu", layer["activation"]()),
    ("pool", layer["adaptive-pool"]()),
    ("flatten", layer["flatten"]()),
    ("fc", layer["linear"](7)),
)
THREE = ("reduce", layer["conv"](7, 1)), ("conv", layer["conv"](2, 3, padding=1))
MODULE = branches(
    ("one", layer["conv"](5, 1)),
    ("three", sequence(*THREE)),
    ("pool", layer["pool"](3, 1, padding=1)),
)
BODY = ("conv", layer["conv"](3, 3, padding=1)), ("norm", layer["batch-norm"]())
BLOCK = residual(("body", sequence(*BODY)), ("shortcut", sequence()))

EXAMPLES = [
    conv(IMAGE),
    conv((3, 11, 13)),
    conv(IMAGE, bias=False),
    conv(IMAGE, stride=2),
    conv(IMAGE, stride=(2, 3), padding=(1, 2)),
    conv(WIDE, kernel=(5, 2), dilation=(2, 3)),
    conv(WIDE, kernel=(1, 7), padding=(0, 3)),
    conv(WIDE, kernel=4, padding="same", dilation=(1, 3)),
    conv(IMAGE, padding="valid"),
    conv(IMAGE, padding=2, padding_mode="reflect"),
    conv(IMAGE, padding=(3, 1), padding_mode="circular", stride=2),
    conv(IMAGE, padding=(1, 4), padding_mode="replicate"),
    conv((2, 6, 11, 13), out_channels=9, groups=3),
    conv((2, 7, 11, 13), out_channels=14, groups=7, stride=3),
    conv((2, 3, 17), dims=1, kernel=5, stride=2, padding=1),
    conv((3, 17), dims=1, dilation=4),
    conv((2, 3, 7, 11, 13), dims=3, kernel=(2, 3, 5), stride=(1, 2, 3)),
    conv((0, 3, 11, 13)),
    up(IMAGE),
    up((3, 5, 7), bias=False),
    up(IMAGE, stride=2, padding=1, output_padding=1),
    up(IMAGE, stride=(2, 3), padding=(0, 2), output_padding=(1, 2), kernel=(3, 5)),
    up(IMAGE, dilation=(2, 3), output_padding=1),
    up((2, 6, 5, 7), groups=3, out_channels=9, stride=2),
    up((2, 3, 11), dims=1, stride=3, padding=2, kernel=7),
    up((2, 3, 2, 5, 7), dims=3, stride=2, kernel=(2, 3, 4)),
    case("pool", IMAGE, kernel=2),
    case("pool", (3, 11, 13), kernel=(2, 3)),
    case("pool", IMAGE, kernel=3, stride=2, padding=1),
    case("pool", IMAGE, kernel=3, stride=2, ceil_mode=True),
    case("pool", WIDE, kernel=2, stride=3, padding=1, ceil_mode=True),
    case("pool", WIDE, kernel=(2, 3), stride=(5, 4), ceil_mode=True),
    case("pool", WIDE, kernel=3, dilation=(2, 4), stride=1),
    case("pool", (2, 3, 17), kernel=5, stride=3, dims=1),
    case("pool", (2, 3, 7, 11, 13), kernel=(2, 3, 5), dims=3),
    case("pool", IMAGE, kernel=3, stride=2, padding=1, mode="avg"),
    case("pool", IMAGE, kernel=3, stride=2, ceil_mode=True, mode="avg"),
    case("pool", IMAGE, kernel=2, padding=1, mode="avg", count_include_pad=False),
    case("pool", (2, 3, 17), kernel=5, stride=4, mode="avg", dims=1),
    case("pool", IMAGE, kernel=(2, 3), mode="lp"),
    case("pool", IMAGE, kernel=5, stride=3, ceil_mode=True, mode="lp", norm_type=4),
    case("adaptive-pool", IMAGE),
    case("adaptive-pool", IMAGE, output=(5, 7)),
    case("adaptive-pool", IMAGE, output=(17, None), mode="max"),
    case("adaptive-pool", (3, 11), output=5, dims=1),
    case("adaptive-pool", (2, 3, 5, 7, 11), output=(2, 3, 7), dims=3),
    case("adaptive-pool", IMAGE, output=0),
    case("adaptive-pool", (11, 13)),
    case("linear", (2, 7), out_features=5),
    case("linear", (7,), out_features=5, bias=False),
    case("linear", (2, 3, 5, 7), out_features=11),
    case("bilinear", (2, 3), (2, 5), out_features=7),
    case("bilinear", (2, 11, 3), (2, 11, 5), out_features=7, bias=False),
    case("embedding", (2, 7), num_embeddings=CLASSES, embedding_dim=5),
    case("embedding", (), num_embeddings=CLASSES, embedding_dim=5, padding_idx=-1),
    case("matmul", (2, 3), (3, 5)),
    case("matmul", (7, 1, 2, 3), (5, 3, 11)),
    case("matmul", (3,), (2, 3, 5)),
    case("matmul", (2, 5, 3), (3,)),
    case("matmul", (3,), (3,)),
    case("batch-norm", IMAGE),
    case("batch-norm", (5, 3), affine=False),
    case("batch-norm", (2, 3, 7), dims=1, track=False),
    case("batch-norm", (2, 3, 5, 7, 11), dims=3, features=3),
    case("layer-norm", IMAGE),
    case("layer-norm", (2, 7, 5), shape=(7, 5), bias=False),
    case("layer-norm", (5,), affine=False),
    case("rms-norm", (2, 7, 5)),
    case("rms-norm", (2, 7, 5), shape=(7, 5)),
    case("group-norm", (2, 6, 11, 13), groups=3),
    case("group-norm", (2, 6), groups=2, affine=False),
    case("instance-norm", IMAGE),
    case("instance-norm", (2, 3, 11), affine=True),
    case("local-response-norm", (2, 7, 11, 13)),
    case("local-response-norm", (2, 7, 11, 13), size=4),
    *(case("activation", IMAGE, function=f) for f in ACTIVATIONS),
    case("activation", (2, 7), function="softmax"),
    case("dropout", IMAGE),
    case("dropout", IMAGE, channels=True, p=0.2),
    case("identity", IMAGE),
    case("flatten", IMAGE),
    case("flatten", (2, 3, 5, 7, 11), start_dim=-4, end_dim=3),
    case("unflatten", (2, 30, 7), dim=1, shape=(2, 3, 5)),
    case("unflatten", (2, 7, 15), dim=-1, shape=(3, -1)),
    case("pad", IMAGE, padding=2),
    case("pad", IMAGE, padding=(1, 2, 3, 5)),
    case("pad", IMAGE, padding=(-1, 2, 3, -5)),
    case("pad", (2, 3, 7), padding=(1, 2), dims=1),
    case("tokens", IMAGE),
    case("tokens", (2, 3, 7)),
    case("class-token", (2, 7, 5)),
    case("positions", (2, 7, 5)),
    case("select", (2, 7, 5)),
    case("select", IMAGE, dim=-2, index=-3),
    case("unfold", IMAGE, kernel=(2, 3)),
    case("unfold", WIDE, kernel=(3, 2), stride=(2, 3), padding=(1, 0), dilation=(2, 1)),
    case("unfold", (3, 11, 13), kernel=5),
    case("fold", (2, 18, 110), output=(11, 13), kernel=(2, 3)),
    case("fold", (12, 30), output=(11, 13), kernel=2, stride=2),
    case("fold", (2, 18, 63), output=(13, 17), kernel=3, stride=2, padding=1),
    case("fold", (2, 12, 117), output=(11, 17), kernel=(2, 3), dilation=(2, 2)),
    case("pixel-shuffle", (2, 12, 5, 7), factor=2),
    case("pixel-shuffle", (18, 5, 7), factor=3),
    case("pixel-unshuffle", (2, 3, 10, 14), factor=2),
    case("interpolate", IMAGE, scale=2),
    case("interpolate", (2, 3, 11), scale=0.34, mode="linear"),
    case("interpolate", IMAGE, size=(17, 5), mode="nearest-exact"),
    case("interpolate", IMAGE, size=(5, 23), mode="bilinear", align_corners=True),
    case("interpolate", IMAGE, scale=(2.7, 0.4), mode="bicubic"),
    case("interpolate", IMAGE, scale=1.43, mode="bilinear", recompute=True),
    case("interpolate", (2, 3, 5, 7, 11), size=(7, 11, 3), mode="trilinear"),
    case("interpolate", IMAGE, scale=0.33, mode="area"),
    case("rnn", (7, 2, 5), hidden=3),
    case("rnn", (7, 5), hidden=3, layers=2, bias=False),
    case("rnn", (2, 7, 5), hidden=3, batch_first=True, bidirectional=True, layers=2),
    case("lstm", (7, 2, 5), hidden=3),
    case("lstm", (2, 7, 5), hidden=3, batch_first=True, bidirectional=True, layers=2),
    case("lstm", (7, 2, 11), hidden=5, proj=3, layers=2, bidirectional=True),
    case("gru", (7, 2, 5), hidden=3),
    case("gru", (7, 5), hidden=3, layers=3, bidirectional=True),
    case("attention", (2, 7, 6), heads=3),
    case("attention", (7, 6), heads=2, need_weights=True),
    case("attention", (7, 2, 6), heads=2, batch_first=False, need_weights=True),
    case("attention", (2, 7, 6), (2, 5, 6), (2, 5, 6), heads=3, bias=False),
    case("attention", (2, 7, 6), (2, 5, 3), (2, 5, 11), heads=2, kdim=3, vdim=11),
    case(
        "attention",
        (2, 7, 6),
        (2, 5, 6),
        (2, 5, 6),
        heads=3,
        add_bias_kv=True,
        add_zero_attn=True,
        need_weights=True,
    ),
    case("sparse-conv", (2, 6, 11, 13), groups=((6, 3), (6, 4), (3, 4), (1, 6))),
    case("sparse-conv", (7, 11, 13), groups=((2, 3), (5, 2)), kernel=3, bias=False),
    case("subsample", IMAGE),
    case("subsample", (3, 11, 13), kernel=5, bias=False),
    case("rbf", (2, 7)),
    case("rbf", (2, 5, 7), classes=3),
    case("concat", (2, 3, 7), (2, 5, 7), (2, 11, 7)),
    case("concat", (2, 3, 7), (2, 3, 11), dim=-1),
    case("add", IMAGE, IMAGE),
    case("add", IMAGE, (3, 1, 1), (13,)),
    built("sequential", SMALL, IMAGE),
    built("sequential of none", sequence(), IMAGE),
    built("branches", MODULE, IMAGE),
    built("residual", BLOCK, IMAGE),
    built("aside", layer["aside"](SMALL), IMAGE),
]
NOT_RUN = {"custom": "an operation known by name and output shape only"}


def ran(one, shapes, weights=None, **how):
    """The layer's output on seeded inputs; indices where it looks rows up."""
    random = np.random.default_rng(1)
    looks_up = isinstance(one, layer["embedding"])
    inputs = [
        random.integers(0, CLASSES, s) if looks_up else random.normal(size=s)
        for s in shapes
    ]
    weights = random_weights(one, *shapes) if weights is None else weights
    return forward(one, *inputs, weights=weights, **how)


def shape_of(y):
    return tuple(map(shape_of, y)) if isinstance(y, tuple) else y.shape


def flat(y):
    return np.concatenate(list(map(flat, y))) if isinstance(y, tuple) else y.ravel()


def test_every_layer_has_an_example():
    classes = {type(p.values[0]) for p in EXAMPLES}
    missing = [n for n, c in layer.items() if c not in classes and n not in NOT_RUN]
    assert not missing, f"give {missing} an example, or a reason in NOT_RUN"
    assert {c for _, c in layer.items()} <= set(RUNS)


@pytest.mark.parametrize("one, shapes", EXAMPLES)
def test_shape(one, shapes):
    y = ran(one, shapes)
    assert shape_of(y) == one.out(*shapes) == one.recount(*shapes)
    assert np.isfinite(flat(y)).all()


@pytest.mark.parametrize("one, shapes", EXAMPLES)
def test_training_keeps_the_shape(one, shapes):
    y = ran(one, shapes, training=True)
    assert shape_of(y) == one.out(*shapes)
    assert (flat(y) == flat(ran(one, shapes, training=True))).all()


SETTINGS = [
    ("conv", {"out_channels": 5, "kernel": 3, "padding": 1}, "padding_mode", "reflect"),
    ("pool", {"kernel": 3, "padding": 1, "mode": "avg"}, "count_include_pad", False),
    ("pool", {"kernel": 3, "mode": "lp"}, "norm_type", 4),
    ("pool", {"kernel": 3}, "mode", "avg"),
    ("adaptive-pool", {"output": 5}, "mode", "max"),
    ("group-norm", {"groups": 1}, "groups", 3),
    ("local-response-norm", {}, "size", 3),
    ("activation", {}, "function", "tanh"),
    ("dropout", {}, "p", 0.3),
    ("dropout", {}, "channels", True),
    ("select", {"dim": 2}, "index", 7),
    ("interpolate", {"scale": 1.43, "mode": "bilinear"}, "recompute", True),
    ("interpolate", {"scale": 1.43, "mode": "bilinear"}, "align_corners", True),
    ("interpolate", {"size": 5, "mode": "bilinear"}, "mode", "bicubic"),
]


@pytest.mark.parametrize("name, fields, field, value", SETTINGS)
def test_a_setting_that_keeps_the_shape_changes_the_values(name, fields, field, value):
    one, other = layer[name](**fields), layer[name](**fields | {field: value})
    y, z = (ran(each, [IMAGE], training=True) for each in (one, other))
    assert y.shape == z.shape and not np.allclose(y, z)


def test_the_number_of_heads_counts():
    x = (2, 7, 6)
    weights = random_weights(layer["attention"](2), x)
    y, z = (ran(layer["attention"](heads), [x], weights) for heads in (2, 3))
    assert y.shape == z.shape and not np.allclose(y, z)


def test_inputs_are_taken_in_order():
    a, b = np.zeros((2, 3)), np.ones((2, 5))
    assert (
        forward(layer["concat"](), a, b, weights={}).tolist() == [[0] * 3 + [1] * 5] * 2
    )
    a, b = np.array([[1, 2]]), np.array([[3], [4]])
    assert forward(layer["matmul"](), a, b, weights={}).tolist() == [[11]]
    both = sequence(("first", layer["linear"](1)), ("then", layer["activation"]()))
    weights = {"first.weight": np.array([[2]]), "first.bias": np.array([-5])}
    assert forward(both, np.array([[1], [4]]), weights=weights).tolist() == [[0], [3]]


class Read(dict):
    """Weights that remember which of them were read."""

    def __init__(self, *args):
        super().__init__(*args)
        self.read = set()

    def __getitem__(self, name):
        self.read.add(name)
        return super().__getitem__(name)


@pytest.mark.parametrize("one, shapes", EXAMPLES)
def test_weights_are_those_stated_and_each_is_used(one, shapes):
    weights = random_weights(one, *shapes)
    stated = one.weights(*shapes)
    assert {n: w.shape for n, w in weights.items() if n in stated} == stated
    read = Read(weights)
    before = ran(one, shapes, read, training=isinstance(one, layer["aside"]))
    assert read.read == set(weights)
    if isinstance(one, layer["aside"]) or flat(before).size == 0:
        return  # a side path is counted, but its output goes nowhere
    for name, w in weights.items():
        moved = weights | {name: w + np.linspace(0.1, 0.5, w.size).reshape(w.shape)}
        assert not np.allclose(flat(ran(one, shapes, moved)), flat(before)), name


@pytest.mark.parametrize("one, shapes", EXAMPLES)
def test_a_missing_unknown_or_misshapen_tensor_is_noticed(one, shapes):
    weights = random_weights(one, *shapes)
    train = {"training": True}  # in which a side path runs as well
    with pytest.raises(BadInput, match="no tensor surplus"):
        ran(one, shapes, weights | {"surplus": np.zeros(1)}, **train)
    for name, w in weights.items():
        with pytest.raises(BadInput, match=f"{name} is missing"):
            ran(one, shapes, {n: w for n, w in weights.items() if n != name}, **train)
        longer = [(0, 1)] + [(0, 0)] * (w.ndim - 1)
        for wrong in (np.pad(w, longer), w[..., :-1], w[None]):
            with pytest.raises(BadInput, match=f"{name} must be"):
                ran(one, shapes, weights | {name: wrong}, **train)


def test_custom_operation_is_refused():
    with pytest.raises(BadInput, match="attend is known by name"):
        forward(layer["custom"]("attend"), np.zeros(IMAGE), weights={})


def test_layer_without_a_forward_pass_is_refused():
    class Odd(layer["identity"]):
        pass

    with pytest.raises(BadInput, match="no forward pass of Odd"):
        forward(Odd(), np.zeros(2), weights={})


def test_several_outputs_are_not_passed_on():
    one = sequence(layer["lstm"](5), layer["dropout"]())
    with pytest.raises(BadInput):
        ran(one, [(7, 2, 3)])


def test_letters_are_refused():
    from solver.expressions.nodes import Sym

    with pytest.raises(BadInput, match="weight is C×7: put in numbers"):
        forward(layer["linear"](Sym("C")), np.zeros((2, 7)), weights={})


def test_index_outside_the_table_is_refused():
    one = layer["embedding"](3, 5)
    with pytest.raises(BadInput, match="go from 0 to 3, the table's rows from 0 to 2"):
        forward(one, np.arange(4), weights=random_weights(one, (4,)))


def test_random_weights_are_seeded():
    one, again, other = (random_weights(SMALL, IMAGE, seed=s) for s in (1, 1, 2))
    assert all((one[n] == again[n]).all() for n in one)
    assert not any((one[n] == other[n]).all() for n in one)
    assert set(one) == set(tensors(SMALL, IMAGE))
    assert (one["bn.variance"] > 0).all()


# -- whole networks ------------------------------------------------------------------


@pytest.mark.parametrize("name", network.names())
def test_no_two_tensors_of_a_network_share_a_name(name):
    net = network[name]()
    names = [t.name for t in listed(rows_of(net.layer, (1, *net.input)))]
    assert len(names) == len(set(names))
    assert set(net.layer.weights((1, *net.input))) <= set(names)


@pytest.mark.parametrize(
    "name", ["lenet5", "lenet5-modern", "inception-3a", "resnet20", "squeezenet1.1"]
)
def test_network_runs(name):
    net = network[name]()
    shape = (1, *net.input)
    y = ran(net.layer, [shape])
    assert y.shape == net.layer.out(shape)
    assert np.isfinite(y).all() and np.ptp(y) > 0


# -- multiply-adds: count the multiplications that happen ----------------------------


class Counted(float):
    """A number that counts how often it is multiplied."""

    products = 0

    def __mul__(self, other):
        Counted.products += 1
        return Counted(float(self) * float(other))

    __rmul__ = __mul__

    def exp(self):
        return Counted(math.exp(self))

    def log(self):
        return Counted(math.log(self))

    def tanh(self):
        return Counted(math.tanh(self))


for operation in ("add", "radd", "sub", "rsub", "truediv"):
    bare = getattr(float, f"__{operation}__")

    def kept(self, other, bare=bare):
        return Counted(bare(float(self), float(other)))

    setattr(Counted, f"__{operation}__", kept)


PRODUCTS = [
    conv((2, 3, 5, 7)),
    conv((2, 6, 5, 7), out_channels=9, groups=3, stride=2, padding=1),
    conv((3, 11), dims=1, dilation=2),
    up((2, 3, 5, 7), stride=2, padding=1, output_padding=1),
    up((2, 6, 5, 3), groups=3, out_channels=9, dilation=2),
    case("linear", (2, 3, 7), out_features=5),
    case("matmul", (7, 1, 2, 3), (5, 3, 11)),
    case("matmul", (3,), (3,)),
    case("sparse-conv", (6, 5, 7), groups=((6, 3), (6, 4), (1, 6)), kernel=3),
    case("rnn", (7, 2, 5), hidden=3, layers=2, bidirectional=True),
    case("attention", (2, 7, 6), heads=3),
    case("attention", (2, 7, 6), (2, 5, 3), (2, 5, 11), heads=2, kdim=3, vdim=11),
    case("attention", (7, 6), heads=2, add_bias_kv=True, add_zero_attn=True),
]


@pytest.mark.parametrize("one, shapes", PRODUCTS)
def test_multiply_adds_are_the_multiplications_that_happen(one, shapes):
    counted = np.vectorize(Counted, otypes=[object])
    inputs = [counted(np.random.default_rng(1).normal(size=s)) for s in shapes]
    weights = {n: counted(w) for n, w in random_weights(one, *shapes).items()}
    Counted.products = 0
    forward(one, *inputs, weights=weights)
    stated = int(evaluate(one.macs(shapes, one.out(*shapes))))
    assert Counted.products == stated == one.tally(*shapes)


# -- laws of the sizes ---------------------------------------------------------------

sizes = st.integers(1, 13)
few = st.integers(1, 4)


@st.composite
def windows(draw):
    """An axis: input, kernel, stride, padding, dilation."""
    return draw(sizes), draw(few), draw(few), draw(st.integers(0, 3)), draw(few)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(windows(), min_size=1, max_size=3), st.sampled_from([1, 3]), few)
def test_convolution_has_the_size_that_its_layer_states(axes, groups, filters):
    sides, ks, ss, ps, ds = map(tuple, zip(*axes))
    shape, dims = (2, 3, *sides), len(axes)
    one = layer["conv"](filters * groups, ks, ss, ps, ds, groups, dims=dims)
    x = np.zeros(shape)
    weight = np.zeros((filters * groups, 3 // groups, *ks))
    how = {"stride": ss, "padding": ps, "dilation": ds, "groups": groups}
    try:
        stated = one.out(shape)
    except BadInput:  # then the array has no room for a window either
        with pytest.raises(ValueError):
            plain.conv(x, weight, **how)
    else:
        assert plain.conv(x, weight, **how).shape == stated == one.recount(shape)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(windows(), min_size=1, max_size=2),
    st.booleans(),
    st.sampled_from(["max", "avg"]),
)
def test_pooling_has_the_size_that_its_layer_states(axes, ceil_mode, mode):
    sides, ks, ss, ps, ds = map(tuple, zip(*axes))
    ds = ds if mode == "max" else (1,) * len(ds)
    shape, dims = (2, 3, *sides), len(axes)
    one = layer["pool"](ks, ss, ps, ds, ceil_mode, mode, dims=dims)
    try:
        stated = one.out(shape)
    except BadInput:
        return
    y = plain.pool(np.ones(shape), ks, ss, ps, ds, ceil_mode, mode)
    assert y.shape == stated == one.recount(shape)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(windows(), min_size=1, max_size=2), st.integers(0, 3))
def test_transposed_convolution_has_the_size_that_its_layer_states(axes, more):
    sides, ks, ss, ps, ds = map(tuple, zip(*axes))
    shape, dims = (2, 3, *sides), len(axes)
    one = layer["conv-transpose"](5, ks, ss, ps, more, 1, True, ds, dims=dims)
    try:
        stated = one.out(shape)
    except BadInput:
        return
    x, weight = np.zeros(shape), np.zeros((3, 5, *ks))
    y = plain.conv_transpose(x, weight, None, ss, ps, more, 1, ds)
    assert y.shape == stated == one.recount(shape)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(sizes, sizes, st.sampled_from(["nearest", "linear", "area"]), st.booleans())
def test_resizing_reaches_every_size(n, o, mode, scaled):
    wanted = {"scale": o / n} if scaled else {"size": o}
    one = layer["interpolate"](mode=mode, **wanted)
    try:
        stated = one.out((2, 3, n))
    except BadInput:
        return
    y = forward(one, np.ones((2, 3, n)), weights={})
    assert y.shape == stated == one.recount((2, 3, n))
    assert np.allclose(y, 1)
