"""Kinds of question. A kind is a function from what is given to an Answer.

Its signature is the schema of `given` everywhere: TOML, batch lines, the command line.
The first word of its name is its family, which is a module here and a group of commands.
`shape <layer>` and the mistakes are registered the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field as entry  # solver.kinds.field is a module
from functools import lru_cache

from solver.core import Answer, BadInput, CheckFailed, Mistake, Problem, verified
from solver.given import Param, read_given, signature
from solver.registry import Registry, first_line, load, unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# family -> what its questions are about; each is the module solver.kinds.<family>
FAMILIES = {
    "shape": "Output shapes of layers and networks.",
    "count": "Parameters, multiply-adds, FLOPs, activations, memory, connections.",
    "field": "Receptive fields, with stride and offset.",
    "fit": "Inverse questions: which padding, stride, kernel or stack gives a size.",
    "run": "Layers worked by hand on given numbers; and run NET, a network on an input.",
    "loss": "Losses derived from their model, with their derivatives.",
    "update": "Update rules of the optimisers, and their steps on numbers.",
    "backprop": "Networks and layers worked backward, step by step.",
    "boolean": "Boolean functions as ReLU networks: built, checked, proved impossible.",
    "grid": "Grids of hyperparameters: their points, and how many configurations.",
    "gradcheck": "Gradients held against difference quotients, as in a gradient check.",
    "knn": "Nearest neighbours: distances, who is near, what they vote for.",
    "logistic": "Logistic regression: probabilities, and where they cross a threshold.",
    "similarity": "Cosine similarities and the pseudolabels that follow from them.",
    "regression": "Polynomial fits: leave-one-out errors, bias and variance.",
    "stopping": "Early stopping: patience and the generalisation loss, on a curve.",
    "grad": "Gradients of scalars by scalars, columns and matrices.",
    "jacobian": "Derivatives of columns and matrices.",
    "hessian": "Second derivatives of scalars.",
    "eval": "Values of expressions at numbers.",
    "simplify": "Short forms of expressions.",
    "code": "Functions to write in NumPy, run against the backend's.",
    "values": "Several questions answered together.",
    "answer": "Answers that their author states: numbers, sets, expressions, prose.",
}

MODULES = {
    "count": ("count", "count_tables", "count_units"),
    "loss": ("loss", "loss_regression", "loss_margins", "loss_logs"),
    "update": (
        "update", "update_adaptive", "update_counts", "update_unit", "update_kernel",
        "update_gradients",
    ),
    "backprop": (
        "backprop", "backprop_zeros", "backprop_algorithm", "backprop_layers",
        "backprop_pool", "backprop_pointwise", "backprop_softmax", "backprop_norms",
        "backprop_forward", "backprop_single",
    ),
    "regression": ("regression", "regression_bias"),
    "run": ("run", "run_norms", "run_epsilon", "run_images"),
    "gradcheck": ("gradcheck", "gradcheck_numbers", "gradcheck_difference"),
    "grad": ("derivative",),
    "jacobian": ("derivative",),
    "hessian": ("derivative",),
    "eval": ("expression",),
    "simplify": ("expression",),
}  # where a family is not one module of its name


# the modules of wrong solvers: solver.kinds.mistakes_<name>
MISTAKES = (
    "shapes", "counts", "losses", "updates", "backprop", "layers",
    "networks", "expressions", "learning", "boolean", "budgets",
    "norms", "stopping",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Kind:
    """A kind of question: its name, schema and solver."""

    name: str
    doc: str
    params: tuple[Param, ...]
    function: Callable[..., Answer]
    example: str = ""
    fixed: Mapping[str, Any] = entry(default_factory=dict)
    root: str = ""  # the kind that this is another name of: shape conv for shape conv2d

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Raw values as this kind's parameters want them; what is missing is named."""
        found = read_given(self.params, given, self.name)
        missing = [p.name for p in self.params if p.required and p.name not in found]
        if missing:
            hint = f", as in: pset {self.name} {self.example}" if self.example else ""
            raise BadInput(f"{self.name} needs {' and '.join(missing)}{hint}")
        return found


REMEMBERED = 4096  # problems whose answers are kept: more than a set has parts and variants
_kinds = Registry("kind")
_mistakes: dict[str, list[tuple[str, str, Callable[..., Any]]]] = {}


def kind(name: str, example: str = "", params: Sequence[Param] | None = None) -> Any:
    """Register a solver: `@kind("fit conv", "--in 64 --out 32 --k 3")`."""

    def register(function: Callable[..., Answer]) -> Callable[..., Answer]:
        schema = tuple(params) if params is not None else signature(function)
        _kinds(name)(Kind(name, first_line(function), schema, function, example))
        return function

    return register


