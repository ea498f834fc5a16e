"""Every part in problems/ against the ground truth of the same id, value by value.

Numbers are held against its answer_value, expressions in letters against its
answer_expr at seeded points.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from solver.answers.stated import Rubric, Stated
from solver.code.value import Code
from solver.expressions.nodes import Expr, evaluate, letters
from solver.expressions.parse import parse
from solver.kinds import solve
from solver.properties import Property
from solver.sets import bundled, load_set, solve_part
from solver.values import Options, Record
from tests.conformance import Case, timed
from tests.conformance_expressions import expression_differs


def parts(path: Path) -> Iterator[Case]:
    """The parts of the bundled set that has this file's name."""
    if path.stem not in bundled():
        return
    whole = load_set(path.stem)
    truth = {r["id"].partition(".")[2]: r for r in records(path)}
    for problem in whole.problems:

        def examine(problem: Any = problem) -> str:
            if problem.id not in truth:
                return "no ground truth has this id"
            answer = solve_part(whole, problem)
            if isinstance(answer.value, Code):  # its truth is about what the key demonstrates
                answer = solve(problem.demonstrations[0])
            row = truth[problem.id]
            if isinstance(getattr(answer.value, "value", None), Rubric):
                return "it is computed, and prose here" if row["computable"] else ""
            if not row["computable"] and "answer_value" not in row:
                return ""  # more is computed here than the ground truth asks for
            return disagreement(answer.value, answer.name, row)

        yield timed(f"{path.stem}.{problem.id}", examine)


