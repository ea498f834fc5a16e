"""Networks written as equations: `z = x*W + b; a = tanh(z); L = sum(…)`, typed and put together.

Each line defines one name from those before it; what is never defined is a leaf. Vectors
are rows or columns; a bias stands for itself in every sample of a batch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from solver.calculus.declare import declared
from solver.calculus.flow import VECTORS, Flow, inferred
from solver.calculus.letters import LABEL, LOSS
from solver.core import BadInput
from solver.expressions import matrix as m
from solver.expressions.latex_reader import Reader
from solver.expressions.matrix import Var, a_type
from solver.expressions.nodes import Expr, walk
from solver.expressions.rebuild import put
from solver.expressions.typed import as_declared, full
from solver.expressions.typeset_forms import key
from solver.expressions.unify import FUNCTIONS, build
from solver.registry import unknown

LONGEST, MOST = 5000, 40
PROBABILITIES = {"prob", "rowprob", "colprob", "onehot"}
WORDS = {*FUNCTIONS, "vector", "matrix", "eye", "ln", "max", "min"}
NAME = re.compile(r"(?<![\w\\.])[A-Za-z]\w*")
DRESS = re.compile(r"\\(?:mathbf|mathrm|boldsymbol|bm|vec|mathit|text)\s*\{([^{}]*)\}")


@dataclass(frozen=True)
class Equation:
    """One line: what is defined, and from what."""

    var: Var
    rhs: Expr


@dataclass(frozen=True)
class Equations:
    """The lines in order, the leaves, and what was assumed of undeclared letters."""

    lines: tuple[Equation, ...]
    leaves: tuple[Var, ...]
    assumed: tuple[str, ...] = ()
    vectors: str = "rows"

    @property
    def last(self) -> Equation:
        return self.lines[-1]

    def find(self, name: str) -> Var:
        """The variable of this name, a line's or a leaf; BadInput with the nearest."""
        known = {key(v.name): v for v in (*(e.var for e in self.lines), *self.leaves)}
        if key(name) not in known:
            raise unknown("variable of the network", name, [v.name for v in known.values()])
        return known[key(name)]

    def inlined(self, e: Expr, kept: str = "") -> Expr:
        """The tree with every defined name put in, but for `kept`, which stays a letter."""
        values: dict[Expr, Expr] = {}
        for line in self.lines:
            if line.var.name != kept:
                values[line.var] = put(line.rhs, values)
        return put(e, values)

    def named(self, e: Expr) -> Expr:
        """The tree with the names of the lines in place of what they stand for."""
        for line in reversed(self.lines):
            if not isinstance(line.rhs, Var):
                e = put(e, {line.rhs: line.var})
        return e


# -- reading ------------------------------------------------------------------------------


def read(text: str, where: Any = None, vectors: str = "") -> Equations:
    """The typed equations of a text, its lines separated by ; or new lines.

    where declares leaves, as for a gradient. What is not declared is read by its name: a
    capital is a matrix, a small letter a row or a column (`vectors`; by what fits, if it
    is not said), or a scalar where that alone fits; without any matrix all are scalars.
    Raises BadInput with a caret.
    """
    if vectors and vectors not in VECTORS:
        raise unknown("convention for vectors", vectors, list(VECTORS))
    lines = split(text)
    known, flags = declared(where)
    sizes = {d for shape in known.values() for d in shape if isinstance(d, str)}
    defined: list[str] = []
    open_: dict[str, None] = {}
    for name, rhs in lines:
        if name in defined or name in known:
            what = "defined twice" if name in defined else "declared, so it cannot be defined"
            raise BadInput(f"{name} is {what}", text=text, offset=max(text.find(rhs), 0))
        for word in used(rhs):
            if word not in defined and word not in known and word not in sizes:
                open_[word] = None
        defined.append(name)
    for name in [n for n in open_ if n in defined]:
        raise BadInput(f"{name} is used before the line that defines it")
    for name in open_:
        if re.fullmatch(r"[A-Z][A-Za-z]", name):
            raise BadInput(f"{name} is one name here: write {name[0]}*{name[1]}, or declare {name}")
    whole, vectors = inferred(lines, known, list(open_), vectors)
    found = built(lines, whole, flags, vectors)
    end = found[-1].var
    if LOSS.fullmatch(end.name) and m.dims(end) != (1, 1):
        raise BadInput(f"{end.name} is {a_type(m.dims(end))}: a loss is a scalar. Take another "
                       "name for a last line that is handed its gradient from above")  # fmt: skip
    labels = {n: f for line in found for n, f in probabilities(line.rhs, vectors) if n in open_}
    if labels:
        flags = {**flags, **labels}
        found = built(lines, whole, flags, vectors)
    met = dict.fromkeys(w for _, rhs in lines for w in used(rhs) if w in whole)
    shapes = {n: full(whole[n]) for n in met}
    leaves = tuple(Var(n, d[0], d[1], flags.get(n, ())) for n, d in shapes.items())
    assumed = tuple(
        f"{v.name} is {a_type(m.dims(v))}{told(v)}" for v in leaves if v.name in open_
    )
    return Equations(tuple(found), leaves, assumed, vectors)