def mistake(*names: str) -> Any:
    """Register a wrong solver for kinds ("shape conv") or a family ("count *").

    Same arguments as the kind, and `right`, the right value, if it asks for it; the
    docstring's first line is the feedback. It returns the wrong value, or None where the
    mistake cannot be made. A family's mistakes are slips: they stand back where one of the
    kind itself gives the same value.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            _mistakes.setdefault(name, []).append(
                (function.__name__, first_line(function), function)
            )
        return function

    return register


def find(name: str) -> Kind:
    """The kind of this name, its family's module loaded; BadInput with the nearest names."""
    if not isinstance(name, str):
        raise BadInput(f"a kind is named by text such as 'shape conv', not {name!r:.40}")
    name = " ".join(name.split())
    family, _, rest = name.partition(" ")
    if family not in FAMILIES:
        raise unknown("kind", name, [*FAMILIES, *(n for n in names() if n not in FAMILIES)])
    module = loaded(family)
    if name not in _kinds and hasattr(module, "resolve"):
        made = module.resolve(rest)
        if made is not None:
            return made
    if name not in _kinds:
        raise unknown("kind", name, names(family))
    return _kinds[name]


def loaded(family: str) -> Any:
    """A family's module, all its kinds registered."""
    return [load(f"solver.kinds.{m}") for m in MODULES.get(family, (family,))][0]


def names(family: str = "") -> list[str]:
    """The names of all kinds, or of one family's."""
    found = []
    for each in [family] if family else FAMILIES:
        module = loaded(each)
        found += [n for n in _kinds.names() if n.split()[0] == each]
        found += [f"{each} {n}" for n in getattr(module, "OFFERED", ())]
    return list(dict.fromkeys(found))


def solve(problem: Problem | str, /, **given: Any) -> Answer:
    """The answer to a problem, every step and check of it verified.

    `solve("shape conv", input="3x32x32", kernel=3)` or `solve(Problem(…))`. Raises
    BadInput for what cannot be asked, CheckFailed if anything does not hold.
    """
    if isinstance(problem, Problem):
        return answered(problem)
    return worked(Problem(problem, given))


@lru_cache(maxsize=REMEMBERED)
def answered(problem: Problem) -> Answer:
    """The answer to this very problem, worked out once however many documents show it."""
    return worked(problem)


def worked(problem: Problem) -> Answer:
    """The answer, every step and check of it verified."""
    from solver.values import same

    found = find(problem.kind)
    try:
        return verified(found.function(**found.read(problem.given)), same_or_fail(same))
    except CheckFailed as e:
        size = far_off(problem.given)
        if not size:
            raise
        raise CheckFailed(
            f"{e}. With numbers such as {size} rounding may hide what would prove it: give "
            "numbers between 10⁻⁶ and 10⁶ in size"
        ) from e
    except RecursionError:
        raise BadInput("this is nested too deeply to be answered") from None
    except (OverflowError, ZeroDivisionError) as e:
        raise BadInput(f"the numbers given lead out of arithmetic: {e}") from None
    except ValueError as e:
        if isinstance(e, BadInput) or not any(said in str(e) for said in BEYOND):
            raise
        said = next(words for known, words in BEYOND.items() if known in str(e))
        raise BadInput(f"the numbers given {said}") from None


# what Python says of a value that is beyond it, and what we do
BEYOND = {
    "integer string conversion": "grow beyond 4300 digits",
    "math domain error": "lead to a root or a logarithm of a negative number, or of 0",
}
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])")


def far_off(given: Any) -> str:
    """A number among those given that is too large or too small for the proofs in floats:
    beyond 10⁶, or nearer to 0 than 10⁻⁶."""
    for text in NUMBER.findall(str(given)):
        with suppress(OverflowError):
            if float(text) > 1e6 or 0 < float(text) < 1e-6:
                return str(text)
    return ""


def same_or_fail(same: Callable[[Any, Any], bool | None]) -> Callable[[Any, Any], bool]:
    """A comparison in which "cannot say" counts as a failure: a step must be known to hold."""
    return lambda a, b: same(a, b) is True


@lru_cache(maxsize=REMEMBERED)
def mistakes(problem: Problem) -> list[Mistake]:
    """What students get wrong here: the problem's own, then those of its kind, computed.

    A mistake whose value equals the right one is left out; two that give the same value
    become one, which says both.
    """
    from solver.values import same

    right = solve(problem).value
    listed = [read_mistake(one, right) for one in problem.mistakes]
    for one in listed:
        if same(one.value, right) is True:
            raise BadInput(f"the mistake “{one.feedback[:40]}” has the right answer's value")
    found = [*listed, *computed_mistakes(problem, right), *entry_mistakes(problem)]
    found += getattr(right, "mistakes", list)()  # a function to write has versions of its own
    kept: list[Mistake] = []
    for one in found:
        twin = next((o for o in kept if same(one.value, o.value) is True), None)
        if twin is None:
            kept.append(one)
        elif one.name not in twin.name.split(" or "):  # the value cannot tell them apart: say both
            both = Mistake(f"{twin.name} or {one.name}".removeprefix(" or "), one.value,
                           f"{twin.feedback} Or: {one.feedback}")  # fmt: skip
            kept[kept.index(twin)] = both
    return kept


