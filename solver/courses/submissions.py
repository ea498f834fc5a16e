"""Piles of submissions read: files, folders, archives and streams, one student at a time.

`read_submissions` yields a Submission for each student and never stops at a broken one:
what cannot be read stands in `unread`, a sentence each. Contents are not kept, so that a
hundred thousand submissions take the memory of one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from solver.core import BadInput
from solver.courses.archives import File, Folder, archive, disk_folder, open_file, shown
from solver.courses.endings import (
    ASKED,
    LATEX,
    LINES,
    READ,
    checked,
    every_file,
    refusal,
    worth,
)
from solver.courses.gradescope import METADATA, Person, read_metadata
from solver.courses.handout import NoBoxes, looks_like_handout, read_handout
from solver.courses.naming import (
    STUDENT_FOLDER,
    Roll,
    readable,
    safe_name,
    student_of,
)
from solver.courses.parts import Parts
from solver.courses.records import Submission
from solver.courses.streams import bounded, parse_json, parse_toml, pieces
from solver.courses.structured import read_table
from solver.sets import ProblemSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    Piece = tuple[str, Any]

__all__ = ["read_submissions", "safe_name"]

MOST_FILES = 200  # looked at in one student's folder


@dataclass
class Found:
    """One submission in a file, before its student's name is settled."""

    student: str
    variant: str
    email: str
    answers: dict[str, str]
    unread: tuple[str, ...]
    place: str = ""  # the line or entry of the file


def read_submissions(
    paths: Sequence[str | Path], whole: ProblemSet
) -> Iterator[Submission]:
    """The submissions to a set in files, folders, archives, or "-" for standard input.

    A file is the filled-in hand-out (.tex), TOML, JSON (one submission or a list) or JSON
    lines; a .txt and standard input are told apart by looking. Folders are read with all
    that is in them, sorted by name; a .zip is read in memory, as a folder; in an export of
    Gradescope submission_metadata.yml says who handed in what, and a group's submission
    is one for each of its members.

    A student is named by the file itself, or else by the file's name, or by the folder's
    if it is a student's own: one that a platform has made, or with one file to read. What
    lies beside that file is named in `unread`. If several submissions have the same name,
    in capitals or not, each is kept: the second becomes "Ada (2)", and its `unread` says
    so, for a person to decide which counts. No answer replaces another.

    A file that cannot be read becomes a Submission without answers. Raises BadInput for a
    path that does not exist, and where the only path is a file that cannot be read.
    """
    named = [str(p) for p in paths]
    for path in named:
        if path != "-" and not os.path.exists(path):
            raise BadInput("there is no such file or folder").at(shown(path))
    if len(named) == 1 and named[0] != "-" and not os.path.isdir(named[0]):
        if why := refusal(os.path.basename(named[0])):
            raise BadInput(why).at(shown(named[0]))
    return Reader(whole, len(named) == 1).all(named)


