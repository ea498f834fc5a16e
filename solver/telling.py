"""What commands that take long say beside their output."""

from __future__ import annotations

import sys


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
