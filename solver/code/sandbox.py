"""The sandbox: one child process for one answer, confined by bubblewrap.

The child sees the Python that runs us, NumPy, the system's libraries and the answer, all
read-only, and nothing else: no home, no network, no device, no place to write, no other
process. Time, memory and what it writes are limited. Where bubblewrap is missing or does not
work there is no other way: `unavailable` says why, and nothing is run.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from solver.code.filter import program
from solver.code.wire import BadReply, Failed, Returned, replies, request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CPU, WALL = 5, 10.0  # seconds of the processor, and on the clock
MEMORY = 1 << 30  # bytes of address space: Python and NumPy take a third of it
FLOOD = 8_000_000  # bytes that are read of a child before it is ended
LIMITS = {
    "RLIMIT_CPU": CPU,
    "RLIMIT_AS": MEMORY,
    "RLIMIT_FSIZE": 0,
    "RLIMIT_CORE": 0,
    "RLIMIT_NOFILE": 64,
}
LAST = {"RLIMIT_NPROC": 0}  # once NumPy is there: no thread and no process more
ANSWER, CHILD = "/answer.py", "/child.py"
SYSTEM = ("/lib", "/lib64", "/lib32", "/usr/lib", "/usr/lib64")
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Unfinished:
    """A run that says nothing about the answer, and why: a person has to look at it."""

    why: str


@dataclass(frozen=True)
class Places:
    """What of this machine the child is shown, read-only."""

    python: str
    libraries: tuple[str, ...]  # Python's own, and the system's
    hidden: tuple[str, ...]  # what lies inside them and is nobody's business
    packages: str  # the folder that NumPy is imported from
    numpy: tuple[str, ...]
    child: str


@lru_cache(maxsize=1)
def places() -> Places:
    """The Python that runs us and its NumPy."""
    python = os.path.realpath(sys.executable)
    config = sysconfig.get_config_var
    own = [sysconfig.get_path("stdlib"), config("DESTSHARED")]
    library = os.path.join(config("LIBDIR") or "", config("INSTSONAME") or "")
    if library.endswith((".so", ".dylib")) or ".so." in library:
        own.append(library)
    spec = find_spec("numpy")
    assert spec and spec.submodule_search_locations
    numpy = Path(spec.submodule_search_locations[0]).resolve()
    parts = [numpy, numpy.parent / "numpy.libs"]
    standard = Path(own[0])
    hidden = [standard / "site-packages", standard / "dist-packages"]
    return Places(
        python=python,
        libraries=tuple(dict.fromkeys(p for p in own if p and os.path.exists(p))),
        hidden=tuple(str(p) for p in hidden if p.is_dir()),
        packages=str(numpy.parent),
        numpy=tuple(str(p) for p in parts if p.is_dir()),
        child=str(Path(__file__).with_name("child.py")),
    )


def libraries(paths: Sequence[str] = SYSTEM) -> Iterator[str]:
    """Arguments that show the system's libraries, links as links."""
    for path in paths:
        if os.path.islink(path):
            yield from ("--symlink", os.readlink(path), path)
        elif os.path.isdir(path):
            yield from ("--ro-bind", path, path)


def argv(bwrap: str, where: Places, answer: int, syscalls: int | None) -> list[str]:
    """The command line: `answer` is the descriptor from which bubblewrap reads the code,
    `syscalls` the one with the filter of system calls."""
    shown = [*libraries()]
    shown += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    for path in (*where.libraries, where.python):
        shown += ["--ro-bind", path, path]
    for path in where.hidden:
        shown += ["--tmpfs", path, "--remount-ro", path]
    for path in where.numpy:  # behind what is hidden: it may lie there
        shown += ["--ro-bind", path, path]
    filtered = [] if syscalls is None else ["--seccomp", str(syscalls)]
    return [
        bwrap, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
        *shown,
        "--ro-bind", where.child, CHILD,
        "--ro-bind-data", str(answer), ANSWER,
        "--remount-ro", "/",
        "--chdir", "/",
        *filtered,
        where.python, "-I", "-S", "-B", CHILD, ANSWER, where.packages,
    ]  # fmt: skip


def run(
    source: str,
    function: str,
    calls: Sequence[dict[str, Any]],
    by_name: bool = False,
    names: dict[str, str] | None = None,
) -> list[Returned | Failed] | Unfinished:
    """What the function of this source returns, or raises, at each of these calls."""
    why = unavailable()
    return Unfinished(why) if why else confined(source, function, calls, by_name, names)


