"""The verdict on a student's function.

It is read first. Where it may be run, what it returns at the seeded calls is held against
the backend; what differs, against the mistaken versions, by the same comparison. What an
endless loop, a bomb or a broken sandbox leaves is undecided; an exception is told with its
line.
"""

from __future__ import annotations

from dataclasses import replace

from solver.code.reading import Reading, read
from solver.code.sandbox import Run, Unfinished
from solver.code.tasks import Task, Version, agree, looked_at, met, observed
from solver.code.value import Code
from solver.code.wire import Failed, Other, Returned
from solver.core import BadInput, Problem, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    Found = list[Returned | Failed]

UNRUN = "Code is run with --run-code only."
DECIDE = "A person has to decide this."
OURS = (
    "MemoryError", "SystemExit", "KeyboardInterrupt", "PermissionError", "OSError",
    "FileNotFoundError", "BlockingIOError", "ImportError", "ModuleNotFoundError",
    "EOFError",
)  # fmt: skip
# exceptions that come of the sandbox, or say nothing of the function
NO_THREAD = "can't start new thread"
TRIED = 2  # unused arguments that an undefined name may stand for
RUNS = 1 + TRIED  # of one answer, at most


def judged(problem: Problem, right: Code, text: str, run: Run | None = None) -> Verdict:
    """The verdict on a text that should define the function; without `run` on its text alone."""
    try:
        reading = read(text, right.name, right.arguments)
    except BadInput as e:
        return Verdict("invalid", 0, "", f"The code could not be read: {e}", "")
    understood = described(reading)
    if run is None:
        return undecided(understood, UNRUN, reading.said())
    if reading.names("import"):
        return undecided(understood, reading.said(), "So it was not run.")
    found = called(right, reading, run)
    if isinstance(found, Unfinished):
        said = f"It was run without a result: {found.why}."
        return undecided(understood, said, reading.said())
    ours = next((f for f in found if isinstance(f, Failed) and of_sandbox(f)), None)
    if ours:
        return undecided(understood, ours.said(), reading.said())
    verdict = compared(problem, right.task, found, understood, reading)
    if verdict.mark == "right":
        return verdict
    meant = with_names(right, reading, run)
    if meant:
        said = f"{raised(found)} {meant}"
        points = problem.points * problem.credit
        return Verdict("partly", points, "undefined_name", said, understood)
    return verdict


def of_sandbox(failed: Failed) -> bool:
    """Whether an exception comes of what the sandbox does not allow."""
    return failed.error in OURS or failed.says == NO_THREAD


def called(
    right: Code, reading: Reading, run: Run, names: dict[str, str] | None = None
) -> Found | Unfinished:
    """What comes back of each call, tables under the names of our own arguments."""
    found = run(reading.source, reading.function, right.calls(), reading.by_name, names)
    if isinstance(found, Unfinished):
        return found
    ours = dict(zip(right.arguments, right.task.arguments))
    return [
        replace(f, tables={ours.get(k, k): v for k, v in f.tables.items()})
        if isinstance(f, Returned)
        else f
        for f in found
    ]


def undecided(understood: str, *said: str) -> Verdict:
    return Verdict(
        "undecided", 0, "", " ".join([*filter(None, said), DECIDE]), understood
    )


def described(reading: Reading) -> str:
    """The function as it was understood."""
    lines = reading.source.rstrip("\n").count("\n") + 1
    many = "1 line" if lines == 1 else f"{lines} lines"
    return f"{reading.function}({', '.join(reading.arguments)}), {many}"


