"""The ground truth's expressions, NumPy as Python text, beside ours at seeded points.

The text is read with `ast` and only what is listed here is carried out; nothing is
given to eval. A name stands for the array of ours of the same name.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from solver.expressions.nodes import Expr, evaluate
from solver.expressions.points import points as scalar_points
from solver.numeric.prove import points as typed_points
from solver.numeric.trees import value
from solver.values import has_dims

POINTS, CLOSE = 32, 1e-7  # points at most: cases and steps need many
OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.MatMult: lambda a, b: a @ b,
    ast.Pow: lambda a, b: a**b,
    ast.Gt: lambda a, b: a > b,
    ast.Lt: lambda a, b: a < b,
    ast.GtE: lambda a, b: a >= b,
    ast.Eq: lambda a, b: a == b,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "log": np.log,
    "exp": np.exp,
    "tanh": np.tanh,
    "sqrt": np.sqrt,
    "maximum": np.maximum,
    "sigma": lambda x: 1 / (1 + np.exp(-x)),
    "array": np.array,
    "concatenate": np.concatenate,
}
METHODS: dict[str, Callable[..., Any]] = {
    "ravel": np.ravel,
    "sum": np.sum,
    "trace": np.trace,
}
# The ground truth's name of a letter of ours, where they differ by more than a dash.
OTHERWISE = {"lam": "lambda", "yi": "y", "F": "L", "K[i]": "k"}


class Unread(ValueError):
    """The text holds something that is not carried out here."""


def computed(text: str, names: Mapping[str, Any]) -> Any:
    """The value of an expression in NumPy's notation, names looked up."""

    def at(node: ast.AST) -> Any:
        if isinstance(node, ast.Expression):
            return at(node.body)
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return node.value
        if isinstance(node, ast.Name):
            if node.id not in names:
                raise Unread(f"ours has no letter {node.id}")
            return names[node.id]
        if isinstance(node, ast.Subscript) and ast.unparse(node) in names:
            return names[ast.unparse(node)]  # a row of ours that has its own letter
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](at(node.left), at(node.right))
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            compared = OPERATORS[type(node.ops[0])]
            return compared(at(node.left), at(node.comparators[0]))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -at(node.operand)
        if isinstance(node, ast.List):
            return [at(x) for x in node.elts]
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return np.transpose(at(node.value))
        if isinstance(node, ast.Call):
            return called(node)
        raise Unread(f"{ast.unparse(node)[:40]} is not read")

    def called(node: ast.Call) -> Any:
        axes = {
            k.arg: k.value.value
            for k in node.keywords
            if k.arg == "axis" and isinstance(k.value, ast.Constant)
        }
        args = [at(a) for a in node.args]
        if isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
            return FUNCTIONS[node.func.id](*args)
        if isinstance(node.func, ast.Attribute):
            owner, name = node.func.value, node.func.attr
            if isinstance(owner, ast.Name) and owner.id == "np" and name in FUNCTIONS:
                return FUNCTIONS[name](*args)
            if name in METHODS:
                return METHODS[name](at(owner), *args, **axes)
        raise Unread(f"{ast.unparse(node.func)[:40]} is no function here")

    return at(ast.parse(text.strip(), mode="eval"))


def named(ours: Mapping[str, Any]) -> dict[str, Any]:
    """Our letters under the ground truth's names: v_1 is v1, λ is lam."""
    found = {**ours, **{k.replace("_", ""): v for k, v in ours.items()}}
    for theirs, name in OTHERWISE.items():
        if name in found:
            found.setdefault(theirs, found[name])
    return found


def values_at(trees: Sequence[Expr]) -> Any:
    """(letters, our values) at seeded points."""
    if any(has_dims(t) for t in trees):
        for arrays, size in typed_points(trees, seed=11):
            with np.errstate(all="ignore"):
                yield {**size, **arrays}, [value(t, arrays, size) for t in trees]
        return
    for env in scalar_points(*trees, seed=11):
        try:
            yield env, [evaluate(t, env) for t in trees]
        except (ArithmeticError, ValueError):
            continue  # outside the domain, or at a kink


def expression_differs(
    ours: Sequence[Expr],
    theirs: str,
    forward: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda names: names,
) -> str:
    """Where our expressions, one after the other, differ from the ground truth's.

    `forward` makes the letters of a point fit one another (a1 = tanh(z1)).
    """
    met = 0
    for letters, found in values_at(ours):
        try:
            wanted = np.asarray(computed(theirs, named(forward(letters))), dtype=float)
        except Unread as e:
            return f"the ground truth's {theirs[:60]}: {e}"
        if not np.all(np.isfinite(wanted)):
            continue
        if len(found) == 1 and wanted.ndim != 1:
            flat = np.asarray(found[0], dtype=float)
        else:
            flat = np.concatenate([np.ravel(f) for f in found])
        if flat.shape != wanted.shape:
            return f"{shown(ours)} has the shape {flat.shape}, not {wanted.shape}"
        if not np.allclose(flat, wanted, rtol=CLOSE, atol=CLOSE):
            return f"{shown(ours)} is not {theirs[:60]}"
        met += 1
        if met == POINTS:
            return ""
    return "" if met else f"{shown(ours)} has no value at the points tried"


def shown(trees: Sequence[Expr]) -> str:
    return "; ".join(map(str, trees))[:80]
