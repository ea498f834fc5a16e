"""The text of a printed module, read by hand: classes, arguments and children by name.

Nothing of it is evaluated, and line breaks and indentation mean nothing. Errors are
BadInput with a caret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from solver.core import BadInput
from solver.given import Param, read, shape, shown
from solver.networks.layers import Shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST, MOST, DEEPEST = 400_000, 5_000, 40  # characters, modules, brackets

NAME = re.compile(r"[A-Za-z_]\w{0,99}")
KEY = re.compile(r"([A-Za-z_]\w{0,99})\s*=(?!=)")
WORD = re.compile(r"[A-Za-z_][\w.]{0,99}")
NUMBER = re.compile(r"[+-]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})(e[+-]?\d{1,3})?(?![\w.])")
QUOTED = re.compile(r"'[^'\n]{0,200}'|\"[^\"\n]{0,200}\"")
CHILD = re.compile(r"\(([^().\s]{1,100})\):\s*(?:(\d{1,6}) x )?")
RANGE = re.compile(r"(\d{1,6})-(\d{1,6})")
SPACE = re.compile(r"\s*")
LITERALS = {"True": True, "False": False, "None": None}


@dataclass(frozen=True)
class Argument:
    """One argument as printed; without a name it is told by its place."""

    name: str
    value: Any
    at: int


@dataclass(frozen=True)
class Module:
    """One printed module: its class, arguments and children, which may be None."""

    cls: str
    arguments: tuple[Argument, ...]
    children: tuple[tuple[str, Module | None], ...]
    at: int


class Text:
    """A reader of one print, by hand: nothing of it is ever evaluated."""

    def __init__(self, text: str):
        self.text, self.i, self.made = text, 0, 0
        if len(text) > LONGEST:
            length = f"{len(text):,} characters; at most {LONGEST:,}"
            raise BadInput(f"the print has {length} are read")

    def error(self, message: str, at: int | None = None) -> BadInput:
        return BadInput(message, text=self.text, offset=self.i if at is None else at)

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What stands here, taken; spaces and line ends before it mean nothing."""
        self.i = SPACE.match(self.text, self.i).end()  # type: ignore[union-attr]
        found = pattern.match(self.text, self.i)
        self.i = found.end() if found else self.i
        return found

    def take(self, token: str) -> bool:
        return self.match(re.compile(re.escape(token))) is not None

    def whole(self) -> tuple[Module, Shape]:
        """The one module that the text prints, and the input if `@ 3x32x32` follows."""
        found = self.module(0)
        if self.take("@"):
            try:
                return found, shape(self.text[self.i :], "input")
            except BadInput as e:
                raise self.error(e.message) from None
        if self.i < len(self.text):
            raise self.error(f"{found.cls} ends before this: expected nothing more")
        return found, ()

    def module(self, depth: int) -> Module:
        """Conv2d(3, 6, …), its children in lines of their own."""
        if depth > DEEPEST:
            raise self.error(f"modules are nested deeper than {DEEPEST}")
        name = self.match(NAME)
        if not name:
            raise self.error("expected a module such as ReLU() or Conv2d(3, 6, …)")
        opened = self.i
        if not self.take("("):
            raise self.error(f"expected '(' after {name[0]}")
        arguments: list[Argument] = []
        children: dict[str, Module | None] = {}
        while not self.take(")"):
            if self.i >= len(self.text):
                raise self.error(f"{name[0]}( is never closed by ')'", opened)
            child = self.match(CHILD)
            if child:
                self.child(child, children, depth)
            elif children:
                raise self.error(f"expected the next child of {name[0]}, or ')'")
            else:
                arguments.append(self.argument(depth))
                if not self.take(","):
                    self.separated(name[0])
        return Module(name[0], tuple(arguments), tuple(children.items()), name.start())

    def separated(self, cls: str) -> None:
        """After an argument without a comma, brackets close or the children begin."""
        self.match(SPACE)
        if self.i < len(self.text) and self.text[self.i] not in "()":
            raise self.error(f"expected ',' or ')' in {cls}(…)")

    def child(
        self, head: re.Match[str], children: dict[str, Module | None], depth: int
    ) -> None:
        """(conv1): Conv2d(…), (aux1): None, or (0-2): 3 x Block(…), which is three."""
        key, times = head[1], head[2]
        start = self.i
        found = None if self.take("None") else self.module(depth + 1)
        span = RANGE.fullmatch(key) if times else None
        if times and not span:
            wanted = f"expected numbers such as (0-2) before {times} x"
            raise self.error(wanted, head.start())
        if span and int(span[2]) - int(span[1]) + 1 != int(times):
            raise self.error(f"({key}) is not {times} modules", head.start())
        names = range(int(span[1]), int(span[2]) + 1) if span else [key]
        self.made += len(names)
        if self.made > MOST:
            raise self.error(f"more than {MOST:,} modules", start)
        for name in map(str, names):
            if name in children:
                raise self.error(f"({name}) stands here twice", head.start())
            children[name] = found

    def argument(self, depth: int) -> Argument:
        """kernel_size=(3, 3), or a bare value."""
        self.match(SPACE)
        at = self.i
        name = self.match(KEY)
        return Argument(name[1] if name else "", self.value(depth), at)

    def value(self, depth: int) -> Any:
        """A number, True, None, a word, a text in quotes, or several in brackets."""
        if depth > DEEPEST:
            raise self.error(f"brackets are nested deeper than {DEEPEST}")
        if number := self.match(NUMBER):
            if number[0].lstrip("+-").isdigit():
                return int(number[0])
            if abs(float(number[0])) > 1e30:
                raise self.error("this number is too large", number.start())
            return float(number[0])
        if quoted := self.match(QUOTED):
            return quoted[0][1:-1]
        if self.take("torch.Size("):
            size = self.value(depth + 1)
            if not self.take(")"):
                raise self.error("expected ')' after the size")
            return size
        if word := self.match(WORD):
            return LITERALS.get(word[0], word[0])
        opened = self.i
        close = ")" if self.take("(") else "]" if self.take("[") else ""
        if not close:
            raise self.error("expected a value such as 3, (3, 3), True or None")
        values = []
        while not self.take(close):
            if self.i >= len(self.text):
                raise self.error(f"this bracket is never closed by {close!r}", opened)
            values.append(self.value(depth + 1))
            if not self.take(",") and self.text[self.i : self.i + 1] not in (close, ""):
                raise self.error(f"expected ',' or {close!r}")
        return tuple(values)


def argument(param: Param, raw: Any) -> Any:
    """A printed value as the layer's field wants it; a print holds no letters."""
    if raw is None and param.type.endswith("None"):
        return None
    if isinstance(raw, str):
        fits = param.type == "str" or "str" in param.type and raw in ("same", "valid")
    else:
        holes = "Size | None" in param.type
        parts = raw if isinstance(raw, tuple) else ()
        fits = all(isinstance(x, (int, float)) or x is None and holes for x in parts)
    if not fits:
        raise BadInput(f"expected numbers for {param.name}, not {shown(raw)}")
    return read(param, raw)
