"""What reading a student's function shows, without running it.

The text is parsed by ast and symtable, which execute nothing, once `bounded` has made sure
that it is not nested beyond what a parser stands. Lines are counted from 1, in the text
that `bare` leaves of an answer.
"""

from __future__ import annotations

import ast
import builtins
import io
import re
import symtable
import textwrap
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from solver.core import BadInput
from solver.telling import listed

LONGEST = 20_000  # characters
LINES = 600
BRACKETS, INDENTS, TOKENS, BRANCHES = (
    30,
    20,
    600,
    60,
)  # depths, and tokens of one statement
IMPORTS = ("numpy", "math", "typing", "__future__")  # what a sandbox has, and needs
GIVEN = ("np", "numpy")  # names that stand for NumPy without an import
IMPLIED = ("__name__", "__doc__", "__file__")
FENCE = re.compile(r"\A\s*(?:```|~~~)[^\n]*\n(.*?)\n?\s*(?:```|~~~)\s*\Z", re.S)
LATEX = re.compile(
    r"\A\s*\\begin\{(verbatim|lstlisting|minted)\}(?:\[[^\]\n]*\])?(?:\{\w+\})?[^\S\n]*\n"
    r"(.*?)\n?\s*\\end\{\1\}\s*\Z",
    re.S,
)
QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "−": "-", "\u00a0": " "}
)


@dataclass(frozen=True)
class Note:
    """Something that reading shows: its kind, the line it is about (0: none), and words."""

    kind: str  # undefined | unused | import | signature | renamed
    line: int
    name: str
    says: str


@dataclass(frozen=True)
class Reading:
    """A student's text that is Python: the function asked for, and what is seen of it."""

    source: str
    function: str  # the name that it has there
    arguments: tuple[str, ...]
    by_name: bool  # whether it is called with names, for its arguments stand in another order
    notes: tuple[Note, ...]

    def names(self, kind: str) -> tuple[str, ...]:
        """The names that notes of a kind are about."""
        return tuple(n.name for n in self.notes if n.kind == kind)

    def said(self, without: str = "") -> str:
        """What reading shows, but for one kind, in sentences; unused arguments in one."""
        idle = self.names("unused")
        said = [
            n.says
            for n in self.notes
            if n.kind != without and (n.kind != "unused" or len(idle) == 1)
        ]
        if len(idle) > 1:
            said.append(f"The arguments {listed(idle)} are not used.")
        return " ".join(said)


def bare(text: str) -> str:
    """The code alone: fences, a LaTeX verbatim and what all lines are indented by are off."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found = FENCE.match(text) or LATEX.match(text)
    if found:
        text = found[found.lastindex or 1]
    return textwrap.dedent(text.expandtabs()).strip("\n") + "\n"


def read(text: str, function: str, arguments: Sequence[str]) -> Reading:
    """What the text shows of the function that is asked for. Raises BadInput if it is no
    Python, or has no such function."""
    source = bare(text)
    bounded(source)
    try:
        tree, table = parsed(source)
    except SyntaxError as first:
        source = source.translate(QUOTES)  # a word processor's
        try:
            tree, table = parsed(source)
        except SyntaxError:
            raise unread(first) from None
    found = asked_for(tree, function)
    own = tuple(a.arg for a in (*found.args.posonlyargs, *found.args.args))
    by_name = own != tuple(arguments) and sorted(own) == sorted(arguments)
    notes = [
        *undefined(tree, table),
        *imports(tree),
        *renamed(found, function),
        *signature(found, own, arguments),
        *unused(found),
    ]
    return Reading(source, found.name, own, by_name, tuple(notes))


def parsed(source: str) -> tuple[ast.Module, symtable.SymbolTable]:
    """The tree and the scopes of a text. Raises SyntaxError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # "\d" is an invalid escape: none of our business
            return ast.parse(source), symtable.symtable(source, "answer.py", "exec")
    except (ValueError, OverflowError) as e:
        raise SyntaxError(str(e)) from None
    except (RecursionError, MemoryError):
        raise BadInput("the code is nested too deeply") from None


def unread(e: SyntaxError) -> BadInput:
    """A syntax error with its line, and a caret under the place."""
    line = (e.text or "").rstrip("\n")
    said = f"line {e.lineno}: {e.msg}" if e.lineno else f"this is no Python: {e.msg}"
    return BadInput(said, text=line, offset=max(0, (e.offset or 1) - 1) if line else -1)


# -- what may be parsed -------------------------------------------------------------------


