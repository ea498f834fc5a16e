"""Long-lived processes that mark answers, each under limits of time and memory.

No answer can lose another's verdict or its own: whatever happens to a process, the answer
that it held becomes undecided and the rest of its chunk is handed out again. Parent and
children speak JSON over pipes, a message an answer, so that each verdict is there as soon
as it is made.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import signal
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait

from solver.core import CheckFailed, Verdict
from solver.courses.store import Made, Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from typing import Any

    Grade = Callable[[Task], Verdict]

TIMEOUT = 5.0  # seconds of computing for an answer
MEMORY = 2**30  # bytes that a worker may take beyond what it begins with
AGAIN = 0.2  # seconds until a time-out that got lost is raised again
OVER = 2.0  # seconds beyond the time-out until the system ends a worker that computes on
FILES = 64
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
STARTS = 5  # workers in a row that end before they begin, until we give up
READY = b"ready"
TOO_BIG = 77  # the exit code of a worker whose memory was not enough


class TooLong(BaseException):
    """Time is up. No Exception, so that no handler in between takes it for one of its own."""


# -- the parent ---------------------------------------------------------------------------


@dataclass(eq=False)
class Worker:
    """A child with the tasks that it has not answered yet, the first being in its hands."""

    process: BaseProcess
    pipe: Connection
    held: deque[Task] = field(default_factory=deque)
    since: float = field(default_factory=time.monotonic)  # its last sign of life
    ready: bool = False


def cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def marked(
    chunks: Iterable[list[Task]],
    grade: Grade,
    *,
    jobs: int,
    timeout: float = TIMEOUT,
    grace: float | None = None,
    memory: int = MEMORY,
    method: str = "",
) -> Iterator[list[Made]]:
    """The verdicts on these tasks, in the order in which they come.

    Closing the iterator ends the workers. `grace` is what a silent worker is given beyond
    the time-out before it is killed: much, since a busy machine makes all of us slow.
    """
    grace = max(3.0, 2 * timeout) if grace is None else grace
    queue: deque[list[Task]] = deque()  # what a worker left behind comes here too
    source, twice, failed_starts = iter(chunks), set[int](), 0
    workers: list[Worker] = []
    try:
        while True:
            while len(queue) < jobs and (chunk := next(source, None)):
                queue.append(chunk)
            for worker in workers:
                if queue and worker.ready and not worker.held:
                    hand(worker, queue.popleft())
            while len(workers) < jobs and len(queue) > sum(not w.ready for w in workers):
                workers.append(started(workers, method, grade, timeout, memory))
            if not queue and not any(worker.held for worker in workers):
                return
            made, gone = heard(workers, timeout + grace)
            for worker, silent in gone:
                workers.remove(worker)
                if silent:
                    worker.process.kill()
                code = ended(worker)
                failed_starts = 0 if worker.ready else failed_starts + 1
                if failed_starts == STARTS:
                    raise CheckFailed(f"the marking processes do not start (exit {code})")
                if not worker.held:
                    continue
                task = worker.held.popleft()
                if worker.held:
                    queue.append(list(worker.held))
                if silent or code == -getattr(signal, "SIGXCPU", 0):
                    made.append(Made(task.id, too_long(timeout), timeout))
                elif task.id in twice:
                    made.append(Made(task.id, fatal(code)))
                else:
                    twice.add(task.id)
                    queue.append([task])
            if made:
                yield made
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            ended(worker)


def started(
    workers: list[Worker], method: str, grade: Grade, timeout: float, memory: int
) -> Worker:
    """A new worker, which shares the pipes of none of the others."""
    known = multiprocessing.get_all_start_methods()
    method = method or ("fork" if "fork" in known else "spawn")
    context = multiprocessing.get_context(method)
    ours, theirs = context.Pipe()
    shared = [w.pipe for w in workers] + [ours] if method == "fork" else []
    with warnings.catch_warnings(), uninterrupted():
        # Python 3.12 warns of threads at a fork; those of NumPy's BLAS wait in the parent.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = context.Process(  # type: ignore[attr-defined]
            target=work, args=(theirs, shared, grade, timeout, memory), daemon=True
        )
        process.start()
    theirs.close()
    return Worker(process, ours)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back; a process begun meanwhile never hears of it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hand(worker: Worker, chunk: list[Task]) -> None:
    """Give a worker a chunk; if it is gone already, that will be noticed next."""
    worker.held.extend(chunk)
    worker.since = time.monotonic()
    with suppress(OSError):
        worker.pipe.send_bytes(json.dumps(chunk).encode())


def heard(
    workers: list[Worker], silence: float
) -> tuple[list[Made], list[tuple[Worker, bool]]]:
    """The verdicts that came, and the workers that are gone: True if by being silent."""
    made: list[Made] = []
    gone: list[tuple[Worker, bool]] = []
    busy = [w for w in workers if w.held or not w.ready]
    first = min(w.since for w in busy) + silence - time.monotonic()
    pipes = {w.pipe: w for w in workers}
    for pipe in wait(list(pipes), max(0.0, first)):
        worker = pipes[pipe]  # type: ignore[index]
        try:
            while worker.pipe.poll():
                said = worker.pipe.recv_bytes()
                worker.since = time.monotonic()
                if said == READY:
                    worker.ready = True
                else:
                    id, *verdict, allowed = json.loads(said)
                    worker.held.popleft()
                    made.append(Made(id, Verdict(*verdict), allowed))
        except (EOFError, OSError):
            gone.append((worker, False))
    now = time.monotonic()
    lost = [w for w, _ in gone]
    gone += [(w, True) for w in busy
             if w not in lost and (w.held or not w.ready) and now - w.since > silence]  # fmt: skip
    return made, gone


def ended(worker: Worker) -> int | None:
    """End a worker's process for good; how it ended."""
    worker.pipe.close()
    if worker.process.exitcode is None:
        worker.process.join(1)
        worker.process.kill()
        worker.process.join()
    code = worker.process.exitcode
    worker.process.close()
    return code


