"""How much memory is free, amounts of it in words, and the refusal of what does not fit."""

from __future__ import annotations

import os
from pathlib import Path

from solver.core import BadInput


def available() -> int | None:
    """Bytes of memory that are free, or None where the system does not say.

    In a container with a limit of its own (cgroup v2) what that leaves, if it is less.
    """
    free, limit = machine_free(), container_free()
    return min((x for x in (free, limit) if x is not None), default=None)


def machine_free() -> int | None:
    """Linux says what could be had without swapping; others, which pages are unused."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def container_free(place: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What a container's limit leaves; None where there is none."""
    try:
        limit, used = ((place / f"memory.{n}").read_text() for n in ("max", "current"))
        return max(int(limit) - int(used), 0)
    except (OSError, ValueError):  # no such file, or "max": no limit
        return None


def afford(size: int, what: str, instead: str) -> None:
    """Refuse bytes that are not free: what would take them, and what to do instead."""
    there = available()
    if there is not None and size > there:
        raise BadInput(
            f"{what} {in_words(size)}, and {in_words(there)} are free: {instead}"
        )


def in_words(size: int) -> str:
    """1.5 GiB."""
    amount, units = float(size), ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    while amount >= 1024 and len(units) > 1:
        amount, units = amount / 1024, units[1:]
    return f"{amount:.3g} {units[0]}" if amount < 1024 else f"{amount:.2e} {units[0]}"
