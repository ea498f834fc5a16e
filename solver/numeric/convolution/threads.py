"""How many threads: an explicit argument, or a `with threads(n):` around the calls.

What BLAS uses is set while a call runs, and put back: all of them in a product that is
not worth sharing out, one where our threads share out the work.
Without argument or context BLAS keeps what it has, and nothing is shared out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from solver.core import BadInput
from solver.numeric.workspace import Job, Workspace

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
    if (
        isinstance(threads, bool)
        or not isinstance(threads, int)
        or not 1 <= threads <= MOST
    ):
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


class BlasThreads:
    """A `with` inside which BLAS uses so many threads; afterwards as many as before.

    What libraries use is one number for the whole process: who is inside is counted, over
    all threads, and the last one to leave restores it. Of two numbers at once the smaller
    holds.
    """

    lock = Lock()
    inside: list[int] = []
    before: list[int] = []

    def __init__(self, count: int) -> None:
        self.count = count

    def __enter__(self) -> None:
        with self.lock:
            libraries = blas().lib_controllers
            if not self.inside:
                self.before[:] = [one.get_num_threads() for one in libraries]
            self.inside.append(self.count)
            self.hold(libraries, [min(self.inside)] * len(libraries))

    def __exit__(self, *error: object) -> None:
        with self.lock:
            libraries = blas().lib_controllers
            self.inside.remove(self.count)
            least = [min(self.inside)] * len(libraries) if self.inside else self.before
            self.hold(libraries, least)

    def hold(self, libraries: Sequence[Any], wanted: Sequence[int]) -> None:
        """Each library at its number."""
        for one, number in zip(libraries, wanted):
            if one.get_num_threads() != number:
                ask(one, number)


def run(
    jobs: Sequence[Job], spaces: list[Workspace], count: int | None, parts: int
) -> None:
    """Every job once, by `parts` of our threads, each with a workspace of its own.

    Where the work is not worth sharing out (parts = 1), BLAS gets the threads instead:
    they wait for work by spinning, which starts sooner than waking ours. Where it is,
    BLAS gets one, or its threads would take the processors from ours.
    """
    if count is None:
        for job in jobs:
            job(spaces[0])
        return
    shared = min(parts, len(jobs))
    with BlasThreads(count if shared <= 1 else 1):
        if shared <= 1:
            for job in jobs:
                job(spaces[0])
            return
        while len(spaces) < shared:
            spaces.append(Workspace())
        rest = iter(jobs)
        lock = Lock()
        warned = np.geterr()  # a thread has its own: overflow is taken as the caller does

        def worker(space: Workspace) -> None:
            with np.errstate(**warned):
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
