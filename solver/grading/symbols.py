"""Answers in letters: gradients, losses and updates, read and compared with the right one.

A student may use any letter that the solution defines (a1 = tanh(z1), g = ∂L/∂w): where
an answer does not agree as it stands, what the letters stand for is put in on both sides.
Nothing is evaluated but our own trees, at small seeded sizes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from solver.core import BadInput, Step
from solver.expressions.like import read_like, steps
from solver.expressions.nodes import Expr, Sym, letters, subs, walk
from solver.expressions.points import is_real
from solver.expressions.series import Cases, Series
from solver.expressions.typed import Comm, Kron, Var
from solver.grading.cases import same_cases
from solver.grading.doubts import settled
from solver.values import has_dims, same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Letters = Mapping[str, Expr]

LONGEST, SMALL, MOST = 2000, 8, 20
SET = re.compile(r"\\(?:left|get|long)?arrow|\\leftarrow|\\gets|←|:=|<-|\\coloneqq")
EQUALS = re.compile(r"(?<![<>=:\\])=(?!=)|&=")
NAME = r"\\?[A-Za-zα-ωŷ][\wŷ]*(?:\s*_\s*(?:\{[^{}]*\}|\w))?'?"
LABEL = re.compile(
    rf"\s*(?:{NAME}|\\(?:hat|mathbf|bar|tilde)\s*\{{[^{{}}]*\}}(?:_\w|_\{{[^{{}}]*\}})?"
    r"|.*(?:∂|\\partial|\\nabla|∇|\bd\w*\s*/\s*d|\{\s*d\b|\{\s*d\s*\\).*"
    r"|(?:\\?(?:log|ln)\s*)?[A-Za-z]'?\s*\([^()=]*\))\s*"
)

DERIVATIVE = re.compile(
    r"\\[dt]?frac\s*\{\s*(?:\\partial|d|∂)\s*\w+\s*\}\s*\{\s*(?:\\partial|d|∂)([^{}]*(?:\{[^{}]*\})?)\}"
    r"|(?:∂|\bd)[A-Za-z]+\s*/\s*(?:∂|d)(\w+)"
)

MODULES = re.compile(r"\b(?:np|numpy|math|torch)\.(?=[A-Za-z])")
GIVEN_X = re.compile(r"\bp\s*(?:\\left)?\(\s*y\s*(?:\||\\mid|\\vert)\s*x\s*(?:\\right)?\)")
RESULT = re.compile(r"p|L|J|g|.*_new|dL_d.*")  # what a solution works towards: no answer by itself
LABELLED = re.compile(r"([^=:←<>]{1,80}?)\s*(:=|<-|=|:|←|\\leftarrow|\\gets)\s*(.+)$", re.S)

ONES = re.compile(r"(?:\bnp\.)?\bones\s*\(\s*[A-Za-z0-9]+(?:\s*,\s*1)?\s*\)")
TRANSPOSED = re.compile(r"\^\s*(?:T(?!\w)|\{\s*T\s*\})")
# At 0 itself this is 1, so it is not read as (a > 0).
AT_LEAST = re.compile(
    r"(?:\\?(?:mathbf|mathbb|mathds)?\{?\b1\}?\s*(?=[\[{]|\\[{\[]))?(?:\\left)?\\?[(\[{]\s*"
    r"([A-Za-z]\w*)\s*(?:>=|≥|\\geq?(?:slant)?)\s*0(?:\.0)?\s*(?:\\right)?\\?[)\]}]"
)

LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def symbolic(expected: Any) -> bool:
    """Whether an answer is an expression in real letters, columns or matrices."""
    if not isinstance(expected, Expr) or isinstance(expected, Cases):
        return False
    if any(isinstance(n, (Series, Cases)) for n in walk(expected)):
        return False
    return has_dims(expected) or is_real(expected)


def defined(lines: Sequence[Step]) -> Letters:
    """The letters of a solution: what each stands for, or itself."""

    found: dict[str, Expr] = {}
    todo = list(lines)
    while todo:
        step = todo.pop(0)
        todo[:0] = step.substeps
        if isinstance(step.of, (Var, Sym)) and isinstance(step.after, Expr):
            found.setdefault(step.of.name, step.after)
        for side in (step.of, step.after, step.before, step.formula):
            for n in walk(side) if isinstance(side, Expr) else ():
                if isinstance(n, Var) and n.name not in found:
                    found[n.name] = n
    return found


def read_members(expected: Expr, text: str, known: Letters) -> list[Expr]:
    """The members of a = b = c, a name on the left taken off. Raises BadInput."""
    if len(text) > LONGEST:
        raise BadInput(f"the answer has {len(text):,} characters; at most {LONGEST:,}")
    text = re.sub(r"\\[\[\]()](?!\w)|\$", " ", text).replace("&=", "=")
    text = MODULES.sub("", text)
    if "p" in known:
        text = GIVEN_X.sub(" p ", text)
    text = SET.split(text)[-1].strip().rstrip(".,;").strip()
    text = AT_LEAST.sub(r" (1 - step(-(\1)))", text)
    text = steps(text, {n.name for n in walk(expected) if isinstance(n, Sym)} | set(known))
    pieces = [p for p in EQUALS.split(text) if p.strip()]
    if len(pieces) > 1 and LABEL.fullmatch(pieces[0]):
        pieces = pieces[1:]
    if not pieces:
        raise BadInput("there is no answer")
    if len(pieces) > MOST:
        raise BadInput(f"the chain has {len(pieces)} members; at most {MOST} are read")
    plain = allowed(known)
    *links, last = [p.strip() for p in pieces]
    between = [member(expected, derivatives(p, known), known) for p in links]
    return [*between, member(expected, last, plain)]


def after_label(piece: str, name: str) -> str:
    """What stands behind `W1 =`, `dW1:`, `∂L/∂W_1 =`, `\\frac{\\partial L}{\\partial W_1} =`."""
    m = LABELLED.match(piece.translate(LOWERED))
    if not m:
        return ""
    left, _, rest = m.groups()
    bare = re.sub(r"\\[A-Za-z]*frac|\\partial|[\\{}\s_∂'/]", "", left)
    name = name.replace("_", "")
    found = re.fullmatch(rf"(?:d?(?:L|Loss|F|l|ell))?d?{re.escape(name)}", bare)
    return rest.strip() if found else ""


def allowed(known: Letters) -> Letters:
    """The letters in which an answer may be given: not those that it is asked for."""
    return {k: v for k, v in known.items() if not RESULT.fullmatch(k)}


def derivatives(text: str, known: Letters) -> str:
    """∂L/∂z_2 as the letter that the solution's lines give it, in the middle of a chain."""

    def letter(m: re.Match[str]) -> str:
        name = re.sub(r"[\s{}_\\]", "", m[1] or m[2])
        names = {k.replace("_", ""): k for k in known}
        return f" {names.get('dLd' + name, m[0])} "

    return DERIVATIVE.sub(letter, text)


