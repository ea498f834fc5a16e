"""Answers that are sizes, values by name, options, rankings, complexity classes, prose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from math import inf

from solver.answers.agreement import Finding, compare
from solver.answers.amounts import undressed
from solver.answers.stated import Point, Rubric, Stated
from solver.answers.trees import Given, key_tree, names_for
from solver.core import BadInput
from solver.expressions.nodes import Expr, Num, Sym
from solver.expressions.tokens import guard
from solver.expressions.tolerant import read_written
from solver.expressions.written import Group, Logic, Relation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# -- sizes --------------------------------------------------------------------------------

AXES = {"h": "H", "height": "H", "rows": "H", "w": "W", "width": "W", "columns": "W", "c": "C",
        "channels": "C", "channel": "C", "depth": "C", "filters": "C", "maps": "C", "n": "N",
        "batch": "N", "h_out": "H", "w_out": "W", "c_out": "C", "k": "C", "d": "D"}  # fmt: skip
CHANNELS = r"(?:channels?|(?:feature )?maps?|filters?|kernels?)"
SIZE_DRESS = [
    (re.compile(r"torch\.Size|tensor\.shape|\.shape|np\.shape|shape"), " "),
    (re.compile(r"\\(?:left|right)(?![a-z])|\\[,;:! ]|\\quad|(?<!\\)\$|\\\(|\\\)|\\\[|\\\]"), " "),
    (re.compile(r"\\times|\\cdot|×|✕|\\ast"), "x"),
    (re.compile(r"\\(?:text|mathrm|textrm)\s*\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"\bpixels?\b|\bpx\b"), " "),
]


def state_sizes(text: str, spec: Mapping[str, Any]) -> tuple[tuple[Expr, ...], dict[str, Any]]:
    sizes, axes = cut_sizes(text, spec, False)
    order = spec.get("order") or ""
    if axes and order and len(axes) == len(order):
        sizes = tuple(sizes[axes.index(a)] for a in order)
    return sizes, {"order": order or axes}


def read_sizes(stated: Stated, text: str) -> Given:
    sizes, axes = cut_sizes(text, stated.names, True)
    order = stated.settings.get("order", "")
    remark = ""
    if axes and order and sorted(axes) == sorted(order):
        sizes = tuple(sizes[axes.index(a)] for a in order)
    elif axes == "C?" and order and len(sizes) == len(order):
        sizes = (sizes[0], *sizes[1:]) if order[0] == "C" else (*sizes[1:], sizes[0])
    return Given(Group("()", *sizes) if len(sizes) != 1 else sizes[0], (), (), remark)


def cut_sizes(text: str, spec: Mapping[str, Any], strict: bool) -> tuple[tuple[Expr, ...], str]:
    """(sizes, their axes as far as they are named: "HWC", "C?" or nothing)."""
    guard(text)
    if len(text) > 400:
        raise BadInput("this is too long for a shape")
    bare = undressed(text)
    for pattern, replacement in SIZE_DRESS:
        bare = pattern.sub(replacement, bare)
    bare = bare.strip().rstrip(".").strip()
    names = names_for(spec, strict)
    labelled = re.findall(r"([A-Za-z_]+)\s*[=:]\s*(\d+)", bare)
    if len(labelled) > 1 and re.fullmatch(r"(?:[\s,;()\[\]]|and|[A-Za-z_]+\s*[=:]\s*\d+)+", bare):
        axes = "".join(AXES.get(a.lower(), "?") for a, _ in labelled)
        if "?" in axes or len(set(axes)) != len(axes):
            raise BadInput("the names of these sizes are not understood: H, W, C", text=text, offset=0)
        return tuple(Num(int(n)) for _, n in labelled), axes
    front = re.fullmatch(rf"(\d+)\s*(?:{CHANNELS}\s*(?:of|with|,|:)?\s*(?:size\s*)?|@)\s*(.+)", bare)
    back = re.fullmatch(rf"(.+?)\s*(?:,|;|and|with|x|times)?\s*(\d+)\s*{CHANNELS}", bare)
    axes = ""
    if front:
        bare, axes = f"{front[1]}x{front[2]}", "C?"
    elif back:
        bare, axes = f"{back[2]}x{back[1]}", "C?"
    bare = re.sub(r"\b(?:by|times)\b", "x", bare)
    while bare[:1] in ("(", "[", "{") and bare[-1:] in (")", "]", "}"):
        bare = bare[1:-1].strip()
    bare = re.sub(r"(?<=[\d)])\s*[*]\s*(?=[\d(])", "x", bare)
    pieces = pieces_of(bare)
    if not all(pieces) or not pieces:
        raise BadInput("a size is missing in this shape", text=text, offset=0)
    if len(pieces) == 1 and re.fullmatch(r"\d+(?:\s+\d+)+", bare):
        pieces = bare.split()
    if len(pieces) > 8:
        raise BadInput("a shape has at most 8 sizes", text=text, offset=0)
    found = []
    for piece in pieces:
        e = read_written(piece, names)
        if isinstance(e, (Group, Relation, Logic)):
            raise BadInput(f"{piece[:30]!r} is no size", text=text, offset=max(0, text.find(piece)))
        found.append(e)
    return tuple(found), axes


def pieces_of(text: str) -> list[str]:
    """A shape cut at x, × and commas outside brackets."""
    pieces, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "([⌊⌈{") - (c in ")]⌋⌉}")
        before, after = text[:i].rstrip()[-1:], text[i + 1 :].lstrip()[:1]
        cross = c == "," or c in "xX" and (before.isalnum() or before in ")⌋⌉]}") and (
            after.isalnum() or after in "(⌊⌈-\\")  # fmt: skip
        if cross and depth == 0 and not (c in "xX" and re.search(r"[A-Za-z]$", text[:i])):
            pieces.append(text[start:i].strip())
            start = i + 1
    pieces.append(text[start:].strip())
    return pieces


def same_sizes(stated: Stated, value: Expr) -> Finding:
    key = list(stated.value)
    got = list(value.items) if isinstance(value, Group) else [value]
    order = stated.settings.get("order", "")
    found = sizes_agree(stated, key, got)
    if len(got) == len(key) + 1 and got[0] in (Num(1), Sym("N", "real")):
        if sizes_agree(stated, key, got[1:]).same:
            return Finding(True, "Read with a batch in front.")
    if found.same is False and stated.settings.get("either_order") and len(got) == len(key) == 3:
        turned = [got[-1], *got[:-1]] if order.startswith("C") else [*got[1:], got[0]]
        other = sizes_agree(stated, key, turned)
        if other.same:
            theirs, ours = ("H×W×C", "C×H×W") if order.startswith("C") else ("C×H×W", "H×W×C")
            return Finding(True, f"Read as {theirs}; this course writes {ours}.")
    return found


def sizes_agree(stated: Stated, key: list[Expr], got: list[Expr]) -> Finding:
    if len(key) != len(got):
        return Finding(False)
    each = [compare(a, b, stated.kinds, stated.dims).same for a, b in zip(key, got)]
    if False in each:
        return Finding(False, "", [i + 1 for i, f in enumerate(each) if f is False])
    return Finding(None if None in each else True)


# -- values by name -----------------------------------------------------------------------


def state_named(text: str, spec: Mapping[str, Any]) -> tuple[dict[str, Expr], dict[str, Any]]:
    found = named(text, spec, False)
    if not found:
        raise BadInput("the key gives no value by name: p = 1, s = 2")
    return found, {}


def named(text: str, spec: Mapping[str, Any], strict: bool, wanted: Any = ()) -> dict[str, Expr]:
    """Values by name: p = 1 and s = 2; padding 1, stride: 2."""
    names = names_for(spec, strict)
    guard(text)
    bare = re.sub(r"\\(?:text|mathrm)\s*\{([^{}]*)\}", r" \1 ", text)
    bare = re.sub(r"\\[,;:! ]|\\q?quad|(?<!\\)\$", " ", bare)
    pieces = [p.strip(" .()") for p in re.split(r"[,;\n]|\band\b|\bwith\b|&", bare) if p.strip(" .()")]
    found: dict[str, Expr] = {}
    for piece in pieces[:40]:
        m = re.fullmatch(
            r"(?:(?:a|the)\s+)?(\\?[A-Za-zα-ω][\w]*(?:\s(?!is\b|of\b)[a-z]+)?)\s*(?:[=:]|\bis\b|\bof\b|\s)\s*(.+)",
            piece, re.S,
        )  # fmt: skip
        if not m:
            raise BadInput(
                "write each value behind its name, as in " + ", ".join(f"{w} = …" for w in wanted),
                text=text, offset=max(0, text.find(piece)),
            )  # fmt: skip
        word = re.sub(r"\s+(?:size|value)$", "", m[1].strip().lstrip("\\"))
        name = names.name(word if names.is_known(word) else word.lower())
        if wanted and name not in wanted:
            name = names.name(word)
        if wanted and name not in wanted:
            raise BadInput(f"{word[:30]!r} is not asked for: {', '.join(wanted)}", text=text,
                           offset=max(0, text.find(word)))  # fmt: skip
        if name in found:
            raise BadInput(f"{name} is given twice", text=text, offset=0)
        e = read_written(m[2], names)
        if isinstance(e, (Logic, Relation)) or isinstance(e, Group) and not e.fences:
            raise BadInput(f"one value is asked for {name}", text=text, offset=0)
        found[name] = e
    return found


def read_named(stated: Stated, text: str) -> Given:
    wanted = tuple(stated.value)
    if not re.search(r"[A-Za-z]", text):
        values = [p for p in re.split(r"[,;\s]+", text.strip(" ()")) if p]
        raise BadInput(
            f"{len(values)} values without names: write " + ", ".join(f"{w} = …" for w in wanted),
            text=text, offset=0,
        )  # fmt: skip
    found = named(text, stated.names, True, wanted)
    if not found:
        raise BadInput("there is no answer")
    return Given(found)


def same_named(stated: Stated, value: Mapping[str, Expr]) -> Finding:
    key = stated.value
    each = {k: compare(key[k], value[k], stated.kinds, stated.dims).same for k in key if k in value}
    off = [k for k in key if each.get(k) is not True]
    if len(each) < len(key) or False in each.values():
        missing = [k for k in key if k not in value]
        said = f"Not right: {', '.join(k for k in off if k in value)}." if len(off) > len(missing) else ""
        if missing:
            said += f" Missing: {', '.join(missing)}."
        return Finding(False, said.strip(), off)
    return Finding(None if None in each.values() else True)


# -- options and rankings -----------------------------------------------------------------

TRUTH = {"true": "true", "t": "true", "yes": "true", "y": "true", "false": "false", "f": "false",
         "no": "false", "n": "false", "wahr": "true", "falsch": "false", "ja": "true",
         "nein": "false", "correct": "true", "incorrect": "false"}  # fmt: skip
FILLER = {"and", "option", "options", "answer", "answers", "is", "are", "the", "choice", "both", "only"}


def state_options(text: str, spec: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    options = tuple(str(o) for o in spec.get("options", ()))
    if text.strip().lower() in ("true", "false"):
        return (text.strip().lower(),), {"options": ("true", "false")}
    if options:
        by_name = {o.casefold(): o for o in options}
        pieces = [p.strip() for p in re.split(r"[,;]", text) if p.strip()]
        unknown = [p for p in pieces if p.casefold() not in by_name]
        if unknown:
            raise BadInput(f"the key {unknown[0]!r} is none of the options {', '.join(options)}")
        return tuple(sorted({by_name[p.casefold()] for p in pieces})), {"options": options}
    found = letters_in(text, "")
    if not found:
        raise BadInput("the key names no option: write A, C, or True, or give options")
    return tuple(sorted(set(found))), {"options": ()}


def letters_in(text: str, options: str) -> list[str]:
    """The letters that name options: A, C; (a) and (c); AC. Raises BadInput."""
    if re.search(r"\bor\b|\bmaybe\b|\bnot\b|\?|\bexcept\b|\bneither\b", text, re.I):
        raise BadInput("one choice is asked for, without or, not and maybe", text=text, offset=0)
    found = []
    for word in re.findall(r"[A-Za-z]+|[^\sA-Za-z,;.&()\[\]/+$\\{}:'\"]", text):
        if word.lower() in FILLER and len(word) > 1 or word in ("text", "mathrm", "textbf", "boxed"):
            continue
        if len(word) == 1 and word.isalpha() or word.isupper() and len(word) <= 6:
            found += list(word.upper())
        else:
            raise BadInput(f"{word[:30]!r} is no option", text=text, offset=max(0, text.find(word)))
    return found


def read_options(stated: Stated, text: str) -> Given:
    guard(text)
    options = stated.settings.get("options", ())
    if options == ("true", "false"):
        word = re.sub(r"[^a-z]", "", text.lower())
        if word not in TRUTH:
            raise BadInput("expected true or false", text=text, offset=0)
        return Given((TRUTH[word],))
    if options:
        by_name = {o.casefold(): o for o in options}
        whole = text.strip().rstrip(".").casefold()
        if whole in by_name:
            return Given((by_name[whole],))
        pieces = [p.strip(" .()") for p in re.split(r"[,;\n]|\band\b", text) if p.strip(" .()")]
        found = [by_name.get(p.casefold()) for p in pieces]
        if None in found or not found:
            shown = ", ".join(options)
            raise BadInput(f"the options are {shown}", text=text, offset=0)
        return Given(tuple(sorted(set(found))))  # type: ignore[type-var, arg-type]
    found_ = letters_in(text, "")
    if not found_:
        raise BadInput("no option is named", text=text, offset=0)
    return Given(tuple(sorted(set(found_))))


def same_words(stated: Stated, value: tuple[Any, ...]) -> Finding:
    return Finding(tuple(stated.value) == tuple(value))


def state_ranking(text: str, spec: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    found = ranked(text)
    if not found:
        raise BadInput("the key ranks nothing: write D, B, A, C")
    return found, {"items": found}


def ranked(text: str) -> tuple[str, ...]:
    """The items in order; ties stand together: (B = D)."""
    guard(text)
    bare = re.sub(r"\\(?:text|mathrm)\s*\{([^{}]*)\}", r" \1 ", text)
    bare = re.sub(r"\\succ|\\gt|\\rightarrow|\\to|→|≻|->|\bthen\b", ">", bare)
    bare = re.sub(r"\\[,;:! ]|\\q?quad|(?<!\\)\$", " ", bare).strip(" .()[]")
    if re.search(r"\bor\b|\bmaybe\b|\bnot\b|\?", bare, re.I):
        raise BadInput("one order is asked for, without or, not and maybe", text=text, offset=0)
    if re.fullmatch(r"[A-Z]{2,12}", bare):
        return tuple(bare)
    bare = re.sub(r"(?<![=\s])\s*=\s*", "=", bare)
    pieces = [p.strip(" .()[]") for p in re.split(r"[,;>\n]|\s+", bare) if p.strip(" .()[]")]
    if len(pieces) > 60:
        raise BadInput("this ranking is too long", text=text, offset=0)
    turned = "<" in pieces
    pieces = [p for p in pieces if p != "<"]
    found = tuple("=".join(sorted(p.split("="))) for p in pieces)
    return found[::-1] if turned else found


def read_ranking(stated: Stated, text: str) -> Given:
    found = ranked(text)
    known = {i for item in stated.value for i in item.split("=")}
    given = [i for item in found for i in item.split("=")]
    strangers = [g for g in given if g not in known]
    if strangers and not all(len(g) == 1 for g in strangers):
        raise BadInput(f"{strangers[0][:30]!r} is none of the items", text=text,
                       offset=max(0, text.find(strangers[0])))  # fmt: skip
    return Given(found)


# -- complexity ---------------------------------------------------------------------------

CLASS = re.compile(
    r"\s*(?:\\mathcal\s*\{?\s*O\s*\}?|\\mathrm\s*\{\s*O\s*\}|\\Theta|Θ|Theta|Ω|\\Omega|O|o)\s*"
    r"(?:\\left)?\s*\((.*?)(?:\\right)?\)\s*\.?\s*$", re.S,
)  # fmt: skip


def class_of(text: str, spec: Mapping[str, Any], strict: bool) -> Expr:
    bare = undressed(text)
    bare = re.sub(r"(?<!\\)\$", " ", bare).strip()
    if re.match(r"\s*(?:\\Omega|Ω|o\s*\()", bare):
        raise BadInput("the answer is a bound from above, O(…)", text=text, offset=0)
    found = CLASS.match(bare)
    inside = found[1] if found else bare
    e = read_written(inside, names_for(spec, strict))
    if isinstance(e, (Group, Relation, Logic)):
        raise BadInput("expected O(…) of one expression", text=text, offset=0)
    return e


def state_class(text: str, spec: Mapping[str, Any]) -> tuple[Expr, dict[str, Any]]:
    return class_of(text, spec, False), {}


def read_class(stated: Stated, text: str) -> Given:
    return Given(class_of(text, stated.names, True))


def same_class(stated: Stated, value: Expr) -> Finding:
    """Whether the ratio of the two tends to a constant as all letters grow, on every ray."""
    from solver.answers.agreement import attempted, fifty_digits
    from solver.answers.regions import variables
    from solver.expressions.arrays import Array
    from solver.expressions.worlds import Letters, World

    key = stated.value
    letters = Letters({n: "positive" for n in variables(key, value)}, {}, (key, value))
    names = variables(key, value)
    if not names:
        return Finding(not variables(key) and not variables(value) or None)
    rays = [{n: 1 + (hash_of(n, r) % 5) for n in names} for r in range(4)]
    rays += [{n: 5 if n == one else 1 for n in names} for one in names]
    for ray in rays:
        ratios = []
        for base in (10**6, 10**9, 10**12):
            at = {n: base**k for n, k in ray.items()}
            world = [World(letters, 1, fifty_digits(), "positive", at) for _ in (0, 1)]
            a, b = attempted(key, world[0]), attempted(value, world[1])
            if isinstance(a, (Exception, Array)) or isinstance(b, (Exception, Array)) or not a or not b:
                return Finding(None, "It cannot be computed at large numbers.")
            ratios.append(float(b / a))
        low, high = min(ratios), max(ratios)
        if low <= 0 or high == inf or high / low > 1.02:
            return Finding(False)
    return Finding(True)


def hash_of(name: str, r: int) -> int:
    return sum(ord(c) * (i + 3 + r) for i, c in enumerate(name)) + 7 * r


# -- prose --------------------------------------------------------------------------------


def state_prose(text: str, spec: Mapping[str, Any]) -> tuple[Rubric, dict[str, Any]]:
    """The rubric: [[points]] with what they say and the words that show it."""
    points = []
    for i, p in enumerate(spec.get("rubric", ())):
        if not isinstance(p, Mapping) or not isinstance(p.get("says"), str):
            raise BadInput('a point of a rubric has what it says: { says = "…", shows = ["…"] }').at(
                f"rubric {i + 1}"
            )
        shows = p.get("shows", [])
        if not isinstance(shows, list):
            raise BadInput('shows is a list of words, or of lists of alternatives').at(f"rubric {i + 1}")
        groups = tuple(tuple(map(str, g)) if isinstance(g, list) else (str(g),) for g in shows)
        worth = p.get("points", 1)
        if isinstance(worth, bool) or not isinstance(worth, (int, float)) or worth < 0:
            raise BadInput("the points of a rubric are numbers").at(f"rubric {i + 1}")
        points.append(Point(p["says"], groups, worth))
    return Rubric(points, text), {}


def read_prose(stated: Stated, text: str) -> Given:
    if not text.strip():
        raise BadInput("there is no answer")
    if len(text) > 20_000:
        raise BadInput(f"the answer has {len(text):,} characters; at most 20,000")
    return Given(text)


def same_prose(stated: Stated, value: str) -> Finding:
    """Never decided here: what was found of the rubric, each with the passage."""
    lines = []
    for point in stated.value:
        found = passage(point, value)
        lines.append(f"{'found' if found else 'not found'}: {point.says}" + (
            f" — “{found}”" if found else ""))  # fmt: skip
    head = "A person marks prose. "
    return Finding(None, head + "; ".join(lines) + ("." if lines else "What it says is the marker's to judge."))


def passage(point: Point, text: str) -> str:
    """The sentence that has each of a point's words, in one of their forms; or nothing."""
    if not point.shows:
        return ""
    sentences = [s.strip() for s in re.split(r"(?<=[.!?;])\s+|\n+", text) if s.strip()]
    windows = sentences + [f"{a} {b}" for a, b in zip(sentences, sentences[1:])]
    for window in windows:
        low = window.casefold()
        if all(any(w.casefold() in low for w in group) for group in point.shows):
            return window if len(window) <= 160 else window[:157] + "…"
    return ""


__all__ = ["Fraction", "key_tree"]
