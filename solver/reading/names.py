"""Names: what is known of letters, functions and words, and how a run of letters is split."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from solver.expressions.typeset_forms import GREEK, key
from solver.reading.spellings import CONSTANTS, FUNCTIONS, SAID, STOPWORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


OTHER_SIGNS = {
    "ϕ": "phi",
    "ϵ": "epsilon",
    "ϑ": "theta",
    "eps": "epsilon",
    "varepsilon": "epsilon",
}


@lru_cache(maxsize=8192)
def canonical(name: str) -> str:
    """The one spelling of a name: yhat for ŷ, \\hat{y} and y_hat; sigma for σ; x_1 for x1."""
    name = OTHER_SIGNS.get(name, name)
    return key(name) or name


class Names:
    """What is known of letters: the declared, those of the key, aliases, functions.

    strict: a student's text, in which a longer word must be known; an author's may name
    new things.
    """

    def __init__(
        self,
        known: Iterable[str] = (),
        aliases: Mapping[str, str] | None = None,
        functions: Mapping[str, str] | None = None,
        strict: bool = False,
        calls: Iterable[str] = (),
        columns: Iterable[str] = (),
    ):
        self.aliases = {canonical(a): canonical(n) for a, n in (aliases or {}).items()}
        self.known = {canonical(k) for k in known} | set(self.aliases.values())
        self.functions = {canonical(f): g for f, g in (functions or {}).items()}
        self.strict, self.calls = strict, frozenset(calls)
        self.columns = frozenset(columns)  # letters that are declared as vectors
        self.plain = {*self.known, *self.aliases, *self.functions}
        self.split = lru_cache(maxsize=2048)(self._split)

    def name(self, word: str) -> str:
        """A name as the key has it."""
        found = canonical(word)
        return self.aliases.get(found, found)

    def is_known(self, word: str) -> bool:
        return canonical(word) in self.plain

    def _split(self, word: str) -> tuple[tuple[str, str], ...] | None:
        """A run of letters as (kind, value, …) pieces, or None if nobody knows it."""
        one = self.piece(word)
        if one:
            return (one,)
        best = self.pieces(word, 0, {})
        if best is not None:
            return best
        if word in STOPWORDS:
            return None
        numbered = re.findall(r"[A-Za-z]\d+|[A-Za-z]", word)
        if len(numbered) > 1 and "".join(numbered) == word and re.search(r"\d", word):
            return tuple(
                self.piece(p) or ("name", canonical(p)) for p in numbered
            )  # w1x1
        if len(word) <= 2 or word[:1] == "d" and len(word) <= 3:
            return tuple(self.piece(c) or ("name", canonical(c)) for c in word)
        if not self.strict:
            return (("name", canonical(word)),)
        return None

    def piece(self, word: str) -> tuple[str, str] | None:
        """What one whole word is."""
        if self.is_known(word):
            found = canonical(word)
            if found in self.functions:
                return "function", self.functions[found]
            return "name", self.name(word)
        if word in FUNCTIONS:
            return "function", FUNCTIONS[word]
        if word in self.calls:
            return "name", word
        if word in SAID:
            return "said", SAID[word]
        if word in CONSTANTS:
            return "name", CONSTANTS[word]
        if word in STOPWORDS:
            return None
        found = canonical(word)
        if len(word) == 1 or found in GREEK or word in GREEK:
            return "name", self.aliases.get(found, found)
        if re.fullmatch(r"[A-Za-z](?:hat|bar|tilde)|[A-Za-z]\d+", word):
            return "name", self.aliases.get(found, found)
        base = re.fullmatch(r"([A-Za-z]+?)(hat|bar|tilde|\d+)", word)
        if base and base[1] in GREEK:
            return "name", self.aliases.get(found, found)
        return None

    def pieces(
        self, word: str, at: int, seen: dict[int, Any]
    ) -> tuple[tuple[str, str], ...] | None:
        """A word as known names side by side, the longest first: wx, yf, 2πσ."""
        if at == len(word):
            return ()
        if at in seen:
            return seen[at]
        seen[at] = None
        for stop in range(len(word), at, -1):
            part = word[at:stop]
            if part.isdigit() or not (self.is_known(part) or part in ("e", "pi")
                                      or len(part) > 2 and part in GREEK):  # fmt: skip
                continue
            rest = self.pieces(word, stop, seen)
            if rest is not None:
                one = self.piece(part) or ("name", part)
                seen[at] = ((one[0], one[1]), *rest)
                break
        return seen[at]