def member(expected: Expr, text: str, known: Letters) -> Expr:
    """One expression, of the right one's shape where it can be."""
    if not has_dims(expected):
        return read_like(expected, text, known)
    try:
        found = entrywise(expected, text, known, True)
    except BadInput:
        found = entrywise(expected, text, known, False)
    if any(isinstance(n, (Kron, Comm)) for n in walk(found)):
        if not any(isinstance(n, (Kron, Comm)) for n in walk(expected)):
            raise BadInput("Kronecker products are not read in this answer")
    return found


def entrywise(expected: Expr, text: str, known: Letters, shaped: bool) -> Expr:
    """The tree of a text in which a * between two rows, say, is meant entry by entry."""
    named = {v.args[0]: v for v in walk(expected) if isinstance(v, Var)} | dict(known)
    if "ones" not in named:  # a column of ones, as long as it has to be
        text = ONES.sub(" vector(1)", text)
    if "T" in named and named["T"].args[1:3] != (1, 1):  # no power by a matrix: Hᵀ
        text = TRANSPOSED.sub("'", text)
    for _ in range(12):
        try:
            return read_like(expected, text, known, shaped)
        except BadInput as e:
            at = e.offset
            if text == e.text and "not a row" in e.message and text[at : at + 5] == "diag(":
                end = closed(text, at + 4)
                text = f"{text[: at + 4]}(({text[at + 5 : end]})'){text[end + 1 :]}"
                continue
            product = text == e.text and text[at : at + 1] == "*" and text[at - 1] != "."
            if not product or "side" not in e.message:
                raise
            text = f"{text[:at]}.{text[at:]}"
    raise BadInput("too many products do not fit: write .* for entry by entry")


def closed(text: str, start: int) -> int:
    """Where the bracket that opens at `start` is closed, or the end."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i
    return len(text)


def agree(right: Any, given: Any, known: Letters) -> tuple[bool | None, str]:
    """Whether an answer is the right one, as it stands or with its letters put in; a remark."""
    if not isinstance(right, Expr) or not isinstance(given, Expr):
        return same(right, given), ""
    if isinstance(right, Cases):
        return same_cases(right, given), ""
    typed = has_dims(right) or has_dims(given)
    from solver.expressions.rebuild import small

    change = (lambda e: small(e, SMALL)) if typed else lambda e: e
    pair = [change(right), change(given)]
    found = same(*pair)
    if not found and known and symbolic(right):
        whole = [change(put_in(e, known)) for e in (right, given)]
        if whole != [right, given]:
            pair, found = whole, same(*whole)
    if found and symbolic(right):
        return settled(*pair)
    return found, ""


def put_in(e: Expr, known: Letters) -> Expr:
    """The tree with each letter replaced by what it stands for, through to the end."""
    if has_dims(e):
        return matrices(e, known, ())
    for _ in known:
        put = {s.name: known[s.name] for s in letters(e) if s.name in known}
        put = {k: v for k, v in put.items() if not any(s.name == k for s in letters(v))}
        if not put:
            break
        e = subs(e, put)
    return e


def matrices(e: Expr, known: Letters, above: tuple[str, ...]) -> Expr:
    """The same for columns and matrices."""
    from solver.expressions.rebuild import rebuild

    if isinstance(e, Var):
        value = known.get(e.name, e)
        if isinstance(value, Var) or e.name in above:
            return value if isinstance(value, Var) and value.args[1:3] == e.args[1:3] else e
        return matrices(value, known, (*above, e.name))
    args = tuple(matrices(a, known, above) if isinstance(a, Expr) else a for a in e.args)
    return e if args == e.args else rebuild(e, args)