# -- what is said of an answer that could not be checked ----------------------------------


def too_long(timeout: float) -> Verdict:
    """Never wrong: nobody knows."""
    said = f"It took longer than {timeout:g} s to check: a person has to decide this."
    return Verdict("undecided", 0, "", said, "")


def fatal(code: int | None) -> Verdict:
    """The process ended, twice."""
    said = "Checking it ended the checking process: a person has to decide this."
    if code == TOO_BIG:
        said = "Checking it took too much memory: a person has to decide this."
    return Verdict("undecided", 0, "", said, "")


def failed(e: Exception) -> Verdict:
    """Our own fault, whatever it was."""
    said = f"Checking it failed ({type(e).__name__}): a person has to decide this."
    return Verdict("undecided", 0, "", said, "")


# -- the child ----------------------------------------------------------------------------


def work(
    pipe: Connection, shared: list[Any], grade: Grade, timeout: float, memory: int
) -> None:
    """A worker's life: chunks in, verdicts out, until the parent closes the pipe, or it has
    grown (what is remembered for speed adds up) and makes room for a new one.

    It leaves by os._exit: what it shares with its parent (an open store) stays untouched.
    """
    code = 1
    try:
        for other in shared:
            other.close()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
        silence()
        enough = size() + memory // 2
        limit(memory)
        pipe.send_bytes(READY)
        while size() <= enough:
            for each in json.loads(pipe.recv_bytes()):
                task = Task(*each)
                v, allowed = timed(grade, task, timeout)
                said = [task.id, v.mark, v.points, v.mistake, v.feedback,
                        v.understood_as, allowed]  # fmt: skip
                pipe.send_bytes(json.dumps(said).encode())
        code = 0
    except (EOFError, OSError):
        code = 0
    except MemoryError:  # of no use to the next answer: a new one tries this again
        code = TOO_BIG
    finally:
        os._exit(code)


def timed(grade: Grade, task: Task, timeout: float) -> tuple[Verdict, float | None]:
    """The verdict within its time, and the time if it ran out.

    What counts is the time spent computing, so that a busy machine changes no verdict.
    """
    timer = Timer(timeout)
    try:
        try:
            timer.start()
            return grade(task), None
        finally:
            timer.stop()
    except TooLong:
        timer.stop()
        return too_long(timeout), timeout
    except MemoryError:
        raise
    except Exception as e:
        return failed(e), None


class Timer:
    """Raises TooLong in the main thread, again and again until it is stopped."""

    def __init__(self, seconds: float):
        self.seconds, self.on = seconds, False

    def start(self) -> None:
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGPROF, self.ring)
            most_seconds(self.seconds + OVER)
            self.on = True
            signal.setitimer(signal.ITIMER_PROF, self.seconds, AGAIN)

    def stop(self) -> None:
        self.on = False
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, 0)

    def ring(self, *_: Any) -> None:
        if self.on:
            raise TooLong


def one_thread() -> None:
    """Have NumPy compute in one thread, here and in workers; to be said before it loads."""
    if "numpy" not in sys.modules:
        for name in ONE_THREAD:
            os.environ.setdefault(name, "1")


def silence() -> None:
    """Let nothing that a library prints reach the terminal."""
    nowhere = open(os.devnull, "r+")  # noqa: SIM115, kept open
    for stream in (0, 1, 2):
        os.dup2(nowhere.fileno(), stream)
    sys.stdout = sys.stderr = nowhere


def limit(memory: int) -> None:
    """Limits of the system on this process, as far as it has them."""
    try:
        import resource
    except ImportError:  # Windows
        return

    def at_most(what: str, amount: int) -> None:
        number = getattr(resource, what, None)
        if number is not None:
            with suppress(ValueError, OSError):
                _, hard = resource.getrlimit(number)
                if hard != resource.RLIM_INFINITY:
                    amount = min(amount, hard)
                resource.setrlimit(number, (amount, hard))

    at_most("RLIMIT_CORE", 0)
    if all(os.environ.get(name) == "1" for name in ONE_THREAD):
        at_most("RLIMIT_NPROC", 0)  # a BLAS that may not start its threads would hang
    at_most("RLIMIT_NOFILE", FILES)
    if size():
        at_most("RLIMIT_AS", size() + memory)


def size() -> int:
    """The memory that this process has mapped, in bytes; 0 where it cannot be known."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def most_seconds(more: float) -> None:
    """Let the system end this process when it computes on for so long: where C code runs
    no timer is heard."""
    import resource

    used = time.process_time()
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + more), hard))
