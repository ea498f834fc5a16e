"""`pset experiment`: the runs, one after the other, and what they came to."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from statistics import median
from textwrap import fill
from typing import TYPE_CHECKING, Any

from solver.core import BadInput
from solver.disk import write
from solver.experiments.findings import findings, runs_of, shown, spread
from solver.experiments.study import (
    MEASURES,
    STUDIES,
    Arm,
    Parts,
    Seen,
    Study,
    measured,
)
from solver.registry import first_line
from solver.telling import clock, rewrite, say
from solver.training.command import INTERRUPTED, folder_of, parts
from solver.training.curves import percent
from solver.training.data import split

if TYPE_CHECKING:
    from solver.figures.drawing import Figure

VERSION = 2


@dataclass(frozen=True)
class Setting:
    """An experiment with its data: what the numbers depend on."""

    name: str
    study: Study
    parts: Parts
    seeds: int

    @property
    def todo(self) -> list[tuple[Arm, int]]:
        """The runs in their order: each seed through all arms, so that what there is after
        an interruption compares them all."""
        return [(arm, seed) for seed in range(self.seeds) for arm in self.study.arms]

    def about(self) -> dict[str, Any]:
        """What the numbers depend on, but for the seeds, as plain data."""
        learnt, held, test = self.parts
        arms = [
            {
                "name": a.name,
                "net": a.text(learnt.shape),
                "plan": {k: str(v) for k, v in a.plan.items()},
            }
            for a in self.study.arms
        ]
        data = {"name": learnt.name, "source": learnt.source, "train": len(learnt),
                "validation": len(held), "test": len(test)}  # fmt: skip
        looks = [look.name for look in self.study.looks]
        return {"version": VERSION, "experiment": self.name, "question": self.study.question,
                "data": data, "arms": arms, "looks": looks}  # fmt: skip


def experiment(
    name: str, data: str, seeds: int, epochs: int | None, images: int | None, out: str
) -> int:
    """Run it, and say and write what it came to. The exit code: 0, or 130."""
    if not name:
        print(listing())
        return 0
    setting = read(name, data, seeds, epochs, images)
    with folder_of(out) as folder:
        return carried_out(setting, folder)


def carried_out(setting: Setting, folder: Path | None) -> int:
    """The runs that are missing, and what all came to, on the terminal and in the folder."""
    seen = kept(folder, setting)
    for words in dict.fromkeys(filter(None, (p.note for p in setting.parts))):
        say(f"note: {words}")
    try:
        for one in going_on(setting, seen):
            seen.append(one)
            keep(folder, setting, seen)
    except KeyboardInterrupt:
        say(f"interrupted after {len(seen)} of {len(setting.todo)} runs"
            + (": the same command goes on" if folder else ": nothing is kept"))  # fmt: skip
        return INTERRUPTED
    print(told(setting, seen))
    if folder is not None:
        for path in written(folder, setting, seen):
            print(path)
    return 0


def listing() -> str:
    """Every experiment with the first line that says what it does."""
    broad = max(map(len, STUDIES.names())) + 2
    return "\n".join(
        fill(n.ljust(broad) + first_line(f), 80, subsequent_indent=" " * broad)
        for n, f in STUDIES.items()
    )


def read(
    name: str, data: str, seeds: int, epochs: int | None, images: int | None
) -> Setting:
    """What is asked for, refused before anything is trained if it cannot be."""
    build = STUDIES[name]
    if not 1 <= seeds <= 1000:
        raise BadInput(f"seeds are from 1 to 1000 runs of each arm, not {seeds}")
    if epochs is not None and epochs < 1:
        raise BadInput(f"epochs are 1 or more, not {epochs}")
    learnt, held, test = parts(data, 0.2)
    if images is not None:
        if not 0 < images <= len(learnt):
            raise BadInput(
                f"there are {len(learnt):,} images to train on, not {images}"
            )
        if images < len(learnt):
            learnt = split(learnt, images / len(learnt))[1]
    study: Study = build(learnt.shape, len(learnt.classes))
    if epochs is not None:
        arms = tuple(replace(a, plan={**a.plan, "epochs": epochs}) for a in study.arms)
        study = replace(study, arms=arms)
    return Setting(name, study, (learnt, held, test), seeds)


# -- the runs ------------------------------------------------------------------------


def going_on(setting: Setting, seen: Sequence[Seen]) -> Iterator[Seen]:
    """The runs that are not there yet; a line beside the output tells of each."""
    done = {(s.arm, s.seed) for s in seen}
    todo = [(arm, seed) for arm, seed in setting.todo if (arm.name, seed) not in done]
    begun = time.monotonic()
    for n, (arm, seed) in enumerate(todo):
        one = measured(setting.study, arm, seed, setting.parts)
        left = clock((time.monotonic() - begun) / (n + 1) * (len(todo) - n - 1))
        place = f"{len(done) + n + 1}/{len(setting.todo)}"
        line = f"{place}  {arm.name}, seed {seed}: {percent(one.accuracy)}, {left} left"
        if sys.stderr.isatty():
            rewrite(sys.stderr, line[:79])
        else:
            say(line)
        yield one
    if todo and sys.stderr.isatty():
        rewrite(sys.stderr)


def kept(folder: Path | None, setting: Setting) -> list[Seen]:
    """The runs that the folder holds already, of the same experiment."""
    if folder is None or not (place := folder / "runs.json").exists():
        return []
    try:
        held = json.loads(place.read_text(encoding="utf-8"))
        digest = held.pop("digest")
        about, found = held["about"], held["runs"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadInput("these are no runs of an experiment: take another folder").at(
            str(place)
        ) from None
    if digest != digest_of(held):
        raise BadInput(
            "these runs are not as they were written: delete the file, or take another folder"
        ).at(str(place))
    if about != setting.about():
        raise BadInput(
            "the folder holds runs of another experiment, other data or settings: take "
            "another folder"
        ).at(str(folder))
    return [s for s in map(seen_from, found) if s.seed < setting.seeds]


def digest_of(held: dict[str, Any]) -> str:
    """A sum of all that is held, by which damage to a file is seen."""
    return sha256(json.dumps(held, ensure_ascii=False).encode()).hexdigest()


def seen_from(data: dict[str, Any]) -> Seen:
    """A run as it was written."""
    history = {k: tuple(v) for k, v in data["history"].items()}
    lists = {k: tuple(data[k]) for k in ("accuracies", "classes")}
    return Seen(**{**data, **lists, "history": history})


def keep(folder: Path | None, setting: Setting, seen: Sequence[Seen]) -> None:
    """All runs so far, replaced whole."""
    if folder is None:
        return
    held = {"about": setting.about(), "runs": [asdict(s) for s in seen]}
    text = json.dumps({"digest": digest_of(held), **held}, ensure_ascii=False)
    write(folder / "runs.json", f"{text}\n", durable=True)


# -- what they came to ---------------------------------------------------------------


def table(setting: Setting, seen: Sequence[Seen]) -> list[list[str]]:
    """A head, and a row an arm: the median, and the lowest and highest where they differ."""
    study = setting.study
    looks = [look.name for look in study.looks[1:]]
    rows = [[study.factor, *(MEASURES[c][0] for c in study.columns), *looks]]
    for arm, runs in runs_of(study, seen).items():
        cells = [spread(c, runs) for c in study.columns]
        for i in range(1, len(study.looks)):
            cells.append(shown("accuracy", median(s.accuracies[i] for s in runs)))
        rows.append([arm, *cells])
    return rows


def conclusions(setting: Setting, seen: Sequence[Seen]) -> list[str]:
    """The sentences that the numbers support."""
    learnt, _, test = setting.parts
    return findings(setting.study, seen, learnt.classes, len(test))


def told(setting: Setting, seen: Sequence[Seen]) -> str:
    """Question, table and findings for the terminal."""
    from solver.render import wrap

    prose = [scope(setting), setting.study.note, "", *conclusions(setting, seen)]
    if not setting.study.note:
        del prose[1]
    lines = [wrap(setting.study.question, 80), *rows_text(table(setting, seen)), ""]
    return "\n".join([*lines, *(wrap(x, 80) for x in prose)])


def scope(setting: Setting) -> str:
    """On what data, with how many runs; and what the cells of the table are."""
    learnt, held, test = setting.parts
    seeds = "1 seed" if setting.seeds == 1 else f"{setting.seeds} seeds"
    return (
        f"{learnt.name}: {len(learnt):,} images to train on, {len(held):,} to validate, "
        f"{len(test):,} to test; {seeds}: median (lowest to highest)."
    )


def rows_text(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns side by side if they fit into 80, else a row a line of name and values."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    if sum(widths) + 2 * len(widths) <= 80:
        lines = [
            "  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows
        ]
        return ["", lines[0], "─" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]]
    head, *rest = rows
    broad = max(map(len, head[1:]))
    found = [""]
    for row in rest:
        found.append(row[0])
        found += [
            f"  {name.ljust(broad)}  {cell}" for name, cell in zip(head[1:], row[1:])
        ]
    return found


def drawn(setting: Setting, seen: Sequence[Seen], desc: str) -> Figure:
    """Each arm's curve by epoch, the median of its seeds."""
    from solver.figures.plot import plot

    study = setting.study
    runs = runs_of(study, seen)
    series = []
    for arm in study.arms:
        lines = [s.history[study.curve] for s in runs[arm.name]]
        last = min(map(len, lines))
        middle = [median(line[i] for line in lines) for i in range(last)]
        series.append({"name": arm.name, "y": middle})
    return plot(
        series=series, x="epoch", size=(640, 300),
        y="training loss" if study.curve == "loss" else study.curve,
        log=study.curve.endswith("loss"),
        title=study.question, desc=desc,
    )  # fmt: skip


def written(folder: Path, setting: Setting, seen: Sequence[Seen]) -> list[Path]:
    """Table and report beside the runs, each replaced whole."""
    from solver.escape import html
    from solver.figures.svg import alone, svg
    from solver.render import fill as filled

    out = io.StringIO()
    rows, said = table(setting, seen), conclusions(setting, seen)
    figure = drawn(setting, seen, " ".join(said))
    csv.writer(out, lineterminator="\n").writerows(rows)
    places = {
        "table.csv": out.getvalue(),
        "report.html": filled(
            "experiment.html",
            {
                "title": html(setting.study.question),
                "scope": html(scope(setting)),
                "note": html(setting.study.note),
                "head": [html(c) for c in rows[0]],
                "rows": [[html(c) for c in row] for row in rows[1:]],
                "findings": [html(f) for f in said],
                "figure": svg(figure),
            },
        ),
        "figure.svg": alone(figure),
    }
    for name, text in places.items():
        write(folder / name, text)
    return [folder / "runs.json", *(folder / name for name in places)]
