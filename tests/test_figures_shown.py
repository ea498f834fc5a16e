"""Which figures an answer and the documents of a set show, and what a hand-out keeps back."""

from __future__ import annotations

from pathlib import Path

import pytest

from solver.core import BadInput
from solver.documents import document
from solver.figures import drawn
from solver.kinds import solve
from solver.render import render
from solver.sets import load_set


def test_a_hand_out_shows_no_output_and_no_shapes() -> None:
    picture = solve("run pool", input="1 2;3 9", kernel=2).pictures[0]
    shown = drawn(picture, "mathml", asked=True)
    assert shown and "output" not in shown[0] and shown[0].count("<text") == 5
    picture = solve("shape net", net="lenet5-modern").pictures[0]
    key, sheet = drawn(picture, "mathml"), drawn(picture, "mathml", asked=True)
    assert key and sheet and "16×10×10" in key[0] and "×10" not in sheet[0]
    picture = solve("backprop net", net="h = relu(W*x); L = norm2(h - y)^2/2").pictures[
        0
    ]
    key, sheet = drawn(picture, "mathml"), drawn(picture, "mathml", asked=True)
    assert key and sheet and "∂" in key[0] and "∂" not in sheet[0]


@pytest.mark.parametrize("form", ["text", "json", "numpy"])
def test_the_terminal_and_programs_get_no_figure(form: str) -> None:
    answer = solve("run conv", input="1 2;3 4", kernel="1 0;0 1")
    if form != "numpy":
        assert "svg" not in render(answer, form) and "picture" not in render(
            answer, form
        )


def test_pages_get_theirs() -> None:
    answer = solve("run conv", input="1 2;3 4", kernel="1 0;0 1")
    page, source = render(answer, "html"), render(answer, "tex")
    assert page.count("<svg") == 1 and ".figure .f-tint" in page
    assert source.count(r"\begin{tikzpicture}") == 1 and r"\usepackage{tikz}" in source
    assert "tikz" not in render(solve("shape conv", input="3x32x32", kernel=5), "tex")


SET = """
title = "Set 7: figures"
[networks]
small = "1x12x12: conv 4 k3, relu, maxpool 2, flatten, linear 10"
[[problem]]
id = "1"
kind = "count params"
FIGURE
given = { net = "small", layer = "conv1" }
[[problem]]
id = "2"
kind = "shape net"
given = { net = "small" }
[[problem]]
id = "3"
kind = "run conv"
given = { input = "1 2;3 4", kernel = "1 0;0 1" }
"""


@pytest.mark.parametrize(
    ("key", "counts"),
    [
        (
            "",
            {"key": 2, "sheet": 1, "guide": 0},
        ),  # the network once; the kernel is stated
        ("figure = true", {"key": 2, "sheet": 2, "guide": 1}),
        (
            "figure = false",
            {"key": 2, "sheet": 1, "guide": 0},
        ),  # the second part shows it
    ],
)
def test_a_part_says_whether_documents_show_its_figure(
    key: str, counts: dict[str, int], tmp_path: Path
) -> None:
    path = tmp_path / "s7.toml"
    path.write_text(SET.replace("FIGURE", key))
    whole = load_set(path)
    for what, many in counts.items():
        page, source = document(whole, what, "html"), document(whole, what, "tex")
        assert page.count("<svg") == source.count(r"\begin{tikzpicture}") == many
        assert (r"\usepackage{tikz}" in source) == (many > 0)
        assert what != "sheet" or "4×10×10" not in page
        assert "<svg" not in document(whole, what, "text")


def test_figure_is_true_or_false(tmp_path: Path) -> None:
    path = tmp_path / "s7.toml"
    path.write_text(SET.replace("FIGURE", 'figure = "yes"'))
    with pytest.raises(BadInput, match="problem 1: figure: figure is true or false"):
        load_set(path)
