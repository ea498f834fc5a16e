"""Worlds: seeded values for every letter, in which trees as people write them have values.

A world draws each letter from its name and seed alone, by what is assumed of it, so that
two trees meet the same values whatever else they hold. Families (z_1, z_2, …), indices,
sizes of matrices and unknown functions are drawn likewise. Trees are compiled once and
evaluated in many worlds; a world is of floats, or of fifty digits (numeric/digits).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from random import Random

from solver.expressions.arrays import Array, Identity
from solver.expressions.fields import FLOATS, Field, TooLarge, Undefined
from solver.expressions.nodes import Expr, Sym, walk
from solver.expressions.written import (
    Index,
    Sigma,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Value = Any
    Compiled = Callable[["World"], Any]

# A mirror has the letters of the world two before it with their signs turned, so that
# both sides of every kink at 0 are met.
MODES = ("real", "positive", "mirror", "unit", "integer", "wide", "positive", "mirror")
MANY, STEPS = 4, 20_000
SIZES = ((3, 2, 4, 5, 6), (2, 3, 5, 4, 6))


class Letters:
    """What is declared of letters: kinds ("positive integer"), dims, sizes, indices."""

    def __init__(
        self,
        kinds: Mapping[str, str] | None = None,
        dims: Mapping[str, tuple[Any, ...]] | None = None,
        trees: Iterable[Any] = (),
    ):
        self.kinds = dict(kinds or {})
        self.dims = dict(dims or {})
        self.sizes = [
            d for shape in self.dims.values() for d in shape if isinstance(d, str)
        ]
        self.indices: set[str] = set()
        self.bounds: set[str] = set()
        self.labels: set[str] = set()
        self.imaginary = False
        for tree in trees:
            self.add(tree)

    def add(self, tree: Expr) -> None:
        """Learn from a tree which letters are indices and which are bounds of sums."""
        for n in walk(tree):
            if isinstance(n, Index):
                for a in n.args[1:]:
                    self.indices.update(s.name for s in walk(a) if isinstance(s, Sym)
                                        and s.kind != "name")  # fmt: skip
                    self.labels.update(s.base for s in walk(a) if isinstance(s, Index))
            elif isinstance(n, Sigma):
                self.indices.add(n.args[2])
                if isinstance(n.args[4], Sym):
                    self.bounds.add(n.args[4].name)
        names = {n.name for n in walk(tree) if isinstance(n, Sym)}
        self.imaginary = self.imaginary or "i" in names and "i" not in self.indices


class World:
    """One assignment of values; `moved` and `scale` place it far from ordinary points."""

    def __init__(
        self,
        letters: Letters,
        seed: int,
        field: Field = FLOATS,
        mode: str = "",
        fixed: Mapping[str, Any] | None = None,
        scale: float = 1,
        only: str = "",
    ):
        self.letters, self.seed, self.field = letters, seed, field
        self.scale, self.only = scale, only  # far away, all letters or only one
        self.mode = mode or MODES[seed % len(MODES)]
        self.fixed = dict(fixed or {})
        self.found: dict[Any, Any] = {}
        self.bound: dict[str, int] = {}
        self.seen: dict[Expr, set[Any]] | None = (
            None  # the outcomes at kinks, when watched
        )
        self.steps = 0
        order = SIZES[seed % 2]
        names = list(dict.fromkeys(letters.sizes))
        self.sizes = {n: order[i % len(order)] for i, n in enumerate(names)}

    def random(self, *what: Any) -> Random:
        return Random(f"{self.seed}:{what}")

    def size(self, d: Any) -> int:
        return d if isinstance(d, int) else self.sizes[d]

    def letter(self, name: str) -> Any:
        """The value of a letter alone."""
        if name in self.bound:
            return self.bound[name]
        if name not in self.found:
            self.found[name] = self.drawn(name)
        return self.found[name]

    def drawn(self, name: str) -> Any:
        field, known = self.field, self.letters
        if name in self.fixed:
            return field.num(self.fixed[name])
        if name in known.dims and known.dims[name]:
            rows, cols = (*map(self.size, known.dims[name]), 1)[:2]
            kind = known.kinds.get(name, "real")
            return Array(
                [
                    [self.draw(kind, name, i, j) for j in range(cols)]
                    for i in range(rows)
                ]
            )
        if name in self.sizes:
            return self.sizes[name]
        declared = known.kinds.get(name)
        if not declared:
            if name == "e":
                return field.e
            if name == "pi":
                return field.pi
            if name == "∞":
                return field.inf
            if name in known.bounds:
                return 2 + self.random(name).randrange(6)
            if name in known.indices:
                return 1 + self.random(name).randrange(MANY - 1)
            if name == "i" and known.imaginary:
                return 1j
            if self.is_identity(name):
                return Identity(field.one)
        return self.draw(declared or "real", name)

    def is_identity(self, name: str) -> bool:
        """Whether I is the identity: where there are matrices, and none has this name."""
        known = self.letters
        return name == "I" and name not in known.dims and any(
            len(d) == 2 for d in known.dims.values())  # fmt: skip

    def indexed(self, base: str, at: tuple[Any, ...]) -> Any:
        """The value of x_i where i has this value."""
        if self.is_identity(base) and len(at) == 1:  # I_n
            return Identity(self.field.one)
        dims = self.letters.dims.get(base)
        if dims and len(at) == len(dims) and all(isinstance(k, int) for k in at):
            rows = self.letter(base).rows
            try:
                i, j = (*at, 1)[:2]
                if i < 1 or j < 1:
                    raise IndexError
                return rows[i - 1][j - 1]
            except IndexError:
                raise Undefined(f"{base} has no entry {at}") from None
        key = (base, at)
        if key not in self.found:
            if base in self.letters.labels:
                self.found[key] = 1 + self.random(key).randrange(MANY - 1)
            else:
                whole = f"{base}_{at[0]}" if len(at) == 1 else base
                if whole in self.fixed:
                    self.found[key] = self.field.num(self.fixed[whole])
                else:
                    kinds = self.letters.kinds
                    kind = (
                        kinds.get(whole)
                        or kinds.get(base)
                        or kinds.get(f"{base}_i", "real")
                    )
                    self.found[key] = self.draw(kind, base, *at)
        return self.found[key]

    def draw(self, kind: str, *what: Any) -> Any:
        """A number of this kind, from the name alone."""
        mirrored = self.mode == "mirror" and kind == "real"
        r = self.random(*what) if not mirrored else Random(f"{self.seed - 2}:{what}")
        scale = self.scale if not self.only or self.only == what[0] else 1
        if kind.startswith("labels"):
            values = [int(v) for v in kind.split()[1:]]
            return values[r.randrange(len(values))]
        if "integer" in kind or kind in ("size", "count"):
            least = 1 if "positive" in kind or kind == "size" else 0 if (
                "nonnegative" in kind or kind == "count") else -6  # fmt: skip
            return r.randint(least, 12 if scale <= 1 else int(40 * scale))
        if kind == "probability":
            return self.field.one * r.randint(40, 960) / 1009
        if self.mode == "integer" and kind in ("real", "positive", "nonnegative"):
            size = r.choice((1, 2, 3, 5))
            return size if kind != "real" or r.random() < 0.6 else -size
        low, high = {"unit": (0.05, 0.95), "positive": (0.2, 3.0)}.get(
            self.mode, (-2.6, 2.6)
        )
        if MODES[(self.seed - 2 * mirrored) % len(MODES)] == "wide":
            low, high = -9.0, 9.0
        if kind in ("positive", "nonnegative"):
            low, high, scale = max(low, 0.1), max(high, 3.0), abs(scale)
        # A fraction of whole numbers: the same number in every field.
        n = (round(r.uniform(low, high) * 10_007) or 1) * (-1 if mirrored else 1)
        return self.field.one * n / 10_007 * self.field.num(scale)

    def watch(self, node: Expr, outcome: Any) -> None:
        if self.seen is not None:
            self.seen.setdefault(node, set()).add(outcome)

    def step(self, many: int = 1) -> None:
        self.steps += many
        if self.steps > STEPS:
            raise TooLarge("this takes too many steps to be computed")
