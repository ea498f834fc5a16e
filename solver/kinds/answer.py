"""Answers that their author states: `answer number`, `answer expression`, `answer prose`, …

What can be computed has a kind that computes it; these are for the rest of a course. The
key is read by the same reader as the students' answers, and has to be right by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from solver.answers.forms import read_answer, same, shown, state_key
from solver.answers.stated import FORMS, Rubric
from solver.core import Answer, BadInput, Check, Step
from solver.expressions.nodes import Expr
from solver.given import Param
from solver.kinds import kind
from solver.reading.names import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MEANINGS = ("scalar", "vector", "column", "row", "matrix", "number")
KINDS = (
    "real",
    "positive",
    "nonnegative",
    "integer",
    "probability",
    "nonzero",
    "number",
)
UNITS = {
    "bytes": "byte",
    "byte": "byte",
    "FLOPs": "flop",
    "flops": "flop",
    "MACs": "mac",
    "macs": "mac",
}
SCHEMA = (
    Param("key", "Any"),
    Param("where", "Any", None),  # letters: "x: n, A: m x n, n: positive integer"
    Param("alias", "Any", None),  # other spellings: { p = "yhat" }
    Param(
        "functions", "Any", None
    ),  # what names of functions mean: { phi = "sigmoid" }
    Param("tol", "Any", None),  # 0.01, or { abs = 0.01, rel = 0.05 }
    Param("unit", "str", ""),
    Param("order", "str", ""),
    Param("either_order", "bool", False),
    Param("either_layout", "bool", False),
    Param("rounded", "bool", False),
    Param("comma", "bool", False),
    Param("options", "Any", None),
    Param("variable", "str", ""),
    Param("rubric", "Any", None),
)


def spec_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is declared, as the readers want it. Raises BadInput naming the key."""
    dims, kinds = letters(given.get("where"))
    tol = given.get("tol")
    if isinstance(tol, (int, float)) and not isinstance(tol, bool):
        tol = {"abs": tol}
    if tol is not None and not (
        isinstance(tol, Mapping)
        and set(tol) <= {"abs", "rel"}
        and all(isinstance(v, (int, float)) and v >= 0 for v in tol.values())
    ):
        raise BadInput(
            "a tolerance is a number, or { abs = 0.01 } or { rel = 0.05 }"
        ).at("tol")
    unit = given.get("unit", "")
    if unit and unit not in UNITS:
        raise BadInput(f"the unit is one of {', '.join(UNITS)}, not {unit!r}").at(
            "unit"
        )
    options = given.get("options") or ()
    if not isinstance(options, (list, tuple)) or not all(
        isinstance(o, str) for o in options
    ):
        raise BadInput("options are a list of texts").at("options")
    alias = table(given.get("alias"), "alias")
    return {
        "known": tuple(dict.fromkeys([*dims, *kinds, *map(canonical, alias.values())])),
        "alias": alias,
        "functions": table(given.get("functions"), "functions"),
        "dims": dims,
        "kinds": kinds,
        "tol": tol,
        "unit": UNITS.get(unit, ""),
        "order": given.get("order", ""),
        "either_order": given.get("either_order", False),
        "either_layout": given.get("either_layout", False),
        "rounded": given.get("rounded", False),
        "comma": given.get("comma", False),
        "options": tuple(options),
        "variable": given.get("variable", ""),
        "rubric": tuple(given.get("rubric") or ()),
    }


def table(raw: Any, name: str) -> dict[str, str]:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping) or not all(
        isinstance(v, str) for v in raw.values()
    ):
        raise BadInput("expected a table of names").at(name)
    return {str(k): v for k, v in raw.items()}


