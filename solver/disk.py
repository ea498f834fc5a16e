"""Files that are replaced whole or not at all, and folders that one process writes to.

What is written stands beside the file until it is complete, and is then moved into its
place: a failure or a kill leaves the old file as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

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


# -- one process at a time -----------------------------------------------------------


@contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """The folder for this process alone: a lock file of this name holds its number.

    The system lets go of a lock when its process ends, however it ends: the file that a
    dead one left is taken over.
    """
    path = folder / name
    with open(path, "a+", encoding="ascii", errors="replace") as file:
        if not locked(file):
            file.seek(0)
            holder = file.read(20).strip()
            raise BadInput(
                f"process {holder or 'unknown'} is at work in this folder: wait until it "
                "has ended, or take another folder"
            ).at(str(folder))
        if not stands(path, file):  # the one before took it away in the meantime
            raise BadInput("another process has just ended here: try again").at(str(folder))
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            with suppress(OSError):  # Windows removes no open file
                path.unlink()


def stands(path: Path, file: IO[str]) -> bool:
    """Whether the open file is still the one of this name."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    return False


def locked(file: IO[str]) -> bool:
    """Take a file for this process alone, not for its children; where that exists."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