def confined(
    source: str,
    function: str,
    calls: Sequence[dict[str, Any]],
    by_name: bool = False,
    names: dict[str, str] | None = None,
) -> list[Returned | Failed] | Unfinished:
    """The same, bubblewrap being there."""
    bwrap = shutil.which("bwrap")
    assert bwrap
    asked = request(function, calls, LIMITS, LAST, by_name, names)
    with (
        readable(source.encode("utf-8", "replace")) as answer,
        readable(program()) as rules,
    ):
        command = argv(bwrap, places(), answer, rules if program() else None)
        written, how, code = exchanged(command, asked, (answer, rules))
    if how:
        return Unfinished(how)
    try:
        return replies(written, len(calls))
    except BadReply as e:
        early = written.count(b"\n") < len(calls)
        return Unfinished(
            ended_by(code) if early else f"what it wrote is no result ({e})"
        )


@lru_cache(maxsize=1)
def unavailable() -> str:
    """Why nothing can be run here, or nothing: tried out once, on code of our own."""
    if not shutil.which("bwrap"):
        return "bubblewrap (bwrap) is not installed"
    try:
        found = confined("def probe(x):\n    return x + 1\n", "probe", [{"x": 1}])
    except OSError as e:
        return f"bubblewrap cannot be started: {e}"
    if isinstance(found, Unfinished):
        return f"bubblewrap does not work here: {found.why}"
    works = isinstance(found[0], Returned) and found[0].value == 2
    return "" if works else "bubblewrap does not work here"


# -- one exchange -------------------------------------------------------------------------


@contextmanager
def readable(data: bytes) -> Iterator[int]:
    """A descriptor from which the data can be read, by a file that has no name."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        file.seek(0)
        yield file.fileno()


def exchanged(
    command: Sequence[str], asked: bytes, descriptors: Sequence[int]
) -> tuple[bytes, str, int]:
    """What a child wrote, why it was ended ("" if it ended itself), and its exit code."""
    with readable(asked) as given, forking():
        child = subprocess.Popen(
            command, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            pass_fds=descriptors, env=ENVIRONMENT, start_new_session=True,
        )  # fmt: skip
    assert child.stdout
    try:
        written, how = heard(child.stdout.fileno(), time.monotonic() + WALL)
        if not how:
            try:
                child.wait(timeout=WALL)
            except subprocess.TimeoutExpired:
                how = TOO_SLOW
    finally:
        killed(child)
    return written, how, child.returncode


TOO_SLOW = f"it ran longer than {WALL:g} s (a loop that does not end?)"


def heard(pipe: int, until: float) -> tuple[bytes, str]:
    """All that is written into a pipe until it is closed, and why reading was given up."""
    found: list[bytes] = []
    size = 0
    with selectors.DefaultSelector() as ready:
        ready.register(pipe, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0:
            if not ready.select(left):
                break
            piece = os.read(pipe, 1 << 16)
            if not piece:
                return b"".join(found), ""
            found.append(piece)
            size += len(piece)
            if size > FLOOD:
                return b"", f"it wrote more than {FLOOD // 1_000_000} MB"
    return b"", TOO_SLOW


def killed(child: subprocess.Popen[bytes]) -> None:
    """End bubblewrap, and with it every process of its namespace; nothing is left behind."""
    with suppress(OSError):
        os.killpg(child.pid, signal.SIGKILL)
    child.kill()
    child.wait()
    assert child.stdout
    child.stdout.close()


def ended_by(code: int) -> str:
    """What an exit code says of how the code ended."""
    number = -code if code < 0 else code - 128
    if number in (signal.SIGXCPU, signal.SIGKILL):
        return f"it computed longer than {CPU} s, or took more memory than there is"
    if number == signal.SIGSEGV:
        return "it crashed Python (a recursion without an end?)"
    return "it ended the process by itself before it returned"


@contextmanager
def forking() -> Iterator[None]:
    """Let this process start one, where a marking process may not (see courses/workers)."""
    import resource

    which = resource.RLIMIT_NPROC
    before, most = resource.getrlimit(which)
    with suppress(ValueError, OSError):
        resource.setrlimit(which, (most, most))
    try:
        yield
    finally:
        with suppress(ValueError, OSError):
            resource.setrlimit(which, (before, most))


Run = Callable[..., "list[Returned | Failed] | Unfinished"]
