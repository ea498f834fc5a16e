"""Folders and archives as the same thing: names, and files that are opened on demand.

Nothing is ever written: an archive's members are read in memory, within bounds. No link
is followed out of a folder, and no pipe or device is opened. What may not be read is
there as well; opening it raises BadInput with the reason.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from solver.core import BadInput
from solver.courses.naming import LONGEST_TEXT, readable
from solver.courses.streams import LARGEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO
    from zipfile import ZipFile, ZipInfo

DEEPEST = 20  # folders inside folders
MEMBERS = 50_000  # of an archive
LARGEST_ARCHIVE = 2_000_000_000  # bytes, as it lies there
LARGEST_TOTAL = 4_000_000_000  # bytes read of one archive
LARGEST_INDEX = 300 * MEMBERS  # bytes of an archive's list of members
RATIO, SMALL = 200, 100_000  # no text shrinks to a 200th, unless it is small
READ_BEHAVIOUR = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
JUNK = re.compile(r"\.|__MACOSX\Z|(?i:thumbs\.db|desktop\.ini)\Z")


@dataclass
class File:
    """A file in a folder or archive. `open` raises BadInput if it may not be read; `why`
    says so where that is known before."""

    name: str
    source: str
    open: Callable[[], BinaryIO]
    why: str = ""

    @property
    def ending(self) -> str:
        """The last ending, in small letters, without its dot."""
        return self.name.rpartition(".")[2].lower() if "." in self.name else ""

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[0]


@dataclass
class Folder:
    """A folder: its files by name, and the folders in it, each looked into when met."""

    name: str
    source: str
    files: list[File] = field(default_factory=list)
    folders: list[tuple[str, Callable[[], Folder]]] = field(default_factory=list)


def refused(name: str, source: str, why: str) -> File:
    """A file that is there and may not be opened."""

    def opened() -> BinaryIO:
        raise BadInput(why)

    return File(name, source, opened, why)


# -- on disk ------------------------------------------------------------------------------


def open_file(path: str | Path, follow: bool = False) -> BinaryIO:
    """An ordinary file; a link only where the user named it. Raises BadInput."""
    flags = READ_BEHAVIOUR | getattr(os, "O_NONBLOCK", 0)  # a pipe would wait for ever
    try:
        number = os.open(path, flags | (0 if follow else getattr(os, "O_NOFOLLOW", 0)))
    except OSError as e:
        raise BadInput(f"it cannot be opened: {e.strerror or e}") from None
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise BadInput("it is no ordinary file")
    return os.fdopen(number, "rb")


def disk_folder(path: str | Path, deep: int = 0) -> Folder:
    """A folder on disk, sorted by name. Raises BadInput."""
    found = Folder(os.path.basename(os.path.abspath(path)), shown(path))
    if deep > DEEPEST:
        raise BadInput(f"folders are nested more than {DEEPEST} deep").at(found.source)
    try:
        with os.scandir(path) as entries:
            listed = sorted(
                (e.name, e.path, e.is_symlink(), e.is_dir(follow_symlinks=False))
                for e in entries
                if not JUNK.match(e.name)
            )
    except OSError as e:
        raise BadInput(f"cannot be read: {e.strerror or e}").at(found.source) from None
    for name, inner, link, folder in listed:
        if link:
            why = "it is a link, and links are not followed"
            found.files.append(refused(name, shown(inner), why))
        elif folder:
            found.folders.append((name, lambda p=inner: disk_folder(p, deep + 1)))  # type: ignore[misc]
        else:
            found.files.append(File(name, shown(inner), lambda p=inner: open_file(p)))  # type: ignore[misc]
    return found


def shown(path: str | Path) -> str:
    """A path for messages."""
    return readable(os.fspath(path), LONGEST_TEXT)


# -- in an archive ------------------------------------------------------------------------


@contextmanager
def archive(opened: BinaryIO, name: str, source: str) -> Iterator[Folder]:
    """The folder that a .zip holds, while the block lasts. Raises BadInput."""
    import zipfile

    with opened:
        check_index(opened)
        try:
            whole = zipfile.ZipFile(opened)
        except (
            zipfile.BadZipFile,
            OSError,
            ValueError,
            NotImplementedError,
            struct.error,
        ) as e:
            raise BadInput(f"it is no .zip that can be read: {e}") from None
        with whole:
            yield zip_folder(whole, name, source)


def check_index(opened: BinaryIO) -> None:
    """Refuse an archive whose list of members alone would fill the memory."""
    size = opened.seek(0, os.SEEK_END)
    if size > LARGEST_ARCHIVE:
        raise BadInput(
            f"the archive is larger than {LARGEST_ARCHIVE // 10**9} GB: unpack it"
        )
    start = max(0, size - 66_000)
    opened.seek(start)
    tail = opened.read(66_000)
    opened.seek(0)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + 20 > len(tail):
        raise BadInput("it is no .zip that can be read: its end is missing")
    index = struct.unpack_from("<I", tail, at + 12)[0]
    longer = at - 20
    if longer >= 0 and tail[longer : longer + 4] == b"PK\6\7":
        opened.seek(min(struct.unpack_from("<Q", tail, longer + 8)[0], size))
        record = opened.read(56)
        opened.seek(0)
        index = struct.unpack_from("<Q", record, 40)[0] if len(record) == 56 else size
    if index > LARGEST_INDEX:
        raise BadInput(
            f"it has more than {MEMBERS:,} members: unpack it, and give the folder"
        )


class Budget:
    """How many bytes may still be read of an archive, all members together."""

    def __init__(self) -> None:
        self.left = LARGEST_TOTAL


def zip_folder(whole: ZipFile, name: str, source: str) -> Folder:
    """An archive's members as a folder, sorted by name. Raises BadInput."""
    members = whole.infolist()
    if len(members) > MEMBERS:
        raise BadInput(
            f"it has {len(members):,} members, more than {MEMBERS:,}: unpack it, and give "
            "the folder"
        )
    root, budget = Folder(name, source), Budget()
    known: dict[tuple[str, ...], Folder] = {(): root}
    listed = [(steps(full := member_name(m)), full, m) for m in members]
    for path, full, member in sorted(listed, key=lambda one: one[:2]):
        place = f"{source}: {shown(full)}"
        junk = any(JUNK.match(s) for s in path if s != "..")
        if not path or member.is_dir() or junk:
            continue
        if ".." in path or len(path) > DEEPEST:
            why = "its name leads out of the archive"
            why = why if ".." in path else "it is in too many folders"
            root.files.append(refused(path[-1], place, why))
            continue
        folder = inside(known, path[:-1], source)
        folder.files.append(
            File(path[-1], place, lambda m=member: read_member(whole, m, budget))  # type: ignore[misc]
        )
    return root


