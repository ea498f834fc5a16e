"""What students get wrong about Boolean functions as networks, as wrong solvers."""

from __future__ import annotations

from solver.core import BadInput
from solver.kinds import mistake
from solver.kinds.boolean import fewest, one_unit
from solver.kinds.boolean_networks import Realises, read_network, without_relu
from solver.kinds.boolean_tables import FUNCTIONS, Table, asked, named
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def any_network(t: Table) -> Realises:
    """Whatever network computes another function, as the value of a mistake."""
    return Realises(t, fewest(t).tree())


@mistake("boolean construct")
def or_minus_and_weight_one(
    function: str = "", table: str = "", inputs: int = 2
) -> Any:
    """OR minus AND is 1 on (1, 1) too, where the sum is 2: AND has to be taken twice."""
    if asked(function, table, inputs) != named("xor", 2):
        return None
    return any_network(named("or", 2))


@mistake("boolean construct")
def negated(function: str = "", table: str = "", inputs: int = 2) -> Any:
    """This network computes the opposite: it is 0 where the function is true."""
    t = asked(function, table, inputs)
    return any_network(Table(tuple(not b for b in t.true)))


def another(name: str) -> None:
    """Register the mistake of computing another function that has a name."""

    def wrong(function: str = "", table: str = "", inputs: int = 2) -> Any:
        t = asked(function, table, inputs)
        other = named(name, t.inputs)
        opposite = Table(tuple(not b for b in t.true))
        if other == opposite or name == "or" and t == named("xor", 2):
            return None  # see above
        return any_network(other)

    wrong.__name__ = f"computes_{name}"
    wrong.__doc__ = f"This network computes {name.upper()}: put all inputs in."
    mistake("boolean construct")(wrong)


for name in FUNCTIONS:
    if name != "majority":
        another(name)


@mistake("boolean layers")
def one_layer_for_all(function: str = "", table: str = "", inputs: int = 2) -> Any:
    """One layer is a single unit, whose conditions contradict; one hidden layer makes two."""
    possible = one_unit(asked(function, table, inputs)).possible
    return None if possible else 1


@mistake("boolean layers")
def hidden_layer_always(function: str = "", table: str = "", inputs: int = 2) -> Any:
    """No hidden layer is needed: one unit, max(0, w·x + b), does it by itself."""
    possible = one_unit(asked(function, table, inputs)).possible
    return 2 if possible else None


def entry(name: str, value: int, right: Any) -> Any:
    return Record({name: value}) if right[name] != value else None


@mistake("boolean units")
def a_unit_for_each_input(
    right: Any, function: str = "", table: str = "", inputs: int = 2
) -> Any:
    """One unit can read all inputs: they need not have one each."""
    t = asked(function, table, inputs)
    return entry("relu_units", t.inputs, right)


@mistake("boolean units")
def a_unit_for_each_true_input(
    right: Any, function: str = "", table: str = "", inputs: int = 2
) -> Any:
    """This is a unit for each input on which the function is true: fewer are enough."""
    t = asked(function, table, inputs)
    if sum(t.true) == t.inputs:
        return None
    return entry("relu_units", sum(t.true), right)


@mistake("boolean units")
def hidden_unit_although_linear(right: Any) -> Any:
    """Without ReLU the weighted sum itself meets the conditions: no hidden unit is needed."""
    hidden = right["hidden_with_linear_output"]
    return None if hidden else Record(hidden_with_linear_output=1)


@mistake("boolean network")
def relu_left_out(
    net: str, function: str = "", table: str = "", inputs: int = 2
) -> Any:
    """The units are taken without ReLU: a negative sum counts as 0."""
    t = asked(function, table, inputs)
    given = read_network(net, t.inputs)
    if given.why:
        raise BadInput(given.why)
    outputs = without_relu(given).outputs()
    return Record(outputs=Listing(outputs), meets=t.meets(outputs))


@mistake("boolean unit")
def contradiction_missed(
    function: str = "", table: str = "", inputs: int = 2, relu: bool = True
) -> Any:
    """Write the conditions as inequalities in w and b: added up, they contradict."""
    possible = one_unit(asked(function, table, inputs), relu).possible
    return None if possible else True


@mistake("boolean unit")
def weights_missed(
    function: str = "", table: str = "", inputs: int = 2, relu: bool = True
) -> Any:
    """There are weights that meet all conditions: a line separates the two classes."""
    possible = one_unit(asked(function, table, inputs), relu).possible
    return False if possible else None
