"""Matrix derivatives: equal to the expected ones at random points, or refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from solver.core import BadInput
from solver.expressions import matrix as m
from solver.expressions.grammar import read
from solver.expressions.nodes import Expr
from solver.expressions.plain import plain
from solver.kinds import solve
from solver.numeric.prove import equal
from tests.conformance import Case, timed

KINDS = {
    "gradient": "grad",
    "hessian": "hessian",
    "vec-hessian": "hessian",
    "numerator": "jacobian",
    "vec-numerator": "jacobian",
    "elementwise": "jacobian",
}
SIZES: list[float] = []  # of each right result, against the expected one's


def answered(row: dict[str, Any]) -> Expr:
    """The public interface's answer to a row."""
    where = {
        name: " x ".join(map(str, dims)) + " " + " ".join(row["flags"].get(name, ()))
        if dims
        else "scalar " + " ".join(row["flags"].get(name, ()))
        for name, dims in row["vars"].items()
    }
    given: dict[str, Any] = {"expr": row["expr"], "wrt": row["wrt"], "where": where}
    if "convention" in row and row["layout"] == "gradient":
        given["convention"] = row["convention"].removeprefix("symmetric-")
    return solve(KINDS[row["layout"]], **given).value  # type: ignore[no-any-return]


def length(text: str) -> int:
    """Names, numbers and operators of a plain text."""
    return len(re.findall(r"[A-Za-z_]\w*|\d+(?:\.\d+)?|\.\*|\./|\.\^|[-+*/^']", text))


def gradients(path: Path) -> Iterator[Case]:
    """Right: equal to `expected`, and the plain text reads back as itself."""
    SIZES.clear()
    for line in path.read_text().splitlines():
        row = json.loads(line)
        yield timed(row["id"], lambda row=row: disagreement(row))
    ordered = sorted(SIZES)
    if ordered:
        above = sum(s > 1.5 for s in ordered)
        print(f"    size: median {ordered[len(ordered) // 2]:.2f}, above 1.5: {above}")


def disagreement(row: dict[str, Any]) -> str:
    found = answered(row)
    flags = row["flags"]
    text = plain(found)
    if read(text, row["vars"], flags, m.dims(found)) != found:
        return f"{text} does not read back as itself"
    try:
        wanted = read(row["expected"], row["vars"], flags, m.dims(found))
    except BadInput:
        wanted = None  # the identity's size stays open inside a Kronecker product
    if wanted is not None and not equal(found, wanted):
        return f"{text}, not {row['expected']}"
    SIZES.append(length(text) / row["expected_size"])
    return ""


def refused(path: Path) -> Iterator[Case]:
    """Right: refused with an error."""
    for line in path.read_text().splitlines():
        row = json.loads(line)
        row.setdefault("flags", {})

        def examine(row: dict[str, Any] = row) -> str:
            wrt = row.get("wrt") or next(iter(row["vars"]))
            kinds = ("gradient", "numerator")
            for layout in kinds:
                try:
                    got = answered({**row, "wrt": wrt, "layout": layout})
                except BadInput:
                    continue
                return f"answered {plain(got)}, though {row['why']}"
            return ""

        yield timed(row["id"], examine)


def fuzz(path: Path) -> Iterator[Case]:
    """Right: answered, which is only after differences agreed; else refused."""
    for line in path.read_text().splitlines():
        row = json.loads(line)

        def examine(row: dict[str, Any] = row) -> str:
            answered(row)
            return ""

        yield timed(row["id"], examine)
