"""Reading what is given: text from a command line, or data from TOML and JSON, by type.

A kind's signature is its schema: each parameter's annotation names a reader here. Text
and data end in the same values; what does not fit is a BadInput that names the key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields

from solver.aliases import ALIASES
from solver.core import BadInput
from solver.expressions.nodes import Expr, Sym, is_whole, letters
from solver.expressions.parse import parse
from solver.registry import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LARGEST = 10**9  # no axis, kernel or layer is larger: beyond it is a slip of the keyboard

REQUIRED = object()  # the default of a parameter that has none


@dataclass(frozen=True, eq=False, repr=False)
class Param:
    """One parameter of a kind: its name, the name of its type, and its default."""

    name: str
    type: str
    default: Any = REQUIRED

    @property
    def required(self) -> bool:
        return self.default is REQUIRED


def signature(function: Callable[..., Any]) -> tuple[Param, ...]:
    """The parameters of a kind's function, from its annotations and defaults."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    positional = dict(
        zip(reversed(names[: code.co_argcount]), reversed(function.__defaults__ or ()))
    )
    defaults = positional | (function.__kwdefaults__ or {})
    types = function.__annotations__
    return tuple(
        Param(n, types.get(n, "str"), defaults.get(n, REQUIRED)) for n in names
    )


def fields_of(layer: type) -> tuple[Param, ...]:
    """The hyper-parameters of a layer's dataclass, as parameters."""
    return tuple(
        Param(f.name, str(f.type), REQUIRED if f.default is MISSING else f.default)
        for f in fields(layer)
    )


def read_given(
    params: Sequence[Param], given: Mapping[str, Any], what: str = "kind"
) -> dict[str, Any]:
    """The given values, named and typed as the parameters say; unknown names are refused."""
    by_name = {p.name: p for p in params}
    found: dict[str, Any] = {}
    for key, raw in given.items():
        plain = key.replace("-", "_")
        name = plain if plain in by_name else ALIASES.get(plain, plain)
        if name not in by_name:
            raise unknown(f"option of {what}", key, list(by_name))
        if name in found:
            raise BadInput(f"{name} is given twice, once as {key}")
        if raw is None:
            continue
        try:
            found[name] = read(by_name[name], raw)
        except BadInput as e:
            raise e.at(key) from None
    return found


def read(param: Param, raw: Any) -> Any:
    """One raw value as the parameter's type wants it."""
    wanted = param.type.replace(" | None", "").strip()
    if isinstance(raw, Expr) or param.type == "Any":
        return raw
    if wanted not in READERS:
        raise BadInput(f"{param.name} has the type {wanted!r}, which nothing reads")
    return READERS[wanted](raw, param.name)


def size(raw: Any, name: str) -> int | Expr:
    """A number, a letter, or an expression in letters."""
    if isinstance(raw, bool) or not isinstance(raw, (int, str, float)):
        raise BadInput(f"expected a size such as 3, n or 2n + 1, not {shown(raw)}")
    if isinstance(raw, float):
        if not raw.is_integer():  # nor is infinity
            raise BadInput(f"expected a whole number, not {raw}")
        raw = int(raw)
    if isinstance(raw, int):
        return bounded(raw)
    text = raw.strip()
    if re.fullmatch(r"[+-]?[0-9]{1,40}", text):
        return bounded(int(text))
    if not text:
        raise BadInput("expected a size such as 3 or n, not nothing")
    if re.search(r"[0-9]\s*x\s*[0-9]", text):
        raise BadInput(f"expected one size, not the several of {shown(raw)}")
    tree = parse(text, "count" if "padding" in name else "size")
    if not letters(tree):
        raise BadInput(f"expected a whole number, not {shown(raw)}")
    for sym in letters(tree):
        if not re.fullmatch(r"[A-Za-z]\d?(_\w{1,8})?", sym.name):
            raise BadInput(f"{shown(sym.name)} is no letter: a size is a number, or a letter "
                           "such as n, H or C_in")  # fmt: skip
    if not is_whole(tree):
        raise BadInput(f"a size is a whole number; {tree} need not be: use floor(…)")
    return tree


def bounded(n: int) -> int:
    """n, if a size of that magnitude can be meant."""
    if abs(n) > LARGEST:
        many = (
            n.bit_length() * 30103 // 100_000 + 1
        )  # Python writes 4300 digits at most
        text = str(n) if many <= 24 else f"a number of about {many} digits"
        raise BadInput(f"{text} is too large: sizes go up to {LARGEST:,}")
    return n


# Between sizes: ×, a comma, spaces, or an x that a size follows (3x32, CxHxW).
SEPARATOR = r"\s*[×,]\s*|\s*(?<=[\w)\s])x\s*(?=[-\dA-Z(])|(?<=\d)X(?=[\dA-Z(])|\s+"


