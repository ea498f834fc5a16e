"""Declarations: `A: m x n, S: n x n symmetric, x: n, c: scalar`, or a table of dims."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from solver.core import BadInput
from solver.registry import unknown

FLAGS = [
    "symmetric", "posdef", "positive", "probability", "onehot", "prob", "rowprob", "colprob",
    "sign", "invertible", "det-positive", "small",
]  # fmt: skip


def declared(raw: Any) -> tuple[dict[str, tuple[Any, ...]], dict[str, tuple[str, ...]]]:
    """(dims, flags) by name, from text or from a table. Raises BadInput."""
    if not raw:
        return {}, {}
    if isinstance(raw, str):
        pieces = [p for p in re.split(r"[;,]\s*(?=[A-Za-z_]\w*\s*:)", raw) if p.strip()]
        pairs = [p.partition(":")[::2] for p in pieces]
    elif isinstance(raw, Mapping):
        pairs = list(raw.items())
    else:
        raise BadInput("declare variables as A: m x n, x: n, c: scalar")
    dims: dict[str, tuple[Any, ...]] = {}
    flags: dict[str, tuple[str, ...]] = {}
    for name, what in pairs:
        name = name.strip()
        if not re.fullmatch(r"[A-Za-z]\w{0,20}", name):
            raise BadInput(
                f"{name[:30]!r} is no name: declare variables as A: m x n, x: n"
            )
        if name in dims:
            raise BadInput(f"{name} is declared twice")
        dims[name], flags[name] = shape(name, what)
    return dims, flags


def shape(name: str, what: Any) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The dims and flags of one declaration: "n x n symmetric", ["m", "n"]."""
    what = str(what) if isinstance(what, int) else what
    if not isinstance(what, (str, list, tuple)):
        raise BadInput(f"{name} is declared by its sizes, m x n, not by {what!r:.20}")
    words = (
        re.split(r"[\s,×x]+|(?<=\d)x", what.strip())
        if isinstance(what, str)
        else list(what)
    )
    dims: list[Any] = []
    flags: list[str] = []
    for word in (w for w in words if w != ""):
        text = str(word)
        if text.isdigit():
            if not 1 <= int(text) <= 1000:
                raise BadInput(f"{name}: a size is from 1 to 1000, not {text[:20]}")
            dims.append(int(text))
        elif text in FLAGS:
            flags.append(text)
        elif re.fullmatch(r"[a-zA-Z]\d?", text):
            dims.append(text)
        elif text not in ("scalar", "number", "column", "vector", "matrix", "of", "by"):
            raise unknown(f"property of {name}", text, [*FLAGS, "scalar"])
    if len(dims) > 2:
        raise BadInput(f"{name}: a variable has at most two sizes, not {len(dims)}")
    if flags and "symmetric" in flags and (len(dims) != 2 or dims[0] != dims[1]):
        raise BadInput(f"{name} is symmetric, so it is square: n x n")
    while dims and dims[-1] == 1:
        dims.pop()
    return tuple(dims), tuple(flags)
