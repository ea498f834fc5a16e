"""What files of each ending are: read, refused with a reason, or none of our business."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from solver.core import BadInput
from solver.courses.archives import File, Folder
from solver.courses.naming import readable
from solver.courses.streams import decoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

LATEX = {"tex", "latex", "ltx"}
LINES = {"jsonl", "ndjson"}
READ = {*LATEX, *LINES, "toml", "json", "txt"}
ASKED = "hand in the filled-in .tex, or .toml or .json"
REFUSED = {
    **dict.fromkeys(("pdf", "ps", "dvi", "xps"), "a PDF cannot be read back reliably"),
    **dict.fromkeys(
        ("png", "jpg", "jpeg", "gif", "heic", "webp", "tif", "tiff", "bmp", "svg"),
        "an image cannot be read",
    ),
    **dict.fromkeys(
        (
            "doc",
            "docx",
            "odt",
            "rtf",
            "pages",
            "xls",
            "xlsx",
            "ods",
            "ppt",
            "pptx",
            "md",
        ),
        "a document of a word processor cannot be read",
    ),
    **dict.fromkeys(
        ("gz", "tgz", "tar", "bz2", "xz", "7z", "rar", "zst"),
        "of archives only .zip is opened: unpack it, and give the folder",
    ),
}
MAGIC = {
    b"%PDF-": "pdf", b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif",
    b"PK\3\4": "zip", b"\x1f\x8b": "gz", b"7z\xbc\xaf": "7z", b"Rar!": "rar",
    b"\xd0\xcf\x11\xe0": "doc", b"{\\rtf": "rtf",
}  # fmt: skip
# What LaTeX writes beside a file of the same name, and what it may need beside any.
WRITTEN = {"aux", "log", "pdf", "out", "toc", "fls", "fdb_latexmk", "gz", "dvi", "ps"}
NEEDED = {"sty", "cls", "bib", "bst", "bbl", "blg"}


def refusal(name: str) -> str:
    """Why a file of this name is not read, and the way out; nothing if it may be."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending in READ or ending == "zip":
        return ""
    if ending in REFUSED:
        why = REFUSED[ending]
        return why if "unpack" in why else f"{why}: {ASKED}"
    what = (
        f"files that end in .{readable(ending, 20)}"
        if ending
        else "files without an ending"
    )
    return f"{what} are not read: {ASKED}"


def checked(content: bytes | str) -> str:
    """The text of a file that holds text, whatever its ending says. Raises BadInput."""
    head = (
        content[:8]
        if isinstance(content, bytes)
        else content[:8].encode("latin-1", "replace")
    )
    for magic, ending in MAGIC.items():
        if head.startswith(magic):
            why = refusal(f"x.{ending}") or f"it is an archive by another name: {ASKED}"
            raise BadInput(f"whatever its name says, {why}")
    return decoded(content) if isinstance(content, bytes) else content


def every_file(look: Callable[[], Folder]) -> Iterator[File]:
    """The files in a folder that are worth reading, and in all folders inside it."""
    try:
        folder = look()
    except BadInput as e:
        why = e
        yield File("folder", e.where, lambda: raised(why))
        return
    yield from worth(folder.files)
    for _, inner in folder.folders:
        yield from every_file(inner)


def raised(why: BadInput) -> BinaryIO:
    raise why


def worth(files: list[File]) -> list[File]:
    """Files without those that LaTeX wrote or needs beside a .tex."""
    sources = {f.stem for f in files if f.ending in LATEX}
    if not sources:
        return files
    return [
        f
        for f in files
        if f.ending not in NEEDED
        and not (f.ending in WRITTEN and f.stem.removesuffix(".synctex") in sources)
    ]
