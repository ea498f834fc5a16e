"""An answer in letters holds exactly where its condition does, for every layer.

Soundness: where the condition holds at numbers the layer takes them, and gives the shape
that was stated. Completeness: where it does not, the layer refuses them.
"""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest

from solver.core import BadInput
from solver.expressions.formula import at_numbers
from solver.given import fields_of, read, shapes
from solver.kinds import solve
from solver.kinds.conditions import condition_text, conditions
from solver.kinds.sampling import letters_of, numbered
from solver.kinds.shape import OFFERED, count_again
from solver.networks.layers import Layer, Row, layer
from tests.lettered import holds, refused

MOST = 9  # the letters go from 1 to here: past every bound in the table
TRIED = 400  # combinations of them, chosen by a seed where there are more


def case(name: str, input: str, condition: str, /, **given: Any) -> Any:
    told = ", ".join(f"{k}={v}" for k, v in given.items())
    return pytest.param(name, input, given, condition, id=f"{name} {input} {told}".strip())


CASES = [
    case("conv", "NxCxHxW", "H, W ≥ 3", out_channels=5, kernel=3),
    case("conv", "NxCxHxW", "H, W ≥ k", out_channels=5, kernel="k"),
    case("conv", "NxCxHxW", "H + 2p, W + 2p ≥ 5", out_channels=5, kernel=5, padding="p"),
    case("conv", "1x2x7x7", "k ≥ 4 and k ≤ 10", out_channels=5, kernel="k-3"),
    case("conv", "1x2x7x7", "p ≥ 2", out_channels=5, kernel=3, padding="p-2"),
    case("conv", "1x2x7x7", "d ≤ 3", out_channels=5, kernel=3, dilation="d"),
    case("conv", "1x6x7x7", "g divides 6, C_out", out_channels="C_out", kernel=1, groups="g"),
    case("conv", "1xCx7x7", "6 divides C", out_channels=6, kernel=1, groups=6),
    case("conv", "1xCx7x7", "C = 3", out_channels=6, kernel=1, in_channels=3),
    case("conv", "1xCx7x7", "C = 3m", out_channels=6, kernel=1, in_channels="3m"),
    case("conv", "1x2x5x5", "p ≤ 4", out_channels=2, kernel=1, padding="p",
         padding_mode="reflect"),
    case("conv", "1x2x5x5", "p ≤ 5", out_channels=2, kernel=1, padding="p",
         padding_mode="circular"),
    case("conv", "1x2xHxW", "H, W > p", out_channels=2, kernel=1, padding="p",
         padding_mode="reflect"),
    case("conv", "1x2xHxW", "H, W ≥ p", out_channels=2, kernel=1, padding="p",
         padding_mode="circular"),
    case("conv", "1x2xHxW", "H, W ≥ 3", out_channels=2, kernel=5, padding="same",
         padding_mode="reflect"),
    case("conv", "1x2xHxW", "H, W ≥ 2", out_channels=2, kernel=4, padding="same",
         padding_mode="circular"),
    case("conv-transpose", "NxCxHxW", "", out_channels=5, kernel=3, stride=2, padding=1),
    case("conv-transpose", "1x2xHxW", "H, W ≥ 5", out_channels=5, kernel=3, padding=3),
    case("conv-transpose", "1x2xHx3", "s > q", out_channels=5, kernel=3, stride="s",
         output_padding="q"),
    case("conv-transpose", "1x2x3x3", "max(s, d) > q", out_channels=5, kernel=3, stride="s",
         dilation="d", output_padding="q"),
    case("conv-transpose", "1xCx3x3", "4 divides C", out_channels=4, kernel=3, groups=4),
    case("conv-transpose", "1xCx3x3", "C = 4", out_channels=4, kernel=3, in_channels=4),
    case("pool", "NxCxHxW", "H, W ≥ 2", kernel=2),
    case("pool", "1x2x7x7", "k ≤ 9 and k ≥ 2", kernel="k", padding=1),
    case("pool", "1x2x7x7", "p ≤ 2", kernel=5, padding="p"),
    case("pool", "1x2x7x7", "p ≤ 1", kernel=3, padding="p", mode="avg"),
    case("pool", "1x2x7x7", "k ≥ 2p and 2p + 7 ≥ k", kernel="k", padding="p", mode="avg"),
    case("pool", "1x2x7x7", "2d + 1 ≥ 2p and 2p + 6 ≥ 2d", kernel=3, dilation="d", padding="p"),
    case("pool", "1x2x7xHxW", "H, W ≥ 3", kernel=3, padding=1, mode="avg", dims=3),
    case("pool", "1x2x7x7xW", "W ≥ k and k ≤ 7 and k ≥ 2", kernel="k", padding=1, mode="avg",
         dims=3),
    case("pool", "1x2x7xHxW", "", kernel=3, padding=1, dims=3),
    case("pool", "1x2xHxW", "H, W ≥ 2", kernel=4, stride=3, ceil_mode=True, mode="lp"),
    case("adaptive-pool", "NxCxHxW", "", output="o"),
    case("adaptive-pool", "NxCxHxW", "o ≥ 4", output="o-3", mode="max"),
    case("linear", "NxF", "F = 6", out_features=5, in_features=6),
    case("linear", "NxF", "F = 2m", out_features=5, in_features="2m"),
    case("linear", "NxF", "m ≥ 3", out_features="m-2"),
    case("bilinear", "NxA MxB", "N = M", out_features=5),
    case("bilinear", "NxA NxB", "A = 3 and B = 4", out_features=5, in1_features=3,
         in2_features=4),
    case("embedding", "N", "V ≥ 6", num_embeddings="V", embedding_dim=3, padding_idx=5),
    case("embedding", "N", "V ≥ 5", num_embeddings="V", embedding_dim=3, padding_idx=-5),
    case("matmul", "NxHxW MxWxC", "N = M"),
    case("matmul", "HxW KxC", "W = K"),
    case("matmul", "Hx6 KxC", "K = 6"),
    case("matmul", "H W", "H = W"),
    case("matmul", "3xHxW MxWxC", "M = 3"),
    case("batch-norm", "NxCxHxW", "C = 5", features=5),
    case("batch-norm", "NxCxHxW", "C = m", features="m"),
    case("layer-norm", "NxHxW", "W = 5", shape="5"),
    case("layer-norm", "NxHxW", "H = 3 and W = 5", shape="3x5"),
    case("layer-norm", "NxHxW", "W = m", shape="m"),
    case("rms-norm", "NxHxW", "W = 5", shape="5"),
    case("group-norm", "NxCxHxW", "g divides C", groups="g"),
    case("group-norm", "NxCxHxW", "C = 6", groups=2, features=6),
    case("group-norm", "NxCxHxW", "g divides m, C and C = m", groups="g", features="m"),
    case("instance-norm", "NxCxHxW", "H·W ≥ 2"),
    case("instance-norm", "NxCxLx1", "L ≥ 2"),
    case("instance-norm", "NxCx2x3", "C = 4", features=4, affine=True),
    case("instance-norm", "NxCx2x3", "", features=4),
    case("local-response-norm", "NxCxHxW", "", size="n"),
    case("local-response-norm", "NxCxHxW", "n ≥ 3", size="n-2"),
    case("activation", "NxCxHxW", ""),
    case("dropout", "NxCxHxW", ""),
    case("identity", "NxC", ""),
    case("flatten", "NxCxHxW", ""),
    case("unflatten", "L", "L = 6", dim=0, shape="2x3"),
    case("unflatten", "NxL", "L = a·b", dim=1, shape="axb"),
    case("unflatten", "NxL", "2a divides L", dim=-1, shape=["a", 2, -1]),
    case("unflatten", "NxL", "6 divides L", dim=1, shape="2x-1x3"),
    case("unflatten", "8xL", "a divides 8", dim=0, shape=["a", -1]),
    case("pad", "CxHxW", "H, W ≥ 5", padding=-2),
    case("pad", "CxHxW", "H, W ≥ 2p + 1", padding="-p"),
    case("pad", "CxHxW", "H + a + b ≥ 4", padding="0,0,a,b-3"),
    case("tokens", "NxCxHxW", ""),
    case("class-token", "NxTxE", ""),
    case("positions", "NxTxE", ""),
    case("select", "NxTxE", "T ≥ 4", index=3),
    case("select", "NxTxE", "T ≥ 4", index=-4),
    case("select", "NxTxE", "", index=-1),
    case("custom", "NxCxHxW", "m ≥ 3", name="mine", shape="m-2"),
    case("unfold", "NxCxHxW", "H, W ≥ 3", kernel=3),
    case("unfold", "NxCxHxW", "H ≥ 3 and W ≥ 5", kernel="3x5", stride=2),
    case("unfold", "1x2x7x5", "k ≤ 7", kernel="k", padding=1),
    case("fold", "NxVxL", "9 divides V and L = 4", output=4, kernel=3),
    case("fold", "1x4xL", "o ≥ 2 and L = (o - 1)^2", output="o", kernel=2),
    case("fold", "1x4Vx4", "k = 4 and 4 divides V", output=5, kernel="k"),
    case("pixel-shuffle", "NxCxHxW", "4 divides C", factor=2),
    case("pixel-shuffle", "1xCx2x3", "f² divides C", factor="f"),
    case("pixel-shuffle", "1x4Cx2x3", "", factor=2),
    case("pixel-unshuffle", "1x2xHxW", "3 divides H, W", factor=3),
    case("pixel-unshuffle", "1x2xHxW", "f divides H, W", factor="f"),
    case("pixel-unshuffle", "1x2x6xW+1", "f divides 6, W + 1", factor="f"),
    case("interpolate", "NxCxHxW", "", scale=2),
    case("interpolate", "NxCxHxW", "H, W ≥ 3", scale=0.4),
    case("interpolate", "NxCxHxW", "m ≥ 3", size="m-2"),
    case("rnn", "TxNxF", "F = 6", hidden=5, input_size=6),
    case("rnn", "TxNxF", "F = m", hidden="h", input_size="m"),
    case("lstm", "10x6", "p ≤ 4", hidden=5, proj="p"),
    case("lstm", "10x6", "h > p", hidden="h", proj="p"),
    case("lstm", "10x6", "h ≥ 4", hidden="h", proj=3),
    case("gru", "TxNxF", "F = 6", hidden=5, input_size=6, bidirectional=True),
    case("attention", "NxTxE", "h divides E", heads="h"),
    case("attention", "NxTxE", "4 divides E", heads=4),
    case("attention", "NxTxE", "E = 8", heads=4, embed_dim=8),
    case("attention", "NxTx8", "h divides 8", heads="h"),
    case("attention", "NxTxE NxSxE NxSxE", "4 divides E", heads=4),
    case("attention", "NxTxE MxSxE MxRxE", "N = M and S = R and 4 divides E", heads=4),
    case("attention", "1xTx8 1xSxK 1xSxV", "K = 3 and V = 5", heads=4, kdim=3, vdim=5),
    case("sparse-conv", "NxCxHxW", "C ≥ 6 and H, W ≥ 5", groups="6x3 1x6", kernel=5),
    case("subsample", "NxCxHxW", "H, W ≥ k", kernel="k"),
    case("rbf", "NxF", "", classes="K"),
    case("rbf", "NxF", "K ≥ 3", classes="K-2"),
    case("concat", "NxCxHxW NxKxHxM", "W = M"),
    case("concat", "NxCx5x7 NxKxHxW", "H = 5 and W = 7"),
    case("concat", "NxCxHxW NxKx2LxW", "H = 2L"),
    case("concat", "NxCxHxW NxKx2floor(L/2)xW", "H = 2floor(L/2)"),
    case("concat", "NxCxHxW NxKx2floor(H/2)xW", "2 divides H"),
    case("concat", "NxCxHxW NxKx3floor((H+1)/3)xW", "3 divides H"),
    case("concat", "NxCxHxW NxKx3floor((H-1)/3)+1xW", "3 divides H − 1"),
    case("concat", "NxCxHxW NxKx3floor((H+1)/3)-1xW", "3 divides H + 1"),
    case("concat", "NxCxfloor(H/2)xW NxKx3xW", "floor(H/2) = 3"),
    case("concat", "NxCxH*HxW NxKx9xW", "H = 3"),
    case("add", "NxCxHxW MxKxHxW", "N = M and C = K"),
    case("add", "CxHxW 6xHxW", "C = 6"),
    case("add", "CxHxW CxHxW CxHxW", ""),
    case("add", "CxHxW KxHxW 5xHxW", "C = 5 and C = K"),
    case("add", "CxHxW 1xHxW", ""),
]  # fmt: skip
COMPOSED = {"sequential", "aside"}  # whose layers speak for themselves


