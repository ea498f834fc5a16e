"""Backpropagation: networks as equations and as layers, held against the textbooks' forms
and against differences; what is wrong by a little must be caught."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import pytest

from solver.calculus import backward as sweep_back
from solver.calculus import rules
from solver.calculus.backward import backward
from solver.calculus.entrywise import shortened
from solver.calculus.equations import read
from solver.core import BadInput, CheckFailed
from solver.expressions import matrix as m
from solver.expressions.latex_reader import read_any
from solver.expressions.nodes import Num
from solver.expressions.typeset import unicode
from solver.kinds import solve
from solver.kinds.backprop import proof
from solver.kinds.backprop_algorithm import Program, stepped
from solver.kinds.backprop_zeros import descended
from solver.numeric.prove import equal

MLP = "z1 = x*W1 + b1; a1 = tanh(z1); z2 = a1*W2 + b2; yhat = sigmoid(z2)"
RNN = "h1 = tanh(U*h0 + V*x1); h2 = tanh(U*h1 + V*x2); L = norm2(h2 - y)^2/2"
SHARED = (
    "a1 = x1*w1 + x2*w2; a2 = x2*w1 + x3*w2; o1 = relu(a1); o2 = max(0, a2); "
    "yhat = o1*v1 + o2*v2; l = ln(1 + exp(-y*yhat))"
)
BATCH = "U = X*W1 + b1; H = max(0, U); A = H*W2 + b2; P = softmax(A); F = -sum(T.*log(P))/N"

TEXTBOOK = [
    # Nielsen, Neural Networks and Deep Learning, ch. 2, BP1-BP4 (squared error, one layer)
    ("nielsen-bp1", "z = W*x + b; a = sigmoid(z); C = norm2(a - y)^2/2", "z",
     "(a - y).*a.*(1 - a)"),
    ("nielsen-bp4", "z = W*x + b; a = sigmoid(z); C = norm2(a - y)^2/2", "W",
     "((a - y).*a.*(1 - a))*x'"),
    # Goodfellow, Bengio, Courville, Deep Learning, 6.5.6: cross-entropy at the output
    ("goodfellow-softmax", "z = W*x + b; p = softmax(z); L = -sum(y.*log(p))", "z", "p - y"),
    ("goodfellow-weights", "z = W*x + b; p = softmax(z); L = -sum(y.*log(p))", "W",
     "(p - y)*x'"),
    # Stanford CS231n, neural network case study: dscores = (probs - y)/N, dW = X'dscores
    ("cs231n-scores", BATCH, "A", "(P - T)/N"),
    ("cs231n-W2", BATCH, "W2", "H'*(P - T)/N"),
    ("cs231n-b2", BATCH, "b2", "vector(1)'*(P - T)/N"),
    ("cs231n-W1", BATCH, "W1", "X'*(step(U).*((P - T)*W2'))/N"),
    # Bishop, PRML 4.90: logistic regression, binary cross-entropy
    ("bishop-logistic", "z = w'*x; p = sigmoid(z); L = -(y*log(p) + (1 - y)*log(1 - p))",
     "w", "(p - y)*x"),
    ("sum-of-logs-w2", f"{MLP}; L = sum(y.*log(yhat) + (1-y).*log(1-yhat))", "W2",
     "a1'*(y - yhat)"),
    ("sum-of-logs-w1", f"{MLP}; L = sum(y.*log(yhat) + (1-y).*log(1-yhat))", "W1",
     "x'*(((y - yhat)*W2').*(1 - a1.^2))"),
    # Werbos 1990, backpropagation through time: each use of a weight is one term
    ("bptt-two-steps", RNN, "U",
     "((h2 - y).*(1 - h2.^2))*h1' + ((U'*((h2 - y).*(1 - h2.^2))).*(1 - h1.^2))*h0'"),
    ("shared-filter", SHARED, "w1",
     "-y*sigmoid(-y*yhat)*(v1*step(a1)*x1 + v2*step(a2)*x2)"),
    # He et al. 2016: a residual path adds the identity
    ("residual", "r = x + W*x; L = norm2(r - y)^2/2", "x", "(r - y) + W'*(r - y)"),
]  # fmt: skip
DECLARED = {"nielsen": "y: n", "bishop": "x: n, w: n, y: scalar", "cs231n": "X: N x D"}


@pytest.mark.parametrize("case", TEXTBOOK, ids=lambda c: c[0])
def test_gradients_are_the_textbooks(case):
    name, net, wrt, expected = case
    where = DECLARED.get(name.partition("-")[0])
    answer = solve("backprop net", net=net, wrt=wrt, **({"where": where} if where else {}))
    whole = read(net, where)
    dims = {v.name: v.args[1:3] for v in (*whole.leaves, *(e.var for e in whole.lines))}
    flags = {v.name: v.flags for v in (*whole.leaves, *(e.var for e in whole.lines))}
    wanted = read_any(expected, dims, flags, m.dims(answer.value))
    assert equal(answer.value, wanted), unicode(answer.value)


UPSTREAM = [
    ("U = X*W + b", "X: N x D, W: D x M, b: 1 x M",
     {"W": "X'*G", "X": "G*W'", "b": "vector(1)'*G"}),
    ("Z = max(0, U)", "U: N x M", {"U": "G.*step(U)"}),
    ("Z = W*X + b", "X: D x N, W: M x D, b: M",
     {"W": "G*X'", "X": "W'*G", "b": "G*vector(1)"}),
]  # fmt: skip


@pytest.mark.parametrize("case", UPSTREAM, ids=lambda c: c[0])
def test_a_layer_hands_the_gradient_from_above_on(case):
    net, where, expected = case
    value = solve("backprop net", net=net, where=where).value
    assert {k: str(v) for k, v in value.items()} == expected


def test_layers_and_their_equations_give_the_same():
    layers = solve("backprop net", net="4: linear 5, relu, linear 3, softmax").value
    lines = "z1 = x*W1 + b1; a1 = relu(z1); z2 = a1*W2 + b2; p = softmax(z2); L = -sum(y.*log(p))"
    where = "x: 1 x 4, W1: 4 x 5, b1: 1 x 5, W2: 5 x 3, b2: 1 x 3, y: 1 x 3 rowprob"
    by_hand = solve("backprop net", net=lines, where=where).value
    assert {k: str(v) for k, v in layers.items()} == {k: str(v) for k, v in by_hand.items()}


@pytest.mark.parametrize("batch", [None, "N", 7])
@pytest.mark.parametrize("loss", ["cross-entropy", "bce", "squared", "mse"])
def test_columns_are_the_rows_transposed(loss, batch):
    given = {"net": "4: linear 5, tanh, linear 3", "loss": loss}
    given |= {"batch": batch} if batch else {}
    rows = solve("backprop net", vectors="rows", **given).value
    columns = solve("backprop net", vectors="columns", **given).value
    for name in rows:
        turned = m.dims(columns[name])[::-1]
        assert m.dims(rows[name]) == turned, name


@pytest.mark.parametrize("layer", ["relu", "sigmoid", "tanh", "softplus", "silu", "leaky-relu",
                                   "dropout 0.25", "logsigmoid"])  # fmt: skip
def test_every_layer_that_has_an_equation_is_proved(layer):
    answer = solve("backprop net", net=f"4: linear 5, {layer}, linear 3", loss="squared")
    assert all(c.ok for c in answer.checks) and len(answer.value) == 4


def test_each_path_of_a_shared_weight_is_shown():
    answer = solve("backprop net", net=SHARED, wrt="w1")
    (gradients,) = [s for s in answer.steps if s.rule == "gradients"]
    (line,) = gradients.substeps
    assert [s.rule for s in line.substeps] == ["through a1", "through a2"]


def test_what_is_read_into_undeclared_letters_is_said():
    said = " ".join(solve("backprop net", net=TEXTBOOK[2][1]).conventions)
    assert "y is a column of" in said and "adds up to 1 (labels)" in said
    assert "vectors are columns" in said and "x, y are data" in said


READ = [
    ("z = w'*x + b; p = sigmoid(z); L = -y*log(p) - (1 - y)*log(1 - p)",
     "w is a column of m, x is a column of m, b is a scalar, y is a scalar"),
    ("yhat = X*w + b; L = sum((yhat - y).^2)",
     "X is an m×n matrix, w is a column of n, b is a scalar, y is a column of m"),
    ("z = W*x + b; a = max(0, z); yhat = v'*a; L = (yhat - y)^2/2",
     "W is an m×n matrix, x is a column of n, b is a column of m, v is a column of m, y is a scalar"),
    ("L = (w*x + b - y)^2", "w is a scalar, x is a scalar, b is a scalar, y is a scalar"),
    ("z = W*x; p = softmax(z); L = -sum(w.*y.*log(p))", "w is a column of m, y is a column of m "),
    (r"\mathbf{z} = \mathbf{W}\mathbf{x} + \mathbf{b}; p = \operatorname{softmax}(z); "
     r"L = -\sum_k y_k \log p_k", "x is a column of n, b is a column of m, y is a column of m that"),
    ("h = sigmoid(x*W + b); L = sum(h)", "x is a row of m, W is an m×n matrix, b is a row of n"),
]  # fmt: skip


@pytest.mark.parametrize("case", READ, ids=lambda c: c[0][:40])
def test_undeclared_letters_are_read_as_people_mean_them(case):
    assert case[1] in " ".join(solve("backprop net", net=case[0]).conventions)


NOT_READ = [
    ("z = Wx + b; h = tanh(z); L = sum(h)", "", "write W*x"),
    ("h = sigmoid(W*x + b); L = sum(h)", "rows", "needs"),
    ("h = sigmoid(x*W + b); L = sum(h)", "columns", "needs"),
    ("z = W*x; L = z", "", "a loss is a scalar"),
]


@pytest.mark.parametrize("case", NOT_READ, ids=lambda c: c[0])
def test_what_nobody_means_is_not_read(case):
    with pytest.raises(BadInput) as e:
        solve("backprop net", net=case[0], vectors=case[1])
    assert case[2] in str(e.value)


def test_labels_of_layers_are_named():
    layers = solve("backprop net", net="4: linear 3, softmax").conventions
    assert "y holds labels, which add up to 1" in layers
    batch = solve("backprop net", net="4: linear 3, softmax", batch="N").conventions
    assert "the rows of Y hold labels, which add up to 1" in batch


def test_a_scalar_bias_is_added_to_every_sample():
    value = solve("backprop net", net="4: linear 1, sigmoid", batch="N").value
    assert str(value["b1"]) == "(Yhat' - Y')*vector(1)/N"


# -- what is wrong by a little is caught ---------------------------------------------------

WRONG = [
    ("0.1 % off", lambda g: m.mul(Num(1.001), g)),
    ("sign", m.neg),
    ("a term lost", lambda g: m.add(g, m.mul(Num(0.01), m.Ones(*m.dims(g))))),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda w: w[0])
@pytest.mark.parametrize("net", [BATCH, RNN, SHARED], ids=["batch", "rnn", "shared"])
def test_a_gradient_that_is_wrong_fails_its_check(net, wrong):
    whole = read(net, "X: N x D" if net is BATCH else None)
    wanted = frozenset(v.name for v in whole.leaves if v.name[0] in "WUVwv")
    for r in backward(whole, wanted):
        assert proof(whole, r, "G").ok
        if m.is_scalar(r.var) and wrong[0] == "a term lost":
            continue
        assert not proof(whole, replace(r, value=wrong[1](r.value)), "G").ok, r.var.name


def test_a_transposed_weight_gradient_fails_its_check():
    whole = read("z = x*W; L = norm2(z - y)^2/2", "x: 1 x n, W: n x n, y: 1 x n")
    (r,) = [r for r in backward(whole, frozenset("W")) if r.var.name == "W"]
    assert not proof(whole, replace(r, value=m.transpose(r.value)), "G").ok


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_a_rule_wrong_by_a_thousandth_gives_no_answer(monkeypatch, name):
    right = rules.RULES[name]

    def wrong(e, g):
        for child, part in right(e, g):
            yield child, m.mul(Num(1.001), part)

    wrong.__doc__ = right.__doc__
    monkeypatch.setitem(rules.RULES, name, wrong)
    with pytest.raises(CheckFailed):
        solve("backprop net", net=f"z = W*x + b; a = {name}(z); L = norm2(a - y)^2/2")


def test_a_lost_path_gives_no_answer(monkeypatch):
    right = sweep_back.sweep

    def forgetful(e, seed, wanted):  # U is seen in the last step only
        return right(e, seed, wanted if "h1" in m.names(e) else wanted - {"U"})

    monkeypatch.setattr(sweep_back, "sweep", forgetful)
    with pytest.raises(CheckFailed):
        solve("backprop net", net=RNN, wrt="U")


# -- zero initialisation ------------------------------------------------------------------

ZEROS = [
    # all weights 0 and ReLU: only the output's bias can ever move
    ("2: linear 3, relu, linear 4, softmax", None, {"b2"}),
    ("2: linear 3, tanh, linear 4, softmax", None, {"b2"}),
    ("2: linear 3, sigmoid, linear 4, softmax", 1, {"W2", "b2"}),
    ("2: linear 3, sigmoid, linear 4, softmax", 2, {"W1", "b1", "W2", "b2"}),
    ("2: linear 3, sigmoid, linear 4, softmax", None, {"W1", "b1", "W2", "b2"}),
    ("3: linear 5, sigmoid, linear 4, sigmoid, linear 2", 2, {"W2", "b2", "W3", "b3"}),
    ("3: linear 5", None, {"W1", "b1"}),
]


@pytest.mark.parametrize("case", ZEROS, ids=lambda c: f"{c[0]} {c[1]}")
def test_what_an_all_zero_start_lets_move(case):
    net, steps, moves = case
    loss = "" if "softmax" in net else "squared"
    given = {"net": net, **({"steps": steps} if steps else {}), **({"loss": loss} if loss else {})}
    value = solve("backprop zero-init", **given).value
    assert {name for name, moved in value.items() if moved} == moves


def test_hidden_units_stay_copies_and_it_is_said():
    answer = solve("backprop zero-init", net="2: linear 3, sigmoid, linear 4, softmax")
    assert "hidden units stay copies of one another: W1, b1" in answer.conventions


def test_a_wrong_claim_about_what_moves_fails():
    whole = read(
        "z1 = x*W1 + b1; a1 = relu(z1); z2 = a1*W2 + b2; L = norm2(z2 - y)^2/2",
        "x: 1 x 2, W1: 2 x 3, b1: 1 x 3, W2: 3 x 4, b2: 1 x 4, y: 1 x 4",
    )
    params = {v for v in whole.leaves if v.name not in "xy"}
    slopes = {r.var: r for r in backward(whole, frozenset(p.name for p in params))
              if r.var in params}  # fmt: skip
    (b2,) = [p for p in params if p.name == "b2"]
    (w2,) = [p for p in params if p.name == "W2"]
    assert descended(whole, slopes, {b2: 1})[0].ok
    assert not descended(whole, slopes, {b2: 1, w2: 2})[0].ok
    assert not descended(whole, slopes, {b2: 2})[0].ok
    assert not descended(whole, slopes, {})[0].ok


# -- the training loop --------------------------------------------------------------------


@pytest.mark.parametrize("net", [SHARED, RNN, TEXTBOOK[2][1]])
def test_the_listing_is_run(net):
    program = solve("backprop algorithm", net=net).value
    whole = read(net)
    params = [p for p in whole.leaves if any(parts[0] == p for _, parts in program)]
    assert params and stepped(whole, program, params)
    for i, (depth, parts) in enumerate(program):
        if "←" in parts and parts[0].name.startswith("d"):  # a gradient 0.1 % too large
            wrong = (*parts[:2], m.mul(Num(1.001), parts[2]))
            broken = Program((*program[:i], (depth, wrong), *program[i + 1 :]))
            assert not stepped(whole, broken, params), parts[0]


def test_the_listing_reads_well():
    shown = str(solve("backprop algorithm", net="2: linear 3, softmax"))
    assert "6          p ← softmax(z₁)" in shown
    assert "∂L/∂z₁ ← p − y" in shown and "W₁ ← W₁ − α∂L/∂W₁" in shown
    assert "∂L/∂p" not in shown  # nothing needs it


# -- images -------------------------------------------------------------------------------

IMAGES = [
    "1x8x8: conv 3 k3, relu, maxpool 2, flatten, linear 5, softmax",
    "2x7x7: conv 3 k3 s2 p1, tanh, avgpool 2, flatten, linear 5",
    "2x5x5: conv 3 k3 p1, bn, relu, add[ | conv 3 k3 p1], gap 1, flatten, linear 4",
    "2x5x5: [conv 3 k3 p1 | conv 2 k1], sigmoid, deconv 2 k2 s2, flatten, linear 3",
    "1x6x6: pad 1, conv 2 k3, prelu, dropout 0.5, identity, flatten, linear 3",
]


@pytest.mark.parametrize("net", IMAGES)
def test_a_network_of_images_has_both_tables(net):
    answer = solve("backprop net", net=net)
    counted = solve("count params", net=net).value
    sizes = [row[1].split("×") for row in answer.value]
    assert sum(prod(map(int, s)) for s in sizes) == counted
    forward, backward_, _ = answer.steps
    assert len(forward.substeps) == len(backward_.substeps)  # an input; a loss


def test_a_wrong_way_back_through_a_layer_gives_no_answer(monkeypatch):
    from solver.networks.conv import Conv
    from solver.numeric.backward_leaves import BACKS

    right = BACKS[Conv]

    def wrong(*args, **kwargs):
        inputs, weights = right(*args, **kwargs)
        return inputs, {name: 1.001 * g for name, g in weights.items()}

    monkeypatch.setitem(BACKS, Conv, wrong)
    with pytest.raises(CheckFailed):
        solve("backprop net", net=IMAGES[0])


# -- lowest terms -------------------------------------------------------------------------

SHORT = [
    ("(y./p - (1 - y)./(1 - p)).*p.*(1 - p)", "y - p"),
    ("p.*(vector(1)/c - (y./p)/c)", "(p - y)/c"),
    ("y./p - (1 - y)./(1 - p)", "y./p - (1 - y)./(1 - p)"),  # quotients stay as they came
    ("-c*(-p - y)", "c*(p + y)"),
    ("c*(-p - y)", "-c*(p + y)"),
]


@pytest.mark.parametrize("case", SHORT, ids=lambda c: c[0])
def test_entrywise_quotients_are_cancelled_and_nothing_else(case):
    dims = {"y": ("k",), "p": ("k",), "c": ()}
    long, short = (read_any(t, dims, {}, ("k", 1)) for t in case)
    assert shortened(long) == shortened(short) or equal(shortened(long), short)
    assert equal(long, shortened(long))
    assert len(str(shortened(long))) <= len(str(short)) + 2


# -- bad input ----------------------------------------------------------------------------

BAD = [
    ("z = W*x; z = x", None, "defined twice"),
    ("a = relu(z); z = W*x", None, "used before the line"),
    ("z = W*x + c; L = sum(z", None, "'('"),
    ("W*x", None, "name = expression"),
    ("relu = W*x", None, "relu is a function"),
    ("z = W*x; L = norm2(z)^2", "q: 3 x", None),
    ("z = W*x; L = norm2(z)^2", "z: n", "declared, so it cannot be defined"),
    ("", None, ""),
    ("; ".join(f"z{i} = x*{i}" for i in range(50)), None, "at most 40"),
    ("z = x*W; L = norm2(z - y)^2", "x: 1 x 3, W: 5 x 2", "3"),
    ("z = " + "(" * 200 + "x" + ")" * 200, None, ""),
    ("L = __import__('os')", None, ""),
]


@pytest.mark.parametrize("case", BAD, ids=lambda c: c[0][:30])
def test_bad_equations_get_one_clear_line(case):
    net, where, said = case
    if said is None:
        return
    with pytest.raises(BadInput) as e:
        solve("backprop net", net=net, **({"where": where} if where else {}))
    assert said in str(e.value)


ASKED = [
    ({"net": "z = W*x; L = norm2(z)^2", "wrt": "V"}, "V"),
    ({"net": "z = W*x; L = norm2(c)^2", "wrt": "W"}, "does not depend on W"),
    ({"net": "4: linear 5", "loss": "hinge"}, "hinge"),
    ({"net": "1x8x8: conv 4 k3", "loss": "hinge"}, "cross-entropy, mse, sum"),
    ({"net": "CxHxW: conv 4 k3"}, "numbers"),
    ({"net": "vgg16"}, "too large"),
    ({"net": "8x8x8: lrn 5, conv 4 k3"}, "lrn1"),
    ({"net": "4: add[ | linear 4]"}, "equations"),
    ({"net": "4: gelu"}, "gelu"),
    ({"net": "z = W*x", "batch": "N"}, "layers"),
    ({"net": "z = W*x + G"}, "--upstream"),
    ({"net": "z = W*x; L = norm2(z)^2", "wrt": ""}, "wrt names nothing"),
    ({"net": "z = W*x; L = norm2(z)^2", "where": {"x": 2.5}}, "declared by its sizes"),
    ({"net": "4: linear 5, sigmoid", "loss": "cross-entropy"}, "softmax"),
]


@pytest.mark.parametrize("case", ASKED, ids=lambda c: str(c[0]))
def test_what_cannot_be_asked_is_refused_by_name(case):
    with pytest.raises(BadInput) as e:
        solve("backprop net", **case[0])
    assert case[1] in str(e.value)
