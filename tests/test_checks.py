"""A check that cannot fail is no check: each is fed a value slightly wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from solver.core import Answer, BadInput, Check, CheckFailed, Step, verified
from solver.expressions.nodes import Num, Sym, plus, times
from solver.kinds import same_or_fail, solve
from solver.kinds.sampling import holds_at_numbers
from solver.networks.conv import Conv, ConvTranspose
from solver.networks.pool import AdaptivePool, Pool
from solver.values import Shape, same

GOOD = Check("another way", True)


def check(answer: Answer) -> Answer:
    return verified(answer, same_or_fail(same))


def test_a_failed_check_is_no_answer() -> None:
    with pytest.raises(CheckFailed, match="another way"):
        check(Answer(3, (), (Check("another way", False),)))


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("run batch-norm", {"x": [1, 2], "epsilon": 1, "beta": 10**12}),
        ("update relu-unit", {"w": 10**9}),
        ("loss hinge", {"margin": 10**9, "wrt": "z"}),
    ],
)
def test_where_rounding_hides_the_proof_the_error_says_so(kind: str, given: Any) -> None:
    with pytest.raises(CheckFailed, match="between 10⁻⁶ and 10⁶"):
        solve(kind, **given)


def test_an_answer_without_a_check_is_no_answer() -> None:
    with pytest.raises(CheckFailed, match="nothing proved"):
        check(Answer(3, (Step("sum", plus(1, 2), 3),), ()))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (plus(1, 2), 4),
        (times(6, 25), 151),
        (Sym("H") - 3 + 1, Sym("H") - 3),
        (2 * Sym("H"), Sym("H") ** 2),  # equal at H = 2 only
        (Sym("H") // 2, Sym("H") / 2),  # equal at even H only
    ],
    ids=str,
)
def test_a_step_that_does_not_hold_is_caught(before: Any, after: Any) -> None:
    with pytest.raises(CheckFailed, match="does not hold"):
        check(Answer(after, (Step("sum", before, after),), (GOOD,)))


def test_a_substep_is_checked_too() -> None:
    inner = Step("inner", plus(2, 2), 5)
    with pytest.raises(CheckFailed, match="inner"):
        check(Answer(4, (Step("outer", plus(2, 2), 4, substeps=(inner,)),), (GOOD,)))


def test_cannot_say_is_not_enough() -> None:
    with pytest.raises(CheckFailed):
        verified(
            Answer(1, (Step("?", 1, 1),), (GOOD,)), same_or_fail(lambda a, b: None)
        )


def test_numbers_that_never_fit_prove_nothing() -> None:
    def refuse(n: int) -> int:
        raise BadInput("never")

    with pytest.raises(BadInput, match="fits at none of"):
        holds_at_numbers(Sym("n"), (Sym("n"),), refuse)


QUERIES: list[tuple[str, dict[str, Any]]] = [
    ("shape conv", {"input": "3x37x41", "kernel": 5, "stride": 2, "out_channels": 7}),
    ("shape conv", {"kernel": 3, "padding": "p", "stride": "s"}),
    ("shape net", {"net": "3x37x41: conv 7 k5, maxpool 2, flatten, linear 11"}),
    ("count params", {"net": "3x37x41: conv 7 k5, maxpool 2, flatten, linear 11"}),
    ("count macs", {"net": "CxHxW: conv 7 k5, conv 5 k3"}),
    ("count table", {"net": "3x37x41: conv 7 k5, maxpool 2, flatten, linear 11"}),
    ("field net", {"net": "3x37x41: conv 7 k5, maxpool 2, conv 3 k3"}),
    ("count activations", {"net": "3x37x41: conv 7 k5, maxpool 2"}),
]


@pytest.mark.parametrize(
    ("kind", "given"), QUERIES, ids=[f"{k} {g}" for k, g in QUERIES]
)
def test_the_queries_are_answered(kind: str, given: dict[str, Any]) -> None:
    assert solve(kind, **given).checks


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        q
        for q in QUERIES
        if "net" in q[1] and q[0] in ("shape net", "count activations", "count table")
    ]
    + QUERIES[:2],
)
def test_a_size_off_by_one_is_caught(
    kind: str, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Conv.out

    def wrong(self: Conv, *inputs: Any) -> Any:
        *lead, last = right(self, *inputs)
        return (*lead, last + 1)

    monkeypatch.setattr(Conv, "out", wrong)
    with pytest.raises((CheckFailed, BadInput)):
        solve(kind, **given)


@pytest.mark.parametrize(
    ("kind", "method"),
    [("count params", "weights"), ("count macs", "macs"), ("count table", "macs")],
)
def test_a_count_off_by_one_part_in_a_thousand_is_caught(
    kind: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = getattr(Conv, method)

    def wrong(self: Conv, *args: Any) -> Any:
        found = right(self, *args)
        if method == "macs":
            return found + Num(1)
        return {**found, "weight": (*found["weight"][:-1], 6)}

    monkeypatch.setattr(Conv, method, wrong)
    with pytest.raises(CheckFailed):
        solve(kind, net="3x37x41: conv 7 k5, maxpool 2, flatten, linear 11")


@pytest.mark.parametrize(
    "part", [0, 1, 2, 3], ids=["kernel", "stride", "padding", "dilation"]
)
def test_a_wrong_window_is_caught(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The forward recurrence of the field against the walk back: one of them off."""
    from solver.kinds import field
    from solver.networks import layers

    right = layers.widen

    def wrong(f: Any, window: Any) -> Any:
        if window:
            window = [
                tuple(x + (i == part) for i, x in enumerate(axis)) for axis in window
            ]
        return right(f, window)

    monkeypatch.setattr(layers, "widen", wrong)
    assert field
    with pytest.raises(CheckFailed):
        solve("field net", net="3x37x41: conv 7 k5 p1, maxpool 2, conv 3 k3")


@pytest.mark.parametrize(
    ("layer", "input"),
    [
        (Conv(7, 3, 2, 1), (5, 37, 41)),
        (ConvTranspose(7, 3, 2, 1), (5, 11, 13)),
        (Pool(3, 2, 1, ceil_mode=True), (5, 37, 41)),
        (AdaptivePool((3, 5)), (5, 37, 41)),
    ],
    ids=lambda x: type(x).__name__,
)
def test_the_recount_is_not_the_formula(
    layer: Any, input: Any, monkeypatch: Any
) -> None:
    """With every size formula broken, counting still finds the right shape."""
    right = layer.out(input)
    from solver.expressions import formula

    monkeypatch.setattr(formula, "_at", lambda *a: formula.Work(Num(0), Num(0), 10**6))
    assert layer.recount(input) == right


def test_by_hand_is_checked_by_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    from solver.kinds import run

    given = {"input": "1 2 3; 4 5 6; 7 8 9", "kernel": "1 0; 0 -1"}
    assert solve("run conv", **given).value == ((-4, -4), (-4, -4))
    right = run.window_sum
    monkeypatch.setattr(run, "window_sum", lambda *a: right(*a) + 1)
    with pytest.raises(CheckFailed, match="NumPy"):
        solve("run conv", **given)


def test_fits_are_checked_by_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    from solver.kinds import fit

    right = fit.size
    monkeypatch.setattr(fit, "size", lambda n, c: right(n, c) + (c["padding"] == 2))
    with pytest.raises(CheckFailed, match="counting the windows"):
        solve("fit conv", input=64, output=32, kernel=5)


def test_shapes_of_another_length_differ() -> None:
    assert same(Shape((1, 2, 3)), Shape((1, 2))) is False
    assert same(replace(Check("a", True), ok=False), GOOD) is False
