"""How many threads: an explicit argument, or a `with threads(n):` around the calls.

BLAS is set to one thread while a call runs, and put back: the work is shared out here.
Without argument or context BLAS keeps what it has, and nothing is shared out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

from solver.core import BadInput
from solver.numeric.workspace import Workspace

Job = Callable[[Workspace], None]

CURRENT: ContextVar[int | None] = ContextVar("threads", default=None)
MOST = 1024
LOCK = Lock()
HELD: list[int] = []  # what the calls that are running have asked BLAS for
BEFORE: list[int] = []  # what each library had before the first of them


@cache
def blas() -> Any:
    """The BLAS libraries that are loaded, as threadpoolctl knows them."""
    return ThreadpoolController().select(user_api="blas")


@cache
def pool(workers: int) -> ThreadPoolExecutor:
    """Threads that wait for work, one pool a size."""
    return ThreadPoolExecutor(workers, "convolution")


def counted(threads: int | None) -> int | None:
    """The number that holds: the argument's, else the context's; None for neither."""
    if threads is None:
        return CURRENT.get()
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= MOST:
        raise BadInput(f"threads is a whole number from 1 to {MOST}, not {threads!r}")
    return threads


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Calls inside use this many threads; afterwards all is as before."""
    token = CURRENT.set(counted(count))
    try:
        yield
    finally:
        CURRENT.reset(token)


def ask(library: Any, count: int) -> None:
    """This library uses so many threads, whichever of our threads asks.

    Later threadpoolctl lets one thread set OpenBLAS and ignores the others. Calls are
    counted here instead, so nobody holds it before or after.
    """
    if library.get_num_threads() != count:
        free = getattr(library, "clear_controlling_thread", lambda force: None)
        free(force=True)
        library.set_num_threads(count)
        free(force=True)


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """BLAS uses this many threads; afterwards as many as before.

    What libraries use is one number for the whole process: calls from several threads at
    once are counted, and the last one to leave restores it.
    """
    libraries = blas().lib_controllers
    with LOCK:
        if not HELD:
            BEFORE[:] = [one.get_num_threads() for one in libraries]
        HELD.append(count)
        for one in libraries:
            ask(one, count)
    try:
        yield
    finally:
        with LOCK:
            HELD.remove(count)
            wanted = BEFORE if not HELD else [HELD[-1]] * len(libraries)
            for one, number in zip(libraries, wanted):
                ask(one, number)


def run(jobs: Sequence[Job], spaces: list[Workspace], count: int | None) -> None:
    """Every job once, by this many threads, each with a workspace of its own.

    BLAS itself gets one thread: its own would wait for work by spinning, for long enough
    to take the processor from ours.
    """
    if count is None:
        for job in jobs:
            job(spaces[0])
        return
    shared = min(count, len(jobs))
    with blas_threads(1):
        if shared == 1:
            for job in jobs:
                job(spaces[0])
            return
        while len(spaces) < shared:
            spaces.append(Workspace())
        rest = iter(jobs)
        lock = Lock()

        def worker(space: Workspace) -> None:
            while True:
                with lock:
                    job = next(rest, None)
                if job is None:
                    return
                job(space)

        others = [pool(shared - 1).submit(worker, space) for space in spaces[1:shared]]
        try:
            worker(spaces[0])
        finally:
            wait(others)  # all of them, also if one fails: they use the workspaces
        for other in others:
            other.result()
