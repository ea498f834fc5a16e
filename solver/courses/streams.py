"""Bytes to data: any encoding, JSON, TOML, and streams of any length piece by piece.

Nothing here knows what a submission is. Numbers keep the digits that were written.
"""

from __future__ import annotations

import codecs
import importlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from io import BytesIO
from itertools import chain

from solver.core import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

LARGEST = 2_000_000  # bytes of one file, or of one submission in a stream
CHUNK = 1 << 16

# A name of 32 dotted pieces: the parser takes the square of their number.
DOTTED = re.compile(
    r"""(?<![\w"'-])(?:(?:[\w-]{1,100}|"[^"\n]{0,100}"|'[^'\n]{0,100}')[ \t]{0,9}\."""
    r"[ \t]{0,9}){32}"
)


class Digits(str):
    """A number as it was written: 0.50 stays 0.50, and a million digits cost nothing."""


class Table(dict):
    """A JSON object; `twice` holds what a name was given again, which dict would forget."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__()
        self.twice: list[tuple[str, Any]] = []
        for key, value in pairs:
            if key in self:
                self.twice.append((key, value))
            else:
                self[key] = value


# -- bytes to text ------------------------------------------------------------------------


def decoded(data: bytes) -> str:
    """Text in whatever encoding: a byte order mark is believed, then UTF-8, then Latin-1.

    Lines end in \\n, whatever system they were written on.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            text = data.decode(encoding, errors="replace")
            break
    else:
        text = unmarked(data)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def unmarked(data: bytes) -> str:
    """Text without a byte order mark: every other byte 0 is UTF-16."""
    head = data[:400]
    if len(head) >= 4 and b"\0" in head:
        if head[1::2].count(0) > len(head) // 3:
            return data.decode("utf-16-le", errors="replace")
        if head[0::2].count(0) > len(head) // 3:
            return data.decode("utf-16-be", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


# -- text to data -------------------------------------------------------------------------


def parse_json(text: str) -> Any:
    """The data of a JSON text. Raises BadInput."""
    try:
        return decoder().decode(text)
    except RecursionError:
        raise BadInput("it is nested too deeply") from None
    except ValueError as e:
        raise BadInput(f"not valid JSON: {e}") from None


@lru_cache(maxsize=1)
def decoder() -> json.JSONDecoder:
    """A decoder that keeps digits, and sees names that are given twice."""
    return json.JSONDecoder(
        object_pairs_hook=Table,
        parse_float=Digits,
        parse_int=Digits,
        parse_constant=Digits,
    )


def parse_toml(text: str) -> Mapping[str, Any]:
    """The data of a TOML text. Raises BadInput."""
    # By name: solver.toml is the one module that imports the parser, and it reads files.
    parser = importlib.import_module(
        "tomllib" if sys.version_info >= (3, 11) else "tomli"
    )
    if DOTTED.search(text):
        raise BadInput("a name in it has more than 30 dots")
    try:
        return parser.loads(text, parse_float=Digits)
    except RecursionError:
        raise BadInput("the tables are nested too deeply") from None
    except ValueError as e:  # TOMLDecodeError, or an integer of thousands of digits
        said = str(e).partition(";")[0]
        hint = (
            "; put answers with backslashes into '…' or '''…'''" if "\\" in text else ""
        )
        raise BadInput(f"not valid TOML: {said}{hint}") from None


# -- streams ------------------------------------------------------------------------------


def pieces(stream: BinaryIO, lines: bool = False) -> Iterator[tuple[str, Any]]:
    """What a stream holds: (place, data) for each JSON object in lines or in a list, and
    ("", text) for anything else, whole. A bad line is (place, BadInput).

    lines: the stream is known to be JSON lines. Raises BadInput for what is too large.
    """
    line = stream.readline(LARGEST + 1)
    if line.startswith(codecs.BOM_UTF8):
        line = line[3:]
    elif b"\0" in line[:400] or line[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        stream = BytesIO(decoded(bounded(stream, line)).encode("utf-8", "replace"))
        line = stream.readline(LARGEST + 1)
    number = 1
    while line and not line.strip():
        line, number = stream.readline(LARGEST + 1), number + 1
    start = line.strip()
    after = b""
    if not lines and start[:1] == b"{" and not good(line):
        # The first of a pretty-printed object's lines, or a broken one of JSON lines?
        after = stream.readline(LARGEST + 1)
        lines = start[-1:] == b"}" and after.lstrip()[:1] == b"{"
    elif start[:1] == b"{":
        lines = True
    if re.match(rb"\[\s{0,9}(?:\{|\]|\Z)", start):
        yield from by_list(stream, line)
    elif lines and start:
        yield from by_lines(stream, [line, after], number)
    else:
        yield "", decoded(bounded(stream, line + after))


def good(line: bytes) -> bool:
    """Whether a line is JSON by itself."""
    try:
        parse_json(decoded(line))
    except BadInput:
        return False
    return True


def bounded(stream: BinaryIO, head: bytes = b"") -> bytes:
    """All of a stream, if it is not larger than a submission may be."""
    data = head + stream.read(LARGEST + 1 - min(len(head), LARGEST))
    if len(data) > LARGEST:
        raise too_large()
    return data


def too_large() -> BadInput:
    return BadInput(
        f"it is larger than {LARGEST // 1_000_000} MB, and no submission is; many of them "
        "may be given as JSON lines, one on each line"
    )


def by_lines(
    stream: BinaryIO, first: list[bytes], number: int
) -> Iterator[tuple[str, Any]]:
    """JSON lines: a bad line is said, and the rest goes on."""
    rest = iter(lambda: stream.readline(LARGEST + 1), b"")
    for at, line in enumerate(chain(filter(None, first), rest), number):
        if len(line) > LARGEST:
            yield f"line {at}", too_large()
            while line and not line.endswith(b"\n"):  # the rest of it is passed over
                line = stream.readline(CHUNK)
        elif line.strip():
            try:
                yield f"line {at}", parse_json(decoded(line))
            except BadInput as e:
                yield f"line {at}", e


def by_list(stream: BinaryIO, head: bytes) -> Iterator[tuple[str, Any]]:
    """The entries of a JSON list, each as soon as it is complete."""
    data = head + stream.read(CHUNK)
    utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
    try:
        text = utf8.decode(data)
        reads = decoder()
        if "\ufffd" in text and len(data) < CHUNK:
            text = decoded(data)  # a small file that is not UTF-8
        at, number, size = text.index("[") + 1, 0, CHUNK
        ended = False
        while True:
            at = re.compile(r"[\s,]*").match(text, at).end()  # type: ignore[union-attr]
            if text[at : at + 1] == "]":
                if not number:
                    yield "the list", BadInput("it is empty")
                if (text[at + 1 :] + utf8.decode(stream.read(CHUNK))).strip():
                    yield (
                        "behind the list",
                        BadInput("there is more, which is not read"),
                    )
                return
            try:
                if at >= len(text):
                    raise ValueError("it ends inside the list")
                value, at = reads.raw_decode(text, at)
            except ValueError as e:
                if ended or len(text) - at > LARGEST:
                    said = (
                        too_large() if not ended else BadInput(f"not valid JSON: {e}")
                    )
                    yield f"entry {number + 1} and all that follow", said
                    return
                more = stream.read(size)
                ended, size = not more, 2 * size
                text, at = text[at:] + utf8.decode(more, final=ended), 0
                continue
            number, size = number + 1, CHUNK
            yield f"entry {number}", value
    except RecursionError:
        yield "the list", BadInput("it is nested too deeply")