def steps(name: str) -> tuple[str, ...]:
    """The folders on the way to a member, and its own name; of any system's making."""
    return tuple(s for s in re.split(r"[/\\]", name) if s not in ("", "."))


def inside(
    known: dict[tuple[str, ...], Folder], path: tuple[str, ...], source: str
) -> Folder:
    """The folder at this path from the root, made where it is new."""
    if path not in known:
        above = inside(known, path[:-1], source)
        made = known[path] = Folder(path[-1], f"{source}: {shown('/'.join(path))}")
        above.folders.append((path[-1], lambda: made))
    return known[path]


def member_name(member: ZipInfo) -> str:
    """A member's name; UTF-8 is read as such even where the archive does not say so."""
    if not member.flag_bits & 0x800:
        try:
            return member.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return member.filename


def read_member(whole: ZipFile, member: ZipInfo, budget: Budget) -> BinaryIO:
    """A member's content, in memory. Raises BadInput for all that is unusual."""
    import zipfile
    import zlib

    if member.flag_bits & 0x1:
        raise BadInput("it is encrypted: unpack the archive, and give the folder")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise BadInput("it is a link, and links are not followed")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadInput(
            "it is compressed in an unusual way: unpack it, and give the folder"
        )
    if member.file_size > LARGEST:
        raise BadInput(f"it is larger than {LARGEST // 1_000_000} MB")
    if member.file_size > max(SMALL, RATIO * member.compress_size):
        raise BadInput("it is compressed to almost nothing, as no text is")
    if budget.left <= 0:
        raise BadInput(
            "the archive holds too much in all: unpack it, and give the folder"
        )
    try:
        with whole.open(member) as stream:
            data = stream.read(LARGEST + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError,
            NotImplementedError, ValueError, struct.error) as e:  # fmt: skip
        raise BadInput(f"it cannot be unpacked: {e}") from None
    budget.left -= len(data)
    if len(data) > LARGEST:
        raise BadInput(f"it is larger than {LARGEST // 1_000_000} MB")
    return BytesIO(data)
