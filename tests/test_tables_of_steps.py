"""Tables among the steps: rows once, counts side by side, what was told before named."""

from __future__ import annotations

import pytest

from solver.core import Answer, Problem, Step
from solver.documents import document
from solver.kinds import solve as solve_problem
from solver.render import render
from solver.sets import load_set
from solver.tables.gathered import Listed, Told, listed
from solver.view import view


def solve(kind: str, **given: object) -> Answer:
    return solve_problem(Problem(kind, given))


def tables(answer: Answer, told: Told | None = None, here: str = "") -> list[Listed]:
    return [x for x in listed(answer.steps, told, here) if isinstance(x, Listed)]


def test_every_layer_has_its_row_and_the_rows_add_up() -> None:
    answer = solve("count params", net="resnet18")
    (table,) = tables(answer)
    assert table.columns == ("params",) and len(table.rows) == 41
    assert sum(cell.after for row in table.rows for cell in row.cells if cell) == 11_689_512


def test_counts_of_the_same_layers_stand_side_by_side() -> None:
    net = "1x32x32: conv 6 k5, maxpool 2, flatten, linear 10"
    parts = {
        "weights": {"kind": "count params", "net": net, "bias": False},
        "biases": {"kind": "count biases", "net": net},
        "params": {"kind": "count params", "net": net},
    }
    (table,) = tables(solve("values", parts=parts))
    assert table.columns == ("without biases", "biases", "params")
    assert [[c.after for c in row.cells if c] for row in table.rows] == [
        [150, 6, 156], [11_760, 10, 11_770],
    ]  # fmt: skip


def test_a_part_of_the_layers_is_a_sum_of_rows_that_are_there() -> None:
    parts = {
        "conv": {"kind": "count params", "net": "vgg16", "layer": ["conv1_1..pool5"]},
        "fc": {"kind": "count params", "net": "vgg16", "layer": ["fc1..fc3"]},
        "all": {"kind": "count params", "net": "vgg16"},
    }
    found = listed(solve("values", parts=parts).steps)
    assert [type(x) for x in found] == [Listed, Step, Step, Step]
    assert len(found[0].rows) == 16
    assert [x.after for x in found[1:]] == [14_714_688, 123_642_856, 138_357_544]


def test_networks_that_share_no_layer_have_tables_of_their_own() -> None:
    parts = {
        "old": {"kind": "count params", "net": "lenet5"},
        "new": {"kind": "count params", "net": "lenet5-modern"},
    }
    assert [len(t.rows) for t in tables(solve("values", parts=parts))] == [6, 5]


def test_what_an_earlier_part_has_worked_out_is_one_row_with_its_sum() -> None:
    told = Told()
    whole = solve("count params", net="vgg16", layer=["conv1_1..pool5"])
    tables(whole, told, "as in part 1")
    answer = solve("count params", net="vgg16")
    table, total = listed(answer.steps, told, "as in part 2")
    assert [r.where for r in table.rows] == ["as in part 1", "", "", ""]
    assert table.rows[0].label == "conv1_1 … conv5_3"
    assert table.rows[0].cells[0].after == whole.value == 14_714_688
    assert str(total.before).startswith("14714688 + 102764544")
    (table,) = tables(answer, told, "as in part 3")
    assert [r.where for r in table.rows] == ["as in part 1", "as in part 2"]
    assert sum(r.cells[0].after for r in table.rows) == answer.value


def test_another_count_of_the_same_network_is_not_told_yet() -> None:
    told = Told()
    tables(solve("count params", net="vgg16"), told, "as in part 1")
    (table,) = tables(solve("count macs", net="vgg16"), told, "as in part 2")
    assert len(table.rows) == 16 and not any(r.where for r in table.rows)


def test_the_same_network_by_other_names_is_recognised() -> None:
    told = Told()
    tables(solve("count params", net="vgg16"), told, "as in part 1")
    net = "3x224x224: " + ", ".join(
        "maxpool 2" if c == "M" else f"conv {c} k3 p1" for c in
        (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512)
    )  # fmt: skip
    first, total = listed(solve("count params", net=net).steps, told, "as in part 2")
    assert first.rule.endswith(": as conv1_1 … conv5_3 in part 1")
    assert total.after == 14_714_688


def test_what_is_no_count_is_not_added() -> None:
    told, curve = Told(), "1 0.8 0.9 0.7 0.95 0.6"
    first = solve("stopping loss", values=curve, thresholds="28")
    assert len(tables(first, told, "as in part 1")) == 1
    found = listed(solve("stopping loss", values=curve, thresholds="5").steps, told, "as in part 2")
    assert found[0].rule == "epoch 1 … epoch 6: as in part 1" and found[0].after is None


def test_shapes_have_a_row_where_they_change() -> None:
    answer = solve("shape net", net="resnet18")
    (table,) = tables(answer)
    assert [row.label for row in table.rows][:3] == ["conv1 … relu", "maxpool, layer1", "layer2"]
    assert table.columns == ("height and width", "output")
    text = render(answer)
    assert "⌊(224 + 2·3 − 7)/2⌋ + 1" in text and max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("format", ["tex", "html", "text"])
def test_a_key_lists_a_network_once(format: str) -> None:
    page = document(load_set("s4"), "key", format)
    shown = page.count("layer3.0.downsample.0")
    assert shown == 2  # its parameters, its multiply-adds
    assert "as in part 8.2.head" in page


def test_latex_and_html_have_all_columns() -> None:
    answer = solve("count params", net="lenet5-modern")
    grids = {form: view(answer, form).steps[0].grid for form in ("latex", "mathml")}
    for grid in grids.values():
        assert grid is not None and grid.align == "llr"
        for row in (grid.head, *grid.rows):
            assert sum(span for _, span in row) == 3


def test_cases_of_one_count_are_columns_by_their_names() -> None:
    def part(net: str) -> dict[str, str]:
        return {"kind": "count macs", "net": net}

    layers = "conv {c} k2{p}, conv {c} k3{p}"
    parts = {
        "general": part("CxHxW: " + layers.format(c="C", p=" same")),
        "padded": part("1x15x15: " + layers.format(c=1, p=" same")),
        "valid": part("1x15x15: " + layers.format(c=1, p="")),
        "longer": part("1x15x15: " + layers.format(c=1, p="") + ", conv 1 k1"),
    }
    cases, longer = tables(solve("values", parts=parts))
    assert cases.columns == ("general", "padded", "valid") and len(cases.rows) == 2
    assert [c.after for c in cases.rows[0].cells[1:] if c] == [900, 784]
    assert longer.columns == ("macs",) and len(longer.rows) == 3
