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
    free = getattr(library, "clear_controlling_thread", lambda force: None)
    free(force=True)
    library.set_num_threads(count)
    free(force=True)


class OneOfBlas:
    """A `with` inside which BLAS uses one thread; afterwards as many as before.

    What libraries use is one number for the whole process: who is inside is counted, over
    all threads, and the last one to leave restores it.
    """

    def __init__(self) -> None:
        self.lock, self.inside = Lock(), 0
        self.before: list[int] = []

    def __enter__(self) -> None:
        with self.lock:
            if not self.inside:
                libraries = blas().lib_controllers
                self.before = [one.get_num_threads() for one in libraries]
                for one, number in zip(libraries, self.before):
                    if number != 1:
                        ask(one, 1)
            self.inside += 1

    def __exit__(self, *error: object) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside:
                for one, number in zip(blas().lib_controllers, self.before):
                    if number != 1:
                        ask(one, number)


one_of_blas = OneOfBlas()


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
    with one_of_blas:
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