def made(name: str, input: str, given: dict[str, Any]) -> tuple[Layer, Any]:
    """The layer and its inputs, as a question gives them."""
    params = {p.name: p for p in fields_of(layer[name])}
    one = layer[name](**{k: read(params[k], v) for k, v in given.items()})
    return one, shapes([s.split("x") for s in input.split()], "input")


def tried(names: Any) -> list[dict[str, int]]:
    """Numbers for the letters: all combinations, or a seeded choice of them."""
    lows = [0 if s.kind == "count" else 1 for s in names]
    if MOST ** len(names) <= TRIED:
        every = product(*(range(low, MOST + 1) for low in lows))
        return [dict(zip((s.name for s in names), env)) for env in every]
    random = Random(1)
    return [{s.name: random.choice([random.randint(low, MOST), random.randint(low, 4)])
             for s, low in zip(names, lows)} for _ in range(TRIED)]  # fmt: skip


def alike_at(a: str, b: str, envs: list[dict[str, int]]) -> bool:
    """Whether two conditions hold at the same numbers."""
    return all(holds(a, env) == holds(b, env) for env in envs)


@pytest.mark.parametrize(("name", "input", "given", "condition"), CASES)
def test_the_condition_holds_exactly_where_the_layer_takes_the_numbers(
    name: str, input: str, given: dict[str, Any], condition: str
) -> None:
    one, inputs = made(name, input, given)
    out = one.out(*inputs)
    row = Row("", one, inputs, out, None)
    found, names = condition_text([row]), letters_of((one, inputs))
    met = 0
    for env in tried(names):
        if stretches(name, inputs, env):
            continue
        try:
            shape = numbered(one, env).out(*numbered(inputs, env))
            if any(isinstance(n, int) and n < 1 for n in shape):  # letters are sizes, which are at least 1
                continue
        except BadInput as e:
            assert not holds(found, env), f"{found} holds at {env}, where it is refused: {e}"
        else:
            assert holds(found, env), f"{found} does not hold at {env}, where it is taken"
            assert at_numbers(out, env) == shape
            met += 1
    assert met or not names
    assert alike_at(found, condition, tried(names)), found
    assert count_again(one, inputs, out, conditions([row])).ok


