"""What each update rule assigns, in one place: worked by the kinds, run by the training.

A function for each rule; its arguments choose the form. `decay` adds λ·w to the gradient.
"""

from __future__ import annotations

from fractions import Fraction

from solver.expressions.nodes import Expr
from solver.kinds.stepping import COUPLED, Rule, formula

STEP = "step against the gradient"


def slope(decay: bool) -> str:
    """The gradient, with that of the penalty (λ/2)·wᵀw where there is one."""
    return "(g + lambda*w)" if decay else "g"


def sgd(decay: bool = False) -> Rule:
    """w − α g: Goodfellow, algorithm 8.1."""
    notes = ("one gradient a step: of a sample (SGD), a mini-batch, or all data",)
    line = ("w", STEP, formula(f"w - alpha*{slope(decay)}"))
    return Rule((line,), (), (*notes, COUPLED) if decay else notes)


def heavy_ball(nesterov: bool = False, decay: bool = False, torch: bool = True) -> Rule:
    """Momentum and Nesterov's, in PyTorch's form or the textbook's (Goodfellow 8.15)."""
    g = slope(decay)
    if torch:
        step = f"w - alpha*({g} + mu*v)" if nesterov else "w - alpha*v"
        lines = (("v", "velocity", formula(f"mu*v + {g}")), ("w", STEP, formula(step)))
        note = "PyTorch's form: the learning rate stands outside the velocity"
        if nesterov:
            note += "; g is the gradient at w itself"
    else:
        lines = (
            ("v", "velocity", formula(f"mu*v - alpha*{g}")),
            ("w", "step", formula("w + v")),
        )
        note = "the textbook's form: the learning rate is inside the velocity"
        if nesterov:
            note += "; g is the gradient at the point looked ahead to, w + μ·v"
    other = (
        "without dampening" if torch else "v is −α times the velocity of PyTorch's form"
    )
    notes = (note, other, COUPLED) if decay else (note, other)
    return Rule(lines, ("v",), notes, {"mu": Fraction(9, 10)})


def rmsprop(inside: bool = False, decay: bool = False) -> Rule:
    """The step divided by the root of the mean squared gradient; ε inside it or beside it."""
    g = slope(decay)
    root = "sqrt(v + epsilon)" if inside else "(sqrt(v) + epsilon)"
    lines = (
        ("v", "mean of squared gradients", formula(f"beta*v + (1 - beta)*{g}^2")),
        ("w", "scaled step", formula(f"w - alpha*{g}/{root}")),
    )
    note = (
        "ε is added inside the root (Goodfellow)"
        if inside
        else "ε is added to the root (PyTorch)"
    )
    return Rule(
        lines,
        ("v",),
        (note, COUPLED) if decay else (note,),
        {
            "beta": Fraction(9, 10) if inside else Fraction(99, 100),
            "epsilon": Fraction(1, 10**8),
        },
    )


def adam(
    decay: bool = False, decoupled: bool = False, correction: bool = True
) -> Rule:
    """Adam (Kingma and Ba, algorithm 1); decoupled, AdamW: w shrinks apart from the means."""
    coupled = decay and not decoupled
    g = slope(coupled)
    lines: list[tuple[str, str, Expr]] = [
        ("m", "mean of gradients", formula(f"beta1*m + (1 - beta1)*{g}")),
        ("v", "mean of squared gradients", formula(f"beta2*v + (1 - beta2)*{g}^2")),
    ]
    first, second = "m", "v"
    if correction:
        lines += [
            ("mhat", "corrected for the start at 0", formula("m/(1 - beta1^t)")),
            ("vhat", "corrected for the start at 0", formula("v/(1 - beta2^t)")),
        ]
        first, second = "mhat", "vhat"
    kept = "(1 - alpha*lambda)*w" if decoupled else "w"
    step = f"{kept} - alpha*{first}/(sqrt({second}) + epsilon)"
    lines.append(
        ("w", "decay, and scaled step" if decoupled else "scaled step", formula(step))
    )
    notes: tuple[str, ...] = (
        (
            "ε is added to the root, as in Kingma and Ba, algorithm 1, and in PyTorch",
            "t counts from 1",
        )
        if correction
        else ("without the correction of the start at 0",)
    )
    if decoupled:
        notes += (
            "decoupled decay: it does not enter the means (Loshchilov and Hutter)",
        )
    if coupled:
        notes += (COUPLED, "AdamW decays apart from the means instead")
    return Rule(
        tuple(lines),
        ("m", "v"),
        notes,
        {
            "alpha": Fraction(1, 1000),
            "beta1": Fraction(9, 10),
            "beta2": Fraction(999, 1000),
            "epsilon": Fraction(1, 10**8),
            **({"lambda": Fraction(1, 100)} if decoupled else {}),
        },
    )
