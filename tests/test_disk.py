"""Files that are replaced whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from solver.core import BadInput
from solver.disk import alone, replaced, write

ROOT = Path(__file__).parent.parent


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "file.txt"
    path.write_text("old")
    return path


def whole(path: Path) -> str:
    """What the file holds, if there is nothing beside it."""
    assert list(path.parent.iterdir()) == [path]
    return path.read_text()


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced(old: Path, durable: bool) -> None:
    write(old, "new", durable)
    assert whole(old) == "new"
    below = old.parent / "a" / "b" / "new.bin"
    write(below, b"\xff", durable)
    assert below.read_bytes() == b"\xff"


def test_the_old_file_stands_until_the_end(old: Path) -> None:
    with replaced(old) as place:
        place.write_text("half")
        assert old.read_text() == "old"
    assert whole(old) == "half"


@pytest.mark.parametrize("call", ["os.replace", "os.fsync"])
def test_a_failure_leaves_the_old_file(
    old: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(call, full)
    with pytest.raises(BadInput, match=r"file\.txt: cannot be written: No space left"):
        write(old, "new", durable=True)
    assert whole(old) == "old"


@pytest.mark.parametrize("error", [KeyboardInterrupt, BadInput, ZeroDivisionError])
def test_other_errors_pass_and_leave_it_as_well(
    old: Path, error: type[BaseException]
) -> None:
    with pytest.raises(error, match="stop"), replaced(old) as place:
        place.write_text("half")
        raise error("stop")
    assert whole(old) == "old"


def test_durable_is_on_the_disk_before_the_old_one_goes(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(os, "fsync", lambda file: seen.append(old.read_text()))
    write(old, "new", durable=True)
    assert seen[0] == "old" and seen[1:] in ([], ["new"])  # the file's, then its name's
    write(old, "newer")
    assert len(seen) <= 2


def test_a_link_stays_and_what_is_behind_it_is_replaced(
    old: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(old)
    write(link, "new")
    assert link.is_symlink() and old.read_text() == "new"


def test_a_device_is_written_to_and_stays_one() -> None:
    null = Path(os.devnull)
    if not null.is_char_device():
        pytest.skip("there is no null device")
    write(null, "text")
    assert stat.S_ISCHR(null.stat().st_mode)


def test_a_folder_is_not_written_over(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written: Is a directory"):
        write(tmp_path, "text")


# -- one process at a time -----------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from solver.disk import alone
with alone(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the folder until its standard input is closed."""
    pytest.importorskip("fcntl")
    pipe = subprocess.PIPE
    words = [sys.executable, "-c", HOLD, str(folder), name]
    with subprocess.Popen(words, cwd=ROOT, stdin=pipe, stdout=pipe) as child:
        assert child.stdout is not None and child.stdout.readline() == b"held\n"
        yield child


def test_a_folder_is_one_process_s_until_its_end(tmp_path: Path) -> None:
    with held(tmp_path, "a.lock") as child:
        assert (tmp_path / "a.lock").read_text() == f"{child.pid}\n"
        with (
            pytest.raises(BadInput, match=f"process {child.pid} is at work"),
            alone(tmp_path, "a.lock"),
        ):
            pass
        with alone(tmp_path, "another.lock"):
            pass
    assert not list(tmp_path.iterdir())
    with alone(tmp_path, "a.lock"):
        assert (tmp_path / "a.lock").read_text() == f"{os.getpid()}\n"


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    with held(tmp_path, "a.lock") as child:
        child.kill()
    assert (tmp_path / "a.lock").read_text() == f"{child.pid}\n"
    with alone(tmp_path, "a.lock"):
        assert (tmp_path / "a.lock").read_text() == f"{os.getpid()}\n"
    assert not list(tmp_path.iterdir())