def records(path: Path) -> list[dict[str, Any]]:
    """The records of a ground-truth file; YAML is read where PyYAML is installed."""
    try:
        import yaml
    except ImportError:
        raise SystemExit(
            "reading the ground truth needs PyYAML: pip install pyyaml"
        ) from None
    return yaml.safe_load(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def disagreement(value: Any, name: str, truth: Mapping[str, Any]) -> str:
    """What differs between a part's value and its ground truth, or nothing."""
    trees = list(value.values()) if isinstance(value, Mapping) else [value]
    if "answer_expr" in truth and all(isinstance(t, Expr) for t in trees):
        return expression_differs(trees, truth["answer_expr"])
    wanted = truth.get("answer_value")
    if wanted is None:  # prose, or a measurement: that the part is there is all
        computable = truth.get("computable") is not False
        return "the ground truth has no answer_value" if computable else ""
    if isinstance(wanted, Mapping):  # {coefficient_of_x_i: {predicted: -1, …}}
        wanted = {**wanted, **inner(wanted)}
    if not isinstance(wanted, Mapping) and isinstance(value, Mapping):
        return in_parts(value, wanted, truth.get("answer_expr"))
    if not isinstance(wanted, Mapping):
        return "" if agree(value, wanted) else f"{plain(value)}, not {wanted}"
    named = value if isinstance(value, Record) else {name: value}
    alone = named is not value
    shared = {k: wanted[t] for k in named if (t := twin(k, wanted, alone)) is not None}
    if not shared:
        return f"none of {', '.join(named)} is among {', '.join(wanted)}"
    tol = float(truth.get("tol", 0))
    wrong = [
        f"{k} is {plain(named[k])}, not {w}"
        for k, w in shared.items()
        if not agree(named[k], w) and not near(named[k], w, tol)
    ]
    return "; ".join(wrong)


def in_parts(value: Mapping[str, Any], wanted: Any, formula: Any) -> str:
    """What differs where a part asks for a formula and for what it gives."""
    trees = [t for t in value.values() if isinstance(t, Expr)]
    if formula is not None and (wrong := expression_differs(trees, formula)):
        return wrong
    others = [v for v in value.values() if not isinstance(v, Expr)]
    met = agree(others, wanted) or any(agree(v, wanted) for v in others)
    return "" if met else f"none of {others} is {wanted}"


def near(value: Any, wanted: Any, tol: float) -> bool:
    """Whether two numbers are as near as the ground truth asks for."""
    if not isinstance(wanted, (int, float)) or not isinstance(value, (int, float, Fraction)):
        return False
    return abs(float(value) - wanted) <= tol * max(1.0, abs(wanted))


# Our name of a value and the ground truth's, where a course would not say it so.
OTHERWISE = {
    "var": "var_biased",
    "running_mean": "mean",
    "running_var": "var",
    "best_epoch": "best_acc_epoch",
    "ratio": "grad_ratio_without_reset",
    "z": "grad_z",
    "gamma": "grad_gamma",
    "b2": "output_bias_grad_nonzero",
    "W2_in_step_1": "step1_grad_W2_nonzero",
    "W1_by_step_2": "step2_grad_W1_nonzero",
    "network": "outputs_00_01_10_11",
    "relu_units": "min_relu_units",
    "hidden_with_linear_output": "min_hidden_if_linear_output_allowed",
    "largest_gradient_on_last_label": "max_abs_gradient_on_positives",
    "output_all_zero": "train_output_all_zero",
    "largest_gradient_before": "max_abs_grad_before",
}


def inner(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of the tables inside a table."""
    tables = [t for t in wanted.values() if isinstance(t, Mapping)]
    return {k: v for t in tables for k, v in t.items()}


def twin(name: str, wanted: Mapping[str, Any], alone: bool) -> str | None:
    """The ground truth's name of a value of ours: the same, or shape in its order."""
    for candidate in (
        name,
        f"{name}_hwc",
        f"{name}s",
        "total" if name == "params" else name,
        OTHERWISE.get(name, name),
    ):
        if candidate in wanted:
            return candidate
    # A part that asks for one thing is compared with what the ground truth states first.
    return next(iter(wanted)) if alone else None


def agree(value: Any, wanted: Any) -> bool:
    """Whether a value of ours says what the ground truth says."""
    if isinstance(value, Stated) and isinstance(wanted, list) and isinstance(wanted[0], float):
        return [float(n) for n in re.findall(r"-?[\d.]+", value.text)] == wanted  # an interval
    if isinstance(value, Stated):  # options: DBA is D > B > A
        said = "".join(wanted) if isinstance(wanted, list) else str(wanted)
        return re.sub(r"[\s,>]", "", value.text) == re.sub(r"\s", "", said)
    if isinstance(value, Property):  # any network is right: the outputs of ours
        value = getattr(value, "outputs", ())
    if isinstance(value, Expr) and isinstance(wanted, list):  # [27, 3] is 27C² + 3C
        terms = [f"{a}*C^{len(wanted) - i}" for i, a in enumerate(wanted)]
        return same_expression(value, " + ".join(terms))
    if isinstance(value, Expr):
        return isinstance(wanted, str) and same_expression(value, wanted)
    if isinstance(value, Options) and wanted and isinstance(wanted, list):
        return [
            list(o.values()) if isinstance(o, Mapping) else list(o) for o in value
        ] == wanted
    if isinstance(wanted, (list, tuple)) and isinstance(value, (list, tuple)):
        return len(value) == len(wanted) and all(
            agree(a, b) for a, b in zip(value, wanted)
        )
    if isinstance(wanted, Mapping) and isinstance(value, Mapping):
        return all(k in value and agree(value[k], w) for k, w in wanted.items())
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    if isinstance(wanted, float) and isinstance(value, (int, float, Fraction)):
        return abs(float(value) - wanted) <= 1e-6 * max(1.0, abs(wanted))
    if isinstance(wanted, str) and isinstance(value, str):
        return value == wanted
    if isinstance(wanted, str):
        try:
            return evaluate(parse(wanted)) == value
        except (ValueError, KeyError):
            return False
    return bool(value == wanted)


def same_expression(ours: Expr, theirs: str) -> bool:
    """Whether an expression in the ground truth's notation is the same as ours."""
    for s in letters(ours):  # X1 is our X_1
        theirs = re.sub(rf"\b{s.name.replace('_', '')}\b", s.name, theirs)
    tree = parse(re.sub(r"\*\*", "^", theirs))
    names = {s.name for s in (*letters(ours), *letters(tree))}
    tried = [
        {n: 3 + 2 * i + 5 * j for i, n in enumerate(sorted(names))} for j in range(6)
    ]
    return all(
        abs(evaluate(ours, env) - evaluate(tree, env)) <= 1e-12 * abs(evaluate(ours, env))
        for env in tried
    )


def plain(value: Any) -> str:
    from solver.values import to_json

    return json.dumps(to_json(value), ensure_ascii=False)[:80]