def built(
    lines: Sequence[tuple[str, str]],
    whole: Mapping[str, Any],
    flags: Mapping[str, Any],
    vectors: str,
) -> list[Equation]:
    """The typed lines, once all leaves have dims."""
    found = []
    shapes, marks = dict(whole), dict(flags)
    for name, rhs in lines:
        tree = typed(rhs, shapes, marks, vectors)
        var = Var(name, *m.dims(tree), worth(tree))
        shapes[name] = as_declared(m.dims(tree))
        marks[name] = var.flags
        found.append(Equation(var, tree))
    return found


def probabilities(rhs: Expr, vectors: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The labels of a cross-entropy, y in Σ y ⊙ ln(softmax z): they add up to 1."""
    for node in walk(rhs):
        if not isinstance(node, m.Had):
            continue
        for y in node.args:
            others = [n for a in node.args if a != y for n in walk(a)]
            plain = len(node.args) == 2 or LABEL.fullmatch(getattr(y, "name", ""))
            if isinstance(y, Var) and plain and any(map(is_log_softmax, others)):
                column = m.dims(y)[1] == 1
                by_rows = m.dims(y)[0] == 1 or vectors == "rows"
                yield y.name, ("prob" if column else "rowprob" if by_rows else "colprob",)


def is_log_softmax(e: Expr) -> bool:
    """Whether a node is the logarithm of a softmax: ln p, or z − ln Σ eᶻ."""
    if not isinstance(e, m.Fn):
        return False
    if e.name in ("logsumexp", "rowlogsumexp"):
        return True
    return e.name == "log" and isinstance(e.arg, Var) and bool(e.arg.flags & PROBABILITIES)


def told_labels(v: Var) -> str:
    """What is assumed of labels, as a sentence."""
    if 1 in m.dims(v):
        return f"{v.name} holds labels, which add up to 1"
    side = "columns" if "colprob" in v.flags else "rows"
    return f"the {side} of {v.name} hold labels, which add up to 1"


def told(v: Var) -> str:
    """What is assumed of labels."""
    if "rowprob" in v.flags and m.dims(v)[0] != 1:
        return " whose rows add up to 1 (labels)"
    if "colprob" in v.flags:
        return " whose columns add up to 1 (labels)"
    return " that adds up to 1 (labels)" if v.flags & PROBABILITIES else ""


def split(text: str) -> list[tuple[str, str]]:
    """(name, right side) of each line."""
    if len(text) > LONGEST:
        raise BadInput(f"the equations have {len(text):,} characters; at most {LONGEST:,}")
    pieces = [p.strip() for p in re.split(r"[;\n]|\\\\", text) if p.strip()]
    if not pieces:
        raise BadInput("there are no equations: write z = x*W + b; L = …")
    if len(pieces) > MOST:
        raise BadInput(f"there are {len(pieces)} equations; at most {MOST}")
    found = []
    for piece in pieces:
        left, sign, right = (s.strip() for s in re.sub(r":=|←|<-", "=", piece).partition("="))
        bare = undressed(left).strip()
        name = left if re.fullmatch(r"[A-Za-z]\w{0,20}", left) else key(bare)
        if not sign or not right or not re.fullmatch(r"[A-Za-z]\w{0,20}", name):
            raise BadInput("each equation is: name = expression", text=piece, offset=0)
        if name in WORDS:
            raise BadInput(f"{name} is a function: take another name", text=piece, offset=0)
        found.append((name, right))
    return found


def used(rhs: str) -> list[str]:
    """The names in a right side, functions left out; LaTeX's by their plain spelling."""
    plain = re.sub(r"\^\s*\{?\s*(?:T\b|\\top)\s*\}?", "'", rhs)
    plain = undressed(plain)
    plain = re.sub(r"\\(hat|bar|tilde)\s*\{?([A-Za-z])\}?", r"\2\1", plain)
    plain = re.sub(r"_\{(\w+)\}", r"_\1", plain)
    for index in re.findall(r"(?:\\sum|Σ|∑)\s*_\s*\{?\s*([a-z])", plain):
        plain = re.sub(rf"_{index}\b", "", plain)  # y_k is an entry of y
    words = [w for w in NAME.findall(plain) if w not in WORDS and w not in ("e", "I")]
    return list(dict.fromkeys(words))


def undressed(text: str) -> str:
    """LaTeX without its fonts, letters that stood side by side kept apart."""
    while found := DRESS.search(text):
        tail = text[found.end() :]
        gap = "" if tail[:1] in ("_", "^", "'", "}", "") else " "
        text = text[: found.start()] + found[1] + gap + tail
    return text


def typed(rhs: str, dims: Mapping[str, Any], flags: Mapping[str, Any], vectors: str) -> Expr:
    """The typed tree of one right side whose names all have dims."""
    try:
        reader = Reader(rhs, dims, flags)
        node = reader.whole()
        Flow(rhs, dims, vectors).check(node)
        return build(node, reader)
    except (RecursionError, ArithmeticError) as e:
        raise BadInput("the expression is too long or too deep to be read") from e


def worth(rhs: Expr) -> tuple[str, ...]:
    """What is known of a name from the function that defines it."""
    inner = rhs.args[0] if isinstance(rhs, m.T) else rhs
    if isinstance(inner, m.Fn) and inner is not rhs:
        return {"softmax": ("prob",), "rowsoftmax": ("colprob",)}.get(inner.name, ())
    if isinstance(rhs, m.Fn):
        return {
            "softmax": ("prob",),
            "rowsoftmax": ("rowprob",),
            "sigmoid": ("probability",),
            "exp": ("positive",),
            "softplus": ("positive",),
        }.get(rhs.name, ())
    return ()