def stretches(name: str, inputs: Any, env: dict[str, int]) -> bool:
    """Whether a letter is 1 where sizes of 1 stretch: answers in letters leave that aside."""
    lead = {"add": inputs, "matmul": [s[:-2] for s in inputs]}.get(name, ())
    return any(env.get(str(n)) == 1 for shape in lead for n in shape)


def test_every_layer_is_in_the_table() -> None:
    assert {c.values[0] for c in CASES} == set(layer.names()) - COMPOSED


@pytest.mark.parametrize(("name", "input", "given", "condition"), CASES)
def test_the_question_is_answered_with_its_condition(
    name: str, input: str, given: dict[str, Any], condition: str
) -> None:
    one, inputs = made(name, input, given)
    names = letters_of((one, inputs))
    if name not in OFFERED:
        return
    for kind in ("shape", "count"):
        some = [s.split("x") for s in input.split()]
        data = some if layer[name].INPUTS != 1 else some[0]
        more = {"dims": 2} if "norm" in name and hasattr(one, "dims") else {}
        answer = solve(f"{kind} {name}", input=data, **{**given, **more})
        assert alike_at(answer.condition, condition, tried(names)), answer.condition


NETS = [
    ("add[ | conv C k3 s2 p1, deconv C k2 s2]", "2 divides H, W"),
    ("[ | maxpool 2, [ | maxpool 2, deconv 8 k2 s2], deconv 8 k2 s2]", "4 divides H, W"),
    ("add[ | conv C k3 s2, deconv C k3 s2]", "H, W ≥ 3 and 2 divides H − 1, W − 1"),
    ("[conv 8 k3 p1 s2 | maxpool 2]", "2 divides H, W"),
    ("[conv 8 k3 p1 s2 | maxpool 3 s2 p1]", ""),
    ("add[maxpool 2 | conv C k2 s3]",
     "H, W ≥ 2 and floor(H/2) = floor((H - 2)/3) + 1 and floor(W/2) = floor((W - 2)/3) + 1"),
    ("conv 6 k5, maxpool 2, flatten, linear 10 in_features=24",
     "H, W ≥ 6 and 6*(floor(H/2) - 2)*(floor(W/2) - 2) = 24"),
    ("conv 8 k3, pixelshuffle 2, conv 4 k5 g=2", "H, W ≥ 5"),
    ("unfold 3, conv1d 5 k3", "(H - 2)*(W - 2) ≥ 3"),
]


