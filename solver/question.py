"""A question as words: `shape conv --k 3` to (kind, given, format), without click.

Families and their usual kinds stand here, for the command line and for what completes it.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FAMILIES = (
    "shape", "count", "field", "fit", "run", "loss", "update", "backprop", "gradcheck",
    "knn", "logistic", "similarity", "regression",
    "boolean", "grid", "stopping", "code",
)  # fmt: skip
ALONE = ("grad", "jacobian", "hessian", "eval", "simplify")  # families of one kind: no second word
DEFAULTS = {  # `pset count vgg16`
    "shape": "net", "count": "table", "field": "net", "backprop": "net", "gradcheck": "net",
}  # fmt: skip


def plain_question(words: list[str]) -> tuple[str, dict[str, Any], str] | None:
    """(kind, given, format) of a well-formed question; None leaves it to click."""
    if len(words) < 2 or words[0] not in (*FAMILIES, *ALONE):
        return None
    if words[0] in FAMILIES and words[1].startswith("-") and words[:2] != ["run", "-"]:
        return None
    if any(w in ("--help", "-h") for w in words):
        return None
    from solver.aliases import ALIASES
    from solver.core import BadInput
    from solver.kinds import find

    words = expanded(words)
    if words[0] in ALONE:
        words = [words[0], "", *words[1:]]
    if runs_network(words):
        return None
    kind = find(f"{words[0]} {words[1]}")
    params = {p.name: p for p in kind.params}
    places = [p.name for p in kind.params if p.required and p.type in PLACES]
    given: dict[str, Any] = {}
    rest = iter(words[2:])
    for word in rest:
        if not word.startswith("--"):
            signed = word.startswith("-") and len(word) > 1
            if not places or signed and params[places[0]].type != "Text":
                return None
            place = places[0]
            if params[place].type == "Nets":  # several, one after the other
                given[place] = f"{given[place]}; {word}" if place in given else word
            else:
                given[places.pop(0)] = stdin_for(word)
            continue
        name, equals, value = word[2:].replace("-", "_").partition("=")
        value = word.partition("=")[2]
        if name.startswith("no_") and name[3:] in params:
            given[name[3:]] = False
            continue
        name = name if name in params else ALIASES.get(name, name)
        if name == "format" or name in params:
            if not equals and name in params and params[name].type == "bool":
                given[name] = True
                continue
            text = value if equals else next(rest, None)
            if text is None:
                return None
            if name in given:
                raise BadInput(f"{name} is given twice")
            given[name] = stdin_for(text)
        else:
            return None
    return kind.name, given, given.pop("format", "text")


def runs_network(words: list[str]) -> bool:
    """Whether this is `run NET`: what stands behind `run` is no kind of question."""
    from solver.kinds import names

    return words[0] == "run" and f"run {words[1]}" not in names("run")


PLACES = ("Net", "Nets", "Text")  # what may be given by place instead of by name


def expanded(words: list[str]) -> list[str]:
    """`count vgg16` as `count table vgg16`: a family's usual question may go unsaid."""
    family, name, *rest = words
    if family in DEFAULTS:
        from solver.kinds import names

        if f"{family} {name}" in names(family):
            return words
        from solver.networks.net import network

        net = name in network or any(c in name for c in ":/(")
        if net or family != "shape":
            return [family, DEFAULTS[family], name, *rest]
    return words


def stdin_for(word: str) -> str:
    """The word itself, or standard input for "-"."""
    return sys.stdin.read() if word == "-" else word


def answer_last(words: list[str]) -> list[str]:
    """The words of `check`, its answer behind a --: −log(ŷ) is no option, nor is --x."""
    if words[:1] != ["check"]:
        return words
    at, places = 1, 0
    while at < len(words):
        word = words[at]
        if word.partition("=")[0] in ("--format", "--variant", "--student", "--file"):
            at += 1 if "=" in word else 2
        elif word == "--run-code":
            at += 1
        elif word == "--" or (places < 2 and word.startswith("-")):
            break
        elif places == 2:
            return [*words[:at], *words[at + 1 :], "--", word]
        else:
            at, places = at + 1, places + 1
    return words