# One size by itself, which an x on either side of it does not belong to: k x k, cxhxw.
ALONE = r"\s*(?:[0-9]+|[A-WYZa-wyz]\d?(?:_[A-Za-z0-9]{1,8})?)\s*"
LONGEST = 5000


def entries(text: str) -> list[str]:
    """The sizes in a text, the brackets around all of them taken off."""
    text = text.strip()
    if len(text) > LONGEST:
        raise BadInput(f"the sizes have {len(text):,} characters; at most {LONGEST:,}")
    plain = text.replace("×", "x").split("x")
    if all(p.isascii() and p.isdigit() for p in plain):
        return plain
    if all(re.fullmatch(ALONE, p) for p in plain):
        return [p.strip() for p in plain]
    if text[:1] in ("(", "[") and text[-1:] in (")", "]") and "(" not in text[1:]:
        text = text[1:-1].strip()
    return [t for t in re.split(SEPARATOR, text) if t]


def several(raw: Any, name: str) -> tuple[int | Expr, ...]:
    """Sizes in a text or list, one or more, negative ones included."""
    if isinstance(raw, str):
        raw = entries(raw)
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = [raw]
    if not isinstance(raw, (list, tuple)):
        raise BadInput(f"expected a shape such as 3x32x32, not {shown(raw)}")
    if len(raw) > 8:
        raise BadInput(f"a shape has at most 8 axes, not {len(raw)}")
    found = tuple(size(x, name) for x in raw)
    if any(s.name[0] in "xX" for s in letters(found)):
        raise BadInput(f"{shown(raw)} is no shape: an x stands between two sizes")
    return found


def shape(raw: Any, name: str) -> tuple[int | Expr, ...]:
    """3x32x32, 3×32×32, (3, 32, 32), [3, 32, 32] or 3,H,W."""
    found = several(raw, name)
    for i, x in enumerate(found):
        if isinstance(x, int) and x < 0:
            raise BadInput(f"size {i + 1} of the shape is {x}: sizes are not negative")
    return found


def shapes(raw: Any, name: str) -> tuple[tuple[int | Expr, ...], ...]:
    """Several shapes: 64x28x28 and 128x28x28, separated by spaces or ;, or a list of lists."""
    if isinstance(raw, str):
        if len(raw) > LONGEST:
            raise BadInput(
                f"the shapes have {len(raw):,} characters; at most {LONGEST:,}"
            )
        pieces = [p for p in re.split(r"[;\s]+(?![^(]*\))", raw.strip()) if p]
        return tuple(shape(p, name) for p in pieces)
    if isinstance(raw, (list, tuple)) and raw and all(isinstance(x, int) for x in raw):
        return (shape(raw, name),)
    if not isinstance(raw, (list, tuple)):
        raise BadInput(f"expected shapes such as 64x28x28 128x28x28, not {shown(raw)}")
    return tuple(shape(p, name) for p in raw)


# Text that holds more than one size: 3x5, 3, 5, [k], k×k, k x k.
SIDES = rf"[×,]|\d\s*x|x\s*\d|^\[.*\]$|^{ALONE}x{ALONE}$"


def some_sides(raw: Any, name: str) -> Any:
    """Sides of which a list may leave some out: [None, 7]."""
    if isinstance(raw, (list, tuple)):
        return tuple(None if x is None else size(x, name) for x in raw)
    return sides(raw, name)


def sides(raw: Any, name: str) -> Any:
    """One size, or one an axis: 3, 3x5, (3, 5), [3, 5], k."""
    if isinstance(raw, (list, tuple)):
        return tuple(size(x, name) for x in raw)
    if isinstance(raw, str):
        text = raw.strip()
        if len(text) <= LONGEST and re.search(SIDES, text):
            return several(text, name) or size("", name)
    return size(raw, name)


def padding(raw: Any, name: str) -> Any:
    """A padding: sides, or the words same and valid."""
    return raw if raw in ("same", "valid") else sides(raw, name)


def integer(raw: Any, name: str) -> int:
    """A whole number, negative ones included."""
    value = size(raw, name)
    if not isinstance(value, int):
        raise BadInput(f"expected a whole number, not {shown(raw)}")
    return value


def truth(raw: Any, name: str) -> bool:
    """true or false, yes or no, on or off."""
    words = {"true": True, "yes": True, "on": True, "1": True}
    words |= {"false": False, "no": False, "off": False, "0": False}
    if isinstance(raw, bool):
        return raw
    if str(raw).lower() in words:
        return words[str(raw).lower()]
    raise BadInput(f"expected true or false, not {shown(raw)}")


