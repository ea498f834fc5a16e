"""What students get wrong about budgets, grids and single units, as wrong solvers."""

from __future__ import annotations

from fractions import Fraction
from math import prod

from solver.kinds import mistake
from solver.kinds.mistakes_losses import solved
from solver.kinds.nets import run
from solver.values import Listing, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def hidden(right: Any, units: int, layers: int, most: Any, least_layers: int) -> Record:
    """Hidden units and layers as they were counted, and what follows from them."""
    value = Record(hidden_units=units, hidden_layers=layers)
    if "allowed" in right:
        value["allowed"] = (most is None or units <= most) and layers >= least_layers
    return value


@mistake("count hidden")
def output_layer_counted(
    right: Any, net: Any, most: int | None = None, least_layers: int = 0
) -> Any:
    """The output layer is counted as hidden: its units are the network's outputs."""
    out = run(net, None)[-1].out[-1]
    units, layers = right["hidden_units"] + out, right["hidden_layers"] + 1
    return hidden(right, units, layers, most, least_layers)


@mistake("count hidden")
def output_units_counted(right: Any, net: Any) -> Any:
    """The outputs are among these units: hidden ones lie between input and output."""
    out = run(net, None)[-1].out[-1]
    return Record(hidden_units=right["hidden_units"] + out)


@mistake("count hidden")
def inputs_counted(right: Any, net: Any) -> Any:
    """The inputs are among these units: they are given, and have no weights."""
    return Record(hidden_units=right["hidden_units"] + run(net, None)[0].inputs[0][-1])


@mistake("count hidden")
def output_counted_as_hidden_layer(right: Any) -> Any:
    """This counts the output layer as well: hidden layers lie before it."""
    return Record(hidden_layers=right["hidden_layers"] + 1)


@mistake("count hidden")
def activations_counted_as_layers(right: Any, net: Any) -> Any:
    """Activations and dropout have no units of their own: they are no hidden layers."""
    layers = len(run(net, None)) - 1
    return (
        Record(hidden_layers=layers) if layers != right["hidden_layers"] + 1 else None
    )


@mistake("grid size")
def options_added(options: tuple[int, ...]) -> Any:
    """The options are added: each of one choice goes with each of the others, a product."""
    return Record(shared=sum(options))


@mistake("grid size")
def places_multiplied(options: tuple[int, ...], places: Any = None) -> Any:
    """A choice with n options at k places has n·n·…·n = nᵏ ways, not n·k."""
    if places is None:
        return None
    return Record(independent=prod(n * k for n, k in zip(options, places)))


@mistake("grid size")
def places_added(right: Any, options: tuple[int, ...], places: Any = None) -> Any:
    """The ways of the choices are added: they combine, so they are multiplied."""
    if places is None:
        return None
    return Record(independent=sum(n**k for n, k in zip(options, places)))


@mistake("grid points")
def end_left_out(points: int, low: Any = 0, high: Any = 1) -> Any:
    """The upper end is left out: with both ends n points leave n − 1 gaps."""
    gap = Fraction(high - low) / points
    return Listing(low + i * gap for i in range(points))


@mistake("grid points")
def one_point_more(points: int, low: Any = 0, high: Any = 1) -> Any:
    """These are n gaps, and so n + 1 points."""
    gap = Fraction(high - low) / points
    return Listing(low + i * gap for i in range(points + 1))


@mistake("grid points")
def both_ends_left_out(points: int, low: Any = 0, high: Any = 1) -> Any:
    """Both ends belong to the grid: these points lie inside."""
    gap = Fraction(high - low) / (points + 1)
    return Listing(low + (i + 1) * gap for i in range(points))


@mistake("update relu-unit")
def every_sample_updates(samples: int = 500, labels: tuple[int, ...] = (-1, 1)) -> Any:
    """Not every sample moves the unit: where it is not active its gradient is 0."""
    return Record(nonzero_updates=samples * len(labels))


@mistake("update relu-unit")
def every_sample_of_the_first_label(samples: int = 500) -> Any:
    """The unit dies on the way: the later samples of this label move nothing either."""
    return Record(nonzero_updates=samples)


@mistake("update relu-unit")
def positives_revive(right: Any, **given: Any) -> Any:
    """A unit that is 0 on all samples has gradient 0: no label brings it back."""
    if not right["dead_on_all_x"]:
        return None
    return Record(dead_on_all_x=False)


@mistake("update kernel-perceptron")
def signs_exchanged(right: Any, x: Any = None) -> Any:
    """The signs are exchanged: the predicted class loses the sample, the true one gains it."""
    if x is None:
        return None
    turned = type(right["coefficients"])(
        tuple(-a for a in row) for row in right["coefficients"]
    )
    return Record(coefficients=turned)


@mistake("update kernel-perceptron")
def one_pass_only(**given: Any) -> Any:
    """These are the coefficients after the first pass."""
    given.pop("right", None)
    if given.get("x") is None or given.get("passes", 1) == 1:
        return None
    first = solved("update kernel-perceptron", **{**given, "passes": 1})
    return Record(coefficients=first["coefficients"])


@mistake("backprop largest-slope")
def value_in_place_of_slope(function: str = "sigmoid", layers: Any = None) -> Any:
    """This is σ(0), the value at 0: the slope there is σ(0)·(1 − σ(0))."""
    return Fraction(1, 2) if function == "sigmoid" and layers is None else None


@mistake("backprop largest-slope")
def slope_of_relu(function: str = "sigmoid", layers: Any = None) -> Any:
    """This is the slope of an active ReLU, and of tanh at 0; σ′ = σ(1 − σ) is less."""
    return 1 if function == "sigmoid" and layers is None else None


@mistake("backprop all-dropped")
def scaled_instead_of_dropped(right: Any) -> Any:
    """With p = 1 nothing is kept that could be scaled: the output is 0 for every image."""
    return Record(output_all_zero=False)
