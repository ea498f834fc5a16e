"""Files that are replaced whole or not at all.

What is written stands beside the file until it is complete, and is then moved into its
place: a failure or a kill leaves the old file as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from solver.core import BadInput


@contextmanager
def replaced(path: Path, durable: bool = False) -> Iterator[Path]:
    """Where to write what is to stand at this path; its folder is made.

    With `durable` it is on the disk before the old file goes. A link stays one: the file
    behind it is replaced. What is no file (a device, a pipe) is written to directly.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            yield path
            return
        target = Path(os.path.realpath(path))
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            yield beside
            if durable:
                kept(beside)
            os.replace(beside, target)
            if durable:
                name_kept(target.parent)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as e:
        raise BadInput(f"cannot be written: {e.strerror or e}").at(str(path)) from None


def write(path: Path, data: str | bytes, durable: bool = False) -> None:
    """A file with this content, all or nothing."""
    with replaced(path, durable) as place:
        place.write_bytes(data.encode() if isinstance(data, str) else data)


def kept(path: Path) -> None:
    """Wait until a file's content is on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def name_kept(folder: Path) -> None:
    """Make a new name durable as well; where folders can be opened (not on Windows)."""
    with suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
