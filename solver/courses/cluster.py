"""Chunks of answers marked by the workers of a Dask cluster: text goes there and comes back.

On each machine the answers are checked by a process beside Dask's worker, with children
of its own, so that all limits hold there as they do here. A chunk whose worker is lost is
done again by Dask; a verdict that comes twice is kept once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from solver.core import BadInput, Verdict
from solver.courses.marking import OURS, program, worked_out
from solver.courses.store import Made, Task
from solver.courses.workers import ONE_THREAD, marked
from solver.sets import ProblemSet, load_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PATIENCE = 10  # seconds for a scheduler to answer
AHEAD = 2  # chunks on their way for each of the cluster's threads

# set -> the processes here that know it and have nothing to do
idle: dict[str, list[subprocess.Popen[str]]] = {}


# -- here ---------------------------------------------------------------------------------


def marked_on(
    address: str, whole: ProblemSet, chunks: Iterable[list[Task]], *, timeout: float
) -> Iterator[list[Made]]:
    """The verdicts on these tasks, a chunk at a time, in the order in which they come."""
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise BadInput(
            "a cluster needs the package distributed: pip install 'pset[cluster]'"
        ) from None
    from concurrent.futures import CancelledError

    text = Path(whole.path).read_text(encoding="utf-8-sig")
    about = json.dumps({"set": whole.name, "text": text, "timeout": timeout})
    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as e:
        raise BadInput(f"no Dask scheduler answers: {e}").at(address) from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise BadInput("the cluster has no workers").at(address)
        source = iter(chunks)
        running: dict[Any, list[Task]] = {}
        done = as_completed()

        def send() -> None:
            if chunk := next(source, None):
                sent = client.submit(mark_chunk, about, json.dumps(chunk), pure=False)
                running[sent] = chunk
                done.add(sent)

        for _ in range(AHEAD * threads):
            send()
        for future in done:
            chunk = running.pop(future)
            send()
            try:
                said = future.result()
            except CancelledError:
                raise BadInput("the scheduler is gone; the same command goes on").at(
                    address
                ) from None
            except Exception as e:
                if type(e).__name__ != "KilledWorker":
                    failed = f"{type(e).__name__}: {e}"
                    raise BadInput(f"the workers cannot mark: {failed}").at(
                        address
                    ) from None
                # several workers were lost over it: our own processes lose nothing
                known = worked_out(whole)
                yield from marked(
                    [chunk], known, jobs=1, timeout=timeout, method="spawn"
                )  # no fork: Dask's client has threads
            else:
                yield verdicts(said, address)


def verdicts(said: str, address: str) -> list[Made]:
    """The verdicts in a reply, if the same program made them."""
    reply = json.loads(said)
    if reply["program"] != program():
        raise BadInput(
            "the workers have another version of pset, SymPy or NumPy than is here"
        ).at(address)
    return [Made(id, Verdict(*v), allowed) for id, *v, allowed in reply["made"]]


# -- there --------------------------------------------------------------------------------


def mark_chunk(about: str, chunk: str) -> str:
    """What Dask's workers call: JSON about the set and a chunk in, JSON verdicts out."""
    for other in [key for key in idle if key != about]:
        for process in idle.pop(other, []):
            process.kill()
            process.communicate()
    free = idle.setdefault(about, [])
    try:
        process = free.pop()
    except IndexError:
        process = marker(about)
    assert process.stdin and process.stdout
    try:
        process.stdin.write(chunk + "\n")
        process.stdin.flush()
        reply = process.stdout.readline()
    except OSError:
        reply = ""
    if not reply.endswith("\n"):
        process.kill()
        process.communicate()
        raise RuntimeError(f"the marking process ended with {process.returncode}")
    free.append(process)
    return reply


def marker(about: str) -> subprocess.Popen[str]:
    """A process that marks for this one: Dask's has threads, and is not to be forked."""
    where = os.pathsep.join(
        filter(None, (str(OURS.parent), os.environ.get("PYTHONPATH", "")))
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "solver.courses.cluster"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**dict.fromkeys(ONE_THREAD, "1"), **os.environ, "PYTHONPATH": where},
        encoding="utf-8",
    )
    assert process.stdin
    process.stdin.write(about + "\n")
    return process


def serve() -> None:
    """The life of such a process: a line about the set, then a line for each chunk."""
    about = json.loads(sys.stdin.readline())
    with TemporaryDirectory() as folder:
        path = Path(folder, f"{about['set']}.toml")
        path.write_text(about["text"], encoding="utf-8")
        grade = worked_out(load_set(path))
    for line in sys.stdin:
        tasks = [Task(*each) for each in json.loads(line)]
        made = [
            [m.task, v.mark, v.points, v.mistake, v.feedback, v.understood_as, m.allowed]
            for some in marked([tasks], grade, jobs=1, timeout=about["timeout"])
            for m in some
            for v in [m.verdict]
        ]
        print(json.dumps({"program": program(), "made": made}), flush=True)


if __name__ == "__main__":
    serve()
