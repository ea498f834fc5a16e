"""TOML files read: what cannot be read, or hides a control character, names file and key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from solver.core import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LARGEST = 5_000_000


def load_toml(path: Path) -> dict[str, Any]:
    """The data of a TOML file; what cannot be read names the file and line."""
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"the file is larger than {LARGEST:,} bytes").at(str(path))
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as e:
        raise BadInput(f"the file is not UTF-8: byte {e.start} cannot be read").at(
            str(path)
        ) from None
    except OSError as e:
        raise BadInput(f"cannot be read: {e.strerror or e}").at(str(path)) from None
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except ValueError as e:  # TOMLDecodeError, or an integer of thousands of digits
        said = str(e).partition(";")[0]
        if "escape" in said.lower():
            said += "; put LaTeX into '…' or '''…''', which keep a backslash as it is"
        raise BadInput(f"not valid TOML: {said}").at(str(path)) from None
    except RecursionError:
        raise BadInput("the tables are nested too deeply").at(str(path)) from None
    no_controls(data, str(path))
    return data


def no_controls(data: Any, where: str) -> None:
    r"""Refuse control characters, which "\frac" in a basic string turns into."""
    if isinstance(data, str):
        for c in data:
            if ord(c) < 32 and c not in "\n\r\t" or c == "\x7f":
                hint = {"\x0c": r"\f", "\x08": r"\b", "\x07": r"\a", "\x0b": r"\v"}.get(
                    c, c
                )
                raise BadInput(
                    f"holds the control character U+{ord(c):04X}: a basic string read a "
                    f"backslash ({hint!s}); put LaTeX into '…' or '''…'''"
                ).at(where)
        if re.search(r"\t(?=ext|imes|heta|frac|anh|o\b)", data):
            raise BadInput(
                "holds a tab where LaTeX has a backslash (\\text, \\times): put LaTeX "
                "into '…' or '''…'''"
            ).at(where)
    elif isinstance(data, Mapping):
        for key, value in data.items():
            no_controls(value, f"{where}: {key}")
    elif isinstance(data, list):
        for i, value in enumerate(data):
            mark = value.get("id", i + 1) if isinstance(value, Mapping) else i + 1
            no_controls(value, f"{where} {mark}")
