"""The door to SymPy: simplified forms, equality, and the conditions of sizes in letters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput
from solver.expressions.algebra import (
    condition,
    equal,
    from_sympy,
    order,
    simplify,
    to_sympy,
)
from solver.expressions.formula import settle
from solver.expressions.nodes import Call, Expr, Sym, alike, evaluate, plus, times
from solver.expressions.parse import parse
from solver.expressions.show import text
from solver.networks.conv import SIZE
from solver.networks.pool import CEIL
from tests.lettered import trees, value_at

SIMPLE = [
    ("floor((H + 2*1 - 3)/2) + 1", "⌊(H − 1)/2⌋ + 1", "ResNet 3×3 stride 2"),
    ("floor((H + 2*3 - 7)/2) + 1", "⌊(H − 1)/2⌋ + 1", "ResNet conv1"),
    ("floor((H - 11)/4) + 1", "⌊(H − 11)/4⌋ + 1", "AlexNet conv1"),
    ("floor((H - 2)/2) + 1", "⌊H/2⌋", "2×2 pooling"),
    ("floor(floor(H/2)/2)", "⌊H/4⌋", "two poolings"),
    ("floor((floor((H - 4)/2) - 4)/2)", "⌊H/4⌋ − 3", "LeNet, two convolutions and poolings"),
    ("H - 3 + 1", "H − 2", "3×3"),
    ("5 - k + 1", "6 − k", "the constant first where the letter is taken away"),
    ("H + 2*p - k + 1", "H − k + 2p + 1", "padding in letters"),
    ("(H - 1)*2 - 2*1 + 4", "2H", "transposed 4×4, DCGAN"),
    ("9*C*C + C", "9C² + C", "VGG: C filters of 3×3×C"),
    ("3*(9*C*C + C)", "27C² + 3C", "three of them are written out"),
    ("25*C*C + C", "25C² + C", "one 5×5"),
    ("C_in*C_out*k^2 + C_out", "C_out·(C_in·k² + 1)", "parameters of a convolution"),
    ("N*C*H*W/2", "N·C·H·W/2", "batch, channels, height, width"),
    ("(H + 2p)/k - 1 + 1", "(H + 2p)/k", "one fraction"),
    ("floor((H + 2p)/k)", "⌊(H + 2p)/k⌋", "one fraction inside a floor"),
    ("H/H", "1", "nothing left"),
]


@pytest.mark.parametrize(
    ("source", "shown"), [s[:2] for s in SIMPLE], ids=[s[2] for s in SIMPLE]
)
def test_the_textbook_form(source: str, shown: str) -> None:
    found = simplify(parse(source))
    assert text(found) == shown
    assert text(simplify(found)) == shown


@given(trees(("H", "C")))
@settings(max_examples=80)
def test_there_and_back(tree: Expr) -> None:
    try:
        back = from_sympy(to_sympy(tree))
    except (BadInput, TypeError):  # a division by zero, for which there is no tree
        return
    for env in ({"H": 3, "C": 5}, {"H": 7, "C": 2}, {"H": 101, "C": 13}):
        before, after = value_at(tree, env), value_at(back, env)
        if before is not None and after is not None:
            assert after == before


def test_division_by_zero_is_refused() -> None:
    with pytest.raises(BadInput, match="divides by zero"):
        simplify(parse("H/0"))


def test_what_sympy_has_no_tree_for_is_our_mistake() -> None:
    import sympy

    with pytest.raises(TypeError, match="no tree"):
        from_sympy(sympy.gamma(sympy.Symbol("x")))
    with pytest.raises(TypeError, match="no SymPy"):
        to_sympy(Expr())


# -- one letter, read two ways ------------------------------------------------------------


def test_a_letter_is_one_number_wherever_it_stands() -> None:
    kernel, pad = Sym("k", "size"), Sym("k", "count")
    assert alike(kernel + pad) == kernel + kernel
    assert text(simplify(Sym("H") + 2 * pad - (2 * kernel + 1) + 1)) == "H"
    assert settle(kernel - pad) == 0
    assert equal(2 * kernel, kernel + pad) is True


# -- equality -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "found"),
    [
        ("2*(H + 1)", "2H + 2", True),
        ("H", "H + 1", False),
        ("H", "W", None),
        ("H^2", "H*H", True),
        ("abs(H)", "H", True),
        ("max(H, 1)", "H", True),
    ],
)
def test_equal(a: str, b: str, found: bool | None) -> None:
    assert equal(parse(a), parse(b)) is found


# -- conditions ---------------------------------------------------------------------------


def shown(sizes: list[Any]) -> str:
    return " and ".join(f"{left} {sign} {right}" for left, sign, right in condition(sizes))


CONDITIONS = [
    (["H - 2"], "H ≥ 3"),
    (["H - 2", "H - 4"], "H ≥ 5"),
    (["floor((H - 11)/4) + 1"], "H ≥ 11"),
    (["floor(H/2)"], "H ≥ 2"),
    (["floor((floor((H - 4)/2) - 4)/2)"], "H ≥ 16"),
    (["2H - 5"], "H ≥ 3"),
    (["floor((H - 1)/2) + 1"], ""),
    (["H"], ""),
    (["6 - k"], "k ≤ 5"),
    (["6 - k", "4 - k"], "k ≤ 3"),
    (["11 - 2d"], "d ≤ 5"),
    (["floor(7/k)"], "k ≤ 7"),
    (["H - k + 1"], "H ≥ k"),
    (["floor((H - k)/s) + 1"], "H ≥ k"),
    (["ceil((H - 3)/2) + 1"], "H ≥ 2"),
    (["min(ceil((H - 2)/3) + 1, ceil(H/3))"], ""),
    (["min(ceil((H - k)/s) + 1, ceil(H/s))"], "H + s ≥ k + 1"),
    (["H*W - H"], "W ≥ 2"),
    (["C/2", "H/2"], ""),
    (["(H - 2)*(W - 4)"], "H ≥ 3 and W ≥ 5"),
    (["N", "3"], ""),
]


@pytest.mark.parametrize(("sizes", "words"), CONDITIONS, ids=[c[0][0] for c in CONDITIONS])
def test_condition(sizes: list[str], words: str) -> None:
    assert shown([parse(s) for s in sizes]) == words


def met(relations: list[Any], env: dict[str, int]) -> bool:
    """Whether the relations found hold."""
    signs = {"≥": lambda a, b: a >= b, "≤": lambda a, b: a <= b}
    return all(
        signs[sign](evaluate(left, env), evaluate(right, env))
        for left, sign, right in relations
    )


SMALL = st.tuples(st.integers(1, 7), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3))


@given(st.lists(SMALL, min_size=1, max_size=3), st.lists(st.booleans(), min_size=3, max_size=3))
@settings(max_examples=60)
def test_a_stack_fits_exactly_from_its_bound_on(
    layers: list[tuple[int, int, int, int]], up: list[bool]
) -> None:
    """At the bound every size is at least 1, one below it some size is not."""
    size: Any = Sym("H")
    sizes = []
    for (k, s, p, d), ceil in zip(layers, up):
        formula = CEIL if ceil and 2 * p <= d * (k - 1) + 1 else SIZE
        size = formula.at(n=size, k=k, s=s, p=p, d=d).value
        sizes.append(size)
    relations = condition(sizes)
    for h in range(1, 60):
        fits = all(evaluate(n, {"H": h}) >= 1 for n in sizes)
        assert fits == met(relations, {"H": h})


@given(SMALL, st.booleans())
@settings(max_examples=40)
def test_in_several_letters(layer: tuple[int, int, int, int], up: bool) -> None:
    k, s, p, d = layer
    given_: dict[str, Any] = {"n": Sym("H"), "k": Sym("k"), "s": s, "p": p, "d": d}
    if up:
        given_["s"] = Sym("s")
    size = (CEIL if up else SIZE).at(**given_).value
    relations = condition([size])
    for h in range(1, 12):
        for kernel in range(1, 9):
            env = {"H": h, "k": kernel, "s": s}
            assert (evaluate(size, env) >= 1) == met(relations, env)


# -- order --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "ranked"),
    [
        (["25*C^2 + C", "18*C^2 + 2*C"], [1, 0]),
        (["C", "2C", "C + 1"], [0, 2, 1]),
        (["C + 1", "C^2"], None),
        (["2C", "2C + 1", "C"], [2, 0, 1]),
        (["C*H", "C*H*W"], [0, 1]),
        (["C", "C"], [0, 1]),
        (["C", "H"], None),
    ],
)
def test_order(sizes: list[str], ranked: list[int] | None) -> None:
    """From least to greatest for all letters from 1 on; None if that depends on them."""
    assert order([parse(s) for s in sizes]) == ranked


def test_plus_and_times_keep_their_factors() -> None:
    assert text(plus(1, times(2, Sym("j")))) == "1 + 2j"
    assert text(simplify(Call("min", Sym("H"), Sym("H") + 2))) == "H"