def compared(
    problem: Problem, task: Task, found: Found, understood: str, reading: Reading
) -> Verdict:
    """The verdict on what came back of each call."""
    good, remarks = accepted(task, found)
    if all(good.values()):
        return Verdict(
            "right",
            problem.points,
            "",
            " ".join([*remarks, *aside(reading)]),
            understood,
        )
    names, why, every = explained(task, found, good)
    told = [raised(found), *why]
    if not every:
        told.append(shapes(task, found))
    off = [what for what, same in good.items() if not same]
    fine = [what for what, same in good.items() if same]
    if fine:
        told.insert(0, f"Right: {', '.join(fine)}. Not right: {', '.join(off)}.")
    elif why and not every:
        told.insert(0, f"Not right: {', '.join(off)}.")
    if not any(told):
        told = ["Its values are not the backend's at seeded inputs."]
    if not why:
        failed = any(isinstance(f, Failed) and f.error == "NameError" for f in found)
        told.append(reading.said("undefined" if failed else ""))
    mark = "partly" if fine else "wrong"
    points = round(problem.points * len(fine) / len(good), 2)
    return Verdict(
        mark, points, " or ".join(names), " ".join(filter(None, told)), understood
    )


def accepted(task: Task, found: Found) -> tuple[dict[str, bool], list[str]]:
    """By what is asked of the function, whether it is the backend's or that of another
    version that is right; and what is to be remarked of the others."""
    good = met(task.right, found, task.calls)
    remarks = []
    for other in task.others:
        also = met(observed(other.function, task.calls), found, task.calls)
        new = [what for what, same in also.items() if same and not good[what]]
        remarks += [other.says] if new else []
        good |= dict.fromkeys(new, True)
    return good, remarks


def aside(reading: Reading) -> list[str]:
    """What is worth saying of a function that is right."""
    return [n.says for n in reading.notes if n.kind in ("renamed", "unused")]


def explained(
    task: Task, found: Found, good: dict[str, bool]
) -> tuple[list[str], list[str], bool]:
    """(names, sentences, whether they explain all): the version that agrees in everything, or
    one for each thing that is not right."""
    known: list[tuple[Version, dict[str, bool], dict[str, bool]]] = []
    for one, made in task.wrong:
        known.append(
            (one, met(made, found, task.calls), met(made, task.right, task.calls))
        )
    for one, same, _ in known:
        if all(same.values()):
            return [one.name], [one.says], True
    names: list[str] = []
    said: list[str] = []
    every = True
    for what, right in good.items():
        if right:
            continue
        for one, same, usual in known:
            if same[what] and not usual[what]:
                if one.name not in names:
                    names.append(one.name)
                    said.append(one.says)
                break
        else:
            every = False
    return names, said, every


def raised(found: Found) -> str:
    """The first exception, with its line."""
    return next((f.said() for f in found if isinstance(f, Failed)), "")


def shapes(task: Task, found: Found) -> str:
    """The first result whose type or shape is another than it should be."""
    for a, b, call in zip(task.right, found, task.calls):
        for seen in call.seen:
            right, given = looked_at(a, seen), looked_at(b, seen)
            if isinstance(given, Failed) or agree(right, given):
                continue
            if given is None:
                where = f"{seen.table}[{seen.key!r}]" if seen.table else "The function"
                return f"{where} {'is gone' if seen.table else 'returns nothing'}."
            if isinstance(given, (Other, str, tuple, list, dict)):
                what = (
                    given.name
                    if isinstance(given, Other)
                    else f"a {type(given).__name__}"
                )
                return f"What comes back is no array: {what}."
            if given.shape != right.shape:
                what = seen.what[:1].upper() + seen.what[1:]
                return f"{what} has the shape {given.shape}, not {right.shape}."
    return ""


def with_names(right: Code, reading: Reading, run: Run) -> str:
    """What is to be said where one undefined name is all that is wrong: it was meant to be
    an argument. The unused ones are tried first."""
    missing = reading.names("undefined")
    if len(missing) != 1:
        return ""
    likely = [a for a in reading.names("unused") if a in reading.arguments]
    places = dict(zip(reading.arguments, right.arguments))
    for own in likely[:TRIED]:
        meant = places[own] if not reading.by_name else own
        names = {missing[0]: meant}
        found = called(right, reading, run, names)
        if not isinstance(found, Unfinished) and all(
            accepted(right.task, found)[0].values()
        ):
            return f"With {own} in the place of {missing[0]} it is right."
    return ""