@pytest.mark.parametrize(("body", "condition"), NETS)
def test_a_network_holds_exactly_under_its_condition(body: str, condition: str) -> None:
    answer = solve("shape net", net=f"CxHxW: {body}")
    low = 5 if "add" in body else 1  # where no path ends in a size of 1, which would stretch
    for h, w in product(range(low, 15), range(low, 15)):
        env = {"C": 3, "H": h, "W": w}
        try:
            found = solve("shape net", net=f"3x{h}x{w}: {body.replace('conv C', 'conv 3')}").value
        except BadInput:
            assert not holds(answer.condition, env)
        else:
            assert holds(answer.condition, env)
            assert at_numbers(answer.value, env) == found
        assert holds(answer.condition, env) == holds(condition, env), answer.condition


NEVER = [
    ("shape matmul", {"input": "HxW (W+1)xC"}, "W is never W + 1"),
    ("shape unflatten", {"input": "2L", "dim": 0, "shape": "7"}, "7 is never 2L"),
    ("shape unflatten", {"input": "2L+1", "dim": 0, "shape": "2x-1"}, "does not multiply up"),
    ("shape concat", {"input": "CxHx5 CxHx7 Cx4xW"}, "they differ along axis 3, 5 and 7"),
    ("shape add", {"input": "CxH 5xH 7xH"}, "C cannot be both 5 and 7"),
    ("shape conv", {"input": "3x5x5", "kernel": "k+5"}, "the input is 5 along H"),
    ("shape lstm", {"input": "10x6", "hidden": "h", "proj": "h"}, "hidden with proj h"),
    ("shape net", {"net": "CxHxW: conv 8 k7, add[ | conv 8 k3 s2 p1, deconv 8 k2 s2], "
                          "flatten, linear 5 in_features=9"}, "9"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "given", "words"), NEVER)
def test_what_never_fits_is_refused(kind: str, given: dict[str, Any], words: str) -> None:
    refused(lambda: solve(kind, **given), words)


def test_a_condition_that_says_too_little_is_caught() -> None:
    one, inputs = made("unflatten", "NxL", {"dim": 1, "shape": "2x3"})
    out = one.out(*inputs)
    assert count_again(one, inputs, out, conditions([Row("", one, inputs, out, None)])).ok
    assert not count_again(one, inputs, out, []).ok


@pytest.mark.parametrize("name", OFFERED)
def test_the_example_of_every_layer_is_answered(name: str) -> None:
    import shlex

    from solver.kinds import find

    words = shlex.split(find(f"shape {name}").example)
    assert words
    given: dict[str, Any] = {}
    for i, word in enumerate(words):
        if word.startswith("--"):
            last = i + 1 == len(words) or words[i + 1].startswith("--")
            given[word[2:]] = True if last else words[i + 1]
    assert solve(f"shape {name}", **given).value
