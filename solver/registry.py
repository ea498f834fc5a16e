"""The one registration idiom: a dict filled by decorator, loaded on first use.

`@kind("shape conv")`, `@layer("conv")`, `@network("vgg16")`, `@mistake("shape conv")`:
the argument is the key, the docstring's first line is what users read, an unknown key
raises BadInput with the nearest names. `where` says which module holds a key, so that a
query imports only what it names; tests hold it against the decorators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from solver.core import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Registry:
    """Names to objects; the module that registers a name is imported when it is asked for."""

    def __init__(
        self,
        what: str,
        where: Mapping[str, str] | None = None,
        aliases: Mapping[str, str] | None = None,
    ):
        self.what, self.where, self.aliases = what, where or {}, aliases or {}
        self.found: dict[str, Any] = {}

    def __call__(self, name: str) -> Callable[[Any], Any]:
        def register(thing: Any) -> Any:
            self.found[name] = thing
            return thing

        return register

    def __getitem__(self, name: str) -> Any:
        name = self.aliases.get(name, name)
        if name not in self.found and name in self.where:
            load(self.where[name])
        if name not in self.found:
            raise unknown(self.what, name, self.names())
        return self.found[name]

    def __contains__(self, name: str) -> bool:
        name = self.aliases.get(name, name)
        return name in self.where or name in self.found

    def names(self) -> list[str]:
        """Every key, whether its module is loaded yet or not."""
        return list(dict.fromkeys([*self.where, *self.found]))

    def items(self) -> Iterator[tuple[str, Any]]:
        return ((name, self[name]) for name in self.names())


def load(module: str) -> Any:
    """Import a module of ours by its dotted name."""
    __import__(module)
    import sys

    return sys.modules[module]


def unknown(what: str, name: str, names: list[str]) -> BadInput:
    """The error for a name nobody registered, with the nearest ones."""
    from difflib import get_close_matches

    lower = {n.lower(): n for n in names}
    found = get_close_matches(name.lower(), list(lower), n=3, cutoff=0.5)
    near = [n for n in names if " " in n and name.lower() in n.lower().split()][:6]
    near = near or [lower[n] for n in found]
    if not near:
        near = [
            n for n in names if name and (n.startswith(name) or name.startswith(n))
        ][:3]
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    if not hint and names:
        hint = f"; there are {', '.join(names[:12])}{', …' if len(names) > 12 else ''}"
    shown = name if len(name) <= 60 else name[:57] + "…"
    return BadInput(f"no {what} is called {shown!r}{hint}")


def first_line(thing: Any) -> str:
    """The docstring's first line: the sentence that users read."""
    return (thing.__doc__ or "").strip().split("\n", 1)[0]