class Reader:
    """One run over the paths: the set's parts, and the names that have been met."""

    def __init__(self, whole: ProblemSet, alone: bool) -> None:
        self.parts, self.roll, self.alone = Parts(whole), Roll(), alone

    def all(self, paths: Sequence[str]) -> Iterator[Submission]:
        """Every submission behind the paths, in order."""
        for path in paths:
            if path == "-":
                file = File("-", "standard input", lambda: sys.stdin.buffer)
                yield from self.given(file, "standard input")
            elif os.path.isdir(path):
                yield from self.folder(disk_folder(path), False, root=True)
            else:
                name = os.path.basename(path)
                file = File(name, shown(path), named_file(path))
                if file.ending == "zip":
                    yield from self.zipped(file, root=True)
                else:
                    yield from self.given(file, student_of(name))

    def given(self, file: File, student: str) -> Iterator[Submission]:
        """A file that the user named; if it is the only one, its error is theirs."""
        try:
            for one in self.found(file):
                yield self.submission(one, file.source, student)
        except BadInput as e:
            if self.alone:
                raise e.at(file.source) from None
            yield self.lost(student, file.source, e)

    # -- folders --------------------------------------------------------------------------

    def folder(
        self, folder: Folder, archived: bool, root: bool = False
    ) -> Iterator[Submission]:
        """All submissions in a folder; `archived` says that it is one of an archive."""
        files, people = worth(folder.files), dict[str, list[Person]]()
        for file in folder.files:
            if file.name == METADATA:
                try:
                    with file.open() as stream:
                        people = read_metadata(stream)
                except BadInput as e:
                    yield self.lost(METADATA, file.source, e)
        files = [f for f in files if f.name != METADATA]
        left = dict(people)
        if not root and not people and self.is_student(folder, files):
            yield from self.student(folder, archived, [])
            return
        for file in files:
            yield from self.piled(file, archived, left.pop(file.name, []))
        for name, look in folder.folders:
            try:
                inner = look()
            except BadInput as e:
                yield self.lost(
                    student_of(name, folder=True), e.where or folder.source, e
                )
                continue
            own = left.pop(name, [])
            if own or STUDENT_FOLDER.match(name):
                yield from self.student(inner, archived, own)
            else:
                yield from self.folder(inner, archived)
        for name, own in left.items():
            why = BadInput(
                f"{METADATA} lists {readable(name, 80)}, and it is not there"
            )
            for person in own or [Person()]:
                yield self.lost(called(person, name), folder.source, why, person.email)

    def piled(
        self, file: File, archived: bool, people: Sequence[Person]
    ) -> Iterator[Submission]:
        """A file in a folder of many students' files."""
        if file.ending == "zip" and not archived:
            yield from self.zipped(file, people)
            return
        own = list(people) or [Person()]
        try:
            for one in self.found(file):
                for person in own:
                    yield self.submission(
                        one, file.source, student_of(file.name), person
                    )
        except BadInput as e:
            for person in own:
                name = called(person, student_of(file.name))
                yield self.lost(name, file.source, e, person.email)

    def zipped(
        self, file: File, people: Sequence[Person] = (), root: bool = False
    ) -> Iterator[Submission]:
        """An archive: a pile where the user named it; in a folder, maybe one student's."""
        student = student_of(file.name)
        try:
            with archive(file.open(), student, file.source) as folder:
                decorated = student != readable(file.stem)
                if people or decorated and not root:
                    yield from self.student(folder, True, people)
                else:
                    yield from self.folder(folder, True, root)
        except BadInput as e:
            if root and self.alone:
                raise e.at(file.source) from None
            yield self.lost(student, file.source, e)

    def is_student(self, folder: Folder, files: list[File]) -> bool:
        """Whether a folder is one student's: one file to read, and none further inside."""
        if STUDENT_FOLDER.match(folder.name) or len(files) == 1 and not folder.folders:
            return True
        if sum(f.ending in READ for f in files) != 1:
            return False
        return not any(
            f.ending in READ or f.ending == "zip"
            for _, look in folder.folders
            for f in every_file(look)
        )

    def student(
        self, folder: Folder, archived: bool, people: Sequence[Person]
    ) -> Iterator[Submission]:
        """The submissions in a folder that is one student's, or one group's.

        Files that cannot be read are said with the first one that can, not each as a
        submission of its own.
        """
        name = student_of(folder.name, folder=True)
        own = list(people) or [Person()]
        said: list[str] = []
        silent: list[str] = []
        some = False
        waiting: list[tuple[Found, str]] = []
        for count, file in enumerate(every_file(lambda: folder)):
            if count >= MOST_FILES:
                said.append(
                    f"there are more than {MOST_FILES} files; the others are not read"
                )
                break
            if file.ending == "zip" and not archived:
                named = File(f"{folder.name}.zip", file.source, file.open)
                yield from self.zipped(named, people)
                some = True
                continue
            try:
                for one in self.found(file):
                    waiting.append((one, file.source))
            except NoBoxes as e:
                silent.append(f"{readable(file.name, 80)}: {e.message}")
            except BadInput as e:
                said.append(f"{readable(file.name, 80)}: {e.message}")
            while len(waiting) > 1:  # the last one waits for what is still to be said
                one, source = waiting.pop(0)
                for person in own:
                    yield self.submission(one, source, name, person)
                some = True
        if not waiting and not some:
            said = [*silent, *said] or ["there is no file in this folder"]
        for person in own:
            for one, source in waiting:
                more = Found(**{**vars(one), "unread": (*one.unread, *said[:20])})
                yield self.submission(more, source, name, person)
            if not waiting and said:
                yield self.submission(
                    Found("", "", "", {}, tuple(said[:20])), folder.source, name, person
                )

    # -- one file -------------------------------------------------------------------------

    def found(self, file: File) -> Iterator[Found]:
        """What a file holds. Raises BadInput if nothing of it can be read."""
        if why := file.why or file.name != "-" and refusal(file.name):
            raise BadInput(why)
        if file.ending == "zip":
            raise BadInput("an archive inside an archive is not opened: unpack it")
        stream = file.open()
        try:
            if file.ending in LATEX or file.ending == "toml":
                yield self.whole(checked(bounded(stream)), file.ending)
                return
            several = False
            for (place, data), more in with_next(pieces(stream, file.ending in LINES)):
                several = several or more
                at = place if several else ""  # the only one is the file itself
                if isinstance(data, BadInput):
                    said = f"it cannot be read: {data.message}"
                    yield Found("", "", "", {}, (said,), place)
                elif place:
                    yield self.table(data, at)
                else:
                    yield self.whole(checked(data), file.ending)
        finally:
            if file.name != "-":
                stream.close()

    def whole(self, text: str, ending: str) -> Found:
        """One text that is a submission; its format by the ending, or by looking."""
        if not text.strip():
            raise BadInput("it is empty")
        if (
            ending in LATEX
            or ending not in ("toml", "json")
            and looks_like_handout(text)
        ):
            sheet, answers = read_handout(text, self.parts)
            return Found(sheet.student, sheet.variant, "", answers, sheet.unread.all())
        if ending == "json" or ending != "toml" and text.lstrip()[:1] == "{":
            return self.table(parse_json(text), "")
        if ending != "toml" and "=" not in text:
            raise BadInput(f"it is neither the hand-out nor TOML or JSON: {ASKED}")
        return self.table(parse_toml(text), "")

    def table(self, data: Any, place: str) -> Found:
        """One table of TOML or JSON."""
        w = read_table(data, self.parts)
        return Found(w.student, w.variant, w.email, w.answers, w.unread.all(), place)

    # -- records --------------------------------------------------------------------------

    def submission(
        self, one: Found, source: str, fallback: str, person: Person | None = None
    ) -> Submission:
        """A submission under a name that no other has; whom the platform names, it is."""
        person = person or Person()
        if one.place:
            source, fallback = f"{source}, {one.place}", f"{fallback}, {one.place}"
        student = called(person, one.student or fallback)
        name, count = self.roll.name(student)
        unread = one.unread
        if count > 1:
            unread = (
                *unread,
                f"this is submission {count} under the name {student}; each is kept, and a "
                "person decides which counts",
            )
        email = person.email or one.email
        return Submission(name, one.answers, source, one.variant, email, unread)

    def lost(
        self, student: str, source: str, why: BadInput, email: str = ""
    ) -> Submission:
        """A submission of which nothing can be read, for it must not be forgotten."""
        person = Person(student, "", email)
        return self.submission(
            Found("", "", "", {}, (why.message,)), source, student, person
        )


def with_next(pieces: Iterator[Piece]) -> Iterator[tuple[Piece, bool]]:
    """Each, and whether another follows."""
    before: list[Piece] = []
    for one in pieces:
        if before:
            yield before.pop(), True
        before.append(one)
    for one in before:
        yield one, False


def called(person: Person, otherwise: str) -> str:
    """A person's name, where the platform gives one."""
    return person.name or person.sid or person.email or otherwise or "unnamed"


def named_file(path: str) -> Callable[[], BinaryIO]:
    """How a file that the user named is opened: a link is followed."""
    return lambda: open_file(path, follow=True)