def bounded(source: str) -> None:
    """Refuse a text whose size or depth a parser may not stand. Raises BadInput."""
    if len(source) > LONGEST:
        raise BadInput(f"the code has {len(source):,} characters; at most {LONGEST:,}")
    if not source.strip():
        raise BadInput("there is no code")
    if "\0" in source:
        raise BadInput("the code holds a character 0")
    lines = source.count("\n")
    if lines > LINES:
        raise BadInput(f"the code has {lines} lines; at most {LINES}")
    depth = indents = tokens = branches = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.NEWLINE:
                tokens = 0
            elif token.type == tokenize.INDENT:
                indents += 1
            elif token.type == tokenize.DEDENT:
                indents -= 1
            elif token.type == tokenize.OP and token.string in "([{":
                depth += 1
            elif token.type == tokenize.OP and token.string in ")]}":
                depth -= 1
            tokens += token.type not in (tokenize.NL, tokenize.COMMENT)
            branches += token.string == "elif"
            within(depth, indents, tokens, branches, token.start[0])
    except (tokenize.TokenError, SyntaxError):
        return  # the parser stops there as well, and says why
    except RecursionError:
        raise BadInput("the code is nested too deeply") from None


def within(depth: int, indents: int, tokens: int, branches: int, line: int) -> None:
    """Refuse what goes beyond the bounds."""
    for count, most, what in (
        (depth, BRACKETS, "brackets inside each other"),
        (indents, INDENTS, "levels of indentation"),
        (tokens, TOKENS, "tokens in one statement"),
        (branches, BRANCHES, "elifs"),
    ):
        if count > most:
            raise BadInput(f"line {line}: more than {most} {what} are not read")


# -- what is seen -------------------------------------------------------------------------


def asked_for(tree: ast.Module, name: str) -> ast.FunctionDef:
    """The function of this name, or the only one there is. Raises BadInput."""
    there = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    named = [n for n in there if n.name == name]
    if named:
        return named[-1]  # the last is the one that a call finds
    if len(there) == 1:
        return there[0]
    others = f"; there are {', '.join(n.name for n in there[:6])}" if there else ""
    raise BadInput(f"there is no function {name} at the outermost level{others}")


def undefined(tree: ast.Module, table: symtable.SymbolTable) -> Iterator[Note]:
    """Names that are read and that nothing defines: calling what reads them fails."""
    if any(
        a.name == "*"
        for n in ast.walk(tree)
        if isinstance(n, ast.ImportFrom)
        for a in n.names
    ):
        return
    known = {*dir(builtins), *GIVEN, *IMPLIED}
    known |= {
        s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()
    }
    known |= {
        n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))
    }
    known |= {s.get_name() for t in tables(table) for s in t.get_symbols()
              if s.is_declared_global() and s.is_assigned()}  # fmt: skip
    missing = {
        s.get_name()
        for t in tables(table)
        for s in t.get_symbols()
        if s.is_referenced() and s.is_global() and s.get_name() not in known
    }
    lines: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in missing:
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
    for name, line in sorted(lines.items(), key=lambda pair: pair[1]):
        yield Note(
            "undefined", line, name, f"Line {line}: {name} is not defined anywhere."
        )


def tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """A scope and all inside it."""
    todo = [table]
    while todo:
        one = todo.pop()
        yield one
        todo += one.get_children()


def imports(tree: ast.Module) -> Iterator[Note]:
    """Imports of what the sandbox has not, or nobody needs here."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." if node.level else node.module or "."]
        else:
            continue
        for name in names:
            if name.partition(".")[0] not in IMPORTS:
                line = node.lineno
                said = (
                    f"Line {line}: {name} is imported; only NumPy and math are there."
                )
                yield Note("import", line, name, said)


def renamed(found: ast.FunctionDef, name: str) -> Iterator[Note]:
    if found.name != name:
        said = f"The function is called {found.name}, not {name}."
        yield Note("renamed", found.lineno, found.name, said)


def signature(
    found: ast.FunctionDef, own: Sequence[str], arguments: Sequence[str]
) -> Iterator[Note]:
    """An argument too many or too few."""
    spec = found.args
    needed = len(own) - len(spec.defaults)
    demanded = [a.arg for a, d in zip(spec.kwonlyargs, spec.kw_defaults) if d is None]
    many = len(arguments)
    if demanded or needed > many or (len(own) < many and not spec.vararg):
        said = (
            f"{found.name} takes ({', '.join([*own, *demanded])}), and is called with "
            f"({', '.join(arguments)})."
        )
        yield Note("signature", found.lineno, found.name, said)


def unused(found: ast.FunctionDef) -> Iterator[Note]:
    """Arguments that the function never reads; a name that is read inside it counts."""
    nodes = [n for statement in found.body for n in ast.walk(statement)]
    met = {
        n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
    }
    met |= {n.target.id for n in nodes
            if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)}  # fmt: skip
    for a in (*found.args.posonlyargs, *found.args.args, *found.args.kwonlyargs):
        if a.arg not in met:
            said = f"The argument {a.arg} is not used."
            yield Note("unused", a.lineno, a.arg, said)