def read_mistake(one: Mistake, right: Any) -> Mistake:
    """A listed mistake in the form of the right answer: text is read in its letters, and
    sizes in a row are a list where that is one."""
    from solver.expressions.like import read_like
    from solver.expressions.nodes import Expr
    from solver.values import Listing, Record, Shape

    def value(wrong: Any, right: Any) -> Any:
        if isinstance(wrong, str) and isinstance(right, Expr):
            return read_like(right, wrong)
        if isinstance(wrong, Shape) and isinstance(right, Listing):
            return Listing(wrong)
        if isinstance(wrong, Mapping) and isinstance(right, Mapping):
            return Record({k: value(v, right.get(k)) for k, v in wrong.items()})
        return wrong

    try:
        return Mistake(one.name, value(one.value, right), one.feedback)
    except BadInput as e:
        raise e.at(f"the mistake “{one.feedback[:40]}”") from None


def computed_mistakes(problem: Problem, right: Any) -> Iterator[Mistake]:
    """The wrong solvers of a problem's kind and family, run on what is given."""
    from solver.values import same

    for module in MISTAKES:
        load(f"solver.kinds.mistakes_{module}")
    known = find(problem.kind)
    family = known.name.split()[0]
    given = {**known.fixed, **known.read(problem.given), "right": right}
    mine = _mistakes.get(known.root or known.name, [])
    slips = _mistakes.get(f"{family} *", [])  # which explain less than a misconception does
    met = [one.value for one in problem.mistakes]
    for name, feedback, function in [*mine, *slips]:
        code = function.__code__
        names_ = code.co_varnames[: code.co_argcount]
        passed = given if code.co_flags & 0x08 else {k: v for k, v in given.items() if k in names_}
        if "right" not in names_:
            passed = {k: v for k, v in passed.items() if k != "right"}
        try:
            value = function(**passed)
        except (BadInput, ZeroDivisionError):
            continue  # the mistake cannot be made with these inputs
        value = wrong_part(value, right)
        explained = function in (f for _, _, f in slips) and any(same(value, v) for v in met)
        if value is not None and not explained:
            met.append(value)
            yield Mistake(name, value, feedback)


def wrong_part(value: Any, right: Any) -> Any:
    """What of a wrong solver's value is known to be wrong; None if nothing is.

    Of a mistake about some of several values, those that it leaves right are no part.
    """
    from solver.values import Record, same

    some = isinstance(value, Mapping) and isinstance(right, Mapping) and len(value) < len(right)
    if not some:
        return value if value is not None and same(value, right) is False else None
    kept = {k: v for k, v in value.items() if same(v, right.get(k)) is not True}
    wrong = bool(kept) and all(same(v, right.get(k)) is False for k, v in kept.items())
    return Record(kept) if wrong else None


def entry_mistakes(problem: Problem) -> Iterator[Mistake]:
    """Mistakes about one entry of a problem that asks for several: a record of that entry."""
    from solver.values import Record, same

    if problem.kind == "count layer":
        rest = {k: v for k, v in problem.given.items() if k not in ("ask", "layer")}
        asked = find(problem.kind).read(problem.given).get("ask", ("shape", "weights", "params"))
        name = problem.given.get("layer")
        for what in asked:
            if what in ("params", "macs", "flops", "activations"):
                given = {**rest, **({"layer": [name]} if name else {})}
                part = Problem(f"count {what}", given)
                for m in computed_mistakes(part, solve(part).value):
                    yield Mistake(m.name, Record({what: m.value}), m.feedback)
    elif problem.kind == "values":
        for name, spec in problem.given["parts"].items():
            if not isinstance(spec, Mapping):
                continue
            entry = spec.get("entry")
            given = {k: v for k, v in spec.items() if k not in ("kind", "entry")}
            part = Problem(spec["kind"], given)
            value = solve(part).value
            for m in computed_mistakes(part, value):
                if entry is None:
                    yield Mistake(m.name, Record({name: m.value}), m.feedback)
                elif isinstance(m.value, Mapping) and entry in m.value:  # of a named entry
                    if same(m.value[entry], value.get(entry)) is False:
                        yield Mistake(m.name, Record({name: m.value[entry]}), m.feedback)


__all__ = [
    "FAMILIES", "CheckFailed", "Kind", "find", "kind", "mistake", "mistakes", "names",
    "solve",
]  # fmt: skip