def letters(where: Any) -> tuple[dict[str, tuple[Any, ...]], dict[str, str]]:
    """(dims, kinds) of declared letters: "x: vector n, A: m x n, y: 0 or 1"."""
    import re

    if not where:
        return {}, {}
    if isinstance(where, str):
        pieces = [
            p for p in re.split(r"[;,\n]\s*(?=\\?[^\W\d]\S*\s*:)", where) if p.strip()
        ]
        pairs = [p.partition(":")[::2] for p in pieces]
    elif isinstance(where, Mapping):
        pairs = [(str(k), v) for k, v in where.items()]
    else:
        raise BadInput("declare letters as x: n, A: m x n, n: positive integer").at(
            "where"
        )
    dims: dict[str, tuple[Any, ...]] = {}
    kinds: dict[str, str] = {}
    for raw, what in pairs:
        name = canonical(raw.strip().lstrip("\\") if "{" not in raw else raw.strip())
        if not name or name in dims:
            raise BadInput(f"{raw.strip()[:30]!r} is no name, or is declared twice").at(
                "where"
            )
        said = (
            " ".join(map(str, what)) if isinstance(what, (list, tuple)) else str(what)
        )
        labels = re.fullmatch(r"\s*(-?\d+)\s*(?:or|,|and)\s*(-?\d+)\s*", said)
        if labels:
            dims[name], kinds[name] = (), f"labels {labels[1]} {labels[2]}"
            continue
        words = [w for w in re.split(r"[\s×]+", said) if w and w != "x"]
        sizes: list[Any] = []
        meant: list[str] = []
        for w in words:
            if w in KINDS:
                meant.append(w)
            elif w.isdigit() and 0 < int(w) < 20:
                sizes.append(int(w))
            elif w not in MEANINGS and re.fullmatch(r"[A-Za-z]\w?", w):
                sizes.append(w)
            elif w not in MEANINGS:
                from solver.registry import unknown

                raise unknown(f"property of {name}", w, [*KINDS, *MEANINGS]).at("where")
        if len(sizes) > 2:
            raise BadInput(f"{name}: a letter has at most two sizes").at("where")
        dims[name] = tuple(sizes)
        if meant:
            kinds[name] = " ".join(meant)
    return dims, kinds


def stated(form: str) -> Callable[..., Answer]:
    """The solver of one form."""

    def solver(key: Any, **given: Any) -> Answer:
        text = as_text(key)
        spec = spec_of({"order": "", **given})
        try:
            value = state_key(form, text, spec)
        except BadInput as e:
            raise e.at("key") from None
        checks = [
            Check("its author; its own reader marks it right", itself(value, text))
        ]
        if isinstance(value.value, Expr):
            checks.append(
                Check("read back as it is printed", itself(value, shown(value.value)))
            )
        if isinstance(value.value, Rubric):
            meets(value.value)
            checks = [Check("its author; the model answer meets the rubric", True)]
        return Answer(value, tuple(remarks(value)), tuple(checks), form)

    solver.__doc__ = f"An answer that is stated: {FORMS[form]}."
    return solver


def as_text(key: Any) -> str:
    """A key in TOML may be a number, a text, or a list of them."""
    if isinstance(key, bool):
        return str(key)
    if isinstance(key, (int, float)):
        return repr(key)
    if isinstance(key, list) and all(isinstance(k, (int, float)) for k in key):
        return ", ".join(map(repr, key))
    if isinstance(key, Mapping) and all(
        isinstance(v, (int, float, str)) for v in key.values()
    ):
        return ", ".join(f"{k} = {v}" for k, v in key.items())
    if not isinstance(key, str) or not key.strip():
        raise BadInput(f"expected the right answer as text, not {key!r:.40}").at("key")
    return key


def itself(value: Any, text: str) -> bool:
    """Whether the key, given as an answer, is right."""
    if isinstance(value.value, Rubric):
        return True
    try:
        return same(value, read_answer(value, text).value).same is True
    except BadInput:
        return False


def meets(rubric: Rubric) -> None:
    """Refuse a rubric whose model answer does not show its points."""
    from solver.answers.prose import passage

    for point in rubric:
        if point.shows and not passage(point, rubric.model):
            raise BadInput(
                f"the model answer does not show the point “{point.says}”"
            ).at("rubric")


def remarks(value: Any) -> list[Step]:
    if isinstance(value.value, Rubric):
        return [Step(f"{p.says} ({p.points:g})") for p in value.value]
    return []


for _form in FORMS:
    kind(f"answer {_form}", params=SCHEMA)(stated(_form))
