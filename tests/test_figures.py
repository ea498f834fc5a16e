"""Figures: one golden file of each kind in both formats, and what must hold beside them.

Every mark lies in its box, both writers draw the same marks, the SVG is well-formed and
stands alone, the LaTeX compiles, and letters of any kind stay letters.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver import pdf
from solver.core import BadInput, Picture
from solver.figures import WHERE, figure, together
from solver.figures.drawing import (
    PAGE,
    Area,
    Circle,
    Figure,
    Line,
    Rect,
    Text,
    extent,
    plain,
)
from solver.figures.drawing import (
    Path as Curve,
)
from solver.figures.svg import alone, svg
from solver.figures.tikz import tikz
from solver.given import net
from solver.kinds import solve

GOLDEN = Path(__file__).parent / "golden_figures"
HOSTILE = r'a<b>&"\end{document}$%_^~#{ ]]> <script>'
INCEPTION = "8x6x6: concat[conv 2 k1, relu | conv 3 k1, relu, conv 5 k3 p1, relu | maxpool 3 s1 p1]"
RESIDUAL = (
    "3x32x32: conv 8 k3 p1, (add[conv 8 k3 p1 nobias, bn, relu, conv 8 k3 p1 nobias, bn | ], "
    "relu)*3, gap 1, flatten, linear 10"
)


def drawing(kind: str, **given_: Any) -> Figure:
    """The figure of a kind, which is there."""
    found = figure[kind](**given_)
    assert isinstance(found, Figure)
    return found


def pictured(kind: str, **given_: Any) -> Figure:
    """The first picture of an answer, drawn."""
    picture = solve(kind, **given_).pictures[0]
    return drawing(picture.kind, **picture.given)


CASES: dict[str, Figure] = {
    "plot": drawing("plot", series=[{"name": "bias²", "x": [1, 2, 3, 5], "y": [8, 3, 1, 0.5]},
                                    {"name": "variance", "x": [1, 2, 3, 5], "y": [0.1, 0.5, 2, 6]},
                                    {"name": "noise", "x": [1, 5], "y": [1, 1]}],
                    x="degree", y="error", title="Bias and variance"),
    "columns": drawing("columns", counts=[2, 0, 7, 12000], ends=[0, 1, 2, 3, 4], title="Points"),
    "network": drawing("network", net=net("lenet5-modern", "net"), title="LeNet-5"),
    "branches": drawing("network", net=net(INCEPTION + ", relu, flatten, linear 4", "net")),
    "residual": drawing("network", net=net(RESIDUAL, "net"), order="HWC"),
    "units": drawing("network", net=net("4: linear 5, relu, linear 800, tanh, linear 3", "net")),
    "window": pictured("run conv", input="5 7 6;9 2 6;2 8 3", kernel="1 -4;3 0", padding=1,
                       stride=2),
    "pool": pictured("run pool", input="5 7 6 1;9 2 6 1", kernel=2, at=[1, 2]),
    "field": pictured("field net", net="1x40x40: conv 4 k3, relu, maxpool 2, conv 4 k3"),
    "graph": pictured("backprop net", net="h = relu(W*x); s = h + V*x; L = norm2(s - y)^2/2"),
    "hostile": drawing("plot", series=[{"name": HOSTILE, "y": [1, 2]}], x=HOSTILE, y=HOSTILE,
                       title=HOSTILE, desc=HOSTILE, size=(640, 200)),
}  # fmt: skip
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("form", ["svg", "tex"])
@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, form: str, update: bool) -> None:
    found = (alone if form == "svg" else tikz)(CASES[name]).rstrip("\n") + "\n"
    path = GOLDEN / f"{name}.{form}"
    if update:
        path.write_text(found, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == found, (
        "python -m pytest --update if it is better"
    )


def test_no_golden_file_is_left_over() -> None:
    known = {f"{name}.{form}" for name in CASES for form in ("svg", "tex")}
    assert {p.name for p in GOLDEN.iterdir()} == known


@pytest.mark.parametrize("name", CASES)
def test_every_mark_lies_in_the_box(name: str) -> None:
    one = CASES[name]
    assert one.width <= PAGE + 30
    for mark in one.marks:
        left, top, right, low = extent(mark)
        if name == "hostile" and isinstance(mark, Text):
            continue  # a name longer than the page
        assert -0.1 <= left <= right <= one.width + 0.1, mark
        assert -0.1 <= top <= low <= one.height + 0.1, mark


KINDS = {"rect": Rect, "circle": Circle, "line": Line, "polyline": Line, "polygon": Area,
         "path": Curve, "text": Text}  # fmt: skip


def tex_kind(command: str) -> type:
    """Which mark a command of TikZ draws."""
    if command.startswith(r"\node"):
        return Text
    signs = (
        (" rectangle ", Rect),
        (" circle[", Circle),
        (" .. controls ", Curve),
        ("cycle", Area),
    )
    return next((kind for sign, kind in signs if sign in command), Line)


@pytest.mark.parametrize("name", CASES)
def test_both_writers_draw_the_same_marks(name: str) -> None:
    one = CASES[name]
    kinds = [type(m) for m in one.marks]
    root = ET.fromstring(alone(one))
    drawn_ = [e for e in root if e.tag.removeprefix(SVG) in KINDS][
        1:
    ]  # the first is the paper
    assert [KINDS[e.tag.removeprefix(SVG)] for e in drawn_] == kinds
    commands = [c for c in tikz(one).split("\n") if c.startswith((r"\path", r"\node"))]
    assert [tex_kind(c) for c in commands] == kinds
    for mark, element, command in zip(one.marks, drawn_, commands):
        if isinstance(mark, Text):
            x, y = float(element.get("x", "")), float(element.get("y", ""))
            at = re.search(r"\] at \(([-\d.]+),([-\d.]+)\) \{", command)
            assert at and abs(float(at[1]) - x) < 0.11
            assert abs(float(at[2]) - 0.34 * mark.size - y) < 0.11
            assert "".join(element.itertext()) == "".join(map(plain, mark.pieces))
        if isinstance(mark, Line):
            ends = [
                tuple(map(float, p))
                for p in re.findall(r"\(([-\d.]+),([-\d.]+)\)", command)
            ]
            assert len(ends) == len(mark.points)
            assert all(math.dist(a, b) < 0.15 for a, b in zip(ends, mark.points))


@pytest.mark.parametrize("name", CASES)
def test_the_svg_says_what_it_shows_and_reads_nothing(name: str) -> None:
    for text in (alone(CASES[name]), svg(CASES[name])):
        root = ET.fromstring(text)
        assert root.get("role") == "img"
        ids = {e.get("id") for e in root.iter() if e.get("id")}
        assert set(root.get("aria-labelledby", "").split()) == ids and len(ids) == 2
        tags = {e.tag.removeprefix(SVG) for e in root.iter()}
        assert tags <= {*KINDS, "svg", "title", "desc", "style", "tspan"}
        assert not re.search(
            r"\b(?:href|src|url\(|on\w+=)", re.sub(r">[^<]*<", "><", text)
        )
    assert "prefers-color-scheme:dark" in alone(CASES[name])


@pytest.mark.skipif(not pdf.available(), reason="no pdflatex")
def test_the_latex_compiles_without_a_warning(tmp_path: Path) -> None:
    body = "\n\n".join(
        r"\noindent " + tikz(f) for n, f in CASES.items() if n != "hostile"
    )
    source = "\n".join((
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}",
        r"\usepackage{lmodern,textcomp,amsmath,amssymb,tikz}",
        r"\usepackage[a4paper,margin=25mm]{geometry}\raggedbottom\vbadness=10000",
        rf"\begin{{document}}{body}\par\resizebox{{5cm}}{{!}}{{{tikz(CASES['hostile'])}}}",
        r"\end{document}",
    ))  # fmt: skip
    (tmp_path / "figures.tex").write_text(source, encoding="utf-8")
    assert pdf.warnings(pdf.run(tmp_path, "figures")) == []


def test_hostile_letters_stay_letters() -> None:
    root = ET.fromstring(svg(CASES["hostile"]))
    assert root.findtext("title") == HOSTILE and root.findtext("desc") == HOSTILE
    source = tikz(CASES["hostile"])
    assert (
        r"\end{document}" not in source and r"\textbackslash{}end\{document\}" in source
    )


# -- the kinds ----------------------------------------------------------------------------


def texts(one: Figure) -> list[str]:
    return ["".join(map(plain, m.pieces)) for m in one.marks if isinstance(m, Text)]


def test_every_kind_is_where_it_is_said_to_be() -> None:
    for name, module in WHERE.items():
        assert figure[name].__module__ == module


def test_the_window_shows_the_numbers_of_the_answer() -> None:
    one = CASES[
        "window"
    ]  # input 3×3 with padding 1: the first window is mostly padding
    cells = [t for t in texts(one) if re.fullmatch(r"−?\d+", t)]
    padded = "0 0 0 0 0 0 5 7 6 0 0 9 2 6 0 0 2 8 3 0 0 0 0 0 0"
    assert " ".join(cells[:29]) == padded + " 1 −4 3 0"
    assert cells[29] == "0"  # 3·0 + 0·5
    frames = [
        m
        for m in one.marks
        if isinstance(m, Rect) and (m.edge, m.line) == ("accent", 2)
    ]
    assert [f.width / frames[1].width for f in frames] == [2, 1]


def test_the_window_asked_for_is_the_one_that_is_framed() -> None:
    picture = solve("run conv", input="1 2 3;4 5 6;7 8 9", kernel="1 0;0 -1",
                    at=[2, 1]).pictures[0]  # fmt: skip
    assert picture.given["at"] == (1, 0) and picture.given["entry"] == (0, 0)
    assert picture.asked is not None and "output" not in picture.asked


def test_a_network_writes_each_shape_and_folds_what_repeats() -> None:
    said = texts(CASES["residual"])
    assert "32×32×8" in said and "3 times" in said and "8×32×32" not in said
    assert sum(isinstance(m, Circle) for m in CASES["residual"].marks) == 1
    assert "concat" in texts(CASES["branches"]) and "10×6×6" not in texts(
        CASES["branches"]
    )
    assert {"15×6×6", "ReLU"} <= set(texts(CASES["branches"]))


@pytest.mark.parametrize(
    "name", ["resnet152", "densenet121", "1x8x8: conv 2 k3, flatten"]
)
def test_what_is_too_large_or_too_small_is_left_out(name: str) -> None:
    assert figure["network"](net=net(name, "net")) is None


def test_letters_are_drawn_as_well() -> None:
    text = "CxHxW: conv K k3 same, relu, maxpool 2, conv K k3 same, gap 1, flatten"
    assert "K×H×W" in texts(drawing("network", net=net(text, "net")))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 2)), min_size=1, max_size=4)
)
def test_a_field_has_as_many_marked_cells_as_the_receptive_field(
    layers: list[tuple[int, int]],
) -> None:
    kernels, strides = zip(*layers)
    one = figure["field"](kernels=kernels, strides=strides)
    size = solve("field stack", kernels=list(kernels), strides=list(strides)).value[
        "rf"
    ]
    if size > 25:
        assert one is None
        return
    low = max(m.y for m in one.marks if isinstance(m, Rect))
    marked = [
        m.x
        for m in one.marks
        if isinstance(m, Rect) and m.y == low and m.fill == "tint"
    ]
    assert len(marked) == size
    feet = [
        p for m in one.marks if isinstance(m, Line) for p in m.points if p[1] == low
    ]
    assert (
        abs(min(x for x, _ in feet) - min(marked)) < 0.01
    )  # the windows end where the field
    assert len({round(x, 3) for x in marked}) == size


def test_a_graph_has_an_arrow_for_everything_read() -> None:
    one = CASES["graph"]
    heads = [m for m in one.marks if isinstance(m, Area)]
    assert len(heads) == 5 + 2 + 2  # W, x, V, x, y; h to s, s to L; and back
    assert any("(s − y)xᵀ" in t for t in texts(one))


@settings(max_examples=60)
@given(
    st.lists(
        st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9), min_size=1, max_size=6
    )
)
def test_a_plot_holds_its_lines(lines: list[list[float]]) -> None:
    one = drawing(
        "plot", series=[{"name": f"line {i}", "y": y} for i, y in enumerate(lines)]
    )
    for mark in one.marks:
        left, top, right, low = extent(mark)
        assert left >= -0.1 and top >= -0.1
        assert right <= one.width + 0.1 and low <= one.height + 0.1
    labels = [
        m.y for m in one.marks if isinstance(m, Text) and str(m.says).startswith("line")
    ]
    assert all(b - a > 14.9 for a, b in zip(sorted(labels), sorted(labels)[1:]))


def test_what_is_no_number_is_left_out_of_a_line() -> None:
    one = drawing(
        "plot", series=[{"name": "loss", "y": [3, math.nan, math.inf, 1]}], last=True
    )
    assert "loss 1.000" in texts(one)
    with pytest.raises(BadInput, match="3 x and 1 y"):
        figure["plot"](series=[{"x": [1, 2, 3], "y": [1]}])


def test_a_logarithmic_axis_names_powers_of_ten() -> None:
    rates = [0.1 * 0.1 ** (t // 3) for t in range(9)]
    one = drawing("plot", series=[{"name": "α", "y": [0.0, *rates]}], log=True)
    assert {"0.1", "0.01", "0.001"} <= set(texts(one))


def test_plots_over_the_same_axes_are_one() -> None:
    parts = [solve("update schedule", decay=d, t=200).pictures[0] for d in (0.1, 0.001)]
    found = together([*parts, Picture("plot", {"series": (), "x": "epoch"})])
    assert [len(p.given["series"]) for p in found] == [2, 0]
    ends = [s["y"][-1] for s in found[0].given["series"]]
    assert ends == pytest.approx([1 / 21, 1 / 1.2])
