"""Words and lines that several commands and answers say in the same way."""

from __future__ import annotations

import sys
from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def clock(seconds: float) -> str:
    """1:02:03, 2:03 or 3 s."""
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"


def say(text: str) -> None:
    """A line beside the output."""
    print(text, file=sys.stderr)


def rewrite(stream: TextIO, text: str = "") -> None:
    """A terminal's last line written anew; without a text, taken away."""
    stream.write(f"\r\033[K{text}")
    stream.flush()


def listed(names: Sequence[str]) -> str:
    """a, b and c."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
