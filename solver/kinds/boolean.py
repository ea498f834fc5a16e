"""Boolean functions as ReLU networks: built, checked on all inputs, proved impossible.

That no single unit computes a function is a sum of inequalities that ends in 0 ≥ 1 or
the like: the proof is in the steps, and is checked by adding up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Call, Expr, Num, Sym, plus, times
from solver.expressions.written import Relation
from solver.kinds import kind
from solver.kinds.boolean_networks import (
    Realises,
    by_pieces,
    depth,
    inputs,
    put,
    read_network,
    unit_of,
)
from solver.kinds.boolean_tables import (
    Bits,
    Built,
    Table,
    affine,
    asked,
    by_cases,
    by_sum,
    called,
    letters,
)
from solver.kinds.inequalities import AtLeast, added, refutes, solved
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Text = str

ON_ALL = "each input again, by the affine piece of the network that it lies in"
TRUE = "it computes the function if it gives at least 1 where that is true, 0 elsewhere"
LAYERS = "layers with weights are counted: hidden ones and the output's"


@kind("boolean network", "'max(0, x1 + x2) - 2*max(0, x1 + x2 - 1)' --function xor")
def network(
    net: Text, *, function: Text = "", table: Text = "", inputs: int = 2
) -> Answer:
    """Outputs of a ReLU network on all inputs of bits; whether it computes a function."""
    t = asked(function, table, inputs)
    given = read_network(net, t.inputs)
    if given.why:
        raise BadInput(given.why)
    outputs = given.outputs()
    meets = t.meets(outputs)
    steps = (
        Step("the network", None, given.tree, Sym("f", "real")),
        on_all(given.tree, t),
        Step(f"it {'computes' if meets else 'does not compute'} the function"),
    )
    check = Check(ON_ALL, by_pieces(given.tree, t.inputs) == outputs)
    return Answer(
        Record(outputs=Listing(outputs), meets=meets),
        steps,
        (check,),
        "outputs",
        conventions=(f"outputs are those on {order(t)}", TRUE),
    )


def order(t: Table) -> str:
    """00, 01, 10, 11."""
    return ", ".join("".join(map(str, bits)) for bits in inputs(t.inputs))


def on_all(tree: Expr, t: Table) -> Step:
    """The network worked on each input."""
    lines = (
        Step(called(bits), put(tree, bits), y)
        for bits, y in zip(inputs(t.inputs), by_pieces(tree, t.inputs))
    )
    return Step("on all inputs", substeps=tuple(lines))


@kind("boolean construct", "--function xor")
def construct(
    *,
    function: Text = "",
    table: Text = "",
    inputs: int = 2,
    layers: int | None = None,
) -> Answer:
    """A ReLU network that computes a Boolean function; any other is as right.

    layers: at most so many, the output's included.
    """
    t = asked(function, table, inputs)
    built = fewest(t)
    tree = built.tree()
    if layers is not None and depth(tree) > layers:
        raise BadInput(
            f"the network here has {depth(tree)} layers, {layers} are allowed: see "
            "pset boolean layers"
        )
    hidden = [Sym(f"h_{i}", "real") for i in range(1, len(built.units) + 1)]
    steps = [Step(built.idea)]
    if depth(tree) > 1:
        steps += [
            Step("hidden unit", None, u.tree(), h) for u, h in zip(built.units, hidden)
        ]
        sums = affine(built.v, hidden, built.c)
        steps.append(Step("output", None, sums, Sym("f", "real")))
    else:
        steps.append(Step("the unit", None, tree, Sym("f", "real")))
    steps.append(on_all(tree, t))
    value = Realises(t, tree, layers)
    return Answer(
        value,
        tuple(steps),
        (
            Check(ON_ALL, t.meets(by_pieces(tree, t.inputs))),
            Check("the table, from the weights in matrix form", in_matrices(built, t)),
        ),
        "network",
        conventions=("any network that meets the table is right", TRUE),
    )


def fewest(t: Table) -> Built:
    """Of the ways to build the function the one with the fewest units."""
    proof = one_unit(t)
    if proof.possible:
        return Built((unit_of(proof.point),), (1,), 0, "one unit is enough")
    ways = [way for way in (by_sum(t), by_cases(t)) if way is not None]
    return min(ways, key=lambda way: len(way.units))


def in_matrices(built: Built, t: Table) -> bool:
    """Whether v·max(0, Wx + b) + c meets the table."""
    outputs = []
    for bits, _ in t.rows():
        sums = [sum(a * x for a, x in zip(u.w, bits)) + u.b for u in built.units]
        hidden = [s if s > 0 else 0 for s in sums]
        outputs.append(sum(v * h for v, h in zip(built.v, hidden)) + built.c)
    return t.meets(outputs)


# -- one unit -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Proof:
    """Weights of a unit that computes a function, or the proof that there are none.

    `rows` are the conditions as inequalities in w and b, each with the input that it is
    of; `shares` how often each is taken in the contradiction.
    """

    rows: tuple[tuple[Bits, AtLeast], ...]
    point: tuple[Any, ...]
    shares: tuple[int, ...]

    @property
    def possible(self) -> bool:
        return bool(self.point)


def one_unit(t: Table, relu: bool = True) -> Proof:
    """Whether max(0, w·x + b), or w·x + b itself, can compute a function."""
    rows: list[tuple[Bits, AtLeast]] = []
    for bits, true in t.rows():
        if true:
            rows.append((bits, AtLeast((*bits, 1), 1)))
            continue
        rows.append((bits, AtLeast((*(-x for x in bits), -1), 0)))
        if not relu:
            rows.append((bits, AtLeast((*bits, 1), 0)))
    point, shares = solved([row for _, row in rows])
    return Proof(tuple(rows), point, shares)


def proved(t: Table, proof: Proof, relu: bool) -> tuple[list[Step], Check]:
    """The steps that show what one unit can do, and their check."""
    of = sums(t)
    one = Call("max", Num(0), of) if relu else of
    steps = [Step("a unit", None, one, Sym("f", "real"))]
    if proof.possible:
        tree = unit_tree(proof.point, relu)
        steps.append(Step("with these weights", None, tree, Sym("f", "real")))
        steps.append(on_all(tree, t))
        ok = t.meets(by_pieces(tree, t.inputs))
        return steps, Check(ON_ALL, ok)
    used = [(r, s) for r, s in zip(proof.rows, proof.shares) if s]
    steps.append(Step("its conditions", substeps=tuple(conditions(t, used))))
    whole = added([row for (_, row), _ in used], [s for _, s in used])
    steps.append(Step("added up, those with ≤ subtracted", None,
                      Relation(("≥",), Num(0), Num(whole.bound))))  # fmt: skip
    steps.append(Step(f"0 ≥ {whole.bound} is false, so no weights meet all conditions"))
    rows = [row for _, row in proof.rows]
    how = "adding the conditions up by their multipliers, to a contradiction (Farkas)"
    return steps, Check(how, refutes(rows, proof.shares))


def sums(t: Table, bits: Sequence[int] | None = None) -> Expr:
    """w_1 x_1 + … + b, or w·x + b at an input."""
    w = [Sym(f"w_{i}", "real") for i in range(1, t.inputs + 1)]
    b = Sym("b", "real")
    if bits is None:
        x = [Sym(f"x_{i}", "real") for i in range(1, t.inputs + 1)]
        return plus(*(times(a, c) for a, c in zip(w, x)), b)
    return plus(*(a for a, bit in zip(w, bits) if bit), b)


def conditions(
    t: Table, used: Sequence[tuple[tuple[Bits, AtLeast], int]]
) -> Iterator[Step]:
    """w_1 + b ≥ 1, for each condition that the contradiction takes, and how often."""
    for (bits, row), share in used:
        at_least = row.coefficients[-1] > 0
        often = "" if share == 1 else f", taken {share} times"
        sign = "≥" if at_least else "≤"
        says = Relation((sign,), sums(t, bits), Num(abs(row.bound)))
        yield Step(t.condition(bits) + often, None, says)


def unit_tree(point: tuple[Any, ...], relu: bool) -> Expr:
    """The unit with these weights, its bias last, or its sum without ReLU."""
    one = unit_of(point)
    return one.tree() if relu else affine(one.w, letters(len(one.w)), one.b)


@kind("boolean unit", "--function xor")
def unit(
    *,
    function: Text = "",
    table: Text = "",
    inputs: int = 2,
    relu: bool = True,
) -> Answer:
    """Whether a single unit, max(0, w·x + b), can compute a Boolean function.

    The proof is weights, or inequalities that contradict one another. Without relu it is
    asked of w·x + b itself.
    """
    t = asked(function, table, inputs)
    proof = one_unit(t, relu)
    steps, check = proved(t, proof, relu)
    return Answer(
        proof.possible, tuple(steps), (check,), "possible", conventions=(TRUE,)
    )


# -- how many -----------------------------------------------------------------------------


@kind("boolean layers", "--function xor")
def layers(*, function: Text = "", table: Text = "", inputs: int = 2) -> Answer:
    """The fewest fully connected layers of a ReLU network that computes a function."""
    t = asked(function, table, inputs)
    proof = one_unit(t)
    steps, check = proved(t, proof, True)
    checks = [check]
    found = 1
    lines = [Step("one layer is a single unit", substeps=tuple(steps))]
    if not proof.possible:
        found = 2
        built = fewest(t)
        tree = built.tree()
        lines.append(
            Step(
                "two layers do it",
                substeps=(
                    Step("for example", None, tree, Sym("f", "real")),
                    on_all(tree, t),
                ),
            )
        )
        checks.append(Check(ON_ALL, t.meets(by_pieces(tree, t.inputs))))
    return Answer(
        found, tuple(lines), tuple(checks), "layers", conventions=(LAYERS, TRUE)
    )


@kind("boolean units", "--function or")
def units(*, function: Text = "", table: Text = "", inputs: int = 2) -> Answer:
    """The fewest ReLU units of a network that computes a Boolean function.

    And the fewest hidden ones before an output w·h + b without ReLU.
    """
    t = asked(function, table, inputs)
    plain, relu = one_unit(t, relu=False), one_unit(t)
    bare, check = proved(t, plain, False)
    lines = [Step("without a ReLU unit, an output w·x + b", substeps=tuple(bare))]
    checks = [check]
    hidden = 0
    if not plain.possible:
        one, check = proved(t, relu, True)
        lines.append(Step("one ReLU unit", substeps=tuple(one)))
        checks.append(check)
        hidden = 1
        if not relu.possible:
            step, check = two(t)
            lines += [Step(MONOTONE), step]
            checks.append(check)
            hidden = 2
    elif relu.possible:
        tree = unit_tree(relu.point, True)
        lines.append(Step("with ReLU, one unit", None, tree, Sym("f", "real")))
    value = Record(relu_units=max(1, hidden), hidden_with_linear_output=hidden)
    return Answer(
        value,
        tuple(lines),
        tuple(checks),
        "units",
        conventions=("a ReLU network has one ReLU unit at least", TRUE),
    )


MONOTONE = (
    "behind one hidden unit, v·max(0, z) + c rises or falls with z alone: where it is at "
    "least 1, z lies beyond some number, so a single unit would do as well"
)


def two(t: Table) -> tuple[Step, Check]:
    """A network of two hidden units, for a function that one cannot compute."""
    built = fewest(t)
    if len(built.units) > 2:
        raise BadInput(
            f"one unit is too few and {len(built.units)} are enough; whether 2 to "
            f"{len(built.units) - 1} are is not worked out here"
        )
    tree = built.tree()
    step = Step("two hidden units", None, tree, Sym("f", "real"))
    return step, Check(ON_ALL, t.meets(by_pieces(tree, t.inputs)))