def decimal(raw: Any, name: str) -> float:
    """A decimal number."""
    try:
        value = float(raw)
    except (TypeError, ValueError):
        raise BadInput(f"expected a number, not {shown(raw)}") from None
    if value != value or abs(value) > 1e12:
        raise BadInput(f"expected a number of ordinary size, not {shown(raw)}")
    return value


def word(raw: Any, name: str) -> str:
    """Text as it is."""
    if not isinstance(raw, str):
        raise BadInput(f"expected text, not {shown(raw)}")
    return raw


def scales(raw: Any, name: str) -> Any:
    """A scale factor, which need not be whole, or one an axis; or a letter."""
    if isinstance(raw, str) and "," in raw:
        raw = raw.strip("()[] ").split(",")
    if isinstance(raw, (list, tuple)):
        if not raw or any(isinstance(x, (list, tuple)) for x in raw):
            raise BadInput(f"expected a factor, or one an axis, not {shown(raw)}")
        return tuple(scales(x, name) for x in raw)
    if (
        isinstance(raw, float)
        or isinstance(raw, str)
        and re.fullmatch(r"\s*\d*\.\d+\s*", raw)
    ):
        return decimal(raw, name)
    return size(raw, name)


def words(raw: Any, name: str) -> tuple[str, ...]:
    """Several names, separated by commas, or a list."""
    if isinstance(raw, str):
        return tuple(w.strip() for w in raw.split(",") if w.strip())
    if isinstance(raw, (list, tuple)) and all(isinstance(w, str) for w in raw):
        return tuple(raw)
    raise BadInput(f"expected names separated by commas, not {shown(raw)}")


def integers(raw: Any, name: str) -> tuple[int, ...]:
    """Several whole numbers: 2,5,2 or [2, 5, 2]."""
    if isinstance(raw, str):
        raw = entries(raw)
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = [raw]
    if not isinstance(raw, (list, tuple)) or not raw:
        raise BadInput(f"expected whole numbers such as 2,5,2, not {shown(raw)}")
    return tuple(integer(x, name) for x in raw)


def net(raw: Any, name: str) -> Any:
    """A network: a bundled name, the short notation, or PyTorch's printed module."""
    from solver.networks.notation import read_net

    if isinstance(raw, str) and re.fullmatch(r"\s*[\w-]+/[\w-]+\s*", raw):
        from solver.sets import set_network

        return set_network(raw.strip())
    return read_net(raw)


def nets(raw: Any, name: str) -> tuple[Any, ...]:
    """Several networks: a list, or separated by ;."""
    if isinstance(raw, str):
        raw = [p.strip() for p in raw.split(";") if p.strip()]
    if not isinstance(raw, (list, tuple)):
        raise BadInput(f"expected networks, not {shown(raw)}")
    return tuple(net(x, name) for x in raw)


def matrix(raw: Any, name: str) -> Any:
    """A matrix of exact numbers: "1 2; 3 4", [[1, 2], [3, 4]], or channels of them."""
    from solver.numeric.text import read_array

    return read_array(raw)


def read_number(what: str, raw: Any) -> Any:
    """An exact number or expression ("real"), or exact numbers in rows ("reals")."""
    from solver.numeric import text

    return {"real": text.real, "reals": text.reals}[what](raw)


def table(raw: Any, name: str) -> Mapping[str, Any]:
    """A table of named values."""
    if not isinstance(raw, Mapping):
        raise BadInput(f"expected a table of named values, not {shown(raw)}")
    return raw


READERS: dict[str, Callable[[Any, str], Any]] = {
    "Size": size,
    "Shape": shape,
    "Shapes": shapes,
    "Sides": sides,
    "Sides | str": padding,
    "Sides | tuple[Size, ...]": some_sides,  # a None is taken off: see read
    "Scale": scales,
    "int": integer,
    "bool": truth,
    "float": decimal,
    "str": word,
    "Names": words,
    "Text": word,
    "Where": lambda raw, name: raw,
    "Integers": integers,
    "Net": net,
    "Nets": nets,
    "Array": matrix,
    "Real": lambda raw, name: read_number("real", raw),
    "Reals": lambda raw, name: read_number("reals", raw),
    "Table": table,
}


def shown(raw: Any) -> str:
    """What came, short enough for an error line."""
    try:
        text = repr(raw)
    except ValueError:  # Python writes no number of more than 4300 digits
        text = "a number of very many digits"
    return text if len(text) <= 48 else text[:45] + "…"


def letter(name: str, field: str) -> Sym:
    """The letter that stands for a missing value; paddings may be 0."""
    return Sym(name, "count" if "padding" in field else "size")
