"""Boolean functions as ReLU networks: tables, constructions, proofs, and own networks."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.core import BadInput, Check, Problem
from solver.expressions.nodes import Num
from solver.grading import grade
from solver.kinds import boolean, mistakes, solve
from solver.kinds.boolean_networks import Network, by_pieces, read_network
from solver.kinds.boolean_tables import Built, Table, Unit, by_cases, by_sum, named
from solver.kinds.inequalities import AtLeast, added, refutes, solved
from solver.render import render

XOR = Problem("boolean construct", {"function": "xor", "layers": 2}, points=3)
OR = Problem("boolean construct", {"function": "or"})
TABLES = [Table(bits) for n in (1, 2) for bits in product((False, True), repeat=2**n)]


def separable(t: Table) -> bool:
    """Whether small whole weights separate a function of two inputs: all that exist do."""
    reach = range(-3, 4)
    for *w, b in product(reach, repeat=t.inputs + 1):
        outputs = [sum(a * x for a, x in zip(w, bits)) + b for bits, _ in t.rows()]
        if t.meets([max(0, y) for y in outputs]):
            return True
    return False


@pytest.mark.parametrize("t", TABLES, ids=str)
def test_one_unit_does_what_small_weights_do(t: Table) -> None:
    bits = "".join("01"[b] for b in t.true)
    assert solve("boolean unit", table=bits).value is separable(t)
    assert solve("boolean layers", table=bits).value == (1 if separable(t) else 2)


@pytest.mark.parametrize(
    ("inputs", "count"),
    [(2, 14), (3, 104)],
    ids=["Muroga 1971: 14 threshold functions of 2 inputs", "and 104 of 3"],
)
def test_the_threshold_functions_are_counted(inputs: int, count: int) -> None:
    tables = (Table(bits) for bits in product((False, True), repeat=2**inputs))
    assert sum(boolean.one_unit(t).possible for t in tables) == count


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4).flatmap(
    lambda n: st.lists(st.booleans(), min_size=2**n, max_size=2**n)))  # fmt: skip
def test_every_function_is_built(bits: list[bool]) -> None:
    t = Table(tuple(bits))
    for way in (by_cases(t), by_sum(t), boolean.fewest(t)):
        if way is not None:
            outputs = Network(way.tree(), t.inputs).outputs()
            assert t.meets(outputs)
            assert outputs == by_pieces(way.tree(), t.inputs)


def test_the_textbook_network_of_xor() -> None:
    answer = solve("boolean construct", function="xor")
    assert str(answer.value.example) == "max(0, x_1 + x_2) − 2·max(0, x_1 + x_2 − 1)"
    assert answer.value.outputs == (0, 1, 1, 0)  # Goodfellow, section 6.1


def test_the_proof_for_xor_is_in_the_steps() -> None:
    text = render(solve("boolean unit", function="xor"))
    for line in ("b ≤ 0", "w_2 + b ≥ 1", "w_1 + b ≥ 1", "w_1 + w_2 + b ≤ 0", "0 ≥ 2"):
        assert line in text


@pytest.mark.parametrize(
    ("function", "inputs", "units", "hidden"),
    [("or", 2, 1, 0), ("and", 2, 1, 1), ("xor", 2, 2, 2), ("xnor", 2, 2, 2),
     ("nand", 2, 1, 0), ("majority", 3, 1, 1)],
)  # fmt: skip
def test_units(function: str, inputs: int, units: int, hidden: int) -> None:
    value = solve("boolean units", function=function, inputs=inputs).value
    assert value == {"relu_units": units, "hidden_with_linear_output": hidden}


# -- the inequalities ---------------------------------------------------------------------

ROW = st.tuples(st.tuples(*[st.integers(-3, 3)] * 2), st.integers(-4, 4))


@settings(max_examples=80, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=7))
def test_inequalities_are_met_or_refuted(rows: list[Any]) -> None:
    system = [AtLeast(*row) for row in rows]
    point, shares = solved(system)
    assert bool(point) != bool(shares)
    if point:
        assert all(row.holds(point) for row in system)
    else:
        assert refutes(system, shares)


def test_a_wrong_multiplier_refutes_nothing() -> None:
    rows = [row for _, row in boolean.one_unit(named("xor", 2)).rows]
    assert refutes(rows, (1, 1, 1, 1))
    assert not refutes(rows, (1, 1, 1, 2))  # does not add up to 0 on the left
    assert not refutes(rows, (0, 0, 0, 0))  # 0 ≥ 0 contradicts nothing
    assert not refutes(rows, (-1, -1, -1, -1))
    assert added(rows, (1, 1, 1, 1)) == AtLeast((0, 0, 0), 2)


def test_checks_notice_a_wrong_network() -> None:
    t = named("xor", 2)
    right = by_sum(t)
    assert right is not None and boolean.in_matrices(right, t)
    off = replace(right, v=(1, Fraction(-1999, 1000)))
    assert not boolean.in_matrices(off, t)
    assert not t.meets(by_pieces(off.tree(), 2))
    assert not boolean.in_matrices(Built((Unit((1, 1), 0),), (1,), 0, ""), t)


def test_a_refutation_of_what_is_possible_fails() -> None:
    proof = boolean.one_unit(named("or", 2))
    wrong = replace(proof, point=(), shares=(1, 1, 1, 1))
    _, check = boolean.proved(named("or", 2), wrong, True)
    assert isinstance(check, Check) and not check.ok


# -- a student's own network --------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "relu(x1+x2)-2relu(x1+x2-1)",
        r"f(x) = \max(0,x_1+x_2)-2\max(0,x_1+x_2-1)",
        "ReLU(x1-x2)+ReLU(x2-x1)",
        "np.maximum(0, x1 + x2) - 2*np.maximum(0, x1 + x2 - 1)",
        "h1 = relu(x1+x2); h2 = relu(x1+x2-1); f = h1 - 2*h2",
        "h1 = relu(x1+x2), h2 = relu(x1+x2-1), y = relu(h1 - 2h2)",
        r"$h_1=\mathrm{ReLU}(x_1+x_2)$, $h_2=\mathrm{ReLU}(x_1+x_2-1)$, $f=h_1-2h_2$",
        "W1 = [[1,1],[1,1]], b1 = [0,-1], w2 = [1,-2], b2 = 0",
        "W1 = 1 1; 1 1; b1 = 0 -1; W2 = 1 -2; b2 = 0",
        "W = [[1, -1], [-1, 1]], V = [1, 1]",
        "2*relu(x1-x2)/2 + relu(3*x2 - 3*x1)",
        "relu(x1 + x2 - 2*relu(x1+x2-1))",
    ],
)
def test_own_networks_for_xor(text: str) -> None:
    assert grade(XOR, text).mark == "right"


@pytest.mark.parametrize(
    "text",
    ["relu(x1+x2)", "x1 + x2", "w = (1, 1), b = 0", "w1=2; w2=1; b=0",
     "relu(x1+x2)-relu(x1+x2-1)", "1.5*relu(x1)+relu(x2)"],
)  # fmt: skip
def test_own_networks_for_or(text: str) -> None:
    assert grade(OR, text).mark == "right"


@pytest.mark.parametrize(
    ("problem", "text", "mistake", "said"),
    [
        (XOR, "relu(x1+x2)-relu(x1+x2-1)", "or_minus_and_weight_one", "twice"),
        (XOR, "1 - relu(x1-x2) - relu(x2-x1)", "negated", "opposite"),
        (XOR, "relu(x1+x2-1)", "computes_and", "AND"),
        (OR, "relu(x1+x2-1)", "computes_and", "AND"),
        (XOR, "relu(x1+x2)-1.999relu(x1+x2-1)", "", "f(1, 1) = 0.001"),
        (XOR, "0.999relu(x1-x2)+relu(x2-x1)", "", "f(1, 0) = 0.999"),
        (OR, "relu(x1+x2) + 0.001", "", "f(0, 0) = 0.001"),
        (XOR, "|x1-x2|", "", "no ReLU unit"),
        (XOR, "x1+x2-2*x1*x2", "", "multiplies inputs"),
        (XOR, "relu(relu(x1+x2)-2relu(relu(x1+x2-1)))", "", "3 layers"),
        (XOR, "relu(x1-x2)+relu(x2-x1) = relu(x1+x2)", "", "does not hold"),
        (OR, "relu(x1+x2) = relu(x1-x2)+relu(x2-x1)", "computes_xor", ""),
    ],
)
def test_wrong_networks_are_explained(
    problem: Problem, text: str, mistake: str, said: str
) -> None:
    verdict = grade(problem, text)
    assert (verdict.mark, verdict.points) == ("wrong", 0)
    assert mistake in verdict.mistake.split(" or ") and said in verdict.feedback


@pytest.mark.parametrize(
    "text",
    ["", "relu(x1+x2", "OR minus AND", "__import__('os')", "x1 xor x2", "relu(x3)",
     "W1 = 1 1 1; b1 = 0", "W1 = [[1, 1], [1, 1]]", "h1 = 1; " * 40, "x" * 3000],
)  # fmt: skip
def test_what_is_no_network_is_not_charged(text: str) -> None:
    assert grade(XOR, text).mark == "invalid"


def test_a_network_that_doubles_line_by_line_ends_soon() -> None:
    lines = [
        "h1 = relu(x1)",
        *(f"h{i} = " + "+".join([f"h{i - 1}"] * 9) for i in range(2, 19)),
    ]
    verdict = grade(XOR, "; ".join(lines))
    assert verdict.mark == "wrong" and "too large" in verdict.feedback
    deep = "relu(" * 300 + "x1" + ")" * 300
    assert grade(XOR, deep).mark in ("wrong", "invalid")


def test_the_network_kind_works_a_given_one() -> None:
    net = "max(0,x1+x2)-max(0,x1+x2-1)"
    value = solve("boolean network", net=net, function="xor").value
    assert value == {"outputs": (0, 1, 1, 1), "meets": False}
    assert solve("boolean network", net=net, function="or").value["meets"] is True
    found = {
        m.name
        for m in mistakes(Problem("boolean network", {"net": net, "function": "xor"}))
    }
    assert found == {"relu_left_out"}


def test_pieces_and_values_agree_where_units_are_nested() -> None:
    net = read_network("relu(2x1 - relu(x2 - 3/2*x1) + 1)/4 - relu(-x2)", 2)
    assert net.outputs() == by_pieces(net.tree, 2)
    assert Network(Num(3), 1).outputs() == (3, 3)


@pytest.mark.parametrize(
    ("kind", "given_", "said"),
    [
        ("boolean unit", {}, "give the function's name"),
        ("boolean unit", {"function": "xr"}, "xor"),
        ("boolean unit", {"table": "0 1 1"}, "2ⁿ values"),
        ("boolean unit", {"table": "0 1 2 1"}, "0 and 1"),
        ("boolean unit", {"function": "or", "inputs": 9}, "1 to 4 inputs"),
        ("boolean construct", {"function": "xor", "layers": 1}, "2 layers"),
        ("boolean units", {"function": "xor", "inputs": 3}, "not worked out"),
        ("boolean network", {"net": "x1*x2", "function": "and"}, "multiplies inputs"),
    ],
)
def test_bad_input(kind: str, given_: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        solve(kind, **given_)


@pytest.mark.parametrize("form", ["text", "tex", "html", "json"])
def test_renderings(form: str) -> None:
    for kind in ("construct", "unit", "layers", "units"):
        assert render(solve(f"boolean {kind}", function="xor"), form)
